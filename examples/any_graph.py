"""A network that is no chain learns XOR: a skip, a lateral loop with Dale's law, a residual stream.

Four replicas see the four patterns, one each. Neurons of ``h`` excite or inhibit each other, and
learning keeps which; every population reads what it needs directly. The loop of ``h`` takes some
steps to relax; its spectral radius is kept below 0.8 while the network learns, by a look at it
every few milliseconds.
"""

import numpy as np
from brian2 import Network, defaultclock, ms, prefs

from brian_le.models import Edge, Graph, Identity, Node

prefs.codegen.target = 'numpy'  # a small network: nothing to compile
defaultclock.dt = 0.1*ms

patterns = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
classes = patterns.sum(axis=1) % 2
sign = [1, 1, 1, 1, 1, 1, -1, -1]
mask = 1 - np.eye(8)  # nobody projects to itself

net = Graph(inputs={'x': 2},
            nodes={'h': 8, 'k': 8, 'y': Node(2, target='rate')},
            edges=[('x', 'h'),
                   Edge('h', 'h', sign=sign, mask=mask),
                   ('h', 'k'), Identity('h', 'k'),
                   ('k', 'y'),
                   ('x', 'y')],
            replicas=4, loss='cross_entropy', eta=4/ms, tau_m=20*ms, rng=4)
net.inputs['x'].by_replica('r')[:] = patterns
net.outputs['y'].by_replica('target')[:] = np.eye(2)[classes]
print(net)

network = Network(net)
for _ in range(20):
    network.run(10*ms)  # learning, all the time
    net.weights.update(net.limited_weights(0.8))

net.schedule.learning = net.schedule.nudged = 0
network.run(5*ms)
found = net.outputs['y'].by_replica('r')[:].argmax(axis=1)
print('classes', classes, 'found', found)
print('spectral radius', round(net.spectral_radius(), 3))
print('signs are kept:', bool(np.all(net.weights['forward', 'h->h']*sign >= 0)))
