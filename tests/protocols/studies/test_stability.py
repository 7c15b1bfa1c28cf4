"""Computed onsets of instability beside measured ones."""

import csv
from pathlib import Path

import pytest

from brian_le.protocols.finding import get_protocol
from brian_le.protocols.studies.stability import _kind
from brian_le.protocols.sweeps.study_files import get_study

TABLE = Path(__file__).parents[3]/'docs'/'tables'/'stability.csv'


def test_computed_as_measured():
    with open(TABLE) as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 30
    assert max(abs(float(row['deviation'])) for row in rows) < 0.01


@pytest.mark.parametrize('name', ['stability', 'stability-gle'])
def test_the_studies_are_there(name):
    assert get_study(name).target == 'stability'


@pytest.mark.parametrize('given, kind', [
    ({}, 'LE'), (dict(network='gle', ratio=4), 'GLE, tau_r/tau_m 4'),
    (dict(mismatch=0.1, delay=1), 'LE, mismatch, delay')])
def test_kinds_of_networks(given, kind):
    assert _kind(vars(get_protocol('stability').read(given))) == kind
