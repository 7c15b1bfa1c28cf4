"""Figures of the filters."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, new_figure
from brian_le.protocols.tasks.filters.task import FILTERS, accuracy, adjoint, expected

__all__ = ['gain', 'phase', 'phase_by_ratio', 'deviation']

_STYLES = {'forward': (BLUE, 'o', 'neuron'), 'error': (ORANGE, 's', 'error neuron')}
_SHIFTS = (0.3, 1, 3)  # w*tau_m of the curves against the ratio


def gain(result):
    """Gain against frequency, for the smallest and the largest ratio of the time constants."""
    figure = _by_frequency(result, abs, 'gain (no unit)')
    for ax in figure.axes:
        ax.set_yscale('log')
    return {'gain': figure}


def phase(result):
    """Phase against frequency, for the same ratios."""
    figure = _by_frequency(result, np.angle, 'phase shift (rad)')
    return {'phase': figure}


def phase_by_ratio(result):
    """Phase shift of neurons and error neurons against tau_r/tau_m."""
    w, ratio, tau_m = _axes(result)
    rows = np.unique([np.abs(np.log(w*tau_m/x)).argmin() for x in _SHIFTS])
    figure, axes = new_figure(1, len(rows), 3.6*len(rows) + 0.6, 4.2, sharex=True, sharey=True)
    fine = {'w': w, 'ratio': np.linspace(0, ratio[-1], 200)}
    theory = expected(fine, tau_m)
    for ax, row in zip(axes[0], rows):
        for name, (colour, marker, label) in _STYLES.items():
            ax.plot(fine['ratio'], np.angle(theory[name][row]), color=colour, linewidth=1.2)
            ax.plot(ratio, np.angle(result.arrays[name][row]), marker, color=colour, markersize=5,
                    label=label)
        ax.plot(fine['ratio'], np.angle(adjoint(w[row], tau_m, tau_m*fine['ratio'])), ':',
                color=BLACK, linewidth=2, zorder=5, label='adjoint')
        _zero_line(ax)
        ax.set(xlabel='tau_r/tau_m (no unit)')
        ax.set_title(f'w tau_m = {w[row]*tau_m:.2g}', loc='left')
    axes[0, 0].set(ylabel='phase shift (rad)')
    _legend(figure, axes)
    return {'ratio': figure}


def deviation(result):
    """How far measured filters are from theory, against the time step."""
    found = accuracy(result)
    figure, ((axes,),) = new_figure()
    w_dt = found['w_dt']
    axes.plot(w_dt, w_dt/2, '--', color=BLACK, linewidth=1.2, label='w dt/2')
    axes.plot(w_dt, found['continuous'], 'o', color=BLUE, label='from continuous time')
    axes.plot(w_dt, np.maximum(found['steps'], 1e-17), '^', color=GREEN,
              label='from steps of forward Euler')
    axes.set(xscale='log', yscale='log', xlabel='w dt (rad per time step)',
             ylabel='largest deviation of gain\n(relative) and phase (rad)')
    figure.legend(*axes.get_legend_handles_labels(), ncols=3, loc='outside upper left',
                  handletextpad=0.4, columnspacing=1.2)
    return {'accuracy': figure}


def _by_frequency(result, part, label_of_part):
    """A part of the measured and theoretical filters against frequency, at the extreme ratios."""
    w, ratio, tau_m = _axes(result)
    columns = sorted({0, len(ratio) - 1})
    figure, axes = new_figure(1, len(columns), 1 + 5*len(columns), 4.2, sharex=True, sharey=True)
    fine = {'w': np.geomspace(w[0], w[-1], 300), 'ratio': ratio}
    theory = expected(fine, tau_m)
    for ax, column in zip(axes[0], columns):
        for name in FILTERS:
            colour, marker, label = _STYLES[name]
            ax.plot(fine['w']*tau_m, part(theory[name][:, column]), color=colour, linewidth=1.2)
            ax.plot(w*tau_m, part(result.arrays[name][:, column]), marker, color=colour,
                    markersize=5, label=label)
        ax.plot(fine['w']*tau_m, part(adjoint(fine['w'], tau_m, tau_m*ratio[column])), ':',
                color=BLACK, linewidth=2, zorder=5, label='adjoint')
        ax.set(xscale='log', xlabel='w tau_m (rad)')
        ax.set_title(f'tau_r = {ratio[column]:g} tau_m', loc='left')
        if part is np.angle:
            _zero_line(ax)
    axes[0, 0].set(ylabel=label_of_part)
    _legend(figure, axes)
    return figure


def _legend(figure, axes):
    """One legend for all axes, which says that lines are theory."""
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=3, loc='outside upper right',
                  title='measured (symbols) and theory (lines)', alignment='right')


def _zero_line(ax):
    ax.axhline(0, color='#777777', linewidth=1, zorder=0)


def _axes(result):
    arrays = result.arrays
    return arrays['w'], arrays['ratio'], result.description['parameters']['tau_m']
