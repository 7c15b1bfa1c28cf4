"""Places that cannot be written to: found before work, or told with the remedy."""

import errno
import os
import shutil
from collections import namedtuple

import pytest

from brian_le.protocols import export, run
from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.cli import main
from brian_le.protocols.runs import results, running, writing
from brian_le.protocols.runs.results import ResultFolder
from brian_le.protocols.runs.writing import check_place, replace_file, write_text
from tests.protocols.toys.toy import TOY

Usage = namedtuple('Usage', 'total used free')
SHORT = ['--device', 'numpy', '--quiet', '--set', 'pause=0', '--set', 'steps=20']


@pytest.fixture(autouse=True)
def toys(monkeypatch, tmp_path):
    monkeypatch.setitem(PROTOCOLS, 'toy', TOY)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize('free, fits', [(0, False), (2**20 - 1, False), (2**20, True)])
def test_room_is_looked_for_before_work(tmp_path, monkeypatch, free, fits):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: Usage(2**30, 2**30 - free, free))
    if fits:
        return check_place(tmp_path/'new')
    with pytest.raises(ValueError, match="no room left for '.*new'; make room, or choose another"):
        check_place(tmp_path/'new')
    with pytest.raises(ValueError, match='no room left'):
        run('toy', out=tmp_path/'r', device='numpy')
    with pytest.raises(ValueError, match='no room left'):
        export('bars', tmp_path/'p', quiet=True)


def test_a_file_system_that_does_not_say_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: Usage(0, 0, 0))
    check_place(tmp_path)


def test_no_permission_is_found_before_work(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'access', lambda path, mode: False)  # root may write everywhere
    for start in (lambda: run('toy', out='r', device='numpy'),
                  lambda: export('bars', 'p', quiet=True)):
        with pytest.raises(ValueError, match=f"cannot write to '{tmp_path}'; choose another"):
            start()
    assert os.listdir() == []


@pytest.mark.parametrize('number, remedy', [
    (errno.ENOSPC, 'make room, and the same command continues'),
    (errno.EDQUOT, 'make room'), (errno.EACCES, 'make its folder writable'),
    (errno.EROFS, 'make its folder writable'), (errno.EIO, '')])
def test_a_place_that_fails_while_a_run_is_under_way(monkeypatch, capsys, number, remedy):
    """One line that names the file and the remedy; the run goes on from the last checkpoint."""
    write, calls = results.write_arrays, []

    def fail(file, arrays):
        calls.append(arrays)
        file.write(b'half')
        if len(calls) > 1:
            raise OSError(number, os.strerror(number))
        write(file, arrays)

    monkeypatch.setattr(results, 'write_arrays', fail)
    monkeypatch.setattr(running, '_CHECKPOINT_SECONDS', 0)
    assert main(['run', 'toy', *SHORT, '--out', 'r']) == 1
    error = capsys.readouterr().err
    assert error.startswith("brian-le: error: 'r.part/checkpoint.npz': " + os.strerror(number))
    assert remedy in error and error.count('\n') == 1
    assert sorted(os.listdir('r.part')) == ['checkpoint.npz', 'lock', 'run.json']  # no draft
    assert [arrays['done'] for arrays in calls] == [1, 9]


def test_a_folder_that_vanishes_while_a_run_is_under_way(monkeypatch, capsys):
    keep = ResultFolder.checkpoint

    def vanish(folder, arrays):
        shutil.rmtree(folder.part)
        keep(folder, arrays)

    monkeypatch.setattr(ResultFolder, 'checkpoint', vanish)
    assert main(['run', 'toy', *SHORT, '--out', 'r']) == 1
    error = capsys.readouterr().err
    assert "'r.part/checkpoint.npz': No such file or directory; its folder has been mov" in error
    assert error.count('\n') == 1


def test_links_are_replaced_and_not_followed(tmp_path):
    (tmp_path/'mine').write_text('mine')
    for name in ('f', 'f.draft'):
        (tmp_path/name).symlink_to('mine')
    write_text(tmp_path/'f', 'é')
    assert (tmp_path/'mine').read_text() == 'mine' and not (tmp_path/'f').is_symlink()
    assert (tmp_path/'f').read_bytes() == 'é'.encode()
    assert sorted(os.listdir(tmp_path)) == ['f', 'mine']


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    write_text(tmp_path/'f', 'before')

    def fail(file):
        file.write(b'after')
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(tmp_path/'f', fail)
    assert os.listdir(tmp_path) == ['f'] and (tmp_path/'f').read_text() == 'before'


def test_no_link_in_an_unfinished_run_is_followed(tmp_path):
    description = dict(protocol='toy', parameters={}, seed=1, device='numpy')
    ResultFolder(tmp_path/'r').begin(description)
    (tmp_path/'mine').write_text('mine')
    (tmp_path/'r.part'/'checkpoint.npz').symlink_to(tmp_path/'mine')
    with pytest.raises(ValueError, match="r.part' exists and is not the folder of a run"):
        ResultFolder(tmp_path/'r').check(description)
    (tmp_path/'new.part').mkdir()
    (tmp_path/'new.part'/'lock').symlink_to(tmp_path/'mine')
    with pytest.raises(ValueError, match="new.part' exists and is not the folder of a run"):
        ResultFolder(tmp_path/'new').begin(description)
    assert (tmp_path/'mine').read_text() == 'mine'


def test_remedies_are_for_errors_of_the_system():
    with pytest.raises(OSError, match='odd') as error:
        with writing.with_remedy('f'):
            raise OSError('odd')
    assert error.value.filename == 'f'
