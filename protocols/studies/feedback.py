"""Figures of the study `feedback`: runs with different kinds of it, of as many epochs."""

import numpy as np

from brian_le.protocols.drawing.bands import spread, with_count
from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, new_figure

__all__ = ['angle', 'accuracy']

_CURVES = {'transposed': ('transposed', GREEN, '-.'), 'learned': ('learned', BLUE, '-'),
           'random': ('random', ORANGE, '--')}


def angle(study):
    """The angle between the weights from above and the transposed forward ones, by epoch."""
    figure, ((axes,),) = new_figure()
    _bands(axes, study, lambda arrays: np.append(arrays['initial_angle'], arrays['angle']), 0)
    axes.axhline(90, color=BLACK, linewidth=1, linestyle=':')
    axes.set(ylabel='angle between W_down and\nthe transposed W_up (degrees)', ylim=(-2, 100),
             yticks=range(0, 91, 15), title='Learned feedback turns towards the forward weights')
    axes.legend(loc='lower left', bbox_to_anchor=(0.05, 0.05))
    return {'angle': figure}


def accuracy(study):
    """Accuracy in validation, by epoch."""
    figure, ((axes,),) = new_figure()
    _bands(axes, study, lambda arrays: 100*_smooth(arrays['accuracy']), 1)
    axes.set(ylabel='validation accuracy (%)', title='Yin-yang with three kinds of feedback')
    axes.legend(loc='lower right')
    return {'accuracy': figure}


def _bands(axes, study, curve, first):
    """One line for each kind of feedback: the mean over seeds, in the range of all of them."""
    found = {}
    for row, result in study.runs():
        found.setdefault(row['feedback'], []).append(curve(result.arrays))
    for kind, (label, colour, style) in _CURVES.items():
        rows = [row for row in study.rows if row['feedback'] == kind]
        if rows:
            by_epoch = np.array(found.get(kind, ())).T
            spread(axes, first + np.arange(len(by_epoch)), by_epoch, style, color=colour, alpha=0.2,
                   label=with_count(label, rows))
    axes.set(xlabel='epoch')


def _smooth(values, window=5):
    """The mean of each epoch and of those before it, up to five."""
    sums = np.cumsum(np.concatenate([[0], values]))
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - window, 0)
    return (sums[ends] - sums[begins])/(ends - begins)
