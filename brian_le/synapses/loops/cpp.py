"""Loops over synapses in C++, for standalone projects and for Cython.

Brian2's own generator writes the statements of the equations, `brian_le.synapses.loops.cpp_text`
the loops.
"""

import ast
from importlib import resources

import numpy as np
from brian2.codegen.generators.cpp_generator import CPPCodeGenerator, c_data_type
from brian2.codegen.runtime.cython_rt.cython_rt import CythonCodeObject
from brian2.core.preferences import prefs
from brian2.core.variables import ArrayVariable, Constant
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.parsing.rendering import CPPNodeRenderer
from brian2.utils.stringtools import word_substitute

from brian_le.synapses.loops.cpp_text import cpp_after_run, cpp_run

__all__ = ['StandaloneLoops', 'CythonLoops', 'has_cpp']


def has_cpp(function, owner, without_tables):
    """Whether a function can be called inside a loop in C++; Cython takes none with a table."""
    try:
        implementation = function.implementations[CPPStandaloneCodeObject]
    except KeyError:
        return False
    return not (without_tables and implementation.get_namespace(owner))


#: Functions of C++ that there are for float as well as for double.
_IN_FLOAT = ('abs', 'acos', 'asin', 'atan', 'ceil', 'cos', 'cosh', 'exp', 'expm1', 'fabs', 'floor',
             'fmod', 'isinf', 'log', 'log10', 'log1p', 'pow', 'sin', 'sinh', 'sqrt', 'tan', 'tanh')


# ------------------------------------------------------------------------------------- statements
class _Renderer(CPPNodeRenderer):
    """Numbers in the precision of all others; one in double would turn an expression to double."""

    suffix = ''

    def render_Constant(self, node):
        text = super().render_Constant(node)
        is_float = isinstance(node.value, (float, np.floating)) and np.isfinite(node.value)
        return f'{text}{self.suffix}' if is_float else text

    def render_BinOp(self, node):
        if not isinstance(node.op, ast.Div):
            return super().render_BinOp(node)
        left, right = map(self.render_element_parentheses, (node.left, node.right))
        return f'1.0{self.suffix}*{left}/{right}'  # of integers, too


class LoopGenerator(CPPCodeGenerator):
    """Statements for a loop that brings the indices of synapse and neurons with it."""

    def __init__(self, **options):
        super().__init__(**{**options, 'codeobj_class': CPPStandaloneCodeObject})

    @property
    def _single_precision(self):
        return prefs.core.default_float_dtype == np.float32

    def translate_expression(self, expr):
        expr = word_substitute(expr, self.func_name_replacements)
        renderer = _Renderer(auto_vectorise=self.auto_vectorise)
        renderer.suffix = 'f' if self._single_precision else ''
        return renderer.render_node(ast.parse(expr.strip(), mode='eval').body).strip()

    def translate_to_read_arrays(self, read, write, indices):
        lines = super().translate_to_read_arrays(read, write, indices)
        if self._single_precision:  # Brian2 keeps the time step in double
            lines = [line.replace('const double dt =', 'const float dt =') for line in lines]
        return lines

    def determine_keywords(self):
        keywords = super().determine_keywords()
        kernels = (resources.files(__package__)/'kernels'/f'{self.owner.layout.kernels}.hpp')
        keywords['support_code_lines'] += [
            *(f'using std::{name};' for name in _IN_FLOAT),
            *kernels.read_text('utf-8').splitlines()]
        # for Cython, which has to hand them over
        arrays = {self.get_array_name(var): (c_data_type(var.dtype),
                                             self.device.get_array_name(var))
                  for var in self.variables.values() if isinstance(var, ArrayVariable)}
        keywords['arrays'] = [(pointer, *arrays[pointer]) for pointer in sorted(arrays)]
        keywords['constants'] = [(name, c_data_type(var.dtype), self._number(var.value))
                                 for name, var in sorted(self.variables.items())
                                 if isinstance(var, Constant)]
        return keywords

    @staticmethod
    def _number(value):
        return CPPNodeRenderer().render_expr(repr(np.asarray(value).item()))


def _templates(codeobj_class):
    return codeobj_class.templater.derive(
        'brian_le.synapses.loops', env_globals={
            '_le_run': cpp_run, '_le_after_run': cpp_after_run})


class StandaloneLoops(CPPStandaloneCodeObject):
    """Loops in a C++ project."""

    templater = _templates(CPPStandaloneCodeObject)
    generator_class = LoopGenerator


class CythonLoops(CythonCodeObject):
    """The same C++, called by Cython."""

    templater = _templates(CythonCodeObject)
    generator_class = LoopGenerator
