"""Membrane time constants that learn to match the look-ahead times.

Neurons that are made of imperfect parts have membrane time constants that differ by 20 % from what
their look-ahead compensates. Before they learn anything else, a local rule takes the difference
between the look-ahead and the inputs, which would be zero for a perfect match, and lets each time
constant follow it, while random inputs move the membranes.
"""

import matplotlib
import numpy as np
from brian2 import Network, StateMonitor, defaultclock, ms, prefs

from brian_le.models import Dense, LayeredNetwork, initial_weights

matplotlib.use('Agg')
from matplotlib import pyplot as plt  # noqa: E402

prefs.codegen.target = 'numpy'
defaultclock.dt = 0.1*ms
rng = np.random.default_rng(1)

tau_r = 10*ms
layers = [Dense(40, tau_m=tau_r*rng.normal(1, 0.2, 40).clip(0.4, 1.6)), Dense(2)]
net = LayeredNetwork(10, layers, eta_tau=100*ms, tau_m=tau_r, tau_r=tau_r)
net.weights.update(initial_weights(10, layers, rng))
net.schedule.nudged = 0  # no errors yet
net.inputs.run_regularly('r = rand()', dt=5*ms, when='groups', order=-2)

monitor = StateMonitor(net.neurons[0], 'tau_m', record=True, dt=1*ms)
Network(net, monitor).run(1000*ms)

mismatch = abs(monitor.tau_m/tau_r - 1).mean(axis=0)
print(f'mean mismatch: {mismatch[0]:.1%} before, {mismatch[-1]:.3%} after')

fig, ax = plt.subplots(figsize=(7, 4), constrained_layout=True)
ax.plot(monitor.t/ms, (monitor.tau_m/ms).T, color='#0072B2', linewidth=0.8)
ax.axhline(tau_r/ms, color='black', linestyle='--', label='look-ahead time')
ax.set(xlabel='time (ms)', ylabel='membrane time constant (ms)',
       title='Time constants learn to match')
ax.legend()
fig.savefig('match_time_constants.png')
