"""Projections with every operation at its place in the step."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, get_device, ms, set_device
from hypothesis import given
from hypothesis import strategies as st

from brian_le import (DenseSynapses, dendritic_prediction, error_learning, fixed_weights,
                      one_to_one, project, pyramidal, weight_matrix)


def groups(*sizes):
    return [NeuronGroup(n, pyramidal(), method='prospective_euler', order=3*k, name=f'g{k}')
            for k, n in enumerate(sizes)]


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 1000))
def test_weighted_sum(n_pre, n_post, seed):
    a, b = groups(n_pre, n_post)
    S = project(a, b, fixed_weights('v_up'), name='S')
    matrix = np.random.default_rng(seed).normal(size=(n_post, n_pre))
    weight_matrix(S)[:] = matrix
    a.r = np.arange(n_pre)
    Network(a, b, S).run(0.1*ms)
    np.testing.assert_allclose(b.v_up[:], matrix @ np.arange(n_pre), atol=1e-13)


def test_some_connections():
    a, b = groups(3, 2)
    S = project(a, b, fixed_weights('v_up'), name='S', connect={'i': [0, 2], 'j': [1, 1]})
    S.w, a.r = [2, 3], [1, 10, 100]
    Network(a, b, S).run(0.1*ms)
    np.testing.assert_array_equal(b.v_up[:], [0, 302])
    with pytest.raises(ValueError, match="'S' is to be one-to-one and to have connections"):
        project(a, a, fixed_weights('v_up'), name='S', one_to_one=True, connect={'p': 0.5})


def test_places_in_the_step_do_not_depend_on_those_of_the_groups():
    a, b = groups(2, 2)
    S = project(a, b, fixed_weights('v_up'), name='S')
    (updater,) = S.summed_updaters.values()
    assert (updater.when, updater.order) == ('groups', -1)


def test_sums_elsewhere_in_the_step():
    a, b = (NeuronGroup(2, 'r : 1\nv_in : 1\nr_sent : 1\nerr : 1\nv_err : 1', name=n) for n in 'ab')
    S = project(a, b, error_learning(eta=None), name='S', orders={'v_err_pre': 0.5})
    assert {variable: (updater.when, updater.order)
            for variable, updater in S.summed_updaters.items()} == {
        'v_in_post': ('groups', -1), 'v_err_pre': ('groups', 0.5)}
    b.err = 'r'  # copied between the two sums
    b.run_regularly('err = v_in', when='groups', order=0)
    S.matrix()[:] = [[1, 2], [3, 4]]
    a.r = [1, 10]
    Network(a, b, S).run(0.1*ms)
    np.testing.assert_array_equal(b.v_in[:], [21, 43])
    np.testing.assert_array_equal(a.v_err[:], [21 + 3*43, 2*21 + 4*43])


def test_sums_that_there_are_not():
    a, b = groups(2, 2)
    with pytest.raises(ValueError, match="unknown summed variable of 'S': 'v_in_post'.* Valid: "
                                         'v_up_post'):
        project(a, b, fixed_weights('v_up'), name='S', orders={'v_in_post': 0.5})


def test_class_of_the_projection():
    class Own(Synapses):
        pass
    a, b = groups(2, 2)
    assert type(project(a, b, fixed_weights('v_up'), name='S', synapses=Own)) is Own
    assert type(project(a, b, fixed_weights('v_up'), name='T')) is DenseSynapses


def test_options_are_those_of_the_class():
    a, b = groups(4, 6)
    S = project(a, b, fixed_weights('v_up'), name='S', replicas=2)
    assert S.matrix().shape == (3, 2)


def test_one_to_one():
    a, b = groups(3, 3)
    S = project(a, b, one_to_one('v_up'), name='S', one_to_one=True)
    assert isinstance(S, Synapses) and not isinstance(S, DenseSynapses)
    np.testing.assert_array_equal(S.i[:], S.j[:])


def test_one_to_one_in_cpp_is_a_pattern_and_no_numbers():
    """The sources of a C++ project do not depend on how many neurons there are."""
    set_device('cpp_standalone', build_on_run=False)
    device = get_device()
    found = []
    try:
        for n in (3, 5):
            device.reinit()
            device.activate(build_on_run=False)
            a, b = (NeuronGroup(n, pyramidal(), method='prospective_euler', name=f'pattern_{name}')
                    for name in 'ab')
            project(a, b, one_to_one('v_up'), name='pattern', one_to_one=True)
            made, = [code for name,
                     code in device.code_objects.items() if 'create_generator' in name]
            assert not [name for name in device.static_arrays if 'pattern' in name]
            found.append(made.code.cpp_file.replace(made.name, ''))
        assert found[0] == found[1]
    finally:
        device.reinit()
        set_device('runtime')


def test_one_to_one_needs_equal_sizes():
    a, b = groups(2, 3)
    with pytest.raises(ValueError, match="'g0' has 2 neurons and 'g1' 3"):
        project(a, b, one_to_one('v_up'), name='S', one_to_one=True)


@pytest.mark.parametrize('source, target, message', [
    ('x : 1', None, "'up' needs .*'r_sent' of 'low', which has no such variable; give"),
    (None, 'x : 1', "'up' needs '.*' of 'high', which has no such variable")])
def test_populations_without_what_a_projection_reads(source, target, message):
    low, high = (NeuronGroup(2, equations or pyramidal(), name=name)
                 for name, equations in (('low', source), ('high', target)))
    with pytest.raises(ValueError, match=message):
        project(low, high, dendritic_prediction('v_up'), name='up')
