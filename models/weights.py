"""Weights of a circuit as arrays, and initial weights of a microcircuit."""

from collections.abc import MutableMapping

import numpy as np
from brian2.units.allunits import hertz
from brian2.units.fundamentalunits import (DIMENSIONLESS, DimensionMismatchError, Quantity,
                                           get_dimensions, have_same_dimensions)
from brian2.units.stdunits import ms

from brian_le.array_files import read_arrays, shapes_of
from brian_le.checks import check_array, check_finite, check_flag, choose, whole_number
from brian_le.models.options import need_random
from brian_le.parameters import quantity
from brian_le.synapses.snapshots import snapshot

__all__ = ['Weights', 'random_weights', 'self_predicting']


class Weights(MutableMapping):
    """The weights of a circuit as arrays, by (kind, layer).

    They are plain numbers, in seconds if they are times. Reading gives a copy, whose elements cannot
    be set; setting one, or `update` with several, sets them in the circuit, and so does
    ``weights[key] *= 2``.

    Parameters
    ----------
    name : str
        Name of the circuit, for messages.
    views : dict of (str, int) to list of ArrayView
        Where the weights are. Several views are put together along their second axis.

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

    def __init__(self, name, views):
        self._name = name
        self._views = views

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
            raise DimensionMismatchError(f"weights {key} of '{self._name}' are given in another unit; "
                                         'give numbers' + ('' if views[0].dim is DIMENSIONLESS else
                                                           ', or times'), get_dimensions(values))
        if np.ndim(values) == 0:
            values = np.full(self.shape(*key), values)
        values = check_array(f"weights {key} of '{self._name}'", values, self.shape(*key))
        for view, part in zip(views, self._parts(views, values)):
            view[:] = Quantity(part, dim=view.dim)

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


def random_weights(sizes, rng, scale=1.0, bias=False):
    """Uniform random weights of a microcircuit.

    Parameters
    ----------
    sizes : sequence of int
        As for `Microcircuit`.
    rng : numpy.random.Generator, numpy.random.RandomState or int
        Draws layer by layer, in each ``up``, ``down``, ``pi``, ``ip``, and ``up`` of the output
        layer last. A `numpy.random.RandomState` gives the weights of the paper's code.
    scale : float
        The weights are in [-scale, scale).
    bias : bool
        Whether ``up`` and ``ip`` have a column for a bias unit.

    Returns
    -------
    dict
        Matrices [post, pre] by (kind, layer).

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.models import random_weights
    >>> random_weights((2, 3, 2), np.random.default_rng(1))['up', 0].shape
    (3, 2)
    """
    rng, n, b = need_random(rng), sizes, int(check_flag('bias', bias))
    check_finite('scale', scale)
    if len(n) < 3:
        raise ValueError(f'sizes are {tuple(n)}; give numbers of inputs, of neurons in at least one '
                         'hidden layer, and of outputs')
    n = [whole_number('sizes', size) for size in n]
    shapes = {}
    for k in range(len(n) - 2):
        shapes |= {('up', k): (n[k + 1], n[k] + b), ('down', k): (n[k + 1], n[k + 2]),
                   ('pi', k): (n[k + 1], n[k + 2]), ('ip', k): (n[k + 2], n[k + 1] + b)}
    shapes['up', len(n) - 2] = (n[-1], n[-2] + b)
    return {key: scale*(2*rng.random(shape) - 1) for key, shape in shapes.items()}


def self_predicting(weights, *, g_l=0.03/ms, g_b=0.1/ms, g_a=0.06/ms, g_d=0.1/ms):
    """Weights with which interneurons predict the layer above: the self-predicting state.

    Without a target the apical dendrites are then silent, once the layers have settled:
    ``W_pi = -W_down`` and ``W_ip = W_up(above) * g_b/(g_l + g_b + g_a)*(g_l + g_d)/g_d``, where
    ``g_a`` counts only if the layer above is hidden.

    Parameters
    ----------
    weights : dict
        Matrices by (kind, layer).
    g_l, g_b, g_a, g_d : Quantity
        Conductances, as for `Microcircuit`.

    Returns
    -------
    dict
        A copy with new ``pi`` and ``ip``.

    References
    ----------
    Sacramento et al. (2018), NeurIPS 31; Haider et al. (2021), supplement.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.models import random_weights, self_predicting
    >>> w = self_predicting(random_weights((2, 3, 2), np.random.default_rng(1)))
    >>> bool(np.all(w['pi', 0] == -w['down', 0]))
    True
    """
    given = {'g_l': g_l, 'g_b': g_b, 'g_a': g_a, 'g_d': g_d}
    # only their ratios count: in the same unit, which may be none
    unit = hertz if any(have_same_dimensions(g, hertz) for g in given.values()) else None
    g_l, g_b, g_a, g_d = (quantity(name, g, unit) for name, g in given.items())
    if ('up', 1) not in weights or ('down', 0) not in weights:
        raise ValueError(f"weights has {', '.join(map(str, weights)) or 'nothing'}; give those of a "
                         "whole circuit, with ('up', k) and ('down', k), as random_weights does")
    for name, total in (('g_d', g_d), ('g_l + g_b', g_l + g_b)):
        if not float(total) > 0:
            raise ValueError(f'{name} is {total}; the self-predicting state needs it positive')
    weights = dict(weights)
    top = max(layer for kind, layer in weights if kind == 'up')
    for k in range(top):
        apical = g_a if k + 1 < top else 0*g_a
        factor = float(g_b/(g_l + g_b + apical)*(g_l + g_d)/g_d)
        weights['pi', k] = -weights['down', k]
        weights['ip', k] = weights['up', k + 1]*factor
    return weights
