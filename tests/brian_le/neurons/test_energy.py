"""Energies of neurons as equations, beside integrals and differences."""

import numpy as np
import pytest
from brian2 import NeuronGroup, ms, run
from scipy.integrate import quad

from brian_le import (gle_neuron, hidden_neuron, interneuron, mismatch_energy, output_neuron,
                      prediction_energy, pyramidal)
from brian_le.activations import get_activation


def test_look_aheads_by_either_time_constant():
    """The membrane undone is its input, the look-ahead that neurons act through is not."""
    slow = dict(tau_m=10*ms, tau_r=2*ms)
    by_rate = NeuronGroup(2, hidden_neuron(**slow) + mismatch_energy(gamma=0.5),
                          method='prospective_euler')
    by_membrane = NeuronGroup(2, gle_neuron(**slow) + mismatch_energy(lookahead='tau_m'),
                              method='prospective_euler')
    for group in (by_rate, by_membrane):
        group.v_in, group.b = [1, 2], 0.5
    run(1*ms, namespace={})
    u = np.array([1.5, 2.5])*(1 - 0.99**9)  # before the last step
    np.testing.assert_allclose(by_rate.u_mismatch[:], u + 0.2*([1.5, 2.5] - u) - [1.5, 2.5],
                               rtol=1e-12)
    np.testing.assert_allclose(by_rate.energy[:], by_rate.u_mismatch[:]**2, rtol=1e-14)
    np.testing.assert_allclose(by_membrane.u_mismatch[:], 0, atol=1e-14)


@pytest.mark.parametrize('options, cost', [
    ({'loss': 'mse'}, (1 - np.tanh(0.3))**2/2),
    ({'loss': 'mse', 'target': 'voltage'}, 0.7**2/2)])
def test_costs(options, cost):
    neurons = output_neuron('tanh', target=options.get('target', 'rate'))
    group = NeuronGroup(1, neurons + mismatch_energy(**options), method='prospective_euler')
    group.target, group.beta, group.nudged, group.v_in = 1, 0.2, 0, 0.3
    run(0.1*ms, namespace={})
    np.testing.assert_allclose([group.cost[0], group.energy[0]], [cost, 0], rtol=1e-12, atol=1e-15)
    group.nudged = 1
    np.testing.assert_allclose(group.energy[0], 0.2*cost, rtol=1e-12)


@pytest.mark.parametrize('activation', ['softplus', 'logistic', 'tanh', 'linear'])
def test_area_between_rate_and_prediction(activation):
    phi = get_activation(activation).rates
    group = NeuronGroup(3, pyramidal(activation, apical=(), nudging='parameter')
                        + prediction_energy(activation, gamma=0.5, nudging=True),
                        method='prospective_euler')
    group.v_up, group.u_nudge, group.nudged = [0.5, -1, 2], [1, 0, 2], 1
    run(0.1*ms, namespace={})
    for start, found in (('v_pred', 0.5*(group.energy[:] - 6/13*group.cost[:])),
                         ('u_nudge', group.cost[:])):
        for u, v, area in zip(group.u_prosp[:], getattr(group, start)[:], found):
            exact, _ = quad(lambda way: phi(u) - phi(way), v, u)
            np.testing.assert_allclose(area, exact, rtol=3e-3)


def test_interneurons_and_neurons_without_look_ahead():
    group = NeuronGroup(1, interneuron('linear', prospective=False)
                        + prediction_energy('linear', prospective=False),
                        method='prospective_euler')
    group.u, group.v_ip = 0.7, 1.0
    np.testing.assert_allclose(group.energy[0], (0.7 - 10/13)**2/2, rtol=1e-12)


@pytest.mark.parametrize('make, options, message', [
    (mismatch_energy, {'inputs': 'v_in'}, 'inputs is'),
    (mismatch_energy, {'gamma': float('inf')}, 'gamma is inf; give a finite'),
    (mismatch_energy, {'lookahead': 'tau_s'}, 'lookahead'),
    (mismatch_energy, {'loss': 'hinge'}, 'loss'),
    (mismatch_energy, {'loss': 'cross_entropy', 'target': 'voltage'}, 'cross-entropy needs'),
    (mismatch_energy, {'filtered': 'no'}, 'filtered is'),
    (prediction_energy, {'activation': 'tahn'}, 'tanh'),
    (prediction_energy, {'gamma': 0.0}, 'gamma is 0.0'),
    (prediction_energy, {'nudging': 'linked'}, 'nudging is')])
def test_bad_options(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
