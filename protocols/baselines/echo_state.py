"""Echo state networks in plain NumPy, for comparison: random neurons and a linear readout.

Nothing learns but the readout, and that all at once, from all states: it is neither online nor
local. For the prediction of chaotic series these networks are what others are measured by.
"""

import itertools

import numpy as np

from brian_le.checks import check_array, check_not_negative, check_positive, whole_number

__all__ = ['EchoStateNetwork', 'fit_readout', 'select']


class EchoStateNetwork:
    """Random recurrent neurons that leak.

    ``r = (1 - leak)*r + leak*tanh(W r + W_in x + b)`` in each step, from 0 on; ``rng`` draws W
    (normal, with the spectral radius as its largest absolute eigenvalue), then ``W_in`` and b
    (uniform up to ``input_scale``).

    References
    ----------
    Jaeger (2001), The "echo state" approach to analysing and training recurrent neural networks;
    Jaeger and Haas (2004), Science 304:78.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.protocols.baselines.echo_state import EchoStateNetwork, fit_readout
    >>> x = np.sin(0.1*np.arange(500))[:, None, None]  # [step, sample, input]
    >>> states = EchoStateNetwork(20, 1, np.random.default_rng(1)).run(x)
    >>> readout = fit_readout(states[100:-5], x[105:], penalty=1e-8)
    >>> bool(abs(readout(states[100:-5]) - x[105:]).max() < 0.02)
    True
    """

    def __init__(self, n, n_inputs, rng, *, spectral_radius=0.9, leak=1.0, input_scale=1.0):
        n, n_inputs = whole_number('n', n), whole_number('n_inputs', n_inputs)
        check_not_negative('spectral_radius', spectral_radius)
        check_positive('leak', leak)
        if leak > 1:
            raise ValueError(f'leak is {leak}; it has to be at most 1')
        check_not_negative('input_scale', input_scale)
        recurrent = rng.normal(size=(n, n))
        self.recurrent = recurrent*(spectral_radius/abs(np.linalg.eigvals(recurrent)).max())
        self.input = input_scale*rng.uniform(-1, 1, (n, n_inputs))
        self.bias = input_scale*rng.uniform(-1, 1, n)
        self.leak = leak

    def run(self, inputs):
        """The states of the neurons, [step, sample, neuron], for inputs [step, sample, input]."""
        inputs = check_array('inputs', inputs, (None, None, self.input.shape[1]))
        drive = inputs @ self.input.T + self.bias
        states, r = np.empty_like(drive), np.zeros_like(drive[0])
        for step, now in enumerate(drive):
            r = (1 - self.leak)*r + self.leak*np.tanh(r @ self.recurrent.T + now)
            states[step] = r
        return states


def fit_readout(states, targets, penalty):
    """The linear readout with the least squared error, by ridge regression: a function of states.

    States are [step, sample, neuron], targets [step, sample, output]. The squared weights are
    multiplied with the penalty and added to the mean squared error; the constant is free.
    """
    check_not_negative('penalty', penalty)
    states = check_array('states', states, (None, None, None))
    targets = check_array('targets', targets, (*states.shape[:2], None))
    r, wanted = states.reshape(-1, states.shape[-1]), targets.reshape(-1, targets.shape[-1])
    r_mean, mean = r.mean(axis=0), wanted.mean(axis=0)
    centred = r - r_mean
    # one row per neuron instead of one per step: the states of some neurons may be alike
    weights = np.linalg.lstsq(centred.T @ centred/len(r) + penalty*np.eye(r.shape[-1]),
                              centred.T @ (wanted - mean)/len(r), rcond=None)[0]
    return lambda states: (states - r_mean) @ weights + mean


def select(make, train, validation, washout, *, penalties, **grid):
    """The network and the readout with the least error in data that the readout was not fitted to.

    Of `train` and `validation`, inputs [step, sample, input] and targets [step, sample, output],
    the first steps (`washout`) are passed over. All combinations of the values in `grid` are tried
    as options of `make`, which gives an `EchoStateNetwork`, each with all penalties; what was
    chosen is returned as well.
    """
    best = None
    for values in itertools.product(*grid.values()):
        options = dict(zip(grid, values))
        network = make(**options)
        (states, wanted), (shown, expected) = (
            (network.run(inputs)[washout:], np.asarray(targets)[washout:])
            for inputs, targets in (train, validation))
        for penalty in penalties:
            readout = fit_readout(states, wanted, penalty)
            error = np.mean((readout(shown) - expected)**2)
            if best is None or error < best[0]:
                best = error, network, readout, options | {'penalty': penalty}
    return best[1:]
