"""What a program depends on, and what it is started with, both read off a composed network.

Two networks with one signature have the same code: they differ in values of variables and tables
alone, and one program runs both of them, each from its own values.
"""

import hashlib
import types
from dataclasses import fields, is_dataclass
from weakref import CallableProxyType, ProxyType

import numpy as np
from brian2.core.base import BrianObject
from brian2.core.clocks import Clock
from brian2.core.functions import Function
from brian2.core.operations import NetworkOperation
from brian2.core.variables import (ArrayVariable, Constant, DynamicArrayVariable,
                                   Subexpression, Variable, VariableView, Variables)
from brian2.equations.equations import Equations, SingleEquation
from brian2.groups.group import CodeRunner, VariableOwner
from brian2.input.timedarray import TimedArray
from brian2.units.fundamentalunits import Dimension, Quantity, Unit
from brian2.utils.stringtools import get_identifiers

from brian_le.programs.contents import is_state, key_of, objects_of, timed_arrays
from brian_le.programs.liberties import (OF_THE_PROCESS, code_of_function, count_as_run,
                                         was_named_by_brian2)

__all__ = ['only_looked_at', 'signature', 'start_values', 'uses_random_numbers']

#: What objects know of where they were made, of what runs them, and of what they have been told.
_NOT_TOLD = OF_THE_PROCESS | {'_name', 'check_of_times', '_own_names'}
_RANDOM = {'rand', 'randn', 'poisson', 'binomial', 'exponential_rand', 'xi'}


def signature(network):
    """What generated code depends on: all of a network but values of variables and tables.

    Classes, names, sizes, equations, code, slots and orders, clocks and their time steps,
    constants, connections, layouts, precision, and shapes of tables.

    Parameters
    ----------
    network : brian2.Network
        Composed, and not yet run, on the runtime device.

    Returns
    -------
    str
        A hash. What it cannot compare, such as Python functions that a network runs, makes it
        another one for every network.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le.programs import signature
    >>> def composed(tau, n=2):
    ...     group = NeuronGroup(n, '''dv/dt = -v/tau : 1
    ...                               tau : second (constant)''', method='euler', name='cells')
    ...     group.tau = tau
    ...     return Network(group)
    >>> signature(composed(5*ms)) == signature(composed(10*ms))
    True
    >>> signature(composed(5*ms)) == signature(composed(5*ms, n=3))
    False
    """
    return _Reading(network).digest()


def start_values(network):
    """The values that a network starts with, by ``'object.variable'`` and ``'table.values'``.

    Parameters
    ----------
    network : brian2.Network
        Composed on the runtime device.

    Returns
    -------
    dict of str to numpy.ndarray
        Copies, in SI units.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le.programs import start_values
    >>> group = NeuronGroup(2, 'tau : second', name='cells')
    >>> group.tau = [5, 10]*ms
    >>> start_values(Network(group))['cells.tau']
    array([0.005, 0.01 ])
    """
    found = {}
    for obj in objects_of(network):
        for variable in obj.variables.values():
            if isinstance(variable, ArrayVariable) and variable.owner.name == obj.name and (
                    _is_value(variable)):
                found[key_of(variable)] = np.array(variable.get_value()).ravel()
    found |= {f'{table.name}.values': table.values.copy() for table in timed_arrays(network)}
    return found


def uses_random_numbers(network):
    """Whether something in the code of a network draws random numbers while it runs."""
    return any(get_identifiers(text) & _RANDOM
               for obj in network.sorted_objects for text in _code_of(obj))


def _is_value(variable):
    """Whether a run may give an array other values than those that its network was made with."""
    return is_state(variable) and not variable.name.startswith('_')


def _code_of(obj):
    yield str(getattr(obj, 'equations', ''))
    for name in ('abstract_code', 'code'):
        text = getattr(obj, name, None)
        if isinstance(text, str):
            yield text
    for texts in (getattr(obj, 'events', {}), getattr(obj, 'event_codes', {})):
        yield from (text for text in texts.values() if isinstance(text, str))


class _Reading:
    """One reading of a network, from object to object."""

    def __init__(self, network):
        self.hash = hashlib.sha256()
        self.seen = {}  # objects of any kind that have been told in full, by their identity
        self.objects = sorted(network.sorted_objects, key=_name)
        self.tell(tuple(network.schedule), tuple(map(_name, self.objects)))
        for obj in self.objects:
            self.seen[id(obj)] = obj
        while self.objects:  # groups that are not in the network themselves come up meanwhile
            self.read_object(self.objects.pop(0))

    def digest(self):
        """The hash of all that was told."""
        return self.hash.hexdigest()

    def tell(self, *words):
        """Add plain words."""
        self.hash.update(repr(words).encode('utf-8', 'surrogatepass') + b'\0')

    def read_object(self, obj):
        """All about an object of Brian2."""
        self.tell('object', _class(obj), _name(obj), obj.when, obj.order, obj.active)
        self.read(getattr(obj, 'clock', None))
        if isinstance(obj, NetworkOperation):
            self.tell(id(obj))  # Python
        elif isinstance(obj, (VariableOwner, CodeRunner)) or hasattr(obj, 'variables'):
            for name, value in sorted(vars(obj).items()):
                if name not in _NOT_TOLD and not isinstance(value, Variables):
                    self.tell(name)
                    self.read(value)
            if hasattr(obj, 'variables'):
                self.read_variables(obj)

    def read_variables(self, obj):
        """The variables of an object: all but what may be given another value."""
        for name, variable in sorted(obj.variables.items()):
            if not isinstance(variable, Variable):  # a queue of spikes
                self.tell(name, _class(variable))
                continue
            owner = _name(getattr(variable, 'owner', None))
            self.tell('variable', name, _class(variable), owner, getattr(variable, 'name', None),
                      obj.variables.indices.get(name), str(variable.dim), str(variable.dtype),
                      variable.scalar, variable.constant, variable.read_only)
            if isinstance(variable, Constant):
                self.read(variable.value)
            elif isinstance(variable, Subexpression):
                self.tell(variable.expr)
            elif isinstance(variable, ArrayVariable) and owner == _name(obj):
                self.read_array(variable)

    def read_array(self, variable):
        """The size of an array, and what it holds if that is part of how a network is made."""
        if type(variable) not in (ArrayVariable, DynamicArrayVariable):
            return  # it is computed, from what the object tells
        size = variable.size
        self.tell(size if not isinstance(size, np.ndarray) else tuple(size))
        if variable.owner is not None and isinstance(variable.owner, Clock):
            return
        if not _is_value(variable):
            self.read(np.asarray(variable.get_value()))

    def read(self, value):
        """Anything that an object knows."""
        if isinstance(value, (ProxyType, CallableProxyType)):
            self.tell('weakly', _class(value), _name(value))
        elif isinstance(value, (Quantity, np.ndarray, np.generic)):
            array = np.asarray(value)
            if array.dtype.kind == 'O':
                self.read(array.tolist())
            else:
                self.tell(array.shape, array.dtype.str, str(getattr(value, 'dim', '')))
                self.hash.update(np.ascontiguousarray(array).tobytes())
        elif value is None or isinstance(value, (str, bytes, bool, int, float, complex, type,
                                                 np.dtype, Dimension, Unit, slice)):
            self.tell(type(value).__name__, value)
        elif isinstance(value, Clock):
            self.tell('clock', value.name, float(value.dt))
        elif isinstance(value, BrianObject):
            if id(value) not in self.seen:
                self.seen[id(value)] = value
                self.objects.append(value)
            self.tell('object', _name(value))
        elif isinstance(value, (Equations, SingleEquation)):
            self.tell(_class(value), str(value))
        elif isinstance(value, TimedArray):
            self.tell('table', value.name, value.values.shape, value.values.dtype.str,
                      float(value.dt), str(value.dim))
        elif isinstance(value, (set, frozenset)):
            self.read(sorted(value, key=repr))
        elif isinstance(value, (list, tuple)):
            self.tell(type(value).__name__, len(value))
            for item in value:
                self.read(item)
        elif id(value) in self.seen:
            self.tell('again', _class(value))
        else:
            self.seen[id(value)] = value
            self.read_once(value)

    def read_once(self, value):
        """What may be found in several places."""
        if isinstance(value, dict):
            self.tell('dict', len(value))
            for key, item in value.items():
                self.read(key)
                self.read(item)
        elif isinstance(value, Variable):
            self.tell(_class(value), _name(value.owner), value.name)
        elif isinstance(value, VariableView):
            self.tell('view', value.name)
            self.read(value.variable)
        elif isinstance(value, Function):
            *units, code = code_of_function(value)
            self.tell('function', getattr(value, 'name', None), *units, value.stateless)
            self.read(value.pyfunc)
            self.read(code)
        elif isinstance(value, types.MethodType):
            self.tell('method', value.__func__.__qualname__)
            self.read(value.__self__)
        elif isinstance(value, types.FunctionType):
            self.read_function(value)
        elif isinstance(value, (types.BuiltinFunctionType, np.ufunc)):
            self.tell('built in', value.__name__)
        elif isinstance(value, np.vectorize):
            self.read(value.pyfunc)
        elif is_dataclass(value):
            self.tell(_class(value))
            for field in fields(value):
                self.read(getattr(value, field.name))
        elif type(value).__module__.split('.')[0] in ('brian_le', 'brian2') and hasattr(
                value, '__dict__'):
            self.tell(_class(value))
            self.read({name: item for name, item in vars(value).items()
                       if name not in _NOT_TOLD and not isinstance(item, Variables)})
        else:
            self.tell(id(value))  # who knows

    def read_function(self, function):
        """A Python function: its code, and what that has from around it."""
        self.tell('def', function.__module__, function.__qualname__, function.__code__.co_code,
                  function.__code__.co_names, len(function.__code__.co_consts))
        self.read([x for x in function.__code__.co_consts if not isinstance(x, types.CodeType)])
        self.read([cell.cell_contents for cell in function.__closure__ or ()])


def _class(value):
    return f'{type(value).__module__}.{type(value).__qualname__}'


def _name(obj):
    """The name of an object, if it has one; a part of a group without a name goes by what it is."""
    group = getattr(obj, 'group', None)
    if was_named_by_brian2(obj):
        return f'{obj.source.name}[{obj.start}:{obj.stop}]'
    if was_named_by_brian2(group):  # which is in the names of its operations
        return obj.name.replace(group.name, _name(group), 1)
    return getattr(obj, 'name', None)


def only_looked_at(network):
    """Let a network go that was composed to be read, without Brian2's warning that it never ran."""
    count_as_run(network)
