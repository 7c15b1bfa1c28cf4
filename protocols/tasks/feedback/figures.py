"""Figures of one run with transposed, random or learned feedback."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, new_figure

__all__ = ['learning', 'weights']


def learning(result):
    """Accuracy in validation, and the angle of the feedback weights, after every epoch."""
    figure, ((accuracy,), (angle,)) = new_figure(2, 1, 7, 6, sharex=True)
    epochs = 1 + np.arange(len(result.arrays['accuracy']))
    accuracy.plot(epochs, 100*result.arrays['accuracy'], color=BLUE)
    accuracy.set(ylabel='validation accuracy (%)', title=_title(result))
    angle.plot(np.concatenate([[0], epochs]),
               np.concatenate([[result.arrays['initial_angle']], result.arrays['angle']]),
               color=BLUE)
    angle.axhline(90, color=BLACK, linewidth=1, linestyle=':')
    angle.set(xlabel='epoch', ylabel='angle between W_down and\nthe transposed W_up (degrees)',
              ylim=(0, 100), yticks=range(0, 91, 15))
    return {'learning': figure}


def weights(result):
    """Weights from above against the forward weights between the same neurons, at both ends."""
    if 'final_W_down_0' not in result.arrays:
        return {}
    figure, ((axes,),) = new_figure(width=5.5, height=4.8)
    for when, colour, mark, label in (('initial', ORANGE, 'x', 'before learning'),
                                      ('final', BLUE, 'o', 'after learning')):
        axes.plot(result.arrays[f'{when}_W_up_1'].T.ravel(),
                  result.arrays[f'{when}_W_down_0'].ravel(), mark, color=colour, markersize=5,
                  label=label)
    axes.axline((0, 0), slope=1, color=BLACK, linewidth=1, linestyle=':', zorder=0)
    axes.set(xlabel='forward weight W_up, hidden to output', title=_title(result),
             ylabel='weight from above W_down, output to hidden')
    axes.legend()
    return {'weights': figure}


def _title(result):
    return (f"{result.description['parameters']['feedback']} feedback, seed "
            f"{result.description['seed']}")
