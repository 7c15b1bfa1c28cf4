"""What models are given, checked before anything is made of it."""

import math
import numbers
from dataclasses import dataclass

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.units.allunits import hertz, second
from brian2.units.fundamentalunits import DimensionMismatchError
from brian2.units.stdunits import ms

from brian_le.activations import Activation, get_activation
from brian_le.checks import check_not_negative, check_positive, choose, whole_number
from brian_le.parameters import quantity
from brian_le.substrate import Substrate
from brian_le.substrate.imperfection import Imperfection

__all__ = ['NOT_SAID', 'Plan', 'check_decay', 'check_random', 'check_readable', 'filter_time',
           'need', 'need_random', 'one_value', 'per_layer', 'plan_layers', 'replicas_of',
           'substrate_of', 'time_constants']

#: The learning rate where none is given: 0/ms, but another object than a 0/ms that is given.
NOT_SAID = 0/ms


def substrate_of(name, substrate):
    """The substrate of a circuit, which may be given as a list of imperfections."""
    if substrate is None:
        return Substrate()
    if isinstance(substrate, (list, tuple)) and all(
            isinstance(one, Imperfection) for one in substrate):
        return Substrate(substrate)
    if not isinstance(substrate, Substrate):
        raise TypeError(f"substrate of '{name}' is {substrate!r}; give a Substrate, or a list of "
                        "imperfections such as [Mismatch('tau_m', 0.2)]")
    return substrate


def need(what, value, kinds, remedy):
    """Raise a TypeError unless a value is one of some kinds."""
    if not isinstance(value, kinds):
        raise TypeError(f'{what} is {_shown(value)}; give {remedy}')
    return value


def _shown(value):
    return f'an array of shape {value.shape}' if isinstance(value, np.ndarray) else repr(value)


def check_readable(group, variable):
    """Raise an error unless a variable of a group can be recorded as a number without unit."""
    choose(f"variable of '{group.name}'", variable,
           [name for name in group.variables if not name.startswith('_')])
    dim = group.variables[variable].dim
    if not dim.is_dimensionless:
        raise DimensionMismatchError(f"'{variable}' of '{group.name}' has a unit, and a readout is "
                                     'of what has none; record it with a StateMonitor', dim)


def need_random(rng):
    """A source of random numbers; an integer is the seed of one."""
    if isinstance(rng, numbers.Integral) and not isinstance(rng, bool) and rng >= 0:
        return np.random.default_rng(int(rng))
    return need('rng', rng, (np.random.Generator, np.random.RandomState),
                'a generator, numpy.random.default_rng(seed), or a seed')


def check_random(rng):
    """The same, or None without a source."""
    return None if rng is None else need_random(rng)


# ------------------------------------------------------------------------------------- of layers
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
    looks_ahead : bool
        Whether tau_r was given, and is not that of the membrane.
    """

    layer: object
    number: int
    n: int
    activation: Activation
    tau_m: np.ndarray
    tau_r: np.ndarray
    looks_ahead: bool


def plan_layers(name, layers, shapes, activation, output_activation, tau_m, tau_r):
    """The layers with weights, as a list of `Plan`."""
    numbers = [number for number, layer in enumerate(layers) if layer.has_weights]
    plans = []
    for number in numbers:
        layer, shape = layers[number], shapes[number + 1]
        default = output_activation if number == numbers[-1] else activation
        own = f"layer {number} of '{name}'"
        membrane = tau_m if layer.tau_m is None else layer.tau_m
        ahead = next((tau for tau in (layer.tau_r, tau_r) if tau is not None), None)
        plans.append(Plan(
            layer, number, math.prod(shape),
            get_activation(default if layer.activation is None else layer.activation),
            time_constants(own, 'tau_m', membrane, shape),
            time_constants(own, 'tau_r', membrane if ahead is None else ahead, shape),
            looks_ahead=ahead is not None))
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


def check_decay(name, decay, eta):
    """A decay of weights; a ValueError if some do not learn."""
    decay = one_value(name, 'decay', decay, hertz)
    if decay > 0/ms and not all(rate > 0/ms for rate in eta):
        raise ValueError(f"'{name}' has a decay of the weights, but layers that do not learn (eta "
                         'is 0)')
    return decay


def weight_limits(name, w_max, eta):
    """The largest absolute weight of each layer, None for no limit."""
    if w_max is None:
        return [None]*len(eta)
    limits = per_layer(name, 'w_max', w_max, len(eta), None)
    for limit, rate in zip(limits, eta):
        check_positive(f"w_max of '{name}'", limit)
        if not rate > 0/ms:
            raise ValueError(f"'{name}' has w_max={w_max}, but layers that do not learn (eta is 0)")
    return limits


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
