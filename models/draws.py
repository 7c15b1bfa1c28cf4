"""Initial weights, drawn at random or such that interneurons predict."""

import math

from brian2.units.allunits import hertz
from brian2.units.fundamentalunits import have_same_dimensions
from brian2.units.stdunits import ms

from brian_le.checks import check_finite, check_flag, check_not_negative, whole_number
from brian_le.models.layers import layer_shapes
from brian_le.models.options import need_random
from brian_le.parameters import quantity

__all__ = ['initial_weights', 'random_weights', 'self_predicting']


def initial_weights(input_shape, layers, rng, *, sigma=None, bias=True, feedback=False):
    """Random weights and biases of a layered network.

    Parameters
    ----------
    input_shape, layers
        As for `LayeredNetwork`.
    rng : numpy.random.Generator, numpy.random.RandomState or int
        Draws layer by layer the weights, the biases and the feedback weights.
    sigma : float, optional
        Standard deviation of normal draws, 0.05 in Fig. 2b of the paper. By default draws are
        uniform between -1/sqrt(n) and 1/sqrt(n) for neurons with n inputs, as in Fig. 2a.
    bias, feedback : bool
        Whether to draw biases, and feedback weights.

    Returns
    -------
    dict
        Arrays by (kind, k), where k counts the layers with weights: ``('forward', k)`` and
        ``('feedback', k)`` of shape [post, pre] or [output channel, input channel, y, x],
        ``('bias', k)`` with one value per neuron or channel. Errors are not sent to the inputs, so
        there is no ``('feedback', 0)``.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.models import Dense, initial_weights
    >>> w = initial_weights(4, [Dense(3), Dense(2)], np.random.default_rng(1), sigma=0.05)
    >>> {key: array.shape for key, array in w.items()}
    {('forward', 0): (3, 4), ('bias', 0): (3,), ('forward', 1): (2, 3), ('bias', 1): (2,)}
    """
    rng = need_random(rng)
    if sigma is not None:
        check_not_negative('sigma', quantity('sigma', sigma, None))
    for what, flag in (('bias', bias), ('feedback', feedback)):
        check_flag(what, flag)
    weights = {}
    shapes = layer_shapes(input_shape, layers)
    with_weights = [(layer, shape) for layer, shape in zip(layers, shapes) if layer.has_weights]
    for k, (layer, shape) in enumerate(with_weights):
        w_shape = layer.weight_shape(shape)

        def draw(size):
            if sigma is not None:
                return rng.normal(0, sigma, size)
            return rng.uniform(-1, 1, size)/math.sqrt(layer.fan_in(shape))

        weights['forward', k] = draw(w_shape)
        if bias:
            weights['bias', k] = draw(w_shape[0])
        if feedback and k > 0:
            weights['feedback', k] = draw(w_shape)
    return weights


def random_weights(sizes, rng, scale=1.0, bias=False):
    """Uniform random weights of a microcircuit.

    Parameters
    ----------
    sizes : sequence of int
        As for `Microcircuit`.
    rng : numpy.random.Generator, numpy.random.RandomState or int
        Draws layer by layer, in each ``up``, ``down``, ``pi``, ``ip``, and ``up`` of the output
        layer last. A `numpy.random.RandomState` gives the weights of the paper's code.
    scale : float
        The weights are in [-scale, scale).
    bias : bool
        Whether ``up`` and ``ip`` have a column for a bias unit.

    Returns
    -------
    dict
        Matrices [post, pre] by (kind, layer).

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.models import random_weights
    >>> random_weights((2, 3, 2), np.random.default_rng(1))['up', 0].shape
    (3, 2)
    """
    rng, n, b = need_random(rng), sizes, int(check_flag('bias', bias))
    check_finite('scale', scale)
    if len(n) < 3:
        raise ValueError(f'sizes are {tuple(n)}; give numbers of inputs, of neurons in at least '
                         'one hidden layer, and of outputs')
    n = [whole_number('sizes', size) for size in n]
    shapes = {}
    for k in range(len(n) - 2):
        shapes |= {('up', k): (n[k + 1], n[k] + b), ('down', k): (n[k + 1], n[k + 2]),
                   ('pi', k): (n[k + 1], n[k + 2]), ('ip', k): (n[k + 2], n[k + 1] + b)}
    shapes['up', len(n) - 2] = (n[-1], n[-2] + b)
    return {key: scale*(2*rng.random(shape) - 1) for key, shape in shapes.items()}


def self_predicting(weights, *, g_l=0.03/ms, g_b=0.1/ms, g_a=0.06/ms, g_d=0.1/ms):
    """Weights with which interneurons predict the layer above: the self-predicting state.

    Without a target the apical dendrites are then silent, once the layers have settled:
    ``W_pi = -W_down`` and ``W_ip = W_up(above) * g_b/(g_l + g_b + g_a)*(g_l + g_d)/g_d``, where
    ``g_a`` counts only if the layer above is hidden.

    Parameters
    ----------
    weights : dict
        Matrices by (kind, layer).
    g_l, g_b, g_a, g_d : Quantity
        Conductances, as for `Microcircuit`.

    Returns
    -------
    dict
        A copy with new ``pi`` and ``ip``.

    References
    ----------
    Sacramento et al. (2018), NeurIPS 31; Haider et al. (2021), supplement.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.models import random_weights, self_predicting
    >>> w = self_predicting(random_weights((2, 3, 2), np.random.default_rng(1)))
    >>> bool(np.all(w['pi', 0] == -w['down', 0]))
    True
    """
    given = {'g_l': g_l, 'g_b': g_b, 'g_a': g_a, 'g_d': g_d}
    # only their ratios count: in the same unit, which may be none
    unit = hertz if any(have_same_dimensions(g, hertz) for g in given.values()) else None
    g_l, g_b, g_a, g_d = (quantity(name, g, unit) for name, g in given.items())
    if ('up', 1) not in weights or ('down', 0) not in weights:
        raise ValueError(f"weights has {', '.join(map(str, weights)) or 'nothing'}; give those of "
                         "a whole circuit, with ('up', k) and ('down', k), as random_weights does")
    for name, total in (('g_d', g_d), ('g_l + g_b', g_l + g_b)):
        if not float(total) > 0:
            raise ValueError(f'{name} is {total}; the self-predicting state needs it positive')
    weights = dict(weights)
    top = max(layer for kind, layer in weights if kind == 'up')
    for k in range(top):
        apical = g_a if k + 1 < top else 0*g_a
        factor = float(g_b/(g_l + g_b + apical)*(g_l + g_d)/g_d)
        weights['pi', k] = -weights['down', k]
        weights['ip', k] = weights['up', k + 1]*factor
    return weights
