"""All-to-all synapses at the speed of nested loops."""

from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device

from brian_le.synapses.layouts import DenseLayout
from brian_le.synapses.liberties import arrays_of_synapses, grow_with_synapses
from brian_le.synapses.loops.engine import LoopSynapses
from brian_le.synapses.loops.indices import provide_indices

__all__ = ['DenseSynapses']


class DenseSynapses(LoopSynapses):
    """All-to-all synapses.

    Use them as `brian2.Synapses`: the same equations, names, indices and monitors, and the same
    results. The first ``connect()`` without arguments connects all neurons. From then on sums and
    weight changes are computed by nested loops that read no indices, and none are stored; sums
    and changes of one projection share a loop where that gives the same numbers.

    Where that is not possible (parts of groups, another ``connect``, events, random numbers in
    equations) they do what `brian2.Synapses` do, and say so in the log.

    With replicas, source and target hold several copies of a population (a mini-batch, or
    independent trials), which share one set of weights. ``dw/dt`` is then the mean over the
    replicas of what reads their variables; a subexpression whose name is ``grad`` or ends with
    ``_grad`` is averaged by itself, before an optimiser squares it. String expressions such as
    ``S.w = 'rand()*(r_pre > 0)'`` see the first replica.

    Parameters
    ----------
    source, target : NeuronGroup
        The populations, with all their replicas: neuron n of replica b of N is ``b*N + n``.
    model : str or Equations
        As for `brian2.Synapses`.
    replicas : int, optional
        Number of replicas. By default that of the groups, if they are `ReplicatedGroup`, else 1.
    **options
        As for `brian2.Synapses`.

    Raises
    ------
    ValueError
        If the size of a population is not a multiple of the replicas.

    Examples
    --------
    >>> from brian2 import NeuronGroup, ms, run
    >>> from brian_le import DenseSynapses
    >>> inputs = NeuronGroup(3, 'r : 1')
    >>> outputs = NeuronGroup(2, 'dv/dt = (I - v)/(10*ms) : 1\\nI : 1', method='euler')
    >>> S = DenseSynapses(inputs, outputs, '''I_post = w*r_pre : 1 (summed)
    ...                                       w : 1''')
    >>> S.connect()
    >>> S.matrix('w')[:] = [[1, 0, 0], [0, 1, 1]]
    >>> inputs.r = [1, 2, 3]
    >>> run(0.1*ms)
    >>> outputs.I[:]
    array([1., 5.])
    """

    def _make_layout(self):
        return DenseLayout(len(self.source), len(self.target), self.replicas)

    def _compute_indices(self):
        n_pre, n_post = self.layout.n_pre, self.layout.n_post
        for name, n, targets in (('N_incoming', n_post, n_pre), ('N_outgoing', n_pre, n_post)):
            self.variables[name].resize(n)
            self.variables[name].set_value(targets)
        layout = self.layout
        for side, indices in enumerate(self._pairs):
            indices.compute_by(lambda side=side: layout.pairs()[side])
        if isinstance(get_device(), CPPStandaloneDevice):
            for indices in self._pairs:
                indices.size = self.layout.n_synapses  # nobody else would tell before the run
            provide_indices(self)

    def _store_indices(self):
        """Become synapses that store their indices, as those of Brian2."""
        self._layout = None
        device = get_device()
        if isinstance(device, CPPStandaloneDevice):  # now only C++ knows their number
            for variable in arrays_of_synapses(self):
                device.array_cache[variable] = None
        for indices in self._pairs:
            indices.get_value()
            indices.stored = True
        grow_with_synapses(self, self._pairs)
