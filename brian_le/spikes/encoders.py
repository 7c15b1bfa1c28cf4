"""Encoders: what makes spikes of a rate, as equations, a threshold and a reset.

All of them go by the same names. ``r_scale`` is the number of spikes per time that stands for a
rate of 1; a rate of 0.4 with ``r_scale=1000*Hz`` is 400 spikes/s. Every spike adds a quantum to the
``trace``, an exponential of time constant ``tau_s`` that synapses read in place of the rate::

    trace = trace*exp(-dt/tau_s)       in every step, exactly
    trace += quantum                   at a spike: (1 - exp(-dt/tau_s))/(r_scale*dt)

so that on average over time the trace is the rate. Plain encoders send the rate itself, and the
trace follows it with a delay of ``tau_s``. Prospective ones send, in discrete time exactly, the
rate for which the trace is ``r`` at once, ``(r - r_sent*exp(-dt/tau_s))/(1 - exp(-dt/tau_s))``,
which for slow changes is ``r + tau_s*dr/dt``. No number of spikes is negative: where a rate falls
faster than the trace can, the trace comes down with ``tau_s``, and rates below 0 are not sent.
"""

from dataclasses import dataclass
from functools import cached_property

from brian2.core.clocks import defaultclock
from brian2.equations.equations import Equations
from brian2.units.allunits import hertz, second
from brian2.units.fundamentalunits import Quantity
from brian2.units.stdunits import ms

from brian_le.checks import check_flag, check_positive
from brian_le.parameters import equations_of, parameter, quantity

__all__ = ['Encoder', 'adaptive_threshold', 'integrate_and_fire', 'leaky_integrate_and_fire',
           'poisson_spikes']

_SENT = {True: 'clip((r - trace_left*r_sent)/(1 - trace_left), 0, inf)', False: 'clip(r, 0, inf)'}


@dataclass(frozen=True)
class Encoder:
    """What makes spikes of a rate: equations to add to those of a neuron, a threshold and a reset.

    Made by `integrate_and_fire` and the other functions of this room.

    Parameters
    ----------
    name : str
        What it is called.
    equations : brian2.Equations
        To be added to those of neurons that have a rate ``r`` and, for the prospective ones that
        are random, ``r_sent``: with ``trace``, what synapses read, and ``quantum``, what a spike
        adds to it.
    threshold, reset : str
        As of `brian2.NeuronGroup`.
    r_scale, tau_s : Quantity
        Spikes per time for a rate of 1, and time constant of the trace.
    refractory : Quantity or False
        As of `brian2.NeuronGroup`.
    one_spike : bool
        Whether a neuron sends at most one spike in a time step, so that ``r_scale*dt`` has to be
        below 1.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, SpikeMonitor, ms
    >>> from brian_le import pyramidal
    >>> from brian_le.spikes import integrate_and_fire
    >>> encoder = integrate_and_fire()
    >>> G = NeuronGroup(3, pyramidal() + encoder.equations, **encoder.events())
    >>> net = Network(G, SpikeMonitor(G))
    >>> print(encoder.equations['charge'])
    dcharge/dt = r_scale*r + (1 - trace_left)/dt*clip(-to_send, 0, inf) : 1
    >>> print('\\n'.join(str(encoder).splitlines()[-2:]))
    threshold: to_send >= 1 - 1e-9
    reset: charge -= 1; trace += quantum
    """

    name: str
    equations: Equations
    threshold: str
    reset: str
    r_scale: Quantity
    tau_s: Quantity
    refractory: object = False
    one_spike: bool = True

    def events(self, dt=None):
        """The options of a `brian2.NeuronGroup` that make it spike, checked for a time step.

        Parameters
        ----------
        dt : Quantity, optional
            The time step of the group, by default that of `brian2.defaultclock`.

        Returns
        -------
        dict
            ``threshold`` and ``reset``, and ``refractory`` if there is one.

        Raises
        ------
        ValueError
            For a `tau_s` or a refractory time below the time step, or if already a rate of 1 needs
            more than one spike in a time step.
        """
        dt = defaultclock.dt if dt is None else dt
        if self.tau_s < dt*(1 - 1e-9):
            raise ValueError(f"tau_s of '{self.name}' is {self.tau_s}, less than the time step of "
                             f'{dt}; give at least that')
        if self.refractory is not False and self.refractory < dt*(1 - 1e-9):
            raise ValueError(f"t_ref of '{self.name}' is {self.refractory}, less than the time "
                             f'step of {dt}; give at least that')
        if self.one_spike and float(self.r_scale*dt) > 1:
            raise ValueError(
                f"'{self.name}' sends at most one spike in a time step of {dt}, and a rate of 1 is "
                f'{self.r_scale}, {float(self.r_scale*dt):.3g} spikes in each; give an r_scale of '
                f'at most {float(1/dt):.6g} Hz, a shorter time step, several neurons for each '
                'rate, or poisson_spikes(several=True)')
        refractory = {} if self.refractory is False else {'refractory': self.refractory}
        return {'threshold': self.threshold, 'reset': self.reset, **refractory}

    @cached_property
    def quantum(self):
        """What one spike adds to the trace, for short time steps: ``1/(r_scale*tau_s)``."""
        return float(1/(self.r_scale*self.tau_s))

    def __str__(self):
        refractory = '' if self.refractory is False else f'\nrefractory: {self.refractory}'
        reset = '; '.join(self.reset.split('\n'))
        return f'{self.equations}\nthreshold: {self.threshold}\nreset: {reset}{refractory}'


def integrate_and_fire(r_scale=1000*hertz, tau_s=5*ms, *, prospective=True):
    """Count what is to be sent, and send a spike for every 1: sigma-delta coding, without noise.

    The ``charge`` integrates the rate; a spike takes 1 of it away, and what is left is carried on.
    Over any time the number of spikes is what was to be sent, but for less than one; a neuron that
    has to send several in a step sends one in each of the next. The trace of a prospective one
    differs from the rate by less than a quantum (where rates fall no faster than the trace can).
    What has been sent too much, after a faster fall, is forgotten as the trace forgets it.

    Neurons with equal rates spike together; give them different charges between 0 and 1 to begin
    with (``group.charge = 'rand()'``).

    Parameters
    ----------
    r_scale : Quantity
        Spikes per time that stand for a rate of 1 (default 1000 Hz).
    tau_s : Quantity
        Time constant of the trace (default 5 ms).
    prospective : bool
        Whether the rate is sent for which the trace is ``r`` at once (the default), or the rate
        itself, which the trace follows with a delay of `tau_s`.

    Returns
    -------
    Encoder

    Raises
    ------
    ValueError
        For an `r_scale` or a `tau_s` that is not positive.
    brian2.units.DimensionMismatchError
        For an `r_scale` that is not in 1/time, or a `tau_s` that is not a time.

    Examples
    --------
    A rate that jumps from 0.2 to 0.8, and what the synapses see of it 1 ms later:

    >>> from brian2 import Equations, Network, NeuronGroup, defaultclock, ms
    >>> from brian_le.spikes import integrate_and_fire
    >>> for prospective in (True, False):
    ...     encoder = integrate_and_fire(prospective=prospective)
    ...     G = NeuronGroup(1, Equations('r : 1') + encoder.equations, method='euler',
    ...                     **encoder.events())
    ...     G.r, net = 0.2, Network(G)
    ...     net.run(100*ms)
    ...     G.r = 0.8
    ...     net.run(4*ms)
    ...     print(bool(abs(G.trace[0] - 0.8) < encoder.quantum))
    True
    False
    """
    # the charge of a step has the rate of the step before: one dt is what it lacks
    lead = 'dt/(1 - trace_left)' if check_flag('prospective', prospective) else 'dt'
    return _encoder('integrate_and_fire', r_scale, tau_s,
                    ['dcharge/dt = r_scale*r + (1 - trace_left)/dt*clip(-to_send, 0, inf) : 1',
                     'to_send = charge + r_scale*tau_lead*r : 1',
                     f'tau_lead = {lead} : second (shared)'],
                    # that a sum is not quite 1 only by rounding makes no difference between targets
                    'to_send >= 1 - 1e-9', 'charge -= 1')


def poisson_spikes(r_scale=1000*hertz, tau_s=5*ms, *, prospective=True, several=False):
    """Send spikes at random, at the rate: a Poisson process.

    For a constant rate the trace has the variance ``r/(2*tau_s*r_scale)`` (for short time steps);
    that of `integrate_and_fire`, a sawtooth of one quantum, has ``1/(12*(tau_s*r_scale)**2)``.

    Parameters
    ----------
    r_scale, tau_s, prospective
        As for `integrate_and_fire`.
    several : bool
        Whether a neuron may send several spikes in a step, ``n_spikes``, which stand for one event
        with as many quanta: any `r_scale` then goes with any time step. By default it sends at most
        one.

    Returns
    -------
    Encoder
        For neurons that have ``r_sent``, the rate of the step before, as those of this package.

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `integrate_and_fire`.

    Examples
    --------
    >>> from brian2 import Equations, Network, NeuronGroup, SpikeMonitor, ms
    >>> from brian_le.spikes import poisson_spikes
    >>> encoder = poisson_spikes()
    >>> G = NeuronGroup(100, Equations('''r : 1
    ...                                   r_sent = r : 1''') + encoder.equations,
    ...                 method='euler', **encoder.events())
    >>> G.r, spikes = 0.5, SpikeMonitor(G)
    >>> Network(G, spikes).run(100*ms)
    >>> bool(4500 < spikes.num_spikes < 5500)
    True
    """
    sent = _SENT[check_flag('prospective', prospective)]
    if check_flag('several', several):
        # drawn once in a step, and read by threshold, reset and synapses
        return _encoder('poisson_spikes', r_scale, tau_s,
                        [f'n_spikes = poisson(r_scale*dt*{sent}) : 1 (constant over dt)'],
                        'n_spikes > 0', sent='n_spikes*quantum', one_spike=False)
    return _encoder('poisson_spikes', r_scale, tau_s, [f'intensity = r_scale*{sent} : hertz'],
                    'rand() < intensity*dt')


def leaky_integrate_and_fire(r_scale=1000*hertz, tau_s=5*ms, *, prospective=True, tau_v=10*ms,
                             t_ref=0.5*ms):
    """A leaky integrate-and-fire neuron, driven such that it fires at the rate.

    Its potential ``v_spike`` goes from 0 to a threshold of 1, with the drive for which that takes
    as long as is between two spikes of the rate, without the refractory time. A constant rate is
    sent within half a time step for each interval between spikes, and at most a spike each `t_ref`.
    As any leaky neuron it does not reach its threshold with too weak a drive: rates below
    ``1/(15*tau_v)`` (6.7 Hz) send nothing.

    Parameters
    ----------
    r_scale, tau_s, prospective
        As for `integrate_and_fire`.
    tau_v : Quantity
        Membrane time constant of ``v_spike`` (default 10 ms).
    t_ref : Quantity
        Refractory time, at least one time step (default 0.5 ms).

    Returns
    -------
    Encoder
        For neurons that have ``r_sent``, the rate of the step before, as those of this package.

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `integrate_and_fire`, and for a `tau_v` or `t_ref` that is no positive time.

    Examples
    --------
    >>> from brian2 import Equations, Network, NeuronGroup, SpikeMonitor, ms
    >>> from brian_le.spikes import leaky_integrate_and_fire
    >>> encoder = leaky_integrate_and_fire(t_ref=2*ms)
    >>> G = NeuronGroup(1, Equations('''r : 1
    ...                                 r_sent = r : 1''') + encoder.equations,
    ...                 method='euler', **encoder.events())
    >>> G.r, spikes = 0.2, SpikeMonitor(G)
    >>> Network(G, spikes).run(100*ms)
    >>> bool(19 <= spikes.num_spikes <= 21)
    True
    """
    for name, value in (('tau_v', tau_v), ('t_ref', t_ref)):
        check_positive(name, quantity(name, value, second))
    sent = _SENT[check_flag('prospective', prospective)]
    return _encoder('leaky_integrate_and_fire', r_scale, tau_s, [
        # the first step counts once the refractory time is over, and intervals are rounded up
        f'n_steps_up = clip((1/(r_scale*({sent} + 1e-9)) - t_ref)/dt + 0.5, 1, inf) : 1',
        'drive = int(n_steps_up*dt < 15*tau_v)/(1 - exp(-n_steps_up*dt/tau_v)) : 1',
        'dv_spike/dt = (drive - v_spike)*(1 - exp(-dt/tau_v))/dt*int(not_refractory) : 1',
        parameter('tau_v', tau_v, second, check_positive, 'shared'),
        parameter('t_ref', t_ref, second, check_positive, 'shared')],
        'v_spike >= 1 - 1e-9', 'v_spike = 0', refractory=Quantity(t_ref))


def adaptive_threshold(r_scale=1000*hertz, tau_s=5*ms):
    """Send a spike whenever the rate is half a quantum above what the trace says.

    The trace follows the rate without delay, within half a quantum (where rates fall no faster than
    the trace can, and rise by at most a quantum in a step). A rate below half a quantum,
    ``1/(2*r_scale*tau_s)``, sends nothing.

    Parameters
    ----------
    r_scale, tau_s
        As for `integrate_and_fire`.

    Returns
    -------
    Encoder

    Raises
    ------
    ValueError, brian2.units.DimensionMismatchError
        As for `integrate_and_fire`.

    Examples
    --------
    >>> from brian2 import Equations, Network, NeuronGroup, ms
    >>> from brian_le.spikes import adaptive_threshold
    >>> encoder = adaptive_threshold()
    >>> G = NeuronGroup(1, Equations('r : 1') + encoder.equations, method='euler',
    ...                 **encoder.events())
    >>> G.r = 0.6
    >>> Network(G).run(50*ms)
    >>> bool(abs(G.trace[0] - 0.6) <= encoder.quantum/2)
    True
    """
    return _encoder('adaptive_threshold', r_scale, tau_s, [], 'r - trace >= quantum/2')


def _encoder(name, r_scale, tau_s, lines, threshold, reset='', *, sent='quantum', **options):
    """An encoder with the trace that all have."""
    for what, value, unit in (('r_scale', r_scale, hertz), ('tau_s', tau_s, second)):
        check_positive(what, quantity(what, value, unit))
    equations = equations_of([
        *lines,
        # what a step leaves of the trace, exactly, in forward Euler
        'dtrace/dt = (trace_left - 1)*trace/dt : 1',
        'trace_left = exp(-dt/tau_s) : 1 (shared)',
        'quantum = (1 - trace_left)/(r_scale*dt) : 1 (shared)',
        parameter('r_scale', r_scale, hertz, check_positive, 'shared'),
        parameter('tau_s', tau_s, second, check_positive, 'shared')])
    return Encoder(name, equations, threshold, f'{reset}\ntrace += {sent}'.strip(),
                   Quantity(r_scale), Quantity(tau_s), **options)
