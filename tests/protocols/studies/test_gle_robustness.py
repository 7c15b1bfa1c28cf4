"""Chains and networks of Generalized Latent Equilibrium on an imperfect substrate."""

import csv
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from brian_le.protocols import run
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.runs import launches
from brian_le.protocols.studies.gle_robustness import strengths as strengths_figure
from brian_le.protocols.sweeps.study_files import get_study
from brian_le.protocols.tasks.gle_imperfections import imperfections
from brian_le.protocols.tasks.lagline.task import LagLine
from tests.protocols.tasks.sequences.test_task import few  # noqa: F401, a fixture
from tests.protocols.tasks.sequences.test_task import launches_of, training

TABLES = Path(__file__).parents[3]/'docs'/'tables'
MEASURED = ('parameter_error', 'loss', 'test_accuracy', 'train_accuracy')
SHORT = {
    'lagline': dict(dt=0.1, periods=2, bptt_periods=0, t_init=6, batch=3, students='gle'),
    'mnist1d': dict(slow=4, fast=2, hidden_layers=2, batch=4, epochs=1, rate=0.01, dt=0.1)}
ALL = dict(mismatch=0.2, error_mismatch=0.1, noise=0.05, delay=0.2)
OTHERS = dict(mismatch=0.5, error_mismatch=0.3, noise=0.1, delay=0.3)


def strengths(**given):
    return SimpleNamespace(**dict(dict(mismatch=0, error_mismatch=0, noise=0, delay=0, dt=0.1),
                                  **given))


def parameters(protocol, **given):
    return get_protocol(protocol).read({**SHORT[protocol], **given})


# ---------------------------------------------------------------------------------- what is there
@pytest.mark.parametrize('given, expected', [
    ({}, []), (dict(error_mismatch=0.1), [('tau_v', 'tau_prosp_v')]),
    (ALL, [('tau_m', 'tau_r'), None, None, ('tau_v', 'tau_prosp_v')])])
def test_only_what_has_some_strength(given, expected):
    found = imperfections(strengths(**given))
    assert [getattr(x, 'parameters', None) for x in found] == expected


def test_error_mismatch_needs_error_neurons():
    assert imperfections(strengths(error_mismatch=0.1), prospective=False) == []


def test_students_are_imperfect_and_the_teacher_is_not():
    p = parameters('lagline', **dict(ALL, students='all', dt=0.02))
    own = LagLine(p, 1)
    own.compose()
    nets = own.nets
    for group in nets['teacher'].neurons:
        assert not [name for name in group.equations if 'mismatch' in name or 'noise' in name]
        np.testing.assert_array_equal(group.tau_r_, 1e-4)
    found = set()
    for group, same in zip(nets['gle'].neurons, nets['instantaneous'].neurons):
        tau_r = np.unique(group.tau_r_)  # all replicas are the same neuron
        assert len(tau_r) == 1 and tau_r != 1e-4 and tau_r >= p.dt*1e-3
        np.testing.assert_array_equal(same.tau_r_, group.tau_r_)
        for own, shared in ((group.tau_v_, tau_r), (group.tau_prosp_v_, group.tau_m_)):
            (factor,) = np.unique(own/shared)
            assert 0.5 < factor < 1.5
            found.add(factor)
        assert group.equations['r_now'].expr.code.endswith('+ r_noise')
    assert len(found) == 4


# --------------------------------------------------------------------------------------- launching
@pytest.mark.parametrize('protocol', SHORT)
def test_one_program_serves_all_strengths_and_seeds(tmp_path, few, protocol):  # noqa: F811
    def arrays(name, seed, given):
        return run(protocol, out=tmp_path/name, quiet=True, device='numpy', seed=seed,
                   **SHORT[protocol], **given).arrays

    built = launches._BUILT
    built.clear()
    expected = arrays('alone', 5, ALL)
    built.clear()
    first = arrays('before', 6, OTHERS)
    assert len(built) == 1
    found = arrays('after', 5, ALL)
    assert len(built) == 1
    for key, values in expected.items():
        np.testing.assert_array_equal(found[key], values, err_msg=key)
    learned = 'gle.tau_m0' if protocol == 'lagline' else 'W_forward_0'
    assert not np.array_equal(found[learned], first[learned])


def test_noise_and_delays_do_not_depend_on_where_a_run_is_cut(few):  # noqa: F811
    made = training('mnist1d', **{**SHORT['mnist1d'], **ALL, 'batch': 1})
    program = launches_of(made)
    whole, _ = made.chunk(program, made.begin(program), 0, 7)
    cut = made.begin(program)
    for first, n in ((0, 3), (3, 1), (4, 3)):
        cut, _ = made.chunk(program, cut, first, n)
    for key, values in whole.items():
        np.testing.assert_array_equal(cut[key], values, err_msg=key)


@pytest.mark.parametrize('protocol, given, message', [
    ('lagline', dict(mismatch=-0.1), "'mismatch' is -0.1; it has to be at least 0"),
    ('lagline', dict(noise='1 ms'), "'noise' is '1 ms'; give a value such as '0'"),
    ('lagline', dict(delay='1 kg'), "'delay' is '1 kg'; give a value such as '0 ms'"),
    ('mnist1d', dict(delay=-1), "'delay' is -1 ms; it has to be at least 0 ms"),
    ('mnist1d', dict(eror_mismatch=1), "mean 'error_mismatch'"),
    ('mnist1d', dict(error_mismatch=0.1, batch=4, errors='instantaneous'),
     'there are no error neurons'),
    ('mnist1d-static', dict(error_mismatch=0.1, batch=4), 'there are no error neurons')])
def test_bad_input_leaves_nothing_behind(tmp_path, few, protocol, given, message):  # noqa: F811
    with pytest.raises(ValueError, match=message):
        run(protocol, quiet=True, device='numpy', out=tmp_path/'r', **given)
    assert os.listdir(tmp_path) == []


# -------------------------------------------------------------------------------------- what it is
def test_measures_of_the_chain():
    ends = dict(forward0=1.1, forward1=2, tau_m0=0.8, tau_m1=2.1)
    arrays = {f'gle.{key}': np.repeat([5.0, end], [90, 10]) for key, end in ends.items()}
    arrays |= {'gle.loss': np.repeat([3, 0.5], [45, 5])}
    found = LagLine.measures(SimpleNamespace(arrays=arrays))
    assert found == pytest.approx(dict(ends, loss=0.5, parameter_error=0.2))
    arrays |= {key.replace('gle', 'bptt1'): values for key, values in arrays.items()}
    assert LagLine.measures(SimpleNamespace(arrays=arrays)).keys() == {
        f'{name}.{key}' for name in ('gle', 'bptt1') for key in found}


def test_measures_of_sequences():
    arrays = {'test_accuracy': np.array([0.1, 0.4]), 'train_accuracy': np.array([0.5]),
              'train_loss': np.array([1.5])}
    assert get_protocol('mnist1d').measures(SimpleNamespace(arrays=arrays)) == {
        'test_accuracy': 0.4, 'train_accuracy': 0.5, 'train_loss': 1.5}


# ---------------------------------------------------------------------- what the chain puts up with
@pytest.fixture(scope='module')
def ends(tmp_path_factory):
    """Measures of the chain after 1000 ms: of one program, with one imperfection at a time."""
    folder, found = tmp_path_factory.mktemp('chain'), {}
    for name, strength in dict(perfect=0, error_mismatch=0.3, mismatch=0.03, noise=0.003,
                               delay=0.01).items():
        given = {kind: 1e-9 for kind in ALL}  # all are in the program, too weak to be seen
        if strength:
            given[name] = strength
        result = run('lagline', out=folder/name, quiet=True, seed=1, students='gle', periods=250,
                     bptt_periods=0, **given)
        found[name] = LagLine.measures(result)
    return found


def test_chain_finds_the_teacher_with_other_error_neurons(ends):
    assert ends['perfect']['parameter_error'] < 1e-4
    assert ends['error_mismatch']['parameter_error'] < 1e-3


@pytest.mark.parametrize('imperfection', ['mismatch', 'noise', 'delay'])
def test_chain_settles_elsewhere_with_other_imperfections(ends, imperfection):
    """Near the teacher: where rates that differ from its own come closest to them."""
    assert 0.01 < ends[imperfection]['parameter_error'] < 0.5
    assert ends[imperfection]['loss'] < 1e-3


# -------------------------------------------------------------------------------------- the studies
@pytest.mark.parametrize('name, runs', [('gle-robustness', 3*7),
                                        ('gle-robustness-lagline', 10*18)])
def test_studies_can_be_run(name, runs):
    study = get_study(name)
    assert len(study.plan()) == runs
    for part in study.parts:
        assert list(part['grid']) == ([] if part['label'] == 'perfect' else [part['label']])


def test_figure_of_strengths():
    rows = [dict(part='perfect', noise=0.0, test_accuracy=accuracy) for accuracy in (0.7, 0.8, 0.6)]
    rows += [dict(part='noise', noise=noise, test_accuracy=accuracy)
             for noise, accuracies in ((0.3, (0.3, 0.2)), (0.1, (0.4, 0.6)))
             for accuracy in accuracies]
    study = SimpleNamespace(rows=rows, description={'target': 'mnist1d'})
    (figure,) = strengths_figure(study).values()
    (ax,) = figure.axes
    perfect, imperfect = ax.get_lines()
    assert set(perfect.get_ydata()) == {70}
    np.testing.assert_allclose(imperfect.get_xydata(), [[0.1, 50], [0.3, 25]])
    band = ax.collections[0].get_paths()[0].vertices
    for x, ends in ((0.1, {40, 60}), (0.3, {20, 30})):
        assert set(band[band[:, 0] == x, 1].round(9)) == ends


def test_no_figure_without_its_parts():
    study = SimpleNamespace(rows=[dict(noise=0.1)], description=dict(target='bars'))
    assert strengths_figure(study) == {}


# ----------------------------------------------------------------------------- the committed tables
def table(name):
    """Rows of a table in docs by part and strength: lists of dicts of numbers."""
    found = {}
    with open(TABLES/f'{name}.csv', newline='') as file:
        for row in csv.DictReader(file):
            part = row['part']
            strength = 0.0 if part == 'perfect' else float(row[part])
            found.setdefault(part, {}).setdefault(strength, []).append(
                {key: float(value) for key, value in row.items() if key in MEASURED and value})
    return found


def column(rows, measure):
    return np.array([row[measure] for row in rows])


@pytest.fixture(scope='module')
def chain():
    return table('gle-robustness-lagline')


def test_table_of_the_chain_is_complete(chain):
    assert {part: len(rows) for part, rows in chain.items()} == {
        'perfect': 1, 'mismatch': 4, 'error_mismatch': 4, 'noise': 4, 'delay': 5}
    assert all(len(rows) == 10 for part in chain.values() for rows in part.values())
    assert column(chain['perfect'][0], 'parameter_error').max() < 1e-3


def test_error_neurons_may_differ_from_their_neurons(chain):
    for strength in (0.1, 0.2):
        assert column(chain['error_mismatch'][strength], 'parameter_error').max() < 1e-3
    for strength in (0.3, 0.5):  # a chain that fails does so as a whole
        assert np.median(column(chain['error_mismatch'][strength], 'parameter_error')) < 1e-3


@pytest.mark.parametrize('part', ['mismatch', 'noise', 'delay'])
def test_parameters_move_away_with_the_strength(chain, part):
    medians = [np.median(column(rows, 'parameter_error'))
               for _, rows in sorted(chain[part].items())]
    assert medians == sorted(medians)
    assert medians[0] > 10*np.median(column(chain['perfect'][0], 'parameter_error'))


def test_outputs_stay_close_where_parameters_do_not(chain):
    for part in ('mismatch', 'delay'):
        for rows in chain[part].values():
            assert column(rows, 'loss').max() < 3e-3
    assert np.median(column(chain['mismatch'][0.3], 'parameter_error')) > 0.3


def test_noise_moves_parameters_by_its_square(chain):
    low, high = (column(chain['noise'][strength], 'parameter_error') for strength in (0.001, 0.003))
    np.testing.assert_allclose(np.median(high)/np.median(low), 9, rtol=0.2)
    assert high.std() < 0.05*high.mean()  # whatever the seed: it is no scatter
    for strength, rows in chain['noise'].items():
        assert (column(rows, 'loss') > strength**2).all()


@pytest.fixture(scope='module')
def sequences():
    """Test accuracies by part and strength."""
    return {part: {strength: column(rows, 'test_accuracy') for strength, rows in strengths.items()}
            for part, strengths in table('gle-robustness').items()}


def test_table_of_sequences_is_complete(sequences):
    assert {part: sorted(rows) for part, rows in sequences.items()} == {
        'perfect': [0], 'mismatch': [0.1, 0.3], 'delay': [0.2, 1], 'noise': [0.03, 0.3]}
    assert all(len(rows) == 3 for part in sequences.values() for rows in part.values())
    assert sequences['perfect'][0].min() > 0.7  # of ten classes


def test_networks_put_up_with_weak_imperfections(sequences):
    perfect = sequences['perfect'][0].mean()
    assert sequences['mismatch'][0.1].mean() > perfect - 0.05
    assert sequences['noise'][0.03].mean() > perfect - 0.05


def test_networks_suffer_from_strong_imperfections(sequences):
    perfect = sequences['perfect'][0]
    assert sequences['mismatch'][0.3].mean() < perfect.mean() - 0.05
    assert sequences['noise'][0.3].max() < perfect.min() - 0.2


def test_every_step_of_delay_costs_accuracy(sequences):
    perfect, one, five = sequences['perfect'][0], *(sequences['delay'][x] for x in (0.2, 1))
    assert perfect.mean() > one.mean() + 0.1 and one.mean() > five.mean() + 0.1
    assert five.max() < perfect.min() - 0.1
