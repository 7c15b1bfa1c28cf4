"""Initial weights of graphs, drawn at random."""

import numpy as np

from brian_le.checks import check_not_negative
from brian_le.models.options import need_random
from brian_le.parameters import quantity

__all__ = ['draw_weights']


def draw_weights(plan, rng, *, sigma=None):
    """Random weights and biases of a planned graph, see `Graph.draw_weights`."""
    rng = need_random(rng)
    if sigma is not None:
        check_not_negative('sigma', quantity('sigma', sigma, None))
    fan_in = {node: sum(_inputs_of(edge) for edge in plan.with_weights if edge.target == node)
              for node in plan.nodes}
    weights, waiting = {}, {key for key, node in plan.nodes.items() if node.bias}
    for edge in plan.edges:
        target = plan.nodes.get(edge.target)

        def draw(shape, n):
            if sigma is not None:
                return rng.normal(0, sigma, shape)
            return rng.uniform(-1, 1, shape)/np.sqrt(n)

        if edge.kind == 'forward':
            n = np.maximum(fan_in[edge.target], 1)
            n_of_weights = n if np.ndim(n) == 0 else n.reshape(-1, *(1,)*(len(edge.weight_shape) - 1))
            w = draw(edge.weight_shape, n_of_weights)
            weights['forward', edge.key] = _within(edge.limits, w, signed=True)
        if target is not None and edge.target in waiting:
            waiting.remove(edge.target)
            n = np.maximum(fan_in[edge.target], 1)
            weights['bias', edge.target] = draw(plan.n_biases(target), n)
        if edge.has_own_feedback:
            weights['feedback', edge.key] = _within(edge.limits, draw(edge.weight_shape, n_of_weights),
                                                    signed=edge.feedback == 'mirror')
    return weights


def _inputs_of(edge):
    """How many inputs a neuron of the target has, or each of them, if they differ."""
    if edge.limits is None:
        return int(np.prod(edge.weight_shape[1:]))
    return edge.limits.mask.reshape(edge.weight_shape[0], -1).sum(axis=1)


def _within(limits, weights, signed):
    if limits is None:
        return weights
    if signed:
        weights = np.where(limits.sign == 0, weights, np.abs(weights)*limits.sign)
        return np.clip(weights, limits.low, limits.high)
    return weights*limits.mask
