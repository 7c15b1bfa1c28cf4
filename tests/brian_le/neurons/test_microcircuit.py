import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Equations, Network, NeuronGroup, StateMonitor, ms,
                    mV)

from brian_le import interneuron, pyramidal
from tests.reference import softplus


def test_pyramidal_neuron_in_closed_form():
    """Held at its inputs, a neuron reaches the weighted mean of its compartments."""
    group = NeuronGroup(2, pyramidal(nudging='parameter'), method='prospective_euler')
    group.v_up, group.v_down, group.v_pi = [1, 2], 0.5, -0.1
    group.nudged, group.u_nudge = [0, 1], 3
    Network(group).run(400*ms)
    g = np.array([0.03 + 0.1 + 0.06, 0.03 + 0.1 + 0.06 + 0.06])
    ss = (0.1*np.array([1, 2]) + 0.06*0.4 + np.array([0, 0.06*3]))/g
    np.testing.assert_allclose(group.u[:], ss, rtol=0, atol=1e-12)
    np.testing.assert_allclose(group.u_prosp[:], ss, rtol=0, atol=1e-12)
    np.testing.assert_allclose(group.v_api[:], 0.4, rtol=0, atol=1e-15)
    np.testing.assert_allclose(group.r[:], softplus(ss), rtol=0, atol=1e-12)
    predicted = 0.1/0.19*np.array([1, 2])
    np.testing.assert_allclose(group.err[:], softplus(ss) - softplus(predicted), atol=1e-12)


def test_interneuron_in_closed_form():
    group = NeuronGroup(1, interneuron(g_d=0.2/ms), method='prospective_euler')
    group.v_ip, group.u_nudge = 1.5, -0.5
    Network(group).run(0.1*ms)
    ss = (0.2*1.5 + 0.06*-0.5)/(0.03 + 0.2 + 0.06)
    np.testing.assert_allclose(group.u_prosp[0], ss, rtol=0, atol=1e-15)
    np.testing.assert_allclose(group.err[0], softplus(ss) - softplus(0.2/0.23*1.5), atol=1e-15)


def test_original_neuron_acts_through_its_membrane():
    group = NeuronGroup(1, pyramidal(prospective=False), method='prospective_euler')
    group.v_up = 1
    Network(group).run(0.1*ms)
    np.testing.assert_allclose(group.u[0], 0.1*0.1, rtol=0, atol=1e-15)
    np.testing.assert_allclose(group.r[0], softplus(0.01), rtol=0, atol=1e-15)
    assert 'u_prosp' not in group.equations


def test_equations_can_be_renamed_and_extended():
    eqs = pyramidal().substitute(u='v', u_prosp='v_prosp') + 'dh/dt = (v - h)/(5*ms) : 1'
    group = NeuronGroup(1, eqs, method='prospective_euler')
    same = NeuronGroup(1, pyramidal(), method='prospective_euler')
    group.v_up = same.v_up = 1
    monitor = StateMonitor(group, ['v_prosp', 'h', 'v_bas'], record=0)
    Network(group, same, monitor).run(1*ms)
    np.testing.assert_array_equal(group.v[:], same.u[:])
    assert 0 < group.h[0] < group.v[0] and monitor.v_bas[0, 0] == 1


def test_renaming_one_of_a_pair_is_explained():
    group = NeuronGroup(1, pyramidal().substitute(u='v'), method='prospective_euler')
    with pytest.raises(Exception) as raised:
        Network(group).run(0.1*ms)
    assert 'Rename both together' in str(raised.value.__cause__)


@pytest.mark.parametrize('make', [pyramidal, interneuron])
def test_text_can_be_read_back(make):
    assert isinstance(make(), Equations)
    # Brian2 prints seconds as 's', which it does not read
    assert Equations(str(make()).replace(': s\n', ': second\n')) == make()


def test_parameters_as_values_and_as_variables():
    text = str(pyramidal(g_l=0.05/ms, g_a='shared, constant', g_b='constant'))
    assert 'g_l = 0.05/ms' in text
    assert 'g_a : Hz (shared, constant)' in text and 'g_b : Hz (constant)' in text


BAD = {
    'activation': (lambda: pyramidal('sofplus'), ValueError, "did you mean 'softplus'"),
    'negative conductance': (lambda: pyramidal(g_a=-0.1/ms), ValueError, 'g_a is -100. Hz'),
    'conductance in volt': (lambda: interneuron(g_d=1*mV), DimensionMismatchError, "'g_d'"),
    'conductance without unit': (lambda: pyramidal(g_l=0.1), DimensionMismatchError, "'g_l'"),
    'NaN': (lambda: pyramidal(g_l=np.nan/ms), ValueError, 'g_l is nan'),
    'nudging': (lambda: pyramidal(nudging='link'), ValueError, "nudging is 'link'"),
    'one input as text': (lambda: pyramidal(basal='v_up'), ValueError, 'give a tuple'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
