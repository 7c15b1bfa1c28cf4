"""Looking back and looking ahead, against closed forms."""

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Hz, Network, NeuronGroup, StateMonitor, TimedArray, amp,
                    mV, ms, run, second, volt)
from hypothesis import given
from hypothesis import strategies as st

from brian_le import prospective, retrospective
from tests.running import CODE_TARGETS, run_cases

DT = 0.1
PERIOD = 20.0
#: Time constants of looking back and looking ahead, in ms.
TAUS = ((5.0, 5.0), (5.0, 0.0), (2.0, 8.0), (10.0, 3.0), (DT, 6.0))


def compose(name):
    """One neuron for each pair of time constants, driven by a sine."""
    both = retrospective(f'sin(2*pi*t/({PERIOD}*ms))', 'x', tau='constant') + prospective(
        'x', tau='constant')
    group = NeuronGroup(len(TAUS), both, method='prospective_euler', name=f'{name}_G',
                        namespace={})
    group.tau_x, group.tau_prosp_x = np.transpose(TAUS)*ms
    monitor = StateMonitor(group, ['x', 'x_prosp'], record=True, when='end', name=f'{name}_M')
    return [group, monitor], 10*PERIOD*ms, lambda: np.array([monitor.x, monitor.x_prosp])


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory):
    return run_cases(request.param, {'sine': compose}, tmp_path_factory.mktemp('o'))['sine']


def phasor(values):
    """Amplitude and phase of the last of ten periods, at the end of each step."""
    n = round(PERIOD/DT)
    at = np.arange(9*n, 10*n)
    return 2*np.mean(values[:, 9*n:]*np.exp(-2j*np.pi*at/n), axis=1)*1j


def test_gain_and_phase_in_discrete_time(found):
    """What forward Euler makes of a sine, exactly."""
    z = np.exp(2j*np.pi*DT/PERIOD)
    back, ahead = np.transpose(TAUS)
    slow = DT/back/(z - 1 + DT/back)  # of the old value, which the step begins with
    x, x_prosp = found
    settled = back <= 5  # ten periods are exp(-20) or less of 10 ms, which is then 2e-9
    for values, expected in ((x, slow*z), (x_prosp, slow + ahead/back*(1 - slow))):
        np.testing.assert_allclose(phasor(values)[settled], expected[settled], rtol=0, atol=1e-12)
        np.testing.assert_allclose(phasor(values), expected, rtol=0, atol=1e-7)


def test_gain_and_phase_of_the_docstring(found):
    """In continuous time, up to a step."""
    w, (back, ahead) = 2*np.pi/PERIOD, np.transpose(TAUS)
    x, x_prosp = found
    np.testing.assert_allclose(phasor(x), 1/(1 + 1j*w*back), rtol=0, atol=0.05)
    np.testing.assert_allclose(phasor(x_prosp), (1 + 1j*w*ahead)/(1 + 1j*w*back), rtol=0, atol=0.05)


def test_one_is_the_inverse_of_the_other(found):
    """At once, not only when it has settled; with the time step the filter copies."""
    t = np.arange(found.shape[2])*DT
    signal = np.sin(2*np.pi*t/PERIOD)
    x, x_prosp = found
    np.testing.assert_allclose(x_prosp[0], signal, rtol=0, atol=1e-13)
    before = np.concatenate([np.zeros((len(TAUS), 1)), x[:, :-1]], axis=1)
    np.testing.assert_allclose(x_prosp[1], before[1], rtol=0, atol=1e-13)  # no look-ahead
    np.testing.assert_allclose(x[4], signal, rtol=0, atol=1e-13)


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=30), st.floats(0.1, 20),
       st.one_of(st.just(0.0), st.floats(0.1, 20)))
def test_any_signal(signal, back, ahead):
    both = retrospective('signal(t)', 's', tau=back*ms) + prospective('s', tau=ahead*ms)
    group = NeuronGroup(1, both, method='prospective_euler',
                        namespace={'signal': TimedArray(signal, dt=DT*ms)})
    monitor = StateMonitor(group, ['s', 's_prosp'], record=True, when='end')
    run(len(signal)*DT*ms)
    s, expected = 0.0, []
    for value in signal:
        change = (value - s)/back
        expected.append((s + DT*change, s + ahead*change))
        s = expected[-1][0]
    atol = 1e-13*np.abs(expected).max() + 1e-15
    np.testing.assert_allclose(np.array([monitor.s[0], monitor.s_prosp[0]]).T, expected, rtol=0,
                               atol=atol)


def test_look_ahead_of_a_signal_without_an_equation():
    """As the docstring of `prospective` says."""
    both = retrospective('sin(t/ms)', 'x', tau=DT*ms) + prospective('x', tau=3*ms)
    group = NeuronGroup(1, both, method='prospective_euler')
    monitor = StateMonitor(group, 'x_prosp', record=True, when='end')
    run(5*ms)
    signal = np.sin(np.arange(50)*DT)
    np.testing.assert_allclose(monitor.x_prosp[0][1:], signal[:-1] + 3*np.diff(signal)/DT, rtol=0,
                               atol=1e-13)


BAD = {
    'look-back of 0': (lambda: retrospective('I', tau=0*ms), ValueError, 'tau_v is 0'),
    'negative look-back': (lambda: retrospective('I', 'x', tau=-1*ms), ValueError, 'tau_x is -1'),
    'negative look-ahead': (lambda: prospective('x', tau=-1*ms), ValueError,
                            'tau_prosp_x is -1'),
    'NaN': (lambda: prospective('x', tau=np.nan*ms), ValueError, 'tau_prosp_x is nan'),
    'volt': (lambda: retrospective('I', 'x', tau=1*mV), DimensionMismatchError, "'tau_x'"),
    'a rate': (lambda: prospective('x', tau=3*Hz), DimensionMismatchError, "'tau_prosp_x'"),
    'a number': (lambda: prospective('x', tau=3), DimensionMismatchError, "'tau_prosp_x'"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()


def test_signals_with_units():
    both = (retrospective('V', 'x', tau=2*ms, unit=volt) + prospective('x', tau=2*ms, unit=volt)
            + 'V : volt')
    group = NeuronGroup(1, both, method='prospective_euler')
    group.V = 3*mV
    Network(group).run(0.3*ms)
    assert abs(group.x_prosp[0] - 3*mV) < 1e-15*volt
    assert str(prospective('I', unit=amp)['I_prosp']) == 'I_prosp : A'
    wrong = NeuronGroup(1, retrospective('V', 'x') + 'V : volt', method='prospective_euler')
    with pytest.raises(Exception) as raised:
        Network(wrong).run(0.1*ms)
    assert isinstance(raised.value.__cause__, DimensionMismatchError)


def test_look_ahead_below_the_time_step():
    group = NeuronGroup(1, retrospective('I', 'x') + prospective('x', tau=0.05*ms) + 'I : 1',
                        method='prospective_euler')
    with pytest.raises(Exception) as raised:
        Network(group).run(1*ms)
    assert "'tau_prosp_x'" in str(raised.value.__cause__)
    assert 'at least the time step of 0.1 ms or zero' in str(raised.value.__cause__)


def test_time_constants_as_variables():
    eqs = retrospective('I', 'x', tau='shared') + prospective('x', tau='')
    assert eqs['tau_x'].flags == ['shared'] and eqs['tau_prosp_x'].dim == second.dim
