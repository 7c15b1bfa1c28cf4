import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, NeuronGroup, SpikeGeneratorGroup,
                    StateMonitor, Synapses, mV, ms, prefs)
from brian2.core.base import BrianObjectException
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import ReplicatedGroup, SharedParameters
from brian_le.programs.program import build_program
from brian_le.step import NEURONS, STIMULUS
from brian_le.substrate import (Dead, Mismatch, Stuck, Substrate, UpdateNoise, WeightRange,
                                WeightResolution, uniform_number)
from tests.brian_le.substrate.circuits import CIRCUITS, assert_same, compose, give, states
from tests.running import CODE_TARGETS, copied, run_cases

STEPS, DT, SEED = 20, 0.1, 3
W = np.array([[0.5, -1.0], [0.3, 0.8], [-0.7, 0.2]])  # [pre, post]

FIXED = 'w : 1 (constant)'
LEARNED = 'dw/dt = 0.6*err_post*r_pre/ms : 1 (clock-driven)'
GATED = 'dw/dt = learning*err_post*r_pre/ms : 1 (clock-driven)\nlearning : 1 (shared)'
LIMITED = LEARNED + '\nw_max : 1 (shared, constant)\nw_min = -w_max : 1 (shared)'
#: Projections side by side, with what is wrong with each.
KINDS = {
    'rough': (FIXED, WeightResolution(3, 1.0)),
    'cut': (FIXED, WeightRange(0.6, -0.5)),
    'nearest': (LEARNED, WeightResolution(4, 1.2, interval=0.2*ms)),
    'stochastic': (LEARNED, WeightResolution(3, 1.0, 'stochastic')),
    'held': (LEARNED, WeightResolution(3, 1.2, 'stochastic', w_min=-0.6, interval=0.3*ms)),
    'accumulated': (LEARNED, WeightResolution(2, 1.0, 'accumulated')),
    'hard': (LEARNED, WeightRange(0.6, -0.2)),
    'narrower': (LIMITED, WeightRange(0.7)),
    'soft': (LEARNED, WeightRange(1.1, -1.4, soft=True)),
    'noisy': (GATED, UpdateNoise(0.3, 0.5)),
}


def parallel(name, kinds, replicas=1, imperfections=None, seed=SEED):
    """Inputs, cells whose errors do not depend on them, and projections of several kinds."""
    if imperfections is None:
        imperfections = []
        for kind in kinds:
            imperfections.append(KINDS[kind][1])
            imperfections[-1].on = f'*_{kind}'
    substrate = Substrate(imperfections, seed=seed)
    options = dict(group=ReplicatedGroup, replicas=replicas, namespace={})
    inputs = substrate.neurons(3, 'r : 1\nphase : integer (shared)', name=f'{name}_inputs',
                               **options)
    inputs.run_regularly('phase = phase + 1\nr = sin(0.5*phase + i)', when='groups', order=STIMULUS)
    cells = substrate.neurons(2, '\n'.join(['err : 1', 'phase : integer (shared)',
                                            *(f'v_{kind} : 1' for kind in kinds)]),
                              name=f'{name}_cells', **options)
    cells.run_regularly('phase = phase + 1\nerr = cos(0.3*phase + 2*i)', when='groups',
                        order=NEURONS)
    objects = {}
    for kind in kinds:
        objects[kind] = substrate.project(
            inputs, cells, f'v_{kind}_post = w*r_pre : 1 (summed)\n{KINDS[kind][0]}',
            name=f'{name}_{kind}')
        objects[kind].matrix('w')[:] = W.T
        if kind == 'noisy':
            objects[kind].learning = 1
        if kind == 'narrower':
            objects[kind].w_max = 0.5
    substrate.settle()
    return substrate, [inputs, cells, *objects.values()]


def case(kinds, replicas=1, imperfections=None, values=None):
    def composed(name):
        substrate, objects = parallel(name, kinds, replicas, imperfections)
        if values is not None:
            give(substrate, substrate.values(values))
        return objects, STEPS*DT*ms, lambda: results(kinds, objects)
    return composed


def results(kinds, objects):
    found = {}
    for kind, projection in zip(kinds, objects[2:]):
        found[kind, 'v'] = getattr(objects[1], f'v_{kind}')[:]
        found[kind, 'w'] = projection.w[:]
    return copied(found)


# ---------------------------------------------------------------------------------------- in NumPy
def nearest(w, bits, w_max):
    """By looking for it among all levels."""
    levels = np.linspace(-w_max, w_max, 2**bits)
    return levels[np.abs(w[..., None] - levels).argmin(-1)]


def at_random(w, bits, w_max, u, w_min=None):
    """Up with a probability that grows on the way from the level below to the one above."""
    levels = np.linspace(-w_max if w_min is None else w_min, w_max, 2**bits)
    w = np.clip(w, levels[0], levels[-1])
    below = np.clip(np.searchsorted(levels, w, side='right') - 1, 0, len(levels) - 2)
    share = (w - levels[below])/(levels[below + 1] - levels[below])
    return np.where(u > 1 - share, levels[below + 1], levels[below])


def number(key, step):
    return uniform_number(key, step, np.arange(6)).reshape(3, 2)


def soft(change, w):
    middle, half = -0.15, 1.25  # of -1.4 and 1.1
    return change*np.where(change > 0, 1 - (w - middle)/half, 1 + (w - middle)/half)


class Reference:
    """What weights do in a step, and what is sent."""

    def __init__(self, values):
        self.values = values  # the keys that were drawn

    def sent(self, kind, w):
        if kind == 'held' and self.written is not None:
            return self.written
        return {'rough': lambda: nearest(w, 3, 1.0), 'cut': lambda: np.clip(w, -0.5, 0.6),
                'accumulated': lambda: nearest(w, 2, 1.0)}.get(kind, lambda: w)()

    def learned(self, kind, w, change, step):
        if KINDS[kind][0] == FIXED:
            return w
        change = change*(1 if kind == 'noisy' else 0.6)
        if kind == 'noisy':
            z = [(2*number(self.values[f'net_noisy.{name}_key'], step + 1) - 1)*np.sqrt(3)
                 for name in ('w_wander', 'w_error')]
            return w + DT*change*(1 + 0.5*z[1]) + 0.3*np.sqrt(DT)*z[0]
        if kind == 'soft':
            return np.clip(w + DT*soft(change, w), -1.4, 1.1)
        w = w + DT*change
        if kind == 'nearest' and step % 2 == 0:
            return nearest(w, 4, 1.2)
        if kind == 'stochastic':
            return at_random(w, 3, 1.0, number(self.values['net_stochastic.w_key'], step + 1))
        if kind == 'held' and step % 3 == 0:
            key = self.values['net_held.w_key']
            self.written = at_random(w, 3, 1.2, number(key, step//3 + 1), -0.6)
            return self.written
        return np.clip(w, *{'hard': (-0.2, 0.6), 'narrower': (-0.5, 0.5)}.get(kind, (-9, 9)))

    def __call__(self, kind, replicas=1):
        w, self.written = W, None
        for step in range(STEPS):
            r = np.sin(0.5*(step + 1) + np.arange(3*replicas)).reshape(replicas, 3)
            err = np.cos(0.3*(step + 1) + 2*np.arange(2*replicas)).reshape(replicas, 2)
            v = r @ self.sent(kind, w)
            w = self.learned(kind, w, np.einsum('ri,rj->ij', r, err)/replicas, step)
        return v.ravel(), w.ravel()


# ------------------------------------------------------------------------------- on every target
EVERYTHING = [WeightRange(1.0, soft=True), UpdateNoise(0.3, 0.5),
              WeightResolution(3, 1.0, 'stochastic')]
NOTHING = [WeightRange(None, soft=True), UpdateNoise(), WeightResolution(0, 1.0, 'stochastic')]
MOST = ('rough', 'nearest', 'stochastic', 'held', 'accumulated', 'soft', 'noisy')
CASES = {
    'wrong': case(tuple(KINDS)),
    'most': case(MOST),
    'none': case(('accumulated', 'rough'), imperfections=[]),
    'zero': case(('accumulated', 'rough'), imperfections=EVERYTHING, values=NOTHING),
    'one': case(('stochastic',)),
    'replicas': case(tuple(KINDS), replicas=2),
}
#: What compilers, which take long, have to compile.
COMPILED = {'numpy': set(CASES), 'cython': {'one'}, 'cpp_standalone': {'most', 'none', 'zero'}}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory, exact_cpp):
    cases = {name: CASES[name] for name in CASES if name in COMPILED[request.param]}
    return run_cases(request.param, cases, tmp_path_factory.mktemp('w'))


def of(found, kind):
    if kind not in found:
        pytest.skip('compiled for a long time, and computed by what other cases show')
    return found[kind]


def assert_learned(results, kind, expected):
    for what, value in zip('vw', expected):
        np.testing.assert_allclose(results[kind, what], value, rtol=0, atol=1e-13, err_msg=what)


@pytest.mark.parametrize('kind', KINDS)
def test_weights_are_those_of_numpy(found, kind):
    drawn = parallel('net', tuple(KINDS))[0].values()
    assert_learned(of(found, 'wrong'), kind, Reference(drawn)(kind))


@pytest.mark.parametrize('kind', MOST)
def test_most_weights_are_those_of_numpy(found, kind):
    drawn = parallel('net', MOST)[0].values()
    assert_learned(of(found, 'most'), kind, Reference(drawn)(kind))


@pytest.mark.parametrize('kind', KINDS)
def test_replicas_average_first(found, kind):
    drawn = parallel('net', tuple(KINDS), replicas=2)[0].values()
    assert_learned(of(found, 'replicas'), kind, Reference(drawn)(kind, replicas=2))


def test_one_projection(found):
    drawn = Reference(parallel('net', ('stochastic',))[0].values())
    assert_learned(of(found, 'one'), 'stochastic', drawn('stochastic'))


def test_without_strength_no_bit_changes(found):
    assert_same(of(found, 'zero'), of(found, 'none'))


# --------------------------------------------------------------------------------- on numpy alone
def run(substrate, objects, duration=2*ms):
    Network(objects).run(duration, namespace={})
    return states(substrate)


def summed(wrong, w, equations='w : 1', kind='1'):
    """The weights that a sum reads, as a matrix."""
    substrate = Substrate(wrong, seed=1)
    n = len(w)
    source, target = NeuronGroup(n, 'r : 1'), NeuronGroup(n, f'v : {kind}')
    links = substrate.project(source, target, f'v_post = w*r_pre : {kind} (summed)\n{equations}',
                              name='links', one_to_one=True)
    source.r, links.w = 1, np.asarray(w)*(1 if kind == '1' else mV)
    substrate.settle()
    Network(source, target, links).run(0.1*ms)
    return np.asarray(target.v[:]), links


GIVEN = np.array([-1.4, -0.2, 0.3, 0.9])
STILL, LEARNS = 'w : 1', 'dw/dt = 0/second : 1 (clock-driven)'


@pytest.mark.parametrize('equations', [STILL, LEARNS])
@pytest.mark.parametrize('rounding', ['nearest', 'accumulated'])
def test_imperfections_of_weights_in_their_order(equations, rounding):
    bits = WeightResolution(2, 1.5, rounding)
    v, links = summed([bits, Mismatch('w', 0.6)], GIVEN, equations)
    levels = nearest(GIVEN, 2, 1.5)
    # weights that are rounded themselves have been read before, in the first step
    are_rounded = equations == LEARNS and rounding == 'nearest'
    read, kept = (GIVEN, levels) if are_rounded else (levels, GIVEN)
    np.testing.assert_allclose(v, read*links.mismatch_w[:], rtol=1e-12)
    np.testing.assert_allclose(links.w[:], kept, rtol=1e-12)
    if not are_rounded:
        v, links = summed([Mismatch('w', 0.6), bits], GIVEN, equations)
        np.testing.assert_allclose(v, nearest(GIVEN*links.mismatch_w[:], 2, 1.5), rtol=1e-12)
        v, links = summed([WeightRange(0.5), Mismatch('w', 0.6)], GIVEN)
        np.testing.assert_allclose(v, np.clip(GIVEN, -0.5, 0.5)*links.mismatch_w[:], rtol=1e-12)


@pytest.mark.parametrize('rounding', ['nearest', 'stochastic', 'accumulated'])
@pytest.mark.parametrize('learns', [False, True])
def test_weights_with_units(rounding, learns):
    equations = 'dw/dt = 0*volt/second : volt (clock-driven)' if learns else 'w : volt'
    v, links = summed([WeightResolution(4, 15*mV, rounding)], 9.7*GIVEN, equations, 'volt')
    read = links.w[:]/mV if learns and rounding != 'accumulated' else 1000*v
    expected = nearest(9.7*GIVEN, 4, 15)
    assert abs(read - expected).max() < (2.1 if rounding == 'stochastic' and learns else 1e-9)
    np.testing.assert_allclose(read % 2, 1, atol=1e-9)


@pytest.mark.parametrize('bits', [1, 8, 31, 32])
def test_levels_of_weights_beyond_the_range(bits):
    given = [-1e10, -1.2, 1.2, 1e10]
    v, _ = summed([WeightResolution(bits, 1)], given)
    np.testing.assert_allclose(v, [-1, -1, 1, 1], rtol=1e-9)
    _, links = summed([WeightResolution(bits, 1, 'stochastic')], given, LEARNS)
    np.testing.assert_allclose(links.w[:], [-1, -1, 1, 1], rtol=1e-9)


def test_rounding_in_single_precision_does_not_lead_beyond_the_range():
    """What the code makes of the largest weight and the largest random number, for many steps."""
    weights = NeuronGroup(1, 'r : 1\nv : 1')
    for bits in range(1, 12):
        for w_max in (0.3, 0.5, 1.7):
            substrate = Substrate([WeightResolution(bits, w_max, 'stochastic')])
            links = substrate.project(weights, weights, f'v_post = w*r_pre : 1 (summed)\n{LEARNS}',
                                      name='links')
            rounding, = (x for x in links.contained_objects if x.name == 'links_w_rounding')
            code = rounding.abstract_code.strip().splitlines()[-1].partition('=')[2].strip()
            single = {name.partition('.')[2]: np.float32(value)
                      for name, value in substrate.values().items()}
            single['w_scale'] = np.float32(1)/single['w_step']
            for w, u in ((w_max, np.nextafter(1, 0)), (-w_max, 0.0)):
                level = eval(code, {'floor': np.floor, 'clip': np.clip, 'w': np.float32(w),
                                    'uniform_number': lambda *_: u, 'w_full': 0,
                                    'w_rounding': 0, 'w_number': 0, **single})
                assert abs(level) < w_max*(1 + 1e-6)


# ------------------------------------------------------------------------- levels and their limits
def grid(resolution, dtype=np.float64):
    """All levels, as the code makes them of their numbers, in the type of the weights."""
    step, shift, first, last = map(dtype, resolution._grid(dtype))
    return (np.arange(first, last + 1, dtype=dtype) + shift)*step


@settings(max_examples=200)
@given(bits=st.integers(1, 12), w_max=st.floats(1e-3, 1e3), low=st.floats(-1.5, 0.99),
       kind=st.sampled_from(['symmetric', 'zero', 'from']),
       dtype=st.sampled_from([np.float32, np.float64]))
def test_levels_are_within_their_range_at_equal_distances(bits, w_max, low, kind, dtype):
    if kind == 'zero' and bits > 1:
        resolution, low, n = WeightResolution(bits, w_max, zero=True), -w_max, 2**bits - 1
    elif kind == 'from' and low != -1:
        low = low*w_max
        resolution, n = WeightResolution(bits, w_max, w_min=low), 2**bits
    else:
        resolution, low, n = WeightResolution(bits, w_max), -w_max, 2**bits
    levels = grid(resolution, dtype)
    assert len(levels) == n and dtype(low) <= levels[0] and levels[-1] <= dtype(w_max)
    near = 30*np.finfo(dtype).eps*max(abs(low), w_max)
    np.testing.assert_allclose(levels, np.linspace(low, w_max, n), rtol=0, atol=near)
    if kind == 'zero' and bits > 1:
        assert levels[n//2] == 0


RANGES = {'symmetric': {}, 'positive': dict(w_min=0), 'zero': dict(zero=True),
          'asymmetric': dict(w_min=-0.3), 'negative': dict(w_min=-2)}


@pytest.mark.parametrize('kind', RANGES)
@pytest.mark.parametrize('equations, rounding', [
    ('w : 1', 'nearest'), (LEARNS, 'nearest'), (LEARNS, 'stochastic'), (LEARNS, 'accumulated')])
@pytest.mark.parametrize('dtype', [np.float64, np.float32])
def test_every_weight_becomes_a_level_of_its_range(kind, equations, rounding, dtype, request):
    request.addfinalizer(lambda: setattr(prefs.core, 'default_float_dtype', np.float64))
    prefs.core.default_float_dtype = dtype
    resolution = WeightResolution(3, 0.7, rounding, **RANGES[kind])
    given = np.linspace(-3, 3, 50)
    v, links = summed([resolution], given, equations)
    found = links.w[:] if equations == LEARNS and rounding != 'accumulated' else v
    levels = grid(resolution, dtype)
    assert levels[0] <= found.min() and found.max() <= levels[-1]
    distance = np.abs(found[:, None] - levels)
    assert distance.min(1).max() < 1e-6
    if rounding != 'stochastic':
        best = np.abs(np.clip(given, levels[0], levels[-1])[:, None] - levels).min(1)
        np.testing.assert_allclose(np.abs(found - np.clip(given, levels[0], levels[-1])), best,
                                   rtol=0, atol=1e-6)
    if kind in ('positive', 'zero') and rounding != 'stochastic':
        assert 0 in found  # exactly


@pytest.mark.parametrize('equations, rounding', [
    ('w : 1', 'nearest'), (LEARNS, 'nearest'), (LEARNS, 'stochastic'), (LEARNS, 'accumulated')])
@pytest.mark.parametrize('order', [1, -1])
def test_levels_within_the_limits_of_weights(equations, rounding, order):
    """Of levels at odd multiples of 1/15 the least that is not negative is 1/15."""
    wrong = [WeightRange(0.9, 0), WeightResolution(4, 1, rounding)][::order]
    v, links = summed(wrong, np.linspace(-2, 2, 90), equations)
    found = links.w[:] if equations == LEARNS and rounding != 'accumulated' else v
    if equations == LEARNS or order == 1:
        np.testing.assert_allclose(np.unique(found.round(9)), np.arange(1, 14, 2)/15, atol=1e-9)
    else:  # the limits come last
        assert 0 < found.min() and found.max() <= 0.9


def test_levels_within_the_limits_of_the_rule():
    limited = LEARNS + '\nw_max = 0.5 : 1 (shared)\nw_min = -w_max : 1 (shared)'
    _, links = summed([WeightResolution(3, 1)], np.linspace(-2, 2, 50), limited)
    np.testing.assert_allclose(np.unique(links.w[:].round(9)), [-3/7, -1/7, 1/7, 3/7], atol=1e-9)


# ------------------------------------------------------------------------- when a device is written
def test_an_interval_is_how_often_the_device_is_written():
    """Sums read what was written last, while updates gather; writing rounds their sum."""
    rate, steps, every = 0.5, 17, 5
    for rounding in ('nearest', 'stochastic'):
        substrate = Substrate([WeightResolution(4, 1.5, rounding, interval=every*DT*ms)], seed=4)
        source, target = NeuronGroup(1, 'r : 1'), NeuronGroup(1, 'v : 1')
        link = substrate.project(source, target, f'v_post = w*r_pre : 1 (summed)\n'
                                 f'dw/dt = {rate}*(1 + 0*r_pre)/ms : 1 (clock-driven)', name='link')
        source.r, link.w = 1, -0.33
        substrate.settle()
        seen = StateMonitor(target, 'v', record=True, when='end')
        Network(source, target, link, seen).run(steps*DT*ms)
        w, written, read = np.array([-0.33]), None, []
        for step in range(steps):
            read.append((w if written is None else written)[0])
            w = w + DT*rate
            if step % every == 0:
                u = uniform_number(int(link.w_key[:][()]), step//every + 1, np.zeros(1, int)) \
                    if rounding == 'stochastic' else None
                w = written = (nearest(w, 4, 1.5) if u is None else at_random(w, 4, 1.5, u))
        np.testing.assert_allclose(seen.v[0], read, rtol=0, atol=1e-12)
        np.testing.assert_allclose(link.w[:], w, rtol=0, atol=1e-12)
        assert 2 < len(set(seen.v[0].round(9))) <= 1 + -(-(steps - 1)//every)


def test_full_resolution_at_intervals_changes_no_bit():
    found = []
    for wrong in ([], [WeightResolution(4, 1.5, 'stochastic', interval=0.5*ms)]):
        substrate, objects = compose('layered', 'net', wrong)
        if wrong:
            give(substrate, substrate.values([WeightResolution(0, 1.5, 'stochastic',
                                                               interval=0.5*ms)]))
        found.append(run(substrate, objects))
    assert_same(found[1], found[0])


BY_EVENTS = 'dw/dt = -w/(1e12*second) : 1 (event-driven)'


@pytest.mark.parametrize('wrong, name', [(Dead(0.5, variables='w'), 'conducts'),
                                         (Stuck(0.5, variable='w'), 'works_w')])
def test_events_that_know_of_faults(wrong, name):
    objects = spiking(wrong, BY_EVENTS, f'w += {name}*0.05', n=10)
    Network(objects).run(1*ms)
    works = getattr(objects[2], name)[:]
    assert works.sum() == 5
    np.testing.assert_allclose(objects[2].w[:], 0.3 + 0.1*works, rtol=1e-9)


def spiking(resolution, equations, on_pre='w += 0.05', n=2000, **options):
    """Spikes of one source, at 0.2 and 0.5 ms, that add to the weights of n synapses."""
    substrate = Substrate([resolution], seed=2)
    source = SpikeGeneratorGroup(1, [0, 0], [0.2, 0.5]*ms)
    target = NeuronGroup(n, 'v : 1')
    links = substrate.project(source, target, equations, name='links', synapses=Synapses,
                              on_pre=on_pre, **options)
    links.w = 0.3
    substrate.settle()
    return source, target, links


@pytest.mark.parametrize('equations', [BY_EVENTS, LEARNS])
def test_weights_that_events_change_are_rounded_after_them(equations):
    """With levels 0.1 apart: nearest loses updates of 0.04, stochastic is right on average."""
    for rounding, mean, few in (('nearest', 0.3, [0.3]), ('stochastic', 0.38, [0.3, 0.4, 0.5])):
        objects = spiking(WeightResolution(3, 0.7, rounding, w_min=0), equations, 'w += 0.04')
        Network(objects).run(1*ms)
        w = objects[2].w[:]
        np.testing.assert_allclose(np.unique(w.round(9)), few, atol=1e-9)
        assert abs(w.mean() - mean) < 5*0.07/np.sqrt(len(w))


def test_all_events_of_a_step_are_one_update():
    objects = spiking(WeightResolution(3, 0.7, w_min=0), BY_EVENTS,
                      {'one': 'w += 0.04', 'two': 'w += 0.04'}, n=3)
    Network(objects).run(0.4*ms)
    np.testing.assert_allclose(objects[2].w[:], 0.4, rtol=1e-12)


def test_events_that_change_accumulated_weights():
    objects = spiking(WeightResolution(3, 0.7, 'accumulated', w_min=0),
                      'w : 1\nv_post = w : 1 (summed)', 'w += 0.04', n=3)
    Network(objects).run(1*ms)
    np.testing.assert_allclose(objects[2].w[:], 0.38, rtol=1e-12)
    np.testing.assert_allclose(objects[1].v[:], 0.4, rtol=1e-12)


def regular(rounding):
    substrate = Substrate([WeightResolution(3, 1, rounding)])
    cells = NeuronGroup(2, 'r : 1\nv : 1')
    links = substrate.project(cells, cells, 'v_post = w*r_pre : 1 (summed)\nw : 1', name='links')
    substrate.settle()
    links.run_regularly('w = w + 0.1')
    try:
        Network(cells, links).run(0.1*ms)
    except BrianObjectException as error:
        raise error.__cause__


def test_weights_that_accumulate_may_be_changed_regularly():
    regular('accumulated')


def all_wrong(strength=1, rounding='stochastic'):
    return [WeightRange(1.5 if strength else None, soft=True),
            UpdateNoise(0.2*strength, 0.3*strength),
            WeightResolution(4*bool(strength), 1.5, rounding)]


@pytest.mark.parametrize('circuit, rounding', [
    ('microcircuit', 'nearest'), ('layered', 'stochastic'), ('gle', 'accumulated')])
def test_models_without_strength_are_perfect(circuit, rounding):
    perfect = run(*compose(circuit, 'net'))
    substrate, objects = compose(circuit, 'net', all_wrong(rounding=rounding))
    give(substrate, substrate.values(all_wrong(0, rounding)))
    assert_same(run(substrate, objects), perfect)


@pytest.mark.parametrize('circuit', CIRCUITS)
def test_absent_imperfections_leave_no_trace(circuit):
    texts = [[str(site.object.equations) for site in compose(circuit, 'net', wrong)[0].sites]
             for wrong in ((), all_wrong(0))]
    assert texts[0] == texts[1]


def test_values_are_those_of_a_circuit_composed_with_them():
    substrate, objects = compose('layered', 'net', all_wrong())
    other = [WeightRange(0.8, -0.3, soft=True), UpdateNoise(0.1, 0.6),
             WeightResolution(2, 0.7, 'stochastic')]
    give(substrate, substrate.values(other, seed=9))
    assert_same(run(substrate, objects), run(*compose('layered', 'net', other, seed=9)))


def test_names_do_not_matter():
    one, other = (run(*compose('layered', name, all_wrong()), 1*ms) for name in ('a', 'zz'))
    assert_same(other, one)


def test_pieces_of_a_run_are_the_run():
    program = build_program(lambda: Network(parallel('net', tuple(KINDS))[1]), 'numpy')
    whole, first = program({}, 10), program({}, 6)  # a multiple of all intervals
    assert_same(program({key: first[key] for key in program.state_names}, 4), whole)


def test_what_is_closed_does_not_walk():
    substrate, objects = parallel('net', ('noisy',))
    objects[2].learning = 0
    run(substrate, objects)
    np.testing.assert_array_equal(objects[2].w, W.ravel())


def test_biases_only_where_they_are_named():
    def bias(*imperfections):
        substrate = Substrate(imperfections)
        cells = substrate.neurons(2, 'b : 1', name='cells')
        shared = substrate.shared_parameters(cells, 'b_post = bias : 1 (summed)\nbias : 1 '
                                                    '(constant)',
                                      name='bias', shared=SharedParameters)
        shared.bias = [0.9, 0.1]
        substrate.settle()
        Network(cells, shared).run(0.1*ms)
        return cells.b[:]
    np.testing.assert_allclose(bias(WeightResolution(2, 1.5, variable='bias')), [0.5, 0.5])
    np.testing.assert_allclose(bias(WeightRange(0.4, variable='bias')), [0.4, 0.1])
    with pytest.raises(ValueError, match='concerns none'):
        bias(WeightResolution(2, 1.5))


@pytest.mark.parametrize('make, error, message', [
    (lambda: WeightResolution(2.5, 1), ValueError, 'whole number from 0 to 32'),
    (lambda: WeightResolution(-1, 1), ValueError, 'whole number from 0 to 32'),
    (lambda: WeightResolution(33, 1), ValueError, 'whole number from 0 to 32'),
    (lambda: WeightResolution(np.nan, 1), ValueError, 'whole number from 0 to 32'),
    (lambda: WeightResolution('four', 1), ValueError, 'whole number from 0 to 32'),
    (lambda: WeightResolution(True, 1), ValueError, 'whole number from 0 to 32'),
    (lambda: WeightResolution(4, 0), ValueError, 'finite and positive'),
    (lambda: WeightResolution(4, np.inf), ValueError, 'finite and positive'),
    (lambda: WeightResolution(4, 1, 'stochastik'), ValueError, "did you mean 'stochastic'"),
    (lambda: WeightResolution(4, 1, interval=1), DimensionMismatchError, 'not a time'),
    (lambda: WeightResolution(4, 1, interval=0*ms), ValueError, 'finite and positive'),
    (lambda: WeightResolution(4, 1, 'accumulated', interval=1*ms), ValueError, 'leave out'),
    (lambda: WeightResolution(4, 1, w_min=1), ValueError, 'w_min=1 and w_max=1.*the smaller'),
    (lambda: WeightResolution(4, 1, w_min=-np.inf), ValueError, 'give finite ones'),
    (lambda: WeightResolution(4, 1, w_min=-1*mV), ValueError, 'give both in the same unit'),
    (lambda: WeightResolution(1, 1, zero=True), ValueError, 'two bits or more'),
    (lambda: WeightResolution(4, 1, w_min=0, zero=True), ValueError, 'is a level anyway'),
    (lambda: WeightResolution(4, 1, zero=1), ValueError, 'zero .* is 1; give True or False'),
    (lambda: WeightResolution(4, [1, 2]), ValueError, 'w_max .* is .1, 2.; give one value'),
    (lambda: WeightResolution(4, 1, interval=[1, 2]*ms), ValueError, 'give one value'),
    (lambda: WeightResolution(4, 1, variable=None), ValueError, 'give the name of a variable'),
    (lambda: summed([WeightResolution(1, 1), WeightRange(0.5, 0)], GIVEN), ValueError,
     "no level of WeightResolution.* is within the limits of 'w' of 'links'"),
    (lambda: spiking(WeightResolution(3, 1), 'w : 1'), ValueError,
     "'w' of 'links' is changed by 'w \\+= 0.05', after which .* cannot round it.*clock-driven"),
    (lambda: regular('nearest'), ValueError, "'w' of 'links' is changed by 'w = w"),
    (lambda: regular('stochastic'), ValueError, "rounding='accumulated'"),
    (lambda: spiking(WeightRange(1), BY_EVENTS), ValueError, 'acts in every time step'),
    (lambda: spiking(UpdateNoise(1), BY_EVENTS), ValueError, 'but .w. changes when events come'),
    (lambda: spiking(Stuck(0.5, variable='w'), BY_EVENTS), ValueError,
     "changes 'w' where it is stuck as well; multiply .* 'works_w'"),
    (lambda: spiking(Dead(0.5, variables='w'), BY_EVENTS), ValueError,
     "changes 'w' for dead synapses as well; multiply .* 'conducts'"),
    (lambda: spiking(Dead(0.5, variables='w'), BY_EVENTS, 'v_post += 1'), ValueError,
     "changes 'v_post' for dead synapses"),
    (lambda: WeightRange([1, 2]), ValueError, 'give one value'),
    (lambda: WeightRange('1'), ValueError, 'give one value'),
    (lambda: WeightRange(1, 0*mV), ValueError, 'in the same unit'),
    (lambda: WeightRange(1, soft='no'), ValueError, "soft .* is 'no'"),
    (lambda: WeightRange(1, on=None), ValueError, 'on is None'),
    (lambda: UpdateNoise([1, 2]), ValueError, 'give one value'),
    (lambda: UpdateNoise(1, relative=1*mV), DimensionMismatchError, 'not a number'),
    (lambda: WeightRange(-1), ValueError, 'finite and positive'),
    (lambda: WeightRange(1, 2), ValueError, 'the smaller as w_min'),
    (lambda: WeightRange(1, -np.inf), ValueError, 'give finite ones'),
    (lambda: WeightRange(None, 1), ValueError, 'give both'),
    (lambda: UpdateNoise(-1), ValueError, 'not negative'),
    (lambda: UpdateNoise(0, -1), ValueError, 'not negative'),
    (lambda: parallel('net', ('rough',), imperfections=[WeightResolution(4, 1*mV)]),
     DimensionMismatchError, "other units than 'w'"),
    (lambda: parallel('net', ('rough',), imperfections=[WeightRange(1*mV)]),
     DimensionMismatchError, "other units than 'w'"),
    (lambda: parallel('net', ('noisy',), imperfections=[UpdateNoise(1*mV)]),
     DimensionMismatchError, "other units than 'w'"),
    (lambda: parallel('net', ('rough',), imperfections=[UpdateNoise(1)]), ValueError,
     'concerns none'),
    (lambda: parallel('net', ('soft',), imperfections=[WeightRange(1), WeightRange(2)]),
     ValueError, 'once for each variable'),
    (lambda: parallel('net', ('noisy',), imperfections=[UpdateNoise(1)])[0].values(
        [UpdateNoise(1, 0.5)]), ValueError, 'compose it with some'),
])
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make()
