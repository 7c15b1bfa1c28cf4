"""Generated C++ of small networks without energy, as one digest for each."""

import hashlib

from brian2 import Network, defaultclock, get_device, ms, set_device

from brian_le.models import Dense, GLENetwork, LayeredNetwork, Microcircuit

NETWORKS = {
    'layered': lambda name: LayeredNetwork(
        3, [Dense(4), Dense(2)], eta=0.1/ms, rng=1, replicas=2, tau_r=8*ms, name=name),
    'gle': lambda name: GLENetwork(
        3, [Dense(4), Dense(2)], eta=0.1/ms, eta_tau_m=0.1*ms, rng=1, loss='cross_entropy',
        gamma=0.5, name=name),
    'microcircuit': lambda name: Microcircuit(
        (3, 4, 2), eta_up=0.1/ms, eta_ip=0.1/ms, eta_pi=0.1/ms, rng=1, name=name),
}


def generated(network, directory):
    """A digest of all C++ that is generated for the code objects of a network."""
    set_device('cpp_standalone', build_on_run=False)
    device = get_device()
    device.reinit()
    device.activate(build_on_run=False)
    try:
        defaultclock.dt = 0.1*ms
        # the name stands in the code, and is nobody else's
        Network(NETWORKS[network](f'plain_{network}')).run(1*ms, namespace={})
        device.build(directory=str(directory), compile=False, run=False)
    finally:
        device.reinit()
        set_device('runtime')
    digest = hashlib.sha256()
    for path in sorted((directory/'code_objects').glob('*.cpp')):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
