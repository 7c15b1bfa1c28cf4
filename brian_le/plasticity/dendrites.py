"""Couplings in dendritic trees that learn, as Brian2 equations."""

from brian_le.checks import choose
from brian_le.neurons.trees import ordered_tree
from brian_le.parameters import equations_of
from brian_le.plasticity.learning import learning_lines
from brian_le.plasticity.optimisers import SGD

__all__ = ['coupling_learning']


def coupling_learning(tree, name, *, eta='shared, constant', decay=None, w_max=None, gate=None,
                      optimiser=SGD()):
    """Couplings of a compartment that learn: ``dw/dt = eta*err*r``, err that of its parent.

    For `SharedParameters`; the compartment needs ``coupling=''``, a variable.

    Parameters
    ----------
    tree : sequence of Compartment
        The tree.
    name : str
        Name of a compartment that has a parent.
    eta, decay, w_max, gate, optimiser
        As for `error_learning`.

    Returns
    -------
    brian2.Equations
        With the couplings ``w``, one per neuron.

    Raises
    ------
    ValueError
        If the tree has no such compartment or its coupling is not a variable, or as for
        `error_learning`.
    brian2.units.DimensionMismatchError
        As for `error_learning`.

    References
    ----------
    As for `brian_le.dendritic_tree`.

    Examples
    --------
    >>> from brian_le import Compartment, coupling_learning
    >>> tree = [Compartment('soma'), Compartment('branch', 'soma', coupling='')]
    >>> print(coupling_learning(tree, 'branch'))
    coupling_branch_post = w : 1 (summed)
    dw/dt = eta*err_post*r_sent_branch_post : 1 (clock-driven)
    eta : Hz (shared, constant)
    """
    by_name = {c.name: c for c in ordered_tree(tree)}
    c = by_name[choose('compartment with a parent', name,
                       [c.name for c in by_name.values() if c.parent is not None])]
    if c.coupling != '':
        coupling = 1.0 if c.coupling is None else c.coupling
        raise ValueError(f"the coupling of '{name}' is {coupling!r}, which cannot learn; give the "
                         "compartment coupling=''")
    error = by_name[c.parent].variable('err')
    return equations_of([f'{c.variable("coupling")}_post = w : 1 (summed)', *learning_lines(
        'w', f'{error}_post*{c.variable("r_sent")}_post', eta, decay=decay, largest=w_max,
        gate=gate, optimiser=optimiser)])
