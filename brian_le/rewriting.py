"""Equations that change other equations: the one place for surgery on their text.

Pure functions of expressions (texts) and of `brian2.Equations`: none changes what it is given.
"""

import ast
import re

from brian2.equations.codestrings import Expression
from brian2.equations.equations import (DIFFERENTIAL_EQUATION, PARAMETER, SUBEXPRESSION, Equations,
                                        SingleEquation)
from brian2.parsing.rendering import NodeRenderer
from brian2.utils.stringtools import get_identifiers, word_substitute

from brian_le.parameters import equations_of, unit_text

__all__ = ['as_product', 'factors', 'inline', 'is_shared', 'kind_of', 'multipliers', 'product_of',
           'read_as', 'read_in', 'reading', 'render', 'reworded', 'shared_where_possible',
           'source_of', 'unit_of', 'variables_read_as', 'with_expression', 'with_expressions',
           'with_lines', 'with_words', 'without_flags', 'written_in', 'written_out']

_AS_READ = '_as_read'
_ASSIGNMENT = re.compile(r'\s*(\w+)\s*[-+*/%]*=(?!=)(.*)')

render = NodeRenderer().render_node


# ------------------------------------------------------------------------------------ expressions
def reworded(code, words):
    """Code with other words, one after the other.

    Examples
    --------
    >>> from brian_le.rewriting import reworded
    >>> reworded('w*r_pre + r', {'r': '(a + b)'})
    'w*r_pre + (a + b)'
    """
    return word_substitute(code, words)


def inline(code, subexpressions):
    """Put subexpressions into an expression or into statements, until none is left.

    Examples
    --------
    >>> from brian_le.rewriting import inline
    >>> inline('x += 2*y', {'y': 'a + z', 'z': 'b*c'})
    'x = x + (2 * (a + (b * c)))'
    """
    inserted = _Inliner(subexpressions)
    tree = ast.parse(code)
    lines = []
    for statement in tree.body:
        if isinstance(statement, ast.Expr):
            lines.append(render(inserted.visit(statement.value)))
        elif isinstance(statement, ast.AugAssign):
            value = ast.BinOp(statement.target, statement.op, inserted.visit(statement.value))
            lines.append(f'{statement.target.id} = {render(value)}')
        else:
            value = render(inserted.visit(statement.value))
            lines.append(f'{statement.targets[0].id} = {value}')
    return '\n'.join(lines)


class _Inliner(ast.NodeTransformer):
    def __init__(self, subexpressions):
        self.subexpressions = subexpressions

    def visit_Name(self, node):
        if node.id in self.subexpressions:
            return self.visit(ast.parse(self.subexpressions[node.id], mode='eval').body)
        return node


def product_of(node, op=None):
    """The factors of a product, each with the operator (times or divided by) before it.

    Examples
    --------
    >>> import ast
    >>> from brian_le.rewriting import product_of, render
    >>> node = ast.parse('-a*(b + c)/d', mode='eval').body
    >>> [(type(op).__name__, render(factor)) for factor, op in product_of(node)]
    [('Mult', '-1'), ('Mult', 'a'), ('Mult', 'b + c'), ('Div', 'd')]
    """
    op = op or ast.Mult()
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        turned = {ast.Mult: ast.Div, ast.Div: ast.Mult}
        right = node.op if isinstance(op, ast.Mult) else turned[type(node.op)]()
        return product_of(node.left, op) + product_of(node.right, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [(ast.Constant(-1), ast.Mult())] + product_of(node.operand, op)
    return [(node, op)]


def as_product(product):
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

    Examples
    --------
    >>> from brian_le.rewriting import multipliers
    >>> sorted(multipliers('gate*eta*(a - b)/c'))
    ['eta', 'gate']
    """
    product = product_of(ast.parse(code, mode='eval').body)
    return {factor.id for factor, op in product
            if isinstance(factor, ast.Name) and isinstance(op, ast.Mult)}


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

    Examples
    --------
    >>> from brian_le.rewriting import factors
    >>> sides = {'r': 'pre', 'err': 'post', 'w': 'synapse'}.get
    >>> factors('eta*err*r/w', sides)
    {'pre': 'r', 'post': 'err', 'synapse': 'eta / w'}
    """
    parts = {'pre': [], 'post': [], 'synapse': []}
    for factor, op in product_of(ast.parse(code, mode='eval').body):
        sides = {side_of(name) for name in get_identifiers(render(factor))} - {None}
        if len(sides) > 1:
            return None
        parts[sides.pop() if sides else 'synapse'].append((factor, op))
    return {side: render(as_product(product)) for side, product in parts.items()}


def written_in(code):
    """Names of the variables that code assigns to.

    Examples
    --------
    >>> from brian_le.rewriting import written_in
    >>> sorted(written_in('x += w; y = 2*x'))
    ['x', 'y']
    """
    found = (_ASSIGNMENT.match(line) for line in re.split('[;\n]', code or ''))
    return {match[1] for match in found if match}


def read_in(statement):
    """What a statement reads, without what it assigns to: that is about the stored value.

    Examples
    --------
    >>> from brian_le.rewriting import read_in
    >>> sorted(read_in('x += w*y'))
    ['w', 'y']
    """
    assignment = _ASSIGNMENT.match(statement)
    if assignment:
        return get_identifiers(assignment[2]) - {assignment[1]}
    return get_identifiers(statement)


# -------------------------------------------------------------------------------------- equations
def source_of(variable, equations):
    """The line that a variable takes its value from: its published subexpression, or itself.

    Examples
    --------
    >>> from brian2 import Equations
    >>> from brian_le.rewriting import source_of
    >>> source_of('r', Equations('r : 1\\nr_now = tanh(u) : 1\\nu : 1'))
    'r_now'
    """
    published = f'{variable}_now'
    is_published = published in equations and equations[variable].type == PARAMETER
    return published if is_published else variable


def kind_of(equations, name):
    """Whether a variable is ``'stored'``, ``'computed'`` or ``'integrated'``.

    Examples
    --------
    >>> from brian2 import Equations
    >>> from brian_le.rewriting import kind_of
    >>> kind_of(Equations('du/dt = -u/tau : 1\\ntau : second'), 'u')
    'integrated'
    """
    return {PARAMETER: 'stored', SUBEXPRESSION: 'computed',
            DIFFERENTIAL_EQUATION: 'integrated'}[equations[name].type]


def is_shared(name, equations):
    """Whether a variable has one value for its whole group."""
    return 'shared' in equations[source_of(name, equations)].flags


def unit_of(equation):
    """The unit of a line, as it stands in equations."""
    return unit_text(equation.unit)


def with_expressions(equations, expressions):
    """The equations with other expressions for some variables, each a text or an `Expression`.

    Examples
    --------
    >>> from brian2 import Equations
    >>> from brian_le.rewriting import with_expressions
    >>> print(with_expressions(Equations('x = 2*y : 1\\ny : 1'), {'x': '3*y'})['x'])
    x = 3*y : 1
    """
    return Equations([_changed(eq, expressions[eq.varname]) if eq.varname in expressions else eq
                      for eq in equations.values()])


def with_expression(equations, name, expression):
    """The equations with another expression for one variable, ``{}`` standing for the old one.

    Examples
    --------
    >>> from brian2 import Equations
    >>> from brian_le.rewriting import with_expression
    >>> print(with_expression(Equations('x = a + b : 1'), 'x', 'clip({}, 0, 1)*2'))
    x = clip((a + b), 0, 1)*2 : 1
    """
    old = equations[name].expr.code
    code = old if old.isidentifier() else f'({old})'
    return with_expressions(equations, {name: expression.replace('{}', code)})


def with_words(equations, name, words):
    """The equations with other words in the expression of one variable.

    Examples
    --------
    >>> from brian2 import Equations
    >>> from brian_le.rewriting import with_words
    >>> print(with_words(Equations('x = tanh(u) : 1'), 'x', {'u': 'u_real'}))
    x = tanh(u_real) : 1
    """
    return with_expressions(equations, {name: reworded(equations[name].expr.code, words)})


def with_lines(equations, name, lines):
    """The equations with other lines in place of that of one variable, at the end.

    Examples
    --------
    >>> from brian2 import Equations
    >>> from brian_le.rewriting import with_lines
    >>> print(with_lines(Equations('x : 1'), 'x', ['x = a + b : 1'])['x'])
    x = a + b : 1
    """
    rest = [eq for eq in equations.values() if eq.varname != name]
    return Equations(rest) + equations_of(lines)


def without_flags(equations, name, *flags):
    """The equations with a variable that has lost some flags.

    Examples
    --------
    >>> from brian2 import Equations
    >>> from brian_le.rewriting import without_flags
    >>> print(without_flags(Equations('x : 1 (shared, constant)'), 'x', 'constant'))
    x : 1 (shared)
    """
    return Equations([_changed(eq, eq.expr, [flag for flag in eq.flags if flag not in flags])
                      if eq.varname == name else eq for eq in equations.values()])


def shared_where_possible(equations):
    """The equations, without the flag of shared expressions that read what is not shared (now)."""
    for eq in equations.values():
        if eq.type == SUBEXPRESSION and 'shared' in eq.flags and any(
                name in equations and not {'shared', 'linked'} & set(equations[name].flags)
                for name in eq.identifiers):
            return shared_where_possible(without_flags(equations, eq.varname, 'shared'))
    return equations


def reading(name, equations):
    """The name that a variable is read by: its own, or that of a line that `read_as` has made."""
    line = f'{name}{_AS_READ}'
    return line if line in equations else name


def read_as(equations, name, expression, but=()):
    """The equations with an expression in place of a variable wherever it is read.

    ``{}`` in the expression stands for what has been read so far: of several imperfections the
    later one changes what the earlier one has made of the variable. The variable's own line, and
    those in `but`, keep it. Expressions have lines of their own until they are `written_out`.

    Examples
    --------
    >>> from brian2 import Equations
    >>> from brian_le.rewriting import read_as, written_out
    >>> equations = read_as(Equations('x : 1\\ny = 2*x : 1'), 'x', '{} + noise')
    >>> print(written_out(read_as(equations, 'x', 'clip({}, 0, 1)'))['y'])
    y = 2*(clip((x + noise), 0, 1)) : 1
    """
    line = f'{name}{_AS_READ}'
    if line in equations:
        words = {line: f'({equations[line].expr.code})'}
        equations = Equations([_reworded(eq, words) if eq.varname in but else eq
                               for eq in equations.values()])
    else:
        own = equations[name]
        equations = Equations([
            *(eq if eq.varname in (name, *but) else _reworded(eq, {name: line})
              for eq in equations.values()),
            SingleEquation(SUBEXPRESSION, line, own.dim, var_type=own.var_type,
                           expr=Expression(name))])
    return with_expression(equations, line, expression)


def variables_read_as(equations):
    """Names of the variables that `read_as` has put expressions in place of."""
    return [name.removesuffix(_AS_READ) for name in equations if name.endswith(_AS_READ)]


def written_out(equations):
    """The equations with the expressions of `read_as` where they are read."""
    for name in variables_read_as(equations):
        line = f'{name}{_AS_READ}'
        words = {line: f'({equations[line].expr.code})'}
        equations = Equations([_reworded(eq, words) for eq in equations.values()
                               if eq.varname != line])
    return equations


def _reworded(eq, words):
    if eq.expr is None or not words.keys() & eq.identifiers:
        return eq
    return _changed(eq, reworded(eq.expr.code, words))


def _changed(eq, expression, flags=None):
    """A line with another expression, or other flags."""
    return SingleEquation(eq.type, eq.varname, eq.dim, var_type=eq.var_type,
                          expr=(Expression(expression) if isinstance(expression, str)
                                else expression),
                          flags=list(eq.flags) if flags is None else flags)
