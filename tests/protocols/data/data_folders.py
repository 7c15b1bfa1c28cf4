"""Small folders in the formats of MNIST, HIGGS and CIFAR-10, with classes that can be learned.

Every class has a random mean, and samples are noise around it. The functions return what they
have written.
"""

import gzip
import struct
from pathlib import Path

import numpy as np

CIFAR10_NAMES = [f'data_batch_{k}' for k in range(1, 6)] + ['test_batch']


def write_mnist(folder, n_train, n_test, gz=False, size=28, rng=None, dot=False):
    """Write the four files of MNIST.

    Returns images of shape (n, size, size) and labels by ``'train'`` and ``'t10k'``.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    means = rng.integers(0, 2, size=(10, size*size))*160
    written = {}
    for part, n in (('train', n_train), ('t10k', n_test)):
        labels = rng.integers(0, 10, size=n).astype(np.uint8)
        images = _images(means, labels, rng).reshape(n, size, size)
        for kind, array in (('images', images), ('labels', labels)):
            name = f'{part}-{kind}{"." if dot else "-"}idx{array.ndim}-ubyte'
            content = struct.pack(f'>{1 + array.ndim}I', 0x800 + array.ndim, *array.shape)
            _write(Path(folder)/name, content + array.tobytes(), gz)
        written[part] = images, labels
    return written


def write_higgs(folder, rows, gz=False, rng=None):
    """Write HIGGS.csv with this many rows; returns the table of shape (rows, 29)."""
    rng = np.random.default_rng(0) if rng is None else rng
    labels = rng.integers(0, 2, size=rows)
    numbers = rng.normal(size=(2, 28))[labels] + rng.normal(size=(rows, 28))
    table = np.column_stack([labels, numbers]).astype(np.float32)
    lines = (','.join(f'{x:.18e}' for x in row) + '\n' for row in table.astype(float))
    _write(Path(folder)/'HIGGS.csv', ''.join(lines).encode(), gz)
    return table


def write_cifar10(folder, n_per_batch, rng=None):
    """Write the six batches of CIFAR-10 into ``cifar-10-batches-py``, as Python 2 did.

    Returns planar images of shape (6*n_per_batch, 3072) and labels; the last batch is for tests.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    folder = Path(folder)/'cifar-10-batches-py'
    folder.mkdir()
    labels = rng.integers(0, 10, size=6*n_per_batch)
    images = _images(rng.integers(0, 2, size=(10, 3072))*160, labels, rng)
    for k, name in enumerate(CIFAR10_NAMES):
        part = slice(k*n_per_batch, (k + 1)*n_per_batch)
        (folder/name).write_bytes(python2_pickle(images[part], labels[part].tolist()))
    return images, labels


def python2_pickle(images, labels, fortran=False):
    """A batch of CIFAR-10, opcode by opcode as cPickle of Python 2 writes it."""
    array = (b'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n' + _int(0) + b'\x85'
             + _bytes(b'b') + b'\x87R(' + _int(1)
             + _int(images.shape[0]) + _int(images.shape[1]) + b'\x86'
             + b'cnumpy\ndtype\n' + _bytes(b'u1') + _int(0) + _int(1) + b'\x87R('
             + _int(3) + _bytes(b'|') + b'NNN' + _int(-1) + _int(-1) + _int(0) + b'tb'
             + (b'\x88' if fortran else b'\x89')
             + _bytes(images.tobytes('F' if fortran else 'C')) + b'tb')
    names = b''.join(_bytes(b'image_%d.png' % k) for k in range(len(labels)))
    return (b'\x80\x02}(' + _bytes(b'batch_label') + _bytes(b'training batch 1 of 5')
            + _bytes(b'labels') + b'](' + b''.join(map(_int, labels)) + b'e'
            + _bytes(b'data') + array + _bytes(b'filenames') + b'](' + names + b'eu.')


def _int(number):
    return b'K%c' % number if 0 <= number < 256 else b'J' + struct.pack('<i', number)


def _bytes(content):
    if len(content) < 256:
        return b'U%c' % len(content) + content
    return b'T' + struct.pack('<i', len(content)) + content


def _images(means, labels, rng):
    return (means[labels] + rng.integers(0, 96, size=(len(labels), means.shape[1]))).astype('u1')


def _write(path, content, gz):
    if gz:
        path.with_name(f'{path.name}.gz').write_bytes(gzip.compress(content, mtime=0))
    else:
        path.write_bytes(content)
