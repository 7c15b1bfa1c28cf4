"""What teacher and students have in common, and the random draws."""

from types import SimpleNamespace

import numpy as np

from brian_le.protocols.tasks.steps import steps_of

__all__ = ['LABELS', 'LEARNED', 'NAME', 'PERIOD', 'SAMPLED', 'SCALES', 'STUDENTS', 'TAU_R',
           'TEACHER', 'VARIABLES', 'WINDOWS', 'chosen', 'draw', 'smoothed', 'steps_per_period']

NAME = 'lagline'
PERIOD = 4.0  #: of the square wave, in ms
SAMPLED = 0.1  #: ms between two samples of rates and errors
TAU_R = 0.1  #: look-ahead time of all neurons, in ms
#: Weights and membrane time constants (ms) of the teacher.
TEACHER = {'forward': (1.0, 2.0), 'tau_m': (1.0, 2.0)}
#: Windows of truncated backpropagation through time, in ms.
WINDOWS = 4, 2, 1
STUDENTS = {'gle': 'prospective', 'instantaneous': 'instantaneous'}
LABELS = {'gle': 'GLE', 'instantaneous': 'instantaneous errors',
          **{f'bptt{window}': f'BPTT, {window} ms' for window in WINDOWS}}
#: Names of what learns in the synapses, and how many of its units are one of the results'.
VARIABLES, SCALES = {'forward': 'w', 'tau_m': 'tau'}, {'forward': 1.0, 'tau_m': 1e3}
LEARNED = tuple((kind, k) for kind in ('forward', 'tau_m') for k in (0, 1))

_SMOOTHING = 0.05  # ms, standard deviation of the Gaussian


def draw(p, seed):
    """The input and the start of the students: the random draws of a run.

    ``wave``: the input in all steps of a period, from time 0 on, which begins again and again;
    ``shift``: by how many steps it comes later, for each sample; ``w``, ``tau_m`` (ms): where the
    students begin, uniform in [0, 1), and time constants not below ``tau_min``.
    """
    rng = np.random.default_rng(seed)
    w, tau_m = rng.random((2, 2))
    n = steps_per_period(p)
    return SimpleNamespace(wave=smoothed(np.where(np.arange(n) < n//2, 1.0, -1.0),
                                         _SMOOTHING/p.dt),
                           shift=rng.integers(n, size=p.batch), w=w,
                           tau_m=np.maximum(tau_m, p.tau_min))


def smoothed(wave, sigma):
    """A periodic signal after a Gaussian filter of `sigma` steps, up to 4 standard deviations."""
    reach = int(4*sigma + 0.5)
    kernel = np.exp(-0.5*(np.arange(-reach, reach + 1)/sigma)**2)
    return np.convolve(np.pad(wave, reach, mode='wrap'), kernel/kernel.sum(), mode='valid')


def steps_per_period(p):
    """Time steps of one period; a ValueError unless everything is a whole number of steps."""
    n = steps_of(p, SAMPLED)
    if abs(p.t_init/PERIOD*2 - round(p.t_init/PERIOD*2)) > 1e-6:
        raise ValueError(f"'t_init' is {p.t_init:g} ms; give a multiple of {PERIOD/2:g} ms, half a "
                         'period of the input')
    if p.tau_min < p.dt*(1 - 1e-9):
        raise ValueError(f"'tau_min' is {p.tau_min:g} ms, less than the time step 'dt', "
                         f'{p.dt:g} ms')
    return n*round(PERIOD/SAMPLED)


def chosen(p):
    """Names of the students made of neurons."""
    return list(STUDENTS) if p.students == 'all' else [p.students]
