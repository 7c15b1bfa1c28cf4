"""Fast builds of Brian2's C++ projects: ``python -m brian_le.programs.builds`` in the folder.

Headers are compiled once for all sources of a project, and programs are kept and found again by
everything they are made of, so that an unchanged model is not compiled again, in whatever folder it
is written; see `brian_le.programs.cache`. What that is, compiler and linker say themselves, see
`brian_le.programs.ingredients`.

Everything but the program is made in a folder of its own, which is removed. Nothing older gets into
a program, and nothing is left that a later build could take for its own.
"""

import functools
import os
import re
import shutil
import sys
import time
from pathlib import Path

from brian_le.programs import children, ingredients
from brian_le.programs.cache import Cache
from brian_le.programs.temporary import TemporaryFolder

__all__ = ['build', 'cxx', 'require_compiler']

# Every source includes the same long header; compiled once beforehand it halves the time. It has to
# be the first that a compiler reads, and where it is not, an empty file is: only the first can be
# taken from a compiled one, and none of other people's are to be taken.
_HEADER = '''
{out}/objects.h.gch: objects.h
\t$(CXX) -include {out}/first.h $(CXXFLAGS) -MD -MF {out}/objects.d -x c++-header objects.h -o $@
'''
_SOURCE = '''
{out}/{n}.o: {source} {needs}
\t$(CXX) -include {out}/{first} $(CXXFLAGS){more} -MD -MF {out}/{n}.d -c {source} -o $@
'''
_C_SOURCE = '''
{out}/{n}.o: {source}
\t$(CC) $(CFLAGS) $(CPPFLAGS) -MD -MF {out}/{n}.d -c {source} -o $@
'''
# With many objects most of the time would go into these: one only loads and stores, the other only
# sets values and calls. Nothing of a step is in them, and no number depends on their optimisation.
_QUICK = {'objects.cpp': ' -O0', 'main.cpp': ' -O1'}  # with -O0 the compiled header is not taken
_SECONDS = 'some ten seconds'


def cxx():
    """The command of the C++ compiler, as a list of words."""
    return (os.environ.get('CXX') or 'g++').split()


def require_compiler(make=True, who='a C++ project', otherwise=''):
    """Raise a RuntimeError if there is no C++ compiler.

    Parameters
    ----------
    make : bool
        Whether make is needed, too.
    who, otherwise : str
        What needs it, and what could be done instead, for the error.
    """
    for tool in (cxx()[0], 'make') if make else cxx()[:1]:
        if os.name != 'nt' and shutil.which(tool) is None:
            raise RuntimeError(f"{who} needs '{tool}', which is not on this machine; install a C++ "
                               "compiler and make (e.g. 'apt install g++ make'), or set CXX to the "
                               f'compiler{otherwise}')


def build(project, arguments=(), *, what=None, say=lambda message: None):
    """Make the program ``main`` of a project, unless it is known already.

    Parameters
    ----------
    project : path-like
        The folder of a C++ project of Brian2, not yet compiled.
    arguments : sequence of str
        Further arguments for make.
    what : str, optional
        What it simulates, for the list of what is kept; by default the name of the folder.
    say : callable
        Called with a line of text before it is compiled.

    Returns
    -------
    bool
        Whether it had to be compiled.

    Raises
    ------
    RuntimeError
        If there is no compiler, or if it fails, with its words.
    OSError
        If the folder cannot be written to.
    ValueError
        If the variable BRIAN_LE_CACHE_LIMIT is no size.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, device, ms, set_device
    >>> from brian_le.programs.builds import build
    >>> set_device('cpp_standalone', build_on_run=False)  # doctest: +SKIP
    >>> Network(NeuronGroup(1, 'dv/dt = -v/(5*ms) : 1')).run(1*ms)  # doctest: +SKIP
    >>> device.build('project', compile=False, run=False)  # doctest: +SKIP
    >>> build('project')  # doctest: +SKIP
    True
    """
    project = Path(os.path.abspath(project))
    require_compiler()
    arguments = _for_make(arguments)
    _clear(project)
    cache = Cache.of_user()
    if cache is None:
        say(f'compiling ({_SECONDS})')
        _compile(project, arguments)
        return True
    begin = ingredients.Beginning(project, cxx(), arguments)
    program = cache.find(begin.key, begin.is_same)
    if program is None:
        with cache.compiling(begin.key):
            program = cache.find(begin.key, begin.is_same)  # by another process meanwhile
            if program is None:
                say(f'compiling ({_SECONDS}; the next run of this model will not need it)')
                _compile(project, arguments, begin, functools.partial(
                    cache.add, begin.key, what=what or f"in '{project}'"))
                return True
    with TemporaryFolder('.build_', project) as out:
        _put(program, project, out)
    return False


def _for_make(arguments):
    jobs = f'-j{os.cpu_count()}'  # -j alone, the default of Brian2 2.9, would start all at once
    return [jobs if argument == '-j' else argument for argument in arguments] or [jobs]


def _clear(project):
    """Remove what builds have left: a compiler or make would take it for what it made itself."""
    own = ingredients.own_files(project)
    left = [project/'make.deps']
    left += [path.with_suffix(ending) for path in own for ending in ('.o', '.d')
             if path.suffix in ('.cpp', '.c')]
    left += [path.with_name(f'{path.name}.gch') for path in own if path.suffix in ('.h', '.hpp')]
    for path in left:
        if path.is_dir() and not path.is_symlink():
            if path.suffix == '.gch':  # of several compilers
                shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _compile(project, arguments=(), begin=None, keep=None):
    """Run make, and keep the program if it can be told what it was made of."""
    with TemporaryFolder('.build_', project) as out:
        began = time.time()
        (out/'objects.mk').write_text(_rules(project, out.name))
        (out/'trace.mk').write_text('LFLAGS += -Wl,-t\n')
        (out/'first.h').touch()
        (out/'objects.h').write_text('#include "../objects.h"\n')  # for who does not know .gch
        # the compiler's own files go with the folder, too, however it ends
        make = children.run(['make', '-f', f'{out.name}/objects.mk', '-f', 'makefile', '-f',
                             f'{out.name}/trace.mk', *arguments], cwd=project, capture_output=True,
                            text=True, errors='replace', env={**os.environ, 'TMPDIR': str(out)})
        if make.returncode:
            raise _failure(make, out)
        program = out/'main' if (out/'main').exists() else project/'main'
        if begin is not None:
            made_of = begin.made_of(out, make.stdout, began)
            if made_of is not None:
                keep(program, made_of)
        _put(program.read_bytes(), project, out)


def _put(program, project, out):
    """Let a project have its program all at once: the one that is there may be running."""
    (out/'program').write_bytes(program)
    (out/'program').chmod(0o755)
    (out/'program').replace(project/'main')


def _rules(project, out):
    """Rules for make that put objects into a folder of their own, in place of Brian2's."""
    makefile = (project/'makefile').read_text()
    sources = re.search(r'^SRCS\s*=(.*)$', makefile, re.M)
    if not sources:
        return ''
    # what comes before objects.h for a user must not come after it
    precompiled = ((project/'objects.h').exists()
                   and not re.search(r'\s-(include|imacros)', makefile))
    rules = _HEADER.format(out=out) if precompiled else ''
    sources = sources[1].split()
    for n, source in enumerate(sources):
        rule = _C_SOURCE if source.endswith('.c') else _SOURCE
        rules += rule.format(out=out, n=n, source=source,
                             needs=f'{out}/objects.h.gch' if precompiled else '',
                             first='objects.h' if precompiled else 'first.h',
                             more=_QUICK.get(source, ''))
    objects = ' '.join(f'{out}/{n}.o' for n in range(len(sources)))
    return (f'override DEPS =\noverride OBJS = {objects}\noverride PROGRAM = {out}/main\n{rules}\n'
            '.DEFAULT_GOAL :=\n')


def _failure(make, out):
    words = make.stderr.strip()
    if 'No space left' in words or shutil.disk_usage(out).free < 2**20:
        return RuntimeError('the C++ compiler failed: no space is left on the disk of '
                            f"'{out.parent}'; make room, or set TMPDIR to a folder on another disk")
    return RuntimeError('the C++ compiler failed: ' + words[-2000:])


if __name__ == '__main__':
    try:
        build('.', sys.argv[1:])
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'brian_le: {error}')
