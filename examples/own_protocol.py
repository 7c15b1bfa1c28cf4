"""A protocol of one's own: slow neurons in a chain learn to follow a teacher, with mismatch or not.

    brian-le run own_protocol.py:Follow --set mismatch=0.2
    brian-le sweep own_protocol.py:Follow --grid mismatch=0,0.2,0.4 --seeds 3

runs it, and sweeps over it; here it is run from Python.
"""

import tempfile

import numpy as np
from brian2 import Network, defaultclock, ms

from brian_le.models import Batches, BatchReadout, Dense, LayeredNetwork, initial_weights
from brian_le.protocols import Parameter, Protocol, check_protocol, run
from brian_le.substrate import Mismatch, Substrate


class Follow(Protocol):
    """Batches of random inputs, and what another network makes of them as targets."""

    summary = 'a layered network learns to do as another one does'
    unit, room = 'batch', 50
    parameters = (
        Parameter('hidden', 20, 'hidden neurons', minimum=1, maximum=1000),
        Parameter('eta', 2.0, 'learning rate, times the time of a batch', minimum=0),
        Parameter('mismatch', 0.0, 'relative spread of time constants', minimum=0, maximum=1),
        Parameter('batches', 200, 'batches of 10 samples, each shown for 5 ms', minimum=1))

    def __init__(self, p, seed):
        super().__init__(p, seed)
        rng = np.random.default_rng(seed)
        self.layers = [Dense(p.hidden), Dense(2)]
        self.weights = initial_weights(5, self.layers, rng)
        self.inputs = rng.uniform(-1, 1, (p.batches, 10, 5))
        self.targets = 0.5 + 0.4*np.tanh(self.inputs @ rng.normal(size=(5, 2)))
        self.total, self.n_steps = p.batches, 50

    def compose(self):
        return self._compose(self.inputs[:1], self.targets[:1], capacity=self.room)

    def compose_whole(self):
        return self._compose(self.inputs, self.targets)

    def _compose(self, inputs, targets, capacity=None):
        defaultclock.dt = 0.1*ms
        self.batches = Batches(inputs.reshape(-1, 5), targets.reshape(-1, 2), duration=5*ms,
                               replicas=10, capacity=capacity, name='batches')
        net = LayeredNetwork(
            5, self.layers, batches=self.batches, eta=self.p.eta/(5*ms), name='net',
            substrate=Substrate([Mismatch('tau_m', self.p.mismatch)], self.seed))
        net.weights.update(self.weights)
        self.readout = BatchReadout(self.batches, net.output, 'r', 'readout')
        return Network(self.batches, net, self.readout)

    def shown(self, first, n):
        part = slice(first, first + n)
        return self.batches.tables(self.inputs[part].reshape(-1, 5),
                                   self.targets[part].reshape(-1, 2))

    def rows(self, end):
        return {'outputs': self.readout.values(end).reshape(-1, 10, 2)}

    def result(self, state, rows):
        errors = np.mean((rows['outputs'] - self.targets)**2, axis=(1, 2))
        return {'error': errors}


if __name__ == '__main__':
    check_protocol(Follow, batches=3, hidden=2)
    with tempfile.TemporaryDirectory() as folder:
        for mismatch in (0, 0.4):
            found = run(Follow, mismatch=mismatch, device='numpy', out=f'{folder}/{mismatch}')
            print(f"mismatch {mismatch}: error {found.arrays['error'][-20:].mean():.4f}")
