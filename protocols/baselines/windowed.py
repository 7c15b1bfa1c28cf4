"""Learning from windows of time, for comparison: gradients after a window, and steps along them.

What learns offline sees a window of steps, goes back through it, and changes its weights once. The
neurons go on from window to window, so that gradients are those of truncated backpropagation
through time, or of the adjoint method. All states can be kept, so that a long run can be cut.
"""

import numpy as np

from brian_le.checks import check_array, check_not_negative, check_positive, choose, whole_number
from brian_le.protocols.baselines.adjoint import adjoint_gradients, adjoint_signals, bptt_gradients

__all__ = ['Adam', 'Momentum', 'WindowedStudent', 'train_truncated']


class Momentum:
    """Gradient descent with momentum, in the arithmetic of ``torch.optim.SGD``.

    All that later steps depend on is its `state`: the sums ``('momentum', *key)``, by the keys of
    the gradients.
    """

    def __init__(self, rate, momentum=0.0, state=None):
        check_not_negative('rate', rate)
        _check_decay('momentum', momentum)
        self._rate, self._momentum = rate, momentum
        self.state = _copied(state)

    def step(self, weights, gradients):
        """Change those weights in place for which there are gradients."""
        for key, gradient in gradients.items():
            before = self.state.get(('momentum', *key), 0.0)
            self.state['momentum', *key] = self._momentum*before + gradient
            weights[key] -= self._rate*self.state['momentum', *key]


class Adam:
    """Adam, in the arithmetic of ``torch.optim.Adam``.

    All that later steps depend on is its `state`: ``('steps', *key)``, ``('mean', *key)`` and
    ``('square', *key)``, by the keys of the gradients.
    """

    def __init__(self, rate, decays=(0.9, 0.999), eps=1e-8, state=None):
        check_not_negative('rate', rate)
        check_not_negative('eps', eps)
        self._decays = check_array('decays', decays, (2,)).tolist()
        _check_decay('decays', self._decays)
        self._rate, self._eps = rate, eps
        self.state = _copied(state)

    def step(self, weights, gradients):
        """Change those weights in place for which there are gradients."""
        for key, gradient in gradients.items():
            steps, mean, square = (self.state.get((what, *key), 0.0)
                                   for what in ('steps', 'mean', 'square'))
            of_mean, of_square = self._decays
            steps = np.asarray(steps + 1)
            mean = mean + (1 - of_mean)*(gradient - mean)
            square = of_square*square + (1 - of_square)*gradient**2
            self.state |= {('steps', *key): steps, ('mean', *key): mean, ('square', *key): square}
            root = np.sqrt(square)/np.sqrt(1 - of_square**steps) + self._eps
            weights[key] -= self._rate/(1 - of_mean**steps)*(mean/root)


def _check_decay(name, values):
    check_not_negative(name, values)
    if not np.all(np.asarray(values) < 1):
        raise ValueError(f'{name} is {values}; it has to be below 1')


def _copied(state):
    return {key: np.array(values) for key, values in (state or {}).items()}


def _adjoint_method(network, trajectory, output_errors):
    signals = adjoint_signals(network, trajectory, output_errors)
    return adjoint_gradients(network, trajectory, signals)


_METHODS = {'bptt': bptt_gradients, 'adjoint': _adjoint_method}


def train_truncated(network, inputs, targets, window, optimiser, learned, *, method='bptt',
                    state=None, least_tau_m=None):
    """Learn from one window of steps after the other, with a gradient step after each.

    Inputs are [step, batch, input], targets [step, batch, output]. The loss of a window is the sum
    over its steps of the squared difference of outputs and targets, averaged over the batch and the
    outputs. The neurons go on from window to window. A long run can be cut into calls, between
    windows: the weights, the returned state and the ``state`` of the optimiser are all that the
    next one depends on.

    The weights with the keys `learned` are changed, by gradients of the method 'bptt'
    (`bptt_gradients`) or 'adjoint' (`adjoint_signals` and `adjoint_gradients`). Time constants
    ``tau_m`` are set to `least_tau_m` after a step that brings them below it. Without a `state` of
    the neurons to go on from everything is 0.

    Returns
    -------
    losses : numpy.ndarray
        The mean squared error of each window, before its gradient step.
    state : dict of numpy.ndarray
        The state of the neurons at the end.
    """
    gradients_of = _METHODS[choose('method', method, _METHODS)]
    learned = list(learned)
    for key in learned:
        if key not in network.weights or (method == 'adjoint' and key[0] == 'tau_r'):
            raise ValueError(f"'{method}' has no gradient for weights[{key!r}]")
    inputs = check_array('inputs', inputs, (None, None, None))
    targets = check_array('targets', targets, (*inputs.shape[:2], None))
    window = whole_number('window', window)
    if not len(inputs) or len(inputs) % window:
        raise ValueError(f'{len(inputs)} steps are not a whole number of windows of {window}')
    if least_tau_m is not None:
        check_positive('least_tau_m', least_tau_m)
    losses = []
    for start in range(0, len(inputs), window):
        trajectory = network.run(inputs[start:start + window], state)
        wanted = check_array('targets', targets[start:start + window], trajectory.outputs.shape)
        differences = wanted - trajectory.outputs
        losses.append(np.mean(differences**2))
        if not np.isfinite(losses[-1]):
            raise FloatingPointError(f'outputs are no longer finite in window {len(losses)} of '
                                     f'{len(inputs)//window}; use a smaller learning rate')
        gradients = gradients_of(network, trajectory, 2/differences.shape[-1]*differences)
        optimiser.step(network.weights, {key: gradients[key] for key in learned})
        for key in learned:
            if key[0] == 'tau_m' and least_tau_m is not None:
                np.maximum(network.weights[key], least_tau_m, out=network.weights[key])
        state = trajectory.state
    return np.array(losses), state


class WindowedStudent:
    """A `TemporalNetwork` that learns beside a simulation, and what to keep of it in a checkpoint.

    Its options are those of `train_truncated`; `name` is the first part of the names of its arrays,
    and its attribute `neurons` the state of the neurons, None at rest.
    """

    def __init__(self, name, network, optimiser, window, learned, method='bptt', least_tau_m=None):
        self.name, self.network, self.optimiser = name, network, optimiser
        self.window, self.learned = window, list(learned)
        self._options = dict(method=method, least_tau_m=least_tau_m)
        self.neurons = None

    def follow(self, inputs):
        """Run without learning; the trajectory."""
        trajectory = self.network.run(inputs, self.neurons)
        self.neurons = trajectory.state
        return trajectory

    def learn(self, inputs, targets):
        """Learn from whole windows; the mean squared error of each.

        Raises a FloatingPointError that names the student and the window if it diverges.
        """
        try:
            losses, self.neurons = train_truncated(
                self.network, inputs, targets, self.window, self.optimiser, self.learned,
                state=self.neurons, **self._options)
        except FloatingPointError as error:
            raise FloatingPointError(f"'{self.name}': {error}") from None
        return losses

    def parts(self):
        """What it learns and what its next step depends on, by the part that it belongs to."""
        weights = {key: self.network.weights[key] for key in self.learned}
        return {'weights': weights, 'neurons': self.neurons or {}, 'memory': self.optimiser.state}

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
        self.optimiser.state = found['memory']
