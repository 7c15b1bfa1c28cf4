"""Parameters of protocols: names, units, defaults and ranges, and how they are read.

This module does not import Brian2. Values are plain numbers in the unit that a parameter
declares; texts (``'1ms'``, ``'0.5 s'``) and Brian2 quantities are converted to it.
"""

import math
import re
from dataclasses import dataclass
from types import SimpleNamespace

from brian_le.checks import choose

__all__ = ['Folder', 'Parameter', 'read_parameters', 'rounded', 'steps_per_pattern']

# in seconds, or per second
_UNITS = {'ms': {'s': 1e3, 'second': 1e3, 'ms': 1.0, 'msecond': 1.0, 'us': 1e-3, 'usecond': 1e-3},
          '1/ms': {'/ms': 1.0, '1/ms': 1.0, 'kHz': 1.0, 'Hz': 1e-3, '/s': 1e-3, '1/s': 1e-3},
          '': {'': 1.0}}
_SECONDS = {'ms': 1e-3, '1/ms': 1e3}
_NUMBER = re.compile(r'\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*\*?\s*(.*?)\s*', re.I | re.ASCII)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a protocol.

    Parameters
    ----------
    name : str
        Its name.
    default : float, int, str or None
        Its value unless given, in `unit`. None is a value that follows from others, read and
        shown as ``auto``.
    summary : str
        What it is, in one line.
    unit : {'', 'ms', '1/ms'}
        Unit of the number.
    minimum, maximum : float
        Range of the number, with its ends.
    choices : tuple of str
        The valid texts, for a parameter that is not a number.
    named : tuple of tuple
        Numbers that are no amounts, each with a word for what it means: ``((0, 'unlimited'),)``.
        In figures they stand apart from the others.

    Examples
    --------
    >>> from brian_le.protocols.parameters import Parameter
    >>> p = Parameter('t_pattern', 10.0, 'time of one presentation', unit='ms', minimum=0.1)
    >>> p.read('1 ms'), p.read('0.02s'), p.show(0.5)
    (1.0, 20.0, '0.5 ms')
    """

    name: str
    default: object
    summary: str
    unit: str = ''
    minimum: float = -math.inf
    maximum: float = math.inf
    choices: tuple = ()
    named: tuple = ()

    def read(self, value):
        """The value of the parameter from a text, a number or a quantity.

        Raises
        ------
        ValueError
            If it is not of the kind of the parameter, has a wrong unit, or is out of range.
        """
        if self.choices:
            if str(value) in ('True', 'False'):
                value = str(value).lower()
            return choose(f"value of '{self.name}'", value, self.choices)
        if self.default is None and value in (None, 'auto'):
            return None
        number = self._number(value)
        if isinstance(self.default, int) and number == round(number):
            number = round(number)
        elif isinstance(self.default, int):
            raise ValueError(f"'{self.name}' is {value}; give a whole number")
        if not self.minimum <= number <= self.maximum:
            limit = (f'at least {self.show(self.minimum)}' if number < self.minimum
                     else f'at most {self.show(self.maximum)}')
            raise ValueError(f"'{self.name}' is {self.show(number)}; it has to be {limit}")
        return number

    def _number(self, value):
        """A finite number in the unit of the parameter."""
        try:
            number = self._converted(value)
        except OverflowError:  # a whole number with hundreds of digits
            number = math.inf
        except (TypeError, ValueError, KeyError):
            example = self.show(self.default if self.default is not None else 1.0)
            raise ValueError(f"'{self.name}' is '{value}'; give a value such as "
                             f"'{example}'") from None
        if not math.isfinite(number):
            raise ValueError(f"'{self.name}' is {str(value):.40}; give a finite number")
        return number

    def _converted(self, value):
        if isinstance(value, str):
            match = _NUMBER.fullmatch(value)
            if not match:
                raise ValueError
            factor = _UNITS[self.unit][match[2]] if match[2] else 1
            return float(match[1]) if factor == 1 else rounded(float(match[1])*factor)
        if hasattr(value, 'dim'):  # a quantity of Brian2
            expected = {'ms': 1, '1/ms': -1, '': None}[self.unit]
            if (value.size != 1 or value.dim.get_dimension('time') != expected
                    or sum(map(abs, value.dim._dims)) != 1):
                raise ValueError
            return rounded(float(value)/_SECONDS[self.unit])
        if isinstance(value, bool):
            raise TypeError
        return float(value)

    def show(self, value):
        """The value as a text that `read` understands."""
        if value is None:
            return 'auto'
        if isinstance(value, str):
            return value
        short = f'{value:g}'
        return f"{short if float(short) == value else f'{value:.12g}'} {self.unit}".strip()


class Folder(Parameter):
    """A parameter that is a folder of the user's, and has to be given.

    Parameters
    ----------
    name : str
        Its name.
    summary : str
        What has to be in it, in one line.
    find : callable, optional
        Raises a ValueError if a folder lacks any of it.

    Examples
    --------
    >>> from brian_le.protocols.parameters import Folder
    >>> Folder('data', 'the files of the data set').read('downloads/mnist')
    'downloads/mnist'
    """

    def __init__(self, name, summary, find=lambda folder: None):
        super().__init__(name, None, summary)
        object.__setattr__(self, 'find', find)  # of a frozen dataclass

    def read(self, value):
        if value is None or not str(value):
            raise ValueError(f"'{self.name}' is missing; give --{self.name} FOLDER, with "
                             f'{self.summary}')
        return str(value)

    def show(self, value):
        return 'none' if value is None else value


def rounded(number):
    """A number that was converted from another unit, the same for 700 us as for 0.0007 s.

    Examples
    --------
    >>> from brian_le.protocols.parameters import rounded
    >>> 700*1e-3, rounded(700*1e-3)
    (0.7000000000000001, 0.7)
    """
    return float(f'{number:.12g}')


def read_parameters(protocol, declared, given):
    """All parameters of a protocol by name, from those that differ from the defaults.

    A ValueError for an unknown name (the message has the nearest one) or an invalid value.
    """
    names = [parameter.name for parameter in declared]
    for name in given:
        choose(f"parameter of '{protocol}'", name, names)
    return SimpleNamespace(**{p.name: p.read(given.get(p.name, p.default)) for p in declared})


def steps_per_pattern(p):
    """How many ``dt`` a presentation of ``t_pattern`` has; a ValueError if these are not whole.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from brian_le.protocols.parameters import steps_per_pattern
    >>> steps_per_pattern(SimpleNamespace(t_pattern=0.3, dt=0.1))
    3
    """
    steps = p.t_pattern/p.dt
    if abs(steps - round(steps)) > 1e-6 or round(steps) < 1:
        raise ValueError(f"'t_pattern' is {p.t_pattern:g} ms, which is not a whole number of time "
                         f"steps; give a multiple of 'dt', {p.dt:g} ms")
    return round(steps)
