"""Sums and means of variables that are not real numbers."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, ms, prefs

from brian_le import DenseSynapses

WHOLE_NUMBERS = {
    'mask': ('open*s_pre', 4.0), 'products': ('m*n_pre', 4e9),
    'quotient': ('n_pre/k_post*m', 4e9/3), 'no product': ('open*s_pre + m', 8.0)}


@pytest.mark.parametrize('target', ['numpy', 'cython'])
@pytest.mark.parametrize('replicas', [1, 2])
def test_sums_of_whole_numbers_and_booleans(target, replicas):
    """They add up like numbers, and neither overflow nor lose digits."""
    prefs.codegen.target = target
    a = NeuronGroup(4*replicas, 's : boolean\nn : integer', name='a')
    b = NeuronGroup(2*replicas, 'k : integer\n' + '\n'.join(
        f'x{k} : 1' for k in range(len(WHOLE_NUMBERS))), name='b')
    sums = '\n'.join(f'x{k}_post = {expression} : 1 (summed)'
                     for k, (expression, _) in enumerate(WHOLE_NUMBERS.values()))
    S = DenseSynapses(a, b, f'{sums}\nopen : boolean\nm : integer', name='S', replicas=replicas,
                      namespace={})
    S.connect()
    a.s, a.n, b.k, S.open, S.m = True, 1_000_000_000, 3, True, 1
    Network(a, b, S).run(0.1*ms, namespace={})
    for k, (_, expected) in enumerate(WHOLE_NUMBERS.values()):
        np.testing.assert_allclose(np.array(getattr(b, f'x{k}')), expected, rtol=1e-15)


@pytest.mark.parametrize('target', ['numpy', 'cython'])
def test_mean_of_booleans(target):
    prefs.codegen.target = target
    G = NeuronGroup(4*2, 's : boolean', name='G')
    S = DenseSynapses(G, G, 'dw/dt = int(s_pre)*s_post/ms : 1 (clock-driven)', method='euler',
                      replicas=4, name='S')
    S.connect()
    G.s = True
    Network(G, S).run(0.1*ms)
    np.testing.assert_allclose(np.array(S.w), 0.1)
