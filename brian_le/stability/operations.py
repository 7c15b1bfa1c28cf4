"""The operations of one step: what they do to values, and to small changes of them.

Every operation has ``name``, ``dt``, ``targets``, the variables that it sets, and

``linear(values, moving)``
    carries it out on `Values`, and returns its derivative: for every target, by every variable in
    `moving` that it depends on, something that is multiplied with the change of that variable.
"""

import ast

import numpy as np
from brian2.core.variables import Subexpression
from brian2.groups.subgroup import Subgroup

from brian_le.stability.duals import Dual, evaluate, names_in, slopes_of, value_of
from brian_le.stability.values import key_of, strength_of
from brian_le.synapses.loops.arrays import total, winners

__all__ = ['Delayed', 'Diagonal', 'Lines', 'Sum']


class Diagonal:
    """A derivative of neurons by variables of their own, times which a change is taken."""

    def __init__(self, slope, ways=frozenset()):
        self.slope, self.ways = slope, ways

    def __matmul__(self, change):
        return self.slope*change


class Lines:
    """Lines of code of a group of neurons: their step, or what happens beside it.

    Parameters
    ----------
    group : NeuronGroup
        The neurons.
    code : str
        Lines ``name = expression``, in order.
    name : str
        Of the operation.
    """

    needs = None  # keys of what drives it, None if it always belongs to the step

    def __init__(self, group, code, name):
        self.group, self.name, self.dt = group, name, group.clock.dt_
        self.lines = [tuple(part.strip() for part in line.split('=', 1))
                      for line in code.splitlines() if line.strip()]
        self.targets = {key_of(group.variables[left]): left for left, _ in self.lines
                        if left in group.variables}

    def reads(self):
        """Names of all arrays that it reads."""
        found, known = set(), set()
        waiting = {name for _, right in self.lines for name in names_in(right)}
        while waiting - known:
            name = (waiting - known).pop()
            known.add(name)
            variable = self.group.variables.get(name)
            if hasattr(variable, 'expr'):
                waiting |= names_in(variable.expr)
            elif getattr(variable, 'owner', None) is not None:
                found.add(key_of(variable))
        return found

    def linear(self, values, moving):
        beta = strength_of(self.group)
        off = None if beta is None else self._slopes(values.changed({key_of(beta): 0.0}), moving)
        on = self._slopes(values, moving)
        off = on if off is None else off
        return {target: {source: Diagonal(slope, _ways(slope, off[target].get(source)))
                         for source, slope in slopes.items()} for target, slopes in on.items()}

    def _slopes(self, values, moving):
        """Carry it out, and return derivatives: for every target, by what it depends on."""
        local, n = {}, len(self.group)

        def read(key, value):
            if key not in moving:
                return value
            return Dual(np.broadcast_to(value, n), {key: np.ones(n)})

        for left, right in self.lines:
            local[left] = evaluate(right, lambda name: values.look_up(
                self.group, name, local, read))
        found = {}
        for key, name in self.targets.items():
            values[key] = np.broadcast_to(value_of(local[name]), n).astype(float)
            slopes = slopes_of(local[name])
            found[key] = {source: np.broadcast_to(slope, n)
                          for source, slope in slopes.items() if np.any(np.abs(slope) > 1e-12)}
        return found


def _ways(slope, without):
    """``'target'`` for a derivative that would be another one without targets."""
    return frozenset() if np.array_equal(slope, without) else frozenset(['target'])


class Delayed:
    """A line that has the value of a variable of some steps before: a shift register.

    Parameters
    ----------
    variable, line : ArrayVariable
        What is delayed, and what has its value later.
    steps : ArrayVariable
        How many steps later.
    runner : CodeRunner
        What Brian2 computes it with.
    """

    needs = None

    def __init__(self, variable, line, steps, runner):
        self.variable, self.line, self.steps = variable, line, steps
        self.name, self.dt = runner.name, runner.clock.dt_
        self.targets = {key_of(line): line.name}

    def _stages(self, values):
        """Names of the values on their way, the oldest one first."""
        return [f'{key_of(self.line)}[{k}]' for k in range(int(values.of(self.steps)))]

    def linear(self, values, moving):
        source, line, stages = key_of(self.variable), key_of(self.line), self._stages(values)
        now = values.of(self.variable)
        before, after = [*stages, source], [line, *stages]
        at_hand = [values[key] if key in values else now for key in before]
        for key, value in zip(after, at_hand):
            values[key] = value
        return {key: {origin: Diagonal(1.0)} if origin in moving or origin in stages else {}
                for key, origin in zip(after, before)}


class _Weighted:
    """A sum over the synapses of a layout: weights times a change of one population."""

    def __init__(self, layout, side, terms, scale=1.0):
        # terms: for every patch its factors by side
        self.side, self.terms, self.scale = side, terms, scale
        self.ways = frozenset([side])
        self.size = layout.replicas*(layout.n_post if side == 'post' else layout.n_pre)

    def sum(self):
        """Of the terms alone, which have all factors."""
        found = np.zeros(self.size)
        for patch, factors in self.terms:
            patch.add(self.side, found, total(self.side, patch, **factors))
        return found

    def __matmul__(self, change):
        found, far = np.zeros(self.size), 'pre' if self.side == 'post' else 'post'
        for patch, factors in self.terms:
            own = getattr(patch, far)(change)
            factors = {**factors, far: factors.get(far, 1.0)*own}
            if patch.one_to_one:
                patch.add(self.side, found, own*factors.get('synapse', 1.0))
            else:
                patch.add(self.side, found, total(self.side, patch, **factors))
        return self.scale*found


class _Pairs:
    """A sum over a list of pairs of neurons."""

    def __init__(self, factor, origin, target, size, side):
        self.factor, self.origin, self.target, self.size = factor, origin, target, size
        self.ways = frozenset([side])

    def __matmul__(self, change):
        return np.bincount(self.target, self.factor*change[self.origin], self.size)


class Sum:
    """A sum over synapses, ``v_post = w*r_pre`` or ``v_pre = w*v_post``.

    Parameters
    ----------
    runner : SummedVariableUpdater
        What Brian2 computes it with.
    """

    needs = None

    def __init__(self, runner):
        self.synapses, self.name, self.dt = runner.group, runner.name, runner.clock.dt_
        self.side = 'pre' if runner.target_varname.endswith('_pre') else 'post'
        self.expression = runner.expression.code
        self.variable = runner.target_var
        self.targets = {key_of(self.variable): self.variable.name}

    def linear(self, values, moving):
        key = key_of(self.variable)
        layout = getattr(self.synapses, 'layout', None)
        if layout is not None and layout.kernels == 'pool':
            found, summed = self._pooled(values, moving, layout)
        else:
            found, summed = self._summed(values, moving, layout)
        if summed is not None:
            values.of(self.variable)
            values[key] = summed
        return {key: found}

    # ------------------------------------------------------------------------- names of synapses
    def _text(self):
        """The expression without the names of subexpressions of the synapses."""
        inlined = getattr(self.synapses, '_inlined', lambda code: code)
        return inlined(self.expression)

    def computed(self):
        """The variables that neurons compute when the sum reads them, which they do not store."""
        found = [(self._group(name), self._variable(name)) for name in names_in(self._text())]
        return [(group, variable) for group, variable in found
                if group is not None and isinstance(variable, Subexpression)]

    def _group(self, name):
        """The neurons that a name belongs to; None if it does not."""
        ends = getattr(self.synapses, '_populations', (self.synapses.source, self.synapses.target))
        side = name.rpartition('_')[2]
        if side not in ('pre', 'post') or name == f'N_{side}':
            return None
        group = ends[side == 'post']
        if isinstance(group, Subgroup):
            raise NotImplementedError(f"'{self.synapses.name}', which connects a part of a group")
        return group

    def _variable(self, name):
        """The variable that a name stands for; None for a constant or a function."""
        group = self._group(name)
        found = None if group is None else group.variables.get(name.rpartition('_')[0])
        return self.synapses.variables.get(name) if found is None else found

    def _moving(self, text, moving):
        """Names in an expression of what moves, with their keys."""
        found = {name: self._variable(name) for name in names_in(text)}
        return {name: key_of(variable) for name, variable in found.items()
                if getattr(variable, 'owner', None) is not None and key_of(variable) in moving}

    def _side_of(self, name):
        """Whether a name is of a ``'pre'`` or ``'post'`` neuron or a ``'synapse'``, or None."""
        variable = self.synapses.variables.get(name)
        if variable is None or variable.scalar:
            return None
        return {'_presynaptic_idx': 'pre', '_postsynaptic_idx': 'post'}.get(
            self.synapses.variables.indices[name], 'synapse')

    # -------------------------------------------------------------------------------------- sums
    def _summed(self, values, moving, layout):
        text = self._text()
        factors = _factors(text)
        moved = self._moving(text, moving)
        if not moved:  # it depends on weights and stimuli, which stay as they are
            return {}, None if key_of(self.variable) in values.held else self._held(
                factors, values, layout)
        linear = [factor for factor in factors if factor in moved]
        rest = [factor for factor in factors if factor not in linear]
        if len(linear) != 1 or self._moving('*'.join(rest) or '1', moving):
            return self._nonlinear(text, values, moved, layout)
        name = linear[0]
        if layout is None:
            operator = self._over_pairs('*'.join(rest) or '1.0', name, values)
        else:
            operator = _Weighted(layout, self.side, self._terms(layout, rest, values))
        return {moved[name]: operator}, operator @ values.of(self._variable(name))

    def _held(self, factors, values, layout):
        """The sum of what does not move, such as biases and what stimuli send."""
        values.held.add(key_of(self.variable))
        values.of(self.variable)
        if layout is not None:
            return _Weighted(layout, self.side, self._terms(layout, factors, values)).sum()
        operator = self._over_pairs('*'.join(factors), None, values)
        return np.bincount(operator.target, operator.factor, operator.size)

    def _terms(self, layout, rest, values):
        """For every patch of a layout the factors of a sum, by their side."""
        terms = []
        for patch in layout.patches():
            found = {}
            for factor in rest:
                sides = {self._side_of(name) for name in names_in(factor)} - {None}
                if len(sides) > 1:
                    raise NotImplementedError(f"the sum '{self.expression}' of '{self.name}'")
                side = sides.pop() if sides else 'synapse'
                value = value_of(evaluate(factor, lambda name: self._of_patch(
                    name, patch, values)))
                found[side] = found.get(side, 1.0)*value
            terms.append((patch, found))
        return terms

    def _of_patch(self, name, patch, values):
        variable = self._variable(name)
        found = values.look_up(self.synapses, name, {}, lambda key, value: value) if (
            variable is None or variable.scalar) else values.of(variable)
        side = self._side_of(name)
        return found if side is None else getattr(patch, side)(found)

    def _over_pairs(self, factor, name, values):
        pre, post = (self.synapses.variables[f'_synaptic_{side}'].get_value()
                     for side in ('pre', 'post'))
        index = {'pre': pre, 'post': post}

        def look_up(other):
            side, variable = self._side_of(other), self._variable(other)
            if side in index:
                return values.of(variable)[index[side]]
            return (values.of(variable) if side == 'synapse' else
                    values.look_up(self.synapses, other, {}, lambda key, value: value))

        size = values.of(self.variable).size
        return _Pairs(np.broadcast_to(value_of(evaluate(factor, look_up)), pre.shape),
                      index.get(self._side_of(name)), index[self.side], size, self.side)

    def _nonlinear(self, text, values, moved, layout):
        """A sum that is not linear in what it reads: the derivative for every pair of neurons."""
        if layout is None or layout.kernels != 'dense' or layout.positions > 1:
            raise NotImplementedError(f"the sum '{self.expression}' of '{self.name}'")
        patch, = layout.patches()

        def look_up(name):
            value = self._of_patch(name, patch, values)
            return Dual(value, {name: 1.0}) if name in moved else value

        result = evaluate(text, look_up)
        own = self.side
        found = {}
        for name, slope in slopes_of(result).items():
            pairs = np.broadcast_to(slope, patch.size)
            if self._side_of(name) == own:
                operator = Diagonal(pairs.sum(axis=1 if own == 'post' else 2).ravel())
            else:
                operator = _OfPairs(pairs, own)
            found[moved[name]] = (_Both(found[moved[name]], operator) if moved[name] in found
                                  else operator)
        summed = np.broadcast_to(value_of(result), patch.size).sum(axis=1 if own == 'post' else 2)
        return found, summed.ravel()

    # ----------------------------------------------------------------------------------- pooling
    def _pooled(self, values, moving, layout):
        variable = self._variable(self.expression)
        source, change = key_of(variable), values.of(variable)
        held = source not in moving
        if held and key_of(self.variable) in values.held:
            return {}, None
        if held:
            values.held.add(key_of(self.variable))
        if self.synapses._winning is None:
            terms = [(patch, {}) for patch in layout.patches()]
            operator = _Weighted(layout, self.side, terms, self.synapses._scale)
            return {} if held else {source: operator}, operator @ change
        won = f'{self.synapses.name}[winner]'
        if self.side == 'post':
            seen = [patch.pre(change) for patch in layout.patches()]
            values[won] = winners(layout, seen)[1]
        n_pre, n_post = layout.replicas*layout.n_pre, layout.replicas*layout.n_post
        pairs = {'pre': values[won], 'post': np.arange(n_post)}
        far = 'pre' if self.side == 'post' else 'post'
        operator = _Pairs(1.0, pairs[far], pairs[self.side],
                          n_post if self.side == 'post' else n_pre, self.side)
        return {} if held else {source: operator}, operator @ change


class _OfPairs:
    """A derivative for every pair of neurons of two populations, [copy, pre, post]."""

    def __init__(self, pairs, side):
        self.pairs, self.side = np.ascontiguousarray(pairs), side
        self.ways = frozenset([side])

    def __matmul__(self, change):
        copies, n_pre, n_post = self.pairs.shape
        if self.side == 'post':
            return np.einsum('cij,ci->cj', self.pairs, change.reshape(copies, n_pre)).ravel()
        return np.einsum('cij,cj->ci', self.pairs, change.reshape(copies, n_post)).ravel()


class _Both:
    """The sum of two derivatives by the same variable."""

    def __init__(self, first, second):
        self.first, self.second = first, second
        self.ways = first.ways | second.ways

    def __matmul__(self, change):
        return self.first @ change + self.second @ change


def _factors(text):
    """The factors of a product."""
    def split(node):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return [*split(node.left), *split(node.right)]
        return [ast.unparse(node)]
    return split(ast.parse(text, mode='eval').body)
