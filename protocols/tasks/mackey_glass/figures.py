"""Figures of the prediction of a chaotic series."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, PURPLE, new_figure
from brian_le.protocols.tasks.mackey_glass.task import LABELS

__all__ = ['errors', 'predictions']

_LINES = {'gle': (BLUE, '-'), 'instantaneous': (ORANGE, '--'), 'bptt': (GREEN, '-.'),
          'echo': (PURPLE, (0, (5, 1))), 'persistence': (BLACK, ':')}


def errors(result):
    """Error in the test against the time of learning."""
    p, arrays = result.description['parameters'], result.arrays
    time = p['train']*np.arange(1, p['epochs'] + 1)/1000  # s
    figure, ((axes,),) = new_figure(width=8, height=5)
    for name, label in LABELS.items():
        if f'{name}.nrmse' not in arrays:
            continue
        error, (color, style) = arrays[f'{name}.nrmse'], _LINES[name]
        if error.ndim:
            axes.plot(time, error, linestyle=style, color=color, label=label,
                      marker='o' if len(error) == 1 else None)
        else:
            axes.axhline(float(error), linestyle=style, color=color, label=label)
    axes.set(xlabel='time of learning, per replica (s)', yscale='log', xlim=(0, time[-1]*1.01),
             ylabel='error of the test / std of the series')
    figure.legend(*axes.get_legend_handles_labels(), ncols=2, loc='outside upper center')
    return {'error': figure}


def predictions(result):
    """The series and what the networks that learn online predict, in one stretch of the test."""
    p, arrays = result.description['parameters'], result.arrays
    names = [name for name in ('gle', 'instantaneous') if f'{name}.output' in arrays]
    figure, axes = new_figure(len(names), 1, 9, 1 + 2.7*len(names), sharex=True, sharey=True)
    time = arrays['time'] + p['horizon']  # for which it is predicted
    for ax, name in zip(axes[:, 0], names):
        ax.plot(time, arrays['target'][0], color=BLACK, linewidth=3.5, alpha=0.3, label='series')
        ax.plot(time, arrays[f'{name}.output'][0], color=_LINES[name][0],
                label=f"predicted {p['horizon']:g} ms before")
        ax.set_title(LABELS[name], loc='left')
        ax.set(ylabel='value (in std)')
        ax.legend(loc='lower right', bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    axes[-1, 0].set(xlabel='time (ms)', xlim=(time[0], time[-1]))
    return {'prediction': figure}
