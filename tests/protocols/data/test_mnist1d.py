import numpy as np

from brian_le.protocols.data import mnist1d


def test_sequences_are_those_of_the_package():
    data = mnist1d.sequences()
    assert len(data.train) == 4000 and len(data.test) == 1000 and data.shape == (360, 1)
    assert (np.bincount(data.train.classes) + np.bincount(data.test.classes) == 500).all()
    from mnist1d.data import get_dataset_args, make_dataset
    options = get_dataset_args()
    options.final_seq_length = 72
    made = make_dataset(options)
    # every fifth step, from the third on, is a point of the generator
    np.testing.assert_allclose(data.train.inputs[:, 2::5, 0], made['x'], atol=1e-6)
    between = (made['x'][:, :-1]*2 + made['x'][:, 1:]*3)/5
    np.testing.assert_allclose(data.train.inputs[:, 5:-3:5, 0], between, atol=1e-6)
    np.testing.assert_array_equal(data.test.classes, made['y_test'])


def test_random_numbers_of_the_user_stay_as_they_are():
    mnist1d.sequences.cache_clear()
    np.random.seed(3)
    expected = np.random.random(2)
    np.random.seed(3)
    mnist1d.sequences()
    np.testing.assert_array_equal(np.random.random(2), expected)
