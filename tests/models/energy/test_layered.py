"""Layered networks settle where their energy is stationary, and learn by its descent.

The energy and its derivatives are computed from potentials and weights alone, in NumPy.
"""

from functools import partial

import numpy as np
import pytest
from brian2 import Network, StateMonitor, ms

from brian_le.models import Dense, GLENetwork, LayeredNetwork, initial_weights
from tests.models.energy.reference import cosine, derivative, energy

SIZES, BETA = (5, 4, 3), 0.2
RNG = np.random.default_rng(4)
X, TARGET = RNG.uniform(0.3, 1, 4), np.array([1.0, 0.0, 0.0])
TAU_M, TAU_R = [[RNG.uniform(low, 3, n) for n in SIZES] for low in (1, 0.5)]


def layers(tau_r=None):
    return [Dense(n, tau_m=tau_m*ms, tau_r=None if tau_r is None else ahead*ms)
            for n, tau_m, ahead in zip(SIZES, TAU_M, tau_r or TAU_M)]


def layered(**options):
    return LayeredNetwork(4, layers(), **options)


def gle(**options):
    return GLENetwork(4, layers(TAU_R), **options)


NETWORKS = {
    'LE': (layered, {}),
    'LE with another gamma': (layered, {'gamma': 0.4}),
    'LE without biases': (layered, {'bias': False}),
    'LE, voltage': (layered, {'target': 'voltage'}),
    'LE, cross-entropy': (layered, {'loss': 'cross_entropy'}),
    'LE, rates at the input': (layered, {'rate_at': 'input'}),
    'LE, filters': (layered, {'tau_s': 0.5*ms, 'tau_err': 0.5*ms, 'tau_target': 0.5*ms}),
    'GLE': (gle, {'gamma': 1.0}),
    'GLE, a gamma for each layer': (gle, {'gamma': (0.3, 0.8, 0.5)}),
    'GLE, cross-entropy': (gle, {'gamma': 1.0, 'loss': 'cross_entropy'}),
    'GLE, instantaneous errors': (gle, {'gamma': 1.0, 'errors': 'instantaneous'}),
}


def made(make, options, seed=1, **more):
    """A network that is shown X and TARGET, and does not learn yet."""
    net = make(activation='tanh', beta=BETA, eta=1e-4/ms, rng=seed, energy=True, **options, **more)
    for k in range(len(SIZES)):
        net.weights['forward', k] *= 1.3
        if ('bias', k) in net.weights:
            net.weights['bias', k] = np.linspace(-0.3, 0.3, SIZES[k])
    net.inputs.r, net.output.target, net.schedule.learning = X, TARGET, 0
    return net


def settle(net, duration=70*ms):
    """Let it settle; all look-aheads of the neurons in every step."""
    monitors = [StateMonitor(group, 'u_prosp', record=True, when='end') for group in net.neurons]
    network = Network(net, monitors)
    network.run(duration, namespace={})
    return network, [monitor.u_prosp for monitor in monitors]


def own_energy(net):
    """The energy of a network as a function of potentials and weights."""
    p = net.parameters
    gamma = p['gamma'] if isinstance(p['gamma'], list) else [p['gamma']]*len(SIZES)
    cost = 'voltage' if p.get('target') == 'voltage' else p['loss']
    return partial(energy, activations=['tanh', 'tanh', 'linear'], gammas=gamma, beta=BETA,
                   cost=cost)


def weights_of(net):
    return [(net.weights['forward', k][:].copy(),
             net.weights['bias', k][:].copy() if net.parameters['bias'] else np.zeros(n))
            for k, n in enumerate(SIZES)]


def at_potentials(net, weights, potentials):
    return derivative(lambda *u: own_energy(net)(u, weights, X, TARGET), potentials)


@pytest.mark.parametrize('name', NETWORKS)
def test_settled_potentials_are_stationary_and_weights_descend(name):
    net = made(*NETWORKS[name])
    network, u = settle(net)
    weights = weights_of(net)
    slopes = [max(np.abs(slope).max() for slope in at_potentials(net, weights, [
        values[:, step] for values in u])) for step in (0, 1, 2, 3, 5, 8, -1)]
    assert slopes[-1] < 1e-6*max(slopes) and max(slopes) > 1e-3
    settled = [values[:, -1] for values in u]
    # what the network says of itself
    found = net.energy()
    np.testing.assert_allclose(found.total, own_energy(net)(settled, weights, X, TARGET), rtol=1e-9)
    np.testing.assert_allclose(net.energy_meter.total, found.total, rtol=1e-12)
    for k, group in enumerate(net.neurons):
        gamma = net.parameters['gamma']
        gamma = gamma[k] if isinstance(gamma, list) else gamma
        np.testing.assert_allclose(found.populations[f'layer{k}'].mismatch, gamma*group.err[:],
                                   rtol=1e-6, atol=1e-10)
    # one step of learning
    net.schedule.learning = 1
    network.run(0.1*ms, namespace={})
    flat = [array for pair in weights for array in pair]
    down = derivative(lambda *w: own_energy(net)(settled, list(zip(w[::2], w[1::2])), X, TARGET),
                      flat)
    changed = [array for pair in weights_of(net) for array in pair]
    for number, (new, old, slope) in enumerate(zip(changed, flat, down)):
        if net.parameters['bias'] or number % 2 == 0:
            assert cosine(new - old, -slope) > 0.9999999, number
            np.testing.assert_allclose(new - old, -1e-5*slope, rtol=1e-5, atol=1e-12)


def test_what_moves_leaks_into_the_mismatch_of_other_look_aheads():
    net = made(lambda **options: LayeredNetwork(4, layers(TAU_R), **options), {})
    states = [StateMonitor(group, ['u', 'u_mismatch'], record=True, when='end')
              for group in net.neurons]
    acting = [StateMonitor(group, ['u', 'err'], record=True, when='before_groups')
              for group in net.neurons]
    Network(net, states, acting).run(3*ms, namespace={})
    for k, (state, before) in enumerate(zip(states, acting)):
        leak = (TAU_R[k] - TAU_M[k])[:, None]*(state.u - before.u)/0.1
        np.testing.assert_allclose(state.u_mismatch, before.err + leak, rtol=0, atol=1e-12)
        assert np.abs(leak).max() > 0.01


def test_both_low_passes_of_an_error_neuron_are_one():
    """In every step: the stationarity of the energy with two look-aheads of each potential."""
    net = made(gle, {'gamma': 1.0})
    monitors = [StateMonitor(group, ['u_mismatch', 'err', 'err_in', 'v'], record=True, when='end')
                for group in net.neurons]
    before = [StateMonitor(group, 'err_in', record=True, when='before_groups')
              for group in net.neurons]
    Network(net, monitors, before).run(20*ms, namespace={})
    for k, monitor in enumerate(monitors):
        by_membrane, by_lookahead = np.zeros((2, SIZES[k]))
        for step in range(200):
            by_membrane += 0.1/TAU_M[k]*(monitor.u_mismatch[:, step] - by_membrane)
            by_lookahead += 0.1/TAU_R[k]*(before[k].err_in[:, step] - by_lookahead)
            np.testing.assert_allclose(by_membrane, monitor.v[:, step], rtol=0, atol=1e-13)
            np.testing.assert_allclose(by_lookahead, monitor.v[:, step], rtol=0, atol=1e-13)
        assert np.abs(monitor.v).max() > 1e-4


def test_without_gamma_errors_are_multipliers():
    """Of GLE with gamma = 0: no mismatch in any step, and errors that make err*mismatch + cost
    stationary, along which weights descend."""
    net = made(gle, {'gamma': 0.0})
    network, u = settle(net)
    settled, weights = [values[:, -1] for values in u], weights_of(net)
    found = net.energy()
    assert max(np.abs(part.mismatch).max() for part in found.populations.values()) < 1e-14
    np.testing.assert_allclose(found.total, BETA*found.cost, rtol=1e-14)

    def with_multipliers(u, weights, errors):
        total, r = 0, X
        for ahead, (w, b), err in zip(u, weights, errors):
            total = total + err @ (ahead - w @ r - b)
            r = np.tanh(ahead)
        return total + BETA*((TARGET - ahead)**2).sum()/2

    errors = [group.err[:].copy() for group in net.neurons]
    largest = max(np.abs(err).max() for err in errors)
    for slope in derivative(lambda *u: with_multipliers(u, weights, errors), settled):
        assert np.abs(slope).max() < 1e-9*largest
    net.schedule.learning = 1
    network.run(0.1*ms, namespace={})
    down = derivative(lambda *w: with_multipliers(settled, [(v, weights[k][1]) for k, v in
                                                            enumerate(w)], errors),
                      [w for w, _ in weights])
    for (new, _), (old, _), slope in zip(weights_of(net), weights, down):
        assert cosine(new - old, -slope) > 0.9999999


@pytest.mark.parametrize('make, options', [(layered, {}), (gle, {'gamma': 1.0}),
                                           (gle, {'gamma': 0.0})])
def test_it_falls_while_learning(make, options):
    net = make(activation='tanh', beta=BETA, eta=0.7/ms, energy=True, replicas=4, **options)
    net.output.target = np.eye(4, 3).ravel()
    net.schedule.run_regularly('learning = int(t % (24*ms) >= 12*ms)')  # once it has settled
    monitor = StateMonitor(net.energy_meter, 'total', record=True)
    network = Network(net, monitor)
    for seed in range(5):
        net.inputs.r = np.random.default_rng(seed).uniform(size=16)
        net.weights.update(initial_weights(4, layers(), np.random.default_rng(seed)))
        network.run(24*ms, namespace={})
        total = monitor.total.mean(axis=0)[-120:]
        assert (np.diff(total[2:]) < 0).all() and total[-1] < 0.9*total[0]
    found = net.energy()
    assert found.populations['layer0'].mismatch.shape == (4, 5)
    np.testing.assert_allclose(found.total, net.energy_meter.total[:].mean(), rtol=1e-12)
    np.testing.assert_allclose(found.cost, net.energy_meter.cost_layer2[:].mean(), rtol=1e-12)


def test_what_it_prints():
    net = made(layered, {'loss': 'cross_entropy'})
    found = net.energy()
    # before anything has been shown all outputs are equal
    np.testing.assert_allclose(found.cost, np.log(3), rtol=1e-14)
    *_, last, total = str(found).splitlines()
    assert last.split() == ['layer2', '0', f'{BETA*np.log(3):.6g}', f'{np.log(3):.6g}']
    assert total.split() == ['total', f'{BETA*np.log(3):.6g}', f'{np.log(3):.6g}']
    assert 'energy = u_mismatch**2/2 + beta*nudged*cost : 1' in str(net)
    assert net.energy_meter in list(net) and 'total = E_layer0 + E_layer1' in str(net)


def test_a_network_without_it_says_how_to_get_it():
    with pytest.raises(ValueError, match="'network' does not compute.*give energy=True"):
        LayeredNetwork(2, [Dense(1)], rng=1, eta=0/ms).energy()
    with pytest.raises(ValueError, match="energy of 'network' is 'yes'; give True or False"):
        LayeredNetwork(2, [Dense(1)], energy='yes')
