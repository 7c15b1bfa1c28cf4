"""One neuron with a dendritic tree learns a temporal task that no point neuron can learn.

The task is XOR in time: has a stream of one number the same sign as 30 ms ago? Three branches read
the stream at once, and each has a tip that is slow and remembers. All weights, biases and couplings
of the tree learn online from errors that flow back through the tree, while 32 streams are shown
to 32 copies of the neuron.

A tree of the same shape without slow tips, and point neurons with tau_m from 1 to 200 ms, learn
the same in the same way. To show that with point neurons not only learning fails, the last line
has the best that any monotone nonlinearity could do behind any of many tau_m and tau_r.
"""

from dataclasses import replace

import matplotlib
import numpy as np
from brian2 import Network, StateMonitor, TimedArray, defaultclock, ms, prefs
from scipy.optimize import isotonic_regression

from brian_le import (Adam, Compartment, ReplicatedGroup, SharedParameters, bias_learning,
                      coupling_learning, dendritic_output, error_learning, gle_output, project)
from brian_le.protocols.drawing.trees import draw_tree
from brian_le.protocols.plotting import BLACK, BLUE, ORANGE, STYLE, new_figure
from brian_le.step import STIMULUS, WEIGHTS

prefs.codegen.target = 'numpy'  # a small network: nothing to compile
dt = defaultclock.dt = 1*ms
rng = np.random.default_rng(1)
STREAMS, DELAY, LEARNING, TEST = 32, 30, 3000, 600  # the last three in ms

# ------------------------------------------------------------------------------------- the task
t = np.arange(DELAY + LEARNING + TEST)[:, None, None]
frequency, phase = rng.uniform(4, 10, (STREAMS, 3)), rng.uniform(0, 2*np.pi, (STREAMS, 3))
stream = np.sqrt(2/3)*np.sin(2*np.pi*frequency*t/1000 + phase).sum(axis=-1)  # [ms, stream]
now, past = stream[DELAY:], stream[:-DELAY]
wanted = np.tanh(2*now*past)  # the same sign: up to 1; another one: down to -1

# --------------------------------------------------------------------------------- the neurons
tree = [Compartment('soma', activation='linear', inputs=('b',))]
for k in range(1, 4):
    tree += [Compartment(f'branch{k}', 'soma', coupling=''),  # tau_r = tau_m: answers at once
             Compartment(f'tip{k}', f'branch{k}', tau_m=30*ms, tau_r=1*ms, coupling='',
                         inputs=('v_in',))]
options = dict(replicas=STREAMS, method='prospective_euler')
neuron = ReplicatedGroup(1, dendritic_output(tree), **options, name='neuron')

no_memory = [replace(c, tau_m=10*ms, tau_r=None) for c in tree]  # all compartments answer at once
forgetful = ReplicatedGroup(1, dendritic_output(no_memory), **options, name='forgetful')

tau_m = [1, 3, 10, 20, 30, 50, 100, 200]*ms
points = ReplicatedGroup(len(tau_m), gle_output('tanh', tau_m='constant', tau_r=1*ms), **options,
                         name='points')
points.tau_m = np.tile(tau_m/ms, STREAMS)*ms

inputs = ReplicatedGroup(1, 'r : 1\nr_sent = r : 1', replicas=STREAMS, name='inputs')
names = {'shown': TimedArray(now, dt=dt), 'asked': TimedArray(wanted, dt=dt)}
inputs.run_regularly('r = shown(t, i)', when='groups', order=STIMULUS)
groups = [neuron, forgetful, points]
for group, n in zip(groups, (1, 1, len(tau_m))):
    group.run_regularly(f'target = asked(t, i//{n})', when='groups', order=STIMULUS)
    group.beta = group.nudged = 1

# -------------------------------------------------------------------- what learns, and its rule
rule, learned = dict(optimiser=Adam()), []


def share(group, equations, name, **start):
    learned.append(SharedParameters(group, equations, order=WEIGHTS, method='prospective_euler',
                                    name=name))
    for variable, value in start.items():
        setattr(learned[-1], variable, value)


for group, compartments in zip(groups, (tree, no_memory, [Compartment('point')])):
    for c in compartments:
        name = f'{group.name}_{c.name}'
        target, bias, error = (c.variable(x) for x in ('v_in', 'b', 'err'))
        if 'v_in' in c.inputs:
            learned.append(project(inputs, group, error_learning(
                target, back=None, learned=error, **rule), name=f'{name}_w'))
            learned[-1].w = rng.normal(size=len(learned[-1]))
        if 'b' in c.inputs:
            share(group, bias_learning(bias, learned=error, **rule), f'{name}_b')
        if c.parent is not None:
            share(group, coupling_learning(compartments, c.name, **rule), f'{name}_coupling',
                  w=rng.normal())

network = Network(inputs, groups, learned)
for projection in learned:
    projection.eta = 0.003/ms
network.run(LEARNING*ms, namespace=names)

# ------------------------------------------------------------------------- new parts of streams
for projection in learned:
    projection.eta = 0/ms
neuron.nudged = forgetful.nudged = points.nudged = 0
monitors = [StateMonitor(group, 'r', record=True, when='end') for group in groups]
network.add(monitors)
network.run(TEST*ms, namespace=names)
found, of_forgetful = (monitor.r.T for monitor in monitors[:2])  # [ms, stream]
of_points = monitors[2].r.T.reshape(TEST, STREAMS, len(tau_m))
test = wanted[LEARNING:]


def measured(output):
    """Mean squared error as a part of the variance, and how often the sign is right."""
    return np.mean((output - test)**2)/test.var(), np.mean((output > 0) == (test > 0))


def best_point_neuron():
    """The smallest error, and the most signs, of monotone functions of a filtered stream."""
    errors, rights = [], []
    for tau in (1, 3, 10, 20, 30, 50, 100, 200):
        for lookahead in (0, 1, 3, 10, 30, 100):
            u, u_prosp = np.zeros(STREAMS), np.empty_like(now)
            for step, x in enumerate(now):
                u_prosp[step] = u + lookahead*(x - u)/tau
                u += (x - u)/tau
            order = u_prosp[LEARNING:].ravel().argsort()
            for sign in (1, -1):  # increasing, decreasing
                output = np.empty(test.size)
                output[order] = sign*isotonic_regression(sign*test.ravel()[order]).x
                error, right = measured(output.reshape(test.shape))
                errors.append(error)
                rights.append(right)
    return min(errors), max(rights)


for name, (error, right) in (
        ('one neuron with a tree', measured(found)),
        ('the same tree without slow tips', measured(of_forgetful)),
        ('point neurons, the best of them', min(measured(of_points[..., k])
                                                for k in range(len(tau_m)))),
        ('any point neuron, at best', best_point_neuron())):
    print(f'{name:32} error {error:.2f} of the variance, sign right {right:.0%} of the time')

# -------------------------------------------------------------------------------------- figures
couplings = {c.name: float(projection.w[0]) for c in tree for projection in learned
             if projection.name == f'neuron_{c.name}_coupling'}
with matplotlib.rc_context(STYLE):
    figure, axes = new_figure(1, 1, 7, 4.6)
    draw_tree([replace(c, coupling=couplings.get(c.name)) for c in tree], axes[0, 0])
    figure.savefig('dendritic_tree.png')

    figure, (upper, lower) = new_figure(2, 1, 8, 5, sharex=True)
    k = np.argmin([measured(of_points[..., k])[0] for k in range(len(tau_m))])
    upper[0].plot(now[LEARNING:, 0], color=BLACK)
    lower[0].plot(test[:, 0], '--', color=ORANGE, label='wanted')
    lower[0].plot(found[:, 0], color=BLUE, label='neuron with a tree')
    lower[0].plot(of_points[:, 0, k], ':', color=BLACK,
                  label=f'best point neuron ({tau_m[k]/ms:g} ms)')
    upper[0].set(ylabel='stream (no unit)')
    lower[0].set(xlabel='time after learning (ms)', ylabel='rate (no unit)')
    figure.legend(*lower[0].get_legend_handles_labels(), ncols=3, loc='outside upper left')
    figure.savefig('dendritic_tree_output.png')
