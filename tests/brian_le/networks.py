"""Networks that several tests simulate, with stock and with dense synapses."""

from functools import partial

import numpy as np
from brian2 import Hz, NeuronGroup, StateMonitor, Synapses, get_device, ms, prefs
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

from brian_le import DenseSynapses, weight_matrix
from tests.running import run_cases

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


def run_one(target, compose):
    (found,) = run_cases(target, {'case': compose}, None).values()
    return found


def with_stock(compose):
    return run_one('numpy', partial(compose, kind=Synapses))
