"""Backpropagation through time and the adjoint method in plain NumPy, for comparison.

They are for layered networks of leaky neurons with look-ahead, the forward networks of Generalized
Latent Equilibrium (arXiv 2403.16933). Both need the whole past at once and walk back through it,
so neither is a learning rule of neurons: they are what such rules approximate.
"""

from dataclasses import dataclass

import numpy as np

from brian_le.activations import get_activation
from brian_le.checks import check_array, check_not_negative, check_positive

__all__ = ['TemporalNetwork', 'Trajectory', 'bptt_gradients', 'adjoint_signals',
           'adjoint_gradients']


@dataclass(frozen=True)
class Trajectory:
    """What the neurons of a `TemporalNetwork` did in a number of steps, one array per layer."""

    read: tuple  # the rates that each layer read in each step, [step, batch, neuron before]
    u_before: tuple  # membrane potentials before each step, [step, batch, neuron]
    u_dot: tuple  # their derivatives
    u_prosp: tuple  # their look-aheads
    r: tuple  # the rates that each step sends out
    state: dict  # at the end, [batch, neuron]: potentials ('u', k) and rates ('r', k) of layer k

    @property
    def outputs(self):
        """The rates of the last layer, [step, batch, neuron]."""
        return self.r[-1]


class TemporalNetwork:
    """A layered network of leaky neurons with look-ahead, in steps of forward Euler.

    In a step, a layer that reads the rates r computes ``u_dot = (W r + b - u)/tau_m``, its
    look-ahead ``u_prosp = u + tau_r*u_dot`` and its rates ``phi(u_prosp)``, and ``dt*u_dot`` is
    added to u. The first layer reads the inputs of the same step, the others the rates of the
    step before. Everything starts at 0, the rates too. All times are numbers in one unit.

    Parameters
    ----------
    weights : dict
        Arrays by (kind, k) for every layer k: ``('forward', k)`` of shape [post, pre],
        ``('tau_m', k)`` and ``('tau_r', k)`` with one value per neuron, and likewise
        ``('bias', k)``, without which a layer has none. ``('feedback', k)`` is passed over,
        because errors go back through the forward weights. The arrays are copied; learning
        changes the attribute `weights`. A ``tau_m`` is at least a time step, no ``tau_r`` negative.
    activations : sequence of str or Activation
        One per layer, see `brian_le.activations`.
    dt : float
        Time step.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.protocols.baselines.adjoint import TemporalNetwork
    >>> from brian_le.protocols.baselines.windowed import Adam, train_truncated
    >>> def neuron(w, tau_m):
    ...     weights = {('forward', 0): [[w]], ('tau_m', 0): [tau_m], ('tau_r', 0): [1]}
    ...     return TemporalNetwork(weights, ['tanh'], dt=0.1)
    >>> inputs = np.random.default_rng(1).normal(size=(4000, 1, 1)).repeat(10, axis=0)
    >>> targets = neuron(1.5, 4).run(inputs).outputs
    >>> student = neuron(1, 2)
    >>> losses, state = train_truncated(student, inputs, targets, window=100, optimiser=Adam(0.03),
    ...                                 learned=[('forward', 0), ('tau_m', 0)])
    >>> student.weights['forward', 0].round(2), student.weights['tau_m', 0].round(2)
    (array([[1.5]]), array([4.]))
    """

    def __init__(self, weights, activations, dt):
        check_positive('dt', dt)
        self.dt = float(dt)
        self.activations = [get_activation(activation) for activation in activations]
        if not self.activations:
            raise ValueError('there are no layers; give one activation per layer')
        kinds = 'forward', 'bias', 'tau_m', 'tau_r'
        valid = {(kind, k): None for k in range(self.n_layers) for kind in (*kinds, 'feedback')}
        unknown = [key for key in weights if key not in valid]
        if unknown:
            raise ValueError(f'there is no layer for weights[{unknown[0]!r}]; give the kinds '
                             f"{', '.join(kinds)} for {self.n_layers} layers")
        self.weights = {}
        n_before = None
        for k in range(self.n_layers):
            shape = None, n_before
            for kind in kinds:
                name = f'weights[{(kind, k)!r}]'
                if (kind, k) in weights:
                    self.weights[kind, k] = check_array(name, weights[kind, k], shape).copy()
                elif kind != 'bias':
                    raise ValueError(f'{name} are missing')
                shape = self.weights['forward', k].shape[:1]
            n_before, = shape
        self._check_time_constants()

    @property
    def n_layers(self):
        """Number of layers."""
        return len(self.activations)

    def run(self, inputs, state=None):
        """Run for as many steps as there are inputs, [step, batch, input]; a `Trajectory`.

        It goes on from the `Trajectory.state` of another, or everything is 0. A ValueError for
        inputs or a state of wrong shape or with values that are not finite, or if learning has
        brought a time constant out of its range.
        """
        self._check_time_constants()
        read = check_array('inputs', inputs, (None, None, self.weights['forward', 0].shape[1]))
        if not read.size:
            raise ValueError(f'inputs has shape {read.shape}; give at least one step and sample')
        state = self._checked_state(state, read.shape[1])
        kept, at_end = [], {}
        # what a layer reads does not depend on those above it: one layer after the other
        for k, phi in enumerate(self.activations):
            u_before, u_dot, u = self._filter(k, read, state['u', k])
            u_prosp = u_before + self.weights['tau_r', k]*u_dot
            r = phi.rates(u_prosp)
            kept.append((read, u_before, u_dot, u_prosp, r))
            at_end['u', k], at_end['r', k] = u, r[-1].copy()
            read = np.concatenate([state['r', k][None], r[:-1]])
        return Trajectory(*zip(*kept), at_end)

    def slopes(self, k, trajectory):
        """The derivatives phi'(u_prosp) of layer k, [step, batch, neuron]."""
        return self.activations[k].slopes(trajectory.u_prosp[k])

    def _filter(self, k, read, u):
        drive = read @ self.weights['forward', k].T
        if ('bias', k) in self.weights:
            drive += self.weights['bias', k]
        tau_m = self.weights['tau_m', k]
        u_before, u_dot = np.empty_like(drive), np.empty_like(drive)
        for step, towards in enumerate(drive):
            u_before[step] = u
            u_dot[step] = (towards - u)/tau_m
            u = u + self.dt*u_dot[step]
        return u_before, u_dot, u

    def _checked_state(self, state, n_samples):
        shapes = {(what, k): (n_samples, len(self.weights['forward', k]))
                  for k in range(self.n_layers) for what in ('u', 'r')}
        if state is None:
            return {key: np.zeros(shape) for key, shape in shapes.items()}
        if set(state) != set(shapes):
            raise ValueError(f"state has {', '.join(map(repr, state)) or 'nothing'}; give "
                             f"{', '.join(map(repr, shapes))}")
        return {key: check_array(f'state[{key!r}]', state[key], shape)
                for key, shape in shapes.items()}

    def _check_time_constants(self):
        for (kind, k), values in self.weights.items():
            if kind == 'tau_m' and not (values >= self.dt).all():
                raise ValueError(f'weights[{(kind, k)!r}] is {values}; it has to be at least the '
                                 f'time step, {self.dt}')
            if kind == 'tau_r':
                check_not_negative(f'weights[{(kind, k)!r}]', values)


def bptt_gradients(network, trajectory, output_errors):
    """The exact gradient of a loss within a trajectory, by backpropagation through time.

    The loss is the mean over the batch of the sum over the steps of c(output); `output_errors`
    [step, batch, output] are the derivative of -c: positive where an output should be larger. What
    came before the first step counts as a constant, so from trajectories that go on from each other
    this is truncated backpropagation through time.

    The gradient, **which descent subtracts**, is that of all weights, also of the time constants
    ``tau_m`` and ``tau_r``.
    """
    errors = _checked_errors(trajectory, output_errors)
    signals, tau_r_gradients = [], {}
    for k in reversed(range(network.n_layers)):
        tau_m, tau_r = network.weights['tau_m', k], network.weights['tau_r', k]
        by_u_prosp = network.slopes(k, trajectory)*errors
        by_drive = np.empty_like(by_u_prosp)
        by_u = np.zeros_like(by_u_prosp[0])  # by the potential after the step
        for step in reversed(range(len(by_u_prosp))):
            by_drive[step] = (network.dt*by_u + tau_r*by_u_prosp[step])/tau_m
            by_u = by_u + by_u_prosp[step] - by_drive[step]
        signals.insert(0, by_drive)
        tau_r_gradients['tau_r', k] = -_batch_mean(by_u_prosp*trajectory.u_dot[k])
        # rates are read in the next step; those of the last one, by nobody in this trajectory
        errors = by_drive @ network.weights['forward', k]
        errors = np.concatenate([errors[1:], np.zeros_like(errors[:1])])
    gradients = adjoint_gradients(network, trajectory, signals) | tau_r_gradients
    return {key: gradients[key] for key in network.weights}


def adjoint_signals(network, trajectory, output_errors):
    """The adjoint variables of all layers, by the published discretisation of continuous time.

    In continuous time, a layer's adjoint variable is what the errors phi' W^T lambda of the layer
    above become by a look-back, ``x - tau_r dx/dt``, and by an integral over the future that is
    weighted by ``exp(-(s - t)/tau_m)/tau_m``. So an error that oscillates slowly, with the angular
    frequency w, is multiplied by (1 - i w tau_r)/(1 - i w tau_m): it comes early, by as much as
    the neuron is late. The discrete form, with alpha = phi' W^T lambda, or phi' times the output
    errors on top, goes back from 0 at the last step::

        lambda[t] = exp(-dt/tau_m)*lambda[t+1]
                    + dt/tau_m*(alpha[t+1] - tau_r/dt*(alpha[t+1] - alpha[t]))

    They are [step, batch, neuron], one array per layer: positive where a neuron should get more.

    Notes
    -----
    Differences of alpha lie within the trajectory, so nothing has to be known of alpha before it.
    What is missing is at the end. The exact gradient takes errors after the last step as 0, and
    the look-back of that drop makes the last signal tau_r/tau_m*alpha, not 0. This matters for
    the last tau_m of a trajectory, and the more, the larger tau_r/tau_m. Apart from this, the
    recursion differs from the exact one in two things of the order of dt: that one has
    1 - dt/tau_m in place of the exponential, and the delay of one step between layers.
    """
    errors = _checked_errors(trajectory, output_errors)
    signals = []
    for k in reversed(range(network.n_layers)):
        tau_m, tau_r = network.weights['tau_m', k], network.weights['tau_r', k]
        alpha = network.slopes(k, trajectory)*errors
        decay = np.exp(-network.dt/tau_m)
        sources = (network.dt*alpha[1:] - tau_r*np.diff(alpha, axis=0))/tau_m
        lambda_ = np.zeros_like(alpha)
        for step in reversed(range(len(sources))):
            lambda_[step] = decay*lambda_[step + 1] + sources[step]
        signals.insert(0, lambda_)
        errors = lambda_ @ network.weights['forward', k]
    return signals


def adjoint_gradients(network, trajectory, signals):
    """The gradient that adjoint variables, as from `adjoint_signals`, stand for.

    The gradient, **which descent subtracts**, is that of all weights but ``tau_r``: mean over the
    batch and sum over the steps of ``-lambda*r`` with the rates r that were read, of ``-lambda``
    for biases, and of ``lambda*u_dot`` for ``tau_m``.
    """
    if len(signals) != network.n_layers:
        raise ValueError(f'there are {len(signals)} signals for {network.n_layers} layers; '
                         'give one array per layer')
    gradients = {}
    for k, (lambda_, r) in enumerate(zip(signals, trajectory.r)):
        lambda_ = check_array(f'signals[{k}]', lambda_, r.shape)
        read = trajectory.read[k]
        by_weight = lambda_.reshape(-1, r.shape[-1]).T @ read.reshape(-1, read.shape[-1])
        gradients['forward', k] = -by_weight/r.shape[1]
        gradients['bias', k] = -_batch_mean(lambda_)
        gradients['tau_m', k] = _batch_mean(lambda_*trajectory.u_dot[k])
    return {key: gradients[key] for key in network.weights if key in gradients}


def _batch_mean(values):
    """Sum over the steps and mean over the batch of [step, batch, neuron]."""
    return values.sum(axis=0).mean(axis=0)


def _checked_errors(trajectory, output_errors):
    return check_array('output_errors', output_errors, trajectory.outputs.shape)
