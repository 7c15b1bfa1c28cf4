"""What is recorded of the chain that learns, and how it is read."""

import numpy as np
from brian2 import ms

from brian_le.models import Recorder, recorded_values
from brian_le.protocols.tasks.lagline.setting import (LEARNED, NAME, PERIOD, SAMPLED, SCALES,
                                                      VARIABLES, chosen, steps_per_period)

__all__ = ['recorded', 'recorders']


def recorders(p, clock, source, nets):
    """What is recorded: samples of the first replica, losses of all, weights, time constants."""
    samples, losses = {'input': (source, 'r')}, {}
    for name, net in nets.items():
        samples |= {f'{name}_r{k}': (group, 'r') for k, group in enumerate(net.neurons)}
    for name in chosen(p):
        samples |= {f'{name}_err{k}': (group, 'err') for k, group in enumerate(nets[name].neurons)}
        losses[name] = f'(teacher_r - {name}_r)**2/{steps_per_period(p)}'
    yield Recorder(samples, clock, at=f'step % {round(SAMPLED/p.dt)} == 0', neurons=[0],
                   name=f'{NAME}_samples')
    yield Recorder({name: name for name in losses}, clock, sums=losses,
                   at='period >= 0 and step == n_steps - 1', name=f'{NAME}_losses',
                   **{f'{name}_r': (net.output, 'r') for name, net in nets.items()})
    # all that learns, every half period, before it changes
    yield Recorder({f'{name}_{kind}{k}': (nets[name].projections[kind, k], VARIABLES[kind])
                    for name in chosen(p) for kind, k in LEARNED},
                   every=PERIOD/2*ms, name=f'{NAME}_traces')


def recorded(p, variables, periods=None):
    """What was recorded, one row per period, or all in a given number of rows."""
    found = {}
    for name in chosen(p):
        losses = recorded_values(f'{NAME}_losses', name, variables, p.batch).mean(axis=1)
        found[f'{name}.loss'] = losses.reshape(periods or len(losses), -1)
    n = periods or len(losses)
    keys = ['input', *(f'{name}.{what}{k}' for name in ('teacher', *chosen(p))
                       for what in ('r', 'err')[:1 + (name != 'teacher')] for k in (0, 1))]
    for key in keys:
        samples = recorded_values(f'{NAME}_samples', key.replace('.', '_'), variables)
        found[key] = np.reshape(samples, (n, -1))
    for name in chosen(p):
        for kind, k in LEARNED:
            trace = recorded_values(f'{NAME}_traces', f'{name}_{kind}{k}', variables)
            found[f'{name}.{kind}{k}'] = np.reshape(trace, (n, -1))*SCALES[kind]
    return {key: np.array(values, dtype=float) for key, values in found.items()}
