"""Generated C++ compiles without warnings, as far as it is ours."""

import re
import subprocess

import numpy as np
import pytest
from brian2 import defaultclock, ms, prefs

from brian_le import fast_cpp
from tests.brian_le import test_planes, test_synapses
from tests.running import run_parts

CASES = {name: test_synapses.IN_CPP[name] for name in (
    'drawn_90', 'single_145', 'replicas_adam', 'many_replicas', 'counter')} | {
    name: test_planes.CASES[name] for name in ('conv_108', 'pool_8', 'winners_0', 'bias')}
#: What g++ says of a loop that should be unrolled and has no turns for the kernel at hand.
EMPTY = 'ignoring loop annotation'
#: What Brian2 writes at the beginning of every source: pointers to all arrays and their sizes.
OF_BRIAN2 = re.compile(r'‘_(ptr_array|array|num|dynamic_array)\w*’|unused variable ‘inf’')


@pytest.mark.slow
def test_no_warnings(standalone, tmp_path):
    flags = prefs.codegen.cpp.extra_compile_args_gcc
    try:
        with fast_cpp():
            prefs.codegen.cpp.extra_compile_args_gcc = [
                '-O1', '-ffast-math', '-fno-finite-math-only', '-march=native', '-std=c++11',
                '-Wall', '-Wextra']
            for name, compose in CASES.items():
                defaultclock.dt = 0.1*ms
                objects, parts, _ = compose(name)
                run_parts(objects, parts)
                prefs.core.default_float_dtype = np.float64
            standalone.build(directory=str(tmp_path), compile=False, run=False)
    finally:
        prefs.core.default_float_dtype = np.float64
        prefs.codegen.cpp.extra_compile_args_gcc = flags
    make = subprocess.run(['make', '-j2', 'DEPS='], cwd=tmp_path, text=True, capture_output=True)
    assert make.returncode == 0, make.stderr[-2000:]
    ours = {path.name for path in (tmp_path/'code_objects').glob('*.cpp')
            if '_le::' in path.read_text() or 'every element by itself' in path.read_text()}
    assert len(ours) > 20
    warned = re.findall(r'^code_objects/([\w.]+):(.*warning: .*)$', make.stderr, re.M)
    assert warned  # as Brian2's own
    found = [f'{name}:{text}' for name, text in warned
             if name in ours and EMPTY not in text and not OF_BRIAN2.search(text)]
    assert not found, '\n'.join(found)
