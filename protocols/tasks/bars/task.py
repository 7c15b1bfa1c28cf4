"""The bars task: horizontal, vertical and diagonal bars, learned by a cortical microcircuit."""

import bisect
from types import SimpleNamespace

import numpy as np
from brian2 import Network, defaultclock, ms

from brian_le.models import (Microcircuit, Presentations, Readout, Traces, random_weights,
                             self_predicting)
from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.tasks.circuit_parameters import CONDUCTANCES, activation, conductances
from brian_le.protocols.tasks.imperfections import alive_later, imperfections, parameters
from brian_le.protocols.tasks.weights import named, weights_in
from brian_le.substrate import Substrate

__all__ = ['Bars', 'dataset', 'scores']

N_INPUTS, N_OUTPUTS, N_PATTERNS = 9, 3, 8
_SHOWN = 3  # hidden neurons in the traces
_BETWEEN_LAYERS = ('*_up*', '*_down*', '*_nudge*')
_CIRCUITS = {'both': {'le': True, 'original': False}, 'true': {'le': True},
             'false': {'original': False}}
LABELS = {'le': 'Latent Equilibrium', 'original': 'original circuit'}
# steps per presentation and, in the paper's configuration, the time before averaging (ms)
_OUT_LAG = ([3, 5, 10, 20, 50, 100, 200, 500, 1000],
            [0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 40.0, 80.0])


def dataset():
    """The eight patterns, (8, 9) of 3 x 3 pixels row by row, and their classes.

    These are 0 horizontal (three), 1 vertical (three), 2 diagonal (two).
    """
    rows = [np.repeat(np.eye(3)[k], 3) for k in (2, 1, 0)]
    columns = [np.tile(np.eye(3)[k], 3) for k in (2, 1, 0)]
    diagonals = [np.eye(3).ravel(), np.eye(3)[::-1].ravel()]
    return np.array(rows + columns + diagonals), np.array([0, 0, 0, 1, 1, 1, 2, 2])


class Bars(Protocol):
    """Bars of 3 x 3 pixels, learned by a 9-30-3 microcircuit, with and without look-ahead.

    In every epoch each of the eight patterns is shown once in random order with learning and nudged
    outputs, and once in another random order without either, for validation; the potentials are
    never reset in between. Weights and orders are drawn as the paper's code does, so the same seed
    gives the paper's runs.

    Results have for every circuit (``'le'``, ``'original'``), after its name and a dot: ``error``
    and ``accuracy`` of every epoch, ``outputs`` (epochs, 8 patterns, 3), ``initial_W_*`` and
    ``final_W_*`` (matrices [post, pre]), ``before_*`` and ``after_*`` traces of hidden and output
    neurons (steps, neurons), without nudging or learning, from silent circuits. In common:
    ``order`` (epochs, 16), ``images``, ``classes``, ``targets``, ``traced`` (the patterns in the
    traces).
    """

    name = 'bars'
    figures = 'brian_le.protocols.tasks.bars.figures'
    unit = 'epoch'
    room = 1024  # epochs in one launch of the simulation
    parameters = (
        Parameter('t_pattern', 10.0, 'time of one presentation', 'ms', minimum=0.001, maximum=1e5),
        Parameter('epochs', 1000, 'epochs of eight training and eight validation patterns',
                  minimum=1, maximum=1e6),
        Parameter('prospective', 'both', 'with look-ahead (true), the original circuit (false), or '
                  'both side by side', choices=('both', 'true', 'false')),
        Parameter('hidden', 30, 'pyramidal neurons in the hidden layer', minimum=1, maximum=1e5),
        Parameter('eta_up', 0.5, 'learning rate of the hidden layer, times t_pattern', minimum=0),
        Parameter('eta_out', 0.1, 'learning rate of the output layer, times t_pattern', minimum=0),
        Parameter('eta_ip', 0.2, 'learning rate of pyramidal to interneuron, times t_pattern',
                  minimum=0),
        Parameter('eta_pi', 0.0, 'learning rate of interneuron to pyramidal, times t_pattern',
                  minimum=0),
        Parameter('u_high', 1.0, 'target potential of the correct output'),
        Parameter('u_low', 0.1, 'target potential of the other outputs'),
        Parameter('out_lag', None, 'time left out at the beginning of a presentation when outputs '
                  "are averaged, original circuit only; auto is that of the paper's code", 'ms',
                  minimum=0),
        Parameter('tau_0', None, 'low-pass filter of inputs and targets; auto is one time step, no '
                  'filter', 'ms', minimum=1e-6),
        activation('softplus'),
        *CONDUCTANCES,
        *parameters(),
        Parameter('dt', 0.1, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        rng = np.random.RandomState(seed)
        self.weights = initial_weights(p, rng)  # by (kind, layer), in the self-predicting state
        self.order = epochs_of(rng, p.epochs)  # patterns for training, then for validation
        self.total, self.n_steps = p.epochs, 2*N_PATTERNS*steps_per_pattern(p)
        self.circuits = _CIRCUITS[p.prospective]  # whether each looks ahead, by its name

    @staticmethod
    def check(p):
        out_lag_steps(p)

    def compose(self):
        return self._compose(self.order[0])

    def compose_whole(self):
        return self._compose(self.order.ravel())

    def _compose(self, order):
        """Both circuits, shown patterns in some order."""
        p = self.p
        defaultclock.dt = p.dt*ms
        on = is_training(order)
        shown = Presentations(dataset()[0], targets(p), duration=p.t_pattern*ms, order=order,
                              nudged=on, learning=on, name=self.name,
                              capacity=max(self.room*2*N_PATTERNS, order.size),
                              tau_0=None if p.tau_0 is None else p.tau_0*ms)
        network = Network(shown)
        self.presentations, self.microcircuits, self.traces = shown, {}, {}
        for name, prospective in self.circuits.items():
            circuit = Microcircuit(
                (N_INPUTS, p.hidden, N_OUTPUTS), shown, prospective=prospective,
                activation=p.activation, **conductances(p),
                eta_up=(p.eta_up/p.t_pattern/ms, p.eta_out/p.t_pattern/ms),
                eta_ip=p.eta_ip/p.t_pattern/ms, eta_pi=p.eta_pi/p.t_pattern/ms, name=name,
                substrate=Substrate(imperfect(p, prospective), self.seed))
            circuit.weights.update(self.weights)
            readout = Readout(shown, circuit.output, circuit.visible, name=f'{name}_readout')
            readout.group.lag = 0 if prospective else out_lag_steps(p)
            traces = {
                'hidden': Traces(circuit.hidden[0], ['u', 'v_bas', 'v_api'],
                                 range(min(_SHOWN, p.hidden)), f'{name}_hidden_traces'),
                'output': Traces(circuit.output, ['u', circuit.visible, 'v_bas']
                                 if prospective else ['u', 'v_bas'],
                                 range(N_OUTPUTS), f'{name}_output_traces')}
            network.add(circuit, readout, *traces.values())
            self.microcircuits[name], self.traces[name] = circuit, traces
        return network

    def begin(self, program):
        alive = dict.fromkeys(alive_later(program), 1) if death(self.p) else {}
        return alive | self._traced(program, alive, 'before')

    def shown(self, first, n):
        order = self.order[first:first + n]
        return self._tables(order.ravel(), is_training(order))

    def _tables(self, order, on):
        """Values for a launch in which some patterns are shown."""
        return {**self.presentations.tables(order, on, on), f'{self.name}.presentation': -1,
                f'{self.name}.n_presentations': len(order)}

    def chunk(self, program, state, first, n):
        at = death(self.p)
        if first < at < first + n:
            state, rows = self.chunk(program, state, first, at - first)
            state, more = self.chunk(program, state, at, first + n - at)
            return state, {key: np.concatenate([rows[key], more[key]]) for key in rows}
        if first >= at:
            state = {**state, **alive_later(program)}
        state, rows = super().chunk(program, state, first, n)
        if first + n == self.total:
            state |= self._traced(program, state, 'after')
        return state, rows

    def _traced(self, program, state, when):
        """Traces without nudging or learning, from silent circuits with the weights of now."""
        now = {key: value for key, value in state.items() if key.endswith(('.w', '.alive'))}
        now |= {f'{name}_{part}_traces.on': 1 for name in self.circuits
                for part in ('hidden', 'output')} | {f'{name}_target.on': 0 for name in
                self.circuits}
        end = program({**self._tables(np.arange(N_PATTERNS), False), **now},
                      N_PATTERNS*steps_per_pattern(self.p))
        return {f'{name}.{when}_{part}_{variable}': traces.array(
            variable, end[f'{name}_{part}_traces_monitor.{variable}'])
            for part in ('hidden', 'output') for name in self.circuits
            for traces in [self.traces[name][part]] for variable in traces.variables}

    def rows(self, end):
        """Mean output potentials in validation, of shape (epochs, 8, 3), by circuit."""
        means = {name: np.reshape(end[f'{name}_readout_monitor.mean'],
                                  (-1, 2*N_PATTERNS, N_OUTPUTS)) for name in self.circuits}
        return {name: values[:, N_PATTERNS:] for name, values in means.items()}

    def describe(self, done, rows):
        order = self.order[done - 1:done]
        return ', '.join(f'{LABELS[name]} {scores(self.p, order, means[-1:])["accuracy"][0]:.2f}'
                         for name, means in rows.items())

    def result(self, state, rows):
        images, classes = dataset()
        arrays = {key: state[key] for when in ('before', 'after') for key in state
                  if f'.{when}_' in key}
        arrays |= dict(order=self.order, images=images, classes=classes, targets=targets(self.p),
                       traced=np.arange(N_PATTERNS))
        for name in self.circuits:
            arrays |= {f'{name}.outputs': rows[name], **{
                f'{name}.{key}': values
                for key, values in scores(self.p, self.order, rows[name]).items()}}
            arrays |= named(self.weights, f'{name}.initial_')
            arrays |= named(weights_in(state, name, self.weights), f'{name}.final_')
        return arrays

    def refuse_export(self):
        if death(self.p):
            raise ValueError("'dead_from' is above 0, but an exported project cannot change its "
                             'neurons while it runs; give dead_from=0')

    def guide(self):
        guide = {'bars.step, bars.presentation': 'where the run has ended'}
        for name in self.circuits:
            guide |= {f'{name}_readout_monitor.mean': f'{LABELS[name]}: mean output potentials, '
                                                      'three per presentation',
                      f'{name}_up0.w, {name}_up1.w': 'forward weights at the end'}
        return guide

    @staticmethod
    def measures(result):
        """Scalars of a run: accuracy over the last 100 epochs, and error in the last one.

        With both circuits side by side, their names and a dot come before.
        """
        names, found = circuits_in(result), {}
        dead_from = death(SimpleNamespace(**result.description['parameters']))
        for name in names:
            accuracy, of_circuit = result.arrays[f'{name}.accuracy'], {}
            if dead_from:
                before = accuracy[max(0, dead_from - 100):dead_from]
                of_circuit |= {'accuracy_before_death': before.mean(),
                               'accuracy_at_death': accuracy[dead_from]}
            of_circuit |= {'accuracy': accuracy[-100:].mean(), 'final_accuracy': accuracy[-1],
                           'error': result.arrays[f'{name}.error'][-1],
                           'right_from': right_from(accuracy)}
            found |= {f'{name}.{key}' if len(names) > 1 else key: value
                      for key, value in of_circuit.items()}
        return found

    @staticmethod
    def summarize(result):
        for name in circuits_in(result):
            accuracy = result.arrays[f'{name}.accuracy']
            last, stable = accuracy[-100:], right_from(accuracy)
            kept = (f'1.0 from epoch {stable} on' if stable <= len(accuracy)
                    else f'{accuracy[-1]:.3f} at the end')
            yield (f"{LABELS[name]:<28} error {result.arrays[f'{name}.error'][-1]:.2e}, accuracy "
                   f'{kept}, mean of the last {len(last)} epochs {last.mean():.3f}')


def circuits_in(result):
    """The names of the circuits in a result."""
    return [name for name in LABELS if f'{name}.error' in result.arrays]


def right_from(accuracy):
    """The epoch from which on all is right; one more than there are if there is none."""
    wrong = np.flatnonzero(accuracy < 1)
    return wrong[-1] + 2 if len(wrong) else 1


def targets(p):
    """Target potentials of all patterns, of shape (8, 3)."""
    return np.where(np.eye(N_OUTPUTS)[dataset()[1]] > 0, p.u_high, p.u_low)


def initial_weights(p, rng):
    """Random weights in the self-predicting state; of a RandomState, those of the paper."""
    weights = random_weights((N_INPUTS, p.hidden, N_OUTPUTS), rng)
    return self_predicting(weights, g_l=p.g_l, g_b=p.g_b, g_a=p.g_a, g_d=p.g_d)


def epochs_of(rng, n):
    """Orders of the patterns in `n` epochs, of shape (n, 16): training, then validation."""
    return np.array([np.concatenate([rng.permutation(N_PATTERNS), rng.permutation(N_PATTERNS)])
                     for _ in range(n)])


def imperfect(p, prospective=True):
    """The imperfections of a circuit; without look-ahead there is no time of it."""
    return imperfections(p, between=_BETWEEN_LAYERS,
                         mismatched=('tau_m', 'tau_r') if prospective else ('tau_m',))


def death(p):
    """The epoch before which some hidden neurons die."""
    return round(p.dead_from*p.epochs) if p.dead > 0 else 0


def out_lag_steps(p):
    """Steps that the original circuit leaves out when it averages its outputs."""
    n_steps = steps_per_pattern(p)
    if p.out_lag is None:
        steps, lags = _OUT_LAG
        lag = lags[max(0, bisect.bisect_right(steps, n_steps) - 1)]
        return min(round(lag/0.1), n_steps - 1)
    lag = round(p.out_lag/p.dt)
    if lag >= n_steps:
        raise ValueError(f"'out_lag' is {p.out_lag:g} ms, but a presentation takes only "
                         f'{p.t_pattern:g} ms (t_pattern)')
    return lag


def is_training(order):
    """Whether a presentation is for training, for all presentations of some epochs."""
    return np.tile(np.repeat([True, False], N_PATTERNS), np.size(order)//(2*N_PATTERNS))


def scores(p, order, means):
    """Validation error (mean square) and accuracy of every epoch.

    Of `means`, mean output potentials in validation (epochs, 8, 3), and `order` (epochs, 16).
    """
    validated = order[:len(means), N_PATTERNS:]
    error = np.mean((means - targets(p)[validated])**2, axis=(1, 2))
    accuracy = np.mean(means.argmax(axis=2) == dataset()[1][validated], axis=1)
    return {'error': error, 'accuracy': accuracy}
