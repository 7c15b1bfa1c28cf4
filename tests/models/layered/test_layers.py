import re

import numpy as np
import pytest

from brian_le import Activation
from brian_le.models import AveragePool, Conv, Dense, Flatten, MaxPool, layer_shapes

CHAINS = {
    'dense': (7, [Dense(5), Dense(2)], [(7,), (5,), (2,)]),
    'flat plane': ((2, 3, 4), [Flatten(), Dense(2)], [(2, 3, 4), (24,), (2,)]),
    'flat twice': (4, [Flatten(), Flatten(), Dense(2)], [(4,), (4,), (4,), (2,)]),
    'image': ((28, 28, 1), [Conv(20, 5), MaxPool(2), Conv(50, 5), AveragePool(2), Flatten(),
                            Dense(500), Dense(10)],
              [(28, 28, 1), (24, 24, 20), (12, 12, 20), (8, 8, 50), (4, 4, 50), (800,), (500,),
               (10,)]),
    'line': ((10, 3), [Conv(4, 3, stride=2, padding=1), MaxPool(3, 1), Conv(2, (2,))],
             [(10, 3), (5, 4), (3, 4), (2, 2)]),
    'uneven': ((5, 8, 2), [Conv(3, (2, 4), stride=(1, 2), padding=(0, 1)), MaxPool((2, 3), (2, 1)),
                           Conv(1, 1)],
               [(5, 8, 2), (4, 4, 3), (2, 2, 3), (2, 2, 1)]),
}


@pytest.mark.parametrize('chain', CHAINS)
def test_shapes(chain):
    input_shape, layers, shapes = CHAINS[chain]
    assert layer_shapes(input_shape, layers) == shapes
    if np.ndim(input_shape):
        assert layer_shapes(np.array(input_shape), layers) == shapes
    assert all(type(n) is int for shape in shapes for n in shape)


def test_shapes_of_weights():
    assert Dense(3).weight_shape((4,)) == (3, 4) and Dense(3).fan_in((4,)) == 4
    assert Conv(3, 2).weight_shape((5, 6, 4)) == (3, 4, 2, 2) and Conv(3, 2).fan_in((5, 6, 4)) == 16
    assert Conv(3, (2, 1)).weight_shape((5, 6, 4)) == (3, 4, 2, 1)
    assert Conv(3, 2).weight_shape((5, 4)) == (3, 4, 2) and Conv(3, 2).fan_in((5, 4)) == 8


def test_layers_as_text():
    texts = [str(layer) for layer in (Dense(3), Conv(2, (3, 1)), MaxPool(2), AveragePool((1, 2)),
                                      Flatten())]
    assert texts == ['Dense(3)', 'Conv(2, kernel=(3, 1))', 'MaxPool(2)', 'AveragePool((1, 2))',
                     'Flatten()']
    assert Dense(3) == Dense(3) and Dense(3) != Dense(4) != Conv(4, 1)
    own = Activation('own', 'x**3', '3*x**2', 'a cubic')
    assert Dense(3, activation=own).activation is own


PLANE = (6, 6, 2)
BAD = {
    'no layers': (lambda: layer_shapes(3, []), ValueError,
                  'the last layer has to be Dense or Conv'),
    'pool at the end': (lambda: layer_shapes(PLANE, [Conv(2, 1), MaxPool(2)]), ValueError,
                        'the last layer'),
    'flatten at the end': (lambda: layer_shapes(PLANE, [Conv(2, 1), Flatten()]), ValueError,
                           'the last layer'),
    'dense after a plane': (lambda: layer_shapes(PLANE, [Dense(3)]), ValueError,
                            r'layer 0: Dense\(3\) follows a plane of 6 x 6 x 2; put Flatten\(\)'),
    'convolution without plane': (lambda: layer_shapes(3, [Dense(4), Conv(2, 1)]), ValueError,
                                  r'layer 1: Conv\(2, kernel=1\) needs a plane, .* 4 neurons'),
    'pool without plane': (lambda: layer_shapes(PLANE, [Flatten(), MaxPool(2), Dense(1)]),
                           ValueError, r'layer 1: MaxPool\(2\) needs a plane'),
    'large kernel': (lambda: layer_shapes(PLANE, [Conv(2, 7)]), ValueError,
                     r'layer 0: .*kernel of \(7, 7\) .*larger'),
    'large window': (lambda: layer_shapes(PLANE, [AveragePool((1, 7)), Conv(1, 1)]), ValueError,
                     r'layer 0: .*window of \(1, 7\) is larger'),
    'kernel of a line': (lambda: layer_shapes((6, 2), [Conv(2, (2, 2))]), ValueError, 'kernel'),
    'no stride': (lambda: layer_shapes(PLANE, [Conv(2, 2, stride=0)]), ValueError, 'stride'),
    'negative padding': (lambda: layer_shapes(PLANE, [Conv(2, 2, padding=-1)]), ValueError,
                         'padding'),
    'no window': (lambda: layer_shapes(PLANE, [MaxPool(0), Conv(1, 1)]), ValueError, 'window'),
    'four dimensions': (lambda: layer_shapes((2, 2, 2, 2), [Dense(1)]), ValueError,
                        r'input_shape=\(2, 2, 2, 2\); give'),
    'no dimension': (lambda: layer_shapes((), [Dense(1)]), ValueError, r'input_shape=\(\); give'),
    'no inputs': (lambda: layer_shapes(0, [Dense(1)]), ValueError, 'input_shape=0; give a whole'),
    'inputs as text': (lambda: layer_shapes('28x28', [Dense(1)]), ValueError, "='28x28'; give"),
    'half a row': (lambda: layer_shapes((2.5, 2), [Conv(1, 1)]), ValueError, 'input_shape=2.5'),
    'no neurons': (lambda: Dense(0), ValueError, 'n of Dense=0; give a whole number'),
    'neurons as text': (lambda: Dense('3'), ValueError, "n of Dense='3'"),
    'infinitely many': (lambda: Dense(np.inf), ValueError, 'n of Dense=inf'),
    'not a number': (lambda: Dense(np.nan), ValueError, 'n of Dense=nan'),
    'true neurons': (lambda: Dense(True), ValueError, 'n of Dense=True'),
    'no channels': (lambda: Conv(0, 3), ValueError, 'channels of Conv=0'),
    'activation': (lambda: Dense(3, activation='tahn'), ValueError, "did you mean 'tanh'"),
    'activation of planes': (lambda: Conv(3, 1, activation='rlu'), ValueError,
                             "did you mean 'relu'"),
    'not a layer': (lambda: layer_shapes(3, [Dense(4), 5]), TypeError, 'layer 1 is 5; give Dense'),
    'a class': (lambda: layer_shapes(3, [Dense]), TypeError, 'layer 0 is <class'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error) as raised:
        make()
    assert re.search(message, str(raised.value)), str(raised.value)
