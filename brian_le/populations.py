"""Groups of neurons and synapses that keep to their own names."""

from brian2.groups.neurongroup import NeuronGroup
from brian2.synapses.synapses import Synapses

from brian_le.liberties import OwnNames

__all__ = ['Population', 'Projection']


class Population(OwnNames, NeuronGroup):
    """A `brian2.NeuronGroup` of a model."""


class Projection(OwnNames, Synapses):
    """`brian2.Synapses` of a model."""
