"""Going on, in C++, from where another run ended.

A binary writes two files beside its results, of what another one needs in addition: the random
numbers with which it began; and internal variables, spikes on their way, and random numbers at the
end. If it finds a file ``state`` there, made of these and of the results (`write_state`), it
begins with the same random numbers, so that it makes the same synapses; it reads what can be given
values before these are given, and the rest right before it runs.
"""

import hashlib

import numpy as np
from brian2.core.variables import DynamicArrayVariable

from brian_le.liberties import pathways_of
from brian_le.programs.contents import is_recording
from brian_le.programs.cpp_values import place_of

__all__ = ['AFTER', 'BEFORE', 'CppState', 'digest', 'write_state']

BEFORE, AFTER = 'rest_before', 'rest_after'  #: names of the files beside the results
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
            *map(self._read, self._internal), *(_QUEUE_FROM.format(path=path) for path in self._paths),
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
        array, address, size = place_of(self._device, variable)
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
