"""What the documentation shows is run."""

import doctest
import importlib
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = ['.'.join((package, *path.relative_to(ROOT/folder).with_suffix('').parts))
           for package, folder in (('brian_le', 'brian_le'), ('brian_le.models', 'models'),
                                   ('brian_le.protocols', 'protocols'))
           for path in sorted((ROOT/folder).rglob('*.py')) if not path.stem.startswith('__')]


@pytest.mark.parametrize('name', MODULES)
def test_examples_in_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_examples_in_documents():
    for name in ('equations', 'dendrites', 'energy', 'graphs'):
        results = doctest.testfile(str(ROOT/'docs'/f'{name}.rst'), module_relative=False)
        assert results.attempted and not results.failed


def test_script_in_the_document_about_layered_networks(tmp_path):
    document = (ROOT/'docs'/'layered.rst').read_text()
    script = re.search(r'\.\. code-block:: python\n\n((?:    .*\n|\n)+)', document)[1]
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(script)], cwd=tmp_path, check=True,
                          capture_output=True, text=True)
    assert done.stdout.endswith('(8, 1, 3, 3)\n')


def test_scripts_in_the_document_about_generalized_latent_equilibrium(tmp_path):
    document = (ROOT/'docs'/'gle.rst').read_text()
    scripts = re.findall(r'\.\. code-block:: python\n\n((?:    .*\n|\n)+)', document)
    shown = [subprocess.run([sys.executable, '-c', textwrap.dedent(script)], cwd=tmp_path,
                            check=True, capture_output=True, text=True).stdout
             for script in scripts]
    assert re.fullmatch(r'\[([01] ){5}[01]\]\n', shown[0])
    assert abs(float(shown[1].strip('[]\n')) - 0.7) < 0.05


def test_script_in_the_document_about_cortical_chains(tmp_path):
    document = (ROOT/'docs'/'cortical.rst').read_text()
    script = re.search(r'\.\. code-block:: python\n\n((?:    .*\n|\n)+)', document)[1]
    subprocess.run([sys.executable, '-c', textwrap.dedent(script)], cwd=tmp_path, check=True,
                   capture_output=True, text=True)


def test_script_in_the_document_about_synapses(tmp_path):
    document = (ROOT/'docs'/'synapses.rst').read_text()
    script = re.search(r'\.\. code-block:: python\n\n((?:    .*\n|\n)+)', document)[1]
    script = textwrap.dedent(script)
    assert "set_device('cpp_standalone')" in script
    script = script.replace("set_device('cpp_standalone')", "prefs.codegen.target = 'numpy'")
    done = subprocess.run([sys.executable, '-c', script], cwd=tmp_path, check=True,
                          capture_output=True, text=True)
    assert done.stdout.startswith('(300, 784) [')


def test_script_in_the_document_about_programs(tmp_path):
    document = (ROOT/'docs'/'programs.rst').read_text()
    (script,) = re.findall(r'\.\. code-block:: python\n\n((?:    .*\n|\n)+)', document)
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(script)], cwd=tmp_path, check=True,
                          capture_output=True, text=True)
    *counts, same = done.stdout.split('\n')[:-1]
    counts = [int(line.split()[1]) for line in counts]
    assert counts == sorted(set(counts)) and same == 'True'


def test_model_and_commands_in_the_document_about_sweeps(tmp_path, monkeypatch):
    from brian_le.protocols import load_study
    from brian_le.protocols.cli import main
    document = (ROOT/'docs'/'sweeps.rst').read_text()
    (tmp_path/'my_model.py').write_text(textwrap.dedent(
        re.search(r'(    # my_model.py\n(?:    .*\n|\n)+)', document)[1]))
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r'^    brian-le (sweep my_model.py:build --.*)$',
                          document.replace('\\\n', ''), re.M)
    for command in commands:
        assert main([*command.split(), '--device', 'numpy', '--jobs', '1', '--quiet']) == 0
    assert [len(load_study(f'results/{name}').rows) for name in ('decay', 'start')] == [18, 3]


def test_commands_in_the_readme_go_into_folders_of_their_own():
    commands = re.findall(r'brian-le (run|sweep) (\S+)(.*?)(?:&&|#|$)',
                          (ROOT/'README.rst').read_text().replace('\\\n', ''), re.M)
    folders = [options.partition('--out ')[2].split()[0] if '--out' in options else
               f'results/{target}' + ('-12345' if command == 'run' else '')
               for command, target, options in commands]
    assert len(folders) > 5 and len(folders) == len(set(folders))


def test_script_in_the_readme(tmp_path):
    blocks = re.findall(r'\.\. code-block:: python\n\n((?:    .*\n|\n)+)',
                        (ROOT/'README.rst').read_text())
    (script,) = blocks
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(script)], cwd=tmp_path,
                          check=True, capture_output=True, text=True)
    assert 'du/dt = (v_ss - u)/tau_m' in done.stdout


def test_every_public_function_and_class_has_an_example():
    for package in ('brian_le', 'brian_le.models', 'brian_le.programs', 'brian_le.protocols',
                    'brian_le.substrate'):
        found = importlib.import_module(package)
        names = {*found.__all__, *(['run', 'plot'] if package == 'brian_le.protocols' else [])}
        for name in names - {'EndState', 'Result', 'StudyResult'}:  # made by others only
            value = getattr(found, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                assert 'Examples\n' in value.__doc__, f'{package}.{name}'


def test_links_and_figures_of_documents_exist():
    for document in (ROOT/'docs').glob('*.rst'):
        text = document.read_text()
        for target in re.findall(r'<([\w./-]+\.(?:rst|py|png))>|image:: (\S+)', text):
            assert (document.parent/''.join(target)).exists(), (document.name, target)


def test_links_in_the_readme_exist():
    for target in re.findall(r'<((?:docs|examples)/[^>]+)>|image:: (\S+)',
                             (ROOT/'README.rst').read_text()):
        assert (ROOT/''.join(target)).exists(), target
