"""Results on disk: one folder per run, complete or not there.

While a run is under way its folder is called ``NAME.part`` and holds the parameters and a
checkpoint. When it is complete, the folder has the arrays in place of the checkpoint, and is
renamed to ``NAME``.
"""

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np

from brian_le.array_files import read_arrays, shapes_of, write_arrays
from brian_le.programs.temporary import try_lock
from brian_le.protocols.runs.descriptions import check_run, read_json
from brian_le.protocols.runs.provenance import continued, provenance
from brian_le.protocols.runs.writing import check_place, replace_file, with_remedy, write_text

__all__ = ['COLUMNS', 'Result', 'ResultFolder', 'RunsElsewhere', 'damage', 'is_finished',
           'load_description', 'load_result']

COLUMNS = ('part', 'seed', 'failed', 'run')  #: of tables of studies, beside parameters and measures
_DESCRIPTION, _ARRAYS, _CHECKPOINT = 'run.json', 'arrays.npz', 'checkpoint.npz'
MEASURE = 'measure.'  #: begins the names of arrays with what a protocol of the user's measures
_PART = '.part'  # behind the name of a folder whose run is under way
_COMPARED = 'protocol', 'seed', 'device'
_DIGEST = 'digest'  # of a checkpoint: of what it holds, and of the run that it belongs to
_AGAIN = 'delete its folder and run again'


class Result:
    """A complete result.

    Attributes
    ----------
    directory : Path
        Its folder.
    description : dict
        ``protocol``, ``parameters``, ``seed``, ``device``, ``versions``, and ``stretches``: what
        made the result, from which unit of it on (``from``), with date, versions, git revision,
        processor, compiler and flags. There are several if the run was continued by other
        versions or on another machine; ``versions`` are those of the last.
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
        part = Path(f'{directory}{_PART}')
        unfinished = (f"; the run in '{part}' is not finished: the same command continues it"
                      if part.is_dir() else '')
        raise ValueError(f"'{directory}' is not the folder of a result{unfinished}")
    description = load_description(directory)
    with _damage_of(directory/_ARRAYS):
        return Result(directory, description, read_arrays(directory/_ARRAYS))


def load_description(directory):
    """What a run says of itself; a ValueError if that is damaged."""
    return read_json(Path(directory)/_DESCRIPTION, check_run, _AGAIN)


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
        with _damage_of(directory/_ARRAYS):
            shapes_of(directory/_ARRAYS)
    except ValueError as error:
        return str(error)
    return ''


@contextlib.contextmanager
def _damage_of(path, advice=_AGAIN):
    try:
        yield
    except OSError as error:
        raise ValueError(f"'{path}' cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"'{path}' is damaged; {advice} ({error})") from None


class ResultFolder:
    """The folder of a run, from before it begins until it is complete.

    Whatever is in the way is a ValueError: a name that cannot be one; for `check` and `begin` a
    finished result, a folder of something else, an unfinished run with other parameters, or a
    checkpoint that is not of this run; for `begin` another process at the same run, as a
    `RunsElsewhere`.

    Attributes
    ----------
    changes : list of str
        What is different, since the run was interrupted, of what makes it.
    """

    def __init__(self, directory):
        self.directory = Path(directory)
        name = self.directory.name
        if not name or name == '..':
            raise ValueError(f"'{directory}' cannot be the folder of a result; name a new folder")
        if name.lower().endswith(_PART):
            raise ValueError(f"'{directory}' ends in '{_PART}', as folders of unfinished runs do; "
                             'choose another name')
        self.part = self.directory.with_name(name + _PART)
        self.changes = []
        self._lock = self._description = None

    def check(self, description):
        """Raise unless a run of this description can begin or continue here."""
        check_place(self.directory, _PART)
        if is_finished(self.directory):
            raise ValueError(f"'{self.directory}' holds a finished result; choose another "
                             'folder, or delete it')
        if self.directory.is_symlink() or self.directory.exists() and (not self.directory.is_dir()
                                        or any(self.directory.iterdir())):
            raise ValueError(f"'{self.directory}' exists and is not the folder of a result; "
                             'choose another folder')
        for parent in self.part.absolute().parents:
            if (parent/_DESCRIPTION).is_file():
                raise ValueError(f"'{self.directory}' would lie in '{parent}', the folder of "
                                 'another run; choose another folder')
        if self.part.is_symlink() or self.part.exists() and not self._is_new():
            self._check_begun(description)

    def _check_begun(self, description):
        """Raise unless the unfinished run that is here is of this description."""
        if not (self.part/_DESCRIPTION).is_file() or self.part.is_symlink() or any(
                path.is_symlink() or not path.is_file() for path in self.part.iterdir()):
            raise ValueError(f"'{self.part}' exists and is not the folder of a run; choose "
                             'another folder')
        if (self.part/_ARRAYS).exists() and not (self.part/'lock').exists():
            raise ValueError(f"'{self.part}' is a finished result of that name; rename it, or "
                             'choose another folder')
        begun = read_json(self.part/_DESCRIPTION, check_run, f"delete '{self.part}' and run again")
        different = [key for key in _COMPARED if begun.get(key) != description[key]]
        different += [key for key, value in description['parameters'].items()
                      if begun['parameters'].get(key) != value]
        if different:
            raise ValueError(
                f"'{self.part}' holds an unfinished run with another "
                f"{', '.join(different)}; choose another folder, finish that run with its "
                'own parameters, or delete it')

    def _is_new(self):
        """Whether the unfinished folder was created, but nothing was written into it."""
        return self.part.is_dir() and all(path.name in ('lock', f'{_DESCRIPTION}.draft')
                                          and not path.is_symlink()
                                          for path in self.part.iterdir())

    def begin(self, description):
        """Create the unfinished folder, or take over one that is there, with its checkpoint."""
        self.check(description)
        with with_remedy(self.part):
            self.part.mkdir(parents=True, exist_ok=True)
            self._lock = try_lock(self.part/'lock')
        if self._lock is None:
            raise RunsElsewhere(f"another process is running into '{self.part}'; wait for it, or "
                                'choose another folder')
        try:
            if is_finished(self.directory):  # by another process, since the check
                self.discard()
                self.check(description)
            self._description = description
            saved = self._saved()
            self._note_stretch(0 if saved is None else int(saved['done']))
        except BaseException:
            self.release()
            raise
        return saved

    def release(self):
        """Let other processes, and later runs of this one, at the run."""
        if self._lock is not None:
            self._lock.release()

    def _saved(self):
        """The checkpoint, if there is one; a ValueError if this run has not written it."""
        path = self.part/_CHECKPOINT
        if not path.exists():
            return None
        advice = f"delete '{self.part}' and run again"
        with _damage_of(path, advice):
            arrays = read_arrays(path)
            written = arrays.pop(_DIGEST, None)
            if written is None or str(written) != self._digest(arrays):
                raise ValueError('it is not what this run has written')
            done = arrays.setdefault('done', np.array(0))
            if done.shape or done.dtype.kind not in 'iu' or done < 0:
                raise ValueError('it does not say how much is done')
        return arrays

    def _digest(self, arrays):
        """A hash of arrays, and of the run that they belong to."""
        found = hashlib.sha256(json.dumps([self._description[key] for key in (
            *_COMPARED, 'parameters')], sort_keys=True).encode())
        for name, array in sorted(arrays.items()):
            array = np.asarray(array)
            found.update(f'{name}\0{array.dtype.str}{array.shape}\0'.encode())
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()

    def _note_stretch(self, done):
        """Say in the description what makes the result, from so many units on."""
        path = self.part/_DESCRIPTION
        before = read_json(path, check_run).get('stretches', []) if path.exists() else []
        stretches, self.changes = continued(before, done, provenance(self._description['device']))
        if stretches != before:
            write_text(path, json.dumps({
                **self._description, 'versions': stretches[-1]['versions'],
                'stretches': stretches}, indent=2) + '\n')

    def checkpoint(self, arrays):
        """Replace the checkpoint, all at once; ``arrays['done']`` says how much is done."""
        arrays = {name: np.asarray(array) for name, array in arrays.items()}
        arrays[_DIGEST] = np.array(self._digest(arrays))
        self._write(_CHECKPOINT, arrays)

    def finish(self, arrays):
        """Write the arrays and give the folder its name; the `Result`."""
        self._write(_ARRAYS, arrays)
        with with_remedy(self.directory):
            (self.part/_CHECKPOINT).unlink(missing_ok=True)
            for draft in self.part.glob('*.draft'):  # of a process that was killed
                draft.unlink()
            if os.name == 'nt':  # where folders with open files cannot be renamed
                self._lock.release()
            os.rename(self.part, self.directory)
        # only now: who came too late must not find a folder without a lock
        (self.directory/'lock').unlink(missing_ok=True)
        self.release()
        return load_result(self.directory)

    def _write(self, name, arrays):
        replace_file(self.part/name, lambda file: write_arrays(file, arrays))

    def discard(self):
        """Remove the unfinished folder."""
        shutil.rmtree(self.part, ignore_errors=True)
        self.release()
