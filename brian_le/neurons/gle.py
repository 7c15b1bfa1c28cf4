"""Neurons of Generalized Latent Equilibrium as Brian2 equations.

A neuron has two time constants. Its membrane integrates with ``tau_m``, and its rate looks ahead
by ``tau_r``: with equal ones it answers at once, with ``tau_r`` below ``tau_m`` it is slow, and
with ``tau_r`` above ``tau_m`` ahead of its input. Every neuron has an error partner in which the
two are swapped: ``v`` integrates with ``tau_r`` what comes down from above, and sends out its
look-ahead by ``tau_m``. Errors thereby get, at every frequency, the phase that backpropagation
through time would give them.

Errors are computed before the membrane steps, from what was published in the step before, and are
summed down after it, so that they travel by one layer per step, as rates do:

``err``
    the error that is sent down, acts on the membrane (times ``gamma``), and is learned from,
``err_in``
    what the error neuron integrates: ``slope*v_err``, or what the target asks for,
``slope``
    phi'(u_prosp), published with the rate.
"""

from brian2.units.allunits import second
from brian2.units.stdunits import ms

from brian_le.activations import get_activation
from brian_le.checks import check_finite, check_flag, check_not_negative, check_positive, choose
from brian_le.neurons.layered import flags_of
from brian_le.neurons.operators import low_pass_lines
from brian_le.neurons.parts import declared, error_lines, membrane_lines, rate_lines, sum_of
from brian_le.parameters import equations_of, parameter

__all__ = ['error_neuron', 'gle_neuron', 'gle_output', 'representation_neuron']

#: What targets ask for, by loss.
_TARGET_ERRORS = {'mse': 'target - r', 'cross_entropy': 'target - 1/z'}


def gle_neuron(activation='tanh', *, tau_m=10*ms, tau_r=None, inputs=('v_in', 'b'), gamma=0.0,
               errors='prospective', published_input=False, error_inputs=('v_err',)):
    """A neuron of Generalized Latent Equilibrium together with its error neuron.

    ``tau_m*du/dt = -u + inputs + gamma*err``, ``u_prosp = u + tau_r*du/dt``, ``r = phi(u_prosp)``;
    ``tau_r*dv/dt = -v + phi'(u_prosp)*v_err``, ``err = v + tau_m*dv/dt``, with the sum ``v_err``
    of the errors above.

    Parameters
    ----------
    activation : str or Activation
        phi, see `brian_le.activations`.
    tau_m, tau_r : Quantity or str
        Membrane time constant (default 10 ms) and look-ahead time, or the flags of variables of
        these names; by default ``tau_r`` equals ``tau_m``, the neuron of Latent Equilibrium.
        Prospective errors need a ``tau_r`` of at least the time step.
    inputs : sequence of str
        Names of the inputs that drive the membrane.
    gamma : float
        How strongly errors act on the membrane.
    errors : {'prospective', 'instantaneous'}
        Whether errors pass through the error neuron, or are ``phi'(u_prosp)*v_err`` itself:
        backpropagation through space alone, the comparison of the paper.
    published_input : bool
        Whether ``err_in`` is stored, for `lookahead_learning`.
    error_inputs : sequence of str
        Names of the sums of errors that come down: by default one, ``v_err``. Of several, ``v_err``
        is the sum.

    Returns
    -------
    brian2.Equations
        With the variables ``u``, ``u_prosp``, ``r``, ``r_sent``, ``slope``, ``v_err``, ``err``,
        the inputs, and with prospective errors ``v`` and ``v_prosp``.

    Raises
    ------
    ValueError
        For an unknown activation or option, no inputs, a time constant that is not positive, or a
        ``gamma`` that is not a finite number.
    brian2.units.DimensionMismatchError
        For a time constant that is not a time.

    References
    ----------
    Ellenberger, Haider et al., "Backpropagation through space, time and the brain",
    Nature Communications 17:66 (arXiv 2403.16933).

    Examples
    --------
    >>> from brian2 import NeuronGroup, ms
    >>> from brian_le import gle_neuron
    >>> slow = gle_neuron('tanh', tau_m=20*ms, tau_r=2*ms)
    >>> G = NeuronGroup(100, slow, method='prospective_euler')
    >>> print(slow['v'], slow['tau_v'], slow['tau_prosp_v'], sep='\\n')
    dv/dt = (err_in - v)/tau_v : 1
    tau_v = tau_r : s
    tau_prosp_v = tau_m : s
    """
    return _pair(activation, 'slope*v_err', error_lines(error_inputs), tau_m, tau_r, inputs, gamma,
                 errors, published_input)


def gle_output(activation='linear', *, loss='mse', beta='shared, constant', nudged='shared',
               tau_m=10*ms, tau_r=None, inputs=('v_in', 'b'), gamma=0.0, errors='prospective',
               published_input=False, error_inputs=()):
    """An output neuron of Generalized Latent Equilibrium, with a target.

    As `gle_neuron`, with the error ``beta*nudged*slope*(target - r)`` for the mean squared error,
    and ``target - softmax(r)`` in place of ``target - r`` for cross-entropy with linear outputs.

    Parameters
    ----------
    activation, tau_m, tau_r, inputs, gamma, errors, published_input
        As for `gle_neuron`.
    loss : {'mse', 'cross_entropy'}
        What learning reduces. The normalisation of the softmax, ``z``, comes from `softmax`.
    beta : float or str
        Strength of the target, or the flags of a variable ``beta``.
    nudged : str
        Flags of the variable ``nudged``, which switches targets on (1) and off (0).
    error_inputs : sequence of str
        As for `gle_neuron`, for an output that others read, too: by default there are none. What
        comes down adds to the error of the target.

    Returns
    -------
    brian2.Equations
        With the variables of `gle_neuron` but ``v_err``, and ``target``, ``beta``, ``nudged``.

    Raises
    ------
    ValueError
        As for `gle_neuron`; for cross-entropy with an activation that is not linear.
    brian2.units.DimensionMismatchError
        For a time constant that is not a time.

    References
    ----------
    As for `gle_neuron`.

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import gle_output
    >>> G = NeuronGroup(10, gle_output(loss='cross_entropy'), method='prospective_euler')
    """
    choose('loss', loss, _TARGET_ERRORS)
    if loss == 'cross_entropy' and get_activation(activation).name != 'linear':
        raise ValueError('cross-entropy compares targets with the softmax of the outputs, which '
                         'have to be linear; here their activation is '
                         f"'{get_activation(activation).name}'")
    lines = ['target : 1', parameter('beta', beta, None, check_not_negative),
             parameter('nudged', flags_of('nudged', nudged), None, None),
             *(['z : 1'] if loss == 'cross_entropy' else []),
             *(error_lines(error_inputs) if error_inputs else [])]
    above = ' + slope*v_err' if error_inputs else ''
    error = f'beta*nudged*slope*({_TARGET_ERRORS[loss]}){above}'
    return _pair(activation, error, lines, tau_m, tau_r, inputs, gamma, errors, published_input)


def representation_neuron(activation='tanh', *, tau_m=10*ms, tau_r=None, inputs=('v_in', 'b'),
                          gamma=1.0):
    """A representation neuron by itself, whose error arrives in an apical compartment.

    ``tau_m*du/dt = -u + inputs + gamma*v_api``, ``u_prosp = u + tau_r*du/dt``,
    ``r = phi(u_prosp)``. The compartment ``v_api`` takes the error of the `error_neuron` beside it,
    and synapses learn from it there (``error_learning(learned='v_api', back=None)``); ``slope``
    and ``r_sent`` go to the error neuron.

    Parameters
    ----------
    activation, tau_m, tau_r, inputs
        As for `gle_neuron`.
    gamma : float
        How strongly the apical compartment acts on the soma.

    Returns
    -------
    brian2.Equations
        With the variables ``u``, ``u_prosp``, ``r``, ``r_sent``, ``slope``, ``v_api`` and the
        inputs.

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `gle_neuron`.

    References
    ----------
    Ellenberger, Haider et al. (arXiv 2403.16933), the cortical realisation.

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import representation_neuron
    >>> G = NeuronGroup(5, representation_neuron('tanh'), method='prospective_euler')
    """
    return equations_of([*_membrane(activation, 'v_api', tau_m, tau_r, inputs, gamma),
                                'v_api : 1'])


def error_neuron(*, tau_m=10*ms, tau_r=None, inputs=('v_err',)):
    """An error neuron by itself: the time constants of its representation neuron, swapped.

    ``tau_r*dv/dt = -v + slope*inputs``, ``err = v_prosp = v + tau_m*dv/dt``. ``slope`` is sent
    laterally by the `representation_neuron` beside it.

    Parameters
    ----------
    tau_m, tau_r : Quantity or str
        Those of the representation neuron, or flags.
    inputs : sequence of str
        Names of the sums of errors from above.

    Returns
    -------
    brian2.Equations
        With the variables ``v``, ``v_prosp``, ``err``, ``slope`` and the inputs.

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `gle_neuron`.

    References
    ----------
    As for `representation_neuron`.

    Examples
    --------
    >>> from brian2 import NeuronGroup, ms
    >>> from brian_le import error_neuron
    >>> G = NeuronGroup(5, error_neuron(tau_m=20*ms, tau_r=2*ms), method='prospective_euler')
    """
    tau_r_line = ('tau_r = tau_m : second' if tau_r is None
                  else parameter('tau_r', tau_r, second, check_positive))
    return equations_of([
        *_error_lines('prospective', f'slope*({sum_of(inputs, "inputs")})', False),
        parameter('tau_m', tau_m, second, check_positive), tau_r_line, 'slope : 1',
        *declared(inputs)])


def _pair(activation, error, lines, tau_m, tau_r, inputs, gamma, errors, published_input):
    """A representation neuron and its error neuron as one set of equations."""
    choose('errors', errors, ('prospective', 'instantaneous'))
    check_flag('published_input', published_input)
    acting = 'v_prosp' if errors == 'prospective' else 'err_now'
    return equations_of([
        *_membrane(activation, acting, tau_m, tau_r, inputs, gamma),
        *_error_lines(errors, error, published_input), *lines])


def _membrane(activation, error, tau_m, tau_r, inputs, gamma):
    activation = get_activation(activation)
    check_finite('gamma', gamma)
    coupling = '' if gamma == 0 else f' + {error}' if gamma == 1 else f' + {float(gamma)!r}*{error}'
    return [*membrane_lines(sum_of(inputs, 'inputs') + coupling, tau_m, tau_r), *declared(inputs),
            'u_prosp : 1', *rate_lines(activation.phi('u_prosp')),
            'slope : 1', f'slope_now = {activation.derivative("u_prosp")} : 1']


def _error_lines(errors, error, published_input):
    """The error neuron, or what takes its place."""
    lines = [f'err_in = {error} : 1']
    drive = 'err_in'
    if published_input:
        lines, drive = ['err_in : 1', f'err_in_now = {error} : 1'], 'err_in_now'
    if errors == 'instantaneous':
        return [*lines, 'err : 1', f'err_now = {drive} : 1']
    return [*low_pass_lines(drive, 'v'), 'tau_v = tau_r : second',
            'v_prosp : 1', 'tau_prosp_v = tau_m : second', 'err = v_prosp : 1', *lines]
