"""A chain of two neurons learns the weights and the time constants of another one, online.

Figure 5 of "Backpropagation through space, time and the brain" (arXiv 2403.16933): a teacher and
students are chains input - neuron 0 - neuron 1, which see a smoothed square wave. A student learns
its two weights and its two membrane time constants from the difference of the outputs. With the
errors of Generalized Latent Equilibrium it finds the teacher's; with errors that only pass through
space it does not. Students that learn by truncated backpropagation through time are beside them.
"""

from types import SimpleNamespace

import numpy as np

from brian_le.protocols.parameters import Parameter
from brian_le.protocols.tasks import gle_imperfections
from brian_le.protocols.tasks.gle_imperfections import imperfections, kinds

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'LABELS', 'TEACHER', 'compose', 'draw',
           'check', 'simulate', 'prepare', 'read_variables', 'measures', 'summarize']

NAME = 'lagline'
SUMMARY = 'a chain of two neurons learns the weights and time constants of a teacher, online'
FIGURES = 'brian_le.protocols.tasks.lagline.figures'

PARAMETERS = (
    Parameter('periods', 1000, 'periods of 4 ms of the input, for which students learn', minimum=1,
              maximum=1e6),
    Parameter('bptt_periods', 250, 'how many of them, from the first on, have students with '
              'backpropagation through time (0 for none)', minimum=0, maximum=1e6),
    Parameter('students', 'all', 'the students made of neurons',
              choices=('all', 'gle', 'instantaneous')),
    Parameter('t_init', 50.0, 'time before learning; the first half of it with the time constants '
              'of the teacher', 'ms', minimum=4, maximum=1e6),
    Parameter('batch', 100, 'samples: replicas of all chains, each with its own shift of the input',
              minimum=1, maximum=1e5),
    Parameter('eta', 0.01, 'learning rate of Adam: change of a weight per ms, and of a time '
              'constant in ms per ms', '1/ms', minimum=0),
    Parameter('beta', 0.01, 'strength of the target', minimum=0),
    Parameter('gamma', 1.0, 'how strongly errors act on the membranes'),
    Parameter('tau_min', 0.1, 'what the time constants stay above', 'ms', minimum=1e-3),
    Parameter('dt', 0.01, 'time step', 'ms', minimum=1e-4),
    Parameter('precision', 'double', 'floating point numbers of the neurons',
              choices=('double', 'single')),
    *gle_imperfections.PARAMETERS,
)

PERIOD = 4.0  #: of the square wave, in ms
SAMPLED = 0.1  #: ms between two samples of rates and errors
TAU_R = 0.1  #: look-ahead time of all neurons, in ms
#: Weights and membrane time constants (ms) of the teacher.
TEACHER = {'w': (1.0, 2.0), 'tau_m': (1.0, 2.0)}
#: Windows of truncated backpropagation through time, in ms.
WINDOWS = 4, 2, 1
STUDENTS = {'gle': 'prospective', 'instantaneous': 'instantaneous'}
LABELS = {'gle': 'GLE', 'instantaneous': 'instantaneous errors',
          **{f'bptt{window}': f'BPTT, {window} ms' for window in WINDOWS}}
#: Names of what learns in the synapses, and how many of its units are one of the results'.
VARIABLES, SCALES = {'forward': 'w', 'tau_m': 'tau'}, {'forward': 1.0, 'tau_m': 1e3}
_TEACHERS = {'forward': 'w', 'tau_m': 'tau_m'}
LEARNED = tuple((kind, k) for kind in ('forward', 'tau_m') for k in (0, 1))

_SMOOTHING = 0.05  # ms, standard deviation of the Gaussian
#: What is handed over at every launch of a compiled network.
_LAUNCHED = {'periods', 'bptt_periods', *gle_imperfections.NAMES}
_ROOM = 500  # periods in one launch of the simulation
_SINCE_LEARNING = '(1.0*period*n_steps + step)'  # in steps, negative before

_SOURCE = '''
shift : integer (constant)  # by how many steps the wave comes later
r : 1
'''


def draw(p, seed):
    """The input and the start of the students: the random draws of a run.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the draws.

    Returns
    -------
    SimpleNamespace
        ``wave``: the input in all steps of a period, from time 0 on, which begins again and again;
        ``shift``: by how many steps it comes later, for each sample; ``w``, ``tau_m`` (ms): where
        the students begin, uniform in [0, 1), and time constants not below ``tau_min``.
    """
    rng = np.random.default_rng(seed)
    w, tau_m = rng.random((2, 2))
    n = steps_per_period(p)
    return SimpleNamespace(wave=smoothed(np.where(np.arange(n) < n//2, 1.0, -1.0),
                                         _SMOOTHING/p.dt),
                           shift=rng.integers(n, size=p.batch), w=w,
                           tau_m=np.maximum(tau_m, p.tau_min))


def smoothed(wave, sigma):
    """A periodic signal after a Gaussian filter that ends at 4 standard deviations.

    Parameters
    ----------
    wave : numpy.ndarray
        One period.
    sigma : float
        Standard deviation in steps.

    Returns
    -------
    numpy.ndarray
    """
    reach = int(4*sigma + 0.5)
    kernel = np.exp(-0.5*(np.arange(-reach, reach + 1)/sigma)**2)
    return np.convolve(np.pad(wave, reach, mode='wrap'), kernel/kernel.sum(), mode='valid')


def steps_per_period(p):
    """Time steps of one period; a ValueError unless everything is a whole number of steps."""
    n = SAMPLED/p.dt
    if round(n) < 1 or abs(n - round(n)) > 1e-6:
        raise ValueError(f"'dt' is {p.dt:g} ms, which does not divide {SAMPLED:g} ms; give a "
                         'value such as 0.01 or 0.005')
    if abs(p.t_init/PERIOD*2 - round(p.t_init/PERIOD*2)) > 1e-6:
        raise ValueError(f"'t_init' is {p.t_init:g} ms; give a multiple of {PERIOD/2:g} ms, half a "
                         'period of the input')
    if p.tau_min < p.dt*(1 - 1e-9):
        raise ValueError(f"'tau_min' is {p.tau_min:g} ms, less than the time step 'dt', "
                         f'{p.dt:g} ms')
    return round(n)*round(PERIOD/SAMPLED)


def chosen(p):
    """Names of the students made of neurons."""
    return list(STUDENTS) if p.students == 'all' else [p.students]


def compose(p, drawn, seed=0):
    """Teacher and students.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    drawn : SimpleNamespace
        As from `draw`.
    seed : int
        Seed of the imperfections of the students; the teacher has none.

    Returns
    -------
    SimpleNamespace
        ``network``, ``nets`` (a `GLENetwork` by name, with the ``'teacher'``) and ``clock``.
    """
    from brian2 import Network, NeuronGroup, TimedArray, defaultclock, ms

    from brian_le.models import Dense, GLENetwork, StepClock, drive, follow
    from brian_le.plasticity.optimisers import Adam
    from brian_le.protocols.tasks.lagline.recording import recorders
    from brian_le.step import NEURONS, SUM
    from brian_le.substrate import Substrate

    steps_per_period(p)
    defaultclock.dt = p.dt*ms
    clock = StepClock(PERIOD*ms, before=p.t_init*ms, name=NAME)
    source = NeuronGroup(p.batch, _SOURCE, name=f'{NAME}_source', namespace={})
    source.shift = drawn.shift
    drive(source, 'r', 'wave(((step + n_before - shift) % n_steps + 0.5)*ms)', clock, when='start',
          wave=TimedArray(drawn.wave, dt=1*ms, name=f'{NAME}_wave'))

    def chain(name, w, tau_m, **options):
        net = GLENetwork(1, [Dense(1, tau_m=tau*ms) for tau in tau_m], replicas=p.batch,
                         activation='softplus', output_activation='softplus', bias=False,
                         tau_r=TAU_R*ms, name=name, **options)
        net.weights.update({('forward', k): [[weight]] for k, weight in enumerate(w)})
        drive(net.inputs, 'r', 'wave_r', wave_r=(source, 'r'))
        return net

    nets = {'teacher': chain('teacher', TEACHER['w'], TEACHER['tau_m'], beta=0)}
    for name in chosen(p):
        net = nets[name] = chain(
            name, drawn.w, drawn.tau_m, beta=p.beta, gamma=p.gamma, errors=STUDENTS[name],
            eta=p.eta/ms, eta_tau_m=p.eta, optimiser=Adam(), tau_min=p.tau_min*ms,
            substrate=Substrate(_imperfections(p, name), seed))
        follow(net.output, nets['teacher'].output)
        drive(net.schedule, 'learning', 'int(period >= 0)', clock, when='start')
        # for the first half of the time before learning, the time constants are the teacher's
        for group, tau in zip(net.neurons, TEACHER['tau_m']):
            drive(group, 'tau_m', f'int(2*{_SINCE_LEARNING} < -n_before)*tau_teacher'
                                  f' + int(2*{_SINCE_LEARNING} >= -n_before)*tau_m', clock,
                  tau_teacher=tau*ms, order=(SUM + NEURONS)/2)
    return SimpleNamespace(network=Network(clock, source, *nets.values(),
                                           *recorders(p, clock, source, nets)),
                           nets=nets, clock=clock)


def _imperfections(p, name):
    """Those of a student, whose tau_m is learned."""
    return imperfections(p, STUDENTS[name] == 'prospective', mismatched=('tau_r',))


def build(p, drawn, seed, run):
    """The network, or one that is already in this process and differs in launched values alone."""
    key = (NAME, *((key, value) for key, value in vars(p).items() if key not in _LAUNCHED),
           kinds(p))
    return run.build_once(key, lambda: compose(p, drawn, seed), p.precision)


def launch_values(p, drawn, seed, task):
    """Values of a run of the compiled network, by ``'object.variable'``."""
    values = {f'{NAME}_source.shift': drawn.shift}
    for name in chosen(p):
        net = task.nets[name]
        values |= net.weights.variables({
            ('forward', k): [[w]] for k, w in enumerate(drawn.w)} | {
            ('tau_m', k): [tau*1e-3] for k, tau in enumerate(drawn.tau_m)})
        values |= net.substrate.values(_imperfections(p, name), seed)
    return values


def check(p):
    """Raise a ValueError for parameters that do not fit each other."""
    steps_per_period(p)


def simulate(p, seed, run):
    """Let all students learn beside the teacher.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the shifts of the input and of the start of the students.
    run : brian_le.protocols.runs.running.Run
        Builds the program, keeps checkpoints and shows progress.

    Returns
    -------
    dict of str to numpy.ndarray
        ``time`` (ms) of the samples, and sampled for the first replica: ``input``,
        ``teacher.r0``, ``teacher.r1``, and for a student such as ``gle``: ``gle.r0``, ``gle.r1``,
        ``gle.err0``, ``gle.err1``. ``gle.loss``: mean squared difference of the outputs in every
        period with learning; ``gle.forward0``, ``gle.forward1``, ``gle.tau_m0``, ``gle.tau_m1``
        (ms): every 2 ms and at the end of learning. ``bptt4.loss`` and so on: likewise, every
        4 ms, of the students with backpropagation through time.
    """
    from brian_le.protocols.tasks.lagline.bptt import Backpropagation
    from brian_le.protocols.tasks.lagline.recording import recorded

    drawn = draw(p, seed)
    n_period = steps_per_period(p)
    task = build(p, drawn, seed, run)
    program = task.program
    backprop = Backpropagation(p, drawn)

    def chunk(state, first, n):
        end = program({key: state[key] for key in program.state_names}, n*n_period)
        state = dict(state, **{key: end[key] for key in program.state_names})
        return backprop.chunk(state, first, n), recorded(p, end)

    before = program(launch_values(p, drawn, seed, task), round(p.t_init/p.dt))
    state = {key: before[key] for key in program.state_names}
    state |= {f'before.{key}': rows[0] for key, rows in recorded(p, before, periods=1).items()}
    name = chosen(p)[0]
    state, rows = run.in_chunks(
        chunk, backprop.beginning(state), p.periods, 'period', room=_ROOM, duration=PERIOD,
        describe=lambda done, new: f"mean squared error {new[f'{name}.loss'][-1, 0]:.2e} "
                                   f'({LABELS[name]})')
    rows = {key: np.concatenate([state.get(f'before.{key}', values[:0].ravel()), values.ravel()])
            for key, values in rows.items()}
    return arrays_of(p, rows, state) | backprop.arrays(state)


def prepare(p, seed):
    """The whole run as one network, for an exported project.

    Returns
    -------
    SimpleNamespace
        ``compose`` (returns the network), ``precision``, ``n_steps``, ``arrays`` (to keep beside
        the project) and ``guide`` (the most important variables and what they are).
    """
    drawn = draw(p, seed)
    guide = {f'{NAME}_losses_monitor.{name}': f'{LABELS[name]}: mean squared error of every replica '
                                           f'in every period' for name in chosen(p)}
    guide |= {f'{NAME}_traces_monitor.{name}_{key}': f'{LABELS[name]}: {what} of neuron 0 every 2 ms'
              for name in chosen(p)
              for key, what in (('forward0', 'weight'), ('tau_m0', 'time constant'))}
    return SimpleNamespace(compose=lambda: compose(p, drawn, seed).network, precision=p.precision,
                           n_steps=round(p.t_init/p.dt) + p.periods*steps_per_period(p), arrays={},
                           guide=guide)


def read_variables(p, arrays, variables):
    """The arrays of a result from the variables of an exported project."""
    from brian_le.protocols.tasks.lagline.recording import recorded

    rows = {key: values.ravel() for key, values in recorded(p, variables, periods=1).items()}
    return arrays | arrays_of(p, rows, variables)


def arrays_of(p, rows, state):
    """What a result holds: all that was recorded, and the state at the end."""
    arrays = {'time': SAMPLED*np.arange(len(rows['input']))} | rows
    for name in chosen(p):
        for kind, k in LEARNED:
            end = float(state[f'{name}_{kind}{k}.{VARIABLES[kind]}'][0])*SCALES[kind]
            arrays[f'{name}.{kind}{k}'] = np.append(rows[f'{name}.{kind}{k}'], end)
    return arrays


def names_in(arrays):
    """The names of all students in a result."""
    return [name for name in LABELS if f'{name}.loss' in arrays]


def measures(result):
    """Scalars of a run, means over the last tenth of its records.

    ``loss``, the weights and time constants, and ``parameter_error``, the largest relative
    difference of these four from the teacher's. With several students, their names and a dot come
    before.
    """
    names, found = names_in(result.arrays), {}
    for name in names:
        ends = {key: float(values[-max(1, len(values)//10):].mean())
                for key, values in ((key, result.arrays[f'{name}.{key}']) for key in (
                    'loss', *(f'{kind}{k}' for kind, k in LEARNED)))}
        ends['parameter_error'] = max(abs(ends[f'{kind}{k}']/TEACHER[key][k] - 1)
                                      for kind, key in _TEACHERS.items() for k in (0, 1))
        found |= {f'{name}.{key}' if len(names) > 1 else key: value for key, value in ends.items()}
    return found


def summarize(result):
    """Lines of text about a result."""
    p, arrays = result.description['parameters'], result.arrays
    for name in names_in(arrays):
        found = [float(arrays[f'{name}.{kind}{k}'][-1]) for kind, k in LEARNED]
        yield (f'{LABELS[name]:<20} after {PERIOD*len(arrays[f"{name}.loss"]):g} ms: '
               'w {:.5f}, {:.5f}, tau_m {:.5f}, {:.5f} ms, '.format(*found)
               + f'mean squared error {arrays[f"{name}.loss"][-1]:.1e}')
    for name in names_in(arrays):
        clamped = [k for k in (0, 1)
                   if arrays[f'{name}.tau_m{k}'][-1] <= p['tau_min']*(1 + 1e-6)]
        if clamped:
            yield (f"{LABELS[name]}: tau_m of neuron {' and '.join(map(str, clamped))} is at its "
                   f"lower bound, {p['tau_min']:g} ms")
