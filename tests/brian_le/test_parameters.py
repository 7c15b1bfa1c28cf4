import pytest
from brian2 import Equations, amp, farad, hertz, metre, ms, second, siemens, volt

from brian_le.parameters import unit_text


@pytest.mark.parametrize('unit', [second, hertz, volt, siemens, 1/volt, volt**2, second**-2,
                                  siemens/metre**2, farad/metre**2, amp/volt**2, volt/second,
                                  1/ms])
def test_units_as_equations_read_them(unit):
    assert Equations(f'x : {unit_text(unit)}')['x'].dim is unit.dim


@pytest.mark.parametrize('unit, text', [(None, '1'), (ms, 'second'), (volt, 'volt'),
                                        (1/second, 'hertz'), (amp/metre, 'metre**-1*amp')])
def test_text_of_units(unit, text):
    assert unit_text(unit) == text
