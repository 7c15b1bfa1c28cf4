"""Layered networks with convolutions and pooling."""

import numpy as np
import pytest
from brian2 import Network, ms
from hypothesis import given

from brian_le.models import (AveragePool, Conv, Dense, Flatten, LayeredNetwork, MaxPool,
                             initial_weights)
from tests.brian_le.synapses.geometry import by_seed, drawn
from tests.models.layered.cases import PLANES, Shown, compare, compare_end, draw_planes
from tests.running import CODE_TARGETS, run_cases

DRAWN = {f'drawn{seed}': by_seed(draw_planes, seed) for seed in (103, 165, 216, 253, 255, 266)}
ON_CYTHON = 'drawn103'


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory):
    return run_cases(request.param, {name: case.compose_to_the_end for name, case in DRAWN.items()},
                     tmp_path_factory.mktemp('c'), not_on_cython=set(DRAWN) - {ON_CYTHON})


@pytest.mark.parametrize('case', DRAWN)
def test_against_numpy(found, case):
    if case not in found:
        pytest.skip('Cython compiles every case for a long time')
    compare_end(found[case], DRAWN[case].reference())


def test_the_fixed_cases_are_of_all_kinds():
    assert len({case.input_shape for case in DRAWN.values()}) == len(DRAWN)
    for option, n in dict(feedback=3, errors_from=2, rate_at=2, loss=2, target=2).items():
        assert len({case.options[option] for case in DRAWN.values()}) == n, option


@given(drawn(draw_planes))
def test_every_step_of_any_network(case):
    objects, duration, read = case.compose('net')
    Network(objects).run(duration, namespace={})
    compare(read(), case.reference())


def test_replicas_learn_the_mean():
    input_shape, layers = PLANES[0]
    rng = np.random.default_rng(1)
    weights = initial_weights(input_shape, layers, rng)
    x, targets = rng.random((6, 3, 60)), rng.random((6, 3, 2))
    last = 1.0*(np.arange(6) == 5)

    def changes(b):
        case = Shown(input_shape, layers, weights, x[:, b], targets[:, b], learning=last, eta=1.0)
        objects, duration, read = case.compose_to_the_end('net')
        Network(objects).run(duration, namespace={})
        found = read()
        return {key: found[*key, 'bias' if key[0] == 'bias' else 'w'] - w
                for key, w in weights.items()}

    alone = [changes(slice(b, b + 1)) for b in range(3)]
    for key, change in changes(slice(None)).items():
        assert np.abs(change).max() > 1e-5
        np.testing.assert_allclose(change, np.mean([each[key] for each in alone], axis=0),
                                   rtol=0, atol=1e-15)


def test_pooling_takes_no_time():
    """Rates are at the outputs after one step for each layer of neurons."""
    net = LayeredNetwork((4, 1), [MaxPool(2), Conv(1, 1, activation='linear'), MaxPool(2),
                                  Flatten(), Dense(1)])
    net.weights['forward', 0] = net.weights['forward', 1] = 1
    net.inputs.r = [0.1, 0.7, 0.4, 0.2]
    network = Network(net)
    network.run(0.1*ms)
    np.testing.assert_allclose(net.pools[0].r[:], [0.7, 0.4])
    assert net.output.r[0] == 0
    network.run(0.1*ms)
    np.testing.assert_allclose([net.pools[2].r[0], net.output.r[0]], 0.7)


def test_errors_go_back_to_the_winners():
    for layer, share in ((MaxPool(2), [0, 1, 1, 0]), (AveragePool(2), [0.5]*4)):
        net = LayeredNetwork((4, 1), [Conv(1, 1, activation='linear'), layer, Flatten(), Dense(1)],
                             gamma=0, beta=1)
        net.weights['forward', 0], net.weights['forward', 1] = 1, [[2, 3]]
        net.inputs.r = [0.1, 0.7, 0.4, 0.2]
        net.output.target = 10
        Network(net).run(0.4*ms)
        error = net.output.err[0]
        assert error > 1
        np.testing.assert_allclose(net.hidden[0].err[:], error*np.array([2, 2, 3, 3])*share)
        assert not any('v_err' in group.variables for group in (net.inputs, net.output))


def test_a_pool_of_the_inputs_gets_no_errors():
    net = LayeredNetwork((4, 1), [MaxPool(2), Flatten(), Dense(2)], name='n')
    assert 'v_err' not in net.pools[0].variables
    assert net.pools[0].name == 'n_pool0' and ('pool', 0) in net.projections


def test_biases_of_convolutions_belong_to_channels():
    net = LayeredNetwork((3, 1), [Conv(2, 2), Conv(1, 2)], replicas=2)
    net.weights['bias', 0] = [1, 2]
    Network(net).run(0.1*ms)
    np.testing.assert_array_equal(net.hidden[0].by_replica('b')[:], [[1, 2, 1, 2]]*2)
