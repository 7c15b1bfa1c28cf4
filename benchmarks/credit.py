"""What it costs to assign credit through time: GLE beside backpropagation through time and RTRL.

One network, ``n`` inputs and three layers of ``n`` neurons (half of them slow, half of them fast),
learns online, one sample at a time, by gradient descent:

* Generalized Latent Equilibrium (GLE): errors travel as signals; nothing of the past is kept but
  the potentials,
* backpropagation through time (BPTT) over the whole sequence, and truncated to windows of 100
  steps: keeps all signals of the window, and goes back through them,
* real-time recurrent learning (RTRL): keeps how every neuron depends on every weight,

all of them in NumPy with double precision (OpenBLAS, one thread), and GLE as
`brian_le.models.GLENetwork` in C++. The last two find the exact gradient, GLE approximates it.

Storage is what has to be kept from step to step beside the weights, in the arrays that the programs
really hold; the peak of memory adds what a step needs meanwhile. Before anything is timed, GLE in
NumPy has to end with the weights of GLENetwork, and RTRL with the gradient of BPTT. A time per step
is the difference of the processor times of a long and a short run, divided by the difference of
their steps; the programs take turns on one core, and the table shows medians over the repetitions.
"""

import os

os.environ['OPENBLAS_NUM_THREADS'] = '1'  # OpenBLAS reads it when NumPy is imported

import argparse
import csv
import tracemalloc
from pathlib import Path

import matplotlib
import numpy as np
from brian2 import Network, TimedArray, defaultclock, ms
from measuring import (describe_machine, pin_to_one_core, processor_time, time_per_step,
                       user_time_of_children)

from brian_le.models import Dense, GLENetwork, by_group, drive
from brian_le.programs import build_program
from brian_le.protocols.baselines.adjoint import TemporalNetwork, bptt_gradients
from brian_le.protocols.baselines.rtrl import RealTimeGradient
from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, STYLE, new_figure

LAYERS = 3
DT, TAU_M, TAU_SLOW = 0.1, 1.0, 0.2  # ms; tau_r of slow neurons, that of fast ones is tau_m
ETA = 1e-4  # of a step
WINDOW = 100
SIZES = 8, 16, 32, 64
STEPS = 10, 30, 100, 300, 1000, 3000
SIZE, LENGTH = 32, 1000  # what is kept the same where the other changes
CHECKED_STEPS, TOLERANCE = 40, 1e-9

BPTT, TRUNCATED, RTRL, GLE, COMPILED = ('BPTT', f'BPTT, {WINDOW} steps', 'RTRL', 'GLE',
                                        'GLE, compiled')
LOOKS = {BPTT: dict(color=BLACK, linestyle='-', marker='s'),
         TRUNCATED: dict(color=BLACK, linestyle=':', marker='s', markerfacecolor='white'),
         RTRL: dict(color=ORANGE, linestyle='--', marker='^'),
         GLE: dict(color=BLUE, linestyle='-', marker='o'),
         COMPILED: dict(color=GREEN, linestyle='-.', marker='D')}


class Task:
    """Weights, an input and a target of networks with layers of one size."""

    def __init__(self, n):
        rng = np.random.default_rng(n)
        self.n = n
        self.tau_r = np.where(np.arange(n) < n//2, TAU_SLOW, TAU_M)
        self.weights = {('forward', k): rng.normal(0, n**-0.5, (n, n)) for k in range(LAYERS)}
        self.frequencies, self.phases = rng.uniform(0.2, 2, (2, n))
        self.target = rng.normal(size=(1, n))

    def network(self):
        """The network for the two exact methods."""
        taus = {(kind, k): values for k in range(LAYERS)
                for kind, values in (('tau_m', np.full(self.n, TAU_M)), ('tau_r', self.tau_r))}
        return TemporalNetwork(self.weights | taus, ['tanh']*(LAYERS - 1) + ['linear'], DT)

    def inputs(self, first, n_steps):
        """[step, sample, input]"""
        time = DT*np.arange(first, first + n_steps)[:, None, None]
        return np.sin(self.frequencies*time + self.phases)


# ------------------------------------------------------------------------------------ the programs
def bptt(task, n_steps, window=None):
    """What is kept, after learning from a sequence by backpropagation through time."""
    network, state = task.network(), None
    window = n_steps if window is None else min(window, n_steps)
    for first in range(0, n_steps, window):
        trajectory = network.run(task.inputs(first, window), state)
        state = trajectory.state
        gradients = bptt_gradients(network, trajectory, task.target - trajectory.outputs)
        for key in task.weights:
            network.weights[key] -= ETA*gradients[key]
    return [*trajectory.read, *trajectory.u_before, *trajectory.u_dot, *trajectory.u_prosp,
            trajectory.outputs, *trajectory.state.values()]


def rtrl(task, n_steps):
    """What is kept, after learning by real-time recurrent learning."""
    network = task.network()
    online = RealTimeGradient(network, 1)
    for step in range(n_steps):
        outputs = online.step(task.inputs(step, 1)[0])
        for key, gradient in online.gradients(task.target - outputs).items():
            network.weights[key] -= ETA*gradient
    return [*online.state.values(), *online.derivatives.values()]


def gle(task, n_steps, weights=None):
    """What is kept, after learning by Generalized Latent Equilibrium."""
    w = [np.array(task.weights['forward', k]) for k in range(LAYERS)]
    u, v, r, slope, above = (np.zeros((LAYERS, 1, task.n)) for _ in range(5))
    for step in range(n_steps):
        read = [task.inputs(step, 1)[0], *r[:-1]]
        above[-1] = task.target - r[-1]
        new_r = np.empty_like(r)
        v_dot = (slope*above - v)/task.tau_r
        err = v + TAU_M*v_dot
        v += DT*v_dot
        for k in range(LAYERS):
            u_dot = (read[k] @ w[k].T - u[k])/TAU_M
            u_prosp = u[k] + task.tau_r*u_dot
            u[k] += DT*u_dot
            if k:
                above[k - 1] = err[k] @ w[k]
            w[k] += ETA*(err[k].T @ read[k])
            new_r[k] = u_prosp if k == LAYERS - 1 else np.tanh(u_prosp)
            slope[k] = 1 if k == LAYERS - 1 else 1 - new_r[k]**2
        r[:] = new_r
    if weights is not None:
        weights.update({('forward', k): w[k] for k in range(LAYERS)})
    return [u, v, r, slope, above]


PROGRAMS = {BPTT: bptt, TRUNCATED: lambda task, n_steps: bptt(task, n_steps, WINDOW),
            RTRL: rtrl, GLE: gle}


def compiled(task):
    """A function of the number of steps that runs GLENetwork, and gives the weights."""
    made = {}

    def compose():
        dt = defaultclock.dt = DT*ms
        half = task.n//2
        slow_and_fast = by_group((half, TAU_SLOW*ms), (task.n - half, TAU_M*ms))
        net = made['net'] = GLENetwork(
            task.n, [Dense(task.n, tau_r=slow_and_fast) for _ in range(LAYERS)], beta=1.0,
            gamma=0.0, eta=ETA/dt, tau_m=TAU_M*ms, bias=False)
        net.weights.update(task.weights)
        net.output.target = task.target[0]
        wave = TimedArray(task.inputs(0, LENGTH)[:, 0], dt=dt)
        return Network(net, drive(net.inputs, 'r', 'wave(t, i)', wave=wave))

    program = build_program(compose, 'cpp_standalone')
    return lambda n_steps: made['net'].weights.matrices(program({}, n_steps))


def check():
    """Raise a RuntimeError unless programs that should agree do."""
    task, found = Task(8), {}
    gle(task, CHECKED_STEPS, found)
    of_package = compiled(task)(CHECKED_STEPS)
    trajectory = task.network().run(task.inputs(0, CHECKED_STEPS))
    errors = task.target - trajectory.outputs
    expected = bptt_gradients(task.network(), trajectory, errors)
    online, summed = RealTimeGradient(task.network(), 1), dict.fromkeys(task.weights, 0)
    for x, error in zip(task.inputs(0, CHECKED_STEPS), errors):
        online.step(x)
        summed = {key: summed[key] + gradient for key, gradient in online.gradients(error).items()}
    for key, w in task.weights.items():
        for what, one, other, size in (('GLE', found[key], of_package[key], found[key] - w),
                                       ('RTRL', summed[key], expected[key], expected[key])):
            difference = np.abs(one - other).max()/np.abs(size).max()
            if not difference < TOLERANCE:
                raise RuntimeError(f'{what}: {key} differs by {difference:.1e}')


# --------------------------------------------------------------------------------------- measuring
def storage(label, n, n_steps):
    """Kilobytes that are kept beside the weights, and the peak of memory."""
    task = Task(n)
    tracemalloc.start()
    kept = PROGRAMS[label](task, n_steps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return sum(array.nbytes for array in kept)/1e3, peak/1e3


def steps_to_time(label, n):
    """A number of steps that takes some tenths of a second."""
    task, n_steps = Task(n), 50
    while True:
        start = processor_time()
        PROGRAMS[label](task, n_steps)
        if processor_time() - start > 0.1:
            return 5*n_steps
        n_steps *= 2


def times(repetitions):
    """Microseconds a step, by program and size."""
    found = {(label, n): [] for label in (*PROGRAMS, COMPILED) for n in SIZES}
    for n in SIZES:
        run, task = compiled(Task(n)), Task(n)
        steps = {label: LENGTH if label == BPTT else steps_to_time(label, n) for label in PROGRAMS}
        for _ in range(repetitions):
            for label, program in PROGRAMS.items():
                found[label, n].append(time_per_step(
                    lambda n_steps: program(task, n_steps), steps[label]))
            found[COMPILED, n].append(time_per_step(run, 20*LENGTH*max(SIZES)//n,
                                                    user_time_of_children))
    return {key: float(np.median(values)) for key, values in found.items()}


def table(repetitions):
    """All that is measured, as rows."""
    for n_steps in STEPS:
        for label in PROGRAMS:
            kept, peak = storage(label, SIZE, n_steps)
            yield dict(method=label, n=SIZE, steps=n_steps, kept_kB=kept, peak_kB=peak)
    taken = times(repetitions)
    for n in SIZES:
        for label in (*PROGRAMS, COMPILED):
            kept, peak = storage(label, n, LENGTH) if label in PROGRAMS else ('', '')
            yield dict(method=label, n=n, steps=LENGTH, kept_kB=kept, peak_kB=peak,
                       us_per_step=taken[label, n])


# ----------------------------------------------------------------------------------------- figures
def draw(rows, folder):
    """Storage against the length of a sequence, and storage and time against size."""
    panels = {
        'credit-length': (STEPS, 'steps', SIZE, 'n', 'kept_kB', 'steps of the sequence',
                          'kept beside the weights (kB)', 'GLE stores nothing of the past'),
        'credit-size': (SIZES, 'n', LENGTH, 'steps', 'kept_kB', 'neurons in a layer',
                        'kept beside the weights (kB)', 'GLE keeps a few numbers for each neuron'),
        'credit-time': (SIZES, 'n', LENGTH, 'steps', 'us_per_step', 'neurons in a layer',
                        'time of a step (µs)', 'Online, GLE costs a small part of RTRL')}
    for name, (values, x, fixed, other, y, x_label, y_label, title) in panels.items():
        with matplotlib.rc_context(STYLE):
            figure, ((axes,),) = new_figure()
            for label, look in LOOKS.items():
                points = sorted({(row[x], row[y]) for row in rows if row['method'] == label
                                 and row[other] == fixed and row.get(y, '') != ''})
                if points:
                    axes.loglog(*zip(*points), label=label, **look)
            axes.set(xlabel=x_label, ylabel=y_label, title=title)
            axes.set_xticks(values, values)
            axes.minorticks_off()
            figure.legend(loc='outside right upper')
            figure.savefig(Path(folder)/f'{name}.png')


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repetitions', type=int, default=5)
    parser.add_argument('--out', default='.', help='folder for credit.csv and the figures')
    options = parser.parse_args()
    pin_to_one_core()
    print('\n'.join(describe_machine()))
    check()
    rows = list(table(options.repetitions))
    Path(options.out).mkdir(parents=True, exist_ok=True)
    with open(Path(options.out)/'credit.csv', 'w', newline='') as file:
        writer = csv.DictWriter(file, ['method', 'n', 'steps', 'kept_kB', 'peak_kB', 'us_per_step'])
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print('  '.join(f'{value:.4g}' if isinstance(value, float) else f'{value!s:<16}'
                        for value in row.values()))
    draw(rows, options.out)


if __name__ == '__main__':
    main()
