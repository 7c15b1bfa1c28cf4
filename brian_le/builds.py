"""Fast builds of Brian2's C++ projects; ``python -m brian_le.builds`` in a project's folder.

Headers are compiled once for all sources of a project, and binaries are kept and found again by a
hash of everything they are made of, so that an unchanged model is not compiled again, in whatever
folder it is written. They are kept in the folder that the variable BRIAN_LE_CACHE names, or in
``brian_le`` of the user's cache (XDG_CACHE_HOME, or ``~/.cache``).
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ['build', 'cxx', 'kept_binary']

# Every source includes the same long header; compiled once beforehand it halves the time.
_PRECOMPILED = '''
CXXFLAGS += -include objects.h
$(OBJS): objects.h.gch
objects.h.gch: $(H_SRCS)
\t$(CXX) $(filter-out -include objects.h,$(CXXFLAGS)) -x c++-header objects.h -o $@
'''


def cxx():
    """The command of the C++ compiler, as a list of words."""
    return (os.environ.get('CXX') or 'g++').split()


def build(project, arguments=()):
    """Make the binary ``main`` of a project, unless it is known already.

    Parameters
    ----------
    project : path-like
        The folder of a C++ project of Brian2, not yet compiled.
    arguments : sequence of str
        Further arguments for make.

    Returns
    -------
    bool
        Whether it had to be compiled.

    Raises
    ------
    RuntimeError
        If the compiler fails, with its words.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, device, ms, set_device
    >>> from brian_le.builds import build
    >>> set_device('cpp_standalone', build_on_run=False)  # doctest: +SKIP
    >>> Network(NeuronGroup(1, 'dv/dt = -v/(5*ms) : 1')).run(1*ms)  # doctest: +SKIP
    >>> device.build('project', compile=False, run=False)  # doctest: +SKIP
    >>> build('project')  # doctest: +SKIP
    True
    """
    project = Path(project)
    kept = kept_binary(project)
    compile_it = not kept.exists()
    if compile_it:
        _compile(project, arguments)
        kept.parent.mkdir(parents=True, exist_ok=True)
        # another process may do the same: whoever renames last has the same binary
        draft = kept.with_name(f'main.{os.getpid()}')
        shutil.copy2(project/'main', draft)
        draft.replace(kept)
    else:
        shutil.copy2(kept, project/'main')
    return compile_it


def _compile(project, arguments=()):
    (project/'precompiled.mk').write_text(_PRECOMPILED)
    if not any(argument.startswith('-j') for argument in arguments):
        arguments = [*arguments, f'-j{os.cpu_count()}']
    make = subprocess.run(['make', '-f', 'makefile', '-f', 'precompiled.mk', *arguments],
                          cwd=project, capture_output=True, text=True)
    if make.returncode:
        raise RuntimeError('the C++ compiler failed: ' + make.stderr.strip()[-2000:])


def kept_binary(project):
    """Where the binary of a project is kept: it depends on sources, compiler and processor."""
    project = Path(project)
    digest = hashlib.sha256()
    sources = [path for pattern in ('*.cpp', '*.h', 'makefile', 'brianlib/*', 'code_objects/*.cpp',
                                    'code_objects/*.h') for path in project.glob(pattern)]
    for path in sorted(sources):
        digest.update(f'{path.relative_to(project)}\0'.encode())
        digest.update(path.read_bytes())
    flags = re.search(r'^OPTIMISATIONS\s*=(.*)$', (project/'makefile').read_text(), re.M)
    # verbosely, the compiler says its version and what -march=native means on this machine
    answer = subprocess.run([*cxx(), *(flags[1].split() if flags else ()), '-E', '-v', '-x', 'c++',
                             os.devnull], capture_output=True, text=True)
    digest.update((answer.stderr + sys.platform).encode())
    return _cache_directory()/digest.hexdigest()[:32]/'main'


def _cache_directory():
    base = os.environ.get('XDG_CACHE_HOME') or Path.home()/'.cache'
    return Path(os.environ.get('BRIAN_LE_CACHE') or Path(base)/'brian_le')


if __name__ == '__main__':
    try:
        build('.', sys.argv[1:])
    except RuntimeError as error:
        sys.exit(str(error))
