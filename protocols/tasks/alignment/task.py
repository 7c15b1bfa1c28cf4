"""Do weights in time move along the gradient that backpropagation through time gives?"""

import numpy as np

from brian_le.protocols.parameters import Parameter
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.tasks.alignment.measuring import (Point, compare, compose, draw, gradients,
                                                          n_steps, proposed,
                                                          shortest_time_constant, steps_per_period)

__all__ = ['SWEEPS', 'Alignment', 'points']

#: What varies, and how it is called.
SWEEPS = {'frequency': 'w tau_m', 'depth': 'hidden layers', 'ratio': 'tau_m/tau_r'}

_LARGEST = 2e8  # numbers that the gradient of one network keeps


class Alignment(Protocol):
    """The weight changes of random networks in time against the exact gradient.

    A random network of Generalized Latent Equilibrium reads inputs that are sums of sines, and its
    outputs are nudged towards other such sums. What its local rules propose for weights, biases and
    both time constants is added up over one common period of all sines, while nothing changes. The
    exact gradient of the mean loss of that period, by backpropagation through time, needs the
    future of every step; the rules know the present alone. The cosine of the angle between the two
    tells how well they do, the quotient of their lengths whether steps are too large: for slow
    inputs both are 1.

    It is measured for many frequencies of the inputs, numbers of layers, and ratios tau_m/tau_r;
    and for errors that travel through space alone (``errors='instantaneous'``), for comparison. The
    frequency is given as w*tau_m, with the highest frequency w of the inputs and the mean membrane
    time constant of the network. The inputs stay the same, and it is the time constants that vary,
    so that one compiled program serves all frequencies.

    Results have for each of ``frequency``, ``depth`` and ``ratio``, after its name and a dot:
    ``values`` (what varies); ``cosine`` and ``size``, [value, network, errors, kind]; ``layers``:
    cosine of each layer, [value, network, layer from the outputs down, errors, kind], NaN where
    there is none; ``adjoint``: cosine of the adjoint method's gradient, [value, network, kind but
    tau_r].
    """

    name = 'alignment'
    figures = 'brian_le.protocols.tasks.alignment.figures'
    unmeasured = ('*.layers', 'layers')  # NaN stands for of layers that a network does not have
    unit = 'network'
    parameters = (
        Parameter('networks', 3, 'random networks', minimum=1, maximum=1000),
        Parameter('inputs', 5, 'inputs', minimum=1, maximum=1e4),
        Parameter('hidden', 20, 'neurons of each hidden layer', minimum=1, maximum=1e4),
        Parameter('outputs', 5, 'outputs', minimum=1, maximum=1e4),
        Parameter('depth', 2, 'hidden layers, where frequencies or ratios vary', minimum=1,
                  maximum=50),
        Parameter('deepest', 6, 'the largest number of hidden layers', minimum=1, maximum=50),
        Parameter('frequency', 0.3, 'frequency of the inputs, as w*tau_m, where layers or ratios '
                  'vary', minimum=1e-6),
        Parameter('frequencies', 8, 'frequencies, evenly on a logarithmic scale', minimum=1,
                  maximum=1000),
        Parameter('lowest', 0.01, 'the lowest frequency, as w*tau_m', minimum=1e-6),
        Parameter('highest', 3.0, 'the highest frequency, as w*tau_m', minimum=1e-6),
        Parameter('ratio', 5.0, 'tau_m/tau_r, where layers or frequencies vary', minimum=0.01),
        Parameter('ratios', 6, 'ratios tau_m/tau_r from 1 on, evenly on a logarithmic scale',
                  minimum=1, maximum=1000),
        Parameter('largest_ratio', 20.0, 'the largest ratio tau_m/tau_r', minimum=1),
        Parameter('beta', 0.01, 'strength of the targets', minimum=1e-12),
        Parameter('gamma', 0.0, 'how strongly errors act on the membranes'),
        Parameter('period', 2000.0, 'common period of all sines', 'ms', minimum=1e-3),
        Parameter('dt', 0.1, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.points, self.typical = points(p), Point(0, p.depth, p.frequency, p.ratio)
        self.total, self.n_steps, self.room = len(self.points), steps_per_period(p), p.networks

    @staticmethod
    def check(p):
        if p.highest < p.lowest:
            raise ValueError(f"'highest' is {p.highest:g}, below 'lowest', {p.lowest:g}; exchange "
                             'them')
        steps_per_period(p)
        for point in points(p):
            shortest = shortest_time_constant(p, point)
            if shortest < p.dt*(1 - 1e-9):
                raise ValueError(f'at w*tau_m = {point.frequency:g} and tau_m/tau_r = '
                                 f'{point.ratio:g} there are time constants of {shortest:g} ms, '
                                 f"below the time step 'dt' of {p.dt:g} ms; use a shorter 'dt', "
                                 'higher frequencies, or smaller ratios')
            neurons = p.inputs + point.depth*p.hidden + p.outputs
            if (kept := n_steps(p, point)*8*neurons) > _LARGEST:
                raise ValueError(f'the gradient at w*tau_m = {point.frequency:g} with '
                                 f'{point.depth} hidden layers takes {8*kept/1e9:.1f} GB; use a '
                                 "longer 'dt', fewer neurons, or lower frequencies")

    def compose(self):
        """The networks of the first measurement in which nothing varies."""
        return self._compose(self.typical)

    def _compose(self, point):
        return compose(self.p, point, draw(self.p, self.seed, point))

    def chunk(self, program, state, first, n):
        rows = [self.measure(program, point) for point in self.points[first:first + n]]
        return state, {key: np.array([row[key] for row in rows]) for key in rows[0]}

    def measure(self, program, point):
        """All angles of one measurement, see `compare`."""
        end = program.of(lambda: self._compose(point))({}, n_steps(self.p, point))
        drawn = draw(self.p, self.seed, point)
        return compare(self.p, point, proposed(end, drawn), *gradients(self.p, point, drawn))

    def describe(self, done, rows):
        return f"cosine {rows['cosine'][-1, 0, 0]:.3f}"

    def result(self, state, rows):
        if len(rows['cosine']) < self.total:  # an exported project, of one measurement
            kept = {key: array for key, array in state.items()
                    if key.startswith(('exact.', 'adjoint.'))}
            return kept | {key: array[0] for key, array in rows.items()}
        depths = np.array([point.depth for point in self.points])
        beyond = np.arange(rows['layers'].shape[1]) > depths[:, None]
        rows = rows | {'layers': np.where(beyond[..., None, None], np.nan, rows['layers'])}
        arrays, first, n = {}, 0, self.p.networks
        for sweep, varied in swept(self.p).items():
            last = first + len(varied)*n
            arrays |= {f'{sweep}.values': varied, **{
                f'{sweep}.{key}': array[first:last].reshape(len(varied), n, *array.shape[1:])
                for key, array in rows.items()}}
            first = last
        return arrays

    def exported_steps(self):
        return n_steps(self.p, self.typical)

    def kept(self):
        """The exact gradients of the network of `compose`."""
        drawn = draw(self.p, self.seed, self.typical)
        found = zip(('exact', 'adjoint'), gradients(self.p, self.typical, drawn))
        return {f'{name}.{kind}_{k}': array for name, of_name in found
                for (kind, k), array in of_name.items()}

    def rows(self, end):
        """The angles of that network, once it has run in a project."""
        drawn = draw(self.p, self.seed, self.typical)
        exact, adjoint = ({(kind, k): end[f'{name}.{kind}_{k}'] for kind, k in drawn.weights
                           if f'{name}.{kind}_{k}' in end} for name in ('exact', 'adjoint'))
        found = compare(self.p, self.typical, proposed(end, drawn), exact, adjoint)
        return {key: array[None] for key, array in found.items()}

    def guide(self):
        return {f'alignment_prospective_{kind}0.total': f'what the rule proposes for {what}'
                for kind, what in (('forward', 'the weights of the first layer'),
                                   ('tau_m', 'its membrane time constants (with the other sign)'))}

    @staticmethod
    def summarize(result):
        p = result.description['parameters']
        yield ('cosine with the exact gradient, mean of all networks, and of weights with '
               'instantaneous')
        yield f"errors ({p['depth']} hidden layers, w*tau_m = {p['frequency']:g}, "\
              f"tau_m/tau_r = {p['ratio']:g}, unless it varies)"
        for sweep, label in SWEEPS.items():
            yield f'{label:<14} weights  biases  tau_m   tau_r    weights, instantaneous'
            for value, cosine in zip(result.arrays[f'{sweep}.values'],
                                     result.arrays[f'{sweep}.cosine'].mean(axis=1)):
                shown = ''.join(f'{x:8.4f}' for x in cosine[0])
                yield f'{value:<14.3g}{shown}{cosine[1, 0]:12.4f}'


def swept(p):
    """The values of each sweep, by its name."""
    return {'frequency': np.geomspace(p.lowest, p.highest, p.frequencies),
            'depth': np.arange(1, p.deepest + 1),
            'ratio': np.geomspace(1, p.largest_ratio, p.ratios)}


def points(p):
    """All measurements, in the order of the sweeps, with all networks at each of their values."""
    typical = dict(depth=p.depth, frequency=p.frequency, ratio=p.ratio)
    return [Point(network, **(typical | {sweep: value.item()}))
            for sweep, values in swept(p).items() for value in values
            for network in range(p.networks)]
