"""The prospective Euler step, a state updater for Brian2.

In one step of length ``dt`` it computes every derivative from the old values, stores the
look-aheads, takes the forward Euler steps, and stores what the group publishes. Everything that
it stores is declared in the equations, by name:

==================================  =============================================================
in the equations                    in each step
==================================  =============================================================
``du/dt = f : 1``                   ``u = u + dt*f``, with `f` from the old values
``u_prosp : 1`` (a parameter)       the look-ahead of ``u``: ``u_prosp = u + tau_r*f``, old ``u``
``tau_r : second``                  the look-ahead time, parameter or subexpression; a variable
                                    ``tau_prosp_u`` takes its place for ``u`` alone
``u_dot : hertz`` (a parameter)     the derivative: ``u_dot = f``
``r : 1``, ``r_now = ... : 1``      parameter ``r`` takes the value of subexpression ``r_now``
                                    after the steps; all such values are computed before the
                                    first is stored
``u_min : 1``, ``u_max : 1``        the new ``u`` is clipped to the bounds (either or both)
==================================  =============================================================

Equations that ask for any of this are integrated in no other way: where no method is given, this
one is taken, and another one is refused. (Bounds count in synapses whose learning reads what
neurons of this package publish, such as ``r_sent_pre``; elsewhere their names may mean something
else.)

Brian2 calls a state updater only for groups with a differential equation: a group without one
publishes nothing. An equation that reads the look-ahead of *another* variable
(``dv/dt = ... u_prosp ...``) gets the one of this step; its own look-ahead is still that of the
step before.
"""

import numpy as np
from brian2.core.functions import Function
from brian2.core.namespace import DEFAULT_UNITS
from brian2.core.variables import ArrayVariable, Subexpression, Variable
from brian2.equations.equations import (DIFFERENTIAL_EQUATION, PARAMETER, SUBEXPRESSION,
                                        EquationError)
from brian2.equations.unitcheck import check_dimensions
from brian2.groups.subgroup import Subgroup
from brian2.stateupdaters.base import (StateUpdateMethod, UnsupportedEquationsException,
                                       extract_method_options)
from brian2.units.allunits import second
from brian2.units.fundamentalunits import get_unit_for_display

__all__ = ['ProspectiveEuler', 'check_group', 'prospective_euler']

_FILTERS = {'tau_m', 'tau_0', 'tau_s', 'tau_err', 'tau_target'}


class ProspectiveEuler(StateUpdateMethod):
    """Forward Euler with look-ahead, registered in Brian2 as ``'prospective_euler'``.

    The names that it goes by are those of the table at the top of `brian_le.integration`. With
    ``tau_r`` equal to the membrane time constant, ``u_prosp`` is the steady state of ``u``: the
    neuron answers at once, however slow its membrane is. What jumps ``u`` itself
    (``on_pre='u_post += w'``) is cancelled by the leak that it causes, and does not show in
    ``u_prosp``; events have to jump a variable that is part of the input of ``u``.

    Raises
    ------
    brian2.equations.equations.EquationError
        If a look-ahead has no differential equation or no look-ahead time, if a subexpression
        ``y_now`` has no parameter ``y``, or if look-aheads depend on each other in a circle.
    brian2.units.DimensionMismatchError
        If a look-ahead, a published value, a bound or a look-ahead time has wrong units.
    brian2.stateupdaters.base.UnsupportedEquationsException
        If the equations are stochastic.
    ValueError
        If a look-ahead time, ``tau_m``, or the time of a filter (``tau_0``, ``tau_s``, ``tau_err``,
        ``tau_target``, ``tau_v`` of a variable ``v``, ``tau_m_NAME`` of a compartment) is below the
        time step (a look-ahead time may be zero), or if synapses would learn while their neurons
        move.

    References
    ----------
    Haider et al. (2021), Latent Equilibrium, NeurIPS 34, equations 2 and 3 (arXiv 2110.14549).

    Examples
    --------
    >>> from brian2 import Equations, NeuronGroup, ms
    >>> from brian_le import prospective_euler
    >>> eqs = Equations('''du/dt = (I - u)/tau_m : 1
    ...                    u_prosp : 1
    ...                    tau_m = 10*ms : second
    ...                    tau_r = tau_m : second
    ...                    I : 1''')
    >>> print(prospective_euler(eqs))
    _d_u = (I - u)/tau_m
    u_prosp = u + tau_r*_d_u
    u = u + dt*_d_u
    >>> G = NeuronGroup(3, eqs, method='prospective_euler')
    """

    def __call__(self, equations, variables=None, method_options=None):
        extract_method_options(method_options, {})
        if equations.is_stochastic:
            raise UnsupportedEquationsException(
                "'prospective_euler' cannot integrate noise (xi): a look-ahead of white noise "
                'is unbounded. Add noise to a parameter instead.')
        step = _Step(equations)
        if variables is not None:
            step.check_units(variables)
            step.check_order(variables)
            step.check_times(variables)
        return step.code()


class _Step:
    """One step of a set of equations: what is looked ahead, clipped and published."""

    def __init__(self, equations):
        self.equations = equations
        of_type = {kind: [eq.varname for eq in equations.values() if eq.type == kind]
                   for kind in (DIFFERENTIAL_EQUATION, SUBEXPRESSION, PARAMETER)}
        self.stepped = of_type[DIFFERENTIAL_EQUATION]
        parameters = of_type[PARAMETER]
        self.lookahead_time = {}  # of each differential equation that is looked ahead
        self.kept = [u for u in self.stepped if f'{u}_dot' in parameters]  # derivatives
        for name in parameters:
            if name.endswith('_prosp'):
                u = name.removesuffix('_prosp')
                self.lookahead_time[u] = self._lookahead_time(u)
        for tau in equations:
            if tau == 'tau_r' and not self.lookahead_time or (
                    tau.startswith('tau_prosp_')
                    and tau.removeprefix('tau_prosp_') not in self.lookahead_time):
                u = tau.removeprefix('tau_prosp_') if tau != 'tau_r' else 'u'
                raise EquationError(
                    f"The equations have the look-ahead time '{tau}', but no look-ahead; add a "
                    f"parameter such as '{u}_prosp', with the unit of '{u}', or rename '{tau}'.")
        self.published = []
        for name in of_type[SUBEXPRESSION]:
            if name.endswith('_now'):
                y = name.removesuffix('_now')
                if y not in parameters:
                    raise EquationError(
                        f"The subexpression '{name}' is published as '{y}', but there is no "
                        f"parameter '{y}'; add '{y} : {self._unit(name)}', or choose a name "
                        "that does not end in '_now'.")
                self.published.append(y)

    def _lookahead_time(self, u):
        if u not in self.stepped:
            raise EquationError(
                f"The parameter '{u}_prosp' is the look-ahead of '{u}', but there is no "
                f"differential equation for '{u}'. Rename both together, e.g. "
                f"substitute({u}='v', {u}_prosp='v_prosp'), or choose a name that does not "
                "end in '_prosp'.")
        for tau in (f'tau_prosp_{u}', 'tau_r'):
            if tau in self.equations:
                return tau
        raise EquationError(
            f"The parameter '{u}_prosp' asks for a look-ahead of '{u}', but the equations have "
            f"no look-ahead time; add 'tau_r : second (constant)', or 'tau_prosp_{u}' for "
            f"'{u}' alone.")

    def _unit(self, name):
        return get_unit_for_display(self.equations[name].dim)

    def check_units(self, variables):
        """Compare units, as Brian2 itself does not for state updates."""
        variables = {name: v for name, v in variables.items()
                     if isinstance(v, (Variable, Function))}
        for u, tau in self.lookahead_time.items():
            check_dimensions(f'{u}_prosp', self.equations[u].dim, variables)
            check_dimensions(tau, second.dim, variables)
        for u in self.kept:
            check_dimensions(f'{u}_dot', self.equations[u].dim/second.dim, variables)
        for u in self.stepped:
            for bound in self._bounds(u):
                check_dimensions(bound, self.equations[u].dim, variables)
        for y in self.published:
            check_dimensions(f'{y}_now', self.equations[y].dim, variables)

    def check_order(self, variables):
        """Refuse synapses that learn in the same place of the step as their neurons move."""
        synapses = variables[self.stepped[0]].owner
        if not hasattr(synapses, 'summed_updaters'):
            return
        place = (synapses.state_updater.when, synapses.state_updater.order)
        for group in (synapses.source, synapses.target):
            group = group.source if isinstance(group, Subgroup) else group
            updater = getattr(group, 'state_updater', None)
            if (updater is not None and group.equations.diff_eq_names
                    and place == (updater.when, updater.order)):
                raise ValueError(
                    f"The weights of '{synapses.name}' and the neurons of '{group.name}' are "
                    f"stepped in the same slot and order ({place[0]!r}, {place[1]}), so which "
                    'comes first would depend on their names. Create the synapses with '
                    f'order={place[1] + 1} to learn from the new state of the neurons.')

    def check_times(self, variables):
        """Refuse time constants that the step cannot resolve, where their values are known."""
        group = variables[self.stepped[0]].owner
        times = _Times(self.equations, self.stepped, set(self.lookahead_time.values()), group)
        # for whoever gives it other values later, when this is not called any more
        group.__dict__['check_of_times'] = times.check
        times.check()

    def _bounds(self, u):
        return [f'{u}{end}' for end in ('_min', '_max') if f'{u}{end}' in self.equations]

    def _in_order(self):
        """The differential equations, those whose look-ahead another reads before it."""
        expressions = dict(self.equations.get_substituted_expressions())
        reads = {u: {v for v in self.lookahead_time
                     if v != u and f'{v}_prosp' in expressions[u].identifiers}
                 for u in self.stepped}
        done = []
        while len(done) < len(self.stepped):
            ready = [u for u in self.stepped if u not in done and reads[u] <= set(done)]
            if not ready:
                circle = ', '.join(f"'{u}_prosp'" for u in self.stepped if u not in done)
                raise EquationError(
                    f'The look-aheads {circle} depend on each other in a circle within one '
                    'step. Publish one of them (e.g. as a parameter y with '
                    'y_now = ...) and read the published value.')
            done += ready
        return done

    def code(self):
        """The abstract code of the step."""
        lines = []
        for u in self._in_order():
            lines.append(f'_d_{u} = {self.equations[u].expr.code}')
            if u in self.lookahead_time:
                lines.append(f'{u}_prosp = {u} + {self.lookahead_time[u]}*_d_{u}')
        lines += [f'{u}_dot = _d_{u}' for u in self.kept]
        for u in self.stepped:
            new = f'{u} + dt*_d_{u}'
            if bounds := self._bounds(u):
                low = f'{u}_min' if f'{u}_min' in bounds else '-inf'
                high = f'{u}_max' if f'{u}_max' in bounds else 'inf'
                new = f'clip({new}, {low}, {high})'
            lines.append(f'{u} = {new}')
        lines += [f'_next_{y} = {y}_now' for y in self.published]
        lines += [f'{y} = _next_{y}' for y in self.published]
        return '\n'.join(lines)


class _Times:
    """The time constants of a group, and all that they follow from, without the group."""

    def __init__(self, equations, stepped, lookahead_times, group):
        self.name, self.dt = group.name, float(group.clock.dt)
        self.lookahead_times = lookahead_times
        filters = (_FILTERS | {f'tau_{u}' for u in stepped}
                   | {f'tau_m_{u[2:]}' for u in stepped if u.startswith('u_')}) & equations.names
        # those with names of their own first: look-ahead times may be other names for them
        self.names = [*sorted(filters), *sorted(lookahead_times - filters)]
        self.variables = {}  # names as in 'object.variable', and values, None if not known
        self.expressions = {}  # with the names that they read
        for name in self.names:
            self._find(name, group)

    def _find(self, name, group):
        variable = group.variables.get(name)
        if isinstance(variable, ArrayVariable):
            try:
                value = np.array(variable.get_value(), ndmin=1)
            except NotImplementedError:  # in C++
                value = None
            self.variables[name] = f'{variable.owner.name}.{variable.name}', value
        elif isinstance(variable, Subexpression) and name not in self.expressions:
            self.expressions[name] = variable.expr, variable.identifiers
            for other in variable.identifiers & group.variables.keys():
                self._find(other, group)

    def check(self, given={}):
        """Raise a ValueError for one that the step cannot resolve, with values by their names."""
        for name in self.names:
            values = self._values(name, given)
            if values is None:
                continue
            short = ~(values >= self.dt*(1 - 1e-9)) | np.isinf(values)
            if name in self.lookahead_times:
                short &= values != 0  # no look-ahead
            if short.any():
                zero = ' or zero (no look-ahead)' if name in self.lookahead_times else ''
                raise ValueError(
                    f"'{name}' of '{self.name}' is {values[short][0]*1e3:g} ms; it has to be "
                    f'finite and at least the time step of {self.dt*1e3:g} ms{zero}')

    def _values(self, name, given):
        """Values of a variable before a run, or None if only the run will know them."""
        if name in self.variables:
            key, value = self.variables[name]
            return np.atleast_1d(given[key]) if key in given else value
        if name not in self.expressions:
            return None
        text, read = self.expressions[name]
        known = {other: self._values(other, given) for other in read
                 if other in self.variables or other in self.expressions}
        units = {other: float(DEFAULT_UNITS[other]) for other in read if other in DEFAULT_UNITS}
        if not set(read) <= {*known, *units} or any(
                values is None for values in known.values()):
            return None
        try:
            with np.errstate(divide='ignore', invalid='ignore'):
                return np.atleast_1d(eval(text, {}, {**units, **known}))
        except NameError:  # calls a function
            return None


def check_group(group):
    """Check the step of one group: Brian2 asks no method again for equations that it knows."""
    step = _Step(group.equations)
    step.check_order(group.variables)
    step.check_times(group.variables)


#: The registered state updater; call it with `Equations` to see the code of a step.
prospective_euler = ProspectiveEuler()

if 'prospective_euler' not in StateUpdateMethod.stateupdaters:  # a reload must not raise
    StateUpdateMethod.register('prospective_euler', prospective_euler)
