"""One warning for a network that diverges.

Brian2 warns of each variable that has a differential equation, with an advice on methods of
integration. For groups of this package there is one warning instead, of all variables, with the
time. Before and after each run the range of all variables is looked at, which costs as much as a
fraction of one time step. The time is that of the first value that a monitor has recorded, or the
run in which it happened. If with the weights of the beginning changes of rates and errors already
grew from step to step, that is said as the reason. Of compiled runs in which weights learn, those
are not known, and no reason is given.
"""

import weakref

import numpy as np
from brian2.core.variables import ArrayVariable
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device
from brian2.groups.neurongroup import NeuronGroup
from brian2.monitors.statemonitor import StateMonitor
from brian2.synapses.synapses import Synapses
from brian2.utils.logger import get_logger

from brian_le.liberties import (after_each_compiled_run, after_each_run, before_each_run,
                                warn_of_values)

__all__ = ['diverged']

logger = get_logger(f'brian2.{__name__}')  # goes where the messages of Brian2 go

_LARGE = 1e50  # where Brian2 stops to believe in numbers (single precision ends before)

# of each network: time, what was not finite, weights (None if they are not known)
_at_start = weakref.WeakKeyDictionary()
_reported = weakref.WeakKeyDictionary()  # of each network: what has been warned about


def diverged(network):
    """Variables of groups of this package that have diverged.

    Parameters
    ----------
    network : Network

    Returns
    -------
    dict of (str, str) to tuple of (Group, ArrayVariable)
        By the names of the object and of the variable.
    """
    return {(group.name, name): (group, variable) for group in network.sorted_objects
            if _is_warned_about_here(group)
            for name, variable in group.variables.items()
            if _can_diverge(group, variable) and not _is_finite(variable)}


def _is_ours(group):
    updater = group.state_updater
    return (type(group).__module__.startswith('brian_le.')
            or updater is not None and updater.method_choice == 'prospective_euler')


def _can_diverge(group, variable):
    return (isinstance(variable, ArrayVariable) and np.issubdtype(variable.dtype, np.floating)
            and not variable.constant and not variable.read_only
            and getattr(variable.owner, 'name', None) == group.name)


def _is_finite(variable):
    try:
        values = variable.get_value()
    except NotImplementedError:  # only C++ knows it yet
        return True
    # NaN is neither above nor below; this needs no other array
    return not np.size(values) or (
        -_LARGE < float(np.min(values)) and float(np.max(values)) < _LARGE)


@before_each_run
def _remember(network, names):
    if not isinstance(get_device(), CPPStandaloneDevice):
        _remember_start(network, diverged(network))


def _remember_start(network, found):
    _at_start[network] = network.t_, set(found), _learned(network)
    if not _reported.get(network, set()) & set(found):
        _reported.pop(network, None)


@after_each_run
def _warn(network):
    if not isinstance(get_device(), CPPStandaloneDevice):
        _report(network)


def _report(network):
    start, known, weights = _at_start.pop(network, (0.0, set(), {}))
    found = {key: where for key, where in diverged(network).items() if key not in known}
    if not found or network in _reported:
        return
    _reported[network] = set(found)
    seen = {key: time for key in found if (time := _first_time(network, *found[key])) is not None}
    first = min(seen, key=seen.get) if seen else next(iter(found))
    when = (f'at {seen[first]*1e3:g} ms' if seen
            else f'between {start*1e3:g} and {network.t_*1e3:g} ms')
    others = f' (and {len(found) - 1} other variables)' if len(found) > 1 else ''
    logger.warn(f"'{first[1]}' of '{first[0]}'{others} became infinite, NaN or larger than "
                f'{_LARGE:g} {when}: the network has diverged{_reason(network, weights)}. '
                'Lower learning rates, weights or the strength of errors; a StateMonitor shows '
                'when it begins.', 'diverged')


def _learned(network):
    """Copies of the weights that learn, by ``'object.variable'``."""
    return {f'{synapses.name}.{name}': np.array(synapses.variables[name].get_value())
            for synapses in network.sorted_objects
            if isinstance(synapses, Synapses) and _is_ours(synapses)
            for name in synapses.equations.diff_eq_names}


def _reason(network, weights):
    """What the loops of the network say of it, with the weights that it began with."""
    from brian_le.stability import settled_from_rest  # which only a network that diverges needs

    loop = None if weights is None else settled_from_rest(network.sorted_objects, weights)
    if loop is None or not loop.radius > 1:
        return ''
    groups = ', '.join(f"'{name}'" for name in loop.groups[:3])
    more = f' and {len(loop.groups) - 3} others' if len(loop.groups) > 3 else ''
    return (f': changes of rates and errors in {groups}{more} grow by {loop.radius:.4g} times in '
            'each step (see docs/stability.rst)')


def _first_time(network, group, variable):
    """When a monitor recorded the first value that is not finite, in seconds; or None."""
    times = []
    for monitor in network.objects:
        if (isinstance(monitor, StateMonitor) and monitor.source is group
                and variable.name in monitor.record_variables):
            values = np.asarray(monitor.variables[variable.name].get_value())
            bad = np.flatnonzero(~(np.abs(values.astype(float)) < _LARGE).all(axis=1))
            if len(bad):
                times.append(float(monitor.variables['t'].get_value()[bad[0]]))
    return min(times, default=None)


def _report_compiled(device):
    for network in device.networks:
        # weights that learn are those of the end by now
        _at_start[network] = 0.0, set(), None if _learned(network) else {}
        _reported.pop(network, None)
        _report(network)


def _is_warned_about_here(group):
    return isinstance(group, (NeuronGroup, Synapses)) and _is_ours(group)


warn_of_values(_is_warned_about_here)
after_each_compiled_run(_report_compiled)
