"""Alignment: do weights in time move along the gradient that backpropagation through time gives?

A random network of Generalized Latent Equilibrium reads inputs that are sums of sines, and its
outputs are nudged towards other such sums. What its local rules propose for weights, biases and
both time constants is added up over one common period of all sines, while nothing changes. The
exact gradient of the mean loss of that period, by backpropagation through time, needs the future
of every step; the rules know the present alone. The cosine of the angle between the two tells how
well they do, the quotient of their lengths whether steps are too large: for slow inputs both are 1.

It is measured for many frequencies of the inputs, numbers of layers, and ratios tau_m/tau_r; and
for errors that travel through space alone (``errors='instantaneous'``), for comparison. The
frequency is given as w*tau_m, with the highest frequency w of the inputs and the mean membrane
time constant of the network. The inputs stay the same, and it is the time constants that vary, so
that one compiled program serves all frequencies.
"""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from brian_le.protocols.parameters import Parameter

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'UNMEASURED', 'ERRORS', 'KINDS', 'SWEEPS',
           'Total', 'Point', 'points', 'draw', 'compose', 'gradients', 'alignment', 'simulate',
           'prepare', 'read_variables', 'summarize']

NAME = 'alignment'
SUMMARY = 'the weight changes of random networks in time against the exact gradient'
FIGURES = 'brian_le.protocols.tasks.alignment.figures'
UNMEASURED = ('*.layers', 'layers')  #: NaN stands for of layers that a network does not have

PARAMETERS = (
    Parameter('networks', 3, 'random networks', minimum=1, maximum=1000),
    Parameter('inputs', 5, 'inputs', minimum=1, maximum=1e4),
    Parameter('hidden', 20, 'neurons of each hidden layer', minimum=1, maximum=1e4),
    Parameter('outputs', 5, 'outputs', minimum=1, maximum=1e4),
    Parameter('depth', 2, 'hidden layers, where frequencies or ratios vary', minimum=1,
              maximum=50),
    Parameter('deepest', 6, 'the largest number of hidden layers', minimum=1, maximum=50),
    Parameter('frequency', 0.3, 'frequency of the inputs, as w*tau_m, where layers or ratios vary',
              minimum=1e-6),
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

ERRORS = ('prospective', 'instantaneous')  #: second to last axis of what a result holds
KINDS = ('forward', 'bias', 'tau_m', 'tau_r')  #: last axis of it

#: What varies, and how it is called.
SWEEPS = {'frequency': 'w tau_m', 'depth': 'hidden layers', 'ratio': 'tau_m/tau_r'}

_HARMONICS = 3  # sines of an input
_SPREAD = 0.5, 1.5  # of membrane time constants, relative to their mean
_GAIN = 2  # of the initial weights, so that neurons are not nearly linear
_SETTLING = 20  # time constants until the measurement begins
_LARGEST = 2e8  # numbers that the gradient of one network keeps

_WAVES = '\n'.join(f'phase_{m} : 1' for m in range(1, _HARMONICS + 1)) + '\nvalue : 1'

_SETTLING_PERIODS = 'n_settling : integer (shared, constant)'


@dataclass(frozen=True)
class Total:
    """An optimiser that adds up what a rule proposes, as ``total``, and changes nothing.

    Examples
    --------
    >>> from brian_le import error_learning
    >>> from brian_le.protocols.tasks.alignment.task import Total
    >>> print(error_learning(optimiser=Total())['total'])
    dtotal/dt = err_post*r_sent_pre : s (clock-driven)
    """

    scales_with_gradient = True

    def lines(self, name, gradient, unit):
        """As of `brian_le.SGD`."""
        from brian2 import second

        return {'total': (gradient, unit*second)}, f'0*{gradient}', []


@dataclass(frozen=True)
class Point:
    """One measurement: the number of a network, and the settings that vary.

    Parameters
    ----------
    network : int
        From 0.
    depth : int
        Hidden layers.
    frequency : float
        w*tau_m.
    ratio : float
        tau_m/tau_r.
    """

    network: int
    depth: int
    frequency: float
    ratio: float


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


def check(p):
    """Raise a ValueError for settings that cannot be simulated."""
    if p.highest < p.lowest:
        raise ValueError(f"'highest' is {p.highest:g}, below 'lowest', {p.lowest:g}; exchange them")
    n_steps = steps_per_period(p)
    for point in points(p):
        shortest = mean_tau_m(p, point)*_SPREAD[0]/max(1, point.ratio)
        if shortest < p.dt*(1 - 1e-9):
            raise ValueError(f'at w*tau_m = {point.frequency:g} and tau_m/tau_r = {point.ratio:g} '
                             f'there are time constants of {shortest:g} ms, below the time step '
                             f"'dt' of {p.dt:g} ms; use a shorter 'dt', higher frequencies, or "
                             'smaller ratios')
        neurons = p.inputs + point.depth*p.hidden + p.outputs
        if (kept := (settling_periods(p, point) + 1)*n_steps*8*neurons) > _LARGEST:
            raise ValueError(f'the gradient at w*tau_m = {point.frequency:g} with {point.depth} '
                             f"hidden layers takes {8*kept/1e9:.1f} GB; use a longer 'dt', fewer "
                             "neurons, or lower frequencies")


def steps_per_period(p):
    """Time steps of a period; a ValueError if their number is not whole."""
    n_steps = p.period/p.dt
    if abs(n_steps - round(n_steps)) > 1e-6*n_steps or round(n_steps) < 20*_HARMONICS:
        raise ValueError(f"'dt' is {p.dt:g} ms, which does not divide the 'period' of "
                         f'{p.period:g} ms into a whole number of at least {20*_HARMONICS} steps')
    return round(n_steps)


def mean_tau_m(p, point):
    """The mean membrane time constant in ms."""
    return point.frequency*p.period/(2*np.pi*_HARMONICS)


def settling_periods(p, point):
    """Whole periods until a network has settled."""
    slowest = mean_tau_m(p, point)*_SPREAD[1]*max(1, 1/point.ratio)
    return int(np.ceil(_SETTLING*slowest/p.period))


def n_steps(p, point):
    """Time steps of a measurement."""
    return (settling_periods(p, point) + 1)*steps_per_period(p)


def layers(p, depth):
    """The layers behind the inputs."""
    from brian_le.models import Dense

    return [Dense(p.hidden)]*depth + [Dense(p.outputs)]


def draw(p, seed, point):
    """The random draws of one network.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the draws.
    point : Point
        What is measured.

    Returns
    -------
    SimpleNamespace
        ``weights``: weights, biases and time constants (ms) by (kind, layer); ``inputs`` and
        ``targets``: phases of the sines, [harmonic, neuron].
    """
    from brian_le.models import initial_weights

    rng = np.random.default_rng([seed, point.network])
    phases = [rng.uniform(0, 2*np.pi, (_HARMONICS, n)) for n in (p.inputs, p.outputs)]
    weights = initial_weights(p.inputs, layers(p, point.depth), rng)
    weights = {key: _GAIN*values for key, values in weights.items()}
    for k, layer in enumerate(layers(p, point.depth)):
        weights['tau_m', k] = mean_tau_m(p, point)*rng.uniform(*_SPREAD, layer.n)
        weights['tau_r', k] = weights['tau_m', k]/point.ratio
    return SimpleNamespace(weights=weights, inputs=phases[0], targets=phases[1])


def compose(p, point):
    """Two networks with the same inputs and targets, one for each kind of errors.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    point : Point
        Its number of hidden layers is that of the networks; time constants, weights and phases
        are `values`.

    Returns
    -------
    SimpleNamespace
        ``network``, and ``nets``: each `GLENetwork` by its kind of errors.
    """
    from brian2 import Network, NeuronGroup, defaultclock, ms

    from brian_le.models import GLENetwork, StepClock, drive
    from brian_le.step import STIMULUS

    defaultclock.dt = p.dt*ms
    clock = StepClock(p.period*ms, equations=_SETTLING_PERIODS, name=f'{NAME}_clock')
    waves = {}
    for role, n in (('inputs', p.inputs), ('targets', p.outputs)):
        waves[role] = NeuronGroup(n, _WAVES, name=f'{NAME}_{role}', namespace={})
        sines = ' + '.join(f'sin(2*pi*{m}*t/period + phase_{m})' for m in range(1, _HARMONICS + 1))
        drive(waves[role], 'value', f'sqrt(2/{_HARMONICS}.0)*({sines})', period=p.period*ms)
    nets = {}
    for errors in ERRORS:
        net = nets[errors] = GLENetwork(
            p.inputs, layers(p, point.depth), errors=errors, beta=p.beta, gamma=p.gamma,
            eta=1/ms, eta_tau_m=1*ms, eta_tau_r=1*ms, optimiser=Total(), tau_m=p.dt*ms,
            name=f'{NAME}_{errors}')
        for group, variable, wave in ((net.inputs, 'r', waves['inputs']),
                                      (net.output, 'target', waves['targets'])):
            drive(group, variable, 'value', wave, order=STIMULUS + 0.5)
        drive(net.schedule, 'learning', 'int(period >= n_settling)', clock)
    return SimpleNamespace(network=Network(clock, *waves.values(), *nets.values()), nets=nets)


def values(p, task, point, drawn):
    """What a measurement sets in the networks, by ``'object.variable'``."""
    # networks have their time constants in seconds
    weights = {(kind, k): array*1e-3 if kind in ('tau_m', 'tau_r') else array
               for (kind, k), array in drawn.weights.items()}
    found = {f'{NAME}_clock.n_settling': settling_periods(p, point)}
    for net in task.nets.values():
        found |= net.weights.variables(weights)
    for role in ('inputs', 'targets'):
        found |= {f'{NAME}_{role}.phase_{m}': phases
                  for m, phases in enumerate(getattr(drawn, role), 1)}
    return found


def proposed(projections, variables):
    """What the rules of a network propose, by (kind, layer), from its totals over a period.

    Parameters
    ----------
    projections : dict
        `ArrayView` objects of the totals by (kind, layer).
    variables : dict
        Variables after a run.

    Returns
    -------
    dict of numpy.ndarray
        The changes for a learning rate of 1, in ms; of time constants without unit.
    """
    scales = {'forward': 1e3, 'bias': 1e3, 'tau_m': -1, 'tau_r': 1}  # tau_m goes down err*u_dot
    return {key: scales[key[0]]*view.to_shape(np.asarray(variables[view.key]))
            for key, view in projections.items()}


def totals(net):
    """The totals of a network, as `proposed` reads them."""
    return {key: projection.matrix('total') for key, projection in net.projections.items()}


def gradients(p, point, drawn):
    """What exact gradient descent proposes, by backpropagation through time and by the adjoint.

    The loss is half the squared difference of targets and outputs, of which a rate is compared
    with the target of the step that reads it. Errors outside the period are 0, but what they
    depend on goes back to the beginning of the simulation.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    point : Point
        What is measured.
    drawn : SimpleNamespace
        Weights, time constants and phases, see `draw`.

    Returns
    -------
    bptt, adjoint : dict of numpy.ndarray
        Changes by (kind, layer) in the units of `proposed`, for a strength of the targets of 1;
        the adjoint method has none for ``tau_r``.
    """
    from brian_le.protocols.baselines.adjoint import (TemporalNetwork, adjoint_gradients,
                                                      adjoint_signals, bptt_gradients)

    n, period = n_steps(p, point), steps_per_period(p)
    times = p.dt*np.arange(n + 1)
    x, target = (np.sqrt(2/_HARMONICS)*sum(
        np.sin(2*np.pi*m*times[:, None, None]/p.period + phases)
        for m, phases in enumerate(of_role, 1)) for of_role in (drawn.inputs, drawn.targets))
    network = TemporalNetwork(drawn.weights, ['tanh']*point.depth + ['linear'], p.dt)
    trajectory = network.run(x[:n])
    errors = np.zeros_like(trajectory.outputs)
    # the last step is left without, for the adjoint method looks at differences of errors
    shown = slice(n - period - 1, n - 1)
    errors[shown] = target[n - period:n] - trajectory.outputs[shown]
    exact = bptt_gradients(network, trajectory, errors)
    adjoint = adjoint_gradients(network, trajectory,
                                adjoint_signals(network, trajectory, errors))
    return tuple({key: -p.dt*array for key, array in found.items()} for found in (exact, adjoint))


def alignment(changes, exact):
    """Cosine of the angle between changes and the exact ones, and quotient of their lengths.

    Parameters
    ----------
    changes, exact : sequence of array_like
        One array or several that count as one vector.

    Returns
    -------
    cosine, size : float
        ``size`` is the length of the changes along the exact ones, divided by that of these.

    Examples
    --------
    >>> from brian_le.protocols.tasks.alignment.task import alignment
    >>> alignment([[2, 0], [2]], [[1, 0], [0]])
    (0.7071067811865475, 2.0)
    """
    a, b = (np.concatenate([np.ravel(array) for array in arrays]) for arrays in (changes, exact))
    return float(a @ b/np.sqrt((a @ a)*(b @ b))), float(a @ b/(b @ b))


def compare(p, point, found, exact, adjoint):
    """All angles of one measurement.

    Returns
    -------
    dict of numpy.ndarray
        ``cosine`` and ``size``, [errors, kind]; ``layers``: cosine of each layer, [layer from the
        outputs down, errors, kind], 0 where there is none; ``adjoint``: cosine of the adjoint
        method's gradient, [kind].
    """
    numbers = range(point.depth + 1)

    def angle(changes, kind, some=numbers):
        return alignment([changes[kind, k] for k in some], [exact[kind, k] for k in some])

    overall = np.array([[angle(found[errors], kind) for kind in KINDS] for errors in ERRORS])
    by_layer = np.zeros((max(p.deepest, p.depth) + 1, len(ERRORS), len(KINDS)))
    by_layer[:point.depth + 1] = [
        [[angle(found[errors], kind, [k])[0] for kind in KINDS] for errors in ERRORS]
        for k in reversed(numbers)]
    return {'cosine': overall[..., 0], 'size': overall[..., 1]/p.beta, 'layers': by_layer,
            'adjoint': np.array([angle(adjoint, kind)[0] for kind in KINDS[:-1]])}


def simulate(p, seed, run):
    """Measure networks at all frequencies, numbers of layers, and ratios of the time constants.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the networks.
    run : brian_le.protocols.runs.running.Run
        Builds the programs, keeps checkpoints and shows progress.

    Returns
    -------
    dict of str to numpy.ndarray
        For each of `SWEEPS`, after its name and a dot: ``values`` (what varies); ``cosine`` and
        ``size``, [value, network, errors, kind], see `alignment`; ``layers``: cosine of each layer,
        [value, network, layer from the outputs down, errors, kind], NaN where there is none;
        ``adjoint``: cosine of the adjoint method's gradient, [value, network, kind but tau_r].
    """
    check(p)
    programs, to_do = {}, points(p)

    def program_of(point):
        if point.depth not in programs:
            task = SimpleNamespace()

            def compose_network():
                vars(task).update(vars(compose(p, point)))
                return task.network
            programs[point.depth] = run.build(compose_network), task
        return programs[point.depth]

    def chunk(state, first, n):
        rows = [measure(point) for point in to_do[first:first + n]]
        return state, {key: np.array([row[key] for row in rows]) for key in rows[0]}

    def measure(point):
        program, task = program_of(point)
        drawn = draw(p, seed, point)
        end = program(values(p, task, point, drawn), n_steps(p, point))
        found = {errors: proposed(totals(net), end) for errors, net in task.nets.items()}
        return compare(p, point, found, *gradients(p, point, drawn))

    _, rows = run.in_chunks(
        chunk, {}, len(to_do), 'network', room=p.networks, duration=p.period,
        describe=lambda done, new: f"cosine {new['cosine'][-1, 0, 0]:.3f}")
    return evaluation(p, rows)


def evaluation(p, rows):
    """What a result holds, from one row per measurement."""
    depths = np.array([point.depth for point in points(p)])
    beyond = np.arange(rows['layers'].shape[1]) > depths[:, None]
    rows = rows | {'layers': np.where(beyond[..., None, None], np.nan, rows['layers'])}
    arrays, first = {}, 0
    for sweep, varied in swept(p).items():
        last = first + len(varied)*p.networks
        arrays |= {f'{sweep}.values': varied, **{
            f'{sweep}.{key}': array[first:last].reshape(len(varied), p.networks, *array.shape[1:])
            for key, array in rows.items()}}
        first = last
    return arrays


def prepare(p, seed):
    """The measurement of the first network, where nothing varies, for an exported project.

    Returns
    -------
    SimpleNamespace
        ``compose`` (returns the network), ``precision``, ``n_steps``, ``arrays`` (to keep beside
        the project) and ``guide`` (the most important variables and what they are).
    """
    check(p)
    point = Point(0, p.depth, p.frequency, p.ratio)
    drawn = draw(p, seed, point)

    def compose_network():
        task = compose(p, point)
        for key, array in values(p, task, point, drawn).items():
            name, variable = key.split('.')
            (group,) = (obj for obj in task.network.objects if obj.name == name)
            group.variables[variable].set_value(array)
        return task.network

    found = dict(zip(('exact', 'adjoint'), gradients(p, point, drawn)))
    guide = {f'{NAME}_prospective_{kind}0.total': f'what the rule proposes for {what}'
             for kind, what in (('forward', 'the weights of the first layer'),
                                ('tau_m', 'its membrane time constants (with the other sign)'))}
    return SimpleNamespace(
        compose=compose_network, precision='double', n_steps=n_steps(p, point), guide=guide,
        arrays={f'{name}.{kind}_{k}': array for name, of_name in found.items()
                for (kind, k), array in of_name.items()})


def read_variables(p, arrays, variables):
    """The angles of one measurement, see `compare`, from the variables of an exported project."""
    point = Point(0, p.depth, p.frequency, p.ratio)
    exact, adjoint = ({tuple(_number(part) for part in key.split('.')[1].rsplit('_', 1)): array
                       for key, array in arrays.items() if key.startswith(f'{name}.')}
                      for name in ('exact', 'adjoint'))
    found = {errors: proposed({(kind, k): _Stored(f'{NAME}_{errors}_{kind}{k}.total', array.shape)
                               for (kind, k), array in exact.items()}, variables)
             for errors in ERRORS}
    return arrays | compare(p, point, found, exact, adjoint)


@dataclass(frozen=True)
class _Stored:
    """Where a project has the values of a matrix: one presynaptic neuron after the other."""

    key: str
    shape: tuple

    def to_shape(self, flat):
        return flat.reshape(self.shape[::-1]).T


def _number(text):
    return int(text) if text.isdigit() else text


def summarize(result):
    """Lines of text about a result."""
    p = result.description['parameters']
    yield 'cosine with the exact gradient, mean of all networks, and of weights with instantaneous'
    yield f"errors ({p['depth']} hidden layers, w*tau_m = {p['frequency']:g}, "\
          f"tau_m/tau_r = {p['ratio']:g}, unless it varies)"
    for sweep, label in SWEEPS.items():
        yield f'{label:<14} weights  biases  tau_m   tau_r    weights, instantaneous'
        for value, cosine in zip(result.arrays[f'{sweep}.values'],
                                 result.arrays[f'{sweep}.cosine'].mean(axis=1)):
            shown = ''.join(f'{x:8.4f}' for x in cosine[0])
            yield f'{value:<14.3g}{shown}{cosine[1, 0]:12.4f}'
