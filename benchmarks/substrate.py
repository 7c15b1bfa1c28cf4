"""The time of one step of circuits on an imperfect substrate, beside the perfect ones.

Every imperfection of brian_le.substrate, alone, in

* the 9-30-3 microcircuit of the bars task, with look-ahead, nudged and learning in every step,
* a layered network of 784 inputs and 300 neurons, which learns in every step,

compiled by Brian2's cpp_standalone. A time per step is the difference of the processor times of a
long and a short run, divided by the difference of their steps. The circuits take turns; the table
shows medians over the repetitions, and what each imperfection adds.
"""

import argparse

import numpy as np
from brian2 import Network, defaultclock, ms, second
from measuring import describe_machine, pin_to_one_core, print_table, time_per_step

from brian_le.models import (Dense, LayeredNetwork, Microcircuit, Presentations, initial_weights,
                             random_weights)
from brian_le.programs.program import build_program
from brian_le.substrate import (ActivationMismatch, Dead, Delay, Drift, LowPass, Mismatch, Noise,
                                Stuck, Substrate, UpdateNoise, WeightRange, WeightResolution)

DT = 0.1*ms
IMPERFECTIONS = {
    'perfect': [],
    'Mismatch of tau_m': [Mismatch('tau_m', 0.2)],
    'ActivationMismatch': [ActivationMismatch(0.1, 0.1)],
    'Noise on rates': [Noise('r', 0.1)],
    'Drift of weights': [Drift('w', -0.1/second, wander=0.1)],
    'Drift of weights, every 10 ms': [Drift('w', -0.1/second, wander=0.1, every=10*ms)],
    'Dead neurons': [Dead(0.1)],
    'Stuck neurons': [Stuck(0.1, at=1)],
    'Delay of 1 ms': [Delay(1*ms)],
    'LowPass': [LowPass(1*ms)],
    'WeightResolution, nearest': [WeightResolution(6, 5)],
    'WeightResolution, nearest, every 10 ms': [WeightResolution(6, 5, interval=10*ms)],
    'WeightResolution, stochastic': [WeightResolution(6, 5, 'stochastic')],
    'WeightResolution, accumulated': [WeightResolution(6, 5, 'accumulated')],
    'WeightRange, hard': [WeightRange(5)],
    'WeightRange, soft': [WeightRange(5, soft=True)],
    'UpdateNoise, random walk': [UpdateNoise(0.001)],
    'UpdateNoise, relative': [UpdateNoise(relative=0.1)],
}


def microcircuit(substrate):
    rng, sizes = np.random.default_rng(1), (9, 30, 3)
    shown = Presentations(rng.random((4, 9)), rng.random((4, 3)), duration=10*ms,
                          order=np.arange(100_000) % 4)
    net = Microcircuit(sizes, shown, eta_up=0.01/ms, eta_ip=0.02/ms, substrate=substrate)
    net.weights.update(random_weights(sizes, rng))
    return Network(shown, net)


def layered(substrate):
    rng, layers = np.random.default_rng(1), [Dense(300)]
    net = LayeredNetwork(784, layers, eta=0.001/ms, substrate=substrate)
    net.weights.update(initial_weights(784, layers, rng))
    net.inputs.r, net.output.target = rng.random(784), rng.random(300)
    net.schedule.learning = net.schedule.nudged = 1
    return Network(net)


CIRCUITS = {'microcircuit 9-30-3': (microcircuit, 500_000), 'layered 784-300': (layered, 500)}


def build(circuit, imperfections):
    def compose():
        defaultclock.dt = DT
        return circuit(Substrate(imperfections, seed=1))
    return build_program(compose, 'cpp_standalone')


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repetitions', type=int, default=5)
    parser.add_argument('--only', nargs='+', default=[''], metavar='PART',
                        help='parts of the names of imperfections')
    parser.add_argument('--circuit', default='', help='part of the name of a circuit')
    options = parser.parse_args()
    chosen = {name: wrong for name, wrong in IMPERFECTIONS.items()
              if name == 'perfect' or any(part in name for part in options.only)}
    print(*describe_machine(), sep='\n')
    for title, (circuit, n_steps) in CIRCUITS.items():
        if options.circuit not in title:
            continue
        programs = {name: build(circuit, wrong) for name, wrong in chosen.items()}
        pin_to_one_core()
        times = {name: [] for name in programs}
        for _ in range(options.repetitions):
            for name, program in programs.items():
                times[name].append(time_per_step(lambda n: program({}, n), n_steps))
        perfect = np.array(times['perfect'])
        print_table(f'{title}, microseconds a step', [
            (name, values, '' if name == 'perfect' else
             f'{np.median(np.array(values) - perfect):+.2f}') for name, values in times.items()],
            '{:.3g}'.format)


if __name__ == '__main__':
    main()
