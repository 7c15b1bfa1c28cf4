"""The time of one step of networks of Generalized Latent Equilibrium, beside NumPy.

Two networks, on one core, with constant inputs and targets:

* mnist1d: one input, six hidden layers of 53 neurons (36 slow, 17 fast), ten outputs, a batch of
  100, learned in every step by Adam (cross-entropy), in single precision; 14 956 weights and
  biases,
* lagline: a chain of two neurons that learns two weights and two time constants by Adam from a
  teacher, 100 replicas, in double precision.

They are run by

* brian_le: GLENetwork in Brian2's cpp_standalone, with fast_cpp(),
* NumPy: the same step with matrix products (OpenBLAS, one thread), written into arrays that are
  there already where that is faster: what one would write for speed,
* brian_le with learning and targets off, as a network is evaluated.

Before anything is timed, both programs have to end with the same weights; otherwise the script
stops with an error. A time per step is the difference of the processor times of a long and a short
run, divided by the difference of their steps. The programs take turns on one core. The table shows
medians over the repetitions, and of the ratios within each repetition.
"""

import os

os.environ['OPENBLAS_NUM_THREADS'] = '1'  # OpenBLAS reads it when NumPy is imported

import argparse
from types import SimpleNamespace

import numpy as np
from brian2 import Network, defaultclock, ms
from measuring import (describe_machine, pin_to_one_core, print_table, time_per_step,
                       user_time_of_children)

from brian_le import Adam
from brian_le.models import Dense, GLENetwork, by_group, initial_weights
from brian_le.programs.program import build_program

CHECKED_STEPS = 50
TOLERANCE = {'single': 2e-3, 'double': 1e-9}  # of the change of weights
PUBLISHED = {'mnist1d': 2990, 'lagline': 875}  # microseconds a step, PyTorch, another machine


def mnist1d_task():
    """The network of the protocol mnist1d, with constant inputs and targets."""
    hidden = dict(tau_m=by_group((18, 0.6*ms), (35, 1.2*ms)),
                  tau_r=by_group((36, 0.2*ms), (17, 1.2*ms)))
    layers = [Dense(53, activation='linear' if k == 0 else 'tanh', **hidden) for k in range(6)]
    layers.append(Dense(10, tau_m=1.2*ms, tau_r=1.2*ms))
    rng = np.random.default_rng(1)
    return SimpleNamespace(
        name='mnist1d', layers=layers, dt=0.2, precision='single', rate=1e-3, gamma=0.0, beta=1.0,
        loss='cross_entropy', activations=['linear'] + ['tanh']*5 + ['linear'], taus_learn=False,
        weights=initial_weights(1, layers, rng), inputs=rng.normal(size=(100, 1)),
        targets=np.eye(10)[rng.integers(10, size=100)])


def lagline_task():
    """The student of the protocol lagline, with constant inputs and targets."""
    layers = [Dense(1, tau_m=tau*ms, tau_r=0.1*ms) for tau in (0.3074, 0.6341)]
    rng = np.random.default_rng(1)
    return SimpleNamespace(
        name='lagline', layers=layers, dt=0.01, precision='double', rate=1e-4, gamma=1.0, beta=0.01,
        loss='mse', activations=['softplus']*2, taus_learn=True,
        weights={('forward', 0): np.array([[0.4901]]), ('forward', 1): np.array([[0.8964]])},
        inputs=rng.normal(size=(100, 1)), targets=1 + rng.random((100, 1)))


# ---------------------------------------------------------------------------------- the programs
def build_brian(task):
    """A function of the number of steps that runs the compiled program."""
    made = {}

    def compose():
        dt = defaultclock.dt = task.dt*ms
        net = made['net'] = GLENetwork(
            1, task.layers, replicas=100, activation=task.activations[-2],
            output_activation=task.activations[-1], loss=task.loss, beta=task.beta,
            gamma=task.gamma, eta=task.rate/dt, optimiser=Adam(), bias=task.name == 'mnist1d',
            eta_tau_m=task.rate/task.dt if task.taus_learn else None, tau_min=10*dt
            if task.taus_learn else None)
        net.weights.update(task.weights)
        return Network(net)

    program = build_program(compose, 'cpp_standalone', precision=task.precision)
    net = made['net']
    values = {f'{net.inputs.name}.r': task.inputs, f'{net.output.name}.target': task.targets}
    off = {f'{net.schedule.name}.{switch}': 0 for switch in ('learning', 'nudged')}

    def run(n_steps, learning=True):
        found = net.weights.matrices(program(values if learning else values | off, n_steps))
        return {key: w*1e3 if key[0] == 'tau_m' else w for key, w in found.items()}

    return run


_PHI = {'linear': (lambda u: u, np.ones_like),
        'tanh': (np.tanh, None),  # its derivative comes from the rate
        'softplus': (lambda u: np.logaddexp(0, u), lambda u: 1/(1 + np.exp(-u)))}


def run_numpy(task, n_steps):
    """The same steps in NumPy."""
    dtype = {'single': np.float32, 'double': np.float64}[task.precision]
    n, B = len(task.layers), 100
    W = {key: w.astype(dtype) for key, w in task.weights.items()}
    tau_m, tau_r = ([np.broadcast_to(np.asarray(getattr(layer, tau)/ms, dtype), layer.n).copy()
                     for layer in task.layers] for tau in ('tau_m', 'tau_r'))
    if task.taus_learn:
        W |= {('tau_m', k): tau for k, tau in enumerate(tau_m)}
    memory = {key: (np.zeros_like(w), np.zeros_like(w)) for key, w in W.items()}
    x, targets, dt = task.inputs.astype(dtype), task.targets.astype(dtype), dtype(task.dt)
    u, v, r, slope = ([np.zeros((B, layer.n), dtype) for layer in task.layers] for _ in range(4))
    down = [None] + [np.zeros((B, layer.n), dtype) for layer in task.layers[:-1]]
    for step in range(1, n_steps + 1):
        read, gradients = [x, *r[:-1]], {}
        if task.loss == 'mse':
            top = targets - r[-1]
        else:
            share = np.exp(r[-1] - r[-1].max(axis=1, keepdims=True))
            top = targets - share/share.sum(axis=1, keepdims=True)
        above, new_r = [*down[1:], task.beta*top], []
        for k in range(n):
            v_dot = (slope[k]*above[k] - v[k])/tau_r[k]
            err = v[k] + tau_m[k]*v_dot
            v[k] += dt*v_dot
            drive = read[k] @ W['forward', k].T
            if ('bias', k) in W:
                drive += W['bias', k]
            if task.gamma:
                drive += task.gamma*err
            u_dot = (drive - u[k])/tau_m[k]
            u_prosp = u[k] + tau_r[k]*u_dot
            u[k] += dt*u_dot
            if k:
                down[k] = err @ W['forward', k]
            gradients['forward', k] = err.T @ read[k]
            gradients['bias', k] = err.sum(axis=0)
            if task.taus_learn:
                gradients['tau_m', k] = -(err*u_dot).sum(axis=0)
            phi, derivative = _PHI[task.activations[k]]
            new_r.append(phi(u_prosp))
            slope[k] = 1 - new_r[-1]**2 if derivative is None else derivative(u_prosp)
        r = new_r
        size = task.rate/(1 - 0.9**step)
        root = dtype((1 - 0.999**step)**-0.5)
        for key, w in W.items():
            g, (m, s) = gradients[key], memory[key]
            g *= dtype(1/B)
            m += dtype(0.1)*(g - m)
            s += dtype(0.001)*(g*g - s)
            w += dtype(size)*m/(root*np.sqrt(s) + dtype(1e-8))
            if key[0] == 'tau_m':
                np.maximum(w, 10*task.dt, out=w)
    return W


# --------------------------------------------------------------------------------------- measuring
def compare(task, brian):
    """Raise a RuntimeError unless both programs learn the same."""
    found, expected = brian(CHECKED_STEPS), run_numpy(task, CHECKED_STEPS)
    for key, w in expected.items():
        change = np.abs(w - task.weights[key]).max() if key in task.weights else 1
        difference = np.abs(found[key] - w).max()/change
        if not difference < TOLERANCE[task.precision]:
            raise RuntimeError(f'{task.name}: {key} differs by {difference:.1e} of its change')


def measure(task, repetitions, n_steps):
    """Times of all programs, and a table of them."""
    brian = build_brian(task)
    compare(task, brian)
    rows = {'brian_le': lambda n: brian(n), 'NumPy': lambda n: run_numpy(task, n),
            'brian_le, learning and targets off': lambda n: brian(n, learning=False)}
    clocks = {'NumPy': {}}
    times = {label: [] for label in rows}
    for _ in range(repetitions):
        for label, run in rows.items():
            steps = n_steps//8 if label == 'NumPy' else n_steps
            times[label].append(time_per_step(
                run, steps, **clocks.get(label, {'clock': user_time_of_children})))
    ratios = np.divide(times['NumPy'], times['brian_le'])
    remarks = {'brian_le': f'published code: about {PUBLISHED[task.name]}',
               'NumPy': f'{np.median(ratios):.1f} times brian_le'}
    print_table(f'{task.name}: microseconds a step of 100 samples',
                [(label, values, remarks.get(label, '')) for label, values in times.items()],
                '{:.1f}'.format)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repetitions', type=int, default=5)
    options = parser.parse_args()
    pin_to_one_core()
    print('\n'.join(describe_machine()))
    measure(mnist1d_task(), options.repetitions, 4000)
    measure(lagline_task(), options.repetitions, 100_000)


if __name__ == '__main__':
    main()
