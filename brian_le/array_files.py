"""Files of arrays, in NumPy's format npz, checked before they are read.

A file may come from anywhere. Nothing in it is run: there are no pickles. What it says of sizes is
compared with what is there before memory is taken. This module does not import Brian2.
"""

import errno
import math
import warnings
import zipfile

import numpy as np

__all__ = ['read_arrays', 'shapes_of', 'write_arrays']

_KINDS = 'biufcSUmM'  # of elements: booleans, numbers, texts and times
_LONGEST = 1000  # characters of a name


def shapes_of(path):
    """The shapes and types of all arrays in a file, from their headers alone.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    dict of str to (tuple of int, numpy.dtype)
        By the names of arrays.

    Raises
    ------
    ValueError
        If it is no such file, or is damaged: cut off, with objects in place of numbers, with
        other sizes than it says.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from brian_le.array_files import shapes_of
    >>> with tempfile.TemporaryFile() as file:
    ...     np.savez(file, w=np.zeros((2, 3)))
    ...     shapes = shapes_of(file)
    >>> shapes
    {'w': ((2, 3), dtype('float64'))}
    """
    with _open(path) as archive:
        return _checked(archive)


def read_arrays(path, shapes=None):
    """All arrays in a file.

    Parameters
    ----------
    path : path-like
        The file.
    shapes : dict of str to tuple of int, optional
        What it has to hold, as numbers. With this it may be compressed, and is not read if it
        holds anything else.

    Returns
    -------
    dict of str to numpy.ndarray

    Raises
    ------
    ValueError
        As `shapes_of`; if the file is compressed or has other shapes.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from brian_le.array_files import read_arrays
    >>> with tempfile.TemporaryFile() as file:
    ...     np.savez(file, w=np.arange(3))
    ...     arrays = read_arrays(file)
    >>> arrays['w']
    array([0, 1, 2])
    """
    with _open(path) as archive:
        found = _checked(archive)
        if shapes is None:
            _refuse_compressed(archive)
        elif {name: shape for name, (shape, _) in found.items()} != {
                name: tuple(shape) for name, shape in shapes.items()}:
            raise ValueError('it holds other arrays, or arrays of other shapes')
        elif any(dtype.kind not in 'biuf' for _, dtype in found.values()):
            raise ValueError('it holds arrays of texts')
        arrays = {}
        for info in archive.infolist():
            with archive.open(info) as member:
                arrays[_name(info)] = np.lib.format.read_array(member, allow_pickle=False)
        return arrays


def write_arrays(file, arrays):
    """Write arrays into a file, whatever they are called.

    `numpy.savez` gives the same bytes, but takes some names for its own arguments.

    Parameters
    ----------
    file : file object
        Open for writing bytes.
    arrays : dict of str to array_like
        The arrays.

    Raises
    ------
    ValueError
        For a name that cannot be kept, or an array of objects.

    Examples
    --------
    >>> import io
    >>> from brian_le.array_files import read_arrays, write_arrays
    >>> file = io.BytesIO()
    >>> write_arrays(file, {'file': [1, 2]})
    >>> read_arrays(file)['file']
    array([1, 2])
    """
    for name in arrays:
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= _LONGEST:
            raise ValueError(f'an array is called {name!r:.60}; name it by a text of at most '
                             f'{_LONGEST} printable characters')
    with zipfile.ZipFile(file, 'w') as archive:
        for name, array in arrays.items():
            with archive.open(f'{name}.npy', 'w', force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


class _open:
    """An archive; what its damage raises, errors of every kind, becomes a ValueError."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        try:
            self._archive = zipfile.ZipFile(self._path)
        except Exception as error:
            self._raise(error)
        return self._archive

    def __exit__(self, kind, error, traceback):
        self._archive.close()
        if isinstance(error, Exception):
            self._raise(error)

    @staticmethod
    def _raise(error):
        # an OSError with a number is of the system, but for that of a place before the beginning
        if isinstance(error, MemoryError) or isinstance(error, OSError) and error.errno not in (
                None, errno.EINVAL):
            raise error
        lines = str(error).splitlines() or [type(error).__name__]
        raise ValueError(f'{lines[0]:.200}') from None


def _name(info):
    return info.filename.removesuffix('.npy')


def _checked(archive):
    """Shapes and types by name, if the archive holds arrays, and nothing but what it says."""
    found = {}
    for info in archive.infolist():
        name = _name(info)
        if name == info.filename or name in found:
            raise ValueError(f'{name!r:.80} is no array, or is there twice')
        with archive.open(info) as member, warnings.catch_warnings():
            warnings.simplefilter('error')  # of headers that are almost right
            version = np.lib.format.read_magic(member)
            read = {(1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0}.get(version)
            if read is None:
                raise ValueError(f"'{name:.80}' is of an unknown version of the format")
            shape, _, dtype = read(member)
            content = info.file_size - member.tell()
        if dtype.kind not in _KINDS or not dtype.itemsize:
            raise ValueError(f"'{name:.80}' is not an array of numbers, but of {dtype}")
        if min(shape, default=0) < 0 or math.prod(shape)*dtype.itemsize != content:
            raise ValueError(f"'{name:.80}' has {content} bytes, which does not fit its shape "
                             f'{shape}')
        found[name] = shape, dtype
    return found


def _refuse_compressed(archive):
    """Raise for what takes more memory than the file is long."""
    size = archive.fp.seek(0, 2)
    if sum(info.file_size for info in archive.infolist()) > size:
        raise ValueError('its arrays are compressed, or overlap')
