"""The energy of microcircuits: weights descend it, and neurons follow it near self-prediction.

The energy is computed from potentials and weights alone, in NumPy, with a quadrature of its
integrals that has many points.
"""

from functools import partial

import numpy as np
import pytest
from brian2 import Network, StateMonitor, ms

from brian_le.models import Microcircuit
from tests.models.energy.reference import PHI, area, cosine, derivative, energy

SIZES = (4, 6, 5, 3)
G_L, G_B, G_A, G_D, G_SOM = 0.03, 0.1, 0.06, 0.08, 0.06
X, TARGET = np.linspace(0.2, 1, 4), np.array([1.0, 0.1, 0.4])
KINDS = {'up': 3, 'ip': 2, 'pi': 2}


def settled(activation='softplus', *, g_som=G_SOM, mismatch=0.0, energy=True, **options):
    """A circuit that has settled, whose weights back are the transposed forward ones.

    `mismatch` is how far its interneurons are from predicting the layer above.
    """
    eta = {f'eta_{kind}': 1e-8/ms for kind in KINDS}
    mc = Microcircuit(SIZES, activation=activation, rng=2, energy=energy, g_d=G_D/ms,
                      g_som=g_som/ms, **eta | options)
    rng = np.random.default_rng(5)
    for k in range(2):
        mc.weights['down', k] = mc.weights['up', k + 1][:].T
        mc.weights['pi', k] = -mc.weights['down', k][:] + mismatch*rng.normal(
            size=mc.weights['pi', k].shape)
    mc.inputs.r, mc.output.u_nudge, mc.output.nudged = X, TARGET, 1
    network = Network(mc)
    network.run(20*ms if options.get('prospective', True) else 200*ms, namespace={})
    return mc, network


SHARES = [G_B/(G_L + G_B + G_A)]*2 + [G_B/(G_L + G_B)]  # of basal dendrites in predictions


def gains(g_som):
    """Gains of errors, from the outputs down, for all layers from the first one on."""
    way = G_A/(G_L + G_B + G_A)*(G_L + G_D)/(G_L + G_D + g_som)
    return [way**2/SHARES[1]/SHARES[2], way/SHARES[2], 1.0]


def own_energy(mc):
    """As a function of potentials and forward weights."""
    g_som = float(mc.parameters['g_som']*ms)

    def found(u, up, target=TARGET):
        return energy(u, [(share*w, 0.0) for share, w in zip(SHARES, up)], X, target,
                      activations=[mc.activation.name]*3, gammas=gains(g_som),
                      beta=g_som/(G_L + G_B), cost='area', mismatch=area)

    return found


def potentials(mc):
    return [getattr(group, mc.visible)[:].copy() for group in mc.pyramidal]


def weights_of(mc, kind):
    return [mc.weights[kind, k][:].copy() for k in range(KINDS[kind])]


@pytest.mark.parametrize('activation, options', [
    ('softplus', {}), ('logistic', {'mismatch': 0.3}), ('tanh', {'mismatch': 0.1}),
    ('softplus', {'prospective': False})])
def test_every_projection_descends_what_it_makes_small(activation, options):
    mc, network = settled(activation, **options)
    u, up, phi = potentials(mc), weights_of(mc, 'up'), PHI[activation]
    found = mc.energy()
    np.testing.assert_allclose(found.total, own_energy(mc)(u, up), rtol=1e-3)
    np.testing.assert_allclose(found.total, mc.energy_meter.total[0], rtol=1e-12)
    assert list(found.populations) == ['hidden0', 'hidden1', 'output']
    below = {kind: weights_of(mc, kind) for kind in KINDS}
    inter = [getattr(group, mc.visible)[:].copy() for group in mc.inter]
    down = {'up': derivative(lambda *w: own_energy(mc)(u, w), up)}
    down['ip'] = derivative(lambda *w: sum(
        area(inter[k], G_D/(G_L + G_D)*w[k] @ phi(u[k]), phi) for k in range(2)), below['ip'])
    down['pi'] = derivative(lambda *w: sum(
        ((mc.weights['down', k][:] @ phi(u[k + 1]) + w[k] @ phi(inter[k]))**2).sum()/2
        for k in range(2)), below['pi'])
    network.run(0.1*ms, namespace={})
    for kind in KINDS:
        for k, (new, old, slope) in enumerate(zip(weights_of(mc, kind), below[kind], down[kind])):
            assert cosine(new - old, -slope) > 0.99999, (kind, k)


def test_which_term_is_which():
    """Without self-prediction, too: errors of hidden neurons are apical, that of outputs the
    target."""
    mc, _ = settled(mismatch=0.4)
    parts = mc.energy().populations
    for k, group in enumerate(mc.hidden):
        np.testing.assert_allclose(parts[f'hidden{k}'].mismatch,
                                   G_A/(G_L + G_B + G_A)*group.v_api[:], rtol=1e-7)
    np.testing.assert_allclose(parts['output'].mismatch,
                               G_SOM/(G_L + G_B)*(TARGET - mc.output.u_prosp[:]), rtol=1e-7)
    for group, above in zip(mc.inter, mc.pyramidal[1:]):
        share = G_SOM/(G_L + G_D + G_SOM)
        np.testing.assert_allclose(group.u_mismatch[:], share*(above.u_prosp[:] - group.v_pred[:]),
                                   rtol=1e-7)


def from_stationary(**options):
    """How far hidden neurons are from where it is stationary, beside their largest force."""
    mc, _ = settled(**options)
    u, up = potentials(mc), weights_of(mc, 'up')
    slopes = derivative(lambda *u: own_energy(mc)(u, up), u)
    if options.get('mismatch', 0) == 0:  # with errors that are true, targets act as they should
        assert np.abs(slopes[2]).max() < 1e-9
    forces = [group.u_mismatch[:]/gamma*mc.activation.slopes(group.u_prosp[:])
              for group, gamma in zip(mc.hidden, gains(float(mc.parameters['g_som']*ms)))]
    return [np.abs(slope).max()/np.abs(force).max() for slope, force in zip(slopes, forces)]


def test_neurons_follow_it_near_self_prediction_only():
    near = np.array([from_stationary(g_som=g_som) for g_som in (0.06, 0.006, 0.0006)])
    assert near[0].max() < 0.1
    assert (near[1:]/near[:-1] < 0.05).all()  # it vanishes with the strength of the target
    assert max(from_stationary(mismatch=0.4, g_som=0.006)) > 0.5


def test_without_an_apical_conductance_there_is_none():
    with pytest.raises(ValueError, match='energy.*g_a'):
        settled(g_a=0/ms)
