"""Which runs a study has, and what is said of studies that cannot be run."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brian_le.protocols import run, sweep
from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.parameters import Folder
from brian_le.protocols.sweeps.grids import combinations, run_key
from brian_le.protocols.sweeps.study_files import Study, get_study, named_studies, read_seeds

GOOD = '''
summary = "two parts"
target = "bars"
seeds = [3, 4]
device = "numpy"
[set]
epochs = 2
[grid]
prospective = [true, false]
[[part]]
label = "short"
grid = {t_pattern = ["0.3 ms", "0.5 ms"]}
[[part]]
label = "long"
set = {t_pattern = 5, prospective = "true"}
'''


def study(tmp_path, text):
    (tmp_path/'s.toml').write_text(text)
    return get_study(tmp_path/'s.toml')


def settings(plan):
    return [(label, run.parameters['t_pattern'], run.parameters['prospective'], run.seed)
            for label, run in plan]


def test_parts_grids_and_seeds(tmp_path):
    found = study(tmp_path, GOOD)
    plan = found.plan()
    assert settings(plan) == [
        *(('short', t, which, seed) for which, t, seed in itertools.product(
            ('true', 'false'), (0.3, 0.5), (3, 4))), ('long', 5.0, 'true', 3),
        ('long', 5.0, 'true', 4)]
    assert all(run.parameters['epochs'] == 2 and run.parameters['g_l'] == 0.03 for _, run in plan)
    assert found.columns() == ['epochs', 'prospective', 't_pattern']
    assert (found.summary, found.device) == ('two parts', 'numpy')


def test_combinations_that_are_the_same_run_are_one(tmp_path):
    found = study(tmp_path, 'target = "bars"\n[grid]\nt_pattern = [1, "1 ms", "0.001 s", 2]\n'
                  'prospective = [true, "true"]\n')
    assert settings(found.plan()) == [('', t, 'true', 12345) for t in (1.0, 2.0)]


def test_a_run_can_be_in_two_parts(tmp_path):
    plan = study(tmp_path, 'target = "bars"\n[[part]]\nlabel = "a"\n[[part]]\nlabel = "b"\n'
                 '[part.grid]\nt_pattern = [10, 20]').plan()
    assert [(label, run.key) for label, run in plan] == [
        ('a', 'seed=12345'), ('b', 'seed=12345'), ('b', 't_pattern=20,seed=12345')]


@pytest.mark.parametrize('changes, expected', [
    (dict(seeds=1), {(p, t, w, 12345) for p, t, w, s in settings(
        get_study('bars').plan()) for p, t, w in (
            ('short', 0.3, 'true'), ('short', 0.5, 'true'), ('short', 0.3, 'false'),
            ('short', 0.5, 'false'), ('long', 5.0, 'true'))}),
    (dict(seeds=[1], set=dict(t_pattern=7)),
     {('short', 7.0, 'true', 1), ('short', 7.0, 'false', 1), ('long', 7.0, 'true', 1)}),
    (dict(seeds='1,', grid=dict(t_pattern=['1ms'])),  # of the part that has such a grid
     {('short', 1.0, 'true', 1), ('short', 1.0, 'false', 1), ('long', 5.0, 'true', 1)}),
    (dict(seeds='1,', grid=dict(epochs=[1, 2], prospective=['both'])),
     {('short', 0.3, 'both', 1), ('short', 0.5, 'both', 1), ('long', 5.0, 'true', 1)}),
])
def test_changes_of_a_study(tmp_path, changes, expected):
    assert set(settings(study(tmp_path, GOOD).changed(**changes).plan())) == expected


def test_data_brings_its_own_target(tmp_path):
    found = study(tmp_path, 'target = "digits"\ndata_target = "mnist"\n[grid]\nbatch = [4, 8]\n')
    assert found.plan()[0][1].parameters.get('data') is None
    changed = found.changed(data=tmp_path)
    assert changed.target == 'mnist' and changed.columns() == ['batch']
    assert {run.parameters['data'] for _, run in changed.plan()} == {str(tmp_path)}


@pytest.mark.parametrize('text, message', [
    ('target = "bras"', "in '.*s.toml': unknown target: 'bras'; did you mean 'bars'"),
    ('traget = "bars"', "unknown entry: 'traget'; did you mean 'target'"),
    ('summary = "x"', "there is no 'target'"),
    ('target = "bars"\nseeds = "ten"', "'seeds' is 'ten'; it has to be a number or a list"),
    ('target = "bars"\nseeds = true', "'seeds' is True"),
    ('target = "bars"\nseeds = 0', 'seeds=0; give a whole number of at least 1'),
    ('target = "bars"\nseeds = []', 'there are no seeds'),
    ('target = "bars"\nseeds = [1, -1]', "the seed is '-1'"),
    ('target = "bars"\nfirst_seed = -3', "the seed is '-3'"),
    ('target = "bars"\ndevice = "numpi"', "unknown device: 'numpi'; did you mean 'numpy'"),
    ('target = "bars"\nfigures = "brian_le.protocols.none"', "no module 'brian_le.protocols.none'"),
    ('target = "bars"\nfigures = "none.py"', "no file '.*none.py', which 'figures' names"),
    ('target = "bars"\ndata_target = "minst"',
     "unknown data_target: 'minst'; did you mean 'mnist'"),
    ('target = "bars"\ngrid = 3', "'grid' is 3; it has to be a table"),
    ('target = "bars"\n[grid]\ndt = []', "no values of 'dt'"),
    ('target = "bars"\n[grid]\ndt = 1', "no values of 'dt'; give a list"),
    ('target = "bars"\n[grid]\ndt = [1]\n[set]\ndt = 1', "'dt' is in 'set' and in 'grid'"),
    ('target = "bars"\n[[part]]\ngird = {}\nlabel = "a"',
     "unknown entry: 'gird'; did you mean 'grid'"),
    ('target = "bars"\n[[part]]\n[[part]]', "every \\[\\[part\\]\\] needs a 'label'"),
    ('target = "bars"\npart = []', "'part' is empty"),
    ('target = "bars"\npart = [1]', 'a part has to be a table'),
    ('target = "model.py:build"', "there is no file '.*model.py'"),
    ('target = bars', "is not a study file: .*line 1"),
    # wrong for the target
    ('target = "bars"\n[grid]\nt_patern = [1]', "did you mean 't_pattern'"),
    ('target = "bars"\n[set]\nt_patern = 1', "did you mean 't_pattern'"),
    ('target = "bars"\n[grid]\nt_pattern = [1, "1 V"]', "give a value such as '10 ms'"),
    ('target = "bars"\n[grid]\ng_l = [0, -1]', 'at least 0 1/ms'),
    ('target = "bars"\n[grid]\nprospective = ["yes"]', "unknown value of 'prospective'"),
    ('target = "bars"\n[grid]\nepochs = [1.5]', 'give a whole number'),
    ('target = "alignment"\n[set]\nhighest = 0.1\nlowest = 1', "'highest' is 0.1"),
    ('target = "bars"\n[part]\nlabel = "a"', "'part' is a table; write \\[\\[part\\]\\]"),
    ('target = "bars"\n[set]\ndt = [1, 2]', "'dt' has several values in 'set'; put them into "
     "'grid'"),
    ('target = "bars"\n[grid]\nseed = [1, 2]', "'seed' is not a parameter; give seeds by --seeds"),
])
def test_bad_files(tmp_path, text, message):
    with pytest.raises(ValueError, match=f"in '{tmp_path}/s.toml'|not a study file") as caught:
        study(tmp_path, text).plan()
    caught.match(message)


def test_a_file_is_not_blamed_for_what_is_said_beside_it(tmp_path):
    with pytest.raises(ValueError, match="^unknown parameter of 'bars': 'dtt'"):
        study(tmp_path, 'target = "bars"').changed(grid=dict(dtt=[1])).plan()


@pytest.mark.parametrize('target, message', [
    ('my_model.py', "'my_model.py' is no target; write 'my_model.py:build', the file and"),
    ('my_model:make', "'my_model:make' is no target; write 'my_model.py:make'"),
    (read_seeds, "the target is a function; name it and its file: 'my_model.py:read_seeds'"),
])
def test_targets_that_are_nearly_right(target, message):
    with pytest.raises(ValueError, match=message):
        get_study(target)


def test_valid_names_come_once():
    with pytest.raises(ValueError) as caught:
        get_study('none')
    names = str(caught.value).partition('Valid: ')[2].split(', ')
    assert 'feedback' in names and len(names) == len(set(names))


def test_no_such_study(tmp_path):
    with pytest.raises(ValueError, match="unknown protocol or study: 'fig3-bras'; did you mean"):
        get_study('fig3-bras')
    with pytest.raises(ValueError, match='there is no study file'):
        get_study(tmp_path/'none.toml')


@pytest.mark.parametrize('name', named_studies())
def test_named_studies_can_be_run(name, tmp_path):
    found = get_study(name)
    assert found.summary and len(found.plan()) > 1
    if found.data_target:
        found.changed(data=tmp_path).plan()


@pytest.mark.parametrize('seeds, found', [(2, [12345, 12346]), ('2', [12345, 12346]),
                                          ('5,7', [5, 7]), ([7, 7, 5], [7, 5]), ('7,', [7])])
def test_seeds(seeds, found):
    assert read_seeds(seeds) == found


@pytest.mark.parametrize('seeds', ['a', '1,b', '', -1, 1.5, [], '-1,', [2**32], [None]])
def test_bad_seeds(seeds):
    with pytest.raises(ValueError):
        read_seeds(seeds)


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False),
                   st.text(max_size=200))


@given(st.lists(st.tuples(VALUES, st.integers(0, 2**32 - 1)), min_size=2, max_size=20))
def test_names_of_runs_are_unique_and_fit_for_folders(runs):
    keys = {}
    for value, seed in runs:
        key = run_key({'p': value}, {'p': 'default'}, seed)
        assert len(key) < 140 and not set(key) & set('/\\\0 \n:*?"<>|') and key not in ('.', '..')
        keys.setdefault(key, set()).add((str(value).removesuffix('.0'), seed))
    assert all(len(settings) == 1 for settings in keys.values())


@given(st.dictionaries(st.sampled_from('abcd'), st.lists(st.integers(), min_size=1, max_size=4)))
def test_combinations_are_the_cartesian_product(grid):
    found = combinations(grid)
    expected = [{}]
    for name, values in grid.items():
        expected = [{**one, name: value} for one in expected for value in values]
    assert found == expected


@pytest.mark.parametrize('name', [name for name in PROTOCOLS if not any(
    isinstance(p, Folder) for p in get_protocol(name).parameters)])
def test_a_run_with_default_parameters_is_named_by_its_seed(name):
    (_, run), = Study(name, name).plan()
    assert run.key == 'seed=12345'


@pytest.mark.parametrize('arguments, message', [
    (dict(seeds=5_000_000), 'seeds=5000000 means 5000000 seeds, .* --seeds 5000000, with a comma'),
    (dict(seeds=12345), 'seeds=12345 means 12345 seeds, .* --seeds 12345, with a comma'),
    (dict(seeds='99999999999'), 'a study has at most 10000;'),
    (dict(grid={'epochs': range(1, 1001)}, seeds=101),
     'the study would have 101000 runs .101 seeds'),
])
def test_more_runs_than_anybody_means(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        sweep('bars', **arguments, device='numpy', out=tmp_path/'s')
    assert not (tmp_path/'s').exists()


def test_models_of_users_are_swept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path/'m.py').write_text('def build():\n    pass\n')
    with pytest.raises(ValueError, match="'m.py:build' is a model of your own, .*sweep m.py:build"):
        run('m.py:build', device='numpy')
