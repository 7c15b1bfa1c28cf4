"""Expressions of equations as numbers with their derivatives: forward differentiation in NumPy.

A `Dual` is the value of an expression for all neurons, with its derivatives by the variables that
it depends on, one number for each neuron. The text of an expression is evaluated as Python.
"""

import ast
from functools import lru_cache

import numpy as np

__all__ = ['Dual', 'FUNCTIONS', 'evaluate', 'names_in', 'value_of']


class Dual:
    """A value and its derivatives.

    Parameters
    ----------
    value : numpy.ndarray
        The value.
    slopes : dict of str to numpy.ndarray
        Derivatives by variables, whose names are those of the caller.
    """

    __array_ufunc__ = None  # arrays leave operations to this class

    def __init__(self, value, slopes):
        self.value, self.slopes = value, slopes

    def chained(self, value, slope):
        """A function of this: its value, and its derivative by this."""
        return Dual(value, {name: slope*own for name, own in self.slopes.items()})

    def _with(self, other, value, mine, others):
        """A function of this and another: its value, and its derivatives by both."""
        found = {name: mine*own for name, own in self.slopes.items()}
        for name, own in slopes_of(other).items():
            found[name] = found[name] + others*own if name in found else others*own
        return Dual(value, found)

    def __add__(self, other):
        return self._with(other, self.value + value_of(other), 1.0, 1.0)

    def __sub__(self, other):
        return self._with(other, self.value - value_of(other), 1.0, -1.0)

    def __mul__(self, other):
        value = value_of(other)
        return self._with(other, self.value*value, value, self.value)

    def __truediv__(self, other):
        value = value_of(other)
        return self._with(other, self.value/value, 1/value, -self.value/value**2)

    def __floordiv__(self, other):  # a constant but for where it jumps
        return np.floor_divide(self.value, value_of(other))

    def __mod__(self, other):
        return self - other*(self//other)

    def __pow__(self, other):
        value = value_of(other)
        with np.errstate(divide='ignore', invalid='ignore'):
            by_other = np.log(self.value)*self.value**value if slopes_of(other) else 0.0
        return self._with(other, self.value**value, value*self.value**(value - 1.0), by_other)

    def __neg__(self):
        return self.chained(-self.value, -1.0)

    def __pos__(self):
        return self

    def __radd__(self, other):
        return self + other

    def __rsub__(self, other):
        return -self + other

    def __rmul__(self, other):
        return self*other

    def __rtruediv__(self, other):
        return Dual(other, {})/self

    def __rfloordiv__(self, other):
        return np.floor_divide(other, self.value)

    def __rmod__(self, other):
        return other - self*(other//self)

    def __rpow__(self, other):
        return Dual(other, {})**self

    # a comparison is a constant but for where it jumps
    def __lt__(self, other):
        return self.value < value_of(other)

    def __le__(self, other):
        return self.value <= value_of(other)

    def __gt__(self, other):
        return self.value > value_of(other)

    def __ge__(self, other):
        return self.value >= value_of(other)

    def __eq__(self, other):
        return self.value == value_of(other)

    def __ne__(self, other):
        return self.value != value_of(other)

    __hash__ = None

    def __bool__(self):  # and, or, not
        return bool(self.value)


def value_of(x):
    """The value of a `Dual`, or of what has no derivatives."""
    return x.value if isinstance(x, Dual) else x


def slopes_of(x):
    """The derivatives of a `Dual`; none of anything else."""
    return x.slopes if isinstance(x, Dual) else {}


def _smooth(function, slope):
    """A function of one argument, with ``slope(x, function(x))``."""
    def apply(x):
        if not slopes_of(x):
            return function(value_of(x))
        value = function(x.value)
        return x.chained(value, slope(x.value, value))
    return apply


def _clip(x, low, high):
    if slopes_of(low) or slopes_of(high):
        raise NotImplementedError('clip() with bounds that move')
    value = value_of(x)
    inside = 1.0*((value >= value_of(low)) & (value <= value_of(high)))
    clipped = np.clip(value, value_of(low), value_of(high))
    return x.chained(clipped, inside) if slopes_of(x) else clipped


def _whole(x):
    """``int(x)``: of a comparison 0 or 1."""
    return np.trunc(1.0*np.asarray(value_of(x)))


#: The functions of Brian2 equations with a derivative.
FUNCTIONS = {
    'abs': _smooth(np.abs, lambda x, y: np.sign(x)), 'clip': _clip, 'int': _whole,
    'cos': _smooth(np.cos, lambda x, y: -np.sin(x)),
    'cosh': _smooth(np.cosh, lambda x, y: np.sinh(x)),
    'exp': _smooth(np.exp, lambda x, y: y), 'expm1': _smooth(np.expm1, lambda x, y: y + 1),
    'log': _smooth(np.log, lambda x, y: 1/x), 'log1p': _smooth(np.log1p, lambda x, y: 1/(1 + x)),
    'arctan': _smooth(np.arctan, lambda x, y: 1/(1 + x**2)),
    'floor': lambda x: np.floor(value_of(x)), 'ceil': lambda x: np.ceil(value_of(x)),
    'sign': lambda x: np.sign(value_of(x)),
    'sin': _smooth(np.sin, lambda x, y: np.cos(x)),
    'sinh': _smooth(np.sinh, lambda x, y: np.cosh(x)),
    'sqrt': _smooth(np.sqrt, lambda x, y: 0.5/y), 'tan': _smooth(np.tan, lambda x, y: 1 + y**2),
    'tanh': _smooth(np.tanh, lambda x, y: 1 - y**2),
}


@lru_cache(maxsize=4096)
def _compiled(text):
    return compile(text, '<equations>', 'eval')


@lru_cache(maxsize=4096)
def names_in(text):
    """The names in an expression, but those of the functions that it calls."""
    tree = ast.parse(text, mode='eval')
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree)
                     if isinstance(node, ast.Name) and id(node) not in called)


def evaluate(text, look_up):
    """An expression with ``look_up(name)`` for its names.

    Raises
    ------
    NotImplementedError
        For a function or an operation whose derivative is not known here, such as ``and``, ``or``
        and ``not`` of several neurons.
    """
    found = {name: look_up(name) for name in names_in(text)}
    try:
        return eval(_compiled(text), {'__builtins__': {}, **FUNCTIONS}, found)
    except NameError as error:
        raise NotImplementedError(f"{error.name}() in '{text}'") from None
    except (TypeError, ValueError) as error:
        raise NotImplementedError(f"'{text}', of which no derivative is known: {error}") from None
