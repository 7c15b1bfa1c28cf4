"""What imperfections of weights have in common: their units, their limits, and how they learn."""

from functools import reduce

import numpy as np
from brian2.units.fundamentalunits import (DimensionMismatchError, Quantity,
                                           fail_for_dimension_mismatch)

from brian_le.liberties import pathways_of
from brian_le.rewriting import kind_of, unit_of, with_expression, written_in
from brian_le.substrate.imperfection import Imperfection, check_name

__all__ = ['UNLIMITED', 'OfWeights', 'averaged_change', 'check_limits', 'check_units', 'limit_of',
           'limited', 'ways_of_learning']

UNLIMITED = 1e38  #: no weight is larger; infinity cannot be given to a compiled simulation


class OfWeights(Imperfection):
    """An imperfection of a variable of projections."""

    def __init__(self, variable, on):
        super().__init__(on)
        self.variable = check_name(f"variable of '{type(self).__name__}'", variable)

    def _learns(self, equations):
        return kind_of(equations, self.variable) == 'integrated'

    def _check_clock(self, equations):
        """A ValueError for weights that only events change, where every step would have to."""
        if learns_by_events(self.variable, equations):
            raise ValueError(
                f"{self!r} acts in every time step, but '{self.variable}' changes when events come "
                f"(event-driven); make it (clock-driven), or write it into the code of the events, "
                f"such as '{self.variable} = clip({self.variable} + change, 0, 1)'")


def check_limits(what, low, high):
    """A ValueError unless two limits are single finite values in their order, of one unit."""
    try:
        fail_for_dimension_mismatch(Quantity(low), Quantity(high))
        right = np.isfinite([float(low), float(high)]).all() and low < high
    except (TypeError, ValueError):
        right = False
    except DimensionMismatchError:
        raise ValueError(f"limits of '{what}' are w_min={low} and w_max={high}; give both in the "
                         'same unit') from None
    if not right:
        raise ValueError(f"limits of '{what}' are w_min={low} and w_max={high}; give finite ones, "
                         'the smaller as w_min')


def learns_by_events(w, equations):
    """Whether a weight is integrated when events come, and not in every step."""
    return 'event-driven' in equations[w].flags


def ways_of_learning(site, w):
    """How a weight that learns changes: in every step (``'clock'``), by events, or both."""
    by_events = learns_by_events(w, site.equations)
    events = by_events or any(w in written_in(path.code) for path in pathways_of(site.object))
    return [*([] if by_events else ['clock']), *(['event'] if events else [])]


def limit_of(site, w, end, values):
    """The narrowest limit of each weight on one side, as far as it is known before a run.

    It is one number if it is the same for all; without units.
    """
    sign = 1 if end == 'max' else -1
    names = f'{w}_{end}', {'min': f'{w}_lowest', 'max': f'{w}_highest'}[end]
    found = (site.known(name, values) for name in names)
    limits = [sign*x.astype(float) for x in found if x is not None and np.size(x)]
    limit = sign*reduce(np.minimum, limits, np.array(UNLIMITED))
    return limit.item() if limit.size == 1 else limit


def check_units(value, site, variable):
    fail_for_dimension_mismatch(Quantity(value), site.object.variables[variable],
                                f"{value} has other units than '{variable}' of '{site.name}'")


def averaged_change(equations, variable):
    """The equations with the change of a variable as a gradient, which replicas average first."""
    change = f'{variable}_change_grad'
    unit = unit_of(equations[variable])
    unit = 'hertz' if unit == '1' else f'{unit}*hertz'
    equations = equations + f'{change} = {equations[variable].expr.code} : {unit}'
    return with_expression(equations, variable, change)


def limited(equations, bound, low, high, unit):
    """The equations with a limit that the integrator knows, no further than `low` and `high`."""
    if bound not in equations:
        return equations + f'{bound} = {low if bound.endswith("_min") else high} : {unit} (shared)'
    if kind_of(equations, bound) == 'computed':
        return with_expression(equations, bound, f'clip({{}}, {low}, {high})')
    return equations
