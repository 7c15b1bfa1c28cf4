"""Drawn scripts do the same with DenseSynapses as with Brian2's Synapses, on all targets."""

from functools import partial

import pytest
from brian2 import Synapses, prefs, set_device
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import DenseSynapses
from brian_le.builds import build
from tests.scripts.drawing import drawn, frames, scripts
from tests.scripts.running import Execution, attempt, check, difference

IN_CPP = 40


@given(scripts())
@settings(max_examples=200)
def test_on_numpy(script):
    check(script)


@pytest.mark.slow
@given(script=scripts(frame=st.sampled_from(drawn(frames(random=False), 8))))
@settings(max_examples=100)
def test_on_cython(script):
    expected = attempt(script, Synapses)
    prefs.codegen.target = 'cython'
    check(script, expected=expected)


@pytest.fixture
def compiled(standalone, tmp_path):
    set_device('runtime')
    return partial(run_in_cpp, standalone, tmp_path)


def run_in_cpp(device, directory, cases):
    """The variables at the end of scripts ``{name: (script, kind)}``, in one C++ project."""
    executions = {}
    for name, (script, kind) in cases.items():
        executions[name] = Execution(script, kind, name)
        executions[name].step(len(executions[name].statements))
    device.build(directory=str(directory), compile=False, run=False)
    build(directory)
    device.run(directory=str(directory), with_output=False)
    return {name: execution.read() for name, execution in executions.items()}


@pytest.mark.slow
def test_in_one_cpp_project(compiled):
    accepted = []
    for script in drawn(scripts(random=False, compiled=True), IN_CPP + 10):
        expected = attempt(script, Synapses)
        if not isinstance(expected, Exception):
            accepted.append((script, expected))
    assert len(accepted) >= IN_CPP
    set_device('cpp_standalone', build_on_run=False)
    cases = {f'dense_{k}': (script, DenseSynapses)
             for k, (script, _) in enumerate(accepted[:IN_CPP])}
    cases |= {f'stock_{k}': (accepted[k][0], Synapses) for k in range(0, IN_CPP, 4)}
    found = compiled(cases)
    for name, (script, kind) in cases.items():
        wrong = difference(found[name], accepted[int(name.split('_')[1])][1])
        assert not wrong, f'{kind.__name__}\n{script}\n\n{wrong}'
