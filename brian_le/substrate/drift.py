"""Parameters and weights that change slowly by themselves."""

import numpy as np
from brian2.units.allunits import hertz, second
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch

from brian_le.checks import check_array, check_not_negative, check_positive
from brian_le.clocks import own_clock
from brian_le.rewriting import is_shared, kind_of, with_expression, without_flags
from brian_le.substrate.imperfection import Imperfection, check_name, choose_shared, one_value
from brian_le.substrate.randomness import normal_number  # noqa: F401, known to equations from here

__all__ = ['Drift']


class Drift(Imperfection):
    """A parameter that drifts in time: steadily, at random, or both.

    In vivo synapses fade and turn over, and excitability wanders over hours. On a chip temperature
    and ageing shift currents and time constants, and charge leaks from analogue memories.

    At every update x becomes ``x*(1 + rate*every + wander*sqrt(every/second)*z)``, with a new
    normal number z for each unit, or for all that share it. That is done to the parameter itself if
    it is stored, as the weights ``w`` of a projection, which learning can then restore; if it is an
    expression, to a new variable ``drift_x``, 1 at first, which multiplies it.

    A parameter that is an expression of this one, as ``tau_r = tau_m``, drifts along with it.

    A parameter that is handed over in every step by synapses, such as a time constant that learns,
    has to drift where it is kept: ``Drift('tau', ..., on='*tau_m*')``.

    Parameters
    ----------
    parameter : str
        Name of the parameter.
    rate : Quantity
        Relative change per time (1/time); negative for what fades.
    wander : float
        Relative standard deviation that the random part gathers in one second.
    every : Quantity, optional
        Interval of the updates, by default every step. Random numbers for each synapse take time:
        an interval of many steps costs little. Cut a simulation into pieces at multiples of it.
    shared : bool, optional
        Whether all units of an object drift as one (true: a chip has one temperature), or each by
        itself (false). By default it is as the parameter: what is shared, by its flag in the
        equations, stays shared, and other parameters differ from unit to unit.
    on : str
        Pattern of the names of groups or projections.

    Raises
    ------
    ValueError
        For a rate that is not finite, a negative `wander`, an interval that is not positive, what
        is no name.
    brian2.units.DimensionMismatchError
        For a `rate` that is not in 1/time, or an interval that is not a time.

    Examples
    --------
    >>> from brian2 import Network, ms, second
    >>> from brian_le import point_neuron
    >>> from brian_le.substrate import Drift, Substrate
    >>> substrate = Substrate([Drift('tau_m', 10/second)], seed=1)
    >>> G = substrate.neurons(2, point_neuron(tau_m='constant'), name='cells',
    ...                       method='prospective_euler')
    >>> G.tau_m = 10*ms
    >>> substrate.settle()
    >>> Network(G).run(10*ms)
    >>> (G.tau_m[:]/ms).round(2)
    array([11.05, 11.05])
    """

    strengths = ('rate', 'wander')

    def __init__(self, parameter, rate=0/second, *, wander=0.0, every=None, shared=None, on='*'):
        super().__init__(on)
        self.parameter = check_name("parameter of 'Drift'", parameter)
        for what, value in (('rate', rate), ('wander', wander),
                            *([] if every is None else [('interval', every)])):
            one_value(f"{what} of the drift of '{parameter}'", value)
        fail_for_dimension_mismatch(Quantity(rate), hertz, f"rate of the drift of '{parameter}' is "
                                    'not in 1/time')
        self.rate = float(check_array(f"rate of the drift of '{parameter}'", float(rate), ()))
        fail_for_dimension_mismatch(Quantity(wander), 1, f"wander of the drift of '{parameter}' is "
                                    'not a number')
        check_not_negative(f"wander of the drift of '{parameter}'", wander)
        self.wander = float(wander)
        if every is not None:
            fail_for_dimension_mismatch(Quantity(every), second, 'the interval of the drift of '
                                        f"'{parameter}' is not a time")
            check_positive(f"interval of the drift of '{parameter}'", every)
        self.every = every
        self.shared = choose_shared(shared, f"the drift of '{parameter}'")

    def __repr__(self):
        return f'Drift({self.parameter!r}, {self.rate:g}/second, wander={self.wander:g})'

    @property
    def is_absent(self):
        return self.rate == 0 and self.wander == 0

    def clocks(self, site):
        return [site.object.clock] if self.every is None else []

    def changes(self, equations, is_projection):
        x = self.parameter
        return (x in equations and not {'linked', 'summed'} & set(equations[x].flags)
                and not (is_projection and kind_of(equations, x) == 'computed'))

    @property
    def required(self):
        return (self.parameter,)

    def found(self, equations, is_projection):
        return self.required if self.changes(equations, is_projection) else ()

    def rewritten(self, equations, is_projection):
        return [x for x in self.found(equations, is_projection)
                if kind_of(equations, x) == 'stored']

    def equations(self, equations, is_projection):
        x = self.parameter
        drift = f'drift_{x}'
        if f'nominal_{x}' in equations:
            raise ValueError(f"'{x}' drifts, and has a mismatch together with an expression of it; "
                             'give that one a stored value of its own')
        shared = is_shared(x, equations) if self.shared is None else self.shared
        if not shared:
            equations = without_flags(equations, x, 'shared')
        if kind_of(equations, x) == 'computed':
            equations = with_expression(equations, x, f'{{}}*{drift}')
            equations += f'{drift} : 1{" (shared)" if shared else ""}'
        else:
            equations = without_flags(equations, x, 'constant')
        return equations + (f'{drift}_step : integer (shared)\n'
                            f'{drift}_key : integer (shared, constant)\n'
                            f'{drift}_rate : 1 (shared, constant)\n'
                            f'{drift}_wander : 1 (shared, constant)\n'
                            f'{drift}_unit : integer '
                            f'({"shared, constant" if shared else "constant"})')

    def attach(self, site):
        x, drift = self.parameter, f'drift_{self.parameter}'
        drifting = x
        if drift in site.equations:
            drifting = drift
            site.set({drift: 1.0})
        site.object.run_regularly(
            f'{drift}_step = {drift}_step + 1\n'
            f'{drifting} = {drifting}*(1 + {drift}_rate + {drift}_wander'
            f'*normal_number({drift}_key, {drift}_step, {drift}_unit))',
            clock=own_clock(f'{site.name}_{drift}', self.every), when='start',
            name=f'{site.name}_{drift}')

    def values(self, site, rng):
        drift = f'drift_{self.parameter}'
        interval = float(site.dt if self.every is None else self.every)
        shared = is_shared(f'{drift}_unit', site.equations)
        return {f'{drift}_rate': self.rate*interval,
                f'{drift}_wander': self.wander*np.sqrt(interval),
                f'{drift}_key': int(rng.integers(2**31)),
                f'{drift}_unit': 0 if shared else site.for_all(np.arange(site.size))}
