"""Projections between populations, with every operation at its place in the step."""

import numpy as np
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device
from brian2.equations.equations import Equations
from brian2.groups.group import Group
from brian2.synapses.synapses import Synapses

from brian_le.checks import check_finite, check_flag, check_name, choose
from brian_le.populations import Projection
from brian_le.step import SUM, WEIGHTS
from brian_le.synapses.dense import DenseSynapses

__all__ = ['project']


def project(source, target, equations, *, name, one_to_one=False, connect=None,
            synapses=DenseSynapses, orders=None, **options):
    """Connect two populations, with every operation at its place in the step.

    The weighted sums are formed before the neurons step (order -1 in slot ``'groups'``), the
    weights follow after the neurons (order 1). No place depends on a name.

    Parameters
    ----------
    source, target : NeuronGroup
        The populations.
    equations : Equations or str
        The model, see `brian_le.plasticity.microcircuit`.
    name : str
        Name of the synapses.
    one_to_one : bool
        Connect neuron i to neuron i instead of all to all.
    connect : dict, optional
        Connect some neurons instead of all to all: arguments of `brian2.Synapses.connect`, such as
        ``{'p': 0.1}`` or ``{'i': [0, 3], 'j': [1, 1]}``.
    synapses : type
        The class of a projection from all to all, by default `DenseSynapses`; others are
        `brian2.Synapses`.
    orders : dict of str to float, optional
        Places of sums that are formed elsewhere in the step, by the name of the summed variable.
    **options
        Further arguments of this class, such as ``replicas``.

    Returns
    -------
    Synapses

    Raises
    ------
    ValueError
        If populations of different sizes are to be connected one to one, if that is asked for
        together with `connect`, or if `orders` names a variable that is not summed.

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import dendritic_prediction, project, pyramidal
    >>> low = NeuronGroup(4, pyramidal(), method='prospective_euler')
    >>> high = NeuronGroup(2, pyramidal(), method='prospective_euler')
    >>> up = project(low, high, dendritic_prediction('v_up'), name='up')
    """
    check_name('a projection', name)
    check_flag(f"one_to_one of '{name}'", one_to_one)
    for what, group in (('source', source), ('target', target)):
        if not isinstance(group, Group):
            raise TypeError(f"{what} of '{name}' is {group!r}; give a group of neurons")
    if connect is not None and not isinstance(connect, dict):
        raise TypeError(f"connect of '{name}' is {connect!r}; give arguments of Synapses.connect, "
                        "such as {'p': 0.1}")
    if not (isinstance(synapses, type) and issubclass(synapses, Synapses)):
        raise TypeError(f"synapses of '{name}' is {synapses!r}; give a class, such as "
                        "DenseSynapses")
    if not isinstance(equations, (str, Equations)):
        raise TypeError(f"equations of '{name}' are {equations!r}; give Equations or a string")
    orders = orders or {}
    if isinstance(equations, str):
        equations = Equations(equations)
    for variable, order in orders.items():
        check_finite(f"order of '{variable}' of '{name}'", order)
        choose(f"summed variable of '{name}'", variable,
               [eq.varname for eq in equations.values() if 'summed' in eq.flags])
    if one_to_one and len(source) != len(target):
        raise ValueError(f"'{source.name}' has {len(source)} neurons and '{target.name}' "
                         f"{len(target)}; a one-to-one projection needs equal sizes")
    if one_to_one and connect:
        raise ValueError(f"'{name}' is to be one-to-one and to have connections of its own; give "
                         'one of them')
    for group, side in ((source, '_pre'), (target, '_post')):
        _check_reads(name, equations, group, side)
    connect = _pairs(len(source)) if one_to_one else connect
    if connect:
        synapses = Projection
    projection = synapses(source, target, equations, method='prospective_euler', order=WEIGHTS,
                          name=name, namespace={}, **options)
    projection.connect(**connect or {})
    for variable, updater in projection.summed_updaters.items():
        updater.when, updater.order = 'groups', orders.get(variable, SUM)
    return projection


def _pairs(n):
    """Arguments of `Synapses.connect` for neuron i to neuron i.

    Brian2 makes synapses of arrays several times as fast as by the code of a pattern; a C++ project
    has the pattern, so that its sources do not depend on how many neurons there are.
    """
    if isinstance(get_device(), CPPStandaloneDevice):
        return {'j': 'i'}
    return {'i': np.arange(n), 'j': np.arange(n)}


def _check_reads(name, equations, group, side):
    """Raise a ValueError if equations read or sum what a population does not have."""
    needed = {variable for eq in equations.values()
              for variable in (eq.identifiers | ({eq.varname} if 'summed' in eq.flags else set()))
              if variable.endswith(side)} - equations.names
    missing = [variable for variable in sorted(name.removesuffix(side) for name in needed)
               if variable not in group.variables and variable not in ('i', 'j')]
    if missing:
        missing = ', '.join(f"'{variable}'" for variable in missing)
        raise ValueError(f"'{name}' needs {missing} of '{group.name}', which has no such variable; "
                         'give it one (neurons of this package have them, as the rate that they '
                         "send, 'r_sent'), or use equations that read another one")
