"""Cython modules that are compiled in a third of the time."""

import functools
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path

import numpy as np

from brian_le.programs.builds import cxx

# what all modules of Brian2 include, in their order
_HEADERS = '''
#define PY_SSIZE_T_CLEAN
#include "Python.h"
#include <atomic>
#include <cmath>
#include <complex>
#include <set>
#include <stdexcept>
#include "numpy/arrayobject.h"
#include "numpy/ufuncobject.h"
#include "numpy/npy_math.h"
#include <structmember.h>
'''


def quickly(optimised, folder):
    """Brian2's function for compiler and flags, without optimisation and with compiled headers.

    The headers are compiled in the folder when they are first needed. A compiler that cannot use
    them, because its flags are others, reads them as they are.
    """
    @functools.cache
    def headers(*flags):
        place = Path(tempfile.mkdtemp(prefix='headers_', dir=folder))
        (place/'headers.h').write_text(_HEADERS)
        python = [*shlex.split(sysconfig.get_config_var('CFLAGS') or ''), '-fPIC',
                  f"-I{sysconfig.get_path('include')}", f'-I{np.get_include()}']
        subprocess.run([*cxx(), *python, *flags, '-x', 'c++-header', 'headers.h', '-o',
                        'headers.h.gch'], cwd=place, check=True, capture_output=True)
        return ['-include', str(place/'headers.h')]

    def compiler_and_args():
        compiler, args = optimised()
        args = [*args, '-O0', '-g0']
        return compiler, [*args, *headers(*args)]
    return compiler_and_args
