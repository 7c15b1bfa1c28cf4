import math
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms, mV, second
from hypothesis import given
from hypothesis import strategies as st

from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.parameters import Folder, Parameter, read_parameters

TIME = Parameter('t', 10.0, 'a time', 'ms', minimum=0.1, maximum=1e6)
RATE = Parameter('g', 0.1, 'a conductance', '1/ms', minimum=0)
COUNT = Parameter('n', 5, 'a number', minimum=1)
AUTO = Parameter('lag', None, 'follows from others', 'ms', minimum=0)
CHOICE = Parameter('c', 'both', 'a choice', choices=('both', 'true', 'false'))
FOLDER = Folder('data', 'the files of it')


@pytest.mark.parametrize('parameter, given_, value', [
    (TIME, '1ms', 1.0), (TIME, '1 ms', 1.0), (TIME, '0.5*ms', 0.5), (TIME, '0.02 s', 20.0),
    (TIME, '500us', 0.5), (TIME, '3', 3.0), (TIME, 3, 3.0), (TIME, 1*second, 1000.0),
    (TIME, 0.3*ms, 0.3), (TIME, '1e1 ms', 10.0), (RATE, '0.2/ms', 0.2), (RATE, '30 Hz', 0.03),
    (TIME, '0.7ms', 0.7), (TIME, '0.0007s', 0.7), (TIME, '700us', 0.7),
    (TIME, 700e-6*second, 0.7),
    (CHOICE, np.bool_(False), 'false'), (RATE, 30/second, 0.03), (COUNT, '7', 7),
    (COUNT, 7.0, 7), (AUTO, 'auto', None),
    (AUTO, None, None), (AUTO, '2 ms', 2.0), (CHOICE, 'true', 'true'), (CHOICE, True, 'true'),
])
def test_values(parameter, given_, value):
    found = parameter.read(given_)
    assert found == value and type(found) is type(value)


@given(st.floats(0.1, 1e6))
def test_numbers_survive_being_shown(value):
    assert TIME.read(f'{value!r} ms') == value
    assert math.isclose(TIME.read(TIME.show(value)), value, rel_tol=1e-5)


@pytest.mark.parametrize('parameter, given_, message', [
    (TIME, '3 V', "'t' is '3 V'; give a value such as '10 ms'"),
    (TIME, 'fast', "'t' is 'fast'"), (TIME, '', "'t' is ''"), (TIME, '1.2.3', '1.2.3'),
    (TIME, 3*mV, "'t' is '3. mV'"), (TIME, 1/ms, "'t' is"), (RATE, 1*ms, "'g' is"),
    (TIME, 0.01, 'at least 0.1 ms'), (TIME, '1e9', 'at most 1e[+]06 ms'),
    (RATE, -1, 'at least 0 1/ms'), (COUNT, 0, 'at least 1'), (COUNT, 1.5, 'whole number'),
    (COUNT, '3 ms', "'n' is '3 ms'"), (TIME, float('nan'), 'finite'), (TIME, 'inf', "'inf'"),
    (TIME, [1], "'t' is"), (CHOICE, 'ture', "did you mean 'true'"),
])
def test_bad_values(parameter, given_, message):
    with pytest.raises(ValueError, match=message):
        parameter.read(given_)


def test_all_parameters_of_a_protocol():
    p = read_parameters('task', [TIME, COUNT, AUTO], {'n': '3'})
    assert vars(p) == {'t': 10.0, 'n': 3, 'lag': None}


def test_unknown_parameter():
    with pytest.raises(ValueError, match="parameter of 'task': 'tt'; did you mean 't'"):
        read_parameters('task', [TIME], {'tt': 1})


@pytest.mark.parametrize('value', ['downloads/mnist', Path('downloads/mnist')])
def test_folders(value):
    assert FOLDER.read(value) == FOLDER.show(FOLDER.read(value)) == 'downloads/mnist'
    assert read_parameters('task', [FOLDER], {'data': value}).data == 'downloads/mnist'


@pytest.mark.parametrize('given', [{}, {'data': None}, {'data': ''}])
def test_a_folder_has_to_be_given(given):
    with pytest.raises(ValueError, match="'data' is missing; give --data FOLDER, with the files "
                                         'of it'):
        read_parameters('task', [FOLDER], given)
    assert FOLDER.show(None) == 'none'


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_defaults_are_values_that_can_be_given(protocol):
    for parameter in get_protocol(protocol).parameters:
        if isinstance(parameter, Folder):
            continue
        assert parameter.read(parameter.show(parameter.default)) == parameter.default
        # what is said of auto is true
        assert ('auto' in parameter.summary) <= (parameter.default is None), parameter.name
