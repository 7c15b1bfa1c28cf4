"""Names, scripts, tests and figures that the documentation mentions are there."""

import ast
import builtins
import contextlib
import importlib
import inspect
import pkgutil
import re
import textwrap
from pathlib import Path

import brian2
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ('brian_le', 'brian_le.models', 'brian_le.protocols')
PAGES = [ROOT/'README.rst', *sorted((ROOT/'docs').glob('*.rst'))]
SOURCES = [path for folder in ('brian_le', 'models', 'protocols')
           for path in sorted((ROOT/folder).rglob('*.py'))]


@pytest.fixture(scope='module')
def modules():
    found = {name: importlib.import_module(name) for name in PACKAGES}
    for name in PACKAGES:
        for info in pkgutil.walk_packages(found[name].__path__, f'{name}.'):
            if not info.name.endswith('__main__'):
                found[info.name] = importlib.import_module(info.name)
    return found


@pytest.fixture(scope='module')
def known(modules):
    """Everything that has a name in this package, by that name."""
    names = dict(vars(builtins)) | {name: getattr(brian2, name) for name in dir(brian2)}
    for name, module in modules.items():
        names |= {word: value for word, value in vars(module).items() if not word.startswith('__')}
        names[name.rpartition('.')[2]] = module
    for value in list(names.values()):
        if inspect.isclass(value) and value.__module__.startswith('brian_le'):
            names |= {word: getattr(value, word, None) for word in dir(value) if word not in names}
        if callable(value) and is_ours(value):
            with contextlib.suppress(ValueError):  # of what is built in
                for word in inspect.signature(value).parameters:
                    names.setdefault(word, None)
    return names


def is_ours(value):
    """Whether something was defined in this package."""
    place = inspect.getmodule(value)
    return place is not None and place.__name__.startswith('brian_le')


def shown(text):
    """What stands in backticks: pairs of a text and whether that is in single ones."""
    for double, single in re.findall(r'``([^`]+)``|(?<![`:\w])`([A-Za-z_][\w.]*)`(?![`_])', text):
        yield ' '.join((double or single).split()), bool(single)


def resolves(dotted):
    """Whether a module, or something in one, has a dotted name."""
    parts = dotted.split('.')
    for number in range(len(parts), 0, -1):
        try:
            value = importlib.import_module('.'.join(parts[:number]))
        except ImportError:
            continue
        for part in parts[number:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


@pytest.mark.parametrize('page', PAGES, ids=lambda path: path.name)
def test_names_in_documents_exist(page, known):
    """Classes, calls, dotted names, and the arguments in calls."""
    wrong = []
    for text, single in shown(page.read_text()):
        name = re.match(r'[A-Za-z_][\w.]*', text)
        if not name:
            continue
        name, rest = name[0], text[name.end():]
        if name.startswith('brian_le.') and not name.endswith('.py') and not rest:
            found = resolves(name)
        elif single or rest.startswith('(') or not rest and re.fullmatch('[A-Z][a-z]+[A-Z]\\w*',
                                                                         name):
            found = name.rpartition('.')[2] in known
        else:
            continue
        if not found or not arguments_fit(text, known):
            wrong.append(text)
    assert not wrong


def arguments_fit(text, known):
    """Whether a call in backticks has only arguments that there are."""
    try:
        (statement,) = ast.parse(text).body
        call = statement.value
    except (SyntaxError, ValueError, AttributeError):
        return True
    if not isinstance(call, ast.Call):
        return True
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, 'id', '')
    called = known.get(name)
    if not callable(called) or not is_ours(called):
        return True
    parameters = inspect.signature(called).parameters
    return (any(each.kind is each.VAR_KEYWORD for each in parameters.values())
            or all(each.arg in parameters for each in call.keywords))


@pytest.mark.parametrize('path', SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_that_docstrings_name_exist(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            for name in re.findall(r'`(brian_le(?:\.\w+)+)`', ast.get_docstring(node) or ''):
                assert resolves(name), name


@pytest.mark.parametrize('page', PAGES, ids=lambda path: path.name)
def test_scripts_in_documents_can_be_compiled(page):
    for block in re.findall(r'\.\. code-block:: python\n\n((?:    .*\n|\n)+)',
                            page.read_text() + '\n'):
        block = textwrap.dedent(block)
        if not block.startswith('>>>'):  # these are run, by tests/test_docs.py
            compile(block, page.name, 'exec')


def test_tests_that_documents_mention_exist():
    names = [name for path in (ROOT/'tests').rglob('test_*.py')
             for name in (path.name, *re.findall(r'^def (test_\w+)', path.read_text(), re.M))]
    for page in PAGES:
        for words in re.findall(r'``(?:python -m )?pytest ([^`]+)``', page.read_text()):
            for word in words.split():
                if word.startswith('tests/'):
                    assert (ROOT/word).exists(), word
            for selected in re.findall(r'-k "?(\w+)', words):
                assert any(selected in name for name in names), (page.name, selected)


def test_no_figure_or_table_is_forgotten():
    text = ''.join(page.read_text() for page in PAGES)
    for path in (*(ROOT/'docs'/'figures').iterdir(), *(ROOT/'docs'/'tables').iterdir()):
        assert f'{path.parent.name}/{path.name}' in text, path.name


def test_every_page_can_be_found():
    text = ''.join(page.read_text() for page in PAGES)
    for page in PAGES[1:]:
        assert f'{page.name}>`_' in text or page.name in PAGES[0].read_text(), page.name


def test_stars_beside_those_of_brian2():
    """All packages can be imported after Brian2 without a loss, and everything has its name."""
    theirs, together = {}, {}
    exec('from brian2 import *', theirs)
    exec('from brian2 import *', together)
    for package in (*PACKAGES, 'brian_le.programs', 'brian_le.substrate'):
        exec(f'from {package} import *', together)
    assert all(together[name] is theirs[name] for name in theirs if not name.startswith('__'))
    assert {'sweep', 'export', 'pyramidal', 'Microcircuit', 'Mismatch'} <= set(together)
    from brian_le import protocols
    from brian_le.protocols import plot, run
    assert run.__module__ == 'brian_le.protocols.runs.running' and 'run' in dir(protocols)
    assert plot.__module__ == 'brian_le.protocols.plotting'


def documented(docstring):
    """The names in the section 'Parameters' of a docstring."""
    section = re.search(r'^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+$|\Z)',
                        inspect.cleandoc(docstring or ''), re.M | re.S)
    found = re.findall(r'^([*\w][\w, *]*?)(?: :.*)?$', section[1], re.M) if section else []
    return [name.strip(' *') for names in found for name in names.split(',')]


def test_docstrings_have_the_parameters_that_there_are(modules):
    wrong = {}
    for module in modules.values():
        for value in vars(module).values():
            if (inspect.getmodule(value) is not module
                    or not (inspect.isfunction(value) or inspect.isclass(value))):
                continue
            members = [(value.__qualname__, value)] + [
                (member.__qualname__, member) for member in vars(value).values()
                if inspect.isclass(value) and inspect.isfunction(member)]
            for name, member in members:
                names = documented(member.__doc__)
                if names:
                    there = set(inspect.signature(getattr(
                        member, '__init__', member) if inspect.isclass(member) else member
                        ).parameters) - {'self', 'args'}
                    if set(names) - {'args'} != there:
                        wrong[f'{module.__name__}.{name}'] = set(names) ^ there
    assert not wrong
