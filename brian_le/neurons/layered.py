"""Neurons of layered networks: Latent Equilibrium with errors as signals of their own.

A neuron adds its error to its membrane, and lets the weights that lead to it learn from it. The
error of a hidden neuron is what comes down from the layer above, ``v_err``, times the slope of its
activation; that of an output neuron is what its target asks for. Both are published at the end of
a step, like the rate, so that errors travel down by one layer per step.

``slope``
    phi'(u_prosp), published with the rate: an error meets the slope that belongs to the rate that
    caused it.
``err``
    the error that drives the membrane in the next step.
"""

from brian2.equations.equations import Equations
from brian2.units.allunits import second
from brian2.units.stdunits import ms

from brian_le.activations import get_activation
from brian_le.checks import check_finite, check_not_negative, check_positive, choose
from brian_le.neurons.parts import (LOSSES, declared, error_lines, membrane_lines, rate_lines,
                                    sum_of)
from brian_le.parameters import equations_of, parameter

__all__ = ['hidden_neuron', 'output_neuron', 'softmax']

#: Errors of outputs by (loss, target), with the name of the variable that they are to reach.
_TARGET_ERRORS = {('mse', 'rate'): 'slope*({target} - r)', ('mse', 'voltage'): '{target} - u_sent',
                  ('cross_entropy', 'rate'): '{target} - 1/z'}


def hidden_neuron(activation='tanh', *, tau_m=10*ms, tau_r=None, inputs=('v_in', 'b'), gamma=1.0,
                  rate_at='output', errors_from='tau_m', tau_s=None, tau_err=None,
                  error_inputs=('v_err',)):
    """A hidden neuron of a layered network.

    ``tau_m*du/dt = -u + inputs + gamma*err``, ``u_prosp = u + tau_r*du/dt``, ``r = phi(u_prosp)``,
    ``err = phi'(u_prosp)*v_err`` with the sum ``v_err`` of the errors above.

    Parameters
    ----------
    activation : str or Activation
        phi, see `brian_le.activations`.
    tau_m : Quantity or str
        Membrane time constant (default 10 ms), or the flags of a variable ``tau_m``.
    tau_r : Quantity, str or None
        Look-ahead time, or the flags of a variable ``tau_r``; by default it equals ``tau_m``.
        ``0*ms`` is the neuron without look-ahead.
    inputs : sequence of str
        Names of the inputs that drive the membrane: by default the weighted sum ``v_in`` of the
        rates below and the bias ``b``.
    gamma : float
        How strongly the error acts on the membrane.
    rate_at : {'output', 'input'}
        Where a layer's rates are computed: by the neurons that send them, or by the synapses that
        receive them. With ``'input'`` weights learn from the error that has acted in this step
        (``err_sent``), and the error of an output neuron acts at once; with ``'output'`` they
        learn from the new error (``err``), which acts in the next step.
    errors_from : {'tau_m', 'tau_r'}
        What is sent down: the error itself, which is the look-ahead by ``tau_m`` minus the inputs,
        or ``mismatch``, the look-ahead by ``tau_r`` minus the inputs. They differ if ``tau_r``
        and ``tau_m`` do. With ``'tau_r'`` the sums of errors are due after the neurons have
        stepped.
    tau_s : Quantity, str or None
        Time constant of a low-pass filter of the rate, or its flags; by default no filter. What
        is filtered is then a subexpression ``rate``.
    tau_err : Quantity, str or None
        The same for the error.
    error_inputs : sequence of str
        Names of the sums of errors that come down: by default one, ``v_err``. Of several, ``v_err``
        is the sum.

    Returns
    -------
    brian2.Equations
        With the variables ``u``, ``u_prosp``, ``r``, ``r_sent``, ``slope``, ``v_err``, ``err`` and
        the inputs; ``err_sent`` or ``mismatch`` if needed.

    Raises
    ------
    ValueError
        For an unknown activation or option, no inputs, or a time constant that is not positive.
    brian2.units.DimensionMismatchError
        For a time constant that is not a time.

    References
    ----------
    Haider et al. (2021), equations 2 to 5; Fig. 2a has its rates at the input, Fig. 2b to 2e at
    the output (arXiv 2110.14549).

    Examples
    --------
    >>> from brian2 import NeuronGroup, ms
    >>> from brian_le import hidden_neuron
    >>> G = NeuronGroup(100, hidden_neuron('tanh', tau_m=20*ms), method='prospective_euler')
    """
    lines = error_lines(error_inputs)
    if tau_err is not None:
        lines.append(parameter('tau_err', tau_err, second, check_positive))
    if errors_from == 'tau_r':
        # v_err comes after the neurons' step: the error is computed where it is read
        lines += [f'err = {_filtered("err_before", "slope_sent*v_err", "tau_err", tau_err)} : 1',
                  'slope_sent : 1', 'slope_sent_now = slope : 1']
        if tau_err is not None:
            lines += ['err_before : 1', 'err_before_now = err : 1']
    else:
        lines += ['err : 1', f'err_now = {_filtered("err", "slope*v_err", "tau_err", tau_err)} : 1']
    return _neuron(activation, lines, tau_m=tau_m, tau_r=tau_r, inputs=inputs, gamma=gamma,
                   rate_at=rate_at, errors_from=errors_from, tau_s=tau_s)


def output_neuron(activation='linear', *, loss='mse', target='rate', tau_target=None,
                  beta='shared, constant', nudged='shared', tau_m=10*ms, tau_r=None,
                  inputs=('v_in', 'b'), gamma=1.0, rate_at='output', errors_from='tau_m',
                  tau_s=None, error_inputs=()):
    """An output neuron of a layered network, with a target.

    As `hidden_neuron`, with the error ``beta*nudged*e`` towards ``target``, where e is

    =================  ===========  ================================================
    ``loss``           ``target``   e
    =================  ===========  ================================================
    ``mse``            ``rate``     ``slope*(target - r)``
    ``mse``            ``voltage``  ``target - u_prosp``
    ``cross_entropy``  ``rate``     ``target - softmax(r)``, with a linear activation
    =================  ===========  ================================================

    Parameters
    ----------
    activation : str or Activation
        phi, see `brian_le.activations`.
    loss : {'mse', 'cross_entropy'}
        What learning reduces. The normalisation of the softmax, ``z``, comes from `softmax`.
    target : {'rate', 'voltage'}
        What the target is compared with.
    tau_target : Quantity, str or None
        Time constant of a low-pass filter through which ``target_filtered`` follows ``target``, or
        its flags; by default no filter.
    beta : float or str
        Strength of the nudging, or the flags of a variable ``beta``.
    nudged : str
        Flags of the variable ``nudged``, which switches targets on (1) and off (0).
    tau_m, tau_r, inputs, gamma, rate_at, errors_from, tau_s
        As for `hidden_neuron`.
    error_inputs : sequence of str
        As for `hidden_neuron`, for an output that others read, too: by default there are none. What
        comes down adds to the error of the target, ``slope*v_err``.

    Returns
    -------
    brian2.Equations
        With the variables of `hidden_neuron` but ``v_err``, and ``target``, ``beta``, ``nudged``.

    Raises
    ------
    ValueError
        As for `hidden_neuron`; for cross-entropy with an activation that is not linear, or with a
        voltage target.
    brian2.units.DimensionMismatchError
        For a time constant that is not a time.

    References
    ----------
    Haider et al. (2021), equations 2 to 5 (arXiv 2110.14549).

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import output_neuron
    >>> G = NeuronGroup(10, output_neuron(), method='prospective_euler')
    >>> G.beta, G.nudged, G.target = 0.1, 1, 'int(i == 3)'
    """
    choose('loss', loss, LOSSES)
    choose('target', target, ('rate', 'voltage'))
    if loss == 'cross_entropy' and get_activation(activation).name != 'linear':
        raise ValueError('cross-entropy compares targets with the softmax of the outputs, which '
                         'have to be linear; here their activation is '
                         f"'{get_activation(activation).name}'")
    if loss == 'cross_entropy' and target == 'voltage':
        raise ValueError("cross-entropy needs target='rate': its targets are probabilities")
    if error_inputs and (rate_at, errors_from) != ('output', 'tau_m'):
        raise ValueError(f'an output with error_inputs={error_inputs!r} has its own error and that '
                         "of others in the same step only with rate_at='output' and "
                         "errors_from='tau_m'; leave these as they are")
    lines = ['target : 1', parameter('beta', beta, None, check_not_negative),
             parameter('nudged', flags_of('nudged', nudged), None, None),
             *(error_lines(error_inputs) if error_inputs else [])]
    if loss == 'cross_entropy':
        lines.append('z : 1')
    if target == 'voltage':
        lines += ['u_sent : 1', 'u_sent_now = u_prosp : 1']
    compared = 'target' if tau_target is None else 'target_filtered'
    if tau_target is not None:
        lines.append(parameter('tau_target', tau_target, second, check_positive))
        if rate_at == 'output':
            lines.append('dtarget_filtered/dt = (target - target_filtered)/tau_target : 1')
        else:  # the error that has acted and the one that is learned from have the same target
            lines += ['target_filtered : 1', 'target_filtered_now = target_filtered '
                      '+ dt/tau_target*(target - target_filtered) : 1']
    error = f'beta*nudged*({_TARGET_ERRORS[loss, target].format(target=compared)})'
    if error_inputs:
        error += ' + slope*v_err'
    # with rates at the input the error acts in the step in which it is computed
    lines += [f'err = {error} : 1'] if rate_at == 'input' else ['err : 1', f'err_now = {error} : 1']
    return _neuron(activation, lines, tau_m=tau_m, tau_r=tau_r, inputs=inputs, gamma=gamma,
                   rate_at=rate_at, errors_from=errors_from, tau_s=tau_s)


def softmax():
    """The normalisation of a softmax, as the equations of synapses of a group with itself.

    Every output neuron gets ``z``, with which ``1/z`` is its share: the sum over all of
    ``exp(r_i - r_j)``, which does not overflow.

    Returns
    -------
    brian2.Equations
        For ``DenseSynapses(G, G, softmax())``.

    Examples
    --------
    >>> from brian2 import NeuronGroup, run, ms
    >>> from brian_le import DenseSynapses, softmax
    >>> G = NeuronGroup(3, '''r : 1
    ...                       z : 1''')
    >>> G.r = [0, 0, 1000]
    >>> S = DenseSynapses(G, G, softmax())
    >>> S.connect()
    >>> run(0.1*ms)
    >>> (1/G.z[:]).round(3)
    array([0., 0., 1.])
    """
    # single precision holds numbers up to exp(88), and their sum is not to overflow either
    return Equations('z_post = exp(clip(r_pre - r_post, -80, 80)) : 1 (summed)')


def _neuron(activation, error_lines, *, tau_m, tau_r, inputs, gamma, rate_at, errors_from, tau_s):
    """A membrane that takes its error, given by lines of its own, and publishes rate and slope."""
    activation = get_activation(activation)
    choose('rate_at', rate_at, ('output', 'input'))
    choose('errors_from', errors_from, ('tau_m', 'tau_r'))
    check_finite('gamma', gamma)
    drive = sum_of(inputs, 'inputs')
    coupling = '' if gamma == 0 else ' + err' if gamma == 1 else f' + {float(gamma)!r}*err'
    rate, lines = activation.phi('u_prosp'), list(error_lines)
    if tau_s is not None:
        lines.append(f'rate = {rate} : 1')
        rate = 'rate'
        lines.append(parameter('tau_s', tau_s, second, check_positive))
    if rate_at == 'input':
        lines += ['err_sent : 1', 'err_sent_now = err : 1']
    if errors_from == 'tau_r':
        lines += ['mismatch : 1', f'mismatch_now = u_prosp - ({drive}) : 1']
    return equations_of([
        *membrane_lines(drive + coupling, tau_m, tau_r), *declared(inputs), 'u_prosp : 1',
        *rate_lines(_filtered('r', rate, 'tau_s', tau_s)),
        'slope : 1', f'slope_now = {activation.derivative("u_prosp")} : 1', *lines])


def flags_of(name, flags):
    """Flags of a variable, of which there have to be some."""
    if not isinstance(flags, str):
        raise ValueError(f"{name} is {flags!r}; give the flags of a variable, 'shared' or 'linked'")
    return flags


def _filtered(before, value, name, tau):
    """The text of one step of a low-pass filter, or of the value itself without a time constant."""
    return value if tau is None else f'{before} + dt/{name}*({value} - {before})'
