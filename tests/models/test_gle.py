import re

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, StateMonitor, get_device, mV, ms, prefs,
                    second)
from hypothesis import given

from brian_le import SGD, Adam
from brian_le.models import (AveragePool, Batches, BatchReadout, Conv, Dense, Flatten, GLENetwork,
                             MaxPool, by_group, initial_weights)
from tests.brian_le.synapses.geometry import by_seed, drawn
from tests.models.gle_cases import Shown, compare, compare_end, draw, plain
from tests.running import WITH_SLOW_CYTHON, run_cases

DRAWN = {f'drawn{seed}': by_seed(draw, seed) for seed in range(100, 106)}
#: Look-ahead times of 1 and 4 ms in each layer.
GROUPS = [Dense(4, tau_r=by_group((2, 1*ms), (2, 4*ms))),
          Dense(5, tau_m=by_group((3, 1*ms), (2, 3*ms)), tau_r=2*ms), Dense(2)]
#: One option each, on numpy.
OPTIONS = {
    'plain': dict(),
    'cross_entropy': dict(loss='cross_entropy'),
    'gamma of layers': dict(gamma=[0.0, 1.0, -0.3]), 'one gamma': dict(gamma=0.5),
    'eta of layers': dict(eta=[0.5, 0.0, 0.3]),
    'tau_m learns': dict(eta_tau_m=20.0), 'tau_m of a layer learns': dict(eta_tau_m=[0, 20.0, 0]),
    'tau_r learns': dict(eta_tau_r=20.0), 'both learn': dict(eta_tau_m=10.0, eta_tau_r=20.0),
    'adam': dict(optimiser=Adam(), eta=0.05, eta_tau_m=0.3, eta_tau_r=0.1),
    'momentum': dict(optimiser=SGD(momentum=0.9), eta=0.1, eta_tau_m=5.0, tau_min=0.5),
    'groups': dict(layers=GROUPS, tau_m=2.0),
    'instantaneous': dict(errors='instantaneous', eta_tau_m=20.0, eta_tau_r=5.0),
    'one replica': dict(replicas=1), 'many replicas': dict(replicas=7),
    'activations': dict(activation='softplus', output_activation='logistic'),
    'switches': dict(nudged=1.0*(np.arange(30) % 4 > 0), learning=1.0*(np.arange(30) % 3 > 0),
                     optimiser=Adam(), eta=0.05),
    'plane': dict(input_shape=(6, 5, 1), gamma=[0.5, 1.0], eta=0.2, eta_tau_m=5.0, layers=[
        Conv(2, 2, tau_m=2*ms, tau_r=3*ms), MaxPool(2), Flatten(), Dense(2, tau_m=3*ms)]),
}
CASES = {
    **{name: case.compose_to_the_end for name, case in DRAWN.items()},
    'plain': plain().compose_to_the_end,
    'renamed': lambda name: plain().compose_to_the_end(f'zz_{name}'),
}
ON_CYTHON = 'drawn100'


@pytest.fixture(scope='module', params=WITH_SLOW_CYTHON)
def found(request, tmp_path_factory):
    return run_cases(request.param, CASES, tmp_path_factory.mktemp('g'),
                     not_on_cython=set(CASES) - {ON_CYTHON})


def skip_on_cython(found, case):
    if case not in found:
        pytest.skip('Cython compiles every case for a long time')


@pytest.mark.parametrize('case', DRAWN)
def test_against_numpy(found, case):
    skip_on_cython(found, case)
    compare_end(found[case], DRAWN[case].reference())


def test_no_number_depends_on_names(found):
    skip_on_cython(found, 'plain')
    for key, value in found['plain'].items():
        np.testing.assert_array_equal(value, found['renamed'][key], err_msg=str(key))


@given(drawn(draw))
def test_every_step_of_any_network(case):
    objects, duration, read = case.compose('net')
    Network(objects).run(duration, namespace={})
    compare(read(), case.reference())


@pytest.mark.parametrize('option', OPTIONS)
def test_option(option):
    case = plain(**OPTIONS[option])
    objects, duration, read = case.compose('net')
    Network(objects).run(duration, namespace={})
    found, expected = read(), case.reference()
    compare(found, expected)
    assert np.abs(expected['err', 0]).max() > 1e-4
    for (kind, k) in objects[0].weights:
        option = 'eta' if kind in ('forward', 'bias') else f'eta_{kind}'
        rate = np.broadcast_to(case.options[option], case.n_layers)[k]
        assert (np.ptp(found[kind, k], axis=0).max() > 1e-6) == (rate > 0), (kind, k)


def test_time_constants_stay_above_their_bound():
    case = plain(eta_tau_m=[200.0, 0.0, 200.0], tau_min=0.8, layers=[
        Dense(n, tau_m=1*ms, tau_r=2*ms) for n in (4, 5, 2)])
    net, duration, read = case.compose_to_the_end('net')
    assert net.clamped() == {}
    Network(net).run(duration)
    found, expected = read(), case.reference()
    compare_end(found, expected)
    clamped = net.clamped()
    assert clamped and clamped.keys() <= {('tau_m', 0), ('tau_m', 2)}
    for key, tau in net.weights.items():
        if key[0] == 'tau_m':
            assert tau.min() > 0.8e-3*(1 - 1e-9)
            low = np.flatnonzero(expected[key][-1] == 0.8)
            np.testing.assert_array_equal(clamped.get(key, []), low)
    elsewhere = {('tau_m', 0): np.array([0.8e-3, 1]), ('forward', 0): np.zeros((1, 1)),
                 ('tau_r', 1): np.array([1.0, 2.0])}
    assert {key: list(n) for key, n in net.clamped(elsewhere).items()} == {('tau_m', 0): [0]}


def test_single_precision():
    case = plain(eta_tau_m=20.0)
    prefs.core.default_float_dtype = np.float32
    try:
        net, duration, read = case.compose_to_the_end('net')
        Network(net).run(duration)
        found = read()
    finally:
        prefs.core.default_float_dtype = np.float64
    assert {values.dtype for values in found.values()} == {np.dtype(np.float32)}
    compare_end(found, case.reference(), atol=1e-5)


def test_replicas_learn_the_mean():
    learning = 1.0*(np.arange(30) == 29)  # until then the networks are those of single samples
    case = plain(learning=learning)
    net, duration, read = case.compose_to_the_end('net')
    Network(net).run(duration)
    together, changes = read(), {}
    for b in range(3):
        alone = Shown(case.input_shape, case.layers, case.weights, case.x[:, b:b + 1],
                      case.targets[:, b:b + 1], learning=learning, **case.options)
        net, duration, read = alone.compose_to_the_end('net')
        Network(net).run(duration)
        for key, values in read().items():
            if key in case.weights:
                changes.setdefault(key, []).append(values - case.weights[key])
    for key, parts in changes.items():
        assert np.ptp(parts, axis=0).max() > 1e-5
        np.testing.assert_allclose(together[key] - case.weights[key], np.mean(parts, axis=0),
                                   rtol=0, atol=1e-15)


@pytest.mark.parametrize('off', ['learning', 'nudged'])
def test_what_is_switched_off(off):
    case = plain(**{off: np.zeros(30)}, eta_tau_m=20.0, optimiser=SGD(momentum=0.5))
    net, duration, read = case.compose_to_the_end('net')
    start = dict(net.weights)
    Network(net).run(duration)
    for key, values in start.items():
        np.testing.assert_array_equal(net.weights[key], values)
    assert (np.abs(read()['v', 0]).max() > 1e-4) == (off == 'learning')


@pytest.mark.parametrize('first, second_name', [('aa', 'zz'), ('zz', 'aa')])
def test_with_batches(first, second_name):
    """Two samples at a time, each for five steps, whatever the objects are called."""
    rng = np.random.default_rng(7)
    samples, targets = rng.uniform(-1, 1, (6, 3)), rng.random((6, 2))
    case = plain()
    shown = Batches(samples, targets, duration=0.5*ms, replicas=2, name=first)
    net = GLENetwork(3, case.layers, batches=shown, beta=0.5, gamma=[1.0, -0.5, 0.3],
                     name=second_name, eta=[rate/ms for rate in case.options['eta']])
    net.weights.update(case.weights)
    readout = BatchReadout(shown, net.output, 'r', name=f'{second_name}_readout')
    Network(shown, net, readout).run(shown.total_duration)

    def each_step(values):
        return np.repeat(values.reshape(3, 2, -1), 5, axis=0)

    same = Shown(3, case.layers, case.weights, each_step(samples), each_step(targets),
                 **case.options).reference()
    for key, w in net.weights.items():
        np.testing.assert_allclose(w, same[key][-1], rtol=0, atol=1e-14)
    np.testing.assert_allclose(readout.values(), same['r', 2][4::5].reshape(6, 2), rtol=0,
                               atol=1e-14)
    assert net.schedule is shown.schedule and net.replicas == 2


def test_weights_with_time_constants_are_saved(tmp_path):
    def small(name):
        return GLENetwork(2, [Dense(3, tau_m=[1, 2, 3]*ms), Dense(1)], eta_tau_m=1*ms, name=name)

    net = small('one')
    np.testing.assert_allclose(net.weights['tau_m', 0], [0.001, 0.002, 0.003])
    net.weights['tau_m', 1] = 0.007
    net.weights.save(tmp_path/'w.npz')
    other = small('two')
    other.weights.load(tmp_path/'w.npz')
    assert other.weights['tau_m', 1] == 0.007
    Network(other).run(0.2*ms)
    np.testing.assert_allclose(other.output.tau_m[:]/second, 0.007)  # the neurons have them


def test_what_learns_and_what_is_constant():
    net = GLENetwork(2, [Dense(3), Dense(1)], eta=[0/ms, 1/ms], eta_tau_m=[1*ms, 0*ms])
    learns = {key: bool(projection.equations.diff_eq_names)
              for key, projection in net.projections.items()}
    assert learns == {('forward', 0): False, ('bias', 0): False, ('tau_m', 0): True,
                      ('forward', 1): True, ('bias', 1): True}
    assert set(GLENetwork(2, [Dense(1)], bias=False).weights) == {('forward', 0)}


def test_it_prints_itself():
    net = GLENetwork(
        (6, 6, 1), [Conv(2, 3), MaxPool(2), Flatten(), Dense(3), Dense(2)], replicas=4, eta=1/ms,
        eta_tau_m=[0, 0, 1e-3], optimiser=Adam(), loss='cross_entropy', gamma=0.5, name='net')
    text = str(net)
    assert repr(net) == "<GLENetwork 'net': 6x6x1-4x4x2-2x2x2-8-3-2, 4 replicas>"
    for part in (repr(net), 'net_layer0', '128 neurons', '2 x 1 x 3 x 3, learn', '3 x 8, learn',
                 'net_tau_m2', 'pooling', 'net_softmax', 'gamma = 0.5, 0.5, 0.5',
                 'eta = 1.0/ms, 1.0/ms, 1.0/ms', 'optimiser = Adam(beta_1=0.9', 'One step',
                 'v_in_post = w*r_pre', 'v_err_pre = w*err_post', 'tau_m_post = tau',
                 'dv/dt = (err_in - v)/tau_v', 'du/dt = (v_in + b + 0.5*v_prosp - u)/tau_m'):
        assert part in text, part


def test_order_of_a_step():
    net = GLENetwork((4, 1), [MaxPool(2), Conv(2, 1), AveragePool(2), Flatten(), Dense(2)],
                     eta=1/ms, eta_tau_m=1*ms, name='n')
    steps = [re.sub('_(then_)?summed(_variable)?', '', name.removeprefix('n_'))
             for _, order, name in net.step_order()]
    place = {name: steps.index(name) for name in steps}
    rates = [place[name] for name in ('pooling0_r_post', 'pooling2_r_post', 'forward0_v_in_post')]
    neurons = [place['layer0_stateupdater'], place['layer1_stateupdater']]
    errors = [place[name] for name in ('forward1_v_err_pre', 'pooling2_v_err_pre')]
    weights = [place[f'{kind}{k}_stateupdater'] for kind in ('forward', 'bias', 'tau_m')
               for k in (0, 1)]
    assert rates == sorted(rates) and errors == sorted(errors)
    assert max(rates) < min(neurons) < max(neurons) < min(errors) < max(errors) < min(weights)


def test_errors_arrive_one_layer_per_step():
    net = GLENetwork(1, [Dense(1, 'linear') for _ in range(3)], beta=1, bias=False)
    for k in range(3):
        net.weights['forward', k] = 1
    net.inputs.r, net.output.target = 1, 5
    monitors = [StateMonitor(group, ['r', 'err'], record=True, when='end') for group in net.neurons]
    Network(net, monitors).run(1*ms)
    rises = [np.flatnonzero(monitor.r[0] != 0)[0] for monitor in monitors]
    assert rises == [0, 1, 2]
    assert [np.flatnonzero(monitor.err[0] != 0)[0] for monitor in monitors] == [3, 2, 1]


def small(layers=(Dense(3), Dense(2)), **options):
    return GLENetwork(4, layers, **options)


def shown(n=4, outputs=2, replicas=1):
    return Batches(np.zeros((6, n)), np.zeros((6, outputs)), duration=1*ms, replicas=replicas)


BAD = {
    'no layers': (lambda: small([]), ValueError, 'the last layer has to be'),
    'not a layer': (lambda: small([3]), TypeError, '3'),
    'half a replica': (lambda: small(replicas=1.5), ValueError, 'replicas=1.5'),
    'width of inputs': (lambda: small(batches=shown(5)), ValueError,
                        "'network' has 4 inputs, but the batches of 'batches' are 5 wide"),
    'width of targets': (lambda: small(batches=shown(4, 3)), ValueError,
                         'has 2 outputs, .* 3 wide'),
    'other replicas': (lambda: small(batches=shown(replicas=2), replicas=3), ValueError,
                       "has 3 replicas, but 'batches' shows batches of 2"),
    'loss': (lambda: small(loss='crossentropy'), ValueError, "did you mean 'cross_entropy'"),
    'cross-entropy of rates': (lambda: small(loss='cross_entropy', output_activation='tanh'),
                               ValueError, "softmax .* linear; .* 'tanh'"),
    'errors': (lambda: small(errors='instant'), ValueError, "did you mean 'instantaneous'"),
    'activation': (lambda: small(activation='than'), ValueError, "did you mean 'tanh'"),
    'unknown option': (lambda: small(etas=1/ms), TypeError, 'etas'),
    'negative eta': (lambda: small(eta=-1/ms), ValueError, "eta of 'network' is -1"),
    'NaN as eta': (lambda: small(eta=np.nan/ms), ValueError, "eta of 'network' is nan"),
    'eta of other layers': (lambda: small(eta=[1/ms]*3), ValueError,
                            "eta of 'network' has 3 values; give one, or 2"),
    'eta without unit': (lambda: small(eta=0.1), DimensionMismatchError, "'eta' of 'network'"),
    'gamma': (lambda: small(gamma=np.nan), ValueError, 'gamma'),
    'gamma of other layers': (lambda: small(gamma=[1, 0, 1]), ValueError,
                              "gamma of 'network' has 3 values; give one, or 2"),
    'beta as a text': (lambda: small(beta='a'), ValueError, "beta of 'network' is 'a'"),
    'eta_tau_m in hertz': (lambda: small(eta_tau_m=1/ms), DimensionMismatchError, "'eta_tau_m'"),
    'eta_tau_m without unit': (lambda: small(eta_tau_m=1), DimensionMismatchError, "'eta_tau_m'"),
    'eta_tau_m of Adam': (lambda: small(eta_tau_m=1*ms, optimiser=Adam()), DimensionMismatchError,
                          "'eta_tau_m'"),
    'negative eta_tau_r': (lambda: small(eta_tau_r=-1*ms), ValueError, 'eta_tau_r'),
    'eta_tau_r of other layers': (lambda: small(eta_tau_r=[1*ms]*3), ValueError, 'give one, or 2'),
    'tau_m below dt': (lambda: small(tau_m=0.05*ms), ValueError,
                       "tau_m of layer 0 of 'network' is 50. us; .* at least the time step"),
    'tau_m of more neurons': (lambda: small([Dense(2, tau_m=[1, 2, 3]*ms)]), ValueError,
                              r'has the shape \(3,\); give one value, or 2'),
    'groups of another size': (lambda: small([Dense(3, tau_r=by_group((2, 1*ms), (2, 2*ms)))]),
                               ValueError, r'tau_r .* has the shape \(4,\); give one value, or 3'),
    'tau_m in volt': (lambda: small(tau_m=1*mV), DimensionMismatchError, "'tau_m'"),
    'tau_r of 0': (lambda: small(tau_r=0*ms), ValueError,
                   "tau_r of layer 0 of 'network' is 0, .* errors='instantaneous'"),
    'tau_r of a neuron': (lambda: small([Dense(3), Dense(2, tau_r=[1, 0]*ms)]), ValueError,
                          'tau_r of layer 1'),
    'tau_r below dt': (lambda: small(tau_r=0.05*ms), ValueError, 'at least the time step'),
    'tau_min below dt': (lambda: small(tau_min=0.05*ms), ValueError,
                         "tau_min of 'network' is 50. us, less than the time step"),
    'tau_min of neurons': (lambda: small(tau_min=[1, 2]*ms), ValueError, 'tau_min .* one value'),
    'begins below tau_min': (
        lambda: small(eta_tau_m=1*ms, tau_m=2*ms, tau_min=3*ms), ValueError,
        "tau_m of layer 0 of 'network' learns, and begins at 2 ms, below tau_min = 3. ms"),
    'tau_r begins below tau_min': (
        lambda: small(eta_tau_r=[0*ms, 1*ms], tau_r=2*ms, tau_min=3*ms), ValueError,
        'tau_r of layer 1 .* below tau_min'),
    'look-ahead that learns from 0': (
        lambda: small(eta_tau_r=1*ms, tau_r=0*ms, errors='instantaneous'), ValueError,
        'begins at 0 ms, below tau_min'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize('case', [case for case in BAD if 'wid' not in case and 'other rep' not in
                                  case])
def test_nothing_is_made_of_bad_options(case):
    """In C++ standalone mode, what was made would be in the next build."""
    from brian2 import set_device

    set_device('cpp_standalone', build_on_run=False)
    device = get_device()
    try:
        device.reinit()
        device.activate(build_on_run=False)
        before = len(device.arrays)
        with pytest.raises(BAD[case][1]):
            BAD[case][0]()
        assert len(device.arrays) == before
    finally:
        device.reinit()


@pytest.mark.parametrize('key, values, message', [
    (('forward', 0), np.nan, 'forward'), (('forward', 0), np.ones((2, 2)), 'shape'),
    (('forwrd', 0), 1, 'did you mean'), (('tau_m', 0), 1, 'unknown weights'),
    (('bias', 5), 1, "'bias', 1")])
def test_bad_weights(key, values, message):
    with pytest.raises(ValueError, match=message):
        small().weights[key] = values


def test_tau_r_of_0_without_error_neurons():
    net = small(tau_r=0*ms, errors='instantaneous')
    net.weights.update(initial_weights(4, net.layers, np.random.default_rng(1)))
    net.inputs.r = 1
    Network(net).run(1*ms)
    assert (net.output.tau_r[:] == 0).all() and 'v' not in net.output.variables
