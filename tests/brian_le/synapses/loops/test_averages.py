"""What is averaged where several neurons share one synapse, by numbers."""

import ast

import numpy as np
import pytest
from brian2.equations.equations import Equations
from brian2.utils.stringtools import get_identifiers
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le.synapses.loops.averages import average
from tests.brian_le.expressions import NEURONS, evaluate, expressions, numbers

SUBEXPRESSIONS = {'mixed': 'tanh(r_pre)*w + x', 'own': 'w*x - 1', 'nested': 'mixed*err_post + own',
                  'w_grad': 'err_post*r_pre - 0.1*own'}


def reads_neurons(name):
    return name in NEURONS


def with_subexpressions(values):
    """The mean of a gradient comes before anything else reads it."""
    values = dict(values)
    for name, code in SUBEXPRESSIONS.items():
        value = evaluate(code, values)
        values[name] = np.mean(value) if name.endswith('grad') else value
    return values


def averaged(code):
    lines = [f'{name} = {text} : 1' for name, text in SUBEXPRESSIONS.items()]
    return average(Equations('\n'.join([f'dw/dt = {code} : 1', *lines, 'x : 1', 'eta : 1'])),
                   reads_neurons)


@given(expressions('r_pre', 'v_post', 'err_post', 'w', 'x', 'eta', 'mixed', 'own', 'nested',
                   'w_grad'), st.integers(0, 1000))
@settings(max_examples=200)
def test_mean_of_the_right_hand_side(code, seed):
    """It equals the rewritten right-hand side, which reads no neurons, only averages."""
    values = with_subexpressions(numbers(seed))
    expected = np.mean(evaluate(code, values))
    result = averaged(code)
    known = {name: value for name, value in values.items() if np.ndim(value) == 0}
    del known['w_grad']
    for term, text in result.terms.items():
        known[term] = np.mean(evaluate(text, values))
    equations = {eq.varname: eq.expr.code for eq in result.equations.values()
                 if eq.expr is not None}
    known['w_grad'] = evaluate(equations['w_grad'], known)
    assert not get_identifiers('\n'.join(equations.values())) & {*NEURONS, 'mixed', 'nested'}
    np.testing.assert_allclose(evaluate(equations['w'], known), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize('code, terms', [
    ('eta*(err_post*r_pre - 0.1*w)', ['err_post * r_pre']),
    ('err_post*r_pre/eta - x*err_post*r_pre', ['err_post * r_pre']),
    ('-w*r_pre', ['r_pre']),
    ('eta*tanh(r_pre*w)', ['tanh(r_pre * w)']),
    ('x*(r_pre - v_post)', ['r_pre', 'v_post']),
    ('w/r_pre', ['1 / r_pre']),
    ('eta*w', []),
    ('w_grad**2', ['err_post * r_pre']),
    ('abs(err_post)*w_grad', ['err_post * r_pre', 'abs(err_post)']),
])
def test_terms(code, terms):
    """Only what reads neurons is averaged, and the same only once."""
    found = {ast.unparse(ast.parse(text, mode='eval')) for text in averaged(code).terms.values()}
    assert found == {'err_post * r_pre', *terms}  # w_grad is there always


@pytest.mark.parametrize('name, squares', [('grad', False), ('w_grad', False), ('gradient', True)])
def test_gradients_are_averaged_before_they_are_squared(name, squares):
    equations = Equations(f'dq/dt = ({name}**2 - q) : 1\n{name} = r_pre*w : 1\nw : 1')
    result = average(equations, reads_neurons)
    (text,) = result.terms.values()
    values = {'r_pre': np.array([1, 2, 6]), 'w': 2, 'q': 1}
    mean = np.mean(evaluate(text, values))
    assert mean == (np.mean([4, 16, 144]) if squares else 3)
    (term,) = result.terms
    if squares:
        assert name not in result.equations
    else:
        known = values | {term: mean}
        known[name] = evaluate(result.equations[name].expr.code, known)
        assert evaluate(result.equations['q'].expr.code, known) == 35


def test_what_reads_no_neurons_stays():
    text = 'dw/dt = eta*(x - w) : 1\nx = own + 1 : 1\nown : 1 (constant)\neta : 1 (shared)'
    result = average(Equations(text), reads_neurons)
    assert result.terms == {}
    assert result.equations['own'].flags == ['constant'] and 'x' in result.equations
    assert get_identifiers(result.equations['w'].expr.code) == {'eta', 'x', 'w'}
