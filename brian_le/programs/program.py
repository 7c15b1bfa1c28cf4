"""Simulations that are built once and run many times.

A program is a function: it takes values of variables and a number of steps, starts from rest at
time 0, and returns all variables afterwards, with whatever its monitors recorded (of a
`brian2.StateMonitor` indices x times). The targets numpy and cython run it inside Python;
cpp_standalone compiles it once and then runs the binary, which is kept and found again as long as
the generated sources, the compiler and its flags are the same.

Values go by ``'object.variable'``, as in ``'microcircuit_up0.w'``; tables by
``'name.values'`` for a `brian2.TimedArray`.
"""

import re
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.core.preferences import prefs
from brian2.devices.device import all_devices, reset_device, set_device
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity

from brian_le.checks import choose
from brian_le.programs import DEVICES, builds, children
from brian_le.programs.contents import (end_of_run, held, is_kept, is_recording, is_state, key_of,
                                        objects_of, time_steps, timed_arrays)
from brian_le.programs.cpp_project import (RUN, floating_point, full_disk, names_from_scratch,
                                           read_sizes, write_project, wrong_size)
from brian_le.programs.temporary import TemporaryFolder

__all__ = ['RuntimeProgram', 'StandaloneProgram', 'build_program', 'composing', 'require_compiler']


def build_program(compose, device='cpp_standalone', say=lambda message: None,
                  precision='double'):
    """Build a program.

    Parameters
    ----------
    compose : callable
        Creates all objects and returns a `brian2.Network`. It sets ``defaultclock.dt``.
    device : {'cpp_standalone', 'cython', 'numpy'}
        What runs it.
    say : callable
        Called with a line of text before anything that takes more than a few seconds.
    precision : {'double', 'single'}
        The floating point numbers of all variables.

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
    >>> from brian_le.programs.program import build_program
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
    with _random_numbers_apart():
        if device == 'cpp_standalone':
            return StandaloneProgram(compose, say, precision)
        if device == 'cython':
            say('generating code (the first time, Cython compiles for some minutes)')
        with _runtime(device, precision):
            return RuntimeProgram(compose(), device, precision)


@contextmanager
def _runtime(target, precision, dt=None):
    """Simulate inside Python on a target, and leave the settings of the user as they were."""
    set_device('runtime')
    users = prefs.codegen.target, prefs.core.stop_on_keyboard_interrupt, Quantity(defaultclock.dt)
    prefs.codegen.target = target
    prefs.core.stop_on_keyboard_interrupt = False  # half a simulation would look like a whole one
    try:
        if dt is not None:
            defaultclock.dt = dt
        with floating_point(precision):
            yield
    finally:
        (prefs.codegen.target, prefs.core.stop_on_keyboard_interrupt, defaultclock.dt) = users
        reset_device()


@contextmanager
def composing(precision='double'):
    """Create networks that are to be looked at, as a program with such numbers would have them."""
    with names_from_scratch(), _random_numbers_apart(), _runtime('numpy', precision):
        yield


@contextmanager
def _random_numbers_apart():
    """Leave the random numbers of the user as they were."""
    users = np.random.get_state()
    try:
        yield
    finally:
        _set_random_state(users)


def _set_random_state(state):
    """Go on with random numbers from a state of NumPy's, from which those of Cython come, too."""
    np.random.set_state(state)
    device = all_devices['runtime']
    # of those that Cython has drawn in advance; Brian2's own way back would use freed memory
    device.rand_buffer_index[:] = 0
    device.randn_buffer_index[:] = 0


def require_compiler(device):
    """Raise a RuntimeError if there is no C++ compiler (or no make) for `device`."""
    builds.require_compiler(device == 'cpp_standalone', f"device '{device}'",
                            ', or use --device numpy')


class RuntimeProgram:
    """A program that runs inside Python, see `build_program`.

    Attributes
    ----------
    state_names : list of str
        The variables that make up the state: what a run ends with and another can start from.
    """

    def __init__(self, network, target, precision='double'):
        self.network = network
        self.target = target
        self.precision = precision
        self.steps = time_steps(network)
        self._default_dt = Quantity(defaultclock.dt)
        self.variables = {key_of(variable): variable for obj in objects_of(network)
                          for variable in obj.variables.values() if is_kept(variable)
                          and variable.owner.name == obj.name}
        self.state_names = [key for key, v in self.variables.items() if is_state(v)]
        self.tables = {f'{table.name}.values': table for table in timed_arrays(network)}
        self._defaults = {key: table.values.copy() for key, table in self.tables.items()}
        network.store('as built')
        self._random_state = np.random.get_state()

    def prepare(self):
        """Generate the code, which finds wrong names and units before anything runs."""
        with _random_numbers_apart(), _runtime(self.target, self.precision, self._default_dt):
            self.network.run(0*second, namespace={})

    def check(self, values):
        """Raise a ValueError for values that cannot be run, as far as the model says so."""
        checks = [vars(obj)['check_of_times'] for obj in self.network.objects
                  if 'check_of_times' in vars(obj)]  # Brian2 makes them as it first runs
        if checks:
            present = {key: variable.get_value() for key, variable in self.variables.items()}
            for check in checks:
                check({**present, **values})

    def __call__(self, values, n_steps):
        return self.run(values, n_steps*self.steps[0])

    def run(self, values, duration):
        """As the program itself, for a duration in s, which may be no whole number of steps."""
        end_of_run(duration, self.steps)
        with _random_numbers_apart(), _runtime(self.target, self.precision, self._default_dt):
            return self._run(values, duration)

    def _run(self, values, duration):
        self.network.restore('as built')
        _set_random_state(self._random_state)  # a run does not depend on those before it
        for key, table in self.tables.items():
            table.values[...] = values.get(key, self._defaults[key])
        for key, value in values.items():
            if key not in self.tables:
                variable = self.variables[choose('variable', key, self.variables)]
                array = held(key, value, variable.dtype)
                if array.size not in (1, variable.get_value().size):
                    raise wrong_size(key, array.size, variable.get_value().size)
                variable.set_value(array if array.size > 1 else array[0])
        self.check({})
        with np.errstate(over='ignore'):  # Brian2 compares with 1e50, even in single precision
            self.network.run(duration*second, namespace={})
        return {key: (np.array(variable.get_value()).T if is_recording(variable) else
                      np.array(variable.get_value()).ravel())
                for key, variable in self.variables.items()}


def _names(arrays):
    """The names of the objects in a program, for the list of what is kept."""
    names = sorted({key.split('.')[0] for key in arrays} - {RUN, 'defaultclock'})
    more = f' and {len(names) - 4} more' if len(names) > 4 else ''
    return ', '.join(names[:4]) + more


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

    def __init__(self, compose, say, precision='double'):
        say('generating C++')
        # of this process, so that several of them can share a binary
        self._folder = TemporaryFolder()
        self.directory = self._folder.path
        with _says_what_is_full(self.directory):
            self.arrays, self.steps, self._checks = write_project(
                compose, self.directory, detached=True, precision=precision)
        self.state_names = [key for key, array in self.arrays.items() if array.is_state]
        self._n_growing = sum(array.number is not None for array in self.arrays.values())
        self.binary = self.directory/'main'
        self.compiled = builds.build(self.directory, what=_names(self.arrays), say=say)

    def __call__(self, values, n_steps):
        return self.run(values, n_steps*self.steps[0])

    def run(self, values, duration):
        """As the program itself, for a duration in s, which may be no whole number of steps."""
        end = end_of_run(duration, self.steps)
        self.check(values)
        self._find_sizes([key for key, value in values.items() if np.size(value) == 1])
        return self._launch(values, end)

    def check(self, values):
        """Raise a ValueError for values that cannot be run, as far as the model says so."""
        for check in self._checks:
            check(values)

    def _find_sizes(self, keys):
        """Let the binary say how large variables are that take one value for all of them."""
        unknown = [key for key in keys if key in self.arrays and self.arrays[key].size is None]
        if unknown:
            end = self._launch({}, 0)
            self.arrays |= {key: replace(self.arrays[key], size=len(end[key])) for key in unknown}

    def _launch(self, values, end):
        with tempfile.TemporaryDirectory(prefix='run_', dir=self.directory) as folder:
            folder = Path(folder)
            (folder/'static_arrays').symlink_to(self.directory/'static_arrays')
            (folder/'results').mkdir()
            (folder/'values').mkdir()
            arguments = []
            values = {**values, f'{RUN}.duration': end}
            for number, (key, value) in enumerate(values.items()):
                array = self.arrays[choose('variable', key, self.arrays)].file_array(key, value)
                with _says_what_is_full(f'{folder}/values/{number}'):
                    array.tofile(f'{folder}/values/{number}')
                arguments.append(f'{key}=values/{number}')
            run = children.run([self.binary, '--results_dir', 'results/', *arguments],
                                 cwd=folder, capture_output=True, text=True)
            self._check_sizes(run.stderr, list(values))
            if run.returncode or run.stderr:
                raise RuntimeError(f'the simulation ended with an error: {run.stderr.strip()} '
                                   f'(exit code {run.returncode})')
            sizes = read_sizes(folder/'results', self._n_growing)
            return {key: array.read(folder/'results', sizes) for key, array in self.arrays.items()
                    if array.result}

    def _check_sizes(self, errors, keys):
        """Raise if the size of a projection, known to the binary alone, is another one."""
        wrong = re.search(r"reading 'values/(\d+)': file size (\d+) does not match expected "
                          r'size (\d+)', errors)
        if wrong:
            key = keys[int(wrong[1])]
            width = np.dtype(self.arrays[key].dtype).itemsize
            raise wrong_size(key, int(wrong[2])//width, int(wrong[3])//width)
        wrong = re.search(r"(\d+) values for '(.+)', which has (\d+)$", errors, re.M)
        if wrong:
            raise wrong_size(wrong[2], int(wrong[1]), int(wrong[3]))


@contextmanager
def _says_what_is_full(path):
    """NumPy says how much of a file it has written, but neither which one nor why not all."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        numbers = re.findall(r'\d+', str(error))
        raise (full_disk(path, *reversed(numbers), 'numbers') if len(numbers) == 2
               else error) from None
