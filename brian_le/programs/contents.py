"""What is in a network, variables by name and tables, and which values they can be given."""

import functools
import inspect
import math
import numbers
import re
from contextlib import contextmanager

import numpy as np
from brian2.core.clocks import Clock
from brian2.core.network import Network
from brian2.core.variables import ArrayVariable, VariableView
from brian2.devices.device import get_device
from brian2.groups.neurongroup import NeuronGroup
from brian2.input.timedarray import TimedArray
from brian2.synapses.synapses import Synapses
from brian2.units.allunits import second
from brian2.units.fundamentalunits import (DimensionMismatchError, Quantity, get_unit,
                                           have_same_dimensions)
from brian2.utils.stringtools import get_identifiers

from brian_le.checks import choose
from brian_le.liberties import pathways_of
from brian_le.programs.liberties import tell_of_reads

__all__ = ['MOST_STEPS', 'checked_values', 'composed', 'end_of_run', 'held', 'is_kept',
           'is_recording', 'is_state', 'key_of', 'name_of', 'names_for', 'noting_reads',
           'objects_of', 'run_args', 'seconds_of', 'time_step', 'time_steps', 'timed_arrays',
           'units_of', 'variables_of']

MOST_STEPS = 2**31 - 1  #: of one run: counters of steps, and of what is recorded, hold no more


def composed(compose):
    """The network that a function makes, or that there is already, to run on this device."""
    network = compose if isinstance(compose, Network) else compose()
    if not isinstance(network, Network):
        raise ValueError(f"'{getattr(compose, '__name__', compose)}' returns {network!r:.80}; "
                         'return the brian2.Network of the objects')
    for obj in objects_of(network):
        for variable in obj.variables.values():
            if getattr(variable, 'device', None) not in (None, get_device()):
                raise ValueError(f"'{obj.name}' was made for another device than what is to run "
                                 'it; make all objects in the function that composes the network')
    return network


def names_for(compose):
    """The names that equations of a network may use, of the function that composes it."""
    function = inspect.unwrap(compose)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    function = getattr(function, '__func__', function)
    if not inspect.isfunction(function):
        return {}
    return {**function.__globals__, **inspect.getclosurevars(function).nonlocals}


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


def variables_of(network):
    """The variables of a network by name, the delays of the first pathway of synapses, too."""
    found = {}
    for obj in objects_of(network):
        for part in (obj, *pathways_of(obj)):
            for variable in part.variables.values():
                if is_kept(variable) and variable.owner.name == obj.name:
                    found.setdefault(key_of(variable), variable)
    return found


def units_of(variables, tables):
    """The dimensions of what values can be given for, by name.

    Parameters
    ----------
    variables : dict of str to ArrayVariable
    tables : iterable of TimedArray
    """
    return ({key: variable.dim for key, variable in variables.items() if not variable.read_only}
            | {f'{table.name}.values': table.dim for table in tables})


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


def name_of(key):
    """The name of what a value is given for, ``'object.variable'`` or ``'table.values'``.

    Parameters
    ----------
    key : str, VariableView or TimedArray

    Raises
    ------
    ValueError
        If it is nothing of the kind, or a view that has no values of its own.
    """
    if isinstance(key, str):
        return key
    if isinstance(key, TimedArray):
        return f'{key.name}.values'
    if not isinstance(key, VariableView):
        raise ValueError(f"a value is given for {key!r}; give it for a name, 'object.variable', "
                         'for a variable itself, such as group.v, or for a TimedArray')
    try:
        owner = key.variable.owner.name
    except (AttributeError, ReferenceError):  # it is computed, or its owner is gone
        owner = key.group_name
    if key.group_name not in (owner, f'{owner}_pre'):
        raise ValueError(f"values are given for '{key.group_name}.{key.name}', which has none of "
                         f"its own; give values for all of '{owner}', by its variable or its name")
    return f'{owner}.{key.name}'


def checked_values(values, units, computed=()):
    """Values by names, in base units; a ValueError if something cannot be given.

    Parameters
    ----------
    values : dict
        By names, variables or tables.
    units : dict of str to Dimension
        Of what can be given.
    computed : collection of str
        Names of what cannot.

    Raises
    ------
    ValueError
        If there is no such variable, if it cannot be given, or if it is given twice.
    brian2.units.DimensionMismatchError
        If a quantity has other units than the variable. What has no units is in base units.
    """
    found = {}
    for key, value in values.items():
        name = name_of(key)
        if name in computed and name not in units:
            raise ValueError(f"'{name}' cannot be given, it is computed; leave it out")
        dim = units[choose('variable', name, units)]
        parts = value if isinstance(value, (list, tuple)) else [value]
        quantities = [part for part in parts if isinstance(part, (Quantity, VariableView))]
        for part in quantities:
            if not have_same_dimensions(part, dim):
                unit = 'no unit' if dim.is_dimensionless else f'the unit {get_unit(dim)!r}'
                raise DimensionMismatchError(f"'{name}' has {unit}, and is given {part!r}",
                                             part.dim, dim)
        if name in found:
            raise ValueError(f"'{name}' is given twice; give it by its name, or by the variable")
        found[name] = np.asarray(value) if quantities else value
    return found


def run_args(network, values):
    """Values as Brian2 takes them, in ``device.run(run_args=...)``.

    Parameters
    ----------
    network : Network
        That they are for.
    values : dict
        As for a program, with names or variables.

    Returns
    -------
    dict
        The values with their units by variables, and by tables.

    Raises
    ------
    ValueError
        If there is no such variable, or if it cannot be given.
    brian2.units.DimensionMismatchError
        If a quantity has other units than the variable.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le.programs import run_args
    >>> G = NeuronGroup(2, 'tau : second', name='G')
    >>> run_args(Network(G), {'G.tau': [0.001, 0.002]})
    {<G.tau: array([0., 0.]) * second>: array([1., 2.]) * msecond}
    """
    variables, tables = variables_of(network), timed_arrays(network)
    units = units_of(variables, tables)
    keys = {f'{table.name}.values': table for table in tables}
    keys |= {key: getattr(network[variable.owner.name], variable.name)
             for key, variable in variables.items() if key in units}
    return {keys[name]: Quantity(np.asarray(value), dim=units[name])
            for name, value in checked_values(values, units, variables).items()}


def seconds_of(duration, steps):
    """How long a run is, in s.

    Parameters
    ----------
    duration : Quantity or int
        A time, or a number of steps of the fastest clock.
    steps : list of float
        Of all clocks, in s, beginning with the fastest.

    Raises
    ------
    ValueError
        If it is neither, or negative.
    """
    if getattr(duration, 'dim', None) is second.dim and np.size(duration) == 1:
        found, whole = float(duration), True
    else:
        is_number = isinstance(duration, numbers.Real) and not isinstance(
            duration, (bool, Quantity))
        whole = is_number and float(duration).is_integer()
        found = duration*steps[0] if whole else 0
    if not (whole and 0 <= found < np.inf):
        raise ValueError(f'the duration of a run is {duration!r}; give a time, such as 10*ms, or a '
                         f'whole number of steps of {steps[0]*1e3:g} ms')
    return found


@contextmanager
def noting_reads():
    """Yield a dict that fills up with what a script reads: who reads, by ``'object.variable'``.

    Both by the code of strings (``G.b = '2*a'``, conditions of connections), and by Python
    (``G.b = 2*G.a``). What is set to something that follows from a variable would not follow a
    value that this one is given later, when a run is launched.
    """
    found = {}

    def note(variable, reader):
        if is_kept(variable) and is_state(variable):
            found.setdefault(key_of(variable), reader)

    def note_code(owner, code, variables):
        for variable in _read_by(code, variables):
            if 'create_cond' in code and owner.name == getattr(
                    getattr(variable, 'owner', None), 'name', None):
                continue  # connecting makes room in the variables of synapses, and reads none
            note(variable, f"code that sets or connects '{owner.name}'")

    with tell_of_reads(note_code, lambda view: note(view.variable, 'Python')):
        yield found


def _read_by(code, variables):
    """The variables that code reads, those behind its subexpressions included."""
    text = '\n'.join(part for part in (code.values() if isinstance(code, dict) else [code]) if part)
    assigned, read = set(), set()
    for statement in re.split('[;\n]', text):
        parts = re.match(r'\s*(\w+)\s*([-+*/%]*)=(?!=)(.*)', statement)
        if parts:
            assigned.add(parts[1])
            read |= get_identifiers(parts[3]) | ({parts[1]} if parts[2] else set())
        else:
            read |= get_identifiers(statement)
    return [variable for name, variable in variables.items()
            if name in read or name not in assigned]
