"""What a sweep runs: a protocol, or a model in a file of the user's.

A target has ``name``, ``parameters`` (each with ``name``, ``default``, ``unit`` and ``read``),
``seeded``, and the methods of `ProtocolTarget`.
"""

import functools
import importlib.util
from pathlib import Path

from brian_le.protocols.finding import get_protocol
from brian_le.protocols.parameters import Folder
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.runs.results import MEASURE
from brian_le.protocols.user_files import load_module, sensible, source_of

__all__ = ['ProtocolTarget', 'get_target', 'measures_of', 'protocol_of']


def get_target(name):
    """The target of a name: of a protocol, or ``'path/my_model.py:build'``."""
    if '.py:' in name:
        path = Path(name.rpartition(':')[0])
        if not path.is_file():
            raise ValueError(f"there is no file '{path}'")
        return _users(str(path.absolute()), name.rpartition(':')[2], source_of(path))
    return ProtocolTarget(get_protocol(name))


@functools.lru_cache(maxsize=4)
def _users(path, name, source):
    """A user's model or protocol, loaded anew only if its files have changed."""
    from brian_le.protocols.sweeps.user_models import ModelTarget

    found = vars(load_module(path)).get(name)
    if isinstance(found, type) and issubclass(found, Protocol):
        return ProtocolTarget(get_protocol(f'{path}:{name}'))
    return ModelTarget(f'{path}:{name}')


class ProtocolTarget:
    """A protocol, as a sweep sees it."""

    seeded = True

    def __init__(self, protocol):
        self.protocol = protocol
        self.name, self.source = protocol.name, protocol.source
        self.parameters = protocol.parameters

    def read(self, given):
        """All parameters as plain values; a ValueError for a wrong name or value."""
        return vars(self.protocol.read(given))

    def defaults(self):
        """The parameters as they are unless given, with None for folders of data."""
        return {p.name: None if isinstance(p, Folder) else p.read(p.default)
                for p in self.parameters}

    def check_values(self, runs, quiet):
        """Check what only the objects of a model can tell, and what they need."""
        for module, package in self.protocol.requires.items():
            if runs and importlib.util.find_spec(module) is None:
                raise ValueError(f"'{self.name}' needs {package}, which is not installed: pip "
                                 f'install {package}')
        for parameter in self.parameters:
            if isinstance(parameter, Folder):
                for folder in dict.fromkeys(given[parameter.name] for given, _ in runs):
                    parameter.find(folder)

    def run(self, parameters, seed, device, out):
        """Run once; a `Result`."""
        from brian_le.protocols.runs.running import run

        return run(self.protocol, seed=seed, device=device, out=out, quiet=True, **parameters)


def measures_of(result):
    """The scalars of a run, which become columns of tables, as Python's own numbers and texts.

    Of a protocol in a file of the user's they are in the result; of anything that is no protocol
    they are all arrays with one number, and the last ones of those with one dimension.
    """
    name = result.description['protocol']
    measured = {key.removeprefix(MEASURE): array[()] for key, array in result.arrays.items()
                if key.startswith(MEASURE)}
    if measured:
        return {key: value.item() for key, value in measured.items()}
    protocol = protocol_of(result) if '.py:' not in name else Protocol
    with sensible(f"the result in '{result.directory}'", name):
        found = protocol.measures(result)
    return {name: value.item() if hasattr(value, 'item') else value
            for name, value in found.items()}


def protocol_of(result):
    """The protocol of a result; a ValueError if its parameters are not those."""
    name, where = result.description['protocol'], f"the result in '{result.directory}'"
    try:
        protocol = get_protocol(name)
        found = protocol.read(result.description['parameters'])
    except ValueError as error:
        raise ValueError(f'{where} cannot be read: {error}') from None
    missing = vars(found).keys() - result.description['parameters'].keys()
    if missing:
        raise ValueError(f"{where} lacks parameters of '{name}': {', '.join(sorted(missing))}; "
                         'run it again')
    return protocol
