"""Where imperfections are: objects that a substrate has created."""

from functools import cached_property

import numpy as np
from brian2.core.variables import ArrayVariable, Subexpression
from brian2.equations.equations import Equations
from brian2.groups.subgroup import Subgroup
from brian2.units.fundamentalunits import Quantity

from brian_le.synapses.replicas import common_replicas

__all__ = ['Site', 'whole_group', 'whole_groups']


class Site:
    """A group of neurons or a projection on a substrate.

    Parameters
    ----------
    object : NeuronGroup or Synapses
        What it is.
    number : int
        How many the substrate had created before it: random draws belong to this number, so that
        they do not depend on names.
    n_synapses : int, optional
        Their number, where a simulation in C++ does not know it before it runs.

    Attributes
    ----------
    nominal : dict of str to numpy.ndarray
        Values of variables without imperfections, once they have been asked for.
    repeat : int
        How many imperfections of the same class and variable the object has before the one whose
        turn it is.
    """

    def __init__(self, object, number, n_synapses=None):
        self.object = object
        self.number = number
        self.n_synapses = n_synapses
        self.nominal = {}
        self.repeat = 0
        self._steps = {}

    @property
    def name(self):
        """Name of the object."""
        return self.object.name

    @property
    def is_projection(self):
        """Whether these are synapses."""
        return hasattr(self.object, 'summed_updaters')

    @property
    def equations(self):
        """Its equations, with those that events integrate, which Brian2 keeps apart."""
        by_events = getattr(self.object, 'event_driven', None) or {}
        return Equations([*{**self.object.equations, **dict(by_events)}.values()])

    # steps and size are kept: once a simulation is compiled, Brian2 does not know them any more
    def step(self, clock):
        """The time step of a clock in seconds, as it was when the imperfections were drawn."""
        if clock not in self._steps:
            self._steps[clock] = float(clock.dt)
        return self._steps[clock]

    def forget_steps(self):
        """Have time steps read anew."""
        self._steps.clear()

    @property
    def dt(self):
        """The time step of the object in seconds, as it was when the imperfections were drawn."""
        return self.step(self.object.clock)

    @cached_property
    def size(self):
        """Number of neurons of one replica, or of synapses."""
        if self.is_projection:
            try:
                return len(self.object) if self.n_synapses is None else self.n_synapses
            except NotImplementedError:
                raise ValueError(f"the connections of '{self.name}' are not known before the "
                                 "simulation runs; give their neurons as arrays, "
                                 "connect={'i': ..., 'j': ...}") from None
        return len(self.object)//common_replicas(None, self.object)

    def for_all(self, draws):
        """Draws for one replica, for all replicas: they are the same neurons."""
        replicas = 1 if self.is_projection else len(self.object)//self.size
        return np.tile(draws, replicas)

    def nominal_value(self, variable):
        """The values of a variable when it was first asked for, without units."""
        if variable not in self.nominal:
            try:
                values = self.object.variables[variable].get_value()
            except NotImplementedError:
                raise ValueError(f"the values of '{variable}' of '{self.name}' are not known "
                                 'before the simulation runs; set them to a number or an array, '
                                 'not by a string or for some units only') from None
            self.nominal[variable] = np.array(values)
        return self.nominal[variable]

    def known(self, variable, values):
        """What a variable will be at the beginning, without units; None if only the run knows it.

        `values` are of variables that are going to be set.
        """
        if variable in values:
            return np.asarray(values[variable])
        found = self.object.variables.get(variable)
        try:
            if isinstance(found, ArrayVariable):
                return np.asarray(found.get_value())
            if isinstance(found, Subexpression):
                names = {x: self.known(x, values) for x in found.identifiers - {'clip'}}
                if all(value is not None for value in names.values()):
                    return np.asarray(eval(found.expr, {'clip': np.clip}, names))
        except NotImplementedError:  # it is computed in C++
            pass
        return None

    def set(self, values):
        """Set variables to values without units."""
        for variable, value in values.items():
            dim = self.object.variables[variable].dim
            setattr(self.object, variable, Quantity(value, dim=dim))


def whole_group(group):
    """The group that a part belongs to, or a whole group itself."""
    return group.source if isinstance(group, Subgroup) else group


def whole_groups(synapses):
    """The groups that synapses connect, with all replicas, of which Brian2 sees the first."""
    return whole_group(synapses.source), whole_group(synapses.target)
