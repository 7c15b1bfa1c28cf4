"""Fast builds of Brian2's C++ projects; ``python -m brian_le.builds`` in a project's folder.

Headers are compiled once for all sources of a project, and binaries are kept and found again by a
hash of everything they are made of, so that an unchanged model is not compiled again, in whatever
folder it is written. They are kept in the folder that the variable BRIAN_LE_CACHE names, or in
``brian_le`` of the user's cache (XDG_CACHE_HOME, or ``~/.cache``).
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from brian_le.cache import cache_folder
from brian_le.locks import lock

__all__ = ['build', 'cxx', 'kept_binary']

# Every source includes the same long header; compiled once beforehand it halves the time. With many
# objects most of the rest would go into objects.cpp, which only loads and stores arrays.
_PRECOMPILED = '''
CXXFLAGS += -include objects.h
$(OBJS): objects.h.gch
objects.h.gch: $(H_SRCS)
\t$(CXX) $(filter-out -include objects.h,$(CXXFLAGS)) -x c++-header objects.h -o $@
objects.o: private OPTIMISATIONS += -O0
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
    if kept is None:
        _compile(project, arguments)
        return True
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with lock(kept.with_name('lock')):  # another process may be compiling the same
            if not kept.exists():
                _compile(project, arguments)
                draft = kept.with_name(f'main.{os.getpid()}')
                shutil.copy2(project/'main', draft)
                draft.replace(kept)
                return True
    shutil.copy2(kept, project/'main')
    return False


def _compile(project, arguments=()):
    (project/'precompiled.mk').write_text(_PRECOMPILED)
    jobs = f'-j{os.cpu_count()}'  # -j alone, the default of Brian2 2.9, would start all at once
    arguments = [jobs if argument == '-j' else argument for argument in arguments] or [jobs]
    # what depends on which header is of no use to a project that is compiled once
    make = subprocess.run(['make', '-f', 'makefile', '-f', 'precompiled.mk', 'DEPS=', *arguments],
                          cwd=project, capture_output=True, text=True)
    if make.returncode:
        raise RuntimeError('the C++ compiler failed: ' + make.stderr.strip()[-2000:])


def kept_binary(project):
    """Where the binary of a project is kept: it depends on sources, compiler and processor."""
    project = Path(project)
    digest = hashlib.sha256()
    # by their endings, because compilers leave their own files beside them
    sources = [project/'makefile', *(path for folder in ('.', 'brianlib', 'code_objects')
                                     for ending in ('cpp', 'h', 'hpp')
                                     for path in (project/folder).glob(f'*.{ending}'))]
    makefile = (project/'makefile').read_text()
    flags = re.search(r'^OPTIMISATIONS\s*=(.*)$', makefile, re.M)
    flags = shlex.split(flags[1]) if flags else []
    for path in sorted(sources):
        digest.update(f'{path.relative_to(project)}\0'.encode())
        digest.update(path.read_bytes())
    for path in sorted(_files_elsewhere(makefile, flags, sources)):
        digest.update(path.read_bytes())
    # verbosely, the compiler says its version and what -march=native means on this machine
    answer = subprocess.run([*cxx(), *flags, '-E', '-v', '-x', 'c++', os.devnull],
                            capture_output=True, text=True)
    digest.update((answer.stderr + sys.platform).encode())
    folder = cache_folder()
    return None if folder is None else folder/digest.hexdigest()[:32]/'main'


def _files_elsewhere(makefile, flags, sources):
    """What a project is made of beside its own files: what its user's functions bring along."""
    folders = [Path(flag[2:]) for flag in flags if flag.startswith('-I')]
    found = {Path(word) for word in re.findall(r'/[^\s"]+\.(?:cpp|cc|c|o|a|so)\b', makefile)
             if Path(word).is_file()}
    to_read = [*sources, *found]
    while to_read:
        text = to_read.pop().read_text(errors='replace')
        for name in re.findall(r'^\s*#\s*include\s*["<]([^">]+)[">]', text, re.M):
            for path in (folder/name for folder in folders):
                if path.is_file() and path not in found:
                    found.add(path)
                    to_read.append(path)
    return found


if __name__ == '__main__':
    try:
        build('.', sys.argv[1:])
    except RuntimeError as error:
        sys.exit(str(error))
