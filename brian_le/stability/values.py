"""The values of variables, by ``'object.variable'``: as they are now, or as one says."""

import numpy as np
from brian2.core.functions import Function
from brian2.core.namespace import DEFAULT_UNITS
from brian2.core.variables import Subexpression

from brian_le.checks import choose
from brian_le.stability.duals import evaluate, value_of

__all__ = ['Values', 'checked', 'key_of', 'strength_of']


def key_of(variable):
    """The name of an array, whoever reads it."""
    return f'{variable.owner.name}.{variable.name}'


def strength_of(group):
    """The variable of the strength with which targets act on a group; None if it has no targets."""
    variables = getattr(group, 'variables', ())
    return variables['beta'] if {'beta', 'nudged', 'target'} <= set(variables) else None


def checked(given, variables):
    """What one gives for variables, as arrays of their sizes; one value stands for all elements.

    Parameters
    ----------
    given : dict of str to array
        Values by ``'object.variable'``.
    variables : dict of str to ArrayVariable
        All variables.

    Raises
    ------
    ValueError
        For names that none of them has, and other numbers of values.
    """
    found = {}
    for key, value in given.items():
        variable = variables[choose('variable', key, variables)]
        is_real = np.issubdtype(variable.dtype, np.floating)
        try:
            value = np.asarray(value, float if is_real else variable.dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"'{key}': {error}") from None
        if value.ndim > 1 or value.size not in (1, variable.size):
            raise ValueError(f"'{key}' has shape {value.shape}; give one value or "
                             f'{variable.size} in a row')
        value = value.reshape(-1)
        found[key] = value[0] if variable.scalar else np.resize(value, variable.size)
    return found


class Values:
    """Arrays by ``'object.variable'``; those that are not given are those of the objects.

    Parameters
    ----------
    given : dict of str to array
        Values in place of those of the objects, such as the state of a program.
    at_rest : set of str
        What is 0, whatever the objects have.
    """

    def __init__(self, given=None, at_rest=frozenset()):
        self._given, self._at_rest = {} if given is None else given, at_rest
        self._read = {}
        self.held = set()  # sums of what does not move, that are done

    def of(self, variable):
        """The values of an array variable, a number if there is one for all."""
        key = key_of(variable)
        if key not in self._read:
            found = self._given.get(key)
            found = variable.get_value() if found is None else found
            found = np.asarray(found)
            found = found.astype(float) if found.dtype.kind == 'f' else found
            found = np.zeros_like(found) if key in self._at_rest else found
            self._read[key] = found.reshape(-1)[0] if variable.scalar else found.reshape(-1)
        return self._read[key]

    def __contains__(self, key):
        return key in self._read

    def __getitem__(self, key):
        return self._read[key]

    def __setitem__(self, key, value):
        self._read[key] = value

    def changed(self, changes):
        """The same values but for some, as a copy; all sums are done anew."""
        other = self.moved(changes)
        other.held.clear()
        return other

    def moved(self, changes):
        """As `changed`, of nothing but what moves."""
        other = self.copy()
        other._read.update(changes)
        return other

    def copy(self):
        """The same values, to be changed by themselves."""
        other = Values(self._given, self._at_rest)
        other._read, other.held = dict(self._read), set(self.held)
        return other

    def look_up(self, group, name, local, read):
        """What a name in the equations of a group means.

        Parameters
        ----------
        group : Group
            Whose equations.
        name : str
            The name.
        local : dict
            Values of names that an operation has set, `Dual` or arrays.
        read : callable
            ``read(key, value)`` gives an array in the form in which it is to be used.
        """
        if name in local:
            return local[name]
        variable = group.variables.get(name)
        if variable is None:
            return self._constant(group, name)
        if isinstance(variable, Subexpression):
            owner = variable.owner if variable.owner is not None else group
            owner = group if owner.name == group.name else owner
            found = evaluate(variable.expr, lambda other: self.look_up(
                owner, other, local if owner is group else {}, read))
            return found
        if isinstance(variable, Function) or not hasattr(variable, 'owner') or (
                variable.owner is None):
            return variable.get_value()
        return self._indexed(group, name, variable, read(key_of(variable), self.of(variable)))

    def _constant(self, group, name):
        if name in DEFAULT_UNITS:
            return float(DEFAULT_UNITS[name])
        if name in (group.namespace or {}):
            return np.asarray(group.namespace[name], float)
        if name in ('inf', 'pi', 'e'):
            return getattr(np, name)
        raise NotImplementedError(f"'{name}' in the equations of '{group.name}'")

    def _indexed(self, group, name, variable, found):
        """The values for each neuron of a group, of a variable that may be linked."""
        index = group.variables.indices[name]
        if index == '_idx' or variable.scalar or value_of(found).size in (1, len(group)):
            return found
        index = group.variables[index].get_value()
        if hasattr(found, 'slopes'):
            raise NotImplementedError(f"'{name}' of '{group.name}' is linked to what moves")
        return found[index]
