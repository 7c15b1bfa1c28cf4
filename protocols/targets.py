"""What a sweep runs: a protocol, or a model in a file of the user's.

A target has ``name``, ``parameters`` (each with ``name``, ``default``, ``unit`` and ``read``),
``seeded``, and the methods of `ProtocolTarget`.
"""

import functools
import hashlib
import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

from brian_le.checks import choose
from brian_le.protocols.catalogue import PROTOCOLS, get_protocol
from brian_le.protocols.parameters import Folder, read_parameters

__all__ = ['ProtocolTarget', 'get_target', 'load_module', 'measures_of']


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
        return _model(name, path.read_bytes())
    return ProtocolTarget(name)


@functools.lru_cache(maxsize=4)
def _model(name, source):
    """A user's model, loaded anew only if its file has changed."""
    from brian_le.protocols.user_models import ModelTarget

    return ModelTarget(name)


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
        p = read_parameters(self.name, self.parameters, given)
        if hasattr(self.module, 'check'):
            self.module.check(p)
        return vars(p)

    def defaults(self):
        """The parameters as they are unless given, with None for folders of data."""
        return {p.name: None if isinstance(p, Folder) else p.read(p.default)
                for p in self.parameters}

    def in_table(self, name):
        """Whether a parameter is a column of tables: folders of data are not."""
        return not any(p.name == name and isinstance(p, Folder) for p in self.parameters)

    def check_values(self, runs):
        """Check what only the objects of a model can tell."""

    def structure(self, parameters, seed):
        """Runs that are alike in this share a compiled program."""
        own = getattr(self.module, 'structure', None)
        return own(SimpleNamespace(**parameters)) if own else ()

    def run(self, parameters, seed, device, out):
        """Run once; a `Result`."""
        from brian_le.protocols.runner import run

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
    module = get_protocol(choose('protocol', name, PROTOCOLS)) if '.py:' not in name else None
    if hasattr(module, 'measures'):
        found = module.measures(result)
    else:
        found = {name: array.ravel()[-1] for name, array in result.arrays.items()
                 if array.ndim < 2 and array.size}
    return {name: value.item() if hasattr(value, 'item') else value
            for name, value in found.items()}


def load_module(path):
    """The module in a Python file; a ValueError if there is none, or if it cannot be loaded."""
    path = Path(path).absolute()
    if not path.is_file():
        raise ValueError(f"there is no file '{path}'")
    name = f'{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}'
    if str(path.parent) not in sys.path:  # it may import its neighbours, as a script does
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"'{path}' cannot be loaded: {type(error).__name__}: {error}") from error
    return module
