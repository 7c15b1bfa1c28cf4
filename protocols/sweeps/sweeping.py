"""Sweeps: all runs of a study, in several processes or on a cluster, however often interrupted.

A run is complete in its folder, or it is done again, from its last checkpoint on. What a killed
process leaves behind is never taken for a result, so the same command continues any sweep, and
ends with the same files.
"""

import contextlib
import errno
import functools
import os
import shutil
import signal
import tempfile
import threading
import time
import traceback
from collections import Counter
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from tqdm import tqdm

from brian_le.checks import whole_number
from brian_le.programs.builds import require_compiler
from brian_le.programs.cache import Cache
from brian_le.protocols.runs.results import RunsElsewhere, is_finished
from brian_le.protocols.sweeps.study_files import get_study
from brian_le.protocols.sweeps.study_folders import StudyFolder, describe
from brian_le.protocols.sweeps.targets import get_target
from brian_le.protocols.sweeps.workers import import_brian2, workers
from brian_le.protocols.user_files import one_line, source_of

__all__ = ['sweep']

_TABLE_SECONDS = 10  # between two tables while a sweep is under way
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO}
_NEEDS_PATH = {errno.EACCES, errno.EPERM}  # these say nothing without the path they are about
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR}
_NEARLY_FULL = 2**20  # bytes


def sweep(target, *, grid=None, set=None, seeds=None, jobs=None, out=None, device=None,
          cluster=None, data=None, quiet=False):
    """Run all combinations of parameters and seeds, and keep all results and a table of them.

    A sweep that was interrupted is continued by the same call; finished runs are not repeated,
    failed ones are tried again. More values or seeds, into the same folder, only add runs.

    Parameters
    ----------
    target : str or path-like
        A protocol (``'bars'``), a named study (``'fig3-bars'``), a study file
        (``'my_study.toml'``), or a function that builds a model (``'my_model.py:build'``).
    grid : dict of str to list, optional
        Values by the name of a parameter: numbers in its unit, texts (``'1 ms'``) or Brian2
        quantities. They take the place of those in the study.
    set : dict, optional
        Parameters of all runs, likewise.
    seeds : int or list of int, optional
        How many seeds, from 12345 on, or which; by default those of the study, or one.
    jobs : int, optional
        Number of processes, by default one per processor. With 1 everything is in this process.
    out : path-like, optional
        The folder of the study, by default ``results/TARGET``.
    device : {'cpp_standalone', 'cython', 'numpy'}, optional
        What simulates, by default what the study says, or cpp_standalone.
    cluster : str, optional
        Address of a Dask scheduler, whose workers take the place of processes of this machine;
        they need to see the same folder.
    data : path-like, optional
        Folder with the files of a data set.
    quiet : bool
        Whether to show no progress.

    Returns
    -------
    StudyResult
        Of all runs. One that fails takes no other one along: it is a row with the reason, in
        ``failed`` of the table, and in `StudyResult.failed`.

    Raises
    ------
    ValueError
        For anything that cannot be run; nothing has been run then.
    OSError
        If the folder cannot be written to, or is full. Finished runs are intact.
    RuntimeError
        If there is no such cluster, no compiler (nothing has been run then), or if the file of a
        model is changed meanwhile.

    Examples
    --------
    >>> from brian_le.protocols import sweep
    >>> study = sweep('bars', grid={'t_pattern': ['0.3 ms', '0.5 ms']}, set={'epochs': 1}, seeds=2,
    ...               device='numpy', jobs=1, quiet=True, out='sweep-example')
    >>> [(row['t_pattern'], row['seed']) for row in study.rows]
    [(0.3, 12345), (0.3, 12346), (0.5, 12345), (0.5, 12346)]
    """
    if jobs is not None:
        whole_number('jobs', jobs)
    with _no_exit():
        study = get_study(target).changed(grid, set, seeds, device, data)
        plan = study.plan()
        folder = StudyFolder(out if out is not None else f'results/{study.name}')
        description = describe(study, plan, folder.directory)
        folder.check(description, plan)
        runs = {run.key: run for _, run in plan}
        missing = [run for key, run in runs.items() if not is_finished(folder.run(key))]
        if missing and cluster is None and study.device != 'numpy':
            if study.device == 'cpp_standalone':
                Cache.of_user()  # says what is wrong with its settings
            require_compiler(study.device == 'cpp_standalone', f"device '{study.device}'",
                             ', or use --device numpy')
        get_target(study.target).check_values([(run.parameters, run.seed) for run in missing],
                                              quiet)
    job = functools.partial(_work, target=_absolute(study.target), source=description['source'],
                            device=study.device, directory=folder.directory)
    with _clear_errors(folder), _terminations():
        folder.begin(description, plan)
        try:
            with workers(jobs, cluster, len(missing)) as work, tqdm(
                    total=len(runs), initial=len(runs) - len(missing), unit='run', disable=quiet,
                    dynamic_ncols=True) as progress:
                _run_all(job, folder, missing, work, progress)
        finally:
            folder.tidy()
            folder.write_table()
    return folder.result()


@contextlib.contextmanager
def _no_exit():
    """An error in place of the end of the process, for a model that asks for that."""
    try:
        yield
    except SystemExit as error:
        raise ValueError(f'{_reason(error)}; take that out of the model') from None


@contextlib.contextmanager
def _terminations():
    """End at SIGTERM, which clusters send when the time is over, as at Ctrl-C."""
    if (threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL):
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _absolute(target):
    """The name of a target that is the same in any process: a model's file with its folder."""
    path, colon, function = target.rpartition(':')
    return f'{Path(path).absolute()}:{function}' if colon else target


@contextlib.contextmanager
def _clear_errors(folder):
    """Name the folder, and say what is left, when it cannot be written to."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL | _NO_FOLDER:
            raise
        raise type(error)(
            error.errno, f"{os.strerror(error.errno)}: the study in '{folder.directory}' has "
            'stopped; finished runs are intact, and the same command continues with the others',
            error.filename) from error


def _run_all(job, folder, runs, work, progress):
    """Run until all is finished or has failed."""
    pending, died, n_failed, table_written = runs, Counter(), 0, time.monotonic()
    while pending:
        # after a death the runs under way are done one at a time, which tells whose fault it was
        suspects = [run for run in pending if died[run.key]]
        batch, waiting = suspects[:1] or pending, {run.key: run for run in pending}
        elsewhere, killed = 0, []
        try:
            with contextlib.closing(work(job, batch)) as outcomes:
                for key, state, news in outcomes:
                    if state == 'elsewhere':
                        elsewhere += 1
                    elif state == 'killed':
                        killed.append(key)
                    elif state == 'stopped':
                        raise news
                    else:
                        if state == 'done':
                            folder.remember(key, news)
                        n_failed += state == 'failed'
                        _count(progress, n_failed)
                        del waiting[key]
                    if time.monotonic() > table_written + _TABLE_SECONDS:
                        folder.write_table()
                        table_written = time.monotonic()
        except BrokenProcessPool:
            killed = [run.key for run in batch if run.key in waiting and folder.was_begun(run.key)]
        for key in killed:
            died[key] += 1
            if died[key] == 2:
                folder.note_failure(waiting.pop(key), 'the process that ran it was killed (out of '
                                    'memory?)', '')
                n_failed += 1
                _count(progress, n_failed)
        if killed:
            folder.tidy()
        pending = list(waiting.values())
        if elsewhere == len(pending) > 0:
            progress.set_postfix_str('waiting for another sweep into this folder')
            time.sleep(1)


def _count(progress, n_failed):
    """One run less to do."""
    if n_failed:
        progress.set_postfix_str(f'{n_failed} failed', refresh=False)
    progress.update()


def _work(run, target, source, device, directory):
    """One run, in any process: its key, what came of it, and measures or an error."""
    folder = StudyFolder(directory)
    with folder.claim(run.key) as mine:
        if is_finished(folder.run(run.key)):
            return run.key, 'done', folder.measure(run.key)
        if not mine:
            return run.key, 'elsewhere', None
        try:
            import_brian2()
            if source is not None and _source(target) != source:
                return run.key, 'stopped', RuntimeError(
                    f"'{target.rpartition(':')[0]}' has changed since the sweep began; give it "
                    'back what it was to continue, or choose another folder')
            result = get_target(target).run(run.parameters, run.seed, device, folder.run(run.key))
            return run.key, 'done', folder.measure(run.key, result)
        except RunsElsewhere:
            return run.key, 'elsewhere', None
        except (Exception, SystemExit) as error:
            full = _full_disk(error, directory)
            if full:
                return run.key, 'stopped', full
            folder.note_failure(run, _reason(error, Path(target).parent), traceback.format_exc())
            return run.key, 'failed', None


def _source(target):
    """The hash of the file of a user's model; None if it cannot be read."""
    try:
        return source_of(target.rpartition(':')[0])
    except OSError:
        return None


def _reason(error, folder=None):
    """What an error says, in one line."""
    if isinstance(error, SystemExit):
        return f'sys.exit({"" if error.code is None else repr(error.code)}) was called'
    text, cause = ' '.join(str(error).split()), error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if ' '.join(str(cause).split()) not in text:  # Brian2 says where it was, and not what
        return one_line(error, folder)
    told = isinstance(error, (ValueError, RuntimeError, FloatingPointError))
    return text if told else f'{type(error).__name__}: {text}'


def _full_disk(error, directory):
    """An OSError, if a run failed for want of room or permission where sweeps write."""
    places = [os.path.realpath(place) for place in (directory, tempfile.gettempdir())]
    if isinstance(error, OSError) and error.errno in _FULL:
        paths = [os.path.realpath(path) for path in (error.filename, error.filename2)
                 if isinstance(path, (str, os.PathLike))]
        if (any(Path(path).is_relative_to(place) for path in paths for place in places)
                or not paths and error.errno not in _NEEDS_PATH):
            return OSError(error.errno, error.strerror, error.filename)
    for place in places:  # as when it was the compiler that found out
        if shutil.disk_usage(place).free < _NEARLY_FULL:
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), place)
    return None
