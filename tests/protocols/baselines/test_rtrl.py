import numpy as np
import pytest

from brian_le.protocols.baselines.adjoint import TemporalNetwork, bptt_gradients
from brian_le.protocols.baselines.rtrl import RealTimeGradient
from tests.protocols.baselines.test_adjoint import ACTIVATIONS, DT, example


@pytest.mark.parametrize('seed', range(3))
def test_gradients_are_those_of_backpropagation_through_time(seed):
    weights, inputs, targets = example(seed)
    network = TemporalNetwork(weights, ACTIVATIONS, DT)
    online, summed = RealTimeGradient(network, inputs.shape[1]), {}
    trajectory = network.run(inputs)
    errors = targets - trajectory.outputs
    for step, x in enumerate(inputs):
        np.testing.assert_allclose(online.step(x), trajectory.outputs[step], rtol=0, atol=1e-14)
        for key, gradient in online.gradients(errors[step]).items():
            summed[key] = summed.get(key, 0) + gradient
    expected = bptt_gradients(network, trajectory, errors)
    assert set(summed) == {key for key in expected if key[0] == 'forward'}
    for key, gradient in summed.items():
        np.testing.assert_allclose(gradient, expected[key], rtol=0,
                                   atol=1e-12*np.abs(expected[key]).max())
    for key, values in trajectory.state.items():
        np.testing.assert_allclose(online.state[key], values, rtol=0, atol=1e-14)
