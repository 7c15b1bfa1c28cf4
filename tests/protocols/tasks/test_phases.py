import os
from types import SimpleNamespace

import numpy as np
import pytest

from brian_le.models import Dense
from brian_le.programs.program import build_program
from brian_le.protocols import run
from brian_le.protocols.runs.results import Result
from brian_le.protocols.runs.running import Run
from brian_le.protocols.tasks.phases.figures import relaxation, weights
from brian_le.protocols.tasks.phases.task import (LABELS, Phases, relaxed, relaxed_error,
                                                  shown_first, stimuli)
from tests.reference_layered import PHI, layered


def parameters(**given):
    return Phases.read(given)


# --------------------------------------------------------------------------- beside plain NumPy
SHORT = dict(t_pattern=5, presentations=8, phase=0.3, eta=20, tau_m=4, dt=0.5, offset=0.2,
             w_hidden=0.8, w_output=-1.3)
OTHER = SHORT | dict(t_pattern=3, phase=0.5, eta=30, beta=0.3, offset=0, w_hidden=1.5)


@pytest.fixture(scope='module')
def short(tmp_path_factory):
    """Short runs on numpy; both with the program that the first has built."""
    folder = tmp_path_factory.mktemp('phases')
    return [run('phases', device='numpy', quiet=True, seed=3, out=folder/str(n), **settings)
            for n, settings in enumerate((SHORT, OTHER))]


def chain(p, name, x, targets, nudged, learning, eta):
    offset = 0 if name == 'teacher' else p.offset
    w = {('forward', 0): [[p.w_hidden + offset]], ('forward', 1): [[p.w_output + offset]]}
    return layered(1, [Dense(1), Dense(1)], w, x[:, None, None], targets, [nudged]*len(x),
                   learning, dt=p.dt, tau_m=p.tau_m, bias=False, beta=p.beta, eta=eta,
                   tau_r=p.tau_m if name in ('teacher', 'le') else 0.0, activation=p.activation,
                   output_activation=p.activation)


@pytest.mark.parametrize('n', [0, 1])
def test_run_as_in_plain_numpy(short, n):
    found = short[n].arrays
    p = SimpleNamespace(**short[n].description['parameters'])
    steps, first = (10, 7) if n == 0 else (6, 3)
    x = np.repeat(stimuli(p, 3), steps)
    silent = np.zeros((len(x), 1, 1))
    answers = chain(p, 'teacher', x, silent, 0, [0]*len(x), 0)['layer', 1, 'r']
    targets = np.concatenate([silent[:1], answers[:-1]])
    for name in LABELS:
        on = np.arange(len(x)) % steps >= (first if name == 'phased' else 0)
        expected = chain(p, name, x, targets, 1, on, p.eta/p.t_pattern)
        w = np.stack([expected['forward', k, 'w'].ravel()[steps - 1::steps] for k in (0, 1)], 1)
        np.testing.assert_allclose(found[f'{name}.weights'][1:], w, rtol=0, atol=1e-13)
        np.testing.assert_array_equal(found[f'{name}.weights'][0],
                                      [p.w_hidden + p.offset, p.w_output + p.offset])
        loss = ((expected['layer', 1, 'r'] - answers)**2).reshape(-1, steps).mean(axis=1)
        np.testing.assert_allclose(found[f'{name}.loss'], loss, rtol=0, atol=1e-13)
        np.testing.assert_allclose(found[f'{name}.distance'][1:],
                                   np.abs(w - [p.w_hidden, p.w_output]).max(axis=1), atol=1e-13)
    x = found['trace.input']
    silent = np.zeros((len(x), 1, 1))
    for name in ('le', 'no_look_ahead'):
        expected = chain(p, name, x, silent, 0, [0]*len(x), 0)
        for variable in 'ur':
            np.testing.assert_allclose(
                found[f'trace.{name}.{variable}'],
                np.concatenate([expected['layer', k, variable][:, 0] for k in (0, 1)], axis=1),
                rtol=0, atol=1e-13)


def test_settled_rates_and_their_error():
    p = parameters(activation='logistic', w_hidden=0.5, w_output=2)
    phi = PHI['logistic'][0]
    x = np.linspace(-1, 1, 7)
    hidden, output = relaxed(p, x, 0.7, -1.5)
    np.testing.assert_allclose(hidden, phi(0.7*x), atol=1e-15)
    np.testing.assert_allclose(output, phi(-1.5*phi(0.7*x)), atol=1e-15)
    assert relaxed_error(p, np.array([[0.5, 2]])) == 0
    linear = parameters(activation='linear', w_hidden=1, w_output=1)
    # the mean of (2*x - x)**2 over [-1, 1] is 1/3, by the midpoint rule for 100 points
    np.testing.assert_allclose(relaxed_error(linear, np.array([[1, 2], [1, 1], [0, 5]])),
                               np.array([1, 0, 1])*(1/3)*(1 - 1e-4), rtol=1e-12, atol=1e-15)


def test_what_is_shown_first():
    p = parameters(tau_m=5, dt=0.1)
    x = shown_first(p)
    assert x.shape == (600,) and np.abs(x).max() <= 1
    assert (x[300:450] == 0.9).all() and (x[450:] == -0.5).all()
    assert np.abs(np.diff(x[:300])).max() < 0.1 < np.ptp(x[:300])
    np.testing.assert_array_equal(shown_first(parameters(tau_m=50, dt=1)), x)


# --------------------------------------------------------------------------- what it is to show
@pytest.fixture(scope='module')
def found():
    """Measures by presentation time, of one compiled program."""
    compiled, by_time = Run('cpp_standalone'), {}
    for t_pattern in (5, 50, 100):
        p = parameters(t_pattern=t_pattern, presentations=1000)
        by_time[t_pattern] = Phases.measures(Result('', {}, compiled.conduct(Phases(p, 1))))
    p = parameters(t_pattern=5, offset=0.3, eta=10)
    by_time['offset'] = Phases.measures(Result('', {}, compiled.conduct(Phases(p, 1))))
    return by_time


def test_with_look_ahead_optimal_weights_stay(found):
    for t_pattern in (5, 50, 100):
        assert found[t_pattern]['le_distance'] < 1e-12
        assert found[t_pattern]['le_loss'] < 1e-24


def test_without_look_ahead_they_drift_away(found):
    assert found[5]['no_look_ahead_distance'] > 3
    assert found[50]['no_look_ahead_distance'] > 1
    assert found[100]['no_look_ahead_distance'] > 0.5
    for t_pattern in (5, 50, 100):
        assert found[t_pattern]['no_look_ahead_relaxed_error'] > 1e-3


def test_phases_help_where_presentations_outlast_membranes(found):
    assert found[5]['phased_distance'] > 1
    assert 0.001 < found[50]['phased_distance'] < 0.05
    assert found[100]['phased_distance'] < 0.002
    # but outputs are as late as ever
    assert found[50]['phased_loss'] > 0.05


def test_with_look_ahead_other_weights_become_optimal(found):
    assert found['offset']['le_distance'] < 0.02  # of 0.3
    assert found['offset']['no_look_ahead_distance'] > 3


# ------------------------------------------------------------------------------------- the rest
def test_numbers_do_not_depend_on_checkpoints(short, tmp_path, monkeypatch):
    # one presentation in each chunk
    monkeypatch.setattr('brian_le.protocols.runs.running._CHUNK_SECONDS', 0)
    other = run('phases', device='numpy', quiet=True, seed=3, out=tmp_path/'r', **SHORT)
    assert set(other.arrays) == set(short[0].arrays)
    for key, value in short[0].arrays.items():
        np.testing.assert_array_equal(other.arrays[key], value, err_msg=key)


def test_as_in_an_exported_project(short):
    own = Phases(parameters(**SHORT), 3)
    end = build_program(own.compose_whole, 'numpy')({}, own.exported_steps())
    found = own.result(end, own.rows(end))
    assert set(found) == {key for key in short[0].arrays if not key.startswith('trace')}
    for key, value in found.items():
        np.testing.assert_array_equal(value, short[0].arrays[key], err_msg=key)


def test_measures(short):
    a, found = short[0].arrays, Phases.measures(short[0])
    for name in LABELS:
        for key in ('distance', 'loss', 'relaxed_error'):
            assert found[f'{name}_{key}'] == a[f'{name}.{key}'][-1]  # a tenth is one
    lines = list(Phases.summarize(short[0]))
    assert len(lines) == 3 and f"{found['le_distance']:.2g}" in lines[0]


BAD = {
    'parameter': (dict(phse=1), "parameter of 'phases': 'phse'; did you mean 'phase'"),
    'value': (dict(presentations=0), "'presentations' is 0; it has to be at least 1"),
    'phase': (dict(phase=1.5), "'phase' is 1.5; it has to be at most 1"),
    'duration': (dict(t_pattern='0.25 ms'), 'not a whole number of time steps'),
    'tau_m below dt': (dict(tau_m=0.05), "'tau_m' is 0.05 ms; give from one to"),
    'tau_m far above dt': (dict(tau_m=1e5), "from one to 100000 time steps"),
    'unit': (dict(tau_m='10 mV'), "'tau_m' is '10 mV'"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    settings, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('phases', quiet=True, device='numpy', out=tmp_path/'r', **settings)
    assert os.listdir(tmp_path) == []


# --------------------------------------------------------------------------------------- figures
def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_figure_of_relaxation(short):
    a = short[0].arrays
    for axes, name in zip(relaxation(short[0])['relaxation'].axes, ('no_look_ahead', 'le')):
        drawn = curves(axes)
        np.testing.assert_array_equal(drawn['rate'].get_ydata(), a[f'trace.{name}.r'][:, 1])
        np.testing.assert_array_equal(drawn['potential'].get_ydata(), a[f'trace.{name}.u'][:, 1])
        np.testing.assert_array_equal(drawn['rate, settled'].get_ydata(), a['trace.relaxed'][:, 1])
        assert axes.get_title(loc='left') == LABELS[name] and len(axes.collections) == 1
    assert axes.get_xlabel() == 'time (ms)'


def test_figure_of_weights(short):
    a = short[0].arrays
    for k, axes in enumerate(weights(short[0])['weights'].axes):
        drawn = curves(axes)
        for name, label in LABELS.items():
            np.testing.assert_array_equal(drawn[label].get_ydata(), a[f'{name}.weights'][:, k])
        assert drawn['wanted'].get_ydata()[0] == (0.8, -1.3)[k]
        assert drawn[LABELS['le']].get_xdata()[-1] == pytest.approx(0.04)
        assert axes.get_xlabel() == 'time (s)'
        assert len({line.get_linestyle() for line in drawn.values()}) == 4
