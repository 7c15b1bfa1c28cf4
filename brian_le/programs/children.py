"""Programs that end when the process that started them does, however that ends.

They are put into one process group with a watcher, which waits at a pipe for the end of this
process (the system closes the pipe for whoever is killed), and then ends the group: programs, and
what they have started themselves.
"""

import os
import subprocess

__all__ = ['run']

_WATCHER = 'read -r line; kill -9 0'  # nothing is ever written, so this waits for the end
#: Process id of the watcher, which is that of the group, too, and our end of the pipe.
_watcher = None


def run(command, **options):
    """Run a program to its end.

    Parameters
    ----------
    command : list of str or path-like
        The program and its arguments. It reads nothing from the terminal.
    **options
        As for `subprocess.run`.

    Returns
    -------
    subprocess.CompletedProcess

    Raises
    ------
    OSError
        If there is no such program, or if it cannot be run.

    Examples
    --------
    >>> from brian_le.programs.children import run
    >>> run(['echo', 'done'], capture_output=True, text=True).stdout
    'done\\n'
    """
    if os.name == 'nt':  # which has no process groups
        return subprocess.run(command, stdin=subprocess.DEVNULL, **options)
    return subprocess.run(command, stdin=subprocess.DEVNULL, process_group=_group(), **options)


def _group():
    """The group of this process's programs, with a watcher in it that is alive."""
    global _watcher
    if _watcher is None or os.waitpid(_watcher[0], os.WNOHANG) != (0, 0):
        _forget()
        theirs, ours = os.pipe()
        try:
            actions = [(os.POSIX_SPAWN_DUP2, theirs, 0),
                       *((os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_WRONLY, 0) for n in (1, 2))]
            pid = os.posix_spawn('/bin/sh', ['sh', '-c', _WATCHER], os.environ,
                                 file_actions=actions, setpgroup=0)
        finally:
            os.close(theirs)
        _watcher = pid, ours
    return _watcher[0]


def _forget():
    """Close our end of the pipe; a fork of this process must not keep its watcher waiting."""
    global _watcher
    if _watcher is not None:
        os.close(_watcher[1])
        _watcher = None


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_forget)
