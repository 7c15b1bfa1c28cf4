"""How a parameter stands in equation text: bound to a value, or as a variable of the group."""

import re

import numpy as np
from brian2.core.namespace import DEFAULT_UNITS
from brian2.equations.equations import EquationError, Equations
from brian2.units.allunits import amp, farad, hertz, metre, second, siemens, volt
from brian2.units.fundamentalunits import (DimensionMismatchError, Quantity,
                                           fail_for_dimension_mismatch, have_same_dimensions)
from brian2.units.stdunits import ms

__all__ = ['as_quantity', 'as_text', 'equations_of', 'parameter', 'quantity', 'unit_text']

_FLAGS = {'constant', 'shared', 'linked', 'constant over dt'}
_EXAMPLES = {second: 'a time, such as 10*ms', hertz: 'a rate, such as 0.1/ms'}
# with the symbols of units that Brian2 only has by their full names
_UNITS = {**dict(DEFAULT_UNITS), 's': second, 'm': metre, 'V': volt, 'A': amp, 'S': siemens,
          'F': farad}
_BASE_UNITS = {'metre': 'm', 'kilogram': 'kg', 'second': 's', 'amp': 'A', 'kelvin': 'K',
               'mole': 'mol', 'candela': 'cd'}


def parameter(name, value, unit, check, bound_flags=''):
    """The line of equations for one parameter.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : Quantity, float or str
        A value, which is bound in the text (``name = value : unit``), or the flags of a
        variable (``name : unit (flags)``), which may be none (``''``).
    unit : Unit or None
        `brian2.second`, `brian2.hertz`, or None for a number without unit.
    check : callable
        Called as ``check(name, value)`` for a value that is to be bound.
    bound_flags : str
        Flags of the line that binds a value (``'shared'`` in synapses).

    Returns
    -------
    str

    Raises
    ------
    ValueError
        What `check` raises.
    brian2.units.DimensionMismatchError
        If the value has another unit.

    Examples
    --------
    >>> from brian2 import ms, second
    >>> from brian_le.checks import check_positive
    >>> from brian_le.parameters import parameter
    >>> parameter('tau_m', 10*ms, second, check_positive)
    'tau_m = 10.0*ms : second'
    >>> parameter('tau_m', 'constant', second, check_positive)
    'tau_m : second (constant)'
    """
    if isinstance(value, str):
        if unknown := [flag for flag in value.split(',') if value and flag.strip() not in _FLAGS]:
            raise ValueError(f"{name} is '{value}'; give a value with its unit, or the flags of a "
                             "variable: 'constant' or 'shared, constant', not "
                             f"'{unknown[0].strip()}'")
        return f'{name} : {unit_text(unit)}' + (f' ({value})' if value else '')
    if quantity(name, value, unit).ndim:
        raise ValueError(f"{name} is {value}; give one value, or 'constant' for a variable that "
                         'has one for each neuron')
    check(name, value)
    flags = f' ({bound_flags})' if bound_flags else ''
    return f'{name} = {as_text(value)} : {unit_text(unit)}{flags}'


def quantity(name, value, unit, owner=''):
    """A number, or an array of them, with its unit.

    Parameters
    ----------
    name : str
        Its name, for messages.
    value : Quantity, float or array_like
        The value.
    unit : Unit or None
        Its unit; None for a number without unit.
    owner : str
        Whose it is.

    Returns
    -------
    Quantity

    Raises
    ------
    ValueError
        If it is no number.
    brian2.units.DimensionMismatchError
        If it has another unit.
    """
    whose = f' of {owner}' if owner else ''
    try:
        is_number = np.asarray(value).dtype.kind in 'iuf'
    except ValueError:  # parts of different lengths
        is_number = False
    example = next((example for known, example in _EXAMPLES.items()
                    if unit is not None and known.dim is unit.dim),
                   'a number' if unit is None or unit.is_dimensionless else f'a value in {unit!r}')
    wrong_unit = f"'{name}'{whose} has the wrong unit: it is {{}}; give {example}".format
    if value is None and unit is not None and not unit.is_dimensionless:  # which has none at all
        raise DimensionMismatchError(wrong_unit(value), unit.dim)
    if not is_number:
        raise ValueError(f'{name}{whose} is {value!r}; give {example}')
    value = Quantity(value, dtype=float)
    fail_for_dimension_mismatch(value, 1 if unit is None else unit, wrong_unit(value))
    return value


def equations_of(lines):
    """Equations of some lines; a ValueError if they do not go together, such as for equal names."""
    try:
        return Equations('\n'.join(lines))
    except (EquationError, SyntaxError) as error:
        said = ' '.join(str(error).split())
        raise ValueError(f'these equations cannot be: {said}. Give other names or expressions to '
                         'what you have named') from None


def unit_text(unit):
    """A unit as it stands in equations; None is a number without unit."""
    if unit is None or unit.is_dimensionless:
        return '1'
    named = next((plain for plain in (second, hertz) if unit.dim is plain.dim), unit)
    if repr(named).isalpha():
        return repr(named)
    # equations know names of units, but not all that Brian2 calls a unit: amp/(volt**2), volt2
    exponents = {base: unit.dim.get_dimension(base) for base in _BASE_UNITS.values()}
    return '*'.join(name if exponents[base] == 1 else f'{name}**{exponents[base]:g}'
                    for name, base in _BASE_UNITS.items() if exponents[base])


def as_text(value):
    """A time or conductance in ms or 1/ms where this loses no digit, else in base units.

    Parameters
    ----------
    value : Quantity or float
        The value.

    Returns
    -------
    str
        An expression in the language of equations.

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le.parameters import as_text
    >>> as_text(0.03/ms)
    '0.03/ms'
    """
    number = float(value)
    if have_same_dimensions(value, second):
        per_ms = number/float(ms)
        return f'{per_ms!r}*ms' if per_ms*float(ms) == number else f'{number!r}*second'
    if have_same_dimensions(value, hertz):
        per_ms = number*float(ms)
        return f'{per_ms!r}/ms' if per_ms/float(ms) == number else f'{number!r}*hertz'
    return repr(number)


def as_quantity(text):
    """A number or a quantity from a text such as ``'5 ms'`` or ``'3*nS/ms'``.

    Parameters
    ----------
    text : str
        A number, with or without units.

    Returns
    -------
    float or Quantity

    Raises
    ------
    ValueError
        If it does not begin with a number, or has something that is no unit behind it.

    Examples
    --------
    >>> from brian_le.parameters import as_quantity
    >>> as_quantity('3*nS/ms'), as_quantity('0.5')
    (3. * nsiemens / msecond, 0.5)
    """
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
