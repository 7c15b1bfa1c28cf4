import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brian_le import get_activation
from brian_le.protocols.baselines.adjoint import (TemporalNetwork, adjoint_gradients,
                                                  adjoint_signals, bptt_gradients)
from brian_le.protocols.baselines.windowed import Adam, Momentum, WindowedStudent, train_truncated

SIZES = 2, 4, 3, 2
ACTIVATIONS = 'tanh', 'linear', 'softplus'
DT = 0.1
RTOL = 1e-8  # of finite differences


def random_weights(rng, sizes=SIZES, taus=(0.3, 2)):
    weights = {}
    for k, (before, after) in enumerate(zip(sizes, sizes[1:])):
        weights['forward', k] = rng.normal(0, 0.8, (after, before))
        weights['bias', k] = rng.normal(0, 0.5, after)
        weights['tau_m', k] = rng.uniform(*taus, after)
        weights['tau_r', k] = weights['tau_m', k]*rng.choice([0, 0.5, 1, 1.5], after)
    return weights


def simulate(weights, inputs, state=None, activations=ACTIVATIONS, dt=DT):
    """Outputs and final state of the network, one step after the other for all layers at once."""
    layers = range(len(activations))
    n = inputs.shape[1]
    u = [np.zeros((n, len(weights['forward', k]))) for k in layers]
    r = [np.zeros((n, len(weights['forward', k]))) for k in layers]
    if state is not None:
        u, r = ([state[what, k] for k in layers] for what in 'ur')
    outputs = []
    for x in inputs:
        new_r = []
        for k, read in enumerate([x, *r[:-1]]):
            s = read @ weights['forward', k].T + weights.get(('bias', k), 0)
            u_dot = (s - u[k])/weights['tau_m', k]
            new_r.append(get_activation(activations[k]).rates(u[k] + weights['tau_r', k]*u_dot))
            u[k] = u[k] + dt*u_dot
        r = new_r
        outputs.append(r[-1])
    return np.array(outputs), {(what, k): of_layers[k] for what, of_layers in (('u', u), ('r', r))
                               for k in layers}


def slopes_of_loss(weights, loss, step=1e-5):
    """Central finite differences of loss(weights) by each element of all weights."""
    found = {key: np.empty(w.shape) for key, w in weights.items()}
    for key, w in weights.items():
        for index in np.ndindex(*w.shape):
            losses = []
            for sign in (1, -1):
                changed = {key: w.copy() for key, w in weights.items()}
                changed[key][index] += sign*step
                losses.append(loss(changed))
            found[key][index] = (losses[0] - losses[1])/(2*step)
    return found


def example(seed, steps=12, batch=3):
    rng = np.random.default_rng(seed)
    weights = random_weights(rng)
    inputs, targets = (rng.normal(size=(steps, batch, 2)) for _ in range(2))
    return weights, inputs, targets


def quartic(outputs, targets):
    """A loss that is not quadratic, and the errors that belong to it."""
    differences = targets - outputs
    return (differences**4).sum(axis=(0, 2)).mean(), 4*differences**3


def assert_same(gradients, expected, rtol):
    assert list(gradients) == list(expected)
    for key, gradient in gradients.items():
        assert gradient.shape == expected[key].shape
        np.testing.assert_allclose(gradient, expected[key], rtol=0, err_msg=str(key),
                                   atol=rtol*np.abs(expected[key]).max())


def test_steps():
    weights, inputs, _ = example(1, 30)
    trajectory = TemporalNetwork(weights, ACTIVATIONS, DT).run(inputs)
    outputs, state = simulate(weights, inputs)
    np.testing.assert_allclose(trajectory.outputs, outputs, rtol=1e-12)
    for key, values in state.items():
        np.testing.assert_allclose(trajectory.state[key], values, rtol=1e-12)
    np.testing.assert_array_equal(trajectory.read[0], inputs)
    np.testing.assert_array_equal(trajectory.read[1][1:], trajectory.r[0][:-1])
    for k in range(3):
        np.testing.assert_array_equal(
            trajectory.u_before[k] + weights['tau_r', k]*trajectory.u_dot[k],
            trajectory.u_prosp[k])


def test_first_steps_by_hand():
    weights = {('forward', 0): [[2]], ('tau_m', 0): [4], ('tau_r', 0): [2],
               ('forward', 1): [[3]], ('bias', 1): [1], ('tau_m', 1): [1], ('tau_r', 1): [1]}
    trajectory = TemporalNetwork(weights, ['linear']*2, 0.5).run(np.ones((3, 1, 1)))
    # s = 2: u_dot = 0.5, then u = 0.25 and u_dot = 0.4375, then u = 0.46875
    np.testing.assert_array_equal(trajectory.r[0].ravel(), [1, 1.125, 1.234375])
    # with tau_r = tau_m the look-ahead is s itself, of the rate one step before
    np.testing.assert_array_equal(trajectory.r[1].ravel(), [1, 4, 4.375])


@pytest.mark.parametrize('seed', range(3))
def test_bptt_gradients_are_slopes_of_the_loss(seed):
    weights, inputs, targets = example(seed)
    network = TemporalNetwork(weights, ACTIVATIONS, DT)
    trajectory = network.run(inputs)
    _, errors = quartic(trajectory.outputs, targets)
    expected = slopes_of_loss(weights,
                              lambda w: quartic(simulate(w, inputs)[0], targets)[0])
    assert_same(bptt_gradients(network, trajectory, errors), expected, RTOL)


def test_bptt_gradients_without_biases():
    weights, inputs, targets = example(5)
    without = {key: w for key, w in weights.items() if key != ('bias', 1)}
    with_zeros = weights | {('bias', 1): np.zeros(3)}
    found = []
    for chosen in (without, with_zeros):
        network = TemporalNetwork(chosen, ACTIVATIONS, DT)
        trajectory = network.run(inputs)
        found.append(bptt_gradients(network, trajectory, quartic(trajectory.outputs, targets)[1]))
    assert_same(found[0], {key: g for key, g in found[1].items() if key != ('bias', 1)}, 1e-13)


def test_runs_go_on_from_their_state():
    weights, inputs, _ = example(2, 40)
    network = TemporalNetwork(weights, ACTIVATIONS, DT)
    whole = network.run(inputs)
    first = network.run(inputs[:17])
    second = network.run(inputs[17:], first.state)
    for name in ('read', 'u_before', 'u_dot', 'u_prosp', 'r'):
        for k in range(3):
            pieces = getattr(first, name)[k], getattr(second, name)[k]
            np.testing.assert_array_equal(np.concatenate(pieces), getattr(whole, name)[k])
    for key, values in whole.state.items():
        np.testing.assert_array_equal(second.state[key], values)


def test_truncated_gradients_take_the_state_as_constant():
    weights, inputs, targets = example(3, 24)
    network = TemporalNetwork(weights, ACTIVATIONS, DT)
    before = network.run(inputs[:12])
    trajectory = network.run(inputs[12:], before.state)
    _, errors = quartic(trajectory.outputs, targets[12:])
    expected = slopes_of_loss(weights, lambda w: quartic(
        simulate(w, inputs[12:], before.state)[0], targets[12:])[0])
    gradients = bptt_gradients(network, trajectory, errors)
    assert_same(gradients, expected, RTOL)
    # the whole past is more than this
    whole = network.run(inputs)
    errors = np.concatenate([np.zeros_like(errors), errors])
    complete = bptt_gradients(network, whole, errors)
    assert np.abs(complete['forward', 0] - gradients['forward', 0]).max() > 0.01


def unit(tau_m, tau_r, dt, activation='linear'):
    return TemporalNetwork({('forward', 0): [[1]], ('tau_m', 0): [tau_m], ('tau_r', 0): [tau_r]},
                           [activation], dt)


@pytest.mark.parametrize('tau_m, tau_r', [(1, 0), (1, 0.3), (2, 2), (0.5, 1.5)])
@pytest.mark.parametrize('w', [0.3, 2])
def test_gain_and_phase_of_adjoint_signals(tau_m, tau_r, w):
    dt = 0.002
    times = dt*np.arange(round((4*np.pi/w + 20*tau_m)/dt))
    network = unit(tau_m, tau_r, dt)
    trajectory = network.run(np.zeros((len(times), 1, 1)))
    # linear, so that parts of a complex wave can be sent one after the other
    lambda_ = sum(part*adjoint_signals(network, trajectory, wave[:, None, None])[0].ravel()
                  for part, wave in ((1, np.cos(w*times)), (1j, np.sin(w*times))))
    settled = times < times[-1] - 20*tau_m  # signals come from the end
    transfer = (lambda_/np.exp(1j*w*times))[settled]
    expected = (1 - 1j*w*tau_r)/(1 - 1j*w*tau_m)
    assert np.abs(transfer/expected - 1).max() < 0.003  # of the order of dt/tau_m


def test_adjoint_signals_with_matching_time_constants_are_the_errors():
    """The look-back undoes the integral, apart from what is missing at the end."""
    dt, tau = 0.01, 0.5
    times = dt*np.arange(2000)
    errors = (np.sin(times) + 0.5)[:, None, None]
    network = unit(tau, tau, dt)
    lambda_, = adjoint_signals(network, network.run(np.zeros_like(errors)), errors)
    missing = errors[-1]*np.exp((times - times[-1])/tau)[:, None, None]
    np.testing.assert_allclose(lambda_, errors - missing, atol=0.016)


def slow_example(dt, tau_r=0.5, duration=40):
    rng = np.random.default_rng(4)
    weights = random_weights(rng, taus=(0.5, 1.5))
    for k in range(3):
        weights['tau_r', k] = weights['tau_m', k]*rng.uniform(0, 2*tau_r, SIZES[k + 1])
    network = TemporalNetwork(weights, ACTIVATIONS, dt)
    times = dt*np.arange(round(duration/dt))
    phases = rng.uniform(0, 2*np.pi, (2, 3, 2))
    inputs, targets = np.sin(0.5*times[:, None, None] + phases[:, None])
    trajectory = network.run(inputs)
    # errors fade in and out, for the adjoint method leaves out the last ones
    fade = np.sin(np.pi*times/times[-1])[:, None, None]**2
    return network, trajectory, fade*(targets - trajectory.outputs)*dt


def compare(network, trajectory, errors):
    exact = bptt_gradients(network, trajectory, errors)
    found = adjoint_gradients(network, trajectory, adjoint_signals(network, trajectory, errors))
    assert set(exact) - set(found) == {('tau_r', k) for k in range(3)}
    a, b = (np.concatenate([g[key].ravel() for key in found]) for g in (found, exact))
    return a @ b/np.linalg.norm(a)/np.linalg.norm(b), np.linalg.norm(a)/np.linalg.norm(b), \
        np.linalg.norm(a - b)/np.linalg.norm(b)


def test_adjoint_gradients_approach_the_exact_ones():
    differences = []
    for dt in (0.02, 0.01, 0.005):
        cosine, ratio, difference = compare(*slow_example(dt))
        differences.append(difference)
    assert cosine > 1 - 3e-6 and abs(ratio - 1) < 0.006
    # in proportion to the time step
    np.testing.assert_allclose(np.divide(differences[:-1], differences[1:]), 2, rtol=0.1)


def test_adjoint_gradients_leave_out_the_end():
    """With one layer and tau_m far above dt, nothing else makes a difference."""
    dt, tau_m, tau_r = 0.001, 1, 0.8
    network = unit(tau_m, tau_r, dt)
    inputs = np.ones((4000, 1, 1))
    trajectory = network.run(inputs)
    errors = np.full((4000, 1, 1), dt)
    exact = bptt_gradients(network, trajectory, errors)['forward', 0].item()
    found = adjoint_gradients(network, trajectory, adjoint_signals(
        network, trajectory, errors))['forward', 0].item()
    # -1 times the integral of the response to a step, 1 - (1 - tau_r/tau_m)*exp(-t)
    assert exact == pytest.approx(-4 + 0.2*(1 - np.exp(-4)), rel=1e-3)
    assert found - exact == pytest.approx(tau_r*(1 - np.exp(-4)), rel=2e-3)


@given(seed=st.integers(0, 10**6), batch=st.integers(1, 4), a=st.floats(-3, 3))
def test_gradients_are_linear_in_errors_and_means_over_the_batch(seed, batch, a):
    rng = np.random.default_rng(seed)
    network = TemporalNetwork(random_weights(rng), ACTIVATIONS, DT)
    inputs, one, other = rng.normal(size=(3, 8, batch, 2))

    def adjoint(network, trajectory, errors):
        return adjoint_gradients(network, trajectory,
                                 adjoint_signals(network, trajectory, errors))

    for method in (bptt_gradients, adjoint):
        trajectory = network.run(inputs)
        found = method(network, trajectory, a*one + other)
        of_one, of_other = (method(network, trajectory, errors) for errors in (one, other))
        singles = [method(network, network.run(inputs[:, b:b + 1]), (a*one + other)[:, b:b + 1])
                   for b in range(batch)]
        for key, gradient in found.items():
            scale = np.abs([of_one[key], of_other[key]]).max()
            np.testing.assert_allclose(gradient, a*of_one[key] + of_other[key], rtol=0,
                                       atol=1e-12*scale)
            np.testing.assert_allclose(gradient, np.mean([s[key] for s in singles], axis=0),
                                       rtol=0, atol=1e-12*max(1, scale))


KEY = 'forward', 0
GRADIENTS = np.array([[3., -1e-9], [-0.5, 2.], [0.1, 0.], [-4., 1.]])


def test_momentum():
    weights, optimiser = {KEY: np.array([1., 2.])}, Momentum(0.1, 0.9)
    p, buffer = [1., 2.], [None, None]
    for gradient in GRADIENTS:
        optimiser.step(weights, {KEY: gradient})
        for i, g in enumerate(gradient):
            buffer[i] = g if buffer[i] is None else 0.9*buffer[i] + g
            p[i] -= 0.1*buffer[i]
        np.testing.assert_array_equal(weights[KEY], p)
    np.testing.assert_array_equal(optimiser.state['momentum', *KEY], buffer)


def test_adam():
    weights, optimiser = {KEY: np.array([1., 2.])}, Adam(0.1, (0.8, 0.95), 1e-3)
    p, m, v = [1., 2.], [0., 0.], [0., 0.]
    for t, gradient in enumerate(GRADIENTS, 1):
        optimiser.step(weights, {KEY: gradient})
        for i, g in enumerate(gradient):
            m[i] = 0.8*m[i] + 0.2*g
            v[i] = 0.95*v[i] + 0.05*g*g
            p[i] -= 0.1*m[i]/(1 - 0.8**t)/((v[i]/(1 - 0.95**t))**0.5 + 1e-3)
        np.testing.assert_allclose(weights[KEY], p, rtol=1e-14)


@pytest.mark.parametrize('kind, options', [(Momentum, {'momentum': 0.5}), (Adam, {})])
def test_optimisers_go_on_from_their_state(kind, options):
    whole, pieces = {KEY: np.zeros(2)}, {KEY: np.zeros(2)}
    optimiser = kind(0.1, **options)
    for gradient in GRADIENTS:
        optimiser.step(whole, {KEY: gradient})
    first = kind(0.1, **options)
    for gradient in GRADIENTS[:2]:
        first.step(pieces, {KEY: gradient})
    kept = {key: values.copy() for key, values in first.state.items()}
    second = kind(0.1, **options, state=first.state)
    for gradient in GRADIENTS[2:]:
        second.step(pieces, {KEY: gradient})
    np.testing.assert_array_equal(pieces[KEY], whole[KEY])
    assert all((first.state[key] == values).all() for key, values in kept.items())


def chain(w, tau_m, tau_r=0.1):
    weights = {}
    for k in range(2):
        weights |= {('forward', k): [[w[k]]], ('tau_m', k): [tau_m[k]], ('tau_r', k): [tau_r]}
    return TemporalNetwork(weights, ['softplus']*2, 0.05)


def steps_of_input(n, batch):
    return np.random.default_rng(7).uniform(-1, 3, (n//20, batch, 1)).repeat(20, axis=0)


LEARNED = [('forward', 0), ('forward', 1), ('tau_m', 0), ('tau_m', 1)]


@pytest.mark.parametrize('method', ['bptt', 'adjoint'])
def test_student_finds_its_teacher(method):
    inputs = 3*steps_of_input(60000, 8) - 4  # from far below the bend of softplus to far above it
    targets = chain([1, 2], [1, 2]).run(inputs).outputs
    student = chain([0.6, 1.2], [0.5, 0.8])
    losses, _ = train_truncated(student, inputs, targets, 200, Adam(0.02), LEARNED, method=method)
    assert losses[-20:].mean() < 5e-4*losses[:5].mean()
    for key, value in zip(LEARNED, (1, 2, 1, 2)):
        assert student.weights[key].item() == pytest.approx(value, rel=0.03)


@pytest.mark.parametrize('method', ['bptt', 'adjoint'])
@pytest.mark.parametrize('optimiser', [Momentum, Adam])
def test_training_in_chunks(method, optimiser):
    inputs = steps_of_input(400, 3)
    targets = chain([1, 2], [1, 2]).run(inputs).outputs
    whole, pieces = (chain([0.6, 1.2], [0.5, 0.8]) for _ in range(2))
    options = dict(window=20, learned=LEARNED, method=method, least_tau_m=0.5)
    losses, state = train_truncated(whole, inputs, targets, optimiser=optimiser(0.01), **options)
    first = optimiser(0.01)
    found, between = train_truncated(pieces, inputs[:160], targets[:160], optimiser=first,
                                     **options)
    pieces = TemporalNetwork(pieces.weights, ['softplus']*2, 0.05)
    rest, at_end = train_truncated(pieces, inputs[160:], targets[160:], state=between,
                                   optimiser=optimiser(0.01, state=first.state), **options)
    np.testing.assert_array_equal(np.concatenate([found, rest]), losses)
    for key, values in whole.weights.items():
        np.testing.assert_array_equal(pieces.weights[key], values)
    for key, values in state.items():
        np.testing.assert_array_equal(at_end[key], values)


def test_training_is_a_step_down_the_loss_of_each_window():
    inputs = steps_of_input(40, 3)
    targets = chain([1, 2], [1, 2]).run(inputs).outputs
    student = chain([0.6, 1.2], [0.5, 0.8])
    weights = {key: w.copy() for key, w in student.weights.items()}
    state, rate = None, 1e-3
    losses, _ = train_truncated(student, inputs, targets, 20, Momentum(rate), LEARNED)
    for window, expected_loss in zip((slice(0, 20), slice(20, 40)), losses):
        def loss(w):
            outputs, _ = simulate(w, inputs[window], state, ['softplus']*2, 0.05)
            return ((outputs - targets[window])**2).sum(axis=0).mean()

        assert loss(weights)/20 == pytest.approx(expected_loss, rel=1e-12)
        slopes = slopes_of_loss(weights, loss)
        _, state_after = simulate(weights, inputs[window], state, ['softplus']*2, 0.05)
        weights |= {key: weights[key] - rate*slopes[key] for key in LEARNED}
        state = state_after
    for key, values in weights.items():
        np.testing.assert_allclose(student.weights[key], values, rtol=1e-9)
    assert (student.weights['tau_r', 0] == 0.1).all()


def test_time_constants_have_a_floor():
    inputs = steps_of_input(200, 2)
    targets = chain([1, 2], [0.06, 0.06], 0).run(inputs).outputs
    student = chain([1, 2], [0.6, 0.6], 0)
    train_truncated(student, inputs, targets, 20, Adam(0.2), LEARNED[2:], least_tau_m=0.5)
    assert student.weights['tau_m', 0] == 0.5
    with pytest.raises(ValueError, match=r"tau_m', .\)\] is .*at least the time step, 0.05"):
        train_truncated(student, inputs, targets, 20, Adam(0.2), LEARNED[2:])


GOOD, INPUTS, TARGETS = example(6, 4)


def without(key):
    return {other: w for other, w in GOOD.items() if other != key}


@pytest.mark.parametrize('weights, options, message', [
    (without(('forward', 1)), {}, r"weights\[\('forward', 1\)\] are missing"),
    (without(('tau_r', 2)), {}, r"weights\[\('tau_r', 2\)\] are missing"),
    (GOOD | {('forward', 1): np.ones((3, 5))}, {}, r"\('forward', 1\)\] has shape \(3, 5\)"),
    (GOOD | {('forward', 1): np.ones((2, 4))}, {}, r"\('bias', 1\)\] has shape \(3,\), but \(2,"),
    (GOOD | {('tau_m', 1): 1}, {}, r"\('tau_m', 1\)\] has shape \(\), but \(3,\)"),
    (GOOD | {('bias', 2): [1, np.nan]}, {}, r"\('bias', 2\)\] contains nan"),
    (GOOD | {('tau_m', 2): [1, 0.09]}, {}, r"\('tau_m', 2\)\] is .*at least the time step, 0.1"),
    (GOOD | {('tau_r', 2): [1, -1]}, {}, r"\('tau_r', 2\)\] is .*not negative"),
    (GOOD | {('forward', 3): np.ones((1, 2))}, {}, r"no layer for weights\[\('forward', 3\)\]"),
    (GOOD | {('tau', 1): np.ones(3)}, {}, r"weights\[\('tau', 1\)\]; give the kinds forward, bias"),
    (GOOD | {1: np.ones(3)}, {}, r'no layer for weights\[1\]'),
    (GOOD, {'activations': ['tanh', 'tahn', 'tanh']}, "did you mean 'tanh'"),
    (GOOD, {'activations': []}, 'no layers'),
    (GOOD, {'dt': 0}, 'dt is 0'),
])
def test_bad_networks(weights, options, message):
    with pytest.raises(ValueError, match=message):
        TemporalNetwork(weights, **{'activations': ACTIVATIONS, 'dt': DT} | options)


def test_weights_are_copied_and_feedback_passed_over():
    given_weights = GOOD | {('feedback', 1): np.ones((3, 2))}
    network = TemporalNetwork(given_weights, ACTIVATIONS, DT)
    assert set(network.weights) == set(GOOD)
    assert not any(np.shares_memory(network.weights[key], w) for key, w in GOOD.items())


@pytest.mark.parametrize('inputs, state, message', [
    (INPUTS[0], None, r'inputs has shape \(3, 2\)'),
    (INPUTS[:, :, :1], None, r"inputs has shape \(4, 3, 1\), but \('any', 'any', 2\)"),
    (INPUTS[:0], None, 'at least one step'),
    (INPUTS[:, :0], None, 'at least one step and sample'),
    (INPUTS*np.inf, None, 'inputs contains'),
    (INPUTS, {}, r"state has nothing; give \('u', 0\)"),
    (INPUTS, {('u', 0): np.ones((3, 4))}, r"state has \('u', 0\); give \('u', 0\), \('r', 0\)"),
    (INPUTS[:, :2], simulate(GOOD, INPUTS)[1], r"state\[\('u', 0\)\] has shape \(3, 4\)"),
    (INPUTS, simulate(GOOD, INPUTS)[1] | {('r', 1): np.full((3, 3), np.nan)}, 'contains nan'),
])
def test_bad_runs(inputs, state, message):
    with pytest.raises(ValueError, match=message):
        TemporalNetwork(GOOD, ACTIVATIONS, DT).run(inputs, state)


def test_bad_errors_and_signals():
    network = TemporalNetwork(GOOD, ACTIVATIONS, DT)
    trajectory = network.run(INPUTS)
    for method in (bptt_gradients, adjoint_signals):
        with pytest.raises(ValueError, match=r'output_errors has shape \(3, 3, 2\), but \(4, 3'):
            method(network, trajectory, TARGETS[1:])
        with pytest.raises(ValueError, match='output_errors contains nan'):
            method(network, trajectory, TARGETS*np.nan)
    signals = adjoint_signals(network, trajectory, TARGETS)
    with pytest.raises(ValueError, match='2 signals for 3 layers'):
        adjoint_gradients(network, trajectory, signals[1:])
    with pytest.raises(ValueError, match=r'signals\[0\] has shape \(4, 3, 2\)'):
        adjoint_gradients(network, trajectory, signals[::-1])


@pytest.mark.parametrize('build, message', [
    (lambda: Momentum(-1), 'rate is -1'), (lambda: Momentum(1, 1), 'momentum is 1; .* below 1'),
    (lambda: Momentum(1, -0.1), 'momentum is -0.1'), (lambda: Adam(np.nan), 'rate is nan'),
    (lambda: Adam(1, eps=-1), 'eps is -1'), (lambda: Adam(1, (0.9, 1)), 'decays is .* below 1'),
    (lambda: Adam(1, 0.9), r'decays has shape \(\), but \(2,\)')])
def test_bad_optimisers(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize('options, message', [
    ({'window': 3}, '4 steps are not a whole number of windows of 3'),
    ({'window': 0}, 'window=0'), ({'inputs': INPUTS[:0], 'targets': TARGETS[:0]}, '0 steps'),
    ({'targets': TARGETS[:2]}, r'targets has shape \(2, 3, 2\)'),
    ({'targets': TARGETS[:, :, :1]}, r'targets has shape \(2, 3, 1\), but \(2, 3, 2\)'),
    ({'targets': TARGETS*np.nan}, 'targets contains nan'),
    ({'method': 'bppt'}, "did you mean 'bptt'"), ({'least_tau_m': 0}, 'least_tau_m is 0'),
    ({'learned': [('forward', 3)]}, r"'bptt' has no gradient for weights\[\('forward', 3\)\]"),
    ({'learned': [('tau_r', 0)], 'method': 'adjoint'}, "'adjoint' has no gradient for .*tau_r"),
])
def test_bad_training(options, message):
    network = TemporalNetwork(GOOD, ACTIVATIONS, DT)
    arguments = dict(inputs=INPUTS, targets=TARGETS, window=2, optimiser=Adam(0.1),
                     learned=[('forward', 0)])
    with pytest.raises(ValueError, match=message):
        train_truncated(network, **arguments | options)
    assert all((network.weights[key] == w).all() for key, w in GOOD.items())


def test_a_student_that_diverges_is_named():
    weights = {('forward', 0): [[1.0]], ('tau_m', 0): [1.0], ('tau_r', 0): [1.0]}
    student = WindowedStudent('bptt4', TemporalNetwork(weights, ['linear'], dt=0.1),
                              Momentum(1e200), 10, [('forward', 0)])
    x = np.ones((100, 1, 1))
    with np.errstate(all='ignore'), pytest.raises(
            FloatingPointError, match=r"'bptt4': outputs are no longer finite in window \d of 10"):
        student.learn(x, 2*x)
