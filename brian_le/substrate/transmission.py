"""What a projection reads from afar arrives late, or filtered.

For a sum ``v_post = w*r_pre`` that is the presynaptic rate, for ``v_err_pre = w*err_post`` the
postsynaptic error. In its place the projection reads a line: a variable of the same neurons, for
this projection alone, which takes its value just before it is read.
"""

import re
from functools import partial

import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_UNITS
from brian2.core.variables import ArrayVariable, Subexpression, Variables
from brian2.equations.equations import SUBEXPRESSION, Expression
from brian2.groups.subgroup import Subgroup
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch

from brian_le.checks import check_not_negative, choose
from brian_le.rewriting import inline, reworded, with_expressions
from brian_le.step import SUM, WEIGHTS
from brian_le.substrate.imperfection import Imperfection, is_numeric, one_value
from brian_le.substrate.sites import whole_group, whole_groups
from brian_le.synapses.loops.engine import LoopSynapses

__all__ = ['Delay', 'LowPass']

_FAR = {'post': 'pre', 'pre': 'post'}  # the side that a sum reads, by the one that receives it
_LEAD = 0.01       # orders between the first operation of a line and those who read it
_OPERATION = 0.001  # and between one operation and the next


class _Line(Imperfection):
    """Something between neurons and a projection that reads them from afar."""

    kind = ''       # part of the names of its lines
    parameter = ''  # the variable of the projection that says how it works

    def clocks(self, site):
        # a line follows on the clock of who reads it
        followers = [operation.clock for group in _ends(site.object)
                     for operation in _operations(site.name, self.kind, group)]
        return [*followers, site.object.clock] if _learns_from_lines(site, self.kind) else followers

    def _step(self, site):
        """The time step in which the lines of a projection follow, in seconds."""
        found = {site.step(clock): clock for clock in self.clocks(site)}
        steps = sorted(found)
        if steps and steps[-1] - steps[0] > 1e-9*steps[0]:
            what = ', '.join(f'{dt*1e3:g}' for dt in steps)
            raise ValueError(f"'{site.name}' reads what comes late or filtered in time steps of "
                             f"{what} ms: its sums are formed in those of the groups that receive "
                             'them, and it learns in its own; give groups and synapses the same '
                             "'dt', or several projections")
        return steps[0] if steps else site.dt

    def changes(self, equations, is_projection):
        return is_projection and any(_variable_of(name, side, equations)
                                     for expression, side in _sums(equations).values()
                                     for name in expression.identifiers)

    def between(self, source, target, name, equations, orders):
        wiring = _Wiring(self, name, {'pre': source, 'post': target}, equations)
        sums, changed = _sums(equations), {}
        if any(_is_line(x, name) for expression, _ in sums.values()
               for x in expression.identifiers):
            raise ValueError(f"every connection of '{name}' has a line of its own already; put "
                             f"{self!r} before Delay(..., per='connection')")
        for variable, (expression, side) in sums.items():
            changed[variable] = wiring.read(
                expression, side, partial(wiring.line, place=orders.get(variable, SUM)))
        # synapses learn where the forward sum is formed, without one where the backward sum is
        side = 'pre' if 'pre' in {side for _, side in sums.values()} else 'post'
        for variable in _learning(equations):
            changed[variable] = wiring.read(equations[variable].expr, side, wiring.arriving)
        return with_expressions(equations, changed) + wiring.declarations

    def attach(self, site):
        # the operations of neurons know the parameter of their projection
        for group in _ends(site.object):
            if any(variable.startswith(f'{site.name}_{self.kind}') for variable in group.variables):
                group.variables.add_reference(f'{site.name}_{self.parameter}', site.object,
                                              self.parameter)


class _Wiring:
    """The lines of one projection."""

    def __init__(self, imperfection, name, groups, equations):
        self.imperfection, self.name = imperfection, name
        self.groups, self.equations = groups, equations
        self.lines = {}  # what is read in place of a variable, by its side, its name and the place
        self.declarations = ''

    def line(self, side, variable, place):
        """What stands for a variable where it is read at a place of the step."""
        if (side, variable, place) not in self.lines:
            line = f'{self.name}_{self.imperfection.kind}{len(self.lines)}'
            begin = place - _LEAD
            if _is_line(variable, self.name):  # that of another imperfection comes first
                begin += 5*_OPERATION
            group = self.groups[side]
            self.imperfection.lay(whole_group(group), variable, line, self.name, begin,
                                  self.groups[_FAR[side]].clock)
            if isinstance(group, Subgroup):
                for each in [x for x in group.source.variables if x.startswith(line)]:
                    group.variables.add_reference(each, group.source)
            self.declarations += self.imperfection.declarations(line, side)
            self.lines[side, variable, place] = self.imperfection.read_as(line, side)
        return self.lines[side, variable, place]

    def arriving(self, side, variable):
        """What stands for a variable where synapses learn.

        The rate that was sent is that which was summed. What a group has computed since then has a
        line of its own.
        """
        if variable.endswith('_sent') or _is_line(variable, self.name):
            summed = (side, variable.removesuffix('_sent'))
            for key, known in self.lines.items():
                if key[:2] == summed:
                    return known
        return self.line(side, variable, WEIGHTS)

    def read(self, expression, side, line):
        """An expression with lines in place of what it reads of one side."""
        words = {}
        for identifier in sorted(expression.identifiers):
            variable = _variable_of(identifier, side, self.equations)
            if variable is not None and _moves(self.groups[side].variables.get(variable)):
                words[identifier] = line(side, variable)
        return reworded(expression.code, words)


class Delay(_Line):
    """What a projection reads from afar arrives later: rates, and errors on their way back.

    In vivo signals travel along axons and through synapses for milliseconds. On a chip they wait in
    routers and in analogue buffers.

    The forward sum of a projection reads the presynaptic variable of `time` ago, the backward sum
    (``v_err_pre = w*err_post``) the postsynaptic one, and synapses learn from the presynaptic rate
    that has arrived; those with a backward sum alone, such as learned feedback, from the error that
    has arrived and the rate beside them. Before the first has arrived, 0 is read. The delays of a
    projection are its variable ``delay_steps``, and one of 0 steps changes no bit.

    Steps are those of the group that receives the sum, whose time step may be another one than that
    of the group that is read. A delay has to be a whole number of them; those that are drawn for
    every connection are rounded. A projection that reads in several time steps, as one with sums in
    both directions between groups with different ``dt``, is refused.

    Delays of every connection are not possible for replicas and kernels. Sums are computed as those
    of `brian2.Synapses`, which takes longer, and adds in another order.

    Parameters
    ----------
    time : Quantity or pair of Quantity
        The delay; for every connection its mean, or the lowest and the highest of delays that are
        drawn uniformly.
    per : {'projection', 'connection'}
        What has a delay of its own.
    spread : float
        Relative standard deviation of the delays of connections around their mean. They are normal,
        and clipped to 0 and `longest`.
    longest : Quantity, optional
        The delay for which there is room, whatever `time` is in a later run of a compiled
        simulation; by default the longest of `time`, and with a spread three standard deviations
        more.
    on : str
        Pattern of the names of projections.

    Raises
    ------
    ValueError
        For a negative delay or spread, a range that is none, a spread without connections, a delay
        beyond `longest`. When a projection is created: for delays of connections that share their
        weights. By `Substrate.settle`: for a delay that is not a whole number of time steps, or
        time steps that differ.
    brian2.units.DimensionMismatchError
        For what is not a time.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le.substrate import Delay, Substrate
    >>> substrate = Substrate([Delay(0.2*ms)])
    >>> source = NeuronGroup(1, 'r = t/ms : 1')
    >>> target = NeuronGroup(1, 'v : 1')
    >>> S = substrate.project(source, target, '''v_post = w*r_pre : 1 (summed)
    ...                                          w : 1''', name='S')
    >>> S.w = 1
    >>> substrate.settle()
    >>> Network(source, target, S).run(1*ms)  # the last step begins at 0.9 ms
    >>> target.v[:].round(6)
    array([0.7])
    """

    kind, parameter = 'delayed', 'delay_steps'
    strengths = ('time', 'spread', 'longest')

    def __init__(self, time, *, per='projection', spread=0.0, longest=None, on='*'):
        super().__init__(on)
        self.per = choose("'per' of 'Delay'", per, ('projection', 'connection'))
        self.time = _times("'Delay'", time)
        one_value("spread of 'Delay'", spread)
        fail_for_dimension_mismatch(Quantity(spread), 1, "spread of 'Delay' is not a number")
        check_not_negative("spread of 'Delay'", spread)
        self.spread = float(spread)
        if per == 'projection' and (self.time.shape or self.spread):
            raise ValueError("'Delay' has one delay for each projection; give a single time and no "
                             "spread, or per='connection'")
        if self.time.shape and self.spread:
            raise ValueError("'Delay' has a range of times and a spread; give one of them")
        if self.time.shape not in ((), (2,)) or self.time.shape and self.time[0] > self.time[1]:
            raise ValueError(f"times of 'Delay' are {time}; give one, or the lowest and the "
                             'highest')
        latest = np.max(self.time)
        self.longest = latest*(1 + 3*self.spread) if longest is None else _times(
            "longest of 'Delay'", longest)
        if self.longest.shape or self.longest < latest*(1 - 1e-9):
            raise ValueError(f"time of 'Delay' is {time}, and longest={longest}; give one "
                             'time that is as long')

    def __repr__(self):
        return f'Delay({self.time!r}, per={self.per!r})'

    @property
    def is_absent(self):
        return bool(self.longest == 0)

    def equations(self, equations, is_projection):
        each = self.per == 'connection'
        return equations + f'delay_steps : integer ({"constant" if each else "shared, constant"})'

    def declarations(self, line, side):
        if self.per == 'projection':
            return ''
        return f'{line}_from : integer\n{line}_here = {line}_to_{side} : integer\n'

    def read_as(self, line, side):
        return line if self.per == 'connection' else f'{line}_{side}'

    def lay(self, group, variable, line, projection, order, clock):
        # a ring: what is stored comes to the next place in every step
        n, like = len(group), _like(group.variables[variable])
        room = int(np.ceil(float(self.longest)/float(clock.dt)*(1 - 1e-9)))
        size = n*(room + 1)
        group.variables.add_array(f'{line}_buffer', size=size, **like)
        group.variables.add_array(f'{line}_to', size=n, dtype=np.int32, values=np.arange(n),
                                  unique=True)
        advance = f'{line}_to = ({line}_to + {n}) % {size}'
        exchange, read = f'{line}_stored = {variable}', {f'{line}_stored': f'{line}_to'}
        if self.per == 'projection':
            steps = f'{projection}_delay_steps'
            group.variables.add_array(line, size=n, **like)
            group.variables.add_array(f'{line}_from', size=n, dtype=np.int32)
            advance += f'\n{line}_from = ({line}_to - {steps}*{n} + {size}) % {size}'
            # what is stored in this step can be read from the buffer in the next one
            exchange += (f'\n{line} = int({steps} == 0)*{variable} '
                         f'+ int({steps} > 0)*{line}_past')
            read[f'{line}_past'] = f'{line}_from'
        group.run_regularly(advance, clock=clock, when='groups', order=order,
                            name=f'{line}_advance')
        operation = group.run_regularly(exchange, clock=clock, when='groups',
                                        order=order + _OPERATION, name=f'{line}_exchange')
        operation.variables = Variables(group)
        for name, index in read.items():
            operation.variables.add_reference(name, group, f'{line}_buffer', index=index)

    def attach(self, site):
        if self.per == 'projection':
            super().attach(site)
            return
        synapses = site.object
        if isinstance(synapses, LoopSynapses) and not synapses._has_stock_equivalent:
            raise ValueError(f"'{site.name}' has connections that share their weights, which "
                             "cannot have delays of their own; give per='projection'")
        for group in _ends(synapses):
            for line in _lines(site.name, self.kind, group):
                size, n = group.variables[f'{line}_buffer'].size, len(group)
                synapses.variables.add_reference(line, group, f'{line}_buffer',
                                                 index=f'{line}_from')
                stored = next(x for x in group.contained_objects if x.name == f'{line}_exchange')
                synapses.run_regularly(
                    f'{line}_from = ({line}_here - delay_steps*{n} + {size}) % {size}',
                    clock=stored.clock, when='groups', order=stored.order + _OPERATION,
                    name=f'{line}_find')

    def values(self, site, rng):
        dt, time = self._step(site), self.time/second
        if not (self.time.shape or self.spread):
            self._check_whole(float(time)/dt, dt, site)
        if self.per == 'connection':
            time = (rng.uniform(*time, site.size) if self.time.shape else
                    time*(1 + self.spread*rng.standard_normal(site.size)))
            time = np.clip(time, 0, float(self.longest))
        steps, room = np.rint(np.asarray(time)/dt).astype(int), self._room(site)
        if np.max(steps, initial=0) > room:
            raise ValueError(f"'{site.name}' has room for delays of {room*dt*1e3:g} ms, but they "
                             f'are up to {np.max(steps)*dt*1e3:g} ms; compose the circuit with '
                             'Delay(..., longest=...), and with the time step that it will have')
        return {'delay_steps': steps if steps.shape else int(steps)}

    def _check_whole(self, steps, dt, site):
        near = np.rint(steps)
        if abs(steps - near) > 1e-6*max(1, steps):
            below, above = (f'{bound(steps)*dt*1e3:g}' for bound in (np.floor, np.ceil))
            raise ValueError(f"the delay of '{site.name}' is {steps*dt*1e3:g} ms, which is not a "
                             f'whole number of time steps of {dt*1e3:g} ms; give {below} or '
                             f'{above} ms')

    def _room(self, site):
        rings = [group.variables[f'{line}_buffer'].size//len(group)
                 for group in _ends(site.object) for line in _lines(site.name, self.kind, group)]
        return min(rings, default=np.inf) - 1


class LowPass(_Line):
    """What a projection reads from afar is filtered: rates, and errors on their way back.

    In vivo a synapse answers with a current that rises and decays. On a chip the capacitance of
    wires, and integrators that are meant to be synapses, do the same.

    In every step ``line = x + memory*(line - x)`` with ``memory = 1 - dt/tau``, where x is what is
    read without the filter: one forward Euler step of ``tau*dline/dt = x - line`` towards the
    present x. With ``tau = dt``, or 0, that is x itself, bit by bit. Lines are 0 at first. ``dt``
    is the time step of the group that receives the sum; see `Delay` for groups with several.

    Look-ahead of neurons cannot make up for it: it is not in their equations.

    Parameters
    ----------
    tau : Quantity
        Time constant: at least the time step, or 0 for none.
    on : str
        Pattern of the names of projections.

    Raises
    ------
    ValueError
        For a negative time constant; by `Substrate.settle`, for one below the time step, or time
        steps that differ.
    brian2.units.DimensionMismatchError
        For what is not a time.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le.substrate import LowPass, Substrate
    >>> substrate = Substrate([LowPass(0.2*ms)])
    >>> source, target = NeuronGroup(1, 'r : 1'), NeuronGroup(1, 'v : 1')
    >>> S = substrate.project(source, target, '''v_post = w*r_pre : 1 (summed)
    ...                                          w : 1''', name='S')
    >>> S.w = source.r = 1
    >>> substrate.settle()
    >>> Network(source, target, S).run(0.3*ms)
    >>> target.v[:]
    array([0.875])
    """

    kind, parameter = 'filtered', 'filter_memory'
    strengths = ('tau',)

    def __init__(self, tau, *, on='*'):
        super().__init__(on)
        self.tau = _times("tau of 'LowPass'", tau)
        if self.tau.shape:
            raise ValueError(f"tau of 'LowPass' is {tau}; give a single time")

    def __repr__(self):
        return f'LowPass({self.tau!r})'

    @property
    def is_absent(self):
        return bool(self.tau == 0)

    def equations(self, equations, is_projection):
        return equations + 'filter_memory : 1 (shared, constant)'

    def declarations(self, line, side):
        return ''

    def read_as(self, line, side):
        return f'{line}_{side}'

    def lay(self, group, variable, line, projection, order, clock):
        group.variables.add_array(line, size=len(group), **_like(group.variables[variable]))
        memory = f'{projection}_filter_memory'
        group.run_regularly(f'{line} = {variable} + {memory}*({line} - {variable})', clock=clock,
                            when='groups', order=order, name=f'{line}_follow')

    def values(self, site, rng):
        tau, dt = float(self.tau), self._step(site)
        if tau and tau < dt*(1 - 1e-9):
            raise ValueError(f"tau of 'LowPass' on '{site.name}' is {tau*1e3:g} ms; it has to be "
                             f'at least the time step of {dt*1e3:g} ms, or 0')
        return {'filter_memory': max(0.0, 1 - dt/tau) if tau else 0.0}


# --------------------------------------------------------------------------- what is read from afar
def _sums(equations):
    """The expressions of sums, without subexpressions, and the sides that they read, by name."""
    subexpressions = {eq.varname: eq.expr.code for eq in equations.values()
                      if eq.type == SUBEXPRESSION and 'summed' not in eq.flags}
    return {eq.varname: (Expression(inline(eq.expr.code, subexpressions)),
                         _FAR[eq.varname.rpartition('_')[2]])
            for eq in equations.values() if 'summed' in eq.flags}


def _learning(equations):
    """Names of the differential equations, and of the subexpressions that they need."""
    found = new = set(equations.diff_eq_names)
    while new:
        new = {name for known in new for name in equations[known].identifiers
               if name in equations and equations[name].type == SUBEXPRESSION} - found
        found = found | new
    return sorted(found)


def _variable_of(identifier, side, equations):
    """The variable of the neurons of a side that an identifier stands for; None if of no such."""
    name, _, suffix = identifier.rpartition('_')
    if suffix in _FAR:
        return name if suffix == side and name != 'N' else None
    known = {*equations.names, *DEFAULT_FUNCTIONS, *DEFAULT_UNITS}
    return identifier if side == 'post' and identifier not in known else None


def _moves(variable):
    """Whether a variable may differ from neuron to neuron, and from step to step."""
    return (isinstance(variable, (ArrayVariable, Subexpression)) and not variable.scalar
            and not variable.constant and np.issubdtype(variable.dtype, np.floating))


# ------------------------------------------------------------------------------- groups and lines
def _ends(synapses):
    """The whole groups that synapses connect, one if they are the same."""
    return {group.name: group for group in whole_groups(synapses)}.values()


def _like(variable):
    return dict(dimensions=variable.dim, dtype=variable.dtype)


def _is_line(variable, projection):
    return re.fullmatch(rf'{projection}_[a-z]+\d+', variable)


def _lines(projection, kind, group):
    """Names of the lines of a projection in a group."""
    found = (re.fullmatch(rf'({projection}_{kind}\d+)_buffer', name) for name in group.variables)
    return [match[1] for match in found if match]


def _operations(projection, kind, group):
    """The operations by which the lines of a projection follow."""
    return [obj for obj in group.contained_objects
            if re.fullmatch(rf'{projection}_{kind}\d+_(exchange|follow)', obj.name)]


def _learns_from_lines(site, kind):
    """Whether synapses learn from a line that no sum reads."""
    return any(operation.order > WEIGHTS - 2*_LEAD
               for group in _ends(site.object)
               for operation in _operations(site.name, kind, group))


def _times(what, given):
    if not is_numeric(given):
        raise ValueError(f'{what} is {given!r}; give a time, such as 1*ms')
    fail_for_dimension_mismatch(Quantity(given), second, f'{what} is not a time')
    check_not_negative(what, given)
    return Quantity(given)
