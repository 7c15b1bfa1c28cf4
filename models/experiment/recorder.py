"""What is kept of a long run: values of some neurons or synapses, at some times.

All of it is recorded through events, so that one compiled simulation serves every presentation
time, and nothing is kept of the steps that nobody asked for.
"""

import numbers
from collections.abc import Mapping

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.core.functions import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_UNITS
from brian2.equations.codestrings import Expression
from brian2.equations.equations import PARAMETER, SUBEXPRESSION, Equations, SingleEquation
from brian2.monitors.spikemonitor import EventMonitor
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity
from brian2.utils.stringtools import get_identifiers

from brian_le.checks import check_array, check_name
from brian_le.clocks import own_clock
from brian_le.models.containers import Container
from brian_le.models.experiment.wiring import Source, find_sources, refer
from brian_le.models.options import need
from brian_le.populations import Population
from brian_le.step import READOUT

__all__ = ['Recorder', 'recorded_values']

_EVENT = 'recorded'
_OF_ALL = {'i': Quantity(1), 't': second, 'dt': second}  # what all groups have


class Recorder(Container):
    """Variables of neurons or synapses, or expressions of them, at some times.

    Recorded is what is there once a step has ended, or, with `every`, before it begins.

    Parameters
    ----------
    values : dict
        What to record, by the name to record it under: a variable as ``(object, 'variable')``, or
        an expression of `sources`, `sums`, variables of `objects`, and other values.
    *objects : Group
        Objects whose variables the expressions have by their own names, such as a `StepClock`.
    at : str
        A condition: what is recorded is every step in which it is true, such as
        ``'step == n_steps - 1'``. By default that is every step.
    every : Quantity, optional
        In place of `at`: the time from one record to the next, the first of which is made at the
        beginning.
    sums : dict of str to str, optional
        Expressions that are added up in every step, by the names that `values` have the sums by:
        over a period, with the ``step`` of `objects`, or with `every` since the last record.
    equations : str
        Further variables, such as ``'every : integer (shared, constant)'``, which expressions may
        name and programs may set.
    neurons : sequence of int, optional
        Which neurons or synapses of the sources to record; by default all. (Those that have one
        value only have it for all.)
    name : str
        First part of the names of its objects.
    **sources
        What else the expressions name, as for `drive`.

    Attributes
    ----------
    group : NeuronGroup
        One neuron for each one recorded; it has the sums, and the variables of `equations`.
    monitor : EventMonitor
        The recorded values.

    Raises
    ------
    ValueError
        For nothing to record, a variable or a neuron that does not exist, sources of different
        sizes, or sums without a ``step`` at which they begin.
    TypeError
        For an object or a source that is none.
    brian2.units.DimensionMismatchError
        For an expression with units that do not fit each other.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le.models import Recorder, StepClock
    >>> clock = StepClock(1*ms)
    >>> G = NeuronGroup(2, 'u = sin(t/ms + i) : 1')
    >>> mean = Recorder({'u': 'total/n_steps', 'last': (G, 'u')}, clock, sums={'total': 'u_now'},
    ...                 at='step == n_steps - 1', u_now=(G, 'u'), name='mean')
    >>> Network(clock, G, mean).run(3*ms)
    >>> mean.array('u').shape
    (3, 2)
    """

    def __init__(self, values, *objects, at=None, every=None, sums=None, equations='', neurons=None,
                 name='recorder', **sources):
        check_name('a recorder', name)
        need(f"values of '{name}'", values, dict, "a dictionary such as {'u': (group, 'u')}")
        if not values:
            raise ValueError(f"values of '{name}' are {values}; give at least one")
        if at is not None and every is not None:
            raise ValueError(f"'{name}' records at={at!r} and every={every}; give one of them")
        sums = {} if sums is None else sums
        at = 'True' if at is None else at
        given = {f'source_{key}': value for key, value in values.items()
                 if not isinstance(value, str)}
        values = {key: value if isinstance(value, str) else f'source_{key}'
                  for key, value in values.items()}
        for key, code in values.items():
            if key in get_identifiers(code) and key not in sums:
                raise ValueError(f"'{key}' of '{name}' is to be recorded as {code!r}, in which it "
                                 "stands itself; give (object, 'variable'), or another name")
        equations = Equations(equations)
        found = find_sources(name, [*values.values(), *sums.values(), at,
                                    'step' if sums and every is None else ''],
                             objects, given | sources, {*values, *sums, *equations.names, *_OF_ALL})
        if sums and every is None and 'step' not in (*found, *values):
            raise ValueError(f"'{name}' has sums, but nothing says when they begin again; give a "
                             'StepClock, or every=...')
        refers = {key: source for key, source in found.items() if isinstance(source, Source)}
        n, neurons = _size(name, refers.values(), neurons)
        self.group = Population(
            n, _equations(values, sums, equations, found), events={_EVENT: at},
            clock=own_clock(name, every), name=name,
            namespace={key: what for key, what in found.items() if key not in refers})
        for key, source in refers.items():
            refer(self.group, key, source, None if source.n == 1 else neurons)
        # every step has ended by then, and what it has published is in place
        event, monitor = ('before_end', 'after_end') if every is None else ('before_start', 'start')
        self.group.thresholder[_EVENT].when = event
        self.monitor = EventMonitor(self.group, _EVENT, variables=list(values), when=monitor,
                                    name=f'{name}_monitor')
        if sums:
            self._add_up(sums, every)

    def _add_up(self, sums, every):
        name, keep = self.group.name, '*int(step > 0)'
        if every is not None:
            keep = ''
            self.group.run_regularly('\n'.join(f'{key} = 0' for key in sums), when='after_start',
                                     clock=own_clock(f'{name}_begin', every), name=f'{name}_begin')
        self.group.run_regularly(
            '\n'.join(f'{key} = {key}{keep} + ({code})' for key, code in sums.items()),
            clock=None if every is None else own_clock(f'{name}_add', Quantity(defaultclock.dt)),
            when='groups', order=READOUT, name=f'{name}_sum')

    def array(self, variable, values=None):
        """What was recorded of a variable, as an array of shape (times, neurons).

        Parameters
        ----------
        variable : str
            One of the recorded ones.
        values : dict or array_like, optional
            The variables of a program by ``'object.variable'``, or the recorded values in the order
            of recording; by default those of `monitor`.

        Returns
        -------
        numpy.ndarray
        """
        if values is None:
            values = getattr(self.monitor, f'{variable}_')[:]
        if isinstance(values, Mapping):
            return recorded_values(self.group.name, variable, values, len(self.group))
        return np.array(values).reshape(-1, len(self.group))  # a copy: monitors may go

    def __iter__(self):
        return iter((self.group, self.monitor))


def recorded_values(name, variable, variables, n=1):
    """What a recorder has recorded, from the variables of a program or of an exported project.

    Parameters
    ----------
    name : str
        Name of the `Recorder`.
    variable : str
        Name of what it recorded.
    variables : dict of str to array_like
        By ``'object.variable'``.
    n : int
        Number of neurons.

    Returns
    -------
    numpy.ndarray
        Of shape (times, neurons).

    Examples
    --------
    >>> from brian_le.models import recorded_values
    >>> recorded_values('mean', 'u', {'mean_monitor.u': [1, 2, 3, 4]}, 2)
    array([[1, 2],
           [3, 4]])
    """
    return np.array(variables[f'{name}_monitor.{variable}']).reshape(-1, n)


def _size(name, sources, neurons):
    """How many neurons a recorder has, and which ones of its sources."""
    sizes = sorted({source.n for source in sources} - {1})
    if len(sizes) > 1:
        raise ValueError(f"'{name}' is to record sources of {sizes[0]} and of {sizes[-1]} neurons; "
                         'make a recorder for each size')
    n = sizes[0] if sizes else 1
    if neurons is None:
        return n, None
    neurons = check_array(f"neurons of '{name}'", neurons, (None,))
    if (neurons % 1).any():
        raise ValueError(f"neurons of '{name}' are {list(neurons)}; give whole numbers")
    neurons = neurons.astype(int)
    if not len(neurons) or neurons.min() < 0 or neurons.max() >= n:
        group = max(sources, key=lambda source: source.n).group.name
        raise ValueError(f"'{name}' is to record the neurons {list(neurons)} of "
                         f"'{group}', which has the neurons 0 to {n - 1}")
    return len(neurons), neurons


def _equations(values, sums, more, found):
    """Those of a group with the sums, and with the values as subexpressions.

    In Brian2 2.9 a monitor of a variable that is linked with an index reads the wrong neurons; a
    monitor of a subexpression of it does not.
    """
    known = {**DEFAULT_CONSTANTS, **DEFAULT_UNITS, **DEFAULT_FUNCTIONS, **_OF_ALL, **more, **{
        key: source.variable if isinstance(source, Source)
        else Quantity(source) if isinstance(source, numbers.Real) else source
        for key, source in found.items()}}
    equations = list(more.values())
    sources = {key: code for key, code in values.items() if code in found}
    others = {key: code for key, code in values.items() if key not in sources and key not in sums}
    for kind, expressions in ((SUBEXPRESSION, sources), (PARAMETER, sums), (SUBEXPRESSION, others)):
        for key, code in expressions.items():
            made = SingleEquation(kind, key, parse_expression_dimensions(code, known),
                                  expr=Expression(code) if kind == SUBEXPRESSION else None)
            equations.append(made)
            known[key] = made
    return Equations(equations)
