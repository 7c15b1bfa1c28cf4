"""Which variables a script reads while it creates and sets its objects.

What it sets to something that follows from them would not follow a value that is given to them
later, when a run is launched.
"""

import re
from contextlib import contextmanager
from unittest import mock

from brian2.core.variables import VariableView
from brian2.devices.device import get_device
from brian2.utils.stringtools import get_identifiers

from brian_le.programs.contents import is_kept, is_state, key_of

__all__ = ['noting_reads']


@contextmanager
def noting_reads():
    """Yield a dict that fills up with what is read: texts of who reads, by ``'object.variable'``.

    Both by the code of strings (``G.b = '2*a'``, conditions of connections), and by Python
    (``G.b = 2*G.a``).
    """
    found, device = {}, get_device()
    code_object, get_item = device.code_object, VariableView.get_item

    def note(variable, reader):
        if is_kept(variable) and is_state(variable):
            found.setdefault(key_of(variable), reader)

    def noted_code(owner, name, abstract_code, variables, *args, **options):
        for variable in _read_by(abstract_code, variables):
            if 'create_cond' in abstract_code and owner.name == getattr(
                    getattr(variable, 'owner', None), 'name', None):
                continue  # connecting makes room in the variables of synapses, and reads none
            note(variable, f"code that sets or connects '{owner.name}'")
        return code_object(owner, name, abstract_code, variables, *args, **options)

    def noted_item(view, item, level=0, namespace=None):
        note(view.variable, 'Python')
        return get_item(view, item, level + 1, namespace)

    with (mock.patch.object(device, 'code_object', noted_code),
          mock.patch.object(VariableView, 'get_item', noted_item)):
        yield found


def _read_by(code, variables):
    """The variables that code reads, those behind its subexpressions included."""
    text = '\n'.join(part for part in (code.values() if isinstance(code, dict) else [code]) if part)
    assigned, read = set(), set()
    for statement in re.split('[;\n]', text):
        parts = re.match(r'\s*(\w+)\s*([-+*/%]*)=(?!=)(.*)', statement)
        if parts:
            assigned.add(parts[1])
            read |= get_identifiers(parts[3]) | ({parts[1]} if parts[2] else set())
        else:
            read |= get_identifiers(statement)
    return [variable for name, variable in variables.items()
            if name in read or name not in assigned]
