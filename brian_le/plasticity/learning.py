"""What all rules share: the sum of the projection, and how a variable learns from a gradient.

A rule says what improves a variable, its gradient. Here this becomes the equations of learning,
with any optimiser, decay, limits and gate, so that rules and ways of learning are independent of
each other. What is not asked for stands in no equation.
"""

from brian2.units.allunits import hertz

from brian_le.checks import check_not_negative, check_positive, check_variable
from brian_le.parameters import parameter, unit_text
from brian_le.plasticity.optimisers import SGD, check_optimiser

__all__ = ['learning_lines', 'weighted_sum']

_NUMBER = hertz/hertz


def weighted_sum(target):
    """The line of the sum of weighted rates."""
    check_variable('target of a projection', target)
    return f'{target}_post = w*r_pre : 1 (summed)'


def learning_lines(name, gradient, eta, *, sign='', optimiser=SGD(), decay=None, largest=None,
                   least=None, gate=None, unit=_NUMBER, gradient_unit=_NUMBER):
    """The lines of a variable that learns, or that is constant without a learning rate.

    Parameters
    ----------
    name : str
        The variable.
    gradient : str
        What improves it.
    eta : Quantity, float, str or None
        Learning rate, or the flags of a variable ``eta``; None for a constant.
    sign : str
        ``'-'`` if the gradient makes it worse.
    optimiser : SGD or Adam
        What the variable makes of its gradient.
    decay : Quantity, str or None
        Rate at which it decays (1/time), or the flags of a variable ``decay``.
    largest : Quantity, float, str or None
        What it stays below, or the flags of a variable ``NAME_max``.
    least : Quantity, float, str or None
        What it stays above, or an expression; by default the negative of `largest`, if that is
        given.
    gate : str or None
        Name of a linked variable without which nothing changes.
    unit, gradient_unit : Unit
        Units of the variable and of its gradient.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        For values out of range, and for options of learning without a learning rate.
    brian2.units.DimensionMismatchError
        For a value in another unit.

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le.plasticity.learning import learning_lines
    >>> for line in learning_lines('w', 'err_post*r_pre', 0.1/ms, decay=0.01/ms, largest=4.0):
    ...     print(line)
    dw/dt = eta*err_post*r_pre - decay*w : 1 (clock-driven)
    eta = 0.1/ms : hertz (shared)
    decay = 0.01/ms : hertz (shared)
    w_max = 4.0 : 1 (shared)
    w_min = -w_max : 1 (shared)
    """
    check_optimiser(optimiser)
    if gate is not None:
        check_variable('gate', gate)
    if eta is None:
        for what, given in (('decay', decay), ('gate', gate), (f'{name}_max', largest)):
            if given is not None:
                raise ValueError(f"'{name}' is constant without a learning rate eta, but has "
                                 f'{what}={given!r}; give an eta, or leave out {what}')
        return [f'{name} : {unit_text(unit)} (constant)']
    memory, step, lines = optimiser.lines(name, gradient, gradient_unit)
    eta_unit = unit*hertz/gradient_unit if optimiser.scales_with_gradient else unit*hertz
    change = f'{sign}eta*{step}'
    lines.append(parameter('eta', eta, eta_unit, check_not_negative, bound_flags='shared'))
    if decay is not None:
        change = f'{change} - decay*{name}'
        lines.append(parameter('decay', decay, hertz, check_not_negative, bound_flags='shared'))
    if gate is not None:
        # memory stays as it is, too
        memory = {x: (f'{gate}*({rate})', x_unit) for x, (rate, x_unit) in memory.items()}
        change = f'{gate}*{change}' if decay is None else f'{gate}*({change})'
        lines.append(f'{gate} : 1 (linked)')
    changes = {name: (change, unit), **dict(reversed(memory.items()))}
    return [f'd{x}/dt = {rate} : {unit_text(x_unit)} (clock-driven)'
            for x, (rate, x_unit) in changes.items()] + lines + _limits(name, largest, least, unit)


def _limits(name, largest, least, unit):
    """The lines of the bounds that a variable is clipped to, by their names."""
    lines, flags = [], ' (shared)'
    if largest is not None:
        lines.append(parameter(f'{name}_max', largest, unit, check_positive,
                               bound_flags='shared'))
        if least is None:
            if isinstance(largest, str) and 'shared' not in largest:  # one in each synapse
                flags = ''
            least = f'-{name}_max'
    if isinstance(least, str):
        lines.append(f'{name}_min = {least} : {unit_text(unit)}{flags}')
    elif least is not None:
        lines.append(parameter(f'{name}_min', least, unit, check_positive, bound_flags='shared'))
        if largest is not None and not isinstance(largest, str) and not least < largest:
            raise ValueError(f'{name}_max is {largest}, but {name}_min is {least}; give a larger '
                             f'{name}_max')
    return lines
