"""Feedback weights of a deep microcircuit that learn from noise while forward weights rest."""

from functools import cached_property

import numpy as np
from brian2 import Network, defaultclock, kHz, ms

from brian_le import get_activation
from brian_le.models import (Microcircuit, Presentations, Recorder, random_weights,
                             recorded_values, self_predicting)
from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.tasks.circuit_parameters import CONDUCTANCES, activation, conductances
from brian_le.protocols.tasks.weights import angle, named, weights_in
from brian_le.substrate import Noise, Substrate

__all__ = ['SIZES', 'PhaselessAlignment']

SIZES = (5, 20, 10, 20, 5)
_HIDDEN = range(len(SIZES) - 2)


class PhaselessAlignment(Protocol):
    """Feedback weights of a microcircuit with three hidden layers learn from noise alone.

    A circuit of 5-20-10-20-5 neurons is shown random inputs, without targets. Its forward weights
    are random and rest; those from above learn by phaseless alignment (Max et al. 2024, Fig. 3),
    and those of the interneurons by silencing the apical dendrites.

    What a weight from above converges to is, up to a factor, the right-hand side of its rule: the
    forward weight times the slopes of both activations, ``phi'(v) W^T phi'(v)``, on average over
    inputs.

    Results have, after every epoch and for the three hidden layers (in degrees, shape (epochs, 3)),
    the ``angle`` between weights from above and the transposed forward ones, ``rule_angle``, that
    with the right-hand side of their rule for one input, as a mean over inputs, and ``mean_angle``,
    that with the right-hand side averaged over inputs; the same before learning, as
    ``initial_angle`` and so on; ``initial_W_*`` and ``final_W_*`` (matrices [post, pre]).
    """

    name = 'pal'
    figures = 'brian_le.protocols.tasks.pal.figures'
    unit = 'epoch'
    room = 10  # epochs in one launch of the simulation
    parameters = (
        Parameter('epochs', 100, 'epochs of all samples', minimum=1, maximum=1e6),
        Parameter('samples', 100, 'random inputs, uniform between 0 and 1', minimum=1,
                  maximum=1e6),
        Parameter('t_pattern', 1.0, 'time of one presentation', 'ms', minimum=1e-4, maximum=1e5),
        Parameter('scale', 1.0, 'largest initial weight, of all projections', minimum=1e-6),
        Parameter('eta_down', 50.0, 'learning rate of weights from above', '1/ms', minimum=0),
        Parameter('eta_pi', 5.0, 'learning rate of interneuron to pyramidal', '1/ms',
                  minimum=1e-9),
        Parameter('alpha', 1e-5, 'decay of weights from above, relative to eta_down', minimum=0),
        Parameter('noise', 0.0363, 'standard deviation of the noise on apical potentials',
                  minimum=1e-9),
        Parameter('tau_noise', 0.1, 'correlation time of the noise', 'ms', minimum=0),
        Parameter('tau_high', 0.1, 'time constant of the high-pass of rates from above', 'ms',
                  minimum=1e-6),
        activation('logistic'),
        *CONDUCTANCES,
        Parameter('dt', 0.01, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.total = p.epochs
        self.n_steps = p.samples*steps_per_pattern(p)

    @staticmethod
    def check(p):
        steps_per_pattern(p)
        if p.tau_high <= p.dt*(1 + 1e-9):
            raise ValueError(f"'tau_high' is {p.tau_high:g} ms, with which nothing passes; give "
                             f"more than 'dt', {p.dt:g} ms")

    @cached_property
    def drawn(self):
        """Inputs (samples, 5), and initial weights by (kind, layer), which are self-predicting."""
        p, rng = self.p, np.random.default_rng(self.seed)
        weights = random_weights(SIZES, rng, p.scale)
        inputs = rng.random((p.samples, SIZES[0]))
        return inputs, self_predicting(weights, g_l=p.g_l, g_b=p.g_b, g_a=p.g_a, g_d=p.g_d)

    def compose(self):
        p = self.p
        defaultclock.dt = p.dt*ms
        presentations = Presentations(self.drawn[0], duration=p.t_pattern*ms, repeat=True,
                                      name=self.name)
        circuit = Microcircuit(
            SIZES, presentations, activation=p.activation, feedback='learned', **conductances(p),
            eta_down=p.eta_down*kHz, decay_down=p.alpha*p.eta_down*kHz, eta_pi=p.eta_pi*kHz,
            tau_high=p.tau_high*ms, w_max=None, name='circuit',
            substrate=Substrate([Noise('v_api', p.noise, tau=p.tau_noise*ms)], self.seed))
        circuit.weights.update(self.drawn[1])
        recorders = [
            Recorder({'w': (circuit.projections['down', k], 'w')}, presentations.schedule,
                     at=f'step == n_steps - 1 and pattern == {p.samples - 1}', name=f'epochs{k}')
            for k in _HIDDEN]
        return Network(presentations, circuit, recorders)

    def rows(self, end):
        """Angles of the weights from above after every epoch."""
        above = [np.transpose(recorded_values(f'epochs{k}', 'w', end, SIZES[k + 1]*SIZES[k + 2])
                              .reshape(-1, SIZES[k + 2], SIZES[k + 1]), (0, 2, 1))
                 for k in _HIDDEN]
        found = [self._angles(down) for down in zip(*above)]
        return {name: np.array([each[name] for each in found]) for name in found[0]}

    @cached_property
    def _rules(self):
        """Right-hand sides of the rule, by hidden layer, of shape (samples, post, pre)."""
        p, (inputs, weights) = self.p, self.drawn
        slope = get_activation(p.activation).slopes
        rates, slopes = inputs, []
        for k in range(len(SIZES) - 1):
            apical = p.g_a if k in _HIDDEN else 0
            v = rates @ weights['up', k].T*p.g_b/(p.g_l + p.g_b + apical)
            rates = get_activation(p.activation).rates(v)
            slopes.append(slope(v))
        return [slopes[k][:, :, None]*weights['up', k + 1].T*slopes[k + 1][:, None, :]
                for k in _HIDDEN]

    def _angles(self, down):
        """Angles of the weights from above, by name, one for each hidden layer."""
        return {
            'angle': np.array([angle(down[k], self.drawn[1]['up', k + 1].T) for k in _HIDDEN]),
            'rule_angle': np.array([np.mean([angle(down[k], each) for each in self._rules[k]])
                                    for k in _HIDDEN]),
            'mean_angle': np.array([angle(down[k], self._rules[k].mean(axis=0))
                                    for k in _HIDDEN])}

    def describe(self, done, rows):
        return f"angles to W_up {', '.join(f'{a:.0f}' for a in rows['angle'][-1])} degrees"

    def result(self, state, rows):
        initial = self.drawn[1]
        angles = self._angles([initial['down', k] for k in _HIDDEN])
        return {**rows, **{f'initial_{name}': found for name, found in angles.items()},
                **named(initial, 'initial_'),
                **named(weights_in(state, 'circuit', initial), 'final_')}

    def guide(self):
        return {'circuit_down0.w to circuit_down2.w': 'weights from above at the end',
                'circuit_up1.w to circuit_up3.w': 'forward weights, which rest'}

    @staticmethod
    def measures(result):
        """Angles of every hidden layer at the end (degrees)."""
        return {f'{name}_{k}': result.arrays[name][-1, k]
                for name in ('angle', 'rule_angle', 'mean_angle') for k in _HIDDEN}

    @classmethod
    def summarize(cls, result):
        found = cls.measures(result)
        for name, what in (('angle', 'the transposed W_up'),
                           ('rule_angle', 'the right-hand side of the rule'),
                           ('mean_angle', 'its mean over inputs')):
            angles = ', '.join(f'{found[f"{name}_{k}"]:.1f}' for k in _HIDDEN)
            yield f'angles between W_down and {what}: {angles} degrees'
