"""Python files of users, and what went wrong in them."""

import ast
import contextlib
import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path

__all__ = ['load_module', 'one_line', 'sensible', 'source_of']


@contextlib.contextmanager
def sensible(what, protocol, folder='.'):
    """Turn what a result raises that makes no sense to its protocol into a ValueError.

    `what` is the result and `protocol` whose it ought to be, for the message; `folder` is where the
    user's own code is.
    """
    try:
        yield
    except (MemoryError, OSError):  # of this machine, not of the result
        raise
    except Exception as error:
        raise ValueError(f"{what} makes no sense as one of '{protocol}': "
                         f'{one_line(error, folder)}') from error


def source_of(path):
    """A hash of a Python file, and of the files beside it that it imports."""
    found = hashlib.sha256()
    for file in _files_of(Path(path).absolute()):
        found.update(file.name.encode() + b'\0' + file.read_bytes() + b'\0')
    return found.hexdigest()


def _files_of(path, known=()):
    """A Python file, and the files beside it that it imports, and that these import."""
    files = [*known, path]
    for name in _imported(path):
        neighbour = path.with_name(f'{name}.py')
        if neighbour not in files and neighbour.is_file():
            files = _files_of(neighbour, files)
    return files


def _imported(path):
    """The names of the modules that a file imports, without what is inside them."""
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError):  # whoever loads it will say so
        return []
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)
              and node.module and not node.level]
    return sorted({name.partition('.')[0] for name in names})


def load_module(path):
    """The module in a Python file; a ValueError if there is none, or if it cannot be loaded.

    It may import its neighbours, as a script does; these are loaded anew, too.
    """
    path = Path(path).absolute()
    if not path.is_file():
        raise ValueError(f"there is no file '{path}'")
    name = f'{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}'
    if str(path.parent) in sys.path:
        sys.path.remove(str(path.parent))
    sys.path.insert(0, str(path.parent))
    for neighbour in _files_of(path)[1:]:
        sys.modules.pop(neighbour.stem, None)
    importlib.invalidate_caches()
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"'{path}' cannot be loaded: {one_line(error, path.parent)}") from error
    return module


def one_line(error, folder):
    """What an error is about, as in ``"KeyError: 'weights' (my_model.py, line 3)"``.

    Its first cause, causes that say nothing being passed over, and where in the files of a folder
    that was.
    """
    while str(error.__cause__ or '').strip():
        error = error.__cause__
    lines = [f'{Path(entry.filename).name}, line {entry.lineno}'
             for entry in traceback.extract_tb(error.__traceback__)
             if Path(entry.filename).parent == Path(folder)]
    text = ' '.join(str(error).split())
    return f'{type(error).__name__}: {text}' + (f' ({lines[-1]})' if lines else '')
