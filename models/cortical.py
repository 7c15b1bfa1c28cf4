"""Generalized Latent Equilibrium in cortex: two chains of neurons beside each other."""

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.equations.equations import Equations
from brian2.units.allunits import second
from brian2.units.stdunits import ms

from brian_le import (SGD, bias_learning, error_feedback, error_learning, error_neuron, one_to_one,
                      representation_neuron)
from brian_le.checks import choose
from brian_le.models.layered_circuit import LayeredCircuit
from brian_le.models.options import NOT_SAID, one_value, per_layer
from brian_le.step import APICAL, ERRORS, FEEDBACK, WEIGHTS

__all__ = ['CorticalChain']

_SHARED = 'shared, constant'
_TARGETS = 'target : 1\nbeta : 1 (shared, constant)\nnudged : 1 (linked)'

#: What a representation neuron hands to its error neuron: phi', and the rate that learning reads.
_LATERAL = 'slope_post = slope_pre : 1 (summed)\nr_sent_post = r_pre : 1 (summed)'
_COMPARE = 'v_err_post = beta_post*nudged_post*(target_post - r_pre) : 1 (summed)'


class CorticalChain(LayeredCircuit):
    """Representation neurons in layers and, beside each of them, an error neuron.

    The cortical realisation of Generalized Latent Equilibrium. A chain of representation neurons
    carries rates up, and a chain of error neurons carries errors down through synapses of its own.
    Every representation neuron sends its rate and the slope of its activation to the error neuron
    beside it, and receives the error in its apical compartment ``v_api``, from which its synapses
    and its bias learn. All that a neuron or a synapse needs is at its place.

    The projections, by kind and number k of the layer with weights:

    =================  ===================================  ========================================
    kind               from, to                             what learns
    =================  ===================================  ========================================
    ``forward``, k     rates of the layer below, layer k    weights, from rate and ``v_api``
    ``bias``, k        layer k                              one for each neuron or channel
    ``feedback``, k    error neurons of layer k, those of   weights in the shape of the forward
                       the layer below (k > 0)              ones, from error and lateral rate
    ``lateral``, k     representation neurons of layer k,   nothing; the uppermost error neurons
                       error neurons                        compare the rates with their targets
    ``apical``, k      error neurons of layer k,            nothing
                       representation neurons
    =================  ===================================  ========================================

    With feedback weights that mirror the forward ones and are equal to them, every number is that
    of `GLENetwork`, up to rounding.

    Parameters
    ----------
    input_shape : int or tuple of int
        Number of inputs, or (rows, columns, channels), or (steps, channels).
    layers : sequence
        `Dense`, `Conv` and `Flatten` objects, from the inputs on. What they leave open is as given
        here.
    batches : Batches or Sequences, optional
        What is shown. Without it ``inputs`` is a population whose rates ``r`` one sets, the
        uppermost error neurons have a parameter ``target``, and ``schedule`` the switches.
    replicas : int
        Number of copies of the network that share all that learns; with `batches` that of these.
    activation, output_activation : str or Activation
        Of the hidden neurons and of the last layer.
    feedback : {'mirror', 'random'}
        Whether feedback weights learn the same product as the forward ones, so that the two stay
        equal if they are at first, or are constant (feedback alignment).
    beta : float
        Strength of the target, a shared variable of the uppermost error neurons.
    gamma : float or sequence of float
        How strongly apical compartments act on somata: one for all layers, or one for each.
    eta : Quantity or sequence of Quantity
        Learning rate of weights and biases (1/time): one, or one for each layer. A layer with the
        rate 0 has constant ones.
    optimiser : SGD or Adam
        Of weights and biases.
    decay : Quantity
        Rate at which weights decay (1/time), but not biases; by default 0.
    w_max : float or sequence of float, optional
        Limit of the absolute weights, one for all layers or one for each; by default there is none.
    bias : bool
        Whether representation neurons have biases.
    tau_m : Quantity
        Membrane time constant.
    tau_r : Quantity, optional
        Look-ahead time, by default ``tau_m``, and at least the time step.
    rng : numpy.random.Generator, numpy.random.RandomState or int, optional
        Draws initial weights as `initial_weights` does, and mirrors them; a whole number is the
        seed. Without it all weights are 0 until they are set, and a network that has neither
        weights nor a learning rate is warned of when it runs.
    name : str
        First part of the names of all objects; every network of a simulation needs its own.
    substrate : Substrate, optional
        What neurons and projections are made of, see `brian_le.substrate`; by default perfect.

    Attributes
    ----------
    inputs, neurons, hidden, output, schedule, projections, shapes
        As of `LayeredNetwork`, with the representation neurons.
    errors : list of ReplicatedGroup
        The error neurons of every layer; the last have the targets.
    weights : Weights
        All weights and biases as arrays by (kind, k). They are 0 at first; see `initial_weights`,
        and `mirror_weights`.

    Raises
    ------
    ValueError
        For layers that do not follow each other, pooling, sizes that differ from those of the
        batches, an unknown option, negative or unfitting learning rates, a time constant below the
        time step.
    TypeError
        If something is not a layer.
    brian2.units.DimensionMismatchError
        For values with wrong units.

    References
    ----------
    Ellenberger, Haider et al., "Backpropagation through space, time and the brain",
    Nature Communications 17:66 (arXiv 2403.16933), the cortical realisation. Lillicrap et al.
    (2016), Nature Communications 7:13276 (random feedback).

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import Network, ms
    >>> from brian_le.models import CorticalChain, Dense
    >>> layers = [Dense(6, tau_r=2*ms), Dense(2)]
    >>> chain = CorticalChain(1, layers, eta=0.1/ms, tau_m=10*ms, rng=1)
    >>> chain.inputs.r, chain.errors[-1].target = 1, [1, 0]
    >>> Network(chain).run(10*ms)
    >>> np.allclose(chain.weights['feedback', 1], chain.weights['forward', 1], rtol=0, atol=1e-15)
    True
    """

    _error_order, _error_end = FEEDBACK, WEIGHTS
    _drawn_feedback = ('random',)

    def __init__(self, input_shape, layers, *, batches=None, replicas=1, activation='tanh',
                 output_activation='linear', feedback='mirror', beta=0.1, gamma=0.0, eta=NOT_SAID,
                 optimiser=SGD(), decay=0/ms, w_max=None, bias=True, tau_m=10*ms, tau_r=None,
                 name='network', substrate=None, rng=None):
        super().__init__(
            input_shape, layers, batches=batches, replicas=replicas, activation=activation,
            output_activation=output_activation, eta=eta, optimiser=optimiser, decay=decay,
            w_max=w_max, bias=bias, tau_m=tau_m, tau_r=tau_r, name=name, substrate=substrate,
            rng=rng, feedback=feedback, beta=beta, gamma=gamma)

    # ------------------------------------------------------------------------------ composition
    def _check_layers(self):
        for number, layer in enumerate(self.layers):
            if hasattr(layer, 'window'):
                raise ValueError(f"layer {number} of '{self.name}' is {layer}; error neurons have "
                                 'no pooling, give Conv with a stride, or take GLENetwork')

    def _check(self, *, feedback, beta, gamma):
        name = self.name
        choose('feedback', feedback, ('mirror', 'random'))
        for plan in self._plans:
            if (plan.tau_r == 0).any():
                raise ValueError(f"tau_r of layer {plan.number} of '{name}' is 0, but error "
                                 'neurons integrate with tau_r; give at least the time step '
                                 f'{defaultclock.dt}')
        return dict(feedback=feedback, beta=one_value(name, 'beta', beta),
                    gamma=per_layer(name, 'gamma', gamma, len(self._plans), None, signed=True))

    def _equations(self, k, plan):
        p = self.parameters
        return representation_neuron(
            plan.activation, inputs=('v_in', 'b') if p['bias'] else ('v_in',),
            gamma=p['gamma'][k], tau_m='constant', tau_r='constant')

    def _give_targets(self, group):
        """The error neurons beside the outputs have the targets."""
        equations = error_neuron(tau_m='constant', tau_r='constant') + Equations('r_sent : 1')
        self.errors = [self._group(f'error{k}', plan.n, equations if k < len(self.hidden) else
                                   equations + Equations(_TARGETS), order=ERRORS)
                       for k, plan in enumerate(self._plans)]
        for plan, *pair in zip(self._plans, self.neurons, self.errors):
            for member in pair:
                member.tau_m = np.tile(plan.tau_m, self.replicas)*second
                member.tau_r = np.tile(plan.tau_r, self.replicas)*second
        self.errors[-1].beta = self.parameters['beta']
        super()._give_targets(self.errors[-1])

    def _connect_neurons(self, k, plan):
        p, neurons, errors = self.parameters, self.neurons[k], self.errors[k]
        weights, biases = self._rules(k)
        self._project_layer('forward', k, error_learning(back=None, learned='v_api', **weights))
        if p['bias']:
            self._share_bias(k, bias_learning(learned='v_api', **biases))
        if k > 0:
            own = weights if p['feedback'] == 'mirror' else {}
            self._project_layer('feedback', k, error_feedback(**own), self.errors[k - 1:k + 1])
        self._set_rates_of(k)
        self._beside('lateral', k, neurons, errors,
                     f'{_LATERAL}\n{_COMPARE}' if errors is self.errors[-1] else _LATERAL)
        self._beside('apical', k, errors, neurons, one_to_one('v_api', 'err'), v_api_post=APICAL)

    def _beside(self, kind, k, source, target, model, **orders):
        """A projection from every neuron to the one beside it."""
        self._add((kind, k), self.substrate.project(
            source, target, model, one_to_one=True, orders=orders, name=f'{self.name}_{kind}{k}'))

    def _begin(self, drawn):
        if drawn and self.parameters['feedback'] == 'mirror':
            self.mirror_weights()

    def mirror_weights(self):
        """Set all feedback weights to those of the forward projections."""
        for kind, k in self.weights:
            if kind == 'feedback':
                self.weights[kind, k] = self.weights['forward', k]

    # ---------------------------------------------------------------------------------- looking
    _energy_remedy = 'take a GLENetwork of the same layers, which has the same one'

    @property
    def populations(self):
        """All populations, from the inputs on, and the error neurons after them."""
        return [*super().populations, *self.errors]

    @property
    def typical(self):
        """Populations and projections of every kind, whose equations are printed."""
        groups, projections = super().typical
        first, last = (self.projections['lateral', k] for k in (0, len(self.neurons) - 1))
        return ([*groups, *self.errors[:-1][:1], self.errors[-1]],
                [last if projection is first else projection for projection in projections])
