"""A deep network with or without a residual stream in NumPy: backpropagation, and loop gains.

The hidden neurons have tanh, the outputs are linear: ``p_k = W_k r_{k-1} + b_k``, to which a
residual network adds ``r_{k-1}`` in all hidden layers but the first, ``r_k = tanh(p_k)``.
"""

import numpy as np

__all__ = ['gains', 'initial', 'learn', 'rates']


def initial(sizes, start, scale, rng):
    """Initial weights [post, pre] and biases (0), layer by layer.

    Parameters
    ----------
    sizes : sequence of int
        Neurons, from the inputs on.
    start : {'normal', 'orthogonal'}
        Weights between hidden layers: normal draws of the standard deviation
        ``scale/sqrt(inputs)``, or `scale` times orthogonal matrices. Those of the first and last
        layer are normal, with 1.
    scale : float
        See `start`.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    list of (numpy.ndarray, numpy.ndarray)
    """
    weights = []
    for k, (n_pre, n_post) in enumerate(zip(sizes, sizes[1:])):
        w = rng.normal(size=(n_post, n_pre))
        if 0 < k < len(sizes) - 2:
            if start == 'orthogonal':
                q, r = np.linalg.qr(w)
                w = scale*q*np.sign(np.diag(r))
            else:
                w *= scale/np.sqrt(n_pre)
        else:
            w /= np.sqrt(n_pre)
        weights.append((w, np.zeros(n_post)))
    return weights


def rates(weights, x, has_stream):
    """Rates of all layers [sample, neuron], from the inputs on."""
    found, top = [x], len(weights) - 1
    for k, (w, b) in enumerate(weights):
        p = found[-1] @ w.T + b
        if has_stream and 0 < k < top:
            p = p + found[-1]
        found.append(p if k == top else np.tanh(p))
    return found


def learn(weights, x, targets, rate, has_stream):
    """Weights after a step of gradient descent on half the squared error, the mean over samples."""
    r = rates(weights, x, has_stream)
    delta, new, top = (targets - r[-1])/len(x), list(weights), len(weights) - 1
    for k in range(top, -1, -1):
        w, b = weights[k]
        new[k] = w + rate*delta.T @ r[k], b + rate*delta.sum(axis=0)
        if k:
            down = delta @ w + (delta if has_stream and 0 < k < top else 0)
            delta = (1 - r[k]**2)*down
    return new


def gains(weights, x, has_stream):
    """The largest eigenvalue of J J^T for each sample: how strongly outputs answer to errors.

    J is the matrix of what an error of each neuron does to the outputs. A chain is stable while
    beta times this is below 1, and follows the gradient while it is far below.
    """
    r, top = rates(weights, x, has_stream), len(weights) - 1
    n_out = len(weights[-1][1])
    total = np.tile(np.eye(n_out), (len(x), 1, 1))
    j = np.tile(np.eye(n_out), (len(x), 1, 1))
    for k in range(top, 0, -1):
        w = weights[k][0] + (np.eye(len(weights[k][1])) if has_stream and k < top else 0)
        j = (j @ w)*(1 - r[k]**2)[:, None, :]
        total = total + j @ j.transpose(0, 2, 1)
    return np.linalg.eigvalsh(total)[:, -1]
