"""The microcircuit against recorded trajectories of the published code."""

import numpy as np
import pytest

from tests.models import golden
from tests.models.golden import MicroFile
from tests.running import CODE_TARGETS, run_cases


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory):
    """What a target finds for every file; all files share one standalone build."""
    cases = {f'file{n}': MicroFile(name).compose for n, name in enumerate(golden.files('micro'))}
    if not cases:
        return {}
    results = run_cases(request.param, cases, tmp_path_factory.mktemp('golden'))
    return dict(zip(golden.files('micro'), results.values()))


def test_golden_folder_has_known_families_only():
    unknown = [path.name for path in golden.FOLDER.iterdir()
               if path.name.split('_')[0] not in golden.FAMILIES]
    assert golden.FOLDER.is_dir() and not unknown


@pytest.mark.parametrize('name', golden.files('micro'))
def test_golden_trajectories(found, name):
    file = MicroFile(name)
    tolerance = _tolerance(file)
    for key, expected in file.expected().items():
        np.testing.assert_allclose(found[name][key], expected, rtol=0, atol=tolerance,
                                   err_msg=f'{name}: {key}')
    derived, learning = file.derived(found[name])
    for key, values in derived.items():
        expected = file.data[key][learning] if key.startswith('Delta') else file.data[key]
        scale = 1/file.parameters['dt'] if 'udot' in key else 1
        np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance*max(1, scale),
                                   err_msg=f'{name}: {key}')
    if 'val_res' in file.data:
        shown = ~file.settings['nudged']
        error = np.mean((found[name]['out_seq'] - file.settings['targets'])[shown]**2, axis=1)
        np.testing.assert_allclose(error, file.data['val_res'][:, 0], rtol=0, atol=tolerance)


@pytest.mark.parametrize('name', golden.files('micro'))
def test_golden_reference(name):
    """The NumPy reference of the other tests is the published arithmetic too."""
    file = MicroFile(name)
    reference = file.reference()
    for key, expected in file.expected().items():
        if key in reference:
            np.testing.assert_allclose(reference[key], expected, rtol=0, atol=_tolerance(file),
                                       err_msg=f'{name}: {key}')


def _tolerance(file):
    """1e-12, or what rounding alone does to a trajectory that amplifies it.

    Some recorded networks learn so fast that they amplify a difference in the last digit by
    many orders; no two orders of summation give the same numbers there. The measure is the plain
    NumPy reference, started with weights one rounding error away.
    """
    exact, disturbed = file.reference(), file.reference(np.finfo(float).eps)
    amplified = max(np.nanmax(np.abs(exact[key] - disturbed[key])) for key in exact)
    return max(file.tolerance, 10*amplified)
