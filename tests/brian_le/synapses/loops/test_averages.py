"""What is averaged where several neurons share one synapse, by numbers."""

import ast

import numpy as np
import pytest
from brian2.equations.equations import Equations
from brian2.utils.stringtools import get_identifiers
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le.synapses.loops.averages import average, factors, inline

COPIES = 4
NEURONS = ('r_pre', 'v_post', 'err_post')
SUBEXPRESSIONS = {'mixed': 'tanh(r_pre)*w + x', 'own': 'w*x - 1', 'nested': 'mixed*err_post + own',
                  'w_grad': 'err_post*r_pre - 0.1*own'}
FUNCTIONS = {'tanh': np.tanh, 'exp': np.exp, 'clip': np.clip, 'abs': np.abs}


def reads_neurons(name):
    return name in NEURONS


def side_of(name):
    return {'r_pre': 'pre', 'v_post': 'post', 'err_post': 'post', 'w': 'synapse',
            'x': 'synapse'}.get(name)


def expressions(*names):
    leaves = st.one_of(st.sampled_from(names), st.sampled_from(['2', '0.5', '3.0']))
    return st.recursive(leaves, lambda inner: st.one_of(
        st.builds('({} + {})'.format, inner, inner), st.builds('({} - {})'.format, inner, inner),
        st.builds('{}*{}'.format, inner, inner), st.builds('{}/(2 + {}**2)'.format, inner, inner),
        st.builds('(-{})'.format, inner), st.builds('tanh({})'.format, inner),
        st.builds('clip({}, -0.5, 1)'.format, inner), st.builds('1/(3 + abs({}))'.format, inner)),
        max_leaves=8)


def numbers(seed):
    """A value for each name, for neurons one for each copy."""
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=COPIES) for name in NEURONS}
    return values | {name: rng.normal() for name in ('w', 'x', 'eta', 'm')}


def evaluate(code, values):
    return eval(code, {**FUNCTIONS, **values})


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


@given(expressions('r_pre', 'v_post', 'err_post', 'w', 'x', 'eta'), st.integers(0, 1000))
@settings(max_examples=200)
def test_factors(code, seed):
    """Their product is the expression, and each reads one side only."""
    found = factors(code, side_of)
    if found is None:
        assert len({side_of(name) for name in get_identifiers(code)} - {None}) > 1
        return
    values = numbers(seed)
    product = 1.0
    for side, factor in found.items():
        assert {side_of(name) for name in get_identifiers(factor)} <= {side, None}
        product = product*evaluate(factor, values)
    np.testing.assert_allclose(np.broadcast_to(product, COPIES),
                               np.broadcast_to(evaluate(code, values), COPIES), rtol=1e-12)


@pytest.mark.parametrize('code, expected', [
    ('w*r_pre', {'pre': 'r_pre', 'post': '1', 'synapse': 'w'}),
    ('eta*err_post*w*tanh(r_pre)', {'pre': 'tanh(r_pre)', 'post': 'err_post',
                                    'synapse': 'eta * w'}),
    ('-w/r_pre', {'pre': '1 / r_pre', 'post': '1', 'synapse': '-1 * w'}),
    ('w/(r_pre/v_post)', {'pre': '1 / r_pre', 'post': 'v_post', 'synapse': 'w'}),
    ('(r_pre - 1)*(v_post + err_post)', {'pre': 'r_pre - 1', 'post': 'v_post + err_post',
                                         'synapse': '1'}),
    ('w*(r_pre - v_post)', None), ('w*r_pre + x', None), ('tanh(w*r_pre)', None),
    ('eta', {'pre': '1', 'post': '1', 'synapse': 'eta'}),
])
def test_factors_of_common_sums(code, expected):
    found = factors(code, side_of)
    if expected is None:
        assert found is None
    else:
        assert {side: ast.unparse(ast.parse(text, mode='eval'))
                for side, text in found.items()} == expected


@pytest.mark.parametrize('code, expected', [
    ('a + b', '1 + x + b'), ('c*2', '(1 + x)*y*2'), ('z = c', 'z = (1 + x)*y'),
    ('z += a', 'z = z + (1 + x)'), ('z = b\ny *= a', 'z = b\ny = y*(1 + x)'),
    ('-a**2', '-(1 + x)**2'), ('aa + x', 'aa + x'), ('exp(a)', 'exp(1 + x)'),
])
def test_inline(code, expected):
    found = inline(code, {'a': '1 + x', 'c': 'a*y'})
    assert ast.dump(ast.parse(found)) == ast.dump(ast.parse(expected))
