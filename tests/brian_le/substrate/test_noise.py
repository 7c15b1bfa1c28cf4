import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, StateMonitor, defaultclock, mV, ms)

from brian_le import gle_neuron, hidden_neuron, point_neuron
from brian_le.substrate import Noise, Substrate, normal_number

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


def drawn(group, name, steps, shared=False):
    """The normal numbers of a noise, for all steps and neurons."""
    key = int(np.asarray(getattr(group, f'{name}_key')[:]))
    number = np.zeros(len(group), int) if shared else np.arange(len(group))
    return np.array([normal_number(key, step + 1, number) for step in range(steps)])


def autoregressive(z, strength, tau, dt=0.1):
    m, x = np.exp(-dt/tau), np.zeros_like(z)
    for k in range(len(z)):
        x[k] = (m*x[k - 1] if k else 0) + strength*np.sqrt(1 - m**2)*z[k]
    return x


def test_several_noises_on_one_variable():
    """Thermal noise and two slow ones: the sum of what each would be by itself."""
    several = [Noise('x', 0.3), Noise('x', 0.2, tau=1*ms), Noise('x', 0.4, tau=3*ms)]
    group, monitor = run(several, n=50, steps=30, record=['x'])
    z = [drawn(group, name, 30) for name in ('x_noise', 'x_noise2', 'x_noise3')]
    expected = (0.3*z[0] + autoregressive(z[1], 0.2, 1) + autoregressive(z[2], 0.4, 3))
    np.testing.assert_allclose(monitor.x[:].T, expected, rtol=1e-10, atol=1e-13)
    assert len({float(np.ravel(each)[0]) for each in z}) == 3


def test_variances_of_several_noises_add():
    several = [Noise('x', 0.3), Noise('x', 0.2), Noise('x', 0.6, tau=0.5*ms)]
    group, _ = run(several, steps=100)
    assert abs(group.x[:].std()/0.7 - 1) < 4/np.sqrt(2*N)


def test_slow_noises_of_many_correlation_times_have_a_spectrum_of_one_over_f():
    """The exact spectrum of their sum, over two decades, falls by ten per decade."""
    taus = 10.0**np.arange(-1, 5)
    f = np.logspace(-2, 0, 9)
    power = sum(2*tau/(1 + (2*np.pi*f*tau)**2) for tau in taus)
    slope = np.polyfit(np.log10(f), np.log10(power), 1)[0]
    assert abs(slope + 1) < 0.1
    several = [Noise('x', 0.1, tau=tau*ms) for tau in taus]
    group, monitor = run(several, n=3, steps=20, record=['x'])
    expected = sum(autoregressive(drawn(group, f'x_noise{k or ""}', 20), 0.1, tau)
                   for k, tau in zip((0, 2, 3, 4, 5, 6), taus))
    np.testing.assert_allclose(monitor.x[:].T, expected, rtol=1e-10, atol=1e-13)


def test_several_noises_of_a_state_and_of_what_is_stored():
    several = [Noise('v', 0.3), Noise('v', 0.4), Noise('I', 0.1), Noise('I', 0.2)]
    group, _ = run(several, n=9, steps=1)
    z = {name: drawn(group, name, 1)[0] for name in ('v_noise', 'v_noise2', 'I_noise', 'I_noise2')}
    expected = (np.sqrt(0.1)*(0.3*z['v_noise'] + 0.4*z['v_noise2'])
                + 0.1*(0.1*z['I_noise'] + 0.2*z['I_noise2']))
    np.testing.assert_allclose(group.v[:], expected, rtol=1e-12)


def test_places_of_one_name_only_on_what_they_concern():
    """The second one in the list is the first one of a group that the other does not concern."""
    substrate = Substrate([Noise('x', 0.1, on='a'), Noise('x', 0.2), Noise('x', 0.0)], seed=1)
    a, b = (substrate.neurons(3, 'x = 1 : 1', name=name) for name in 'ab')
    substrate.settle()
    assert 'x_noise2' in a.equations and 'x_noise2' not in b.equations
    assert set(b.x_noise_strength[:].ravel()) == {0.2} == set(a.x_noise2_strength[:].ravel())
    values = substrate.values([Noise('x', 0.3, on='a'), Noise('x', 0.4), Noise('x', 0)])
    assert (values['a.x_noise_strength'], values['a.x_noise2_strength']) == (0.3, 0.4)
    assert values['b.x_noise_strength'] == 0.4


@pytest.mark.parametrize('tau_m', [dict(tau_m='constant'), dict(tau_m='shared, constant'), {}])
def test_of_a_time_constant_that_looks_ahead(tau_m):
    """The membrane and its look-ahead have the same noisy time constant."""
    steps, shared = 30, 'shared' in tau_m.get('tau_m', '')
    substrate = Substrate([Noise('tau_m', 0.5*ms, tau=1*ms)], seed=6)
    group = substrate.neurons(4, point_neuron('linear', **tau_m), name='cells',
                              method='prospective_euler')
    if tau_m:
        group.tau_m = 10*ms
    group.v_in, group.u = [1, 2, 3, 4], 0.5
    substrate.settle()
    Network(group).run(steps*0.1*ms)
    u = np.full(4, 0.5)
    for noise in autoregressive(drawn(group, 'tau_m_noise', steps, shared), 0.5, 1):
        tau = 10 + noise
        du = (np.arange(1, 5) - u)/tau
        prospective, u = u + tau*du, u + 0.1*du
    np.testing.assert_allclose(group.u[:], u, rtol=1e-11)
    np.testing.assert_allclose(group.u_prosp[:], prospective, rtol=1e-11)


def test_of_a_look_ahead_time_that_is_stored():
    """The integrator, which knows it by its name, reads it with noise."""
    substrate = Substrate([Noise('tau_r', 0.5*ms)], seed=6)
    group = substrate.neurons(4, gle_neuron('linear', tau_m='constant', tau_r='constant'),
                              name='cells', method='prospective_euler')
    group.tau_m, group.tau_r, group.v_in = 10*ms, 5*ms, 1
    substrate.settle()
    Network(group).run(0.1*ms)
    noise = 0.5*drawn(group, 'tau_r_noise', 1)[0]
    np.testing.assert_allclose(group.u_prosp[:], (5 + noise)/10, rtol=1e-12)


@pytest.mark.parametrize('name, shared, same', [
    ('q', None, True), ('x', None, False), ('q', False, False), ('x', True, True),
    ('v', True, True)])
def test_what_is_shared_has_one_noise(name, shared, same):
    equations = CELL + '\nq = 2*p : 1 (shared)\np : 1 (shared)'
    group, _ = run([Noise(name, 0.3, shared=shared)], equations, n=3, steps=2)
    z = 0.3*drawn(group, f'{name}_noise', 2, same)
    expected = np.sqrt(0.1)*z.sum(0) if name == 'v' else z[-1]
    found = np.broadcast_to(getattr(group, name)[:], 3)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert len(set(found)) == (1 if same else 3)


def test_in_units():
    group, _ = run([Noise('v', 2*mV)], 'dv/dt = 0*mV/ms : volt', n=500, steps=10)
    assert abs(group.v[:].std()/(2*mV) - 1) < 4/np.sqrt(1000)


def state_with_noise():
    substrate = Substrate([Noise('v', 0.1)])
    substrate.neurons(2, CELL, name='cells', method='euler')
    return substrate


BAD = {
    'negative': (lambda: Noise('r', -0.1), ValueError, "strength of the noise on 'r' is -0.1"),
    'NaN': (lambda: Noise('r', np.nan), ValueError, "strength of the noise on 'r' is nan"),
    'negative tau': (lambda: Noise('r', 0.1, tau=-1*ms), ValueError, "tau of the noise on 'r'"),
    'tau in volt': (lambda: Noise('r', 0.1, tau=1*mV), DimensionMismatchError, 'is not a time'),
    'units': (lambda: run([Noise('x', 1*mV)], n=2), DimensionMismatchError,
              "strength of the noise on 'x' of 'cells' has other units"),
    'coloured noise of a state': (lambda: run([Noise('v', 0.1, tau=1*ms)], n=2), ValueError,
                                  "'v' is the state of a differential equation"),
    'coloured noise of a state later': (
        lambda: state_with_noise().values([Noise('v', 0.1, tau=1*ms)]), ValueError,
        "'v' is the state of a differential equation"),
    'what nobody reads': (lambda: run([Noise('q', 0.1)], CELL + '\nq : 1', n=2), ValueError,
                          'concerns none'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
