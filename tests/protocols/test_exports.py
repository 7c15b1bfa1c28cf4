import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from brian_le.protocols import export, load_export, run

SETTINGS = dict(t_pattern='0.5 ms', epochs=6, prospective=True, seed=4)


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    """An exported project, moved elsewhere, compiled and run without Python."""
    written = export('bars', tmp_path_factory.mktemp('written')/'bars', quiet=True, **SETTINGS)
    before = {path.relative_to(written): path.read_bytes()
              for path in written.rglob('*') if path.is_file()}
    moved = tmp_path_factory.mktemp('moved')/'project'
    shutil.move(written, moved)
    make_and_run(moved)
    return moved, before


def make_and_run(project):
    bare = {'PATH': '/usr/bin:/bin', 'LANG': 'C'}
    if 'CXX' in os.environ:
        bare['CXX'] = os.environ['CXX']
    subprocess.run(['make', '-j2'], cwd=project, env=bare, check=True, capture_output=True)
    subprocess.run(['./main'], cwd=project, env=bare, check=True)


def test_results_are_those_of_a_run(project, tmp_path):
    found = load_export(project[0])
    expected = run('bars', device='numpy', quiet=True, out=tmp_path/'r', **SETTINGS)
    for key in ('le.error', 'le.accuracy', 'le.outputs', 'order', 'targets'):
        np.testing.assert_allclose(found.arrays[key], expected.arrays[key], rtol=0, atol=1e-12)
    final = expected.arrays['le.final_W_up_0']
    np.testing.assert_allclose(found.variables['le_up0.w'], final.T.ravel(), rtol=0, atol=1e-12)
    assert found.description['seed'] == 4 and found.description['parameters']['epochs'] == 6


def test_no_path_of_this_machine(project):
    import brian2

    import brian_le
    private = [os.path.expanduser('~'), os.path.dirname(brian2.__file__),
               os.path.dirname(brian_le.__file__), os.getcwd(), str(project[0].parent), '"/']
    private.append(sys.prefix + '/')
    for name, content in project[1].items():
        if name.parts[0] == 'static_arrays':
            continue
        for path in private:
            assert path.encode() not in content, (name, path)


def test_readme_names_the_files_of_the_results(project):
    readme = (project[0]/'README.txt').read_text()
    manifest = json.loads((project[0]/'export.json').read_text())
    for key, file in manifest['variables'].items():
        assert key in readme and f"results/{file['result']}" in readme
        assert (project[0]/'results'/file['result']).exists()
    for part in ('make', './main', 'load_export', 't_pattern    0.5 ms', 'seed 4'):
        assert part in readme


@pytest.mark.parametrize('networks, precision, atol', [('le', 'double', 1e-12),
                                                       ('mirror', 'single', 1e-5)])
def test_digits_are_those_of_a_run(tmp_path, networks, precision, atol):
    settings = dict(hidden=8, batch=32, t_pattern='1 ms', epochs=2, seed=4, networks=networks,
                    precision=precision)
    project = export('digits', tmp_path/'p', quiet=True, **settings)
    make_and_run(project)
    found = load_export(project)
    expected = run('digits', device='numpy', quiet=True, out=tmp_path/'r', **settings).arrays
    assert found.arrays[f'{networks}.train_loss'].shape == (2,)
    np.testing.assert_allclose(found.arrays[f'{networks}.train_loss'],
                               expected[f'{networks}.train_loss'], rtol=0, atol=atol)
    for k in (0, 1):
        for key, shown in ((f'forward{k}.w', f'W_forward_{k}'), (f'bias{k}.bias', f'W_bias_{k}')):
            value = found.variables[f'{networks}_{key}']
            assert value.dtype == {'single': np.float32, 'double': np.float64}[precision]
            np.testing.assert_allclose(value, expected[f'{networks}.{shown}'].T.ravel(), rtol=0,
                                       atol=atol)
    readme = (project/'README.txt').read_text()
    assert f'{networks}_readout_monitor.value' in readme and f'precision    {precision}' in readme


@pytest.mark.parametrize('protocol, settings', [
    ('fourier', dict(hidden=3, periods=2, learning=1, dt='0.5 ms')),
    ('response-lag', dict(depth=3, dt='0.5 ms')),
    ('lagline', dict(dt='0.1 ms', periods=2, t_init='6 ms', batch=3))])
def test_other_protocols_are_those_of_a_run(tmp_path, protocol, settings):
    project = export(protocol, tmp_path/'p', quiet=True, seed=4, **settings)
    make_and_run(project)
    found = load_export(project).arrays
    expected = run(protocol, device='numpy', quiet=True, out=tmp_path/'r', seed=4,
                   **settings).arrays
    assert len(found) > 2
    for key, values in found.items():
        np.testing.assert_allclose(values, expected[key], rtol=0, atol=1e-12)


def test_before_it_has_run(tmp_path):
    export('bars', tmp_path/'p', quiet=True, epochs=1)
    with pytest.raises(ValueError, match="has no results yet; run 'make' and './main' there"):
        load_export(tmp_path/'p')


def test_bad_input(tmp_path):
    (tmp_path/'there').mkdir()
    for out, settings, message in (
            ('there', {}, 'exists; choose another folder'),
            ('p', dict(epoch=1), "did you mean 'epochs'"),
            ('p', dict(t_pattern=0.25), 'not a whole number'),
            ('p', dict(seed=1.5), "the seed is '1.5'")):
        with pytest.raises(ValueError, match=message):
            export('bars', tmp_path/out, quiet=True, **settings)
    with pytest.raises(ValueError, match='not the folder of an exported project'):
        load_export(tmp_path/'there')
    assert os.listdir(tmp_path) == ['there'] and os.listdir(tmp_path/'there') == []
