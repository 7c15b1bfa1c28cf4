"""Feedback weights that learn to mirror the forward ones, from noise alone: equations.

The noise on the apical potential of a neuron goes forward with its rate, reaches the neurons above
through the forward weights, and comes back with their rates. What a neuron finds of its own noise
in a rate from above tells it the forward weight. Learning goes on all the time, beside that of the
forward weights.
"""

from brian2.units.allunits import second
from brian2.units.stdunits import ms

from brian_le.checks import check_positive, check_variable
from brian_le.parameters import equations_of, parameter
from brian_le.plasticity.learning import learning_lines, weighted_sum
from brian_le.plasticity.optimisers import SGD

__all__ = ['high_passed_rate', 'phaseless_alignment']


def high_passed_rate(tau=0.1*ms):
    """The fast part of a neuron's rate, for the neurons whose rates go back to others.

    ``r_low`` is a low-pass of the rate, and ``r_high = r_sent - r_low`` what it leaves: the answer
    to noise, and for a short time the answer to a new input. To be added to the equations of
    neurons that have ``r`` and ``r_sent``; both belong to the rate that projections read in this
    step.

    Parameters
    ----------
    tau : Quantity or str
        Time constant of the filter (default 0.1 ms), more than one time step, or the flags of a
        variable ``tau_r_low``.

    Returns
    -------
    brian2.Equations
        With the variables ``r_low`` and ``r_high``.

    Raises
    ------
    ValueError
        If ``tau`` is not positive.
    brian2.units.DimensionMismatchError
        If it is not a time.

    References
    ----------
    Max et al. (2024), Nature Machine Intelligence (arXiv 2212.10249).

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import high_passed_rate, pyramidal
    >>> above = NeuronGroup(3, pyramidal(apical=()) + high_passed_rate(),
    ...                     method='prospective_euler')
    """
    return equations_of(['dr_low/dt = (r - r_low)/tau_r_low : 1',
                         parameter('tau_r_low', tau, second, check_positive),
                         'r_high = r_sent - r_low : 1'])


def phaseless_alignment(target, *, noise='v_api_noise', eta='shared, constant',
                        decay='shared, constant', w_max=None, gate=None, optimiser=SGD()):
    """Learn the transposed forward weights from noise: ``dw/dt = eta*noise*r_high - decay*w``.

    The rule of phaseless alignment learning, for a projection from the neurons above to apical
    dendrites. On average the product is proportional to the forward weight from the postsynaptic
    to the presynaptic neuron, the variance of the noise, and the slopes of both activations; the
    decay forgets old weights, and sets how large the new ones are.

    Parameters
    ----------
    target : str
        The input of the postsynaptic neurons that receives the weighted sum of the rates.
    noise : str
        The variable of the postsynaptic neurons that is their noise of this step, by default that
        of ``Noise('v_api', ...)``, see `brian_le.substrate.Noise`. It has to last for several time
        steps: two go by until it comes back.
    eta : Quantity or str
        Learning rate (1/time), or the flags of a variable ``eta``.
    decay : Quantity or str
        Rate at which weights decay (1/time), or the flags of a variable ``decay``.
    w_max, gate, optimiser
        As for `dendritic_prediction`.

    Returns
    -------
    brian2.Equations
        For presynaptic neurons with `high_passed_rate`.

    Raises
    ------
    ValueError
        If ``eta`` or ``decay`` is negative, or ``w_max`` is not positive.
    brian2.units.DimensionMismatchError
        If they are not in 1/time.

    References
    ----------
    Max et al. (2024), Nature Machine Intelligence (arXiv 2212.10249).

    Examples
    --------
    >>> from brian_le import phaseless_alignment
    >>> print(phaseless_alignment('v_down'))
    v_down_post = w*r_pre : 1 (summed)
    dw/dt = eta*v_api_noise_post*r_high_pre - decay*w : 1 (clock-driven)
    decay : Hz (shared, constant)
    eta : Hz (shared, constant)
    """
    check_variable('noise', noise)
    return equations_of([weighted_sum(target), *learning_lines(
        'w', f'{noise}_post*r_high_pre', eta, decay=decay, largest=w_max, gate=gate,
        optimiser=optimiser)])
