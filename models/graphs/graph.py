"""Networks of Latent Equilibrium of any graph."""

from brian2.units.stdunits import ms

from brian_le import SGD
from brian_le.models.graphs.circuit import GraphCircuit
from brian_le.models.graphs.latent_equilibrium import neurons
from brian_le.models.graphs.planning import plan_graph
from brian_le.models.options import NOT_SAID

__all__ = ['Graph']


class Graph(GraphCircuit):
    """Slow point neurons in populations that project to each other in any way.

    As in a `LayeredNetwork`, rates and errors travel along each edge in one time step, and weights
    and biases learn all the time from the product of error and rate. Edges may skip populations,
    lead back, and lead from a population to itself: loops relax, if they are not too strong (see
    docs/graphs.rst). An input of a population adds up what all edges that lead to it bring, its
    error what all edges that begin at it bring back.

    The projections and weights, by kind and edge or population:

    =======================  =============================================  ========================
    key                      from, to                                       weights
    =======================  =============================================  ========================
    ``'forward', 'x->h'``    rates of x, h; errors of h, x                  [post, pre] or a kernel
    ``'feedback', 'h->y'``   errors of y, h                                 the same shape, if the
                                                                            edge has its own
    ``'identity', 'x->h'``   rates of x, h; errors of h, x                  none
    ``'pool', 'p'``          rates of what p pools, p; errors of p, these   none
    ``'bias', 'h'``          h                                              one for each neuron, or
                                                                            channel of a convolution
    =======================  =============================================  ========================

    A light container of plain Brian2 objects: add it to a `brian2.Network`, record from its groups
    with monitors, print it.

    Parameters
    ----------
    inputs : dict of str to int or tuple of int
        Shapes of the inputs by name: a number, (rows, columns, channels), or (steps, channels).
    nodes : dict of str to Node, int or tuple of int
        Populations of neurons by name; a shape is short for a `Node` that leaves the rest open.
    edges : list
        `Edge` and `Identity` objects; ``('x', 'h')`` is short for ``Edge('x', 'h')``.
    batches : Batches or Sequences, optional
        What is shown. Several inputs take its columns one after the other, and so do several
        targets. Without it one sets the rates ``r`` of the inputs, ``target`` of the outputs, and
        the switches of ``schedule``.
    replicas : int
        Number of copies of the network that share the weights; with `batches` that of these.
    activation, output_activation : str or Activation
        Of nodes without and with a target.
    loss : {'mse', 'cross_entropy'}
        What learning reduces; cross-entropy needs linear outputs.
    beta : float
        Strength of the nudging.
    gamma : float
        How strongly errors act on the membranes.
    eta : Quantity
        Learning rate of weights and biases (1/time); with 0, the default, they are constant.
    feedback : {'transposed', 'random', 'mirror', 'absent'}
        See `Edge`.
    decay : Quantity
        Rate at which weights that learn decay (1/time).
    w_max : float, optional
        Limit of the absolute weights that learn.
    bias : bool
        Whether neurons have biases.
    tau_m, tau_r : Quantity
        Membrane time constant and look-ahead time, by default ``tau_m``.
    optimiser : SGD or Adam
        Of all that learns.
    rng : numpy.random.Generator, numpy.random.RandomState or int, optional
        Draws initial weights, see `draw_weights`; without it all weights are 0 until they are set.
    name : str
        First part of the names of all objects.
    substrate : Substrate, optional
        What neurons and projections are made of, see `brian_le.substrate`; by default perfect.
    energy : bool
        Whether neurons have equations of their energy, see `energy`.

    Attributes
    ----------
    inputs, nodes, outputs, pools : dict of str to ReplicatedGroup
        The populations by name; outputs are the nodes with a target.
    schedule : NeuronGroup
        One neuron with the shared variables ``nudged`` and ``learning``: 1 (the default) or 0.
    projections : dict
        The synapses, by the keys above.
    shapes : dict of str to tuple of int
        Shapes of all populations.
    weights : Weights
        Weights, biases and feedback weights as arrays, by the keys above.

    Raises
    ------
    ValueError
        For names that are unknown, no identifiers or given twice, two edges alike, a population
        without edges, one that could learn and has no way to a target, shapes, masks or signs that
        do not fit, feedback where there are no errors, and values out of range.
    TypeError
        If something is neither node nor edge.
    brian2.units.DimensionMismatchError
        For values with wrong units.

    References
    ----------
    Haider et al. (2021), NeurIPS 34 (arXiv 2110.14549): the energy is a sum over neurons, and does
    not depend on how they are connected.

    Examples
    --------
    >>> from brian2 import Network, ms
    >>> from brian_le.models import Graph, Node
    >>> net = Graph(inputs={'x': 4}, nodes={'h': 5, 'y': Node(2, target='rate')},
    ...             edges=[('x', 'h'), ('h', 'h'), ('h', 'y'), ('x', 'y')], eta=0.1/ms, rng=1)
    >>> net.inputs['x'].r, net.outputs['y'].target = [1, 0, 0, 1], [1, 0]
    >>> Network(net).run(10*ms)
    >>> net.weights['forward', 'h->h'].shape
    (5, 5)
    >>> net
    <Graph 'graph': x 4, h 5, y 2; 4 edges>
    """

    def __init__(self, inputs, nodes, edges, *, batches=None, replicas=1, activation='tanh',
                 output_activation='linear', loss='mse', beta=0.1, gamma=1.0, eta=NOT_SAID,
                 feedback='transposed', decay=0/ms, w_max=None, bias=True, tau_m=10*ms, tau_r=None,
                 optimiser=SGD(), name='graph', substrate=None, rng=None, energy=False):
        super().__init__(
            inputs, nodes, edges, batches=batches, replicas=replicas, activation=activation,
            output_activation=output_activation, loss=loss, beta=beta, gamma=gamma, eta=eta,
            feedback=feedback, decay=decay, w_max=w_max, bias=bias, tau_m=tau_m, tau_r=tau_r,
            optimiser=optimiser, name=name, substrate=substrate, rng=rng, energy=energy)

    def _plan(self, inputs, nodes, edges):
        common = {what: value for what, value in self.parameters.items() if what != 'optimiser'}
        return plan_graph(self.name, inputs, nodes, edges, **common)

    def _equations(self, node):
        return neurons(node.activation, inputs=node.inputs, gamma=node.gamma, loss=node.loss,
                       target=node.target or 'rate', error_inputs=node.error_inputs,
                       energy=self._asked_for_energy)
