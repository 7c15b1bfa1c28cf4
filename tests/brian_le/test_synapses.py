"""DenseSynapses equals brian2.Synapses, and with replicas the mean over separate networks."""

import logging
import re
from functools import partial

import numpy as np
import pytest
from brian2 import (BrianObject, Clock, Hz, Network, NeuronGroup, StateMonitor, Synapses,
                    TimedArray, get_device, linked_var, ms, network_operation, prefs, seed)
from brian2.codegen.runtime.numpy_rt.numpy_rt import NumpyCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.utils.logger import catch_logs
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import DenseSynapses, by_replica, weight_matrix
from brian_le.runners import late_learning
from tests.running import CODE_TARGETS, run_cases, run_parts

# --------------------------------------------------------------------------------- models at random
SIZES = (1, 2, 3, 7, 8, 9, 16, 17, 31, 33, 67)
NEURONS = '''
err = tanh(I + 0.3*J) - v : 1
I : 1
J : 1
D : 1
h : 1
c : 1 (constant)
s : 1 (shared)
'''
MOVE = '''dr/dt = (sin(3*t/ms + i) + 0.2*D - 0.2*h - r)/(5*ms) : 1
dv/dt = (0.5*I + 0.2*J - v)/(3*ms) : 1'''
FOLLOW_TIME = '''r = sin(3*t/ms + i) + 0.2*c : 1
v = cos(2*t/ms + 0.3*i)*c : 1'''
SUMS = {
    'post': ('w*r_pre', 'w*tanh(err_pre)', 'w*r_pre + 0.1*c_post', 'r_pre*int(w > 0)', 'wr',
             'a*w*r_pre', 'x*w*r_pre', 'w*sin(0.3*i - 0.2*j)', 'w*D_pre', 'w*(r_pre - r_post)',
             'w*clip(r_pre, -0.5, 0.5)', 'w*s_pre*cos(2*t/ms)', 'w*r_pre/(1 + exp(-x))'),
    'pre': ('w*err_post', 'w*tanh(err_post)*r_pre', 'x*err_post', 'int(w > 0)*v_post', 'w*I_post',
            'wr*v_post', 'exp(-w**2)*err_post', '-w*c_post + 0.01*j', 'a*w*(err_post - r_pre)')}
GRADIENT = 'grad = err_post*r_pre*x - 0.1*w : 1\n'
LEARNING = (
    'dw/dt = eta*err_post*r_pre', 'dw/dt = eta*(err_post*r_pre - 0.3*w)',
    'dw/dt = (tanh(err_post)*r_post - w)/(8*ms)', GRADIENT + 'dw/dt = eta*grad',
    'dw/dt = eta*sin(0.3*i - 0.5*j)*r_pre', 'dw/dt = eta*cos(2*t/ms)*s_post*r_pre',
    'dw/dt = eta*a*wr', 'dw/dt = eta*x\ndx/dt = (r_pre*v_post - x)/(8*ms)',
    'dw/dt = eta*(x - w)*abs(err_post)', 'dw/dt = (x - w)/(8*ms)')
REGULARLY = ('w = clip(w, -0.2, 0.2)', 'w = 0.9*w + 0.01*r_post*i', 'x = tanh(r_pre)*0.1*j',
             'a = a + 0.1')
STEPS = 12


def draw(number):
    """A model, as a function ``compose(name, kind)`` for `run_cases`, by the number of its seed."""
    rng = np.random.default_rng(number)

    def one_of(*options):
        return options[rng.integers(len(options))]

    n_pre, n_post = one_of(*SIZES), one_of(*SIZES)
    recurrent = rng.random() < 0.25
    if recurrent:
        n_post = n_pre
    moves = rng.random() < 0.4
    names = ['I_post', 'J_post', 'D_pre', 'h_pre']
    names = list(rng.permutation(names)[:one_of(1, 2, 2, 2, 3, 4)])
    sums = [f'{name} = {one_of(*SUMS[name[2:]])} : 1 (summed)' for name in names]
    if recurrent:  # no sum reads its own target
        sums = [line.replace('err_pre', 'v_pre') for line in sums]
    if any('w*I_post' in line for line in sums):  # not in a circle
        sums = [line.replace('w*D_pre', 'w*c_pre') for line in sums]
    learning = one_of('', *LEARNING, *LEARNING)
    method = one_of('euler', 'prospective_euler', 'prospective_euler', 'exponential_euler', 'rk2')
    if learning == LEARNING[-1]:
        method = one_of('exact', method)
    bounds = one_of('', 'w_max = 0.1 : 1', 'w_max : 1 (constant)\nw_min : 1 (shared, constant)')
    order = 1 if method == 'prospective_euler' else one_of(0, 1)
    lines = [line + ' : 1 (clock-driven)' if line.startswith('d') else line
             for line in learning.splitlines()]
    lines += sums + bounds.splitlines()
    lines += [one_of('eta : Hz (shared, constant)', 'eta : Hz (constant)', 'eta : Hz (shared)'),
              one_of('a : 1 (shared)', 'a : 1')]
    constant_x = learning == LEARNING[-1]
    lines += ['x : 1 (constant)' if constant_x else 'x : 1'] if 'dx/dt' not in learning else []
    lines += ['w : 1'] if not learning else []
    lines += ['wr = 1.5*w*r_pre : 1', 'wa = 0.3*w*a : 1']
    lines = list(rng.permutation(lines))
    place = one_of('stock', 'stock', 'before', 'start', 'apart')
    regularly = one_of(None, None, *REGULARLY)
    if regularly and (constant_x and regularly.startswith('x') or regularly.startswith('a =')):
        regularly = None if constant_x else 'x = 0.9*x'
    every = one_of(None, 0.2*ms)
    monitor = one_of(None, None, 'w some', 'w all', 'wa', 'neurons')
    dt = one_of(*[None]*6, 0.2*ms)
    change = one_of(None, 'neurons', 'weights', 'formula', 'learning stops', 'sums stop')
    letters, target_first = rng.permutation(list('abcz')), one_of(True, False)
    W, X = rng.normal(size=(n_post, n_pre))/np.sqrt(n_pre), rng.normal(size=(n_post, n_pre))
    C = rng.normal(size=max(n_pre, n_post))

    def compose(name, kind=DenseSynapses):
        def group(k, n):
            neurons = NeuronGroup(n, NEURONS + (MOVE if moves else FOLLOW_TIME), method='euler',
                                  name=f'{name}_{letters[k]}', namespace={})
            neurons.c, neurons.s = C[:n], 0.7
            return neurons
        if recurrent:
            source = target = group(0, n_pre)
        elif target_first:
            target, source = group(1, n_post), group(0, n_pre)
        else:
            source, target = group(0, n_pre), group(1, n_post)
        S = kind(source, target, '\n'.join(lines), method=method, order=order, dt=dt,
                 name=f'{name}_{letters[2]}', namespace={})
        S.connect()
        weight_matrix(S, 'w')[:], weight_matrix(S, 'x')[:] = W, 0.3*X
        S.eta, S.a = 40*Hz, 0.8
        if 'w_min' in bounds:
            weight_matrix(S, 'w_max')[:] = 0.1 + np.abs(X)/5
            S.w_min = -0.15
        for k, updater in enumerate(S.summed_updaters.values()):
            if place == 'start':
                updater.when = 'start'
            elif place in ('before', 'apart'):
                updater.when, updater.order = 'groups', -1 - k*(place == 'apart')
        objects = [S, *{source, target}]
        if regularly:
            S.run_regularly(regularly, dt=every)
        if monitor:
            what, *which = monitor.split()
            last = n_pre*n_post - 1
            recorded = [0, last//2, last] if which == ['some'] else np.arange(last + 1)
            if what == 'neurons':
                recorded = [0, n_post - 1]
            objects.append(StateMonitor(target if what == 'neurons' else S,
                                        'I' if what == 'neurons' else what, record=recorded,
                                        name=f'{name}_{letters[3]}'))

        def between():
            if change == 'neurons':
                source.c = C[:n_pre] + 0.1
                source.s = -0.4
                source.D = 0.3
            elif change == 'weights':
                weight_matrix(S, 'w')[:] = W[::-1]
                S.eta = 20*Hz
            elif change == 'formula':
                S.w = 'w/2 + 0.01*i - 0.02*j + 0.1*r_pre'
            elif change == 'learning stops' and S.state_updater is not None:
                S.state_updater.active = False
            elif change == 'sums stop':
                next(iter(S.summed_updaters.values())).active = False

        def read():
            found = {f'{side}.{v}': np.array(getattr(group, v)[:])
                     for side, group in (('source', source), ('target', target))
                     for v in 'IJDh' + 'rv'*moves}
            found |= {v: np.array(getattr(S, v)[:]) for v in ('w', 'x', 'a')}
            if monitor:
                found['monitor'] = np.array(getattr(objects[-1], monitor.split()[0]
                                                    if what != 'neurons' else 'I'))
            return found

        if change is None:
            return objects, STEPS*0.1*ms, read
        return objects, [STEPS*0.1*ms, between, STEPS*0.1*ms], read

    compose.about = dict(sizes=(n_pre, n_post), recurrent=recurrent, moves=moves, sums=sums,
                         learning=learning, method=method, bounds=bounds, order=order, place=place,
                         regularly=regularly, monitor=monitor, dt=dt, change=change)
    return compose


def assert_equal(found, expected, tolerance=1e-12, about=''):
    assert found.keys() == expected.keys()
    for name in expected:
        scale = max(1, np.abs(expected[name]).max())
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=tolerance*scale,
                                   err_msg=f'{name} {about}')




def in_single(compose):
    """The same model in single precision."""
    def compose_in_single(name, **options):
        prefs.core.default_float_dtype = np.float32
        return compose(name, **options)
    return compose_in_single


# ----------------------------------------------------------------------- models with a known result
def compose_counter(name, kind=DenseSynapses):
    """Weights that grow by one in ten steps, twice, and are changed in between."""
    a = NeuronGroup(3, 'r : 1', name=f'{name}_a')
    b = NeuronGroup(4, 'I : 1', name=f'{name}_b')
    S = kind(a, b, """I_post = w*r_pre : 1 (summed)
                      dw/dt = r_pre/ms : 1 (clock-driven)""", method='euler', name=f'{name}_S')
    S.connect()
    a.r = [1, 2, 3]
    seen = []

    def between():
        if not isinstance(get_device(), CPPStandaloneDevice):
            seen.append(S.matrix()[:])
        S.w = 'w + 100'
    return [a, b, S], [1*ms, between, 1*ms], lambda: {
        'w': S.w[:], 'I': b.I[:], 'in between': seen[0] if seen else None}


def check_counter(found):
    growth = np.repeat([1, 2, 3], 4)
    np.testing.assert_allclose(found['w'], 100 + 2*growth, rtol=0, atol=1e-12)
    # the last sums are formed in slot 'groups', before the change of the last step
    np.testing.assert_allclose(found['I'], 100*6 + 1.9*14, rtol=0, atol=1e-11)
    if found['in between'] is not None:
        np.testing.assert_allclose(found['in between'], np.tile([1, 2, 3], (4, 1)), atol=1e-13)


def compose_indices(name, kind=DenseSynapses):
    """Code of the project, not of the loops, reads the indices."""
    a = NeuronGroup(3, 'r : 1', name=f'{name}_a')
    b = NeuronGroup(4, 'I : 1', name=f'{name}_b')
    S = kind(a, b, """I_post = w*(1 + i)*table(t)*r_pre : 1 (summed)
                      w : 1
                      x : 1""", name=f'{name}_S',
             namespace={'table': TimedArray([1, 2, 4], dt=0.2*ms)})
    S.connect()
    a.r = [1, 10, 100]
    S.w = 'i*10 + j'
    S.w[1, 2] = 50
    S.w['i == 2 and j == 0'] = '-1 - j'
    S.run_regularly('x = 10*i + j + 0.1*r_pre', dt=0.1*ms)
    return [a, b, S], 0.6*ms, lambda: {
        'w': S.w[:], 'x': S.x[:], 'I': b.I[:], 'i': S.i[:], 'j': S.j[:], 'one': S.w[2, 1],
        'in': S.N_incoming[:], 'out': S.N_outgoing[:]}


def check_indices(found):
    i, j = np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3)
    w = 10*i + j
    w[6], w[8] = 50, -1
    r = np.array([1, 10, 100])
    expected = {'w': w, 'x': 10*i + j + 0.1*r[i], 'i': i, 'j': j, 'one': [21],
                'I': 4*(w*(1 + i)*r[i]).reshape(3, 4).sum(axis=0)}
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-13, atol=0, err_msg=name)
    np.testing.assert_array_equal(found['in'], 3)
    np.testing.assert_array_equal(found['out'], 4)


# ---------------------------------------------------------------------------------- what falls back
FALLBACKS = {
    'part_of_source': "'{}_a_subgroup' is a part of a group",
    'part_of_target': "'{}_b_subgroup' is a part of a group",
    'condition': 'not all neurons are connected to all', 'chance': 'not all neurons are connected',
    'pairs': 'not all neurons are connected to all',
    'twins': 'not all neurons are connected to all',
    'twice': 'synapses are added to those that there are', 'later': 'synapses are added to those',
    'spikes': 'it has event pathways', 'several': 'it has a multisynaptic_index',
    'synapses': "'{}_c' are synapses", 'class': 'it has a codeobj_class of its own',
    'rand_in_learning': 'calls rand()', 'rand_in_sum': 'calls rand()', 'noise': 'has noise (xi)',
}


def compose_fallback(name, which, kind=DenseSynapses):
    seed(3)
    np.random.seed(3)
    a = NeuronGroup(6, 'r = sin(t/ms + i) : 1', name=f'{name}_a', namespace={},
                    **({'threshold': 'sin(t/ms + i) > 0.8'} if which == 'spikes' else {}))
    b = NeuronGroup(6, """dv/dt = (I - v)/(3*ms) : 1
                          I : 1""", method='euler', name=f'{name}_b', namespace={})
    learning = {'rand_in_learning': 'dx/dt = (rand() - x)/ms : 1 (clock-driven)',
                'noise': 'dx/dt = -x/ms + xi/sqrt(ms) : 1 (clock-driven)'}.get(which, 'x : 1')
    chance = '*rand()' if which == 'rand_in_sum' else ''
    options = {'spikes': {'on_pre': 'w += 0.01'}, 'several': {'multisynaptic_index': 'k'},
               'class': {'codeobj_class': NumpyCodeObject}}.get(which, {})
    source, target = a, b
    objects = [a, b]
    if which == 'part_of_source':
        source = a[1:5]
    elif which == 'part_of_target':
        target = b[2:]
    elif which == 'synapses':
        source = Synapses(a, b, 'u : 1', name=f'{name}_c')
        source.connect()
        source.u = '0.1*i - 0.2*j'
        objects.append(source)
    r = 'u_pre' if which == 'synapses' else 'r_pre'
    S = kind(source, target, f"""I_post = w*{r}{chance} : 1 (summed)
                                 dw/dt = ({r}*v_post - w)/(4*ms) : 1 (clock-driven)
                                 {learning}""", method='euler', name=f'{name}_S', namespace={},
             **options)
    connect = {'condition': dict(condition='i != j'), 'chance': dict(p=0.5), 'twins': dict(n=2),
               'pairs': dict(i=[0, 2, 2, 5], j=[1, 0, 4, 4])}.get(which, {})
    S.connect(**connect)
    if which == 'twice':
        S.connect('i == j')
        S.connect(i=[0, 1], j=[5, 5])
    S.w = '0.1*i - 0.05*j + 0.2'
    objects.append(S)

    def between():
        if which == 'later':
            S.connect(i=3, j=4)
            S.w['i == 3'] = 0.5
    return objects, [1*ms, between, 1*ms] if which == 'later' else 1*ms, lambda: {
        'i': S.i[:], 'j': S.j[:], 'w': S.w[:], 'x': S.x[:], 'v': b.v[:], 'n': [len(S)],
        'incoming': S.N_incoming[:]}


# ----------------------------------------------------------------------------------------- replicas
RULES = {  # equations, method, and the same in NumPy: a step from the mean gradient
    'clipped': ("""dw/dt = eta*(err_post*r_pre - 0.2*w) : 1 (clock-driven)
                   w_max = 0.2 : 1""", 'prospective_euler',
                lambda w, m, q, g: (np.minimum(w + 2*(g - 0.2*w), 0.2), m, q)),
    'momentum': ("""dw/dt = eta*m : 1 (clock-driven)
                    dm/dt = (err_post*r_pre - m)/(3*ms) : 1 (clock-driven)""", 'euler',
                 lambda w, m, q, g: (w + 2*m, m + (g - m)/30, q)),
    'adam': ("""dm/dt = (w_grad - m)/(3*ms) : 1 (clock-driven)
                dq/dt = (w_grad**2 - q)/(5*ms) : 1 (clock-driven)
                dw/dt = eta*m/(sqrt(q) + 0.1) - 0.1*w/ms : 1 (clock-driven)
                w_grad = err_post*r_pre : 1""", 'euler',
             lambda w, m, q, g: (w + 2*m/(np.sqrt(q) + 0.1) - 0.01*w, m + (g - m)/30,
                                 q + (g**2 - q)/50)),
    'signed': ("""dw/dt = eta*grad*abs(grad)*x : 1 (clock-driven)
                  grad = outer - 0.1*w : 1
                  outer = tanh(err_post)*r_pre : 1""", 'euler', None),
}


def compose_replicas(name, rule='adam', replicas=3, n_pre=7, n_post=5):
    a = NeuronGroup(replicas*n_pre, """dr/dt = (c + sin(5*t/ms) + 0.1*D - r)/(5*ms) : 1
                                       c : 1 (constant)
                                       D : 1""", method='euler', name=f'{name}_a', namespace={})
    b = NeuronGroup(replicas*n_post, """dv/dt = (I - v)/(5*ms) : 1
                                        err = v - tanh(I) : 1
                                        I : 1""", method='euler', name=f'{name}_b', namespace={})
    equations, method, _ = RULES[rule]
    more = '\n'.join(f'{name} : 1' for name in 'mqx' if f'd{name}/dt' not in equations)
    S = DenseSynapses(a, b, f"""I_post = w*r_pre : 1 (summed)
                                D_pre = w*err_post : 1 (summed)
                                eta : Hz (shared, constant)
                                {more}
                                {equations}""", method=method, order=1, replicas=replicas,
                      name=f'{name}_S', namespace={})
    S.connect()
    start = replicas_at_start(replicas, n_pre, n_post)
    S.matrix('w')[:], S.matrix('x')[:], S.eta = start['w'], start['x'], 20000*Hz
    by_replica(a, 'c', replicas)[:] = start['c']
    return [a, b, S], 1.5*ms, lambda: {
        'w': S.matrix('w')[:], 'm': S.matrix('m')[:], 'r': by_replica(a, 'r', replicas)[:],
        'I': by_replica(b, 'I', replicas)[:], 'v': by_replica(b, 'v', replicas)[:],
        'D': by_replica(a, 'D', replicas)[:]}


def replicas_at_start(replicas, n_pre, n_post):
    rng = np.random.default_rng(n_pre*n_post)
    return {'w': rng.normal(size=(n_post, n_pre))/np.sqrt(n_pre), 'x': rng.normal(
        size=(n_post, n_pre)), 'c': rng.normal(size=(replicas, n_pre))}


def replicas_by_hand(rule, replicas, n_pre, n_post):
    """Separate networks; after each step, all get the mean of what each would add."""
    start = replicas_at_start(replicas, n_pre, n_post)
    w, x, c = start['w'], start['x'], start['c']
    m, q, r, D = np.zeros_like(w), np.zeros_like(w), np.zeros_like(c), np.zeros_like(c)
    v, I = np.zeros((2, replicas, n_post))
    for step in range(15):
        D = np.array([(v[b] - np.tanh(I[b])) @ w for b in range(replicas)])
        I = np.array([w @ r[b] for b in range(replicas)])
        r, v = r + 0.02*(c + np.sin(0.5*step) + 0.1*D - r), v + 0.02*(I - v)
        err = v - np.tanh(I)
        if rule == 'signed':
            g = np.mean([np.outer(np.tanh(err[b]), r[b]) for b in range(replicas)], axis=0) - 0.1*w
            w = w + 2*g*np.abs(g)*x
        else:
            g = np.mean([np.outer(err[b], r[b]) for b in range(replicas)], axis=0)
            w, m, q = RULES[rule][2](w, m, q, g)
    return {'w': w, 'm': m, 'r': r, 'I': I, 'v': v, 'D': D}


# ----------------------------------------------------------------------------------- on all targets
DRAWN = (35, 90, 96, 97, 122, 140, 143, 145, 168, 181, 217, 223, 230, 242, 311, 356, 360, 389, 485,
         508, 574, 594, 835)  # every option of `draw` is in one of them
STOCK_IN_CPP = (35, 90)
SINGLE = (145, 835)
REPLICAS = [('clipped', 1, 7, 9), ('momentum', 2, 1, 33), ('adam', 5, 17, 8), ('signed', 9, 3, 67)]
FALLBACKS_IN_CPP = ('twice', 'condition', 'part_of_target', 'rand_in_learning')

IN_CPP = {
    **{f'drawn_{n}': draw(n) for n in DRAWN},
    **{f'stock_{n}': partial(draw(n), kind=Synapses) for n in STOCK_IN_CPP},
    **{f'single_{n}': in_single(draw(n)) for n in SINGLE},
    **{f'fallback_{which}': partial(compose_fallback, which=which) for which in FALLBACKS_IN_CPP},
    **{f'replicas_{case[0]}': partial(compose_replicas, rule=case[0], replicas=case[1],
                                      n_pre=case[2], n_post=case[3]) for case in REPLICAS},
    'single_replicas': in_single(partial(compose_replicas, rule='adam')),
    'counter': compose_counter, 'indices': compose_indices,
}


@pytest.fixture(scope='module')
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp('project')


@pytest.fixture(scope='module')
def in_cpp(directory):
    """The results of one C++ project."""
    return run_cases('cpp_standalone', IN_CPP, directory)


def run_one(target, compose):
    (found,) = run_cases(target, {'case': compose}, None).values()
    return found


def with_stock(compose):
    return run_one('numpy', partial(compose, kind=Synapses))


@given(st.integers(0, 2**32 - 1))
def test_drawn_models_on_numpy(number):
    compose = draw(number)
    assert_equal(run_one('numpy', compose), with_stock(compose), about=compose.about)


@pytest.mark.parametrize('number', [90, 574, 835])
def test_drawn_models_on_cython(number):
    compose = draw(number)
    assert_equal(run_one('cython', compose), with_stock(compose), about=compose.about)


@pytest.mark.parametrize('number', DRAWN)
def test_drawn_models_in_cpp(in_cpp, number):
    compose = draw(number)
    assert_equal(in_cpp[f'drawn_{number}'], with_stock(compose), about=compose.about)


def test_every_option_is_drawn_in_cpp():
    def options(numbers):
        found = set()
        for number in numbers:
            about = draw(number).about
            found |= {(key, str(about[key])) for key in (
                'recurrent', 'moves', 'learning', 'method', 'bounds', 'order', 'place', 'regularly',
                'monitor', 'dt', 'change')}
            found |= {line.split(' = ')[1] for line in about['sums']}
            found |= {(side, size) for side, size in zip(('pre', 'post'), about['sizes'])}
        return found
    assert len(DRAWN) >= 20
    assert options(DRAWN) >= options(range(200))


@pytest.mark.parametrize('number', STOCK_IN_CPP)
def test_stock_synapses_in_the_same_project(in_cpp, number):
    assert_equal(in_cpp[f'drawn_{number}'], in_cpp[f'stock_{number}'])


@pytest.mark.parametrize('number', SINGLE)
@pytest.mark.parametrize('target', CODE_TARGETS)
def test_single_precision(request, target, number):
    if target == 'cpp_standalone':
        found = request.getfixturevalue('in_cpp')[f'single_{number}']
    else:
        found = run_one(target, in_single(draw(number)))
    assert found['w'].dtype == np.float32
    assert_equal(found, with_stock(draw(number)), tolerance=3e-6, about=draw(number).about)


# ---------------------------------------------------------------------------------------- fallbacks
@pytest.mark.parametrize('which', FALLBACKS)
def test_fallback(which):
    """The numbers of stock synapses, and a word in the log."""
    with catch_logs(log_level=logging.INFO) as logs:
        objects, duration, read = compose_fallback(which, which)
        run_parts(objects, duration)
    assert_equal(read(), with_stock(partial(compose_fallback, which=which)), tolerance=1e-14)
    said = [message for _, _, message in logs if 'computed as brian2.Synapses are' in message]
    assert len(said) == 1 and f"'{which}_S'" in said[0]
    assert FALLBACKS[which].format(which) in said[0]


@pytest.mark.parametrize('which', FALLBACKS_IN_CPP)
def test_fallback_in_cpp(in_cpp, which):
    expected = with_stock(partial(compose_fallback, which=which))
    if which == 'rand_in_learning':  # of another random variable
        expected['x'] = in_cpp[f'fallback_{which}']['x']
        assert np.ptp(expected['x']) > 0.1
    assert_equal(in_cpp[f'fallback_{which}'], expected)


# ------------------------------------------------------------------------------------------ indices
@pytest.mark.parametrize('target', CODE_TARGETS)
def test_code_that_reads_indices(request, target):
    if target == 'cpp_standalone':
        check_indices(request.getfixturevalue('in_cpp')['indices'])
    else:
        check_indices(run_one(target, compose_indices))


def stored(S):
    return [len(get_device().arrays[S.variables[name]].data)
            for name in ('_synaptic_pre', '_synaptic_post')]


@pytest.mark.parametrize('target', ['numpy', 'cython'])
def test_indices_are_not_stored(target):
    objects = []

    def compose(name):
        found = compose_counter(name)
        objects.extend(found[0])
        return found
    run_one(target, compose)
    S = objects[-1]
    S.w[1, 2], S.w[:], S.w[0, :] = 3, 4, 5
    S.matrix()[:] = S.matrix()[:]
    assert stored(S) == [0, 0]
    assert len(S) == 12


def pair_of_kinds():
    for kind in (Synapses, DenseSynapses):
        a, b = NeuronGroup(5, 'r : 1', name='a'), NeuronGroup(4, 'v : 1', name='b')
        S = kind(a, b, 'w : 1', name='S', namespace={})
        S.connect()
        a.r = [3, 1, 4, 1, 5]
        S.w = np.arange(20)**2
        yield S


LOOK = {
    'i': lambda S: S.i[:], 'j': lambda S: S.j[:], 'all': lambda S: S.w[:], 'one': lambda S: S.w[3],
    'pair': lambda S: S.w[1, 2], 'slice': lambda S: S.w[2:5], 'step': lambda S: S.w[::3],
    'list': lambda S: S.w[[7, 2]], 'row': lambda S: S.w[1, :], 'column': lambda S: S.w[:, 1],
    'some': lambda S: S.w[[1, 2], 3], 'many': lambda S: S.w[[2, 1], [0, 3]],
    'steps': lambda S: S.w[1::2, :3], 'arrays': lambda S: S.w[np.array([4]), np.array([0, 1])],
    'group': lambda S: S.w[S.source[1:3], 0], 'formula': lambda S: S.w['i > j'],
    'formula with w': lambda S: S.w['w > 10 and i != 2'], 'mask': lambda S: S.w[S.w[:] > 50],
    'formula with neurons': lambda S: S.w['r_pre > 2'], 'true': lambda S: S.w['True'],
    'part': lambda S: S.indices['i == j'], 'none': lambda S: S.w['i > 10'],
    'incoming': lambda S: S.N_incoming[:], 'outgoing': lambda S: S.N_outgoing[:],
    'incoming by neuron': lambda S: S.N_incoming_post[:], 'indices': lambda S: S.indices[1, 2],
    'j where': lambda S: S.j['i == 2'], 'neurons': lambda S: S.r_pre[:], 'length': len,
    'states': lambda S: S.get_states(['w', 'i', 'j'], units=False)['j'], 'size': lambda S: S.N[:],
    'subgroup': lambda S: len(S['i == j']),
}


@pytest.mark.parametrize('how', LOOK)
def test_look_at(how):
    stock, dense = (np.array(LOOK[how](S)) for S in pair_of_kinds())
    np.testing.assert_array_equal(dense, stock)
    assert np.shape(dense) == np.shape(stock)


CHANGES = {
    'pair': ((1, 2), 5), 'slice': (slice(2, 5), [7, 8, 9]), 'row': ((3, slice(None)), [1, 2, 3, 4]),
    'all': (slice(None), 3), 'formula': ('i > j', 'i*10 + j'),
    'formula for all': (slice(None), 'r_pre + 0.1*j'), 'column': ((slice(None), 0), '10*i'),
    'list': ([7, 2], [1, 2]),
}


@pytest.mark.parametrize('how', CHANGES)
def test_change(how):
    values = []
    for S in pair_of_kinds():
        item, new = CHANGES[how]
        S.w[item] = new
        values.append(np.array(S.w[:]))
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize('item, message', [
    ((6, 0), 'source neuron 6 does not exist; there are 5'),
    ((0, 4), 'target neuron 4 does not exist; there are 4'),
    ((-6, 0), 'source neuron -6 does not exist'), (([0, 9], 1), 'source neuron 9')])
def test_neurons_that_do_not_exist(item, message):
    _, S = pair_of_kinds()
    with pytest.raises(IndexError, match=message):
        S.w[item]
    with pytest.raises(IndexError, match=message):
        S.w[item] = 3


# ------------------------------------------------------------------------------ weights follow late
def late_parts(x='x : 1'):
    a, b = NeuronGroup(3, 'r : 1', name='a'), NeuronGroup(4, 'I : 1', name='b')
    S = DenseSynapses(a, b, f"""I_post = w*r_pre : 1 (summed)
                                dw/dt = r_pre*eta : 1 (clock-driven)
                                wa = 2*w : 1
                                eta : Hz (shared)
                                {x}""", method='euler', name='S', namespace={})
    S.connect()
    return a, b, S


def linked(S, variable):
    group = NeuronGroup(12, 'seen : 1 (linked)\ndv/dt = seen/ms : 1', method='euler', name='l')
    group.seen = linked_var(S, variable)
    return group


def stopped(runner):
    runner.active = False


LATE = {
    'alone': (True, lambda a, b, S: None),
    'monitor of neurons': (True, lambda a, b, S: StateMonitor(b, 'I', record=True)),
    'operation of neurons': (True, lambda a, b, S: a.run_regularly('r = r + 1')),
    'other synapses': (True, lambda a, b, S: unrelated(a, b)),
    'monitor': (False, lambda a, b, S: StateMonitor(S, 'w', record=[0])),
    'monitor of another variable': (False, lambda a, b, S: StateMonitor(S, 'x', record=[0])),
    'monitor of a subexpression': (False, lambda a, b, S: StateMonitor(S, 'wa', record=[0])),
    'network operation': (False, lambda a, b, S: network_operation(lambda: None)),
    'operation of synapses': (False, lambda a, b, S: S.run_regularly('x = w')),
    'linked subexpression': (False, lambda a, b, S: linked(S, 'wa')),
    'synapses on synapses': (False, lambda a, b, S: read_by_synapses(a, S, 'w')),
    'synapses on synapses, subexpression': (False, lambda a, b, S: read_by_synapses(a, S, 'wa')),
    'another clock': (False, lambda a, b, S: setattr(S.summed_updaters['I_post'], '_clock',
                                                     Clock(0.2*ms))),
    'random numbers': (False, lambda a, b, S: None, 'dx/dt = rand()/ms : 1 (clock-driven)'),
    'noise': (False, lambda a, b, S: None, 'dx/dt = -x/ms + xi/sqrt(ms) : 1 (clock-driven)'),
    'no learning': (False, lambda a, b, S: stopped(S.state_updater)),
    'no sum': (False, lambda a, b, S: stopped(S.summed_updaters['I_post'])),
}


def unrelated(a, b):
    other = DenseSynapses(a, b, 'w : 1', name='other')
    other.connect()
    return other


def read_by_synapses(a, S, variable):
    other = Synapses(S, a, f'r_post = {variable}_pre : 1 (summed)', name='other')
    other.connect()
    return other


@pytest.mark.parametrize('case', LATE)
def test_weights_follow_late_if_nobody_looks(case):
    """Otherwise whoever looks would see those of the step before."""
    expected, more, *equations = LATE[case]
    a, b, S = late_parts(*equations)
    extra = more(a, b, S)
    network = Network(a, b, S, *([extra] if isinstance(extra, BrianObject) else []))
    late = late_learning(S, {})
    assert (late is not None) == expected
    if late is not None:
        assert late.copies == {'pre': ['r_pre'], 'post': [], 'scalar': ['eta']}
        assert '_then_r_pre' in late.update
    assert network.objects


@pytest.mark.parametrize('target', CODE_TARGETS)
def test_weights_after_a_run(request, target):
    """They are those of the last step, and Python may read and change them between runs."""
    if target == 'cpp_standalone':
        check_counter(request.getfixturevalue('in_cpp')['counter'])
    else:
        check_counter(run_one(target, compose_counter))


def test_generated_code_can_be_read(in_cpp, directory):
    """Comments and names tell which equation it is, and what is done when."""
    files = {path.stem: path.read_text() for path in (directory/'code_objects').glob('*.cpp')}
    sums = files['counter_S_summed_variable_I_post_codeobject']
    for text in ("    // all synapses from 'counter_a' to 'counter_b' ('counter_S')\n",
                 '    // I_post = w*r_pre (summed)\n    auto sum_I_post = ', '    auto update = ',
                 '        one_pass<1, 0>(3, 4, ', '// the weights follow the step before'):
        assert text in sums
    assert '\n        return _value;\n    };\n' in sums
    after = files['after_run_counter_S_summed_variable_I_post_codeobject']
    assert '// the weights follow the last step' in after
    late = files['counter_S_stateupdater_codeobject']
    assert '// what the change of weights reads' in late and '[0] = 1;' in late
    averaged = files['replicas_adam_S_stateupdater_codeobject']
    assert 'mean_over_replicas<1, double>(17, 8, 5, ' in averaged
    assert '// term_0 = err_post * r_pre' in averaged
    ours = [text for text in files.values() if 'auto sum_' in text]
    assert len(ours) > 20
    for text in ours:
        assert max(map(len, text.splitlines())) <= 200


# ----------------------------------------------------------------------------------------- replicas
@given(st.sampled_from(sorted(RULES)), st.sampled_from([1, 2, 5, 9]), st.sampled_from(SIZES),
       st.sampled_from(SIZES))
@settings(max_examples=15)
def test_replicas_on_numpy(rule, replicas, n_pre, n_post):
    case = dict(rule=rule, replicas=replicas, n_pre=n_pre, n_post=n_post)
    assert_equal(run_one('numpy', partial(compose_replicas, **case)), replicas_by_hand(**case))


@pytest.mark.parametrize('case', [('clipped', 5, 8, 17), ('adam', 2, 33, 3)])
def test_replicas_on_cython(case):
    case = dict(zip(('rule', 'replicas', 'n_pre', 'n_post'), case))
    assert_equal(run_one('cython', partial(compose_replicas, **case)), replicas_by_hand(**case))


@pytest.mark.parametrize('case', REPLICAS)
def test_replicas_in_cpp(in_cpp, case):
    assert_equal(in_cpp[f'replicas_{case[0]}'], replicas_by_hand(*case))


@pytest.mark.parametrize('target', ['numpy', 'cpp_standalone'])
def test_replicas_in_single_precision(request, target):
    if target == 'cpp_standalone':
        found = request.getfixturevalue('in_cpp')['single_replicas']
    else:
        found = run_one(target, in_single(partial(compose_replicas, rule='adam')))
    assert found['w'].dtype == np.float32
    assert_equal(found, replicas_by_hand('adam', 3, 7, 5), tolerance=3e-6)


# ----------------------------------------------------------------------------------------- refusals
def replicated(equations='w : 1', replicas=2, n_pre=4, n_post=6, **options):
    a = NeuronGroup(n_pre, 'r : 1', name='a', **options.pop('neurons', {}))
    b = NeuronGroup(n_post, 'v : 1\nI : 1', name='b')
    source = options.pop('part', lambda group: group)(a)
    S = DenseSynapses(source, b, equations, name='S', namespace={}, replicas=replicas, **options)
    return a, b, S


def connected(*args, **options):
    S = replicated(*args, **options)[2]
    S.connect()
    return S


def simulate(equations, **options):
    a, b, S = replicated(equations, **options)
    S.connect()
    Network(a, b, S).run(0.1*ms, namespace={})


REFUSED = {
    'source': (lambda: replicated(n_pre=5), ValueError,
               "'a' has 5 neurons, which is not a multiple of 2 replicas"),
    'target': (lambda: replicated(n_post=5), ValueError, "'b' has 5 neurons"),
    'more replicas than neurons': (lambda: replicated(replicas=12), ValueError,
                                   "'a' has 4 neurons"),
    'no replicas': (lambda: replicated(replicas=0), ValueError, 'replicas=0; give a whole number'),
    'half replicas': (lambda: replicated(replicas=1.5), ValueError, 'replicas=1.5; give a whole'),
    'negative': (lambda: replicated(replicas=-1), ValueError, 'replicas=-1; give a whole number'),
    'part of a group': (lambda: replicated(part=lambda group: group[:2]), ValueError,
                        'is a part of a group; replicas need whole groups'),
    'spikes': (lambda: connected(neurons={'threshold': 'r > 1'}, on_pre='w += 1'), ValueError,
               "'S' needs one connect.. without arguments.*it has event pathways"),
    'condition': (lambda: replicated()[2].connect('i != j'), ValueError,
                  'not all neurons are connected to all'),
    'second connect': (lambda: connected().connect(), ValueError, 'synapses are added'),
    'operation on neurons': (lambda: connected().run_regularly('w = r_pre'), ValueError,
                             "'r_pre' belongs to many neurons for each synapse of 'S'"),
    'operation on neurons, by another name': (
        lambda: connected('w : 1\nwr = w*r_pre : 1').run_regularly('w = wr'), ValueError,
        "'r_pre'"),
    'stored subexpression': (lambda: connected('w : 1\nwr = r_pre : 1 (constant over dt)'),
                             ValueError, "'r_pre' belongs to many neurons"),
    'random numbers in a sum': (lambda: simulate('I_post = w*rand() : 1 (summed)\nw : 1'),
                                NotImplementedError, "'S' calls rand"),
    'random numbers in learning': (
        lambda: simulate('dw/dt = r_pre*rand()*Hz : 1 (clock-driven)', method='euler'),
        NotImplementedError, "'S' calls rand"),
    'noise': (lambda: simulate('dw/dt = r_pre*Hz + xi*Hz**0.5 : 1 (clock-driven)', method='euler'),
              NotImplementedError, "'S' has noise"),
    'weights that move within the step': (
        lambda: simulate('dw/dt = tanh(w*r_pre)*Hz : 1 (clock-driven)', method='heun'),
        NotImplementedError, "of 'S' contains 'w', which changes during the step"),
    'matrix before connect': (lambda: replicated()[2].matrix(), TypeError,
                              "'S' has no synapses yet, call connect.. first"),
    'matrix of another shape': (lambda: connected().matrix().__setitem__(
        slice(None), np.ones((2, 3))), ValueError,
        r"w of 'S' has the shape \(3, 2\), not \(2, 3\)"),
}


@pytest.mark.parametrize('case', REFUSED)
def test_refused(case):
    act, error, message = REFUSED[case]
    with pytest.raises(Exception) as raised:
        act()
    chain = [raised.value, raised.value.__cause__]
    assert any(isinstance(each, error) and re.search(message, str(each)) for each in chain), chain


def test_weights_within_a_step_of_euler():
    """A term with w in it is no obstacle where w has its value from before the step."""
    simulate('dw/dt = tanh(w*r_pre)*Hz : 1 (clock-driven)', method='euler')


# ------------------------------------------------------------- variables that are not real numbers
WHOLE_NUMBERS = {
    'mask': ('open*s_pre', 4.0), 'products': ('m*n_pre', 4e9), 'quotient': ('n_pre/k_post*m', 4e9/3),
    'no product': ('open*s_pre + m', 8.0)}


@pytest.mark.parametrize('target', ['numpy', 'cython'])
@pytest.mark.parametrize('replicas', [1, 2])
def test_sums_of_whole_numbers_and_booleans(target, replicas):
    """They add up like numbers, and neither overflow nor lose digits."""
    prefs.codegen.target = target
    a = NeuronGroup(4*replicas, 's : boolean\nn : integer', name='a')
    b = NeuronGroup(2*replicas, 'k : integer\n' + '\n'.join(
        f'x{k} : 1' for k in range(len(WHOLE_NUMBERS))), name='b')
    sums = '\n'.join(f'x{k}_post = {expression} : 1 (summed)'
                     for k, (expression, _) in enumerate(WHOLE_NUMBERS.values()))
    S = DenseSynapses(a, b, f'{sums}\nopen : boolean\nm : integer', name='S', replicas=replicas,
                      namespace={})
    S.connect()
    a.s, a.n, b.k, S.open, S.m = True, 1_000_000_000, 3, True, 1
    Network(a, b, S).run(0.1*ms, namespace={})
    for k, (_, expected) in enumerate(WHOLE_NUMBERS.values()):
        np.testing.assert_allclose(np.array(getattr(b, f'x{k}')), expected, rtol=1e-15)


@pytest.mark.parametrize('target', ['numpy', 'cython'])
def test_mean_of_booleans(target):
    prefs.codegen.target = target
    G = NeuronGroup(4*2, 's : boolean', name='G')
    S = DenseSynapses(G, G, 'dw/dt = int(s_pre)*s_post/ms : 1 (clock-driven)', method='euler',
                      replicas=4, name='S')
    S.connect()
    G.s = True
    Network(G, S).run(0.1*ms)
    np.testing.assert_allclose(np.array(S.w), 0.1)


@pytest.mark.parametrize('model', ['x_post = w*r_pre/N_incoming : 1 (summed)\nw : 1',
                                   'dw/dt = r_pre*N_outgoing/ms : 1 (clock-driven)'])
def test_numbers_of_synapses_with_replicas(model):
    """Brian2 counts them for the neurons of one replica only."""
    G = NeuronGroup(6, 'r : 1\nx : 1', name='G')
    S = DenseSynapses(G, G, model, method='euler', replicas=2, name='S')
    S.connect()
    with pytest.raises(Exception) as raised:
        Network(G, S).run(0.1*ms)
    assert 'write the number, or N_pre or N_post' in str(raised.value.__cause__)


class Watch(BrianObject):
    """Python code of a user, in every step."""

    def __init__(self, synapses):
        super().__init__(when='end')
        self.synapses, self.seen = synapses, []

    def run(self):
        self.seen.append(float(self.synapses.w[0, 0][0]))


def test_objects_of_the_user_see_the_weights_of_the_step():
    prefs.codegen.target = 'cython'
    a, b = NeuronGroup(2, 'r : 1', name='a'), NeuronGroup(3, 'v : 1', name='b')
    S = DenseSynapses(a, b, 'v_post = w*r_pre : 1 (summed)\ndw/dt = 1/ms : 1 (clock-driven)',
                      method='euler', name='S')
    S.connect()
    watch = Watch(S)
    Network(a, b, S, watch).run(0.3*ms)
    np.testing.assert_allclose(watch.seen, [0.1, 0.2, 0.3])


@pytest.mark.parametrize('name', ['shared', 'expression', 'nothing', 'N', 'i'])
def test_matrices_of_what_is_not_there_for_each_synapse(name):
    a, b = NeuronGroup(2, 'r : 1', name='a'), NeuronGroup(3, 'v : 1', name='b')
    S = DenseSynapses(a, b, 'w : 1\nshared : 1 (shared)\nexpression = 2*w : 1', name='S')
    S.connect()
    with pytest.raises(ValueError, match="variable for each synapse of 'S'"):
        S.matrix(name)
