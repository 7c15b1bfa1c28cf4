"""Sweeps: all runs of a study, in several processes or on a cluster, however often interrupted.

A run is complete in its folder, or it is done again, from its last checkpoint on. What a killed
process leaves behind is never taken for a result, so the same command continues any sweep, and
ends with the same files.
"""

import contextlib
import errno
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from concurrent.futures.process import BrokenProcessPool

from tqdm import tqdm

from brian_le.checks import whole_number
from brian_le.protocols.results import RunsElsewhere, is_finished
from brian_le.protocols.study_files import get_study
from brian_le.protocols.study_folders import StudyFolder, describe
from brian_le.protocols.targets import get_target

__all__ = ['sweep']

_TABLE_SECONDS = 10  # between two tables while a sweep is under way
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO}
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
        Of all runs that have succeeded.

    Raises
    ------
    ValueError
        For anything that cannot be run; nothing has been run then.
    OSError
        If the folder cannot be written to, or is full. Finished runs are intact.

    Examples
    --------
    >>> from brian_le.protocols import sweep
    >>> study = sweep('bars', grid={'t_pattern': ['0.3 ms', '0.5 ms']}, set={'epochs': 1}, seeds=2,
    ...               device='numpy', jobs=1, quiet=True, out='sweep-example')
    >>> [(row['t_pattern'], row['seed']) for row in study.rows]
    [(0.3, 12345), (0.3, 12346), (0.5, 12345), (0.5, 12346)]
    """
    study = get_study(target).changed(grid, set, seeds, device, data)
    if jobs is not None:
        whole_number('jobs', jobs)
    plan = study.plan()
    folder = StudyFolder(out if out is not None else f'results/{study.name}')
    description = describe(study, plan)
    folder.check(description, plan)
    with _clear_errors(folder):
        folder.begin(description, plan)
        runs = {run.key: run for _, run in plan}
        missing = [run for key, run in runs.items() if not is_finished(folder.run(key))]
        try:
            with _workers(jobs, cluster, len(missing)) as parallel, tqdm(
                    total=len(runs), initial=len(runs) - len(missing), unit='run', disable=quiet,
                    dynamic_ncols=True) as progress:
                _run_all(study, folder, _together(study, missing), parallel, progress)
        finally:
            folder.tidy()
            folder.write_table()
    return folder.result()


def _together(study, runs):
    """Runs that share a compiled program after each other, otherwise in their order."""
    target, groups = get_target(study.target), {}
    for run in runs:
        groups.setdefault(target.structure(run.parameters, run.seed), []).append(run)
    return [run for group in groups.values() for run in group]


@contextlib.contextmanager
def _clear_errors(folder):
    """Name the folder, and say what is left, when it cannot be written to."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL | _NO_FOLDER:
            raise
        raise type(error)(
            error.errno, f"{error.strerror}: the study in '{folder.directory}' has stopped; "
            'finished runs are intact, and the same command continues with the others',
            error.filename) from error


@contextlib.contextmanager
def _workers(jobs, cluster, n_runs):
    """What runs things at the same time: a `joblib.Parallel`."""
    from joblib import Parallel, cpu_count, parallel_config

    options = dict(return_as='generator_unordered', batch_size=1)
    if cluster is None:
        with parallel_config(backend='loky', n_jobs=jobs or max(1, min(cpu_count(), n_runs)),
                             initializer=_end_with, initargs=(os.getpid(),)):
            yield Parallel(**options)
        return
    try:
        from distributed import Client
    except ImportError:
        raise RuntimeError("a cluster needs Dask; install it with pip install "
                           "'brian-le[cluster]'") from None
    try:
        client = Client(cluster, timeout='10s', set_as_default=False)
    except (OSError, ValueError) as error:
        raise RuntimeError(f"there is no Dask scheduler at '{cluster}': {error}") from None
    with client, parallel_config(backend='dask', client=client, n_jobs=jobs or -1):
        yield Parallel(**options)


def _run_all(study, folder, runs, parallel, progress):
    """Run until all is finished or has failed."""
    pending, died, table_written = runs, Counter(), time.monotonic()
    while pending:
        # after a death the runs under way are done one at a time, which tells whose fault it was
        suspects = [run for run in pending if died[run.key]]
        batch, waiting = suspects[:1] or pending, {run.key: run for run in pending}
        elsewhere = 0
        try:
            with contextlib.closing(_outcomes(study, folder, batch, parallel)) as outcomes:
                for key, state, news in outcomes:
                    if state == 'elsewhere':
                        elsewhere += 1
                        continue
                    if state == 'stopped':
                        raise OSError(*news)
                    if state == 'done':
                        folder.remember(key, news)
                    del waiting[key]
                    progress.update()
                    if time.monotonic() > table_written + _TABLE_SECONDS:
                        folder.write_table()
                        table_written = time.monotonic()
        except BrokenProcessPool:
            for run in batch:
                if run.key in waiting and folder.was_begun(run.key):
                    died[run.key] += 1
                    if died[run.key] == 2:
                        folder.note_failure(run, 'the process that ran it was killed (out of '
                                            'memory?)', '')
                        del waiting[run.key]
                        progress.update()
            folder.tidy()
        pending = list(waiting.values())
        if elsewhere == len(pending) > 0:
            progress.set_postfix_str('waiting for another sweep into this folder')
            time.sleep(1)


def _outcomes(study, folder, runs, parallel):
    from joblib import delayed

    work = delayed(_work)
    with _no_interrupts():
        return parallel(work(study.target, run, study.device, folder.directory)
                        for run in runs)


@contextlib.contextmanager
def _no_interrupts():
    """Let processes that are started here know nothing of Ctrl-C, which is for the sweep alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    users = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, users)


def _work(target, run, device, directory):
    """One run, in any process: its key, what came of it, and measures or an error."""
    folder = StudyFolder(directory)
    with folder.claim(run.key) as mine:
        if is_finished(folder.run(run.key)):
            return run.key, 'done', folder.measure(run.key)
        if not mine:
            return run.key, 'elsewhere', None
        try:
            result = get_target(target).run(run.parameters, run.seed, device, folder.run(run.key))
            return run.key, 'done', folder.measure(run.key, result)
        except RunsElsewhere:
            return run.key, 'elsewhere', None
        except Exception as error:
            full = _full_disk(error, directory)
            if full:
                return run.key, 'stopped', full
            text = f'{error}' if isinstance(error, (ValueError, RuntimeError, FloatingPointError)
                                            ) else f'{type(error).__name__}: {error}'
            folder.note_failure(run, text, traceback.format_exc())
            return run.key, 'failed', text


def _full_disk(error, directory):
    """Arguments of an OSError, if a run failed for want of room or permission."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return error.errno, error.strerror, error.filename
    for place in (directory, tempfile.gettempdir()):  # as when it was the compiler that found out
        if shutil.disk_usage(place).free < _NEARLY_FULL:
            return errno.ENOSPC, os.strerror(errno.ENOSPC), str(place)
    return None


def _end_with(sweeper):
    """Let this process and those that it starts end when the sweep does, however that ends."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # Ctrl-C is for the sweep alone, which ends its workers

    def watch():
        while os.getppid() == sweeper:
            time.sleep(0.5)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
