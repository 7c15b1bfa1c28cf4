"""Commands that the documentation shows are ones that can be run.

Each is parsed and its parameters are read; runs and sweeps of protocols that need no files are
composed, up to the network that a run would compile, a few runs of every sweep.
"""

import re
import shlex
from pathlib import Path

import pytest
from brian2 import defaultclock, ms, prefs, start_scope

from brian_le.protocols.cli import _parser, _settings, _show
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.sweeps.grids import read_grid, read_settings
from brian_le.protocols.sweeps.study_files import get_study

ROOT = Path(__file__).parents[1]
PAGES = [ROOT/'README.rst', *sorted((ROOT/'docs').glob('*.rst'))]
PLACES = {'SEED': '7', 'T': '2ms', 'DIR': 'folder'}  # what stands for a value of the reader's
MOST = 4  # compositions of one sweep


def commands(text):
    """All commands of a page, with the comment behind each."""
    text = re.sub(r'\\\n\s*', ' ', text)
    shown = []
    for line in re.findall(r'^    (?! )(.*brian-le .*)$', text, re.M):
        line, _, comment = line.partition('#')
        shown += [(found[1], comment.strip()) for part in line.split('&&')
                  if (found := re.search(r'(?:^|[\s/])(brian-le .*)', part))]
    shown += [(re.sub(r'\s+', ' ', code), '') for code in
              re.findall(r'``(brian-le [^`]*)``', text)]
    for code, comment in dict.fromkeys(shown):
        words = [PLACES.get(word, word) for word in shlex.split(code)[1:]]
        words = [re.sub('=T$', '=2ms', word) for word in words]
        if len(words) > 1 and not {'...', 'NAME', 'COMMAND', 'FILE'} & set(words):
            yield words, comment


CASES = {f'{page.stem}: {" ".join(words)}': (words, comment) for page in PAGES
         for words, comment in commands(page.read_text(encoding='utf-8'))}


def composes(protocol, parameters, seed):
    """Make what a run would compile."""
    found = get_protocol(protocol)
    p = found.read(parameters)
    start_scope()
    prefs.codegen.target, defaultclock.dt = 'numpy', 0.1*ms
    try:
        found(p, seed).compose()
    except ModuleNotFoundError as error:
        assert error.name in ('mnist1d',)


def needs_files(parameters):
    return 'data' in parameters


def spread_out(runs):
    """Some runs, of as many values as possible."""
    chosen, seen = [], set()
    for run in runs:
        new = {*run.parameters.items()} - seen
        if new and len(chosen) < MOST:
            chosen.append(run)
            seen |= new
    return chosen


def test_there_are_commands():
    assert len(CASES) > 80
    for page in ('robustness_microcircuit', 'robustness_layered', 'gle_robustness', 'fig4'):
        assert any(case.startswith(f'{page}: sweep') for case in CASES)


@pytest.mark.parametrize('case', CASES)
def test_command(case, tmp_path, monkeypatch, capsys):
    words, comment = CASES[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path/'folder').mkdir()
    options = _parser().parse_args(words)
    if words[0] == 'show' and '.py:' not in words[1]:
        _show(options)
        assert capsys.readouterr().out
    elif words[0] in ('run', 'export') and '.py:' not in options.protocol:
        given = _settings(options)
        parameters = vars(get_protocol(options.protocol).read(given))
        if words[0] == 'run' and not needs_files(parameters):
            composes(options.protocol, given, int(options.seed))
    elif words[0] == 'sweep' and not re.search(r'\.py:|\.toml$', options.target):
        study = get_study(options.target).changed(
            read_grid(options.grid), read_settings(options.set), options.seeds, options.device,
            options.data[0] if options.data else None)
        runs = [run for _, run in study.plan()]
        if number := re.match(r'(\d+) runs', comment):
            assert len(runs) == int(number[1])
        for run in spread_out(runs):
            if not needs_files(run.parameters):
                composes(study.target, run.parameters, run.seed)


@pytest.mark.parametrize('page', [page for page in PAGES if page.stem != 'sweeps'],
                         ids=lambda page: page.stem)
def test_what_is_drawn_has_been_computed(page):
    """``plot`` and ``status`` name a folder that a command of the page has written."""
    shown = [words for words, _ in commands(page.read_text(encoding='utf-8'))]
    written = {words[words.index('--out') + 1] for words in shown if '--out' in words}
    for words in shown:
        if words[0] in ('plot', 'status') and words[1] != 'folder':
            folder = words[2] if '.py:' in words[1] else words[1]
            assert folder in written, words
