"""What graphs refuse before anything is made, and what they say: the table is `bad_inputs.txt`."""

from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2 import ms

from brian_le.models import (Batches, Conv, Dense, Edge, GLEGraph, Graph, Identity, MaxPool, Node)

TABLE = Path(__file__).with_name('bad_inputs.txt')
ROWS = [row.split('  ->  ') for row in TABLE.read_text(encoding='utf-8').splitlines()] if (
    TABLE.exists()) else []
X, N, E = {'x': 4}, {'h': 5, 'y': Node(2, target='rate')}, [('x', 'h'), ('h', 'y')]


@pytest.fixture(scope='module')
def names():
    """What the expressions of the table are made of."""
    def learning(*args, **options):
        return Graph(*args, **{'eta': 0.1/ms} | options)

    eye = np.eye(4)
    limited = [Edge('x', 'h', mask=np.eye(5, 4)), Edge('h', 'y', sign=1), ('h', 'h')]
    return dict(
        G=learning, GLEGraph=GLEGraph, X=X, N=N, E=E, P={'x': (4, 4, 1)}, EYE=eye, np=np, ms=ms,
        nan=float('nan'), Node=Node, Edge=Edge, Identity=Identity, Conv=Conv, Dense=Dense,
        MaxPool=MaxPool, bt=Batches(eye, duration=1*ms, replicas=2, name='bt'),
        bt2=Batches(eye, eye[:, :2], duration=1*ms, name='bt2'),
        g=Graph(X, N, limited, eta=0.1/ms, name='limited'),
        i=Graph(X, N, [*E, ('h', 'h'), Identity('h', 'h')], eta=0.1/ms, name='identical'))


@pytest.mark.parametrize('expression, said', ROWS, ids=[expression for expression, _ in ROWS])
def test_bad_inputs(names, expression, said, monkeypatch):
    if not expression.startswith(('g.', 'i.')):
        monkeypatch.setattr('brian_le.models.graphs.composition.ReplicatedGroup', refuse)
        monkeypatch.setattr('brian_le.models.graphs.composition.switches', refuse)
    kind, message = said.split(': ', 1)
    with pytest.raises((ValueError, TypeError, brian2.DimensionMismatchError)) as caught:
        eval(expression, dict(names))
    assert type(caught.value).__name__ == kind and message in str(caught.value)
    assert '\n' not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def refuse(*args, **options):
    raise AssertionError('an object is made before all is checked')


def test_the_table_is_large_and_without_repetitions():
    assert len(ROWS) >= 140 and len({expression for expression, _ in ROWS}) == len(ROWS)
