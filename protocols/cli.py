"""The command ``brian-le``.

Nothing is imported at the top that imports Brian2: lists, help and errors come at once.
"""

import argparse
import logging
import os
import sys
import time

from brian_le import __version__
from brian_le.activations import ACTIVATIONS
from brian_le.checks import choose
from brian_le.programs import DEVICES
from brian_le.protocols.catalogue import MODELS, PROTOCOLS
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.runs.descriptions import plain
from brian_le.protocols.sweeps.grids import read_grid, read_settings

__all__ = ['main']

_DESCRIPTION = '''\
Latent Equilibrium for Brian2: learning in networks of slow neurons.

A first session:
  brian-le list                     what there is
  brian-le show pyramidal           the equations and parameters of a model
  brian-le run bars --out result    train a cortical microcircuit, half a minute
  brian-le plot result              draw its figures
'''

_RUN_EXAMPLES = '''\
examples:
  brian-le run bars
  brian-le run bars --set t_pattern=1ms --set epochs=300 --seed 7 --out results/fast
  brian-le run bars --set prospective=false --device numpy
  brian-le run mnist --data downloads/mnist

A run that was interrupted is continued by the same command. 'brian-le show bars' explains the
parameters of a protocol.
'''

_SWEEP_EXAMPLES = '''\
examples:
  brian-le sweep bars --grid t_pattern=0.3ms,1ms --grid prospective=true,false --seeds 10
  brian-le sweep fig3-bars --set epochs=100 --seeds 2 --out results/short
  brian-le sweep my_study.toml --jobs 2
  brian-le sweep my_model.py:build --grid tau=5ms,10ms --seeds 1,2,7

A sweep that was interrupted is continued by the same command. 'brian-le status DIR' says how far
it is, 'brian-le plot DIR' draws it.
'''

_EXPORT_EXAMPLES = '''\
example:
  brian-le export bars --set epochs=200 --out bars-project
  cd bars-project && make && ./main

The README.txt in the folder says where the results are and how to read them.
'''

_CACHE_EXAMPLES = '''\
examples:
  brian-le cache                  list what is kept, the last used first
  brian-le cache limit 500MB      keep no more than that, from now on
  brian-le cache clear            remove all of it

Compiled programs are kept, so that a model that has not changed is not compiled again. When there
are more than the limit (2 GiB), those that were not used for longest are removed. All of it may be
removed at any time: what is needed is compiled anew.

The folder is 'brian_le' in that for your caches (~/.cache on Linux, or $XDG_CACHE_HOME); the
variable BRIAN_LE_CACHE names another one. It has to be yours, and nobody else may write to it. The
variable BRIAN_LE_CACHE_LIMIT sets the limit for the programs that see it.
'''


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        Arguments, by default those of the process.

    Returns
    -------
    int
        The exit code: 0, 1 for a run that failed, 2 for something wrong with what was asked
        for, 130 if interrupted.
    """
    for stream in (sys.stdout, sys.stderr):  # a terminal may lack characters of any text
        if hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='backslashreplace')
    options = _parser().parse_args(arguments)
    # which Brian2 keeps in its log, and cannot if there is more in them than text
    sys.argv = [word.encode('utf-8', 'backslashreplace').decode() for word in sys.argv]
    # objects that were made before an error was found are no news to whoever reads the error
    logging.getLogger('brian2.core.base.unused_brian_object').setLevel(logging.ERROR)
    try:
        if arguments is None and options.command in (_run, _sweep, _export):
            from brian_le.programs.temporary import keep_together
            keep_together()  # in a process of its own
        return options.command(options) or 0
    except ValueError as error:
        return _complain(error, 2)
    except BrokenPipeError:  # the reader has seen enough, e.g. of | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (RuntimeError, ArithmeticError, OSError) as error:
        return _complain(error, 1)
    except MemoryError:
        return _complain('the model does not fit into memory; make it smaller', 1)
    except KeyboardInterrupt:
        what = {_run: 'run', _sweep: 'sweep'}.get(options.command)
        again = f'; the same command continues the {what}' if what else ''
        print(f'\ninterrupted{again}', file=sys.stderr)
        return 130


def _complain(error, code):
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"'{error.filename}': {error.strerror}" if error.filename else error.strerror
    lines = text.splitlines() if isinstance(error, RuntimeError) else [text]  # of a compiler
    print('brian-le: error:', '\n'.join(plain(line) for line in lines), file=sys.stderr)
    return code


def _parser():
    parser = argparse.ArgumentParser(prog='brian-le', description=_DESCRIPTION,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     allow_abbrev=False)
    parser.add_argument('--version', action='version', version=f'brian-le {__version__}')
    commands = parser.add_subparsers(title='commands', metavar='COMMAND', required=True)

    def command(name, function, summary, examples=None):
        sub = commands.add_parser(name, help=summary, description=summary, epilog=examples,
                                  formatter_class=argparse.RawDescriptionHelpFormatter,
                                  allow_abbrev=False)  # --seed is not --seeds
        sub.set_defaults(command=function)
        return sub

    command('list', _list, 'list models, protocols and activations')
    sub = command('show', _show, 'explain a model, a protocol or an activation')
    sub.add_argument('name', help='a name from brian-le list')
    sub = command('run', _run, 'run a protocol and keep its result', _RUN_EXAMPLES)
    _add_protocol(sub)
    sub.add_argument('--device', default='cpp_standalone',
                     help=f"what simulates: {', '.join(DEVICES)} (default: %(default)s)")
    sub.add_argument('--out', metavar='DIR',
                     help='folder of the result (default: results/PROTOCOL-SEED)')
    sub.add_argument('--quiet', action='store_true', help='show no progress')
    sub = command('sweep', _sweep, 'run a study: many runs, in several processes, and one table',
                  _SWEEP_EXAMPLES)
    sub.add_argument('target', help='a protocol or study from brian-le list, a study file (.toml), '
                     'my_study.py:Mine or my_model.py:build')
    sub.add_argument('--grid', metavar='NAME=VALUE,VALUE,...', action='append', default=[],
                     help='values of a parameter; of several, all combinations are run')
    _add_settings(sub)
    sub.add_argument('--seeds', metavar='N or A,B,...', help='how many seeds, from 12345 on, or '
                     'which')
    sub.add_argument('--jobs', metavar='N', help='number of processes (default: one per '
                     'processor)')
    sub.add_argument('--out', metavar='DIR', help='folder of the study (default: results/TARGET)')
    sub.add_argument('--device', help=f"what simulates: {', '.join(DEVICES)}")
    sub.add_argument('--cluster', metavar='ADDRESS', help='address of a Dask scheduler, whose '
                     'workers run everything')
    sub.add_argument('--quiet', action='store_true', help='show no progress')
    sub = command('status', _status, 'say how far a study is, and why runs failed')
    sub.add_argument('study', metavar='DIR', help='folder of a study')
    sub = command('plot', _plot, 'draw the figures of a result or of a study as PNG and PDF')
    sub.add_argument('protocol', metavar='PROTOCOL', nargs='?', help='for a result of a protocol '
                     'of your own, where that is: my_study.py:Mine')
    sub.add_argument('result', metavar='DIR', help='folder of a result or of a study')
    sub.add_argument('--out', metavar='DIR',
                     help='where to put the figures (default: figures in that folder)')
    sub.add_argument('--figures', metavar='FILE', help='Python file or module that draws, in place '
                     "of what the folder names; code that is no part of this package runs only if "
                     'it is named here')
    sub = command('export', _export, 'write a protocol as a C++ project that needs no Python',
                  _EXPORT_EXAMPLES)
    _add_protocol(sub)
    sub.add_argument('--out', metavar='DIR', required=True, help='folder to write')
    sub.add_argument('--quiet', action='store_true', help='say nothing')
    sub = command('cache', _cache, 'list, limit or clear the compiled programs that are kept',
                  _CACHE_EXAMPLES)
    sub.add_argument('action', nargs='?', default='list', metavar='ACTION',
                     help='list (the default), limit or clear')
    sub.add_argument('size', nargs='?', metavar='SIZE', help='of limit, e.g. 500MB or 2GiB')
    sub.add_argument('--limit', metavar='SIZE', help='the same as limit SIZE')
    return parser


def _add_protocol(sub):
    sub.add_argument('protocol', help='a protocol from brian-le list, or my_study.py:Mine')
    _add_settings(sub)
    sub.add_argument('--seed', default=12345, help='seed of all random draws (default: 12345)')


def _add_settings(sub):
    sub.add_argument('--set', metavar='NAME=VALUE', action='append', default=[],
                     help='set a parameter, e.g. t_pattern=1ms; may be repeated')
    sub.add_argument('--data', metavar='DIR', action='append', default=[],
                     help='folder with the files of a data set, the same as --set data=DIR')


def _settings(options):
    """The parameters given with --set, checked before anything slow is imported."""
    from brian_le.protocols.sweeps.study_files import named_studies

    name = options.protocol
    if name not in PROTOCOLS and (name in named_studies() or name.endswith('.toml')):
        raise ValueError(f"'{name}' is no protocol, but a model or a study: 'brian-le sweep "
                         f"{name}' runs it")
    given = read_settings(options.set)
    for folder in options.data:
        if 'data' in given:
            raise ValueError("'data' is set twice")
        given['data'] = folder
    get_protocol(name).read(given)
    return given


def _list(options):
    from brian_le.protocols.sweeps.study_files import get_study, named_studies

    for title, rows in (
            ('Models', {name: summary for name, (_, summary) in MODELS.items()}),
            ('Protocols', {name: summary for name, (_, summary) in PROTOCOLS.items()}),
            ('Studies', {name: get_study(name).summary for name in named_studies()}),
            ('Activations', {name: a.summary for name, a in ACTIVATIONS.items()})):
        print(title)
        for name, summary in rows.items():
            print(f'  {name:<23} {summary}')
        print()
    print("'brian-le show NAME' explains any of them.")


def _show(options):
    from brian_le.protocols.explaining import explain

    explain(options.name)


def _run(options):
    given = _settings(options)
    from brian_le.protocols.runs.running import run

    result = run(options.protocol, seed=options.seed, device=options.device, out=options.out,
                 quiet=options.quiet, **given)
    for line in get_protocol(options.protocol).summarize(result):
        print(line)
    place = f'{options.protocol} ' if '.py:' in options.protocol else ''
    print(f"result in '{result.directory}'; 'brian-le plot {place}{result.directory}' draws it")


def _sweep(options):
    from brian_le.protocols.sweeps.study_files import get_study
    from brian_le.protocols.sweeps.study_folders import study_status
    from brian_le.protocols.sweeps.sweeping import sweep

    if len(options.data) > 1:
        raise ValueError("'data' is set twice")
    study = sweep(options.target, grid=read_grid(options.grid), set=read_settings(options.set),
                  seeds=options.seeds, jobs=_jobs(options.jobs), out=options.out,
                  device=options.device, cluster=options.cluster, quiet=options.quiet,
                  data=options.data[0] if options.data else None)
    status = study_status(study.directory)
    print(f"{status}; table in '{study.directory/'table.csv'}'")
    code = 0
    if status.failed:
        n = len(status.failed)
        code = _complain(f"{n} run{'s' if n > 1 else ''} failed; 'brian-le status "
                         f"{study.directory}' says why, and the same command tries them again", 1)
    from brian_le.protocols.plotting import plot

    # what draws the study was named by this command, or by the study file that it named
    for file in plot(study.directory, figures=get_study(options.target).figures):
        print(file)
    return code


def _jobs(text):
    try:
        return text if text is None else int(text)
    except ValueError:
        raise ValueError(f"jobs='{text}'; give a whole number of at least 1") from None


def _status(options):
    from brian_le.protocols.sweeps.study_folders import study_status

    status = study_status(options.study)
    print(status)
    for key in status.running:
        print(f'  running  {key}')
    for key, error in status.failed.items():
        print(f'  failed   {key}: {plain(error)}')


def _plot(options):
    from brian_le.protocols.plotting import plot

    for file in plot(options.result, options.out, options.figures, options.protocol):
        print(file)


def _export(options):
    given = _settings(options)
    from brian_le.protocols.runs.exports import export

    out = export(options.protocol, options.out, seed=options.seed, quiet=options.quiet, **given)
    print(f"C++ project in '{out}'; 'make' and './main' there run it, README.txt explains it")


def _cache(options):
    from brian_le.programs.cache import Cache, cache_folder, read_size, show_size

    action = choose('action', options.action, ['list', 'limit', 'clear'])
    size = options.limit if options.size is None else options.size
    if options.size is not None and (action != 'limit' or options.limit is not None):
        raise ValueError(f"'{options.size}' is one word too many; 'brian-le cache --help' explains")
    folder = cache_folder()
    if folder is None:
        raise ValueError('there is no home, so nothing is kept; set BRIAN_LE_CACHE to a folder')
    cache = Cache(folder)
    try:
        if action == 'clear':
            n = cache.clear()
            print(f"removed {n} program{'' if n == 1 else 's'} from '{folder}'")
        if size is not None:
            cache.set_limit(read_size(size))
        if action == 'list':
            _list_cache(cache, show_size)
        elif action == 'limit' or size is not None:
            print(f"at most {show_size(cache.limit())} are kept in '{folder}'")
    except OSError as error:
        raise type(error)(error.errno, f'{error.strerror}; set BRIAN_LE_CACHE to a folder of your '
                          'own', error.filename) from None
    if problem := cache.problem():
        print(f'brian-le: it is not used: {problem}', file=sys.stderr)


def _list_cache(cache, show_size):
    entries = cache.entries()
    if entries:
        print(f"{'size':>10}  {'last used':<16}  program")
    for entry in entries:
        when = time.strftime('%Y-%m-%d %H:%M', time.localtime(entry.used))
        print(f'{show_size(entry.size):>10}  {when}  {entry.what}')
    total = sum(entry.size for entry in entries)
    print(f"{len(entries)} program{'' if len(entries) == 1 else 's'}, {show_size(total)} of at "
          f"most {show_size(cache.limit())}, in '{cache.folder}'")
