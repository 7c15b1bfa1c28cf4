"""The student that learns by the adjoint method, and its adjoint variables beside errors of GLE."""

import numpy as np

from brian_le.protocols.baselines.adjoint import TemporalNetwork, adjoint_signals
from brian_le.protocols.baselines.windowed import Momentum, WindowedStudent
from brian_le.protocols.tasks.lagnet.setting import (ACTIVATIONS, NAME, TAU_M, TAU_R, TEACHER,
                                                     samples_of, steps_per_window)
from brian_le.protocols.tasks.lagnet.spectra import COMMON_PERIOD, FREQUENCIES, components

__all__ = ['adjoint_student', 'measure_spectra', 'probe', 'sines', 'trace']

_SETTLING = 50.0, 20.0  # ms until neurons have settled, and before which adjoint variables have
_SHOWN = 40.0  # ms of a trace


def adjoint_student(p, name, first_weights):
    """A student, or a teacher that only runs; `first_weights` are those of its first layer."""
    weights = {(kind, k): values for kind, layers in (
        ('forward', (first_weights, *TEACHER[1:])), ('tau_m', TAU_M), ('tau_r', TAU_R))
        for k, values in enumerate(layers)}
    return WindowedStudent(name, TemporalNetwork(weights, ACTIVATIONS, p.dt),
                           Momentum(p.adjoint_rate*p.dt, p.momentum), steps_per_window(p),
                           [('forward', 0)], 'adjoint')


def sines(p, steps, amplitude=1.0):
    """The input in some steps, counted from where learning begins, as [step, 1, 1]."""
    now = (steps + round(p.t_init/p.dt))*p.dt
    return amplitude*np.sin(np.outer(now, FREQUENCIES)).sum(axis=1)[:, None, None]


def probe(p, program, w_online, w_offline, amplitude, duration):
    """Errors of GLE and adjoint variables of the upper hidden layer, without learning.

    `w_online` and `w_offline` are weights of the first layer of the two students, [2, 1], and
    `amplitude` is that of the sines; kept is a `duration` (ms), after neurons have settled.

    Returns times (ms), errors (for a target of strength 1) and signals, both [time, neuron].
    """
    every = steps_per_window(p)//30
    before, after = (round(time/p.dt/every)*every for time in _SETTLING)
    n = before + round(duration/p.dt/every)*every + after
    steps = np.arange(-n, 0)  # before learning begins
    window, step = divmod(-n - 1, steps_per_window(p))
    end = program({f'{NAME}.period': window, f'{NAME}.step': step, f'{NAME}.amplitude': amplitude,
                   'gle_forward0.w': np.ravel(w_online)}, n)
    inputs = sines(p, steps, amplitude)
    targets = adjoint_student(p, 'teacher', TEACHER[0]).network.run(inputs).outputs
    network = adjoint_student(p, 'student', w_offline).network
    trajectory = network.run(inputs)
    signals = adjoint_signals(network, trajectory, targets - trajectory.outputs)[1][:, 0]
    kept = slice(before//every, (n - after)//every)
    return ((p.dt*steps + p.t_init)[::every][kept], samples_of(end)['gle.err'][0, kept]/p.beta,
            signals[::every][kept])


def measure_spectra(p, program, start):
    """Gains and phases of errors by adjoint variables, before learning."""
    arrays = {}
    for drive, amplitude in (('full', 1.0), ('small', p.small)):
        times, errors, signals = probe(p, program, start, start, amplitude, COMMON_PERIOD)
        ratio = components(errors, times)/components(signals, times)
        arrays |= {f'{drive}.gain': np.abs(ratio), f'{drive}.phase': np.angle(ratio)}
    return arrays


def trace(p, program, w_online, w_offline):
    """Errors and adjoint variables for some time, by name."""
    return dict(zip(('time', 'gle', 'adjoint'), probe(p, program, w_online, w_offline, 1.0,
                                                      _SHOWN)))
