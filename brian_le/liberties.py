"""Liberties taken with Brian2: what it does not offer as public interface, one function for each.

Each says what is needed and what it relies on. Nothing here knows what it is used for. Those that
only synapses take are in `brian_le.synapses.liberties`, those of programs in `brian_le.programs`.
"""

import functools
import signal
import sys

import brian2  # noqa: F401 (which has to have taken over the handling of Ctrl-C)
from brian2.core import magic
from brian2.core.network import Network
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.groups import neurongroup
from brian2.groups.group import Group
from brian2.synapses import synapses

__all__ = ['OwnNames', 'after_each_compiled_run', 'after_each_run', 'before_each_run',
           'begin_each_run', 'choose_methods', 'find_more_objects', 'hand_interrupts_on',
           'is_linked', 'pathways_of', 'run_somewhere', 'warn_of_values']

_begin, _before, _after = [], [], []


def begin_each_run(function):
    """Call ``function(network)`` before the objects of a network are prepared for a run.

    What they do may depend on all others, which none of them knows. As `before_each_run`.
    """
    _begin.append(function)
    return function


def before_each_run(function):
    """Call ``function(network, names)`` before each run, once all objects are prepared.

    ``names`` are those that equations may use, of the script that calls ``run`` unless it says
    others. What is to be done concerns the network as a whole, or objects that are not in it;
    Brian2 asks only the objects in it, one by one. This relies on `Network.run` calling
    `Network.before_run`.
    """
    _before.append(function)
    return function


def after_each_run(function):
    """Call ``function(network)`` after each run of a network: as `before_each_run`."""
    _after.append(function)
    return function


def after_each_compiled_run(function):
    """Call ``function(device)`` when a C++ project has run: before that, nothing is known."""
    def run(method):
        def run_and_call(self, *args, **options):
            result = method(self, *args, **options)
            function(self)
            return result
        return run_and_call
    _replace(CPPStandaloneDevice, 'run', run)


def warn_of_values(concerns):
    """Let Brian2 warn of values that are not finite for other groups than ``concerns(group)``.

    It warns of each variable by itself, from `Group._check_for_invalid_states`, and cannot be told
    not to.
    """
    def check(method):
        def check_others(self):
            if not concerns(self):
                method(self)
        return check_others
    _replace(Group, '_check_for_invalid_states', check)


def choose_methods(choose, check):
    """Let ``choose(group, method)`` decide how a group is integrated, and ``check(group)`` object.

    Brian2 takes the first of some methods that fits if none is given. All of them "fit" equations
    whose look-aheads and rates they would leave at 0, which are parameters to them. It has no
    place to say otherwise; groups make a `StateUpdater`, which asks here. Equations that it knows
    are not looked at again by a method, which concerns what is checked for each group.
    """
    def init(method):
        def choosing(self, group, chosen, *args, **options):
            method(self, group, choose(group, chosen), *args, **options)
        return choosing

    def update(method):
        def checking(self, run_namespace):
            method(self, run_namespace)
            check(self)
        return checking

    for updater in (neurongroup.StateUpdater, synapses.StateUpdater):
        _replace(updater, '__init__', init)
        _replace(updater, 'update_abstract_code', update)


def find_more_objects(objects_of):
    """Let Brian2's `run` and `collect` find ``objects_of(values)`` among the variables of a script.

    They look through the variables of the caller for objects of Brian2 itself
    (`magic.get_objects_in_namespace`), and offer no way to be one of them without a clock and a
    name in the network.
    """
    def find(method):
        def find_them(level=0):
            objects = method(level=level + 1)
            frame = sys._getframe(level + 1)
            return objects | objects_of((*frame.f_globals.values(), *frame.f_locals.values()))
        return find_them
    _replace(magic, 'get_objects_in_namespace', find)


def run_somewhere(obj):
    """Whether an object is in a network that has run; Brian2 keeps the number of that network."""
    return obj._network is not None


def is_linked(obj, name):
    """Whether a variable of a group is linked to another one: groups keep the names private."""
    return name in getattr(obj, '_linked_variables', ())


def pathways_of(obj):
    """The pathways of the events of synapses, which keep them in a private list; none of others."""
    return getattr(obj, '_pathways', ())


class OwnNames:
    """Groups that can be told that the names of the script that runs them do not matter to them.

    Brian2 warns where a variable of a group is also a variable of the script that runs it, because
    its user may have meant the other one. Who writes a script with a model has not written the
    equations of the model, whose groups have ``_own_names``. (What is no variable of the group is
    looked up as always.) `Group._resolve` is the one place that warns, and has no public
    counterpart.
    """

    _own_names = False

    def _resolve(self, identifier, run_namespace, user_identifier=True, additional_variables=None):
        if self._own_names and (identifier in self.variables
                                or identifier in (additional_variables or {})):
            user_identifier = False
        return super()._resolve(identifier, run_namespace, user_identifier=user_identifier,
                                additional_variables=additional_variables)


def hand_interrupts_on():
    """Let Ctrl-C do what it did before Brian2 was imported, also where that is no function.

    Brian2 handles SIGINT, and hands it on to whatever did before. Where that was ignored, as in the
    background of a shell script, Brian2 would end with an error, in whatever is running.
    """
    handler = signal.getsignal(signal.SIGINT)
    if hasattr(handler, 'previous_handler') and not callable(handler.previous_handler):
        handler.previous_handler = (_ignore if handler.previous_handler == signal.SIG_IGN else
                                    signal.default_int_handler)


def _ignore(number, frame):
    """Do nothing."""


def _replace(owner, name, new):
    """Put ``new(method)`` in the place of a method, once: a module may be reloaded."""
    method = getattr(owner, name)
    if not hasattr(method, 'is_a_liberty'):
        replaced = functools.wraps(method)(new(method))
        replaced.is_a_liberty = True
        setattr(owner, name, replaced)


def _calling(before, after):
    def around(method):
        def with_more(self, *args):
            for function in before:
                function(self)
            result = method(self, *args)
            for function in after:
                function(self, *args)
            return result
        return with_more
    return around


_replace(Network, 'before_run', _calling(_begin, _before))
_replace(Network, 'after_run', _calling([], _after))
hand_interrupts_on()
