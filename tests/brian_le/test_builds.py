import numpy as np
import pytest
from brian2 import (NeuronGroup, Network, check_units, defaultclock, get_device, implementation, ms,
                    prefs, set_device)
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject

from brian_le import builds, fast_cpp


@pytest.fixture
def standalone():
    set_device('cpp_standalone', build_on_run=False)
    get_device().reinit()
    get_device().activate(build_on_run=False)
    yield get_device()
    get_device().reinit()


def write(project, device, group):
    defaultclock.dt = 0.1*ms
    Network(group).run(0.1*ms, namespace={})
    device.build(directory=str(project), compile=False, run=False)


def test_what_a_user_brings_along_belongs_to_a_project(tmp_path, monkeypatch, standalone):
    """A header in a folder of the user decides which binary is found, and so do its own headers."""
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/'cache'))
    headers = tmp_path/'headers'
    headers.mkdir()
    (headers/'factor.h').write_text('#include "number.h"\n'
                                    'static inline double times(double x) {return NUMBER*x;}')
    (headers/'number.h').write_text('#define NUMBER 2')

    @implementation('cpp', '', headers=['"factor.h"'], include_dirs=[str(headers)])
    @check_units(x=1, result=1)
    def times(x):
        raise NotImplementedError
    write(tmp_path/'p', standalone, NeuronGroup(
        1, 'dv/dt = times(1.0)/ms : 1', method='euler', name='G', namespace={'times': times}))
    found = [builds.kept_binary(tmp_path/'p')]
    assert found == [builds.kept_binary(tmp_path/'p')]
    (headers/'number.h').write_text('#define NUMBER 3')
    found.append(builds.kept_binary(tmp_path/'p'))
    (tmp_path/'p'/'main.cpp').write_text((tmp_path/'p'/'main.cpp').read_text() + '//')
    found.append(builds.kept_binary(tmp_path/'p'))
    assert len(set(found)) == 3


def test_flags_for_make(monkeypatch, tmp_path):
    """-j alone would start as many compilers as there are sources."""
    called = []

    class Done:
        returncode = 0
    monkeypatch.setattr(builds.subprocess, 'run', lambda command, **_: called.append(command) or Done)
    monkeypatch.setattr(builds.os, 'cpu_count', lambda: 3)
    for given, expected in (((), ['-j3']), (['-j'], ['-j3']), (['-j1', 'VERBOSE=1'],
                                                              ['-j1', 'VERBOSE=1'])):
        builds._compile(tmp_path, given)
        assert called.pop()[5:] == expected


def test_a_compiler_that_fails_is_quoted(tmp_path):
    (tmp_path/'makefile').write_text('all:\n\t@echo no such luck >&2; exit 1\n')
    with pytest.raises(RuntimeError, match='no such luck'):
        builds._compile(tmp_path)


def settings():
    device = prefs.devices.cpp_standalone
    return (CPPStandaloneCodeObject.templater, list(prefs.codegen.cpp.extra_link_args),
            device.make_cmd_unix, list(device.extra_make_args_unix),
            list(prefs.codegen.cpp.extra_compile_args_gcc))


def test_fast_cpp_leaves_settings_as_they_were():
    before = settings()
    with fast_cpp(), fast_cpp():
        inside = settings()
    assert settings() == before
    assert inside[0] is not before[0] and inside[1] == [*before[1], '-ffast-math']
    assert 'brian_le.builds' in inside[2]
    assert inside[3:] == before[3:]  # make's arguments and the compiler's are the user's


def test_fast_cpp_in_a_script(tmp_path, monkeypatch, standalone):
    """The state update has the values of NumPy, through the library's vector functions."""
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/'cache'))
    with fast_cpp():
        group = NeuronGroup(37, 'dv/dt = (exp(-v**2) + tanh(v) - log(2 + v**2))/ms : 1\nu : 1',
                            method='euler', name='G')
        group.v = start = np.linspace(-2, 2, 37)
        group.u = 1e-310
        group.run_regularly('u = u*0.5', name='halves')
        Network(group).run(0.1*ms, namespace={})
        standalone.build(directory=str(tmp_path/'p'), with_output=False)
    step = 0.1*(np.exp(-start**2) + np.tanh(start) - np.log(2 + start**2))
    np.testing.assert_allclose(np.array(group.v), start + step, rtol=1e-14)
    assert not np.array(group.u).any()  # too small to calculate with
    (source,) = (tmp_path/'p'/'code_objects').glob('G_stateupdater_*.cpp')
    assert '#pragma GCC ivdep' in source.read_text()
    assert len(list((tmp_path/'cache').glob('*/main'))) == 1
