"""How the neurons of two populations meet: all to all, through a kernel, or in windows.

A layout says which synapse belongs to which pair of neurons, without storing it. Neurons of
replica b of a population of N have the indices b*N to (b + 1)*N - 1; populations with a plane are
laid out channel-last.
"""

import math
from dataclasses import dataclass

import numpy as np

__all__ = ['DenseLayout', 'ConvLayout', 'PoolLayout', 'neuron_index', 'neuron_position']


def neuron_index(y, x, channel, shape):
    """Index of a neuron in a population with a plane, laid out channel-last.

    Parameters
    ----------
    y, x, channel : int or array_like
        Row, column and channel.
    shape : tuple of int
        (rows, columns, channels) of the population.

    Returns
    -------
    int or numpy.ndarray

    Raises
    ------
    ValueError
        If a position lies outside.

    Examples
    --------
    >>> from brian_le import neuron_index
    >>> int(neuron_index(1, 2, 0, shape=(28, 28, 3)))
    90
    """
    return np.ravel_multi_index((y, x, channel), shape)


def neuron_position(index, shape):
    """Row, column and channel of a neuron; the inverse of `neuron_index`.

    Parameters
    ----------
    index : int or array_like
        Index within one replica of the population.
    shape : tuple of int
        (rows, columns, channels) of the population.

    Returns
    -------
    tuple of int or numpy.ndarray

    Raises
    ------
    ValueError
        If the index lies outside.

    Examples
    --------
    >>> from brian_le import neuron_position
    >>> [int(k) for k in neuron_position(90, shape=(28, 28, 3))]
    [1, 2, 0]
    """
    return np.unravel_index(index, shape)


@dataclass(frozen=True)
class DenseLayout:
    """Every neuron of the source projects to every neuron of the target.

    Synapse ``i*n_post + j`` connects i to j. Replicas may lie at `positions` of a plane, whose
    contributions add up.
    """

    n_pre: int
    n_post: int
    replicas: int = 1
    positions: int = 1
    kernels = 'dense'
    shares_weights = False

    @property
    def n_synapses(self):
        return self.n_pre*self.n_post

    @property
    def matrix_shape(self):
        return self.n_post, self.n_pre

    def matrix(self, values):
        return values.reshape(self.n_pre, self.n_post).T

    def flat(self, matrix):
        return matrix.T.ravel()

    def pairs(self):
        """Source and target neuron of each synapse."""
        return (np.repeat(np.arange(self.n_pre, dtype=np.int32), self.n_post),
                np.tile(np.arange(self.n_post, dtype=np.int32), self.n_pre))

    def patches(self):
        yield Patch((self.replicas, self.n_pre), (self.replicas, self.n_post),
                    (self.n_pre, self.n_post))


@dataclass(frozen=True)
class ConvLayout:
    """A kernel that is moved over a plane.

    Element ``((ky*k_x + kx)*in_c + ci)*out_c + co`` of the kernel connects input channel ci at
    ``(oy*stride_y + ky - pad_y, ox*stride_x + kx - pad_x)`` to output channel co at (oy, ox).
    """

    in_y: int
    in_x: int
    in_c: int
    out_c: int
    k_y: int
    k_x: int
    stride_y: int = 1
    stride_x: int = 1
    pad_y: int = 0
    pad_x: int = 0
    replicas: int = 1
    dimensions: int = 2
    kernels = 'conv'
    shares_weights = True
    positions = 1

    @property
    def out_y(self):
        return (self.in_y + 2*self.pad_y - self.k_y)//self.stride_y + 1

    @property
    def out_x(self):
        return (self.in_x + 2*self.pad_x - self.k_x)//self.stride_x + 1

    @property
    def n_pre(self):
        return self.in_y*self.in_x*self.in_c

    @property
    def n_post(self):
        return self.out_y*self.out_x*self.out_c

    @property
    def n_synapses(self):
        return self.k_y*self.k_x*self.in_c*self.out_c

    @property
    def matrix_shape(self):
        plane = (self.k_y, self.k_x)[2 - self.dimensions:]
        return self.out_c, self.in_c, *plane

    def matrix(self, values):
        kernel = values.reshape(self.k_y, self.k_x, self.in_c, self.out_c).transpose(3, 2, 0, 1)
        return kernel.reshape(self.matrix_shape)

    def flat(self, matrix):
        kernel = matrix.reshape(self.out_c, self.in_c, self.k_y, self.k_x)
        return kernel.transpose(2, 3, 1, 0).ravel()

    def pairs(self):
        """None: a synapse connects many pairs of neurons."""
        return np.empty(0, np.int32), np.empty(0, np.int32)

    def patches(self):
        """One for each position in the kernel: all pairs of neurons that it connects."""
        for ky in range(self.k_y):
            for kx in range(self.k_x):
                y_in, y_out = _reach(ky - self.pad_y, self.stride_y, self.in_y, self.out_y)
                x_in, x_out = _reach(kx - self.pad_x, self.stride_x, self.in_x, self.out_x)
                yield Patch((self.replicas, self.in_y, self.in_x, self.in_c),
                            (self.replicas, self.out_y, self.out_x, self.out_c),
                            (self.k_y, self.k_x, self.in_c, self.out_c),
                            pre_part=np.s_[:, y_in, x_in], post_part=np.s_[:, y_out, x_out],
                            synapse_part=(ky, kx))


def _reach(offset, stride, n_in, n_out):
    """Slices of the inputs and outputs that lie `offset` apart along one axis."""
    first = max(0, math.ceil(-offset/stride))
    last = min(n_out - 1, (n_in - 1 - offset)//stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    start = first*stride + offset
    return slice(start, last*stride + offset + 1, stride), slice(first, last + 1)


@dataclass(frozen=True)
class PoolLayout:
    """A window on every channel, by itself.

    The target at (oy, ox) sees the ``w_y`` by ``w_x`` neurons from (oy*stride_y, ox*stride_x) on.
    """

    in_y: int
    in_x: int
    channels: int
    w_y: int
    w_x: int
    stride_y: int
    stride_x: int
    replicas: int = 1
    kernels = 'pool'
    shares_weights = True
    n_synapses = 0

    @property
    def out_y(self):
        return (self.in_y - self.w_y)//self.stride_y + 1

    @property
    def out_x(self):
        return (self.in_x - self.w_x)//self.stride_x + 1

    @property
    def n_pre(self):
        return self.in_y*self.in_x*self.channels

    @property
    def n_post(self):
        return self.out_y*self.out_x*self.channels

    def pairs(self):
        """None: there are no synapses."""
        return np.empty(0, np.int32), np.empty(0, np.int32)

    def patches(self):
        """One for each position in the window."""
        for wy in range(self.w_y):
            for wx in range(self.w_x):
                y_in = slice(wy, wy + (self.out_y - 1)*self.stride_y + 1, self.stride_y)
                x_in = slice(wx, wx + (self.out_x - 1)*self.stride_x + 1, self.stride_x)
                yield Patch((self.replicas, self.in_y, self.in_x, self.channels),
                            (self.replicas, self.out_y, self.out_x, self.channels), (),
                            pre_part=np.s_[:, y_in, x_in], one_to_one=True)


class Patch:
    """Pairs of neurons that NumPy can work on at once, as arrays [copy, pre, post].

    A copy is a replica, at a position of the plane if there is one. Where neurons meet one to
    one, every pair is a copy.

    Parameters
    ----------
    pre_shape, post_shape, synapse_shape : tuple of int
        Shapes of the populations and of the synapses.
    pre_part, post_part, synapse_part : tuple
        What of them belongs to the patch.
    one_to_one : bool
        Whether the last axis of the populations counts copies, not neurons.
    """

    def __init__(self, pre_shape, post_shape, synapse_shape, pre_part=(), post_part=(),
                 synapse_part=(), one_to_one=False):
        self.shapes = {'pre': pre_shape, 'post': post_shape, 'synapse': synapse_shape}
        self.parts = {'pre': pre_part, 'post': post_part, 'synapse': synapse_part}
        self.one_to_one = one_to_one
        pre, post = (np.broadcast_to(0, self.shapes[side])[self.parts[side]].shape
                     for side in ('pre', 'post'))
        #: Numbers of copies, of presynaptic and of postsynaptic neurons.
        self.size = ((math.prod(pre), 1, 1) if one_to_one
                     else (math.prod(pre[:-1]), *pre[-1:], *post[-1:]))

    def view(self, side, array):
        """The part of an array that belongs to the patch, in the shape of its population."""
        return array.reshape(self.shapes[side])[self.parts[side]]

    def pre(self, array):
        copies, n_pre, _ = self.size
        return self.view('pre', array).reshape(copies, n_pre, 1)

    def post(self, array):
        copies, _, n_post = self.size
        return self.view('post', array).reshape(copies, 1, n_post)

    def synapse(self, array):
        return self.view('synapse', array)

    def add(self, side, array, values):
        """Add values to the neurons of one side, or to the synapses."""
        part = self.view(side, array)
        part += values.reshape(part.shape)

    def put(self, side, array, values):
        """Store values of the synapses."""
        self.view(side, array)[...] = values
