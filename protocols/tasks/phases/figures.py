"""Figures of learning with and without phases."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, PURPLE, new_figure
from brian_le.protocols.tasks.phases.task import LABELS

__all__ = ['relaxation', 'weights']

_CURVES = {'no_look_ahead': (ORANGE, '--'), 'phased': (GREEN, '-.'), 'le': (BLUE, '-')}


def relaxation(result):
    """Rate and potential of the second neuron beside the rate that it would settle to."""
    a, p = result.arrays, result.description['parameters']
    figure, axes = new_figure(2, 1, 9, 6, sharex=True, sharey=True)
    time, settled = a['trace.time'], a['trace.relaxed'][:, 1]
    for (ax,), name in zip(axes, ('no_look_ahead', 'le')):
        rate = a[f'trace.{name}.r'][:, 1]
        ax.fill_between(time, rate, settled, color='#D55E00', alpha=0.3, linewidth=0,
                        label='mismatch')
        ax.plot(time, a[f'trace.{name}.u'][:, 1], ':', color=PURPLE, label='potential')
        ax.plot(time, rate, color=BLUE, label='rate')
        ax.plot(time, settled, '--', color=BLACK, linewidth=1.3, label='rate, settled')
        ax.set(ylabel='rate, potential (no unit)')
        ax.set_title(LABELS[name], loc='left')
    axes[-1, 0].set(xlabel='time (ms)', xlim=(0, time[-1]))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=4, loc='outside upper left',
                  title=f"the second neuron, membranes of {p['tau_m']:g} ms, no learning",
                  alignment='left')
    return {'relaxation': figure}


def weights(result):
    """Weights over time while learning is on, beside those that give the wanted outputs."""
    a, p = result.arrays, result.description['parameters']
    figure, ((left, right),) = new_figure(1, 2, 10, 4.4, sharex=True)
    time = 1e-3*p['t_pattern']*np.arange(len(a['le.weights']))
    for k, (axes, title, wanted) in enumerate(((left, 'first neuron', p['w_hidden']),
                                               (right, 'second neuron', p['w_output']))):
        for name, (colour, line) in _CURVES.items():
            axes.plot(time, a[f'{name}.weights'][:, k], line, color=colour, label=LABELS[name])
        axes.axhline(wanted, color=BLACK, linewidth=1, linestyle=':', label='wanted')
        axes.set(xlabel='time (s)', title=title)
    left.set_ylabel('weight (no unit)')
    figure.legend(*left.get_legend_handles_labels(), ncols=4, loc='outside upper left',
                  title=f"{p['t_pattern']:g} ms per input, membranes of {p['tau_m']:g} ms",
                  alignment='left')
    return {'weights': figure}
