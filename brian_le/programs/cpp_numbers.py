"""The numbers of a C++ project, in files beside its sources and not in them."""

import numpy as np
from brian2.core.preferences import prefs
from brian2.core.variables import DynamicArrayVariable

from brian_le.programs.contents import key_of

__all__ = ['numbers_as_data']

_SEED_CODE = '''
for (int _i=0; _i<{threads}; _i++)
    _random_generators[_i].seed((unsigned long) {seed} + _i);
'''
_CONSTANT_CODE = '''
for (size_t _i=0; _i<{size}; _i++)
    {array}[_i] = {value};
'''
_SIZE_CODE = '''
if ({array}.size() != {size}) {{
    std::cerr << "{size} values for '{key}', which has " << {array}.size();
    exit(1);
}}
'''


class _Numbers:
    """Numbers that a project reads from two files, one for each kind of number."""

    def __init__(self):
        self._values = {'numbers': [], 'whole_numbers': []}

    def place(self, value, dtype):
        """The expression of the main program for a value; a ValueError if it has to stay there."""
        if np.issubdtype(dtype, np.floating):
            name, value = 'numbers', float(value)
        else:
            name, value = 'whole_numbers', int(dtype.type(value))
        self._values[name].append(value)
        return f'_static_array_{name}[{len(self._values[name]) - 1}]'

    def write(self, device):
        for (name, values), dtype in zip(self._values.items(), (np.float64, np.int64)):
            if values:
                device.static_arrays[f'_static_array_{name}'] = np.array(values, dtype=dtype)


def numbers_as_data(device):
    """Take the numbers out of the main program that a script gives to variables, and its seeds.

    They become files, which the program reads where the script gave them: nothing is done in
    another order than in the script, and what code before the run makes of them is right.
    """
    variables = {device.get_array_name(variable, access_data=False): variable
                 for variable in device.arrays}
    clocks = {device.get_array_name(variable) for clock in device.clocks
              for variable in clock.variables.values() if variable in device.arrays}
    numbers = _Numbers()
    device.main_queue[:] = [new for entry in device.main_queue for new in
                            _as_data(device, numbers, variables, clocks, *entry)]
    numbers.write(device)


def _as_data(device, numbers, variables, clocks, what, args):
    """What takes the place of an entry of the main program."""
    if what == 'seed' and args is not None:
        threads = max(1, prefs.devices.cpp_standalone.openmp_threads)
        code = _SEED_CODE.format(threads=threads, seed=numbers.place(args, np.dtype(np.int64)))
        return [('insert_code', code)]
    if not what.startswith('set_') or args[0] in clocks:
        return [(what, args)]
    array, variable = args[0], variables[args[0]]
    dynamic, dtype = isinstance(variable, DynamicArrayVariable), np.dtype(variable.dtype)
    size = f'{array}.size()' if dynamic else f'_num_{array}'
    try:
        if what == 'set_by_constant':
            return [('insert_code', _CONSTANT_CODE.format(
                size=size, array=array, value=numbers.place(args[1], dtype)))]
        if what == 'set_by_single_value':
            value = numbers.place(_number(args[2]), dtype)
            return [('insert_code', f'{array}[{args[1]}] = {value};')]
    except (ValueError, OverflowError):  # no number of this type: as in the script
        return [(what, args)]
    values = device.static_arrays[args[-1] if what == 'set_array_by_array' else args[1]]
    device.static_arrays[args[-1] if what == 'set_array_by_array' else args[1]] = (
        values.astype(dtype))
    if what == 'set_by_array' and dynamic:  # Brian2 would read beyond the end
        key = key_of(variable)
        return [('insert_code', _SIZE_CODE.format(array=array, size=values.size, key=key)),
                (what, args)]
    return [(what, args)]


def _number(text):
    """A number from its C++ text."""
    text = text.replace(' ', '').strip('()')
    return {'true': True, 'false': False}[text] if text in ('true', 'false') else float(text)
