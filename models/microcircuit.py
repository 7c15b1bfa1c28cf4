"""The cortical microcircuit of Latent Equilibrium."""

from brian2.core.variables import linked_var
from brian2.equations.equations import Equations
from brian2.synapses.synapses import Synapses
from brian2.units.allunits import hertz
from brian2.units.stdunits import ms

from brian_le import (SGD, DenseSynapses, apical_silencing, dendritic_prediction, fixed_weights,
                      get_activation, high_passed_rate, interneuron, one_to_one,
                      phaseless_alignment, prediction_energy, pyramidal, weight_matrix)
from brian_le.checks import check_finite, check_flag, check_name, choose
from brian_le.models.description import Circuit
from brian_le.models.draws import random_weights, self_predicting
from brian_le.models.experiment.presentations import Presentations
from brian_le.models.microcircuit_options import (Names, check_conductances, check_feedback,
                                                  check_limits, check_sizes, error_gains)
from brian_le.models.options import check_random, need, one_value, per_layer, substrate_of
from brian_le.models.weights import Weights
from brian_le.plasticity.optimisers import check_optimiser
from brian_le.populations import Population
from brian_le.step import DELAYED, STIMULUS

__all__ = ['Microcircuit']

_SHARED = 'shared, constant'
_CONDUCTANCES = ('g_l', 'g_b', 'g_a', 'g_d', 'g_som')
_NOTHING = Equations('')
# what neurons have in addition, whose rates go back through weights that change
_R_INTER = Equations('r_inter : 1 (linked)')  # of the interneuron that predicts them
_SENDS_BACK = {'fixed': _NOTHING, 'transposed': _R_INTER,
               'learned': _R_INTER + high_passed_rate(_SHARED)}
# what forward weights carry on their way back
_TRANSPOSED = Equations('v_down_pre = w*r_post : 1 (summed)')
# what interneurons send through the same weights, by the projection that has them
_MIRRORED = {'up': Equations('v_pi_pre = -w*r_inter_post : 1 (summed)'),
             'down': Equations('v_pi_post = -w*r_inter_pre : 1 (summed)')}


class Microcircuit(Circuit):
    """Pyramidal neurons and interneurons in layers, with errors in the apical dendrites.

    Every hidden layer k has pyramidal neurons (basal, apical, soma) and one interneuron for each
    pyramidal neuron of the layer above; the output layer has pyramidal neurons without apical
    dendrites, whose somata targets may nudge. The projections, by kind and layer:

    ============  ========================================  ======================  ============
    kind          from, to                                  weights [post, pre]     learns by
    ============  ========================================  ======================  ============
    ``up``, k     layer below (0: the inputs), basal        (N_k, N_k-1)            prediction
    ``ip``, k     pyramidal k, interneurons k               (N_k+1, N_k)            prediction
    ``pi``, k     interneurons k, apical of pyramidal k     (N_k, N_k+1)            silencing
    ``down``, k   pyramidal k+1, apical of pyramidal k      (N_k, N_k+1)            `feedback`
    ``nudge``, k  pyramidal k+1, interneurons k             one to one              no weights
    ============  ========================================  ======================  ============

    A light container of plain Brian2 objects: add it to a `brian2.Network`, record from its
    groups with monitors, print it. Brian2's ``run()`` finds it in a
    variable.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of inputs, of pyramidal neurons in each hidden layer, and of outputs.
    presentations : Presentations, optional
        What is shown and when. Without it ``inputs`` is a population whose rates ``r`` one
        sets, the outputs have the parameters ``u_nudge`` and ``nudged``, and synapses learn all
        the time.
    prospective : bool
        True for Latent Equilibrium, where all neurons act through their look-ahead, and targets
        arrive one step late, as do the inputs of every layer; False for the original circuit.
    activation : str or Activation
        The same for all neurons.
    feedback : {'fixed', 'transposed', 'learned'}
        Weights from above. Fixed ones stay as they are set. Transposed ones are those of ``up``
        into the layer above, read backwards, so that there is no projection ``down``. Learned ones
        follow `brian_le.phaseless_alignment` and need noise on ``v_api``, such as
        ``substrate=Substrate([Noise('v_api', 0.01, tau=0.1*ms)])``. With transposed or learned
        feedback there is no projection ``pi`` where ``eta_pi`` is 0: interneurons send back through
        the same weights as the neurons that they predict, with the opposite sign.
    bias : float, optional
        Rate of a bias unit that projects to all basal dendrites and interneurons; its weights
        are the last column of ``up`` and ``ip``. By default there is none.
    g_l, g_b, g_a, g_d, g_som : Quantity
        Conductances per capacitance of leak, basal and apical dendrite, interneuron dendrite,
        and nudging. They are shared variables of the populations.
    eta_up, eta_ip, eta_pi, eta_down : Quantity or sequence of Quantity
        Learning rates (1/time): one for all layers, or one per hidden layer and, for ``up``,
        one more for the output layer. A projection whose rate is 0 has constant weights.
        ``eta_down`` is for learned feedback.
    decay_down, tau_high : Quantity
        With learned feedback: rate at which its weights decay (1/time), and time constant of the
        high-pass of the rates from above (by default 0.1 ms). They are the shared variables
        ``decay`` of ``down`` and ``tau_r_low`` of the populations.
    decay : Quantity
        Rate at which the other weights that learn decay (1/time), by default 0.
    w_max : pair of float, optional
        Limits of the absolute weights of ``up`` (and of ``up_bias``) while they learn: of those
        into hidden layers, and of those into the output layer. None for no limits. The other
        projections have none; `WeightRange`, as a part of the `substrate`, gives limits to any.
    optimiser : SGD or Adam
        Of all weights that learn.
    name : str
        First part of the names of all objects.
    names : dict, optional
        Names to give to populations and projections in place of the usual ones, such as
        ``{'hidden0': 'layer23', 'up1': 'feedforward'}``.
    synapses : type
        The class of the projections, `DenseSynapses` or `brian2.Synapses`.
    substrate : Substrate, optional
        What neurons and projections are made of, see `brian_le.substrate`; by default perfect.
    rng : numpy.random.Generator, numpy.random.RandomState or int, optional
        Draws initial weights as `random_weights` does, and lets interneurons predict the layer
        above as `self_predicting` does; a whole number is the seed. Without it all weights are 0
        until they are set, and a circuit that has neither weights nor a learning rate is warned
        of when it runs.
    energy : bool
        Whether neurons have equations of their energy, see `energy`; by default nothing is computed
        of it. That of the circuit is the sum over pyramidal neurons, with the ``gamma`` that the
        conductances have at first; interneurons have one of their own.

    Attributes
    ----------
    inputs, output : NeuronGroup
        First and last population.
    hidden, inter : list of NeuronGroup
        Pyramidal neurons and interneurons of the hidden layers.
    pyramidal : list of NeuronGroup
        `hidden` and `output`.
    target : NeuronGroup or None
        The population of the targets, if the presentations have any.
    projections : dict
        The synapses, by (kind, layer); those of the bias unit as ``'up_bias'``, ``'ip_bias'``.
    visible : str
        The potential that neurons act through: ``'u_prosp'``, or ``'u'`` without look-ahead.
    weights : Weights
        All weights as matrices: ``mc.weights['up', 0]`` gets and sets one.

    Raises
    ------
    ValueError
        For less than three layers, widths that differ from those of the presentations, negative
        conductances, a membrane faster than the time step, learning rates that do not fit the
        layers or the kind of feedback, learned feedback without noise, an unknown activation or
        kind of feedback, or names that are unknown or used twice.
    brian2.units.DimensionMismatchError
        For conductances, learning rates or a decay that are not in 1/time, or a ``tau_high`` that
        is not a time.

    References
    ----------
    Sacramento et al. (2018), NeurIPS 31; Haider et al. (2021), NeurIPS 34, Fig. 3 and
    supplement (arXiv 2110.14549); Max et al. (2024), Nature Machine Intelligence (learned
    feedback).

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import Network, ms
    >>> from brian_le.models import Microcircuit, Presentations
    >>> shown = Presentations(np.eye(4), np.eye(4)[:, :2], duration=5*ms)
    >>> mc = Microcircuit((4, 6, 2), shown, eta_up=(0.05/ms, 0.01/ms), eta_ip=0.02/ms, rng=1)
    >>> net = Network(shown, mc)
    >>> net.run(shown.total_duration)
    """

    _set_elsewhere = {
        **{f'eta_{kind}': f"set .projections['{kind}', 0].eta = ... for each layer; projections "
           f'that were made with a rate of 0 have constant weights: give eta_{kind}=... when it is '
           'made'
           for kind in ('up', 'ip', 'pi', 'down')},
        'decay_down': "set .projections['down', 0].decay = ... for each layer",
        'tau_high': 'set .tau_r_low of .pyramidal[1] and those above',
        **{what: f'give {what}=... to Presentations, for all or one value for each of them; '
           "without presentations, set .projections['up', 0].eta = 0/ms or .output.nudged = 0"
           for what in ('learning', 'nudged')}}

    def __init__(self, sizes, presentations=None, *, prospective=True, activation='softplus',
                 feedback='fixed', bias=None, g_l=0.03/ms, g_b=0.1/ms, g_a=0.06/ms, g_d=0.1/ms,
                 g_som=0.06/ms,
                 eta_up=0/ms, eta_ip=0/ms, eta_pi=0/ms, eta_down=0/ms,
                 decay_down=0/ms, tau_high=None, decay=0/ms, w_max=(4.0, 5.0), optimiser=SGD(),
                 name='microcircuit', names=None, synapses=DenseSynapses, substrate=None,
                 rng=None, energy=False):
        self.name = check_name('a circuit', name)
        rng = check_random(rng)
        self.substrate = substrate_of(name, substrate)
        self.prospective = check_flag(f"prospective of '{name}'", prospective)
        if presentations is not None:
            need(f"presentations of '{name}'", presentations, Presentations, 'Presentations')
        need(f"synapses of '{name}'", synapses, type, 'a class of synapses, such as DenseSynapses')
        if not issubclass(synapses, Synapses):
            raise TypeError(f"synapses of '{name}' is {synapses.__name__}; give a class of "
                            'synapses, such as DenseSynapses')
        if bias is not None:
            check_finite(f"bias of '{name}'", bias)
        self.presentations = presentations
        self.visible = 'u_prosp' if prospective else 'u'
        self.activation = get_activation(activation)
        self.feedback = choose(f"feedback of '{name}'", feedback, list(_SENDS_BACK))
        self.bias = bias
        self.sizes = check_sizes(name, sizes, presentations)
        n_hidden = len(self.sizes) - 2
        self._names = Names(name, {} if names is None else names, n_hidden, bias is not None,
                             presentations is not None)
        conductances = check_conductances(
            name, dict(zip(_CONDUCTANCES, (g_l, g_b, g_a, g_d, g_som))))
        eta = {'up': per_layer(name, 'eta_up', eta_up, n_hidden + 1, hertz),
               'ip': per_layer(name, 'eta_ip', eta_ip, n_hidden, hertz),
               'pi': per_layer(name, 'eta_pi', eta_pi, n_hidden, hertz),
               'down': per_layer(name, 'eta_down', eta_down, n_hidden, hertz)}
        check_feedback(name, feedback, eta, decay_down, tau_high)
        limits = check_limits(name, w_max, n_hidden)
        check_optimiser(optimiser)
        if one_value(name, 'decay', decay, hertz) > 0/ms and not any(
                rate > 0/ms for kind in ('up', 'ip', 'pi') for rate in eta[kind]):
            raise ValueError(f"'{name}' has a decay of the weights, but none that learn; give an "
                             'eta_up, eta_ip or eta_pi')
        #: Values of the parameters, for printing; the groups and synapses hold those in use.
        self.parameters = conductances | {
            **{f'eta_{kind}': rates for kind, rates in eta.items()}, 'w_max': w_max,
            'bias': bias, 'activation': self.activation.name, 'feedback': feedback,
            'decay': decay, 'optimiser': optimiser}
        self._synapses = synapses
        self._asked_for_energy = check_flag(f"energy of '{name}'", energy)
        self.projections = {}
        self._populate(n_hidden, conductances)
        if feedback == 'learned':
            self._filter_rates(0.1*ms if tau_high is None else tau_high)
        self._connect(n_hidden, eta, limits, decay_down)
        if self._asked_for_energy:
            self._measure_energy({**{f'hidden{k}': group for k, group in enumerate(self.hidden)},
                                  'output': self.output})
        self.weights = Weights(name, self._weight_views())
        if rng is not None:
            drawn = self_predicting(
                random_weights(self.sizes, rng, bias=bias is not None),
                g_l=g_l, g_b=g_b, g_a=g_a, g_d=g_d)
            self.weights.update({key: w for key, w in drawn.items() if key in self.weights})
        self._at_rest()
        self.substrate.settle()

    # ------------------------------------------------------------------------------ composition
    def _populate(self, n_hidden, conductances):
        shown = self.presentations
        if shown is not None:
            self.inputs = shown.inputs
        else:
            self.inputs = self._group('inputs', self.sizes[0], 'r : 1\nr_sent = r : 1')
        options = dict(activation=self.activation, prospective=self.prospective)
        up = ('v_up',) if self.bias is None else ('v_up', 'v_up_bias')
        ip = ('v_ip',) if self.bias is None else ('v_ip', 'v_ip_bias')
        shared = {g: _SHARED for g in _CONDUCTANCES}

        def only(*used):
            return {g: shared[g] for g in used}

        sends_back = _SENDS_BACK[self.feedback]
        gains = (error_gains(self.name, n_hidden, **conductances) if self._asked_for_energy
                 else [None]*n_hidden)
        self.hidden = [self._group(f'hidden{k}', self.sizes[k + 1], pyramidal(
            basal=up, **options, **only('g_l', 'g_b', 'g_a'))
            + (sends_back if k > 0 else _NOTHING) + self._energy_equations(gains[k]))
            for k in range(n_hidden)]
        self.inter = [self._group(f'inter{k}', self.sizes[k + 2], interneuron(
            dendrite=ip, **options, **only('g_l', 'g_d', 'g_som')) + self._energy_equations(1.0))
            for k in range(n_hidden)]
        has_targets = shown is not None and shown.n_outputs > 0
        self.output = self._group('output', self.sizes[-1], pyramidal(
            basal=up, apical=(), nudging='linked' if has_targets else 'parameter', **options,
            **only('g_l', 'g_b', 'g_som')) + sends_back + self._energy_equations(1.0, nudging=True))
        self.pyramidal = [*self.hidden, self.output]
        if self.feedback != 'fixed':
            for group, inter in zip(self.pyramidal[1:], self.inter):
                group.r_inter = linked_var(inter, 'r')
        self.target = self.bias_unit = None
        if has_targets:
            # With look-ahead the outputs need as long as one step per layer to see the inputs;
            # the paper delays the target by one.
            self.target = shown.target_group(self._names['target'],
                                             DELAYED if self.prospective else STIMULUS)
            self.output.u_nudge = linked_var(self.target, 'u_sent')
            self.output.nudged = linked_var(self.target, 'on')
        if self.bias is not None:
            self.bias_unit = self._group('bias', 1, 'r : 1 (constant)\nr_sent = r : 1')
            self.bias_unit.r = float(self.bias)
        for group in (*self.pyramidal, *self.inter):
            for g, value in conductances.items():
                if g in group.equations:
                    setattr(group, g, value)

    def _energy_equations(self, gamma, **options):
        if not self._asked_for_energy:
            return _NOTHING
        return prediction_energy(self.activation, prospective=self.prospective, gamma=gamma,
                                 **options)

    def _group(self, role, n, equations):
        return self.substrate.neurons(n, equations, group=Population, namespace={},
                                      method='prospective_euler', name=self._names[role])

    def _connect(self, n_hidden, eta, limits, decay_down):
        below = [self.inputs, *self.hidden]
        for k, group in enumerate(self.pyramidal):
            learn = dict(eta=eta['up'][k], w_max=limits[k])
            back = _NOTHING
            if self.feedback == 'transposed' and k > 0:
                back = _TRANSPOSED + self._mirrored('up', eta['pi'][k - 1])
            self._project('up', k, below[k], group, 'v_up', **learn, more=back)
            if self.bias is not None:
                self._project('up_bias', k, self.bias_unit, group, 'v_up_bias', **learn)
        for k, (group, inter) in enumerate(zip(self.hidden, self.inter)):
            above = self.pyramidal[k + 1]
            self._project('ip', k, group, inter, 'v_ip', eta=eta['ip'][k])
            if self.bias is not None:
                self._project('ip_bias', k, self.bias_unit, inter, 'v_ip_bias', eta=eta['ip'][k])
            mirrored = self._mirrored('down', eta['pi'][k])
            if mirrored is _NOTHING:
                self._project('pi', k, inter, group, 'v_pi', eta=eta['pi'][k],
                              rule=apical_silencing)
            if self.feedback != 'transposed':
                self._project('down', k, above, group, 'v_down', eta=eta['down'][k],
                              decay=decay_down, rule=phaseless_alignment, more=mirrored)
            self.projections['nudge', k] = self.substrate.project(
                above, inter, one_to_one('u_nudge', self.visible), one_to_one=True,
                name=self._names[f'nudge{k}'])

    def _mirrored(self, kind, eta_pi):
        """What interneurons send through the weights of `kind`, if they have none of their own."""
        return _NOTHING if self.feedback == 'fixed' or eta_pi > 0/ms else _MIRRORED[kind]

    def _filter_rates(self, tau_high):
        for k, group in enumerate(self.hidden):
            if 'v_api_noise' not in group.variables:
                raise ValueError(
                    f"'{self.name}' learns its feedback from noise on apical potentials, which "
                    f"'{group.name}' does not have; give for instance substrate="
                    "Substrate([Noise('v_api', 0.01, tau=0.1*ms)])")
            self.pyramidal[k + 1].tau_r_low = tau_high

    def _project(self, kind, k, source, target, into, *, eta=0/ms, w_max=None, decay=None,
                 rule=dendritic_prediction, more=_NOTHING):
        gate = None if self.presentations is None else 'learning'
        if decay is None and self.parameters['decay'] > 0/ms:
            decay = self.parameters['decay']
        values = {what: value for what, value in (('eta', eta), ('w_max', w_max), ('decay', decay))
                  if value is not None} if eta > 0/ms else {}
        if values:
            equations = rule(into, gate=gate, optimiser=self.parameters['optimiser'],
                             **dict.fromkeys(values, _SHARED))
        else:
            equations = fixed_weights(into)
        projection = self.substrate.project(source, target, equations + more,
                                            synapses=self._synapses,
                                            name=self._names[f'{kind}{k}'])
        for what, value in values.items():
            setattr(projection, what, value)
        if gate is not None and values:
            projection.learning = linked_var(self.presentations.schedule, 'learning')
        self.projections[kind, k] = projection

    def _weight_views(self):
        with_weights = [key for key, projection in self.projections.items()
                        if 'w' in projection.variables and not key[0].endswith('_bias')]
        return {(kind, k): [weight_matrix(self.projections[part, k])
                            for part in (kind, f'{kind}_bias') if (part, k) in self.projections]
                for kind, k in with_weights}

    def _at_rest(self):
        """All potentials are 0; set the rates that belong to them."""
        for group in (*self.pyramidal, *self.inter):
            group.r = float(self.activation.rates(0.0))

    # ---------------------------------------------------------------------------------- looking
    @property
    def populations(self):
        """All populations, from the inputs on."""
        groups = [self.inputs, *self.hidden, *self.inter, self.output]
        return groups + [g for g in (self.target, self.bias_unit) if g is not None] + self._meters

    @property
    def typical(self):
        """Populations and projections of every kind, whose equations are printed."""
        return ([*self.hidden[:1], *self.inter[:1], self.output, *self._meters],
                [self.projections[kind, 0] for kind in ('up', 'ip', 'pi', 'down', 'nudge')
                 if (kind, 0) in self.projections])

    def __iter__(self):
        if self.presentations is not None:
            yield self.presentations.schedule
        yield from self.populations
        yield from self.projections.values()

    def __repr__(self):
        kind = 'with look-ahead' if self.prospective else 'without look-ahead'
        return f"<Microcircuit '{self.name}': {'-'.join(map(str, self.sizes))}, {kind}>"
