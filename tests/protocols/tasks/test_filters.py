import os

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, StateMonitor, defaultclock, ms
from scipy.signal import freqz

from brian_le import error_neuron, representation_neuron
from brian_le.programs.program import build_program
from brian_le.protocols import export, run
from brian_le.protocols.tasks.filters.figures import deviation, gain, phase, phase_by_ratio
from brian_le.protocols.tasks.filters.task import (Filters, accuracy, adjoint, euler_derivative,
                                                   expected, transfer)

SHORT = dict(dt=0.1, frequencies=9, ratios=4, lowest=0.1, highest=300)
FINE = dict(dt=0.01, frequencies=5, ratios=5, lowest=0.2, highest=2)


@pytest.fixture(scope='module')
def short(tmp_path_factory):
    """Few frequencies, up to three radians per time step, on numpy."""
    return run('filters', device='numpy', quiet=True, out=tmp_path_factory.mktemp('f')/'short',
               **SHORT)


@pytest.fixture(scope='module')
def fine(tmp_path_factory):
    """Slow signals in short time steps, on numpy."""
    return run('filters', device='numpy', quiet=True, out=tmp_path_factory.mktemp('f')/'fine',
               **FINE)


def of_steps(tau_prosp, tau, w, dt):
    """The answer of the recursion itself, u[n+1] = u[n] + dt/tau*(x[n] - u[n])."""
    a, ahead = dt/tau, tau_prosp/tau
    return freqz([ahead, a - ahead], [1, a - 1], worN=w*dt)[1]


def test_filters_are_those_of_the_steps(short):
    """At all frequencies, also where a period has a few steps."""
    w, ratio = short.arrays['w'], short.arrays['ratio']
    np.testing.assert_array_equal(ratio, [0.5, 1, 1.5, 2])
    assert w[0]*10 == pytest.approx(0.1, rel=1e-3) and w[-1]*10 == pytest.approx(300, rel=1e-3)
    for column, tau_r in enumerate(10*ratio):
        np.testing.assert_allclose(short.arrays['forward'][:, column], of_steps(tau_r, 10, w, 0.1),
                                   rtol=1e-12)
        np.testing.assert_allclose(short.arrays['error'][:, column], of_steps(10, tau_r, w, 0.1),
                                   rtol=1e-12)
    assert accuracy(short)['steps'].max() < 1e-12


def test_filters_are_those_of_continuous_time_for_slow_signals(fine):
    """w*dt is at most 0.002."""
    w, tau_r = fine.arrays['w'][:, None], 10*fine.arrays['ratio']
    wm, wr = w*10, w*tau_r
    for name, numerator, denominator in (('forward', wr, wm), ('error', wm, wr)):
        found = fine.arrays[name]
        np.testing.assert_allclose(abs(found), np.sqrt((1 + numerator**2)/(1 + denominator**2)),
                                   rtol=1e-3)
        np.testing.assert_allclose(np.angle(found), np.arctan(numerator) - np.arctan(denominator),
                                   rtol=0, atol=1e-3)
    assert accuracy(fine)['continuous'].max() < 1e-3


def test_errors_have_the_phase_of_the_adjoint_and_the_reciprocal_gain(fine):
    exact = adjoint(fine.arrays['w'][:, None], 10, 10*fine.arrays['ratio'])
    np.testing.assert_allclose(np.angle(fine.arrays['error']), np.angle(exact), rtol=0, atol=1e-3)
    np.testing.assert_allclose(abs(fine.arrays['error'])*abs(exact), 1, rtol=1e-3)
    np.testing.assert_allclose(exact, np.conj(transfer(
        1j*fine.arrays['w'][:, None], 10*fine.arrays['ratio'], 10)), rtol=1e-15)
    np.testing.assert_allclose(fine.arrays['error']*fine.arrays['forward'], 1, rtol=1e-12)


def test_bounds_of_the_deviation_from_continuous_time():
    w = np.geomspace(1e-3, 10, 50)
    for ratio in (0.1, 0.5, 0.99, 2, 5):
        for dt in (1e-3, 1e-2):
            arrays = {'w': w, 'ratio': np.array([ratio])}
            away = abs(np.log(expected(arrays, 10, dt)['forward']/expected(arrays, 10)['forward']))
            bound = np.minimum(w*dt/2, dt/2*abs(1/(10*ratio) - 1/10))
            assert (away[:, 0] <= bound*(1 + 2*w*dt + dt)).all()


def test_euler_derivative_tends_to_the_derivative():
    w = np.array([0.1, 1, 5])
    np.testing.assert_allclose(euler_derivative(w, 1e-6), 1j*w, rtol=1e-5)
    np.testing.assert_allclose(euler_derivative(w, 0.1)*0.1 + 1, np.exp(0.1j*w), rtol=1e-14)


def test_neurons_by_themselves_are_the_same_filters():
    """The halves of a pair, as a representation neuron and an error neuron."""
    defaultclock.dt = 0.1*ms
    w, taus = 2*np.pi/20, dict(tau_m=10*ms, tau_r=3*ms)
    rep = NeuronGroup(1, representation_neuron('linear', inputs=('v_in',), **taus),
                      method='prospective_euler', namespace={}, name='rep')
    err = NeuronGroup(1, error_neuron(**taus), method='prospective_euler', namespace={},
                      name='err')
    err.slope = 1
    for group, variable in ((rep, 'v_in'), (err, 'v_err')):
        group.run_regularly(f'{variable} = cos(2*pi*t/(20*ms))', when='start')
    monitors = [StateMonitor(rep, 'u_prosp', record=0, when='end'),
                StateMonitor(err, 'err', record=0, when='end')]
    Network(rep, err, monitors).run(320*ms, namespace={})
    wave = np.exp(-1j*w*0.1*np.arange(3000, 3200))
    for values, (ahead, behind) in ((monitors[0].u_prosp[0], (3, 10)),
                                    (monitors[1].err[0], (10, 3))):
        found = (values[-200:]*wave).sum()/100
        assert found == pytest.approx(transfer(euler_derivative(w, 0.1), ahead, behind), rel=1e-10)


def test_result_of_a_run(short):
    assert set(short.arrays) == {'w', 'ratio', 'forward', 'error'}
    multiples = short.arrays['w']/short.arrays['w'][0]
    np.testing.assert_allclose(multiples, np.round(multiples), rtol=1e-12)
    assert len(multiples) == 9 and np.all(np.diff(multiples) > 0)
    lines = ' '.join(Filters.summarize(short))
    assert '9 frequencies, 4 ratios' in lines and 'where w*dt is at most 0.002 (1 freq' in lines


def test_frequencies_that_are_rounded_to_the_same_count_once():
    w = Filters(Filters.read({}), 0).w
    assert len(w) == 38
    np.testing.assert_allclose(w[:8]/w[0], [1, 2, 3, 4, 5, 6, 8, 10], rtol=1e-12)


def test_every_device_and_an_exported_project_find_the_same(short, tmp_path):
    compiled = run('filters', quiet=True, out=tmp_path/'r', **SHORT).arrays
    own = Filters(Filters.read(SHORT), 0)
    end = build_program(own.compose_whole, 'numpy')({}, own.n_steps)
    project = own.result(end, own.rows(end))
    for found, rtol in ((compiled, 1e-11), (project, 0)):
        assert set(found) == set(short.arrays)
        for key, value in short.arrays.items():
            np.testing.assert_allclose(found[key], value, rtol=rtol, err_msg=key)


BAD = {
    'parameter': (dict(tau=3), "unknown parameter of 'filters': 'tau'"),
    'value': (dict(ratios=0), "'ratios' is 0; it has to be at least 1"),
    'order': (dict(lowest=1, highest=0.1), "'highest' is 0.1, below 'lowest', 1; exchange them"),
    'too fast': (dict(highest=1e4), 'less than two time steps of 0.01 ms; use a shorter'),
    'tau_m below dt': (dict(tau_m=0.005, lowest=0.1, highest=0.1),
                       'the shortest time constant is 0.0005 ms, below the time step'),
    'tau_r below dt': (dict(ratios=1000, dt=0.1, highest=1),
                       'the shortest time constant is 0.02 ms, below the time step'),
    'too long': (dict(lowest=1e-6, highest=0.1), 'neurons for 6.28e.09 steps take too long'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    settings, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('filters', quiet=True, device='numpy', out=tmp_path/'r', **settings)
    with pytest.raises(ValueError, match=message):
        export('filters', tmp_path/'p', quiet=True, **settings)
    assert os.listdir(tmp_path) == []


# --------------------------------------------------------------------------------------- figures
def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


@pytest.mark.parametrize('draw, part', [(gain, np.abs), (phase, np.angle)])
def test_figures_against_frequency(short, draw, part):
    (figure,) = draw(short).values()
    assert [ax.get_title(loc='left') for ax in figure.axes] == [
        'tau_r = 0.5 tau_m', 'tau_r = 2 tau_m']
    for ax, column in zip(figure.axes, (0, 3)):
        for label, name in (('neuron', 'forward'), ('error neuron', 'error')):
            line = curves(ax)[label]
            np.testing.assert_array_equal(line.get_ydata(), part(short.arrays[name][:, column]))
            np.testing.assert_array_equal(line.get_xdata(), 10*short.arrays['w'])
        assert ax.get_xlabel() == 'w tau_m (rad)' and ax.get_xscale() == 'log'
    assert '(' in figure.axes[0].get_ylabel()


def test_figure_against_the_ratio(fine):
    (figure,) = phase_by_ratio(fine).values()
    assert [ax.get_title(loc='left')[:9] for ax in figure.axes] == ['w tau_m =']*3
    for ax, row in zip(figure.axes, (1, 3, 4)):
        line = curves(ax)['error neuron']
        np.testing.assert_array_equal(line.get_xdata(), fine.arrays['ratio'])
        np.testing.assert_array_equal(line.get_ydata(), np.angle(fine.arrays['error'][row]))


def test_figure_of_the_accuracy(short):
    (figure,) = deviation(short).values()
    (axes,) = figure.axes
    np.testing.assert_array_equal(curves(axes)['from continuous time'].get_ydata(),
                                  accuracy(short)['continuous'])
    assert curves(axes)['from steps of forward Euler'].get_ydata().max() < 1e-12


def test_figures_of_one_neuron(tmp_path):
    result = run('filters', device='numpy', quiet=True, out=tmp_path/'r', frequencies=1, ratios=1,
                 dt=0.5, lowest=1)
    assert len(gain(result)['gain'].axes) == len(phase_by_ratio(result)['ratio'].axes) == 1
