"""Figures of deep networks with and without a residual stream."""

import numpy as np

from brian_le.protocols.drawing.percent import percent_ticks
from brian_le.protocols.plotting import BLACK, BLUE, PURPLE, new_figure
from brian_le.protocols.tasks.residual.task import LABELS

__all__ = ['learning']

_CURVES = {'le': (BLUE, '-', 'o'), 'backprop': (PURPLE, (0, (5, 1, 1, 1)), 'd')}


def learning(result):
    """Error on the test samples, and the gain of the outputs, by epoch.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``error`` and ``gain``; of an exported project ``loss``.
    """
    p = result.description['parameters']
    title = (f"{p['layers']} hidden layers of {p['hidden']}, {p['network']}, "
             f"{p['start']} start, seed {result.description['seed']}")
    if 'gain' not in result.arrays:
        figure, ((axes,),) = new_figure()
        loss = result.arrays['le.loss']
        axes.plot(1 + np.arange(len(loss)), loss, color=BLUE)
        axes.set(xlabel='epoch', ylabel='loss while learning', yscale='log', title=title)
        return {'loss': figure}
    error, ((axes,),) = new_figure()
    for name, (colour, line, marker) in _CURVES.items():
        percent = 100*(1 - result.arrays[f'{name}.accuracy'])
        axes.plot(np.arange(len(percent)), np.maximum(percent, 0.01), color=colour, linestyle=line,
                  marker=marker, markersize=5, markevery=max(1, len(percent)//10),
                  label=LABELS[name])
    axes.set(xlabel='epoch', ylabel='error on test samples (%)', title=title)
    percent_ticks(axes)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc='upper right')
    gain, ((axes,),) = new_figure()
    axes.plot(p['beta']*result.arrays['gain'], color=BLUE)
    axes.axhline(1, color=BLACK, linestyle=':')
    axes.set(xlabel='epoch', ylabel='beta times the gain of the outputs', yscale='log', title=title)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return {'error': error, 'gain': gain}
