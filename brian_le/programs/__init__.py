"""Simulations that are compiled once and run many times, and where what was compiled is kept."""

from brian_le import _lazy

#: What simulations run on, the fastest first.
DEVICES = ('cpp_standalone', 'cython', 'numpy')

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'contents': ['run_args'],
    'fast': ['fast_cpp'],
    'program': ['build_program'],
    'signatures': ['signature', 'start_values'],
    'states': ['EndState'],
})
