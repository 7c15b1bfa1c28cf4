"""Simulations that are built once and run many times.

A program is a function: it takes values of variables and a duration, and returns all variables
afterwards, with whatever its monitors recorded. The targets numpy and cython run it inside Python;
cpp_standalone compiles it once and then runs the binary, which is kept and found again as long as
the generated sources, the compiler and its flags are the same.

A run begins either as the network was composed, at time 0, or where another one ended (``state=``):
then with everything that had been there, the time, spikes on their way, recordings, tables and
random numbers included. In both cases, values that are given come on top.
"""

import errno
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.core.namespace import get_local_namespace
from brian2.core.network import Network
from brian2.core.preferences import prefs
from brian2.devices.device import reset_device, set_device
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity

from brian_le.checks import choose
from brian_le.programs import DEVICES, builds, children
from brian_le.programs.contents import (checked_values, composed, end_of_run, held, is_recording,
                                        is_state, names_for, seconds_of, time_steps, timed_arrays,
                                        units_of, variables_of)
from brian_le.programs.cpp_files import (AFTER, BEFORE, RESULTS, VALUES, digest, read_results,
                                         write_state, write_values)
from brian_le.programs.cpp_project import (RUN, floating_point, full_disk, write_project,
                                           wrong_size)
from brian_le.programs.liberties import keys_at_once, names_from_scratch
from brian_le.programs.states import (EndState, check_seed, check_state, draw_anew,
                                      numbers_of_numpy, obstacle, put_back, random_numbers,
                                      random_numbers_apart, refuse, set_random_numbers, take)
from brian_le.programs.temporary import TemporaryFolder

__all__ = ['RuntimeProgram', 'StandaloneProgram', 'build_program', 'composing', 'require_compiler']


def build_program(compose, device='cpp_standalone', say=lambda message: None,
                  precision='double'):
    """Build a program.

    Parameters
    ----------
    compose : callable or Network
        Creates all objects and returns a `brian2.Network`; it sets ``defaultclock.dt``. Inside
        Python it can be the network itself. Names in equations are looked up in the namespaces of
        the objects, and then among the global names of the function.
    device : {'cpp_standalone', 'cython', 'numpy'}
        What runs it.
    say : callable
        Called with a line of text before anything that takes more than a few seconds.
    precision : {'double', 'single'}
        The floating point numbers of all variables.

    Returns
    -------
    StandaloneProgram or RuntimeProgram
        Called as ``program(values, duration, state=None, seed=None)``.

    Raises
    ------
    ValueError
        For an unknown device, a network with Python functions in it (network operations) that is
        to be compiled, or one that was made for another device.
    RuntimeError
        If there is no C++ compiler, or if it fails.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, defaultclock, ms
    >>> from brian_le.programs import build_program
    >>> def compose():
    ...     defaultclock.dt = 1*ms
    ...     return Network(NeuronGroup(2, 'dv/dt = -v/(10*ms) : 1', method='euler', name='G'))
    >>> program = build_program(compose, 'numpy')
    >>> end = program({'G.v': [1, 2]}, 1*ms)
    >>> end['G.v']
    array([0.9, 1.8])
    >>> program({}, 1*ms, state=end)['G.v']
    array([0.81, 1.62])
    """
    choose('device', device, DEVICES)
    if device == 'cpp_standalone' and isinstance(compose, Network):
        raise ValueError(
            f"the network '{compose.name}' was made to run inside Python, and C++ is generated "
            'from what a script says as it makes the objects; give a function that makes and '
            'returns the network, or choose the device numpy or cython')
    names = get_local_namespace(1) if isinstance(compose, Network) else names_for(compose)
    if device != 'numpy':
        require_compiler(device)
    with random_numbers_apart():
        if device == 'cpp_standalone':
            return StandaloneProgram(compose, say, precision)
        if device == 'cython':
            say('generating code (the first time, Cython compiles for some minutes)')
        with _runtime(device, precision):
            return RuntimeProgram(composed(compose), device, precision, names)


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
    with names_from_scratch(), keys_at_once(), random_numbers_apart(), _runtime('numpy', precision):
        yield


def require_compiler(device):
    """Raise a RuntimeError if there is no C++ compiler (or no make) for `device`."""
    builds.require_compiler(device == 'cpp_standalone', f"device '{device}'",
                            ', or use --device numpy')


class RuntimeProgram:
    """A program that runs inside Python, see `build_program`.

    Attributes
    ----------
    state_names : list of str
        The variables of groups and synapses, which another run can be given as values.
    """

    def __init__(self, network, target, precision='double', names=None):
        self.network = network
        self.target = target
        self.precision = precision
        self.steps = time_steps(network)
        self._names = names or {}
        self._default_dt = Quantity(defaultclock.dt)
        self.variables = variables_of(network)
        self.state_names = [key for key, v in self.variables.items() if is_state(v)]
        self.tables = {f'{table.name}.values': table for table in timed_arrays(network)}
        self._units = units_of(self.variables, self.tables.values())
        self._defaults = {key: table.values.copy() for key, table in self.tables.items()}
        self._obstacle = None  # not known yet
        self._start = float(network.t)
        self._as_built = take(network), numbers_of_numpy()
        self._made_by = target, precision, digest(*(
            f'{key} {np.dtype(variable.dtype).str}' for key, variable in self.variables.items()))

    def prepare(self):
        """Generate the code, which finds wrong names and units before anything runs."""
        with self._at_work():
            self.network.run(0*second, namespace=self._names)

    def check(self, values):
        """Raise a ValueError for values that cannot be run, as far as the model says so."""
        checks = [vars(obj)['check_of_times'] for obj in self.network.objects
                  if 'check_of_times' in vars(obj)]  # Brian2 makes them as it first runs
        if checks:
            present = {key: variable.get_value() for key, variable in self.variables.items()}
            for check in checks:
                check({**present, **values})

    def __call__(self, values, duration, state=None, seed=None):
        """Run the network.

        Parameters
        ----------
        values : dict
            Values of variables and tables, by names (``'object.variable'``, ``'table.values'``), by
            the variables themselves (``group.v``), or by `brian2.TimedArray`; with units, or in
            base units. One value stands for all elements.
        duration : Quantity or int
            A time, or a number of steps of the fastest clock.
        state : EndState, optional
            What an earlier call returned, to go on from there; by default the run begins as the
            network was composed.
        seed : int, optional
            Of the random numbers from here on, as `brian2.seed` right before a run; by default they
            are those of the script, or go on with the state.

        Returns
        -------
        EndState

        Raises
        ------
        ValueError
            For values that do not fit, a state of another program, or a network that cannot go on
            exactly.
        brian2.units.DimensionMismatchError
            For values in units of something else.
        """
        duration = seconds_of(duration, self.steps)
        values = checked_values(values, self._units, self.variables)
        check_seed(seed)
        begin = self._begin_of(state)
        end_of_run(duration + (self._start if state is None else state.t), self.steps)
        with self._at_work():
            return self._run(values, duration, begin, seed)

    def _begin_of(self, state):
        """What a run begins with: objects, random numbers and tables."""
        if state is None:
            return *self._as_built, self._defaults
        check_state(state, self._made_by)
        self._refuse_obstacles()
        return *state.rest, self._defaults | state.tables

    def _refuse_obstacles(self):
        if self._obstacle is None:
            self.prepare()
            self._obstacle = obstacle(self.network, [
                code for obj in self.network.sorted_objects for code in obj.code_objects])
        refuse(self._obstacle)

    @contextmanager
    def _at_work(self):
        """Where the network runs; afterwards, it and the random numbers are as before."""
        with random_numbers_apart(), _runtime(self.target, self.precision, self._default_dt):
            try:
                yield
            finally:
                put_back(self.network, self._as_built[0])

    def _run(self, values, duration, begin, seed):
        objects, drawn, tables = begin
        put_back(self.network, objects)
        set_random_numbers(drawn)  # a run does not depend on those before it
        given = {}
        for key, table in self.tables.items():
            array = _fitting(key, values.get(key, tables[key]), table.values)
            table.values[...] = array.reshape(table.values.shape if array.size > 1 else ())
            if key in values or tables[key] is not self._defaults[key]:
                given[key] = table.values.copy()
        for key, value in values.items():
            if key not in self.tables:
                variable = self.variables[key]
                array = _fitting(key, value, variable.get_value())
                variable.set_value(array if array.size > 1 else array[0])
        self.check({})
        if seed is not None:
            draw_anew(seed)
        with np.errstate(over='ignore'):  # Brian2 compares with 1e50, even in single precision
            self.network.run(duration*second, namespace=self._names)
        found = {key: (np.array(variable.get_value()).T if is_recording(variable) else
                       np.array(variable.get_value()).ravel())
                 for key, variable in self.variables.items()}
        return EndState(found, float(self.network.t), given,
                        (take(self.network), random_numbers()), self._made_by)


def _fitting(key, value, array):
    """A value as numbers for an array: as many as that has, or one for all."""
    found = held(key, value, array.dtype)
    if found.size not in (1, array.size):
        raise wrong_size(key, found.size, array.size)
    return found


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
            project = write_project(compose, self.directory, detached=True, precision=precision)
        self._project = project
        self.arrays, self.steps = project.arrays, project.steps
        self.state_names = [key for key, array in self.arrays.items()
                            if array.is_state and key in project.units]
        self._settable = {key: self.arrays[key] for key in project.settable}
        self._results = {key: array for key, array in self.arrays.items()
                         if array.result and not key.startswith(f'{RUN}.')}
        self._made_by = 'cpp_standalone', precision, project.made_of
        self.binary = self.directory/'main'
        self.compiled = builds.build(self.directory, what=_names(self.arrays), say=say)

    def __call__(self, values, duration, state=None, seed=None):
        """Run the binary, see `RuntimeProgram`."""
        duration = seconds_of(duration, self.steps)
        values = checked_values(values, self._project.units, self.arrays)
        check_seed(seed)
        if state is not None:
            check_state(state, self._made_by)
            refuse(self._project.obstacle)
        t = duration + (self._project.start if state is None else state.t)
        self.check(values)
        return self._launch(values, t, state, seed)

    def check(self, values):
        """Raise a ValueError for values that cannot be run, as far as the model says so."""
        for check in self._project.checks:
            check(values)

    def _launch(self, values, t, state, seed):
        rest, tables = (((b'', b'', self._project.start), {}) if state is None
                        else (state.rest, state.tables))
        end = end_of_run(t, self.steps)
        given = tables | {key: value for key, value in values.items()
                          if self.arrays[key].result is None}
        values = {**tables, **values, f'{RUN}.duration': end - rest[-1]}
        if seed is not None:
            values[f'{RUN}.seed'] = seed
        with tempfile.TemporaryDirectory(prefix='run_', dir=self.directory) as folder:
            with _says_what_is_full(folder):
                if state is not None:
                    write_state(f'{folder}/state', state, rest, self._project)
                write_values(f'{folder}/{VALUES}', values, self._settable)
            run = children.run([self.binary, '--results_dir', f'{folder}/'], cwd=self.directory,
                               capture_output=True, text=True)
            self._check_sizes(run.stderr)
            if run.returncode or run.stderr:
                raise RuntimeError(f'the simulation ended with an error: {run.stderr.strip()} '
                                   f'(exit code {run.returncode})')
            found = read_results(f'{folder}/{RESULTS}', self._results)
            rest = *(Path(folder, name).read_bytes() for name in (BEFORE, AFTER)), end
        return EndState(found, t, given, rest, self._made_by)

    @staticmethod
    def _check_sizes(errors):
        """Raise if the size of a projection, known to the binary alone, is another one."""
        wrong = re.search(r"(\d+) values for '(.+)', which has (\d+)$", errors, re.M)
        if wrong:
            raise wrong_size(wrong[2], int(wrong[1]), int(wrong[3]))


@contextmanager
def _says_what_is_full(path):
    """Of a file that was not written, neither NumPy nor Python says which one, nor what helps."""
    try:
        yield
    except OSError as error:
        numbers = re.findall(r'\d+', str(error))
        if error.errno is None and len(numbers) == 2:
            raise full_disk(path, *reversed(numbers), 'numbers') from None
        if error.errno == errno.ENOSPC and error.filename is None:
            raise full_disk(path, 'a part', 'the', 'numbers') from None
        raise
