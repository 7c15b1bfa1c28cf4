"""The time of one step of a layered network, beside the step of the paper's code in NumPy.

The network has 784-300-100-10 neurons with biases, hard sigmoids in the hidden layers and linear
outputs with rate targets; tau_m and tau_r are 20 ms, a step is 0.01 ms, inputs and targets are
constant. All numbers are in single precision. It learns and is nudged in every step, with 1
sample and with a batch of 32, and is run by

* brian_le: LayeredNetwork in Brian2's cpp_standalone, with fast_cpp(),
* einsum: the step that the code of the paper makes in PyTorch, in NumPy. As there, the outer
  products of rates and errors are formed for each sample and then averaged,
  ``einsum('bi,bj->bij', r, e).mean(0)``; all else are matrix products (OpenBLAS, one thread),
* product: the same with one matrix product in place of these (numpy.outer for one sample), scaled
  before and written to memory that is there already: what one would write for speed,
* brian_le and NumPy with learning and nudging off, as a network is evaluated. Errors still travel,
* synapses: the program of brian_le without the steps of the neurons, to see what part these have.

Before anything is timed, the programs have to end with the same weights, biases and potentials;
otherwise the script stops with an error. Differences are relative to how much numbers changed.

A time per step is the difference of the processor times of a long and a short run, divided by the
difference of their steps. The programs take turns on one core. The tables show medians over the
repetitions, and of the ratios within each repetition.
"""

import os

os.environ['OPENBLAS_NUM_THREADS'] = '1'  # OpenBLAS reads it when NumPy is imported

import argparse
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from brian2 import Network, defaultclock, ms
from measuring import (describe_machine, pin_to_one_core, print_table, processor_time,
                       time_per_step, user_time_of_children)

from brian_le.models import Dense, LayeredNetwork, initial_weights
from brian_le.programs.program import build_program

SIZES = 784, 300, 100, 10
LAYERS = [Dense(n) for n in SIZES[1:]]
DT, TAU, BETA, ETA = 0.01, 20.0, 0.1, 0.1  # ms, ms, 1, 1/ms
CHECKED_STEPS = 100
TOLERANCE = 1e-3
AIMS = {1: (8, 12), 32: (10,)}  # how much faster than with einsum, by the size of batches


def make_task(replicas):
    """Initial weights, inputs and targets."""
    rng = np.random.default_rng(1)
    weights = {key: array.astype('float32') for key, array in initial_weights(
        SIZES[0], LAYERS, rng, sigma=0.05).items()}
    inputs, targets = (rng.uniform(size=(replicas, n)).astype('float32')
                       for n in (SIZES[0], SIZES[-1]))
    return SimpleNamespace(replicas=replicas, weights=weights, inputs=inputs, targets=targets)


# ---------------------------------------------------------------------------------- the programs
def build_brian(task, neurons=True):
    """A function of the number of steps that runs the compiled program."""
    made = {}

    def compose():
        defaultclock.dt = DT*ms
        net = made['net'] = LayeredNetwork(
            SIZES[0], LAYERS, replicas=task.replicas, activation='hard_sigmoid', beta=BETA,
            eta=ETA/ms, tau_m=TAU*ms)
        net.weights.update(task.weights)
        for group in net.populations:
            group.active = neurons
        return Network(net)

    program = build_program(compose, 'cpp_standalone', precision='single')
    net = made['net']
    values = {f'{net.inputs.name}.r': task.inputs, f'{net.output.name}.target': task.targets}
    off = {f'{net.schedule.name}.{switch}': 0 for switch in ('learning', 'nudged')}

    def run(n_steps, learning=True):
        end = program(values if learning else values | off, n_steps)
        potentials = {('u', k): end[f'{group.name}.u'] for k, group in enumerate(net.neurons)}
        return net.weights.matrices(end) | potentials

    return run


def run_numpy(task, n_steps, learning=True, einsum=True):
    """The published step in NumPy."""
    weights = [np.ascontiguousarray(task.weights['forward', k].T) for k in range(len(LAYERS))]
    biases = [task.weights['bias', k].copy() for k in range(len(LAYERS))]
    changes = [np.empty_like(w) for w in weights]
    u, err, r, slope = ([np.zeros((task.replicas, n), 'float32') for n in SIZES[1:]]
                        for _ in range(4))
    top = len(LAYERS) - 1
    for _ in range(n_steps):
        r_in = [task.inputs, *r[:-1]]
        new_err = [None]*top + [BETA*slope[top]*(task.targets - r[top])*learning]
        r, slope_before, slope = [], slope, []
        for k, w in enumerate(weights):
            v_in = r_in[k] @ w + biases[k]
            du = (v_in - u[k] + err[k])/TAU
            u_prosp = u[k] + TAU*du
            if k > 0:
                new_err[k - 1] = slope_before[k - 1]*((u_prosp - v_in) @ w.T)
            u[k] = u[k] + DT*du
            linear = k == top
            r.append(u_prosp if linear else np.clip(u_prosp, 0, 1))
            slope.append(np.ones_like(u_prosp) if linear else
                         ((u_prosp >= 0) & (u_prosp <= 1)).astype('float32'))
        err = new_err
        if learning:
            for w, bias, change, pre, post in zip(weights, biases, changes, r_in, err):
                if einsum:
                    w += ETA*DT*np.einsum('bi,bj->bij', pre, post).mean(0)
                elif task.replicas == 1:
                    w += np.outer(pre, ETA*DT*post, out=change)
                else:
                    w += np.matmul(pre.T, ETA*DT/task.replicas*post, out=change)
                bias += ETA*DT*post.mean(0)
    return {**{('forward', k): w.T for k, w in enumerate(weights)},
            **{('bias', k): bias for k, bias in enumerate(biases)},
            **{('u', k): each.ravel() for k, each in enumerate(u)}}


# ------------------------------------------------------------------------------------- measuring
def make_programs(task):
    """For each program what runs a number of steps, and the steps of its longer run."""
    run, synapses = build_brian(task), build_brian(task, neurons=False)

    def numpy_with(**options):
        return lambda n_steps: run_numpy(task, n_steps, **options)

    programs = {'brian_le': (run, 12_000),
                'synapses': (synapses, 12_000),
                'einsum': (numpy_with(), 600),
                'product': (numpy_with(einsum=False), 1500),
                'brian_le, off': (lambda n_steps: run(n_steps, learning=False), 20_000),
                'NumPy, off': (numpy_with(learning=False), 3000)}
    return {name: (run, max(10, n//task.replicas)) for name, (run, n) in programs.items()}


def check(task, programs):
    """Exit with an error unless all programs end with the same numbers."""
    for names in (('einsum', 'product', 'brian_le'), ('NumPy, off', 'brian_le, off')):
        expected, *others = (programs[name][0](CHECKED_STEPS) for name in names)
        differences = []
        for key, end in expected.items():
            change = np.abs(end - task.weights.get(key, 0)).max()
            # if nothing changes, as without learning, numbers have to be the same
            differences += [np.abs(other[key] - end).max()/(change or 1e-30) for other in others]
        print(f'batch {task.replicas}, {" and ".join(names)}: after {CHECKED_STEPS} steps the '
              f'largest difference is {np.max(differences):.1e} of the change')
        if not np.max(differences) <= TOLERANCE:
            sys.exit(f'they do not agree: at most {TOLERANCE:g} is allowed')


def measure(programs, replicas, repeats):
    """Microseconds per step and sample, arrays over the repetitions by program."""
    us = {name: [] for name in programs}
    for _ in range(repeats):
        for name, (run, n_steps) in programs.items():
            in_numpy = name in ('einsum', 'product', 'NumPy, off')
            clock = processor_time if in_numpy else user_time_of_children
            us[name].append(time_per_step(run, n_steps, clock)/replicas)
    return {name: np.array(each) for name, each in us.items()}


def print_results(us, replicas):
    """The tables of one size of batches."""
    ours, ours_off = us['brian_le'], us['brian_le, off']
    ratio = np.median(us['einsum']/ours)
    aims = ', better '.join(f'{aim}{"" if ratio >= aim else " MISSED"}' for aim in AIMS[replicas])
    print_table(f'ratios, batch {replicas}', [
        ('einsum / brian_le', us['einsum']/ours, f'aim: at least {aims}'),
        ('product / brian_le', us['product']/ours, ''),
        ('learning and nudging off: NumPy / brian_le', us['NumPy, off']/ours_off, ''),
        ('synapses / brian_le', us['synapses']/ours, '')], '{:.2f}'.format)
    print_table(f'microseconds per step and sample, batch {replicas}',
                [(name, each, '') for name, each in us.items()], '{:.3g}'.format)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repeats', type=int, default=7, help='repetitions, of which medians are '
                        'shown (default %(default)s)')
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error('give at least 1 repetition')
    memory = Path('/dev/shm')  # where writing files does not wait for a disk
    if 'TMPDIR' not in os.environ and os.access(memory, os.W_OK):
        os.environ['TMPDIR'] = tempfile.tempdir = str(memory)

    print('\n'.join(describe_machine()), flush=True)
    with tempfile.TemporaryDirectory(prefix='brian_le_benchmark_') as folder:
        os.environ['BRIAN_LE_CACHE'] = folder
        tasks = [make_task(replicas) for replicas in AIMS]
        programs = [make_programs(task) for task in tasks]  # on all cores
        pin_to_one_core()
        for task, each in zip(tasks, programs):
            check(task, each)
        for task, each in zip(tasks, programs):
            print_results(measure(each, task.replicas, options.repeats), task.replicas)


if __name__ == '__main__':
    main()
