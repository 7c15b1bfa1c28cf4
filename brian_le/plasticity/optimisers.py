"""What local plasticity makes of the gradient that a synapse or a neuron computes.

An optimiser writes the equations of one learned variable. All of its memory is synaptic: variables
with differential equations beside the one that learns, which start at 0. One step of simulated
time is one step of the optimiser. Momentum and Adam have the numbers of the usual discrete
algorithms, written as rates of change: ``dt`` in their equations is the time step.
"""

import numbers
from dataclasses import dataclass

from brian_le.checks import check_finite, check_positive
from brian_le.parameters import unit_text

__all__ = ['Adam', 'SGD']


@dataclass(frozen=True)
class SGD:
    """Follow the gradient, with or without momentum.

    ``dw/dt = eta*m``, where ``m`` is the gradient, or with momentum ``m = momentum*m + gradient``
    in each step.

    Parameters
    ----------
    momentum : float
        From 0 (none) to below 1.

    Raises
    ------
    ValueError
        If the momentum is out of range.

    Examples
    --------
    >>> from brian_le import SGD, error_learning
    >>> rule = error_learning(optimiser=SGD(momentum=0.9))
    >>> print(rule['m'])
    dm/dt = (w_grad - (1 - momentum)*m)/dt : 1 (clock-driven)
    >>> print(rule['w'])
    dw/dt = eta*(momentum*m + w_grad) : 1 (clock-driven)
    """

    momentum: float = 0.0

    def __post_init__(self):
        _check_fraction('momentum', self.momentum)

    #: Whether the step has the unit of the gradient, or none.
    scales_with_gradient = True

    def lines(self, name, gradient, unit):
        """The memory of the optimiser, and what its variable follows.

        Parameters
        ----------
        name : str
            The variable that learns.
        gradient : str
            What improves it.
        unit : Unit
            Unit of the gradient.

        Returns
        -------
        memory : dict of str to (str, Unit)
            Derivative and unit of each variable of the optimiser.
        step : str
            What ``eta`` multiplies.
        lines : list of str
            Further lines of equations.
        """
        if not self.momentum:
            return {}, gradient, []
        grad = f'{name}_grad'
        return ({'m': (f'({grad} - (1 - momentum)*m)/dt', unit)}, f'(momentum*m + {grad})',
                [f'{grad} = {gradient} : {unit_text(unit)}',
                 f'momentum = {float(self.momentum)!r} : 1 (shared)'])


@dataclass(frozen=True)
class Adam:
    """Steps of a size that does not depend on that of the gradient (Adam).

    ``m`` and ``s`` follow the gradient and its square. Because they start at 0, they are divided by
    ``q_m`` and ``q_s``, which are what the same filters have made of a constant 1.

    Parameters
    ----------
    beta_1, beta_2 : float
        How much ``m`` and ``s`` keep in each step, from 0 to below 1.
    epsilon : float
        Added to the root of ``s``, in the unit of the gradient (of gradients that are rates, in
        1/ms).

    Raises
    ------
    ValueError
        If a value is out of range.

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization (arXiv 1412.6980).

    Examples
    --------
    >>> from brian_le import Adam, error_learning
    >>> rule = error_learning(optimiser=Adam())
    >>> print(rule['w'])
    dw/dt = eta*(m_next/q_m_next/(sqrt(s_next/q_s_next) + epsilon)) : 1 (clock-driven)
    >>> print(rule['m'])
    dm/dt = (m_next - m)/dt : 1 (clock-driven)
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self):
        _check_fraction('beta_1', self.beta_1)
        _check_fraction('beta_2', self.beta_2)
        check_finite('epsilon', self.epsilon)
        check_positive('epsilon', self.epsilon)

    scales_with_gradient = False

    def lines(self, name, gradient, unit):
        """As of `SGD`."""
        grad, text = f'{name}_grad', unit_text(unit)
        filtered = {'m': (grad, 'beta_1', unit), 's': (f'{grad}**2', 'beta_2', unit**2),
                    'q_m': ('1', 'beta_1', unit/unit), 'q_s': ('1', 'beta_2', unit/unit)}
        lines = [f'{grad} = {gradient} : {text}']
        lines += [f'{x}_next = {x} + (1 - {beta})*({signal} - {x}) : {unit_text(x_unit)}'
                  for x, (signal, beta, x_unit) in filtered.items()]
        lines += [f'{beta} = {float(value)!r} : 1 (shared)'
                  for beta, value in (('beta_1', self.beta_1), ('beta_2', self.beta_2))]
        # a gradient that is a rate is a number per ms
        scale = '' if unit.is_dimensionless else '/ms'
        lines.append(f'epsilon = {float(self.epsilon)!r}{scale} : {text} (shared)')
        memory = {x: (f'({x}_next - {x})/dt', x_unit) for x, (*_, x_unit) in filtered.items()}
        return memory, '(m_next/q_m_next/(sqrt(s_next/q_s_next) + epsilon))', lines


def check_optimiser(optimiser):
    """Raise a ValueError unless something is an optimiser."""
    if not isinstance(optimiser, (SGD, Adam)) and (
            isinstance(optimiser, type) or not hasattr(optimiser, 'lines')):
        raise ValueError(f'the optimiser is {optimiser!r}; give one such as Adam() or '
                         'SGD(momentum=0.9)')


def _check_fraction(name, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f'{name} is {value!r}; it has to be at least 0 and below 1')

