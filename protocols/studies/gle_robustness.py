"""Figures of chains and networks with two time constants on an imperfect substrate."""

import numpy as np

from brian_le.protocols.drawing.bands import mark_lost, with_count
from brian_le.protocols.plotting import BLACK, BLUE, new_figure

__all__ = ['strengths']

#: What the horizontal axes say, by the parameter that a part of a study varies.
_STRENGTHS = {'mismatch': ('mismatch of time constants (%)', 100),
              'error_mismatch': ('mismatch of error neurons (%)', 100),
              'noise': ('noise on rates (std)', 1),
              'delay': ('delay of rates and errors (ms)', 1)}

#: The rows of a figure, by target: the measure, its factor, what its axis says, and its range.
_MEASURES = {
    'lagline': (('parameter_error', 1, 'largest relative error\nof a parameter', (1e-7, 20)),
                ('loss', 1, 'mean squared error\nof the output', (1e-12, 1))),
    'mnist1d': (('test_accuracy', 100, 'test accuracy (%)', (0, 100)),)}


def strengths(study):
    """The measures against the strength of every imperfection, with the perfect substrate.

    Of ``lagline`` or ``mnist1d``, in parts: ``perfect``, and those that vary the parameter of their
    name. Lines are medians over the seeds, bands reach from the lowest to the highest.
    """
    parts = [name for name in _STRENGTHS if name in {row.get('part') for row in study.rows}]
    measures = _MEASURES.get(study.description['target'], ())
    if not parts or not measures:
        return {}
    figure, axes = new_figure(len(measures), len(parts), 3.2*len(parts), 0.8 + 2.9*len(measures),
                              sharex='col', sharey='row')
    for column, name in enumerate(parts):
        label, factor = _STRENGTHS[name]
        axes[-1, column].set(xlabel=label, xscale='log')
        axes[-1, column].minorticks_off()
        axes[-1, column].margins(x=0.12)
        for ax, (measure, scale, _, _) in zip(axes[:, column], measures):
            perfect = _range(study, 'perfect', name, measure, scale)
            if perfect[0].size:
                ax.axhspan(perfect[1].min(), perfect[2].max(), color=BLACK, alpha=0.15, linewidth=0)
                ax.axhline(perfect[3][0], color=BLACK, linestyle='--', linewidth=1.2,
                           label=with_count('perfect substrate', _part(study, 'perfect')))
            at, low, high, middle = _range(study, name, name, measure, scale)
            ax.fill_between(factor*at, low, high, color=BLUE, alpha=0.25, linewidth=0)
            ax.plot(factor*at, middle, 'o-', color=BLUE, label='with an imperfection')
            mark_lost(ax, _part(study, name), name, BLUE, x_scale=factor)
            at = np.array(sorted({row[name] for row in _part(study, name)}), float)
            ax.set_xticks(factor*at, [f'{factor*x:g}' for x in at])
    for ax, (_, _, label, limits) in zip(axes[:, 0], measures):
        ax.set(ylabel=label, ylim=limits, yscale='log' if limits[0] else 'linear')
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=2, loc='outside upper center')
    return {'strengths': figure}


def _part(study, name):
    return [row for row in study.rows if row.get('part') == name]


def _range(study, part, name, measure, scale):
    """Values of a parameter, and of each the lowest, the highest and the median of a measure."""
    values = {}
    for row in _part(study, part):
        if 'failed' not in row:
            values.setdefault(row[name], []).append(scale*row[measure])
    at = sorted(values)
    return np.array(at, float), *(np.array([f(values[x]) for x in at])
                                  for f in (np.min, np.max, np.median))
