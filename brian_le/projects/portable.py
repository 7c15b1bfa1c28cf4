"""Projects to hand out: they check what they are told, and name no place of this machine."""

import functools
import os
import re
import shutil
import sys
from pathlib import Path

import brian2
from brian2.units.fundamentalunits import get_unit

from brian_le.programs.contents import key_of, objects_of, timed_arrays
from brian_le.programs.cpp_project import MOST_STEPS, write_project
from brian_le.projects.checks import add_checks

__all__ = ['portable_flags', 'refuse_paths', 'write_portable']


def write_portable(compose, directory, n_steps, precision='double'):
    """Generate the C++ project of a network, for machines that know nothing of this one.

    ``make`` compiles it and ``./main`` runs it, into the folder ``results`` beside it.

    Parameters
    ----------
    compose, precision
        As for `brian_le.programs.build_program`.
    directory : Path
        Where to write it.
    n_steps : int
        How many time steps it runs.

    Returns
    -------
    arrays : dict of str to ArrayFile
        How it stores its variables.
    units : dict of str to str
        The units that their values are in, '' for none.

    Raises
    ------
    ValueError
        If the run is too long, or the network has Python functions in it.
    """
    if n_steps > MOST_STEPS:
        raise ValueError(f'the run has {n_steps} steps, but an exported one at most {MOST_STEPS}; '
                         'make it shorter')
    units = {}

    @functools.wraps(compose)
    def noting_units():
        network = compose()
        known = {key_of(variable): variable for obj in objects_of(network)
                 for variable in obj.variables.values() if hasattr(variable.owner, 'name')}
        known |= {f'{table.name}.values': table for table in timed_arrays(network)}
        units.update((key, '' if one.dim.is_dimensionless else str(get_unit(one.dim)))
                     for key, one in known.items())
        return network

    arrays = write_project(noting_units, directory, n_steps=n_steps, precision=precision).arrays
    makefile = directory/'makefile'
    text = makefile.read_text(encoding='utf-8')  # where this Python has its headers and libraries
    makefile.write_text(re.sub(r'-Wl,--enable-new-dtags,?|-Wl,-rpath,"[^"]*"|-[ILR]"[^"]*"', '',
                               text), encoding='utf-8')
    shutil.rmtree(directory/'results', ignore_errors=True)
    (directory/'results').mkdir()
    add_checks(directory, arrays)
    return arrays, units


def portable_flags(project):
    """What the makefile of a project compiles with, for any processor."""
    flags = re.search(r'^OPTIMISATIONS\s*=(.*)$', (project/'makefile').read_text(), re.M)[1]
    return ' '.join(flag for flag in flags.split() if flag not in {'-w', '-march=native'})


def refuse_paths(project):
    """Raise a RuntimeError rather than hand out where things are on this machine."""
    private = {str(Path(path).resolve()) for path in (
        os.path.expanduser('~'), project.parent, Path(__file__).parents[1],
        Path(brian2.__file__).parent)} - {'/'}
    if f'{sys.prefix}/' in (project/'makefile').read_text(encoding='utf-8'):
        private.add(sys.prefix)
    for path in filter(Path.is_file, project.rglob('*')):
        content = path.read_bytes()
        for name in private:
            if name.encode() in content:
                raise RuntimeError(f"'{path.name}' would contain the path '{name}' of this "
                                   'machine; nothing was written')
