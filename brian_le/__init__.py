"""(Generalized) Latent Equilibrium for Brian2: neurons, dendrites, plasticity as equations.

``brian_le`` has the equations and the state updater ``'prospective_euler'``,
``brian_le.models`` the circuits made of them, ``brian_le.protocols`` the studies, which the
command ``brian-le`` runs.
"""

from brian_le import _lazy

__version__ = '0.1.0'

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'activations': ['ACTIVATIONS', 'Activation', 'get_activation'],
    'fast': ['fast_cpp'],
    'integration': ['ProspectiveEuler', 'prospective_euler'],
    'neurons': ['interneuron', 'point_neuron', 'pyramidal', 'stimulus'],
    'layer_neurons': ['hidden_neuron', 'output_neuron', 'softmax'],
    'dendrites': ['coupling_learning', 'dendritic_output', 'dendritic_tree'],
    'trees': ['Compartment', 'ordered_tree'],
    'gle_neurons': ['error_neuron', 'gle_neuron', 'gle_output', 'representation_neuron'],
    'operators': ['prospective', 'retrospective'],
    'optimisers': ['Adam', 'SGD'],
    'plasticity': ['apical_silencing', 'dendritic_prediction', 'fixed_weights', 'one_to_one'],
    'alignment_learning': ['high_passed_rate', 'phaseless_alignment'],
    'error_plasticity': ['bias_learning', 'error_feedback', 'error_learning', 'lookahead_learning',
                         'membrane_learning', 'time_constant_matching'],
    'layouts': ['neuron_index', 'neuron_position'],
    'projections': ['project'],
    'planes': ['ConvSynapses', 'PoolSynapses'],
    'replicas': ['ReplicatedGroup', 'by_replica'],
    'shapes': ['conv_shape', 'pool_shape'],
    'shared': ['SharedParameters'],
    'synapses': ['DenseSynapses'],
    'views': ['ArrayView', 'weight_matrix'],
})
_lazy.when_imported('brian2', 'brian_le.integration')
_lazy.when_imported('brian2', 'brian_le.interrupts')
