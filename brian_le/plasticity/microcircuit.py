"""Projections and their local plasticity as Brian2 equations.

Every function returns one `brian2.Equations` for ``Synapses(source, target, equations,
method='prospective_euler', order=1)``, or for `project`, which sees to both. It has the weighted sum
of the presynaptic rates, which is formed before the neurons step, and a rule for the weight ``w``
that reads, after they have stepped, the presynaptic rate ``r_sent`` that was summed and a
postsynaptic potential or error.
"""

from brian2.equations.equations import Equations
from brian2.units.allunits import hertz

from brian_le.checks import check_not_negative, check_positive, check_variable
from brian_le.parameters import equations_of, parameter, unit_text
from brian_le.plasticity.optimisers import SGD, check_optimiser

__all__ = ['fixed_weights', 'dendritic_prediction', 'apical_silencing', 'one_to_one',
           'weighted_sum']


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
    return _rule(target, '', 'err_post*r_sent_pre', eta, w_max, gate)


def apical_silencing(target, *, eta='shared, constant', w_max=None, gate=None,
                     learned='v_api_sum'):
    """Learn to silence the apical dendrite: ``dw/dt = -eta*v_api*r``.

    The rule of the projection from interneurons to the apical dendrites of the pyramidal
    neurons of the same layer. When ``v_api`` is silent without a target, the interneurons
    explain all feedback from above: the self-predicting state.

    As published, synapses learn from the potential without the noise that is injected there
    (``Noise('v_api', ...)`` of a substrate): from ``v_api_sum``, the sum of the apical inputs.

    Parameters
    ----------
    target, eta, w_max, gate
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
    return _rule(target, '-', f'{learned}_post*r_sent_pre', eta, w_max, gate)


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


def weighted_sum(target):
    """The line of the sum of weighted rates."""
    check_variable('target of a projection', target)
    return f'{target}_post = w*r_pre : 1 (summed)'


def learning_lines(name, gradient, eta, *, sign='', decay=None, gate=None, optimiser=SGD(),
                   unit=hertz/hertz, gradient_unit=hertz/hertz):
    """The lines of a variable that an optimiser moves, or that is constant without a rate `eta`."""
    check_optimiser(optimiser)
    if gate is not None:
        check_variable('gate', gate)
    if eta is None:
        for what, given in (('decay', decay), ('gate', gate)):
            if given is not None:
                raise ValueError(f"'{name}' is constant without a learning rate eta, but has "
                                 f'{what}={given!r}; give an eta, or leave out {what}')
        return [f'{name} : {unit_text(unit)} (constant)']
    memory, step, lines = optimiser.lines(name, gradient, gradient_unit)
    eta_unit = unit*hertz/gradient_unit if optimiser.scales_with_gradient else unit*hertz
    changes = memory | {name: (f'{sign}eta*{step}', unit)}
    lines.append(parameter('eta', eta, eta_unit, check_not_negative, bound_flags='shared'))
    if decay is not None:
        changes[name] = f'{changes[name][0]} - decay*{name}', unit
        lines.append(parameter('decay', decay, hertz, check_not_negative, bound_flags='shared'))
    if gate is not None:
        changes = {x: (gated(gate, change), x_unit) for x, (change, x_unit) in changes.items()}
        lines.append(f'{gate} : 1 (linked)')
    learned = [f'd{x}/dt = {change} : {unit_text(x_unit)} (clock-driven)'
               for x, (change, x_unit) in reversed(changes.items())]
    return learned + lines


def gated(gate, change):
    """A change that happens only where a variable is not 0."""
    return f'{gate}*({change})' if ' - ' in change else f'{gate}*{change}'


def _rule(target, sign, product, eta, w_max, gate):
    lines = [weighted_sum(target), *learning_lines('w', product, eta, sign=sign, gate=gate)]
    if w_max is not None:
        per_synapse = isinstance(w_max, str) and 'shared' not in w_max
        shared = '' if per_synapse else ' (shared)'
        lines += [parameter('w_max', w_max, None, check_positive, bound_flags='shared'),
                  f'w_min = -w_max : 1{shared}']
    return equations_of(lines)
