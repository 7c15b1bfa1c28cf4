"""The energy of a network: what it is at the moment, and a population that adds it up.

The energy is a sum over populations, each of which has its part as equations
(`brian_le.mismatch_energy`, `brian_le.prediction_energy`); how they are connected does not matter
here.
"""

from dataclasses import dataclass

import numpy as np

from brian_le import ReplicatedGroup, by_replica, project
from brian_le.step import READOUT

__all__ = ['Energy', 'PopulationEnergy', 'energy_meter', 'energy_now']


@dataclass(frozen=True)
class PopulationEnergy:
    """The part of one population.

    Parameters
    ----------
    mismatch : numpy.ndarray
        Of each neuron, its look-ahead minus what its inputs predict; [replica, neuron] if there are
        several replicas.
    energy : float
        Its part of the energy, the mean over replicas. It includes what targets add, the cost times
        their strength.
    cost : float or None
        How far outputs are from their targets, the mean over replicas; None without targets.
    """

    mismatch: np.ndarray
    energy: float
    cost: float | None


@dataclass(frozen=True)
class Energy:
    """The energy of a network at one moment, see `LayeredNetwork.energy`; it prints itself.

    Parameters
    ----------
    name : str
        Name of the network.
    populations : dict of str to PopulationEnergy
        The parts of its populations, by their name in the network.
    """

    name: str
    populations: dict

    @property
    def total(self):
        """The energy, the sum over populations."""
        return sum(part.energy for part in self.populations.values())

    @property
    def cost(self):
        """How far outputs are from their targets."""
        return sum(part.cost for part in self.populations.values() if part.cost is not None)

    def __str__(self):
        lines = [f"energy of '{self.name}'", f'  {"":<16} {"largest mismatch":>16} {"energy":>12} '
                                             f'{"cost":>12}']
        for name, part in self.populations.items():
            cost = '' if part.cost is None else f'{part.cost:.6g}'
            lines.append(f'  {name:<16} {np.abs(part.mismatch).max():>16.6g} {part.energy:>12.6g} '
                         f'{cost:>12}'.rstrip())
        return '\n'.join([*lines, f'  {"total":<16} {"":>16} {self.total:>12.6g} '
                                  f'{self.cost:>12.6g}'])


def energy_now(name, populations, replicas):
    """The `Energy` of populations, given by their names, that have equations for it."""
    parts = {}
    for role, group in populations.items():
        sums = {what: float(np.sum(getattr(group, f'{what}_')[:]))/replicas
                for what in ('energy', 'cost') if what in group.variables}
        mismatch = by_replica(group, 'u_mismatch', replicas)[:]
        parts[role] = PopulationEnergy(mismatch[0] if replicas == 1 else mismatch, sums['energy'],
                                       sums.get('cost'))
    return Energy(name, parts)


def energy_meter(name, populations, replicas):
    """A population that adds up the energy in every step, after all neurons and weights.

    Parameters
    ----------
    name : str
        Name of the network.
    populations : dict of str to NeuronGroup
        Those that have equations for it, by their names in the network.
    replicas : int
        Number of replicas.

    Returns
    -------
    meter : ReplicatedGroup
        One neuron for each replica, with ``total``, the parts ``E_NAME``, and ``cost_NAME`` of
        outputs.
    projections : list of Synapses
        The sums.
    """
    sums = {role: {f'{short}_{role}': what for what, short in (('energy', 'E'), ('cost', 'cost'))
                   if what in group.variables} for role, group in populations.items()}
    lines = [f'total = {" + ".join(f"E_{role}" for role in populations)} : 1',
             *(f'{target} : 1' for targets in sums.values() for target in targets)]
    meter = ReplicatedGroup(1, '\n'.join(lines), replicas=replicas, name=f'{name}_energy',
                            namespace={})
    projections = [project(group, meter, '\n'.join(
        f'{target}_post = {what}_pre : 1 (summed)' for target, what in sums[role].items()),
        name=f'{name}_energy_{role}', orders={f'{target}_post': READOUT for target in sums[role]})
        for role, group in populations.items()]
    return meter, projections
