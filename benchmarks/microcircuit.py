"""The time of one step of a microcircuit, beside the same arithmetic in C++ and in NumPy.

The circuit is the one of the bars task (9-30-3 neurons, with look-ahead, presentations of 100
steps), nudged and learning in every step, without recording. It is run by

* brian_le, in Brian2's cpp_standalone,
* ``microcircuit.cpp``, a loop written by hand and compiled with the flags that Brian2 uses:
  what generated code can hope to come near to,
* NumPy, with matrix-vector products and outer products.

All three have to end with the same weights and potentials; otherwise the script stops.

A time per step is the difference of the processor times of a long and a short run, divided by
the difference of their steps: starting a process, reading weights and writing results then do
not count, and other work on the machine counts least. (Brian2's own ``last_run_info`` would do,
but the other two have no such thing.) The three take turns; tables show medians over the
repetitions, and of the ratios within each repetition.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from brian2 import Network, defaultclock, ms
from measuring import (compile_cpp, describe_machine, elapsed, pin_to_one_core, print_table,
                       time_per_step)

from brian_le.models import Microcircuit, Presentations
from brian_le.programs.program import build_program
from brian_le.protocols.tasks.bars import task as bars

SIZES = (9, 30, 3)
MATRICES = (('up', 0), ('down', 0), ('pi', 0), ('ip', 0), ('up', 1))  # as in microcircuit.cpp
W_MAX_HIDDEN, W_MAX_OUTPUT = 4.0, 5.0
CHECKED_STEPS = 5000
TOLERANCE = 1e-9
NUMPY_SHARE = 50  # NumPy runs this many times fewer steps


def make_task(n_steps):
    """Initial weights, patterns, targets and the order of the patterns for `n_steps` steps."""
    p = bars.Bars.read({})
    rng = np.random.RandomState(12345)
    weights = bars.initial_weights(p, rng)
    steps_per_presentation = round(p.t_pattern/p.dt)
    n_epochs = n_steps//(16*steps_per_presentation) + 1
    return SimpleNamespace(p=p, weights=weights, images=bars.dataset()[0],
                           targets=bars.targets(p), order=bars.epochs_of(rng, n_epochs).ravel(),
                           steps_per_presentation=steps_per_presentation)


# ---------------------------------------------------------------------------- the three of them
def build_brian(task):
    """The compiled program, and a function of the number of steps that runs it."""
    p, made = task.p, {}

    def compose():
        defaultclock.dt = p.dt*ms
        shown = Presentations(task.images, task.targets, duration=p.t_pattern*ms,
                              order=task.order)
        circuit = made['circuit'] = Microcircuit(
            SIZES, shown, eta_up=(p.eta_up/p.t_pattern/ms, p.eta_out/p.t_pattern/ms),
            eta_ip=p.eta_ip/p.t_pattern/ms)
        circuit.weights.update(task.weights)
        return Network(shown, circuit)

    program = build_program(compose, 'cpp_standalone')
    circuit = made['circuit']

    def run(n_steps):
        end = program({}, n_steps)
        return {**circuit.weights.matrices(end), 'hidden': end[f'{circuit.hidden[0].name}.u'],
                'inter': end[f'{circuit.inter[0].name}.u'],
                'output': end[f'{circuit.output.name}.u']}

    return program, run


def build_cpp(task, folder):
    """Compile the loop written by hand; a function of the number of steps that runs it."""
    binary = Path(folder)/'microcircuit'
    compile_cpp(Path(__file__).with_suffix('.cpp'), binary)
    given = b''.join(array.tobytes() for array in (
        *(task.weights[key] for key in MATRICES), task.images, task.targets,
        task.order.astype('int32')))
    shapes = {**{key: task.weights[key].shape for key in MATRICES},
              'hidden': (SIZES[1],), 'inter': (SIZES[2],), 'output': (SIZES[2],)}

    def run(n_steps):
        answer = subprocess.run([binary, str(n_steps)], input=given, stdout=subprocess.PIPE,
                                check=True).stdout
        ends = np.cumsum([np.prod(shape) for shape in shapes.values()])
        parts = np.split(np.frombuffer(answer), ends[:-1])
        return {key: part.reshape(shapes[key]) for key, part in zip(shapes, parts)}

    return run


def softplus(x):
    return np.log(1 + np.exp(-np.abs(x))) + np.maximum(x, 0)


class Population:
    """Neurons at rest, and their step."""

    def __init__(self, n, tau_m, dt):
        self.tau_m, self.dt = tau_m, dt
        self.u = self.u_prosp = np.zeros(n)
        self.r = softplus(self.u)

    def step(self, v_ss, v_pred):
        du = (v_ss - self.u)/self.tau_m
        self.u_prosp = self.u + self.tau_m*du
        self.u = self.u + self.dt*du
        self.r = softplus(self.u_prosp)
        self.err = self.r - softplus(v_pred)


def run_numpy(task, n_steps):
    """The same steps in NumPy."""
    p = task.p
    dt, g_l, g_b, g_a, g_d, g_som = p.dt, p.g_l, p.g_b, p.g_a, p.g_d, p.g_som
    eta_up, eta_out, eta_ip = (eta/p.t_pattern for eta in (p.eta_up, p.eta_out, p.eta_ip))
    g_hidden, g_inter, g_output = g_l + g_b + g_a, g_l + g_d + g_som, g_l + g_b + g_som
    hidden = Population(SIZES[1], 1/g_hidden, dt)
    inter, output = (Population(SIZES[2], 1/g, dt) for g in (g_inter, g_output))
    W_up0, W_down, W_pi, W_ip, W_up1 = (task.weights[key].copy() for key in MATRICES)
    target = np.zeros(SIZES[2])  # with look-ahead the targets arrive one step late
    for t in range(n_steps):
        pattern = task.order[t//task.steps_per_presentation]
        r_in, r_hidden = task.images[pattern], hidden.r
        v_bas, v_api = W_up0 @ r_in, W_down @ output.r + W_pi @ inter.r
        v_den, v_out = W_ip @ r_hidden, W_up1 @ r_hidden

        hidden.step((g_b*v_bas + g_a*v_api)/g_hidden, g_b/g_hidden*v_bas)
        inter.step((g_d*v_den + g_som*output.u_prosp)/g_inter, g_d/(g_l + g_d)*v_den)
        output.step((g_b*v_out + g_som*target)/g_output, g_b/(g_l + g_b)*v_out)

        W_up0 = np.clip(W_up0 + dt*eta_up*np.outer(hidden.err, r_in),
                        -W_MAX_HIDDEN, W_MAX_HIDDEN)
        W_up1 = np.clip(W_up1 + dt*eta_out*np.outer(output.err, r_hidden),
                        -W_MAX_OUTPUT, W_MAX_OUTPUT)
        W_ip = W_ip + dt*eta_ip*np.outer(inter.err, r_hidden)
        target = task.targets[pattern]
    return {**dict(zip(MATRICES, (W_up0, W_down, W_pi, W_ip, W_up1))),
            'hidden': hidden.u, 'inter': inter.u, 'output': output.u}


# ------------------------------------------------------------------------------------- measuring
def check(task, runs):
    """Exit with an error unless all end with the same weights and potentials."""
    expected, *others = (run(CHECKED_STEPS) for run in runs.values())
    change = np.max([np.abs(expected[key] - task.weights[key]).max() for key in MATRICES])
    difference = np.max([np.abs(other[key] - expected[key]).max()  # NaN where one is NaN
                         for other in others for key in expected])
    print(f'after {CHECKED_STEPS} steps, in which weights changed by up to {change:.2g}, the '
          f'largest\ndifference of a weight or a potential is {difference:.1e}')
    if not difference <= TOLERANCE:
        sys.exit(f'they do not agree: the difference has to be at most {TOLERANCE:g}')


def measure_builds(task):
    """A program, how to run it, and the seconds of the first and of the second build."""
    compiled, first = elapsed(lambda: build_brian(task)[0].compiled)
    (program, run), second = elapsed(lambda: build_brian(task))
    if not compiled or program.compiled:
        sys.exit('the first build has to compile, and the second one to find its binary')
    return program, run, (first, second)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--steps', type=int, default=1_000_000,
                        help='steps of the longer run (default %(default)s); NumPy runs '
                        f'{NUMPY_SHARE} times fewer')
    parser.add_argument('--repeats', type=int, default=7,
                        help='repetitions, of which medians are shown (default %(default)s)')
    options = parser.parse_args()
    if options.steps < 10_000 or options.repeats < 1:
        parser.error('give at least 10000 steps and 1 repetition')

    print('\n'.join(describe_machine()), flush=True)
    task = make_task(max(options.steps, CHECKED_STEPS))
    with tempfile.TemporaryDirectory(prefix='brian_le_benchmark_') as folder:
        os.environ['BRIAN_LE_CACHE'] = folder
        program, run_brian, build_seconds = measure_builds(task)
        runs = {'brian': run_brian, 'cpp': build_cpp(task, folder),
                'numpy': lambda n_steps: run_numpy(task, n_steps)}
        pin_to_one_core()
        check(task, runs)
        n_steps = {'brian': options.steps, 'cpp': options.steps,
                   'numpy': options.steps//NUMPY_SHARE}
        times, launches = {name: [] for name in runs}, []
        for _ in range(options.repeats):
            for name, run in runs.items():
                times[name].append(time_per_step(run, n_steps[name]))
            launches.append(elapsed(lambda: program({}, 1))[1])

    brian, cpp, in_numpy = (np.array(each) for each in times.values())
    print_table(f'ratios, {options.repeats} repetitions', [
        ('brian_le / C++ by hand', brian/cpp, 'aim: at most 4'),
        ('NumPy / brian_le', in_numpy/brian, 'aim: at least 30')], '{:.1f}'.format)
    print_table('microseconds per step', [
        ('brian_le, cpp_standalone', brian, ''), ('C++ by hand', cpp, ''),
        ('NumPy', in_numpy, '')], '{:.3g}'.format)
    first, second = build_seconds
    print_table('seconds on the clock, once per model or run', [
        ('first build', [first], ''), ('second build, unchanged', [second], ''),
        ('launch of a compiled program (one step)', launches, '')], '{:.2g}'.format)


if __name__ == '__main__':
    main()
