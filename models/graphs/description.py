"""What a graph is made of: nodes, which are populations, and edges, which are projections."""

from dataclasses import dataclass

__all__ = ['Edge', 'Identity', 'Node']


@dataclass(frozen=True, eq=False)
class Node:
    """A population of neurons of a `Graph` or `GLEGraph`.

    What it leaves open is as given to the graph.

    Parameters
    ----------
    shape : int or tuple of int
        Number of neurons, or a plane: (rows, columns, channels) or (steps, channels).
    activation : str or Activation, optional
        See `brian_le.activations`; by default ``activation`` of the graph, and of nodes with a
        target ``output_activation``.
    tau_m, tau_r : Quantity, optional
        Membrane time constant and look-ahead time, one value or one per neuron.
    bias : bool, optional
        Whether its neurons have biases, one for each, or for each channel of a plane.
    gamma : float, optional
        How strongly errors act on the membranes.
    eta : Quantity, optional
        Learning rate of its biases (1/time).
    target : {'rate', 'voltage'}, optional
        Gives it a target, and says what that is compared with; by default it has none.
    loss : {'mse', 'cross_entropy'}, optional
        What learning reduces at this target.
    beta : float, optional
        Strength of the nudging towards this target.

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le.models import Node
    >>> slow, out = Node(30, tau_m=20*ms), Node(10, target='rate')
    """

    shape: int | tuple
    activation: object = None
    tau_m: object = None
    tau_r: object = None
    bias: object = None
    gamma: object = None
    eta: object = None
    target: str | None = None
    loss: str | None = None
    beta: object = None


@dataclass(frozen=True, eq=False)
class Edge:
    """A projection of a `Graph` or `GLEGraph` from one population to another, or to itself.

    It carries rates from its source to its target, and errors back. What it leaves open is as given
    to the graph. ``('x', 'h')`` is short for ``Edge('x', 'h')``.

    Parameters
    ----------
    source, target : str
        Names of populations.
    through : Conv, MaxPool or AveragePool, optional
        How they meet; by default every neuron projects to every neuron. A `Conv` says kernel,
        stride and padding, and the channels that the target has. A pool has no weights, and makes
        its target, which is not a population of neurons: it takes no time, and edges lead on from
        it.
    feedback : {'transposed', 'random', 'mirror', 'absent'}, optional
        The weights that errors travel back through: those of the rates, fixed ones of their own
        (feedback alignment), ones of their own that learn the same product as the forward ones
        (which needs a decay), or none.
    eta : Quantity, optional
        Learning rate of its weights (1/time); 0 for constant ones.
    decay : Quantity, optional
        Rate at which its weights decay (1/time).
    w_max : float, optional
        Limit of its absolute weights.
    mask : array_like, optional
        Which weights there are, 1 or 0 for each, in their shape: [post, pre], or [output channel,
        input channel, y, x]. The others are 0 and stay so; they cost what weights cost.
    sign : array_like, optional
        The sign of all weights of each presynaptic neuron (of each input channel of a convolution),
        1, -1, or 0 for any; or one for all. Learning keeps it.

    Notes
    -----
    Weights that learn are clipped to their limits after every step, as by ``w_max``. Those that
    ``mirror`` the forward ones have the same limits; ``random`` ones have the same mask.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.models import Conv, Edge, MaxPool
    >>> local = Edge('x', 'h', mask=np.eye(4, k=0) + np.eye(4, k=1))
    >>> dale = Edge('h', 'h', sign=[1, 1, 1, -1], feedback='random')
    >>> plane, smaller = Edge('x', 'c', Conv(8, kernel=3)), Edge('c', 'p', MaxPool(2))
    """

    source: str
    target: str
    through: object = None
    feedback: str | None = None
    eta: object = None
    decay: object = None
    w_max: object = None
    mask: object = None
    sign: object = None


@dataclass(frozen=True, eq=False)
class Identity:
    """An edge without weights: every neuron adds its rate to that of the same number.

    The stream of a residual network. There may be an `Edge` with weights beside it.

    Parameters
    ----------
    source, target : str
        Names of two populations with as many neurons.
    feedback : {'transposed', 'absent'}, optional
        Whether errors go back the same way (by default they do).

    Examples
    --------
    >>> from brian_le.models import Identity
    >>> skip = Identity('h1', 'h3')
    """

    source: str
    target: str
    feedback: str | None = None
