"""The point neuron of Latent Equilibrium and a population that plays a pattern back: equations."""

from brian2.units.allunits import second
from brian2.units.stdunits import ms

from brian_le.activations import get_activation
from brian_le.checks import check_positive, check_variable
from brian_le.neurons.parts import (check_expression, declared, membrane_lines, rate_lines,
                                    sum_of)
from brian_le.parameters import equations_of, parameter

__all__ = ['point_neuron', 'stimulus']


def point_neuron(activation='tanh', *, tau_m=10*ms, tau_r=None, inputs=('v_in', 'err')):
    """The point neuron of Latent Equilibrium: a leaky membrane that sends its look-ahead.

    ``tau_m*du/dt = -u + inputs``, ``u_prosp = u + tau_r*du/dt``, ``r = phi(u_prosp)``. With
    ``tau_r`` equal to ``tau_m`` the rate follows the inputs within one time step.

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
        Names of the inputs that drive the membrane, one per projection: by default the
        weighted sum ``v_in`` of the rates and the error ``err``.

    Returns
    -------
    brian2.Equations
        With the variables ``u``, ``u_prosp``, ``r``, ``r_sent`` and the inputs.

    Raises
    ------
    ValueError
        For an unknown activation, no inputs, or a time constant that is not positive.
    brian2.units.DimensionMismatchError
        For a time constant that is not a time.

    References
    ----------
    Haider et al. (2021), equations 2 and 3 (arXiv 2110.14549).

    Examples
    --------
    >>> from brian2 import NeuronGroup, ms
    >>> from brian_le import point_neuron
    >>> G = NeuronGroup(5, point_neuron('tanh', tau_m=20*ms), method='prospective_euler')
    """
    return equations_of([
        *membrane_lines(sum_of(inputs, 'inputs'), tau_m, tau_r), *declared(inputs),
        'u_prosp : 1', *rate_lines(get_activation(activation).phi('u_prosp'))])


def stimulus(pattern, variable='r', *, tau_0='shared, constant'):
    """A population that plays a pattern back, through a low-pass filter.

    It is the input of a circuit (``r``, with ``r_sent`` for plasticity), or the source of its
    targets (``u``).

    Parameters
    ----------
    pattern : str
        Expression of the pattern, e.g. ``'patterns(t, i)'`` with a `brian2.TimedArray`.
    variable : str
        Name of the filtered variable. ``'r'`` comes with ``r_sent``.
    tau_0 : Quantity or str
        Time constant of the filter, or the flags of a variable ``tau_0``. With ``tau_0`` equal
        to ``dt`` the filter copies the pattern.

    Returns
    -------
    brian2.Equations

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        For a ``tau_0`` that is not a positive time.

    Examples
    --------
    >>> from brian2 import NeuronGroup, TimedArray, ms
    >>> from brian_le import stimulus
    >>> patterns = TimedArray([[0, 1], [1, 0]], dt=10*ms)
    >>> G = NeuronGroup(2, stimulus('patterns(t, i)', tau_0=0.1*ms), order=-2,
    ...                 method='prospective_euler')
    """
    check_variable('variable of a stimulus', variable)
    check_expression('pattern of a stimulus', pattern)
    lines = [f'd{variable}/dt = ({pattern} - {variable})/tau_0 : 1',
             parameter('tau_0', tau_0, second, check_positive)]
    if variable == 'r':
        lines.append('r_sent = r : 1')
    return equations_of(lines)
