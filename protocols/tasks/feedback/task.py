"""Where feedback weights come from: transposed, random, or learned from noise.

A microcircuit of 4-30-3 neurons learns which part of the yin-yang symbol a point is in. Errors
reach its hidden neurons through top-down weights, which are those of the forward projection
(transposed), random and fixed, or learned: noise on the apical potentials goes forward and comes
back, and the top-down synapses find it there (phaseless alignment learning, Max et al. 2024).
Learned weights turn towards the transposed forward ones while these learn.
"""

from functools import lru_cache
from types import SimpleNamespace

import numpy as np

from brian_le.protocols.data.datasets import yin_yang
from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.tasks.circuit_parameters import CONDUCTANCES, activation, conductances

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'UNMEASURED', 'angle', 'check', 'draw',
           'compose', 'simulate', 'prepare', 'read_variables', 'measures', 'summarize']

NAME = 'feedback'
FIGURES = 'brian_le.protocols.tasks.feedback.figures'
UNMEASURED = ('angle', 'initial_angle')  #: NaN stands for an angle with weights that are all zero
SUMMARY = 'yin-yang with a 4-30-3 microcircuit whose feedback is transposed, random or learned'

PARAMETERS = (
    Parameter('feedback', 'learned', 'weights from above: those of the forward projection, fixed '
              'random ones, or learned ones', choices=('transposed', 'random', 'learned')),
    Parameter('epochs', 120, 'epochs of all training and all validation samples', minimum=1,
              maximum=1e6),
    Parameter('samples', 2000, 'training samples', minimum=1, maximum=1e6),
    Parameter('validation', 300, 'validation samples', minimum=1, maximum=1e6),
    Parameter('hidden', 30, 'pyramidal neurons in the hidden layer', minimum=1, maximum=1e5),
    Parameter('t_pattern', 1.0, 'time of one presentation', 'ms', minimum=1e-4, maximum=1e5),
    Parameter('eta_up', 200.0, 'learning rate of the hidden layer, times t_pattern', minimum=0),
    Parameter('eta_out', 0.1, 'learning rate of the output layer, times t_pattern', minimum=0),
    Parameter('eta_ip', 0.2, 'learning rate of pyramidal to interneuron, times t_pattern',
              minimum=0),
    Parameter('eta_pi', 0.0, 'learning rate of interneuron to pyramidal, times t_pattern; 0 is for '
              'weights that are always minus those from above', minimum=0,
              named=((0, 'tied'),)),
    Parameter('eta_down', 1.0, 'learning rate of learned feedback, times t_pattern', minimum=0),
    Parameter('alpha', 1e-5, 'decay of learned feedback weights, relative to eta_down', minimum=0),
    Parameter('noise', 0.08, 'standard deviation of the noise on apical potentials', minimum=0),
    Parameter('tau_noise', 0.1, 'correlation time of the noise', 'ms', minimum=0),
    Parameter('tau_high', 0.2, 'time constant of the high-pass of rates from above', 'ms',
              minimum=1e-6),
    Parameter('w_max', 40.0, 'largest absolute weight of the forward projections', minimum=1e-6),
    Parameter('tau_0', 0.1, 'low-pass filter of inputs and targets', 'ms', minimum=1e-6),
    Parameter('scale_up', 10.0, 'largest initial weight into the hidden layer', minimum=0),
    Parameter('scale_out', 0.1, 'largest initial weight into the output layer', minimum=0),
    Parameter('scale_down', 0.5, 'largest initial weight from above', minimum=0),
    Parameter('u_high', 1.0, 'target potential of the correct output'),
    Parameter('u_low', 0.0, 'target potential of the other outputs'),
    activation('logistic'),
    *CONDUCTANCES,
    Parameter('dt', 0.02, 'time step', 'ms', minimum=1e-6),
)

N_INPUTS, N_OUTPUTS = 4, 3
_RATES = {'up0': 'eta_up', 'up1': 'eta_out', 'ip0': 'eta_ip', 'pi0': 'eta_pi',
          'down0': 'eta_down'}
# handed over at every launch
_LAUNCHED = {'epochs', 't_pattern', 'alpha', 'noise', 'tau_noise', 'tau_high', 'scale_up',
             'scale_out', 'scale_down', 'w_max', 'tau_0', *_RATES.values()}


# ----------------------------------------------------------------------------------------- the task
def angle(a, b):
    """The angle between two matrices, taken as long vectors.

    Parameters
    ----------
    a, b : array_like
        Of the same shape.

    Returns
    -------
    float
        In degrees: 0 if they differ in length alone, 90 if they have nothing in common. NaN if one
        of them is 0.

    Raises
    ------
    ValueError
        For different shapes.

    Examples
    --------
    >>> from brian_le.protocols.tasks.feedback.task import angle
    >>> angle([[1, 0]], [[2, 2]])
    45.0
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        raise ValueError(f'the shapes {a.shape} and {b.shape} differ; give matrices of one shape')
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if 0 in lengths:
        return np.nan
    a, b = a/lengths[0], b/lengths[1]
    # exact for small angles too, unlike the arc cosine
    return float(np.degrees(2*np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))


def dataset(p):
    """Inputs and classes of all samples: those to learn from, then those to validate with."""
    return _dataset(p.samples, p.validation)


@lru_cache(maxsize=1)
def _dataset(samples, validation):
    data = yin_yang(samples, validation, 1)
    return (np.concatenate([part.inputs for part in (data.train, data.validation)]),
            np.concatenate([part.classes for part in (data.train, data.validation)]))


def targets(p):
    """Target potentials of all samples, of shape (samples + validation, 3)."""
    return np.where(np.eye(N_OUTPUTS)[dataset(p)[1]] > 0, p.u_high, p.u_low)


def draw(p, seed):
    """Initial weights and orders, the random draws of a run.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        The same seed draws the same for all kinds of feedback.

    Returns
    -------
    weights : dict
        Matrices by (kind, layer), in the self-predicting state.
    order : numpy.ndarray
        Of shape (epochs, samples + validation): training samples in random order, then those for
        validation.
    """
    from brian_le.models import random_weights, self_predicting

    rng = np.random.default_rng(seed)
    weights = random_weights((N_INPUTS, p.hidden, N_OUTPUTS), rng)
    scales = {('up', 0): p.scale_up, ('up', 1): p.scale_out, ('down', 0): p.scale_down}
    weights = {key: scales[key]*weights[key] for key in scales}
    weights = self_predicting(weights, g_l=p.g_l, g_b=p.g_b, g_a=p.g_a, g_d=p.g_d)
    if p.feedback == 'transposed':
        del weights['down', 0]
    if p.feedback != 'random' and p.eta_pi == 0:
        del weights['pi', 0]
    validated = p.samples + np.arange(p.validation)
    return weights, np.array([np.concatenate([rng.permutation(p.samples), validated])
                              for _ in range(p.epochs)])


def is_training(p, order):
    """Whether a presentation is for training, for all presentations of some epochs."""
    return np.ravel(order) < p.samples


def rates(p):
    """The learning rates by the projections that learn, times t_pattern."""
    found = {projection: getattr(p, name) for projection, name in _RATES.items()}
    if p.feedback != 'learned':
        del found['down0']
    return {projection: eta for projection, eta in found.items() if eta > 0}


# -------------------------------------------------------------------------------------- the network
def compose(p, weights, order, seed):
    """The network of the task.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    weights : dict
        Initial weights by (kind, layer).
    order : numpy.ndarray
        Samples in the order of presentation.
    seed : int
        Seed of the noise.

    Returns
    -------
    SimpleNamespace
        ``network``, ``shown`` (the `Presentations`), ``circuit`` and ``readout``.
    """
    from brian2 import Network, defaultclock, ms

    from brian_le.models import Microcircuit, Presentations, Readout
    from brian_le.substrate import Substrate

    defaultclock.dt = p.dt*ms
    training = is_training(p, order)
    shown = Presentations(dataset(p)[0], targets(p), duration=p.t_pattern*ms, order=order,
                          nudged=training, learning=training, tau_0=p.tau_0*ms, name=NAME)
    eta = {projection: value/p.t_pattern/ms for projection, value in rates(p).items()}
    off = 0/ms
    circuit = Microcircuit(
        (N_INPUTS, p.hidden, N_OUTPUTS), shown, activation=p.activation,
        feedback='fixed' if p.feedback == 'random' else p.feedback,
        **conductances(p),
        eta_up=(eta.get('up0', off), eta.get('up1', off)), eta_ip=eta.get('ip0', off),
        eta_pi=eta.get('pi0', off), eta_down=eta.get('down0', off),
        decay_down=p.alpha*eta.get('down0', off),
        tau_high=p.tau_high*ms if p.feedback == 'learned' else None, w_max=(p.w_max, p.w_max),
        name='circuit', substrate=Substrate(imperfections(p), seed))
    circuit.weights.update(weights)
    readout = Readout(shown, circuit.output, circuit.visible, name='readout')
    return SimpleNamespace(shown=shown, circuit=circuit, readout=readout,
                           network=Network(shown, circuit, readout))


def imperfections(p):
    """The noise on apical potentials."""
    from brian2 import ms

    from brian_le.substrate import Noise

    return [Noise('v_api', p.noise, tau=p.tau_noise*ms)]


def check(p):
    """Raise a ValueError for parameters that do not fit each other."""
    steps_per_pattern(p)
    if p.tau_0 < p.dt*(1 - 1e-9):
        raise ValueError(f"'tau_0' is {p.tau_0:g} ms, less than the time step; give at least 'dt', "
                         f'{p.dt:g} ms (which means no filter)')
    if p.feedback == 'learned':
        if p.noise == 0:
            raise ValueError("learned feedback needs noise; give 'noise' above 0")
        if p.tau_high <= p.dt*(1 + 1e-9):
            raise ValueError(f"'tau_high' is {p.tau_high:g} ms, with which nothing passes; give "
                             f"more than 'dt', {p.dt:g} ms")


def structure(p):
    """All that a compiled program depends on; what is not in it is launched with."""
    return (NAME, *((key, value) for key, value in vars(p).items() if key not in _LAUNCHED),
            *rates(p), p.noise > 0)


def launch_values(p, weights, task, seed):
    """Values of a run of the compiled task, by ``'object.variable'``."""
    values = task.circuit.weights.variables(weights)
    values[f'{NAME}.n_steps'] = steps_per_pattern(p)
    values |= {f'circuit_{projection}.eta': eta/p.t_pattern*1e3  # in Hz
               for projection, eta in rates(p).items()}
    values |= {f'circuit_{projection}.w_max': p.w_max for projection in ('up0', 'up1')
               if projection in rates(p)}
    values |= {f'{name}.tau_0': p.tau_0*1e-3 for name in (f'{NAME}_inputs', 'circuit_target')}
    if 'down0' in rates(p):
        values['circuit_down0.decay'] = p.alpha*values['circuit_down0.eta']
    if p.feedback == 'learned':
        values['circuit_output.tau_r_low'] = p.tau_high*1e-3
    return values | task.circuit.substrate.values(imperfections(p), seed)


# ----------------------------------------------------------------------------------------- the run
def simulate(p, seed, run):
    """Train, and validate after every epoch.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the weights, of the orders and of the noise.
    run : brian_le.protocols.runs.running.Run
        Builds the program, keeps checkpoints and shows progress.

    Returns
    -------
    dict of str to numpy.ndarray
        ``error`` and ``accuracy`` in validation, and the ``angle`` between the weights from above
        and the transposed forward ones (degrees), after every epoch; ``initial_angle``;
        ``outputs``, mean output potentials in the last validation (samples, 3); ``initial_W_*`` and
        ``final_W_*`` (matrices [post, pre]).
    """
    check(p)
    weights, order = draw(p, seed)
    task = run.build_once(structure(p), lambda: compose(p, weights, order[0], seed))
    program, start = task.program, launch_values(p, weights, task, seed)
    images, wanted = dataset(p)[0], targets(p)

    def chunk(state, first, n):
        shown = order[first]  # one epoch
        training = is_training(p, shown)
        values = task.shown.tables(shown, nudged=training, learning=training)
        if first == 0:  # what the populations that play back begin with
            values |= {f'{NAME}_inputs.r': images[shown[0]],
                       'circuit_target.u': wanted[shown[0]]}
        values[f'{NAME}.presentation'] = -1
        end = program({**start, **state, **values}, steps_per_pattern(p)*len(shown))
        matrices = task.circuit.weights.matrices(end)
        return {key: end[key] for key in program.state_names}, {
            **scores(p, outputs(p, end)), 'angle': np.array([turned(matrices)]),
            'outputs': outputs(p, end)[None]}

    state, rows = run.in_chunks(
        chunk, {}, p.epochs, 'epoch', room=1, duration=order.shape[1]*p.t_pattern,
        describe=lambda done, new: f"accuracy {new['accuracy'][-1]:.3f}, angle "
                                   f"{new['angle'][-1]:.1f} degrees")
    rows['outputs'] = rows['outputs'][-1]
    arrays = dict(rows, initial_angle=np.array(turned(weights)))
    for when, matrices in (('initial', weights), ('final', task.circuit.weights.matrices(state))):
        arrays |= {f'{when}_W_{kind}_{k}': matrix for (kind, k), matrix in matrices.items()}
    return arrays


def turned(matrices):
    """The angle between the weights from above and the transposed forward ones, in degrees."""
    forward = matrices['up', 1].T
    return angle(matrices.get(('down', 0), forward), forward)


def outputs(p, variables):
    """Mean output potentials in the last validation, from what was recorded."""
    return np.reshape(variables['readout_monitor.mean'], (-1, N_OUTPUTS))[-p.validation:]


def scores(p, means):
    """Validation error (mean square) and accuracy, each as an array of one value.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    means : numpy.ndarray
        Mean output potentials, of shape (validation, 3).
    """
    wanted, classes = targets(p)[p.samples:], dataset(p)[1][p.samples:]
    return {'error': np.array([np.mean((means - wanted)**2)]),
            'accuracy': np.array([np.mean(means.argmax(axis=1) == classes)])}


def prepare(p, seed):
    """The whole run as one network, for an exported project.

    Returns
    -------
    SimpleNamespace
        ``compose`` (returns the network), ``precision``, ``n_steps``, ``arrays`` (to keep beside
        the project) and ``guide`` (the most important variables and what they are).
    """
    check(p)
    weights, order = draw(p, seed)
    guide = {'readout_monitor.mean': 'mean output potentials, three per presentation',
             'circuit_up0.w, circuit_up1.w': 'forward weights at the end'}
    if p.feedback != 'transposed':
        guide['circuit_down0.w'] = 'weights from above at the end'
    return SimpleNamespace(compose=lambda: compose(p, weights, order.ravel(), seed).network,
                           precision='double', n_steps=order.size*steps_per_pattern(p),
                           arrays=dict(order=order), guide=guide)


def read_variables(p, arrays, variables):
    """The arrays of a result from the variables of an exported project: of the last epoch."""
    means = outputs(p, variables)
    return {**arrays, **scores(p, means), 'outputs': means}


# ---------------------------------------------------------------------------------------- measures
def measures(result):
    """Scalars of a run: validation accuracy and error of the last tenth of all epochs, angles."""
    arrays = result.arrays
    last = max(1, len(arrays['accuracy'])//10)
    return {'accuracy': arrays['accuracy'][-last:].mean(),
            'final_accuracy': arrays['accuracy'][-1], 'best_accuracy': arrays['accuracy'].max(),
            'error': arrays['error'][-last:].mean(),
            'initial_angle': float(arrays['initial_angle']), 'angle': arrays['angle'][-1]}


def summarize(result):
    """Lines of text about a result."""
    found = measures(result)
    yield (f"{result.description['parameters']['feedback']} feedback: accuracy "
           f"{found['accuracy']:.3f}, angle between W_down and the transposed W_up "
           f"{found['initial_angle']:.1f} degrees at first, {found['angle']:.1f} at the end")
