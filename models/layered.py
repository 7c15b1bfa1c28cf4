"""Layered networks of Latent Equilibrium: point neurons with errors as real signals."""

import numpy as np
from brian2.units.allunits import second
from brian2.units.stdunits import ms

from brian_le import SGD, time_constant_matching
from brian_le.checks import choose
from brian_le.models.graphs.latent_equilibrium import neurons
from brian_le.models.layered_circuit import LayeredCircuit
from brian_le.models.options import NOT_SAID, filter_time, one_value
from brian_le.neurons.parts import LOSSES
from brian_le.step import FEEDBACK, WEIGHTS

__all__ = ['LayeredNetwork']


class LayeredNetwork(LayeredCircuit):
    """Slow point neurons in layers, which compute and learn without waiting.

    Rates travel up through the layers and errors travel down, each by one layer per time step;
    weights and biases learn all the time from the product of error and rate. Pooling layers are
    not made of neurons and take no time. Outputs are nudged towards their targets (0 unless set)
    as long as ``schedule.nudged`` is 1.

    The projections, by kind and number k of the layer with weights:

    =================  ===================================  ========================================
    kind               from, to                             weights
    =================  ===================================  ========================================
    ``forward``, k     rates of the layer below, layer k    [post, pre] or [output channel, input
                                                            channel, y, x]
    ``feedback``, k    errors of layer k, the layer below   the same shape, if they are not those of
                                                            ``forward``
    ``bias``, k        layer k                              one for each neuron or channel
    ``tau``, k         layer k                              a time constant for each neuron, if they
                                                            learn
    ``pool``, j        layer j of `layers`                  none
    =================  ===================================  ========================================

    A light container of plain Brian2 objects: add it to a `brian2.Network`, record from its groups
    with monitors, print it. Brian2's ``run()`` finds it in a
    variable.

    Parameters
    ----------
    input_shape : int or tuple of int
        Number of inputs, or (rows, columns, channels), or (steps, channels).
    layers : sequence
        `Dense`, `Conv`, `MaxPool`, `AveragePool` and `Flatten` objects, from the inputs on. What
        they leave open is as given here.
    batches : Batches, optional
        What is shown. Without it ``inputs`` is a population whose rates ``r`` one sets, the
        outputs have a parameter ``target``, and ``schedule`` the switches.
    replicas : int
        Number of copies of the network that share the weights, such as the size of a mini-batch;
        with `batches` that of these.
    activation, output_activation : str or Activation
        Of the hidden neurons and of the last layer.
    loss : {'mse', 'cross_entropy'}
        What learning reduces; cross-entropy needs linear outputs.
    target : {'rate', 'voltage'}
        Whether targets are compared with the rates or the potentials of the outputs.
    beta : float
        Strength of the nudging, a shared variable of the outputs.
    gamma : float
        How strongly errors act on the membranes.
    eta : Quantity or sequence of Quantity
        Learning rate of weights and biases (1/time): one for all layers, or one for each layer
        with weights. A layer with the rate 0 has constant weights.
    bias : bool
        Whether neurons have biases.
    tau_m : Quantity
        Membrane time constant.
    tau_r : Quantity, optional
        Look-ahead time, by default ``tau_m``; ``0*ms`` is the network without look-ahead.
    eta_tau : Quantity or float, optional
        Lets the membrane time constants learn to match the look-ahead times at this rate (a
        time), see `brian_le.time_constant_matching`, while ``schedule.matching`` is 1; nudging and
        learning are to be off meanwhile. It needs a ``tau_r``; the time constants are then
        ``net.weights['tau', k]``, in seconds.
    feedback : {'transposed', 'random', 'mirror'}
        Which weights errors travel through: those of the rates, fixed ones of their own (feedback
        alignment), or ones of their own that learn the same product as the forward ones. Draw
        these with ``initial_weights(..., feedback=True)``; errors cannot pass weights of 0.
    decay : Quantity
        Rate at which forward and feedback weights decay (1/time); `feedback` ``'mirror'`` needs it.
    w_max : float or sequence of float, optional
        Limit of the absolute weights, one for all layers or one for each; by default there is none.
    optimiser : SGD or Adam
        Of all that learns. With Adam ``eta_tau`` is a number, the change of a time constant per
        time.
    rate_at : {'output', 'input'}
        The step of the paper's code for Fig. 2b to 2e, or that for Fig. 2a; see
        `brian_le.hidden_neuron`.
    errors_from : {'tau_m', 'tau_r'}
        The look-ahead that errors are computed from, see `brian_le.hidden_neuron`.
    tau_s, tau_err, tau_target : Quantity
        Time constants of low-pass filters of rates, errors and targets; 0 (the default) for none.
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
    inputs : ReplicatedGroup
        The input population.
    neurons : list of ReplicatedGroup
        The populations with weights; ``neurons[k]`` belongs to the projections k.
    hidden, output : list of ReplicatedGroup, ReplicatedGroup
        All but the last of them, and the last.
    pools : dict of int to ReplicatedGroup
        The pooling populations by their number in `layers`.
    schedule : NeuronGroup
        One neuron with the shared variables ``nudged``, ``learning`` and ``matching`` (of time
        constants): 1 (the default) or 0.
    projections : dict
        The synapses, by (kind, number).
    shapes : list of tuple of int
        Shapes of the inputs and of each layer.
    weights : Weights
        Weights, biases, feedback weights and learned time constants as arrays:
        ``net.weights['forward', 0]`` gets and sets one, ``net.weights.save('file.npz')`` and
        ``load`` keep them. Without `rng` all but the time constants are 0 at first; see
        `initial_weights`.

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
    Haider et al. (2021), NeurIPS 34, Fig. 2 (arXiv 2110.14549).

    Examples
    --------
    >>> from brian2 import Network, ms
    >>> from brian_le.models import Dense, LayeredNetwork
    >>> net = LayeredNetwork(4, [Dense(3), Dense(2)], eta=0.1/ms, tau_m=20*ms, rng=1)
    >>> net.inputs.r, net.output.target = [1, 0, 0, 1], [1, 0]
    >>> Network(net).run(10*ms)
    >>> net.weights['forward', 1].shape
    (2, 3)
    """

    _drawn_feedback = ('random', 'mirror')

    def __init__(self, input_shape, layers, *, batches=None, replicas=1, activation='tanh',
                 output_activation='linear', loss='mse', target='rate', beta=0.1, gamma=1.0,
                 eta=NOT_SAID, bias=True, tau_m=10*ms, tau_r=None, eta_tau=None,
                 feedback='transposed', decay=0/ms, w_max=None, optimiser=SGD(),
                 rate_at='output', errors_from='tau_m', tau_s=0*ms, tau_err=0*ms,
                 tau_target=0*ms, name='network', substrate=None, rng=None, energy=False):
        super().__init__(
            input_shape, layers, batches=batches, replicas=replicas, activation=activation,
            output_activation=output_activation, eta=eta, optimiser=optimiser, decay=decay,
            w_max=w_max, bias=bias, tau_m=tau_m, tau_r=tau_r, name=name, substrate=substrate,
            rng=rng, energy=energy, loss=loss, target=target, beta=beta, gamma=gamma,
            eta_tau=eta_tau, feedback=feedback, rate_at=rate_at, errors_from=errors_from,
            tau_s=tau_s, tau_err=tau_err, tau_target=tau_target)

    # ------------------------------------------------------------------------------ composition
    def _check(self, *, loss, target, beta, gamma, eta_tau, feedback, rate_at, errors_from,
               **filters):
        name = self.name
        choose('loss', loss, LOSSES)
        choose('feedback', feedback, ('transposed', 'random', 'mirror'))
        self._filters = {what: filter_time(name, what, tau) for what, tau in filters.items()}
        if eta_tau is not None:
            for plan in self._plans:
                if not (plan.looks_ahead and np.all(plan.tau_r > 0)):
                    raise ValueError(f"layer {plan.number} of '{name}' has eta_tau, but no "
                                     'look-ahead times that membrane time constants could match; '
                                     'give tau_r')
            eta_tau = one_value(name, 'eta_tau', eta_tau, second if self.parameters[
                'optimiser'].scales_with_gradient else None)
        if feedback == 'mirror' and not self.parameters['decay'] > 0/ms:
            raise ValueError(f"'{name}' has feedback='mirror', which needs a decay of the weights, "
                             'e.g. decay=0.001/ms')
        if errors_from == 'tau_r':
            self._error_order, self._error_end = FEEDBACK, WEIGHTS
        return dict(loss=loss, target=target, beta=one_value(name, 'beta', beta),
                    gamma=one_value(name, 'gamma', gamma, signed=True), eta_tau=eta_tau,
                    feedback=feedback, rate_at=rate_at, errors_from=errors_from, **filters)

    def _equations(self, k, plan):
        p, is_output = self.parameters, plan is self._plans[-1]
        return neurons(
            plan.activation, inputs=self._inputs_of_neurons, gamma=p['gamma'],
            loss=p['loss'] if is_output else None, target=p['target'],
            error_inputs=() if is_output else ('v_err',), energy=self._asked_for_energy,
            learns_tau_m=p['eta_tau'] is not None, rate_at=p['rate_at'],
            errors_from=p['errors_from'], **self._filters)

    @property
    def _inputs_of_neurons(self):
        return ('v_in', 'b') if self.parameters['bias'] else ('v_in',)

    def _connect_neurons(self, k, plan):
        p, group = self.parameters, self.neurons[k]
        group.tau_m = np.tile(plan.tau_m, self.replicas)*second
        group.tau_r = np.tile(plan.tau_r, self.replicas)*second
        if group is self.output:
            group.beta = p['beta']
        self._project_to(k, feedback=p['feedback'],
                         error='mismatch' if p['errors_from'] == 'tau_r' else 'err',
                         learned='err_sent' if p['rate_at'] == 'input' else 'err')
        if p['eta_tau'] is not None:
            self._share(('tau', k), f'tau{k}', group, time_constant_matching(
                self._inputs_of_neurons, gate='matching', optimiser=p['optimiser']))
            tau = self.projections['tau', k]
            tau.eta = p['eta_tau']
            tau.tau = plan.tau_m*second

    def _begin(self, drawn):
        if self.parameters['rate_at'] == 'output':
            return
        # rates at the input of synapses are those of the potential 0
        for plan, group in zip(self._plans, self.neurons):
            group.r = float(plan.activation.rates(0.0))
            group.slope = float(plan.activation.slopes(0.0))
