"""What liberties of programs rely on: each test fails if a version of Brian2 changes it."""

import gc
import inspect
import logging
import re
from contextlib import nullcontext

import numpy as np
import pytest
from brian2 import (Function, Network, NeuronGroup, SpikeGeneratorGroup, Synapses, defaultclock, ms,
                    seed)
from brian2.codegen.generators import cython_generator
from brian2.core.base import BrianObject
from brian2.core.names import Nameable
from brian2.devices.device import all_devices, get_device, reset_device, set_device
from brian2.utils import caching

from brian_le.programs import liberties


@pytest.fixture
def device():
    """The C++ device, of which nothing is built."""
    set_device('cpp_standalone', build_on_run=False)
    get_device().reinit()
    get_device().activate(build_on_run=False)
    yield all_devices['cpp_standalone']
    get_device().reinit()
    reset_device()


def group(n=4, name='G'):
    return NeuronGroup(n, 'v : 1\ns : 1 (shared)', name=name)


# ---------------------------------------------------------------------------------------- objects
def test_names_begin_anew():
    kept = NeuronGroup(1, 'v : 1')
    with liberties.names_from_scratch():
        first, second = NeuronGroup(1, 'v : 1'), NeuronGroup(1, 'v : 1')
        assert (first.name, second.name) == ('neurongroup', 'neurongroup_1')
        assert kept not in {ref() for ref in Nameable.__instances__()}
    assert kept in {ref() for ref in Nameable.__instances__()}
    assert NeuronGroup(1, 'v : 1').name not in (kept.name, first.name, second.name)


def test_parts_that_brian2_has_named():
    G = group()
    parts = [G[:2], G[:2], G[1:]]  # one beside the other
    assert [part.name for part in parts] == ['G_subgroup', 'G_subgroup_1', 'G_subgroup_2']
    assert all(map(liberties.was_named_by_brian2, parts))
    named = type(parts[0])(G, 0, 2, name='first')
    assert not any(map(liberties.was_named_by_brian2, [G, named, named.variables, None]))


def test_what_brian2_looks_at_before_it_says_that_objects_never_ran():
    G = NeuronGroup(1, 'v : 1', threshold='v > 1', reset='', name='unused')
    assert G._network is None and '"_network"' in inspect.getsource(BrianObject.__del__)
    network = Network(G)
    liberties.count_as_run(network)
    assert G._network == network.name == G.thresholder['spike']._network


def test_keys_are_those_of_brian2(monkeypatch):
    monkeypatch.setattr(caching, '_hashable', inspect.unwrap(caching._hashable))
    G = NeuronGroup(3, '''dv/dt = (x - v)/(5*ms) : 1
                          x = sin(t/ms) : 1
                          n : integer (shared)''', namespace={})
    arguments = [G.equations, dict(G.variables), [3*ms, 2.5, True, None, 'x'],
                 {'a': {1, 2}, 'b': (np.float32, [4])}, np.float64(3)]
    found = [caching._hashable(argument) for argument in arguments]
    with liberties.keys_at_once():
        assert found == [caching._hashable(argument) for argument in arguments]
        assert inspect.unwrap(caching._hashable) is not caching._hashable


@pytest.mark.parametrize('kind', ['runtime', 'cpp_standalone'])
def test_what_a_script_reads(device, kind):
    if kind == 'runtime':
        device.reinit()
        reset_device()
        set_device('runtime')
    codes, views = [], []
    G, S = group(), Synapses(*2*[group(2, 'H')], 'w : 1', name='S')
    with liberties.tell_of_reads(lambda owner, code, variables: codes.append(
            (owner.name, str(code), set(variables))), lambda view: views.append(view.name)):
        G.v = '2*s'
        S.connect('i != j')
        G.v = 1
        G.s = 2
        assert len(codes) == 2 and not {'v', 's'} & set(views)  # Brian2 itself looks at N
        assert G.s == 2
        assert 's' in views
    (first, text, names), (second, condition, _) = codes
    assert (first, second) == ('G', 'S') and '2*s' in text and {'v', 's'} <= names
    assert 'create_cond' in condition and 'i !=' in condition
    views.clear()
    np.asarray(G.s)
    assert not views


def test_a_name_of_a_variable_that_is_known_otherwise(caplog):
    def conflicts(quiet):
        caplog.clear()
        log = logging.getLogger('brian2')
        log.addHandler(caplog.handler)
        G = NeuronGroup(1, 'v : 1', namespace={'v': 3.0})
        try:
            with liberties.without_word_of_own_names() if quiet else nullcontext():
                G.resolve_all({'v'}, run_namespace={'v': 2.0}, user_identifiers={'v'})
        finally:
            log.removeHandler(caplog.handler)
        return [r for r in caplog.records if 'internal variable of group' in r.getMessage()]

    assert len(conflicts(False)) == 1 and not conflicts(True)


def test_what_functions_are_made_of():
    f = Function(np.exp, arg_units=[ms], return_unit=1)
    assert liberties.code_of_function(f) == (str([ms]), '1', {})
    f.implementations.add_implementation('cpp', 'double f(double x) {return x;}')
    assert liberties.code_of_function(f)[2] == {'cpp': 'double f(double x) {return x;}'}


def test_attributes_that_do_not_matter_are_those_of_objects():
    G = group()
    G.run_regularly('v = 1')
    S = Synapses(SpikeGeneratorGroup(1, [0], [0]*ms), G, 'w : 1', on_pre='v += w', name='S')
    S.connect()
    network = Network(G, S, S.source)
    network.run(0*ms)
    network.store()
    objects = network.sorted_objects
    codes = [code for obj in objects for code in obj.code_objects]
    known = set().union(*(vars(obj) for obj in (network, *objects, *codes)))
    gone = liberties.OF_THE_PROCESS - known
    assert gone <= {'_full_creation_stack', '_stored_states', '_scope_key', 'indices',
                    '_stored_clocks'}


# ----------------------------------------------------------------------------------------- states
def test_what_is_stored_is_not_kept_in_the_network():
    G = group()
    G.run_regularly('v += 1')
    network = Network(G)
    network.store()
    stored = liberties.take_stored(network)
    network.run(0.3*ms)
    liberties.put_stored(network, stored)
    assert network.t == 0*ms and (G.v[:] == 0).all()
    assert list(network._stored_state) == ['default']


@pytest.mark.parametrize('which', ['rand', 'randn'])
def test_numbers_that_were_drawn_in_advance(which):
    """What there is of Cython here: its code, and the arrays that it writes to."""
    device = all_devices['runtime']
    n = cython_generator._BUFFER_SIZE
    buffer = getattr(device, f'{which}_buffer')
    assert len(buffer) == n or buffer.dtype == np.intp and len(buffer) == 1
    code = getattr(cython_generator, f'{which}_code')
    assert f'_namespace_{which}_buffer_index[0] == 0' in code and f'rand{which[4:]}({n})' in code
    assert ('free(' in code) == (len(buffer) == 1) and 'buffer[_namespace' in code

    before = liberties.drawn_in_advance()
    drawn = [(5, np.arange(n)), (7, np.arange(n) + 1.0)]
    try:
        liberties.draw_in_advance(drawn)
        k = ['rand', 'randn'].index(which)
        assert getattr(device, f'{which}_buffer_index')[0] == drawn[k][0]
        values = liberties._numbers(buffer)
        np.testing.assert_array_equal(values, drawn[k][1])
        for (used, numbers), (needed, expected) in zip(liberties.drawn_in_advance(), drawn):
            assert used == needed and not np.shares_memory(numbers, values)
            np.testing.assert_array_equal(numbers, expected)
        seed(1)
        assert liberties.drawn_in_advance() == [(0, None), (0, None)]
    finally:
        liberties.draw_in_advance(before)


# ------------------------------------------------------------------------------------ C++ projects
def test_templates_of_all_code_objects(device):
    before = liberties.templates_of_cpp()
    own = before.derive('brian_le.programs', env_globals={'_le_vector_math': '// of ours'})
    liberties.take_templates(own)
    try:
        G = group()
        G.run_regularly('v = exp(v)', name='grow')
        Network(G).run(0.1*ms)
        assert '// of ours' in device.code_objects['grow_codeobject'].code.cpp_file
    finally:
        liberties.take_templates(before)
    assert liberties.templates_of_cpp() is before


def test_owners_live_as_long_as_the_project_is_written(device):
    def name(keep):
        G = group(name=f'G{keep}')
        with liberties.keep_owners(device) if keep else liberties.indices_from_zero():
            G[:2].v = 1
            gc.collect()
            variable = next(v for v in device.arrays if v.name == '_sub_idx')
            return variable.owner.name

    with pytest.raises(ReferenceError):
        name(False)
    device.reinit()
    device.activate(build_on_run=False)
    assert name(True) == 'GTrue_subgroup'


@pytest.mark.parametrize('ours', [False, True])
def test_elements_of_parts(device, ours):
    G = group()
    before = len(device.main_queue)
    with liberties.elements_as_arrays(device) if ours else liberties.indices_from_zero():
        part = G[2:]
        part.v[1] = 5
        G.s = 3
    (what, args), *_ = [entry for entry in device.main_queue[before:]
                        if entry[0].startswith('set_')]
    if ours:
        assert what == 'set_array_by_array'
        np.testing.assert_array_equal(device.static_arrays[args[1]], [3])
        np.testing.assert_array_equal(device.static_arrays[args[2]], [5])
    else:
        assert (what, args[1]) == ('set_by_single_value', 1)  # of the whole group


@pytest.mark.parametrize('ours', [False, True])
def test_indices_that_count_from_the_end(device, ours):
    G = group()
    with liberties.indices_from_zero() if ours else liberties.keep_owners(device):
        G.v[[-1, 0]] = [1, 2]
    what, args = device.main_queue[-1]
    assert what == 'set_array_by_array'
    np.testing.assert_array_equal(device.static_arrays[args[1]], [3, 0] if ours else [-1, 0])


@pytest.mark.parametrize('ours', [False, True])
def test_the_command_line_is_read_where_it_is_said(device, ours):
    if ours:
        liberties.leave_arguments(device)
    network = Network(group())
    network.run(0.1*ms)
    assert (liberties.ARGUMENTS in liberties.lines_of_run(device)) == (not ours)
    device.reinit()
    device.activate(build_on_run=False)
    device.apply_run_args()
    assert device.main_queue[-1] == ('insert_code', liberties.ARGUMENTS)


def test_lines_of_the_last_run(device):
    network = Network(group(), name='network_of_lines')
    network.run(0.1*ms)
    network.run(0.3*ms)
    lines = liberties.lines_of_run(device)
    run, = [line for line in lines if line.startswith('network_of_lines.run(')]
    assert run.startswith(f'network_of_lines.run({float(0.3*ms)!r},')
    assert device.main_queue[-1] == ('run_network', (network, lines))


def test_entries_of_the_main_program(device):
    """What the numbers that a script gives are taken out of."""
    defaultclock.dt = 0.1*ms
    G, other = group(), group(2, 'other')
    S = Synapses(G, other, 'w : 1', name='S')
    S.connect()
    device.main_queue.clear()
    G.v = 2
    G.s = 3
    G.v[1] = 4
    G.v = np.arange(4)
    G.v[[0, 2]] = [1, 2]
    S.w = 5
    seed(7)
    array, shared, dynamic = (device.get_array_name(variable, access_data=False) for variable in (
        G.variables['v'], G.variables['s'], S.variables['w']))
    found = [(what, *(args if isinstance(args, tuple) else (args,)))
             for what, args in device.main_queue]
    assert [entry[:2] for entry in found] == [
        ('set_by_constant', array), ('set_by_single_value', shared),
        ('set_by_single_value', array), ('set_by_array', array), ('set_array_by_array', array),
        ('set_by_constant', dynamic), ('seed', 7)]
    assert found[0][2] == 2 and found[1][2] == 0 and found[2][2:] == (1, '4')
    assert float(found[1][3]) == 3 and found[5][2] == 5
    np.testing.assert_array_equal(device.static_arrays[found[3][2]], np.arange(4))
    np.testing.assert_array_equal(device.static_arrays[found[4][2]], [0, 2])
    np.testing.assert_array_equal(device.static_arrays[found[4][3]], [1, 2])


def test_entries_that_set_the_times_of_clocks(device):
    network = Network(group())
    network['G'].s = 3
    assert not any(map(liberties.sets_time, device.main_queue[-1:]))
    network.run(0.1*ms)
    timed = [args[0] for what, args in device.main_queue
             if liberties.sets_time((what, args))]
    assert {name.rpartition('defaultclock')[2] for name in timed} == {'_timestep', '_t'}


def test_the_clock_is_not_read_in_every_step(device, tmp_path):
    network = Network(group())
    network.run(0.1*ms)
    device.build(directory=str(tmp_path), compile=False, run=False)
    path = tmp_path/'network.cpp'
    before = path.read_text()
    liberties.read_clock_once(path)
    text = path.read_text()
    assert sorted(text) == sorted(before) and '_last_run_time = elapsed_realtime;' in text
    loop = text[text.index('while(clock'):].partition('Network::_globally_running = false;')[0]
    behind = loop[loop.index('func();'):]  # before that, only if there is somebody to report to
    assert 'clock::now' not in behind and 'std::clock' not in behind
    assert re.search(r'if \((report_func|should_check_time)\)', loop[:loop.index('func();')])
