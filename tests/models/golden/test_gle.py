"""Networks of Generalized Latent Equilibrium against recorded trajectories."""

import functools
import json

import numpy as np
import pytest

from tests.models.golden import files as golden
from tests.models.golden.gle import GleFile
from tests.models.golden.gle_files import MADE, write
from tests.running import run_cases

RECORDED = golden.files('gle')

#: Which files on which target; compilers need long for every one.
NAMES = {'numpy': [*RECORDED, *MADE],
         'cpp_standalone': [*RECORDED, 'gle_softplus_b4_outsoftplus',
                            'gle_sigmoid_b4_insterr_fixedtau'],
         'cython': RECORDED}


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
        cases = {f'file{n}': GleFile(paths[name]).compose for n, name in enumerate(NAMES[target])}
        results = run_cases(target, cases, tmp_path_factory.mktemp('golden'))
        return dict(zip(NAMES[target], results.values()))
    return on


@pytest.mark.parametrize('target, name', [
    pytest.param(target, name, marks=[pytest.mark.slow]*(target == 'cython'))
    for target, names in NAMES.items() for name in names])
def test_trajectories(found, paths, target, name):
    GleFile(paths[name]).compare(found(target)[name])


@pytest.mark.parametrize('name', RECORDED)
def test_the_reference_is_the_published_arithmetic(paths, name):
    file = GleFile(paths[name])
    file.compare(file.reference())


@pytest.mark.parametrize('name, n_arrays', [
    ('gle_tanh_b1.npz', 43), ('gle_tanh_b1_insterr.npz', 43), ('gle_tanh_b1_fixedtau', 43),
    ('gle_tanh_b4_fixedtau_nograd', 40)])
def test_all_arrays_are_compared_with_their_last_digits(paths, name, n_arrays):
    file = GleFile(paths.get(name, golden.Path(__file__).parents[2]/'data'/name))
    found, recorded = file.reference(), list(file.trajectories())
    file.compare(found)
    for key in recorded:
        values = file.data[key]
        late = np.arange(len(values)) == len(values) - 1
        file.data[key] = values + 1e-10*late.reshape(-1, *[1]*(values.ndim - 1))
        with pytest.raises(AssertionError, match=key):
            file.compare(found)
        file.data[key] = values
    assert len(recorded) == n_arrays


def test_arrays_of_other_shapes_are_not_the_same(paths):
    file = GleFile(paths['gle_tanh_b1_gamma0'])
    file.data['u_0'] = file.data['u_0'][:-1]
    with pytest.raises(AssertionError, match='u_0'):
        file.compare(file.reference())


@pytest.mark.parametrize('key, value, message', [
    ('noise_width', 0.1, "settings that no network has: {'noise_width'}"), ('act', 'sin', 'sin')])
def test_settings_that_no_network_has(tmp_path, key, value, message):
    path = write(tmp_path, 'gle_sigmoid_b1', n_steps=3)
    with np.load(path) as data:
        data = dict(data)
    data['params_json'] = json.dumps(json.loads(str(data['params_json'])) | {key: value})
    np.savez(path, **data)
    with pytest.raises((NotImplementedError, KeyError), match=message):
        GleFile(path)
