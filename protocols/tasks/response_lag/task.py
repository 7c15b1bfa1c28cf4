"""How long a chain of slow neurons takes to answer, with and without look-ahead."""

from types import SimpleNamespace

import numpy as np
from brian2 import Network, defaultclock, ms

from brian_le.models import Dense, LayeredNetwork, Recorder, recorded_values
from brian_le.protocols.parameters import Parameter
from brian_le.protocols.protocol import Protocol

__all__ = ['LABELS', 'ResponseLag', 'THRESHOLD', 'latencies', 'look_ahead', 'some_layers']

LABELS = {'le': 'look-ahead by tau_m', 'partial': 'look-ahead too short',
          'no_look_ahead': 'without look-ahead'}
THRESHOLD = 1 - np.exp(-1)  #: fraction of the final rate that counts as an answer


class ResponseLag(Protocol):
    """The answer of a chain of slow neurons to a step, with and without look-ahead.

    The input of a chain of linear neurons steps from 0 to 1; every neuron passes on the rate of the
    one below. With a look-ahead of tau_r = tau_m each layer costs one time step, however slow its
    membrane is. Without look-ahead each costs about a membrane time constant, and with a look-ahead
    that is too short about the difference, tau_m - tau_r. The latency of a layer is the time until
    its rate first reaches 1 - 1/e of its final value. Nothing is random: the seed does not matter.

    Results have ``time`` (ms) at the end of every step; for every chain (``'le'``, ``'partial'``,
    ``'no_look_ahead'``), after its name and a dot: ``rates`` (steps, layers) and ``latency``
    (layers) in ms.
    """

    name = 'response-lag'
    figures = 'brian_le.protocols.tasks.response_lag.figures'
    unmeasured = ('*.latency',)  # NaN stands for of layers that have not answered
    unit = 'run'
    parameters = (
        Parameter('depth', 20, 'layers of the chain', minimum=1, maximum=200),
        Parameter('tau_m', 10.0, 'membrane time constant', 'ms', minimum=1e-6),
        Parameter('partial', 0.8, 'look-ahead that is too short, as a fraction of tau_m', minimum=0,
                  maximum=1),
        Parameter('dt', 0.1, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.n_steps = n_steps(p)

    @staticmethod
    def check(p):
        n_steps(p)

    def compose(self):
        """One chain, with a replica for every look-ahead."""
        p = self.p
        defaultclock.dt = p.dt*ms
        tau_r = np.array(list(look_ahead(p).values()))*ms
        net = LayeredNetwork(1, [Dense(1, activation='linear')]*p.depth, replicas=len(tau_r),
                             bias=False, tau_m=p.tau_m*ms, name='chain')
        net.weights.update({key: np.ones(net.weights.shape(*key)) for key in net.weights})
        net.schedule.nudged = net.schedule.learning = 0
        net.inputs.r = 1
        for group in net.neurons:
            group.tau_r = tau_r  # one value per replica
        recorder = Recorder({f'r{k}': (group, 'r') for k, group in enumerate(net.neurons)},
                            name='chain_rates')
        return Network(net, recorder)

    def rows(self, end):
        """Rates of all chains, of shape (1, steps, layers)."""
        rates = np.stack([recorded_values('chain_rates', f'r{k}', end, len(LABELS))
                          for k in range(self.p.depth)], axis=2)
        return {name: rates[None, :, number] for number, name in enumerate(LABELS)}

    def result(self, state, rows):
        arrays = {'time': self.p.dt*(1 + np.arange(self.n_steps))}
        for name, (rates,) in rows.items():
            arrays |= {f'{name}.rates': rates, f'{name}.latency': latencies(rates, self.p.dt)}
        return arrays

    def guide(self):
        return {'chain_rates_monitor.r0, r1, ...': 'rates of the layers in every step, for '
                                                   f'{len(LABELS)} look-ahead times'}

    @staticmethod
    def summarize(result):
        tau_r = look_ahead(SimpleNamespace(**result.description['parameters']))
        for name, label in LABELS.items():
            latency = result.arrays[f'{name}.latency']
            times = ', '.join(f'{latency[layer - 1]:.4g} ms in layer {layer}'
                              for layer in some_layers(len(latency)))
            yield f'{label:<20} (tau_r {tau_r[name]:g} ms): latency {times}'


def look_ahead(p):
    """Look-ahead times of the chains in ms, by the names that results have them by."""
    return {'le': p.tau_m, 'partial': p.partial*p.tau_m, 'no_look_ahead': 0.0}


def n_steps(p):
    """Steps until every layer has answered: twice as many as membranes alone make of it."""
    steps = int(np.ceil(2*p.depth*p.tau_m/p.dt))
    size = 8*steps*p.depth*len(LABELS)
    if size > 1e9:
        raise ValueError(f"to record {p.depth} layers in {steps} steps takes {size/1e9:.0f} GB; "
                         "use a smaller 'depth' or a longer 'dt'")
    return steps


def latencies(rates, dt):
    """When rates, of shape (steps, layers), first reach 1 - 1/e of their final value, 1.

    A rate that has it at the end of the first step has a latency of one time step. NaN where it is
    never reached.
    """
    reached = np.asarray(rates) >= THRESHOLD
    return np.where(reached.any(axis=0), dt*(1 + reached.argmax(axis=0)), np.nan)


def some_layers(depth):
    """The layers, from 1 on, that stand for all: the first, one in the middle, and the last."""
    return sorted({1, (depth + 1)//2, depth})
