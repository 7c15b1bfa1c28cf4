import re
from dataclasses import replace

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, NeuronGroup, StateMonitor, TimedArray,
                    defaultclock, mV, ms)
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import (Adam, Compartment, ReplicatedGroup, SharedParameters, bias_learning,
                      coupling_learning, dendritic_output, dendritic_tree, error_learning,
                      gle_neuron, gle_output, membrane_learning, ordered_tree, project,
                      prospective_euler)
from brian_le.models import Dense, GLENetwork, initial_weights
from brian_le.protocols.drawing.trees import draw_tree
from brian_le.protocols.plotting import new_figure
from brian_le.step import FEEDBACK, STIMULUS, WEIGHTS
from tests.reference_layered import PHI
from tests.running import CODE_TARGETS, run_cases

DT = 0.1  # ms


def graph(x, *, w_in, w, b, tau_m, tau_r, activations, outputs=(), targets=None, beta=0.0,
          gamma=0.0, prospective=True, eta=0.0, learns=None, eta_tau=0.0, dt=DT):
    """Units of Generalized Latent Equilibrium on any graph, in plain NumPy.

    `x` is [step, replica, input], `w_in` [unit, input], `w` [post, pre]; `learns` has masks of what
    learns, by name. Gives all states as [step, replica, unit], and what has been learned.
    """
    learns, B, N = learns or {}, x.shape[1], len(b)
    p = dict(w_in=np.array(w_in, float), w=np.array(w, float), b=np.array(b, float),
             tau_m=np.array(tau_m, float))
    u, v, r, slope, down = np.zeros((5, B, N))
    rows = []
    for step in range(len(x)):
        above = down.copy()
        for k, unit in enumerate(outputs):
            above[:, unit] = beta*(targets[step, :, k] - r[:, unit])
        e_in = slope*above
        v_dot = (e_in - v)/tau_r
        err = v + p['tau_m']*v_dot if prospective else e_in
        v = v + dt*v_dot
        u_dot = (x[step] @ p['w_in'].T + r @ p['w'].T + p['b'] + gamma*err - u)/p['tau_m']
        u_prosp = u + tau_r*u_dot
        u = u + dt*u_dot
        gain = dict(w_in=err.T @ x[step]/B, w=err.T @ r/B, b=err.mean(axis=0))
        r, slope = (np.stack([PHI[a][which](u_prosp[:, k]) for k, a in enumerate(activations)],
                             axis=1) for which in (0, 1))
        down = err @ p['w']
        for name, change in gain.items():
            p[name] = p[name] + dt*eta*change*learns.get(name, 0)
        p['tau_m'] = p['tau_m'] - dt*eta_tau*(err*u_dot).mean(axis=0)*learns.get('tau_m', 0)
        rows.append(dict(u=u, r=r, err=err, slope=slope))
    return {key: np.array([row[key] for row in rows]) for key in rows[0]} | p


def played(name, group, variable, values, dt=DT):
    """Let a group play values [step, replica, neuron]."""
    group.namespace['shown_at'] = TimedArray(values.reshape(len(values), -1), dt=dt*ms)
    group.run_regularly(f'{variable} = shown_at(t, i)', when='groups', order=STIMULUS,
                        name=f'{name}_{variable}')


# ------------------------------------------------- a network around a tree, beside the reference
#   inputs (2) -> below (3) -> two neurons with a tree: soma <- trunk <- (left, right), soma <- near
STEPS, REPLICAS, BELOW, TREES = 150, 2, 3, 2
TREE = [Compartment('near', 'soma', tau_m=6*ms, tau_r=3*ms, coupling='constant'),
        Compartment('left', 'trunk', tau_m=8*ms, tau_r=1*ms, coupling='', inputs=('v_in',)),
        Compartment('soma', tau_m=2*ms, activation='linear', inputs=('v_in', 'b')),
        Compartment('right', 'trunk', tau_m=3*ms, tau_r=4*ms, activation='softplus'),
        Compartment('trunk', 'soma', tau_m='', tau_r=2*ms, coupling=-0.7, inputs=('b',))]
ORDER = ['soma', 'near', 'trunk', 'left', 'right']
BY_NAME = {c.name: c for c in TREE}
BETA, GAMMA, ETA, ETA_TAU = 0.4, 0.3, 0.5, 3.0
BACK = ('v_err_soma', 'v_err_left', 'v_err_right')
RNG = np.random.default_rng(4)
X = RNG.normal(size=(STEPS, REPLICAS, 2)).cumsum(axis=0)/5
TARGETS = RNG.normal(size=(STEPS, REPLICAS, TREES))
W_BELOW = RNG.normal(size=(BELOW, 2))
W_TREE = {c: RNG.normal(size=(TREES, BELOW)) for c in ('soma', 'left', 'right')}
W_NEAR = RNG.normal(size=(TREES, 2))
COUPLING = {'near': np.array([0.8, -0.4]), 'trunk': np.array([-0.7, -0.7]),
            'left': np.array([1.1, 0.6]), 'right': np.array([1.0, 1.0])}


def compose(errors='prospective'):
    def composed(name):
        defaultclock.dt = DT*ms
        options = dict(replicas=REPLICAS, method='prospective_euler', namespace={})
        inputs = ReplicatedGroup(2, 'r : 1\nr_sent = r : 1', replicas=REPLICAS, namespace={},
                                 name=f'{name}_inputs')
        below = ReplicatedGroup(BELOW, dendritic_tree(
            [Compartment('cell', tau_m=4*ms, tau_r=1*ms)], feedback=BACK, gamma=GAMMA,
            errors=errors), name=f'{name}_below', **options)
        trees = ReplicatedGroup(TREES, dendritic_output(
            TREE, beta=BETA, gamma=GAMMA, errors=errors) + 'u_trunk_dot : hertz',
            name=f'{name}_trees', **options)
        trees.nudged, trees.tau_m_trunk = 1, 5*ms
        trees.coupling_near = np.tile(COUPLING['near'], REPLICAS)
        played(name, inputs, 'r', X)
        played(name, trees, 'target', TARGETS)

        def up(source, target, c, w, back):
            S = project(source, target, error_learning(
                c.variable('v_in'), back=back, error=c.variable('err'), learned=c.variable('err'),
                eta=ETA/ms), name=f'{name}_{target.name[-5:]}_{c.name}',
                orders={f'{back}_pre': FEEDBACK} if back else None)
            S.matrix()[:] = w
            return S

        def share(suffix, group, equations):
            return SharedParameters(group, equations, order=WEIGHTS, method='prospective_euler',
                                    name=f'{name}_{suffix}', namespace={})

        up_below = up(inputs, below, Compartment('cell'), W_BELOW, None)
        ups = {c: up(below, trees, BY_NAME[c], w, f'v_err_{c}') for c, w in W_TREE.items()}
        near = up(inputs, trees, BY_NAME['near'], W_NEAR, None)
        biases = {c: share(f'b_{c}', trees, bias_learning(
            BY_NAME[c].variable('b'), learned=BY_NAME[c].variable('err'), eta=ETA/ms))
            for c in ORDER if 'b' in BY_NAME[c].inputs}
        coupling = share('coupling', trees, coupling_learning(TREE, 'left', eta=ETA/ms))
        coupling.w = COUPLING['left']
        tau = share('tau', trees, membrane_learning(eta=ETA_TAU*ms).substitute(
            tau_m_post='tau_m_trunk_post', u_dot_post='u_trunk_dot_post',
            err_post='err_trunk_post'))
        tau.tau = 5*ms
        monitors = [StateMonitor(below, ['u', 'r', 'err', 'slope'], record=True, when='end',
                                 name=f'{name}_m_below'),
                    StateMonitor(trees, [BY_NAME[c].variable(x) for c in ORDER
                                         for x in ('u', 'r', 'err', 'slope')],
                                 record=True, when='end', name=f'{name}_m_trees')]

        def read():
            found = {}
            for x in ('u', 'r', 'err', 'slope'):
                parts = [getattr(monitors[0], x).T.reshape(STEPS, REPLICAS, BELOW)]
                parts += [getattr(monitors[1], BY_NAME[c].variable(x)).T.reshape(
                    STEPS, REPLICAS, TREES) for c in ORDER]
                found[x] = np.concatenate(parts, axis=-1)
            return found | {
                'w_below': up_below.matrix()[:], 'w_near': near.matrix()[:],
                'coupling': coupling.w[:], 'tau': tau.tau[:]/ms,
                **{f'w_{c}': S.matrix()[:] for c, S in ups.items()},
                **{f'b_{c}': S.bias[:] for c, S in biases.items()}}

        objects = [inputs, below, trees, up_below, list(ups.values()), near,
                   list(biases.values()), coupling, tau, monitors]
        return objects, STEPS*DT*ms, read
    return composed


def units(c):
    """The numbers of the units of the reference that are a compartment of the two neurons."""
    return BELOW + TREES*ORDER.index(c) + np.arange(TREES)


def reference(**options):
    n = BELOW + TREES*len(ORDER)
    w_in, w, learns = np.zeros((n, 2)), np.zeros((n, n)), np.zeros((n, n))
    w_in[:BELOW], w_in[units('near')] = W_BELOW, W_NEAR
    for c, weights in W_TREE.items():
        w[units(c), :BELOW], learns[units(c), :BELOW] = weights, 1
    for c, coupling in COUPLING.items():
        w[units(BY_NAME[c].parent), units(c)] = coupling
    learns[units('trunk'), units('left')] = 1
    tau = {'tau_m': np.full(n, 4.0), 'tau_r': np.full(n, 1.0)}
    activations = ['tanh']*n
    for c, tau_m, tau_r in (('soma', 2, 2), ('near', 6, 3), ('trunk', 5, 2), ('left', 8, 1),
                            ('right', 3, 4)):
        tau['tau_m'][units(c)], tau['tau_r'][units(c)] = tau_m, tau_r
        for k in units(c):
            activations[k] = BY_NAME[c].activation
    mask = {c: np.isin(np.arange(n), units(c)) for c in ORDER}
    b = mask['soma'] | mask['near'] | mask['right'] | mask['trunk']
    end = graph(X, w_in=w_in, w=w, b=np.zeros(n), activations=activations,
                outputs=units('soma'), targets=TARGETS, beta=BETA, gamma=GAMMA, eta=ETA,
                eta_tau=ETA_TAU, **tau, **options, learns=dict(
                    w=learns, w_in=w_in != 0, b=b, tau_m=mask['trunk']))
    return {key: end[key] for key in ('u', 'r', 'err', 'slope')} | {
        'w_below': end['w_in'][:BELOW], 'w_near': end['w_in'][units('near')],
        'coupling': end['w'][units('trunk'), units('left')], 'tau': end['tau_m'][units('trunk')],
        **{f'w_{c}': end['w'][units(c), :BELOW] for c in W_TREE},
        **{f'b_{c}': end['b'][units(c)] for c in ORDER if 'b' in BY_NAME[c].inputs}}


def compose_alone(parents, couplings, tau_m, tau_r, drive, steps=30):
    """A tree by itself with constant inputs; the root, compartment 0, has a target."""
    def composed(name):
        defaultclock.dt = DT*ms
        tree = [Compartment(f'c{k}', None if parent is None else f'c{parent}', tau_m[k]*ms,
                            tau_r[k]*ms, coupling=None if parent is None else couplings[k],
                            inputs=('v_in',)) for k, parent in enumerate(parents)]
        tree = tree[::-1]  # no matter
        G = NeuronGroup(1, dendritic_output(tree, beta=BETA, gamma=GAMMA), name=f'{name}_tree',
                        method='prospective_euler', namespace={})
        G.nudged = G.target = 1
        for c in tree:
            setattr(G, c.variable('v_in'), drive[int(c.name[1:])])
        names = {x: [c.variable(x) for c in tree[::-1]] for x in ('u', 'r', 'err')}
        return [G], steps*DT*ms, lambda: {x: np.array([getattr(G, y)[0] for y in some])
                                          for x, some in names.items()}
    return composed


def reference_alone(parents, couplings, tau_m, tau_r, drive, steps=30):
    n = len(parents)
    w = np.zeros((n, n))
    for k, parent in enumerate(parents):
        if parent is not None:
            w[parent, k] = couplings[k]
    end = graph(np.zeros((steps, 1, 1)), w_in=np.zeros((n, 1)), w=w, b=drive, tau_m=tau_m,
                tau_r=np.array(tau_r), activations=['tanh']*n, outputs=[0], beta=BETA,
                targets=np.ones((steps, 1, 1)), gamma=GAMMA)
    return {key: end[key][-1, 0] for key in ('u', 'r', 'err')}


ALONE = ([None, 0, 0, 2], [None, 0.5, -2.0, 1.5], [1, 2, 5, 20.0], [1, 3, 0.5, 2],
         [0.3, -0.5, 0.8, 1.2])
CASES = {'prospective': (compose(), reference),
         'instantaneous': (compose('instantaneous'), lambda: reference(prospective=False)),
         'alone': (compose_alone(*ALONE), lambda: reference_alone(*ALONE))}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory):
    cases = {name: case for name, (case, _) in CASES.items()}
    if request.param == 'cpp_standalone':
        del cases['instantaneous']  # half of the time to compile
    return run_cases(request.param, cases, tmp_path_factory.mktemp('d'),
                     not_on_cython=set(CASES) - {'alone'})


@pytest.mark.parametrize('case', CASES)
def test_tree_is_a_graph_of_units(found, case):
    """All states and all that learns, errors also of the neurons below, from three compartments."""
    if case not in found:
        pytest.skip('takes long to compile')
    for key, value in CASES[case][1]().items():
        np.testing.assert_allclose(found[case][key], value, rtol=0, atol=1e-12, err_msg=key)


def test_the_comparison_is_about_something():
    expected = reference()
    assert np.abs(expected['err'][-1]).min() > 1e-6  # errors reach everything
    assert np.abs(expected['coupling'] - COUPLING['left']).min() > 1e-3
    assert np.abs(expected['tau'] - 5).min() > 0.001


def test_tree_is_a_layered_network_with_frozen_couplings():
    """A soma with three dendrites is a layer of three neurons below one neuron."""
    tau_m, tau_r, couplings = [3, 8, 20], [3, 1, 5], [0.7, -1.2, 0.4]
    x, target = RNG.normal(size=(200, 1, 2)), RNG.normal(size=(200, 1, 1))
    layers = [Dense(3, tau_m=tau_m*ms, tau_r=tau_r*ms), Dense(1)]
    weights = initial_weights(2, layers, RNG)
    net = GLENetwork(2, layers, eta=[0.3/ms, 0/ms], tau_m=5*ms, tau_r=2*ms, beta=0.5, gamma=0.2)
    net.weights.update(weights)
    net.weights.update({('forward', 1): np.array([couplings]), ('bias', 1): np.zeros(1)})
    tree = [Compartment('soma', tau_m=5*ms, tau_r=2*ms, activation='linear', inputs=('b',))]
    tree += [Compartment(f'd{k}', 'soma', tau_m=tau_m[k]*ms, tau_r=tau_r[k]*ms,
                         coupling=couplings[k]) for k in range(3)]
    G = NeuronGroup(1, dendritic_output(tree, beta=0.5, gamma=0.2), method='prospective_euler')
    G.nudged = 1
    inputs = NeuronGroup(2, 'r : 1\nr_sent = r : 1')
    projections, biases = [], []
    for k in range(3):
        projections.append(project(inputs, G, error_learning(
            f'v_in_d{k}', back=None, learned=f'err_d{k}', eta=0.3/ms), name=f'to_d{k}'))
        projections[k].matrix()[:] = weights['forward', 0][k]
        biases.append(SharedParameters(G, bias_learning(
            f'b_d{k}', learned=f'err_d{k}', eta=0.3/ms), order=WEIGHTS,
            method='prospective_euler'))
        biases[k].bias = weights['bias', 0][k]
    for group, variable, values in ((inputs, 'r', x), (net.inputs, 'r', x),
                                    (G, 'target', target), (net.output, 'target', target)):
        played(group.name, group, variable, values)
    monitors = [StateMonitor(group, ['u', 'err', 'r'], record=True) for group in (net.output, G)]
    Network(net, inputs, G, projections, biases, monitors).run(200*DT*ms)
    for variable in ('u', 'err', 'r'):
        np.testing.assert_allclose(*(getattr(m, variable) for m in monitors), rtol=0, atol=1e-12)
    for k in range(3):
        np.testing.assert_allclose(projections[k].w[:], net.weights['forward', 0][k], rtol=0,
                                   atol=1e-12)
        np.testing.assert_allclose(biases[k].bias[:], net.weights['bias', 0][k:k + 1], rtol=0,
                                   atol=1e-12)
    assert np.abs(net.weights['forward', 0] - weights['forward', 0]).min() > 1e-4


# --------------------------------------------------------------------------------- the gradient
def test_weights_follow_the_gradient_in_every_compartment():
    """Of slow inputs: mean changes beside finite differences of the mean squared error."""
    tree = [Compartment('soma', tau_m=5*ms, activation='linear', inputs=('v_in', 'b')),
            Compartment('trunk', 'soma', tau_m=10*ms, tau_r=2*ms, coupling=0.9),
            Compartment('tip', 'trunk', tau_m=30*ms, tau_r=1*ms, coupling=1.3),
            Compartment('fast', 'soma', tau_m=4*ms, tau_r=6*ms, coupling=-1.1)]
    rng = np.random.default_rng(7)
    dt, period = 1.0, 600.0
    t = dt*np.arange(int(2*period/dt))
    x = np.stack([np.sin(2*np.pi*t/period), np.cos(4*np.pi*t/period)], axis=-1)[:, None]
    target = (np.sin(2*np.pi*t/period - 0.9)*np.sin(4*np.pi*t/period))[:, None, None]
    w = {c.name: rng.normal(size=(1, 2)) for c in tree}

    defaultclock.dt = dt*ms
    inputs = NeuronGroup(2, 'r : 1\nr_sent = r : 1')
    G = NeuronGroup(1, dendritic_output(tree, beta=0.1), method='prospective_euler')
    G.nudged = 1
    played('inputs', inputs, 'r', x, dt)
    played('tree', G, 'target', target, dt)
    projections = []
    for c in tree:
        projections.append(project(inputs, G, error_learning(
            c.variable('v_in'), back=None, learned=c.variable('err'), eta=None),
            name=f'to_{c.name}'))
        projections[-1].matrix()[:] = w[c.name]
    monitor = StateMonitor(G, [c.variable(v) for c in tree for v in ('err', 'r')], record=True,
                           when='end')
    Network(inputs, G, projections, monitor).run(len(t)*dt*ms, namespace={})
    last = slice(-int(period/dt), None)
    seen = {c.name: {v: getattr(monitor, c.variable(v))[0] for v in ('err', 'r')} for c in tree}
    changes = [np.append(seen[c.name]['err'][last] @ x[last, 0], seen[c.name]['err'][last].sum())
               for c in tree]
    of_couplings = [seen[c.parent]['err'][1:][last] @ seen[c.name]['r'][:-1][last]
                    for c in tree[1:]]

    units = [c.name for c in tree]

    def loss(parameters):
        own, couplings = parameters[:12].reshape(4, 3), parameters[12:]
        between = np.zeros((4, 4))
        for c, coupling in zip(tree[1:], couplings):
            between[units.index(c.parent), units.index(c.name)] = coupling
        r = graph(x, w_in=own[:, :2], b=own[:, 2], w=between, dt=dt,
                  tau_m=np.array([5, 10, 30, 4.]), tau_r=np.array([5, 2, 1, 6.]),
                  activations=[c.activation for c in tree])['r'][last, 0, 0]
        return ((target[last, 0, 0] - r)**2).mean()/2

    at = np.concatenate([np.concatenate([[*w[c.name][0], 0] for c in tree]), [0.9, 1.3, -1.1]])
    step = 1e-4*np.eye(len(at))
    descent = -np.array([loss(at + h) - loss(at - h) for h in step])/2e-4
    cosines = [cosine(found, descent[part]) for found, part in zip(
        [*changes, of_couplings], [*(slice(3*k, 3*k + 3) for k in range(4)), slice(12, 15)])]
    whole = cosine(np.concatenate([*changes, of_couplings]), descent)
    assert min(cosines) > 0.98 and whole > 0.995, (cosines, whole)


def cosine(a, b):
    a, b = np.ravel(a), np.ravel(b)
    return a @ b/np.sqrt((a @ a)*(b @ b))


# ------------------------------------------------------------------------------- any tree at all
@st.composite
def trees(draw):
    n = draw(st.integers(1, 7))
    numbers = lambda low, high: draw(st.lists(st.floats(low, high), min_size=n, max_size=n))
    parents = [None] + [draw(st.integers(0, k - 1)) for k in range(1, n)]
    return parents, numbers(-2, 2), numbers(0.1, 50), numbers(0.1, 50), numbers(-2, 2)


@given(trees())
def test_any_tree_is_a_graph_of_units(tree):
    found = run_cases('numpy', {'tree': compose_alone(*tree)}, None)['tree']
    for key, value in reference_alone(*tree).items():
        # errors look ahead by up to 500 time steps
        np.testing.assert_allclose(found[key], value, rtol=1e-9, atol=1e-11, err_msg=key)


@given(st.lists(st.none() | st.integers(0, 5), min_size=1, max_size=6))
@settings(max_examples=300)
def test_trees_and_nothing_else_are_accepted(parents):
    """Follow the parents: all paths have to end in the same root."""
    n = len(parents)

    def root(k):
        for _ in range(n + 1):
            if parents[k] is None:
                return k
            if parents[k] >= n:
                return 'nowhere'
            k = parents[k]
        return 'round and round'

    graph = [Compartment(f'c{k}', None if parent is None else f'c{parent}')
             for k, parent in enumerate(parents)]
    roots = {root(k) for k in range(n)}
    if len(roots) == 1 and isinstance(*roots, int):
        ordered = [c.name for c in ordered_tree(graph)]
        assert sorted(ordered) == sorted(c.name for c in graph)
        assert all(c.parent is None or ordered.index(c.parent) < ordered.index(c.name)
                   for c in graph)
    else:
        with pytest.raises(ValueError, match='root|cycle|unknown parent'):
            ordered_tree(graph)


# ------------------------------------------------------------------------------------- equations
def test_one_compartment_is_a_neuron():
    options = dict(tau_m=20*ms, tau_r=2*ms)
    soma = Compartment('soma', activation='linear', **options)
    for found, expected in (
            (dendritic_tree([soma], gamma=0.5), gle_neuron('linear', gamma=0.5, **options)),
            (dendritic_tree([soma], errors='instantaneous'),
             gle_neuron('linear', errors='instantaneous', **options)),
            (dendritic_output([soma], loss='cross_entropy', beta=0.1, nudged='linked'),
             gle_output('linear', loss='cross_entropy', beta=0.1, nudged='linked', **options))):
        assert str(found) == str(expected)


def test_equations_are_readable():
    tree = [Compartment('soma', tau_m=5*ms, inputs=()),
            Compartment('slow', 'soma', tau_m=50*ms, tau_r=1*ms, coupling=0.5),
            Compartment('fast', 'soma', tau_m='constant', coupling='')]
    lines = str(dendritic_tree(tree)).splitlines()
    for line in ('du/dt = (v_den - u)/tau_m : 1',
                 'v_den = coupling_slow*r_slow + coupling_fast*r_fast : 1',
                 'du_slow/dt = (v_in_slow + b_slow - u_slow)/tau_m_slow : 1',
                 'tau_m_slow = 50.0*ms : s', 'tau_r_slow = 1.0*ms : s',
                 'r_slow_now = tanh(u_slow_prosp) : 1', 'coupling_slow = 0.5 : 1',
                 'v_err_slow_now = coupling_slow*err : 1',
                 'dv_slow/dt = (err_in_slow - v_slow)/tau_v_slow : 1',
                 'err_in_slow = slope_slow*v_err_slow : 1', 'err_slow = v_slow_prosp : 1',
                 'tau_m_fast : s (constant)', 'coupling_fast : 1'):
        assert line in lines
    step = str(prospective_euler(dendritic_tree(tree)))
    assert 'u_slow_prosp = u_slow + tau_prosp_u_slow*_d_u_slow' in step


def test_optimisers_and_gates_serve_couplings():
    tree = [Compartment('soma'), Compartment('a', 'soma'), Compartment('b', 'a', coupling='')]
    equations = coupling_learning(tree, 'b', gate='learning', optimiser=Adam())
    assert equations['w_grad'].expr.code == 'err_a_post*r_sent_b_post'
    assert 'learning' in equations


# ------------------------------------------------------------------------------------ bad inputs
SOMA, A = Compartment('soma'), Compartment('a', 'soma')
BAD_TREES = {
    'no compartments': ([], 'a tree needs at least a root'),
    'two roots': ([SOMA, A, Compartment('other')], "2 roots: 'soma', 'other'"),
    'cycle beside a root': ([SOMA, Compartment('a', 'c'), Compartment('b', 'a'),
                             Compartment('c', 'b')], "cycle: 'a' -> 'c' -> 'b' -> 'a'"),
    'cycle alone': ([Compartment('a', 'b'), Compartment('b', 'a')], "cycle: 'a' -> 'b' -> 'a'"),
    'its own parent': ([SOMA, Compartment('a', 'a')], "cycle: 'a' -> 'a'"),
    'cycle further up': ([Compartment('tip', 'a'), Compartment('a', 'b'), Compartment('b', 'a')],
                         "cycle: 'a' -> 'b' -> 'a'"),
    'unknown parent': ([SOMA, Compartment('a', 'some')], "parent of compartment 'a': 'some'; did "
                                                         "you mean 'soma'"),
    'name given twice': ([SOMA, A, A], "several compartments are called 'a'"),
    'leaf without inputs': ([SOMA, Compartment('a', 'soma', inputs=())],
                            "'a' has neither children nor inputs"),
    'names that collide': ([SOMA, Compartment('in', 'soma')], "both have a variable 'v_in'"),
    'names that collide below': ([SOMA, A, Compartment('in_a', 'a')],
                                 "both have a variable 'v_in_a'"),
}


@pytest.mark.parametrize('case', BAD_TREES)
def test_bad_tree(case):
    tree, message = BAD_TREES[case]
    for make in (dendritic_tree, dendritic_output):
        with pytest.raises(ValueError, match=re.escape(message)):
            make(tree)


BAD_COMPARTMENTS = {
    'empty name': (dict(name=''), 'letters, digits'),
    'name with a blank': (dict(name='left branch', parent='soma'), "called 'left branch'"),
    'number first': (dict(name='1st', parent='soma'), 'letters, digits'),
    'underscore last': (dict(name='a_', parent='soma'), 'letters, digits'),
    'not a name': (dict(name=3), 'letters, digits'),
    'synaptic': (dict(name='a_post', parent='soma'), "end in '_post'"),
    'bound': (dict(name='min', parent='soma'), "end in '_min'"),
    'activation': (dict(name='a', activation='tahn'), "did you mean 'tanh'"),
    'coupling of the root': (dict(name='soma', coupling=1), "'soma' has a coupling but no parent"),
    'inputs': (dict(name='a', parent='soma', inputs='v_in'), 'give a tuple'),
    'tau_m': (dict(name='a', parent='soma', tau_m=0*ms), 'tau_m of a is 0'),
    'coupling': (dict(name='a', parent='soma', coupling=np.inf), 'coupling of a is inf'),
}


@pytest.mark.parametrize('case', BAD_COMPARTMENTS)
def test_bad_compartment(case):
    options, message = BAD_COMPARTMENTS[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        Compartment(**options)


def test_other_bad_inputs():
    tree = [SOMA, A, Compartment('b', 'a', coupling='')]
    for make, error, message in (
            (lambda: dendritic_tree(['soma']), TypeError, "'soma' is not a Compartment"),
            (lambda: dendritic_tree(tree, errors='none'), ValueError, 'unknown errors'),
            (lambda: dendritic_tree(tree, feedback=()), ValueError, 'feedback'),
            (lambda: dendritic_output(tree, loss='mae'), ValueError, 'unknown loss'),
            (lambda: dendritic_output(tree, loss='cross_entropy'), ValueError, 'linear'),
            (lambda: dendritic_tree([SOMA, replace(A, tau_m=3*mV)]), DimensionMismatchError,
             'tau_m'),
            (lambda: dendritic_tree([SOMA, replace(A, coupling=3*ms)]), DimensionMismatchError,
             'coupling of a'),
            (lambda: coupling_learning(tree, 'soma'), ValueError, 'compartment with a parent'),
            (lambda: coupling_learning(tree, 'bb'), ValueError, "did you mean 'b'"),
            (lambda: coupling_learning(tree, 'a'), ValueError, "coupling of 'a' is 1.0"),
            (lambda: coupling_learning(tree, 'b', eta=-1/ms), ValueError, 'eta'),
            (lambda: coupling_learning(tree, 'b', eta=1*ms), DimensionMismatchError, 'eta')):
        with pytest.raises(error, match=message):
            make()


def test_time_constants_below_the_time_step_are_refused():
    for tau, errors in (({'tau_r': 0*ms}, 'prospective'), ({'tau_r': 0.01*ms}, 'prospective'),
                        ({'tau_m': 0.01*ms}, 'prospective'), ({'tau_m': 0.01*ms}, 'instantaneous'),
                        ({'tau_m': 'constant'}, 'instantaneous'), ({'tau_m': ''}, 'prospective')):
        G = NeuronGroup(1, dendritic_tree([SOMA, replace(A, **tau)], errors=errors),
                        method='prospective_euler')
        with pytest.raises(Exception) as caught:
            Network(G).run(1*ms)
        assert re.search("'tau_(m|v|prosp_u)_a' of .* at least the time step",
                         str(caught.value.__cause__ or caught.value))


# ------------------------------------------------------------------------------------ the figure
def test_figure_of_a_tree():
    tree = [replace(c, tau_m='constant') if c.name == 'trunk' else c for c in TREE]
    figure, ((axes,),) = new_figure()
    draw_tree(tree, axes)
    texts = '\n'.join(text.get_text() for text in axes.texts)
    for label in ('soma\ntau_m / tau_r = 2 / 2 ms', 'near\n6 / 3 ms', 'trunk\ntau_m_trunk / 2 ms',
                  'coupling_near', 'coupling_left', '-0.7'):
        assert label in texts
    circles = {tuple(np.round(patch.center, 3)): patch.get_facecolor()[0] for patch in axes.patches}
    assert len(circles) == len(tree)  # no two at one place
    assert min(circles.values()) < 0.4 < 0.9 < max(circles.values())
    with pytest.raises(ValueError, match='cycle'):
        draw_tree([SOMA, Compartment('a', 'a')], axes)


def test_a_tree_of_one_compartment_can_be_drawn():
    figure, ((axes,),) = new_figure()
    draw_tree([SOMA], axes)
    assert len(axes.patches) == 1
