"""Weights of circuits as arrays of results: matrices [post, pre], biases; the angle of two."""

import numpy as np

__all__ = ['angle', 'named', 'weights_in']


def weights_in(state, name, like, variable=None):
    """The weights of the circuit `name` in a state, by (kind, layer), shaped as those of `like`.

    Another `variable` of its synapses may be named.
    """
    found = {}
    for (kind, k), w in like.items():
        value = variable or ('bias' if kind == 'bias' else 'w')
        # synapses are stored by presynaptic neuron
        found[kind, k] = np.reshape(state[f'{name}_{kind}{k}.{value}'], np.shape(w)[::-1]).T
    return found


def named(weights, prefix=''):
    """Weights by the names that results have them by, such as ``W_up_0``."""
    return {f'{prefix}W_{kind}_{k}': w for (kind, k), w in weights.items()}


def angle(a, b):
    """The angle between two matrices, taken as long vectors, in degrees.

    It is 0 if they differ in length alone, 90 if they have nothing in common, and NaN if one of
    them is 0; a ValueError for different shapes.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        raise ValueError(f'the shapes {a.shape} and {b.shape} differ; give matrices of one shape')
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if 0 in lengths:
        return np.nan
    a, b = a/lengths[0], b/lengths[1]
    # exact for small angles too, unlike the arc cosine
    return float(np.degrees(2*np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))
