"""What constructors refuse, and what they say: the table is `bad_inputs.txt`."""

from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, ms
from hypothesis import given, settings
from hypothesis import strategies as st

import brian_le
import brian_le.models
from brian_le import pyramidal
from brian_le.models import (Batches, Conv, Dense, LayeredNetwork, Microcircuit, Presentations,
                             initial_weights)
from brian_le.substrate import Mismatch, Noise, Substrate

ROWS = [row.split('  ->  ') for row in (
    Path(__file__).with_name('bad_inputs.txt').read_text(encoding='utf-8').splitlines())]


@pytest.fixture(scope='module')
def names():
    """What the expressions of the table are made of."""
    layers, eye = [Dense(3), Dense(2)], np.eye(4)
    shown = Presentations(eye, eye[:, :2], duration=1*ms)
    batches = Batches(eye, duration=1*ms)
    public = {name: getattr(package, name) for package in (brian_le, brian_le.models)
              for name in package.__all__}
    return public | dict(
        np=np, ms=ms, mV=brian2.mV, NeuronGroup=NeuronGroup, nan=float('nan'), inf=float('inf'),
        Substrate=Substrate, Mismatch=Mismatch, Noise=Noise, LAYERS=layers, EYE=eye, shown=shown,
        bt=batches, A=NeuronGroup(3, pyramidal(), name='A'),
        mc0=Microcircuit((4, 3, 2), shown, name='mc0'),
        net0=LayeredNetwork(4, layers, batches=batches, name='net0'))


@pytest.mark.parametrize('expression, said', ROWS, ids=[expression for expression, _ in ROWS])
def test_bad_inputs(names, expression, said):
    kind, message = said.split(': ', 1)
    kind = {'ValueError': ValueError, 'TypeError': TypeError,
            'DimensionMismatchError': brian2.DimensionMismatchError}[kind]
    with pytest.raises(kind) as caught:
        eval(expression, dict(names))
    assert type(caught.value) is kind and message in str(caught.value)
    assert '\n' not in str(caught.value)
    # one line: nothing that another error has led to
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_table_is_large_and_without_repetitions():
    assert len(ROWS) >= 400 and len({expression for expression, _ in ROWS}) == len(ROWS)


def test_a_list_of_imperfections_is_a_substrate():
    def drawn(substrate, name):
        net = LayeredNetwork(4, [Dense(3), Dense(2)], substrate=substrate, name=name)
        return net.neurons[0].tau_m[:]/ms
    imperfections = [Mismatch('tau_m', 0.2)]
    assert drawn(imperfections, 'with_list').std() > 0
    np.testing.assert_array_equal(drawn(imperfections, 'list'),
                                  drawn(Substrate(imperfections), 'substrate'))


def test_a_current_of_ones_own_acts_on_the_soma():
    group = NeuronGroup(1, pyramidal(apical=(), current='h') + brian2.Equations('h : hertz'),
                        name='with_current')
    group.h = 0.13/ms
    Network(group).run(100*ms)
    # (g_l + g_b)*u = h at rest
    np.testing.assert_allclose(group.u[:], 0.13/(0.03 + 0.1), rtol=1e-3)
    wrong = NeuronGroup(1, pyramidal(current='h') + brian2.Equations('h : 1'), name='wrong')
    with pytest.raises(brian2.BrianObjectException) as caught:
        Network(wrong).run(0.1*ms)
    assert 'subexpression current' in str(caught.value.__cause__)


NOT_COUNTS = st.one_of(
    st.integers(max_value=0), st.booleans(), st.none(), st.text(max_size=3), st.just(float('inf')),
    st.floats(allow_nan=True).filter(lambda x: x != x or not float(x).is_integer() or x < 1))


@given(st.lists(st.one_of(st.integers(1, 5), NOT_COUNTS), max_size=5))
@settings(deadline=None, max_examples=60)
def test_sizes(sizes):
    good = len(sizes) >= 3 and all(type(n) is int and n >= 1 for n in sizes)
    if good:
        return
    with pytest.raises(ValueError, match="sizes of 'drawn' are"):
        Microcircuit(sizes, name='drawn')


@given(st.one_of(NOT_COUNTS, st.tuples(NOT_COUNTS), st.tuples(st.integers(1, 4), NOT_COUNTS)))
@settings(deadline=None, max_examples=60)
def test_input_shapes(shape):
    with pytest.raises(ValueError, match="'drawn': input_shape="):
        LayeredNetwork(shape, [Dense(2)], name='drawn')


@given(st.lists(st.one_of(st.builds(Dense, st.integers(1, 3)), st.none(), st.integers(),
                          st.just(Dense), st.text(max_size=2)), max_size=4))
@settings(deadline=None, max_examples=60)
def test_layers(layers):
    if layers and all(isinstance(layer, Dense) for layer in layers):
        weights = initial_weights(3, layers, 1)
        assert len(weights) == 2*len(layers)
    else:
        with pytest.raises((TypeError, ValueError), match='^.drawn.: (layer|the last layer)'):
            LayeredNetwork(3, layers, name='drawn')


@given(st.one_of(st.none(), st.text(max_size=2), NOT_COUNTS,
                 st.lists(NOT_COUNTS, min_size=1, max_size=3)))
@settings(deadline=None, max_examples=60)
def test_kernels(kernel):
    with pytest.raises(ValueError, match='kernel of Conv is'):
        Conv(2, kernel)
