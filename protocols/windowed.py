"""Students that learn offline, from windows of steps, in chunks of a long run."""

import numpy as np

from brian_le.protocols.adjoint import train_truncated

__all__ = ['WindowedStudent']


class WindowedStudent:
    """A `TemporalNetwork` that learns beside a simulation, and what to keep of it in a checkpoint.

    Parameters
    ----------
    name : str
        First part of the names of its arrays.
    network : TemporalNetwork
        What learns; its weights are changed.
    optimizer : Momentum or Adam
        See `brian_le.protocols.adjoint`.
    window : int
        Steps between two gradient steps.
    learned : iterable of tuple
        Keys of the weights that learn.
    method : {'bptt', 'adjoint'}
        How gradients are computed.
    least_tau_m : float, optional
        What membrane time constants stay above.

    Attributes
    ----------
    neurons : dict or None
        The state of the neurons, None for neurons at rest.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.protocols.adjoint import Momentum, TemporalNetwork
    >>> from brian_le.protocols.windowed import WindowedStudent
    >>> def student():
    ...     weights = {('forward', 0): [[1.0]], ('tau_m', 0): [1.0], ('tau_r', 0): [1.0]}
    ...     return WindowedStudent('s', TemporalNetwork(weights, ['linear'], dt=0.1),
    ...                            Momentum(0.01, 0.9), 10, [('forward', 0)])
    >>> first, second, x = student(), student(), np.ones((20, 1, 1))
    >>> first.learn(x, 2*x).shape
    (2,)
    >>> second.restore(first.state())
    >>> bool(np.all(first.learn(x, 2*x) == second.learn(x, 2*x)))
    True
    """

    def __init__(self, name, network, optimizer, window, learned, method='bptt', least_tau_m=None):
        self.name, self.network, self.optimizer = name, network, optimizer
        self.window, self.learned = window, list(learned)
        self._options = dict(method=method, least_tau_m=least_tau_m)
        self.neurons = None

    def follow(self, inputs):
        """Run without learning; the trajectory."""
        trajectory = self.network.run(inputs, self.neurons)
        self.neurons = trajectory.state
        return trajectory

    def learn(self, inputs, targets):
        """Learn from whole windows; the mean squared error of each."""
        losses, self.neurons = train_truncated(
            self.network, inputs, targets, self.window, self.optimizer, self.learned,
            state=self.neurons, **self._options)
        return losses

    def parts(self):
        """What it learns and what its next step depends on, by the part that it belongs to."""
        weights = {key: self.network.weights[key] for key in self.learned}
        return {'weights': weights, 'neurons': self.neurons or {}, 'memory': self.optimizer.state}

    def state(self):
        """All that its next step depends on, as arrays by name."""
        return {'.'.join([self.name, part, *map(str, key)]): np.array(values)
                for part, arrays in self.parts().items() for key, values in arrays.items()}

    def restore(self, state):
        """Go on from a state, which may have other arrays beside those of this student."""
        found = {'weights': {}, 'neurons': {}, 'memory': {}}
        for name, values in state.items():
            if name.startswith(f'{self.name}.'):
                _, part, *key = name.split('.')
                key = tuple(int(word) if word.isdigit() else word for word in key)
                found[part][key] = np.array(values)
        self.network.weights.update(found['weights'])
        self.neurons = found['neurons'] or None
        self.optimizer.state = found['memory']
