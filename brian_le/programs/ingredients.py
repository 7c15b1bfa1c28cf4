"""What a program is made of.

Before it is compiled, its key is: the files of its project, its makefile with all flags and every
file that is named there, the compiler and its version, and what else compilers listen to. Which
files are read, only compiler and linker know; they say so as they go (``-MD``, ``-Wl,-t``), and the
program is the same as long as all of these files are, and no other file takes the place of one of
them because it is found earlier.
"""

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shlex
import shutil
import struct
import subprocess
from pathlib import Path

__all__ = ['Beginning', 'own_files', 'read_dependencies']

#: Variables of the environment that compilers, linkers and make listen to.
_VARIABLES = ('CXX', 'CC', 'CFLAGS', 'CPPFLAGS', 'CXXFLAGS', 'LDFLAGS', 'CPATH', 'C_INCLUDE_PATH',
              'CPLUS_INCLUDE_PATH', 'LIBRARY_PATH', 'GCC_EXEC_PREFIX', 'COMPILER_PATH',
              'LD_RUN_PATH', 'LDEMULATION', 'SOURCE_DATE_EPOCH', 'CCC_OVERRIDE_OPTIONS', 'SDKROOT',
              'MACOSX_DEPLOYMENT_TARGET', 'MAKEFLAGS', 'MAKEFILES')
_TOOLS = ('cc1plus', 'as', 'collect2', 'ld')


def own_files(project):
    """The files of a project that Brian2 and this package write, as paths."""
    # by their endings, because compilers leave their own files beside them
    folders = [project, project/'code_objects', *(
        folder for folder, _, _ in os.walk(project/'brianlib'))]
    return sorted(path for folder in folders for ending in ('cpp', 'c', 'h', 'hpp')
                  for path in Path(folder).glob(f'*.{ending}'))


class Beginning:
    """What is known of a program before it is compiled.

    Parameters
    ----------
    project : Path
        The folder of a C++ project of Brian2.
    compiler : list of str
        The command of the compiler.
    arguments : list of str
        Arguments for make.

    Attributes
    ----------
    key : str
        The hash of all of it, 32 hexadecimal digits.
    """

    def __init__(self, project, compiler, arguments=()):
        self._project = project
        self._compiler = compiler
        makefile = (project/'makefile').read_text()
        flags = re.search(r'^OPTIMISATIONS\s*=(.*)$', makefile, re.M)
        # verbosely, the compiler says its version, what -march=native means on this machine, and
        # where it looks for headers
        self._answer = _ask([*compiler, *(shlex.split(flags[1]) if flags else []), '-E', '-v', '-x',
                             'c++', os.devnull], project)
        self._own = self._hashes()
        self.key = hashlib.sha256(json.dumps([
            self._own, _files_named(makefile, project), self._answer,
            _hash(shutil.which(compiler[0])), compiler,
            [argument for argument in arguments if not re.fullmatch(r'-j\d*', argument)],
            {name: os.environ.get(name) for name in _VARIABLES},
            platform.system(), platform.machine(), struct.calcsize('P'),
            [_version(name) for name in ('brian-le', 'brian2')]], sort_keys=True).encode()
        ).hexdigest()[:32]

    def _hashes(self):
        """The hashes of the project's own files by their names."""
        return {str(path.relative_to(self._project)): _hash(path)
                for path in (self._project/'makefile', *own_files(self._project))}

    # ---------------------------------------------------------------------------------- afterwards
    def made_of(self, out, linked, began):
        """What a program was made of beside that, as JSON has it; None if it cannot be told.

        Parameters
        ----------
        out : Path
            The folder of objects, with what the compiler says of each.
        linked : str
            What the linker says.
        began : float
            When compiling began, in seconds since 1970.
        """
        files = {name for path in out.glob('*.d') for name in read_dependencies(path.read_text())}
        files |= set(_read_trace(linked, self._project))
        files = {name for name in files if not name.startswith(f'{out.name}/')}
        try:
            if self._hashes() != self._own or any(
                    os.stat(self._project/name).st_ctime > began for name in files
                    if name not in self._own):
                return None  # changed while it was read
            read = {name: _hash(self._project/name) for name in sorted(files)}
        except OSError:
            return None
        places = self._places(read)
        names = _names(read, places, self._project)
        return dict(read=read, places=places, names=names,
                    others=sorted(_found(places, names, self._project)
                                  - _full(read, self._project)),
                    tools=self._tools())

    def _places(self, read):
        """Where headers and libraries are looked for, before or after they are found."""
        found = re.search(r'search starts here:\n(.*)End of search list', self._answer, re.S)
        places = [line.strip() for line in found[1].splitlines() if line.startswith(' ')
                  ] if found else []
        places += [os.path.dirname(name) or '.' for name in read]
        makefile = (self._project/'makefile').read_text()
        places += [a or b for a, b in re.findall(r'\s-L\s*(?:"([^"]+)"|(\S+))', makefile)]
        places += os.environ.get('LIBRARY_PATH', '').split(os.pathsep)
        places = sorted({os.path.normpath(place) for place in places if place})
        return [place for place in places if (self._project/place).is_dir()]

    def _tools(self):
        """The programs that compilers call, as path, size and time of change."""
        tools = []
        for name in _TOOLS:
            path = _ask([*self._compiler, f'-print-prog-name={name}'], self._project).strip()
            tools.append([path, *_stamp(path)])
        return tools

    def is_same(self, made_of):
        """Whether a program made of this would be the same if it were compiled today."""
        places, names = made_of['places'], made_of['names']
        return (all(list(_stamp(path)) == stamp for path, *stamp in made_of['tools'])
                and all(_hash(self._project/name) == digest
                        for name, digest in made_of['read'].items())
                and _found(places, names, self._project) - _full(made_of['read'], self._project)
                <= set(made_of['others']))


def read_dependencies(text):
    """The files in what a compiler says of an object for make (its option ``-MD``)."""
    text = text.replace('\\\n', ' ')
    found = []
    for rule in text.splitlines():
        words = re.findall(r'(?:\\.|[^\s\\])+', rule)
        targets = [n for n, word in enumerate(words) if word.endswith(':')]
        found += words[targets[0] + 1:] if targets else []
    return [re.sub(r'\\(.)', r'\1', word).replace('$$', '$') for word in found]


def _read_trace(text, project):
    """The files in what a linker says that it reads, one in a line; members of libraries in ()."""
    for line in text.splitlines():
        for name in (line.strip(), re.sub(r'\(.*\)$', '', line.strip()),
                     re.sub(r'^\((.*)\).*$', r'\1', line.strip())):
            # the command of the linker is one of the lines, and too long for a name
            if name and not name.startswith('-') and os.path.isfile(project/name):
                yield name
                break


def _files_named(makefile, project):
    """Hashes of files that a makefile names: sources, objects, libraries, what an option reads."""
    words = {word for word in re.split(r'[\s"\'=,:@]+', makefile) if word}
    words |= {re.sub('^-(I|L|T|include|isystem)', '', word) for word in words}
    words -= {'main', 'make.deps'}  # what it makes
    return {word: _hash(project/word) for word in sorted(words)
            if os.path.isfile(project/word)}


def _names(read, places, project):
    """Under which names files are found in places."""
    names = set()
    for name in read:
        full = os.path.normpath(project/name)
        for place in places:
            prefix = os.path.join(os.path.normpath(project/place), '')
            if full.startswith(prefix):
                names.add(full[len(prefix):])
        # what a file would include if it were there
        with open(project/name, encoding='utf-8', errors='replace') as file:
            names |= set(re.findall(r'__has_include\w*\s*\(\s*["<]([^">\n]+)[">]', file.read()))
    for name in [name for name in names if re.fullmatch(r'lib[^/]+\.(a|so|dylib)', name)]:
        names |= {f'{os.path.splitext(name)[0]}.{ending}' for ending in ('a', 'so', 'dylib')}
    return sorted(names)


def _found(places, names, project):
    """Which files there are of these names in these places."""
    by_first = {}
    for name in names:
        by_first.setdefault(name.partition('/')[0], []).append(name)
    found = set()
    for place in places:
        place = os.path.normpath(project/place)
        try:
            there = by_first.keys() & set(os.listdir(place))
        except OSError:
            continue
        found |= {path for first in there for name in by_first[first]
                  if os.path.isfile(path := f'{place}/{name}')}
    return _named_alike(found, project)


def _full(read, project):
    """The files that were read by the names that `_found` gives them."""
    return _named_alike((os.path.normpath(project/name) for name in read), project)


def _named_alike(paths, project):
    """Files by names that hold in any copy of a project."""
    return {os.path.relpath(path, project) if path.startswith(f'{project}/') else path
            for path in paths}


def _ask(command, project):
    """What a compiler says, in whatever language the user has."""
    answer = subprocess.run(command, cwd=project, capture_output=True, text=True, errors='replace',
                            stdin=subprocess.DEVNULL, env={**os.environ, 'LC_ALL': 'C'})
    return answer.stderr + ('' if answer.stderr else answer.stdout)


def _hash(path):
    """The hash of a file, None if there is none."""
    try:
        with open(path, 'rb') as file:
            return hashlib.file_digest(file, 'sha256').hexdigest()
    except (OSError, TypeError):
        return None


def _stamp(path):
    try:
        status = os.stat(shutil.which(path) or path)
        return [status.st_size, status.st_mtime_ns]
    except OSError:
        return [None, None]


@functools.lru_cache(maxsize=None)
def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
