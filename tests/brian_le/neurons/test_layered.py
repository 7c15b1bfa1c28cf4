"""Neurons of layered networks by themselves; whole networks are in tests/models."""

import numpy as np
import pytest
from brian2 import DimensionMismatchError, Equations, Network, NeuronGroup, mV, ms, prefs
from hypothesis import given
from hypothesis import strategies as st

from brian_le import ACTIVATIONS, DenseSynapses, hidden_neuron, output_neuron, softmax

DT = 0.1


def after(n_steps, equations, n=1, **values):
    """A population that has seen the same input for some steps."""
    group = NeuronGroup(n, equations, method='prospective_euler', namespace={})
    for name, value in values.items():
        setattr(group, name, value)
    Network(group).run(n_steps*DT*ms)
    return group


def near(found, expected, atol=1e-12):
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


@given(st.sampled_from(sorted(ACTIVATIONS)), st.floats(-3, 3), st.floats(0.2, 50),
       st.sampled_from([0.0, 1.0, -0.5]))
def test_a_hidden_neuron(name, drive, tau_m, gamma):
    phi, given_ = ACTIVATIONS[name], dict(v_in=drive, b=0.25, v_err=0.2)
    equations = hidden_neuron(name, tau_m=tau_m*ms, gamma=gamma)
    x = drive + 0.25
    one, two, three = (after(n, equations, **given_) for n in (1, 2, 3))
    near([one.u_prosp[0], one.u[0]], [x, DT/tau_m*x])
    near([one.r[0], one.slope[0]], [phi.rates(x), phi.slopes(x)])
    near([one.err[0], one.r_sent[0]], 0)  # nothing had been sent
    near([two.err[0], two.r_sent[0]], [phi.slopes(x)*0.2, phi.rates(x)])
    near(three.u_prosp[0], x + gamma*two.err[0])
    near(three.r[0], phi.rates(x + gamma*two.err[0]))


def test_without_look_ahead():
    group = after(5, hidden_neuron('linear', tau_m=2*ms, tau_r=0*ms), v_in=1)
    near([group.u[0], group.u_prosp[0]], [1 - 0.95**5, 1 - 0.95**4])


def test_filters():
    filtered = hidden_neuron('linear', gamma=0, tau_s=0.4*ms, tau_err=0.5*ms)
    group = after(4, filtered, v_in=1, v_err=1)
    near(group.r[0], 1 - 0.75**4)
    near(group.err[0], 1 - 0.8**3)
    group = after(4, output_neuron(beta=1, gamma=0, tau_target=0.4*ms), v_in=0, target=1, nudged=1)
    near(group.target_filtered[0], 1 - 0.75**4)
    near(group.err[0], 1 - 0.75**4)


def test_rates_at_the_input():
    """The error of an output acts in the same step, and is what weights learn from."""
    group = after(1, output_neuron(beta=1, rate_at='input'), v_in=0.5, target=2, nudged=1, slope=1)
    near([group.u_prosp[0], group.err_sent[0]], [2.5, 2])
    hidden = after(2, hidden_neuron('linear', rate_at='input'), v_in=0.5, v_err=0.2, slope=1)
    near([hidden.u_prosp[0], hidden.err_sent[0], hidden.err[0]], [0.7, 0.2, 0.2])


def test_errors_from_the_look_ahead():
    group = after(1, hidden_neuron('linear', tau_m=4*ms, tau_r=1*ms, errors_from='tau_r'), v_in=2)
    near([group.u_prosp[0], group.mismatch[0]], [0.5, -1.5])
    same = after(3, hidden_neuron('tanh', errors_from='tau_r'), v_in=2, v_err=0.3)
    near(same.mismatch[0], same.u_prosp[0] - 2)


OUTPUT = dict(v_in=[0.3, -0.2, 0.7], target=[1, 0, 0.5])
TARGET_ERRORS = {
    'rate': (output_neuron('tanh', beta='constant', gamma=0), lambda u, t: (
        1 - np.tanh(u)**2)*(t - np.tanh(u))),
    'voltage': (output_neuron('tanh', beta='constant', target='voltage', gamma=0),
                lambda u, t: t - u),
    'cross-entropy': (output_neuron(beta='constant', loss='cross_entropy', gamma=0),
                      lambda u, t: t - np.exp(u)/np.exp(u).sum()),
}


@pytest.mark.parametrize('case', TARGET_ERRORS)
def test_errors_towards_targets(case):
    equations, error = TARGET_ERRORS[case]
    for nudged in (1, 0):
        group = NeuronGroup(3, equations, method='prospective_euler', namespace={})
        objects = [group]
        group.b, group.beta, group.nudged = 0.1, [0.5, 1, 2], nudged
        group.v_in, group.target = OUTPUT['v_in'], OUTPUT['target']
        if 'z' in group.variables:
            objects.append(DenseSynapses(group, group, softmax()))
            objects[-1].connect()
        Network(objects).run(2*DT*ms)
        u = np.array(OUTPUT['v_in']) + 0.1
        near(group.err[:], nudged*np.array([0.5, 1, 2])*error(u, np.array(OUTPUT['target'])))


@pytest.mark.parametrize('dtype', [np.float64, np.float32])
def test_softmax_of_any_rates(dtype):
    prefs.core.default_float_dtype = dtype
    try:
        group = NeuronGroup(4, 'r : 1\nz : 1')
        group.r = [-3e4, 1, 2, 2]
        S = DenseSynapses(group, group, softmax())
        S.connect()
        Network(group, S).run(DT*ms)
        z = group.z[:].copy()
    finally:
        prefs.core.default_float_dtype = np.float64
    assert np.isfinite(z).all()
    near(1/z, [0, *np.exp([-1, 0, 0])/(2 + np.exp(-1))], atol=1e-6)


def test_variables_in_the_place_of_values():
    eqs = output_neuron(tau_m='constant', tau_r='constant', tau_s='shared, constant',
                        tau_target='constant', beta=0.5, nudged='linked')
    text = str(eqs)
    for line in ('tau_m : s (constant)', 'tau_r : s (constant)', 'tau_s : s (shared, constant)',
                 'tau_target : s (constant)', 'beta = 0.5',
                 'nudged : 1 (linked)'):
        assert line in text, line
    assert 'err' not in str(hidden_neuron(gamma=0)['u']) and 'tau_r = tau_m' in str(hidden_neuron())
    assert '-0.5*err' in str(hidden_neuron(gamma=-0.5)['u']).replace('+ ', '')
    assert isinstance(eqs + 'more : 1', Equations)
    assert set(hidden_neuron(inputs=('a', 'c')).names) >= {'a', 'c'}


BAD = {
    'activation': (lambda: hidden_neuron('tahn'), ValueError, "did you mean 'tanh'"),
    'rate_at': (lambda: hidden_neuron(rate_at='outputs'), ValueError, "did you mean 'output'"),
    'errors_from': (lambda: output_neuron(errors_from='tau_s'), ValueError, "Valid: tau_m, tau_r"),
    'loss': (lambda: output_neuron(loss='msee'), ValueError, "did you mean 'mse'"),
    'target': (lambda: output_neuron(target='rates'), ValueError, "did you mean 'rate'"),
    'softmax of tanh': (lambda: output_neuron('tanh', loss='cross_entropy'), ValueError, 'linear'),
    'softmax of potentials': (lambda: output_neuron(loss='cross_entropy', target='voltage'),
                              ValueError, "needs target='rate'"),
    'no inputs': (lambda: hidden_neuron(inputs=()), ValueError, 'give a tuple'),
    'one input': (lambda: hidden_neuron(inputs='v_in'), ValueError, 'give a tuple'),
    'tau_m of 0': (lambda: hidden_neuron(tau_m=0*ms), ValueError, 'tau_m is 0'),
    'negative tau_r': (lambda: hidden_neuron(tau_r=-1*ms), ValueError, 'tau_r is -1'),
    'tau_s of 0': (lambda: hidden_neuron(tau_s=0*ms), ValueError, 'tau_s is 0'),
    'tau_err in volt': (lambda: hidden_neuron(tau_err=1*mV), DimensionMismatchError, "'tau_err'"),
    'tau_target of 0': (lambda: output_neuron(tau_target=0*ms), ValueError, 'tau_target is 0'),
    'negative beta': (lambda: output_neuron(beta=-1), ValueError, 'beta is -1'),
    'beta with unit': (lambda: output_neuron(beta=1*ms), DimensionMismatchError, "'beta'"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
