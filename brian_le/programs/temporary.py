"""Temporary folders that go, at the latest when the next one is made.

A process that is killed leaves its folders behind. Each has a lock in it, which goes with the
process; who makes a folder removes those beside it whose locks are free.
"""

import contextlib
import os
import re
import shutil
import tempfile
import time
import weakref
from pathlib import Path

from brian_le.programs.locks import try_lock

__all__ = ['TemporaryFolder', 'keep_together', 'tidy']

_LOCK = '.temporary_folder_of_brian_le'
_RANDOM = '[a-z0-9_]{8}'  # the names of Python's temporary files
_EMPTY_SECONDS = 60  # in which a folder without a lock may be that of a process that makes it
_TIDIED, _TOGETHER = set(), []


class TemporaryFolder:
    """A folder for as long as this object is there, and no longer than this process.

    Parameters
    ----------
    prefix : str
        With what its name begins.
    where : path-like, optional
        The folder to make it in, by default that for temporary files (TMPDIR).

    Attributes
    ----------
    path : Path
        The folder.

    Raises
    ------
    OSError
        If no folder can be made.

    Examples
    --------
    >>> from brian_le.programs.temporary import TemporaryFolder
    >>> with TemporaryFolder() as folder:
    ...     folder.is_dir()
    True
    >>> folder.is_dir()
    False
    """

    def __init__(self, prefix='brian_le_', where=None):
        remedy = 'set TMPDIR to another folder' if where is None else 'choose another folder'
        where = Path(_place() if where is None else where).absolute()
        if (where, prefix) not in _TIDIED:
            _TIDIED.add((where, prefix))
            tidy(where, prefix)
        lock = None
        while lock is None:  # another process has taken it for one that was left behind
            self.path = _make(prefix, where, remedy)
            with contextlib.suppress(FileNotFoundError):
                lock = try_lock(self.path/_LOCK)
        self._finalizer = weakref.finalize(self, _remove, self.path, lock, os.getpid())

    def cleanup(self):
        """Remove the folder."""
        self._finalizer()

    def __enter__(self):
        return self.path

    def __exit__(self, *error):
        self.cleanup()


def keep_together():
    """Have all temporary files of this process, and of those that it starts, in one such folder.

    What Brian2, compilers and workers leave when they are killed goes with it.
    """
    if not _TOGETHER:
        _TOGETHER.append(TemporaryFolder())
        tempfile.tempdir = os.environ['TMPDIR'] = str(_TOGETHER[0].path)


def _place():
    try:
        return tempfile.gettempdir()
    except FileNotFoundError as error:
        raise OSError(f'there is no folder for temporary files ({error.strerror}); set TMPDIR to a '
                      'folder that can be written to and has room') from None


def _make(prefix, where, remedy):
    try:
        return Path(tempfile.mkdtemp(prefix=prefix, dir=where))
    except OSError as error:
        raise type(error)(error.errno, f'{error.strerror}: temporary files cannot be written there; '
                          f'make room, or {remedy}', str(where)) from None


def _remove(path, lock, process):
    if os.getpid() == process:  # and not a fork of it
        lock.release()  # not all systems remove a file that is open
        shutil.rmtree(path, ignore_errors=True)


def tidy(where, prefix='brian_le_'):
    """Remove what processes of this user that have ended left behind in a folder."""
    try:
        entries = [entry for entry in os.scandir(where)
                   if re.fullmatch(re.escape(prefix) + _RANDOM, entry.name)]
    except OSError:
        return
    for entry in entries:
        try:
            if _is_mine(entry.stat(follow_symlinks=False)) and entry.is_dir(follow_symlinks=False):
                _remove_left(Path(entry.path))
        except OSError:  # another process was quicker
            pass


def _is_mine(status):
    return not hasattr(os, 'getuid') or status.st_uid == os.getuid()


def _remove_left(folder):
    if (folder/_LOCK).exists():
        lock = try_lock(folder/_LOCK)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
    elif time.time() > folder.stat().st_mtime + _EMPTY_SECONDS:
        folder.rmdir()  # which fails unless it is empty
