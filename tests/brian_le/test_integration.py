import re
import subprocess
import sys

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Equations, Network, NeuronGroup, StateMonitor,
                    Synapses, mV, ms, prefs)
from brian2.equations.equations import EquationError
from brian2.stateupdaters.base import UnsupportedEquationsException
from hypothesis import given
from hypothesis import strategies as st

from brian_le import (hidden_neuron, output_neuron, point_neuron, prospective_euler, pyramidal,
                      stimulus)
from tests.running import CODE_TARGETS, run_cases

BY_HAND = '''
du/dt = (I + c*v_prosp - u)/tau_u : 1
dv/dt = (I - v)/tau_v : 1
u_prosp : 1
v_prosp : 1
tau_u : second (constant)
tau_v : second (shared, constant)
tau_r = 0.7*tau_u : second
tau_prosp_v : second (constant)
I = sin(2*pi*t/(3*ms)) + 0.1*i : 1
c : 1 (constant)
r : 1
r_now = tanh(u_prosp) : 1
old : 1
old_now = r : 1
u_min : 1 (constant)
u_max = 0.4 : 1
'''
N, STEPS = 5, 60


def compose_by_hand(name):
    group = NeuronGroup(N, BY_HAND, method='prospective_euler', name=f'{name}_G', namespace={})
    group.tau_u, group.tau_v = np.linspace(1, 4, N)*ms, 2*ms
    group.tau_prosp_v = np.linspace(0, 3, N)*ms
    group.c, group.u_min = np.linspace(-1, 1, N), -0.3
    monitor = StateMonitor(group, ['u', 'v', 'u_prosp', 'v_prosp', 'r', 'old'], record=True,
                           when='end', name=f'{name}_M')
    return [group, monitor], STEPS*0.1*ms, lambda: {
        variable: getattr(monitor, variable).T for variable in monitor.record_variables}


def by_hand_in_numpy():
    dt, tau_u, tau_v, tau_pv = 0.1, np.linspace(1, 4, N), 2, np.linspace(0, 3, N)
    c, i = np.linspace(-1, 1, N), np.arange(N)
    u = v = r = np.zeros(N)
    rows = {key: [] for key in ('u', 'v', 'u_prosp', 'v_prosp', 'r', 'old')}
    for step in range(STEPS):
        drive = np.sin(2*np.pi*step*dt/3) + 0.1*i
        dv = (drive - v)/tau_v
        v_prosp = v + tau_pv*dv
        du = (drive + c*v_prosp - u)/tau_u
        u_prosp = u + 0.7*tau_u*du
        u, v = np.clip(u + dt*du, -0.3, 0.4), v + dt*dv
        old, r = r, np.tanh(u_prosp)
        for key in rows:
            rows[key].append(locals()[key])
    return {key: np.array(values) for key, values in rows.items()}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def simulated(request, tmp_path_factory):
    return run_cases(request.param, {'hand': compose_by_hand, 'units': compose_with_units},
                     tmp_path_factory.mktemp('i'))


def test_equations_by_hand(simulated):
    for key, expected in by_hand_in_numpy().items():
        np.testing.assert_allclose(simulated['hand'][key], expected, rtol=0, atol=1e-14)


def compose_with_units(name):
    group = NeuronGroup(3, '''du/dt = (E - u)/tau_m : volt
                              u_prosp : volt
                              tau_m = 10*ms : second
                              tau_r = 5*ms : second
                              E : volt (constant)
                              r : Hz
                              r_now = u_prosp*gain : Hz
                              gain = 2*Hz/mV : Hz/volt''',
                        method='prospective_euler', name=f'{name}_G', namespace={})
    group.E = [1, 2, 3]*mV
    monitor = StateMonitor(group, ['u', 'r'], record=True, when='end', name=f'{name}_M')
    return [group, monitor], 2*ms, lambda: (np.array(monitor.u.T), np.array(monitor.r.T))


def test_units(simulated):
    u, r = simulated['units']
    E = np.array([1e-3, 2e-3, 3e-3])
    decay = (1 - 0.1/10)**np.arange(21)[:, None]
    np.testing.assert_allclose(u, E*(1 - decay[1:]), rtol=0, atol=1e-17)
    before = E*(1 - decay[:-1])
    np.testing.assert_allclose(r, 2e3*(before + 5/10*(E - before)), rtol=0, atol=1e-14)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_random_linear_systems(seed, n):
    """Coupled equations with random coefficients, in any order, with and without look-ahead."""
    rng = np.random.default_rng(seed)
    A, tau, tau_r = rng.normal(size=(n, n)), rng.uniform(1, 5, n), rng.uniform(0.1, 5, n)
    looks = rng.random(n) < 0.5
    lines = []
    for k in range(n):
        drive = ' + '.join(f'a{k}{j}*x{j}' for j in range(n))
        lines.append(f'dx{k}/dt = (I + {drive} - x{k})/tau{k} : 1')
        lines += [f'a{k}{j} : 1 (constant)' for j in range(n)]
        lines += [f'tau{k} : second (constant)']
        if looks[k]:
            lines += [f'x{k}_prosp : 1', f'tau_prosp_x{k} : second (constant)']
    rng.shuffle(lines)
    group = NeuronGroup(1, '\n'.join([*lines, 'I : 1 (constant)']), method='prospective_euler',
                        name='linear', namespace={})
    group.I = 0.5
    for k in range(n):
        setattr(group, f'tau{k}', tau[k]*ms)
        if looks[k]:
            setattr(group, f'tau_prosp_x{k}', tau_r[k]*ms)
        for j in range(n):
            setattr(group, f'a{k}{j}', A[k, j])
    Network(group).run(2*ms)
    x = np.zeros(n)
    for _ in range(20):
        dx = (0.5 + A @ x - x)/tau
        prosp, x = x + tau_r*dx, x + 0.1*dx
    np.testing.assert_allclose([getattr(group, f'x{k}')[0] for k in range(n)], x, rtol=1e-12)
    np.testing.assert_allclose([getattr(group, f'x{k}_prosp')[0] for k in range(n) if looks[k]],
                               prosp[looks], rtol=1e-12, atol=1e-13)


def test_single_precision():
    prefs.core.default_float_dtype = np.float32
    try:
        objects, duration, read = compose_by_hand('single')
        Network(objects).run(duration)
        found = read()
    finally:
        prefs.core.default_float_dtype = np.float64
    for key, expected in by_hand_in_numpy().items():
        assert found[key].dtype == np.float32
        np.testing.assert_allclose(found[key], expected, rtol=0, atol=2e-6)


def test_derivatives_are_kept():
    group = NeuronGroup(2, '''du/dt = (E - u)/(2*ms) : volt
                               dv/dt = (1 - v)/(1*ms) : 1
                               u_dot : volt/second
                               u_max = 0.1*mV : volt
                               seen : volt/second
                               seen_now = u_dot : volt/second
                               E : volt''', method='prospective_euler')
    group.E = [1, 3]*mV
    Network(group).run(0.2*ms)
    # that of the last step, from the old value, whatever is clipped
    np.testing.assert_allclose(group.u_dot_[:], [(1 - 0.05)/2, (3 - 0.1)/2], rtol=1e-12)
    np.testing.assert_array_equal(group.seen_[:], group.u_dot_[:])
    assert 'v_dot' not in prospective_euler(group.equations)


def test_published_values_are_taken_before_any_is_stored():
    """a and b exchange their values, whatever the order of the equations."""
    for text in ('a : 1\nb : 1\na_now = b : 1\nb_now = a : 1',
                 'b_now = a : 1\nb : 1\na_now = b : 1\na : 1'):
        group = NeuronGroup(1, text + '\ndx/dt = 0/second : 1', method='prospective_euler')
        group.a, group.b = 1, 2
        Network(group).run(0.1*ms)
        assert (group.a[0], group.b[0]) == (2, 1)


def test_code_of_a_step_can_be_read():
    code = prospective_euler(Equations('''dw/dt = f : 1
                                          f : Hz
                                          w_max : 1'''))
    assert code == '_d_w = f\nw = clip(w + dt*_d_w, -inf, w_max)'


BAD_EQUATIONS = {
    'look-ahead that is read but not declared': (
        'du/dt = (tanh(u_prosp) - u)/(1*ms) : 1', KeyError, 'u_prosp'),
    'look-ahead time without look-ahead': (
        'du/dt = -u/(1*ms) : 1\ntau_r : second', EquationError, "parameter such as 'u_prosp'"),
    'look-ahead time of one variable without look-ahead': (
        'du/dt = -u/(1*ms) : 1\ntau_prosp_u : second', EquationError, "such as 'u_prosp'"),
    'look-ahead without look-ahead time': (
        'du/dt = -u/(1*ms) : 1\nu_prosp : 1', EquationError, "add 'tau_r : second"),
    'look-ahead of something without derivative': (
        'du/dt = -u/(1*ms) : 1\nv_prosp : 1\ntau_r : second', EquationError,
        "no differential equation for 'v'. Rename both"),
    'nowhere to publish': (
        'du/dt = -u/(1*ms) : 1\nr_now = u : 1', EquationError, "add 'r : 1'"),
    'published with another unit': (
        'du/dt = -u/(1*ms) : 1\nr_now = u : 1\nr : Hz', DimensionMismatchError, "'r_now'"),
    'look-ahead with another unit': (
        'du/dt = -u/(1*ms) : volt\nu_prosp : 1\ntau_r : second', DimensionMismatchError,
        "'u_prosp'"),
    'look-ahead time that is not a time': (
        'du/dt = -u/(1*ms) : 1\nu_prosp : 1\ntau_r : 1', DimensionMismatchError, "'tau_r'"),
    'derivative with another unit': (
        'du/dt = -u/(1*ms) : volt\nu_dot : volt', DimensionMismatchError, "'u_dot'"),
    'bound with another unit': (
        'du/dt = -u/(1*ms) : 1\nu_max : volt', DimensionMismatchError, "'u_max'"),
    'look-aheads in a circle': (
        '''du/dt = (v_prosp - u)/(1*ms) : 1
           dv/dt = (u_prosp - v)/(1*ms) : 1
           u_prosp : 1
           v_prosp : 1
           tau_r = 1*ms : second''', EquationError, 'circle'),
    'noise': ('du/dt = -u/(1*ms) + xi/sqrt(1*ms) : 1', UnsupportedEquationsException, 'noise'),
}


@pytest.mark.parametrize('case', BAD_EQUATIONS)
def test_bad_equations(case):
    text, error, message = BAD_EQUATIONS[case]
    group = NeuronGroup(1, text, method='prospective_euler', name='G')
    with pytest.raises(Exception) as raised:
        Network(group).run(0.1*ms)
    chain = [raised.value, raised.value.__cause__]
    assert any(isinstance(each, error) and message in str(each) for each in chain), chain


SHORT = {
    'bound in the text': (point_neuron(tau_m=0.05*ms), {}, "'tau_m' of 'G' is 0.05 ms"),
    'one neuron of several': (point_neuron(tau_m='constant'), {'tau_m': [10, 0.05]*ms},
                              "'tau_m' of 'G' is 0.05 ms"),
    'look-ahead': (point_neuron(tau_r='shared, constant'), {'tau_r': 0.01*ms},
                   "'tau_r' of 'G' is 0.01 ms; .* or zero"),
    'conductances': (pyramidal(g_l=19.84/ms), {}, "'tau_m' of 'G' is 0.05 ms; it has to be finite "
                                                  'and at least the time step of 0.1 ms'),
    'conductances that were not set': (
        pyramidal(g_l='constant', g_b='constant', g_a='constant'), {}, "'tau_m' of 'G' is inf ms"),
    'filter': (stimulus('1.0', tau_0=0.01*ms), {}, "'tau_0' of 'G' is 0.01 ms"),
    'filter of rates': (hidden_neuron(tau_s=0.02*ms), {}, "'tau_s' of 'G' is 0.02 ms"),
    'filter of errors': (hidden_neuron(tau_err='constant'), {'tau_err': [1, 0.05]*ms},
                         "'tau_err' of 'G' is 0.05 ms"),
    'filter of targets': (output_neuron(tau_target=0.02*ms), {}, "'tau_target' of 'G' is 0.02"),
}


@pytest.mark.parametrize('case', SHORT)
def test_time_constants_below_the_time_step(case):
    equations, values, message = SHORT[case]
    group = NeuronGroup(2, equations, method='prospective_euler', name='G')
    for name, value in values.items():
        setattr(group, name, value)
    with pytest.raises(Exception) as raised:
        Network(group).run(0.1*ms)
    assert isinstance(raised.value.__cause__, ValueError)
    assert re.search(message, str(raised.value.__cause__))


@pytest.mark.parametrize('times', [dict(tau_m=0.1*ms), dict(tau_r=0*ms), dict(tau_r=0.1*ms)])
def test_time_constants_that_are_long_enough(times):
    group = NeuronGroup(1, point_neuron(**times), method='prospective_euler')
    Network(group).run(0.1*ms)


@pytest.mark.parametrize('name', ['r', 'source'])  # only parts of groups have a source
def test_synapses_that_learn_while_neurons_move_are_refused(name):
    a, b = (NeuronGroup(2, f'du/dt = -u/(1*ms) : 1\n{name} : 1', method='euler', name=n)
            for n in 'ab')
    S = Synapses(a, b, f'dw/dt = {name}_pre*u_post/second : 1 (clock-driven)',
                 method='prospective_euler', name='S')
    S.connect()
    with pytest.raises(Exception) as raised:
        Network(a, b, S).run(0.1*ms)
    message = str(raised.value.__cause__ or raised.value)
    assert "'S'" in message and "'a'" in message and 'order=1' in message


@pytest.mark.parametrize('first, second', [('brian_le', 'brian2'), ('brian2', 'brian_le')])
def test_registered_whatever_is_imported_first(first, second):
    script = (f'import {first}, {second}\nfrom brian2 import *\nprefs.codegen.target = "numpy"\n'
              'G = NeuronGroup(1, "du/dt = -u/ms : 1", method="prospective_euler")\n'
              'run(defaultclock.dt)\n')
    subprocess.run([sys.executable, '-c', script], check=True)


def test_registered_after_somebody_has_only_looked_for_brian2():
    script = ('import importlib.util, brian_le\nimportlib.util.find_spec("brian2")\n'
              'from brian2 import *\n'
              'assert "prospective_euler" in StateUpdateMethod.stateupdaters\n')
    subprocess.run([sys.executable, '-c', 'from importlib import import_module\n' + script
                    .replace('StateUpdateMethod', 'import_module("brian2.stateupdaters.base")'
                             '.StateUpdateMethod')], check=True)


def test_importing_the_package_does_not_import_brian2():
    subprocess.run([sys.executable, '-c', 'import sys, brian_le, brian_le.protocols.cli\n'
                    'assert "brian2" not in sys.modules'], check=True)




@pytest.mark.parametrize('tau_r, shown', [(10, 0), (5, 0.5), (0, 1)])
def test_look_ahead_of_a_jump_and_of_an_input(tau_r, shown):
    """A jump of the potential is cancelled by its leak; an input that jumps is seen at once."""
    prefs.codegen.target = 'numpy'
    G = NeuronGroup(2, f"""du/dt = (I_syn - u)/(10*ms) : 1
                           dI_syn/dt = -I_syn/(4*ms) : 1
                           u_prosp : 1
                           tau_r = {tau_r}*ms : second""", method='prospective_euler',
                    namespace={}, name='G')
    network = Network(G)
    network.run(0.1*ms)
    G.u, G.I_syn = [3, 0], [0, 3]
    network.run(0.1*ms)
    np.testing.assert_allclose(G.u_prosp[0], 3*shown, atol=1e-12)
    np.testing.assert_allclose(G.u_prosp[1], 3*(1 - shown), atol=1e-12)
