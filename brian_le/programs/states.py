"""What a run ends with, and how another one goes on from there inside Python.

Brian2 stores most of it by itself. Its `store` and `restore` leave out the delays of synapses,
which are no state as long as nobody changes them between two runs, and the random numbers that
Cython has drawn in advance, of which they keep the address only.
"""

import numbers
from contextlib import contextmanager

import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.operations import NetworkOperation
from brian2.devices.device import all_devices
from brian2.groups.neurongroup import Resetter, Thresholder
from brian2.input.binomial import BinomialFunction
from brian2.monitors.ratemonitor import PopulationRateMonitor
from brian2.monitors.spikemonitor import EventMonitor
from brian2.synapses.synapses import SynapticPathway

from brian_le.liberties import pathways_of
from brian_le.programs.liberties import draw_in_advance, drawn_in_advance, put_stored, take_stored

__all__ = ['EndState', 'check_seed', 'check_state', 'draw_anew', 'numbers_of_numpy', 'obstacle',
           'put_back', 'random_numbers', 'random_numbers_apart', 'refuse', 'set_random_numbers',
           'take']


class EndState(dict):
    """What a run ends with: all variables by ``'object.variable'``, as flat arrays in base units.

    Of a `brian2.StateMonitor` they are indices x times. The same program, or another one of the
    same network, goes on from it: ``program(values, duration, state=end)``. It can be pickled.

    Attributes
    ----------
    t : float
        The time at the end, in s.
    tables : dict of str to array
        The values of tables that were given.
    rest : tuple
        What else it takes to go on, as the device has it.
    made_by : tuple of str
        Device, precision, and what stands for the network.
    """

    def __init__(self, variables, t, tables, rest, made_by):
        super().__init__(variables)
        self.t, self.tables, self.rest, self.made_by = t, tables, rest, made_by


def check_seed(seed):
    """Raise a ValueError unless something is a seed, or None."""
    if seed is not None and not (isinstance(seed, numbers.Integral) and not isinstance(seed, bool)
                                 and 0 <= seed < 2**31):
        raise ValueError(f'seed is {seed!r}; give a whole number from 0 to {2**31 - 1}, or None')


def check_state(state, made_by):
    """Raise a ValueError unless something is what a program of this kind returned."""
    if not isinstance(state, EndState):
        raise ValueError(f'state is {state!r:.80}; give what a call of the program returned '
                         '(single variables of it are values: program(values, duration))')
    for what, its, needed in zip(('device', 'precision', 'network'), state.made_by, made_by):
        if its != needed:
            known = '' if what == 'network' else f" '{its}', and not '{needed}'"
            raise ValueError(f'the state is that of a program of another {what}{known}; only a '
                             'program of the same network, device and precision goes on from it '
                             '(others can be given its variables, as values)')


def refuse(obstacle):
    """Raise a ValueError if there is something because of which a network cannot go on."""
    if obstacle:
        raise ValueError(f'the network cannot go on exactly where it ended: {obstacle}')


def obstacle(network, code_objects):
    """Why a network cannot go on exactly from where it ended; '' if it can.

    Parameters
    ----------
    network : Network
    code_objects : iterable of CodeObject
        Its code, which is there when it has been prepared to run.
    """
    known = {id(function) for function in DEFAULT_FUNCTIONS.values()}
    for obj in network.objects:
        if isinstance(obj, NetworkOperation):
            return (f"the network operation '{obj.name}' is a Python function, which may remember "
                    'what was; write it as run_regularly')
    for code in code_objects:
        for name, function in code.variables.items():
            if isinstance(function, Function) and not function.stateless and not (
                    id(function) in known or isinstance(function, BinomialFunction)):
                return (f"the function '{name}' in the code of '{code.owner.name}' may remember "
                        'what was; if it does not, make it with Function(..., stateless=True)')
    return _early_reader(network)


def _early_reader(network):
    """What is wrong with objects that look at the events of the step before; '' if nothing is."""
    found = {}
    for obj in reversed(network.sorted_objects):
        if isinstance(obj, Thresholder):
            found[obj.group.name, obj.event] = obj.group
        if isinstance(obj, (EventMonitor, PopulationRateMonitor, Resetter, SynapticPathway)):
            source = obj.group if isinstance(obj, Resetter) else obj.source
            source = getattr(source, 'source', source)  # of which it is a part
            if (source.name, getattr(obj, 'event', 'spike')) in found:
                return (f"'{obj.name}' looks at the events of '{source.name}' before they are "
                        'found in a step, and Brian2 forgets those of the last step of a run; give '
                        'it a later slot or order')
    return ''


def take(network):
    """All that the objects of a network in Python are and remember."""
    return take_stored(network), {path.name: path.variables['delay'].get_value().copy()
                                  for path in _pathways(network)}


def put_back(network, state):
    """Let a network be as it was."""
    stored, delays = state
    put_stored(network, stored)
    for path in _pathways(network):
        path.variables['delay'].set_value(delays[path.name])


def _pathways(network):
    return [path for obj in network.objects for path in pathways_of(obj)]


def draw_anew(seed):
    """Begin with the random numbers of a seed, as `brian2.seed` does."""
    all_devices['runtime'].seed(seed)


def random_numbers():
    """Where the random numbers are, those that Cython has drawn in advance included."""
    return np.random.get_state(), *drawn_in_advance()


def set_random_numbers(state):
    """Go on with random numbers from where they were."""
    np.random.set_state(state[0])
    draw_in_advance(state[1:])


def numbers_of_numpy():
    """Where NumPy's random numbers are, of which Cython has drawn none in advance."""
    return np.random.get_state(), (0, None), (0, None)


@contextmanager
def random_numbers_apart():
    """Leave the random numbers of the user as they were."""
    users = numbers_of_numpy()
    try:
        yield
    finally:
        set_random_numbers(users)
