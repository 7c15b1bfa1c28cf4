"""A cortical microcircuit out of plain Brian2 objects.

Four populations and six projections: an input, a hidden layer of pyramidal neurons with one
interneuron for every output, and outputs that are nudged towards a target. The apical dendrites
of the hidden neurons compare what comes down from the outputs with what the interneurons
predict; the difference is the error that the hidden layer learns from.

`brian_le.models.Microcircuit` makes the same circuit, with any number of layers, in one line.
"""

import numpy as np
from brian2 import Network, NeuronGroup, StateMonitor, Synapses, ms, prefs, seed

from brian_le import (apical_silencing, dendritic_prediction, fixed_weights, interneuron,
                      one_to_one, pyramidal)

prefs.codegen.target = 'numpy'
seed(1)

options = dict(method='prospective_euler')
inputs = NeuronGroup(4, 'r : 1\nr_sent = r : 1')
hidden = NeuronGroup(8, pyramidal(), **options)
inter = NeuronGroup(2, interneuron(), **options)
output = NeuronGroup(2, pyramidal(apical=(), nudging='parameter'), **options)

learn = dict(**options, order=1)  # after the neurons have stepped
projections = [
    Synapses(inputs, hidden, dendritic_prediction('v_up', eta=0.2/ms), **learn),
    Synapses(hidden, output, dendritic_prediction('v_up', eta=0.05/ms), **learn),
    Synapses(hidden, inter, dendritic_prediction('v_ip', eta=0.05/ms), **learn),
    Synapses(inter, hidden, apical_silencing('v_pi', eta=0.05/ms), **learn),
    Synapses(output, hidden, fixed_weights('v_down'))]
for projection in projections:
    projection.connect()
    projection.w = '2*rand() - 1'
nudge = Synapses(output, inter, one_to_one('u_nudge'))
nudge.connect(j='i')

inputs.r = [1, 0, 0.5, 0]
output.u_nudge, output.nudged = [1.0, 0.1], 1
monitor = StateMonitor(output, ['u_prosp', 'v_bas'], record=True)
net = Network(inputs, hidden, inter, output, projections, nudge, monitor)
net.run(100*ms)

output.nudged = 0  # now by itself
net.run(5*ms)
print('target       ', [1.0, 0.1])
print('before, after', np.round(0.1/0.13*monitor.v_bas[:, 5], 2), np.round(output.u_prosp, 2))
