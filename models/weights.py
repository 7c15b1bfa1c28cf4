"""Weights of a microcircuit as matrices, and initial weights."""

from collections.abc import MutableMapping

import numpy as np
from brian2.units.stdunits import ms

from brian_le import weight_matrix
from brian_le.checks import check_array, choose

__all__ = ['Weights', 'random_weights', 'self_predicting']


class Weights(MutableMapping):
    """The weights of a microcircuit as matrices [post, pre], by (kind, layer).

    The weights of a bias unit are the last column. Reading gives a copy.
    """

    def __init__(self, circuit):
        self._circuit = circuit

    def __iter__(self):
        return iter([key for key, projection in self._circuit.projections.items()
                     if 'w' in projection.variables and not key[0].endswith('_bias')])

    def __contains__(self, key):
        return key in list(self)

    def __delitem__(self, key):
        raise TypeError('the weights of a circuit cannot be deleted')

    def __repr__(self):
        shapes = ', '.join(f"('{kind}', {k}): {self.shape(kind, k)}" for kind, k in self)
        return f"<Weights of '{self._circuit.name}': {shapes}>"

    def __len__(self):
        return len(list(iter(self)))

    def shape(self, *key):
        """The shape of one matrix, with the column of the bias unit."""
        parts = self._parts(*key)
        return len(parts[0].target), sum(len(part.source) for part in parts)

    def _parts(self, *key):
        projections = self._circuit.projections
        if key not in list(self):
            valid = [f"('{kind}', {k})" for kind, k in self]
            choose(f"weights of '{self._circuit.name}'", str(key), valid)
        kind, layer = key
        return [projections[key] for key in ((kind, layer), (f'{kind}_bias', layer))
                if key in projections]

    def __getitem__(self, key):
        return np.concatenate([weight_matrix(p)[:] for p in self._parts(*_pair(key))], axis=1)

    def __setitem__(self, key, values):
        values = check_array(f"weights {key} of '{self._circuit.name}'", values,
                             self.shape(*_pair(key)))
        start = 0
        for projection in self._parts(*key):
            stop = start + len(projection.source)
            weight_matrix(projection)[:] = values[:, start:stop]
            start = stop

    def variables(self, matrices):
        """The same weights as values of the synaptic variables that hold them.

        Parameters
        ----------
        matrices : dict
            Matrices [post, pre] by (kind, layer).

        Returns
        -------
        dict of str to numpy.ndarray
            Values in the order of the synapses by ``'name.w'``.
        """
        values = {}
        for key, matrix in matrices.items():
            start = 0
            for projection in self._parts(*key):
                stop = start + len(projection.source)
                values[f'{projection.name}.w'] = np.ravel(matrix[:, start:stop].T)
                start = stop
        return values

    def matrices(self, values):
        """The inverse of `variables`."""
        return {key: np.concatenate([
            np.reshape(values[f'{p.name}.w'], (len(p.source), len(p.target))).T
            for p in self._parts(*key)], axis=1) for key in self}


def _pair(key):
    return key if isinstance(key, tuple) else (key,)


def random_weights(sizes, rng, scale=1.0, bias=False):
    """Uniform random weights of a microcircuit.

    Parameters
    ----------
    sizes : sequence of int
        As for `Microcircuit`.
    rng : numpy.random.Generator or numpy.random.RandomState
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
    n, b = sizes, int(bias)
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
