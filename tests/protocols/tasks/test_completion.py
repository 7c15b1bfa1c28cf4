import numpy as np
import pytest

from brian_le.protocols import check_protocol
from brian_le.protocols.runs.launches import Launches
from brian_le.protocols.runs.results import Result
from brian_le.protocols.runs.running import Run
from brian_le.protocols.tasks.completion.alternatives import mean, nearest, ridge
from brian_le.protocols.tasks.completion.figures import errors, pictures
from brian_le.protocols.tasks.completion.task import (HIDDEN, LABELS, Completion, seen_pixels,
                                                      squared_error)

#: Four batches, two at a time.
SMALL = dict(epochs=1, batch=350, t_pattern=1, every=2, precision='double')


def drawn():
    rng = np.random.default_rng(3)
    known, pictures = rng.uniform(size=(30, 6)), rng.uniform(size=(4, 6))
    return known, pictures, np.array([True, False, True, True, False, True])


@pytest.mark.parametrize('complete', [mean, ridge, nearest])
def test_what_is_seen_stays_and_what_is_hidden_is_not_looked_at(complete):
    known, pictures, seen = drawn()
    found = complete(known, pictures, seen)
    np.testing.assert_array_equal(found[:, seen], pictures[:, seen])
    np.testing.assert_array_equal(complete(known, np.where(seen, pictures, 7.0), seen), found)


def test_ridge_regression_is_that_of_scikit_learn():
    linear_model = pytest.importorskip('sklearn.linear_model')
    known, pictures, seen = drawn()
    expected = linear_model.Ridge(alpha=0.3).fit(known[:, seen], known[:, ~seen])
    np.testing.assert_allclose(ridge(known, pictures, seen, 0.3)[:, ~seen],
                               expected.predict(pictures[:, seen]), rtol=1e-9)


def test_the_nearest_neighbours():
    known, pictures, seen = drawn()
    for found, picture in zip(nearest(known, pictures, seen, 3), pictures):
        best = sorted(known, key=lambda one: np.linalg.norm((one - picture)[seen]))[:3]
        np.testing.assert_allclose(found[~seen], np.mean(best, axis=0)[~seen], rtol=1e-12)


def test_masks():
    masks = seen_pixels(12)
    assert list(masks) == list(HIDDEN)
    assert (masks['random'].sum(axis=1) == 32).all() and (masks['lower'].sum(axis=1) == 32).all()
    assert len(np.unique(masks['random'], axis=0)) == 5
    assert masks['lower'][0].reshape(8, 8)[:4].all()  # rows from the top on


def test_squared_errors_are_those_of_hidden_pixels():
    seen = np.array([[True, False], [False, True]])
    assert squared_error(np.array([[9, 2], [1, 9]]), np.zeros((2, 2)), seen) == 2.5


def settled(weights, picture, seen, steps=200):
    """The rates of the neurons [sample, pixel] in NumPy."""
    r = np.zeros_like(picture)
    for _ in range(steps):
        p = (picture*seen) @ weights['forward', 'x->y'].T + r @ weights['forward', 'y->y'].T
        r = np.where(seen, 0, np.maximum(p + weights['bias', 'y'], 0))
    return r


def test_it_settles_and_learns_along_the_gradient():
    """Fixed points and differences of their loss in NumPy; neurons of seen pixels are silent."""
    pytest.importorskip('sklearn')
    protocol = Completion(Completion.read(dict(
        batch=3, precision='double', t_pattern=6, beta=1e-5, late=1, rate=1e-3, fall=1)), 5)
    program = Launches(protocol.compose, 'numpy', print, 'double', 5)
    picture, seen = protocol.data.test.rates(np.arange(3)), seen_pixels(3)['random']
    start = {key: np.array(w) for key, w in protocol.net.weights.items()}
    values = protocol._rates(0) | {protocol.nudged: 1.0}
    found, end = protocol._show(program, {}, picture, seen, values)
    expected = settled(start, picture, seen)
    np.testing.assert_allclose(found, np.where(seen, picture, expected), atol=1e-4)
    assert not end['pixels_y.r'].reshape(3, 64)[seen].any()

    def loss(weights):
        return 0.5*((settled(weights, picture, seen) - picture)**2)[~seen].sum()/3

    new = protocol.net.weights.matrices(end)
    for key in (('forward', 'x->y'), ('forward', 'y->y'), ('bias', 'y')):
        change = (new[key] - start[key])/1e-3
        for index in [np.unravel_index(np.abs(change).argmax(), change.shape),
                      *np.argwhere(change)[5::397]]:
            index, sides = tuple(index), []
            for sign in (1, -1):
                moved = {other: w.copy() for other, w in start.items()}
                moved[key][index] += sign*1e-6
                sides.append(loss(moved))
            np.testing.assert_allclose(change[index], -(sides[0] - sides[1])/2e-6, rtol=2e-3,
                                       atol=1e-4)


@pytest.fixture(scope='module')
def result():
    """Made up: no network has run."""
    rng = np.random.default_rng(1)
    seen = np.array([mask[:8] for mask in seen_pixels(8).values()])
    arrays = {'truth': rng.uniform(size=(8, 64)), 'seen': seen,
              'le.error': rng.uniform(size=(2, 4)), 'radius': np.full(4, 0.5)}
    for name in LABELS:
        arrays |= {f'{name}.pictures': rng.uniform(size=(2, 8, 64))}
        arrays |= {f'{name}.error': rng.uniform(size=2)} if name != 'le' else {}
    return Result('', {'parameters': {}, 'seed': 1}, arrays)


def test_figures_and_measures(result):
    assert list(errors(result)) == ['errors'] and list(pictures(result)) == ['pictures']
    found = Completion.measures(result)
    assert found['lower_le'] == result.arrays['le.error'][1, -1]
    assert found['random_share'] == found['random_le']/result.arrays['mean.error'][0]


def test_learning_needs_steps_of_a_batch():
    with pytest.raises(ValueError, match="'late' is 15, but a batch is shown for 10 steps"):
        Completion.read(dict(SMALL, late=15))


def test_it_keeps_the_contract():
    pytest.importorskip('sklearn')
    check_protocol('completion', **SMALL)


def test_its_radius_is_limited_and_no_project_can_do_that():
    pytest.importorskip('sklearn')
    protocol = Completion(Completion.read(dict(SMALL, limit=0.01)), 1)
    arrays = Run('numpy').conduct(protocol)
    assert arrays['radius'][0] > 0.05 and arrays['radius'][1] < 0.0101
    with pytest.raises(ValueError, match='an exported project cannot do'):
        protocol.refuse_export()
