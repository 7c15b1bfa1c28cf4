"""Computed onsets of instability beside measured ones."""

import csv
from pathlib import Path

import pytest

from brian_le.protocols.finding import get_protocol
from brian_le.protocols.studies.stability import _kind
from brian_le.protocols.sweeps.study_files import get_study

TABLES = Path(__file__).parents[3]/'docs'/'tables'


def rows_of(name):
    with open(TABLES/f'{name}.csv') as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize('name, n, most', [('stability', 31, 0.008), ('stability-gle', 10, 0.0025)])
def test_computed_as_measured(name, n, most):
    rows = rows_of(name)
    assert len(rows) == n
    for row in rows:
        deviation = float(row['computed'])/float(row['measured']) - 1
        assert float(row['deviation']) == pytest.approx(deviation) and 0 < deviation < most


def test_ratios_of_time_constants_do_not_matter():
    rows = rows_of('stability-gle')
    for seed in ('12345', '12346'):
        chain = {float(row['ratio']): row for row in rows if row['seed'] == seed}
        assert set(chain) == {0.25, 0.5, 1, 2, 4}
        assert len({row['measured'] for row in chain.values()}) == 1
        computed = [float(row['computed']) for row in chain.values()]
        assert max(computed)/min(computed) - 1 < 2e-4


@pytest.mark.parametrize('name', ['stability', 'stability-gle'])
def test_the_studies_are_there(name):
    assert get_study(name).target == 'stability'


@pytest.mark.parametrize('given, kind', [
    ({}, 'LE'), (dict(network='gle', ratio=4), 'GLE, tau_r/tau_m 4'),
    (dict(mismatch=0.1, delay=1), 'LE, mismatch, delay')])
def test_kinds_of_networks(given, kind):
    assert _kind(vars(get_protocol('stability').read(given))) == kind
