"""Descriptions of dendritic trees: compartments, and who sends its rate to whom."""

import re
from collections import Counter
from dataclasses import dataclass, field

from brian2.units.allunits import second
from brian2.units.stdunits import ms

from brian_le.activations import Activation, get_activation
from brian_le.checks import (check_finite, check_not_negative, check_positive, check_variable,
                             choose)
from brian_le.parameters import parameter

__all__ = ['Compartment', 'children', 'ordered_tree']

# endings that mean something to the state updater or to synapses
_RESERVED = {'pre', 'post', 'now', 'prosp', 'dot', 'min', 'max'}


@dataclass(frozen=True)
class Compartment:
    """One compartment of a dendritic tree; a list of them is a tree.

    Parameters
    ----------
    name : str
        Its name: letters, digits and underscores.
    parent : str, optional
        Name of the compartment that it sends its rate to; None for the root, the soma.
    tau_m, tau_r : Quantity or str
        Membrane time constant (default 10 ms) and look-ahead time (default ``tau_m``), or the
        flags of variables ``tau_m_NAME`` and ``tau_r_NAME``. Prospective errors need a ``tau_r``
        of at least the time step.
    activation : str or Activation
        phi, see `brian_le.activations`.
    coupling : float or str, optional
        What its rate is multiplied with on the way to its parent (default 1), or the flags of a
        variable ``coupling_NAME`` per neuron: ``'constant'`` if it is to be set, an empty string
        if it is to be learned.
    inputs : sequence of str
        Names of the inputs of its own, one per projection, to which its name is appended.

    Raises
    ------
    ValueError
        For a name that no variable can have, an unknown activation, or a coupling of the root.

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le import Compartment
    >>> tree = [Compartment('soma'), Compartment('slow', 'soma', tau_m=50*ms, tau_r=1*ms)]
    """

    name: str
    parent: str | None = None
    tau_m: object = field(default_factory=lambda: 10*ms)
    tau_r: object = None
    activation: str | Activation = 'tanh'
    coupling: float | str | None = None
    inputs: tuple = ('v_in', 'b')

    def __post_init__(self):
        if not isinstance(self.name, str) or not re.fullmatch(
                '[A-Za-z]([A-Za-z0-9_]*[A-Za-z0-9])?', self.name):
            raise ValueError(f'a compartment is called {self.name!r}; give a name of letters, '
                             "digits and underscores, such as 'apical_1'")
        if self.name.split('_')[-1] in _RESERVED:
            raise ValueError(f"a compartment is called '{self.name}', but variables that end in "
                             f"'_{self.name.split('_')[-1]}' mean something else; choose another "
                             'name')
        get_activation(self.activation)
        if self.parent is not None and not isinstance(self.parent, str):
            raise ValueError(f"the parent of '{self.name}' is {self.parent!r}; give the name of a "
                             'compartment')
        parameter(f'tau_m of {self.name}', self.tau_m, second, check_positive)
        if self.tau_r is not None:
            parameter(f'tau_r of {self.name}', self.tau_r, second, check_not_negative)
        if self.coupling is not None:
            parameter(f'coupling of {self.name}', self.coupling, None, check_finite)
        if self.parent is None and self.coupling is not None:
            raise ValueError(f"'{self.name}' has a coupling but no parent; give it a parent, or "
                             'no coupling if it is the root')
        if isinstance(self.inputs, str) or not isinstance(self.inputs, (tuple, list)):
            raise ValueError(f"inputs of '{self.name}' is {self.inputs!r}; give a tuple of names, "
                             "e.g. ('v_in',)")
        for name in self.inputs:
            check_variable(f"an input of '{self.name}'", name)

    def variable(self, name):
        """The name of a variable of this compartment, from that of a `gle_neuron`.

        Examples
        --------
        >>> from brian_le import Compartment
        >>> Compartment('slow', 'soma').variable('u_prosp')
        'u_slow_prosp'
        >>> Compartment('soma').variable('u_prosp')
        'u_prosp'
        """
        if self.parent is None:
            return name
        for ending in ('_now', '_prosp', '_dot'):
            if name.endswith(ending):
                return f'{name.removesuffix(ending)}_{self.name}{ending}'
        return f'{name}_{self.name}'


def ordered_tree(tree):
    """The compartments of a tree with the root first and parents before their children.

    Parameters
    ----------
    tree : sequence of Compartment
        The compartments in any order.

    Returns
    -------
    list of Compartment

    Raises
    ------
    ValueError
        If they are no tree: no root or several ones, a cycle, an unknown parent, a name given
        twice; or if a compartment without children has no inputs.
    TypeError
        If something is not a compartment.

    Examples
    --------
    >>> from brian_le import Compartment, ordered_tree
    >>> [c.name for c in ordered_tree([Compartment('tip', 'branch'), Compartment('soma'),
    ...                                Compartment('branch', 'soma')])]
    ['soma', 'branch', 'tip']
    >>> ordered_tree([Compartment('soma'), Compartment('other')])
    Traceback (most recent call last):
    ...
    ValueError: the tree has 2 roots: 'soma', 'other'; all compartments but one need a parent
    """
    if isinstance(tree, Compartment):
        raise TypeError(f"'{tree.name}' is one compartment; a tree is a list of them")
    if not isinstance(tree, (list, tuple)):
        raise TypeError(f'the tree is {tree!r}; give a list of compartments')
    tree = list(tree)
    for c in tree:
        if not isinstance(c, Compartment):
            raise TypeError(f'{c!r} is not a Compartment; a tree is a list of them')
    names = [c.name for c in tree]
    if twice := [name for name, n in Counter(names).items() if n > 1]:
        raise ValueError(f'several compartments are called {_quoted(twice)}; give each a name of '
                         'its own')
    for c in tree:
        if c.parent is not None:
            choose(f"parent of compartment '{c.name}'", c.parent, names)
    parents = {c.name: c.parent for c in tree}
    for name in names:
        path = [name]
        while (above := parents[path[-1]]) is not None:
            path.append(above)
            if above in path[:-1]:
                cycle = ' -> '.join(f"'{one}'" for one in path[path.index(above):])
                raise ValueError(f'these compartments form a cycle: {cycle}; one of them has to '
                                 'have a parent that leads to the root')
    roots = [c for c in tree if c.parent is None]
    if len(roots) != 1:
        raise ValueError(f'the tree has {len(roots)} roots: {_quoted(c.name for c in roots)}; all '
                         'compartments but one need a parent' if roots
                         else 'there are no compartments; a tree needs at least a root')
    ordered = roots
    for c in ordered:  # grows on the way
        below = children(tree, c)
        if not below and not c.inputs:
            raise ValueError(f"compartment '{c.name}' has neither children nor inputs; give it "
                             "inputs, e.g. ('v_in',), or leave it out")
        ordered.extend(below)
    return ordered


def children(tree, compartment):
    """The compartments of a tree that send their rates to one of them."""
    return [c for c in tree if c.parent == compartment.name]


def _quoted(names):
    return ', '.join(f"'{name}'" for name in names)
