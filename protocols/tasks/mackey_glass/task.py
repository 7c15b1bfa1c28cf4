"""Prediction of a chaotic series, learned online by slow and fast neurons."""

from functools import cached_property

import numpy as np
from brian2 import Network, defaultclock, ms

from brian_le import Adam
from brian_le.models import (Dense, GLENetwork, Recorder, Sequences, StepClock, by_group, drive,
                             initial_weights, recorded_values)
from brian_le.protocols.parameters import Parameter
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.tasks.mackey_glass.offline import (backpropagation, echo_state,
                                                           learn_offline)
from brian_le.protocols.tasks.mackey_glass.series import (SAMPLED, nrmse, samples, steps,
                                                          stretches)
from brian_le.protocols.tasks.weights import named, weights_in

__all__ = ['LABELS', 'MackeyGlass']

#: The networks, and the reference that needs no network.
LABELS = {'gle': 'GLE, online', 'instantaneous': 'instantaneous errors, online',
          'bptt': 'truncated BPTT, offline', 'echo': 'echo state network',
          'persistence': 'present value'}
_ERRORS = {'gle': 'prospective', 'instantaneous': 'instantaneous'}


class MackeyGlass(Protocol):
    """Prediction of a chaotic series, learned online by slow and fast neurons.

    The series of Mackey and Glass is shown to a network of Generalized Latent Equilibrium in real
    time, and its output learns to be ahead of it. There is one input, the present value; what has
    been is in the slow membranes alone. Every replica of the network hears a stretch of the same
    long series, one unit of whose time takes 1 ms. After each epoch the network predicts stretches
    that it never learns from. The same network with errors that only pass through space, the same
    network trained offline by truncated backpropagation through time, and an echo state network are
    beside it.

    Results have ``time`` (ms), ``present`` and ``target``: samples of the test, the latter two
    [replica, sample]. ``gle.nrmse``: normalised root-mean-square error of the test after each
    epoch; ``gle.output``: the predictions after the last one; ``gle.n_learned``: how many weights
    and biases learn; ``gle.W_forward_0`` and so on: weights at the end. With all students the same
    for ``instantaneous`` and ``bptt``, and with one error for ``echo``, with what was chosen for
    it, such as ``echo.leak``. ``persistence.nrmse``: of predicting the present.
    """

    name = 'mackey-glass'
    figures = 'brian_le.protocols.tasks.mackey_glass.figures'
    unit = 'epoch'
    room = 20  # epochs in one launch of the simulation
    parameters = (
        Parameter('epochs', 30, 'how often the stretches for learning are shown', minimum=1,
                  maximum=1e6),
        Parameter('train', 1000.0, 'length of the stretch that a replica learns from', 'ms',
                  minimum=1, maximum=1e6),
        Parameter('test', 200.0, 'length of the stretch that a replica predicts after every epoch',
                  'ms', minimum=1, maximum=1e6),
        Parameter('washout', 100.0, 'time before each of these, in which neurons forget others',
                  'ms', minimum=0, maximum=1e6),
        Parameter('batch', 16, 'stretches that are shown at once, to replicas that share their '
                  'weights', minimum=1, maximum=1e4),
        Parameter('horizon', 6.0, 'how far ahead the output is to be', 'ms', minimum=0,
                  maximum=1e4),
        Parameter('hidden_layers', 2, 'hidden layers', minimum=1, maximum=100),
        Parameter('slow', 20, 'slow neurons in every hidden layer', minimum=1, maximum=1e4),
        Parameter('fast', 20, 'fast neurons in every hidden layer', minimum=0, maximum=1e4),
        Parameter('tau_slow', 8.0, 'membrane time constant of the first half of the slow neurons',
                  'ms', minimum=1e-3),
        Parameter('tau_slower', 24.0, 'and of the second half', 'ms', minimum=1e-3),
        Parameter('tau_r', 1.0, 'look-ahead time of slow neurons, and both time constants of fast '
                  'ones', 'ms', minimum=1e-3),
        Parameter('rate', 0.0005, 'step size of Adam: change of a weight in a time step',
                  minimum=0),
        Parameter('beta', 1.0, 'strength of the target', minimum=0),
        Parameter('gamma', 0.0, 'how strongly errors act on the membranes'),
        Parameter('window', 20.0, 'time between two steps of truncated backpropagation through '
                  'time', 'ms', minimum=1e-3),
        Parameter('bptt_rate', 0.004, 'step size of Adam after each of these windows', minimum=0),
        Parameter('students', 'all', 'all with those for comparison', choices=('all', 'gle')),
        Parameter('dt', 0.5, 'time step', 'ms', minimum=1e-3),
        Parameter('precision', 'single', 'floating point numbers of the neurons',
                  choices=('double', 'single')),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.precision, self.total = p.precision, p.epochs
        self.n_steps = steps(p).epoch
        self.online = list(_ERRORS) if p.students == 'all' else ['gle']  # what is simulated
        self.data = stretches(p, seed)
        self.layers = layers(p)
        self.weights = weights(p, seed)

    @staticmethod
    def check(p):
        steps(p)

    def compose(self):
        p, n = self.p, steps(self.p)
        defaultclock.dt = p.dt*ms
        x, targets = (np.concatenate(parts).transpose(1, 0, 2)
                      for parts in zip(self.data['train'], self.data['test']))
        # an error compares the output of the last step with the target of this one
        shown = Sequences(x, np.roll(targets, 1, axis=1), duration=n.epoch*p.dt*ms,
                          replicas=p.batch, repeat=True, name='mackey_glass_shown')
        clock = StepClock(shown.duration, name='mackey_glass_clock')
        begin, end = n.washout, n.washout + n.train
        for switch in ('learning', 'nudged'):
            drive(shown.schedule, switch, f'int(step >= {begin})*int(step < {end})', clock,
                  when='start')
        objects = [clock, shown]
        for name in self.online:
            net = GLENetwork(
                1, self.layers, batches=shown, errors=_ERRORS[name], beta=p.beta, gamma=p.gamma,
                eta=p.rate/p.dt/ms, optimiser=Adam(), name=name)
            net.weights.update(self.weights)
            objects += [net, Recorder({'r': (net.output, 'r')}, clock, name=f'{name}_samples',
                                      at=f'step >= {end + n.washout} and step % {n.sampled} == 0')]
        return Network(*objects)

    @cached_property
    def student(self):
        """The one that learns offline beside the others."""
        return backpropagation(self.p, self.layers, self.weights)

    def chunk(self, program, state, first, n):
        """As of `Protocol`, with the student beside; the last outputs are kept in the state."""
        end, rows = super().chunk(program, state, first, n)
        if self.p.students == 'all':
            self.student.restore(state)
            rows |= self._compared('bptt', np.array([learn_offline(self.p, self.student, self.data)
                                                     for _ in range(n)]))
            end |= self.student.state()
        return end | {key: rows.pop(key)[-1] for key in list(rows) if key.endswith('.output')}, rows

    def rows(self, end):
        n = steps(self.p)
        return {key: values for name in self.online for key, values in self._compared(
            name, recorded_values(f'{name}_samples', 'r', end, self.p.batch).astype(float).reshape(
                -1, n.test//n.sampled, self.p.batch).transpose(0, 2, 1)).items()}

    def _compared(self, name, outputs):
        """Outputs in the tests of some epochs, [epoch, replica, sample], and their errors."""
        return {f'{name}.output': outputs,
                f'{name}.nrmse': np.array([nrmse(y, self._target) for y in outputs])}

    @property
    def _target(self):
        return samples(self.p, self.data['test'][1])

    def describe(self, done, rows):
        return f"error {rows['gle.nrmse'][-1]:.3g}"

    def result(self, state, rows):
        present, target = samples(self.p, self.data['test'][0]), self._target
        last = {key: values[-1] for key, values in rows.items()} | state
        found = {'time': SAMPLED*np.arange(target.shape[1]), 'present': present, 'target': target,
                 'persistence.nrmse': np.array(nrmse(present, target))}
        n = np.array(sum(w.size for w in self.weights.values()))
        for name in self.online:
            found |= named(weights_in(state, name, self.weights), f'{name}.')
        if 'bptt.nrmse' in rows:
            self.student.restore(state)
            found |= named(self.student.parts()['weights'], 'bptt.')
            found |= echo_state(self.p, self.seed, self.data)
        for name in LABELS:
            if f'{name}.nrmse' in rows:
                found |= {f'{name}.nrmse': rows[f'{name}.nrmse'], f'{name}.n_learned': n,
                          f'{name}.output': last[f'{name}.output']}
        return found

    def guide(self):
        guide = {}
        for name in self.online:
            guide |= {f'{name}_samples_monitor.r': f'{LABELS[name]}: outputs every {SAMPLED:g} ms '
                                                   'in the tests of all epochs, of all replicas',
                      f'{name}_forward0.w, {name}_bias0.bias': f'{LABELS[name]}: weights at the '
                                                               'end'}
        return guide

    @staticmethod
    def summarize(result):
        p, arrays = result.description['parameters'], result.arrays
        yield (f"normalised root-mean-square error {p['horizon']:g} ms ahead, in stretches that "
               f"were not learned from, after {p['epochs']} epochs:")
        for name, label in LABELS.items():
            if f'{name}.nrmse' in arrays:
                n = arrays.get(f'{name}.n_learned', 0)
                yield (f'{label:<32}{np.ravel(arrays[f"{name}.nrmse"])[-1]:.4f}'
                       + (f'   ({n} weights and biases learn)' if n else ''))


def layers(p):
    """The layers, behind one input."""
    groups = ((p.slow//2, p.tau_slow), (p.slow - p.slow//2, p.tau_slower), (p.fast, p.tau_r))
    hidden = Dense(p.slow + p.fast, tau_r=p.tau_r*ms,
                   tau_m=by_group(*((n, tau*ms) for n, tau in groups if n)))
    return [*[hidden]*p.hidden_layers, Dense(1, tau_m=p.tau_r*ms, tau_r=p.tau_r*ms)]


def weights(p, seed):
    """Initial weights and biases, uniform up to 1/sqrt(inputs of a neuron)."""
    return initial_weights(1, layers(p), np.random.default_rng([seed, 0]))
