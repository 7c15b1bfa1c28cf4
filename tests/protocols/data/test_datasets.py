import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brian_le.protocols.data.datasets import Dataset, Split, digits, yin_yang


# ------------------------------------------------------------------------------------- splits
def test_rates_are_scaled_inputs_with_the_channels_last():
    inputs = np.arange(2*2*3*2, dtype=np.uint8).reshape(2, 2, 3, 2)
    split = Split(inputs, [1, 0], scale=1/4)
    found = split.rates([1])
    assert found.shape == (1, 12) and found.dtype == np.float64
    for row in range(2):
        for column in range(3):
            for channel in range(2):
                assert found[0, (row*3 + column)*2 + channel] == inputs[1, row, column, channel]/4


@pytest.mark.parametrize('dtype', [np.uint8, np.int64, np.float32, np.float64, bool])
def test_rates_are_double_precision_whatever_the_inputs_are(dtype):
    split = Split(np.array([[1, 0], [1, 1]], dtype=dtype), [0, 0], scale=0.1)
    found = split.rates([0])
    assert found.dtype == np.float64 and found.tolist() == [[0.1, 0.0]]


@given(st.lists(st.integers(0, 4), max_size=9))
def test_rates_of_any_samples(indices):
    inputs = np.random.RandomState(1).rand(5, 2, 3)
    split = Split(inputs, np.zeros(5, dtype=int))
    assert len(split) == 5
    found = split.rates(indices)
    assert found.shape == (len(indices), 6)
    for k, index in enumerate(indices):
        np.testing.assert_array_equal(found[k], inputs[index].ravel())


def test_inputs_keep_their_type():
    assert Split(np.zeros((3, 2), np.uint8), [0, 1, 2]).inputs.dtype == np.uint8


# ---------------------------------------------------------------------------------- data sets
GOOD = Split(np.zeros((3, 2)), [0, 1, 2])
BAD = {
    'label above': (Split(np.zeros((3, 2)), [0, 3, 1]),
                    "labels outside the classes: sample 1 of the {} split of 'toy' has label 3; "
                    'give 0 to 2'),
    'label below': (Split(np.zeros((3, 2)), [0, 1, -1]), 'sample 2 of the {} split .* label -1'),
    'labels that are not whole': (Split(np.zeros((3, 2)), [0, 1, 0.5]),
                                  "classes of the {} split of 'toy' are .*give whole numbers"),
    'inputs that are texts': (Split([['a', 'b']], [0]), 'inputs of the {} split .*give numbers'),
    'NaN': (Split([[0.0, np.nan]], [0]), r"inputs of the {} split of 'toy' contains nan at index "
                                         r'\(0, 1\)'),
    'infinite': (Split([[np.inf, 0.0]], [0]), 'contains inf'),
    'another shape': (Split(np.zeros((3, 4)), [0, 1, 2]),
                      r"inputs of the {} split of 'toy' has shape \(3, 4\)"),
    'another number of axes': (Split(np.zeros((3, 2, 1)), [0, 1, 2]), r'shape \(3, 2, 1\)'),
    'fewer labels': (Split(np.zeros((3, 2)), [0, 1]), r'classes of the {} split .*shape \(2,\)'),
    'more labels': (Split(np.zeros((3, 2)), [0]*4), r'classes of the {} split .*shape \(4,\)'),
    'empty': (Split(np.zeros((0, 2)), np.zeros(0, int)), 'the {} split .* is empty'),
    'scale': (Split(np.zeros((3, 2)), [0]*3, scale=0.0), 'scale of the {} split .*positive'),
}


@pytest.mark.parametrize('part', ['train', 'validation', 'test'])
@pytest.mark.parametrize('case', BAD)
def test_bad_splits(case, part):
    split, message = BAD[case]
    splits = {'train': GOOD, 'validation': None, 'test': GOOD, part: split}
    with pytest.raises(ValueError, match=message.format(part)):
        Dataset('toy', 3, (2,), **splits)


def test_a_good_data_set():
    data = Dataset('toy', 3, (2,), train=GOOD, validation=None, test=GOOD)
    assert data.train is GOOD and data.validation is None


# -------------------------------------------------------------------------------------- digits
def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    bunch, data = load_digits(), digits()
    assert (data.name, data.n_classes, data.shape) == ('digits', 10, (8, 8, 1))
    assert len(data.train) == 1437 and len(data.test) == 360 and data.validation is None
    order = np.random.RandomState(0).permutation(1797)
    np.testing.assert_array_equal(data.train.rates(range(1437)), bunch.data[order[:1437]]/16)
    np.testing.assert_array_equal(data.test.rates(range(360)), bunch.data[order[1437:]]/16)
    np.testing.assert_array_equal(data.train.classes, bunch.target[order[:1437]])
    np.testing.assert_array_equal(data.test.classes, bunch.target[order[1437:]])
    assert data.train.inputs.dtype == np.uint8


def test_digits_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, 'sklearn.datasets', None)
    with pytest.raises(ValueError, match="'digits' .*pip install scikit-learn"):
        digits()


# ------------------------------------------------------------------------------------ yin-yang
@pytest.fixture(scope='module')
def symbol():
    return yin_yang()


def parts(data):
    return data.train, data.validation, data.test


def test_yin_yang_classes_follow_the_geometry(symbol):
    """The border is two half circles: the left one goes down, the right one up."""
    for split in parts(symbol):
        x, y = split.inputs[:, 0] - 0.5, split.inputs[:, 1] - 0.5
        assert (x**2 + y**2 <= 0.25).all()
        border = np.sign(x)*np.sqrt(0.0625 - (np.abs(x) - 0.25)**2)
        in_dot = (np.abs(x) - 0.25)**2 + y**2 < 0.01
        np.testing.assert_array_equal(split.classes, np.where(in_dot, 2, y > border))


def test_yin_yang_samples(symbol):
    assert (symbol.name, symbol.n_classes, symbol.shape) == ('yin_yang', 3, (4,))
    assert [len(split) for split in parts(symbol)] == [5000, 1000, 1000]
    for split in parts(symbol):
        np.testing.assert_array_equal(split.inputs[:, 2:], 1 - split.inputs[:, :2])
        n = len(split)
        assert np.abs(np.bincount(split.classes) - n/3).max() < 4*np.sqrt(n*2/9)


def test_yin_yang_is_the_published_one(symbol):
    """First and last samples as the published code draws them, with its seeds."""
    recorded = (
        [(0, 0.6803075385877797, 0.450499251969543, 2),
         (1, 0.09767211400638387, 0.6842330265121569, 1),
         (-1, 0.7690797231107925, 0.5883389337522971, 2)],
        [(0, 0.6805727261759029, 0.3209733938933629, 0),
         (-1, 0.7107040957004825, 0.804733352731108, 1)],
        [(0, 0.23409664559563403, 0.4017249751828972, 2),
         (-1, 0.32834060537145815, 0.3899830419619741, 1)])
    for split, samples in zip(parts(symbol), recorded):
        for index, x, y, label in samples:
            assert split.inputs[index, :2].tolist() == [x, y] and split.classes[index] == label


def test_yin_yang_with_other_numbers(symbol):
    few = yin_yang(7, 5, 3)
    for split, whole, n in zip(parts(few), parts(symbol), (7, 5, 3)):
        np.testing.assert_array_equal(split.inputs, whole.inputs[:n])
        np.testing.assert_array_equal(split.classes, whole.classes[:n])


@pytest.mark.parametrize('numbers, part', [((0, 1, 1), 'train'), ((1, 0, 1), 'validation'),
                                           ((1, 1, -1), 'test')])
def test_yin_yang_without_samples(numbers, part):
    with pytest.raises(ValueError, match=f"the {part} split of 'yin_yang' is empty"):
        yin_yang(*numbers)


def test_neither_brian2_nor_matplotlib_is_imported():
    check = ('import sys, brian_le.protocols.data.files, brian_le.protocols.data.datasets as d; '
             'd.digits(); d.yin_yang(1, 1, 1); '
             "print(sorted({'brian2', 'matplotlib'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, '-c', check], capture_output=True, text=True,
                          check=True)
    assert done.stdout == '[]\n'
