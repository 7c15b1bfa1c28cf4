"""Networks of Generalized Latent Equilibrium of any graph."""

from brian2.core.clocks import defaultclock
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity
from brian2.units.stdunits import ms

from brian_le import SGD
from brian_le.checks import choose
from brian_le.models.graphs.circuit import GraphCircuit
from brian_le.models.graphs.generalized_equilibrium import (check_time_constants, neurons,
                                                            time_constant_rules)
from brian_le.models.graphs.planning import plan_graph
from brian_le.models.options import NOT_SAID, one_value
from brian_le.step import FEEDBACK, WEIGHTS

__all__ = ['GLEGraph']


class GLEGraph(GraphCircuit):
    """Neurons with two time constants in populations that project to each other in any way.

    What `Graph` is to `LayeredNetwork`, this is to `GLENetwork`: every neuron has an error partner
    in which its two time constants are swapped (`brian_le.gle_neuron`), and weights, biases and
    time constants learn all the time from the error of their neuron. With loops it is a recurrent
    network that learns online.

    Parameters
    ----------
    inputs, nodes, edges, batches, replicas, activation, output_activation, loss, beta, feedback, \
decay, w_max, bias, tau_m, tau_r, rng, name, substrate, energy
        As of `Graph`. Targets are compared with rates. Prospective errors need a ``tau_r`` of at
        least the time step.
    gamma : float
        How strongly errors act on the membranes, by default 0.
    errors : {'prospective', 'instantaneous'}
        Whether errors pass through error neurons, or only through space.
    eta : Quantity
        Learning rate of weights and biases (1/time).
    eta_tau_m, eta_tau_r : Quantity, float or None
        Learning rate of the time constants of all populations that errors reach, a time, with Adam
        a number; None for constant time constants.
    tau_min : Quantity, optional
        What time constants that learn stay above; by default the time step.
    optimiser : SGD or Adam
        Of all that learns.

    Attributes
    ----------
    inputs, nodes, outputs, pools, schedule, projections, shapes, weights
        As of `Graph`; ``weights`` has the time constants that learn, in seconds, by
        ``'tau_m', 'h'`` and ``'tau_r', 'h'``.

    Raises
    ------
    ValueError, TypeError, brian2.units.DimensionMismatchError
        As for `Graph` and `GLENetwork`.

    References
    ----------
    Ellenberger, Haider et al., "Backpropagation through space, time and the brain",
    Nature Communications 17:66 (arXiv 2403.16933).

    Examples
    --------
    >>> from brian2 import Network, ms
    >>> from brian_le.models import GLEGraph, Node
    >>> net = GLEGraph(inputs={'x': 1},
    ...                nodes={'h': Node(6, tau_r=5*ms), 'y': Node(1, target='rate')},
    ...                edges=[('x', 'h'), ('h', 'h'), ('h', 'y')], eta=0.01/ms, rng=1)
    >>> net.inputs['x'].r, net.outputs['y'].target = 1, 0.5
    >>> Network(net).run(10*ms)
    >>> net.weights['forward', 'h->h'].shape
    (6, 6)
    """

    _error_order, _error_end = FEEDBACK, WEIGHTS

    def __init__(self, inputs, nodes, edges, *, batches=None, replicas=1, activation='tanh',
                 output_activation='linear', loss='mse', beta=0.1, gamma=0.0,
                 errors='prospective', eta=NOT_SAID, eta_tau_m=None, eta_tau_r=None,
                 feedback='transposed', decay=0/ms, w_max=None, bias=True, tau_m=10*ms, tau_r=None,
                 tau_min=None, optimiser=SGD(), name='graph', substrate=None, rng=None,
                 energy=False):
        super().__init__(
            inputs, nodes, edges, batches=batches, replicas=replicas, activation=activation,
            output_activation=output_activation, loss=loss, beta=beta, gamma=gamma, errors=errors,
            eta=eta, eta_tau_m=eta_tau_m, eta_tau_r=eta_tau_r, feedback=feedback, decay=decay,
            w_max=w_max, bias=bias, tau_m=tau_m, tau_r=tau_r, tau_min=tau_min, optimiser=optimiser,
            name=name, substrate=substrate, rng=rng, energy=energy)

    def _plan(self, inputs, nodes, edges):
        p, name, dt = self.parameters, self.name, Quantity(defaultclock.dt)
        choose('errors', p['errors'], ('prospective', 'instantaneous'))
        unit = second if p['optimiser'].scales_with_gradient else None
        for what in ('eta_tau_m', 'eta_tau_r'):
            if p[what] is not None:
                p[what] = one_value(name, what, p[what], unit)
        # the time step of the simulation, whatever it is by then
        self._tau_min = 'dt' if p['tau_min'] is None else one_value(name, 'tau_min', p['tau_min'],
                                                                    second)
        p['tau_min'] = dt if p['tau_min'] is None else self._tau_min
        if p['tau_min'] < dt*(1 - 1e-9):
            raise ValueError(f"tau_min of '{name}' is {p['tau_min']}, less than the time step {dt}")
        own = ('optimiser', 'errors', 'eta_tau_m', 'eta_tau_r', 'tau_min')
        plan = plan_graph(name, inputs, nodes, edges, targets=('rate',),
                          **{what: value for what, value in p.items() if what not in own})
        for node in plan.nodes.values():
            check_time_constants(f"'{node.name}' of '{name}'", node.tau_m, node.tau_r,
                                 errors=p['errors'], learned=self._learned(node),
                                 tau_min=p['tau_min'], dt=dt)
        return plan

    def _learned(self, node):
        """Which time constants of a population learn."""
        rates = {tau: self.parameters[f'eta_{tau}'] for tau in ('tau_m', 'tau_r')}
        return [tau for tau, eta in rates.items() if node.is_taught and eta is not None and eta > 0]

    def _equations(self, node):
        return neurons(node.activation, inputs=node.inputs, gamma=node.gamma,
                       errors=self.parameters['errors'], loss=node.loss,
                       error_inputs=node.error_inputs,
                       learned=self._learned(node), energy=self._asked_for_energy)

    def _set_up(self, node, group):
        super()._set_up(node, group)
        for tau, rule in time_constant_rules(self._learned(node), tau_min=self._tau_min,
                                             optimiser=self.parameters['optimiser']).items():
            key = tau, node.name
            self._share(key, f'{tau}_{node.name}', group, rule)
            self.projections[key].eta = self.parameters[f'eta_{tau}']
            self.projections[key].tau = getattr(node, tau)*second
