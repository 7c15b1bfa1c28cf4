"""Activation functions and their derivatives as Brian2 equation text.

Each activation is a pair of expressions in one variable. They use only functions that every
code generation target of Brian2 has, and are finite at any finite input. This module does not
import Brian2.
"""

import re
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from brian_le.checks import choose

__all__ = ['Activation', 'ACTIVATIONS', 'get_activation']


@dataclass(frozen=True)
class Activation:
    """An activation function phi and its derivative phi', as expressions in ``x``.

    Parameters
    ----------
    name : str
        The name under which `get_activation` finds it.
    expression : str
        phi(x), dimensionless, in the language of Brian2 equations.
    derivative_expression : str
        phi'(x), likewise.
    summary : str
        What it is, in a few words.

    Raises
    ------
    ValueError
        If an expression is none in ``x``, with the functions of Brian2 equations and without units.

    Examples
    --------
    One of your own, which goes wherever a name goes:

    >>> from brian2 import NeuronGroup
    >>> from brian_le import Activation, point_neuron
    >>> elu = Activation('elu', 'clip(x, 0, inf) + exp(clip(x, -inf, 0)) - 1',
    ...                  'exp(clip(x, -inf, 0))', 'exponential linear unit')
    >>> elu.rates([-1, 0, 2]).round(3)
    array([-0.632,  0.   ,  2.   ])
    >>> G = NeuronGroup(3, point_neuron(elu))

    Those of the package:

    >>> from brian_le import get_activation
    >>> get_activation('tanh').phi('u_prosp')
    'tanh(u_prosp)'
    >>> get_activation('tanh').derivative('a + b')
    '1 - tanh((a + b))**2'
    """

    name: str
    expression: str
    derivative_expression: str
    summary: str = ''

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"an activation is called {self.name!r}; give a name such as 'elu'")
        for what in ('expression', 'derivative_expression'):
            text = getattr(self, what)
            if not isinstance(text, str) or not text:
                raise ValueError(f"the {what} of activation '{self.name}' is {text!r}; give one in "
                                 "x, such as 'tanh(x)'")
            _function(self.name, text)

    def phi(self, argument):
        """The text of phi(argument)."""
        return _insert(self.expression, argument)

    def derivative(self, argument):
        """The text of phi'(argument)."""
        return _insert(self.derivative_expression, argument)

    def rates(self, potentials):
        """phi of an array of numbers, computed by NumPy in their precision."""
        return _function(self.name, self.expression)(_numbers(potentials))

    def slopes(self, potentials):
        """phi' of an array of numbers, likewise."""
        return _function(self.name, self.derivative_expression)(_numbers(potentials))


# the functions and constants of Brian2 equations that NumPy has under the same names
_NAMES = {name: getattr(np, name) for name in (
    'abs', 'arccos', 'arcsin', 'arctan', 'ceil', 'clip', 'cos', 'cosh', 'e', 'exp', 'expm1',
    'floor', 'inf', 'log', 'log10', 'log1p', 'pi', 'sign', 'sin', 'sinh', 'sqrt', 'tan', 'tanh')}


@lru_cache
def _function(activation, expression):
    """The text of an expression in ``x`` as a function of an array."""
    try:
        compiled = eval(f'lambda x, int: {expression}', {'__builtins__': {}, **_NAMES})
        _evaluate(compiled, np.array([0.25, 0.5]))
    except Exception as error:
        raise ValueError(f"activation '{activation}': NumPy cannot evaluate '{expression}': "
                         f'{error}') from None
    return partial(_evaluate, compiled)


def _numbers(potentials):
    values = np.asarray(potentials)
    return values if values.dtype.kind == 'f' else values.astype(float)


def _evaluate(compiled, x):
    # int gives the precision of x, because products with integers would be in double precision
    value = compiled(x, lambda v: v.astype(x.dtype) if v.dtype == bool else np.trunc(v))
    return np.broadcast_to(np.asarray(value, x.dtype), x.shape)


def _insert(expression, argument):
    if not re.fullmatch(r'\w+', argument):
        argument = f'({argument})'
    return re.sub(r'\bx\b', argument, expression)


_LOGISTIC = '0.5*(1 + tanh(0.5*x))'  # unlike 1/(1 + exp(-x)), never overflows

#: All activations by name.
ACTIVATIONS = {a.name: a for a in (
    Activation('softplus', 'log(1 + exp(-abs(x))) + clip(x, 0, inf)', _LOGISTIC,
               'log(1 + exp(x)) to 1e-16, without overflow'),
    Activation('soft_relu',
               'int(x >= -15)*int(x < 15)*log(1 + exp(clip(x, -15, 15))) + int(x >= 15)*x',
               f'int(x >= -15)*int(x < 15)*{_LOGISTIC} + int(x >= 15)',
               "softplus as the LE paper's microcircuit code has it: 0 below -15, x from 15 on"),
    Activation('tanh', 'tanh(x)', '1 - tanh(x)**2', 'hyperbolic tangent'),
    Activation('logistic', _LOGISTIC, '0.25*(1 - tanh(0.5*x)**2)', '1/(1 + exp(-x))'),
    Activation('hard_sigmoid', 'clip(x, 0, 1)', '1.0*int(x >= 0)*int(x <= 1)',
               'x clipped to [0, 1]; the derivative is 1 on the closed interval'),
    Activation('relu', 'clip(x, 0, inf)', '1.0*int(x > 0)', 'x where positive, else 0'),
    Activation('linear', '1.0*x', '1.0', 'x itself'),
)}


def get_activation(activation):
    """Find an activation.

    Parameters
    ----------
    activation : str or Activation
        A name from `ACTIVATIONS`, or an activation of one's own, which is returned as it is.

    Returns
    -------
    Activation

    Raises
    ------
    ValueError
        If there is no activation of that name; the message gives the nearest one.

    Examples
    --------
    >>> from brian_le import get_activation
    >>> get_activation('relu').summary
    'x where positive, else 0'
    """
    if isinstance(activation, Activation):
        return activation
    return ACTIVATIONS[choose('activation', activation, ACTIVATIONS)]
