"""Figures of the benchmarks in classification."""

import numpy as np

from brian_le.protocols.drawing.percent import percent_ticks
from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, PURPLE, new_figure
from brian_le.protocols.tasks.classification.options import LABELS, names_in

__all__ = ['learning']

#: Colour, line and marker of every network.
STYLES = {'le': (BLUE, '-', 'o'), 'random': (ORANGE, '--', 's'), 'mirror': (GREEN, '-.', '^'),
          'no_look_ahead': (BLACK, ':', 'x'), 'backprop': (PURPLE, (0, (5, 1, 1, 1, 1, 1)), 'd')}


def learning(result):
    """Error on held-out samples, and loss while learning, for every network and its twin."""
    arrays = result.arrays
    error, ((axes,),) = new_figure()
    for name in names_in(arrays):
        percent = 100*(1 - arrays[f'{name}.accuracy'])
        _curve(axes, name, np.arange(len(percent)), np.maximum(percent, 0.01))
    axes.set(xlabel='epoch', ylabel='error on held-out samples (%)', title=_title(result))
    percent_ticks(axes)
    _legend(axes)

    loss, ((axes,),) = new_figure()
    for name in names_in(arrays):
        values = arrays[f'{name}.train_loss']
        _curve(axes, name, 1 + np.arange(len(values)), values)
    axes.set(xlabel='epoch', ylabel='loss while learning', yscale='log', title=_title(result))
    _legend(axes)
    return {'error': error, 'loss': loss}


def _curve(axes, name, epochs, values):
    colour, line, marker = STYLES[name]
    axes.plot(epochs, values, color=colour, linestyle=line, marker=marker, markersize=5,
              markevery=max(1, len(values)//10), label=LABELS[name])


def _legend(axes):
    axes.legend(loc='center left', bbox_to_anchor=(1, 0.5))


def _title(result):
    p = result.description['parameters']
    return (f"{result.description['protocol']}, batches of {p['batch']} for {p['t_pattern']:g} ms, "
            f"seed {result.description['seed']}")
