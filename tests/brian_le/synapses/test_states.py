"""Stored states: what any network of the same equations needs, and nothing of how it was run."""

import os
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from brian2 import (Hz, Network, NeuronGroup, StateMonitor, Synapses, ms, prefs, second, seed,
                    start_scope)

from brian_le import ConvSynapses, DenseSynapses, PoolSynapses, ReplicatedGroup, SharedParameters
from brian_le.models import (BatchReadout, Batches, CorticalChain, Dense, GLENetwork,
                             LayeredNetwork, Microcircuit, Sequences)
from brian_le.models import SequenceReadout
from brian_le.substrate import Delay, Drift, Substrate, WeightResolution
from tests.running import CODE_TARGETS

RUNTIME = [target for target in CODE_TARGETS if target != 'cpp_standalone']
LEARNING = """I_post = w*r_pre : 1 (summed)
              back_pre = w*r_post : 1 (summed)
              dw/dt = (r_pre*r_post - w)/(10*ms) : 1 (clock-driven)"""
NEURONS = 'dr/dt = (sin(t/ms + i) + I - r)/(5*ms) : 1\nI : 1\nback : 1'


@pytest.fixture(autouse=True)
def on_numpy():
    yield
    prefs.codegen.target = 'numpy'


def compose(kind=DenseSynapses, connect=True, sizes=(3, 4), replicas=None, model=LEARNING):
    """Two groups and a projection that learns, all new."""
    start_scope()
    a, b = (NeuronGroup(n*(replicas or 1), NEURONS, method='euler', name=name, namespace={})
            for n, name in zip(sizes, 'ab'))
    options = {} if replicas is None else {'replicas': replicas}
    S = kind(a, b, model, method='euler', order=1, name='S', namespace={}, **options)
    if connect is True:
        S.connect()
    elif connect:
        S.connect(**connect)
    if connect:
        S.w = np.arange(len(S))/len(S)
    return Network(a, b, S)


def values(network, *names):
    return {f'{obj.name}.{name}': np.array(getattr(obj, name)[:]) for obj in network.objects
            for name in (('r', 'I', 'back') if isinstance(obj, NeuronGroup) else names)
            if hasattr(obj, name) and not isinstance(obj, StateMonitor)}


def assert_same(found, expected, tolerance=1e-12):
    assert found.keys() == expected.keys() and found
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=tolerance,
                                   err_msg=name)


@cache
def whole_run(*connect):
    """What two runs of a millisecond give, by stock synapses."""
    prefs.codegen.target = 'numpy'
    network = compose(Synapses, connect=dict(connect) or True)
    network.run(2*ms)
    return values(network, 'w')


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """States after one run, by the class that has stored them and the target."""
    folder = tmp_path_factory.mktemp('states')
    stored = {}
    for kind, target in ((Synapses, 'numpy'), (DenseSynapses, 'numpy'), (DenseSynapses, 'cython')):
        prefs.codegen.target = target
        network = compose(kind)
        network.run(1*ms)
        stored[kind, target] = folder/f'{kind.__name__}_{target}'
        network.store(filename=stored[kind, target])
    prefs.codegen.target = 'numpy'
    return stored


@pytest.mark.parametrize('stored_by, stored_on, restored_by, target, connect', [
    (DenseSynapses, 'cython', DenseSynapses, 'cython', True),
    (DenseSynapses, 'cython', DenseSynapses, 'numpy', True),
    (DenseSynapses, 'numpy', DenseSynapses, 'cython', True),
    (DenseSynapses, 'cython', DenseSynapses, 'cython', False),
    (DenseSynapses, 'numpy', DenseSynapses, 'numpy', False),
    (Synapses, 'numpy', DenseSynapses, 'numpy', True),
    (Synapses, 'numpy', DenseSynapses, 'cython', False),
    (DenseSynapses, 'cython', Synapses, 'numpy', True)])
def test_a_new_network_goes_on(files, stored_by, stored_on, restored_by, target, connect):
    """In whatever way and wherever it was stored, connected or not, as if nothing had happened."""
    prefs.codegen.target = target
    network = compose(restored_by, connect=connect)
    network.restore(filename=files[stored_by, stored_on])
    assert len(network['S']) == 12 and network['S'].w[2, 3] == network['S'].w[11]
    assert getattr(network['S'], 'layout', 1) is not None  # loops compute them
    network.run(1*ms)
    assert_same(values(network, 'w'), whole_run())


def test_states_are_those_of_brian2(files):
    """The same names, shapes and types, and nothing else."""
    states = [pickle.loads(path.read_bytes())['default'] for path in files.values()]
    for state in states:
        assert state.keys() == states[0].keys()
        assert state['S'].keys() == states[0]['S'].keys()
        for name, (array, size) in state['S'].items():
            expected, expected_size = states[0]['S'][name]
            np.testing.assert_allclose(array, expected, rtol=0, atol=1e-14, err_msg=name)
            assert (array.shape, array.dtype, size) == (
                expected.shape, expected.dtype, expected_size), name


def test_code_that_reads_indices_does_not_show():
    network = compose()
    before = network._full_state()['S']
    network['S'].w = 'w + 0.001*i'
    assert {name: size for name, (_, size) in network._full_state()['S'].items()} == {
        name: size for name, (_, size) in before.items()}


def test_another_process(files, tmp_path):
    script = tmp_path/'script.py'
    script.write_text(f"""
import numpy as np
from brian2 import ms, prefs
from tests.brian_le.synapses.test_states import compose, values
prefs.codegen.target = 'numpy'
network = compose()
network.restore(filename={str(files[DenseSynapses, 'cython'])!r})
network.run(1*ms)
np.savez({str(tmp_path/'found.npz')!r}, **values(network, 'w'))
""")
    subprocess.run([sys.executable, script], check=True,
                   env={**os.environ, 'PYTHONPATH': str(Path(__file__).parents[3])})
    assert_same(dict(np.load(tmp_path/'found.npz')), whole_run())


@pytest.mark.parametrize('target', RUNTIME)
def test_names_files_and_memory(tmp_path, target):
    """Several states in one file, and in memory, from before and between runs."""
    prefs.codegen.target = target
    network = compose()
    network.store('start', filename=tmp_path/'f')
    network.store()
    network.run(1*ms)
    network.store('half', filename=tmp_path/'f')
    network.store('half')
    network.run(1*ms)
    expected = values(network, 'w')
    network.restore('half')
    network.run(1*ms)
    assert_same(values(network, 'w'), expected)
    network.restore()
    network.run(2*ms)
    assert_same(values(network, 'w'), expected)
    for name, rest in (('half', 1*ms), ('start', 2*ms)):
        network = compose()
        network.restore(name, filename=tmp_path/'f')
        network.run(rest)
        assert_same(values(network, 'w'), expected)


def test_other_connections_of_a_stock_state():
    """They are computed as Brian2 does, in what was dense, too."""
    some = {'condition': 'i != j'}
    network = compose(Synapses, connect=some)
    network.run(1*ms)
    network.store()
    state = network._stored_state
    expected = whole_run(*some.items())
    for connect in (True, False, some, {'j': '0'}):
        other = compose(DenseSynapses, connect=connect)
        other.run(1*ms) if connect else None
        other._stored_state = state
        other.restore()
        assert other['S'].layout is None and len(other['S']) == 9
        other.run(1*ms)
        assert_same(values(other, 'w'), expected)


def test_dense_state_into_other_connections():
    network = compose()
    network.run(1*ms)
    network.store()
    other = compose(connect={'j': '0'})
    other._stored_state = network._stored_state
    other.restore()
    other.run(1*ms)
    assert_same(values(other, 'w'), whole_run())


def test_a_state_from_before_there_were_synapses():
    found = []
    for kind in (Synapses, DenseSynapses):
        network = compose(kind, connect=False)
        network.store()
        network['S'].connect()
        network['S'].w = 1
        network.run(1*ms)
        network.restore()
        assert len(network['S']) == 0
        network.run(1*ms)
        network['S'].connect()
        network['S'].w = 2
        network.run(1*ms)
        found.append(values(network, 'w'))
    assert_same(*found)


def test_events_delays_and_random_numbers():
    """A projection with spikes is that of Brian2, with its queue; random numbers start again."""
    def spiking(kind, name='N'):
        start_scope()
        G = NeuronGroup(4, 'dv/dt = (1.2 - v)/(3*ms) + xi/sqrt(50*ms) : 1', threshold='v > 1',
                        reset='v = 0', method='euler', name=name, namespace={})
        S = kind(G, G, 'w : 1', on_pre='v_post += w', name='S', namespace={})
        S.connect()
        S.w, S.delay = '0.1*rand()', '0.3*ms + 0.1*ms*i'
        return Network(G, S), G, S
    prefs.codegen.target = 'numpy'
    found = []
    seed(3)
    network, G, S = spiking(Synapses)
    network.run(4*ms)
    network.store()
    state = network._stored_state
    network.run(4*ms)
    expected = {'v': np.array(G.v), 'w': np.array(S.w), 'delay': np.array(S.delay)}
    for kind in (Synapses, DenseSynapses):
        network, G, S = spiking(kind)
        network._stored_state = state
        network.restore(restore_random_state=True)
        network.run(4*ms)
        found.append({'v': np.array(G.v), 'w': np.array(S.w), 'delay': np.array(S.delay)})
    for one in found:
        assert_same(one, expected, 0)
    seed()


def test_parts_of_groups(tmp_path):
    def parts(kind):
        start_scope()
        G = NeuronGroup(6, NEURONS, method='euler', name='G', namespace={})
        one = kind(G[1:3], G[2:5], LEARNING, method='euler', name='S', namespace={})
        two = kind(G, G, 'dw/dt = (r_pre - w)/(5*ms) : 1 (clock-driven)', method='euler', name='T',
                   namespace={})
        for S in (one, two):
            S.connect()
            S.w = 'i - 0.1*j'
        return Network(G, one, two)
    for kind, restored_by in ((DenseSynapses, DenseSynapses), (Synapses, DenseSynapses)):
        network = parts(kind)
        network.run(1*ms)
        network.store(filename=tmp_path/kind.__name__)
        network.run(1*ms)
        other = parts(restored_by)
        other.restore(filename=tmp_path/kind.__name__)
        other.run(1*ms)
        assert_same(values(other, 'w'), values(network, 'w'))


def test_variables_with_names_of_attributes_of_parts():
    """Only parts of groups have a `start` and a `stop` that say which neurons they are."""
    start_scope()
    G = NeuronGroup(3, 'r : 1\nI : 1\nstart : second\nstop : second', name='G')
    S = DenseSynapses(G, G, 'I_post = w*r_pre : 1 (summed)\nw : 1', name='S')
    S.connect()
    S.w, G.start, G.stop = 'i + j', '(5 + i)*ms', '(7 + i)*ms'
    network = Network(G, S)
    network.run(0.1*ms)
    network.store()
    S.w = 0
    network.restore()
    np.testing.assert_array_equal(S.matrix('w')[:], np.add.outer(np.arange(3), np.arange(3)))


# --------------------------------------------------------------------------------- late changes
def test_a_run_that_was_interrupted():
    """What is due when a run ends before its time is in the state, and nothing comes after it."""
    prefs.codegen.target = 'cython'

    class Interrupt(Exception):
        pass

    def interrupt(elapsed, complete, start, duration):
        if complete > 0.3:
            raise Interrupt

    def interrupted():
        network = compose()
        with pytest.raises(Interrupt):
            network.run(1*ms, report=interrupt, report_period=1e-9*second)
        return network

    network = interrupted()
    steps = int(round(network.t/(0.1*ms)))
    network.store()
    expected = compose()
    expected.run(steps*0.1*ms)
    w = expected['S'].w[:]
    np.testing.assert_allclose(network['S'].w[:], w, rtol=0, atol=1e-14)
    # back to where it was: nothing of the interrupted run acts on the restored weights
    network = compose()
    network.store()
    with pytest.raises(Interrupt):
        network.run(1*ms, report=interrupt, report_period=1e-9*second)
    network.restore()
    network.run(1*ms)
    expected = compose()
    expected.run(1*ms)
    np.testing.assert_allclose(network['S'].w[:], expected['S'].w[:], rtol=0, atol=1e-14)


# ------------------------------------------------------------------------------ what shares weights
def shared_weights(connect=True, channels=2):
    start_scope()
    a, b = (NeuronGroup(n, NEURONS, method='euler', name=name, namespace={})
            for n, name in ((2*16, 'a'), (2*9*channels, 'b')))
    c = ReplicatedGroup(4*channels, NEURONS, replicas=2, method='euler', name='c', namespace={})
    d = ReplicatedGroup(3, NEURONS + '\nbias : 1', replicas=2, method='euler', name='d',
                        namespace={})
    conv = ConvSynapses(a, b, LEARNING, input_shape=(4, 4, 1), kernel=2, replicas=2, name='S',
                        method='euler', order=1, namespace={})
    pool = PoolSynapses(b, c, 'I_post = r_pre : 1 (summed)\nback_pre = r_post : 1 (summed)',
                        input_shape=(3, 3, channels), window=2, stride=1, replicas=2, name='P',
                        namespace={})
    dense = DenseSynapses(c, d, LEARNING, method='euler', order=1, name='D', namespace={})
    shared = SharedParameters(d, """bias_post = w : 1 (summed)
                                    dw/dt = (r_post - w)/(9*ms) : 1 (clock-driven)""",
                              method='euler', order=1, name='B', namespace={})
    if connect:
        for S in (conv, pool, dense):
            S.connect()
        conv.w, dense.w = np.arange(4*channels)/8, np.arange(12*channels)/9
    return Network(a, b, c, d, conv, pool, dense, shared)


@pytest.fixture(scope='module')
def file_of_shared(tmp_path_factory):
    path = tmp_path_factory.mktemp('shared')/'f'
    network = shared_weights()
    network.run(1*ms)
    network.store(filename=path)
    network.run(1*ms)
    return path, values(network, 'w')


@pytest.mark.parametrize('connect', [True, False])
def test_kernels_pooling_and_replicas(file_of_shared, connect):
    path, expected = file_of_shared
    network = shared_weights(connect)
    network.restore(filename=path)
    network.run(1*ms)
    assert_same(values(network, 'w'), expected)


@pytest.mark.parametrize('build', [
    pytest.param(lambda: Microcircuit((2, 3, 2), name='mc'), marks=pytest.mark.slow),
    lambda: LayeredNetwork(3, [Dense(4), Dense(2)], name='net'),
    pytest.param(lambda: GLENetwork(3, [Dense(4), Dense(2)], name='net'),
                 marks=pytest.mark.slow)],
    ids=['microcircuit', 'layered', 'gle'])
def test_models_from_cython_to_numpy(tmp_path, build):
    """The states of all models, between a network in this process and one that is new."""
    def network():
        start_scope()
        return Network(build())
    found = {}
    for target in RUNTIME:
        prefs.codegen.target = target
        one = network()
        one.run(0.5*ms)
        one.store(filename=tmp_path/target)
        found[target] = one._full_state()
    assert found['numpy'].keys() == found['cython'].keys()
    for name, state in found['numpy'].items():
        if name != '0_t':
            assert state.keys() == found['cython'][name].keys(), name
    ends = []
    for target, stored_on in (('numpy', 'cython'), ('cython', 'numpy')):
        prefs.codegen.target = target
        other = network()
        other.restore(filename=tmp_path/stored_on)
        other.run(0.5*ms)
        ends.append({f'{obj.name}.{key}': np.array(value[0], float)
                     for obj in other.sorted_objects if hasattr(obj, '_full_state')
                     for key, value in obj._full_state().items() if key != '_spikequeue'})
    assert_same(*ends)


def state_of(network):
    return {f'{obj.name}.{key}': np.array(value[0], float) for obj in network.sorted_objects
            if hasattr(obj, '_full_state') for key, value in obj._full_state().items()
            if key != '_spikequeue'}


def batches(kind):
    def compose():
        shown = Batches(np.arange(24).reshape(8, 3)/24, np.ones((8, 2)), duration=0.3*ms,
                        replicas=2)
        net = kind(3, [Dense(4), Dense(2)], batches=shown, eta=10*Hz, name='net')
        return Network(shown, net, BatchReadout(shown, shown.inputs, 'r', name='readout'))
    return compose


def sequences():
    shown = Sequences(np.arange(24).reshape(4, 3, 2)/24, duration=0.3*ms, replicas=2)
    return Network(shown, SequenceReadout(shown, shown.inputs, 'r', name='readout'))


def substrate():
    composed = Substrate([Drift('tau_m', rate=20*Hz, every=0.3*ms), Delay(0.3*ms),
                          WeightResolution(4, 1, interval=0.2*ms, on='*forward*')], seed=3)
    net = LayeredNetwork(3, [Dense(4), Dense(2)], eta=10*Hz, substrate=composed, name='net')
    composed.settle()
    net.inputs.r = [1, 2, 3]
    return Network(net)


@pytest.mark.parametrize('build', [batches(LayeredNetwork), batches(GLENetwork),
                                   batches(CorticalChain), sequences, substrate],
                         ids=['layered', 'gle', 'cortical', 'sequences', 'substrate'])
def test_what_has_a_clock_of_its_own(tmp_path, build):
    """While the network that stored it is still there, and numbers in names are taken."""
    prefs.codegen.target = 'numpy'
    stored = build()
    stored.run(0.5*ms)
    stored.store(filename=tmp_path/'f')
    stored.run(0.7*ms)
    other = build()
    other.restore(filename=tmp_path/'f')
    other.run(0.7*ms)
    assert_same(state_of(other), state_of(stored))


# ---------------------------------------------------------------------------------------- refusals
def altered(change):
    network = compose()
    network.run(0.1*ms)
    network.store()
    change(network._stored_state['default']['S'])
    return network


@pytest.mark.parametrize('change, message', [
    (lambda s: s.update(x=s['w']), "only the stored state has a variable 'x'"),
    (lambda s: s.pop('w'), "only 'S' has a variable 'w'"),
    (lambda s: s.update(w=(np.ones(11), 11)), "'w' has 11 values, not 12"),
    (lambda s: s.update(N=(np.array([11]), 1)), "values, not 11"),
    (lambda s: s.update(N_incoming=(np.ones(5, int), 5)), "'N_incoming' has 5 values, not 4"),
    (lambda s: s.update(_synaptic_pre=(np.arange(12), 12)),
     "it has synapses of neuron 11, which 'a' does not have"),
], ids=['unknown', 'missing', 'short', 'number', 'neurons', 'outside'])
def test_states_that_do_not_fit(change, message):
    network = altered(change)
    with pytest.raises(ValueError, match=f"the stored state of 'S' does not fit: .*{message}"):
        network.restore()


@pytest.mark.parametrize('sizes', [(4, 3), (2, 6), (3, 5)])
def test_populations_of_other_sizes(sizes):
    network = compose(sizes=sizes)
    network.store()
    S = compose()['S']
    with pytest.raises(ValueError, match="the stored state of 'S' does not fit"):
        S._restore_from_full_state(network._stored_state['default']['S'])


def test_weights_that_are_shared_take_no_others(file_of_shared):
    with pytest.raises(ValueError, match="'S' cannot take the stored state of other synapses: it "
                       'has 16 of them, not 8'):
        state = shared_weights(channels=4)['S']._full_state()
        shared_weights()['S']._restore_from_full_state(state)
    whole = compose(Synapses, sizes=(6, 8))['S']._full_state()
    replicas = compose(replicas=2)['S']
    with pytest.raises(ValueError, match="the stored state of 'S'"):
        replicas._restore_from_full_state(whole)


def test_monitors_in_only_one_of_the_networks():
    """They keep weights from following late, which does not show in a state."""
    prefs.codegen.target = 'cython'
    network = compose()
    network.run(0.5*ms)
    network.store()
    state = network._stored_state
    other = compose()
    monitor = StateMonitor(other['S'], 'w', record=[0], name='monitor')
    other._stored_state = state
    other.restore()
    other.add(monitor)
    other.run(0.5*ms)
    network.run(0.5*ms)
    assert_same(values(other, 'w'), values(network, 'w'))
