"""What the benchmarks share: processor times, the machine, and tables."""

import os
import platform
import re
import resource
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import brian2
import numpy as np
from brian2.codegen.cpp_prefs import get_compiler_and_args

COMPILER = os.environ.get('CXX', 'g++').split()


def compile_cpp(source, binary, *options):
    """Compile a program written by hand with the flags that Brian2 uses."""
    subprocess.run([*COMPILER, *get_compiler_and_args()[1], *options, source, '-o', binary],
                   check=True)


def processor_time():
    """User and system time of this process and of the ones that it started, in seconds."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


def user_time_of_children():
    """User time of the processes that this one started, in seconds.

    System time is left out: it is for large files that are read and written.
    """
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def time_per_step(run, n_steps, clock=processor_time):
    """Microseconds, without what does not depend on the number of steps."""
    times = []
    for n in (n_steps, n_steps//5):
        start = clock()
        run(n)
        times.append(clock() - start)
    return 1e6*(times[0] - times[1])/(n_steps - n_steps//5)


def elapsed(action):
    """The result of a function, and the seconds that it took by the clock on the wall."""
    start = time.perf_counter()
    result = action()
    return result, time.perf_counter() - start


def pin_to_one_core():
    """Run on one core from now on, where the system can do that."""
    if hasattr(os, 'sched_setaffinity'):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextmanager
def one_core():
    """Run on one core for a while, where the system can do that."""
    if not hasattr(os, 'sched_setaffinity'):
        yield
        return
    cores = os.sched_getaffinity(0)
    pin_to_one_core()
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def describe_machine():
    """Versions and processor, as lines of text."""
    version = subprocess.run([*COMPILER, '--version'], capture_output=True, text=True,
                             check=True).stdout.splitlines()[0]
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path('/proc/cpuinfo')  # on Linux, where platform does not know the model
    if cpuinfo.exists() and (model := re.search(r'model name\s*: (.*)', cpuinfo.read_text())):
        cpu = model[1]
    yield f'Brian2 {brian2.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}'
    yield f'{version}: {" ".join(get_compiler_and_args()[1])}'
    yield f'{cpu}, {os.cpu_count()} cores, of which the steps use one'


def print_table(title, rows, form):
    """Print the median and the range of every row; `form` formats one number."""
    print(f'\n{title:<44}{"median":>8}   range')
    for label, values, remark in rows:
        spread = f'{form(min(values))} to {form(max(values))}' if len(values) > 1 else ''
        print(f'  {label:<42}{form(np.median(values)):>8}   {spread:<16}{remark}'.rstrip())
