"""A clock that counts steps and periods, and goes on from one launch of a program to the next."""

from brian2.core.clocks import defaultclock
from brian2.units.fundamentalunits import Quantity
from brian2.units.stdunits import ms

from brian_le.checks import check_name
from brian_le.models.experiment.presentations import whole_steps
from brian_le.populations import Population

__all__ = ['StepClock']

_COUNTERS = '''
step : integer (shared)                 # within the period, from 0
period : integer (shared)               # from 0; negative before the first one
now : second (shared)                   # since the beginning
n_steps : integer (shared, constant)    # per period
n_before : integer (shared, constant)   # steps before the first period
'''

# All is counted: a program begins every launch at t = 0, but with the counts of the last one.
_TICK = '''
step = (step + 1) % n_steps
period = period + int(step == 0)
now = (1.0*period*n_steps + step + n_before)*dt
'''


class StepClock(Population):
    """Counts time steps, and periods of so many steps.

    A group of one neuron with shared variables, which other objects follow (`drive`), and at which
    a `Recorder` records. Its counts are state: a compiled program that is launched again from the
    end of its last launch counts on, where Brian2's ``t`` begins at 0.

    Parameters
    ----------
    period : Quantity
        A whole number of time steps of `brian2.defaultclock`.
    before : Quantity, optional
        How long the simulation goes on before the first period, such as to settle; by default
        it begins with it.
    equations : str
        Further variables that others are to follow, such as ``'amplitude : 1 (shared, constant)'``.
    name : str
        Its name.

    Attributes
    ----------
    step : int
        Step within the period, from 0; -1 before a run.
    period : int
        From 0, negative `before` the first one.
    now : Quantity
        Time since the beginning.
    n_steps, n_before : int
        Steps of a period, and before the first period.

    Raises
    ------
    ValueError
        For times that are not a whole number of time steps.
    brian2.units.DimensionMismatchError
        For something that is not a time.

    Examples
    --------
    >>> from brian2 import Network, ms
    >>> from brian_le.models import StepClock
    >>> clock = StepClock(50*ms, before=0.5*ms)
    >>> Network(clock).run(0.7*ms)
    >>> int(clock.period[:]), int(clock.step[:]), int(clock.n_steps[:])
    (0, 1, 500)
    """

    def __init__(self, period, before=0*ms, equations='', name='step_clock'):
        check_name('a clock', name)
        dt = Quantity(defaultclock.dt)
        n_steps = whole_steps(name, period, dt, 'period')
        n_before = whole_steps(name, before, dt, 'before', least=0)
        super().__init__(1, _COUNTERS + equations, name=name, namespace={})
        self.n_steps, self.n_before = n_steps, n_before
        self.period, self.step = divmod(-n_before - 1, n_steps)
        # first, so that all else sees the counts of its own step
        self.run_regularly(_TICK, when='before_start', order=-1, name=f'{name}_tick')
