"""Rates as spikes: two slow neurons with look-ahead, of which one hears the other's spikes.

The first neuron follows a wave. What it sends are spikes; the second one reads their trace. With a
prospective encoder the second neuron follows the wave at once, with a plain one later by the time
constant of the trace.
"""

import matplotlib
import numpy as np
from brian2 import Hz, Network, NeuronGroup, SpikeMonitor, StateMonitor, defaultclock, ms, prefs

from brian_le import point_neuron, project
from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, STYLE, new_figure
from brian_le.spikes import integrate_and_fire

prefs.codegen.target = 'numpy'  # two neurons: nothing to compile
defaultclock.dt = 0.1*ms

matplotlib.rcParams.update(STYLE)
figure, ((rates,), (raster,)) = new_figure(2, 1, height=5, sharex=True, height_ratios=(3, 1))
for prospective, colour, style in ((True, BLUE, '-'), (False, ORANGE, '--')):
    encoder = integrate_and_fire(r_scale=1000*Hz, tau_s=5*ms, prospective=prospective)
    first = NeuronGroup(1, point_neuron('logistic', tau_m=20*ms, inputs=('wave',))
                        + encoder.equations, method='prospective_euler', **encoder.events())
    first.run_regularly('wave = 2*sin(2*pi*t/(60*ms))', when='start')
    second = NeuronGroup(1, point_neuron('linear', tau_m=20*ms, inputs=('v_in',)),
                         method='prospective_euler')
    heard = project(first, second, '''w : 1
                                      v_in_post = w*trace_pre : 1 (summed)''',
                    name='heard')
    heard.w = 1
    rate = StateMonitor(first, 'r', record=0)
    answer = StateMonitor(second, 'r', record=0)
    spikes = SpikeMonitor(first)
    Network(first, second, heard, rate, answer, spikes).run(150*ms)
    off = np.abs(answer.r[0] - rate.r[0])[300:]
    kind = 'prospective' if prospective else 'plain'
    print(f'{kind}: {spikes.num_spikes} spikes, off by {off.mean():.3f} on average')
    rates.plot(answer.t/ms, answer.r[0], style, color=colour, linewidth=1.2, label=f'heard, {kind}')
    raster.eventplot(spikes.t/ms, lineoffsets=int(prospective), linelengths=0.8, color=colour)
rates.plot(rate.t/ms, rate.r[0], ':', color=BLACK, label='sent')
rates.set(ylabel='rate (no unit)', title='A prospective encoder cancels the delay of the trace')
figure.legend(*rates.get_legend_handles_labels(), ncols=3, loc='outside lower center')
raster.set(xlabel='time (ms)', yticks=[0, 1], yticklabels=['plain', 'prospective'], ylabel='spikes')
figure.savefig('spikes-on-the-wire.png')
