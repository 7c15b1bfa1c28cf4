"""What a projection reads from afar arrives late, or filtered: by lines of its own."""

import numpy as np
from brian2.core.variables import Variables
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch

from brian_le.checks import check_not_negative, choose
from brian_le.substrate.imperfection import is_numeric, one_value
from brian_le.substrate.lines import OPERATION, Line, array_like, ends_of, lines_of
from brian_le.synapses.loops.engine import LoopSynapses

__all__ = ['Delay', 'LowPass']


class Delay(Line):
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
        n, alike = len(group), array_like(group.variables[variable])
        room = int(np.ceil(float(self.longest)/float(clock.dt)*(1 - 1e-9)))
        size = n*(room + 1)
        group.variables.add_array(f'{line}_buffer', size=size, **alike)
        group.variables.add_array(f'{line}_to', size=n, dtype=np.int32, values=np.arange(n),
                                  unique=True)
        advance = f'{line}_to = ({line}_to + {n}) % {size}'
        exchange, read = f'{line}_stored = {variable}', {f'{line}_stored': f'{line}_to'}
        if self.per == 'projection':
            steps = f'{projection}_delay_steps'
            group.variables.add_array(line, size=n, **alike)
            group.variables.add_array(f'{line}_from', size=n, dtype=np.int32)
            advance += f'\n{line}_from = ({line}_to - {steps}*{n} + {size}) % {size}'
            # what is stored in this step can be read from the buffer in the next one
            exchange += (f'\n{line} = int({steps} == 0)*{variable} '
                         f'+ int({steps} > 0)*{line}_past')
            read[f'{line}_past'] = f'{line}_from'
        group.run_regularly(advance, clock=clock, when='groups', order=order,
                            name=f'{line}_advance')
        operation = group.run_regularly(exchange, clock=clock, when='groups',
                                        order=order + OPERATION, name=f'{line}_exchange')
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
        for group in ends_of(synapses):
            for line in lines_of(site.name, self.kind, group):
                size, n = group.variables[f'{line}_buffer'].size, len(group)
                synapses.variables.add_reference(line, group, f'{line}_buffer',
                                                 index=f'{line}_from')
                stored = next(x for x in group.contained_objects if x.name == f'{line}_exchange')
                synapses.run_regularly(
                    f'{line}_from = ({line}_here - delay_steps*{n} + {size}) % {size}',
                    clock=stored.clock, when='groups', order=stored.order + OPERATION,
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
                 for group in ends_of(site.object)
                 for line in lines_of(site.name, self.kind, group)]
        return min(rings, default=np.inf) - 1


class LowPass(Line):
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
        group.variables.add_array(line, size=len(group), **array_like(group.variables[variable]))
        memory = f'{projection}_filter_memory'
        group.run_regularly(f'{line} = {variable} + {memory}*({line} - {variable})', clock=clock,
                            when='groups', order=order, name=f'{line}_follow')

    def values(self, site, rng):
        tau, dt = float(self.tau), self._step(site)
        if tau and tau < dt*(1 - 1e-9):
            raise ValueError(f"tau of 'LowPass' on '{site.name}' is {tau*1e3:g} ms; it has to be "
                             f'at least the time step of {dt*1e3:g} ms, or 0')
        return {'filter_memory': max(0.0, 1 - dt/tau) if tau else 0.0}


def _times(what, given):
    if not is_numeric(given):
        raise ValueError(f'{what} is {given!r}; give a time, such as 1*ms')
    fail_for_dimension_mismatch(Quantity(given), second, f'{what} is not a time')
    check_not_negative(what, given)
    return Quantity(given)
