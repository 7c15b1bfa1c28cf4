import errno
import os
import signal
import subprocess
import sys
import warnings
from functools import partial

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, EventMonitor, Network, NeuronGroup, Synapses,
                    TimedArray, all_devices, defaultclock, get_device, ms, mV, network_operation,
                    prefs, seed, set_device)

from brian_le import DenseSynapses
from brian_le.programs import builds, run_args
from brian_le.programs.cpp_project import write_project
from brian_le.programs.program import build_program

W = np.arange(6.0)


def compose(tau=5, w=W, strings=False):
    """Two groups, weights, a table, and a monitor, with their initial values."""
    defaultclock.dt = 0.1*ms
    table = TimedArray(np.zeros(4), dt=0.1*ms, name='table')
    a = NeuronGroup(3, 'dv/dt = (drive(t) - v)/tau : 1\ntau : second (shared, constant)',
                    method='euler', name='a', namespace={'drive': table},
                    events={'high': 'v > 0.5'})
    b = NeuronGroup(2, 'x : 1', name='b')
    S = Synapses(a, b, 'x_post = w*v_pre : 1 (summed)\nw : 1 (constant)', name='S')
    S.connect()
    a.tau = tau*ms
    a.v = 'i + 1.0' if strings else [1, 2, 3]
    S.w = w
    return Network(a, b, S, EventMonitor(a, 'high', variables=['v'], name='M'))


def expected(n, tau=5, w=W, drive=np.zeros(4), v=(1, 2, 3)):
    v, spikes = np.array(v, float), []
    for step in range(n):
        x = w.reshape(3, 2).T @ v
        v = v + 0.1/tau*(drive[min(step, 3)] - v)
        spikes += [each for each in v if each > 0.5]
    return v, x, np.array(spikes)


@pytest.fixture(scope='module', params=[
    'numpy', 'cpp_standalone'])
def program(request):
    return build_program(compose, request.param)


@pytest.mark.parametrize('n', [1, 7])
def test_values_steps_and_recordings(program, n):
    found = program({}, n)
    for key, value in zip(('a.v', 'b.x', 'M.v'), expected(n)):
        np.testing.assert_allclose(found[key], value, rtol=1e-14)


def test_given_values_replace_the_initial_ones(program):
    drive = np.array([1, -1, 2, 0.5])
    found = program({'a.tau': 2e-3, 'S.w': -W, 'table.values': drive, 'a.v': [0, 0, 1]}, 5)
    for key, value in zip(('a.v', 'b.x', 'M.v'),
                          expected(5, 2, -W, drive, [0, 0, 1])):
        np.testing.assert_allclose(found[key], value, rtol=1e-14)
    # and leave no trace
    np.testing.assert_allclose(program({}, 5)['a.v'], expected(5)[0], rtol=0, atol=1e-15)


def test_one_value_stands_for_all_synapses(program):
    found = program({'S.w': 0.5, 'a.v': 2}, 3)
    np.testing.assert_allclose(found['S.w'], np.full(6, 0.5), rtol=0)
    np.testing.assert_allclose(found['b.x'], expected(3, w=np.full(6, 0.5), v=[2, 2, 2])[1],
                               rtol=1e-14)


def test_a_run_continues_from_the_state_of_another(program):
    first = program({}, 3)
    state = {key: first[key] for key in program.state_names}
    assert {'a.v', 'a.tau', 'b.x', 'S.w'} <= set(state) and 'M.v' not in state
    np.testing.assert_array_equal(program(state, 4)['a.v'], program({}, 7)['a.v'])


@pytest.mark.parametrize('form', ['names', 'variables', 'units', 'lists', 'of other variables'])
def test_forms_of_values(program, form):
    set_device('runtime')
    network = compose(tau=2)
    a, S = network['a'], network['S']
    drive = np.array([1, -1, 2, 0.5])
    values = {'names': {'a.tau': 2e-3, 'S.w': -W, 'table.values': drive},
              'variables': {a.tau: 2e-3, S.w: -W, a.namespace['drive']: drive},
              'units': {'a.tau': 2*ms, S.w: -W*ms/ms, 'table.values': list(drive)},
              'lists': {a.tau: [2*ms], 'S.w': list(-W), 'table.values': [[d] for d in drive]},
              'of other variables': {a.tau: a.tau, S.w: -S.w[:], 'table.values': drive}}[form]
    for duration in (5, 5.0, 0.5*ms, np.int64(5)):
        found = program(values, duration)
        for key, value in zip(('a.v', 'b.x', 'M.v'), expected(5, 2, -W, drive)):
            np.testing.assert_allclose(found[key], value, rtol=1e-14)


@pytest.mark.parametrize('values, error, message', [
    ({'a.tu': 1}, ValueError, "unknown variable: 'a.tu'; did you mean 'a.tau'"),
    ({'S.w': [1, 2]}, ValueError, "2 values for 'S.w', which has 6"),
    ({'a.v': np.ones(4)}, ValueError, "4 values for 'a.v', which has 3"),
    ({'table.values': [1, 2]}, ValueError, "2 values for 'table.values', which has 4"),
    ({'a.tau': 2*mV}, DimensionMismatchError, "'a.tau' has the unit second, and is given 2. . mv"),
    ({'a.v': 2*ms}, DimensionMismatchError, "'a.v' has no unit, and is given 2. . ms"),
    ({'a.tau': [1*ms, 1*mV]}, DimensionMismatchError, "'a.tau' has the unit second"),
    ({'table.values': 1*ms}, DimensionMismatchError, "'table.values' has no unit"),
    ({'M.v': 1}, ValueError, "'M.v' cannot be given, it is computed"),
    ({'a.i': 1}, ValueError, "'a.i' cannot be given, it is computed"),
    ({'a.v': 'i'}, ValueError, "'a.v' is 'i'; give numbers"),
    ({7: 1}, ValueError,
     "a value is given for 7; give it for a name, 'object.variable', for a var"),
    ('a part', ValueError, "given for 'a_subgroup.v', which has none .* all of 'a'"),
    ('twice', ValueError, "'a.v' is given twice"),
])
def test_bad_values(program, values, error, message):
    if isinstance(values, str):
        set_device('runtime')
        a = compose()['a']
        values = {'a part': {a[1:].v: 1}, 'twice': {a.v: 1, 'a.v': 1}}[values]
    with pytest.raises(error, match=message):
        program(values, 1)


@pytest.mark.parametrize('duration', [-1, 1.5, True, 2*mV, [1, 2]*ms, np.inf*ms, -1*ms, '5', None])
def test_bad_durations(program, duration):
    with pytest.raises(ValueError, match='the duration of a run is .*; give a time, such as '
                                         '10[*]ms'):
        program({}, duration)


@pytest.mark.slow
def test_values_for_a_script_that_runs_its_binary_by_itself(tmp_path):
    set_device('cpp_standalone', build_on_run=False)
    device = get_device()
    try:
        network = compose()
        network.run(0.5*ms)
        device.build(directory=str(tmp_path), run=False)
        drive = np.array([1, -1, 2, 0.5])
        device.run(run_args=run_args(network, {'a.tau': 2*ms, 'S.w': -W, 'table.values': drive}))
        np.testing.assert_allclose(network['a'].v, expected(5, 2, -W, drive)[0], rtol=1e-12)
    finally:
        device.reinit()
        set_device('runtime')


SLOPE = 3/ms


def test_global_names_in_equations_and_those_around():
    factor = 2

    def make(more=0):
        assert factor
        defaultclock.dt = 0.1*ms
        return Network(NeuronGroup(1, 'dv/dt = factor*SLOPE/2 : 1', name='G', method='euler'))
    for function in (make, partial(make, more=1)):
        np.testing.assert_allclose(build_program(function, 'numpy')({}, 1*ms)['G.v'], 3)


_GENERATE = """
import sys
import numpy as np
from brian2 import Network, ms
from brian_le.models import Dense, GLENetwork, Sequences
from brian_le.programs.cpp_project import write_project

def compose():
    shown = Sequences(np.ones((4, 6)), np.eye(4)[:, :2], duration=0.6*ms, replicas=2)
    return Network(shown, GLENetwork(1, [Dense(3), Dense(2)], batches=shown, eta=1/ms))

write_project(compose, sys.argv[1], detached=True)
"""


def test_sources_are_the_same_in_every_process(tmp_path):
    """With several clocks and synapses, of which Brian2 keeps sets."""
    sources = []
    for seed in '12':
        subprocess.run([sys.executable, '-c', _GENERATE, tmp_path/seed], check=True,
                       env=os.environ | {'PYTHONHASHSEED': seed})
        sources.append({path.relative_to(tmp_path/seed): path.read_bytes()
                        for path in (tmp_path/seed).rglob('*.cpp')})
    assert len(sources[0]) > 10 and sources[0] == sources[1]


def test_an_unchanged_model_is_not_compiled_again(monkeypatch, tmp_path):
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path))
    alive = compose()  # whatever else there is in the process
    assert build_program(compose).compiled
    assert not build_program(compose).compiled
    assert len(alive.objects) == 4

    def fail(*arguments):
        raise AssertionError('compiled')
    monkeypatch.setattr(builds, '_compile', fail)
    other = build_program(lambda: compose(tau=7, w=W + 1))
    np.testing.assert_allclose(other({}, 2)['b.x'], expected(2, 7, W + 1)[1], atol=1e-15)
    with pytest.raises(AssertionError, match='compiled'):  # another equation is another program
        build_program(lambda: Network(NeuronGroup(1, 'dv/dt = v/second : 1', name='G',
                                                  method='euler')))


def test_numbers_too_small_to_calculate_with_become_zero():
    def decaying():
        defaultclock.dt = 0.1*ms
        return Network(NeuronGroup(2, 'dv/dt = -v/(0.2*ms) : 1', method='euler', name='a'))
    program = build_program(decaying)
    np.testing.assert_array_equal(program({'a.v': [1, 1e-300]}, 40)['a.v'], [0.5**40, 0])


def test_values_that_depend_on_each_other_are_kept_in_order():
    program = build_program(lambda: compose(tau=3, strings=True))
    np.testing.assert_allclose(program({}, 2)['a.v'], expected(2, 3)[0], rtol=0, atol=1e-15)


def test_a_program_that_fails_says_so(tmp_path):
    program = build_program(compose)
    program.binary = tmp_path/'broken'
    program.binary.write_text('#!/bin/sh\necho "no memory" >&2\nexit 3\n')
    program.binary.chmod(0o755)
    with pytest.raises(RuntimeError, match=r'ended with an error: no memory \(exit code 3\)'):
        program({}, 1)


@pytest.mark.parametrize('size, found', [
    ('0', "only 0 of 4 bytes of 'M.N'"), ('20', "only 4 of 8 bytes of 'M.i'"),
    ('-8', "only 0 of 8 bytes of 'defaultclock.timestep'")])
def test_results_that_were_not_written_to_their_end(tmp_path, size, found):
    """As when the folder for temporary files is full."""
    program = build_program(compose)
    program.binary.rename(tmp_path/'main')
    program.binary.write_text(f'''#!/bin/sh
        {tmp_path}/main "$@" && truncate -s {size} "$2results"''')
    program.binary.chmod(0o755)
    with pytest.raises(OSError, match=f"{found} were written .*TMPDIR.*results'") as error:
        program({}, 7)
    assert error.value.errno == errno.ENOSPC


def test_a_run_makes_few_files(tmp_path):
    """Most systems take longer to make and remove a file than to write a number into one."""
    program = build_program(compose)
    program.binary.rename(tmp_path/'main')
    program.binary.write_text(f'''#!/bin/sh
        {tmp_path}/main "$@" && ls "$2" > {tmp_path}/files''')
    program.binary.chmod(0o755)
    program({'S.w': 1, 'a.v': 2}, 1, state=program({}, 1))
    assert (tmp_path/'files').read_text().split() == [
        'rest_after', 'rest_before', 'results', 'state', 'values']


def test_python_functions_cannot_be_compiled(tmp_path):
    def with_python():
        @network_operation(name='look')
        def look():
            pass
        return Network(look)
    with pytest.raises(ValueError, match="network operation 'look'.*run_regularly"):
        write_project(with_python, tmp_path/'p')
    assert not (tmp_path/'p').exists()


@pytest.mark.parametrize('device', ['cpp_standalone', 'cython'])
def test_no_compiler(monkeypatch, device):
    monkeypatch.setenv('PATH', '/nowhere')
    monkeypatch.delenv('CXX', raising=False)
    with pytest.raises(RuntimeError, match="needs 'g[+][+]', .* --device numpy"):
        build_program(compose, device)


def test_a_compiler_that_fails(monkeypatch, tmp_path):
    broken = tmp_path/'cxx'
    broken.write_text('#!/bin/sh\necho "cannot compile" >&2\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setenv('CXX', str(broken))
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/'cache'))
    with pytest.raises(RuntimeError, match='compiler failed: .*cannot compile'):
        build_program(compose)
    assert not list((tmp_path/'cache').rglob('main*'))


def test_the_settings_of_the_user_are_left_alone():
    set_device('runtime')
    defaultclock.dt, prefs.codegen.target = 0.3*ms, 'numpy'
    for device in ('numpy', 'cpp_standalone'):
        program = build_program(compose, device)
        program({}, 2)
        assert get_device() is all_devices['runtime']
        assert (defaultclock.dt, prefs.codegen.target) == (0.3*ms, 'numpy')


def test_a_simulation_of_the_user_on_the_same_device_is_not_thrown_away(tmp_path):
    set_device('cpp_standalone', build_on_run=False)
    device = get_device()
    try:
        mine = NeuronGroup(1, 'v : 1', name='mine')
        with pytest.raises(RuntimeError, match="holds objects of this script .'mine'."):
            write_project(compose, tmp_path/'p')
        assert get_device() is device and mine.name == 'mine'
    finally:
        device.reinit()
        set_device('runtime')


def with_dense():
    """Weights that replicas share, others that follow late, and noise."""
    network = compose()
    seed(3)
    c = NeuronGroup(6, 'r = sin(i + t/(2*ms)) : 1', name='c')
    d, e = (NeuronGroup(n, 'I : 1\ndv/dt = (I - v)/(2*ms) + 0.3*xi*ms**-0.5 : 1', method='euler',
                        name=name) for n, name in ((9, 'd'), (2, 'e')))
    for target, replicas, name in ((d, 3, 'shared'), (e, 1, 'late')):
        synapses = DenseSynapses(c, target, '''I_post = w*r_pre : 1 (summed)
                                               dw/dt = v_post*r_pre/(5*ms) : 1 (clock-driven)''',
                                 method='euler', replicas=replicas, name=name)
        synapses.connect()
        synapses.w = 'rand()'
        network.add(synapses)
    network.add(c, d, e)
    return network


@pytest.mark.parametrize('device', ['numpy', 'cpp_standalone'])
def test_single_precision(device):
    program = build_program(with_dense, device, precision='single')
    with warnings.catch_warnings():
        warnings.simplefilter('error', RuntimeWarning)
        found = program({'S.w': -W}, 7)
    for key, value in zip(('a.v', 'b.x', 'M.v'), expected(7, w=-W)):
        assert found[key].dtype == np.float32
        np.testing.assert_allclose(found[key], value, rtol=1e-5)
        assert np.abs(found[key] - value).max() > 1e-9
    assert prefs.core.default_float_dtype == np.float64
    # what it ends with is what another begins with
    state = {key: program({}, 3)[key] for key in program.state_names}
    np.testing.assert_array_equal(program(state, 4)['a.v'], program({}, 7)['a.v'])
    # and the whole state goes on exactly
    whole, half, other = program({}, 7, seed=1), program({}, 3, seed=1), program({}, 7, seed=2)
    on = program({}, 4, state=half)
    assert set(on) == set(whole)
    for key, value in whole.items():
        np.testing.assert_array_equal(on[key], value, err_msg=key)
    for name, n in (('shared', 2*3), ('late', 6*2)):
        w = f'{name}.w'
        assert whole[w].shape == (n,) and whole[w].dtype == np.float32
        assert (whole[w] != half[w]).all() and (whole[w] != other[w]).all()


def noisy(number):
    defaultclock.dt = 0.1*ms
    seed(number)
    return Network(NeuronGroup(3, 'dv/dt = xi/ms**0.5 + 0/ms*rand() : 1', method='euler', name='a'))


@pytest.mark.parametrize('device', ['numpy', pytest.param('cython', marks=pytest.mark.slow)])
def test_noise_is_that_of_the_seed_however_often_and_after_what(device):
    one, two = (build_program(lambda: noisy(number), device) for number in (1, 2))
    first = one({}, 5)['a.v']
    assert not np.isin(two({}, 7)['a.v'], first).any()
    np.testing.assert_array_equal(one({}, 5)['a.v'], first)
    again = build_program(lambda: noisy(1), device)
    np.testing.assert_array_equal(again({}, 5)['a.v'], first)


@pytest.mark.parametrize('device', ['numpy', 'cpp_standalone'])
def test_random_numbers_of_the_user_go_on(device):
    def drawing():
        np.random.seed(7)
        return compose()

    np.random.seed(3)
    expected = np.random.rand(3)
    np.random.seed(3)
    found = [np.random.rand()]
    program = build_program(drawing, device)
    found.append(np.random.rand())
    program({}, 2)
    found.append(np.random.rand())
    np.testing.assert_array_equal(found, expected)


def test_an_interrupted_simulation_is_no_result(monkeypatch):
    """Brian2 by itself would stop after the step, and say nothing."""
    handler = signal.getsignal(signal.SIGINT)
    if hasattr(handler, 'previous_handler'):  # none, if the tests run in the background of a shell
        monkeypatch.setattr(handler, 'previous_handler', signal.default_int_handler)

    def interrupted():
        @network_operation(name='interrupt')
        def interrupt(t):
            if t > 2*defaultclock.dt:
                os.kill(os.getpid(), signal.SIGINT)
        return Network(compose().objects, interrupt)

    program = build_program(interrupted, 'numpy')
    with pytest.raises(KeyboardInterrupt):
        program({}, 1000)
    assert prefs.core.stop_on_keyboard_interrupt


def test_unknown_device():
    with pytest.raises(ValueError, match="did you mean 'cython'"):
        build_program(compose, 'cyton')


def test_code_of_the_users_at_the_end_is_run(tmp_path):
    """Although a program ends before Brian2 writes its own results."""
    def with_code():
        get_device().insert_code('before_end', 'std::cout << "before";')
        get_device().insert_code('after_end', 'std::cout << "after";')
        return compose()
    write_project(with_code, tmp_path, detached=True)
    lines = [line.strip() for line in (tmp_path/'main.cpp').read_text().splitlines()]
    first = lines.index('std::cout << "before";')
    assert lines[first:first + 3] == [
        'std::cout << "before";', 'std::cout << "after";', 'return 0;']
