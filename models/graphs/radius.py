"""How strong the loops of a graph are: the spectral radius of their weights, and a limit of it."""

import numpy as np

from brian_le.checks import check_finite
from brian_le.models.layers import Conv

__all__ = ['limited_weights', 'loops_of', 'spectral_radius']

#: Scaling stops when it is this close to the limit.
_TOLERANCE = 1e-6


def loops_of(plan):
    """Loops of a graph: sets of populations each of which leads to all others, with their edges.

    Parameters
    ----------
    plan : GraphPlan
        The graph.

    Returns
    -------
    list of (list of str, list of EdgePlan)
    """
    leads_to = {name: {name} for name in plan.shapes}
    changed = True
    while changed:
        changed = False
        for edge in plan.edges:
            for name, found in leads_to.items():
                if edge.source in found and edge.target not in found:
                    found.add(edge.target)
                    changed = True
    loops, seen = [], set()
    for name in plan.shapes:
        together = [other for other in leads_to[name] if name in leads_to[other]]
        edges = [edge for edge in plan.edges
                 if edge.source in together and edge.target in together]
        if name not in seen and edges:
            loops.append(([other for other in plan.shapes if other in together], edges))
        seen |= set(together)
    return loops


def spectral_radius(plan, weights):
    """The largest of all loops, see `Graph.spectral_radius`."""
    return max((_radius(_matrix(plan, loop, weights)) for loop in loops_of(plan)), default=0.0)


def limited_weights(name, plan, weights, radius):
    """Weights of loops within a limit, see `Graph.limited_weights`."""
    check_finite('radius', radius)
    if not 0 < radius < 1:
        raise ValueError(f'radius is {radius}; give a limit above 0 and below 1, such as 0.8')
    found = {}
    for loop in loops_of(plan):
        if _radius(_matrix(plan, loop, weights)) <= radius:
            continue
        least = _radius(_matrix(plan, loop, weights, 0.0))
        if least >= radius:
            raise ValueError(f"loops of '{name}' through {', '.join(loop[0])} have a spectral "
                             f'radius of {least:.3g} by their identities alone, above the limit '
                             f'{radius}; lead an identity elsewhere, or give it weights')
        scale = _scale(lambda factor, loop=loop: _radius(_matrix(plan, loop, weights, factor)),
                       radius)
        for edge in loop[1]:
            learns_back = edge.feedback == 'mirror' and edge.back
            kinds = ('forward', 'feedback') if learns_back else ('forward',)
            for kind in kinds if edge.kind == 'forward' else ():
                found[kind, edge.key] = scale*np.asarray(weights[kind, edge.key])
    return found


def _scale(radius_of, limit):
    """A factor from 0 to 1 that keeps within a limit, by halving intervals.

    It is the largest one if there are no identities, whose radius is in proportion to it. With them
    the radius may rise and fall, and a larger factor may be within the limit, too.
    """
    low, high = 0.0, 1.0
    guess = limit/radius_of(1.0)  # right if there are no identities
    if abs(radius_of(guess)/limit - 1) <= _TOLERANCE:
        return guess
    while high - low > _TOLERANCE:
        middle = (low + high)/2
        low, high = (middle, high) if radius_of(middle) <= limit else (low, middle)
    return low


def _radius(matrix):
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def _matrix(plan, loop, weights, factor=1.0):
    """The matrix of the edges of a loop between all of its neurons."""
    names, edges = loop
    for edge in edges:
        if edge.kind == 'pool' or isinstance(edge.layer, Conv):
            raise ValueError(f"'{edge.key}' is a convolution or a pool in a loop, of which there "
                             'is no matrix; spectral radii are of loops of dense edges and '
                             'identities')
    sizes = [int(np.prod(plan.shapes[name])) for name in names]
    ends = np.cumsum([0, *sizes])
    place = {name: slice(ends[k], ends[k + 1]) for k, name in enumerate(names)}
    matrix = np.zeros((ends[-1], ends[-1]))
    for edge in edges:
        matrix[place[edge.target], place[edge.source]] += (
            np.eye(sizes[names.index(edge.target)]) if edge.kind == 'identity'
            else factor*np.asarray(weights['forward', edge.key]))
    return matrix
