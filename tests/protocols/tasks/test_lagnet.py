import os

import numpy as np
import pytest

from brian_le.programs.program import build_program
from brian_le.protocols import run
from brian_le.protocols.baselines.adjoint import TemporalNetwork
from brian_le.protocols.baselines.windowed import Momentum, train_truncated
from brian_le.protocols.tasks.lagnet.adjoint import measure_spectra, sines
from brian_le.protocols.tasks.lagnet.figures import signals, spectra, weights
from brian_le.protocols.tasks.lagnet.setting import ACTIVATIONS, TAU_M, TAU_R, TEACHER, draw
from brian_le.protocols.tasks.lagnet.spectra import (FREQUENCIES, components, continuous_ratio,
                                                     discrete_ratio)
from brian_le.protocols.tasks.lagnet.task import LABELS, LagNet
from tests.reference_gle import gle

SHORT = dict(dt=0.1, windows=10, t_init=5)  # 30 steps per window


def settings(**given):
    return LagNet.read(given)


@pytest.fixture(scope='module')
def short(tmp_path_factory):
    """A short run on numpy."""
    return run('lagnet', device='numpy', quiet=True, seed=3, start='random',
               out=tmp_path_factory.mktemp('lagnet')/'short', **SHORT)


@pytest.fixture(scope='module')
def full(tmp_path_factory):
    """The run of the paper."""
    return run('lagnet', quiet=True, out=tmp_path_factory.mktemp('lagnet')/'full')


def network(first, dt):
    return TemporalNetwork({(kind, k): value for kind, values in (
        ('forward', (first, *TEACHER[1:])), ('tau_m', TAU_M), ('tau_r', TAU_R))
        for k, value in enumerate(values)}, ACTIVATIONS, dt)


def test_steps_are_those_of_the_reference(short):
    p, a = settings(start='random', **SHORT), short.arrays
    start = draw(p, 3)
    x = np.sin(np.outer(0.1*np.arange(350), FREQUENCIES)).sum(axis=1)[:, None, None]
    r = network(TEACHER[0], p.dt).run(x).outputs
    memory = []

    def step(key, gradient):
        if key != ('forward', 0):
            return np.zeros_like(gradient)
        memory.append(gradient + (p.momentum*memory[-1] if memory else 0))
        return -p.eta*p.dt*memory[-1]

    found = gle({key: w for key, w in network(start, p.dt).weights.items() if key[0] != 'tau_r'},
                TAU_R, x, np.concatenate([0*r[:1], r[:-1]]), dt=p.dt, activations=ACTIVATIONS,
                beta=1, gamma=[1e-3, 1e-3, 0], learning=np.arange(350) >= 50, step=step)
    close = dict(rtol=0, atol=1e-12)
    np.testing.assert_allclose(a['target'], r.ravel(), **close)
    np.testing.assert_allclose(a['gle.output'], found['r', 2].ravel(), **close)
    np.testing.assert_allclose(a['gle.err'], found['err', 1][:, 0], **close)
    np.testing.assert_allclose(a['gle.w'][0], start.ravel(), **close)
    np.testing.assert_allclose(a['gle.w'][1:], found['forward', 0][79::30, :, 0], **close)
    loss = ((r - found['r', 2])**2).ravel()[50:].reshape(10, 30).mean(axis=1)
    np.testing.assert_allclose(a['gle.loss'], loss, **close)
    assert np.abs(a['gle.w'][-1] - a['gle.w'][0]).max() > 0.01


def test_the_adjoint_method_learns_from_window_to_window(short):
    """In one call of `train_truncated`; the gradient is an integral over time."""
    p, a = settings(start='random', **SHORT), short.arrays
    x = np.sin(np.outer(0.1*np.arange(350), FREQUENCIES)).sum(axis=1)[:, None, None]
    targets = network(TEACHER[0], p.dt).run(x).outputs
    student = network(draw(p, 3), p.dt)
    losses, _ = train_truncated(student, x[50:], targets[50:], 30, Momentum(0.07*0.1, 0.9),
                                [('forward', 0)], method='adjoint',
                                state=student.run(x[:50]).state)
    np.testing.assert_allclose(a['adjoint.loss'], losses, rtol=1e-12)
    np.testing.assert_allclose(a['adjoint.w'][-1], student.weights['forward', 0].ravel(),
                               rtol=1e-12)
    np.testing.assert_allclose(sines(p, np.arange(-50, 300)), x, atol=1e-12)


def test_both_find_the_teacher(full):
    for name in LABELS:
        w = full.arrays[f'{name}.w']
        assert w.shape == (308, 2)
        np.testing.assert_allclose(w[0], [0.6605, -0.7478])
        np.testing.assert_allclose(w[-1], [-0.5, 1], rtol=0, atol=0.01)
        assert full.arrays[f'{name}.loss'][-1] < 1e-6


def test_weights_are_those_of_the_published_run(full):
    """After 20 000, 60 000 and 100 000 steps, which are 12 000 and so on steps of learning."""
    for steps, published in ((12000, (-0.1779, 1.1309)), (51900, (-0.4804, 1.0117)),
                             (92100, (-0.4978, 1.0007))):
        np.testing.assert_allclose(full.arrays['gle.w'][steps//300], published, rtol=0, atol=5e-4)


def test_errors_have_the_phases_of_adjoint_variables(full):
    w = np.array(FREQUENCIES)
    for drive in ('full', 'small'):
        for i in (0, 1):
            theory = continuous_ratio(w, TAU_M[1][i], TAU_R[1][i])
            np.testing.assert_allclose(full.arrays[f'{drive}.gain'][i], theory, rtol=0.03)
            phase = full.arrays[f'{drive}.phase'][i] + 2*w*0.01  # less the delay of two steps
            assert np.abs(phase).max() < 0.02


def test_ratios_of_small_signals():
    """Without errors on the membranes they are those of the recursions."""
    p = settings(dt=0.1, gamma=0, small=1e-4)
    own = LagNet(p, 1)
    found = measure_spectra(p, build_program(own.compose, 'numpy'), own.start)
    for i in (0, 1):
        expected = discrete_ratio(FREQUENCIES, TAU_M[1][i], TAU_R[1][i], 0.1)
        np.testing.assert_allclose(found['small.gain'][i]*np.exp(1j*found['small.phase'][i]),
                                   expected, rtol=1e-6)


def test_discrete_ratios_become_continuous_ones():
    for taus in ((1, 0.1), (1, 1), (0.5, 2)):
        np.testing.assert_allclose(discrete_ratio(FREQUENCIES, *taus, 1e-6),
                                   continuous_ratio(FREQUENCIES, *taus), rtol=1e-5)


def test_components():
    t = 0.1*np.arange(6283)
    signals = np.stack([2*np.cos(1.07*t - 1) + np.sin(1.98*t), np.cos(0.49*t) + np.cos(3.05*t)], 1)
    np.testing.assert_allclose(components(signals, t), [[0, 2*np.exp(-1j), -1j], [1, 0, 0]],
                               atol=1e-3)


def test_start():
    np.testing.assert_array_equal(draw(settings(), 1), draw(settings(), 2))
    p = settings(start='random')
    assert (draw(p, 1) != draw(p, 2)).all() and np.abs(draw(p, 1)).max() < 1


def test_a_result(short):
    a = short.arrays
    np.testing.assert_allclose(a['time'], 0.1*np.arange(350))
    assert a['before.gle'].shape == a['after.adjoint'].shape == (400, 2)
    np.testing.assert_allclose(np.diff(a['before.time']), 0.1)
    lines = list(LagNet.summarize(short))
    assert len(lines) == 6 and lines[0].startswith('GLE') and 'after 30 ms' in lines[1]


def test_in_one_piece(short):
    """As in an exported project: one launch finds what a run finds in chunks of windows."""
    own = LagNet(settings(start='random', **SHORT), 3)
    end = build_program(own.compose_whole, 'numpy')({}, own.lead + own.total*own.n_steps)
    found = own.result(end, own.rows(end))
    assert set(found) == {'time', 'target', 'gle.output', 'gle.err', 'gle.loss', 'gle.w'}
    for key, value in found.items():
        np.testing.assert_array_equal(value, short.arrays[key], err_msg=key)


class Interrupted(Exception):
    pass


def test_an_interrupted_run_ends_with_the_same_numbers(short, tmp_path, monkeypatch):
    from brian_le.protocols.runs.results import ResultFolder

    checkpoint = ResultFolder.checkpoint

    def interrupt(folder, arrays):
        checkpoint(folder, arrays)
        raise Interrupted
    again = dict(device='numpy', quiet=True, seed=3, start='random', out=tmp_path/'r', **SHORT)
    with monkeypatch.context() as patch:
        patch.setattr(ResultFolder, 'checkpoint', interrupt)
        with pytest.raises(Interrupted):
            run('lagnet', **again)
    continued = run('lagnet', **again)
    assert set(continued.arrays) == set(short.arrays)
    for key, value in short.arrays.items():
        np.testing.assert_array_equal(continued.arrays[key], value, err_msg=key)


BAD = {
    'parameter': (dict(window=1), "parameter of 'lagnet': 'window'; did you mean 'windows'"),
    'windows': (dict(windows=0), "'windows' is 0; it has to be at least 1"),
    'start': (dict(start='publish'), "value of 'start'.*did you mean 'published'"),
    'negative rate': (dict(eta=-1), "'eta' is -1 1/ms; it has to be at least 0"),
    'momentum': (dict(momentum=1), "'momentum' is 1; it has to be at most 0.999"),
    'no target': (dict(beta=0), "'beta' is 0; it has to be at least 1e-06"),
    'time step': (dict(dt=0.03), "'dt' is 0.03 ms, which does not divide 0.1 ms"),
    'time before': (dict(t_init=0.05), "'t_init' is 0.05 ms; give a multiple of 0.1 ms"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    given, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('lagnet', quiet=True, device='numpy', out=tmp_path/'r', **given)
    assert os.listdir(tmp_path) == []


# --------------------------------------------------------------------------------------- figures
def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_figure_of_weights(short):
    a, (figure,) = short.arrays, weights(short).values()
    for i, w in enumerate((-0.5, 1)):
        found = curves(figure.axes[i])
        assert set(found['teacher'].get_ydata()) == {w}
        for name, label in LABELS.items():
            np.testing.assert_array_equal(found[label].get_ydata(), a[f'{name}.w'][1:, i])
            np.testing.assert_array_equal(found[label].get_xdata(), 3*np.arange(1, 11))
    np.testing.assert_array_equal(curves(figure.axes[2])['GLE'].get_ydata(), a['gle.loss'])


def test_figure_of_spectra(short):
    (figure,) = spectra(short).values()
    found = curves(figure.axes[0])
    for i, neuron in enumerate(('instantaneous', 'retrospective')):
        np.testing.assert_array_equal(found[f'{neuron} neuron, measured'].get_ydata(),
                                      short.arrays['full.gain'][i])
        theory = found[f'{neuron} neuron, theory']
        np.testing.assert_allclose(theory.get_ydata(), continuous_ratio(
            theory.get_xdata(), TAU_M[1][i], TAU_R[1][i]))
    assert 'rad/ms' in figure.axes[1].get_xlabel() and '(rad)' in figure.axes[1].get_ylabel()


def test_figure_of_signals(short):
    (figure,) = signals(short).values()
    for number, (when, i) in enumerate((w, i) for i in (0, 1) for w in ('before', 'after')):
        found = curves(figure.axes[number])
        for label, name in (('error of GLE', 'gle'), ('adjoint variable', 'adjoint')):
            np.testing.assert_array_equal(found[label].get_ydata(),
                                          short.arrays[f'{when}.{name}'][:, i])
