import numpy as np
import pytest
from brian2 import DimensionMismatchError, Network, NeuronGroup, metre, ms, mV, second, siemens

from brian_le import dendritic_prediction, point_neuron, pyramidal
from brian_le.substrate import Drift, Mismatch, Substrate, WeightRange

N = 20_000
CELL = 'tau_m : second (shared, constant)\ntau_r = 2*tau_m : second (shared)\ndv/dt = -v/tau_m : 1'


def factors(wrong, n=N, tau_m=10*ms):
    """Those of the stored parameter and of the expression, which is one of the former."""
    substrate = Substrate([wrong], seed=5)
    group = substrate.neurons(n, CELL, name='cells', method='euler')
    group.tau_m = tau_m
    substrate.settle()
    return np.asarray(group.tau_m/tau_m), np.asarray(group.tau_r/(2*tau_m))


@pytest.mark.parametrize('distribution', ['normal', 'lognormal', 'uniform'])
def test_distributions(distribution):
    strength = 0.2
    for factor in factors(Mismatch(('tau_m', 'tau_r'), strength, distribution=distribution)):
        if distribution == 'lognormal':
            factor = 1 + np.log(factor)
        assert abs(factor.mean() - 1) < 4*strength/np.sqrt(N)
        assert abs(factor.std()/strength - 1) < 4/np.sqrt(2*N)
        within = np.mean(abs(factor - 1) < strength)
        expected = 1/np.sqrt(3) if distribution == 'uniform' else 0.6826895
        assert abs(within - expected) < 4*np.sqrt(0.25/N)
        if distribution == 'uniform':
            assert abs(abs(factor - 1).max()/(np.sqrt(3)*strength) - 1) < 1e-3


@pytest.mark.parametrize('correlation', [0, 0.5, 1])
def test_correlation(correlation):
    a, b = factors(Mismatch(('tau_m', 'tau_r'), 0.1, correlation=correlation))
    assert abs(np.corrcoef(a, b)[0, 1] - correlation) < 4/np.sqrt(N)
    if correlation == 1:
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_clipping():
    """Normal numbers below -0.4 and above 1."""
    factor, _ = factors(Mismatch('tau_m', 0.5, clip=(8*ms, 15*ms)))
    for bound, share in ((factor.min(), 0.3445783), (factor.max(), 0.1586553)):
        assert abs(np.mean(factor == bound) - share) < 4*np.sqrt(0.25/N)
    assert abs(factor.min() - 0.8) < 1e-15 and abs(factor.max() - 1.5) < 1e-15


def test_clipping_of_an_expression():
    substrate = Substrate([Mismatch('tau_r', 0.5, clip=(8*ms, 15*ms))])
    group = substrate.neurons(1000, CELL, name='cells', method='euler')
    group.tau_m = 5*ms
    substrate.settle()
    assert group.tau_r[:].min() == 8*ms and group.tau_r[:].max() == 15*ms


@pytest.mark.parametrize('correlation', [0, 1])
@pytest.mark.parametrize('neuron', [point_neuron(), pyramidal(),
                                    point_neuron(tau_m='constant') + 'half = tau_r/2 : second'])
def test_parameters_that_are_expressions_of_others(neuron, correlation):
    """The look-ahead of these neurons is an expression of the membrane's time constant."""
    n, names = 4000, [name for name in ('tau_m', 'tau_r', 'half') if name in neuron]
    substrate = Substrate([Mismatch(names, 0.2, correlation=correlation)], seed=1)
    group = substrate.neurons(n, neuron, name='cells', method='prospective_euler')
    if 'half' in names:
        group.tau_m = 10*ms
    nominal = np.asarray(NeuronGroup(1, pyramidal(), method='prospective_euler').tau_m) \
        if 'g_l' in neuron else 0.01
    substrate.settle()
    drawn = np.array([np.asarray(getattr(group, name)[:])/nominal for name in names])
    drawn[2:] *= 2
    for factor in drawn:
        assert abs(factor.std()/0.2 - 1) < 4/np.sqrt(2*n)
    if correlation:
        np.testing.assert_allclose(drawn, drawn[:1].repeat(len(names), axis=0), rtol=1e-13)
    else:
        assert abs(np.corrcoef(drawn) - np.eye(len(names))).max() < 4/np.sqrt(n)


def test_expressions_of_expressions():
    substrate = Substrate([Mismatch(('a', 'b', 'y'), 0.2, correlation=1)], seed=1)
    group = substrate.neurons(5, '''a : 1 (constant)
                                    between = 2*a : 1
                                    b = 3*between : 1
                                    y : 1
                                    y_now = between/b : 1
                                    du/dt = -u/second : 1''', name='cells',
                              method='prospective_euler')
    group.a = 1
    substrate.settle()
    factor = group.a[:]
    assert len(set(factor)) == 5
    np.testing.assert_allclose(group.b[:], 6*factor, rtol=1e-13)
    np.testing.assert_allclose(group.between[:], 2*factor, rtol=1e-13)
    np.testing.assert_allclose(group.y_now[:], factor/3, rtol=1e-13)
    values = substrate.values([Mismatch(('a', 'b', 'y'), 0, correlation=1)])
    assert (values['cells.a'] == 1).all() and (values['cells.nominal_a'] == 1).all()


def test_synaptic_parameters_that_are_expressions_of_others():
    """Also where an imperfection before has changed what is read."""
    for before in ([], [WeightRange(0.5, variable='a')]):
        substrate = Substrate([*before, Mismatch(('a', 'b'), 0.2)], seed=1)
        source, target = NeuronGroup(1, 'r : 1'), NeuronGroup(4, 'v : 1')
        links = substrate.project(source, target, 'v_post = b*r_pre : 1 (summed)\na : 1\n'
                                  'b = 3*a : 1', name='links')
        links.a, source.r = 2, 1
        substrate.settle()
        Network(source, target, links).run(0.1*ms)
        a = 0.5 if before else 2
        np.testing.assert_allclose(target.v[:], 3*a*links.mismatch_b[:], rtol=1e-13)


@pytest.mark.parametrize('order', [1, -1])
def test_a_drift_that_an_expression_would_not_follow(order):
    wrong = [Mismatch(('tau_m', 'tau_r'), 0.2), Drift('tau_m', 1/second)][::order]
    with pytest.raises(ValueError, match="'tau_m' drifts, and has a mismatch together with"):
        Substrate(wrong).neurons(2, point_neuron(tau_m='constant'), name='cells',
                                 method='prospective_euler')


def test_one_parameter_takes_along_what_is_an_expression_of_it():
    substrate = Substrate([Mismatch('tau_m', 0.2)])
    group = substrate.neurons(5, point_neuron(), name='cells', method='prospective_euler')
    substrate.settle()
    assert len(set(group.tau_m/ms)) == 5 and (group.tau_r == group.tau_m).all()


def test_published_variables_have_it_where_they_are_computed():
    substrate = Substrate([Mismatch('r', 0.2)])
    group = substrate.neurons(5, point_neuron('linear'), name='cells', method='prospective_euler')
    group.v_in = 2
    substrate.settle()
    Network(group).run(0.1*ms)
    np.testing.assert_allclose(group.r[:], 2*group.mismatch_r[:], rtol=1e-13)
    assert len(set(group.r)) == 5


def test_units_that_are_products():
    substrate = Substrate([Mismatch('g', 0.5, clip=(0.9*siemens/metre**2, 1*siemens/metre**2))])
    group = substrate.neurons(9, 'g = 1*siemens/metre**2 : siemens/metre**2', name='cells')
    substrate.settle()
    assert 0.9 <= np.asarray(group.g[:]).min() < np.asarray(group.g[:]).max() <= 1


def test_a_stronger_one_scales_the_same_draws():
    (weak, _), (strong, _) = (factors(Mismatch('tau_m', s), n=50) for s in (0.1, 0.2))
    np.testing.assert_allclose(strong - 1, 2*(weak - 1), rtol=1e-9)


def test_conductances_of_single_neurons():
    """Membranes, and the steady state that they reach, have mismatched conductances."""
    substrate = Substrate([Mismatch(('g_l', 'g_b'), 0.2)])
    group = substrate.neurons(5, pyramidal(g_l='shared, constant', apical=()), name='cells',
                              method='prospective_euler')
    group.g_l, group.v_up = 0.03/ms, 2
    substrate.settle()
    Network(group).run(0.1*ms)
    g_l, g_b = np.asarray(group.g_l[:])/1000, 0.1*group.mismatch_g_b[:]
    assert len(set(g_l)) == 5 and len(set(g_b)) == 5
    np.testing.assert_allclose(group.u_prosp[:], 2*g_b/(g_l + g_b), rtol=1e-12)


def test_synapses_conduct_with_a_factor_that_learning_does_not_know():
    substrate = Substrate([Mismatch('w', 0.3), Mismatch('eta', 0.3)])
    low, high = (substrate.neurons(n, pyramidal(), name=name, method='prospective_euler')
                 for n, name in ((4, 'low'), (2, 'high')))
    up = substrate.project(low, high, dendritic_prediction('v_up', eta='constant'), name='up')
    first = up.matrix('w')[:] = np.random.default_rng(1).normal(size=(2, 4))
    low.v_up, high.r, low.r, up.eta = [1, 2, 3, 4], 0.5, [1, 0.5, 0.2, 2], 0.2/ms
    substrate.settle()
    r = low.r[:].copy()
    Network(low, high, up).run(0.1*ms)
    w, eta = up.matrix('mismatch_w')[:], up.matrix('mismatch_eta')[:]
    assert len(np.unique([w, eta])) == 16
    np.testing.assert_allclose(high.v_up[:], (w*first) @ r, rtol=1e-13)
    np.testing.assert_allclose(up.matrix('w')[:], first + 0.02*eta*np.outer(high.err[:], r),
                               rtol=1e-13)


@pytest.mark.parametrize('s', [0.1, 0.4])
@pytest.mark.parametrize('distribution', ['normal', 'lognormal', 'uniform'])
def test_mean_and_standard_deviation_in_closed_form(distribution, s):
    """As documented: 1 and s, or for lognormal ones those of exp(s*z)."""
    n = 40_000
    found, _ = factors(Mismatch('tau_m', s, distribution=distribution), n=n)
    mean, std = 1, s
    if distribution == 'lognormal':
        mean, std = np.exp(s**2/2), np.exp(s**2/2)*np.sqrt(np.exp(s**2) - 1)
        assert abs((found > 1).mean() - 0.5) < 4*0.5/np.sqrt(n)
    assert abs(found.mean() - mean) < 4*std/np.sqrt(n)
    assert abs(found.std()/std - 1) < 8/np.sqrt(2*n)
    if distribution == 'uniform':
        assert 1 - np.sqrt(3)*s < found.min() and found.max() < 1 + np.sqrt(3)*s


@pytest.mark.parametrize('flags', ['constant', 'shared, constant', None])
def test_one_factor_for_a_group(flags):
    """For each unit by default; with `shared` one for all of them, whatever the flag."""
    for shared in (False, True):
        substrate = Substrate([Mismatch('tau_m', 0.2, shared=shared)], seed=3)
        group = substrate.neurons(4, point_neuron(**({'tau_m': flags} if flags else {})),
                                  name='cells', method='prospective_euler')
        if flags:
            group.tau_m = 10*ms
        substrate.settle()
        found = np.broadcast_to(np.asarray(group.tau_m[:])*100, 4)
        assert len(set(found)) == (1 if shared else 4) and np.all(found != 1)
        if shared and flags:
            assert ('shared' in group.equations['tau_m'].flags) == ('shared' in flags)
    substrate = Substrate([Mismatch('w', 0.2, shared=True)], seed=3)
    cells = NeuronGroup(2, 'r : 1\nv : 1')
    link = substrate.project(cells, cells, 'v_post = w*r_pre : 1 (summed)\nw : 1', name='link')
    link.w = cells.r = 1
    substrate.settle()
    Network(cells, link).run(0.1*ms)
    assert len(set(cells.v)) == 1 and abs(cells.v[0]/2 - 1) > 1e-3


def test_what_has_been_set_before_is_what_is_varied_once():
    substrate = Substrate([Mismatch('tau_m', 0.2)])
    group = substrate.neurons(3, point_neuron(tau_m='constant'), name='cells',
                              method='prospective_euler')
    group.tau_m = [5, 10, 20]*ms
    substrate.settle()
    drawn = group.tau_m[:]/([5, 10, 20]*ms)
    np.testing.assert_allclose(substrate.values([Mismatch('tau_m', 0)])['cells.tau_m'],
                               [0.005, 0.01, 0.02], rtol=1e-15)
    substrate.settle()
    np.testing.assert_allclose(group.tau_m[:]/([5, 10, 20]*ms), drawn, rtol=1e-15)


def limited():
    substrate = Substrate([Mismatch('w_max', 0.2)])
    group = substrate.neurons(3, pyramidal(), name='cells', method='prospective_euler')
    substrate.project(group, group, dendritic_prediction('v_up', w_max=1), name='up')
    substrate.settle()


BAD = {
    'negative': (lambda: Mismatch('tau_m', -0.1), ValueError, "strength of 'Mismatch' is -0.1"),
    'NaN': (lambda: Mismatch('tau_m', np.nan), ValueError, "strength of 'Mismatch'"),
    'several strengths': (lambda: Mismatch('tau_m', [0.1, 0.2]), ValueError, 'shape'),
    'distribution': (lambda: Mismatch('tau_m', 0.1, distribution='nomal'), ValueError,
                     "did you mean 'normal'"),
    'correlation': (lambda: Mismatch('tau_m', 0.1, correlation=1.1), ValueError,
                    'correlation is 1.1; give a number from 0 to 1'),
    'clip': (lambda: Mismatch('tau_m', 0.1, clip=(2*ms, 1*ms)), ValueError, 'clip is'),
    'clip of one': (lambda: Mismatch('tau_m', 0.1, clip=(2*ms,)), ValueError, 'clip is'),
    'units of the clip': (lambda: factors(Mismatch('tau_m', 0.1, clip=(1*mV, 2*mV)), 2),
                          DimensionMismatchError, "clip of the mismatch of 'tau_m' of 'cells'"),
    'limits of weights': (limited, ValueError, 'concerns none'),
    'unknown parameter': (lambda: factors(Mismatch('tau', 0.1), 2), ValueError, 'concerns none'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
