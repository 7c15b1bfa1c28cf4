"""Stability of groups of one's own: what is read off their expressions and their code."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, defaultclock, ms, prefs, start_scope
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
