"""Scripts of settings in any order mean in C++ what they mean in Python."""

import numpy as np
import pytest
from brian2 import (Hz, Network, NeuronGroup, PoissonGroup, SpikeGeneratorGroup, SpikeMonitor,
                    StateMonitor, Synapses, defaultclock, ms, second, set_device)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from brian_le.programs.contents import end_of_run
from brian_le.programs.program import build_program

N = 5
# each uses the group A, the synapses S from A to A, or Python
NUMBERS = st.integers(-9, 9).map(float)
PLACES = st.sampled_from(['[0]', '[-1]', '[2:]', '[:3]', '[[0, 2]]', '[:]'])
GROUPS = st.sampled_from('ABC')  # the latter two are subgroups
NAMES = st.sampled_from('abkf')
VALUES = st.one_of(NUMBERS.map(repr), st.sampled_from(
    ["'a'", "'b + 1'", "'2*a - b + sh'", "'k + i'", "'i'", "'sh'", "'int(f)'"]))


@st.composite
def _one_setting(draw):
    what = draw(st.integers(0, 9))
    name, value = draw(NAMES), draw(VALUES)
    if name == 'f' and value.startswith("'"):
        value = "'a > b'"
    if name == 'k' and value.startswith("'"):
        value = "'i + k'"
    if what < 5:
        return f'{draw(GROUPS)}.{name}{draw(PLACES)} = {value}'
    if what < 6:
        return f'A.{draw(st.sampled_from("ab"))} = np.arange({N}.0)*{draw(NUMBERS)}'
    if what < 7:
        return f'A.sh = {draw(NUMBERS)}'
    if what < 8:
        condition = draw(st.sampled_from(['a > b', 'i < 3', 'f']))
        return f"A.{draw(st.sampled_from('ab'))}['{condition}'] = {draw(NUMBERS)}"
    return draw(st.sampled_from([
        "S.w = 'a_pre + b_post'", "S.w = 0.5", "S.w = 'w + i - j'", "S.w['i < 2'] = 3",
        "S.delay = '0.1*ms*(i + 1)'", 'S.delay = 0.3*ms', "S.w[0] = 7"]))


CONNECTIONS = st.sampled_from(["'a_pre > b_post'", "'i != j'", "p=1", "i=[0, 1, 4], j=[1, 2, 0]",
                               "j='(i + 1) % 5'", "'f_pre'", "'k_pre <= j'"])


@st.composite
def scripts(draw):
    before = draw(st.lists(_one_setting().filter(lambda line: line[0] in 'ABC'), max_size=5))
    after = draw(st.lists(_one_setting(), max_size=5))
    return '\n'.join([*before, f'S.connect({draw(CONNECTIONS)})', *after])


def drawn(n):
    """Some scripts, the same ones every time."""
    found = []

    @settings(max_examples=n, phases=[Phase.generate], derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))
    @given(scripts())
    def draw(script):
        found.append(script)
    draw()
    return [script for script in dict.fromkeys(found) if brian2_takes(script)]


def brian2_takes(script):
    set_device('runtime')
    try:
        compose([script])
    except Exception:  # as strings for an index of a subgroup that counts from the end
        return False
    return True


#: Kinds that scripts are known to have come to grief with.
KNOWN = ['A.a = 1\nA.a[0] = 5\nS.connect()', 'A[2:5].a = 4\nS.connect()',
         'A.a = np.arange(5)\nS.connect("a_pre > a_post")\nS.w = "a_pre"',
         'A.a = 1\nA.b = "2*a"\nA.a = 3\nS.connect()', 'A[2:].a[0] = 4\nA.a[-1] = 2\nS.connect()']


def compose(scripts, start=0):
    """One network with a group and synapses for every script."""
    defaultclock.dt = 0.1*ms
    objects = []
    for number, script in enumerate(scripts, start):
        spikes = number % 3 == 0  # every third one runs; code is what takes time to compile
        A = NeuronGroup(N, f'''a : 1
                               b : 1
                               y : 1
                               k : integer
                               f : boolean
                               sh : 1 (shared)
                               {'dv/dt = (a + 1)/ms : 1' if spikes else ''}''', method='euler',
                        name=f'A{number}',
                        **({'threshold': 'v > 1.45', 'reset': 'v = 0'} if spikes else {}))
        S = Synapses(A, A, 'w : 1', name=f'S{number}',
                     **({'on_pre': 'y_post += w'} if spikes else {}),
                     **({'delay': 0.5*ms} if number % 6 == 3 and 'delay' not in script else {}))
        script = '\n'.join(line for line in script.split('\n') if spikes or 'delay' not in line)
        exec(script, {'A': A, 'B': A[2:], 'C': A[1:4], 'S': S, 'np': np, 'ms': ms})
        objects += [A, S]
    return Network(objects)


def same(found, expected):
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-12, err_msg=key)


def test_settings_in_any_order():
    """All scripts in one build, against Brian2 in Python."""
    chosen = KNOWN + drawn(24)
    assert len(chosen) > 12
    expected = build_program(lambda: compose(chosen), 'numpy')({}, 40)
    found = build_program(lambda: compose(chosen))({}, 40)
    for number, script in enumerate(chosen):
        same(found, {key: value for key, value in expected.items()
                     if key.split('.')[0] in (f'A{number}', f'S{number}')})


def compose_clocks(start=0.0):
    """Clocks of their own, delays of their own, and what else is set before a run."""
    defaultclock.dt = 0.2*ms
    slow = NeuronGroup(2, 'dv/dt = 1/ms : 1', method='euler', name='slow')
    fast = NeuronGroup(1, 'dv/dt = 1/ms : 1', method='euler', dt=0.05*ms, name='fast')
    odd = NeuronGroup(1, 'dv/dt = 1/ms : 1', method='euler', dt=0.07*ms, name='odd')
    slow.v = start
    given = SpikeGeneratorGroup(2, [0, 1], [1, 2]*ms, name='given', dt=0.1*ms)
    given.set_spikes([0, 1, 1], [0.1, 0.2, 0.3]*ms)
    poisson = PoissonGroup(2, 1*Hz, name='poisson')
    poisson.rates = [0, 1e9]*Hz
    S = Synapses(poisson, slow, on_pre='v_post += 100', delay=0.4*ms, name='S')
    S.connect(j='i')
    T = Synapses(given, slow, 'w : 1', on_pre='v_post += w', name='T')
    T.connect(i=[0, 1], j=[1, 1])
    T.w, T.delay = [1000, 5000], [0.4, 0.6]*ms
    T.delay[1] = 0.2*ms
    return Network(slow, fast, odd, given, poisson, S, T, SpikeMonitor(given, name='M'),
                   StateMonitor(slow, 'v', record=True, name='R', dt=0.1*ms))


@pytest.fixture(scope='module')
def clocks():
    return [build_program(compose_clocks, device) for device in ('numpy', 'cpp_standalone')]


@pytest.mark.parametrize('duration, slow, fast, odd', [
    (1.4e-3, 7, 28, 20), (1e-3, 5, 20, 15), (1.0000000000002e-3, 5, 20, 15), (0.33e-3, 2, 7, 5)])
def test_every_clock_does_the_steps_of_the_duration(clocks, duration, slow, fast, odd):
    expected, found = (program({}, duration*second) for program in clocks)
    assert expected['fast.v'] == pytest.approx(fast*0.05) and (
        expected['odd.v'] == pytest.approx(odd*0.07)) and len(expected['R.v'][0]) >= slow
    same(found, expected)


def test_steps_are_those_of_the_fastest_clock(clocks):
    for program in clocks:
        end = program({}, 28)
        assert end['fast.v'] == pytest.approx(1.4) and end['odd.v'] == pytest.approx(1.4)


def test_more_steps_than_can_be_counted(clocks):
    for program in clocks:
        with pytest.raises(ValueError, match='has 2147483658 steps of 0.05 ms, but one can have'):
            program({}, 2**31 + 10)
    assert end_of_run(2**31*1e-4 - 1e-4, [1e-4]) == pytest.approx(2**31*1e-4 - 1e-4, rel=1e-15)


@pytest.mark.parametrize('key, value, message', [
    ('A0.k', 2.7, "'A0.k' is 2.7, which its type .int32. cannot hold; give whole numbers from -2"),
    ('A0.k', 2**31, "'A0.k' is 2147483648, which"), ('A0.k', [1, 2, 3, 4, np.nan], 'whole numbers'),
    ('A0.f', 2, "'A0.f' is 2, .* give true or false"),
    ('A0.a', 1e300, 'cannot hold; give a number that is smaller than 3.4e.38'),
    ('A0.a', 'many', "'A0.a' is 'many'; give numbers")])
def test_values_that_a_type_cannot_hold(key, value, message):
    program = build_program(lambda: compose(KNOWN[:1]), 'numpy', precision='single')
    with pytest.raises(ValueError, match=message):
        program({key: value}, 1)


def test_arrays_that_do_not_fit_the_synapses_that_were_made():
    def wrong():
        defaultclock.dt = 0.1*ms
        A = NeuronGroup(4, 'v : 1', name='A')
        S = Synapses(A, A, 'w : 1', name='S')
        S.connect('i < j')
        S.w = np.arange(7.0)
        return Network(A, S)
    with pytest.raises(ValueError, match="7 values for 'S.w', which has 6"):
        build_program(wrong)({}, 1)
