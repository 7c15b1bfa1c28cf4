"""What is refused, with one message that names the object, the value and the remedy."""

import re

import numpy as np
import pytest
from brian2 import DimensionMismatchError, Equations, Network, NeuronGroup, mV, ms, second
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import point_neuron
from brian_le.models import Dense, LayeredNetwork, Microcircuit
from brian_le.substrate import (ActivationMismatch, Dead, Delay, Drift, LowPass, Mismatch, Noise,
                                Stuck, Substrate, UpdateNoise, WeightRange, WeightResolution)


def cells(*wrong, equations=point_neuron(), name='cells', **options):
    substrate = Substrate(wrong)
    group = substrate.neurons(3, equations, name=name, method='prospective_euler', **options)
    substrate.settle()
    return substrate, group


def layered(*wrong):
    return LayeredNetwork(3, [Dense(4), Dense(2)], eta=1/ms, substrate=Substrate(wrong))


def micro(*wrong):
    return Microcircuit((3, 4, 2), eta_up=1/ms, eta_ip=1/ms, substrate=Substrate(wrong))


BAD = {
    # names
    'Noise on nothing': (lambda: Noise('', 0.1), ValueError, "variable of 'Noise' is ''"),
    'Noise on None': (lambda: Noise(None, 0.1), ValueError, "variable of 'Noise' is None"),
    'Noise on an expression': (lambda: Noise('r + 1', 0.1), ValueError, "is 'r \\+ 1'; give"),
    'Noise on several': (lambda: Noise(['r', 'u'], 0.1), ValueError, "variable of 'Noise'"),
    'Drift of a number': (lambda: Drift(3, 1/second), ValueError, "parameter of 'Drift' is 3"),
    'Mismatch of none': (lambda: Mismatch((), 0.1), ValueError, "of 'Mismatch' are none; give"),
    'Mismatch of a number': (lambda: Mismatch(5, 0.1), ValueError, "of 'Mismatch' are 5; give"),
    'Mismatch of numbers': (lambda: Mismatch((1, 2), 0.1), ValueError, "'Mismatch' is 1; give"),
    'Mismatch twice': (lambda: Mismatch(('w', 'w'), 0.1), ValueError, 'give each of them once'),
    'Dead without variables': (lambda: Dead(0.1, variables=()), ValueError, "'Dead' are none"),
    'Dead variables': (lambda: Dead(0.1, variables=3), ValueError, "variables of 'Dead' are 3"),
    'Stuck variable': (lambda: Stuck(0.1, 1, variable=('r',)), ValueError, "variable of 'Stuck'"),
    'Range of a number': (lambda: WeightRange(1, variable=1), ValueError, "variable of 'WeightR"),
    'UpdateNoise of None': (lambda: UpdateNoise(1, variable=None), ValueError, "'UpdateNoise' is"),
    'potential': (lambda: ActivationMismatch(0.1, potential=2), ValueError, 'potential of .* is 2'),
    # strengths
    'Noise of None': (lambda: Noise('r', None), ValueError, "strength .* 'r' is None"),
    'Noise of true infinity': (lambda: Noise('r', np.inf), ValueError, "'r' is inf"),
    'Noise with two times': (lambda: Noise('r', 0.1, tau=[1, 2]*ms), ValueError, 'give one value'),
    'Noise with a text': (lambda: Noise('r', 0.1, tau='1 ms'), ValueError, "tau .* '1 ms'; give"),
    'slope of a text': (lambda: ActivationMismatch('0.1'), ValueError, "slope .* is '0.1'; give"),
    'slope with units': (lambda: ActivationMismatch(1*mV), DimensionMismatchError, 'not a number'),
    'two slopes': (lambda: ActivationMismatch([0.1, 0.2]), ValueError, 'give one value'),
    'known': (lambda: ActivationMismatch(0.1, known='no'), ValueError, "known .* 'no'; give True"),
    'two rates': (lambda: Drift('w', [1, 2]/second), ValueError, 'rate of the drift .* one value'),
    'two wanders': (lambda: Drift('w', wander=[1, 2]), ValueError, 'wander .* give one value'),
    'infinite drift': (lambda: Drift('w', np.inf/second), ValueError, "drift of 'w' contains inf"),
    'interval of a text': (lambda: Drift('w', every='1 ms'), ValueError, 'interval .* one value'),
    'fraction': (lambda: Dead(1.5), ValueError, "fraction of 'Dead' is 1.5; give a number from 0"),
    'fraction of a text': (lambda: Dead('half'), ValueError, "fraction of 'Dead'"),
    'fractions': (lambda: Dead([0.1, 0.2]), ValueError, "fraction of 'Dead' has shape"),
    'negative fraction': (lambda: Stuck(-0.1, 1), ValueError, "fraction of 'Stuck' is -0.1"),
    'stuck at a text': (lambda: Stuck(0.1, 'top'), ValueError, "at of 'Stuck' is 'top'"),
    'stuck at infinity': (lambda: Stuck(0.1, np.inf), ValueError, "at of 'Stuck' is inf"),
    'stuck at three': (lambda: Stuck(0.1, (1, 2, 3)), ValueError, "at of 'Stuck' is"),
    'stuck between': (lambda: Stuck(0.1, (2, 1)), ValueError, 'give the lowest value first'),
    'shared': (lambda: Noise('r', 0.1, shared='yes'), ValueError, "shared of .* is 'yes'"),
    'shared drift': (lambda: Drift('w', 1/second, shared=1), ValueError, 'shared of .* is 1'),
    'shared mismatch': (lambda: Mismatch('w', 0.1, shared=2), ValueError, 'shared of .* is 2'),
    'clip of units': (lambda: Mismatch('w', 0.1, clip=(1*mV, 2*ms)), ValueError, 'clip is'),
    'clip of NaN': (lambda: Mismatch('w', 0.1, clip=(np.nan, 1)), ValueError, 'clip is'),
    'spread of a text': (lambda: Delay(1*ms, per='connection', spread='a'), ValueError, 'spread'),
    'spread with units': (lambda: Delay(1*ms, per='connection', spread=1*ms),
                          DimensionMismatchError, "spread of 'Delay' is not a number"),
    'endless delay': (lambda: Delay(np.inf*ms), ValueError, "'Delay' is inf"),
    'endless filter': (lambda: LowPass(np.inf*ms), ValueError, "tau of 'LowPass' is inf"),
    # patterns
    'pattern of None': (lambda: Noise('r', 0.1, on=None), ValueError, 'on is None; give a pattern'),
    'no pattern': (lambda: Delay(1*ms, on=''), ValueError, "on is ''; give a pattern"),
    'patterns': (lambda: Dead(0.1, on=['a', 'b']), ValueError, "on is .'a', 'b'.; give a pattern"),
    # substrates
    'a number': (lambda: Substrate(5), TypeError, 'imperfections are 5; give a list'),
    'None': (lambda: Substrate(None), TypeError, 'imperfections are None; give a list'),
    'a dict': (lambda: Substrate({'noise': 0.1}), TypeError, "'noise' is not an imperfection"),
    'None in a list': (lambda: Substrate([None]), TypeError, 'None is not an imperfection'),
    'seed of a fraction': (lambda: Substrate([], seed=1.5), ValueError, "'Substrate' is 1.5; give"),
    'negative seed': (lambda: Substrate([], seed=-1), ValueError, "seed of 'Substrate' is -1"),
    'no seed': (lambda: Substrate([], seed=None), ValueError, "seed of 'Substrate' is None"),
    'true seed': (lambda: Substrate([], seed=True), ValueError, "seed of 'Substrate' is True"),
    'seed of a text': (lambda: Substrate([], seed='1'), ValueError, "seed of 'Substrate' is '1'"),
    'name': (lambda: cells(name=3), TypeError, 'name of an object is 3; give a text'),
    'equations': (lambda: cells(equations=3), TypeError, "equations of 'cells' are 3; give text"),
    'values of one': (lambda: cells(Noise('r', 1))[0].values(Noise('r', 1)), TypeError,
                      'give a list of them'),
    'values of a text': (lambda: cells(Noise('r', 1))[0].values(['r']), TypeError,
                         "'r' is not an imperfection"),
    'values with a seed': (lambda: cells(Noise('r', 1))[0].values(seed=0.5), ValueError,
                           "seed of 'Substrate' is 0.5"),
    'values of fewer': (lambda: cells(Noise('r', 1))[0].values([]), ValueError,
                        'the same with other strengths'),
    # models
    'units of a model': (lambda: layered(Noise('r', 1*mV)), DimensionMismatchError,
                         "strength of the noise on 'r' of .* has other units"),
    'a model without it': (lambda: layered(Noise('v_api', 1)), ValueError, 'concerns none of the'),
    'a pattern of a model': (lambda: micro(Dead(0.1, on='*hiden*')), ValueError, "'\\*hiden\\*'"),
    'time of a model': (lambda: micro(LowPass(0.01*ms)), ValueError, 'at least the time step'),
    'delay of a model': (lambda: layered(Delay(0.25*ms)), ValueError, 'give 0.2 or 0.3 ms'),
    'weights of a model': (lambda: layered(WeightResolution(4, 1*mV)), DimensionMismatchError,
                           "other units than 'w'"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message) as found:
        make()
    assert '\n' not in str(found.value).strip() and len(str(found.value)) > 20


NO_NUMBERS = {
    "strength of 'Mismatch'": lambda x: Mismatch('tau_m', x),
    "strength of the noise on 'r'": lambda x: Noise('r', x),
    "tau of the noise on 'r'": lambda x: Noise('r', 0.1, tau=x),
    "rate of the drift of 'w'": lambda x: Drift('w', x),
    "wander of the drift of 'w'": lambda x: Drift('w', wander=x),
    "fraction of 'Dead'": Dead, "fraction of 'Stuck'": Stuck, "'Delay'": Delay,
    "spread of 'Delay'": lambda x: Delay(1*ms, per='connection', spread=x),
    "tau of 'LowPass'": LowPass, "slope of 'ActivationMismatch'": ActivationMismatch,
    "w_max of 'WeightResolution'": lambda x: WeightResolution(4, x),
    "interval of 'WeightResolution'":
        lambda x: WeightResolution(4, 1, 'stochastic', interval='x' if x is None else x),
    "longest of 'Delay'": lambda x: Delay(1*ms, longest='x' if x is None else x),
    'clip is': lambda x: Mismatch('w', 0.1, clip=(x, x)),
    'clip is (': lambda x: Mismatch('w', 0.1, clip=('a', 'b')),
}


@pytest.mark.parametrize('value', [None, '0.1', True, object(), [[1], [1, 2]]],
                         ids=['None', 'a text', 'True', 'an object', 'a ragged list'])
@pytest.mark.parametrize('what', NO_NUMBERS)
def test_what_is_no_number_is_refused_by_name(what, value):
    with pytest.raises(ValueError, match=re.escape(what)) as caught:
        NO_NUMBERS[what](value)
    assert '\n' not in str(caught.value)


KINDS = {
    'Mismatch': lambda x: Mismatch('tau_m', x), 'Noise': lambda x: Noise('r', x),
    'Drift': lambda x: Drift('tau_m', x/second), 'wander': lambda x: Drift('tau_m', wander=x),
    'Dead': lambda x: Dead(x), 'Stuck': lambda x: Stuck(0.5, at=x),
    'slope': lambda x: ActivationMismatch(x), 'offset': lambda x: ActivationMismatch(0, x),
}
LARGEST = {'Dead': 1}
SIGNED = {'Drift', 'Stuck'}


@settings(max_examples=60)
@given(kind=st.sampled_from(list(KINDS)), strength=st.one_of(
    st.floats(-1e3, 1e3), st.floats(0, 1), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0])))
def test_every_strength_is_taken_or_refused(kind, strength):
    """With finite values, or with an error when it is made."""
    right = np.isfinite(strength) and (kind in SIGNED or strength >= 0) and (
        strength <= LARGEST.get(kind, np.inf))
    try:
        wrong = KINDS[kind](strength)
    except ValueError as error:
        assert not right, error
        return
    assert right
    substrate = Substrate([wrong], seed=1)
    group = substrate.neurons(3, point_neuron(tau_m='constant'), name='cells',
                              method='prospective_euler')
    group.tau_m = 10*ms
    substrate.settle()
    assert wrong.is_absent == (strength == 0 and kind != 'Stuck')
    assert all(np.isfinite(value).all() for value in substrate.values().values())


def test_equations_as_text_and_as_equations():
    for equations in ('x : 1', Equations('x : 1')):
        substrate = Substrate([])
        assert isinstance(substrate.neurons(2, equations, name='cells*'), NeuronGroup)
        Network(*(site.object for site in substrate.sites)).run(0*ms)


@pytest.mark.parametrize('name', ['seed', 'imperfections', 'sites', 'seeds'])
def test_what_is_set_of_a_substrate_later_is_refused(name):
    substrate = Substrate([Noise('r', 0.1)], seed=1)
    with pytest.raises(AttributeError, match=f"does not take '{name}' once it is made"):
        setattr(substrate, name, 3)
    assert substrate.seed == 1
