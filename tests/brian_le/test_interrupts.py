import subprocess
import sys

import pytest

_SCRIPT = '''
import os, signal
signal.signal(signal.SIGINT, {before})
import {first}, {second}
try:
    os.kill(os.getpid(), signal.SIGINT)
    print('ignored')
except KeyboardInterrupt:
    print('interrupted')
'''


@pytest.mark.parametrize('first, second', [('brian_le', 'brian2'), ('brian2', 'brian_le')])
@pytest.mark.parametrize('before, expected', [
    ('signal.SIG_IGN', 'ignored'), ('signal.SIG_DFL', 'interrupted'),
    ('signal.default_int_handler', 'interrupted')])
def test_an_interrupt_does_what_it_did_before(first, second, before, expected):
    done = subprocess.run([sys.executable, '-c', _SCRIPT.format(
        first=first, second=second, before=before)], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (expected, '')
