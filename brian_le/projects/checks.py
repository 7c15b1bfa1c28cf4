"""What the program of an exported project says about how it is started, and how it ends.

Brian2's main program takes ``object.variable=VALUE`` arguments, but goes on, and ends without an
error, when there is no such variable, when the value is none, when a file is missing, and when the
results cannot be written. Nobody else reads what it prints where a project runs; so an exported one
has a header, ``checks.h``, that is asked in three places of the main program: at the start, where
arguments are taken over, and at the end.
"""

import re
from pathlib import Path

import numpy as np

from brian_le.programs.cpp_project import RUN

__all__ = ['add_checks', 'settable']

_HEADER = 'checks.h'
_KINDS = {'f4': 'f', 'f8': 'd', 'b1': 'b', 'i4': 'i', 'i8': 'l'}  # in that header

# places in Brian2's main program, each of which is there once
_ARGUMENTS = re.compile(r'(void set_from_command_line\(const std::vector<std::string> args\)\s*\{)'
                        r'.*?\n\}', re.S)
_START = re.compile(r'^\s*brian_start\(\);', re.M)
_END = re.compile(r'return 0;(?=\s*\}\s*$)')


def settable(arrays):
    """The variables that a project can be told at its start: those of its state, and tables.

    Parameters
    ----------
    arrays : dict of str to ArrayFile
        All that it has.
    """
    return {key: array for key, array in arrays.items() if array.is_state or array.result is None
            or key.startswith(f'{RUN}.') and not key.endswith('.i')}


def add_checks(project, arrays):
    """Let the program of a project check its arguments, its files and its results.

    Parameters
    ----------
    project : Path
        Its folder.
    arrays : dict of str to ArrayFile
        Its variables.

    Raises
    ------
    RuntimeError
        If this is not the main program of a Brian2 that is known.
    """
    main = (project/'main.cpp').read_text()
    main, n_arguments = _ARGUMENTS.subn(
        rf'#include "{_HEADER}"\n\n\1\n    brian_le_checks::set_all(args);\n}}', main)
    main, n_starts = _START.subn('\tbrian_le_checks::start();\n\tbrian_start();', main)
    main, n_ends = _END.subn('return brian_le_checks::end();', main)
    if (n_arguments, n_starts, n_ends) != (1, 1, 1):
        raise RuntimeError("this version of Brian2 writes another main program than those that "
                           'brian_le knows; use Brian2 2.9 to 2.11')
    results = {key: array for key, array in arrays.items() if array.result}
    inputs = sorted((project/'static_arrays').iterdir())
    (project/_HEADER).write_text(Path(__file__).with_name(_HEADER).read_text() % dict(
        variables=_rows(f'"{key}", \'{_kind(array)}\'' for key, array in settable(arrays).items()),
        inputs=_rows(f'"static_arrays/{path.name}", {path.stat().st_size}, \'-\', ""'
                     for path in inputs),
        first=next(iter(results.values())).result,
        results=_rows(f'"{array.result}", {_bytes(array)}, '
                      f'\'{_kind(array) if array.is_state else "-"}\', "{key}"'
                      for key, array in results.items())))
    (project/'main.cpp').write_text(main)


def _rows(rows):
    """Rows of a table in C++."""
    return '\n'.join(f'    {{{row}}},' for row in rows)


def _kind(array):
    return _KINDS[np.dtype(array.dtype).str[1:]]


def _bytes(array):
    """How large a file has to be, in C++: the program knows how far its arrays have grown."""
    name = re.sub(r'_\d+$', '', array.result)
    size = (f'brian::{name}.n*brian::{name}.m' if array.recorded is not None else
            f'brian::{name}.size()' if array.size is None else array.size)
    return f'(long long) ({size})*{np.dtype(array.dtype).itemsize}'
