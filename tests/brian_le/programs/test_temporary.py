import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from brian_le.programs import temporary
from brian_le.programs.temporary import TemporaryFolder, is_locked, lock, try_lock

_HOLD = '''
import sys, time
from brian_le.programs.temporary import try_lock
held = try_lock(sys.argv[1])
print('held', flush=True)
time.sleep(60)
'''
_MAKE = '''
import sys, time
from brian_le.programs.temporary import TemporaryFolder
folder = TemporaryFolder(where=sys.argv[1])
(folder.path/'large').write_text('text')
print(folder.path, flush=True)
sys.stdin.readline()
'''


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make a folder in a process of its own."""
    monkeypatch.setattr(temporary, '_TIDIED', set())
    processes = []

    def make():
        process = subprocess.Popen([sys.executable, '-c', _MAKE, tmp_path], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        processes.append(process)
        return process, process.stdout.readline().strip()
    yield make
    for process in processes:
        process.kill()
        process.communicate()


def test_what_a_killed_process_leaves_is_removed_by_the_next(tmp_path, make):
    _, alive = make()
    killed, left = make()
    ended, gone = make()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    ended.communicate('end')
    assert not os.path.exists(gone) and os.path.exists(left)
    (tmp_path/'brian_le_study').mkdir()  # of the user's, in spite of its name
    (tmp_path/'brian_le_study00').mkdir()
    (tmp_path/'brian_le_study00'/'lock').touch()
    (tmp_path/'brian_le_12345678').symlink_to(alive)
    with TemporaryFolder(where=tmp_path) as folder:
        assert {path.name for path in tmp_path.iterdir()} == {
            os.path.basename(alive), folder.name, 'brian_le_study', 'brian_le_study00',
            'brian_le_12345678'}


def test_folders_of_others_are_theirs(tmp_path, make, monkeypatch):
    killed, left = make()
    killed.kill()
    killed.wait()
    monkeypatch.setattr(os, 'getuid', lambda: 4321)
    TemporaryFolder(where=tmp_path)
    assert os.path.exists(left)


def test_a_folder_that_was_not_yet_locked(tmp_path, monkeypatch):
    """It may be that of a process that is about to; after a minute it is not."""
    empty = tmp_path/'brian_le_abcdefgh'
    for age, there in (0, True), (100, False):
        empty.mkdir(exist_ok=True)
        os.utime(empty, (os.stat(empty).st_mtime - age,)*2)
        monkeypatch.setattr(temporary, '_TIDIED', set())
        TemporaryFolder(where=tmp_path)
        assert empty.exists() == there


def test_no_place(tmp_path, monkeypatch):
    with pytest.raises(OSError, match='choose another folder') as caught:
        TemporaryFolder(where=tmp_path/'nowhere')
    assert caught.value.filename == str(tmp_path/'nowhere')
    monkeypatch.setattr(tempfile, '_candidate_tempdir_list', lambda: [])
    monkeypatch.setattr(tempfile, 'tempdir', None)
    with pytest.raises(OSError, match='there is no folder for temporary files.*set TMPDIR'):
        TemporaryFolder()


_TOGETHER = '''
import os, subprocess, sys, tempfile
from brian_le.programs.temporary import keep_together
keep_together()
open(tempfile.mkstemp()[0], 'w').close()
subprocess.run(['sh', '-c', 'echo text > "$TMPDIR/of_a_child"'], check=True)
print(len(os.listdir(tempfile.gettempdir())), flush=True)
sys.stdin.readline()
'''


def test_all_temporary_files_of_a_command_go_together(tmp_path, monkeypatch):
    monkeypatch.setattr(temporary, '_TIDIED', set())
    for kill in True, False:
        process = subprocess.Popen([sys.executable, '-c', _TOGETHER], text=True,
                                   env={**os.environ, 'TMPDIR': str(tmp_path)},
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout.readline() == '3\n'  # with the lock
        assert len(list(tmp_path.iterdir())) == 1
        if kill:
            process.kill()
        process.communicate('end')
        assert len(list(tmp_path.iterdir())) == kill


def test_a_lock_is_for_one(tmp_path):
    assert not is_locked(tmp_path/'l') and not (tmp_path/'l').exists()
    held = try_lock(tmp_path/'l')
    assert is_locked(tmp_path/'l') and try_lock(tmp_path/'l') is None
    held.release()
    assert not is_locked(tmp_path/'l')
    with lock(tmp_path/'l'):
        assert try_lock(tmp_path/'l') is None


def test_a_lock_ends_with_its_process(tmp_path):
    process = subprocess.Popen([sys.executable, '-c', _HOLD, tmp_path/'l'], stdout=subprocess.PIPE)
    process.stdout.readline()
    assert is_locked(tmp_path/'l') and try_lock(tmp_path/'l') is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not is_locked(tmp_path/'l')
    assert try_lock(tmp_path/'l') is not None


def test_a_lock_that_was_removed_while_somebody_waited(tmp_path):
    """Who waits gets the file that is there then, and not the one that is gone."""
    first = try_lock(tmp_path/'l')
    waiting = subprocess.Popen([sys.executable, '-c', 'import sys; from '
                                'brian_le.programs.temporary import lock\nwith lock(sys.argv[1]): '
                                'print(open(sys.argv[1]).read())',
                                tmp_path/'l'], stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    (tmp_path/'l').unlink()
    (tmp_path/'l').write_text('new')
    first.release()
    assert waiting.communicate()[0] == 'new\n'


def test_to_ask_needs_no_permission_to_write(tmp_path):
    (tmp_path/'l').touch(mode=0o400)
    before = os.stat(tmp_path/'l').st_mtime_ns
    assert not is_locked(tmp_path/'l')
    assert os.stat(tmp_path/'l').st_mtime_ns == before


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='there are no pipes with names')
def test_what_is_no_file_is_no_lock(tmp_path):
    """Opening a pipe would wait for ever; a link is not followed to where there is none."""
    os.mkfifo(tmp_path/'pipe')
    (tmp_path/'folder').mkdir()
    (tmp_path/'link').symlink_to(tmp_path/'nowhere')
    assert not any(is_locked(tmp_path/name) for name in ('pipe', 'folder', 'link'))
    assert {path.name for path in tmp_path.iterdir()} == {'pipe', 'folder', 'link'}
