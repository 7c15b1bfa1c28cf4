"""Latent Equilibrium: the equations of one population, for chains and for graphs."""

from brian_le import hidden_neuron, mismatch_energy, output_neuron

__all__ = ['neurons']


def neurons(activation, *, inputs, gamma=1.0, loss=None, target='rate', error_inputs=('v_err',),
            energy=False, learns_tau_m=False, tau_err=None, tau_target=None, **options):
    """The equations of a population, with time constants as variables.

    Parameters
    ----------
    activation : Activation
        Its activation.
    inputs : sequence of str
        Names of the inputs that drive the membranes.
    gamma : float
        How strongly errors act on the membranes.
    loss : str, optional
        What its target asks for; None without a target.
    target : {'rate', 'voltage'}
        What a target is compared with.
    error_inputs : sequence of str
        Names of the sums of errors that come down; none for most outputs.
    energy : bool
        Whether to add the equations of the energy.
    learns_tau_m : bool
        Whether membrane time constants learn to match the look-ahead.
    tau_err, tau_target : Quantity, optional
        Of filters of the error (without a target), and of the target.
    **options
        ``rate_at``, ``errors_from`` and ``tau_s`` of `hidden_neuron`.

    Returns
    -------
    brian2.Equations
    """
    options |= dict(tau_m='' if learns_tau_m else 'constant', tau_r='constant', inputs=inputs,
                    gamma=gamma, error_inputs=error_inputs)
    of_target = {}
    if loss is None:
        equations = hidden_neuron(activation, tau_err=tau_err, **options)
    else:
        equations = output_neuron(activation, loss=loss, target=target, nudged='linked',
                                  tau_target=tau_target, **options)
        of_target = dict(loss=loss, target=target, filtered=tau_target is not None)
    if energy:
        equations += mismatch_energy(inputs, gamma=gamma, **of_target)
    return equations + 'u_dot : hertz' if learns_tau_m else equations
