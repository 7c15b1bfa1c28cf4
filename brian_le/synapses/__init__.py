"""Synapses that are computed by nested loops, between populations of any layout."""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'dense': ['DenseSynapses'],
    'planes': ['ConvSynapses', 'PoolSynapses'],
    'shared': ['SharedParameters'],
    'replicas': ['ReplicatedGroup', 'by_replica'],
    'projections': ['project'],
    'layouts': ['neuron_index', 'neuron_position'],
    'shapes': ['conv_shape', 'pool_shape'],
    'views': ['ArrayView', 'weight_matrix'],
})
