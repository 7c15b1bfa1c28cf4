"""Parameters that all protocols with a microcircuit have in common."""

from brian2 import ms

from brian_le.protocols.parameters import Parameter

__all__ = ['CONDUCTANCES', 'activation', 'conductances']

#: Leak, basal, apical, dendritic (of interneurons) and nudging conductance (1/ms).
CONDUCTANCES = (
    Parameter('g_l', 0.03, 'leak conductance', '1/ms', minimum=0),
    Parameter('g_b', 0.1, 'basal conductance', '1/ms', minimum=0),
    Parameter('g_a', 0.06, 'apical conductance', '1/ms', minimum=0),
    Parameter('g_d', 0.1, 'dendritic conductance of interneurons', '1/ms', minimum=0),
    Parameter('g_som', 0.06, 'nudging conductance', '1/ms', minimum=0),
)


def activation(default):
    """The parameter of the activation function, with the default of a protocol."""
    return Parameter('activation', default, 'activation function',
                     choices=('softplus', 'soft_relu', 'tanh', 'logistic', 'hard_sigmoid', 'relu',
                              'linear'))


def conductances(p):
    """The conductances of a run, by the names that `brian_le.models.Microcircuit` gives them."""
    return {g.name: getattr(p, g.name)/ms for g in CONDUCTANCES}
