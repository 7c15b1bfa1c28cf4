import numpy as np
import pytest

from brian_le.protocols.baselines.echo_state import EchoStateNetwork, fit_readout, select


def test_states_are_those_of_the_equation():
    rng = np.random.default_rng(3)
    W = rng.normal(size=(7, 7))
    W *= 0.7/np.abs(np.linalg.eigvals(W)).max()
    W_in, b = 0.5*rng.uniform(-1, 1, (7, 2)), 0.5*rng.uniform(-1, 1, 7)
    network = EchoStateNetwork(7, 2, np.random.default_rng(3), spectral_radius=0.7, leak=0.3,
                               input_scale=0.5)
    x = np.random.default_rng(4).normal(size=(30, 3, 2))
    states = network.run(x)
    for sample in range(3):
        r = np.zeros(7)
        for step in range(30):
            r = 0.7*r + 0.3*np.tanh(W.dot(r) + W_in.dot(x[step, sample]) + b)
            np.testing.assert_allclose(states[step, sample], r, rtol=0, atol=1e-14)
    assert np.abs(np.linalg.eigvals(network.recurrent)).max() == pytest.approx(0.7, abs=1e-12)


def test_states_forget_where_they_began():
    network = EchoStateNetwork(30, 1, np.random.default_rng(1), spectral_radius=0.6)
    rng = np.random.default_rng(2)
    before, after = rng.normal(size=(2, 50, 1, 1)), rng.normal(size=(1, 200, 1, 1))
    first, second = (network.run(np.concatenate([part, after[0]]))[-1] for part in before)
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-12)


@pytest.mark.parametrize('penalty', [0, 1e-3, 1.0])
def test_readout_solves_the_normal_equations(penalty):
    rng = np.random.default_rng(5)
    states, targets = rng.normal(size=(40, 2, 5)) + 1, rng.normal(size=(40, 2, 3))
    r, y = states.reshape(-1, 5), targets.reshape(-1, 3)
    with_one = np.column_stack([r, np.ones(80)])
    ridge = penalty*80*np.diag([1, 1, 1, 1, 1, 0])  # the constant is free
    w = np.linalg.solve(with_one.T @ with_one + ridge, with_one.T @ y)
    found = fit_readout(states, targets, penalty)(states)
    np.testing.assert_allclose(found.reshape(-1, 3), with_one @ w, rtol=0, atol=1e-13)


def test_selection_has_the_least_error_of_the_grid():
    x = np.sin(0.2*np.arange(400)) + 0.1*np.random.default_rng(1).normal(size=400)
    x = x[:, None, None]
    train, validation = (x[:200], x[3:203]), (x[200:-3], x[203:])

    def make(**options):
        return EchoStateNetwork(15, 1, np.random.default_rng(2), **options)

    _, readout, chosen = select(make, train, validation, 50, penalties=[1e-6, 1e-2],
                                leak=[0.2, 1.0], spectral_radius=[0.5, 0.9])
    errors = {}
    for leak in (0.2, 1.0):
        for radius in (0.5, 0.9):
            network = make(leak=leak, spectral_radius=radius)
            for penalty in (1e-6, 1e-2):
                fitted = fit_readout(network.run(train[0])[50:], train[1][50:], penalty)
                outputs = fitted(network.run(validation[0])[50:])
                errors[leak, radius, penalty] = np.mean((outputs - validation[1][50:])**2)
    best = min(errors, key=errors.get)
    assert (chosen['leak'], chosen['spectral_radius'], chosen['penalty']) == best


BAD = {
    'n': (dict(n=0), 'n=0; give a whole number'),
    'n_inputs': (dict(n_inputs=1.5), 'n_inputs=1.5; give a whole number'),
    'radius': (dict(spectral_radius=-1), 'spectral_radius is -1; it has to be finite and not neg'),
    'nan': (dict(spectral_radius=np.nan), 'spectral_radius is nan'),
    'leak 0': (dict(leak=0), 'leak is 0; it has to be finite and positive'),
    'leak 2': (dict(leak=2), 'leak is 2; it has to be at most 1'),
    'scale': (dict(input_scale=-1), 'input_scale is -1'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_networks(case):
    options, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        EchoStateNetwork(**(dict(n=3, n_inputs=1, rng=np.random.default_rng(1)) | options))


@pytest.mark.parametrize('call, message', [
    (lambda net: net.run(np.ones((5, 1, 2))), r'inputs has shape \(5, 1, 2\)'),
    (lambda net: net.run(np.full((5, 1, 1), np.nan)), 'inputs contains nan'),
    (lambda net: fit_readout(np.ones((5, 1, 2)), np.ones((4, 1, 1)), 0), 'targets has shape'),
    (lambda net: fit_readout(np.ones((5, 1, 2)), np.ones((5, 1, 1)), -1), 'penalty is -1'),
    (lambda net: fit_readout(np.full((5, 1, 2), np.inf), np.ones((5, 1, 1)), 0), 'states contain'),
])
def test_bad_data(call, message):
    with pytest.raises(ValueError, match=message):
        call(EchoStateNetwork(3, 1, np.random.default_rng(1)))
