"""Classification of sequences: networks of slow and fast neurons learn what they hear.

Batches of sequences are shown to a network of Generalized Latent Equilibrium, one point after the
other; its weights learn in every time step, from errors that flow at the same time, and nothing is
stored of the past or reset between sequences. The class of a sequence is the output that was
largest on average while it was shown. After every epoch the network classifies test sequences
(and those for validation, if there are any), with learning off, and goes on from where it was.
"""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from brian_le.protocols.parameters import Parameter
from brian_le.protocols.tasks import gle_imperfections
from brian_le.protocols.tasks.gle_imperfections import imperfections, kinds

__all__ = ['SequenceBenchmark', 'parameters']

_ROOM = 64e6  # bytes of samples in one launch of the simulation
_IMPROVED = 1e-4  # relative change of a loss that counts as smaller
#: What is handed over at every launch of a compiled network.
_LAUNCHED = {'epochs', 'rate', 'patience', 'factor', *gle_imperfections.NAMES}


def parameters(*more, errors='prospective', **defaults):
    """The parameters that all benchmarks have, with the defaults of one.

    Parameters
    ----------
    *more : Parameter
        Further ones.
    errors : str
        Default of this one.
    **defaults
        ``epochs``, ``batch``, ``rate``, ``patience``, ``factor``, ``dt`` (ms).

    Returns
    -------
    tuple of Parameter
    """
    d = SimpleNamespace(**defaults)
    return (
        *more,
        Parameter('epochs', d.epochs, 'how often all training sequences are shown', minimum=1,
                  maximum=1e6),
        Parameter('batch', d.batch, 'sequences that are shown at once, to replicas that share '
                  'their weights', minimum=1, maximum=1e5),
        Parameter('rate', d.rate, 'step size of Adam: change of a weight in a time step',
                  minimum=0),
        Parameter('patience', d.patience, 'epochs without a smaller loss, of the validation '
                  'sequences if there are any, else while learning, after which the step size '
                  'shrinks', minimum=0, maximum=1e6),
        Parameter('factor', d.factor, 'how much of it is left then', minimum=1e-6, maximum=1),
        Parameter('beta', 1.0, 'strength of the targets', minimum=0),
        Parameter('errors', errors, 'whether errors pass through error neurons',
                  choices=('prospective', 'instantaneous')),
        Parameter('precision', 'single', 'floating point numbers', choices=('double', 'single')),
        Parameter('dt', d.dt, 'time step', 'ms', minimum=1e-6),
        *gle_imperfections.PARAMETERS,
    )


def _each_once(split, rng):
    return rng.permutation(len(split))


def _as_they_are(split, indices, rng):
    return split.rates(indices)


@dataclass(frozen=True)
class SequenceBenchmark:
    """A data set of sequences and a network, with all that a protocol has to provide.

    Parameters
    ----------
    name : str
        Name of the protocol.
    read : callable
        ``read(p)`` gives the `brian_le.protocols.data.datasets.Dataset` (or what has its attributes),
        with one point of its samples for every time step: [sample, step, input].
    layers : callable
        ``layers(p)`` gives the layers, as for `brian_le.models.GLENetwork`.
    learned : callable
        ``learned(p)`` gives for every layer whether it learns.
    weights : callable
        ``weights(p, seed, shape)`` gives the initial weights by (kind, layer), for inputs of
        this number.
    prepare_network : callable, optional
        ``prepare_network(p, net, shown)`` changes the network before it is simulated.
    order : callable, optional
        ``order(split, rng)`` draws the training sequences of an epoch; by default each comes once.
        What is left over after the last whole batch is not shown.
    vary : callable, optional
        ``vary(split, indices, rng)`` draws rates of the training sequences of a batch; by default
        ``split.rates(indices)``.
    """

    name: str
    read: object
    layers: object
    learned: object
    weights: object
    prepare_network: object = None
    order: object = _each_once
    vary: object = _as_they_are

    def simulate(self, p, seed, run):
        """Train the network, and classify test sequences after every epoch.

        Parameters
        ----------
        p : SimpleNamespace
            The parameters.
        seed : int
            Seed of the initial weights and of the orders of the sequences.
        run : brian_le.protocols.runs.running.Run
            Builds the program, keeps checkpoints and shows progress.

        Returns
        -------
        dict of str to numpy.ndarray
            ``test_accuracy`` before learning and after every epoch; ``train_accuracy`` and
            ``train_loss``, cross-entropy of the mean outputs, over the batches of every epoch while
            they were learned; ``rate``, the step size in every epoch; ``n_learned``, how many
            weights and biases learn; the weights at the end, ``W_forward_0`` and so on. With
            sequences for validation also ``validation_accuracy`` and ``validation_loss``.
        """
        training = _Training(self, p, seed)
        training.build(run)
        state, rows = run.in_chunks(
            training.chunk, training.beginning(), p.epochs*training.n_batches, 'batch',
            room=training.capacity, duration=training.duration, describe=training.describe)
        return training.arrays(state, rows)

    @staticmethod
    def check(p):
        """Raise a ValueError for parameters that do not fit each other."""
        if p.error_mismatch > 0 and p.errors != 'prospective':
            raise ValueError(f"'error_mismatch' is {p.error_mismatch:g}, but without prospective "
                             'errors there are no error neurons; leave it at 0')

    def prepare(self, p, seed):
        """The training as one network, for an exported project.

        Returns
        -------
        SimpleNamespace
            ``compose`` (returns the network), ``n_steps``, ``arrays`` (to keep beside the project),
            ``guide`` (the most important variables and what they are) and ``precision``.
        """
        training = _Training(self, p, seed)
        size = 8*p.epochs*training.n_batches*p.batch*math.prod(training.data.shape)
        if size > 2e9:
            raise ValueError(f'the sequences of {p.epochs} epochs take {size/1e9:.0f} GB in an '
                             "exported project; use fewer 'epochs'")
        epochs = [training.learned(epoch, 0, training.n_batches) for epoch in range(p.epochs)]
        shown, rates = map(np.concatenate, zip(*epochs))
        name = training.name
        guide = {f'{name}_readout_monitor.total': 'outputs added up over each batch but the last, '
                                                  'of all replicas (the first row is empty)',
                 f'{name}_forward0.w, {name}_bias0.bias': 'weights at the end'}
        return SimpleNamespace(
            compose=lambda: training.compose(shown, rates).network,
            precision=p.precision, guide=guide, n_steps=len(shown)//p.batch*training.n_steps,
            arrays={'classes': training.data.train.classes[shown],
                    'n_steps': np.array(training.n_steps)})

    def read_variables(self, p, arrays, variables):
        """The arrays of a result from the variables of an exported project."""
        classes, name = arrays['classes'], _name(self)
        total = variables[f'{name}_readout.total']
        n_outputs = len(total)//p.batch
        totals = np.concatenate([variables[f'{name}_readout_monitor.total'][len(total):], total])
        outputs = (totals/arrays['n_steps']).reshape(-1, n_outputs)
        return dict(arrays) | {
            'train_loss': losses(outputs, classes).reshape(p.epochs, -1).mean(axis=1),
            'train_accuracy': (outputs.argmax(axis=1) == classes).reshape(p.epochs, -1)
            .mean(axis=1)}

    def measures(self, result):
        """Scalars of a run: test accuracy, and loss and accuracy while learning, of the last epoch.

        With sequences for validation also their accuracy.
        """
        return {key: float(result.arrays[key][-1])
                for key in ('test_accuracy', 'validation_accuracy', 'train_accuracy', 'train_loss')
                if key in result.arrays}

    def summarize(self, result):
        """Lines of text about a result."""
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


def losses(outputs, classes):
    """Cross-entropy of every sequence, from its mean outputs."""
    shifted = outputs.astype(float) - outputs.max(axis=1, keepdims=True)
    return (np.log(np.exp(shifted).sum(axis=1))
            - shifted[np.arange(len(classes)), np.asarray(classes)])


def _name(benchmark):
    return benchmark.name.replace('-', '_')


class _Training:
    """One run of a benchmark: its data, its random draws and its network."""

    def __init__(self, benchmark, p, seed):
        benchmark.check(p)
        self.benchmark, self.p, self.seed = benchmark, p, seed
        self.name = _name(benchmark)
        self.data = data = benchmark.read(p)
        self.n_steps, self.n_inputs = data.shape
        self.duration = self.n_steps*p.dt
        self.n_batches = len(data.train)//p.batch
        if not self.n_batches:
            raise ValueError(f"'batch' is {p.batch}, but there are only {len(data.train)} training "
                             'sequences')
        size = 8*p.batch*self.n_steps*self.n_inputs
        self.capacity = max(1, min(self.n_batches, int(_ROOM/size)))
        self.layers = benchmark.layers(p)
        self.weights = benchmark.weights(p, seed, self.n_inputs)
        self.task = None
        #: what is classified after every epoch
        self.tested = ('test',) if data.validation is None else ('validation', 'test')

    def order(self, epoch):
        """The training sequences of an epoch, in whole batches; a function of seed and epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        return self.benchmark.order(self.data.train, rng)[:self.n_batches*self.p.batch]

    def learned(self, epoch, first, n):
        """The training sequences of some batches of an epoch, and their rates.

        They do not depend on which batches are asked for at once.
        """
        indices = self.order(epoch)[first*self.p.batch:(first + n)*self.p.batch]
        rates = [self.benchmark.vary(self.data.train, batch,
                                     np.random.default_rng([self.seed, epoch, first + k]))
                 for k, batch in enumerate(indices.reshape(n, -1))]
        return indices, np.concatenate(rates)

    def samples(self, rates):
        """Rates of the inputs, [sequence, step, input]."""
        return rates.reshape(-1, self.n_steps, self.n_inputs)

    def targets(self, split, indices):
        """Probabilities of the classes."""
        return np.eye(self.data.n_classes)[split.classes[indices]]

    # ----------------------------------------------------------------------------- the network
    def build(self, run):
        """Build the network, or find one in this process that differs in launched values alone."""
        p = self.p
        key = (self.name, *((key, value) for key, value in vars(p).items()
                            if key not in _LAUNCHED), p.rate > 0, kinds(p), self.data.shape,
               self.data.n_classes, self.capacity)
        self.task = run.build_once(key, self.compose, p.precision)

    def compose(self, shown=None, rates=None):
        """The network, shown some training sequences, or with room for any.

        Returns
        -------
        SimpleNamespace
            ``network``, ``net``, ``shown``, ``readout`` and ``rates``, the names of all learning
            rates.
        """
        from brian2 import Network, defaultclock, ms

        from brian_le import Adam
        from brian_le.models import GLENetwork, SequenceReadout, Sequences
        from brian_le.substrate import Substrate

        p, train = self.p, self.data.train
        defaultclock.dt = p.dt*ms
        capacity = self.capacity if shown is None else None
        if shown is None:
            shown = np.zeros(p.batch, dtype=int)
            rates = train.rates(shown)
        shown = Sequences(self.samples(rates), self.targets(train, shown),
                          duration=self.duration*ms, replicas=p.batch, capacity=capacity,
                          name=f'{self.name}_shown')
        learned = self.benchmark.learned(p)
        net = GLENetwork(
            self.n_inputs, self.layers, batches=shown, loss='cross_entropy', beta=p.beta,
            errors=p.errors, optimiser=Adam(), name=self.name,
            eta=[p.rate*learns/p.dt/ms for learns in learned],
            substrate=Substrate(imperfections(p, p.errors == 'prospective'), self.seed))
        net.weights.update(self.weights)
        if self.benchmark.prepare_network is not None:
            self.benchmark.prepare_network(p, net, shown)
        readout = SequenceReadout(shown, net.output, 'r', f'{self.name}_readout')
        return SimpleNamespace(
            network=Network(shown, net, readout), net=net, shown=shown, readout=readout,
            rates=[f'{projection.name}.eta' for projection in net.projections.values()
                   if 'eta' in projection.equations])

    # ---------------------------------------------------------------------------------- running
    def show(self, state, split, indices, rates, learning):
        """Show sequences in batches, from a state on.

        Returns
        -------
        end : dict
            All variables afterwards.
        outputs : numpy.ndarray
            Mean outputs, of shape (sequences, classes).
        """
        task = self.task
        values = {key: state[key] for key in task.program.state_names if key in state}
        values |= task.shown.tables(self.samples(rates), self.targets(split, indices))
        values |= {f'{task.shown.schedule.name}.{switch}': float(learning)
                   for switch in ('nudged', 'learning')}
        values |= {key: state['rate']*1e3/self.p.dt for key in task.rates}  # per second
        end = task.program(values, len(indices)//self.p.batch*self.n_steps)
        return end, task.readout.values(end)

    def beginning(self):
        """The state before anything is shown."""
        p, net = self.p, self.task.net
        state = net.weights.variables(self.weights)
        state |= net.substrate.values(imperfections(p, p.errors == 'prospective'), self.seed)
        state |= {'rate': np.array(p.rate), 'best_loss': np.array(1e30), 'bad_epochs': np.array(0),
                  'epoch_loss': np.array(0.0), 'rates': np.zeros(p.epochs),
                  'test_accuracy': np.zeros(p.epochs + 1)}
        if 'validation' in self.tested:
            state |= {f'validation_{key}': np.zeros(p.epochs + 1) for key in ('accuracy', 'loss')}
        return self._tested(state, 0)

    def chunk(self, state, first, n):
        """Learn from `n` batches, from the batch `first` on; see `Run.in_chunks`."""
        p, train = self.p, self.data.train
        state, rows = dict(state), []
        while n:
            epoch, begin = divmod(first, self.n_batches)
            count = min(n, self.n_batches - begin)
            indices, rates = self.learned(epoch, begin, count)
            end, outputs = self.show(state, train, indices, rates, learning=True)
            classes = train.classes[indices]
            loss = losses(outputs, classes).reshape(count, -1).mean(axis=1)
            rows.append({'loss': loss, 'accuracy': (outputs.argmax(axis=1) == classes)
                         .reshape(count, -1).mean(axis=1)})
            state |= {key: end[key] for key in self.task.program.state_names}
            for batch in loss:  # one by one, wherever a run is cut
                state['epoch_loss'] = state['epoch_loss'] + batch/self.n_batches
            first, n = first + count, n - count
            if not all(np.isfinite(value).all() for value in state.values()):
                break  # the run raises the error
            if first % self.n_batches == 0:
                state = self._scheduled(self._tested(state, epoch + 1), epoch)
        return state, {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}

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

    def _tested(self, state, epoch):
        """The state with the accuracy after an epoch."""
        measured = {}
        for part in self.tested:
            split = getattr(self.data, part)
            outputs = self.outputs(state, split)
            measured[f'{part}_accuracy'] = (outputs.argmax(axis=1) == split.classes).mean()
            if part == 'validation':
                measured['validation_loss'] = losses(outputs, split.classes).mean()
        state = state | {key: state[key].copy() for key in measured}
        for key, value in measured.items():
            state[key][epoch] = value
        return state

    def outputs(self, state, split):
        """Mean outputs for all sequences of a split, without learning."""
        p, room, found = self.p, self.capacity*self.p.batch, []
        for begin in range(0, len(split), room):
            indices = np.arange(begin, min(begin + room, len(split)))
            # the last batch is filled up with sequences that do not count
            whole = np.concatenate([indices, np.zeros(-len(indices) % p.batch, dtype=int)])
            end, outputs = self.show(state, split, whole, split.rates(whole), learning=False)
            state = state | {key: end[key] for key in self.task.program.state_names}
            found.append(outputs[:len(indices)])
        return np.concatenate(found)

    def describe(self, done, rows):
        """What the progress line says."""
        return f"epoch {-(-done//self.n_batches)}, loss {rows['loss'][-1]:.3g}"

    def arrays(self, state, rows):
        """The arrays of the result."""
        p = self.p
        weights = self.task.net.weights.matrices(state)
        learned = self.benchmark.learned(p)
        n = sum(w.size for (_, k), w in weights.items() if learned[k])
        tested = [key for key in ('test_accuracy', 'validation_accuracy', 'validation_loss')
                  if key in state]
        return {'n_learned': np.array(n), 'rate': state['rates'],
                **{key: state[key] for key in tested},
                **{f'train_{key}': values.reshape(p.epochs, -1).mean(axis=1)
                   for key, values in rows.items()},
                **{f'W_{kind}_{k}': w for (kind, k), w in weights.items()}}
