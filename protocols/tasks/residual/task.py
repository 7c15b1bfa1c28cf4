"""Twenty hidden layers of slow neurons learn digits, with a residual stream or as a chain."""

from functools import cached_property
from types import SimpleNamespace

import numpy as np

from brian_le.protocols.data.datasets import digits
from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.tasks.epochs import InEpochs
from brian_le.protocols.tasks.residual.deep import gains, initial, learn, rates

__all__ = ['LABELS', 'Residual']

LABELS = {'le': 'Latent Equilibrium', 'backprop': 'backpropagation'}


class Residual(InEpochs):
    """A deep network of slow neurons learns handwritten digits (8 x 8 pixels).

    With ``network=residual`` every hidden layer but the first adds the rates of the layer before to
    what its weights bring (`Identity` edges of a `Graph`): a stream through which rates and errors
    pass twenty layers. ``network=chain`` has no such edges, and depends on its start: orthogonal
    weights (``start=orthogonal``, ``scale=1``) carry signals through, normal ones do not. Batches
    are shown long enough to settle, and learning is on in the last steps of each. The same network
    learns by backpropagation beside it, from the same start and the same batches.

    Results have ``le.accuracy`` and ``backprop.accuracy`` on the test samples, before learning and
    after every epoch; ``le.loss``, the mean of half the squared error over an epoch; and ``gain``,
    the largest eigenvalue of J J^T, where J is what errors of neurons do to the outputs, the mean
    over 32 test samples. Updates follow the gradient while beta times that is far below 1.

    Needs scikit-learn.
    """

    name = 'residual'
    figures = 'brian_le.protocols.tasks.residual.figures'
    requires = {'sklearn': 'scikit-learn'}
    benchmark = SimpleNamespace(read=lambda p: digits())
    parameters = (
        Parameter('network', 'residual', 'with or without a residual stream',
                  choices=('residual', 'chain')),
        Parameter('layers', 20, 'hidden layers', minimum=2, maximum=1000),
        Parameter('hidden', 40, 'neurons in each of them', minimum=1, maximum=1e4),
        Parameter('start', 'normal', 'initial weights between hidden layers',
                  choices=('normal', 'orthogonal')),
        Parameter('scale', 0.1, 'size of these: standard deviation times the root of the inputs of '
                  'a neuron, or factor of an orthogonal matrix', minimum=0, maximum=10),
        Parameter('epochs', 30, 'how often all training samples are shown', minimum=1, maximum=1e6),
        Parameter('batch', 32, 'samples that are shown at once', minimum=1, maximum=1e5),
        Parameter('rate', 0.05, 'learning rate of gradient descent; of a batch, all steps together',
                  minimum=0),
        Parameter('beta', 0.003, 'strength of the nudging', minimum=1e-9),
        Parameter('t_pattern', 4.8, 'time for which a batch is shown', 'ms', minimum=1e-3,
                  maximum=1e5),
        Parameter('late', 4, 'last steps of it in which learning is on', minimum=1, maximum=1e6),
        Parameter('tau_m', 10.0, 'membrane time constant', 'ms', minimum=1e-6),
        Parameter('precision', 'single', 'floating point numbers', choices=('double', 'single')),
        Parameter('dt', 0.1, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.precision, self.n_steps = p.precision, steps_per_pattern(p)
        self.room = max(1, 4096//p.batch)
        self.has_stream = p.network == 'residual'

    @staticmethod
    def check(p):
        if p.late > steps_per_pattern(p):
            raise ValueError(f"'late' is {p.late}, but a batch is shown for {steps_per_pattern(p)} "
                             'steps; give fewer')

    @cached_property
    def weights(self):
        """The initial weights and biases of all layers."""
        p = self.p
        return initial([64, *[p.hidden]*p.layers, 10], p.start, p.scale,
                       np.random.default_rng(self.seed))

    @property
    def edges(self):
        """The edges with weights, by source and target, in the order of the layers."""
        names = ['x', *(f'h{k}' for k in range(1, self.p.layers + 1)), 'y']
        return list(zip(names, names[1:]))

    # ------------------------------------------------------------------------------ the network
    def compose(self):
        return self._compose(np.zeros(self.p.batch, dtype=int), self.room)

    def compose_whole(self):
        return self._compose(np.concatenate([self.order(k) for k in range(self.p.epochs)]), None)

    def _compose(self, indices, capacity):
        from brian2 import Network, defaultclock, ms

        from brian_le.models import (Batches, BatchReadout, Graph, Identity, Node, StepClock, drive)

        p = self.p
        defaultclock.dt = p.dt*ms
        self.shown = Batches(self.data.train.rates(indices),
                             self._targets(self.data.train, indices),
                             duration=p.t_pattern*ms, replicas=p.batch, capacity=capacity,
                             name='batches')
        stream = [Identity(*edge) for edge in self.edges[1:-1]] if self.has_stream else []
        self.net = Graph(
            {'x': 64}, {target: p.hidden for _, target in self.edges[:-1]} | {
                'y': Node(10, target='rate')}, [*self.edges, *stream], batches=self.shown,
            beta=p.beta, eta=p.rate/(p.beta*p.late*p.dt)/ms, tau_m=p.tau_m*ms, name='deep')
        for (source, target), (w, b) in zip(self.edges, self.weights):
            self.net.weights['forward', f'{source}->{target}'] = w
            self.net.weights['bias', target] = b
        clock = StepClock(p.t_pattern*ms, name='residual_clock')
        drive(self.shown.schedule, 'learning', 'nudged*int(step >= first)', clock, when='start',
              first=self.n_steps - p.late)
        readout = BatchReadout(self.shown, self.net.outputs['y'], 'r', 'readout')
        return Network(clock, self.shown, self.net, readout)

    @staticmethod
    def _targets(split, indices):
        return np.eye(10)[split.classes[indices]]

    # ---------------------------------------------------------------------------------- the run
    def order(self, epoch):
        """The training samples of an epoch, in whole batches; a function of seed and epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        return rng.permutation(len(self.data.train))[:self.n_batches*self.p.batch]

    def begin(self, program):
        state = {f'{name}.accuracy': np.zeros(self.p.epochs + 1) for name in LABELS}
        state['gain'] = np.zeros(self.p.epochs + 1)
        return self.evaluated(program, state | self._twin_state(self.weights), 0)

    @staticmethod
    def _twin_state(weights):
        return {f'backprop.{what}_{k}': values.copy() for k, layer in enumerate(weights)
                for what, values in zip('wb', layer)}

    def _twin(self, state):
        return [(state[f'backprop.w_{k}'], state[f'backprop.b_{k}'])
                for k in range(len(self.weights))]

    def _show(self, program, state, split, indices, nudged):
        values = self.shown.tables(split.rates(indices), self._targets(split, indices))
        values[f'{self.shown.schedule.name}.nudged'] = nudged
        return program(values, len(indices)//self.p.batch*self.n_steps, state)

    def _outputs(self, end):
        last = end['deep_y.r']
        # recorded before every batch; before the first one nothing was shown
        before = np.ravel(end['readout_monitor.value'])[len(last):]
        return np.concatenate([before, last]).reshape(-1, 10)

    def learn(self, program, state, epoch, first, n):
        p, train = self.p, self.data.train
        indices = self.order(epoch)[first*p.batch:(first + n)*p.batch]
        end = self._show(program, state, train, indices, 1.0)
        state = {**state, **program.state(end)}
        weights = self._twin(state)
        for batch in indices.reshape(-1, p.batch):
            weights = learn(weights, train.rates(batch), self._targets(train, batch), p.rate,
                            self.has_stream)
        return state | self._twin_state(weights), self.rows(
            end | {'targets': self._targets(train, indices)})

    def rows(self, end):
        """Half the squared error of each batch, on average."""
        losses = 0.5*((end['targets'] - self._outputs(end))**2).sum(axis=1)
        return {'le.loss': losses.reshape(-1, self.p.batch).mean(axis=1)}

    def evaluated(self, program, state, epoch):
        """The state with the accuracies on the test samples, and the gain, after an epoch."""
        test, state = self.data.test, {key: np.array(values) for key, values in state.items()}
        values, right = state, []
        for indices, whole in self.in_launches(len(test)):
            values = self._show(program, values, test, whole, 0.0)
            found = self._outputs(values)[:len(indices)].argmax(axis=1)
            right.append(found == test.classes[indices])
        x = test.rates(np.arange(len(test)))
        twin = rates(self._twin(state), x, self.has_stream)[-1].argmax(axis=1)
        state['le.accuracy'][epoch] = np.concatenate(right).mean()
        state['backprop.accuracy'][epoch] = (twin == test.classes).mean()
        state['gain'][epoch] = gains(self._trained(values), x[:32], self.has_stream).mean()
        return state

    def _trained(self, values):
        found = self.net.weights.matrices(values)
        return [(found['forward', f'{source}->{target}'], found['bias', target])
                for source, target in self.edges]

    def describe(self, done, rows):
        return f"epoch {-(-done//self.n_batches)}, loss {rows['le.loss'][-1]:.3g}"

    def result(self, state, rows):
        arrays = {key: state[key] for key in ('le.accuracy', 'backprop.accuracy', 'gain')
                  if key in state}
        return arrays | {'le.loss': rows['le.loss'].reshape(self.p.epochs, -1).mean(axis=1)}

    def kept(self):
        return {'targets': self._targets(self.data.train, np.concatenate(
            [self.order(k) for k in range(self.p.epochs)]))}

    # --------------------------------------------------------------------------------- a result
    @staticmethod
    def measures(result):
        """The accuracies after the last epoch, and their means over the last five; the gain then.

        Parameters
        ----------
        result : Result

        Returns
        -------
        dict of str to float
        """
        found = {'loss': float(result.arrays['le.loss'][-1])}
        for name in LABELS:
            if f'{name}.accuracy' in result.arrays:
                accuracy = result.arrays[f'{name}.accuracy']
                found |= {f'{name}_accuracy': float(accuracy[-1]),
                          f'{name}_last_five': float(accuracy[-5:].mean())}
        if 'gain' in result.arrays:
            found['gain'] = float(result.arrays['gain'][-1])
        return found

    @classmethod
    def summarize(cls, result):
        found = cls.measures(result)
        for name, label in LABELS.items():
            if f'{name}_accuracy' in found:
                yield (f"{label:<20} {100*found[f'{name}_accuracy']:.1f} % of the test samples, "
                       f"{100*found[f'{name}_last_five']:.1f} % on average of the last five epochs")
        if 'gain' in found:
            beta = result.description['parameters']['beta']
            yield (f"beta times the gain of the outputs is {beta*found['gain']:.3f} at the end (1 "
                   'is the limit of stability)')
