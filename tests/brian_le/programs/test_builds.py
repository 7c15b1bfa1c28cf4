import os
import shutil
import subprocess
import sys
import time

import pytest
from brian2 import Network, NeuronGroup, defaultclock, ms

from brian_le import fast_cpp
from brian_le.programs import builds, ingredients
from tests.brian_le.programs.tiny_projects import printed, write_tiny


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/'cache'))
    return tmp_path/'cache'


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def library(path, value):
    """A static library with a function."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = write(path.parent/'source.cpp', f'int number() {{return {value};}}\n')
    subprocess.run(['g++', '-c', source, '-o', path.parent/'number.o'], check=True)
    path.unlink(missing_ok=True)
    subprocess.run(['ar', 'rc', path, path.parent/'number.o'], check=True)


def header(value):
    return f'#pragma once\n#define N {value}\n'


# Each writes its files with a number, and returns what a project needs to read them.
def beside_a_header(u, n):
    write(u/'factor.h', '#include "lib/number.h"\n')
    write(u/'lib'/'number.h', header(n))
    return dict(head='#include "factor.h"', value='N', flags=f'-I"{u}"')


def beside_a_source(u, n):
    write(u/'number.h', header(n))
    write(u/'more.cpp', '#include "number.h"\nint number() {return N;}\n')
    return dict(head='int number();', value='number()', sources=f'main.cpp {u}/more.cpp')


def by_include(u, n):
    return dict(value='N', flags=f'-include {write(u/"number.h", header(n))}')


def by_isystem(u, n):
    write(u/'number.h', header(n))
    return dict(head='#include <number.h>', value='N', flags=f'-isystem {u}')


def by_two_words(u, n):
    write(u/'number.h', header(n))
    return dict(head='#include <number.h>', value='N', flags=f'-I {u}')


def by_a_macro(u, n):
    write(u/'number.h', header(n))
    return dict(head='#define WHICH <number.h>\n#include WHICH', value='N', flags=f'-I{u}')


def by_the_environment(u, n):
    write(u/'number.h', header(n))
    os.environ['CPATH'] = str(u)
    return dict(head='#include <number.h>', value='N')


def by_a_library(u, n):
    library(u/'libnumber.a', n)
    return dict(head='int number();', value='number()', links=f'-L"{u}" -lnumber')


def by_an_object(u, n):
    library(u/'libnumber.a', n)
    return dict(head='int number();', value='number()', links=f'{u}/number.o')


def by_a_library_path(u, n):
    library(u/'libnumber.a', n)
    os.environ['LIBRARY_PATH'] = str(u)
    return dict(head='int number();', value='number()', links='-lnumber')


def found_earlier(u, n):
    """A header that takes the place of another one, because its folder comes first."""
    write(u/'later'/'number.h', header(1))
    (u/'first').mkdir(exist_ok=True)
    if n != 1:
        write(u/'first'/'number.h', header(n))
    return dict(head='#include <number.h>', value='N', flags=f'-I{u}/first -I{u}/later')


def found_if_it_is_there(u, n):
    (u/'sub').mkdir(parents=True, exist_ok=True)
    if n != 1:
        write(u/'sub'/'number.h', header(n))
    return dict(head='#if __has_include(<sub/number.h>)\n#include <sub/number.h>\n#else\n'
                '#define N 1\n#endif', value='N', flags=f'-I{u}')


def library_found_earlier(u, n):
    library(u/'later'/'libnumber.a', 1)
    (u/'first').mkdir(exist_ok=True)
    if n != 1:
        library(u/'first'/'libnumber.a', n)
    return dict(head='int number();', value='number()', links=f'-L{u}/first -L{u}/later -lnumber')


def compiled_header_of_another(u, n):
    """A compiled header lies beside one of the user's, and is older."""
    write(u/'number.h', header(0))
    subprocess.run(['g++', '-x', 'c++-header', u/'number.h'], check=True)
    write(u/'number.h', header(n))
    return dict(value='N', flags=f'-include {u}/number.h')


def a_response_file(u, n):
    return dict(value='N', flags=f'@{write(u/"flags", f"-DN={n}")}')


@pytest.mark.parametrize('case', [
    beside_a_header, beside_a_source, by_include, by_isystem, by_two_words, by_a_macro,
    by_the_environment, by_a_library, by_an_object, by_a_library_path, found_earlier,
    found_if_it_is_there, library_found_earlier, compiled_header_of_another, a_response_file],
    ids=lambda case: case.__name__)
def test_a_program_is_made_of_what_there_is(tmp_path, monkeypatch, case):
    """What changes is compiled, in the same folder and in others; what does not is found."""
    monkeypatch.setenv('CPATH', '')
    monkeypatch.setenv('LIBRARY_PATH', '')
    for n in 1, 2:
        for name in 'p', f'new{n}':
            project = write_tiny(tmp_path/name, **case(tmp_path/'u', n))
            time.sleep(0.02)  # the clock of files ticks more slowly than a build begins
            assert builds.build(project) is (name == 'p')
            assert printed(project) == n


def test_what_is_changed_while_it_is_compiled_is_not_kept(tmp_path, cache):
    write(tmp_path/'u'/'number.h', header(1))
    project = write_tiny(tmp_path/'p', head='#include <number.h>', value='N',
                         flags=f'-I{tmp_path}/u')
    rules = builds._rules

    def meanwhile(*arguments):
        write(tmp_path/'u'/'number.h', header(2))
        return rules(*arguments)
    time.sleep(0.02)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builds, '_rules', meanwhile)
        assert builds.build(project)
    assert not list(cache.glob('*/main'))


# -------------------------------------------------------------------------------- one folder, twice
def stock_build(project, *arguments):
    subprocess.run(['make', *arguments], cwd=project, check=True, capture_output=True)


def names(project):
    return sorted(str(path.relative_to(project)) for path in project.rglob('*'))


def test_nothing_is_left_but_the_program(tmp_path):
    project = write_tiny(tmp_path/'p')
    before = names(project)
    assert builds.build(project)
    assert names(project) == sorted([*before, 'main'])


def test_what_other_builds_have_left_is_not_used(tmp_path):
    """Objects that claim to be newer than their sources, and a compiled header."""
    project = write_tiny(tmp_path/'p', value='1')
    stock_build(project)
    subprocess.run(['g++', '-x', 'c++-header', project/'objects.h'], check=True)
    write_tiny(project, value='2')
    hour = time.time() + 3600
    for left in 'main.o', 'objects.h.gch', 'main':
        os.utime(project/left, (hour, hour))
    assert builds.build(project)
    assert printed(project) == 2
    assert not {'main.o', 'main.d', 'make.deps', 'objects.h.gch'} & set(names(project))
    shutil.copytree(project, tmp_path/'new')
    assert not builds.build(tmp_path/'new')
    assert printed(tmp_path/'new') == 2


def test_a_change_of_a_header_alone(tmp_path):
    for n in 1, 2, 1:
        project = write_tiny(tmp_path/'p', value=str(n))
        builds.build(project)
        assert printed(project) == n


@pytest.mark.parametrize('clean', [False, True])
def test_a_stock_build_afterwards_in_the_same_folder(tmp_path, clean):
    project = write_tiny(tmp_path/'p', value='1', flags='-O1')
    builds.build(project)
    for value, flags in ('2', '-O1'), ('3', '-O0'):
        write_tiny(project, value=value, flags=flags)
        if clean:
            subprocess.run(['make', 'clean'], cwd=project, capture_output=True)
        stock_build(project)
        assert printed(project) == int(value)


def test_files_of_the_user_in_a_project_are_left_alone(tmp_path):
    project = write_tiny(tmp_path/'p')
    for name in 'mine.o', 'mine.d', 'results/main', 'mine.gch', 'code_objects/mine.o':
        write(project/name, 'mine')
    builds.build(project)
    for name in 'mine.o', 'mine.d', 'results/main', 'mine.gch', 'code_objects/mine.o':
        assert (project/name).read_text() == 'mine'


def test_a_copy_of_a_project_is_not_compiled_again(tmp_path, standalone):
    """Its program is found by what is in the folder, whatever the folder is called."""
    defaultclock.dt = 0.1*ms
    with fast_cpp():
        Network(NeuronGroup(1, 'v : 1', name='G')).run(0.1*ms, namespace={})
        standalone.build(directory=str(tmp_path/'p'), compile=False, run=False)
    assert builds.build(tmp_path/'p') is True
    copy = shutil.copytree(tmp_path/'p', tmp_path/'else where'/'copy')
    (copy/'main').unlink()
    assert builds.build(copy) is False
    assert (copy/'main').read_bytes() == (tmp_path/'p'/'main').read_bytes()
    subprocess.run([copy/'main'], cwd=copy, check=True)


def test_a_folder_with_a_space(tmp_path):
    project = write_tiny(tmp_path/'with a space')
    assert builds.build(project)
    assert printed(project) == 1


def test_two_processes_at_once_in_one_folder(tmp_path):
    project = write_tiny(tmp_path/'p')
    processes = [subprocess.Popen([sys.executable, '-m', 'brian_le.programs.builds'], cwd=project,
                                  text=True, stderr=subprocess.PIPE) for _ in range(2)]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [('', 0)]*2
    assert printed(project) == 1
    assert sorted(names(project)) == ['main', 'main.cpp', 'makefile', 'objects.h']


def test_what_is_asked_of_make_is_part_of_it(tmp_path):
    project = write_tiny(tmp_path/'p', value='N', flags='-DN=1')
    assert builds.build(project, ['-j2'])
    assert not builds.build(project, ['-j1'])
    assert builds.build(project, ['OPTIMISATIONS=-DN=2'])
    assert printed(project) == 2


# ------------------------------------------------------------------------------------------- errors
def test_flags_for_make():
    """-j alone would start as many compilers as there are sources."""
    for given, expected in (((), [f'-j{os.cpu_count()}']), (['-j'], [f'-j{os.cpu_count()}']),
                            (['-j1', 'VERBOSE=1'], ['-j1', 'VERBOSE=1'])):
        assert builds._for_make(given) == expected


def test_a_compiler_that_fails_is_quoted(tmp_path, cache):
    project = write_tiny(tmp_path/'p', head='#error no such luck')
    with pytest.raises(RuntimeError, match='no such luck'):
        builds.build(project)
    assert not list(cache.glob('*-*')) and not list(cache.glob('*.lock'))
    assert not list(project.glob('.build_*')) and not (project/'main').exists()


def test_a_full_disk(tmp_path):
    compiler = write(tmp_path/'cxx', '#!/bin/sh\necho "fatal error: error writing to /tmp/ccJ.s: '
                     'No space left on device" >&2\nexit 1\n')
    compiler.chmod(0o755)
    project = write_tiny(tmp_path/'p')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('CXX', str(compiler))
        with pytest.raises(RuntimeError, match=rf"no space .* '{project}'; make room, or set "
                                               r"TMPDIR"):
            builds.build(project)


def test_no_compiler_in_a_script(tmp_path):
    """One line on how to get one."""
    write_tiny(tmp_path/'p')
    done = subprocess.run([sys.executable, '-m', 'brian_le.programs.builds'], cwd=tmp_path/'p',
                          text=True, capture_output=True,
                          env={**os.environ, 'PATH': '/nowhere', 'CXX': ''})
    assert done.returncode == 1
    assert done.stderr.startswith("brian_le: a C++ project needs 'g++'")
    assert done.stderr.count('\n') == 1 and 'install a C++ compiler' in done.stderr


def test_what_a_linker_says_in_one_long_line(tmp_path):
    (tmp_path/'1.o').touch()
    command = 'g++ ' + ' '.join(f'{n}.o' for n in range(2000)) + ' -o main'
    assert list(ingredients._read_trace(f'{command}\n1.o\n', tmp_path)) == ['1.o']
