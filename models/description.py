"""What a circuit prints of itself."""

import numpy as np
from brian2.groups.group import CodeRunner
from brian2.utils.logger import get_logger

from brian_le import PoolSynapses
from brian_le.models.containers import Container
from brian_le.models.energy import energy_meter, energy_now
from brian_le.parameters import as_text
from brian_le.stability import stability_of
from brian_le.substrate.sites import whole_groups

__all__ = ['Circuit']

logger = get_logger(f'brian2.{__name__}')  # goes where the messages of Brian2 go


class Circuit(Container):
    """What circuits can say of themselves; not to be used by itself."""

    _only_draws = False  # weights are drawn, and nobody has said whether they learn
    energy_meter = None  # the population that adds up the energy, if it is asked for
    _have_energy = {}  # populations with equations for it, by their names
    _energy_remedy = 'give energy=True when it is made'

    def _ask(self):
        """Warn of a run without weights and learning, and of learning from weights of 0."""
        learns = any(projection.equations.diff_eq_names for projection in self.projections.values())
        if self._only_draws and not learns:
            logger.warn(f'{self!r} has random weights and no learning rate, so that it learns '
                        'nothing: give eta=0.1/ms, for instance, or eta=0/ms if they are to stay '
                        'as they are',
                        'no_learning_rate')
        forward = [key for key in self.weights if key[0] in ('forward', 'up')]
        try:
            if any(np.any(self.weights[key]) for key in (self.weights if not learns else forward)
                   if not key[0].startswith('tau')):
                return
        except NotImplementedError:  # drawn in C++
            return
        remedy = ('give rng=1 for random ones, or set them: '
                  f"weights.update(...) or weights{list(forward[0])!r} = ...")
        if not learns:
            logger.warn(f'{self!r} has weights of 0 only, and no learning rate (eta), so that it '
                        f'does nothing: {remedy}', 'zero_weights')
        elif len(forward) > 1:
            logger.warn(f'the forward weights of {self!r} are all 0, through which neither rates '
                        f'nor errors pass, so that hidden layers learn little or nothing; {remedy}',
                        'zero_weights')

    def energy(self):
        """The energy that neurons and synapses follow, as it is at the moment.

        The circuit is made with ``energy=True``, which gives its neurons the variables
        ``u_mismatch``, ``energy`` and, where there are targets, ``cost``, all of which monitors can
        record, and the circuit an ``energy_meter``, a population of one (for each replica) that
        adds them up in every step.

        Returns
        -------
        Energy
            With ``total``, ``cost`` and ``populations``; it prints itself.

        Raises
        ------
        ValueError
            If the circuit has been made without.

        Examples
        --------
        >>> from brian2 import Network, ms
        >>> from brian_le.models import Dense, LayeredNetwork
        >>> net = LayeredNetwork(2, [Dense(3), Dense(1)], rng=1, eta=0/ms, energy=True)
        >>> net.inputs.r, net.output.target = [1, 2], 1
        >>> Network(net).run(2*ms)
        >>> found = net.energy()
        >>> list(found.populations), found.populations['layer0'].mismatch.shape
        (['layer0', 'layer1'], (3,))
        >>> abs(found.total - net.energy_meter.total[0]) < 1e-12
        np.True_
        """
        if self.energy_meter is None:
            raise ValueError(f"'{self.name}' does not compute its energy; {self._energy_remedy}")
        return energy_now(self.name, self._have_energy, self.energy_meter.replicas)

    def stability(self, values=None):
        """How changes of rates and errors grow from step to step, as the circuit is at the moment.

        Numbers are those of the state that it is in, so let it run first, with what it is shown, or
        ask ``stability().settled()``.

        Parameters
        ----------
        values : dict of str to array, optional
            Values by ``'object.variable'`` in place of those of the objects, such as the state
            that a program has returned.

        Returns
        -------
        brian_le.stability.Stability
            With ``spectral_radius``, ``critical_beta``, ``loops`` and ``narrow``, the loop that
            grows most, and ``settled()``, the same once it has settled; it prints itself.

        Raises
        ------
        NotImplementedError
            For what has no derivative here, such as spikes and delays of every connection.
        ValueError
            For names that no variable has, and other numbers of values.

        Examples
        --------
        >>> from brian2 import Network, ms
        >>> from brian_le.models import Dense, LayeredNetwork
        >>> net = LayeredNetwork(2, [Dense(3), Dense(1)], rng=1, eta=0/ms, beta=0.1)
        >>> net.inputs.r, net.output.target = [1, 2], 1
        >>> Network(net).run(3*ms)
        >>> found = net.stability()
        >>> found.stable, found.narrow.kind
        (True, 'output')
        >>> bool(found.critical_beta > 0.1)
        True
        """
        return stability_of(self, self.name, values)

    def _measure_energy(self, populations, replicas=1):
        """Add up the energy of populations, given by their names in the circuit."""
        self._have_energy = populations
        self.energy_meter, sums = energy_meter(self.name, populations, replicas)
        self.projections |= {('energy', k): projection for k, projection in enumerate(sums)}

    @property
    def _meters(self):
        return [] if self.energy_meter is None else [self.energy_meter]

    def step_order(self):
        """What happens in one step, in this order.

        Returns
        -------
        list of tuple
            (slot, order, what is computed) of every operation of the circuit.
        """
        return sorted((runner.when, runner.order, runner.name)
                      for obj in self for runner in obj.contained_objects
                      if isinstance(runner, CodeRunner) and _does_something(runner))

    def __str__(self):
        return '\n'.join(_describe(self))


def _does_something(runner):
    """Whether a runner has code; a group without differential equations has an empty one."""
    return runner is not getattr(runner.group, 'state_updater', None) or bool(
        runner.group.equations.diff_eq_names)


def _describe(circuit):
    """Lines of text: populations, projections, parameters, one step, equations."""
    yield repr(circuit)
    yield '\nPopulations'
    for group in circuit.populations:
        yield f'  {group.name:<24} {len(group):>6} neurons'
    yield '\nProjections                    source -> target                         weights'
    for projection in circuit.projections.values():
        way = ' -> '.join(group.name for group in whole_groups(projection))
        yield f'  {projection.name:<28} {way:<40} {_weights(projection)}'
    yield '\nParameters'
    for parameter, value in circuit.parameters.items():
        values = value if isinstance(value, list) else [value]
        shown = ', '.join(as_text(v) if hasattr(v, 'dim') else str(v) for v in values)
        yield f'  {parameter} = {shown}'
    yield '\nOne step'
    for when, order, name in circuit.step_order():
        yield f'  {when:<16} {order:>4}  {name}'
    yield '\nEquations'
    groups, projections = circuit.typical
    for group in groups:
        yield f'  {group.name}'
        yield '    ' + str(group.equations).replace('\n', '\n    ')
    for projection in projections:
        yield f'  {projection.name}'
        for text in _synaptic_equations(projection):
            yield f'    {text}'


def _weights(projection):
    """What can be said of the weights of a projection in a few words."""
    shared = [name for name in ('w', 'bias', 'tau') if name in projection.variables]
    if not shared:
        if isinstance(projection, PoolSynapses):
            return 'pooling' if 'r_post' in projection.summed_updaters else 'identity'
        return 'no weights'
    shape = ' x '.join(map(str, _shape(projection, shared[0])))
    learns = shared[0] in projection.equations.diff_eq_names
    return f"{shape}, {'learn' if learns else 'fixed'}"


def _shape(projection, name):
    if hasattr(projection, 'matrix'):
        return projection.matrix(name).shape
    return len(projection.target), len(projection.source)


def _synaptic_equations(projection):
    """All lines of a projection; Brian2 takes the sums out of `Synapses.equations`."""
    for updater in projection.summed_updaters.values():
        yield f'{updater.target_varname} = {updater.expression.code} : 1 (summed)'
    yield from str(projection.equations).splitlines()
