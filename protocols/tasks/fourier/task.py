"""Fourier synthesis: a network of slow neurons learns a fast signal while it is shown."""

import numpy as np
from brian2 import Network, defaultclock, ms

from brian_le.models import Dense, LayeredNetwork, Recorder, StepClock, drive, initial_weights
from brian_le.protocols.parameters import Parameter
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.tasks.steps import steps_of
from brian_le.protocols.tasks.weights import named, weights_in

__all__ = ['Fourier', 'PERIOD', 'sample_times']

PERIOD = 50.0  #: of the sawtooth, in ms
N_INPUTS = 50
_SAMPLED = 0.1  # ms between two samples of the output


class Fourier(Protocol):
    """A 50 ms sawtooth out of 50 sines, learned online by 50-30-1 slow neurons.

    Figure 2a of the Latent Equilibrium paper: 50 sines of 10, 20, ..., 500 Hz drive 30 hidden
    neurons and one output, which learns to follow a sawtooth with a period of 50 ms. All membranes
    have time constants of 10 ms, yet there are no phases and no pauses: neurons look ahead, and
    weights learn in every time step. After some periods learning and nudging end, and the network
    goes on by itself. Initial weights and biases are uniform between -1/sqrt(n) and 1/sqrt(n) for
    neurons with n inputs.

    Results have ``error``: mean squared error in every period, over all of its time steps; ``time``
    (ms), ``output`` and ``target``: samples, one row per period; weights and biases before
    (``initial_W_forward_0`` and so on) and after learning (``W_forward_0``).
    """

    name = 'fourier'
    figures = 'brian_le.protocols.tasks.fourier.figures'
    unit = 'period'
    room = 200  # periods in one launch of the simulation
    parameters = (
        Parameter('periods', 12, 'periods of 50 ms', minimum=1, maximum=1e4),
        Parameter('learning', 8, 'how many of them, from the first on, have learning and nudging',
                  minimum=0, maximum=1e4),
        Parameter('hidden', 30, 'hidden neurons', minimum=1, maximum=1e5),
        Parameter('eta', 0.25, 'learning rate of weights and biases', '1/ms', minimum=0),
        Parameter('beta', 0.1, 'strength of the nudging', minimum=0),
        Parameter('gamma', 1.0, 'how strongly errors act on the membranes; -1 nudges the output '
                  "away from its target, as in the paper's code"),
        Parameter('tau_m', 10.0, 'membrane time constant', 'ms', minimum=1e-6),
        Parameter('tau_r', None, 'look-ahead time; auto is tau_m', 'ms', minimum=0),
        Parameter('dt', 0.005, 'time step', 'ms', minimum=1e-4),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.layers = [Dense(p.hidden), Dense(1)]  # behind 50 inputs
        self.weights = initial_weights(N_INPUTS, self.layers, np.random.default_rng(seed))
        self.total, self.n_steps = p.periods, steps_per_period(p)

    @staticmethod
    def check(p):
        steps_per_period(p)

    def compose(self):
        p = self.p
        defaultclock.dt = p.dt*ms
        clock = StepClock(PERIOD*ms, equations='n_learning : integer (shared, constant)',
                          name=self.name)
        clock.n_learning = p.learning
        net = LayeredNetwork(N_INPUTS, self.layers, rate_at='input', gamma=p.gamma, beta=p.beta,
                             eta=p.eta/ms, tau_m=p.tau_m*ms,
                             tau_r=None if p.tau_r is None else p.tau_r*ms, name='fourier_net')
        net.weights.update(self.weights)
        for switch in ('learning', 'nudged'):
            drive(net.schedule, switch, 'int(period < n_learning)', clock)
        drive(net.inputs, 'r', 'sin(2*pi*10*hertz*(neuron + 1)*now)', clock)
        drive(net.output, 'target', '2.0*step/n_steps - 1', clock)
        output, target = (net.output, 'r'), (net.output, 'target')
        samples = Recorder({'output': output, 'target': target}, clock,
                           at=f'step % {sampling_steps(p)} == 0', name='fourier_samples')
        errors = Recorder({'error': 'total/n_steps'}, clock,
                          sums={'total': '(output - target)**2'}, at='step == n_steps - 1',
                          output=output, target=target, name='fourier_errors')
        return Network(clock, net, samples, errors)

    def rows(self, end):
        n_samples = -(-self.n_steps//sampling_steps(self.p))
        samples = {key: np.reshape(end[f'fourier_samples_monitor.{key}'], (-1, n_samples))
                   for key in ('output', 'target')}
        return {'error': np.array(end['fourier_errors_monitor.error']), **samples}

    def describe(self, done, rows):
        return f"mean squared error {rows['error'][-1]:.4f}"

    def result(self, state, rows):
        return {**rows, 'time': sample_times(self.p), **named(self.weights, 'initial_'),
                **named(weights_in(state, 'fourier_net', self.weights))}

    def guide(self):
        every = sampling_steps(self.p)*self.p.dt
        return {'fourier_errors_monitor.error': 'mean squared error in every period',
                'fourier_samples_monitor.output': f'output every {every:g} ms',
                'fourier_samples_monitor.target': 'target at the same times',
                'fourier_net_forward0.w': 'weights of the hidden neurons at the end'}

    @staticmethod
    def summarize(result):
        error = result.arrays['error']
        learning = min(result.description['parameters']['learning'], len(error))
        if learning:
            yield (f'mean squared error while learning: {error[0]:.4f} in the first period, '
                   f'{error[learning - 1]:.4f} in period {learning}')
        if learning < len(error):
            yield (f'mean squared error afterwards, without learning and nudging: '
                   f'{error[learning:].mean():.4f} (mean of {len(error) - learning} periods)')


def steps_per_period(p):
    """Time steps of one period; a ValueError if their number is not whole."""
    return steps_of(p, PERIOD, f'the period of {PERIOD:g} ms', '0.005 or 0.01', fewest=2)


def sampling_steps(p):
    """Time steps from one sample of the output to the next."""
    return max(1, round(_SAMPLED/p.dt))


def sample_times(p):
    """The times of all samples in ms, one row per period."""
    steps = np.arange(0, steps_per_period(p), sampling_steps(p))
    return PERIOD*np.arange(p.periods)[:, None] + p.dt*steps
