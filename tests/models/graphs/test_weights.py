"""Initial weights of graphs, their limits, and the spectral radius of loops."""

import numpy as np
import pytest
from brian2 import Network, ms

from brian_le.models import (Conv, Dense, Edge, GLEGraph, Graph, Identity, MaxPool, Node,
                             initial_weights)

OUT = Node(2, target='rate')


def test_draws_of_a_chain_are_those_of_layers():
    found = Graph({'x': 3}, {'h': 4, 'y': OUT}, [('x', 'h'), Edge('h', 'y', feedback='random')],
                  name='drawn').draw_weights(np.random.default_rng(3))
    expected = initial_weights(3, [Dense(4), Dense(2)], np.random.default_rng(3), feedback=True)
    names = {('forward', 0): 'x->h', ('forward', 1): 'h->y', ('bias', 0): 'h', ('bias', 1): 'y',
             ('feedback', 1): 'h->y'}
    assert found.keys() == {(kind, names[kind, k]) for kind, k in expected}
    for (kind, k), values in expected.items():
        np.testing.assert_array_equal(found[kind, names[kind, k]], values)


def test_draws_fill_what_all_edges_of_a_neuron_bring():
    mask = np.zeros((4, 60))
    mask[0, :4] = mask[1:, :12] = 1
    net = Graph({'x': 60, 'z': 13}, {'h': 4, 'y': OUT},
                [Edge('x', 'h', mask=mask), Edge('z', 'h', sign=-1),
                 Edge('h', 'y', sign=[1, -1, 0, 0])],
                name='full')
    w = net.draw_weights(1)
    for neuron, n in enumerate((4 + 13, 12 + 13, 12 + 13, 12 + 13)):
        own = np.abs(np.concatenate([w['forward', 'x->h'][neuron], w['forward', 'z->h'][neuron]]))
        assert 0.75 < own.max()*np.sqrt(n) <= 1
    assert not w['forward', 'x->h'][mask == 0].any()
    assert (w['forward', 'z->h'] < 0).all()
    assert (w['forward', 'h->y'][:, 0] > 0).all() and (w['forward', 'h->y'][:, 1] < 0).all()
    normal = net.draw_weights(1, sigma=0.3)
    assert 0.2 < normal['forward', 'z->h'].std()/(1 - 2/np.pi)**0.5 < 0.4
    net.weights.update(w)


def test_draws_of_kernels_beside_limited_neurons():
    """Neurons of a channel may have different numbers of inputs: its kernel has their mean."""
    mask = np.zeros((8, 30))
    mask[::2, :4] = mask[1::4, :9] = mask[3::4, :30] = 1  # channels alternate
    net = Graph({'x': (4, 4, 90), 'z': 30}, {'c': (2, 2, 2), 'y': OUT},
                [Edge('x', 'c', Conv(2, kernel=3)), Edge('z', 'c', mask=mask), ('c', 'y')],
                name='beside')
    w = net.draw_weights(1)
    kernel, dense = w['forward', 'x->c'], w['forward', 'z->c']
    for channel, n in enumerate((810 + 4, 810 + (9 + 30)/2)):
        assert 0.99 < np.abs(kernel[channel]).max()*np.sqrt(n) <= 1
        assert np.abs(w['bias', 'c'][channel])*np.sqrt(n) <= 1
    for neuron, n in enumerate(810 + mask.sum(axis=1)):
        assert not dense[neuron][mask[neuron] == 0].any()
        assert 0.3 < np.abs(dense[neuron]).max()*np.sqrt(n) <= 1


def test_random_feedback_has_the_mask_of_its_edge():
    mask = np.eye(2, 4)
    net = Graph({'x': 3}, {'h': 4, 'y': OUT},
                [('x', 'h'), Edge('h', 'y', mask=mask, sign=1, w_max=0.1, feedback='random')],
                eta=0.1/ms, rng=1, name='fed')
    assert (net.weights['feedback', 'h->y'] < 0).any()
    net.weights['feedback', 'h->y'] = -7*mask
    with pytest.raises(ValueError, match="6 of weights .'feedback', 'h->y'. are beyond its limits"):
        net.weights['feedback', 'h->y'] = np.ones((2, 4))


def test_limits_of_kernels():
    mask = np.ones((2, 3, 2, 2))
    mask[:, :, 0, 0] = 0
    net = Graph({'x': (4, 4, 3)}, {'c': (3, 3, 2), 'y': OUT},
                [Edge('x', 'c', Conv(2, 2), mask=mask, sign=[1, -1, 0]), Edge('c', 'p', MaxPool(3)),
                 ('p', 'y')], eta=5/ms, beta=1, rng=1, name='kernels')
    net.inputs['x'].r = np.random.default_rng(1).uniform(-1, 1, 48)
    net.outputs['y'].target = [2, -2]
    before = net.weights['forward', 'x->c']
    Network(net).run(3*ms, namespace={})
    w = net.weights['forward', 'x->c']
    assert not w[mask == 0].any() and (w[:, 0] >= 0).all() and (w[:, 1] <= 0).all()
    assert np.abs(w - before).max() > 0.1 and (w[:, 0][mask[:, 0] > 0] == 0).any()
    assert net.weights['bias', 'c'].shape == (2,)


def test_spectral_radius_and_its_limit():
    rng = np.random.default_rng(2)
    edges = [('x', 'a'), ('a', 'b'), Edge('b', 'a', feedback='mirror', decay=0.1/ms),
             Edge('b', 'b', w_max=3), ('b', 'c'), ('c', 'c'), Identity('a', 'b'), ('c', 'y')]
    net = Graph({'x': 2}, {'a': 3, 'b': 3, 'c': 4, 'y': OUT}, edges, eta=0.1/ms, name='loops')
    assert net.spectral_radius() == 0
    for key in net.weights:
        net.weights[key] = rng.normal(0, 0.6, net.weights.shape(*key))
    w, one = net.weights, np.eye(3)

    def radius(w):
        ab = np.block([[0*one, w['forward', 'b->a']],
                       [w['forward', 'a->b'] + one, w['forward', 'b->b']]])
        return [np.abs(np.linalg.eigvals(m)).max() for m in (ab, w['forward', 'c->c'])]

    np.testing.assert_allclose(net.spectral_radius(), max(radius(w)))
    assert min(radius(w)) > 0.5
    limited = net.limited_weights(0.5)
    assert set(limited) == {('forward', 'a->b'), ('forward', 'b->a'), ('feedback', 'b->a'),
                            ('forward', 'b->b'), ('forward', 'c->c')}
    factors = {key: np.unique((values/w[key]).round(12)) for key, values in limited.items()}
    assert all(len(factor) == 1 for factor in factors.values())
    net.weights.update(limited)
    np.testing.assert_allclose(radius(net.weights), 0.5, atol=1e-5)
    assert net.limited_weights(0.51) == {}


def test_a_limit_while_it_learns_keeps_a_loop_settled():
    """Without it the loop of a network that learns in one go exceeds 1."""
    def learned(limit):
        net = Graph({'x': 3}, {'h': 6, 'y': OUT}, [('x', 'h'), ('h', 'h'), ('h', 'y')], eta=10/ms,
                    beta=0.3, rng=1, name=f'limited{int(limit is None)}')
        net.inputs['x'].r, net.outputs['y'].target = [1, -1, 0.5], [3, -3]
        network = Network(net)
        for _ in range(10):
            network.run(2*ms, namespace={})
            if limit:
                net.weights.update(net.limited_weights(limit))
        return net.spectral_radius()

    assert learned(0.7) <= 0.7*(1 + 1e-5) < 1 < learned(None)


def test_no_radius_of_kernels():
    edges = [('x', 'c'), Edge('c', 'c', Conv(1, 3, padding=1)), ('c', 'y')]
    net = Graph({'x': 2}, {'c': (3, 3, 1), 'y': OUT}, edges, name='convolved')
    with pytest.raises(ValueError, match="'c->c' is a convolution or a pool in a loop"):
        net.spectral_radius()


@pytest.mark.parametrize('kind', [Graph, GLEGraph])
def test_what_it_prints(kind):
    net = kind({'x': (4, 4, 1)}, {'h': 4, 'y': OUT}, [
        Edge('x', 'p', MaxPool(2)), ('p', 'h'), ('h', 'h'), Identity('h', 'h', feedback='absent'),
        ('h', 'y')], replicas=2, name='printed')
    text = str(net)
    assert text.startswith(f"<{kind.__name__} 'printed': x 4x4x1, h 4, y 2, p 2x2x1; 5 edges, "
                           '2 replicas>')
    for part in ('printed_forward_h_h', 'v_in_h_identity_post = r_pre', 'identity\n', 'pooling\n'):
        assert part in text
    assert [group.name for group in net.populations] == [
        'printed_x', 'printed_h', 'printed_y', 'printed_p']
    with pytest.raises(TypeError, match='tells what it was made of'):
        net.nodes['z'] = 3
    with pytest.raises(AttributeError, match='eta'):
        net.eta = 1/ms
