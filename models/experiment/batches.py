"""Samples shown in batches, one after the other, with their targets."""

import math

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.input.timedarray import TimedArray
from brian2.units.fundamentalunits import Quantity
from brian2.units.stdunits import ms

from brian_le import ReplicatedGroup
from brian_le.checks import check_array, check_flag, check_name, whole_number
from brian_le.clocks import own_clock
from brian_le.models.containers import Container
from brian_le.models.experiment.presentations import whole_steps
from brian_le.populations import Population
from brian_le.step import STIMULUS

__all__ = ['Batches', 'switches']


def switches(name):
    """A group of one whose shared variables switch nudging, learning and matching on."""
    group = Population(1, """nudged : 1 (shared)    # 1 where targets act, else 0
                              learning : 1 (shared)  # 1 where weights and biases learn, else 0
                              matching : 1 (shared)  # 1 where time constants learn, else 0""",
                        name=name, namespace={})
    group.nudged = group.learning = group.matching = 1
    return group


class Batches(Container):
    """Batches of samples, each shown for the same time to the replicas of a network.

    A light container of plain Brian2 objects: the population ``inputs`` that plays the samples
    back, and the ``schedule``, a group of one whose shared variables switch nudging and learning.
    What a batch shows is set once, at its beginning, by operations with a clock of their own.

    Parameters
    ----------
    samples : array_like
        Rates, of shape (samples, inputs) or (samples, rows, columns, channels), in the order in
        which they are shown. Replica b sees the samples b, b + replicas, ...
    targets : array_like, optional
        Of shape (samples, outputs); for classes ``np.eye(n)[classes]``.
    duration : Quantity
        Time of one batch, a whole number of time steps of `brian2.defaultclock`.
    replicas : int
        Size of a batch; the number of samples is a multiple of it.
    capacity : int, optional
        Room for this many batches, if the samples are to be replaced between runs of one compiled
        simulation (see `tables`). By default as many as there are.
    repeat : bool
        What comes after the last batch: by default it stays, as the last value of a
        `brian2.TimedArray` does; with True all come again, from the first one on.
    name : str
        First part of the names of all objects.

    Attributes
    ----------
    schedule : NeuronGroup
        One neuron with the shared variables ``nudged``, ``learning`` and ``matching``, which are 1.
    inputs : ReplicatedGroup
        The rates ``r`` (and ``r_sent``) of the samples.
    n_batches, n_steps, replicas, n_inputs, n_outputs : int
        Batches, steps of one batch, size of a batch, widths of samples and targets.
    duration, total_duration : Quantity
        Of one batch, and of all.

    Raises
    ------
    ValueError
        For values that are not finite, unequal numbers of samples and targets, samples that do not
        fill the last batch, or a duration that is not a whole number of time steps.
    brian2.units.DimensionMismatchError
        For a duration that is not a time.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import Network, ms
    >>> from brian_le.models import Batches, Dense, LayeredNetwork
    >>> shown = Batches(np.eye(4), np.eye(4)[:, :2], duration=1*ms, replicas=2)
    >>> net = LayeredNetwork(4, [Dense(3), Dense(2)], batches=shown, eta=0.1/ms)
    >>> Network(shown, net).run(shown.total_duration)
    """

    def __init__(self, samples, targets=None, *, duration, replicas=1, capacity=None,
                 repeat=False, name='batches'):
        self.name = check_name('batches', name)
        dt = Quantity(defaultclock.dt)
        self.n_steps = whole_steps(name, duration, dt)
        self.duration = self.n_steps*dt
        self.replicas = whole_number(f"'{name}': replicas", replicas)
        self.repeat = check_flag(f"repeat of '{name}'", repeat)
        samples, targets = self._checked(samples, targets)
        widths = {key: values.shape[1]//self._points[key] for key, values in (
            ('samples', samples), ('targets', targets)) if values is not None}
        self.n_inputs, self.n_outputs = widths['samples'], widths.get('targets', 0)
        self.n_batches = self._whole_batches(samples)
        self.capacity = (self.n_batches if capacity is None
                         else whole_number(f"'{name}': capacity", capacity))
        self._tables = {key: TimedArray(values, dt=1*ms, name=f'{name}_{key}')
                        for key, values in self._padded(samples, targets).items()}
        self.schedule = switches(f'{name}_schedule')
        self.inputs = ReplicatedGroup(self.n_inputs, 'r : 1\nr_sent = r : 1', namespace={},
                                      replicas=self.replicas, name=f'{name}_inputs')
        self.play('samples', self.inputs, 'r')

    #: How many points in time a row of each table has.
    _points = {'samples': 1, 'targets': 1}

    def _checked(self, samples, targets, widths=(None, None)):
        """Samples and targets as rows, one for each sample."""
        samples = check_array(f"samples of '{self.name}'", self._rows('samples', samples),
                              (None, widths[0]))
        if targets is not None:
            targets = check_array(f"targets of '{self.name}'", self._rows('targets', targets),
                                  (len(samples), widths[1]))
        return samples, targets

    def _rows(self, what, values):
        """Values with one row for each sample."""
        try:
            n_axes = np.ndim(values)
        except ValueError:  # rows of different lengths
            raise ValueError(f"{what} of '{self.name}' have rows of different lengths; bring them "
                             'to one') from None
        if n_axes < 2 or not math.prod(np.shape(values)[1:]):
            raise ValueError(f"{what} of '{self.name}' have the shape {np.shape(values)}; give one "
                             'row for each sample, of classes np.eye(n)[classes]')
        return np.reshape(values, (len(values), math.prod(np.shape(values)[1:])))

    def _whole_batches(self, samples):
        n, rest = divmod(len(samples), self.replicas)
        if rest or not n:
            raise ValueError(f"'{self.name}' has {len(samples)} samples, which do not fill whole "
                             f'batches of {self.replicas}; leave {rest} of them out'
                             if n else f"'{self.name}' has {len(samples)} samples, less than one "
                             f'batch of {self.replicas}')
        return n

    def _padded(self, samples, targets):
        room = self.capacity*self.replicas
        if len(samples) > room:
            raise ValueError(f"'{self.name}' has room for {self.capacity} batches of "
                             f'{self.replicas}, but there are {len(samples)} samples; give a '
                             'larger capacity')
        if self.repeat and room % len(samples):
            raise ValueError(f"'{self.name}' repeats {len(samples)//self.replicas} batches, of "
                             f'which its capacity of {self.capacity} is not a multiple; give one '
                             'that is')
        # the row of a sample, for as many as there is room for
        rows = np.arange(room)
        if not self.repeat:
            rows = np.minimum(rows, len(samples) - self.replicas + rows % self.replicas)
        tables = {'samples': samples} | ({} if targets is None else {'targets': targets})
        padded = {}
        for key, values in tables.items():
            points = values[rows % len(samples)].reshape(room, self._points[key], -1)
            if not self.repeat:
                points[len(samples):] = points[len(samples):, -1:]
            padded[key] = points.reshape(-1, points.shape[-1])
        return padded

    def tables(self, samples, targets=None):
        """Other samples, as values for a run of a compiled simulation.

        Parameters
        ----------
        samples, targets : array_like
            As for the class, at most `capacity` batches.

        Returns
        -------
        dict of str to numpy.ndarray
            Values of the tables by ``'name.values'``.

        Raises
        ------
        ValueError
            As for the class, or for more samples than there is room for.
        """
        points = self._points
        samples, targets = self._checked(samples, targets, (
            self.n_inputs*points['samples'], self.n_outputs*points['targets']))
        self._whole_batches(samples)
        return {f'{self.name}_{key}.values': values
                for key, values in self._padded(samples, targets).items()}

    @property
    def total_duration(self):
        """The time that all batches take together."""
        return self.n_batches*self.duration

    def play(self, table, group, variable, first=None):
        """Let a population take its values from the samples or the targets.

        Parameters
        ----------
        table : {'samples', 'targets'}
            What to play.
        group : ReplicatedGroup
            The population.
        variable : str
            The variable that is set at the beginning of every batch.
        first : int, optional
            The first of as many columns as the population has neurons, if it takes a part of them.

        Raises
        ------
        ValueError
            If there are no targets, or the population has another size.
        """
        if table not in self._tables:
            raise ValueError(f"'{self.name}' has no targets")
        width = self._tables[table].values.shape[1]
        fits = (len(group) == width*self.replicas if first is None
                else len(group) <= (width - first)*self.replicas)
        if not fits:
            raise ValueError(f"the {table} of '{self.name}' are {width} wide, in batches of "
                             f"{self.replicas}, but '{group.name}' has {len(group)} neurons")
        points = self._points[table]
        shown = self.duration/points  # one point
        group.namespace |= {table: self._tables[table], f'time_of_{table}': shown}
        # the number of the point, since the beginning
        if self.repeat:
            number = f'int(t/time_of_{table} + 0.5)'
            batch = f'({number}//{points}) % {self.capacity}'
        else:
            number = f'int(clip(t/time_of_{table} + 0.5, 0, {self.capacity*points - 0.25}))'
            batch = f'({number}//{points})'
        row = f'({batch}*{self.replicas} + replica)*{points} + {number} % {points}'
        # The row stays a whole number, of which single precision would lose digits. A quarter more,
        # because a table rounds times by up to half a row where time steps are long beside it.
        name = f'{group.name}_play_{table}'
        column = f'{first} + neuron' if first else 'neuron'
        group.run_regularly(f'{variable} = {table}(({row})*ms + 0.25*ms, {column})',
                            clock=own_clock(name, shown), when='groups', order=STIMULUS, name=name)

    def __iter__(self):
        return iter((self.schedule, self.inputs))

    def __repr__(self):
        return (f"<Batches '{self.name}': {self.n_batches} batches of {self.replicas} samples for "
                f'{self.duration}, {self.n_inputs} inputs, {self.n_outputs} targets'
                f'{", again and again" if self.repeat else ""}>')
