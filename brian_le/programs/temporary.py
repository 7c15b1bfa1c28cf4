"""Locks and temporary folders, which go with the process that has them, however that ends.

Locks are those of the library filelock, the same on all systems. Where it has to make do without
the locks of the operating system, it compares processes.

A process that is killed leaves its temporary folders behind. Each has a lock in it; who makes a
folder removes those beside it whose locks are free.
"""

import os
import re
import shutil
import stat
import tempfile
import time
import warnings
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path

with warnings.catch_warnings():  # where there are no others, its second best are what we want
    warnings.simplefilter('ignore')
    from filelock import FileLock, Timeout, lock_descriptor

__all__ = ['TemporaryFolder', 'is_locked', 'keep_together', 'lock', 'tidy', 'try_lock']

_LOCK = '.temporary_folder_of_brian_le'
_RANDOM = '[a-z0-9_]{8}'  # the names of Python's temporary files
_EMPTY_SECONDS = 60  # in which a folder without a lock may be that of a process that makes it
_TIDIED, _TOGETHER = set(), []


# -------------------------------------------------------------------------------------------- locks
@contextmanager
def lock(path):
    """Hold a lock, for which other processes may have to be waited.

    Parameters
    ----------
    path : path-like
        A file of its own, which is created; it may be removed by who holds the lock.

    Examples
    --------
    >>> from brian_le.programs.temporary import lock
    >>> with lock('table.lock'):  # doctest: +SKIP
    ...     write_table()
    """
    with FileLock(path, thread_local=False):
        yield


def try_lock(path):
    """Take a lock unless another process has it.

    Parameters
    ----------
    path : path-like
        As for `lock`.

    Returns
    -------
    filelock.BaseFileLock or None
        To be given back by its method ``release``, or by the end of the process; None if it is
        taken.
    """
    held = FileLock(path, timeout=0, thread_local=False)
    try:
        held.acquire()
    except Timeout:
        return None
    return held


def is_locked(path):
    """Whether a process holds a lock; one may ask where nothing can be written.

    What is no file (a pipe, whose opening would wait for ever) is no lock.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        with open(path, 'rb') as file:
            return not lock_descriptor(file.fileno(), blocking=False)
    except FileNotFoundError:
        return False
    except OSError:  # no locks of the operating system
        held = try_lock(path) if os.access(Path(path).parent, os.W_OK) else None
        if held is not None:
            held.release()
        return held is None


# ------------------------------------------------------------------------------------------ folders
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
        held = None
        while held is None:  # another process has taken it for one that was left behind
            self.path = _make(prefix, where, remedy)
            with suppress(FileNotFoundError):
                held = try_lock(self.path/_LOCK)
        self._finalizer = weakref.finalize(self, _remove, self.path, held, os.getpid())

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
        raise type(error)(error.errno, f'{error.strerror}: temporary files cannot be written '
                          f'there; make room, or {remedy}', str(where)) from None


def _remove(path, held, process):
    if os.getpid() == process:  # and not a fork of it
        held.release()  # not all systems remove a file that is open
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
        held = try_lock(folder/_LOCK)
        if held is not None:
            shutil.rmtree(folder, ignore_errors=True)
            held.release()
    elif time.time() > folder.stat().st_mtime + _EMPTY_SECONDS:
        folder.rmdir()  # which fails unless it is empty
