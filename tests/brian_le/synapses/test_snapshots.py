import operator

import numpy as np
import pytest
from brian2 import Quantity, ms

from brian_le.synapses.snapshots import Snapshot, snapshot

VALUES = np.arange(6.0).reshape(2, 3)


@pytest.fixture
def values():
    return snapshot(VALUES.copy(), 'write x = values')


@pytest.mark.parametrize('change', [
    lambda x: operator.setitem(x, slice(None), 0), lambda x: operator.setitem(x[1], 0, 5),
    lambda x: operator.setitem(x.T, (0, 0), 5), lambda x: x.fill(1), lambda x: x.sort(),
    lambda x: np.add(x, 1, out=x), lambda x: operator.setitem(x.reshape(-1), x.ravel() > 2, 0)])
def test_changes_are_refused(values, change):
    with pytest.raises(ValueError, match='a copy.*: write x = values; or take a copy'):
        change(values)
    np.testing.assert_array_equal(values, VALUES)


def test_calculations_give_plain_arrays(values):
    for result in (values + 1, 2*values, np.sqrt(values), values @ values.T, values.mean(axis=0)):
        assert type(result) is np.ndarray and result.flags.writeable
    before = values
    values *= 2
    assert type(values) is np.ndarray
    np.testing.assert_array_equal(values, 2*VALUES)
    np.testing.assert_array_equal(before, VALUES)
    assert isinstance(2*ms*before, Quantity)


def test_copies_may_be_changed(values):
    for copy in (values.copy(), np.array(values), values.astype('float32')):
        copy[0] = 7
        assert (copy[0] == 7).all()
    np.testing.assert_array_equal(values, VALUES)
    assert repr(values) == repr(VALUES) and isinstance(values[0], Snapshot)


def test_numbers_and_quantities():
    assert snapshot(np.float64(3), 'x') == 3
    times = snapshot(VALUES*ms, 'x')
    with pytest.raises(ValueError, match='read-only'):
        times[0] = 1*ms
