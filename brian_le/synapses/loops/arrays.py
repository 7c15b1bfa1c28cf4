"""Loops over synapses in NumPy, as operations on whole arrays.

Weighted sums, and averages of products, are matrix products; anything else is computed for all
pairs of neurons at once.
"""

import numpy as np
from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
from brian2.codegen.runtime.numpy_rt.numpy_rt import NumpyCodeObject

from brian_le.rewriting import factors
from brian_le.synapses.layouts import Patch
from brian_le.synapses.loops.nests import SIDES

__all__ = ['ArrayLoops', 'separate']


def separate(code, side_of):
    """Abstract code of a value as a product of factors that read one side each, if it is one.

    Parameters
    ----------
    code : str
        An expression without subexpressions.
    side_of : callable
        See `brian_le.rewriting.factors`.

    Returns
    -------
    str
        Statements that set ``_le_of_synapse``, ``_le_of_pre`` and ``_le_of_post``, or
        ``_le_of_pair``.
    """
    parts = factors(code, side_of) or {'pair': code}
    return '\n'.join(f'_le_of_{side} = {factor}' for side, factor in parts.items())


class ArrayGenerator(NumpyCodeGenerator):
    """Statements for the arrays [copy, pre, post] of a `brian_le.synapses.layouts.Patch`."""

    def translate_one_statement_sequence(self, statements, scalar=False):
        read, write, _, _ = self.arrays_helper(statements)
        places = {name: (self._side(name), self.get_array_name(self.variables[name]))
                  for name in read | write}
        lines = []
        for name in sorted(read):
            side, array = places[name]
            lines.append(f'{name} = _le_patch.{side}({array})' if side else f'{name} = {array}[0]')
        lines += [self.translate_statement(statement) for statement in statements]
        for name in sorted(write):
            side, array = places[name]
            lines.append(f'_le_patch.put({side!r}, {array}, {name})' if side
                         else f'{array}[0] = {name}')
        return '\n'.join(lines)

    def translate_statement(self, statement):
        if statement.inplace:  # would not change the shape of what is a view of an array
            return (f'{statement.var} = {statement.var} {statement.op[:-1]} '
                    f'({self.translate_expression(statement.expr)})')
        return super().translate_statement(statement)

    def _side(self, name):
        return None if self.variables[name].scalar else SIDES.get(self.variable_indices[name])


class ArrayLoops(NumpyCodeObject):
    """Loops as operations on arrays."""

    templater = NumpyCodeObject.templater.derive('brian_le.synapses.loops')
    generator_class = ArrayGenerator

    def __init__(self, owner, *args, **kwds):
        super().__init__(owner, *args, **kwds)
        layout = owner.layout
        self.namespace.update(
            _le_total=total, _le_average=average, _le_winners=winners, _le_layout=layout,
            _le_patches=list(layout.patches()), _le_synapses_alone=synapses_alone)


# ------------------------------------------------------------------- what the templates make use of
def total(side, patch, pair=None, synapse=1.0, pre=1.0, post=1.0):
    """Sum of the values of a patch over the neurons of the other side, [copy, neuron]."""
    if pair is not None:
        return np.broadcast_to(pair, patch.size).sum(axis=1 if side == 'post' else 2)
    rows, columns, weights = _matrices(patch, synapse, pre, post)
    if side == 'post':
        sums, factor = _as_matrix(rows, *patch.size[:2]) @ weights, columns
    else:
        sums, factor = _as_matrix(columns, *patch.size[::2]) @ weights.T, rows
    return sums if np.ndim(factor) == 0 and factor == 1 else sums*factor


def average(patch, replicas, pair=None, synapse=1.0, pre=1.0, post=1.0):
    """Mean of the values of a patch over the replicas, summed over positions, [pre, post]."""
    if pair is not None:
        return np.broadcast_to(pair, patch.size).sum(axis=0)/replicas
    rows, columns, weights = _matrices(patch, synapse, pre, post)
    products = _as_matrix(rows, *patch.size[:2]).T @ _as_matrix(columns, *patch.size[::2])
    return weights*products/replicas


def _matrices(patch, synapse, pre, post):
    """Factors without the axis of the other side."""
    rows = pre[:, :, 0] if np.ndim(pre) == 3 else pre
    columns = post[:, 0, :] if np.ndim(post) == 3 else post
    return rows, columns, _as_matrix(synapse, *patch.size[1:])


def _as_matrix(values, *shape):
    values = np.asarray(values)
    if values.dtype.kind != 'f':  # products of integers overflow, those of booleans do not add up
        values = values.astype(float)
    return values if values.shape == shape else np.broadcast_to(values, shape)


def winners(layout, values):
    """Of the values [patch][copy, 1, 1] of a pooling layer: the largest, and its source neuron."""
    values = np.stack([np.ravel(value) for value in values])
    sources = np.stack([np.ravel(patch.view('pre', np.arange(layout.replicas*layout.n_pre)))
                        for patch in layout.patches()])
    best = values.argmax(axis=0)  # the first of equals
    pick = np.arange(values.shape[1])
    return values[best, pick], sources[best, pick]


#: Synapses without their neurons, as a flat array.
synapses_alone = Patch((), (), (-1,))
