"""Where the runs of a sweep are done: processes of this machine, or workers of a cluster."""

import asyncio
import contextlib
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

__all__ = ['import_brian2', 'workers']

_CONNECTING_SECONDS, _WORKER_SECONDS = 10, 10  # to a scheduler; for its first worker
_IMPORTING = threading.Lock()


def workers(jobs, cluster, n_runs):
    """A context with a function that does a job for several runs, and yields what comes of each."""
    return _processes(jobs, n_runs) if cluster is None else _cluster(cluster)


@contextlib.contextmanager
def _processes(jobs, n_runs):
    """Processes of this machine, or, for one job, this one."""
    from joblib import Parallel, cpu_count, delayed, parallel_config

    with parallel_config(backend='loky', n_jobs=jobs or max(1, min(cpu_count(), n_runs)),
                         initializer=_end_with, initargs=(os.getpid(),)):
        parallel = Parallel(return_as='generator_unordered', batch_size=1)

        def work(job, runs):
            with _no_interrupts():
                return parallel(delayed(job)(run) for run in runs)

        yield work


@contextlib.contextmanager
def _cluster(address):
    """The workers of a Dask scheduler.

    Not by joblib's backend for Dask, which waits for ever for a run that has killed its workers.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise RuntimeError("a cluster needs Dask; install it with pip install "
                           "'brian-le[cluster]'") from None
    _find_scheduler(address)

    def work(job, runs):
        runs = {client.submit(job, run, pure=False): run for run in runs}
        for future in as_completed(runs, loop=client.loop):
            if future.status in ('cancelled', 'lost'):
                raise RuntimeError(f"the Dask scheduler at '{address}' has gone; finished runs are "
                                   'intact, and the same command continues with the others')
            killed = isinstance(future.exception(), KilledWorker)  # by this run, and several times
            yield (runs[future].key, 'killed', None) if killed else future.result()

    with Client(address, timeout=_CONNECTING_SECONDS, set_as_default=False) as client:
        try:
            client.wait_for_workers(1, timeout=_WORKER_SECONDS)
        except TimeoutError:
            raise RuntimeError(f"the Dask scheduler at '{address}' has no workers; start some with "
                               f"'dask worker {address}'") from None
        yield work


def _find_scheduler(address):
    """Raise a RuntimeError unless there is a scheduler.

    A client that has found none would wait once more as it is closed, and then say so at length.
    """
    from distributed import Security
    from distributed.comm import connect

    async def knock():
        comm = await connect(address, timeout=_CONNECTING_SECONDS,
                             **Security().get_connection_args('client'))
        await comm.close()

    with ThreadPoolExecutor(1) as thread:  # a notebook has an event loop of its own in this one
        try:
            thread.submit(asyncio.run, knock()).result()
        except (OSError, ValueError) as error:
            raise RuntimeError(f"there is no Dask scheduler at '{address}': {error}") from None


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


def _end_with(sweeper):
    """Let this process and those that it starts end when the sweep does, however that ends."""
    if os.name == 'nt':  # which has no process groups
        return
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # Ctrl-C is for the sweep alone, which ends its workers

    def watch():
        while os.getppid() == sweeper:
            time.sleep(0.5)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def import_brian2():
    """Import Brian2 in any thread, as workers of Dask do, which run everything in a second one.

    It takes over Ctrl-C as it is imported, which Python allows in the main thread alone; elsewhere
    this is left out.
    """
    if threading.current_thread() is threading.main_thread():
        return  # whoever needs it imports it
    set_handler = signal.signal

    def set_in_main_thread(number, handler):
        if threading.current_thread() is threading.main_thread():
            return set_handler(number, handler)
        return signal.getsignal(number)

    with _IMPORTING, mock.patch.object(signal, 'signal', set_in_main_thread):
        import brian2  # noqa: F401
