"""What is in a network: its variables by name, and its tables."""

from brian2.core.variables import ArrayVariable
from brian2.groups.neurongroup import NeuronGroup
from brian2.input.timedarray import TimedArray
from brian2.synapses.synapses import Synapses
from brian2.units.allunits import second

__all__ = ['objects_of', 'key_of', 'is_kept', 'is_recording', 'is_state', 'timed_arrays',
           'time_step']


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


def time_step(network):
    """The time step, of the fastest clock if there are several."""
    steps = {float(obj.clock.dt) for obj in network.objects if getattr(obj, 'clock', None)}
    return min(steps)*second
