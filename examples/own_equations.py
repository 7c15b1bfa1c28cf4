"""The prospective Euler step for equations of one's own.

``method='prospective_euler'`` goes by names in the equations: a parameter ``v_prosp`` is the
look-ahead of ``v`` by the time ``tau_r``, and a parameter ``y`` with a subexpression ``y_now`` is
published at the end of every step. Here a second-order neuron looks ahead of its slow membrane,
and its rate is compared with that of a twin that does not.
"""

import numpy as np
from brian2 import Equations, NeuronGroup, Network, StateMonitor, Hz, ms, prefs

from brian_le import prospective_euler

prefs.codegen.target = 'numpy'

equations = Equations('''
dv/dt = (I_syn - v)/tau_m        : volt
dI_syn/dt = (drive - I_syn)/tau_s : volt
drive = 10*mV*int(t > 20*ms)     : volt
v_prosp                          : volt
r                                : Hz
r_now = 5*Hz/mV*clip(v_prosp/mV, 0, inf)*mV : Hz
tau_m = 20*ms                    : second
tau_s = 2*ms                     : second
tau_r                            : second (constant)
''')
print(prospective_euler(equations))

neurons = NeuronGroup(2, equations, method='prospective_euler')
neurons.tau_r = [0, 20]*ms
monitor = StateMonitor(neurons, 'r', record=True)
Network(neurons, monitor).run(100*ms)
for name, rate in zip(('without', 'with'), monitor.r):
    latency = monitor.t[np.argmax(rate > 25*Hz)] - 20*ms
    print(f'{name} look-ahead half of the final rate is reached after {latency}')
