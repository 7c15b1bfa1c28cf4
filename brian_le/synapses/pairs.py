"""Indices of synapses that are not stored.

Brian2 keeps two indices for every synapse. Where every pair of neurons is connected they can be
computed, and fill memory only for code that asks for them.
"""

import numpy as np
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.device import RuntimeDevice, get_device
from brian2.synapses.synapses import SynapticIndexing

from brian_le.synapses.liberties import become, neurons_of

__all__ = ['PairIndices', 'PairIndexing']


class PairIndices(DynamicArrayVariable):
    """The index of the source or target neuron of each synapse, computed on demand.

    Attributes
    ----------
    compute : callable or None
        Gives the indices, if they can be computed.
    stored : bool
        Whether they are stored, as in Brian2.
    """

    compute = None
    stored = True

    @classmethod
    def adopt(cls, variable):
        """Turn an array of Brian2 into one that can be computed."""
        return become(variable, cls)

    def compute_by(self, compute):
        """From now on, do not store the indices but compute them."""
        self.compute = compute
        self.stored = False

    def get_value(self):
        if self.stored:
            return super().get_value()
        indices = self.compute()
        if isinstance(get_device(), RuntimeDevice):
            # somebody simulates with them: keep them
            self.resize(len(indices))
            self.stored = True
            self.set_value(indices)
            return super().get_value()
        return indices


class PairIndexing(SynapticIndexing):
    """``S.w[i, j]`` and ``S.w[:]`` by arithmetic, where the layout is known."""

    def __call__(self, index=None, index_var='_idx'):
        layout = self.synapses.layout
        if layout is not None and index_var == '_idx':
            if index is None or isinstance(index, str) and index == 'True':
                index = slice(None)
            if isinstance(index, slice):
                return np.arange(*index.indices(layout.n_synapses), dtype=np.int32)
            if isinstance(index, tuple) and len(index) == 2 and not layout.shares_weights:
                pre, post = map(_neurons, index, (layout.n_pre, layout.n_post))
                return (pre[:, None]*layout.n_post + post).ravel().astype(np.int32)
        return super().__call__(index, index_var)


def _neurons(index, n):
    """Sorted indices of neurons, as Brian2 understands them; what does not exist is left out."""
    given = neurons_of(index)
    given = np.unique(_chosen(index, n) if given is None else given)
    return given[(given >= 0) & (given < n)]


def _chosen(index, n):
    if isinstance(index, slice) or isinstance(index, str) and index == 'True':
        return np.arange(n)[index if isinstance(index, slice) else slice(None)]
    if isinstance(index, tuple):
        return np.arange(0)
    given = np.asarray(index)
    boolean = given.dtype == bool
    if given.ndim > 1 or boolean and not given.ndim or not (
            boolean or np.issubdtype(given.dtype, np.signedinteger)):
        raise TypeError(f'neurons are selected by whole numbers and booleans, not by {index!r}')
    return np.flatnonzero(given) if boolean else given
