"""Folders to write to: whether that is possible, and what to do if it is not."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

__all__ = ['check_place', 'replace_file', 'write_text']

_ROOM = 2**20  # bytes; with less not even a short result fits
_ELSEWHERE = 'choose another folder'
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), 'make room, and the same command continues'),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR), 'its folder has been moved or deleted '
                    'meanwhile; put it back, and the same command continues'),
    **dict.fromkeys((errno.EISDIR, errno.EEXIST), 'something else has this name; rename or delete '
                    'it, and the same command continues'),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), 'make its folder writable, and the '
                    'same command continues')}


def check_place(directory, ending=''):
    """Raise a ValueError unless a folder can be made, or written to, before work is done for it.

    `ending` stands behind its name as long as it is not complete.

    Examples
    --------
    >>> from brian_le.protocols.runs.writing import check_place
    >>> check_place('results/new')
    """
    path = Path(f'{directory}{ending}').absolute()
    while True:
        try:
            path.lstat()
            break
        except (FileNotFoundError, NotADirectoryError):
            path = path.parent
        except (OSError, ValueError) as error:  # too long, a null byte, no right to look
            reason = getattr(error, 'strerror', None) or error
            raise ValueError(f"{str(directory)!r:.100} cannot be a folder: {reason}; "
                             f'{_ELSEWHERE}') from None
    if not path.is_dir():
        raise ValueError(f"'{path}' is not a folder, so that '{directory}' cannot be one; "
                         f'{_ELSEWHERE}')
    if not os.access(path, os.W_OK):
        raise ValueError(f"cannot write to '{path}'; {_ELSEWHERE}")
    total, _, free = shutil.disk_usage(path)
    if total and free < _ROOM:
        raise ValueError(f"there is no room left for '{directory}'; make room, or {_ELSEWHERE}")


@contextlib.contextmanager
def with_remedy(path):
    """Say what to do, and with which file, when it cannot be written."""
    try:
        yield
    except OSError as error:
        text = error.strerror or str(error)
        remedy = _REMEDIES.get(error.errno, '')
        raise type(error)(error.errno, f'{text}; {remedy}' if remedy else text,
                          str(path)) from error


def write_text(path, text):
    """Replace a file by one with a text, in UTF-8, all at once."""
    # names of files that are no valid text are none here, either
    replace_file(path, lambda file: file.write(text.encode('utf-8', 'backslashreplace')))


def replace_file(path, write):
    """Replace a file by what `write` writes into it, all at once.

    A link that lies in its place is replaced, and not followed.
    """
    draft = Path(f'{path}.draft')
    with with_remedy(path):
        draft.unlink(missing_ok=True)
        try:
            with open(draft, 'xb') as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())  # so that a power cut leaves the old file or the new one
            draft.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise
