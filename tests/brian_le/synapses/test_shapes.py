from hypothesis import given

from brian_le import conv_shape, pool_shape
from tests.brian_le.synapses.geometry import draw_geometry, draw_pool, drawn


@given(drawn(draw_geometry))
def test_shape_behind_a_convolution(g):
    """The function, the attribute and the number of places agree."""
    assert conv_shape(g.input_shape, g.kernel, g.channels, g.stride, g.padding) == g.output_shape
    a, b = g.groups('shape')
    assert g.conv(a, b, 'w : 1').output_shape == g.output_shape


@given(drawn(draw_pool))
def test_shape_behind_pooling(g):
    assert pool_shape(g.input_shape, g.kernel, g.stride) == g.output_shape
    a, b = g.groups('shape')
    assert g.pool(a, b, 'I_post = r_pre : 1 (summed)').output_shape == g.output_shape


def test_one_number_for_all_dimensions():
    assert conv_shape((7, 6, 2), 3, 5, stride=2, padding=1) == (4, 3, 5)
    assert conv_shape((7, 2), 3, 5, stride=2, padding=1) == (4, 5)
    assert pool_shape((7, 6, 2), 3) == (2, 2, 2)
    assert pool_shape((7, 2), 3, stride=1) == (5, 2)
