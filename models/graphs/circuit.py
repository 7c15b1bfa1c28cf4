"""What graphs have in common, whichever theory their neurons follow."""

import math
from functools import partial

import numpy as np
from brian2.units.allunits import second
from brian2.units.stdunits import ms

from brian_le import PoolSynapses, bias_learning
from brian_le.activations import get_activation
from brian_le.checks import check_flag, check_name
from brian_le.models.experiment.batches import Batches
from brian_le.models.graphs.composition import (INPUT, Composition, learning_rules, masked,
                                                projection_equations, synapses_of)
from brian_le.models.graphs.draws import draw_weights
from brian_le.models.graphs.radius import limited_weights, spectral_radius
from brian_le.models.options import NOT_SAID, check_random, need, replicas_of, substrate_of
from brian_le.parameters import equations_of
from brian_le.plasticity.optimisers import check_optimiser

__all__ = ['GraphCircuit']


class GraphCircuit(Composition):
    """Populations and projections of any graph; not to be used by itself.

    A class of graphs plans itself (`_plan`), and says which equations populations have
    (`_equations`), and what else is set of them (`_set_up`).
    """

    _set_elsewhere = {
        'eta': "set .projections['forward', 'x->h'].eta = ... (and 'bias', 'h', and all others); "
               'weights that were made with eta=0/ms are constant: give eta=... when it is made'}

    def __init__(self, inputs, nodes, edges, *, batches, replicas, eta, optimiser, name, substrate,
                 rng, energy, **options):
        self.name = check_name('a network', name)
        self.substrate = substrate_of(name, substrate)
        rng = check_random(rng)
        self._only_draws = rng is not None and eta is NOT_SAID
        check_optimiser(optimiser)
        if batches is not None:
            need(f"batches of '{name}'", batches, Batches, 'Batches or Sequences')
        self._asked_for_energy = check_flag(f"energy of '{name}'", energy)
        #: Values of the parameters, for printing; groups and synapses hold those in use.
        self.parameters = dict(eta=eta, optimiser=optimiser, **options)
        plan = self.plan = self._plan(inputs, nodes, edges)
        self.batches = batches
        self.replicas = replicas_of(name, batches, replicas, (
            (sum(map(math.prod, plan.inputs.values())),),
            (sum(node.n for node in plan.targets),)))
        for what in ('activation', 'output_activation'):
            self.parameters[what] = get_activation(options[what]).name
        self.parameters |= dict(replicas=self.replicas, tau_r='tau_m' if options['tau_r'] is None
                                else options['tau_r'])
        #: Shapes of all populations by name.
        self.shapes = plan.shapes
        self.projections = {}
        self._populate({key: self._equations(node) for key, node in plan.nodes.items()})
        for node in plan.nodes.values():
            self._set_up(node, self.nodes[node.name])
        for edge in plan.edges:
            self._connect(edge)
        for node in plan.targets:
            if node.loss == 'cross_entropy':
                self._connect_softmax(('softmax', node.name), f'softmax_{node.name}',
                                      self.nodes[node.name])
        if self._asked_for_energy:
            self._measure_energy(self.nodes, self.replicas)
        self._finish(checks={
            (kind, edge.key): partial(edge.limits_of(kind).check,
                                      f"weights ({kind!r}, '{edge.key}')")
            for edge in plan.with_weights if edge.limits for kind in ('forward', 'feedback')})
        if rng is not None:
            self.weights.update(self.draw_weights(rng))

    # ---------------------------------------------------------------- steps that classes fill in
    def _plan(self, inputs, nodes, edges):
        """The plan, with the parameters of the class checked."""
        raise NotImplementedError

    def _equations(self, node):
        """The equations of a population."""
        raise NotImplementedError

    def _set_up(self, node, group):
        """Set the parameters of a population."""
        group.tau_m = np.tile(node.tau_m, self.replicas)*second
        group.tau_r = np.tile(node.tau_r, self.replicas)*second
        if node.loss is not None:
            group.beta = node.beta
        if node.bias:
            _, biases = learning_rules(node.eta, 0/ms, None, self.parameters['optimiser'])
            n = self.plan.n_biases(node)
            self._share(('bias', node.name), f'bias_{node.name}', group, bias_learning(**biases),
                        None if n == node.n else n)
            self._set_rates(('bias', node.name), eta=node.eta)

    # ------------------------------------------------------------------------------ composition
    def _populate(self, equations):
        plan, batches = self.plan, self.batches
        self.schedule = self._own_schedule() if batches is None else batches.schedule
        #: Populations whose rates are set or shown, by name.
        self.inputs = self._make_inputs()
        #: Populations of neurons by name.
        self.nodes = {key: self._group(key, node.n, equations[key])
                      for key, node in plan.nodes.items()}
        #: Pools by name.
        self.pools = {key: self._pool(key, math.prod(shape), errors)
                      for key, (shape, errors, _) in plan.pools.items()}
        #: Those of the nodes that have a target.
        self.outputs = {node.name: self.nodes[node.name] for node in plan.targets}
        for group, part in self._parts(self.outputs):
            self._give_targets(group, **part)

    def _make_inputs(self):
        shapes, batches = self.plan.inputs, self.batches
        if batches is not None and len(shapes) == 1:
            return dict.fromkeys(shapes, batches.inputs)
        inputs = {key: self._group(key, math.prod(shape), INPUT) for key, shape in shapes.items()}
        if batches is not None:
            for group, part in self._parts(inputs):
                batches.play('samples', group, 'r', **part)
        return inputs

    def _parts(self, groups):
        """Populations with their parts of what batches show, in their order."""
        first = 0
        for group in groups.values():
            yield group, {'first': first} if len(groups) > 1 else {}
            first += len(group)//self.replicas

    def _at(self, name):
        return next(groups[name] for groups in (self.inputs, self.nodes, self.pools)
                    if name in groups)

    def _connect(self, edge):
        source, target = self._at(edge.source), self._at(edge.target)
        if edge.kind == 'pool':
            place = (self.plan.pools[edge.target][2] + 1)/(len(self.plan.pools) + 1)
            self._connect_pool(('pool', edge.target), f'pool_{edge.label}', source, target,
                               edge.layer, edge.source_shape, place, edge.back)
        elif edge.kind == 'identity':
            back = [f'{edge.back}_pre = err_post : 1 (summed)'] if edge.back else []
            self._project(('identity', edge.key), f'identity_{edge.label}', source, target,
                          equations_of([f'{edge.into}_post = r_pre : 1 (summed)', *back]),
                          synapses=PoolSynapses, input_shape=(len(source)//self.replicas, 1),
                          window=1, kind='average')
        else:
            self._connect_weights(edge, source, target)

    def _connect_weights(self, edge, source, target):
        limits = edge.limits
        flags = 'constant' if limits else edge.w_max and 'shared, constant'
        weights, _ = learning_rules(
            edge.eta, edge.decay, flags, self.parameters['optimiser'],
            'constant' if limits and not limits.is_symmetric else None)
        models = projection_equations(weights, into=edge.into, back=edge.back,
                                      feedback=edge.feedback)
        for kind, model in models.items():
            key, label = (kind, edge.key), f'{kind}_{edge.label}'
            # (an imperfection may read something where there is nothing)
            needs_mask = limits and not limits.mask.all() and self._is_imperfect(label, model)
            self._project(key, label, source, target, masked(model) if needs_mask else model,
                          **synapses_of(edge.layer, edge.source_shape))
            self._set_rates(key, eta=edge.eta, decay=edge.decay, w_max=edge.w_max)
            projection = self.projections[key]
            if needs_mask:
                projection.matrix('exists')[:] = limits.mask
            if limits and 'w_max' in projection.equations:
                projection.matrix('w_max')[:] = limits.high
                if 'w_min' in projection.equations and not limits.is_symmetric:
                    projection.matrix('w_min')[:] = limits.low

    def _is_imperfect(self, label, model):
        """Whether the substrate changes a projection."""
        return any(not imperfection.is_absent and imperfection.concerns(
            f'{self.name}_{label}', model, True) for imperfection in self.substrate.imperfections)

    # ---------------------------------------------------------------------------------- weights
    def draw_weights(self, rng, *, sigma=None):
        """Random initial weights and biases, within the masks and signs of their edges.

        Where there are these, they are within ``w_max``, too. By itself ``w_max`` only limits what
        learns: larger weights are drawn, as for chains, and clipped in the first step of learning.

        Parameters
        ----------
        rng : numpy.random.Generator, numpy.random.RandomState or int
            Draws edge by edge, in the order in which they were given, the weights, the biases of
            the target if it has not had them yet, and feedback weights if the edge has its own.
        sigma : float, optional
            Standard deviation of normal draws. By default draws are uniform between -1/sqrt(n) and
            1/sqrt(n) for neurons with n inputs, over all edges with weights that lead to them (of a
            channel: on average). With a sign they are the absolute values of these.

        Returns
        -------
        dict
            Arrays by (kind, edge or node), for ``net.weights.update``.
        """
        return draw_weights(self.plan, rng, sigma=sigma)

    def spectral_radius(self, weights=None):
        """The spectral radius of the weights in the loops of the graph, 0 without loops.

        Parameters
        ----------
        weights : dict, optional
            As from a result; by default those of the network.

        Returns
        -------
        float
            Of the matrix of all edges, identities with a weight of 1; slopes of the activations,
            which are at most 1 for tanh, ReLU and linear neurons, are left out.

        Raises
        ------
        ValueError
            If there is a convolution in a loop.
        """
        return spectral_radius(self.plan, self.weights if weights is None else weights)

    def limited_weights(self, radius, weights=None):
        """Weights of loops, scaled down until their spectral radius is within a limit.

        Learning drives it towards 1, where loops no longer settle. Every few batches is enough:
        ``net.weights.update(net.limited_weights(0.8))`` between two runs.

        Parameters
        ----------
        radius : float
            The limit, above 0 and below 1.
        weights : dict, optional
            As from a result; by default those of the network.

        Returns
        -------
        dict
            The weights of the edges in loops that exceed it (and their feedback, if that learns),
            by their keys; empty if there are none.

        Raises
        ------
        ValueError
            If the limit is out of range, or loops exceed it by their identities alone.
        """
        return limited_weights(self.name, self.plan, self.weights if weights is None else weights,
                               radius)

    # ---------------------------------------------------------------------------------- looking
    @property
    def populations(self):
        """All populations, from the inputs on."""
        return [*self.inputs.values(), *self.nodes.values(), *self.pools.values(), *self._meters]

    @property
    def typical(self):
        """Populations with their equations, and a projection of every kind."""
        kinds = {}
        for (kind, _), projection in self.projections.items():
            kinds[kind] = projection
        groups = [*self.nodes.values(), *self.pools.values()]
        different = {str(group.equations): group for group in reversed(groups)}
        return [*reversed(different.values()), *self._meters], list(kinds.values())

    def __repr__(self):
        shapes = ', '.join(f'{key} {"x".join(map(str, shape))}'
                           for key, shape in self.shapes.items())
        copies = f', {self.replicas} replicas' if self.replicas > 1 else ''
        return (f"<{type(self).__name__} '{self.name}': {shapes}; {len(self.plan.edges)} edges"
                f'{copies}>')
