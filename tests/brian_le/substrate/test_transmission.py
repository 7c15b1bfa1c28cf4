import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, NeuronGroup, StateMonitor, defaultclock,
                    get_device, mV, ms)
from brian2.core.base import BrianObjectException

from brian_le import ReplicatedGroup, fixed_weights
from brian_le.models import Conv, Dense, Flatten, LayeredNetwork, MaxPool, initial_weights
from brian_le.programs.program import build_program
from brian_le.step import NEURONS, STIMULUS
from brian_le.substrate import Delay, LowPass, Noise, Substrate
from tests.brian_le.substrate.circuits import CIRCUITS, assert_same, compose, give, states
from tests.running import CODE_TARGETS, copied, run_cases

STEPS, DT = 20, 0.1
W = np.array([[0.5, -1.0], [0.3, 0.8], [-0.7, 0.2]])  # [pre, post]
V = np.array([[0.1, -0.4], [0.9, 0.3]])


# ------------------------------------------------------------------ a chain, and itself in NumPy
def chain(name, imperfections, replicas=2):
    """Inputs, and cells that excite themselves; both projections learn, one sends errors back."""
    substrate = Substrate(imperfections, seed=4)
    options = dict(group=ReplicatedGroup, replicas=replicas, namespace={})
    inputs = substrate.neurons(3, '''r : 1
                                     r_sent = r : 1
                                     v_err : 1
                                     phase : integer (shared)''', name=f'{name}_inputs', **options)
    inputs.run_regularly('phase = phase + 1\nr = sin(phase/2.0 + i)', when='groups',
                         order=STIMULUS)
    cells = substrate.neurons(2, '''dv/dt = (v_in + v_rec - v)/(2*ms) : 1
                                    v_in : 1
                                    v_rec : 1
                                    r : 1
                                    r_now = tanh(v) : 1
                                    err : 1
                                    err_now = 0.5 - tanh(v) : 1''', name=f'{name}_cells',
                              method='prospective_euler', **options)
    up = substrate.project(inputs, cells, '''v_in_post = w*r_pre : 1 (summed)
                                             v_err_pre = w*err_post : 1 (summed)
                                             dw/dt = err_post*r_sent_pre/ms : 1 (clock-driven)''',
                           name=f'{name}_up')
    again = substrate.project(cells, cells, '''sent = w*r_pre : 1
                                               v_rec_post = sent : 1 (summed)
                                               product = r_post*r_pre : 1
                                               dw/dt = (product - w)/(2*ms) : 1 (clock-driven)''',
                              name=f'{name}_again')
    up.matrix('w')[:], again.matrix('w')[:] = W.T, V.T
    substrate.settle()
    return substrate, [inputs, cells, up, again]


def case(*imperfections, replicas=2, values=None):
    def composed(name):
        substrate, objects = chain(name, imperfections, replicas)
        if values is not None:
            give(substrate, substrate.values(values))
        return objects, STEPS*DT*ms, lambda: results(objects)
    return composed


def results(objects):
    inputs, cells, up, again = objects
    return copied({'r': cells.r[:], 'v_err': inputs.v_err[:], 'up': up.w[:], 'again': again.w[:]})


class Late:
    def __init__(self, steps):
        self.steps, self.past = steps, []

    def __call__(self, x):
        """x of some steps ago, for every element its own."""
        self.past.append(np.array(x))
        now = len(self.past) - 1 - np.broadcast_to(self.steps, x.shape)
        found = np.take_along_axis(np.array(self.past), np.maximum(now, 0)[None], 0)[0]
        return np.where(now >= 0, found, 0)


class Slow:
    def __init__(self, tau):
        self.memory, self.y = 1 - DT/tau, 0

    def __call__(self, x):
        self.y = x + self.memory*(self.y - x)
        return self.y


def line(*kinds):
    """What comes after what, with a memory of its own; x is of shape [..., pre, post]."""
    elements = [kind(value) for kind, value in kinds]

    def through(x):
        for element in elements:
            x = element(x)
        return x
    return through


def reference(up=(), again=(), replicas=2):
    """The chain in NumPy; what synapses read is an array [replica, pre, post]."""
    read, back, read_again, learn_again = (line(*kinds) for kinds in (up, up, again, again))
    w, u = W.copy(), V.copy()
    v, r, err = np.zeros((3, replicas, 2))
    index = np.arange(3*replicas).reshape(replicas, 3)
    for step in range(STEPS):
        r_in = np.sin((step + 1)/2 + index)
        x = read(np.broadcast_to(r_in[:, :, None], (replicas, 3, 2)))
        e = back(np.broadcast_to(err[:, None, :], (replicas, 3, 2)))
        y = read_again(np.broadcast_to(r[:, :, None], (replicas, 2, 2)))
        v_err = (w*e).sum(2)
        v = v + DT/2*((w*x).sum(1) + (u*y).sum(1) - v)
        r, err = np.tanh(v), 0.5 - np.tanh(v)
        w = w + DT*(err[:, None, :]*x).mean(0)
        z = learn_again(np.broadcast_to(r[:, :, None], (replicas, 2, 2)))
        u = u + DT/2*((r[:, None, :]*z).mean(0) - u)
    return {'r': r.ravel(), 'v_err': v_err.ravel(), 'up': w.ravel(), 'again': u.ravel()}


def drawn(substrate):
    """The delays that the connections of projections have been given, [pre, post]."""
    return [np.array(site.object.delay_steps).reshape(-1, 2) for site in substrate.sites
            if site.is_projection]


LINES = {
    'delay': (Delay(0.3*ms),),
    'roomy': (Delay(0.3*ms, longest=1.52*ms),),
    'filter': (LowPass(0.5*ms, on='*'),),
    'late_filter': (Delay(0.3*ms, on='*_up'), LowPass(0.5*ms)),
    'filter_late': (LowPass(0.5*ms, on='*_up'), Delay(0.3*ms)),
}
EXPECTED = {
    'delay': [((Late, 3),)]*2,
    'roomy': [((Late, 3),)]*2,
    'filter': [((Slow, 0.5),)]*2,
    'late_filter': [((Late, 3), (Slow, 0.5)), ((Slow, 0.5),)],
    'filter_late': [((Slow, 0.5), (Late, 3)), ((Late, 3),)],
}
WRONG = [LowPass(0.4*ms), Delay(0.2*ms, longest=0.5*ms)]
RIGHT = [LowPass(0*ms), Delay(0*ms, longest=0.3*ms)]
EACH = Delay((0*ms, 0.6*ms), per='connection')


def served(name):
    """Launched again with other delays and another filter, where it has been compiled."""
    substrate, objects = chain(name, [LowPass(1*ms, on='*_up'), Delay(0.1*ms, longest=1*ms)], 1)

    def read():
        first = results(objects)
        if get_device().__class__.__name__ == 'CPPStandaloneDevice':
            values = substrate.values([LowPass(0.5*ms, on='*_up'), Delay(0.3*ms)])
            sites = {site.name: site.object for site in substrate.sites}
            views = {}
            for key, value in values.items():
                projection, variable = key.split('.')
                views[getattr(sites[projection], variable)] = value
            get_device().run(run_args=views, with_output=False)
        return first, results(objects)
    return objects, STEPS*DT*ms, read


def small(*imperfections, values=None):
    """A single sum, of rates that grow; the last step begins at 0.4 ms."""
    def composed(name):
        substrate = Substrate(imperfections, seed=4)
        inputs = NeuronGroup(2, 'r = t/ms + i : 1', name=f'{name}_inputs')
        cells = NeuronGroup(2, 'v : 1', name=f'{name}_cells')
        up = substrate.project(inputs, cells, fixed_weights('v'), name=f'{name}_up')
        up.matrix('w')[:] = V
        substrate.settle()
        if values is not None:
            give(substrate, substrate.values(values))
        return [inputs, cells, up], 0.5*ms, lambda: {'v': cells.v[:]}
    return composed


def timed(*imperfections, source=0.1, target=0.1, synapses=None, back=False):
    """A sum over what changes in time steps of its own, recorded in those of its reader."""
    def composed(name):
        substrate = Substrate(imperfections)
        far, near = (substrate.neurons(1, 'r : 1\nn : integer (shared)\nv : 1',
                                       name=f'{name}_{which}', dt=dt*ms)
                     for which, dt in (('far', source), ('near', target)))
        far.run_regularly('n = n + 1\nr = sin(0.3*n)', when='groups', order=NEURONS)
        ends, text = (far, near), 'v_post = w*r_pre'
        if back:
            ends, text = (near, far), 'v_pre = w*r_post'
        up = substrate.project(*ends, f'{text} : 1 (summed)\nw : 1', name=f'{name}_up',
                               **({} if synapses is None else {'dt': synapses*ms}))
        up.w = 1
        substrate.settle()
        seen = StateMonitor(near, 'v', record=True, when='end', clock=near.clock,
                            name=f'{name}_seen')
        return [far, near, up, seen], 2.8*ms, lambda: {'v': seen.v[0]}
    return composed


def seen_late(delay, source, target):
    """What the reader finds, who began to read so much later."""
    t = np.arange(round(2.8/target))*target - delay
    return np.where(t > -1e-9, np.sin(0.3*np.ceil(t/source - 1e-6)), 0)


def seen_slowly(tau, source, target):
    y, found = 0, []
    for x in seen_late(0, source, target):
        y += target/tau*(x - y)
        found.append(y)
    return np.array(found)


CASES = {
    'served': served,  # at the beginning, because the first run takes the arguments
    **{kind: case(*lines) for kind, lines in LINES.items()},
    'none': case(),
    'zero': case(*WRONG, values=RIGHT),
    'each': case(EACH, replicas=1),
    'zero_each': case(EACH, replicas=1, values=[Delay(0*ms, per='connection')]),
    'none_alone': case(replicas=1),
    'small': small(Delay(0.2*ms)),
    'small_each': small(Delay((0.1, 0.3)*ms, per='connection')),
    'small_none': small(),
    'small_zero': small(*WRONG, values=RIGHT),
    'timed_delay': timed(Delay(0.7*ms), source=0.05),
    'timed_each': timed(Delay(0.7*ms, per='connection'), source=0.07),
    'timed_filter': timed(LowPass(0.7*ms), source=0.1, target=0.05),
}
#: What compilers, which take long, have to compile.
COMPILED = {'numpy': set(CASES), 'cython': {'small'},
            'cpp_standalone': {'served', 'small_each', 'small_none', 'small_zero', 'timed_delay',
                              'timed_each', 'timed_filter'}}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory, exact_cpp):
    cases = {name: CASES[name] for name in CASES if name in COMPILED[request.param]}
    found = run_cases(request.param, cases, tmp_path_factory.mktemp('l'))
    return found | {'target': request.param}


def of(found, kind):
    if kind not in found:
        pytest.skip('compiled for a long time, and computed by what other cases show')
    return found[kind]


def assert_close(results, expected):
    for key, value in expected.items():
        np.testing.assert_allclose(results[key], value, rtol=0, atol=1e-14, err_msg=key)


@pytest.mark.parametrize('kind', LINES)
def test_lines_are_those_of_numpy(found, kind):
    assert_close(of(found, kind), reference(*EXPECTED[kind]))


def test_every_connection_has_a_delay_of_its_own(found):
    steps = drawn(chain('drawn', [EACH], 1)[0])
    assert len(np.unique(steps[0])) > 2 and np.max(steps[0]) <= 6
    assert_close(of(found, 'each'), reference(*[((Late, s),) for s in steps], replicas=1))


@pytest.mark.parametrize('circuit', ['', 'small_'])
def test_without_strength_no_bit_changes(found, circuit):
    assert_same(of(found, f'{circuit}zero'), of(found, f'{circuit}none'))


def test_connections_without_delay_differ_from_none_in_the_order_of_additions(found):
    assert_close(of(found, 'zero_each'), of(found, 'none_alone'))


def test_small_circuit(found):
    assert_close(of(found, 'small'), {'v': V @ (0.2 + np.arange(2))})


def test_connections_of_a_small_circuit(found):
    substrate = small(Delay((0.1, 0.3)*ms, per='connection'))('drawn')[0][2]
    steps = np.array(substrate.delay_steps).reshape(2, 2)
    assert len(np.unique(steps)) > 1
    r = 0.4 - DT*steps + np.arange(2)[:, None]  # [pre, post]
    assert_close(of(found, 'small_each'), {'v': (V.T*r).sum(0)})


def test_one_binary_serves_other_delays_and_filters(found):
    first, again = of(found, 'served')
    assert_close(first, reference([(Slow, 1), (Late, 1)], [(Late, 1)], replicas=1))
    if found['target'] == 'cpp_standalone':
        assert_close(again, reference([(Slow, 0.5), (Late, 3)], [(Late, 3)], replicas=1))


@pytest.mark.parametrize('kind, expected', [
    ('timed_delay', seen_late(0.7, 0.05, 0.1)), ('timed_each', seen_late(0.7, 0.07, 0.1)),
    ('timed_filter', seen_slowly(0.7, 0.1, 0.05))])
def test_groups_with_time_steps_of_their_own(found, kind, expected):
    assert_close(of(found, kind), {'v': expected})


# --------------------------------------------------------------------------------- on numpy alone
@pytest.mark.parametrize('back', [False, True])
@pytest.mark.parametrize('source, target, synapses', [
    (0.05, 0.1, None), (0.05, 0.1, 0.05), (0.1, 0.05, None), (0.07, 0.1, None), (0.1, 0.07, 0.3),
    (0.3, 0.1, 0.2), (0.05, 0.05, None)])
def test_the_time_that_was_asked_for_whatever_the_time_steps(source, target, synapses, back):
    options = dict(source=source, target=target, synapses=synapses, back=back)
    for steps in (0, 1, 7):
        delay = steps*target
        for each in ('projection', 'connection'):
            wrong = [Delay(delay*ms, per=each, longest=10*target*ms)]
            assert_close(alone(timed(*wrong, **options)), {'v': seen_late(delay, source, target)})
    assert_close(alone(timed(LowPass(0.7*ms), **options)), {'v': seen_slowly(0.7, source, target)})


def alone(case):
    objects, duration, read = case('net')
    Network(objects).run(duration, namespace={})
    return read()


def two_ways(dt_a, dt_b, learning='w : 1', **options):
    substrate = Substrate([Delay(1*ms)])
    a, b = (substrate.neurons(2, 'r : 1\nv : 1\nq : 1', name=name, dt=dt*ms)
            for name, dt in (('a', dt_a), ('b', dt_b)))
    sums = 'v_post = w*r_pre : 1 (summed)\n' + options.pop('back', '')
    substrate.project(a, b, f'{sums}\n{learning}', name='up', **options)
    substrate.settle()
    return [site.object for site in substrate.sites]


LEARNS = 'dw/dt = q_post*q_pre/ms : 1 (clock-driven)'


def test_sums_and_learning_in_the_same_time_steps():
    for options in (dict(dt_a=0.05, dt_b=0.1, learning=LEARNS),
                    dict(dt_a=0.1, dt_b=0.05, learning=LEARNS, dt=0.05*ms),
                    dict(dt_a=0.2, dt_b=0.2, back='v_pre = w*r_post : 1 (summed)')):
        up = two_ways(**options)[2]
        assert up.delay_steps == round(1/options['dt_b'])


def with_other_step(before, after):
    """The delay of a circuit whose time step changes between its creation and `settle`."""
    defaultclock.dt = before*ms
    substrate = Substrate([Delay(1*ms)])
    a, b = (substrate.neurons(2, 'r : 1\nv : 1', name=name) for name in 'ab')
    up = substrate.project(a, b, 'v_post = w*r_pre : 1 (summed)\nw : 1', name='up')
    defaultclock.dt = after*ms
    substrate.settle()
    return substrate, [a, b, up]


def test_the_time_step_may_become_longer_before_the_draws():
    substrate, (a, b, up) = with_other_step(0.1, 0.2)
    assert up.delay_steps == 5
    defaultclock.dt = 0.25*ms
    with pytest.raises(BrianObjectException) as found:
        Network(a, b, up).run(1*ms)
    assert "time step of 'up' was 0.2 ms" in str(found.value.__cause__)
    substrate.settle()
    assert up.delay_steps == 4


def run(substrate, objects, duration=2*ms):
    Network(objects).run(duration, namespace={})
    return states(substrate)


@pytest.mark.parametrize('circuit', ['microcircuit', 'gle'])
def test_models_without_strength_are_perfect(circuit):
    perfect = run(*compose(circuit, 'net'))
    substrate, objects = compose(circuit, 'net', WRONG)
    give(substrate, substrate.values(RIGHT))
    assert_same(run(substrate, objects), perfect)
    late = run(*compose(circuit, 'net', WRONG))
    assert any(np.any(late[key] != value) for key, value in perfect.items())


@pytest.mark.parametrize('circuit', CIRCUITS)
def test_absent_lines_leave_no_trace(circuit):
    texts = [[str(site.object.equations) for site in compose(circuit, 'net', wrong)[0].sites]
             for wrong in ((), [LowPass(0*ms), Delay(0*ms)])]
    assert texts[0] == texts[1]


@pytest.mark.parametrize('hidden', [
    [Dense(5), Dense(4)], [Conv(2, 3), MaxPool(2), Flatten(), Dense(2)]])
def test_a_late_first_layer_is_a_late_network(hidden):
    def rates(imperfections, duration):
        substrate = Substrate(imperfections)
        shape = (6, 6, 1) if len(hidden) > 2 else 36
        net = LayeredNetwork(shape, hidden, replicas=2, bias=False, substrate=substrate)
        net.weights.update(initial_weights(shape, hidden, np.random.default_rng(1), bias=False))
        net.inputs.r = np.random.default_rng(2).random(72)
        Network(net).run(duration)
        return np.concatenate([net.pools[1].r[:] if net.pools else net.hidden[0].r[:],
                               net.output.r[:]])
    late = rates([Delay(0.4*ms, on='*_forward0')], 1*ms)
    assert np.abs(late).min() > 1e-6
    np.testing.assert_array_equal(late, rates([], 0.6*ms))


@pytest.mark.parametrize('imperfections', [
    [LowPass(0.4*ms), Delay(0.3*ms), Noise('r', 0.1)], [EACH]])
def test_pieces_of_a_run_are_the_run(imperfections):
    def build():
        return Network(chain('net', imperfections, replicas=1)[1])
    program = build_program(build, 'numpy')
    whole = program({}, 9)
    first = program({}, 4)
    assert_same(program({key: first[key] for key in program.state_names}, 5), whole)
    assert np.any(whole['net_again.w'] != first['net_again.w'])


def test_names_do_not_matter():
    found = [results(chain(name, WRONG)[1]) for name in ('a', 'zz')]
    for name in ('a', 'zz', 'net_delayed'):
        _, objects = chain(name, WRONG)
        Network(objects).run(1*ms, namespace={})
        found.append(results(objects))
    assert_same(found[3], found[2])
    assert_same(found[4], found[2])


def test_values_are_those_of_a_circuit_composed_with_them():
    other = [LowPass(0.3*ms), Delay(0.4*ms, longest=0.5*ms)]
    substrate, objects = chain('net', WRONG)
    give(substrate, substrate.values(other))
    assert_same(run(substrate, objects), run(*chain('net', other)))
    substrate, objects = chain('net', [EACH], replicas=1)
    drawn = [substrate.values(seed=seed)['net_up.delay_steps'] for seed in (4, 4, 5)]
    np.testing.assert_array_equal(drawn[0], objects[2].delay_steps)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert np.any(drawn[2] != drawn[0])


def test_delays_with_a_spread_are_normal_and_clipped():
    substrate = Substrate([Delay(2*ms, per='connection', spread=0.5)], seed=1)
    group = NeuronGroup(40, 'r : 1\nv : 1')
    steps = substrate.project(group, group, fixed_weights('v'), name='all')
    substrate.settle()
    steps = np.array(steps.delay_steps)
    assert steps.min() == 0 and steps.max() == 50
    assert abs(steps.mean() - 20) < 0.6 and abs(steps.std() - 10) < 0.5


def test_a_part_of_a_group_sends_late():
    substrate = Substrate([Delay(0.2*ms)])
    inputs = NeuronGroup(4, 'r = sin(t/ms + i) : 1')
    cells = NeuronGroup(2, 'v : 1')
    up = substrate.project(inputs[1:3], cells, fixed_weights('v'), name='up')
    up.w = V.ravel()
    substrate.settle()
    Network(inputs, cells, up).run(0.5*ms)
    np.testing.assert_allclose(cells.v[:], np.sin(0.2 + np.array([1, 2])) @ V, rtol=1e-14)


def test_units_are_kept():
    substrate = Substrate([LowPass(0.2*ms), Delay(0.1*ms)])
    cells = NeuronGroup(2, 'u : volt\nv : volt')
    cells.u = [1, 2]*mV
    over = substrate.project(cells, cells, 'v_post = u_pre : volt (summed)', name='over',
                             one_to_one=True)
    substrate.settle()
    Network(cells, over).run(0.2*ms)
    np.testing.assert_allclose(cells.v/mV, [0.5, 1], rtol=1e-14)


# -------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize('make, error, message', [
    (lambda: Delay(-1*ms), ValueError, 'not negative'),
    (lambda: Delay(np.nan*ms), ValueError, 'finite'),
    (lambda: Delay(3), DimensionMismatchError, 'not a time'),
    (lambda: Delay(3*mV), DimensionMismatchError, 'not a time'),
    (lambda: Delay(2*ms, longest=1*ms), ValueError, 'as long'),
    (lambda: Delay(2*ms, longest=(3, 4)*ms), ValueError, 'as long'),
    (lambda: Delay(2*ms, longest=1), DimensionMismatchError, 'not a time'),
    (lambda: Delay(2*ms, per='synapse'), ValueError, "did you mean|Valid: connection"),
    (lambda: Delay(2*ms, spread=0.1), ValueError, "per='connection'"),
    (lambda: Delay((1, 2)*ms), ValueError, "per='connection'"),
    (lambda: Delay((2, 1)*ms, per='connection'), ValueError, 'the lowest and the highest'),
    (lambda: Delay((1, 2, 3)*ms, per='connection'), ValueError, 'the lowest and the highest'),
    (lambda: Delay((1, 2)*ms, per='connection', spread=0.1), ValueError, 'one of them'),
    (lambda: Delay(1*ms, per='connection', spread=-0.1), ValueError, 'not negative'),
    (lambda: LowPass(-1*ms), ValueError, 'not negative'),
    (lambda: LowPass(1), DimensionMismatchError, 'not a time'),
    (lambda: LowPass((1, 2)*ms), ValueError, 'single time'),
    (lambda: chain('net', [LowPass(0.05*ms)]), ValueError, 'at least the time step'),
    (lambda: chain('net', [Delay(1*ms, on='*hidden*')]), ValueError, 'concerns none'),
    (lambda: chain('net', [Delay(1.25*ms)]), ValueError,
     "the delay of 'net_up' is 1.25 ms, which is not a whole number of time steps of 0.1 ms; give "
     '1.2 or 1.3 ms'),
    (lambda: chain('net', [Delay(0.05*ms, per='connection')], 1), ValueError, 'give 0 or 0.1 ms'),
    (lambda: two_ways(0.1, 0.05, back='v_pre = w*r_post : 1 (summed)'), ValueError,
     "'up' reads what comes late or filtered in time steps of 0.05, 0.1 ms"),
    (lambda: two_ways(0.05, 0.05, learning=LEARNS), ValueError, 'time steps of 0.05, 0.1 ms'),
    (lambda: with_other_step(0.1, 0.05), ValueError,
     "'up' has room for delays of 0.5 ms, but they are up to 1 ms; .* and with the time step"),
    (lambda: chain('net', [Delay(1*ms), Delay(1*ms)]), ValueError, 'once'),
    (lambda: chain('net', [EACH]), ValueError, "share their weights.*per='projection'"),
    (lambda: chain('net', [EACH, LowPass(1*ms)], 1), ValueError, 'put LowPass.* before Delay'),
    (lambda: chain('net', [Delay(1*ms)])[0].values([Delay(1.2*ms)]), ValueError,
     "'net_up' has room for delays of 1 ms, but they are up to 1.2 ms"),
    (lambda: chain('net', [Delay(1*ms)], 1)[0].values([EACH]), ValueError,
     "'per' of Delay.* is 'connection', but was 'projection'"),
    (lambda: chain('net', [Delay(0*ms)])[0].values([Delay(1*ms)]), ValueError,
     'without strength when the circuit was composed'),
])
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make()
