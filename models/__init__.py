"""Circuits of Latent Equilibrium, composed of plain Brian2 objects."""

from brian_le import _lazy
from brian_le.models import experiment

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'experiment': experiment.__all__,
    'draws': ['initial_weights', 'random_weights', 'self_predicting'],
    'microcircuit': ['Microcircuit'],
    'layered': ['LayeredNetwork'],
    'gle': ['GLENetwork'],
    'cortical': ['CorticalChain'],
    'graphs.graph': ['Graph'],
    'graphs.gle_graph': ['GLEGraph'],
    'graphs.description': ['Edge', 'Identity', 'Node'],
    'layers': ['Dense', 'Conv', 'MaxPool', 'AveragePool', 'Flatten', 'by_group', 'layer_shapes'],
})
