import os

import numpy as np
import pytest

from brian_le.programs.program import build_program
from brian_le.protocols import export, run
from brian_le.protocols.runs.launches import Launches
from brian_le.protocols.tasks.alignment.figures import depth, frequency, layers, ratio
from brian_le.protocols.tasks.alignment.measuring import (ERRORS, KINDS, Point, alignment, compose,
                                                          draw, gradients, n_steps, proposed,
                                                          settling_periods, steps_per_period)
from brian_le.protocols.tasks.alignment.task import SWEEPS, Alignment, points
from tests.reference_gle import gle

SHORT = dict(networks=2, inputs=2, hidden=4, outputs=2, depth=1, deepest=2, period=30, dt=0.1,
             frequency=0.6, frequencies=2, lowest=0.4, highest=1, ratio=2, ratios=2,
             largest_ratio=2.5)


def parameters(**given):
    return Alignment.read(given)


def measuring(device, **settings):
    """A function of a point that gives what is measured."""
    own = Alignment(parameters(**settings), 1)
    program = Launches(own.compose, device, lambda message: None)
    return lambda point: own.measure(program, point)


def series(p, point, drawn):
    """Inputs and targets, [step, 1, neuron]."""
    t = p.dt*np.arange(n_steps(p, point))[:, None]
    return [(np.sqrt(2/3)*sum(np.sin(2*np.pi*m*t/p.period + phases[m - 1]) for m in (1, 2, 3)))
            [:, None] for phases in (drawn.inputs, drawn.targets)]


# ------------------------------------------------------------------------------ what is compared
@pytest.mark.parametrize('gamma', [0, 0.5])
def test_totals_are_those_of_the_steps(gamma):
    """Of the rules in plain NumPy, for both kinds of errors."""
    p, point = parameters(**SHORT, gamma=gamma), Point(1, 1, 0.6, 2.0)
    drawn = draw(p, 3, point)
    program = build_program(lambda: compose(p, point, drawn), 'numpy')
    found = proposed(program({}, n_steps(p, point)), drawn)
    x, target = series(p, point, drawn)
    learning = np.arange(len(x)) >= settling_periods(p, point)*steps_per_period(p)
    assert 0 < learning.sum() == steps_per_period(p) < len(x)
    weights = {key: w for key, w in drawn.weights.items() if key[0] != 'tau_r'}
    for errors in ERRORS:
        expected = dict.fromkeys(drawn.weights, 0)

        def step(key, gradient):
            expected[key] = expected[key] - p.dt*gradient
            return 0

        gle(weights, [drawn.weights['tau_r', k] for k in (0, 1)], x, target, dt=p.dt,
            activations=['tanh', 'linear'], beta=p.beta, gamma=gamma,
            prospective=errors == 'prospective', learning=learning, step=step)
        assert set(found[errors]) == set(expected)
        for key, change in expected.items():
            np.testing.assert_allclose(found[errors][key], change, rtol=0, err_msg=str(key),
                                       atol=1e-10*abs(change).max())


def test_gradients_are_those_of_finite_differences():
    p, point = parameters(**SHORT), Point(0, 2, 0.5, 2.0)
    drawn = draw(p, 5, point)
    x, target = series(p, point, drawn)

    def loss():
        weights = {key: w for key, w in drawn.weights.items() if key[0] != 'tau_r'}
        r = gle(weights, [drawn.weights['tau_r', k] for k in range(3)], x, target, dt=p.dt,
                activations=['tanh', 'tanh', 'linear'], beta=0)['r', 2]
        last = np.arange(len(x) - steps_per_period(p), len(x))
        return p.dt*((target[last] - r[last - 1])**2).sum()/2

    exact, adjoint = gradients(p, point, drawn)
    for key, w in drawn.weights.items():
        index, h = np.unravel_index(w.size//2, w.shape), 1e-5
        by_index = []
        for change in (h, -2*h, h):
            w[index] += change
            by_index.append(loss())
        slope = (by_index[0] - by_index[1])/(2*h)
        assert exact[key][index] == pytest.approx(-slope, rel=1e-5, abs=1e-7), key
    assert set(adjoint) == {key for key in exact if key[0] != 'tau_r'}


def test_alignment_of_vectors():
    assert alignment([[1, 2], [3]], [[2, 4], [6]]) == pytest.approx((1, 0.5))
    assert alignment([[0, -1]], [[3, 0]]) == pytest.approx((0, 0))
    assert alignment([[-2.0]], [[1.0]]) == pytest.approx((-1, -2))


# --------------------------------------------------------------------------------- slow inputs
@pytest.fixture(scope='module')
def compiled():
    """Networks of 5-20-20-5 neurons."""
    return measuring('cpp_standalone', period=400, dt=0.1, lowest=0.05)


@pytest.mark.parametrize('network', range(4))
def test_slow_inputs(compiled, network):
    """All rules go along the gradient, and as far as beta says; tau_r, too."""
    found = compiled(Point(network, 2, 0.05, 5.0))
    for key in ('cosine', 'layers'):
        part = found[key][:, 0] if key == 'layers' else found[key][0]
        part = part[:3] if key == 'layers' else part
        assert part.min() > 0.95, key
    np.testing.assert_allclose(found['size'][0], 1, atol=0.05)
    assert found['adjoint'].min() > 0.99


def test_faster_inputs_and_slower_neurons_are_less_aligned(compiled):
    by_frequency = [compiled(Point(0, 2, w_tau, 5.0))['cosine'][0] for w_tau in (0.1, 0.5, 2)]
    by_ratio = [compiled(Point(0, 2, 0.5, tau_ratio))['cosine'][0] for tau_ratio in (1, 3, 10)]
    for cosines in (by_frequency, by_ratio):
        for kind in ('forward', 'tau_m', 'tau_r'):
            of_kind = [cosine[KINDS.index(kind)] for cosine in cosines]
            assert of_kind == sorted(of_kind, reverse=True), kind
    assert by_ratio[0].min() > 0.99  # tau_r = tau_m: errors have no filter to differ in


def test_instantaneous_errors_are_less_aligned_with_slow_inputs(compiled):
    for w_tau in (0.1, 0.3):
        cosine = compiled(Point(0, 2, w_tau, 5.0))['cosine']
        assert (1 - cosine[1, 0]) > 3*(1 - cosine[0, 0])


def test_weak_errors_may_act_on_the_membranes():
    found = measuring('numpy', **SHORT | dict(period=100), gamma=0.1)(Point(0, 1, 0.2, 2.0))
    assert found['cosine'][0].min() > 0.95


# -------------------------------------------------------------------------------------- protocol
@pytest.fixture(scope='module')
def short(tmp_path_factory):
    """A short run on numpy."""
    return run('alignment', device='numpy', quiet=True, seed=3,
               out=tmp_path_factory.mktemp('alignment')/'short', **SHORT)


def test_result_of_a_run(short):
    a = short.arrays
    np.testing.assert_allclose(a['frequency.values'], [0.4, 1])
    np.testing.assert_array_equal(a['depth.values'], [1, 2])
    np.testing.assert_allclose(a['ratio.values'], [1, 2.5])
    for sweep in SWEEPS:
        assert a[f'{sweep}.cosine'].shape == a[f'{sweep}.size'].shape == (2, 2, 2, 4)
        assert a[f'{sweep}.layers'].shape == (2, 2, 3, 2, 4)
        assert a[f'{sweep}.adjoint'].shape == (2, 2, 3)
        assert abs(a[f'{sweep}.cosine']).max() <= 1 + 1e-12
    missing = np.isnan(a['depth.layers']).all(axis=(1, 3, 4))
    np.testing.assert_array_equal(missing, [[False, False, True], [False, False, False]])
    lines = list(Alignment.summarize(short))
    assert len(lines) == 2 + 3*3 and '1 hidden layers, w*tau_m = 0.6' in lines[1]


def test_random_draws():
    p = parameters(**SHORT)
    a, b, deep = (draw(p, 1, Point(n, k, 0.6, 2.0)) for n, k in ((0, 1), (1, 1), (0, 2)))
    assert (a.inputs != b.inputs).all()
    assert (a.weights['forward', 0] != b.weights['forward', 0]).all()
    np.testing.assert_array_equal(a.inputs, deep.inputs)
    mean = 0.6*30/(6*np.pi)
    for key, w in deep.weights.items():
        if key[0] == 'tau_m':
            assert (0.5*mean < w).all() and (w < 1.5*mean).all()
            np.testing.assert_allclose(deep.weights['tau_r', key[1]], w/2)
    assert len(points(p)) == 12


def test_as_in_an_exported_project(short):
    p = parameters(**SHORT)
    own = Alignment(p, 3)
    end = build_program(own.compose_whole, 'numpy')({}, own.exported_steps()) | own.kept()
    found = own.result(end, own.rows(end))
    for key in ('cosine', 'size', 'adjoint'):
        np.testing.assert_allclose(found[key], short.arrays[f'depth.{key}'][p.depth - 1, 0],
                                   rtol=1e-9)
    assert all(np.isfinite(array).all() for array in found.values())


class Interrupted(Exception):
    pass


def test_an_interrupted_run_ends_with_the_same_numbers(short, tmp_path, monkeypatch):
    from brian_le.protocols.runs.results import ResultFolder

    checkpoint = ResultFolder.checkpoint

    def interrupt(folder, arrays):
        checkpoint(folder, arrays)
        if arrays['done'] >= 7:
            raise Interrupted
    with monkeypatch.context() as patch:
        patch.setattr('brian_le.protocols.runs.running._CHECKPOINT_SECONDS', 0)
        patch.setattr(ResultFolder, 'checkpoint', interrupt)
        with pytest.raises(Interrupted):
            run('alignment', device='numpy', quiet=True, seed=3, out=tmp_path/'r', **SHORT)
    continued = run('alignment', device='numpy', quiet=True, seed=3, out=tmp_path/'r', **SHORT)
    for key, value in short.arrays.items():
        np.testing.assert_array_equal(continued.arrays[key], value, err_msg=key)


BAD = {
    'parameter': (dict(dept=1), "unknown parameter of 'alignment': 'dept'; did you mean 'depth'"),
    'value': (dict(networks=0), "'networks' is 0; it has to be at least 1"),
    'beta': (dict(beta=0), "'beta' is 0; it has to be at least 1e-12"),
    'order': (dict(lowest=1, highest=0.5), "'highest' is 0.5, below 'lowest', 1; exchange them"),
    'time step': (dict(dt=0.3), "'dt' is 0.3 ms, which does not divide the 'period' of 2000 ms"),
    'long time step': (dict(dt=100), 'whole number of at least 60 steps'),
    'tau_r below dt': (dict(ratio=10), r"at w\*tau_m = 0.01 and tau_m/tau_r = 10 there are time "
                       "constants of 0.0530516 ms, below the time step 'dt' of 0.1 ms"),
    'memory': (dict(hidden=10000), 'takes .* GB; use a longer'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    settings, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('alignment', quiet=True, device='numpy', out=tmp_path/'r', **settings)
    with pytest.raises(ValueError, match=message):
        export('alignment', tmp_path/'p', quiet=True, **settings)
    assert os.listdir(tmp_path) == []


# --------------------------------------------------------------------------------------- figures
@pytest.mark.parametrize('draw_figure, sweep, label', [
    (frequency, 'frequency', 'w tau_m of the fastest input (rad)'),
    (depth, 'depth', 'hidden layers'), (ratio, 'ratio', 'tau_m/tau_r (no unit)')])
def test_figures_of_what_varies(short, draw_figure, sweep, label):
    (figure,) = draw_figure(short).values()
    for ax, what in zip(figure.axes, ('cosine', 'size')):
        lines = {line.get_label(): line for line in ax.get_lines()}
        for name, errors, kind in (('weights', 0, 0), ('tau_r', 0, 3),
                                   ('weights, instantaneous errors', 1, 0)):
            np.testing.assert_array_equal(lines[name].get_xdata(), short.arrays[f'{sweep}.values'])
            np.testing.assert_allclose(
                lines[name].get_ydata(),
                short.arrays[f'{sweep}.{what}'][:, :, errors, kind].mean(axis=1), rtol=1e-14)
        assert ax.get_xlabel() == label
    assert 'cosine' in figure.axes[0].get_ylabel() and 'size' in figure.axes[1].get_ylabel()


def test_figure_of_the_layers(short):
    (figure,) = layers(short).values()
    (axes,) = figure.axes
    line = {line.get_label(): line for line in axes.get_lines()}['weights']
    np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2])
    np.testing.assert_allclose(line.get_ydata(),
                               short.arrays['depth.layers'][-1, :, :, 0, 0].mean(axis=0))
