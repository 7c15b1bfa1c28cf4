"""Two ways of carrying errors back: as they happen, and by the adjoint method."""

import numpy as np
from brian2 import Network, defaultclock, ms

from brian_le.models import (Dense, GLENetwork, Recorder, StepClock, drive, follow,
                             recorded_values)
from brian_le.plasticity.optimisers import SGD
from brian_le.protocols.parameters import Parameter
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.tasks.lagnet.adjoint import (adjoint_student, measure_spectra, sines,
                                                     trace)
from brian_le.protocols.tasks.lagnet.setting import (ACTIVATIONS, NAME, SAMPLED, TAU_M, TAU_R,
                                                     TEACHER, WINDOW, draw, samples_of,
                                                     steps_per_window)
from brian_le.protocols.tasks.lagnet.spectra import FREQUENCIES, continuous_ratio

__all__ = ['LABELS', 'LagNet']

LABELS = {'gle': 'GLE', 'adjoint': 'adjoint method'}
NEURONS = 'instantaneous', 'retrospective'  #: the two of every hidden layer


class LagNet(Protocol):
    """Two ways of carrying errors back: as they happen, and by the adjoint method.

    Figure 6 of "Backpropagation through space, time and the brain" (arXiv 2403.16933). A teacher
    and students have two hidden layers, each with a neuron that answers at once and one that is
    slow, and see a sum of three sines. The students learn the two weights of the first layer: one
    online, by Generalized Latent Equilibrium, the other offline, by the exact adjoint method over
    windows. In their upper hidden layer the errors of GLE have the phases of the adjoint variables,
    and gains that differ by a known factor.

    Results have for a student, ``gle`` or ``adjoint``: ``gle.w`` (windows + 1, 2), the weights
    before, between and after the windows; ``gle.loss``: mean squared error in every window.
    ``time`` (ms), ``target``, ``gle.output`` and ``gle.err`` (the errors of the two neurons of the
    upper hidden layer): samples. ``full.gain``, ``full.phase`` (rad): errors of GLE by adjoint
    variables before learning, of these neurons at the three frequencies; ``small.gain``,
    ``small.phase`` for small amplitudes. ``before.time``, ``before.gle``, ``before.adjoint``:
    errors and adjoint variables of these neurons without learning, ``after.time`` and so on after
    learning.
    """

    name = NAME
    figures = 'brian_le.protocols.tasks.lagnet.figures'
    unit = 'window'
    room = 1000  # windows in one launch
    parameters = (
        Parameter('windows', 307, 'windows of 3 ms in which students learn; the adjoint method '
                  'makes a step after each', minimum=1, maximum=1e6),
        Parameter('t_init', 80.0, 'time before learning', 'ms', minimum=0, maximum=1e6),
        Parameter('start', 'published', "where the two weights begin: the draw of the paper's "
                  'code, or uniform in [-1, 1)', choices=('published', 'random')),
        Parameter('eta', 0.02, 'learning rate of GLE', '1/ms', minimum=0),
        Parameter('adjoint_rate', 0.07, 'learning rate of the adjoint method, for gradients of the '
                  'integral of the squared error over time in ms', minimum=0),
        Parameter('momentum', 0.9, 'of both students: what remains of the former steps', minimum=0,
                  maximum=0.999),
        Parameter('beta', 1.0, 'strength of the target', minimum=1e-6),
        Parameter('gamma', 0.001, 'how strongly errors act on the membranes of hidden layers'),
        Parameter('small', 0.01, 'amplitude of the sines for which gains and phases are also '
                  'measured', minimum=1e-6, maximum=1),
        Parameter('dt', 0.01, 'time step', 'ms', minimum=1e-3, maximum=0.1),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.total, self.n_steps = p.windows, steps_per_window(p)
        self.lead = round(p.t_init/p.dt)
        self.start = draw(p, seed)
        #: those that do without a simulator
        self.offline = [adjoint_student(p, name, w) for name, w in (
            ('adjoint_teacher', TEACHER[0]), ('adjoint', self.start))]

    @staticmethod
    def check(p):
        steps_per_window(p)

    def compose(self):
        p = self.p
        defaultclock.dt = p.dt*ms
        clock = StepClock(WINDOW*ms, before=p.t_init*ms, name=NAME,
                          equations='amplitude : 1 (shared, constant)')
        clock.amplitude = 1

        def network(name, first_weights, **options):
            layers = [Dense(len(m), activation=activation, tau_m=m*ms, tau_r=r*ms)
                      for m, r, activation in zip(TAU_M, TAU_R, ACTIVATIONS)]
            net = GLENetwork(1, layers, bias=False, name=name, **options)
            net.weights.update({('forward', k): w
                                for k, w in enumerate((first_weights, *TEACHER[1:]))})
            sines = ' + '.join(f'sin(w{n}*now)' for n in range(len(FREQUENCIES)))
            drive(net.inputs, 'r', f'amplitude*({sines})', clock,
                  **{f'w{n}': w/ms for n, w in enumerate(FREQUENCIES)})
            return net

        teacher = network('teacher', TEACHER[0], beta=0)
        student = network('gle', self.start, beta=p.beta, gamma=[p.gamma, p.gamma, 0],
                          eta=[p.eta/ms, 0/ms, 0/ms], optimiser=SGD(momentum=p.momentum))
        follow(student.output, teacher.output)
        drive(student.schedule, 'learning', 'int(period >= 0)', clock, when='start')
        target, output = (teacher.output, 'r'), (student.output, 'r')
        # two values for each: neurons of the upper hidden layer, and weights
        samples = Recorder({'target': target, 'output': output, 'err': (student.neurons[1], 'err')},
                           clock, at=f'step % {round(SAMPLED/p.dt)} == 0', name=f'{NAME}_samples')
        windows = Recorder({'loss': 'loss', 'w': (student.projections['forward', 0], 'w')}, clock,
                           sums={'loss': '(target - output)**2/n_steps'}, target=target,
                           output=output, at='period >= 0 and step == n_steps - 1',
                           name=f'{NAME}_windows')
        return Network(clock, teacher, student, samples, windows)

    def begin(self, program):
        before = program({}, self.lead)
        state = program.state(before)
        state |= {f'begin.{key}': values[0] for key, values in samples_of(before).items()}
        for network in self.offline:
            if self.lead:
                network.follow(sines(self.p, np.arange(-self.lead, 0)))
            state |= network.state()
        return state

    def chunk(self, program, state, first, n):
        p, n_window = self.p, self.n_steps
        end = program({}, n*n_window, state)
        rows = recorded(end) | samples_of(end, n)
        for network in self.offline:
            network.restore(state)
        teacher, student = self.offline
        weights, losses = [], []
        for window in range(first, first + n):
            inputs = sines(p, np.arange(n_window) + window*n_window)
            losses.append(student.learn(inputs, teacher.follow(inputs).outputs))
            weights.append(student.network.weights['forward', 0].ravel().copy())
        state = {**state, **program.state(end), **teacher.state(), **student.state()}
        rows |= {'adjoint.w': np.array(weights), 'adjoint.loss': np.concatenate(losses)}
        if first + n == self.total:
            learned = [rows[f'{name}.w'][-1].reshape(2, 1) for name in LABELS]
            found = measure_spectra(p, program, self.start)
            for when, w in (('before', (self.start, self.start)), ('after', learned)):
                found |= {f'{when}.{key}': x for key, x in trace(p, program, *w).items()}
            state |= {f'end.{key}': values for key, values in found.items()}
        return state, rows

    def rows(self, end):
        return recorded(end) | samples_of(end)

    def describe(self, done, rows):
        return (f"mean squared error {rows['gle.loss'][-1]:.1e} (GLE), "
                f"{rows['adjoint.loss'][-1]:.1e} (adjoint method)")

    def result(self, state, rows):
        arrays = {**rows}
        for key in ('target', 'gle.output', 'gle.err'):
            begin = [state[f'begin.{key}']] if f'begin.{key}' in state else []
            arrays[key] = np.concatenate([*begin, *rows[key]])
        for name in names_in(rows):
            arrays[f'{name}.w'] = np.concatenate([self.start.reshape(1, 2), rows[f'{name}.w']])
        arrays['time'] = SAMPLED*np.arange(len(arrays['target']))
        return arrays | {key.removeprefix('end.'): values for key, values in state.items()
                         if key.startswith('end.')}

    def guide(self):
        return {f'{NAME}_windows_monitor.w': 'the two weights of the first layer after every '
                                             'window',
                f'{NAME}_windows_monitor.loss': 'mean squared error in every window, twice',
                f'{NAME}_samples_monitor.err': 'errors of the two neurons of the upper hidden '
                                               f'layer every {SAMPLED:g} ms'}

    @staticmethod
    def summarize(result):
        arrays = result.arrays
        for name in names_in(arrays):
            w = arrays[f'{name}.w'][-1]
            yield (f'{LABELS[name]:<14} after {WINDOW*len(arrays[f"{name}.loss"]):g} ms: weights '
                   f'{w[0]:.4f}, {w[1]:.4f}, mean squared error {arrays[f"{name}.loss"][-1]:.1e}')
        dt = result.description['parameters']['dt']
        for drive, what in (('full', 'input as it is'), ('small', 'small input')):
            for i, neuron in enumerate(NEURONS):
                ratio = ', '.join(
                    f'{gain:.3f} ({theory:.3f}) and {phase + 2*w*dt:+.3f} rad at {w:g} rad/ms'
                    for w, gain, phase, theory in zip(
                        FREQUENCIES, arrays[f'{drive}.gain'][i], arrays[f'{drive}.phase'][i],
                        continuous_ratio(FREQUENCIES, TAU_M[1][i], TAU_R[1][i])))
                yield (f'error by adjoint variable, {neuron} neuron, {what}: gain (theory) and '
                       f'phase without the delay of two steps {ratio}')


def recorded(variables):
    """Losses and weights at the end of every window, one row per window."""
    loss, w = (recorded_values(f'{NAME}_windows', key, variables, 2) for key in ('loss', 'w'))
    return {'gle.loss': loss[:, 0].copy(), 'gle.w': w}


def names_in(arrays):
    """The names of the students in a result."""
    return [name for name in LABELS if f'{name}.loss' in arrays]
