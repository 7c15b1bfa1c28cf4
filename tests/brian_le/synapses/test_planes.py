"""Convolutions and pooling, against SciPy and against loops over all pairs of neurons."""

import re
from math import prod

import numpy as np
import pytest
from brian2 import (Network, NeuronGroup, StateMonitor, get_device, ms, mV, prefs, set_device,
                    volt)
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import (ConvSynapses, PoolSynapses, SharedParameters, conv_shape, neuron_index,
                      neuron_position, pool_shape)
from tests.brian_le.synapses.geometry import (WIDTHS, ByScipy, Geometry, Pairs, by_seed,
                                              draw_geometry, draw_pool, drawn)
from tests.running import CODE_TARGETS, run_cases

DT = 0.1  # ms

LINEAR = '''I_post = w*r_pre : 1 (summed)
            e1_pre = w*err_post : 1 (summed)
            dw/dt = (err_post*r_pre - 0.5*w)/ms : 1 (clock-driven)'''


class Convolution:
    """A convolution with random values, which learns for two steps."""

    def __init__(self, geometry, seed=0):
        self.g = g = geometry
        rng = np.random.default_rng(seed)
        self.r = rng.normal(size=(g.replicas, *g.input_shape))
        self.err = rng.normal(size=(g.replicas, *g.output_shape))
        self.w = rng.normal(size=g.weight_shape)

    def __call__(self, name):
        a, b = self.g.groups(name)
        S = self.g.conv(a, b, LINEAR, method='euler', order=1, name=f'{name}_S',
                        namespace={'ms': ms})
        a.r, b.err = self.r.ravel(), self.err.ravel()
        S.matrix('w')[:] = self.w
        return [a, b, S], 2*DT*ms, lambda: {'I': b.I[:], 'e1': a.e1[:], 'w': S.matrix('w')[:]}

    def expected(self):
        by_scipy = ByScipy(self.g)
        gradient = by_scipy.to_kernel(self.r, self.err)
        once = self.w + DT*(gradient - 0.5*self.w)
        return {'I': by_scipy.to_post(once, self.r).ravel(),
                'e1': by_scipy.to_pre(once, self.err).ravel(),
                'w': once + DT*(gradient - 0.5*once)}

    def check(self, found, tolerance=1e-12):
        for key, expected in self.expected().items():
            scale = max(1, abs(expected).max())
            np.testing.assert_allclose(found[key], expected, rtol=0, atol=tolerance*scale,
                                       err_msg=f'{key} of {self.g}')


class Pooling:
    """Both kinds of pooling of random values; `levels` of them, so that many are equal."""

    def __init__(self, geometry, seed=0, levels=None, low=-1.0):
        self.g = g = geometry
        rng = np.random.default_rng(seed)
        size = g.replicas, *g.input_shape
        # below zero in most places: a maximum that starts from zero would show
        self.r = low + (0.5*rng.normal(size=size) if levels is None
                        else rng.integers(0, levels, size=size))
        self.err = rng.normal(size=(g.replicas, *g.output_shape))

    def __call__(self, name):
        a, b = self.g.groups(name, 'r : 1\ne2 : 1', 'err : 1\nA : 1')
        pools = [self.g.pool(a, b, f'{to}_post = r_pre : 1 (summed)\n'
                                   f'{back}_pre = err_post : 1 (summed)', kind=kind,
                             name=f'{name}_{kind}', namespace={})
                 for kind, to, back in (('max', 'I', 'e1'), ('average', 'A', 'e2'))]
        a.r, b.err = self.r.ravel(), self.err.ravel()
        return [a, b, *pools], 2*DT*ms, lambda: {'I': b.I[:], 'e1': a.e1[:], 'A': b.A[:],
                                                 'e2': a.e2[:]}

    def windows(self):
        """Source neurons that each target neuron sees, in the order of rows: [target, place]."""
        g = self.g
        numbers = np.arange(self.r.size).reshape(self.r.shape)
        axes = tuple(range(1, len(g.kernel) + 1))
        seen = np.lib.stride_tricks.sliding_window_view(numbers, g.kernel, axes)
        seen = seen[(slice(None), *(slice(None, None, step) for step in g.stride))]
        return seen.reshape(-1, prod(g.kernel))

    def expected(self):
        windows, err = self.windows(), self.err.ravel()
        values = self.r.ravel()[windows]
        to_winner, to_all = np.zeros((2, self.r.size))
        won = windows[np.arange(len(windows)), values.argmax(axis=1)]
        np.add.at(to_winner, won, err)
        np.add.at(to_all, windows, err[:, None]/windows.shape[1])
        return {'I': values.max(axis=1), 'e1': to_winner, 'A': values.mean(axis=1), 'e2': to_all}

    check = Convolution.check


def run_here(compose):
    objects, duration, read = compose('case')
    Network(objects).run(duration, namespace={})
    return read()


@given(drawn(draw_geometry), st.integers(0, 100))
def test_convolution_on_numpy(geometry, seed):
    case = Convolution(geometry, seed)
    case.check(run_here(case))


@given(drawn(draw_pool), st.integers(0, 100), st.sampled_from([None, 1, 3]))
def test_pooling_on_numpy(geometry, seed, levels):
    case = Pooling(geometry, seed, levels)
    case.check(run_here(case))


@settings(max_examples=3)
@given(drawn(draw_geometry), st.integers(0, 100))
def test_convolution_on_cython(geometry, seed):
    prefs.codegen.target = 'cython'
    case = Convolution(geometry, seed)
    case.check(run_here(case))


@settings(max_examples=2)
@given(drawn(draw_pool), st.integers(0, 100), st.sampled_from([3, None, 1]))
def test_pooling_on_cython(geometry, seed, levels):
    prefs.codegen.target = 'cython'
    case = Pooling(geometry, seed, levels)
    case.check(run_here(case))


# ------------------------------------------------------------------------------ general expressions
# model, variables that are set, method; a step in NumPy: the sums, with all that belongs to a pair,
# and new values of the variables, `total` being the sum over positions and mean over replicas
EXPRESSIONS = {}


def expression(model, names=('w',), method='euler'):
    def keep(step):
        EXPRESSIONS[step.__name__] = model, names, method, step
    return keep


@expression('''I_post = w*tanh(r_pre) : 1 (summed)
               e1_pre = exp(-(w - err_post)**2)*(r_pre + 2) : 1 (summed)
               dw/dt = tanh(err_post*r_pre - w)/ms : 1 (clock-driven)''')
def nothing_is_a_product(r, err, s, own, total):
    w = own['w']
    return (w*np.tanh(r), np.exp(-(w - err)**2)*(r + 2),
            {'w': s['w'] + DT*total(np.tanh(err*r - w))})


@expression('''I_post = r_pre*int(w > 0) : 1 (summed)
               dw/dt = ((err_post - w)*r_pre - 0.5*w)/ms : 1 (clock-driven)''')
def decay_counts_once(r, err, s, own, total):
    """The first w in the derivative belongs to what is added up, the second one does not."""
    w = own['w']
    return r*(w > 0), 0*err, {'w': s['w'] + DT*(total((err - w)*r) - 0.5*s['w'])}


@expression('''I_post = (w + c*v)*r_pre : 1 (summed)
               e1_pre = v*err_post/(1 + gain) : 1 (summed)
               dw/dt = (gain*err_post*r_pre - v)/ms : 1 (clock-driven)
               dv/dt = (err_post*c - 2*v + w)/ms : 1 (clock-driven)
               c : 1 (constant)
               gain = 0.5 + 0.25 : 1 (shared)''', names=('w', 'v', 'c'))
def several_variables(r, err, s, own, total):
    w, v, c = own['w'], own['v'], own['c']
    return ((w + c*v)*r, v*err/1.75,
            {'w': s['w'] + DT*(0.75*total(err*r) - s['v']),
             'v': s['v'] + DT*(total(err*c) - 2*s['v'] + s['w']), 'c': s['c']})


@expression('''dw/dt = err_post*r_pre/ms : 1 (clock-driven)
               w_min = -0.9 : 1 (shared)
               w_max = 0.7 : 1 (shared)''', method='prospective_euler')
def clipped_after_the_sum(r, err, s, own, total):
    return 0*r, 0*err, {'w': np.clip(s['w'] + DT*total(err*r), -0.9, 0.7)}


@expression('''w_grad = err_post*r_pre - 0.1*w : 1
               dm/dt = (w_grad - m)/(2*ms) : 1 (clock-driven)
               dq/dt = (w_grad**2 - q)/(5*ms) : 1 (clock-driven)
               dw/dt = m/(sqrt(q) + 0.1)/ms : 1 (clock-driven)''', names=('w', 'm', 'q'))
def optimiser_squares_the_sum(r, err, s, own, total):
    w, m, q = s['w'], s['m'], s['q']
    grad = total(err*r) - 0.1*w
    return 0*r, 0*err, {'w': w + DT*m/(np.sqrt(q) + 0.1), 'm': m + DT/2*(grad - m),
                        'q': q + DT/5*(grad**2 - q)}


class General:
    """Two steps of a kernel with any expressions."""

    def __init__(self, case, geometry):
        self.model, names, self.method, self.step = EXPRESSIONS[case]
        self.g = geometry
        rng = np.random.default_rng(4)
        self.r = rng.normal(size=self.g.replicas*prod(self.g.input_shape))
        self.err = rng.normal(size=self.g.replicas*prod(self.g.output_shape))
        self.start = {name: rng.uniform(-1, 1, prod(self.g.weight_shape)) for name in names}
        if 'q' in self.start:
            self.start['q'] **= 2

    def __call__(self, name):
        a, b = self.g.groups(name)
        S = self.g.conv(a, b, self.model, method=self.method, order=1, name=f'{name}_S',
                        namespace={'ms': ms})
        a.r, b.err = self.r, self.err
        for key, values in self.start.items():
            S.matrix(key)[:] = values.reshape(self.g.weight_shape)
        return [a, b, S], 2*DT*ms, lambda: {'I': b.I[:], 'e1': a.e1[:], **{
            key: S.matrix(key)[:].ravel() for key in self.start}}

    def expected(self):
        pairs, s = Pairs(self.g), self.start
        for _ in range(2):
            own = {key: values[pairs.synapse] for key, values in s.items()}
            to_post, to_pre, s = self.step(self.r[pairs.pre], self.err[pairs.post], s, own,
                                           pairs.to_kernel)
        return {'I': pairs.to_post(to_post), 'e1': pairs.to_pre(to_pre), **s}

    check = Convolution.check


# what was drawn with these seeds has several positions; together they have all that is hard
CONVS = {f'conv_{seed}': Convolution(by_seed(draw_geometry, seed), seed)
         for seed in (108, 139, 35, 126, 4)}
GENERAL = {name: General(name, by_seed(draw_geometry, seed))
           for name, seed in zip(EXPRESSIONS, (149, 24, 94, 49, 77))}
POOLS = {f'pool_{seed}': Pooling(by_seed(draw_pool, seed), seed, levels)
         for seed, levels in {8: None, 38: 3, 24: 3}.items()}


def test_batch_has_all_that_is_hard():
    """The cases that one C++ project shares are drawn once; nothing must be missing by chance."""
    convs = [case.g for case in (*CONVS.values(), *GENERAL.values())]
    assert {len(g.kernel) for g in convs} == {1, 2}
    assert {g.replicas for g in convs} == {1, 3}
    assert {g.input_shape[-1] for g in convs} == {g.channels for g in convs} == set(WIDTHS)
    assert sum(any(step > k for step, k in zip(g.stride, g.kernel)) for g in convs) >= 2
    assert sum(any(step > 1 and pad for step, pad in zip(g.stride, g.padding))
               for g in convs) >= 2
    assert sum(max(g.padding) > 1 for g in convs) >= 2
    pools = [case.g for case in POOLS.values()]
    assert any(step < w for g in pools for step, w in zip(g.stride, g.kernel))
    assert any(step > w for g in pools for step, w in zip(g.stride, g.kernel))


# ------------------------------------------------------------------------------------- other cases
class Bias:
    """One bias for each channel, which all positions and replicas read and change."""

    g = Geometry((4, 5, 2), 3, (3, 2), (1, 2), (1, 0), 3)

    def __init__(self):
        rng = np.random.default_rng(9)
        self.conv = Convolution(self.g)
        self.bias = rng.normal(size=self.g.channels)

    def __call__(self, name):
        a, b = self.g.groups(name, target='err : 1\nb : 1\nu = I + b : 1')
        S = self.g.conv(a, b, 'I_post = w*r_pre : 1 (summed)\nw : 1', name=f'{name}_S')
        bias = SharedParameters(b, '''b_post = bias : 1 (summed)
                                      dbias/dt = (err_post - 0.5*bias)/ms : 1 (clock-driven)''',
                                replicas=self.g.replicas, channels=self.g.channels, order=1,
                                method='euler', name=f'{name}_bias', namespace={'ms': ms})
        a.r, b.err = self.conv.r.ravel(), self.conv.err.ravel()
        S.matrix('w')[:], bias.matrix('bias')[:] = self.conv.w, self.bias
        monitor = StateMonitor(b, 'u', record=True, when='end', name=f'{name}_M')
        return [a, b, S, bias, monitor], 2*DT*ms, lambda: {'u': monitor.u.T[:],
                                                           'bias': bias.matrix('bias')[:]}

    def expected(self):
        total = self.conv.err.sum(axis=(1, 2)).mean(axis=0)
        once = self.bias + DT*(total - 0.5*self.bias)
        forward = ByScipy(self.g).to_post(self.conv.w, self.conv.r)
        return {'u': np.array([(forward + bias).ravel() for bias in (self.bias, once)]),
                'bias': once + DT*(total - 0.5*once)}

    check = Convolution.check


class Winners:
    """Which neuron wins changes from step to step; the error goes to those of the same step."""

    g = Geometry((4, 3, 2), 2, (2, 2), (1, 1), (0, 0), 2)

    def __init__(self, sent, returned, end):
        self.sent, self.returned, self.end = sent, returned, end
        self.first, self.second = Pooling(self.g, 1), Pooling(self.g, 2)

    def __call__(self, name):
        size = self.g.replicas*prod(self.g.input_shape)
        a = NeuronGroup(size, f'''r = x + (y - x)*int(t > 0.05*ms) : 1
                                  x : 1
                                  y : 1
                                  {self.returned} : 1''', name=f'{name}_{self.end}_in',
                        namespace={'ms': ms})
        b = NeuronGroup(self.g.replicas*prod(self.g.output_shape), f'err : 1\n{self.sent} : 1',
                        name=f'{name}_out')
        S = self.g.pool(a, b, f'{self.returned}_pre = err_post : 1 (summed)\n'
                              f'{self.sent}_post = r_pre : 1 (summed)',
                        name=f'{name}_{self.end}', namespace={})
        a.x, a.y, b.err = self.first.r.ravel(), self.second.r.ravel(), self.second.err.ravel()
        monitor = StateMonitor(a, self.returned, record=True, when='end', name=f'{name}_M')
        return [a, b, S, monitor], 2*DT*ms, lambda: {
            'e1': getattr(monitor, self.returned).T[:], 'I': getattr(b, self.sent)[:]}

    def expected(self):
        self.first.err = self.second.err
        steps = [case.expected() for case in (self.first, self.second)]
        return {'e1': np.array([step['e1'] for step in steps]), 'I': steps[1]['I']}

    check = Convolution.check


class Matrices:
    """The views of kernels, in two dimensions and in one, before and after a run."""

    def __call__(self, name):
        plane, line = Geometry((4, 4, 2), 3, (2, 3), (1, 1), (0, 0)), Geometry(
            (6, 2), 3, (2,), (1,), (0,))
        objects, views = [], []
        for g, end in ((plane, 'plane'), (line, 'line')):
            a, b = g.groups(f'{name}_{end}')
            S = g.conv(a, b, 'v : volt', name=f'{name}_{end}_S')
            S.matrix('v')[:] = np.arange(prod(g.weight_shape)).reshape(g.weight_shape)*mV
            views.append(S.matrix('v'))
            objects += [a, b, S]
        views[0][1] = 7*mV
        views[0][0, 1, 1, 2] = -3*mV
        views[1][:, 1, 0] = [5, 6, 7]*mV
        before = [view[:] for view in views]
        flat = np.array(objects[2].v[:])
        return objects, DT*ms, lambda: {
            'shapes': [view.shape for view in views], 'before': before, 'flat': flat,
            'after': [view[:] for view in views]}

    @staticmethod
    def check(found):
        plane = np.arange(36.).reshape(3, 2, 2, 3)
        plane[1], plane[0, 1, 1, 2] = 7, -3
        line = np.arange(12.).reshape(3, 2, 2)
        line[:, 1, 0] = [5, 6, 7]
        assert found['shapes'] == [(3, 2, 2, 3), (3, 2, 2)]
        for when in ('before', 'after'):
            for values, expected in zip(found[when], (plane, line)):
                assert values.dim == volt.dim
                np.testing.assert_allclose(np.asarray(values), 1e-3*expected, rtol=1e-14)
        # synapse ((y*3 + x)*2 + in)*3 + out
        np.testing.assert_allclose(np.asarray(found['flat']).reshape(2, 3, 2, 3),
                                   1e-3*plane.transpose(2, 3, 1, 0), rtol=1e-14)


class Regular:
    """Kernels are changed and recorded as other synaptic variables are."""

    def __call__(self, name):
        g = Geometry((3, 3, 1), 2, (2, 2), (1, 1), (0, 0))
        a, b = g.groups(name)
        S = g.conv(a, b, 'w : 1', name=f'{name}_S', namespace={})
        S.run_regularly('w = 0.5*w + 1', name=f'{name}_regular')
        S.matrix('w')[:] = np.arange(8).reshape(2, 1, 2, 2)
        monitor = StateMonitor(S, 'w', record=[0, 3, 7], when='end', name=f'{name}_M')
        return [a, b, S, monitor], 2*DT*ms, lambda: {'recorded': monitor.w[:],
                                                     'w': S.matrix('w')[:]}

    @staticmethod
    def check(found):
        once = 0.5*np.arange(8).reshape(2, 1, 2, 2) + 1
        twice = 0.5*once + 1
        np.testing.assert_allclose(found['w'], twice, rtol=1e-14)
        flat = [w.transpose(2, 3, 1, 0).ravel()[[0, 3, 7]] for w in (once, twice)]
        np.testing.assert_allclose(found['recorded'], np.transpose(flat), rtol=1e-14)


class InSinglePrecision:
    """Another case in float32."""

    def __init__(self, case):
        self.case = case

    def __call__(self, name):
        prefs.core.default_float_dtype = np.float32  # of this case alone
        return self.case(name)

    def check(self, found):
        for values in found.values():
            assert np.asarray(values).dtype == np.float32
        self.case.check(found, 1e-5)


WINNERS = {f'winners_{n}': Winners(*names) for n, names in enumerate((
    ('z_sum', 'a_err', 'a'), ('a_sum', 'z_err', 'z')))}
CASES = {
    **CONVS, **GENERAL, **POOLS, **WINNERS,
    'bias': Bias(), 'matrices': Matrices(), 'regular': Regular(),
    'single_conv': InSinglePrecision(Convolution(Geometry((6, 5, 3), 17, (3, 2), (2, 1), (1, 1),
                                                          3))),
    'single_pool': InSinglePrecision(Pooling(Geometry((6, 5, 3), 3, (3, 2), (2, 1), (0, 0), 3))),
}
# Cython shares its C++ with the projects, and compiles every loop for some seconds
NOT_ON_CYTHON = {*CONVS, *GENERAL, *POOLS, *WINNERS, 'matrices', 'regular'} - {
    'decay_counts_once', 'optimiser_squares_the_sum', 'winners_0'}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def simulated(request, tmp_path_factory):
    return run_cases(request.param, CASES, tmp_path_factory.mktemp('planes'), NOT_ON_CYTHON)


@pytest.mark.parametrize('case', CASES)
def test_on_all_targets(simulated, case):
    """Forward, to the input and to the kernel, in one C++ project for all cases."""
    if case not in simulated:
        pytest.skip('Cython has the same C++ as the project')
    CASES[case].check(simulated[case])


# ----------------------------------------------------------------------------------- places by hand
def test_populations_are_channel_last():
    """One neuron fires, one element of the kernel is set: one neuron sees it."""
    shape, behind = (4, 5, 2), (3, 4, 3)
    a, b = NeuronGroup(40, 'r : 1'), NeuronGroup(36, 'I : 1')
    S = ConvSynapses(a, b, 'I_post = w*r_pre : 1 (summed)\nw : 1', input_shape=shape, kernel=2)
    S.connect()
    a.r[neuron_index(2, 3, 1, shape)] = 5
    S.matrix('w')[2, 1, 0, 1] = 7  # to channel 2 from channel 1, one column to the right
    Network(a, b, S).run(DT*ms)
    assert S.output_shape == behind
    (seen,) = np.flatnonzero(b.I[:])
    assert b.I[seen] == 35 and seen == neuron_index(2, 2, 2, behind) == (2*4 + 2)*3 + 2
    assert tuple(neuron_position(seen, behind)) == (2, 2, 2)


def test_first_of_equals_wins():
    a, b = NeuronGroup(9, 'r : 1\ne1 : 1'), NeuronGroup(4, 'I : 1\nerr : 1')
    S = PoolSynapses(a, b, 'I_post = r_pre : 1 (summed)\ne1_pre = err_post : 1 (summed)',
                     input_shape=(3, 3, 1), window=2, stride=1)
    S.connect()
    a.r = [-2, -2, -3,
           -2, -1, -1,
           -4, -1, -5]
    b.err = [1, 10, 100, 1000]
    network = Network(a, b, S)
    network.run(DT*ms)
    np.testing.assert_array_equal(b.I[:], -1)
    np.testing.assert_array_equal(a.e1[:], [0, 0, 0, 0, 1111, 0, 0, 0, 0])
    a.r = -3
    network.run(DT*ms)
    np.testing.assert_array_equal(b.I[:], -3)
    np.testing.assert_array_equal(a.e1[:], [1, 10, 0, 100, 1000, 0, 0, 0, 0])


# ---------------------------------------------------------------------------------------- bad input
def conv(model='I_post = w*r_pre : 1 (summed)\nw : 1', sizes=(9, 8), replicas=1, **options):
    a = NeuronGroup(sizes[0], 'r : 1\ne1 : 1', name='a')
    b = NeuronGroup(sizes[1], 'I : 1\nerr : 1', name='b')
    return ConvSynapses(a, b, model, replicas=replicas, name='S', order=1, namespace={'ms': ms},
                        **{'input_shape': (3, 3, 1), 'kernel': 2, **options})


def connected(*args, **options):
    S = conv(*args, **options)
    S.connect()
    return S


def pool(model='I_post = r_pre : 1 (summed)', sizes=(9, 4), **options):
    a = NeuronGroup(sizes[0], 'r : 1\ne1 : 1', name='a')
    b = NeuronGroup(sizes[1], 'I : 1\nerr : 1', name='b')
    S = PoolSynapses(a, b, model, name='S', namespace={},
                     **{'input_shape': (3, 3, 1), 'window': 2, 'stride': 1, **options})
    S.connect()
    return S


def run_it(S):
    Network(*S._populations, S).run(DT*ms)


def of_part():
    a, b = NeuronGroup(18, 'r : 1', name='a'), NeuronGroup(8, 'I : 1', name='b')
    S = ConvSynapses(a[:9], b, 'w : 1', input_shape=(3, 3, 1), kernel=2, name='S')
    S.connect()


MANY = "a synapse of 'S' connects many pairs of neurons"
ONE_CONNECT = ("'S' needs one connect() without arguments, because its positions share weights; "
               'here ')
BAD_SIZES = {
    'kernel larger than the input': (
        lambda: conv(kernel=4), 'a kernel of (4, 4) is larger than an input of (3, 3) with padding '
                                '(0, 0)'),
    'kernel larger than the padded input': (
        lambda: conv(kernel=(2, 6), padding=(0, 1)), 'a kernel of (2, 6) is larger than an input '
                                                     'of (3, 3) with padding (0, 1)'),
    'no kernel': (lambda: conv(kernel=0), 'kernel=0; give a whole number of at least 1, or 2'),
    'half a kernel': (lambda: conv(kernel=1.5), 'kernel=1.5; give a whole number'),
    'three sizes': (lambda: conv(kernel=(2, 2, 2)), 'kernel=(2, 2, 2); give a whole number'),
    'no stride': (lambda: conv(stride=0), 'stride=0; give a whole number of at least 1'),
    'negative padding': (lambda: conv(padding=-1), 'padding=-1; give a whole number of at least 0'),
    'one number too many': (lambda: conv(input_shape=(3, 3, 1, 1)),
                            'input_shape=(3, 3, 1, 1); give (rows, columns, channels), or'),
    'one number': (lambda: conv(input_shape=(9,)), 'input_shape=(9,); give (rows'),
    'no channels': (lambda: conv(input_shape=(3, 3, 0)), 'input_shape=(3, 3, 0); give (rows'),
    'source that does not fit': (lambda: conv(sizes=(10, 8)),
                                 "the source 'a' has 10 neurons, not 3x3x1 = 9"),
    'source with replicas that does not fit': (
        lambda: conv(sizes=(20, 16), replicas=2),
        "the source 'a' has 10 neurons in each of 2 replicas, not 3x3x1 = 9"),
    'no multiple of the positions': (
        lambda: conv(sizes=(9, 6)), "the target 'b' has 6 neurons per replica, which is not a "
                                    'multiple of 2x2 positions'),
    'no multiple of the replicas': (
        lambda: conv(sizes=(9, 8), replicas=2),
        "'a' has 9 neurons, which is not a multiple of 2 replicas"),
    'shape behind a kernel that is too large': (
        lambda: conv_shape((3, 1), 4, 1), 'a kernel of (4,) is larger than an input of (3,)'),
    'large window': (
        lambda: pool(window=4), 'a window of (4, 4) is larger than an input of (3, 3)'),
    'no window': (lambda: pool(window=0), 'window=0; give a whole number of at least 1'),
    'pooling without stride': (lambda: pool(stride=0), 'stride=0; give a whole number'),
    'shape behind a window that is too large': (
        lambda: pool_shape((3, 1), 4), 'a window of (4,) is larger than an input of (3,)'),
    'target behind windows that does not fit': (
        lambda: pool(sizes=(9, 5)), "the target 'b' has 5 neurons, not 2x2x1 = 4"),
    'unknown kind': (lambda: pool(kind='mean'), "unknown kind: 'mean'"),
    'pooling with weights': (
        lambda: pool('I_post = w*r_pre : 1 (summed)\nw : 1'),
        "pooling has no weights, but 'S' has a variable 'w' for each synapse; make it (shared)"),
    'nobody wins': (lambda: pool('e1_pre = err_post : 1 (summed)'),
                    "'S' sums 0 variables to the target; one decides which neuron wins"),
    'condition': (lambda: conv().connect('i > j'), ONE_CONNECT + 'not all neurons are connected'),
    'pairs': (lambda: conv().connect(i=0, j=1), ONE_CONNECT + 'not all neurons are connected'),
    'probability': (lambda: conv().connect(p=0.5), ONE_CONNECT + 'not all neurons are connected'),
    'second connect': (lambda: connected().connect(), ONE_CONNECT + 'synapses are added'),
    'part of a group': (of_part, ONE_CONNECT + "'a_subgroup"),
    'one neuron for many pairs': (
        lambda: connected().run_regularly('w = r_pre'),
        "'r_pre' belongs to many neurons for each synapse of 'S', because its positions share"),
    'one index for many pairs': (lambda: connected().run_regularly('w = i'),
                                 "'i' belongs to many neurons for each synapse of 'S'"),
    'neurons in what is constant over a step': (
        lambda: conv('x = r_pre : 1 (constant over dt)\nw : 1'),
        "'r_pre' belongs to many neurons for each synapse of 'S'"),
    'matrix of another shape': (
        lambda: connected().matrix('w').__setitem__(slice(None), np.ones((2, 1, 3))),
        "w of 'S' has the shape (2, 1, 2, 2), not (2, 1, 3)"),
    'transposed matrix': (
        lambda: connected().matrix('w').__setitem__(slice(None), np.ones((2, 2, 1, 2))),
        "w of 'S' has the shape (2, 1, 2, 2), not (2, 2, 1, 2)"),
    'matrix that is not finite': (
        lambda: connected().matrix('w').__setitem__((1, 0, 1, 0), np.nan),
        "w of 'S' contains nan at index (1, 0, 1, 0)"),
}


@pytest.mark.parametrize('case', BAD_SIZES)
def test_bad_input(case):
    make, message = BAD_SIZES[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


LOOKS = {
    'source': lambda S: S.i[:], 'target': lambda S: S.j[0], 'pair': lambda S: S.w[0, 1],
    'number': lambda S: S.N_outgoing[:],
    'recorded pair': lambda S: StateMonitor(S, 'w', record=S[0, 1]),
    'neurons in a string': lambda S: setattr(S, 'w', 'r_pre'),
    'indices in a string': lambda S: setattr(S, 'w', 'i'),
    'condition': lambda S: S.w.__setitem__('j > 1', 3)}


@pytest.mark.parametrize('device', ['runtime', 'cpp_standalone'])
@pytest.mark.parametrize('look', LOOKS)
def test_a_synapse_of_a_kernel_has_no_pair_of_neurons(look, device, request, tmp_path):
    if device == 'cpp_standalone':
        set_device(device, build_on_run=False)
        get_device().reinit()
        get_device().activate(build_on_run=False)
        request.addfinalizer(get_device().reinit)
    S = connected()
    with pytest.raises((NotImplementedError, ValueError), match='many'):
        LOOKS[look](S)
        if device == 'cpp_standalone':  # what a string reads is known when the project is written
            get_device().build(directory=str(tmp_path), compile=False, run=False)


def test_no_matrix_without_synapses():
    with pytest.raises(TypeError, match=re.escape("'S' has no synapses yet, call connect() first")):
        conv().matrix('w')
    with pytest.raises(TypeError, match="'S' has no weights"):
        pool().matrix('w')


BAD_EQUATIONS = {
    'index in a sum': ('I_post = w*r_pre*(i + 1) : 1 (summed)\nw : 1', MANY),
    'index in a derivative': ('dw/dt = j*r_pre/ms : 1 (clock-driven)', MANY),
    'random sum': ('I_post = w*rand()*r_pre : 1 (summed)\nw : 1',
                   "'S' calls rand(), which is not possible where positions share weights"),
    'random derivative': ('dw/dt = rand()*r_pre/ms : 1 (clock-driven)', "'S' calls rand()"),
    'noise': ('dw/dt = r_pre/ms + xi/sqrt(ms) : 1 (clock-driven)', "'S' has noise (xi)"),
}


@pytest.mark.parametrize('target', ['numpy', 'cython'])
@pytest.mark.parametrize('case', BAD_EQUATIONS)
def test_bad_equations(case, target):
    """An error before any code is compiled."""
    prefs.codegen.target = target
    model, message = BAD_EQUATIONS[case]
    S = connected(model, method='euler')
    with pytest.raises(Exception) as raised:
        run_it(S)
    assert isinstance(raised.value.__cause__, NotImplementedError)
    assert message in str(raised.value.__cause__)
