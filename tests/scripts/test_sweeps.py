"""Drawn scripts as models of a user's in a sweep: the numbers of Brian2 on every target."""

import textwrap

import numpy as np
import pytest
from brian2 import Synapses

from brian_le.protocols import sweep
from tests.scripts.drawing import drawn, scripts
from tests.scripts.running import attempt, difference

DURATION = 0.6
FILE = '''
import numpy as np
from brian2 import *
from brian_le import DenseSynapses as Synapses

{functions}

def build():
    objects = {calls}
    return objects, {duration}*ms, score

def score(found):
    return {{key.replace('.', '__'): np.nan_to_num(values.astype(float))
            for key, values in found.items() if key in {keys}}}
'''


def run_of(name):
    """The variables of a script's groups and synapses, by ``'object__variable'``."""
    def run(execution):
        values = execution.finish()
        objects = execution.names['objects']
        return {f'{objects[k].name}__{variable}': np.nan_to_num(array.astype(float))
                for (k, variable), array in values.items()
                if 'Monitor' not in type(objects[k]).__name__
                and variable not in ('i', 'j', 'N', 'N_incoming', 'N_outgoing', 'lastspike')
                and array.size}
    return run


def statements_of(script):
    return textwrap.indent('\n'.join(script.make), '    ')


def check_sweep(given, device, folder):
    """Compare scripts, all of them in one model, with what Brian2 does with each alone."""
    expected, functions, calls = {}, [], []
    for k, script in enumerate(given):
        name = f's{k}'
        found = attempt(script, Synapses, run_of(name), name)
        if isinstance(found, Exception):
            continue
        expected |= found
        functions.append(f'def make_{name}(name):\n{statements_of(script)}\n    return objects\n')
        calls.append(f"make_{name}('{name}')")
    (folder/'model.py').write_text(FILE.format(
        functions='\n'.join(functions), calls=' + '.join(calls), duration=DURATION,
        keys={key.replace('__', '.') for key in expected}))
    study = sweep(f'{folder}/model.py:build', device=device, jobs=1, quiet=True,
                  out=folder/'study')
    (_, result), = study.runs()
    found = {key: np.atleast_1d(result.arrays[key]) if key in result.arrays else None
             for key in expected}
    for key in found:
        if found[key] is None:
            found[key] = np.atleast_1d(study.rows[0][key])
    for key, values in expected.items():
        wrong = difference({key: found[key]}, {key: np.atleast_1d(values)})
        assert not wrong, f"{given[int(key[1:].split('_')[0])]}\n\n{wrong}"


def given_scripts(n, settings_are_values):
    found = drawn(scripts(random=False, compiled=True, explicit=True, durations=[DURATION]), 8*n)
    return [script for script in found if settings_are_values == is_values(script)][:n]


def is_values(script):
    """Whether all settings are values and none of them formulas: C++ projects leave them out."""
    return not any(" = '" in line or '= "' in line for line in script.make)


@pytest.mark.parametrize('values', [True, False])
def test_on_numpy(values, tmp_path):
    check_sweep(given_scripts(6, values), 'numpy', tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize('values', [True, False])
def test_in_cpp(values, tmp_path):
    check_sweep(given_scripts(8, values), 'cpp_standalone', tmp_path)
