"""Populations in several copies: a mini-batch, or independent trials, that share their weights."""

import numpy as np
from brian2.equations.equations import Equations
from brian2.groups.neurongroup import NeuronGroup

from brian_le.checks import whole_number
from brian_le.names import check_names
from brian_le.populations import Population
from brian_le.synapses.views import ArrayView, choose_variable

__all__ = ['ReplicatedGroup', 'by_replica', 'common_replicas', 'population_size']


class ReplicatedGroup(Population):
    """A group of neurons that holds several replicas of a population.

    Neuron n of replica b of a population of N has the index ``b*N + n``. Synapses of this package
    between two such groups take their number of replicas from them.

    Parameters
    ----------
    N : int
        Number of neurons of one replica.
    model : str or Equations
        As for `brian2.NeuronGroup`. It may read ``neuron``, the index within the population, and
        ``replica``.
    replicas : int
        Number of replicas.
    **options
        As for `brian2.NeuronGroup`.

    Raises
    ------
    ValueError
        If the number of neurons or of replicas is not a whole number of at least 1.

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le import ReplicatedGroup
    >>> G = ReplicatedGroup(3, 'dv/dt = -v/(10*ms) : 1', replicas=2, method='exact')
    >>> G.v = 'neuron + 10*replica'
    >>> G.by_replica('v')[:]
    array([[ 0.,  1.,  2.],
           [10., 11., 12.]])
    """

    def __init__(self, N, model, *args, replicas, **options):
        N = whole_number('N', N)
        self._replicas = whole_number('replicas', replicas)
        model = model if isinstance(model, Equations) else Equations(model)
        indices = Equations(f'neuron = i % {N} : integer\nreplica = i // {N} : integer')
        super().__init__(N*self._replicas, model + indices, *args, **options)
        check_names(self, NeuronGroup)

    @property
    def replicas(self):
        """Number of replicas."""
        return self._replicas

    def by_replica(self, name):
        """A variable as an array [replica, neuron], see `brian_le.by_replica`.

        Parameters
        ----------
        name : str
            Name of the variable.

        Returns
        -------
        ArrayView
        """
        return by_replica(self, name, self.replicas)


def by_replica(group, name, replicas):
    """A variable of a population with replicas as an array [replica, neuron].

    Parameters
    ----------
    group : NeuronGroup
        Its size is a multiple of `replicas`; neuron n of replica b of a population of N has the
        index ``b*N + n``.
    name : str
        Name of the variable, or of a subexpression, which can be read only.
    replicas : int
        Number of replicas.

    Returns
    -------
    ArrayView
        Of shape (replicas, neurons).

    Raises
    ------
    ValueError
        If the size is not a multiple of the replicas, or the variable is shared by all neurons.

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import by_replica
    >>> G = NeuronGroup(6, 'r : 1')
    >>> by_replica(G, 'r', replicas=2)[:] = [[1, 2, 3], [4, 5, 6]]
    >>> by_replica(G, 'r', replicas=2)[1]
    array([4., 5., 6.])
    """
    n = population_size(group, replicas)
    if group.variables[choose_variable(group, name)].scalar:
        raise ValueError(f"'{name}' of '{group.name}' is one value for all neurons and replicas; "
                         f'read or set it as {group.name}.{name}')
    return ArrayView(group, name, (replicas, n), lambda flat: flat.reshape(replicas, n), np.ravel)


def population_size(group, replicas):
    """Number of neurons of one replica; a ValueError if it does not come out even."""
    n, rest = divmod(len(group), whole_number('replicas', replicas))
    if rest or not n:
        raise ValueError(f"'{group.name}' has {len(group)} neurons, which is not a multiple of "
                         f'{replicas} replicas')
    return n


def common_replicas(replicas, *groups):
    """The number of replicas of populations: as given, or else as they were made."""
    made = [group.replicas if isinstance(group, ReplicatedGroup) else 1 for group in groups]
    if replicas is not None:
        return whole_number('replicas', replicas)
    if len(set(made)) > 1:
        names = ' and '.join(f"'{group.name}' ({n})" for group, n in zip(groups, made))
        raise ValueError(f'{names} have different numbers of replicas')
    return made[0]
