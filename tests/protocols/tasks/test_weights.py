import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from brian_le.protocols.tasks.weights import angle


@pytest.mark.parametrize('a, b, expected', [
    ([[1, 2], [3, 4]], [[2, 4], [6, 8]], 0), ([[1, 0]], [[0, 5]], 90), ([[1, 2]], [[-3, -6]], 180),
    ([[1, 0, 0]], [[3, np.sqrt(3), 0]], 30), ([[1, 0]], [[1, 1e-12]], np.degrees(1e-12)),
    ([[0, 0]], [[1, 1]], np.nan)])
def test_angles_in_closed_form(a, b, expected):
    np.testing.assert_allclose(angle(a, b), expected, rtol=1e-12, atol=1e-13)


WEIGHTS = arrays(float, (3, 2), elements=st.floats(-10, 10).map(lambda x: round(x, 6)))


@given(WEIGHTS, WEIGHTS, st.floats(1e-6, 1e6))
def test_angles_do_not_depend_on_lengths(a, b, factor):
    found = angle(a, b)
    if not a.any() or not b.any():
        assert np.isnan(found)
    else:
        cosine = np.sum(a*b)/np.linalg.norm(a)/np.linalg.norm(b)
        np.testing.assert_allclose(np.cos(np.radians(found)), cosine, rtol=0, atol=1e-12)
        for other in (angle(b, a), angle(factor*a, b), angle(a.T, b.T), 180 - angle(-a, b)):
            np.testing.assert_allclose(other, found, rtol=0, atol=1e-6)


def test_angles_of_other_shapes():
    with pytest.raises(ValueError, match=r'\(2, 3\) and \(3, 2\) differ'):
        angle(np.ones((2, 3)), np.ones((3, 2)))
