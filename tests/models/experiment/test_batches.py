import numpy as np
import pytest
from brian2 import DimensionMismatchError, Network, StateMonitor, defaultclock, mV, ms
from hypothesis import given
from hypothesis import strategies as st

from brian_le import ReplicatedGroup
from brian_le.models import Batches, BatchReadout, Presentations, Sequences
from tests.running import CODE_TARGETS, run_cases

SAMPLES = np.arange(18.0).reshape(6, 3) + 1
TARGETS = SAMPLES[:, :2] + 100


def compose(name):
    """A population that counts steps and copies the first two inputs and the targets."""
    shown = Batches(SAMPLES, TARGETS, duration=0.4*ms, replicas=2, name=f'{name}_shown')
    group = ReplicatedGroup(2, 'target : 1\ncount : 1', replicas=2, name=f'{name}_G', namespace={})
    shown.play('targets', group, 'target')
    group.run_regularly('count += 1 + i', when='groups', order=0, name=f'{name}_counter')
    monitors = [StateMonitor(g, v, record=True, when='end', name=f'{name}_m{v}')
                for g, v in ((shown.inputs, 'r'), (shown.inputs, 'r_sent'), (group, 'target'),
                             (shown.schedule, 'nudged'), (shown.schedule, 'learning'))]
    readouts = [BatchReadout(shown, group, 'count', name=f'{name}_readout'),
                BatchReadout(shown, group, 'target', name=f'{name}_a')]
    return ([shown, group, monitors, readouts], shown.total_duration,
            lambda: dict({m.record_variables[0]: np.array(getattr(m, m.record_variables[0])).T
                          for m in monitors}, read=readouts[0].values(),
                         targets_read=readouts[1].values()))


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory):
    return run_cases(request.param, {'shown': compose}, tmp_path_factory.mktemp('b'))['shown']


def test_samples_and_targets_in_their_order(found):
    for key, table in (('r', SAMPLES), ('r_sent', SAMPLES), ('target', TARGETS)):
        np.testing.assert_array_equal(found[key], np.repeat(table.reshape(3, -1), 4, axis=0))


def test_everything_is_on(found):
    assert (found['nudged'] == 1).all() and (found['learning'] == 1).all()


def test_readout_has_the_last_value_of_every_batch(found):
    steps = 4*(np.arange(3) + 1)
    np.testing.assert_array_equal(found['read'], (steps[:, None]*[1, 2, 3, 4]).reshape(6, 2))
    np.testing.assert_array_equal(found['targets_read'], TARGETS)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 5), st.floats(0.01, 3),
       st.integers(0, 50))
def test_any_number_of_batches(n_batches, replicas, n_steps, dt, seed):
    defaultclock.dt = dt*ms
    samples = np.random.default_rng(seed).normal(size=(n_batches*replicas, 2))
    shown = Batches(samples, duration=n_steps*dt*ms, replicas=replicas)
    readout = BatchReadout(shown, shown.inputs, 'r', name='readout')
    monitor = StateMonitor(shown.inputs, 'r', record=True, when='end')
    Network(shown, readout, monitor).run(shown.total_duration)
    expected = samples.reshape(n_batches, -1)
    np.testing.assert_array_equal(monitor.r.T, np.repeat(expected, n_steps, axis=0))
    np.testing.assert_array_equal(readout.values(), samples)


def test_sizes():
    shown = Batches(SAMPLES, TARGETS, duration=0.4*ms, replicas=2)
    assert (shown.n_batches, shown.n_steps, shown.n_inputs, shown.n_outputs) == (3, 4, 3, 2)
    assert shown.duration == 0.4*ms and abs(shown.total_duration - 1.2*ms) < 1e-9*ms
    assert Batches(SAMPLES, duration=1*ms).n_outputs == 0
    assert repr(shown) == ("<Batches 'batches': 3 batches of 2 samples for 0.4 ms, 3 inputs, "
                           '2 targets>')


def test_other_samples_in_a_compiled_simulation(standalone, tmp_path):
    shown = Batches(SAMPLES, TARGETS, duration=0.2*ms, replicas=2, capacity=4)
    group = ReplicatedGroup(2, 'target : 1', replicas=2)
    shown.play('targets', group, 'target')
    readout = BatchReadout(shown, shown.inputs, 'r', name='readout')
    targets = BatchReadout(shown, group, 'target', name='targets_read')
    Network(shown, group, readout, targets).run(4*shown.duration)
    standalone.build(directory=str(tmp_path), compile=True, run=False)
    other = SAMPLES[::-1]/7
    for samples, goals in ((SAMPLES, TARGETS), (np.vstack([other, SAMPLES[:2]]), TARGETS[:8])):
        goals = np.resize(goals, (len(samples), 2))
        values = shown.tables(samples, goals)
        tables = (shown.inputs.namespace['samples'], group.namespace['targets'])
        standalone.run(directory=str(tmp_path), with_output=False,
                       run_args={table: values[f'{table.name}.values'] for table in tables})
        np.testing.assert_array_equal(readout.values()[:len(samples)], samples)
        np.testing.assert_array_equal(targets.values()[:len(samples)], goals)
        left = 8 - len(samples)  # the last batch stays
        np.testing.assert_array_equal(readout.values()[len(samples):],
                                      np.resize(samples[-2:], (left, 3)))


def test_planes_and_classes():
    shown = Batches(np.arange(24.0).reshape(2, 2, 2, 3), np.eye(4)[[3, 1]], duration=0.1*ms)
    readout = BatchReadout(shown, shown.inputs, 'r')
    Network(shown, readout).run(0.2*ms)
    np.testing.assert_array_equal(readout.values(), np.arange(24.0).reshape(2, 12))
    assert shown.n_outputs == 4 and readout.group.name == 'batches_inputs_readout'


@pytest.mark.parametrize('repeat', [False, True])
@pytest.mark.parametrize('kind', [Presentations, Batches, Sequences])
def test_after_the_end(kind, repeat):
    """The last one stays, or all come again; with room for more as well."""
    samples = SAMPLES[:3] if kind is Presentations else SAMPLES
    expected = []
    for capacity in (3, 6):
        options = dict(duration=0.3*ms, repeat=repeat, capacity=capacity, name=f'ends{capacity}')
        if kind is Sequences:  # three points of one input
            shown = kind(samples, replicas=2, **options)
            order = samples.reshape(3, 2, 3).swapaxes(1, 2).reshape(9, 2)
        elif kind is Batches:
            shown = kind(samples, replicas=2, **options)
            order = np.repeat(samples.reshape(3, 6), 3, axis=0)
        else:
            shown = kind(samples, **options)
            order = np.repeat(samples, 3, axis=0)
        monitor = StateMonitor(shown.inputs, 'r', record=True, when='end')
        Network(shown, monitor).run(2.4*ms)  # eight of three
        last = np.resize(order[-1], (15, order.shape[1]))
        after = np.vstack([order, order])[:15] if repeat else last
        np.testing.assert_array_equal(monitor.r.T, np.vstack([order, after]))
        assert ('again and again' in repr(shown)) == repeat
        expected.append(monitor.r)
    np.testing.assert_array_equal(*expected)


def test_room_for_repetitions():
    with pytest.raises(ValueError, match='its capacity of 4 is not a multiple'):
        Batches(SAMPLES, duration=0.2*ms, replicas=2, capacity=4, repeat=True)


def test_a_readout_needs_a_run():
    shown = Batches(SAMPLES, duration=0.2*ms)
    with pytest.raises(ValueError, match="'batches_inputs' has not been shown anything yet"):
        BatchReadout(shown, shown.inputs, 'r').values()
    with pytest.raises(ValueError, match="unknown variable of 'batches_inputs': 'rate'"):
        BatchReadout(shown, shown.inputs, 'rate')


def test_values_of_a_finished_run():
    """The same from arrays by name, as they are kept on disk."""
    shown = Batches(SAMPLES, duration=0.2*ms, replicas=2)
    readout = BatchReadout(shown, shown.inputs, 'r', name='readout')
    Network(shown, readout).run(shown.total_duration)
    variables = {'readout_monitor.value': np.arange(18.0), 'batches_inputs.r': -np.ones(6)}
    np.testing.assert_array_equal(readout.values(variables),
                                  np.append(np.arange(6.0, 18), -np.ones(6)).reshape(6, 3))


def make(**changes):
    settings = dict(samples=SAMPLES, targets=TARGETS, duration=1*ms, replicas=2) | changes
    return Batches(**settings)


BAD = {
    'NaN in samples': (lambda: make(samples=np.where(SAMPLES == 5, np.nan, SAMPLES)), ValueError,
                       r"samples of 'batches' contains nan at index \(1, 1\)"),
    'infinite target': (lambda: make(targets=TARGETS*np.inf), ValueError,
                        "targets of 'batches' contains inf"),
    'flat samples': (lambda: make(samples=SAMPLES.ravel()), ValueError,
                     r'have the shape \(18,\); give one row'),
    'classes as targets': (lambda: make(targets=np.arange(6)), ValueError,
                           r'np.eye\(n\)\[classes\]'),
    'fewer targets': (lambda: make(targets=TARGETS[:4]), ValueError, r'shape \(4, 2\), .* \(6, '),
    'last batch not full': (lambda: make(replicas=4), ValueError,
                            'has 6 samples, .* whole batches of 4; leave 2 of them out'),
    'less than one batch': (lambda: make(replicas=7), ValueError, 'less than one batch of 7'),
    'no samples': (lambda: make(samples=np.zeros((0, 3)), targets=None), ValueError, '0 samples'),
    'half a replica': (lambda: make(replicas=0.5), ValueError, 'replicas=0.5'),
    'no duration': (lambda: make(duration=0*ms), ValueError, "duration of 'batches' is 0"),
    'part of a step': (lambda: make(duration=0.15*ms), ValueError, 'not a whole number of time'),
    'duration in volt': (lambda: make(duration=1*mV), DimensionMismatchError, "'duration'"),
    'no room': (lambda: make(capacity=2), ValueError,
                "'batches' has room for 2 batches of 2, but there are 6 samples; give a larger"),
    'more than there is room for': (lambda: make(capacity=3).tables(np.ones((8, 3))), ValueError,
                                    'has room for 3 batches of 2, but there are 8 samples'),
    'other inputs': (lambda: make().tables(np.ones((2, 4))), ValueError, r"\(2, 4\), but"),
    'other targets': (lambda: make().tables(SAMPLES, np.ones((6, 3))), ValueError, r'\(6, 3\)'),
    'odd tables': (lambda: make().tables(SAMPLES[:3]), ValueError, 'leave 1 of them out'),
    'no targets': (lambda: make(targets=None).play('targets', make(name='b').inputs, 'r'),
                   ValueError, "'batches' has no targets"),
    'another size': (lambda: make().play('targets', make(name='b').inputs, 'r'), ValueError,
                     "2 wide, in batches of 2, but 'b_inputs' has 6 neurons"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    function, error, message = BAD[case]
    with pytest.raises(error, match=message):
        function()


def test_images_are_rows():
    images = np.arange(12.0).reshape(4, 3, 1, 1)
    shown = Batches(images, duration=0.2*ms, replicas=2, repeat=True)
    monitor = StateMonitor(shown.inputs, 'r', record=True, dt=0.2*ms, when='end')
    Network(shown, monitor).run(1*ms)
    np.testing.assert_array_equal(np.array(monitor.r.T).reshape(5, 2, 3),
                                  images.reshape(2, 2, 3)[[0, 1, 0, 1, 0]])


def test_readout_of_a_variable_that_is_not_there_or_of_nothing_shown():
    shown = Batches(np.eye(4), duration=1*ms)
    group = ReplicatedGroup(3, 'r : 1', replicas=1)
    with pytest.raises(ValueError, match="unknown variable of .*: 'rr'; did you mean 'r'"):
        BatchReadout(shown, group, 'rr')
    with pytest.raises(ValueError, match='has not been shown anything yet'):
        BatchReadout(shown, group, 'r').values()
