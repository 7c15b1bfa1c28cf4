"""Figures of any study: every measure against a parameter that is a number."""

import numbers

import numpy as np

from brian_le.protocols.figures import BLACK, BLUE, GREEN, ORANGE, PURPLE, new_figure

__all__ = ['measures']

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, BLACK)
_MARKERS, _LINES = 'os^DvPX', ('-', '--', '-.', ':')
_WIDE = 30  # ratio of the largest to the smallest value from which an axis is logarithmic


def measures(study):
    """All measures against the parameter with most values, a line for each of the other settings.

    Points are means over seeds, bands (or bars, where there is nothing to draw them along) reach
    from the lowest to the highest.

    Parameters
    ----------
    study : StudyResult
        Any study.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        One by the name of each measure.
    """
    units = study.description['columns']
    settings = [name for name in ('part', *units) if len(_different(study, name)) > 1]
    numeric = [name for name in settings if name != 'part'
               and all(_is_number(value) for value in _different(study, name))]
    along = max(numeric, key=lambda name: len(_different(study, name)), default=None)
    return {name: _figure(study, name, along, [each for each in settings if each != along])
            for name in study.table if name not in {'part', 'seed', 'run', *units}
            and any(_is_number(value) for value in study.table[name])}


def _figure(study, measure, along, others):
    lines = {}
    for row in study.rows:
        if _is_number(row.get(measure)):
            label = ', '.join(f'{name} = {_show(row.get(name))}' for name in others)
            x = row[along] if along else len(lines) if label not in lines else next(
                iter(lines[label]))
            lines.setdefault(label, {}).setdefault(x, []).append(row[measure])
    figure, ((axes,),) = new_figure()
    for number, (label, points) in enumerate(lines.items()):
        colour, marker, line = _style(number)
        at = sorted(points)
        mean, low, high = (np.array([f(points[x]) for x in at], float)
                           for f in (np.mean, np.min, np.max))
        if len(at) > 1:
            axes.plot(at, mean, marker + line, color=colour, label=label)
            axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
        else:
            # a mean may be rounded to beyond what it is the mean of
            bars = np.maximum([mean - low, high - mean], 0)
            axes.errorbar(at, mean, bars, fmt=marker, color=colour, capsize=4, label=label)
    if along:
        unit = study.description['columns'][along]
        axes.set(xlabel=f'{along} ({unit})' if unit else along)
        values = _different(study, along)
        if min(values) > 0 and max(values) >= _WIDE*min(values):
            axes.set(xscale='log')
    else:
        axes.set(xticks=range(len(lines)), xlim=(-0.5, len(lines) - 0.5))
        axes.set_xticklabels([label.replace(', ', '\n') for label in lines] if len(lines) <= 6
                             else [''] * len(lines))
    seeds = len(_different(study, 'seed'))
    axes.set(ylabel=measure, title=f"{study.description['target'].rsplit('/', 1)[-1]}: {measure}"
             + (f', mean and range of {seeds} seeds' if seeds > 1 else ''))
    if along and any(lines) or len(lines) > 6:
        figure.legend(loc='outside right upper', fontsize=10)
    return figure


def _style(number):
    """Colour, marker and line of a curve: no two of the first 35 have the same first two."""
    return (_COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)],
            _LINES[number % len(_LINES)])


def _different(study, name):
    return list(dict.fromkeys(row.get(name) for row in study.rows))


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _show(value):
    return 'auto' if value is None else f'{value:g}' if _is_number(value) else str(value)
