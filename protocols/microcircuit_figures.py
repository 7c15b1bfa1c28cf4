"""Figures of the studies of microcircuits on an imperfect substrate."""

from brian_le.protocols.bands import band, grouped
from brian_le.protocols.figures import BLACK, BLUE, GREEN, ORANGE, new_figure

__all__ = ['delays', 'faults', 'resolution']

_ALWAYS = 100*3/8  # % of the patterns are of the most frequent class


def delays(study):
    """Accuracy against the delay between layers.

    Parameters
    ----------
    study : StudyResult
        Runs of ``bars`` with different ``delay``, ``t_pattern`` and ``prospective``.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``delays``, if the study has several.
    """
    rows = study.rows
    if len({row.get('delay') for row in rows}) < 2:
        return {}
    figure, ((axes,),) = new_figure()
    styles = {('true', False): (BLUE, 'o-'), ('true', True): (BLUE, 'o:'),
              ('false', False): (ORANGE, 's-'), ('false', True): (ORANGE, 's:')}
    names = {'true': 'Latent Equilibrium', 'false': 'original circuit'}
    longest = max(row['t_pattern'] for row in rows)
    for (which, t_pattern), chosen in grouped(rows, 'prospective', 't_pattern').items():
        colour, style = styles[which, t_pattern < longest]
        band(axes, chosen, 'delay', 'accuracy', style, scale=100, color=colour,
             label=f'{names[which]}, {t_pattern:g} ms per pattern')
    _chance(axes)
    axes.set(xlabel='delay between layers (ms)', xlim=(-0.01, None),
             ylabel='accuracy, mean of last 100 epochs (%)', ylim=(0, 104),
             title='Delays have to be short beside a presentation')
    axes.set_xscale('symlog', linthresh=0.1)
    axes.legend(fontsize=9)
    return {'delays': figure}


def resolution(study):
    """Accuracy against the resolution of the weights.

    Parameters
    ----------
    study : StudyResult
        Runs of ``bars`` with different ``bits`` and ``rounding``.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``resolution``, if the study has several.
    """
    rows = [row for row in study.rows if row.get('bits')]
    if len({row['bits'] for row in rows}) < 2:
        return {}
    figure, ((axes,),) = new_figure()
    labels = {'accumulated': ('sent with few bits, learned with all', BLUE, 'o-'),
              'stochastic': ('stored with few bits, rounded at random', GREEN, '^-.'),
              'nearest': ('stored with few bits, rounded to the nearest', ORANGE, 's--')}
    for (rounding,), chosen in grouped(rows, 'rounding').items():
        label, colour, style = labels[rounding]
        band(axes, chosen, 'bits', 'accuracy', style, scale=100, color=colour, label=label)
    _chance(axes)
    axes.set(xlabel='resolution of weights (bits)', ylim=(0, 104),
             ylabel='accuracy, mean of last 100 epochs (%)',
             title='How many bits learning needs')
    axes.legend(fontsize=9)
    return {'resolution': figure}


def faults(study):
    """Accuracy before, at and after the death of hidden neurons.

    Parameters
    ----------
    study : StudyResult
        Runs of ``bars`` with different ``dead``, and ``dead_from`` above 0.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``faults``, if the study has several.
    """
    rows = [row for row in study.rows if row.get('accuracy_at_death') is not None]
    if len({row['dead'] for row in rows}) < 2:
        return {}
    figure, ((axes,),) = new_figure()
    for measure, label, colour, style in (
            ('accuracy_before_death', 'before', BLACK, 'v:'),
            ('accuracy_at_death', 'in the epoch in which they die', ORANGE, 's--'),
            ('accuracy', 'at the end, after learning on', BLUE, 'o-')):
        band(axes, rows, 'dead', measure, style, scale=100, x_scale=100, color=colour,
             label=label)
    _chance(axes)
    axes.set(xlabel='hidden neurons that die (%)', ylabel='accuracy (%)', ylim=(0, 104),
             title='Learning makes up for neurons that die')
    axes.legend(fontsize=9, loc='lower left')
    return {'faults': figure}


def _chance(axes):
    axes.axhline(_ALWAYS, color=BLACK, linewidth=1, linestyle=':', zorder=0)
    axes.annotate('always the same class', (0.01, _ALWAYS + 1), fontsize=9,
                  xycoords=('axes fraction', 'data'))
