"""Variables that follow expressions of variables of other objects."""

import numbers
from dataclasses import dataclass

import numpy as np
from brian2.core.functions import Function
from brian2.core.variables import Subexpression
from brian2.groups.group import Group
from brian2.groups.neurongroup import NeuronGroup
from brian2.input.timedarray import TimedArray
from brian2.units.fundamentalunits import Quantity
from brian2.utils.stringtools import get_identifiers

from brian_le.checks import check_variable, choose
from brian_le.models.options import need
from brian_le.step import STIMULUS

__all__ = ['Source', 'drive', 'find_sources', 'follow', 'refer']


def drive(group, variable, expression, *objects, when='groups', order=STIMULUS, name=None,
          **sources):
    """Let a variable follow an expression, in every step.

    The expression may name variables of the group itself, and of other objects: groups whose
    variables keep their names, such as a `StepClock`, are given as they are, and others by the
    name that the expression has for them.

    Parameters
    ----------
    group : NeuronGroup
        The population.
    variable : str
        Its variable, a parameter.
    expression : str
        What it is set to, such as ``'sin(2*pi*50*Hz*now)'``.
    *objects : Group
        Objects whose variables the expression has by their own names.
    when, order
        Where in a step; by default where inputs change, before all sums are formed.
    name : str, optional
        Name of the operation, by default ``'GROUP_VARIABLE_drive'``.
    **sources
        What else the expression names: a variable as ``(object, 'variable')``, a
        `brian2.TimedArray`, a function, or a constant. A variable of one neuron acts on all
        neurons, one of as many neurons on each its own.

    Returns
    -------
    CodeRunner
        The operation, which is a part of the group.

    Raises
    ------
    ValueError
        For a variable that does not exist or follows already, a name that is not found or that
        the group has for something else, or a source of another size.
    TypeError
        For a population, an object or a source that is none.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le.models import StepClock, drive
    >>> clock = StepClock(5*ms)
    >>> G = NeuronGroup(2, 'r : 1')
    >>> runner = drive(G, 'r', 'gain*step/n_steps', clock, gain=2)
    >>> Network(clock, G).run(2.1*ms)
    >>> G.r[:]
    array([0.8, 0.8])
    """
    need('the group that follows', group, NeuronGroup, 'a population')
    choose(f"variable of '{group.name}'", variable,
           [known for known, what in group.variables.items()
            if not known.startswith('_') and not what.read_only])
    name = f'{group.name}_{variable}_drive' if name is None else name
    if name in {obj.name for obj in group.contained_objects}:
        raise ValueError(f"'{variable}' of '{group.name}' follows something already; give one "
                         'expression for both')
    for key, source in find_sources(group.name, [expression], objects, sources,
                                    _own_names(group)).items():
        if isinstance(source, Source):
            refer(group, key, source)
        else:
            known = group.namespace.setdefault(key, source)
            if known is not source and (isinstance(source, (TimedArray, Function))
                                        or not np.array_equal(known, source)):
                raise ValueError(f"'{group.name}' has {key} = {known} already; give {source} "
                                 'another name')
    return group.run_regularly(f'{variable} = {expression}', when=when, order=order, name=name)


def follow(group, teacher, variable='r', target='target'):
    """Let the targets of a population follow a variable of another one, its teacher.

    Both the output that is compared and the target are those of the step before.

    Parameters
    ----------
    group : NeuronGroup
        The population that is taught, such as ``net.output``.
    teacher : NeuronGroup
        The population that teaches, of the same size or of one neuron.
    variable : str
        What it teaches.
    target : str
        The variable of `group` that follows.

    Returns
    -------
    CodeRunner
        As of `drive`.

    Raises
    ------
    ValueError, TypeError
        As by `drive`.

    Examples
    --------
    >>> from brian2 import Network, ms
    >>> from brian_le.models import Dense, LayeredNetwork, follow
    >>> pupil, teacher = (LayeredNetwork(2, [Dense(1)], eta=eta, rng=1, name=name)
    ...                   for name, eta in (('pupil', 0.1/ms), ('teacher', 0/ms)))
    >>> pupil.inputs.r = teacher.inputs.r = [1, 2]
    >>> runner = follow(pupil.output, teacher.output)
    >>> Network(pupil, teacher).run(1*ms)
    >>> bool(abs(pupil.output.target[0] - teacher.output.r[0]) < 1e-12)
    True
    """
    return drive(group, target, f'teacher_{variable}',
                 **{f'teacher_{variable}': (teacher, variable)})


def _own_names(group):
    """Names of all variables that a group has of itself, and not by reference to other objects."""
    own = {group.name, group.clock.name}
    return group.equations.names | {
        name for name, variable in group.variables.items()
        if getattr(variable.owner, 'name', None) in own and not isinstance(variable, Subexpression)}


# ---------------------------------------------------------------------------------------- sources
@dataclass(frozen=True)
class Source:
    """A variable of an object."""

    group: Group
    name: str

    @property
    def variable(self):
        """The `brian2.Variable`."""
        return self.group.variables[self.name]

    @property
    def n(self):
        """How many values it has, 1 if it is shared."""
        try:
            n = 1 if self.variable.scalar else len(self.group)
        except NotImplementedError:
            raise ValueError(f"'{self.group.name}' are synapses that are counted when they are "
                             'made in C++; take project(...) or DenseSynapses, which know their '
                             'number'
                             ) from None
        if not n:
            raise ValueError(f"'{self.group.name}' has no synapses yet; connect them first")
        return n


def find_sources(owner, expressions, objects, sources, known=()):
    """What expressions name, beyond the names that are known.

    Returns
    -------
    dict
        By name, a `Source` or what belongs into a namespace.

    Raises
    ------
    ValueError, TypeError
        As by `drive`; `owner` is the name that messages have for it.
    """
    found = {}
    for key, source in sources.items():
        check_variable(f"source of '{owner}'", key)
        if key in known:
            raise ValueError(f"'{owner}' has a variable '{key}' of its own; give the source "
                             'another name')
        found[key] = _source(f"'{key}' of '{owner}'", source)
    for obj in objects:
        need(f"an object that '{owner}' follows", obj, Group,
             "a group such as a StepClock, and single variables as name=(group, 'variable')")
    mentioned = set().union(*(get_identifiers(expression) for expression in expressions))
    for key in sorted(mentioned - set(known) - set(found)):
        having = [obj for obj in objects if key in obj.variables]
        if len(having) > 1:
            raise ValueError(f"'{key}' is a variable of '{having[0].name}' and of "
                             f"'{having[1].name}'; give {key}=(group, '{key}') for '{owner}'")
        if having:
            found[key] = Source(having[0], key)
    return found


def _source(what, source):
    if isinstance(source, tuple) and len(source) == 2 and isinstance(source[0], Group):
        group, variable = source
        choose(f"variable of '{group.name}'", variable,
               [known for known in group.variables if not known.startswith('_')])
        return Source(group, variable)
    return need(what, source, (TimedArray, Function, Quantity, numbers.Real),
                "a variable as (group, 'variable'), a TimedArray, a function, or a constant")


def refer(group, name, source, neurons=None):
    """Let code of a group read a variable of another object.

    Brian2's linked variables have to stand in the equations of the group, which may be those of a
    model, and cannot be variables of synapses. The table of variables behind them takes both.

    Parameters
    ----------
    group : Group
        What is to read it.
    name : str
        The name that it has there.
    source : Source
        What is read.
    neurons : numpy.ndarray, optional
        Indices of the neurons of the source, one for each neuron of the group; by default the same
        ones, or the only one for all.

    Raises
    ------
    ValueError
        If the group has something else of that name, or another size.
    """
    known, n = group.variables.get(name), source.n
    if known is not None:
        if known is source.variable:
            return
        raise ValueError(f"'{group.name}' has a variable '{name}' of its own; give "
                         f"('{source.group.name}', '{source.name}') another name")
    if hasattr(group, name):
        raise ValueError(f"'{name}' is an attribute of '{group.name}'; give "
                         f"('{source.group.name}', '{source.name}') another name")
    index = None
    if neurons is not None and not source.variable.scalar:
        index = f'_{name}_indices'
        group.variables.add_array(index, size=len(neurons), dtype=neurons.dtype, constant=True,
                                  read_only=True, values=neurons)
    elif n == 1 and len(group) != 1:
        index = '0'
    elif n not in (1, len(group)):
        raise ValueError(f"'{source.name}' of '{source.group.name}' has {n} values, but "
                         f"'{group.name}' has {len(group)} neurons")
    group.variables.add_reference(name, source.group, source.name, index=index)
