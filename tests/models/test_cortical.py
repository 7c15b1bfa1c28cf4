"""Two chains beside each other do what neurons with an error partner do."""

import numpy as np
import pytest
from brian2 import DimensionMismatchError, Network, ms
from hypothesis import given
from hypothesis import strategies as st

from brian_le.models import (AveragePool, Batches, Conv, CorticalChain, Dense, Flatten, GLENetwork,
                             MaxPool, initial_weights)
from tests.models.gle_cases import compare, compare_end, plain
from tests.running import WITH_SLOW_CYTHON, run_cases

STEPS = 30
NUDGED, LEARNING = (1.0*(np.arange(STEPS) % n != n - 1) for n in (7, 5))
SCHEDULE = dict(nudged=NUDGED, learning=LEARNING, steps=STEPS)
PLANE = dict(input_shape=(5, 4, 2), gamma=[0.5, 1.0], eta=[0.3, 0.2], layers=[
    Conv(3, 2, tau_r=3*ms, tau_m=2*ms), Flatten(), Dense(2, tau_m=2*ms, tau_r=4*ms)])
SETTINGS = {
    'plain': plain(**SCHEDULE),
    'one': plain(replicas=1, activation='logistic', output_activation='tanh', **SCHEDULE),
    'plane': plain(**PLANE, activation='softplus', **SCHEDULE),
}


def composed(case, kind, prefix=''):
    return lambda name: SETTINGS[case].compose_to_the_end(f'{prefix}{name}', kind=kind)


CASES = {
    **{f'{case}_{kind.__name__}': composed(case, kind) for case in SETTINGS
       for kind in (CorticalChain, GLENetwork)},
    'renamed': composed('plain', CorticalChain, 'zz'),
}


@pytest.fixture(scope='module', params=WITH_SLOW_CYTHON)
def found(request, tmp_path_factory):
    return run_cases(request.param, CASES, tmp_path_factory.mktemp('c'),
                     not_on_cython=set(CASES) - {'one_CorticalChain'})


def skip_on_cython(found, *cases):
    if not found.keys() >= set(cases):
        pytest.skip('Cython compiles every case for a long time')


@pytest.mark.parametrize('case', SETTINGS)
def test_every_step(case):
    objects, duration, read = SETTINGS[case].compose('n', kind=CorticalChain)
    Network(objects).run(duration, namespace={})
    compare(read(), SETTINGS[case].reference())


@pytest.mark.parametrize('case', SETTINGS)
def test_against_numpy(found, case):
    skip_on_cython(found, f'{case}_CorticalChain')
    compare_end(found[f'{case}_CorticalChain'], SETTINGS[case].reference())


@pytest.mark.parametrize('case', SETTINGS)
def test_against_neurons_with_an_error_partner(found, case):
    skip_on_cython(found, f'{case}_CorticalChain', f'{case}_GLENetwork')
    chain, network = found[f'{case}_CorticalChain'], found[f'{case}_GLENetwork']
    shared = chain.keys() & network.keys()
    assert {name for name, k in shared} == {'u', 'u_prosp', 'r', 'slope', 'forward', 'bias'}
    for key in shared:
        np.testing.assert_allclose(chain[key], network[key], rtol=0, atol=1e-12, err_msg=str(key))
    for k in range(SETTINGS[case].n_layers):
        assert np.abs(chain['v_api', k]).max() > 1e-4


@pytest.mark.parametrize('case', SETTINGS)
def test_feedback_weights_mirror_the_forward_ones(found, case):
    skip_on_cython(found, f'{case}_CorticalChain')
    chain, start = found[f'{case}_CorticalChain'], SETTINGS[case].weights
    mirrored = [k for name, k in chain if name == 'feedback']
    assert mirrored == list(range(1, SETTINGS[case].n_layers))
    for k in mirrored:
        assert np.abs(chain['feedback', k] - start['forward', k]).max() > 1e-4
        np.testing.assert_allclose(chain['feedback', k], chain['forward', k], rtol=0, atol=1e-15)


def test_no_number_depends_on_names(found):
    skip_on_cython(found, 'renamed')
    for key, value in found['plain_CorticalChain'].items():
        np.testing.assert_array_equal(value, found['renamed'][key], err_msg=str(key))


def test_no_number_depends_on_the_order_of_names():
    """All objects under names in the opposite order: Brian2 sorts equals by name."""
    results = []
    for turn in (False, True):
        objects, duration, read = SETTINGS['plain'].compose('n', kind=CorticalChain)
        network = Network(objects)
        if turn:
            everything = sorted(network.sorted_objects, key=lambda obj: obj.name)
            names = [f'x{n:04d}' for n in range(len(everything))]
            for obj, name in zip(everything, reversed(names)):
                obj._name = name
        network.run(duration, namespace={})
        results.append(read())
    for key, values in results[0].items():
        np.testing.assert_array_equal(values, results[1][key], err_msg=str(key))


def test_places_in_a_step():
    chain = CorticalChain(3, [Dense(4), Dense(2)], eta=1/ms, name='n')
    place = {}
    for n, (_, order, name) in enumerate(chain.step_order()):
        place.setdefault(order, set()).add(name.removeprefix('n_').split('_')[0].rstrip('01'))
    assert list(place) == [-1, -0.5, -0.25, 0, 0.5, 1]
    assert place == {-1: {'forward', 'bias', 'lateral'}, -0.5: {'error'}, -0.25: {'apical'},
                     0: {'layer'}, 0.5: {'feedback'}, 1: {'forward', 'bias', 'feedback'}}


def small(layers=(Dense(3), Dense(2)), **options):
    return CorticalChain(4, layers, **options)


def test_random_feedback_stays_and_counts():
    case = plain(gamma=0.0, eta=[0.5, 0.3, 0.4])
    errors = []
    for sign in (1, -1):
        net = case.network('n', kind=CorticalChain, feedback='random')
        for k in (1, 2):
            net.weights['feedback', k] = sign*0.3
        assert 'dw/dt' not in str(net.projections['feedback', 1].equations)
        Network(net).run(3*ms)
        assert (net.weights['feedback', 2] == sign*0.3).all()
        assert np.abs(net.weights['forward', 2] - case.weights['forward', 2]).max() > 1e-4
        errors.append(net.errors[1].err[:])
    assert np.abs(errors[0]).max() > 1e-4 and (errors[0]*errors[1] <= 0).all()


@pytest.mark.parametrize('off', ['learning', 'nudged'])
def test_what_is_switched_off(off):
    case = plain(**{off: np.zeros(30)})
    net = case.network('n', kind=CorticalChain)
    Network(net).run(3*ms)
    for key, start in case.weights.items():
        np.testing.assert_array_equal(net.weights[key], start)
    assert (np.abs(net.neurons[0].v_api[:]).max() > 1e-4) == (off == 'learning')


def test_with_batches():
    """The numbers of `GLENetwork`, which shows the same batches."""
    rng = np.random.default_rng(3)
    samples, targets, weights = rng.random((6, 4)), rng.random((6, 2)), None
    found = []
    for kind, name in ((CorticalChain, 'a'), (GLENetwork, 'b')):
        shown = Batches(samples, targets, duration=0.5*ms, replicas=2, name=f'{name}_shown')
        net = kind(4, [Dense(3), Dense(2)], batches=shown, eta=0.3/ms, tau_m=2*ms, beta=1,
                   name=name)
        weights = weights or initial_weights(4, net.layers, rng)
        net.weights.update(weights)
        if kind is CorticalChain:
            net.mirror_weights()
        Network(shown, net).run(shown.total_duration)
        found.append(dict(net.weights))
    for key, values in found[1].items():
        assert np.abs(values - weights[key]).max() > 1e-4
        np.testing.assert_allclose(found[0][key], values, rtol=0, atol=1e-13)


def test_parts_and_printing():
    net = small(eta=1/ms, replicas=2, name='n')
    assert net.populations == [net.inputs, *net.neurons, *net.errors]
    assert set(net) == {net.schedule, *net.populations, *net.projections.values()}
    assert set(net.weights) == {('forward', 0), ('bias', 0), ('forward', 1), ('bias', 1),
                                ('feedback', 1)}
    text = str(net)
    assert repr(net) == "<CorticalChain 'n': 4-3-2, 2 replicas>"
    for part in ('n_error0', 'n_layer0 -> n_error0', 'n_error0 -> n_layer0', 'no weights',
                 'v_api_post = err_pre', 'slope_post = slope_pre', 'feedback = mirror',
                 'dw/dt = learning*eta*v_api_post*r_sent_pre',
                 'dw/dt = learning*eta*err_post*r_sent_pre', 'One step',
                 'v_err_post = beta_post*nudged_post*(target_post - r_pre)'):
        assert part in text, part


def test_time_constants_are_swapped():
    net = small([Dense(2, tau_m=[3, 4]*ms, tau_r=2*ms)], replicas=2)
    for group in (net.neurons[0], net.errors[0]):
        np.testing.assert_allclose(group.tau_m[:]/ms, [3, 4, 3, 4])
        np.testing.assert_allclose(group.tau_r[:]/ms, 2)
    assert str(net.errors[0].equations['tau_v'].expr) == 'tau_r'
    assert str(net.errors[0].equations['tau_prosp_v'].expr) == 'tau_m'


BAD = {
    'pooling': (lambda: CorticalChain((4, 4, 1), [MaxPool(2), Flatten(), Dense(2)]), ValueError,
                r"layer 0 of 'network' is MaxPool\(2\); error neurons have no pooling"),
    'average': (lambda: CorticalChain((4, 4, 1), [Conv(2, 1), AveragePool(2), Flatten(), Dense(2)]),
                ValueError, 'layer 1'),
    'feedback': (lambda: small(feedback='transposed'), ValueError, 'Valid: mirror, random'),
    'feedback misspelt': (lambda: small(feedback='miror'), ValueError, "did you mean 'mirror'"),
    'activation': (lambda: small(activation='than'), ValueError, "did you mean 'tanh'"),
    'tau_r of 0': (lambda: small(tau_r=0*ms), ValueError, 'tau_r of layer 0 .* at least the time '
                                                          'step 100. us'),
    'tau_r of one layer': (lambda: small([Dense(3), Dense(2, tau_r=[0, 1]*ms)]), ValueError,
                           'tau_r of layer 1'),
    'tau_m below dt': (lambda: small(tau_m=0.05*ms), ValueError, 'at least the time step'),
    'tau_m without unit': (lambda: small(tau_m=5), DimensionMismatchError, "'tau_m'"),
    'negative eta': (lambda: small(eta=-1/ms), ValueError, 'eta .* -1'),
    'eta of other layers': (lambda: small(eta=[1/ms]*3), ValueError,
                            'has 3 values; give one, or 2'),
    'beta': (lambda: small(beta=-1), ValueError, "beta of 'network' is -1"),
    'gamma': (lambda: small(gamma=np.nan), ValueError, 'gamma'),
    'gamma of other layers': (lambda: small(gamma=[1, 2, 3]), ValueError, 'give one, or 2'),
    'unknown option': (lambda: small(loss='mse'), TypeError, 'loss'),
    'no layers': (lambda: small([]), ValueError, 'the last layer has to be'),
    'not a layer': (lambda: small([3]), TypeError, '3'),
    'NaN weights': (lambda: small().weights.update({('forward', 0): np.nan}), ValueError,
                    'forward'),
    'weights of the inputs': (lambda: small().weights['feedback', 0], ValueError, "'feedback', 1"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(1, 4), st.integers(1, 3),
       st.booleans(), st.sampled_from([0.0, 1.0, -0.4]), st.integers(0, 99))
def test_any_chain(sizes, inputs, replicas, bias, gamma, seed):
    rng = np.random.default_rng(seed)
    layers = [Dense(n, tau_m=rng.uniform(1, 4, n)*ms, tau_r=rng.uniform(1, 4, n)*ms)
              for n in sizes]
    case = plain(layers=layers, input_shape=inputs, replicas=replicas, gamma=gamma, eta=0.2,
                 bias=bias, steps=15)
    if not bias:
        case.weights = {key: w for key, w in case.weights.items() if key[0] != 'bias'}
    objects, duration, read = case.compose('n', kind=CorticalChain)
    Network(objects).run(duration, namespace={})
    compare(read(), case.reference())
