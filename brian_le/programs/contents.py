"""What is in a network: its variables by name, and its tables."""

import math

import numpy as np
from brian2.core.clocks import Clock
from brian2.core.variables import ArrayVariable
from brian2.groups.neurongroup import NeuronGroup
from brian2.input.timedarray import TimedArray
from brian2.synapses.synapses import Synapses
from brian2.units.allunits import second

__all__ = ['MOST_STEPS', 'end_of_run', 'held', 'is_kept', 'is_recording', 'is_state', 'key_of',
           'objects_of', 'time_step', 'time_steps', 'timed_arrays']

MOST_STEPS = 2**31 - 1  #: of one run: counters of steps, and of what is recorded, hold no more


def objects_of(network):
    """Groups, synapses and monitors."""
    return [obj for obj in network.objects if hasattr(obj, 'variables')]


def key_of(variable):
    """The name of a variable, ``'object.variable'``."""
    return f'{variable.owner.name}.{variable.name}'


def is_kept(variable):
    """Whether a variable is one that users know, and not internal."""
    return (isinstance(variable, ArrayVariable) and not variable.name.startswith('_')
            and getattr(variable.owner, 'name', None) is not None
            and not (is_recording(variable) and variable.size[1] == 0))


def is_recording(variable):
    """Whether a variable is what a monitor recorded: times x indices in memory."""
    return getattr(variable, 'ndim', 1) == 2


def is_state(variable):
    """Whether a variable belongs to the state that another run can start from."""
    return not variable.read_only and isinstance(variable.owner, (NeuronGroup, Synapses))


def timed_arrays(network):
    """All tables that the objects of a network know."""
    tables = {}
    for obj in objects_of(network):
        for value in (getattr(obj, 'namespace', None) or {}).values():
            if isinstance(value, TimedArray):
                tables[value.name] = value
    return tables.values()


def time_steps(network):
    """The time steps of all clocks, in s, beginning with the fastest."""
    return sorted({float(obj.clock.dt) for obj in network.objects
                   if hasattr(getattr(obj, 'clock', None), 'dt')})


def time_step(network):
    """The time step, of the fastest clock if there are several."""
    return time_steps(network)[0]*second


def end_of_run(duration, steps):
    """When a run of some duration ends, in s, so that clocks in C++ do as many steps as in Python.

    There, ends are what is less than a ten-thousandth of a step away; here, 1e-14.

    Parameters
    ----------
    duration : float
        In s.
    steps : list of float
        Of all clocks, in s, beginning with the fastest.

    Raises
    ------
    ValueError
        If a clock had to count further than it can.
    """
    if duration/steps[0] > MOST_STEPS + Clock.epsilon_dt:
        raise ValueError(f'a run of {duration:g} s has {duration/steps[0]:.0f} steps of '
                         f'{steps[0]*1e3:g} ms, but one can have at most {MOST_STEPS}; make it '
                         'shorter, or the step longer')
    numbers = [round(duration/dt) for dt in steps]
    return min(dt*(number if abs(number*dt - duration) <= Clock.epsilon_dt*dt
                   else math.ceil(duration/dt)) for number, dt in zip(numbers, steps))


def held(key, value, dtype):
    """A value as a flat array of the type of a variable; a ValueError if that cannot hold it."""
    array, dtype = np.ravel(np.asarray(value)), np.dtype(dtype)
    if array.dtype == dtype:
        return array
    if array.dtype.kind not in 'biuf':
        raise ValueError(f"'{key}' is {value!r}; give numbers")
    with np.errstate(over='ignore', invalid='ignore'):
        new = array.astype(dtype)
    bad = (np.isinf(new) & np.isfinite(array)) if dtype.kind == 'f' else new != array
    if bad.any():
        needed = ('true or false' if dtype.kind == 'b' else 'a number that is smaller than '
                  f'{np.finfo(dtype).max:.2g}' if dtype.kind == 'f' else
                  f'whole numbers from {np.iinfo(dtype).min} to {np.iinfo(dtype).max}')
        raise ValueError(f"'{key}' is {array[bad][0]}, which its type ({dtype}) cannot hold; give "
                         f'{needed}')
    return new
