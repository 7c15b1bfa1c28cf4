import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from brian_le.programs.program import build_program
from brian_le.protocols import load_result, run
from brian_le.protocols.tasks.fourier.figures import errors, outputs
from brian_le.protocols.tasks.fourier.task import Fourier, sample_times

SHORT = dict(dt=0.25, periods=5, learning=3, hidden=6)  # 200 steps per period


def parameters(**given):
    return Fourier.read(given)


def published(p, weights):
    """The steps of the paper's code for Fig. 2a: outputs and targets of all steps, and weights.

    Errors have the sign that they have there: the output's is the gradient, and weights descend.
    """
    n_steps = round(50/p.dt)
    W, b = ([weights[kind, k].astype(float) for k in (0, 1)] for kind in ('forward', 'bias'))
    u, ub, back = (np.zeros(p.hidden), np.zeros(1)), (np.zeros(p.hidden), np.zeros(1)), 0
    found = []
    for step in range(p.periods*n_steps):
        x = np.sin(2*np.pi*10*np.arange(1, 51)*step*p.dt/1000)
        target = 2*(step % n_steps)/n_steps - 1
        on = step < p.learning*n_steps
        e = (np.full(p.hidden, back), -p.beta*on*(target - ub[1]))
        r = (x, np.tanh(ub[0]))
        du = [(W[k] @ r[k] + b[k] - p.gamma*e[k] - u[k])/p.tau_m for k in (0, 1)]
        back = (1 - np.tanh(ub[0])**2)*(W[1].T @ e[1])
        ub = [u[k] + p.tau_m*du[k] for k in (0, 1)]
        u = [u[k] + p.dt*du[k] for k in (0, 1)]
        for k in (0, 1):
            W[k] = W[k] - on*p.dt*p.eta*np.outer(e[k], r[k])
            b[k] = b[k] - on*p.dt*p.eta*e[k]
        found.append((ub[1][0], target))
    return *np.array(found).T, W, b


@pytest.fixture(scope='module')
def short(tmp_path_factory):
    """A short run on numpy."""
    return run('fourier', device='numpy', quiet=True, seed=3,
               out=tmp_path_factory.mktemp('fourier')/'short', **SHORT)


@pytest.mark.parametrize('gamma', [1, -1])
def test_steps_are_those_of_the_paper(tmp_path, gamma):
    """The paper's code has gamma = -1."""
    a = run('fourier', device='numpy', quiet=True, seed=5, gamma=gamma, out=tmp_path/'r',
            **SHORT).arrays
    p = parameters(gamma=gamma, **SHORT)
    output, target, W, b = published(p, Fourier(p, 5).weights)
    for found, expected in ((a['output'].ravel(), output), (a['target'].ravel(), target),
                            (a['error'], ((output - target)**2).reshape(5, -1).mean(axis=1)),
                            *((a[f'W_forward_{k}'], W[k]) for k in (0, 1)),
                            *((a[f'W_bias_{k}'], b[k]) for k in (0, 1))):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert np.abs(W[0] - a['initial_W_forward_0']).max() > 0.01  # it has learned


@pytest.mark.parametrize('seed', [12345, 12346, 12347])
def test_error_without_learning_and_nudging(tmp_path, seed):
    """The paper's code leaves 0.008 to 0.0085."""
    error = run('fourier', seed=seed, quiet=True, out=tmp_path/'r').arrays['error']
    assert error.shape == (12,)
    assert error[0] > 0.1 and error[8:].max() <= 0.01


def test_result_of_a_run(short):
    a = short.arrays
    assert a['error'].shape == (5,)
    assert a['time'].shape == a['output'].shape == a['target'].shape == (5, 200)
    np.testing.assert_allclose(a['time'].ravel(), 0.25*np.arange(1000), rtol=0, atol=1e-9)
    np.testing.assert_allclose(a['target'][1], np.linspace(-1, 1, 200, endpoint=False), atol=1e-15)
    for (kind, k), w in Fourier(parameters(**SHORT), 3).weights.items():
        np.testing.assert_array_equal(a[f'initial_W_{kind}_{k}'], w)
        assert (a[f'W_{kind}_{k}'] != w).all()
    lines = list(Fourier.summarize(short))
    assert f"{a['error'][2]:.4f} in period 3" in lines[0]
    assert f"{a['error'][3:].mean():.4f} (mean of 2 periods)" in lines[1]


def test_every_device_finds_the_same(short, tmp_path):
    other = run('fourier', quiet=True, seed=3, out=tmp_path/'r', **SHORT)
    assert set(other.arrays) == set(short.arrays)
    for key, value in other.arrays.items():
        np.testing.assert_allclose(value, short.arrays[key], rtol=0, atol=1e-12, err_msg=key)


def test_in_one_piece(short):
    """As in an exported project: one launch finds what a run finds in chunks of periods."""
    own = Fourier(parameters(**SHORT), 3)
    assert own.exported_steps() == 1000
    end = build_program(own.compose_whole, 'numpy')({}, 1000)
    found = own.result(end, own.rows(end))
    assert set(found) == set(short.arrays)
    for key, value in found.items():
        np.testing.assert_array_equal(value, short.arrays[key], err_msg=key)
    np.testing.assert_array_equal(end['fourier_net_forward0.w'],
                                  short.arrays['W_forward_0'].T.ravel())


def test_samples_leave_steps_out():
    p = parameters(periods=2)
    times = sample_times(p)
    assert times.shape == (2, 500)
    np.testing.assert_allclose(np.diff(times.ravel()), 0.1)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize('device', ['numpy', 'cpp_standalone'])
def test_an_interrupted_run_ends_with_the_same_numbers(tmp_path, monkeypatch, device):
    from brian_le.protocols.runs.results import ResultFolder

    whole = run('fourier', device=device, quiet=True, seed=3, out=tmp_path/'whole', **SHORT)
    checkpoint = ResultFolder.checkpoint

    def interrupt(folder, arrays):
        checkpoint(folder, arrays)
        raise Interrupted
    with monkeypatch.context() as patch:
        patch.setattr(ResultFolder, 'checkpoint', interrupt)
        with pytest.raises(Interrupted):
            run('fourier', device=device, quiet=True, seed=3, out=tmp_path/'r', **SHORT)
    continued = run('fourier', device=device, quiet=True, seed=3, out=tmp_path/'r', **SHORT)
    assert set(continued.arrays) == set(whole.arrays)
    for key, value in whole.arrays.items():
        np.testing.assert_array_equal(continued.arrays[key], value, err_msg=key)


def test_a_killed_run_leaves_no_result_and_continues(tmp_path):
    settings = dict(SHORT, periods=60)
    command = [sys.executable, '-m', 'brian_le.protocols', 'run', 'fourier', '--device', 'numpy',
               '--quiet', '--out', str(tmp_path/'r'),
               *(word for key, value in settings.items() for word in ('--set', f'{key}={value}'))]
    process = subprocess.Popen(command)
    while not (tmp_path/'r.part'/'checkpoint.npz').exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sorted(os.listdir(tmp_path)) == ['r.part']
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    whole = run('fourier', device='numpy', quiet=True, out=tmp_path/'whole', **settings)
    continued = load_result(tmp_path/'r')
    for key, value in whole.arrays.items():
        np.testing.assert_array_equal(continued.arrays[key], value, err_msg=key)


@pytest.mark.filterwarnings('ignore:overflow', 'ignore:invalid value')
def test_a_run_that_diverges_says_where_and_leaves_nothing(tmp_path):
    with pytest.raises(FloatingPointError, match=r"'fourier.*' is no longer finite in period \d"):
        run('fourier', device='numpy', quiet=True, out=tmp_path/'r', **SHORT, eta=1e4)
    assert os.listdir(tmp_path) == []


BAD = {
    'parameter': (dict(gama=1), "parameter of 'fourier': 'gama'; did you mean 'gamma'"),
    'value': (dict(periods=0), "'periods' is 0; it has to be at least 1"),
    'negative rate': (dict(eta=-1), "'eta' is -1 1/ms; it has to be at least 0"),
    'time step': (dict(dt=0.3), "'dt' is 0.3 ms, which does not divide the period of 50 ms"),
    'long time step': (dict(dt=50), "'dt' is 50 ms, which does not divide the period"),
    'tau_m below dt': (dict(tau_m=0.001), 'at least the time step'),
    'tau_r below dt': (dict(tau_r=0.001), 'at least the time step .* or 0'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    settings, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('fourier', quiet=True, device='numpy', out=tmp_path/'r', **settings)
    assert os.listdir(tmp_path) == []


# --------------------------------------------------------------------------------------- figures
def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_figure_of_outputs(short):
    (figure,) = outputs(short).values()
    a = short.arrays
    assert len(figure.axes) == 3
    for ax, first in zip(figure.axes, (0, 1, 3)):
        output = curves(ax)['output']
        np.testing.assert_array_equal(output.get_xdata(), a['time'][first:first + 2].ravel())
        np.testing.assert_array_equal(output.get_ydata(), a['output'][first:first + 2].ravel())
        np.testing.assert_array_equal(curves(ax)['target'].get_ydata(), a['target'][first])
        assert ax.get_xlabel() == 'time (ms)'
    assert figure.axes[0].get_ylabel() == 'rate (no unit)'


def test_figure_of_errors(short):
    (figure,) = errors(short).values()
    (axes,) = figure.axes
    error, end = axes.get_lines()[:2]
    np.testing.assert_array_equal(error.get_ydata(), short.arrays['error'])
    np.testing.assert_array_equal(error.get_xdata(), [25, 75, 125, 175, 225])
    assert list(end.get_xdata()) == [150, 150]
    assert axes.get_yscale() == 'log'
    assert axes.get_xlabel() == 'time (ms)' and 'mean squared error' in axes.get_ylabel()


def test_figures_of_a_run_that_only_learns(tmp_path):
    result = run('fourier', device='numpy', quiet=True, out=tmp_path/'r', dt=0.5, periods=1,
                 hidden=2)
    assert len(outputs(result)['output'].axes) == 2
    assert len(errors(result)['error'].axes[0].texts) == 0
    assert len(list(Fourier.summarize(result))) == 1
