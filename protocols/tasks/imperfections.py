"""Imperfections of the substrate as parameters of protocols."""

from brian2 import ms

from brian_le import substrate
from brian_le.protocols.parameters import Parameter

__all__ = ['ROUNDINGS', 'alive_later', 'imperfections', 'parameters']

ROUNDINGS = ('accumulated', 'stochastic', 'nearest')

_PARAMETERS = {parameter.name: parameter for parameter in (
    Parameter('mismatch', 0.0, 'relative standard deviation of membrane time constants and '
              'look-ahead times, which differ from neuron to neuron', minimum=0, maximum=10),
    Parameter('noise', 0.0, 'standard deviation of white noise on all rates, in every time step',
              minimum=0, maximum=1e6),
    Parameter('delay', 0.0, 'how much later signals arrive in other layers, in whole time steps',
              'ms', minimum=0, maximum=1e6),
    Parameter('bits', 0, 'resolution of weights; 0 is that of floating point numbers', minimum=0,
              maximum=32, named=((0, 'unlimited'),)),
    Parameter('rounding', 'accumulated', 'how weights are rounded: what is sent by a weight that '
              'learns in full resolution, or the weight itself, at random or to the nearest level',
              choices=ROUNDINGS),
    Parameter('w_range', 4.0, 'largest absolute weight of limited resolution', minimum=1e-6,
              maximum=1e6),
    Parameter('dead', 0.0, 'fraction of hidden neurons that die', minimum=0, maximum=1),
    Parameter('dead_from', 0.0, 'when they die, as a fraction of the training', minimum=0,
              maximum=1),
)}
_ROOM = 16  # steps of delay that every compiled network with delays has room for
_LONGEST = 1000.0  # ms, of time constants; at least they are a time step


def parameters(*names):
    """The parameters of some names; by default all."""
    return tuple(_PARAMETERS[name] for name in names or _PARAMETERS)


def imperfections(p, *, rate='r', mismatched=('tau_m', 'tau_r'), hidden='*_hidden*',
                  between=('*',), weights='*'):
    """The imperfections that have some strength, for a `brian_le.substrate.Substrate`.

    Of the parameters, those that a protocol does not have count as 0. Noise is added to `rate`, and
    `mismatched` are the time constants that differ; `hidden` is a pattern of the names of
    populations whose neurons may die, `between` are those of projections that take time, and
    `weights` that of projections with weights of limited resolution.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from brian_le.protocols.tasks.imperfections import imperfections
    >>> imperfections(SimpleNamespace(mismatch=0.2, noise=0.1, dt=0.1))
    [Mismatch(('tau_m', 'tau_r'), 0.2), Noise('r', 0.1)]
    """
    found = []
    if _strength(p, 'mismatch'):
        found.append(substrate.Mismatch(mismatched, p.mismatch, clip=(p.dt*ms, _LONGEST*ms)))
    if _strength(p, 'noise'):
        found.append(substrate.Noise(rate, p.noise))
    if _strength(p, 'delay'):
        longest = _room(p)*p.dt*ms
        found += [substrate.Delay(p.delay*ms, on=pattern, longest=longest) for pattern in between]
    if _strength(p, 'bits'):
        found.append(substrate.WeightResolution(p.bits, p.w_range, rounding=p.rounding,
                                                on=weights))
    if _strength(p, 'dead'):
        found.append(substrate.Dead(p.dead, on=hidden))
    return found


def alive_later(program):
    """Which neurons of a program are alive once some have died, by ``'object.alive'``."""
    return {key: value for key, value in program.start.items() if key.endswith('.alive')}


def _strength(p, name):
    return getattr(p, name, 0)


def _room(p):
    """Steps of the longest delay, doubled until they are enough; 0 without delay."""
    steps = _ROOM
    while _strength(p, 'delay') > steps*p.dt*(1 + 1e-9):
        steps *= 2
    return steps if _strength(p, 'delay') else 0
