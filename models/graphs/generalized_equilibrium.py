"""Generalized Latent Equilibrium: the equations of one population, for chains and for graphs."""

import numpy as np

from brian_le import (gle_neuron, gle_output, lookahead_learning, membrane_learning,
                      mismatch_energy)

__all__ = ['check_time_constants', 'neurons', 'time_constant_rules']

#: How time constants learn, by their names.
_RULES = {'tau_m': membrane_learning, 'tau_r': lookahead_learning}


def neurons(activation, *, inputs, gamma=0.0, errors='prospective', loss=None,
            error_inputs=('v_err',), learned=(), energy=False):
    """The equations of a population, with time constants as variables.

    Parameters
    ----------
    activation : Activation
        Its activation.
    inputs : sequence of str
        Names of the inputs that drive the membranes.
    gamma : float
        How strongly errors act on the membranes.
    errors : {'prospective', 'instantaneous'}
        Whether errors pass through error neurons.
    loss : str, optional
        What its target asks for; None without a target.
    error_inputs : sequence of str
        Names of the sums of errors that come down; none for most outputs.
    learned : collection of str
        Which of ``'tau_m'`` and ``'tau_r'`` learn.
    energy : bool
        Whether to add the equations of the energy.

    Returns
    -------
    brian2.Equations
    """
    options = dict(inputs=inputs, gamma=gamma, errors=errors, published_input='tau_r' in learned,
                   error_inputs=error_inputs,
                   **{tau: '' if tau in learned else 'constant' for tau in ('tau_m', 'tau_r')})
    if loss is None:
        equations = gle_neuron(activation, **options)
    else:
        equations = gle_output(activation, loss=loss, nudged='linked', **options)
    if energy:
        return equations + mismatch_energy(inputs, gamma=gamma, lookahead='tau_m', loss=loss)
    return equations + 'u_dot : hertz' if learned else equations


def time_constant_rules(learned, *, tau_min, optimiser):
    """The equations of time constants that learn, by their names."""
    return {tau: _RULES[tau](eta='shared, constant', gate='learning', tau_min=tau_min,
                             optimiser=optimiser) for tau in _RULES if tau in learned}


def check_time_constants(owner, tau_m, tau_r, *, errors, learned, tau_min, dt):
    """Raise a ValueError if error neurons could not integrate, or what learns begins too low.

    Parameters
    ----------
    owner : str
        Whose they are, for messages.
    tau_m, tau_r : numpy.ndarray
        One for each neuron, in seconds.
    errors : str
        As for `neurons`.
    learned : collection of str
        Which of them learn.
    tau_min : Quantity
        What those that learn stay above.
    dt : Quantity
        The time step.
    """
    if errors == 'prospective' and (tau_r < float(dt)*(1 - 1e-9)).any():
        raise ValueError(f'tau_r of {owner} is 0, but its error neurons integrate with tau_r; give '
                         f"at least the time step {dt}, or errors='instantaneous'")
    for tau, values in (('tau_m', tau_m), ('tau_r', tau_r)):
        if tau in learned and (values < float(tau_min)*(1 - 1e-9)).any():
            raise ValueError(f'{tau} of {owner} learns, and begins at {np.min(values)*1e3:g} ms, '
                             f'below tau_min = {tau_min}')
