"""Neurons as equations: of microcircuits, layered networks, two time constants, dendritic trees."""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'microcircuit': ['interneuron', 'point_neuron', 'pyramidal', 'stimulus'],
    'layered': ['hidden_neuron', 'output_neuron', 'softmax'],
    'gle': ['error_neuron', 'gle_neuron', 'gle_output', 'representation_neuron'],
    'dendrites': ['coupling_learning', 'dendritic_output', 'dendritic_tree'],
    'trees': ['Compartment', 'ordered_tree'],
    'operators': ['prospective', 'retrospective'],
})
