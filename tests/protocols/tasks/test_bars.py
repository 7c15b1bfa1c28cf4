import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from brian_le.protocols import load_result, run
from brian_le.protocols.runs import launches
from brian_le.protocols.runs.results import Result
from brian_le.protocols.runs.running import Run
from brian_le.protocols.tasks.bars.task import Bars, dataset, out_lag_steps, scores
from tests.models.golden import files as golden
from tests.reference import microcircuit

CIRCUITS = {'le': 'le', 'original': 'orig'}  # our names, names in recorded files


def parameters(**given):
    return Bars.read(given)


# ------------------------------------------------------------------- recorded runs of the paper
@pytest.mark.parametrize('name', golden.files('bars'))
def test_golden_dataset_and_draws(name):
    file = golden.load(name)
    images, classes = dataset()
    np.testing.assert_array_equal(images, file['X'])
    np.testing.assert_array_equal(classes, file['y'])
    drawn = Bars(parameters(epochs=1000), int(name.split('seed')[1].split('.')[0]))
    np.testing.assert_array_equal(drawn.order, np.hstack([file['train_order'], file['val_order']]))
    for (kind, k), w in drawn.weights.items():
        # recorded in single precision
        np.testing.assert_allclose(w, file[f'init_W_{kind}_{k}'], rtol=0, atol=1.2e-7)


@pytest.mark.parametrize('name, n_steps', [(name, n) for name in golden.files('bars')
                                           for n in (10, 100)])
def test_golden_errors_per_epoch(name, n_steps):
    """The first 100 epochs, with the recorded weights and orders, 1e-4 of the recorded errors."""
    file = golden.load(name)
    weights = {(kind, k): file[f'init_W_{kind}_{k}'].astype(float)
               for kind, k in (('up', 0), ('down', 0), ('pi', 0), ('ip', 0), ('up', 1))}
    order = np.hstack([file['train_order'], file['val_order']])[:100]
    p = parameters(t_pattern=n_steps/10, epochs=100, u_high=float(file['u_high']),
                   u_low=float(file['u_low']))
    bars = Bars(p, 0)
    bars.weights, bars.order = weights, order
    found = Run('cpp_standalone').conduct(bars)
    for circuit, recorded_name in CIRCUITS.items():
        seen, error, accuracy = file[f'val_{recorded_name}_tpres{n_steps}'][:100].T
        np.testing.assert_allclose(found[f'{circuit}.error'], error, rtol=1e-5)
        np.testing.assert_array_equal(found[f'{circuit}.accuracy'], accuracy)


@pytest.mark.slow
@pytest.mark.parametrize('seed', [12345, 12346, 12354])
@pytest.mark.parametrize('t_pattern', ['1 ms', '10 ms'])
def test_learning_succeeds_with_look_ahead_only(tmp_path, seed, t_pattern):
    result = run('bars', t_pattern=t_pattern, seed=seed, out=tmp_path/'r', quiet=True)
    assert (result.arrays['le.accuracy'][300:] == 1).all()
    assert result.arrays['le.accuracy'].shape == (1000,)
    assert result.arrays['original.accuracy'][-100:].mean() < 0.5


# --------------------------------------------------------------------------------- running it
@pytest.fixture(scope='module')
def short(tmp_path_factory):
    """A short run on numpy."""
    return run('bars', t_pattern='1 ms', epochs=4, device='numpy', quiet=True, seed=3,
               out=tmp_path_factory.mktemp('bars')/'short')


def test_result_of_a_run(short):
    a = short.arrays
    assert a['le.error'].shape == a['original.accuracy'].shape == (4,)
    assert a['le.outputs'].shape == (4, 8, 3)
    assert a['le.before_hidden_v_api'].shape == a['original.after_hidden_u'].shape == (80, 3)
    assert a['le.after_output_u_prosp'].shape == (80, 3)
    assert short.description['parameters']['t_pattern'] == 1.0
    assert short.description['seed'] == 3 and short.description['device'] == 'numpy'
    assert set(short.description['versions']) == {'python', 'platform', 'brian-le', 'brian2',
                                                  'numpy'}
    drawn = Bars(parameters(epochs=4), 3)
    np.testing.assert_array_equal(a['order'], drawn.order)
    np.testing.assert_array_equal(a['le.initial_W_up_0'], drawn.weights['up', 0])
    assert (a['le.final_W_up_0'] != drawn.weights['up', 0]).all()
    np.testing.assert_array_equal(a['le.final_W_down_0'], drawn.weights['down', 0])


@pytest.mark.parametrize('name, prospective', [('le', True), ('original', False)])
def test_traces_before_and_after_learning(short, name, prospective):
    """Every pattern once, from silent circuits, with the initial and with the final weights."""
    a, p = short.arrays, parameters(epochs=4)
    for when, weights in (('before', 'initial'), ('after', 'final')):
        matrices = {(kind, k): a[f'{name}.{weights}_W_{kind}_{k}'] for kind, k in (
            ('up', 0), ('up', 1), ('ip', 0), ('pi', 0), ('down', 0))}
        expected = microcircuit(
            matrices, dataset()[0], a['targets'], [False]*8, [False]*8, 10,
            prospective=prospective, dt=0.1, eta_up=[0, 0], eta_ip=[0], eta_pi=[0],
            **{g: getattr(p, g) for g in ('g_l', 'g_b', 'g_a', 'g_d', 'g_som')})
        for trace, reference in (('hidden_u', 'pyr_soma_0'), ('hidden_v_api', 'pyr_apical_0'),
                                 ('hidden_v_bas', 'pyr_basal_0'), ('output_u', 'pyr_soma_1')):
            np.testing.assert_allclose(a[f'{name}.{when}_{trace}'], expected[reference][:, :3],
                                       rtol=0, atol=1e-13)


def test_scores_in_closed_form(short):
    p, order = parameters(epochs=4), short.arrays['order']
    target = np.where(np.eye(3)[dataset()[1]] > 0, 1.0, 0.1)
    perfect = target[order[:, 8:]]
    assert scores(p, order, perfect)['error'].max() == 0
    assert (scores(p, order, perfect)['accuracy'] == 1).all()
    wrong = scores(p, order, np.roll(perfect, 1, axis=2))
    assert (wrong['accuracy'] == 0).all()
    np.testing.assert_allclose(wrong['error'], 2/3*0.9**2)
    found = scores(p, order, short.arrays['le.outputs'])
    np.testing.assert_array_equal(found['error'], short.arrays['le.error'])


@pytest.mark.parametrize('device, prospective', [
    pytest.param('cython', True, marks=pytest.mark.slow), ('cpp_standalone', 'both')])
def test_every_device_finds_the_same(short, tmp_path, device, prospective):
    other = run('bars', t_pattern='1 ms', epochs=4, device=device, quiet=True, seed=3,
                prospective=prospective, out=tmp_path/'r')
    assert set(other.arrays) == {key for key in short.arrays
                                 if prospective == 'both' or not key.startswith('original.')}
    for key, value in other.arrays.items():
        np.testing.assert_allclose(value, short.arrays[key], rtol=0, atol=1e-12, err_msg=key)


def test_one_circuit_alone(short, tmp_path):
    alone = run('bars', t_pattern='1 ms', epochs=4, device='numpy', quiet=True, seed=3,
                prospective=False, out=tmp_path/'r')
    assert not any(key.startswith('le.') for key in alone.arrays)
    for key, value in alone.arrays.items():
        np.testing.assert_array_equal(value, short.arrays[key])


class Interrupted(Exception):
    pass


@pytest.mark.parametrize('device', [
    'numpy', 'cpp_standalone'])
def test_an_interrupted_run_ends_with_the_same_numbers(tmp_path, monkeypatch, device):
    settings = dict(t_pattern='1 ms', epochs=6, device=device, quiet=True, seed=3)
    whole = run('bars', out=tmp_path/'whole', **settings)
    checkpoint = None

    def interrupt(folder, arrays):
        checkpoint(folder, arrays)
        if arrays['done'] > 0:
            raise Interrupted
    with monkeypatch.context() as patch:
        from brian_le.protocols.runs.results import ResultFolder
        checkpoint = ResultFolder.checkpoint
        patch.setattr(ResultFolder, 'checkpoint', interrupt)
        with pytest.raises(Interrupted):
            run('bars', out=tmp_path/'r', **settings)
    assert not (tmp_path/'r').exists() and (tmp_path/'r.part'/'checkpoint.npz').exists()
    continued = run('bars', out=tmp_path/'r', **settings)
    assert not (tmp_path/'r.part').exists()
    assert set(continued.arrays) == set(whole.arrays)
    for key, value in whole.arrays.items():
        np.testing.assert_array_equal(continued.arrays[key], value, err_msg=key)


def test_a_killed_run_leaves_no_result_and_continues(tmp_path):
    command = [sys.executable, '-m', 'brian_le.protocols', 'run', 'bars', '--set',
               't_pattern=0.3ms', '--set', 'epochs=12', '--device', 'numpy', '--quiet', '--out',
               str(tmp_path/'r')]
    process = subprocess.Popen(command)
    while not (tmp_path/'r.part'/'checkpoint.npz').exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sorted(os.listdir(tmp_path)) == ['r.part']
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    whole = run('bars', t_pattern=0.3, epochs=12, device='numpy', quiet=True, out=tmp_path/'whole')
    continued = load_result(tmp_path/'r')
    for key, value in whole.arrays.items():
        np.testing.assert_array_equal(continued.arrays[key], value, err_msg=key)


def test_a_run_that_diverges_says_where_and_leaves_nothing(tmp_path):
    with pytest.raises(FloatingPointError, match="'le_.*' is no longer finite in epoch [12], "
                                                 'between (0 and 16|16 and 32) ms'):
        run('bars', t_pattern='1 ms', epochs=2, device='numpy', quiet=True, activation='linear',
            eta_ip=1e4, eta_pi=1e4, prospective=True, out=tmp_path/'r')
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('n_steps, lag', [(3, 0), (4, 0), (5, 2), (10, 5), (99, 20), (100, 50),
                                          (200, 150), (500, 400), (1000, 800), (5000, 800)])
def test_readout_lag_of_the_paper(n_steps, lag):
    assert out_lag_steps(parameters(t_pattern=n_steps/10)) == lag


def test_summary(short):
    lines = list(Bars.summarize(short))
    assert len(lines) == 2 and lines[0].startswith('Latent Equilibrium')
    assert f"{short.arrays['le.error'][-1]:.2e}" in lines[0]


BAD = {
    'parameter': (dict(t_patern=1), "parameter of 'bars': 't_patern'; did you mean 't_pattern'"),
    'value': (dict(epochs=0), "'epochs' is 0; it has to be at least 1"),
    'device': (dict(device='cuda'), "unknown device: 'cuda'"),
    'seed': (dict(seed=-1), "the seed is '-1'"),
    'seed that is a word': (dict(seed='today'), "the seed is 'today'"),
    'duration': (dict(t_pattern='0.25 ms', device='numpy'), 'not a whole number of time steps'),
    'lag': (dict(out_lag='20 ms', device='numpy'), "'out_lag' is 20 ms"),
    'tau_m below dt': (dict(g_l=20, device='numpy'), 'membrane time constant'),
    'tau_0 below dt': (dict(tau_0=0.01, device='numpy'), 'less than the time step'),
    'negative conductance': (dict(g_a=-1), "'g_a' is -1 1/ms; it has to be at least 0"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    settings, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('bars', quiet=True, out=tmp_path/'r', **settings)
    assert os.listdir(tmp_path) == []


# --------------------------------------------------- one program for many runs; imperfections
SMALL = dict(epochs=3, hidden=3, t_pattern=0.3, prospective='true')
VARIED = {
    'values': dict(t_pattern=0.4, epochs=5, eta_up=0.3, eta_out=0.2, eta_ip=0.1),
    'slow inputs': dict(tau_0=0.4, u_high=0.9, eta_up=0.0),
    'both circuits': dict(prospective='both', out_lag=0.1),
    'imperfect': dict(mismatch=0.1, noise=0.2), 'more imperfect': dict(mismatch=0.3, noise=0.1),
    'dead': dict(dead=0.7), 'dead later': dict(dead=0.4, dead_from=0.5),
}


def conducted(seed, **given):
    return Run('numpy').conduct(Bars(parameters(**SMALL | given), seed))


@pytest.fixture(scope='module')
def shared_runs():
    """All variations one after the other in one process, each with another seed, twice."""
    launches._BUILT.clear()
    runs = [(name, seed) for seed in (1, 2) for name in VARIED]
    return {(name, seed): conducted(seed, **VARIED[name]) for name, seed in runs}


@pytest.mark.parametrize('name', VARIED)
def test_a_program_that_served_other_runs_gives_the_same(shared_runs, name):
    launches._BUILT.clear()
    alone = conducted(2, **VARIED[name])
    for key, values in alone.items():
        np.testing.assert_array_equal(shared_runs[name, 2][key], values, err_msg=key)


def test_imperfections_matter(shared_runs):
    perfect = shared_runs['values', 1]['le.outputs'][:3]
    for name in ('imperfect', 'more imperfect', 'dead'):
        assert np.abs(shared_runs[name, 1]['le.outputs'] - perfect).max() > 1e-3, name


def test_neurons_die_when_they_are_told_to(shared_runs):
    later = shared_runs['dead later', 1]['le.outputs']
    perfect = conducted(1)['le.outputs']
    np.testing.assert_array_equal(later[:2], perfect[:2])  # half of three epochs are two
    assert np.abs(later[2] - perfect[2]).max() > 1e-3


def test_measures_of_tables(shared_runs):
    def measured(name):
        p = parameters(**SMALL | VARIED[name])
        return Bars.measures(Result('', dict(parameters=vars(p)), shared_runs[name, 1]))

    both, alone, dead = map(measured, ('both circuits', 'values', 'dead later'))
    assert set(alone) == {'accuracy', 'final_accuracy', 'error', 'right_from'}
    assert set(both) == {f'{name}.{key}' for name in CIRCUITS for key in alone}
    accuracy = shared_runs['dead later', 1]['le.accuracy']
    assert dead['accuracy_before_death'] == accuracy[:2].mean()
    assert dead['accuracy_at_death'] == accuracy[2]


def test_an_exported_circuit_cannot_lose_neurons_on_the_way():
    with pytest.raises(ValueError, match="'dead_from' is above 0"):
        Bars(parameters(dead=0.5, dead_from=0.5), 1).refuse_export()
