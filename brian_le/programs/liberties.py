"""Liberties that programs take with Brian2: what it does not offer, one function for each.

What the C++ device keeps until it writes a project (`arrays`, `main_queue`, `static_arrays`,
`code_objects`) has public names, and is not documented. Of what is read and changed there, this
module has what rests on its form.
"""

import ctypes
import functools
import logging
import re
from contextlib import contextmanager
from unittest import mock

import numpy as np
from brian2.codegen.generators.cython_generator import _BUFFER_SIZE
from brian2.core.names import Nameable
from brian2.core.variables import DynamicArrayVariable, VariableView
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.device import all_devices, get_device
from brian2.groups.group import Indexing
from brian2.groups.subgroup import Subgroup
from brian2.utils import caching

__all__ = ['ARGUMENTS', 'OF_THE_PROCESS', 'code_of_function', 'count_as_run', 'draw_in_advance',
           'drawn_in_advance', 'elements_as_arrays', 'indices_from_zero', 'keep_owners',
           'keys_at_once', 'leave_arguments', 'lines_of_run', 'names_from_scratch', 'put_stored',
           'read_clock_once', 'sets_time', 'take_stored', 'take_templates', 'tell_of_reads',
           'templates_of_cpp', 'was_named_by_brian2', 'without_word_of_own_names']

#: The line of a main program that reads the values on the command line.
ARGUMENTS = 'set_from_command_line(args);'
#: Attributes of objects that say where they were made, what runs them, and what they were told.
OF_THE_PROCESS = frozenset('''
    _creation_stack _full_creation_stack _id _network _dependencies _code_objects codeobj _scope_key
    _indices indices _stored_states _group_attribute_access_active user_equations
    _registered_variables _clock _stored_clocks queue'''.split())
_STORED = 'of a program'  # name of what Brian2 stores


# ---------------------------------------------------------------------------------------- objects
@contextmanager
def names_from_scratch():
    """Let Brian2 number its objects as if there were no others in this process.

    Otherwise the sources of a model would depend on what else is alive. Names are looked for among
    all that ``Nameable.__instances__()`` finds, which reads a list that all classes share.
    """
    before = set(Nameable.__instances__())
    new = classmethod(lambda cls: set(cls.__instancefollower__.get(cls)) - before)
    with mock.patch.object(Nameable, '__instances__', new):
        yield


def was_named_by_brian2(obj):
    """Whether an object is a part of a group that its user has not given a name.

    Brian2 calls it ``GROUP_subgroup``, with a number if there is one already.
    """
    return isinstance(obj, Subgroup) and bool(
        re.fullmatch(re.escape(obj.source.name) + r'_subgroup(_\d+)?', obj.name))


def count_as_run(network):
    """Let objects be as in a network that has run: of others, Brian2 says that they never did.

    It keeps the network that has run an object in a private attribute, also of what it contains.
    """
    for obj in network.sorted_objects:
        obj._network = network.name


@contextmanager
def keys_at_once():
    """Let Brian2 find at once that a key for one of its caches is one as it is.

    Its keys are made of all that is known of all variables, by a function that asks of every text
    and number whether it is a table or a list: that takes a fifth of the time in which a network
    is made, and more of that in which code is generated. The keys are the same.
    """
    hashable, as_they_are = caching._hashable, {str, bool, int, float, type, type(None)}

    @functools.wraps(hashable)
    def quick(obj):
        return obj if type(obj) in as_they_are else hashable(obj)

    with mock.patch.object(caching, '_hashable', quick):
        yield


@contextmanager
def tell_of_reads(of_code, of_view):
    """Tell what a script reads while it makes objects, in the code of strings and by Python.

    Brian2 hands the code of strings (``G.b = '2*a'``, conditions of connections) to the device's
    ``code_object``, and all reading by Python passes `VariableView.get_item`; nobody is asked.

    Parameters
    ----------
    of_code : callable
        Called with the owner of the code, the abstract code, and its variables by name.
    of_view : callable
        Called with the view that is read.
    """
    device = get_device()
    code_object, get_item = device.code_object, VariableView.get_item

    def told_code(owner, name, abstract_code, variables, *args, **options):
        of_code(owner, abstract_code, variables)
        return code_object(owner, name, abstract_code, variables, *args, **options)

    def told_item(view, item, level=0, namespace=None):
        of_view(view)
        return get_item(view, item, level + 1, namespace)  # one more between it and the script

    with (mock.patch.object(device, 'code_object', told_code),
          mock.patch.object(VariableView, 'get_item', told_item)):
        yield


@contextmanager
def without_word_of_own_names():
    """Let Brian2 say nothing of names in equations that variables of their group have, too.

    It warns of each through a logger of its own, and cannot be told not to.
    """
    log = logging.getLogger('brian2.groups.group.Group.resolve.resolution_conflict')

    def is_news(record):
        return 'is an internal variable of group' not in record.getMessage()

    log.addFilter(is_news)
    try:
        yield
    finally:
        log.removeFilter(is_news)


def code_of_function(function):
    """What there is to say about a `brian2.Function`: its units, and its code for each target.

    There are no public names for what it was made with, and its public mapping of implementations
    answers for one target at a time.
    """
    return (str(function._arg_units), str(function._return_unit),
            {str(target): implementation._code for target, implementation
             in function.implementations._implementations.items()})


# ----------------------------------------------------------------------------------------- states
def take_stored(network):
    """All that `Network.store` keeps, as an object of its own.

    It would be kept in the network itself otherwise, under a name, and never be forgotten.
    """
    network.store(_STORED)
    return network._stored_state.pop(_STORED)


def put_stored(network, stored):
    """Let a network be as it was when it was stored."""
    network._stored_state[_STORED] = stored
    try:
        network.restore(_STORED)
    finally:
        del network._stored_state[_STORED]


def drawn_in_advance():
    """The random numbers that Cython has drawn in advance, uniform and normal ones.

    Of both, how many have been used, and the numbers, None if none are left.
    """
    return [(int(place[0]), _numbers(buffer).copy() if place[0] else None)
            for buffer, place in _buffers()]


def draw_in_advance(drawn):
    """Let Cython go on with what `drawn_in_advance` has returned."""
    for (buffer, place), (used, values) in zip(_buffers(), drawn):
        place[:] = used
        if values is not None:
            _numbers(buffer)[:] = values


def _buffers():
    device = all_devices['runtime']
    return ((device.rand_buffer, device.rand_buffer_index),
            (device.randn_buffer, device.randn_buffer_index))


def _numbers(buffer):
    """Numbers that were drawn in advance.

    Before Brian2 2.11, the device has the address of memory only, which generated code frees by
    itself.
    """
    if len(buffer) == _BUFFER_SIZE:
        return buffer
    if not buffer[0]:
        malloc = ctypes.CDLL(None).malloc
        malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        buffer[0] = malloc(8*_BUFFER_SIZE)
    return np.frombuffer((ctypes.c_double*_BUFFER_SIZE).from_address(int(buffer[0])))


# ------------------------------------------------------------------------------------ C++ projects
def templates_of_cpp():
    """The templates of all code objects of C++ projects, which have no other place to be said."""
    return CPPStandaloneCodeObject.templater


def take_templates(templater):
    """Let all code objects of C++ projects be written by other templates."""
    CPPStandaloneCodeObject.templater = templater


@contextmanager
def keep_owners(device):
    """Let the owners of arrays live as long as this, subgroups that nobody keeps, too.

    The device asks them for their names when it writes the project, and has weak references only;
    the method of one is bound to the owner itself.
    """
    owners, add_array = [], device.add_array

    def add(variable):
        add_array(variable)
        if variable.owner is not None:
            owners.append(variable.owner.__init__.__self__)

    with mock.patch.object(device, 'add_array', add):
        yield


@contextmanager
def elements_as_arrays(device):
    """Let a device set one element of a part of a group, which it would write to elsewhere."""
    set_with_index_array = device.variableview_set_with_index_array

    def set_elements(view, item, value, check_units):
        if isinstance(item, (int, np.integer)) and not isinstance(
                view.variable, DynamicArrayVariable) and not view.variable.scalar:
            item = np.array([item])
        return set_with_index_array(view, item, value, check_units)

    with mock.patch.object(device, 'variableview_set_with_index_array', set_elements):
        yield


@contextmanager
def indices_from_zero():
    """Let indices that count from the end be counted from zero, as C++ does; Brian2 keeps them."""
    indices_of = Indexing.__call__

    def counted(indexing, item=slice(None), index_var=None):
        indices = indices_of(indexing, item, index_var)
        if isinstance(indexing.default_index if index_var is None else index_var, str):
            return np.arange(indexing.N.item())[indices]
        return indices

    with mock.patch.object(Indexing, '__call__', counted):
        yield


def leave_arguments(device):
    """Let the device not read the command line before the first run; `ARGUMENTS` does it.

    It remembers whether it has by a flag. Its own ``apply_run_args`` reads it where it is called,
    and cannot be called before a model that runs by itself.
    """
    device.run_args_applied = True


def lines_of_run(device):
    """The lines of the main program that make the last run, a list that may be changed.

    They are the last argument of what the device has queued; one of them begins with
    ``NETWORK.run(DURATION,``.
    """
    return next(lines for what, (*_, lines) in reversed(
        [entry for entry in device.main_queue if entry[0] == 'run_network']))


def sets_time(entry):
    """Whether an entry of the queue of the main program sets the time of a clock, by its name."""
    what, args = entry
    return what == 'set_by_single_value' and args[0].endswith(('_timestep', '_t'))


def read_clock_once(source):
    """Take the reading of the processor time, which nobody looks at, out of the loop over steps.

    Brian2 2.9 has it there; in a small network it is a quarter of the time of a step.
    """
    text = source.read_text()
    in_loop = re.search(r'(\s*current = std::clock\(\);\s*elapsed_realtime = [^;]+;)'
                        r'(\s*\}\s*Network::_globally_running = false;)', text)
    if in_loop:
        source.write_text(text.replace(in_loop[0], in_loop[2] + in_loop[1]))
