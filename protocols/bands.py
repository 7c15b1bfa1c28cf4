"""Curves of studies: means over seeds, with bands from the lowest to the highest."""

import numpy as np

__all__ = ['band', 'grouped']


def grouped(rows, *names):
    """The rows of a study, by the values that they have of some parameters.

    Parameters
    ----------
    rows : list of dict
        Of a `StudyResult`.
    *names : str
        Names of parameters.

    Returns
    -------
    dict of tuple to list of dict
        In the order of the rows.

    Examples
    --------
    >>> from brian_le.protocols.bands import grouped
    >>> grouped([{'a': 1, 'seed': 1}, {'a': 1, 'seed': 2}], 'a')
    {(1,): [{'a': 1, 'seed': 1}, {'a': 1, 'seed': 2}]}
    """
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def band(axes, rows, x, y, style, *, scale=1.0, x_scale=1.0, **options):
    """Draw the mean over seeds against a parameter, with a band from the lowest to the highest.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    rows : list of dict
        Rows of one curve.
    x, y : str
        Names of the parameter and of what was measured.
    style : str
        Marker and line, as ``'o-'``.
    scale, x_scale : callable or float
        What values are multiplied with; `scale` may be a function of them.
    **options
        Of `matplotlib.axes.Axes.plot`, with a ``color``.
    """
    values = {key[0]: np.array([row[y] for row in some if row[y] is not None])
              for key, some in sorted(grouped(rows, x).items())}
    values = {at: scale(found) if callable(scale) else scale*found
              for at, found in values.items() if len(found)}
    at = x_scale*np.array(list(values))
    axes.plot(at, [found.mean() for found in values.values()], style, **options)
    axes.fill_between(at, [found.min() for found in values.values()],
                      [found.max() for found in values.values()], color=options['color'],
                      alpha=0.15, linewidth=0)
