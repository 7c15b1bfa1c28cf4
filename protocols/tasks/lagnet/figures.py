"""Figures of errors as they happen beside the adjoint method."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, new_figure
from brian_le.protocols.tasks.lagnet.setting import TAU_M, TAU_R, TEACHER, WINDOW
from brian_le.protocols.tasks.lagnet.spectra import FREQUENCIES, continuous_ratio, discrete_ratio
from brian_le.protocols.tasks.lagnet.task import LABELS, NEURONS, names_in

__all__ = ['weights', 'spectra', 'signals']

_LINES = {'gle': (BLUE, '-'), 'adjoint': (ORANGE, '--')}


def weights(result):
    """The two weights of the students over time, and their errors."""
    arrays = result.arrays
    figure, (axes,) = new_figure(1, 3, 12, 4)
    for ax, (w,), neuron in zip(axes, TEACHER[0], NEURONS):
        ax.axhline(w, color=BLACK, linewidth=1, label='teacher')
        ax.set(ylabel=f'weight to the {neuron} neuron')
    axes[2].set(yscale='log', ylabel=f'mean squared error of {WINDOW:g} ms')
    for name in names_in(arrays):
        color, style = _LINES[name]
        time = WINDOW*(np.arange(len(arrays[f'{name}.loss'])) + 1)
        for ax, values in zip(axes, (*arrays[f'{name}.w'][1:].T, arrays[f'{name}.loss'])):
            ax.plot(time, values, style, color=color, label=LABELS[name])
    for ax in axes:
        ax.set(xscale='log', xlabel='time of learning (ms)')
    figure.legend(*axes[0].get_legend_handles_labels(), ncols=3, loc='outside upper center')
    return {'weights': figure}


def spectra(result):
    """Errors of GLE by adjoint variables: gains and phases of the upper hidden layer."""
    arrays, dt = result.arrays, result.description['parameters']['dt']
    w = np.linspace(0.3, 2.2, 200)
    figure, ((gain, phase),) = new_figure(1, 2, 11, 4.4)
    for i, (neuron, color, style) in enumerate(zip(NEURONS, (GREEN, BLUE), ('--', '-'))):
        taus = TAU_M[1][i], TAU_R[1][i]
        gain.plot(w, continuous_ratio(w, *taus), style, color=color,
                  label=f'{neuron} neuron, theory')
        phase.plot(w, np.angle(discrete_ratio(w, *taus, dt)), style, color=color, zorder=1 - i)
        for drive, marker, label in (('full', 'o', 'measured'), ('small', 'x', 'small input')):
            options = dict(color=color, markersize=8, fillstyle='none', markeredgewidth=1.6)
            gain.plot(FREQUENCIES, arrays[f'{drive}.gain'][i], marker, **options,
                      label=f'{neuron} neuron, {label}')
            phase.plot(FREQUENCIES, arrays[f'{drive}.phase'][i], marker, **options)
            phase.plot(FREQUENCIES, arrays[f'{drive}.phase'][i] + 2*dt*np.array(FREQUENCIES),
                       marker, **{**options, 'color': BLACK})
    phase.axhline(0, color=BLACK, linewidth=1)
    phase.annotate('the two steps taken out', (1.2, 0), (0, 5), ha='center',
                   textcoords='offset points', fontsize=11)
    phase.annotate('errors travel by one layer\nper step: two steps late', (0.35, -0.041),
                   color=BLUE, fontsize=11)
    gain.set(xlabel='angular frequency (rad/ms)', ylabel='gain: error / adjoint variable')
    phase.set(xlabel='angular frequency (rad/ms)', ylabel='phase of error / adjoint variable (rad)',
              ylim=(-0.055, 0.02))
    gain.legend(loc='upper left', fontsize=10)
    return {'spectra': figure}


def signals(result):
    """Errors and adjoint variables of the upper hidden layer, before and after learning."""
    arrays = result.arrays
    figure, axes = new_figure(2, 2, 11, 5.6, sharex='col')
    for column, (when, title) in enumerate((('before', 'before learning'),
                                            ('after', 'after learning'))):
        time = arrays[f'{when}.time'] - arrays[f'{when}.time'][0]
        for i, neuron in enumerate(NEURONS):
            for name in LABELS:
                color, style = _LINES[name]
                axes[i, column].plot(time, arrays[f'{when}.{name}'][:, i], style, color=color,
                                     label={'gle': 'error of GLE',
                                            'adjoint': 'adjoint variable'}[name])
            axes[i, 0].set(ylabel=f'{neuron} neuron')
        axes[0, column].set_title(title, loc='left')
        axes[1, column].set(xlabel='time (ms)')
    for ax in axes[:, 1]:
        ax.ticklabel_format(axis='y', scilimits=(0, 0))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=2, loc='outside upper right')
    return {'signals': figure}
