from types import SimpleNamespace

import numpy as np
import pytest
from brian2 import ms

from brian_le.models import Dense, initial_weights
from brian_le.protocols import check_protocol, run
from brian_le.protocols.runs.results import Result
from brian_le.protocols.runs.running import Run
from brian_le.protocols.tasks.energy.figures import descent, layers, presentations, totals
from brian_le.protocols.tasks.energy.task import LABELS, Energies, look_ahead, patterns, slopes
from tests.models.energy.reference import cosine, derivative, energy
from tests.reference_layered import layered

SMALL = dict(epochs=2, patterns=2, hidden=3, inputs=4, t_pattern=1, mismatch=0.1, eta=0.3)


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    return run('energy', device='numpy', quiet=True, seed=3, out=tmp_path_factory.mktemp('e')/'r',
               **SMALL)


def own_energy(u, weights, x, target, beta):
    return energy(u, weights, x, target, activations=['tanh', 'tanh', 'linear'], gammas=[1, 1, 1],
                  beta=beta)


def test_slopes_are_derivatives_of_the_energy():
    rng = np.random.default_rng(1)
    u = [rng.normal(size=n) for n in (3, 4, 2)]
    weights = [(rng.normal(size=(n, m)), rng.normal(size=n)) for n, m in ((3, 5), (4, 3), (2, 4))]
    x, target = rng.normal(size=5), rng.normal(size=2)
    _, du, dw = slopes(u, weights, x, target, 0.3)
    for found, expected in ((du, derivative(
            lambda *u: own_energy(u, weights, x, target, 0.3), u)), (dw, derivative(
            lambda *w: own_energy(u, [(v, b) for v, (_, b) in zip(w, weights)], x, target, 0.3),
            [w for w, _ in weights]))):
        for one, other in zip(found, expected):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize('name', LABELS)
def test_run_as_in_plain_numpy(small, name):
    p = SimpleNamespace(**small.description['parameters'])
    samples, targets = patterns(p, 3)
    shown = np.tile(np.repeat(np.arange(2), 10), 2)
    weights = initial_weights(4, [Dense(3)]*3, np.random.default_rng([3, 1]))
    times = look_ahead(p, 3, (4, 3, 3, 3))[name]
    plain = layered(4, [Dense(3, tau_r=time*ms) for time in times], weights,
                    samples[shown][:, None], targets[shown][:, None], [1]*40, [1]*40, dt=0.1,
                    tau_m=10.0, beta=0.1, eta=0.3)
    last = small.arrays[f'{name}.last']
    assert last.shape == (20,)
    for end in (19, 39):
        w, before = ([(plain['forward', k, 'w'][step], plain['bias', k, 'bias'][step])
                      for k in range(3)] for step in (end, end - 1))
        u = [plain['layer', k, 'u_prosp'][end][0] for k in range(3)]
        _, du, dw = slopes(u, before, samples[1], targets[1], 0.1)
        changes = [cosine(now - then, -slope) for (now, _), (then, _), slope in zip(w, before, dw)]
        epoch = end//20
        np.testing.assert_allclose(small.arrays[f'{name}.cosine'][epoch], changes, atol=1e-9)
        mismatch = slopes(u, before, samples[1], targets[1], 0.1)[0]
        np.testing.assert_allclose(
            small.arrays[f'{name}.slope'][epoch],
            np.linalg.norm(np.concatenate(du))/np.linalg.norm(np.concatenate(mismatch)), rtol=1e-9)


def test_it_keeps_the_contract():
    check_protocol('energy', **SMALL)


def test_what_it_is_to_show():
    """Of the network with look-ahead: it is near stationarity, and descends."""
    p = Energies.read(dict(epochs=10, hidden=6))
    found = Energies.measures(Result('', {}, Run('numpy').conduct(Energies(p, 2))))
    assert found['le_cosine'] > 0.9999 and found['le_slope'] < 0.05 and found['le_fall'] < 0.9
    assert found['no_look_ahead_cosine'] < 0.9 and found['no_look_ahead_slope'] > 0.8
    assert found['no_look_ahead_energy'] > 3*found['le_energy']


def test_figures(small):
    drawn = {key: figure for draw in (descent, layers, presentations, totals)
             for key, figure in draw(small).items()}
    assert list(drawn) == ['descent', 'layers', 'presentations', 'totals']
    assert len(drawn['layers'].axes[0].lines) == 4
