"""Sweeps of models in a file of the user's."""

import itertools
import os
import re
import textwrap

import numpy as np
import pytest
from brian2 import Hz, mV, ms, nS, second

from brian_le.programs.cpp_project import write_project
from brian_le.protocols import load_study, plot, sweep
from brian_le.protocols.cli import main
from brian_le.protocols.sweeps.targets import get_target
from brian_le.protocols.sweeps.user_models import Argument

DECAY = '''
    from brian2 import Network, NeuronGroup, defaultclock, ms, mV
    import neighbour

    def build(tau=10*ms, n=2, seed=0, v_start=1.0, slow=False, weights=(1, 2)):
        defaultclock.dt = 0.1*ms
        cells = NeuronGroup(n, """dv/dt = (g - v)/tau : 1
                                  g : 1 (constant)
                                  tau : second (shared, constant)""", method='euler', name='cells')
        cells.v, cells.tau = v_start + seed, tau*(2 if slow else 1)
        return [cells], 5*ms, neighbour.score
'''
NEIGHBOUR = '''
    def score(variables):
        return {'mean': variables['cells.v'].mean(), 'v': variables['cells.v'][:, None]}
'''
QUICK = dict(device='numpy', jobs=1, quiet=True)


@pytest.fixture
def model(tmp_path, monkeypatch):
    (tmp_path/'model.py').write_text(textwrap.dedent(DECAY))
    (tmp_path/'neighbour.py').write_text(textwrap.dedent(NEIGHBOUR))
    monkeypatch.chdir(tmp_path)
    return 'model.py:build'


def decayed(tau, start, goal=0.0):
    """Forward Euler, 50 steps of 0.1 ms; `tau` in ms."""
    return goal + (start - goal)*(1 - 0.1/tau)**50


def test_arguments_and_seeds(model):
    study = sweep(model, grid=dict(tau=['5 ms', 20*ms], n=[1, '3']), seeds=[0, 2], **QUICK, out='s')
    assert [(row['tau'], row['n'], row['seed']) for row in study.rows] == list(
        itertools.product((0.005, 0.02), (1, 3), (0, 2)))
    for row, result in study.runs():
        assert row['mean'] == pytest.approx(decayed(1e3*row['tau'], 1 + row['seed']), rel=1e-12)
        assert result.arrays['v'].shape == (row['n'], 1) and 'v' not in row
    assert study.description['columns'] == {'tau': 's', 'n': ''}
    assert load_study('s').rows == study.rows


def test_variables_need_no_new_build(model, monkeypatch):
    from brian_le.protocols.sweeps import user_models
    compositions = []
    build = user_models.build_program
    monkeypatch.setattr(user_models, 'build_program', lambda compose, device: (
        compositions.append(1), build(compose, device))[1])
    study = sweep(model, grid={'cells.g': [1, 2], 'cells.tau': ['5 ms', '10 ms']},
                  set=dict(slow='true'), seeds='0,', **QUICK, out='s')
    for row in study.rows:
        assert row['mean'] == pytest.approx(decayed(1e3*row['cells.tau'], 1, row['cells.g']),
                                            rel=1e-12)
    assert len(compositions) <= 2  # for the names of the variables, and for the runs


@pytest.mark.slow
def test_one_binary(model):
    study = sweep(model, grid={'cells.g': [1, 2]}, seeds='0,2', jobs=1, quiet=True, out='s')
    for row in study.rows:
        assert row['mean'] == pytest.approx(decayed(10, 1 + row['seed'], row['cells.g']), rel=1e-12)


def test_from_a_study_file_elsewhere(model, tmp_path, monkeypatch):
    (tmp_path/'paper').mkdir()
    (tmp_path/'paper'/'s.toml').write_text('target = "../model.py:build"\n[grid]\nslow = '
                                           '[true, false]\nn = [1, 2]\n')
    monkeypatch.chdir('/')
    study = sweep(tmp_path/'paper'/'s.toml', **QUICK, out=tmp_path/'s')
    assert [(row['slow'], row['n']) for row in study.rows] == [
        (True, 1), (True, 2), (False, 1), (False, 2)]
    assert any(file.name == 'measures.png' for file in plot(tmp_path/'s'))


def test_a_model_that_has_changed_is_another_study(model, tmp_path):
    sweep(model, **QUICK, out='s')
    with open('model.py', 'a') as file:
        file.write('\n# changed\n')
    with pytest.raises(ValueError, match='the file of the model, or one .* has changed since'):
        sweep(model, **QUICK, out='s')


def test_a_neighbour_that_has_changed_is_another_study(model):
    sweep(model, **QUICK, out='s')
    with open('neighbour.py', 'w') as file:
        file.write('def score(variables):\n    return {"mean": -1.0}\n')
    with pytest.raises(ValueError, match='one beside it that it imports, has changed since'):
        sweep(model, **QUICK, out='s')
    assert sweep(model, **QUICK, out='t').table['mean'] == [-1.0]  # loaded anew


def test_a_study_that_was_moved_with_its_files(model, tmp_path, monkeypatch, capsys):
    old = tmp_path/'old'
    old.mkdir()
    (old/'s.toml').write_text('target = "model.py:build"\nfigures = "mine.py"\n')
    (old/'mine.py').write_text(
        'from brian_le.protocols.plotting import new_figure\n__all__ = ["one"]\n'
        'def one(study):\n    return {"mine": new_figure()[0]}\n')
    for name in ('model.py', 'neighbour.py'):
        (tmp_path/name).rename(old/name)
    before = sweep(old/'s.toml', **QUICK, out=old/'res')
    old.rename(tmp_path/'new')
    monkeypatch.chdir(tmp_path/'new')
    assert plot('res', figures='mine.py')[0].name == 'mine.png'
    assert sweep('s.toml', **QUICK, out='res').rows == before.rows
    (tmp_path/'new'/'mine.py').unlink()
    with pytest.raises(ValueError, match="no file '.*mine.py'"):
        plot('res', figures='mine.py')


USUAL = """
    import numpy as np
    from brian2 import NeuronGroup, StateMonitor, ms
    gain = 2.0

    def build(tau=10*ms, I=0.5, seed=1, several=False):
        cells = NeuronGroup(5, '''dv/dt = (gain*I - v)/tau : 1
                                  I : 1 (constant)''' if several else
                            'dv/dt = (gain*I - v)/tau : 1', method='euler', name='cells')
        if several:
            cells.I = [0.0, 0.0, 0.0, 0.0, I]
        monitor = StateMonitor(cells, 'v', record=[0, 4], name='monitor', dt=1*ms)
        nothing = StateMonitor(cells, 'v', record=[], name='nothing')
        return [cells, monitor, nothing], 5*ms, lambda found: dict(
            shape=np.array(found['monitor.v'].shape), recorded=found['monitor.v'],
            times=found['monitor.t'])
"""


@pytest.fixture
def usual(tmp_path, monkeypatch):
    (tmp_path/'usual.py').write_text(textwrap.dedent(USUAL))
    monkeypatch.chdir(tmp_path)
    return 'usual.py:build'


@pytest.mark.parametrize('device', ['numpy', pytest.param('cpp_standalone',
                                                          marks=pytest.mark.slow)])
def test_names_of_the_file_and_recordings(usual, device, caplog):
    study = sweep(usual, grid={'several': [True, False]}, **QUICK | {'device': device}, out='s')
    for row, result in study.runs():
        recorded = result.arrays['recorded']
        assert recorded.shape == (2, 5) == tuple(result.arrays['shape'])
        np.testing.assert_allclose(result.arrays['times'], [0, 1e-3, 2e-3, 3e-3, 4e-3], atol=1e-12)
        wanted = 1 - 0.99**(10*np.arange(5))
        np.testing.assert_allclose(recorded[1], wanted, rtol=1e-12)
        np.testing.assert_allclose(recorded[0], 0*wanted if row['several'] else wanted, rtol=1e-12)
    assert 'internal variable' not in caplog.text


def test_one_group_or_a_network(usual):
    for objects in ('cells', 'Network(cells)', '{1: [cells]}'):
        with open('usual.py', 'w') as file:
            file.write('from brian2 import *\nn = 3\ndef build(goal=1.0):\n'
                       "    cells = NeuronGroup(n, 'v : 1\\nw = goal : 1', name='cells')\n"
                       f"    return {objects}, 1*ms, lambda found: len(found['cells.v'])\n")
        assert sweep(usual, **QUICK, out=f's{len(objects)}').table['score'] == [3]


@pytest.mark.parametrize('line, message', [
    ("{}['weights']", "'usual.py:build' failed with goal=2.0, seed=7: KeyError: 'weights' "
     '(usual.py, line 4)'),
    ('cells.v = 1*mV', 'DimensionMismatchError: v should be set with a dimensionless value'),
    ("return 'cells', 1*ms, len", 'TypeError: Can only add objects'),
    ("return [], 1*ms, len", 'returns no objects'),
    ("return cells, '10ms', len", "is '10ms'; return a time, such as 10*ms"),
    ('return cells, 10, len', 'is 10; return a time'),
    ('return cells, [1, 2]*ms, len', 'return a time'),
    ("return NeuronGroup(1, 'dv/dt = x/ms : 1'), 1*ms, len", 'The identifier "x" could not be '
     "resolved.'; names in equations are arguments of 'build'"),
    ("return NeuronGroup(1, 'dv/dt = goal : 1'), 1*ms, len", 'failed with goal=2.0, seed=7: '
     'DimensionMismatchError'),
])
def test_errors_in_build(usual, capsys, line, message):
    with open('usual.py', 'w') as file:
        file.write('from brian2 import *\ndef build(goal=1.0, seed=0):\n'
                   f"    cells = NeuronGroup(1, 'v : 1', name='cells')\n    {line}\n")
    assert main(['sweep', usual, '--set', 'goal=2', '--seeds', '7,', '--device', 'numpy', '--jobs',
                 '1', '--quiet', '--out', 's']) == 2
    error = capsys.readouterr().err
    assert message in error and error.count('\n') == 1
    assert not os.path.exists('s')


def test_a_score_of_what_is_not_there(model, capsys):
    variant('neighbour.score', "lambda found: found['cells.vv']")
    assert main(['sweep', model, '--device', 'numpy', '--jobs', '1', '--quiet', '--out', 's']) == 1
    capsys.readouterr()
    main(['status', 's'])
    error = capsys.readouterr().out
    assert ("the score of 'model.py:build' failed with seed=12345: ValueError: unknown variable: "
            "'cells.vv'; did you mean 'cells.v'") in error


def test_what_is_checked_is_said_and_finished_runs_are_not_checked(model, capsys, monkeypatch):
    sweep(model, **QUICK, grid={'n': [1, 2]}, out='s')
    assert not capsys.readouterr().err
    sweep(model, **QUICK | {'quiet': False}, grid={'n': [1, 2, 3]}, out='s')
    assert "checking 'model.py:build' with 1 combination of its arguments ..." in (
        capsys.readouterr().err)
    sweep(model, **QUICK | {'quiet': False}, grid={'n': [1, 2, 3]}, out='s')
    assert 'checking' not in capsys.readouterr().err


def test_notation_does_not_matter(model):
    study = sweep(model, grid={'tau': ['0.7 ms', '0.0007 s', '700 us', 700e-6*second]}, **QUICK,
                  out='s')
    assert study.table['tau'] == [0.0007]


def variant(old, new):
    with open('model.py', 'r+') as file:
        text = file.read().replace(old, new)
        file.seek(0), file.truncate(), file.write(text)


@pytest.mark.parametrize('change, arguments, message', [
    (None, ['--grid', 'taau=5ms'], "unknown argument of 'build': 'taau'; did you mean 'tau'"),
    (None, ['--grid', 'tau=5ms,1mV'], "'tau' is '1mV', but it is in units of s"),
    (None, ['--grid', 'tau=5'], "'tau' is '5', but it is in units of s"),
    (None, ['--grid', 'tau=5msx'], "'msx' is not a unit"),
    (None, ['--grid', 'n=1ms'], "'n' is '1ms', but it has no unit"),
    (None, ['--grid', 'n=1.5'], "'n' is 1.5; give a whole number"),
    (None, ['--grid', 'v_start=nan'], "'v_start' is 'nan'; give a number"),
    (None, ['--grid', 'slow=1'], "'slow' is '1'; give true or false"),
    (None, ['--grid', 'weights=1'], "unknown argument of 'build': 'weights'"),
    (None, ['--grid', 'cells.gg=1'], "unknown variable: 'cells.gg'; did you mean 'cells.g'"),
    (None, ['--grid', 'cells.tau=1'], "'cells.tau' is '1', but it is in units of s"),
    (('seed=0, ', ''), ['--seeds', '2'], "has no argument 'seed'"),
    (('(tau=10*ms, n=2', '(n, tau=10*ms'), [], "the argument 'n' of 'build' has no default"),
    (('def build', 'def build('), [], 'cannot be loaded: SyntaxError'),
    (('5*ms,', '5*mV,'), [], 'return a time'),
    (('5*ms,', '0.25*ms,'), [], 'not a whole number of time steps'),
    (('return [cells], ', 'return '), [], 'has to return (objects, duration, score)'),
    (('def build', 'def make'), [], "model.py': 'build'. Valid: make"),
])
def test_bad_input(model, capsys, change, arguments, message):
    if change:
        variant(*change)
    code = main(['sweep', model, '--device', 'numpy', '--jobs', '1', '--quiet', *arguments, '--out',
                 's'])
    error = capsys.readouterr().err
    assert code == 2 and message in error
    assert not os.path.exists('s')


@pytest.mark.parametrize('default, given, plain', [
    (10*ms, '0.5 s', 0.5), (10*ms, 3*ms, 0.003), (1.0, '2', 2.0), (2*nS, '3e-9 siemens', 3e-9),
    (1*nS/ms, '2 nS/ms', 2e-6), (1/ms, '5/ms', 5000.0), (1/ms, '5 1/ms', 5000.0),
    (1*Hz, '2*kHz', 2000.0), (1*mV**2, '3 mV**2', 3e-6), (1, '4', 4), (True, 'false', False),
    ('a', 'b', 'b'), (None, 'x', 'x'), (None, '1.5', 1.5), (None, 'true', True)])
def test_reading(default, given, plain):
    found = Argument('x', default).read(given)
    assert type(found) is type(plain)
    assert found == (pytest.approx(plain, rel=1e-12) if isinstance(plain, float) else plain)


@pytest.mark.parametrize('text', ['__import__("os")', '1 __import__', '1 ms.real', '1 (ms)',
                                  '1 ms**99999*x', '1e', '', 'ms', '1 ms, 2'])
def test_nothing_but_quantities(text):
    with pytest.raises(ValueError):
        Argument('x', 10*ms).read(text)


def test_values_go_back_to_quantities():
    argument = Argument('tau', 10*ms)
    assert argument.value(argument.read('5 ms')) == 5*ms
    assert np.asarray(Argument('n', 1).value(3)) == 3


DRAWN = """
    from brian2 import ms
    from brian_le.substrate import Mismatch, Substrate

    def build(strength=0.1, goal=1.0, seed=0):
        substrate = Substrate([Mismatch('tau', strength)], seed)
        cells = substrate.neurons(3, 'dv/dt = (goal - v)/tau : 1\\ntau : second (constant)\\n'
                                  'goal : 1 (constant)', name='cells', method='euler')
        cells.tau, cells.goal = 10*ms, goal
        substrate.settle()
        return [cells], 1*ms, lambda found: found['cells.v'].std()/max(goal, 0)
"""


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    (tmp_path/'drawn.py').write_text(textwrap.dedent(DRAWN))
    monkeypatch.chdir(tmp_path)
    return 'drawn.py:build'


def test_mismatch_of_a_model(drawn):
    study = sweep(drawn, grid={'strength': [0.0, 0.1, 0.3]}, seeds=[5], **QUICK, out='s')
    none, some, more = study.table['score']
    assert none < 1e-15 and 1e-3 < some < more


def test_what_a_substrate_has_drawn_is_not_replaced(drawn):
    with pytest.raises(ValueError, match="'cells.tau' is drawn by the model's Substrate"):
        sweep(drawn, grid={'cells.tau': ['5 ms']}, **QUICK, out='s')


def test_a_mismatch_without_strength_by_default_is_not_replaced_either(drawn, tmp_path):
    text = (tmp_path/'drawn.py').read_text()
    (tmp_path/'drawn.py').write_text(text.replace('strength=0.1', 'strength=0.0'))
    study = sweep(drawn, grid={'cells.tau': ['5 ms']}, **QUICK, out='s')
    assert study.table['score'][0] < 1e-15  # nothing is drawn: it may have any value
    with pytest.raises(ValueError, match="'cells.tau' is drawn by the model's Substrate"):
        sweep(drawn, grid={'cells.tau': ['5 ms']}, set={'strength': 0.2}, **QUICK, out='t')
    assert not (tmp_path/'t').exists()


FOLLOWING = """
    from brian2 import NeuronGroup, Synapses, ms

    def build(how='string'):
        cells = NeuronGroup(3, '''a : 1
                                  b : 1
                                  k : integer
                                  on : boolean''', name='cells')
        cells.a = [1, 2, 3]
        if how == 'string':
            cells.b = '2*a'
        elif how == 'python':
            cells.b = 2*cells.a
        elif how == 'condition':
            cells.b['a > 2'] = 4
        S = Synapses(cells, cells, 'w : 1', name='S')
        if how == 'connect':
            S.connect('a_pre > a_post')
        else:
            S.connect()
        S.w = 'i'
        if how == 'late':
            cells.b = 1
            cells.a = 'b'
        return [cells, S], 1*ms, lambda found: found['cells.a'].sum() + found['S.w'].sum()
"""


@pytest.fixture
def following(tmp_path, monkeypatch):
    (tmp_path/'following.py').write_text(textwrap.dedent(FOLLOWING))
    monkeypatch.chdir(tmp_path)
    return 'following.py:build'


def test_what_follows_from_a_variable_has_to_follow_the_grid(following):
    for how in ('string', 'python', 'condition', 'connect'):
        with pytest.raises(ValueError, match="'cells.a' is read by .* make it an argument of"):
            sweep(following, grid={'cells.a': [5, 6]}, set={'how': how}, **QUICK, out='s')
    study = sweep(following, grid={'cells.a': [5], 'S.w': [1]}, set={'how': 'late'}, **QUICK,
                  out='s')
    assert study.table['score'] == [15 + 9]  # given when all settings have been made


@pytest.mark.parametrize('name, value, message', [
    ('cells.k', '2.7', "'cells.k' is 2.7; give a whole number"),
    ('cells.k', '3e9', "'cells.k' is 3000000000, which its type .int32. cannot hold"),
    ('cells.on', '2', "'cells.on' is '2'; give true or false")])
def test_values_that_variables_cannot_hold(following, name, value, message):
    with pytest.raises(ValueError, match=message):
        sweep(following, grid={name: [value]}, **QUICK, out='s')
    assert not os.path.exists('s')


BAD_DRAWS = """
    import numpy as np
    from brian2 import NeuronGroup, defaultclock, ms
    from brian_le import point_neuron

    def build(tau=10*ms, seed=0):
        defaultclock.dt = 0.1*ms
        cells = NeuronGroup(3, point_neuron(tau_m='constant'), method='prospective_euler',
                            name='cells')
        cells.tau_m = tau*np.array([1, 1, -1 if seed in (2, 3) else 1])
        return [cells], 1*ms, lambda found: found['cells.tau_m'].min()
"""


@pytest.mark.parametrize('device', ['numpy', 'cpp_standalone'])
@pytest.mark.parametrize('seeds', [[2, 1], [1, 2], [3]])
def test_bad_draws_are_failed_runs_wherever_they_come(tmp_path, monkeypatch, seeds, device):
    (tmp_path/'bad.py').write_text(textwrap.dedent(BAD_DRAWS))
    monkeypatch.chdir(tmp_path)
    study = sweep('bad.py:build', seeds=seeds, **QUICK | {'device': device}, out='s')
    assert [run['seed'] for run in study.failed] == [seed for seed in seeds if seed > 1]
    assert "'tau_m' of 'cells' is -10 ms" in study.failed[0]['reason']
    assert [row['score'] for row in study.finished] == [0.01]*seeds.count(1)
    # and what is bad in itself is told before
    with pytest.raises(ValueError, match="'tau_m' of 'cells' is 0.01 ms"):
        sweep('bad.py:build', grid={'tau': ['0.01 ms']}, seeds=seeds, **QUICK, out='t')


def test_every_value_is_checked_before_the_first_run(drawn, tmp_path):
    with pytest.raises(ValueError, match="strength of 'Mismatch' is -1"):
        sweep(drawn, grid={'goal': [1, 2], 'strength': [0.1, -1]}, **QUICK, out='s')
    assert not (tmp_path/'s').exists()


@pytest.mark.parametrize('score, message', [
    ("{'word': 'text'}", "the score 'word' is 'text'; return numbers or arrays of numbers"),
    ("{'words': ['a', 'b']}", "the score 'words' is .*; return numbers or arrays of numbers"),
    ("{'end': 1, 'v': [1, float('nan')]}", "the score 'v' is nan in places")])
def test_scores_that_are_no_numbers(model, score, message):
    variant('neighbour.score', f'lambda found: {score}')
    study = sweep(model, grid={'n': [1, 2]}, **QUICK, out='s')
    assert len(study.failed) == 2 and not study.finished
    for run in study.failed:
        assert re.search(message, run['reason'])


DIVERGING = """
    from brian2 import NeuronGroup, StateMonitor, defaultclock, ms

    def build(gain=1.0, recorded=True):
        defaultclock.dt = 0.1*ms
        cells = NeuronGroup(2, 'dv/dt = (gain*v**2 - v)/ms : 1', method='euler', name='cells')
        cells.v = [0.5, 2]
        trace = StateMonitor(cells, 'v', record=True, name='trace')
        return [cells] + [trace]*recorded, 10*ms, lambda found: len(found['cells.v'])
"""


@pytest.mark.filterwarnings('ignore')
def test_what_diverges_has_failed_whatever_is_scored(tmp_path, monkeypatch):
    (tmp_path/'diverging.py').write_text(textwrap.dedent(DIVERGING))
    monkeypatch.chdir(tmp_path)
    study = sweep('diverging.py:build', grid={'gain': [0.0, 1.0], 'recorded': [True, False]},
                  **QUICK, out='s')
    assert [row['gain'] for row in study.finished] == [0, 0]
    recorded, at_the_end = (run['reason'] for run in study.failed)
    assert re.match(r"'trace.v' is nan from [1-9]\.?\d* ms on", recorded)
    assert at_the_end.startswith("'cells.v' is nan at the end; use other values")


MEANT = """
    import numpy as np
    from brian2 import NeuronGroup, SpikeMonitor, StateMonitor, defaultclock, ms

    def build(case='fine'):
        defaultclock.dt = 0.1*ms
        cells = NeuronGroup(3, '''dv/dt = (2 - v)/ms : 1
                                   last : 1
                                   before = sqrt(last) : 1''', threshold='v > 1 and i > 0',
                            reset='v = 0; last = t/ms', method='euler', name='cells')
        cells.last = np.nan  # there has been no spike
        if case == 'number again':
            cells.run_regularly('last = sqrt(-1 - v**2)', dt=2*ms)
        if case == 'never a number':
            cells.v[1] = np.nan
        trace = StateMonitor(cells, ['last', 'before'], record=True, name='trace')
        spikes = SpikeMonitor(cells, 'last', name='spikes')
        score = lambda found: {'none': np.isnan(found['cells.last']).sum()}
        return [cells, spikes] + [trace]*(case != 'never a number'), 3*ms, score
"""


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('device', ['numpy', pytest.param('cpp_standalone',
                                                          marks=pytest.mark.slow)])
def test_nan_that_a_model_means_is_no_divergence(tmp_path, monkeypatch, device):
    (tmp_path/'meant.py').write_text(textwrap.dedent(MEANT))
    monkeypatch.chdir(tmp_path)
    cases = ['fine'] + ['number again', 'never a number']*(device == 'numpy')
    study = sweep('meant.py:build', grid={'case': cases}, **QUICK | {'device': device}, out='s')
    assert [(row['case'], row['none']) for row in study.finished] == [('fine', 1)]
    reasons = [run['reason'] for run in study.failed]
    if device == 'numpy':
        assert re.match("'trace.last' is nan from [1-9].* ms on", reasons[0])
        assert reasons[1].startswith("'cells.v' is nan at the end")


@pytest.mark.filterwarnings('ignore:invalid value', 'ignore:divide by zero')
def test_a_score_that_is_not_finite_is_a_failure(drawn, capsys):
    assert main(['sweep', drawn, '--grid', 'goal=0,1', '--device', 'numpy', '--jobs', '1',
                 '--quiet', '--out', 's']) == 1
    assert '1 done, 0 running, 1 failed' in capsys.readouterr().out
    assert main(['status', 's']) == 0
    assert "the score 'score' is nan; use other values" in capsys.readouterr().out


NOISY = """
    from brian2 import NeuronGroup, defaultclock, ms, seed as seed_of_brian2

    def build(strength=1.0, seed=0, own=False):
        if own:
            seed_of_brian2(seed)
        more = 2.0
        defaultclock.dt = 0.1*ms
        cells = NeuronGroup(3, 'dv/dt = more*strength*ms**-0.5*xi : 1', method='euler',
                            name='cells', namespace=locals())
        cells.v = 'rand()'
        return [cells], 1*ms, lambda found: {'end': found['cells.v'].sum()}
"""


@pytest.fixture
def noisy(tmp_path, monkeypatch):
    (tmp_path/'noisy.py').write_text(textwrap.dedent(NOISY))
    monkeypatch.chdir(tmp_path)
    return 'noisy.py:build'


def ends(study):
    return {(row['own'], row['seed']): row['end'] for row in study.rows}


def test_random_numbers_follow_from_the_seed(noisy):
    np.random.seed(3)
    expected = np.random.RandomState(3).rand()
    found = ends(sweep(noisy, grid={'own': [False, True]}, seeds=[1, 2, 3], **QUICK, out='s'))
    assert np.random.rand() == expected  # those of the user go on
    other = ends(sweep(noisy, grid={'own': [True, False]}, seeds=[3, 1], **QUICK, out='t'))
    assert len({found[False, seed] for seed in (1, 2, 3)}) == 3
    for (own, seed), end in other.items():
        assert end == found[own, seed] == found[not own, seed]


def test_seeds_are_not_in_the_code(noisy, tmp_path):
    sources = []
    for seed in (1, 2):
        target = get_target(noisy)
        write_project(lambda: target._compose(target.read({'own': True}), seed).network,
                      tmp_path/f'{seed}', detached=True)
        numbers = np.fromfile(tmp_path/f'{seed}'/'static_arrays'/'_static_array_whole_numbers',
                              dtype=np.int64)
        assert seed in numbers
        sources.append({path.name: path.read_bytes() for path in (tmp_path/f'{seed}').rglob('*')
                        if path.suffix in ('.cpp', '.h')})
    assert sources[0] == sources[1] and sources[0]


@pytest.mark.slow
def test_seeds_of_a_binary_are_those_of_numpy(noisy):
    grid = {'own': [False, True]}
    compiled = sweep(noisy, grid=grid, seeds=[1, 2], jobs=1, quiet=True, out='s')
    inside = sweep(noisy, grid=grid, seeds=[1, 2], **QUICK, out='t')
    assert ends(compiled) == pytest.approx(ends(inside), rel=1e-9)
