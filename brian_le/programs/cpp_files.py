"""What a binary is given and what it leaves, in C++: values, results, and the state to go on from.

Values are one file and results are one, however many variables there are. Brian2's own program
opens a file for every variable, several hundred in a network of some size; where they are made and
removed for every run, that takes longer than a short simulation.

Beside its results a binary writes two files of what another one needs in addition, to go on from
there: the random numbers with which it began; and internal variables, spikes on their way, and
random numbers at the end. If it finds a file ``state`` there, made of these and of the results
(`write_state`), it begins with the same random numbers, so that it makes the same synapses; it
reads what can be given values before these are given, and the rest right before it runs.
"""

import hashlib

import numpy as np
from brian2.core.variables import DynamicArrayVariable

from brian_le.liberties import pathways_of
from brian_le.programs.contents import is_recording

__all__ = ['AFTER', 'BEFORE', 'CppState', 'RESULTS', 'VALUES', 'digest', 'read_results',
           'results_code', 'values_code', 'write_state', 'write_values']

#: Names of files.
RESULTS, VALUES, BEFORE, AFTER = 'results', 'values', 'rest_before', 'rest_after'
_FILE = 'std::ofstream {file}(results_dir + "{name}", std::ios::binary);'
_BYTES = '{file}.write(reinterpret_cast<const char*>({address}), {size});'
_FROM = '_state.read(reinterpret_cast<char*>({address}), {size});'
_GENERATORS = '{0}.data()', '{0}.size()*sizeof(RandomGenerator)'

_BEGIN = '''
static_assert(std::is_trivially_copyable<RandomGenerator>::value, "kept as bytes");
std::ifstream _state(results_dir + "state", std::ios::binary);
std::vector<RandomGenerator> _first = _random_generators;
if (_state.is_open()) {{
    {read}
    _random_generators = _first;
}}
'''
_QUEUE = '''
for (CSpikeQueue* _queue : {path}.queue) {{
    int64_t _sizes[2] = {{_queue->offset, (int64_t) _queue->queue.size()}};
    _after.write(reinterpret_cast<const char*>(_sizes), sizeof(_sizes));
    for (std::vector<int32_t>& _spikes : _queue->queue) {{
        _sizes[0] = _spikes.size();
        _after.write(reinterpret_cast<const char*>(_sizes), sizeof(_sizes[0]));
        _after.write(reinterpret_cast<const char*>(_spikes.data()), _spikes.size()*sizeof(int32_t));
    }}
}}
'''
_QUEUE_FROM = '''
for (CSpikeQueue* _queue : {path}.queue) {{
    const int _needed = _queue->queue.size();
    int64_t _sizes[2];
    _state.read(reinterpret_cast<char*>(_sizes), sizeof(_sizes));
    _queue->offset = _sizes[0];
    _queue->queue.resize(_sizes[1]);
    for (std::vector<int32_t>& _spikes : _queue->queue) {{
        _state.read(reinterpret_cast<char*>(_sizes), sizeof(_sizes[0]));
        _spikes.resize(_sizes[0]);
        _state.read(reinterpret_cast<char*>(_spikes.data()), _spikes.size()*sizeof(int32_t));
    }}
    _queue->ensure_delay(_needed - 1);
}}
'''
_VECTOR_FROM = '''
_state.read(reinterpret_cast<char*>(&_size), sizeof(_size));
{array}.resize(_size);
'''
_RECORDING_FROM = '''
_state.read(reinterpret_cast<char*>(&_size), sizeof(_size));
{array}.resize(_size/{width}, {width});
for (int _i=0; _i<{array}.n; _i++)
    _state.read(reinterpret_cast<char*>(&{array}(_i, 0)), {width}*sizeof({array}(0, 0)));
'''
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
            std::cerr << _given[1] << " values for '" << _place.key << "', which has "
                      << _place.size;
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
    _results.write(reinterpret_cast<const char*>(&{array}(_i, 0)),
                   {width}*sizeof({array}(0, 0)));'''


def digest(*parts):
    """A few letters that stand for texts and arrays."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part))
        found.update(b'\n')
    return found.hexdigest()


class CppState:
    """What the state of a C++ project is made of, and the code that keeps and reads it.

    Parameters
    ----------
    device : CPPStandaloneDevice
    network : Network
    variables : dict of str to ArrayVariable
        Those that are results.
    """

    def __init__(self, device, network, variables):
        self._device = device
        self._network = network
        changing = {key: variable for key, variable in variables.items()
                    if not (variable.constant and variable.read_only)}
        #: Names of the results that values can be given for, and of those that are only computed.
        self.given = [key for key, variable in changing.items() if not variable.read_only]
        self.computed = [key for key, variable in changing.items() if variable.read_only]
        self._variables = changing
        results = {id(variable) for variable in variables.values()}
        self._internal = sorted((
            variable for variable in device.arrays if id(variable) not in results
            and not variable.constant and not is_recording(variable)), key=self._array)
        self._paths = [path.name for obj in network.objects for path in pathways_of(obj)]

    @property
    def begin(self):
        """Code for the start of the main program."""
        address, size = (text.format('_first') for text in _GENERATORS)
        return _BEGIN.format(read=_FROM.format(address=address, size=size))

    @property
    def read_given(self):
        """Code for right before values are given."""
        return self._if_there([self._read(self._variables[key]) for key in self.given])

    @property
    def read_computed(self):
        """Code for right before the network runs."""
        address, size = (text.format('_random_generators') for text in _GENERATORS)
        return self._if_there([
            *(self._read(self._variables[key]) for key in self.computed),
            *map(self._read, self._internal),
            *(_QUEUE_FROM.format(path=path) for path in self._paths),
            _FROM.format(address=address, size=size),
            _FROM.format(address=f'&{self._network.name}.t', size='sizeof(double)'),
            'if (!_state) {std::cerr << "the state is cut off"; exit(1);}'])

    @property
    def write(self):
        """Code for right after the network has run."""
        lines = [_FILE.format(file='_before', name=BEFORE), _FILE.format(file='_after', name=AFTER),
                 self._bytes('_before', *_GENERATORS, of='_first'),
                 *map(self._write, self._internal),
                 *(_QUEUE.format(path=path) for path in self._paths),
                 self._bytes('_after', *_GENERATORS, of='_random_generators')]
        return '\n'.join(['{', *lines, '}'])

    @staticmethod
    def _bytes(file, address, size, of=''):
        return _BYTES.format(file=file, address=address.format(of), size=size.format(of))

    @staticmethod
    def _if_there(lines):
        return '\n'.join(['if (_state.is_open()) {', 'int64_t _size;', *lines, '}'])

    def _array(self, variable):
        return self._device.get_array_name(variable, access_data=False)

    def _place(self, variable):
        """Address and size in bytes of a variable that is no recording."""
        array, address, size = _place_of(self._device, variable)
        return address, f'{size}*sizeof({array}[0])'

    def _write(self, variable):
        code = self._bytes('_after', *self._place(variable))
        if isinstance(variable, DynamicArrayVariable):
            size = self._bytes('_after', '&_size', 'sizeof(_size)')
            code = f'{{const int64_t _size = {self._array(variable)}.size(); {size} {code}}}'
        return code

    def _read(self, variable):
        array = self._array(variable)
        if is_recording(variable):
            return _RECORDING_FROM.format(array=array, width=variable.size[1])
        address, size = self._place(variable)
        code = _FROM.format(address=address, size=size)
        if isinstance(variable, DynamicArrayVariable):
            code = _VECTOR_FROM.format(array=array) + code
        return code


def write_state(path, end, rest, project):
    """Write a file ``state``.

    Parameters
    ----------
    path : path-like
    end : dict of str to array
        Results of the run.
    rest : tuple
        What the files `BEFORE` and `AFTER` have, and the time at which its clocks ended, in s.
    project : CppProject
    """
    before, after, t = rest
    with open(path, 'wb') as file:
        file.write(before)
        for key in (*project.given, *project.computed):
            stored = project.arrays[key]
            if stored.size is None:
                file.write(np.int64(end[key].size))
            array = end[key] if stored.recorded is None else end[key].T
            file.write(np.ascontiguousarray(array, dtype=stored.dtype))
        file.write(after)
        file.write(np.float64(t))


def _place_of(device, variable):
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
    places = [(key, *_place_of(device, variable)) for key, variable in variables.items()]
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
        array, address, size = _place_of(device, variable)
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
