"""The microcircuit against recorded trajectories of the published code."""

import functools

import numpy as np
import pytest

from tests.models.golden import files as golden
from tests.models.golden.files import MicroFile
from tests.running import run_cases


RECORDED = golden.files('micro')

#: Which files on which target; Cython compiles every one for a long time.
NAMES = {'numpy': RECORDED, 'cpp_standalone': RECORDED, 'cython': RECORDED}


@pytest.fixture(scope='module')
def found(tmp_path_factory):
    """What a target finds for every file; all files share one standalone build."""
    @functools.cache
    def on(target):
        cases = {f'file{n}': MicroFile(name).compose for n, name in enumerate(NAMES[target])}
        results = run_cases(target, cases, tmp_path_factory.mktemp('golden'))
        return dict(zip(NAMES[target], results.values()))
    return on


def test_golden_folder_has_known_families_only():
    unknown = [path.name for path in golden.FOLDER.iterdir()
               if path.name.split('_')[0] not in golden.FAMILIES]
    assert golden.FOLDER.is_dir() and not unknown


@pytest.mark.parametrize('target, name', [
    pytest.param(target, name, marks=[pytest.mark.slow]*(target == 'cython'))
    for target, names in NAMES.items() for name in names])
def test_golden_trajectories(found, target, name):
    file, shown = MicroFile(name), found(target)[name]
    tolerance = _tolerance(file)
    for key, expected in file.expected().items():
        _compare(shown[key], expected, tolerance, f'{name}: {key}')
    derived, learning = file.derived(shown)
    for key, values in derived.items():
        if key not in file.data:
            continue
        chosen = learning if key.startswith('Delta') else slice(None)
        scale = max(1, 1/file.parameters['dt']) if 'udot' in key else 1
        _compare(values, file.data[key][chosen], scale*tolerance[chosen], f'{name}: {key}')
    if 'val_res' in file.data:
        without = ~file.settings['nudged']
        error = np.mean((shown['out_seq'] - file.settings['targets'])[without]**2, axis=1)
        _compare(error, file.data['val_res'][:, 0], tolerance, f'{name}: val_res')


@pytest.mark.parametrize('name', RECORDED)
def test_golden_reference(name):
    """The NumPy reference of the other tests is the published arithmetic too."""
    file = MicroFile(name)
    reference = file.reference()
    for key, expected in file.expected().items():
        if key in reference:
            _compare(reference[key], expected, _tolerance(file), f'{name}: {key}')


def _compare(values, expected, tolerance, what):
    """Compare over time; what belongs to whole presentations has the tolerance of their end."""
    if len(values) != len(tolerance):
        tolerance = np.full(len(values), tolerance[-1])
    np.testing.assert_array_equal(np.isnan(values), np.isnan(expected), err_msg=what)
    difference = np.nan_to_num(np.abs(np.subtract(values, expected, dtype=float)))
    worst = difference.reshape(len(difference), -1).max(axis=1)
    late = np.flatnonzero(worst > tolerance)
    assert not len(late), (f'{what}: off by {worst[late[0]]:.1e} in step {late[0]}, where '
                           f'{tolerance[late[0]]:.1e} is allowed')


def _tolerance(file):
    """In every step 1e-12, or what rounding alone has done to the trajectory by then.

    Some recorded networks learn so fast that they amplify a difference in the last digit by
    many orders; no two orders of summation give the same numbers there. The measure is the plain
    NumPy reference, started with weights one rounding error away. Where it comes to more than
    1e-8 a comparison would mean nothing.
    """
    exact, disturbed = file.reference(), file.reference(file.epsilon)
    steps = len(exact['r_in'])
    amplified = np.max([np.nan_to_num(np.abs(exact[key] - disturbed[key])).reshape(steps, -1)
                        .max(axis=1) for key in exact], axis=0)
    tolerance = np.maximum(file.tolerance, 10*np.maximum.accumulate(amplified))
    assert tolerance[-1] <= max(1e-8, 500*file.tolerance), 'the trajectory is chaotic'
    return tolerance
