"""What the package does before and after each run of a network."""

import functools

from brian2.core.network import Network

__all__ = ['after_each_run', 'before_each_run']

_before, _after = [], []


def before_each_run(function):
    """Call ``function(network)`` before each run of a network, once all objects are prepared."""
    _before.append(function)
    return function


def after_each_run(function):
    """Call ``function(network)`` after each run of a network."""
    _after.append(function)
    return function


def _also(method, functions):
    """Let Brian2's `Network` do more before or after a run.

    What is to be done concerns the network as a whole, or objects that are not in it; Brian2 asks
    only the objects in it, one by one.
    """
    if hasattr(method, 'does_more'):  # a reload
        return method

    @functools.wraps(method)
    def with_more(self, *args, **options):
        result = method(self, *args, **options)
        for function in functions:
            function(self)
        return result

    with_more.does_more = True
    return with_more


Network.before_run = _also(Network.before_run, _before)
Network.after_run = _also(Network.after_run, _after)
