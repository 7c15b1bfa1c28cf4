import numpy as np
import pytest
from brian2 import DimensionMismatchError, Equations, Network, NeuronGroup, linked_var, mV, ms

from brian_le import (SGD, Adam, ReplicatedGroup, SharedParameters, bias_learning, error_feedback,
                      error_learning, lookahead_learning, membrane_learning, project,
                      time_constant_matching)
from tests.running import CODE_TARGETS, run_cases

STEPS, REPLICAS = 20, 2
W0 = np.array([[0.5, -0.2, 0.1], [0.3, 0.9, -0.6]])  # [post, pre]
RATES = np.array([[0.2, 1.0, 0.6], [-0.5, 0.4, 0.0]])
ERRORS = np.array([[0.3, -0.7], [0.2, 0.5]])  # of the first step; they shrink
RATE = {'eta': 0.5/ms}


def compose(make, gate=None, **options):
    """Two replicas of three neurons of constant rate and of two with errors."""
    def composed(name):
        pre = ReplicatedGroup(3, 'r : 1\nr_sent = r : 1\nv_err : 1', replicas=REPLICAS,
                              name=f'{name}_pre', namespace={})
        post = ReplicatedGroup(2, 'derr/dt = -err/(1*ms) : 1\nv_in : 1\nb : 1', method='euler',
                               replicas=REPLICAS, name=f'{name}_post', namespace={})
        pre.r, post.err = RATES.ravel(), ERRORS.ravel()
        switch = NeuronGroup(1, 'learning : 1 (shared)', name=f'{name}_switch', namespace={})
        switch.run_regularly('learning = int(t_in_timesteps % 3 == 0)', when='before_start',
                             name=f'{name}_toggle')
        equations = make(gate=gate, **options)
        if make is bias_learning:
            S = SharedParameters(post, equations, order=1, method='prospective_euler',
                                 name=f'{name}_S', namespace={})
            S.bias = [0.1, 0.2]
        else:
            S = project(pre, post, equations, name=f'{name}_S')
            S.matrix()[:] = W0
        if gate:
            S.learning = linked_var(switch, 'learning')
        variable = 'bias' if make is bias_learning else 'w'
        return ([pre, post, switch, S], STEPS*0.1*ms,
                lambda: [np.array(values) for values in (S.matrix(variable), post.v_in, pre.v_err,
                                                         post.b)])
    return composed


def expected(bias=False, eta=0.0, decay=0.0, gated=False, up=True, down=True):
    w, err = np.array([0.1, 0.2]) if bias else W0, ERRORS
    for step in range(STEPS):
        v_in, v_err, b = RATES @ W0.T if bias else RATES @ w.T, err @ (W0 if bias else w), w
        err = 0.9*err
        change = err.mean(axis=0) if bias else np.einsum('bj,bi->ji', err, RATES)/REPLICAS
        if not gated or step % 3 == 0:
            w = w + 0.1*(eta*change - decay*w)
    return [w, v_in*(up and not bias), v_err*(down and not bias),
            np.tile(b, (REPLICAS, 1)) if bias else np.zeros((REPLICAS, 2))]


CASES = {
    'learning': (compose(error_learning, **RATE), expected(eta=0.5)),
    'gated': (compose(error_learning, gate='learning', decay=0.2/ms, **RATE),
              expected(eta=0.5, decay=0.2, gated=True)),
    'constant': (compose(error_learning, eta=None), expected()),
    'one_way': (compose(error_learning, back=None, **RATE), expected(eta=0.5, down=False)),
    'feedback': (compose(error_feedback), expected(up=False)),
    'mirror': (compose(error_feedback, decay=0.2/ms, **RATE),
               expected(eta=0.5, decay=0.2, up=False)),
    'bias': (compose(bias_learning, **RATE), expected(bias=True, eta=0.5)),
    'gated_bias': (compose(bias_learning, gate='learning', **RATE),
                   expected(bias=True, eta=0.5, gated=True)),
    'constant_bias': (compose(bias_learning, eta=None), expected(bias=True)),
}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory):
    return run_cases(request.param, {name: case for name, (case, _) in CASES.items()},
                     tmp_path_factory.mktemp('e'), not_on_cython=set(CASES) - {'gated'})


@pytest.mark.parametrize('case', CASES)
def test_rule(found, case):
    if case not in found:
        pytest.skip('Cython compiles every case for a long time')
    for value, other in zip(found[case], CASES[case][1]):
        np.testing.assert_allclose(value, np.reshape(other, value.shape), rtol=0, atol=1e-14)


def test_weights_that_mirror_become_equal():
    """Whatever forward and feedback weights were, both follow the same product and forget."""
    pre = NeuronGroup(3, 'r : 1\nr_sent = r : 1\nv_err : 1')
    post = NeuronGroup(2, 'err = 1 - v_in : 1\nv_in : 1')
    pre.r = RATES[0]
    options = dict(eta=0.5/ms, decay=0.1/ms)
    up = project(pre, post, error_learning(back=None, **options), name='up')
    down = project(pre, post, error_feedback(**options), name='down')
    up.matrix()[:], down.matrix()[:] = W0, -W0
    Network(pre, post, up, down).run(100*ms)
    difference = (1 - 0.1*0.1)**1000*2*W0
    np.testing.assert_allclose(up.matrix()[:] - down.matrix()[:], difference, rtol=0, atol=1e-12)
    assert np.abs(up.matrix()[:]).min() > 0.05


def test_time_constants():
    """Each follows the mean over replicas, and stays above the time step."""
    group = ReplicatedGroup(2, '''du/dt = (v_in - u)/tau_m : 1
                                  u_prosp : 1
                                  u_dot : Hz
                                  tau_m : second
                                  tau_r : second (constant)
                                  v_in : 1''', replicas=2, method='prospective_euler')
    tau = SharedParameters(group, time_constant_matching(('v_in',), eta=3*ms), order=1,
                           method='prospective_euler')
    tau.tau = group.tau_m = 4*ms
    group.tau_r, group.v_in = [5, 0, 5, 0]*ms, [1, 100, 2, 100]
    Network(group, tau).run(0.1*ms)
    du = np.array([1, 2])/4
    np.testing.assert_allclose(tau.tau[0]/ms, 4 + 0.1*3*np.mean((5 - 4)*du**2), rtol=1e-12)
    assert abs(tau.tau[1] - 0.1*ms) < 1e-12*ms
    np.testing.assert_allclose(group.tau_m[:]/ms, 4)  # handed over before the next step


@pytest.mark.parametrize('make, name, sign', [(membrane_learning, 'tau_m', -1),
                                              (lookahead_learning, 'tau_r', 1)])
@pytest.mark.parametrize('tau_min', ['dt', 0.7*ms])
def test_time_constants_that_learn_from_errors(make, name, sign, tau_min):
    """Each follows the mean over replicas of error and derivative, and stays above its bound."""
    group = ReplicatedGroup(3, f'''err : 1
                                   err_in = 2*err : 1
                                   u_dot : Hz
                                   {name} : second''', replicas=2)
    tau = SharedParameters(group, make(eta=3*ms, tau_min=tau_min), order=1,
                           method='prospective_euler')
    tau.tau = 4*ms
    err, u_dot = np.array([[0.5, -2, 1], [0.1, 3, -2]]), np.array([[1, 40, 2], [-2, -40, 0.5]])
    group.err, group.u_dot = err.ravel(), (-sign*u_dot).ravel()/ms
    network = Network(group, tau)
    network.run(0.1*ms)
    factor = 2 if make is lookahead_learning else 1
    change = -0.1*3*factor*np.mean(err*u_dot, axis=0)
    expected = np.maximum(4 + change, 0.1 if tau_min == 'dt' else 0.7)
    assert (expected[:2] > 3).all() and abs(change).min() > 1e-3
    np.testing.assert_allclose(tau.tau[:]/ms, expected, rtol=1e-12)
    group.u_dot = -10*group.u_dot[:]
    network.run(1*ms)
    np.testing.assert_allclose(tau.tau[1]/ms, 0.1 if tau_min == 'dt' else 0.7, rtol=1e-12)
    group.u_dot = 0/ms
    network.run(0.1*ms)  # handed over before the next step
    np.testing.assert_allclose(group.by_replica(name)[:]/ms, np.tile(tau.tau[:]/ms, (2, 1)),
                               rtol=1e-12)


def test_optimisers_in_the_rules():
    """Every rule moves its memory by the same gradient."""
    for make, gradient in ((error_learning, 'err_post*r_sent_pre'), (bias_learning, 'err_post'),
                           (error_feedback, 'err_post*r_sent_pre'),
                           (membrane_learning, 'err_post*u_dot_post'),
                           (lookahead_learning, 'err_in_post*u_dot_post')):
        name = {bias_learning: 'bias', membrane_learning: 'tau', lookahead_learning: 'tau'}.get(
            make, 'w')
        for optimiser, memory in ((SGD(), set()), (SGD(momentum=0.5), {'m'}),
                                  (Adam(), {'m', 's', 'q_m', 'q_s'})):
            equations = make(eta='shared, constant', gate='on', optimiser=optimiser)
            assert equations.diff_eq_names == {name} | memory
            assert all(str(equations[x].expr).startswith('on*') for x in equations.diff_eq_names)
            if memory:
                assert str(equations[f'{name}_grad'].expr) == gradient
        constant = make(eta=None, optimiser=Adam())
        assert not constant.diff_eq_names and 'm' not in constant


def test_weights_learn_what_they_are_told():
    assert 'dw/dt = eta*v_api_post*r_sent_pre' in str(error_learning(back=None, learned='v_api'))
    assert 'dbias/dt = eta*v_api_post' in str(bias_learning(learned='v_api'))
    assert 'dtau/dt = -eta*v_api_post*u_dot_post' in str(membrane_learning(learned='v_api'))


def test_texts():
    assert 'dw/dt = learning*(eta*err_post*r_sent_pre - decay*w)' in str(
        error_learning(decay='constant', gate='learning'))
    assert 'dw/dt = learning*eta*e_post*r_sent_pre' in str(error_learning(learned='e',
                                                                         gate='learning'))
    text = str(error_learning('v', back='x', error='mismatch', eta=None))
    assert text.splitlines() == ['v_post = w*r_pre : 1 (summed)',
                                 'x_pre = w*mismatch_post : 1 (summed)', 'w : 1 (constant)']
    assert 'summed' in str(bias_learning('c')) and 'c_post = bias' in str(bias_learning('c'))
    assert 'dtau/dt = on*eta*' in str(time_constant_matching(gate='on'))
    for eqs in (error_learning(), error_feedback(), bias_learning(), time_constant_matching()):
        assert isinstance(eqs, Equations)


BAD = {
    'negative eta': (lambda: error_learning(eta=-1/ms), ValueError, 'eta is -1'),
    'eta in volt': (lambda: error_feedback(eta=1*mV), DimensionMismatchError, "'eta'"),
    'NaN': (lambda: bias_learning(eta=np.nan/ms), ValueError, 'eta is nan'),
    'negative decay': (lambda: error_learning(decay=-1/ms), ValueError, 'decay is -1'),
    'decay that is a time': (lambda: error_feedback(eta=1/ms, decay=1*ms), DimensionMismatchError,
                             "'decay'"),
    'eta of time constants': (lambda: time_constant_matching(eta=1/ms), DimensionMismatchError,
                              "'eta'"),
    'negative eta of time constants': (lambda: time_constant_matching(eta=-1*ms), ValueError,
                                       'eta is -1'),
    'eta of membranes in hertz': (lambda: membrane_learning(eta=1/ms), DimensionMismatchError,
                                  "'eta'"),
    'eta of membranes with Adam': (lambda: membrane_learning(eta=1*ms, optimiser=Adam()),
                                   DimensionMismatchError, "'eta'"),
    'negative eta of look-aheads': (lambda: lookahead_learning(eta=-1*ms), ValueError,
                                    'eta is -1'),
    'tau_min of 0': (lambda: membrane_learning(tau_min=0*ms), ValueError, 'tau_min is 0'),
    'tau_min in hertz': (lambda: lookahead_learning(tau_min=1/ms), DimensionMismatchError,
                         "'tau_min'"),
    'no inputs': (lambda: time_constant_matching(()), ValueError, 'give a tuple'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
