"""A mini-batch as replicas of a population that share their weights.

Sixteen replicas of a small network see sixteen samples at once. The weights follow the mean of
what all of them would change, through an optimiser (Adam) that is written as equations: the
subexpression ``w_grad`` is averaged before it is squared. The biases of the neurons exist once as
well.
"""

import numpy as np
from brian2 import Network, ms, prefs, defaultclock

from brian_le import DenseSynapses, ReplicatedGroup, SharedParameters

prefs.codegen.target = 'numpy'
defaultclock.dt = 1*ms
rng = np.random.default_rng(1)
replicas, n_classes = 16, 3
centres = rng.normal(size=(n_classes, 8))

inputs = ReplicatedGroup(8, 'r : 1', replicas=replicas, name='inputs')
outputs = ReplicatedGroup(n_classes, '''du/dt = (I + b - u)/(2*ms) : 1
                                        err = target - 1/(1 + exp(-u)) : 1
                                        I : 1
                                        b : 1
                                        target : 1''', replicas=replicas, method='euler',
                          name='outputs')
adam = '''dm_{0}/dt = ({0}_grad - m_{0})/(10*ms) : 1 (clock-driven)
          ds_{0}/dt = ({0}_grad**2 - s_{0})/(100*ms) : 1 (clock-driven)
          d{0}/dt = 0.02*m_{0}/(sqrt(s_{0}) + 1e-3)/ms : 1 (clock-driven)
          '''
forward = DenseSynapses(inputs, outputs, adam.format('w') + '''
    w_grad = err_post*r_pre : 1
    I_post = w*r_pre : 1 (summed)''', method='euler', order=1, name='forward')
forward.connect()
bias = SharedParameters(outputs, adam.format('bias') + '''
    bias_grad = err_post : 1
    b_post = bias : 1 (summed)''', method='euler', order=1, name='biases')
network = Network(inputs, outputs, forward, bias)


def show(classes):
    """Set the inputs to samples of these classes; one for each replica."""
    samples = centres[classes] + 0.7*rng.normal(size=(replicas, 8))
    inputs.by_replica('r')[:] = samples
    outputs.by_replica('target')[:] = np.eye(n_classes)[classes]


for batch in range(30):
    classes = rng.integers(n_classes, size=replicas)
    show(classes)
    network.run(10*ms)
    if batch % 10 == 9:
        right = outputs.by_replica('u')[:].argmax(axis=1) == classes
        print(f'batch {batch + 1}: {right.mean():.0%} of the samples are classified')
print('weights [post, pre]:', forward.matrix('w').shape, ' biases:', bias.bias[:].round(2))
