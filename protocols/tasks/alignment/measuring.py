"""One measurement of the alignment: two networks, what their rules propose, and exact gradients."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from brian2 import Network, NeuronGroup, defaultclock, ms, second

from brian_le.models import Dense, GLENetwork, StepClock, drive, initial_weights
from brian_le.protocols.baselines.adjoint import (TemporalNetwork, adjoint_gradients,
                                                  adjoint_signals, bptt_gradients)
from brian_le.protocols.tasks.weights import weights_in
from brian_le.step import STIMULUS

__all__ = ['ERRORS', 'KINDS', 'Point', 'Total', 'alignment', 'compare', 'compose', 'draw',
           'gradients', 'n_steps', 'proposed']

ERRORS = ('prospective', 'instantaneous')  #: second to last axis of what a result holds
KINDS = ('forward', 'bias', 'tau_m', 'tau_r')  #: last axis of it

_HARMONICS = 3  # sines of an input
_SPREAD = 0.5, 1.5  # of membrane time constants, relative to their mean
_GAIN = 2  # of the initial weights, so that neurons are not nearly linear
_SETTLING = 20  # time constants until the measurement begins

_WAVES = '\n'.join(f'phase_{m} : 1' for m in range(1, _HARMONICS + 1)) + '\nvalue : 1'


@dataclass(frozen=True)
class Total:
    """An optimiser that adds up what a rule proposes, as ``total``, and changes nothing."""

    scales_with_gradient = True

    def lines(self, name, gradient, unit):
        """As of `brian_le.SGD`."""
        return {'total': (gradient, unit*second)}, f'0*{gradient}', []


@dataclass(frozen=True)
class Point:
    """One measurement: the number of a network, and the settings that vary."""

    network: int
    depth: int  # hidden layers
    frequency: float  # w*tau_m
    ratio: float  # tau_m/tau_r


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


def shortest_time_constant(p, point):
    """The shortest time constant, in ms, that may be drawn."""
    return mean_tau_m(p, point)*_SPREAD[0]/max(1, point.ratio)


def settling_periods(p, point):
    """Whole periods until a network has settled."""
    slowest = mean_tau_m(p, point)*_SPREAD[1]*max(1, 1/point.ratio)
    return int(np.ceil(_SETTLING*slowest/p.period))


def n_steps(p, point):
    """Time steps of a measurement."""
    return (settling_periods(p, point) + 1)*steps_per_period(p)


def layers(p, depth):
    """The layers behind the inputs."""
    return [Dense(p.hidden)]*depth + [Dense(p.outputs)]


def draw(p, seed, point):
    """The random draws of one network.

    These are ``weights``: weights, biases and time constants (ms) by (kind, layer); ``inputs`` and
    ``targets``: phases of the sines, [harmonic, neuron].
    """
    rng = np.random.default_rng([seed, point.network])
    phases = [rng.uniform(0, 2*np.pi, (_HARMONICS, n)) for n in (p.inputs, p.outputs)]
    weights = initial_weights(p.inputs, layers(p, point.depth), rng)
    weights = {key: _GAIN*values for key, values in weights.items()}
    for k, layer in enumerate(layers(p, point.depth)):
        weights['tau_m', k] = mean_tau_m(p, point)*rng.uniform(*_SPREAD, layer.n)
        weights['tau_r', k] = weights['tau_m', k]/point.ratio
    return SimpleNamespace(weights=weights, inputs=phases[0], targets=phases[1])


def compose(p, point, drawn):
    """Two networks with the same inputs and targets, one for each kind of errors.

    They are called ``alignment_prospective`` and ``alignment_instantaneous``; `drawn` is as from
    `draw`.
    """
    defaultclock.dt = p.dt*ms
    clock = StepClock(p.period*ms, name='alignment_clock',
                      equations='n_settling : integer (shared, constant)')
    clock.n_settling = settling_periods(p, point)
    waves = {}
    for role, n in (('inputs', p.inputs), ('targets', p.outputs)):
        waves[role] = NeuronGroup(n, _WAVES, name=f'alignment_{role}', namespace={})
        sines = ' + '.join(f'sin(2*pi*{m}*t/period + phase_{m})' for m in range(1, _HARMONICS + 1))
        drive(waves[role], 'value', f'sqrt(2/{_HARMONICS}.0)*({sines})', period=p.period*ms)
        for m, phases in enumerate(getattr(drawn, role), 1):
            setattr(waves[role], f'phase_{m}', phases)
    weights = {key: array*ms if key[0] in ('tau_m', 'tau_r') else array
               for key, array in drawn.weights.items()}
    nets = {}
    for errors in ERRORS:
        net = nets[errors] = GLENetwork(
            p.inputs, layers(p, point.depth), errors=errors, beta=p.beta, gamma=p.gamma,
            eta=1/ms, eta_tau_m=1*ms, eta_tau_r=1*ms, optimiser=Total(), tau_m=p.dt*ms,
            name=f'alignment_{errors}')
        net.weights.update(weights)
        for group, variable, wave in ((net.inputs, 'r', waves['inputs']),
                                      (net.output, 'target', waves['targets'])):
            drive(group, variable, 'value', wave, order=STIMULUS + 0.5)
        drive(net.schedule, 'learning', 'int(period >= n_settling)', clock)
    return Network(clock, *waves.values(), *nets.values())


def proposed(end, drawn):
    """What the rules of both networks propose, from their totals over a period.

    By kind of errors and by (kind, layer), the changes for a learning rate of 1, in ms; of time
    constants without unit.
    """
    scales = {'forward': 1e3, 'bias': 1e3, 'tau_m': -1, 'tau_r': 1}  # tau_m goes down err*u_dot
    return {errors: {(kind, k): scales[kind]*total for (kind, k), total in weights_in(
        end, f'alignment_{errors}', drawn.weights, 'total').items()} for errors in ERRORS}


def gradients(p, point, drawn):
    """What exact gradient descent proposes, by backpropagation through time and by the adjoint.

    The loss is half the squared difference of targets and outputs, of which a rate is compared
    with the target of the step that reads it. Errors outside the period are 0, but what they
    depend on goes back to the beginning of the simulation. Both are in the units of `proposed`, for
    a strength of the targets of 1; the adjoint method has none for ``tau_r``.
    """
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

    Both are sequences of arrays that count as one vector. The length of the changes is that along
    the exact ones.
    """
    a, b = (np.concatenate([np.ravel(array) for array in arrays]) for arrays in (changes, exact))
    return float(a @ b/np.sqrt((a @ a)*(b @ b))), float(a @ b/(b @ b))


def compare(p, point, found, exact, adjoint):
    """All angles of one measurement.

    ``cosine`` and ``size`` [errors, kind]; ``layers``: cosine of each layer, [layer from the
    outputs down, errors, kind], 0 where there is none; ``adjoint``: cosine of the adjoint method's
    gradient, [kind].
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
