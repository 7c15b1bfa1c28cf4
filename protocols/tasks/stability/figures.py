"""Figures of a run that looks for the onset of instability."""

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, new_figure
from brian_le.protocols.tasks.stability.task import NETWORKS

__all__ = ['onset']


def onset(result):
    """How much changes grow in a step, computed and as it was in trials.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``onset``.
    """
    a, p = result.arrays, result.description['parameters']
    figure, ((axes,),) = new_figure()
    axes.plot(a['curve_beta'], a['curve_radius'], color=BLUE, label='computed')
    near = (a['beta'] > a['curve_beta'][0]) & (a['beta'] < a['curve_beta'][-1])
    for settled, colour, mark, label in ((1, GREEN, 'o', 'trial, settles'),
                                         (0, ORANGE, 'x', 'trial, does not')):
        chosen = near & (a['settled'] == settled) & (a['growth'] > 0)
        axes.plot(a['beta'][chosen], a['growth'][chosen], mark, color=colour, label=label)
    axes.axhline(1, color=BLACK, linewidth=1, linestyle=':')
    axes.axvline(a['measured'], color=BLACK, linewidth=1, linestyle='--', label='onset in trials')
    axes.set(xlabel='strength of the target, beta (no unit)', xscale='log',
             ylabel='growth of changes in a step',
             title=f"{NETWORKS[p['network']]}, {p['hidden']} hidden layers of {p['width']}")
    axes.legend()
    return {'onset': figure}
