"""Convolutions and windows of all shapes, and what they compute by SciPy and by plain loops."""

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
from brian2 import NeuronGroup
from hypothesis import strategies as st
from scipy.signal import convolve, correlate

from brian_le import ConvSynapses, PoolSynapses

WIDTHS = (2, 1, 3, 17)  # channels: also one more than two vectors of eight


@dataclass(frozen=True)
class Geometry:
    """A convolution, or pooling with `kernel` as its window; all sizes as tuples."""

    input_shape: tuple
    channels: int
    kernel: tuple
    stride: tuple
    padding: tuple
    replicas: int = 1

    @property
    def positions(self):
        """How many places the kernel has, counted one by one."""
        return tuple(len(range(0, n + 2*pad - k + 1, step)) for n, k, step, pad in zip(
            self.input_shape, self.kernel, self.stride, self.padding))

    @property
    def output_shape(self):
        return *self.positions, self.channels

    @property
    def weight_shape(self):
        return self.channels, self.input_shape[-1], *self.kernel

    def groups(self, name, source='r : 1', target='err : 1'):
        return [NeuronGroup(self.replicas*prod(shape), model, name=f'{name}_{end}', namespace={})
                for shape, model, end in ((self.input_shape, f'{source}\ne1 : 1', 'in'),
                                          (self.output_shape, f'{target}\nI : 1', 'out'))]

    def conv(self, source, target, model, **options):
        S = ConvSynapses(source, target, model, input_shape=self.input_shape, kernel=self.kernel,
                         stride=self.stride, padding=self.padding, replicas=self.replicas,
                         **options)
        S.connect()
        return S

    def pool(self, source, target, model, **options):
        S = PoolSynapses(source, target, model, input_shape=self.input_shape, window=self.kernel,
                         stride=self.stride, replicas=self.replicas, **options)
        S.connect()
        return S


def draw_geometry(pick):
    """A convolution; ``pick(values)`` chooses one of several."""
    dimensions = pick((2, 1))
    kernel = tuple(pick((2, 3, 1, 4)) for _ in range(dimensions))
    padding = tuple(pick((*range(k),)) for k in kernel)
    stride = tuple(pick((1, 2, 3, 5)) for _ in range(dimensions))
    plane = tuple(max(pick((5, 1, 4, 6, 7, 9)), k - 2*pad) for k, pad in zip(kernel, padding))
    return Geometry((*plane, pick(WIDTHS)), pick(WIDTHS), kernel, stride, padding, pick((3, 1)))


def draw_pool(pick):
    dimensions = pick((2, 1))
    window = tuple(pick((2, 3, 1)) for _ in range(dimensions))
    stride = tuple(pick((1, 2, 3, 4)) for _ in range(dimensions))
    plane = tuple(max(pick((5, 1, 4, 6, 7)), w) for w in window)
    channels = pick(WIDTHS)
    return Geometry((*plane, channels), channels, window, stride, (0,)*dimensions, pick((3, 1)))


def by_seed(draw, seed):
    rng = np.random.default_rng(seed)
    return draw(lambda values: values[rng.integers(len(values))])


@st.composite
def drawn(draw, function):
    return function(lambda values: draw(st.sampled_from(values)))


class ByScipy:
    """The three sums of a convolution: all places by SciPy, of which every stride-th counts."""

    def __init__(self, geometry):
        self.g = geometry
        self.places = tuple(slice(None, None, step) for step in geometry.stride)
        self.around = [(pad, pad) for pad in geometry.padding]
        self.channels = list(product(range(geometry.replicas), range(geometry.input_shape[-1]),
                                     range(geometry.channels)))

    def spread(self, err):
        """One channel of the target, with zeros where the kernel does not stop."""
        shape = [n + 2*pad - k + 1 for n, k, pad in zip(self.g.input_shape, self.g.kernel,
                                                        self.g.padding)]
        values = np.zeros(shape)
        values[self.places] = err
        return values

    def to_post(self, w, r):
        total = np.zeros((self.g.replicas, *self.g.output_shape))
        for b, ci, co in self.channels:
            padded = np.pad(r[b, ..., ci], self.around)
            total[b, ..., co] += correlate(padded, w[co, ci], 'valid', 'direct')[self.places]
        return total

    def to_pre(self, w, err):
        total = np.zeros((self.g.replicas, *self.g.input_shape))
        inner = tuple(slice(pad, pad + n) for n, pad in zip(self.g.input_shape, self.g.padding))
        for b, ci, co in self.channels:
            total[b, ..., ci] += convolve(self.spread(err[b, ..., co]), w[co, ci], 'full',
                                          'direct')[inner]
        return total

    def to_kernel(self, r, err):
        """Sum over the positions, mean over the replicas."""
        total = np.zeros(self.g.weight_shape)
        for b, ci, co in self.channels:
            padded = np.pad(r[b, ..., ci], self.around)
            total[co, ci] += correlate(padded, self.spread(err[b, ..., co]), 'valid', 'direct')
        return total/self.g.replicas


class Pairs:
    """All pairs of neurons that a kernel connects, by loops over everything."""

    def __init__(self, g):
        plane, weights = g.input_shape[:-1], np.arange(prod(g.weight_shape)).reshape(g.weight_shape)
        pre = np.arange(g.replicas*prod(g.input_shape)).reshape(g.replicas, *g.input_shape)
        post = np.arange(g.replicas*prod(g.output_shape)).reshape(g.replicas, *g.output_shape)
        found = []
        for out, tap in product(np.ndindex(g.positions), np.ndindex(g.kernel)):
            at = tuple(o*step + k - pad for o, step, k, pad in zip(out, g.stride, tap, g.padding))
            if all(0 <= p < n for p, n in zip(at, plane)):
                meet = np.broadcast_arrays(pre[(slice(None), *at)][:, None, :],
                                           post[(slice(None), *out)][:, :, None],
                                           weights[(..., *tap)])
                found.append(np.reshape(meet, (3, -1)))
        self.pre, self.post, self.synapse = np.concatenate(found, axis=1)
        self.g = g

    def to_post(self, values):
        return np.bincount(self.post, values, self.g.replicas*prod(self.g.output_shape))

    def to_pre(self, values):
        return np.bincount(self.pre, values, self.g.replicas*prod(self.g.input_shape))

    def to_kernel(self, values):
        return np.bincount(self.synapse, values, prod(self.g.weight_shape))/self.g.replicas
