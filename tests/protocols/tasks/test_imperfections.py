from types import SimpleNamespace

import numpy as np
import pytest

from brian_le.programs import start_values
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.parameters import read_parameters
from brian_le.protocols.tasks.bars.task import Bars
from brian_le.protocols.tasks.imperfections import imperfections, parameters


def read(**values):
    return SimpleNamespace(**vars(read_parameters('p', parameters(), values)), dt=0.1)


def test_without_strength_there_are_none():
    p = read(rounding='nearest', w_range=1, dead_from=0.5)
    assert imperfections(p) == []
    assert imperfections(SimpleNamespace(dt=0.1)) == []  # a protocol without any


def test_each_has_its_kind_and_pattern():
    p = read(mismatch=0.2, noise=0.1, delay=1, bits=4, dead=0.5)
    found = imperfections(p, rate='rate', mismatched=('tau_m',), hidden='h*', between=('a*', 'b*'),
                          weights='w*')
    assert [type(each).__name__ for each in found] == [
        'Mismatch', 'Noise', 'Delay', 'Delay', 'WeightResolution', 'Dead']
    assert [each.on for each in found] == ['*', '*', 'a*', 'b*', 'w*', 'h*']
    assert found[0].parameters == ('tau_m',) and found[0].strength == 0.2
    assert found[1].variable == 'rate' and found[1].strength == 0.1
    assert found[4].bits == 4 and found[5].fraction == 0.5


def room(delay):
    """Steps of 0.1 ms: 16, 32, 64, ..."""
    return next((2**k for k in range(4, 20) if delay <= 2**k*0.1 + 1e-9), None) if delay else 0


def test_delays_have_room():
    for delay in (0.1, 1.6, 1.7, 3.2, 400):
        (found,) = imperfections(read(delay=delay), between=('*',))
        assert float(found.longest)*1e3 == pytest.approx(0.1*room(delay))


@pytest.mark.parametrize('values, message', [
    (dict(mismatch=-0.1), "'mismatch' is -0.1; it has to be at least 0"),
    (dict(noise='1 ms'), "'noise' is '1 ms'; give a value such as"),
    (dict(delay='1 mV'), "'delay' is '1 mV'; give a value such as '0 ms'"),
    (dict(bits=2.5), "'bits' is 2.5; give a whole number"),
    (dict(bits=33), "'bits' is 33; it has to be at most 32"),
    (dict(rounding='nearst'), "did you mean 'nearest'"),
    (dict(w_range=0), "'w_range' is 0; it has to be at least"),
    (dict(dead=1.1), "'dead' is 1.1; it has to be at most 1"),
    (dict(dead_from=-1), "'dead_from' is -1; it has to be at least 0"),
    (dict(mismach=0.1), "did you mean 'mismatch'"),
])
def test_bad_values(values, message):
    with pytest.raises(ValueError, match=message):
        read(**values)


def test_a_circuit_without_look_ahead_has_a_mismatch_of_its_membranes():
    """Every neuron of both circuits has a time constant of its own, at the launch as well."""
    bars = Bars(Bars.read(dict(mismatch=0.1, hidden=5, epochs=1)), 1)
    launched = start_values(bars.compose())
    for name, others in (('le', {'mismatch_tau_r'}), ('original', set())):
        found = {key.partition('.')[2]: value for key, value in launched.items()
                 if key.startswith(f'{name}_hidden') and '.mismatch' in key}
        assert set(found) == {'mismatch_tau_m'} | others
        assert len(set(found['mismatch_tau_m'])) == 5
        assert 0.03 < np.std(bars.microcircuits[name].hidden[0].mismatch_tau_m[:]) < 0.3


@pytest.mark.parametrize('protocol', ['bars', 'digits', 'yin-yang', 'mnist', 'mnist-conv', 'higgs',
                                      'cifar10'])
def test_protocols_have_them_all(protocol):
    declared = {p.name: p for p in get_protocol(protocol).parameters}
    assert all(declared[p.name] == p for p in parameters())
