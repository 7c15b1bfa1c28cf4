"""What layered networks have in common: populations, projections, pools and switches."""

import math

from brian2.units.allunits import hertz

from brian_le import bias_learning
from brian_le.activations import get_activation
from brian_le.checks import check_flag, check_name
from brian_le.models.draws import initial_weights
from brian_le.models.experiment.batches import Batches
from brian_le.models.graphs.composition import (INPUT, Composition, learning_rules,
                                                projection_equations, synapses_of)
from brian_le.models.layers import Conv, Flatten, layer_shapes
from brian_le.models.options import (NOT_SAID, check_decay, check_random, need, per_layer,
                                     plan_layers, replicas_of, substrate_of, weight_limits)
from brian_le.plasticity.optimisers import check_optimiser

__all__ = ['LayeredCircuit']


class LayeredCircuit(Composition):
    """Populations in layers with projections in both directions; not to be used by itself.

    A class of networks hands all that it is given to `__init__`, which composes it, and fills in
    steps of that: `_check`, `_equations` and `_connect_neurons`, and where it needs more,
    `_check_layers` and `_begin`.

    Parameters
    ----------
    input_shape, layers, batches, replicas, activation, output_activation, eta, optimiser, \
decay, w_max, bias, tau_m, tau_r, name, substrate, rng, energy
        As of `LayeredNetwork`.
    **options
        What only some classes have, for their `_check`.
    """

    _set_elsewhere = {
        'eta': "set .projections['forward', 0].eta = ... (and 'bias', and all other layers); "
               'layers that were made with eta=0/ms have constant weights: give eta=... when it is '
               'made'}

    _drawn_feedback = ()  # kinds of feedback whose weights are drawn with the others

    def __init__(self, input_shape, layers, *, batches, replicas, activation, output_activation,
                 eta, optimiser, decay, w_max, bias, tau_m, tau_r, name, substrate, rng,
                 energy=False, **options):
        rng = check_random(rng)
        self._only_draws = rng is not None and eta is NOT_SAID
        self._lay_out(name, input_shape, layers, batches, replicas, substrate)
        self._check_layers()
        check_optimiser(optimiser)
        self._plans = plan_layers(name, self.layers, self.shapes, activation, output_activation,
                                  tau_m, tau_r)
        eta = per_layer(name, 'eta', eta, len(self._plans), hertz)
        #: Values of the parameters, for printing; the groups and synapses hold those in use.
        self.parameters = dict(
            replicas=self.replicas, activation=get_activation(activation).name,
            output_activation=get_activation(output_activation).name,
            eta=eta, optimiser=optimiser, decay=check_decay(name, decay, eta),
            w_max=weight_limits(name, w_max, eta),
            bias=check_flag(f"bias of '{name}'", bias), tau_m=tau_m,
            tau_r='tau_m' if tau_r is None else tau_r)
        self.parameters |= self._check(**options)
        self._asked_for_energy = check_flag(f"energy of '{name}'", energy)
        # all equations before any object, so that an unfitting option leaves nothing behind
        self._populate({plan.number: self._equations(k, plan)
                        for k, plan in enumerate(self._plans)})
        for k, plan in enumerate(self._plans):
            self._connect_neurons(k, plan)
        self._connect_pools()
        if self.parameters.get('loss') == 'cross_entropy':
            top = len(self.neurons) - 1
            self._connect_softmax(('softmax', top), 'softmax', self.output)
        if self._asked_for_energy:
            self._measure_energy({f'layer{k}': group for k, group in enumerate(self.neurons)},
                                 self.replicas)
        self._finish()
        if rng is not None:
            self.weights.update(initial_weights(
                input_shape, self.layers, rng, bias=self.parameters['bias'],
                feedback=self.parameters.get('feedback') in self._drawn_feedback))
        self._begin(drawn=rng is not None)

    # ---------------------------------------------------------------- steps that classes fill in
    def _check_layers(self):
        """Refuse layers that this class does not have."""

    def _check(self, **options):
        """The parameters of this class by name, checked."""
        raise NotImplementedError

    def _equations(self, k, plan):
        """The equations of the neurons of layer k."""
        raise NotImplementedError

    def _connect_neurons(self, k, plan):
        """Set the parameters of the neurons of layer k, and make the projections to them."""
        raise NotImplementedError

    def _begin(self, drawn):
        """Set what depends on the initial weights, which may have been drawn."""

    # ------------------------------------------------------------------------------ composition
    def _lay_out(self, name, input_shape, layers, batches, replicas, substrate):
        self.name = check_name('a network', name)
        self.substrate = substrate_of(name, substrate)
        self.layers = list(need('layers', layers, (list, tuple),
                                'a list of layers, such as [Dense(30), Dense(10)]'))
        if batches is not None:
            need(f"batches of '{name}'", batches, Batches, 'Batches or Sequences')
        try:
            self.shapes = layer_shapes(input_shape, self.layers)
        except (TypeError, ValueError) as error:
            raise type(error)(f"'{name}': {error}") from None
        self.batches = batches
        self.replicas = replicas_of(name, batches, replicas, self.shapes)
        self.projections = {}

    def _populate(self, equations):
        """Create all populations; `equations` has those of each layer with weights, by number."""
        if self.batches is None:
            self.inputs = self._group('inputs', math.prod(self.shapes[0]), INPUT)
            self.schedule = self._own_schedule()
        else:
            self.inputs, self.schedule = self.batches.inputs, self.batches.schedule
        self.neurons, self.pools = [], {}
        #: The population behind each shape: a Flatten layer has none of its own.
        self._behind = [self.inputs]
        for j, (layer, shape) in enumerate(zip(self.layers, self.shapes[1:])):
            if layer.has_weights:
                group = self._group(f'layer{len(self.neurons)}', math.prod(shape), equations[j])
                self.neurons.append(group)
            elif isinstance(layer, Flatten):
                group = self._behind[-1]
            else:
                group = self.pools[j] = self._pool(f'pool{j}', math.prod(shape),
                                                   ('v_err',) if self.neurons else ())
            self._behind.append(group)
        self.hidden, self.output = self.neurons[:-1], self.neurons[-1]
        self._give_targets(self.output)

    def _project_to(self, k, **options):
        """The projections between the neurons of layer k and the layer below, and their biases."""
        weights, biases = self._rules(k)
        back = 'v_err' if k > 0 else None  # inputs have no errors
        for kind, model in projection_equations(weights, back=back, **options).items():
            self._project_layer(kind, k, model)
        if self.parameters['bias']:
            self._share_bias(k, bias_learning(learned=options.get('learned', 'err'), **biases))
        self._set_rates_of(k)

    def _project_layer(self, kind, k, model, populations=None):
        """A projection to the neurons of layer k from the layer below."""
        j = self._plans[k].number
        source, target = populations or (self._behind[j], self.neurons[k])
        self._project((kind, k), f'{kind}{k}', source, target, model,
                      **synapses_of(self.layers[j], self.shapes[j]))

    def _share_bias(self, k, model):
        """Biases of the neurons of layer k, one for each channel of a plane."""
        plan = self._plans[k]
        channels = self.shapes[plan.number + 1][-1] if isinstance(plan.layer, Conv) else None
        self._share(('bias', k), f'bias{k}', self.neurons[k], model, channels)

    def _set_rates_of(self, k):
        """Set what the rules of layer k have left open."""
        p = self.parameters
        for kind in ('forward', 'feedback', 'bias'):
            self._set_rates((kind, k), eta=p['eta'][k], decay=p['decay'], w_max=p['w_max'][k])

    def _rules(self, k):
        p = self.parameters
        return learning_rules(p['eta'][k], p['decay'], p['w_max'][k] and 'shared, constant',
                              p['optimiser'])

    def _connect_pools(self):
        n = len(self.layers) + 1
        for j, pool in self.pools.items():
            self._connect_pool(('pool', j), f'pooling{j}', self._behind[j], pool, self.layers[j],
                               self.shapes[j], (j + 1)/n,
                               'v_err' if 'v_err' in pool.variables else None)

    # ---------------------------------------------------------------------------------- looking
    @property
    def populations(self):
        """All populations, from the inputs on."""
        return [*dict.fromkeys(self._behind), *self._meters]

    @property
    def typical(self):
        """Populations and projections of every kind, whose equations are printed."""
        groups = [*self.hidden[:1], *list(self.pools.values())[:1], self.output, *self._meters]
        kinds = {}
        for (kind, k), projection in self.projections.items():
            if kind != 'forward' or k == len(self.neurons) - 1:
                kinds.setdefault(kind, projection)
        return groups, list(kinds.values())

    def __repr__(self):
        shapes = '-'.join('x'.join(map(str, shape)) for shape in self.shapes)
        copies = f', {self.replicas} replicas' if self.replicas > 1 else ''
        return f"<{type(self).__name__} '{self.name}': {shapes}{copies}>"
