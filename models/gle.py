"""Layered networks of Generalized Latent Equilibrium, which learn through space and time."""

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity
from brian2.units.stdunits import ms

from brian_le import SGD
from brian_le.checks import choose
from brian_le.models.graphs.generalized_equilibrium import (check_time_constants, neurons,
                                                            time_constant_rules)
from brian_le.models.layered_circuit import LayeredCircuit
from brian_le.models.options import NOT_SAID, one_value, per_layer
from brian_le.neurons.parts import LOSSES
from brian_le.step import FEEDBACK, WEIGHTS

__all__ = ['GLENetwork']


class GLENetwork(LayeredCircuit):
    """Neurons with two time constants in layers, with errors that flow in real time.

    Rates travel up and errors travel down, each by one layer per time step. Every neuron has an
    error partner in which its two time constants are swapped (`brian_le.gle_neuron`); weights,
    biases and membrane time constants learn all the time from the error of their neuron, as
    backpropagation through time would let them, but from what is there at the moment.

    The projections, by kind and number k of the layer with weights:

    =================  ===================================  ========================================
    kind               from, to                             what learns
    =================  ===================================  ========================================
    ``forward``, k     rates of the layer below, layer k;   weights [post, pre], or [output channel,
                       errors of layer k, the layer below   input channel, y, x]
    ``bias``, k        layer k                              one for each neuron or channel
    ``tau_m``, k       layer k                              a membrane time constant for each neuron
    ``tau_r``, k       layer k                              a look-ahead time for each neuron
    ``pool``, j        layer j of `layers`                  nothing
    =================  ===================================  ========================================

    A light container of plain Brian2 objects: add it to a `brian2.Network`, record from its groups
    with monitors, print it.

    Parameters
    ----------
    input_shape : int or tuple of int
        Number of inputs, or (rows, columns, channels), or (steps, channels).
    layers : sequence
        `Dense`, `Conv`, `MaxPool`, `AveragePool` and `Flatten` objects, from the inputs on. What
        they leave open is as given here; groups of slow and fast neurons in a layer are written
        with `by_group`.
    batches : Batches or Sequences, optional
        What is shown. Without it ``inputs`` is a population whose rates ``r`` one sets, the
        outputs have a parameter ``target``, and ``schedule`` the switches.
    replicas : int
        Number of copies of the network that share all that learns; with `batches` that of these.
    activation, output_activation : str or Activation
        Of the hidden neurons and of the last layer.
    loss : {'mse', 'cross_entropy'}
        What learning reduces; cross-entropy needs linear outputs.
    beta : float
        Strength of the target, a shared variable of the outputs.
    gamma : float or sequence of float
        How strongly errors act on the membranes: one for all layers, or one for each.
    errors : {'prospective', 'instantaneous'}
        Whether errors pass through error neurons, or only through space, see
        `brian_le.gle_neuron`.
    eta : Quantity or sequence of Quantity
        Learning rate of weights and biases (1/time): one, or one for each layer. A layer with the
        rate 0 has constant ones.
    eta_tau_m, eta_tau_r : Quantity, float, sequence or None
        Learning rate of the time constants, one or one for each layer (0 for constant ones); None
        for constant time constants. A time, with Adam a number.
    optimiser : SGD or Adam
        Of all that learns.
    decay : Quantity
        Rate at which weights decay (1/time), but not biases; by default 0.
    w_max : float or sequence of float, optional
        Limit of the absolute weights, one for all layers or one for each; by default there is none.
    bias : bool
        Whether neurons have biases.
    tau_m : Quantity
        Membrane time constant.
    tau_r : Quantity, optional
        Look-ahead time, by default ``tau_m``. Prospective errors need at least the time step.
    tau_min : Quantity, optional
        What time constants that learn stay above; by default the time step. See `clamped`.
    rng : numpy.random.Generator, numpy.random.RandomState or int, optional
        Draws initial weights as `initial_weights` does; a whole number is the seed. Without it all
        weights are 0 until they are set, and a network that has neither weights nor a learning rate
        is warned of when it runs.
    name : str
        First part of the names of all objects; every network of a simulation needs its own.
    substrate : Substrate, optional
        What neurons and projections are made of, see `brian_le.substrate`; by default perfect.
    energy : bool
        Whether neurons have equations of their energy, see `energy`; by default nothing is computed
        of it.

    Attributes
    ----------
    inputs, neurons, hidden, output, pools, schedule, projections, shapes, weights
        As of `LayeredNetwork`; ``weights`` has the time constants that learn, in seconds.

    Raises
    ------
    ValueError
        For layers that do not follow each other, sizes that differ from those of the batches, an
        unknown option, negative or unfitting learning rates, a time constant below the time step,
        cross-entropy with outputs that are not linear.
    TypeError
        If something is not a layer.
    brian2.units.DimensionMismatchError
        For values with wrong units.

    References
    ----------
    Ellenberger, Haider et al., "Backpropagation through space, time and the brain",
    Nature Communications 17:66 (arXiv 2403.16933).

    Examples
    --------
    >>> from brian2 import Network, ms
    >>> from brian_le import Adam
    >>> from brian_le.models import Dense, GLENetwork, by_group
    >>> layers = [Dense(6, tau_r=by_group((4, 1*ms), (2, 10*ms))), Dense(2)]
    >>> net = GLENetwork(1, layers, eta=0.01/ms, optimiser=Adam(), tau_m=10*ms, rng=1)
    >>> net.inputs.r, net.output.target = 1, [1, 0]
    >>> Network(net).run(10*ms)
    >>> net.weights['forward', 1].shape
    (2, 6)
    """

    _error_order, _error_end = FEEDBACK, WEIGHTS

    def __init__(self, input_shape, layers, *, batches=None, replicas=1, activation='tanh',
                 output_activation='linear', loss='mse', beta=0.1, gamma=0.0,
                 errors='prospective', eta=NOT_SAID, eta_tau_m=None, eta_tau_r=None,
                 optimiser=SGD(), decay=0/ms, w_max=None, bias=True, tau_m=10*ms, tau_r=None,
                 tau_min=None, name='network', substrate=None, rng=None, energy=False):
        super().__init__(
            input_shape, layers, batches=batches, replicas=replicas, activation=activation,
            output_activation=output_activation, eta=eta, optimiser=optimiser, decay=decay,
            w_max=w_max, bias=bias, tau_m=tau_m, tau_r=tau_r, name=name, substrate=substrate,
            rng=rng, energy=energy, loss=loss, beta=beta, gamma=gamma, errors=errors,
            eta_tau_m=eta_tau_m, eta_tau_r=eta_tau_r, tau_min=tau_min)

    # ------------------------------------------------------------------------------ composition
    def _check(self, *, loss, beta, gamma, errors, eta_tau_m, eta_tau_r, tau_min):
        name, n = self.name, len(self._plans)
        choose('loss', loss, LOSSES)
        choose('errors', errors, ('prospective', 'instantaneous'))
        tau_unit = second if self.parameters['optimiser'].scales_with_gradient else None
        rates = {what: None if value is None else per_layer(name, what, value, n, tau_unit)
                 for what, value in (('eta_tau_m', eta_tau_m), ('eta_tau_r', eta_tau_r))}
        dt = Quantity(defaultclock.dt)
        # the time step of the simulation, whatever it is by then
        self._tau_min = 'dt' if tau_min is None else one_value(name, 'tau_min', tau_min, second)
        found = dict(loss=loss, beta=one_value(name, 'beta', beta),
                     gamma=per_layer(name, 'gamma', gamma, n, None, signed=True), errors=errors,
                     **rates, tau_min=dt if tau_min is None else self._tau_min)
        self._check_times(found, dt)
        return found

    def _check_times(self, p, dt):
        tau_min = p['tau_min']
        if tau_min < dt*(1 - 1e-9):
            raise ValueError(f"tau_min of '{self.name}' is {tau_min}, less than the time step "
                             f'{dt}')
        for k, plan in enumerate(self._plans):
            check_time_constants(f"layer {plan.number} of '{self.name}'", plan.tau_m, plan.tau_r,
                                 errors=p['errors'], learned=_learned(p, k), tau_min=tau_min, dt=dt)

    def _equations(self, k, plan):
        p, is_output = self.parameters, plan is self._plans[-1]
        return neurons(
            plan.activation, inputs=('v_in', 'b') if p['bias'] else ('v_in',), gamma=p['gamma'][k],
            errors=p['errors'], loss=p['loss'] if is_output else None,
            error_inputs=() if is_output else ('v_err',), learned=_learned(p, k),
            energy=self._asked_for_energy)

    def _connect_neurons(self, k, plan):
        p, group = self.parameters, self.neurons[k]
        if group is self.output:
            group.beta = p['beta']
        self._project_to(k)
        for tau in ('tau_m', 'tau_r'):
            setattr(group, tau, np.tile(getattr(plan, tau), self.replicas)*second)
        for tau, rule in time_constant_rules(_learned(p, k), tau_min=self._tau_min,
                                             optimiser=p['optimiser']).items():
            self._share((tau, k), f'{tau}{k}', group, rule)
            self.projections[tau, k].eta = p[f'eta_{tau}'][k]
            self.projections[tau, k].tau = getattr(plan, tau)*second

    # ---------------------------------------------------------------------------------- looking
    def clamped(self, weights=None):
        """Time constants that learning has driven to their lower bound ``tau_min``.

        Parameters
        ----------
        weights : dict, optional
            Time constants in seconds by ('tau_m', k) and ('tau_r', k), e.g. those of a result; by
            default those of the network.

        Returns
        -------
        dict
            For each of these keys with such time constants, the numbers of their neurons.
        """
        weights = self.weights if weights is None else weights
        bound = float(self.parameters['tau_min'])*(1 + 1e-6)
        found = {key: np.flatnonzero(weights[key] <= bound) for key in weights
                 if key[0] in ('tau_m', 'tau_r')}
        return {key: neurons for key, neurons in found.items() if len(neurons)}


def _learned(parameters, k):
    """Which time constants of a layer learn."""
    return [tau for tau in ('tau_m', 'tau_r') for rates in [parameters[f'eta_{tau}']]
            if rates is not None and rates[k] > 0]
