"""With tau_r = tau_m a network of Generalized Latent Equilibrium is one of Latent Equilibrium.

Its look-aheads are the drives themselves, and its errors those of backpropagation, one layer per
step, whatever the time constants and the time step: they cancel.
"""

import numpy as np
import pytest
from brian2 import StateMonitor, TimedArray, defaultclock, ms

from brian_le.models import Dense, GLENetwork, initial_weights
from tests.running import CODE_TARGETS, run_cases

STEPS, REPLICAS = 40, 2
SHAPES = {  # inputs, layers, activation, gamma
    'small': (3, (4, 2), 'tanh', 0.5),
    'deep': (2, (5, 4, 3, 2), 'logistic', 0.7),
    'linear': (4, (3, 3), 'linear', 0.0),
}
TIMES = {  # range of time constants, time step, in ms
    'slow': ((20, 200), 0.01),
    'fast': ((0.5, 3), 0.5),
    'long steps': ((7, 900), 6.5),
}
PHI = {'tanh': (np.tanh, lambda u: 1 - np.tanh(u)**2),
       'logistic': (lambda u: 1/(1 + np.exp(-u)), lambda u: np.exp(-u)/(1 + np.exp(-u))**2),
       'linear': (lambda u: u, np.ones_like)}


def random_task(shape, times):
    """Weights, time constants, inputs and targets; those of a shape do not depend on times."""
    n_in, sizes, *_ = SHAPES[shape]
    rng = np.random.default_rng(len(shape))
    weights = {key: 2*w for key, w in initial_weights(n_in, list(map(Dense, sizes)), rng).items()}
    x, target = (rng.normal(size=(STEPS, REPLICAS, n)) for n in (n_in, sizes[-1]))
    (low, high), dt = TIMES[times]
    taus = [rng.uniform(low, high, n) for n in sizes]
    return weights, taus, dt, x, target


def case(shape, times):
    n_in, sizes, activation, gamma = SHAPES[shape]
    weights, taus, dt_ms, x, target = random_task(shape, times)

    def compose(name):
        dt = defaultclock.dt = dt_ms*ms
        net = GLENetwork(n_in, [Dense(n, tau_m=tau*ms) for n, tau in zip(sizes, taus)],
                         replicas=REPLICAS, activation=activation, gamma=gamma, beta=0.3,
                         eta=0.02/dt, name=name)
        net.weights.update(weights)
        for group, variable, shown in ((net.inputs, 'r', x), (net.output, 'target', target)):
            group.namespace['shown_at'] = TimedArray(shown.reshape(STEPS, -1), dt=dt)
            group.run_regularly(f'{variable} = shown_at(t, i)', when='groups', order=-2,
                                name=f'{group.name}_shown')
        states = [StateMonitor(group, ['u_prosp', 'err', 'r', 'slope'], record=True, when='end',
                               name=f'{name}_states{k}') for k, group in enumerate(net.neurons)]
        learned = {key: StateMonitor(net.projections[key], 'w' if key[0] == 'forward' else 'bias',
                                     record=np.arange(weights[key].size), when='end',
                                     name=f'{name}_{key[0]}_of_{key[1]}') for key in weights}

        def read():
            found = {(variable, k): getattr(monitor, variable).T.reshape(STEPS, REPLICAS, -1)
                     for k, monitor in enumerate(states) for variable in monitor.record_variables}
            for key, monitor in learned.items():
                (variable,) = monitor.record_variables
                view = net.projections[key].matrix(variable)
                found[key] = np.array([view.to_shape(row) for row in getattr(monitor, variable).T])
            return found

        return [net, states, list(learned.values())], STEPS*dt, read

    return compose


CASES = {(shape, times): case(shape, times) for shape in SHAPES for times in TIMES}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory):
    names = {f'{shape}_{times.replace(" ", "_")}': (shape, times) for shape, times in CASES}
    results = run_cases(request.param, {name: CASES[key] for name, key in names.items()},
                        tmp_path_factory.mktemp('build')/'p',
                        [name for name in names if name not in ('small_slow', 'small_fast')])
    return {names[name]: result for name, result in results.items()}


def before(values, first=0):
    """The values of the step before."""
    return np.concatenate([np.broadcast_to(first, values[:1].shape), values[:-1]])


def test_look_aheads_are_drives_and_errors_those_of_backpropagation(found):
    assert found
    for (shape, times), a in found.items():
        _, sizes, activation, gamma = SHAPES[shape]
        weights, _, _, x, target = random_task(shape, times)
        top = len(sizes) - 1
        for k in range(top + 1):
            W, b = (before(a[kind, k], weights[kind, k]) for kind in ('forward', 'bias'))
            read = x if k == 0 else before(a['r', k - 1])
            drive = np.einsum('tji,tbi->tbj', W, read) + b[:, None] + gamma*a['err', k]
            phi, derivative = PHI['linear' if k == top else activation]
            if k == top:
                above = 0.3*(target - before(a['r', k]))
            else:
                W_above = before(a['forward', k + 1], weights['forward', k + 1])
                above = before(np.einsum('tji,tbj->tbi', W_above, a['err', k + 1]))
            expected = {'u_prosp': drive, 'r': phi(a['u_prosp', k]),
                        'slope': derivative(a['u_prosp', k]),
                        'err': before(derivative(a['u_prosp', k]))*above}
            for variable, values in expected.items():
                np.testing.assert_allclose(a[variable, k], values, rtol=0, atol=1e-12,
                                           err_msg=f'{shape}, {times}, {variable} of layer {k}')
        assert abs(a['forward', 0][-1] - weights['forward', 0]).max() > 1e-4  # it learns
        assert all(abs(a['err', k][top + 1:]).max() > 1e-3 for k in range(top + 1))


def test_time_constants_and_time_steps_do_not_matter(found):
    """Rates, errors and weights, step by step."""
    for shape in SHAPES:
        runs = [a for (of_shape, _), a in found.items() if of_shape == shape]
        for other in runs[1:]:
            for key, values in runs[0].items():
                np.testing.assert_allclose(other[key], values, rtol=0, atol=1e-12,
                                           err_msg=f'{shape}, {key}')
