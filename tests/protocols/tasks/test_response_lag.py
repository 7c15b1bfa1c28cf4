import os

import numpy as np
import pytest
from scipy.signal import lfilter

from brian_le.programs.program import build_program
from brian_le.protocols import run
from brian_le.protocols.tasks.response_lag.figures import latency, responses
from brian_le.protocols.tasks.response_lag.task import (LABELS, THRESHOLD, ResponseLag,
                                                        latencies)

RATIOS = {'le': 1, 'partial': 0.8, 'no_look_ahead': 0}


def closed_form(ratio, p):
    """Rates [step, layer] of first-order filters in a row, each read one step later."""
    a = p['dt']/p['tau_m']
    x, rates = np.ones(round(2*p['depth']/a)), []
    for _ in range(p['depth']):
        # u[n+1] = u[n] + a*(x[n] - u[n]), r[n] = u[n] + ratio*(x[n] - u[n])
        rates.append(lfilter([ratio, a - ratio], [1, a - 1], x))
        x = np.concatenate([[0], rates[-1][:-1]])
    return np.array(rates).T


@pytest.fixture(scope='module')
def deep(tmp_path_factory):
    """The default chain in long time steps, on numpy."""
    return run('response-lag', device='numpy', quiet=True, dt=1,
               out=tmp_path_factory.mktemp('lag')/'deep')


def test_with_look_ahead_every_layer_takes_one_step(deep):
    np.testing.assert_allclose(deep.arrays['le.latency'], 1.0*np.arange(1, 21), rtol=1e-15)
    np.testing.assert_allclose(deep.arrays['le.rates'],
                               np.arange(400)[:, None] >= np.arange(20), atol=1e-13)


@pytest.mark.parametrize('name', RATIOS)
def test_responses_in_closed_form(deep, name):
    p = deep.description['parameters']
    expected = closed_form(RATIOS[name], p)
    np.testing.assert_allclose(deep.arrays[f'{name}.rates'], expected, rtol=0, atol=1e-12)
    first = [next(n for n, r in enumerate(layer, 1) if r > THRESHOLD - 1e-12)
             for layer in expected.T]
    np.testing.assert_array_equal(deep.arrays[f'{name}.latency'], first)


def test_every_layer_adds_what_its_look_ahead_lacks(deep):
    """The mean delay of a layer is tau_m - tau_r, and a time step to be read."""
    for name, ratio in RATIOS.items():
        rates = deep.arrays[f'{name}.rates']
        delays = (1 - rates).sum(axis=0)  # the mean of the time of arrival, in steps of 1 ms
        np.testing.assert_allclose(np.diff(delays)[:5], 10*(1 - ratio) + 1, rtol=1e-6)


def test_result_of_a_run(deep):
    assert set(deep.arrays) == {'time', *(f'{name}.{key}' for name in LABELS
                                          for key in ('rates', 'latency'))}
    np.testing.assert_array_equal(deep.arrays['time'], np.arange(1, 401))
    lines = list(ResponseLag.summarize(deep))
    assert len(lines) == 3 and lines[0].endswith(
        'latency 1 ms in layer 1, 10 ms in layer 10, 20 ms in layer 20')
    assert '(tau_r 8 ms)' in lines[1]


SHORT = dict(depth=3, dt=0.5, tau_m=20, partial=0.5)


def test_every_device_finds_the_same(tmp_path):
    found = {device: run('response-lag', device=device, quiet=True, out=tmp_path/device,
                         **SHORT).arrays for device in ('numpy', 'cpp_standalone')}
    assert set(found['numpy']) == set(found['cpp_standalone'])
    for key, value in found['numpy'].items():
        np.testing.assert_allclose(found['cpp_standalone'][key], value, rtol=0, atol=1e-12,
                                   err_msg=key)
    np.testing.assert_allclose(found['numpy']['partial.rates'], closed_form(0.5, SHORT), atol=1e-12)


def test_as_in_an_exported_project(tmp_path):
    own = ResponseLag(ResponseLag.read(SHORT), 0)
    end = build_program(own.compose_whole, 'numpy')({}, own.exported_steps())
    found = own.result(end, own.rows(end))
    expected = run('response-lag', device='numpy', quiet=True, out=tmp_path/'r', **SHORT).arrays
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


def test_latency_is_the_first_time_above_the_threshold():
    rates = [[0.0, 0.7, 0.2], [0.6, 0.1, 0.3], [0.64, 0.9, 0.4]]
    np.testing.assert_allclose(latencies(rates, 0.1), [0.3, 0.1, np.nan])


BAD = {
    'parameter': (dict(depht=3), "parameter of 'response-lag': 'depht'; did you mean 'depth'"),
    'value': (dict(depth=0), "'depth' is 0; it has to be at least 1"),
    'too long look-ahead': (dict(partial=1.5), "'partial' is 1.5; it has to be at most 1"),
    'tau_m below dt': (dict(tau_m=0.05), 'at least the time step'),
    'too much to record': (dict(dt=1e-5), "use a smaller 'depth' or a longer 'dt'"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    settings, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('response-lag', quiet=True, device='numpy', out=tmp_path/'r', **settings)
    assert os.listdir(tmp_path) == []


# --------------------------------------------------------------------------------------- figures
def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_figure_of_latencies(deep):
    (figure,) = latency(deep).values()
    (axes,) = figure.axes
    for label, name in (('look-ahead by tau_m', 'le'),
                        ('look-ahead too short (0.8 tau_m)', 'partial'),
                        ('without look-ahead', 'no_look_ahead')):
        np.testing.assert_array_equal(curves(axes)[label].get_ydata(),
                                      deep.arrays[f'{name}.latency'])
    assert axes.get_xlabel() == 'layer' and axes.get_ylabel() == 'latency (ms)'
    assert len({line.get_linestyle() for line in curves(axes).values()}) == 3


def test_figure_of_responses(deep):
    (figure,) = responses(deep).values()
    assert [ax.get_title(loc='left') for ax in figure.axes] == ['layer 1', 'layer 10', 'layer 20']
    for ax, layer in zip(figure.axes, (1, 10, 20)):
        line = curves(ax)['without look-ahead']
        np.testing.assert_array_equal(line.get_ydata()[1:],
                                      deep.arrays['no_look_ahead.rates'][:, layer - 1])
        np.testing.assert_array_equal(line.get_xdata(), np.arange(401))
        assert ax.get_ylabel() == 'rate (no unit)'
    assert figure.axes[-1].get_xlabel().endswith('(ms)')


def test_figures_of_one_layer(tmp_path):
    result = run('response-lag', device='numpy', quiet=True, depth=1, dt=1, out=tmp_path/'r')
    assert len(responses(result)['responses'].axes) == 1
    assert list(latency(result)['latency'].axes[0].get_lines()[0].get_xdata()) == [1]
