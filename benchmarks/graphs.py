"""The time of one step of graphs, beside chains.

784-300-100-10 neurons with biases, hard sigmoids and linear outputs learn and are nudged in every
step, in single precision, in Brian2's cpp_standalone with fast_cpp():

* chain: LayeredNetwork or GLENetwork,
* graph: the same chain, written as a Graph or GLEGraph,
* skip: the Graph with a skip from the 784 inputs to the 100 neurons, 29 % more synapses,
* side: a chain of 784-100-10, whose synapses the skip has beside those of the chain,
* loop: the Graph with a loop of the 300 neurons, 34 % more,
* mask: the chain as a Graph, whose weights have limits of their own, as with a mask.

Before anything is timed, chain and graph have to end with equal weights. A time per step is the
difference of the processor times of a long and a short run, divided by the difference of their
steps. The programs take turns on one core. The tables show medians over the repetitions, and of
the ratios within each repetition.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from brian2 import Network, defaultclock, ms
from measuring import (describe_machine, pin_to_one_core, print_table, time_per_step,
                       user_time_of_children)

from brian_le.models import Dense, Edge, GLEGraph, GLENetwork, Graph, LayeredNetwork, Node
from brian_le.programs.program import build_program

SIZES = 784, 300, 100, 10
NODES = {'h': 300, 'k': 100, 'y': Node(10, target='rate')}
CHAIN = [('x', 'h'), ('h', 'k'), ('k', 'y')]
OPTIONS = dict(activation='hard_sigmoid', tau_m=20*ms, eta=0.1/ms)
N_SYNAPSES = sum(a*b for a, b in zip(SIZES, SIZES[1:]))
N_STEPS = 12_000


def masked(source, target):
    """An edge with limits of each weight, of which none is left out."""
    sizes = dict(zip('xhky', SIZES))
    return Edge(source, target, mask=np.ones((sizes[target], sizes[source])))


#: Networks by name, with the number of their synapses.
NETWORKS = {
    'LE, chain': (lambda **more: LayeredNetwork(784, [Dense(n) for n in SIZES[1:]], **OPTIONS,
                                                **more), N_SYNAPSES),
    'LE, graph': (lambda **more: Graph({'x': 784}, NODES, CHAIN, **OPTIONS, **more), N_SYNAPSES),
    'LE, skip': (lambda **more: Graph({'x': 784}, NODES, [*CHAIN, ('x', 'k')], **OPTIONS, **more),
                 N_SYNAPSES + 784*100),
    'LE, loop': (lambda **more: Graph({'x': 784}, NODES, [*CHAIN, ('h', 'h')], **OPTIONS, **more),
                 N_SYNAPSES + 300*300),
    'LE, mask': (lambda **more: Graph({'x': 784}, NODES, [masked(*edge) for edge in CHAIN],
                                      **OPTIONS, **more), N_SYNAPSES),
    'LE, side': (lambda **more: LayeredNetwork(784, [Dense(100), Dense(10)], **OPTIONS, **more),
                 784*100 + 100*10),
    'GLE, chain': (lambda **more: GLENetwork(784, [Dense(n) for n in SIZES[1:]], **OPTIONS, **more),
                   N_SYNAPSES),
    'GLE, graph': (lambda **more: GLEGraph({'x': 784}, NODES, CHAIN, **OPTIONS, **more),
                   N_SYNAPSES),
}
#: Ratios of times, and of times per synapse, with what they are to stay below.
AIMS = [('LE, graph', 'LE, chain', 1.03), ('GLE, graph', 'GLE, chain', 1.03),
        ('LE, skip', 'LE, chain', 1.1), ('LE, loop', 'LE, chain', 1.1),
        ('LE, mask', 'LE, chain', None)]


def build(name, replicas):
    """A function of the number of steps that runs the compiled program."""
    made = {}

    def compose():
        defaultclock.dt = 0.01*ms
        net = made['net'] = NETWORKS[name][0](replicas=replicas, rng=1)
        return Network(net)

    program = build_program(compose, 'cpp_standalone', precision='single')
    net, rng = made['net'], np.random.default_rng(2)
    chain = not isinstance(net, (Graph, GLEGraph))
    values = {f"{(net.inputs if chain else net.inputs['x']).name}.r":
              rng.uniform(size=(replicas, 784)),
              f"{(net.output if chain else net.outputs['y']).name}.target":
              rng.uniform(size=(replicas, 10))}
    return lambda n_steps: net.weights.matrices(program(values, n_steps))


def check(programs):
    """Exit with an error unless graphs end with the weights of chains."""
    for theory in ('LE', 'GLE'):
        both = [programs.get(f'{theory}, {kind}') for kind in ('chain', 'graph')]
        if not all(both):
            continue
        chain, graph = (run(100) for run in both)
        edges = [('forward', f'{source}->{target}') for source, target in CHAIN]
        equal = [np.array_equal(chain['forward', k], graph[edge]) for k, edge in enumerate(edges)]
        print(f'{theory}: weights of chain and graph are {"equal" if all(equal) else "DIFFERENT"}')
        if not all(equal):
            sys.exit('they do not agree')


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repeats', type=int, default=7, help='repetitions, of which medians are '
                        'shown (default %(default)s)')
    parser.add_argument('--networks', default=list(NETWORKS), choices=NETWORKS, nargs='+',
                        help='which of them (default all)')
    parser.add_argument('--batches', default=[1, 32], type=int, nargs='+',
                        help='sizes of batches (default 1 and 32)')
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error('give at least 1 repetition')
    memory = Path('/dev/shm')  # where writing files does not wait for a disk
    if 'TMPDIR' not in os.environ and os.access(memory, os.W_OK):
        os.environ['TMPDIR'] = tempfile.tempdir = str(memory)

    print('\n'.join(describe_machine()), flush=True)
    with tempfile.TemporaryDirectory(prefix='brian_le_benchmark_') as folder:
        os.environ['BRIAN_LE_CACHE'] = folder
        programs = {replicas: {name: build(name, replicas) for name in options.networks}
                    for replicas in options.batches}
        pin_to_one_core()
        for replicas, runs in programs.items():
            check(runs)
            us = {name: [] for name in runs}
            for _ in range(options.repeats):
                for name, run in runs.items():
                    us[name].append(time_per_step(run, max(10, N_STEPS//replicas),
                                                  user_time_of_children)/replicas)
            us = {name: np.array(each) for name, each in us.items()}
            rows = []
            for name, other, aim in AIMS:
                if name not in us or other not in us:
                    continue
                ratio = us[name]/us[other]*NETWORKS[other][1]/NETWORKS[name][1]
                missed = '' if aim is None or np.median(ratio) <= aim else ' MISSED'
                rows.append((f'{name} / chain, per synapse', ratio,
                             '' if aim is None else f'aim: at most {aim}{missed}'))
            if {'LE, skip', 'LE, side', 'LE, chain'} <= us.keys():
                rows.append(('LE, skip / (chain + side)', us['LE, skip']/(
                    us['LE, chain'] + us['LE, side']), ''))
            print_table(f'ratios, batch {replicas}', rows, '{:.3f}'.format)
            print_table(f'microseconds per step and sample, batch {replicas}',
                        [(name, each, '') for name, each in us.items()], '{:.3g}'.format)


if __name__ == '__main__':
    main()
