"""Sweeps, mostly of a protocol that needs no Brian2, so that processes start quickly."""

import csv
import errno
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from brian_le.programs.temporary import try_lock
from brian_le.protocols import load_study, plot, study_status, sweep
from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.cli import main
from brian_le.protocols.runs import results
from brian_le.protocols.runs.results import ResultFolder
from brian_le.protocols.sweeps import workers
from brian_le.protocols.sweeps.study_folders import StudyFolder
from tests.protocols.toys.toy import TOY, TOY_FILE, Toy

ROOT = Path(__file__).parents[3]
SHORT = dict(set=dict(steps=5, pause=0), device='numpy', jobs=1, quiet=True)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """The protocol 'toy' in this process; others know it by its file."""
    monkeypatch.setitem(PROTOCOLS, 'toy', TOY)


def files(folder):
    """The contents of all files, by their paths."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob('*'))
            if path.is_file()}


def identities(folder):
    """What would change if the files of finished runs were written again."""
    # KEY.part becomes KEY at any moment, so that only folders of that name are looked into.
    finished = [run for run in folder.glob('runs/*') if run.suffix != '.part']
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns)
            for run in finished for path in run.iterdir()}


@pytest.fixture
def start():
    """Start sweeps in processes of their own, which end with the test."""
    processes = []

    def started(out, **arguments):
        arguments = dict(jobs=2, device='numpy', quiet=True, out=str(out)) | arguments
        script = f'from brian_le.protocols import sweep; sweep({TOY_FILE!r}, **{arguments!r})'
        processes.append(subprocess.Popen([sys.executable, '-c', script], text=True,
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


# ------------------------------------------------------------------------------- what comes of it
def test_rows_are_what_the_runs_measured(tmp_path):
    study = sweep('toy', grid=dict(gain=[2, '0.5'], lag=[None, '1 s']), seeds=2, out=tmp_path/'s',
                  **SHORT)
    assert [(row['gain'], row['lag'], row['seed']) for row in study.rows] == [
        (gain, lag, seed) for gain in (2.0, 0.5) for lag in (None, 1000.0)
        for seed in (12345, 12346)]
    for row, result in study.runs():
        sums = row['gain']*np.cumsum(np.random.RandomState(row['seed']).randn(5))
        np.testing.assert_allclose(result.arrays['sums'], sums, rtol=1e-14)
        assert row['end'] == row['sums'] == result.arrays['sums'][-1]  # but no row of 'all'
        assert result.description['parameters']['lag'] == row['lag']
    assert list(study.table) == ['steps', 'pause', 'gain', 'lag', 'seed', 'end', 'sums', 'run']
    assert study.description['columns']['lag'] == 'ms'


def test_the_table_is_what_pandas_reads(tmp_path):
    pandas = pytest.importorskip('pandas')
    study = sweep('toy', grid=dict(gain=[1, 2]), seeds=2, out=tmp_path/'s', **SHORT)
    read = pandas.read_csv(tmp_path/'s'/'table.csv')
    pandas.testing.assert_frame_equal(read, study.frame(), check_exact=True, check_dtype=False)
    with open(tmp_path/'s'/'table.csv', newline='') as file:
        assert [row['run'] for row in csv.DictReader(file)] == [row['run'] for row in study.rows]


def test_frames_without_pandas(tmp_path, monkeypatch):
    study = sweep('toy', out=tmp_path/'s', **SHORT)
    monkeypatch.setitem(sys.modules, 'pandas', None)
    with pytest.raises(RuntimeError, match=r'brian-le\[table\]'):
        study.frame()


def test_a_study_grows_and_repeats_nothing(tmp_path):
    sweep('toy', grid=dict(gain=[1, 2]), out=tmp_path/'s', **SHORT)
    before = identities(tmp_path/'s')
    grown = sweep('toy', grid=dict(gain=[1, 2, 3]), seeds=2, out=tmp_path/'s', **SHORT)
    assert len(grown.rows) == 6 and len(load_study(tmp_path/'s').rows) == 6
    after = identities(tmp_path/'s')
    assert before.items() <= after.items() and len(after) == 12
    at_once = sweep('toy', grid=dict(gain=[1, 2, 3]), seeds=2, out=tmp_path/'t', **SHORT)
    assert files(tmp_path/'s') == files(tmp_path/'t') and at_once.rows == grown.rows


def test_processes_give_the_same_files(tmp_path):
    sweep(TOY_FILE, grid=dict(gain=[1, 2]), seeds=2, out=tmp_path/'one', **SHORT)
    sweep(TOY_FILE, grid=dict(gain=[1, 2]), seeds=2, out=tmp_path/'two', **{**SHORT, 'jobs': 2})
    assert files(tmp_path/'one') == files(tmp_path/'two')


def test_parts_have_a_column(tmp_path):
    (tmp_path/'s.toml').write_text('target = "toy"\nset = {steps = 3, pause = 0}\n[[part]]\n'
                                   'label = "a"\n[[part]]\nlabel = "b"\ngrid = {gain = [1, 2]}\n')
    study = sweep(tmp_path/'s.toml', device='numpy', jobs=1, quiet=True, out=tmp_path/'s')
    assert [(row['part'], row['gain']) for row in study.rows] == [('a', 1.0), ('b', 1.0),
                                                                  ('b', 2.0)]
    assert len(list((tmp_path/'s'/'runs').iterdir())) == 2  # one is in both parts


def test_figures_of_any_study(tmp_path):
    study = sweep('toy', grid=dict(gain=[1, 2]), seeds=2, out=tmp_path/'s', **SHORT)
    drawn = plot(tmp_path/'s')
    assert [file.name for file in drawn] == ['measures.png', 'measures.pdf']
    before = files(tmp_path/'s')
    plot(tmp_path/'s')
    assert files(tmp_path/'s') == before

    from brian_le.protocols.sweeps.figures import measures
    axes = measures(study)['measures'].axes[0]
    means = [np.mean([row['end'] for row in study.rows if row['gain'] == gain]) for gain in (1, 2)]
    (mean,) = (line for line in axes.lines if len(line.get_xdata()) and line.get_gid() == 'mean')
    np.testing.assert_allclose(mean.get_ydata(), means)
    assert axes.get_ylabel() == 'end' and axes.figure.axes[-1].get_xlabel() == 'gain'


def test_figures_of_the_users(tmp_path):
    (tmp_path/'mine.py').write_text(
        'from brian_le.protocols.plotting import new_figure\n__all__ = ["one"]\n'
        'def one(study):\n    return {f"rows-{len(study.rows)}": new_figure()[0]}\n')
    (tmp_path/'s.toml').write_text('target = "toy"\nfigures = "mine.py"\n')
    sweep(tmp_path/'s.toml', out=tmp_path/'s', **SHORT)
    with pytest.raises(ValueError, match='if you trust it, give --figures .*mine.py'):
        plot(tmp_path/'s')
    assert plot(tmp_path/'s', figures=tmp_path/'mine.py')[0].name == 'rows-1.png'
    assert plot(tmp_path/'s', figures='brian_le.protocols.sweeps.figures')[0].name == 'measures.png'


# ---------------------------------------------------------------------------------- what goes wrong
BAD = [
    (dict(grid=dict(gian=[1])), "unknown parameter of 'toy': 'gian'; did you mean 'gain'"),
    (dict(grid=dict(gain=[1, 101])), 'at most 100'),
    (dict(grid=dict(lag=['1 ms', '1 V'])), "'lag' is '1 V'"),
    (dict(grid=dict(gain=[])), "no values of 'gain'"),
    (dict(grid=dict(gain=3)), "no values of 'gain'; give a list"),
    (dict(grid=dict(gain='12')), "no values of 'gain'; give a list"),
    (dict(grid=dict(gain=[1]), set=dict(gain=1)), "'gain' has a value and a list of values"),
    (dict(seeds=0), 'seeds=0; give a whole number'),
    (dict(jobs=0), 'jobs=0; give a whole number'),
    (dict(jobs=1.5), 'jobs=1.5; give a whole number'),
    (dict(device='numpi'), "unknown device: 'numpi'"),
    (dict(data='x'), "unknown parameter of 'toy': 'data'"),
    (dict(out=''), "'' cannot be the folder"),
]


@pytest.mark.parametrize('arguments, message', BAD)
def test_bad_input_is_found_before_anything_runs(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        sweep('toy', **{'quiet': True, **arguments})
    assert os.listdir() == []


@pytest.mark.parametrize('arguments, message', [
    (['toy', '--grid', 'gain'], "'--grid gain' has no '='; write --grid NAME=VALUE,VALUE"),
    (['toy', '--grid', 'gain='], "'gain' is ''"),
    (['toy', '--grid', 'gain=1,'], "'gain' is ''"),
    (['toy', '--grid', 'gain=1', '--grid', 'gain=2'], "'gain' is set twice"),
    (['toy', '--grid', 'gain=1', '--set', 'gain=2'], "'gain' has a value and a list"),
    (['toy', '--jobs', 'two'], "jobs='two'; give a whole number"),
    (['toy', '--seeds', 'x'], "the seeds are 'x'"),
    (['toy', '--data', 'a', '--data', 'b'], "'data' is set twice"),
    (['tyo'], "unknown protocol or study: 'tyo'; did you mean 'toy'"),
    (['none.toml'], "there is no study file 'none.toml'"),
    (['none.py:build'], "none.py'"),
])
def test_bad_input_on_the_command_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(['sweep', *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith('brian-le: error: ') and message in error
    assert os.listdir() == []


def test_options_are_not_abbreviated(capsys):
    with pytest.raises(SystemExit) as end:
        main(['sweep', 'toy', '--seed', '7'])
    assert end.value.code == 2 and '--seed 7' in capsys.readouterr().err


@pytest.mark.parametrize('arguments', [
    ['sweep', '--help'], ['status', 'none'],
    ['show', 'fig3-bars'], ['list']])
def test_these_need_no_brian2(arguments):
    script = ('import sys\nfrom brian_le.protocols.cli import main\n'
              f'try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n'
              'assert "brian2" not in sys.modules and "matplotlib" not in sys.modules')
    subprocess.run([sys.executable, '-c', script], check=True, capture_output=True)


def test_folders_that_cannot_take_a_study(tmp_path, monkeypatch):
    (tmp_path/'thesis').mkdir()
    (tmp_path/'thesis'/'thesis.tex').write_text('do not touch')
    with pytest.raises(ValueError, match='exists and is not the folder of a study'):
        sweep('toy', out=tmp_path/'thesis', **SHORT)
    sweep('toy', grid=dict(gain=[1, 2]), seeds=2, out=tmp_path/'s', **SHORT)
    before = files(tmp_path/'s')
    for other, message in (
            (dict(grid=dict(gain=[1, 3]), seeds=2), r"there 'gain' is \[1, 2\], not \[1, 3\]"),
            (dict(grid=dict(gain=[1, 2])), r"'seeds' is \[12345, 12346\], not \[12345\]"),
            (dict(grid=dict(gain=[1, 2]), seeds=2, set=dict(steps=6, pause=0)),
             "'steps' is 5, not 6"),
            (dict(grid=dict(gain=[1, 2]), seeds=2, device='cython'),
             "its device is 'numpy', not 'cython'")):
        with pytest.raises(ValueError, match='holds another study.*' + message):
            sweep('toy', out=tmp_path/'s', **{**SHORT, **other})
    with pytest.raises(ValueError, match="its target is 'toy', not 'bars'"):
        sweep('bars', out=tmp_path/'s', quiet=True, device='numpy')
    monkeypatch.setattr(os, 'access', lambda path, mode: False)  # root may write everywhere
    with pytest.raises(PermissionError, match='cannot write to'):
        sweep('toy', grid=dict(gain=[1, 2]), seeds=3, out=tmp_path/'s', **SHORT)
    assert files(tmp_path/'s') == before


def test_a_run_of_another_version_is_not_taken(tmp_path):
    study = sweep('toy', out=tmp_path/'s', **SHORT)
    file = tmp_path/'s'/'runs'/study.rows[0]['run']/'run.json'
    file.write_text(file.read_text().replace('"gain": 1.0', '"gain": 1.5'))
    with pytest.raises(ValueError, match='holds a run with other parameters'):
        sweep('toy', out=tmp_path/'s', **SHORT)


def test_failed_runs_keep_their_error_and_are_tried_again(tmp_path, capsys, monkeypatch):
    out = str(tmp_path/'s')
    command = ['sweep', 'toy', '--grid', 'mode=good,bad', '--set', 'pause=0', '--jobs', '1',
               '--device', 'numpy', '--quiet', '--out', out]
    assert main(command) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith('1 done, 0 running, 1 failed, 0 to do')
    assert '1 run failed' in captured.err and 'measures.png' in captured.out
    assert main(['status', out]) == 0
    status = capsys.readouterr().out
    assert 'failed   pause=0,mode=bad,seed=12345: the toy is broken' in status
    noted = json.loads((tmp_path/'s'/'failed'/'pause=0,mode=bad,seed=12345.json').read_text())
    assert noted['parameters']['mode'] == 'bad' and noted['seed'] == 12345
    assert any('in __init__' in line for line in noted['traceback'])
    before = identities(tmp_path/'s')

    begin = Toy.__init__

    def repaired(self, p, seed):
        p.mode = 'good'
        begin(self, p, seed)

    monkeypatch.setattr(Toy, '__init__', repaired)
    assert main(command) == 0
    assert str(study_status(out)) == '2 done, 0 running, 0 failed, 0 to do'
    assert list((tmp_path/'s'/'failed').iterdir()) == []
    assert before.items() <= identities(tmp_path/'s').items()


def test_a_run_that_kills_its_process_does_not_stop_the_others(tmp_path):
    study = sweep(TOY_FILE, grid=dict(mode=['deadly', 'good']), seeds=3, out=tmp_path/'s',
                  **{**SHORT, 'jobs': 2})
    assert [row['mode'] for row in study.finished] == 3*['good'] and len(study.rows) == 6
    failed = study_status(tmp_path/'s').failed
    assert len(failed) == 3 and all('out of memory?' in error for error in failed.values())


def test_what_a_failed_run_says_is_where_it_began(tmp_path, capsys, monkeypatch):
    """As errors of Brian2, of which the last one says in many lines where, and not what."""
    def fail(self, program):
        try:
            raise KeyError('no such\nneuron')
        except KeyError as error:
            raise RuntimeError('an error occurred\n(see above)') from error

    monkeypatch.setattr(Toy, 'begin', fail)
    sweep('toy', seeds=2, out=tmp_path/'s', **SHORT)
    assert main(['status', str(tmp_path/'s')]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all('KeyError' in line and 'neuron' in line for line in lines[1:])


def test_files_that_a_run_may_not_read_are_its_own_affair(tmp_path, monkeypatch):
    begin = Toy.__init__

    def read(self, p, seed):
        if p.mode == 'bad':
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), '/forbidden/data.npy')
        begin(self, p, seed)

    monkeypatch.setattr(Toy, '__init__', read)
    study = sweep('toy', grid=dict(mode=['bad', 'good']), out=tmp_path/'s', **SHORT)
    assert [row['mode'] for row in study.finished] == ['good']
    assert ['/forbidden/data.npy' in error for error in
            study_status(tmp_path/'s').failed.values()] == [True]


def test_failed_runs_are_rows_with_their_reason(tmp_path):
    sweep('toy', grid=dict(mode=['bad', 'good']), out=tmp_path/'s', **SHORT)
    study = load_study(tmp_path/'s')
    bad, good = study.rows
    assert bad == dict(steps=5, pause=0.0, mode='bad', seed=12345, failed='the toy is broken',
                       run='pause=0,mode=bad,seed=12345'.replace('pause', 'steps=5,pause'))
    assert 'failed' not in good and study.finished == [good] == [row for row, _ in study.runs()]
    assert study.failed == [dict(run=bad['run'], seed=12345, reason='the toy is broken',
                                 parameters=dict(good_parameters(study), mode='bad'))]
    assert study.table['failed'] == ['the toy is broken', None]
    with open(tmp_path/'s'/'table.csv', newline='') as file:
        assert [row['failed'] for row in csv.DictReader(file)] == ['the toy is broken', '']


def good_parameters(study):
    return study.load(study.finished[0]).description['parameters']


def test_what_is_needed_is_looked_for_before_the_first_run(tmp_path, monkeypatch):
    import importlib.util
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec',
                        lambda name, *more: None if name == 'sklearn' else find(name, *more))
    with pytest.raises(ValueError, match='needs scikit-learn, which is not installed: pip install'):
        sweep('digits', out=tmp_path/'s', device='numpy', quiet=True)
    monkeypatch.setenv('PATH', '/nowhere')
    monkeypatch.delenv('CXX', raising=False)
    for device in ('cpp_standalone', 'cython'):
        with pytest.raises(RuntimeError, match="needs 'g[+][+]', .* or use --device numpy"):
            sweep('toy', out=tmp_path/'s', **SHORT | {'device': device})
    monkeypatch.setenv('BRIAN_LE_CACHE_LIMIT', 'much')
    with pytest.raises(ValueError, match="BRIAN_LE_CACHE_LIMIT is 'much'; give a size like 500MB"):
        sweep('toy', out=tmp_path/'s', **SHORT | {'device': 'cpp_standalone'})
    assert not (tmp_path/'s').exists()
    sweep('toy', out=tmp_path/'s', **SHORT)


def test_progress_tells_how_many_runs_have_failed(tmp_path, capsys):
    sweep('toy', grid=dict(mode=['bad', 'good']), seeds=2, out=tmp_path/'s',
          **{**SHORT, 'quiet': False})
    assert '4/4' in (error := capsys.readouterr().err) and '2 failed' in error


@pytest.mark.parametrize('number, where', [(errno.ENOSPC, False), (errno.EACCES, True)])
def test_a_full_disk(tmp_path, monkeypatch, capsys, number, where):
    """It fills up in the middle of the third result."""
    undisturbed = sweep('toy', seeds=5, out=tmp_path/'t', **SHORT)
    write, count = results.write_arrays, 0

    def full(file, arrays):
        nonlocal count
        count += 'sums' in arrays  # a result, not a checkpoint
        if count > 2:
            file.write(b'PK half a result')
            raise OSError(number, os.strerror(number), *([file.name] if where else []))
        write(file, arrays)

    monkeypatch.setattr(results, 'write_arrays', full)
    out = tmp_path/'s'
    command = ['sweep', 'toy', '--seeds', '5', '--set', 'steps=5', '--set', 'pause=0', '--jobs',
               '1', '--device', 'numpy', '--quiet', '--out', str(out)]
    assert main(command) == 1
    error = capsys.readouterr().err
    assert f"{os.strerror(number)}: the study in '{out}' has stopped" in error
    assert str(study_status(out)) == '2 done, 0 running, 0 failed, 3 to do'
    assert load_study(out).rows == undisturbed.rows[:2]
    before = identities(out)
    monkeypatch.setattr(results, 'write_arrays', write)
    assert sweep('toy', seeds=5, out=out, **SHORT).rows == undisturbed.rows
    assert before.items() <= identities(out).items()


@pytest.mark.parametrize('sent', [signal.SIGINT, signal.SIGTERM])
def test_interruption(tmp_path, sent):
    """Ctrl-C, which a terminal sends to all processes of the sweep, or the end of a job's time."""
    out = tmp_path/'s'
    process = subprocess.Popen(
        [sys.executable, '-m', 'brian_le.protocols', 'sweep', TOY_FILE, '--jobs', '2', '--device',
         'numpy', '--seeds', '40', '--out', str(out)], start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: len(identities(out)) >= 6)
    os.killpg(process.pid, sent)
    _, error = process.communicate()
    assert process.returncode == 130
    assert 'interrupted; the same command continues the sweep' in error
    assert 'Traceback' not in error and '/40 [' in error  # progress, with the time left
    status = study_status(out)
    assert len(status.done) >= 3 and not status.running and not status.failed and status.to_do
    assert len(load_study(out).rows) == len(status.done)
    with open(out/'table.csv') as file:
        assert len(file.readlines()) == 1 + len(status.done)


def test_two_sweeps_into_the_same_folder(tmp_path, start):
    arguments = dict(grid=dict(gain=[1, 2]), seeds=8)
    both = [start(tmp_path/'s', **arguments) for _ in range(2)]
    for process in both:
        _, error = process.communicate()
        assert process.returncode == 0, error
    assert str(study_status(tmp_path/'s')) == '16 done, 0 running, 0 failed, 0 to do'
    sweep(TOY_FILE, **arguments, device='numpy', jobs=1, quiet=True, out=tmp_path/'t')
    assert files(tmp_path/'s') == files(tmp_path/'t')


def test_a_run_of_another_process_is_waited_for(tmp_path):
    folder = StudyFolder(tmp_path/'s')
    sweep('toy', out=tmp_path/'s', **SHORT)
    mark = tmp_path/'s'/'running'/'steps=5,pause=0,seed=12346'
    held = try_lock(mark)
    assert folder.is_running(mark.name)

    def release():
        until(lambda: (tmp_path/'s'/'runs'/'steps=5,pause=0,seed=12347').exists())
        assert study_status(tmp_path/'s').running == [mark.name]
        held.release()

    thread = threading.Thread(target=release)
    thread.start()
    study = sweep('toy', seeds=3, out=tmp_path/'s', **SHORT)
    thread.join()
    assert [row['seed'] for row in study.rows] == [12345, 12346, 12347]


def test_a_process_that_comes_late_to_a_run(tmp_path):
    """It has opened the lock, and only then the other one finishes."""
    description = dict(protocol='toy', parameters={}, seed=1, device='numpy', versions={})
    first, late = ResultFolder(tmp_path/'r'), ResultFolder(tmp_path/'r')
    first.begin(description)
    first.finish({'a': np.zeros(1)})
    before = files(tmp_path/'r')
    checks = iter([lambda description: None, late.check])  # the first one came before that
    late.check = lambda description: next(checks)(description)
    with pytest.raises(ValueError, match='holds a finished result'):
        late.begin(description)
    assert files(tmp_path/'r') == before and os.listdir(tmp_path) == ['r']


# ------------------------------------------------------------------------------- models of users
MODEL = """
    import sys
    from brian2 import NeuronGroup, defaultclock, ms, seed as set_seed

    def build(what='nothing', seed=0):
        defaultclock.dt = 0.1*ms
        if what == 'exit in build':
            sys.exit('enough')
        set_seed(seed)
        cells = NeuronGroup(2, 'dv/dt = xi/ms**0.5 : 1', method='euler', name='cells')

        def score(found):
            if what == 'exit':
                sys.exit()
            if what == 'edit':
                open(__file__, 'a').write('# changed')
            name = what if what in ('what', 'seed', 'run', 'part', 'failed', 'cells.v') else 'v'
            return {name: found['cells.v'][0]}

        return [cells], 1*ms, score
"""
MODEL_RUNS = dict(device='numpy', jobs=1, quiet=True)


@pytest.fixture
def model(tmp_path, monkeypatch):
    (tmp_path/'model.py').write_text(textwrap.dedent(MODEL))
    monkeypatch.chdir(tmp_path)
    return 'model.py:build'


def test_noise_depends_on_nothing_but_the_seed(model):
    """Not on what was built and run before, in this process or another."""
    some = sweep(model, grid={'cells.v': [0, 1]}, seeds=[1, 2], out='s', **MODEL_RUNS)
    more = sweep(model, grid={'cells.v': [0]}, seeds=[3, 2, 1], out='t', **MODEL_RUNS)
    found = {(row['cells.v'], row['seed']): row['v'] for row in some.rows}
    assert len(set(found.values())) == 4
    for row in more.rows[1:]:
        assert row['v'] == found[0.0, row['seed']]
    for seed in (1, 2):
        assert found[1.0, seed] == pytest.approx(found[0.0, seed] + 1, rel=1e-12)


def test_a_model_that_is_edited_while_it_runs(model):
    with pytest.raises(RuntimeError, match="model.py' has changed since the sweep began"):
        sweep(model, set=dict(what='edit'), seeds=3, out='s', **MODEL_RUNS)
    assert str(study_status('s')) == '1 done, 0 running, 0 failed, 2 to do'


def test_a_run_of_another_file_is_not_taken(model):
    key = sweep(model, out='s', **MODEL_RUNS).rows[0]['run']
    file = Path('s', 'runs', key, 'run.json')
    description = json.loads(file.read_text())
    file.write_text(json.dumps({**description, 'source': 'another'}))
    with pytest.raises(ValueError, match='holds a run with other source'):
        sweep(model, out='s', **MODEL_RUNS)


@pytest.mark.parametrize('name', ['what', 'seed', 'run', 'part', 'failed'])
def test_scores_called_as_other_columns(model, name):
    study = sweep(model, grid=dict(what=[name, 'nothing']), out='s', **MODEL_RUNS)
    assert [row['what'] for row in study.finished] == ['nothing']
    (error,) = study_status('s').failed.values()
    assert f"a score is called '{name}', as another column of the table" in error


def test_models_that_end_the_process(model, capsys):
    study = sweep(model, grid=dict(what=['exit', 'nothing']), out='s', **MODEL_RUNS)
    assert [row['what'] for row in study.finished] == ['nothing']
    assert list(study_status('s').failed.values()) == ['sys.exit() was called']
    assert main(['sweep', model, '--set', 'what=exit in build', '--device', 'numpy', '--jobs', '1',
                 '--out', 't', '--quiet']) == 2
    assert "sys.exit('enough') was called" in capsys.readouterr().err
    assert not os.path.exists('t')


# --------------------------------------------------------------------------------- nothing is lost
@pytest.mark.parametrize('n', [4, pytest.param(24, marks=pytest.mark.slow)])
def test_kills_at_random_moments(tmp_path, start, n):
    """SIGKILL, to the sweep and to its workers: what is finished stays, all is the same."""
    psutil = pytest.importorskip('psutil')
    arguments = dict(grid=dict(gain=[1, 2, 3]), seeds=10 if n < 9 else 20, set=dict(pause=4))
    undisturbed = start(tmp_path/'t', **arguments)
    undisturbed.communicate()
    truth = {row['run']: row for row in load_study(tmp_path/'t').rows}
    assert len(truth) == 3*arguments['seeds']

    out, chance, finished, kills = tmp_path/'s', random.Random(3), {}, {'sweep': 0, 'worker': 0}
    process = start(out, **arguments)

    def workers():
        try:
            return [child for child in psutil.Process(process.pid).children()
                    if any('popen_loky' in word for word in child.cmdline())]
        except psutil.Error:  # one of them is ending at this moment
            return []

    while sum(kills.values()) < n:
        if chance.random() < 0.8:  # otherwise it may be killed as it starts
            until(lambda: workers() or process.poll() is not None)
        time.sleep(chance.uniform(0, 0.6))
        assert process.poll() is None, 'too fast to be killed so often'
        if chance.random() < 0.6 and (alive := workers()):
            chance.choice(alive).kill()
            kills['worker'] += 1
        else:
            process.kill()
            process.communicate()
            kills['sweep'] += 1
        found = identities(out)  # a worker may finish a run as it is killed
        assert finished.items() <= found.items()
        finished = {path: each for path, each in found.items() if path.name != 'lock'}
        for row in load_study(out).finished:  # a run may be killed twice
            assert row == truth[row['run']]
        if process.poll() is not None:
            process = start(out, **arguments)
    process.communicate()
    while study_status(out).failed:  # runs whose process has been killed twice
        start(out, **arguments).communicate()
    assert min(kills.values()) >= n//5
    assert finished.items() <= identities(out).items()
    assert files(out) == files(tmp_path/'t')
    assert not [name for name in os.listdir(out/'runs') if name.endswith('.part')]


def test_workers_end_with_a_sweep_that_was_killed(tmp_path, start):
    psutil = pytest.importorskip('psutil')
    process = start(tmp_path/'s', seeds=8, set=dict(pause=200))
    until(lambda: len(list((tmp_path/'s').glob('running/*'))) == 2)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE
                          for child in children))
    assert not study_status(tmp_path/'s').running


# -------------------------------------------------------------------------------------- elsewhere
def test_a_cluster(tmp_path):
    distributed = pytest.importorskip('distributed')
    sweep(TOY_FILE, grid=dict(gain=[1, 2]), seeds=2, out=tmp_path/'here', **SHORT)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False,
                                  protocol='tcp://', host='127.0.0.1',
                                  dashboard_address='127.0.0.1:0') as cluster:
        there = sweep(TOY_FILE, grid=dict(gain=[1, 2]), seeds=2, out=tmp_path/'there',
                      cluster=cluster.scheduler_address, **{**SHORT, 'jobs': None})
    assert len(there.rows) == 4
    assert files(tmp_path/'here') == files(tmp_path/'there')


@pytest.fixture
def cluster(toy):
    """The address of a cluster with a worker that is a process of its own."""
    distributed = pytest.importorskip('distributed')
    dask = pytest.importorskip('dask')
    with dask.config.set({'distributed.scheduler.allowed-failures': 0}), distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, protocol='tcp://', host='127.0.0.1',
            dashboard_address='127.0.0.1:0') as cluster:
        yield cluster.scheduler_address


def test_workers_import_brian2_outside_of_their_main_thread(tmp_path, cluster):
    from distributed import Client

    arguments = dict(set=dict(epochs=1, t_pattern='0.3 ms'), device='numpy', quiet=True)
    with Client(cluster, set_as_default=False) as client:
        def imported():
            return list(client.run(lambda: 'brian2' in __import__('sys').modules).values())

        assert imported() == [False]
        there = sweep('bars', out=tmp_path/'there', cluster=cluster, **arguments)
        assert imported() == [True]
    here = sweep('bars', out=tmp_path/'here', jobs=1, **arguments)
    assert there.rows == here.rows and len(there.rows) == 1


def test_a_run_that_kills_a_worker_does_not_stop_the_others(tmp_path, cluster):
    study = sweep(TOY_FILE, grid=dict(mode=['deadly', 'good']), seeds=2, out=tmp_path/'s',
                  cluster=cluster, **{**SHORT, 'jobs': None})
    assert [row['mode'] for row in study.finished] == 2*['good'] and len(study.rows) == 4
    failed = study_status(tmp_path/'s').failed
    assert len(failed) == 2 and all('out of memory?' in error for error in failed.values())


@pytest.mark.parametrize('address', ['localhost', '127.0.0.1:1'])
def test_a_wrong_address(tmp_path, monkeypatch, address):
    distributed = pytest.importorskip('distributed')
    monkeypatch.setattr(workers, '_CONNECTING_SECONDS', 0.1)
    monkeypatch.setattr(distributed, 'Client', None)  # it would wait, and complain as it is closed
    with pytest.raises(RuntimeError, match=f"there is no Dask scheduler at '{address}'"):
        sweep('toy', out=tmp_path/'s', cluster=address, quiet=True, device='numpy')


def test_a_cluster_without_workers(tmp_path, monkeypatch):
    distributed = pytest.importorskip('distributed')
    with distributed.LocalCluster(n_workers=0, processes=False, protocol='tcp://',
                                  host='127.0.0.1', dashboard_address='127.0.0.1:0') as cluster:
        monkeypatch.setattr(workers, '_WORKER_SECONDS', 0.1)
        with pytest.raises(RuntimeError, match="has no workers; start some with 'dask worker"):
            sweep('toy', out=tmp_path/'s', cluster=cluster.scheduler_address, quiet=True,
                  device='numpy')


def test_no_cluster(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'distributed', None)
    with pytest.raises(RuntimeError, match=r'brian-le\[cluster\]'):
        sweep('toy', out=tmp_path/'s', cluster='127.0.0.1:1', quiet=True, device='numpy')


def test_a_binary_is_compiled_by_one_process_alone(tmp_path, monkeypatch):
    """Two processes that need the same at once; the compiler is a script that takes its time."""
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/'cache'))
    for name in 'ab':
        (tmp_path/name).mkdir()
        (tmp_path/name/'makefile').write_text(
            'main:\n\tsleep 0.5; echo once >> ../compiled; echo binary > main\n')
    processes = [subprocess.Popen([sys.executable, '-m', 'brian_le.programs.builds'],
                                  cwd=tmp_path/name, stderr=subprocess.PIPE,
                                  text=True) for name in 'ab']
    assert [process.communicate()[1] for process in processes] == ['', '']
    assert (tmp_path/'compiled').read_text() == 'once\n'
    assert [(tmp_path/name/'main').read_text() for name in 'ab'] == ['binary\n', 'binary\n']
