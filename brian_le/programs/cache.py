"""Compiled programs that are kept, and where.

They are in the folder that the variable BRIAN_LE_CACHE names, or else in ``brian_le`` of the user's
folder for caches: on Linux ``~/.cache``, or the folder that XDG_CACHE_HOME names. ::

    KEY-DIGEST/main           a program
    KEY-DIGEST/made_of.json   what it was made of beside that which is in its key; its size and hash
    KEY.lock                  held by the process that compiles for this key
    limit                     how much may be kept, if the user has said that

Programs are run, so the folder has to belong to the user, and nobody else may write to it, or it is
not used. An entry is checked before it is used, down to the hash of the program, and made anew if
anything is wrong with it. Without a folder everything works, and compiles every time.
"""

import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from brian_le.programs.temporary import TemporaryFolder, lock, tidy, try_lock

__all__ = ['Cache', 'Entry', 'cache_folder', 'read_size', 'show_size']

_PROGRAM, _MADE_OF, _LIMIT, _DRAFT = 'main', 'made_of.json', 'limit', 'draft_'
_ENTRY = re.compile('[0-9a-f]{32}(-[0-9a-f]{16})?')  # without a digest: of others
_FORMAT = 1
_DEFAULT_LIMIT = 2*2**30  # bytes
_UNITS = {'': 1, 'B': 1, **{f'{letter}{end}': base**(n + 1) for n, letter in enumerate('KMGT')
                            for end, base in (('', 1024), ('B', 1000), ('IB', 1024))}}
_SETTING = 'BRIAN_LE_CACHE_LIMIT'


def cache_folder():
    """The folder of the cache, which need not exist; None for a user who has no home."""
    named = os.environ.get('BRIAN_LE_CACHE')
    if named:
        return Path(named).absolute()
    import platformdirs

    try:
        folder = Path(platformdirs.user_cache_dir('brian_le', appauthor=False))
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


def read_size(text, name='the limit'):
    """A number of bytes from a text like ``'500MB'`` or ``'2GiB'``; a ValueError if it is none."""
    found = re.fullmatch(r'\s*([0-9]+\.?[0-9]*)\s*([A-Za-z]*)\s*', str(text))
    if not found or found[2].upper() not in _UNITS:
        raise ValueError(f"{name} is '{text}'; give a size like 500MB or 2GiB, or 0 to keep "
                         "nothing")
    return int(float(found[1])*_UNITS[found[2].upper()])


def show_size(size):
    """A number of bytes as a text."""
    for unit in ('B', 'KiB', 'MiB', 'GiB'):
        if size < 1024 or unit == 'GiB':
            return f'{size} B' if unit == 'B' else f'{size:.1f} {unit}'
        size /= 1024


@dataclass(frozen=True)
class Entry:
    """One program that is kept.

    Parameters
    ----------
    path : Path
        Its folder.
    size : int
        Bytes.
    used : float
        When it was used last, in seconds since 1970.
    what : str
        What it simulates.
    """

    path: Path
    size: int
    used: float
    what: str


class _NotTrusted(Exception):
    """Something in the cache that is damaged, or that others could have written."""


class Cache:
    """The programs that are kept for a user.

    Parameters
    ----------
    folder : path-like
        Where they are, or are to be.

    Raises
    ------
    ValueError
        If the variable BRIAN_LE_CACHE_LIMIT is no size.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        if _SETTING in os.environ:
            read_size(os.environ[_SETTING], _SETTING)

    @classmethod
    def of_user(cls):
        """The cache of this user, or None if it cannot be used, which is said once."""
        folder = cache_folder()
        if folder is None:
            _say_once('there is no home, so compiled programs are not kept; set BRIAN_LE_CACHE to '
                      'a folder for them')
            return None
        cache = cls(folder)
        try:
            cache.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            _say_once(f"compiled programs are not kept: '{error.filename or folder}': "
                      f'{error.strerror}; set BRIAN_LE_CACHE to a folder of your own')
            return None
        problem = cache.problem()
        if problem:
            _say_once(f'compiled programs are neither kept nor taken from there: {problem}')
            return None
        return cache

    def problem(self):
        """Why the folder is not used, and what to do about it; '' if it is, or is not there."""
        try:
            _check(os.stat(self.folder), self.folder)
        except FileNotFoundError:
            pass
        except (OSError, _NotTrusted) as error:
            return (f"{error}; make it yours alone ('brian-le cache clear', then 'chmod go-w "
                    f"{self.folder}'), or set BRIAN_LE_CACHE to another folder")
        return ''

    # ------------------------------------------------------------------------------ finding, adding
    def find(self, key, is_same):
        """The program of a key.

        Parameters
        ----------
        key : str
            32 hexadecimal digits.
        is_same : callable
            Whether what a program was made of is what it would be made of today.

        Returns
        -------
        bytes or None
        """
        for path in sorted(self.folder.glob(f'{key}-*')):
            try:
                about = _read_made_of(path)
                if is_same(about['made_of']):
                    return _read_program(path, about)
            except (_NotTrusted, FileNotFoundError, LookupError, TypeError, ValueError):
                _remove(path)  # to be made anew
            except OSError:
                pass
        return None

    @contextlib.contextmanager
    def compiling(self, key):
        """Be the only process that compiles for a key."""
        mark = self.folder/f'{key}.lock'
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(lock(mark))
            except OSError:
                pass  # nothing can be kept, so others will compile as well
            else:
                stack.callback(mark.unlink, missing_ok=True)
            yield

    def add(self, key, program, made_of, what):
        """Keep a program, if that can be.

        Parameters
        ----------
        key : str
            As for `find`.
        program : path-like
            The program.
        made_of : dict
            What it was made of, as JSON has it.
        what : str
            What it simulates, for people.
        """
        digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
        entry = self.folder/f'{key}-{digest}'
        try:
            content = Path(program).read_bytes()
            about = dict(format=_FORMAT, what=what, made=time.strftime('%Y-%m-%d %H:%M:%S'),
                         size=len(content), sha256=hashlib.sha256(content).hexdigest(),
                         made_of=made_of)
            text = (json.dumps(about, indent=1) + '\n').encode()
            if len(content) + len(text) > self.limit():
                return
            with TemporaryFolder(_DRAFT, self.folder) as draft:
                new = draft/'entry'
                new.mkdir(mode=0o700)
                _write(new/_PROGRAM, content, 0o700)
                _write(new/_MADE_OF, text, 0o600)
                _flush(new)
                _remove(entry)
                new.rename(entry)
            _flush(self.folder)  # so that a power cut leaves all of it, or nothing
            self.shrink(keep=entry)
        except OSError as error:
            _say_once(f"the compiled program is not kept in '{self.folder}': "
                      f'{error.strerror or error}; make room there, or set BRIAN_LE_CACHE to '
                      'another folder')

    # -------------------------------------------------------------------------------- looking after
    def entries(self):
        """All entries, the last used first; an OSError if the folder cannot be read."""
        found = []
        for path in self._paths():
            with contextlib.suppress(OSError):
                size, used = _size(path), path.lstat().st_mtime
                try:
                    what = str(_read_made_of(path)['what'])
                    used = os.stat(path/_MADE_OF).st_mtime
                except (_NotTrusted, OSError):
                    what = '(damaged, or of another version; never used)'
                found.append(Entry(path, size, used, what))
        return sorted(found, key=lambda entry: entry.used, reverse=True)

    def _paths(self):
        try:
            return [path for path in self.folder.iterdir() if _ENTRY.fullmatch(path.name)]
        except FileNotFoundError:
            return []

    def limit(self):
        """How many bytes may be kept: as BRIAN_LE_CACHE_LIMIT says, or `set_limit`, or 2 GiB."""
        if _SETTING in os.environ:
            return read_size(os.environ[_SETTING], _SETTING)
        try:
            return read_size(_read(self.folder/_LIMIT)[0].decode())
        except (OSError, ValueError, _NotTrusted):
            return _DEFAULT_LIMIT

    def set_limit(self, size):
        """Keep no more than so many bytes, from now on.

        Raises
        ------
        OSError
            If that cannot be written down.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder/f'{_LIMIT}.draft'
        draft.unlink(missing_ok=True)
        _write(draft, f'{size}\n'.encode(), 0o600)
        draft.replace(self.folder/_LIMIT)
        self.shrink()

    def shrink(self, keep=None):
        """Remove what was not used for longest, until the limit is kept, and return how many."""
        entries, limit, n = self.entries(), self.limit(), 0
        size = sum(entry.size for entry in entries)
        for entry in reversed(entries):
            if size > limit and entry.path != keep:
                _remove(entry.path)
                size -= entry.size
                n += 1
        self._tidy()
        return n

    def _tidy(self):
        """Remove what processes that were killed have left."""
        for mark in self.folder.glob('*.lock'):
            if _ENTRY.fullmatch(mark.stem):
                with contextlib.suppress(OSError):
                    held = try_lock(mark)
                    if held is not None:
                        mark.unlink()
                        held.release()
        tidy(self.folder, _DRAFT)

    def clear(self):
        """Remove everything that is kept, and return how many programs that were.

        Raises
        ------
        OSError
            If the folder cannot be read.
        """
        paths = self._paths()
        for path in paths:
            _remove(path)
        self._tidy()
        return len(paths)


# -------------------------------------------------------------------------------------------- files
def _check(status, path):
    """Raise unless a file or folder is this user's, and nobody else can write to it."""
    if not hasattr(os, 'geteuid'):
        return
    if status.st_uid != os.geteuid():
        raise _NotTrusted(f"'{path}' belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _NotTrusted(f"others can write to '{path}'")


def _read(path):
    """The content of a file that can be trusted, and its status."""
    flags = sum(getattr(os, name, 0) for name in ('O_NOFOLLOW', 'O_NONBLOCK', 'O_BINARY'))
    try:
        file = os.open(path, os.O_RDONLY | flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _NotTrusted(str(error)) from None
    with open(file, 'rb') as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _NotTrusted(f"'{path}' is not a file")
        _check(status, path)
        return file.read(), status


def _read_made_of(path):
    """What an entry says of itself."""
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode):
        raise _NotTrusted(f"'{path}' is not a folder")
    _check(status, path)
    try:
        about = json.loads(_read(path/_MADE_OF)[0])
        if about['format'] == _FORMAT and {'what', 'size', 'sha256', 'made_of'} <= {*about}:
            return about
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise _NotTrusted(f"'{path/_MADE_OF}' is damaged")


def _read_program(path, about):
    """The program of an entry, if it is the one that was kept."""
    content, status = _read(path/_PROGRAM)
    if (len(content) != about['size'] or hashlib.sha256(content).hexdigest() != about['sha256']
            or os.name != 'nt' and not status.st_mode & stat.S_IXUSR):
        raise _NotTrusted(f"'{path/_PROGRAM}' is damaged")
    with contextlib.suppress(OSError):
        os.utime(path/_MADE_OF)  # when it was used
    return content


def _write(path, content, mode):
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, 'O_BINARY', 0)
    with open(os.open(path, flags, mode), 'wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush(folder):
    """Bring the names in a folder to the disk."""
    if os.name != 'nt':
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _size(path):
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.iterdir())


def _remove(path):
    """Remove an entry; of a link, only the link."""
    with contextlib.suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path, ignore_errors=True)


@functools.lru_cache(maxsize=None)
def _say_once(text):
    print(f'brian_le: {text}', file=sys.stderr, flush=True)
