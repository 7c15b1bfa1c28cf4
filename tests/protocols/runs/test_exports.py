import json
import os
import re
import shlex
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


def test_the_same_files_in_every_process(tmp_path):
    """Brian2 keeps what a monitor records in sets."""
    written = []
    for seed in '12':
        folder = tmp_path/seed/'bars'
        subprocess.run([sys.executable, '-m', 'brian_le.protocols', 'export', 'bars', '--set',
                        'epochs=6', '--quiet', '--out', folder], check=True, capture_output=True,
                       env=os.environ | {'PYTHONHASHSEED': seed})
        written.append({path.relative_to(folder): path.read_bytes()
                        for path in folder.rglob('*') if path.is_file()})
    assert len(written[0]) > 50
    assert written[0].keys() == written[1].keys()
    assert [path for path in written[0] if written[0][path] != written[1][path]] == []


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


@pytest.fixture(scope='module')
def pretended(tmp_path_factory):
    """A project with results, which nobody has compiled."""
    project = export('response-lag', tmp_path_factory.mktemp('pretended')/'p', quiet=True, depth=2,
                     dt='1 ms')
    for file in json.loads((project/'export.json').read_text())['variables'].values():
        size = file['size'] if file['size'] is not None else 2
        np.zeros(size, file['dtype']).tofile(project/'results'/file['result'])
    return project


def first(manifest):
    return next(iter(manifest['variables'].values()))


MANIFESTS = {
    'no table': (lambda m: m.clear(), 'it lacks protocol'),
    'another protocol': (lambda m: m.update(protocol='bras'), "did you mean 'bars'"),
    'a path': (lambda m: m.update(protocol='../x'), 'unknown protocol'),
    'parameters of another': (lambda m: m.update(protocol='bars'), "unknown parameter of 'bars'"),
    'no parameters': (lambda m: m['parameters'].clear(), "it lacks parameters of 'response-lag'"),
    'a list': (lambda m: m.update(variables=[]), "'variables' is []"),
    'no file': (lambda m: first(m).pop('result'), 'it lacks result'),
    'a file elsewhere': (lambda m: first(m).update(result='../export.json'), 'is called'),
    'objects': (lambda m: first(m).update(dtype='O'), "is of type 'O'"),
    'a structure': (lambda m: first(m).update(dtype='f8,f8'), 'is of type'),
    'no type': (lambda m: first(m).update(dtype='f99'), "is of type 'f99'"),
    'no size': (lambda m: first(m).update(size='x'), "is of size 'x'"),
    'seed': (lambda m: m.update(seed='x'), "'seed' is 'x'"),
}


@pytest.mark.parametrize('change, message', MANIFESTS.values(), ids=MANIFESTS)
def test_damaged_manifests(pretended, tmp_path, change, message):
    project = shutil.copytree(pretended, tmp_path/'p')
    manifest = json.loads((project/'export.json').read_text())
    change(manifest)
    (project/'export.json').write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match='(?s)export.json. is damaged: .*export it again') as error:
        load_export(project)
    assert message in str(error.value)


def test_results_that_were_not_written_completely(pretended, tmp_path):
    project = shutil.copytree(pretended, tmp_path/'p')
    for file in json.loads((project/'export.json').read_text())['variables'].values():
        path = project/'results'/file['result']
        whole = path.read_bytes()
        if not whole:
            continue
        path.write_bytes(whole[:-1])
        with pytest.raises(ValueError, match=f"{path.name}' has {len(whole) - 1} bytes.*: it was "
                                             'not written completely; make room'):
            load_export(project)
        path.write_bytes(whole)


@pytest.mark.parametrize('content', [b'', b'PK', b'\x80\x04.'])
def test_a_task_that_is_none(pretended, tmp_path, content):
    project = shutil.copytree(pretended, tmp_path/'p')
    (project/'task.npz').write_bytes(content)
    with pytest.raises(ValueError, match="task.npz' cannot be read: .*; export it again"):
        load_export(project)


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


# ---------------------------------------------------------------------------- how ./main is started
def main_in(folder, *arguments):
    """Exit code, what is said, and the time of every file of results."""
    done = subprocess.run(['./main', *arguments], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(project, tmp_path):
    """The compiled project in a folder of its own."""
    shutil.copytree(project[0], tmp_path/'copy', ignore=shutil.ignore_patterns('*.o', '*.d'))
    return tmp_path/'copy'


def test_values_from_the_command_line(project, copy, tmp_path):
    first = load_export(project[0]).variables
    rates = [f'{key}=0' for key in first if key.startswith('le_') and key.endswith('.eta')]
    assert len(rates) >= 3
    np.full(270, 0.25).tofile(tmp_path/'weights')
    assert main_in(copy, *rates, f"le_up0.w={tmp_path/'weights'}", 'le_up1.w=-0.5') == (0, '')
    found = load_export(copy).variables
    assert (found['le_up0.w'] == 0.25).all() and (found['le_up1.w'] == -0.5).all()
    assert not (first['le_up0.w'] == 0.25).any()
    # what one run ends with another can start from
    manifest = json.loads((copy/'export.json').read_text())['variables']
    (tmp_path/'other').mkdir()
    assert main_in(copy, '--results_dir', f"{tmp_path/'other'}/", *rates,
                   f"le_up0.w=results/{manifest['le_up0.w']['result']}") == (0, '')
    again = np.fromfile(tmp_path/'other'/manifest['le_up0.w']['result'])
    assert (again == 0.25).all()


BAD_ARGUMENTS = [
    (['le_up0.etta=5'], "no variable 'le_up0.etta' that can be set"),
    (['le_up0.N=5'], "no variable 'le_up0.N' that can be set"),
    (['le_readout_monitor.mean=5'], "no variable 'le_readout_monitor.mean'"),
    (['le_up0.eta'], "'le_up0.eta' is no NAME=VALUE"),
    (['--help'], "'--help' is no NAME=VALUE; README.txt"),
    (['le_up0.eta='], "'le_up0.eta' has no value; give a finite number"),
    (['le_up0.eta=fast'], "'fast', which is no number, and there is no such file"),
    (['le_up0.eta=5ms'], "'le_up0.eta' is '5ms'; give a finite number"),
    (['le_up0.eta=1e999'], "'1e999'; give a finite number"),
    (['le_up0.eta=-inf'], "'-inf'; give a finite number"),
    (['le_up0.eta=nan'], "'nan', which is no number"),
    (['bars.step=1.5'], "'bars.step' is '1.5'; give a whole number"),
    (['bars.step=3000000000'], "'3000000000'; give a whole number"),
    (['le_up0.eta=5', 'le_up0.w=export.json'], "'le_up0.w' cannot be set: .* expected size 2160"),
    (['--results_dir', 'nowhere/'], "cannot write to 'nowhere/'; make that folder"),
    (['le_up0.eta=5', '--results_dir', 'results/'], '--results_dir has to come first'),
]


def test_bad_arguments_end_with_one_line_before_anything_runs(copy):
    main_in(copy)
    before = {path.name: path.read_bytes() for path in (copy/'results').iterdir()}
    for arguments, message in BAD_ARGUMENTS:
        code, said = main_in(copy, *arguments)
        assert code == 2 and re.fullmatch(f'error: .*{message}.*\n', said), (arguments, said)
    assert {path.name: path.read_bytes() for path in (copy/'results').iterdir()} == before


def test_missing_files_and_other_folders(copy):
    elsewhere = subprocess.run([copy/'main'], cwd=copy.parent, capture_output=True, text=True)
    assert elsewhere.returncode == 2 and elsewhere.stdout == ''
    assert re.fullmatch("error: 'static_arrays/.*' is missing or cut short; .*\n", elsewhere.stderr)
    cut = copy/'static_arrays'/'_static_array__dynamic_array_le_up0_w'
    cut.write_bytes(cut.read_bytes()[:-8])
    code, said = main_in(copy)
    assert code == 2 and "le_up0_w' is missing or cut short" in said


def test_results_that_have_diverged_or_are_not_there(copy):
    code, said = main_in(copy, 'le_up0.eta=1e300', 'le_up0.w=1e300')
    assert code == 4 and said.count('\n') == 1 and 'no longer finite at the end' in said
    for key in ('le_hidden0.u', 'le_up0.w', 'le_readout_monitor.mean'):
        shutil.rmtree(copy/'results')
        (copy/'results').mkdir()
        os.symlink('/dev/full', copy/'results'/json.loads(
            (copy/'export.json').read_text())['variables'][key]['result'])
        code, said = main_in(copy)
        assert code == 3
        assert re.fullmatch("error: 'results/.*' was not written to its end.*\n", said)


def test_results_that_were_cut_are_not_read(copy):
    main_in(copy)
    for key, message in (('le_hidden0.u', 'has 232 bytes, and not 240'),
                         ('le_readout_monitor.mean', 'has [0-9]+ bytes: it was')):
        name = json.loads((copy/'export.json').read_text())['variables'][key]['result']
        whole = (copy/'results'/name).read_bytes()
        (copy/'results'/name).write_bytes(whole[:-8] if key == 'le_hidden0.u' else whole[:-1])
        with pytest.raises(ValueError, match=message):
            load_export(copy)
        (copy/'results'/name).write_bytes(whole)
    assert load_export(copy).arrays


def test_readme_says_what_can_be_set_and_how_to_compile_elsewhere(project):
    readme = (project[0]/'README.txt').read_text()
    lines = {line.split()[1]: line.split() for line in readme.splitlines()
             if line.startswith('  * ')}
    assert lines['le_up0.w'][2:4] == ['<f8', 'results/' + lines['le_up0.w'][-1][8:]]
    assert lines['le_up0.eta'][2:5] == ['<f8', '1', 'Hz'] and lines['bars.step'][2] == '<i4'
    assert 'le_up0.N' not in lines and 'le_readout_monitor.mean' not in lines
    assert lines['bars_order_of.values'][-1] == 'table'
    assert './main le_ip0.eta=5 le_down0.w=my_weights' in readme
    (command,) = re.findall(r"^    make -j2 (CXX=.*)$", readme, re.M)
    compiled = subprocess.run(
        ['make', '-n', '-B', '-o', 'make.deps', 'main.o', *shlex.split(command)], cwd=project[0],
        check=True, capture_output=True, text=True).stdout
    assert 'aarch64-linux-gnu-g++' in compiled and '-march=native' not in compiled
    assert '-O3' in compiled and ' /' not in compiled.replace('/bin', '')
