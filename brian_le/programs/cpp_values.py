"""What a binary is given and what it returns, in C++: one file each, however many variables there are.

Brian2's own program opens a file for every variable, several hundred in a network of some size.
Where they are made and removed for every run, that takes longer than a short simulation.
"""

import numpy as np
from brian2.core.variables import DynamicArrayVariable

from brian_le.programs.contents import is_recording

__all__ = ['RESULTS', 'VALUES', 'place_of', 'read_results', 'results_code', 'values_code', 'write_values']

RESULTS, VALUES = 'results', 'values'  #: names of the files

_VALUES = '''
{{
    struct {{const char* key; char* address; int64_t size, width;}} _places[] = {{
        {places}
    }};
    std::ifstream _values(results_dir + "{file}", std::ios::binary);
    int64_t _given[2];  // which one, and how many numbers
    while (_values.read(reinterpret_cast<char*>(_given), sizeof(_given))) {{
        const auto& _place = _places[_given[0]];
        if (_given[1] != 1 && _given[1] != _place.size) {{
            std::cerr << _given[1] << " values for '" << _place.key << "', which has " << _place.size;
            exit(1);
        }}
        std::vector<char> _numbers(_given[1]*_place.width);
        if (!_values.read(_numbers.data(), _numbers.size())) {{
            std::cerr << "the values are cut off";
            exit(1);
        }}
        for (int64_t _i=0; _i<_place.size; _i+=_given[1])
            std::copy(_numbers.begin(), _numbers.end(), _place.address + _i*_place.width);
    }}
}}
'''
_RESULTS = '''
{{
    std::ofstream _results(results_dir + "{file}", std::ios::binary);
    int64_t _size;
    {lines}
}}
'''
_RESULT = '_results.write(reinterpret_cast<const char*>({address}), {size}*sizeof({array}[0]));'
_SIZE = ('_size = {size}; '
         '_results.write(reinterpret_cast<const char*>(&_size), sizeof(_size));')
_RECORDED = '''for (int _i=0; _i<{array}.n; _i++)
    _results.write(reinterpret_cast<const char*>(&{array}(_i, 0)), {width}*sizeof({array}(0, 0)));'''


def place_of(device, variable):
    """Where C++ has a variable that is no recording: its name, address, and number of elements."""
    array = device.get_array_name(variable, access_data=False)
    if isinstance(variable, DynamicArrayVariable):
        return array, f'{array}.data()', f'{array}.size()'
    return array, array, str(variable.size)


def values_code(device, variables, tables):
    """Code that reads the file `VALUES`.

    Parameters
    ----------
    device : CPPStandaloneDevice
    variables : dict of str to ArrayVariable
        What can be given.
    tables : list of TimedArray
        Further ones, which follow them.
    """
    places = [(key, *place_of(device, variable)) for key, variable in variables.items()]
    places += [(f'{table.name}.values', *2*[f'{table.name}_values'], str(table.values.size))
               for table in tables]
    return _VALUES.format(file=VALUES, places='\n'.join(
        f'{{"{key}", reinterpret_cast<char*>({address}), (int64_t) {size}, sizeof({array}[0])}},'
        for key, array, address, size in places))


def write_values(path, values, arrays):
    """Write the file `VALUES`.

    Parameters
    ----------
    path : str
    values : dict of str to array
        One value stands for all elements.
    arrays : dict of str to ArrayFile
        What can be given, in the order of the code.

    Raises
    ------
    ValueError
        If a value does not fit its variable.
    """
    numbers = {key: number for number, key in enumerate(arrays)}
    with open(path, 'wb') as file:
        for key, value in values.items():
            array = arrays[key].file_array(key, value)
            file.write(np.array([numbers[key], array.size], dtype=np.int64))
            file.write(np.ascontiguousarray(array))


def results_code(device, variables):
    """Code that writes the file `RESULTS`, in the order of the variables.

    Parameters
    ----------
    device : CPPStandaloneDevice
    variables : dict of str to ArrayVariable
    """
    lines = []
    for variable in variables.values():
        if is_recording(variable):
            array = device.get_array_name(variable, access_data=False)
            lines += [_SIZE.format(size=f'{array}.n*{array}.m'),
                      _RECORDED.format(array=array, width=variable.size[1])]
            continue
        array, address, size = place_of(device, variable)
        if isinstance(variable, DynamicArrayVariable):
            lines.append(_SIZE.format(size=size))
        lines.append(_RESULT.format(array=array, address=address, size=size))
    return _RESULTS.format(file=RESULTS, lines='\n'.join(lines))


def read_results(path, arrays):
    """Read the file `RESULTS`.

    Parameters
    ----------
    path : str
    arrays : dict of str to ArrayFile
        What is there, in the order of the code.

    Returns
    -------
    dict of str to array

    Raises
    ------
    OSError
        If they were not all written.
    """
    with open(path, 'rb') as file:
        return {key: array.read(file, key) for key, array in arrays.items()}
