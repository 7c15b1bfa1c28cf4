"""What there is: models, protocols and activations, by the names that commands use.

This module does not import Brian2; what it names is imported when it is asked for.
"""

import importlib

from brian_le.checks import choose
from brian_le.programs import DEVICES

__all__ = ['DEVICES', 'MODELS', 'PROTOCOLS', 'get_model', 'get_protocol']

#: Names of the models, where they are, and what they are.
MODELS = {
    'point_neuron': ('brian_le', 'The point neuron of Latent Equilibrium: a leaky membrane that '
                                 'sends its look-ahead.'),
    'pyramidal': ('brian_le', 'A pyramidal neuron: a soma with a basal and an apical dendrite, '
                              'or a target.'),
    'interneuron': ('brian_le', 'An interneuron: a dendrite that learns to predict one pyramidal '
                                'neuron above, and a soma.'),
    'hidden_neuron': ('brian_le', 'A hidden neuron of a layered network.'),
    'output_neuron': ('brian_le', 'An output neuron of a layered network, with a target.'),
    'gle_neuron': ('brian_le', 'A neuron of Generalized Latent Equilibrium together with its error '
                               'neuron.'),
    'gle_output': ('brian_le', 'An output neuron of Generalized Latent Equilibrium, with a '
                               'target.'),
    'representation_neuron': ('brian_le', 'A representation neuron by itself, whose error arrives '
                                          'in an apical compartment.'),
    'error_neuron': ('brian_le', 'An error neuron by itself: the time constants of its '
                                 'representation neuron, swapped.'),
    'dendritic_tree': ('brian_le', 'A neuron with a dendritic tree, and errors that flow back '
                                   'through the same tree.'),
    'microcircuit': ('brian_le.models', 'Pyramidal neurons and interneurons in layers, with '
                                        'errors in the apical dendrites.'),
    'layered_network': ('brian_le.models', 'Slow point neurons in layers, which compute and '
                                           'learn without waiting.'),
    'gle_network': ('brian_le.models', 'Neurons with two time constants in layers, with errors '
                                       'that flow in real time.'),
    'cortical_chain': ('brian_le.models', 'Representation neurons in layers and, beside each of '
                                          'them, an error neuron.'),
}

_CLASSES = {'microcircuit': 'Microcircuit', 'layered_network': 'LayeredNetwork',
            'gle_network': 'GLENetwork', 'cortical_chain': 'CorticalChain'}

#: Names of the protocols, and the modules that define them.
PROTOCOLS = {
    'alignment': 'brian_le.protocols.tasks.alignment.task',
    'bars': 'brian_le.protocols.tasks.bars.task',
    'digits': 'brian_le.protocols.tasks.classification.digits',
    'feedback': 'brian_le.protocols.tasks.feedback.task',
    'filters': 'brian_le.protocols.tasks.filters.task',
    'fourier': 'brian_le.protocols.tasks.fourier.task',
    'lagline': 'brian_le.protocols.tasks.lagline.task',
    'lagnet': 'brian_le.protocols.tasks.lagnet.task',
    'mackey-glass': 'brian_le.protocols.tasks.mackey_glass.task',
    'mimic': 'brian_le.protocols.tasks.mimic.task',
    'mnist1d': 'brian_le.protocols.tasks.sequences.mnist1d',
    'mnist1d-static': 'brian_le.protocols.tasks.sequences.mnist1d_static',
    'phases': 'brian_le.protocols.tasks.phases.task',
    'response-lag': 'brian_le.protocols.tasks.response_lag.task',
    'yin-yang': 'brian_le.protocols.tasks.classification.yin_yang',
    'mnist': 'brian_le.protocols.tasks.classification.mnist',
    'mnist-conv': 'brian_le.protocols.tasks.classification.mnist_conv',
    'higgs': 'brian_le.protocols.tasks.classification.higgs',
    'cifar10': 'brian_le.protocols.tasks.classification.cifar10',
    'speech-commands': 'brian_le.protocols.tasks.sequences.speech_commands',
}


def get_model(name):
    """The function or class of a model; a ValueError if there is none of that name."""
    package, _ = MODELS[choose('model', name, MODELS)]
    return getattr(importlib.import_module(package), _CLASSES.get(name, name))


def get_protocol(name):
    """The module of a protocol; a ValueError if there is none of that name."""
    if '.py:' in name:
        raise ValueError(f"'{name}' is a model of your own, and no protocol: run it with 'brian-le "
                         f"sweep {name}', once with '--seeds 1'")
    return importlib.import_module(PROTOCOLS[choose('protocol', name, PROTOCOLS)])
