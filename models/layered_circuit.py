"""What layered networks have in common: populations, projections, pools and switches."""

import math

from brian2.core.variables import linked_var
from brian2.units.allunits import hertz
from brian2.units.stdunits import ms

from brian_le import (ConvSynapses, DenseSynapses, PoolSynapses, ReplicatedGroup, SharedParameters,
                      project, softmax)
from brian_le.activations import get_activation
from brian_le.checks import check_flag, check_name
from brian_le.models.description import Circuit
from brian_le.models.draws import initial_weights
from brian_le.models.experiment.batches import Batches, switches
from brian_le.models.layers import Conv, Flatten, layer_shapes
from brian_le.models.options import (NOT_SAID, check_decay, check_random, need, per_layer,
                                     plan_layers, replicas_of, substrate_of, weight_limits)
from brian_le.models.weights import Weights
from brian_le.plasticity.optimisers import check_optimiser
from brian_le.step import NEURONS, STIMULUS, SUM, WEIGHTS

__all__ = ['LayeredCircuit']

_SHARED = 'shared, constant'

#: Names of learned variables by the kind of their projection.
_LEARNED = {'bias': 'bias', 'tau': 'tau', 'tau_m': 'tau', 'tau_r': 'tau'}


class LayeredCircuit(Circuit):
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
        'eta': "set .projections['forward', 0].eta = ... (and 'bias', and all other layers); layers "
               'that were made with eta=0/ms have constant weights: give eta=... when it is made'}

    _drawn_feedback = ()  # kinds of feedback whose weights are drawn with the others

    #: Where errors are summed, and where this has to be finished.
    _error_order, _error_end = SUM, NEURONS

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
            self._connect_softmax()
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
            self.inputs = self._group('inputs', math.prod(self.shapes[0]),
                                      'r : 1\nr_sent = r : 1')
            self.schedule = switches(f'{self.name}_schedule')
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
                back = '\nv_err : 1' if self.neurons else ''
                group = self._group(f'pool{j}', math.prod(shape), f'r : 1\nr_sent = r : 1{back}')
                self.pools[j] = group
            self._behind.append(group)
        self.hidden, self.output = self.neurons[:-1], self.neurons[-1]
        self._give_targets(self.output)

    def _give_targets(self, group):
        """Let a population have targets, which the schedule switches."""
        group.nudged = linked_var(self.schedule, 'nudged')
        if self.batches is not None and self.batches.n_outputs:
            self.batches.play('targets', group, 'target')

    def _group(self, role, n, equations, **options):
        return self.substrate.neurons(
            n, equations, group=ReplicatedGroup, replicas=self.replicas, namespace={},
            method='prospective_euler', name=f'{self.name}_{role}', **options)

    def _project(self, kind, k, model, populations=None):
        """A projection to the neurons of layer k from the layer below."""
        j = self._plans[k].number
        source, target = populations or (self._behind[j], self.neurons[k])
        orders = {'v_err_pre': self._error_order} if 'v_err_pre' in model else {}
        self._add(kind, k, self.substrate.project(
            source, target, model, name=f'{self.name}_{kind}{k}', orders=orders,
            **_synapses(self.layers[j], self.shapes[j])))

    def _share(self, kind, k, model, channels=None):
        """Parameters of the neurons of layer k."""
        self._add(kind, k, self.substrate.shared_parameters(
            self.neurons[k], model, shared=SharedParameters, channels=channels, order=WEIGHTS,
            method='prospective_euler', name=f'{self.name}_{kind}{k}', namespace={}))

    def _share_bias(self, k, model):
        """Biases of the neurons of layer k, one for each channel of a plane."""
        layer = self._plans[k].layer
        shape = self.shapes[self._plans[k].number + 1]
        self._share('bias', k, model, shape[-1] if isinstance(layer, Conv) else None)

    def _rules(self, k):
        """How weights of layer k learn, and how biases, as options of their rules."""
        p = self.parameters
        if not p['eta'][k] > 0/ms:
            return {'eta': None}, {'eta': None}
        biases = dict(eta=_SHARED, gate='learning', optimiser=p['optimiser'])
        asked = {'decay': p['decay'] > 0/ms, 'w_max': p['w_max'][k] is not None}
        return biases | {what: _SHARED for what in asked if asked[what]}, biases

    def _set_rates(self, k):
        """Set what the rules of layer k have left open."""
        p = self.parameters
        values = {'eta': p['eta'][k], 'decay': p['decay'], 'w_max': p['w_max'][k]}
        for (kind, number), projection in self.projections.items():
            if number == k and kind in ('forward', 'feedback', 'bias'):
                for what, value in values.items():
                    # (a substrate may give limits, where the circuit has none)
                    if value is not None and what in projection.equations:
                        setattr(projection, what, value)

    def _add(self, kind, k, projection):
        for gate in {'learning', 'matching'} & set(projection.equations):
            setattr(projection, gate, linked_var(self.schedule, gate))
        self.projections[kind, k] = projection

    def _connect_pools(self):
        for j, layer in enumerate(self.layers):
            if j in self.pools:
                self._connect_pool(j, layer)

    def _connect_pool(self, j, layer):
        """Rates go up before all sums are formed, errors down after all of them."""
        n = len(self.layers) + 1
        model = 'r_post = r_pre : 1 (summed)'
        orders = {'r_post': STIMULUS + (SUM - STIMULUS)*(j + 1)/n}
        if 'v_err' in self.pools[j].variables:
            model += '\nv_err_pre = v_err_post : 1 (summed)'
            way = self._error_end - self._error_order
            orders['v_err_pre'] = self._error_order + way*(n - 1 - j)/n
        self.projections['pool', j] = project(
            self._behind[j], self.pools[j], model, synapses=PoolSynapses,
            name=f'{self.name}_pooling{j}', input_shape=self.shapes[j], window=layer.window,
            stride=layer.stride, kind=layer.kind, orders=orders)

    def _connect_softmax(self):
        # before the sums of errors that act at once
        self.projections['softmax', len(self.neurons) - 1] = project(
            self.output, self.output, softmax(), name=f'{self.name}_softmax',
            orders={'z_post': STIMULUS})
        if self._asked_for_energy:  # which reads it before the first step
            self.output.z = math.prod(self.shapes[-1])

    def _finish(self):
        self.weights = Weights(self.name, {
            key: [projection.matrix(name)] for key, projection in self.projections.items()
            for name in [_LEARNED.get(key[0], 'w')] if name in projection.variables})
        self.substrate.settle()

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

    def __iter__(self):
        yield self.schedule
        yield from self.populations
        yield from self.projections.values()

    def __repr__(self):
        shapes = '-'.join('x'.join(map(str, shape)) for shape in self.shapes)
        copies = f', {self.replicas} replicas' if self.replicas > 1 else ''
        return f"<{type(self).__name__} '{self.name}': {shapes}{copies}>"


def _synapses(layer, input_shape):
    """The class of the synapses of a layer, and what it needs to know."""
    if isinstance(layer, Conv):
        return dict(synapses=ConvSynapses, input_shape=input_shape, kernel=layer.kernel,
                    stride=layer.stride, padding=layer.padding)
    return dict(synapses=DenseSynapses)
