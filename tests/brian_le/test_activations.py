import numpy as np
import pytest
from brian2 import NeuronGroup, ms
from hypothesis import given
from hypothesis import strategies as st

from brian_le import ACTIVATIONS, get_activation
from tests.reference import soft_relu
from tests.running import CODE_TARGETS, run_cases

X = np.concatenate([np.linspace(-30, 30, 241), [-1e300, -1e6, -750, -40, 40, 750, 1e6, 1e300]])

CLOSED_FORMS = {
    'softplus': (lambda x: np.logaddexp(0, x), lambda x: 1/(1 + np.exp(-x))),
    'soft_relu': (soft_relu, lambda x: np.where(x < -15, 0, np.where(x >= 15, 1,
                                                                     1/(1 + np.exp(-x))))),
    'tanh': (np.tanh, lambda x: 1 - np.tanh(x)**2),
    'logistic': (lambda x: 1/(1 + np.exp(-x)),
                 lambda x: np.exp(-np.abs(x))/(1 + np.exp(-np.abs(x)))**2),
    'hard_sigmoid': (lambda x: np.clip(x, 0, 1), lambda x: ((x >= 0) & (x <= 1))*1.0),
    'relu': (lambda x: np.maximum(x, 0), lambda x: (x > 0)*1.0),
    'linear': (lambda x: x, np.ones_like),
}


def compose_all(name):
    """One neuron per argument, with all activations and derivatives as variables."""
    lines = ['x : 1']
    for key, activation in ACTIVATIONS.items():
        lines += [f'f_{key} : 1', f'd_{key} : 1']
    group = NeuronGroup(len(X), '\n'.join(lines), name=f'{name}_G', namespace={})
    group.x = X
    group.run_regularly('\n'.join(f'f_{key} = {a.phi("x")}\nd_{key} = {a.derivative("x")}'
                                  for key, a in ACTIVATIONS.items()), name=f'{name}_evaluate')
    return [group], 0.1*ms, lambda: {
        key: (getattr(group, f'f_{key}')[:], getattr(group, f'd_{key}')[:])
        for key in ACTIVATIONS}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def evaluated(request, tmp_path_factory):
    return run_cases(request.param, {'all': compose_all}, tmp_path_factory.mktemp('a'))['all']


@pytest.mark.parametrize('name', ACTIVATIONS)
def test_closed_form_at_any_input(evaluated, name):
    with np.errstate(over='ignore'):
        for values, form in zip(evaluated[name], CLOSED_FORMS[name]):
            expected = form(X)
            assert np.isfinite(values).all()
            np.testing.assert_allclose(values, expected, rtol=4e-16, atol=4e-16)


@given(x=st.floats(-12, 12), name=st.sampled_from(sorted(ACTIVATIONS)))
def test_derivative_is_the_slope(x, name):
    kinks = {'hard_sigmoid': (0, 1), 'relu': (0,)}.get(name, ())
    h = 1e-6
    if any(abs(x - kink) <= 2*h for kink in kinks):
        return
    names = {'abs': np.abs, 'exp': np.exp, 'log': np.log, 'tanh': np.tanh, 'clip': np.clip,
             'inf': np.inf, 'int': int}

    def value(text, at):
        return eval(text, {**names, 'x': at})

    a = get_activation(name)
    slope = (value(a.phi('x'), x + h) - value(a.phi('x'), x - h))/(2*h)
    assert value(a.derivative('x'), x) == pytest.approx(slope, abs=1e-8)


def test_argument_is_an_expression():
    assert get_activation('tanh').phi('a - b') == 'tanh((a - b))'


def test_own_activation_is_taken_as_it_is():
    from brian_le import Activation, pyramidal
    cube = Activation('cube', 'x**3', '3*x**2', 'x cubed')
    assert get_activation(cube) is cube
    assert 'r_now = u_prosp**3' in str(pyramidal(cube))


def test_unknown_name_gives_the_nearest():
    with pytest.raises(ValueError, match="unknown activation: 'softpuls'; did you mean "
                                         "'softplus'"):
        get_activation('softpuls')
