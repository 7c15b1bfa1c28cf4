import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms
from hypothesis import given
from hypothesis import strategies as st

from brian_le import fixed_weights, get_matrix, one_to_one, project, pyramidal, set_matrix


def groups(*sizes):
    return [NeuronGroup(n, pyramidal(), method='prospective_euler', order=3*k, name=f'g{k}')
            for k, n in enumerate(sizes)]


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 1000))
def test_matrix_is_post_by_pre(n_pre, n_post, seed):
    a, b = groups(n_pre, n_post)
    S = project(a, b, fixed_weights('v_up'), name='S')
    matrix = np.random.default_rng(seed).normal(size=(n_post, n_pre))
    set_matrix(S, matrix)
    np.testing.assert_array_equal(get_matrix(S), matrix)
    assert S.w[n_pre - 1, 0] == matrix[0, -1]
    a.r = np.arange(n_pre)
    Network(a, b, S).run(0.1*ms)
    np.testing.assert_allclose(b.v_up[:], matrix @ np.arange(n_pre), atol=1e-13)


def test_places_in_the_step_do_not_depend_on_those_of_the_groups():
    a, b = groups(2, 2)
    S = project(a, b, fixed_weights('v_up'), name='S')
    (updater,) = S.summed_updaters.values()
    assert (updater.when, updater.order) == ('groups', -1)


def test_class_of_the_projection():
    class Own(Synapses):
        pass
    a, b = groups(2, 2)
    assert type(project(a, b, fixed_weights('v_up'), name='S', synapses=Own)) is Own


def test_one_to_one_needs_equal_sizes():
    a, b = groups(2, 3)
    with pytest.raises(ValueError, match="'g0' has 2 neurons and 'g1' 3"):
        project(a, b, one_to_one('v_up'), name='S', one_to_one=True)


def test_a_projection_that_has_no_matrix():
    a, b = groups(3, 3)
    with pytest.raises(ValueError, match="'S' has 3 synapses, not one for each pair of 3 and 3"):
        S = Synapses(a, b, 'w : 1', name='S')
        S.connect(j='i')
        get_matrix(S)


@pytest.mark.parametrize('values, message', [
    (np.ones((2, 3)), r"w of 'S' has shape \(2, 3\), but \(3, 2\) is needed"),
    (np.full((3, 2), np.nan), r"w of 'S' contains nan at index \(0, 0\)"),
    ([[1, 2], [3]], "w of 'S'"),
    ('text', "w of 'S'"),
])
def test_bad_matrix(values, message):
    a, b = groups(2, 3)
    S = project(a, b, fixed_weights('v_up'), name='S')
    with pytest.raises(ValueError, match=message):
        set_matrix(S, values)
