import csv
from pathlib import Path

import numpy as np
import pytest

from brian_le.programs.program import build_program
from brian_le.protocols import check_protocol, run
from brian_le.protocols.runs import launches
from brian_le.protocols.runs.results import Result
from brian_le.protocols.runs.running import Run
from brian_le.protocols.studies import feedback as feedback_study_figures
from brian_le.protocols.sweeps.study_files import get_study
from brian_le.protocols.tasks.feedback import figures as feedback_figures
from brian_le.protocols.tasks.feedback.task import Feedback

KINDS = ('transposed', 'random', 'learned')
FORWARD = {('up', 0), ('up', 1), ('ip', 0)}
KEPT = {'transposed': FORWARD, 'learned': FORWARD | {('down', 0)},
        'random': FORWARD | {('down', 0), ('pi', 0)}}
SMALL = dict(hidden=4, samples=12, validation=6, t_pattern=0.1, epochs=2, eta_down=50, noise=0.3)


def feedback(seed=2, **given):
    return Feedback(Feedback.read({**SMALL, **given}), seed)


def simulate(device='numpy', **given):
    """The arrays of a run."""
    return Run(device).conduct(feedback(**given))


# ------------------------------------------------------------------------------------------- a run
@pytest.fixture(scope='module')
def shared_runs():
    """All kinds one after the other in one process, each with other values and seeds before."""
    launches._BUILT.clear()
    for kind in KINDS:
        simulate(feedback=kind, noise=0.1, epochs=1, t_pattern=0.2, alpha=0.1, tau_high=0.3,
                 w_max=2, eta_up=1, eta_down=1, tau_0=0.2, seed=7)
    found = {kind: simulate(feedback=kind) for kind in KINDS}
    assert len(launches._BUILT) == len(KINDS)
    return found


@pytest.mark.parametrize('kind', KINDS)
def test_result_of_a_run(shared_runs, kind):
    a, run_ = shared_runs[kind], feedback(feedback=kind)
    weights, _ = run_.drawn
    assert a['accuracy'].shape == a['error'].shape == a['angle'].shape == (2,)
    assert a['outputs'].shape == (6, 3)
    assert {key for key in a if '_W_' in key} == {
        f'{when}_W_{name}_{k}' for when in ('initial', 'final') for name, k in weights}
    for (name, k), matrix in weights.items():
        np.testing.assert_array_equal(a[f'initial_W_{name}_{k}'], matrix)
    assert set(weights) == KEPT[kind]
    learns = {'up', 'ip'} | ({'down'} if kind == 'learned' else set())
    for name, k in weights:
        changed = np.abs(a[f'final_W_{name}_{k}'] - weights[name, k]).max()
        assert changed > 1e-6 if name in learns else changed == 0, name
    np.testing.assert_array_equal(run_.scores(a['outputs'][None])['error'], a['error'][-1:])


def test_angles_of_a_run(shared_runs):
    assert (shared_runs['transposed']['angle'] == 0).all()
    for kind in ('random', 'learned'):
        a = shared_runs[kind]
        for when, found in (('initial', a['initial_angle']), ('final', a['angle'][-1])):
            x, y = (a[f'{when}_W_{w}'] for w in ('down_0', 'up_1'))
            expected = np.arccos(np.sum(x*y.T)/np.sqrt(np.sum(x**2)*np.sum(y**2)))
            np.testing.assert_allclose(found, np.degrees(expected), rtol=1e-9)


@pytest.mark.parametrize('kind', ['transposed', 'learned'])
def test_a_program_that_served_other_runs_gives_the_same(shared_runs, kind):
    launches._BUILT.clear()
    alone = simulate(feedback=kind)
    for key, values in alone.items():
        np.testing.assert_array_equal(shared_runs[kind][key], values, err_msg=key)


def test_compiled_runs_find_the_same_and_align(shared_runs):
    """The same numbers, and, from the same program, a longer run in which weights align."""
    found = simulate('cpp_standalone', feedback='learned')
    for key, values in shared_runs['learned'].items():
        np.testing.assert_allclose(found[key], values, rtol=0, atol=1e-9, err_msg=key)
    longer = dict(SMALL, t_pattern=400.0, epochs=5, eta_down=300, noise=0.4, alpha=1e-3, eta_up=1,
                  eta_out=0.1, tau_0=0.2)
    aligned = simulate('cpp_standalone', **longer, feedback='learned')
    assert aligned['initial_angle'] > 60
    assert aligned['angle'][-1] < 25


def test_an_interrupted_run_ends_with_the_same_numbers(shared_runs, tmp_path, monkeypatch):
    from brian_le.protocols.runs.results import ResultFolder

    settings = dict(SMALL, feedback='learned', device='numpy', quiet=True, seed=2)
    checkpoint = ResultFolder.checkpoint

    def interrupt(folder, values):
        checkpoint(folder, values)
        raise KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr(ResultFolder, 'checkpoint', interrupt)
        with pytest.raises(KeyboardInterrupt):
            run('feedback', out=tmp_path/'r', **settings)
    continued = run('feedback', out=tmp_path/'r', **settings).arrays
    for key, values in shared_runs['learned'].items():
        np.testing.assert_array_equal(continued[key], values, err_msg=key)


def test_draws_of_all_kinds_are_the_same():
    weights, orders = zip(*(feedback(5, feedback=kind).drawn for kind in KINDS))
    for key in weights[0]:
        for others in weights[1:]:
            np.testing.assert_array_equal(others[key], weights[0][key])
    np.testing.assert_array_equal(weights[1]['down', 0], weights[2]['down', 0])
    np.testing.assert_array_equal(weights[1]['pi', 0], -weights[1]['down', 0])
    for order in orders:
        np.testing.assert_array_equal(order, orders[0])
        np.testing.assert_array_equal(np.sort(order[:, :12], axis=1), [np.arange(12)]*2)
        np.testing.assert_array_equal(order[:, 12:], [np.arange(12, 18)]*2)


def test_scores_in_closed_form():
    run_ = feedback()
    perfect = run_.targets[12:]
    np.testing.assert_array_equal(perfect.argmax(axis=1), run_.samples[1][12:])
    assert run_.scores(perfect[None]) == {'error': 0, 'accuracy': 1}
    wrong = run_.scores(np.roll(perfect, 1, axis=1)[None])
    assert wrong['accuracy'] == 0
    np.testing.assert_allclose(wrong['error'], 2/3*(run_.p.u_high - run_.p.u_low)**2)


def test_measures_and_summary():
    a = dict(accuracy=np.linspace(0.1, 2, 20), error=np.arange(20.)[::-1],
             angle=np.arange(20.), initial_angle=np.array(80.0))
    result = Result('', dict(parameters=dict(feedback='random'), seed=1), a)
    found = Feedback.measures(result)
    np.testing.assert_allclose(found['accuracy'], 1.95)  # of the last two epochs
    assert found['final_accuracy'] == found['best_accuracy'] == 2
    assert (found['error'], found['initial_angle'], found['angle']) == (0.5, 80, 19)
    line, = Feedback.summarize(result)
    assert line.startswith('random feedback: accuracy 1.950')
    assert line.endswith('80.0 degrees at first, 19.0 at the end')


@pytest.mark.parametrize('kind', ['random', 'learned'])
def test_what_all_protocols_keep_to(kind):
    check_protocol(Feedback, feedback=kind, **SMALL)


def test_exported_project(shared_runs):
    """All variables of the whole run, with what is kept beside it, are a result but for angles."""
    own = feedback(feedback='learned')
    end = {**build_program(own.compose_whole, 'numpy')({}, own.total*own.n_steps), **own.kept()}
    assert own.total*own.n_steps == 2*18*5
    found = feedback(feedback='learned').result(end, own.rows(end))
    np.testing.assert_array_equal(found.pop('order'), own.drawn[1])
    assert set(found) == set(shared_runs['learned']) - {'angle'}
    for key, values in found.items():
        np.testing.assert_allclose(values, shared_runs['learned'][key], rtol=0, atol=1e-9,
                                   err_msg=key)


BAD = {
    'decay': (dict(alpha=-1), "'alpha' is -1"),
    'kind': (dict(feedback='learnt'), "'feedback'.*learnt"),
    'duration': (dict(t_pattern='0.05 ms'), 'not a whole number of time steps'),
    'filter': (dict(tau_high='0.01 ms'), "'tau_high' is 0.01 ms, with which nothing passes"),
    'inputs': (dict(tau_0='0.01 ms'), 'less than the time step'),
    'no noise': (dict(noise=0), "needs noise; give 'noise' above 0"),
    'conductance': (dict(g_a=-1), "'g_a' is -1 1/ms"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_leaves_nothing_behind(tmp_path, case):
    settings, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        run('feedback', device='numpy', quiet=True, out=tmp_path/'r', **settings)
    assert not list(tmp_path.iterdir())


# ----------------------------------------------------------------------------------------- figures
class Study:
    """As much of a study as figures need."""

    def __init__(self, results):
        self.rows = [dict(feedback=kind) for kind in results for _ in range(2)]
        self._results = results

    def runs(self):
        return [(row, self._results[row['feedback']]) for row in self.rows if 'failed' not in row]


def test_figures_show_the_arrays(shared_runs):
    results = {kind: Result('', dict(parameters=dict(feedback=kind), seed=2), a)
               for kind, a in shared_runs.items()}
    figure, = feedback_figures.learning(results['learned']).values()
    accuracy, turned = (ax.lines[0].get_ydata() for ax in figure.axes)
    np.testing.assert_array_equal(accuracy, 100*shared_runs['learned']['accuracy'])
    np.testing.assert_array_equal(turned[1:], shared_runs['learned']['angle'])
    assert feedback_figures.weights(results['transposed']) == {}
    figure, = feedback_figures.weights(results['random']).values()
    np.testing.assert_array_equal(figure.axes[0].lines[1].get_ydata(),
                                  shared_runs['random']['final_W_down_0'].ravel())
    study = Study(results)
    figure, = feedback_study_figures.angle(study).values()
    curves = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    for kind, a in shared_runs.items():
        np.testing.assert_allclose(curves[kind], np.append(a['initial_angle'], a['angle']))
    figure, = feedback_study_figures.accuracy(study).values()
    curves = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    a = shared_runs['random']['accuracy']
    np.testing.assert_allclose(curves['random'], 100*np.array([a[0], a.mean()]))
    study.rows += [dict(feedback='random', failed='why')]
    for draw in (feedback_study_figures.angle, feedback_study_figures.accuracy):
        figure, = draw(study).values()
        assert 'random (2 of 3)' in [line.get_label() for line in figure.axes[0].lines]


def test_the_table_of_the_study():
    """Learned feedback turns closer to the forward weights, and serves better, than random."""
    with open(Path(__file__).parents[3]/'docs/tables/feedback.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert sorted(row['run'] for row in rows) == sorted(
        run.key for _, run in get_study('feedback').plan())
    angle, accuracy = ({kind: np.array([float(row[key]) for row in rows
                                        if row['feedback'] == kind]) for kind in KINDS}
                       for key in ('angle', 'accuracy'))
    begin = np.array([float(row['initial_angle']) for row in rows
                      if row['feedback'] == 'learned'])
    assert (angle['transposed'] == 0).all() and (abs(begin - 90) < 12).all()
    assert angle['learned'].max() < angle['random'].min() < begin.min()
    assert angle['learned'].mean() < 46
    assert accuracy['transposed'].min() > accuracy['learned'].max()
    assert accuracy['learned'].mean() > accuracy['random'].mean() + 0.01


def test_the_study_plans_all_kinds():
    plan = get_study('feedback').plan()
    assert {each.parameters['feedback'] for _, each in plan} == set(KINDS)
