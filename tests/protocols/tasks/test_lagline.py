import os
from types import SimpleNamespace

import numpy as np
import pytest

from brian_le.programs.program import build_program
from brian_le.protocols import run
from brian_le.protocols.baselines.adjoint import TemporalNetwork
from brian_le.protocols.baselines.windowed import Adam
from brian_le.protocols.tasks.lagline.bptt import Backpropagation
from brian_le.protocols.tasks.lagline.figures import losses, parameters, signals
from brian_le.protocols.tasks.lagline.setting import (LABELS, LEARNED, TAU_R, TEACHER, draw,
                                                      smoothed)
from brian_le.protocols.tasks.lagline.task import LagLine, names_in
from tests.models.golden.lagline import recording, recordings
from tests.reference_gle import gle

SHORT = dict(dt=0.1, periods=5, bptt_periods=3, t_init=6, batch=3)  # 40 steps per period


def settings(**given):
    return LagLine.read(given)


@pytest.fixture(scope='module')
def short(tmp_path_factory):
    """A short run on numpy."""
    return run('lagline', device='numpy', quiet=True, seed=3,
               out=tmp_path_factory.mktemp('lagline')/'short', **SHORT)


def inputs_of(p, drawn, n):
    return drawn.wave[(np.arange(n)[:, None] - drawn.shift) % len(drawn.wave)][:, :, None]


def chain(w, tau_m, dt):
    return TemporalNetwork({(kind, k): np.reshape(value, (1,)*n) for kind, n, values in (
        ('forward', 2, w), ('tau_m', 1, tau_m), ('tau_r', 1, (TAU_R, TAU_R)))
        for k, value in enumerate(values)}, ['softplus']*2, dt)


def reference(p, drawn, errors):
    """Both phases before learning, and learning, in plain NumPy; arrays over all steps."""
    n_init = round(p.t_init/p.dt)
    x = inputs_of(p, drawn, n_init + p.periods*round(4/p.dt))
    r = chain(TEACHER['forward'], TEACHER['tau_m'], p.dt).run(x).outputs
    steps, adam = {}, Adam(p.eta*p.dt)

    def step(key, gradient):
        t = steps[key] = steps.get(key, -1) + 1
        change = {key: np.zeros_like(gradient)}
        if key in LEARNED and t >= n_init:
            adam.step(change, {key: gradient})
        elif key[0] == 'tau_m' and 2*(t + 1) == n_init:  # from the teacher's to its own
            change[key] += drawn.tau_m[key[1]] - TEACHER['tau_m'][key[1]]
        return change[key]

    weights = {('forward', k): [[w]] for k, w in enumerate(drawn.w)}
    weights |= {('tau_m', k): [tau] for k, tau in enumerate(TEACHER['tau_m'])}
    found = gle(weights, [[TAU_R]]*2, x, np.concatenate([0*r[:1], r[:-1]]), dt=p.dt,
                activations=['softplus']*2, beta=p.beta, gamma=p.gamma,
                prospective=errors == 'prospective', tau_min=p.tau_min, step=step)
    return x, r, found


@pytest.mark.parametrize('name, errors', [('gle', 'prospective'),
                                          ('instantaneous', 'instantaneous')])
def test_steps_are_those_of_the_reference(short, name, errors):
    p, a = settings(**SHORT), short.arrays
    x, r, found = reference(p, draw(p, 3), errors)
    assert len(x) == 260
    close = dict(rtol=0, atol=1e-11)
    np.testing.assert_allclose(a['input'], x[:, 0, 0], **close)
    np.testing.assert_allclose(a['teacher.r1'], r[:, 0, 0], **close)
    for k in (0, 1):
        np.testing.assert_allclose(a[f'{name}.r{k}'], found['r', k][:, 0, 0], **close)
        np.testing.assert_allclose(a[f'{name}.err{k}'], found['err', k][:, 0, 0], **close)
    loss = ((r - found['r', 1])**2).mean(axis=(1, 2))[60:].reshape(5, 40).mean(axis=1)
    np.testing.assert_allclose(a[f'{name}.loss'], loss, **close)
    for key in LEARNED:
        values = a[f'{name}.{key[0]}{key[1]}'][3:]  # from where learning begins, every 20 steps
        np.testing.assert_allclose(values, found[key].ravel()[59::20], **close)
        assert abs(values[-1] - values[0]) > 0.01


@pytest.fixture(scope='module', params=recordings(), ids=lambda path: path.name)
def replay(request):
    """The published start and input, over 55 000 steps."""
    recorded, p = recording(request.param), settings(periods=125)
    own = LagLine(p, 0)
    own.drawn = SimpleNamespace(wave=smoothed(recorded.wave, 5), shift=recorded.shift,
                                w=recorded.w, tau_m=recorded.tau_m)
    end = build_program(own.compose)({}, 55000)
    return recorded, own.result(end, own.rows(end))


def test_replay_of_the_published_run(replay):
    recorded, a = replay
    for key, name in (('forward0', 'w_0'), ('forward1', 'w_1'), ('tau_m0', 'tau_m_0'),
                      ('tau_m1', 'tau_m_1')):
        np.testing.assert_allclose(a[f'gle.{key}'][recorded.times//2], recorded.values[name],
                                   rtol=0, atol=1e-3, err_msg=name)


def test_gle_finds_the_teacher_and_instantaneous_errors_do_not(replay):
    a = replay[1]
    for k in (0, 1):
        for kind, values in (('forward', TEACHER['forward']), ('tau_m', TEACHER['tau_m'])):
            np.testing.assert_allclose(a[f'gle.{kind}{k}'][250:], values[k], rtol=0.01)  # 500 ms
        assert a[f'instantaneous.tau_m{k}'][-1] == pytest.approx(0.1)
    assert a['gle.loss'][-1] < 1e-8 and a['instantaneous.loss'][75:].min() > 0.01


def test_smoothing_is_a_gaussian_filter():
    filters = pytest.importorskip('scipy.ndimage')
    wave = np.repeat([1.0, -1.0], 200)
    found = smoothed(wave, 5)
    np.testing.assert_allclose(found, filters.gaussian_filter1d(wave, 5, mode='wrap'), atol=1e-14)
    long = filters.gaussian_filter1d(np.tile(wave, 3), 5, mode='reflect')
    np.testing.assert_allclose(found, long[400:800], atol=1e-14)  # far from the ends
    np.testing.assert_allclose(draw(settings(), 1).wave, found, atol=1e-14)


def test_draws():
    p = settings()
    a, b = draw(p, 1), draw(p, 1)
    assert (a.shift == b.shift).all() and (a.w == b.w).all() and (a.w != draw(p, 2).w).all()
    assert a.shift.min() >= 0 and a.shift.max() < 400 and len(a.shift) == 100
    for seed in range(20):
        assert (draw(p, seed).tau_m >= p.tau_min).all()


def test_a_result(short):
    a = short.arrays
    assert names_in(a) == list(LABELS)
    np.testing.assert_allclose(a['time'], 0.1*np.arange(260))
    for name in ('gle', 'instantaneous'):
        assert a[f'{name}.loss'].shape == (5,) and a[f'{name}.tau_m1'].shape == (3 + 11,)
        start = draw(settings(**SHORT), 3)
        for k in (0, 1):
            np.testing.assert_allclose(a[f'{name}.forward{k}'][:4], start.w[k], rtol=1e-15)
            np.testing.assert_allclose(a[f'{name}.tau_m{k}'][:4], start.tau_m[k], rtol=1e-12)
    for window in (4, 2, 1):
        assert a[f'bptt{window}.loss'].shape == (3,) and a[f'bptt{window}.tau_m1'].shape == (4,)
    lines = list(LagLine.summarize(short))
    assert len(lines) == 5 and lines[0].startswith('GLE') and 'after 20 ms' in lines[0]
    assert 'after 12 ms' in lines[2]


def test_summary_names_clamped_time_constants(short):
    a = dict(short.arrays)
    a['instantaneous.tau_m0'] = np.append(a['instantaneous.tau_m0'], 0.1)
    lines = list(LagLine.summarize(SimpleNamespace(arrays=a, description=short.description)))
    assert lines[-1] == ('instantaneous errors: tau_m of neuron 0 is at its lower bound, 0.1 ms')


def test_backpropagation_in_pieces():
    p = settings(**SHORT)
    drawn = draw(p, 1)
    whole, pieces = Backpropagation(p, drawn), Backpropagation(p, drawn)
    at_once = whole.chunk(whole.beginning({}), 0, 5)
    state = pieces.beginning({})
    for first, n in ((0, 1), (1, 3), (4, 1)):
        state = Backpropagation(p, drawn).chunk(state, first, n)
    assert set(state) == set(at_once)
    for key, values in at_once.items():
        np.testing.assert_array_equal(state[key], values, err_msg=key)
    found = whole.arrays(at_once)
    assert found['bptt4.loss'].min() > 0 and len(set(found['bptt1.forward0'])) == 4
    # a window is a period: its loss is that of the student before learning
    x = inputs_of(p, drawn, 100)
    teacher = chain(TEACHER['forward'], TEACHER['tau_m'], p.dt).run(x).outputs
    student, state = chain(drawn.w, TEACHER['tau_m'], p.dt), None
    state = student.run(x[:30]).state
    own = chain(drawn.w, drawn.tau_m, p.dt)
    outputs = own.run(x[30:], state).outputs[30:]
    assert found['bptt4.loss'][0] == pytest.approx(((outputs - teacher[60:])**2).mean(), rel=1e-12)


def test_without_backpropagation(tmp_path):
    a = run('lagline', device='numpy', quiet=True, out=tmp_path/'r', students='gle',
            **dict(SHORT, bptt_periods=0, periods=1)).arrays
    assert names_in(a) == ['gle']


def test_single_precision(short, tmp_path):
    a = run('lagline', device='numpy', quiet=True, out=tmp_path/'r', seed=3, precision='single',
            **dict(SHORT, bptt_periods=0)).arrays
    np.testing.assert_allclose(a['gle.loss'], short.arrays['gle.loss'], rtol=1e-4)


def test_in_one_piece(short):
    """As in an exported project: one launch finds what a run finds in chunks of periods."""
    own = LagLine(settings(**SHORT), 3)
    end = build_program(own.compose_whole, 'numpy')({}, own.lead + own.total*own.n_steps)
    found = own.result(end, own.rows(end))
    assert set(found) == {key for key in short.arrays if not key.startswith('bptt')}
    for key, value in found.items():
        np.testing.assert_array_equal(value, short.arrays[key], err_msg=key)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize('device', ['numpy', 'cpp_standalone'])
def test_an_interrupted_run_ends_with_the_same_numbers(short, tmp_path, monkeypatch, device):
    from brian_le.protocols.runs.results import ResultFolder

    checkpoint = ResultFolder.checkpoint

    def interrupt(folder, arrays):
        checkpoint(folder, arrays)
        raise Interrupted
    with monkeypatch.context() as patch:
        patch.setattr(ResultFolder, 'checkpoint', interrupt)
        with pytest.raises(Interrupted):
            run('lagline', device=device, quiet=True, seed=3, out=tmp_path/'r', **SHORT)
    continued = run('lagline', device=device, quiet=True, seed=3, out=tmp_path/'r', **SHORT)
    whole = short if device == 'numpy' else run('lagline', device=device, quiet=True, seed=3,
                                                out=tmp_path/'whole', **SHORT)
    assert set(continued.arrays) == set(whole.arrays)
    for key, value in whole.arrays.items():
        np.testing.assert_array_equal(continued.arrays[key], value, err_msg=key)
        np.testing.assert_allclose(value, short.arrays[key], rtol=0, atol=1e-9, err_msg=key)


BAD = {
    'parameter': (dict(etaa=1), "parameter of 'lagline': 'etaa'; did you mean 'eta'"),
    'periods': (dict(periods=0), "'periods' is 0; it has to be at least 1"),
    'part of a period': (dict(periods=1.5), 'give a whole number'),
    'students': (dict(students='bptt'), "value of 'students'"),
    'batch': (dict(batch=0), "'batch' is 0; it has to be at least 1"),
    'negative rate': (dict(eta=-1), "'eta' is -1 1/ms; it has to be at least 0"),
    'time step': (dict(dt=0.03), "'dt' is 0.03 ms, which does not divide 0.1 ms"),
    'long time step': (dict(dt=0.2), "'dt' is 0.2 ms, which does not divide 0.1 ms"),
    'time before': (dict(t_init=5), "'t_init' is 5 ms; give a multiple of 2 ms"),
    'bound': (dict(tau_min=0.005), "'tau_min' is 0.005 ms, less than the time step"),
    'unit': (dict(t_init='5 kg'), "'t_init' is '5 kg'; give a value such as '50 ms'"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    given, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('lagline', quiet=True, device='numpy', out=tmp_path/'r', **given)
    assert os.listdir(tmp_path) == []


# --------------------------------------------------------------------------------------- figures
def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_figure_of_signals(short):
    a, (figure,) = short.arrays, signals(short).values()
    assert len(figure.axes) == 12
    for column, end in enumerate((30, 60, 260)):
        for row, key in enumerate(('r0', 'r1', 'err0', 'err1')):
            shown = slice(max(0, end - 80), end)
            for name in ('gle', 'instantaneous'):
                line = curves(figure.axes[3*row + column])[LABELS[name]]
                np.testing.assert_array_equal(line.get_ydata(), a[f'{name}.{key}'][shown])


def test_figure_of_parameters(short):
    a, (figure,) = short.arrays, parameters(short).values()
    for ax, (kind, k) in zip(figure.axes, LEARNED):
        found = curves(ax)
        np.testing.assert_array_equal(found['GLE'].get_xdata(), 2*np.arange(1, 11))
        np.testing.assert_array_equal(found['GLE'].get_ydata(), a[f'gle.{kind}{k}'][4:])
        np.testing.assert_array_equal(found['BPTT, 1 ms'].get_xdata(), [4, 8, 12])
        np.testing.assert_array_equal(found['BPTT, 1 ms'].get_ydata(), a[f'bptt1.{kind}{k}'][1:])
        assert set(found['teacher'].get_ydata()) == {dict(forward=(1, 2), tau_m=(1, 2))[kind][k]}
        assert ax.get_xscale() == 'log'


def test_figure_of_losses(short):
    (figure,) = losses(short).values()
    (ax,) = figure.axes
    assert list(curves(ax)) == list(LABELS.values())
    np.testing.assert_array_equal(curves(ax)['GLE'].get_ydata(), short.arrays['gle.loss'])
    np.testing.assert_array_equal(curves(ax)['GLE'].get_xdata(), [4, 8, 12, 16, 20])
    assert ax.get_xscale() == ax.get_yscale() == 'log'
