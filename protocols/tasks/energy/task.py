"""The energy of networks while they learn, with and without look-ahead."""

import numpy as np

from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.protocol import Protocol

__all__ = ['Energies', 'LABELS', 'look_ahead', 'patterns', 'slopes']

LABELS = {'le': 'look-ahead', 'mismatch': 'look-ahead with mismatch',
          'no_look_ahead': 'without look-ahead'}
OUTPUTS = 3
_PARTS = ('total', 'E_layer0', 'E_layer1', 'E_layer2', 'cost_layer2')  # what is recorded


class Energies(Protocol):
    """The energy of three networks that learn the same patterns, epoch by epoch.

    Patterns are shown one after the other, each for less time than membranes take, while learning
    goes on. The networks differ in how far their neurons look ahead: by the membrane time constant,
    by that times a random number of each neuron, and not at all. Neurons and weights of the first
    one follow their energy in every step, whatever the membranes do: where it has settled after a
    change of the pattern, the energy is stationary, and the weight change is minus its gradient.
    Without look-ahead the membranes never come to rest, so that most of the mismatch is lag.

    Results have for every network (``le``, ``mismatch``, ``no_look_ahead``), after its name and a
    dot: ``energy`` (epochs, layers), what the mismatch of each layer costs, and ``cost`` (epochs),
    beta times the cost of the outputs, means over an epoch; in the last step of an epoch ``slope``
    (epochs), the norm of the derivative of the energy with respect to all look-aheads, as a
    fraction of that of all mismatches, and ``cosine`` (epochs, layers) of the weight change with
    minus the gradient of the energy; ``first`` and ``last`` (steps), the energy in every step of
    these epochs.
    """

    name = 'energy'
    figures = 'brian_le.protocols.tasks.energy.figures'
    unit = 'epoch'
    room = 64  # epochs between two checkpoints
    parameters = (
        Parameter('t_pattern', 2.0, 'time of one presentation', 'ms', minimum=1e-6, maximum=1e5),
        Parameter('epochs', 150, 'how often all patterns are shown', minimum=1, maximum=1e5),
        Parameter('patterns', 8, 'random patterns, each with one of three classes', minimum=1,
                  maximum=1000),
        Parameter('inputs', 10, 'numbers in a pattern', minimum=1, maximum=10_000),
        Parameter('hidden', 12, 'neurons in each of two hidden layers', minimum=1, maximum=10_000),
        Parameter('mismatch', 0.02, 'standard deviation of look-ahead times, of tau_m', minimum=0,
                  maximum=0.5),
        Parameter('eta', 0.05, 'learning rate', '1/ms', minimum=0),
        Parameter('beta', 0.1, 'strength of the targets', minimum=1e-6),
        Parameter('tau_m', 10.0, 'membrane time constant', 'ms', minimum=1e-6, maximum=1e5),
        Parameter('dt', 0.1, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.total, self.n_steps = p.epochs, p.patterns*steps_per_pattern(p)
        self.samples, self.targets = patterns(p, seed)
        self.shape = (p.inputs, p.hidden, p.hidden, OUTPUTS)

    @staticmethod
    def check(p):
        steps_per_pattern(p)

    # ------------------------------------------------------------------------------ the network
    def compose(self):
        from brian2 import Network, TimedArray, defaultclock, ms

        from brian_le.models import (Dense, LayeredNetwork, Recorder, StepClock, drive,
                                     initial_weights)

        p = self.p
        defaultclock.dt = p.dt*ms
        clock = StepClock(p.t_pattern*ms, name='energy_clock')
        shown = {'r': TimedArray(self.samples, dt=1*ms, name='energy_samples'),
                 'target': TimedArray(self.targets, dt=1*ms, name='energy_targets')}
        weights = initial_weights(p.inputs, [Dense(n) for n in self.shape[1:]],
                                  np.random.default_rng([self.seed, 1]))
        nets, recorded = [], {}
        for name, times in look_ahead(p, self.seed, self.shape).items():
            net = LayeredNetwork(
                p.inputs, [Dense(n, tau_r=tau_r*ms) for n, tau_r in zip(self.shape[1:], times)],
                beta=p.beta, eta=p.eta/ms, tau_m=p.tau_m*ms, energy=True, name=name)
            net.weights.update(weights)
            for group, variable in ((net.inputs, 'r'), (net.output, 'target')):
                drive(group, variable, f'shown((period % {p.patterns} + 0.5)*ms, i)', clock,
                      shown=shown[variable])
            recorded |= {f'{name}_{what}': (net.energy_meter, what) for what in _PARTS}
            nets.append(net)
        return Network(clock, nets, Recorder(recorded, name='energies'))

    # ---------------------------------------------------------------------------------- the run
    def chunk(self, program, state, first, n):
        """Every epoch ends with a step of its own, whose weight change is compared."""
        rows = []
        for _ in range(n):
            before = program({}, self.n_steps - 1, state)
            state = {**state, **program.state(before)}
            end = program({}, 1, state)
            state = {**state, **program.state(end)}
            rows.append(self._row(before, end))
        return state, {key: np.stack([row[key] for row in rows]) for key in rows[0]}

    def _row(self, before, end):
        """What is kept of an epoch."""
        found = {}
        for name in LABELS:
            parts = np.stack([np.concatenate([of[f'energies_monitor.{name}_{what}'] for of in (
                before, end)]) for what in _PARTS], axis=1)
            total, *layers, cost = parts.T
            layers[-1] = layers[-1] - self.p.beta*cost
            mismatch, du, dw = slopes(
                [end[f'{name}_layer{k}.u_prosp'] for k in range(3)],
                [self._weights(before, name, k) for k in range(3)],
                self.samples[-1], self.targets[-1], self.p.beta)
            changes = [self._weights(end, name, k)[0] - self._weights(before, name, k)[0]
                       for k in range(3)]
            found |= {f'{name}.total': total, f'{name}.cost': self.p.beta*cost.mean(),
                      f'{name}.energy': np.mean(layers, axis=1),
                      f'{name}.slope': _norm(du)/max(_norm(mismatch), 1e-300),
                      f'{name}.cosine': np.array([_cosine(change, -slope)
                                                  for change, slope in zip(changes, dw)])}
        return found

    def _weights(self, values, name, k):
        """Weights [post, pre] and biases of a layer."""
        w = values[f'{name}_forward{k}.w'].reshape(self.shape[k], self.shape[k + 1]).T
        return w, values[f'{name}_bias{k}.bias']

    def describe(self, done, rows):
        return ', '.join(f"{label} {rows[f'{name}.total'][-1].mean():.2g}"
                         for name, label in LABELS.items())

    def result(self, state, rows):
        arrays = {}
        for name in LABELS:
            total = rows[f'{name}.total']
            arrays |= {f'{name}.{what}': rows[f'{name}.{what}']
                       for what in ('energy', 'cost', 'slope', 'cosine')}
            arrays |= {f'{name}.first': total[0], f'{name}.last': total[-1]}
        return arrays

    def refuse_export(self):
        raise ValueError("'energy' compares weights of single steps between launches, which an "
                         'exported project does not have; run it here')

    # --------------------------------------------------------------------------------- a result
    @staticmethod
    def measures(result):
        """The numbers that tables are made of.

        Parameters
        ----------
        result : Result

        Returns
        -------
        dict of str to float
            For every network, of the last tenth of the epochs: ``le_energy``, ``le_cost`` and
            ``le_slope``, means, ``le_cosine``, the smallest of all layers, and so on; ``le_fall``
            is the energy of the last epoch as a fraction of the first.
        """
        found = {}
        for name in LABELS:
            a = {what: result.arrays[f'{name}.{what}']
                 for what in ('energy', 'cost', 'slope', 'cosine')}
            total, last = a['energy'].sum(axis=1) + a['cost'], -(-len(a['cost'])//10)
            found |= {f'{name}_energy': float(total[-last:].mean()),
                      f'{name}_cost': float(a['cost'][-last:].mean()),
                      f'{name}_slope': float(a['slope'][-last:].mean()),
                      f'{name}_cosine': float(a['cosine'][-last:].min()),
                      f'{name}_fall': float(total[-1]/total[0])}
        return found

    @classmethod
    def summarize(cls, result):
        found = cls.measures(result)
        for name, label in LABELS.items():
            yield (f"{label:<26} energy {found[f'{name}_energy']:.2e} "
                   f"({found[f'{name}_fall']:.2g} of the first), slope "
                   f"{found[f'{name}_slope']:.1e}, cosine of weight change and gradient "
                   f"{found[f'{name}_cosine']:.6f} or more")


def patterns(p, seed):
    """Patterns, uniform in [-1, 1), and their classes as 0 and 1."""
    rng = np.random.default_rng([seed, 0])
    return (rng.uniform(-1, 1, (p.patterns, p.inputs)),
            np.eye(OUTPUTS)[np.arange(p.patterns) % OUTPUTS])


def look_ahead(p, seed, shape):
    """Look-ahead times of all layers in ms, by network; none below the time step."""
    rng = np.random.default_rng([seed, 2])
    drawn = [np.maximum(p.tau_m*(1 + p.mismatch*rng.normal(size=n)), p.dt) for n in shape[1:]]
    return {'le': [p.tau_m]*3, 'mismatch': drawn, 'no_look_ahead': [0.0]*3}


def slopes(u, weights, x, target, beta):
    """Derivatives of the energy of a chain, tanh but for linear outputs.

    Parameters
    ----------
    u : list of numpy.ndarray
        Look-aheads of the layers.
    weights : list of tuple
        Weights [post, pre] and biases of the layers.
    x, target : numpy.ndarray
        Inputs and targets.
    beta : float
        Strength of the targets.

    Returns
    -------
    mismatch, du, dw : list of numpy.ndarray
        The mismatches, and the derivatives with respect to the look-aheads and to the weights.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.protocols.tasks.energy.task import slopes
    >>> mismatch, du, dw = slopes([np.array([3.0])], [(np.array([[2.0]]), np.array([0.0]))],
    ...                           np.array([1.0]), np.array([4.0]), beta=0.5)
    >>> mismatch, du, dw
    ([array([1.])], [array([0.5])], [array([[-1.]])])
    """
    rates = [x, *(np.tanh(values) for values in u[:-1]), u[-1]]
    mismatch = [values - w @ r - b for values, (w, b), r in zip(u, weights, rates)]
    down = [(1 - r**2)*(w.T @ m) for r, (w, _), m in zip(rates[1:-1], weights[1:], mismatch[1:])]
    du = [m - error for m, error in zip(mismatch, [*down, beta*(target - rates[-1])])]
    return mismatch, du, [-np.outer(m, r) for m, r in zip(mismatch, rates)]


def _norm(arrays):
    """Of all their numbers together."""
    return float(np.sqrt(sum((array**2).sum() for array in arrays)))


def _cosine(a, b):
    """Of two matrices; 0 if one of them is 0."""
    size = np.linalg.norm(a)*np.linalg.norm(b)
    return float((a*b).sum()/size) if size > 0 else 0.0
