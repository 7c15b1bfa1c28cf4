"""Results on disk: one folder per run, complete or not there.

While a run is under way its folder is called ``NAME.part`` and holds the parameters and a
checkpoint. When it is complete, the folder has the arrays in place of the checkpoint, and is
renamed to ``NAME``.
"""

import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np

from brian_le.locks import try_lock

__all__ = ['COLUMNS', 'Result', 'ResultFolder', 'RunsElsewhere', 'damage', 'is_finished',
           'load_description', 'load_result', 'read_json', 'write_text']

COLUMNS = ('part', 'seed', 'run')  #: of every table of a study, beside parameters and measures
_DESCRIPTION, _ARRAYS, _CHECKPOINT = 'run.json', 'arrays.npz', 'checkpoint.npz'
_AGAIN = 'delete its folder and run again'


class Result:
    """A complete result.

    Attributes
    ----------
    directory : Path
        Its folder.
    description : dict
        ``protocol``, ``parameters``, ``seed``, ``device`` and ``versions``.
    arrays : dict of str to numpy.ndarray
        The arrays.
    """

    def __init__(self, directory, description, arrays):
        self.directory = Path(directory)
        self.description = description
        self.arrays = arrays

    def __repr__(self):
        d = self.description
        return f"<Result of '{d['protocol']}', seed {d['seed']}, in '{self.directory}'>"


class RunsElsewhere(ValueError):
    """Another process is at the same run."""


def is_finished(directory):
    """Whether a folder holds a complete result."""
    return os.path.isfile(f'{directory}/{_DESCRIPTION}') and os.path.isfile(
        f'{directory}/{_ARRAYS}')


def load_result(directory):
    """Read a complete result.

    Parameters
    ----------
    directory : path-like
        Its folder.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        If the folder is not a complete result.

    Examples
    --------
    >>> from brian_le.protocols import load_result
    >>> load_result('results/bars').arrays['le.accuracy']  # doctest: +SKIP
    """
    directory = Path(directory)
    if not is_finished(directory):
        part = Path(f'{directory}.part')
        unfinished = (f"; the run in '{part}' is not finished: the same command continues it"
                      if part.is_dir() else '')
        raise ValueError(f"'{directory}' is not the folder of a result{unfinished}")
    return Result(directory, load_description(directory), _read_arrays(directory/_ARRAYS))


def load_description(directory):
    """What a run says of itself; a ValueError if that is damaged."""
    return read_json(Path(directory)/_DESCRIPTION, ('protocol', 'parameters', 'seed'), _AGAIN)


def damage(directory):
    """What is wrong with the folder of a finished run, and what to do about it; '' if nothing is.

    The arrays themselves are not read.
    """
    directory = Path(directory)
    if not directory.exists():
        return ''
    for name in (_DESCRIPTION, _ARRAYS):
        if not (directory/name).is_file():
            return f"'{directory}' lacks '{name}'; delete the folder and run again"
    try:
        load_description(directory)
        zipfile.ZipFile(directory/_ARRAYS).close()
    except zipfile.BadZipFile:
        return f"'{directory/_ARRAYS}' is damaged; {_AGAIN}"
    except ValueError as error:
        return str(error)
    return ''


def read_json(path, needed=(), advice=''):
    """The dict in a JSON file; a ValueError, with advice, if it is damaged or lacks an entry."""
    try:
        found = json.loads(Path(path).read_text())
        missing = [name for name in needed if not isinstance(found, dict) or name not in found]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
    except ValueError as error:
        raise ValueError(f"'{path}' is damaged: {error}{'; ' if advice else ''}{advice}") from None
    return found


def _read_arrays(path):
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except (ValueError, EOFError, zipfile.BadZipFile):
        raise ValueError(f"'{path}' is damaged; {_AGAIN}") from None


def write_text(path, text):
    """Replace a file, all at once."""
    _replace(path, lambda file: file.write(text.encode()))


def _replace(path, write):
    draft = Path(f'{path}.draft')
    with open(draft, 'wb') as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())  # so that a power cut leaves the old file or the new one
    draft.replace(path)


class ResultFolder:
    """The folder of a run, from before it begins until it is complete.

    Parameters
    ----------
    directory : path-like
        Where the result is to be.

    Raises
    ------
    ValueError
        By `check` and `begin`: if there is a finished result, a folder of something else, or an
        unfinished run with other parameters; if another process is at the same run (then it is
        a `RunsElsewhere`).
    """

    def __init__(self, directory):
        self.directory = Path(directory)
        if not self.directory.name or self.directory.name == '..':
            raise ValueError(f"'{directory}' cannot be the folder of a result; name a new folder")
        self.part = self.directory.with_name(self.directory.name + '.part')
        self._lock = None

    def check(self, description):
        """Raise unless a run of this description can begin or continue here."""
        if is_finished(self.directory):
            raise ValueError(f"'{self.directory}' holds a finished result; choose another "
                             'folder, or delete it')
        if self.directory.is_symlink() or self.directory.exists() and (not self.directory.is_dir()
                                        or any(self.directory.iterdir())):
            raise ValueError(f"'{self.directory}' exists and is not the folder of a result; "
                             'choose another folder')
        if self.part.is_symlink() or self.part.exists() and not self._is_new():
            try:
                begun = json.loads((self.part/_DESCRIPTION).read_text())
            except (OSError, ValueError):
                raise ValueError(f"'{self.part}' exists and is not the folder of a run; choose "
                                 'another folder') from None
            different = [key for key in ('protocol', 'seed', 'device')
                         if begun.get(key) != description[key]]
            parameters = begun.get('parameters', {})
            different += [key for key, value in description['parameters'].items()
                          if parameters.get(key) != value]
            if different:
                raise ValueError(
                    f"'{self.part}' holds an unfinished run with another "
                    f"{', '.join(different)}; choose another folder, finish that run with its "
                    'own parameters, or delete it')
        parent = self.directory.absolute().parent
        while not parent.exists():
            parent = parent.parent
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise ValueError(f"cannot write to '{parent}'; choose another folder")

    def _is_new(self):
        """Whether the unfinished folder was created, but nothing was written into it."""
        return self.part.is_dir() and all(path.name in ('lock', f'{_DESCRIPTION}.draft')
                                          for path in self.part.iterdir())

    def begin(self, description):
        """Create the unfinished folder, or take over one that is there.

        Returns
        -------
        dict of str to numpy.ndarray or None
            The last checkpoint, if there is one.
        """
        self.check(description)
        self.part.mkdir(parents=True, exist_ok=True)
        self._lock = try_lock(self.part/'lock')
        if self._lock is None:
            raise RunsElsewhere(f"another process is running into '{self.part}'; wait for it, or "
                                'choose another folder')
        if is_finished(self.directory):  # by another process, since the check
            self.discard()
            self.check(description)
        if not (self.part/_DESCRIPTION).exists():
            write_text(self.part/_DESCRIPTION, json.dumps(description, indent=2) + '\n')
        if (self.part/_CHECKPOINT).exists():
            return _read_arrays(self.part/_CHECKPOINT)
        return None

    def checkpoint(self, arrays):
        """Replace the checkpoint, all at once."""
        _replace(self.part/_CHECKPOINT, lambda file: np.savez(file, **arrays))

    def finish(self, arrays):
        """Write the arrays and give the folder its name.

        Returns
        -------
        Result
        """
        _replace(self.part/_ARRAYS, lambda file: np.savez(file, **arrays))
        (self.part/_CHECKPOINT).unlink(missing_ok=True)
        if os.name == 'nt':  # where folders with open files cannot be renamed
            self._lock.release()
        os.rename(self.part, self.directory)
        # only now: who came too late must not find a folder without a lock
        (self.directory/'lock').unlink(missing_ok=True)
        self._lock.release()
        return load_result(self.directory)

    def discard(self):
        """Remove the unfinished folder."""
        shutil.rmtree(self.part, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()
