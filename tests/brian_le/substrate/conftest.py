import pytest
from brian2 import prefs


@pytest.fixture(scope='module')
def exact_cpp():
    """C++ without -ffast-math, with which equal formulas may be rounded differently."""
    flags = prefs.codegen.cpp.extra_compile_args_gcc
    prefs.codegen.cpp.extra_compile_args_gcc = ['-w', '-O0', '-std=c++17']
    yield
    prefs.codegen.cpp.extra_compile_args_gcc = flags
