"""Masks and signs of edges on a substrate: its imperfections do not lead beyond them."""

import numpy as np
import pytest
from brian2 import Network, ms, second

from brian_le.models import Edge, Graph, Node
from brian_le.substrate import (Dead, Drift, Mismatch, Stuck, Substrate, UpdateNoise, WeightRange,
                                WeightResolution)

MASK = np.array([[1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 1, 0]])
SIGN = np.array([1, 1, -1, -1])
EDGES = {'masked': dict(mask=MASK, w_max=0.9), 'masked and signed': dict(mask=MASK, sign=SIGN)}
IMPERFECTIONS = [
    WeightResolution(4, 1, zero=True), WeightResolution(4, 1, 'stochastic', zero=True),
    WeightResolution(4, 1, 'accumulated', zero=True), WeightRange(0.5),
    WeightRange(1, -0.7, soft=True), UpdateNoise(0.1, 0.3), Mismatch('w', 0.2),
    Drift('w', 10/second, wander=1), Dead(0.3, variables='w'), Stuck(0.3, variable='w'),
    Stuck(0.3, at=0.4, variable='w')]
WITHOUT_0 = [WeightResolution(2, 1), WeightRange(0.5, 0.1), WeightRange(-0.1, -0.5)]


def limited(imperfection, limits, name, **options):
    """A graph from four inputs, each shown alone in a replica of its own."""
    net = Graph({'x': 4}, {'h': 3, 'y': Node(2, target='rate')},
                [Edge('x', 'h', **limits, **options), Edge('h', 'y', eta=0/ms)], eta=0.5/ms, beta=1,
                bias=False, replicas=4, rng=1, substrate=Substrate([imperfection], seed=2),
                name=name)
    net.inputs['x'].r = np.eye(4).ravel()
    net.outputs['y'].target = [2, -2]*4
    return net


@pytest.mark.parametrize('imperfection', IMPERFECTIONS, ids=repr)
def test_what_learns_stays_within_its_limits(imperfection):
    for number, (kind, limits) in enumerate(EDGES.items()):
        net = limited(imperfection, limits, f'limited{number}')
        before = net.weights['forward', 'x->h']
        Network(net).run(5*ms, namespace={})
        w = net.weights['forward', 'x->h']
        net.plan.edges[0].limits.check(kind, w)
        there = MASK > 0
        assert np.count_nonzero(np.abs(w - before)[there] > 0.01) > 4, kind
        carried = net.nodes['h'].v_in[:].reshape(4, 3).T
        assert not carried[~there].any() and np.count_nonzero(carried) > 2
        if isinstance(imperfection, WeightResolution):
            levels = np.unique((carried*7).round(9))
            np.testing.assert_array_equal(levels, levels.round())
            assert len(levels) > 2 and (carried*limits.get('sign', 0) >= 0).all()


@pytest.mark.parametrize('imperfection', [IMPERFECTIONS[-1], *WITHOUT_0], ids=repr)
def test_constant_weights_that_are_not_there_carry_nothing(imperfection):
    if isinstance(imperfection, Stuck):  # which is of what learns
        net = limited(imperfection, {'mask': MASK}, 'learning')
    else:
        net = limited(imperfection, {'mask': MASK}, 'constant', eta=0/ms)
    Network(net).run(0.2*ms, namespace={})
    carried = net.nodes['h'].v_in[:].reshape(4, 3).T
    assert not carried[MASK == 0].any() and carried[MASK > 0].all()


@pytest.mark.parametrize('imperfection, said', [
    (WITHOUT_0[0], 'no level of .* is within the limits .*where they leave only 0: zero=True'),
    (WITHOUT_0[1], 'leaves nothing of the limits'), (WITHOUT_0[2], 'leaves nothing of the limits')],
    ids=repr)
def test_imperfections_that_contradict_limits(imperfection, said):
    with pytest.raises(ValueError, match=said):
        limited(imperfection, EDGES['masked and signed'], 'contradicted')
