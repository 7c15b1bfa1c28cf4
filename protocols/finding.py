"""Protocols by their names: those of the catalogue, and those in files of users."""

import functools
import os
import pkgutil

from brian_le.checks import choose
from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.user_files import load_module, source_of

__all__ = ['get_protocol']


def get_protocol(protocol):
    """The class of a protocol, by its name, as ``'path/my_study.py:Mine'``, or itself."""
    if isinstance(protocol, type):
        return protocol
    if '.py:' in protocol:
        path, _, name = protocol.rpartition(':')
        if not os.path.isfile(path):
            raise ValueError(f"there is no file '{path}'")
        return _users_protocol(path, name, source_of(path))
    return pkgutil.resolve_name(PROTOCOLS[choose('protocol', protocol, PROTOCOLS)][0])


@functools.lru_cache(maxsize=8)
def _users_protocol(path, name, source):
    """A subclass of `Protocol` in a file of the user's, loaded anew only if that has changed."""
    here = vars(load_module(path))
    names = [key for key, value in here.items() if isinstance(value, type)
             and issubclass(value, Protocol) and value.__module__ == here['__name__']]
    if callable(here.get(name)) and name not in names:
        raise ValueError(f"'{path}:{name}' is a model of your own, and no protocol: 'brian-le "
                         f"sweep {path}:{name}' runs it, once with '--seeds 1'")
    found = here[choose(f"protocol of '{path}'", name, names)]
    found.name, found.source = f'{os.path.basename(path)}:{name}', source
    return found
