"""Noise on rates, potentials and other variables of neurons."""

import numpy as np
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch
from brian2.units.stdunits import ms

from brian_le.checks import check_not_negative
from brian_le.substrate.imperfection import (Imperfection, kind_of, read_as, source_of, unit_of,
                                             with_expression)
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

    Parameters
    ----------
    variable : str
        Name of the variable: ``'r'`` for the rates.
    strength : float or Quantity
        Standard deviation, in the units of the variable.
    tau : Quantity
        Correlation time; 0 (the default) is white noise, a new number in every step, whatever the
        time step.
    on : str
        Pattern of the names of groups.

    Raises
    ------
    ValueError
        For a negative strength or correlation time, or coloured noise on a differential equation.
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

    counts_steps = True

    def __init__(self, variable, strength, *, tau=0*ms, on='*'):
        super().__init__(on)
        self.variable = variable
        check_not_negative(f"strength of the noise on '{variable}'", strength)
        if np.shape(strength):
            raise ValueError(f"strength of the noise on '{variable}' is {strength}; give one for "
                             'all neurons')
        fail_for_dimension_mismatch(Quantity(tau), second,
                                    f"tau of the noise on '{variable}' is not a time")
        check_not_negative(f"tau of the noise on '{variable}'", tau)
        self.strength, self.tau = strength, Quantity(tau)

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
                or any(x in eq.identifiers for eq in equations.values()
                       if eq.expr is not None and eq.varname != f'{x}_sent'))

    def equations(self, equations, is_projection):
        x = self.variable
        noise, line, unit = f'{x}_noise', source_of(x, equations), unit_of(equations[x])
        kind = kind_of(equations, line)
        if kind == 'computed':
            equations = with_expression(equations, line, f'{{}} + {noise}')
        elif kind == 'stored':
            equations = read_as(equations, x, f'{{}} + {noise}')
        elif self.tau > 0*second:
            raise ValueError(f"'{x}' is the state of a differential equation, whose noise is white;"
                             ' give tau=0*ms, or put the noise on one of its inputs')
        return equations + (f'{noise} : {unit}\n'
                            f'{noise}_strength : {unit} (shared, constant)\n'
                            f'{noise}_memory : 1 (shared, constant)\n'
                            f'{noise}_key : integer (shared, constant)\n'
                            f'{noise}_step : integer (shared)')

    def attach(self, site):
        group, noise = site.object, f'{self.variable}_noise'
        code = [f'{noise}_step = {noise}_step + 1',
                f'{noise} = {noise}_memory*{noise} + {noise}_strength*sqrt(1 - {noise}_memory**2)'
                f'*normal_number({noise}_key, {noise}_step, i)']
        if kind_of(group.equations, source_of(self.variable, group.equations)) == 'integrated':
            group.namespace[f'{noise}_time'] = 1*ms
            code.append(f'{self.variable} = {self.variable} + {noise}*sqrt(dt/{noise}_time)')
        group.run_regularly('\n'.join(code), when='start', name=f'{group.name}_{noise}')

    def values(self, site, rng):
        noise = f'{self.variable}_noise'
        fail_for_dimension_mismatch(Quantity(self.strength), site.object.variables[noise],
                                    f"strength of the noise on '{self.variable}' of "
                                    f"'{site.name}' has other units")
        memory = np.exp(-site.dt/float(self.tau)) if self.tau > 0*second else 0.0
        return {f'{noise}_strength': float(self.strength), f'{noise}_memory': memory,
                f'{noise}_key': int(rng.integers(2**31))}
