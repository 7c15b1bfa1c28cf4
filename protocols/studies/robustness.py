"""Figures of studies with delays, weights of few bits, and neurons that die."""

from brian_le.protocols.drawing.bands import band, grouped, mark_lost, with_count
from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, new_figure

__all__ = ['delays', 'faults', 'resolution']

#: Curves by the parameter that tells circuits apart, and its value.
_CIRCUITS = {('prospective', 'true'): ('Latent Equilibrium', BLUE, 'o'),
             ('prospective', 'false'): ('original circuit', ORANGE, 's'),
             ('networks', 'le'): ('Latent Equilibrium', BLUE, 'o'),
             ('networks', 'no_look_ahead'): ('without look-ahead', ORANGE, 's')}
_ROUNDINGS = {'accumulated': ('sent with few bits, learned with all', BLUE, 'o-'),
              'stochastic': ('stored with few bits, rounded at random', GREEN, '^-.'),
              'nearest': ('stored with few bits, rounded to the nearest', ORANGE, 's--')}
_ALWAYS = {'bars': 100*3/8}  # % of the patterns are of the most frequent class


def delays(study):
    """Accuracy against the delay between layers, at some ``t_pattern``.

    Circuits with and without look-ahead are told apart by ``prospective`` or ``networks``.
    """
    rows = study.rows
    if len({row.get('delay') for row in rows}) < 2:
        return {}
    figure, axes = _axes(study, 'Delays have to be short beside a presentation')
    kind = 'prospective' if 'prospective' in rows[0] else 'networks'
    longest = max(row['t_pattern'] for row in rows)
    for (circuit, t_pattern), some in grouped(rows, kind, 't_pattern').items():
        label, colour, marker = _CIRCUITS[kind, circuit]
        band(axes, some, 'delay', 'accuracy', marker + ('-' if t_pattern == longest else ':'),
             scale=100, color=colour, label=f'{label}, {t_pattern:g} ms')
    smallest = min(row['delay'] for row in rows if row['delay'] > 0)
    axes.set_xscale('symlog', linthresh=smallest)
    axes.set(xlabel='delay between layers (ms)', xlim=(-smallest/10, None))
    figure.legend(title='time of a presentation', loc='outside lower center', ncols=2, fontsize=10)
    return {'delays': figure}


def resolution(study):
    """Accuracy against the resolution of the weights (0 bits: full), for each ``rounding``."""
    rows = [row for row in study.rows if row.get('bits')]
    if len({row['bits'] for row in rows}) < 2:
        return {}
    figure, axes = _axes(study, 'How many bits learning needs')
    for (rounding,), some in grouped(rows, 'rounding').items():
        label, colour, style = _ROUNDINGS[rounding]
        band(axes, some, 'bits', 'accuracy', style, scale=100, color=colour, label=label)
    at_full = [row for row in study.rows if row.get('bits') == 0]
    full = [100*row['accuracy'] for row in at_full if 'failed' not in row]
    if full:
        axes.axhline(sum(full)/len(full), color=BLACK, linewidth=1, linestyle='--', zorder=0,
                     label=with_count('full resolution', at_full))
    axes.set(xlabel='resolution of weights (bits)')
    figure.legend(loc='outside lower center', ncols=2, fontsize=10)
    return {'resolution': figure}


def faults(study):
    """Accuracy before, at and after the death (``dead_from`` above 0) of hidden neurons."""
    rows = [row for row in study.rows if row.get('accuracy_at_death') is not None
            or 'failed' in row and row.get('dead') is not None]
    if len({row['dead'] for row in rows}) < 2:
        return {}
    figure, axes = _axes(study, 'Learning makes up for neurons that die')
    for measure, label, colour, style in (
            ('accuracy_before_death', 'before', BLACK, 'v:'),
            ('accuracy_at_death', 'when they have just died', ORANGE, 's--'),
            ('accuracy', 'at the end, after learning on', BLUE, 'o-')):
        band(axes, [row for row in rows if 'failed' not in row], 'dead', measure, style, scale=100,
             x_scale=100, color=colour, label=label)
    mark_lost(axes, rows, 'dead', BLACK, x_scale=100)
    axes.set(xlabel='hidden neurons that die (%)')
    axes.legend(loc='lower left', fontsize=10)
    return {'faults': figure}


def _axes(study, title):
    """A figure with an axis of accuracies, and the one that is reached without learning."""
    figure, ((axes,),) = new_figure(height=4.6)
    axes.set(ylabel='accuracy (%)', ylim=(0, 104), title=title)
    always = _ALWAYS.get(study.description['target'])
    if always is not None:
        axes.axhline(always, color=BLACK, linewidth=1, linestyle=':', zorder=0)
        axes.annotate('always the same class', (0.01, always + 1), fontsize=9,
                      xycoords=('axes fraction', 'data'))
    return figure, axes
