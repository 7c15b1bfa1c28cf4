"""Checks of what users give, with messages that name the object, the value and the remedy.

This module does not import Brian2.
"""

import difflib
import keyword
import numbers
import re

import numpy as np

__all__ = ['choose', 'check_array', 'check_flag', 'check_finite', 'check_name',
           'check_not_negative', 'check_positive', 'check_variable', 'whole_number']


def choose(kind, name, valid):
    """Return `name` if it is one of `valid`, else raise a ValueError that gives the nearest one.

    Parameters
    ----------
    kind : str
        What is chosen, for the message: ``'activation'``, ``'parameter of bars'``.
    name : str
        The name to look up.
    valid : iterable of str
        The valid names.

    Raises
    ------
    ValueError
        If `name` is not valid.

    Examples
    --------
    >>> from brian_le.checks import choose
    >>> choose('activation', 'tahn', ['tanh', 'relu'])
    Traceback (most recent call last):
    ...
    ValueError: unknown activation: 'tahn'; did you mean 'tanh'? Valid: relu, tanh
    """
    valid = list(dict.fromkeys(valid))
    if name in valid:
        return name
    near = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else '.'
    raise ValueError(f"unknown {kind}: '{name}'{hint} Valid: {', '.join(sorted(valid))}")


def check_array(name, values, shape, dtype=float):
    """Return `values` as a finite array of the given shape.

    Parameters
    ----------
    name : str
        What it is, for the message.
    values : array_like
        The values.
    shape : tuple of int or None
        The required shape; None stands for any length.
    dtype : type
        The type of the elements.

    Raises
    ------
    ValueError
        If the shape is another one, or a value is NaN or infinite.
    """
    try:
        array = np.asarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{name}: {error}') from None
    wanted = tuple('any' if n is None else n for n in shape)
    if array.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, array.shape)):
        raise ValueError(f'{name} has shape {array.shape}, but {wanted} is needed')
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        raise ValueError(f'{name} contains {array[index]} at index {index}; give finite values')
    return array


def check_positive(name, value):
    """Raise a ValueError unless `value` (a number or a quantity) is finite and above zero."""
    if not (_is_finite(value) and np.all(np.asarray(value) > 0)):
        raise ValueError(f'{name} is {value}; it has to be finite and positive')


def check_not_negative(name, value):
    """Raise a ValueError unless `value` (a number or a quantity) is finite and not below zero."""
    if not (_is_finite(value) and np.all(np.asarray(value) >= 0)):
        raise ValueError(f'{name} is {value}; it has to be finite and not negative')


def _is_finite(value):
    try:
        return np.all(np.isfinite(value))
    except TypeError:  # no number
        return False


def whole_number(what, value):
    """A number of things as an int; a ValueError if it is not a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or (
            not float(value).is_integer() or value < 1):
        raise ValueError(f'{what}={value!r}; give a whole number of at least 1')
    return int(value)


def check_finite(name, value):
    """Raise a ValueError unless `value` is a finite number, which may be negative."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real) or (
            not np.isfinite(value)):
        raise ValueError(f'{name} is {value!r}; give a finite number')


def check_flag(name, value):
    """A choice between two as a bool; a ValueError if it is neither True or False nor 1 or 0.

    Examples
    --------
    >>> from brian_le.checks import check_flag
    >>> check_flag('bias', 'no')
    Traceback (most recent call last):
    ...
    ValueError: bias is 'no'; give True or False
    """
    if not isinstance(value, (np.bool_, numbers.Integral)) or value not in (0, 1):
        raise ValueError(f'{name} is {value!r}; give True or False')
    return bool(value)


def check_name(what, name):
    """The name of an object; a ValueError if Brian2 could not use it in code."""
    if not isinstance(name, str) or not re.fullmatch('[A-Za-z][A-Za-z0-9_]*', name):
        raise ValueError(f'the name of {what} is {name!r}; give letters, digits and underscores, '
                         'beginning with a letter')
    return name


def check_variable(role, name, remedy=''):
    """The name of a variable of equations; a ValueError if it could not be one."""
    if not isinstance(name, str) or not re.fullmatch('[A-Za-z][A-Za-z0-9_]*', name) or (
            keyword.iskeyword(name)):
        raise ValueError(f"{role} is {name!r}, which is no name of a variable; give one such as "
                         f"'v_in'{remedy}")
    if re.search('_(pre|post)$', name):
        raise ValueError(f"{role} is '{name}'; leave out '_{name.rpartition('_')[2]}', which "
                         'synapses add themselves')
    return name
