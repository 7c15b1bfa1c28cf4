"""Samples that change in time, shown in batches."""

import numpy as np

from brian_le.checks import check_name
from brian_le.models.experiment.batches import Batches

__all__ = ['Sequences']


class Sequences(Batches):
    """Batches of samples that change in time, such as sounds.

    As `Batches`, with several points in time in each sample, which are shown one after the other
    for equal times.

    Parameters
    ----------
    samples : array_like
        Rates, of shape (samples, points) or (samples, points, inputs).
    targets : array_like, optional
        Of shape (samples, outputs) if they stay the same during a sample, or (samples, points,
        outputs).
    duration : Quantity
        Time of one sample; every point has a whole number of time steps.
    replicas, capacity, repeat, name
        As for `Batches`. By default the last point of the last batch stays.

    Attributes
    ----------
    n_points : int
        Points in each sample.
    schedule, inputs, n_batches, n_steps, replicas, n_inputs, n_outputs, duration, total_duration
        As of `Batches`.

    Raises
    ------
    ValueError
        As for `Batches`, and for samples of unequal lengths.
    brian2.units.DimensionMismatchError
        For a duration that is not a time.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import Network, ms
    >>> from brian_le.models import Dense, GLENetwork, Sequences
    >>> shown = Sequences(np.random.rand(4, 20), np.eye(4)[:, :2], duration=20*ms, replicas=2)
    >>> net = GLENetwork(1, [Dense(3), Dense(2)], batches=shown, eta=0.1/ms)
    >>> Network(shown, net).run(shown.total_duration)
    """

    def __init__(self, samples, targets=None, *, duration, replicas=1, capacity=None,
                 repeat=False, name='sequences'):
        self.name = check_name('sequences', name)
        samples = self._in_time('samples', samples)
        if targets is not None and _moves(targets):
            targets = self._in_time('targets', targets)
        self.n_points = samples.shape[1]
        self._points = {'samples': self.n_points, 'targets': 1}
        if np.ndim(targets) == 3:
            self._points['targets'] = self.n_points
        super().__init__(samples, targets, duration=duration, replicas=replicas,
                         capacity=capacity, repeat=repeat, name=name)
        if self.n_steps % self.n_points:
            raise ValueError(f"a sample of '{name}' has {self.n_points} points, which do not "
                             f'divide its {self.n_steps} time steps')

    def _in_time(self, what, values):
        """Values as an array [sample, point, neuron]."""
        if not np.iterable(values):
            raise ValueError(f"{what} of '{self.name}' is {values!r}; give an array (samples, "
                             'points) or (samples, points, neurons)')
        lengths = sorted({len(value) if np.iterable(value) else 0 for value in values})
        if len(lengths) > 1:
            raise ValueError(f"{what} of '{self.name}' have {lengths[0]} to {lengths[-1]} points; "
                             'bring them to one length')
        values = np.asarray(values)
        if values.ndim == 2:
            values = values[..., np.newaxis]
        if values.ndim != 3 or not values.size:
            raise ValueError(f"{what} of '{self.name}' have the shape {values.shape}; give an "
                             'array (samples, points) or (samples, points, neurons)')
        return values

    def _rows(self, what, values):
        if self._points[what] > 1 or what == 'samples':
            values = self._in_time(what, values)
            if values.shape[1] != self._points[what]:
                raise ValueError(f"{what} of '{self.name}' have {values.shape[1]} points, but "
                                 f'{self._points[what]} are needed')
        return super()._rows(what, values)


def _moves(targets):
    """Whether targets have a value for every point in time."""
    return np.iterable(targets) and any(
        np.iterable(target) and any(np.iterable(point) for point in target) for target in targets)
