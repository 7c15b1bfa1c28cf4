"""Drawn scripts do the same with DenseSynapses as with Brian2's Synapses, on all targets."""

from collections import Counter

import pytest
from brian2 import Synapses, prefs, set_device
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import DenseSynapses
from brian_le.programs.builds import build
from tests.brian_le.sanitized import FLAGS, sanitized
from tests.scripts.description import Script
from tests.scripts.drawing import drawn, frames, scripts
from tests.scripts.running import Execution, attempt, check, difference

IN_CPP = 40
SANITIZED = 12


def assert_mostly_compared(outcomes):
    """Scripts that nobody runs say nothing; few may be refused, by Brian2 or by the package."""
    n = outcomes.total()
    assert outcomes['refused'] <= 0.03*n and outcomes['same'] >= 0.7*n, outcomes


def test_on_numpy():
    outcomes = Counter()

    @given(scripts())
    @settings(max_examples=120)
    def check_one(script):
        outcomes[check(script)] += 1
    check_one()
    assert_mostly_compared(outcomes)


@pytest.mark.slow
def test_on_cython():
    outcomes = Counter()

    @given(scripts(frame=st.sampled_from(drawn(frames(random=False), 8))))
    @settings(max_examples=60)
    def check_one(script):
        prefs.codegen.target = 'numpy'
        expected = attempt(script, Synapses)
        prefs.codegen.target = 'cython'
        outcomes[check(script, expected=expected)] += 1
    check_one()
    assert_mostly_compared(outcomes)


def run_in_cpp(device, directory, cases):
    """The variables at the end of scripts ``{name: (script, kind)}``, in one C++ project."""
    device.reinit()
    device.activate(build_on_run=False)
    executions = {}
    for name, (script, kind) in cases.items():
        executions[name] = Execution(script, kind, name)
        executions[name].step(len(executions[name].statements))
    device.build(directory=str(directory), compile=False, run=False)
    build(directory)
    device.run(directory=str(directory), with_output=False)
    return {name: execution.read() for name, execution in executions.items()}


def accepted(n):
    """Scripts that Brian2 takes, and what they end with on numpy; the same ones each time."""
    set_device('runtime')
    found = []
    for script in drawn(scripts(random=False, compiled=True), n + 10):
        expected = attempt(script, Synapses)
        if not isinstance(expected, Exception):
            found.append((script, expected))
    assert len(found) >= n
    set_device('cpp_standalone', build_on_run=False)
    return found[:n]


def assert_as_expected(found, cases, known):
    for name, (script, kind) in cases.items():
        wrong = difference(found[name], known[int(name.split('_')[1])][1])
        assert not wrong, f'{kind.__name__}\n{script}\n\n{wrong}'


@pytest.mark.slow
def test_in_one_cpp_project(standalone, tmp_path):
    known = accepted(IN_CPP)
    cases = {f'dense_{k}': (script, DenseSynapses) for k, (script, _) in enumerate(known)}
    cases |= {f'stock_{k}': (known[k][0], Synapses) for k in range(0, IN_CPP, 4)}
    flags = prefs.codegen.cpp.extra_compile_args_gcc
    prefs.codegen.cpp.extra_compile_args_gcc = FLAGS  # quick to compile
    try:
        found = run_in_cpp(standalone, tmp_path, cases)
    finally:
        prefs.codegen.cpp.extra_compile_args_gcc = flags
    assert_as_expected(found, cases, known)


@pytest.mark.slow
def test_under_sanitizers(standalone, tmp_path):
    known = accepted(SANITIZED)
    cases = {f'dense_{k}': (script, DenseSynapses) for k, (script, _) in enumerate(known)}
    with sanitized(tmp_path/'report'):
        found = run_in_cpp(standalone, tmp_path/'project', cases)
    assert_as_expected(found, cases, known)


@pytest.mark.slow
def test_in_a_folder_used_before(standalone, tmp_path):
    known = accepted(4)
    for first in (0, 2):  # with the same names
        cases = {'a': (known[first][0], DenseSynapses), 'b': (known[first + 1][0], Synapses)}
        found = run_in_cpp(standalone, tmp_path, cases)
        for k, name in enumerate('ab'):
            script, expected = known[first + k]
            wrong = difference(found[name], expected)
            assert not wrong, f'{script}\n\n{wrong}'


FOUND = """G = NeuronGroup(2, 'r : 1\\nI : 1\\n{neurons} : 1', name=name + '_a')
S = Synapses(G, G, 'I_post = {synapses}*{neurons}_pre : 1 (summed)\\n{synapses} : 1',
             name=name + '_b')
G.{neurons} = [1, 2]
S.connect()
S.{synapses} = '1 + i'
objects = [G, S]
network = Network(objects)"""


@pytest.mark.parametrize('neurons, synapses, outcomes', [
    ('replicas', 'w', 'same'), ('layout', 'populations', 'same or refused'),
    ('pre', 'side_of', 'same or refused'), ('replica', 'replicas', 'same or refused'),
    ('matrix', 'layout', 'same or refused')])
def test_names_of_attributes(neurons, synapses, outcomes):
    make = FOUND.format(neurons=neurons, synapses=synapses)
    assert check(Script((), (make,), (0.3,))) in outcomes


INPUTS = """A = NeuronGroup(4, 'dv/dt = (10*mV - v)/(5*ms) : volt\\nI : amp', method='euler',
                name=name + '_a')
B = NeuronGroup(4, '''u : volt (linked)
                      I : amp
                      c : amp
                      g : 1 (shared)''', name=name + '_b')
A.v, B.u, B.g = 'i*mV', linked_var(A, 'v'), 2
P = SpikeGeneratorGroup(2, [0, 1, 0], [0.1, 0.2, 0.4]*ms, name=name + '_p')
R = PoissonGroup(3, [0, 1, 1]/defaultclock.dt, name=name + '_r')  # each step, or never
S = Synapses(B, A, '''I_post = w*u_pre*g_pre : amp (summed)
                      I_pre = w*(v_post - u_pre) : amp (summed)
                      dw/dt = (u_pre*v_post*nS/mV**2 - w)/(9*ms) : siemens (clock-driven)''',
             method='euler', order=1, name=name + '_s')
T = Synapses(P, A, 'x : 1', on_pre='v_post += x*mV', name=name + '_t')
U = Synapses(B, B, 'c_post = x*I_pre : amp (summed)\\nx : 1', name=name + '_u')
V = Synapses(R, A, 'x : 1', on_pre='v_post += 0.001*x*mV', delay=0.2*ms, name=name + '_v')
for synapses in (S, T, U, V):
    synapses.connect()
S.w = arange(16)*nS
S.w[1, 2] = 3*nS
S.w['i == j'] = '2*nS*j'
T.x, U.x, V.x = 'i + j', 0.1, '1 + i*j'
objects = [A, B, P, R, S, T, U, V]
network = Network(objects)"""


def test_inputs_links_and_units():
    assert check(Script((), (INPUTS,), (0.6, "case_w = S.w[:]; S.w = 2*case_w", 0.5))) == 'same'
