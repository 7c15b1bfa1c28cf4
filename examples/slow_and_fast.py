"""A network with slow and fast neurons learns to answer to what has been.

The input is a stream of pulses, up or down. The output is to be the product of the present pulse
and the one before, which no neuron without memory can know. Ten hidden neurons are slow: their
rates look ahead by less than their membranes integrate, and so still show the pulse before. Ten are
fast. Errors travel down through error neurons, and weights learn in every step.
"""

import numpy as np
from brian2 import Network, StateMonitor, TimedArray, defaultclock, ms, prefs

from brian_le import Adam
from brian_le.models import Dense, GLENetwork, by_group, initial_weights

prefs.codegen.target = 'numpy'  # a small network: nothing to compile
step = defaultclock.dt = 0.2*ms
rng = np.random.default_rng(1)
pulse, replicas, pulses = 5, 20, 2000  # steps of a pulse, streams at once, pulses in each

# A stream of pulses for every replica, and the product of each with the one before
streams = rng.choice([-1.0, 1.0], size=(pulses, replicas))
products = streams*np.roll(streams, 1, axis=0)

layers = [Dense(20, tau_m=1*ms, tau_r=by_group((10, 0.2*ms), (10, 1*ms))), Dense(20), Dense(1)]
net = GLENetwork(1, layers, replicas=replicas, tau_m=1*ms, eta=0.0005/step, optimiser=Adam(),
                 beta=1.0)
net.weights.update(initial_weights(1, layers, rng))
for group, variable, values in ((net.inputs, 'r', streams), (net.output, 'target', products)):
    group.namespace['shown'] = TimedArray(values, dt=pulse*step)
    group.run_regularly(f'{variable} = shown(t, i)', dt=pulse*step, when='groups', order=-2)

answers = StateMonitor(net.output, 'r', record=True, dt=pulse*step)  # before each pulse begins
Network(net, answers).run(pulses*pulse*step)
right = np.sign(answers.r.T[1:]) == products[:-1]
for part in np.array_split(np.arange(len(right)), 6):
    print(f'pulses {part[0]:4} to {part[-1]:4}: {right[part].mean():.0%} of the products are right')
