import csv
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from brian_le.protocols import sweep
from brian_le.protocols.plotting import STYLE
from brian_le.protocols.runs.running import Run
from brian_le.protocols.studies import robustness as robustness_figures
from brian_le.protocols.sweeps.study_files import get_study
from brian_le.protocols.tasks.bars.task import Bars

TABLES = Path(__file__).parents[3]/'docs/tables'


def table(name):
    with open(TABLES/f'microcircuit-{name}.csv', newline='') as file:
        return list(csv.DictReader(file))


def values(rows, measure='accuracy', **chosen):
    """What all seeds have, by the first parameter of `chosen` whose value is None."""
    by = next(name for name, value in chosen.items() if value is None)
    found = {}
    for row in rows:
        if all(value is None or row[name] == str(value) for name, value in chosen.items()):
            found.setdefault(float(row[by]), []).append(float(row[measure]))
    return {key: np.array(found[key]) for key in sorted(found)}


@pytest.mark.parametrize('name', ['delays', 'resolution', 'faults'])
def test_tables_are_those_of_the_studies(name):
    plan = get_study(f'microcircuit-{name}').plan()
    assert sorted(row['run'] for row in table(name)) == sorted(run.key for _, run in plan)


def test_delays_have_to_be_short_beside_a_presentation():
    rows = table('delays')
    for t_pattern in (10.0, 100.0):
        for delay, accuracy in values(rows, prospective='true', t_pattern=t_pattern,
                                      delay=None).items():
            part = delay/t_pattern
            if part <= 0.05:
                assert accuracy.min() > 0.99, (t_pattern, delay)
            elif part <= 0.1:
                assert 0.9 < accuracy.mean() < 1, (t_pattern, delay)
            else:
                assert accuracy.max() < 0.7, (t_pattern, delay)
        original = values(rows, prospective='false', t_pattern=t_pattern, delay=None)
        assert np.ptp([accuracy.mean() for accuracy in original.values()]) < 0.01


def test_rounding_decides_how_many_bits_are_needed():
    enough = {}
    for rounding in ('accumulated', 'stochastic', 'nearest'):
        accuracy = values(table('resolution'), rounding=rounding, bits=None)
        enough[rounding] = min(bits for bits in accuracy if accuracy[bits].mean() > 0.97)
    assert enough == {'accumulated': 6, 'stochastic': 8, 'nearest': 16}


def test_learning_makes_up_for_neurons_that_die():
    rows = [row for row in table('faults') if row['accuracy_at_death']]
    before, at, after = (values(rows, measure, dead=None) for measure in (
        'accuracy_before_death', 'accuracy_at_death', 'accuracy'))
    fallen = [accuracy.mean() for accuracy in at.values()]
    assert (np.diff(fallen) < 0).all() and fallen[0] < 0.9
    for dead in at:
        assert before[dead].min() > 0.99
        assert after[dead].mean() > at[dead].mean()
        if dead <= 0.5:
            np.testing.assert_array_equal(after[dead], 1)
    assert after[0.9].max() < 0.8


@pytest.fixture(scope='module')
def compiled():
    """Last accuracies of circuits with look-ahead, of 150 epochs with 2 ms per pattern."""
    def accuracy(**given):
        p = Bars.read(dict(prospective='true', t_pattern=2, epochs=150, **given))
        return Run('cpp_standalone').conduct(Bars(p, 12345))['le.accuracy'][-20:].mean()
    return accuracy


@pytest.mark.parametrize('given, low, high', [
    (dict(delay=0.1), 0.95, 1), (dict(delay=1), 0, 0.7), (dict(bits=8), 0.95, 1),
    (dict(bits=4), 0, 0.7)])
def test_the_claims_in_small_runs(compiled, given, low, high):
    assert low <= compiled(**given) <= high


def test_figures_of_a_small_study(tmp_path):
    study = sweep('bars', grid={'delay': [0, 0.1]}, set={'prospective': 'true', 'epochs': 1,
                  't_pattern': 0.3, 'hidden': 3}, device='numpy', jobs=1, out=tmp_path/'study',
                  quiet=True)
    with matplotlib.rc_context(STYLE):
        drawn = [getattr(robustness_figures, name)(study)
                 for name in robustness_figures.__all__]
    assert [list(figures) for figures in drawn] == [['delays'], [], []]
    (axes,) = drawn[0]['delays'].axes
    assert 'ms' in axes.get_xlabel() and '%' in axes.get_ylabel()
