"""Parameters of neurons that all replicas share, against a plain loop over replicas."""

from functools import partial

import numpy as np
import pytest
from brian2 import NeuronGroup, Network, StateMonitor, ms, prefs
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import SharedParameters, by_replica
from tests.running import CODE_TARGETS, run_cases

RULES = {
    'plain': ('dbias/dt = (goal_post - v_post)/(2*ms) : 1 (clock-driven)', 'euler'),
    'adam': ("""dm/dt = (bias_grad - m)/(3*ms) : 1 (clock-driven)
                dq/dt = (bias_grad**2 - q)/(5*ms) : 1 (clock-driven)
                dbias/dt = m/(sqrt(q) + 0.1)/ms - 0.1*bias/ms : 1 (clock-driven)
                bias_grad = goal_post - v_post : 1""", 'euler'),
    'bounded': ("""dbias/dt = (goal_post - v_post)/(2*ms) : 1 (clock-driven)
                   bias_max = 0.1 : 1""", 'prospective_euler'),
}
STEPS = 15


def start(n_neurons, n_parameters, replicas):
    rng = np.random.default_rng(100*n_neurons + n_parameters)
    return {'bias': rng.normal(size=n_parameters)/3, 'T': rng.uniform(1, 4, n_parameters),
            'I': rng.normal(size=(replicas, n_neurons)), 'goal': rng.normal(
                size=(replicas, n_neurons))}


def compose(name, rule='plain', replicas=3, n=5, channels=None, monitor=False):
    """A bias and a time constant that learn."""
    group = NeuronGroup(replicas*n, """dv/dt = (I + b - v)/tau : 1
                                       b : 1
                                       tau : second
                                       I : 1 (constant)
                                       goal : 1 (constant)""", method='euler', name=f'{name}_G',
                        namespace={})
    equations, method = RULES[rule]
    more = '\n'.join(f'{variable} : 1' for variable in 'mq' if rule != 'adam')
    P = SharedParameters(group, f"""b_post = bias : 1 (summed)
                                    tau_post = T : second (summed)
                                    dT/dt = 0.3*tanh(v_post)*(1 + T/ms) : second (clock-driven)
                                    {more}
                                    {equations}""", replicas=replicas, channels=channels,
                         method=method, order=1, name=f'{name}_P', namespace={})
    values = start(n, n if channels is None else channels, replicas)
    P.matrix('bias')[:], P.matrix('T')[:] = values['bias'], values['T']*ms
    by_replica(group, 'I', replicas)[:] = values['I']
    by_replica(group, 'goal', replicas)[:] = values['goal']
    objects = [group, P]
    if monitor:
        objects.append(StateMonitor(P, 'bias', record=[0], name=f'{name}_M'))
    return objects, STEPS*0.1*ms, lambda: {
        'bias': P.matrix('bias')[:], 'T': np.asarray(P.matrix('T')[:]/ms), 'm': P.m[:],
        'v': by_replica(group, 'v', replicas)[:], 'b': by_replica(group, 'b', replicas)[:],
        'tau': np.asarray(by_replica(group, 'tau', replicas)[:]/ms),
        **({'monitor': objects[-1].bias[0]} if monitor else {})}


def by_hand(rule, replicas, n, channels=None, monitor=False):
    """Each replica by itself; parameters follow the mean, where the positions have added up."""
    n_parameters = n if channels is None else channels
    values = start(n, n_parameters, replicas)
    bias, T = values['bias'], values['T']
    m, q, v = np.zeros_like(bias), np.zeros_like(bias), np.zeros((replicas, n))
    which = np.arange(n) % n_parameters  # channel-last

    def mean(of_neurons):
        total = np.zeros(n_parameters)
        for b in range(replicas):
            for k in range(n):
                total[which[k]] += of_neurons[b, k]
        return total/replicas

    recorded = []
    for _ in range(STEPS):
        recorded.append(bias[0])
        b, tau = np.tile(bias[which], (replicas, 1)), np.tile(T[which], (replicas, 1))
        v = v + 0.1*(values['I'] + b - v)/tau
        T = T + 0.1*0.3*mean(np.tanh(v))*(1 + T)
        gradient = mean(values['goal'] - v)
        if rule == 'adam':
            bias = bias + 0.1*(m/(np.sqrt(q) + 0.1) - 0.1*bias)
            m, q = m + (gradient - m)/30, q + (gradient**2 - q)/50
        else:
            bias = bias + 0.05*gradient
            if rule == 'bounded':
                bias = np.minimum(bias, 0.1)
    found = {'bias': bias, 'T': T, 'm': m, 'v': v, 'b': b, 'tau': tau}
    return found | ({'monitor': recorded} if monitor else {})


CASES = {'neurons': dict(rule='plain', replicas=3, n=5),
         'one replica': dict(rule='adam', replicas=1, n=9),
         'channels': dict(rule='adam', replicas=2, n=12, channels=3),
         'bounded': dict(rule='bounded', replicas=4, n=17, monitor=True)}


@pytest.fixture(scope='module')
def in_cpp(tmp_path_factory):
    cases = {key.replace(' ', '_'): partial(compose, **case) for key, case in CASES.items()}
    return run_cases('cpp_standalone', cases, tmp_path_factory.mktemp('shared'))


def check(found, expected, tolerance=1e-12):
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=0, err_msg=name,
                                   atol=tolerance*max(1, np.abs(values).max()))


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('target', CODE_TARGETS)
def test_parameters_that_learn(request, target, case):
    if target == 'cython' and case in ('neurons', 'bounded'):
        pytest.skip('the same code as for the others')
    if target == 'cpp_standalone':
        found = request.getfixturevalue('in_cpp')[case.replace(' ', '_')]
    else:
        (found,) = run_cases(target, {'case': partial(compose, **CASES[case])}, None).values()
    check(found, by_hand(**CASES[case]))


@given(st.sampled_from(sorted(RULES)), st.integers(1, 9), st.sampled_from([1, 2, 5, 9]),
       st.sampled_from([None, 1, 2, 3]))
@settings(max_examples=8)
def test_drawn_parameters(rule, replicas, n, channels):
    case = dict(rule=rule, replicas=replicas, n=n*(channels or 1), channels=channels)
    (found,) = run_cases('numpy', {'case': partial(compose, **case)}, None).values()
    check(found, by_hand(**case))


def test_single_precision():
    def in_single(name):
        prefs.core.default_float_dtype = np.float32
        return compose(name, rule='adam')
    (found,) = run_cases('numpy', {'case': in_single}, None).values()
    assert found['bias'].dtype == np.float32
    check(found, by_hand('adam', 3, 5), tolerance=3e-6)


def test_one_value_for_each_neuron_of_a_replica():
    group = NeuronGroup(12, 'b : 1', name='G')
    P = SharedParameters(group, 'b_post = bias : 1 (summed)\nbias : 1', replicas=3, name='P')
    assert len(P.bias) == 4 and P.matrix('bias').shape == (4,)
    P.bias = [1, 2, 3, 4]
    Network(group, P).run(0.1*ms)
    np.testing.assert_array_equal(by_replica(group, 'b', 3)[:], np.tile([1, 2, 3, 4], (3, 1)))


def make(equations='b_post = bias : 1 (summed)\nbias : 1', **options):
    group = NeuronGroup(6, 'b : 1\nv : 1', name='G')
    target = options.pop('part', lambda group: group)(group)
    return SharedParameters(target, equations, name='P', namespace={}, **options)


REFUSED = {
    'sizes': (lambda: make(replicas=4), ValueError,
              "'G' has 6 neurons, which is not a multiple of 4 replicas"),
    'no replicas': (lambda: make(replicas=0), ValueError, 'replicas=0; give a whole number'),
    'half replicas': (lambda: make(replicas=1.5), ValueError, 'replicas=1.5; give a whole number'),
    'channels': (lambda: make(replicas=2, channels=2), ValueError,
                 "'G' has 3 neurons per replica, which is not a multiple of 2 channels"),
    'presynaptic': (lambda: make('b_post = bias*v_pre : 1 (summed)\nbias : 1'), ValueError,
                    "'v_pre' of 'P' is presynaptic"),
    'presynaptic in learning': (lambda: make('b_post = bias : 1 (summed)\ndbias/dt = v_pre/second '
                                             ': 1 (clock-driven)', method='euler'), ValueError,
                                "'v_pre' of 'P' is presynaptic"),
    'presynaptic sum': (lambda: make('b_pre = bias : 1 (summed)\nbias : 1'), ValueError,
                        "'b_pre' of 'P' is presynaptic"),
    'connect': (lambda: make().connect(), ValueError, "'P' needs one connect"),
    'operation on neurons': (lambda: make(replicas=2).run_regularly('bias = v_post'), ValueError,
                             "'v_post' belongs to many neurons .* because its copies share"),
    'shape': (lambda: make(replicas=2).matrix('bias').__setitem__(slice(None), [1, 2]), ValueError,
              r"bias of 'P' has the shape \(3,\), not \(2,\)"),
    'part of a group': (lambda: make(part=lambda group: group[:4], replicas=2), ValueError,
                        'part of a group'),
}


@pytest.mark.parametrize('case', REFUSED)
def test_refused(case):
    act, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        act()


def test_parameters_have_indices():
    G = NeuronGroup(6, 'b : 1', name='G')
    P = SharedParameters(G, 'b_post = c*j : 1 (summed)\nc : 1', replicas=2, name='P')
    P.c = 'j + 1'
    np.testing.assert_array_equal(np.array(P.c), [1, 2, 3])
    Network(G, P).run(0.1*ms)
    np.testing.assert_array_equal(np.array(G.b), [0, 2, 6, 0, 2, 6])


@pytest.mark.parametrize('channels', [0, 2.5, 'two'])
def test_bad_channels(channels):
    G = NeuronGroup(6, 'b : 1', name='G')
    with pytest.raises(ValueError, match='channels=.*; give a whole number of at least 1'):
        SharedParameters(G, 'b_post = c : 1 (summed)\nc : 1', channels=channels)


def test_parts_have_one_name_whenever_they_are_composed():
    """It is in generated code: of two compositions one program is enough."""
    composed = []
    for _ in range(2):
        group = NeuronGroup(6, 'I : 1', name='cells')
        bias = SharedParameters(group, 'I_post = bias : 1 (summed)\nbias : 1', replicas=2,
                                name='bias')
        composed.append((group, bias, bias.source.name, bias.target.name))
    assert composed[0][2:] == composed[1][2:]
