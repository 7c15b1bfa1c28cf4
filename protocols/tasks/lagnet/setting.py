"""What teacher and students have in common: weights, time constants, and windows of time."""

import numpy as np

from brian_le.models import recorded_values
from brian_le.protocols.tasks.steps import steps_of

__all__ = ['ACTIVATIONS', 'NAME', 'SAMPLED', 'TAU_M', 'TAU_R', 'TEACHER', 'WINDOW', 'draw',
           'samples_of', 'steps_per_window']

NAME = 'lagnet'
WINDOW = 3.0  #: of the adjoint method, in ms
#: Weights [post, pre] of the teacher, by layer; students learn those of the first.
TEACHER = (((-0.5,), (1.0,)), ((0.5, 0.0), (0.0, 1.0)), ((0.5, 1.0),))
#: Membrane time constants and look-ahead times (ms) of all layers.
TAU_M, TAU_R = ((1.0, 1.0), (1.0, 1.0), (1.0,)), ((1.0, 0.1), (1.0, 0.1), (1.0,))
ACTIVATIONS = 'tanh', 'tanh', 'linear'
SAMPLED = 0.1  #: ms between two samples

_PUBLISHED = 0.6605, -0.7478


def draw(p, seed):
    """Where the weights of the first layer begin, [2, 1]; the random draw of a run."""
    if p.start == 'published':
        return np.reshape(_PUBLISHED, (2, 1))
    return np.random.default_rng(seed).uniform(-1, 1, (2, 1))


def steps_per_window(p):
    """Time steps of one window; a ValueError unless everything is a whole number of steps."""
    n = steps_of(p, SAMPLED)
    if abs(p.t_init/SAMPLED - round(p.t_init/SAMPLED)) > 1e-6:
        raise ValueError(f"'t_init' is {p.t_init:g} ms; give a multiple of {SAMPLED:g} ms")
    return n*round(WINDOW/SAMPLED)


def samples_of(variables, n=1):
    """What was sampled, in `n` rows of equally many samples."""
    target, output, err = (recorded_values(f'{NAME}_samples', key, variables, 2)
                           for key in ('target', 'output', 'err'))
    return {'target': target[:, 0].reshape(n, -1), 'gle.output': output[:, 0].reshape(n, -1),
            'gle.err': err.reshape(n, -1, 2)}
