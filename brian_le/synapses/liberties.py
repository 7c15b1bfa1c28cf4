"""Liberties that synapses take with Brian2: what it does not offer, one function for each.

Besides, `brian_le.synapses.loops.engine.LoopSynapses` has ``_full_state`` and
``_restore_from_full_state`` of its own, which `Network.store` and ``restore`` call.
"""

__all__ = ['arrays_of_synapses', 'become', 'count_as_connected', 'grow_with_synapses', 'index_by',
           'is_connected', 'neurons_of', 'not_grow_with_synapses', 'stand_in_place_of']


def stand_in_place_of(runner, stock, name):
    """Let an operation have a name of its own, and say where that in whose place it is was made.

    A `SummedVariableUpdater` names itself, and the place where an object was made, which Brian2
    shows with errors, would be one in this package. Both are private attributes.
    """
    runner._name = name
    runner._creation_stack = stock._creation_stack


def arrays_of_synapses(synapses):
    """The variables with one value for each synapse, in an order that is the same everywhere.

    They are a private set, by which Brian2 resizes them when synapses are made.
    """
    return sorted(synapses._registered_variables, key=lambda variable: variable.name)


def grow_with_synapses(synapses, variables):
    """Let Brian2 resize some arrays when synapses are made."""
    synapses._registered_variables |= set(variables)


def not_grow_with_synapses(synapses, variables):
    """Do not let Brian2 resize some arrays when synapses are made: they are not stored."""
    synapses._registered_variables -= set(variables)


def is_connected(synapses):
    """Whether ``connect`` has been called, which Brian2 knows by a private flag."""
    return synapses._connect_called


def count_as_connected(synapses):
    """Let Brian2 take synapses as connected, though it has not made them."""
    synapses._connect_called = True


def index_by(synapses, indexing):
    """Let ``S.w[i, j]`` be understood by another object than Brian2's `SynapticIndexing`."""
    synapses._indices = indexing


def neurons_of(index):
    """The numbers of neurons of a group that stands as an index; None of anything else.

    Groups have their indices as a private method, for ``S.w[group, :]``.
    """
    return index._indices() if hasattr(index, '_indices') else None


def become(variable, cls):
    """Give a variable another class: devices and other objects know the variable itself.

    Brian2 makes the arrays of its synapses, and offers no way to make another kind of them.
    """
    variable.__class__ = cls
    return variable
