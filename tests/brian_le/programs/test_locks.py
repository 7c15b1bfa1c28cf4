import os
import signal
import subprocess
import sys
import time

import pytest

from brian_le.programs.locks import is_locked, lock, try_lock

_HOLD = '''
import sys, time
from brian_le.programs.locks import try_lock
held = try_lock(sys.argv[1])
print('held', flush=True)
time.sleep(60)
'''


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
    waiting = subprocess.Popen([sys.executable, '-c', 'import sys; from brian_le.programs.locks import lock\n'
                                'with lock(sys.argv[1]): print(open(sys.argv[1]).read())',
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
