"""The arrays of any result as curves, for protocols that draw nothing themselves."""

import numpy as np

from brian_le.protocols.plotting import BLUE, new_figure

__all__ = ['curves']

_MOST = 8  # panels of one figure


def curves(result):
    """One panel for each array with one dimension, and one curve in it."""
    shown = {name: array for name, array in result.arrays.items()
             if array.ndim == 1 and array.size > 1 and array.dtype.kind in 'biuf'}
    if not shown:
        raise ValueError(f"'{result.directory}' has no array of several numbers to draw; define "
                         'draw in the protocol')
    shown = dict(list(shown.items())[:_MOST])
    figure, axes = new_figure(len(shown), 1, height=1 + 2*len(shown))
    for (name, array), ax in zip(shown.items(), axes[:, 0]):
        ax.plot(np.arange(len(array)), array, color=BLUE)
        ax.set(xlabel='number', ylabel=name)
    return {'curves': figure}
