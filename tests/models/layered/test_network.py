import re

import numpy as np
import pytest
from brian2 import Network, StateMonitor, TimedArray, defaultclock, ms, prefs
from hypothesis import given

from brian_le import Activation
from brian_le.models import (AveragePool, Batches, BatchReadout, Conv, Dense, Flatten,
                             LayeredNetwork, MaxPool, initial_weights)
from brian_le.substrate import Noise, Substrate
from tests.brian_le.synapses.geometry import by_seed, drawn
from tests.models.layered.cases import Shown, compare, compare_end, draw
from tests.running import WITH_SLOW_CYTHON, run_cases

DRAWN = {f'drawn{seed}': by_seed(draw, seed) for seed in range(100, 110)}
ON_CYTHON = 'drawn104'
NOISE = 0.3


def plain(**options):
    """A small case with what most networks have."""
    rng = np.random.default_rng(4)
    layers = [Dense(4), Dense(5), Dense(2)]
    settings = dict(eta=(0.5, 0.3, 0.4), beta=0.5) | options
    schedule = {key: settings.pop(key) for key in ('nudged', 'learning') if key in settings}
    weights = initial_weights(3, layers, rng, feedback=settings.get('feedback') is not None)
    return Shown(3, layers, weights, rng.uniform(-1, 1, (20, 3, 3)), rng.random((20, 3, 2)),
                 **schedule, **settings)


def compose_noisy(name):
    """Rates of neurons whose potential is 0, in every step."""
    net = LayeredNetwork(2, [Dense(40), Dense(20)], replicas=3, activation='logistic', name=name,
                         substrate=Substrate([Noise('r', NOISE)], seed=1))
    monitors = [StateMonitor(group, ['r', 'r_sent'], record=True, when='end',
                             name=f'{group.name}_m') for group in net.neurons]
    return [net, monitors], 20*ms, lambda: [np.array([m.r, m.r_sent]) for m in monitors]


CASES = {
    **{name: case.compose_to_the_end for name, case in DRAWN.items()},
    'plain': plain().compose_to_the_end,
    'renamed': lambda name: plain().compose_to_the_end(f'zz_{name}'),
    'noise': compose_noisy,
}


@pytest.fixture(scope='module', params=WITH_SLOW_CYTHON)
def found(request, tmp_path_factory):
    return run_cases(request.param, CASES, tmp_path_factory.mktemp('l'),
                     not_on_cython=set(CASES) - {ON_CYTHON})


def skip_on_cython(found, case):
    if case not in found:
        pytest.skip('Cython compiles every case for a long time')


@pytest.mark.parametrize('case', DRAWN)
def test_against_numpy(found, case):
    skip_on_cython(found, case)
    compare_end(found[case], DRAWN[case].reference())


@given(drawn(draw))
def test_every_step_of_any_network(case):
    objects, duration, read = case.compose('net')
    Network(objects).run(duration, namespace={})
    compare(read(), case.reference())


def test_no_number_depends_on_names(found):
    skip_on_cython(found, 'plain')
    for key, value in found['plain'].items():
        np.testing.assert_array_equal(value, found['renamed'][key], err_msg=str(key))


def test_noise_on_rates(found):
    skip_on_cython(found, 'noise')
    for (now, sent), rest in zip(found['noise'], (0.5, 0)):
        n = now.size
        assert abs(now.mean() - rest) < 4*NOISE/np.sqrt(n)
        assert abs(now.std()/NOISE - 1) < 4/np.sqrt(2*n)
        # the same numbers are summed and learned from; every neuron and step has its own
        np.testing.assert_array_equal(sent[:, 1:], now[:, :-1])
        for a, b in ((now[:, 1:], now[:, :-1]), (now[1:], now[:-1])):
            assert abs(np.mean((a - rest)*(b - rest))) < 4*NOISE**2/np.sqrt(a.size)


def run(case):
    objects, duration, read = case.compose_to_the_end('net')
    Network(objects).run(duration, namespace={})
    return objects, read()


@pytest.mark.parametrize('options', [
    dict(), dict(feedback='mirror', decay=0.2), dict(rate_at='input', errors_from='tau_r')])
def test_replicas_learn_the_mean(options):
    learning = np.arange(20) == 19  # until then the networks are those of single samples
    case = plain(**options, learning=1.0*learning)
    _, together = run(case)
    changes = {}
    for b in range(3):
        alone = Shown(case.input_shape, case.layers, case.weights, case.x[:, b:b + 1],
                      case.targets[:, b:b + 1], learning=1.0*learning, **case.options)
        _, found = run(alone)
        for key, start in case.weights.items():
            variable = 'bias' if key[0] == 'bias' else 'w'
            changes.setdefault((*key, variable), []).append(found[*key, variable] - start)
    for key, parts in changes.items():
        change = together[key] - case.weights[key[:2]]
        assert np.abs(change).max() > 1e-4 and np.ptp(parts, axis=0).max() > 1e-4
        np.testing.assert_allclose(change, np.mean(parts, axis=0), rtol=0, atol=1e-15)


@pytest.mark.parametrize('options', [dict(), dict(rate_at='input', loss='cross_entropy')])
def test_single_precision(options):
    case = plain(**options)
    prefs.core.default_float_dtype = np.float32
    try:
        _, found = run(case)
    finally:
        prefs.core.default_float_dtype = np.float64
    assert {values.dtype for values in found.values()} == {np.dtype(np.float32)}
    compare_end(found, case.reference(), atol=5e-6)


def test_softmax_of_large_rates_in_single_precision():
    prefs.core.default_float_dtype = np.float32
    try:
        net = LayeredNetwork(1, [Dense(1), Dense(3)], loss='cross_entropy', beta=1)
        net.weights['bias', 1] = [-1e4, 0, 1e4]
        net.output.target = [0, 1, 0]
        Network(net).run(0.3*ms)
    finally:
        prefs.core.default_float_dtype = np.float64
    np.testing.assert_allclose(net.output.err[:], [0, 1, -1], atol=1e-6)


@pytest.mark.parametrize('rate_at', ['output', 'input'])
@pytest.mark.parametrize('off', ['learning', 'nudged'])
def test_what_is_switched_off(off, rate_at):
    case = plain(**{off: np.zeros(20)}, rate_at=rate_at)
    net, found = run(case)
    for (kind, k), start in case.weights.items():
        np.testing.assert_array_equal(found[kind, k, 'bias' if kind == 'bias' else 'w'], start)
    errors = np.concatenate([group.err[:] for group in net.neurons])
    assert (np.abs(errors).max() > 1e-3) == (off == 'learning')


def test_everything_is_on_if_nothing_is_said():
    net = LayeredNetwork(2, [Dense(3), Dense(1)], eta=1/ms)
    net.weights.update(initial_weights(2, net.layers, np.random.default_rng(1)))
    net.inputs.r, net.output.target = 1, 2
    before = dict(net.weights)
    Network(net).run(1*ms)
    for key, w in before.items():
        assert (net.weights[key] != w).all(), key
    assert net.schedule.nudged == net.schedule.learning == 1


@pytest.mark.parametrize('first, second', [('aa', 'zz'), ('zz', 'aa')])
def test_with_batches(first, second):
    """Two samples at a time, each for five steps, whatever the objects are called."""
    rng = np.random.default_rng(7)
    samples, targets = rng.uniform(-1, 1, (6, 3)), rng.random((6, 2))
    case = plain()
    shown = Batches(samples, targets, duration=0.5*ms, replicas=2, name=first)
    net = LayeredNetwork(3, case.layers, batches=shown, beta=0.5, name=second,
                         eta=[rate/ms for rate in case.options['eta']])
    net.weights.update(case.weights)
    readout = BatchReadout(shown, net.output, 'r', name=f'{second}_readout')
    Network(shown, net, readout).run(shown.total_duration)

    def each_step(values):
        return np.repeat(values.reshape(3, 2, -1), 5, axis=0)

    same = Shown(3, case.layers, case.weights, each_step(samples), each_step(targets),
                 **case.options).reference()
    for (kind, k), w in net.weights.items():
        np.testing.assert_allclose(w, same[kind, k, 'bias' if kind == 'bias' else 'w'][-1],
                                   rtol=0, atol=1e-14)
    np.testing.assert_allclose(readout.values(), same['layer', 2, 'r'][4::5].reshape(6, 2),
                               rtol=0, atol=1e-14)
    assert net.schedule is shown.schedule and net.replicas == 2


def mismatched(rng, replicas, **options):
    """A network with time constants that differ by 20 %, and random inputs in every step."""
    layers = [Dense(n, **{tau: 10*np.clip(rng.normal(1, 0.2, n), 0.4, 1.6)*ms
                          for tau in ('tau_m', 'tau_r')}) for n in (15, 10)]
    net = LayeredNetwork(20, layers, replicas=replicas, eta_tau=1000*ms, **options)
    net.weights.update(initial_weights(20, layers, rng))
    net.schedule.nudged = 0
    net.inputs.namespace['x'] = TimedArray(rng.uniform(-1, 1, (1000, 20*replicas)),
                                           dt=defaultclock.dt)
    net.inputs.run_regularly('r = x(t, i)', when='groups', order=-2)
    return net


def mismatch(net):
    return [np.mean(np.abs(group.tau_m[:]/group.tau_r[:] - 1)) for group in net.neurons]


@pytest.mark.parametrize('replicas', [1, 3])
def test_membranes_learn_to_match_the_look_ahead(replicas, tmp_path):
    net = mismatched(np.random.default_rng(8), replicas)
    assert min(mismatch(net)) > 0.1
    tau_r = [group.tau_r[:].copy() for group in net.neurons]
    network = Network(net)
    network.run(100*ms)
    assert max(mismatch(net)) < 1e-3
    net.schedule.matching = 0
    matched = {key: w for key, w in net.weights.items() if key[0] == 'tau'}
    network.run(1*ms)
    for k, (group, before) in enumerate(zip(net.neurons, tau_r)):
        np.testing.assert_array_equal(group.tau_r[:], before)
        np.testing.assert_array_equal(net.weights['tau', k], matched['tau', k])
        np.testing.assert_allclose(group.by_replica('tau_m')[:]/ms,
                                   np.tile(matched['tau', k]*1e3, (replicas, 1)), rtol=1e-15)
    net.weights.save(tmp_path/'w.npz')
    other = mismatched(np.random.default_rng(9), replicas, name='other')
    other.weights.load(tmp_path/'w.npz')
    np.testing.assert_array_equal(other.weights['tau', 1], matched['tau', 1])


def test_where_membranes_match_in_one_step():
    """In NumPy, of the mean over replicas."""
    rng = np.random.default_rng(8)
    net = mismatched(rng, 2)
    v_in, tau_r = np.zeros((2, 15)), net.neurons[0].tau_r[:15]/ms
    before = net.weights['tau', 0]*1e3
    x = net.inputs.namespace['x'].values[0].reshape(2, 20)
    v_in = x @ net.weights['forward', 0].T + net.weights['bias', 0]
    Network(net).run(0.1*ms)
    du = v_in/before
    change = 0.1*1000*np.mean((tau_r - before)*du**2, axis=0)
    assert np.abs(change).max() > 0.01
    np.testing.assert_allclose(net.weights['tau', 0]*1e3, before + change, rtol=1e-12)


def test_time_constants_of_layers():
    def look(layer, **options):
        group = LayeredNetwork(2, [layer, Dense(1)], replicas=2, **options).hidden[0]
        return (group.tau_m[:]/ms).tolist(), (group.tau_r[:]/ms).tolist()

    assert look(Dense(2)) == ([10]*4, [10]*4)
    assert look(Dense(2), tau_m=5*ms) == ([5]*4, [5]*4)
    assert look(Dense(2), tau_r=0*ms) == ([10]*4, [0]*4)
    assert look(Dense(2, tau_m=[3, 4]*ms)) == ([3, 4, 3, 4], [3, 4, 3, 4])
    assert look(Dense(2, tau_m=[3, 4]*ms), tau_r=2*ms) == ([3, 4, 3, 4], [2]*4)
    assert look(Dense(2, tau_r=[3, 4]*ms), tau_r=2*ms) == ([10]*4, [3, 4, 3, 4])


def test_activation_of_ones_own_where_rates_are_at_the_input():
    root = Activation('root', 'sqrt(x**2 + 1)', 'x/sqrt(x**2 + 1)', 'a hyperbola')
    net = LayeredNetwork(1, [Dense(2, activation=root), Dense(1)], rate_at='input')
    assert (net.hidden[0].r[:] == 1).all() and (net.hidden[0].slope[:] == 0).all()
    assert (net.output.r[:] == 0).all() and (net.output.slope[:] == 1).all()


def test_constant_layers_have_no_learning_rule():
    net = LayeredNetwork(2, [Dense(3), Dense(1)], eta=[0/ms, 1/ms], feedback='random')
    learns = {key: 'dw/dt' in str(projection.equations) or 'dbias/dt' in str(projection.equations)
              for key, projection in net.projections.items()}
    assert learns == {('forward', 0): False, ('bias', 0): False, ('forward', 1): True,
                      ('feedback', 1): False, ('bias', 1): True}


def test_it_prints_itself():
    net = LayeredNetwork(
        (6, 6, 1), [Conv(2, 3), MaxPool(2), Flatten(), Dense(3), Dense(2)], replicas=4, eta=1/ms,
        feedback='mirror', decay=0.1/ms, loss='cross_entropy', name='net')
    text = str(net)
    assert repr(net) == "<LayeredNetwork 'net': 6x6x1-4x4x2-2x2x2-8-3-2, 4 replicas>"
    for part in (repr(net), 'net_layer0', '128 neurons', '2 x 1 x 3 x 3, learn', '3 x 8, learn',
                 'net_pool1 -> net_layer1', 'pooling', 'net_softmax', 'no weights',
                 'feedback = mirror', 'decay = 0.1/ms', 'eta = 1.0/ms, 1.0/ms, 1.0/ms',
                 'One step', 'v_in_post = w*r_pre', 'v_err_pre = w*err_post', 'b_post = bias',
                 'dw/dt = learning*(eta*err_post*r_sent_pre - decay*w)',
                 'du/dt = (v_in + b + err - u)/tau_m', 'slope_now = 1 - tanh(u_prosp)**2'):
        assert part in text, part


@pytest.mark.parametrize('late', [False, True])
def test_order_of_a_step(late):
    net = LayeredNetwork((4, 1), [MaxPool(2), Conv(2, 1), AveragePool(2), Flatten(), Dense(2)],
                         eta=1/ms, errors_from='tau_r' if late else 'tau_m', name='n')
    steps = [re.sub('_(then_)?summed(_variable)?', '', name.removeprefix('n_'))
             for _, order, name in net.step_order()]
    place = {name: steps.index(name) for name in steps}
    rates = [place[name] for name in ('pooling0_r_post', 'pooling2_r_post', 'forward0_v_in_post')]
    neurons = [place['layer0_stateupdater'], place['layer1_stateupdater']]
    errors = [place[name] for name in ('forward1_v_err_pre', 'pooling2_v_err_pre')]
    weights = [place[f'{kind}{k}_stateupdater'] for kind in ('forward', 'bias') for k in (0, 1)]
    assert rates == sorted(rates) and errors == sorted(errors)
    assert max(rates) < min(neurons) < max(neurons) < min(weights) and max(errors) < min(weights)
    assert (min(errors) > max(neurons)) == late and (max(errors) < min(neurons)) != late
    assert {order for _, order, name in net.step_order() if name.endswith('stateupdater')} == {0, 1}


def test_parts():
    net = LayeredNetwork(4, [Dense(3), Dense(2)], feedback='random', name='n')
    assert net.populations == [net.inputs, *net.neurons] and net.output is net.neurons[1]
    assert net.hidden == net.neurons[:1] and net.pools == {}
    assert set(net) == {net.schedule, *net.populations, *net.projections.values()}
    assert dict(net.weights).keys() == {('forward', 0), ('bias', 0), ('forward', 1), ('bias', 1),
                                        ('feedback', 1)}
    assert len({obj.name for obj in net}) == len(list(net))
    assert set(LayeredNetwork(2, [Dense(1)], bias=False).weights) == {('forward', 0)}
