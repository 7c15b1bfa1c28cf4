"""The mimic task: a microcircuit of single neurons learns to do as a teacher does.

Figure 5 in the supplement of the Latent Equilibrium paper. Teacher and student are microcircuits
of one input, one hidden neuron with its interneuron, and one output. At first the student's
interneuron knows nothing of the output, whose feedback therefore excites the apical dendrite. In
the first stage, self-prediction, inputs are shown without targets until the interneuron explains
this feedback and the apical dendrite is silent. In the second stage the output is nudged towards
the outputs of the teacher, and what then reaches the apical dendrite is an error, which the
forward weights learn from. Potentials are 0 at the beginning of either stage.
"""

from types import SimpleNamespace

import numpy as np

from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.tasks.circuit_parameters import CONDUCTANCES, activation, conductances

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'WEIGHTS', 'draw', 'compose', 'check',
           'simulate', 'train', 'prepare', 'read_variables', 'measures', 'summarize']

NAME = 'mimic'
FIGURES = 'brian_le.protocols.tasks.mimic.figures'
SUMMARY = 'a microcircuit of single neurons that learns to predict itself, then from a teacher'

PARAMETERS = (
    Parameter('t_pattern', 1.0, 'time of one presentation', 'ms', minimum=1e-6, maximum=1e5),
    Parameter('selfpred_epochs', 3, 'epochs of six patterns in the stage of self-prediction',
              minimum=1, maximum=1000),
    Parameter('epochs', 500, 'epochs of six training and six validation patterns in the stage '
              'with a teacher', minimum=1, maximum=1e6),
    Parameter('teacher_seed', 42, "seed of the teacher's weights and of the inputs", minimum=0,
              maximum=2**32 - 1),
    Parameter('selfpred_eta_ip', 40.0, 'learning rate of pyramidal to interneuron in '
              'self-prediction, times t_pattern', minimum=0),
    Parameter('selfpred_eta_pi', 50.0, 'learning rate of interneuron to pyramidal in '
              'self-prediction, times t_pattern', minimum=0),
    Parameter('eta_up', 50.0, 'learning rate of the hidden neuron, times t_pattern', minimum=0),
    Parameter('eta_out', 10.0, 'learning rate of the output, times t_pattern', minimum=0),
    Parameter('eta_ip', 20.0, 'learning rate of pyramidal to interneuron, times t_pattern',
              minimum=0),
    Parameter('eta_pi', 0.0, 'learning rate of interneuron to pyramidal, times t_pattern',
              minimum=0),
    activation('softplus'),
    *CONDUCTANCES,
    Parameter('dt', 0.01, 'time step', 'ms', minimum=1e-6),
)

N_PATTERNS = 6
#: The weights of the circuit by (kind, layer), and their names in results.
WEIGHTS = {('up', 0): 'up0', ('up', 1): 'up1', ('ip', 0): 'ip0', ('pi', 0): 'pi0',
           ('down', 0): 'down0'}

_SIZES = (1, 1, 1)
_CIRCUIT = 'circuit'
_ROOM = 16384  # presentations in one launch of the simulation
_RECORDER = f'{NAME}_recorder'
_RECORDED = ('apical', 'output', 'inter', *WEIGHTS.values())


# ------------------------------------------------------------------------------------------ draws
def draw(p, seed):
    """All random draws of a run.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the student. With the default teacher the same seed gives the draws of the paper's
        code.

    Returns
    -------
    SimpleNamespace
        ``weights`` and ``teacher``: matrices by (kind, layer); ``inputs`` (6, 1); the orders of
        patterns ``selfpred`` (epochs, 6), ``evaluated`` (6) and ``order`` (epochs, 12), training
        before validation.

    Examples
    --------
    >>> from brian_le.protocols.tasks.mimic.task import PARAMETERS, draw
    >>> from brian_le.protocols.parameters import read_parameters
    >>> draws = draw(read_parameters('mimic', PARAMETERS, {}), 12345)
    >>> draws.teacher['up', 0].round(5), draws.teacher['up', 1].round(5)
    (array([[-0.25092]]), array([[-0.68796]]))
    """
    from brian_le.models import random_weights, self_predicting

    rng = np.random.RandomState(p.teacher_seed)
    teacher = self_predicting(random_weights(_SIZES, rng),
                              **{g: getattr(p, g) for g in ('g_l', 'g_b', 'g_a', 'g_d')})
    inputs = rng.random((N_PATTERNS, 1))
    rng.permutation(N_PATTERNS)  # the paper's code draws twice, and shows the second order
    inputs = inputs[rng.permutation(N_PATTERNS)]

    rng = np.random.RandomState(seed)
    weights = random_weights(_SIZES, rng)
    selfpred = _permutations(rng, p.selfpred_epochs)
    evaluated, _ = _permutations(rng, 2)  # the paper's code evaluates twice
    order = _permutations(rng, 2*p.epochs).reshape(p.epochs, 2*N_PATTERNS)
    return SimpleNamespace(weights=weights, teacher=teacher, inputs=inputs, selfpred=selfpred,
                           evaluated=evaluated, order=order)


def _permutations(rng, n):
    return np.array([rng.permutation(N_PATTERNS) for _ in range(n)])


# ---------------------------------------------------------------------------------------- network
def selfpred_stage(p, draws):
    """What is shown in self-prediction, and which weights learn: no targets, every step recorded.

    Returns
    -------
    SimpleNamespace
        ``order``, ``nudged`` and ``learning`` as for `Presentations`, ``eta`` (learning rates by
        (kind, layer), times t_pattern) and ``every`` (steps from one record to the next).
    """
    return _stage(draws.selfpred.ravel(), False, True,
                  {('ip', 0): p.selfpred_eta_ip, ('pi', 0): p.selfpred_eta_pi}, 1)


def training_stage(p, order):
    """As `selfpred_stage`, for epochs with a teacher: one record at the end of a presentation."""
    training = np.tile(np.repeat([True, False], N_PATTERNS), len(order))
    return _stage(np.ravel(order), training, training,
                  {('up', 0): p.eta_up, ('up', 1): p.eta_out, ('ip', 0): p.eta_ip,
                   ('pi', 0): p.eta_pi}, steps_per_pattern(p))


def observation(order):
    """As `selfpred_stage`, to look at the outputs in every step without any change."""
    return _stage(order, False, False, {}, 1)


def _stage(order, nudged, learning, eta, every):
    return SimpleNamespace(order=order, nudged=nudged, learning=learning, every=every, eta={
        key: eta.get(key, 0.0) for key in WEIGHTS if key[0] != 'down'})


def compose(p, weights, inputs, targets, stage):
    """The network of student or teacher.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    weights : dict
        Initial weights by (kind, layer).
    inputs, targets : numpy.ndarray
        Patterns, both of shape (6, 1).
    stage : SimpleNamespace
        What is shown, see `selfpred_stage`.

    Returns
    -------
    SimpleNamespace
        ``network``, ``shown`` (the `Presentations`), ``circuit`` and ``readout``.
    """
    from brian2 import Network, defaultclock, ms

    from brian_le.models import Microcircuit, Presentations, Readout, Recorder

    steps_per_pattern(p)
    defaultclock.dt = p.dt*ms
    shown = Presentations(inputs, targets, duration=p.t_pattern*ms, order=stage.order,
                          nudged=stage.nudged, learning=stage.learning,
                          capacity=max(_ROOM, len(stage.order)), name=NAME)
    # everything may learn in some stage; the rates are set afterwards
    circuit = Microcircuit(_SIZES, shown, activation=p.activation, name=_CIRCUIT,
                           eta_up=1/ms, eta_ip=1/ms, eta_pi=1/ms,
                           **conductances(p))
    circuit.weights.update(weights)
    for key, eta in stage.eta.items():
        circuit.projections[key].eta = eta/p.t_pattern/ms
    readout = Readout(shown, circuit.output, circuit.visible, name=f'{NAME}_readout')
    # all weights and three potentials, every so many steps
    hidden, inter, output = circuit.hidden[0], circuit.inter[0], circuit.output
    recorder = Recorder(
        {'apical': 'v_down + v_pi', 'output': (output, 'u_prosp'), 'inter': (inter, 'u_prosp'),
         **{name: (circuit.projections[key], 'w') for key, name in WEIGHTS.items()}},
        shown.schedule, at='step % every == every - 1',
        equations='every : integer (shared, constant)', v_down=(hidden, 'v_down'),
        v_pi=(hidden, 'v_pi'), name=_RECORDER)
    recorder.group.every = stage.every
    return SimpleNamespace(network=Network(shown, circuit, readout, recorder), shown=shown,
                           circuit=circuit, readout=readout)


def _program(p, run, draws):
    """The program that serves all stages and seeds, as ``show(values, targets, stage)``."""
    constant = ('t_pattern', 'dt', 'activation', *(g.name for g in CONDUCTANCES))
    nothing = np.zeros((N_PATTERNS, 1))
    task = run.build_once((NAME, *(getattr(p, name) for name in constant)), lambda: compose(
        p, draws.weights, draws.inputs, nothing, observation(draws.evaluated)))

    def show(values, targets, stage):
        """All variables after a stage; `values` are weights, or the state to go on from."""
        given = task.shown.tables(stage.order, stage.nudged, stage.learning)
        first = stage.order[0]
        start = {f'{NAME}_inputs.r': draws.inputs[first], f'{_CIRCUIT}_target.u': targets[first],
                 f'{_CIRCUIT}_target.on': given[f'{NAME}_nudged_in.values'][0]}
        given |= {f'{NAME}_inputs_patterns.values': draws.inputs,
                  f'{_CIRCUIT}_target_patterns.values': targets,
                  f'{NAME}.presentation': -1, f'{NAME}.n_presentations': len(stage.order),
                  f'{_RECORDER}.every': stage.every}
        given |= {f'{_CIRCUIT}_{WEIGHTS[key]}.eta': 1e3*eta/p.t_pattern  # in Hz
                  for key, eta in stage.eta.items()}
        return task.program({**start, **values, **given}, steps_per_pattern(p)*len(stage.order))

    return task, show


# ------------------------------------------------------------------------------------------- runs
def check(p):
    """Raise a ValueError for parameters that do not fit each other."""
    steps_per_pattern(p)


def simulate(p, seed, run):
    """Self-prediction, then training with a teacher, and a look at the outputs before and after.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the student's weights and of the orders; the same seed gives the paper's runs.
    run : brian_le.protocols.runs.running.Run
        Builds the program, keeps checkpoints and shows progress.

    Returns
    -------
    dict of str to numpy.ndarray
        Of the training: ``error`` (epochs) and ``outputs`` (epochs, 6) of the validation, and at
        the end of every presentation (epochs*12) ``training.up0``, ``training.up1``,
        ``training.ip0``, ``training.pi0``, ``training.down0`` (weights), ``training.apical``,
        ``training.output`` and ``training.inter`` (potentials; those of output and interneuron
        with look-ahead). Of self-prediction the same in every step, as ``selfpred.up0`` and so
        on. Potentials of the output in every step of six presentations without nudging,
        ``before.output`` and ``after.output`` the training, and their means ``before.outputs``
        and ``after.outputs`` (6). In common: ``inputs``, ``targets`` (6), ``teacher`` (weights
        up0 and up1), and the orders ``selfpred_order``, ``evaluated`` and ``order``.
    """
    return train(p, draw(p, seed), run)


def train(p, draws, run):
    """As `simulate`, from given draws (see `draw`)."""
    task, show = _program(p, run, draws)
    targets = _teach(task, show, draws)
    after_selfpred, arrays = _predict_itself(p, task, show, draws)

    def chunk(state, first, n):
        shown = draws.order[first:first + n]
        end = show(state, targets, training_stage(p, shown))
        return {key: end[key] for key in task.program.state_names}, trained(end)

    state, rows = run.in_chunks(
        chunk, after_selfpred, len(draws.order), 'epoch', room=_ROOM//(2*N_PATTERNS),
        duration=2*N_PATTERNS*p.t_pattern, describe=lambda done, new: (
            f"up {new['training.up0'][-1, -1]:.3f}, {new['training.up1'][-1, -1]:.3f}"))
    arrays |= evaluation(arrays_of(draws, targets), rows)
    for when, values in (('before', after_selfpred), ('after', state)):
        end = show(_weights_in(task, values), targets, observation(draws.evaluated))
        arrays |= {f'{when}.output': end[f'{_RECORDER}_monitor.output'],
                   f'{when}.outputs': end[f'{NAME}_readout_monitor.mean']}
    return arrays


def _teach(task, show, draws):
    """The teacher's outputs: the same circuit with other weights, every input once."""
    end = show(task.circuit.weights.variables(draws.teacher), np.zeros((N_PATTERNS, 1)),
               observation(np.arange(N_PATTERNS)))
    return np.reshape(end[f'{NAME}_readout_monitor.mean'], (N_PATTERNS, 1))


def _predict_itself(p, task, show, draws):
    """The weights after self-prediction, as values of variables, and what was recorded."""
    end = show(task.circuit.weights.variables(draws.weights), np.zeros((N_PATTERNS, 1)),
               selfpred_stage(p, draws))
    return _weights_in(task, end), {f'selfpred.{name}': end[f'{_RECORDER}_monitor.{name}']
                                    for name in _RECORDED}


def _weights_in(task, values):
    return task.circuit.weights.variables(task.circuit.weights.matrices(values))


def prepare(p, seed):
    """The training as one network, for an exported project.

    The weights that it begins with, those after self-prediction, and the teacher's outputs are
    computed here.

    Returns
    -------
    SimpleNamespace
        ``compose`` (returns the network), ``precision``, ``n_steps``, ``arrays`` (to keep beside
        the project) and ``guide`` (the most important variables and what they are).
    """
    from brian_le.protocols.runs.running import Run

    draws = draw(p, seed)
    task, show = _program(p, Run('numpy'), draws)
    targets = _teach(task, show, draws)
    values, arrays = _predict_itself(p, task, show, draws)
    weights = task.circuit.weights.matrices(values)
    guide = {f'{NAME}_readout_monitor.mean': 'mean output potential, one per presentation',
             f'{_RECORDER}_monitor.up0, ...': 'weights at the end of every presentation',
             f'{_CIRCUIT}_up0.w, {_CIRCUIT}_up1.w': 'forward weights at the end'}
    return SimpleNamespace(
        compose=lambda: compose(p, weights, draws.inputs, targets,
                                training_stage(p, draws.order)).network,
        precision='double', n_steps=draws.order.size*steps_per_pattern(p), guide=guide,
        arrays=arrays | arrays_of(draws, targets))


def read_variables(p, arrays, variables):
    """The arrays of a result from the variables of an exported project."""
    return evaluation(arrays, trained(variables))


def arrays_of(draws, targets):
    """What a result says of the task itself."""
    return dict(inputs=draws.inputs.ravel(), targets=targets.ravel(),
                teacher=np.array([draws.teacher['up', k].item() for k in (0, 1)]),
                selfpred_order=draws.selfpred, evaluated=draws.evaluated, order=draws.order)


def trained(variables):
    """What was recorded in training, one row per epoch."""
    rows = {f'training.{name}': variables[f'{_RECORDER}_monitor.{name}'] for name in _RECORDED}
    rows['outputs'] = variables[f'{NAME}_readout_monitor.mean']
    rows = {key: np.reshape(values, (-1, 2*N_PATTERNS)) for key, values in rows.items()}
    return rows | {'outputs': rows['outputs'][:, N_PATTERNS:]}


def evaluation(arrays, rows):
    """A result with what was recorded in training, and with the error of every epoch."""
    wanted = arrays['targets'][arrays['order'][:, N_PATTERNS:]]
    return arrays | {
        **{key: values.ravel() for key, values in rows.items() if key != 'outputs'},
        'outputs': rows['outputs'],
        'error': np.mean((rows['outputs'] - wanted)**2, axis=1)}


def measures(result):
    """The numbers that tables are made of.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to float
        ``w_up0``, ``w_up1``: forward weights at the end; ``distance``: the larger of their
        distances from the teacher's; ``error``: mean squared error in the last validation;
        ``apical``: mean absolute apical potential in the last presentation of self-prediction.
    """
    a = result.arrays
    ends = np.array([a['training.up0'][-1], a['training.up1'][-1]])
    steps = len(a['selfpred.apical'])//a['selfpred_order'].size
    return {'w_up0': float(ends[0]), 'w_up1': float(ends[1]),
            'distance': float(np.abs(ends - a['teacher']).max()),
            'error': float(a['error'][-1]),
            'apical': float(np.abs(a['selfpred.apical'][-steps:]).mean())}


def summarize(result):
    """Lines of text about a result."""
    found, teacher = measures(result), result.arrays['teacher']
    yield f"apical potential after self-prediction  {found['apical']:.1e}"
    yield (f"forward weights {found['w_up0']:.4f}, {found['w_up1']:.4f}; of the teacher "
           f"{teacher[0]:.4f}, {teacher[1]:.4f}")
    yield f"error {found['error']:.1e}"
    if result.arrays['training.down0'][0]*teacher[1] < 0:
        yield ('feedback weight and forward weight of the teacher differ in sign: the hidden '
               'neuron gets errors of the wrong sign, and cannot learn')
