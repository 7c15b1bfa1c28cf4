"""C++ projects: how they are generated from a network.

How long a project runs is a value of it like any other, and its sources contain no numbers that a
script gives to variables, if models that differ in nothing else are to have the same ones.
"""

import errno
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from brian2.core.operations import NetworkOperation
from brian2.core.preferences import prefs
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.device import all_devices, reset_device, set_device
from brian2.groups.group import Group
from brian2.groups.neurongroup import NeuronGroup

from brian_le.programs.contents import (MOST_STEPS, composed, held, is_kept, is_recording,
                                        is_state, key_of, names_for, time_step, time_steps,
                                        timed_arrays, units_of)
from brian_le.programs.cpp_files import CppState, digest, results_code, values_code
from brian_le.programs.cpp_numbers import numbers_as_data
from brian_le.programs.fast import fast_cpp
from brian_le.programs.liberties import (ARGUMENTS, elements_as_arrays, indices_from_zero,
                                         keep_owners, keys_at_once, leave_arguments,
                                         lines_of_run, names_from_scratch, read_clock_once,
                                         sets_time)
from brian_le.programs.states import obstacle

__all__ = ['ArrayFile', 'CppProject', 'MOST_STEPS', 'RUN', 'floating_point', 'full_disk',
           'write_project', 'wrong_size']

RUN = 'run_length'  #: name of the group that says how long a run is
_SEED = """
seed : integer (shared, constant)  # of the random numbers of the run, if it is not negative
"""
_SEEDED = """
for (int _i=0; {seed} >= 0 && _i<{threads}; _i++)
    _random_generators[_i].seed((unsigned long) {seed} + _i);
"""


def wrong_size(key, given, needed):
    """The error for a number of values that does not fit a variable."""
    return ValueError(f"{given} values for '{key}', which has {needed}")


@dataclass(frozen=True)
class ArrayFile:
    """How a binary stores one variable.

    Parameters
    ----------
    dtype : str
        Type of the elements.
    size : int or None
        Number of elements, None if it is known only after a run.
    result : str or None
        Name of the file with the results, None for a table that is only read.
    is_state : bool
        Whether it belongs to the state that the next run can start from.
    recorded : int or None
        Of a recording, which is returned as indices x times, the number of indices.
    """

    dtype: str
    size: int = None
    result: str = None
    is_state: bool = False
    recorded: int = None

    def file_array(self, key, value):
        """The value as the binary reads it; a ValueError if it does not fit."""
        array = held(key, value, self.dtype)
        if self.size is not None and array.size not in (1, self.size):
            raise wrong_size(key, array.size, self.size)
        return array

    def read(self, file, key):
        """Its values, next in the file of all results; an OSError if they were not all written."""
        size = self._read(file, key, 1, np.int64)[0] if self.size is None else self.size
        array = self._read(file, key, size, self.dtype)
        return array if self.recorded is None else array.reshape(-1, self.recorded).T

    @staticmethod
    def _read(file, key, size, dtype):
        array = np.empty(size, dtype)
        read = file.readinto(array.view(np.uint8))
        if read != array.nbytes:
            raise full_disk(file.name, read, array.nbytes, f"bytes of '{key}'")
        return array


def full_disk(path, written, needed, unit='bytes'):
    """The error for a file that was not written to its end."""
    return OSError(errno.ENOSPC, f'only {written} of {needed} {unit} were written (is the disk '
                   'full? make room, or let TMPDIR name a folder that has some)', str(path))


@contextmanager
def floating_point(precision):
    """Let Brian2 create and compile variables of this precision, ``'double'`` or ``'single'``."""
    users = prefs.core.default_float_dtype
    prefs.core.default_float_dtype = {'double': np.float64, 'single': np.float32}[precision]
    try:
        yield
    finally:
        prefs.core.default_float_dtype = users


@dataclass(frozen=True)
class CppProject:
    """A C++ project that was written.

    Parameters
    ----------
    arrays : dict of str to ArrayFile
        Its variables.
    steps : list of float
        The time steps of all clocks, in s, beginning with the fastest.
    checks : list of callable
        Each raises a ValueError for values, by the names of variables, that cannot be run.
    units : dict of str to Dimension
        Of the variables and tables that can be given.
    obstacle : str
        Why it cannot go on exactly from where a run ended; '' if it can.
    given, computed : list of str
        The variables of which its state is made, see `CppState`.
    made_of : str
        Differs for projects that do not go on from each other.
    start : float
        When a run begins, in s.
    settable : list of str
        What values can be given for, in the order in which the binary knows them.
    """

    arrays: dict
    steps: list
    checks: list
    units: dict
    obstacle: str
    given: list
    computed: list
    made_of: str
    start: float
    settable: list


def write_project(compose, directory, n_steps=None, detached=False, precision='double'):
    """Generate the C++ project of a network.

    Parameters
    ----------
    compose : callable
        As for `build_program`.
    directory : path-like
        Where to write it.
    n_steps : int, optional
        After how many time steps (of the fastest clock) it ends, if it is not given another
        ``run_length.duration`` on its command line.
    detached : bool
        Leave the numbers that are given to variables, and the seeds, out of the sources, so that
        models that differ in nothing else have the same ones. They are in the folder
        ``static_arrays`` beside them.
    precision : {'double', 'single'}
        The floating point numbers of all variables.

    Returns
    -------
    CppProject

    Raises
    ------
    ValueError
        If the network has Python functions in it.
    """
    device = all_devices['cpp_standalone']
    theirs = [variable.owner.name for variable in device.arrays
              if isinstance(variable.owner, Group)]
    if theirs:
        raise RuntimeError(
            f"Brian2's C++ device holds objects of this script ('{theirs[0]}'), and can hold those "
            'of one simulation only; run the protocol first, or in a process of its own, or call '
            'device.reinit()')
    set_device('cpp_standalone', build_on_run=False)
    device.reinit()
    device.activate(build_on_run=False)
    try:
        leave_arguments(device)  # to this function, and not to where a model runs by itself
        with (names_from_scratch(), keys_at_once(), fast_cpp(), floating_point(precision),
              keep_owners(device)):
            found = _generate(compose, device, Path(directory), n_steps, detached)
    finally:
        device.reinit()
        reset_device()
    return found


def _generate(compose, device, directory, n_steps, detached):
    with elements_as_arrays(device), indices_from_zero():
        network = composed(compose)
    refuse_python(network)
    steps = time_steps(network)
    length = NeuronGroup(1, 'duration : second (shared, constant)' + (_SEED if detached else ''),
                         name=RUN, dtype={'duration': np.float64, 'seed': np.int64},
                         clock=min((obj.clock for obj in network.objects), key=lambda c: c.name))
    length.duration = (n_steps or 1)*time_step(network)
    if detached:
        length.seed = -1
    network.add(length)
    device.insert_code('main', ARGUMENTS)
    start = float(network.t)
    network.run(time_step(network), namespace=names_for(compose))
    _end_when_told(device, network, length.variables['duration'])
    if detached:
        numbers_as_data(device)
    _sort_clocks(device)
    variables = {}
    for variable in filter(is_kept, device.arrays):
        # the delays of several pathways of a projection have one name, which means the first one
        variables.setdefault(key_of(variable), variable)
    variables = dict(sorted(variables.items()))  # monitors have theirs in the order of a set
    tables = sorted((table for table in timed_arrays(network) if table in device.timed_arrays),
                    key=lambda table: table.name)
    results = {key: variable for key, variable in variables.items() if variable.owner.name != RUN}
    state = CppState(device, network, results)
    given = {key: variable for key, variable in variables.items() if not variable.read_only}
    if detached:
        _go_on_or_begin(device, network, state, length.variables['seed'], values_code(
            device, given, tables))
        device.insert_code('main', state.write + results_code(device, results))
        # not what Brian2 does at the end, a file for each variable, internal ones, too
        device.insert_code('before_end', '\n'.join([*device.code_lines['after_end'], 'return 0;']))
    device.build(directory=str(directory), compile=False, run=False)
    read_clock_once(directory/'network.cpp')
    arrays = {key: _array_file(device, variable) for key, variable in variables.items()}
    for table in tables:
        arrays[f'{table.name}.values'] = ArrayFile('<f8', table.values.size)
    checks = [vars(obj)['check_of_times'] for obj in network.objects
              if 'check_of_times' in vars(obj)]
    units = {key: dim for key, dim in units_of(variables, tables).items()
             if not key.startswith(f'{RUN}.')}
    data = {id(table.values) for table in tables}
    made_of = digest((directory/'main.cpp').read_text(), *(
        part for name, array in sorted(device.static_arrays.items()) if id(array) not in data
        for part in (f'{name} {array.dtype.str} {array.size}', array)))
    return CppProject(arrays, steps, checks, units, obstacle(network, device.code_objects.values()),
                      state.given, state.computed, made_of, start,
                      [*given, *(f'{table.name}.values' for table in tables)])


def _go_on_or_begin(device, network, state, seed, read_values):
    """Let the main program go on from another run if it is told to, with the values it is given."""
    seed = device.get_array_name(seed)
    threads = max(1, prefs.devices.cpp_standalone.openmp_threads)
    queue = device.main_queue
    place = queue.index(('insert_code', ARGUMENTS))
    queue[place] = ('insert_code', f'{state.read_given}\n{read_values}')
    lines = lines_of_run(device)
    run = next(number for number, line in enumerate(lines)
               if line.startswith(f'{network.name}.run('))
    lines[run:run] = [state.read_computed, _SEEDED.format(seed=f'{seed}[0]', threads=threads)]
    queue.insert(0, ('insert_code', state.begin))


def _end_when_told(device, network, duration):
    """Let the duration of the last run, a constant of the main program, be a variable."""
    lines = lines_of_run(device)
    for number, line in enumerate(lines):
        if line.startswith(f'{network.name}.run('):
            lines[number] = re.sub(r'\.run\([^,]+,', f'.run({device.get_array_name(duration)}[0],',
                                   line)


def _sort_clocks(device):
    """Set the times of clocks in the order of their names.

    Brian2 goes through a set of them, in an order that differs from process to process, and the
    sources of an unchanged model would differ, too.
    """
    device.main_queue[:] = [entry for times, entries in groupby(device.main_queue, sets_time)
                            for entry in (sorted(entries, key=lambda e: e[1][0]) if times
                                          else entries)]


def refuse_python(network):
    """Raise a ValueError if a network runs Python functions, which a C++ program cannot."""
    for obj in network.objects:
        if isinstance(obj, NetworkOperation):
            raise ValueError(
                f"the network contains the network operation '{obj.name}', a Python function, "
                'and cannot become a C++ program; write it as run_regularly, or use '
                '--device numpy or cython')


def _array_file(device, variable):
    return ArrayFile(np.dtype(variable.dtype).str,
                     None if isinstance(variable, DynamicArrayVariable) else int(variable.size),
                     os.path.basename(device.get_array_filename(variable)), is_state(variable),
                     variable.size[1] if is_recording(variable) else None)
