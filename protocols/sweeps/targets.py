"""What a sweep runs: a protocol, or a model in a file of the user's.

A target has ``name``, ``parameters`` (each with ``name``, ``default``, ``unit`` and ``read``),
``seeded``, and the methods of `ProtocolTarget`.
"""

import ast
import contextlib
import functools
import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace

from brian_le.checks import choose
from brian_le.protocols.catalogue import PROTOCOLS, get_protocol
from brian_le.protocols.parameters import Folder, protocol_parameters

__all__ = ['ProtocolTarget', 'get_target', 'load_module', 'measures_of', 'one_line',
           'protocol_of', 'sensible', 'source_of']


def get_target(name):
    """The target of a name: of a protocol, or ``'path/my_model.py:build'``.

    Raises
    ------
    ValueError
        If there is no such protocol, file, or function in the file.
    """
    if '.py:' in name:
        path = Path(name.rpartition(':')[0])
        if not path.is_file():
            raise ValueError(f"there is no file '{path}'")
        return _model(str(path.absolute()), name.rpartition(':')[2], source_of(path))
    return ProtocolTarget(name)


@functools.lru_cache(maxsize=4)
def _model(path, function, source):
    """A user's model, loaded anew only if its files have changed."""
    from brian_le.protocols.sweeps.user_models import ModelTarget

    return ModelTarget(f'{path}:{function}')


class ProtocolTarget:
    """A protocol of the catalogue, as a sweep sees it.

    Parameters
    ----------
    name : str
        Its name.
    """

    seeded = True
    source = None  # part of this software

    def __init__(self, name):
        self.name = name
        self.module = get_protocol(name)
        self.parameters = self.module.PARAMETERS

    def read(self, given):
        """All parameters as plain values; a ValueError for a wrong name or value."""
        return vars(protocol_parameters(self.name, given))

    def defaults(self):
        """The parameters as they are unless given, with None for folders of data."""
        return {p.name: None if isinstance(p, Folder) else p.read(p.default)
                for p in self.parameters}

    def in_table(self, name):
        """Whether a parameter is a column of tables: folders of data are not."""
        return not any(p.name == name and isinstance(p, Folder) for p in self.parameters)

    def check_values(self, runs, quiet):
        """Check what only the objects of a model can tell, and what they need."""
        for module, package in getattr(self.module, 'REQUIRES', {}).items():
            if runs and importlib.util.find_spec(module) is None:
                raise ValueError(f"'{self.name}' needs {package}, which is not installed: pip "
                                 f'install {package}')
        for parameter in self.parameters:
            if isinstance(parameter, Folder):
                for folder in dict.fromkeys(given[parameter.name] for given, _ in runs):
                    parameter.find(folder)

    def structure(self, parameters, seed):
        """Runs that are alike in this share a compiled program."""
        own = getattr(self.module, 'structure', None)
        return own(SimpleNamespace(**parameters)) if own else ()

    def run(self, parameters, seed, device, out):
        """Run once; a `Result`."""
        from brian_le.protocols.runs.running import run

        return run(self.name, seed=seed, device=device, out=out, quiet=True, **parameters)


def measures_of(result):
    """The scalars of a run, which become columns of tables.

    Parameters
    ----------
    result : Result
        Of a protocol that says what it measures, or of anything: then these are all arrays with
        a single number, and the last ones of those with one dimension.

    Returns
    -------
    dict of str to int, float or str
    """
    name = result.description['protocol']
    module = protocol_of(result) if '.py:' not in name else None
    if hasattr(module, 'measures'):
        with sensible(f"the result in '{result.directory}'", name):
            found = module.measures(result)
    else:
        found = {name: array.ravel()[-1] for name, array in result.arrays.items()
                 if array.ndim < 2 and array.size}
    return {name: value.item() if hasattr(value, 'item') else value
            for name, value in found.items()}


def protocol_of(result):
    """The module of the protocol of a result; a ValueError if its parameters are not those."""
    name, where = result.description['protocol'], f"the result in '{result.directory}'"
    try:
        module = get_protocol(name)
        found = protocol_parameters(name, result.description['parameters'])
    except ValueError as error:
        raise ValueError(f'{where} cannot be read: {error}') from None
    missing = vars(found).keys() - result.description['parameters'].keys()
    if missing:
        raise ValueError(f"{where} lacks parameters of '{name}': {', '.join(sorted(missing))}; "
                         'run it again')
    return module


@contextlib.contextmanager
def sensible(what, protocol, folder='.'):
    """Turn whatever a result raises that makes no sense to a protocol into a ValueError.

    Parameters
    ----------
    what : str
        The result, for the message.
    protocol : str
        Whose it ought to be.
    folder : path-like
        Where the user's own code is, for the message.
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
    """What an error is about: its first cause, and where in the files of a folder it was.

    Parameters
    ----------
    error : Exception
        Possibly the last one of several, each caused by the next; causes that say nothing are
        passed over.
    folder : path-like
        The folder of the user's files.

    Returns
    -------
    str
        As in ``"KeyError: 'weights' (my_model.py, line 3)"``.
    """
    while str(error.__cause__ or '').strip():
        error = error.__cause__
    lines = [f'{Path(entry.filename).name}, line {entry.lineno}'
             for entry in traceback.extract_tb(error.__traceback__)
             if Path(entry.filename).parent == Path(folder)]
    text = ' '.join(str(error).split())
    return f'{type(error).__name__}: {text}' + (f' ({lines[-1]})' if lines else '')
