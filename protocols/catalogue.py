"""What there is: models, protocols and activations, by the names that commands use.

This module does not import Brian2; what it names is imported when it is asked for.
"""

import pkgutil

from brian_le.checks import choose

__all__ = ['MODELS', 'PROTOCOLS', 'get_model']

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

#: Names of the protocols, where they are, and what they are.
PROTOCOLS = {
    'alignment': (
        'brian_le.protocols.tasks.alignment.task:Alignment',
        'the weight changes of random networks in time against the exact gradient'),
    'bars': (
        'brian_le.protocols.tasks.bars.task:Bars',
        'bars in 3 x 3 pixels, learned by a 9-30-3 microcircuit, with and without look-ahead'),
    'digits': (
        'brian_le.protocols.tasks.classification.benchmarks:Digits',
        '8 x 8 digits, learned by 64-60-10 slow neurons in mini-batches'),
    'feedback': (
        'brian_le.protocols.tasks.feedback.task:Feedback',
        'yin-yang with a 4-30-3 microcircuit whose feedback is transposed, random or learned'),
    'filters': (
        'brian_le.protocols.tasks.filters.task:Filters',
        'gain and phase of slow neurons and of their error neurons at many frequencies'),
    'fourier': (
        'brian_le.protocols.tasks.fourier.task:Fourier',
        'a 50 ms sawtooth out of 50 sines, learned online by 50-30-1 slow neurons'),
    'lagline': (
        'brian_le.protocols.tasks.lagline.task:LagLine',
        'a chain of two neurons learns the weights and time constants of a teacher, online'),
    'lagnet': (
        'brian_le.protocols.tasks.lagnet.task:LagNet',
        'errors as they happen beside the adjoint method, in a network of fast and slow neurons'),
    'mackey-glass': (
        'brian_le.protocols.tasks.mackey_glass.task:MackeyGlass',
        'a chaotic series, predicted by a network that learns online while it listens'),
    'mimic': (
        'brian_le.protocols.tasks.mimic.task:Mimic',
        'a microcircuit of single neurons that learns to predict itself, then from a teacher'),
    'mnist1d': (
        'brian_le.protocols.tasks.sequences.benchmarks:Mnist1d',
        'sequences of MNIST-1D, learned in real time by slow and fast neurons'),
    'mnist1d-static': (
        'brian_le.protocols.tasks.sequences.benchmarks:Mnist1dStatic',
        'MNIST-1D: a fixed chain of slow neurons, read out by Latent Equilibrium'),
    'phases': (
        'brian_le.protocols.tasks.phases.task:Phases',
        'two neurons with optimal weights, which drift away unless learning waits or looks ahead'),
    'response-lag': (
        'brian_le.protocols.tasks.response_lag.task:ResponseLag',
        'the answer of a chain of slow neurons to a step, with and without look-ahead'),
    'yin-yang': (
        'brian_le.protocols.tasks.classification.benchmarks:YinYang',
        'points in the yin-yang symbol, classified by 4-120-3 slow neurons'),
    'mnist': (
        'brian_le.protocols.tasks.classification.benchmarks:MNIST',
        'MNIST, learned by 784-300-100-10 slow neurons (your files, --data DIR)'),
    'mnist-conv': (
        'brian_le.protocols.tasks.classification.benchmarks:MNISTConv',
        'MNIST, learned by a convolutional network of slow neurons (your files, --data DIR)'),
    'higgs': (
        'brian_le.protocols.tasks.classification.benchmarks:HIGGS',
        'HIGGS, learned by 28-300-300-300-1 slow neurons (your file, --data DIR)'),
    'cifar10': (
        'brian_le.protocols.tasks.classification.benchmarks:CIFAR10',
        'CIFAR-10, learned by a convolutional network of slow neurons (your files, --data DIR)'),
    'speech-commands': (
        'brian_le.protocols.tasks.sequences.benchmarks:SpeechCommands',
        'spoken words in 12 classes, learned in real time (your files, --data DIR)'),
}


def get_model(name):
    """The function or class of a model; a ValueError if there is none of that name."""
    package, _ = MODELS[choose('model', name, MODELS)]
    return pkgutil.resolve_name(f'{package}:{_CLASSES.get(name, name)}')
