"""A circuit of one's own on an imperfect substrate.

A hundred slow neurons look ahead and send a sine to one readout, which averages them. Each run
gives them another imperfection. `Substrate` creates neurons and projections out of equations that
know nothing of it; with neurons that differ, the average is still good, and noise is averaged away
as well, but neurons that are dead or stuck all pull into the same direction.
"""

import numpy as np
from brian2 import Network, StateMonitor, ms, prefs, start_scope

from brian_le.substrate import (ActivationMismatch, Dead, Drift, Mismatch, Noise, Stuck,
                                Substrate)

prefs.codegen.target = 'numpy'

CELL = '''
du/dt = (I - u)/tau_m        : 1
I = sin(2*pi*t/(50*ms))      : 1
u_prosp                      : 1
tau_m                        : second (constant)
tau_r                        : second (constant)
r                            : 1
r_now = tanh(u_prosp)        : 1
'''
READOUT = '''
dv/dt = (mean - v)/(0.1*ms)  : 1
mean                         : 1
'''
WAY = '''
mean_post = w*r_pre/N_pre    : 1 (summed)
w                            : 1
'''


def error(*imperfections):
    """How far the readout is from the rates that all neurons should have, in the second period."""
    start_scope()
    substrate = Substrate(imperfections, seed=1)
    cells = substrate.neurons(100, CELL, name='cells', method='prospective_euler')
    target = substrate.neurons(1, READOUT, name='readout', method='prospective_euler')
    way = substrate.project(cells, target, WAY, name='way')
    cells.tau_m, cells.tau_r, way.w = 10*ms, 10*ms, 1
    substrate.settle()
    monitor = StateMonitor(target, 'v', record=True)
    Network(cells, target, way, monitor).run(100*ms, namespace={})
    second = monitor.t >= 50*ms
    meant = np.tanh(np.sin(2*np.pi*monitor.t[second]/(50*ms)))
    return np.sqrt(np.mean((monitor.v[0][second] - meant)**2))


for name, wrong in {
        'nothing': (),
        'time constants differ by 20 %': [Mismatch(('tau_m', 'tau_r'), 0.2)],
        'activations differ': [ActivationMismatch(slope=0.2, offset=0.2)],
        'noise of 0.2 on all rates': [Noise('r', 0.2)],
        'weights differ by 20 % and fade': [Mismatch('w', 0.2), Drift('w', -1/(1000*ms))],
        'a fifth of the neurons is dead': [Dead(0.2)],
        'a fifth is stuck': [Stuck(0.2, at=1)],
        'a fifth of the synapses is dead': [Dead(0.2, variables='w')],
        'all of it': [Mismatch(('tau_m', 'tau_r'), 0.2), ActivationMismatch(0.2, 0.2),
                      Noise('r', 0.2), Drift('w', -1/(1000*ms)), Dead(0.2)]}.items():
    print(f'{name:32s} root mean square error {error(*wrong):.3f}')
