"""C++ projects: how they are generated from a network.

A project ends its run by itself after a number of steps that is a value like any other, and its
sources contain no initial values if these are to be given at every launch.
"""

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from unittest import mock

import numpy as np
from brian2.core.functions import Function
from brian2.core.names import Nameable
from brian2.core.operations import NetworkOperation
from brian2.core.preferences import prefs
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.device import all_devices, reset_device, set_device
from brian2.groups.group import Group
from brian2.groups.neurongroup import NeuronGroup

from brian_le.fast import fast_cpp
from brian_le.indices import INDICES
from brian_le.protocols.contents import (is_kept, is_recording, is_state, key_of, time_step,
                                         timed_arrays)

__all__ = ['ArrayFile', 'RUN', 'floating_point', 'write_project', 'wrong_size']

RUN = 'run_length'  #: name of the group that ends a run
NEVER = 2_000_000_000


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
        array = np.ravel(value).astype(self.dtype)
        if self.size is None or array.size == self.size:
            return array
        if array.size == 1:
            return np.full(self.size, array[0], dtype=self.dtype)
        raise wrong_size(key, array.size, self.size)

    def read(self, directory):
        """The results of a run."""
        # one of hundreds: joining paths would take longer than reading
        array = np.fromfile(f'{directory}/{self.result}', dtype=self.dtype)
        return array if self.recorded is None else array.reshape(-1, self.recorded).T


@contextmanager
def floating_point(precision):
    """Let Brian2 create and compile variables of this precision, ``'double'`` or ``'single'``."""
    users = prefs.core.default_float_dtype
    prefs.core.default_float_dtype = {'double': np.float64, 'single': np.float32}[precision]
    try:
        yield
    finally:
        prefs.core.default_float_dtype = users


def write_project(compose, directory, n_steps=None, detached=False, precision='double'):
    """Generate the C++ project of a network.

    Parameters
    ----------
    compose : callable
        As for `build_program`.
    directory : path-like
        Where to write it.
    n_steps : int, optional
        After how many steps it ends, if it is not told otherwise on its command line.
    detached : bool
        Leave the initial values out of the sources, so that models that differ in nothing else
        have the same ones.
    precision : {'double', 'single'}
        The floating point numbers of all variables.

    Returns
    -------
    arrays : dict of str to ArrayFile
        The variables of the project.
    initial : dict of str to numpy.ndarray
        The values that the project does not contain, because it was written with
        ``detached=True``, and that every launch of it has to give.

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
        with _names_from_scratch(), fast_cpp(), floating_point(precision):
            arrays, initial = _generate(compose, device, Path(directory), n_steps, detached)
    finally:
        device.reinit()
        reset_device()
    return arrays, initial


def _generate(compose, device, directory, n_steps, detached):
    network = compose()
    refuse_python(network)
    seed = _only_seed(device) if detached else None
    stopper = _stopper(n_steps or NEVER, seed is not None)
    network.add(stopper)
    network.run(NEVER*time_step(network), namespace={})
    initial = _detach_values(device) if detached else {}
    if seed is not None:
        initial |= _detach_seed(device, seed, stopper)
    _sort_clocks(device)
    device.build(directory=str(directory), compile=False, run=False)
    _read_clock_once(directory/'network.cpp')
    arrays = {key_of(variable): _array_file(device, variable)
              for variable in device.arrays if is_kept(variable)}
    for table in timed_arrays(network):
        arrays[f'{table.name}.values'] = ArrayFile('<f8', table.values.size)
    return arrays, initial


def _sort_clocks(device):
    """Set the times of clocks in the order of their names.

    Brian2 goes through a set of them, in an order that differs from process to process, and the
    sources of an unchanged model would differ, too.
    """
    def is_time(entry):
        what, args = entry
        return what == 'set_by_single_value' and args[0].endswith(('_timestep', '_t'))

    device.main_queue[:] = [entry for times, entries in groupby(device.main_queue, is_time)
                            for entry in (sorted(entries, key=lambda e: e[1][0]) if times
                                          else entries)]


@contextmanager
def _names_from_scratch():
    """Let Brian2 number its objects as if there were no others in this process.

    Otherwise the sources of a model would depend on what else is alive.
    """
    before = set(Nameable.__instances__())
    with mock.patch.object(Nameable, '__instances__', lambda: _since(before)):
        yield


def _since(before):
    return set(Nameable.__instancefollower__.get(Nameable)) - before


def _read_clock_once(source):
    """Take the reading of the processor time, which nobody looks at, out of the loop over steps.

    Brian2 2.9 has it there; in a small network it is a quarter of the time of a step.
    """
    text = source.read_text()
    in_loop = re.search(r'(\s*current = std::clock\(\);\s*elapsed_realtime = [^;]+;)'
                        r'(\s*\}\s*Network::_globally_running = false;)', text)
    if in_loop:
        source.write_text(text.replace(in_loop[0], in_loop[2] + in_loop[1]))


def refuse_python(network):
    """Raise a ValueError if a network runs Python functions, which a C++ program cannot."""
    for obj in network.objects:
        if isinstance(obj, NetworkOperation):
            raise ValueError(
                f"the network contains the network operation '{obj.name}', a Python function, "
                'and cannot become a C++ program; write it as run_regularly, or use '
                '--device numpy or cython')


_STOP_CODE = '''
static inline double brian_le_stop_when(int finished)
{
    if (finished) Network::_globally_stopped = true;
    return 0;
}
'''


def _stopper(n_steps, seeded=False):
    """A group that ends a compiled run after ``n_steps``, and may have a ``seed``.

    Both are constants of the generated code otherwise; this makes them values that every launch
    of the binary can set.
    """
    stop = Function(None, arg_units=[1], return_unit=1, arg_types=['integer'],
                    return_type='float', stateless=False)
    stop.implementations.add_implementation(
        'cpp', _STOP_CODE, name='brian_le_stop_when', compiler_kwds={'headers': ['"network.h"']})
    group = NeuronGroup(1, 'n_steps : integer (shared, constant)\nstopped : 1 (shared)'
                        + ('\nseed : 1 (shared, constant)' if seeded else ''),
                        name=RUN, namespace={'stop_when': stop})
    group.run_regularly('stopped = stop_when(int(t_in_timesteps + 1 >= n_steps))',
                        when='after_end', name=f'{RUN}_check')
    group.n_steps = n_steps
    return group


def _array_file(device, variable):
    dynamic = isinstance(variable, DynamicArrayVariable)
    return ArrayFile(np.dtype(variable.dtype).str, None if dynamic else int(variable.size),
                     os.path.basename(device.get_array_filename(variable)), is_state(variable),
                     variable.size[1] if is_recording(variable) else None)


def _only_seed(device):
    """What ``brian2.seed`` was called with, or None: not at all, or with several numbers."""
    seeds = {args for what, args in device.main_queue if what == 'seed'}
    return seeds.pop() if len(seeds) == 1 else None


_SEED_CODE = '''
for (const auto& arg : args)  // before all others, as initial values may be random
    if (arg.rfind("{name}=", 0) == 0) set_from_command_line({{arg}});
for (int _i=0; _i<{threads}; _i++)
    _random_generators[_i].seed((unsigned long) {array}[0] + _i);
'''


def _detach_seed(device, seed, stopper):
    """Take the seed of Brian2's random numbers out of the main program that is to be written."""
    variable = stopper.variables['seed']
    code = _SEED_CODE.format(name=key_of(variable), threads=max(
        1, prefs.devices.cpp_standalone.openmp_threads), array=device.get_array_name(
            variable, access_data=False))
    device.main_queue[:] = [('insert_code', code) if what == 'seed' else (what, args)
                            for what, args in device.main_queue]
    return {key_of(variable): np.array(float(seed))}


def _detach_values(device):
    """Take the initial values out of the main program that is to be written.

    They are left in it where code that runs before the simulation (a string expression) could
    depend on them.
    """
    runs = [args[0].name for what, args in device.main_queue if what == 'run_code_object']
    if any('_synapses_create_' not in name and name != INDICES for name in runs):
        return {}
    by_name = {device.get_array_name(variable, access_data=False): variable
               for variable in device.arrays if is_kept(variable) and is_state(variable)}
    initial, kept = {}, []
    for what, args in device.main_queue:
        variable = by_name.get(args[0]) if what.startswith('set_by_') else None
        if variable is None or (what == 'set_by_single_value' and variable.size != 1):
            kept.append((what, args))
        elif what == 'set_by_array':
            initial[key_of(variable)] = np.array(device.static_arrays[args[1]])
        elif what == 'set_by_constant':
            initial[key_of(variable)] = np.array(args[1])
        else:
            initial[key_of(variable)] = np.array(float(args[2].replace(' ', '')))
    device.main_queue[:] = kept
    return initial
