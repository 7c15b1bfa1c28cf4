"""Index arrays of synapses in C++ projects, filled only if some code of the project reads them."""

from types import SimpleNamespace

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.device import get_device

from brian_le.synapses.pairs import PairIndices

__all__ = ['INDICES', 'provide_indices']

INDICES = 'brian_le_indices'  #: name of the code object that fills them


class IndicesOnDemand(CPPStandaloneCodeObject):
    """Fills the index arrays of all projections that are read by other code.

    Which are, is known only when the project is written; then `code` is asked for.
    """

    templater = CPPStandaloneCodeObject.templater.derive('brian_le.synapses.loops')

    def __init__(self, *args, **kwds):
        self.projections = []
        super().__init__(*args, **kwds)

    @property
    def code(self):
        filled = [_fill(synapses, get_device()) for synapses in self.projections
                  if _is_read(synapses, get_device())]
        text = {name: self._text[name] for name in self._text}
        text['cpp_file'] = text['cpp_file'].replace('%INDICES%', '\n'.join(filled))
        return SimpleNamespace(**text)

    @code.setter
    def code(self, text):
        self._text = text


def provide_indices(synapses):
    """Let code that is generated later find the indices of dense synapses filled."""
    device = get_device()
    if INDICES not in device.code_objects:
        codeobj = device.code_object(synapses, INDICES, {'': ''}, {}, 'indices', {},
                                     codeobj_class=IndicesOnDemand)
        codeobj()
    device.code_objects[INDICES].projections.append(synapses)


def _is_read(synapses, device):
    if not synapses.layout:
        return True  # more synapses have been added, as Brian2 does
    indices = [v for v in synapses.variables.values() if isinstance(v, PairIndices)]
    return any(v in indices for codeobj in device.code_objects.values()
               for v in codeobj.variables.values() if isinstance(v, PairIndices))


def _fill(synapses, device):
    synapses._check_pairs()
    pre, post = (device.get_array_name(synapses.variables[name], access_data=False)
                 for name in ('_synaptic_pre', '_synaptic_post'))
    n_pre, n_post = len(synapses.source), len(synapses.target)
    return f'''
    // the neurons of every synapse of '{synapses.name}'
    for (int i = 0; i < {n_pre}; i++)
        for (int j = 0; j < {n_post}; j++)
        {{
            {pre}.push_back(i);
            {post}.push_back(j);
        }}'''
