import csv
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from brian_le.programs.program import build_program
from brian_le.protocols import run
from brian_le.protocols.runs.results import Result
from brian_le.protocols.runs.running import Run
from brian_le.protocols.studies import fig5_mimic as fig5_mimic_figures
from brian_le.protocols.sweeps.study_files import get_study
from brian_le.protocols.tasks.mimic.figures import error, outputs, self_prediction, weights
from brian_le.protocols.tasks.mimic.task import WEIGHTS, Mimic, draw
from tests.models.golden import files as golden
from tests.models.golden.mimic import recording
from tests.reference import microcircuit, softplus

CONDUCTANCES = ('g_l', 'g_b', 'g_a', 'g_d', 'g_som')


def parameters(**given):
    return Mimic.read(given)


# ------------------------------------------------------------------- recorded runs of the paper
@pytest.fixture(scope='module')
def compiled():
    return Run('cpp_standalone')


@pytest.mark.parametrize('name', golden.files('mimic'))
def test_golden_draws(name):
    file = recording(name)
    draws = draw(parameters(), file.seed)
    for key in ('order', 'selfpred', 'evaluated'):
        np.testing.assert_array_equal(getattr(draws, key), getattr(file.draws, key))
    # recorded in single precision
    np.testing.assert_allclose(draws.inputs, file.draws.inputs, rtol=0, atol=1.2e-7)
    np.testing.assert_allclose([draws.teacher['up', k].item() for k in (0, 1)], file.teacher,
                               rtol=0, atol=1.2e-7)
    for key, w in file.draws.weights.items():
        np.testing.assert_allclose(draws.weights[key], w, rtol=0, atol=1.2e-7)


@pytest.mark.parametrize('name', golden.files('mimic'))
def test_golden_run(name, compiled):
    """Both stages, all 500 epochs, as far as single precision goes."""
    file, p = recording(name), parameters()
    file.draws.teacher = draw(p, file.seed).teacher
    own = Mimic(p, file.seed)
    own.draws = file.draws
    found = compiled.conduct(own)
    np.testing.assert_allclose(found['targets'], file.targets, rtol=0, atol=5e-7)
    for key, values in file.selfpred.items():
        np.testing.assert_allclose(found[f'selfpred.{key}'], values, rtol=0, atol=1.5e-6,
                                   err_msg=key)
    # The weight of the hidden neuron is the least certain, once errors are of single precision;
    # where it leaves for its limit of 4, that of seed 12347, single precision is off by 1e-3.
    lost = 30 if np.abs(file.weights['up0']).max() > 1.5 else 1
    for key, values in file.weights.items():
        validation = found[f'training.{key}'].reshape(-1, 12)[:, 6:]
        np.testing.assert_allclose(validation[:10], values[:10], rtol=0, atol=1e-5, err_msg=key)
        np.testing.assert_allclose(validation, values, rtol=0, atol=lost*5e-5, err_msg=key)
    np.testing.assert_allclose(found['error'][:10], file.error[:10], rtol=6e-5)
    np.testing.assert_allclose(found['error']**0.5, file.error**0.5, rtol=0, atol=lost*4e-6)
    wanted = found['targets'][file.draws.evaluated]
    np.testing.assert_allclose(np.mean((found['before.outputs'] - wanted)**2), file.before,
                               rtol=1e-6)
    assert np.mean((found['after.outputs'] - wanted)**2) < 2*file.after.max()


def result_of(arrays, p, seed):
    return Result('', dict(parameters=vars(p), seed=seed), arrays)


def test_the_paper_s_seed_learns_what_the_teacher_knows(compiled):
    p = parameters()
    found = Mimic.measures(result_of(compiled.conduct(Mimic(p, 12345)), p, 12345))
    assert abs(found['w_up0'] + 0.251) < 0.012 and abs(found['w_up1'] + 0.688) < 0.012
    assert found['error'] < 1e-5 and found['apical'] < 1e-4
    assert found['distance'] == pytest.approx(0.00900, abs=2e-5)


@pytest.mark.parametrize('seed, hidden, error', [(2, -0.2566, 1.1e-7), (12347, 3.996, 0.0600)])
def test_errors_of_the_wrong_sign_lead_away(compiled, seed, hidden, error):
    """The published code has the same end for 12347; of seed 2 the signs fit."""
    p = parameters()
    result = result_of(compiled.conduct(Mimic(p, seed)), p, seed)
    found = Mimic.measures(result)
    assert found['w_up0'] == pytest.approx(hidden, abs=1e-3)
    assert found['error'] == pytest.approx(error, rel=0.05)
    wrong = result.arrays['training.down0'][0]*result.arrays['teacher'][1] < 0
    assert wrong == (seed == 12347) == any('wrong sign' in line for line in Mimic.summarize(result))


def test_the_table_of_the_study():
    """Those with feedback of the right sign learn, all circuits predict themselves."""
    with open(Path(__file__).parents[3]/'docs/tables/fig5-mimic.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    plan = [run for _, run in get_study('fig5-mimic').plan()]
    assert [row['run'] for row in rows] == [run.key for run in plan]
    for row, planned in zip(rows, plan):
        draws = draw(parameters(), planned.seed)
        right = draws.weights['down', 0].item()*draws.teacher['up', 1].item() > 0
        assert (float(row['error']) < 1e-5) == right == (float(row['distance']) < 0.06)
        assert float(row['apical']) < 1e-4


# --------------------------------------------------------------------------- beside plain NumPy
SHORT = dict(t_pattern=0.08, selfpred_epochs=2, epochs=3, selfpred_eta_ip=2, selfpred_eta_pi=3,
             eta_up=2, eta_out=1, eta_ip=1.5, eta_pi=0.7)


@pytest.fixture(scope='module')
def short(tmp_path_factory):
    """Short runs on numpy, by seed; both with the program that the first has built."""
    folder = tmp_path_factory.mktemp('mimic')
    return {seed: run('mimic', device='numpy', quiet=True, seed=seed, out=folder/str(seed),
                      **(SHORT if seed == 3 else SHORT | dict(eta_up=1, teacher_seed=5)))
            for seed in (3, 4)}


@pytest.mark.parametrize('seed', [3, 4])
def test_run_as_in_plain_numpy(short, seed):
    found = short[seed].arrays
    p = SimpleNamespace(**short[seed].description['parameters'])
    draws = draw(p, seed)
    fixed = dict(n_steps=8, prospective=True, dt=p.dt, phi=softplus,
                 **{g: getattr(p, g) for g in CONDUCTANCES})
    none = dict(eta_up=[0, 0], eta_ip=[0], eta_pi=[0])
    untaught = [[0.0]]*12

    def shown(weights, order, targets, nudged, learning, **eta):
        eta = {key: np.array(value)/p.t_pattern for key, value in (none | eta).items()}
        return microcircuit(weights, draws.inputs[order], targets, nudged, learning, **fixed, **eta)

    teacher = shown(draws.teacher, np.arange(6), untaught, [0]*6, [0]*6)
    targets = teacher['pyr_forw_1'].reshape(6, 8).mean(axis=1)
    np.testing.assert_allclose(found['targets'], targets, rtol=0, atol=1e-13)

    first = shown(draws.weights, draws.selfpred.ravel(), untaught, [0]*12, [1]*12,
                  eta_ip=[p.selfpred_eta_ip], eta_pi=[p.selfpred_eta_pi])
    names = {'apical': 'pyr_apical_0', 'output': 'pyr_forw_1', 'inter': 'inn_forw_0',
             **{name: f'W_{kind}_{k}' for (kind, k), name in WEIGHTS.items()}}
    for name, reference in names.items():
        np.testing.assert_allclose(found[f'selfpred.{name}'], first[reference].ravel(), rtol=0,
                                   atol=1e-12, err_msg=name)

    after = {key: first[f'W_{key[0]}_{key[1]}'][-1] for key in WEIGHTS}
    flags = np.tile(np.repeat([1, 0], 6), p.epochs)
    order = draws.order.ravel()
    second = shown(after, order, targets[order, None], flags, flags, eta_up=[p.eta_up, p.eta_out],
                   eta_ip=[p.eta_ip], eta_pi=[p.eta_pi])
    for name, reference in names.items():
        np.testing.assert_allclose(found[f'training.{name}'], second[reference].ravel()[7::8],
                                   rtol=0, atol=1e-12, err_msg=name)
    means = second['pyr_forw_1'].reshape(p.epochs, 12, 8).mean(axis=2)[:, 6:]
    np.testing.assert_allclose(found['outputs'], means, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found['error'], np.mean(
        (means - targets[draws.order[:, 6:]])**2, axis=1), rtol=1e-9)
    for when, weights_then in (('before', after), ('after', {
            key: second[f'W_{key[0]}_{key[1]}'][-1] for key in WEIGHTS})):
        seen = shown(weights_then, draws.evaluated, untaught, [0]*6, [0]*6)['pyr_forw_1'].ravel()
        np.testing.assert_allclose(found[f'{when}.output'], seen, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found[f'{when}.outputs'], seen.reshape(6, 8).mean(axis=1),
                                   rtol=0, atol=1e-12)


def test_numbers_do_not_depend_on_checkpoints(short, tmp_path, monkeypatch):
    monkeypatch.setattr('brian_le.protocols.runs.running._CHUNK_SECONDS', 0)  # one epoch in each
    other = run('mimic', device='numpy', quiet=True, seed=3, out=tmp_path/'r', **SHORT)
    assert set(other.arrays) == set(short[3].arrays)
    for key, value in short[3].arrays.items():
        np.testing.assert_array_equal(other.arrays[key], value, err_msg=key)


def test_as_in_an_exported_project(short):
    own = Mimic(parameters(**SHORT), 3)
    end = build_program(own.compose_whole, 'numpy')({}, own.exported_steps()) | own.kept()
    found = own.result(end, own.rows(end))
    assert set(found) == {key for key in short[3].arrays
                          if not key.startswith(('before', 'after'))}
    for key, value in found.items():
        np.testing.assert_array_equal(value, short[3].arrays[key], err_msg=key)


def test_measures(short):
    a = short[3].arrays
    found = Mimic.measures(short[3])
    assert found['w_up0'] == a['training.up0'][-1] and found['w_up1'] == a['training.up1'][-1]
    assert found['error'] == a['error'][-1]
    assert found['distance'] == max(abs(a['training.up0'][-1] - a['teacher'][0]),
                                    abs(a['training.up1'][-1] - a['teacher'][1]))
    assert found['apical'] == pytest.approx(np.abs(a['selfpred.apical'][-8:]).mean())
    assert f"{found['error']:.1e}" in list(Mimic.summarize(short[3]))[2]


BAD = {
    'parameter': (dict(t_patern=1), "parameter of 'mimic': 't_patern'; did you mean 't_pattern'"),
    'value': (dict(epochs=0), "'epochs' is 0; it has to be at least 1"),
    'duration': (dict(t_pattern='0.025 ms'), 'not a whole number of time steps'),
    'tau_m below dt': (dict(g_l=200), 'membrane time constant'),
    'no dendrite': (dict(g_d=0), 'g_d is 0'),
    'teacher': (dict(teacher_seed=-1), "'teacher_seed' is -1; it has to be at least 0"),
    'negative conductance': (dict(g_a=-1), "'g_a' is -1 1/ms; it has to be at least 0"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    settings, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('mimic', quiet=True, device='numpy', out=tmp_path/'r', **settings)
    assert os.listdir(tmp_path) == []


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_a_run_that_diverges_says_where_and_leaves_nothing(tmp_path):
    with pytest.raises(FloatingPointError, match='is no longer finite in epoch 1'):
        run('mimic', quiet=True, device='numpy', out=tmp_path/'r', **SHORT | dict(
            activation='linear', eta_ip=1e150, eta_pi=1e150))
    assert os.listdir(tmp_path) == []


# --------------------------------------------------------------------------------------- figures
def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_figure_of_weights(short):
    a = short[3].arrays
    first, second = weights(short[3])['weights'].axes
    for axes, stage, shown in ((first, 'selfpred', {'pyramidal to interneuron': 'ip0',
                                                    'interneuron to pyramidal': 'pi0'}),
                               (second, 'training', {'forward, hidden neuron': 'up0',
                                                     'forward, output': 'up1'})):
        for label, name in shown.items():
            np.testing.assert_array_equal(curves(axes)[label].get_ydata(), a[f'{stage}.{name}'])
    goals = [line.get_ydata()[0] for axes in (first, second) for line in axes.get_lines()
             if line.get_linestyle() == ':']
    np.testing.assert_array_equal(goals, [a['selfpred.up1'][-1], -a['selfpred.down0'][-1],
                                          *a['teacher']])
    assert first.get_xlabel() == 'time (ms)' and second.get_xlabel() == 'epoch'
    assert curves(second)['forward, output'].get_xdata()[-1] == 3


def test_figure_of_self_prediction(short):
    a = short[3].arrays
    above, below = self_prediction(short[3])['self-prediction'].axes
    np.testing.assert_array_equal(curves(above)['interneuron'].get_ydata(), a['selfpred.inter'])
    np.testing.assert_array_equal(curves(below)['in every step'].get_ydata(),
                                  np.abs(a['selfpred.apical']))
    assert below.get_yscale() == 'log' and below.get_xlabel() == 'time (ms)'


def test_figure_of_the_error(short):
    (axes,) = error(short[3])['error'].axes
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), short[3].arrays['error'])
    assert axes.get_yscale() == 'log' and axes.get_xlabel() == 'epoch'


def test_figure_of_outputs(short):
    for axes, when in zip(outputs(short[3])['outputs'].axes, ('before', 'after')):
        np.testing.assert_array_equal(curves(axes)['output'].get_ydata(),
                                      short[3].arrays[f'{when}.output'])
        assert axes.get_title().startswith(when)


def test_the_figure_of_all_runs_says_how_many_have_failed():
    arrays = {'selfpred.down0': np.ones(3), 'teacher': np.ones(2), 'error': np.array([1, 0.1])}
    rows = [dict(seed=1), dict(seed=2, failed='why')]
    for there, said in (rows, 'runs (1 of 2)'), (rows[:1], ''):
        study = SimpleNamespace(rows=there, finished=rows[:1],
                                runs=lambda: [(rows[0], SimpleNamespace(arrays=arrays))])
        figure, = fig5_mimic_figures.seeds(study).values()
        assert figure.axes[0].get_legend().get_title().get_text() == said
