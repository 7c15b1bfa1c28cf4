"""A chain of cortical neurons learns to repeat its input later.

Representation neurons carry rates up, error neurons beside them carry errors down through synapses
of their own. The input is a mixture of sines with periods of 50, 80 and 100 ms, the target is what
the input was 3 ms ago. Slow neurons in the hidden layer let the chain remember.
"""

import numpy as np
from brian2 import Network, StateMonitor, TimedArray, defaultclock, ms, prefs

from brian_le.models import CorticalChain, Dense, by_group, initial_weights

prefs.codegen.target = 'numpy'  # a small network: nothing to compile
defaultclock.dt = 0.2*ms

times = np.arange(0, 400, 0.2)                       # in ms
phases = 2*np.pi*np.outer(times, [1/50, 1/80, 1/100])
signal = np.sin(phases).sum(axis=1)/3
delayed = np.roll(signal, round(3/0.2))              # both repeat themselves after 400 ms

layers = [Dense(12, tau_m=by_group((3, 1*ms), (3, 2*ms), (3, 5*ms), (3, 10*ms)), tau_r=1*ms),
          Dense(1, tau_m=1*ms, tau_r=1*ms)]
chain = CorticalChain(1, layers, eta=0.2/ms, beta=1, name='chain')
chain.weights.update(initial_weights(1, layers, np.random.default_rng(1)))
chain.mirror_weights()

for group, variable, values in ((chain.inputs, 'r', signal),
                                (chain.errors[-1], 'target', delayed)):
    group.namespace['shown'] = TimedArray(values, dt=defaultclock.dt)
    group.run_regularly(f'{variable} = shown(t % (400*ms))', when='groups', order=-2)

monitor = StateMonitor(chain.output, 'r', record=0)
network = Network(chain, monitor)
print(chain, end='\n\n')
print(f'the input itself has the mean squared error {np.mean((signal - delayed)**2):.5f}')
for _ in range(4):
    network.run(400*ms)                              # learning, all the time
    error = np.mean((monitor.r[0][-len(times):] - delayed)**2)
    print(f'{network.t/ms:.0f} ms: mean squared error {error:.5f}')
difference = chain.weights['feedback', 1] - chain.weights['forward', 1]
print('feedback and forward weights differ by', f'{np.abs(difference).max():.0e}')
