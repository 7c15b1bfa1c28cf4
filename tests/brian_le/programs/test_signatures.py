"""Networks that differ in values alone have one signature, and all others another one."""

import numpy as np
import pytest
from brian2 import (Function, Network, NetworkOperation, NeuronGroup, PoissonGroup,
                    SpikeGeneratorGroup, SpikeMonitor, StateMonitor, Synapses, TimedArray,
                    defaultclock, linked_var, ms)

from brian_le import DenseSynapses
from brian_le.programs import signature, start_values
from brian_le.programs.program import composing
from brian_le.programs.signatures import uses_random_numbers
from brian_le.substrate import Mismatch, Noise, Substrate

BASE = dict(n=4, tau=5*ms, I=0.1, drive='I', threshold='v > 1', reset='v = 0', refractory=False,
            method='euler', order=0, when='start', constant=2.0, table=(1, 2, 3), table_dt=1*ms,
            step=0.1*ms, clock=0.2*ms, regular='v += 0.1', slot='start', w=0.5, on_pre='v += w',
            delay=None, condition='i != j', record='v', observed=(0, 1), link=(3, 2, 1, 0),
            name='cells', active=True, rates=5.0, spikes=(1, 2), schedule=None, double=1)


def signed(precision='double', **changes):
    """The signature of a network."""
    with composing(precision):
        return signature(compose(**changes))


def compose(**changes):
    """A network with most of what Brian2 has."""
    c = {**BASE, **changes}
    defaultclock.dt = c['step']
    table = TimedArray(c['table'], dt=c['table_dt'], name='table')

    factor = 2*c['double']

    @np.vectorize
    def twice(x):
        return factor*x

    cells = NeuronGroup(c['n'], f'''
        dv/dt = ({c['drive']} - v)/tau + k*table(t)/second : 1 (unless refractory)
        tau : second (constant)
        I : 1''', threshold=c['threshold'], reset=c['reset'],
                        refractory=c['refractory'], method=c['method'], order=c['order'],
                        name=c['name'], namespace={'table': table, 'k': c['constant'],
                                                   'twice': Function(
                            twice, arg_units=[1], return_unit=1)})
    cells.tau, cells.I = c['tau'], c['I']
    cells.active = c['active']
    cells.run_regularly(c['regular'], dt=c['clock'], when=c['slot'], name='often')
    others = NeuronGroup(c['n'], 'x : 1 (linked)', name='others')
    others.x = linked_var(cells, 'v', index=np.array(c['link']))
    synapses = Synapses(cells, cells, 'w : 1', on_pre=c['on_pre'], name='synapses',
                        delay=c['delay'])
    synapses.connect(condition=c['condition'])
    synapses.w = c['w']
    network = Network(cells, others, synapses, StateMonitor(cells, c['record'],
                                                            record=c['observed'], when=c['when'],
                                                            name='trace'),
                      SpikeMonitor(cells, name='counted'),
                      PoissonGroup(2, c['rates']/ms, name='poisson'),
                      SpikeGeneratorGroup(3, c['spikes'], [0]*len(c['spikes'])*ms, name='given'))
    if c['schedule']:
        network.schedule = c['schedule']
    return network


VALUES = [dict(tau=7*ms), dict(I=np.arange(4.0)), dict(w=0.1), dict(table=(4, 5, 6))]
CODE = [dict(n=5, link=(0, 1, 2, 3, 4)), dict(drive='I + 0.1'), dict(threshold='v > 2'),
        dict(reset='v = 0.1'), dict(refractory=1*ms), dict(method='exponential_euler'),
        dict(order=1), dict(when='end'), dict(constant=3.0), dict(table=(1, 2, 3, 4)),
        dict(table_dt=2*ms), dict(step=0.05*ms), dict(clock=0.4*ms), dict(regular='v += 0.2'),
        dict(slot='end'), dict(on_pre='v += 2*w'), dict(delay=1*ms), dict(condition='i == j'),
        dict(record=['v', 'I']), dict(observed=(1, 2)), dict(link=(0, 1, 2, 3)),
        dict(name='neurons'), dict(active=False), dict(rates=6.0), dict(spikes=(0, 1)),
        dict(schedule=['start', 'groups', 'synapses', 'thresholds', 'resets', 'end']),
        dict(double=2)]


@pytest.mark.parametrize('changes', [{}, *VALUES], ids=str)
def test_values_are_no_part_of_it(changes):
    assert signed(**changes) == signed()
    with composing():
        values = start_values(compose(**changes))
    for key, value in changes.items():
        owner = 'synapses' if key == 'w' else 'cells'
        found = values['table.values' if key == 'table' else f'{owner}.{key}']
        np.testing.assert_array_equal(found, np.broadcast_to(np.asarray(value), found.shape))


@pytest.mark.parametrize('changes', CODE, ids=str)
def test_all_else_is(changes):
    assert signed(**changes) != signed()


def test_no_two_of_them_are_alike():
    found = [signed(**changes) for changes in CODE]
    assert len(set(found)) == len(CODE)


def test_precision():
    assert signed('single') != signed()


def of_ours(imperfections=(), seed=1, kernel=2, n=4, weights=0.1):
    source = NeuronGroup(9, 'r : 1', name='source')
    target = NeuronGroup(n, '''dr/dt = -r/tau : 1
                               tau : second (constant)
                               I : 1''', method='exact', name='target')
    substrate = Substrate(imperfections, seed)
    cells = substrate.neurons(3, '''dr/dt = -r/tau_m : 1
                                    tau_m : second (constant)''', method='euler', name='cells')
    cells.tau_m = 10*ms
    dense = DenseSynapses(source, target, '''w : 1
                                             I_post = w*r_pre : 1 (summed)''', name='dense')
    dense.connect()
    dense.w = weights
    substrate.settle()
    return Network(source, target, cells, dense)


def test_objects_of_this_package():
    assert signature(of_ours(weights=0.2)) == signature(of_ours())
    assert signature(of_ours(n=5)) != signature(of_ours())
    weak, strong = ([Mismatch('tau_m', 0.1), Noise('r', 0.1)],
                    [Mismatch('tau_m', 0.2), Noise('r', 0.3)])
    assert signature(of_ours(strong, seed=2)) == signature(of_ours(weak))
    assert len({signature(of_ours(some)) for some in ((), weak, weak[:1], weak[1:])}) == 4
    one, other = (start_values(of_ours(some, seed)) for some, seed in ((weak, 1), (strong, 2)))
    assert {key for key in one if not np.array_equal(one[key], other[key])} >= {
        'cells.r_noise_strength'}


def with_parts(kept, stop=3):
    cells = NeuronGroup(6, 'v : 1\nr : 1', threshold='v > 1', reset='', name='cells')
    first, rest = cells[:stop], cells[stop:]
    synapses = Synapses(first, rest, 'w : 1\nr_post = w*v_pre : 1 (summed)', on_pre='v_post += w',
                        name='synapses')
    synapses.connect()
    kept += [first, rest]
    return Network(cells, synapses, first.run_regularly('v += 1'),
                   Synapses(cells[1:], cells[:2], on_pre='v_post += 1', name='others'),
                   StateMonitor(rest, 'v', record=True, name='trace'))


def test_parts_of_groups_without_names():
    kept, before = [], []
    first = with_parts(kept)
    before += [first['cells'][:2], first['cells'][2:]]  # which have the first numbers
    again, other = with_parts(kept), with_parts(kept, stop=2)
    assert len({part.name for part in kept}) == 6
    assert signature(again) == signature(first) != signature(other)


def test_python_is_never_the_same():
    def composed_with_python():
        group = NeuronGroup(1, 'v : 1', name='group')
        return Network(group, NetworkOperation(lambda: None, name='python'))
    assert signature(composed_with_python()) != signature(composed_with_python())


@pytest.mark.parametrize('equations, options, expected', [
    ('dv/dt = -v/(10*ms) : 1', {}, False), ('dv/dt = -v/(10*ms) + xi*(10*ms)**-0.5 : 1', {}, True),
    ('v = rand() : 1', {}, True), ('v : 1', dict(threshold='rand() < 0.1', reset=''), True)])
def test_random_numbers_are_found(equations, options, expected):
    group = NeuronGroup(1, equations, name='group', method='euler', **options)
    assert uses_random_numbers(Network(group)) == expected


def test_random_numbers_of_regular_operations_are_found():
    group = NeuronGroup(1, 'v : 1', name='group')
    group.run_regularly('v = randn()')
    assert uses_random_numbers(Network(group))
