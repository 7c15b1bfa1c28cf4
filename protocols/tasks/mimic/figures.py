"""Figures of the mimic task."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, new_figure

__all__ = ['weights', 'self_prediction', 'error', 'outputs']

_GREY = '#999999'


def weights(result):
    """Weights on their way to their targets, in both stages."""
    a, p = result.arrays, result.description['parameters']
    figure, ((first, second),) = new_figure(1, 2, 10, 4.2)
    time = p['dt']*(1 + np.arange(len(a['selfpred.ip0'])))
    end, below = (time[-1], 6), dict(textcoords='offset points', ha='right', color='#444444')
    for (name, label), goal, goal_label, (colour, line) in (
            (('ip0', 'pyramidal to interneuron'), a['selfpred.up1'][-1],
             "the output's forward weight", (BLUE, '-')),
            (('pi0', 'interneuron to pyramidal'), -a['selfpred.down0'][-1],
             'feedback weight with opposite sign', (ORANGE, '--'))):
        first.axhline(goal, color=BLACK, linewidth=1, linestyle=':', zorder=0)
        first.annotate(goal_label, (end[0], goal), (0, 3), va='bottom', **below)
        first.plot(time, a[f'selfpred.{name}'], line, color=colour, label=label)
    first.set(xlabel='time (ms)', ylabel='weight (no unit)', title='self-prediction')
    first.margins(y=0.12)
    epochs = np.arange(1, 1 + len(a['training.up0']))/a['order'].shape[1]
    for k, (label, colour, line) in enumerate((('forward, hidden neuron', GREEN, '-'),
                                               ('forward, output', BLUE, '--'))):
        second.axhline(a['teacher'][k], color=BLACK, linewidth=1, linestyle=':', zorder=0)
        second.annotate('teacher', (epochs[-1], a['teacher'][k]), (0, 3), va='bottom', **below)
        second.plot(epochs, a[f'training.up{k}'], line, color=colour, label=label)
    second.set(xlabel='epoch', title='training with a teacher')
    for axes in (first, second):
        axes.legend(loc='lower center', bbox_to_anchor=(0.5, 1.1), ncols=1)
    return {'weights': figure}


def self_prediction(result):
    """The interneuron learns to predict the output, and the apical dendrite becomes silent."""
    a, p = result.arrays, result.description['parameters']
    figure, ((above,), (below,)) = new_figure(2, 1, 8, 6, sharex=True)
    apical = np.abs(a['selfpred.apical'])
    time = p['dt']*(1 + np.arange(len(apical)))
    above.plot(time, a['selfpred.output'], color=BLUE, label='output')
    above.plot(time, a['selfpred.inter'], '--', color=ORANGE, label='interneuron')
    above.set(ylabel='potential (no unit)')
    above.legend(ncols=2, loc='lower right')
    n = a['selfpred_order'].size
    means = apical.reshape(n, -1).mean(axis=1)
    below.plot(time, apical, color=_GREY, linewidth=0.8, label='in every step')
    below.stairs(means, p['t_pattern']*np.arange(n + 1), baseline=None, color=BLACK, linewidth=2,
                 label='mean of a presentation')
    below.set(xlabel='time (ms)', ylabel='absolute apical\npotential (no unit)', yscale='log')
    positive = apical[apical > 0]
    if len(positive):
        below.set_ylim(bottom=max(positive.min(), 1e-3*means.min()))
    below.legend(loc='upper right')
    figure.suptitle('self-prediction: no targets, inputs change every '
                    f"{p['t_pattern']:g} ms", x=0.01, ha='left')
    return {'self-prediction': figure}


def error(result):
    """Mean squared error of the outputs in validation, after every epoch."""
    values = result.arrays['error']
    figure, ((axes,),) = new_figure()
    axes.plot(1 + np.arange(len(values)), values, color=BLUE)
    p = result.description['parameters']
    axes.set(xlabel='epoch', ylabel='validation error (mean square)', yscale='log',
             title=f"mimic, {p['t_pattern']:g} ms per pattern, seed {result.description['seed']}")
    return {'error': figure}


def outputs(result):
    """Output potentials before and after training beside those of the teacher."""
    a, p = result.arrays, result.description['parameters']
    figure, ((left, right),) = new_figure(1, 2, 10, 3.6, sharex=True)
    targets = a['targets'][a['evaluated']]
    edges = p['t_pattern']*np.arange(len(targets) + 1)
    for axes, when, title in ((left, 'before', 'before training'),
                              (right, 'after', 'after training (enlarged)')):
        output = a[f'{when}.output']
        axes.plot(p['dt']*(1 + np.arange(len(output))), output, color=BLUE, label='output')
        axes.stairs(targets, edges, baseline=None, color=BLACK, linestyle='--', linewidth=1.5,
                    label='teacher')
        axes.set(xlabel='time (ms)', title=title)
        shown = np.concatenate([output[3:], targets])  # the circuit is silent at first
        margin = 0.08*np.ptp(shown)
        axes.set_ylim(shown.min() - margin, shown.max() + margin)
    left.set_ylabel('potential (no unit)')
    left.legend(loc='center right')
    return {'outputs': figure}
