"""What a layered network is given, checked."""

import math

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.units.allunits import hertz, second
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch
from brian2.units.stdunits import ms

from brian_le.checks import check_not_negative, whole_number

__all__ = ['check_decay', 'checked', 'filter_time', 'per_layer', 'replicas_of', 'time_constants']


def time_constants(name, what, value, n):
    """One time constant for each of `n` neurons, in seconds."""
    value = Quantity(value)
    fail_for_dimension_mismatch(value, second, f"'{what}' of '{name}' is not a time")
    if value.ndim and value.shape != (n,):
        raise ValueError(f"{what} of '{name}' has the shape {value.shape}; give one value, or {n}")
    check_not_negative(f"{what} of '{name}'", value)
    short = np.atleast_1d(value < defaultclock.dt*(1 - 1e-9))
    if what == 'tau_r':
        short &= np.atleast_1d(value > 0*ms)
    if short.any():
        raise ValueError(f"{what} of '{name}' is {np.atleast_1d(value)[short][0]}; it has to be at "
                         f'least the time step {defaultclock.dt}'
                         + (', or 0 (no look-ahead)' if what == 'tau_r' else ''))
    return np.broadcast_to(value/second, n)


def filter_time(name, what, tau):
    """A time constant of a filter, None without a filter."""
    fail_for_dimension_mismatch(Quantity(tau), second, f"'{what}' of '{name}' is not a time")
    check_not_negative(f"{what} of '{name}'", tau)
    if 0*ms < tau < defaultclock.dt*(1 - 1e-9):
        raise ValueError(f"{what} of '{name}' is {tau}, less than the time step {defaultclock.dt}; "
                         'give at least the time step, or 0 (no filter)')
    return tau if tau > 0*ms else None


def checked(name, what, value, unit=None):
    """A value that is not negative and has the right unit."""
    fail_for_dimension_mismatch(Quantity(value), 1 if unit is None else unit,
                                f"'{what}' of '{name}' has the wrong unit")
    check_not_negative(f"{what} of '{name}'", value)
    return value


def per_layer(name, what, values, n):
    """One learning rate for each layer with weights."""
    values = [values]*n if np.ndim(values) == 0 else list(values)
    if len(values) != n:
        raise ValueError(f"{what} of '{name}' has {len(values)} values; give one, or {n}")
    return [checked(name, what, Quantity(value), hertz) for value in values]


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
        return whole_number('replicas', replicas)
    for what, n, width in (('inputs', math.prod(shapes[0]), batches.n_inputs),
                           ('outputs', math.prod(shapes[-1]), batches.n_outputs)):
        if width and n != width:
            raise ValueError(f"'{name}' has {n} {what}, but the batches of '{batches.name}' are "
                             f'{width} wide')
    if replicas not in (1, batches.replicas):
        raise ValueError(f"'{name}' has {replicas} replicas, but '{batches.name}' shows batches of "
                         f'{batches.replicas}')
    return batches.replicas
