"""The projections and local plasticity of layered networks as Brian2 equations.

Every function returns one `brian2.Equations`: for ``Synapses(source, target, equations,
method='prospective_euler', order=1)`` or `project`, and for `SharedParameters` where it says so.
Rates are summed up and errors are summed down before the neurons step; weights, biases and time
constants follow after they have stepped.
"""

from brian2.units.allunits import hertz, second

from brian_le.checks import check_variable
from brian_le.neurons.parts import sum_of
from brian_le.parameters import equations_of, parameter
from brian_le.plasticity.learning import learning_lines, weighted_sum
from brian_le.plasticity.optimisers import SGD

__all__ = ['error_learning', 'error_feedback', 'bias_learning', 'lookahead_learning',
           'membrane_learning', 'time_constant_matching']


def error_learning(target='v_in', *, back='v_err', error='err', learned='err',
                   eta='shared, constant', decay=None, w_max=None, w_min=None, gate=None,
                   optimiser=SGD()):
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
    w_max, gate, optimiser
        As for `dendritic_prediction`. With ``w_max='constant'`` every synapse has a limit of its
        own, of 0 where there is to be none.
    w_min : str or None
        Flags of a variable ``w_min``, the smallest weight, such as ``'constant'``: 0 for synapses
        of neurons that excite. By default it is ``-w_max``.

    Returns
    -------
    brian2.Equations

    Raises
    ------
    ValueError
        If ``eta`` or ``decay`` is negative, or ``w_max`` is not positive.
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
    sums = [weighted_sum(target)] + ([_weighted_errors(back, error)] if back else [])
    return equations_of(sums + _learned_weights(learned, eta, decay, w_max, w_min, gate,
                                                optimiser))


def error_feedback(back='v_err', *, error='err', learned='err', eta=None, decay=None, w_max=None,
                   w_min=None, gate=None, optimiser=SGD()):
    """Send errors back through weights of their own: fixed ones, or ones that mirror the forward.

    For synapses between the same populations as the forward ones, and in their direction. Fixed
    random weights are feedback alignment. With ``eta`` they learn the same product as the forward
    ones; if both decay, they become equal in time.

    Parameters
    ----------
    back, error, learned, decay, w_max, w_min, gate, optimiser
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
    return equations_of([_weighted_errors(back, error),
                         *_learned_weights(learned, eta, decay, w_max, w_min, gate, optimiser)])


def bias_learning(target='b', *, learned='err', eta='shared, constant', decay=None, bias_max=None,
                  gate=None, optimiser=SGD()):
    """Biases that learn from the error of their neuron: ``dbias/dt = eta*err``.

    For `SharedParameters`.

    Parameters
    ----------
    target : str
        The input of the neurons that takes the bias.
    learned, eta, decay, gate, optimiser
        As for `error_learning`.
    bias_max : float, str or None
        Biases are clipped to ``[-bias_max, bias_max]``; flags of a variable ``bias_max``; or no
        limit.

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
    check_variable('target of a bias', target)
    check_variable('learned', learned)
    return equations_of([f'{target}_post = bias : 1 (summed)', *learning_lines(
        'bias', f'{learned}_post', eta, decay=decay, largest=bias_max, gate=gate,
        optimiser=optimiser)])


def time_constant_matching(inputs=('v_in', 'b'), *, eta='shared, constant', decay=None, gate=None,
                           optimiser=SGD(), tau_min='dt', tau_max=None):
    """Membrane time constants that learn to match the look-ahead times.

    ``dtau/dt = eta*(u_prosp - inputs)*du/dt``. Without errors that is
    ``(tau_r - tau_m)*(du/dt)**2`` times ``eta``: any input that moves the membrane lets ``tau_m``
    approach ``tau_r``. For `SharedParameters`; the neurons need variables ``tau_m`` and
    ``u_dot : hertz``.

    Parameters
    ----------
    inputs : sequence of str
        Names of the inputs of the membrane.
    eta, decay, gate, optimiser, tau_min, tau_max
        As for `membrane_learning`. Without an optimiser, a time constant covers in a step the
        fraction ``eta*dt*(du/dt)**2`` of its way, which has to stay below 1.

    Returns
    -------
    brian2.Equations
        With the time constants ``tau``.

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `membrane_learning`, and if there are no inputs.

    References
    ----------
    Haider et al. (2021), Fig. 4b (arXiv 2110.14549).

    Examples
    --------
    >>> from brian_le import time_constant_matching
    >>> print(time_constant_matching()['tau'])
    dtau/dt = eta*(u_prosp_post - (v_in_post + b_post))*u_dot_post : s (clock-driven)
    """
    drive = sum_of(inputs, 'inputs').replace(' + ', '_post + ') + '_post'
    return _time_constant('tau_m', '', f'(u_prosp_post - ({drive}))*u_dot_post', eta, decay, gate,
                          optimiser, tau_min, tau_max)


def membrane_learning(*, learned='err', eta='shared, constant', decay=None, gate=None,
                      optimiser=SGD(), tau_min='dt', tau_max=None):
    """Membrane time constants that learn from the error: ``dtau/dt = -eta*err*du/dt``.

    Where the error asks for a larger potential while the membrane moves up, it is too slow. For
    `SharedParameters`; the neurons need variables ``tau_m`` and ``u_dot : hertz``.

    Parameters
    ----------
    learned, decay, gate, optimiser
        As for `error_learning`.
    eta : Quantity, float, str or None
        Learning rate, a time (with Adam the change of a time constant per time, a number), or the
        flags of a variable ``eta``; None for constant time constants.
    tau_min : Quantity or str
        What the time constants stay above, or an expression for it; by default the time step.
    tau_max : Quantity, str or None
        What they stay below, or the flags of a variable ``tau_max``; by default there is no limit.

    Returns
    -------
    brian2.Equations
        With the time constants ``tau``.

    Raises
    ------
    ValueError
        If ``eta`` or ``decay`` is negative, ``tau_min`` is not positive, or ``tau_max`` not above.
    brian2.units.DimensionMismatchError
        If they have a wrong unit.

    References
    ----------
    Ellenberger, Haider et al., "Backpropagation through space, time and the brain"
    (arXiv 2403.16933).

    Examples
    --------
    >>> from brian_le import membrane_learning
    >>> print(membrane_learning())
    tau_m_post = tau : s (summed)
    tau_min = dt : s (shared)
    dtau/dt = -eta*err_post*u_dot_post : s (clock-driven)
    eta : s (shared, constant)
    """
    check_variable('learned', learned)
    return _time_constant('tau_m', '-', f'{learned}_post*u_dot_post', eta, decay, gate, optimiser,
                          tau_min, tau_max)


def lookahead_learning(*, learned='err_in', eta='shared, constant', decay=None, gate=None,
                       optimiser=SGD(), tau_min='dt', tau_max=None):
    """Look-ahead times that learn: ``dtau/dt = eta*phi'*v_err*du/dt``.

    The error that reaches a neuron, ``err_in``, is what its rate should change by; a longer
    look-ahead changes it by ``du/dt``. For `SharedParameters`; the neurons need variables
    ``tau_r``, ``u_dot : hertz`` and ``err_in``.

    Parameters
    ----------
    learned, eta, decay, gate, optimiser, tau_min, tau_max
        As for `membrane_learning`.

    Returns
    -------
    brian2.Equations
        With the time constants ``tau``.

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `membrane_learning`.

    References
    ----------
    It follows the gradient of the energy of Generalized Latent Equilibrium (arXiv 2403.16933);
    no published code has it.

    Examples
    --------
    >>> from brian_le import lookahead_learning
    >>> print(lookahead_learning()['tau'])
    dtau/dt = eta*err_in_post*u_dot_post : s (clock-driven)
    """
    check_variable('learned', learned)
    return _time_constant('tau_r', '', f'{learned}_post*u_dot_post', eta, decay, gate, optimiser,
                          tau_min, tau_max)


def _time_constant(name, sign, gradient, eta, decay, gate, optimiser, tau_min, tau_max):
    return equations_of([f'{name}_post = tau : second (summed)', *learning_lines(
        'tau', gradient, eta, sign=sign, decay=decay, largest=tau_max, least=tau_min, gate=gate,
        optimiser=optimiser, unit=second, gradient_unit=hertz)])


def _weighted_errors(back, error):
    check_variable('back', back)
    check_variable('error', error)
    return f'{back}_pre = w*{error}_post : 1 (summed)'


def _learned_weights(learned, eta, decay, w_max, w_min, gate, optimiser):
    check_variable('learned', learned)
    if w_min is not None and not isinstance(w_min, str):
        raise ValueError(f"w_min is {w_min!r}; give the flags of a variable, such as 'constant'")
    lines = learning_lines('w', f'{learned}_post*r_sent_pre', eta, decay=decay, largest=w_max,
                           gate=gate, optimiser=optimiser)
    if w_min is None:
        return lines
    return [*(line for line in lines if not line.startswith('w_min')),
            parameter('w_min', w_min, None, None)]
