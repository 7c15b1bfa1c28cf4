"""Neurons with dendritic trees: compartments of Generalized Latent Equilibrium, as equations.

Every compartment is a unit as in `brian_le.neurons.gle`: a membrane with time constants of its
own, a rate that looks ahead, and an error partner. Rates flow from the branches to the root, the
soma, and errors flow from the root to the branches through the same couplings, each by one
compartment per step, as between layers. One neuron thereby is a network of several time scales
that learns everywhere in the tree.

The root has the names of `gle_neuron`, and all others have their own name appended:

=====================  =======================================================================
of compartment `c`     what it is
=====================  =======================================================================
``v_in_c``, ``b_c``    its inputs, for ``error_learning(target='v_in_c', error='err_c',
                       learned='err_c')`` and ``bias_learning(target='b_c', learned='err_c')``
``v_den_c``            what its children send: the sum of their ``coupling*r``
``u_c``, ``u_c_prosp`` potential and look-ahead, with ``tau_m_c`` and ``tau_r_c``
``r_c``, ``r_sent_c``  the rate that its parent reads in the next step, and has read in this one
``slope_c``            phi' of the look-ahead
``v_err_c``            ``coupling_c*err`` of its parent, in the step before
``v_c``, ``err_c``     the error partner and its look-ahead, what it learns from and sends on
=====================  =======================================================================
"""

import numpy as np

from brian_le.neurons.gle import gle_neuron, gle_output
from brian_le.neurons.parts import declared, sum_of
from brian_le.neurons.trees import children, ordered_tree
from brian_le.parameters import equations_of, parameter
from brian_le.rewriting import with_lines

__all__ = ['dendritic_output', 'dendritic_tree']


def dendritic_tree(tree, *, feedback=('v_err',), gamma=0.0, errors='prospective'):
    """A neuron with a dendritic tree, and errors that flow back through the same tree.

    In every compartment ``tau_m*du/dt = -u + inputs + v_den + gamma*err``, where ``v_den`` is the
    sum of ``coupling*r`` over its children, ``r = phi(u + tau_r*du/dt)``; and for errors ``tau_r*
    dv/dt = -v + slope*v_err``, ``err = v + tau_m*dv/dt``, where ``v_err`` is ``coupling*err`` of
    its parent. Rates and errors of neighbours are those of the step before. The rate of the root
    is that of the neuron, and its ``v_err`` comes from other neurons. A tree of one compartment is
    a `gle_neuron`.

    Parameters
    ----------
    tree : sequence of Compartment
        The compartments in any order.
    feedback : sequence of str
        Names of the sums of errors from other neurons, one for each projection that sends some.
    gamma : float
        How strongly errors act on the membranes.
    errors : {'prospective', 'instantaneous'}
        As for `gle_neuron`.

    Returns
    -------
    brian2.Equations
        With the variables of the table at the top of `brian_le.neurons.dendrites`.

    Raises
    ------
    ValueError
        For what is not a tree, see `ordered_tree`; names of compartments that give two variables
        the same name; an unknown option; a time constant that is not positive.
    TypeError
        If something is not a compartment.
    brian2.units.DimensionMismatchError
        For a time constant that is not a time, or a coupling with a unit.

    References
    ----------
    Ellenberger, Haider et al., "Backpropagation through space, time and the brain"
    (arXiv 2403.16933), which proposes such neurons; no published code has them.

    Examples
    --------
    >>> from brian2 import NeuronGroup, ms
    >>> from brian_le import Compartment, dendritic_tree, error_learning, project
    >>> tree = [Compartment('soma', tau_m=5*ms), Compartment('slow', 'soma', tau_m=50*ms,
    ...                                                      tau_r=1*ms, coupling=0.5)]
    >>> equations = dendritic_tree(tree)
    >>> print(equations['v_den'], equations['u_slow'], sep='\\n')
    v_den = coupling_slow*r_slow : 1
    du_slow/dt = (v_in_slow + b_slow - u_slow)/tau_m_slow : 1
    >>> G = NeuronGroup(3, equations, method='prospective_euler')
    >>> below = NeuronGroup(4, 'r : 1\\nr_sent = r : 1')
    >>> up = project(below, G, error_learning('v_in_slow', back=None, learned='err_slow'),
    ...              name='to_slow')
    """
    def root(c, **options):
        equations = gle_neuron(c.activation, **options)
        if tuple(feedback) == ('v_err',):
            return equations
        return with_lines(equations, 'v_err', [f'v_err = {sum_of(feedback, "feedback")} : 1',
                                              *declared(feedback)])
    return _tree(tree, root, gamma, errors)


def dendritic_output(tree, *, loss='mse', beta='shared, constant', nudged='shared', gamma=0.0,
                     errors='prospective'):
    """An output neuron with a dendritic tree, whose root has a target.

    As `dendritic_tree`, with the root of `gle_output`.

    Parameters
    ----------
    tree, gamma, errors
        As for `dendritic_tree`. The root has the activation of an output, often ``'linear'``.
    loss, beta, nudged
        As for `gle_output`.

    Returns
    -------
    brian2.Equations

    Raises
    ------
    ValueError, TypeError, brian2.units.DimensionMismatchError
        As for `dendritic_tree` and `gle_output`.

    References
    ----------
    As for `dendritic_tree`.

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import Compartment, dendritic_output
    >>> tree = [Compartment('soma', activation='linear'), Compartment('branch', 'soma')]
    >>> G = NeuronGroup(1, dendritic_output(tree), method='prospective_euler')
    >>> G.target, G.beta, G.nudged = 1, 0.1, 1
    """
    def root(c, **options):
        return gle_output(c.activation, loss=loss, beta=beta, nudged=nudged, **options)
    return _tree(tree, root, gamma, errors)


def _tree(tree, root, gamma, errors):
    """The equations of all compartments, with those of the root from a function."""
    tree = ordered_tree(tree)
    by_name = {c.name: c for c in tree}
    parts, home = [], {}
    for c in tree:
        below = children(tree, c)
        options = dict(tau_m=c.tau_m, tau_r=c.tau_r, gamma=gamma, errors=errors,
                       inputs=(*c.inputs, 'v_den') if below else c.inputs)
        if c.parent is None:
            equations = root(c, **options)
        else:
            equations = gle_neuron(c.activation, **options)
            names = {name: c.variable(name) for name in equations}
            _check_names(c, names.values(), dict.fromkeys(equations, tree[0].name) | home)
            equations = equations.substitute(**names)
            equations += equations_of(_link(c, by_name[c.parent], errors))
        if below:
            v_den = c.variable('v_den')
            sent = ' + '.join(f'{b.variable("coupling")}*{b.variable("r")}' for b in below)
            equations = with_lines(equations, v_den, [f'{v_den} = {sent} : 1'])
        home |= dict.fromkeys(equations, c.name)
        parts.append(equations)
    return sum(parts[1:], parts[0])


def _link(c, parent, errors):
    """The lines of what connects a compartment to its parent."""
    # what is published is computed from values before any is stored, and the error of the parent
    # is stored already if it is a look-ahead
    error = parent.variable('err' if errors == 'prospective' else 'err_now')
    coupling = c.variable('coupling')
    return [f'{c.variable("v_err_now")} = {coupling}*{error} : 1',
            parameter(coupling, _coupling(c), None, _check_finite),
            f'tau_prosp_{c.variable("u")} = {c.variable("tau_r")} : second']


def _check_finite(name, value):
    if not np.isfinite(value):
        raise ValueError(f'{name} is {value}; give a finite number')


def _coupling(c):
    return 1.0 if c.coupling is None else c.coupling


def _check_names(compartment, names, home):
    """Refuse a compartment whose name gives one of its variables the name of another's."""
    for name in names:
        if name in home:
            raise ValueError(f"the compartments '{home[name]}' and '{compartment.name}' would both "
                             f"have a variable '{name}'; rename one of them")
