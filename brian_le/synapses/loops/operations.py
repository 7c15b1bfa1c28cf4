"""The operations of a projection in each step, as Brian2's network runs them.

They take the places of the operations of `brian2.Synapses`, with the same names, slots and
orders, and compute what the plan of the run says: with the loops of `brian_le`, several at once
where that gives the same numbers, or as Brian2 does.
"""

import re
import weakref

import numpy as np
from brian2.codegen.codeobject import create_runner_codeobj
from brian2.core.variables import ArrayVariable, AuxiliaryVariable, Variables
from brian2.equations.equations import SUBEXPRESSION
from brian2.equations.unitcheck import parse_expression_dimensions
from brian2.stateupdaters.base import StateUpdateMethod
from brian2.synapses.synapses import StateUpdater, SummedVariableUpdater
from brian2.utils.stringtools import get_identifiers

from brian_le.integration import ProspectiveEuler
from brian_le.rewriting import inline, multipliers
from brian_le.synapses.loops.arrays import ArrayLoops, separate
from brian_le.synapses.loops.averages import average
from brian_le.synapses.loops.cpp_text import VALUE
from brian_le.synapses.loops.nests import NEURONS, Learning, OnePass, Pooling, Snapshot, Sum, Sums

__all__ = ['SumRunner', 'LearningRunner']


def create_loops(runner, nest, loops, run_namespace, switched_by=()):
    """Let a runner run the loops of a nest, in generated code of the given class.

    They are skipped where one of the variables `switched_by` is 0.
    """
    synapses = runner.group
    nest.switches = [synapses.variables[name] for name in switched_by]
    extra = Variables(synapses)
    for index in NEURONS:
        extra.add_auxiliary_variable(index, dtype=np.int32)
        extra[index].unique = True
    for name in getattr(nest, 'terms', {}):
        extra.add_auxiliary_variable(name)
    late = synapses._late
    for name in late.variables:
        extra.add_reference(name, late, index=late.variables.indices[name])
    blocks = dict(nest.statements)
    for name, expression in nest.values.items():
        if loops is not ArrayLoops:
            blocks[name] = f'{VALUE} = {expression}'
        elif nest.kind in ('maximum', 'through winners'):
            blocks[name] = f'_le_of_pair = {expression}'
        else:
            blocks[name] = separate(synapses._inlined(expression), synapses._side_of)
    if loops is not ArrayLoops:  # the loops count them
        for name in ('i', 'j'):
            extra.add_auxiliary_variable(name, dtype=np.int32)
    needed = [s.name for s in getattr(nest, 'sums', ())]
    needed += [nest.sum.name] if nest.sum else []
    own = getattr(nest, 'pending', None), getattr(nest, 'winner', None)
    needed += [variable.name for variable in own if variable is not None]
    needed += switched_by
    runner.codeobj = create_runner_codeobj(
        group=synapses, code=blocks, template_name='loops', run_namespace=run_namespace,
        name=f'{runner.name}_codeobject*', check_units=False, additional_variables=extra,
        needed_variables=needed, template_kwds={'_le_nest': nest}, codeobj_class=loops)
    runner.code_objects[:] = [weakref.proxy(runner.codeobj)]
    if isinstance(nest, OnePass) and nest.pending is not None:
        late.codeobj = runner.codeobj


class SumRunner(SummedVariableUpdater):
    """The sum over all synapses of a neuron, for all neurons of one side."""

    @property
    def sum(self):
        return Sum(self.target_varname, self.expression.code, self.target_var)

    @property
    def place(self):
        return self.clock.name, self.when, self.order

    @property
    def codes(self):
        return [self.expression.code]

    def create_code_objects(self, run_namespace):
        synapses = self.group
        plan = synapses.plan(run_namespace)
        loops = plan.loops[self]
        if loops is None:
            super().create_code_objects(run_namespace)
            return
        layout, s = synapses.layout, self.sum
        about = synapses._about
        if layout.kernels == 'pool':
            nest = Pooling(layout, about, sum=s, scale=synapses._scale, winner=synapses._winning)
        elif not plan.passes:
            nest = Sums(layout, about, sum=s)
        else:
            runners, late = plan.passes[self], plan.late
            if runners[0] is not self:
                self.code_objects[:] = []  # the first of them computes all
                return
            update, pending = (late.update, synapses._late.provide(late)) if late else (None, None)
            nest = OnePass(layout, about, sums=[runner.sum for runner in runners],
                           update=update, pending=pending)
        create_loops(self, nest, loops, run_namespace)


class LearningRunner(StateUpdater):
    """The step of the differential equations of all synapses."""

    @property
    def codes(self):
        return [eq.expr.code for eq in self.group.equations.values() if eq.expr is not None]

    def create_code_objects(self, run_namespace):
        synapses = self.group
        layout, plan = synapses.layout, synapses.plan(run_namespace)
        loops, late = plan.loops[self], plan.late
        if loops is None:
            super().create_code_objects(run_namespace)
            return
        if layout.shares_weights or layout.replicas > 1:
            nest = self._averaged(run_namespace)
            code = nest.update
        elif late:
            self.update_abstract_code(run_namespace)
            nest = Snapshot(layout, f'what the change of weights reads, for {synapses._about}',
                            copies=late.copies, pending=synapses._late.provide(late))
            code = late.update
        else:
            self.update_abstract_code(run_namespace)
            nest = OnePass(layout, synapses._about, update=self.abstract_code)
            code = self.abstract_code
        create_loops(self, nest, loops, run_namespace, switches(synapses, code))

    def _averaged(self, run_namespace):
        """The nest for weights that several pairs of neurons share."""
        synapses, name = self.group, self.group.name
        if synapses.equations.is_stochastic:
            raise NotImplementedError(
                f"'{name}' has noise (xi) in weights that several pairs of neurons share; which of "
                'them would draw it is not defined')
        averaged = average(synapses.equations,
                           lambda v: synapses.variables.indices.get(v) in NEURONS)
        equations = averaged.equations
        stepped = equations.diff_eq_names
        for code in averaged.terms.values():
            late = stepped & get_identifiers(code)
            if late and not _is_euler(self.method_choice):
                raise NotImplementedError(
                    f"'{code}' of '{name}' contains '{sorted(late)[0]}', which changes during the "
                    "step, and is averaged over neurons; use method='euler' or "
                    "'prospective_euler'")
        variables = synapses.resolve_all(
            {*equations.names, *equations.identifiers, 'dt'} - set(averaged.terms), run_namespace,
            user_identifiers=set())
        identifiers = set().union(*map(get_identifiers, averaged.terms.values()))
        known = synapses.resolve_all(identifiers, run_namespace, user_identifiers=set())
        for term, code in averaged.terms.items():
            variables[term] = AuxiliaryVariable(
                term, dimensions=parse_expression_dimensions(code, known))
        update = StateUpdateMethod.apply_stateupdater(
            equations, variables, self.method_choice, method_options=self.method_options,
            group_name=name)
        expressions = {eq.varname: eq.expr.code for eq in equations.values()
                       if eq.type == SUBEXPRESSION}
        return Learning(synapses.layout, synapses._about, terms=averaged.terms,
                        update=inline(update, expressions))


def switches(synapses, update):
    """Names of shared parameters without which nothing changes: all derivatives are multiples.

    `update` is the abstract code of the step. If it does more than to follow the derivatives, such
    as clipping, there are none.
    """
    equations = synapses.equations
    stepped = equations.diff_eq_names
    written = set(re.findall(r'^(\w+) =', update, re.MULTILINE)) & set(synapses.variables)
    if written != stepped or 'clip(' in update:
        return []
    names = set.intersection(*(multipliers(synapses._inlined(equations[name].expr.code))
                               for name in stepped))
    return sorted(name for name in names & equations.names
                  if isinstance(synapses.variables[name], ArrayVariable)
                  and synapses.variables[name].scalar)


def _is_euler(method):
    return method in ('euler', 'prospective_euler') or isinstance(method, ProspectiveEuler)
