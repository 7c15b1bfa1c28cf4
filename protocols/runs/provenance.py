"""Where numbers come from: versions, revisions, compiler, processor and date."""

import functools
import importlib.metadata
import os
import platform
import subprocess
import sysconfig
from datetime import datetime, timezone
from pathlib import Path

from brian_le.programs.builds import cxx

__all__ = ['continued', 'provenance', 'revision', 'versions']

_SECONDS = 10  # that an answer of another program may take


def provenance(device):
    """What results of this process are made by; of numpy no compiler is asked.

    ``date`` (the day, in UTC: the same run again gives the same files), ``versions`` by the names
    of packages, ``revision`` of this package (if it is a checkout of git), ``processor``, and,
    where there is one, ``compiler`` (with its version) and ``flags``.

    Examples
    --------
    >>> from brian_le.protocols.runs.provenance import provenance
    >>> sorted(provenance('numpy'))
    ['date', 'processor', 'revision', 'versions']
    """
    found = {'date': datetime.now(timezone.utc).date().isoformat(),
             'versions': versions(), 'revision': revision(),
             'processor': _processor()}
    if device != 'numpy':
        from brian2.codegen.cpp_prefs import get_compiler_and_args

        command = cxx() if device == 'cpp_standalone' else (
            os.environ.get('CC') or sysconfig.get_config_var('CC') or 'cc').split()
        found['compiler'] = _compiler(tuple(command))
        found['flags'] = ' '.join(get_compiler_and_args()[1])
    return found


def versions():
    """Versions of everything that numbers could depend on."""
    return {'python': platform.python_version(), 'platform': platform.platform(),
            **{name: importlib.metadata.version(name)
               for name in ('brian-le', 'brian2', 'numpy')}}


def continued(stretches, done, now):
    """What has made something so far and makes it from now on, and what is different now.

    Each of the `stretches` is a provenance, with how much was done when it began (``from``). There
    is one more if something is different; what has ended without having done anything is left out.

    Examples
    --------
    >>> from brian_le.protocols.runs.provenance import continued
    >>> before = [{'from': 0, 'versions': {'brian2': '2.9'}}]
    >>> stretches, changes = continued(before, 7, {'versions': {'brian2': '2.10'}})
    >>> stretches[-1], changes
    ({'from': 7, 'versions': {'brian2': '2.10'}}, ['brian2 2.9, now 2.10'])
    """
    stretches = [stretch for stretch in stretches if stretch['from'] < done]
    changes = []
    if stretches:
        before, after = _flat(stretches[-1]), _flat(now)
        changes = [f'{name} {before.get(name)}, now {after.get(name)}'
                   for name in {**before, **after} if before.get(name) != after.get(name)]
    if not stretches or changes:
        stretches.append({'from': done, **now})
    return stretches, changes


def _flat(found):
    own = {name: value for name, value in found.items()
           if name not in ('versions', 'date', 'from')}
    return {**found.get('versions', {}), **own}


@functools.lru_cache
def revision():
    """The git revision of this package, with ``-dirty`` if files have been changed since.

    None if it is no checkout, or if there is no git.
    """
    folder = Path(__file__).parents[2]
    if not (folder/'.git').exists():  # it is installed, perhaps inside a checkout of others
        return None
    # of tracked files only: a result that lies beside the code does not change it
    return _answer('git', '-C', str(folder), 'describe', '--always', '--dirty', '--abbrev=40',
                   '--exclude=*')


@functools.lru_cache
def _compiler(command):
    return f'{" ".join(command)}: {_answer(*command, "--version") or "unknown"}'


@functools.lru_cache
def _processor():
    try:
        with open('/proc/cpuinfo', encoding='utf-8', errors='replace') as file:
            names = [line.partition(':')[2].strip() for line in file
                     if line.startswith('model name')]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _answer(*command):
    """The first line of what a program says, None if it fails."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, errors='replace',
                                stdin=subprocess.DEVNULL, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = answer.stdout.splitlines()
    return lines[0].strip() if lines and not answer.returncode else None
