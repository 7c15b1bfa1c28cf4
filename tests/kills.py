"""Kills ``brian-le`` at random moments, and looks at what is left.

``python tests/kills.py --kills 300`` takes a quarter of an hour. In turn it kills runs, sweeps,
exports, and builds of the same project in two processes at once, by Ctrl-C (SIGINT), SIGTERM,
SIGKILL, and by closing their terminal. After each kill no process may be left. Every few kills the
command goes on undisturbed, and then

* its results are those of a command that was never disturbed, to the last bit, and no other file
lies
  beside them;
* there is no file left in the folder for temporary files.

It says what it found, and ends with 1 if that was anything.
"""

import argparse
import contextlib
import json
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil

HOW = ('INT', 'TERM', 'KILL', 'terminal')
_MARK = 'BRIAN_LE_KILLED'
_RUN = ['--set', 'epochs=40', '--set', 't_pattern=0.3ms', '--set', 'prospective=true', '--quiet']
_PROGRAM = [sys.executable, '-m', 'brian_le.protocols']
_NO_FIGURES = '''
import sys
from brian_le.protocols import cli, plotting
plotting.plot = lambda *arguments, **settings: []
sys.exit(cli.main())
'''  # which would take most of the time of a short sweep
_COMMANDS = {
    'run': [*_PROGRAM, 'run', 'bars', *_RUN, '--out', 'out'],
    'sweep': [sys.executable, '-c', _NO_FIGURES, 'sweep', 'bars', *_RUN, '--seeds', '3', '--jobs',
              '2', '--out', 'out'],
    'export': [*_PROGRAM, 'export', 'bars', *_RUN, '--out', 'out'],
    'build': [sys.executable, '-m', 'brian_le.programs.builds']}
_SETTLE_SECONDS = 20  # until all processes of a killed command have to be gone


class Victim:
    """A command under way, in a terminal of its own."""

    def __init__(self, command, folder, environment):
        self.mark = f'{os.getpid()}-{random.getrandbits(64):x}'
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.chdir(folder)
            os.execve(command[0], command, {**environment, _MARK: self.mark})
        self.output = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with contextlib.suppress(OSError):
            while text := os.read(self.terminal, 4096):
                self.output.append(text)

    def end(self, how):
        """End it, and return whether it was there to be ended."""
        if os.waitpid(self.pid, os.WNOHANG) != (0, 0):
            return False
        if how == 'terminal':
            os.kill(self.pid, signal.SIGHUP)  # as the terminal does to whoever leads its session
        else:
            os.kill(self.pid, getattr(signal, f'SIG{how}'))
        os.waitpid(self.pid, 0)
        return True

    def wait(self):
        """Let it end by itself, and return its exit code."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self):
        """Close the terminal, and return the processes that live on."""
        os.close(self.terminal)
        end = time.monotonic() + _SETTLE_SECONDS
        while left := self._alive():
            if time.monotonic() > end:
                return left
            time.sleep(0.1)
        return []

    def _alive(self):
        alive = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if (process.status() != psutil.STATUS_ZOMBIE
                        and process.environ().get(_MARK) == self.mark):
                    alive.append(' '.join(process.cmdline())[:200])
        return alive


class Killer:
    """Kills of one command after the other, and what was found.

    Parameters
    ----------
    folder : Path
        To work in.
    seed : int
        Of moments and signals.
    """

    def __init__(self, folder, seed=0):
        self.folder, self.random = Path(folder), random.Random(seed)
        self.kills, self.found, self.rounds = Counter(), [], 0
        self._expected = {}

    def undisturbed(self, what):
        """What a command leaves that is not disturbed, and the seconds that it takes."""
        if what not in self._expected:
            place = self._place(f'undisturbed-{what}', what)
            command, environment = _COMMANDS[what], self._environment(place, what)
            if what != 'build':  # compiles; what is timed is the next
                subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
                shutil.rmtree(place/'out')
            began = time.monotonic()
            subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
            self._expected[what] = contents(place), time.monotonic() - began
        return self._expected[what]

    def _place(self, name, what):
        place = self.folder/name
        (place/'tmp').mkdir(parents=True)
        if what == 'build':
            from tests.brian_le.programs.tiny_projects import write_tiny

            write_tiny(place, value='7')
        return place

    def _environment(self, place, what):
        cache = place/'tmp'/'..'/'cache' if what == 'build' else self.folder/'cache'
        return {**os.environ, 'TMPDIR': str(place/'tmp'), 'BRIAN_LE_CACHE': os.path.normpath(cache),
                'MPLBACKEND': 'agg', 'PYTHONPATH': os.pathsep.join(sys.path)}

    def round(self, what, n):
        """Kill a command `n` times, let it go on, and compare."""
        expected, seconds = self.undisturbed(what)
        self.rounds += 1
        place = self._place(f'{self.rounds}-{what}', what)
        places = [place]
        if what == 'build':  # two of the same at once
            places.append(self._place(f'{self.rounds}-{what}-too', what))
        environment = self._environment(place, what)
        for _ in range(n):
            how = self.random.choice(HOW)
            victims = [Victim(_COMMANDS[what], each, environment) for each in places]
            # most of the time is that of imports; what is done afterwards is hit as often
            moment = self.random.uniform(self.random.choice([0, 0.5])*seconds, seconds)
            time.sleep(moment)
            was_there = False
            for victim in victims[:1] if self.random.random() < 0.5 else victims:
                was_there |= victim.end(how)
            for victim in victims[1:]:
                with contextlib.suppress(ChildProcessError):
                    victim.wait()
            self.kills[what, how] += was_there
            for victim in victims:
                if left := victim.close():
                    self.found.append(f'{what} in {place}, {how}: still running: {left}')
            if not was_there:  # it had ended
                self._expected[what] = expected, moment
                break
        self._go_on(what, places, environment, expected)

    def _go_on(self, what, places, environment, expected):
        for place in places:
            if what == 'sweep' or not (place/'out').exists():
                done = subprocess.run(_COMMANDS[what], cwd=place, env=environment, text=True,
                                      capture_output=True)
                if done.returncode:
                    self.found.append(f'{what} in {place}: {done.stderr[-2000:]}')
                    continue
            self.found += [f'{what} in {place}: {difference}'
                           for difference in differences(expected, contents(place))]
        left = sorted(os.listdir(places[0]/'tmp'))
        if left and not self._are_cleared(places[0]):
            self.found.append(f'{what} in {places[0]}: temporary files are left: {left}')
        if not self.found:
            for place in places:
                shutil.rmtree(place)

    def _are_cleared(self, place):
        """Let a start some minutes later clear up, where the command had nothing more to do."""
        for folder in (place/'tmp').iterdir():
            os.utime(folder, (0, 0))
        subprocess.run([*_PROGRAM, 'export', 'bars', '--set', 'epochs=1', '--quiet', '--out',
                        'next'],
                       cwd=place, env=self._environment(place, 'run'), check=True,
                       capture_output=True)
        return not os.listdir(place/'tmp')


def contents(place):
    """What the files in a folder hold, without what differs from time to time."""
    found = {}
    for path in sorted(place.rglob('*')):
        name = str(path.relative_to(place))
        if path.is_dir() or name.startswith(('tmp/', 'cache/')):
            continue
        if path.suffix == '.npz':
            with np.load(path) as arrays:
                found[name] = {key: arrays[key].tobytes() for key in arrays}
        elif path.suffix in ('.png', '.pdf'):
            found[name] = 'a figure'
        elif path.suffix == '.json':
            about = json.loads(path.read_text())
            found[name] = {key: value for key, value in about.items()
                           if key not in ('made', 'times', 'provenance', 'versions', 'history')}
        else:
            found[name] = path.read_bytes()
    return found


def differences(expected, found):
    """What differs between the contents of two folders."""
    for name in sorted({*expected, *found}):
        if name not in found:
            yield f"'{name}' is missing"
        elif name not in expected:
            yield f"'{name}' is left"
        elif expected[name] != found[name]:
            yield f"'{name}' differs"


def kill(folder, kills, commands=tuple(_COMMANDS), seed=0, each=6, say=lambda text: None):
    """Kill until there were so many kills, and return the `Killer`."""
    killer = Killer(folder, seed)
    while sum(killer.kills.values()) < kills:
        for what in commands:
            killer.round(what, each)
            say(f"{sum(killer.kills.values())} kills, {len(killer.found)} findings")
    return killer


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kills', type=int, default=300)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--only', choices=_COMMANDS, help='kill nothing else')
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix='kills_'))
    began = time.monotonic()
    killer = kill(folder, options.kills, [options.only] if options.only else tuple(_COMMANDS),
                  options.seed, say=lambda text: print(f'{time.monotonic() - began:.0f} s: {text}',
                                                       flush=True))
    for (what, how), n in sorted(killer.kills.items()):
        print(f'{n:5} kills of {what} by {how}')
    for finding in killer.found:
        print(finding)
    if killer.found:
        print(f"everything is in '{folder}'")
        return 1
    shutil.rmtree(folder)
    print('nothing was lost, nothing was left')
    return 0


if __name__ == '__main__':
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.exit(main())
