"""What a layered network is given, checked before anything is made of it."""

import math
from dataclasses import dataclass

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.units.allunits import hertz, second
from brian2.units.fundamentalunits import Quantity
from brian2.units.stdunits import ms

from brian_le.activations import Activation, get_activation
from brian_le.checks import check_not_negative, whole_number
from brian_le.parameters import quantity

__all__ = ['Plan', 'check_decay', 'filter_time', 'one_value', 'per_layer', 'plan_layers',
           'replicas_of', 'time_constants']


@dataclass(frozen=True)
class Plan:
    """A layer with weights, with all that it had left open.

    Parameters
    ----------
    layer : Layer
        `Dense` or `Conv`.
    number : int
        Its number among all layers.
    n : int
        Number of its neurons.
    activation : Activation
        Its activation.
    tau_m, tau_r : numpy.ndarray
        One time constant per neuron, in seconds.
    """

    layer: object
    number: int
    n: int
    activation: Activation
    tau_m: np.ndarray
    tau_r: np.ndarray


def plan_layers(name, layers, shapes, activation, output_activation, tau_m, tau_r,
                matching=False):
    """The layers with weights, as a list of `Plan`; `matching` is whether tau_m learns."""
    numbers = [number for number, layer in enumerate(layers) if layer.has_weights]
    plans = []
    for number in numbers:
        layer, shape = layers[number], shapes[number + 1]
        default = output_activation if number == numbers[-1] else activation
        own = f"layer {number} of '{name}'"
        membrane = tau_m if layer.tau_m is None else layer.tau_m
        ahead = next((tau for tau in (layer.tau_r, tau_r) if tau is not None), None)
        if matching and (ahead is None or not np.all(Quantity(ahead) > 0*ms)):
            raise ValueError(f'{own} has eta_tau, but no look-ahead times that membrane time '
                             'constants could match; give tau_r')
        plans.append(Plan(
            layer, number, math.prod(shape),
            get_activation(default if layer.activation is None else layer.activation),
            time_constants(own, 'tau_m', membrane, shape),
            time_constants(own, 'tau_r', membrane if ahead is None else ahead, shape)))
    return plans


def time_constants(owner, what, value, shape):
    """One time constant for each neuron of a population of this shape, in seconds."""
    value, n = _quantity(owner, what, value, second), math.prod(shape)
    if value.ndim and value.shape not in (shape, (n,)):
        raise ValueError(f'{what} of {owner} has the shape {value.shape}; give one value, or {n}')
    check_not_negative(f'{what} of {owner}', value)
    short = np.atleast_1d(value < defaultclock.dt*(1 - 1e-9))
    if what == 'tau_r':
        short &= np.atleast_1d(value > 0*ms)
    if short.any():
        raise ValueError(f'{what} of {owner} is {np.atleast_1d(value)[short][0]}; it has to be at '
                         f'least the time step {defaultclock.dt}'
                         + (', or 0 (no look-ahead)' if what == 'tau_r' else ''))
    return np.broadcast_to(np.ravel(value/second), n)


def filter_time(name, what, tau):
    """A time constant of a filter, None without a filter."""
    tau = one_value(name, what, tau, second)
    if 0*ms < tau < defaultclock.dt*(1 - 1e-9):
        raise ValueError(f"{what} of '{name}' is {tau}, less than the time step {defaultclock.dt}; "
                         'give at least the time step, or 0 (no filter)')
    return tau if tau > 0*ms else None


def one_value(name, what, value, unit=None, signed=False):
    """A finite value with the right unit, not negative unless it may be signed."""
    value = _quantity(f"'{name}'", what, value, unit)
    if value.ndim:
        raise ValueError(f"{what} of '{name}' is {value}; give one value")
    if signed and not np.isfinite(value):
        raise ValueError(f"{what} of '{name}' is {value}; it has to be finite")
    if not signed:
        check_not_negative(f"{what} of '{name}'", value)
    return value if unit is not None else float(value)


def _quantity(owner, what, value, unit):
    return quantity(what, value, unit, owner)


def per_layer(name, what, values, n, unit, signed=False):
    """One value for each layer with weights."""
    values = [values]*n if isinstance(values, str) or np.ndim(values) == 0 else list(values)
    if len(values) != n:
        raise ValueError(f"{what} of '{name}' has {len(values)} values; give one, or {n}")
    return [one_value(name, what, value, unit, signed) for value in values]


def check_decay(name, feedback, decay, eta):
    """Raise a ValueError if weights would decay that do not learn, or need to and do not."""
    if feedback == 'mirror' and not decay > 0/ms:
        raise ValueError(f"'{name}' has feedback='mirror', which needs a decay of the weights, "
                         'e.g. decay=0.001/ms')
    if decay > 0/ms and not all(rate > 0/ms for rate in eta):
        raise ValueError(f"'{name}' has a decay of the weights, but layers that do not learn (eta "
                         'is 0)')


def replicas_of(name, batches, replicas, shapes):
    """The number of replicas; a ValueError if the batches do not fit the layers."""
    if batches is None:
        return whole_number(f"'{name}': replicas", replicas)
    for what, n, width in (('inputs', math.prod(shapes[0]), batches.n_inputs),
                           ('outputs', math.prod(shapes[-1]), batches.n_outputs)):
        if width and n != width:
            raise ValueError(f"'{name}' has {n} {what}, but the batches of '{batches.name}' are "
                             f'{width} wide')
    if whole_number(f"'{name}': replicas", replicas) not in (1, batches.replicas):
        raise ValueError(f"'{name}' has {replicas} replicas, but '{batches.name}' shows batches of "
                         f'{batches.replicas}')
    return batches.replicas
