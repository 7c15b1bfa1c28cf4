"""Protocols as C++ projects that need no Python where they run."""

import functools
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
    from brian_le.programs.cpp_project import MOST_STEPS, write_project
    from brian_le.protocols.runs.exported_main import add_checks, settable

    task = _exported(protocol(p, seed))
    if task.n_steps > MOST_STEPS:
        raise ValueError(f'the run has {task.n_steps} steps, but an exported one at most '
                         f'{MOST_STEPS}; make it shorter')
    with TemporaryFolder() as draft:
        project, units = draft/'project', {}
        arrays = write_project(_noting_units(task.compose, units), project,
                               n_steps=task.n_steps, precision=task.precision).arrays
        _strip_paths(project)
        add_checks(project, arrays)
        results = {key: asdict(array) for key, array in arrays.items() if array.result}
        manifest = dict(protocol=protocol.name, parameters=vars(p), seed=seed, versions=versions(),
                        revision=revision(), variables=results)
        write_text(project/_MANIFEST, json.dumps(manifest, indent=1) + '\n')
        replace_file(project/_TASK, lambda file: write_arrays(file, task.arrays))
        write_text(project/'README.txt', _readme(
            protocol, manifest, task, units, settable(arrays), _flags(project)))
        (project/'results').mkdir(exist_ok=True)
        _refuse_paths(project)
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
        raise ValueError(f"'{directory}' is of '{description['protocol']}', code that is no part of this "
                         'package and not run unasked; name it with protocol=')
    protocol = get_protocol(description['protocol'] if protocol is None else protocol)
    try:
        task = read_arrays(directory/_TASK)
    except (OSError, ValueError) as error:
        raise ValueError(f"'{directory/_TASK}' cannot be read: {error}; export it again") from None
    with sensible(f"the result in '{directory}'", description['protocol']):
        arrays = _read(protocol, description, task, variables)
    return SimpleNamespace(description=description, variables=variables, arrays=arrays)


def _exported(protocol):
    """What a project is made of: the whole run as one network."""
    protocol.load()
    protocol.refuse_export()
    return SimpleNamespace(
        compose=protocol.compose_whole, precision=protocol.precision, arrays=protocol.kept(),
        n_steps=protocol.exported_steps(), guide=protocol.guide())


def _read(protocol, description, kept, variables):
    """The arrays of a result, from what a project has written and what is kept beside it."""
    own = protocol(SimpleNamespace(**description['parameters']), description['seed'])
    end = {**variables, **kept}
    return own.result(end, own.rows(end))


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


def _noting_units(compose, units):
    """A function that composes a network and notes the units of its variables."""
    @functools.wraps(compose)
    def noting():
        from brian2.units.fundamentalunits import get_unit

        from brian_le.programs.contents import key_of, objects_of, timed_arrays

        network = compose()
        variables = {key_of(variable): variable for obj in objects_of(network)
                     for variable in obj.variables.values() if hasattr(variable.owner, 'name')}
        variables |= {f'{table.name}.values': table for table in timed_arrays(network)}
        units.update((key, '' if variable.dim.is_dimensionless else str(get_unit(variable.dim)))
                     for key, variable in variables.items())
        return network
    return noting


def _flags(project):
    """What the makefile compiles with, for any processor."""
    flags = re.search(r'^OPTIMISATIONS\s*=(.*)$', (project/'makefile').read_text(), re.M)[1]
    return ' '.join(flag for flag in flags.split() if flag not in {'-w', '-march=native'})


def _strip_paths(project):
    """Take out of the makefile where this Python keeps its headers and libraries."""
    makefile = project/'makefile'
    text = makefile.read_text(encoding='utf-8')
    text = re.sub(r'-Wl,--enable-new-dtags,?|-Wl,-rpath,"[^"]*"|-[ILR]"[^"]*"', '', text)
    makefile.write_text(text, encoding='utf-8')
    shutil.rmtree(project/'results', ignore_errors=True)


def _refuse_paths(project):
    """Raise rather than hand out where things are on this machine."""
    import brian2

    private = {str(Path(path).resolve()) for path in (
        os.path.expanduser('~'), project.parent, Path(__file__).parents[1], Path(brian2.__file__).parent)} - {'/'}
    if f'{sys.prefix}/' in (project/'makefile').read_text(encoding='utf-8'):
        private.add(sys.prefix)
    for path in project.rglob('*'):
        if path.is_file():
            content = path.read_bytes()
            for name in private:
                if name.encode() in content:
                    raise RuntimeError(f"'{path.name}' would contain the path '{name}' of this "
                                       'machine; nothing was written')


def _readme(protocol, manifest, task, units, can_be_set, flags):
    main = '\n'.join(f'    {key:<32} {meaning}' for key, meaning in task.guide.items())
    files = {**{key: dict(dtype=array.dtype, size=array.size, result=array.result)
                for key, array in can_be_set.items()}, **manifest['variables']}
    width = max(map(len, files))
    table = '\n'.join(
        f"  {'*' if key in can_be_set else ' '} {key:<{width}}  {file['dtype']}  "
        f"{'' if file['size'] is None else file['size']:>6}  {units.get(key, ''):<4}  "
        + (f"results/{file['result']}" if file['result'] else 'table')
        for key, file in sorted(files.items()))
    parameters = '\n'.join(f'    {parameter.name:<12} '
                           f"{parameter.show(manifest['parameters'][parameter.name])}"
                           for parameter in protocol.parameters)
    example = next((key for key in sorted(can_be_set) if key.endswith('.eta')), min(can_be_set))
    weights = next((key for key in sorted(can_be_set) if key.endswith('.w')), example)
    return f'''{protocol.name}: {protocol.summary}

A C++ program, generated by brian_le and Brian2. It needs a C++ compiler and make, not Python.

    make -j2        compiles it (about a quarter of a minute)
    ./main          runs it, in this folder: {task.n_steps} steps, about {
        max(1, round(task.n_steps*5e-6))} s; it prints nothing

Results
-------
./main writes one file per variable into results/: the values at the end, and everything that was
recorded. A file holds the bare values one after the other; its type is given below in the
notation of NumPy (<f8: float64, <i4: int32, <i8: int64, all little-endian). Weights are stored by
presynaptic neuron: the one from neuron i to neuron j is number i*N_post + j.

{main}

In Python, numpy.fromfile('results/NAME', 'TYPE') reads one of them, and

    from brian_le.protocols import load_export
    load_export('.').arrays

all of them, with what the protocol makes of them.

Other values
------------
The variables with a * in the list at the end can be given other values at the start:

    ./main {example}=5 {weights}=my_weights

NAME=NUMBER is for all elements, in the unit of the list without a prefix (1 ms is 0.001 in s, and
0.2/ms are 200 in Hz), NAME=true or NAME=false for what is either. NAME=FILE reads them from a file, of the
type and number of values in the list and in the order of the results, so that a file in results/
goes on from there. --results_dir FOLDER/ in front of all of these writes into another folder.

A name that is not there, a value that does not fit, or a file that is missing or of another size is
reported in one line, before anything is computed, with exit code 2. The exit code is 3 if results
could not be written, and 4 if weights or potentials have diverged.

Another machine
---------------
Nothing in the makefile is a place on the machine that this was written on. It compiles for the
processor that it runs on (-march=native). For another one, name its compiler and leave that out, or
say which it is (-mcpu=cortex-a72):

    make -j2 CXX=aarch64-linux-gnu-g++ OPTIMISATIONS='{flags}'

LFLAGS='-static -ffast-math' in addition needs no libraries there. The program needs the folders
static_arrays and results beside it, and a little-endian processor. Last digits may differ.

Parameters (seed {manifest['seed']})
----------
{parameters}

All variables
-------------
    name, type, number of values (where it is fixed), unit, file; * can be given other values

{table}
'''
