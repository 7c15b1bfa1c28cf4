"""Stimulus and target patterns, presented one after the other."""

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.core.variables import linked_var
from brian2.equations.equations import Equations
from brian2.input.timedarray import TimedArray
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity
from brian2.units.stdunits import ms

from brian_le import stimulus
from brian_le.checks import check_array, check_flag, check_name, check_positive, whole_number
from brian_le.models.containers import Container
from brian_le.models.options import one_value
from brian_le.populations import Population
from brian_le.step import STIMULUS

__all__ = ['Presentations']

_SCHEDULE = Equations('''
step : integer (shared)                        # within the presentation, from 0
presentation : integer (shared)                # from 0
pattern : integer (shared)                     # row of the patterns
nudged : 1 (shared)                            # 1 where the targets are applied, else 0
learning : 1 (shared)                          # 1 where synapses learn, else 0
n_steps : integer (shared, constant)           # per presentation
n_presentations : integer (shared, constant)
''')

# It counts as a `StepClock` does, but is none: its counts are in exported projects and states by
# these names, and what follows from them is looked up in the same operation.
_ADVANCE = '''
step = (step + 1) % n_steps
presentation = presentation + int(step == 0)
pattern = int(order_of(({number} + 0.25)*ms))
nudged = nudged_in(({number} + 0.25)*ms)
learning = learning_in(({number} + 0.25)*ms)
'''


class _Schedule(Population):
    """A schedule refuses to be set what it takes from its tables in every step."""

    def __setattr__(self, key, value, level=0):
        if key.rstrip('_') in ('pattern', 'nudged', 'learning'):
            raise AttributeError(
                f"'{key}' of '{self.name}' is taken from the tables of the presentations in every "
                'step; give order=, nudged= or learning= to Presentations, one value for each')
        super().__setattr__(key, value, level=level + 1)


class Presentations(Container):
    """A sequence of input and target patterns, each shown for the same time.

    A light container of plain Brian2 objects: the ``schedule``, a group of one whose shared
    variables say which presentation it is, and the population ``inputs`` that plays the input
    patterns back. A circuit adds a population for the targets (`target_group`).

    Parameters
    ----------
    inputs : array_like
        The input patterns, of shape (patterns, inputs): rates.
    targets : array_like, optional
        The target patterns, of shape (patterns, outputs): potentials. Without them there is no
        nudging.
    duration : Quantity
        Time of one presentation, a whole number of time steps of `brian2.defaultclock`.
    order : array_like of int, optional
        Which pattern is shown in each presentation; by default every pattern once.
    nudged, learning : bool or array_like of bool
        Whether the targets are applied, and whether synapses learn: for all presentations, or
        one value for each.
    tau_0 : Quantity, optional
        Time constant of the low-pass filter of inputs and targets; by default one time step,
        which means no filter.
    capacity : int, optional
        Room for this many presentations, if the sequence is to be replaced by a longer one
        between runs of one compiled simulation (see `tables`). By default as many as `order`
        has.
    repeat : bool
        What comes after the last presentation: by default its pattern stays, with the flags that
        it has, as the last value of a `brian2.TimedArray` does; with True all come again, from the
        first one on.
    name : str
        Name of the schedule, and first part of the other names.

    Attributes
    ----------
    schedule : NeuronGroup
        One neuron with the shared variables ``step``, ``presentation``, ``pattern``,
        ``nudged``, ``learning``, ``n_steps`` and ``n_presentations``.
    inputs : NeuronGroup
        Rates ``r`` (and ``r_sent``) of the input patterns.
    n_steps, n_presentations : int
        Steps of one presentation, and number of presentations.
    total_duration : Quantity
        The time that all presentations take together.
    n_inputs, n_outputs : int
        Widths of the patterns; ``n_outputs`` is 0 without targets.

    Raises
    ------
    ValueError
        For patterns that are not finite, of unequal number, an order that names a pattern that
        does not exist, flags of the wrong length, or a duration that is not a whole number of
        time steps.
    brian2.units.DimensionMismatchError
        For a duration or time constant that is not a time.

    References
    ----------
    Haider et al. (2021), supplement on microcircuits (arXiv 2110.14549); ``tau_0`` there.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import ms
    >>> from brian_le.models import Presentations
    >>> p = Presentations(np.eye(3), np.eye(3), duration=10*ms, order=[0, 2, 1, 0],
    ...                   nudged=[True, True, True, False])
    >>> p.total_duration
    40. * msecond
    """

    _set_elsewhere = {what: f'give {what}=... to Presentations, one value for each of them'
                      for what in ('order', 'nudged', 'learning', 'pattern')}

    def __init__(self, inputs, targets=None, *, duration, order=None, nudged=True, learning=True,
                 tau_0=None, capacity=None, repeat=False, name='presentations'):
        self.name = check_name('presentations', name)
        self.dt = Quantity(defaultclock.dt)
        tau_0 = self.dt if tau_0 is None else one_value(name, 'tau_0', tau_0, second)
        self.n_steps = whole_steps(name, duration, self.dt)
        check_positive(f"tau_0 of '{name}'", tau_0)
        if tau_0 < self.dt*(1 - 1e-9):
            raise ValueError(f"tau_0 of '{name}' is {tau_0}, less than the time step {self.dt}; "
                             'give at least the time step (which means no filter)')
        inputs = check_array(f"inputs of '{name}'", inputs, (None, None))
        n_patterns, self.n_inputs = inputs.shape
        if not inputs.size:
            raise ValueError(f"inputs of '{name}' have the shape {inputs.shape}; give at least one "
                             'pattern of at least one input')
        self.n_outputs = 0
        if targets is not None:
            targets = check_array(f"targets of '{name}'", targets, (n_patterns, None))
            self.n_outputs = targets.shape[1]
            if not self.n_outputs:
                raise ValueError(f"targets of '{name}' have the shape {targets.shape}; give at "
                                 'least one target for each pattern, or no targets')
        order = np.arange(n_patterns) if order is None else order
        order = check_array(f"order of '{name}'", order, (None,))
        self.capacity = (len(order) if capacity is None
                         else whole_number(f"'{name}': capacity", capacity))
        self._n_patterns = n_patterns
        tables = self._tables(order, nudged, learning)
        self.n_presentations = len(order)
        self.repeat = check_flag(f"repeat of '{name}'", repeat)
        self._tau_0 = tau_0
        self._patterns = {'input': inputs, 'target': targets}

        #: The tables behind the schedule, by the name that its code knows them by.
        self.timed_arrays = {key: TimedArray(values, dt=1*ms, name=f'{name}_{key}')
                             for key, values in tables.items()}
        advance = _ADVANCE.format(number='presentation % n_presentations' if self.repeat
                                  else 'presentation')
        self.schedule = _Schedule(1, _SCHEDULE, name=name, namespace=dict(self.timed_arrays))
        self.schedule.run_regularly(advance, when='before_start', order=-1,
                                    name=f'{name}_advance')
        self.schedule.step = self.schedule.presentation = -1
        self.schedule.n_steps = self.n_steps
        self.schedule.n_presentations = self.n_presentations
        self.inputs = self._population('input', 'r', Equations(''), STIMULUS, f'{name}_inputs')

    def tables(self, order, nudged=True, learning=True):
        """A sequence of presentations, as values for a run of a compiled simulation.

        Parameters
        ----------
        order, nudged, learning
            As for the class.

        Returns
        -------
        dict of str to numpy.ndarray
            Values of the tables ``NAME_order_of``, ``NAME_nudged_in`` and ``NAME_learning_in`` by
            ``'table.values'``, each of length `capacity`, padded with their last value.

        Raises
        ------
        ValueError
            As for the class.
        """
        return {f'{self.name}_{key}.values': values
                for key, values in self._tables(order, nudged, learning).items()}

    def _tables(self, order, nudged, learning):
        """What the schedule reads, by the name that its code knows it by."""
        order = check_array(f"order of '{self.name}'", order, (None,))
        if not len(order):
            raise ValueError(f"order of '{self.name}' is empty; give at least one presentation")
        bad = (order != np.round(order)) | (order < 0) | (order >= self._n_patterns)
        if bad.any():
            raise ValueError(f"order of '{self.name}' names the pattern {order[bad][0]:g}, but "
                             f'there are the patterns 0 to {self._n_patterns - 1}')
        if len(order) > self.capacity:
            raise ValueError(f"'{self.name}' has room for {self.capacity} presentations, but "
                             f'order has {len(order)}; give a larger capacity')
        tables = {'order_of': order}
        for key, flags in (('nudged', nudged), ('learning', learning)):
            if np.asarray(flags).dtype.kind not in 'biuf':
                raise ValueError(f"'{key}' of '{self.name}' is {flags!r}; it has to be true or "
                                 'false, or one of them for each presentation')
            flags = np.broadcast_to(flags, order.shape) if np.ndim(flags) == 0 else flags
            flags = check_array(f"'{key}' of '{self.name}'", flags, order.shape)
            if not np.isin(flags, (0, 1)).all():
                raise ValueError(f"'{key}' of '{self.name}' has to be true or false")
            tables[f'{key}_in'] = flags
        pad = self.capacity - len(order)
        return {key: np.pad(values, (0, pad), mode='edge') for key, values in tables.items()}

    @property
    def total_duration(self):
        """The time that all presentations take together."""
        return self.n_presentations*self.n_steps*self.dt

    def target_group(self, name, order):
        """A population that plays the target patterns back.

        It publishes the target as ``u_sent`` and the nudging flag as ``on``. Updated before the
        circuit it gives the target of this step, updated after it that of the step before.

        Parameters
        ----------
        name : str
            Name of the population.
        order : float
            Its place in slot ``'groups'`` of a step.

        Returns
        -------
        NeuronGroup

        Raises
        ------
        ValueError
            If there are no targets.
        """
        if not self.n_outputs:
            raise ValueError(f"'{self.name}' has no targets")
        publish = Equations('''u_sent : 1
                               u_sent_now = u : 1
                               on : 1
                               on_now = nudged : 1
                               nudged : 1 (linked)''')
        group = self._population('target', 'u', publish, order, name)
        group.nudged = linked_var(self.schedule, 'nudged')
        group.on = self.timed_arrays['nudged_in'].values[0]
        return group

    def _population(self, kind, variable, more, order, name):
        patterns = self._patterns[kind]
        table = TimedArray(patterns, dt=1*ms, name=f'{name}_patterns')
        self.timed_arrays[name] = table
        equations = stimulus(f'{kind}_patterns((pattern + 0.25)*ms, i)', variable)
        group = Population(patterns.shape[1], equations + more + 'pattern : integer (linked)',
                           method='prospective_euler', order=order, name=name,
                           namespace={f'{kind}_patterns': table})
        group.pattern = linked_var(self.schedule, 'pattern')
        group.tau_0 = self._tau_0
        setattr(group, variable, patterns[int(self.timed_arrays['order_of'].values[0])])
        return group

    def __iter__(self):
        return iter((self.schedule, self.inputs))

    def __repr__(self):
        return (f"<Presentations '{self.name}': {self.n_presentations} presentations of "
                f'{self.n_steps*self.dt}, {self._n_patterns} patterns, {self.n_inputs} inputs, '
                f'{self.n_outputs} targets'
                f'{", again and again" if self.repeat else ""}>')


def whole_steps(name, duration, dt, what='duration', least=1):
    """How many time steps a duration has; a ValueError if their number is not whole."""
    duration = one_value(name, what, duration, second)
    steps = float(duration/dt)
    if least:
        check_positive(f"{what} of '{name}'", duration)
    if round(steps) < least or abs(steps - round(steps)) > 1e-6:
        raise ValueError(f"{what} of '{name}' is {duration}, which is not a whole number of "
                         f'time steps of {dt}')
    return round(steps)
