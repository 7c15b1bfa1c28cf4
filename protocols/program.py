"""Simulations that are built once and run many times.

A program is a function: it takes values of variables and a number of steps, starts from rest at
time 0, and returns all variables afterwards, with whatever its monitors recorded. The targets
numpy and cython run it inside Python; cpp_standalone compiles it once and then runs the binary,
which is kept and found again as long as the generated sources, the compiler and its flags are the
same.

Values go by ``'object.variable'``, as in ``'microcircuit_up0.w'``; tables by
``'name.values'`` for a `brian2.TimedArray`.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from brian2.codegen.cpp_prefs import get_compiler_and_args
from brian2.core.functions import Function
from brian2.core.names import Nameable
from brian2.core.operations import NetworkOperation
from brian2.core.preferences import prefs
from brian2.core.variables import ArrayVariable, DynamicArrayVariable
from brian2.devices.device import get_device, reset_device, set_device
from brian2.groups.neurongroup import NeuronGroup
from brian2.input.timedarray import TimedArray
from brian2.synapses.synapses import Synapses
from brian2.units.allunits import second

from brian_le.checks import choose
from brian_le.protocols.catalogue import DEVICES

__all__ = ['RuntimeProgram', 'StandaloneProgram', 'build_program', 'write_project']


def build_program(compose, device='cpp_standalone', say=lambda message: None):
    """Build a program.

    Parameters
    ----------
    compose : callable
        Creates all objects and returns a `brian2.Network`. It sets ``defaultclock.dt``.
    device : {'cpp_standalone', 'cython', 'numpy'}
        What runs it.
    say : callable
        Called with a line of text before anything that takes more than a few seconds.

    Returns
    -------
    StandaloneProgram or RuntimeProgram

    Raises
    ------
    ValueError
        For an unknown device, or a network with Python functions in it (network operations)
        that is to be compiled.
    RuntimeError
        If there is no C++ compiler, or if it fails.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, defaultclock, ms
    >>> from brian_le.protocols.program import build_program
    >>> def compose():
    ...     defaultclock.dt = 1*ms
    ...     return Network(NeuronGroup(2, 'dv/dt = -v/(10*ms) : 1', method='euler', name='G'))
    >>> program = build_program(compose, 'numpy')
    >>> program({'G.v': [1, 2]}, n_steps=1)['G.v']
    array([0.9, 1.8])
    """
    choose('device', device, DEVICES)
    if device != 'numpy':
        require_compiler(device)
    if device == 'cpp_standalone':
        return StandaloneProgram(compose, say)
    set_device('runtime')
    previous, prefs.codegen.target = prefs.codegen.target, device
    try:
        if device == 'cython':
            say('generating code (the first time, Cython compiles for some minutes)')
        return RuntimeProgram(compose(), device)
    finally:
        prefs.codegen.target = previous


def _wrong_size(key, given, needed):
    return ValueError(f"{given} values for '{key}', which has {needed}")


def require_compiler(device):
    """Raise a RuntimeError if there is no C++ compiler (or no make) for `device`."""
    compiler = os.environ.get('CXX', 'g++').split()[0]
    for tool in (compiler, 'make') if device == 'cpp_standalone' else (compiler,):
        if os.name != 'nt' and shutil.which(tool) is None:
            raise RuntimeError(
                f"device '{device}' needs '{tool}', which is not on this machine; install a C++ "
                "compiler and make (e.g. 'apt install g++ make'), set CXX to the compiler, or "
                "use --device numpy")


class RuntimeProgram:
    """A program that runs inside Python, see `build_program`.

    Attributes
    ----------
    state_names : list of str
        The variables that make up the state: what a run ends with and another can start from.
    """

    def __init__(self, network, target):
        self.network = network
        self.target = target
        self.variables = {_key(variable): variable for obj in _objects(network)
                          for variable in obj.variables.values() if _is_kept(variable)
                          and variable.owner.name == obj.name}
        self.state_names = [key for key, v in self.variables.items() if _is_state(v)]
        self.tables = {f'{table.name}.values': table for table in _timed_arrays(network)}
        self._defaults = {key: table.values.copy() for key, table in self.tables.items()}
        network.store('as built')

    def __call__(self, values, n_steps):
        self.network.restore('as built')
        for key, table in self.tables.items():
            table.values[...] = values.get(key, self._defaults[key])
        for key, value in values.items():
            if key not in self.tables:
                variable = self.variables[choose('variable', key, self.variables)]
                array = np.ravel(value).astype(variable.dtype)
                if array.size not in (1, variable.get_value().size):
                    raise _wrong_size(key, array.size, variable.get_value().size)
                variable.set_value(array if array.size > 1 else array[0])
        previous, prefs.codegen.target = prefs.codegen.target, self.target
        try:
            self.network.run(n_steps*_dt(self.network), namespace={})
        finally:
            prefs.codegen.target = previous
        return {key: np.array(variable.get_value()).ravel()
                for key, variable in self.variables.items()}


class StandaloneProgram:
    """A program that is a compiled binary, see `build_program`.

    Attributes
    ----------
    state_names : list of str
        The variables that make up the state: what a run ends with and another can start from.
    binary : Path
        The executable.
    compiled : bool
        Whether it had to be compiled.
    """

    def __init__(self, compose, say):
        say('generating C++')
        # of this process, so that several of them can share a binary
        self._folder = tempfile.TemporaryDirectory(prefix='brian_le_')
        self.directory = Path(self._folder.name)
        self.arrays, self.initial = write_project(compose, self.directory, detached=True)
        self.state_names = [key for key, array in self.arrays.items() if array.is_state]
        kept = _cache_directory()/_fingerprint(self.directory)
        self.binary = kept/'main'
        self.compiled = not self.binary.exists()
        if self.compiled:
            say('compiling (about half a minute; the next run of this model will not need it)')
            compile_project(self.directory)
            kept.mkdir(parents=True, exist_ok=True)
            # another process may do the same: whoever renames last has the same binary
            draft = kept/f'main.{os.getpid()}'
            shutil.copy2(self.directory/'main', draft)
            draft.replace(self.binary)

    def __call__(self, values, n_steps):
        with tempfile.TemporaryDirectory(prefix='brian_le_run_') as folder:
            folder = Path(folder)
            (folder/'static_arrays').symlink_to(self.directory/'static_arrays')
            (folder/'results').mkdir()
            (folder/'values').mkdir()
            arguments = []
            values = {**self.initial, **values, f'{_RUN}.n_steps': n_steps}
            for number, (key, value) in enumerate(values.items()):
                array = self.arrays[choose('variable', key, self.arrays)].file_array(key, value)
                array.tofile(folder/'values'/str(number))
                arguments.append(f'{key}=values/{number}')
            run = subprocess.run([self.binary, '--results_dir', 'results/', *arguments],
                                 cwd=folder, capture_output=True, text=True)
            if wrong := re.search(r'file size (\d+) does not match expected size (\d+)', run.stderr):
                # the size of a projection is known to the binary alone
                number = re.search(r"reading 'values/(\d+)'", run.stderr)[1]
                key = list(values)[int(number)]
                width = np.dtype(self.arrays[key].dtype).itemsize
                raise _wrong_size(key, *(int(size)//width for size in wrong.groups()))
            if run.returncode or run.stderr:
                raise RuntimeError(f'the simulation ended with an error: {run.stderr.strip()} '
                                   f'(exit code {run.returncode})')
            return {key: array.read(folder/'results') for key, array in self.arrays.items()
                    if array.result}


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
    """

    dtype: str
    size: int = None
    result: str = None
    is_state: bool = False

    def file_array(self, key, value):
        """The value as the binary reads it; a ValueError if it does not fit."""
        array = np.ravel(value).astype(self.dtype)
        if self.size is None or array.size == self.size:
            return array
        if array.size == 1:
            return np.full(self.size, array[0], dtype=self.dtype)
        raise _wrong_size(key, array.size, self.size)

    def read(self, directory):
        """The results of a run."""
        return np.fromfile(Path(directory)/self.result, dtype=self.dtype)


def write_project(compose, directory, n_steps=None, detached=False):
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
    set_device('cpp_standalone', build_on_run=False)
    device = get_device()
    device.reinit()
    device.activate(build_on_run=False)
    try:
        with _names_from_scratch():
            arrays, initial = _generate(compose, device, Path(directory), n_steps, detached)
    finally:
        device.reinit()
        reset_device()
    return arrays, initial


def _generate(compose, device, directory, n_steps, detached):
    network = compose()
    refuse_python(network)
    network.add(_stopper(n_steps or _NEVER))
    network.run(_NEVER*_dt(network), namespace={})
    initial = _detach_values(device) if detached else {}
    link_flags = prefs.codegen.cpp.extra_link_args
    # Linked with this flag, numbers below 1e-308 are zero; to calculate with them as they are
    # would take ten times as long, in a neuron whose input has been silent for long.
    prefs.codegen.cpp.extra_link_args = [*link_flags, '-ffast-math']
    try:
        device.build(directory=str(directory), compile=False, run=False)
    finally:
        prefs.codegen.cpp.extra_link_args = link_flags
    _read_clock_once(directory/'network.cpp')
    arrays = {_key(variable): _array_file(device, variable)
              for variable in device.arrays if _is_kept(variable)}
    for table in _timed_arrays(network):
        arrays[f'{table.name}.values'] = ArrayFile('<f8', table.values.size)
    return arrays, initial


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


# Every source includes the same long header; compiled once beforehand it halves the time.
_PRECOMPILED = '''
CXXFLAGS += -include objects.h
$(OBJS): objects.h.gch
objects.h.gch: $(H_SRCS)
\t$(CXX) $(filter-out -include objects.h,$(CXXFLAGS)) -x c++-header objects.h -o $@
'''


def compile_project(directory):
    """Run make in the folder of a generated project; a RuntimeError with its words if it fails."""
    (Path(directory)/'precompiled.mk').write_text(_PRECOMPILED)
    make = subprocess.run(['make', '-f', 'makefile', '-f', 'precompiled.mk',
                           f'-j{os.cpu_count()}'], cwd=directory, capture_output=True, text=True)
    if make.returncode:
        raise RuntimeError('the C++ compiler failed: ' + make.stderr.strip()[-2000:])


def refuse_python(network):
    """Raise a ValueError if a network runs Python functions, which a C++ program cannot."""
    for obj in network.objects:
        if isinstance(obj, NetworkOperation):
            raise ValueError(
                f"the network contains the network operation '{obj.name}', a Python function, "
                'and cannot become a C++ program; write it as run_regularly, or use '
                '--device numpy or cython')


# ------------------------------------------------------------------------ ending a run
_RUN = 'run_length'
_NEVER = 2_000_000_000


_STOP_CODE = '''
static inline double brian_le_stop_when(int finished)
{
    if (finished) Network::_globally_stopped = true;
    return 0;
}
'''


def _stopper(n_steps):
    """A group that ends a compiled run after ``n_steps``.

    The duration of a run is a constant of the generated code; this makes it a value that every
    launch of the binary can set.
    """
    stop = Function(None, arg_units=[1], return_unit=1, arg_types=['integer'],
                    return_type='float', stateless=False)
    stop.implementations.add_implementation(
        'cpp', _STOP_CODE, name='brian_le_stop_when', compiler_kwds={'headers': ['"network.h"']})
    group = NeuronGroup(1, 'n_steps : integer (shared, constant)\nstopped : 1 (shared)',
                        name=_RUN, namespace={'stop_when': stop})
    group.run_regularly('stopped = stop_when(int(t_in_timesteps + 1 >= n_steps))', when='after_end',
                        name=f'{_RUN}_check')
    group.n_steps = n_steps
    return group


# ------------------------------------------------------------------------ what is in a network
def _objects(network):
    return [obj for obj in network.objects if hasattr(obj, 'variables')]


def _key(variable):
    return f'{variable.owner.name}.{variable.name}'


def _is_kept(variable):
    """Whether a variable is one that users know: neither internal nor a table of two indices."""
    return (isinstance(variable, ArrayVariable) and not variable.name.startswith('_')
            and getattr(variable.owner, 'name', None) is not None
            and getattr(variable, 'ndim', 1) == 1)


def _is_state(variable):
    return not variable.read_only and isinstance(variable.owner, (NeuronGroup, Synapses))


def _array_file(device, variable):
    dynamic = isinstance(variable, DynamicArrayVariable)
    return ArrayFile(np.dtype(variable.dtype).str, None if dynamic else int(variable.size),
                     os.path.basename(device.get_array_filename(variable)), _is_state(variable))


def _timed_arrays(network):
    tables = {}
    for obj in _objects(network):
        for value in (getattr(obj, 'namespace', None) or {}).values():
            if isinstance(value, TimedArray):
                tables[value.name] = value
    return tables.values()


def _detach_values(device):
    """Take the initial values out of the main program that is to be written.

    They are left in it where code that runs before the simulation (a string expression) could
    depend on them.
    """
    runs = [args[0].name for what, args in device.main_queue if what == 'run_code_object']
    if any('_synapses_create_' not in name for name in runs):
        return {}
    by_name = {device.get_array_name(variable, access_data=False): variable
               for variable in device.arrays if _is_kept(variable) and _is_state(variable)}
    initial, kept = {}, []
    for what, args in device.main_queue:
        variable = by_name.get(args[0]) if what.startswith('set_by_') else None
        if variable is None or (what == 'set_by_single_value' and variable.size != 1):
            kept.append((what, args))
        elif what == 'set_by_array':
            initial[_key(variable)] = np.array(device.static_arrays[args[1]])
        elif what == 'set_by_constant':
            initial[_key(variable)] = np.array(args[1])
        else:
            initial[_key(variable)] = np.array(float(args[2].replace(' ', '')))
    device.main_queue[:] = kept
    return initial


def _dt(network):
    steps = {float(obj.clock.dt) for obj in network.objects if getattr(obj, 'clock', None)}
    return min(steps)*second


# ------------------------------------------------------------------------ keeping binaries
def _cache_directory():
    base = os.environ.get('XDG_CACHE_HOME') or Path.home()/'.cache'
    return Path(os.environ.get('BRIAN_LE_CACHE') or Path(base)/'brian_le')


def _fingerprint(directory):
    """A name for the binary of a project: its sources, the compiler and the processor."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob('*')):
        if path.is_file() and 'static_arrays' not in path.parts and 'results' not in path.parts:
            digest.update(f'{path.relative_to(directory)}\0'.encode())
            digest.update(path.read_bytes())
    compiler = os.environ.get('CXX', 'g++').split()
    # verbosely, the compiler says its version and what -march=native means on this machine
    answer = subprocess.run([*compiler, *get_compiler_and_args()[1], '-E', '-v', '-x', 'c++',
                             os.devnull], capture_output=True, text=True)
    digest.update((answer.stderr + sys.platform).encode())
    return digest.hexdigest()[:32]
