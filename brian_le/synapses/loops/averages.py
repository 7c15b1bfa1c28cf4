"""What is averaged when several neurons share one synapse.

With replicas, or a kernel that is moved over a plane, many pairs of neurons read one weight. Each
of them would change it by itself; what the weight follows is the mean of these changes over the
replicas, and their sum over the positions of a kernel. Of a right-hand side such as
``eta*(err_post*r_pre - decay*w)`` that concerns ``err_post*r_pre`` alone, because the rest is the
same for all pairs. Whatever comes after, such as a clipping or an optimiser, sees the mean.
"""

import ast

from brian2.equations.codestrings import Expression
from brian2.equations.equations import (DIFFERENTIAL_EQUATION, SUBEXPRESSION, Equations,
                                        SingleEquation)
from brian2.parsing.rendering import NodeRenderer
from brian2.utils.stringtools import get_identifiers

from brian_le.names import local

__all__ = ['Average', 'average', 'factors', 'inline', 'multipliers']

_render = NodeRenderer().render_node


class Average:
    """Equations in which what neurons contribute is replaced by its average.

    Attributes
    ----------
    equations : Equations
        With the names of `terms` as further identifiers.
    terms : dict of str to str
        What is to be averaged, by name.
    """

    def __init__(self, equations, terms):
        self.equations = equations
        self.terms = terms


def average(equations, reads_neurons):
    """Replace what is to be averaged in equations of synapses.

    Parameters
    ----------
    equations : Equations
        Differential equations, subexpressions and parameters. A subexpression whose name is
        ``grad`` or ends with ``_grad`` is averaged by itself before anything else reads it, as
        the gradient of an optimiser that squares or divides it has to be.
    reads_neurons : callable
        Whether a variable of this name belongs to the neurons.

    Returns
    -------
    Average
    """
    subexpressions = {eq.varname: eq.expr.code for eq in equations.values()
                      if eq.type == SUBEXPRESSION}
    splitter = _Splitter(subexpressions, reads_neurons)
    lines = []
    for eq in equations.values():
        if eq.type == DIFFERENTIAL_EQUATION or eq.type == SUBEXPRESSION and (
                splitter.is_gradient(eq.varname)):
            code = splitter.split(eq.expr.code)
        elif eq.type == SUBEXPRESSION and splitter.depends_on_neurons(eq.expr.code):
            continue  # it is part of the terms now
        else:
            lines.append(eq)
            continue
        lines.append(SingleEquation(eq.type, eq.varname, eq.dim, var_type=eq.var_type,
                                    expr=Expression(code), flags=eq.flags))
    return Average(Equations(lines), splitter.terms)


class _Splitter:
    def __init__(self, subexpressions, reads_neurons):
        self.subexpressions = subexpressions
        self.reads_neurons = reads_neurons
        self.terms = {}

    @staticmethod
    def is_gradient(name):
        return name == 'grad' or name.endswith('_grad')

    def depends_on_neurons(self, code):
        return any(self._name_depends(name) for name in get_identifiers(code))

    def _name_depends(self, name):
        if name in self.subexpressions:
            return not self.is_gradient(name) and self.depends_on_neurons(
                self.subexpressions[name])
        return self.reads_neurons(name)

    def split(self, code):
        return _render(self._split(ast.parse(code, mode='eval').body))

    def _split(self, node):
        if not self.depends_on_neurons(_render(node)):
            return node
        if isinstance(node, ast.Name) and node.id in self.subexpressions:
            return self._split(ast.parse(self.subexpressions[node.id], mode='eval').body)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            return ast.BinOp(self._split(node.left), node.op, self._split(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return ast.UnaryOp(node.op, self._split(node.operand))
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
            own, shared = [], []
            for factor, op in _product(node):
                depends = self.depends_on_neurons(_render(factor))
                (own if depends else shared).append((factor, op))
            if len(own) == 1 and isinstance(own[0][1], ast.Mult):
                inner = self._split(own[0][0])
            else:
                inner = self._term(_as_product(own))
            return _as_product([(inner, ast.Mult()), *shared])
        return self._term(node)

    def _term(self, node):
        expressions = {name: code for name, code in self.subexpressions.items()
                       if self._name_depends(name)}
        code = inline(_render(node), expressions)
        for name, known in self.terms.items():
            if code == known:
                break
        else:
            name = local(f'mean_{len(self.terms)}')
            self.terms[name] = code
        return ast.Name(name)


def _product(node, op=None):
    """The factors of a product, each with the operator (times or divided by) before it."""
    op = op or ast.Mult()
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        turned = {ast.Mult: ast.Div, ast.Div: ast.Mult}
        right = node.op if isinstance(op, ast.Mult) else turned[type(node.op)]()
        return _product(node.left, op) + _product(node.right, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [(ast.Constant(-1), ast.Mult())] + _product(node.operand, op)
    return [(node, op)]


def _as_product(product):
    """The node of a product; the factor 1 if it is empty or begins with a division."""
    node = ast.Constant(1)
    for factor, op in product:
        if isinstance(node, ast.Constant) and node.value == 1 and isinstance(op, ast.Mult):
            node = factor
        else:
            node = ast.BinOp(node, op, factor)
    return node


def multipliers(code):
    """Names that an expression without subexpressions is a multiple of.

    Parameters
    ----------
    code : str
        The expression.

    Returns
    -------
    set of str
    """
    product = _product(ast.parse(code, mode='eval').body)
    return {factor.id for factor, op in product
            if isinstance(factor, ast.Name) and isinstance(op, ast.Mult)}


def inline(code, subexpressions):
    """Put subexpressions into an expression or into statements, until none is left."""
    inserted = _Inliner(subexpressions)
    tree = ast.parse(code)
    lines = []
    for statement in tree.body:
        if isinstance(statement, ast.Expr):
            lines.append(_render(inserted.visit(statement.value)))
        elif isinstance(statement, ast.AugAssign):
            value = ast.BinOp(statement.target, statement.op, inserted.visit(statement.value))
            lines.append(f'{statement.target.id} = {_render(value)}')
        else:
            value = _render(inserted.visit(statement.value))
            lines.append(f'{statement.targets[0].id} = {value}')
    return '\n'.join(lines)


class _Inliner(ast.NodeTransformer):
    def __init__(self, subexpressions):
        self.subexpressions = subexpressions

    def visit_Name(self, node):
        if node.id in self.subexpressions:
            return self.visit(ast.parse(self.subexpressions[node.id], mode='eval').body)
        return node


def factors(code, side_of):
    """Take an expression apart into factors that read only one side each.

    Parameters
    ----------
    code : str
        An expression without subexpressions.
    side_of : callable
        ``'pre'``, ``'post'``, ``'synapse'`` or None (the same everywhere), for a name.

    Returns
    -------
    dict or None
        The factors by side, ``'synapse'`` with whatever is the same everywhere; None if a factor
        reads more than one side.
    """
    parts = {'pre': [], 'post': [], 'synapse': []}
    for factor, op in _product(ast.parse(code, mode='eval').body):
        sides = {side_of(name) for name in get_identifiers(_render(factor))} - {None}
        if len(sides) > 1:
            return None
        parts[sides.pop() if sides else 'synapse'].append((factor, op))
    return {side: _render(_as_product(product)) for side, product in parts.items()}
