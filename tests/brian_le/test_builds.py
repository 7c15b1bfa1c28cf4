import shutil

import pytest
from brian2 import NeuronGroup, Network, check_units, defaultclock, implementation, ms

from brian_le import builds


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


def test_a_copy_of_a_project_is_not_compiled_again(tmp_path, monkeypatch, standalone):
    """Its binary is found by what is in the folder, whatever the folder is called."""
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/'cache'))
    write(tmp_path/'p', standalone, NeuronGroup(1, 'v : 1', name='G'))
    assert builds.build(tmp_path/'p') is True
    copy = shutil.copytree(tmp_path/'p', tmp_path/'elsewhere'/'copy')
    (copy/'main').unlink()
    for left in ('brianlib/clocks.d', 'code_objects/old.o', 'old.gch'):  # by a compiler
        (copy/left).write_text(str(copy))
    assert builds.build(copy) is False
    assert (copy/'main').read_bytes() == (tmp_path/'p'/'main').read_bytes()


def test_flags_for_make(monkeypatch, tmp_path):
    """-j alone would start as many compilers as there are sources."""
    called = []

    class Done:
        returncode = 0
    monkeypatch.setattr(builds.subprocess, 'run',
                        lambda command, **_: called.append(command) or Done)
    monkeypatch.setattr(builds.os, 'cpu_count', lambda: 3)
    for given, expected in (((), ['-j3']), (['-j'], ['-j3']), (['-j1', 'VERBOSE=1'],
                                                              ['-j1', 'VERBOSE=1'])):
        builds._compile(tmp_path, given)
        assert called.pop()[6:] == expected


def test_a_compiler_that_fails_is_quoted(tmp_path):
    (tmp_path/'makefile').write_text('all:\n\t@echo no such luck >&2; exit 1\n')
    with pytest.raises(RuntimeError, match='no such luck'):
        builds._compile(tmp_path)
