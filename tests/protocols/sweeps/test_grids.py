"""Values of grids, as they are given in Python."""

import numpy as np
import pytest
from brian2 import ms

from brian_le.protocols.sweeps.grids import plain_grid, plain_settings
from brian_le.protocols.sweeps.study_files import get_study


@pytest.mark.parametrize('given, plain', [
    (np.linspace(0, 1, 3), [0.0, 0.5, 1.0]), (range(1, 3), [1, 2]), ((1, 2), [1, 2]),
    ([np.bool_(True), np.float64(0.5), np.int64(3)], [True, 0.5, 3]), (np.arange(2), [0, 1]),
    (np.array([1, 2])*ms, [1*ms, 2*ms])])
def test_lists(given, plain):
    found = plain_grid({'a': given})['a']
    assert found == plain and [type(value) for value in found] == [type(value) for value in plain]


def test_what_numpy_makes_is_run():
    study = get_study('bars').changed(
        grid=dict(t_pattern=np.array([1, 2])*ms, noise=np.linspace(0, 0.2, 3),
                  prospective=[np.bool_(True)]), set=dict(epochs=np.int64(3)))
    assert [(run.parameters['t_pattern'], run.parameters['noise']) for _, run in study.plan()] == [
        (t, noise) for t in (1.0, 2.0) for noise in (0.0, 0.1, 0.2)]
    assert {run.parameters['epochs'] for _, run in study.plan()} == {3}


@pytest.mark.parametrize('given, message', [
    (['noise'], "'grid' is \\['noise'\\]; give a dict of lists"), ('noise', "'grid' is 'noise'"),
    ({'a': 3}, "no values of 'a'; give a list"), ({'a': '12'}, "no values of 'a'"),
    ({'a': 3*ms}, "no values of 'a'"), ({'a': np.zeros((2, 2))}, "no values of 'a'"),
    ({'a': np.array([])}, "no values of 'a'"), ({'a': None}, "no values of 'a'")])
def test_bad_grids(given, message):
    with pytest.raises(ValueError, match=message):
        plain_grid(given)


@pytest.mark.parametrize('given, message', [
    (['noise'], "'set' is \\['noise'\\]; give a dict"), ({'a': [1, 2]}, "'a' has several values"),
    ({'a': np.arange(2)}, "'a' has several values")])
def test_bad_settings(given, message):
    with pytest.raises(ValueError, match=message):
        plain_settings(given)
