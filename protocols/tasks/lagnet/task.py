"""Two ways of carrying errors back: as they happen, and by the adjoint method.

Figure 6 of "Backpropagation through space, time and the brain" (arXiv 2403.16933). A teacher and
students have two hidden layers, each with a neuron that answers at once and one that is slow, and
see a sum of three sines. The students learn the two weights of the first layer: one online, by
Generalized Latent Equilibrium, the other offline, by the exact adjoint method over windows. In
their upper hidden layer the errors of GLE have the phases of the adjoint variables, and gains
that differ by a known factor.
"""

from types import SimpleNamespace

import numpy as np

from brian_le.protocols.parameters import Parameter
from brian_le.protocols.tasks.lagnet.spectra import FREQUENCIES, continuous_ratio

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'LABELS', 'TEACHER', 'compose', 'draw',
           'check', 'simulate', 'prepare', 'read_variables', 'summarize']

NAME = 'lagnet'
SUMMARY = 'errors as they happen beside the adjoint method, in a network of fast and slow neurons'
FIGURES = 'brian_le.protocols.tasks.lagnet.figures'

PARAMETERS = (
    Parameter('windows', 307, 'windows of 3 ms in which students learn; the adjoint method makes a '
              'step after each', minimum=1, maximum=1e6),
    Parameter('t_init', 80.0, 'time before learning', 'ms', minimum=0, maximum=1e6),
    Parameter('start', 'published', "where the two weights begin: the draw of the paper's code, "
              'or uniform in [-1, 1)', choices=('published', 'random')),
    Parameter('eta', 0.02, 'learning rate of GLE', '1/ms', minimum=0),
    Parameter('adjoint_rate', 0.07, 'learning rate of the adjoint method, for gradients of the '
              'integral of the squared error over time in ms', minimum=0),
    Parameter('momentum', 0.9, 'of both students: what remains of the former steps', minimum=0,
              maximum=0.999),
    Parameter('beta', 1.0, 'strength of the target', minimum=1e-6),
    Parameter('gamma', 0.001, 'how strongly errors act on the membranes of hidden layers'),
    Parameter('small', 0.01, 'amplitude of the sines for which gains and phases are also measured',
              minimum=1e-6, maximum=1),
    Parameter('dt', 0.01, 'time step', 'ms', minimum=1e-3, maximum=0.1),
)

WINDOW = 3.0  #: of the adjoint method, in ms
#: Weights [post, pre] of the teacher, by layer; students learn those of the first.
TEACHER = (((-0.5,), (1.0,)), ((0.5, 0.0), (0.0, 1.0)), ((0.5, 1.0),))
#: Membrane time constants and look-ahead times (ms) of all layers.
TAU_M, TAU_R = ((1.0, 1.0), (1.0, 1.0), (1.0,)), ((1.0, 0.1), (1.0, 0.1), (1.0,))
ACTIVATIONS = 'tanh', 'tanh', 'linear'
LABELS = {'gle': 'GLE', 'adjoint': 'adjoint method'}
NEURONS = 'instantaneous', 'retrospective'  #: the two of every hidden layer

_PUBLISHED = 0.6605, -0.7478
_SAMPLED = 0.1  # ms between two samples
_ROOM = 1000  # windows in one launch


def draw(p, seed):
    """Where the weights of the first layer begin, [2, 1]; the random draw of a run."""
    if p.start == 'published':
        return np.reshape(_PUBLISHED, (2, 1))
    return np.random.default_rng(seed).uniform(-1, 1, (2, 1))


def steps_per_window(p):
    """Time steps of one window; a ValueError unless everything is a whole number of steps."""
    n = _SAMPLED/p.dt
    if round(n) < 1 or abs(n - round(n)) > 1e-6:
        raise ValueError(f"'dt' is {p.dt:g} ms, which does not divide {_SAMPLED:g} ms; give a "
                         'value such as 0.01 or 0.005')
    if abs(p.t_init/_SAMPLED - round(p.t_init/_SAMPLED)) > 1e-6:
        raise ValueError(f"'t_init' is {p.t_init:g} ms; give a multiple of {_SAMPLED:g} ms")
    return round(n)*round(WINDOW/_SAMPLED)


def compose(p, start):
    """Teacher and online student.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    start : array_like
        Weights of the student's first layer at the beginning, [2, 1].

    Returns
    -------
    SimpleNamespace
        ``network``, ``teacher`` and ``student`` (each a `GLENetwork`), and ``clock``.
    """
    from brian2 import Network, defaultclock, ms

    from brian_le.models import Dense, GLENetwork, Recorder, StepClock, drive, follow
    from brian_le.plasticity.optimisers import SGD

    steps_per_window(p)
    defaultclock.dt = p.dt*ms
    clock = StepClock(WINDOW*ms, before=p.t_init*ms, name=NAME,
                      equations='amplitude : 1 (shared, constant)')
    clock.amplitude = 1

    def network(name, first_weights, **options):
        layers = [Dense(len(m), activation=activation, tau_m=m*ms, tau_r=r*ms)
                  for m, r, activation in zip(TAU_M, TAU_R, ACTIVATIONS)]
        net = GLENetwork(1, layers, bias=False, name=name, **options)
        net.weights.update({('forward', k): w
                            for k, w in enumerate((first_weights, *TEACHER[1:]))})
        sines = ' + '.join(f'sin(w{n}*now)' for n in range(len(FREQUENCIES)))
        drive(net.inputs, 'r', f'amplitude*({sines})', clock,
              **{f'w{n}': w/ms for n, w in enumerate(FREQUENCIES)})
        return net

    teacher = network('teacher', TEACHER[0], beta=0)
    student = network('gle', start, beta=p.beta, gamma=[p.gamma, p.gamma, 0],
                      eta=[p.eta/ms, 0/ms, 0/ms], optimiser=SGD(momentum=p.momentum))
    follow(student.output, teacher.output)
    drive(student.schedule, 'learning', 'int(period >= 0)', clock, when='start')
    target, output = (teacher.output, 'r'), (student.output, 'r')
    # two values for each: neurons of the upper hidden layer, and weights
    samples = Recorder({'target': target, 'output': output, 'err': (student.neurons[1], 'err')},
                       clock, at=f'step % {round(_SAMPLED/p.dt)} == 0', name=f'{NAME}_samples')
    windows = Recorder({'loss': 'loss', 'w': (student.projections['forward', 0], 'w')}, clock,
                       sums={'loss': '(target - output)**2/n_steps'}, target=target, output=output,
                       at='period >= 0 and step == n_steps - 1', name=f'{NAME}_windows')
    return SimpleNamespace(network=Network(clock, teacher, student, samples, windows),
                           teacher=teacher, student=student, clock=clock)


def check(p):
    """Raise a ValueError for parameters that do not fit each other."""
    steps_per_window(p)


def simulate(p, seed, run):
    """Compare errors and adjoint variables, then let both students learn.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of a random start.
    run : brian_le.protocols.runs.running.Run
        Builds the program, keeps checkpoints and shows progress.

    Returns
    -------
    dict of str to numpy.ndarray
        For a student, ``gle`` or ``adjoint``: ``gle.w`` (windows + 1, 2), the weights before,
        between and after the windows; ``gle.loss``: mean squared error in every window.
        ``time`` (ms), ``target``, ``gle.output`` and ``gle.err`` (the errors of the two neurons of
        the upper hidden layer): samples. ``full.gain``, ``full.phase`` (rad):
        errors of GLE by adjoint variables before learning, of these neurons at the three
        frequencies; ``small.gain``, ``small.phase`` for small amplitudes.
        ``before.time``, ``before.gle``, ``before.adjoint``: errors and adjoint variables of
        these neurons without learning, ``after.time`` and so on after learning.
    """
    from brian_le.protocols.tasks.lagnet.adjoint import (adjoint_student, measure_spectra, sines,
                                                         trace)

    start = draw(p, seed)
    n_window = steps_per_window(p)
    program = run.build(lambda: compose(p, start).network)
    teacher, student = (adjoint_student(p, name, w) for name, w in (
        ('adjoint_teacher', TEACHER[0]), ('adjoint', start)))

    def chunk(state, first, n):
        end = program({key: state[key] for key in program.state_names}, n*n_window)
        rows = recorded(p, end)
        rows |= {key: values.reshape(n, -1, *values.shape[1:])
                 for key, values in samples_of(end).items()}
        for network in (teacher, student):
            network.restore(state)
        weights, losses = [], []
        for window in range(first, first + n):
            inputs = sines(p, np.arange(n_window) + window*n_window)
            losses.append(student.learn(inputs, teacher.follow(inputs).outputs))
            weights.append(student.network.weights['forward', 0].ravel().copy())
        state = state | {key: end[key] for key in program.state_names}
        rows |= {'adjoint.w': np.array(weights), 'adjoint.loss': np.concatenate(losses)}
        return state | teacher.state() | student.state(), rows

    n_init = round(p.t_init/p.dt)
    before = program({}, n_init)
    state = {key: before[key] for key in program.state_names}
    state |= {f'before.{key}': values for key, values in samples_of(before).items()}
    for network in (teacher, student):
        if n_init:
            network.follow(sines(p, np.arange(-n_init, 0)))
        state |= network.state()
    state, rows = run.in_chunks(
        chunk, state, p.windows, 'window', room=_ROOM, duration=WINDOW,
        describe=lambda done, new: (f"mean squared error {new['gle.loss'][-1]:.1e} (GLE), "
                                    f"{new['adjoint.loss'][-1]:.1e} (adjoint method)"))
    rows |= {key: np.concatenate([state[f'before.{key}'], *rows[key]])
             for key in ('target', 'gle.output', 'gle.err')}
    run.say('comparing errors and adjoint variables')
    found = {'before': (start, start),
             'after': [rows[f'{name}.w'][-1].reshape(2, 1) for name in ('gle', 'adjoint')]}
    return (arrays_of(p, start, rows) | measure_spectra(p, program, start)
            | {f'{when}.{key}': values for when, w in found.items()
               for key, values in trace(p, program, *w).items()})


def prepare(p, seed):
    """The online student and its teacher as one network, for an exported project.

    Returns
    -------
    SimpleNamespace
        ``compose`` (returns the network), ``precision``, ``n_steps``, ``arrays`` (to keep beside
        the project) and ``guide`` (the most important variables and what they are).
    """
    start = draw(p, seed)
    guide = {f'{NAME}_windows_monitor.w': 'the two weights of the first layer after every window',
             f'{NAME}_windows_monitor.loss': 'mean squared error in every window, twice',
             f'{NAME}_samples_monitor.err': 'errors of the two neurons of the upper hidden layer every '
                                    f'{_SAMPLED:g} ms'}
    return SimpleNamespace(compose=lambda: compose(p, start).network, precision='double',
                           n_steps=round(p.t_init/p.dt) + p.windows*steps_per_window(p),
                           arrays={'start': start}, guide=guide)


def read_variables(p, arrays, variables):
    """The arrays of a result from the variables of an exported project."""
    rows = recorded(p, variables) | samples_of(variables)
    return arrays_of(p, arrays['start'], rows)


def samples_of(variables):
    """What was sampled, one row per sample."""
    from brian_le.models import recorded_values

    target, output, err = (recorded_values(f'{NAME}_samples', key, variables, 2)
                           for key in ('target', 'output', 'err'))
    return {'target': target[:, 0], 'gle.output': output[:, 0], 'gle.err': err}


def recorded(p, variables):
    """Losses and weights at the end of every window, one row per window."""
    from brian_le.models import recorded_values

    loss, w = (recorded_values(f'{NAME}_windows', key, variables, 2) for key in ('loss', 'w'))
    return {'gle.loss': loss[:, 0].copy(), 'gle.w': w}


def arrays_of(p, start, rows):
    """What a result holds of a run: times, samples, losses, and weights from the start on."""
    arrays = {'time': _SAMPLED*np.arange(len(rows['target']))} | rows
    for name in names_in(rows):
        arrays[f'{name}.w'] = np.concatenate([np.reshape(start, (1, 2)), rows[f'{name}.w']])
    return arrays


def names_in(arrays):
    """The names of the students in a result."""
    return [name for name in LABELS if f'{name}.loss' in arrays]


def summarize(result):
    """Lines of text about a result."""
    arrays = result.arrays
    for name in names_in(arrays):
        w = arrays[f'{name}.w'][-1]
        yield (f'{LABELS[name]:<14} after {WINDOW*len(arrays[f"{name}.loss"]):g} ms: weights '
               f'{w[0]:.4f}, {w[1]:.4f}, mean squared error {arrays[f"{name}.loss"][-1]:.1e}')
    dt = result.description['parameters']['dt']
    for drive, what in (('full', 'input as it is'), ('small', 'small input')):
        for i, neuron in enumerate(NEURONS):
            ratio = ', '.join(
                f'{gain:.3f} ({theory:.3f}) and {phase + 2*w*dt:+.3f} rad at {w:g} rad/ms'
                for w, gain, phase, theory in zip(
                    FREQUENCIES, arrays[f'{drive}.gain'][i], arrays[f'{drive}.phase'][i],
                    continuous_ratio(FREQUENCIES, TAU_M[1][i], TAU_R[1][i])))
            yield (f'error by adjoint variable, {neuron} neuron, {what}: gain (theory) and phase '
                   f'without the delay of two steps {ratio}')
