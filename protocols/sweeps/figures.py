"""The figures of any study: all measures against the parameter that has most values.

Every measure has a panel, above the same x axis. Large markers are means, small ones are seeds; a
setting that has lost runs has a cross below the axis, with how many are left of how many.
"""

from collections import namedtuple
from itertools import product

import matplotlib
import numpy as np
from matplotlib.lines import Line2D

from brian_le.protocols.drawing.bands import grouped
from brian_le.protocols.drawing.places import fitting, is_amount, show, wrapped
from brian_le.protocols.plotting import STYLE, new_figure
from brian_le.protocols.sweeps.panels import (LOOKS, MOST_CURVES, Limits, axis_label, different,
                                              draw_curves, draw_map, failed, lost_of, named_in,
                                              numbers_of, places_of)

__all__ = ['measures']

_TALL, _WIDE = 4, 4  # panels of a figure, below and beside each other
_NOT_MEASURES = {'part', 'seed', 'run', 'failed'}

#: Runs, the parameter of the x axis and its places, and the names of those that curves differ in.
_Panel = namedtuple('_Panel', 'title runs along places curves is_map')


def measures(study):
    """All measures against the parameter with most values, a curve for each of the other settings.

    Numbers stand on a linear or a logarithmic axis, values that are none (``unlimited``, ``auto``)
    in a place of their own behind a gap, and anything else side by side. More than six curves are
    drawn in several panels, and two parameters with more than six numbers each as a map. Parts of a
    study that are about different parameters have panels of their own.

    Parameters
    ----------
    study : StudyResult
        Any study.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``measures``, and ``measures-2`` and so on if one page is not enough.
    """
    runs = [*study.rows, *_without_rows(study)]
    drawn, left_out = _split(study, runs)
    with matplotlib.rc_context(STYLE):
        if not drawn:
            figures = [_empty(study, runs, left_out)]
        else:
            figures = [_figure(study, runs, page, left_out)
                       for page in _pages(_panels(study, runs), drawn)]
    return {'measures' + (f'-{number + 1}' if number else ''): figure
            for number, figure in enumerate(figures)}


def _without_rows(study):
    """Runs that have failed without leaving a row, as their files are damaged."""
    there = {row['run'] for row in study.rows}
    return [{**{name: each['parameters'].get(name) for name in study.description['columns']},
             'seed': each['seed'], 'failed': each['reason'], 'run': each['run']}
            for each in getattr(study, 'failed', ())
            if each['run'] not in there and each['parameters'] and not any(
                'part' in row for row in study.rows)]


def _split(study, runs):
    """The measures that are numbers, and those that are not and cannot be drawn."""
    names = dict.fromkeys(name for run in runs if not failed(run) for name in run)
    found = [name for name in names
             if name not in _NOT_MEASURES and name not in study.description['columns']]
    drawn = [name for name in found if numbers_of(runs, name)]
    return drawn, [name for name in found if name not in drawn and
                   any(run.get(name) is not None for run in runs)]


def _settings(study, runs):
    """The names of what differs between runs, without what follows from the part they belong to."""
    names = [name for name in ('part', *study.description['columns'])
             if len(different(runs, name)) > 1]
    if 'part' in names:
        parts = grouped(runs, 'part').values()
        names = ['part', *(name for name in names[1:]
                           if any(len(different(some, name)) > 1 for some in parts))]
    return names


def _along(study, runs):
    """The parameter that is the x axis: of most numbers, or else of most values; None for none."""
    names = _settings(study, runs)
    ordered = [name for name in names if name != 'part' and places_of(study, runs, name).is_ordered]
    return max(ordered or names, key=lambda name: len(different(runs, name)), default=None)


def _panels(study, runs):
    """Panels, in groups with the same x axis."""
    by_axis, parts = {}, len(different(runs, 'part'))
    for some in (grouped(runs, 'part').values() if 'part' in runs[0] else [runs]):
        by_axis.setdefault(_along(study, some), []).extend(some)
    if None in by_axis:  # parts with one setting each: as one of the others, or beside each other
        alone = by_axis.pop(None)
        by_axis.setdefault(next(iter(by_axis), _along(study, alone)), []).extend(alone)
    return [_group(study, some, along, named=parts > len(different(some, 'part')) == 1)
            for along, some in by_axis.items()]


def _group(study, runs, along, named):
    """The panels of runs with the same x axis; `named` if it is a part that they have in common."""
    places = places_of(study, runs, along)
    others = [name for name in _settings(study, runs) if name != along]
    sizes = {name: len(different(runs, name)) for name in others}
    if (not named and len(others) == 1
            and min(sizes[others[0]], len(different(runs, along))) > MOST_CURVES
            and places.is_ordered
            and places_of(study, runs, others[0]).is_ordered):
        return [_Panel('', runs, along, places.side_by_side(), others, True)]
    curves = []
    for name in sorted(others, key=sizes.get, reverse=True):
        if np.prod([sizes[each] for each in (*curves, name)]) <= MOST_CURVES:
            curves.append(name)
    curves = [name for name in others if name in curves]
    apart = [name for name in others if name not in curves]
    apart = ['part', *apart] if named else apart
    return [_Panel(_title(study, apart, values), some, along, places, curves, False)
            for values, some in grouped(runs, *apart).items()]


def _title(study, names, values):
    """What is the same in all of a panel."""
    return ', '.join(str(value) if name == 'part' else
                     f'{name} = {show(value, named_in(study, name))} '.rstrip()
                     + (f" {study.description['columns'][name]}".rstrip()
                        if is_amount(value) else '')
                     for name, value in zip(names, values))


def _pages(groups, names):
    """The figures: rows of panels, each with the name of a measure."""
    curves = {(*panel.curves, *values) for group in groups for panel in group if not panel.is_map
              for values in grouped(panel.runs, *panel.curves)}
    if sum(map(len, groups)) < _WIDE and len(curves) <= MOST_CURVES:
        groups = [[panel for group in groups for panel in group]]
    for group in groups:
        if len(group) < _WIDE:  # measures below each other
            for first in range(0, len(names), _TALL):
                yield [[(name, panel) for panel in group] for name in names[first:first + _TALL]]
        else:  # one measure, with many panels
            for name, first in product(names, range(0, len(group), _TALL*_WIDE)):
                some = group[first:first + _TALL*_WIDE]
                yield [[(name, panel) for panel in some[start:start + _WIDE]]
                       for start in range(0, len(some), _WIDE)]


# ------------------------------------------------------------------------------------------ figures
def _figure(study, runs, page, left_out):
    columns, rows = max(map(len, page)), len(page)
    inches = {1: 5.2, 2: 3.9, 3: 3.2}.get(columns, 2.7)
    together = columns >= _WIDE  # all panels are of one measure
    curves = _curves(study, page)
    beside = bool(curves) and max(map(len, curves.values())) <= 26
    figure, axes = new_figure(
        rows, columns, columns*inches + 0.9 + (2.2 if beside else 0),
        rows*(2.3 if rows > 1 else 3.2) + 1.4, sharex='all' if together else 'col',
        sharey='all' if together else 'row')
    lines = _lines_of_lost(page, curves)
    for row, cells in enumerate(page):
        limits = Limits([cell for line in page for cell in line] if together else cells, lines)
        for column, (name, panel) in enumerate(cells):
            ax, last = axes[row, column], row == rows - 1 or column >= len(page[row + 1])
            first = name if column == 0 else ''
            panel.places.set_axis(ax, axis_label(study, panel.along) if last else '', inches)
            ax.tick_params(axis='x', labelbottom=last)
            if panel.is_map:
                draw_map(study, ax, name, panel, inches)
            else:
                draw_curves(ax, name, panel, list(curves), limits, inches)
                limits.set_axis(ax, first, rows)
            if panel.title and (row == 0 or together):
                ax.set_title(wrapped(panel.title, fitting(inches, 10)), fontsize=10)
        for ax in axes[row, len(cells):]:
            ax.remove()
    figure.align_ylabels()
    if curves:
        _draw_legend(study, figure, curves, beside)
    _write_title(study, figure, runs, left_out)
    return figure


def _curves(study, page):
    """The labels of all curves of a figure, by the names and values of what they differ in."""
    return {(tuple(panel.curves), values): ', '.join(
                show(value, named_in(study, name)) for name, value in zip(panel.curves, values))
            for row in page for _, panel in row if panel.curves and not panel.is_map
            for values in grouped(panel.runs, *panel.curves)}


def _lines_of_lost(page, curves):
    """The curves that have lost runs anywhere in a figure, each with a line for their marks."""
    losers = dict.fromkeys(
        (tuple(panel.curves), values) for row in page for name, panel in row if not panel.is_map
        for values, some in grouped(panel.runs, *panel.curves).items() if lost_of(some, name))
    return {key: line for line, key in enumerate(key for key in [*curves, ((), ())]
                                                 if key in losers)}


def _draw_legend(study, figure, curves, beside):
    names = dict.fromkeys(names for names, _ in curves)
    title = '; '.join(', '.join(axis_label(study, name) for name in some) for some in names)
    lines = [Line2D([], [], color=colour, marker=marker, linestyle=line, markersize=7,
                    markeredgecolor='white', markeredgewidth=0.6)
             for _, (colour, marker, line) in zip(curves, LOOKS)]
    if beside:
        options = dict(loc='outside right upper')
        width = 26
    else:
        width = fitting(figure.get_figwidth() - 1, 10)
        options = dict(loc='outside lower center', ncols=1)
    figure.legend(lines, [wrapped(label, width) for label in curves.values()], fontsize=10,
                  title=wrapped(title, width), title_fontsize=10, handlelength=2.6, **options)


def _write_title(study, figure, runs, left_out):
    width = fitting(figure.get_figwidth() - 0.4, 10)
    figure.suptitle('\n'.join(wrapped(line, width) for line in _words(study, runs, left_out)),
                    fontsize=10, x=0.02, ha='left')


def _words(study, runs, left_out):
    """What stands above the panels: the study, how many runs there are, and what is not drawn."""
    seeds, n_failed = len(different(runs, 'seed')), len(different(filter(failed, runs), 'run'))
    same = [name for name in study.description['columns'] if len(different(runs, name)) == 1]
    said = [study.description['target'].rsplit('/', 1)[-1] + (' with ' if same else '')
            + _title(study, same, [runs[0].get(name) for name in same]),
            f'means (large) of {seeds} seeds (small)' if seeds > 1 else 'one seed']
    if n_failed:
        said.append(f"{n_failed} of {len(different(runs, 'run'))} runs failed (crosses, with how "
                    'many are left)')
    if left_out:
        said.append(f"not drawn, because they are no numbers: {', '.join(left_out)}")
    return said


def _empty(study, runs, left_out):
    """A figure that says why there is nothing in it."""
    figure, ((axes,),) = new_figure(height=2.4)
    axes.axis('off')
    _write_title(study, figure, runs, left_out)
    axes.text(0.5, 0.4, 'nothing to draw: no finished run has a measure that is a number',
              ha='center', va='center', transform=axes.transAxes)
    return figure
