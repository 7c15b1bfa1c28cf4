"""What is kept of a long run: one value per presentation, and traces of a few neurons.

Both record through events, so that one compiled simulation serves every presentation time, and
nothing is kept of the steps that nobody asked for.
"""

import numpy as np
from brian2.core.variables import linked_var
from brian2.groups.neurongroup import NeuronGroup
from brian2.monitors.spikemonitor import EventMonitor

from brian_le.checks import check_array, check_name
from brian_le.models.containers import Container
from brian_le.models.experiment.presentations import Presentations
from brian_le.models.options import check_readable, need
from brian_le.populations import Population
from brian_le.step import READOUT

__all__ = ['Readout', 'Traces']


class Readout(Container):
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
        self.group = Population(
            len(group), '''value : 1 (linked)
                           total : 1
                           mean = total/(n_steps - lag) : 1
                           lag : integer (shared, constant)
                           step : integer (linked)
                           n_steps : integer (linked)''',
            events={'presented': 'step == n_steps - 1'}, name=name, namespace={})
        self.group.value = linked_var(group, variable)
        self.group.step = linked_var(presentations.schedule, 'step')
        self.group.n_steps = linked_var(presentations.schedule, 'n_steps')
        self.group.run_regularly('total = total*int(step > 0) + value*int(step >= lag)',
                                 when='groups', order=READOUT, name=f'{name}_sum')
        self.monitor = EventMonitor(self.group, 'presented', variables=['mean'],
                                    name=f'{name}_monitor')

    def means(self, values=None):
        """The means as an array of shape (presentations, neurons).

        Parameters
        ----------
        values : array_like, optional
            The recorded means in the order of recording; by default those of `monitor`.
        """
        values = self.monitor.mean[:] if values is None else values
        return np.array(values).reshape(-1, len(self.group))  # a copy: monitors may go

    def __iter__(self):
        return iter((self.group, self.monitor))


class Traces(Container):
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
        neurons = check_array(f"neurons of '{name}'", neurons, (None,))
        if (neurons % 1).any():
            raise ValueError(f"neurons of '{name}' are {list(neurons)}; give whole numbers")
        neurons = neurons.astype(int)
        if not len(neurons) or neurons.min() < 0 or neurons.max() >= len(group):
            raise ValueError(f"'{name}' is to record the neurons {list(neurons)} of "
                             f"'{group.name}', which has the neurons 0 to {len(group) - 1}")
        self.variables = list(variables)
        # In Brian2 2.9 a monitor of a variable that is linked with an index reads the wrong
        # neurons; a monitor of a subexpression of it does not.
        links = [f'source_{v} : 1 (linked)\n{v} = source_{v} : 1' for v in self.variables]
        self.group = Population(len(neurons), '\n'.join([*links, 'on : 1 (shared, constant)']),
                                events={'recorded': 'on > 0'}, name=name, namespace={})
        for variable in self.variables:
            setattr(self.group, f'source_{variable}',
                    linked_var(group, variable, index=neurons))
        # every step has ended by then, and what it has published is in place
        self.group.thresholder['recorded'].when = 'before_end'
        self.monitor = EventMonitor(self.group, 'recorded', variables=self.variables,
                                    name=f'{name}_monitor', when='after_end')

    def array(self, variable, values=None):
        """The trace of a variable as an array of shape (steps, neurons).

        Parameters
        ----------
        variable : str
            One of the recorded variables.
        values : array_like, optional
            The recorded values in the order of recording; by default those of `monitor`.
        """
        values = getattr(self.monitor, variable)[:] if values is None else values
        return np.array(values).reshape(-1, len(self.group))  # a copy: monitors may go

    def __iter__(self):
        return iter((self.group, self.monitor))
