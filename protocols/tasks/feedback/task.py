"""Where feedback weights come from: transposed, random, or learned from noise."""

from functools import cached_property

import numpy as np
from brian2 import Network, defaultclock, kHz, ms

from brian_le.models import Microcircuit, Presentations, Readout, random_weights, self_predicting
from brian_le.protocols.data.datasets import yin_yang
from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.tasks.circuit_parameters import CONDUCTANCES, activation, conductances
from brian_le.protocols.tasks.weights import angle, named, weights_in
from brian_le.substrate import Noise, Substrate

__all__ = ['Feedback']

N_INPUTS, N_OUTPUTS = 4, 3
_RATES = {'up0': 'eta_up', 'up1': 'eta_out', 'ip0': 'eta_ip', 'pi0': 'eta_pi',
          'down0': 'eta_down'}


class Feedback(Protocol):
    """Where feedback weights come from: transposed, random, or learned from noise.

    A microcircuit of 4-30-3 neurons learns which part of the yin-yang symbol a point is in. Errors
    reach its hidden neurons through top-down weights, which are those of the forward projection
    (transposed), random and fixed, or learned: noise on the apical potentials goes forward and
    comes back, and the top-down synapses find it there (phaseless alignment learning, Max et al.
    2024). Learned weights turn towards the transposed forward ones while these learn.

    Results have ``error`` and ``accuracy`` in validation, and the ``angle`` between the weights
    from above and the transposed forward ones (degrees), after every epoch; ``initial_angle``;
    ``outputs``, mean output potentials in the last validation (samples, 3); ``initial_W_*`` and
    ``final_W_*`` (matrices [post, pre]). Those of an exported project have no ``angle``, but
    ``order``, the samples as they were shown.
    """

    name = 'feedback'
    figures = 'brian_le.protocols.tasks.feedback.figures'
    unmeasured = ('angle', 'initial_angle')  # NaN is an angle with weights that are all zero
    unit = 'epoch'
    parameters = (
        Parameter('feedback', 'learned', 'weights from above: those of the forward projection, '
                  'fixed random ones, or learned ones',
                  choices=('transposed', 'random', 'learned')),
        Parameter('epochs', 120, 'epochs of all training and all validation samples', minimum=1,
                  maximum=1e6),
        Parameter('samples', 2000, 'training samples', minimum=1, maximum=1e6),
        Parameter('validation', 300, 'validation samples', minimum=1, maximum=1e6),
        Parameter('hidden', 30, 'pyramidal neurons in the hidden layer', minimum=1, maximum=1e5),
        Parameter('t_pattern', 1.0, 'time of one presentation', 'ms', minimum=1e-4, maximum=1e5),
        Parameter('eta_up', 200.0, 'learning rate of the hidden layer, times t_pattern', minimum=0),
        Parameter('eta_out', 0.1, 'learning rate of the output layer, times t_pattern', minimum=0),
        Parameter('eta_ip', 0.2, 'learning rate of pyramidal to interneuron, times t_pattern',
                  minimum=0),
        Parameter('eta_pi', 0.0, 'learning rate of interneuron to pyramidal, times t_pattern; 0 is '
                  'for weights that are always minus those from above', minimum=0,
                  named=((0, 'tied'),)),
        Parameter('eta_down', 1.0, 'learning rate of learned feedback, times t_pattern', minimum=0),
        Parameter('alpha', 1e-5, 'decay of learned feedback weights, relative to eta_down',
                  minimum=0),
        Parameter('noise', 0.08, 'standard deviation of the noise on apical potentials', minimum=0),
        Parameter('tau_noise', 0.1, 'correlation time of the noise', 'ms', minimum=0),
        Parameter('tau_high', 0.2, 'time constant of the high-pass of rates from above', 'ms',
                  minimum=1e-6),
        Parameter('w_max', 40.0, 'largest absolute weight of the forward projections',
                  minimum=1e-6),
        Parameter('tau_0', 0.1, 'low-pass filter of inputs and targets', 'ms', minimum=1e-6),
        Parameter('scale_up', 10.0, 'largest initial weight into the hidden layer', minimum=0),
        Parameter('scale_out', 0.1, 'largest initial weight into the output layer', minimum=0),
        Parameter('scale_down', 0.5, 'largest initial weight from above', minimum=0),
        Parameter('u_high', 1.0, 'target potential of the correct output'),
        Parameter('u_low', 0.0, 'target potential of the other outputs'),
        activation('logistic'),
        *CONDUCTANCES,
        Parameter('dt', 0.02, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.total = p.epochs
        self.n_steps = (p.samples + p.validation)*steps_per_pattern(p)

    @staticmethod
    def check(p):
        steps_per_pattern(p)
        if p.tau_0 < p.dt*(1 - 1e-9):
            raise ValueError(f"'tau_0' is {p.tau_0:g} ms, less than the time step; give at least "
                             f"'dt', {p.dt:g} ms (which means no filter)")
        if p.feedback == 'learned':
            if p.noise == 0:
                raise ValueError("learned feedback needs noise; give 'noise' above 0")
            if p.tau_high <= p.dt*(1 + 1e-9):
                raise ValueError(f"'tau_high' is {p.tau_high:g} ms, with which nothing passes; "
                                 f"give more than 'dt', {p.dt:g} ms")

    @cached_property
    def samples(self):
        """Inputs and classes of all samples: those to learn from, then those to validate with."""
        data = yin_yang(self.p.samples, self.p.validation, 1)
        return tuple(np.concatenate([getattr(part, key) for part in (data.train, data.validation)])
                     for key in ('inputs', 'classes'))

    @property
    def targets(self):
        """Target potentials of all samples, of shape (samples + validation, 3)."""
        return np.where(np.eye(N_OUTPUTS)[self.samples[1]] > 0, self.p.u_high, self.p.u_low)

    @cached_property
    def drawn(self):
        """Initial weights by (kind, layer), in the self-predicting state, and the order of samples.

        The order is of shape (epochs, samples + validation): training samples in random order, then
        those for validation. The same seed draws the same for all kinds of feedback.
        """
        p, rng = self.p, np.random.default_rng(self.seed)
        weights = random_weights((N_INPUTS, p.hidden, N_OUTPUTS), rng)
        scales = {('up', 0): p.scale_up, ('up', 1): p.scale_out, ('down', 0): p.scale_down}
        weights = {key: scales[key]*weights[key] for key in scales}
        weights = self_predicting(weights, g_l=p.g_l, g_b=p.g_b, g_a=p.g_a, g_d=p.g_d)
        if p.feedback == 'transposed':
            del weights['down', 0]
        if p.feedback != 'random' and p.eta_pi == 0:
            del weights['pi', 0]
        validated = p.samples + np.arange(p.validation)
        return weights, np.array([np.concatenate([rng.permutation(p.samples), validated])
                                  for _ in range(p.epochs)])

    def compose(self):
        return self._compose(self.drawn[1][0])

    def compose_whole(self):
        return self._compose(self.drawn[1].ravel())

    def _compose(self, order):
        """The circuit, shown samples in some order."""
        p = self.p
        defaultclock.dt = p.dt*ms
        training = order < p.samples
        self.presentations = Presentations(
            self.samples[0], self.targets, duration=p.t_pattern*ms, order=order, nudged=training,
            learning=training, tau_0=p.tau_0*ms, name=self.name)
        eta = {key: getattr(p, rate)/p.t_pattern*kHz for key, rate in _RATES.items()}
        if p.feedback != 'learned':
            eta['down0'] = 0*kHz
        self.circuit = Microcircuit(
            (N_INPUTS, p.hidden, N_OUTPUTS), self.presentations, activation=p.activation,
            feedback='fixed' if p.feedback == 'random' else p.feedback, **conductances(p),
            eta_up=(eta['up0'], eta['up1']), eta_ip=eta['ip0'], eta_pi=eta['pi0'],
            eta_down=eta['down0'], decay_down=p.alpha*eta['down0'],
            tau_high=p.tau_high*ms if p.feedback == 'learned' else None, w_max=(p.w_max, p.w_max),
            name='circuit', substrate=Substrate([Noise('v_api', p.noise, tau=p.tau_noise*ms)],
                                                self.seed))
        self.circuit.weights.update(self.drawn[0])
        readout = Readout(self.presentations, self.circuit.output, self.circuit.visible,
                          name='readout')
        return Network(self.presentations, self.circuit, readout)

    def shown(self, first, n):
        order = self.drawn[1][first]  # one epoch
        training = order < self.p.samples
        return {**self.presentations.tables(order, training, training),
                f'{self.name}.presentation': -1}

    def chunk(self, program, state, first, n):
        state, rows = super().chunk(program, state, first, n)
        return state, {**rows, 'angle': np.array([_turned(self._matrices(state))])}

    def rows(self, end):
        """Errors, accuracies and outputs in validation."""
        means = np.reshape(end['readout_monitor.mean'],
                           (-1, self.p.samples + self.p.validation, N_OUTPUTS))
        validated = means[:, self.p.samples:]
        return {**self.scores(validated), 'outputs': validated}

    def scores(self, means):
        """Errors (mean square) and accuracies of mean outputs, [epoch, validation sample, 3]."""
        wanted, classes = (each[self.p.samples:] for each in (self.targets, self.samples[1]))
        return {'error': np.array([np.mean((each - wanted)**2) for each in means]),
                'accuracy': np.mean(means.argmax(axis=2) == classes, axis=1)}

    def _matrices(self, state):
        """The weights in a state by (kind, layer), of shape [post, pre]."""
        return weights_in(state, 'circuit', self.drawn[0])

    def describe(self, done, rows):
        return f"accuracy {rows['accuracy'][-1]:.3f}, angle {rows['angle'][-1]:.1f} degrees"

    def result(self, state, rows):
        return {**rows, 'outputs': rows['outputs'][-1],
                'initial_angle': np.array(_turned(self.drawn[0])),
                **named(self.drawn[0], 'initial_'), **named(self._matrices(state), 'final_'),
                **{key: state[key] for key in self.kept() if key in state}}

    def kept(self):
        return {'order': self.drawn[1]}

    def guide(self):
        guide = {'readout_monitor.mean': 'mean output potentials, three per presentation',
                 'circuit_up0.w, circuit_up1.w': 'forward weights at the end'}
        if self.p.feedback != 'transposed':
            guide['circuit_down0.w'] = 'weights from above at the end'
        return guide

    @staticmethod
    def measures(result):
        """Scalars of a run: accuracy and error of the last tenth of all epochs, and angles."""
        arrays = result.arrays
        last = max(1, len(arrays['accuracy'])//10)
        return {'accuracy': arrays['accuracy'][-last:].mean(),
                'final_accuracy': arrays['accuracy'][-1],
                'best_accuracy': arrays['accuracy'].max(),
                'error': arrays['error'][-last:].mean(),
                'initial_angle': float(arrays['initial_angle']), 'angle': arrays['angle'][-1]}

    @classmethod
    def summarize(cls, result):
        found = cls.measures(result)
        yield (f"{result.description['parameters']['feedback']} feedback: accuracy "
               f"{found['accuracy']:.3f}, angle between W_down and the transposed W_up "
               f"{found['initial_angle']:.1f} degrees at first, {found['angle']:.1f} at the end")


def _turned(matrices):
    """The angle between the weights from above and the transposed forward ones, in degrees."""
    forward = matrices['up', 1].T
    return angle(matrices.get(('down', 0), forward), forward)
