import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, defaultclock, linked_var, mV, ms, second)
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import fixed_weights, point_neuron
from brian_le.models import Conv, Dense, Flatten, GLENetwork
from brian_le.substrate import Drift, Substrate, normal_number

N = 20_000


def drifted(drift, n=2, steps=50, equations='tau : second (shared, constant)\ngain = 2*s : 1\n'
                                            's : 1 (shared)\ndv/dt = -v/tau : 1'):
    substrate = Substrate([drift], seed=3)
    group = substrate.neurons(n, equations, name='cells', method='euler')
    group.tau, group.s = 10*ms, 0.5
    substrate.settle()
    Network(group).run(steps*0.1*ms)
    return group


@settings(max_examples=4)
@given(st.floats(-100, 100), st.integers(1, 30))
def test_steady_drift(rate, steps):
    factor = (1 + rate*1e-4)**steps
    for name, value in (('tau', 0.01), ('gain', 1.0)):
        group = drifted(Drift(name, rate/second), steps=steps)
        np.testing.assert_allclose(np.asarray(getattr(group, name)[:]), [value*factor]*2,
                                   rtol=1e-12)


@pytest.mark.parametrize('name', ['tau', 'gain'])
@pytest.mark.parametrize('every', [None, 1*ms])
def test_wandering(name, every):
    """Moments of a product of independent factors 1 + a + b*z."""
    group = drifted(Drift(name, 20/second, wander=2.0, every=every, shared=False), n=N)
    interval, n = (1e-4, 50) if every is None else (1e-3, 5)
    a, b = 20*interval, 2*np.sqrt(interval)
    factor = np.asarray(getattr(group, name)[:])/{'tau': 0.01, 'gain': 1.0}[name]
    mean, square = (1 + a)**n, ((1 + a)**2 + b**2)**n
    std = np.sqrt(square - mean**2)
    assert abs(factor.mean() - mean) < 4*std/np.sqrt(N)
    assert abs(factor.std()/std - 1) < 5/np.sqrt(2*N)


@pytest.mark.parametrize('name, shared, same', [
    ('tau', None, True),      # shared by its flag
    ('gain', None, False),    # an expression for every neuron
    ('tau', False, False), ('gain', True, True), ('tau', True, True), ('gain', False, False)])
def test_what_is_shared_drifts_as_one(name, shared, same):
    """One normal number per step for all neurons, or one for each of them."""
    group = drifted(Drift(name, 20/second, wander=2.0, shared=shared), n=4)
    key = getattr(group, f'drift_{name}_key')[:]
    number = np.zeros(4, int) if same else np.arange(4)
    expected = {'tau': 0.01, 'gain': 1.0}[name]*np.prod(
        [1 + 20e-4 + 2e-2*normal_number(int(key), step + 1, number) for step in range(50)], axis=0)
    np.testing.assert_allclose(np.broadcast_to(getattr(group, name)[:], 4), expected, rtol=1e-12)
    assert len(set(np.broadcast_to(getattr(group, name)[:], 4))) == (1 if same else 4)


def test_an_interval_does_not_depend_on_the_time_step():
    substrate = Substrate([Drift('tau', 20/second, every=1*ms)], seed=3)
    group = substrate.neurons(2, 'tau : second\ndv/dt = -v/tau : 1', name='cells', method='euler')
    group.tau = 10*ms
    substrate.settle()
    defaultclock.dt = 0.2*ms
    Network(group).run(5*ms)
    np.testing.assert_allclose(group.tau/ms, [10*1.02**5]*2, rtol=1e-13)


def test_weights_that_fade():
    substrate = Substrate([Drift('w', -50/second)])
    low, high = (substrate.neurons(n, point_neuron('linear', inputs=('v_in',)), name=name,
                                   method='prospective_euler')
                 for n, name in ((3, 'low'), (2, 'high')))
    low.v_in = [1, 2, 3]
    way = substrate.project(low, high, fixed_weights('v_in'), name='way')
    first = way.matrix('w')[:] = np.arange(6.).reshape(2, 3)
    substrate.settle()
    Network(low, high, way).run(1*ms)
    faded = first*(1 - 50e-4)**10
    np.testing.assert_allclose(way.matrix('w')[:], faded, rtol=1e-13)
    np.testing.assert_allclose(high.v_in[:], faded @ [1, 2, 3], rtol=1e-13)


def test_shared_weights_and_learned_time_constants():
    net = GLENetwork((3, 3, 1), [Conv(2, kernel=2), Flatten(), Dense(2)], replicas=3, eta=0/ms,
                     eta_tau_m=1*ms, substrate=Substrate([
                         Drift('w', 50/second, wander=1.0), Drift('tau', -50/second, on='*tau_m*')],
                         seed=1))
    net.schedule.learning = 0
    kernel = net.projections['forward', 0]
    kernel.matrix('w')[:] = 1
    Network(net).run(1*ms)
    assert len(np.unique(kernel.matrix('w')[:])) == 8
    np.testing.assert_allclose(net.neurons[0].tau_m/ms, [10*(1 - 50e-4)**10]*24, rtol=1e-13)


def test_the_look_ahead_drifts_with_its_time():
    substrate = Substrate([Drift('tau_r', 100/second)])
    group = substrate.neurons(2, point_neuron('linear', tau_r='constant'), name='cells',
                              method='prospective_euler')
    group.tau_r, group.v_in = 5*ms, 1
    substrate.settle()
    Network(group).run(0.1*ms)
    np.testing.assert_allclose(group.u_prosp[:], 5*1.01/10, rtol=1e-13)


def linked():
    substrate = Substrate([Drift('s', 1/second)])
    one = substrate.neurons(1, 'q : 1', name='one')
    group = substrate.neurons(2, 's : 1 (linked)\ndv/dt = s/second : 1', name='cells',
                              method='euler')
    group.s = linked_var(one, 'q')
    substrate.settle()


BAD = {
    'rate of a time': (lambda: Drift('w', 1*ms), DimensionMismatchError,
                       "rate of the drift of 'w' is not in 1/time"),
    'rate without unit': (lambda: Drift('w', 0.1), DimensionMismatchError, 'not in 1/time'),
    'NaN': (lambda: Drift('w', np.nan/second), ValueError, "rate of the drift of 'w'"),
    'negative wander': (lambda: Drift('w', wander=-1), ValueError, "wander of the drift of 'w'"),
    'wander with unit': (lambda: Drift('w', wander=1*ms), DimensionMismatchError, 'not a number'),
    'interval of 0': (lambda: Drift('w', every=0*ms), ValueError, 'finite and positive'),
    'interval in volt': (lambda: Drift('w', every=1*mV), DimensionMismatchError,
                         "interval of the drift of 'w' is not a time"),
    'linked': (linked, ValueError, 'concerns none'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
