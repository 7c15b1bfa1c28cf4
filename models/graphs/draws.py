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
    fan_in = {name: np.maximum(1, sum(_inputs_of(edge, node.n) for edge in plan.with_weights
                                      if edge.target == name))*np.ones(node.n)
              for name, node in plan.nodes.items()}
    weights, waiting = {}, {key for key, node in plan.nodes.items() if node.bias}

    def draw(target, shape):
        if sigma is not None:
            return rng.normal(0, sigma, shape)
        n = fan_in[target].reshape(-1, shape[0]).mean(axis=0)  # of a channel: of all its neurons
        return rng.uniform(-1, 1, shape)/np.sqrt(n).reshape(-1, *(1,)*(len(shape) - 1))

    for edge in plan.edges:
        if edge.kind == 'forward':
            weights['forward', edge.key] = _within(edge.limits_of('forward'),
                                                   draw(edge.target, edge.weight_shape))
        if edge.target in waiting:
            waiting.remove(edge.target)
            n_biases = plan.n_biases(plan.nodes[edge.target])
            weights['bias', edge.target] = draw(edge.target, (n_biases,))
        if edge.has_own_feedback:
            weights['feedback', edge.key] = _within(edge.limits_of('feedback'),
                                                    draw(edge.target, edge.weight_shape))
    return weights


def _inputs_of(edge, n):
    """How many inputs an edge brings to each of the n neurons of its target."""
    mask = np.ones(edge.weight_shape) if edge.limits is None else edge.limits.mask
    return np.tile(mask.reshape(len(mask), -1).sum(axis=1), n//len(mask))


def _within(limits, weights):
    if limits is None:
        return weights
    weights = np.where(limits.sign == 0, weights, np.abs(weights)*limits.sign)
    return np.clip(weights, limits.low, limits.high)
