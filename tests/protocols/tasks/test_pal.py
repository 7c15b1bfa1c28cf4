import csv
from pathlib import Path

import numpy as np
import pytest

from brian_le.protocols import check_protocol, run
from brian_le.protocols.runs.results import Result
from brian_le.protocols.runs.running import Run
from brian_le.protocols.studies import pal_fig3
from brian_le.protocols.sweeps.study_files import get_study
from brian_le.protocols.tasks.pal import figures
from brian_le.protocols.tasks.pal.task import SIZES, PhaselessAlignment

SMALL = dict(samples=3, t_pattern=0.1, epochs=3)


def pal(seed=2, **given):
    return PhaselessAlignment(PhaselessAlignment.read({**SMALL, **given}), seed)


@pytest.fixture(scope='module')
def arrays():
    return Run('numpy').conduct(pal())


def test_only_weights_from_above_and_those_that_silence_them_learn(arrays):
    for kind, k in pal().drawn[1]:
        initial, final = (arrays[f'{when}_W_{kind}_{k}'] for when in ('initial', 'final'))
        changed = np.abs(final - initial).max()
        assert changed > 1e-6 if kind in ('down', 'pi') else changed == 0, (kind, k)
    assert arrays['initial_W_up_1'].shape == SIZES[2:0:-1]


@pytest.mark.parametrize('activation', ['logistic', 'linear', 'tanh'])
def test_right_hand_sides_are_derivatives(activation):
    """``phi'(v) W^T phi'(v)`` from finite differences of the rates of two layers."""
    task = pal(activation=activation, scale=2.0)
    p, (inputs, w) = task.p, task.drawn
    phi = {'logistic': lambda v: 1/(1 + np.exp(-v)), 'linear': lambda v: v,
           'tanh': np.tanh}[activation]
    shares = [p.g_b/(p.g_l + p.g_b + p.g_a)]*3 + [p.g_b/(p.g_l + p.g_b)]
    v, h = shares[0]*w['up', 0] @ inputs[1], 1e-6
    for k in range(3):
        turned = np.eye(len(v))*h
        # a rate above, of a potential below, times the slope above; without the share of the soma
        rates = [phi(shares[k + 1]*w['up', k + 1] @ phi(v + s*each))
                 for each in turned for s in (1, -1)]
        expected = (np.array(rates[::2]) - np.array(rates[1::2]))/(2*h)/shares[k + 1]
        np.testing.assert_allclose(task._rules[k][1], expected, rtol=1e-7, atol=1e-9)
        v = shares[k + 1]*w['up', k + 1] @ phi(v)


def test_angles_of_a_run(arrays):
    """To the forward weights, to the right-hand side for each input, and to its mean."""
    rules = pal()._rules
    for when, name in (('initial', 'initial_'), ('final', '')):
        for k in range(3):
            down = arrays[f'{when}_W_down_{k}']

            def turned(other):
                cosine = np.sum(down*other)/np.linalg.norm(down)/np.linalg.norm(other)
                return np.degrees(np.arccos(cosine))
            found = {kind: np.atleast_2d(arrays[f'{name}{kind}'])[-1, k]
                     for kind in ('angle', 'rule_angle', 'mean_angle')}
            np.testing.assert_allclose(found['angle'], turned(arrays[f'{when}_W_up_{k + 1}'].T))
            np.testing.assert_allclose(found['rule_angle'], np.mean([*map(turned, rules[k])]))
            np.testing.assert_allclose(found['mean_angle'], turned(np.mean(rules[k], axis=0)))


def test_weights_from_above_align():
    """With much noise and long epochs in C++ they come to what their rule converges to."""
    found = Run('cpp_standalone').conduct(pal(samples=20, t_pattern=20.0, epochs=15, noise=0.1,
                                              eta_down=20, alpha=1e-4))
    assert (found['initial_mean_angle'] > 70).all()
    assert (found['mean_angle'][-1] < 25).all()


def test_what_all_protocols_keep_to():
    check_protocol(PhaselessAlignment, **SMALL)


@pytest.mark.parametrize('given, message', [
    (dict(tau_high='0.01 ms'), "'tau_high' is 0.01 ms, with which nothing passes"),
    (dict(t_pattern='0.015 ms'), 'not a whole number of time steps'),
    (dict(noise=0), "'noise' is 0"), (dict(eta_pi=0), "'eta_pi' is 0"),
    (dict(activation='sigmoid'), "'activation'.*sigmoid"), (dict(scale=-1), "'scale' is -1"),
    (dict(samples=0), "'samples' is 0")])
def test_bad_input_leaves_nothing_behind(tmp_path, given, message):
    with pytest.raises(ValueError, match=message):
        run('pal', device='numpy', quiet=True, out=tmp_path/'r', **given)
    assert not list(tmp_path.iterdir())


# ----------------------------------------------------------------------------------------- figures
class Study:
    """As much of a study as figures need."""

    def __init__(self, result):
        self.rows = [dict(part=part) for part in pal_fig3.PUBLISHED for _ in range(2)]
        self.result = result

    def load(self, row):
        return self.result


def test_figures_show_the_arrays(arrays):
    result = Result('', dict(parameters=vars(pal().p), seed=2), arrays)
    figure, = figures.angles(result).values()
    for axes, name in zip(figure.axes, ('mean_angle', 'angle')):
        for k, line in enumerate(axes.lines[:3]):
            np.testing.assert_array_equal(line.get_ydata(),
                                          [arrays[f'initial_{name}'][k], *arrays[name][:, k]])
    study = Study(result)
    study.rows.append(dict(part='weak weights', failed='why'))
    figure, = pal_fig3.angles(study).values()
    assert [axes.get_title() for axes in figure.axes] == ['weak weights (2 of 3)', 'strong weights']
    for axes, published in zip(figure.axes, pal_fig3.PUBLISHED.values()):
        curves, marks = axes.lines[0:6:2], axes.lines[1:6:2]
        for k in range(3):
            np.testing.assert_allclose(curves[k].get_ydata()[1:], arrays['angle'][:, k])
            assert marks[k].get_ydata() == published[k]


def test_the_table_of_the_study():
    """Mean angles to the forward weights are the published ones within twice their spread."""
    with open(Path(__file__).parents[3]/'docs/tables/pal-fig3.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert sorted(row['run'] for row in rows) == sorted(
        each.key for _, each in get_study('pal-fig3').plan())
    for part, published in pal_fig3.PUBLISHED.items():
        found = np.array([[float(row[f'angle_{k}']) for k in range(3)] for row in rows
                          if row['part'] == part])
        assert len(found) == 10
        assert (abs(found.mean(axis=0) - published) < 2*found.std(axis=0, ddof=1)).all(), part
