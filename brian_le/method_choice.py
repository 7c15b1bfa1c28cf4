"""How groups are integrated: equations of this package by its own method, and by no other.

Whoever imports this lets Brian2 ask here, and warn of networks that diverge.
"""

import inspect
import re

from brian2.equations.equations import PARAMETER, SUBEXPRESSION, EquationError
from brian2.groups.neurongroup import NeuronGroup
from brian2.stateupdaters.base import StateUpdateMethod
from brian2.units.allunits import second
from brian2.utils.logger import get_logger

import brian_le.divergence  # noqa: F401  (warns of networks that diverge)
from brian_le.integration import ProspectiveEuler, check_group, prospective_euler
from brian_le.liberties import choose_methods

__all__ = ['choose_method', 'only_here']

logger = get_logger(f'brian2.{__name__}')  # goes where the messages of Brian2 go


def only_here(equations):
    """What equations have that no other method would compute, in words; empty without any."""
    kinds = {eq.varname: eq.type for eq in equations.values()}
    stepped = equations.diff_eq_names
    found = []
    for name, kind in kinds.items():
        base, _, ending = name.rpartition('_')
        if ending == 'prosp' and kind == PARAMETER and base in stepped:
            found.append(f"the look-ahead '{name}'")
        elif ending == 'now' and kind == SUBEXPRESSION and kinds.get(base) == PARAMETER:
            found.append(f"'{base}', which takes the value of '{name}'")
        elif ending == 'dot' and kind == PARAMETER and base in stepped and (
                equations[name].dim is equations[base].dim/second.dim):
            found.append(f"the derivative '{name}'")
        elif ending in ('min', 'max') and base in stepped and _read_ours(equations):
            found.append(f"the bound '{name}'")
    return found


def _read_ours(equations):
    """Whether equations of synapses read what only neurons of this package publish."""
    read = set().union(*(eq.identifiers for eq in equations.values() if eq.expr is not None))
    return any(re.search('_sent(_.+)?_(pre|post)$|_dot_post$', name) for name in read)


def _is_ours(equations):
    """Whether equations are those of this package, though another method could integrate them."""
    return _read_ours(equations) or any(
        name in equations and equations[name].type == SUBEXPRESSION
        and equations[name].expr.code.strip() == 'r' for name in ('r_sent',))


def choose_method(group, method):
    """The method that a group of neurons or synapses is integrated with, which was to be `method`.

    Raises
    ------
    brian2.equations.equations.EquationError
        If the equations ask for more than this method computes, or have nothing to integrate.
    """
    equations = group.equations
    unasked = inspect.signature(NeuronGroup.__init__).parameters['method'].default
    lost = only_here(equations)
    if isinstance(method, (tuple, list)) and tuple(method) == unasked:
        if lost or equations.diff_eq_names and _is_ours(equations):
            method = prospective_euler
            logger.info(f"No numerical integration method specified for group '{group.name}', "
                        "using method 'prospective_euler'.", 'method_choice')
    elif lost and _is_another(method):
        said = repr(method) if isinstance(method, (str, tuple, list)) else type(method).__name__
        raise EquationError(f"'{group.name}' is to be integrated with method={said}, which would "
                            f"leave out {'; '.join(lost)}. Write method='prospective_euler', or "
                            'rename them if they mean something else.')
    if lost and not equations.diff_eq_names:
        raise EquationError(f"'{group.name}' has {'; '.join(lost)}, but no differential equation: "
                            'Brian2 would not step it, and nothing would be published. Give it a '
                            "differential equation, such as that of 'u'.")
    return 'prospective_euler' if method is prospective_euler else method


def _is_another(method):
    """Whether a method, or one of several, is one of Brian2's own (a function is the user's)."""
    if isinstance(method, (tuple, list)):
        return any(_is_another(one) for one in method)
    if isinstance(method, str):
        method = StateUpdateMethod.stateupdaters.get(method.lower())
    return isinstance(method, StateUpdateMethod) and not isinstance(method, ProspectiveEuler)


def _check(updater):
    if updater.method_choice == 'prospective_euler' and updater.group.equations.diff_eq_names:
        check_group(updater.group)


choose_methods(choose_method, _check)
