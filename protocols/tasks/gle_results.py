"""What results of networks with two time constants have in common."""

import numpy as np

__all__ = ['weight_arrays']

_VARIABLES = {'forward': 'w', 'bias': 'bias'}


def weight_arrays(name, weights, state):
    """Weights and biases of a `brian_le.models.GLENetwork`, as arrays of a result.

    Parameters
    ----------
    name : str
        Name of the network.
    weights : dict of tuple to numpy.ndarray
        Arrays of the same shapes, by (kind, layer).
    state : dict of str to numpy.ndarray
        Values by ``'object.variable'``.

    Returns
    -------
    dict of str to numpy.ndarray
        Matrices [post, pre] and biases, by ``'W_forward_0'`` and so on.
    """
    return {f'W_{kind}_{k}': np.reshape(state[f'{name}_{kind}{k}.{_VARIABLES[kind]}'],
                                        np.shape(w)[::-1]).T
            for (kind, k), w in weights.items()}
