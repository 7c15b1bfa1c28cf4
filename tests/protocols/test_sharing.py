"""Runs of all protocols: a program that served others gives the numbers of one of their own."""

import numpy as np
import pytest

from brian_le.programs.program import composing
from brian_le.programs.signatures import only_looked_at, signature
from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.parameters import Folder
from brian_le.protocols.runs import launches
from brian_le.protocols.runs.running import Run

#: Settings with which a run takes about a second in NumPy.
SMALL = {
    'alignment': dict(networks=1, inputs=1, hidden=2, outputs=1, depth=1, deepest=1, frequencies=1,
                      ratios=1, lowest=0.3, highest=0.5, largest_ratio=2, period=200),
    'bars': dict(epochs=2, hidden=3, t_pattern=0.3),
    'completion': dict(epochs=1, batch=350, t_pattern=1, every=2),
    'digits': dict(epochs=1, batch=1000, hidden=4, t_pattern=0.5, networks='mirror'),
    'energy': dict(epochs=1, patterns=2, hidden=3, inputs=4, t_pattern=0.5),
    'feedback': dict(epochs=1, samples=8, validation=4, hidden=3),
    'filters': dict(ratios=2, frequencies=2, lowest=5, dt=0.05),
    'fourier': dict(periods=2, learning=1, hidden=3, dt=0.05),
    'lagline': dict(periods=2, bptt_periods=1, t_init=4, batch=2, dt=0.05),
    'lagnet': dict(windows=2, t_init=3, dt=0.1),
    'mackey-glass': dict(epochs=1, train=60, test=60, washout=20, batch=2, hidden_layers=1, slow=2,
                         fast=2),
    'mimic': dict(epochs=1, selfpred_epochs=1, t_pattern=0.2),
    'pal': dict(epochs=1, samples=2, t_pattern=0.1),
    'phases': dict(presentations=3, t_pattern=2),
    'residual': dict(layers=2, hidden=4, epochs=1, batch=1437, t_pattern=1.2, precision='double'),
    'response-lag': dict(depth=3),
    'stability': dict(hidden=1, width=4, inputs=3, outputs=2, trials=2, t_trial=20),
    'yin-yang': dict(epochs=1, batch=20, samples=40, hidden=4, t_pattern=0.5),
}


def others(parameter, value):
    """A value of a parameter that differs from the present one."""
    if parameter.choices:
        return [choice for choice in parameter.choices if choice != value]
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return []
    found = [value*1.5 if value else 0.25, value + 1, value*2] if isinstance(value, float) else [
        value + 1, value + 2]
    return found


def variations(protocol, p):
    """Other values that are valid with the rest, one for each parameter."""
    for parameter in protocol.parameters:
        if isinstance(parameter, Folder):
            continue
        for value in others(parameter, getattr(p, parameter.name)):
            try:
                protocol.read({**vars(p), parameter.name: value})
            except ValueError:
                continue
            yield parameter.name, value
            break


def signed(protocol, values, seed):
    """The signature of a network, None if it cannot be composed."""
    try:
        own = protocol(protocol.read(values), seed)
        with composing(own.precision):
            network = own.compose()
            found = signature(network)
            only_looked_at(network)
        return found
    except ValueError:
        return None


@pytest.mark.slow
@pytest.mark.parametrize('name', [name for name in PROTOCOLS if name in SMALL])
def test_a_program_that_served_another_run(name):
    protocol = get_protocol(name)
    if name in ('completion', 'digits', 'residual'):
        pytest.importorskip('sklearn')
    p = protocol.read(SMALL[name])
    base, together = signed(protocol, vars(p), 1), {}
    for key, value in variations(protocol, p):  # as many as fit each other
        if signed(protocol, {**vars(p), **together, key: value}, 2) == base:
            together[key] = value
    assert together, 'no parameter of it is a value'
    changed = protocol.read({**vars(p), **together})
    launches._BUILT.clear()
    Run('numpy').conduct(protocol(p, 1))
    built = len(launches._BUILT)
    shared = Run('numpy').conduct(protocol(changed, 2))
    if name != 'alignment':  # which measures many networks
        assert len(launches._BUILT) == built, 'it was built anew'
    launches._BUILT.clear()
    alone = Run('numpy').conduct(protocol(changed, 2))
    for key, array in alone.items():
        np.testing.assert_array_equal(shared[key], array, err_msg=key)


def test_all_protocols_are_there():
    assert PROTOCOLS.keys() - SMALL.keys() == {
        'mnist', 'mnist-conv', 'higgs', 'cifar10', 'speech-commands', 'mnist1d', 'mnist1d-static'}
