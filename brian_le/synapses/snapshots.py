"""Arrays that were read from a network, and are not a way to change it."""

import numpy as np
from brian2.units.fundamentalunits import Quantity

__all__ = ['Snapshot', 'snapshot']


class Snapshot(np.ndarray):
    """Values as they were when they were read.

    Setting an element would change a copy, so it is refused. Calculations give plain arrays, and
    ``copy()`` an array to change. Made by `snapshot`.
    """

    _where = 'give all values at once'

    def __array_finalize__(self, other):
        self._where = getattr(other, '_where', self._where)

    def __setitem__(self, item, value):
        self._need_writable()
        super().__setitem__(item, value)

    def _need_writable(self):
        if not self.flags.writeable:
            raise ValueError('these values are a copy, and setting them would change nothing else: '
                             f'{self._where}; or take a copy() of your own')

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        inputs = [np.asarray(x) if isinstance(x, Snapshot) else x for x in inputs]
        for out in options.get('out', ()):
            if isinstance(out, Snapshot):
                out._need_writable()
        return getattr(ufunc, method)(*inputs, **options)

    def fill(self, value):
        self._need_writable()
        super().fill(value)

    def sort(self, *args, **options):
        self._need_writable()
        super().sort(*args, **options)

    def __repr__(self):
        return repr(np.asarray(self))


def _calculated(operator):
    """``x += 1`` as ``x = x + 1``, so that ``weights[key] += 1`` sets what it has read."""
    def operate(self, other):
        return getattr(np.asarray(self), operator)(other)
    return operate


for _operator in ('add', 'sub', 'mul', 'truediv', 'floordiv', 'pow', 'mod', 'matmul', 'and', 'or',
                  'xor', 'lshift', 'rshift'):
    setattr(Snapshot, f'__i{_operator}__', _calculated(f'__{_operator}__'))


def snapshot(values, where):
    """Values that cannot be changed; `where` says in an error how they are set instead.

    Parameters
    ----------
    values : numpy.ndarray or Quantity
        A copy of values, or one number.
    where : str
        Where they are set, such as ``"write net.weights['forward', 0] = values"``.

    Returns
    -------
    Snapshot
        Or a `brian2.Quantity` that is read-only, or the number.
    """
    if np.ndim(values) == 0:
        return values
    if not isinstance(values, Quantity):
        values = np.asarray(values).view(Snapshot)
        values._where = where
    values.flags.writeable = False
    return values
