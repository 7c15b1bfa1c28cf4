"""What there is: models, protocols and activations, by the names that commands use.

This module does not import Brian2; what it names is imported when it is asked for.
"""

import pkgutil

from brian_le.checks import choose

__all__ = ['MODELS', 'PROTOCOLS', 'get_model']

#: Names of the models, where they are, and what they are.
MODELS = {
    'point_neuron': ('brian_le:point_neuron',
        'The point neuron of Latent Equilibrium: a leaky membrane that sends its look-ahead.'),
    'pyramidal': ('brian_le:pyramidal',
        'A pyramidal neuron: a soma with a basal and an apical dendrite, or a target.'),
    'interneuron': ('brian_le:interneuron', 'An interneuron: a dendrite that learns to predict '
                                            'one pyramidal neuron above, and a soma.'),
    'hidden_neuron': ('brian_le:hidden_neuron', 'A hidden neuron of a layered network.'),
    'output_neuron': ('brian_le:output_neuron',
        'An output neuron of a layered network, with a target.'),
    'gle_neuron': ('brian_le:gle_neuron',
        'A neuron of Generalized Latent Equilibrium together with its error neuron.'),
    'gle_output': ('brian_le:gle_output',
        'An output neuron of Generalized Latent Equilibrium, with a target.'),
    'representation_neuron': ('brian_le:representation_neuron',
        'A representation neuron by itself, whose error arrives in an apical compartment.'),
    'error_neuron': ('brian_le:error_neuron',
        'An error neuron by itself: the time constants of its representation neuron, swapped.'),
    'dendritic_tree': ('brian_le:dendritic_tree',
        'A neuron with a dendritic tree, and errors that flow back through the same tree.'),
    'microcircuit': ('brian_le.models:Microcircuit',
        'Pyramidal neurons and interneurons in layers, with errors in the apical dendrites.'),
    'layered_network': ('brian_le.models:LayeredNetwork',
        'Slow point neurons in layers, which compute and learn without waiting.'),
    'gle_network': ('brian_le.models:GLENetwork',
        'Neurons with two time constants in layers, with errors that flow in real time.'),
    'graph': ('brian_le.models:Graph',
        'Slow point neurons in populations that project to each other in any way.'),
    'gle_graph': ('brian_le.models:GLEGraph',
        'Neurons with two time constants in populations that project to each other in any way.'),
    'cortical_chain': ('brian_le.models:CorticalChain',
        'Representation neurons in layers and, beside each of them, an error neuron.'),
}

#: Names of the protocols, where they are, and what they are.
PROTOCOLS = {name: (f'brian_le.protocols.tasks.{place}', summary) for name, (place, summary) in {
    'alignment': ('alignment.task:Alignment',
        'the weight changes of random networks in time against the exact gradient'),
    'bars': ('bars.task:Bars',
        'bars in 3 x 3 pixels, learned by a 9-30-3 microcircuit, with and without look-ahead'),
    'completion': ('completion.task:Completion',
        'digits of which a part is hidden, completed by a network with lateral weights'),
    'digits': ('classification.benchmarks:Digits',
        '8 x 8 digits, learned by 64-60-10 slow neurons in mini-batches'),
    'energy': ('energy.task:Energies',
        'the energy of networks that learn, its slopes and parts, with and without look-ahead'),
    'feedback': ('feedback.task:Feedback',
        'yin-yang with a 4-30-3 microcircuit whose feedback is transposed, random or learned'),
    'filters': ('filters.task:Filters',
        'gain and phase of slow neurons and of their error neurons at many frequencies'),
    'fourier': ('fourier.task:Fourier',
        'a 50 ms sawtooth out of 50 sines, learned online by 50-30-1 slow neurons'),
    'lagline': ('lagline.task:LagLine',
        'a chain of two neurons learns the weights and time constants of a teacher, online'),
    'lagnet': ('lagnet.task:LagNet',
        'errors as they happen beside the adjoint method, in a network of fast and slow neurons'),
    'mackey-glass': ('mackey_glass.task:MackeyGlass',
        'a chaotic series, predicted by a network that learns online while it listens'),
    'mimic': ('mimic.task:Mimic',
        'a microcircuit of single neurons that learns to predict itself, then from a teacher'),
    'mnist1d': ('sequences.benchmarks:Mnist1d',
        'sequences of MNIST-1D, learned in real time by slow and fast neurons'),
    'mnist1d-static': ('sequences.benchmarks:Mnist1dStatic',
        'MNIST-1D: a fixed chain of slow neurons, read out by Latent Equilibrium'),
    'pal': ('pal.task:PhaselessAlignment',
        'feedback weights of a 5-20-10-20-5 microcircuit learn from noise while all others rest'),
    'phases': ('phases.task:Phases',
        'two neurons with optimal weights, which drift away unless learning waits or looks ahead'),
    'residual': ('residual.task:Residual',
        'digits, learned by 20 hidden layers of slow neurons with a residual stream or as a chain'),
    'response-lag': ('response_lag.task:ResponseLag',
        'the answer of a chain of slow neurons to a step, with and without look-ahead'),
    'stability': ('stability.task:Onset',
        'the strength of targets at which a random network becomes unstable, computed and '
        'measured'),
    'yin-yang': ('classification.benchmarks:YinYang',
        'points in the yin-yang symbol, classified by 4-120-3 slow neurons'),
    'mnist': ('classification.benchmarks:MNIST',
        'MNIST, learned by 784-300-100-10 slow neurons (your files, --data DIR)'),
    'mnist-conv': ('classification.benchmarks:MNISTConv',
        'MNIST, learned by a convolutional network of slow neurons (your files, --data DIR)'),
    'higgs': ('classification.benchmarks:HIGGS',
        'HIGGS, learned by 28-300-300-300-1 slow neurons (your file, --data DIR)'),
    'cifar10': ('classification.benchmarks:CIFAR10',
        'CIFAR-10, learned by a convolutional network of slow neurons (your files, --data DIR)'),
    'speech-commands': ('sequences.benchmarks:SpeechCommands',
        'spoken words in 12 classes, learned in real time (your files, --data DIR)'),
}.items()}


def get_model(name):
    """The function or class of a model; a ValueError if there is none of that name."""
    return pkgutil.resolve_name(MODELS[choose('model', name, MODELS)][0])
