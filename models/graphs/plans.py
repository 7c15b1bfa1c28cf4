"""What is made of a graph: its nodes and edges with nothing left open."""

from dataclasses import dataclass

import numpy as np

from brian_le.activations import Activation
from brian_le.models.layers import Conv

__all__ = ['NO_LIMIT', 'EdgePlan', 'GraphPlan', 'Limits', 'NodePlan']

#: Of weights without a limit where others have one; single precision holds it, too.
NO_LIMIT = 1e30


@dataclass(frozen=True, eq=False)
class NodePlan:
    """A population of neurons, with all that its `Node` had left open.

    Parameters
    ----------
    name, shape, n
        Its name, shape and number of neurons.
    activation : Activation
        Its activation.
    tau_m, tau_r : numpy.ndarray
        One time constant per neuron, in seconds.
    bias, gamma, eta, target, loss, beta
        As of `Node`; ``loss`` is None without a target.
    inputs, errors : tuple of str
        Names of the variables for what comes from each edge, and down from each; without edges that
        send errors there are none.
    is_taught : bool
        Whether errors reach it.
    """

    name: str
    shape: tuple
    n: int
    activation: Activation
    tau_m: np.ndarray
    tau_r: np.ndarray
    bias: bool
    gamma: float
    eta: object
    target: str | None
    loss: str | None
    beta: float | None
    inputs: tuple
    errors: tuple
    is_taught: bool

    @property
    def error_inputs(self):
        """Names of the sums of errors; neurons without a target have a place for them anyway."""
        return self.errors if self.errors or self.loss else ('v_err',)


@dataclass(frozen=True, eq=False)
class Limits:
    """The smallest and largest weights of an edge, in the shape of its weights.

    Parameters
    ----------
    mask : numpy.ndarray
        Which weights there are, 1 or 0.
    sign : numpy.ndarray
        Signs that weights have, 0 for any; shaped so that it fits the weights.
    w_max : float
        The largest absolute weight.
    """

    mask: np.ndarray
    sign: np.ndarray
    w_max: float

    @property
    def high(self):
        """The largest weights."""
        return np.where(self.mask*(self.sign >= 0) > 0, self.w_max, 0.0)

    @property
    def low(self):
        """The smallest weights."""
        return np.where(self.mask*(self.sign <= 0) > 0, -self.w_max, 0.0)

    @property
    def is_symmetric(self):
        """Whether any weight may have both signs."""
        return not np.any(self.sign)

    def check(self, what, weights):
        """Raise a ValueError if weights are beyond their limits."""
        beyond = np.count_nonzero((weights < self.low) | (weights > self.high))
        if beyond:
            raise ValueError(f'{beyond} of {what} are beyond its limits (mask, sign or w_max); '
                             'give those that are within')


@dataclass(frozen=True, eq=False)
class EdgePlan:
    """A projection, with all that its `Edge` had left open.

    Parameters
    ----------
    source, target : str
        Names of populations.
    kind : {'forward', 'identity', 'pool'}
        With weights, without, or into a pool.
    layer : Conv, MaxPool, AveragePool or None
        How neurons meet; None if all do.
    source_shape, weight_shape : tuple of int
        Shape of the source, and of the weights (None without).
    into : str or None
        The input of the target.
    back : str or None
        The error input of the source; None if it gets no errors from here.
    feedback : str
        As of `Edge`.
    eta, decay : Quantity
        As of `Edge`.
    w_max : float or None
        As of `Edge`, if there are no `limits`.
    limits : Limits or None
        Of each weight, if they differ.
    """

    source: str
    target: str
    kind: str
    layer: object
    source_shape: tuple
    weight_shape: tuple | None
    into: str | None
    back: str | None
    feedback: str
    eta: object = None
    decay: object = None
    w_max: float | None = None
    limits: Limits | None = None

    @property
    def key(self):
        """Its name among projections and weights."""
        return f'{self.source}->{self.target}'

    @property
    def label(self):
        """Its part of the names of objects."""
        return f'{self.source}_{self.target}'

    @property
    def has_own_feedback(self):
        """Whether errors travel back through weights of their own."""
        return self.back is not None and self.feedback in ('random', 'mirror')

    def limits_of(self, kind):
        """Limits of its weights of a kind: of random feedback there is the mask alone."""
        if self.limits and kind == 'feedback' and self.feedback == 'random':
            return Limits(self.limits.mask, np.zeros(()), NO_LIMIT)
        return self.limits


@dataclass(frozen=True, eq=False)
class GraphPlan:
    """All populations and projections of a graph.

    Parameters
    ----------
    inputs : dict of str to tuple of int
        Shapes of the inputs.
    nodes : dict of str to NodePlan
        Populations of neurons.
    edges : list of EdgePlan
        Projections, in the order in which they were given.
    pools : dict of str to (tuple of int, tuple of str, int)
        Of each pool its shape, its error inputs, and how many pools lie below it.
    """

    inputs: dict
    nodes: dict
    edges: list
    pools: dict

    @property
    def shapes(self):
        """Shapes of all populations by name."""
        return {**self.inputs, **{name: node.shape for name, node in self.nodes.items()},
                **{name: pool[0] for name, pool in self.pools.items()}}

    @property
    def targets(self):
        """The nodes with a target."""
        return [node for node in self.nodes.values() if node.loss is not None]

    def n_biases(self, node):
        """How many biases a node has: one for each neuron, or for each channel of a convolution."""
        convolved = any(isinstance(edge.layer, Conv) for edge in self.edges
                        if edge.target == node.name)
        return node.shape[-1] if convolved else node.n

    @property
    def with_weights(self):
        """The edges with weights."""
        return [edge for edge in self.edges if edge.kind == 'forward']
