"""What chains and graphs are composed with: populations, projections, pools and switches.

A theory (Latent Equilibrium, Generalized Latent Equilibrium) says how a population behaves and
where in a step errors are summed. How a projection carries rates and errors, and how its weights
learn, is the same for both.
"""

from brian2.core.variables import linked_var
from brian2.units.stdunits import ms

from brian_le import (ConvSynapses, DenseSynapses, PoolSynapses, ReplicatedGroup, SharedParameters,
                      error_feedback, error_learning, project, softmax)
from brian_le.models.description import Circuit
from brian_le.models.experiment.batches import switches
from brian_le.models.layers import Conv
from brian_le.models.weights import Weights
from brian_le.neurons.parts import error_lines
from brian_le.rewriting import with_expression
from brian_le.step import NEURONS, STIMULUS, SUM, WEIGHTS

__all__ = ['Composition', 'INPUT', 'learning_rules', 'masked', 'projection_equations',
           'synapses_of']

_SHARED = 'shared, constant'

#: Equations of a population whose rates are set.
INPUT = 'r : 1\nr_sent = r : 1'

#: Names of learned variables by the kind of their projection.
_LEARNED = {'bias': 'bias', 'tau': 'tau', 'tau_m': 'tau', 'tau_r': 'tau'}


def projection_equations(weights, *, into='v_in', back='v_err', feedback='transposed', error='err',
                         learned='err'):
    """The equations of a projection with weights, and of its feedback if that has its own.

    Parameters
    ----------
    weights : dict
        How weights learn, as options of `error_learning`.
    into : str
        The input of the postsynaptic neurons.
    back : str or None
        The error input of the presynaptic neurons; None if they get no errors.
    feedback : {'transposed', 'random', 'mirror'}
        The weights that errors travel through: those of the rates, fixed ones, or ones that learn.
    error, learned : str
        What is sent back, and what weights learn from.

    Returns
    -------
    dict of str to brian2.Equations
        By kind, ``'forward'`` and ``'feedback'``.
    """
    transposed = back if feedback == 'transposed' else None
    found = {'forward': error_learning(into, back=transposed, error=error, learned=learned,
                                       **weights)}
    if back and not transposed:
        found['feedback'] = error_feedback(back, error=error, learned=learned,
                                           **weights if feedback == 'mirror' else {})
    return found


def masked(equations):
    """The equations of a projection that only carries anything where its ``exists`` is 1."""
    for name in [name for name, eq in equations.items() if 'summed' in eq.flags]:
        equations = with_expression(equations, name, 'exists*{}')
    return equations + 'exists : 1 (constant)'


def learning_rules(eta, decay, w_max, optimiser, w_min=None):
    """How weights and biases learn, as options of their rules.

    Parameters
    ----------
    eta, decay : Quantity
        Learning rate and decay of the weights.
    w_max, w_min : str or None
        Flags of their limits.
    optimiser : SGD or Adam
        Of both.

    Returns
    -------
    weights, biases : dict
    """
    if not eta > 0/ms:
        return {'eta': None}, {'eta': None}
    biases = dict(eta=_SHARED, gate='learning', optimiser=optimiser)
    asked = {'decay': _SHARED if decay > 0/ms else None, 'w_max': w_max, 'w_min': w_min}
    return biases | {what: flags for what, flags in asked.items() if flags}, biases


def synapses_of(layer, input_shape):
    """The class of the synapses of a layer, and what it needs to know."""
    if isinstance(layer, Conv):
        return dict(synapses=ConvSynapses, input_shape=input_shape, kernel=layer.kernel,
                    stride=layer.stride, padding=layer.padding)
    return dict(synapses=DenseSynapses)


class Composition(Circuit):
    """A network while it is composed; not to be used by itself.

    Subclasses set ``name``, ``substrate``, ``batches``, ``replicas``, ``projections`` (an empty
    dictionary) and ``schedule`` before they use its steps.
    """

    #: Where errors are summed, and where this has to be finished.
    _error_order, _error_end = SUM, NEURONS

    def _own_schedule(self):
        return switches(f'{self.name}_schedule')

    def _group(self, role, n, equations, **options):
        return self.substrate.neurons(
            n, equations, group=ReplicatedGroup, replicas=self.replicas, namespace={},
            method='prospective_euler', name=f'{self.name}_{role}', **options)

    def _give_targets(self, group, **part):
        """Let a population have targets, which the schedule switches."""
        group.nudged = linked_var(self.schedule, 'nudged')
        if self.batches is not None and self.batches.n_outputs:
            self.batches.play('targets', group, 'target', **part)

    def _project(self, key, label, source, target, model, **synapses):
        """A projection; errors are summed where the theory has them."""
        orders = {eq.varname: self._error_order for eq in model.values()
                  if 'summed' in eq.flags and eq.varname.endswith('_pre')}
        self._add(key, self.substrate.project(source, target, model, name=f'{self.name}_{label}',
                                              orders=orders, **synapses))

    def _share(self, key, label, group, model, channels=None):
        """Parameters of the neurons of a population."""
        self._add(key, self.substrate.shared_parameters(
            group, model, shared=SharedParameters, channels=channels, order=WEIGHTS,
            method='prospective_euler', name=f'{self.name}_{label}', namespace={}))

    def _add(self, key, projection):
        for gate in {'learning', 'matching'} & set(projection.equations):
            setattr(projection, gate, linked_var(self.schedule, gate))
        self.projections[key] = projection

    def _set_rates(self, key, **values):
        """Set what the rules of a projection have left open."""
        if key in self.projections:
            projection = self.projections[key]
            for what, value in values.items():
                # (a substrate may give limits, where the circuit has none)
                if value is not None and what in projection.equations:
                    setattr(projection, what, value)

    def _pool(self, role, n, errors):
        """A pooling population, with its errors from above if it gets any."""
        return self._group(role, n, '\n'.join([INPUT, *(error_lines(errors) if errors else [])]))

    def _connect_pool(self, key, label, source, pool, layer, shape, place, back):
        """Rates go up before all sums are formed, errors down after all of them.

        `place` is between 0 and 1, larger for pools that come later on the way up; `back` is the
        error input of the source, or None.
        """
        model = 'r_post = r_pre : 1 (summed)'
        orders = {'r_post': STIMULUS + (SUM - STIMULUS)*place}
        if back:
            model += f'\n{back}_pre = v_err_post : 1 (summed)'
            way = self._error_end - self._error_order
            orders[f'{back}_pre'] = self._error_order + way*(1 - place)
        self.projections[key] = project(
            source, pool, model, synapses=PoolSynapses, name=f'{self.name}_{label}',
            input_shape=shape, window=layer.window, stride=layer.stride, kind=layer.kind,
            orders=orders)

    def _connect_softmax(self, key, label, group):
        # before the sums of errors that act at once
        self.projections[key] = project(group, group, softmax(), name=f'{self.name}_{label}',
                                        orders={'z_post': STIMULUS})
        if self._asked_for_energy:  # which reads it before the first step
            group.z = len(group)//self.replicas

    def _finish(self, **options):
        self.weights = Weights(self.name, {
            key: [projection.matrix(name)] for key, projection in self.projections.items()
            for name in [_LEARNED.get(key[0], 'w')] if name in projection.variables}, **options)
        self.substrate.settle()

    def __iter__(self):
        yield self.schedule
        yield from self.populations
        yield from self.projections.values()
