"""How the operations of a projection compute in a run: with which loops, and which together.

It depends on the projection, on all that is simulated with it, and on the names of the script. A
plan is made once for each run, for all operations, and changes none of them.
"""

from dataclasses import dataclass

from brian2.codegen.translation import get_identifiers_recursively
from brian2.synapses.synapses import SummedVariableUpdater

from brian_le.synapses.loops.arrays import ArrayLoops
from brian_le.synapses.loops.late import LateLearning, late_learning

__all__ = ['Plan', 'plan_run']


@dataclass(frozen=True)
class Plan:
    """What the operations of a projection have to know for a run.

    Parameters
    ----------
    loops : dict
        For each operation that is active, the class of its code objects, None if Brian2 computes
        it.
    passes : dict
        The sums that are formed in one pass over the weights, the first one first, for each of
        them; empty where sums are formed one by one.
    late : LateLearning or None
        How weights follow late, None if they do not.
    """

    loops: dict
    passes: dict
    late: LateLearning = None


def plan_run(synapses, objects, run_namespace):
    """Plan a run of a projection.

    Parameters
    ----------
    synapses : LoopSynapses
    objects : list of BrianObject
        All that is simulated together, in its order.
    run_namespace : dict
        Names that equations may use.

    Returns
    -------
    Plan
    """
    learning, sums = synapses.state_updater, list(synapses.summed_updaters.values())
    runners = [runner for runner in (learning, *sums) if runner is not None and runner.active]
    loops = {runner: synapses._loops(runner.codes, run_namespace) for runner in runners}
    layout = synapses.layout
    if layout is None or layout.shares_weights or layout.replicas > 1 or (
            ArrayLoops in loops.values()):
        return Plan(loops, {})
    passes = {runner: _together(runner, loops, objects) for runner in sums if loops.get(runner)}
    is_whole = len(runners) == 1 + len(sums) > 1 and None not in (learning, *loops.values())
    return Plan(loops, passes,
                late_learning(synapses, objects, run_namespace) if is_whole else None)


def _together(runner, loops, objects):
    """The sums of a projection that can be formed together with one of them, first one first."""
    synapses = runner.group
    together = sorted((other for other in synapses.summed_updaters.values()
                       if loops.get(other) and other.place == runner.place
                       and other.target_var.dtype == runner.target_var.dtype),
                      key=lambda other: other.name)
    targets = {other.target_var for other in together}
    read = set()
    for other in together:
        names = get_identifiers_recursively(other.codes, synapses.variables)
        read |= {synapses.variables[name] for name in names if name in synapses.variables}
    first, last = together[0].name, together[-1].name
    for other in objects:
        between = (first < other.name < last and other.when == runner.when
                   and other.order == runner.order and other not in together)
        if targets & read or between and not isinstance(other, SummedVariableUpdater):
            return [runner]
    return together
