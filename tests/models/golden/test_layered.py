"""Layered networks against recorded trajectories of the published code."""

import functools
import json

import numpy as np
import pytest

from tests.models.golden import files as golden
from tests.models.golden.layered import KINDS, layered_file
from tests.models.golden.layered_files import MADE, write
from tests.running import run_cases

RECORDED = [name for family in KINDS for name in golden.files(family)]


#: Which files on which target; Cython compiles every one for a long time.
NAMES = {'numpy': [*RECORDED, *MADE], 'cpp_standalone': RECORDED, 'cython': RECORDED}


@pytest.fixture(scope='module')
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp('made')
    return {**{name: golden.FOLDER/name for name in RECORDED},
            **{name: write(folder, name) for name in MADE}}


@pytest.fixture(scope='module')
def found(paths, tmp_path_factory):
    """What a target finds for every file; all files share one standalone build."""
    @functools.cache
    def on(target):
        cases = {f'file{n}': layered_file(paths[name]).compose
                 for n, name in enumerate(NAMES[target])}
        results = run_cases(target, cases, tmp_path_factory.mktemp('golden'))
        return dict(zip(NAMES[target], results.values()))
    return on


@pytest.mark.parametrize('target, name', [
    pytest.param(target, name, marks=[pytest.mark.slow]*(target == 'cython'))
    for target, names in NAMES.items() for name in names])
def test_trajectories(found, paths, target, name):
    layered_file(paths[name]).compare(found(target)[name])


@pytest.mark.parametrize('name', RECORDED)
def test_the_reference_is_the_published_arithmetic(paths, name):
    file = layered_file(paths[name])
    file.compare(file.reference())


def test_all_arrays_are_compared_with_their_last_digits(paths):
    for name in ('le2a_tanh_b1.npz', 'le2b_tanh_rate_b1.npz'):
        file = layered_file(paths.get(name, golden.Path(__file__).parents[2]/'data'/name))
        found, compared = file.reference(), 0
        file.compare(found)
        for key, values in list(file.data.items()):
            if values.dtype == float and values.ndim > 1 and not key.startswith('init_') and (
                    key not in file.settings):
                file.data[key] = values + 1e-10
                with pytest.raises(AssertionError, match=key):
                    file.compare(found)
                file.data[key] = values
                compared += 1
        assert compared == (28 if 'le2a' in name else 30)


@pytest.mark.parametrize('key, value, message', [
    ('noise_width', 0.1, "settings that no network has: {'noise_width': 0.1}"),
    ('act', 'sin', 'sin'), ('target_type', 'rates', "did you mean 'rate'")])
def test_settings_that_no_network_has(tmp_path, key, value, message):
    path = write(tmp_path, 'le2b_tanh_voltage_b1', n_steps=3)
    with np.load(path) as data:
        data = dict(data)
    data['params_json'] = json.dumps(json.loads(str(data['params_json'])) | {key: value})
    np.savez(path, **data)
    with pytest.raises((NotImplementedError, KeyError, ValueError), match=message):
        layered_file(path).compose('net')
