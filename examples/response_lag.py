"""Look-ahead removes the response lag of slow neurons.

A chain of ten neurons with membrane time constants of 10 ms sees an input that first changes
fast, then stays at one value and at another. Without look-ahead every neuron adds its own lag, and
the last one is never where the input says it should be (shaded). With a look-ahead of tau_r =
tau_m every neuron answers within one time step, although its membrane is as slow as before.

After Haider et al. (2021), Latent Equilibrium, Fig. 1 (arXiv 2110.14549).
"""

import matplotlib
import numpy as np
from brian2 import (Network, NeuronGroup, StateMonitor, Synapses, TimedArray, defaultclock, ms,
                    prefs)

from brian_le import point_neuron, stimulus
from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, STYLE, new_figure

prefs.codegen.target = 'numpy'  # a small network for a short time: nothing to compile
defaultclock.dt = 0.1*ms
DEPTH, DURATION = 10, 300*ms

time = np.arange(0, 300, 0.1)
wave = np.where(time < 100, 0.5 + 0.4*np.sin(2*np.pi*time/40), np.where(time < 200, 0.9, 0.2))
wave = TimedArray(wave, dt=0.1*ms)


def chain(tau_r):
    """Rates and membrane potentials of a chain with the given look-ahead."""
    source = NeuronGroup(1, stimulus('wave(t)', tau_0=0.1*ms), order=-2,
                         method='prospective_euler')
    neurons = NeuronGroup(DEPTH, point_neuron('linear', tau_m=10*ms, tau_r=tau_r,
                                              inputs=('v_in', 'v_below')),
                          method='prospective_euler')
    first = Synapses(source, neurons, 'v_in_post = r_pre : 1 (summed)')
    first.connect(i=0, j=0)
    others = Synapses(neurons, neurons, 'v_below_post = r_pre : 1 (summed)')
    others.connect(j='i + 1', skip_if_invalid=True)
    monitor = StateMonitor(neurons, ['r', 'u'], record=True, when='end')
    Network(source, neurons, first, others, monitor).run(DURATION)
    return monitor.r, monitor.u


with matplotlib.rc_context(STYLE):
    figure, axes = new_figure(2, 1, 8, 6, sharex=True, sharey=True)
    for ax, tau_r, title in ((axes[0, 0], 0*ms, 'without look-ahead'),
                             (axes[1, 0], None, 'with look-ahead, tau_r = tau_m')):
        rates, potentials = chain(tau_r)
        ideal = wave.values
        ax.fill_between(time, ideal, rates[-1], color='#CCCCCC', label='mismatch')
        ax.plot(time, potentials[-1], '--', color=ORANGE, label='membrane potential')
        ax.plot(time, rates[-1], color=BLUE, label='rate')
        ax.plot(time, ideal, ':', color=BLACK, label='rate without any delay')
        ax.set(ylabel='neuron 10 (no unit)')
        ax.set_title(title, loc='left')
        print(f'{title}: mean mismatch {np.mean(np.abs(rates[-1] - ideal)):.4f}')
    axes[1, 0].set_xlabel('time (ms)')
    axes[0, 0].legend(ncols=4, loc='lower right', bbox_to_anchor=(1, 1.08), fontsize=10)
    figure.savefig('response_lag.png')
