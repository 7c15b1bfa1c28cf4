"""Whether what a model of a user's ended with has become NaN.

A model may mean NaN: a parameter for what has not happened yet, and what is computed from it. Then
it is NaN from the start. What has been a number and is none any more has diverged, as has a
variable with a differential equation that is no number at all.
"""

import numpy as np

from brian_le.programs.contents import objects_of

__all__ = ['diverged', 'integrated']


def integrated(network):
    """The variables of differential equations, and recordings of them, by ``'object.variable'``."""
    found = set()
    for obj in objects_of(network):
        equations = getattr(getattr(obj, 'source', None) if hasattr(obj, 'record_variables')
                            else obj, 'equations', None)
        found |= {f'{obj.name}.{name}' for name in getattr(equations, 'diff_eq_names', ())}
    return found


def diverged(found, at_start, never):
    """Which variable is no number, and from when on; '' if all are, or were none from the start.

    Parameters
    ----------
    found : dict of str to array
        All variables at the end, by ``'object.variable'``; of a `brian2.StateMonitor` indices x
        times.
    at_start : callable
        Returns the same for a run of no length; called only if something is NaN.
    never : set of str
        Variables that must not be NaN even if they began so.
    """
    suspects = [key for key, array in found.items()
                if array.dtype.kind == 'f' and np.isnan(array).any()]
    start = at_start() if suspects else {}
    for key in sorted(suspects, key=lambda key: -found[key].ndim):  # first recordings
        bad, owner = np.isnan(found[key]), key.partition('.')[0]
        if key not in never:
            bad = _became(bad, np.isnan(start[key]), found.get(f'{owner}.i'))
        if bad.any():
            times = found.get(f'{owner}.t')
            if bad.ndim == 2 and times is not None and len(times) == bad.shape[1]:
                return f"'{key}' is nan from {1e3*times[bad.any(axis=0).argmax()]:g} ms on"
            return f"'{key}' is nan at the end"
    return ''


def _became(bad, at_start, neurons):
    """What of `bad` was good before."""
    if bad.ndim == 2:
        return bad & np.logical_or.accumulate(~bad, axis=1)
    if bad.shape == at_start.shape:
        return bad & ~at_start
    if neurons is None or neurons.shape != bad.shape:
        return bad
    became = np.zeros_like(bad)  # what was recorded with events, of one neuron after another
    for neuron in np.unique(neurons[bad]):
        of = neurons == neuron
        became[of] = bad[of] & np.logical_or.accumulate(~bad[of])
    return became
