"""Curves of studies: means over seeds, with bands from the lowest to the highest.

Runs that have failed are in no mean; where some have, a curve says how many are left of how many.
"""

import numpy as np

__all__ = ['band', 'grouped', 'mark_lost', 'spread', 'with_count']


def grouped(rows, *names):
    """The rows of a study, by the values that they have of some parameters, in their order.

    Examples
    --------
    >>> from brian_le.protocols.drawing.bands import grouped
    >>> grouped([{'a': 1, 'seed': 1}, {'a': 1, 'seed': 2}], 'a')
    {(1,): [{'a': 1, 'seed': 1}, {'a': 1, 'seed': 2}]}
    """
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def mark_lost(axes, rows, x, colour, *, x_scale=1.0):
    """Mark where a curve has lost runs: a cross at the bottom, and how many are left (``2 of 3``).

    `rows` are those of one curve, failed ones among them, and `x` is the name of a parameter, whose
    values are multiplied with `x_scale`. Each curve that has lost any gets a line of its own.
    """
    lost = {x_scale*key[0]: text for key, some in sorted(grouped(rows, x).items())
            if (text := _left(some))}
    if not lost:
        return
    height = 0.04 + 0.06*sum(line.get_gid() == 'lost' for line in axes.lines)
    place = axes.get_xaxis_transform()
    axes.plot(list(lost), [height]*len(lost), 'x', color=colour, markersize=6, markeredgewidth=1.8,
              transform=place, gid='lost')
    for at, text in lost.items():
        axes.annotate(text, (at, height), (6, 0), fontsize=8, xycoords=place, va='center',
                      textcoords='offset points', gid='count')


def with_count(label, rows):
    """A label, with how many of some runs are left if any have failed.

    Examples
    --------
    >>> from brian_le.protocols.drawing.bands import with_count
    >>> with_count('random', [{'seed': 1}, {'seed': 2, 'failed': 'why'}])
    'random (1 of 2)'
    """
    left = _left(rows)
    return f'{label} ({left})' if left else label


def _left(rows):
    """How many runs have not failed, if any have."""
    left = sum('failed' not in row for row in rows)
    return f'{left} of {len(rows)}' if left < len(rows) else ''


def band(axes, rows, x, y, style, *, scale=1.0, x_scale=1.0, **options):
    """Draw a measure `y` over seeds against a parameter `x`; failed runs as `mark_lost` does.

    Values are multiplied with `scale` and `x_scale`; `scale` may be a function of them. `style` and
    the options are those of `spread`.
    """
    mark_lost(axes, rows, x, options['color'], x_scale=x_scale)
    values = {key[0]: np.array([row[y] for row in some if row.get(y) is not None])
              for key, some in sorted(grouped(rows, x).items())}
    values = {at: scale(found) if callable(scale) else scale*found
              for at, found in values.items() if len(found)}
    spread(axes, x_scale*np.array(list(values)), values.values(), style, **options)


def spread(axes, at, values, style, *, color, alpha=0.15, **options):
    """Draw the means of values at some places, with a band from the lowest to the highest.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    at : array_like
        The places on the x axis.
    values : iterable of array
        The values at each of them.
    style, color, alpha
        Marker and line, as ``'o-'``; their colour; how dark the band is.
    **options
        Of `matplotlib.axes.Axes.plot`.
    """
    axes.plot(at, [found.mean() for found in values], style, color=color, **options)
    axes.fill_between(at, [found.min() for found in values], [found.max() for found in values],
                      color=color, alpha=alpha, linewidth=0)
