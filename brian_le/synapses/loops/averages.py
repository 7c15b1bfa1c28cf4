"""What is averaged when several neurons share one synapse.

With replicas, or a kernel that is moved over a plane, many pairs of neurons read one weight. Each
of them would change it by itself; what the weight follows is the mean of these changes over the
replicas, and their sum over the positions of a kernel. Of a right-hand side such as
``eta*(err_post*r_pre - decay*w)`` that concerns ``err_post*r_pre`` alone, because the rest is the
same for all pairs. Whatever comes after, such as a clipping or an optimiser, sees the mean.
"""

import ast

from brian2.equations.equations import DIFFERENTIAL_EQUATION, SUBEXPRESSION, Equations
from brian2.utils.stringtools import get_identifiers

from brian_le.names import local
from brian_le.rewriting import as_product, inline, product_of, render, with_expressions

__all__ = ['Average', 'average']


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
    lines, split = [], {}
    for name, eq in equations.items():
        if eq.type == DIFFERENTIAL_EQUATION or eq.type == SUBEXPRESSION and (
                splitter.is_gradient(name)):
            split[name] = splitter.split(eq.expr.code)
        elif eq.type == SUBEXPRESSION and splitter.depends_on_neurons(eq.expr.code):
            continue  # it is part of the terms now
        lines.append(eq)
    return Average(with_expressions(Equations(lines), split), splitter.terms)


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
        return render(self._split(ast.parse(code, mode='eval').body))

    def _split(self, node):
        if not self.depends_on_neurons(render(node)):
            return node
        if isinstance(node, ast.Name) and node.id in self.subexpressions:
            return self._split(ast.parse(self.subexpressions[node.id], mode='eval').body)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            return ast.BinOp(self._split(node.left), node.op, self._split(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return ast.UnaryOp(node.op, self._split(node.operand))
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
            own, shared = [], []
            for factor, op in product_of(node):
                depends = self.depends_on_neurons(render(factor))
                (own if depends else shared).append((factor, op))
            if len(own) == 1 and isinstance(own[0][1], ast.Mult):
                inner = self._split(own[0][0])
            else:
                inner = self._term(as_product(own))
            return as_product([(inner, ast.Mult()), *shared])
        return self._term(node)

    def _term(self, node):
        expressions = {name: code for name, code in self.subexpressions.items()
                       if self._name_depends(name)}
        code = inline(render(node), expressions)
        for name, known in self.terms.items():
            if code == known:
                break
        else:
            name = local(f'mean_{len(self.terms)}')
            self.terms[name] = code
        return ast.Name(name)
