"""Figures of the study `fig3-bars`: ``t_pattern`` varies, with and without look-ahead."""

from brian_le.protocols.drawing.bands import band
from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, new_figure

__all__ = ['accuracy', 'error']

_CURVES = {'true': ('Latent Equilibrium', BLUE, 'o-'),
           'false': ('original circuit', ORANGE, 's--')}
_TAU = 1/(0.03 + 0.1 + 0.06)  # membrane time constant of the paper's circuit, ms
_ALWAYS = 3/8  # of the patterns are of the most frequent class


def accuracy(study):
    """Accuracy after learning against the time of a presentation."""
    figure, ((axes,),) = new_figure()
    _against_time(axes, study, 'accuracy', 100)
    axes.axhline(100*_ALWAYS, color=BLACK, linewidth=1, linestyle=':',
                 label='always the same class')
    axes.set(ylabel='accuracy, mean of last 100 epochs (%)', ylim=(0, 104),
             title='Only with look-ahead, learning needs no time to settle')
    axes.legend(loc='lower right')
    return {'accuracy': figure}


def error(study):
    """Validation error at the end against the time of a presentation."""
    figure, ((axes,),) = new_figure()
    _against_time(axes, study, 'error', 1)
    axes.set(ylabel='validation error (mean square)', yscale='log',
             title='Error after learning')
    axes.legend()
    return {'error': figure}


def _against_time(axes, study, measure, scale):
    """One curve for each circuit: mean over seeds, with the range of all of them."""
    for which, (label, colour, style) in _CURVES.items():
        rows = [row for row in study.rows if row['prospective'] == which]
        if rows:
            band(axes, rows, 't_pattern', measure, style, scale=scale, color=colour, label=label)
    axes.axvline(_TAU, color=BLACK, linewidth=1)
    axes.annotate('membrane time constant', (_TAU, 0.03), xycoords=('data', 'axes fraction'),
                  xytext=(-4, 0), textcoords='offset points', fontsize=10, ha='right')
    axes.set(xscale='log', xlabel='time of one presentation (ms)')
