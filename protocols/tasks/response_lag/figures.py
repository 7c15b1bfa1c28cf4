"""Figures of the response lag."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, new_figure
from brian_le.protocols.tasks.response_lag.task import LABELS, THRESHOLD, some_layers

__all__ = ['latency', 'responses']

_LINES = {'le': (BLUE, '-', 'o'), 'partial': (BLACK, '-.', '^'),
          'no_look_ahead': (ORANGE, '--', 's')}


def latency(result):
    """Latency of every layer, with and without look-ahead."""
    figure, ((axes,),) = new_figure()
    for name, (colour, line, marker) in _LINES.items():
        values = result.arrays[f'{name}.latency']
        axes.plot(1 + np.arange(len(values)), values, line, marker=marker, markersize=4,
                  color=colour, label=_label(result, name))
    p = result.description['parameters']
    axes.set(xlabel='layer', ylabel='latency (ms)', yscale='log',
             title=f"response to a step, membranes of {p['tau_m']:g} ms, steps of {p['dt']:g} ms")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylim(bottom=0.3*p['dt'])  # room for the legend
    axes.yaxis.set_major_formatter('{x:g}')
    axes.legend(loc='lower right')
    return {'latency': figure}


def responses(result):
    """Rates over time, of a few layers."""
    arrays = result.arrays
    layers = some_layers(arrays['le.rates'].shape[1])
    figure, axes = new_figure(len(layers), 1, 8, 1.2 + 1.8*len(layers), sharex=True, sharey=True)
    time = np.concatenate([[0], arrays['time']])
    for (ax,), layer in zip(axes, layers):
        for name, (colour, line, _) in _LINES.items():
            rates = np.concatenate([[0], arrays[f'{name}.rates'][:, layer - 1]])
            ax.plot(time, rates, line, color=colour, label=_label(result, name))
        ax.axhline(THRESHOLD, color='#777777', linewidth=1, zorder=0)
        ax.set(ylabel='rate (no unit)')
        ax.set_title(f'layer {layer}', loc='left')
    slowest = np.nanmax(arrays['no_look_ahead.latency'])
    axes[-1, 0].set(xlabel='time since the step of the input (ms)', xlim=(0, 1.5*slowest))
    axes[0, 0].annotate('latency: 1 - 1/e is reached', (1.5*slowest, THRESHOLD), (0, -3),
                        textcoords='offset points', ha='right', va='top', color='#555555')
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=3, loc='outside upper left')
    return {'responses': figure}


def _label(result, name):
    if name != 'partial':
        return LABELS[name]
    return f"{LABELS[name]} ({result.description['parameters']['partial']:g} tau_m)"
