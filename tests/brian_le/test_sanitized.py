"""The loops of all kinds of networks, under sanitizers for addresses and undefined behaviour."""

from functools import partial

import pytest
from brian2 import NeuronGroup, check_units, implementation, ms

from brian_le import DenseSynapses
from tests.brian_le.networks import assert_equal, draw, in_single, with_stock
from tests.brian_le.sanitized import sanitized
from tests.brian_le.synapses import test_dense as test_synapses, test_planes, test_shared
from tests.running import run_cases

DRAWN = (35, 90, 122, 145, 217, 311, 485, 835)  # of all sizes, with learning in and out of place
CASES = {
    **{f'drawn_{n}': draw(n) for n in DRAWN},
    **{f'single_{n}': in_single(draw(n)) for n in (145, 835)},
    **{name: test_synapses.IN_CPP[name] for name in test_synapses.IN_CPP
       if name.startswith(('replicas', 'many', 'fallback')) or name == 'single_replicas'},
    **{name: test_planes.CASES[name] for name in test_planes.CASES},
    **{name.replace(' ', '_'): partial(test_shared.compose, **case)
       for name, case in test_shared.CASES.items()},
}


@pytest.mark.slow
def test_all_loops(tmp_path):
    with sanitized(tmp_path/'report'):
        found = run_cases('cpp_standalone', CASES, tmp_path/'project')
    for number in DRAWN:
        assert_equal(found[f'drawn_{number}'], with_stock(draw(number)), about=number)


@implementation('cpp', '''
double beyond(double x)
{
    static const double table[3] = {1, 2, 3};
    return table[(int) x];
}
''')
@check_units(x=1, result=1)
def beyond(x):
    return x


def compose_wrong(name):
    a = NeuronGroup(4, 'r : 1\nI : 1', name=f'{name}_a')
    S = DenseSynapses(a, a, 'I_post = beyond(2*r_pre) : 1 (summed)', name=f'{name}_S',
                      namespace={'beyond': beyond})
    S.connect()
    a.r = 2
    return [a, S], 0.1*ms, lambda: a.I[:]


@pytest.mark.slow
def test_what_is_wrong_is_found(tmp_path):
    with pytest.raises(pytest.fail.Exception, match='AddressSanitizer|out of bounds'):
        with sanitized(tmp_path/'report'):
            run_cases('cpp_standalone', {'wrong': compose_wrong}, tmp_path/'project')
