from pathlib import Path

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, NeuronGroup, StateMonitor, Synapses,
                    linked_var, mV, ms, prefs)
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import (Activation, apical_silencing, dendritic_prediction, fixed_weights,
                      interneuron, one_to_one, pyramidal)
from brian_le.models import Microcircuit, Presentations, random_weights, self_predicting
from tests.reference import microcircuit, softplus
from tests.running import WITH_SLOW_CYTHON, run_cases

CONDUCTANCES = dict(g_l=0.04, g_b=0.12, g_a=0.05, g_d=0.09, g_som=0.07)
N_STEPS = 20


def patterns(sizes, seed=5):
    rng = np.random.default_rng(seed)
    return dict(inputs=rng.random((4, sizes[0])), targets=rng.random((4, sizes[-1])),
                nudged=[True, False, True, True], learning=[True, True, False, True])


def compose(sizes, eta, *, prospective=True, bias=None, names=None, tau_0=0.1):
    def composed(name):
        shown = Presentations(**patterns(sizes), duration=N_STEPS*0.1*ms, tau_0=tau_0*ms,
                              name=f'{name}_shown')
        own = {role: f'{name}_{text}' for role, text in (names or {}).items()}
        circuit = Microcircuit(sizes, shown, prospective=prospective, bias=bias, name=name,
                               names=own, **{g: v/ms for g, v in CONDUCTANCES.items()},
                               **{key: np.array(value)/ms for key, value in eta.items()})
        circuit.weights.update(start(sizes, bias))
        monitor = StateMonitor(circuit.output, 'u', record=True, when='end', name=f'{name}_mon')
        return ([shown, circuit, monitor], shown.total_duration,
                lambda: {**{f'W_{kind}_{k}': w for (kind, k), w in circuit.weights.items()},
                         'u': np.array(monitor.u.T)})
    return composed


def start(sizes, bias=None):
    return random_weights(sizes, np.random.default_rng(6), bias=bias is not None)


def compose_by_hand(reverse):
    """The circuit of case 'plain' out of Brian2 objects alone, in one order or the other."""
    def composed(name):
        sizes, eta = PLAIN['sizes'], PLAIN['eta']
        shown = Presentations(**patterns(sizes), duration=N_STEPS*0.1*ms, name=f'{name}_x_shown')
        target = shown.target_group(f'{name}_a_target', order=2)
        g = {key: value/ms for key, value in CONDUCTANCES.items()}
        makers = {
            'hidden': (sizes[1], pyramidal(g_l=g['g_l'], g_b=g['g_b'], g_a=g['g_a'])),
            'inter': (sizes[2], interneuron(g_l=g['g_l'], g_d=g['g_d'], g_som=g['g_som'])),
            'output': (sizes[2], pyramidal(apical=(), nudging='linked', g_l=g['g_l'],
                                           g_b=g['g_b'], g_som=g['g_som']))}
        turn = reversed if reverse else iter
        groups = {role: NeuronGroup(n, eqs, method='prospective_euler', namespace={},
                                    name=f'{name}_{"zyx"[len(role) % 3]}_{role}')
                  for role, (n, eqs) in turn(list(makers.items()))}
        groups['inputs'] = shown.inputs
        groups['output'].u_nudge = linked_var(target, 'u_sent')
        groups['output'].nudged = linked_var(target, 'on')
        for role in makers:
            groups[role].r = softplus(0.0)
        rules = {
            ('up', 0): ('inputs', 'hidden', dendritic_prediction('v_up', eta=eta['eta_up'][0]/ms,
                                                                 w_max=4.0, gate='learning')),
            ('up', 1): ('hidden', 'output', dendritic_prediction('v_up', eta=eta['eta_up'][1]/ms,
                                                                 w_max=5.0, gate='learning')),
            ('ip', 0): ('hidden', 'inter', dendritic_prediction('v_ip', eta=eta['eta_ip']/ms,
                                                                gate='learning')),
            ('pi', 0): ('inter', 'hidden', apical_silencing('v_pi', eta=eta['eta_pi']/ms,
                                                            gate='learning')),
            ('down', 0): ('output', 'hidden', fixed_weights('v_down')),
            ('nudge', 0): ('output', 'inter', one_to_one('u_nudge'))}
        weights, synapses = start(sizes), {}
        for key, (source, to, eqs) in turn(list(rules.items())):
            S = Synapses(groups[source], groups[to], eqs, method='prospective_euler', order=1,
                         namespace={}, name=f'{name}_{key[0][::-1]}_{key[1]}')
            S.connect(j='i') if key[0] == 'nudge' else S.connect()
            if key in weights:
                S.w = weights[key].T.ravel()
            if 'learning' in S.equations:
                S.learning = linked_var(shown.schedule, 'learning')
            synapses[key] = S
        monitor = StateMonitor(groups['output'], 'u', record=True, when='end',
                               name=f'{name}_q_monitor')
        objects = [shown, target, *(groups[role] for role in makers), *synapses.values(), monitor]
        return (list(turn(objects)), shown.total_duration, lambda: {
            **{f'W_{kind}_{k}': np.array(synapses[kind, k].w[:]).reshape(w.T.shape).T
               for (kind, k), w in weights.items()}, 'u': np.array(monitor.u.T)})
    return composed


PLAIN = dict(sizes=(3, 5, 2), eta=dict(eta_up=(0.3, 0.2), eta_ip=0.1, eta_pi=0.15))
DEEP = dict(sizes=(3, 4, 5, 2), bias=0.7, tau_0=0.3,
            eta=dict(eta_up=(0.3, 0.25, 0.2), eta_ip=(0.1, 0.05), eta_pi=(0.15, 0)))
#: Names that sort in another order than the usual ones.
OTHERS = dict(hidden0='zz', inter0='aa', output='mm', target='bb', up0='z1', up1='a1', ip0='y',
              pi0='b', down0='zzz', nudge0='aaa')
CASES = {
    'plain': compose(**PLAIN), 'renamed': compose(**PLAIN, names=OTHERS),
    'hand': compose_by_hand(False), 'hand_reversed': compose_by_hand(True),
    'original': compose(**PLAIN, prospective=False),
    'original_renamed': compose(**PLAIN, prospective=False, names=OTHERS),
    'deep': compose(**DEEP), 'original_deep': compose(**DEEP, prospective=False),
}


#: The same circuit with other names, or made in another order.
SAME = {'renamed': 'plain', 'original_renamed': 'original', 'hand_reversed': 'hand'}


@pytest.fixture(scope='module', params=WITH_SLOW_CYTHON)
def found(request, tmp_path_factory):
    return run_cases(request.param, CASES, tmp_path_factory.mktemp('m'),
                     not_on_cython=set(CASES) - {'plain', 'renamed'})


def skip_on_cython(found, case):
    if case not in found:
        pytest.skip('recorded trajectories show it on Cython, where every case compiles long')


@pytest.mark.parametrize('case, settings, prospective', [
    ('plain', PLAIN, True), ('original', PLAIN, False), ('deep', DEEP, True),
    ('original_deep', DEEP, False)])
def test_against_numpy(found, case, settings, prospective):
    skip_on_cython(found, case)
    n_hidden = len(settings['sizes']) - 2
    eta = {key: np.broadcast_to(value, n_hidden + (key == 'eta_up'))
           for key, value in settings['eta'].items()}
    expected = microcircuit(start(settings['sizes'], settings.get('bias')),
                            **patterns(settings['sizes']), n_steps=N_STEPS, dt=0.1,
                            prospective=prospective, tau_0=settings.get('tau_0'),
                            bias=settings.get('bias'), **CONDUCTANCES, **eta)
    for key, value in found[case].items():
        reference = expected[f'pyr_soma_{n_hidden}'] if key == 'u' else expected[key][-1]
        np.testing.assert_allclose(value, reference, rtol=0, atol=2e-14, err_msg=key)


@pytest.mark.parametrize('case, same', SAME.items())
def test_no_number_depends_on_names_or_order_of_creation(found, case, same):
    skip_on_cython(found, case)
    for key, value in found[case].items():
        np.testing.assert_array_equal(value, found[same][key], err_msg=key)


def test_composed_by_hand_it_is_the_same(found):
    skip_on_cython(found, 'hand')
    for key, value in found['plain'].items():
        np.testing.assert_allclose(value, found['hand'][key], rtol=0, atol=1e-14, err_msg=key)


def test_single_precision():
    prefs.core.default_float_dtype = np.float32
    try:
        objects, duration, read = compose(**PLAIN)('single')
        Network(objects).run(duration)
        found = read()
    finally:
        prefs.core.default_float_dtype = np.float64
    expected = microcircuit(start(PLAIN['sizes']), **patterns(PLAIN['sizes']), n_steps=N_STEPS,
                            dt=0.1, prospective=True, **CONDUCTANCES,
                            **{k: np.broadcast_to(v, 1 + (k == 'eta_up'))
                               for k, v in PLAIN['eta'].items()})
    assert found['u'].dtype == np.float32
    for key, value in found.items():
        reference = expected['pyr_soma_1'] if key == 'u' else expected[key][-1]
        np.testing.assert_allclose(value, reference, rtol=0, atol=2e-6)


@settings(max_examples=5)
@given(st.lists(st.integers(1, 5), min_size=3, max_size=5), st.integers(0, 99), st.booleans())
def test_self_predicting_circuits_are_silent(sizes, seed, bias):
    """Without a target, interneurons match the layer above and apical dendrites see nothing."""
    circuit = Microcircuit(sizes, bias=0.5 if bias else None)
    circuit.weights.update(self_predicting(random_weights(sizes, np.random.default_rng(seed),
                                                          scale=0.5, bias=bias)))
    circuit.inputs.r = np.linspace(0, 1, sizes[0])
    Network(circuit).run(20*ms)
    for k, (hidden, inter) in enumerate(zip(circuit.hidden, circuit.inter)):
        np.testing.assert_allclose(hidden.v_api[:], 0, atol=2e-13)
        np.testing.assert_allclose(inter.u_prosp[:], circuit.pyramidal[k + 1].u_prosp[:],
                                   atol=2e-13)


def test_without_presentations_everything_is_set_by_hand():
    circuit = Microcircuit((2, 3, 1), eta_up=1/ms)
    circuit.weights.update(random_weights((2, 3, 1), np.random.default_rng(1)))
    before = circuit.weights['up', 1]
    circuit.inputs.r = [0.5, 1]
    circuit.output.nudged, circuit.output.u_nudge = 1, 2
    Network(circuit).run(2*ms)
    assert circuit.target is None
    assert (circuit.weights['up', 1] > before).all()


def test_weights_as_matrices():
    circuit = Microcircuit((2, 3, 1), bias=0.5)
    weights = random_weights((2, 3, 1), np.random.default_rng(1), bias=True)
    circuit.weights.update(weights)
    assert {key: w.shape for key, w in circuit.weights.items()} == {
        ('up', 0): (3, 3), ('up', 1): (1, 4), ('ip', 0): (1, 4), ('pi', 0): (3, 1),
        ('down', 0): (3, 1)}
    for key, w in weights.items():
        np.testing.assert_array_equal(circuit.weights[key], w)
    assert circuit.projections['up', 0].w[1, 2] == weights['up', 0][2, 1]
    assert circuit.projections['up_bias', 0].w[0, 2] == weights['up', 0][2, 2]
    for key, w in circuit.weights.matrices(circuit.weights.variables(weights)).items():
        np.testing.assert_array_equal(w, weights[key])
    assert set(dict(circuit.weights)) == set(weights)
    assert ('up', 0) in circuit.weights and ('up', 9) not in circuit.weights
    assert "('up', 0): (3, 3)" in repr(circuit.weights)


def test_both_limits_of_weights_are_reached():
    circuit = Microcircuit((1, 2, 1), eta_up=50/ms, w_max=(0.7, 0.4))
    circuit.inputs.r = 1
    circuit.weights['down', 0] = np.ones((2, 1))
    circuit.output.nudged, circuit.output.u_nudge = 1, 5
    Network(circuit).run(5*ms)
    np.testing.assert_array_equal(circuit.weights['up', 0], 0.7)
    np.testing.assert_array_equal(circuit.weights['up', 1], 0.4)


def test_an_activation_of_ones_own():
    root = Activation('root', 'sqrt(x**2 + 1)', 'x/sqrt(x**2 + 1)', 'a hyperbola')
    circuit = Microcircuit((1, 2, 1), activation=root)
    assert (circuit.hidden[0].r == 1).all()
    Network(circuit).run(1*ms)


def test_a_circuit_brings_its_presentations_along():
    shown_ = Presentations(np.eye(2), np.eye(2), duration=0.2*ms)
    circuit = Microcircuit((2, 3, 2), shown_, eta_up=1/ms)
    circuit.weights['up', 0], circuit.weights['down', 0] = np.ones((3, 2)), np.ones((3, 2))
    Network(circuit).run(0.3*ms)
    assert shown_.schedule.presentation == 1
    assert (circuit.weights['up', 0] != 1).any()


def test_draws_of_the_paper():
    """Layer by layer up, down, pi, ip, and the output's up, from NumPy's first generator."""
    weights = random_weights((9, 30, 3), np.random.RandomState(12354))
    with np.load(Path(__file__).parents[1]/'data'/'bars_order_seed12354.npz') as recorded:
        np.testing.assert_allclose(weights['up', 0], recorded['init_W_up_0'], atol=6e-8)
        np.testing.assert_allclose(weights['up', 1], recorded['init_W_up_1'], atol=6e-8)
        for key, w in self_predicting(weights).items():
            np.testing.assert_allclose(w, recorded['init_W_{}_{}'.format(*key)], atol=6e-8)


def test_self_predicting_weights_in_closed_form():
    weights = random_weights((2, 3, 4, 2), np.random.default_rng(1))
    found = self_predicting(weights, g_l=1, g_b=2, g_a=3, g_d=4)
    np.testing.assert_allclose(found['ip', 0], weights['up', 1]*2/(1 + 2 + 3)*(1 + 4)/4)
    np.testing.assert_allclose(found['ip', 1], weights['up', 2]*2/(1 + 2)*(1 + 4)/4)
    np.testing.assert_array_equal(found['pi', 1], -weights['down', 1])
    np.testing.assert_array_equal(found['up', 0], weights['up', 0])


def test_it_prints_itself():
    text = str(Microcircuit((2, 3, 1), eta_up=1/ms, name='mc'))
    for part in ('mc_hidden0', '3 neurons', 'mc_up0', 'mc_inputs -> mc_hidden0', '3 x 2, learn',
                 '3 x 1, fixed', 'dw/dt = eta*err_post*r_sent_pre', 'v_up_post = w*r_pre',
                 'du/dt = (v_ss - u)/tau_m', 'g_l = 0.03/ms'):
        assert part in text, part


def test_order_of_a_step():
    shown = Presentations(np.eye(2), np.eye(2), duration=1*ms)
    for prospective, place in ((True, 2), (False, -2)):
        circuit = Microcircuit((2, 3, 2), shown, prospective=prospective, eta_up=1/ms,
                               name=f'mc{prospective}')
        order = {name.removeprefix(f'mc{prospective}_'): order
                 for _, order, name in circuit.step_order()}
        assert order['target_stateupdater'] == place
        assert order['hidden0_stateupdater'] == order['inter0_stateupdater'] == 0
        assert order['up0_stateupdater'] == 1
        assert {value for key, value in order.items() if 'summed' in key} == {-1}


def shown(n_in=2, n_out=1):
    return Presentations(np.zeros((3, n_in)), np.zeros((3, n_out)), duration=1*ms)


BAD = {
    'no hidden layer': (lambda: Microcircuit((2, 1)), ValueError, r'sizes .* are \(2, 1\)'),
    'no neurons': (lambda: Microcircuit((2, 0, 1)), ValueError, 'whole positive'),
    'half a neuron': (lambda: Microcircuit((2, 1.5, 1)), ValueError, 'whole positive'),
    'width of inputs': (lambda: Microcircuit((3, 2, 1), shown()), ValueError,
                        "has 3 inputs, but the patterns of 'presentations' are 2 wide"),
    'width of targets': (lambda: Microcircuit((2, 2, 3), shown()), ValueError, '3 outputs'),
    'negative conductance': (lambda: Microcircuit((2, 2, 1), g_a=-1/ms), ValueError,
                             "g_a of 'microcircuit' is -1"),
    'conductance that is a time': (lambda: Microcircuit((2, 2, 1), g_b=1*ms),
                                   DimensionMismatchError, "'g_b' of 'microcircuit'"),
    'tau_m below dt': (lambda: Microcircuit((2, 2, 1), g_l=20/ms), ValueError,
                       'membrane time constant of 49.*; it has to be .* at least the time step'),
    'no conductance': (lambda: Microcircuit((2, 2, 1), g_l=0/ms, g_b=0/ms, g_a=0/ms), ValueError,
                       'infinite'),
    'learning rates of other layers': (
        lambda: Microcircuit((2, 2, 1), eta_up=(1/ms, 1/ms, 1/ms)), ValueError,
        'eta_up .* has 3 values; give one, or 2'),
    'negative learning rate': (lambda: Microcircuit((2, 2, 1), eta_pi=-1/ms), ValueError,
                               'eta_pi'),
    'learning rate in volt': (lambda: Microcircuit((2, 2, 1), eta_ip=1*mV),
                              DimensionMismatchError, 'eta_ip'),
    'activation': (lambda: Microcircuit((2, 2, 1), activation='than'), ValueError,
                   "did you mean 'tanh'"),
    'name of nothing': (lambda: Microcircuit((2, 2, 1), names={'hiden0': 'a'}), ValueError,
                        "did you mean 'hidden0'"),
    'name of the inputs of presentations': (
        lambda: Microcircuit((2, 2, 1), shown(), names={'inputs': 'retina'}), ValueError,
        "population or projection of 'microcircuit': 'inputs'"),
    'a name for two': (lambda: Microcircuit((2, 2, 1), names={'hidden0': 'a', 'inter0': 'a'}),
                       ValueError, "name 'a' for both hidden0 and inter0"),
    'limits': (lambda: Microcircuit((2, 2, 1), eta_up=1/ms, w_max=(4, -1)), ValueError,
               'w_max'),
    'bias': (lambda: Microcircuit((2, 2, 1), bias=np.nan), ValueError, 'bias'),
    'prospective as text': (lambda: Microcircuit((2, 2, 1), prospective='false'), ValueError,
                            "prospective .* is 'false'; give True or False"),
    'no dendrite to predict with': (
        lambda: self_predicting(start((2, 3, 2)), g_d=0/ms), ValueError, 'g_d is 0'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize('key, values, message', [
    (('up', 0), np.zeros((2, 3)), r'\(2, 3\), but \(3, 2\)'),
    (('up', 0), np.full((3, 2), np.inf), 'contains inf'),
    (('upp', 0), np.zeros((3, 2)), r"did you mean '\('up', 0\)'"),
    (('up', 7), np.zeros((3, 2)), r"'\('up', 7\)'"),
    ('up', np.zeros((3, 2)), r"'\('up',\)'"),
])
def test_bad_weights(key, values, message):
    circuit = Microcircuit((2, 3, 1))
    with pytest.raises(ValueError, match=message):
        circuit.weights[key] = values
