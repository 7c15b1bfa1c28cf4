"""Weights of circuits as arrays of results: matrices [post, pre], and biases."""

import numpy as np

__all__ = ['named', 'weights_in']


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
