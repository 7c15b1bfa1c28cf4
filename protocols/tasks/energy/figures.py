"""Figures of the energy of networks that learn."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, PURPLE, new_figure
from brian_le.protocols.tasks.energy.task import LABELS

__all__ = ['descent', 'layers', 'presentations', 'totals']

_CURVES = {'le': (BLUE, '-'), 'mismatch': (GREEN, '-.'), 'no_look_ahead': (ORANGE, '--')}


def totals(result):
    """Energy of every epoch.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``totals``.
    """
    figure, ((axes,),) = new_figure()
    for name, (colour, line) in _CURVES.items():
        total = result.arrays[f'{name}.energy'].sum(axis=1) + result.arrays[f'{name}.cost']
        axes.plot(1 + np.arange(len(total)), total, line, color=colour, label=_label(result, name))
    axes.set(xlabel='epoch', ylabel='energy (no unit)', yscale='log', title=_setting(result))
    axes.yaxis.set_minor_formatter('')
    figure.legend(*axes.get_legend_handles_labels(), ncols=3, loc='outside upper left')
    return {'totals': figure}


def layers(result):
    """The parts of the energy, with and without look-ahead.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``layers``.
    """
    figure, (panels,) = new_figure(1, 2, 10, 4.4, sharex=True, sharey=True)
    labels = ['mismatch of layer 1', 'mismatch of layer 2', 'mismatch of the outputs']
    for axes, name in zip(panels, ('le', 'no_look_ahead')):
        parts, cost = result.arrays[f'{name}.energy'], result.arrays[f'{name}.cost']
        epochs = 1 + np.arange(len(cost))
        for part, label, colour, line in zip(parts.T, labels, (BLUE, GREEN, ORANGE),
                                             ('-', '-.', '--')):
            axes.plot(epochs, part, line, color=colour, label=label)
        axes.plot(epochs, cost, ':', color=BLACK, label='beta times cost')
        axes.set(xlabel='epoch', yscale='log', title=LABELS[name])
    panels[0].set_ylabel('part of the energy (no unit)')
    figure.legend(*panels[0].get_legend_handles_labels(), ncols=4, loc='outside upper left')
    return {'layers': figure}


def presentations(result):
    """Energy in every step of the first and of the last epoch.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``presentations``.
    """
    p = result.description['parameters']
    figure, axes = new_figure(2, 1, 9, 5.5, sharex=True, sharey=True)
    for (ax,), when in zip(axes, ('first', 'last')):
        for name, (colour, line) in _CURVES.items():
            values = result.arrays[f'{name}.{when}']
            ax.plot(p['dt']*(1 + np.arange(len(values))), values, line, color=colour,
                    label=_label(result, name))
        ax.set(ylabel='energy (no unit)', yscale='log')
        ax.set_title(f'{when} epoch', loc='left')
    axes[-1, 0].set(xlabel='time (ms)', xlim=(0, p['dt']*len(values)))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=3, loc='outside upper left',
                  title=_setting(result), alignment='left')
    return {'presentations': figure}


def descent(result):
    """Distance from stationarity, and direction of the weight changes.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``descent``.
    """
    figure, ((left, right),) = new_figure(1, 2, 10, 4.4, sharex=True)
    for name, (colour, line) in _CURVES.items():
        slope, cosine = (result.arrays[f'{name}.{what}'] for what in ('slope', 'cosine'))
        epochs = 1 + np.arange(len(slope))
        left.plot(epochs, slope, line, color=colour, label=_label(result, name))
        right.plot(epochs, cosine.min(axis=1), line, color=colour)
    left.set(xlabel='epoch', ylabel='|dE/du| / |mismatch|', yscale='log',
             title='distance from stationarity')
    right.axhline(1, color=PURPLE, linewidth=1, linestyle=':')
    right.set(xlabel='epoch', ylabel='cosine, of the worst layer', ylim=(-1.05, 1.05),
              title='weight change and -dE/dW')
    figure.legend(*left.get_legend_handles_labels(), ncols=3, loc='outside upper left')
    return {'descent': figure}


def _label(result, name):
    if name != 'mismatch':
        return LABELS[name]
    return f"look-ahead with {100*result.description['parameters']['mismatch']:g} % mismatch"


def _setting(result):
    p = result.description['parameters']
    return f"{p['t_pattern']:g} ms per pattern, membranes of {p['tau_m']:g} ms"
