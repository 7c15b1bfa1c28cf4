"""Variables in the shape that they mean, to get and to set, before and after a run."""

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, NeuronGroup, Synapses, get_device,
                    have_same_dimensions, mV, ms, volt)
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from hypothesis import given
from hypothesis import strategies as st

from brian_le import DenseSynapses, by_replica, weight_matrix
from tests.running import run_cases


def connected(kind=DenseSynapses, n_pre=3, n_post=2, name='S'):
    a = NeuronGroup(n_pre, 'r : 1', name=f'{name}_a')
    b = NeuronGroup(n_post, 'v : 1\nI : 1', name=f'{name}_b')
    S = kind(a, b, """w : 1
                      u : volt
                      I_post = w*r_pre : 1 (summed)""", name=name, namespace={})
    S.connect()
    return S


@given(st.sampled_from([DenseSynapses, Synapses]), st.integers(1, 7), st.integers(1, 7),
       st.integers(0, 1000))
def test_matrix_is_post_by_pre(kind, n_pre, n_post, seed):
    S = connected(kind, n_pre, n_post)
    matrix = np.random.default_rng(seed).normal(size=(n_post, n_pre))
    weight_matrix(S)[:] = matrix
    np.testing.assert_array_equal(weight_matrix(S)[:], matrix)
    for i in range(n_pre):
        for j in range(n_post):
            assert S.w[i, j] == matrix[j, i]
    if kind is DenseSynapses:
        np.testing.assert_array_equal(S.matrix('w')[:], matrix)
        S.matrix()[:] = 2*matrix
        np.testing.assert_array_equal(weight_matrix(S)[:], 2*matrix)


@given(st.integers(1, 4), st.integers(1, 5))
def test_by_replica(replicas, n):
    group = NeuronGroup(replicas*n, 'r : 1', name='G')
    group.r = 'i'
    view = by_replica(group, 'r', replicas)
    assert view.shape == (replicas, n) and len(view) == replicas
    for b in range(replicas):
        for k in range(n):
            assert view[b, k] == b*n + k
    view[:] = values = np.random.default_rng(n).normal(size=(replicas, n))
    np.testing.assert_array_equal(group.r[:], values.ravel())


@pytest.fixture
def view():
    S = connected()
    weight_matrix(S)[:] = [[1, 2, 3], [4, 5, 6]]
    return weight_matrix(S)


@pytest.mark.parametrize('item, values, expected', [
    (slice(None), 7, [[7, 7, 7], [7, 7, 7]]),
    (slice(None), [7, 8, 9], [[7, 8, 9], [7, 8, 9]]),
    (slice(None), [[7], [8]], [[7, 7, 7], [8, 8, 8]]),
    (1, 0, [[1, 2, 3], [0, 0, 0]]),
    ((0, 2), 9, [[1, 2, 9], [4, 5, 6]]),
    ((slice(None), 0), [8, 9], [[8, 2, 3], [9, 5, 6]]),
    ((slice(None), slice(1, None)), [[0], [9]], [[1, 0, 0], [4, 9, 9]]),
    (np.eye(2, 3, dtype=bool), 0, [[0, 2, 3], [4, 0, 6]]),
    (..., 1, [[1, 1, 1], [1, 1, 1]]),
    (-1, [1, 2, 3], [[1, 2, 3], [1, 2, 3]]),
])
def test_set_a_part(view, item, values, expected):
    view[item] = values
    np.testing.assert_array_equal(view[:], expected)


@pytest.mark.parametrize('item', [0, (1, 2), (slice(None), 1), slice(1), [1, 0], ...])
def test_get_a_part(view, item):
    np.testing.assert_array_equal(view[item], np.array([[1, 2, 3], [4, 5, 6]])[item])


def test_what_is_got_is_a_copy(view):
    got = view[:]
    got[:] = 0
    np.asarray(view)[:] = 0
    assert view[1, 2] == 6
    assert np.sum(view) == 21


def test_it_shows_later_changes(view):
    view._group.w = 3
    np.testing.assert_array_equal(view[:], np.full((2, 3), 3))


def test_words():
    view = connected().matrix('u')
    assert repr(view) == "<view of 'S.u' with shape (2, 3)>"
    assert len(view) == 2


def test_units():
    view = connected().matrix('u')
    view[:] = np.arange(6).reshape(2, 3)*mV
    view[0, 1] = 5*volt
    view[1] *= 2
    assert have_same_dimensions(view[:], volt) and have_same_dimensions(view[0, 0], volt)
    np.testing.assert_allclose(np.asarray(view), [[0, 5, 0.002], [0.006, 0.008, 0.01]], rtol=1e-15)
    for item, values in [(slice(None), np.ones((2, 3))), (0, 1), (slice(None), 3*ms)]:
        with pytest.raises(DimensionMismatchError):
            view[item] = values
    with pytest.raises(DimensionMismatchError):
        connected(name='T').matrix('w')[:] = 3*mV


@pytest.mark.parametrize('item, values, message', [
    (slice(None), np.ones((3, 2)), r"w of 'S' has the shape \(2, 3\), not \(3, 2\)"),
    (slice(None), np.ones(6), r"w of 'S' has the shape \(2, 3\), not \(6,\)"),
    (slice(None), np.ones((2, 2, 3)), "w of 'S'"),
    (0, [1, 2], r"w of 'S' has the shape \(2, 3\), not \(2,\)"),
    (slice(None), np.full((2, 3), np.nan), r"w of 'S' contains nan at index \(0, 0\)"),
    ((1, 2), np.inf, r"w of 'S' contains inf at index \(1, 2\)"),
    (slice(None), [[1, 2], [3]], "w of 'S'|inhomogeneous"),
    (slice(None), 'text', "w of 'S'"),
])
def test_bad_values(view, item, values, message):
    before = view[:]
    with pytest.raises(ValueError, match=message):
        view[item] = values
    np.testing.assert_array_equal(view[:], before)


def test_places_outside(view):
    with pytest.raises(IndexError):
        view[2, 0] = 1
    with pytest.raises(IndexError):
        view[0, 3]


def test_a_projection_that_has_no_matrix():
    a = NeuronGroup(3, 'v : 1', name='a')
    for kind in (Synapses, DenseSynapses):
        S = kind(a, a, 'w : 1', name='S')
        S.connect(j='i')
        with pytest.raises(ValueError, match="'S' has 3 synapses, not one for each pair"):
            weight_matrix(S)[:]
    with pytest.raises(ValueError, match="'S' has 3 synapses"):
        S.matrix()


def test_a_variable_that_does_not_exist():
    with pytest.raises(ValueError, match="variable for each synapse of 'S': 'nothing'"):
        connected().matrix('nothing')[:]


@pytest.mark.parametrize('replicas', [4, 7, 12])
def test_sizes_that_do_not_fit(replicas):
    with pytest.raises(ValueError, match=f"'G' has 6 neurons, .* not a multiple of {replicas}"):
        by_replica(NeuronGroup(6, 'r : 1', name='G'), 'r', replicas)


def compose(name):
    """Set and get before the run, as far as the values are known, and after it."""
    S = connected(name=name)
    stock = connected(Synapses, name=f'{name}_stock')
    states = by_replica(S.source, 'r', 3)
    known = not isinstance(get_device(), CPPStandaloneDevice)
    states[:] = [[1], [2], [3]]
    before = {'at first': S.matrix('u')[:]}
    S.matrix()[:] = [[1, 2, 3], [4, 5, 6]]
    S.matrix()[1, 2] = 7
    S.matrix('u')[:] = 2*mV
    weight_matrix(stock)[:] = [[1, 2, 3], [4, 5, 6]]
    weight_matrix(stock)[0] = 8
    by_replica(stock.source, 'r', 1)[:] = 1
    before |= {'w': S.matrix()[:], 'u': S.matrix('u')[:], 'r': states[:],
               'stock': weight_matrix(stock)[:]}
    if known:
        np.testing.assert_array_equal(S.w[2, 1], 7)
    return [S, S.source, S.target, stock, stock.source, stock.target], 0.1*ms, lambda: (
        before, {'w': S.matrix()[:], 'u': S.matrix('u')[:], 'r': states[:], 'one': S.w[2, 1],
                 'stock': weight_matrix(stock)[:], 'I': by_replica(S.target, 'I', 2)[:],
                 'I of stock': stock.target.I[:]})


@pytest.mark.parametrize('target', ['numpy', 'cpp_standalone'])
def test_before_and_after_a_run(target, tmp_path):
    (result,) = run_cases(target, {'case': compose}, tmp_path).values()
    before, after = result
    expected = {'w': [[1, 2, 3], [4, 5, 7]], 'u': np.full((2, 3), 2*mV), 'r': [[1], [2], [3]],
                'stock': [[8, 8, 8], [4, 5, 6]]}
    for found in (before, after):
        for name, values in expected.items():
            np.testing.assert_array_equal(np.asarray(found[name]), values)
        assert have_same_dimensions(found['u'], volt)
    np.testing.assert_array_equal(np.asarray(before['at first']), np.zeros((2, 3)))
    np.testing.assert_allclose(after['I'], [[14], [35]])
    np.testing.assert_allclose(after['I of stock'], [24, 15])
    assert after['one'] == 7


@pytest.mark.parametrize('name', ['shared', 'expression', 'nothing', 'N', 'i'])
def test_matrices_of_what_is_not_there_for_each_synapse(name):
    a, b = NeuronGroup(2, 'r : 1', name='a'), NeuronGroup(3, 'v : 1', name='b')
    S = DenseSynapses(a, b, 'w : 1\nshared : 1 (shared)\nexpression = 2*w : 1', name='S')
    S.connect()
    with pytest.raises(ValueError, match="variable for each synapse of 'S'"):
        S.matrix(name)


def test_names_of_variables_are_said():
    group = NeuronGroup(4, 'rate : 1', name='named')
    synapses = Synapses(group, group, 'w : 1', name='named_synapses')
    synapses.connect()
    with pytest.raises(ValueError, match="variable of 'named': 'rat'; did you mean 'rate'"):
        by_replica(group, 'rat', 2)
    with pytest.raises(ValueError, match="variable of 'named_synapses': 'v'"):
        weight_matrix(synapses, 'v')
    with pytest.raises(TypeError, match='is no projection; give Synapses'):
        weight_matrix(group)
