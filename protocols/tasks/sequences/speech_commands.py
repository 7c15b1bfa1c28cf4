"""Google Speech Commands, learned in real time: ten words, other words, and silence.

The network of the paper on Generalized Latent Equilibrium hears 32 log-mel features, which change
in every time step. Behind them are three hidden layers, each with five groups of neurons that look
ahead by different times, and twelve outputs. A recording of a second has 820 time steps. Weights
are learned in every time step by Adam, from errors that pass through error neurons in real time.
The paper reports 91.44 +- 0.23 % of the validation recordings correct after 420 epochs.

The data set is your own (``data``). A full run takes a month; ``neurons``, ``hidden_layers``,
``batch`` and ``epochs`` make smaller ones.
"""

from types import SimpleNamespace

import numpy as np

from brian_le.protocols.data.speech_features import FRAMES, MELS
from brian_le.protocols.data.speech_files import (CLASSES, PUBLISHED, find_speech_commands,
                                                  read_speech_commands)
from brian_le.protocols.data.speech_sounds import Sounds
from brian_le.protocols.parameters import Folder, Parameter
from brian_le.protocols.tasks.sequences.task import SequenceBenchmark, parameters

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'check', 'simulate', 'prepare',
           'read_variables', 'summarize']

NAME = 'speech-commands'
SUMMARY = 'spoken words in 12 classes, learned in real time (your files, --data DIR)'
FIGURES = 'brian_le.protocols.tasks.sequences.figures'
PARAMETERS = parameters(
    Folder('data', f'the folders of Google Speech Commands, published at {PUBLISHED}',
           find_speech_commands),
    Parameter('neurons', 150, 'neurons in each of the five groups of a hidden layer', minimum=1,
              maximum=1e4),
    Parameter('hidden_layers', 3, 'hidden layers; the first one is linear', minimum=1,
              maximum=100),
    epochs=420, batch=256, rate=1.953125e-05, patience=3, factor=0.9, dt=0.05)

_FRAME = 1.0  # ms, from one frame of the features to the next
_TAU_M = 2.4, 0.6, 1.2, 1.8, 2.4  # ms, of the groups
_TAU_R = 2.4, 0.1, 0.1, 0.1, 0.1
_OUTPUT = 2.4  # ms, both time constants


def sequences(p):
    """The recordings of a folder, as rates for every time step.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters; ``data`` and ``dt`` are used.

    Returns
    -------
    types.SimpleNamespace
        ``n_classes``, ``shape`` of a recording, and ``train``, ``validation`` and ``test``, each a
        `brian_le.protocols.data.speech_sounds.Sounds`.

    Raises
    ------
    ValueError
        If a frame is not a whole number of time steps, and as `read_speech_commands`.
    """
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


def check(p):
    """Raise a ValueError for parameters that do not fit each other."""
    _steps_per_frame(p)
    _BENCHMARK.check(p)


def layers(p):
    """The layers, behind 32 inputs."""
    from brian2 import ms

    from brian_le.models import Dense, by_group

    times = {key: by_group(*((p.neurons, tau*ms) for tau in taus))
             for key, taus in (('tau_m', _TAU_M), ('tau_r', _TAU_R))}
    hidden = [Dense(len(_TAU_M)*p.neurons, activation='linear' if k == 0 else 'tanh', **times)
              for k in range(p.hidden_layers)]
    return [*hidden, Dense(len(CLASSES), tau_m=_OUTPUT*ms, tau_r=_OUTPUT*ms)]


def weights(p, seed, n_inputs):
    """Initial weights and biases, uniform up to 1/sqrt(inputs of a neuron)."""
    from brian_le.models import initial_weights

    return initial_weights(n_inputs, layers(p), np.random.default_rng(seed))


_BENCHMARK = SequenceBenchmark(NAME, sequences, layers, lambda p: [True]*(p.hidden_layers + 1),
                               weights, order=Sounds.balanced, vary=Sounds.varied)
simulate, prepare, measures = _BENCHMARK.simulate, _BENCHMARK.prepare, _BENCHMARK.measures
read_variables, summarize = _BENCHMARK.read_variables, _BENCHMARK.summarize
