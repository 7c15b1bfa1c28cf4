import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from brian_le import ACTIVATIONS, Activation
from brian_le.models import (AveragePool, Conv, Dense, Flatten, MaxPool, initial_weights,
                             layer_shapes)
from brian_le.protocols.baselines.backprop import BackpropNetwork

OWN = Activation('own', '0.5*x**3 + int(x > 0.2 + pi)*sin(x) - int(x)',
                 '1.5*x**2 + int(x > 0.2 + pi)*cos(x)', 'with jumps')
#: Every value is the same, so that only the rule for ties decides which one wins.
FLAT = Activation('flat', '0*x + 1', '1.0', 'all equal, yet errors pass')


def per_axis(draw, sizes, least, most):
    return tuple(draw(st.integers(least, max(least, min(most, n)))) for n in sizes)


@st.composite
def architectures(draw):
    """Dense layers only, or convolutions and pooling on a line or a plane before them."""
    dimensions = draw(st.integers(0, 2))
    if dimensions == 0:
        sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
        return draw(st.integers(1, 5)), [Dense(n) for n in sizes]
    shape = (*per_axis(draw, (7,)*dimensions, 3, 7), draw(st.integers(1, 2)))
    input_shape, layers = shape, []
    for _ in range(draw(st.integers(1, 2))):
        padding = per_axis(draw, shape[:-1], 0, 2)
        kernel = per_axis(draw, shape[:-1], 1, 3)
        layers.append(Conv(draw(st.integers(1, 3)), kernel, per_axis(draw, (2,)*dimensions, 1, 2),
                           padding))
        shape = layers[-1].output_shape(shape)
        pool = draw(st.sampled_from((None, MaxPool, AveragePool)))
        if pool is not None:
            stride = draw(st.sampled_from((None, 1, 2)))
            layers.append(pool(per_axis(draw, shape[:-1], 1, 3), stride))
            shape = layers[-1].output_shape(shape)
    if not layers[-1].has_weights or draw(st.booleans()):
        layers += [Flatten(), Dense(draw(st.integers(1, 4)))]
    return input_shape, layers


def random_weights(input_shape, layers, rng):
    return {key: rng.normal(0, 0.6, w.shape)
            for key, w in initial_weights(input_shape, layers, rng).items()}


def samples(input_shape, layers, n, rng):
    shapes = layer_shapes(input_shape, layers)
    return rng.normal(size=(n, np.prod(shapes[0]))), rng.uniform(size=(n, np.prod(shapes[-1])))


def slopes(network, weight, inputs, targets, step):
    """Central finite differences of the loss by each element of a weight of the network."""
    found = np.empty(weight.shape)
    for index in np.ndindex(*weight.shape):
        value, losses = weight[index], []
        for sign in (1, -1):
            weight[index] = value + sign*step
            losses.append(network.gradients(inputs, targets)[0])
        weight[index] = value
        found[index] = (losses[0] - losses[1])/(2*step)
    return found


def check_gradients(network, inputs, targets):
    _, gradients = network.gradients(inputs, targets)
    assert list(gradients) == list(network.weights)
    near, far = ({key: slopes(network, w, inputs, targets, step)
                  for key, w in network.weights.items()} for step in (1e-5, 2e-5))
    scale = max(np.abs(slope).max() for slope in near.values()) + 1e-3
    smooth = {key: np.abs(near[key] - far[key]) < 2e-8*scale for key in near}
    # a kink of an activation, or another winner of a max pooling window, may be that close
    assert np.mean(np.concatenate([s.ravel() for s in smooth.values()])) > 0.9
    for key, gradient in gradients.items():
        assert gradient.shape == network.weights[key].shape
        np.testing.assert_allclose(gradient[smooth[key]], near[key][smooth[key]], rtol=0,
                                   atol=1e-7*scale, err_msg=str(key))


@settings(max_examples=50)
@given(architecture=architectures(), activation=st.sampled_from(sorted(ACTIVATIONS)),
       output=st.sampled_from(sorted(ACTIVATIONS)), cross_entropy=st.booleans(),
       seed=st.integers(0, 10**6))
def test_gradients_are_slopes_of_the_loss(architecture, activation, output, cross_entropy, seed):
    rng = np.random.default_rng(seed)
    weights = random_weights(*architecture, rng)
    loss, output = ('cross_entropy', 'linear') if cross_entropy else ('mse', output)
    network = BackpropNetwork(*architecture, weights, activation=activation,
                              output_activation=output, loss=loss)
    check_gradients(network, *samples(*architecture, 3, rng))


@pytest.mark.parametrize('layers', [
    [Conv(3, 3, 2, 1), MaxPool(2, 1), Conv(2, (1, 2), padding=(0, 1)), Flatten(), Dense(2)],
    [Conv(2, 2), AveragePool((3, 2), (1, 2)), Flatten(), Dense(3), Dense(2)],
    [AveragePool(2), Conv(2, 2), MaxPool((2, 1), 1), Conv(1, 1)],
    [Flatten(), Dense(3, activation=OWN), Dense(2, activation='softplus')],
], ids=['max', 'average', 'pool first', 'own activation'])
def test_gradients_of_every_kind_of_layer(layers):
    rng = np.random.default_rng(5)
    weights = random_weights((6, 7, 2), layers, rng)
    check_gradients(BackpropNetwork((6, 7, 2), layers, weights),
                    *samples((6, 7, 2), layers, 3, rng))


def test_gradients_without_biases():
    rng = np.random.default_rng(3)
    layers = [Conv(2, 3), Flatten(), Dense(2)]
    weights = random_weights((5, 5, 1), layers, rng)
    with_zeros = {key: w*(key[0] == 'forward') for key, w in weights.items()}
    del weights['bias', 0], weights['bias', 1]
    network = BackpropNetwork((5, 5, 1), layers, weights)
    inputs, targets = samples((5, 5, 1), layers, 4, rng)
    np.testing.assert_array_equal(
        network.outputs(inputs), BackpropNetwork((5, 5, 1), layers, with_zeros).outputs(inputs))
    assert set(network.weights) == {('forward', 0), ('forward', 1)}
    check_gradients(network, inputs, targets)


@pytest.mark.parametrize('plane, kernel, stride, padding', [
    ((7, 6), (3, 2), (1, 1), (0, 0)), ((7, 6), (3, 2), (2, 3), (0, 0)),
    ((5, 8), (4, 3), (1, 2), (2, 1)), ((9,), (4,), (1,), (0,)), ((9,), (3,), (2,), (2,))])
def test_convolution_is_cross_correlation(plane, kernel, stride, padding):
    rng = np.random.default_rng(1)
    layers = [Conv(3, kernel, stride, padding)]
    weights = random_weights((*plane, 2), layers, rng)
    inputs = rng.normal(size=(4, *plane, 2))
    outputs = BackpropNetwork((*plane, 2), layers, weights).outputs(inputs.reshape(4, -1))
    padded = np.pad(inputs, ((0, 0), *((p, p) for p in padding), (0, 0)))
    steps = tuple(slice(None, None, s) for s in stride)
    expected = np.stack([[weights['bias', 0][channel] + sum(
        correlate(one[..., c], weights['forward', 0][channel, c], mode='valid')[steps]
        for c in range(2)) for channel in range(3)] for one in padded])
    expected = np.moveaxis(expected, 1, -1)
    np.testing.assert_allclose(outputs, expected.reshape(4, -1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('pool, reduce', [(MaxPool, np.max), (AveragePool, np.mean)])
@pytest.mark.parametrize('window, stride', [((2, 2), None), ((3, 2), (1, 1)), ((1, 2), (2, 3))])
def test_pooling(pool, reduce, window, stride):
    inputs = np.random.default_rng(2).normal(size=(2, 6, 7, 3))
    layers = [pool(window, stride), Conv(3, 1)]
    outputs = BackpropNetwork(inputs.shape[1:], layers, {
        ('forward', 0): np.eye(3).reshape(3, 3, 1, 1)}).outputs(inputs.reshape(2, -1))
    (rows, columns), (down, right) = window, stride or window
    expected = [[[reduce(one[y:y + rows, x:x + columns], axis=(0, 1))
                  for x in range(0, 7 - columns + 1, right)]
                 for y in range(0, 6 - rows + 1, down)] for one in inputs]
    np.testing.assert_allclose(outputs, np.reshape(expected, (2, -1)), rtol=1e-14)


def test_dense_layers_and_their_activations():
    rng = np.random.default_rng(4)
    layers = [Dense(3), Dense(4, activation='logistic'), Dense(2)]
    w = random_weights(5, layers, rng)
    x = rng.normal(size=(6, 5))
    network = BackpropNetwork(5, layers, w, activation='relu', output_activation='tanh')
    r = np.maximum(x @ w['forward', 0].T + w['bias', 0], 0)
    r = 1/(1 + np.exp(-(r @ w['forward', 1].T + w['bias', 1])))
    np.testing.assert_allclose(network.outputs(x),
                               np.tanh(r @ w['forward', 2].T + w['bias', 2]), rtol=1e-13)


def test_one_layer_object_may_be_used_twice():
    layer = Dense(2)
    weights = {('forward', k): np.eye(2) for k in range(2)}
    network = BackpropNetwork(2, [layer, layer], weights, activation='relu')
    np.testing.assert_array_equal(network.outputs([[-1, 2]]), [[0, 2]])


@pytest.mark.parametrize('precision', [np.float32, np.float64])
@pytest.mark.parametrize('activation, phi', [
    ('softplus', lambda x: np.logaddexp(0, x)),
    ('soft_relu', lambda x: np.where(x < -15, 0, np.logaddexp(0, x))), ('tanh', np.tanh),
    ('logistic', lambda x: 0.5 + 0.5*np.tanh(x/2)), ('hard_sigmoid', lambda x: np.clip(x, 0, 1)),
    ('relu', lambda x: np.maximum(x, 0)), ('linear', lambda x: x), (FLAT, np.ones_like),
    (Activation('const', '2.0', '0.0', '2'), lambda x: 2*np.ones_like(x)),
    (Activation('steps', 'int(x > 0) + int(x > 9) - int(x < -9)', '0.0', 'steps'),
     lambda x: np.sign(x)*(1.0 + (np.abs(x) > 9)) + (x < 0)),
    (OWN, lambda x: 0.5*x**3 + (x > 0.2 + np.pi)*np.sin(x) - np.fix(x))])
def test_activations(activation, phi, precision):
    x = np.linspace(-40, 40, 167).astype(precision)[:, None]
    network = BackpropNetwork(1, [Dense(1)], {('forward', 0): np.ones((1, 1))},
                              output_activation=activation)
    np.testing.assert_allclose(network.outputs(x), phi(x.astype(float)), atol=1e-7, rtol=1e-5)
    assert network.outputs(x).dtype == precision


def test_losses():
    outputs, targets = np.array([[1., -2., 800.], [0., 3., 1.]]), np.array([[0, 0, 1], [.5, 2, 0]])
    weights = {('forward', 0): np.eye(3)}
    loss, _ = BackpropNetwork(3, [Dense(3)], weights).gradients(outputs, targets)
    assert loss == pytest.approx(np.mean(0.5*np.sum((outputs - targets)**2, axis=1)))
    network = BackpropNetwork(3, [Dense(3)], weights, loss='cross_entropy')
    normalizer = np.log(1 + np.exp(3) + np.exp(1))
    expected = [0, 0.5*normalizer + 2*(normalizer - 3)]  # the first sample is certain and right
    assert network.gradients(outputs, targets)[0] == pytest.approx(np.mean(expected))


def test_first_of_equally_large_gets_the_error():
    x = 2.0**np.arange(9)  # the sum of any of them tells which they are
    layers = [Conv(1, 1, activation=FLAT), MaxPool(2, 1), Flatten(), Dense(1)]
    weights = {('forward', 0): np.ones((1, 1, 1, 1)), ('forward', 1): np.array([[1., 3., 5., 7.]])}
    _, gradients = BackpropNetwork((3, 3, 1), layers, weights).gradients([x], [[15]])
    # the output is 16, so the error is 1; windows begin at (0, 0), (0, 1), (1, 0) and (1, 1)
    assert gradients['forward', 0].item() == 1*x[0] + 3*x[1] + 5*x[3] + 7*x[4]


@pytest.mark.parametrize('rates', [0.1, [0.2, 0, 0.05]])
def test_learning_is_a_step_down_the_gradient(rates):
    rng = np.random.default_rng(6)
    layers = [Conv(2, 2), MaxPool(2, 1), Flatten(), Dense(4), Dense(2)]
    given_weights = random_weights((4, 4, 1), layers, rng)
    before = {key: w.copy() for key, w in given_weights.items()}
    network = BackpropNetwork((4, 4, 1), layers, given_weights)
    arrays = dict(network.weights)
    inputs, targets = samples((4, 4, 1), layers, 5, rng)
    loss, gradients = network.gradients(inputs, targets)
    assert network.learn(inputs, targets, rates) == loss
    for (kind, k), gradient in gradients.items():
        rate = rates if np.ndim(rates) == 0 else rates[k]
        np.testing.assert_array_equal(network.weights[kind, k], before[kind, k] - rate*gradient)
        assert network.weights[kind, k] is arrays[kind, k]
        np.testing.assert_array_equal(given_weights[kind, k], before[kind, k])


@pytest.mark.parametrize('loss', ['mse', 'cross_entropy'])
@pytest.mark.parametrize('pool', [MaxPool, AveragePool])
def test_learns_to_tell_rows_from_columns(loss, pool):
    rng = np.random.default_rng(7)
    labels = rng.integers(2, size=60)
    inputs = 0.2*rng.normal(size=(60, 6, 6))
    for image, label in zip(inputs, labels):
        line = image[rng.integers(6)] if label else image[:, rng.integers(6)]
        line += 1
    layers = [Conv(4, 3), pool(2), Flatten(), Dense(2)]
    network = BackpropNetwork((6, 6, 1), layers, initial_weights((6, 6, 1), layers, rng), loss=loss)
    first = network.learn(inputs.reshape(60, -1), np.eye(2)[labels], 0.1)
    for _ in range(600):
        last = network.learn(inputs.reshape(60, -1), np.eye(2)[labels], 0.1)
    assert last < 0.3*first
    assert (network.outputs(inputs.reshape(60, -1)).argmax(axis=1) == labels).mean() > 0.95


@pytest.mark.parametrize('loss', ['mse', 'cross_entropy'])
@pytest.mark.parametrize('activation', sorted(ACTIVATIONS))
def test_single_precision_is_kept(activation, loss):
    rng = np.random.default_rng(8)
    layers = [Conv(3, 3, padding=1), AveragePool(2), Conv(2, 2), MaxPool(2), Flatten(), Dense(3)]
    weights = random_weights((8, 8, 1), layers, rng)
    inputs, targets = samples((8, 8, 1), layers, 5, rng)
    singles = {key: w.astype(np.float32) for key, w in weights.items()}
    options = dict(activation=activation, loss=loss)
    network = BackpropNetwork((8, 8, 1), layers, singles, **options)
    _, gradients = network.gradients(inputs.astype(np.float32), targets)
    _, expected = BackpropNetwork((8, 8, 1), layers, weights, **options).gradients(inputs, targets)
    for key, gradient in gradients.items():
        assert gradient.dtype == np.float32
        np.testing.assert_allclose(gradient, expected[key], atol=1e-4, rtol=1e-3)
    network.learn(inputs.astype(np.float32), targets, 0.1)
    assert {w.dtype for w in network.weights.values()} == {np.dtype(np.float32)}


def test_inputs_decide_on_the_precision():
    network = BackpropNetwork(1, [Dense(1)], {('forward', 0): np.full((1, 1), 1/3)})
    single = np.ones((1, 1), np.float32)
    assert network.outputs(single).dtype == np.float32
    assert network.gradients(single, single)[1]['forward', 0].dtype == np.float32
    assert network.outputs([[1]]).dtype == np.float64 and network.outputs([[1]]) == 1/3
    assert network.weights['forward', 0].dtype == np.float64


def peak_memory(function, *arguments):
    tracemalloc.start()
    function(*arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory():
    rng = np.random.default_rng(9)
    network = BackpropNetwork(300, [Dense(300), Dense(300)],
                              initial_weights(300, [Dense(300), Dense(300)], rng))
    inputs = rng.normal(size=(64, 300))
    assert peak_memory(network.learn, inputs, inputs, 0.1) < 64*300*300*8/4

    layers = [Conv(4, 5), Flatten(), Dense(2)]
    network = BackpropNetwork((12, 12, 1), layers, initial_weights((12, 12, 1), layers, rng))
    inputs = rng.normal(size=(3000, 144))
    all_windows = 3000*64*25*8
    assert peak_memory(network.outputs, inputs) < all_windows/2
    np.testing.assert_allclose(network.outputs(inputs)[[0, 255, 256, 2999]],
                               network.outputs(inputs[[0, 255, 256, 2999]]), rtol=1e-10)


def test_feedback_weights_are_passed_over():
    layers = [Dense(3), Dense(2)]
    weights = initial_weights(4, layers, np.random.default_rng(1), feedback=True)
    network = BackpropNetwork(4, layers, weights)
    assert list(network.weights) == [('forward', 0), ('bias', 0), ('forward', 1), ('bias', 1)]


LAYERS = [Conv(2, 3), Flatten(), Dense(3)]
GOOD = {('forward', 0): np.ones((2, 1, 3, 3)), ('bias', 0): np.ones(2),
        ('forward', 1): np.ones((3, 8))}


def without(key):
    return {other: w for other, w in GOOD.items() if other != key}


@pytest.mark.parametrize('weights, options, message', [
    (without(('forward', 1)), {}, r"weights\[\('forward', 1\)\], of shape \(3, 8\), are missing"),
    (GOOD | {('forward', 0): np.ones((3, 3, 1, 2))}, {}, r'shape \(3, 3, 1, 2\), but \(2, 1, 3, 3'),
    (GOOD | {('bias', 1): np.ones(2)}, {}, r"\('bias', 1\)\] has shape \(2,\), but \(3,\)"),
    (GOOD | {('bias', 0): [1, np.nan]}, {}, r"\('bias', 0\)\] contains nan at index \(1,\)"),
    (GOOD | {('forward', 2): np.ones((1, 3))}, {}, r"no layer for weights\[\('forward', 2\)\]"),
    (GOOD | {'bias': np.ones(3)}, {}, r"no layer for weights\['bias'\]; give \('forward', 0\)"),
    (GOOD | {1: np.ones(3)}, {}, r'no layer for weights\[1\]'),
    (GOOD, {'loss': 'mes'}, "did you mean 'mse'"),
    (GOOD, {'loss': 'cross_entropy', 'output_activation': 'tanh'}, "linear output, not 'tanh'"),
    (GOOD, {'activation': 'tahn'}, "did you mean 'tanh'"),
])
def test_bad_networks(weights, options, message):
    with pytest.raises(ValueError, match=message):
        BackpropNetwork((4, 4, 1), LAYERS, weights, **options)


def test_cross_entropy_looks_at_the_activation_of_the_last_layer():
    for own, of_network in (('tanh', 'linear'), ('linear', 'tanh')):
        arguments = (2, [Dense(2, activation=own)], {('forward', 0): np.eye(2)})
        options = dict(output_activation=of_network, loss='cross_entropy')
        if own == 'linear':
            BackpropNetwork(*arguments, **options)
        else:
            with pytest.raises(ValueError, match='linear output'):
                BackpropNetwork(*arguments, **options)


def test_bad_layers():
    with pytest.raises(ValueError, match='layer 1: .*Flatten'):
        BackpropNetwork((4, 4, 1), [Conv(2, 3), Dense(3)], GOOD)


@pytest.mark.parametrize('inputs, targets, rates, message', [
    (np.ones((2, 15)), np.ones((2, 3)), 1, r"inputs has shape \(2, 15\), but \('any', 16\)"),
    (np.ones((2, 4, 4)), np.ones((2, 3)), 1, r'inputs has shape \(2, 4, 4\)'),
    (np.ones((0, 16)), np.ones((0, 3)), 1, 'at least one'),
    (np.full((1, 16), np.inf), np.ones((1, 3)), 1, 'inputs contains inf'),
    (np.ones((2, 16)), np.ones((2, 4)), 1, r'targets has shape \(2, 4\), but \(2, 3\)'),
    (np.ones((2, 16)), np.ones((1, 3)), 1, r'targets has shape \(1, 3\), but \(2, 3\)'),
    (np.ones((2, 16)), np.full((2, 3), np.nan), 1, 'targets contains nan'),
    (np.ones((2, 16)), np.ones((2, 3)), -1, 'rates is -1'),
    (np.ones((2, 16)), np.ones((2, 3)), [1, 1, 1], r'rates has shape \(3,\), but \(2,\)'),
    (np.ones((2, 16)), np.ones((2, 3)), [1, np.nan], 'rates contains nan'),
])
def test_bad_samples_and_rates(inputs, targets, rates, message):
    network = BackpropNetwork((4, 4, 1), LAYERS, GOOD)
    with pytest.raises(ValueError, match=message):
        network.learn(inputs, targets, rates)
    assert all((network.weights[key] == w).all() for key, w in GOOD.items())
