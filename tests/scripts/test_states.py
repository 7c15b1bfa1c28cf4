"""Drawn scripts that are stored between two runs go on alike, wherever they are restored."""

import gc
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from brian2 import Synapses, prefs, start_scope
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import DenseSynapses
from tests.scripts.drawing import drawn, frames, scripts
from tests.scripts.running import Execution, attempt, difference, keep_heap_small

TWO_RUNS = dict(durations=[0.6, 0.5])


def forget():
    """Let go of earlier objects: as long as they live, clocks of new ones get other names."""
    gc.collect()
    start_scope()


def first_half(script, kind, file):
    """Run once and store; the execution."""
    forget()
    execution = Execution(script, kind)
    execution.step()
    execution.network.store(filename=str(file))
    return execution


def second_half(script, kind, file):
    """What a fresh network ends with that begins with what was stored."""
    forget()
    execution = Execution(script, kind)
    execution.statements.pop(0)
    execution.network.restore(filename=str(file), restore_random_state=True)
    return execution.finish()


def again(execution, file):
    """What the same network ends with when it goes back and runs once more."""
    statements = list(execution.statements)
    execution.finish()
    execution.statements = statements
    execution.network.restore(filename=str(file), restore_random_state=True)
    return execution.finish()


def assert_same(found, expected, script, about):
    wrong = difference(found, expected)
    assert not wrong, f'{script}\n\n{about}: {wrong}'


def expected_of(script, file):
    """What Brian2's synapses end with, restored in a fresh network; None if they cannot."""
    keep_heap_small()
    if isinstance(attempt(script, Synapses), Exception):
        return None
    first_half(script, Synapses, file)
    return second_half(script, Synapses, file)


@given(script=scripts(**TWO_RUNS))
@settings(max_examples=40)
def test_the_same_and_a_fresh_network(script, tmp_path_factory):
    file = tmp_path_factory.mktemp('state')/'state'
    expected = expected_of(script, file)
    if expected is not None:
        # what was done to objects in between stays, in Brian2, too
        if 'connect' not in str(script.parts) and 'active' not in str(script.parts):
            found = again(first_half(script, DenseSynapses, file), file)
            assert_same(found, expected, script, 'again')
        else:
            first_half(script, DenseSynapses, file)
        assert_same(second_half(script, DenseSynapses, file), expected, script, 'fresh')


def accepted(strategy, n, file):
    """Scripts that Brian2 and this package take, and what they end with."""
    found = []
    for script in drawn(strategy, n):
        expected = expected_of(script, file)
        if expected is not None and not isinstance(attempt(script, DenseSynapses), Exception):
            found.append((script, expected))
    return found


def restore_all(folder):
    """In another process: the second halves of scripts."""
    folder = Path(folder)
    prefs.codegen.target = 'numpy'
    script_list = pickle.loads((folder/'scripts').read_bytes())
    found = [second_half(script, DenseSynapses, folder/f'{k}')
             for k, script in enumerate(script_list)]
    (folder/'found').write_bytes(pickle.dumps(found))


def test_another_process(tmp_path):
    cases = accepted(scripts(**TWO_RUNS, random=False), 10, tmp_path/'state')
    for k, (script, _) in enumerate(cases):
        first_half(script, DenseSynapses, tmp_path/f'{k}')
    (tmp_path/'scripts').write_bytes(pickle.dumps([script for script, _ in cases]))
    subprocess.run([sys.executable, '-c', 'import sys; from tests.scripts.test_states import '
                    'restore_all; restore_all(sys.argv[1])', tmp_path], check=True)
    found = pickle.loads((tmp_path/'found').read_bytes())
    for (script, expected), values in zip(cases, found, strict=True):
        assert_same(values, expected, script, 'another process')


@pytest.mark.slow
@pytest.mark.parametrize('targets', [('cython', 'numpy'), ('numpy', 'cython')])
def test_another_target(targets, tmp_path):
    frame = st.sampled_from(drawn(frames(random=False), 5))
    for script, expected in accepted(scripts(frame=frame, **TWO_RUNS), 12, tmp_path/'state'):
        prefs.codegen.target = targets[0]
        first_half(script, DenseSynapses, tmp_path/'state')
        prefs.codegen.target = targets[1]
        found = second_half(script, DenseSynapses, tmp_path/'state')
        prefs.codegen.target = 'numpy'
        assert_same(found, expected, script, f'from {targets[0]} to {targets[1]}')
