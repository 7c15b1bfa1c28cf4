"""Two operators in time, as Brian2 equations: looking back and looking ahead.

Generalized Latent Equilibrium is written in them. Here they are for signals of a user's own, as
lines of equations; `gle_neuron` has the same two in its own equations:

==================  =====================================  ==================================
operator            in continuous time                     gain and phase at frequency w
==================  =====================================  ==================================
`retrospective`     ``tau*dv/dt = signal - v``             ``1/(1 + i*w*tau)``: slow, lagging
`prospective`       ``v_prosp = v + tau*dv/dt``            ``1 + i*w*tau``: fast, leading
==================  =====================================  ==================================

One is the inverse of the other: the look-ahead of a low-pass filtered signal, with the same time
constant, is the signal itself. With different ones the phase is advanced or delayed.
"""

from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity
from brian2.units.stdunits import ms

from brian_le.checks import check_not_negative, check_positive, check_variable
from brian_le.neurons.parts import check_expression
from brian_le.parameters import equations_of, parameter, unit_text

__all__ = ['prospective', 'retrospective']


def retrospective(signal, name='v', *, tau=10*ms, unit=None):
    """A low-pass filter: ``name`` integrates a signal, and so looks back at its past.

    The operator I- of Generalized Latent Equilibrium, what a leaky membrane does to its input.

    Parameters
    ----------
    signal : str
        Expression of the signal, in the language of Brian2 equations.
    name : str
        Name of the variable that follows it.
    tau : Quantity or str
        Time constant, or the flags of the variable ``tau_NAME`` that holds it. With the time step
        as time constant the filter copies the signal. (With
        ``method='prospective_euler'`` it may not be shorter.)
    unit : Unit, optional
        Unit of the signal, such as `brian2.volt`; by default it has none.

    Returns
    -------
    brian2.Equations
        With the variables ``name`` and ``tau_NAME``. Equations are put together with ``+``.

    Raises
    ------
    ValueError
        If ``tau`` is not positive.
    brian2.units.DimensionMismatchError
        If it is not a time.

    References
    ----------
    Ellenberger, Haider et al., "Backpropagation through space, time and the brain"
    (arXiv 2403.16933).

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le import retrospective
    >>> print(retrospective('I', 'slow', tau=20*ms))
    tau_slow = 20.0*ms : s
    dslow/dt = (I - slow)/tau_slow : 1
    """
    check_expression('signal', signal)
    check_variable('name', name)
    _check_unit(unit)
    return equations_of(low_pass_lines(signal, name, unit) + [
        parameter(f'tau_{name}', tau, second, check_positive)])


def prospective(name='v', *, tau=10*ms, unit=None):
    """A look-ahead: ``name_prosp`` extrapolates a variable that has a differential equation.

    The operator D+ of Generalized Latent Equilibrium. It needs
    ``method='prospective_euler'``, which computes it in each step from the derivative. To look
    ahead of a signal without a differential equation, let a variable copy it:
    ``retrospective(signal, 'x', tau=dt) + prospective('x', tau=...)`` with the time step ``dt``.

    Parameters
    ----------
    name : str
        Name of the variable.
    tau : Quantity or str
        Look-ahead time, or the flags of the variable ``tau_prosp_NAME`` that holds it; 0 for
        none.
    unit : Unit, optional
        Unit of the variable, such as `brian2.volt`; by default it has none.

    Returns
    -------
    brian2.Equations
        With the variables ``name_prosp`` and ``tau_prosp_NAME``.

    Raises
    ------
    ValueError
        If ``tau`` is negative.
    brian2.units.DimensionMismatchError
        If it is not a time.

    References
    ----------
    As for `retrospective`.

    Examples
    --------
    A signal that is filtered and recovered:

    >>> from brian2 import NeuronGroup, ms, run
    >>> from brian_le import prospective, retrospective
    >>> both = retrospective('sin(2*pi*t/(50*ms))', 'x', tau=20*ms) + prospective('x', tau=20*ms)
    >>> G = NeuronGroup(1, both, method='prospective_euler')
    >>> run(12.6*ms)  # the last step begins at 12.5 ms
    >>> round(float(G.x[0]), 2), round(float(G.x_prosp[0]), 2)
    (0.32, 1.0)
    """
    check_variable('name', name)
    _check_unit(unit)
    return equations_of([
        f'{name}_prosp : {unit_text(unit)}',
        parameter(f'tau_prosp_{name}', tau, second, check_not_negative)])


def _check_unit(unit):
    if unit is not None and not isinstance(unit, Quantity):
        raise ValueError(f'unit is {unit!r}; give a unit of Brian2, such as brian2.volt, or None')


def low_pass_lines(signal, name, unit=None):
    """The lines of a variable that follows a signal with the time constant ``tau_NAME``."""
    return [f'd{name}/dt = ({signal} - {name})/tau_{name} : {unit_text(unit)}']
