"""Figures of networks that learn to classify sequences."""

import numpy as np

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
    axes.set(xlabel='epoch', ylabel='error (%)', yscale='log', title=_title(result))
    low, high = axes.get_ylim()
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= tick <= high]
    axes.set_yticks(ticks, labels=[f'{tick:g}' for tick in ticks])
    axes.minorticks_off()
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
