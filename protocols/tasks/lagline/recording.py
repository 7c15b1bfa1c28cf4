"""What is recorded of the chain that learns, and how it is read."""

import numpy as np

from brian_le.protocols.tasks.lagline.task import (LEARNED, NAME, PERIOD, SAMPLED, SCALES,
                                                   VARIABLES, chosen)

__all__ = ['recorded', 'recorders']


def recorders(p, clock, source, nets, n_period):
    """What is recorded: samples of the first replica, losses of all, weights, time constants."""
    from brian2 import EventMonitor, NeuronGroup, linked_var

    from brian_le.step import READOUT

    sampled = {'input': (source, 'r')}
    for name, net in nets.items():
        sampled |= {f'{name}_r{k}': (group, 'r') for k, group in enumerate(net.neurons)}
    for name in chosen(p):
        sampled |= {f'{name}_err{k}': (group, 'err')
                    for k, group in enumerate(nets[name].neurons)}
    linked = {key: linked_var(group, variable) for key, (group, variable) in sampled.items()
              if variable == 'r'}
    readout = NeuronGroup(
        p.batch, '\n'.join([*(f'{key} : 1 (linked)' for key in linked), 'step : integer (linked)',
                            *(f'{key} : 1' for key in sampled if key not in linked),
                            *(f'{name}_loss : 1' for name in chosen(p))]),
        name=f'{NAME}_readout', namespace={}, events={
            'sampled': f'i == 0 and step % {round(SAMPLED/p.dt)} == 0',
            'period_over': f'step >= 0 and step % {n_period} == {n_period - 1}'})
    for key, link in {**linked, 'step': linked_var(clock, 'step')}.items():
        setattr(readout, key, link)
    lines = []
    for name in chosen(p):
        lines.append(f'{name}_loss = {name}_loss*int(step % {n_period} > 0) '
                     f'+ (teacher_r1 - {name}_r1)**2/{n_period}')
        for k, group in enumerate(nets[name].neurons):  # subexpressions cannot be linked
            stored = 'v_prosp' if 'v_prosp' in group.variables else 'err'
            readout.variables.add_reference(f'{name}_e{k}', group, stored)
            lines.append(f'{name}_err{k} = {name}_e{k}')
    readout.run_regularly('\n'.join(lines), when='groups', order=READOUT, name=f'{NAME}_sum')
    yield readout
    yield EventMonitor(readout, 'sampled', variables=list(sampled), name=f'{NAME}_samples')
    yield EventMonitor(readout, 'period_over', variables=[f'{name}_loss' for name in chosen(p)],
                       name=f'{NAME}_losses')
    yield from _traces(p, nets)


def _traces(p, nets):
    """Recorders of all that learns, every half period, before it changes."""
    from brian2 import EventMonitor, NeuronGroup, ms

    keys = {f'{name}_{kind}{k}': (nets[name].projections[kind, k], VARIABLES[kind])
            for name in chosen(p) for kind, k in LEARNED}
    units = {'w': '1', 'tau': 'second'}
    trace = NeuronGroup(1, '\n'.join(f'{key} : {units[variable]}'
                                     for key, (_, variable) in keys.items()),
                        dt=PERIOD/2*ms, name=f'{NAME}_trace', namespace={},
                        events={'sampled': 'True'})
    for key, (projection, variable) in keys.items():
        trace.variables.add_reference(f'{key}_now', projection, variable)
    trace.run_regularly('\n'.join(f'{key} = {key}_now' for key in keys), when='before_start',
                        order=-1, name=f'{NAME}_trace_copy')
    trace.thresholder['sampled'].when = 'before_start'
    yield trace
    yield EventMonitor(trace, 'sampled', variables=list(keys), when='start',
                       name=f'{NAME}_traces')


def recorded(p, variables, periods=None):
    """What was recorded, one row per period, or all in a given number of rows."""
    found = {}
    for name in chosen(p):
        losses = np.reshape(variables[f'{NAME}_losses.{name}_loss'], (-1, p.batch)).mean(axis=1)
        found[f'{name}.loss'] = losses.reshape(periods or len(losses), -1)
    n = periods or len(losses)
    keys = ['input', *(f'{name}.{what}{k}' for name in ('teacher', *chosen(p))
                       for what in ('r', 'err')[:1 + (name != 'teacher')] for k in (0, 1))]
    for key in keys:
        samples = variables[f"{NAME}_samples.{key.replace('.', '_')}"]
        found[key] = np.reshape(samples, (n, -1))
    for name in chosen(p):
        for kind, k in LEARNED:
            trace = variables[f'{NAME}_traces.{name}_{kind}{k}']
            found[f'{name}.{kind}{k}'] = np.reshape(trace, (n, -1))*SCALES[kind]
    return {key: np.array(values, dtype=float) for key, values in found.items()}
