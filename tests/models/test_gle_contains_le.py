"""With tau_r = tau_m a network of Generalized Latent Equilibrium is one of Latent Equilibrium.

Its look-aheads are the drives themselves, and its errors those of backpropagation, one layer per
step, whatever the time constants and the time step: they cancel.
"""

import numpy as np
import pytest
from brian2 import StateMonitor, TimedArray, defaultclock, ms

from brian_le.models import Dense, GLENetwork, initial_weights
from tests.running import WITH_SLOW_CYTHON, run_cases

STEPS, REPLICAS = 40, 2
SHAPES = {  # inputs, layers, activation, gamma
    'small': (3, (4, 2), 'tanh', 0.5),
    'deep': (2, (5, 4, 3, 2), 'logistic', 0.7),
}
TIMES = {  # range of time constants, time step, in ms
    'small': {'slow': ((20, 200), 0.01), 'fast': ((0.5, 3), 0.5), 'long steps': ((7, 900), 6.5)},
    'deep': {'slow': ((15, 300), 0.02), 'fast': ((0.3, 2), 0.25)},
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
    (low, high), dt = TIMES[shape][times]
    taus = [rng.uniform(low, high, n) for n in sizes]
    return weights, taus, dt, x, target


def case(shape, times):
    n_in, sizes, activation, gamma = SHAPES[shape]
    weights, taus, dt_ms, x, target = random_task(shape, times)

    def compose(name):
        dt = defaultclock.dt = dt_ms*ms
        net = GLENetwork(n_in, [Dense(n, tau_m=tau*ms) for n, tau in zip(sizes, taus)],
                         replicas=REPLICAS, activation=activation, gamma=gamma, beta=0.3,
                         name=name)
        net.weights.update(weights)
        for group, variable, shown in ((net.inputs, 'r', x), (net.output, 'target', target)):
            group.namespace['shown_at'] = TimedArray(shown.reshape(STEPS, -1), dt=dt)
            group.run_regularly(f'{variable} = shown_at(t, i)', when='groups', order=-2,
                                name=f'{group.name}_shown')
        monitors = [StateMonitor(group, ['u_prosp', 'err', 'r', 'slope'], record=True, when='end',
                                 name=f'{name}_states{k}') for k, group in enumerate(net.neurons)]

        def read():
            return {(variable, k): getattr(monitor, variable).T.reshape(STEPS, REPLICAS, -1)
                    for k, monitor in enumerate(monitors) for variable in monitor.record_variables}

        return [net, monitors], STEPS*dt, read

    return compose


CASES = {f'{shape}, {times}': (shape, times) for shape in SHAPES for times in TIMES[shape]}


@pytest.fixture(scope='module', params=WITH_SLOW_CYTHON)
def found(request, tmp_path_factory):
    names = {f'case{number}': key for number, key in enumerate(CASES.values())}
    results = run_cases(request.param, {name: case(*key) for name, key in names.items()},
                        tmp_path_factory.mktemp('build')/'p',
                        [name for name, (shape, _) in names.items() if shape != 'small'])
    return {names[name]: result for name, result in results.items()}


def before(values):
    """The values of the step before; 0 at first."""
    return np.concatenate([np.zeros_like(values[:1]), values[:-1]])


def test_look_aheads_are_drives_and_errors_those_of_backpropagation(found):
    assert found
    for (shape, times), a in found.items():
        _, sizes, activation, gamma = SHAPES[shape]
        weights, _, _, x, target = random_task(shape, times)
        top = len(sizes) - 1
        for k in range(top + 1):
            phi, derivative = PHI['linear' if k == top else activation]
            read = x if k == 0 else before(a['r', k - 1])
            above = (0.3*(target - before(a['r', k])) if k == top
                     else before(a['err', k + 1]) @ weights['forward', k + 1])
            expected = {
                'u_prosp': read @ weights['forward', k].T + weights['bias', k]
                + gamma*a['err', k],
                'r': phi(a['u_prosp', k]), 'slope': derivative(a['u_prosp', k]),
                # nobody has a slope before the first step
                'err': np.where(np.arange(STEPS)[:, None, None] > 0, 1, 0)
                * derivative(before(a['u_prosp', k]))*above}
            for variable, values in expected.items():
                np.testing.assert_allclose(a[variable, k], values, rtol=0, atol=1e-12,
                                           err_msg=f'{shape}, {times}, {variable} of layer {k}')
            assert abs(a['err', k]).max() > 1e-3


def test_time_constants_and_time_steps_do_not_matter(found):
    """Rates and errors, step by step."""
    for shape in SHAPES:
        runs = [a for (of_shape, _), a in found.items() if of_shape == shape]
        for other in runs[1:]:
            for key, values in runs[0].items():
                np.testing.assert_allclose(other[key], values, rtol=0, atol=1e-12,
                                           err_msg=f'{shape}, {key}')
