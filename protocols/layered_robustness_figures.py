"""Figures of the studies of layered networks with delays, coarse weights and dead neurons."""

from brian_le.protocols.bands import band, grouped
from brian_le.protocols.figures import BLACK, BLUE, GREEN, ORANGE, new_figure

__all__ = ['delays', 'resolution', 'faults']

_NETWORKS = {'le': ('with look-ahead', BLUE, 'o'),
             'no_look_ahead': ('without look-ahead', ORANGE, 's')}
_ROUNDINGS = {'accumulated': ('sent with few bits, learned with all', BLUE, 'o-'),
              'stochastic': ('stored with few bits, rounded at random', GREEN, '^-.'),
              'nearest': ('stored with few bits, rounded to the nearest', ORANGE, 's--')}


def delays(study):
    """Test accuracy against the delay between layers.

    Parameters
    ----------
    study : StudyResult
        Runs of a benchmark with different ``delay``, ``t_pattern`` and ``networks``.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``delays``, if the study has several.
    """
    rows = study.rows
    if len({row.get('delay') for row in rows}) < 2:
        return {}
    figure, ((axes,),) = new_figure()
    longest = max(row['t_pattern'] for row in rows)
    for (name, t_pattern), some in grouped(rows, 'networks', 't_pattern').items():
        label, colour, marker = _NETWORKS[name]
        band(axes, some, 'delay', 'accuracy', marker + ('-' if t_pattern == longest else ':'),
             scale=100.0, color=colour, label=f'{label}, {t_pattern:g} ms per batch')
    axes.set(xlabel='delay between layers (ms)', ylim=(0, 102), ylabel='test accuracy (%)',
             title='What delays leave of the accuracy')
    axes.legend(fontsize=9, loc='lower left', bbox_to_anchor=(0.25, 0.09))
    return {'delays': figure}


def resolution(study):
    """Test accuracy against the resolution of the weights.

    Parameters
    ----------
    study : StudyResult
        Runs of a benchmark with different ``bits`` and ``rounding``; 0 bits are full resolution.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``resolution``, if the study has several.
    """
    rows = [row for row in study.rows if row.get('bits')]
    if len({row['bits'] for row in rows}) < 2:
        return {}
    figure, ((axes,),) = new_figure()
    for (rounding,), some in grouped(rows, 'rounding').items():
        label, colour, style = _ROUNDINGS[rounding]
        band(axes, some, 'bits', 'accuracy', style, scale=100.0, color=colour, label=label)
    full = [100*row['accuracy'] for row in study.rows if row.get('bits') == 0]
    if full:
        axes.axhline(sum(full)/len(full), color=BLACK, linewidth=1, linestyle=':', zorder=0,
                     label='full resolution')
    axes.set(xlabel='resolution of weights (bits)', ylim=(0, 102), ylabel='test accuracy (%)',
             title='How many bits learning needs')
    axes.legend(fontsize=10)
    return {'resolution': figure}


def faults(study):
    """Accuracy before, at and after the death of hidden neurons.

    Parameters
    ----------
    study : StudyResult
        Runs of a benchmark with different ``dead``, and ``dead_from`` above 0.

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
            ('accuracy_at_death', 'when they have just died', ORANGE, 's--'),
            ('accuracy', 'at the end, after learning on', BLUE, 'o-')):
        band(axes, rows, 'dead', measure, style, scale=100.0, x_scale=100.0, color=colour,
             label=label)
    axes.set(xlabel='hidden neurons that die (%)', ylabel='accuracy (%)', ylim=(0, 102),
             title='Learning makes up for neurons that die')
    axes.legend(fontsize=10, loc='lower left')
    return {'faults': figure}
