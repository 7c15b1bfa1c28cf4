"""Classification of sequences: networks of slow and fast neurons learn what they hear."""

import inspect
import math
from functools import cached_property

import numpy as np
from brian2 import Network, defaultclock, ms

from brian_le import Adam
from brian_le.models import GLENetwork, SequenceReadout, Sequences
from brian_le.protocols.tasks.epochs import InEpochs
from brian_le.protocols.tasks.gle_imperfections import imperfections
from brian_le.protocols.tasks.weights import named, weights_in
from brian_le.substrate import Substrate

__all__ = ['SequenceClassification', 'scores']

_ROOM = 64e6  # bytes of samples in one launch of the simulation
_IMPROVED = 1e-4  # relative change of a loss that counts as smaller


class SequenceClassification(InEpochs):
    """Batches of sequences are shown, one point after the other, and learned while they pass.

    The weights learn in every time step, from errors that flow at the same time, and nothing is
    stored of the past or reset between sequences. The class of a sequence is the output that was
    largest on average while it was shown. Before the first and after every epoch the network
    classifies test sequences (and those for validation, if there are any), with learning off.

    Results have ``test_accuracy`` before learning and after every epoch; ``train_accuracy`` and
    ``train_loss``, cross-entropy of the mean outputs, over the batches of every epoch while they
    were learned; ``rate``, the step size in every epoch; ``n_learned``, how many weights and biases
    learn; the weights at the end, ``W_forward_0`` and so on. With sequences for validation also
    ``validation_accuracy`` and ``validation_loss``.
    """

    figures = 'brian_le.protocols.tasks.sequences.figures'
    noun, fewer = 'sequences', "'epochs'"

    @classmethod
    def of(cls, name, benchmark):
        """The protocol of a `brian_le.protocols.tasks.sequences.benchmarks.Benchmark`."""
        return type(''.join(map(str.capitalize, name.split('-'))), (cls,), dict(
            name=name, benchmark=benchmark, parameters=benchmark.parameters,
            __module__=benchmark.layers.__module__,
            __doc__=f'{inspect.cleandoc(benchmark.about)}\n\n{inspect.cleandoc(cls.__doc__)}'))

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.precision = p.precision
        self.prefix = self.name.replace('-', '_')  # of the names of objects
        self.layers = self.benchmark.layers(p)
        self.weights = self.benchmark.weights(p, self.benchmark.n_inputs, self.layers,
                                              np.random.default_rng(seed))
        self.learns = [k >= self.benchmark.fixed(p) for k in range(len(self.layers))]

    @classmethod
    def check(cls, p):
        cls.benchmark.check(p)
        if p.error_mismatch > 0 and p.errors != 'prospective':
            raise ValueError(f"'error_mismatch' is {p.error_mismatch:g}, but without prospective "
                             'errors there are no error neurons; leave it at 0')

    @cached_property
    def n_steps(self):
        return self.data.shape[0]

    @cached_property
    def room(self):
        size = 8*self.p.batch*math.prod(self.data.shape)
        return max(1, min(self.n_batches, int(_ROOM/size)))

    def learned(self, epoch, first, n):
        """The training sequences of some batches of an epoch, and their rates.

        They are a function of the seed and the batch.
        """
        p, train = self.p, self.data.train
        order = self.benchmark.order(train, np.random.default_rng([self.seed, epoch]))
        indices = order[:self.n_batches*p.batch][first*p.batch:(first + n)*p.batch]
        rates = [self.benchmark.vary(train, batch,
                                     np.random.default_rng([self.seed, epoch, first + k]))
                 for k, batch in enumerate(indices.reshape(n, -1))]
        return indices, np.concatenate(rates)

    @cached_property
    def whole(self):
        """The training sequences of all epochs, and their rates."""
        epochs = [self.learned(epoch, 0, self.n_batches) for epoch in range(self.p.epochs)]
        return tuple(map(np.concatenate, zip(*epochs)))

    def _samples(self, split, indices, rates):
        """Rates of the inputs [sequence, step, input], and probabilities of the classes."""
        return (rates.reshape(-1, *self.data.shape),
                np.eye(self.data.n_classes)[split.classes[indices]])

    def compose(self):
        indices = np.zeros(self.p.batch, dtype=int)  # there is room for any others
        return self._compose(indices, self.data.train.rates(indices), self.room)

    def compose_whole(self):
        return self._compose(*self.whole)

    def _compose(self, indices, rates, capacity=None):
        """The network, shown some training sequences."""
        p, train = self.p, self.data.train
        defaultclock.dt = p.dt*ms
        shown = self.sequences = Sequences(
            *self._samples(train, indices, rates), duration=self.n_steps*p.dt*ms,
            replicas=p.batch, capacity=capacity, name=f'{self.prefix}_shown')
        net = self.net = GLENetwork(
            self.benchmark.n_inputs, self.layers, batches=shown, loss='cross_entropy', beta=p.beta,
            errors=p.errors, optimiser=Adam(), name=self.prefix,
            eta=[p.rate*learns/p.dt/ms for learns in self.learns],
            substrate=Substrate(imperfections(p, p.errors == 'prospective'), self.seed))
        net.weights.update(self.weights)
        self.benchmark.change(p, net, shown)
        self.rates = [f'{projection.name}.eta' for projection in net.projections.values()
                      if 'eta' in projection.equations]
        readout = SequenceReadout(shown, net.output, 'r', f'{self.prefix}_readout')
        return Network(shown, net, readout)

    def show(self, program, state, split, indices, rates, learning):
        """Show sequences in batches, from a state on; the next state, and their mean outputs."""
        values = self.sequences.tables(*self._samples(split, indices, rates))
        values |= {f'{self.sequences.schedule.name}.{switch}': float(learning)
                   for switch in ('nudged', 'learning')}
        values |= {key: state['rate']*1e3/self.p.dt for key in self.rates}  # per second
        end = program(values, len(indices)//self.p.batch*self.n_steps, state)
        return {**state, **program.state(end)}, self._outputs(end, self.n_steps)

    def _outputs(self, end, n_steps):
        """Mean outputs in all batches of a launch."""
        last = end[f'{self.prefix}_readout.total']
        before = end[f'{self.prefix}_readout_monitor.total'][len(last):]  # nothing before the first
        return (np.concatenate([before, last])/n_steps).reshape(-1, self.layers[-1].n)

    def begin(self, program):
        p = self.p
        state = {'rate': np.array(p.rate), 'best_loss': np.array(1e30), 'bad_epochs': np.array(0),
                 'epoch_loss': np.array(0.0), 'rates': np.zeros(p.epochs),
                 'test_accuracy': np.zeros(p.epochs + 1)}
        if self.data.validation is not None:
            state |= {f'validation_{key}': np.zeros(p.epochs + 1) for key in ('accuracy', 'loss')}
        return self._tested(program, state, 0)

    def learn(self, program, state, epoch, first, n):
        indices, rates = self.learned(epoch, first, n)
        train = self.data.train
        state, outputs = self.show(program, state, train, indices, rates, learning=True)
        found = {key: values.reshape(n, -1).mean(axis=1)
                 for key, values in scores(outputs, train.classes[indices]).items()}
        for batch in found['loss']:  # one by one, wherever a run is cut
            state['epoch_loss'] = state['epoch_loss'] + batch/self.n_batches
        return state, found

    def evaluated(self, program, state, epoch):
        """The state with the accuracies after an epoch, and the step size of the next."""
        return self._scheduled(self._tested(program, state, epoch), epoch - 1)

    def _scheduled(self, state, epoch):
        """The state after an epoch, with a smaller step size if the loss has stopped falling."""
        p = self.p
        loss = float(state['validation_loss'][epoch + 1] if 'validation_loss' in state
                     else state['epoch_loss'])
        best, bad, rate = float(state['best_loss']), int(state['bad_epochs']), float(state['rate'])
        rates = state['rates'].copy()
        rates[epoch] = rate
        best, bad = (loss, 0) if loss < best*(1 - _IMPROVED) else (best, bad + 1)
        if bad > p.patience:
            rate, bad = rate*p.factor, 0
        return state | {'rates': rates, 'rate': np.array(rate), 'best_loss': np.array(best),
                        'bad_epochs': np.array(bad), 'epoch_loss': np.array(0.0)}

    def _tested(self, program, state, epoch):
        """The state with the accuracy after an epoch."""
        state = dict(state)
        for part in ('validation', 'test'):
            split = getattr(self.data, part)
            if split is not None:
                found = scores(self._classified(program, state, split), split.classes)
                for key in state.keys() & {f'{part}_{key}' for key in found}:
                    state[key] = state[key].copy()
                    state[key][epoch] = found[key.removeprefix(f'{part}_')].mean()
        return state

    def _classified(self, program, state, split):
        """Mean outputs for all sequences of a split, without learning."""
        found = []
        for indices, whole in self.in_launches(len(split)):
            state, outputs = self.show(program, state, split, whole, split.rates(whole),
                                       learning=False)
            found.append(outputs[:len(indices)])
        return np.concatenate(found)

    def describe(self, done, rows):
        return f"epoch {-(-done//self.n_batches)}, loss {rows['loss'][-1]:.3g}"

    def rows(self, end):
        return scores(self._outputs(end, end['n_steps']), end['classes'])

    def result(self, state, rows):
        n = sum(w.size for (_, k), w in self.weights.items() if self.learns[k])
        tested = {key: state[key] for key in ('test_accuracy', 'validation_accuracy',
                                              'validation_loss', 'classes', 'n_steps')
                  if key in state}
        if 'rates' in state:
            tested['rate'] = state['rates']
        return {'n_learned': np.array(n), **tested,
                **{f'train_{key}': values.reshape(self.p.epochs, -1).mean(axis=1)
                   for key, values in rows.items()},
                **named(weights_in(state, self.prefix, self.weights))}

    def kept(self):
        return {'classes': self.data.train.classes[self.whole[0]],
                'n_steps': np.array(self.n_steps)}

    def guide(self):
        name = self.prefix
        return {f'{name}_readout_monitor.total': 'outputs added up over each batch but the last, '
                                                 'of all replicas (the first row is empty)',
                f'{name}_forward0.w, {name}_bias0.bias': 'weights at the end'}

    @staticmethod
    def measures(result):
        """Scalars of a run: test accuracy, and loss and accuracy while learning, of the last epoch.

        With sequences for validation also their accuracy.
        """
        return {key: float(result.arrays[key][-1])
                for key in ('test_accuracy', 'validation_accuracy', 'train_accuracy', 'train_loss')
                if key in result.arrays}

    @staticmethod
    def summarize(result):
        accuracy, loss = result.arrays['test_accuracy'], result.arrays['train_loss']
        if 'validation_accuracy' in result.arrays:
            found = 100*result.arrays['validation_accuracy']
            yield (f'{found[-1]:.1f} % of the validation sequences are correct after {len(loss)} '
                   f'epochs (best epoch: {found.max():.1f} %)')
        n = int(result.arrays['n_learned'])
        yield (f'{100*accuracy[-1]:.1f} % of the test sequences are correct after {len(loss)} '
               f'epochs (best epoch: {100*accuracy.max():.1f} %), {n} weights and biases learn')
        yield (f"training sequences in the last epoch: "
               f"{100*result.arrays['train_accuracy'][-1]:.1f} % correct, loss {loss[-1]:.3f}")


def scores(outputs, classes):
    """Cross-entropy of every sequence, from its mean outputs, and whether its class is right."""
    shifted = outputs.astype(float) - outputs.max(axis=1, keepdims=True)
    loss = (np.log(np.exp(shifted).sum(axis=1))
            - shifted[np.arange(len(classes)), np.asarray(classes)])
    return {'loss': loss, 'accuracy': outputs.argmax(axis=1) == classes}
