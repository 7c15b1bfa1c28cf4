"""Damaged studies: what is said, and what is left."""

import json
import shutil
import zipfile

import pytest

from brian_le.protocols import load_study, plot, study_status, sweep
from brian_le.protocols.cli import main
from tests.protocols.sweeps.test_sweep import SHORT, files, toy  # noqa: F401, a fixture


@pytest.fixture
def study(tmp_path, toy):  # noqa: F811
    return sweep('toy', grid=dict(gain=[1, 2]), seeds=2, out=tmp_path/'s', **SHORT)


def again(study):
    return sweep('toy', grid=dict(gain=[1, 2]), seeds=2, out=study.directory, **SHORT)


@pytest.mark.parametrize('name, content, message', [
    ('arrays.npz', None, "lacks 'arrays.npz'; delete the folder and run again"),
    ('run.json', None, "lacks 'run.json'; delete the folder and run again"),
    ('arrays.npz', 'PK half', "arrays.npz' is damaged; delete its folder and run again"),
    ('arrays.npz', '', "arrays.npz' is damaged; delete its folder and run again"),
    ('run.json', '', 'delete its folder and run again'),
    ('run.json', '{', 'delete its folder and run again'),
    ('run.json', '[1]', "run.json' is damaged: it lacks protocol, parameters, seed; delete its"),
    ('run.json', '3', "run.json' is damaged: it lacks protocol, parameters, seed; delete its"),
])
def test_a_damaged_run_is_told_and_leaves_the_others(study, capsys, name, content, message):
    """The first one is damaged."""
    truth, folder = study.rows, study.directory/'runs'/study.rows[0]['run']
    undamaged = files(study.directory)
    (folder/name).unlink()
    if content is not None:
        (folder/name).write_text(content)
    with pytest.raises(ValueError, match=message) as error:
        again(study)
    assert str(folder) in str(error.value)
    status = study_status(study.directory)
    assert len(status.done) == 3 and message in status.failed[folder.name]
    assert load_study(study.directory).rows == truth[1:]
    assert main(['plot', str(study.directory)]) == 0
    assert capsys.readouterr().err == ''
    shutil.rmtree(folder)
    shutil.rmtree(study.directory/'figures')
    assert again(study).rows == truth
    assert files(study.directory) == undamaged


def test_a_number_that_is_damaged_leaves_the_others(study):
    file = study.directory/'runs'/study.rows[0]['run']/'arrays.npz'
    with zipfile.ZipFile(file) as archive:
        info = archive.infolist()[0]
    content = bytearray(file.read_bytes())
    content[info.header_offset + 30 + len(info.filename) + info.file_size - 1] ^= 1
    file.write_bytes(content)
    assert load_study(study.directory).rows == study.rows[1:]


@pytest.mark.parametrize('content', ['', '{', '{}', '[1]', '3'])
def test_a_damaged_file_of_the_study_can_be_made_again(study, capsys, content):
    undamaged, file = files(study.directory), study.directory/'study.json'
    file.write_text(content)
    for function in (load_study, study_status, plot, lambda directory: again(study)):
        with pytest.raises(ValueError, match="study.json' is damaged: .*; delete it, and the same"):
            function(study.directory)
    file.unlink()
    assert again(study).rows == study.rows
    assert files(study.directory) == undamaged


def test_what_is_like_a_study_is_not_taken(tmp_path, toy):  # noqa: F811
    (tmp_path/'figures').mkdir()
    (tmp_path/'table.csv').write_text('do not touch')
    with pytest.raises(ValueError, match='is not the folder of a study'):
        sweep('toy', out=tmp_path, **SHORT)
    assert files(tmp_path) == {'table.csv': b'do not touch'}


def test_a_damaged_error(study):
    key = study.rows[0]['run']
    shutil.rmtree(study.directory/'runs'/key)
    (study.directory/'failed'/f'{key}.json').write_text(json.dumps({}))
    assert "json' is damaged: it lacks error; run again" in study_status(
        study.directory).failed[key]


@pytest.mark.parametrize('name', ['table.csv', 'failed'])
def test_something_else_with_a_name_of_the_study(study, capsys, name):
    place = study.directory/name
    if place.is_dir():
        shutil.rmtree(place)
        place.write_text('not yours')
    else:
        place.unlink()
        place.mkdir()
    with pytest.raises(OSError, match='something else has this name; rename or delete it') as error:
        again(study)
    assert error.value.filename == str(place)
