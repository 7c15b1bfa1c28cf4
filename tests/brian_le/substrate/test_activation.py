import numpy as np
import pytest
from brian2 import DimensionMismatchError, Network, mV, ms, nA

from brian_le import get_activation, hidden_neuron, pyramidal
from brian_le.substrate import ActivationMismatch, Noise, Substrate

ACTIVATION = get_activation('softplus')


def run(equations, wrong, n=6, **values):
    substrate = Substrate([wrong], seed=2)
    group = substrate.neurons(n, equations, name='cells', method='prospective_euler')
    for name, value in values.items():
        setattr(group, name, value)
    substrate.settle()
    Network(group).run(0.3*ms)
    return group


@pytest.mark.parametrize('prospective', [True, False])
def test_rates_of_pyramidal_neurons(prospective):
    group = run(pyramidal('softplus', prospective=prospective), ActivationMismatch(0.2, 0.3),
                v_up=np.linspace(-1, 2, 6))
    u = (group.u_prosp if prospective else group.u)[:]
    assert len(np.unique(group.gain_r)) == len(np.unique(group.offset_r)) == 6
    np.testing.assert_allclose(group.r[:], ACTIVATION.rates(group.gain_r[:]*u + group.offset_r[:]),
                               rtol=1e-13)
    # the dendrite predicts the activation that it knows
    np.testing.assert_allclose(group.err[:], group.r[:] - ACTIVATION.rates(group.v_pred[:]),
                               rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize('known', [False, True])
def test_slopes(known):
    group = run(hidden_neuron('softplus'), ActivationMismatch(0.2, 0.3, known=known),
                v_in=np.linspace(-1, 2, 6))
    u, h = group.u_prosp[:], 1e-6
    gain, offset = (group.gain_r[:], group.offset_r[:]) if known else (1, 0)
    slope = (ACTIVATION.rates(gain*(u + h) + offset) - ACTIVATION.rates(gain*(u - h) + offset))/2/h
    np.testing.assert_allclose(group.slope[:], slope, rtol=1e-8)


def test_rates_before_a_filter():
    group = run(hidden_neuron('tanh', tau_s=1*ms), ActivationMismatch(0.2, 0.3), v_in=1)
    np.testing.assert_allclose(group.rate[:], np.tanh(group.gain_r[:] + group.offset_r[:]),
                               rtol=1e-13)
    np.testing.assert_allclose(group.r[:], (1 - 0.9**3)*group.rate[:], rtol=1e-13)


def test_equations_of_ones_own():
    group = run('dv/dt = -v/(10*ms) : volt\nf = tanh(v/mV) : 1',
                ActivationMismatch(0.2, 2*mV, variable='f', potential='v'), v=1*mV)
    np.testing.assert_allclose(
        group.f[:], np.tanh(group.gain_f[:]*(group.v/mV) + group.offset_f/mV), rtol=1e-13)


def test_other_variables_called_rate_stay_as_they_are():
    substrate = Substrate([ActivationMismatch(0.5, 0.5, variable='f', potential='v')], seed=1)
    group = substrate.neurons(4, 'v : 1\nf = tanh(v) : 1\nrate = 2*v : 1', name='cells')
    group.v = 0.3
    substrate.settle()
    assert (group.rate[:] == 0.6).all()
    np.testing.assert_allclose(group.f[:], np.tanh(0.3*group.gain_f[:] + group.offset_f[:]),
                               rtol=1e-13)


def test_of_a_potential_with_noise():
    substrate = Substrate([Noise('v', 0.1), ActivationMismatch(0.5, variable='f', potential='v')])
    group = substrate.neurons(4, 'v : 1\nf = v + 0 : 1', name='cells')
    group.v = 0.3
    substrate.settle()
    Network(group).run(0.1*ms)
    np.testing.assert_allclose(group.f[:], group.gain_f[:]*(0.3 + group.v_noise[:]), rtol=1e-13)


def test_widths():
    n = 20_000
    group = run(hidden_neuron('tanh'), ActivationMismatch(0.2, 0.3), n=n)
    assert abs(group.gain_r[:].mean() - 1) < 4*0.2/np.sqrt(n)
    assert abs(group.offset_r[:].mean()) < 4*0.3/np.sqrt(n)
    assert abs(group.gain_r[:].std()/0.2 - 1) < 4/np.sqrt(2*n)
    assert abs(group.offset_r[:].std()/0.3 - 1) < 4/np.sqrt(2*n)
    assert abs(np.corrcoef(group.gain_r, group.offset_r)[0, 1]) < 4/np.sqrt(n)


BAD = {
    'negative slope': (lambda: ActivationMismatch(-0.1), ValueError, "slope of 'ActivationMis"),
    'negative offset': (lambda: ActivationMismatch(0, -1*mV), ValueError, "offset of 'Activation"),
    'slope with unit': (lambda: run(hidden_neuron(), ActivationMismatch(1*mV)),
                        DimensionMismatchError, 'slope'),
    'NaN': (lambda: ActivationMismatch(np.nan), ValueError, 'slope'),
    'units': (lambda: run(hidden_neuron(), ActivationMismatch(0.1, 1*nA)), DimensionMismatchError,
              "offset of the activation of 'cells' has other units"),
    'a rate that is no function of the potential': (
        lambda: run('dv/dt = -v/(10*ms) : 1\nr : 1\nr_now = 2 : 1', ActivationMismatch(0.1)),
        ValueError, 'concerns none'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
