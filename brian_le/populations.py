"""Groups of neurons and synapses that keep to their own names."""

from brian2.groups.neurongroup import NeuronGroup
from brian2.synapses.synapses import Synapses

__all__ = ['OwnNames', 'Population', 'Projection']


class OwnNames:
    """Groups that can be told that the names of the script that runs them do not matter to them.

    Brian2 warns where a variable of a group is also a variable of the script that runs it, because
    its user may have meant the other one. Who writes a script with a model has not written the
    equations of the model, whose groups have ``_own_names``. (What is no variable of the group is
    looked up as always.)
    """

    _own_names = False

    # `Group._resolve` has no public counterpart: it is the one place that warns.
    def _resolve(self, identifier, run_namespace, user_identifier=True, additional_variables=None):
        if self._own_names and (identifier in self.variables
                                or identifier in (additional_variables or {})):
            user_identifier = False
        return super()._resolve(identifier, run_namespace, user_identifier=user_identifier,
                                additional_variables=additional_variables)


class Population(OwnNames, NeuronGroup):
    """A `brian2.NeuronGroup` of a model."""


class Projection(OwnNames, Synapses):
    """`brian2.Synapses` of a model."""
