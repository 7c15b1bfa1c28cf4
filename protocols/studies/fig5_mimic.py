"""Figures of the study `fig5-mimic`."""

import numpy as np

from brian_le.protocols.drawing.bands import with_count
from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, new_figure
from brian_le.protocols.protocol import figures_by
from brian_le.protocols.tasks.mimic import figures as mimic_figures

__all__ = ['first_run', 'seeds']


def first_run(study):
    """Weights, apical potential, error and outputs of the first run that is finished."""
    if not study.finished:
        return {}
    return figures_by(mimic_figures, study.load(study.finished[0]))


def seeds(study):
    """Validation error of all runs, by the sign of their fixed feedback weight."""
    figure, ((axes,),) = new_figure()
    labels = {True: ('feedback of the right sign', BLUE, '-'),
              False: ('feedback of the wrong sign', ORANGE, '--')}
    for _, result in study.runs():
        feedback, needed = result.arrays['selfpred.down0'][-1], result.arrays['teacher'][1]
        label, colour, style = labels[bool(np.sign(feedback) == np.sign(needed))]
        epochs = 1 + np.arange(len(result.arrays['error']))
        axes.plot(epochs, result.arrays['error'], style, color=colour, linewidth=1.2, label=label)
    axes.axhline(1e-5, color=BLACK, linewidth=1, linestyle=':', zorder=0)
    axes.set(xlabel='epoch', ylabel='validation error (mean square)', yscale='log',
             title='What is learned depends on the sign of the feedback')
    handles = dict(zip(*reversed(axes.get_legend_handles_labels())))
    lost = len(study.finished) < len(study.rows)
    axes.legend(handles.values(), handles, title=with_count('runs', study.rows) if lost else None)
    return {'seeds': figure}
