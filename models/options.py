"""What all models are given, checked before anything is made of it."""

import numbers

import numpy as np
from brian2.units.fundamentalunits import DimensionMismatchError
from brian2.units.stdunits import ms

from brian_le.checks import choose
from brian_le.substrate import Substrate
from brian_le.substrate.imperfection import Imperfection

__all__ = ['NOT_SAID', 'check_random', 'check_readable', 'need', 'need_random', 'substrate_of']

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
        raise DimensionMismatchError(f"'{variable}' of '{group.name}' has a unit, and a readout is of "
                                     'what has none; record it with a StateMonitor', dim)


def need_random(rng):
    """A source of random numbers; an integer is the seed of one."""
    if isinstance(rng, numbers.Integral) and not isinstance(rng, bool) and rng >= 0:
        return np.random.default_rng(int(rng))
    return need('rng', rng, (np.random.Generator, np.random.RandomState),
                'a generator, numpy.random.default_rng(seed), or a seed')


def check_random(rng):
    """The same, or None without a source."""
    return None if rng is None else need_random(rng)
