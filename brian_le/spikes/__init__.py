"""Spikes on the wires: encoders turn rates into spikes, and traces of these stand for the rates.

A neuron of `brian_le.neurons` has a rate ``r``. An encoder adds what makes spikes of it, a
threshold and a reset, and the synaptic ``trace`` of these spikes, which is the rate again but for
a ripple.
"""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'encoders': ['Encoder', 'adaptive_threshold', 'integrate_and_fire', 'leaky_integrate_and_fire',
                 'poisson_spikes'],
})
