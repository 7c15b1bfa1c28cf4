import numpy as np
import pytest
from brian2 import DimensionMismatchError, Network, StateMonitor, mV, ms
from hypothesis import given
from hypothesis import strategies as st

from brian_le.models import Presentations
from brian_le.programs import build_program
from tests.running import CODE_TARGETS, run_cases

INPUTS = np.array([[0.1, 0.9], [0.5, 0.2], [1.0, 0.0]])
TARGETS = np.array([[1.0], [2.0], [3.0]])
ORDER, NUDGED, LEARNING = [2, 0, 1, 1], [1, 0, 1, 0], [0, 1, 1, 0]


def compose(name):
    shown = Presentations(INPUTS, TARGETS, duration=0.3*ms, order=ORDER, nudged=NUDGED,
                          learning=LEARNING, tau_0=0.2*ms, capacity=9, name=f'{name}_shown')
    before = shown.target_group(f'{name}_before', order=-2)
    after = shown.target_group(f'{name}_after', order=2)
    monitors = [StateMonitor(group, variables, record=True, when='end', name=f'{name}_m{n}')
                for n, (group, variables) in enumerate([
                    (shown.schedule, ['step', 'presentation', 'pattern', 'nudged', 'learning']),
                    (shown.inputs, ['r', 'r_sent']), (before, ['u', 'u_sent', 'on']),
                    (after, ['u', 'u_sent', 'on'])])]
    return ([shown, before, after, monitors], shown.total_duration, lambda: [
        {v: np.array(getattr(m, v).T) for v in m.record_variables} for m in monitors])


@pytest.fixture(scope='module', params=CODE_TARGETS)
def recorded(request, tmp_path_factory):
    return run_cases(request.param, {'shown': compose}, tmp_path_factory.mktemp('s'))['shown']


def test_schedule(recorded):
    schedule = {key: values[:, 0] for key, values in recorded[0].items()}
    np.testing.assert_array_equal(schedule['step'], [0, 1, 2]*4)
    np.testing.assert_array_equal(schedule['presentation'], np.repeat(range(4), 3))
    np.testing.assert_array_equal(schedule['pattern'], np.repeat(ORDER, 3))
    np.testing.assert_array_equal(schedule['nudged'], np.repeat(NUDGED, 3))
    np.testing.assert_array_equal(schedule['learning'], np.repeat(LEARNING, 3))


def test_inputs_and_targets_are_filtered(recorded):
    for values, patterns in ((recorded[1]['r'], INPUTS), (recorded[2]['u'], TARGETS)):
        x, expected = patterns[ORDER[0]], []
        for row in np.repeat(ORDER, 3):
            x = x + 0.5*(patterns[row] - x)
            expected.append(x)
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(recorded[1]['r'], recorded[1]['r_sent'])


def test_targets_are_published(recorded):
    for group in recorded[2:]:
        np.testing.assert_array_equal(group['u'], group['u_sent'])
        np.testing.assert_array_equal(group['on'][:, 0], np.repeat(NUDGED, 3))


def test_another_sequence_as_values_of_a_program():
    shown = Presentations(INPUTS, TARGETS, duration=0.2*ms, order=ORDER, capacity=9)
    pattern = StateMonitor(shown.schedule, ['pattern', 'nudged'], record=True, when='end', name='m')
    end = build_program(Network(shown, pattern), 'numpy')(
        shown.tables([1, 2, 0], nudged=[1, 1, 0]), 0.8*ms)
    np.testing.assert_array_equal(end['m.pattern'][0], [1, 1, 2, 2, 0, 0, 0, 0])
    np.testing.assert_array_equal(end['m.nudged'][0], [1, 1, 1, 1, 0, 0, 0, 0])


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), min_size=1,
                max_size=6), st.integers(1, 4))
def test_any_sequence(sequence, n_steps):
    order, nudged, learning = zip(*sequence)
    shown = Presentations(INPUTS, duration=n_steps*0.1*ms, order=order, nudged=nudged,
                          learning=learning)
    monitor = StateMonitor(shown.inputs, 'r', record=True, when='end')
    flags = StateMonitor(shown.schedule, ['nudged', 'learning'], record=True, when='end')
    Network(shown, monitor, flags).run(shown.total_duration)
    np.testing.assert_allclose(monitor.r.T, INPUTS[np.repeat(order, n_steps)], atol=1e-15)
    np.testing.assert_array_equal(flags.nudged[0], np.repeat(nudged, n_steps))
    np.testing.assert_array_equal(flags.learning[0], np.repeat(learning, n_steps))


def test_by_default_every_pattern_once():
    shown = Presentations(INPUTS, duration=1*ms)
    assert shown.total_duration == 3*ms and (shown.n_inputs, shown.n_outputs) == (2, 0)
    assert '3 presentations of 1. ms' in repr(shown)


BAD = {
    'NaN': (dict(inputs=[[np.nan]]), ValueError, 'inputs .* contains nan'),
    'inputs in one dimension': (dict(inputs=[1, 2]), ValueError, 'has shape'),
    'targets of other number': (dict(targets=[[1]]), ValueError, r'\(1, 1\), but \(3, '),
    'infinite target': (dict(targets=[[1], [np.inf], [2]]), ValueError, 'contains inf'),
    'duration': (dict(duration=0.25*ms), ValueError, 'not a whole number of time steps'),
    'no duration': (dict(duration=0*ms), ValueError, 'duration'),
    'duration in volt': (dict(duration=1*mV), DimensionMismatchError, 'duration'),
    'tau_0 below dt': (dict(tau_0=0.05*ms), ValueError, 'less than the time step'),
    'tau_0 in volt': (dict(tau_0=1*mV), DimensionMismatchError, 'tau_0'),
    'pattern that is not there': (dict(order=[0, 3]), ValueError, 'names the pattern 3'),
    'half a pattern': (dict(order=[0.5]), ValueError, 'names the pattern 0.5'),
    'nothing': (dict(order=[]), ValueError, 'empty'),
    'flags of other length': (dict(nudged=[True]), ValueError, "'nudged' .* has shape"),
    'flags that are none': (dict(learning=[0, 1, 2]), ValueError, 'true or false'),
    'too small': (dict(capacity=2), ValueError, 'room for 2 presentations'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    change, error, message = BAD[case]
    with pytest.raises(error, match=message):
        Presentations(**{'inputs': INPUTS, 'duration': 1*ms, **change})


def test_no_targets_to_play():
    with pytest.raises(ValueError, match='has no targets'):
        Presentations(INPUTS, duration=1*ms).target_group('target', order=2)
