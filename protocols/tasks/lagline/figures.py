"""Figures of the chain that learns weights and time constants."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, PURPLE, new_figure
from brian_le.protocols.tasks.lagline.setting import LABELS, PERIOD, STUDENTS, TEACHER
from brian_le.protocols.tasks.lagline.task import names_in

__all__ = ['signals', 'parameters', 'losses']

_LINES = {'gle': (BLUE, '-'), 'instantaneous': (ORANGE, '--'), 'bptt4': (GREEN, '-.'),
          'bptt2': (PURPLE, (0, (5, 1))), 'bptt1': ('#56B4E9', ':')}
_SHOWN = 8.0  # ms in one panel


def signals(result):
    """Rates and errors before learning, with the teacher's time constants and own ones, and after.
    """
    arrays, t_init = result.arrays, result.description['parameters']['t_init']
    students = [name for name in STUDENTS if f'{name}.r0' in arrays]
    end = arrays['time'][-1] + arrays['time'][1]
    windows = {"before, time constants of the teacher": t_init/2,
               'before, own time constants': t_init, 'after learning': end}
    figure, axes = new_figure(4, 3, 12, 9, sharex='col', sharey='row')
    for column, (title, until) in enumerate(windows.items()):
        shown = (arrays['time'] >= until - _SHOWN - 1e-6) & (arrays['time'] < until - 1e-6)
        time = arrays['time'][shown]
        for k in (0, 1):
            axes[k, column].plot(time, arrays[f'teacher.r{k}'][shown], color=BLACK, linewidth=3,
                                 alpha=0.35, label='teacher')
        for name, row, key in ((name, 2*(what == 'err') + k, f'{name}.{what}{k}')
                               for name in students for what in ('r', 'err') for k in (0, 1)):
            color, style = _LINES[name]
            axes[row, column].plot(time, arrays[key][shown], style, color=color, linewidth=1.4,
                                   label=LABELS[name])
        axes[0, column].set_title(title, loc='left')
        axes[3, column].set(xlabel='time (ms)')
        axes[3, column].locator_params(axis='x', nbins=4)
    for row, label in enumerate(('rate of neuron 0', 'rate of neuron 1', 'error of neuron 0',
                                 'error of neuron 1')):
        axes[row, 0].set(ylabel=label)
    for ax in axes[2:].ravel():
        ax.set_yscale('symlog', linthresh=1e-4)
        ax.set_yticks([-1e-2, -1e-4, 0, 1e-4, 1e-2])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=3, loc='outside upper right')
    return {'signals': figure}


def parameters(result):
    """Weights and time constants over time, with those of the teacher."""
    arrays, t_init = result.arrays, result.description['parameters']['t_init']
    figure, axes = new_figure(2, 2, 11, 6.5, sharex=True)
    for row, (kind, values, label) in enumerate((
            ('forward', TEACHER['forward'], 'weight'),
            ('tau_m', TEACHER['tau_m'], 'tau_m (ms)'))):
        for k, value in enumerate(values):
            ax = axes[row, k]
            ax.axhline(value, color=BLACK, linewidth=1, label='teacher')
            for name in names_in(arrays):
                color, style = _LINES[name]
                ax.plot(*since_learning(arrays, name, f'{kind}{k}', t_init), linestyle=style,
                        color=color, label=LABELS[name])
            ax.set(xscale='log', ylabel=f'{label} of neuron {k}')
    for ax in axes[1]:
        ax.set(xlabel='time of learning (ms)')
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=3, loc='outside upper center')
    return {'parameters': figure}


def losses(result):
    """Mean squared error of every period of the input."""
    figure, ((ax,),) = new_figure(width=7.5, height=4.6)
    for name in names_in(result.arrays):
        loss = result.arrays[f'{name}.loss']
        color, style = _LINES[name]
        ax.plot(PERIOD*(np.arange(len(loss)) + 1), loss, linestyle=style, color=color,
                label=LABELS[name])
    ax.set(xscale='log', yscale='log', xlabel='time of learning (ms)',
           ylabel='mean squared error of a period')
    ax.legend(loc='lower left')
    return {'loss': figure}


def since_learning(arrays, name, key, t_init):
    """Times of learning and values of a parameter, from the first change on."""
    values = arrays[f'{name}.{key}']
    if name in STUDENTS:
        first, interval = round(t_init/PERIOD*2), PERIOD/2
    else:
        first, interval = 0, PERIOD
    values = values[first + 1:]
    return interval*(np.arange(len(values)) + 1), values
