import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from brian_le.models import Conv, Dense, Flatten, MaxPool, initial_weights


def test_initial_weights():
    layers = [Conv(60, 3), MaxPool(2), Flatten(), Dense(50), Dense(40)]
    weights = initial_weights((6, 6, 5), layers, np.random.default_rng(1), feedback=True)
    assert list(weights) == [('forward', 0), ('bias', 0), ('forward', 1), ('bias', 1),
                             ('feedback', 1), ('forward', 2), ('bias', 2), ('feedback', 2)]
    for (kind, k), w in weights.items():
        bound = 1/np.sqrt((45, 240, 50)[k])
        assert w.shape[0] == (60, 50, 40)[k] and (w.ndim == 1) == (kind == 'bias')
        assert np.abs(w).max() < bound and w.min() < -0.7*bound and w.max() > 0.7*bound
    normal = initial_weights((6, 6, 5), layers, np.random.default_rng(1), sigma=0.05)
    w = np.concatenate([array.ravel() for array in normal.values()])
    assert abs(w.std()/0.05 - 1) < 4/np.sqrt(2*w.size) and np.abs(w).max() > 3*0.05
    assert ('feedback', 1) not in normal
    assert set(initial_weights(2, [Dense(1)], np.random.default_rng(1), bias=False)) == {
        ('forward', 0)}


@given(st.integers(0, 99))
def test_draws_follow_each_other(seed):
    """Whoever draws layer by layer gets the same numbers."""
    found = initial_weights(3, [Dense(4), Dense(2)], np.random.default_rng(seed), feedback=True,
                            sigma=1)
    rng = np.random.default_rng(seed)
    for (kind, k), w in found.items():
        np.testing.assert_array_equal(w, rng.normal(0, 1, w.shape))
    old = np.random.RandomState(seed)
    np.testing.assert_array_equal(initial_weights(3, [Dense(4)], np.random.RandomState(seed))[
        'forward', 0], old.uniform(-1, 1, (4, 3))/np.sqrt(3))
