import csv
from pathlib import Path

import numpy as np
import pytest

from brian_le.protocols import sweep
from brian_le.protocols.sweeps.study_files import get_study

TABLE = Path(__file__).parents[3]/'docs/tables/fig3-bars.csv'


def by_time(rows, which, measure):
    """Values of all seeds by presentation time (ms)."""
    times = sorted({float(row['t_pattern']) for row in rows})
    return {t: np.array([float(row[measure]) for row in rows
                         if row['prospective'] == which and float(row['t_pattern']) == t])
            for t in times}


@pytest.fixture(scope='module')
def table():
    with open(TABLE, newline='') as file:
        return list(csv.DictReader(file))


def test_the_table_is_that_of_the_study(table):
    runs = [run for _, run in get_study('fig3-bars').plan()]
    assert {(run.parameters['prospective'], run.parameters['t_pattern'], run.seed)
            for run in runs} == {(row['prospective'], float(row['t_pattern']), int(row['seed']))
                                 for row in table}
    assert len(table) == len(runs) == 220
    assert sum(round(run.parameters['t_pattern']/0.1)*16*run.parameters['epochs']
               for run in runs) == 2_844_160_000


def test_with_look_ahead_all_is_right_from_ten_steps_on(table):
    for time, accuracy in by_time(table, 'true', 'accuracy').items():
        assert len(accuracy) == 10
        if time >= 1:
            np.testing.assert_array_equal(accuracy, 1, err_msg=f'{time} ms')
    fails, erratic = (by_time(table, 'true', 'accuracy')[t] for t in (0.3, 0.5))
    assert fails.max() < 0.5 and erratic.min() < 0.5 < erratic.max()


def test_the_original_circuit_has_to_settle(table):
    for time, accuracy in by_time(table, 'false', 'accuracy').items():
        if time <= 10:
            assert accuracy.max() < 0.4, time
        elif time <= 200:
            assert 0.5 < accuracy.min() and accuracy.max() < 0.7, time
        else:
            assert accuracy.min() > 0.9, time


def test_the_error_that_remains_is_that_of_the_first_step(table):
    """Averaged over a presentation and squared, it falls with the square of its steps."""
    error = {t: np.median(e) for t, e in by_time(table, 'true', 'error').items()}
    for short, long in ((1, 2), (2, 5), (5, 10), (10, 20)):
        assert 0.6 < error[short]/error[long]/(long/short)**2 < 1.7


def test_the_claim_in_a_small_study(tmp_path):
    found = sweep('fig3-bars', grid={'t_pattern': ['2 ms', '5 ms']}, set={'epochs': 300}, seeds=1,
                  jobs=1, out=tmp_path/'study', quiet=True)
    for which, right in (('true', lambda a: a == 1), ('false', lambda a: a < 0.45)):
        for accuracy in by_time(found.rows, which, 'accuracy').values():
            assert right(accuracy).all()
