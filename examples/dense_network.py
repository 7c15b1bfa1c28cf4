"""A recurrent rate network with Hebbian weights, as Brian2's synapses and as dense ones.

`DenseSynapses` takes the place of `Synapses` in a script: the same equations, names and numbers.
Here 400 neurons store a pattern in their recurrent weights (Oja's rule), and the time of both is
compared, on Brian2's numpy target.
"""

import time

import numpy as np
from brian2 import Network, NeuronGroup, Synapses, defaultclock, ms, prefs

from brian_le import DenseSynapses

prefs.codegen.target = 'numpy'
defaultclock.dt = 0.5*ms
N = 400
pattern = np.random.default_rng(1).choice([-1.0, 1.0], N)


def simulate(kind):
    """Learn the pattern for 100 ms; weights [post, pre] and the seconds it took."""
    neurons = NeuronGroup(N, '''dr/dt = (tanh(I + cue) - r)/(10*ms) : 1
                                I : 1
                                cue : 1''', method='euler')
    neurons.cue = pattern
    recurrent = kind(neurons, neurons, '''
        I_post = w*r_pre : 1 (summed)
        dw/dt = (r_post*r_pre/N_pre - r_post**2*w)/(50*ms) : 1 (clock-driven)
        ''', method='euler', order=1)  # after the neurons
    recurrent.connect()
    network = Network(neurons, recurrent)
    network.run(1*ms)  # generates the code
    start = time.perf_counter()
    network.run(100*ms)
    return np.asarray(recurrent.w).reshape(N, N).T, time.perf_counter() - start


stock, seconds_stock = simulate(Synapses)
dense, seconds_dense = simulate(DenseSynapses)
print(f'largest difference of the weights: {abs(dense - stock).max():.1e}')
print(f'overlap of the weights with the pattern: {pattern @ dense @ pattern/N:.2f}')
print(f'Synapses {seconds_stock:.2f} s, DenseSynapses {seconds_dense:.2f} s: '
      f'{seconds_stock/seconds_dense:.1f} times faster')
