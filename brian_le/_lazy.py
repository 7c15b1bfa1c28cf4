"""Names that are imported when they are first used.

``import brian2`` takes about two seconds. The command line only lists, explains and checks
before it simulates, so nothing of it may import Brian2; the names of the packages are therefore
looked up when they are used.
"""

import importlib
import importlib.util
import sys
from importlib.abc import MetaPathFinder


def exports(package, modules, by_name_only=()):
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package with lazy names.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    modules : dict of str to list of str
        The names that each of its modules provides (or one elsewhere, by its whole name).
    by_name_only : collection of str
        Those that ``from package import *`` leaves alone, because Brian2 has others of that name.
    """
    home = {name: module for module, names in modules.items() for name in names}
    exported = sorted(set(home) - set(by_name_only))

    def full(module):
        return module if module.startswith('brian_le.') else f'{package}.{module}'

    def __getattr__(name):
        if name in modules:  # a module, even if a name of its own is called the same
            return importlib.import_module(full(name))
        if name not in home:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(importlib.import_module(full(home[name])), name)

    def __dir__():
        return sorted({*home, *modules, *vars(sys.modules[package])})

    return __getattr__, __dir__, exported


def when_imported(module, extension):
    """Import `extension` right after `module`, now if that is imported already.

    A script may import brian_le first and Brian2 later, and then name the state updater without
    touching brian_le again.
    """
    if module in sys.modules:
        importlib.import_module(extension)
    else:
        sys.meta_path.insert(0, _Extend(module, extension))


class _Extend(MetaPathFinder):
    def __init__(self, module, extension):
        self.module, self.extension = module, extension

    def find_spec(self, name, path=None, target=None):
        if name != self.module:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_and_extend(module):
                sys.meta_path.remove(self)
                execute(module)
                importlib.import_module(self.extension)

            spec.loader.exec_module = execute_and_extend
        return spec
