"""Figures of the studies `fig4a-mismatch`, `fig4b-adaptation` and `fig4c-noise`."""

import numpy as np
from matplotlib.ticker import NullLocator

from brian_le.protocols.drawing.bands import band, grouped, spread, with_count
from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, new_figure

__all__ = ['mismatch', 'adaptation', 'noise']

#: Curves by the part of `fig4a-mismatch`, and the relative mismatch.
_MISMATCH = {
    ('errors from tau_m', 0.0): ('no mismatch', BLACK, 'o-'),
    ('errors from tau_m', 0.2): ('20 %', BLUE, 's--'),
    ('errors from tau_m', 0.3): ('30 %', BLUE, '^-.'),
    ('errors from tau_r', 0.01): ('1 %, errors from $\\tau_r$', ORANGE, 's--'),
    ('errors from tau_r', 0.05): ('5 %, errors from $\\tau_r$', ORANGE, '^-.'),
    ('errors from tau_r', 0.2): ('20 %, errors from $\\tau_r$', ORANGE, 'v:'),
    ('errors from tau_r, matched before', 0.2): ('the same, matched before', GREEN, 'd-'),
}
_FILTERS = {'no filter': ('none', ORANGE, 's--'), '0.5 ms': ('0.5 ms', GREEN, '^-.'),
            '2 ms': ('2 ms', BLUE, 'o-')}
_SHOWN = 12  # neurons in the figure of their time constants


def _error(accuracy):
    return 100*(1 - accuracy)


def mismatch(study):
    """Test error and loss against the time of a presentation, for networks with mismatch."""
    curves = {key: rows for key, rows in grouped(
        [row for row in study.rows if 'part' in row and 'mismatch' in row], 'part', 'mismatch'
        ).items() if key in _MISMATCH}
    if not curves:
        return {}
    figure, ((error, loss),) = new_figure(1, 2, width=11, height=4.5)
    for key, rows in curves.items():
        label, colour, style = _MISMATCH[key]
        band(error, rows, 't_pattern', 'accuracy', style, scale=_error, color=colour, label=label)
        band(loss, rows, 't_pattern', 'train_loss', style, color=colour, label=label)
    for axes in (error, loss):
        axes.set(xscale='log', yscale='log', xlabel='time of one presentation (ms)')
        axes.axvline(20, color=BLACK, linewidth=1)
    for axis in (error.xaxis, loss.xaxis):
        _plain(axis, ticks=(0.2, 1, 5, 20, 100))
    _plain(error.yaxis)
    _plain(loss.yaxis, ticks=(0.02, 0.05, 0.1, 0.2))
    error.set(ylabel='test error (%)', title='Mismatch of time constants')
    error.annotate('membrane time constant', (20, 0.97), xycoords=('data', 'axes fraction'),
                   xytext=(-3, 0), textcoords='offset points', ha='right', va='top', fontsize=10)
    loss.set(ylabel='loss in the last epoch', title='What learning leaves')
    figure.legend(*loss.get_legend_handles_labels(), loc='outside right center', fontsize=10)
    return {'mismatch': figure}


def adaptation(study):
    """Membrane time constants while they learn to match, and the mismatch that remains."""
    matched = [row for row in study.rows if 'failed' in row
               or row.get('mismatch_after') is not None]
    times, shown = (sorted({row['t_pattern'] for row in matched if which(row)}) for which in (
        lambda row: True, lambda row: 'failed' not in row))
    if len(times) < 2 or not shown or matched[0].get('part') is not None:
        return {}
    figure, ((one, all_),) = new_figure(1, 2, width=11, height=4.5)
    middle = shown[len(shown)//2]
    row = next(row for row in study.finished if row['t_pattern'] == middle)
    result = study.load(row)
    name = next(key.split('.')[0] for key in result.arrays if key.endswith('.tau_m'))
    tau_m, tau_r = result.arrays[f'{name}.tau_m'], result.arrays[f'{name}.tau_r']
    at = np.arange(len(tau_m))
    one.plot(at, (tau_m/tau_r)[:, :_SHOWN], color=BLUE, linewidth=1.2)
    one.axhline(1, color=ORANGE, linestyle='--', zorder=0)
    one.set(xlabel='batches shown', ylabel='membrane time constant / look-ahead time',
            title=f'{_SHOWN} neurons, batches of {middle:g} ms')
    for number, t_pattern in enumerate(times):
        rest, rows = [], [row for row in study.rows if row['t_pattern'] == t_pattern]
        for row in rows:
            if 'failed' not in row:
                arrays = study.load(row).arrays
                rest.append(100*np.abs(arrays[f'{name}.tau_m']/arrays[f'{name}.tau_r'] - 1)
                            .mean(axis=1))
        colour, style = ((GREEN, '-.'), (BLUE, '-'), (ORANGE, '--'), (BLACK, ':'))[number % 4]
        spread(all_, at if rest else [], np.array(rest).T, style, color=colour,
               label=with_count(f'{t_pattern:g} ms', rows))
    all_.set(xlabel='batches shown', ylabel='mean mismatch (%)', yscale='log',
             title='What remains')
    _plain(all_.yaxis)
    all_.legend(title='time of a batch', fontsize=10)
    return {'adaptation': figure}


def noise(study):
    """Test error against the time of a presentation, for rates with noise."""
    groups = {key[0]: rows for key, rows in grouped(
        [row for row in study.rows if row.get('part') in _FILTERS], 'part').items()}
    if not groups:
        return {}
    figure, ((axes,),) = new_figure()
    for part, rows in groups.items():
        label, colour, style = _FILTERS[part]
        band(axes, rows, 't_pattern', 'accuracy', style, scale=_error, color=colour, label=label)
    axes.set(xscale='log', yscale='log', xlabel='time of one presentation (ms)',
             ylabel='test error (%)', title='Synaptic filters against noise need time')
    _plain(axes.yaxis)
    _plain(axes.xaxis)
    axes.legend(title='synaptic filter', fontsize=10)
    return {'noise': figure}


def _plain(axis, *, ticks=(0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100)):
    """Round numbers as the ticks of a logarithmic axis."""
    low, high = axis.get_view_interval()
    found = [tick for tick in ticks if low <= tick <= high]
    axis.set_ticks(found, labels=[f'{tick:g}' for tick in found])
    axis.set_minor_locator(NullLocator())
