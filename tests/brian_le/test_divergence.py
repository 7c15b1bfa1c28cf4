"""One warning for a network that diverges, with the variable and the time."""

from types import SimpleNamespace

import numpy as np
import pytest
from brian2 import (Equations, Network, NeuronGroup, StateMonitor, Synapses, device, ms, prefs,
                    set_device)
from brian2.utils.logger import catch_logs

from brian_le import DenseSynapses, error_learning, point_neuron, project
from brian_le import divergence
from brian_le.divergence import diverged
from brian_le.models import Dense, LayeredNetwork


@pytest.fixture(autouse=True)
def on_numpy():
    before = prefs.codegen.target
    prefs.codegen.target = 'numpy'
    yield
    prefs.codegen.target = before


def exploding():
    """A neuron that grows by a factor of 1000 in each step: u = 1000**n after n steps."""
    group = NeuronGroup(2, 'du/dt = 999*u/(0.1*ms) : 1\nr : 1\nr_now = u : 1', name='cells',
                        method='prospective_euler')
    group.u = [0, 1]
    return group


def warned(network, *durations):
    with catch_logs() as logs:
        for duration in durations:
            network.run(duration, namespace={})
    return [text for level, name, text in logs
            if level == 'WARNING' and ('diverged' in name or 'invalid' in name)]


def test_the_run_is_said():
    warning, = warned(Network(exploding()), 1*ms, 2*ms, 3*ms)
    assert "'u' of 'cells' (and 1 other variables)" in warning
    assert 'between 1 and 3 ms' in warning  # 1000**17 is above 1e50


def test_a_monitor_says_the_time():
    group = exploding()
    warning, = warned(Network(group, StateMonitor(group, ['r', 'u'], record=[1])), 5*ms)
    # recorded at the beginning of a step: u is 1000**n at n steps
    assert "'u' of 'cells'" in warning and 'at 1.7 ms' in warning


def test_it_is_said_again_only_after_all_is_finite_again():
    group = exploding()
    network = Network(group)
    assert len(warned(network, 3*ms, 3*ms)) == 1
    group.u, group.r = 0, 0
    assert warned(network, 1*ms) == []
    group.u = 1
    assert len(warned(network, 3*ms)) == 1


def test_what_was_infinite_before_is_nobodys_fault():
    group = NeuronGroup(1, 'du/dt = -u/(1*ms) : 1\nu_max : 1\nr : 1\nr_now = u : 1', name='cells')
    group.u_max = np.inf
    assert warned(Network(group), 1*ms) == []


@pytest.mark.parametrize('make', ['weights', 'rates'])
def test_all_variables_count(make):
    below = NeuronGroup(2, 'r : 1\nr_sent = r : 1', name='below')
    group = NeuronGroup(2, point_neuron('linear', inputs=('v_in',)) + Equations('err : 1'),
                        name='cells')
    up = project(below, group, error_learning(back=None), name='up')
    if make == 'weights':
        up.eta, below.r, group.err = 1e300/ms, 1e300, 1e300
    else:
        up.w = 1e200
        below.r = 1e200
    warning, = warned(Network(below, group, up), 0.1*ms if make == 'weights' else 1*ms)
    assert ("'w' of 'up'" if make == 'weights' else "'cells'") in warning


def test_networks_of_others_keep_the_warnings_of_brian2():
    group = NeuronGroup(1, 'du/dt = 999*u/(0.1*ms) : 1', method='euler', name='stock')
    group.u = 1
    network = Network(group)
    warning, = warned(network, 5*ms)
    assert 'invalid integration method' in warning
    assert diverged(network) == {}


def test_dense_synapses_are_ours():
    group = NeuronGroup(2, 'x : 1', name='stock2')
    dense = DenseSynapses(group, group, 'dw/dt = 999*w/(0.1*ms) : 1 (clock-driven)',
                          method='euler', name='dense')
    stock = Synapses(group, group, 'w : 1', name='stock_synapses')
    for synapses in (dense, stock):
        synapses.connect()
        synapses.w = 1
    stock.w = np.inf
    warning, = warned(Network(group, dense, stock), 5*ms)
    assert "'w' of 'dense' became" in warning


@pytest.mark.parametrize('beta, eta', [(0.1, 0), (3.0, 0), (3.0, 0.1)])
def test_a_loop_that_grows_is_the_reason(beta, eta):
    net = LayeredNetwork(4, [Dense(5), Dense(2)], activation='linear', beta=beta, eta=eta/ms, rng=1)
    net.inputs.r, net.output.target = 1, [1, 0]
    if beta < 1:  # diverges for another reason
        net.weights['forward', 0] = 1e60
    warning, = warned(Network(net), 100*ms)
    reason = "changes of rates and errors in 'network_layer0', 'network_layer1' grow by"
    assert (reason in warning) == (beta > 1)


def recurrent():
    """A linear neuron that excites itself too much, and does not learn."""
    group = NeuronGroup(1, point_neuron('linear', inputs=('v_in',)), name='cells',
                        method='prospective_euler')
    synapses = Synapses(group, group, 'v_in_post = w*r_pre : 1 (summed)\nw : 1', name='loop')
    synapses.connect()
    synapses.w, group.r = -30, 1
    return Network(group, synapses)


def learning():
    net = LayeredNetwork(4, [Dense(5), Dense(2)], activation='linear', beta=3, eta=0.1/ms, rng=1)
    net.inputs.r, net.output.target = 1, [1, 0]
    return Network(net)


@pytest.mark.parametrize('compose, known', [(recurrent, True), (learning, False)])
def test_a_reason_is_given_by_weights_of_the_beginning_alone(compose, known):
    """After a compiled run those that learned are no longer there."""
    network = compose()
    weights = divergence._learned(network)
    warning, = warned(network, 100*ms)
    assert 'grow by' in warning
    for key, w in weights.items():  # numbers that a reason could be made of
        name, _, variable = key.partition('.')
        network[name].variables[variable].set_value(w)
    with catch_logs() as logs:
        divergence._report_compiled(SimpleNamespace(networks=[network]))
    (_, _, warning), = logs
    assert 'the network has diverged' in warning and ('grow by' in warning) == known


def test_a_large_network_gets_no_reason(monkeypatch):
    network = recurrent()
    monkeypatch.setattr('brian_le.stability.report._MANY', 3)
    warning, = warned(network, 100*ms)
    assert 'the network has diverged' in warning and 'grow by' not in warning


def test_what_cannot_be_known_is_no_reason():
    group = NeuronGroup(2, 'du/dt = 999*u/(0.1*ms) : 1\nr : 1\nr_now = u : 1', name='cells',
                        method='prospective_euler', threshold='u > 1e60')
    group.u = 1
    warning, = warned(Network(group), 5*ms)
    assert 'grow by' not in warning


def test_a_compiled_network_is_warned_of_once(tmp_path):
    set_device('cpp_standalone', directory=str(tmp_path), build_on_run=False)
    try:
        groups = [NeuronGroup(2, f'du/dt = {rate}*u/(0.1*ms) : 1\nr : 1\nr_now = u : 1', name=name,
                              method='prospective_euler')
                  for name, rate in (('grows', 999), ('rests', -0.1))]
        for group in groups:
            group.u = 1
        Network(groups).run(5*ms, namespace={})
        with catch_logs() as logs:
            device.build(directory=str(tmp_path), compile=True, run=True)
    finally:
        device.reinit()
        set_device('runtime')
    warning, = [text for _, name, text in logs if 'diverged' in name or 'invalid' in name]
    assert "of 'grows'" in warning and 'between 0 and 5 ms' in warning
