"""Optimisers against loops of the formulas of PyTorch in NumPy."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, linked_var, ms, prefs

from brian_le import (SGD, Adam, ReplicatedGroup, SharedParameters, bias_learning, error_learning,
                      membrane_learning, project)
from brian_le.models import Dense, GLENetwork
from tests.reference_optimisers import adam, sgd
from tests.running import CODE_TARGETS, run_cases

STEPS = 40
W0 = np.array([[0.5, -0.2, 0.1], [0.3, 0.9, -0.6]])  # [post, pre]
B0 = np.array([0.4, -0.1])
TAU0 = np.array([5.0, 0.2])  # ms; the second reaches its bound, the time step
ETA, DECAY, DT = 0.5, 0.2, 0.1
GATE = (np.arange(STEPS) % 3 != 1) & (np.arange(STEPS) < 30)

OPTIMISERS = {'sgd': SGD(), 'momentum': SGD(momentum=0.9), 'adam': Adam(),
              'other_adam': Adam(beta_1=0.5, beta_2=0.8, epsilon=0.1)}
MAKERS = {'weights': error_learning, 'biases': bias_learning, 'times': membrane_learning}


def populations(name, replicas):
    """Neurons with rates, errors and derivatives that change with time, differently in each."""
    pre = ReplicatedGroup(3, 'r : 1\nr_sent = r : 1\nv_err : 1', replicas=replicas,
                          name=f'{name}_pre', namespace={})
    post = ReplicatedGroup(2, '''err : 1
                                 u_dot : hertz
                                 tau_m : second
                                 v_in : 1
                                 b : 1''', replicas=replicas, name=f'{name}_post', namespace={})
    pre.run_regularly('r = cos(0.4*t_in_timesteps + i)', when='groups', order=-2,
                      name=f'{name}_set_r')
    post.run_regularly('''err = sin(0.3*t_in_timesteps + 2*i)
                          u_dot = 0.3*cos(0.2*t_in_timesteps + i)/ms''', when='groups', order=-2,
                       name=f'{name}_set_err')
    return pre, post


def compose(kind, optimiser, replicas, gated=False, decay=None):
    def composed(name):
        pre, post = populations(name, replicas)
        options = dict(eta=eta_of(kind, optimiser), optimiser=optimiser,
                       gate='learning' if gated else None)
        if kind == 'weights':
            S = project(pre, post, error_learning(decay=decay, **options), name=f'{name}_S')
            S.matrix()[:] = W0
        else:
            S = SharedParameters(post, MAKERS[kind](**options), order=1, name=f'{name}_S',
                                 method='prospective_euler', namespace={})
            if kind == 'biases':
                S.bias = B0
            else:
                S.tau = TAU0*ms
        objects = [pre, post, S]
        if gated:
            switch = NeuronGroup(1, 'learning : 1 (shared)', name=f'{name}_switch', namespace={})
            switch.run_regularly('learning = int(t_in_timesteps % 3 != 1)*int(t_in_timesteps < 30)',
                                 when='before_start', name=f'{name}_toggle')
            S.learning = linked_var(switch, 'learning')
            objects.append(switch)
        variables = [v for v in ('w', 'bias', 'tau', 'm', 's', 'q_m', 'q_s') if v in S.variables]
        return objects, STEPS*DT*ms, lambda: {v: np.asarray(S.matrix(v)) for v in variables}
    return composed


def eta_of(kind, optimiser):
    if kind != 'times':
        return ETA/ms
    return ETA*ms if optimiser.scales_with_gradient else ETA


def expected(kind, optimiser, replicas, gated=False, decay=None):
    """The parameter after all steps."""
    rates = {'p': DT*ETA}
    step = (adam(rates, optimiser.beta_1, optimiser.beta_2, optimiser.epsilon)
            if isinstance(optimiser, Adam) else sgd(rates, optimiser.momentum))
    p = {'weights': W0, 'biases': B0, 'times': TAU0}[kind]
    i, j = (np.arange(n*replicas).reshape(replicas, n) for n in (3, 2))
    for t in range(STEPS):
        r, err, u_dot = np.cos(0.4*t + i), np.sin(0.3*t + 2*j), 0.3*np.cos(0.2*t + j)
        if gated and not GATE[t]:
            continue
        if kind == 'weights':
            gradient = -np.einsum('bj,bi->ji', err, r)/replicas
        else:
            gradient = {'biases': -err, 'times': err*u_dot}[kind].mean(axis=0)
        p = p + step('p', gradient) - (DT*DECAY*p if decay else 0)
        p = np.maximum(p, DT) if kind == 'times' else p
    return p


SETTINGS = {
    **{f'{kind}_{name}_{replicas}': (kind, optimiser, replicas)
       for kind in MAKERS for name, optimiser in OPTIMISERS.items() for replicas in (1, 4)},
    **{f'{kind}_{name}_gated': (kind, OPTIMISERS[name], replicas, True)
       for kind, replicas in (('weights', 1), ('biases', 4), ('times', 4))
       for name in ('momentum', 'adam')},
    **{f'weights_{name}_decay_{replicas}': (
        'weights', OPTIMISERS[name], replicas, gated, DECAY/ms)
       for name in ('sgd', 'momentum', 'adam') for replicas, gated in ((1, True), (4, False))},
}
ON_CPP = ('weights_momentum_4', 'weights_adam_4', 'weights_other_adam_1', 'biases_adam_4',
          'times_momentum_1', 'times_adam_4', 'weights_adam_gated', 'times_momentum_gated',
          'weights_adam_decay_4', 'weights_momentum_decay_1')
ON_CYTHON = ('weights_adam_decay_1', 'times_momentum_4')


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory):
    names = {'numpy': SETTINGS, 'cpp_standalone': ON_CPP, 'cython': ON_CYTHON}[request.param]
    return run_cases(request.param, {name: compose(*SETTINGS[name]) for name in names},
                     tmp_path_factory.mktemp('o'))


@pytest.mark.parametrize('case', SETTINGS)
def test_parameters_after_all_steps(found, case):
    if case not in found:
        pytest.skip('compilers need long for every case')
    values = next(iter(found[case].values()))
    values = values*1e3 if SETTINGS[case][0] == 'times' else values
    np.testing.assert_allclose(values, expected(*SETTINGS[case]), rtol=1e-12, atol=1e-13)


def test_a_bound_matters(monkeypatch):
    bound = expected('times', Adam(), 4)
    monkeypatch.setattr(f'{__name__}.np.maximum', lambda a, b: a)
    assert abs(bound - expected('times', Adam(), 4)).max() > 0.1


@pytest.mark.parametrize('kind, name', [('weights', 'momentum'), ('weights', 'adam'),
                                        ('biases', 'adam'), ('times', 'momentum')])
def test_switched_off_memory_stays_as_well(kind, name):
    objects, _, read = compose(kind, OPTIMISERS[name], 2, gated=True)('n')
    network = Network(objects)
    network.run(30*DT*ms, namespace={})
    before = read()
    network.run(5*DT*ms, namespace={})
    after = read()
    assert len(before) == {'momentum': 2, 'adam': 5}[name]
    for variable, values in before.items():
        assert np.abs(values).max() > 0
        np.testing.assert_array_equal(after[variable], values, err_msg=variable)


@pytest.mark.parametrize('name', ['momentum', 'adam'])
@pytest.mark.parametrize('kind', ['weights', 'biases'])
def test_single_precision(kind, name):
    prefs.core.default_float_dtype = np.float32
    try:
        objects, duration, read = compose(kind, OPTIMISERS[name], 4)('n')
        Network(objects).run(duration, namespace={})
        found = next(iter(read().values()))
    finally:
        prefs.core.default_float_dtype = np.float64
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected(kind, OPTIMISERS[name], 4), rtol=0, atol=1e-5)


def test_steps_of_adam_do_not_depend_on_the_size_of_the_gradient():
    """With a gradient of constant sign, each is the learning rate."""
    post = NeuronGroup(3, 'err : 1 (constant)\nb : 1')
    post.err = [1e-4, -3, 1e5]
    bias = SharedParameters(post, bias_learning(eta=2/ms, optimiser=Adam()), order=1,
                            method='prospective_euler')
    Network(post, bias).run(1*ms)
    np.testing.assert_allclose(bias.bias[:], [2, -2, 2], rtol=2e-4)


def test_momentum_sums_up_a_constant_gradient():
    """In a step of SGD to 1/(1 - momentum) of the gradient."""
    post = NeuronGroup(1, 'err : 1 (constant)\nb : 1')
    post.err = 0.3
    bias = SharedParameters(post, bias_learning(eta=2/ms, optimiser=SGD(momentum=0.5)), order=1,
                            method='prospective_euler')
    Network(post, bias).run(1*ms)
    buffers = 0.3*(1 - 0.5**np.arange(1, 11))/0.5
    np.testing.assert_allclose(bias.bias[:], 0.1*2*buffers.sum(), rtol=1e-13)


def test_equality():
    assert SGD() == SGD(momentum=0.0) != SGD(0.1) and Adam() == Adam(0.9, 0.999, 1e-8)
    assert 'momentum=0.9' in repr(SGD(0.9)) and 'beta_2=0.5' in repr(Adam(beta_2=0.5))


BAD = {
    'momentum of 1': (lambda: SGD(momentum=1), 'momentum is 1; .* below 1'),
    'negative momentum': (lambda: SGD(-0.1), 'momentum is -0.1'),
    'momentum NaN': (lambda: SGD(np.nan), 'momentum is nan'),
    'beta_1 of 1': (lambda: Adam(beta_1=1.0), 'beta_1 is 1.0'),
    'negative beta_2': (lambda: Adam(beta_2=-0.5), 'beta_2 is -0.5'),
    'momentum as a text': (lambda: SGD('a'), "momentum is 'a'"),
    'a name': (lambda: error_learning(optimiser='adam'), "the optimiser is 'adam'; give one such"),
    'the class': (lambda: GLENetwork(1, [Dense(1)], optimiser=Adam), 'the optimiser is <class'),
    'epsilon of 0': (lambda: Adam(epsilon=0), 'epsilon is 0'),
    'epsilon NaN': (lambda: Adam(epsilon=np.nan), 'epsilon is nan'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        make()
