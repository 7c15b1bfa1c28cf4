"""Neurons and synapses that have failed."""

import numpy as np
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch
from brian2.utils.stringtools import get_identifiers

from brian_le.checks import check_array
from brian_le.rewriting import kind_of, read_as, source_of, unit_of, with_expression
from brian_le.substrate.imperfection import Imperfection, check_name, check_names, is_numeric

__all__ = ['Dead', 'Stuck']

_SILENT = ('r', 'slope', 'err')  # what dead neurons do not have, of those that there are
#: The variable of `Dead`, by whether it is that of synapses: these see those of their neurons.
_ALIVE = {False: 'alive', True: 'conducts'}


class _Fault(Imperfection):
    """A fraction of the neurons or synapses, chosen at random, that does not work.

    Which ones is told by a variable of each unit, 1 or 0, that may be changed between two runs.
    """

    strengths = ('fraction',)

    def __init__(self, fraction, on):
        super().__init__(on)
        what = f"fraction of '{type(self).__name__}'"
        if not is_numeric(fraction):
            raise ValueError(f'{what} is {fraction!r}; give a number from 0 to 1')
        self.fraction = float(check_array(what, fraction, ()))
        if not 0 <= self.fraction <= 1:
            raise ValueError(f'{what} is {fraction}; give a number from 0 to 1')

    @property
    def is_absent(self):
        return self.fraction == 0

    def _chosen(self, site, rng):
        """Whether each unit has failed; of one seed, a larger fraction has the same and more."""
        failed = np.zeros(site.size, bool)
        failed[rng.permutation(site.size)[:round(self.fraction*site.size)]] = True
        return site.for_all(failed)


class Dead(_Fault):
    """Neurons that are silent, or synapses that carry nothing and do not learn.

    In vivo cells die, and spines are lost. On a chip a neuron circuit or a synapse does not come up
    after fabrication, or fails later.

    A new variable ``alive``, 1 or 0, multiplies what neurons compute and publish; of a differential
    equation it multiplies the derivative, and the state is held at 0. In a projection a variable
    ``conducts`` multiplies all sums and all that learns. A protocol may set them between two runs,
    to let units die or recover. (What a neuron published before the first step, such as the rate at
    rest, is still read there.) The default takes the error ``err`` together with the rate: what
    leads to a dead neuron does not learn, and nothing comes back through it.

    Parameters
    ----------
    fraction : float
        Share of the units of each object: ``round(fraction*n)`` of n, all replicas of one neuron
        together.
    variables : str or sequence of str
        What dead neurons do not have: those of these variables that a group computes. With ``'u'``
        among them the membrane is dead, too, for those who read potentials. The name of a synaptic
        variable, ``'w'``, means the synapses that have it.
    on : str
        Pattern of the names of groups or projections.

    Raises
    ------
    ValueError
        For a fraction beyond 0 to 1, or no variables. By `Substrate.settle`: for one of several
        variables that no object has (of the default ones some may be missing).

    Examples
    --------
    >>> from brian2 import Network, ms
    >>> from brian_le import point_neuron
    >>> from brian_le.substrate import Dead, Substrate
    >>> substrate = Substrate([Dead(0.3)], seed=1)
    >>> G = substrate.neurons(10, point_neuron(), name='cells', method='prospective_euler')
    >>> G.v_in = 1
    >>> substrate.settle()
    >>> Network(G).run(1*ms)
    >>> int((G.r[:] == 0).sum())
    3
    """

    def __init__(self, fraction, *, variables=_SILENT, on='*'):
        super().__init__(fraction, on)
        self.variables = check_names("variables of 'Dead'", variables)

    def __repr__(self):
        return f'Dead({self.fraction:g}, variables={self.variables!r})'

    @property
    def required(self):
        return () if self.variables == _SILENT else self.variables

    def found(self, equations, is_projection):
        if is_projection:
            return equations.names & set(self.variables) if _active(equations) else set()
        return [x for x in self.variables if x in equations
                and kind_of(equations, source_of(x, equations)) != 'stored']

    def changes(self, equations, is_projection):
        return bool(self.found(equations, is_projection))

    def equations(self, equations, is_projection):
        lines = (_active(equations) if is_projection else
                 [source_of(x, equations) for x in self.found(equations, False)])
        alive = _ALIVE[is_projection]
        for line in lines:
            equations = with_expression(equations, line, f'{alive}*{{}}')
        return equations + f'{alive} : 1'

    def check_code(self, name, equations, written):
        for variable, code in written.items():
            acts = variable.endswith(('_pre', '_post')) or (
                variable in equations and kind_of(equations, variable) == 'integrated')
            if 'conducts' in equations and acts and 'conducts' not in get_identifiers(code):
                raise ValueError(f"'{code}' of '{name}' changes '{variable}' for dead synapses as "
                                 "well; multiply what it adds by their variable 'conducts'")

    def attach(self, site):
        site.set({_ALIVE[site.is_projection]: 1})  # until it is drawn
        if not site.is_projection:
            equations = site.equations
            _hold(site, 'alive', {x: f'alive*{x}' for x in self.found(equations, False)
                                  if kind_of(equations, x) == 'integrated'})

    def values(self, site, rng):
        return {_ALIVE[site.is_projection]: 1.0 - self._chosen(site, rng)}


class Stuck(_Fault):
    """Neurons whose output does not move from one value, or synapses that do not learn any more.

    In vivo a cell is driven into saturation, or a synapse has lost its plasticity. On a chip a line
    is stuck at a level, or a memory cell cannot be written.

    For a variable x, new variables ``works_x``, 1 or 0, and ``stuck_x`` make what neurons compute
    or publish ``works_x*x + stuck_x``; of a differential equation they stop the state. Of a
    projection ``works_x`` stops the learning of x, which goes on to conduct. Both may be changed
    between two runs.

    Parameters
    ----------
    fraction : float
        Share of the units of each object, as for `Dead`.
    at : float, Quantity or pair, optional
        The value they are stuck at, or the lowest and the highest of values that are drawn
        uniformly. Without it x stays where it is, which only a differential equation can do.
    variable : str
        Name of the variable: ``'r'`` for rates, ``'w'`` for weights.
    on : str
        Pattern of the names of groups or projections.

    Raises
    ------
    ValueError
        For a fraction beyond 0 to 1, a pair that is no range, or, where a group is created, no
        value for a variable that is not the state of a differential equation.
    brian2.units.DimensionMismatchError
        In `settle`, for a value in other units than the variable.

    Examples
    --------
    >>> from brian2 import Network, ms
    >>> from brian_le import point_neuron
    >>> from brian_le.substrate import Stuck, Substrate
    >>> substrate = Substrate([Stuck(0.5, at=1.5)], seed=1)
    >>> G = substrate.neurons(2, point_neuron(), name='cells', method='prospective_euler')
    >>> substrate.settle()
    >>> Network(G).run(1*ms)
    >>> G.r[:]
    array([1.5, 0. ])
    """

    strengths = ('fraction', 'at')

    def __init__(self, fraction, at=None, *, variable='r', on='*'):
        super().__init__(fraction, on)
        self.variable = check_name("variable of 'Stuck'", variable)
        self.at = at
        if at is not None:
            try:
                bounds = np.asarray(at, dtype=float)
            except (TypeError, ValueError):
                bounds = np.array(np.nan)
            if not (bounds.shape in ((), (2,)) and np.isfinite(bounds).all()):
                raise ValueError(f"at of 'Stuck' is {at!r}; give a finite value, or the lowest and "
                                 'the highest')
            if bounds.shape and bounds[0] > bounds[1]:
                raise ValueError(f"at of 'Stuck' is {at!r}; give the lowest value first")

    def __repr__(self):
        return f'Stuck({self.fraction:g}, {self.at!r}, variable={self.variable!r})'

    @property
    def structure(self):
        # where they are stuck at something at all, it is a variable
        return super().structure | {'at': 'where it is' if self.at is None else 'a level'}

    def changes(self, equations, is_projection):
        x = self.variable
        if x not in equations:
            return False
        kind = kind_of(equations, x if is_projection else source_of(x, equations))
        return kind == 'integrated' or kind == 'computed' and not is_projection

    def equations(self, equations, is_projection):
        x = self.variable
        line, unit = source_of(x, equations), unit_of(equations[x])
        if is_projection:
            equations = with_expression(equations, x, f'works_{x}*{{}}')
            if self.at is not None:
                equations = read_as(equations, x, f'works_{x}*{{}} + stuck_{x}')
        elif kind_of(equations, line) == 'integrated':
            equations = with_expression(equations, x, f'works_{x}*{{}}')
        elif self.at is None:
            raise ValueError(f"'{x}' is computed anew in every step and has no value to stay at; "
                             f"give one, Stuck({self.fraction:g}, at=...)")
        else:
            equations = with_expression(equations, line, f'works_{x}*{{}} + stuck_{x}')
        stuck = '' if self.at is None else f'\nstuck_{x} : {unit}'
        return equations + (f'works_{x} : 1' + stuck)

    def check_code(self, name, equations, written):
        x = self.variable
        works = f'works_{x}'
        # with a level it does not matter what is stored
        moves = self.at is None and x in written and works in equations
        if (moves and kind_of(equations, x) == 'integrated'
                and works not in get_identifiers(written[x])):
            raise ValueError(f"'{written[x]}' of '{name}' changes '{x}' where it is stuck as well; "
                             f"multiply what it adds by the variable '{works}'")

    def attach(self, site):
        x, equations = self.variable, site.equations
        site.set({f'works_{x}': 1})  # until it is drawn
        if (not site.is_projection and self.at is not None
                and kind_of(equations, source_of(x, equations)) == 'integrated'):
            _hold(site, f'works_{x}', {x: f'works_{x}*{x} + stuck_{x}'})

    def values(self, site, rng):
        x, failed = self.variable, self._chosen(site, rng)
        values = {f'works_{x}': 1.0 - failed}
        if self.at is not None:
            at = Quantity(self.at)
            fail_for_dimension_mismatch(at, site.object.variables[x],
                                        f"the value that '{x}' of '{site.name}' is stuck at has "
                                        'other units')
            low, high = np.broadcast_to(np.asarray(at), 2)
            values[f'stuck_{x}'] = failed*site.for_all(rng.uniform(low, high, site.size))
        return values


def _active(equations):
    """The lines of a projection that act on neurons, or learn."""
    return [x for x, eq in equations.items()
            if 'summed' in eq.flags or kind_of(equations, x) == 'integrated']


def _hold(site, name, states):
    """Hold states at what they are stuck at, from the beginning of every step on."""
    if states:
        site.object.run_regularly('\n'.join(f'{x} = {held}' for x, held in states.items()),
                                  when='start', name=f'{site.name}_{name}')
