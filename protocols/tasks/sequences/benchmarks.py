"""The benchmarks in the classification of sequences: data sets, and networks that learn them."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from brian2 import ms

from brian_le.models import Dense, by_group, initial_weights
from brian_le.protocols.data.mnist1d import sequences
from brian_le.protocols.data.speech_features import FRAMES, MELS
from brian_le.protocols.data.speech_files import (CLASSES, PUBLISHED, find_speech_commands,
                                                  read_speech_commands)
from brian_le.protocols.data.speech_sounds import Sounds
from brian_le.protocols.parameters import Folder, Parameter
from brian_le.protocols.tasks import gle_imperfections
from brian_le.protocols.tasks.sequences.task import SequenceClassification

__all__ = ['BENCHMARKS', 'Benchmark', 'Mnist1d', 'Mnist1dStatic', 'SpeechCommands', 'parameters']


def parameters(*more, errors='prospective', **defaults):
    """The parameters that all benchmarks have, with the defaults of one, behind `more`.

    Among the `defaults` are ``epochs``, ``batch``, ``rate``, ``patience``, ``factor``, ``dt`` (ms).
    """
    d = SimpleNamespace(**defaults)
    return (
        *more,
        Parameter('epochs', d.epochs, 'how often all training sequences are shown', minimum=1,
                  maximum=1e6),
        Parameter('batch', d.batch, 'sequences that are shown at once, to replicas that share '
                  'their weights', minimum=1, maximum=1e5),
        Parameter('rate', d.rate, 'step size of Adam: change of a weight in a time step',
                  minimum=0),
        Parameter('patience', d.patience, 'epochs without a smaller loss, of the validation '
                  'sequences if there are any, else while learning, after which the step size '
                  'shrinks', minimum=0, maximum=1e6),
        Parameter('factor', d.factor, 'how much of it is left then', minimum=1e-6, maximum=1),
        Parameter('beta', 1.0, 'strength of the targets', minimum=0),
        Parameter('errors', errors, 'whether errors pass through error neurons',
                  choices=('prospective', 'instantaneous')),
        Parameter('precision', 'single', 'floating point numbers', choices=('double', 'single')),
        Parameter('dt', d.dt, 'time step', 'ms', minimum=1e-6),
        *gle_imperfections.PARAMETERS,
    )


def _each_once(split, rng):
    return rng.permutation(len(split))


def _as_they_are(split, indices, rng):
    return split.rates(indices)


def drawn(p, n_inputs, layers, rng):
    """Initial weights and biases, uniform up to 1/sqrt(inputs of a neuron)."""
    return initial_weights(n_inputs, layers, rng)


@dataclass(frozen=True)
class Benchmark:
    """A data set of sequences, and a network that learns to classify them.

    What ``read(p)`` gives has one point of its samples for every time step, [sample, step, input].
    """

    about: str  # what it is
    parameters: tuple  # made by `parameters`
    n_inputs: int  # numbers in one point of a sequence
    read: object  # a Dataset, or what has its attributes
    layers: object  # layers(p), as for a GLENetwork
    weights: object = drawn  # weights(p, n_inputs, layers, rng): the initial ones
    fixed: object = lambda p: 0  # how many of the first layers do not learn
    change: object = lambda p, net, shown: None  # to the network, before it is simulated
    check: object = lambda p: None  # raises a ValueError for parameters that do not fit
    order: object = _each_once  # order(split, rng): the sequences of an epoch, in whole batches
    vary: object = _as_they_are  # vary(split, indices, rng): rates of the sequences of a batch


# --------------------------------------------------------------------------------------- MNIST-1D
_FAST, _SLOW, _SLOWER, _AHEAD = 1.2, 0.6, 1.2, 0.2  # ms


def _mnist1d_layers(p):
    half = p.slow//2
    fast = [(p.fast, _FAST*ms)] if p.fast else []
    times = dict(tau_m=by_group((max(half, 1), _SLOW*ms), *([(p.slow - half, _SLOWER*ms)]
                                                            if half else []), *fast),
                 tau_r=by_group((p.slow, _AHEAD*ms), *fast))
    hidden = [Dense(p.slow + p.fast, activation='linear' if k == 0 else 'tanh', **times)
              for k in range(p.hidden_layers)]
    return [*hidden, Dense(10, tau_m=_FAST*ms, tau_r=_FAST*ms)]


# --------------------------------------------------------------------- MNIST-1D with a fixed chain
_FASTEST, _SLOWEST, _READOUT = 0.2, 1.8, 2.0  # ms


def _static_layers(p):
    chain = Dense(p.channels, activation='linear', tau_r=p.dt*ms,
                  tau_m=np.maximum(np.linspace(_FASTEST, _SLOWEST, p.channels), p.dt)*ms)
    readout = [Dense(n, tau_m=_READOUT*ms) for n in (p.hidden, p.hidden, 10)]
    return [chain]*p.chain + readout


def _static_weights(p, n_inputs, layers, rng):
    """Ones and unit matrices in the chain; draws up to 1/sqrt(inputs of a neuron) behind it."""
    chain = {('forward', 0): np.ones((p.channels, n_inputs)),
             **{('forward', k): np.eye(p.channels) for k in range(1, p.chain)},
             **{('bias', k): np.zeros(p.channels) for k in range(p.chain)}}
    behind = drawn(p, p.channels, layers[p.chain:], rng)
    return chain | {(kind, p.chain + k): w for (kind, k), w in behind.items()}


def _begin_at_rest(p, net, shown):
    """Let the chain begin every sequence with potentials of 0."""
    for group in net.neurons[:p.chain]:
        group.run_regularly('u = 0\nr = 0', dt=shown.duration, when='start',
                            name=f'{group.name}_begin')


# --------------------------------------------------------------------------------- Speech Commands
_FRAME = 1.0  # ms, from one frame of the features to the next
_TAU_M = 2.4, 0.6, 1.2, 1.8, 2.4  # ms, of the groups
_TAU_R = 2.4, 0.1, 0.1, 0.1, 0.1
_OUTPUT = 2.4  # ms, both time constants


def _recordings(p):
    """The recordings of a folder, as rates for every time step."""
    steps = _steps_per_frame(p)
    parts, noise = read_speech_commands(p.data)
    return SimpleNamespace(n_classes=len(CLASSES), shape=(FRAMES*steps, MELS), **{
        part: Sounds(recordings, noise, steps) for part, recordings in parts.items()})


def _steps_per_frame(p):
    steps = round(_FRAME/p.dt)
    if steps < 1 or abs(steps*p.dt - _FRAME) > 1e-9:
        raise ValueError(f"'dt' is {p.dt:g} ms; {_FRAME:g} ms, the time of a frame, has to be a "
                         'whole number of time steps')
    return steps


def _speech_layers(p):
    times = {key: by_group(*((p.neurons, tau*ms) for tau in taus))
             for key, taus in (('tau_m', _TAU_M), ('tau_r', _TAU_R))}
    hidden = [Dense(len(_TAU_M)*p.neurons, activation='linear' if k == 0 else 'tanh', **times)
              for k in range(p.hidden_layers)]
    return [*hidden, Dense(len(CLASSES), tau_m=_OUTPUT*ms, tau_r=_OUTPUT*ms)]


#: Data sets with their networks, by the names that commands use.
BENCHMARKS = {
    'mnist1d': Benchmark(
        about='''MNIST-1D, learned in real time: ten kinds of bumps that pass, one number at a time.

        The network of the paper on Generalized Latent Equilibrium has one input, six hidden layers,
        each with slow neurons of two kinds and with fast ones, and ten outputs. A sequence has 360
        time steps. No neuron sees more than the present; what has been is in the slow membranes.
        Weights are learned in every time step by Adam, from errors that pass through error neurons
        in real time.

        The sequences are generated by the package mnist1d: pip install mnist1d (or
        brian-le[mnist1d]). ``slow=60``, ``fast=30``, ``rate=0.0005`` make the larger of the
        published networks.''',
        parameters=parameters(
            Parameter('slow', 36, 'slow neurons in every hidden layer', minimum=1, maximum=1e4),
            Parameter('fast', 17, 'fast neurons in every hidden layer', minimum=0, maximum=1e4),
            Parameter('hidden_layers', 6, 'hidden layers; the first one is linear', minimum=1,
                      maximum=100),
            epochs=150, batch=100, rate=0.001, patience=2, factor=0.5, dt=0.2),
        n_inputs=1, read=lambda p: sequences(), layers=_mnist1d_layers),
    'mnist1d-static': Benchmark(
        about='''MNIST-1D through a chain of slow neurons that do not learn, read out by Latent
        Equilibrium.

        Four layers of ten neurons, with membranes from fast to slow, pass the input on without any
        weights that learn: at every moment their potentials hold the recent past of the sequence. A
        network of neurons that look ahead by their membrane time constants learns to classify what
        it sees there, in every time step, as if it were an image that stands still. The chain
        begins every sequence at rest.

        The sequences are generated by the package mnist1d: pip install mnist1d (or
        brian-le[mnist1d]).''',
        parameters=parameters(
            Parameter('channels', 10, 'neurons in every layer of the chain', minimum=1,
                      maximum=1e4),
            Parameter('chain', 4, 'layers of the chain', minimum=1, maximum=100),
            Parameter('hidden', 60, 'neurons in each of the two hidden layers of the readout',
                      minimum=1, maximum=1e5),
            epochs=150, batch=100, rate=0.001, patience=2, factor=0.5, dt=0.2,
            errors='instantaneous'),
        n_inputs=1, read=lambda p: sequences(), layers=_static_layers, weights=_static_weights,
        fixed=lambda p: p.chain, change=_begin_at_rest),
    'speech-commands': Benchmark(
        about='''Google Speech Commands, learned in real time: ten words, other words, and silence.

        The network of the paper on Generalized Latent Equilibrium hears 32 log-mel features, which
        change in every time step. Behind them are three hidden layers, each with five groups of
        neurons that look ahead by different times, and twelve outputs. A recording of a second has
        820 time steps. Weights are learned in every time step by Adam, from errors that pass
        through error neurons in real time. The paper reports 91.44 +- 0.23 % of the validation
        recordings correct after 420 epochs.

        The data set is your own (``data``). A full run takes a month; ``neurons``,
        ``hidden_layers``, ``batch`` and ``epochs`` make smaller ones.''',
        parameters=parameters(
            Folder('data', f'the folders of Google Speech Commands, published at {PUBLISHED}',
                   find_speech_commands),
            Parameter('neurons', 150, 'neurons in each of the five groups of a hidden layer',
                      minimum=1, maximum=1e4),
            Parameter('hidden_layers', 3, 'hidden layers; the first one is linear', minimum=1,
                      maximum=100),
            epochs=420, batch=256, rate=1.953125e-05, patience=3, factor=0.9, dt=0.05),
        n_inputs=MELS, read=_recordings, layers=_speech_layers, check=_steps_per_frame,
        order=Sounds.balanced, vary=Sounds.varied),
}
Mnist1d, Mnist1dStatic, SpeechCommands = (SequenceClassification.of(name, benchmark)
                                          for name, benchmark in BENCHMARKS.items())
