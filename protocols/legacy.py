"""Protocols that are modules, as classes."""

import functools
from types import SimpleNamespace

from brian_le.protocols.protocol import Protocol


class ModuleProtocol(Protocol):
    """One that a module describes by functions of parameters."""

    module = None

    @classmethod
    def check(cls, p):
        getattr(cls.module, 'check', lambda p: None)(p)

    def conduct(self, run):
        """The arrays of a run."""
        return self.module.simulate(self.p, self.seed, run)

    def exported(self):
        """What an exported project is made of."""
        return self.module.prepare(self.p, self.seed)

    @classmethod
    def read_export(cls, description, task, variables):
        """The arrays of an exported project that has run."""
        return cls.module.read_variables(SimpleNamespace(**description['parameters']), task,
                                         variables)

    @classmethod
    def measures(cls, result):
        return getattr(cls.module, 'measures', Protocol.measures)(result)

    @classmethod
    def summarize(cls, result):
        return cls.module.summarize(result)


@functools.cache
def of_module(module):
    """The class of a module."""
    return type(module.__name__, (ModuleProtocol,), dict(
        __doc__=module.__doc__, module=module, name=module.NAME, summary=module.SUMMARY, parameters=module.PARAMETERS,
        figures=module.FIGURES, requires=getattr(module, 'REQUIRES', {}),
        unmeasured=getattr(module, 'UNMEASURED', ())))
