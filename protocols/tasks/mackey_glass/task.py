"""Prediction of a chaotic series, learned online by slow and fast neurons.

The series of Mackey and Glass is shown to a network of Generalized Latent Equilibrium in real time,
and its output learns to be ahead of it. There is one input, the present value; what has been is in
the slow membranes alone. Every replica of the network hears a stretch of the same long series, one
unit of whose time takes 1 ms. After each epoch the network predicts stretches that it never learns
from. The same network with errors that only pass through space, the same network trained offline
by truncated backpropagation through time, and an echo state network are beside it.
"""

from types import SimpleNamespace

import numpy as np

from brian_le.protocols.parameters import Parameter

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'LABELS', 'mackey_glass', 'stretches',
           'nrmse', 'compose', 'check', 'simulate', 'prepare', 'read_variables', 'summarize']

NAME = 'mackey-glass'
SUMMARY = 'a chaotic series, predicted by a network that learns online while it listens'
FIGURES = 'brian_le.protocols.tasks.mackey_glass.figures'

PARAMETERS = (
    Parameter('epochs', 30, 'how often the stretches for learning are shown', minimum=1,
              maximum=1e6),
    Parameter('train', 1000.0, 'length of the stretch that a replica learns from', 'ms', minimum=1,
              maximum=1e6),
    Parameter('test', 200.0, 'length of the stretch that a replica predicts after every epoch',
              'ms', minimum=1, maximum=1e6),
    Parameter('washout', 100.0, 'time before each of these, in which neurons forget others', 'ms',
              minimum=0, maximum=1e6),
    Parameter('batch', 16, 'stretches that are shown at once, to replicas that share their weights',
              minimum=1, maximum=1e4),
    Parameter('horizon', 6.0, 'how far ahead the output is to be', 'ms', minimum=0, maximum=1e4),
    Parameter('hidden_layers', 2, 'hidden layers', minimum=1, maximum=100),
    Parameter('slow', 20, 'slow neurons in every hidden layer', minimum=1, maximum=1e4),
    Parameter('fast', 20, 'fast neurons in every hidden layer', minimum=0, maximum=1e4),
    Parameter('tau_slow', 8.0, 'membrane time constant of the first half of the slow neurons',
              'ms', minimum=1e-3),
    Parameter('tau_slower', 24.0, 'and of the second half', 'ms', minimum=1e-3),
    Parameter('tau_r', 1.0, 'look-ahead time of slow neurons, and both time constants of fast '
              'ones', 'ms', minimum=1e-3),
    Parameter('rate', 0.0005, 'step size of Adam: change of a weight in a time step', minimum=0),
    Parameter('beta', 1.0, 'strength of the target', minimum=0),
    Parameter('gamma', 0.0, 'how strongly errors act on the membranes'),
    Parameter('window', 20.0, 'time between two steps of truncated backpropagation through time',
              'ms', minimum=1e-3),
    Parameter('bptt_rate', 0.004, 'step size of Adam after each of these windows', minimum=0),
    Parameter('students', 'all', 'all with those for comparison', choices=('all', 'gle')),
    Parameter('dt', 0.5, 'time step', 'ms', minimum=1e-3),
    Parameter('precision', 'single', 'floating point numbers of the neurons',
              choices=('double', 'single')),
)

DELAY = 17.0  #: of the series, in ms
#: The networks, and the reference that needs no network.
LABELS = {'gle': 'GLE, online', 'instantaneous': 'instantaneous errors, online',
          'bptt': 'truncated BPTT, offline', 'echo': 'echo state network',
          'persistence': 'present value'}
_ID = NAME.replace('-', '_')
_ERRORS = {'gle': 'prospective', 'instantaneous': 'instantaneous'}
_SAMPLED = 1.0  # ms between two samples of the output; one step of the echo state network
_INTEGRATED = 0.1  # ms, the longest step in which the series is integrated
_TRANSIENT = 1000.0  # ms of the series that are not used
_ROOM = 20  # epochs in one launch of the simulation
#: What is tried for the echo state network.
GRID = dict(spectral_radius=(0.6, 0.8, 0.95, 1.1), leak=(0.1, 0.3, 1.0),
            penalties=(1e-11, 1e-9, 1e-7, 1e-5))


# ------------------------------------------------------------------------------------- the series
def mackey_glass(duration, dt, start=1.2):
    """The series of Mackey and Glass, with a delay of 17.

    ``dx/dt = 0.2*x(t - 17)/(1 + x(t - 17)**10) - 0.1*x``, by the Runge-Kutta method of fourth
    order, with cubic interpolation of what is delayed between two steps.

    Parameters
    ----------
    duration : float
        How long, in the time of the series.
    dt : float
        Time step, 17 divided by a whole number.
    start : float
        The constant value up to time 0.

    Returns
    -------
    numpy.ndarray
        The values at 0, dt, 2*dt, ... up to the duration.

    Raises
    ------
    ValueError
        If the time step does not divide the delay.

    References
    ----------
    Mackey and Glass (1977), Science 197:287.

    Examples
    --------
    >>> from brian_le.protocols.tasks.mackey_glass.task import mackey_glass
    >>> mackey_glass(200, 0.1)[::500].round(4)
    array([1.2   , 1.061 , 1.0137, 1.1265, 1.1867])
    """
    n_delay, n = round(DELAY/dt), round(duration/dt)
    if n_delay < 1 or abs(DELAY/dt - n_delay) > 1e-6:
        raise ValueError(f'the time step is {dt:g}, which does not divide the delay of {DELAY:g}; '
                         'give a value such as 0.1')
    # What is delayed is known for all of a block that is as long as the delay, and in x itself
    # the equation is linear: x_next = keep*x + added. So all steps of a block are made at once.
    keep = _step(1.0, 0.0, 0.0, 0.0, dt)
    powers = keep**np.arange(1, n_delay + 1)
    x, slope = np.full(n_delay + 1, float(start)), np.zeros(n_delay + 1)
    found = [x[-1:]]
    for _ in range(-(-n//n_delay)):
        between = (x[:-1] + x[1:])/2 + dt/8*(slope[:-1] - slope[1:])
        drive, drive_between = _production(x), _production(between)
        added = _step(0.0, drive[:-1], drive_between, drive[1:], dt)
        new = powers*(x[-1] + np.cumsum(added/powers))
        x = np.append(x[-1], new)
        slope = drive - 0.1*x
        found.append(new)
    return np.concatenate(found)[:n + 1]


def _production(delayed):
    return 0.2*delayed/(1 + delayed**10)


def _step(x, begin, middle, end, dt):
    """A step of ``dx/dt = drive - 0.1*x``, with the drive at its begin, middle and end."""
    k1 = begin - 0.1*x
    k2 = middle - 0.1*(x + dt/2*k1)
    k3 = middle - 0.1*(x + dt/2*k2)
    k4 = end - 0.1*(x + dt*k3)
    return x + dt/6*(k1 + 2*k2 + 2*k3 + k4)


def steps(p):
    """Numbers of time steps of what a run is made of.

    Returns
    -------
    SimpleNamespace
        ``train``, ``test``, ``washout``, ``horizon``, ``window``, ``sampled``, and ``epoch``: all
        of an epoch.

    Raises
    ------
    ValueError
        If something is not a whole number of steps, or stretches are not whole numbers of what
        they are made of.
    """
    def whole(name, time, unit, what):
        n = time/unit
        if abs(n - round(n)) > 1e-6:
            raise ValueError(f"'{name}' is {time:g} ms, which is not a multiple of {what}, "
                             f'{unit:g} ms')
        return round(n)

    n = _SAMPLED/p.dt
    if round(n) < 1 or abs(n - round(n)) > 1e-6:
        raise ValueError(f"'dt' is {p.dt:g} ms, which does not divide {_SAMPLED:g} ms; give a "
                         'value such as 0.5 or 0.2')
    for name in ('train', 'test', 'washout'):
        whole(name, getattr(p, name), _SAMPLED, 'the time between samples')
    counts = {name: whole(name, getattr(p, name), p.dt, "the time step 'dt'")
              for name in ('train', 'test', 'washout', 'horizon', 'window')}
    whole('train', p.train, p.window, "'window'")
    return SimpleNamespace(**counts, sampled=round(n),
                           epoch=2*counts['washout'] + counts['train'] + counts['test'])


def stretches(p, seed):
    """What is shown, from one long series with mean 0 and variance 1.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of where the series begins.

    Returns
    -------
    dict of str to tuple of numpy.ndarray
        ``train``, ``test`` and, for the choice of the echo state network, ``validation``: inputs
        and targets, [step, replica, 1], with the washout. None of the stretches overlap.
    """
    n = steps(p)
    fine = max(1, int(np.ceil(p.dt/_INTEGRATED - 1e-9)))
    lengths = {'train': n.washout + n.train, 'validation': n.washout + n.test,
               'test': n.washout + n.test}
    skipped = round(_TRANSIENT/p.dt)
    total = skipped + sum(p.batch*(length + n.horizon) for length in lengths.values())
    start = np.random.default_rng([seed, 1]).uniform(0.5, 1.5)
    series = mackey_glass(total*p.dt, p.dt/fine, start)[::fine][skipped:]
    parts, first = {}, 0
    for name, length in lengths.items():
        both = series[first:first + p.batch*(length + n.horizon)].reshape(p.batch, -1).T
        parts[name] = both[:length, :, None], both[n.horizon:, :, None]
        first += both.size
    mean, std = parts['train'][0].mean(), parts['train'][0].std()
    return {name: tuple((values - mean)/std for values in pair) for name, pair in parts.items()}


def nrmse(outputs, targets):
    """Root of the mean squared error, divided by the standard deviation of the targets."""
    return np.sqrt(np.mean((np.asarray(outputs) - targets)**2))/np.std(targets)


# ------------------------------------------------------------------------------------ the networks
def layers(p):
    """The layers, behind one input."""
    from brian2 import ms

    from brian_le.models import Dense, by_group

    groups = ((p.slow//2, p.tau_slow), (p.slow - p.slow//2, p.tau_slower), (p.fast, p.tau_r))
    hidden = Dense(p.slow + p.fast, tau_r=p.tau_r*ms,
                   tau_m=by_group(*((n, tau*ms) for n, tau in groups if n)))
    return [*[hidden]*p.hidden_layers, Dense(1, tau_m=p.tau_r*ms, tau_r=p.tau_r*ms)]


def weights(p, seed):
    """Initial weights and biases, uniform up to 1/sqrt(inputs of a neuron)."""
    from brian_le.models import initial_weights

    return initial_weights(1, layers(p), np.random.default_rng([seed, 0]))


def online(p):
    """Names of the networks that are simulated."""
    return list(_ERRORS) if p.students == 'all' else ['gle']


def compose(p, seed):
    """The networks that learn online.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the series and of the initial weights.

    Returns
    -------
    SimpleNamespace
        ``network``, ``nets`` (a `GLENetwork` by name) and ``shown`` (`Sequences` of one epoch,
        which comes again and again).
    """
    from brian2 import Network, defaultclock, ms

    from brian_le import Adam
    from brian_le.models import GLENetwork, Recorder, Sequences, StepClock, drive

    n = steps(p)
    defaultclock.dt = p.dt*ms
    data = stretches(p, seed)
    x, targets = (np.concatenate(parts).transpose(1, 0, 2)
                  for parts in zip(data['train'], data['test']))
    # an error compares the output of the last step with the target of this one
    shown = Sequences(x, np.roll(targets, 1, axis=1), duration=n.epoch*p.dt*ms, replicas=p.batch,
                      repeat=True, name=f'{_ID}_shown')
    clock = StepClock(shown.duration, name=f'{_ID}_clock')
    begin, end = n.washout, n.washout + n.train
    for switch in ('learning', 'nudged'):
        drive(shown.schedule, switch, f'int(step >= {begin})*int(step < {end})', clock, when='start')
    nets, objects = {}, [clock, shown]
    for name in online(p):
        net = nets[name] = GLENetwork(
            1, layers(p), batches=shown, errors=_ERRORS[name], beta=p.beta, gamma=p.gamma,
            eta=p.rate/p.dt/ms, optimiser=Adam(), name=name)
        net.weights.update(weights(p, seed))
        objects += [net, Recorder({'r': (net.output, 'r')}, clock, name=f'{name}_samples',
                                  at=f'step >= {end + n.washout} and step % {n.sampled} == 0')]
    return SimpleNamespace(network=Network(*objects), nets=nets, shown=shown)


def check(p):
    """Raise a ValueError for parameters that do not fit each other."""
    steps(p)


def simulate(p, seed, run):
    """Learn and predict, epoch by epoch, beside the networks for comparison.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the series, of the initial weights and of the echo state network.
    run : brian_le.protocols.runs.running.Run
        Builds the program, keeps checkpoints and shows progress.

    Returns
    -------
    dict of str to numpy.ndarray
        ``time`` (ms), ``present`` and ``target``: samples of the test, the latter two [replica,
        sample]. ``gle.nrmse``: normalised root-mean-square error of the test after each epoch;
        ``gle.output``: the predictions after the last one; ``gle.n_learned``: how many weights
        and biases learn; ``gle.W_forward_0`` and so on: weights at the end. With all students the
        same for ``instantaneous`` and ``bptt``, and with one error for ``echo``, with what was
        chosen for it, such as ``echo.leak``. ``persistence.nrmse``: of predicting the present.
    """
    task = SimpleNamespace()

    def compose_networks():
        vars(task).update(vars(compose(p, seed)))
        return task.network

    program = run.build(compose_networks, p.precision)
    n, data, compared = steps(p), stretches(p, seed), p.students == 'all'
    target = samples(p, data['test'][1])
    student = backpropagation(p, seed)

    def chunk(state, first, n_epochs):
        end = program({key: state[key] for key in program.state_names if key in state},
                      n_epochs*n.epoch)
        after, outputs = {key: end[key] for key in program.state_names}, recorded(p, end)
        if compared:
            student.restore(state)
            outputs['bptt'] = np.array([learn_offline(p, student, data) for _ in range(n_epochs)])
            after |= student.state()
        return after | {f'last.{name}': y[-1] for name, y in outputs.items()}, {
            f'{name}.nrmse': np.array([nrmse(row, target) for row in y])
            for name, y in outputs.items()}

    state, rows = run.in_chunks(
        chunk, {}, p.epochs, 'epoch', room=_ROOM, duration=n.epoch*p.dt,
        describe=lambda done, new: f"error {new['gle.nrmse'][-1]:.3g}")
    found = rows | shown_in_test(p, data)
    learned = {name: net.weights.matrices(state) for name, net in task.nets.items()}
    if compared:
        student.restore(state)
        learned['bptt'] = student.parts()['weights']
        found |= echo_state(p, seed, data)
    for name, arrays in learned.items():
        found |= {f'{name}.output': state[f'last.{name}'],
                  f'{name}.n_learned': np.array(sum(w.size for w in arrays.values())),
                  **{f'{name}.W_{kind}_{k}': w for (kind, k), w in arrays.items()}}
    return found


def prepare(p, seed):
    """The networks that learn online, in one launch, for an exported project.

    Returns
    -------
    SimpleNamespace
        ``compose`` (returns the network), ``precision``, ``n_steps``, ``arrays`` (to keep beside
        the project) and ``guide`` (the most important variables and what they are).
    """
    guide = {}
    for name in online(p):
        guide |= {f'{name}_samples_monitor.r': f'{LABELS[name]}: outputs every {_SAMPLED:g} ms in the '
                                       'tests of all epochs, of all replicas',
                  f'{name}_forward0.w, {name}_bias0.bias': f'{LABELS[name]}: weights at the end'}
    return SimpleNamespace(compose=lambda: compose(p, seed).network, precision=p.precision,
                           n_steps=p.epochs*steps(p).epoch, guide=guide,
                           arrays=shown_in_test(p, stretches(p, seed)))


def read_variables(p, arrays, variables):
    """The arrays of a result from the variables of an exported project."""
    found = dict(arrays)
    for name, outputs in recorded(p, variables).items():
        found[f'{name}.nrmse'] = np.array([nrmse(row, arrays['target']) for row in outputs])
        found[f'{name}.output'] = outputs[-1]
    return found


def recorded(p, variables):
    """Outputs in the tests of all epochs, [epoch, replica, sample], by network."""
    n = steps(p)
    return {name: np.reshape(variables[f'{name}_samples_monitor.r'], (-1, n.test//n.sampled, p.batch))
            .transpose(0, 2, 1).astype(float) for name in online(p)}


def samples(p, values):
    """What belongs to the samples of the test, [replica, sample], of [step, replica, 1]."""
    n = steps(p)
    return values[n.washout::n.sampled, :, 0].T.copy()


def shown_in_test(p, data):
    """The samples of the test, and the error of predicting the present value."""
    present, target = (samples(p, values) for values in data['test'])
    return {'time': _SAMPLED*np.arange(target.shape[1]), 'present': present, 'target': target,
            'persistence.nrmse': np.array(nrmse(present, target))}


# -------------------------------------------------------------------------- those for comparison
def backpropagation(p, seed):
    """A `WindowedStudent` with the same layers and initial weights."""
    from brian2 import ms

    from brian_le.protocols.baselines.adjoint import TemporalNetwork
    from brian_le.protocols.baselines.windowed import Adam, WindowedStudent

    start = weights(p, seed)
    times = {(tau, k): np.broadcast_to(getattr(layer, tau)/ms, layer.n)
             for k, layer in enumerate(layers(p)) for tau in ('tau_m', 'tau_r')}
    network = TemporalNetwork(start | times, ['tanh']*p.hidden_layers + ['linear'], p.dt)
    return WindowedStudent('offline', network, Adam(p.bptt_rate), steps(p).window, list(start))


def learn_offline(p, student, data):
    """One epoch of a `WindowedStudent`; its outputs in the test, [replica, sample]."""
    (inputs, targets), washout = data['train'], steps(p).washout
    if washout:
        student.follow(inputs[:washout])
    student.learn(inputs[washout:], targets[washout:])
    return samples(p, student.follow(data['test'][0]).outputs)


def echo_state(p, seed, data):
    """What an echo state network with as many hidden neurons predicts, and what it is like."""
    from brian_le.protocols.baselines.echo_state import EchoStateNetwork, select

    n, size = steps(p), p.hidden_layers*(p.slow + p.fast)
    data = {name: tuple(values[::n.sampled] for values in pair) for name, pair in data.items()}
    washout = n.washout//n.sampled
    network, readout, chosen = select(
        lambda **options: EchoStateNetwork(size, 1, np.random.default_rng([seed, 2]), **options),
        data['train'], data['validation'], washout, **GRID)
    inputs, targets = data['test']
    outputs = readout(network.run(inputs)[washout:])
    return {'echo.output': outputs[:, :, 0].T.copy(), 'echo.n_learned': np.array(size + 1),
            'echo.nrmse': np.array(nrmse(outputs, targets[washout:])),
            **{f'echo.{key}': np.array(value) for key, value in chosen.items()}}


def summarize(result):
    """Lines of text about a result."""
    p, arrays = result.description['parameters'], result.arrays
    yield (f"normalised root-mean-square error {p['horizon']:g} ms ahead, in stretches that were "
           f"not learned from, after {p['epochs']} epochs:")
    for name, label in LABELS.items():
        if f'{name}.nrmse' in arrays:
            n = arrays.get(f'{name}.n_learned', 0)
            yield (f'{label:<32}{np.ravel(arrays[f"{name}.nrmse"])[-1]:.4f}'
                   + (f'   ({n} weights and biases learn)' if n else ''))
