import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, StateMonitor, defaultclock, mV, ms)

from brian_le import hidden_neuron, point_neuron
from brian_le.substrate import Noise, Substrate

N = 5000
CELL = '''dv/dt = I/ms : 1
          x = 2*s : 1
          s : 1
          I : 1'''


def run(wrong, equations=CELL, n=N, steps=20, record=(), method='euler'):
    substrate = Substrate(wrong, seed=6)
    group = substrate.neurons(n, equations, name='cells', method=method)
    substrate.settle()
    monitor = StateMonitor(group, record, record=True, when='end')
    Network(group, monitor).run(steps*defaultclock.dt)
    return group, monitor


def test_white_noise():
    """Normal, and new for every neuron and step."""
    _, monitor = run([Noise('x', 0.3)], record=['x'])
    x = monitor.x[:]/0.3
    n = x.size
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (4, 3, 96)):
        assert abs(np.mean(x**power) - moment) < 4*np.sqrt(variance/n)
    for a, b in ((x[:, 1:], x[:, :-1]), (x[1:], x[:-1])):
        assert abs(np.mean(a*b)) < 4/np.sqrt(a.size)


def test_coloured_noise():
    """An Ornstein-Uhlenbeck process that starts at 0."""
    tau, steps = 1*ms, 60
    _, monitor = run([Noise('x', 0.3, tau=tau)], steps=steps, record=['x'])
    x = monitor.x[:]
    for k in (0, 4, 20, 59):
        std = 0.3*np.sqrt(1 - np.exp(-0.2*(k + 1)))
        assert abs(x[:, k].std()/std - 1) < 4/np.sqrt(2*N), k
    for lag in (1, 10, 20):
        correlation = np.corrcoef(x[:, 59], x[:, 59 - lag])[0, 1]
        assert abs(correlation - np.exp(-0.1*lag)) < 5/np.sqrt(N), lag


def test_of_a_stored_variable_where_it_is_read():
    group, _ = run([Noise('I', 0.3)], steps=1)
    np.testing.assert_allclose(group.v[:], 0.1*group.I_noise[:], rtol=1e-13)
    assert (group.I[:] == 0).all()


@pytest.mark.parametrize('dt', [0.1, 0.02])
def test_of_a_state_does_not_depend_on_the_time_step(dt):
    defaultclock.dt = dt*ms
    group, _ = run([Noise('v', 0.3)], steps=round(2/dt))
    assert abs(group.v[:].std()/(0.3*np.sqrt(2)) - 1) < 4/np.sqrt(2*N)


def test_of_published_rates_and_not_of_potentials():
    group, _ = run([Noise('r', 0.2)], point_neuron('tanh'), method='prospective_euler')
    np.testing.assert_array_equal(group.u_prosp[:], 0)
    np.testing.assert_array_equal(group.r[:], group.r_noise[:])
    assert abs(group.r[:].std()/0.2 - 1) < 4/np.sqrt(2*N)


def test_before_the_filter_of_a_rate():
    """White noise of 1 through a low-pass that takes a = dt/tau of it: std sqrt(a/(2 - a))."""
    group, _ = run([Noise('rate', 1.0)], hidden_neuron('linear', tau_s=1*ms), steps=100,
                   method='prospective_euler')
    assert abs(group.r[:].std()/np.sqrt(0.1/1.9) - 1) < 4/np.sqrt(2*N)


def test_of_a_variable_beside_one_with_the_name_of_what_is_published():
    group, _ = run([Noise('x', 0.1)], 'x = 1 : 1\nx_now = 5 : 1')
    assert np.all(group.x_now[:] == 5) and len(set(group.x[:])) > 1


def test_in_units():
    group, _ = run([Noise('v', 2*mV)], 'dv/dt = 0*mV/ms : volt', n=500, steps=10)
    assert abs(group.v[:].std()/(2*mV) - 1) < 4/np.sqrt(1000)


BAD = {
    'negative': (lambda: Noise('r', -0.1), ValueError, "strength of the noise on 'r' is -0.1"),
    'NaN': (lambda: Noise('r', np.nan), ValueError, "strength of the noise on 'r' is nan"),
    'negative tau': (lambda: Noise('r', 0.1, tau=-1*ms), ValueError, "tau of the noise on 'r'"),
    'tau in volt': (lambda: Noise('r', 0.1, tau=1*mV), DimensionMismatchError, 'is not a time'),
    'units': (lambda: run([Noise('x', 1*mV)], n=2), DimensionMismatchError,
              "strength of the noise on 'x' of 'cells' has other units"),
    'coloured noise of a state': (lambda: run([Noise('v', 0.1, tau=1*ms)], n=2), ValueError,
                                  "'v' is the state of a differential equation"),
    'what nobody reads': (lambda: run([Noise('q', 0.1)], CELL + '\nq : 1', n=2), ValueError,
                          'concerns none'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
