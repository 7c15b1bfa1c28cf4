"""Models in a file of the user's, swept as protocols are: ``my_model.py:build``.

``build(**parameters)`` creates Brian2 objects and returns them with the time to run and a
function that scores what has come out. A Python file is loaded, and Brian2 with it.
"""

import hashlib
import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from brian2 import Network
from brian2.core.namespace import DEFAULT_UNITS
from brian2.units.allunits import amp, farad, metre, second, siemens, volt
from brian2.units.fundamentalunits import (DIMENSIONLESS, Quantity, get_unit,
                                           have_same_dimensions)

from brian_le.checks import choose
from brian_le.protocols.contents import time_step
from brian_le.protocols.results import ResultFolder
from brian_le.protocols.runner import Run, versions
from brian_le.protocols.targets import load_module
from brian_le.substrate.composition import drawn_variables

__all__ = ['Argument', 'ModelTarget']

# with the symbols of units that Brian2 only has by their full names
_UNITS = {**dict(DEFAULT_UNITS), 's': second, 'm': metre, 'V': volt, 'A': amp, 'S': siemens,
          'F': farad}


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
    >>> from brian_le.protocols.user_models import Argument
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
        self.default = default if plain else float(default)

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
                value = _quantity(value)
            except ValueError as error:
                if self.kind is type(None) and not re.match(r'\s*[-+.\d]', value):
                    return value
                raise ValueError(f"'{self.name}' is '{value}'; {error}") from None
        try:
            number = float(value)
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

    def _unreadable(self, value):
        return ValueError(f"'{self.name}' is '{value}'; give a value such as "
                          f"'{self.value(self.default)}'")


def _quantity(text):
    """A number or a quantity from a text such as ``'5 ms'`` or ``'3*nS/ms'``."""
    match = re.fullmatch(r'\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*\*?\s*(.*?)\s*', text,
                         re.I)
    if not match:
        raise ValueError("give a number, with a unit if it has one, such as '10 ms'")
    number, unit = float(match[1]), match[2]
    if not unit:
        return number
    unit = re.sub(r'^(1\s*)?/', '1/', unit)
    if not re.fullmatch(r'(1|[A-Za-z]\w*)(\*\*-?\d+)?(\s*[*/]\s*[A-Za-z]\w*(\*\*-?\d+)?)*', unit):
        raise ValueError(f"'{unit}' is not a unit")
    for name in re.findall(r'[A-Za-z]\w*', unit):
        if name not in _UNITS:  # there are thousands
            raise ValueError(f"'{name}' is not a unit of Brian2")
    return number*eval(unit, {'__builtins__': {}}, _UNITS)


def _is_plain(default):
    return isinstance(default, (bool, int, float, str, type(None))) or (
        isinstance(default, Quantity) and default.size == 1)


class ModelTarget:
    """A function ``build`` in a Python file, as a sweep sees it.

    Parameters
    ----------
    name : str
        ``'path/my_model.py:build'``.

    Raises
    ------
    ValueError
        If there is no such file, or no such function in it, or if an argument has no default.
    """

    def __init__(self, name):
        path, _, function = name.rpartition(':')
        self.name = f'{Path(path).absolute()}:{function}'
        module = load_module(path)
        self.source = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        functions = [key for key, value in vars(module).items()
                     if inspect.isfunction(value) and value.__module__ == module.__name__]
        self.build = getattr(module, choose(f"function of '{path}'", function, functions))
        arguments = inspect.signature(self.build).parameters.values()
        for argument in arguments:
            if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
                continue
            if argument.default is argument.empty and argument.name != 'seed':
                raise ValueError(f"the argument '{argument.name}' of '{function}' has no default; "
                                 'give it one, with its unit')
        self.seeded = any(argument.name == 'seed' for argument in arguments)
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
            arguments = self._variables()
            for name, value in variables.items():
                if name in self._drawn:
                    raise ValueError(f"'{name}' is drawn by the model's Substrate, and would lose "
                                     f"its imperfections; make it an argument of "
                                     f"'{self.build.__name__}'")
                values[name] = arguments[choose('variable', name, arguments)].read(value)
        return values

    def _variables(self):
        """The variables of the model as it is by default, as arguments."""
        if not hasattr(self, '_found'):
            program = self._program(self.defaults(), 0, Run('numpy')).program
            variables = program.variables
            self._drawn = drawn_variables(program.network.objects)
            self._found = {key: Argument(key, Quantity(1.0, dim=variable.dim))
                           for key, variable in variables.items()}
        return self._found

    def defaults(self):
        """The arguments as they are unless given."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def in_table(self, name):
        """Whether a parameter is a column of tables."""
        return True

    def check_values(self, runs):
        """Build the model with every value of every argument, so that errors come up at once."""
        seen = set()
        for parameters, seed in runs:
            new = {(p.name, parameters[p.name]) for p in self.parameters} - seen
            if new or not seen:
                seen |= new | {None}
                self._program(parameters, seed, Run('numpy'))

    def structure(self, parameters, seed):
        """Runs that are alike in this share a program."""
        arguments = tuple((name, value) for name, value in parameters.items() if '.' not in name)
        return (self.name, self.source, arguments, seed if self.seeded else None)

    def _program(self, parameters, seed, run):
        """The program for some arguments, with ``n_steps`` and ``score``."""
        given = {p.name: p.value(parameters[p.name]) for p in self.parameters}

        def compose():
            built = self.build(**given, **({'seed': seed} if self.seeded else {}))
            if not isinstance(built, tuple) or len(built) != 3 or not callable(built[2]):
                raise ValueError(f"'{self.name}' has to return (objects, duration, score): Brian2 "
                                 'objects, a time, and a function of the variables at the end')
            objects, duration, score = built
            if not have_same_dimensions(duration, second):
                raise ValueError(f"the duration that '{self.name}' returns is {duration}; return "
                                 'a time')
            network = objects if isinstance(objects, Network) else Network(*objects)
            n_steps = float(duration/time_step(network))
            if n_steps < 1 or abs(n_steps - round(n_steps)) > 1e-6*n_steps:
                raise ValueError(f"the duration that '{self.name}' returns is {duration}, which "
                                 f'is not a whole number of time steps of {time_step(network)}')
            return SimpleNamespace(network=network, n_steps=round(n_steps), score=score)

        return run.build_once(self.structure(parameters, seed), compose)

    def run(self, parameters, seed, device, out):
        """Run once; a `Result` with what the model scored."""
        folder = ResultFolder(out)
        description = dict(protocol=self.name, parameters=parameters, seed=seed, device=device,
                           versions=versions())
        folder.check(description)
        task = self._program(parameters, seed, Run(device))
        folder.begin(description)
        values = {name: value for name, value in parameters.items() if '.' in name}
        score = task.score(task.program(values, task.n_steps))
        if not isinstance(score, dict):
            score = {'score': score}
        arrays = {name: np.asarray(value) for name, value in score.items()}
        for name, array in arrays.items():
            if array.dtype == object:
                raise ValueError(f"the score '{name}' is {score[name]!r}; return numbers or "
                                 'arrays of numbers')
            if array.dtype.kind == 'f' and not np.isfinite(array).all():
                folder.discard()  # to continue would only lead there again
                raise FloatingPointError(f"the score '{name}' is {score[name]!r}; use other values "
                                         'of the arguments, or leave it out of the score')
        return folder.finish(arrays)
