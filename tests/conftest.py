import gc
import logging
import os

# before NumPy is imported: threads of several workers would only wait for each other
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')

import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings

from tests.heap import forget
from tests.quick_modules import quickly

# Every example is a simulation: no deadline, and no search for the smallest failing one.
hypothesis_settings.register_profile(
    'simulations', deadline=None, max_examples=10, derandomize=True,
    phases=(Phase.explicit, Phase.generate))
hypothesis_settings.load_profile('simulations')


# many tests only look at objects, or at what is said against them
logging.getLogger('brian2.core.base.unused_brian_object').setLevel(logging.ERROR)


@pytest.fixture(scope='session', autouse=True)
def caches(tmp_path_factory):
    """Compiled binaries and modules are shared by all tests of a session, and by nothing else."""
    from brian2 import prefs

    base = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        base = base.parent
    os.environ['BRIAN_LE_CACHE'] = str(base/'binaries')
    os.environ['CYTHON_CACHE_DIR'] = str(base/'cython')  # of processes that tests start
    # this one has asked for the variable when it imported Brian2, and does not ask again
    prefs.codegen.runtime.cython.cache_dir = str(base/'cython'/'brian_extensions')


@pytest.fixture(scope='session', autouse=True)
def quick_cython(tmp_path_factory):
    """Cython modules are compiled without optimisation, in a third of the time.

    C++ projects are compiled as users have them. Brian2 does not tell such modules from others, so
    they must not reach the user's own (see `caches`).
    """
    from brian2.codegen.runtime.cython_rt import cython_rt

    optimised = cython_rt.get_compiler_and_args
    cython_rt.get_compiler_and_args = quickly(optimised, tmp_path_factory.getbasetemp())
    yield
    cython_rt.get_compiler_and_args = optimised


@pytest.fixture(scope='session', autouse=True)
def quick_keys():
    """Keys of Brian2's caches take a quarter of composing."""
    from brian_le.programs.liberties import keys_at_once

    with keys_at_once():
        yield


@pytest.fixture(scope='session', autouse=True)
def small_heap():
    """Before each run Brian2 looks for garbage, in all that was imported and collected, too."""
    forget()


@pytest.fixture(autouse=True)
def clean_brian():
    """Every test starts on the runtime device, with the numpy target and a time step of 0.1 ms."""
    from brian2 import defaultclock, ms, prefs, set_device, start_scope

    set_device('runtime')
    prefs.codegen.target = 'numpy'
    defaultclock.dt = 0.1*ms
    start_scope()
    yield
    set_device('runtime')
    forget()  # what its caches have kept of the test


@pytest.fixture
def standalone():
    """The device of C++ standalone mode, which builds when it is told to."""
    from brian2 import get_device, set_device

    set_device('cpp_standalone', build_on_run=False)
    get_device().reinit()
    get_device().activate(build_on_run=False)
    yield get_device()
    get_device().reinit()
