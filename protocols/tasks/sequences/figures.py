"""Figures of networks that learn to classify sequences."""

import numpy as np

from brian_le.protocols.drawing.percent import percent_ticks
from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, new_figure

__all__ = ['learning']


def learning(result):
    """Errors on sequences that are learned and on test sequences, and the step size, per epoch."""
    arrays = result.arrays
    error, ((axes,),) = new_figure()
    epochs = np.arange(len(arrays['test_accuracy']))
    axes.plot(epochs, 100*(1 - arrays['test_accuracy']), color=BLUE, label='test sequences')
    if 'validation_accuracy' in arrays:
        axes.plot(epochs, 100*(1 - arrays['validation_accuracy']), color=GREEN, linestyle='-.',
                  label='validation sequences')
    axes.plot(epochs[1:], 100*(1 - arrays['train_accuracy']), color=ORANGE, linestyle='--',
              label='training sequences, while they are learned')
    axes.set(xlabel='epoch', ylabel='error (%)', title=_title(result))
    percent_ticks(axes)
    axes.axhline(100*(1 - 1/_n_classes(arrays)), color=BLACK, linewidth=1, linestyle=':',
                 label='chance')
    axes.legend(loc='upper right', bbox_to_anchor=(1, 0.92))

    rate, ((axes,),) = new_figure(height=3.0)
    axes.step(epochs[1:], arrays['rate'], where='mid', color=GREEN)
    axes.set(xlabel='epoch', ylabel='step size of Adam', yscale='log', title=_title(result))
    return {'error': error, 'rate': rate}


def _n_classes(arrays):
    last = max(int(key.rsplit('_', 1)[1]) for key in arrays if key.startswith('W_forward_'))
    return len(arrays[f'W_forward_{last}'])


def _title(result):
    p = result.description['parameters']
    return (f"{result.description['protocol']}, batches of {p['batch']}, "
            f"seed {result.description['seed']}")
