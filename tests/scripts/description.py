"""A small script of Brian2, as its statements."""

from dataclasses import dataclass

__all__ = ['AWKWARD', 'AWKWARD_CONSTANTS', 'Script']

#: Names that are usual in scripts, and that generated code or a class could want for itself.
AWKWARD = (
    'update', 'post', 'pre', 'replicas', 'layout', 'value', 'values', 'sum', 'n', 'k', 'x', 'y',
    'acc', 'side', 'copy', 'populations', 'matrix', 'loops', 'side_of', 'about', 'inlined', 'patch',
    'pending', 'total', 'average', 'first', 'last', 'rows', 'columns', 'size', 'index',
    'idx', 'count', 'data', 'kernel', 'batch', 'result', 'begin', 'end', 'sums',
    'weights', 'neuron', 'replica', 'grad', 'w_grad', 'stored', 'owner', 'nest', 'code', 'scale',
    'winner', 'switch', 'tmp', 'block', 'chunk', 'chunks', 'terms', 'mean', 'other',
    'indices', 'stop', 'row', 'column', 'body', 'learn', 'follow', 'change', 'w_max')
#: The same, of constants, which Brian2 lets have more.
AWKWARD_CONSTANTS = (*AWKWARD, 'n_pre', 'n_post', 'sum_I_post', 'source', 'target', 'learning')


@dataclass(frozen=True)
class Script:
    """A script of Brian2, as statements.

    Attributes
    ----------
    constants : tuple of (str, str)
        Names that equations use, and their values.
    make : tuple of str
        Statements that create objects and set their variables; all names begin with ``name``.
    parts : tuple
        What follows: numbers of milliseconds to run, and statements between two runs.
    """

    constants: tuple
    make: tuple
    parts: tuple

    @property
    def duration(self):
        """Of all runs, in milliseconds."""
        return sum(part for part in self.parts if isinstance(part, float))

    def statements(self):
        """All of it, in groups: what comes before the first run, the first run, and so on."""
        yield '\n'.join([f'{name} = {value}' for name, value in self.constants]
                        + list(self.make))
        for part in self.parts:
            yield f'network.run({part!r}*ms)' if isinstance(part, float) else part

    def __str__(self):
        return '\n'.join(['from brian2 import *', 'from brian_le import DenseSynapses as Synapses',
                          "prefs.codegen.target = 'numpy'", "name = 'case'",
                          *self.statements()])
