"""Protocols as C++ projects that need no Python where they run."""

import functools
import json
import os
import re
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from brian_le.array_files import read_arrays, write_arrays
from brian_le.programs.temporary import TemporaryFolder
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.runs.descriptions import check_run, check_table, is_plain_name, read_json
from brian_le.protocols.runs.provenance import revision, versions
from brian_le.protocols.runs.running import check_seed
from brian_le.protocols.runs.writing import check_place, replace_file, with_remedy, write_text
from brian_le.protocols.user_files import sensible

__all__ = ['export', 'load_export']

_MANIFEST, _TASK = 'export.json', 'task.npz'
_README = Path(__file__).with_name('exported_readme.txt')  # with places for what differs


def export(protocol, out, *, seed=12345, quiet=False, **parameters):
    """Write a protocol as a C++ project.

    The project contains the whole run, with its initial weights and the order of its patterns.
    It is compiled by ``make`` and run by ``./main``, which leaves its results in ``results/``;
    `load_export` reads them.

    Parameters
    ----------
    protocol : str or type
        Name of the protocol, e.g. ``'bars'``; ``'path/my_study.py:Mine'``, or the class itself.
    out : path-like
        The folder to write, which must not exist.
    seed : int
        Seed of all random draws.
    quiet : bool
        Whether to say nothing.
    **parameters
        As for `brian_le.protocols.run`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        For an unknown protocol or parameter, an invalid value, or a folder that exists.

    Examples
    --------
    >>> from brian_le.protocols import export
    >>> export('bars', 'bars-project', epochs=20, quiet=True)  # doctest: +SKIP
    """
    protocol = get_protocol(protocol)
    p = protocol.read(parameters)
    seed = check_seed(seed)
    if not str(out):
        raise ValueError("'' cannot be the folder of a project; name a new folder")
    out = Path(out)
    if os.path.lexists(out):
        raise ValueError(f"'{out}' exists; choose another folder, or delete it")
    check_place(out)
    if not quiet:
        print('loading Brian2, generating C++ ...', file=sys.stderr, flush=True)
    from brian_le.projects.portable import refuse_paths, write_portable

    own = protocol(p, seed)
    own.load()
    own.refuse_export()
    kept = own.kept()
    with TemporaryFolder() as draft:
        project = draft/'project'
        arrays, units = write_portable(own.compose_whole, project, own.exported_steps(),
                                       own.precision)
        manifest = dict(protocol=protocol.name, parameters=vars(p), seed=seed, versions=versions(),
                        revision=revision(), variables={
                            key: asdict(array) for key, array in arrays.items() if array.result})
        write_text(project/_MANIFEST, json.dumps(manifest, indent=1) + '\n')
        replace_file(project/_TASK, lambda file: write_arrays(file, kept))
        write_text(project/'README.txt', _readme(own, p, project, arrays, units))
        refuse_paths(project)
        with with_remedy(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryFolder('.brian_le_', out.parent) as beside:
                shutil.copytree(project, beside/'project')
                (beside/'project').rename(out)  # all at once
    return out


def load_export(directory, protocol=None):
    """Read the results of an exported project that has run.

    Parameters
    ----------
    directory : path-like
        The folder of the project.
    protocol : str or type, optional
        For a protocol of your own, the class or where it is; code that is no part of this package
        runs only if it is named here.

    Returns
    -------
    types.SimpleNamespace
        ``description`` (protocol, parameters, seed, versions), ``variables`` (all variables at
        the end and all recordings, as flat arrays by ``'object.variable'``), and ``arrays``
        (what the protocol makes of them, such as ``'le.accuracy'``).

    Raises
    ------
    ValueError
        If the folder is not an exported project, has not run, or has files that were cut short.

    Examples
    --------
    >>> from brian_le.protocols import load_export
    >>> load_export('bars-project').arrays['le.accuracy']  # doctest: +SKIP
    """
    directory = Path(directory)
    if not (directory/_MANIFEST).is_file():
        raise ValueError(f"'{directory}' is not the folder of an exported project")
    description = read_json(directory/_MANIFEST, functools.partial(
        _check_manifest, protocol), 'export it again')
    files = description.pop('variables')
    missing = [file['result'] for file in files.values()
               if not (directory/'results'/file['result']).is_file()]
    if missing:
        raise ValueError(f"'{directory}' has no results yet; run 'make' and './main' there")
    variables = {key: _read_result(directory/'results'/file['result'], file)
                 for key, file in files.items()}
    if protocol is None and '.py:' in description['protocol']:
        raise ValueError(f"'{directory}' is of '{description['protocol']}', code that is no part "
                         'of this package and not run unasked; name it with protocol=')
    protocol = get_protocol(description['protocol'] if protocol is None else protocol)
    try:
        task = read_arrays(directory/_TASK)
    except (OSError, ValueError) as error:
        raise ValueError(f"'{directory/_TASK}' cannot be read: {error}; export it again") from None
    with sensible(f"the result in '{directory}'", description['protocol']):
        own = protocol(SimpleNamespace(**description['parameters']), description['seed'])
        end = {**variables, **task}
        arrays = own.result(end, own.rows(end))
    return SimpleNamespace(description=description, variables=variables, arrays=arrays)


def _check_manifest(protocol, found):
    """Raise a ValueError unless this describes an exported project."""
    check_run(found)
    check_table(found, {'variables': dict})
    if (protocol is not None or '.py:' not in found['protocol']) and vars(get_protocol(
            found['protocol'] if protocol is None else protocol).read(
                found['parameters'])) != found['parameters']:
        raise ValueError(f"it lacks parameters of '{found['protocol']}'")
    for key, file in found['variables'].items():
        check_table(file, {'dtype': str, 'result': str})
        if not is_plain_name(file['result']):
            raise ValueError(f"the file of '{key:.60}' is called {file['result']!r:.60}")
        if not re.fullmatch('[<>|=]?(b1|[iu][1248]|f[248])', file['dtype']):
            raise ValueError(f"'{key:.60}' is of type {file['dtype']!r:.20}")
        size = file.get('size')
        if size is not None and (type(size) is not int or size < 0):
            raise ValueError(f"'{key:.60}' is of size {size!r:.20}")


def _read_result(path, file):
    """The values in a file, if there are as many as there have to be."""
    dtype, found = np.dtype(file['dtype']), path.stat().st_size
    size = file.get('size')
    if found % dtype.itemsize or size is not None and found != size*dtype.itemsize:
        needed = f', and not {size*dtype.itemsize}' if size is not None else ''
        raise ValueError(f"'{path}' has {found} bytes{needed}: it was not written completely; make "
                         "room, and run './main' again")
    return np.fromfile(path, dtype=dtype)


def _readme(own, p, project, arrays, units):
    """What stands in the folder of a project: how to run it, and what all of its files are."""
    from brian_le.projects.checks import settable
    from brian_le.projects.portable import portable_flags

    can_be_set = sorted(settable(arrays))
    files = {key: array for key, array in sorted(arrays.items())
             if array.result or key in can_be_set}
    width = max(map(len, files))
    example = next((key for key in can_be_set if key.endswith('.eta')), can_be_set[0])
    return _README.read_text(encoding='utf-8').format(
        name=own.name, summary=own.summary, seed=own.seed, n_steps=own.exported_steps(),
        seconds=max(1, round(own.exported_steps()*5e-6)),
        main='\n'.join(f'    {key:<32} {meaning}' for key, meaning in own.guide().items()),
        example=example,
        weights=next((key for key in can_be_set if key.endswith('.w')), example),
        flags=portable_flags(project),
        parameters='\n'.join(f'    {parameter.name:<12} '
                             f'{parameter.show(getattr(p, parameter.name))}'
                             for parameter in own.parameters),
        table='\n'.join(
            f"  {'*' if key in can_be_set else ' '} {key:<{width}}  {array.dtype}  "
            f"{'' if array.size is None else array.size:>6}  {units.get(key, ''):<4}  "
            + (f'results/{array.result}' if array.result else 'table')
            for key, array in files.items()))
