"""Stability of networks: against differences of the step of Brian2, and simulations."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, StateMonitor, Synapses, defaultclock, ms, start_scope
from brian2.core.variables import ArrayVariable

from brian_le.models import (AveragePool, Conv, Dense, Edge, Flatten, GLEGraph, GLENetwork, Graph,
                             LayeredNetwork, MaxPool, Node)
from brian_le.programs import EndState
from brian_le.stability import loops, stability_of
from brian_le.stability.one_step import OneStep
from brian_le.stability.values import Values
from brian_le.substrate import Delay, LowPass

CHAIN = [Dense(4), Dense(3), Dense(2)]
#: With a skip, a loop, and a projection of a population to itself.
EDGES = [('x', 'h'), ('h', 'k'), ('k', 'h'), ('h', 'h'), ('k', 'y'), ('x', 'y')]
PLANE = [Conv(2, 2), MaxPool(2, 1), Conv(2, 2), AveragePool(2), Flatten(), Dense(3)]
CASES = {
    'plain': {}, 'two taus': dict(tau_r=7*ms), 'gamma': dict(gamma=0.5),
    'rates at the input': dict(rate_at='input'),
    'errors from tau_r': dict(errors_from='tau_r', tau_r=12*ms),
    'voltage': dict(target='voltage', output_activation='tanh'),
    'cross-entropy': dict(loss='cross_entropy'), 'random feedback': dict(feedback='random'),
    'filters': dict(tau_s=0.5*ms, tau_err=0.3*ms, tau_target=1*ms),
    'filters at the input': dict(tau_s=0.5*ms, tau_target=1*ms, rate_at='input'),
    'without look-ahead': dict(tau_r=0*ms), 'softplus': dict(activation='softplus'),
    'plane': dict(shape=(6, 6, 1), layers=PLANE),
    'low-pass': dict(substrate=[LowPass(0.3*ms)]),
    'graph': dict(cls=Graph), 'graph, gle': dict(cls=GLEGraph, gamma=0.5, tau_r=6*ms),
    'gle': dict(cls=GLENetwork), 'gle, gamma': dict(cls=GLENetwork, gamma=0.7, tau_r=6*ms),
    'gle, instantaneous': dict(cls=GLENetwork, gamma=1.0, errors='instantaneous', tau_r=20*ms),
    'gle, cross-entropy': dict(cls=GLENetwork, gamma=1.0, loss='cross_entropy', tau_r=3*ms)}


def made(cls=LayeredNetwork, shape=5, layers=CHAIN, seed=1, scale=1.5, replicas=1, beta=0.3,
         **options):
    """A network with random weights, an input and a target."""
    start_scope()
    defaultclock.dt = 0.1*ms
    rng = np.random.default_rng(seed)
    if cls in (Graph, GLEGraph):
        layers = ({'h': 4, 'k': 3, 'y': Node(2, target='rate')}, EDGES)
        shape = {'x': shape}
    else:
        layers = (layers,)
    net = cls(shape, *layers, eta=0/ms, rng=rng, beta=beta, replicas=replicas, **options)
    for key, w in net.weights.items():
        net.weights[key] = scale*w
    inputs, output = ends(net)
    inputs.r = np.tile(rng.uniform(-1, 1, len(inputs)//replicas), replicas)
    output.target = np.tile(np.eye(len(output)//replicas)[0], replicas)
    return net


def ends(net):
    """Inputs and outputs of a network or of a graph."""
    return (net.inputs['x'], net.outputs['y']) if isinstance(net, (Graph, GLEGraph)) else (
        net.inputs, net.output)


def by_name(net, key):
    name, _, variable = key.partition('.')
    return next(obj for obj in net if obj.name == name).variables[variable]


def derivative(**options):
    """What is pushed through a tangent, unit by unit, and the names and places of the rows."""
    net = made(**options)
    Network(net).run(0.7*ms)
    values = Values()
    step = OneStep(net)
    tangent = step.tangent(values)
    names = sorted(key for key in step.moving if isinstance(by_name(net, key), ArrayVariable))
    pack = loops._Pack(names, values)
    return names, pack, np.stack([pack.apply(tangent, unit) for unit in np.eye(pack.n)], axis=1)


def by_differences(names, n, **options):
    """The same by differences: every replica begins with another change."""
    h = 1e-5
    net = made(replicas=2*n, **options)
    network = Network(net)
    network.run(0.7*ms)
    first = 0
    for key in names:
        variable = by_name(net, key)
        state = variable.get_value().reshape(2*n, -1).copy()
        for k in range(state.shape[1]):
            state[2*(first + k), k] += h
            state[2*(first + k) + 1, k] -= h
        variable.set_value(state.ravel())
        first += state.shape[1]
    network.run(0.1*ms)
    after = np.concatenate([by_name(net, key).get_value().reshape(2*n, -1) for key in names],
                           axis=1)
    return (after[::2] - after[1::2]).T/(2*h)


@pytest.mark.parametrize('case', CASES)
def test_derivative_of_a_step(case):
    names, pack, found = derivative(**CASES[case])
    expected = by_differences(names, pack.n, **CASES[case])
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(found, expected, atol=2e-7)


def put_on_its_way(net, key, values):
    """Fill the buffer of a line that is delayed."""
    name, _, line = key.partition('.')
    buffer = next(obj for obj in net if obj.name == name).variables.get(f'{line}_buffer')
    if buffer is not None:
        buffer.set_value(np.tile(values, buffer.size//len(values)))


@pytest.mark.parametrize('options', [
    {}, dict(seed=2, layers=[Dense(6)]*4 + [Dense(3)]), dict(seed=3, rate_at='input'),
    dict(seed=4, loss='cross_entropy', scale=2.5), dict(seed=5, substrate=[Delay(0.3*ms)]),
    dict(seed=6, cls=GLENetwork, gamma=1.0), dict(seed=7, cls=Graph), dict(layers=[Dense(2)])])
@pytest.mark.parametrize('factor', [0.95, 1.05])
def test_growth_in_a_simulation(options, factor):
    """Small changes of a settled state grow by the spectral radius in a step."""
    net = made(**options)
    beta = factor*net.stability().critical_beta
    _, output = ends(net)
    settled = net.stability().settled({f'{output.name}.beta': beta})
    assert settled.stable == (factor < 1)
    output.beta = beta
    monitor = StateMonitor(output, 'r', record=True)
    network = Network(net, monitor)
    for key in settled._step.moving:
        if '[' not in key and isinstance(by_name(net, key), ArrayVariable):
            by_name(net, key).set_value(settled._values[key])
            put_on_its_way(net, key, settled._values[key])
    output.r += 1e-6*np.arange(1, 1 + len(output))
    network.run(50*ms)
    away = np.abs(np.diff(monitor.r)).max(axis=0)
    begin, end = away[210:250].max(), away[450:490].max()
    assert np.log(end/begin)/240 == pytest.approx(np.log(settled.spectral_radius), abs=1e-3)


def weights(net):
    return [net.weights['forward', k] for k in range(len(net.neurons))]


def without_errors(net):
    """Let the targets be what the outputs are without them."""
    rest = net.stability().settled({f'{net.output.name}.beta': 0.0})
    net.output.target = rest._values[f'{net.output.name}.r']
    return [rest._values[f'{group.name}.slope'] for group in net.neurons]


def alone(cls, **options):
    return made(cls, layers=[Dense(2)], **options)


def without_feedback():
    start_scope()
    nodes = {'h': 4, 'y': Node(2, target='rate')}
    return Graph({'x': 3}, nodes, [('x', 'h'), Edge('h', 'y', feedback='absent')], eta=0/ms, rng=1)


@pytest.mark.parametrize('compose', [
    lambda: alone(LayeredNetwork, activation='linear'), without_feedback,
    lambda: alone(LayeredNetwork, activation='linear', target='voltage'),
    lambda: alone(GLENetwork, activation='linear', gamma=1.0)])
def test_outputs_by_themselves_have_a_closed_form(compose):
    """What a target asks for acts on its own neuron: beta = 1, slopes being 1."""
    net = compose()
    output = net.outputs['y'] if isinstance(net, Graph) else net.output
    assert net.stability().critical_beta == pytest.approx(1, rel=2e-3)
    for beta, stable in ((0.9, True), (5.0, False)):
        found = net.stability().settled({f'{output.name}.beta': beta})
        assert found.stable == stable and found.narrow.kind == 'output'
        radius = beta if isinstance(net, GLENetwork) else np.sqrt(beta)
        assert found.spectral_radius == pytest.approx(radius)
    output.beta, output.target = 5, [1, 0]
    Network(net).run(5*ms)
    assert np.abs(output.r).max() > 1e10 and 'does not settle' in str(net.stability())


def test_a_neuron_that_grows_by_itself():
    start_scope()
    G = NeuronGroup(2, 'du/dt = u/ms : 1\nr : 1\nr_now = u : 1', method='prospective_euler')
    found = stability_of([G])
    assert found.narrow.kind == 'neuron' and found.spectral_radius == pytest.approx(1.1)
    assert not found.stable and 'does not settle' in str(found)


@pytest.mark.parametrize('seed', range(3))
def test_one_hidden_layer_has_a_closed_form(seed):
    """Loops of two steps (beta) and of four (beta times k, eigenvalues of J J^T)."""
    net = made(seed=seed, layers=[Dense(6), Dense(3)], scale=2.5)
    (hidden, _), (_, w) = without_errors(net), weights(net)
    k = np.linalg.eigvalsh((w*hidden**2) @ w.T)
    assert net.stability().critical_beta == pytest.approx(1/np.maximum(k, 1 - k).max(), rel=2e-3)


@pytest.mark.parametrize('seed', range(3))
def test_the_bound_for_chains_is_safe(seed):
    """Whatever the phases of its loops: 1/lambda_max(J J^T), J by all potentials."""
    net = made(seed=seed, layers=[Dense(8)]*3 + [Dense(3)], scale=2.0)
    slopes, ws = without_errors(net), weights(net)
    j, total = np.eye(3), np.eye(3)
    for w, slope in zip(ws[:0:-1], slopes[-2::-1]):
        j = (j @ w)*slope
        total = total + j @ j.T
    bound = 1/np.linalg.eigvalsh(total).max()
    assert net.stability().critical_beta >= bound*(1 - 1e-3)


def test_large_networks_as_small_ones(monkeypatch):
    net = made(layers=[Dense(60), Dense(50), Dense(10)])
    few = net.stability()
    monkeypatch.setattr(loops, '_DENSE', 20)
    many = net.stability()
    assert many.spectral_radius == pytest.approx(few.spectral_radius, rel=1e-3)
    assert many.settled().spectral_radius == pytest.approx(few.settled().spectral_radius, rel=1e-3)


def growth_of_a_recurrent_filter(w, tau, tau_ahead, dt=0.1):
    """That of u and its look-ahead u + tau_ahead*du/dt, which comes back through weights w."""
    one = np.eye(len(w))
    step = np.block([[one*(1 - dt/tau), w*dt/tau], [one*(1 - tau_ahead/tau), w*tau_ahead/tau]])
    return np.abs(np.linalg.eigvals(step)).max()


@pytest.mark.parametrize('ratio', [0.25, 0.5, 1, 2, 4])
@pytest.mark.parametrize('strength', [0.96, 1.04])
def test_both_loops_of_recurrent_generalized_equilibrium(ratio, strength):
    """Rates pass tau_r/tau_m times as strongly as weights are, errors by the inverse of it."""
    start_scope()
    defaultclock.dt = 0.1*ms
    tau_m, tau_r = 10, ratio*10
    nodes = {'h': Node(5, activation='linear'), 'y': Node(2, target='rate')}
    net = GLEGraph({'x': 2}, nodes, [('x', 'h'), ('h', 'h'), ('h', 'y')], eta=0/ms, rng=1,
                   tau_m=tau_m*ms, tau_r=tau_r*ms)
    w = np.random.default_rng(2).standard_normal((5, 5))
    w = w - w.T  # without eigenvalues of 1, which nothing that looks ahead could undo
    for kind, tau, tau_ahead in (('forward', tau_m, tau_r), ('error', tau_r, tau_m)):
        scaled = w*strength*tau/tau_ahead/np.abs(np.linalg.eigvals(w)).max()
        net.weights['forward', 'h->h'] = scaled
        loop, = [loop for loop in net.stability().settled().loops if loop.kind == kind]
        assert (loop.radius > 1) == (strength > 1)
        # at a ratio of 1 the filter is no part of the loop, but by itself
        assert max(loop.radius, 1 - 0.1/tau) == pytest.approx(
            growth_of_a_recurrent_filter(scaled, tau, tau_ahead), rel=1e-9)


def test_which_loop_is_narrow():
    start_scope()
    G = NeuronGroup(2, '''du/dt = (v_in - u)/tau_m : 1
                          u_prosp : 1
                          tau_m = 10*ms : second
                          tau_r = 20*ms : second
                          r : 1
                          r_now = u_prosp : 1
                          v_in : 1''', method='prospective_euler')
    S = Synapses(G, G, '''v_in_post = w*r_pre : 1 (summed)
                          w : 1''')
    S.connect(i=[0, 1], j=[1, 0])
    for w, stable in ((0.49, True), (0.51, False)):  # look-ahead is twice the membrane's time
        S.w = [w, -w]
        found = stability_of([G, S])
        assert found.narrow.kind == 'forward' and found.stable == stable


def test_what_it_says():
    net = made(beta=0.2)
    found = net.stability().settled()
    assert found.narrow.kind == 'output' and found.spectral_radius == found.narrow.radius
    assert "'network': it settles" in str(found) and '0.99' in str(found)
    assert 'spectral radius' in repr(found)
    far = found.settled({'network_layer2.beta': 50.0})
    assert not far.stable and 'does not settle' in str(far)


@pytest.mark.parametrize('key', ['network_inputs.r', 'network_forward0.w', 'network_bias1.bias'])
def test_what_is_given_counts_as_what_is_there(key):
    """In place of what objects have, before and after a state was found."""
    options = dict(layers=[Dense(3), Dense(2)], activation='tanh', output_activation='tanh')
    net = made(**options)
    found = net.stability().settled()
    variable = by_name(net, key)
    value = np.linspace(-1, 1, variable.size)
    variable.set_value(value)
    expected = net.stability().settled().spectral_radius
    assert abs(expected - found.spectral_radius) > 1e-3
    for given in (found.settled({key: value}), found.settled({key: 0.3}).settled({key: value}),
                  made(**options).stability({key: value}).settled()):
        assert given.spectral_radius == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize('given, message', [
    ({'network_layer2.betta': 1}, "'network_layer2.betta'; did you mean 'network_layer2.beta'"),
    ({'nonsense': 1}, "unknown variable: 'nonsense'"),
    ({'network_layer0.r': [1, 2]}, r"'network_layer0.r' has shape \(2,\); give one value or 4"),
    ({'network_layer2.beta': [1, 2]}, 'give one value or 1'),
    ({'network_forward0.w': np.ones((4, 5))}, 'give one value or 20 in a row'),
    ({'network_layer0.r': 'high'}, "'network_layer0.r': could not convert")])
def test_values_that_cannot_be(given, message):
    net = made()
    for ask in (net.stability, net.stability().settled):
        with pytest.raises(ValueError, match=message):
            ask(given)


def test_the_end_of_a_program_has_more_than_the_network():
    net = made()
    end = EndState({'outputs.r': np.ones(7), 'network_layer2.beta': np.array([50.0])}, 0.0, {},
                   (), ())
    assert not net.stability(end).settled().stable


def test_without_loops():
    """Errors that do not act on membranes close no loop."""
    found = made(cls=GLENetwork).stability()
    assert found.spectral_radius == 0 and found.stable and found.critical_beta == np.inf
    assert 'comes back' in str(found)


def test_targets_that_are_off_count_as_on():
    net = made()
    critical = net.stability().critical_beta
    net.schedule.nudged = 0
    assert net.stability().spectral_radius == 0
    assert net.stability().critical_beta == pytest.approx(critical, rel=2e-3)


def spiking():
    return [NeuronGroup(1, 'dv/dt = -v/(10*ms) : 1', threshold='v > 1', method='euler')]


def exact():
    return [NeuronGroup(1, 'dv/dt = -v/(10*ms) : 1', method='exact')]


def own_delays():
    return made(substrate=[Delay((0*ms, 0.2*ms), per='connection')])


@pytest.mark.parametrize('compose, message', [
    (spiking, 'spikes'), (exact, "method 'exact'"), (own_delays, 'delays of every connection')])
def test_what_has_no_derivative(compose, message):
    with pytest.raises(NotImplementedError, match=message):
        stability_of(compose())


def test_a_network_without_targets():
    start_scope()
    G = NeuronGroup(1, 'r : 1')
    with pytest.raises(ValueError, match="no targets with a strength 'beta'"):
        stability_of([G]).critical_beta
