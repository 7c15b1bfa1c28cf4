"""Figures of Fourier synthesis."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, new_figure
from brian_le.protocols.tasks.fourier.task import PERIOD

__all__ = ['outputs', 'errors']

_SHOWN = 2  # periods in one panel


def outputs(result):
    """Target and output at the beginning, at the end of learning, and without learning."""
    arrays, (n, learning) = result.arrays, _periods(result)
    panels = [(first, title) for first, last, title in (
        (0, learning, 'learning: the first periods'),
        (max(0, learning - _SHOWN), learning, 'learning: the last periods'),
        (learning, n, 'without learning and nudging')) if first < last]
    figure, axes = new_figure(1, len(panels), 11, 3.8, sharey=True)
    for ax, (first, title) in zip(axes[0], panels):
        time, output, target = (arrays[key][first:first + _SHOWN]
                                for key in ('time', 'output', 'target'))
        # a line of its own for every period, for the target jumps between them
        for period in range(len(time)):
            label = period == 0
            ax.plot(time[period], target[period], '--', color=ORANGE, zorder=3,
                    label='target' if label else None)
        ax.plot(time.ravel(), output.ravel(), color=BLUE, linewidth=1.2, label='output')
        ax.set(xlabel='time (ms)')
        ax.set_title(title, loc='left')
    axes[0, 0].set(ylabel='rate (no unit)')
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=2, loc='outside upper right')
    return {'output': figure}


def errors(result):
    """Mean squared error in every period."""
    error, (n, learning) = result.arrays['error'], _periods(result)
    figure, ((axes,),) = new_figure()
    axes.plot(PERIOD*(np.arange(n) + 0.5), error, 'o-', color=BLUE)
    if learning < n:
        axes.axvline(PERIOD*learning, color=BLACK, linestyle=':', linewidth=1.2)
        axes.annotate('learning and\nnudging end', (PERIOD*learning, 0.5), (6, 0), va='center',
                      xycoords=('data', 'axes fraction'), textcoords='offset points')
    axes.axhline(1/3, color=ORANGE, linestyle='--', linewidth=1.2, label='output 0 throughout')
    axes.set(xlabel='time (ms)', ylabel='mean squared error of a period', yscale='log',
             xlim=(0, PERIOD*n), title=f"Fourier synthesis, seed {result.description['seed']}")
    axes.legend(loc='lower left')
    return {'error': figure}


def _periods(result):
    """Numbers of periods: all, and those with learning."""
    n = len(result.arrays['error'])
    return n, min(n, result.description['parameters']['learning'])
