import re

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, StateMonitor, defaultclock, mV, ms, prefs)
from hypothesis import given
from hypothesis import strategies as st

from brian_le import ReplicatedGroup
from brian_le.models import Dense, GLENetwork, SequenceReadout, Sequences
from tests.running import WITH_SLOW_CYTHON, run_cases

SAMPLES = np.arange(36.0).reshape(6, 3, 2) + 1
TARGETS = np.arange(6.0).reshape(6, 1) + 100
MOVING = SAMPLES[..., :1] + 200


def compose(targets):
    """Sequences of three points for two steps each, and a population that counts steps."""
    def case(name):
        shown = Sequences(SAMPLES, targets, duration=0.6*ms, replicas=2, name=f'{name}_shown')
        group = ReplicatedGroup(1, 'target : 1\ncount : 1', replicas=2, name=f'{name}_G',
                                namespace={})
        shown.play('targets', group, 'target')
        group.run_regularly('count += 1 + i', when='groups', order=0, name=f'{name}_counter')
        monitors = [StateMonitor(g, v, record=True, when='end', name=f'{name}_m{v}')
                    for g, v in ((shown.inputs, 'r'), (group, 'target'))]
        readout = SequenceReadout(shown, group, 'count', name=f'{name}_readout')
        return ([shown, group, monitors, readout], shown.total_duration,
                lambda: dict({m.record_variables[0]: np.array(getattr(m, m.record_variables[0])).T
                              for m in monitors}, read=readout.values()))
    return case


@pytest.fixture(scope='module', params=WITH_SLOW_CYTHON)
def found(request, tmp_path_factory):
    cases = {'still': compose(TARGETS), 'moving': compose(MOVING)}
    return run_cases(request.param, cases, tmp_path_factory.mktemp('b'))


def in_time(values):
    """What two replicas see in each step: [step, replica*neuron]."""
    batches = values.reshape(3, 2, 3, -1).swapaxes(1, 2)  # [batch, point, replica, neuron]
    return np.repeat(batches.reshape(9, -1), 2, axis=0)


def test_points_are_shown_one_after_the_other(found):
    for case, targets in (('still', np.repeat(TARGETS, 3, axis=0)), ('moving', MOVING)):
        np.testing.assert_array_equal(found[case]['r'], in_time(SAMPLES))
        np.testing.assert_array_equal(found[case]['target'], in_time(targets.reshape(6, 3, 1)))


def test_readout_has_the_mean_of_every_batch(found):
    counts = np.arange(1, 19).reshape(3, 6).mean(axis=1)
    np.testing.assert_allclose(found['still']['read'], (counts[:, None]*[1, 2]).reshape(6, 1),
                               rtol=1e-14)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3),
       st.floats(0.01, 3), st.integers(0, 50))
def test_any_number_of_points(n_batches, replicas, points, steps, dt, seed):
    defaultclock.dt = dt*ms
    samples = np.random.default_rng(seed).normal(size=(n_batches*replicas, points))
    shown = Sequences(samples, duration=points*steps*dt*ms, replicas=replicas)
    readout = SequenceReadout(shown, shown.inputs, 'r', name='readout')
    monitor = StateMonitor(shown.inputs, 'r', record=True, when='end')
    Network(shown, readout, monitor).run(shown.total_duration)
    expected = samples.reshape(n_batches, replicas, points).swapaxes(1, 2).reshape(-1, replicas)
    np.testing.assert_array_equal(monitor.r.T, np.repeat(expected, steps, axis=0))
    np.testing.assert_allclose(readout.values()[:, 0], samples.mean(axis=1), atol=1e-14)


def test_other_sequences_in_a_compiled_simulation(standalone, tmp_path):
    shown = Sequences(SAMPLES[:2], MOVING[:2], duration=0.3*ms, replicas=2, capacity=3)
    group = ReplicatedGroup(1, 'target : 1', replicas=2)
    shown.play('targets', group, 'target')
    read = [SequenceReadout(shown, shown.inputs, 'r', name='inputs_read'),
            SequenceReadout(shown, group, 'target', name='targets_read')]
    Network(shown, group, read).run(0.9*ms)
    standalone.build(directory=str(tmp_path), run=False)
    tables = {shown._tables[key.split('_')[1].split('.')[0]]: values
              for key, values in shown.tables(SAMPLES, MOVING).items()}
    standalone.run(run_args=tables)
    np.testing.assert_allclose(read[0].values(), SAMPLES.mean(axis=1), rtol=1e-14)
    np.testing.assert_allclose(read[1].values(), MOVING.mean(axis=1), rtol=1e-14)


def test_sizes():
    shown = Sequences(SAMPLES, TARGETS, duration=0.6*ms, replicas=2)
    assert (shown.n_points, shown.n_batches, shown.n_steps) == (3, 3, 6)
    assert (shown.n_inputs, shown.n_outputs) == (2, 1)
    assert Sequences(SAMPLES, MOVING, duration=0.6*ms).n_outputs == 1
    net = GLENetwork(2, [Dense(1)], batches=shown)
    assert net.replicas == 2 and len(net.inputs) == 4


@pytest.mark.parametrize('samples, targets, options, message', [
    ([[1, 2, 3], [1, 2]], None, {}, 'have 2 to 3 points; bring them to one length'),
    ([1, 2, 3], None, {}, 'give an array'), (3, None, {}, 'samples of .* is 3; give an array'),
    (SAMPLES, [[[1], [2], [3]], [[1], [2]]]*3, {}, 'targets of .* have 2 to 3 points; bring them'),
    (SAMPLES[..., None], None, {}, r'give an array \(samples, points\)'),
    (SAMPLES, MOVING[:, :2], {}, 'targets of .* have 2 points, but 3 are needed'),
    (SAMPLES, TARGETS[:4], {}, r'has shape \(4, 1\)'),
    (np.where(SAMPLES == 4, np.nan, SAMPLES), None, {}, 'contains nan'),
    (SAMPLES, np.where(TARGETS > 103, np.inf, TARGETS), {}, 'contains inf'),
    (SAMPLES, None, dict(replicas=4), 'leave 2 of them out'),
    (SAMPLES, None, dict(duration=0.7*ms), 'do not divide its 7 time steps'),
    (SAMPLES, None, dict(duration=0.25*ms), 'not a whole number of time steps'),
    (SAMPLES, None, dict(capacity=2), 'give a larger capacity')])
def test_bad_input(samples, targets, options, message):
    with pytest.raises(ValueError, match=message):
        Sequences(samples, targets, **{'duration': 0.6*ms, **options})


def test_rows_are_whole_numbers_in_single_precision(standalone, tmp_path):
    """Rows of large tables have more digits than numbers in single precision."""
    prefs.core.default_float_dtype = np.float32
    try:
        shown = Sequences(SAMPLES, duration=0.6*ms, replicas=2, capacity=50, name='rows')
        Network(shown).run(0.1*ms)
        standalone.build(directory=str(tmp_path), compile=False, run=False)
    finally:
        prefs.core.default_float_dtype = np.float64
    (source,) = (tmp_path/'code_objects').glob('rows_inputs_play_samples_codeobject*.cpp')
    code = source.read_text()
    (row,) = re.findall(r'rows_samples\((.*), neuron\)', code)
    (offset, rest) = row.split(' + ', 1)
    assert f'const float {offset} = 0.25 * ms' in code and rest.startswith('(ms * ((')
    for name in re.findall(r'_lio_\d+', rest):
        assert f'const int64_t {name} =' in code


def test_bad_units_and_tables():
    with pytest.raises(DimensionMismatchError):
        Sequences(SAMPLES, duration=3*mV)
    shown = Sequences(SAMPLES, TARGETS, duration=0.6*ms, replicas=2)
    with pytest.raises(ValueError, match='have 2 points, but 3 are needed'):
        shown.tables(SAMPLES[:, :2], TARGETS)
    with pytest.raises(ValueError, match='did you mean'):
        SequenceReadout(shown, shown.inputs, 'r_sen')
    with pytest.raises(ValueError, match='not been shown anything'):
        SequenceReadout(shown, shown.inputs, 'r', name='later').values()
