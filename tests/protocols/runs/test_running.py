"""Runs that are continued, and what is checked in all of them."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from brian_le.protocols import run, sweep
from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.runs import provenance
from brian_le.protocols.runs.finite import check_finite
from brian_le.protocols.runs import running
from brian_le.protocols.runs.results import ResultFolder
from brian_le.protocols.runs.running import Run
from tests.protocols.toys.toy import TOY, Toy

SETTINGS = dict(steps=20, pause=0, device='numpy', quiet=True)


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    monkeypatch.setitem(PROTOCOLS, 'toy', TOY)


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """A run that has ended after nine of its twenty steps."""
    return interrupt(tmp_path/'r', monkeypatch)


def interrupt(out, monkeypatch, **settings):
    keep = ResultFolder.checkpoint

    def stop(folder, arrays):
        keep(folder, arrays)
        if arrays['done'] == 9:
            raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(running, '_CHECKPOINT_SECONDS', 0)
        context.setattr(ResultFolder, 'checkpoint', stop)
        with pytest.raises(KeyboardInterrupt):
            run('toy', out=out, **{**SETTINGS, **settings})
    return SimpleNamespace(out=out, part=out.with_name(out.name + '.part'))


def edit(folder, change):
    """Write a checkpoint again as it is, but for one change."""
    with np.load(folder/'checkpoint.npz') as file:
        arrays = dict(file)
    change(arrays)
    np.savez(folder/'checkpoint.npz', **arrays)


@pytest.mark.parametrize('seconds, expected', [(0, [1, 9, 17]), (1e9, [1])])
def test_checkpoints_are_worth_their_time(tmp_path, monkeypatch, seconds, expected):
    """The first one is written at once: a folder that takes none is no news after hours."""
    found = []
    monkeypatch.setattr(running, '_CHECKPOINT_SECONDS', seconds)
    monkeypatch.setattr(ResultFolder, 'checkpoint',
                        lambda self, arrays: found.append(arrays['done']))
    run('toy', out=tmp_path/'r', **SETTINGS)
    assert found == expected


def test_a_run_that_is_continued_ends_with_the_same_numbers(interrupted, tmp_path):
    whole = run('toy', out=tmp_path/'whole', **SETTINGS)
    result = run('toy', out=interrupted.out, **SETTINGS)
    assert result.arrays.keys() == whole.arrays.keys()
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(result.arrays[name], array)
    assert result.description == whole.description
    assert [stretch['from'] for stretch in whole.description['stretches']] == [0]


def test_a_run_that_failed_keeps_no_other_out(tmp_path, monkeypatch):
    """Even if the error, and with it the folder, is kept, as an interactive Python does."""
    kept = []
    for _ in range(2):
        with pytest.raises(RuntimeError, match='the toy is broken') as error:
            run('toy', out=tmp_path/'bad', mode='bad', **SETTINGS)
        kept.append(error)
    interrupted = interrupt(tmp_path/'r', monkeypatch)
    edit(interrupted.part, EDITED['state'])
    for _ in range(2):
        with pytest.raises(ValueError, match='it is not what this run has written') as error:
            run('toy', out=interrupted.out, **SETTINGS)
        kept.append(error)


EDITED = {
    'counter': lambda a: a.update(done=np.array(3)),
    'counter beyond the end': lambda a: a.update(done=np.array(10**9)),
    'negative counter': lambda a: a.update(done=np.array(-1)),
    'counter that is none': lambda a: a.update(done=np.array('nine')),
    'no counter': lambda a: a.pop('done'),
    'no digest': lambda a: a.pop('digest'),
    'other digest': lambda a: a.update(digest=np.array('0'*64)),
    'digest of another kind': lambda a: a.update(digest=np.zeros(3)),
    'state': lambda a: a['state/sum'].__iadd__(1),
    'state of another shape': lambda a: a.update({'state/sum': np.zeros(7)}),
    'state of another type': lambda a: a.update({'state/sum': a['state/sum'].astype('f4')}),
    'no state': lambda a: a.pop('state/sum'),
    'fewer rows': lambda a: a.update({'rows/sums': a['rows/sums'][:4]}),
    'one array more': lambda a: a.update({'state/more': np.zeros(1)}),
    'objects': lambda a: a.update({'state/sum': np.array([print])}),
}


@pytest.mark.parametrize('change', EDITED.values(), ids=EDITED)
def test_an_edited_checkpoint_is_refused(interrupted, change):
    edit(interrupted.part, change)
    before = (interrupted.part/'checkpoint.npz').read_bytes()
    with pytest.raises(ValueError, match=r"checkpoint.npz' is damaged; delete '.*r.part' and run "
                                         'again'):
        run('toy', out=interrupted.out, **SETTINGS)
    assert (interrupted.part/'checkpoint.npz').read_bytes() == before
    shutil.rmtree(interrupted.part)  # the remedy
    run('toy', out=interrupted.out, **SETTINGS)


@pytest.mark.parametrize('change, message', [
    (lambda a: a.update(done=np.array(3)), 'says that 3 of 20 are done, which does not fit'),
    (lambda a: a.update(done=np.array(20)), 'says that 20 of 20 are done'),
    (lambda a: a.update(done=np.array(0)), 'says that 0 of 20 are done'),
    (lambda a: a.pop('rows/sums'), 'does not fit what it holds')])
def test_counters_do_not_fit_even_if_the_digest_does(interrupted, change, message):
    description = json.loads((interrupted.part/'run.json').read_text())
    with np.load(interrupted.part/'checkpoint.npz') as file:
        arrays = {key: value for key, value in file.items() if key != 'digest'}
    change(arrays)
    forged = ResultFolder(interrupted.out)
    forged._description = description
    forged.checkpoint(arrays)
    with pytest.raises(ValueError, match=message):
        run('toy', out=interrupted.out, **SETTINGS)


def test_the_checkpoint_of_another_run_is_refused(interrupted, tmp_path, monkeypatch):
    for settings in (dict(seed=4), dict(gain=2)):
        other = interrupt(tmp_path/f'other-{settings}', monkeypatch, **settings)
        shutil.copy(other.part/'checkpoint.npz', interrupted.part)
        with pytest.raises(ValueError, match='it is not what this run has written'):
            run('toy', out=interrupted.out, **SETTINGS)


def test_a_run_continued_by_another_version_says_so(interrupted, monkeypatch, capsys):
    now = {**provenance.versions(), 'brian2': '9.9'}
    monkeypatch.setattr(provenance, 'versions', lambda: now)
    result = run('toy', out=interrupted.out, **SETTINGS)
    before, after = result.description['stretches']
    assert before['versions'] != now == after['versions'] == result.description['versions']
    assert (before['from'], after['from']) == (0, 9)
    error = capsys.readouterr().err
    assert "r.part' is continued with brian2 " in error and ', now 9.9' in error
    assert error.count('\n') == 1


def test_a_process_that_added_nothing_is_no_stretch(tmp_path, monkeypatch):
    folder = ResultFolder(tmp_path/'r')
    description = dict(protocol='toy', parameters={}, seed=1, device='numpy')
    folder.begin(description)
    folder._lock.release()
    monkeypatch.setattr(provenance, 'versions', lambda: {'brian2': '9.9'})
    ResultFolder(tmp_path/'r').begin(description)
    stretches = json.loads((folder.part/'run.json').read_text())['stretches']
    assert [stretch['versions'] for stretch in stretches] == [{'brian2': '9.9'}]


def test_a_study_says_what_made_its_runs(tmp_path, monkeypatch):
    settings = dict(set=dict(steps=2, pause=0), device='numpy', quiet=True, jobs=1)
    before = sweep('toy', seeds=2, out=tmp_path/'s', **settings).description['stretches']
    sweep('toy', seeds=3, out=tmp_path/'s', **settings)
    monkeypatch.setattr(provenance, 'versions', lambda: {'brian2': '9.9'})
    study = sweep('toy', seeds=5, out=tmp_path/'s', **settings)
    assert study.description['stretches'][:-1] == before
    assert [stretch['from'] for stretch in study.description['stretches']] == [0, 3]
    made = [result.description['versions'] for _, result in study.runs()]
    assert made == [before[0]['versions']]*3 + [{'brian2': '9.9'}]*2


@pytest.mark.parametrize('device', ['numpy', 'cpp_standalone'])
def test_where_numbers_come_from(device, monkeypatch):
    found = provenance.provenance(device)
    assert found['versions'].keys() == {'python', 'platform', 'brian-le', 'brian2', 'numpy'}
    assert found['processor'] and len(found['date']) == len('2026-01-01')
    assert ('compiler' in found) == ('flags' in found) == (device != 'numpy')
    if device != 'numpy':
        assert '-march=native' in found['flags'] and found['compiler'].startswith('g++: ')


def test_without_git_there_is_no_revision(monkeypatch):
    monkeypatch.setenv('PATH', '')
    assert provenance.revision.__wrapped__() is None


def test_numpy_asks_no_other_program_twice(monkeypatch):
    provenance.provenance('numpy')
    monkeypatch.setattr(provenance.subprocess, 'run', None)
    provenance.provenance('numpy')


# ----------------------------------------------------------------------------- infinite numbers
@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('name', [name for name in PROTOCOLS if name != 'toy'])
def test_no_protocol_completes_a_result_with_numbers_that_are_none(tmp_path, monkeypatch, name,
                                                                   value):
    protocol = get_protocol(name)
    monkeypatch.setattr(protocol, '__init__', lambda self, p, seed: None)
    monkeypatch.setattr(Run, 'conduct', lambda self, protocol: {
        'time': np.arange(4.), 'fine': np.arange(3), 'word': np.array('x'),
        'trace': np.array([0, 1, value, 3])})
    data = dict(data=tmp_path) if any(p.name == 'data' for p in protocol.parameters) else {}
    with pytest.raises(FloatingPointError, match=f"'trace' is {value} at index 2, at 2 ms"):
        run(name, out=tmp_path/'r', device='numpy', quiet=True, **data)
    assert not any(path.name.startswith('r') for path in tmp_path.iterdir())


def test_what_was_not_measured_is_declared():
    check_finite({'a.layers': np.array([1, np.nan])}, ['*.layers'])
    with pytest.raises(FloatingPointError, match="'a.layers' is inf at index 1"):
        check_finite({'a.layers': np.array([1, np.inf])}, ['*.layers'])
    declared = {name: get_protocol(name).unmeasured for name in PROTOCOLS
                if get_protocol(name).unmeasured}
    assert declared == {'alignment': ('*.layers', 'layers'), 'response-lag': ('*.latency',),
                        'feedback': ('angle', 'initial_angle')}


@pytest.mark.parametrize('arrays, message', [
    ({'after.time': [0.5, 1], 'after.gle': np.array([[0, 1], [2, np.nan]])},
     "'after.gle' is nan at index 1, 1, at 1 ms"),
    ({'trace.time': [0.5, 1], 'trace.le.u': np.array([np.nan, 1])}, 'at index 0, at 0.5 ms'),
    ({'time': [0.5, 1], 'le.rates': np.array([0, np.inf])}, 'at index 1, at 1 ms'),
    ({'end': np.array(np.nan)}, "'end' is nan; use smaller"),
    ({'f': np.array([1, 1j*np.inf])}, "'f' is .*inf"),
])
def test_messages_name_array_and_time(arrays, message):
    with pytest.raises(FloatingPointError, match=message):
        check_finite(arrays)


@pytest.mark.parametrize('where', ['state', 'rows'])
def test_rows_and_states_are_checked_in_every_chunk(tmp_path, monkeypatch, where):
    """The array that is named is the one with the number."""
    def chunk(self, program, state, first, n):
        bad = np.where(np.arange(first, first + n) == 3, np.nan, 1)
        return ({'fine': np.ones(1), 'v': bad[-1:] if where == 'state' else np.ones(1)},
                {'fine': np.ones(n), 'w': bad if where == 'rows' else np.ones(n)})

    monkeypatch.setattr(Toy, 'chunk', chunk)
    monkeypatch.setattr(Toy, 'room', 1)
    name = {'state': 'v', 'rows': 'w'}[where]
    with pytest.raises(FloatingPointError, match=f"'{name}' is no longer finite in step 4, between "
                                                 '3 and 4 ms'):
        run('toy', out=tmp_path/'r', **SETTINGS)
    assert list(tmp_path.iterdir()) == []
