"""What liberties with Brian2 rely on: each test fails if a version of Brian2 changes it."""

import inspect
import subprocess
import sys
import weakref

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, linked_var, ms
from brian2.core import magic
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.groups import neurongroup
from brian2.synapses import synapses
from brian2.utils.logger import catch_logs

from brian_le import liberties
from brian_le.models import containers
from brian_le.populations import Population

class Container(containers.Container):
    def __init__(self, objects):
        self._objects = objects

    def __iter__(self):
        return iter(self._objects)


_SCRIPT = '''
import os, signal
signal.signal(signal.SIGINT, {before})
import {first}, {second}
try:
    os.kill(os.getpid(), signal.SIGINT)
    print('ignored')
except KeyboardInterrupt:
    print('interrupted')
'''


@pytest.mark.parametrize('first, second', [('brian_le', 'brian2'), ('brian2', 'brian_le')])
@pytest.mark.parametrize('before, expected', [
    ('signal.SIG_IGN', 'ignored'), ('signal.SIG_DFL', 'interrupted'),
    ('signal.default_int_handler', 'interrupted')])
def test_an_interrupt_does_what_it_did_before(first, second, before, expected):
    done = subprocess.run([sys.executable, '-c', _SCRIPT.format(
        first=first, second=second, before=before)], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (expected, '')


def test_functions_are_called_before_and_after_each_run():
    group = NeuronGroup(1, 'x : 1')
    runner = group.run_regularly('x += 1')
    network, seen = Network(group), []
    begin = liberties.begin_each_run(lambda net: seen.append((net, runner.codeobj is not None)))
    before = liberties.before_each_run(lambda net, names: seen.append(
        (net, runner.codeobj is not None, names['group'] is group)))
    after = liberties.after_each_run(lambda net: seen.append((net, float(group.x[0]))))
    try:
        network.run(0.2*ms)
    finally:
        liberties._begin.remove(begin)
        liberties._before.remove(before)
        liberties._after.remove(after)
    assert seen[0] == (network, False)  # nothing is prepared
    assert seen[1:] == [(network, True, True), (network, 2.0)]  # once everything is
    network.run(0.1*ms)
    assert len(seen) == 3


def test_every_run_of_a_project_is_seen():
    assert CPPStandaloneDevice.run.is_a_liberty
    # as it is when the project is built, too
    assert 'self.run(' in inspect.getsource(CPPStandaloneDevice.build)


@pytest.mark.parametrize('method, own', [('euler', False), ('prospective_euler', True)])
def test_values_that_are_not_finite_are_warned_of_once(method, own):
    group = NeuronGroup(1, 'dv/dt = v/ms : 1', method=method)
    group.v = np.inf
    with catch_logs() as logs:
        Network(group).run(0.1*ms)
    assert any('invalid_values' in name for _, name, _ in logs) == (not own)


@pytest.mark.parametrize('updater', [neurongroup.StateUpdater, synapses.StateUpdater])
def test_state_updaters_ask_for_their_method(updater):
    assert updater.__init__.is_a_liberty and updater.update_abstract_code.is_a_liberty
    assert list(inspect.signature(updater.__init__).parameters)[:3] == ['self', 'group', 'method']


def test_the_method_of_a_group_is_chosen_and_checked():
    group = NeuronGroup(1, 'dv/dt = -v/tau : 1\nv_prosp : 1\ntau : second\ntau_r = tau : second')
    assert group.state_updater.method_choice == 'prospective_euler'
    group.tau = 0.01*ms
    with pytest.raises(Exception) as raised:
        Network(group).run(0.1*ms)
    assert 'tau_r' in str(raised.value.__cause__)


def test_objects_are_looked_for_among_the_variables_of_the_caller():
    group, other = NeuronGroup(1, 'x : 1'), NeuronGroup(1, 'x : 1')
    inside = Container([other])
    assert {weakref.ref(group), weakref.ref(other)} <= magic.get_objects_in_namespace(level=0)
    assert {group, other} <= magic.collect()
    assert len(list(inside)) == 1


def test_networks_mark_what_has_run():
    group = NeuronGroup(1, 'x : 1')
    network = Network(group)
    assert not liberties.run_somewhere(group)
    network.run(0.1*ms)
    assert liberties.run_somewhere(group)


def test_linked_variables_are_known():
    group = NeuronGroup(2, 'x : 1 (linked)\ny : 1')
    group.x = linked_var(NeuronGroup(2, 'z : 1'), 'z')
    assert liberties.is_linked(group, 'x') and not liberties.is_linked(group, 'y')


def test_pathways_of_events():
    group = NeuronGroup(1, 'v : 1', threshold='v > 1')
    S = Synapses(group, group, on_pre={'a': 'v_post += 1', 'b': 'v_post = 0'}, on_post='v_pre = 2')
    assert [path.code for path in liberties.pathways_of(S)] == [
        'v_post += 1', 'v_post = 0', 'v_pre = 2']
    assert not liberties.pathways_of(group)


@pytest.mark.parametrize('own', [False, True])
def test_names_of_the_script(own):
    tau = 5*ms  # noqa: F841 (of the script)
    group = Population(1, 'x = int(tau > 1*ms) : 1\ntau : second\ny : 1', name='population')
    group._own_names = own
    group.run_regularly('y = x')
    with catch_logs() as logs:
        Network(group).run(0.1*ms)
    assert any('resolution_conflict' in name for _, name, _ in logs) == (not own)
