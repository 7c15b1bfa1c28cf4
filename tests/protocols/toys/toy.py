"""A protocol without Brian2: noise that adds up, in chunks, with checkpoints."""
import os
import signal
import time

import numpy as np

from brian_le.protocols.parameters import Parameter
from brian_le.protocols.protocol import Protocol

#: What the catalogue says of it, in tests, and where other processes find it.
TOY = ('tests.protocols.toys.toy:Toy', 'noise that adds up')
TOY_FILE = f'{__file__}:Toy'


class Toy(Protocol):
    """Noise that adds up."""

    name, summary = 'toy', 'noise that adds up'
    figures = 'brian_le.protocols.sweeps.figures'
    unit, room = 'step', 8
    parameters = (Parameter('gain', 1.0, 'factor', minimum=0, maximum=100),
                  Parameter('lag', None, 'time', 'ms', minimum=0),
                  Parameter('steps', 40, 'steps', minimum=1),
                  Parameter('pause', 1.0, 'time that a step takes', 'ms', minimum=0),
                  Parameter('mode', 'good', 'what happens', choices=('good', 'bad', 'deadly')))

    def __init__(self, p, seed):
        super().__init__(p, seed)
        if p.mode == 'bad':
            raise RuntimeError('the toy is broken')
        if p.mode == 'deadly':
            os.kill(os.getpid(), signal.SIGKILL)
        self.noise, self.total = p.gain*np.random.RandomState(seed).randn(p.steps), p.steps

    def begin(self, program):
        return {'sum': np.zeros(3)}

    def chunk(self, program, state, first, n):
        sums = [state['sum']]
        for k in range(first, first + n):
            time.sleep(self.p.pause/1e3)
            sums.append(sums[-1] + self.noise[k])
        return {'sum': sums[-1]}, {'sums': np.array(sums[1:])}

    def result(self, state, rows):
        return {'end': state['sum'][0], 'sums': rows['sums'][:, 0], 'all': rows['sums']}

    @staticmethod
    def summarize(result):
        yield ''
