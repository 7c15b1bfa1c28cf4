"""Small circuits of every kind on a substrate, in which everything moves and learns."""

import numpy as np
from brian2 import mV, ms, second
from brian2.equations.equations import SUBEXPRESSION

from brian_le.models import (CorticalChain, Dense, GLENetwork, LayeredNetwork, Microcircuit,
                             initial_weights, random_weights)
from brian_le.substrate import (ActivationMismatch, Dead, Drift, Mismatch, Noise, Stuck, Substrate)


def microcircuit(name, substrate):
    rng = np.random.default_rng(1)
    sizes = (3, 4, 2)
    net = Microcircuit(sizes, eta_up=1/ms, eta_ip=2/ms, eta_pi=1/ms, name=name,
                       substrate=substrate)
    net.weights.update(random_weights(sizes, rng))
    net.inputs.r, net.output.u_nudge, net.output.nudged = rng.random(3), rng.random(2), 1
    return net


def layered(name, substrate):
    return _batched(LayeredNetwork, [Dense(4), Dense(2)], name, substrate)


def gle(name, substrate):
    return _batched(GLENetwork, [Dense(4)], name, substrate, beta=1.0, gamma=0.1,
                    eta_tau_m=1*ms, tau_r=5*ms)


def cortical(name, substrate):
    """With error neurons of their own."""
    rng = np.random.default_rng(2)
    chain = CorticalChain(3, [Dense(4), Dense(2)], replicas=2, eta=0.5/ms, gamma=0.1, tau_r=5*ms,
                          name=name, substrate=substrate)
    chain.weights.update(initial_weights(3, chain.layers, rng))
    chain.mirror_weights()
    chain.inputs.r, chain.errors[-1].target = rng.random(6), 'i/4'
    return chain


def _batched(kind, layers, name, substrate, **options):
    rng = np.random.default_rng(2)
    net = kind(3, layers, replicas=2, eta=0.5/ms, name=name, substrate=substrate, **options)
    net.weights.update(initial_weights(3, layers, rng))
    net.inputs.r, net.output.target = rng.random(6), 'i/4'
    return net


def plain(name, substrate):
    """A circuit of the user's own, with units."""
    cells = substrate.neurons(5, '''dv/dt = (I + 10*mV*(s + own + few) - v)/tau : volt
                                    f = tanh(gain*v/(10*mV)) : 1
                                    gain = 1.5 : 1
                                    s : 1
                                    own : 1
                                    few : 1
                                    I : volt
                                    tau : second (constant)''', name=f'{name}_cells',
                              method='euler', namespace={})
    cells.I, cells.tau, cells.v = [5, 2, -3, 8, 1]*mV, 5*ms, [1, -2, 3, 4, -5]*mV
    again = substrate.project(cells, cells, '''s_post = w*f_pre : 1 (summed)
                                               dw/dt = (f_post*f_pre - w)/(20*ms) : 1 (clock-driven)
                                               ''', name=f'{name}_again')
    again.matrix('w')[:] = 0.05*(np.arange(5) - np.arange(5)[:, None])
    alone = substrate.project(cells, cells, 'own_post = w*f_pre : 1 (summed)\nw : 1',
                              name=f'{name}_alone', one_to_one=True)
    few = substrate.project(cells, cells, 'few_post = w*f_pre : 1 (summed)\nw : 1',
                            name=f'{name}_few', connect={'i': [0, 1, 3], 'j': [2, 2, 4]})
    alone.w, few.w = 0.5, [0.2, 0.3, 0.4]
    substrate.settle()
    return [cells, again, alone, few]


CIRCUITS = {'microcircuit': microcircuit, 'layered': layered, 'gle': gle, 'cortical': cortical,
            'plain': plain}


def imperfections(circuit, strength=1.0):
    """All that can be wrong with the neurons and weights of a circuit."""
    s = strength
    weights = [Mismatch('w', 0.2*s), Drift('w', -2*s/second, wander=0.5*s),
               Dead(0.2*s, variables='w'), Stuck(0.3*s, variable='w', at=(0, 0.5))]
    if circuit == 'plain':
        return [Mismatch('tau', 0.2*s, clip=(2*ms, 9*ms)),
                Mismatch('gain', 0.3*s, distribution='lognormal'),
                Noise('f', 0.1*s), Noise('v', 1*s*mV), Noise('I', 1*s*mV, tau=2*ms),
                Noise('f', 0.05*s, tau=1*ms, shared=True),
                ActivationMismatch(0.1*s, 1*s*mV, variable='f', potential='v'),
                Drift('tau', 3*s/second, wander=s),
                Drift('gain', 3*s/second, wander=s, shared=True),
                Dead(0.2*s, variables='f'), Stuck(0.4*s, at=-3*mV, variable='v'), *weights]
    # where the time constants of membranes learn, neurons get them from there
    tau, where = ('tau', '*tau_m*') if circuit == 'gle' else ('tau_m', '*')
    return [Mismatch(tau, 0.2*s, distribution='uniform', on=where), Noise('r', 0.1*s),
            Noise('err', 0.1*s, tau=1*ms), ActivationMismatch(0.1*s, 0.1*s, known=True),
            Drift('tau_r', 3*s/second, wander=s), Dead(0.2*s), Stuck(0.3*s, at=0.5), *weights]


def compose(circuit, name, imperfections=(), seed=1):
    """A substrate, and the circuit on it."""
    substrate = Substrate(imperfections, seed=seed)
    return substrate, CIRCUITS[circuit](name, substrate)


def give(substrate, values):
    """Set what `Substrate.values` has returned."""
    for site in substrate.sites:
        site.set({key.removeprefix(f'{site.name}.'): value for key, value in values.items()
                  if key.startswith(f'{site.name}.')})


def stored(substrate):
    """The variables that objects store, by the number of the object."""
    return {(site.number, name): site.object.variables[name] for site in substrate.sites
            for name, eq in site.object.equations.items()
            if eq.type != SUBEXPRESSION and 'linked' not in eq.flags}


def states(substrate):
    """Copies of their values."""
    return {key: np.array(variable.get_value()) for key, variable in stored(substrate).items()}


def assert_same(found, expected):
    """Everything that was expected is there, bit by bit."""
    assert expected and set(expected) <= set(found)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=str(key))
