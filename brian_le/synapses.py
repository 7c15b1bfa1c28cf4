"""All-to-all projections between populations, and their weights as matrices.

A projection is one object of a synapse class, by default Brian2's `Synapses`; whatever else is
offered here takes the same equations.
"""

import numpy as np
from brian2.synapses.synapses import Synapses

from brian_le.checks import check_array
from brian_le.step import SUM, WEIGHTS

__all__ = ['project', 'get_matrix', 'set_matrix']


def project(source, target, equations, *, name, one_to_one=False, synapses=Synapses):
    """Connect two populations, with every operation at its place in the step.

    The weighted sums are formed before the neurons step (order -1 in slot ``'groups'``), the
    weights follow after the neurons (order 1). No place depends on a name.

    Parameters
    ----------
    source, target : NeuronGroup
        The populations.
    equations : Equations or str
        The model, see `brian_le.plasticity`.
    name : str
        Name of the synapses.
    one_to_one : bool
        Connect neuron i to neuron i instead of all to all.
    synapses : type
        The class of the projection, `brian2.Synapses` or a subclass.

    Returns
    -------
    Synapses

    Raises
    ------
    ValueError
        If populations of different sizes are to be connected one to one.

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import dendritic_prediction, project, pyramidal
    >>> low = NeuronGroup(4, pyramidal(), method='prospective_euler')
    >>> high = NeuronGroup(2, pyramidal(), method='prospective_euler')
    >>> up = project(low, high, dendritic_prediction('v_up'), name='up')
    """
    if one_to_one and len(source) != len(target):
        raise ValueError(f"'{source.name}' has {len(source)} neurons and '{target.name}' "
                         f"{len(target)}; a one-to-one projection needs equal sizes")
    projection = synapses(source, target, equations, method='prospective_euler', order=WEIGHTS,
                          name=name, namespace={})
    projection.connect(j='i') if one_to_one else projection.connect()
    for updater in projection.summed_updaters.values():
        updater.when, updater.order = 'groups', SUM
    return projection


def get_matrix(projection, variable='w'):
    """The values of a synaptic variable of an all-to-all projection as a matrix [post, pre].

    Parameters
    ----------
    projection : Synapses
        An all-to-all projection, made by `project` or by ``connect()`` without arguments.
    variable : str
        Name of the synaptic variable.

    Returns
    -------
    numpy.ndarray
        Of shape (number of target neurons, number of source neurons); a copy.

    Raises
    ------
    ValueError
        If there is not one synapse for each pair of neurons.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import NeuronGroup
    >>> from brian_le import fixed_weights, get_matrix, project, pyramidal, set_matrix
    >>> a, b = (NeuronGroup(n, pyramidal(), method='prospective_euler') for n in (3, 2))
    >>> down = project(b, a, fixed_weights('v_down'), name='down')
    >>> set_matrix(down, np.ones((3, 2)))
    >>> get_matrix(down).shape
    (3, 2)
    """
    values = np.asarray(getattr(projection, variable)[:])
    n_pre, n_post = len(projection.source), len(projection.target)
    if values.size != n_pre*n_post:
        raise ValueError(f"'{projection.name}' has {values.size} synapses, not one for each pair "
                         f'of {n_pre} and {n_post} neurons; it has no matrix')
    return values.reshape(n_pre, n_post).T.copy()


def set_matrix(projection, values, variable='w'):
    """Set a synaptic variable of an all-to-all projection from a matrix [post, pre].

    Parameters
    ----------
    projection : Synapses
        An all-to-all projection.
    values : array_like
        Of shape (number of target neurons, number of source neurons).
    variable : str
        Name of the synaptic variable.

    Raises
    ------
    ValueError
        If the shape is another one, or a value is not finite.

    Examples
    --------
    See `get_matrix`.
    """
    shape = len(projection.target), len(projection.source)
    matrix = check_array(f"{variable} of '{projection.name}'", values, shape)
    getattr(projection, variable)[:] = matrix.T.ravel()
