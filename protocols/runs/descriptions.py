"""What files say of runs and studies, checked before it is used.

These files may come from anywhere. What they say is compared with what it can be, so that whoever
reads a description finds in it what is promised here: a name is never a path, a number is one.
"""

import json
import os
import re
from pathlib import Path

from brian_le.checks import choose
from brian_le.programs import DEVICES

__all__ = ['check_run', 'check_study', 'check_table', 'is_plain_name', 'plain', 'read_json']

_LARGEST = 2**26  # bytes of a description: that of a study with a hundred thousand runs has less
_PLAIN = (str, int, float, bool, type(None))
_RUN = {'protocol': str, 'parameters': dict, 'seed': int}
_STUDY = {'target': str, 'source': (str, type(None)), 'device': str, 'figures': str,
          'seeds': list, 'parts': list, 'columns': dict, 'runs': list}
_KINDS = {str: 'a text', int: 'a whole number', list: 'a list', dict: 'a table',
          (str, type(None)): 'a text'}


def read_json(path, check, advice=''):
    """What is in a JSON file; a ValueError, with some advice, if it cannot be used.

    So it is if it has a name twice, and if `check` raises a ValueError for it.
    """
    try:
        size = os.stat(path).st_size
        if size > _LARGEST:
            raise ValueError(f'it has {size} bytes, and at most {_LARGEST} are read')
        found = json.loads(Path(path).read_text(encoding='utf-8'), object_pairs_hook=_table)
        check(found)
    except OSError as error:
        raise ValueError(f"'{path}' cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        reason = ('it is nested too deeply' if isinstance(error, RecursionError)
                  else str(error).splitlines()[0])
        raise ValueError(f"'{path}' is damaged: {reason}{'; ' if advice else ''}{advice}") from None
    return found


def _table(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"'{twice:.40}' is there twice")
    return found


def check_table(found, needed=None):
    """Raise a ValueError unless this is a table with these entries, of these kinds."""
    needed, is_table = needed or {}, isinstance(found, dict)
    missing = [name for name in needed if not is_table or name not in found]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    if not is_table:
        raise ValueError(f'it is {_shown(found)}, not a table')
    for name, kind in needed.items():
        if not isinstance(found[name], kind) or isinstance(found[name], bool):
            raise ValueError(f"'{name}' is {_shown(found[name])}, and not {_KINDS[kind]}")


def check_run(found):
    """Raise a ValueError unless this describes a run."""
    check_table(found, _RUN)
    if not found['protocol'].isprintable() or not found['protocol']:
        raise ValueError(f"'protocol' is {_shown(found['protocol'])}")
    _check_plain(found['parameters'])
    _check_seed(found['seed'])
    if 'device' in found:
        choose('device', found['device'], DEVICES)
    _check_optional(found, stretches=list)


def check_study(found):
    """Raise a ValueError unless this describes a study."""
    check_table(found, _STUDY)
    choose('device', found['device'], DEVICES)
    _check_optional(found, name=str, summary=str, named=dict, stretches=list)
    for seed in found['seeds']:
        _check_seed(seed)
    for unit in found['columns'].values():
        if not isinstance(unit, str):
            raise ValueError(f'the unit of a column is {_shown(unit)}, and not a text')
    for name, words in found.get('named', {}).items():
        if not (isinstance(words, list) and all(
                isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], (int, float))
                and isinstance(pair[1], str) for pair in words)):
            raise ValueError(f"what values of '{name:.40}' are called is {_shown(words)}, and not "
                             'a list of pairs of a number and a text')
    for part in found['parts']:
        check_table(part, {'label': str, 'set': dict, 'grid': dict})
        _check_plain(part['set'])
        check_table(part['grid'], dict.fromkeys(part['grid'], list))
        for values in part['grid'].values():
            _check_plain(dict(enumerate(values)))
    for run in found['runs']:
        if not (isinstance(run, list) and len(run) == 2 and isinstance(run[0], str)
                and is_plain_name(run[1])):
            raise ValueError(f'{_shown(run)} is not the label and the name of a run')


def is_plain_name(name):
    """Whether this is the name of a file in a folder, on any system, and not the way to another.

    Examples
    --------
    >>> from brian_le.protocols.runs.descriptions import is_plain_name
    >>> [is_plain_name(name) for name in ('tau=1,seed=2', '../x', '', 'a/b', '.x')]
    [True, False, False, False, False]
    """
    return (isinstance(name, str) and len(name) <= 200
            and re.fullmatch(r'[\w,=+-][\w.,=+-]*', name, re.ASCII) is not None)


def plain(text):
    """A text on one line, without characters that a terminal takes for orders.

    Examples
    --------
    >>> from brian_le.protocols.runs.descriptions import plain
    >>> print(plain('red:\\n\\x1b[31m'))
    red: \\x1b[31m
    """
    return ''.join(c if c.isprintable() else ascii(c)[1:-1] for c in ' '.join(text.split()))


def _check_optional(found, **kinds):
    """As `check_table`, of entries that need not be there."""
    check_table(found, {name: kind for name, kind in kinds.items() if name in found})
    for stretch in found.get('stretches', []):
        check_table(stretch, {'from': int, 'versions': dict})


def _check_plain(values):
    for name, value in values.items():
        if not isinstance(value, _PLAIN):
            raise ValueError(f"the value of '{name}' is {_shown(value)}; it has to be a number or "
                             'a text')


def _check_seed(seed):
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f'the seed is {_shown(seed)}; it has to be a whole number from 0 to '
                         f'{2**32 - 1}')


def _shown(value):
    """What a file says, short and on one line."""
    try:
        text = ascii(value)
    except ValueError:  # a number with thousands of digits
        text = 'a number with very many digits'
    return text if len(text) <= 60 else f'{text[:57]}...'
