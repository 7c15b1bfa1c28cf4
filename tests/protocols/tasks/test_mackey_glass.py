import os

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from brian_le.programs.program import build_program
from brian_le.protocols import check_protocol, run
from brian_le.protocols.baselines.adjoint import TemporalNetwork
from brian_le.protocols.baselines.windowed import Adam, train_truncated
from brian_le.protocols.tasks.mackey_glass.figures import errors, predictions
from brian_le.protocols.tasks.mackey_glass.series import mackey_glass, nrmse, steps, stretches
from brian_le.protocols.tasks.mackey_glass.task import MackeyGlass, layers, weights
from tests.reference_gle import gle
from tests.reference_optimisers import adam

SHORT = dict(epochs=3, train=20, test=10, washout=5, batch=2, horizon=3, slow=4, fast=2, window=5,
             dt=0.5, rate=0.01, gamma=0.02, precision='double')


def parameters(**given):
    return MackeyGlass.read(given)


# ------------------------------------------------------------------------------------ the series
@pytest.fixture(scope='module')
def independent():
    """The series at 0, 0.1, ..., 340, by the method of steps with an adaptive method of order 8."""
    blocks, last = [np.full(1, 1.2)], lambda t: 1.2
    for block in range(20):
        def slope(t, x, delayed=last):
            past = delayed(t - 17)
            return 0.2*past/(1 + past**10) - 0.1*x
        solved = solve_ivp(slope, (17*block, 17*(block + 1)), blocks[-1][-1:], method='DOP853',
                           rtol=1e-12, atol=1e-13, dense_output=True)
        blocks.append(solved.sol(17*block + 0.1*np.arange(1, 171))[0])
        last = lambda t, sol=solved.sol: sol(t)[0]
    return np.concatenate(blocks)


def test_series_is_that_of_another_integrator(independent):
    x = mackey_glass(340, 0.1)
    assert x.shape == independent.shape
    np.testing.assert_allclose(x, independent, rtol=0, atol=1e-8)
    assert np.ptp(x[1700:]) > 0.5  # and it moves


def test_series_is_of_fourth_order(independent):
    off = [np.abs(mackey_glass(170, dt) - independent[:1701:round(dt/0.1)]).max()
           for dt in (0.2, 0.1)]
    assert 12 < off[0]/off[1] < 20


def test_series_is_the_known_attractor():
    """Between 0.4 and 1.33, mean and standard deviation 0.93 and 0.23."""
    x = mackey_glass(5000, 0.1)[10000:]
    assert 0.38 < x.min() < 0.45 and 1.29 < x.max() < 1.35
    assert abs(x.mean() - 0.93) < 0.02 and abs(x.std() - 0.226) < 0.01


@pytest.mark.parametrize('dt', [0.3, 40, 2])
def test_steps_that_do_not_divide_the_delay(dt):
    with pytest.raises(ValueError, match='does not divide the delay of 17'):
        mackey_glass(10, dt)


def test_stretches_look_ahead_and_do_not_overlap():
    p = parameters(train=40, test=20, washout=10, batch=3, horizon=6, dt=0.5, window=20)
    data, n = stretches(p, 4), steps(p)
    assert data['train'][0].shape == (100, 3, 1) and data['test'][0].shape == (60, 3, 1)
    for inputs, targets in data.values():
        np.testing.assert_array_equal(inputs[n.horizon:], targets[:-n.horizon])
    start = np.random.default_rng([4, 1]).uniform(0.5, 1.5)
    series = mackey_glass(1000 + 3*(56 + 36 + 36), 0.1, start)[10000::5]
    columns = np.concatenate([values.T.ravel() for name in ('train', 'validation', 'test')
                              for values in [np.concatenate([data[name][0][:12], data[name][1]])]])
    found = data['train'][0]
    assert abs(found.mean()) < 1e-12 and abs(found.std() - 1) < 1e-12
    scale = np.polyfit(series[:len(columns)], columns, 1)  # one long series, piece by piece
    np.testing.assert_allclose(columns, np.polyval(scale, series[:len(columns)]), atol=1e-10)


# ---------------------------------------------------------------------------------- the networks
@pytest.fixture(scope='module')
def short(tmp_path_factory):
    """A short run on numpy."""
    return run('mackey-glass', device='numpy', quiet=True, seed=3,
               out=tmp_path_factory.mktemp('mackey')/'short', **SHORT)


def shown(p, data, n_epochs):
    """Inputs, targets and whether weights learn, in all steps."""
    n = steps(p)
    x, y = (np.concatenate([data['train'][i], data['test'][i]]) for i in (0, 1))
    learning = np.zeros(n.epoch)
    learning[n.washout:n.washout + n.train] = 1
    return np.tile(x, (n_epochs, 1, 1)), np.tile(y, (n_epochs, 1, 1)), np.tile(learning, n_epochs)


@pytest.mark.parametrize('name', ['gle', 'instantaneous'])
def test_networks_are_those_of_the_equations(short, name):
    p, n = parameters(**SHORT), steps(parameters(**SHORT))
    x, y, learning = shown(p, stretches(p, 3), p.epochs)
    start, plan = weights(p, 3), layers(p)
    milliseconds = {(tau, k): np.broadcast_to(np.asarray(getattr(layer, tau))*1e3, layer.n)
                    for k, layer in enumerate(plan) for tau in ('tau_m', 'tau_r')}
    step = adam({key: p.rate for key in start}, epsilon=1e-8)
    trace = gle(start | {key: tau for key, tau in milliseconds.items() if key[0] == 'tau_m'},
                [milliseconds['tau_r', k] for k in range(3)], x,
                np.concatenate([y[:1], y[:-1]]),  # an output is compared one step later
                dt=p.dt, activations=['tanh', 'tanh', 'linear'], beta=p.beta, gamma=p.gamma,
                prospective=name == 'gle', nudged=learning, learning=learning, step=step)
    outputs = trace['r', 2][:, :, 0].reshape(p.epochs, n.epoch, p.batch)
    tested = outputs[:, -n.test::n.sampled].transpose(0, 2, 1)
    a = short.arrays
    np.testing.assert_allclose(a[f'{name}.output'], tested[-1], rtol=0, atol=1e-10)
    wanted = y[n.epoch - n.test:n.epoch:n.sampled, :, 0].T
    np.testing.assert_array_equal(a['target'], wanted)
    np.testing.assert_allclose(
        a[f'{name}.nrmse'], [np.sqrt(((row - wanted)**2).mean())/wanted.std() for row in tested],
        rtol=1e-9)
    for key in start:
        np.testing.assert_allclose(a[f'{name}.W_{key[0]}_{key[1]}'], trace[key][-1], rtol=0,
                                   atol=1e-10)
        assert (trace[key][-1] != start[key]).all()


def test_backpropagation_sees_the_same(short):
    p, n = parameters(**SHORT), steps(parameters(**SHORT))
    x, y, _ = shown(p, stretches(p, 3), 1)
    start = weights(p, 3)
    taus = {(tau, k): np.broadcast_to(np.asarray(getattr(layer, tau))*1e3, layer.n)
            for k, layer in enumerate(layers(p)) for tau in ('tau_m', 'tau_r')}
    network = TemporalNetwork(start | taus, ['tanh', 'tanh', 'linear'], p.dt)
    state, optimiser = None, Adam(p.bptt_rate)
    end = n.washout + n.train
    for epoch in range(p.epochs):
        state = network.run(x[:n.washout], state).state
        _, state = train_truncated(network, x[n.washout:end], y[n.washout:end], n.window,
                                   optimiser, list(start), state=state)
        trajectory = network.run(x[end:], state)
        state = trajectory.state
        tested = trajectory.outputs[n.washout::n.sampled, :, 0].T
        assert short.arrays['bptt.nrmse'][epoch] == nrmse(tested, short.arrays['target'])
    np.testing.assert_array_equal(short.arrays['bptt.output'], tested)
    np.testing.assert_array_equal(short.arrays['bptt.W_forward_1'], network.weights['forward', 1])


def test_result_of_a_run(short):
    a = short.arrays
    for name in ('gle', 'instantaneous', 'bptt'):
        assert a[f'{name}.nrmse'].shape == (3,)
        assert a[f'{name}.n_learned'] == 6*2 + 6*7 + 7
        assert a[f'{name}.output'].shape == (2, 10)
    assert a['echo.n_learned'] == 13 and a['echo.output'].shape == (2, 10)
    assert a['echo.nrmse'] == pytest.approx(nrmse(a['echo.output'], a['target']), rel=1e-12)
    assert a['persistence.nrmse'] == nrmse(a['present'], a['target'])
    np.testing.assert_array_equal(a['present'][:, 3:], a['target'][:, :-3])
    lines = list(MackeyGlass.summarize(short))
    assert '3 ms ahead' in lines[0] and 'after 3 epochs' in lines[0] and len(lines) == 6
    for line, name in zip(lines[1:], ('gle', 'instantaneous', 'bptt', 'echo', 'persistence')):
        assert f"{np.ravel(a[f'{name}.nrmse'])[-1]:.4f}" in line


def test_every_device_finds_the_same(short, tmp_path):
    other = run('mackey-glass', quiet=True, seed=3, out=tmp_path/'r', **SHORT)
    assert set(other.arrays) == set(short.arrays)
    for key, value in other.arrays.items():
        np.testing.assert_allclose(value, short.arrays[key], rtol=0, atol=1e-10, err_msg=key)


def test_in_one_piece(short):
    """As in an exported project: one launch finds what a run finds in chunks of epochs."""
    whole = MackeyGlass(parameters(**SHORT), 3)
    end = build_program(whole.compose_whole, 'numpy')({}, whole.total*whole.n_steps)
    found = whole.result(end, whole.rows(end))
    assert {'gle.nrmse', 'instantaneous.output', 'target', 'persistence.nrmse'} <= set(found)
    for key, value in found.items():
        np.testing.assert_array_equal(value, short.arrays[key], err_msg=key)
    for name in ('gle', 'instantaneous'):
        np.testing.assert_array_equal(end[f'{name}_forward0.w'],
                                      short.arrays[f'{name}.W_forward_0'].T.ravel())


def test_it_keeps_to_what_all_protocols_do():
    check_protocol(MackeyGlass, **SHORT)


def test_gle_alone_is_what_it_is_beside_others(short, tmp_path):
    alone = run('mackey-glass', device='numpy', quiet=True, seed=3, out=tmp_path/'r',
                **SHORT, students='gle').arrays
    assert not [key for key in alone if key.startswith(('bptt', 'echo', 'instantaneous'))]
    for key, value in alone.items():
        np.testing.assert_array_equal(value, short.arrays[key], err_msg=key)


def test_learning_rate_0_leaves_weights_as_they_were(tmp_path):
    a = run('mackey-glass', device='numpy', quiet=True, out=tmp_path/'r',
            **SHORT | dict(rate=0, bptt_rate=0, hidden_layers=1)).arrays
    for (kind, k), w in weights(parameters(**SHORT, hidden_layers=1), 12345).items():
        for name in ('gle', 'instantaneous', 'bptt'):
            np.testing.assert_array_equal(a[f'{name}.W_{kind}_{k}'], w)


def test_without_washout_and_fast_neurons(tmp_path):
    a = run('mackey-glass', device='numpy', quiet=True, out=tmp_path/'r',
            **SHORT | dict(washout=0, fast=0, slow=1, epochs=1)).arrays
    assert a['gle.output'].shape == (2, 10) and np.isfinite(a['gle.nrmse']).all()


@pytest.mark.filterwarnings('ignore:overflow', 'ignore:invalid value')
@pytest.mark.parametrize('gamma', [3, 30])
def test_a_run_that_diverges_says_where_and_leaves_nothing(tmp_path, gamma):
    """Errors and rates of a linear output form a loop that grows with beta*gamma, beta = 1."""
    with pytest.raises(FloatingPointError, match=r"'.*' is no longer finite in epoch \d+, between "
                                                 r'[\d.]+ and [\d.]+ ms'):
        run('mackey-glass', device='numpy', quiet=True, out=tmp_path/'r',
            students='gle', gamma=gamma, epochs=2, train=60, test=20, batch=2)
    assert os.listdir(tmp_path) == []


BAD = {
    'parameter': (dict(horizn=1), "'horizn'; did you mean 'horizon'"),
    'nan': (dict(horizon=float('nan')), "'horizon' is nan; give a finite number"),
    'unit': (dict(horizon='6 Hz'), "'horizon' is '6 Hz'; give a value such as '6 ms'"),
    'negative': (dict(horizon=-1), "'horizon' is -1 ms; it has to be at least 0 ms"),
    'horizon': (dict(horizon=3.3), "'horizon' is 3.3 ms, which is not a multiple of the time step"),
    'epochs': (dict(epochs=0), "'epochs' is 0; it has to be at least 1"),
    'half a replica': (dict(batch=1.5), "'batch' is 1.5; give a whole number"),
    'train': (dict(train=20.5), "'train' is 20.5 ms, which is not a multiple of the time between"),
    'test': (dict(test=0), "'test' is 0 ms; it has to be at least 1 ms"),
    'washout': (dict(washout=0.5), "'washout' is 0.5 ms, which is not a multiple"),
    'window': (dict(window=7), "'train' is 20 ms, which is not a multiple of 'window', 7 ms"),
    'window in steps': (dict(window=0.8), "'window' is 0.8 ms, which is not a multiple of the"),
    'time step': (dict(dt=0.3), "'dt' is 0.3 ms, which does not divide 1 ms"),
    'long time step': (dict(dt=2), "'dt' is 2 ms, which does not divide 1 ms"),
    'fast tau_slow': (dict(tau_slow=0.1), 'at least the time step'),
    'tau_r below dt': (dict(tau_r=0.1), 'at least the time step'),
    'rate': (dict(rate=-1), "'rate' is -1; it has to be at least 0"),
    'students': (dict(students='some'), "unknown value of 'students': 'some'"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    settings, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('mackey-glass', quiet=True, device='numpy', out=tmp_path/'r', **SHORT | settings)
    assert os.listdir(tmp_path) == []


def test_targets_are_where_the_output_is_compared_with_them():
    """One step later, for an error is computed before the output of its step."""
    p = parameters(**SHORT)
    played = build_program(MackeyGlass(p, 3).compose, 'numpy')({}, 5)
    np.testing.assert_array_equal(played['gle_layer2.target'],
                                  stretches(p, 3)['train'][1][3, :, 0])


# --------------------------------------------------------------------------------------- figures
def test_figure_of_errors(short):
    (figure,) = errors(short).values()
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert len(lines) == 5
    np.testing.assert_array_equal(lines['GLE, online'].get_ydata(), short.arrays['gle.nrmse'])
    np.testing.assert_allclose(lines['GLE, online'].get_xdata(), [0.02, 0.04, 0.06])
    assert lines['echo state network'].get_ydata()[0] == short.arrays['echo.nrmse']
    assert 's)' in axes.get_xlabel() and 'std' in axes.get_ylabel()


def test_figure_of_predictions(short):
    (figure,) = predictions(short).values()
    for ax, name in zip(figure.axes, ('gle', 'instantaneous')):
        series, predicted = ax.get_lines()
        np.testing.assert_array_equal(series.get_ydata(), short.arrays['target'][0])
        np.testing.assert_array_equal(predicted.get_ydata(), short.arrays[f'{name}.output'][0])
        np.testing.assert_array_equal(predicted.get_xdata(), np.arange(3, 13))
    assert figure.axes[-1].get_xlabel() == 'time (ms)'


# ---------------------------------------------------------------------------------- what it is for
@pytest.mark.slow
@pytest.mark.parametrize('seed', [12345, 12346, 12347])
def test_what_the_networks_learn(tmp_path, seed):
    a = run('mackey-glass', seed=seed, quiet=True, out=tmp_path/'r').arrays
    gle, others = a['gle.nrmse'][-5:].mean(), {
        name: np.ravel(a[f'{name}.nrmse'])[-5:].mean()
        for name in ('instantaneous', 'bptt', 'echo', 'persistence')}
    assert gle < 0.2 and gle < 0.4*others['persistence'] and gle < 0.4*others['instantaneous']
    assert gle < 1.5*others['bptt'] and others['echo'] < 0.02
