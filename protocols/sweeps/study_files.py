"""Studies: which runs of a target there are, from the arguments of a sweep or from a file.

A study file is a short text in TOML, to be kept beside a paper; ``docs/sweeps.rst`` has its
entries. What a ``[[part]]`` says comes on top of what stands above.
"""

import contextlib
import importlib.util
import math
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from brian_le.checks import choose, whole_number
from brian_le.programs import DEVICES
from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.parameters import Folder
from brian_le.protocols.runs.running import check_seed
from brian_le.protocols.sweeps.grids import combinations, plain_grid, plain_settings, run_key
from brian_le.protocols.sweeps.targets import get_target

__all__ = ['PlannedRun', 'Study', 'get_study', 'named_studies']

_FOLDER = Path(__file__).parents[1]/'studies'
MOST_RUNS = 100_000  #: of a study: what is more is a slip, and would fill the memory
_ENTRIES = {'summary': str, 'target': str, 'seeds': (int, list), 'first_seed': int,
            'device': str, 'figures': str, 'data_target': str, 'set': dict, 'grid': dict,
            'part': list}
_PART = {'label': str, 'set': dict, 'grid': dict}
_KINDS = {str: 'a text', int: 'a number', list: 'a list', dict: 'a table',
          (int, list): 'a number or a list'}
_FIRST_SEED = 12345
_MOST_SEEDS = 10_000  # more of them are a seed that was meant
_LARGEST = 2**20  # bytes of a study file


class PlannedRun(NamedTuple):
    """One run of a study: the name of its folder, all parameters as plain values, and its seed."""

    key: str
    parameters: dict
    seed: int


@dataclass(frozen=True)
class Study:
    """What to run.

    Parameters
    ----------
    name : str
        The name of the study, or of its target.
    target : str
        A protocol, or ``'my_model.py:build'``.
    parts : list of dict
        Each with ``label``, ``set`` (values by name) and ``grid`` (lists of values by name).
    seeds : list of int
        The seeds of every combination.
    summary : str
        What it shows, in one line.
    device : str
        What simulates.
    figures : str
        The module of its figures.
    data_target : str, optional
        The protocol that takes the place of the target if a folder of data is given.
    file : str, optional
        The file that all of its parameters are from, for messages.

    Examples
    --------
    >>> from brian_le.protocols.sweeps.study_files import Study
    >>> study = Study('short', 'bars', [dict(label='', set={}, grid={'t_pattern': [1, '5 ms']})],
    ...               seeds=[1])
    >>> [(run.key, run.parameters['t_pattern']) for _, run in study.plan()]
    [('t_pattern=1,seed=1', 1.0), ('t_pattern=5,seed=1', 5.0)]
    """

    name: str
    target: str
    parts: list = field(default_factory=lambda: [dict(label='', set={}, grid={})])
    seeds: list = field(default_factory=lambda: [_FIRST_SEED])
    summary: str = ''
    device: str = DEVICES[0]
    figures: str = 'brian_le.protocols.sweeps.figures'
    data_target: str = None
    file: str = None

    def plan(self):
        """All runs, with the labels of their parts, in the order of parts, grids and seeds.

        Combinations that are the same run are one; it may be in several parts. A ValueError for
        anything that cannot be run.
        """
        choose('device', self.device, DEVICES)
        with _names_file(self.file):
            return self._planned()

    def _planned(self):
        target = get_target(self.target)
        if not target.seeded and len(self.seeds) > 1:
            raise ValueError(f"'{self.target}' has no argument 'seed', so that all "
                             f'{len(self.seeds)} seeds would give the same; give it one')
        n_runs = sum(math.prod(len(values) for values in part['grid'].values())
                     for part in self.parts)*len(self.seeds)
        if n_runs > MOST_RUNS:
            raise ValueError(f'the study would have {n_runs} runs ({len(self.seeds)} seeds of each '
                             f'combination), and can have at most {MOST_RUNS}; give fewer values '
                             'or seeds, or several studies')
        defaults, planned = target.defaults(), {}
        for part in self.parts:
            for name in set(part['set']) & set(part['grid']):
                raise ValueError(f"'{name}' has a value and a list of values; give one of them")
            for name in {'seed', 'seeds'} & {*part['set'], *part['grid']}:
                raise ValueError(f"'{name}' is not a parameter; give seeds by --seeds 1,2 or "
                                 'seeds=[1, 2]')
            for given in combinations(part['grid']):
                parameters = target.read({**part['set'], **given})
                for seed in self.seeds:
                    run = PlannedRun(run_key(parameters, defaults, seed), parameters, seed)
                    planned[part['label'], run.key] = run
        return [(label, run) for (label, _), run in planned.items()]

    def columns(self):
        """The names of parameters that tables have as columns: all but folders of data."""
        named = dict.fromkeys(name for part in self.parts for name in (*part['set'], *part['grid']))
        folders = {parameter.name for parameter in get_target(self.target).parameters
                   if isinstance(parameter, Folder)}
        return [name for name in named if name not in folders]

    def changed(self, grid=None, set=None, seeds=None, device=None, data=None):
        """The study with some of its entries replaced.

        `grid` and `set` take the place of whatever a part says of these parameters; what no part's
        grid has goes into all of them. `seeds` are their number or a list, `data` the folder of the
        data.
        """
        grid, given = plain_grid(grid or {}), plain_settings(set or {})
        for name in grid.keys() & given.keys():
            raise ValueError(f"'{name}' has a value and a list of values; give one of them")
        target = self.target
        if data is not None:
            if 'data' in given or 'data' in grid:
                raise ValueError("'data' is set twice")
            target, given['data'] = self.data_target or target, str(data)
        in_some = {name for part in self.parts for name in part['grid']}
        parts = []
        for part in self.parts:
            new = {name: grid[name] for name in grid
                   if name in part['grid'] or name not in in_some}
            kept = {name: value for name, value in part['set'].items() if name not in new}
            parts.append(dict(label=part['label'], set={**kept, **given},
                              grid={name: values for name, values in {**part['grid'], **new}.items()
                                    if name not in given}))
        return replace(self, target=target, parts=parts, file=None if grid or given else self.file,
                       seeds=self.seeds if seeds is None else read_seeds(seeds),
                       device=device or self.device)


def read_seeds(seeds, first=_FIRST_SEED):
    """Seeds from their number, from a list, or from a text with either.

    Examples
    --------
    >>> from brian_le.protocols.sweeps.study_files import read_seeds
    >>> read_seeds(3), read_seeds('2'), read_seeds('7,9'), read_seeds('7,')
    ([12345, 12346, 12347], [12345, 12346], [7, 9], [7])
    """
    if isinstance(seeds, str):
        try:
            seeds = ([int(seed) for seed in seeds.split(',') if seed.strip()] if ',' in seeds
                     else int(seeds))
        except ValueError:
            raise ValueError(f"the seeds are '{seeds}'; give their number, or a list such as "
                             '1,2,3') from None
    if hasattr(seeds, '__iter__'):
        found = list(dict.fromkeys(check_seed(seed) for seed in seeds))
        if not found:
            raise ValueError('there are no seeds; give at least one')
        return found
    number = whole_number('seeds', seeds)
    if number > _MOST_SEEDS:
        raise ValueError(f'seeds={number} means {number} seeds, and a study has at most '
                         f'{_MOST_SEEDS}; for the seed {number} itself, give --seeds {number}, '
                         f'with a comma, or seeds=[{number}]')
    return [check_seed(check_seed(first) + k) for k in range(number)]


def named_studies():
    """The studies that come with this package: their files by name."""
    return {path.stem: path for path in sorted(_FOLDER.glob('*.toml'))}


def get_study(target):
    """The study of a name or of a file; for any other target, a single run of it.

    Parameters
    ----------
    target : str or path-like
        A named study, a study file, a protocol, or ``'my_model.py:build'``.

    Returns
    -------
    Study

    Raises
    ------
    ValueError
        If there is nothing of that name, or something is wrong with the file.

    Examples
    --------
    >>> from brian_le.protocols.sweeps.study_files import get_study
    >>> get_study('bars').target
    'bars'
    """
    if callable(target):
        name = getattr(target, '__name__', 'build')
        raise ValueError(f"the target is a function; name it and its file: 'my_model.py:{name}'")
    text, studies = str(target), named_studies()
    if text in studies:
        return replace(_read_file(studies[text]), file=None)  # no file of the user's
    if text.endswith('.toml'):
        return _read_file(Path(text))
    if '.py:' in text:
        path, _, function = text.rpartition(':')
        return Study(f'{Path(path).stem}-{function}', f'{Path(path).absolute()}:{function}')
    if text.endswith('.py') or ':' in text:
        path, _, function = text.partition(':')
        raise ValueError(f"'{text}' is no target; write "
                         f"'{path.removesuffix('.py')}.py:{function or 'build'}', the file and the "
                         'function that builds the model')
    return Study(text, choose('protocol or study', text, [*PROTOCOLS, *studies]))


def _read_file(path):
    """The study in a file."""
    try:
        size = path.stat().st_size
        if size > _LARGEST or not path.is_file():
            raise ValueError(f'it has {size} bytes, and at most {_LARGEST} are read'
                             if path.is_file() else 'it is no file')
        entries = tomllib.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise ValueError(f"there is no study file '{path}'") from None
    except OSError as error:
        raise ValueError(f"'{path}' cannot be read: {error.strerror}") from None
    except RecursionError:
        raise ValueError(f"'{path}' is not a study file: it is nested too deeply") from None
    except ValueError as error:  # of its encoding or its notation, or a null byte in its name
        raise ValueError(f"'{path}' is not a study file: {error}") from None
    with _names_file(path):
        return _from_entries(entries, path)


@contextlib.contextmanager
def _names_file(path):
    """Say in which file something is wrong, if it is one."""
    try:
        yield
    except ValueError as error:
        if path is None:
            raise
        raise ValueError(f"in '{path}': {error}") from error


def _from_entries(entries, path):
    _check_entries(entries, _ENTRIES)
    if 'target' not in entries:
        raise ValueError("there is no 'target'; name a protocol, or 'my_model.py:build'")
    target = entries['target']
    if '.py:' in target:
        target = str(path.absolute().parent/target)
    else:
        choose('target', target, PROTOCOLS)
    parts = entries.get('part', [{}])
    if not parts:
        raise ValueError("'part' is empty; leave it out, or give tables [[part]]")
    labels = [part.get('label', '') for part in parts if isinstance(part, dict)]
    for part in parts:
        _check_entries(part, _PART)
        if len(parts) > 1 and (not part.get('label') or labels.count(part['label']) > 1):
            raise ValueError("every [[part]] needs a 'label' of its own")
    known = {key: entries[key] for key in ('summary', 'device') if key in entries}
    if 'figures' in entries:
        known['figures'] = _figures(entries['figures'], path)
    if 'data_target' in entries:
        known['data_target'] = choose('data_target', entries['data_target'], PROTOCOLS)
    choose('device', known.get('device', DEVICES[0]), DEVICES)
    return Study(path.stem, target, [_part(entries, part) for part in parts],
                 read_seeds(entries.get('seeds', 1), entries.get('first_seed', _FIRST_SEED)),
                 file=str(path), **known)


def _check_entries(entries, valid):
    if not isinstance(entries, dict):
        raise ValueError('a part has to be a table; write [[part]]')
    for name, value in entries.items():
        kind = valid[choose('entry', name, valid)]
        if name == 'part' and isinstance(value, dict):
            raise ValueError("'part' is a table; write [[part]]")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"'{name}' is {value!r}; it has to be {_KINDS[kind]}")
    for name in entries.get('set', {}).keys() & entries.get('grid', {}).keys():
        raise ValueError(f"'{name}' is in 'set' and in 'grid'; give it once")
    plain_settings(entries.get('set', {}))
    plain_grid(entries.get('grid', {}))


def _part(entries, part):
    """A part, with the entries above it that it does not replace."""
    own = {level: part.get(level, {}) for level in ('set', 'grid')}
    above = {level: {name: value for name, value in entries.get(level, {}).items()
                     if name not in own['set'] and name not in own['grid']}
             for level in ('set', 'grid')}
    return dict(label=part.get('label', ''), set={**above['set'], **own['set']},
                grid={**above['grid'], **own['grid']})


def _figures(name, path):
    """The module of the figures: its name, or the path of its file."""
    if name.endswith('.py'):
        file = path.absolute().parent/name
        if not file.is_file():
            raise ValueError(f"there is no file '{file}', which 'figures' names")
        return str(file)
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        found = None
    if found is None:
        raise ValueError(f"there is no module '{name}', which 'figures' names")
    return name
