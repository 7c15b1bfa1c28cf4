"""What is usually kept of an experiment: answers to what is shown, and traces of a few neurons."""

import numpy as np
from brian2.groups.neurongroup import NeuronGroup

from brian_le.checks import check_name
from brian_le.models.experiment.batches import Batches
from brian_le.models.experiment.presentations import Presentations
from brian_le.models.experiment.recorder import Recorder
from brian_le.models.options import check_readable, need

__all__ = ['BatchReadout', 'Readout', 'SequenceReadout', 'Traces']


class Readout(Recorder):
    """The mean of a variable over every presentation.

    Parameters
    ----------
    presentations : Presentations
        What is shown and when.
    group : NeuronGroup
        The population to read.
    variable : str
        The variable to read, e.g. ``'u_prosp'``.
    name : str
        First part of the names of its objects.

    Attributes
    ----------
    group : NeuronGroup
        Its shared variable ``lag`` is the number of steps that are left out at the beginning of
        every presentation (0 unless set).
    monitor : EventMonitor
        Records the ``mean`` of every neuron at the end of every presentation.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import Network, ms
    >>> from brian_le.models import Microcircuit, Presentations, Readout
    >>> shown = Presentations(np.eye(2), np.eye(2), duration=1*ms)
    >>> mc = Microcircuit((2, 3, 2), shown)
    >>> readout = Readout(shown, mc.output, mc.visible, name='readout')
    >>> Network(shown, mc, readout).run(shown.total_duration)
    >>> readout.means().shape
    (2, 2)
    """

    def __init__(self, presentations, group, variable, name):
        need('presentations of a readout', presentations, Presentations, 'Presentations')
        need('group of a readout', group, NeuronGroup, 'a population')
        check_readable(group, variable)
        check_name('a readout', name)
        super().__init__(
            {'mean': 'total/(n_steps - lag)'}, presentations.schedule, at='step == n_steps - 1',
            sums={'total': 'value*int(step >= lag)'}, equations='lag : integer (shared, constant)',
            name=name, value=(group, variable))

    def means(self, values=None):
        """The means as an array of shape (presentations, neurons).

        Parameters
        ----------
        values : dict or array_like, optional
            As for `Recorder.array`.
        """
        return self.array('mean', values)


class Traces(Recorder):
    """Variables of a few neurons at every step, while switched on.

    Parameters
    ----------
    group : NeuronGroup
        The population.
    variables : sequence of str
        What to record: variables or subexpressions without unit.
    neurons : sequence of int
        Indices of the neurons to record.
    name : str
        First part of the names of its objects.

    Attributes
    ----------
    group : NeuronGroup
        Its shared variable ``on`` switches the recording on (1) and off (0, the default).
    monitor : EventMonitor
        The recorded values.

    Raises
    ------
    ValueError
        For a neuron or a variable that does not exist.
    TypeError
        For something that is no group or no list.
    brian2.units.DimensionMismatchError
        For a variable with a unit.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le import pyramidal
    >>> from brian_le.models import Traces
    >>> G = NeuronGroup(5, pyramidal(), method='prospective_euler')
    >>> traces = Traces(G, ['u', 'v_bas'], [0, 3], name='traces')
    >>> traces.group.on = 1
    >>> Network(G, traces).run(1*ms)
    >>> traces.array('u').shape
    (10, 2)
    """

    def __init__(self, group, variables, neurons, name):
        check_name('traces', name)
        need(f"group of '{name}'", group, NeuronGroup, 'a population')
        need(f"variables of '{name}'", variables, (list, tuple), "a list of names, such as ['u']")
        if not variables or len(set(variables)) < len(variables):
            raise ValueError(f"variables of '{name}' are {variables!r}; give one or several "
                             'different ones')
        for variable in variables:
            check_readable(group, variable)
        self.variables = list(variables)
        super().__init__({variable: (group, variable) for variable in variables}, at='on > 0',
                         equations='on : 1 (shared, constant)', neurons=neurons, name=name)


class BatchReadout(Recorder):
    """The value of a variable at the end of every batch.

    Parameters
    ----------
    batches : Batches
        What is shown.
    group : ReplicatedGroup
        The population to read.
    variable : str
        The variable to read, e.g. ``'r'``.
    name : str, optional
        First part of the names of its objects, by default ``'GROUP_readout'``.

    Attributes
    ----------
    monitor : EventMonitor
        Records the ``value`` of every neuron before every batch.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import Network, ms
    >>> from brian_le.models import BatchReadout, Batches, Dense, LayeredNetwork
    >>> shown = Batches(np.eye(4), duration=1*ms, replicas=2)
    >>> net = LayeredNetwork(4, [Dense(3), Dense(2)], batches=shown)
    >>> readout = BatchReadout(shown, net.output, 'r')
    >>> Network(shown, net, readout).run(shown.total_duration)
    >>> readout.values().shape
    (4, 2)
    """

    def __init__(self, batches, group, variable, name=None):
        self._read(batches, group, variable, name, {'value': (group, variable)})
        self._last = group, variable

    def _read(self, batches, group, variable, name, values, **options):
        need('batches of a readout', batches, Batches, 'Batches or Sequences')
        need('group of a readout', group, NeuronGroup, 'a population of the network')
        check_readable(group, variable)
        if len(group) % batches.replicas:
            raise ValueError(f"'{group.name}' has {len(group)} neurons, which is not a multiple of "
                             f"the {batches.replicas} replicas of '{batches.name}'")
        name = check_name('a readout', f'{group.name}_readout' if name is None else name)
        (self._recorded,) = values
        self._width, self._shown = len(group)//batches.replicas, group.name
        Recorder.__init__(self, values, every=batches.duration, name=name, **options)

    def values(self, variables=None):
        """The values as an array of shape (samples, neurons), in the order of the samples.

        Parameters
        ----------
        variables : dict of str to array_like, optional
            The variables at the end of a run by ``'object.variable'``; by default those of the
            objects.

        Returns
        -------
        numpy.ndarray

        Raises
        ------
        ValueError
            If no batch has been shown yet.
        """
        before = self.array(self._recorded, variables)
        if not len(before):
            raise ValueError(f"'{self._shown}' has not been shown anything yet; run first")
        group, variable = self._last
        last = (getattr(group, variable)[:] if variables is None
                else variables[f'{group.name}.{variable}'])
        # nothing was shown before the first batch, and the last one is in the variable still
        return np.vstack([before[1:], last]).reshape(-1, self._width)


class SequenceReadout(BatchReadout):
    """The mean of a variable over every batch, read by ``values()`` as of `BatchReadout`.

    A run has to end with a batch: what is missing of the last one counts as 0.

    Parameters
    ----------
    batches : Sequences or Batches
        What is shown.
    group : ReplicatedGroup
        The population to read.
    variable : str
        The variable to read, e.g. ``'r'``.
    name : str, optional
        First part of the names of its objects, by default ``'GROUP_readout'``.

    Attributes
    ----------
    group : NeuronGroup
        Adds the variable up, in ``total``.
    monitor : EventMonitor
        Records the ``total`` of every neuron after every batch but the last.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import Network, ms
    >>> from brian_le.models import Dense, GLENetwork, SequenceReadout, Sequences
    >>> shown = Sequences(np.random.rand(4, 20), duration=20*ms, replicas=2)
    >>> net = GLENetwork(1, [Dense(3), Dense(2)], batches=shown)
    >>> readout = SequenceReadout(shown, net.output, 'r')
    >>> Network(shown, net, readout).run(shown.total_duration)
    >>> readout.values().shape
    (4, 2)
    """

    def __init__(self, batches, group, variable, name=None):
        self._read(batches, group, variable, name, {'total': 'total'}, sums={'total': 'value'},
                   value=(group, variable))
        self._last = self.group, 'total'
        self._n_steps = batches.n_steps

    def values(self, variables=None):
        """The means as an array of shape (samples, neurons), as of `BatchReadout.values`."""
        return super().values(variables)/self._n_steps
