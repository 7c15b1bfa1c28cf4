import numpy as np
import pytest
from brian2 import Network, NeuronGroup, have_same_dimensions, mV, ms, prefs, volt

from brian_le import DenseSynapses, ReplicatedGroup, by_replica, gle_neuron
from brian_le.models import Dense, GLENetwork, LayeredNetwork


def test_neurons_know_where_they_are():
    G = ReplicatedGroup(3, 'v : 1\nx = 10*replica + neuron : 1', replicas=2, name='G')
    assert len(G) == 6
    np.testing.assert_array_equal(G.x[:].reshape(2, 3), [[0, 1, 2], [10, 11, 12]])
    G.by_replica('v')[1] = [3, 4, 5]
    np.testing.assert_array_equal(np.array(G.v), [0, 0, 0, 3, 4, 5])
    assert G.by_replica('v').shape == by_replica(G, 'v', 2).shape == (2, 3)


def test_synapses_take_the_replicas_of_their_groups():
    a, b = (ReplicatedGroup(n, 'r : 1', replicas=3, name=name) for n, name in ((2, 'a'), (4, 'b')))
    S = DenseSynapses(a, b, 'w : 1', name='S')
    S.connect()
    assert S.replicas == 3 and S.matrix('w').shape == (4, 2)
    whole = DenseSynapses(a, b, 'w : 1', replicas=1, name='whole')  # as it is told
    whole.connect()
    assert whole.matrix('w').shape == (12, 6)


def test_different_numbers_of_replicas():
    a = ReplicatedGroup(2, 'r : 1', replicas=3, name='a')
    b = NeuronGroup(4, 'v : 1', name='b')
    with pytest.raises(ValueError, match=r"'a' \(3\) and 'b' \(1\) have different numbers"):
        DenseSynapses(a, b, 'w : 1')


@pytest.mark.parametrize('n, replicas, wrong', [
    (2, 0, 'replicas=0'), (2, 1.5, 'replicas=1.5'), (2, 'two', "replicas='two'"),
    (2, None, 'replicas=None'), (2, True, 'replicas=True'), (2.5, 2, 'N=2.5'), (0, 2, 'N=0')])
def test_bad_numbers(n, replicas, wrong):
    with pytest.raises(ValueError, match=wrong + '; give a whole number of at least 1'):
        ReplicatedGroup(n, 'r : 1', replicas=replicas)


def test_expressions_by_replica():
    """They can be read, with the units and the constants that they have."""
    G = ReplicatedGroup(3, 'v : 1\nerr = (v + 1)*scale : volt\nown = 2*v : 1', replicas=2, name='G')
    G.v = 'i'
    scale = 2*mV
    prefs.codegen.target = 'numpy'
    assert have_same_dimensions(G.by_replica('err')[:], volt)
    np.testing.assert_allclose(G.by_replica('err')[:]/mV, [[2, 4, 6], [8, 10, 12]])
    np.testing.assert_array_equal(by_replica(G, 'own', 2)[1], [6, 8, 10])
    np.testing.assert_array_equal(np.asarray(by_replica(G, 'own', 2)), [[0, 2, 4], [6, 8, 10]])
    assert scale
    with pytest.raises(TypeError, match='read-only|subexpression'):
        by_replica(G, 'own', 2)[:] = 3


def test_one_value_for_all_has_no_replicas():
    G = ReplicatedGroup(3, 'a : 1 (shared)', replicas=2, name='G')
    with pytest.raises(ValueError, match="'a' of 'G' is one value for all neurons and replicas"):
        G.by_replica('a')


def test_errors_of_models_by_replica():
    net = GLENetwork(2, [Dense(3), Dense(1)], replicas=2, name='net')
    assert net.neurons[0].by_replica('err')[:].shape == (2, 3)


def test_subexpressions_are_computed():
    group = ReplicatedGroup(2, gle_neuron(), replicas=2, name='pairs')
    group.v_prosp = [1, 2, 3, 4]
    np.testing.assert_array_equal(group.by_replica('err')[:], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(group.by_replica('err')[1], [3, 4])
    with pytest.raises(TypeError, match="err of 'pairs' is a subexpression, v_prosp; set what"):
        group.by_replica('err')[:] = 1


@pytest.mark.parametrize('make', [GLENetwork, LayeredNetwork])
def test_errors_of_networks(make):
    net = make(2, [Dense(3), Dense(1)], replicas=2, rng=1, name=f'errors_{make.__name__}')
    before = prefs.codegen.target
    prefs.codegen.target = 'numpy'
    try:
        net.inputs.r, net.output.target = 1, 5
        Network(net).run(1*ms)
        np.testing.assert_array_equal(net.output.by_replica('err')[:],
                                      net.output.err[:].reshape(2, 1))
        assert (net.output.by_replica('err')[:] != 0).all()
    finally:
        prefs.codegen.target = before
