"""The energy of neurons as equations, to be added to those of a neuron whose energy one asks for.

Everything in this package follows from an energy: a sum over neurons of what their mismatch costs,
and over outputs of what their targets cost. A neuron's mismatch is the difference between its
look-ahead and what its inputs predict. Neurons answer so that the energy is stationary, and
synapses descend it (docs/energy.rst). All of it is local to a neuron and does not depend on how it
is connected:

``u_mismatch``
    the difference between look-ahead and prediction,
``energy``
    the neuron's part of the energy; of an output it includes ``beta*nudged*cost``,
``cost``
    of an output, how far it is from its target.

They are subexpressions, which cost nothing unless something reads them.
"""

from brian_le.activations import get_activation
from brian_le.checks import check_finite, check_flag, check_positive, choose
from brian_le.neurons.parts import LOSSES, sum_of
from brian_le.parameters import equations_of, parameter

__all__ = ['mismatch_energy', 'prediction_energy']

#: Costs of outputs by (loss, target), whose descent are the errors of these outputs.
_COSTS = {('mse', 'rate'): '({target} - r)**2/2', ('mse', 'voltage'): '({target} - u_prosp)**2/2',
          ('cross_entropy', 'rate'): '{target}*log(z)'}


def mismatch_energy(inputs=('v_in', 'b'), *, gamma=1.0, lookahead='tau_r', loss=None,
                    target='rate', filtered=False):
    """The energy of a neuron of a layered network: ``(u_prosp - inputs)**2/(2*gamma)``.

    To be added to the equations of `hidden_neuron`, `output_neuron`, `gle_neuron` or `gle_output`.
    With the same options the mismatch of a neuron that has settled is ``gamma*err``.

    Parameters
    ----------
    inputs : sequence of str
        Names of the inputs that drive the membrane.
    gamma : float
        How strongly the error acts on the membrane. If it is 0, errors do not act, and the energy
        is ``err*u_mismatch``: what errors would ask for if there were a mismatch.
    lookahead : {'tau_r', 'tau_m'}
        The look-ahead that is compared with the inputs: the one that neurons act through
        (``u_prosp``, for Latent Equilibrium), or the one that undoes the membrane (for Generalized
        Latent Equilibrium), which needs the derivative, the variable ``u_dot``.
    loss : {'mse', 'cross_entropy'}, optional
        For an output: what its target costs, ``(target - r)**2/2``, or the output's part of the
        cross-entropy.
    target : {'rate', 'voltage'}
        Whether the target is compared with the rate or with the potential.
    filtered : bool
        Whether the output has a filter of its target (``tau_target``).

    Returns
    -------
    brian2.Equations
        With ``u_mismatch`` and ``energy``, for an output ``cost``, and ``u_dot`` if needed.

    Raises
    ------
    ValueError
        For an unknown option, no inputs, or a ``gamma`` that is not a finite number.

    References
    ----------
    Haider et al. (2021), equation 2 (arXiv 2110.14549); Ellenberger, Haider et al. (arXiv
    2403.16933).

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import hidden_neuron, mismatch_energy
    >>> print(mismatch_energy())
    u_mismatch = u_prosp - (v_in + b) : 1
    energy = u_mismatch**2/2 : 1
    >>> G = NeuronGroup(30, hidden_neuron() + mismatch_energy(), method='prospective_euler')
    >>> print(mismatch_energy(lookahead='tau_m', loss='mse')['energy'])
    energy = u_mismatch**2/2 + beta*nudged*cost : 1
    """
    drive = sum_of(inputs, 'inputs')
    check_finite('gamma', gamma)
    choose('lookahead', lookahead, ('tau_r', 'tau_m'))
    check_flag('filtered', filtered)
    ahead, lines = 'u_prosp', []
    if lookahead == 'tau_m':
        ahead, lines = 'u_prosp + (tau_m - tau_r)*u_dot', ['u_dot : hertz']
    energy = ('err*u_mismatch' if gamma == 0 else 'u_mismatch**2/2' if gamma == 1
              else f'u_mismatch**2/(2*{float(gamma)!r})')
    if loss is not None:
        choose('loss', loss, LOSSES)
        choose('target', target, ('rate', 'voltage'))
        if (loss, target) not in _COSTS:
            raise ValueError("cross-entropy needs target='rate': its targets are probabilities")
        cost = _COSTS[loss, target].format(target='target_filtered' if filtered else 'target')
        lines.append(f'cost = {cost} : 1')
        energy += ' + beta*nudged*cost'
    return equations_of([f'u_mismatch = {ahead} - ({drive}) : 1', f'energy = {energy} : 1', *lines])


def prediction_energy(activation='softplus', *, prospective=True, gamma=1.0, nudging=False):
    """The energy of a neuron whose dendrite predicts its soma: of `pyramidal` and `interneuron`.

    The mismatch is that between soma and prediction, ``u_prosp - v_pred``. What it costs is the
    area between the rate and the rates on the way, the integral of ``phi(u_prosp) - phi(v)`` over v
    from ``v_pred`` to ``u_prosp``, divided by ``gamma`` (for linear neurons
    ``u_mismatch**2/(2*gamma)``): its derivative with respect to the prediction is ``-err/gamma``,
    so that `dendritic_prediction` descends it. The integral is computed by Simpson's rule.

    Parameters
    ----------
    activation : str or Activation
        That of the neuron.
    prospective : bool
        As for `pyramidal`: without look-ahead the mismatch is ``u - v_pred``.
    gamma : float or str
        Gain of the error from the outputs down to this neuron, or the flags of a variable
        ``gamma``.
    nudging : bool
        Whether to add the cost of the target, for output neurons with nudging: the same area
        between the soma and ``u_nudge``. Its strength is ``beta = g_som/(g_l + g_b)``.

    Returns
    -------
    brian2.Equations
        With ``u_mismatch``, ``energy`` and ``gamma``; with a target ``cost`` and ``beta``.

    Raises
    ------
    ValueError
        For an unknown activation or a ``gamma`` that is not positive.

    References
    ----------
    Haider et al. (2021), Fig. 3 (arXiv 2110.14549); for the integral, docs/energy.rst.

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import prediction_energy, pyramidal
    >>> G = NeuronGroup(30, pyramidal('tanh') + prediction_energy('tanh', gamma=0.3),
    ...                 method='prospective_euler')
    >>> print(prediction_energy('tanh')['u_mismatch'])
    u_mismatch = u_prosp - v_pred : 1
    """
    activation = get_activation(activation)
    check_flag('nudging', nudging)
    visible = 'u_prosp' if check_flag('prospective', prospective) else 'u'
    energy = f'{_area(activation, visible, "v_pred")}/gamma'
    lines = [parameter('gamma', gamma, None, check_positive)]
    if nudging:
        energy += ' + beta*nudged*cost'
        lines += [f'cost = {_area(activation, visible, "u_nudge")} : 1',
                  'beta = g_som/(g_l + g_b) : 1']
    return equations_of([f'u_mismatch = {visible} - v_pred : 1', f'energy = {energy} : 1', *lines])


def _area(activation, end, start):
    """The integral of phi(end) - phi(v) over v between two potentials, by Simpson's rule."""
    at_end, halfway, at_start = (activation.phi(v) for v in (
        end, f'0.5*({start} + {end})', start))
    return f'({end} - {start})*(5*({at_end}) - 4*({halfway}) - ({at_start}))/6'
