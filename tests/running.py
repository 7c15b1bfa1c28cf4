"""One test on several code generation targets.

A case is a function ``compose(name)`` that creates Brian2 objects, with names that begin with
`name`, and returns ``(objects, duration, read)``; ``read()`` gives the results after the run.
Instead of a duration it may be a list of durations and of functions that change something between
the runs. On cpp_standalone all cases of a table share one build. A case may set the floating point
precision of its objects.
"""

import numpy as np
import pytest
from brian2 import (BrianLogger, Network, defaultclock, get_device, ms, prefs, set_device,
                    start_scope)

from brian_le.programs.builds import build
from tests.heap import forget

CODE_TARGETS = ('numpy', 'cython', 'cpp_standalone')
#: The same, where Cython compiles for a minute or longer.
WITH_SLOW_CYTHON = ('numpy', 'cpp_standalone', pytest.param('cython', marks=pytest.mark.slow))


def run_cases(target, cases, directory, not_on_cython=()):
    """The results of all cases on a target, by name.

    Cython compiles every code object for a second or two; cases that are about what it shares
    with numpy can be left out.
    """
    if target == 'cython':
        cases = {name: case for name, case in cases.items() if name not in not_on_cython}
    BrianLogger.suppress_name('cannot_check_statemonitor_indices')
    if target == 'cpp_standalone':
        return _standalone(cases, directory)
    results = {}
    set_device('runtime')
    prefs.codegen.target = target
    try:
        for name, compose in cases.items():
            start_scope()
            defaultclock.dt = 0.1*ms
            objects, duration, read = compose('case')  # one name: Cython compiles less
            run_parts(objects, duration)
            results[name] = copied(read())
            del objects, duration, read
            forget()
            prefs.core.default_float_dtype = np.float64
    finally:
        prefs.core.default_float_dtype = np.float64
        prefs.codegen.target = 'numpy'
    return results


def copied(found):
    """Results that outlive the objects they come from (in Brian2 2.11 views of arrays do not)."""
    if isinstance(found, dict):
        return {key: copied(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return type(found)(copied(value) for value in found)
    return found.copy() if isinstance(found, np.ndarray) else found


def run_parts(objects, parts):
    """Run for a duration, or for durations with functions in between."""
    network = Network(objects)
    for part in parts if isinstance(parts, list) else [parts]:
        if callable(part):
            part()
        else:
            network.run(part, namespace={})


def _standalone(cases, directory):
    set_device('cpp_standalone', build_on_run=False)
    device = get_device()
    device.reinit()
    device.activate(build_on_run=False)
    reads = {}
    try:
        for name, compose in cases.items():
            defaultclock.dt = 0.1*ms
            objects, duration, reads[name] = compose(name)
            run_parts(objects, duration)
            prefs.core.default_float_dtype = np.float64
        device.build(directory=str(directory), compile=False, run=False)
        build(directory)
        device.run(directory=str(directory), with_output=False)
        return {name: read() for name, read in reads.items()}
    finally:
        prefs.core.default_float_dtype = np.float64
        device.reinit()
        set_device('runtime')
