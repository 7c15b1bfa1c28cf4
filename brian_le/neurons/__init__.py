"""Neurons as equations: of microcircuits, layered networks, two time constants, dendritic trees.

Every function returns one `brian2.Equations` for ``NeuronGroup(...,
method='prospective_euler')``, the method that is taken if none is given. Another one is refused.
Potentials and rates are dimensionless as in the papers; times and conductances carry units. A
parameter given as a value stands in the text as a line of its own (``g_l = 0.03/ms : hertz``);
given as flags (``'constant'``, ``'shared, constant'``) it is a variable of the group with these
flags, to be set per neuron or per run.

All neurons publish, at the end of a step:

``r``
    the rate that projections read in the next step,
``r_sent``
    the rate that they have read in this one: the presynaptic factor of plasticity.
"""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'point': ['point_neuron', 'stimulus'],
    'microcircuit': ['interneuron', 'pyramidal'],
    'layered': ['hidden_neuron', 'output_neuron', 'softmax'],
    'gle': ['error_neuron', 'gle_neuron', 'gle_output', 'representation_neuron'],
    'dendrites': ['dendritic_output', 'dendritic_tree'],
    'trees': ['Compartment', 'ordered_tree'],
    'operators': ['prospective', 'retrospective'],
    'energy': ['mismatch_energy', 'prediction_energy'],
})
