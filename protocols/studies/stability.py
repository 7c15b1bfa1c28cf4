"""Figures of the studies of stability: computed onsets beside measured ones."""

import numpy as np

from brian_le.protocols.drawing.bands import with_count
from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, PURPLE, new_figure

__all__ = ['onsets']

_MARKS = ((BLUE, 'o'), (ORANGE, 'x'), (GREEN, '^'), (PURPLE, '+'), (BLACK, 's'), (BLUE, 'v'),
          (ORANGE, 'd'), (GREEN, '*'))


def onsets(study):
    """The computed critical strength of every run against the measured one, and how they differ."""
    figure, ((left, right),) = new_figure(1, 2, 10, 4.4)
    groups = {}
    for row, result in study.runs():
        groups.setdefault(_kind(row), []).append(
            [float(result.arrays[name]) for name in ('measured', 'computed')])
    for (kind, found), (colour, mark) in zip(groups.items(), _MARKS):
        measured, computed = np.array(found).T
        rows = [row for row in study.rows if _kind(row) == kind]
        left.plot(measured, computed, mark, color=colour, markersize=5, fillstyle='none',
                  label=with_count(kind, rows))
        right.plot(measured, 100*(computed/measured - 1), mark, color=colour, markersize=5,
                   fillstyle='none')
    left.axline((1, 1), (2, 2), color=BLACK, linewidth=1, linestyle=':')
    left.set(xlabel='measured critical beta (no unit)', ylabel='computed critical beta (no unit)',
             xscale='log', yscale='log')
    right.axhline(0, color=BLACK, linewidth=1, linestyle=':')
    right.set(xlabel='measured critical beta (no unit)', xscale='log',
              ylabel='computed minus measured (%)', ylim=(-5, 5))
    if groups:
        figure.legend(*left.get_legend_handles_labels(), ncols=3, loc='outside upper left')
    return {'onsets': figure}


def _kind(row):
    """What kind of network a run has, in words."""
    words = [{'le': 'LE', 'gle': 'GLE'}[row['network']]]
    if row.get('ratio', 1) != 1:
        words.append(f"tau_r/tau_m {row['ratio']:g}")
    if row.get('mismatch'):
        words.append('mismatch')
    if row.get('delay'):
        words.append('delay')
    return ', '.join(words)
