"""Random numbers that are functions of what they belong to.

Brian2 compiles its seed in, and its random numbers depend on all that were drawn before. Those
here depend on three whole numbers only: a key (from a seed), the step, and the neuron or synapse.
They are the same on every target, in whatever pieces a simulation is run, and one binary can draw
those of any seed.

Both functions are known to all equations as soon as this module is imported.
"""

import numpy as np
from brian2.codegen.generators.cython_generator import CythonCodeGenerator
from brian2.core.functions import DEFAULT_FUNCTIONS, Function

__all__ = ['normal_number', 'uniform_number']

# The finaliser of SplitMix64 (Steele, Lea and Flood 2014) after each of the three numbers.
_CPP = '''
#ifndef BRIAN_LE_RANDOM_NUMBERS
#define BRIAN_LE_RANDOM_NUMBERS
#include <math.h>
#include <stdint.h>
static inline uint64_t _brian_le_mixed(uint64_t x)
{
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30))*0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27))*0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}
static inline uint64_t _brian_le_bits(double key, double step, double number)
{
    return _brian_le_mixed(_brian_le_mixed(_brian_le_mixed((uint64_t)(int64_t)key)
                                           + (uint64_t)(int64_t)step)
                           + (uint64_t)(int64_t)number);
}
static inline double _brian_le_unit(uint64_t bits)
{
    return ((double)(bits >> 11) + 0.5)*1.1102230246251565e-16;
}
static inline double _brian_le_uniform(double key, double step, double number)
{
    return _brian_le_unit(_brian_le_bits(key, step, number));
}
static inline double _brian_le_normal(double key, double step, double number)
{
    const uint64_t bits = _brian_le_bits(key, step, number);
    return sqrt(-2.0*log(_brian_le_unit(bits)))
        *cos(6.283185307179586*_brian_le_unit(_brian_le_mixed(bits)));
}
#endif
'''

# Cython takes the same C++; whatever calls both functions has it twice.
_CYTHON = '''
cdef extern from *:
    """{cpp}"""
    double {name}(double key, double step, double number) nogil
'''


def _whole(values):
    return np.asarray(values).astype(np.int64).astype(np.uint64)


def _mixed(x):
    with np.errstate(over='ignore'):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30)))*np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27)))*np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _bits(key, step, number):
    with np.errstate(over='ignore'):
        return _mixed(_mixed(_mixed(_whole(key)) + _whole(step)) + _whole(number))


def _unit(bits):
    return ((bits >> np.uint64(11)).astype(float) + 0.5)*1.1102230246251565e-16


def _uniform(key, step, number):
    return _unit(_bits(key, step, number))


def _normal(key, step, number):
    bits = _bits(key, step, number)
    return np.sqrt(-2*np.log(_unit(bits)))*np.cos(6.283185307179586*_unit(_mixed(bits)))


def _function(python, name, doc):
    function = Function(python, arg_units=[1, 1, 1], arg_types=['any', 'any', 'any'],
                        return_unit=1, return_type='float', stateless=True)
    function.implementations.add_implementation('numpy', python)
    function.implementations.add_implementation('cpp', {'support_code': _CPP}, name=name)
    function.implementations.add_implementation(
        CythonCodeGenerator, _CYTHON.format(cpp=_CPP, name=name), name=name)
    function.__doc__ = doc
    return function


uniform_number = _function(_uniform, '_brian_le_uniform', """\
A uniform random number between 0 and 1, as a function of three whole numbers.

Parameters
----------
key, step, number : int or array_like of int
    What it belongs to.

Returns
-------
float or numpy.ndarray

Examples
--------
>>> from brian_le.substrate import uniform_number
>>> uniform_number(1, 0, [0, 1]).round(3)
array([0.694, 0.423])
""")

normal_number = _function(_normal, '_brian_le_normal', """\
A normal random number of mean 0 and standard deviation 1, as a function of three whole numbers.

Parameters
----------
key, step, number : int or array_like of int
    What it belongs to.

Returns
-------
float or numpy.ndarray

References
----------
Steele, Lea and Flood (2014), OOPSLA 49 (the generator); Box and Muller (1958).

Examples
--------
>>> from brian2 import NeuronGroup, ms, run
>>> from brian_le.substrate import normal_number
>>> G = NeuronGroup(3, 'x : 1')
>>> G.x = 'normal_number(1, 0, i)'
>>> bool((G.x[:] == normal_number(1, 0, [0, 1, 2])).all())
True
""")

DEFAULT_FUNCTIONS.update(uniform_number=uniform_number, normal_number=normal_number)
