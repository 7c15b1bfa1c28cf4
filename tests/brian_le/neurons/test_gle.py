"""Neurons of Generalized Latent Equilibrium by themselves."""

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Hz, Network, NeuronGroup, StateMonitor, mV, ms)

from brian_le import (ACTIVATIONS, error_neuron, gle_neuron, gle_output, point_neuron,
                      representation_neuron)
from tests.reference_layered import PHI

DT = 0.1


def driven(equations, steps=20, **values):
    """Neurons whose inputs and errors from above change with time, recorded in every step."""
    group = NeuronGroup(3, equations, method='prospective_euler', namespace={})
    for name, value in values.items():
        setattr(group, name, value)
    for name, expression in (('v_in', 'sin(t/ms + i)'), ('v_err', '0.5*cos(t/ms + 2*i)'),
                             ('v_api', '0.5*cos(t/ms + 2*i)'), ('slope', '1 + 0.1*i + t/ms'),
                             ('target', '1 - 0.3*i + t/ms'), ('z', '2 + i')):
        # a neuron publishes the slope of its own rate
        if name in group.equations and f'{name}_now' not in group.equations:
            group.run_regularly(f'{name} = {expression}', when='groups', order=-2)
    names = [n for n in ('u', 'u_prosp', 'r', 'r_sent', 'slope', 'v', 'v_prosp', 'err')
             if n in group.variables]
    monitor = StateMonitor(group, names, record=True, when='end')
    Network(group, monitor).run(steps*DT*ms)
    return {name: getattr(monitor, name).T for name in names}


def pair(phi, tau_m, tau_r, above, gamma=0.0, prospective=True, steps=20, b=0.0):
    """The same in NumPy; ``above(t, r)`` is the error from above, before phi' multiplies it."""
    i, f, slope_of = np.arange(3), *PHI[phi]
    u, v, r, slope = np.zeros((4, 3))
    rows = []
    for t in np.arange(steps)*DT:
        e = slope*above(t, r)
        v_dot = (e - v)/tau_r
        err = v + tau_m*v_dot if prospective else e
        v = v + DT*v_dot
        u_dot = (np.sin(t + i) + b + gamma*err - u)/tau_m
        u_prosp, u, sent = u + tau_r*u_dot, u + DT*u_dot, r
        r, slope = f(u_prosp), slope_of(u_prosp)
        row = dict(u=u, u_prosp=u_prosp, r=r, r_sent=sent, slope=slope, err=err)
        rows.append(row | (dict(v=v, v_prosp=err) if prospective else {}))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def compare(found, expected):
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=1e-13, err_msg=name)


def from_above(t, r):
    return 0.5*np.cos(t + 2*np.arange(3))


@pytest.mark.parametrize('phi', [name for name in ACTIVATIONS if name in PHI])
@pytest.mark.parametrize('options', [
    dict(), dict(gamma=1), dict(gamma=-0.3), dict(errors='instantaneous', gamma=0.5)])
def test_neuron(phi, options):
    found = driven(gle_neuron(phi, tau_m=3*ms, tau_r=2*ms, **options), b=0.2)
    compare(found, pair(phi, 3.0, 2.0, from_above, options.get('gamma', 0), b=0.2,
                        prospective='errors' not in options))


@pytest.mark.parametrize('loss', ['mse', 'cross_entropy'])
@pytest.mark.parametrize('nudged', [1, 0])
def test_output(loss, nudged):
    i = np.arange(3)

    def above(t, r):
        return 0.4*nudged*(1 - 0.3*i + t - (r if loss == 'mse' else 1/(2 + i)))

    found = driven(gle_output(loss=loss, beta=0.4, tau_m=3*ms, tau_r=2*ms, gamma=0.5),
                   nudged=nudged)
    compare(found, pair('linear', 3.0, 2.0, above, 0.5))


def test_published_input_is_what_the_error_neuron_integrates():
    plain, published = (gle_neuron(published_input=p, tau_m=3*ms, tau_r=2*ms, gamma=1)
                        for p in (False, True))
    assert 'err_in' in published.parameter_names and 'err_in' in plain.subexpr_names
    compare(driven(published), driven(plain))


def test_the_two_parts_are_the_whole():
    """An error neuron steps before the neuron whose apical compartment has its error."""
    slopes = 1 + 0.1*np.arange(3) + np.arange(20)[:, None]*DT
    v, rows = np.zeros(3), []
    for t, slope in zip(np.arange(20)*DT, slopes):
        v_dot = (slope*from_above(t, 0) - v)/2
        rows.append((v + DT*v_dot, v + 3*v_dot))
        v = rows[-1][0]
    found = driven(error_neuron(tau_m=3*ms, tau_r=2*ms))
    expected_v, ahead = np.swapaxes(rows, 0, 1)
    for name, values in (('v', expected_v), ('v_prosp', ahead), ('err', ahead)):
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-13, err_msg=name)
    apical = driven(representation_neuron('softplus', tau_m=3*ms, tau_r=2*ms, gamma=0.5))
    expected = []
    u = np.zeros(3)
    for t in np.arange(20)*DT:
        u_dot = (np.sin(t + np.arange(3)) + 0.5*from_above(t, 0) - u)/3
        expected.append(PHI['softplus'][0](u + 2*u_dot))
        u = u + DT*u_dot
    np.testing.assert_allclose(apical['r'], expected, rtol=0, atol=1e-13)


def test_equal_time_constants_are_latent_equilibrium():
    """Errors are handed on as they are, and rates those of a point neuron."""
    found = driven(gle_neuron('tanh', tau_m=5*ms))
    slope = np.concatenate([np.zeros((1, 3)), found['slope'][:-1]])
    above = np.array([from_above(t, 0) for t in np.arange(20)*DT])
    np.testing.assert_allclose(found['err'], slope*above, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found['r'], driven(point_neuron('tanh', tau_m=5*ms))['r'], rtol=0,
                               atol=1e-13)


def test_texts():
    eqs = gle_neuron('tanh', tau_m='constant', tau_r='')
    assert eqs['tau_m'].flags == ['constant'] and eqs['tau_r'].flags == []
    assert str(eqs['u'].expr) == '(v_in + b - u)/tau_m'
    assert 'v_err' not in gle_output() and 'beta' in gle_output().parameter_names
    assert str(error_neuron(inputs=('a', 'c'))['err_in'].expr) == 'slope*(a + c)'
    assert str(gle_neuron(inputs=('a',))['u'].expr) == '(a - u)/tau_m'


BAD = {
    'activation': (lambda: gle_neuron('than'), ValueError, "did you mean 'tanh'"),
    'errors': (lambda: gle_neuron(errors='instant'), ValueError, "did you mean 'instantaneous'"),
    'no inputs': (lambda: gle_neuron(inputs=()), ValueError, 'inputs is \\(\\); give a tuple'),
    'inputs as a text': (lambda: error_neuron(inputs='v'), ValueError, "inputs is 'v'"),
    'tau_m of 0': (lambda: gle_neuron(tau_m=0*ms), ValueError, 'tau_m is 0'),
    'negative tau_r': (lambda: representation_neuron(tau_r=-1*ms), ValueError, 'tau_r is -1'),
    'tau_r of 0 in an error neuron': (lambda: error_neuron(tau_r=0*ms), ValueError, 'tau_r is 0'),
    'tau_m in volt': (lambda: gle_output(tau_m=1*mV), DimensionMismatchError, "'tau_m'"),
    'tau_r in hertz': (lambda: error_neuron(tau_r=1*Hz), DimensionMismatchError, "'tau_r'"),
    'loss': (lambda: gle_output(loss='msa'), ValueError, "did you mean 'mse'"),
    'cross-entropy of rates': (lambda: gle_output('tanh', loss='cross_entropy'), ValueError,
                               "have to be linear; here their activation is 'tanh'"),
    'gamma NaN': (lambda: gle_neuron(gamma=np.nan), ValueError, 'gamma is nan; give a finite'),
    'gamma as flags': (lambda: gle_output(gamma='constant'), ValueError, "gamma is 'constant'"),
    'negative beta': (lambda: gle_output(beta=-1), ValueError, 'beta is -1'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
