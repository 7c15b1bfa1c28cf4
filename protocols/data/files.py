"""Data sets from files that users have downloaded: MNIST, HIGGS and CIFAR-10.

This module does not import Brian2. A data set is read completely or not at all: whatever is
missing, cut off or damaged is a ValueError that names the file.
"""

import codecs
import gzip
import math
import operator
import pickle
import struct
import zlib
from array import array
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from brian_le.protocols.data.datasets import Dataset, Split

__all__ = ['PUBLISHED', 'find_cifar10', 'find_higgs', 'find_mnist', 'read_cifar10', 'read_higgs',
           'read_mnist']

#: Where the data sets can be had.
PUBLISHED = {
    'MNIST': 'https://yann.lecun.com/exdb/mnist (mirror: '
             'https://ossci-datasets.s3.amazonaws.com/mnist/)',
    'HIGGS': 'https://archive.ics.uci.edu/dataset/280/higgs',
    'CIFAR-10': 'https://www.cs.toronto.edu/~kriz/cifar.html'}
_DAMAGED = (OSError, EOFError, zlib.error)  # what reading a damaged file raises
_HIGGS_COLUMNS = 29
_LONGEST_LINE = 4096  # bytes; the lines of HIGGS have about 730
_FEWEST_ROWS = 100


def find_mnist(directory):
    """The paths of the files of MNIST by their part and kind; a ValueError if one is missing."""
    return {(part, kind): _find(Path(directory), _idx_names(f'{part}-{kind}', n_axes), 'MNIST')
            for part in ('train', 't10k') for kind, n_axes in (('images', 3), ('labels', 1))}


def read_mnist(directory):
    """MNIST, or a data set in the same format.

    In the folder are ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
    ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, each as it is or compressed
    (``.gz``). A dot may stand before ``idx``. Rates are from 0 to 255/256. The last 10 000 training
    images are for validation; of fewer than 60 000, the last sixth. A ValueError if a file is
    missing, cut off, damaged, has another format or does not fit to the others.
    """
    paths = find_mnist(directory)
    (images, labels), (test_images, test_labels) = (
        _read_mnist_part(paths[part, 'images'], paths[part, 'labels'])
        for part in ('train', 't10k'))
    if len(images) < 6:
        raise ValueError(f"'{paths['train', 'images']}' has {len(images)} images; at least 6 are "
                         'needed, because a sixth is for validation')
    if images.shape[1:] != test_images.shape[1:]:
        train_size, test_size = ('{} x {}'.format(*a.shape[1:3]) for a in (images, test_images))
        raise ValueError(f"'{paths['t10k', 'images']}' has images of {test_size} pixels, but "
                         f"'{paths['train', 'images']}' of {train_size}; give files of one data "
                         'set')
    n_validation = min(10_000, len(images)//6)
    return _dataset('mnist', 10, images, labels, n_validation, test_images, test_labels, 1/256)


def _idx_names(stem, n_axes):
    """The names that a file of MNIST may have; the first is the published one."""
    return [f'{stem}{dot}idx{n_axes}-ubyte{suffix}' for dot in '-.' for suffix in ('', '.gz')]


def _read_mnist_part(images_path, labels_path):
    images, labels = _read_idx(images_path, 3), _read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise ValueError(f"'{labels_path}' has {len(labels)} labels, but '{images_path}' "
                         f'{len(images)} images; give files of one data set')
    _check_labels(labels_path, labels, 10)
    return images[..., np.newaxis], labels


def _read_idx(path, n_axes):
    """The bytes in an IDX file, with the shape that its header has."""
    with _reading(path) as file:
        content = file.read()
    header = struct.Struct(f'>{1 + n_axes}I')
    if len(content) < header.size:
        raise ValueError(f"'{path}' is cut off in its header; get it again")
    magic, *shape = header.unpack_from(content)
    wanted = 0x800 + n_axes  # 8 is the type, unsigned bytes
    if magic != wanted:
        raise ValueError(f"'{path}' begins with the number {magic}, and not with {wanted}; give "
                         f'an IDX file of bytes with {n_axes} axes')
    n_found, n_needed = len(content) - header.size, math.prod(shape)
    if n_found != n_needed:
        problem = 'is cut off' if n_found < n_needed else 'has bytes behind its end'
        raise ValueError(f"'{path}' {problem}: {n_needed} bytes have to follow the header, and "
                         f'{n_found} do; get it again')
    if not n_needed:
        raise ValueError(f"'{path}' is empty: its header says {tuple(shape)}; get it again")
    return np.frombuffer(content, np.uint8, offset=header.size).reshape(shape)


def find_higgs(directory):
    """The path of the file of HIGGS; a ValueError if it is missing."""
    return _find(Path(directory), ['HIGGS.csv', 'HIGGS.csv.gz'], 'HIGGS')


def read_higgs(directory, rows=400_000):
    """The first rows of HIGGS, at least 100: is a collision a signal (1) or background?

    In the folder is ``HIGGS.csv`` or ``HIGGS.csv.gz``: the label, then 28 numbers in every line,
    read in single precision. In the order of the file: 90 % to learn from, of which the last 5 %
    are for validation, then 10 % to test with. A ValueError if the file is missing, has fewer rows,
    is cut off or damaged, or a line is not 29 finite numbers with a label 0 or 1 (the message has
    the number of the line). Nothing behind these rows is looked at.
    """
    try:
        n_rows = operator.index(rows)
    except TypeError:
        n_rows = 0
    if n_rows < _FEWEST_ROWS:
        raise ValueError(f"'rows' is {rows!r}; give a whole number, at least {_FEWEST_ROWS}")
    path = find_higgs(directory)
    numbers = array('f')  # grows with the rows that are there, not with those asked for
    with _reading(path) as file:
        for n in range(1, n_rows + 1):
            line = _read_line(path, file, n)
            if not line:
                raise ValueError(f"'{path}' has {n - 1} rows, and {n_rows} are asked for; give "
                                 "fewer as 'rows', or get the file again")
            numbers.extend(_parse_line(path, line, n))
    table = np.frombuffer(numbers, np.float32).reshape(n_rows, _HIGGS_COLUMNS)
    inputs, labels = np.ascontiguousarray(table[:, 1:]), table[:, 0].astype(int)
    n_train = n_rows*9//10
    return _dataset('higgs', 2, inputs[:n_train], labels[:n_train], n_train//20,
                    inputs[n_train:], labels[n_train:], 1.0)


def _read_line(path, file, n):
    try:
        line = file.readline(_LONGEST_LINE)
    except _DAMAGED as error:
        raise ValueError(f"line {n} of '{path}' cannot be read: {error}; get the file "
                         'again') from None
    if line and not line.endswith(b'\n'):
        problem = ('is cut off' if len(line) < _LONGEST_LINE
                   else f'has more than {_LONGEST_LINE} bytes')
        raise ValueError(f"line {n} of '{path}' {problem}; get the file again, or end the line")
    return line


def _parse_line(path, line, n):
    """The numbers in a line, of which the first is the label."""
    fields = line.split(b',')
    if len(fields) != _HIGGS_COLUMNS:
        raise ValueError(f"line {n} of '{path}' has {len(fields)} columns; HIGGS has the label "
                         'and 28 numbers')
    try:
        numbers = array('f', map(float, fields))
    except ValueError:
        numbers = ()
    # Python reads 1_0 as ten
    if not numbers or b'_' in line or not all(map(math.isfinite, numbers)):
        text = next(field for field in fields if not _is_number(field))
        raise ValueError(f"line {n} of '{path}' has "
                         f"'{text.decode('ascii', 'backslashreplace').strip()[:40]}'; give a "
                         'finite number in single precision')
    if numbers[0] not in (0, 1):
        raise ValueError(f"line {n} of '{path}' has the label {numbers[0]:g}; labels are 0 and 1")
    return numbers


def _is_number(field):
    try:
        return b'_' not in field and math.isfinite(array('f', [float(field)])[0])
    except ValueError:
        return False


def find_cifar10(directory):
    """The paths of the batches of CIFAR-10, that to test with last; a ValueError if one lacks."""
    directory = Path(directory)
    names = [f'data_batch_{k}' for k in range(1, 6)] + ['test_batch']
    inside = directory/'cifar-10-batches-py'
    if inside.is_dir() and not any((directory/name).is_file() for name in names):
        directory = inside
    return [_find(directory, [name], 'CIFAR-10') for name in names]


def read_cifar10(directory):
    """CIFAR-10, from the batches for Python.

    In the folder, or in ``cifar-10-batches-py`` there, are ``data_batch_1`` to ``data_batch_5`` and
    ``test_batch``. Rates are from 0 to 1. The last fifth of the training images is for validation.
    A ValueError if a file is missing, cut off, damaged or something else than a batch. Batches are
    pickles, but nothing that a pickle names is imported or run.
    """
    *train, (test_images, test_labels) = [_read_batch(path) for path in find_cifar10(directory)]
    images, labels = (np.concatenate(parts) for parts in zip(*train))
    return _dataset('cifar10', 10, images, labels, len(images)//5, test_images, test_labels,
                    1/255)


def _read_batch(path):
    """Images, of shape (n, 32, 32, 3), and labels of a batch."""
    not_a_batch = (f"'{path}' is not a CIFAR-10 batch for Python, or is damaged; get it from "
                   f"{PUBLISHED['CIFAR-10']}")
    with _reading(path) as file:
        try:
            batch = _BatchUnpickler(file, encoding='bytes').load()
            # names are bytes if Python 2 has written the file, as it has the published ones
            batch = {key.decode() if isinstance(key, bytes) else key: value
                     for key, value in batch.items()}
            images, labels = _bytes_of_array(batch['data']), batch['labels']
            at_end = not file.read(1)
        except Exception as error:  # damaged pickles raise errors of every kind
            raise ValueError(f'{not_a_batch} ({type(error).__name__}: {error})') from None
    if not (at_end and len(images) and images.shape[1:] == (3072,) and isinstance(labels, list)
            and all(type(label) is int for label in labels)):
        raise ValueError(not_a_batch)
    if len(images) != len(labels):
        raise ValueError(f"'{path}' has {len(labels)} labels for {len(images)} images; get it "
                         f"from {PUBLISHED['CIFAR-10']}")
    _check_labels(path, np.array(labels), 10)
    planes = images.reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), np.array(labels)


class _Pickled:
    """Stands in for an array, or its type, in a pickle: keeps what it is given, does nothing."""

    def __init__(self, *arguments):
        self.arguments = arguments
        self.state = None

    def __setstate__(self, state):
        self.state = state


def _bytes_of_array(pickled):
    """The array of bytes that a stand-in was given."""
    _, shape, kind, fortran, content = pickled.state
    if kind.arguments[0] not in ('u1', b'u1'):
        raise ValueError(f'its array is of type {kind.arguments[0]}, not of bytes')
    return np.frombuffer(content, np.uint8).reshape(shape, order='F' if fortran else 'C')


def _encode(text, encoding):
    """How Python 3 writes bytes for Python 2."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f"it has the encoding '{encoding}'")
    return codecs.encode(text, 'latin1')


_STAND_INS = {
    ('numpy.core.multiarray', '_reconstruct'): _Pickled,
    ('numpy._core.multiarray', '_reconstruct'): _Pickled,  # written with numpy 2
    ('numpy', 'ndarray'): _Pickled,
    ('numpy', 'dtype'): _Pickled,
    ('_codecs', 'encode'): _encode,
    ('__builtin__', 'bytes'): bytes}


class _BatchUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"it names '{module}.{name}'")
        return _STAND_INS[module, name]


def _find(directory, names, data_set):
    """The path of the first of these names that is a file in the folder."""
    for name in names:
        if (directory/name).is_file():
            return directory/name
    where = (f"is not in the folder '{directory}'" if directory.is_dir()
             else f"cannot be read: there is no folder '{directory}'")
    others = f" (or {', '.join(names[1:])})" if len(names) > 1 else ''
    raise ValueError(f"'{names[0]}'{others} {where}; {data_set} is published at "
                     f'{PUBLISHED[data_set]}')


@contextmanager
def _reading(path):
    """Open a file, compressed or not; what its damage raises becomes a ValueError."""
    try:
        with open(path, 'rb') as file:
            compressed = file.read(2) == b'\x1f\x8b'  # whatever its name says
        with (gzip.open if compressed else open)(path, 'rb') as file:
            yield file
    except _DAMAGED as error:
        raise ValueError(f"'{path}' cannot be read: {error}; get it again") from None


def _check_labels(path, labels, n_classes):
    outside = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if len(outside):
        raise ValueError(f"'{path}' has labels outside the classes: label {outside[0]} is "
                         f'{labels[outside[0]]}; give 0 to {n_classes - 1}')


def _dataset(name, n_classes, inputs, labels, n_validation, test_inputs, test_labels, scale):
    """A data set whose validation samples are the last ones to learn from."""
    n_train = len(inputs) - n_validation
    train, validation, test = (Split(x, y.astype(int), scale) for x, y in (
        (inputs[:n_train], labels[:n_train]), (inputs[n_train:], labels[n_train:]),
        (test_inputs, test_labels)))
    return Dataset(name, n_classes, inputs.shape[1:], train, validation, test)
