"""What liberties of synapses rely on: each test fails if a version of Brian2 changes it."""

import inspect

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms
from brian2.core.base import BrianObject
from brian2.core.names import Nameable
from brian2.core.variables import DynamicArrayVariable
from brian2.synapses.synapses import SynapticIndexing

from brian_le.synapses import liberties
from brian_le.synapses.pairs import PairIndices


@pytest.fixture
def stock():
    group = NeuronGroup(3, 'r : 1\nx : 1', name='group')
    S = Synapses(group, group, 'x_post = w*r_pre : 1 (summed)\nw : 1\ns : 1 (shared)', name='S')
    return group, S


def test_operations_take_names_and_origins(stock):
    _, S = stock
    first, other = S.summed_updaters['x_post'], NeuronGroup(1, 'y : 1').run_regularly('y = 1')
    liberties.stand_in_place_of(other, first, 'chosen')
    assert other.name == 'chosen' and other._creation_stack == first._creation_stack
    assert '_creation_stack' in inspect.getsource(BrianObject)
    assert isinstance(Nameable.name, property) and '_name' in inspect.getsource(Nameable.name.fget)


def test_arrays_of_synapses_grow_when_these_are_made(stock):
    _, S = stock
    names = [variable.name for variable in liberties.arrays_of_synapses(S)]
    assert names == ['_synaptic_post', '_synaptic_pre', 'w']
    liberties.not_grow_with_synapses(S, [S.variables['w']])
    S.connect(j='i')
    assert len(S.variables['w'].get_value()) == 0
    liberties.grow_with_synapses(S, [S.variables['w']])
    S.connect(i=0, j=1)
    assert len(S.variables['w'].get_value()) == 4


def test_synapses_know_whether_they_are_connected(stock):
    group, S = stock
    assert not liberties.is_connected(S)
    with pytest.raises(TypeError, match='connect'):
        S.w = 1
    liberties.count_as_connected(S)
    assert liberties.is_connected(S)
    S.w = 1  # of no synapses
    other = Synapses(group, group, 'w : 1')
    other.connect()
    assert liberties.is_connected(other)


def test_synapses_are_found_by_their_indexing(stock):
    _, S = stock
    S.connect()

    class Last(SynapticIndexing):
        def __call__(self, index=None, index_var='_idx'):
            return np.array([8])

    S.w = np.arange(9)
    liberties.index_by(S, Last(S))
    assert S.w[0, 0] == 8


def test_groups_stand_as_indices(stock):
    group, S = stock
    np.testing.assert_array_equal(liberties.neurons_of(group[1:]), [1, 2])
    assert liberties.neurons_of(slice(2)) is None and liberties.neurons_of(1) is None


def test_variables_become_others(stock):
    _, S = stock
    variable = S.variables['_synaptic_pre']
    assert type(variable) is DynamicArrayVariable
    assert type(liberties.become(variable, PairIndices)) is PairIndices
    S.connect()
    assert S.variables['_synaptic_pre'] is variable and len(variable.get_value()) == 9


def test_networks_store_what_objects_say(stock, monkeypatch):
    """``_full_state`` and ``_restore_from_full_state`` are what `Network.store` asks for."""
    group, S = stock
    S.connect()
    network = Network(group, S)
    network.run(0.1*ms)
    assert set(S._full_state()) >= {'w', 'N', '_synaptic_pre', '_synaptic_post'}
    given = []
    monkeypatch.setattr(type(S), '_restore_from_full_state', lambda self, state: given.append(
        (self.name, state)))
    network.store()
    network.restore()
    assert [name for name, state in given if 'w' in state] == ['S']
