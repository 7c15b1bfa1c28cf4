"""The neurons of a microcircuit, with dendrites that predict and compare, as Brian2 equations."""

from brian2.units.allunits import hertz
from brian2.units.stdunits import ms

from brian_le.activations import get_activation
from brian_le.checks import check_flag, check_not_negative
from brian_le.neurons.parts import check_expression, declared, rate_lines, sum_of
from brian_le.parameters import equations_of, parameter

__all__ = ['pyramidal', 'interneuron']

_OWN_CURRENT = (". For a current of your own, write pyramidal(current='- h') + "
                "Equations('dh/dt = ... : hertz'), with the equation of what it reads")


def pyramidal(activation='softplus', *, prospective=True, basal=('v_up',),
              apical=('v_down', 'v_pi'), nudging=None, current=None, g_l=0.03/ms, g_b=0.1/ms,
              g_a=0.06/ms, g_som=0.06/ms):
    """A pyramidal neuron: a soma with a basal and an apical dendrite, or a target.

    The basal dendrite collects the input from below, the apical one compares the feedback from
    above with the prediction by the interneurons; both act on the soma through conductances.
    ``err`` is what the basal synapses learn from: the difference between the rate and its
    prediction by the basal dendrite alone.

    Parameters
    ----------
    activation : str or Activation
        phi, see `brian_le.activations`.
    prospective : bool
        Whether the rate is computed from the look-ahead ``u_prosp`` (Latent Equilibrium) or
        from the potential ``u`` itself (the original circuit).
    basal, apical : sequence of str
        Names of the inputs that sum to ``v_bas`` and ``v_api``, one per projection. Without
        apical inputs the neuron has no apical dendrite, as in an output layer.
    nudging : None, 'parameter' or 'linked'
        Somatic nudging towards ``u_nudge`` where ``nudged`` is 1: absent, with both as
        parameters, or with both linked to another group by `brian2.linked_var`. The membrane's
        leak keeps the nudging conductance also where ``nudged`` is 0.
    current : str, optional
        A current of your own into the soma, per capacitance: an expression in 1/time (potentials
        have no unit), positive where it raises the potential. Add the equations of what it reads.
    g_l, g_b, g_a, g_som : Quantity or str
        Leak, basal, apical and nudging conductance per capacitance (1/ms), or the flags of
        variables of these names. ``g_a`` and ``g_som`` are used where there is an apical
        dendrite or nudging.

    Returns
    -------
    brian2.Equations
        With the variables ``u``, ``u_prosp`` (if prospective), ``v_bas``, ``v_api`` and
        ``v_api_sum`` (if there are apical inputs; they differ where a substrate adds noise to
        ``v_api``, which the soma hears and `apical_silencing` does not learn from), ``r``,
        ``r_sent``, ``err`` and the inputs.

    Raises
    ------
    ValueError
        For an unknown activation or kind of nudging, no basal inputs, names that no variable can
        have, a negative conductance.
    brian2.units.DimensionMismatchError
        For a conductance that is not in 1/time.

    References
    ----------
    Sacramento et al. (2018), NeurIPS 31; Haider et al. (2021), Fig. 3 and supplement
    (arXiv 2110.14549). The defaults are those of their bars task.

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import pyramidal
    >>> hidden = NeuronGroup(30, pyramidal(), method='prospective_euler')
    >>> output = NeuronGroup(3, pyramidal(apical=(), nudging='parameter'),
    ...                      method='prospective_euler')
    >>> output.u_nudge, output.nudged = [1, 0.1, 0.1], 1

    Adaptation, a current ``h`` that opposes the potential, with the equation of ``h``:

    >>> from brian2 import Equations
    >>> adapting = pyramidal(current='- h') + Equations('''
    ...     dh/dt = (g_h*u - h)/tau_h : hertz
    ...     g_h = 0.05/ms : hertz
    ...     tau_h = 50*ms : second''')
    >>> hidden = NeuronGroup(30, adapting, method='prospective_euler')
    """
    apical = () if apical is None else apical
    drive, leak = ['g_b*v_bas'], ['g_l', 'g_b']
    lines = [f'v_bas = {sum_of(basal, "basal", _OWN_CURRENT)} : 1', *declared(basal)]
    parameters = {'g_l': g_l, 'g_b': g_b}
    if apical:
        lines += ['v_api = v_api_sum : 1',
                  f'v_api_sum = {sum_of(apical, "apical", _OWN_CURRENT)} : 1', *declared(apical)]
        drive.append('g_a*v_api')
        leak.append('g_a')
        parameters['g_a'] = g_a
    predicted = f'g_b/({" + ".join(leak)})*v_bas'
    total = list(leak)
    if nudging is not None:
        lines += _nudge_parameters(nudging)
        drive.append('nudged*g_som*u_nudge')
        total.append('nudged*g_som')
        leak.append('g_som')
        parameters['g_som'] = g_som
    return _dendritic(drive, total, leak, predicted, parameters, lines, activation, prospective,
                      current)


def interneuron(activation='softplus', *, prospective=True, dendrite=('v_ip',), current=None,
                g_l=0.03/ms, g_d=0.1/ms, g_som=0.06/ms):
    """An interneuron: a dendrite that learns to predict one pyramidal neuron above, and a soma.

    The soma is nudged towards ``u_nudge``, the potential of that pyramidal neuron (see
    `one_to_one`); ``err`` is the difference between the rate and its prediction by the dendrite
    alone.

    Parameters
    ----------
    activation : str or Activation
        phi, see `brian_le.activations`.
    prospective : bool
        As for `pyramidal`.
    dendrite : sequence of str
        Names of the inputs that sum to ``v_den``, one per projection.
    current : str, optional
        As for `pyramidal`.
    g_l, g_d, g_som : Quantity or str
        Leak, dendritic and nudging conductance per capacitance (1/ms), or flags.

    Returns
    -------
    brian2.Equations
        With the variables ``u``, ``u_prosp`` (if prospective), ``v_den``, ``u_nudge``, ``r``,
        ``r_sent``, ``err`` and the inputs.

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `pyramidal`.

    References
    ----------
    Sacramento et al. (2018), NeurIPS 31; Haider et al. (2021), Fig. 3 (arXiv 2110.14549).

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import interneuron
    >>> inter = NeuronGroup(3, interneuron(), method='prospective_euler')
    """
    leak = ['g_l', 'g_d', 'g_som']
    lines = [f'v_den = {sum_of(dendrite, "dendrite", _OWN_CURRENT)} : 1', *declared(dendrite),
             'u_nudge : 1']
    return _dendritic(['g_d*v_den', 'g_som*u_nudge'], leak, leak, 'g_d/(g_l + g_d)*v_den',
                      {'g_l': g_l, 'g_d': g_d, 'g_som': g_som}, lines, activation, prospective,
                      current)


def _dendritic(drive, total, leak, predicted, parameters, lines, activation, prospective, current):
    """Soma, look-ahead, rate and dendritic prediction error around the given dendrites."""
    activation = get_activation(activation)
    check_flag('prospective', prospective)
    if current is not None:
        # a subexpression, whose name is in Brian2's message if it has another unit
        check_expression('current', current)
        drive, lines = [*drive, 'current'], [*lines, f'current = {current} : hertz']
    visible = 'u_prosp' if prospective else 'u'
    text = [
        'du/dt = (v_ss - u)/tau_m : 1',
        f'v_ss = ({" + ".join(drive)})/({" + ".join(total)}) : 1',
        f'tau_m = 1/({" + ".join(leak)}) : second',
        *lines,
        *(['tau_r = tau_m : second'] if prospective else []),
        *(['u_prosp : 1'] if prospective else []),
        *rate_lines(activation.phi(visible)),
        'err : 1',
        f'err_now = r_now - ({activation.phi("v_pred")}) : 1',
        f'v_pred = {predicted} : 1',
        *(parameter(name, value, hertz, check_not_negative)
          for name, value in parameters.items()),
    ]
    return equations_of(text)


def _nudge_parameters(nudging):
    flags = {'parameter': '', 'linked': ' (linked)'}
    if not isinstance(nudging, str) or nudging not in flags:
        raise ValueError(f"nudging is {nudging!r}; give None, 'parameter' or 'linked'")
    return [f'u_nudge : 1{flags[nudging]}', f'nudged : 1{flags[nudging]}']
