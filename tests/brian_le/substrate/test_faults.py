import numpy as np
import pytest
from brian2 import DimensionMismatchError, Network, NeuronGroup, StateMonitor, mV, ms
from hypothesis import given
from hypothesis import strategies as st

from brian_le import dendritic_prediction, point_neuron, pyramidal
from brian_le.models import Conv, Dense, Flatten, LayeredNetwork, initial_weights
from brian_le.substrate import Dead, Stuck, Substrate


def network(weights, layers, *wrong, x, target, seed=1):
    net = LayeredNetwork(x.shape[1:], layers, replicas=len(x), eta=0.5/ms, beta=0.5,
                         name='net', substrate=Substrate(wrong, seed=seed))
    net.weights.update(weights)
    net.inputs.r, net.output.target = x.ravel(), target.ravel()
    return net


def dense(*wrong, hidden=4, weights=None, **options):
    rng = np.random.default_rng(3)
    layers = [Dense(hidden), Dense(2)]
    drawn = initial_weights(3, layers, rng)
    x, target = np.random.default_rng(4).random((2, 3)), np.random.default_rng(5).random((2, 2))
    return network(weights or drawn, layers, *wrong, x=x, target=target, **options)


def of(net):
    return {key: net.weights[key].copy() for key in net.weights}


def test_a_network_with_dead_neurons_is_one_without_them():
    net = dense(Dead(0.5, on='*layer0'))
    alive = net.neurons[0].by_replica('alive')[0] == 1
    assert alive.sum() == 2
    first = of(net)
    small = {('forward', 0): first['forward', 0][alive], ('bias', 0): first['bias', 0][alive],
             ('forward', 1): first['forward', 1][:, alive], ('bias', 1): first['bias', 1]}
    other = dense(hidden=2, weights=small)
    for each in (net, other):
        Network(each).run(3*ms)
    for name in ('r', 'err', 'slope', 'u'):
        found = net.neurons[0].by_replica(name)[:]
        np.testing.assert_allclose(found[:, alive], other.neurons[0].by_replica(name)[:],
                                   rtol=1e-12, err_msg=name)
        if name != 'u':
            assert (found[:, ~alive] == 0).all()
    last = of(net)
    np.testing.assert_allclose(last['forward', 0][alive], other.weights['forward', 0][:],
                               rtol=1e-12)
    np.testing.assert_allclose(last['forward', 1][:, alive], other.weights['forward', 1][:],
                               rtol=1e-12)
    np.testing.assert_array_equal(last['forward', 0][~alive], first['forward', 0][~alive])
    assert (last['forward', 0][alive] != first['forward', 0][alive]).all()


def test_neurons_die_and_recover_between_runs():
    net = dense(Dead(0.25, on='*layer0'))
    simulation, group = Network(net), net.neurons[0]
    for alive in (1, [1, 0, 0, 1]*2, 1):
        group.alive = alive
        simulation.run(1*ms)
        np.testing.assert_array_equal(group.r[:] != 0, np.broadcast_to(alive, 8))


def planes(*wrong):
    rng = np.random.default_rng(3)
    layers = [Conv(3, kernel=(2, 2)), Flatten(), Dense(2)]
    return network(initial_weights((3, 3, 1), layers, rng), layers, *wrong,
                   x=rng.random((2, 3, 3, 1)), target=rng.random((2, 2)))


@pytest.mark.parametrize('make', [dense, planes])
def test_dead_synapses_carry_nothing_and_do_not_learn(make):
    net = make(Dead(0.4, variables='w'))
    first, simulation = of(net), Network(net)
    simulation.run(1*ms)
    before, rates = of(net), net.output.by_replica('r_sent')[:]
    hidden = net.neurons[0].by_replica('r')[:]
    simulation.run(0.1*ms)
    for k in (0, 1):
        conducts = net.projections['forward', k].matrix('conducts')[:]
        n = conducts.size
        assert set(np.unique(conducts)) == {0, 1} and (conducts == 0).sum() == round(0.4*n)
        np.testing.assert_array_equal(before['forward', k] != first['forward', k], conducts == 1)
    assert rates.shape == (2, 2)
    np.testing.assert_allclose(net.output.by_replica('v_in')[:],
                               hidden @ (before['forward', 1]*conducts).T, rtol=1e-12)


@pytest.mark.parametrize('at', [None, (0.5, 1.0)])
def test_stuck_synapses_conduct_and_do_not_learn(at):
    net = dense(Stuck(0.4, at, variable='w'))
    first, simulation = of(net), Network(net)
    simulation.run(1*ms)
    before, hidden = of(net), net.neurons[0].by_replica('r')[:]
    simulation.run(0.1*ms)
    projection = net.projections['forward', 1]
    works = projection.matrix('works_w')[:]
    assert (works == 0).sum() == 3
    np.testing.assert_array_equal(before['forward', 1] != first['forward', 1], works == 1)
    carried = before['forward', 1]
    if at is not None:
        stuck = projection.matrix('stuck_w')[:]
        assert ((0.5 <= stuck[works == 0]) & (stuck[works == 0] <= 1)).all()
        carried = np.where(works == 1, carried, stuck)
    np.testing.assert_allclose(net.output.by_replica('v_in')[:], hidden @ carried.T, rtol=1e-12)


def test_dead_synapses_of_a_dendrite():
    """The change of weights, by hand."""
    substrate = Substrate([Dead(0.5, variables='w')], seed=2)
    low, high = (substrate.neurons(n, pyramidal(), name=name, method='prospective_euler')
                 for n, name in ((4, 'low'), (2, 'high')))
    up = substrate.project(low, high, dendritic_prediction('v_up', eta=0.2/ms), name='up')
    first = up.matrix('w')[:] = np.random.default_rng(1).normal(size=(2, 4))
    low.v_up, high.r, low.r = [1, 2, 3, 4], 0.5, [1, 0.5, 0.2, 2]
    substrate.settle()
    r = low.r[:].copy()
    Network(low, high, up).run(0.1*ms)
    conducts = up.matrix('conducts')[:]
    np.testing.assert_allclose(high.v_up[:], (conducts*first) @ r, rtol=1e-13)
    np.testing.assert_allclose(up.matrix('w')[:], first + 0.1*0.2*conducts*np.outer(high.err[:], r),
                               rtol=1e-13)


def cells(*wrong, n=10, seed=1):
    substrate = Substrate(wrong, seed=seed)
    group = substrate.neurons(n, point_neuron('tanh'), name='cells', method='prospective_euler')
    group.v_in = 1
    substrate.settle()
    return substrate, group


def test_stuck_rates():
    _, group = cells(Stuck(0.3, at=(-2, -1)))
    simulation, found = Network(group), []
    for _ in range(2):
        simulation.run(0.1*ms)
        found.append(group.r[:].copy())
    np.testing.assert_array_equal(*found)
    stuck = group.works_r[:] == 0
    assert stuck.sum() == 3 and len(np.unique(found[0][stuck])) == 3
    assert ((-2 <= found[0][stuck]) & (found[0][stuck] <= -1)).all()
    np.testing.assert_array_equal(found[0][~stuck], np.tanh(1.0))


@pytest.mark.parametrize('wrong, value', [
    (Dead(0.5, variables='v'), 0), (Stuck(0.5, at=-3*mV, variable='v'), -3),
    (Stuck(0.5, variable='v'), 1)])
def test_faults_of_a_membrane(wrong, value):
    substrate = Substrate([wrong])
    group = substrate.neurons(4, 'dv/dt = (5*mV - v)/(10*ms) : volt', name='cells',
                              method='euler')
    group.v = 1*mV
    substrate.settle()
    Network(group).run(1*ms)
    working = 5 - 4*0.99**10
    np.testing.assert_allclose(np.sort(group.v/mV), np.sort([value]*2 + [working]*2), rtol=1e-12)


@given(st.integers(1, 40), st.floats(0, 1), st.floats(0, 1))
def test_how_many_and_which(n, small, large):
    """Whole numbers, and those that fail first are among those that fail of a larger fraction."""
    small, large = sorted((small, large))
    substrate, _ = cells(Dead(1), n=n)
    few, many = (substrate.values([Dead(fraction)], seed=4)['cells.alive']
                 for fraction in (small, large))
    assert (few == 0).sum() == round(small*n) and (many == 0).sum() == round(large*n)
    assert (many <= few).all()


def test_which_ones_depends_on_the_seed():
    drawn = {tuple(cells(Dead(0.5), seed=seed)[1].alive) for seed in range(10)}
    assert len(drawn) > 5


def made(wrong, equations='dv/dt = -v/(10*ms) : volt\nf = v/mV : 1'):
    substrate = Substrate([wrong])
    substrate.neurons(3, equations, name='cells', method='euler', group=NeuronGroup)
    substrate.settle()


BAD = {
    'negative fraction': (lambda: Dead(-0.1), ValueError, "fraction of 'Dead' is -0.1"),
    'fraction above 1': (lambda: Stuck(1.1, 0), ValueError,
                         "fraction of 'Stuck' is 1.1; give a number from 0 to 1"),
    'no number': (lambda: Dead('many'), ValueError, "fraction of 'Dead'"),
    'NaN': (lambda: Dead(np.nan), ValueError, "fraction of 'Dead' contains nan"),
    'several': (lambda: Dead([0.1, 0.2]), ValueError, "fraction of 'Dead' has shape"),
    'no variables': (lambda: Dead(0.1, variables=()), ValueError, "give names such as"),
    'range': (lambda: Stuck(0.1, (2, 1)), ValueError, 'give the lowest value first'),
    'three values': (lambda: Stuck(0.1, (1, 2, 3)), ValueError, "at of 'Stuck' is .* finite value"),
    'infinite': (lambda: Stuck(0.1, np.inf), ValueError, "at of 'Stuck' is inf"),
    'no value': (lambda: made(Stuck(0.1, variable='f')), ValueError,
                 r"'f' is computed anew in every step .* give one, Stuck\(0.1, at=...\)"),
    'units': (lambda: made(Stuck(0.1, 2, variable='v')), DimensionMismatchError,
              "'v' of 'cells' is stuck at has other units"),
    'stored': (lambda: made(Dead(0.1), 'r : 1'), ValueError, 'concerns none'),
    'stuck in store': (lambda: made(Stuck(0.1, 1), 'r : 1'), ValueError, 'concerns none'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize('at', [None, 0.4])
def test_a_stuck_state_with_a_reset(at):
    """Held at a level from the next step on; where it has to stay, a reset would move it."""
    substrate = Substrate([Stuck(0.5, at=at, variable='v')], seed=1)
    cell = dict(equations='dv/dt = 1/ms : 1', name='cells', method='euler', threshold='v > 0.25',
                reset='v = 0')
    if at is None:
        with pytest.raises(ValueError, match="'v = 0' of 'cells' changes 'v' where it is stuck"):
            substrate.neurons(4, **cell)
        return
    group = substrate.neurons(4, **cell)
    substrate.settle()
    seen = StateMonitor(group, 'v', record=True, when='thresholds', order=-1)
    Network(group, seen).run(1*ms)
    assert group.works_v[:].sum() == 2
    np.testing.assert_array_equal(seen.v[group.works_v[:] == 0], 0.4)
