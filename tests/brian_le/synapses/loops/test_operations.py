"""What is done in one pass, and weights that follow late."""

import re

import numpy as np
import pytest
from brian2 import (BrianObject, Clock, Hz, Network, NeuronGroup, StateMonitor, Synapses,
                    linked_var, ms, network_operation, prefs)

from brian_le import DenseSynapses
from brian_le.names import local
from brian_le.synapses.loops.plans import plan_run
from tests.running import CODE_TARGETS, run_cases


def late_parts(x='x : 1'):
    a, b = NeuronGroup(3, 'r : 1', name='a'), NeuronGroup(4, 'I : 1', name='b')
    S = DenseSynapses(a, b, f"""I_post = w*r_pre : 1 (summed)
                                dw/dt = r_pre*eta : 1 (clock-driven)
                                wa = 2*w : 1
                                eta : Hz (shared)
                                {x}""", method='euler', name='S', namespace={})
    S.connect()
    return a, b, S


def linked(S, variable):
    group = NeuronGroup(12, 'seen : 1 (linked)\ndv/dt = seen/ms : 1', method='euler', name='l')
    group.seen = linked_var(S, variable)
    return group


def stopped(runner):
    runner.active = False


LATE = {
    'alone': (True, lambda a, b, S: None),
    'monitor of neurons': (True, lambda a, b, S: StateMonitor(b, 'I', record=True)),
    'operation of neurons': (True, lambda a, b, S: a.run_regularly('r = r + 1')),
    'other synapses': (True, lambda a, b, S: unrelated(a, b)),
    'monitor': (False, lambda a, b, S: StateMonitor(S, 'w', record=[0])),
    'monitor of another variable': (False, lambda a, b, S: StateMonitor(S, 'x', record=[0])),
    'monitor of a subexpression': (False, lambda a, b, S: StateMonitor(S, 'wa', record=[0])),
    'network operation': (False, lambda a, b, S: network_operation(lambda: None)),
    'operation of synapses': (False, lambda a, b, S: S.run_regularly('x = w')),
    'linked subexpression': (False, lambda a, b, S: linked(S, 'wa')),
    'synapses on synapses': (False, lambda a, b, S: read_by_synapses(a, S, 'w')),
    'synapses on synapses, subexpression': (False, lambda a, b, S: read_by_synapses(a, S, 'wa')),
    'another clock': (False, lambda a, b, S: setattr(S.summed_updaters['I_post'], '_clock',
                                                     Clock(0.2*ms))),
    'random numbers': (False, lambda a, b, S: None, 'dx/dt = rand()/ms : 1 (clock-driven)'),
    'noise': (False, lambda a, b, S: None, 'dx/dt = -x/ms + xi/sqrt(ms) : 1 (clock-driven)'),
    'no learning': (False, lambda a, b, S: stopped(S.state_updater)),
    'no sum': (False, lambda a, b, S: stopped(S.summed_updaters['I_post'])),
}


def unrelated(a, b):
    other = DenseSynapses(a, b, 'w : 1', name='other')
    other.connect()
    return other


def read_by_synapses(a, S, variable):
    other = Synapses(S, a, f'r_post = {variable}_pre : 1 (summed)', name='other')
    other.connect()
    return other


def everything(S):
    """What there is of synapses, their variables and their operations."""
    return [{name: value if isinstance(value, (str, int, float, type(None))) else id(value)
             for name, value in vars(obj).items()}
            for obj in (S, S.variables, S._late, S._late.variables, *S.contained_objects)] + [
        set(S.variables), set(S._late.variables)]


@pytest.mark.parametrize('case', LATE)
def test_weights_follow_late_if_nobody_looks(case):
    """Otherwise whoever looks would see those of the step before."""
    expected, more, *equations = LATE[case]
    a, b, S = late_parts(*equations)
    extra = more(a, b, S)
    network = Network(a, b, S, *([extra] if isinstance(extra, BrianObject) else []))
    prefs.codegen.target = 'cython'
    before = everything(S)
    plan, again = (plan_run(S, network.sorted_objects, {}) for _ in range(2))
    assert plan == again and everything(S) == before
    late = plan.late
    assert (late is not None) == expected
    if late is not None:
        assert late.copies == {'pre': ['r_pre'], 'post': [], 'scalar': ['eta']}
        assert local('then_r_pre') in late.update


@pytest.mark.parametrize('order, passes', [
    (-1, ['one_pass<1, 1>']), (-2, ['one_pass<0, 1>', 'one_pass<1, 0>'])])
def test_sums_to_both_sides_share_a_pass(standalone, tmp_path, order, passes):
    """Unless something could come between them."""
    a, b = NeuronGroup(3, 'r : 1\nD : 1', name='a'), NeuronGroup(4, 'v : 1\nI : 1', name='b')
    S = DenseSynapses(a, b, """I_post = w*r_pre : 1 (summed)
                               D_pre = w*v_post : 1 (summed)
                               w : 1""", name='S')
    S.connect()
    S.summed_updaters['D_pre'].order = order
    Network(a, b, S).run(0.1*ms, namespace={})
    standalone.build(directory=str(tmp_path), compile=False, run=False)
    found = [call for path in (tmp_path/'code_objects').glob('S_summed_*.cpp')
             for call in re.findall(r'one_pass<\d+, \d+>(?=\(3, 4, )', path.read_text())]
    assert sorted(found) == passes


class Watch(BrianObject):
    """Python code of a user, in every step."""

    def __init__(self, synapses):
        super().__init__(when='end')
        self.synapses, self.seen = synapses, []

    def run(self):
        self.seen.append(float(self.synapses.w[0, 0][0]))


def test_objects_of_the_user_see_the_weights_of_the_step():
    prefs.codegen.target = 'cython'
    a, b = NeuronGroup(2, 'r : 1', name='a'), NeuronGroup(3, 'v : 1', name='b')
    S = DenseSynapses(a, b, 'v_post = w*r_pre : 1 (summed)\ndw/dt = 1/ms : 1 (clock-driven)',
                      method='euler', name='S')
    S.connect()
    watch = Watch(S)
    Network(a, b, S, watch).run(0.3*ms)
    np.testing.assert_allclose(watch.seen, [0.1, 0.2, 0.3])


class Switched:
    """Weights that learn in every second millisecond only."""

    N_PRE, N_POST, STEPS = 3, 4, 45

    def __init__(self, change='on*eta*v_post*r_pre', replicas=1, bound=None, watched=False):
        self.change, self.replicas, self.bound, self.watched = change, replicas, bound, watched
        self.w = np.linspace(-0.3, 0.3, self.N_PRE*self.N_POST).reshape(self.N_POST, self.N_PRE)

    def __call__(self, name):
        B = self.replicas
        a = NeuronGroup(self.N_PRE*B, 'r = sin(i + t/(3*ms)) : 1', name=f'{name}_a')
        b = NeuronGroup(self.N_POST*B, '''I : 1
                                          dv/dt = (I - v)/(2*ms) : 1''', method='euler',
                        name=f'{name}_b')
        switch = NeuronGroup(1, 'on : 1 (shared)', name=f'{name}_switch')
        switch.run_regularly('on = int(int(t/ms + 0.01) % 2 == 1)')
        bounds = '' if self.bound is None else (f'w_max = {self.bound} : 1 (shared)\n'
                                                f'w_min = -{self.bound} : 1 (shared)')
        S = DenseSynapses(a, b, f'''I_post = w*r_pre : 1 (summed)
                                    dw/dt = {self.change} : 1 (clock-driven)
                                    eta : Hz (shared, constant)
                                    on : 1 (linked)
                                    {bounds}''', method='prospective_euler', order=1,
                          replicas=B, name=f'{name}_S', namespace={'ms': ms})
        S.connect()
        S.on, S.eta = linked_var(switch, 'on'), 100*Hz
        S.matrix('w')[:] = self.w
        watch = [StateMonitor(S, 'w', record=[0], name=f'{name}_M')] if self.watched else []
        return [a, b, switch, S, *watch], self.STEPS*0.1*ms, lambda: {'w': S.matrix('w')[:]}

    def expected(self):
        w, v = self.w.copy(), np.zeros((self.replicas, self.N_POST))
        i = np.arange(self.N_PRE*self.replicas).reshape(self.replicas, -1)
        for step in range(self.STEPS):
            r = np.sin(i + 0.1*step/3)
            v += 0.1/2*(r @ w.T - v)
            if step//10 % 2:
                decay = 0.2*w if 'w' in self.change else 0
                w += 0.1*(0.1*np.mean(v[:, :, None]*r[:, None, :], axis=0) - decay)
            w = w if self.bound is None else w.clip(-self.bound, self.bound)
        return w


SWITCHED = {'late': Switched(), 'watched': Switched(watched=True), 'mean': Switched(replicas=3),
            'decay': Switched('on*(eta*v_post*r_pre - 0.2*w/ms)'),
            'bounds': Switched(bound=0.2)}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def switched(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp('switched')
    return run_cases(request.param, SWITCHED, directory), directory


@pytest.mark.parametrize('case', SWITCHED)
def test_weights_stay_while_learning_is_switched_off(switched, case):
    found, directory = switched
    np.testing.assert_allclose(found[case]['w'], SWITCHED[case].expected(), rtol=1e-12, atol=1e-14)
    if (directory/'code_objects').exists():
        (learning,) = (directory/'code_objects').glob(f'{case}_S_stateupdater*.cpp')
        skips = '_on[0] != 0)  // otherwise nothing changes' in learning.read_text()
        assert skips == (case != 'bounds')
