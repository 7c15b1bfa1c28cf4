import json
import os
import re
import shutil

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from brian_le.array_files import write_arrays
from brian_le.protocols import load_study, plot, plotting as figures, run, study_status, sweep
from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.cli import main
from brian_le.protocols.tasks.bars.figures import learning, potentials
from brian_le.protocols.tasks.bars.task import Bars
from tests.protocols.toys.toy import TOY


@pytest.fixture(scope='module')
def result(tmp_path_factory):
    return run('bars', t_pattern='0.5 ms', epochs=3, device='numpy', quiet=True, seed=2,
               out=tmp_path_factory.mktemp('figures')/'r')


def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_learning_curves_are_the_results(result):
    drawn = learning(result)
    (axes,) = drawn['error'].axes
    for label, name in (('Latent Equilibrium', 'le'), ('original circuit', 'original')):
        np.testing.assert_array_equal(curves(axes)[label].get_ydata(),
                                      result.arrays[f'{name}.error'])
        mean = curves(drawn['accuracy'].axes[0])[label].get_ydata()
        np.testing.assert_allclose(mean, [100*result.arrays[f'{name}.accuracy'].mean()])
    assert axes.get_xlabel() == 'epoch' and axes.get_yscale() == 'log'
    assert '%' in drawn['accuracy'].axes[0].get_ylabel()


def test_potentials_are_the_traces(result):
    drawn = potentials(result)
    assert set(drawn) == {'potentials-le', 'potentials-original'}
    for name, soma in (('le', 'u_prosp'), ('original', 'u')):
        axes = drawn[f'potentials-{name}'].axes
        for column, when in enumerate(('before', 'after')):
            output, hidden = curves(axes[column]), curves(axes[6 + column])
            label = 'soma (look-ahead)' if name == 'le' else 'soma'
            np.testing.assert_array_equal(output[label].get_ydata(),
                                          result.arrays[f'{name}.{when}_output_{soma}'][:, 0])
            np.testing.assert_array_equal(hidden['apical'].get_ydata(),
                                          result.arrays[f'{name}.{when}_hidden_v_api'][:, 0])
            np.testing.assert_array_equal(output['target'].get_ydata(),
                                          np.repeat(result.arrays['targets'][:, 0], 5))
        assert axes[-1].get_xlabel() == 'time (ms)'
        assert curves(axes[0])['target'].get_xdata()[-1] == pytest.approx(4.0)


def test_colours_differ_in_grey():
    grey = [np.dot(to_rgb(colour), (0.299, 0.587, 0.114))
            for colour in (figures.BLACK, figures.BLUE, figures.ORANGE)]
    assert min(np.diff(sorted(grey))) > 0.2


def test_files(result, tmp_path):
    files = plot(result.directory, tmp_path/'f')
    assert sorted(file.suffix for file in files) == ['.pdf']*4 + ['.png']*4
    for file in files:
        start = file.read_bytes()[:4]
        assert start == (b'\x89PNG' if file.suffix == '.png' else b'%PDF')


# ------------------------------------------------------------------------- folders of other people
NAMES = ['loss', 'train/loss', '../../x', '/tmp/x', 'Loss', 'LOSS', 'NUL', 'con.txt', '', '.x',
         '..', 'loss.', 'a'*500, 'b'*500, 'a b', 'é', 'x\0y', 'x\ny', '-v', 'a\udcffb', 'C:\\x',
         'train_loss-70c204dc']


def test_names_of_figures_are_no_paths():
    """Readable, fit for any system, and as many as there are figures."""
    found = figures._file_names(NAMES)
    assert len({name.lower() for name in found}) == len(NAMES) == len(found)
    for name in found:
        assert re.fullmatch(r'\w[\w.,=+-]{0,99}', name, re.ASCII) and not name.endswith('.')
        assert name.partition('.')[0].upper() not in {'NUL', 'CON'}
    assert found[0] == 'loss' and found[1].startswith('train_loss-')
    assert figures._file_names(['a', 'B']) == ['a', 'B']


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setitem(PROTOCOLS, 'toy', TOY)
    return sweep('toy', set=dict(steps=2, pause=0), grid=dict(gain=[1, 2]), out=tmp_path/'s'/'s',
                 device='numpy', quiet=True, jobs=1).directory


def test_arrays_with_names_that_are_paths(study):
    """Drawn, in the folder, and nowhere else."""
    for path in study.glob('runs/*/arrays.npz'):
        with np.load(path) as file:
            arrays = dict(file)
        with open(path, 'wb') as file:
            write_arrays(file, {**arrays, **{name: np.array(1.) for name in (
                '../../../x', '/tmp/brian_le_x', 'train/loss', 'a$b_{', '$\\frac')}})
    before = {path for path in study.parent.rglob('*')}
    files = plot(study)
    made = {path for path in study.parent.rglob('*')} - before - {study/'figures'}
    assert made == set(files) and all(path.parent == study/'figures' for path in files)
    assert not os.path.exists('/tmp/brian_le_x.png')


EVIL = """import pathlib
pathlib.Path({mark!r}).touch()
__all__ = ['draw']
def draw(study):
    from brian_le.protocols.plotting import new_figure
    return {{'../mine': new_figure()[0]}}
"""


@pytest.mark.parametrize('name', ['evil.py', '../evil.py', 'evil_module', '{}/evil.py',
                                  'antigravity', 'brian_le.protocols.tasks.bars.task', '', '.',
                                  'evil_module.py/../evil.py'])
def test_code_of_a_folder_runs_only_if_the_user_says_so(study, tmp_path, monkeypatch, name):
    for place in (study, study.parent):
        (place/'evil.py').write_text(EVIL.format(mark=str(tmp_path/'mark')))
    (study.parent/'evil_module.py').write_text(EVIL.format(mark=str(tmp_path/'mark')))
    monkeypatch.syspath_prepend(str(study.parent))
    description = json.loads((study/'study.json').read_text())
    description['figures'] = name.format(study)
    (study/'study.json').write_text(json.dumps(description))
    with pytest.raises(ValueError, match='not part of this package and not run unasked; if you '
                                         'trust it, give --figures .* for the standard figures'):
        plot(study)
    study_status(study)
    load_study(study)
    assert not (tmp_path/'mark').exists() and not (study/'figures').exists()
    assert plot(study, figures=figures.STANDARD)
    assert not (tmp_path/'mark').exists()
    files = plot(study, figures=study/'evil.py')
    assert (tmp_path/'mark').exists() and {file.parent for file in files} == {study/'figures'}


def test_figures_that_the_user_names(study, tmp_path, capsys):
    for figures_of, message in (('nothing.py', 'there is no file'), ('no.module', 'no module'),
                                ('', "there is no module ''"), ('..x', "there is no module '..x'")):
        assert main(['plot', str(study), '--figures', figures_of]) == 2
        assert message in capsys.readouterr().err
    (tmp_path/'bad.py').write_text('__all__ = ["draw"]\ndef draw(study):\n    return study.none\n')
    assert main(['plot', str(study), '--figures', str(tmp_path/'bad.py')]) == 2
    assert "has no attribute 'none' (bad.py, line 3)" in capsys.readouterr().err
    (tmp_path/'list.py').write_text('def draw(study):\n    return {}\n')
    assert main(['plot', str(study), '--figures', str(tmp_path/'list.py')]) == 2
    assert "has no '__all__'" in capsys.readouterr().err


def test_links_in_a_folder_are_not_written_through(study, tmp_path):
    (tmp_path/'mine').mkdir()
    (study/'figures').symlink_to(tmp_path/'mine')
    with pytest.raises(ValueError, match="figures' is a link; say where .* with --out"):
        plot(study)
    (study/'figures').unlink()
    files = plot(study)
    (tmp_path/'precious').write_text('precious')
    files[0].unlink()
    files[0].symlink_to(tmp_path/'precious')
    plot(study)
    assert (tmp_path/'precious').read_text() == 'precious' and not files[0].is_symlink()


@pytest.mark.parametrize('out', ['', 'file', 'file/x', 'a\0b'])
def test_places_for_figures(study, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path/'file').write_text('x')
    with pytest.raises(ValueError):
        plot(study, out)
    assert (tmp_path/'file').read_text() == 'x'


def test_a_result_of_another_protocol(result, tmp_path):
    shutil.copytree(result.directory, tmp_path/'r')
    with open(tmp_path/'r'/'arrays.npz', 'wb') as file:
        write_arrays(file, {'other': np.zeros(3)})
    with pytest.raises(ValueError, match="r' makes no sense as one of 'bars': .*Error"):
        plot(tmp_path/'r')


def test_a_study_of_which_every_run_has_failed(tmp_path, monkeypatch):
    """Figures of the study have nothing to show; the standard ones say what has happened."""
    def fail(self, program):
        raise RuntimeError('broken')

    monkeypatch.setattr(Bars, 'begin', fail)
    study = sweep('fig3-bars', grid=dict(t_pattern=[1, 2]), seeds=2, device='numpy', jobs=1,
                  quiet=True, out=tmp_path/'s')
    assert len(study.failed) == 8 and not study.finished
    assert [file.name for file in plot(tmp_path/'s')] == ['measures.png', 'measures.pdf']
