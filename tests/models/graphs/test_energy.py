"""The energy of a graph: it is stationary when the graph has settled, and weights descend it."""

import numpy as np
from brian2 import Network, ms

from brian_le.models import Edge, Graph, Identity, Node
from tests.models.graphs.reference import Flat

NODES = {'h': 4, 'k': 4, 'y': 2}
EDGES = [('x', 'h'), ('h', 'k'), ('k', 'k'), ('k', 'h'), ('x', 'k'), ('h', 'y'), ('k', 'y')]
BETA, GAMMA = 0.2, 0.7
RNG = np.random.default_rng(8)
X, TARGET = RNG.uniform(-1, 1, 3), np.array([0.5, -1.0])


def energy(flat, p, beta=BETA):
    """Of potentials p: what the mismatches cost, and beta times the cost of the outputs."""
    mismatch = p - flat.W @ flat.rates(p) - flat.W_in @ X - flat.b
    cost = ((TARGET - p[flat.is_output])**2).sum()/2
    return (mismatch**2).sum()/(2*GAMMA) + beta*cost, cost


def test_energy_of_a_settled_graph():
    net = Graph({'x': 3}, NODES | {'y': Node(2, target='rate')}, [*map(lambda e: Edge(*e), EDGES),
                Identity('h', 'k')], eta=0.1/ms, beta=BETA, gamma=GAMMA, rng=5, energy=True,
                name='settled')
    for key in (('forward', 'k->k'), ('forward', 'h->k'), ('forward', 'k->h')):
        net.weights[key] = 0.3*net.weights[key]
    start = dict(net.weights)
    net.inputs['x'].r, net.outputs['y'].target = X, TARGET
    net.schedule.learning = 0
    network = Network(net)
    network.run(60*ms, namespace={})

    edges = [(*edge, 'forward') for edge in EDGES] + [('h', 'k', 'identity')]
    flat = Flat({'x': 3}, NODES, edges, ['y'], start)
    p = np.concatenate([group.u_prosp[:] for group in net.nodes.values()])
    total, cost = energy(flat, p)
    found = net.energy()
    np.testing.assert_allclose([found.total, found.cost], [total, cost], rtol=1e-9)
    np.testing.assert_allclose(net.energy_meter.total[0], total, rtol=1e-9)
    assert list(found.populations) == ['h', 'k', 'y']

    def derivative(function, array):
        result = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            step = np.zeros_like(array)
            step[index] = 1e-5
            result[index] = (function(array + step) - function(array - step))/2e-5
        return result

    at_rest = np.abs(derivative(lambda q: energy(flat, q)[0], p)).max()
    largest = max(np.abs(derivative(lambda q: energy(flat, q)[0], p + kick)).max()
                  for kick in RNG.normal(0, 0.1, (3, len(p))))
    assert at_rest < 1e-6*largest

    net.schedule.learning = 1
    network.run(0.1*ms, namespace={})
    for key, values in start.items():
        def of_weights(new, key=key):
            return energy(Flat({'x': 3}, NODES, edges, ['y'], start | {key: new}), p)[0]
        change, slope = net.weights[key] - values, -derivative(of_weights, np.array(values))
        cosine = (change*slope).sum()/np.linalg.norm(change)/np.linalg.norm(slope)
        assert cosine > 0.9999, key
    after = net.energy().total
    network.run(20*ms, namespace={})
    assert net.energy().total < after
