"""Figures of the studies of stability: computed onsets beside measured ones."""

import numpy as np
from matplotlib.ticker import LogLocator

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, PURPLE, new_figure

__all__ = ['onsets']

_MARKS = ((BLUE, 'o'), (ORANGE, 'x'), (GREEN, '^'), (PURPLE, '+'), (BLACK, 's'), (BLUE, 'v'),
          (ORANGE, 'd'), (GREEN, '*'))


def onsets(study):
    """The computed critical strength of every run against the measured one, and how they differ."""
    figure, ((left, right),) = new_figure(1, 2, 10, 4.4)
    groups = {}
    for _, result in study.runs():
        groups.setdefault(_kind(result.description['parameters']), []).append(
            [float(result.arrays[name]) for name in ('measured', 'computed')])
    for (kind, found), (colour, mark) in zip(groups.items(), _MARKS):
        measured, computed = np.array(found).T
        left.plot(measured, computed, mark, color=colour, markersize=5, fillstyle='none',
                  label=f'{kind} ({len(found)} chains)')
        right.plot(measured, 100*(computed/measured - 1), mark, color=colour, markersize=5,
                   fillstyle='none')
    left.axline((0.1, 0.1), (0.2, 0.2), color=BLACK, linewidth=1, linestyle=':')
    left.set(xlabel='measured critical beta (no unit)', ylabel='computed critical beta (no unit)',
             xscale='log', yscale='log')
    right.axhline(0, color=BLACK, linewidth=1, linestyle=':')
    right.set(xlabel='measured critical beta (no unit)', xscale='log',
              ylabel='computed minus measured (%)', ylim=(-5, 5))
    for axis in (left.xaxis, left.yaxis, right.xaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter('{x:g}')
        axis.set_minor_formatter('')
    if groups:
        figure.legend(*left.get_legend_handles_labels(), ncols=3, loc='outside upper left')
    return {'onsets': figure}


def _kind(p):
    """What kind of network a run has, in words, from its parameters."""
    words = [{'le': 'LE', 'gle': 'GLE'}[p['network']]]
    if p['ratio'] != 1:
        words.append(f"tau_r/tau_m {p['ratio']:g}")
    words += [what for what in ('mismatch', 'delay') if p[what]]
    return ', '.join(words)
