import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Equations, Network, NeuronGroup, StateMonitor,
                    Synapses, defaultclock, ms)
from hypothesis import given
from hypothesis import strategies as st

from brian_le import ACTIVATIONS, point_neuron, stimulus
from tests.running import CODE_TARGETS, run_cases

DEPTH, STEPS = 10, 40


def compose_chain(tau_m, tau_r, dt):
    """A chain of point neurons that sees a step from 0.2 to 0.8 at the tenth time step."""
    def compose(name):
        defaultclock.dt = dt
        chain = NeuronGroup(DEPTH, point_neuron('linear', tau_m=tau_m, tau_r=tau_r)
                            + 'I : 1', method='prospective_euler', name=f'{name}_chain',
                            namespace={})
        first = NeuronGroup(1, 'r = 0.2 + 0.6*int(t_in_timesteps >= 10) : 1',
                            name=f'{name}_first', namespace={})
        link = Synapses(chain, chain, 'v_in_post = r_pre : 1 (summed)', name=f'{name}_link')
        link.connect(j='i + 1', skip_if_invalid=True)
        entry = Synapses(first, chain, 'err_post = r_pre : 1 (summed)', name=f'{name}_entry')
        entry.connect(i=0, j=0)
        monitor = StateMonitor(chain, ['r', 'u'], record=True, when='end', name=f'{name}_M')
        return ([chain, first, link, entry, monitor], STEPS*dt,
                lambda: (np.array(monitor.r.T), np.array(monitor.u.T)))
    return compose


CHAINS = {
    'fast': compose_chain(20*ms, None, 0.01*ms),
    'slow': compose_chain(200*ms, None, 2*ms),
    'none': compose_chain(20*ms, 0*ms, 0.01*ms),
    'partial': compose_chain(20*ms, 5*ms, 0.01*ms),
}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def chains(request, tmp_path_factory):
    return run_cases(request.param, CHAINS, tmp_path_factory.mktemp('n'))


def test_rates_depend_neither_on_tau_nor_on_dt(chains):
    rates, (slow_rates, slow_u) = chains['fast'][0], chains['slow']
    np.testing.assert_allclose(rates, slow_rates, rtol=0, atol=1e-12)
    # the membranes themselves are far from following
    assert np.abs(slow_u - slow_rates).max() > 0.4


def test_a_chain_follows_a_step_within_one_time_step_per_neuron(chains):
    rates = chains['fast'][0]
    arrived = 10 + np.arange(DEPTH)
    for k, step in enumerate(arrived):
        np.testing.assert_allclose(rates[step:, k], 0.8, rtol=0, atol=1e-12)
        assert rates[step - 1, k] < 0.21


def test_without_look_ahead_the_chain_lags(chains):
    assert np.abs(chains['none'][0][:, -1]).max() < 1e-6
    # a look-ahead of a quarter of tau_m lets a quarter of a step through each neuron at once
    partial = chains['partial'][0]
    np.testing.assert_allclose(partial[10, 0] - partial[9, 0], 0.6/4, atol=1e-3)


@given(tau=st.floats(0.1, 500), dt=st.floats(0.001, 0.1), drive=st.floats(-3, 3),
       name=st.sampled_from(sorted(ACTIVATIONS)))
def test_matched_point_neuron_has_the_rate_of_its_input(tau, dt, drive, name):
    defaultclock.dt = dt*ms
    group = NeuronGroup(1, point_neuron(name, tau_m=tau*ms), method='prospective_euler')
    identity = NeuronGroup(1, point_neuron(name, tau_m=dt*ms), method='prospective_euler')
    for each in (group, identity):
        each.v_in = drive
    Network(group, identity).run(3*dt*ms)
    np.testing.assert_allclose(group.u_prosp[0], drive, rtol=0, atol=1e-12)
    np.testing.assert_allclose(group.r[0], identity.r[0], rtol=0, atol=1e-12)


@given(st.floats(1e-6, 1e6))
def test_values_in_the_text_lose_no_digit(tau):
    eqs = point_neuron(tau_m=tau*ms)
    group = NeuronGroup(1, eqs, method='prospective_euler')
    assert group.tau_m_[:] == float(tau*ms)


def test_text_can_be_read_back():
    # Brian2 prints seconds as 's', which it does not read
    assert Equations(str(point_neuron()).replace(': s\n', ': second\n')) == point_neuron()


def test_stimulus_filters_its_pattern():
    group = NeuronGroup(2, stimulus('1.0 + i', tau_0=0.4*ms), method='prospective_euler')
    Network(group).run(0.3*ms)
    np.testing.assert_allclose(group.r[:], np.array([1, 2])*(1 - 0.75**3), rtol=0, atol=1e-15)


BAD = {
    'tau_m of zero': (lambda: point_neuron(tau_m=0*ms), ValueError, 'tau_m is 0'),
    'negative tau_r': (lambda: point_neuron(tau_r=-1*ms), ValueError, 'tau_r is -1'),
    'tau_r in hertz': (lambda: point_neuron(tau_r=1/ms), DimensionMismatchError, "'tau_r'"),
    'no input': (lambda: point_neuron(inputs=()), ValueError, 'give a tuple'),
    'tau_0 of zero': (lambda: stimulus('i', tau_0=0*ms), ValueError, 'tau_0'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
