"""With weak nudging a settled network changes its weights along minus the gradient of its loss."""

import numpy as np
import pytest
from brian2 import Network

from brian_le.models import (AveragePool, Conv, Dense, Flatten, MaxPool, initial_weights,
                             layer_shapes)
from tests.models.layered.cases import Shown
from tests.reference_layered import forward

NETWORKS = {
    'dense': (4, (Dense(6), Dense(5, activation='logistic'), Dense(3))),
    'conv': ((5, 4, 2), (Conv(3, 2, padding=1), Conv(2, 3, stride=2), Flatten(), Dense(3))),
    'max': ((6, 6, 1), (Conv(3, 3, padding=1), MaxPool(3, 2), Flatten(), Dense(3))),
    'average': ((7, 2), (AveragePool(2, 1), Conv(3, 2), AveragePool(2), Flatten(), Dense(4),
                         Dense(3))),
}
BETA, REPLICAS = 1e-5, 3


def losses(loss, outputs, targets):
    if loss == 'mse':
        return 0.5*((targets - outputs)**2).sum(axis=1)
    return (targets*(np.log(np.exp(outputs).sum(axis=1, keepdims=True)) - outputs)).sum(axis=1)


def finite_differences(function, array, step=1e-6):
    found = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        for sign in (1, -1):
            array[index] += sign*step
            found[index] += sign*function()/(2*step)
            array[index] -= sign*step
    return found


@pytest.mark.parametrize('rate_at', ['output', 'input'])
@pytest.mark.parametrize('loss', ['mse', 'cross_entropy'])
@pytest.mark.parametrize('network', NETWORKS)
def test_weights_follow_the_gradient(network, loss, rate_at):
    input_shape, layers = NETWORKS[network]
    rng = np.random.default_rng(3)
    weights = initial_weights(input_shape, layers, rng)
    x = rng.uniform(-1, 1, (REPLICAS, int(np.prod(input_shape))))
    targets = np.eye(3)[rng.integers(3, size=REPLICAS)]
    settled = 2*len(layer_shapes(input_shape, layers))
    learning = np.arange(settled + 1) == settled  # learn in the last step alone
    case = Shown(input_shape, layers, weights, np.tile(x, (settled + 1, 1, 1)),
                 np.tile(targets, (settled + 1, 1, 1)), learning=1.0*learning, loss=loss,
                 beta=BETA, eta=1.0, rate_at=rate_at, output_activation='linear')
    net, duration, read = case.compose_to_the_end('net')
    Network(net).run(duration, namespace={})
    found = read()

    w = {key: values.copy() for key, values in weights.items()}
    for key, start in weights.items():
        gradient = finite_differences(
            lambda: losses(loss, forward(input_shape, layers, w, x), targets).mean(), w[key])
        change = (found[*key, 'bias' if key[0] == 'bias' else 'w'] - start)/(0.1*BETA)
        cosine = (change*-gradient).sum()/np.linalg.norm(change)/np.linalg.norm(gradient)
        assert cosine > 0.99999, key
        np.testing.assert_allclose(change, -gradient, rtol=0, err_msg=str(key),
                                   atol=1e-3*np.abs(gradient).max())
