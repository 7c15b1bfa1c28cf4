"""Fourier synthesis: a network of slow neurons learns a fast signal while it is shown.

Figure 2a of the Latent Equilibrium paper: 50 sines of 10, 20, ..., 500 Hz drive 30 hidden neurons
and one output, which learns to follow a sawtooth with a period of 50 ms. All membranes have time
constants of 10 ms, yet there are no phases and no pauses: neurons look ahead, and weights learn in
every time step. After some periods learning and nudging end, and the network goes on by itself.
"""

from types import SimpleNamespace

import numpy as np

from brian_le.protocols.parameters import Parameter

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'draw', 'compose', 'check', 'simulate',
           'prepare', 'read_variables', 'summarize']

NAME = 'fourier'
SUMMARY = 'a 50 ms sawtooth out of 50 sines, learned online by 50-30-1 slow neurons'
FIGURES = 'brian_le.protocols.tasks.fourier.figures'

PARAMETERS = (
    Parameter('periods', 12, 'periods of 50 ms', minimum=1, maximum=1e4),
    Parameter('learning', 8, 'how many of them, from the first on, have learning and nudging',
              minimum=0, maximum=1e4),
    Parameter('hidden', 30, 'hidden neurons', minimum=1, maximum=1e5),
    Parameter('eta', 0.25, 'learning rate of weights and biases', '1/ms', minimum=0),
    Parameter('beta', 0.1, 'strength of the nudging', minimum=0),
    Parameter('gamma', 1.0, 'how strongly errors act on the membranes; -1 nudges the output away '
              "from its target, as in the paper's code"),
    Parameter('tau_m', 10.0, 'membrane time constant', 'ms', minimum=1e-6),
    Parameter('tau_r', None, 'look-ahead time; auto is tau_m', 'ms', minimum=0),
    Parameter('dt', 0.005, 'time step', 'ms', minimum=1e-4),
)

PERIOD = 50.0  #: of the sawtooth, in ms
N_INPUTS = 50
_SAMPLED = 0.1  # ms between two samples of the output
_ROOM = 200  # periods in one launch of the simulation

def layers(p):
    """The layers, behind 50 inputs."""
    from brian_le.models import Dense

    return [Dense(p.hidden), Dense(1)]


def draw(p, seed):
    """Initial weights and biases, the random draws of a run.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the draws.

    Returns
    -------
    dict
        Arrays by (kind, layer), uniform between -1/sqrt(n) and 1/sqrt(n) for neurons with n
        inputs.
    """
    from brian_le.models import initial_weights

    return initial_weights(N_INPUTS, layers(p), np.random.default_rng(seed))


def compose(p, weights):
    """The network of the task.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    weights : dict
        Initial weights and biases by (kind, layer).

    Returns
    -------
    SimpleNamespace
        ``network``, ``net`` (the `LayeredNetwork`), ``clock``, ``samples`` and ``errors`` (the
        recorders).
    """
    from brian2 import Network, defaultclock, ms

    from brian_le.models import LayeredNetwork, Recorder, StepClock, drive

    steps_per_period(p)
    defaultclock.dt = p.dt*ms
    clock = StepClock(PERIOD*ms, equations='n_learning : integer (shared, constant)', name=NAME)
    clock.n_learning = p.learning
    net = LayeredNetwork(N_INPUTS, layers(p), rate_at='input', gamma=p.gamma, beta=p.beta,
                         eta=p.eta/ms, tau_m=p.tau_m*ms,
                         tau_r=None if p.tau_r is None else p.tau_r*ms, name=f'{NAME}_net')
    net.weights.update(weights)
    for switch in ('learning', 'nudged'):
        drive(net.schedule, switch, 'int(period < n_learning)', clock)
    drive(net.inputs, 'r', 'sin(2*pi*10*hertz*(neuron + 1)*now)', clock)
    drive(net.output, 'target', '2.0*step/n_steps - 1', clock)
    output, target = (net.output, 'r'), (net.output, 'target')
    samples = Recorder({'output': output, 'target': target}, clock,
                       at=f'step % {sampling_steps(p)} == 0', name=f'{NAME}_samples')
    errors = Recorder({'error': 'total/n_steps'}, clock, sums={'total': '(output - target)**2'},
                      at='step == n_steps - 1', output=output, target=target,
                      name=f'{NAME}_errors')
    return SimpleNamespace(network=Network(clock, net, samples, errors), net=net, clock=clock,
                           samples=samples, errors=errors)


def steps_per_period(p):
    """Time steps of one period; a ValueError if their number is not whole."""
    n_steps = PERIOD/p.dt
    if round(n_steps) < 2 or abs(n_steps - round(n_steps)) > 1e-6:
        raise ValueError(f"'dt' is {p.dt:g} ms, which does not divide the period of {PERIOD:g} ms; "
                         'give a value such as 0.005 or 0.01')
    return round(n_steps)


def sampling_steps(p):
    """Time steps from one sample of the output to the next."""
    return max(1, round(_SAMPLED/p.dt))


def check(p):
    """Raise a ValueError for parameters that do not fit each other."""
    steps_per_period(p)


def simulate(p, seed, run):
    """Learn for some periods, go on without learning, and compare output and target throughout.

    Parameters
    ----------
    p : SimpleNamespace
        The parameters.
    seed : int
        Seed of the initial weights.
    run : brian_le.protocols.runs.running.Run
        Builds the program, keeps checkpoints and shows progress.

    Returns
    -------
    dict of str to numpy.ndarray
        ``error``: mean squared error in every period, over all of its time steps; ``time`` (ms),
        ``output`` and ``target``: samples, one row per period; weights and biases before
        (``initial_W_forward_0`` and so on) and after learning (``W_forward_0``).
    """
    task = SimpleNamespace()
    weights = draw(p, seed)

    def compose_network():
        vars(task).update(vars(compose(p, weights)))
        return task.network

    program = run.build(compose_network)
    n_steps = steps_per_period(p)

    def chunk(state, first, n):
        end = program(state, n*n_steps)
        return {key: end[key] for key in program.state_names}, recorded(p, end)

    state, rows = run.in_chunks(
        chunk, {}, p.periods, 'period', room=_ROOM, duration=PERIOD,
        describe=lambda done, new: f"mean squared error {new['error'][-1]:.4f}")
    final = task.net.weights.matrices(state)
    return {**rows, 'time': sample_times(p),
            **{f'{prefix}W_{kind}_{k}': matrix for prefix, matrices in (
                ('initial_', weights), ('', final)) for (kind, k), matrix in matrices.items()}}


def prepare(p, seed):
    """The whole run as one network, for an exported project.

    Returns
    -------
    SimpleNamespace
        ``compose`` (returns the network), ``precision``, ``n_steps``, ``arrays`` (to keep beside
        the project) and ``guide`` (the most important variables and what they are).
    """
    weights = draw(p, seed)
    guide = {f'{NAME}_errors_monitor.error': 'mean squared error in every period',
             f'{NAME}_samples_monitor.output': f'output every {sampling_steps(p)*p.dt:g} ms',
             f'{NAME}_samples_monitor.target': 'target at the same times',
             f'{NAME}_net_forward0.w': 'weights of the hidden neurons at the end'}
    return SimpleNamespace(compose=lambda: compose(p, weights).network, precision='double',
                           n_steps=p.periods*steps_per_period(p),
                           arrays={'time': sample_times(p)}, guide=guide)


def read_variables(p, arrays, variables):
    """The arrays of a result from the variables of an exported project."""
    return arrays | recorded(p, variables)


def recorded(p, variables):
    """Errors, outputs and targets, one row per period, from what was recorded."""
    n_samples = -(-steps_per_period(p)//sampling_steps(p))
    samples = {key: np.reshape(variables[f'{NAME}_samples_monitor.{key}'], (-1, n_samples))
               for key in ('output', 'target')}
    return {'error': np.array(variables[f'{NAME}_errors_monitor.error']), **samples}


def sample_times(p):
    """The times of all samples in ms, one row per period."""
    steps = np.arange(0, steps_per_period(p), sampling_steps(p))
    return PERIOD*np.arange(p.periods)[:, None] + p.dt*steps


def summarize(result):
    """Lines of text about a result."""
    error = result.arrays['error']
    learning = min(result.description['parameters']['learning'], len(error))
    if learning:
        yield (f'mean squared error while learning: {error[0]:.4f} in the first period, '
               f'{error[learning - 1]:.4f} in period {learning}')
    if learning < len(error):
        yield (f'mean squared error afterwards, without learning and nudging: '
               f'{error[learning:].mean():.4f} (mean of {len(error) - learning} periods)')
