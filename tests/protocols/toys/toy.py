"""A protocol without Brian2: noise that adds up, in chunks, with checkpoints."""
import os
import signal
import time

import numpy as np

from brian_le.protocols.parameters import Parameter

NAME = 'toy'
SUMMARY = 'noise that adds up'
FIGURES = 'brian_le.protocols.sweeps.figures'
PARAMETERS = (Parameter('gain', 1.0, 'factor', minimum=0, maximum=100),
              Parameter('lag', None, 'time', 'ms', minimum=0),
              Parameter('steps', 40, 'steps', minimum=1),
              Parameter('pause', 1.0, 'time that a step takes', 'ms', minimum=0),
              Parameter('mode', 'good', 'what happens', choices=('good', 'bad', 'deadly')))


def simulate(p, seed, run):
    if p.mode == 'bad':
        raise RuntimeError('the toy is broken')
    if p.mode == 'deadly':
        os.kill(os.getpid(), signal.SIGKILL)
    noise = p.gain*np.random.RandomState(seed).randn(p.steps)

    def chunk(state, first, n):
        sums = [state['sum']]
        for k in range(first, first + n):
            time.sleep(p.pause/1e3)
            sums.append(sums[-1] + noise[k])
        return {'sum': sums[-1]}, {'sums': np.array(sums[1:])}

    state, rows = run.in_chunks(chunk, {'sum': np.zeros(3)}, p.steps, 'step', room=8, duration=1.0,
                                describe=lambda done, new: '')
    return {'end': state['sum'][0], 'sums': rows['sums'][:, 0], 'all': rows['sums']}


def summarize(result):
    yield ''
