"""One compiled network of plain Brian2: many runs of it, and two that go on from the same moment.

A random network of spiking neurons with noise and synaptic delays is compiled once. Above, it runs
with inhibition of seven strengths, each with three seeds of the noise. Below, a run is stored after
100 ms, with the spikes that are on their way and the random numbers. It goes on from there twice,
once with one neuron moved to its threshold: with the same noise, what differs between the two comes
of that one spike.

The experiment below is after London et al. (2010), Nature 466, 123-127.
"""

import matplotlib
import numpy as np
from brian2 import Network, NeuronGroup, SpikeMonitor, Synapses, defaultclock, ms, mV, seed, volt

from brian_le.programs import build_program
from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, STYLE, new_figure

N, EXCITATORY = 250, 200


def compose():
    """The network, with the values that it has unless a run is given others."""
    defaultclock.dt = 0.1*ms
    seed(1)
    neurons = NeuronGroup(N, '''
        dv/dt = (drive - v)/tau + noise*xi*sqrt(2/tau) : volt (unless refractory)
        tau : second (shared)
        noise : volt (shared)
        drive : volt (shared)''', threshold='v > 20*mV', reset='v = 10*mV',
                          refractory=2*ms, method='euler', name='neurons')
    neurons.tau, neurons.noise, neurons.drive = 20*ms, 2*mV, 21*mV
    neurons.v = '20*mV*rand()'
    projections = []
    for name, source, w in (('excite', neurons[:EXCITATORY], 0.3*mV),
                            ('inhibit', neurons[EXCITATORY:], -1.5*mV)):
        synapses = Synapses(source, neurons, 'w : volt (shared)', on_pre='v_post += w', name=name)
        synapses.connect(p=0.2)
        synapses.w, synapses.delay = w, '0.5*ms + 2*ms*rand()'
        projections.append(synapses)
    return Network(neurons, *projections, SpikeMonitor(neurons, name='spikes'))


program = build_program(compose)

strengths = np.arange(0.5, 3.6, 0.5)*mV
rates = np.array([[len(program({'inhibit.w': -strength}, 200*ms, seed=n)['spikes.t'])/(N*0.2)
                   for strength in strengths] for n in range(3)])

stored = program({}, 100*ms)
v = stored['neurons.v']*volt  # a program returns base units
v[0] = 20.1*mV
plain = program({}, 100*ms, state=stored)
moved = program({'neurons.v': v}, 100*ms, state=stored)

with matplotlib.rc_context(STYLE):
    figure, axes = new_figure(2, 1, 8, 7)
    above, below = axes[:, 0]
    for run in rates:
        above.plot(strengths/mV, run, 'o', color=BLUE, markersize=4, alpha=0.6)
    above.plot(strengths/mV, rates.mean(axis=0), color=BLUE)
    above.set(xlabel='strength of inhibition (mV)', ylabel='rate (Hz)', ylim=(0, None))
    above.set_title('many runs: 21 of one binary', loc='left')
    for end, mark, colour, label in ((plain, 'o', BLACK, 'as it goes on'),
                                     (moved, 'o', ORANGE, 'with one spike more')):
        hollow = {'markerfacecolor': 'none'} if end is moved else {}
        below.plot(end['spikes.t']*1e3, end['spikes.i'], mark, color=colour, label=label,
                   markersize=4 if end is moved else 1.5, markeredgewidth=0.8, **hollow)
    below.axvline(100, color=BLACK, linewidth=0.8)
    below.set(xlabel='time (ms)', ylabel='neuron', xlim=(80, 200), ylim=(-5, N))
    below.set_title('two runs from one stored state', loc='left')
    below.legend(ncols=2, loc='lower right', bbox_to_anchor=(1, 1))
    figure.savefig('many_runs.png')

print(f'{rates.size} runs: from {rates.mean(axis=0)[0]:.0f} to {rates.mean(axis=0)[-1]:.0f} Hz')
for start, stop in ((0, 0.1), (0.1, 0.11), (0.15, 0.2)):
    one, two = ({(i, t) for i, t in zip(end['spikes.i'], end['spikes.t']) if start <= t < stop}
                for end in (plain, moved))
    print(f'{start*1e3:.0f} to {stop*1e3:.0f} ms: {len(one & two)} of {len(one)} spikes the same')
