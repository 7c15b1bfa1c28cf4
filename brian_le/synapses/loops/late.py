"""Weights that follow a step when they are read for the first time in the next one.

Then they are read and written once per step, not read by the sums and again by the change.
Nobody else may look at them in between, and what the change depends on is copied.
"""

from dataclasses import dataclass

import numpy as np
from brian2.core.operations import NetworkOperation
from brian2.core.variables import ArrayVariable, Subexpression, Variables
from brian2.groups.group import CodeRunner
from brian2.stateupdaters.base import StateUpdateMethod
from brian2.utils.stringtools import get_identifiers

from brian_le.names import local
from brian_le.rewriting import reworded
from brian_le.synapses.loops.nests import NEURONS, Snapshot
from brian_le.synapses.pairs import PairIndices

__all__ = ['PENDING', 'LateArrays', 'LateLearning', 'late_learning']

PENDING = local('pending')  #: whether a change is due


class LateArrays:
    """What late changes need: copies, and whether one is due.

    It belongs to the way in which a network is run, not to its state, and is therefore not among
    the variables of the synapses.
    """

    def __init__(self, synapses):
        self.name = synapses.name
        self.variables = Variables(synapses)
        self.codeobj = None  # which makes the changes

    def provide(self, late):
        """Make the arrays that late changes need, as far as they are not there; the pending one."""
        for name, options in late.arrays.items():
            if name not in self.variables:
                self.variables.add_array(name, **options)
        return self.variables[PENDING]

    def catch_up(self):
        """Make the change that is due if a run was interrupted, or is going on."""
        if self.codeobj is not None:
            self.codeobj.after_run()

    def forget(self):
        """No change is due: somebody has set the weights to what they have to be."""
        self.codeobj = None
        if PENDING in self.variables:
            self.variables[PENDING].set_value(0)


@dataclass(frozen=True)
class LateLearning:
    """How weights follow late: the code of the change, and what is copied for it.

    Parameters
    ----------
    update : str
        The code, which reads copies.
    copies : dict of str to list of str
        Names of what is copied, by their side.
    arrays : dict of str to dict
        The copies, and whether a change is due: what to add to variables, by name.
    """

    update: str
    copies: dict
    arrays: dict


def late_learning(synapses, objects, run_namespace):
    """Whether weights can follow late, and how; None if they cannot.

    Parameters
    ----------
    synapses : LoopSynapses
        That learn and are summed, both with loops.
    objects : list of BrianObject
        All that is simulated together.
    run_namespace : dict
    """
    learning = synapses.state_updater
    if (any(runner.clock is not learning.clock for runner in synapses.summed_updaters.values())
            or others_use(synapses, objects)):
        return None
    step = step_code(learning, run_namespace)
    if step is None:
        return None
    code = synapses._inlined(step)
    copies = {'pre': [], 'post': [], 'scalar': []}
    for name in sorted(get_identifiers(code) & set(synapses.variables)):
        variable, index = synapses.variables[name], synapses.variables.indices[name]
        if variable.constant or name in ('i', 'j') or not isinstance(
                variable, (ArrayVariable, Subexpression)):
            continue
        if index in NEURONS:
            copies[NEURONS[index]].append(name)
        elif variable.scalar:
            copies['scalar'].append(name)
        elif index != '_idx':
            return None
    layout, arrays = synapses.layout, {}
    places = {'pre': (layout.n_pre, '_presynaptic_idx'),
              'post': (layout.n_post, '_postsynaptic_idx'), 'scalar': (1, '0')}
    for side, names in copies.items():
        size, index = places[side]
        for name in names:
            original = synapses.variables[name]
            arrays[Snapshot.copy_of(name)] = dict(
                size=size, dimensions=original.dim, dtype=original.dtype, scalar=side == 'scalar',
                index=index)
    arrays[PENDING] = dict(size=1, dtype=np.int32, scalar=True, index='0')
    renamed = {name: Snapshot.copy_of(name) for names in copies.values() for name in names}
    return LateLearning(reworded(code, renamed), copies, arrays)


def step_code(updater, run_namespace):
    """The code of the step of synapses; None if the method changes the updater that runs it."""
    equations = updater.group.equations
    variables = updater.group.resolve_all(equations.names | equations.identifiers | {'dt'},
                                          run_namespace, user_identifiers=set())
    code = StateUpdateMethod.apply_stateupdater(
        equations, variables, updater.method_choice, method_options=updater.method_options,
        group_name=updater.group.name)
    return code if isinstance(code, str) else None


def others_use(synapses, objects):
    """Whether anything but sums and learning may read or change synaptic variables in a run."""
    own = {variable for name, variable in synapses.variables.items()
           if synapses.variables.indices[name] == '_idx' and isinstance(variable, ArrayVariable)
           and not isinstance(variable, PairIndices)}
    for obj in objects:
        if obj.name == synapses.name or obj is synapses.state_updater or (
                obj in synapses.summed_updaters.values()):
            continue
        if isinstance(obj, NetworkOperation) or (
                type(obj).run.__module__.split('.')[0] not in ('brian2', 'brian_le')):
            return True  # Python code that could do anything
        if isinstance(obj, CodeRunner) and getattr(obj.group, 'name', None) == synapses.name:
            return True
        if own & {variable for variable in getattr(obj, 'variables', {}).values()
                    if isinstance(variable, ArrayVariable)}:
            return True
    return False
