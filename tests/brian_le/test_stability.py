"""Stability of groups of one's own: what is read off their expressions and their code."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, defaultclock, ms, prefs, start_scope
from brian2.utils.logger import catch_logs

from brian_le.stability import settled_from_rest, stability_of
from brian_le.stability.duals import Dual, evaluate


@pytest.fixture(autouse=True)
def on_numpy():
    before = prefs.codegen.target
    prefs.codegen.target = 'numpy'
    start_scope()
    defaultclock.dt = 0.1*ms
    yield
    prefs.codegen.target = before


@pytest.mark.parametrize('text', ['r % 3', 'r % k', '7.7 % r', 'k % r', 'r % (2*r + 5)',
                                  'r*(r // 2)', 'k // r*r', '(r*k) % 1.5 - r // k'])
def test_what_jumps_has_the_derivative_between(text):
    r, k, h = np.array([2.3, -1.4, 5.2]), np.array([1.7, 2.1, -3.3]), 1e-6
    found = evaluate(text, {'r': Dual(r, {'r': np.ones(3)}), 'k': k}.get)
    above, below = (eval(text, {'r': r + step, 'k': k}) for step in (h, -h))
    np.testing.assert_allclose(found.value, eval(text, {'r': r, 'k': k}))
    np.testing.assert_allclose(found.slopes['r'], (above - below)/(2*h), atol=1e-6)


def growing(rate, **options):
    group = NeuronGroup(2, f'du/dt = 999*u/(0.1*ms) : 1\nr : 1\nr_now = {rate} : 1', name='cells',
                        method='prospective_euler', **options)
    group.u = 1
    return group


@pytest.mark.parametrize('rate', ['u*int(u > 0 and u < 9)', 'u*int(u > 0 or u < -9)',
                                  'u*int(not u > 0)'])
def test_logic_of_what_moves_is_named(rate):
    with pytest.raises(NotImplementedError, match='of which no derivative is known: .*truth'):
        stability_of([growing(rate)])


@pytest.mark.parametrize('rate', ['u % 2', 'u // 2', 'u*int(u > 0 and u < 9)'])
def test_a_run_that_diverges_ends_in_its_warning(rate):
    group = growing(rate)
    with catch_logs() as logs:
        Network(group).run(5*ms, namespace={})
    assert sum('diverged' in name for _, name, _ in logs) == 1


def test_nothing_is_raised_beside_a_warning():
    assert settled_from_rest([growing('u')], {'cells.u': 'nonsense'}) is None


def pair(code='', when='start', w=0.9, **options):
    """Two neurons with rotating weights; what happens to them beside their steps."""
    group = NeuronGroup(2, '''du/dt = (v_in - u)/tau_m : 1
                              u_prosp : 1
                              tau_m = 10*ms : second
                              tau_r = 10*ms : second
                              r : 1
                              r_sent : 1
                              shown : 1
                              r_now = u_prosp : 1
                              r_sent_now = r : 1
                              v_in : 1''', method='prospective_euler', name='cells')
    synapses = Synapses(group, group, 'v_in_post = w*r_sent_pre : 1 (summed)\nw : 1', name='loop')
    synapses.connect(i=[0, 1], j=[1, 0])
    synapses.w = [w, -w]
    if code:
        group.run_regularly(code, when=when, name='beside', **options)
    return group, synapses


@pytest.mark.parametrize('code', [
    'r_sent *= 2', 'r_sent = r_sent*2', 'r_sent += r_sent  # twice', 'r_sent -= -r_sent',
    'r_sent /= 0.5', 'shown = 2*r_sent\nr_sent = shown', 'shown += 1\nr_sent *= 2'])
def test_code_that_changes_what_moves_counts(code):
    """Against the growth in a simulation, which is that of sqrt(2*0.9)."""
    group, synapses = pair(code)
    found = stability_of([group, synapses])
    assert found.spectral_radius == pytest.approx(np.sqrt(2*0.9)) and not found.stable
    group.r_sent = [1, 0.5]
    network = Network(group, synapses)
    network.run(2*ms)
    before = np.abs(group.r_sent).max()
    network.run(2*ms)  # 20 steps
    assert (np.abs(group.r_sent).max()/before)**(1/20) == pytest.approx(np.sqrt(1.8), rel=1e-6)


def test_code_that_changes_nothing_that_moves_is_left_out():
    found = stability_of(pair('shown += rand()', dt=1*ms))
    assert found.spectral_radius == pytest.approx(np.sqrt(0.9))


@pytest.mark.parametrize('code, when, message', [
    ('r_sent *= rand()', 'start', r'rand\(\)'),
    ('r_sent *= 2', 'sometime', "the slot 'sometime', in which 'beside' acts"),
    ('r_sent[0] = 1', 'start', r"'r_sent\[0\] = 1' of 'beside'")])
def test_code_that_cannot_be_read_is_named(code, when, message):
    with pytest.raises(NotImplementedError, match=message):
        stability_of(pair(code, when))
