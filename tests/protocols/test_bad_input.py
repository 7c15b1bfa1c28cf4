"""Bad input of the command line and of files: one line that says what is wrong, and no more."""

import gzip
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from brian_le.protocols import run, sweep
from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.cli import main
from tests.protocols.data.data_folders import write_cifar10, write_higgs, write_mnist
from tests.protocols.data.speech_folder import write_speech
from tests.protocols.toys.toy import TOY, TOY_FILE

MODEL = '''
from brian2 import NeuronGroup, ms
def build(tau=5*ms, n=3, on=True, kind='a', seed=1):
    G = NeuronGroup(n, 'dv/dt = -v/tau : 1', method='euler', name='G')
    return [G], 1*ms, lambda variables: 1.0
def needs(tau):
    pass
value = 3
'''


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with files that are something else, in which the commands are given."""
    monkeypatch.setitem(PROTOCOLS, 'toy', TOY)
    monkeypatch.chdir(tmp_path)
    Path('file').write_text('not yours')
    os.mkdir('empty')
    os.mkdir('foreign')
    Path('foreign/notes.txt').write_text('not yours')
    os.symlink('nowhere', 'link')
    Path('model.py').write_text(MODEL)
    Path('broken.py').write_text('def build(:\n')
    Path('bars.toml').write_text('target = "bars"\n[set]\ntpattern = 1\n')
    return tmp_path


def contents():
    return {str(path): path.read_bytes() if path.is_file() else None
            for path in Path('.').rglob('*') if '__pycache__' not in path.parts}


def refused(arguments, capsys, *messages, code=2):
    """What a command that has to be refused says, in one line and without a trace."""
    before = contents()
    try:
        found = main(arguments)
    except SystemExit as error:  # of argparse, which shows the usage
        found = error.code
    out, err = capsys.readouterr()
    assert found == code and out == ''
    last = err.splitlines()[-1]
    assert 'error: ' in last and 'Traceback' not in err and last.isprintable()
    assert all(line.startswith((' ', 'usage:')) for line in err.splitlines()[:-1])
    for message in messages:
        assert message in last
    assert contents() == before


RUN = ['run', 'toy', '--device', 'numpy', '--quiet']
SWEEP = ['sweep', 'toy', '--device', 'numpy', '--quiet', '--jobs', '1']
MINE = ['sweep', 'model.py:build', '--device', 'numpy', '--quiet', '--jobs', '1']
WHOLE = 'give a whole number from 0 to 4294967295'

COMMANDS = [
    # commands and options
    ([], 'the following arguments are required: COMMAND'),
    (['rnu'], "invalid choice: 'rnu'"), (['list', 'x'], 'unrecognized arguments: x'),
    (['show'], 'required: name'), (['show', ''], "unknown name: ''"),
    (['show', 'pyramidl'], "did you mean 'pyramidal'"),
    (['show', '../x'], "unknown name: '../x'"), (['show', 'bars\n'], r"unknown name: 'bars '"),
    (['run'], 'required: protocol'), (['run', ''], "unknown protocol: ''"),
    (['run', 'bras'], "did you mean 'bars'"), (['run', 'bars', 'x'], 'unrecognized arguments: x'),
    (['run', '../bars'], "unknown protocol: '../bars'"),
    (['run', 'fig3-bars'], "'brian-le sweep fig3-bars' runs it"),
    (['run', 'model.py:build'], "'brian-le sweep model.py:build' runs it"),
    (['run', 'bars.toml'], "'brian-le sweep bars.toml' runs it"),
    ([*RUN, '--sed', '1'], 'unrecognized arguments: --sed 1'),
    ([*RUN, '--seed'], 'argument --seed: expected one argument'),
    (['run', 'toy', '--device', 'gpu'], "unknown device: 'gpu'"),
    (['run', 'toy', '--device', ''], "unknown device: ''"),
    (['run', 'toy', '--device', 'Numpy'], "did you mean 'numpy'"),
    # seeds
    *(([*RUN, f'--seed={seed}'], f"the seed is '{seed}'; {WHOLE}") for seed in (
        '-1', '1e99', 'abc', 'nan', 'inf', '-inf', '1.5', '', '4294967296', '0x10', '1e3')),
    # parameters
    ([*RUN, '--set', 'x'], "'--set x' has no '='; write --set NAME=VALUE"),
    ([*RUN, '--set', '='], 'write --set NAME=VALUE'),
    ([*RUN, '--set', '=1'], 'write --set NAME=VALUE'),
    ([*RUN, '--set', ''], 'write --set NAME=VALUE'),
    ([*RUN, '--set', 'gian=1'], "unknown parameter of 'toy': 'gian'; did you mean 'gain'"),
    ([*RUN, '--set', 'GAIN=1'], "unknown parameter of 'toy': 'GAIN'"),
    ([*RUN, '--set', 'seed=1'], "unknown parameter of 'toy': 'seed'"),
    ([*RUN, '--set', 'gain=1', '--set', 'gain=1'], "'gain' is set twice"),
    *(([*RUN, '--set', f'gain={value}'], f"'gain' is '{value}'; give a value such as '1'")
      for value in ('', 'x', 'nan', 'inf', '1_0', '1,2', '[1]', '0x1', '1 ms', '٣', '1e')),
    ([*RUN, '--set', 'gain=1e999'], "'gain' is 1e999; give a finite number"),
    ([*RUN, '--set', 'gain=-1'], "'gain' is -1; it has to be at least 0"),
    ([*RUN, '--set', 'gain=101'], "'gain' is 101; it has to be at most 100"),
    ([*RUN, '--set', 'lag=1 V'], "'lag' is '1 V'"), ([*RUN, '--set', 'lag=1 MS'], "'lag'"),
    ([*RUN, '--set', 'lag=-1s'], "'lag' is -1000 ms; it has to be at least 0 ms"),
    ([*RUN, '--set', 'steps=1.5'], "'steps' is 1.5; give a whole number"),
    ([*RUN, '--set', 'steps=0'], "'steps' is 0; it has to be at least 1"),
    ([*RUN, '--set', 'mode=godo'], "unknown value of 'mode': 'godo'; did you mean 'good'"),
    ([*RUN, '--set', 'mode='], "unknown value of 'mode': ''"),
    ([*RUN, '--data', 'empty'], "unknown parameter of 'toy': 'data'"),
    # parameters that do not fit each other
    (['run', 'bars', '--set', 'dt=7ms'], "'t_pattern' is 10 ms, which is not a whole number"),
    (['run', 'mimic', '--set', 'dt=7ms'], 'not a whole number of time steps'),
    (['run', 'lagline', '--set', 'dt=0.03ms'], "'dt' is 0.03 ms, which does not divide"),
    (['run', 'lagnet', '--set', 'dt=0.03ms'], "'dt' is 0.03 ms, which does not divide"),
    (['run', 'fourier', '--set', 'dt=0.3ms'], "'dt' is 0.3 ms, which does not divide"),
    (['run', 'mackey-glass', '--set', 'dt=0.3ms'], "'dt' is 0.3 ms, which does not divide"),
    (['run', 'filters', '--set', 'highest=0.01', '--set', 'lowest=1'], 'exchange them'),
    (['run', 'alignment', '--set', 'highest=0.01', '--set', 'lowest=1'], 'exchange them'),
    (['run', 'phases', '--set', 'tau_m=0.001ms'], "'tau_m' is 0.001 ms; give from one to"),
    (['run', 'response-lag', '--set', 'dt=1e-6ms'], 'takes'),
    (['run', 'mnist1d', '--set', 'errors=instantaneous', '--set', 'error_mismatch=0.1'],
     'without prospective errors'),
    # places for results
    ([*RUN, '--out', ''], 'name a new folder'), ([*RUN, '--out', '.'], 'name a new folder'),
    ([*RUN, '--out', '..'], 'name a new folder'), ([*RUN, '--out', '/'], 'name a new folder'),
    ([*RUN, '--out', 'file'], "'file' exists and is not the folder of a result"),
    ([*RUN, '--out', 'file/x'], "file' is not a folder, so that 'file/x' cannot be one"),
    ([*RUN, '--out', 'link'], "'link' exists and is not the folder of a result"),
    ([*RUN, '--out', 'link/x'], "link' is not a folder, so that 'link/x' cannot be one"),
    ([*RUN, '--out', 'foreign'], 'is not the folder of a result; choose another folder'),
    ([*RUN, '--out', 'x.part'], "ends in '.part', as folders of unfinished runs do"),
    ([*RUN, '--out', 'X.PART'], "ends in '.part', as folders of unfinished runs do"),
    ([*RUN, '--out', 'a\0b'], 'embedded null'),
    ([*RUN, '--out', 'x'*252], 'File name too long; choose another folder'),
    ([*RUN, '--out', '/dev/null'], "'/dev/null' exists and is not the folder of a result"),
    # sweeps
    (['sweep'], 'required: target'), (['sweep', ''], "unknown protocol or study: ''"),
    (['sweep', 'bras'], "did you mean 'bars'"),
    (['sweep', 'nothing.toml'], "there is no study file 'nothing.toml'"),
    (['sweep', 'bars.toml'], "in 'bars.toml': unknown parameter of 'bars': 'tpattern'; did you"),
    (['sweep', 'nothing.py:build'], 'there is no file'),
    (['sweep', 'empty.py'], "'empty.py' is no target; write 'empty.py:build'"),
    (['sweep', 'model.py:biuld'], "did you mean 'build'"),
    (['sweep', 'model.py:value'], "model.py': 'value'"),
    (['sweep', 'model.py:needs'], "the argument 'tau' of 'needs' has no default"),
    (['sweep', 'model.py:'], 'unknown function'),
    (['sweep', 'broken.py:build'], "broken.py' cannot be loaded: SyntaxError"),
    *(([*SWEEP[:-1], jobs], message) for jobs, message in (
        ('0', 'jobs=0; give a whole number of at least 1'), ('-1', "jobs=-1; give a whole number"),
        ('x', "jobs='x'; give a whole number"), ('1.5', "jobs='1.5'; give a whole number"),
        ('', "jobs=''; give a whole number"))),
    ([*SWEEP, '--grid', 'gain'], 'write --grid NAME=VALUE,VALUE,...'),
    ([*SWEEP, '--grid', 'gain='], "'gain' is ''"), ([*SWEEP, '--grid', '=1'], 'write --grid'),
    ([*SWEEP, '--grid', 'gain=1,,2'], "'gain' is ''"),
    ([*SWEEP, '--grid', 'gain=1,x'], "'gain' is 'x'; give a value such as '1'"),
    ([*SWEEP, '--grid', 'gian=1,2'], "did you mean 'gain'"),
    ([*SWEEP, '--grid', 'gain=1', '--grid', 'gain=2'], "'gain' is set twice"),
    ([*SWEEP, '--grid', 'gain=1', '--set', 'gain=2'], 'has a value and a list of values'),
    ([*SWEEP, '--grid', 'seed=1,2'], 'give seeds by --seeds'),
    ([*SWEEP, '--seeds', '0'], 'seeds=0; give a whole number of at least 1'),
    ([*SWEEP, '--seeds=-1'], 'seeds=-1; give a whole number of at least 1'),
    ([*SWEEP, '--seeds', 'x'], "the seeds are 'x'"), ([*SWEEP, '--seeds', ','], 'no seeds'),
    ([*SWEEP, '--seeds', '1,x'], "the seeds are '1,x'"), ([*SWEEP, '--seeds', ''], 'seeds are'),
    ([*SWEEP, '--seeds', '1,-1'], "the seed is '-1'"),
    ([*SWEEP, '--seeds', '1.5'], "the seeds are '1.5'"),
    ([*SWEEP, '--data', 'a', '--data', 'b'], "'data' is set twice"),
    ([*SWEEP, '--out', ''], 'cannot be the folder of a study'),
    ([*SWEEP, '--out', 'foreign'], 'exists and is not the folder of a study'),
    ([*SWEEP, '--out', 'file'], 'exists and is not the folder of a study'),
    ([*MINE, '--set', 'tau=5'], "'tau' is '5', but it is in units of s"),
    ([*MINE, '--set', 'tau=5 mV'], "'tau' is '5 mV', but it is in units of s"),
    ([*MINE, '--set', 'tau=x'], "'tau' is 'x'; give a number, with a unit"),
    ([*MINE, '--set', 'tau=5 mss'], "'mss' is not a unit of Brian2"),
    ([*MINE, '--set', 'tau=1e999 ms'], "'tau'"), ([*MINE, '--set', 'n=1.5'], 'whole number'),
    ([*MINE, '--set', 'on=maybe'], "'on' is 'maybe'; give true or false"),
    ([*MINE, '--set', 'tua=5 ms'], "did you mean 'tau'"),
    # what there is of results and studies
    (['status'], 'required: DIR'), (['status', ''], 'folder of a study'),
    *(([command, name], f"is not the folder of a {what}") for command, what in (
        ('status', 'study'), ('plot', 'result')) for name in (
        'nothing', 'file', 'empty', 'foreign', 'link', 'file/x')),
    (['plot'], 'required: DIR'),
    # export
    (['export', 'toy'], 'required: --out'), (['export', 'bras', '--out', 'p'], "mean 'bars'"),
    *((['export', 'bars', '--quiet', '--out', out], message) for out, message in (
        ('', 'cannot be the folder of a project'), ('file', "'file' exists"),
        ('empty', "'empty' exists"), ('link', "'link' exists"), ('.', "'.' exists"),
        ('file/x', "file' is not a folder, so that 'file/x' cannot be one"),
        ('x'*300, 'File name too long'), ('a\0b', 'embedded null'))),
    (['export', 'bars', '--out', 'p', '--seed', 'x'], "the seed is 'x'"),
    (['export', 'bars', '--out', 'p', '--set', 'dt=7ms'], 'not a whole number of time steps'),
    (['export', 'model.py:build', '--out', 'p'], "'brian-le sweep model.py:build' runs it"),
    # what is kept
    (['cache', 'x'], "unknown action: 'x'. Valid: clear, limit, list"),
    *((['cache', 'limit', size], f"the limit is '{size}'; give a size like 500MB or 2GiB")
      for size in ('x', '', '-1', 'nan', 'inf', '1e99GB', '5 parsec')),
    (['cache', 'list', '5'], "'5' is one word too many"), (['cache', '--limit', ''], "is ''"),
    (['cache', 'limit', '5GB', '--limit', '3GB'], "'5GB' is one word too many"),
    # folders of data
    (['run', 'mnist'], "'data' is missing; give --data FOLDER"),
    (['run', 'mnist', '--data', ''], "'data' is missing; give --data FOLDER"),
    (['run', 'mnist', '--data', 'a', '--set', 'data=b'], "'data' is set twice"),
    (['sweep', 'fig4c-noise', '--data', 'empty', '--device', 'numpy', '--quiet'],
     "'train-images-idx3-ubyte'"),
    *(([command, name, '--device', 'numpy', '--quiet', '--data', folder], message)
      for command in ('run', 'sweep')
      for name in ('mnist', 'mnist-conv', 'higgs', 'cifar10', 'speech-commands')
      for folder, message in (('nothing', "'nothing'"), ('file', "'file'"),
                              ('empty', "'empty'"), ('link', "'link'"))),
]


@pytest.mark.parametrize('arguments, message', COMMANDS, ids=lambda value: repr(value)[:60])
def test_commands(capsys, arguments, message):
    refused(arguments, capsys, message)


# -------------------------------------------------------------------------------- study files
TOML = [
    (b'', "there is no 'target'"), (b'\xff', 'is not a study file'), (b'\0', 'not a study file'),
    (b'target = "toy"\ntarget = "toy"', 'Cannot overwrite a value'),
    (b'target = 3', "'target' is 3; it has to be a text"), (b'[target]', "'target' is {}"),
    (b'target = "toy"\nseeds = 1.5', "'seeds' is 1.5"),
    (b'target = "toy"\nseeds = nan', "'seeds' is nan"),
    (b'target = "toy"\nseeds = ["x"]', "the seed is 'x'"),
    (b'target = "toy"\nseeds = [[1]]', 'the seed is'),
    (b'target = "toy"\n[grid]\ngain = [nan]', "'gain' is nan; give a finite number"),
    (b'target = "toy"\n[grid]\ngain = [[1]]', "'gain'"),
    (b'target = "toy"\n[set]\ngain = inf', "'gain' is inf; give a finite number"),
    (b'target = "toy"\n[set]\ngain = {a = 1}', "'gain'"),
    (b'target = "toy"\n[set]\ngain = 1979-05-27', "'gain'"),
    (b'target = "toy"\n[set]\ngain = true', "'gain' is 'True'"),
    (b'target = "toy"\n[set]\nmode = 3', "unknown value of 'mode'"),
    (b'target = "toy"\nfigures = "../no.py"', "which 'figures' names"),
    (b'target = "toy"\nfigures = ""', "there is no module ''"),
    (b'target = "toy"\nfigures = "..x"', "there is no module '..x'"),
    (b'target = "toy"\nx = ' + b'['*3000 + b']'*3000, 'nested too deeply'),
    (b'target = "toy"\n#' + b'x'*2**20, 'at most 1048576 are read'),
    (b'target = "nothing.py:build"', 'there is no file'),
]


@pytest.mark.parametrize('content, message', TOML, ids=lambda value: repr(value)[:60])
def test_study_files(capsys, content, message):
    Path('s.toml').write_bytes(content)
    refused(['sweep', 's.toml', '--device', 'numpy', '--quiet'], capsys, "'s.toml'", message)


def test_a_folder_for_a_study_file(capsys):
    os.mkdir('s.toml')
    refused(['sweep', 's.toml'], capsys, "'s.toml' is not a study file: it is no file")


# ------------------------------------------------------------------------- damaged descriptions
@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """A result, and a study with it."""
    folder = tmp_path_factory.mktemp('finished')
    with pytest.MonkeyPatch.context() as context:
        context.setitem(PROTOCOLS, 'toy', TOY)
        settings = dict(steps=3, pause=0)
        run('toy', out=folder/'r', device='numpy', quiet=True, **settings)
        sweep('toy', set=settings, grid=dict(gain=[1, 2]), out=folder/'s', device='numpy',
              quiet=True, jobs=1)
    return folder


RAW = [b'', b'[]', b'3', b'null', b'"x"', b'{', b'\xff\xfe{', b'\0', b'{"a": 1, "a": 2}',
       b'['*100_000, b'{"a":'*100_000, b'9'*10_000, b'{"seed": ' + b'9'*5000 + b'}',
       b' '*(2**26 + 1)]


@pytest.mark.parametrize('content', RAW, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize('name', ['r/run.json', 's/study.json'])
def test_descriptions_that_are_none(finished, capsys, name, content):
    folder = shutil.copytree(finished/name[0], name[0])
    Path(name).write_bytes(content)
    for command in ('plot', 'status')[:1 + (folder == 's')]:
        refused([command, folder], capsys, name, 'is damaged: ', '; delete it')


ANY = [3, 'x', True, None, [], [3], {'x': 3}, [[]], -1, 1.5, 10**400]
DIGITS = 10**400
RESULTS = [
    ('protocol', ..., 'it lacks protocol'), ('parameters', ..., 'it lacks parameters'),
    ('seed', ..., 'it lacks seed'), ('protocol', '', "'protocol' is ''"),
    ('protocol', 'bars', "unknown parameter of 'bars': 'gain'"),
    ('protocol', '../x', "unknown protocol: '../x'"), ('protocol', 'a\nb', "'protocol' is"),
    ('protocol', 'mine.py:build', 'is a run of a study'),
    ('protocol', 'tyo', "did you mean 'toy'"), ('parameters', {}, "lacks parameters of 'toy'"),
    ('parameters', {'gain': [1]}, "the value of 'gain' is [1]"),
    ('parameters', {'gain': {}}, "the value of 'gain' is {}"),
    ('parameters', {'gain': float('nan')}, "'gain' is nan"),
    ('parameters', {'gain': DIGITS}, "give a finite number"),
    ('parameters', {'gain': -1}, 'at least 0'), ('parameters', {'more': 1}, "'toy': 'more'"),
    ('seed', -1, 'the seed is -1'), ('seed', 2**32, 'the seed is 4294967296'),
    ('seed', DIGITS, 'the seed is'), ('device', 'gpu', "unknown device: 'gpu'"),
    ('device', [], 'unknown device'), ('stretches', 3, "'stretches' is 3, and not a list"),
    ('stretches', [3], 'it lacks from'), ('stretches', [{'from': 'x', 'versions': {}}], "'from'"),
    *(('protocol', value, "'protocol'") for value in ANY if not isinstance(value, str)),
    *(('parameters', value, "'parameters'") for value in ANY if not isinstance(value, dict)),
    *(('seed', value, 'seed') for value in ANY if value != 3),
]


def altered(file, name, value):
    """Change one entry of a JSON file."""
    found = json.loads(Path(file).read_text())
    found[name] = value
    if value is ...:
        del found[name]
    Path(file).write_text(json.dumps(found))


@pytest.mark.parametrize('name, value, message', RESULTS, ids=lambda value: repr(value)[:30])
def test_descriptions_of_results(finished, capsys, name, value, message):
    shutil.copytree(finished/'r', 'r')
    altered('r/run.json', name, value)
    refused(['plot', 'r'], capsys, message)


STUDIES = [
    *((name, ..., f'it lacks {name}') for name in ('target', 'source', 'device', 'figures',
                                                  'seeds', 'parts', 'columns', 'runs')),
    *((name, value, '') for name in ('target', 'device', 'figures', 'seeds', 'parts', 'columns',
                                     'runs') for value in (3, True, None, [3], {'x': 3})
      if (name, value) != ('seeds', [3])),
    ('name', 3, "'name' is 3, and not a text"), ('summary', [], "'summary' is []"),
    ('columns', {'gain': 3}, 'the unit of a column is 3'),
    ('parts', [{'label': '', 'set': {}}], 'it lacks grid'),
    ('parts', [{'label': '', 'set': {'gain': [1]}, 'grid': {}}], "'gain' is [1]"),
    ('parts', [{'label': '', 'set': {}, 'grid': {'gain': 1}}], "'gain' is 1, and not a list"),
    ('seeds', ['x'], "the seed is 'x'"), ('seeds', [-1], 'the seed is -1'),
    *(('runs', [['', key]], 'is not the label and the name of a run') for key in (
        '../../r', 'a/b', '..', '.', '', '/etc', 'a\\b', 'a\0b', 'x'*300, 3, None)),
    ('runs', [[3, 'x']], 'is not the label'), ('runs', [['x']], 'is not the label'),
]


@pytest.mark.parametrize('name, value, message', STUDIES, ids=lambda value: repr(value)[:30])
def test_descriptions_of_studies(finished, capsys, name, value, message):
    shutil.copytree(finished/'s', 's')
    altered('s/study.json', name, value)
    for command in ('plot', 'status'):
        refused([command, 's'], capsys, 'study.json', 'is damaged: ', message)


def test_the_study_of_the_table_is_one(finished, capsys):
    """What the tables above change is all that is wrong with their files."""
    shutil.copytree(finished/'s', 's')
    altered('s/study.json', 'summary', 'another one')
    assert main(['plot', 's']) == 0 and main(['status', 's']) == 0


@pytest.mark.parametrize('content', [b'', b'PK', b'x'*100, pickle.dumps([1])])
def test_arrays_that_are_none(finished, capsys, content):
    shutil.copytree(finished/'r', 'r')
    Path('r/arrays.npz').write_bytes(content)
    refused(['plot', 'r'], capsys, "arrays.npz' is damaged; delete its folder and run again")


def test_a_failure_that_says_nothing(finished, capsys):
    for content in (b'', b'[]', b'{"error": 3}', b'{"error": "a\\nb\\u001b[31m"}'):
        shutil.rmtree('s', ignore_errors=True)
        shutil.copytree(finished/'s', 's')
        (run_of,) = [path for path in Path('s/runs').iterdir() if 'gain=2' in path.name]
        shutil.rmtree(run_of)
        Path(f's/failed/{run_of.name}.json').write_bytes(content)
        assert main(['status', 's']) == 0
        out, err = capsys.readouterr()
        assert err == '' and len(out.splitlines()) == 2 and '\033' not in out
        assert 'is damaged' in out or 'a b\\x1b[31m' in out


# ------------------------------------------------------------------------------- data of users
def mnist(change):
    write_mnist('empty', 12, 5, size=4)
    change()


def cut(name, at=-1):
    path = Path('empty')/name
    path.write_bytes(path.read_bytes()[:at])


def put(name, content):
    Path('empty', name).write_bytes(content)


IMAGES, LABELS = 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte'
DATA = [
    ('mnist', lambda: cut(IMAGES), 'is cut off'), ('mnist', lambda: cut(IMAGES, 7), 'cut off in'),
    ('mnist', lambda: put(IMAGES, b''), 'is cut off in its header'),
    ('mnist', lambda: put(IMAGES, b'x'*100), 'begins with the number'),
    ('mnist', lambda: put(IMAGES, struct.pack('>4I', 2051, 2**31, 2**31, 2**31)), 'is cut off'),
    ('mnist', lambda: put(LABELS, struct.pack('>2I', 2049, 12) + b'\x0b'*12), 'labels outside'),
    ('mnist', lambda: put(LABELS, struct.pack('>2I', 2049, 3) + bytes(3)), '3 labels'),
    ('mnist', lambda: put(LABELS, gzip.compress(b'x')[:-4]), 'cannot be read'),
    ('mnist', lambda: os.remove(f'empty/{LABELS}'), f"'{LABELS}'"),
    ('mnist', lambda: (os.remove(f'empty/{LABELS}'), os.mkdir(f'empty/{LABELS}')), LABELS),
    ('higgs', lambda: cut('HIGGS.csv'), 'is cut off'),
    ('higgs', lambda: put('HIGGS.csv', b''), 'has 0 rows'),
    ('higgs', lambda: put('HIGGS.csv', b'\xff'*5000 + b'\n'), 'more than 4096 bytes'),
    ('higgs', lambda: put('HIGGS.csv', b'1,' + b'nan,'*27 + b'1\n'), "has 'nan'; give a finite"),
    ('higgs', lambda: put('HIGGS.csv', b'7,' + b'1,'*27 + b'1\n'), 'has the label 7'),
    ('higgs', lambda: put('HIGGS.csv', b'1,2\n'), 'has 2 columns'),
    ('higgs', lambda: (os.remove('empty/HIGGS.csv'), put('HIGGS.csv.gz', b'x')), 'is cut off'),
    ('higgs', lambda: (os.remove('empty/HIGGS.csv'), put('HIGGS.csv.gz', gzip.compress(b'1')[:9])),
     'cannot be read'),
    ('cifar10', lambda: cut('cifar-10-batches-py/data_batch_1'), 'not a CIFAR-10 batch'),
    ('cifar10', lambda: put('cifar-10-batches-py/test_batch', b''), 'not a CIFAR-10 batch'),
    ('cifar10', lambda: put('cifar-10-batches-py/test_batch', pickle.dumps(print)),
     "it names 'builtins.print'"),
    ('cifar10', lambda: put('cifar-10-batches-py/test_batch', pickle.dumps({'data': 3})), 'batch'),
    ('cifar10', lambda: put('cifar-10-batches-py/test_batch', pickle.dumps(
        {'data': np.zeros((1, 3072), 'f8'), 'labels': [1]})), 'not of bytes'),
    ('cifar10', lambda: put('cifar-10-batches-py/test_batch', pickle.dumps(
        {'data': np.zeros((1, 3072), 'u1'), 'labels': [11]})), 'labels outside'),
    ('speech-commands', lambda: shutil.rmtree('empty/yes'), 'lacks the folders yes'),
    ('speech-commands', lambda: put('validation_list.txt', b'\xff'), 'cannot be read'),
    ('speech-commands', lambda: put('testing_list.txt', b''), 'is empty'),
    ('speech-commands', lambda: put('testing_list.txt', b'../../file\n'), 'line 1'),
    ('speech-commands', lambda: put('testing_list.txt', b'a\0b\n'), 'line 1'),
    ('speech-commands', lambda: [path.write_bytes(b'RIFF') for path in Path('empty/go').iterdir()],
     'is not a WAV file'),
    ('speech-commands', lambda: [path.write_bytes(path.read_bytes()[:-9])
                                 for path in Path('empty/go').iterdir()], 'is cut off'),
]
WRITE = {'mnist': lambda: write_mnist('empty', 12, 5, size=4),
         'higgs': lambda: write_higgs('empty', 120),
         'cifar10': lambda: write_cifar10('empty', 2),
         'speech-commands': lambda: write_speech(Path('empty'), 3, 2, 2)}


@pytest.mark.parametrize('protocol, damage, message', DATA)
def test_folders_of_data(capsys, protocol, damage, message):
    WRITE[protocol]()
    damage()
    refused(['run', protocol, '--device', 'numpy', '--quiet', '--data', 'empty',
             *(['--set', 'rows=120'] if protocol == 'higgs' else [])], capsys, message)


# ------------------------------------------------------------------------------- a real process
def in_plain_locale(*arguments):
    """A command where there is no Unicode, as by `env LC_ALL=C`."""
    found = subprocess.run(
        [sys.executable, '-m', 'brian_le.protocols', *arguments], capture_output=True,
        env={**os.environ, 'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0',
             'PYTHONPATH': str(Path(__file__).parents[2])})
    return found.returncode, found.stdout.decode('ascii'), found.stderr.decode('ascii')


def test_a_locale_without_unicode():
    """What users have written is read as UTF-8, and shown as the terminal can."""
    Path('é.toml').write_text(f'target = "{TOY_FILE}"\nsummary = "é"\n[set]\nsteps = 2\n'
                              '[[part]]\nlabel = "é"\n[[part]]\nlabel = "b"\n', encoding='utf-8')
    code, out, err = in_plain_locale('sweep', 'é.toml', '--device', 'numpy', '--jobs', '1',
                                     '--quiet', '--out', 'é')
    assert (code, err) == (0, '') and '1 done, 0 running' in out and r'\udcc3\udca9' in out
    assert '\né,2,12345,' in Path('é/table.csv').read_text(encoding='utf-8')
    assert len(list(Path('é/figures').iterdir())) >= 2


def test_errors_in_a_locale_without_unicode():
    code, out, err = in_plain_locale('run', 'bars', '--seed', 'é')
    assert (code, out) == (2, '')
    assert err == ("brian-le: error: the seed is '\\udcc3\\udca9'; give a whole number from 0 to "
                   '4294967295\n')
