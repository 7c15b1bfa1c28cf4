"""Who imports whom: no circles, no way back, and rooms of which one sees what is in them.

The sources are read, not run, and imports inside functions count as any other.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {'brian_le': 'brian_le', 'brian_le.models': 'models', 'brian_le.protocols': 'protocols'}
MOST_LINES, MOST_MODULES = 400, 15


def sources():
    """The paths of all modules by their names; a package has its own."""
    return {'.'.join((package,
                      *(part for part in path.relative_to(ROOT/folder).with_suffix('').parts
                                 if part != '__init__'))): path
            for package, folder in PACKAGES.items() for path in (ROOT/folder).rglob('*.py')}


def lazy_names(trees, package):
    """Where a package finds the names that it hands out when they are used."""
    for node in ast.walk(trees[package]):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == '_lazy.exports':
            for key, names in zip(node.args[1].keys, node.args[1].values):
                module = (key.value if key.value.startswith('brian_le.')
                          else f'{package}.{key.value}')
                # a list, or all names of a room
                known = (lazy_names(trees, module) if isinstance(names, ast.Attribute)
                         else ((name, module) for name in ast.literal_eval(names)))
                yield from ((name, module) for name, _ in known)


def imports(trees):
    """The modules that each module imports, by their names; lazy names are followed."""
    homes = {module: dict(lazy_names(trees, module)) for module in trees}

    def home(module, name):
        if f'{module}.{name}' in trees:
            return f'{module}.{name}'
        further = homes.get(module, {}).get(name)
        return home(further, name) if further else module

    found = {module: set() for module in trees}
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found[module] |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f'{module} has a relative import'
                found[module] |= {home(node.module, alias.name) for alias in node.names}
    return {module: names & trees.keys() - {module} for module, names in found.items()}


def circles(graph):
    """Sets of modules of which each one needs all the others."""
    reached = {}
    for start in graph:
        seen, todo = set(), [start]
        while todo:
            new = graph[todo.pop()] - seen
            seen |= new
            todo += new
        reached[start] = seen
    return {frozenset(other for other in reached[module] if module in reached[other])
            for module in graph if module in reached[module]}


def floor(module):
    """0 for the equations, 1 for models, 2 for protocols."""
    return max(floor for floor, package in enumerate(PACKAGES) if module.startswith(package))


@pytest.fixture(scope='module')
def graph():
    return imports({module: ast.parse(path.read_text()) for module, path in sources().items()})


def test_there_are_no_circles(graph):
    assert [sorted(circle) for circle in circles(graph)] == []


def test_nothing_is_imported_from_a_floor_above(graph):
    assert [floor(module) for module in ('brian_le.checks', 'brian_le.models.gle',
                                         'brian_le.protocols.cli')] == [0, 1, 2]
    assert [(module, other) for module, others in graph.items() for other in others
            if floor(other) > floor(module)] == []


def test_modules_are_short():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines())
               for path in sources().values()}
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


def test_rooms_are_small():
    rooms = {}
    for path in sources().values():
        rooms.setdefault(path.parent, []).append(path.name)
    assert {room.name: len(names) for room, names in rooms.items()
            if len(names) > MOST_MODULES} == {}


TEXTS = {
    'brian_le': "_lazy.exports(__name__, {'rooms': rooms.__all__, 'x': ['b']})",
    'brian_le.rooms': "_lazy.exports(__name__, {'one': ['a']})",
    'brian_le.rooms.one': 'def f():\n    from brian_le import b',
    'brian_le.x': 'import brian2\nfrom brian_le.y import c',
    'brian_le.y': 'from brian_le import a',
    'brian_le.z': 'import brian_le.x\nfrom brian_le.rooms import one',
}


def test_circles_are_found_through_lazy_names_and_functions():
    found = imports({module: ast.parse(text) for module, text in TEXTS.items()})
    assert found['brian_le.z'] == {'brian_le.x', 'brian_le.rooms.one'}
    assert circles(found) == {frozenset({'brian_le.rooms.one', 'brian_le.x', 'brian_le.y'})}
    found['brian_le.y'] = set()
    assert circles(found) == set()
