"""One step of the neurons of a network, and its derivative, read off the network itself."""

import ast
import re
from functools import cached_property
from textwrap import dedent

from brian2.core.variables import ArrayVariable
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import NeuronGroup, StateUpdater, Thresholder
from brian2.synapses.synapses import SummedVariableUpdater, SynapticPathway, Synapses

from brian_le.integration import prospective_euler
from brian_le.stability.operations import Delayed, Lines, Sum
from brian_le.stability.values import key_of

__all__ = ['OneStep', 'Tangent']


class OneStep:
    """The step of the neurons of some objects, with weights as they are.

    Nothing here knows what kind of network it is: the equations of neurons, the sums of projections
    and what happens between them are carried out in the order in which Brian2 does. Stimuli stay as
    they are; what network operations do in Python is not seen.

    Parameters
    ----------
    objects : iterable of BrianObject
        Groups and synapses, such as a model or the objects of a `brian2.Network`.

    Raises
    ------
    NotImplementedError
        If there are operations whose derivative is not known here: spikes, neurons that are
        integrated in another way, delays of every connection, several time steps.
    """

    def __init__(self, objects):
        self.objects = [obj for obj in objects if isinstance(obj, (NeuronGroup, Synapses))]
        found = sorted(((*_place(runner), operation) for obj in self.objects
                        for runner in obj.contained_objects
                        for operation in _operations(obj, runner)), key=lambda item: item[:2])
        self.operations = [operation for *_, operation in found]
        #: Names of everything that a step changes.
        self.moving = self._keep_driven()
        steps = {float(operation.dt) for operation in self.operations}
        if len(steps) > 1:
            raise NotImplementedError('groups with several time steps')

    def _keep_driven(self):
        """Leave out what stimuli and clocks alone drive and nothing else sets; what others change.
        """
        waiting = [operation for operation in self.operations if operation.needs is not None]
        kept = [operation for operation in self.operations if operation.needs is None]
        while True:
            moving = {key for operation in kept for key in operation.targets}
            more = [operation for operation in waiting if operation not in kept
                    and moving & (operation.needs | set(operation.targets))]
            if not more:
                self.operations = [operation for operation in self.operations if operation in kept]
                return moving
            kept += more

    @cached_property
    def variables(self):
        """All arrays of the objects, by ``'object.variable'``."""
        return {key_of(variable): variable for obj in self.objects
                for variable in obj.variables.values() if isinstance(variable, ArrayVariable)}

    def tangent(self, values):
        """The derivative of the step from some `Values` on, which become those after it."""
        return Tangent([operation.linear(values, self.moving) for operation in self.operations])

    def advance(self, values):
        """The values after one step."""
        values = values.copy()
        for operation in self.operations:
            operation.linear(values, self.moving)
        return values


_SLOTS = ['start', 'groups', 'thresholds', 'synapses', 'resets', 'end']
_SLOTS = [f'{when}{slot}' for slot in _SLOTS for when in ('before_', '', 'after_')]


def _place(runner):
    """Where in a step something happens, to be sorted by."""
    if runner.when not in _SLOTS:
        raise NotImplementedError(f"the slot '{runner.when}', in which '{runner.name}' acts")
    return _SLOTS.index(runner.when), runner.order


def _operations(obj, runner):
    """What a runner of an object does, as a list with one operation, or none that matters."""
    if isinstance(runner, SummedVariableUpdater):
        found = Sum(runner)
        # what neurons compute when it is read
        return [*(Lines(group, f'{variable.name} = {variable.expr}', variable.name)
                  for group, variable in found.computed()), found]
    if isinstance(runner, (Thresholder, SynapticPathway)):
        raise NotImplementedError(f"the spikes of '{obj.name}'")
    if isinstance(runner, StateUpdater):
        return [Lines(obj, _step_of(obj), obj.name)] if obj.equations.diff_eq_names else []
    if isinstance(obj, NeuronGroup) and type(runner) is CodeRunner:
        return _beside(obj, runner)
    if isinstance(obj, Synapses) and type(runner) is CodeRunner and runner.name.endswith('_find'):
        raise NotImplementedError(f"delays of every connection of '{obj.name}'")
    return []  # synapses learn, monitors look on


def _step_of(group):
    """The code of the step of a group, from its equations."""
    if not group.equations.names & {'u_prosp'} and (
            group.state_updater.method_choice != 'prospective_euler'):
        raise NotImplementedError(f"the method '{group.state_updater.method_choice}', by which "
                                  f"'{group.name}' is integrated")
    return prospective_euler(group.equations)


def _beside(group, runner):
    """What happens to neurons beside their step."""
    line = runner.name.removesuffix('_exchange')
    if line != runner.name and f'{line}_buffer' in group.variables:
        stored = re.search(rf'^{line}_stored = (\w+)$', runner.abstract_code, re.MULTILINE)[1]
        steps = re.search(r'int\((\w+) == 0\)', runner.abstract_code)
        if steps is None:
            raise NotImplementedError(f"delays of every connection in '{line}'")
        return [Delayed(*(group.variables[name] for name in (stored, line, steps[1])), runner)]
    found = [Lines(group, text, runner.name) for text in _assignments(runner)]
    if not runner.name.endswith('_follow'):  # the filter of a line, whatever it filters
        for beside in found:
            beside.needs = beside.reads() - set(beside.targets)
    return found


def _assignments(runner):
    """The lines of code of a runner as ``name = expression``, also those that change in place."""
    for node in ast.parse(dedent(runner.abstract_code)).body:
        if isinstance(node, ast.AugAssign):
            value = ast.BinOp(node.target, node.op, node.value)
            node = ast.Assign([node.target], value, lineno=node.lineno)
        if not isinstance(node, ast.Assign) or len(node.targets) > 1 or (
                not isinstance(node.targets[0], ast.Name)):
            raise NotImplementedError(f"'{ast.unparse(node)}' of '{runner.name}'")
        yield ast.unparse(node)


class Tangent:
    """The derivative of one step: what becomes of small changes of the variables.

    Parameters
    ----------
    steps : list of dict
        The derivatives of its operations, in order.
    """

    def __init__(self, steps):
        self.steps = steps

    def push(self, changes):
        """Changes after the step, by variable, from changes before it; what is missing is 0."""
        changes = dict(changes)
        for found in self.steps:
            new = {}
            for target, slopes in found.items():
                total = None
                for source, slope in slopes.items():
                    if source in changes:
                        part = slope @ changes[source]
                        total = part if total is None else total + part
                new[target] = total
            for target, change in new.items():
                if change is None:
                    changes.pop(target, None)
                else:
                    changes[target] = change
        return changes

    def reach(self):
        """Which variables after the step depend on which before it, and in which ways.

        Returns
        -------
        dict of str to dict of str to frozenset
            For every variable those that it depends on, and what is on the way, see `Loop`.
        """
        reach = {}
        for found in self.steps:
            new = {}
            for target, slopes in found.items():
                new[target] = sources = {}
                for source, slope in slopes.items():
                    for origin, ways in reach.get(source, {source: frozenset()}).items():
                        sources[origin] = sources.get(origin, frozenset()) | ways | slope.ways
            reach |= new
        return reach
