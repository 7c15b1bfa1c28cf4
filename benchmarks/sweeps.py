"""What a sweep costs beyond its simulations: ``python benchmarks/sweeps.py``.

Two tables: the cost of launching one run of a compiled microcircuit, and how busy the processors
are during a sweep of 200 short runs of it.
"""

import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

EPOCHS, N_RUNS, JOBS = 2000, 200, 2  # some tenths of a second of simulation each
SETTINGS = dict(t_pattern='1 ms', prospective='true')


def timed_binary(times):
    """Let every launch of a binary add its wall-clock time to a list."""
    run = subprocess.run

    def timed(*arguments, **options):
        began = time.perf_counter()
        done = run(*arguments, **options)
        times.append(time.perf_counter() - began)
        return done

    subprocess.run = timed


def launches(folder):
    """Total times of runs in this process, and what their binaries take of them, in seconds."""
    from brian_le.protocols import run

    times, rows = [], []
    timed_binary(times)
    for number in range(12):
        times.clear()
        began = time.perf_counter()
        run('bars', **SETTINGS, epochs=EPOCHS, seed=number, quiet=True, out=folder/f'run-{number}')
        rows.append((time.perf_counter() - began, sum(times), len(times)))
    return np.array(rows[2:])  # the first one generates code


def busy(folder):
    """Wall-clock and processor time of a sweep of short runs, in seconds."""
    from brian_le.protocols import sweep

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    sweep('bars', set=dict(SETTINGS, epochs=EPOCHS), seeds=N_RUNS, jobs=JOBS, quiet=True,
          out=folder/'study')
    took = time.perf_counter() - began
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown()  # only then are the processes accounted for
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as temporary:
        total, binary, n = np.median(launches(Path(temporary)), axis=0)
        print(f'one run of bars, {EPOCHS} epochs of 16 presentations of 10 steps')
        print(f'  {"all of it":<28} {1e3*total:7.0f} ms')
        print(f'  {f"the binary, {n:.0f} launches":<28} {1e3*binary:7.0f} ms')
        print(f'  {"everything else":<28} {1e3*(total - binary):7.0f} ms')
        took, used = busy(Path(temporary))
        print(f'{N_RUNS} runs in {JOBS} processes, from the first import to the table')
        print(f'  {"wall-clock time":<28} {took:7.1f} s')
        print(f'  {"processor time":<28} {used:7.1f} s')
        print(f'  {"processors busy":<28} {100*used/took/JOBS:7.0f} %')
