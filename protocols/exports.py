"""Protocols as C++ projects that need no Python where they run."""

import json
import re
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from brian_le.protocols.catalogue import get_protocol
from brian_le.protocols.parameters import read_parameters
from brian_le.protocols.results import read_json
from brian_le.protocols.runner import check_seed, versions
from brian_le.temporary import TemporaryFolder

__all__ = ['export', 'load_export']

_MANIFEST, _TASK = 'export.json', 'task.npz'


def export(protocol, out, *, seed=12345, quiet=False, **parameters):
    """Write a protocol as a C++ project.

    The project contains the whole run, with its initial weights and the order of its patterns.
    It is compiled by ``make`` and run by ``./main``, which leaves its results in ``results/``;
    `load_export` reads them.

    Parameters
    ----------
    protocol : str
        Name of the protocol, e.g. ``'bars'``.
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
    module = get_protocol(protocol)
    p = read_parameters(protocol, module.PARAMETERS, parameters)
    seed = check_seed(seed)
    out = Path(out)
    if out.exists():
        raise ValueError(f"'{out}' exists; choose another folder, or delete it")
    if not quiet:
        print('loading Brian2, generating C++ ...', file=sys.stderr, flush=True)
    from brian_le.protocols.project import NEVER, write_project

    task = module.prepare(p, seed)
    if task.n_steps > NEVER:
        raise ValueError(f'the run has {task.n_steps} steps, but an exported one at most {NEVER}; '
                         'make it shorter')
    with TemporaryFolder() as draft:
        project = draft/'project'
        arrays, _ = write_project(task.compose, project, n_steps=task.n_steps,
                                  precision=task.precision)
        _strip_paths(project)
        results = {key: asdict(array) for key, array in arrays.items() if array.result}
        manifest = dict(protocol=protocol, parameters=vars(p), seed=seed, versions=versions(),
                        variables=results)
        (project/_MANIFEST).write_text(json.dumps(manifest, indent=1) + '\n')
        np.savez(project/_TASK, **task.arrays)
        (project/'README.txt').write_text(_readme(module, manifest, task))
        (project/'results').mkdir(exist_ok=True)
        _refuse_paths(project)
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFolder('.brian_le_', out.parent) as beside:
            shutil.copytree(project, beside/'project')
            (beside/'project').rename(out)  # all at once
    return out


def load_export(directory):
    """Read the results of an exported project that has run.

    Parameters
    ----------
    directory : path-like
        The folder of the project.

    Returns
    -------
    types.SimpleNamespace
        ``description`` (protocol, parameters, seed, versions), ``variables`` (all variables at
        the end and all recordings, as flat arrays by ``'object.variable'``), and ``arrays``
        (what the protocol makes of them, such as ``'le.accuracy'``).

    Raises
    ------
    ValueError
        If the folder is not an exported project, or has not run.

    Examples
    --------
    >>> from brian_le.protocols import load_export
    >>> load_export('bars-project').arrays['le.accuracy']  # doctest: +SKIP
    """
    directory = Path(directory)
    if not (directory/_MANIFEST).is_file():
        raise ValueError(f"'{directory}' is not the folder of an exported project")
    description = read_json(directory/_MANIFEST)
    files = description.pop('variables')
    missing = [file['result'] for file in files.values()
               if not (directory/'results'/file['result']).is_file()]
    if missing:
        raise ValueError(f"'{directory}' has no results yet; run 'make' and './main' there")
    variables = {key: np.fromfile(directory/'results'/file['result'], dtype=file['dtype'])
                 for key, file in files.items()}
    module = get_protocol(description['protocol'])
    p = SimpleNamespace(**description['parameters'])
    with np.load(directory/_TASK) as task:
        arrays = module.read_variables(p, dict(task), variables)
    return SimpleNamespace(description=description, variables=variables, arrays=arrays)


def _strip_paths(project):
    """Take out of the makefile where this Python keeps its headers and libraries."""
    makefile = project/'makefile'
    text = makefile.read_text()
    text = re.sub(r'-Wl,--enable-new-dtags,?|-Wl,-rpath,"[^"]*"|-[ILR]"[^"]*"', '', text)
    makefile.write_text(text)
    shutil.rmtree(project/'results', ignore_errors=True)


def _refuse_paths(project):
    """Raise rather than hand out where things are on this machine."""
    import brian2

    private = {str(Path(path).resolve()) for path in (
        Path.home(), project.parent, Path(__file__).parent, Path(brian2.__file__).parent)} - {'/'}
    if f'{sys.prefix}/' in (project/'makefile').read_text():
        private.add(sys.prefix)
    for path in project.rglob('*'):
        if path.is_file():
            content = path.read_bytes()
            for name in private:
                if name.encode() in content:
                    raise RuntimeError(f"'{path.name}' would contain the path '{name}' of this "
                                       'machine; nothing was written')


def _readme(module, manifest, task):
    main = '\n'.join(f'    {key:<32} {meaning}' for key, meaning in task.guide.items())
    width = max(len(key) for key in manifest['variables'])
    table = '\n'.join(f"    {key:<{width}}  {file['dtype']}  results/{file['result']}"
                      for key, file in sorted(manifest['variables'].items()))
    parameters = '\n'.join(f'    {parameter.name:<12} '
                           f"{parameter.show(manifest['parameters'][parameter.name])}"
                           for parameter in module.PARAMETERS)
    return f'''{module.NAME}: {module.SUMMARY}

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

Parameters (seed {manifest['seed']})
----------
{parameters}

All variables
-------------
{table}
'''
