"""Projections of a microcircuit and their local plasticity as Brian2 equations.

Every function returns one `brian2.Equations` for ``Synapses(source, target, equations,
method='prospective_euler', order=1)``, or for `project`, which sees to both. It has the weighted
sum of the presynaptic rates, which is formed before the neurons step, and a rule for the weight
``w`` that reads, after they have stepped, the presynaptic rate ``r_sent`` that was summed and a
postsynaptic potential or error.
"""

from brian2.equations.equations import Equations

from brian_le.checks import check_variable
from brian_le.parameters import equations_of
from brian_le.plasticity.learning import learning_lines, weighted_sum
from brian_le.plasticity.optimisers import SGD

__all__ = ['fixed_weights', 'dendritic_prediction', 'apical_silencing', 'one_to_one']


def fixed_weights(target):
    """A projection with constant weights, such as the top-down one of a microcircuit.

    Parameters
    ----------
    target : str
        The input of the postsynaptic neurons that receives the weighted sum of the rates.

    Returns
    -------
    brian2.Equations
        With the constant ``w``.

    Examples
    --------
    >>> from brian_le import fixed_weights
    >>> print(fixed_weights('v_down'))
    v_down_post = w*r_pre : 1 (summed)
    w : 1 (constant)
    """
    return Equations(f'{weighted_sum(target)}\nw : 1 (constant)')


def dendritic_prediction(target, *, eta='shared, constant', decay=None, w_max=None, gate=None,
                         optimiser=SGD()):
    """Learn to predict the soma's rate from the dendrite: ``dw/dt = eta*err*r``.

    It serves the forward projections between pyramidal neurons and the one from pyramidal
    neurons to interneurons. For point neurons, whose ``err`` is the backpropagated error, it is
    the weight rule of Latent Equilibrium.

    Parameters
    ----------
    target : str
        The input of the postsynaptic neurons that receives the weighted sum of the rates.
    eta : Quantity or str
        Learning rate (1/time; a step of ``dt`` changes a weight by ``dt*eta*err*r``), or the
        flags of a variable ``eta``.
    decay : Quantity, str or None
        Rate at which weights decay (1/time), or the flags of a variable ``decay``; by default they
        do not.
    w_max : float, str or None
        Weights are clipped to ``[-w_max, w_max]``; flags of a variable ``w_max``; or no limit.
    gate : str or None
        Name of a variable that multiplies ``eta``, to be linked by `brian2.linked_var` to one
        that is 1 while the synapses learn and 0 otherwise.
    optimiser : SGD or Adam
        What weights make of the product ``err*r``, by default they follow it. The learning rate of
        Adam is the change of a weight per time, whatever the size of the product.

    Returns
    -------
    brian2.Equations
        With the differential equation of ``w``.

    Raises
    ------
    ValueError
        If ``eta`` or ``decay`` is negative or ``w_max`` is not positive.
    brian2.units.DimensionMismatchError
        If ``eta`` or ``decay`` is not in 1/time.

    References
    ----------
    Urbanczik and Senn (2014), Neuron 81; Sacramento et al. (2018); Haider et al. (2021), Fig. 3.

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le import dendritic_prediction
    >>> print(dendritic_prediction('v_up', eta=0.05/ms)['w'])
    dw/dt = eta*err_post*r_sent_pre : 1 (clock-driven)
    """
    return equations_of([weighted_sum(target), *learning_lines(
        'w', 'err_post*r_sent_pre', eta, decay=decay, largest=w_max, gate=gate,
        optimiser=optimiser)])


def apical_silencing(target, *, eta='shared, constant', decay=None, w_max=None, gate=None,
                     learned='v_api_sum', optimiser=SGD()):
    """Learn to silence the apical dendrite: ``dw/dt = -eta*v_api*r``.

    The rule of the projection from interneurons to the apical dendrites of the pyramidal
    neurons of the same layer. When ``v_api`` is silent without a target, the interneurons
    explain all feedback from above: the self-predicting state.

    As published, synapses learn from the potential without the noise that is injected there
    (``Noise('v_api', ...)`` of a substrate): from ``v_api_sum``, the sum of the apical inputs.

    Parameters
    ----------
    target, eta, decay, w_max, gate, optimiser
        As for `dendritic_prediction`.
    learned : str
        The postsynaptic variable that is to be silenced; ``'v_api'`` for neurons of your own that
        have no ``v_api_sum``, and for learning from what noise makes of it.

    Returns
    -------
    brian2.Equations

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `dendritic_prediction`.

    References
    ----------
    Sacramento et al. (2018), NeurIPS 31; Haider et al. (2021), Fig. 3; Max et al. (2024), Nature
    Machine Intelligence 6 (learning in the presence of noise).

    Examples
    --------
    >>> from brian_le import apical_silencing
    >>> print(apical_silencing('v_pi')['w'])
    dw/dt = -eta*v_api_sum_post*r_sent_pre : 1 (clock-driven)
    """
    check_variable('learned', learned)
    return equations_of([weighted_sum(target), *learning_lines(
        'w', f'{learned}_post*r_sent_pre', eta, sign='-', decay=decay, largest=w_max, gate=gate,
        optimiser=optimiser)])


def one_to_one(target, source='u_prosp'):
    """A connection that hands a potential over, for ``connect(j='i')``.

    In a microcircuit it nudges every interneuron towards the pyramidal neuron above.

    Parameters
    ----------
    target, source : str
        The postsynaptic input and the presynaptic variable.

    Returns
    -------
    brian2.Equations

    Examples
    --------
    >>> from brian_le import one_to_one
    >>> print(one_to_one('u_nudge'))
    u_nudge_post = u_prosp_pre : 1 (summed)
    """
    check_variable('target of a connection', target)
    check_variable('source of a connection', source)
    return Equations(f'{target}_post = {source}_pre : 1 (summed)')
