"""Indices of synapses are those of Brian2, without being stored."""

import numpy as np
import pytest
from brian2 import NeuronGroup, Synapses, get_device
from hypothesis import given
from hypothesis import strategies as st

from brian_le import ConvSynapses, DenseSynapses
from tests.brian_le.networks import compose_counter, run_one


def stored(S):
    return [len(get_device().arrays[S.variables[name]].data)
            for name in ('_synaptic_pre', '_synaptic_post')]


@pytest.mark.parametrize('target', ['numpy', 'cython'])
def test_indices_are_not_stored(target):
    objects = []

    def compose(name):
        found = compose_counter(name)
        objects.extend(found[0])
        return found
    run_one(target, compose)
    S = objects[-1]
    S.w[1, 2], S.w[:], S.w[0, :] = 3, 4, 5
    S.matrix()[:] = S.matrix()[:]
    assert stored(S) == [0, 0]
    assert len(S) == 12


def pair_of_kinds():
    for kind in (Synapses, DenseSynapses):
        a, b = NeuronGroup(5, 'r : 1', name='a'), NeuronGroup(4, 'v : 1', name='b')
        S = kind(a, b, 'w : 1', name='S', namespace={})
        S.connect()
        a.r = [3, 1, 4, 1, 5]
        S.w = np.arange(20)**2
        yield S


LOOK = {
    'i': lambda S: S.i[:], 'j': lambda S: S.j[:], 'all': lambda S: S.w[:], 'one': lambda S: S.w[3],
    'pair': lambda S: S.w[1, 2], 'slice': lambda S: S.w[2:5], 'step': lambda S: S.w[::3],
    'list': lambda S: S.w[[7, 2]], 'row': lambda S: S.w[1, :], 'column': lambda S: S.w[:, 1],
    'some': lambda S: S.w[[1, 2], 3], 'many': lambda S: S.w[[2, 1], [0, 3]],
    'steps': lambda S: S.w[1::2, :3], 'arrays': lambda S: S.w[np.array([4]), np.array([0, 1])],
    'group': lambda S: S.w[S.source[1:3], 0], 'formula': lambda S: S.w['i > j'],
    'formula with w': lambda S: S.w['w > 10 and i != 2'], 'mask': lambda S: S.w[S.w[:] > 50],
    'formula with neurons': lambda S: S.w['r_pre > 2'], 'true': lambda S: S.w['True'],
    'part': lambda S: S.indices['i == j'], 'none': lambda S: S.w['i > 10'],
    'incoming': lambda S: S.N_incoming[:], 'outgoing': lambda S: S.N_outgoing[:],
    'incoming by neuron': lambda S: S.N_incoming_post[:], 'indices': lambda S: S.indices[1, 2],
    'j where': lambda S: S.j['i == 2'], 'neurons': lambda S: S.r_pre[:], 'length': len,
    'states': lambda S: S.get_states(['w', 'i', 'j'], units=False)['j'], 'size': lambda S: S.N[:],
    'subgroup': lambda S: len(S['i == j']),
}


@pytest.mark.parametrize('how', LOOK)
def test_look_at(how):
    stock, dense = (np.array(LOOK[how](S)) for S in pair_of_kinds())
    np.testing.assert_array_equal(dense, stock)
    assert np.shape(dense) == np.shape(stock)


CHANGES = {
    'pair': ((1, 2), 5), 'slice': (slice(2, 5), [7, 8, 9]), 'row': ((3, slice(None)), [1, 2, 3, 4]),
    'all': (slice(None), 3), 'formula': ('i > j', 'i*10 + j'),
    'formula for all': (slice(None), 'r_pre + 0.1*j'), 'column': ((slice(None), 0), '10*i'),
    'list': ([7, 2], [1, 2]),
}


@pytest.mark.parametrize('how', CHANGES)
def test_change(how):
    values = []
    for S in pair_of_kinds():
        item, new = CHANGES[how]
        S.w[item] = new
        values.append(np.array(S.w[:]))
    np.testing.assert_array_equal(*values)


whole = st.integers(-7, 7)
neurons = st.one_of(
    whole, st.builds(np.array, whole), st.lists(whole, min_size=1, max_size=4, unique=True),
    st.builds(slice, st.none() | whole, st.none() | whole,
              st.sampled_from([None, 1, 2, 3, -1, -2])),
    st.lists(st.booleans(), min_size=1, max_size=6).map(np.array),
    st.sampled_from(['True', 'i > 1', 1.5, None, ..., (1, 2), [], np.uint8(1)]))
synapses = st.one_of(
    st.integers(-21, 22), st.slices(20), st.lists(st.integers(-19, 19), min_size=1, max_size=5),
    st.lists(st.booleans(), min_size=20, max_size=20).map(np.array),
    st.sampled_from(['i > j', 'True', 'w > 40', 1.5, None, ..., {1}, (1,), (0, 1, slice(None)),
                     (0, 1, 0), (0, 0, 0, 0), range(3)]))


@given(st.one_of(st.tuples(neurons, neurons), synapses))
def test_any_index_selects_what_it_selects_in_brian2(index):
    """Or is an error of the same kind; what does not exist, -1 included, selects nothing."""
    found = []
    for S in pair_of_kinds():
        try:
            found.append(S.w[index].tolist())
        except (IndexError, TypeError, ValueError) as error:
            found.append(type(error))
            continue
        S.w[index] = -1
        found.append(S.w[:].tolist())
    assert found[:len(found)//2] == found[len(found)//2:]


@pytest.mark.parametrize('index', [(slice(None), -1), (-1, 0), (7, 0), ([9, -3], 1)])
def test_neurons_that_do_not_exist(index):
    _, S = pair_of_kinds()
    assert S.w[index].size == 0
    S.w[index] = 3
    np.testing.assert_array_equal(S.w[:], np.arange(20)**2)


def test_neurons_that_are_named_twice_count_once():
    _, S = pair_of_kinds()
    np.testing.assert_array_equal(S.w[[1, 1], 0], [16])


@pytest.mark.parametrize('index', [(True, 0), (np.array([[1, 2], [3, 0]]), 0)])
def test_indices_that_make_no_sense(index):
    _, S = pair_of_kinds()
    with pytest.raises(TypeError, match='neurons are selected by whole numbers and booleans, not'):
        S.w[index]


def test_more_synapses_than_can_be_counted():
    """Found before memory is taken."""
    a, b = NeuronGroup(50_000, 'r : 1', name='a'), NeuronGroup(42_950, 'v : 1', name='b')
    S = DenseSynapses(a, b, 'w : 1', name='S')
    with pytest.raises(ValueError, match="'S' would have 2147500000 synapses; Brian2 counts up to "
                       '2147483647'):
        S.connect()
    conv = ConvSynapses(a, NeuronGroup(43_000, 'v : 1', name='c'), 'w : 1', name='conv',
                        input_shape=(1, 1, 50_000), kernel=1)
    with pytest.raises(ValueError, match="'conv' would have 2150000000 synapses"):
        conv.connect()
    assert len(S.variables['w'].get_value()) == len(conv.variables['w'].get_value()) == 0
