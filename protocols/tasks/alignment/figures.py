"""Figures of the alignment."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, PURPLE, new_figure
from brian_le.protocols.tasks.alignment.measuring import ERRORS, KINDS

__all__ = ['frequency', 'depth', 'ratio', 'layers']

#: What a figure shows: kind of errors, kind of parameters, style and label.
_LINES = (
    ('prospective', 'forward', BLUE, 'o-', 'weights'),
    ('prospective', 'bias', BLACK, 'x-', 'biases'),
    ('prospective', 'tau_m', GREEN, '^-', 'tau_m'),
    ('prospective', 'tau_r', PURPLE, 'v-', 'tau_r'),
    ('instantaneous', 'forward', ORANGE, 's--', 'weights, instantaneous errors'),
)


def frequency(result):
    """Cosine and size of the weight changes against the frequency of the inputs."""
    return _cosines(result, 'frequency', xscale='log', xlabel='w tau_m of the fastest input (rad)')


def depth(result):
    """The same against the number of hidden layers."""
    figures = _cosines(result, 'depth', xlabel='hidden layers')
    for ax in figures['depth'].axes:
        ax.xaxis.get_major_locator().set_params(integer=True)
    return figures


def ratio(result):
    """The same against the ratio of the time constants."""
    figures = _cosines(result, 'ratio', xscale='log', xlabel='tau_m/tau_r (no unit)')
    for ax in figures['ratio'].axes:
        ax.xaxis.set_major_formatter('{x:g}')
    return figures


def layers(result):
    """Cosine of the weight changes of each layer of the deepest network."""
    cosines = result.arrays['depth.layers'][-1]  # network, layer, errors, kind
    figure, ((axes,),) = new_figure()
    for errors, kind, colour, style, label in _LINES:
        values = cosines[:, :, ERRORS.index(errors), KINDS.index(kind)]
        values = values[:, ~np.isnan(values[0])]
        _line(axes, np.arange(values.shape[1]), values, colour, style, label)
    axes.set(xlabel='layers between a layer and the targets',
             ylabel='cosine with the exact gradient')
    axes.xaxis.get_major_locator().set_params(integer=True)
    _legend(figure, axes)
    return {'layers': figure}


def _cosines(result, sweep, xlabel, **options):
    """Cosines and sizes of all kinds of parameters against what varies."""
    arrays = result.arrays
    figure, axes = new_figure(1, 2, 11, 4.4, sharex=True)
    for errors, kind, colour, style, label in _LINES:
        for ax, what in zip(axes[0], ('cosine', 'size')):
            values = arrays[f'{sweep}.{what}'][:, :, ERRORS.index(errors), KINDS.index(kind)]
            _line(ax, arrays[f'{sweep}.values'], values.T, colour, style, label)
    for ax, ylabel in zip(axes[0], ('cosine with the exact gradient',
                                    'size relative to the exact gradient')):
        ax.set(xlabel=xlabel, ylabel=ylabel, **options)
        ax.axhline(1, color='#777777', linewidth=1, zorder=0)
    p = result.description['parameters']
    constant = {'depth': f"{p['depth']} hidden layers",
                'frequency': f"w tau_m = {p['frequency']:g}",
                'ratio': f"tau_m/tau_r = {p['ratio']:g}"}
    axes[0, 0].set_title(', '.join(text for name, text in constant.items() if name != sweep),
                         loc='left')
    _legend(figure, axes[0, 0])
    return {sweep: figure}


def _line(ax, x, values, colour, style, label):
    """The mean of all networks, and each of them as a small dot."""
    ax.plot(x, values.mean(axis=0), style, color=colour, markersize=6, label=label)
    for of_network in values if len(values) > 1 else ():
        ax.plot(x, of_network, '.', color=colour, markersize=3, alpha=0.6)


def _legend(figure, axes):
    figure.legend(*axes.get_legend_handles_labels(), ncols=3, loc='outside upper left',
                  columnspacing=1.2)
