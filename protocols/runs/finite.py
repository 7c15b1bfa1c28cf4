"""Results are numbers: what is infinite or undefined is found, and where it was."""

from fnmatch import fnmatchcase

import numpy as np

__all__ = ['REMEDY', 'check_finite', 'finite', 'may_be_nan']

REMEDY = 'use smaller learning rates or weaker feedback'


def may_be_nan(name, unmeasured):
    """Whether NaN stands for what was not measured in an array, by its name."""
    return any(fnmatchcase(name, pattern) for pattern in unmeasured)


def check_finite(arrays, unmeasured=()):
    """Raise a FloatingPointError for an array of a result that has infinite or undefined numbers.

    Where there are times of the samples, as in ``'time'`` or ``'after.time'`` for
    ``'after.output'``, the message has that of the first such number. `unmeasured` are names (or
    patterns of them) of arrays in which NaN stands for what was not measured.

    Examples
    --------
    >>> from brian_le.protocols.runs.finite import check_finite
    >>> check_finite({'time': [0.1, 0.2], 'rate': [1, float('inf')]})
    Traceback (most recent call last):
    ...
    FloatingPointError: 'rate' is inf at index 1, at 0.2 ms; use smaller learning rates or weaker \
feedback
    """
    for name, array in arrays.items():
        array = np.asarray(array)
        bad = np.isinf(array) if may_be_nan(name, unmeasured) else ~finite(array)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            where = f" at index {', '.join(map(str, index))}" if index else ''
            raise FloatingPointError(f"'{name}' is {array[index]}{where}"
                                     f'{_time_of(arrays, name, array.shape, index)}; {REMEDY}')


def _time_of(arrays, name, shape, index):
    """When a sample was, if a result says so."""
    for prefix in (name.rpartition('.')[0] + '.', name.partition('.')[0] + '.', ''):
        times = np.asarray(arrays.get(f'{prefix}time', ()))
        for axis, i in enumerate(index):
            if times.shape == shape[axis:axis + 1]:
                return f', at {times[i]:g} ms'
    return ''


def finite(values):
    """Where an array is finite: everywhere, if it is not one of numbers."""
    values = np.asarray(values)
    return (np.isfinite(values) if values.dtype.kind in 'fc'
            else np.ones(values.shape, dtype=bool))
