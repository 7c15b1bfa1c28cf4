"""Generated C++ compiles without warnings, as far as it is ours."""

import os
import re
import subprocess
from importlib import resources

import numpy as np
import pytest
from brian2 import Network, defaultclock, ms, prefs

from brian_le import fast_cpp
from brian_le.models import (AveragePool, Conv, Dense, Flatten, LayeredNetwork, MaxPool,
                             initial_weights)
from brian_le.programs.builds import cxx
from brian_le.substrate import Delay, LowPass, Substrate, UpdateNoise, WeightResolution
from tests.brian_le.substrate.circuits import CIRCUITS, compose, imperfections
from tests.brian_le.synapses import test_dense as test_synapses, test_planes
from tests.running import run_parts

LOOPS = {name: test_synapses.IN_CPP[name] for name in (
    'drawn_90', 'single_145', 'replicas_adam', 'many_replicas', 'counter', 'indices')} | {
    name: test_planes.CASES[name] for name in (
        'conv_108', 'conv_139', 'pool_8', 'winners_0', 'bias')}
#: What Brian2 writes at the beginning of every function, whether it is read or not: sizes of all
#: arrays, pointers to them, and constants. Which arrays of this package are there, is our choice.
OF_BRIAN2 = re.compile(r'\s*const (size_t _num\w+|double inf) = '
                       r'|\s*\w+ ?\*(?: __restrict)? +_ptr_array(?!\w*_le_)')


def planes(name):
    layers = [Conv(4, 3, padding=1), MaxPool(2), Conv(8, 3), AveragePool(2), Flatten(), Dense(3)]
    substrate = Substrate([Delay(0.2*ms), UpdateNoise(0.1), WeightResolution(4, 2)])
    net = LayeredNetwork((10, 10, 2), layers, replicas=2, eta=0.5/ms, name=name,
                         substrate=substrate)
    net.weights.update(initial_weights((10, 10, 2), layers, np.random.default_rng(1)))
    return net


def circuits():
    """All circuits as they are, and with all that a substrate can do to them."""
    late = [Delay(0.2*ms), LowPass(0.5*ms)]
    weights = [WeightResolution(4, 2), UpdateNoise(0.1)]
    for circuit in CIRCUITS:
        yield compose(circuit, circuit)[1]
        yield compose(circuit, f'{circuit}_late', [*imperfections(circuit), *late, *weights])[1]
    yield planes('planes')


def write_project(device, directory):
    try:
        for name, case in LOOPS.items():
            defaultclock.dt = 0.1*ms
            objects, parts, _ = case(name)
            run_parts(objects, parts)
            prefs.core.default_float_dtype = np.float64
    finally:
        prefs.core.default_float_dtype = np.float64
    defaultclock.dt = 0.1*ms
    for objects in circuits():
        Network(objects).run(0.2*ms, namespace={})
    device.build(directory=str(directory), compile=False, run=False)


def compiled(project, sources):
    """What the compiler says of sources of a project: (name, number of the line, text)."""
    flags = [flag for flag in prefs.codegen.cpp.extra_compile_args_gcc if flag != '-w']
    command = [*cxx(), *flags, '-Wall', '-Wextra', f'-I{project}']
    objects = project/'objects'
    objects.mkdir()
    environment = {**os.environ, 'LC_ALL': 'C'}
    header = objects/'objects.h'
    header.write_text((project/'objects.h').read_text())
    for job in ([*command, '-x', 'c++-header', str(header), '-o', f'{header}.gch'],
                [*command, '-include', str(header), '-c', *map(str, sources)]):
        done = subprocess.run(job, cwd=objects, env=environment, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr[-2000:]
    said = re.findall(r'^(?:\S*/)?([\w.]+):(\d+):\d+: warning: (.*)$', done.stderr, re.M)
    return [(name, int(line), text) for name, line, text in said]


@pytest.mark.slow
def test_no_warnings(standalone, tmp_path):
    with fast_cpp():
        write_project(standalone, tmp_path)
    ours = {path.stem for room in ('programs', 'synapses.loops')
            for path in (resources.files(f'brian_le.{room}')/'templates').glob('*.cpp')}
    made = [obj for obj in standalone.code_objects.values() if obj.template_name in ours]
    assert {obj.template_name for obj in made} == ours
    names = [f'{when}{obj.name}.cpp' for obj in made for when in ('before_run_', '', 'after_run_')]
    sources = {name: (tmp_path/'code_objects'/name).read_text().splitlines() for name in names
               if (tmp_path/'code_objects'/name).exists()}
    assert sum('    namespace _le {' in lines for lines in sources.values()) > 50
    warned = compiled(tmp_path, [tmp_path/'code_objects'/name for name in sources])
    assert warned  # of what is Brian2's
    found = [f'{name}:{line}: {text}: {sources[name][line - 1]}' for name, line, text in warned
             if name not in sources or not OF_BRIAN2.match(sources[name][line - 1])
             or not text.startswith('unused variable')]
    assert not found, '\n'.join(found)
