"""Weights of circuits as arrays of results: matrices [post, pre], and biases."""

import numpy as np

__all__ = ['named', 'weights_in']


def weights_in(state, name, like, variable=None):
    """The weights that a circuit has in a state.

    Parameters
    ----------
    state : dict of str to numpy.ndarray
        Values by ``'object.variable'``.
    name : str
        Name of the circuit.
    like : dict of tuple to numpy.ndarray
        Arrays of the same shapes, by (kind, layer).
    variable : str, optional
        What of the synapses, by default their weights.

    Returns
    -------
    dict of tuple to numpy.ndarray
        By the same keys.
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
