"""Noise on rates, potentials and other variables of neurons."""

import numpy as np
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch
from brian2.units.stdunits import ms

from brian_le.checks import check_not_negative
from brian_le.rewriting import is_shared, kind_of, read_as, source_of, unit_of, with_expression
from brian_le.substrate.imperfection import (Imperfection, check_name, choose_shared, is_numeric,
                                             one_value)
from brian_le.substrate.randomness import normal_number  # noqa: F401, known to equations from here

__all__ = ['Noise']


class Noise(Imperfection):
    """Temporal noise on a variable of neurons: white, or an Ornstein-Uhlenbeck process.

    In vivo channels open at random and synapses release unreliably. On a chip there is thermal
    noise, and rates are read from few spikes.

    For a variable x of a group, a new variable ``x_noise`` takes a new value at the beginning of
    every step. It is added

    * to a subexpression, or to what is published as x (``x_now``),
    * to a stored variable, such as a weighted sum, where it is read,
    * to the state of a differential equation in every step, times ``sqrt(dt/ms)``: the strength is
      then the standard deviation that a free variable gathers in 1 ms, and `tau` has to be zero.
      (For coloured noise on a membrane, take its input.)

    Several are added, each with random numbers of its own: thermal noise and slow noise, or slow
    noises of ten times longer correlation times each, whose sum has a spectrum of about 1/f. The
    second one on x is called ``x_noise2``, and so on.

    Noise on a time constant is read by the membrane and by the look-ahead alike. It is normal, and
    so without limits: forward Euler needs time constants of at least a time step, which the
    strength has to leave room for.

    Parameters
    ----------
    variable : str
        Name of the variable: ``'r'`` for the rates.
    strength : float or Quantity
        Standard deviation, in the units of the variable.
    tau : Quantity
        Correlation time; 0 (the default) is white noise, a new number in every step, whatever the
        time step.
    shared : bool, optional
        Whether a whole group has the same noise (true: that of its supply, or its temperature), or
        each neuron its own (false). By default it is as the variable: what is shared, by its flag
        in the equations, stays shared, and other variables differ from neuron to neuron.
    on : str
        Pattern of the names of groups.

    Raises
    ------
    ValueError
        For a negative strength or correlation time, what is no name, or coloured noise on a
        differential equation.
    brian2.units.DimensionMismatchError
        For a `tau` that is not a time, or, in `settle`, a strength in units other than those of the
        variable.

    References
    ----------
    Haider et al. (2021), Fig. 4c: white noise of 0.2 on all rates (arXiv 2110.14549). Max et al.
    (2024), Nature Machine Intelligence: noise on apical potentials, from which feedback learns.

    Examples
    --------
    >>> from brian2 import Network, ms
    >>> from brian_le import point_neuron
    >>> from brian_le.substrate import Noise, Substrate
    >>> substrate = Substrate([Noise('r', 0.2)], seed=1)
    >>> G = substrate.neurons(100, point_neuron(), name='cells', method='prospective_euler')
    >>> substrate.settle()
    >>> Network(G).run(1*ms)
    >>> bool(0.15 < G.r[:].std() < 0.25)
    True
    """

    strengths = ('strength', 'tau')

    def __init__(self, variable, strength, *, tau=0*ms, shared=None, on='*'):
        super().__init__(on)
        self.variable = check_name("variable of 'Noise'", variable)
        if not is_numeric(strength):
            raise ValueError(f"strength of the noise on '{variable}' is {strength!r}; give a "
                             "number")
        check_not_negative(f"strength of the noise on '{variable}'", strength)
        if np.shape(strength):
            raise ValueError(f"strength of the noise on '{variable}' is {strength}; give one for "
                             'all neurons')
        one_value(f"tau of the noise on '{variable}'", tau)
        fail_for_dimension_mismatch(Quantity(tau), second,
                                    f"tau of the noise on '{variable}' is not a time")
        check_not_negative(f"tau of the noise on '{variable}'", tau)
        self.strength, self.tau = strength, Quantity(tau)
        self.shared = choose_shared(shared, f"the noise on '{variable}'")

    def __repr__(self):
        return f'Noise({self.variable!r}, {self.strength})'

    @property
    def is_absent(self):
        return bool(self.strength == 0)

    def changes(self, equations, is_projection):
        x = self.variable
        if is_projection or x not in equations:
            return False
        # what is only stored and sent on is not computed here
        return (kind_of(equations, source_of(x, equations)) != 'stored'
                or bool(_look_aheads(x, equations))
                or any(x in eq.identifiers for eq in equations.values()
                       if eq.expr is not None and eq.varname != f'{x}_sent'))

    def clocks(self, site):
        return [site.object.clock]

    def _name(self, repeat):
        """The variable of the noise, with a number if it is not the first on x."""
        return f'{self.variable}_noise{repeat + 1 if repeat else ""}'

    def equations(self, equations, is_projection):
        x, repeat = self.variable, 0
        while f'{self._name(repeat)}_key' in equations:
            repeat += 1
        noise, line, unit = self._name(repeat), source_of(x, equations), unit_of(equations[x])
        shared = is_shared(x, equations) if self.shared is None else self.shared
        kind = kind_of(equations, line)
        if kind == 'computed':
            equations = with_expression(equations, line, f'{{}} + {noise}')
        elif kind == 'stored':
            for u in _look_aheads(x, equations):  # of which the integrator knows the name
                equations += f'tau_prosp_{u} = {x} : {unit}'
            equations = read_as(equations, x, f'{{}} + {noise}')
        self._check_state(kind)
        return equations + (f'{noise} : {unit}{" (shared)" if shared else ""}\n'
                            f'{noise}_strength : {unit} (shared, constant)\n'
                            f'{noise}_memory : 1 (shared, constant)\n'
                            f'{noise}_key : integer (shared, constant)\n'
                            f'{noise}_step : integer (shared)')

    def _check_state(self, kind):
        if kind == 'integrated' and self.tau > 0*second:
            raise ValueError(f"'{self.variable}' is the state of a differential equation, whose "
                             'noise is white; give tau=0*ms, or put the noise on one of its inputs')

    def attach(self, site):
        group, noise = site.object, self._name(site.repeat)
        unit = 0 if is_shared(noise, group.equations) else 'i'
        code = [f'{noise}_step = {noise}_step + 1',
                f'{noise} = {noise}_memory*{noise} + {noise}_strength*sqrt(1 - {noise}_memory**2)'
                f'*normal_number({noise}_key, {noise}_step, {unit})']
        if kind_of(group.equations, source_of(self.variable, group.equations)) == 'integrated':
            group.namespace[f'{noise}_time'] = 1*ms
            code.append(f'{self.variable} = {self.variable} + {noise}*sqrt(dt/{noise}_time)')
        group.run_regularly('\n'.join(code), when='start', name=f'{group.name}_{noise}')

    def values(self, site, rng):
        noise, equations = self._name(site.repeat), site.equations
        self._check_state(kind_of(equations, source_of(self.variable, equations)))
        fail_for_dimension_mismatch(Quantity(self.strength), site.object.variables[noise],
                                    f"strength of the noise on '{self.variable}' of "
                                    f"'{site.name}' has other units")
        memory = np.exp(-site.dt/float(self.tau)) if self.tau > 0*second else 0.0
        return {f'{noise}_strength': float(self.strength), f'{noise}_memory': memory,
                f'{noise}_key': int(rng.integers(2**31))}


def _look_aheads(x, equations):
    """The states whose look-ahead time is a stored variable, which is read by its name only."""
    if x != 'tau_r' or kind_of(equations, x) != 'stored':
        return []
    return [u for u in equations.diff_eq_names
            if f'{u}_prosp' in equations and f'tau_prosp_{u}' not in equations]
