"""Data sets for classification: samples, their classes, and the ones that need no files.

This module does not import Brian2. Inputs are kept as they come (bytes for images) and become
rates when they are asked for.
"""

import math
from dataclasses import dataclass

import numpy as np

from brian_le.checks import check_array, check_positive

__all__ = ['Split', 'Dataset', 'digits', 'yin_yang']

_R_BIG, _R_DOT = 0.5, 0.1  # the yin-yang disc, around (0.5, 0.5), and each of its two dots


@dataclass(frozen=True, eq=False)
class Split:
    """Samples (samples, *shape), their classes, and what makes rates of inputs by multiplication.
    """

    inputs: np.ndarray
    classes: np.ndarray
    scale: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, 'inputs', np.asarray(self.inputs))
        object.__setattr__(self, 'classes', np.asarray(self.classes))

    def __len__(self):
        return len(self.inputs)

    def rates(self, indices):
        """Inputs of some samples as rates: ``inputs*scale``, float64, of shape (samples, values).

        Every sample is flattened in C order (the channels of a pixel are neighbours).
        """
        chosen = self.inputs[np.asarray(indices, dtype=np.intp)]
        rates = np.multiply(chosen, self.scale, dtype=np.float64)
        return rates.reshape(len(chosen), math.prod(self.inputs.shape[1:]))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples to learn from and to test with; a ValueError if they do not fit together.

    Examples
    --------
    >>> from brian_le.protocols.data.datasets import Dataset, Split
    >>> split = Split([[0.0, 1.0], [1.0, 0.0]], [0, 1], scale=0.5)
    >>> Dataset('two', 2, (2,), train=split, validation=None, test=split).train.rates([0])
    array([[0. , 0.5]])
    """

    name: str
    n_classes: int  # 0 to n_classes - 1
    shape: tuple  # of one sample: (height, width, channels) of images, (values,) of others
    train: Split
    validation: Split | None  # to choose parameters with, if there are any
    test: Split

    def __post_init__(self):
        for part in ('train', 'validation', 'test'):
            split = getattr(self, part)
            if split is not None:
                _check(f"the {part} split of '{self.name}'", split, self.shape, self.n_classes)


def _check(owner, split, shape, n_classes):
    """Raise a ValueError unless a split has this shape and these classes."""
    for key, kinds in (('inputs', 'buif'), ('classes', 'ui')):
        array = getattr(split, key)
        if array.dtype.kind not in kinds:
            wanted = 'whole numbers' if key == 'classes' else 'numbers'
            raise ValueError(f'{key} of {owner} are of type {array.dtype}; give {wanted}')
    check_array(f'inputs of {owner}', split.inputs, (None, *shape), dtype=split.inputs.dtype)
    check_positive(f'scale of {owner}', split.scale)
    if not len(split):
        raise ValueError(f'{owner} is empty; give at least one sample')
    check_array(f'classes of {owner}', split.classes, (len(split),), dtype=split.classes.dtype)
    outside = np.flatnonzero((split.classes < 0) | (split.classes >= n_classes))
    if len(outside):
        raise ValueError(f'labels outside the classes: sample {outside[0]} of {owner} has label '
                         f'{split.classes[outside[0]]}; give 0 to {n_classes - 1}')


def digits():
    """The handwritten digits of 8 x 8 pixels that come with scikit-learn.

    The split is fixed: 1437 samples to learn from, 360 to test with, in random order. Rates are
    between 0 and 1. A ValueError if scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ValueError("the data set 'digits' comes with scikit-learn, which is not installed: "
                         'pip install scikit-learn') from None
    images, classes = load_digits(return_X_y=True)
    images = images.astype(np.uint8).reshape(-1, 8, 8, 1)
    order = np.random.RandomState(0).permutation(len(images))
    train, test = (Split(images[part], classes[part], scale=1/16)
                   for part in (order[:1437], order[1437:]))
    return Dataset('digits', 10, (8, 8, 1), train=train, validation=None, test=test)


def yin_yang(n_train=5000, n_validation=1000, n_test=1000):
    """Points in the yin-yang symbol: which part of it are they in?

    The data set of Kriener, Goeltz and Petrovici (2022), doi 10.1145/3517343.3517380, sample by
    sample, as they are drawn with the published seeds: x, y, 1 - x, 1 - y. The symbol is a disc of
    radius 0.5 around (0.5, 0.5) with two dots of radius 0.1. The class of a sample is drawn first,
    all three with the same probability, and then points until one is of that class: 1 is the upper
    part (it has the left bulge), 0 the lower part, 2 the dots. Fewer samples are the first ones of
    more.
    """
    train, validation, test = (_yin_yang_split(n, np.random.RandomState(seed)) for n, seed in (
        (n_train, 42), (n_validation, 41), (n_test, 40)))
    return Dataset('yin_yang', 3, (4,), train=train, validation=validation, test=test)


def _yin_yang_split(n, rng):
    points, classes = np.empty((max(n, 0), 2)), np.empty(max(n, 0), dtype=int)
    for i in range(n):
        classes[i] = rng.randint(3)
        points[i] = 2*_R_BIG*rng.rand(2)
        while _yin_yang_class(*(points[i] - _R_BIG)) != classes[i]:
            points[i] = 2*_R_BIG*rng.rand(2)
    return Split(np.hstack([points, 1 - points]), classes)


def _yin_yang_class(x, y):
    """Class of a point, measured from the centre of the symbol; None outside of it."""
    if math.hypot(x, y) > _R_BIG:
        return None
    left, right = (math.hypot(x - centre, y) for centre in (-_R_BIG/2, _R_BIG/2))
    if min(left, right) < _R_DOT:
        return 2
    in_left_bulge, in_right_bulge = left <= _R_BIG/2, right <= _R_BIG/2
    return int(in_left_bulge or (y > 0 and not in_right_bulge))
