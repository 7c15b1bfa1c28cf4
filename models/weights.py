"""Weights of a circuit as arrays."""

from collections.abc import MutableMapping

import numpy as np
from brian2.units.fundamentalunits import (DIMENSIONLESS, DimensionMismatchError, Quantity,
                                           get_dimensions)

from brian_le.array_files import read_arrays, shapes_of
from brian_le.checks import check_array, choose
from brian_le.synapses.snapshots import snapshot

__all__ = ['Weights']


class Weights(MutableMapping):
    """The weights of a circuit as arrays, by (kind, layer).

    They are plain numbers, in seconds if they are times. Reading gives a copy, whose elements
    cannot be set; setting one, or `update` with several, sets them in the circuit, and so does
    ``weights[key] *= 2``.

    Parameters
    ----------
    name : str
        Name of the circuit, for messages.
    views : dict of (str, int) to list of ArrayView
        Where the weights are. Several views are put together along their second axis.
    checks : dict of (str, int) to callable, optional
        What refuses an array that these weights cannot have.

    Examples
    --------
    >>> from brian_le.models import Microcircuit
    >>> mc = Microcircuit((4, 6, 2))
    >>> mc.weights
    <Weights of 'microcircuit': ('up', 0): (6, 4), ('up', 1): (2, 6), ('ip', 0): (2, 6), \
('pi', 0): (6, 2), ('down', 0): (6, 2)>
    >>> mc.weights['down', 0] = 0.5
    >>> mc.weights['down', 0][0]
    array([0.5, 0.5])
    """

    def __init__(self, name, views, checks=None):
        self._name = name
        self._views = views
        self._checks = checks or {}

    def __iter__(self):
        return iter(self._views)

    def __len__(self):
        return len(self._views)

    def __contains__(self, key):
        return key in self._views

    def __delitem__(self, key):
        raise TypeError('the weights of a circuit cannot be deleted')

    def __repr__(self):
        shapes = ', '.join(f'{key}: {self.shape(*key)}' for key in self)
        return f"<Weights of '{self._name}': {shapes}>"

    def _views_of(self, key):
        if key not in self:
            key = key if isinstance(key, tuple) else (key,)
            choose(f"weights of '{self._name}'", str(key), [str(valid) for valid in self])
        return self._views[key]

    def shape(self, *key):
        """The shape of one array."""
        first, *more = (view.shape for view in self._views_of(key))
        if not more:
            return first
        return first[0], first[1] + sum(shape[1] for shape in more)

    def __getitem__(self, key):
        values = _joined([np.asarray(view) for view in self._views_of(key)])
        return snapshot(values, f"write weights[{', '.join(map(repr, key))}] = values")

    def __setitem__(self, key, values):
        views = self._views_of(key)
        if get_dimensions(values) not in (DIMENSIONLESS, views[0].dim):  # plain numbers always may
            times = '' if views[0].dim is DIMENSIONLESS else ', or times'
            raise DimensionMismatchError(f"weights {key} of '{self._name}' are given in another "
                                         f'unit; give numbers{times}', get_dimensions(values))
        if np.ndim(values) == 0:
            values = np.full(self.shape(*key), values)
        values = check_array(f"weights {key} of '{self._name}'", values, self.shape(*key))
        self._check(key, values)
        for view, part in zip(views, self._parts(views, values)):
            view[:] = Quantity(part, dim=view.dim)

    def _check(self, key, values):
        if key in self._checks:
            self._checks[key](values)

    @staticmethod
    def _parts(views, values):
        """The parts of an array that belong to some views."""
        if len(views) == 1:
            return [np.asarray(values)]
        return np.split(values, np.cumsum([view.shape[1] for view in views[:-1]]), axis=1)

    def variables(self, arrays):
        """The same weights as values of the synaptic variables that hold them.

        Parameters
        ----------
        arrays : dict
            Arrays by (kind, layer).

        Returns
        -------
        dict of str to numpy.ndarray
            Values in the order of the synapses by ``'name.w'``.
        """
        for key, array in arrays.items():
            self._check(key, array)
        return {view.key: view.to_flat(part) for key, array in arrays.items()
                for views in [self._views_of(key)]
                for view, part in zip(views, self._parts(views, array))}

    def matrices(self, values):
        """The inverse of `variables`."""
        return {key: _joined([view.to_shape(np.asarray(values[view.key])) for view in views])
                for key, views in self._views.items()}

    def save(self, path):
        """Write all weights into a file.

        Parameters
        ----------
        path : path-like
            The file, in NumPy's format npz, with an array ``kind_layer`` for each.
        """
        with open(path, 'wb') as file:
            np.savez(file, **{f'{kind}_{layer}': array for (kind, layer), array in self.items()})

    def load(self, path):
        """Set all weights from a file that `save` has written.

        Parameters
        ----------
        path : path-like
            The file.

        Raises
        ------
        ValueError
            If it is no such file, or belongs to a circuit of other shapes. No weights are set then.
        """
        needed = {f'{kind}_{layer}': (kind, layer) for kind, layer in self}
        shapes = {name: self.shape(*key) for name, key in needed.items()}
        try:
            there = shapes_of(path)
        except ValueError as error:
            raise ValueError(f"'{path}' is not a file of weights, or is damaged: {error}") from None
        if there.keys() != shapes.keys():
            raise ValueError(f"'{path}' has the weights {', '.join(sorted(there))}, but "
                             f"'{self._name}' needs {', '.join(sorted(needed))}")
        # before they are read: a small file may say that it holds very much
        for name, (shape, dtype) in there.items():
            if shape != shapes[name] or dtype.kind not in 'biuf':
                raise ValueError(f"{name} in '{path}' has shape {shape} and type {dtype}, but "
                                 f'numbers of shape {shapes[name]} are needed')
        try:
            found = read_arrays(path, shapes)
        except ValueError as error:
            raise ValueError(f"'{path}' is not a file of weights, or is damaged: {error}") from None
        arrays = {key: check_array(f"{name} in '{path}'", found[name], self.shape(*key))
                  for name, key in needed.items()}
        self.update(arrays)


def _joined(parts):
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
