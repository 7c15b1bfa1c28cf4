"""Stored states of synapses, in the format of Brian2.

A state has what `brian2.Synapses` have in theirs, the indices of all synapses included, and
nothing of how they are computed: it can be restored on every target, and by `brian2.Synapses` with
the same synapses.
"""

import numpy as np
from brian2.core.variables import ArrayVariable, DynamicArrayVariable
from brian2.groups.subgroup import Subgroup

from brian_le.synapses.liberties import arrays_of_synapses

__all__ = ['check_state', 'connections', 'number_of_synapses', 'without_indices']


def without_indices(pairs, state_of):
    """The state that `state_of` returns, with indices as far as they are stored."""
    stored = [indices.stored for indices in pairs]
    for indices in pairs:
        indices.stored = True  # as much as there is
    try:
        return state_of()
    finally:
        for indices, was_stored in zip(pairs, stored):
            indices.stored = was_stored


def check_state(synapses, state):
    """Raise a ValueError if a state is not one of synapses with the same equations and neurons."""
    name = synapses.name
    own = {variable.name: variable for variable in synapses.variables.values()
           if isinstance(variable, ArrayVariable)
           and getattr(variable.owner, 'name', None) == name}
    for where, names in (('the stored state', sorted(set(state) - set(own))),
                         (f"'{name}'", sorted(set(own) - set(state)))):
        if names:
            raise ValueError(f"the stored state of '{name}' does not fit: only {where} has a "
                             f"variable '{names[0]}'; the equations have to be the same")
    n = number_of_synapses(state)
    sizes = {key: variable.size for key, variable in own.items()
             if not isinstance(variable, DynamicArrayVariable)}
    sizes |= {variable.name: n for variable in arrays_of_synapses(synapses)
              if variable.name in own}  # the others are delays of pathways
    sizes |= {variable.name: 0 if synapses._many_pairs else n for variable in synapses._pairs}
    neurons = {'N_outgoing': synapses.source, 'N_incoming': synapses.target}
    for key, group in neurons.items():
        if np.size(state[key][0]):  # they are not counted before there are synapses
            sizes[key] = _range(group)[1]
    for key, size in sizes.items():
        if np.size(state[key][0]) != size:
            raise ValueError(
                f"the stored state of '{name}' does not fit: '{key}' has {np.size(state[key][0])} "
                f'values, not {size}; the populations have to be the same')
    for indices, group in zip(connections(state), (synapses.source, synapses.target)):
        first, end = _range(group)
        if indices.size and not first <= indices.min() <= indices.max() < end:
            raise ValueError(f"the stored state of '{name}' does not fit: it has synapses of "
                             f"neuron {indices.max()}, which '{group.name}' does not have")


def _range(group):
    # not by its attributes: groups have those of their variables
    return (group.start, group.stop) if isinstance(group, Subgroup) else (0, len(group))


def number_of_synapses(state):
    """How many synapses a state has."""
    return int(np.ravel(state['N'][0])[0])


def connections(state):
    """The indices of the neurons of all synapses of a state."""
    return [np.asarray(state[key][0]) for key in ('_synaptic_pre', '_synaptic_post')]
