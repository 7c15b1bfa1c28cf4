import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from brian_le.programs import children

#: Runs a program that starts another one and waits for it.
_PARENT = '''
import sys
from brian_le.programs import children
children.run(['sh', '-c', f'echo $$ > {sys.argv[1]}; sleep 100; true'])
'''


def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize('sent', [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_programs_end_with_who_started_them(tmp_path, sent):
    """And so do those that they have started themselves."""
    parent = subprocess.Popen([sys.executable, '-c', _PARENT, tmp_path/'pid'],
                              stderr=subprocess.DEVNULL, start_new_session=True)
    until(lambda: psutil.Process(parent.pid).children(recursive=True))
    until(lambda: 'sleep' in [child.name() for child in
                              psutil.Process(parent.pid).children(recursive=True)])
    family = psutil.Process(parent.pid).children(recursive=True)
    assert len(family) == 3  # with the watcher
    parent.send_signal(sent)
    parent.wait()
    until(lambda: not any(alive(child) for child in family))


def test_what_a_program_says_and_how_it_ends():
    done = children.run(['sh', '-c', 'echo out; echo error >&2; kill -9 $$'], capture_output=True,
                        text=True)
    assert (done.stdout, done.stderr, done.returncode) == ('out\n', 'error\n', -signal.SIGKILL)
    with pytest.raises(FileNotFoundError, match='no-such-program'):
        children.run(['no-such-program'])


def test_a_program_that_is_no_program(tmp_path):
    (tmp_path/'empty').touch(mode=0o755)
    with pytest.raises(OSError, match='Exec format error'):
        children.run([tmp_path/'empty'])


def test_a_watcher_that_was_killed_is_replaced():
    children.run(['true'])
    first, _ = children._watcher
    os.kill(first, signal.SIGKILL)
    until(lambda: not alive(psutil.Process(first)))
    assert children.run(['true']).returncode == 0
    assert children._watcher[0] != first


def test_a_fork_has_a_watcher_of_its_own():
    """It does not keep that of its parent waiting, and is not ended by it."""
    children.run(['true'])
    forked = os.fork()
    if not forked:
        os._exit(0 if children._watcher is None and children.run(['true']).returncode == 0 else 1)
    assert os.waitpid(forked, 0)[1] == 0
