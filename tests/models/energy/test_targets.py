"""Energies on all targets for generated code, and nothing of them where nobody asks."""

import brian2
import numpy as np
import pytest
from brian2 import StateMonitor, ms

from brian_le.models import Dense, GLENetwork, LayeredNetwork, Microcircuit
from tests.models.energy.generated import NETWORKS, generated
from tests.running import WITH_SLOW_CYTHON, run_cases

STEPS = 30
RNG = np.random.default_rng(3)
X, TARGET = RNG.uniform(0.2, 1, 3), np.array([0.9, 0.1])
CASES = {
    'LE': lambda name: LayeredNetwork(3, [Dense(4), Dense(2)], eta=0.1/ms, gamma=0.7, tau_r=8*ms,
                                      rng=1, energy=True, name=name),
    'GLE': lambda name: GLENetwork(3, [Dense(4), Dense(2)], eta=0.1/ms, eta_tau_m=0.5*ms,
                                   gamma=(0.5, 0), tau_r=3*ms, loss='cross_entropy', rng=1,
                                   energy=True, name=name),
    'microcircuit': lambda name: Microcircuit((3, 4, 2), eta_up=0.1/ms, eta_ip=0.1/ms, rng=1,
                                              energy=True, name=name),
}


def case(make):
    def compose(name):
        net = make(name)
        net.inputs.r = X
        if isinstance(net, Microcircuit):
            net.output.u_nudge, net.output.nudged = TARGET, 1
        else:
            net.output.target = TARGET
        names = sorted(net.energy_meter.equations.names)
        parts = [name for name in names if name.startswith('E_')]
        (cost,) = [name for name in names if name.startswith('cost_')]
        record = ['total', *parts, cost]
        meter = StateMonitor(net.energy_meter, record, record=True, when='end', name=f'{name}_sum')
        neurons = StateMonitor(net.output, ['u_mismatch', 'energy', 'cost'], record=True,
                               when='end', name=f'{name}_own')

        def read():
            found = net.energy()
            mismatch = found.populations[cost.removeprefix('cost_')].mismatch
            return {'at the end': [found.total, found.cost], 'mismatch at the end': mismatch,
                    **{what: getattr(meter, what)[0] for what in record},
                    **{f'own {what}': getattr(neurons, what)
                       for what in ('u_mismatch', 'energy', 'cost')}}

        return [net, meter, neurons], STEPS*0.1*ms, read

    return compose


@pytest.fixture(scope='module')
def expected():
    return run_cases('numpy', {name: case(make) for name, make in CASES.items()}, None)


@pytest.mark.parametrize('target', WITH_SLOW_CYTHON)
def test_all_targets_agree(target, expected, tmp_path):
    names = {f'case{number}': name for number, name in enumerate(CASES)}
    found = run_cases(target, {key: case(CASES[name]) for key, name in names.items()},
                      tmp_path/'p')
    for key, name in names.items():
        for what, values in expected[name].items():
            np.testing.assert_allclose(found[key][what], values, rtol=0, atol=1e-12,
                                       err_msg=f'{name}, {what}')
        a = found[key]
        total, cost = a['at the end']
        np.testing.assert_allclose([a['total'][-1], a['own cost'][:, -1].sum()], [total, cost],
                                   rtol=0, atol=1e-12)
        np.testing.assert_allclose(a['own u_mismatch'][:, -1], a['mismatch at the end'], rtol=0,
                                   atol=1e-12)
        np.testing.assert_allclose(sum(values for what, values in a.items() if what[:2] == 'E_'),
                                   a['total'], rtol=0, atol=1e-12)
        assert np.ptp(a['total']) > 1e-3


#: Of the C++ that was generated before networks had an energy, by version of Brian2.
DIGESTS = {
    '2.9.0': {
        'layered': '5499accf22ddb75cbd0c102766e4490714bd7fd819b5e0bfe728b4703a823d09',
        'gle': 'c9a1c80f3ea15ab7551a0789c2366123a8400b74c58b6453750014b06c287969',
        'microcircuit': '98d0df02ecaa54a77a9aba6c997168faf261342ca66bb4b75bfc33e635af2c87'},
    '2.10.1': {
        'layered': '9c235e0fe7895573325833993dc9ee7bb063795c26d8ff9d01a2c2ef432ab840',
        'gle': 'cbca6565f3b45e03ed6d669f02bae92bc42628ec5d92c49872e27cf8354f1390',
        'microcircuit': '68527ffe018ec4853024da06c8e6e934753cd4ff649bc53dfd8d4f6f7bc83cf8'},
    '2.11.0': {
        'layered': '9c235e0fe7895573325833993dc9ee7bb063795c26d8ff9d01a2c2ef432ab840',
        'gle': 'cbca6565f3b45e03ed6d669f02bae92bc42628ec5d92c49872e27cf8354f1390',
        'microcircuit': '7e0a0aa30f3beb6e0f618c30481cdab631be096d183fc9e4f2ac3b2d09322c2f'},
}


@pytest.mark.skipif(brian2.__version__ not in DIGESTS, reason='of other versions of Brian2')
@pytest.mark.parametrize('network', NETWORKS)
def test_nothing_is_generated_unless_it_is_asked_for(network, tmp_path):
    assert generated(network, tmp_path/'p') == DIGESTS[brian2.__version__][network]
