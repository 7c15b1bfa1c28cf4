"""Where the values of a parameter stand on an axis, and what its ticks say.

Amounts stand where numbers stand, on a linear axis or, if they are spread like it, on a logarithmic
one. Values that are no amounts have a place of their own at the right, beyond a gap: those
that a `Parameter` declares, such as the 0 bits that mean unlimited ones, and None, shown as
``auto``. So has 0 on a logarithmic axis, at the left. Anything else is a category.
"""

import math
import numbers
import re

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, LogLocator, MaxNLocator, NullLocator

__all__ = ['Places', 'distances', 'fitting', 'is_amount', 'show', 'ticks_between', 'wrapped']

_GAP = 0.16  # between amounts and what is none, as a fraction of their span
_FEW = 9  # amounts that have a tick each
_CHARACTER = 0.6  # its width, as a fraction of the size of the font
_LARGEST = 1e300  # beyond it, what is between two numbers is none


def is_amount(value):
    """Whether a value is a finite number, and not true or false."""
    return (isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
            and abs(value) < _LARGEST)


def show(value, named=()):
    """A value as a reader sees it.

    Examples
    --------
    >>> from brian_le.protocols.drawing.places import show
    >>> show(0.25), show(True), show(None), show(0, [(0, 'unlimited')])
    ('0.25', 'true', 'auto', 'unlimited')
    """
    if value is None:
        return 'auto'
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    for special, label in named:
        if is_amount(value) and value == special:
            return label
    return f'{value:.6g}' if isinstance(value, numbers.Real) else str(value)


def wrapped(text, width):
    """A text in lines of at most so many characters, broken at spaces and underscores.

    Examples
    --------
    >>> from brian_le.protocols.drawing.places import wrapped
    >>> wrapped('accuracy_before_death', 10)
    'accuracy_\\nbefore_\\ndeath'
    """
    lines = ['']
    for piece in re.split(r'(?<=[ _/])|(?<=\.)(?=[A-Za-z])', text):
        if len((lines[-1] + piece).rstrip()) > width and lines[-1]:
            lines.append('')
        while len(piece.rstrip()) > width:
            lines[-1:] = [piece[:width], '']
            piece = piece[width:]
        lines[-1] += piece
    return '\n'.join(line.rstrip() for line in lines)


def fitting(inches, size):
    """How many characters of a font of some size (points) fit into a width."""
    return max(4, int(inches*72/(_CHARACTER*size)))


def distances(axes, places, inches):
    """How many points there are from each of some places on the x axis to the next one."""
    scale = np.log10 if axes.get_xscale() == 'log' else np.asarray
    low, high = scale(axes.get_xlim())
    steps = np.diff(scale(places))/(high - low)*inches*72 if len(places) > 1 else []
    return [*steps, math.inf][:len(places)]


def ticks_between(low, high, logarithmic, number=6):
    """Round numbers from `low` to `high`."""
    if logarithmic:
        decades = math.log10(high/low)
        found = LogLocator(subs=(1,) if decades > 2 else (1, 2, 5) if decades > 0.7
                           else range(1, 10), numticks=number + 2).tick_values(low, high)
    else:
        found = MaxNLocator(number, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [at for at in found if low*(1 - 1e-9*(low > 0)) <= at <= high*(1 + 1e-9*(high > 0))]


def is_logarithmic(amounts):
    """Whether positive numbers (and 0) are spread evenly by ratios rather than by differences.

    Examples
    --------
    >>> from brian_le.protocols.drawing.places import is_logarithmic
    >>> is_logarithmic([0.3, 1, 10]), is_logarithmic(range(1, 100)), is_logarithmic([0, 0.1, 0.2])
    (True, False, False)
    """
    positive = np.array(sorted({value for value in amounts if value > 0}), float)
    if min(amounts, default=-1) < 0 or len(positive) < 3 or positive[-1] < 10*positive[0]:
        return False
    ratios, differences = np.diff(np.log(positive)), np.diff(positive)
    return bool(ratios.std()/ratios.mean() < differences.std()/differences.mean())


class Places:
    """The places of some values on the x axis.

    Parameters
    ----------
    values : sequence
        The values, in the order in which categories stand.
    named : sequence of tuple
        Values that are no amounts, with what they are called.

    Attributes
    ----------
    is_ordered : bool
        Whether there are amounts, and no categories: what a line may be drawn along.

    Examples
    --------
    >>> from brian_le.protocols.drawing.places import Places
    >>> places = Places([4, 6, 8, 0], [(0, 'unlimited')])
    >>> places[6], places.is_amount(6), round(places[0], 2), places.is_amount(0)
    (6.0, True, 8.64, False)
    """

    def __init__(self, values, named=()):
        values = list(dict.fromkeys(values))
        apart = [value for value in values if value is None
                 or is_amount(value) and any(value == special for special, _ in named)]
        amounts = [value for value in values if value not in apart]
        self.is_ordered = bool(amounts) and all(map(is_amount, amounts))
        self.logarithmic = self.is_ordered and is_logarithmic(amounts)
        self._labels = {value: show(value, named) for value in values}
        self._labels |= _shortest(value for value in values if value not in apart
                                  and isinstance(value, float) and is_amount(value))
        self._places, self._gaps, self._thinned = {}, [], False
        if not self.is_ordered:
            self._amounts = []
            self._places = {value: float(number) for number, value in enumerate(values)}
            return
        amounts = sorted(amounts)
        with_zero = self.logarithmic and amounts[0] == 0
        self._amounts = amounts[1:] if with_zero else amounts
        self._places = {value: float(value) for value in self._amounts}
        if with_zero:
            self._places[0] = self._beyond(-1)
        self._places |= {value: self._beyond(1 + number) for number, value in enumerate(apart)}
        self._gaps = [self._beyond(gaps) for gaps, some in ((-0.5, with_zero), (0.5, apart))
                      if some]

    def _beyond(self, gaps):
        """A place so many gaps before the lowest or behind the highest amount."""
        low, high = self._amounts[0], self._amounts[-1]
        end = high if gaps > 0 else low
        if self.logarithmic:
            return float(end*(high/low)**(_GAP*gaps))
        return float(end + _GAP*gaps*((high - low) or abs(high) or 1))

    def __getitem__(self, value):
        return self._places[value]

    def side_by_side(self):
        """The same values at the same distances, as in a map."""
        places = Places([])
        places._labels = {value: self._labels[value] for value in self.values()}
        places._places = {value: float(number) for number, value in enumerate(places._labels)}
        places._thinned = True
        return places

    def is_amount(self, value):
        """Whether a value is one of those that a line may be drawn along."""
        return value in self._amounts

    def values(self):
        """All values, from left to right."""
        return sorted(self._places, key=self._places.get)

    def set_axis(self, axes, label, inches):
        """Give axes of some width (in inches) these places as their x axis."""
        low, high = min(self._places.values()), max(self._places.values())
        if self.logarithmic:
            axes.set_xscale('log')
            axes.set_xlim(low*(low/high)**0.06, high*(high/low)**0.06)
        else:
            margin = ((0.06*(high - low) or 0.5*abs(high) or 1) if self.is_ordered
                      else 0.5 if self._thinned else 0.6)
            axes.set_xlim(low - margin, high + margin)
        axes.set_xlabel(wrapped(label, fitting(inches, 12)))
        axes.xaxis.set_minor_locator(NullLocator())
        (self._tick_amounts if self.is_ordered else self._tick_categories)(axes, inches)
        for gap in self._gaps:
            axes.text(gap, 0, '//', fontsize=9, ha='center', va='center', clip_on=False, zorder=6,
                      transform=axes.get_xaxis_transform(), gid='gap',
                      bbox=dict(facecolor='white', edgecolor='none', pad=0.6))

    def _tick_amounts(self, axes, inches):
        ticks = [(self._places[value], self._labels[value]) for value in self._amounts]
        if len(ticks) > _FEW:
            ticks = [(at, show(float(at))) for at in ticks_between(
                self._amounts[0], self._amounts[-1], self.logarithmic)]
        fixed = [(self._places[value], self._labels[value]) for value in self._places
                 if value not in self._amounts]
        scale = np.log10 if self.logarithmic else float
        low, high = (scale(at) for at in axes.get_xlim())
        kept = [(at, label, 0.6*len(label) + 0.4) for at, label in fixed]
        for at, label in ticks:  # no labels into each other
            half = 0.6*len(label) + 0.4
            if all(abs(scale(at) - scale(other))/(high - low)*inches*72 > (half + wide)/2*11
                   for other, _, wide in kept):
                kept.append((at, label, half))
        _set_ticks(axes, [(at, label) for at, label, _ in kept])

    def _tick_categories(self, axes, inches):
        each = fitting(inches/max(len(self._places), 1), 11)
        longest = max(map(len, self._labels.values()))
        if self._thinned:
            step = -(-len(self._places)*(longest + 1)//fitting(inches, 11))
            return _set_ticks(axes, [(float(at), label) for at, label in enumerate(
                self._labels.values()) if at % step == 0])
        flat = longest <= each or each >= 10 and longest <= 3*each
        width = each if flat else 26
        _set_ticks(axes, [(self._places[value], _short(wrapped(label, width), 3))
                          for value, label in self._labels.items()])
        axes.tick_params(axis='x', length=0)
        if not flat:
            for tick in axes.get_xticklabels():
                tick.set(rotation=90 if each < 5 else 35, rotation_mode='anchor', ha='right',
                         va='center' if each < 5 else 'top')


def _shortest(numbers):
    """Numbers in few digits, as many as they need to be told apart."""
    numbers = list(numbers)
    for digits in range(3, 15):
        labels = {number: f'{number:.{max(digits, len(str(int(abs(number)))))}g}'
                  for number in numbers}
        if len(set(labels.values())) == len(labels):
            break
    return labels


def _short(text, lines):
    """At most so many lines of a text."""
    split = text.split('\n')
    return '\n'.join(split if len(split) <= lines else [*split[:lines - 1], split[-1][:-1] + '…'])


def _set_ticks(axes, ticks):
    axes.xaxis.set_major_locator(FixedLocator([at for at, _ in ticks]))
    axes.xaxis.set_major_formatter(FixedFormatter([label for _, label in ticks]))
