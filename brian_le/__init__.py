"""(Generalized) Latent Equilibrium for Brian2: neurons, dendrites, plasticity as equations.

``brian_le`` has the equations and the state updater ``'prospective_euler'``,
``brian_le.models`` the circuits made of them, ``brian_le.protocols`` the studies, which the
command ``brian-le`` runs.
"""

from brian_le import _lazy

__version__ = '0.1.0'

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'activations': ['ACTIVATIONS', 'Activation', 'get_activation'],
    'integration': ['ProspectiveEuler', 'prospective_euler'],
    'neurons': ['Compartment', 'dendritic_output', 'dendritic_tree', 'error_neuron', 'gle_neuron',
                'gle_output', 'hidden_neuron', 'interneuron', 'ordered_tree', 'output_neuron',
                'point_neuron', 'prospective', 'pyramidal', 'representation_neuron',
                'retrospective', 'softmax', 'stimulus'],
    'plasticity': ['Adam', 'SGD', 'apical_silencing', 'bias_learning', 'coupling_learning',
                   'dendritic_prediction', 'error_feedback', 'error_learning', 'fixed_weights',
                   'high_passed_rate', 'lookahead_learning', 'membrane_learning', 'one_to_one',
                   'phaseless_alignment', 'time_constant_matching'],
    'synapses': ['ArrayView', 'ConvSynapses', 'DenseSynapses', 'PoolSynapses', 'ReplicatedGroup',
                 'SharedParameters', 'by_replica', 'conv_shape', 'neuron_index', 'neuron_position',
                 'pool_shape', 'project', 'weight_matrix'],
    'programs': ['fast_cpp'],
})
_lazy.when_imported('brian2', 'brian_le.integration')
_lazy.when_imported('brian2', 'brian_le.interrupts')
