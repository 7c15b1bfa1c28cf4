"""Drawings of dendritic trees."""

import math

from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from brian_le.protocols.plotting import BLACK, BLUE, ORANGE

__all__ = ['draw_tree']

_RADIUS = 0.24  # of a compartment, where neighbours are 1 apart
_FASTER, _SLOWER = 0.95, 0.35  # grey of the smallest and of the largest tau_m


def draw_tree(tree, axes):
    """Draw a dendritic tree: its compartments, their time constants, couplings and inputs.

    The root is at the bottom. The darker a compartment, the larger its ``tau_m``; beside it stand
    its name, ``tau_m`` and ``tau_r``. Rates go down along full arrows, with the couplings beside
    them, errors up along dashed ones, and short arrows from the left are inputs of its own. Values
    that are variables of the neurons are shown as such.

    Parameters
    ----------
    tree : sequence of brian_le.Compartment
        The tree.
    axes : matplotlib.axes.Axes
        Where to draw; its frame is taken away.

    Raises
    ------
    ValueError, TypeError
        For what is not a tree, see `brian_le.ordered_tree`.

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le import Compartment
    >>> from brian_le.protocols.plotting import new_figure
    >>> from brian_le.protocols.drawing.trees import draw_tree
    >>> tree = [Compartment('soma'), Compartment('slow', 'soma', tau_m=50*ms, tau_r=1*ms)]
    >>> figure, axes = new_figure()
    >>> draw_tree(tree, axes[0, 0])
    >>> figure.savefig('tree.png')  # doctest: +SKIP
    """
    from brian_le.neurons.trees import ordered_tree

    tree = ordered_tree(tree)
    places = _places(tree)
    shade = _shades(tree)
    for c in tree:
        x, y = places[c.name]
        if c.inputs:
            axes.annotate('', (x - _RADIUS, y), (x - 2.1*_RADIUS, y), zorder=3,
                          arrowprops=dict(arrowstyle='-|>', color=BLACK, shrinkA=0, shrinkB=1))
        if c.parent is not None:
            _draw_edge(axes, places[c.name], places[c.parent], _coupling(c))
        axes.add_patch(Circle((x, y), _RADIUS, facecolor=str(shade[c.name]), edgecolor=BLACK,
                              linewidth=1.5, zorder=4))
        # high, where arrows to the parent do not come, or low where those from children do
        low = any(places[child.name][0] > x for child in tree if child.parent == c.name)
        axes.annotate(f'{c.name}\n{_times(c)}', (x + 1.15*_RADIUS, y + (0.06 if low else -0.06)),
                      va='top' if low else 'bottom', fontsize=10)
    xs, ys = zip(*places.values())
    axes.set(aspect='equal', xlim=(min(xs) - 0.6, max(xs) + 1.2),
             ylim=(min(ys) - 0.4, max(ys) + 0.4))
    axes.set_axis_off()
    axes.legend(handles=[Line2D([], [], color=BLUE, label='rates, times coupling'),
                         Line2D([], [], color=ORANGE, linestyle='--', label='errors'),
                         Line2D([], [], color=BLACK, linewidth=1, label='own inputs')],
                loc='upper center', bbox_to_anchor=(0.5, 0), ncols=3, fontsize=10)


def _places(tree):
    """Places of the compartments: leaves beside each other, parents below the middle of theirs."""
    places, width = {}, 0

    def place(c, depth):
        nonlocal width
        below = [place(child, depth + 1) for child in tree if child.parent == c.name]
        if below:
            x = (below[0] + below[-1])/2
        else:
            x, width = 1.8*width, width + 1
        places[c.name] = x, 1.2*depth
        return x

    place(tree[0], 0)
    return places


def _shades(tree):
    """The grey of every compartment, by the logarithm of its membrane time constant."""
    known = {c.name: math.log(c.tau_m) for c in tree if not isinstance(c.tau_m, str)}
    low, high = min(known.values(), default=0), max(known.values(), default=0)
    slowness = {name: (tau - low)/((high - low) or 1) for name, tau in known.items()}
    return {c.name: _FASTER + (_SLOWER - _FASTER)*slowness.get(c.name, 0) for c in tree}


def _draw_edge(axes, child, parent, coupling):
    """Rates from a compartment to its parent, and errors back, on two lines beside each other."""
    (x, y), (px, py) = child, parent
    length = math.hypot(px - x, py - y)
    along = (px - x)/length, (py - y)/length
    side = -0.05*along[1], 0.05*along[0]  # to the right, seen from above
    ends = [(x + _RADIUS*along[0], y + _RADIUS*along[1]),
            (px - _RADIUS*along[0], py - _RADIUS*along[1])]
    for sign, (start, end), colour, line in ((1, ends, BLUE, '-'),
                                             (-1, ends[::-1], ORANGE, '--')):
        axes.annotate('', [at + sign*by for at, by in zip(end, side)],
                      [at + sign*by for at, by in zip(start, side)], zorder=2,
                      arrowprops=dict(arrowstyle='-|>', color=colour, linestyle=line,
                                      linewidth=1.6, shrinkA=0, shrinkB=0))
    axes.annotate(coupling, ((x + px)/2 + 2.5*side[0], (y + py)/2 + 2.5*side[1]), color=BLUE,
                  va='center' if abs(side[1]) < 0.01 else 'bottom' if side[1] > 0 else 'top',
                  fontsize=10)


def _coupling(c):
    if isinstance(c.coupling, str):
        return c.variable('coupling')
    return f'{1 if c.coupling is None else c.coupling:.3g}'


def _times(c):
    def text(tau, name):
        return c.variable(name) if isinstance(tau, str) else f'{float(tau)*1e3:g}'

    tau_m = text(c.tau_m, 'tau_m')
    times = f'{tau_m} / {tau_m if c.tau_r is None else text(c.tau_r, "tau_r")} ms'
    return f'tau_m / tau_r = {times}' if c.parent is None else times
