"""Locks between processes, which go with the process that holds them, however that ends.

They are those of the library filelock, the same on all systems. Where it has to make do without the
locks of the operating system, it compares processes.
"""

import os
import stat
import warnings
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():  # where there are no others, its second best are what we want
    warnings.simplefilter('ignore')
    from filelock import FileLock, Timeout, lock_descriptor

__all__ = ['is_locked', 'lock', 'try_lock']


@contextmanager
def lock(path):
    """Hold a lock, for which other processes may have to be waited.

    Parameters
    ----------
    path : path-like
        A file of its own, which is created; it may be removed by who holds the lock.

    Examples
    --------
    >>> from brian_le.programs.locks import lock
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
