"""C++ projects that end with an error when they touch memory that is not theirs, or compute what
C++ does not define.

    with sanitized(tmp_path/'report'):
        found = run_cases('cpp_standalone', cases, tmp_path/'project')
"""

import os
import shlex
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from brian2 import prefs

SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']
# with the vectors of this processor, which the loops are cut for, but quick to compile
FLAGS = ['-w', '-O1', '-g1', '-ffast-math', '-fno-finite-math-only', '-march=native', '-std=c++11',
         '-fno-omit-frame-pointer']


@contextmanager
def sanitized(report):
    """Compile and run C++ projects with the sanitizers for addresses and undefined behaviour.

    What they find is written to the file `report` and makes the test fail.
    """
    cpp, device = prefs.codegen.cpp, prefs.devices.cpp_standalone
    before = cpp.extra_compile_args_gcc, cpp.extra_link_args, device.run_cmd_unix
    run = f'exec {device.run_cmd_unix} "$@" 2> {shlex.quote(str(report))}'
    try:
        cpp.extra_compile_args_gcc = FLAGS + SANITIZERS
        cpp.extra_link_args = SANITIZERS
        device.run_cmd_unix = ['sh', '-c', run, 'main']
        with mock.patch.dict(os.environ, ASAN_OPTIONS='detect_leaks=0',
                             UBSAN_OPTIONS='print_stacktrace=1'):
            yield
    except RuntimeError:
        if os.path.exists(report):
            pytest.fail(Path(report).read_text(errors='replace')[:4000])
        raise
    finally:
        cpp.extra_compile_args_gcc, cpp.extra_link_args, device.run_cmd_unix = before
