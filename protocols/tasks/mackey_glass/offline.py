"""Students that the networks which learn online are compared with."""

import numpy as np
from brian2 import ms

from brian_le.protocols.baselines.adjoint import TemporalNetwork
from brian_le.protocols.baselines.echo_state import EchoStateNetwork, select
from brian_le.protocols.baselines.windowed import Adam, WindowedStudent
from brian_le.protocols.tasks.mackey_glass.series import nrmse, samples, steps

__all__ = ['backpropagation', 'echo_state', 'learn_offline']

#: What is tried for the echo state network.
GRID = dict(spectral_radius=(0.6, 0.8, 0.95, 1.1), leak=(0.1, 0.3, 1.0),
            penalties=(1e-11, 1e-9, 1e-7, 1e-5))


def backpropagation(p, layers, weights):
    """A `WindowedStudent` with the same layers and initial weights."""
    times = {(tau, k): np.broadcast_to(getattr(layer, tau)/ms, layer.n)
             for k, layer in enumerate(layers) for tau in ('tau_m', 'tau_r')}
    network = TemporalNetwork(weights | times, ['tanh']*p.hidden_layers + ['linear'], p.dt)
    return WindowedStudent('offline', network, Adam(p.bptt_rate), steps(p).window, list(weights))


def learn_offline(p, student, data):
    """One epoch of a `WindowedStudent`; its outputs in the test, [replica, sample]."""
    (inputs, targets), washout = data['train'], steps(p).washout
    if washout:
        student.follow(inputs[:washout])
    student.learn(inputs[washout:], targets[washout:])
    return samples(p, student.follow(data['test'][0]).outputs)


def echo_state(p, seed, data):
    """What an echo state network with as many hidden neurons predicts, and what it is like."""
    n, size = steps(p), p.hidden_layers*(p.slow + p.fast)
    data = {name: tuple(values[::n.sampled] for values in pair) for name, pair in data.items()}
    washout = n.washout//n.sampled
    network, readout, chosen = select(
        lambda **options: EchoStateNetwork(size, 1, np.random.default_rng([seed, 2]), **options),
        data['train'], data['validation'], washout, **GRID)
    inputs, targets = data['test']
    outputs = readout(network.run(inputs)[washout:])
    return {'echo.output': outputs[:, :, 0].T.copy(), 'echo.n_learned': np.array(size + 1),
            'echo.nrmse': np.array(nrmse(outputs, targets[washout:])),
            **{f'echo.{key}': np.array(value) for key, value in chosen.items()}}
