"""Surgery on equations: what it makes of them has the values that it says."""

import ast

import numpy as np
import pytest
from brian2.equations.equations import Equations
from brian2.utils.stringtools import get_identifiers
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le.rewriting import (factors, inline, is_shared, read_as, reading,
                                shared_where_possible, variables_read_as, with_expression,
                                with_lines, with_words, without_flags, written_in, written_out)
from tests.brian_le.expressions import COPIES, evaluate, expressions, numbers


def side_of(name):
    return {'r_pre': 'pre', 'v_post': 'post', 'err_post': 'post', 'w': 'synapse',
            'x': 'synapse'}.get(name)


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


def values_of(equations, **known):
    """What subexpressions come to."""
    for _ in equations:
        for name, eq in equations.items():
            if eq.expr is not None and eq.identifiers <= known.keys():
                known[name] = evaluate(eq.expr.code, known)
    return known


def test_later_changes_of_what_is_read_see_the_earlier_ones():
    plain = Equations('x : 1\ny = 2*x + z : 1\nz = x**2 : 1')
    changed = read_as(read_as(plain, 'x', '3*{}', but=('z',)), 'x', '{} + 1')
    assert variables_read_as(changed) == ['x'] and reading('x', changed) == 'x_as_read'
    assert reading('x', plain) == 'x'
    for equations in (changed, written_out(changed)):
        values = values_of(equations, x=5.0)
        assert values['x'] == 5.0
    assert values['z'] == 25.0
    assert set(written_out(changed)) == set(plain)
    assert values_of(written_out(changed), x=5.0)['y'] == 2*(3*5.0 + 1) + values['z']


def test_nothing_that_is_given_changes():
    plain = Equations('x : 1 (shared, constant)\ny = 2*x : 1 (shared)\nu : 1')
    before = str(plain)
    made = [with_expression(plain, 'y', '{} + u'), with_words(plain, 'y', {'x': 'u'}),
            without_flags(plain, 'x', 'constant'), with_lines(plain, 'y', ['y = u : 1']),
            written_out(read_as(plain, 'x', '2*{}'))]
    assert str(plain) == before and all(str(one) != before for one in made)


def test_shared_expressions_of_what_is_not_shared():
    equations = Equations('x = u : 1 (shared)\ny = x : 1 (shared)\nu : 1\nz = 1 : 1 (shared)')
    found = shared_where_possible(equations)
    assert [is_shared(name, found) for name in 'xyz'] == [False, False, True]


@pytest.mark.parametrize('code, names', [
    (None, ''), ('x = 1', 'x'), ('x += w; y*=2\nz == 3', 'xy'), (' x /= 2', 'x'), ('x', '')])
def test_what_code_assigns_to(code, names):
    assert written_in(code) == set(names)
