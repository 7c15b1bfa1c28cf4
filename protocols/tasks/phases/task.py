"""Why learning without look-ahead needs phases, and learning with it does not."""

import numpy as np
from brian2 import Network, TimedArray, defaultclock, hertz, ms

from brian_le import get_activation
from brian_le.models import Dense, LayeredNetwork, Recorder, StepClock, drive, follow
from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.protocol import Protocol

__all__ = ['LABELS', 'Phases', 'relaxed', 'relaxed_error', 'shown_first', 'stimuli']

LABELS = {'le': 'look-ahead', 'no_look_ahead': 'without look-ahead',
          'phased': 'without, learning in phases'}

_LOOKS_AHEAD = {'teacher': True, 'le': True, 'no_look_ahead': False, 'phased': False}
_FINEST = 100_000  # time steps in a membrane time constant
_TRACED = ('le', 'no_look_ahead')


class Phases(Protocol):
    """Two neurons with optimal weights, which drift away unless learning waits or looks ahead.

    Figure 1 of the Latent Equilibrium paper: two neurons in a row, with membranes that are slow.
    Their weights are already those of the teacher whose outputs they are to give, so that nothing
    is left to learn. Without look-ahead the rates lag behind while membranes settle after every
    change of the input. Plasticity that is always on takes this lag for an error and drags the
    weights away; if it is on only at the end of each presentation it does less harm, at the cost of
    the time that is spent waiting. With look-ahead the rates are right all the time, and the
    weights stay.

    Results have for every chain (``le``, ``no_look_ahead``, ``phased``), after its name and a dot:
    ``weights`` (presentations + 1, 2), the first row before learning; ``distance`` (presentations +
    1), the larger deviation from the teacher's weights; ``relaxed_error`` (presentations + 1), see
    `relaxed_error`; ``loss`` (presentations), the mean squared error of the outputs while they were
    shown. Before learning, at every step: ``trace.time`` (ms), ``trace.input``, ``trace.relaxed``
    and, of the first two chains, ``trace.le.u`` and ``trace.le.r`` (steps, 2) and so on.
    """

    name = 'phases'
    figures = 'brian_le.protocols.tasks.phases.figures'
    unit = 'presentation'
    room = 16384  # presentations in one launch of the simulation
    parameters = (
        Parameter('t_pattern', 50.0, 'time of one presentation', 'ms', minimum=1e-6, maximum=1e5),
        Parameter('presentations', 2000, 'presentations of one random input each', minimum=1,
                  maximum=1e6),
        Parameter('phase', 0.2, 'last part of a presentation, in which phased learning is on',
                  minimum=0, maximum=1),
        Parameter('eta', 1.0, 'learning rate, times t_pattern', minimum=0),
        Parameter('beta', 0.1, 'strength of the nudging', minimum=0),
        Parameter('w_hidden', 1.0, 'weight of the first neuron that gives the wanted outputs'),
        Parameter('w_output', 1.0, 'weight of the second neuron that gives the wanted outputs'),
        Parameter('offset', 0.0, 'how far above these weights learning begins'),
        Parameter('activation', 'tanh', 'activation function',
                  choices=('tanh', 'softplus', 'soft_relu', 'logistic', 'hard_sigmoid', 'relu',
                           'linear')),
        Parameter('tau_m', 10.0, 'membrane time constant', 'ms', minimum=1e-6, maximum=1e5),
        Parameter('dt', 0.1, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.total, (self.n_steps, self.first_learned) = p.presentations, _n_steps(p)
        self.inputs, self.first_inputs = stimuli(p, seed), shown_first(p)
        self.capacity = max(self.room, len(self.first_inputs))  # inputs that there is room for

    @staticmethod
    def check(p):
        _n_steps(p)
        shown_first(p)

    def compose(self):
        return self._compose(self.inputs[:self.room], self.n_steps)

    def compose_whole(self):
        return self._compose(self.inputs, self.n_steps)

    def _compose(self, inputs, hold, traced=False):
        """A teacher, and the three chains that learn from it.

        Each of the `inputs` is shown for `hold` time steps. If `traced`, potentials and rates are
        recorded in every step, and nothing learns.
        """
        p = self.p
        defaultclock.dt = p.dt*ms
        table = TimedArray(self._padded(inputs), dt=1*ms, name='phases_inputs')
        clock = StepClock(hold*p.dt*ms, equations='first : integer (shared, constant)',
                          name=self.name)
        clock.first = self.first_learned  # step from which on phased learning is on
        nets = {}
        for name, looks_ahead in _LOOKS_AHEAD.items():
            learns = name != 'teacher'
            net = nets[name] = LayeredNetwork(
                1, [Dense(1), Dense(1)], activation=p.activation, output_activation=p.activation,
                bias=False, beta=p.beta if learns else 0, eta=1/ms if learns else 0/ms,
                tau_m=p.tau_m*ms, tau_r=(p.tau_m if looks_ahead else 0)*ms, name=name)
            net.weights.update(_weights(p, name))
            net.schedule.nudged = not traced
            drive(net.inputs, 'r', 'inputs((period + 0.5)*ms)', clock, inputs=table)
            if learns:
                eta = 0 if traced else p.eta
                for k in (0, 1):
                    net.projections['forward', k].eta = 1e3*eta/p.t_pattern*hertz
                follow(net.output, nets['teacher'].output)
        drive(nets['phased'].schedule, 'learning', 'int(step >= first)', clock, when='start')
        learned, traces = _recorders(clock, nets)
        traces.group.on = traced
        return Network(clock, *nets.values(), learned, traces)

    def _padded(self, inputs):
        """A table of some inputs, as long as those of all launches."""
        return np.pad(inputs, (0, max(0, self.capacity - len(inputs))), mode='edge')

    def begin(self, program):
        p, x = self.p, self.first_inputs
        end = program.of(lambda: self._compose(x, 1, traced=True))({}, len(x))
        return {'trace.time': p.dt*(1 + np.arange(len(x))), 'trace.input': x,
                'trace.relaxed': np.stack(relaxed(p, x, p.w_hidden + p.offset,
                                                  p.w_output + p.offset), axis=1),
                **{f'trace.{name}.{variable}': np.stack(
                    [end[f'phases_traces_monitor.{name}_{variable}{k}'] for k in (0, 1)], axis=1)
                   for name in _TRACED for variable in 'ur'}}

    def shown(self, first, n):
        return {'phases_inputs.values': self._padded(self.inputs[first:first + n]),
                'phases.step': -1, 'phases.period': -1}

    def rows(self, end):
        found = {}
        for name in LABELS:
            found[f'{name}.weights'] = np.stack([end[f'phases_learned_monitor.{name}_w{k}']
                                                 for k in (0, 1)], axis=1)
            found[f'{name}.loss'] = end[f'phases_learned_monitor.{name}_loss']
        return found

    def describe(self, done, rows):
        return ', '.join(f"{label} {rows[f'{name}.weights'][-1].round(2)}"
                         for name, label in LABELS.items())

    def result(self, state, rows):
        arrays, wanted = {}, np.array([self.p.w_hidden, self.p.w_output])
        for name in LABELS:
            weights = np.vstack([wanted + self.p.offset, rows[f'{name}.weights']])
            arrays |= {f'{name}.weights': weights, f'{name}.loss': rows[f'{name}.loss'],
                       f'{name}.distance': np.abs(weights - wanted).max(axis=1),
                       f'{name}.relaxed_error': relaxed_error(self.p, weights)}
        return arrays | {key: values for key, values in state.items() if key.startswith('trace.')}

    def guide(self):
        return {f'phases_learned_monitor.{name}_w0, _w1': f'weights, {label}: one per presentation'
                for name, label in LABELS.items()}

    @staticmethod
    def measures(result):
        """Means over the last tenth of the presentations, for every chain.

        ``le_distance`` (of the weights from the teacher's), ``le_loss`` (mean squared error while
        learning) and ``le_relaxed_error`` (mean squared error of settled outputs), and so on.
        """
        found = {}
        for name in LABELS:
            last = -(-len(result.arrays[f'{name}.loss'])//10)
            for key in ('distance', 'loss', 'relaxed_error'):
                found[f'{name}_{key}'] = float(result.arrays[f'{name}.{key}'][-last:].mean())
        return found

    @classmethod
    def summarize(cls, result):
        found = cls.measures(result)
        for name, label in LABELS.items():
            yield (f"{label:<28} weights are off by {found[f'{name}_distance']:.2g}, error of "
                   f"settled outputs {found[f'{name}_relaxed_error']:.1e}, while learning "
                   f"{found[f'{name}_loss']:.1e}")


def stimuli(p, seed):
    """The inputs of all presentations: uniform in [-1, 1), the random draw of a run."""
    return np.random.default_rng(seed).uniform(-1, 1, p.presentations)


def shown_first(p):
    """The input at every step before learning: smooth and fast, then constant, then another.

    It is smooth for six, and constant for twice three membrane time constants.
    """
    n = round(p.tau_m/p.dt)
    if not 1 <= p.tau_m/p.dt <= _FINEST:
        raise ValueError(f"'tau_m' is {p.tau_m:g} ms; give from one to {_FINEST} time steps ('dt' "
                         f'is {p.dt:g} ms)')
    time = np.arange(6*n)/n
    smooth = 0.6*np.sin(2*np.pi*time/2) + 0.4*np.sin(2*np.pi*time/0.9 + 1)
    return np.concatenate([smooth, np.repeat([0.9, -0.5], 3*n)])


def relaxed(p, x, w_hidden, w_output):
    """Rates of both neurons, hidden and output, once they have settled, for inputs `x`."""
    phi = get_activation(p.activation).rates
    hidden = phi(np.asarray(w_hidden*np.asarray(x), float))
    return hidden, phi(w_output*hidden)


def relaxed_error(p, weights):
    """What weights (n, 2) are worth: mean squared errors of settled outputs, inputs in [-1, 1]."""
    x = (np.arange(100) + 0.5)/50 - 1
    wanted = relaxed(p, x, p.w_hidden, p.w_output)[1]
    found = relaxed(p, x, *np.asarray(weights, float).T[:, :, None])[1]
    return np.mean((found - wanted)**2, axis=1)


def _n_steps(p):
    """Time steps of a presentation, and the first of them in which phased learning is on."""
    n_steps = steps_per_pattern(p)
    return n_steps, n_steps - round(p.phase*n_steps)


def _weights(p, name):
    offset = 0 if name == 'teacher' else p.offset
    return {('forward', 0): [[p.w_hidden + offset]], ('forward', 1): [[p.w_output + offset]]}


def _recorders(clock, nets):
    """What is recorded: losses and weights of presentations, and potentials and rates of steps."""
    losses, outputs = {}, {'teacher_r': (nets['teacher'].output, 'r')}
    for name in LABELS:
        losses[f'{name}_loss'] = f'(teacher_r - {name}_r)**2/n_steps'
        outputs[f'{name}_r'] = nets[name].output, 'r'
    weights = {f'{name}_w{k}': (nets[name].projections['forward', k], 'w')
               for name in LABELS for k in (0, 1)}
    yield Recorder({**{loss: loss for loss in losses}, **weights}, clock, sums=losses,
                   at='step == n_steps - 1', name='phases_learned', **outputs)
    yield Recorder({f'{name}_{variable}{k}': (nets[name].neurons[k], variable)
                    for name in _TRACED for variable in 'ur' for k in (0, 1)},
                   at='on > 0', equations='on : 1 (shared, constant)', name='phases_traces')
