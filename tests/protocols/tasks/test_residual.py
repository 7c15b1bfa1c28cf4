import numpy as np
import pytest

from brian_le.protocols import check_protocol, run
from brian_le.protocols.runs.results import Result
from brian_le.protocols.runs.running import Run
from brian_le.protocols.tasks.residual.deep import gains, initial, learn, rates
from brian_le.protocols.tasks.residual.figures import learning
from brian_le.protocols.tasks.residual.task import Residual

#: Two batches in an epoch; weak nudging.
SMALL = dict(layers=3, hidden=5, epochs=2, batch=700, t_pattern=1.4, beta=1e-4, rate=0.2,
             precision='double')


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    return run('residual', device='numpy', quiet=True, seed=3, out=tmp_path_factory.mktemp('e')/'r',
               **SMALL)


def drawn(has_stream, start='normal'):
    rng = np.random.default_rng(2)
    weights = [(w, rng.normal(size=b.shape)) for w, b in initial((4, 3, 3, 3, 2), start, 0.7, rng)]
    return weights, rng.normal(size=(5, 4)), rng.normal(size=(5, 2))


@pytest.mark.parametrize('has_stream', [True, False])
def test_backpropagation_descends_the_gradient(has_stream):
    weights, x, targets = drawn(has_stream)

    def loss(changed):
        return 0.5*((targets - rates(changed, x, has_stream)[-1])**2).sum(axis=1).mean()

    new = learn(weights, x, targets, 0.1, has_stream)
    for k, layer in enumerate(weights):
        for which, array in enumerate(layer):
            for index in np.ndindex(array.shape):
                step = np.zeros_like(array)
                step[index] = 1e-6
                sides = [loss([*weights[:k], tuple(
                    a + sign*step if n == which else a for n, a in enumerate(layer)),
                    *weights[k + 1:]]) for sign in (1, -1)]
                slope = (sides[0] - sides[1])/2e-6
                np.testing.assert_allclose(new[k][which][index] - array[index], -0.1*slope,
                                           atol=1e-9)


@pytest.mark.parametrize('has_stream', [True, False])
def test_gains_are_those_of_the_inverse(has_stream):
    """J is the output rows of (1 - W D)^-1."""
    weights, x, _ = drawn(has_stream)
    r = rates(weights, x, has_stream)
    for sample, found in enumerate(gains(weights, x, has_stream)):
        whole = np.zeros((11, 11))
        slopes = np.concatenate([1 - layer[sample]**2 for layer in r[1:-1]] + [np.ones(2)])
        for k in range(1, 4):
            w = weights[k][0] + (np.eye(3) if has_stream and k < 3 else 0)
            whole[3*k:3*k + len(w), 3*(k - 1):3*k] = w
        j = np.linalg.inv(np.eye(11) - whole*slopes)[-2:]
        np.testing.assert_allclose(found, np.linalg.eigvalsh(j @ j.T).max())


def test_orthogonal_start():
    weights, *_ = drawn(False, 'orthogonal')
    np.testing.assert_allclose(weights[1][0] @ weights[1][0].T, 0.49*np.eye(3), atol=1e-12)
    assert not np.allclose(weights[0][0] @ weights[0][0].T, 0.49*np.eye(3))


class WithChanges(Residual):
    """With what both networks have changed of their weights, one after the other."""

    summary = 'with changes of the weights'

    def result(self, state, rows):
        changes = [np.concatenate([(new - old).ravel() for layer, start in zip(found, self.weights)
                                   for new, old in zip(layer, start)])
                   for found in (self._trained(state), self._twin(state))]
        return super().result(state, rows) | {'changes': np.array(changes)}


@pytest.mark.parametrize('network', ['residual', 'chain'])
def test_it_learns_what_backpropagation_learns(network):
    """With weak nudging and time to settle the weights change in the same way."""
    p = Residual.read(SMALL | dict(network=network, scale=1, rate=0.002, epochs=1))
    a = Run('numpy').conduct(WithChanges(p, 4))
    ours, theirs = a['changes']
    assert np.linalg.norm(ours - theirs) < 0.01*np.linalg.norm(theirs)
    assert (a['gain'] > 1).all() and a['le.accuracy'][0] == a['backprop.accuracy'][0]


def test_figures_and_measures(small):
    figures = learning(small)
    assert sorted(figures) == ['error', 'gain']
    found = Residual.measures(small)
    assert {'le_accuracy', 'backprop_last_five', 'gain', 'loss'} <= found.keys()
    exported = Result('', small.description, {'le.loss': small.arrays['le.loss']})
    assert list(learning(exported)) == ['loss'] and Residual.measures(exported).keys() == {'loss'}


def test_learning_needs_steps_of_a_batch():
    with pytest.raises(ValueError, match="'late' is 15, but a batch is shown for 14 steps"):
        Residual.read(dict(SMALL, late=15))


def test_it_keeps_the_contract():
    check_protocol('residual', **SMALL)
