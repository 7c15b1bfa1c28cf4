"""Files of arrays: what is read is what was written, and nothing else is read at all."""

import io
import struct
import zipfile

import numpy as np
import pytest

from brian_le.array_files import read_arrays, shapes_of, write_arrays


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), **options)
    return file.getvalue()


def header(text, version=1):
    """A member whose header says something of our own."""
    text = text.encode('latin1')
    return b'\x93NUMPY' + bytes([version, 0]) + struct.pack('<H', len(text)) + text


def described(descr="'<f8'", shape='(2,)', content=16):
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}") + bytes(
        content)


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, 'w', compression) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


@pytest.mark.parametrize('names', [('a', 'b'), ('file', 'args'), ('train/loss', '../../x'),
                                   ('é', 'a b', '.'), ('x'*500,)])
def test_what_is_read_is_what_was_written(tmp_path, names):
    arrays = {name: np.arange(6.).reshape(2, 3)[:, ::-1] + k for k, name in enumerate(names)}
    arrays |= {'int': np.arange(3), 'text': np.array('abc'), 'none': np.zeros((0, 4)),
               'complex': np.array([1j]), 'true': np.array(True)}
    with open(tmp_path/'f', 'wb') as file:
        write_arrays(file, arrays)
    for name, array in read_arrays(tmp_path/'f').items():
        np.testing.assert_array_equal(array, arrays[name])
        assert array.dtype == arrays[name].dtype
    assert shapes_of(tmp_path/'f') == {name: (a.shape, a.dtype) for name, a in arrays.items()}
    assert {path.name for path in tmp_path.iterdir()} == {'f'}


def test_the_bytes_are_those_of_numpy(tmp_path):
    arrays = {'a': np.eye(3), 'b': np.array(['x', 'yz'])}
    np.savez(tmp_path/'theirs.npz', **arrays)
    with open(tmp_path/'ours.npz', 'wb') as file:
        write_arrays(file, arrays)
    assert (tmp_path/'ours.npz').read_bytes() == (tmp_path/'theirs.npz').read_bytes()


@pytest.mark.parametrize('name', ['', 'a\0b', 'a\nb', 'x'*1001, 3, '\ud800'])
def test_names_that_cannot_be_kept(name):
    with pytest.raises(ValueError, match='an array is called'):
        write_arrays(io.BytesIO(), {name: 1})


def test_objects_are_neither_written_nor_read(tmp_path):
    with pytest.raises(ValueError, match='Object arrays cannot be saved'):
        write_arrays(io.BytesIO(), {'a': np.array([{}])})
    archive(tmp_path/'f', [('a.npy', npy(np.array([print]), allow_pickle=True))])
    with pytest.raises(ValueError, match="'a' is not an array of numbers, but of object"):
        read_arrays(tmp_path/'f')


BAD = {
    'nothing': [('a.npy', b'')],
    'no array': [('a.txt', b'x')],
    'a folder': [('a/', b'')],
    'twice': [('a.npy', npy(1)), ('a.npy', npy(2))],
    'no header': [('a.npy', b'\x93NUMPY\x01\x00')],
    'another format': [('a.npy', b'\x89HDF' + bytes(100))],
    'another version': [('a.npy', header('{}', version=9))],
    'code': [('a.npy', described("__import__('os').abort()"))],
    'deeply nested': [('a.npy', header('('*9000))],
    'a long header': [('a.npy', header(' '*60000))],
    'structured': [('a.npy', npy(np.zeros(2, 'i4,f8')))],
    'more than it has': [('a.npy', described(shape='(3,)'))],
    'less than it has': [('a.npy', described(shape='(1,)'))],
    'much more': [('a.npy', described(shape='(10**15,)'.replace('10**15', str(10**15))))],
    'more than there are numbers': [('a.npy', described(shape=f'({2**70}, 0)', content=0))],
    'negative': [('a.npy', described(shape='(-2,)'))],
    'negative twice': [('a.npy', described(shape='(-2, -1)'))],
    'no size at all': [('a.npy', described("'<U0'", f'({10**9},)', 0))],
    'no tuple': [('a.npy', described(shape='2'))],
}


@pytest.mark.filterwarnings('ignore:Duplicate name')
@pytest.mark.parametrize('members', BAD.values(), ids=BAD)
def test_damaged_archives(tmp_path, members):
    archive(tmp_path/'f', members)
    with pytest.raises(ValueError) as error:
        read_arrays(tmp_path/'f')
    assert 0 < len(str(error.value)) < 300 and '\n' not in str(error.value)


@pytest.mark.parametrize('content', [b'', b'PK', b'\0'*100])
def test_no_archive(tmp_path, content):
    (tmp_path/'f').write_bytes(content)
    with pytest.raises(ValueError):
        read_arrays(tmp_path/'f')


def test_every_cut_and_every_flipped_byte_is_an_error_or_harmless(tmp_path):
    truth = {'a': np.arange(4.), 'b': np.array(3)}
    with open(tmp_path/'f', 'wb') as file:
        write_arrays(file, truth)
    content = (tmp_path/'f').read_bytes()
    for k in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[k] ^= 0x55
        for damaged in (content[:k], bytes(flipped)):
            (tmp_path/'g').write_bytes(damaged)
            try:
                found = read_arrays(tmp_path/'g')
            except ValueError:
                continue
            for name in found.keys() & truth.keys():
                np.testing.assert_array_equal(found[name], truth[name])


def test_a_compressed_file_takes_no_more_memory_than_is_asked_for(tmp_path):
    path = archive(tmp_path/'f', [('a.npy', npy(np.zeros(10**6)))], zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000
    with pytest.raises(ValueError, match='compressed'):
        read_arrays(path)
    with pytest.raises(ValueError, match='other arrays, or arrays of other shapes'):
        read_arrays(path, {'a': (3,)})
    np.testing.assert_array_equal(read_arrays(path, {'a': (10**6,)})['a'], np.zeros(10**6))
    texts = archive(tmp_path/'g', [('a.npy', npy(np.array(['x'*10**6])))], zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match='texts'):
        read_arrays(texts, {'a': (1,)})


def test_arrays_that_share_their_bytes(tmp_path):
    """Many entries for the same content: small on the disk, large in memory."""
    content = npy(np.zeros(1000))
    archive(tmp_path/'f', [(f'{k:03}.npy', b'' if k else content) for k in range(9)])
    with zipfile.ZipFile(tmp_path/'f') as file:
        infos = file.infolist()
    for info in infos:
        info.header_offset, info.CRC = 0, infos[0].CRC
        info.file_size = info.compress_size = len(content)

    class Overlapping(zipfile.ZipFile):
        def _RealGetContents(self):
            super()._RealGetContents()
            self.filelist = infos

    from brian_le import array_files
    with Overlapping(tmp_path/'f') as file:
        with pytest.raises(ValueError, match='compressed, or overlap'):
            array_files._refuse_compressed(file)
