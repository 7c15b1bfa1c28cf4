"""An imperfect substrate: mismatch, noise, delays, coarse weights, faults, in vivo or on a chip.

An imperfection transforms the equations of neurons or synapses and gives the new variables their
values; a `Substrate` applies several of them, to the models of `brian_le.models` or to groups and
projections that it creates for you::

    substrate = Substrate([Mismatch('tau_m', 0.2), Noise('r', 0.1), Delay(1*ms)], seed=1)
    net = LayeredNetwork(64, [Dense(30), Dense(10)], substrate=substrate)
"""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'activation': ['ActivationMismatch'],
    'drift': ['Drift'],
    'faults': ['Dead', 'Stuck'],
    'imperfection': ['Imperfection'],
    'transmission': ['Delay', 'LowPass'],
    'mismatch': ['Mismatch'],
    'noise': ['Noise'],
    'randomness': ['normal_number', 'uniform_number'],
    'composition': ['Substrate'],
    'resolution': ['WeightRange', 'WeightResolution'],
    'update_noise': ['UpdateNoise'],
})
