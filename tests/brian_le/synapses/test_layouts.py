"""Which synapse connects which neurons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brian_le import neuron_index, neuron_position
from brian_le.synapses.layouts import DenseLayout

SHAPES = st.tuples(*[st.integers(1, 6)]*3)


@given(SHAPES)
def test_neurons_are_laid_out_channel_last(shape):
    count = 0
    for y in range(shape[0]):
        for x in range(shape[1]):
            for channel in range(shape[2]):
                assert neuron_index(y, x, channel, shape) == count
                assert tuple(neuron_position(count, shape)) == (y, x, channel)
                count += 1


def test_arrays_of_neurons():
    index = neuron_index([[0], [1]], [0, 2], 1, shape=(2, 3, 2))
    np.testing.assert_array_equal(index, [[1, 5], [7, 11]])
    np.testing.assert_array_equal(neuron_position(index, (2, 3, 2))[1], [[0, 2], [0, 2]])


@pytest.mark.parametrize('position', [(2, 0, 0), (0, 3, 0), (0, 0, 2), (-1, 0, 0)])
def test_positions_outside(position):
    with pytest.raises(ValueError):
        neuron_index(*position, shape=(2, 3, 2))


def test_index_outside():
    with pytest.raises(ValueError):
        neuron_position(12, (2, 3, 2))


@given(st.integers(1, 9), st.integers(1, 9))
def test_dense_matrix(n_pre, n_post):
    """Row j of the matrix are the synapses on neuron j; flat values go by source first."""
    layout = DenseLayout(n_pre, n_post)
    flat = np.arange(layout.n_synapses)
    matrix = layout.matrix(flat)
    assert matrix.shape == layout.matrix_shape == (n_post, n_pre)
    for i in range(n_pre):
        for j in range(n_post):
            assert matrix[j, i] == i*n_post + j
    np.testing.assert_array_equal(layout.flat(matrix), flat)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
def test_dense_patch(replicas, n_pre, n_post):
    """All pairs in one patch, as arrays [replica, pre, post]."""
    (patch,) = DenseLayout(n_pre, n_post, replicas).patches()
    assert patch.size == (replicas, n_pre, n_post)
    pre, post, synapse = (np.arange(n) for n in (replicas*n_pre, replicas*n_post, n_pre*n_post))
    for b in range(replicas):
        for i in range(n_pre):
            for j in range(n_post):
                assert patch.pre(pre)[b, i, 0] == b*n_pre + i
                assert patch.post(post)[b, 0, j] == b*n_post + j
                assert patch.synapse(synapse)[i, j] == i*n_post + j
    target = np.zeros(replicas*n_post)
    patch.add('post', target, np.arange(replicas*n_post).reshape(replicas, n_post))
    np.testing.assert_array_equal(target, post)
    stored = np.zeros(n_pre*n_post)
    patch.put('synapse', stored, patch.synapse(synapse)*2.0)
    np.testing.assert_array_equal(stored, 2*synapse)
    patch.put('synapse', stored, 3)
    np.testing.assert_array_equal(stored, 3)
