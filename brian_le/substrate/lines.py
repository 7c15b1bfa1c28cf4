"""Lines between neurons and projections that read them from afar.

For a sum ``v_post = w*r_pre`` that is the presynaptic rate, for ``v_err_pre = w*err_post`` the
postsynaptic error. In its place the projection reads a line: a variable of the same neurons, for
this projection alone, which takes its value just before it is read.
"""

import re
from functools import partial

import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_UNITS
from brian2.core.variables import ArrayVariable, Subexpression
from brian2.equations.equations import SUBEXPRESSION, Expression
from brian2.groups.subgroup import Subgroup

from brian_le.rewriting import inline, reworded, with_expressions
from brian_le.step import SUM, WEIGHTS
from brian_le.substrate.imperfection import Imperfection
from brian_le.substrate.sites import whole_group, whole_groups

__all__ = ['OPERATION', 'Line', 'array_like', 'ends_of', 'lines_of']

OPERATION = 0.001  #: orders between one operation of a line and the next
_LEAD = 0.01       # and between the first one and those who read it
_FAR = {'post': 'pre', 'pre': 'post'}  # the side that a sum reads, by the one that receives it


class Line(Imperfection):
    """Something between neurons and a projection that reads them from afar."""

    kind = ''       # part of the names of its lines
    parameter = ''  # the variable of the projection that says how it works

    def clocks(self, site):
        # a line follows on the clock of who reads it
        followers = [operation.clock for group in ends_of(site.object)
                     for operation in _operations(site.name, self.kind, group)]
        return [*followers, site.object.clock] if _learns_from_lines(site, self.kind) else followers

    def _step(self, site):
        """The time step in which the lines of a projection follow, in seconds."""
        found = {site.step(clock): clock for clock in self.clocks(site)}
        steps = sorted(found)
        if steps and steps[-1] - steps[0] > 1e-9*steps[0]:
            what = ', '.join(f'{dt*1e3:g}' for dt in steps)
            raise ValueError(f"'{site.name}' reads what comes late or filtered in time steps of "
                             f"{what} ms: its sums are formed in those of the groups that receive "
                             'them, and it learns in its own; give groups and synapses the same '
                             "'dt', or several projections")
        return steps[0] if steps else site.dt

    def changes(self, equations, is_projection):
        return is_projection and any(_variable_of(name, side, equations)
                                     for expression, side in _sums(equations).values()
                                     for name in expression.identifiers)

    def between(self, source, target, name, equations, orders):
        wiring = _Wiring(self, name, {'pre': source, 'post': target}, equations)
        sums, changed = _sums(equations), {}
        if any(_is_line(x, name) for expression, _ in sums.values()
               for x in expression.identifiers):
            raise ValueError(f"every connection of '{name}' has a line of its own already; put "
                             f"{self!r} before Delay(..., per='connection')")
        for variable, (expression, side) in sums.items():
            changed[variable] = wiring.read(
                expression, side, partial(wiring.line, place=orders.get(variable, SUM)))
        # synapses learn where the forward sum is formed, without one where the backward sum is
        side = 'pre' if 'pre' in {side for _, side in sums.values()} else 'post'
        for variable in _learning(equations):
            changed[variable] = wiring.read(equations[variable].expr, side, wiring.arriving)
        return with_expressions(equations, changed) + wiring.declarations

    def attach(self, site):
        # the operations of neurons know the parameter of their projection
        for group in ends_of(site.object):
            if any(variable.startswith(f'{site.name}_{self.kind}') for variable in group.variables):
                group.variables.add_reference(f'{site.name}_{self.parameter}', site.object,
                                              self.parameter)


class _Wiring:
    """The lines of one projection."""

    def __init__(self, imperfection, name, groups, equations):
        self.imperfection, self.name = imperfection, name
        self.groups, self.equations = groups, equations
        self.lines = {}  # what is read in place of a variable, by its side, its name and the place
        self.declarations = ''

    def line(self, side, variable, place):
        """What stands for a variable where it is read at a place of the step."""
        if (side, variable, place) not in self.lines:
            line = f'{self.name}_{self.imperfection.kind}{len(self.lines)}'
            begin = place - _LEAD
            if _is_line(variable, self.name):  # that of another imperfection comes first
                begin += 5*OPERATION
            group = self.groups[side]
            self.imperfection.lay(whole_group(group), variable, line, self.name, begin,
                                  self.groups[_FAR[side]].clock)
            if isinstance(group, Subgroup):
                for each in [x for x in group.source.variables if x.startswith(line)]:
                    group.variables.add_reference(each, group.source)
            self.declarations += self.imperfection.declarations(line, side)
            self.lines[side, variable, place] = self.imperfection.read_as(line, side)
        return self.lines[side, variable, place]

    def arriving(self, side, variable):
        """What stands for a variable where synapses learn.

        The rate that was sent is that which was summed. What a group has computed since then has a
        line of its own.
        """
        if variable.endswith('_sent') or _is_line(variable, self.name):
            summed = (side, variable.removesuffix('_sent'))
            for key, known in self.lines.items():
                if key[:2] == summed:
                    return known
        return self.line(side, variable, WEIGHTS)

    def read(self, expression, side, line):
        """An expression with lines in place of what it reads of one side."""
        words = {}
        for identifier in sorted(expression.identifiers):
            variable = _variable_of(identifier, side, self.equations)
            if variable is not None and _moves(self.groups[side].variables.get(variable)):
                words[identifier] = line(side, variable)
        return reworded(expression.code, words)


def _sums(equations):
    """The expressions of sums, without subexpressions, and the sides that they read, by name."""
    subexpressions = {eq.varname: eq.expr.code for eq in equations.values()
                      if eq.type == SUBEXPRESSION and 'summed' not in eq.flags}
    return {eq.varname: (Expression(inline(eq.expr.code, subexpressions)),
                         _FAR[eq.varname.rpartition('_')[2]])
            for eq in equations.values() if 'summed' in eq.flags}


def _learning(equations):
    """Names of the differential equations, and of the subexpressions that they need."""
    found = new = set(equations.diff_eq_names)
    while new:
        new = {name for known in new for name in equations[known].identifiers
               if name in equations and equations[name].type == SUBEXPRESSION} - found
        found = found | new
    return sorted(found)


def _variable_of(identifier, side, equations):
    """The variable of the neurons of a side that an identifier stands for; None if of no such."""
    name, _, suffix = identifier.rpartition('_')
    if suffix in _FAR:
        return name if suffix == side and name != 'N' else None
    known = {*equations.names, *DEFAULT_FUNCTIONS, *DEFAULT_UNITS}
    return identifier if side == 'post' and identifier not in known else None


def _moves(variable):
    """Whether a variable may differ from neuron to neuron, and from step to step."""
    return (isinstance(variable, (ArrayVariable, Subexpression)) and not variable.scalar
            and not variable.constant and np.issubdtype(variable.dtype, np.floating))


def ends_of(synapses):
    """The whole groups that synapses connect, one if they are the same."""
    return {group.name: group for group in whole_groups(synapses)}.values()


def array_like(variable):
    return dict(dimensions=variable.dim, dtype=variable.dtype)


def _is_line(variable, projection):
    return re.fullmatch(rf'{projection}_[a-z]+\d+', variable)


def lines_of(projection, kind, group):
    """Names of the lines of a projection in a group."""
    found = (re.fullmatch(rf'({projection}_{kind}\d+)_buffer', name) for name in group.variables)
    return [match[1] for match in found if match]


def _operations(projection, kind, group):
    """The operations by which the lines of a projection follow."""
    return [obj for obj in group.contained_objects
            if re.fullmatch(rf'{projection}_{kind}\d+_(exchange|follow)', obj.name)]


def _learns_from_lines(site, kind):
    """Whether synapses learn from a line that no sum reads."""
    return any(operation.order > WEIGHTS - 2*_LEAD
               for group in ends_of(site.object)
               for operation in _operations(site.name, kind, group))
