"""To go on from where a run ended is the same, bit for bit, as not to have stopped."""

import pickle

import numpy as np
import pytest
from brian2 import (EventMonitor, Function, Hz, Network, NeuronGroup, PoissonGroup, PoissonInput,
                    PopulationRateMonitor, SpikeGeneratorGroup, SpikeMonitor, StateMonitor,
                    Synapses, TimedArray, check_units, defaultclock, ms, network_operation, prefs,
                    seed, set_device)

from brian_le.programs import build_program
from brian_le.programs.program import RuntimeProgram

RATE = 400*Hz  # a global name in equations


def compose():
    """Random numbers, delays of both pathways, several clocks, tables, and all monitors."""
    defaultclock.dt = 0.1*ms
    seed(3)
    P = PoissonGroup(20, 'RATE/2', name='P')
    table = TimedArray(np.arange(40.)/40, dt=1*ms, name='table')
    G = NeuronGroup(10, '''dv/dt = (1.5*drive(t) - v)/tau + 0.3*xi*tau**-0.5 : 1 (unless refractory)
                           tau : second
                           slow : 1''', threshold='v > 0.8', reset='v = 0', refractory=2*ms,
                    method='euler', name='G', namespace={'drive': table}, events={'up': 'v > 0.7'})
    G.tau = '8*ms + 4*ms*rand()'
    G.run_regularly('slow += rand()', dt=0.7*ms, name='slowly')
    S = Synapses(P, G, '''w : 1
                          dplus/dt = -plus/(5*ms) : 1 (event-driven)
                          dminus/dt = -minus/(5*ms) : 1 (event-driven)''',
                 on_pre='v_post += w*rand(); plus += 0.1; w = clip(w + minus, 0, 1)',
                 on_post='minus -= 0.05; w = clip(w + plus, 0, 1)', name='S')
    S.connect(p=0.5)
    S.w = '0.2*rand()'
    S.delay = '0.1*ms + 3*ms*rand()'
    S.post.delay = '1*ms*rand()'
    R = Synapses(G, G, on_pre='v_post -= 0.1', delay=5*ms, name='R')
    R.connect('i != j', p=0.3)
    return Network(P, G, S, R, PoissonInput(G, 'v', 20, 5*Hz, 0.1), SpikeMonitor(G, name='spikes'),
                   StateMonitor(G, ['v', 'slow'], record=[0, 3], name='trace', dt=0.3*ms),
                   PopulationRateMonitor(G, name='rate'), EventMonitor(G, 'up', 'v', name='ups'),
                   *without_chance())


def without_chance():
    """What is the same on all devices."""
    K = SpikeGeneratorGroup(3, [0, 1, 2, 0], [1, 7, 12, 19]*ms, name='K', period=25*ms)
    D = NeuronGroup(2, 'dv/dt = -v/(5*ms) : 1', threshold='v > 1', reset='v = 0.1', name='D',
                    method='euler', refractory='3*ms')
    T = Synapses(K, D, 'w : 1', on_pre='v_post += w', name='T')
    T.connect()
    T.w, T.delay = '0.6 + 0.3*i + 0.2*j', '1.5*ms + i*0.7*ms + j*ms'
    return K, D, T, SpikeMonitor(D, name='spikes_D'), StateMonitor(D, 'v', record=True,
                                                                   name='trace_D')


@pytest.fixture(scope='module', params=[
    'numpy', pytest.param('cython', marks=pytest.mark.slow), 'cpp_standalone'])
def program(request):
    return build_program(compose, request.param)


@pytest.fixture(scope='module')
def whole(program):
    end = program({}, 20*ms)
    assert min(len(end[key]) for key in ('spikes.t', 'ups.v', 'spikes_D.t')) > 3
    return end


@pytest.fixture(scope='module')
def half(program):
    return program({}, 10*ms)


def same(found, expected):
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


def stock(n=None):
    """The same network as Brian2 runs it by itself."""
    set_device('runtime')
    prefs.codegen.target = 'numpy'
    network = compose()
    if n is not None:
        seed(n)
    network.run(20*ms)
    return network


def agrees(found, network, objects, **tolerance):
    """Whether variables are those of a network of Brian2's."""
    names = {'G': 'v tau slow', 'S': 'w plus minus', 'spikes': 'i t', 'trace': 'v slow t',
             'ups': 'v t', 'rate': 'rate t', 'D': 'v', 'spikes_D': 'i t', 'trace_D': 'v t'}
    for obj in objects.split():
        for name in names[obj].split():
            np.testing.assert_allclose(found[f'{obj}.{name}'], np.asarray(
                getattr(network[obj], name)), **tolerance, err_msg=f'{obj}.{name}')


def test_is_what_brian2_does(program, whole):
    network = stock()
    agrees(whole, network, 'D spikes_D trace_D', rtol=1e-12)
    if isinstance(program, RuntimeProgram) and program.target == 'numpy':
        agrees(whole, network, 'G S spikes trace ups rate', rtol=0)


def test_two_halves_are_a_whole(program, whole, half):
    same(program({}, 10*ms, state=half), whole)


def test_so_are_other_pieces_between_which_it_was_stored(program, whole):
    end = program({}, 7.77*ms)  # no whole number of steps
    for piece in (3, 50, 12.23*ms - 5.3*ms):
        end = program({}, piece, state=pickle.loads(pickle.dumps(end)))
    assert end.t == pytest.approx(20e-3, rel=1e-15)
    same(end, whole)


def test_as_often_as_wanted_and_without_a_trace(program, whole, half):
    for _ in range(2):
        same(program({}, 10*ms, state=half), whole)
        same(program({}, 20*ms), whole)


def test_values_that_were_given_stay_and_others_come_on_top(program):
    given = {'table.values': np.ones(40), 'G.tau': 9*ms}
    delays = {'T.delay': 4*ms} if 'T.delay' in program.state_names else {}  # not in all of Brian2's
    given |= {'S.delay': 1*ms} if delays else {}
    end = program(given, 10*ms)
    same(program({}, 10*ms, state=end), program(given, 20*ms))
    other = program({'G.tau': 4*ms, 'table.values': np.zeros(40)} | delays, 10*ms, state=end)
    assert all((other[key] == 4e-3).all() for key in ('G.tau', *delays))
    unchanged = program(given, 20*ms)['trace.v']
    np.testing.assert_array_equal(other['trace.v'][:, :34], unchanged[:, :34])
    assert (other['trace.v'][:, 40:] != unchanged[:, 40:]).mean() > 0.5


def test_values_of_an_end_begin_anew(program, half):
    """They are the variables alone: time, spikes on their way and recordings are not there."""
    end = program({key: half[key] for key in program.state_names}, 10*ms)
    assert end['trace.t'][0] == 0 and len(end['trace.t']) == 34


def test_seeds(program, whole, half):
    one, two, again = (program({}, 20*ms, seed=n) for n in (1, 2, 1))
    same(again, one)
    assert not np.isin(one['G.slow'], two['G.slow']).any()
    np.testing.assert_array_equal(one['G.tau'], whole['G.tau'])  # from before
    if isinstance(program, RuntimeProgram) and program.target == 'numpy':
        agrees(one, stock(1), 'G S spikes trace ups rate', rtol=0)
    then = program({}, 10*ms, state=half, seed=1)
    same(program({}, 10*ms, state=half, seed=1), then)
    assert not np.isin(then['G.slow'], whole['G.slow']).any()


@pytest.mark.parametrize('state, message', [
    ({'G.v': 1}, "state is {'G.v': 1}; give what a call of the program returned"),
    ('half', "state is 'half'")])
def test_what_is_no_state(program, state, message):
    with pytest.raises(ValueError, match=message):
        program({}, 1*ms, state=state)


def test_states_of_another_program(program, half):
    other = build_program(lambda: Network(NeuronGroup(1, 'v : 1', name='G')), 'numpy')
    for name, mine, its in [('other', program, other({}, 0)), ('half', other, half)]:
        with pytest.raises(ValueError, match='the state is that of a program of another '
                                             '(device|network)'):
            mine({}, 1*ms, state=its)


@pytest.mark.parametrize('n', [-1, 2**31, 1.5, True, 'a'])
def test_what_is_no_seed(program, n):
    with pytest.raises(ValueError, match='give a whole number from 0 to 2147483647'):
        program({}, 1*ms, seed=n)


def with_python():
    @network_operation(name='look')
    def look():
        pass
    return Network(NeuronGroup(1, 'v : 1', name='G'), look)


def with_memory():
    @check_units(result=1)
    def counted():
        return 1.0
    G = NeuronGroup(1, 'v : 1', name='G', namespace={'counted': Function(
        counted, arg_units=[], return_unit=1, stateless=False)})
    G.run_regularly('v = counted()', name='counting')
    return Network(G)


def with_early_reader():
    G = NeuronGroup(1, 'v : 1', threshold='v > 0', name='G')
    return Network(G, SpikeMonitor(G, when='start', name='early'))


@pytest.mark.parametrize('make, message', [
    (with_python, "network operation 'look' is a Python function.*run_regularly"),
    (with_memory, "the function 'counted' in the code of '.*' may remember.*stateless=True"),
    (with_early_reader, "'early' looks at the events of 'G' before.*give it a later slot")])
def test_what_cannot_go_on_is_refused_before_it_runs(make, message):
    program = build_program(make, 'numpy')
    end = program({}, 1*ms)
    with pytest.raises(ValueError, match=f'cannot go on exactly where it ended: .*{message}'):
        program({}, 1*ms, state=end)


def test_a_network_that_is_there_already():
    set_device('runtime')
    defaultclock.dt = 0.1*ms
    tau = 5*ms  # noqa: F841: a name in its equations
    G = NeuronGroup(2, 'dv/dt = -v/tau : 1', method='exact', name='G')
    network = Network(G)
    G.v = [1, 2]
    program = build_program(network, 'numpy')
    end = program({G.v: [3, 4]}, 2*ms)
    np.testing.assert_allclose(program({}, 3*ms, state=end)['G.v'], [3/np.e, 4/np.e])
    np.testing.assert_array_equal(G.v, [1, 2])
    assert network.t == 0*ms
    with pytest.raises(ValueError, match='made to run inside Python.*give a function that makes'):
        build_program(network)


def test_a_function_that_makes_no_network():
    with pytest.raises(ValueError, match="'lambda>?' returns 3|returns 3; return the "
                                         "brian2.Network"):
        build_program(lambda: 3, 'numpy')
