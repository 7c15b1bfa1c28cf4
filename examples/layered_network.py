"""A layered network of slow neurons learns XOR, and answers within a few time steps.

Four replicas of a 2-8-2 network see the four patterns, one each, and share their weights. The
membranes have a time constant of 20 ms; because neurons send out their look-ahead, an output
follows a new input after one time step per layer.
"""

import numpy as np
from brian2 import Network, StateMonitor, defaultclock, ms, prefs

from brian_le.models import Dense, LayeredNetwork, initial_weights

prefs.codegen.target = 'numpy'  # a small network: nothing to compile
defaultclock.dt = 0.1*ms

patterns = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
classes = patterns.sum(axis=1) % 2

layers = [Dense(8), Dense(2)]
net = LayeredNetwork(2, layers, replicas=4, loss='cross_entropy', eta=4/ms, tau_m=20*ms)
net.weights.update(initial_weights(2, layers, np.random.default_rng(3)))
net.inputs.by_replica('r')[:] = patterns
net.output.by_replica('target')[:] = np.eye(2)[classes]

network = Network(net)
network.run(100*ms)  # learning, all the time

net.schedule.learning = net.schedule.nudged = 0
network.run(1*ms)
found = net.output.by_replica('r')[:].argmax(axis=1)
print('classes', classes, 'found', found)

monitor = StateMonitor(net.output, 'r', record=True)
network.add(monitor)
network.run(1*ms)
new = [1, 0, 3, 2]
net.inputs.by_replica('r')[:] = patterns[new]
network.run(1*ms)
correct = [np.array_equal(r.reshape(4, 2).argmax(axis=1), classes[new])
           for r in monitor.r.T[10:]]
print('classes', classes[new], 'found after', np.argmax(correct), 'time steps')
