import gzip
import os
import pickle
import re
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le.protocols.data.files import read_cifar10, read_higgs, read_mnist
from tests.protocols.data.data_folders import (CIFAR10_NAMES, python2_pickle, write_cifar10,
                                               write_higgs, write_mnist)

MNIST_NAMES = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte',
               't10k-labels-idx1-ubyte']


def rates(split):
    return split.rates(range(len(split)))


def same(a, b):
    for part in ('train', 'validation', 'test'):
        x, y = getattr(a, part), getattr(b, part)
        np.testing.assert_array_equal(x.inputs, y.inputs)
        np.testing.assert_array_equal(x.classes, y.classes)


# --------------------------------------------------------------------------------------- MNIST
@pytest.mark.parametrize('gz', [False, True])
@pytest.mark.parametrize('dot', [False, True])
def test_mnist(tmp_path, gz, dot):
    written = write_mnist(tmp_path, 25, 4, gz=gz, dot=dot)
    data = read_mnist(tmp_path)
    assert (data.name, data.n_classes, data.shape) == ('mnist', 10, (28, 28, 1))
    images, labels = written['train']
    for split, x, y in ((data.train, images[:21], labels[:21]),
                        (data.validation, images[21:], labels[21:]),
                        (data.test, *written['t10k'])):
        np.testing.assert_array_equal(rates(split), x.reshape(len(x), 784)/256)
        np.testing.assert_array_equal(split.classes, y)
        assert split.inputs.dtype == np.uint8 and split.classes.dtype == np.int64


def test_mnist_byte_by_byte(tmp_path):
    write_mnist(tmp_path, 12, 2, size=5)
    data = read_mnist(tmp_path)
    content = (tmp_path/MNIST_NAMES[0]).read_bytes()
    assert struct.unpack_from('>4I', content) == (2051, 12, 5, 5)
    assert data.train.inputs[3, 2, 4, 0] == content[16 + 3*25 + 2*5 + 4]
    assert data.validation.inputs[1, 0, 1, 0] == content[16 + 11*25 + 1]
    assert data.validation.classes[1] == (tmp_path/MNIST_NAMES[1]).read_bytes()[8 + 11]
    assert data.test.classes[1] == (tmp_path/MNIST_NAMES[3]).read_bytes()[8 + 1]


@pytest.mark.parametrize('shape', [(3, 3), (4, 7)])
def test_mnist_of_another_size(tmp_path, shape):
    for part, n in (('train', 6), ('t10k', 1)):
        (tmp_path/f'{part}-images-idx3-ubyte').write_bytes(
            struct.pack('>4I', 2051, n, *shape) + bytes(range(n*shape[0]*shape[1])))
        (tmp_path/f'{part}-labels-idx1-ubyte').write_bytes(struct.pack('>2I', 2049, n) + bytes(n))
    data = read_mnist(tmp_path)
    assert data.shape == (*shape, 1)
    assert data.train.inputs[1, 2, 1, 0] == (shape[0] + 2)*shape[1] + 1


@pytest.mark.parametrize('n, n_validation', [(6, 1), (59_999, 9_999), (60_000, 10_000),
                                             (70_000, 10_000)])
def test_mnist_validation_samples(tmp_path, n, n_validation):
    write_mnist(tmp_path, n, 1, size=1)
    data = read_mnist(tmp_path)
    assert (len(data.train), len(data.validation)) == (n - n_validation, n_validation)


def test_a_plain_file_is_preferred_to_a_compressed_one(tmp_path):
    written = write_mnist(tmp_path, 6, 1)
    for name in MNIST_NAMES:
        (tmp_path/f'{name}.gz').write_bytes(b'')
    np.testing.assert_array_equal(read_mnist(tmp_path).test.inputs[..., 0], written['t10k'][0])


def test_a_folder_with_the_name_of_a_file_is_not_the_file(tmp_path):
    write_mnist(tmp_path, 6, 1, gz=True)
    (tmp_path/MNIST_NAMES[0]).mkdir()
    assert len(read_mnist(tmp_path).train) == 5


def idx(*shape, magic=None, extra=0, fill=0):
    magic = 0x800 + len(shape) if magic is None else magic
    return (struct.pack(f'>{1 + len(shape)}I', magic, *shape)
            + bytes([fill])*(int(np.prod(shape)) + extra))


BAD_MNIST = {
    'empty file': (0, b'', 'is cut off in its header'),
    'half a header': (0, idx(12, 4, 4)[:9], 'is cut off in its header'),
    'no bytes': (0, idx(12, 4, 4)[:16], 'is cut off: 192 bytes .* 0 do'),
    'one byte less': (0, idx(12, 4, 4, extra=-1), 'is cut off: 192 bytes .* 191 do'),
    'one byte more': (0, idx(12, 4, 4, extra=1), 'has bytes behind its end: 192 bytes .* 193 do'),
    'a huge header': (0, idx(12, 4, 4)[:4] + b'\xff'*12, 'is cut off'),
    'labels as images': (0, idx(12, 4, 4, magic=2049), 'begins with the number 2049, .* 2051'),
    'images as labels': (1, idx(12, magic=2051), 'begins with the number 2051, .* 2049'),
    'integers': (0, idx(12, 4, 4, magic=0xC03), 'begins with the number 3075'),
    'little endian': (3, b'\x01\x08\0\0\x04\0\0\0' + bytes(4), 'begins with the number'),
    'no images': (2, idx(0, 4, 4), 'is empty'),
    'images without pixels': (2, idx(4, 0, 4), 'is empty'),
    'less labels': (1, idx(11), f"has 11 labels, but '.*{MNIST_NAMES[0]}.*' 12 images"),
    'more labels': (3, idx(5), f"has 5 labels, but '.*{MNIST_NAMES[2]}.*' 4 images"),
    'a label above': (3, idx(4, fill=10), 'has labels outside the classes: label 0 is 10;'),
    'cut labels': (1, idx(12)[:-1], 'is cut off: 12 bytes .* 11 do'),
    'another size in the test': (2, idx(4, 4, 5), 'has images of 4 x 5 pixels, but '
                                                  f"'.*{MNIST_NAMES[0]}.*' of 4 x 4;"),
}


@pytest.mark.parametrize('gz', [False, True])
@pytest.mark.parametrize('case', BAD_MNIST)
def test_bad_mnist(tmp_path, case, gz):
    k, content, message = BAD_MNIST[case]
    write_mnist(tmp_path, 12, 4, size=4, gz=gz)
    read_mnist(tmp_path)
    suffix = '.gz' if gz else ''
    (tmp_path/(MNIST_NAMES[k] + suffix)).write_bytes(gzip.compress(content) if gz else content)
    with pytest.raises(ValueError, match=f"'{tmp_path/MNIST_NAMES[k]}{suffix}' {message}"):
        read_mnist(tmp_path)


def test_too_few_images(tmp_path):
    write_mnist(tmp_path, 5, 4)
    with pytest.raises(ValueError, match="images-idx3-ubyte' has 5 images; at least 6"):
        read_mnist(tmp_path)


@pytest.mark.parametrize('gz', [True, False])
def test_the_contents_say_whether_a_file_is_compressed(tmp_path, gz):
    """Some browsers unpack a file and leave its name."""
    (tmp_path/'right').mkdir()
    (tmp_path/'wrong').mkdir()
    images, _ = write_mnist(tmp_path/'right', 6, 1, gz=gz)['train']
    for path in (tmp_path/'right').iterdir():
        name = path.name.removesuffix('.gz') + ('' if gz else '.gz')
        path.rename(tmp_path/'wrong'/name)
    found = read_mnist(tmp_path/'wrong').train.inputs
    np.testing.assert_array_equal(found.ravel(), images[:len(found)].ravel())


@pytest.mark.parametrize('damage', [
    lambda content: content[:-8] + bytes(4) + content[-4:],  # the check sum
    lambda content: content[:10] + bytes([255])*(len(content) - 10)])  # no block is like this
def test_a_damaged_compressed_file(tmp_path, damage):
    write_mnist(tmp_path, 6, 1, gz=True)
    write_higgs(tmp_path, 100, gz=True)
    for name, read in ((f'{MNIST_NAMES[0]}.gz', read_mnist), ('HIGGS.csv.gz', read_higgs)):
        path = tmp_path/name
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(ValueError, match=f"'{path}' cannot be read: "):
            read(tmp_path)


# --------------------------------------------------------------------------------------- HIGGS
@pytest.mark.parametrize('gz', [False, True])
def test_higgs(tmp_path, gz):
    table = write_higgs(tmp_path, 300, gz=gz)
    data = read_higgs(tmp_path, rows=210)
    assert (data.name, data.n_classes, data.shape) == ('higgs', 2, (28,))
    for split, part in ((data.train, slice(0, 180)), (data.validation, slice(180, 189)),
                        (data.test, slice(189, 210))):
        np.testing.assert_array_equal(split.inputs, table[part, 1:])
        np.testing.assert_array_equal(split.classes, table[part, 0])
        np.testing.assert_array_equal(rates(split), table[part, 1:])
        assert split.inputs.dtype == np.float32 and split.classes.dtype == np.int64


def test_higgs_number_by_number(tmp_path):
    write_higgs(tmp_path, 100)
    lines = (tmp_path/'HIGGS.csv').read_text().split('\n')
    data = read_higgs(tmp_path, rows=100)
    assert (len(data.train), len(data.validation), len(data.test)) == (86, 4, 10)
    for k, split, index in ((0, data.train, 0), (88, data.validation, 2), (99, data.test, 9)):
        texts = lines[k].split(',')
        assert split.classes[index] == float(texts[0])
        for column in (1, 17, 28):
            single, = struct.unpack('f', struct.pack('f', float(texts[column])))
            assert split.inputs[index, column - 1] == single


def test_no_more_rows_are_read_than_asked_for(tmp_path):
    write_higgs(tmp_path, 150)
    with open(tmp_path/'HIGGS.csv', 'a') as file:
        file.write('what follows is not looked at\n')
    assert len(read_higgs(tmp_path, rows=150).test) == 15
    with pytest.raises(ValueError, match='line 151 of .* has 1 columns'):
        read_higgs(tmp_path, rows=151)


def test_windows_ends_of_lines(tmp_path):
    table = write_higgs(tmp_path, 100)
    content = (tmp_path/'HIGGS.csv').read_bytes()
    (tmp_path/'HIGGS.csv').write_bytes(content.replace(b'\n', b'\r\n'))
    np.testing.assert_array_equal(read_higgs(tmp_path, rows=100).test.inputs, table[90:, 1:])


def row(label='1.0', first='0.5', columns=29):
    return ','.join([label, first] + ['0.25']*(columns - 2)) + '\n'


BAD_ROWS = {
    'a column less': (row(columns=28), 'has 28 columns; HIGGS has the label and 28 numbers'),
    'a column more': (row(columns=30), 'has 30 columns'),
    'an empty line': ('\n', 'has 1 columns'),
    'a word': (row(first='jet'), "has 'jet'; give a finite number"),
    'a heading': (row(label='label'), "has 'label'"),
    'nothing': (row(first=''), "has ''"),
    'NaN': (row(first='nan'), "has 'nan'"),
    'an infinite number': (row(first='-inf'), "has '-inf'"),
    'beyond single precision': (row(first='1e39'), "has '1e39'"),
    'an underscore': (row(first='1_0'), "has '1_0'"),
    'bytes': (row(first='\xff'), r"has '\\xc3\\xbf'"),
    'the last column': (row()[:-2] + 'x\n', "has '0.2x'"),
    'label 2': (row(label='2.0'), 'has the label 2; labels are 0 and 1'),
    'label between': (row(label='0.5'), 'has the label 0.5'),
    'label below': (row(label='-1'), 'has the label -1'),
    'a long line': (row(first='0'*5000), 'has more than 4096 bytes'),
}


@pytest.mark.parametrize('gz', [False, True])
@pytest.mark.parametrize('line', [1, 60, 100])
@pytest.mark.parametrize('case', BAD_ROWS)
def test_bad_rows(tmp_path, case, line, gz):
    text, message = BAD_ROWS[case]
    content = ''.join([row()]*(line - 1) + [text] + [row()]*(100 - line)).encode()
    path = tmp_path/('HIGGS.csv.gz' if gz else 'HIGGS.csv')
    path.write_bytes(gzip.compress(content) if gz else content)
    with pytest.raises(ValueError, match=f"line {line} of '{path}' {message}"):
        read_higgs(tmp_path, rows=100)


def test_fewer_rows_than_asked_for(tmp_path):
    write_higgs(tmp_path, 120)
    with pytest.raises(ValueError, match="HIGGS.csv' has 120 rows, and 400000 are asked for; "
                                         "give fewer as 'rows'"):
        read_higgs(tmp_path)
    with pytest.raises(ValueError, match=r'has 120 rows, and 10{15} are asked for'):
        read_higgs(tmp_path, rows=10**15)


@pytest.mark.parametrize('rows', [99, 0, -5, 200.0, '200', None, True])
def test_bad_numbers_of_rows(tmp_path, rows):
    write_higgs(tmp_path, 200)
    with pytest.raises(ValueError, match=f"'rows' is {rows!r}; give a whole number, at least 100"):
        read_higgs(tmp_path, rows=rows)


def test_a_last_line_that_does_not_end(tmp_path):
    write_higgs(tmp_path, 100)
    path = tmp_path/'HIGGS.csv'
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="line 100 of '.*HIGGS.csv' is cut off"):
        read_higgs(tmp_path, rows=100)


def test_a_compressed_file_that_is_cut_off(tmp_path):
    write_higgs(tmp_path, 400, gz=True)
    path = tmp_path/'HIGGS.csv.gz'
    content = path.read_bytes()
    path.write_bytes(content[:len(content)//2])
    with pytest.raises(ValueError, match="line (1[5-9]|2[0-4]).* of '.*HIGGS.csv.gz' cannot be "
                                         'read: .*end-of-stream'):
        read_higgs(tmp_path, rows=400)
    assert len(read_higgs(tmp_path, rows=100).train) == 86  # these rows are there


# ------------------------------------------------------------------------------------ CIFAR-10
@pytest.mark.parametrize('inside', [True, False])
def test_cifar10(tmp_path, inside):
    images, labels = write_cifar10(tmp_path, 4)
    data = read_cifar10(tmp_path if inside else tmp_path/'cifar-10-batches-py')
    assert (data.name, data.n_classes, data.shape) == ('cifar10', 10, (32, 32, 3))
    for split, part in ((data.train, slice(0, 16)), (data.validation, slice(16, 20)),
                        (data.test, slice(20, 24))):
        planes = images[part].reshape(-1, 3, 32, 32)
        np.testing.assert_array_equal(split.inputs, np.moveaxis(planes, 1, 3))
        np.testing.assert_allclose(rates(split),
                                   np.moveaxis(planes, 1, 3).reshape(-1, 3072)/255, rtol=1e-15)
        np.testing.assert_array_equal(split.classes, labels[part])
        assert split.inputs.dtype == np.uint8 and split.classes.dtype == np.int64
        assert split.inputs.flags.c_contiguous
    # red, green and blue of the pixel in row 5, column 7, of image 9
    assert data.train.inputs[9, 5, 7].tolist() == [images[9, c*1024 + 5*32 + 7] for c in range(3)]


def by_pickle(path):
    with open(path, 'rb') as file:
        return pickle.load(file, encoding='bytes')


def test_batches_are_what_pickle_reads(tmp_path):
    """The test's own writer against Python's reader, and with it the reader of the package."""
    write_cifar10(tmp_path, 3)
    data = read_cifar10(tmp_path)
    batch = by_pickle(tmp_path/'cifar-10-batches-py'/'test_batch')
    assert set(batch) == {b'batch_label', b'labels', b'data', b'filenames'}
    assert batch[b'labels'] == data.test.classes.tolist()
    np.testing.assert_array_equal(batch[b'data'].reshape(3, 3, 32, 32).transpose(0, 2, 3, 1),
                                  data.test.inputs)


def fortran(images, labels):
    return python2_pickle(images, labels, fortran=True)


def python3(images, labels):
    return pickle.dumps({'batch_label': b'', 'data': images, 'labels': labels}, protocol=2)


def python3_bytes(images, labels):
    return pickle.dumps({b'data': images, b'labels': labels}, protocol=2)


@pytest.mark.parametrize('write', [fortran, python3, python3_bytes])
def test_batches_written_by_others(tmp_path, write):
    images, labels = write_cifar10(tmp_path, 3)
    expected = read_cifar10(tmp_path)
    for k, name in enumerate(CIFAR10_NAMES):
        part = slice(3*k, 3*k + 3)
        (tmp_path/name).write_bytes(write(images[part], labels[part].tolist()))
        np.testing.assert_array_equal(by_pickle(tmp_path/name).get(
            b'data', by_pickle(tmp_path/name).get('data')), images[part])
    same(read_cifar10(tmp_path), expected)


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


DATA = np.zeros((2, 3072), np.uint8)
BAD_BATCHES = {
    'empty': b'',
    'a text': b'this is a text\n',
    'a number': pickle.dumps(1),
    'without data': pickle.dumps({'labels': [1, 2]}, protocol=2),
    'without labels': pickle.dumps({'data': DATA}, protocol=2),
    'data in a list': pickle.dumps({'data': [1], 'labels': [1]}, protocol=2),
    'floats': pickle.dumps({'data': DATA.astype(float), 'labels': [1, 2]}, protocol=2),
    'signed bytes': pickle.dumps({'data': DATA.astype(np.int8), 'labels': [1, 2]}, protocol=2),
    'objects': pickle.dumps({'data': DATA[:, :2].astype(object), 'labels': [1, 2]}, protocol=2),
    'grey images': pickle.dumps({'data': DATA[:, :1024], 'labels': [1, 2]}, protocol=2),
    'one axis': pickle.dumps({'data': DATA[0], 'labels': [1]}, protocol=2),
    'no images': pickle.dumps({'data': DATA[:0], 'labels': []}, protocol=2),
    'labels that are texts': pickle.dumps({'data': DATA, 'labels': ['1', '2']}, protocol=2),
    'labels that are floats': pickle.dumps({'data': DATA, 'labels': [1.0, 2.0]}, protocol=2),
    'labels in an array': pickle.dumps({'data': DATA, 'labels': np.ones(2)}, protocol=2),
    'fine labels': pickle.dumps({'data': DATA, 'fine_labels': [1, 2]}, protocol=2),
    'bytes behind the end': python2_pickle(DATA, [1, 2]) + b'x',
    'cut': python2_pickle(DATA, [1, 2])[:-1],
    'less bytes than the shape says': python2_pickle(DATA, [1, 2]).replace(
        b'K\x02J\x00\x0c\x00\x00', b'K\x03J\x00\x0c\x00\x00'),
    'another encoding': pickle.dumps({'data': DATA, 'labels': [1, 2]}, protocol=2).replace(
        b'latin1', b'cp1252'),
    'another module': b'cos\nsystem\n(S"exit 1"\ntR.',
}


@pytest.mark.parametrize('name', [CIFAR10_NAMES[2], 'test_batch'])
@pytest.mark.parametrize('case', BAD_BATCHES)
def test_bad_batches(tmp_path, case, name):
    write_cifar10(tmp_path, 2)
    path = tmp_path/'cifar-10-batches-py'/name
    assert path.read_bytes() != BAD_BATCHES[case]
    path.write_bytes(BAD_BATCHES[case])
    with pytest.raises(ValueError, match=f"'{path}' is not a CIFAR-10 batch for Python, or is "
                                         'damaged; get it from https://www.cs.toronto.edu'):
        read_cifar10(tmp_path)


@pytest.mark.parametrize('labels, message', [
    ([1], 'has 1 labels for 2 images'), ([1, 2, 3], 'has 3 labels for 2 images'),
    ([1, 10], 'has labels outside the classes: label 1 is 10; give 0 to 9'),
    ([-1, 1], 'has labels outside the classes: label 0 is -1'),
    ([10**30, 1], 'has labels outside the classes: label 0 is 10{30}')])
def test_bad_labels_of_a_batch(tmp_path, labels, message):
    write_cifar10(tmp_path, 2)
    path = tmp_path/'cifar-10-batches-py'/'data_batch_4'
    path.write_bytes(pickle.dumps({'data': DATA, 'labels': labels}, protocol=2))
    with pytest.raises(ValueError, match=f"'{path}' {message}"):
        read_cifar10(tmp_path)


def test_nothing_in_a_batch_is_run(tmp_path):
    write_cifar10(tmp_path, 2)
    harmful = pickle.dumps({'data': Harmful(tmp_path/'made'), 'labels': [1]}, protocol=2)
    (tmp_path/'cifar-10-batches-py'/'data_batch_1').write_bytes(harmful)
    with pytest.raises(ValueError, match="data_batch_1' is not .*it names 'posix.mkdir'"):
        read_cifar10(tmp_path)
    assert not (tmp_path/'made').exists()
    pickle.loads(harmful)  # it is harmful indeed
    assert (tmp_path/'made').is_dir()


# ------------------------------------------------------------------------------- any data set
READERS = {
    'MNIST': (read_mnist, lambda folder, gz: write_mnist(folder, 12, 4, gz=gz, size=4)),
    'HIGGS': (lambda folder: read_higgs(folder, rows=100),
              lambda folder, gz: write_higgs(folder, 100, gz=gz)),
    'CIFAR-10': (read_cifar10, lambda folder, gz: write_cifar10(folder, 1)),
}
PUBLISHED = {
    'MNIST': 'https://yann.lecun.com/exdb/mnist (mirror: '
             'https://ossci-datasets.s3.amazonaws.com/mnist/)',
    'HIGGS': 'https://archive.ics.uci.edu/dataset/280/higgs',
    'CIFAR-10': 'https://www.cs.toronto.edu/~kriz/cifar.html'}


@pytest.mark.parametrize('data_set, name', [
    *(('MNIST', name) for name in MNIST_NAMES), ('HIGGS', 'HIGGS.csv'),
    *(('CIFAR-10', name) for name in CIFAR10_NAMES)])
@pytest.mark.parametrize('gz', [False, True])
def test_a_missing_file(tmp_path, data_set, name, gz):
    read, write = READERS[data_set]
    write(tmp_path, gz)
    path, = (p for p in tmp_path.rglob('*') if p.name.removesuffix('.gz') == name)
    path.unlink()
    with pytest.raises(ValueError) as error:
        read(tmp_path)
    text = str(error.value)
    assert text.startswith(f"'{name}'") and f"is not in the folder '{path.parent}'" in text
    assert text.endswith(f'; {data_set} is published at {PUBLISHED[data_set]}')


@pytest.mark.parametrize('data_set', READERS)
def test_a_missing_folder(tmp_path, data_set):
    with pytest.raises(ValueError, match=f"there is no folder '{tmp_path/'none'}'; {data_set} is "
                                         f'published at {re.escape(PUBLISHED[data_set])}'):
        READERS[data_set][0](tmp_path/'none')


@pytest.mark.parametrize('data_set', READERS)
def test_folders_may_be_texts_and_hold_other_files(tmp_path, data_set):
    read, write = READERS[data_set]
    write(tmp_path, False)
    (tmp_path/'notes.txt').write_text('of another kind')
    same(read(str(tmp_path)), read(tmp_path))


@pytest.mark.parametrize('data_set, gz', [('MNIST', False), ('MNIST', True), ('HIGGS', False),
                                          ('HIGGS', True), ('CIFAR-10', False)])
@settings(max_examples=40)
@given(st.data())
def test_a_file_cut_at_any_byte_is_an_error_that_names_it(data_set, gz, data):
    read, write = READERS[data_set]
    with tempfile.TemporaryDirectory() as folder:
        write(folder, gz)
        paths = sorted(path for path in Path(folder).rglob('*') if path.is_file())
        path = data.draw(st.sampled_from(paths))
        # behind all rows there is the check sum, which nobody reads
        end = 16 if (data_set, gz) == ('HIGGS', True) else 0
        most = path.stat().st_size - 1 - end
        os.truncate(path, data.draw(st.integers(0, most) | st.integers(max(0, most - 20), most)))
        with pytest.raises(ValueError, match=re.escape(f"'{path}'")):
            read(folder)


@pytest.mark.parametrize('data_set', READERS)
def test_classes_can_be_learned(tmp_path, data_set):
    """The nearest mean of the training samples gives most classes of the others."""
    rng = np.random.default_rng(5)
    if data_set == 'MNIST':
        write_mnist(tmp_path, 240, 100, rng=rng)
        data = read_mnist(tmp_path)
    elif data_set == 'HIGGS':
        write_higgs(tmp_path, 1000, rng=rng)
        data = read_higgs(tmp_path, rows=1000)
    else:
        write_cifar10(tmp_path, 40, rng=rng)
        data = read_cifar10(tmp_path)
    means = [rates(data.train)[data.train.classes == k].mean(axis=0)
             for k in range(data.n_classes)]
    for split in (data.validation, data.test):
        distances = [((rates(split) - mean)**2).sum(axis=1) for mean in means]
        assert (np.argmin(distances, axis=0) == split.classes).mean() > 0.9
