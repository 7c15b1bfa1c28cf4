"""Drawn scripts, run with a class of synapses, and what comes out of them."""

import gc
import itertools

import brian2
import numpy as np
from brian2 import Synapses, defaultclock, ms, prefs, seed, start_scope
from brian2.core.variables import ArrayVariable

from brian_le import DenseSynapses

__all__ = ['REFUSALS', 'Execution', 'attempt', 'check', 'difference', 'variables_of']

#: What may be said against a script that Brian2 takes, before anything has run.
REFUSALS = (ValueError, TypeError, NotImplementedError)


class Execution:
    """A script that is being run with a class of synapses.

    Parameters
    ----------
    script : Script
    kind : type
        What stands for ``Synapses`` in it.
    name : str
        What names of objects begin with.
    """

    def __init__(self, script, kind=Synapses, name='case'):
        self.names = {**vars(brian2), 'Synapses': kind, 'name': name}
        self.statements = [compile(text, f'<{name}>', 'exec') for text in script.statements()]
        defaultclock.dt = 0.1*ms
        self.step()

    def step(self, n=1):
        """The next statements: those that make the network, a run, those between two runs."""
        for _ in range(n):
            exec(self.statements.pop(0), self.names)

    def finish(self):
        """All statements that are left; the values of all variables."""
        self.step(len(self.statements))
        return self.read()

    @property
    def network(self):
        return self.names['network']

    def read(self):
        return variables_of(self.names['objects'])


def variables_of(objects):
    """The values of all variables that a user sees, by ``(number of the object, variable)``."""
    found = {}
    for k, obj in enumerate(objects):
        for name, variable in obj.variables.items():
            if (isinstance(variable, ArrayVariable) and variable.owner is not None
                    and variable.owner.name == obj.name and not name.startswith('_')
                    and name not in ('t', 'dt', 't_in_timesteps')):
                found[k, name] = np.array(variable.get_value())
    return found


def difference(found, expected, tolerance=1e-10):
    """What is different, in words; '' if nothing is."""
    if found.keys() != expected.keys():
        return f'variables {sorted(found)}, expected {sorted(expected)}'
    for key, b in expected.items():
        a = found[key]
        if a.shape != b.shape:
            return f'{key} has the shape {a.shape}, expected {b.shape}'
        if b.dtype.kind == 'f':
            scale = np.max(np.abs(b), initial=1, where=np.isfinite(b))
            same = np.allclose(a, b, rtol=0, atol=tolerance*scale, equal_nan=True)
        else:
            same = np.array_equal(a, b)
        if not same:
            return f'{key} is\n{a}\nexpected\n{b}'
    return ''


def attempt(script, kind, run=Execution.finish, name='case'):
    """What ``run(execution)`` returns, or the error that the script ends with."""
    start_scope()
    prefs.codegen.target, target = 'numpy', prefs.codegen.target
    seed(0)
    prefs.codegen.target = target
    try:
        execution = Execution(script, kind, name)
    except REFUSALS as error:
        return error
    if kind is not Synapses:
        return run(execution)
    try:
        return run(execution)
    except Exception as error:  # there are scripts that Brian2 refuses late
        return error


def check(script, run=Execution.finish, expected=None):
    """Raise an AssertionError if a script does not do the same with both classes of synapses.

    Returns ``'same'``, ``'refused'`` (with an error before anything ran) or ``'not Brian2'`` (it
    refuses the script, too).
    """
    keep_heap_small()
    if expected is None:
        expected = attempt(script, Synapses, run)
    if isinstance(expected, Exception):
        try:
            found = attempt(script, DenseSynapses, run)
        except Exception as error:
            found = error
        assert isinstance(found, Exception), f'{script}\n\nBrian2 refuses it: {expected!r}'
        return 'not Brian2'
    found = attempt(script, DenseSynapses, run)
    if isinstance(found, Exception):
        assert "'" in str(found) and isinstance(found, ValueError), f'{script}\n\n{found!r}'
        return 'refused'
    wrong = difference(found, expected)
    assert not wrong, f'{script}\n\n{wrong}'
    return 'same'


def keep_heap_small():
    """Let go of what scripts leave behind; to be called before each of them.

    Before each run Brian2 looks for garbage, in all that its caches have kept.
    """
    if not next(_calls) % 20:
        gc.collect()
        gc.freeze()


_calls = itertools.count()
