"""Clock, wiring and recorders in one network, against NumPy."""

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, NeuronGroup, Synapses, TimedArray,
                    defaultclock, ms)

from brian_le import project
from brian_le.models import (Dense, LayeredNetwork, Recorder, StepClock, drive, follow,
                             recorded_values)
from brian_le.programs.program import build_program
from tests.running import run_cases

N_STEPS, N_BEFORE, PERIOD = 17, 2, 5


def compose(name):
    """A population that follows clock, table, constant, a single neuron and a teacher."""
    clock = StepClock(0.1*PERIOD*ms, before=0.1*N_BEFORE*ms, name=f'{name}_clock',
                      equations='amplitude : 1 (shared, constant)')
    clock.amplitude = 3
    one = NeuronGroup(1, 'x : 1', name=f'{name}_one', namespace={})
    drive(one, 'x', 'x + 0.5')
    teacher = NeuronGroup(3, 'r : 1\nhalf = r/2 : 1', name=f'{name}_teacher', namespace={})
    drive(teacher, 'r', 'amplitude*now/ms + i', clock, order=-3)
    group = NeuronGroup(3, 'r : 1\ntarget : 1', name=f'{name}_G', namespace={})
    table = TimedArray([1, 2, 4, 8, 16], dt=1*ms, name=f'{name}_table')
    drive(group, 'r', 'r + gain*table((step + 0.5)*ms)*int(period >= 0) + x', clock, order=-1,
          gain=2, table=table, x=(one, 'x'))
    follow(group, teacher, 'half')
    synapses = project(one, group, 'dw/dt = 1 + 0*x_pre : second (clock-driven)', name=f'{name}_S')
    recorders = {
        'means': Recorder({'mean': 'total/n_steps', 'r': (group, 'r')}, clock,
                          sums={'total': '(r_now - target)**2'}, at='step == n_steps - 1',
                          r_now=(group, 'r'), target=(group, 'target'), name=f'{name}_means'),
        'some': Recorder({'target': (group, 'target'), 'half': (teacher, 'half'),
                          'now': (clock, 'now'), 'more': 'half + own'},
                         clock, at='period >= 0 and step % 2 == 0',
                         equations='own : 1 (shared, constant)', neurons=[2, 0],
                         name=f'{name}_some'),
        'weights': Recorder({'w': (synapses, 'w')}, every=0.3*ms, name=f'{name}_weights'),
        'added': Recorder({'total': 'total'}, every=0.3*ms, sums={'total': 'r'}, r=(group, 'r'),
                          name=f'{name}_added')}
    recorders['some'].group.own = 10
    objects = [clock, one, teacher, group, synapses, *recorders.values()]
    return objects, recorders


def composed(name):
    objects, recorders = compose(name)
    return objects, 0.1*N_STEPS*ms, lambda: {
        f'{key}.{variable}': recorder.array(variable) for key, recorder in recorders.items()
        for variable in recorder.monitor.record_variables - {'i', 't'}}


def expected():
    """The same, computed from what was asked for."""
    k = np.arange(N_STEPS)
    period, step = np.divmod(k - N_BEFORE, PERIOD)
    x = 0.5*(k + 1)
    teacher = 3*0.1*k[:, None] + np.arange(3)
    r = np.cumsum(2*2.0**step*(period >= 0) + x)[:, None] + np.zeros(3)
    target = teacher/2
    last, some = step == PERIOD - 1, (period >= 0) & (step % 2 == 0)
    squares = np.cumsum(np.vstack([np.zeros(3), (r - target)**2]), axis=0)
    ends = np.flatnonzero(last) + 1
    means = np.diff(squares[np.append([0], ends)], axis=0)/PERIOD
    chosen = np.ix_(some, [2, 0])
    w = np.arange(0, N_STEPS, 3)[:, None]*np.ones(3)*1e-4
    sums = np.array([r[max(0, n - 3):n].sum(axis=0) for n in range(0, N_STEPS, 3)])
    return {'means.mean': means, 'means.r': r[last], 'some.target': target[chosen],
            'some.half': teacher[chosen]/2, 'some.more': teacher[chosen]/2 + 10,
            'some.now': np.repeat(1e-4*k[some, None], 2, axis=1), 'weights.w': w,
            'added.total': sums}


@pytest.mark.parametrize('target', ('numpy', 'cpp_standalone'))
def test_what_is_recorded(target, tmp_path):
    (found,) = run_cases(target, {'wired': composed}, tmp_path).values()
    assert set(found) == set(expected())
    for key, value in expected().items():
        np.testing.assert_allclose(found[key], value, rtol=1e-12, atol=1e-15, err_msg=key)


def test_clock_and_sums_go_on_from_one_launch_to_the_next():
    """A program begins every launch at t = 0; what it has counted and added up is state."""
    kept = {}

    def network():
        objects, kept['recorders'] = compose('again')
        return Network(objects)

    program = build_program(network, 'numpy')
    first = program({}, 6)  # amid a period
    then = program({key: first[key] for key in program.state_names}, N_STEPS - 6)
    for recorder, variable in (('means', 'mean'), ('means', 'r'), ('some', 'half'),
                               ('some', 'now')):
        found = [kept['recorders'][recorder].array(variable, end) for end in (first, then)]
        np.testing.assert_allclose(np.concatenate(found), expected()[f'{recorder}.{variable}'],
                                   rtol=1e-12, err_msg=variable)
    np.testing.assert_array_equal(recorded_values('again_some', 'now', then, 2), found[1])


# ------------------------------------------------------------------------------------ bad input
@pytest.fixture(scope='module')
def parts():
    defaultclock.dt = 0.1*ms
    clock, other = StepClock(1*ms, name='bad_clock'), StepClock(2*ms, name='bad_other')
    G, H = NeuronGroup(2, 'r : 1\ntau : second', name='bad_G'), NeuronGroup(3, 'r : 1',
                                                                            name='bad_H')
    drive(G, 'r', 'gain*step', clock, gain=2)
    S = Synapses(G, H, 'w : 1', name='bad_S')
    return dict(clock=clock, other=other, G=G, S=S, H=H, ms=ms, net=LayeredNetwork(2, [Dense(1)]))


BAD = {
    "drive(G, 'rr', 'step', clock)": (ValueError, "'rr'; did you mean 'r'"),
    "drive(5, 'r', 'step', clock)": (TypeError, 'the group that follows is 5; give a population'),
    "drive(G, 'r', 'step', clock)": (ValueError, "'r' of 'bad_G' follows something already"),
    "drive(H, 'r', 'step', net)": (TypeError, "an object that 'bad_H' follows is .*; give a group"),
    "drive(H, 'r', 'x', x=(G, 'r'))": (ValueError,
                                       "'r' of 'bad_G' has 2 values, but 'bad_H' has 3"),
    "drive(H, 'r', 'x', x=(G, 'q'))": (ValueError, "'q'"),
    "drive(H, 'r', 'x', x='G.r')": (TypeError, "'x' of 'bad_H' is 'G.r'; give a variable as"),
    "drive(H, 'r', 'step', clock, other)": (ValueError, "'step' is a variable of 'bad_clock' and "
                                            "of 'bad_other'; give step="),
    "drive(G, 'tau', 'step*ms', other)": (ValueError, "'bad_G' has a variable 'step' of its own"),
    "drive(G, 'tau', 'gain*ms', gain=3)": (ValueError, "'bad_G' has gain = 2 already"),
    "drive(H, 'r', 'r', r=(G, 'r'))": (ValueError, "'bad_H' has a variable 'r' of its own"),
    "drive(H, 'r', 'clock', clock=(other, 'now'))": (ValueError, "'clock' is an attribute"),
    "StepClock(1.05*ms)": (ValueError, "period of 'step_clock' is 1.05 ms, which is not a whole"),
    "StepClock(0*ms)": (ValueError, "period of 'step_clock'"),
    "StepClock(5)": (DimensionMismatchError, 'period'),
    "StepClock(1*ms, before=-1*ms)": (ValueError, "before of 'step_clock'"),
    "Recorder({})": (ValueError, "values of 'recorder' are {}; give at least one"),
    "Recorder(['r'])": (TypeError, "values of 'recorder' is"),
    "Recorder({'r': (G, 'q')})": (ValueError, "variable of 'bad_G': 'q'"),
    "Recorder({'r': (G, 'r'), 'h': (H, 'r')})": (ValueError, 'sources of 2 and of 3 neurons'),
    "Recorder({'w': (S, 'w')})": (ValueError, "'bad_S' has no synapses yet; connect them first"),
    "Recorder({'r': (G, 'r')}, neurons=[2])": (ValueError, "the neurons \\[.*2.*\\] of 'bad_G', "
                                               'which has the neurons 0 to 1'),
    "Recorder({'r': (G, 'r')}, at='True', every=1*ms)": (ValueError, 'give one of them'),
    "Recorder({'s': 's'}, sums={'s': 'r'}, r=(G, 'r'))": (ValueError, 'when they begin again'),
    "Recorder({'s': 'r + tau'}, r=(G, 'r'), tau=(G, 'tau'))": (DimensionMismatchError, 'tau'),
    "Recorder({'s': '2*s'}, s=(G, 'r'))": (ValueError, "'s' of 'recorder' is to be recorded as '2"),
    "Recorder({'r': (G, 'r'), 's': 'r'}, r=(G, 'r'))": (ValueError, "variable 'r' of its own"),
    "Recorder({'r': (G, 'r')}, name='a b')": (ValueError, "the name of a recorder is 'a b'"),
}


@pytest.mark.parametrize('call', BAD)
def test_bad_input(parts, call):
    error, message = BAD[call]
    with pytest.raises(error, match=message):
        eval(call, globals(), parts)
