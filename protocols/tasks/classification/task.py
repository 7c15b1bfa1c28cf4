"""Classification: layered networks learn the classes of samples, beside backpropagation."""

import math
from functools import cached_property
from types import SimpleNamespace

import numpy as np
from brian2 import Network, defaultclock, kHz, ms

from brian_le.models import Batches, BatchReadout, LayeredNetwork, initial_weights, layer_shapes
from brian_le.protocols.baselines.backprop import BackpropNetwork
from brian_le.protocols.tasks import imperfections
from brian_le.protocols.tasks.classification.options import (LABELS, NETWORKS, chosen, death,
                                                             names_in, resolved)
from brian_le.protocols.tasks.epochs import InEpochs
from brian_le.protocols.tasks.weights import named
from brian_le.substrate import Substrate

__all__ = ['Classification']

_ROOM = 4096  # samples in one launch of the simulation


class Classification(InEpochs):
    """Layered networks learn the classes of samples, beside backpropagation.

    Samples are shown in batches, each for the same short time; the potentials are never reset in
    between. After every epoch the networks classify samples that they do not learn from, with
    nudging and learning off, and go on from where they were. Several networks of slow neurons see
    the same batches side by side, and so does their twin: the same layers without any dynamics,
    trained by backpropagation in plain NumPy.

    The neurons and synapses may be imperfect. Against mismatch of their time constants, membranes
    may first learn to match the look-ahead: they are shown batches without targets, before anything
    else is learned.

    Results have for every network (``'le'``, ..., ``'backprop'``), after its name and a dot:
    ``accuracy`` on the held-out samples before learning and after every epoch; ``train_loss``, the
    mean over every epoch of half the squared error of the batches that were learned;
    ``test_accuracy``; and the weights at the end, ``W_forward_0`` and so on. If time constants
    match first, ``tau_m`` (ms), of shape (batches + 1, neurons), and ``tau_r``, that they are to
    reach. If neurons die while the networks learn, ``accuracy_at_death``, on the held-out samples
    before anything else is learned. Those of an exported project have ``train_loss``, and
    ``targets``, of shape (samples, outputs).
    """

    figures = 'brian_le.protocols.tasks.classification.figures'

    def __init__(self, p, seed):
        super().__init__(resolved(p), seed)
        p = self.p
        self.precision, self.n_steps, self.room = p.precision, p.steps, max(1, _ROOM//p.batch)
        self.dtype = {'single': np.float32, 'double': np.float64}[p.precision]
        self.factors = self.benchmark.factors(p)
        self.names = [*chosen(p), *(['backprop'] if p.twin == 'true' else [])]

    @staticmethod
    def check(p):
        resolved(p)

    @property
    def held_out(self):
        """The samples that are classified after every epoch."""
        return self.data.test if self.data.validation is None else self.data.validation

    def order(self, epoch):
        """The training samples of an epoch, in whole batches; a function of seed and epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        return rng.permutation(len(self.data.train))[:self.n_batches*self.p.batch]

    @property
    def _whole_order(self):
        return np.concatenate([self.order(epoch) for epoch in range(self.p.epochs)])

    def targets(self, split, indices):
        """Target rates: 1 for the class, 0 for the others; one output is the second class."""
        targets = np.eye(self.data.n_classes)[split.classes[indices]]
        return targets[:, 1:] if self.n_outputs == 1 else targets

    def correct(self, split, indices, outputs):
        """Which outputs give the right class."""
        found = outputs[:, 0] > 0.5 if self.n_outputs == 1 else outputs.argmax(axis=1)
        return found == split.classes[indices]

    @cached_property
    def layers(self):
        """The layers of all networks."""
        return self.benchmark.layers(self.p)

    @cached_property
    def n_outputs(self):
        """Output neurons of one replica."""
        return math.prod(layer_shapes(self.data.shape, self.layers)[-1])

    @cached_property
    def weights(self):
        """The initial weights of all networks, by (kind, layer)."""
        return initial_weights(self.data.shape, self.layers, np.random.default_rng(self.seed),
                               sigma=self.p.sigma, feedback=True)

    def compose(self):
        return self._compose(np.zeros(self.p.batch, dtype=int), self.room)

    def compose_whole(self):
        return self._compose(self._whole_order, None)

    def _compose(self, indices, capacity):
        """The networks of slow neurons, shown some training samples."""
        p, data = self.p, self.data
        defaultclock.dt = p.dt*ms
        self.shown = Batches(data.train.rates(indices), self.targets(data.train, indices),
                             duration=p.t_pattern*ms, replicas=p.batch, capacity=capacity,
                             name='batches')
        self.nets, readouts = {}, []
        for name in chosen(p):
            options = {'errors_from': p.errors_from, **NETWORKS[name]}
            tau_r = options.pop('tau_r', p.tau_m if p.tau_r is None else p.tau_r)
            if name == 'mirror':
                options['decay'] = p.decay/p.t_pattern*kHz
            if p.matching:
                options['eta_tau'] = p.eta_tau*p.tau_m**2/p.dt*ms
            net = self.nets[name] = LayeredNetwork(
                data.shape, self.layers, batches=self.shown, activation=self.benchmark.activation,
                beta=p.beta, eta=[p.eta*factor/p.t_pattern*kHz for factor in self.factors],
                tau_m=p.tau_m*ms, tau_r=tau_r*ms, tau_s=p.tau_s*ms, tau_target=p.tau_target*ms,
                name=name, substrate=Substrate(self.imperfections(name), self.seed), **options)
            net.weights.update({key: self.weights[key] for key in net.weights if key[0] != 'tau'})
            if p.matching:  # learning begins with the mismatched time constants
                for k, group in enumerate(net.neurons):
                    net.projections['tau', k].tau = group.tau_m[:len(group)//p.batch]
            readouts.append(BatchReadout(self.shown, net.output, 'r', f'{name}_readout'))
        return Network(self.shown, *self.nets.values(), *readouts)

    def imperfections(self, name):
        """What the substrate of a network does to it."""
        options = NETWORKS[name]
        return imperfections.imperfections(
            self.p, rate='rate' if self.p.tau_s else 'r',
            # a look-ahead that is not there does not differ
            mismatched=('tau_m',) if options.get('tau_r') == 0 else ('tau_m', 'tau_r'),
            between=('*_forward*', *(['*_feedback*'] if 'feedback' in options else [])),
            hidden=f'*_layer[!{len(self.factors) - 1}]')

    def twin(self, state):
        """The network for backpropagation, with the weights that a state has of it."""
        weights = {key: np.asarray(state.get('backprop.W_{}_{}'.format(*key), w), self.dtype)
                   for key, w in self.weights.items() if key[0] != 'feedback'}
        return BackpropNetwork(self.data.shape, self.layers, weights,
                               activation=self.benchmark.activation)

    @staticmethod
    def _twin_state(twin):
        return named({key: w.copy() for key, w in twin.weights.items()}, 'backprop.')

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

    def begin(self, program):
        state = {f'{name}.accuracy': np.zeros(self.p.epochs + 1) for name in self.names}
        if death(self.p):
            state |= dict.fromkeys(imperfections.alive_later(program), 1)
        if 'backprop' in self.names:
            state |= self._twin_state(self.twin(state))
        if self.p.matching:
            state = self._matched(program, state)
        return self.evaluated(program, state, 0)

    def _matched(self, program, state):
        """The state after time constants have learned to match, with what they were meanwhile."""
        p, at = self.p, range(len(self.factors))
        found = {name: [self._first_time_constants(net)] for name, net in self.nets.items()}
        for number in range(p.matching):
            epoch, batch = divmod(number, self.n_batches)
            indices = self.order(epoch)[batch*p.batch:(batch + 1)*p.batch]
            end = self._show(program, state, self.data.train, indices, matching=1)
            state = state | program.state(end)
            for name, rows in found.items():
                rows.append(np.concatenate([end[f'{name}_tau{k}.tau'] for k in at]))
        for name, rows in found.items():
            ahead = [state[f'{name}_layer{k}.tau_r'] for k in at]
            state |= {f'{name}.tau_m': np.array([1e3*row for row in rows]), f'{name}.tau_r':
                      1e3*np.concatenate([tau[:len(tau)//p.batch] for tau in ahead])}
        return state

    def _first_time_constants(self, net):
        """Those of a network before they match, in s, not rounded to its precision."""
        drawn, tau_m = net.substrate.values(), self.p.tau_m*1e-3
        return np.concatenate([drawn.get(f'{group.name}.tau_m', np.full(len(group), tau_m))
                               [:len(group)//self.p.batch] for group in net.neurons])

    def _show(self, program, state, split, indices, **switches):
        """All variables after samples were shown in batches, from a state on."""
        values = self.shown.tables(split.rates(indices), self.targets(split, indices))
        values |= {f'{self.shown.schedule.name}.{switch}': float(switches.get(switch, 0))
                   for switch in ('nudged', 'learning', 'matching')}
        return program(values, len(indices)//self.p.batch*self.n_steps, state)

    def _outputs(self, end):
        """What each network has answered, of shape (samples, outputs)."""
        found = {}
        for name in chosen(self.p):
            last = end[f'{name}_layer{len(self.factors) - 1}.r']
            # recorded before every batch; before the first one nothing was shown
            before = np.ravel(end[f'{name}_readout_monitor.value'])[len(last):]
            found[name] = np.concatenate([before, last]).reshape(-1, len(last)//self.p.batch)
        return found

    def learn(self, program, state, epoch, first, n):
        p, train = self.p, self.data.train
        if first == 0 and 0 < epoch == death(p):
            state = self._bereft(program, state)
        indices = self.order(epoch)[first*p.batch:(first + n)*p.batch]
        end = self._show(program, state, train, indices, nudged=1, learning=1)
        losses = self.rows({**end, 'targets': self.targets(train, indices)})
        state = {**state, **program.state(end)}
        if 'backprop' in self.names:
            losses['backprop.train_loss'] = self._teach_twin(state, indices)
        return state, losses

    def rows(self, end):
        """Half the squared error of each batch, on average."""
        return {f'{name}.train_loss': (0.5*np.sum((end['targets'] - outputs)**2, axis=1))
                .reshape(-1, self.p.batch).mean(axis=1)
                for name, outputs in self._outputs(end).items()}

    def _bereft(self, program, state):
        """The state once some neurons have died, with the accuracies then."""
        state = {**state, **imperfections.alive_later(program)}
        found = self.accuracies(program, state, self.held_out)
        return state | {f'{name}.accuracy_at_death': np.array(found[name])
                        for name in chosen(self.p)}

    def evaluated(self, program, state, epoch):
        """The state with the accuracies after an epoch."""
        state = dict(state)
        for name, accuracy in self.accuracies(program, state, self.held_out).items():
            state[f'{name}.accuracy'] = state[f'{name}.accuracy'].copy()
            state[f'{name}.accuracy'][epoch] = accuracy
        return self._finished(program, state) if epoch == self.p.epochs else state

    def _finished(self, program, state):
        """The state with the accuracies in the test, and with the weights as matrices."""
        found = self.accuracies(program, state, self.data.test)
        state = state | {f'{name}.test_accuracy': np.array(found[name]) for name in self.names}
        for name, net in self.nets.items():
            state |= named({key: w for key, w in net.weights.matrices(state).items()
                            if key[0] != 'tau'}, f'{name}.')
        return state

    def accuracies(self, program, state, split):
        """The fraction of samples that each network classifies correctly, without learning."""
        values, right = state, {name: [] for name in self.names}
        for indices, whole in self.in_launches(len(split)):
            values = self._show(program, values, split, whole)
            outputs = self._outputs(values)
            if 'backprop' in self.names:
                rates = split.rates(indices).astype(self.dtype)
                outputs['backprop'] = self.twin(state).outputs(rates)
            for name, found in outputs.items():
                right[name].append(self.correct(split, indices, found[:len(indices)]))
        return {name: np.concatenate(parts).mean() for name, parts in right.items()}

    def describe(self, done, rows):
        name = self.names[0]
        return (f'epoch {-(-done//self.n_batches)}, loss {rows[f"{name}.train_loss"][-1]:.3g} '
                f'({LABELS[name]})')

    def result(self, state, rows):
        arrays = {key: array for key, array in state.items()
                  if key.partition('.')[0] in (*self.names, 'targets')}
        return arrays | {key: losses.reshape(self.p.epochs, -1).mean(axis=1)
                         for key, losses in rows.items()}

    def refuse_export(self):
        p = self.p
        if p.matching or p.dead and p.dead_from:
            raise ValueError("an exported project only learns, from its beginning to its end; give "
                             'matching=0 and dead_from=0')
        super().refuse_export()

    def kept(self):
        return {'targets': self.targets(self.data.train, self._whole_order)}

    def guide(self):
        guide = {}
        for name in chosen(self.p):
            guide |= {f'{name}_readout_monitor.value': f'{LABELS[name]}: outputs before each '
                                                       'batch, of all replicas',
                      f'{name}_forward0.w, {name}_bias0.bias': 'weights at the end'}
        return guide

    @staticmethod
    def measures(result):
        """Scalars of a run: accuracy on test samples, and loss while learning in the last epoch.

        With matching time constants also the mean relative ``mismatch_before`` and
        ``mismatch_after``; with neurons that die while the networks learn, the held-out
        ``accuracy_before_death`` and ``accuracy_at_death``. With several networks of slow neurons,
        their names and a dot come before; and always for the twin.
        """
        arrays, found = result.arrays, {}
        names, slow = names_in(arrays), [name for name in names_in(arrays) if name in NETWORKS]
        dead_from = death(SimpleNamespace(**result.description['parameters']))
        for name in names:
            before = '' if [name] == slow else f'{name}.'
            found[f'{before}accuracy'] = arrays[f'{name}.test_accuracy']
            found[f'{before}train_loss'] = arrays[f'{name}.train_loss'][-1]
            if f'{name}.tau_m' in arrays:
                mismatch = np.abs(arrays[f'{name}.tau_m']/arrays[f'{name}.tau_r'] - 1).mean(axis=1)
                found[f'{before}mismatch_before'] = mismatch[0]
                found[f'{before}mismatch_after'] = mismatch[-1]
            if f'{name}.accuracy_at_death' in arrays:
                found[f'{before}accuracy_before_death'] = arrays[f'{name}.accuracy'][dead_from]
                found[f'{before}accuracy_at_death'] = arrays[f'{name}.accuracy_at_death']
        return {key: float(value) for key, value in found.items()}

    @staticmethod
    def summarize(result):
        arrays = result.arrays
        for name in names_in(arrays):
            epochs = len(arrays[f'{name}.train_loss'])
            yield (f'{LABELS[name]:<22} {100*float(arrays[f"{name}.test_accuracy"]):6.2f} % of the '
                   f'test samples are correct after {epochs} epochs')
