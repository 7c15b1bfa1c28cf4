"""Parts of equations that neurons share: the membrane, the rate that is published, their inputs."""

from brian2.equations.codestrings import Expression
from brian2.units.allunits import second

from brian_le.checks import check_not_negative, check_positive, check_variable
from brian_le.parameters import parameter

__all__ = ['LOSSES', 'check_expression', 'declared', 'error_lines', 'membrane_lines', 'rate_lines',
           'sum_of']

#: What targets make small: squared errors, or the cross-entropy.
LOSSES = ('mse', 'cross_entropy')


def membrane_lines(drive, tau_m, tau_r):
    """The membrane of a point neuron that is driven by an expression, and its time constants."""
    return [f'du/dt = ({drive} - u)/tau_m : 1',
            parameter('tau_m', tau_m, second, check_positive),
            'tau_r = tau_m : second' if tau_r is None
            else parameter('tau_r', tau_r, second, check_not_negative)]


def rate_lines(rate):
    """The published rate, and the one of the step before."""
    return ['r : 1', f'r_now = {rate} : 1', 'r_sent : 1', 'r_sent_now = r : 1']


def sum_of(names, role, remedy=''):
    """The text of the sum of some inputs; `remedy` says what else to do if one is no name."""
    if isinstance(names, str) or not names or not isinstance(names, (tuple, list)):
        raise ValueError(f"{role} is {names!r}; give a tuple of names of inputs, e.g. ('v_in',)")
    for name in names:
        check_variable(f'an input of {role}', name, remedy)
    if len(set(names)) < len(names):
        raise ValueError(f'{role} is {names!r}; give every projection an input of its own')
    return ' + '.join(names)


def declared(names):
    """The lines of variables that others set."""
    return [f'{name} : 1' for name in names]


def error_lines(names):
    """The lines of ``v_err``, what comes down to a neuron: one sum, or the sum of several."""
    if tuple(names) == ('v_err',):
        return declared(names)
    return [f'v_err = {sum_of(names, "error_inputs")} : 1', *declared(names)]


def check_expression(what, text):
    """Raise a ValueError unless something is an expression in the language of equations."""
    try:
        Expression(text).identifiers  # noqa: B018  (reads the expression)
    except (SyntaxError, TypeError, ValueError):
        raise ValueError(f'{what} is {text!r}; give an expression, such as \'0.5*i\'') from None
