"""Systems and users that lack something."""

import os
import subprocess
import sys

import pytest

#: The command line on a system without what only Unix has.
_WITHOUT_UNIX = '''
import sys

class NotHere:
    names = {'fcntl', 'resource', 'termios', 'pwd', 'grp', 'tty', 'pty', 'syslog', 'crypt'}

    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            raise ImportError(f"no module named '{name}'")

sys.meta_path.insert(0, NotHere())
for name in NotHere.names:
    sys.modules.pop(name, None)
from brian_le.protocols.cli import main
sys.exit(main(sys.argv[1:]))
'''


def environment(**changes):
    variables = {**os.environ, **changes}
    return {name: str(value) for name, value in variables.items() if value is not None}


@pytest.mark.parametrize('command', [
    'list', 'show bars', 'show fig3-bars', 'status s', 'run bras',
    'sweep bars --set epochs=1 --set t_pattern=0.3ms --seeds 2 --device numpy --jobs 1 --quiet '
    '--grid prospective=true --out s'])
def test_commands_without_what_only_unix_has(tmp_path, command):
    done = subprocess.run([sys.executable, '-c', _WITHOUT_UNIX, *command.split()], cwd=tmp_path,
                          capture_output=True, text=True, env=environment(HOME=None))
    assert done.returncode == (2 if command in ('status s', 'run bras') else 0), done.stderr
    assert 'Traceback' not in done.stderr
    if 'sweep' in command:
        assert '2 done, 0 running, 0 failed' in done.stdout
        assert not os.listdir(tmp_path/'s'/'running')


_FIND = '''
import sys
sys.modules['pwd'] = None  # nobody knows this user
import brian_le.programs.cache
print(brian_le.programs.cache.cache_folder())
'''


def test_the_place_of_the_cache(tmp_path):
    """Linux has it by the rules of XDG, and what a user says comes first."""
    def found(**changes):
        changes = {'HOME': None, 'XDG_CACHE_HOME': None, 'BRIAN_LE_CACHE': None, **changes}
        return subprocess.run([sys.executable, '-c', _FIND], env=environment(**changes), check=True,
                              capture_output=True, text=True).stdout.strip()
    assert found() == 'None'
    assert found(BRIAN_LE_CACHE=tmp_path/'c') == f'{tmp_path}/c'
    if sys.platform == 'linux':
        assert found(HOME=tmp_path) == f'{tmp_path}/.cache/brian_le'
        assert found(XDG_CACHE_HOME=tmp_path/'x') == f'{tmp_path}/x/brian_le'
        assert found(HOME=tmp_path, XDG_CACHE_HOME=tmp_path/'x', BRIAN_LE_CACHE='/c') == '/c'


def test_an_export_needs_no_home_and_no_cache(tmp_path):
    script = ("import sys\nsys.modules['pwd'] = None  # nobody knows this user\n"
              'from brian_le.protocols.cli import main\nsys.exit(main(sys.argv[1:]))')
    done = subprocess.run(
        [sys.executable, '-c', script, 'export', 'bars', '--set', 'epochs=1', '--quiet', '--out',
         'project'], cwd=tmp_path, capture_output=True, text=True,
        env=environment(HOME=None, XDG_CACHE_HOME=None, BRIAN_LE_CACHE='/proc/nowhere'))
    assert done.returncode == 0, done.stderr
    assert 'compiled programs' not in done.stderr and (tmp_path/'project'/'makefile').exists()
