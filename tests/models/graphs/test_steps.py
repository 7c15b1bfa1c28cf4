"""Every kind of edge, step by step, beside NumPy and on all targets."""

import numpy as np
import pytest
from brian2 import ms

from brian_le.models import Batches, Edge, GLEGraph, Graph, Identity, Node
from tests.models.graphs.steps import steps
from tests.running import run_cases

REPLICAS, ETA, BETA, N_BATCHES, N_STEPS = 2, 0.8, 0.4, 3, 10
RNG = np.random.default_rng(11)
MASK = RNG.integers(0, 2, (4, 3))
SIGN = np.array([1, -1])
SIZES = {'x': 3, 'z': 2, 'h': 4, 'k': 4, 'q': 2, 'y': 1}
NO = 1e30
EDGES = [  # source, target, options of Edge, what they mean for each weight
    ('x', 'h', dict(mask=MASK), dict(low=-NO*MASK, high=NO*MASK)),
    ('z', 'k', dict(sign=SIGN, w_max=0.4), dict(low=-0.4*(SIGN < 0), high=0.4*(SIGN > 0))),
    ('h', 'k', {}, {}),
    ('h', 'k', None, {}),
    ('k', 'k', dict(w_max=0.3), dict(low=-0.3, high=0.3)),
    ('k', 'y', dict(feedback='mirror', decay=0.1/ms), dict(decay=0.1)),
    ('h', 'y', dict(feedback='random', eta=0.2/ms), dict(eta=0.2)),
    ('k', 'q', dict(feedback='absent'), {}),
    ('y', 'h', dict(eta=0/ms), dict(eta=0)),
    ('h', 'q', {}, {}),
    ('x', 'q', {}, {}),
]
NODES = {
    'h': dict(activation='tanh', tau_m=10, tau_r=10, target=None),
    'k': dict(activation='logistic', tau_m=5, tau_r=4, target=None),
    'q': dict(activation='linear', tau_m=10, tau_r=10, target='rate', beta=BETA),
    'y': dict(activation='tanh', tau_m=10, tau_r=10, target='rate', beta=0.7),
}
X = RNG.uniform(-1, 1, (N_BATCHES*REPLICAS, 5))
TARGETS = RNG.uniform(-1, 1, (N_BATCHES*REPLICAS, 3))


def nodes_of(theory):
    return NODES | ({'q': NODES['q'] | dict(target='voltage')} if theory == 'LE' else {})


def case(theory):
    def compose(name):
        nodes = {key: Node(SIZES[key], activation=node['activation'], tau_m=node['tau_m']*ms,
                           tau_r=node['tau_r']*ms, target=node['target'],
                           beta=node.get('beta') if key == 'y' else None, bias=key != 'q')
                 for key, node in nodes_of(theory).items()}
        edges = [Identity(source, target) if options is None else Edge(source, target, **options)
                 for source, target, options, _ in EDGES]
        shown = Batches(X, TARGETS, duration=N_STEPS*0.1*ms, replicas=REPLICAS,
                        name=f'{name}_shown')
        net = (Graph if theory == 'LE' else GLEGraph)(
            {'x': 3, 'z': 2}, nodes, edges, batches=shown, beta=BETA, gamma=0.6, eta=ETA/ms, rng=4,
            name=f'{name}_net')

        def read():
            return {what: {key: group.by_replica(what)[:] for key, group in net.nodes.items()}
                    for what in ('u', 'u_prosp', 'r', 'err')} | {
                        'weights': {key: net.weights[key] for key in net.weights},
                        'start': net.draw_weights(4)}

        return [shown, net], shown.total_duration, read

    return compose


def reference(theory, start):
    nodes = {name: node | dict(n=SIZES[name]) for name, node in nodes_of(theory).items()}
    edges = [dict(source=source, target=target, kind='identity' if options is None else 'forward',
                  feedback=(options or {}).get('feedback', 'transposed'), eta=ETA, decay=0, low=-NO,
                  high=NO) | meant for source, target, options, meant in EDGES]
    show = np.repeat(np.arange(N_BATCHES), N_STEPS)
    x, targets = (values.reshape(N_BATCHES, REPLICAS, -1)[show] for values in (X, TARGETS))
    return steps(nodes, edges, start, {'x': x[..., :3], 'z': x[..., 3:]},
                 {'q': targets[..., :2], 'y': targets[..., 2:]}, replicas=REPLICAS, eta=ETA,
                 gamma=0.6, theory=theory)


BOTH = ('LE', 'GLE')


@pytest.mark.parametrize('target, theories', [
    ('numpy', BOTH), ('cpp_standalone', BOTH[:1]),
    pytest.param('cpp_standalone', BOTH[1:], marks=pytest.mark.slow),
    pytest.param('cython', BOTH[:1], marks=pytest.mark.slow)])
def test_steps(target, theories, tmp_path):
    found = run_cases(target, {theory: case(theory) for theory in theories}, tmp_path/'p')
    for theory, results in found.items():
        neurons, weights = reference(theory, results['start'])
        for what in ('u', 'u_prosp', 'r', 'err'):
            for name, values in results[what].items():
                np.testing.assert_allclose(values, getattr(neurons[name], what), rtol=0, atol=1e-12,
                                           err_msg=f'{theory}, {what} of {name}')
        assert results['weights'].keys() == weights.keys()
        for key, values in results['weights'].items():
            np.testing.assert_allclose(values, weights[key], rtol=0, atol=1e-12,
                                       err_msg=f'{theory}, {key}')
            if key != ('forward', 'y->h') and key != ('feedback', 'h->y'):
                assert np.abs(values - results['start'][key]).max() > 1e-4, key
        assert not results['weights']['forward', 'x->h'][MASK == 0].any()
        assert (results['weights']['forward', 'z->k']*SIGN >= 0).all()
