"""The students of the chain that learn by truncated backpropagation through time."""

import numpy as np

from brian_le.protocols.baselines.adjoint import TemporalNetwork
from brian_le.protocols.baselines.windowed import Adam, WindowedStudent
from brian_le.protocols.tasks.lagline.setting import (LEARNED, TAU_R, TEACHER, WINDOWS,
                                                      steps_per_period)

__all__ = ['Backpropagation']


class Backpropagation:
    """All students with backpropagation, one for each window, and a teacher of their own.

    Every student makes a step of Adam after each of its windows, as large as those of the online
    students in the same time.
    """

    def __init__(self, p, drawn):
        self.p, self.drawn = p, drawn
        self.periods = min(p.bptt_periods, p.periods)
        self.teacher = self._student('bptt_teacher', TEACHER['forward'], TEACHER['tau_m'])
        self.students = {f'bptt{window}': self._student(f'bptt{window}', drawn.w, drawn.tau_m,
                                                        window) for window in WINDOWS}
        self.everybody = [self.teacher, *self.students.values()]

    def _student(self, name, w, tau_m, window=1):
        p = self.p
        weights = {}
        for k in (0, 1):
            weights |= {('forward', k): [[w[k]]], ('tau_m', k): [tau_m[k]], ('tau_r', k): [TAU_R]}
        return WindowedStudent(name, TemporalNetwork(weights, ['softplus']*2, p.dt),
                               Adam(p.eta*window), round(window/p.dt), LEARNED,
                               least_tau_m=p.tau_min)

    def _inputs(self, first, n):
        """The input in `n` steps from the step `first` on, [step, sample, 1]."""
        steps = np.arange(first, first + n)[:, None] - self.drawn.shift
        return self.drawn.wave[steps % len(self.drawn.wave)][:, :, None]

    def beginning(self, state):
        """A state with the students before they learn."""
        if not self.periods:
            return state
        n_init = round(self.p.t_init/self.p.dt)
        half = (n_init + 1)//2
        for student in self.everybody:
            own = {key: student.network.weights[key].copy() for key in LEARNED if key[0] == 'tau_m'}
            for kind, k in own:
                student.network.weights[kind, k][:] = TEACHER['tau_m'][k]
            student.follow(self._inputs(0, half))
            student.network.weights.update(own)
            student.follow(self._inputs(half, n_init - half))
            state = state | student.state()
        for name in self.students:
            state[f'{name}_loss'] = np.zeros(self.periods)
            for (kind, k), values in self.students[name].parts()['weights'].items():
                state[f'{name}_{kind}{k}'] = np.append(values.ravel(), np.zeros(self.periods))
        return state

    def chunk(self, state, first, n):
        """The state after `n` periods, from the period `first` on."""
        n_period = steps_per_period(self.p)
        begin = round(self.p.t_init/self.p.dt)
        for period in range(first, min(first + n, self.periods)):
            if period == first:
                state = {key: np.array(values) for key, values in state.items()}
                for student in self.everybody:
                    student.restore(state)
            inputs = self._inputs(begin + period*n_period, n_period)
            targets = self.teacher.follow(inputs).outputs
            for name, student in self.students.items():
                state[f'{name}_loss'][period] = student.learn(inputs, targets).mean()
                for (kind, k), values in student.parts()['weights'].items():
                    state[f'{name}_{kind}{k}'][period + 1] = values.item()
        if first < self.periods:
            for student in self.everybody:
                state |= student.state()
        return state

    def arrays(self, state):
        """What a state has of losses, and of weights and time constants between the periods."""
        return {f'{name}.{key}': state[f'{name}_{key}'] for name in self.students
                for key in ('loss', *(f'{kind}{k}' for kind, k in LEARNED))
                if f'{name}_{key}' in state}
