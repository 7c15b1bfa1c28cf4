"""Models in a file of the user's, swept as protocols are: ``my_model.py:build``.

``build(**parameters)`` creates Brian2 objects and returns them with the time to run and a
function that scores what has come out. A Python file is loaded, and Brian2 with it.
"""

import contextlib
import functools
import inspect
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from brian2 import Network
from brian2.devices.device import get_device
from brian2.units.allunits import second
from brian2.units.fundamentalunits import (DIMENSIONLESS, Quantity, get_unit,
                                           have_same_dimensions)

from brian_le.checks import choose
from brian_le.parameters import as_quantity
from brian_le.programs.contents import end_of_run, held, noting_reads, time_steps
from brian_le.programs.liberties import without_word_of_own_names
from brian_le.programs.program import build_program
from brian_le.protocols.parameters import rounded
from brian_le.protocols.runs.launches import built_once
from brian_le.protocols.runs.results import COLUMNS, ResultFolder
from brian_le.protocols.sweeps.divergence import diverged, integrated
from brian_le.protocols.user_files import load_module, one_line, source_of
from brian_le.substrate.composition import drawn_variables

__all__ = ['Argument', 'ModelTarget']

_OTHER_SEEDS = 5  # that are tried in place of one that a model cannot be built with


class Argument:
    """A parameter of a user's model: an argument of ``build``, or a variable of its objects.

    Values are kept as numbers in SI units; what they are follows from the default.

    Parameters
    ----------
    name : str
        Its name.
    default : object
        Its value unless given.

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le.protocols.sweeps.user_models import Argument
    >>> tau = Argument('tau', 10*ms)
    >>> tau.read('5 ms'), tau.unit, tau.value(0.005)
    (0.005, 's', 5. * msecond)
    """

    def __init__(self, name, default):
        self.name = name
        self.dimensions = getattr(default, 'dim', DIMENSIONLESS)
        plain = isinstance(default, (bool, int, str, type(None)))
        self.kind = type(default) if plain else float
        self.unit = ('' if self.dimensions is DIMENSIONLESS
                     else str(get_unit(self.dimensions)))
        self.default = default if plain else self._number(default)

    def read(self, value):
        """A plain value from a text, a number or a quantity; a ValueError if it does not fit."""
        if value is None or self.kind is str:
            return value if value is None else str(value)
        text = str(value).lower()
        if text in ('true', 'false') and self.kind in (bool, type(None)):
            return text == 'true'
        if self.kind is bool or isinstance(value, bool):
            raise self._unreadable(value)
        given = value
        if isinstance(value, str):
            try:
                value = as_quantity(value)
            except ValueError as error:
                if self.kind is type(None) and not re.match(r'\s*[-+.\d]', value):
                    return value
                raise ValueError(f"'{self.name}' is '{value}'; {error}") from None
        try:
            number = self._number(value)
        except (TypeError, ValueError):
            raise self._unreadable(value) from None
        if not have_same_dimensions(value, Quantity(1, dim=self.dimensions)):
            needed = f'is in units of {self.unit}' if self.unit else 'has no unit'
            raise ValueError(f"'{self.name}' is '{given}', but it {needed}")
        if not np.isfinite(number):
            raise ValueError(f"'{self.name}' is {value}; give a finite number")
        if self.kind is int:
            if number != round(number):
                raise ValueError(f"'{self.name}' is {value}; give a whole number")
            return round(number)
        return number

    def value(self, plain):
        """What ``build`` is given for a plain value."""
        return plain if not self.unit else Quantity(plain, dim=self.dimensions)

    def _number(self, value):
        """A number in SI units, the same for 3 nS as for 3e-9 siemens."""
        return rounded(float(value)) if self.unit else float(value)

    def _unreadable(self, value):
        hint = ('true or false' if self.kind is bool
                else f"a value such as '{self.value(self.default)}'")
        return ValueError(f"'{self.name}' is '{value}'; give {hint}")


def _example(variable):
    """A value of the kind that a variable has."""
    kind = np.dtype(variable.dtype).kind
    return False if kind == 'b' else 1 if kind in 'iu' else Quantity(1.0, dim=variable.dim)


def _is_plain(default):
    return isinstance(default, (bool, int, float, str, type(None))) or (
        isinstance(default, Quantity) and default.size == 1)


class ModelTarget:
    """A function in a Python file, ``'path/my_model.py:build'``, as a sweep sees it."""

    def __init__(self, name):
        path, _, function = name.rpartition(':')
        self.path = Path(path).absolute()
        self.name = f'{self.path.name}:{function}'  # a study may be moved with its files
        module = load_module(path)
        self.source = source_of(path)
        functions = [key for key, value in vars(module).items()
                     if inspect.isfunction(value) and value.__module__ == module.__name__]
        self.build = vars(module)[choose(f"function of '{path}'", function, functions)]
        arguments = inspect.signature(self.build).parameters.values()
        for argument in arguments:
            if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
                continue
            if argument.default is argument.empty and argument.name != 'seed':
                raise ValueError(f"the argument '{argument.name}' of '{function}' has no default; "
                                 'give it one, with its unit')
        self.seeded = any(argument.name == 'seed' for argument in arguments)
        self._defaults = {argument.name: argument.default for argument in arguments
                          if argument.default is not argument.empty}
        # others keep their defaults
        self.parameters = [Argument(argument.name, argument.default) for argument in arguments
                           if argument.name != 'seed' and _is_plain(argument.default)]

    def read(self, given):
        """All parameters as plain values; a ValueError for a wrong name or value."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if '.' not in name:
                choose(f"argument of '{self.build.__name__}'", name, known)
        values = {name: known[name].read(given[name]) if name in given else known[name].default
                  for name in known}
        variables = {name: given[name] for name in given if '.' in name}
        if variables:
            arguments = self._variables
            for name, value in variables.items():
                argument, dtype = arguments[choose('variable', name, arguments)]
                values[name] = argument.read(value)
                held(name, values[name], dtype)
        return values

    @functools.cached_property
    def _variables(self):
        """The variables of the model as it is by default, as arguments, and their types."""
        program = self._program(self.defaults(), 0, 'numpy').program
        return {key: (Argument(key, _example(program.variables[key])), program.variables[key].dtype)
                for key in program.state_names}

    def defaults(self):
        """The arguments as they are unless given."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def check_values(self, runs, quiet):
        """Build the model with every value of every argument, so that errors come up at once."""
        seen, chosen = set(), []
        for parameters, seed in runs:
            new = {(p.name, parameters[p.name]) for p in self.parameters} - seen
            if new or not chosen:
                seen |= new
                chosen.append((parameters, seed))
        if chosen:
            if not quiet:
                print(f"checking '{self.name}' with {len(chosen)} "
                      f"combination{'s' if len(chosen) > 1 else ''} of its arguments ...",
                      file=sys.stderr, flush=True)
        for parameters, seed in chosen:
            error = self._error(parameters, seed)
            # where another seed is fine, it is a bad draw, and a failure of this run alone
            if error is not None and not (self.seeded and any(
                    self._error(parameters, other) is None
                    for other in range(seed + 1, seed + 1 + _OTHER_SEEDS))):
                raise error

    def _error(self, parameters, seed):
        """What is wrong with some arguments and a seed; None if they can be run."""
        try:
            task = self._program(parameters, seed, 'numpy')
            self._check_variables(parameters, task)
            with self._errors_on_one_line(parameters, seed):
                task.program.prepare()
                task.program.check({name: parameters[name] for name in parameters if '.' in name})
        except ValueError as error:
            return error

    def _check_variables(self, parameters, task):
        """Raise a ValueError if a variable cannot be given a value in this model."""
        for name in parameters:
            if name in task.drawn:
                raise ValueError(f"'{name}' is drawn by the model's Substrate, and would lose its "
                                 f"imperfections; make it an argument of '{self.build.__name__}'")
            if name in task.reads:
                raise ValueError(f"'{name}' is read by {task.reads[name]} in "
                                 f"'{self.build.__name__}', and what comes of it would not follow "
                                 'the value that is given; make it an argument of '
                                 f"'{self.build.__name__}'")

    def _program(self, parameters, seed, device):
        """The model of some arguments with its ``program``, ``duration``, ``score``, and so on."""
        arguments = tuple((name, value) for name, value in parameters.items() if '.' not in name)
        key = (str(self.path), self.name, self.source, arguments, seed if self.seeded else None,
               device)

        def build():
            built = []

            def compose():
                built.append(self._compose(parameters, seed))
                return built[-1].network

            program = build_program(compose, device)
            built[-1].program = program
            return built[-1]

        return built_once(key, build)

    def _compose(self, parameters, seed):
        given = {p.name: p.value(parameters[p.name]) for p in self.parameters}
        given |= {'seed': seed} if self.seeded else {}
        np.random.seed(seed)  # of what build draws, and equations inside Python
        if self.seeded:
            get_device().seed(seed)
        with self._errors_on_one_line(parameters, seed), noting_reads() as reads:
            built = self.build(**given)
        if not isinstance(built, tuple) or len(built) != 3 or not callable(built[2]):
            raise ValueError(f"'{self.name}' has to return (objects, duration, score): Brian2 "
                             'objects, a time, and a function of the variables at the end')
        objects, duration, score = built
        names = {**self.build.__globals__, **self._defaults, **given}
        with self._errors_on_one_line(parameters, seed):
            network = _ModelNetwork(objects, names)
        if not network.objects:
            raise ValueError(f"'{self.name}' returns no objects; return all that are to run")
        what = f"the duration that '{self.name}' returns is {duration!r}"
        if getattr(duration, 'dim', None) != second.dim or duration.size != 1:
            raise ValueError(f'{what}; return a time, such as 10*ms')
        duration, steps = float(duration), time_steps(network)
        if not 0 < duration < np.inf:
            raise ValueError(f'{what}; return a time above zero')
        if all(abs(duration/dt - round(duration/dt)) > 1e-4 for dt in steps):
            raise ValueError(f'{what}, which is not a whole number of time steps of '
                             f'{steps[0]*second}')
        end_of_run(duration, steps)
        return SimpleNamespace(network=network, duration=duration, score=score, reads=reads,
                               drawn=drawn_variables(network.objects))

    @contextlib.contextmanager
    def _errors_on_one_line(self, parameters, seed, what=''):
        """Turn what goes wrong in the user's file into a ValueError that says with what values."""
        try:
            yield
        except Exception as error:
            text = one_line(error, self.path.parent)
            shown = [f'{p.name}={p.value(parameters[p.name])}' for p in self.parameters
                     if parameters[p.name] != p.default]
            shown += [f'{name}={value}' for name, value in parameters.items() if '.' in name]
            values = ', '.join(shown + ([f'seed={seed}'] if self.seeded else []))
            if 'could not be resolved' in text:
                text += (f"; names in equations are arguments of '{self.build.__name__}', names "
                         'of its file, or in the namespace of the object')
            raise ValueError(f"{what}'{self.name}' failed{f' with {values}' if values else ''}: "
                             f'{text}') from error

    def run(self, parameters, seed, device, out):
        """Run once; a `Result` with what the model scored."""
        folder = ResultFolder(out)
        description = dict(protocol=self.name, parameters=parameters, seed=seed, device=device,
                           source=self.source)
        folder.check(description)
        task = self._program(parameters, seed, device)
        self._check_variables(parameters, task)
        folder.begin(description)
        values = {name: value for name, value in parameters.items() if '.' in name}
        found = _Variables(task.program(values, task.duration*second))
        wrong = diverged(found, lambda: task.program(values, 0), integrated(task.network))
        if wrong:
            folder.discard()  # to continue would only lead there again
            raise FloatingPointError(f'{wrong}; use other values of the arguments, or shorter '
                                     'time steps')
        with self._errors_on_one_line(parameters, seed, 'the score of '):
            score = task.score(found)
        if not isinstance(score, dict):
            score = {'score': score}
        for name in score:
            if name in COLUMNS or name in parameters:
                raise ValueError(f"a score is called '{name}', as another column of the table; "
                                 'give it another name')
        arrays = {name: np.asarray(value) for name, value in score.items()}
        for name, array in arrays.items():
            if array.dtype.kind not in 'biuf':
                raise ValueError(f"the score '{name}' is {score[name]!r}; return numbers or "
                                 'arrays of numbers')
            if not np.isfinite(array).all():
                folder.discard()  # to continue would only lead there again
                raise FloatingPointError(f"the score '{name}' is {_shown(array)}; use other "
                                         'values of the arguments, or leave it out of the score')
        return folder.finish(arrays)


def _shown(array):
    """A score, or the first value of it that is not finite."""
    bad = array[~np.isfinite(array)]
    return f'{bad.flat[0]:g}' if array.ndim == 0 else f'{bad.flat[0]:g} in places'


class _Variables(dict):
    """The variables at the end, by ``'object.variable'``; a ValueError for another name."""

    def __missing__(self, key):
        choose('variable', key, self)


class _ModelNetwork(Network):
    """A network whose equations may use the arguments of ``build``, and the names of its file."""

    def __init__(self, objects, names):
        super().__init__(objects.objects if isinstance(objects, Network) else objects)
        if isinstance(objects, Network):
            self.schedule = objects.schedule
        self._names = names

    def before_run(self, run_namespace):
        # an argument that gives a variable its value often has the name of the variable
        with without_word_of_own_names():
            super().before_run({**run_namespace, **self._names})
