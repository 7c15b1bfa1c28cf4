"""Projections and their local plasticity as Brian2 equations.

Every function returns one `brian2.Equations` for ``Synapses(source, target, equations,
method='prospective_euler', order=1)``, or for `project`, which sees to both (another method does
not clip weights). It has the weighted sum of the presynaptic rates, which is formed before the
neurons step, and a rule for the weight ``w`` that reads, after they have stepped, the presynaptic
rate ``r_sent`` that was summed and a postsynaptic potential or error.
"""

from brian2.equations.equations import Equations
from brian2.units.allunits import hertz, second

from brian_le.checks import check_not_negative, check_positive
from brian_le.neurons import sum_of
from brian_le.parameters import parameter

__all__ = ['fixed_weights', 'dendritic_prediction', 'apical_silencing', 'one_to_one',
           'error_learning', 'error_feedback', 'bias_learning', 'time_constant_matching']


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
    return Equations(f'{_weighted_sum(target)}\nw : 1 (constant)')


def dendritic_prediction(target, *, eta='shared, constant', w_max=None, gate=None):
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
    w_max : float, str or None
        Weights are clipped to ``[-w_max, w_max]``; flags of a variable ``w_max``; or no limit.
    gate : str or None
        Name of a variable that multiplies ``eta``, to be linked by `brian2.linked_var` to one
        that is 1 while the synapses learn and 0 otherwise.

    Returns
    -------
    brian2.Equations
        With the differential equation of ``w``.

    Raises
    ------
    ValueError
        If ``eta`` is negative or ``w_max`` is not positive.
    brian2.units.DimensionMismatchError
        If ``eta`` is not in 1/time.

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
    return _rule(target, 'err_post*r_sent_pre', eta, w_max, gate)


def apical_silencing(target, *, eta='shared, constant', w_max=None, gate=None):
    """Learn to silence the apical dendrite: ``dw/dt = -eta*v_api*r``.

    The rule of the projection from interneurons to the apical dendrites of the pyramidal
    neurons of the same layer. When ``v_api`` is silent without a target, the interneurons
    explain all feedback from above: the self-predicting state.

    Parameters
    ----------
    target, eta, w_max, gate
        As for `dendritic_prediction`.

    Returns
    -------
    brian2.Equations

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `dendritic_prediction`.

    References
    ----------
    Sacramento et al. (2018), NeurIPS 31; Haider et al. (2021), Fig. 3.

    Examples
    --------
    >>> from brian_le import apical_silencing
    >>> print(apical_silencing('v_pi')['w'])
    dw/dt = -eta*v_api_post*r_sent_pre : 1 (clock-driven)
    """
    return _rule(target, '-v_api_post*r_sent_pre', eta, w_max, gate)


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
    return Equations(f'{target}_post = {source}_pre : 1 (summed)')


def error_learning(target='v_in', *, back='v_err', error='err', learned='err',
                   eta='shared, constant', decay=None, gate=None):
    """Learn from the error of the postsynaptic neuron, and send it back: ``dw/dt = eta*err*r``.

    The weight rule of Latent Equilibrium. The same weights carry rates up and errors down.

    Parameters
    ----------
    target : str
        The input of the postsynaptic neurons that receives the weighted sum of the rates.
    back : str or None
        The variable of the presynaptic neurons that receives the weighted sum of the errors; None
        if these do not go back through the same weights.
    error : str
        The variable of the postsynaptic neurons that is sent back.
    learned : str
        The variable of the postsynaptic neurons that the weights learn from.
    eta : Quantity, str or None
        Learning rate (1/time), or the flags of a variable ``eta``; None for constant weights.
    decay : Quantity, str or None
        Rate at which weights decay (1/time), or the flags of a variable ``decay``; by default they
        do not.
    gate : str or None
        As for `dendritic_prediction`.

    Returns
    -------
    brian2.Equations

    Raises
    ------
    ValueError
        If ``eta`` or ``decay`` is negative.
    brian2.units.DimensionMismatchError
        If they are not in 1/time.

    References
    ----------
    Haider et al. (2021), equations 3 and 5 (arXiv 2110.14549).

    Examples
    --------
    >>> from brian_le import error_learning
    >>> print(error_learning())
    v_in_post = w*r_pre : 1 (summed)
    v_err_pre = w*err_post : 1 (summed)
    dw/dt = eta*err_post*r_sent_pre : 1 (clock-driven)
    eta : Hz (shared, constant)
    """
    sums = [_weighted_sum(target)] + ([_weighted_errors(back, error)] if back else [])
    return Equations('\n'.join(sums + _learned_weights(learned, eta, decay, gate)))


def error_feedback(back='v_err', *, error='err', learned='err', eta=None, decay=None, gate=None):
    """Send errors back through weights of their own: fixed ones, or ones that mirror the forward.

    For synapses between the same populations as the forward ones, and in their direction. Fixed
    random weights are feedback alignment. With ``eta`` they learn the same product as the forward
    ones; if both decay, they become equal in time.

    Parameters
    ----------
    back, error, learned, decay, gate
        As for `error_learning`.
    eta : Quantity, str or None
        Learning rate (1/time), or the flags of a variable ``eta``; by default weights are constant.

    Returns
    -------
    brian2.Equations

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `error_learning`.

    References
    ----------
    Lillicrap et al. (2016), Nature Communications 7:13276 (fixed weights); Kolen and Pollack
    (1994), Backpropagation without weight transport (learned weights).

    Examples
    --------
    >>> from brian_le import error_feedback
    >>> print(error_feedback())
    v_err_pre = w*err_post : 1 (summed)
    w : 1 (constant)
    """
    return Equations('\n'.join([_weighted_errors(back, error),
                                *_learned_weights(learned, eta, decay, gate)]))


def bias_learning(target='b', *, learned='err', eta='shared, constant', gate=None):
    """Biases that learn from the error of their neuron: ``dbias/dt = eta*err``.

    For `SharedParameters`.

    Parameters
    ----------
    target : str
        The input of the neurons that takes the bias.
    learned, eta, gate
        As for `error_learning`.

    Returns
    -------
    brian2.Equations

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `error_learning`.

    References
    ----------
    Haider et al. (2021), equation 5 (arXiv 2110.14549).

    Examples
    --------
    >>> from brian_le import bias_learning
    >>> print(bias_learning())
    b_post = bias : 1 (summed)
    dbias/dt = eta*err_post : 1 (clock-driven)
    eta : Hz (shared, constant)
    """
    return Equations('\n'.join([f'{target}_post = bias : 1 (summed)',
                                *_learned('bias', f'{learned}_post', eta, None, gate)]))


def time_constant_matching(inputs=('v_in', 'b'), *, eta='shared, constant'):
    """Membrane time constants that learn to match the look-ahead times.

    ``dtau/dt = eta*(u_prosp - inputs)*du/dt``. Without errors that is
    ``(tau_r - tau_m)*(du/dt)**2`` times ``eta``: any input that moves the membrane lets ``tau_m`` approach ``tau_r``. For
    `SharedParameters`; the neurons need variables ``tau_m`` and ``u_dot : hertz``.

    Parameters
    ----------
    inputs : sequence of str
        Names of the inputs of the membrane.
    eta : Quantity or str
        Learning rate, a time, or the flags of a variable ``eta``.

    Returns
    -------
    brian2.Equations
        With the time constants ``tau``, which stay above the time step.

    Raises
    ------
    ValueError
        If ``eta`` is negative, or there are no inputs.
    brian2.units.DimensionMismatchError
        If ``eta`` is not a time.

    References
    ----------
    Haider et al. (2021), Fig. 4b (arXiv 2110.14549).

    Examples
    --------
    >>> from brian_le import time_constant_matching
    >>> print(time_constant_matching()['tau'])
    dtau/dt = eta*(u_prosp_post - (v_in_post + b_post))*u_dot_post : s (clock-driven)
    """
    drive = sum_of([f'{name}_post' for name in inputs], 'inputs')
    return Equations('\n'.join([
        'tau_m_post = tau : second (summed)',
        f'dtau/dt = eta*(u_prosp_post - ({drive}))*u_dot_post : second (clock-driven)',
        'tau_min = dt : second (shared)',
        parameter('eta', eta, second, check_not_negative, bound_flags='shared')]))


def _weighted_errors(back, error):
    return f'{back}_pre = w*{error}_post : 1 (summed)'


def _learned_weights(learned, eta, decay, gate):
    return _learned('w', f'{learned}_post*r_sent_pre', eta, decay, gate)


def _learned(name, product, eta, decay, gate):
    """Lines of a variable that follows a product, or is constant without a learning rate."""
    if eta is None:
        return [f'{name} : 1 (constant)']
    change = f'eta*{product}'
    lines = [parameter('eta', eta, hertz, check_not_negative, bound_flags='shared')]
    if decay is not None:
        change += f' - decay*{name}'
        lines.append(parameter('decay', decay, hertz, check_not_negative, bound_flags='shared'))
    if gate is not None:
        change = f'{gate}*({change})' if decay is not None else f'{gate}*{change}'
        lines.append(f'{gate} : 1 (linked)')
    return [f'd{name}/dt = {change} : 1 (clock-driven)', *lines]


def _weighted_sum(target):
    return f'{target}_post = w*r_pre : 1 (summed)'


def _rule(target, product, eta, w_max, gate):
    rate = 'eta' if gate is None else f'{gate}*eta'
    if product.startswith('-'):
        rate, product = f'-{rate}', product[1:]
    lines = [_weighted_sum(target), f'dw/dt = {rate}*{product} : 1 (clock-driven)',
             parameter('eta', eta, hertz, check_not_negative, bound_flags='shared')]
    if gate is not None:
        lines.append(f'{gate} : 1 (linked)')
    if w_max is not None:
        per_synapse = isinstance(w_max, str) and 'shared' not in w_max
        shared = '' if per_synapse else ' (shared)'
        lines += [parameter('w_max', w_max, None, check_positive, bound_flags='shared'),
                  f'w_min = -w_max : 1{shared}']
    return Equations('\n'.join(lines))
