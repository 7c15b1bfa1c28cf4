"""Figures of the study `fig5-mimic`."""

import numpy as np

from brian_le.protocols.drawing.bands import with_count
from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, new_figure
from brian_le.protocols.tasks.mimic import figures as mimic_figures

__all__ = ['first_run', 'seeds']


def first_run(study):
    """The figures of the first run: weights, apical potential, error and outputs.

    Parameters
    ----------
    study : StudyResult
        Runs of ``mimic``.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        Those of `brian_le.protocols.tasks.mimic.figures`, if any run is finished.
    """
    if not study.finished:
        return {}
    result = study.load(study.finished[0])
    return {name: figure for draw in mimic_figures.__all__
            for name, figure in getattr(mimic_figures, draw)(result).items()}


def seeds(study):
    """Validation error of all runs, by the sign of their fixed feedback weight.

    Parameters
    ----------
    study : StudyResult
        As for `first_run`.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``seeds``.
    """
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
    axes.legend(handles.values(), handles, title=_count(study))
    return {'seeds': figure}


def _count(study):
    return with_count('runs', study.rows) if len(study.finished) < len(study.rows) else None
