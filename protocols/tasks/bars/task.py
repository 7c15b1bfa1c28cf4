"""The bars task: horizontal, vertical and diagonal bars, learned by a cortical microcircuit.

Figure 3 of the Latent Equilibrium paper: a microcircuit of 9-30-3 neurons classifies images of
3 x 3 pixels. In every epoch each of the eight patterns is shown once in random order with
learning and nudged outputs, and once in another random order without either, for validation; the
potentials are never reset in between. The circuit with look-ahead learns however short the
presentations are; the original one, whose neurons have to settle first, does not.
"""

import bisect
from types import SimpleNamespace

import numpy as np

from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.tasks.circuit_parameters import CONDUCTANCES, activation, conductances
from brian_le.protocols.tasks.imperfections import imperfections, kinds, parameters

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'dataset', 'draw', 'check', 'compose',
           'simulate', 'train', 'prepare', 'read_variables', 'scores', 'measures', 'summarize']

NAME = 'bars'
FIGURES = 'brian_le.protocols.tasks.bars.figures'
SUMMARY = 'bars in 3 x 3 pixels, learned by a 9-30-3 microcircuit, with and without look-ahead'

PARAMETERS = (
    Parameter('t_pattern', 10.0, 'time of one presentation', 'ms', minimum=0.001,
              maximum=1e5),
    Parameter('epochs', 1000, 'epochs of eight training and eight validation patterns',
              minimum=1, maximum=1e6),
    Parameter('prospective', 'both', 'with look-ahead (true), the original circuit (false), or '
              'both side by side', choices=('both', 'true', 'false')),
    Parameter('hidden', 30, 'pyramidal neurons in the hidden layer', minimum=1,
              maximum=1e5),
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

N_INPUTS, N_OUTPUTS, N_PATTERNS = 9, 3, 8
_ROOM = 16384  # presentations in one launch of the simulation
_SHOWN = 3  # hidden neurons in the traces
_RATES = ('eta_up', 'eta_out', 'eta_ip', 'eta_pi')
# handed over at every launch
_LAUNCHED = {'t_pattern', 'epochs', 'out_lag', *_RATES, *(x.name for x in parameters())}
_BETWEEN_LAYERS = ('*_up*', '*_down*', '*_nudge*')
_CIRCUITS = {'both': {'le': True, 'original': False}, 'true': {'le': True},
             'false': {'original': False}}
# steps per presentation and, in the paper's configuration, the time before averaging (ms)
_OUT_LAG = ([3, 5, 10, 20, 50, 100, 200, 500, 1000],
            [0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 40.0, 80.0])


def dataset():
    """The eight patterns and their classes.

    Returns
    -------
    images : numpy.ndarray
        Of shape (8, 9): 3 x 3 pixels, row by row, 0 or 1.
    classes : numpy.ndarray
        0 horizontal (three), 1 vertical (three), 2 diagonal (two).

    Examples
    --------
    >>> from brian_le.protocols.tasks.bars.task import dataset
    >>> dataset()[0][0].reshape(3, 3)
    array([[0., 0., 0.],
           [0., 0., 0.],
           [1., 1., 1.]])
    """
    rows = [np.repeat(np.eye(3)[k], 3) for k in (2, 1, 0)]
    columns = [np.tile(np.eye(3)[k], 3) for k in (2, 1, 0)]
    diagonals = [np.eye(3).ravel(), np.eye(3)[::-1].ravel()]
    return np.array(rows + columns + diagonals), np.array([0, 0, 0, 1, 1, 1, 2, 2])


def targets(p):
    """Target potentials of all patterns, of shape (8, 3)."""
    return np.where(np.eye(N_OUTPUTS)[dataset()[1]] > 0, p.u_high, p.u_low)


def initial_weights(p, rng):
    """Random weights in the self-predicting state.

    With ``numpy.random.RandomState(seed)`` these are the weights of the paper's code.
    """
    from brian_le.models import random_weights, self_predicting

    weights = random_weights((N_INPUTS, p.hidden, N_OUTPUTS), rng)
    return self_predicting(weights, g_l=p.g_l, g_b=p.g_b, g_a=p.g_a, g_d=p.g_d)


def epochs_of(rng, n):
    """Orders of the patterns in `n` epochs, of shape (n, 16): training, then validation."""
    return np.array([np.concatenate([rng.permutation(N_PATTERNS), rng.permutation(N_PATTERNS)])
                     for _ in range(n)])


def compose(p, weights, order, seed=0):
    """The network of the task.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    weights : dict
        Initial weights by (kind, layer).
    order : numpy.ndarray
        Patterns in the order of presentation, in whole epochs.
    seed : int
        Seed of the imperfections.

    Returns
    -------
    SimpleNamespace
        ``network``, ``shown`` (the `Presentations`), and by the name of the circuit (``'le'``,
        ``'original'``) the dicts ``circuits``, ``readouts``, ``hidden_traces``,
        ``output_traces``.
    """
    from brian2 import Network, defaultclock, ms

    from brian_le.models import Microcircuit, Presentations, Readout, Traces
    from brian_le.substrate import Substrate

    steps_per_pattern(p)
    defaultclock.dt = p.dt*ms
    training = is_training(order)
    tau_0 = None if p.tau_0 is None else p.tau_0*ms
    shown = Presentations(dataset()[0], targets(p), duration=p.t_pattern*ms, order=order,
                          nudged=training, learning=training, tau_0=tau_0,
                          capacity=max(_ROOM, len(order)), name=NAME)
    task = SimpleNamespace(shown=shown, circuits={}, readouts={}, hidden_traces={},
                           output_traces={})
    for name, prospective in _CIRCUITS[p.prospective].items():
        circuit = Microcircuit(
            (N_INPUTS, p.hidden, N_OUTPUTS), shown, prospective=prospective,
            activation=p.activation,
            **conductances(p),
            eta_up=(p.eta_up/p.t_pattern/ms, p.eta_out/p.t_pattern/ms),
            eta_ip=p.eta_ip/p.t_pattern/ms, eta_pi=p.eta_pi/p.t_pattern/ms, name=name,
            substrate=Substrate(imperfect(p, prospective), seed))
        circuit.weights.update(weights)
        readout = Readout(shown, circuit.output, circuit.visible, name=f'{name}_readout')
        readout.group.lag = 0 if prospective else out_lag_steps(p)
        task.circuits[name], task.readouts[name] = circuit, readout
        task.hidden_traces[name] = Traces(circuit.hidden[0], ['u', 'v_bas', 'v_api'],
                                          range(min(_SHOWN, p.hidden)), f'{name}_hidden_traces')
        task.output_traces[name] = Traces(circuit.output, ['u', circuit.visible, 'v_bas']
                                          if prospective else ['u', 'v_bas'],
                                          range(N_OUTPUTS), f'{name}_output_traces')
    task.network = Network(shown, *(list(each.values()) for each in (
        task.circuits, task.readouts, task.hidden_traces, task.output_traces)))
    return task


def check(p):
    """Raise a ValueError for parameters that do not fit each other."""
    out_lag_steps(p)


def structure(p):
    """All that a compiled program of the task depends on; what is not in it is launched with."""
    return (NAME, *((key, value) for key, value in vars(p).items() if key not in _LAUNCHED),
            *(key for key in _RATES if getattr(p, key) > 0),  # others are not in the equations
            *kinds(p))


def imperfect(p, prospective=True):
    """The imperfections of a circuit; without look-ahead there is no time of it."""
    return imperfections(p, between=_BETWEEN_LAYERS,
                         mismatched=('tau_m', 'tau_r') if prospective else ('tau_m',))


def death(p):
    """The epoch before which some hidden neurons die."""
    return round(p.dead_from*p.epochs) if p.dead > 0 else 0


def launch_values(p, weights, order, task, seed):
    """Values of a run of the compiled task, by ``'object.variable'``."""
    images, first = dataset()[0], order[0, 0]
    values = {f'{NAME}.n_steps': steps_per_pattern(p), f'{NAME}_inputs.r': images[first]}
    for name, circuit in task.circuits.items():
        values |= circuit.weights.variables(weights)
        rates = dict(zip(('up0', 'up1', 'ip0', 'pi0'), (getattr(p, key) for key in _RATES)))
        values |= {f'{name}_{kind}.eta': eta/p.t_pattern*1e3  # in Hz
                   for kind, eta in rates.items() if eta > 0}
        values[f'{name}_target.u'] = targets(p)[first]
        values[f'{name}_readout.lag'] = 0 if circuit.prospective else out_lag_steps(p)
        values |= circuit.substrate.values(imperfect(p, circuit.prospective), seed)
    return values


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


def simulate(p, seed, run):
    """Train, validate after every epoch, and record traces before and after.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the weights and of the orders; the same seed gives the paper's runs.
    run : brian_le.protocols.runs.running.Run
        Builds the program, keeps checkpoints and shows progress.

    Returns
    -------
    dict of str to numpy.ndarray
        For every circuit, after its name and a dot: ``error`` and ``accuracy`` of every epoch,
        ``outputs`` (epochs, 8 patterns, 3), ``initial_W_*`` and ``final_W_*`` (matrices [post,
        pre]), ``before_*`` and ``after_*`` traces of hidden and output neurons (steps,
        neurons). In common: ``order`` (epochs, 16), ``images``, ``classes``, ``targets``,
        ``traced`` (the patterns in the traces).
    """
    return train(p, *draw(p, seed), run, seed)


def train(p, weights, order, run, seed=0):
    """As `simulate`, from given initial weights and orders.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    weights : dict
        Matrices by (kind, layer).
    order : numpy.ndarray
        Of shape (epochs, 16).
    run : brian_le.protocols.runs.running.Run
        As for `simulate`.
    seed : int
        Seed of the imperfections.

    Returns
    -------
    dict of str to numpy.ndarray
        As of `simulate`.
    """
    task = run.build_once(structure(p), lambda: compose(p, weights, order[0]))
    program, start = task.program, launch_values(p, weights, order, task, seed)
    n_steps = steps_per_pattern(p)

    def show(state, patterns, **flags):
        values = task.shown.tables(patterns, **flags)
        values |= {f'{NAME}.presentation': -1, f'{NAME}.n_presentations': len(patterns)}
        return program({**start, **state, **values}, n_steps*len(patterns))

    at_the_end = {key: value for key, value in start.items() if key.endswith('.alive')}

    def chunk(state, first, n):
        if first < death(p) < first + n:
            state, rows = chunk(state, first, death(p) - first)
            state, more = chunk(state, death(p), first + n - death(p))
            return state, {key: np.concatenate([rows[key], more[key]]) for key in rows}
        alive = at_the_end if first >= death(p) else dict.fromkeys(at_the_end, 1)
        shown = order[first:first + n]
        end = show({**state, **alive}, shown.ravel(), nudged=is_training(shown),
                   learning=is_training(shown))
        return {key: end[key] for key in program.state_names}, {
            name: outputs(end, name) for name in task.circuits}

    def traces(state, when):
        """Traces without nudging or learning, from silent circuits with the weights of now."""
        on = {f'{name}_{part}_traces.on': 1 for name in task.circuits
              for part in ('hidden', 'output')}
        off = {f'{name}_target.on': 0 for name in task.circuits}
        now = {key: value for key, value in state.items() if key.endswith(('.w', '.alive'))}
        end = show({**now, **on, **off}, np.arange(N_PATTERNS), nudged=False, learning=False)
        return {f'{name}.{when}_{part}_{variable}': recorder.array(
            variable, end[f'{name}_{part}_traces_monitor.{variable}'])
            for part, recorders in (('hidden', task.hidden_traces), ('output', task.output_traces))
            for name, recorder in recorders.items() for variable in recorder.variables}

    arrays = traces(dict.fromkeys(at_the_end, 1) if death(p) else {}, 'before')
    state, means = run.in_chunks(
        chunk, {}, len(order), 'epoch', room=_ROOM//(2*N_PATTERNS),
        duration=2*N_PATTERNS*p.t_pattern,
        describe=lambda done, new: _describe(p, order[done - 1:done], new))
    arrays |= traces(state, 'after')
    arrays |= common_arrays(p, order)
    for name, circuit in task.circuits.items():
        arrays |= evaluation(p, order, name, means[name])
        for when, matrices in (('initial', weights), ('final', circuit.weights.matrices(state))):
            arrays |= {f'{name}.{when}_W_{kind}_{k}': matrix
                       for (kind, k), matrix in matrices.items()}
    return arrays


def prepare(p, seed):
    """The whole run as one network, for an exported project.

    Returns
    -------
    SimpleNamespace
        ``compose`` (returns the network), ``precision``, ``n_steps``, ``arrays`` (to keep beside
        the project) and ``guide`` (the most important variables and what they are).
    """
    if death(p):
        raise ValueError("'dead_from' is above 0, but an exported project cannot change its "
                         'neurons while it runs; give dead_from=0')
    weights, order = draw(p, seed)
    guide = {'bars.step, bars.presentation': 'where the run has ended'}
    for name in _CIRCUITS[p.prospective]:
        guide |= {f'{name}_readout_monitor.mean': f'{_LABELS[name]}: mean output potentials, '
                                                  'three per presentation',
                  f'{name}_up0.w, {name}_up1.w': 'forward weights at the end'}
    return SimpleNamespace(compose=lambda: compose(p, weights, order.ravel(), seed).network,
                           precision='double',
                           n_steps=order.size*round(p.t_pattern/p.dt),
                           arrays=common_arrays(p, order), guide=guide)


def read_variables(p, arrays, variables):
    """The arrays of a result from the variables of an exported project."""
    for name in _CIRCUITS[p.prospective]:
        arrays = arrays | evaluation(p, arrays['order'], name, outputs(variables, name))
    return arrays


def draw(p, seed):
    """Initial weights and orders, the random draws of a run.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        With the same seed these are the draws of the paper's code.

    Returns
    -------
    weights : dict
        Matrices by (kind, layer), in the self-predicting state.
    order : numpy.ndarray
        Of shape (epochs, 16): patterns for training, then for validation.
    """
    rng = np.random.RandomState(seed)
    return initial_weights(p, rng), epochs_of(rng, p.epochs)


def is_training(order):
    """Whether a presentation is for training, for all presentations of some epochs."""
    return np.tile(np.repeat([True, False], N_PATTERNS), np.size(order)//(2*N_PATTERNS))


def outputs(variables, name):
    """Mean output potentials in validation, of shape (epochs, 8, 3), from what was recorded."""
    means = np.reshape(variables[f'{name}_readout_monitor.mean'], (-1, 2*N_PATTERNS, N_OUTPUTS))
    return means[:, N_PATTERNS:]


def common_arrays(p, order):
    """What a result says of the task itself."""
    images, classes = dataset()
    return dict(order=order, images=images, classes=classes, targets=targets(p),
                traced=np.arange(N_PATTERNS))


def evaluation(p, order, name, means):
    """Outputs, errors and accuracies of one circuit, by the names they have in a result."""
    return {f'{name}.{key}': array for key, array in (
        ('outputs', means), *scores(p, order, means).items())}


def scores(p, order, means):
    """Validation error and accuracy of every epoch.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    order : numpy.ndarray
        Of shape (epochs, 16).
    means : numpy.ndarray
        Mean output potentials in validation, of shape (epochs, 8, 3).

    Returns
    -------
    dict
        ``error``: mean squared error; ``accuracy``: fraction of correct classes.
    """
    validated = order[:len(means), N_PATTERNS:]
    error = np.mean((means - targets(p)[validated])**2, axis=(1, 2))
    accuracy = np.mean(means.argmax(axis=2) == dataset()[1][validated], axis=1)
    return {'error': error, 'accuracy': accuracy}


def summarize(result):
    """Lines of text about a result."""
    for name in ('le', 'original'):
        if f'{name}.error' in result.arrays:
            error, accuracy = (result.arrays[f'{name}.{key}'] for key in ('error', 'accuracy'))
            last = accuracy[-100:]
            wrong = np.flatnonzero(accuracy < 1)
            stable = wrong[-1] + 2 if len(wrong) else 1
            kept = (f'1.0 from epoch {stable} on' if stable <= len(accuracy)
                    else f'{accuracy[-1]:.3f} at the end')
            yield (f'{_LABELS[name]:<28} error {error[-1]:.2e}, accuracy {kept}, mean of the '
                   f'last {len(last)} epochs {last.mean():.3f}')


_LABELS = {'le': 'Latent Equilibrium', 'original': 'original circuit'}


def measures(result):
    """Scalars of a run: accuracy over the last 100 epochs, and error in the last one.

    With both circuits side by side, their names and a dot come before.
    """
    names = [name for name in _LABELS if f'{name}.error' in result.arrays]
    found = {}
    for name in names:
        before = f'{name}.' if len(names) > 1 else ''
        accuracy = result.arrays[f'{name}.accuracy']
        wrong = np.flatnonzero(accuracy < 1)
        dead_from = death(SimpleNamespace(**result.description['parameters']))
        if dead_from:
            found |= {f'{before}accuracy_before_death': accuracy[max(0, dead_from - 100):dead_from]
                      .mean(), f'{before}accuracy_at_death': accuracy[dead_from]}
        found |= {f'{before}accuracy': accuracy[-100:].mean(), f'{before}final_accuracy':
                  accuracy[-1], f'{before}error': result.arrays[f'{name}.error'][-1],
                  # the epoch from which on all is right, if there is one
                  f'{before}right_from': wrong[-1] + 2 if len(wrong) else 1}
    return found


def _describe(p, order, outputs):
    """What the progress line says: the accuracies in the last epoch."""
    return ', '.join(f'{_LABELS[name]} {scores(p, order, means[-1:])["accuracy"][0]:.2f}'
                     for name, means in outputs.items())
