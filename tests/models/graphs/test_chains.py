"""A chain that is written as a graph is the chain: every number is the same on every target."""

import re

import numpy as np
import pytest
from brian2 import Network, StateMonitor, defaultclock, get_device, ms, set_device

from brian_le import SGD, Adam
from brian_le.models import (AveragePool, Batches, Conv, Dense, Edge, Flatten, GLEGraph, GLENetwork,
                             Graph, LayeredNetwork, MaxPool, Node)
from brian_le.substrate import Mismatch, Noise, Substrate
from tests.running import run_cases

STEPS = 30
DENSE = dict(layers=[Dense(4), Dense(3, activation='logistic', tau_m=5*ms), Dense(2)], shape=3,
             nodes={'h': 4, 'k': Node(3, activation='logistic', tau_m=5*ms),
                    'y': Node(2, target='rate')},
             edges=[('x', 'h'), ('h', 'k'), ('k', 'y')])
PLANES = dict(layers=[Conv(2, 3, padding=1), MaxPool(2), Conv(3, 2), AveragePool(1), Flatten(),
                      Dense(2)],
              shape=(4, 5, 1),
              nodes={'c': (4, 5, 2), 'd': (1, 1, 3), 'y': Node(2, target='rate')},
              edges=[Edge('x', 'c', Conv(2, 3, padding=1)), Edge('c', 'p', MaxPool(2)),
                     Edge('p', 'd', Conv(3, 2)), Edge('d', 'q', AveragePool(1)), ('q', 'y')])
COMMON = dict(eta=0.5/ms, beta=0.3, replicas=2)
CASES = {
    'LE': (LayeredNetwork, Graph, DENSE, dict(COMMON, tau_r=8*ms, decay=0.01/ms, w_max=0.4)),
    'LE, mirror, noise': (LayeredNetwork, Graph, DENSE, dict(
        COMMON, feedback='mirror', decay=0.01/ms, optimiser=SGD(0.5), gamma=0.7, energy=True,
        loss='cross_entropy')),
    'LE, planes': (LayeredNetwork, Graph, PLANES, dict(COMMON, feedback='random')),
    'GLE': (GLENetwork, GLEGraph, DENSE, dict(
        COMMON, tau_r=3*ms, eta_tau_m=0.5, eta_tau_r=0.5, optimiser=Adam(), gamma=0.5)),
    'GLE, planes': (GLENetwork, GLEGraph, PLANES, dict(
        COMMON, tau_r=3*ms, errors='instantaneous', loss='cross_entropy', bias=False)),
}


def composed(case, as_graph):
    chain, graph, network, options = CASES[case]

    def compose(name):
        rng = np.random.default_rng(5)
        n = int(np.prod(network['shape']))
        shown = Batches(rng.uniform(-1, 1, (6, n)), rng.uniform(0, 1, (6, 2)), duration=1*ms,
                        replicas=2, name=f'{name}_shown')
        own = dict(batches=shown, name=f'{name}_net', rng=7)
        if 'noise' in case:
            own['substrate'] = Substrate([Mismatch('tau_m', 0.2), Noise('r', 0.1)], seed=1)
        if as_graph:
            net = graph({'x': network['shape']}, network['nodes'], network['edges'], **options,
                        **own)
            groups = list(net.nodes.values())
        else:
            net = chain(network['shape'], network['layers'], **options, **own)
            groups = net.neurons
        monitors = [StateMonitor(group, ['u', 'u_prosp', 'err'], record=True, when='end',
                                 name=f'{name}_monitor{k}') for k, group in enumerate(groups)]

        def read():
            found = {f'{what} {k}': getattr(monitor, what)[:] for k, monitor in enumerate(monitors)
                     for what in ('u', 'u_prosp', 'err')}
            weights = [net.weights[key] for key in sorted(net.weights, key=order(net))]
            return found | {f'weights {k}': values for k, values in enumerate(weights)}

        return [shown, net, *monitors], STEPS*0.1*ms, read

    return compose


def order(net):
    """Weights of chains and graphs in one order."""
    def place(key):
        kind, where = key
        if isinstance(where, str):  # a population, or an edge that leads to one
            where = list(net.nodes).index(where.split('->')[-1])
        return kind, where
    return place


SLOW_TARGETS = ['numpy', *(pytest.param(target, marks=pytest.mark.slow)
                           for target in ('cython', 'cpp_standalone'))]


@pytest.mark.parametrize('target', SLOW_TARGETS)
def test_a_chain_as_a_graph_is_the_chain(target, tmp_path):
    cases = {f'{kind}{number}': composed(case, kind == 'graph') for number, case in enumerate(CASES)
             for kind in ('chain', 'graph')}
    slow_to_compile = [f'{kind}{number}' for kind in ('chain', 'graph') for number in (1, 2, 4)]
    found = run_cases(target, cases, tmp_path/'p', not_on_cython=slow_to_compile)
    for number, case in enumerate(CASES):
        if f'chain{number}' not in found:
            continue
        chain, graph = found[f'chain{number}'], found[f'graph{number}']
        assert chain.keys() == graph.keys()
        for what, values in chain.items():
            np.testing.assert_array_equal(graph[what], values, err_msg=f'{case}, {what}')
        assert any(np.ptp(values) > 0 for what, values in chain.items() if 'err' in what)


def renamed(case):
    """Names of objects of the chain, and what they are called in the graph."""
    planes = 'planes' in case
    nodes = 'cdy' if planes else 'hky'
    edges = ('x_c', 'p_d', 'q_y') if planes else ('x_h', 'h_k', 'k_y')
    names = {'pool1': 'p', 'pool3': 'q', 'pooling1': 'pool_c_p', 'pooling3': 'pool_d_q',
             'softmax': 'softmax_y'}
    for k, (node, edge) in enumerate(zip(nodes, edges)):
        names |= {f'layer{k}': node, f'energy_layer{k}': f'energy_{node}'}
        names |= {f'{kind}{k}': f'{kind}_{edge}' for kind in ('forward', 'feedback')}
        names |= {f'{kind}{k}': f'{kind}_{node}' for kind in ('bias', 'tau_m', 'tau_r')}
    return names


@pytest.mark.parametrize('case', [
    case if case in ('LE', 'GLE') else pytest.param(case, marks=pytest.mark.slow)
    for case in CASES])
def test_the_generated_code_is_the_same(case, tmp_path):
    chain, graph = (generated(composed(case, as_graph), tmp_path/kind)
                    for kind, as_graph in (('chain', False), ('graph', True)))
    names = renamed(case)

    def in_graph(text):
        longest_first = '|'.join(sorted(names, key=len, reverse=True))
        text = re.sub(f'one_net_({longest_first})(?![0-9a-z])',
                      lambda found: f'one_net_{names[found[1]]}', text)
        return re.sub('(E|cost)_layer([0-2])',
                      lambda found: f'{found[1]}_{"hky"[int(found[2])]}', text)

    chain = {in_graph(name): in_graph(text) for name, text in chain.items()}
    assert chain.keys() == graph.keys() and len(chain) > 20
    for name, text in chain.items():
        assert sorted(text.splitlines()) == sorted(graph[name].splitlines()), name


def generated(compose, directory):
    """All C++ that is generated for the code objects of a network, by the names of files."""
    set_device('cpp_standalone', build_on_run=False)
    device = get_device()
    device.reinit()
    device.activate(build_on_run=False)
    try:
        defaultclock.dt = 0.1*ms
        objects, duration, _ = compose('one')
        Network(objects).run(duration, namespace={})
        device.build(directory=str(directory), compile=False, run=False)
    finally:
        device.reinit()
        set_device('runtime')
    # (names of code objects are numbered while those of another network are in memory)
    return {plain(path.name): plain(path.read_text())
            for path in (directory/'code_objects').glob('*.cpp')}


def plain(text):
    return re.sub(r'_codeobject(_[0-9]+)?', '_codeobject', text)
