import json
import os
from pathlib import Path

import numpy as np
import pytest

from brian_le.protocols.runs.results import ResultFolder, load_result
from brian_le.protocols.runs.writing import write_text

DESCRIPTION = dict(protocol='bars', parameters={'n': 1, 'lag': None}, seed=3, device='numpy')


def contents(path):
    return sorted(str(each.relative_to(path)) for each in path.rglob('*'))


def test_from_beginning_to_end(tmp_path):
    folder = ResultFolder(tmp_path/'sub'/'r')
    assert folder.begin(DESCRIPTION) is None
    folder.checkpoint({'a': np.arange(3)})
    assert not folder.directory.exists() and folder.part.name == 'r.part'
    result = folder.finish({'b': np.eye(2)})
    assert contents(tmp_path/'sub') == ['r', 'r/arrays.npz', 'r/run.json']
    np.testing.assert_array_equal(result.arrays['b'], np.eye(2))
    found = load_result(tmp_path/'sub'/'r').description
    assert {key: found[key] for key in DESCRIPTION} == DESCRIPTION
    assert "'bars', seed 3" in repr(result)


def test_interrupted_run_is_taken_over(tmp_path):
    first = ResultFolder(tmp_path/'r')
    first.begin(DESCRIPTION)
    first.checkpoint({'a': np.arange(3)})
    first.checkpoint({'a': np.arange(4)})
    first._lock.release()  # as when the process has died
    (first.part/'checkpoint.npz.draft').write_bytes(b'half written')
    saved = ResultFolder(tmp_path/'r').begin(DESCRIPTION)
    np.testing.assert_array_equal(saved['a'], np.arange(4))


def test_two_processes_at_the_same_run(tmp_path):
    first = ResultFolder(tmp_path/'r')
    first.begin(DESCRIPTION)
    with pytest.raises(ValueError, match='another process is running'):
        ResultFolder(tmp_path/'r').begin(DESCRIPTION)


def finished(path):
    folder = ResultFolder(path/'r')
    folder.begin(DESCRIPTION)
    folder.finish({'a': np.zeros(1)})


def foreign(path):
    (path/'r').mkdir()
    (path/'r'/'thesis.tex').write_text('do not touch')


def a_file(path):
    (path/'r').write_text('do not touch')


def a_link(path):
    (path/'r').symlink_to('elsewhere')


def foreign_part(path):
    (path/'r.part').mkdir()
    (path/'r.part'/'thesis.tex').write_text('do not touch')


def other_parameters(path):
    ResultFolder(path/'r').begin({**DESCRIPTION, 'parameters': {'n': 2, 'lag': None}, 'seed': 4})


def finished_result_of_that_name(path):
    finished(path)
    (path/'r').rename(path/'r.part')


def a_study_of_that_name(path):
    (path/'r.part'/'runs').mkdir(parents=True)
    (path/'r.part'/'study.json').write_text('{}')


def damaged_description(path):
    other_parameters(path)
    (path/'r.part'/'run.json').write_text('[]')


def in_another_run(path):
    (path/'run.json').write_text('{}')


BAD = [(finished_result_of_that_name, "r.part' is a finished result of that name; rename it"),
       (a_study_of_that_name, "r.part' exists and is not the folder of a run"),
       (damaged_description, "r.part/run.json' is damaged: it lacks .*; delete '.*r.part' and run"),
       (in_another_run, 'the folder of another run; choose another folder'),
       (finished, 'holds a finished result; choose another folder, or delete it'),
       (foreign, 'is not the folder of a result'), (a_file, 'is not the folder of a result'),
       (a_link, 'is not the folder of a result'),
       (foreign_part, "r.part' exists and is not the folder of a run"),
       (other_parameters, 'unfinished run with another seed, n')]


@pytest.mark.parametrize('prepare, message', BAD)
def test_folders_that_cannot_take_a_result(tmp_path, prepare, message):
    prepare(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=message):
        ResultFolder(tmp_path/'r').begin(DESCRIPTION)
    assert contents(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='there are no pipes with names')
def test_a_checkpoint_that_is_no_file(tmp_path):
    other_parameters(tmp_path)
    os.mkfifo(tmp_path/'r.part'/'checkpoint.npz')
    with pytest.raises(ValueError, match="r.part' exists and is not the folder of a run"):
        ResultFolder(tmp_path/'r').begin(DESCRIPTION)


@pytest.mark.parametrize('name', ['x.part', 'X.PART', '.part', 'a/x.Part'])
def test_names_of_unfinished_runs_are_none_of_results(tmp_path, name):
    with pytest.raises(ValueError, match="ends in '.part', as folders of unfinished runs do"):
        ResultFolder(tmp_path/name)


def test_no_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'access', lambda path, mode: False)  # root may write everywhere
    with pytest.raises(ValueError, match=f"cannot write to '{tmp_path}'"):
        ResultFolder(tmp_path/'r'/'deep').begin(DESCRIPTION)
    assert contents(tmp_path) == []


def test_a_run_that_was_killed_before_it_wrote_anything(tmp_path):
    (tmp_path/'r.part').mkdir()
    (tmp_path/'r.part'/'lock').touch()
    finished(tmp_path)
    assert load_result(tmp_path/'r').arrays['a'] == 0


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path/'r').mkdir()
    finished(tmp_path)
    assert load_result(tmp_path/'r').arrays['a'] == 0


def test_reading_what_is_no_result(tmp_path):
    with pytest.raises(ValueError, match='is not the folder of a result$'):
        load_result(tmp_path/'nothing')
    ResultFolder(tmp_path/'r').begin(DESCRIPTION)
    with pytest.raises(ValueError, match='is not finished: the same command continues it'):
        load_result(tmp_path/'r')


def test_discarded_folder_is_gone(tmp_path):
    folder = ResultFolder(tmp_path/'r')
    folder.begin(DESCRIPTION)
    folder.discard()
    assert contents(tmp_path) == []


def test_description_can_be_read_by_people(tmp_path):
    finished(tmp_path)
    assert json.loads((tmp_path/'r'/'run.json').read_text())['seed'] == 3


@pytest.mark.parametrize('write', [
    lambda folder: write_text(folder/'file', 'text'),
    lambda folder: ResultFolder(folder/'r').begin(DESCRIPTION),
    finished])
def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch, write):
    synchronised, replace = [], Path.replace

    def remember(file):
        synchronised.append(os.fstat(file).st_ino)

    def check(draft, path):
        assert draft.stat().st_ino in synchronised
        return replace(draft, path)

    monkeypatch.setattr(os, 'fsync', remember)
    monkeypatch.setattr(Path, 'replace', check)
    write(tmp_path)
    assert synchronised


def test_a_killed_process_leaves_nothing_in_the_result(tmp_path):
    """Not even the file that it was about to write."""
    folder = ResultFolder(tmp_path/'r')
    folder.begin(DESCRIPTION)
    (folder.part/'checkpoint.npz.draft').write_bytes(b'half')
    folder.finish({'a': np.zeros(1)})
    assert sorted(path.name for path in (tmp_path/'r').iterdir()) == ['arrays.npz', 'run.json']
