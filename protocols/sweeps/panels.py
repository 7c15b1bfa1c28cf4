"""The panels of the figures of any study: curves with runs that are lost, and maps."""

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from brian_le.protocols.drawing.bands import grouped
from brian_le.protocols.drawing.places import (Places, distances, fitting, is_amount, show,
                                               ticks_between, wrapped)
from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED

__all__ = ['LOOKS', 'MOST_CURVES', 'Limits', 'axis_label', 'different', 'draw_curves', 'draw_map',
           'failed', 'lost_of', 'named_in', 'numbers_of', 'places_of']

LOOKS = ((BLUE, 'o', '-'), (ORANGE, 's', '--'), (GREEN, '^', '-.'), (PURPLE, 'D', ':'),
          (BLACK, 'v', (0, (5, 1, 1, 1, 1, 1))), (RED, 'P', (0, (1, 1))))
MOST_CURVES = len(LOOKS)  # of a panel; what is more goes into panels of its own


def failed(run):
    """Whether a run has no results."""
    return bool(run.get('failed'))


# ------------------------------------------------------------------------------ what is drawn where
def different(runs, name):
    return list(dict.fromkeys(run.get(name) for run in runs))


def numbers_of(runs, name):
    """What runs have measured that is a finite number, or true or false."""
    found = [run.get(name) for run in runs]
    found = [int(value) if isinstance(value, (bool, np.bool_)) else value for value in found]
    return [value for value in found if is_amount(value)]


def lost_of(runs, name):
    """How many runs have failed, or have measured what is no finite number."""
    return sum(failed(run) or isinstance(run.get(name), float) and not is_amount(run[name])
               for run in runs)


def named_in(study, name):
    """The values of a parameter that are no amounts, with what they are called."""
    return study.description.get('named', {}).get(name, ())


def places_of(study, runs, name):
    return Places(different(runs, name) if name else [''], named_in(study, name))


def axis_label(study, name):
    unit = study.description['columns'].get(name)
    return '' if name is None else f'{name} ({unit})' if unit else name


class Limits:
    """The y axis of panels: their values, and a strip below for runs that are lost."""

    def __init__(self, cells, lines):
        values = [value for name, panel in cells for value in numbers_of(panel.runs, name)]
        self.of_truths = all(isinstance(run.get(name), (bool, np.bool_, type(None)))
                             for name, panel in cells for run in panel.runs)
        low, high = (min(values), max(values)) if values else (0, 1)
        low, high = (0, 1) if self.of_truths else (low, high)
        self.logarithmic = low > 0 and high >= 100*low
        if self.logarithmic:
            self.low, self.high = low*(low/high)**0.06, high*(high/low)**0.06
        else:
            margin = 0.06*(high - low) or 0.1*abs(high) or 0.5
            self.low, self.high = low - margin, high + margin
        self.lines = lines
        self.strip = 0.06 + 0.09*len(lines) if lines else 0

    def height(self, curve):
        """Where the lost runs of a curve are, as a fraction of the axis."""
        return self.strip - 0.075 - 0.09*self.lines[curve]

    def set_axis(self, axes, label, rows):
        """Give axes these limits, and round numbers as ticks."""
        scale, back = ((np.log10, lambda at: 10.0**at) if self.logarithmic else (float, float))
        low, high = scale(self.low), scale(self.high)
        bottom = high - (high - low)/(1 - self.strip)
        if self.logarithmic:
            axes.set_yscale('log')
        axes.set_ylim(back(bottom), back(high))
        ticks = ([(0, 'false'), (0.5, '0.5'), (1, 'true')] if self.of_truths else
                 [(at, show(float(at)))
                  for at in ticks_between(self.low, self.high, self.logarithmic, 5)])
        if self.strip:
            ticks.append((back(bottom + (high - bottom)*self.strip/2), 'failed'))
            axes.axhline(self.low, color='0.7', linewidth=0.8, zorder=0)
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(FixedLocator([at for at, _ in ticks]))
        axes.yaxis.set_major_formatter(FixedFormatter([text for _, text in ticks]))
        if label:
            inches = 2.2 if rows > 1 else 2.9
            size = 12 if len(label) <= 2*fitting(inches, 12) else 9
            axes.set_ylabel(wrapped(label, fitting(inches, size)), fontsize=size)


def draw_curves(axes, name, panel, curves, limits, inches):
    """Means, seeds and lost runs of all curves of a panel."""
    at_once = max(len(curves), 1)
    apart = 3 if panel.places.is_ordered else min(
        16, 0.6*inches*72/len(panel.places.values())/at_once)  # points
    for values, runs in grouped(panel.runs, *panel.curves).items():
        curve = tuple(panel.curves), values
        number = curves.index(curve) if curve in curves else 0
        colour, marker, line = LOOKS[number]
        shift = ScaledTranslation((number - (at_once - 1)/2)*apart/72, 0,
                                  axes.figure.dpi_scale_trans)
        by_value = ({key: some for (key,), some in grouped(runs, panel.along).items()}
                    if panel.along else {'': runs})
        options = dict(color=colour, transform=axes.transData + shift)
        means, lost = {}, {}
        for value in (value for value in panel.places.values() if value in by_value):
            some, at = by_value[value], panel.places[value]
            found = numbers_of(some, name)
            if found:
                means[value] = float(np.mean(found))
            if len(found) > 1:
                axes.plot([at]*len(found), found, marker, markersize=3.5, alpha=0.5,
                          markeredgewidth=0, gid='seeds', **options)
            if n_lost := lost_of(some, name):
                lost[at] = len(some) - n_lost, len(some)
        _mark_lost(axes, lost, limits, curve, colour, shift, inches)
        for joined in (True, False):
            chosen = [value for value in means if panel.places.is_amount(value) == joined]
            axes.plot([panel.places[value] for value in chosen],
                      [means[value] for value in chosen], marker=marker,
                      linestyle=line if joined else 'none', markersize=7, zorder=3, gid='mean',
                      markeredgecolor='white', markeredgewidth=0.6, **options)


def _mark_lost(axes, lost, limits, curve, colour, shift, inches):
    """A cross wherever a curve has lost runs, and how many are left of how many."""
    strip = axes.get_xaxis_transform() + shift
    for (at, counts), room in zip(lost.items(), distances(axes, list(lost), inches)):
        height = limits.height(curve)
        axes.plot([at], [height], 'x', color=colour, markersize=6, markeredgewidth=1.8,
                  transform=strip, gid='lost')
        if text := _count(counts, room - 8):
            axes.annotate(text, (at, height), (6, 0), fontsize=8, xycoords=strip,
                          textcoords='offset points', va='center_baseline', gid='count')


def _count(counts, room):
    """How many of how many, in as many points as there are."""
    for text in ('{} of {}'.format(*counts), '{}/{}'.format(*counts)):
        if 4.4*len(text) < room:
            return text
    return ''


def draw_map(study, axes, name, panel, inches):
    """Means by two parameters, as colours."""
    (other,) = panel.curves
    rows = places_of(study, panel.runs, other).values()
    columns, cells = panel.places.values(), grouped(panel.runs, panel.along, other)
    image = np.full((len(rows), len(columns)), np.nan)
    for (x, y), some in cells.items():
        at = rows.index(y), columns.index(x)
        if found := numbers_of(some, name):
            image[at] = np.mean(found)
        if lost := lost_of(some, name):
            axes.plot(at[1], at[0], 's', color='white', markersize=8, markeredgewidth=0)
            axes.plot(at[1], at[0], 'x', color=BLACK, markersize=6, markeredgewidth=1.5,
                      gid='lost')
            if text := _count((len(some) - lost, len(some)), inches*72/len(columns)):
                axes.annotate(text, (at[1], at[0]), (0, -9), fontsize=8, ha='center', va='center',
                              textcoords='offset points', gid='count',
                              bbox=dict(facecolor='white', edgecolor='none', pad=0.4))
    drawn = axes.imshow(image, cmap='cividis', aspect='auto', origin='lower',
                        interpolation='nearest')
    axes.set_facecolor('0.92')
    step = max(1, -(-len(rows)//8))
    axes.set_yticks(range(0, len(rows), step),
                    [show(value, named_in(study, other)) for value in rows[::step]])
    axes.set_ylabel(wrapped(axis_label(study, other), 18))
    axes.figure.colorbar(drawn, ax=axes, label=wrapped(name, 20))
