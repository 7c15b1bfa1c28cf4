"""Figures of the bars task."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, new_figure
from brian_le.protocols.tasks.bars.task import LABELS, N_OUTPUTS, circuits_in

__all__ = ['learning', 'potentials']

_CURVES = {'le': (BLUE, '-'), 'original': (ORANGE, '--')}
_BASAL = dict(linestyle='--', color=ORANGE, linewidth=1.2)
_WINDOW = 25  # epochs in the running mean of the accuracy


def learning(result):
    """Error and accuracy in validation after every epoch, for each circuit."""
    error, ((axes,),) = new_figure()
    for name in circuits_in(result):
        values, (colour, line) = result.arrays[f'{name}.error'], _CURVES[name]
        axes.plot(1 + np.arange(len(values)), values, line, color=colour, label=LABELS[name])
    axes.set(xlabel='epoch', ylabel='validation error (mean square)', yscale='log',
             title=_title(result))
    axes.legend()

    accuracy, ((axes,),) = new_figure()
    for name in circuits_in(result):
        values, (colour, line) = result.arrays[f'{name}.accuracy'], _CURVES[name]
        epochs = 1 + np.arange(len(values))
        axes.plot(epochs, 100*values, '.', color=colour, markersize=2, alpha=0.35)
        window = min(_WINDOW, len(values))
        mean = np.convolve(values, np.ones(window)/window, mode='valid')
        axes.plot(epochs[window - 1:], 100*mean, line, color=colour, label=LABELS[name])
    axes.axhline(100*3/8, color=BLACK, linewidth=1, linestyle=':', zorder=0,
                 label='always the same class')
    axes.set(xlabel='epoch', ylabel='validation accuracy (%)', ylim=(0, 104),
             title=f'{_title(result)}, running mean of {window} epochs')
    axes.legend(loc='center right', bbox_to_anchor=(1, 0.62), frameon=True, framealpha=1,
                edgecolor='none')
    return {'error': error, 'accuracy': accuracy}


def potentials(result):
    """Potentials of the outputs and of a few hidden neurons before and after learning.

    Every pattern is shown once, without nudging and learning: outputs have to reach the target
    by themselves, and the apical dendrites of a self-predicting circuit are silent.
    """
    return {f'potentials-{name}': _potentials(result, name) for name in circuits_in(result)}


def _potentials(result, name):
    arrays, parameters = result.arrays, result.description['parameters']
    visible = 'u_prosp' if f'{name}.before_output_u_prosp' in arrays else 'u'
    steps, n_hidden = arrays[f'{name}.before_hidden_u'].shape
    time = parameters['dt']*(1 + np.arange(steps))
    n_steps = steps//len(arrays['traced'])
    target = np.repeat(arrays['targets'][arrays['traced']], n_steps, axis=0)
    n_hidden = min(2, n_hidden)
    figure, axes = new_figure(N_OUTPUTS + n_hidden, 2, 10, 9.5, sharex=True, sharey='row')
    soma = 'soma (look-ahead)' if visible == 'u_prosp' else 'soma'
    for column, when in enumerate(('before', 'after')):
        trace = {key: arrays[f'{name}.{when}_{key}'] for key in (
            f'output_{visible}', 'output_v_bas', 'hidden_u', 'hidden_v_bas', 'hidden_v_api')}
        for k, ax in enumerate(axes[:N_OUTPUTS, column]):
            ax.plot(time, target[:, k], ':', color=BLACK, linewidth=1.2, label='target', zorder=3)
            ax.plot(time, trace[f'output_{visible}'][:, k], color=BLUE, label=soma)
            ax.plot(time, trace['output_v_bas'][:, k], label='basal', **_BASAL)
        for k, ax in enumerate(axes[N_OUTPUTS:, column]):
            ax.plot(time, trace['hidden_u'][:, k], color=BLUE, label='soma')
            ax.plot(time, trace['hidden_v_bas'][:, k], label='basal', **_BASAL)
            ax.plot(time, trace['hidden_v_api'][:, k], '-.', color='#555555', linewidth=1.2,
                    label='apical')
        axes[0, column].set_title(f'{when} learning')
        axes[-1, column].set_xlabel('time (ms)')
    classes = ('horizontal', 'vertical', 'diagonal')
    for k in range(N_OUTPUTS):
        axes[k, 0].set_ylabel(f'output {k + 1}\n({classes[k]})')
    for k in range(n_hidden):
        axes[N_OUTPUTS + k, 0].set_ylabel(f'hidden {k + 1}')
    axes[0, 1].legend(ncols=3, loc='lower right', bbox_to_anchor=(1, 1.12))
    axes[N_OUTPUTS, 1].legend(ncols=3, loc='lower right', bbox_to_anchor=(1, 0.98))
    figure.suptitle(f'{LABELS[name]}: potentials (dimensionless), not nudged', x=0.01,
                    ha='left')
    return figure


def _title(result):
    t_pattern = result.description['parameters']['t_pattern']
    return f"bars, {t_pattern:g} ms per pattern, seed {result.description['seed']}"
