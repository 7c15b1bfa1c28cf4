"""A convolution whose kernel learns from another one.

A teacher filters random images; a student with the same layout learns its kernel online, by the
product of the error of every output and the rate of every input, summed over all positions.
"""

import numpy as np
from brian2 import Network, NeuronGroup, defaultclock, ms, prefs, seed

from brian_le import ConvSynapses, conv_shape

prefs.codegen.target = 'numpy'
defaultclock.dt = 1*ms
shape = (12, 12, 1)                                  # rows, columns, channels
output_shape = conv_shape(shape, kernel=3, channels=2, padding=1)

image = NeuronGroup(np.prod(shape), 'r : 1')
output = NeuronGroup(np.prod(output_shape), '''taught : 1
                                               learnt : 1
                                               err = taught - learnt : 1''')
layout = dict(input_shape=shape, kernel=3, padding=1)
teacher = ConvSynapses(image, output, '''taught_post = w*r_pre : 1 (summed)
                                         w : 1''', **layout)
student = ConvSynapses(image, output, '''
    learnt_post = w*r_pre : 1 (summed)
    dw/dt = 0.002*err_post*r_pre/ms : 1 (clock-driven)''', method='euler', order=1, **layout)
teacher.connect()
student.connect()
teacher.matrix('w')[:] = [[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]],   # two edge filters,
                          [[[-1, -2, -1], [0, 0, 0], [1, 2, 1]]]]   # [output, input, y, x]

image.run_regularly('r = randn()')                   # another image in every step
network = Network(image, output, teacher, student)
seed(1)
for _ in range(3):
    network.run(20*ms)
    difference = student.matrix('w')[:] - teacher.matrix('w')[:]
    print(f'after {network.t/ms:.0f} images the kernels differ by {abs(difference).max():.5f}')
print(student.matrix('w')[0, 0].round(2))
