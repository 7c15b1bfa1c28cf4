"""Classification: layered networks learn the classes of samples, beside backpropagation.

A benchmark is a data set and an architecture. Samples are shown in batches, each for the same
short time; the potentials are never reset in between. After every epoch the networks classify
samples that they do not learn from, with nudging and learning off, and go on from where they were.
Several networks of slow neurons see the same batches side by side, and so does their twin: the
same layers without any dynamics, trained by backpropagation in plain NumPy.

The neurons and synapses may be imperfect. Against mismatch of their time constants, membranes may
first learn to match the look-ahead: they are shown batches without targets, before anything else
is learned.
"""

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np

from brian_le.checks import whole_number
from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.tasks import imperfections

__all__ = ['Benchmark', 'LABELS', 'NETWORKS', 'SAMPLES', 'chosen', 'convolutional',
           'first_samples', 'names_in', 'parameters']

#: What the networks of slow neurons do differently, by the names that results have them by.
NETWORKS = {'le': {}, 'random': {'feedback': 'random'}, 'mirror': {'feedback': 'mirror'},
            'no_look_ahead': {'tau_r': 0, 'errors_from': 'tau_r'}}
LABELS = {'le': 'Latent Equilibrium', 'random': 'feedback alignment',
          'mirror': 'learned feedback', 'no_look_ahead': 'without look-ahead',
          'backprop': 'backpropagation'}

_ROOM = 4096  # samples in one launch of the simulation
_IMPERFECTIONS = imperfections.parameters()
# handed over at every launch
_LAUNCHED = {'epochs', 'eta', 'beta', 'decay', 'sigma', 'twin', 'backprop_rate', 'matching',
             'eta_tau', *(parameter.name for parameter in _IMPERFECTIONS)}


def parameters(*more, networks='le', precision='single', decay=0.001, backprop_rate=None,
               **defaults):
    """The parameters that all benchmarks have, with the defaults of one.

    Parameters
    ----------
    *more : Parameter
        Further ones.
    networks, precision, decay, backprop_rate
        Defaults of these.
    **defaults
        ``t_pattern``, ``dt``, ``tau_m`` (ms), ``epochs``, ``batch``, ``eta``, ``sigma``.

    Returns
    -------
    tuple of Parameter
    """
    d = SimpleNamespace(**defaults)
    return (
        *more,
        Parameter('networks', networks, 'which networks of slow neurons learn side by side',
                  choices=('all', *NETWORKS)),
        Parameter('t_pattern', d.t_pattern, 'time for which a batch is shown', 'ms',
                  minimum=0.001, maximum=1e5),
        Parameter('epochs', d.epochs, 'how often all training samples are shown', minimum=1,
                  maximum=1e6),
        Parameter('batch', d.batch, 'samples that are shown at once, to replicas that share '
                  'their weights; 1 is online learning', minimum=1, maximum=1e5),
        Parameter('eta', d.eta, 'learning rate of the first layer, times t_pattern', minimum=0),
        Parameter('beta', 0.1, 'strength of the nudging', minimum=0),
        Parameter('decay', decay, 'decay of the weights of learned feedback, times t_pattern',
                  minimum=0),
        Parameter('sigma', d.sigma, 'standard deviation of the initial weights'
                  + ('; auto is uniform up to 1/sqrt(inputs of a neuron)' if d.sigma is None
                     else ''), minimum=0),
        Parameter('tau_m', d.tau_m, 'membrane time constant', 'ms', minimum=1e-6),
        Parameter('tau_r', None, 'look-ahead time; auto is tau_m', 'ms', minimum=0),
        Parameter('tau_s', 0.0, 'low-pass filter of all rates; 0 is no filter', 'ms', minimum=0),
        Parameter('tau_target', 0.0, 'low-pass filter of the targets; 0 is no filter', 'ms',
                  minimum=0),
        Parameter('errors_from', 'tau_m', 'look-ahead that errors are computed from: one by the '
                  "membrane's time constant, or only the one that is sent out",
                  choices=('tau_m', 'tau_r')),
        Parameter('matching', 0, 'batches that are shown before learning, while membrane time '
                  'constants learn to match the look-ahead times', minimum=0, maximum=1e6),
        Parameter('eta_tau', 0.4, 'learning rate of the time constants, in units of tau_m**2/dt',
                  minimum=0),
        *_IMPERFECTIONS,
        Parameter('twin', 'true', 'whether the same layers learn by backpropagation as well',
                  choices=('true', 'false')),
        Parameter('backprop_rate', backprop_rate, 'learning rate of the first layer of the twin'
                  + ('; auto is eta*beta' if backprop_rate is None else ''), minimum=0),
        Parameter('precision', precision, 'floating point numbers', choices=('double', 'single')),
        Parameter('dt', d.dt, 'time step', 'ms', minimum=1e-6),
        Parameter('steps', 0, 'time steps for which a batch is shown, instead of dt; 0 leaves it '
                  'to dt', minimum=0, maximum=1e6, named=((0, 'from dt'),)),
    )


@dataclass(frozen=True)
class Benchmark:
    """A data set and an architecture, with all that a protocol has to provide.

    Parameters
    ----------
    name : str
        Name of the protocol.
    read : callable
        ``read(p)`` gives the `brian_le.protocols.data.datasets.Dataset`.
    layers : callable
        ``layers(p)`` gives the layers, as for `brian_le.models.LayeredNetwork`; the input has the
        shape of a sample.
    factors : callable
        ``factors(p)`` gives the learning rates of the layers with weights, as multiples of that of
        the first.
    activation : str
        Of the hidden neurons; outputs are linear.
    """

    name: str
    read: object
    layers: object
    factors: object
    activation: str = 'hard_sigmoid'

    def simulate(self, p, seed, run):
        """Train all networks and their twin, and classify held-out samples after every epoch.

        Parameters
        ----------
        p : SimpleNamespace
            The parameters.
        seed : int
            Seed of the initial weights and of the orders of the samples.
        run : brian_le.protocols.runs.running.Run
            Builds the program, keeps checkpoints and shows progress.

        Returns
        -------
        dict of str to numpy.ndarray
            For every network (``'le'``, ..., ``'backprop'``), after its name and a dot:
            ``accuracy`` on the held-out samples before learning and after every epoch;
            ``train_loss``, the mean over every epoch of half the squared error of the batches
            that were learned; ``test_accuracy``; and the weights at the end, ``W_forward_0`` and
            so on. If time constants match first, ``tau_m`` (ms), of shape (batches + 1, neurons),
            and ``tau_r``, that they are to reach. If neurons die while the networks learn,
            ``accuracy_at_death``, on the held-out samples before anything else is learned.
        """
        training = _Training(self, p, seed)
        training.build(run)
        state, rows = run.in_chunks(
            training.chunk, training.beginning(), p.epochs*training.n_batches, 'batch',
            room=max(1, _ROOM//p.batch), duration=p.t_pattern, describe=training.describe)
        return training.arrays(state, rows)

    def prepare(self, p, seed):
        """The training as one network, for an exported project.

        Returns
        -------
        SimpleNamespace
            ``compose`` (returns the network), ``n_steps``, ``arrays`` (to keep beside the project),
            ``guide`` (the most important variables and what they are) and ``precision``.
        """
        if p.matching or p.dead and p.dead_from:
            raise ValueError("an exported project only learns, from its beginning to its end; give "
                             'matching=0 and dead_from=0')
        training = _Training(self, p, seed)
        p = training.p
        size = 8*p.epochs*training.n_batches*p.batch*math.prod(training.data.shape)
        if size > 2e9:
            raise ValueError(f'the samples of {p.epochs} epochs take {size/1e9:.0f} GB in an '
                             "exported project; use fewer 'epochs' or 'samples'")
        shown = np.concatenate([training.order(epoch) for epoch in range(p.epochs)])
        guide = {}
        for name in chosen(p):
            guide |= {f'{name}_readout_monitor.value': f'{LABELS[name]}: outputs before each '
                                                       'batch, of all replicas',
                      f'{name}_forward0.w, {name}_bias0.bias': 'weights at the end'}
        return SimpleNamespace(
            compose=lambda: training.compose(shown).network, precision=p.precision,
            n_steps=len(shown)//p.batch*round(p.t_pattern/p.dt), guide=guide,
            arrays={'targets': training.targets(training.data.train, shown)})

    def read_variables(self, p, arrays, variables):
        """The arrays of a result from the variables of an exported project."""
        arrays, targets = dict(arrays), arrays['targets']
        for name in chosen(p):
            recorded = variables[f'{name}_readout_monitor.value'].reshape(-1, targets.shape[1])
            last = variables[f'{name}_layer{len(self.factors(p)) - 1}.r']
            outputs = np.concatenate([recorded[p.batch:], last.reshape(p.batch, -1)])
            losses = _losses(outputs, targets).reshape(p.epochs, -1)
            arrays[f'{name}.train_loss'] = losses.mean(axis=1)
        return arrays

    def check(self, p):
        """Raise a ValueError if a batch cannot be shown for the time that is asked for."""
        _resolved(p)

    def structure(self, p):
        """All parameters that a compiled program depends on; the others are launched with."""
        p = _resolved(p)
        return (self.name, *((key, value) for key, value in vars(p).items()
                             if key not in _LAUNCHED),
                p.eta > 0, p.decay > 0, p.matching > 0, imperfections.kinds(p))

    def measures(self, result):
        """Scalars of a run: accuracy on test samples, and loss while learning in the last epoch.

        With matching time constants also the mean relative ``mismatch_before`` and
        ``mismatch_after``; with neurons that die while the networks learn, the held-out
        ``accuracy_before_death`` and ``accuracy_at_death``. With several networks of slow neurons,
        their names and a dot come before; and always for the twin.
        """
        arrays, found = result.arrays, {}
        names, slow = names_in(arrays), [name for name in names_in(arrays) if name in NETWORKS]
        death = _death(SimpleNamespace(**result.description['parameters']))
        for name in names:
            before = '' if [name] == slow else f'{name}.'
            found[f'{before}accuracy'] = arrays[f'{name}.test_accuracy']
            found[f'{before}train_loss'] = arrays[f'{name}.train_loss'][-1]
            if f'{name}.tau_m' in arrays:
                mismatch = np.abs(arrays[f'{name}.tau_m']/arrays[f'{name}.tau_r'] - 1).mean(axis=1)
                found[f'{before}mismatch_before'] = mismatch[0]
                found[f'{before}mismatch_after'] = mismatch[-1]
            if f'{name}.accuracy_at_death' in arrays:
                found[f'{before}accuracy_before_death'] = arrays[f'{name}.accuracy'][death]
                found[f'{before}accuracy_at_death'] = arrays[f'{name}.accuracy_at_death']
        return {key: float(value) for key, value in found.items()}

    def summarize(self, result):
        """Lines of text about a result."""
        arrays = result.arrays
        for name in names_in(arrays):
            epochs = len(arrays[f'{name}.train_loss'])
            yield (f'{LABELS[name]:<22} {100*float(arrays[f"{name}.test_accuracy"]):6.2f} % of the '
                   f'test samples are correct after {epochs} epochs')


#: For data sets that come with more samples than one always wants to learn from.
SAMPLES = Parameter('samples', None, 'training samples to use; auto is all', minimum=1)


def first_samples(data, n):
    """A data set with no more than the first `n` training samples (None for all)."""
    if n is None:
        return data
    n, train = whole_number('samples', n), data.train
    return replace(data, train=replace(train, inputs=train.inputs[:n], classes=train.classes[:n]))


def convolutional(p):
    """The convolutional architecture of the paper, for images of any size."""
    from brian_le.models import Conv, Dense, Flatten, MaxPool

    return [Conv(20, kernel=5), MaxPool(2), Conv(50, kernel=5), MaxPool(2), Flatten(), Dense(500),
            Dense(10)]


def chosen(p):
    """The names of the networks of slow neurons that a run has."""
    return list(NETWORKS) if p.networks == 'all' else [p.networks]


def names_in(arrays):
    """The names of all networks in a result, with the twin last."""
    return [name for name in LABELS if f'{name}.accuracy' in arrays]


def _resolved(p):
    """The parameters with the time step and the number of steps that they mean."""
    p = SimpleNamespace(**vars(p))
    if p.steps:
        p.dt = p.t_pattern/p.steps
    p.steps = steps_per_pattern(p)
    return p


def _death(p):
    """The epoch before which some hidden neurons die; 0 is from the beginning, or never."""
    return min(round(p.dead_from*p.epochs), p.epochs - 1) if p.dead else 0


class _Training:
    """One run of a benchmark: its data, its random draws, its networks and their twin."""

    def __init__(self, benchmark, p, seed):
        from brian_le.models import initial_weights, layer_shapes

        p = _resolved(p)
        self.benchmark, self.p, self.seed = benchmark, p, seed
        self.data = data = benchmark.read(p)
        self.held_out = data.test if data.validation is None else data.validation
        self.n_batches = len(data.train)//p.batch
        if not self.n_batches:
            raise ValueError(f"'batch' is {p.batch}, but there are only {len(data.train)} training "
                             'samples')
        self.layers = benchmark.layers(p)
        self.shapes = layer_shapes(data.shape, self.layers)
        self.n_outputs = math.prod(self.shapes[-1])
        self.weights = initial_weights(data.shape, self.layers, np.random.default_rng(seed),
                                       sigma=p.sigma, feedback=True)
        self.factors = benchmark.factors(p)
        self.dtype = {'single': np.float32, 'double': np.float64}[p.precision]
        self.names = [*chosen(p), *(['backprop'] if p.twin == 'true' else [])]
        self.task = self.alive = None

    # ---------------------------------------------------------------------------- what is shown
    def order(self, epoch):
        """The training samples of an epoch, in whole batches; a function of seed and epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        return rng.permutation(len(self.data.train))[:self.n_batches*self.p.batch]

    def targets(self, split, indices):
        """Target rates: 1 for the class, 0 for the others; one output is the second class."""
        targets = np.eye(self.data.n_classes)[split.classes[indices]]
        return targets[:, 1:] if self.n_outputs == 1 else targets

    def correct(self, split, indices, outputs):
        """Which outputs give the right class."""
        found = outputs[:, 0] > 0.5 if self.n_outputs == 1 else outputs.argmax(axis=1)
        return found == split.classes[indices]

    # ----------------------------------------------------------------------------- the networks
    def build(self, run):
        """Build the networks, or find some in this process that differ in launched values alone."""
        key = (self.benchmark.structure(self.p), self.benchmark.activation, tuple(self.shapes),
               self.data.n_classes, _ROOM, tuple(factor > 0 for factor in self.factors))
        self.task = run.build_once(key, self.compose, self.p.precision)

    def compose(self, shown=None):
        """The networks of slow neurons; shown some training samples, or with room for any.

        Returns
        -------
        SimpleNamespace
            ``network``, ``shown``, and by the names of the networks ``nets`` and ``readouts``.
        """
        from brian2 import Network, defaultclock, ms

        from brian_le.models import Batches, BatchReadout, LayeredNetwork
        from brian_le.substrate import Substrate

        p, data = self.p, self.data
        defaultclock.dt = p.dt*ms
        capacity = None if shown is not None else max(1, _ROOM//p.batch)
        indices = np.zeros(p.batch, dtype=int) if shown is None else shown
        shown = Batches(data.train.rates(indices), self.targets(data.train, indices),
                        duration=p.t_pattern*ms, replicas=p.batch, capacity=capacity,
                        name='batches')
        nets, readouts = {}, {}
        for name in chosen(p):
            options = {'errors_from': p.errors_from, **NETWORKS[name]}
            tau_r = options.pop('tau_r', p.tau_m if p.tau_r is None else p.tau_r)
            if name == 'mirror':
                options['decay'] = p.decay/p.t_pattern/ms
            if p.matching:
                options['eta_tau'] = self.eta_tau*ms
            net = nets[name] = LayeredNetwork(
                data.shape, self.layers, batches=shown, activation=self.benchmark.activation,
                beta=p.beta, eta=[eta/ms for eta in self.eta], tau_m=p.tau_m*ms, tau_r=tau_r*ms,
                tau_s=p.tau_s*ms, tau_target=p.tau_target*ms, name=name,
                substrate=Substrate(self.imperfections(name), self.seed), **options)
            net.weights.update({key: self.weights[key] for key in net.weights if key[0] != 'tau'})
            readouts[name] = BatchReadout(shown, net.output, 'r', f'{name}_readout')
        return SimpleNamespace(network=Network(shown, *nets.values(), *readouts.values()),
                               shown=shown, nets=nets, readouts=readouts)

    @property
    def eta(self):
        """Learning rates of the layers, per ms."""
        return [self.p.eta*factor/self.p.t_pattern for factor in self.factors]

    @property
    def eta_tau(self):
        """Learning rate of the time constants, in ms."""
        return self.p.eta_tau*self.p.tau_m**2/self.p.dt

    def imperfections(self, name):
        """What the substrate of a network does to it."""
        options = NETWORKS[name]
        return imperfections.imperfections(
            self.p, rate='rate' if self.p.tau_s else 'r',
            # a look-ahead that is not there does not differ
            mismatched=('tau_m',) if options.get('tau_r') == 0 else ('tau_m', 'tau_r'),
            between=('*_forward*', *(['*_feedback*'] if 'feedback' in options else [])),
            hidden=f'*_layer[!{len(self.factors) - 1}]')

    def launch_values(self):
        """Values of a run of the built networks, by ``'object.variable'``."""
        p, values = self.p, {}
        for name, net in self.task.nets.items():
            drawn = net.substrate.values(self.imperfections(name), self.seed)
            values |= net.weights.variables({key: self.weights[key] for key in net.weights
                                             if key[0] != 'tau'})
            values[f'{net.output.name}.beta'] = p.beta
            for (kind, k), projection in net.projections.items():
                rates = {'eta': self.eta_tau*1e-3 if kind == 'tau' else self.eta[k]*1e3,
                         'decay': p.decay/p.t_pattern*1e3} if 'eta' in projection.equations else {}
                values |= {f'{projection.name}.{rate}': value for rate, value in rates.items()
                           if rate in projection.equations}
                if kind == 'tau':  # learns from the mismatched value on
                    values[f'{projection.name}.tau'] = drawn.get(
                        f'{net.neurons[k].name}.tau_m', np.full(len(net.neurons[k]), p.tau_m*1e-3)
                    )[:len(net.neurons[k])//p.batch]
            values |= drawn
        return {key: np.asarray(value) for key, value in values.items()}

    def twin(self, state):
        """The network for backpropagation, with the weights that a state has of it."""
        from brian_le.protocols.baselines.backprop import BackpropNetwork

        weights = {key: state.get(f'backprop.{key[0]}_{key[1]}', array)
                   for key, array in self.weights.items() if key[0] != 'feedback'}
        return BackpropNetwork(self.data.shape, self.layers,
                               {key: np.asarray(w, self.dtype) for key, w in weights.items()},
                               activation=self.benchmark.activation)

    # ---------------------------------------------------------------------------------- running
    def show(self, state, split, indices, learning, matching=False):
        """Show samples in batches, from a state on.

        Returns
        -------
        end : dict
            All variables afterwards.
        outputs : dict
            Of every network, of shape (samples, outputs).
        """
        task = self.task
        values = {key: state[key] for key in task.program.state_names if key in state}
        values |= task.shown.tables(split.rates(indices), self.targets(split, indices))
        values |= {f'{task.shown.schedule.name}.{switch}': float(on) for switch, on in (
            ('nudged', learning), ('learning', learning), ('matching', matching))}
        end = task.program(values, len(indices)//self.p.batch*self.p.steps)
        return end, {name: readout.values(end) for name, readout in task.readouts.items()}

    def beginning(self):
        """The state before anything is learned."""
        state = self.launch_values()
        self.alive = {key: value for key, value in state.items() if key.endswith('.alive')}
        if _death(self.p):
            state |= dict.fromkeys(self.alive, 1)
            state |= {f'{name}.accuracy_at_death': np.zeros(()) for name in self.task.nets}
        state |= {f'{name}.accuracy': np.zeros(self.p.epochs + 1) for name in self.names}
        if 'backprop' in self.names:
            state |= self._twin_state(self.twin(state))
        if self.p.matching:
            state = self._matched(state)
        return self._evaluated(state, 0)

    def _matched(self, state):
        """The state after time constants have learned to match, with what they were meanwhile."""
        p, nets = self.p, self.task.nets
        found = {name: [] for name in nets}

        def keep():
            for name, net in nets.items():
                found[name].append(1e3*np.concatenate([
                    state[f'{net.projections["tau", k].name}.tau'] for k in range(
                        len(net.neurons))]))
        keep()
        for number in range(p.matching):
            epoch, batch = divmod(number, self.n_batches)
            indices = self.order(epoch)[batch*p.batch:(batch + 1)*p.batch]
            end, _ = self.show(state, self.data.train, indices, learning=False, matching=True)
            state = state | {key: end[key] for key in self.task.program.state_names}
            keep()
        return state | {f'{name}.tau_m': np.array(rows) for name, rows in found.items()}

    def chunk(self, state, first, n):
        """Learn from `n` batches, from the batch `first` on; see `Run.in_chunks`."""
        p, train = self.p, self.data.train
        state, rows = dict(state), []
        while n:
            epoch, begin = divmod(first, self.n_batches)
            count = min(n, self.n_batches - begin)
            if begin == 0 and 0 < epoch == _death(p):
                state = self._bereft(state)
            indices = self.order(epoch)[begin*p.batch:(begin + count)*p.batch]
            end, outputs = self.show(state, train, indices, learning=True)
            targets = self.targets(train, indices)
            losses = {f'{name}.train_loss': _losses(found, targets).reshape(count, -1).mean(axis=1)
                      for name, found in outputs.items()}
            state |= {key: end[key] for key in self.task.program.state_names}
            if 'backprop' in self.names:
                losses['backprop.train_loss'] = self._teach_twin(state, indices)
            rows.append(losses)
            first, n = first + count, n - count
            if not all(np.isfinite(value).all() for value in state.values()):
                break  # the run raises the error
            if first % self.n_batches == 0:
                state = self._evaluated(state, first//self.n_batches)
        return state, {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}

    def _bereft(self, state):
        """The state once some neurons have died, with the accuracies then."""
        state = {**state, **self.alive}
        found = self.accuracies(state, self.held_out)
        return state | {f'{name}.accuracy_at_death': np.array(found[name])
                        for name in self.task.nets}

    def _teach_twin(self, state, indices):
        """Let the twin learn from the same batches; the losses before each step."""
        p, train = self.p, self.data.train
        twin = self.twin(state)
        rate = p.eta*p.beta if p.backprop_rate is None else p.backprop_rate
        rates = [rate*factor for factor in self.factors]
        losses = [twin.learn(train.rates(batch).astype(self.dtype),
                             self.targets(train, batch).astype(self.dtype), rates)
                  for batch in indices.reshape(-1, p.batch)]
        state |= self._twin_state(twin)
        return np.array(losses, dtype=float)

    @staticmethod
    def _twin_state(twin):
        return {f'backprop.{kind}_{k}': w.copy() for (kind, k), w in twin.weights.items()}

    def _evaluated(self, state, epoch):
        """The state with the accuracies after an epoch."""
        state = dict(state)
        for name, accuracy in self.accuracies(state, self.held_out).items():
            state[f'{name}.accuracy'] = state[f'{name}.accuracy'].copy()
            state[f'{name}.accuracy'][epoch] = accuracy
        return state

    def accuracies(self, state, split):
        """The fraction of samples that each network classifies correctly, without learning."""
        p, room = self.p, max(1, _ROOM//self.p.batch)*self.p.batch
        values, right = dict(state), {name: [] for name in self.names}
        for begin in range(0, len(split), room):
            indices = np.arange(begin, min(begin + room, len(split)))
            # the last batch is filled up with samples that do not count
            whole = np.concatenate([indices, np.zeros(-len(indices) % p.batch, dtype=int)])
            values, outputs = self.show(values, split, whole, learning=False)
            if 'backprop' in self.names:
                rates = split.rates(indices).astype(self.dtype)
                outputs['backprop'] = self.twin(state).outputs(rates)
            for name, found in outputs.items():
                right[name].append(self.correct(split, indices, found[:len(indices)]))
        return {name: np.concatenate(parts).mean() for name, parts in right.items()}

    def describe(self, done, rows):
        """What the progress line says."""
        name = chosen(self.p)[0]
        return (f'epoch {-(-done//self.n_batches)}, loss {rows[f"{name}.train_loss"][-1]:.3g} '
                f'({LABELS[name]})')

    def arrays(self, state, rows):
        """The arrays of the result."""
        arrays, nets = {}, self.task.nets
        tested = self.accuracies(state, self.data.test)
        for name in self.names:
            losses = rows[f'{name}.train_loss'].reshape(self.p.epochs, -1)
            arrays |= {f'{name}.accuracy': state[f'{name}.accuracy'],
                       f'{name}.train_loss': losses.mean(axis=1),
                       f'{name}.test_accuracy': np.array(tested[name])}
            weights = (nets[name].weights.matrices(state) if name in nets
                       else self.twin(state).weights)
            arrays |= {f'{name}.W_{kind}_{k}': w for (kind, k), w in weights.items()
                       if kind != 'tau'}
            if f'{name}.accuracy_at_death' in state:
                arrays[f'{name}.accuracy_at_death'] = state[f'{name}.accuracy_at_death']
            if f'{name}.tau_m' in state:
                arrays |= {f'{name}.tau_m': state[f'{name}.tau_m'], f'{name}.tau_r':
                           1e3*np.concatenate([state[f'{group.name}.tau_r'][
                               :len(group)//self.p.batch] for group in nets[name].neurons])}
        return arrays


def _losses(outputs, targets):
    """Half the squared error of every sample."""
    return 0.5*np.sum((targets - outputs)**2, axis=1)
