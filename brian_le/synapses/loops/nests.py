"""What one code object of a projection computes, whatever the target.

A nest has expressions and abstract code by name; ``templates/`` and `cpp_text` wrap the loops of
each target around them.
"""

from dataclasses import dataclass, field

from brian2.core.variables import ArrayVariable

from brian_le.names import local
from brian_le.synapses.layouts import DenseLayout

__all__ = ['Sum', 'OnePass', 'Sums', 'Pooling', 'Learning', 'Snapshot', 'SIDES', 'NEURONS']

#: Whom a variable belongs to, by the index that Brian2 reads it with.
SIDES = {'_idx': 'synapse', '_presynaptic_idx': 'pre', '_postsynaptic_idx': 'post'}
#: The same, without the synapses.
NEURONS = {index: side for index, side in SIDES.items() if side != 'synapse'}


@dataclass(frozen=True)
class Sum:
    """A summed variable: an expression, and the variable of the neurons that takes its sum."""

    name: str
    expression: str
    variable: ArrayVariable

    @property
    def side(self):
        return 'pre' if self.name.endswith('_pre') else 'post'

    @property
    def equation(self):
        return f'{self.name} = {self.expression} (summed)'


@dataclass
class Nest:
    """Common to all nests.

    Attributes
    ----------
    layout : DenseLayout, ConvLayout or PoolLayout
        Which synapse connects which neurons.
    about : str
        What is computed, for the reader of generated code.
    values : dict of str to str
        Expressions by name, whose values are summed, averaged or compared.
    statements : dict of str to str
        Abstract code by name.
    switches : list of ArrayVariable
        Shared variables; where one of them is 0 there is nothing to do, and C++ skips it.
    kind : str
        What the templates of NumPy go by.
    """

    layout: DenseLayout
    about: str
    values: dict = field(init=False, default_factory=dict)
    statements: dict = field(init=False, default_factory=dict)
    switches: list = field(init=False, default_factory=list)
    sum = None


@dataclass
class OnePass(Nest):
    """Everything that happens to the weights of a dense projection at one place of the step.

    The weights change first, then the sums read them. If the weights follow late, they do so only
    when a `Snapshot` has been taken, which `pending` tells.
    """

    sums: list = ()
    update: str = None
    pending: ArrayVariable = None
    kind = 'update'

    def __post_init__(self):
        self.values = {s.name: s.expression for s in self.sums}
        if self.update is not None:
            self.statements = {'update': self.update}

    def of_side(self, side):
        return [s for s in self.sums if s.side == side]


@dataclass
class Sums(Nest):
    """One summed variable."""

    sum: Sum = None
    scale: float = 1.0
    kind = 'sum'

    def __post_init__(self):
        self.values = {self.sum.name: self.sum.expression}


@dataclass
class Pooling(Sums):
    """One summed variable of windows: the mean, or only of the winner in each window.

    `winner` are the source neurons that were largest, None for the mean.
    """

    winner: ArrayVariable = None

    @property
    def kind(self):
        if self.winner is None:
            return 'sum'
        return 'maximum' if self.sum.side == 'post' else 'through winners'


@dataclass
class Learning(Nest):
    """Weights that several pairs of neurons share follow averages, `terms` by name."""

    terms: dict = None
    update: str = None
    kind = 'learning'

    def __post_init__(self):
        self.values = dict(self.terms)
        self.statements = {'update': self.update}


@dataclass
class Snapshot(Nest):
    """Copies of what a change of weights reads, for weights that follow late."""

    copies: dict = None  # names of variables, by 'pre', 'post' and 'scalar'
    pending: ArrayVariable = None

    def __post_init__(self):
        self.statements = {side: '\n'.join(f'{self.copy_of(name)} = {name}' for name in names)
                           for side, names in self.copies.items() if names}

    @staticmethod
    def copy_of(name):
        return local(f'then_{name}')
