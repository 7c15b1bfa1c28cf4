"""Figures of any study."""

import numpy as np
import pytest

from brian_le.protocols.study_folders import StudyResult
from brian_le.protocols.sweep_figures import measures


@pytest.mark.parametrize('values', [[0.0, 1.0], [1.0]])
def test_many_curves_differ(values):
    """With lines, and where there is only a point of each."""
    rows = [dict(name=f'n{number}', x=x, seed=1, y=number, run='')
            for number in range(20) for x in values]
    study = StudyResult('s', dict(target='toy', columns=dict(name='', x='')), rows)
    (axes,) = measures(study)['y'].axes
    curves = [line for line in axes.lines if len(line.get_xdata()) == len(values)
              and line.get_marker() in 'os^DvPX']
    assert len(curves) == 20
    assert len({(line.get_color(), line.get_marker()) for line in curves}) == 20


def test_seeds_that_find_the_same():
    """Their mean may be rounded to above the largest of them."""
    rows = [dict(name=name, seed=seed, y=0.1, run='') for name in 'ab' for seed in range(3)]
    assert np.mean([0.1]*3) > 0.1
    (axes,) = measures(StudyResult('s', dict(target='toy', columns=dict(name='')), rows))['y'].axes
    assert axes.containers
