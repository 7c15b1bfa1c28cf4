"""Grids of parameters: from texts and lists to combinations, and names for the runs."""

import hashlib
import re
from collections.abc import Mapping
from itertools import product

import numpy as np

__all__ = ['combinations', 'plain_grid', 'plain_settings', 'read_grid', 'read_settings', 'run_key']

_LONGEST = 120  # characters of a readable name


def read_settings(texts, option='--set'):
    """Values by name from texts such as ``'t_pattern=1ms'``, each of which comes once."""
    given = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition('='))
        if not equals or not name:
            raise ValueError(f"'{option} {text}' has no '='; write {option} NAME=VALUE"
                             f"{',VALUE,...' if option == '--grid' else ''}")
        if name in given:
            raise ValueError(f"'{name}' is set twice")
        given[name] = value
    return given


def read_grid(texts):
    """Lists of values by name from texts such as ``'t_pattern=0.3ms,1ms'``.

    Examples
    --------
    >>> from brian_le.protocols.sweeps.grids import read_grid
    >>> read_grid(['t_pattern=0.3ms,1ms', 'prospective=true,false'])
    {'t_pattern': ['0.3ms', '1ms'], 'prospective': ['true', 'false']}
    """
    return {name: [value.strip() for value in values.split(',')]
            for name, values in read_settings(texts, '--grid').items()}


def plain_settings(given):
    """Values by name, those of NumPy as Python's own; a ValueError for what holds several.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.protocols.sweeps.grids import plain_settings
    >>> plain_settings({'noise': np.float64(0.1), 't_pattern': '1 ms'})
    {'noise': 0.1, 't_pattern': '1 ms'}
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"'set' is {given!r}; give a dict of values by name, such as "
                         "{'noise': 0.1}")
    for name, value in given.items():
        if isinstance(value, (list, tuple, range)) or getattr(value, 'ndim', 0):
            raise ValueError(f"'{name}' has several values in 'set'; put them into 'grid'")
    return {name: _plain(value) for name, value in given.items()}


def plain_grid(grid):
    """Lists of values by name, from lists, ranges, arrays and Brian2 quantities.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.protocols.sweeps.grids import plain_grid
    >>> plain_grid({'noise': np.linspace(0, 1, 3), 'epochs': range(1, 3)})
    {'noise': [0.0, 0.5, 1.0], 'epochs': [1, 2]}
    """
    if not isinstance(grid, Mapping):
        raise ValueError(f"'grid' is {grid!r}; give a dict of lists by name, such as "
                         "{'noise': [0, 0.1]}")
    for name, values in grid.items():
        is_list = isinstance(values, (list, tuple, range)) or getattr(values, 'ndim', 0) == 1
        if not is_list or not len(values):
            raise ValueError(f"the grid has no values of '{name}'; give a list of them")
    return {name: [_plain(value) for value in values] for name, values in grid.items()}


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def combinations(grid):
    """All combinations of the values of a grid, the last name varying fastest.

    Examples
    --------
    >>> from brian_le.protocols.sweeps.grids import combinations
    >>> combinations({'a': [1, 2], 'b': [3]})
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 3}]
    """
    return [dict(zip(grid, values)) for values in product(*grid.values())]


def run_key(parameters, defaults, seed):
    """The name of a run, readable and fit for a folder: what differs from the defaults, and seed.

    It depends on nothing but the run, so that a study that grows finds its runs again. A name
    that would be long, or has characters that do not belong into names of folders, ends in a hash.

    Examples
    --------
    >>> from brian_le.protocols.sweeps.grids import run_key
    >>> run_key({'t_pattern': 0.3, 'epochs': 1000}, {'t_pattern': 10.0, 'epochs': 1000}, 7)
    't_pattern=0.3,seed=7'
    """
    changed = {name: value for name, value in parameters.items() if value != defaults.get(name)}
    text = ','.join(f'{name}={_show(value)}' for name, value in {**changed, 'seed': seed}.items())
    plain = re.sub(r'[^\w.,=+-]', '_', text, flags=re.ASCII)
    if plain == text and len(text) <= _LONGEST:
        return text
    return f'{plain[:_LONGEST]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}'


def _show(value):
    if value is None:
        return 'auto'
    return repr(value).removesuffix('.0') if isinstance(value, float) else str(value)
