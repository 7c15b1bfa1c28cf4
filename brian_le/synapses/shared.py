"""Parameters of neurons that exist once, however many copies of the neurons there are."""

from brian_le.checks import whole_number
from brian_le.synapses.dense import DenseSynapses
from brian_le.synapses.layouts import DenseLayout
from brian_le.synapses.loops.engine import first_neurons
from brian_le.synapses.replicas import common_replicas, population_size
from brian_le.synapses.views import ArrayView

__all__ = ['SharedParameters']


class SharedParameters(DenseSynapses):
    """Parameters of a population that all its replicas share, and that may learn.

    A bias or a time constant that learns exists once for each neuron of the population, is read
    by all its replicas, and follows the mean of what they contribute to its derivative. With
    `channels` it exists once for each channel of a population with a plane; positions add up, as
    for the kernel of `ConvSynapses`.

    The equations are those of synapses: ``_post`` are variables of the neurons, and a summed
    variable hands a parameter over. They are handed over in every step, before the neurons step.

    Parameters
    ----------
    target : NeuronGroup
        The population, with all its replicas.
    model : str or Equations
        The parameters, with at least one summed variable ``..._post``.
    replicas : int, optional
        Number of replicas. By default that of the group, if it is a `ReplicatedGroup`, else 1.
    channels : int, optional
        Number of channels, the last axis of the population. One parameter per neuron by default.
    **options
        As for `brian2.Synapses`.

    Raises
    ------
    ValueError
        If sizes do not fit, or the equations read presynaptic variables: there are none.

    Examples
    --------
    >>> from brian2 import NeuronGroup, ms, run
    >>> from brian_le import SharedParameters
    >>> G = NeuronGroup(6, '''dv/dt = (I + b - v)/(10*ms) : 1
    ...                       I : 1
    ...                       b : 1''', method='euler')
    >>> bias = SharedParameters(G, '''b_post = bias : 1 (summed)
    ...                               dbias/dt = (1 - v_post)/(100*ms) : 1 (clock-driven)''',
    ...                         replicas=2, method='euler')
    >>> G.I = [0, 0, 0, 2, 2, 2]
    >>> run(1*ms)
    >>> len(bias.bias), bool((bias.bias[:] > 0).all())
    (3, True)
    """

    _shared_by = 'copies'
    _has_stock_equivalent = False

    def __init__(self, target, model, *, replicas=None, channels=None, **options):
        replicas = common_replicas(replicas, target)
        n = population_size(target, replicas)
        self._n = n if channels is None else whole_number('channels', channels)
        self._positions, rest = divmod(n, self._n)
        if rest:
            raise ValueError(f"'{target.name}' has {n} neurons per replica, which is not a "
                             f'multiple of {channels} channels')
        super().__init__(target, target, model, replicas=replicas*self._positions, **options)
        read = {name for eq in self.equations.values() if eq.expr is not None
                for name in eq.identifiers}
        for runner in self.summed_updaters.values():
            read |= runner.expression.identifiers
        for name in sorted(read | set(self.summed_updaters)):
            if self._side_of(name) == 'pre':
                raise ValueError(f"'{name}' of '{self.name}' is presynaptic; parameters have only "
                                 'neurons that they belong to, with variables ..._post')
        self.connect()

    def _first_replicas(self):
        target = self._populations[1]
        return first_neurons(target, 1), first_neurons(target, self._n)

    def _make_layout(self):
        return DenseLayout(1, self._n, self.replicas, self._positions)

    @property
    def _about(self):
        return f"all parameters of '{self._populations[1].name}' ('{self.name}')"

    def matrix(self, name):
        """The values of a parameter, to get and to set.

        Parameters
        ----------
        name : str
            Name of the parameter.

        Returns
        -------
        ArrayView
            Of shape (neurons,) or (channels,).
        """
        return ArrayView(self, name, (self._n,), lambda flat: flat, lambda values: values)
