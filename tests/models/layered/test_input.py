"""What a layered network says against input that makes no sense."""

import numpy as np
import pytest
from brian2 import DimensionMismatchError, mV, ms

from brian_le.models import Batches, Dense, LayeredNetwork


def small(layers=(Dense(3), Dense(2)), **options):
    return LayeredNetwork(4, layers, **options)


def shown(n=4, outputs=2, replicas=1):
    return Batches(np.zeros((6, n)), np.zeros((6, outputs)), duration=1*ms, replicas=replicas)


BAD = {
    'no layers': (lambda: small([]), ValueError, 'the last layer has to be'),
    'half a replica': (lambda: small(replicas=1.5), ValueError, 'replicas=1.5'),
    'width of inputs': (lambda: small(batches=shown(5)), ValueError,
                        "'network' has 4 inputs, but the batches of 'batches' are 5 wide"),
    'width of targets': (lambda: small(batches=shown(4, 3)), ValueError,
                         'has 2 outputs, .* 3 wide'),
    'other replicas': (lambda: small(batches=shown(replicas=2), replicas=3), ValueError,
                       "has 3 replicas, but 'batches' shows batches of 2"),
    'cross-entropy of rates': (lambda: small(loss='cross_entropy', output_activation='tanh'),
                               ValueError, "softmax .* linear; .* 'tanh'"),
    'cross-entropy of a layer': (
        lambda: small([Dense(2, activation='relu')], loss='cross_entropy'), ValueError,
        "linear; .* 'relu'"),
    'cross-entropy of potentials': (lambda: small(loss='cross_entropy', target='voltage'),
                                    ValueError, "cross-entropy needs target='rate'"),
    'loss': (lambda: small(loss='crossentropy'), ValueError, "did you mean 'cross_entropy'"),
    'target': (lambda: small(target='volt'), ValueError, "did you mean 'voltage'"),
    'feedback': (lambda: small(feedback='transpose'), ValueError, "did you mean 'transposed'"),
    'rate_at': (lambda: small(rate_at='inputs'), ValueError, "did you mean 'input'"),
    'errors_from': (lambda: small(errors_from='tau'), ValueError, "did you mean 'tau_[mr]'"),
    'activation': (lambda: small(activation='than'), ValueError, "did you mean 'tanh'"),
    'output activation': (lambda: small(output_activation='liner'), ValueError,
                          "did you mean 'linear'"),
    'unknown option': (lambda: small(etas=1/ms), TypeError, 'etas'),
    'negative eta': (lambda: small(eta=-1/ms), ValueError, "eta of 'network' is -1"),
    'eta of one layer': (lambda: small(eta=[1/ms, -2/ms]), ValueError, "eta of 'network' is -2"),
    'NaN as eta': (lambda: small(eta=np.nan/ms), ValueError, "eta of 'network' is nan"),
    'eta of other layers': (lambda: small(eta=[1/ms]*3), ValueError,
                            "eta of 'network' has 3 values; give one, or 2"),
    'eta without unit': (lambda: small(eta=0.1), DimensionMismatchError, "'eta' of 'network'"),
    'negative beta': (lambda: small(beta=-1), ValueError, "beta of 'network' is -1"),
    'gamma': (lambda: small(gamma=np.nan), ValueError, "gamma"),
    'mirror without decay': (lambda: small(feedback='mirror', eta=1/ms), ValueError,
                             "feedback='mirror', which needs a decay"),
    'decay without learning': (lambda: small(decay=1/ms, eta=[1/ms, 0/ms]), ValueError,
                               'layers that do not learn'),
    'decay that is a time': (lambda: small(decay=1*ms, eta=1/ms), DimensionMismatchError,
                             "'decay' of 'network'"),
    'negative decay': (lambda: small(decay=-1/ms, eta=1/ms), ValueError, 'decay'),
    'tau_m below dt': (lambda: small(tau_m=0.05*ms), ValueError,
                       "tau_m of layer 0 of 'network' is 50. us; .* at least the time step"),
    'tau_m of 0': (lambda: small(tau_m=0*ms), ValueError, 'at least the time step 100. us$'),
    'tau_r below dt': (lambda: small(tau_r=0.05*ms), ValueError, r'or 0 \(no look-ahead\)'),
    'tau_m of a neuron': (lambda: small([Dense(2, tau_m=[1, 0.01]*ms)]), ValueError,
                          "tau_m of layer 0 of 'network' is 10. us"),
    'tau_m of more neurons': (lambda: small([Dense(2, tau_m=[1, 2, 3]*ms)]), ValueError,
                              r'has the shape \(3,\); give one value, or 2'),
    'tau_m in volt': (lambda: small(tau_m=1*mV), DimensionMismatchError, "'tau_m'"),
    'infinite tau_r': (lambda: small(tau_r=np.inf*ms), ValueError, 'tau_r .* finite'),
    'filter below dt': (lambda: small(tau_s=0.05*ms), ValueError,
                        r'tau_s .*; give at least the time step, or 0 \(no filter\)'),
    'negative filter': (lambda: small(tau_err=-1*ms), ValueError, 'tau_err'),
    'filter in hertz': (lambda: small(tau_target=1/ms), DimensionMismatchError, "'tau_target'"),
    'negative eta_tau': (lambda: small(eta_tau=-1*ms, tau_r=5*ms), ValueError, 'eta_tau'),
    'eta_tau in hertz': (lambda: small(eta_tau=1/ms, tau_r=10*ms), DimensionMismatchError,
                         "'eta_tau'"),
    'nothing to match': (lambda: small(eta_tau=1*ms), ValueError, 'give tau_r'),
    'no look-ahead to match': (lambda: small(eta_tau=1*ms, tau_r=0*ms), ValueError, 'give tau_r'),
    'several filters': (lambda: small(tau_s=[1, 2]*ms), ValueError, 'tau_s .* give one value'),
    'beta as a text': (lambda: small(beta='a'), ValueError, "beta of 'network' is 'a'"),
    'no eta': (lambda: small(eta=None), DimensionMismatchError, "'eta' of 'network'"),
    'gamma as a text': (lambda: small(gamma='x'), ValueError, "gamma of 'network' is 'x'"),
    'nothing ahead': (lambda: small([Dense(2, tau_r=[1, 0]*ms)], eta_tau=1*ms), ValueError,
                      "layer 0 of 'network' has eta_tau, but no look-ahead"),
    'several betas': (lambda: small(beta=[1, 2]), ValueError, 'beta .*give one value'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize('options, message', [
    (dict(loss='mae'), "did you mean 'mse'"), (dict(target='volts'), "did you mean 'voltage'"),
    (dict(rate_at='out'), "did you mean 'output'"), (dict(errors_from='tau'), 'errors_from'),
    (dict(loss='cross_entropy', output_activation='tanh'), 'have to be linear')])
def test_options_are_checked_before_anything_is_made(monkeypatch, options, message):
    def refuse(*args, **options):
        raise AssertionError('a population was made')
    monkeypatch.setattr('brian_le.models.graphs.composition.ReplicatedGroup', refuse)
    monkeypatch.setattr('brian_le.models.graphs.composition.switches', refuse)
    with pytest.raises(ValueError, match=message):
        LayeredNetwork(3, [Dense(4), Dense(2)], **options)
    with pytest.raises(AssertionError, match='a population was made'):
        LayeredNetwork(3, [Dense(4), Dense(2)])
