import numpy as np
import pytest
from brian2 import DimensionMismatchError, Network, mV, ms
from hypothesis import given
from hypothesis import strategies as st

from brian_le.models import (Conv, Dense, Flatten, LayeredNetwork, MaxPool, Microcircuit,
                             initial_weights, random_weights)

LAYERS = [Conv(2, (2, 1)), MaxPool(2), Flatten(), Dense(3), Dense(2)]


def make(**options):
    return LayeredNetwork((5, 4, 1), LAYERS, **{'feedback': 'random', 'replicas': 2} | options)


def start(**options):
    return initial_weights((5, 4, 1), LAYERS, np.random.default_rng(1),
                           **{'feedback': True} | options)


def same(found, expected):
    assert set(found) == set(expected)
    for key, w in expected.items():
        np.testing.assert_array_equal(found[key], w, err_msg=str(key))


def test_get_and_set():
    net = make()
    assert all((w == 0).all() for w in net.weights.values()) and len(net.weights) == 8
    net.weights.update(start())
    same(net.weights, start())
    net.weights['forward', 0] = 2
    assert (net.projections['forward', 0].w[:] == 2).all()
    before = net.weights['bias', 1]
    for change in (lambda w: w.__setitem__(slice(None), 9), lambda w: w[:1].fill(9),
                   lambda w: w.sort()):
        with pytest.raises(ValueError, match=r"a copy.* write weights\['bias', 1\] = values"):
            change(before)
    net.weights['bias', 1] += 1
    np.testing.assert_array_equal(net.projections['bias', 1].bias[:], before + 1)
    mine = before.copy()
    mine[:] = 9
    assert (net.weights['bias', 1] != 9).all()
    assert net.weights.shape('forward', 0) == (2, 1, 2, 1) and ('pool', 1) not in net.weights


def test_where_they_are():
    net = make()
    w = start()
    net.weights.update(w)
    assert net.projections['forward', 2].w[1, 0] == w['forward', 2][0, 1]
    np.testing.assert_array_equal(net.projections['bias', 0].bias[:], w['bias', 0])
    np.testing.assert_array_equal(net.projections['forward', 0].matrix()[:], w['forward', 0])


def test_values_by_name():
    net = make(name='net')
    values = net.weights.variables(start())
    assert set(values) == {f'net_{kind}{k}.{"bias" if kind == "bias" else "w"}'
                           for kind, k in net.weights}
    assert all(flat.ndim == 1 for flat in values.values())
    same(net.weights.matrices(values), start())


@given(st.integers(0, 99), st.booleans(), st.sampled_from(['transposed', 'random']))
def test_saved_and_loaded(tmp_path_factory, seed, bias, feedback):
    path = tmp_path_factory.mktemp('w')/'weights.npz'
    net, other = make(bias=bias, feedback=feedback), make(bias=bias, feedback=feedback, replicas=3)
    weights = initial_weights((5, 4, 1), LAYERS, np.random.default_rng(seed), bias=bias,
                              feedback=feedback == 'random')
    net.weights.update(weights)
    net.weights.save(path)
    other.weights.load(path)
    same(other.weights, weights)
    with np.load(path) as file:
        assert set(file) == {f'{kind}_{k}' for kind, k in weights}


def test_saved_by_a_microcircuit(tmp_path):
    weights = random_weights((2, 3, 1), np.random.default_rng(1), bias=True)
    circuit, other = Microcircuit((2, 3, 1), bias=0.5), Microcircuit((2, 3, 1), bias=1)
    circuit.weights.update(weights)
    circuit.weights.save(tmp_path/'w.npz')
    other.weights.load(str(tmp_path/'w.npz'))
    same(other.weights, weights)


def test_learned_weights_give_the_same_answers(tmp_path):
    net, other = make(eta=0.1/ms, replicas=1), make(replicas=1)
    net.weights.update(start())
    net.inputs.r, net.output.target = np.linspace(0, 1, 20), [1, -1]
    network = Network(net)
    network.run(2*ms)
    net.weights.save(tmp_path/'w')
    other.weights.load(tmp_path/'w')
    assert np.abs(other.weights['forward', 2] - start()['forward', 2]).max() > 1e-3
    for each in (net, other):
        each.schedule.learning = each.schedule.nudged = 0
        each.inputs.r = 0.3
    network.run(5*ms)
    Network(other).run(5*ms)
    np.testing.assert_allclose(net.output.r[:], other.output.r[:], rtol=0, atol=1e-13)


def test_in_a_project_in_c(standalone, tmp_path):
    net = make(eta=0/ms)
    net.weights.update(start())
    same(net.weights, start())  # before the run
    net.weights.save(tmp_path/'w.npz')
    other = make(name='other')
    other.weights.load(tmp_path/'w.npz')
    Network(net, other).run(0.1*ms)
    standalone.build(directory=str(tmp_path/'project'), compile=True, run=True, with_output=False)
    same(net.weights, start())
    same(other.weights, start())


def test_files_that_do_not_fit(tmp_path):
    net = make()
    net.weights.update(start())
    before = dict(net.weights)
    changes = {
        'other shapes': (lambda w: w.update(forward_0=np.zeros((2, 1, 2, 2))),
                         r"forward_0 in .* has shape \(2, 1, 2, 2\)"),
        'one missing': (lambda w: w.pop('bias_2'), "has the weights .* but 'network' needs bias_0"),
        'one more': (lambda w: w.update(forward_3=np.zeros(2)), 'forward_3, but'),
        'not finite': (lambda w: w['feedback_2'].__setitem__((0, 1), np.nan),
                       r'feedback_2 in .* contains nan at index \(0, 1\)'),
        'text': (lambda w: w.update(bias_0=np.array(['a', 'b'])), 'bias_0 in'),
    }
    for change, message in changes.values():
        arrays = {f'{kind}_{k}': w + 1 for (kind, k), w in start().items()}
        change(arrays)
        np.savez(tmp_path/'bad.npz', **arrays)
        with pytest.raises(ValueError, match=message):
            net.weights.load(tmp_path/'bad.npz')
        same(net.weights, before)


@pytest.mark.parametrize('content', [b'', b'not an archive', b'PK\x03\x04 damaged'])
def test_files_of_something_else(tmp_path, content):
    (tmp_path/'bad').write_bytes(content)
    with pytest.raises(ValueError, match="bad' is not a file of weights, or is damaged"):
        make().weights.load(tmp_path/'bad')


def test_other_arrays_and_no_file(tmp_path):
    np.save(tmp_path/'single.npy', np.zeros(3))
    with pytest.raises(ValueError, match='is not a file of weights'):
        make().weights.load(tmp_path/'single.npy')
    with pytest.raises(FileNotFoundError):
        make().weights.load(tmp_path/'nothing.npz')


@pytest.mark.parametrize('key, values, message', [
    (('forward', 0), np.zeros((2, 1, 1, 2)), r'\(2, 1, 1, 2\), but \(2, 1, 2, 1\)'),
    (('bias', 1), [1, np.nan, 0], r'contains nan at index \(1,\)'),
    (('forward', 1), np.inf, 'contains inf'),
    (('foward', 1), 0, r"did you mean '\('forward', 1\)'"),
    (('pool', 1), 0, r"unknown weights of 'network': '\('pool', 1\)'"),
    ('forward', 0, r"'\('forward',\)'"),
])
def test_bad_weights(key, values, message):
    with pytest.raises(ValueError, match=message):
        make().weights[key] = values


def test_they_cannot_be_deleted():
    with pytest.raises(TypeError, match='cannot be deleted'):
        del make().weights['bias', 0]


def test_they_print_themselves():
    assert repr(make(name='n').weights).startswith(
        "<Weights of 'n': ('forward', 0): (2, 1, 2, 1), ('bias', 0): (2,), ('forward', 1): (3, 8)")


def test_a_small_file_that_says_it_is_large(tmp_path):
    """It is refused for the shapes in its headers, before memory is taken."""
    arrays = {f'{kind}_{k}': w for (kind, k), w in start().items()}
    np.savez_compressed(tmp_path/'small.npz', **arrays)
    make().weights.load(tmp_path/'small.npz')  # compressed files may fit
    np.savez_compressed(tmp_path/'large.npz', **{**arrays, 'bias_0': np.zeros(10**7, 'i1')})
    assert (tmp_path/'large.npz').stat().st_size < 10**5
    with pytest.raises(ValueError, match=r"bias_0 in '.*' has shape \(10000000,\)"):
        make().weights.load(tmp_path/'large.npz')
    np.savez(tmp_path/'objects.npz', **{**arrays, 'bias_0': np.array([print, None])})
    with pytest.raises(ValueError, match='not an array of numbers, but of object'):
        make().weights.load(tmp_path/'objects.npz')


def test_weights_in_another_unit_are_refused():
    net = LayeredNetwork(4, [Dense(3)], tau_r=5*ms, eta_tau=1*ms, name='in_units')
    with pytest.raises(DimensionMismatchError, match=r"\('forward', 0\) of 'in_units'.*numbers"):
        net.weights['forward', 0] = 5*mV
    with pytest.raises(DimensionMismatchError, match='or times'):
        net.weights.update({('tau', 0): [1, 2, 3]*mV})
    net.weights['tau', 0] = [1, 2, 3]*ms
    np.testing.assert_allclose(net.weights['tau', 0], [1e-3, 2e-3, 3e-3])
    net.weights['tau', 0] = 0.004
