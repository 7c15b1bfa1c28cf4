import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Equations, Network, NeuronGroup, StateMonitor,
                    Synapses, linked_var, ms, mV)
from hypothesis import given
from hypothesis import strategies as st

from brian_le import (apical_silencing, dendritic_prediction, fixed_weights, one_to_one, project,
                      pyramidal)
from brian_le.substrate import Noise, Substrate, normal_number
from tests.reference import softplus
from tests.running import CODE_TARGETS, run_cases

STEPS = 30
W0 = np.array([[0.5, -0.2, 0.1], [0.3, 0.9, -0.6]])  # [post, pre]
RATES = np.array([0.2, 1.0, 0.6])


def compose(rule, gate=None, **options):
    """Three units of constant rate and two pyramidal neurons that are nudged to 1 and -1."""
    def composed(name):
        pre = NeuronGroup(3, 'r : 1\nr_sent = r : 1', name=f'{name}_pre', namespace={})
        pre.r = RATES
        post = NeuronGroup(2, pyramidal(apical=('v_api_in',), nudging='parameter'),
                           method='prospective_euler', name=f'{name}_post', namespace={})
        post.u_nudge, post.nudged = [1, -1], 1
        into = 'v_api_in' if rule is apical_silencing else 'v_up'
        switch = NeuronGroup(1, 'learning : 1 (shared)', name=f'{name}_switch', namespace={})
        switch.run_regularly('learning = int(t_in_timesteps % 3 == 0)', when='before_start',
                             name=f'{name}_toggle')
        S = project(pre, post, rule(into, gate=gate, **options), name=f'{name}_S')
        if gate:
            S.learning = linked_var(switch, 'learning')
        S.matrix()[:] = W0
        monitor = StateMonitor(S, 'w', record=np.arange(6), when='end', name=f'{name}_M')
        return ([pre, post, switch, S, monitor], STEPS*0.1*ms,
                lambda: np.array(monitor.w.T).reshape(STEPS, 3, 2).swapaxes(1, 2))
    return composed


def expected(rule, gated=False, eta=0.5, w_max=np.inf):
    """The same in NumPy; look-ahead makes the neurons algebraic."""
    w, rows, g = W0, [], 0.03 + 0.1 + 0.06
    for step in range(STEPS):
        v = w @ RATES
        if rule is apical_silencing:
            change = -np.outer(v, RATES)
        else:
            ss = (0.1*v + 0.06*np.array([1, -1]))/(g + 0.06)
            change = np.outer(softplus(ss) - softplus(0.1/g*v), RATES)
        if not gated or step % 3 == 0:
            w = np.clip(w + 0.1*eta*change, -w_max, w_max)
        rows.append(w)
    return np.array(rows)


CASES = {
    'prediction': (compose(dendritic_prediction, eta=0.5/ms), expected(dendritic_prediction)),
    'silencing': (compose(apical_silencing, eta=0.5/ms), expected(apical_silencing)),
    'clipped': (compose(dendritic_prediction, eta=0.5/ms, w_max=0.55),
                expected(dendritic_prediction, w_max=0.55)),
    'gated': (compose(apical_silencing, eta=0.5/ms, gate='learning'),
              expected(apical_silencing, gated=True)),
    'fixed': (compose(lambda into, gate: fixed_weights(into)), np.array([W0]*STEPS)),
}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def weights(request, tmp_path_factory):
    return run_cases(request.param, {name: case for name, (case, _) in CASES.items()},
                     tmp_path_factory.mktemp('p'))


@pytest.mark.parametrize('case', CASES)
def test_rule(weights, case):
    np.testing.assert_allclose(weights[case], CASES[case][1], rtol=0, atol=1e-14)


def test_the_limit_of_weights_is_reached(weights):
    free, clipped = weights['prediction'], weights['clipped']
    assert (np.abs(free[-1]) > 0.55).sum() == 2
    assert np.abs(clipped).max() == 0.55
    assert (np.abs(clipped) == 0.55).any(axis=0).sum() == 2


def test_silencing_silences(weights):
    assert np.abs(weights['silencing'][-1] @ RATES).max() < 0.2*np.abs(W0 @ RATES).max()


@given(eta=st.floats(0, 100), w_max=st.floats(0.01, 10), steps=st.integers(1, 5))
def test_weights_never_leave_their_limits(eta, w_max, steps):
    objects, _, _ = compose(dendritic_prediction, eta=eta/ms, w_max=w_max)('h')
    Network(objects).run(steps*0.1*ms)
    assert np.abs(objects[3].w[:]).max() <= w_max


def test_silencing_learns_from_the_potential_without_noise():
    """The soma hears the noise on the apical potential; synapses learn without it."""
    steps, down = 40, np.array([0.7, -0.4])
    substrate = Substrate([Noise('v_api', 0.5, tau=0.3*ms)], seed=2)
    pre = NeuronGroup(3, 'r : 1\nr_sent = r : 1', name='pre')
    pre.r = RATES
    post = substrate.neurons(2, pyramidal(), method='prospective_euler', name='post')
    post.v_down = down
    S = substrate.project(pre, post, apical_silencing('v_pi', eta=0.5/ms), name='S')
    S.matrix()[:] = W0
    substrate.settle()
    heard = StateMonitor(post, ['u_prosp', 'v_api', 'v_api_noise'], record=True, when='end')
    Network(pre, post, S, heard).run(steps*0.1*ms)
    w = W0
    noise = np.zeros(2)
    key, memory = int(np.asarray(post.v_api_noise_key[:])), np.exp(-0.1/0.3)
    for step in range(steps):
        noise = memory*noise + 0.5*np.sqrt(1 - memory**2)*normal_number(key, step + 1, np.arange(2))
        v_api = down + w @ RATES
        np.testing.assert_allclose(heard.v_api[:, step], v_api + noise, rtol=0, atol=1e-12)
        np.testing.assert_allclose(heard.u_prosp[:, step], 0.06*(v_api + noise)/0.19, rtol=0,
                                   atol=1e-12)
        w = w - 0.1*0.5*np.outer(v_api, RATES)
    np.testing.assert_allclose(S.matrix()[:], w, rtol=0, atol=1e-12)


def test_silencing_of_another_variable():
    assert 'dw/dt = -eta*v_api_post*r_sent_pre' in str(apical_silencing('v', learned='v_api'))


def test_texts():
    assert 'dw/dt = learning*eta*err_post*r_sent_pre' in str(
        dendritic_prediction('v_up', gate='learning'))
    assert 'w_min = -w_max : 1 (shared)' in str(dendritic_prediction('v_up', w_max=4))
    assert 'w_max : 1 (constant)' in str(dendritic_prediction('v_up', w_max='constant'))
    for eqs in (fixed_weights('v'), apical_silencing('v'), one_to_one('v', 'u')):
        assert isinstance(eqs, Equations)


def test_in_a_plain_script():
    a = NeuronGroup(2, pyramidal(), method='prospective_euler')
    b = NeuronGroup(1, pyramidal(), method='prospective_euler')
    S = Synapses(a, b, dendritic_prediction('v_up', eta=1/ms), method='prospective_euler',
                 order=1)
    S.connect()
    S.w = '0.5*(i + 1)'
    b.v_down = 1
    Network(a, b, S).run(1*ms)
    assert (S.w[:] > [0.5, 1]).all()


BAD = {
    'negative eta': (lambda: dendritic_prediction('v', eta=-1/ms), ValueError, 'eta is -1'),
    'eta in volt': (lambda: apical_silencing('v', eta=1*mV), DimensionMismatchError, "'eta'"),
    'w_max of zero': (lambda: dendritic_prediction('v', w_max=0), ValueError, 'w_max is 0'),
    'NaN': (lambda: dendritic_prediction('v', w_max=float('nan')), ValueError, 'w_max is nan'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
