import os
import sys

import numpy as np
import pytest

from brian_le.programs.program import build_program
from brian_le.protocols import run
from brian_le.protocols.data import mnist1d
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.runs.launches import Launches
from brian_le.protocols.tasks.sequences import benchmarks
from brian_le.protocols.tasks.sequences.task import SequenceClassification, scores
from tests.reference_gle import gle


def training(name, seed=1, **options):
    """A training of a benchmark."""
    protocol = get_protocol(name)
    return protocol(protocol.read(options), seed)


def launches_of(made):
    return Launches(made.compose, 'numpy', lambda message: None, made.precision, made.seed)


@pytest.fixture
def few(monkeypatch):
    """Eight short sequences to learn from and five to test with."""
    from brian_le.protocols.data.datasets import Dataset, Split

    rng = np.random.default_rng(1)
    data = Dataset('few', 10, (6, 1), validation=None,
                   train=Split(rng.normal(size=(8, 6, 1)), rng.integers(10, size=8)),
                   test=Split(rng.normal(size=(5, 6, 1)), rng.integers(10, size=5)))
    monkeypatch.setattr(benchmarks, 'sequences', lambda: data)
    return data


SETTINGS = {'mnist1d': dict(slow=4, fast=2, hidden_layers=2),
            'mnist1d-static': dict(channels=3, chain=2, hidden=4)}


@pytest.mark.parametrize('protocol', ['mnist1d', 'mnist1d-static'])
def test_package_is_needed(tmp_path, monkeypatch, protocol):
    mnist1d.sequences.cache_clear()
    monkeypatch.setitem(sys.modules, 'mnist1d.data', None)
    with pytest.raises(ValueError, match='pip install mnist1d'):
        run(protocol, out=tmp_path/'r', quiet=True, device='numpy')
    assert os.listdir(tmp_path) == []


# -------------------------------------------------------------------------------------- the network
@pytest.mark.parametrize('protocol, options, n, tau_m, tau_r', [
    ('mnist1d', {}, 14956, [0.6]*18 + [1.2]*35, [0.2]*36 + [1.2]*17),
    ('mnist1d', dict(slow=60, fast=30), 42040, [0.6]*30 + [1.2]*60, [0.2]*60 + [1.2]*30),
    ('mnist1d-static', {}, 4930, np.linspace(0.2, 1.8, 10), [0.2]*10)])
def test_published_networks(protocol, options, n, tau_m, tau_r):
    made = training(protocol, **options)
    made.compose()
    net = made.net
    assert sum(w.size for (_, k), w in net.weights.items() if made.learns[k]) == n
    first, output = net.neurons[0], net.output
    for tau, expected in (('tau_m', tau_m), ('tau_r', tau_r)):
        np.testing.assert_allclose(np.asarray(first.by_replica(tau)[0])*1e3, expected, rtol=1e-12)
    expected = 1.2 if protocol == 'mnist1d' else 2.0
    for tau in (output.tau_m, output.tau_r):
        np.testing.assert_allclose(np.asarray(tau)*1e3, expected, rtol=1e-12)


def adam(rate):
    """What Adam adds to weights, step by step."""
    memory = {}

    def step(key, gradient):
        if key[0].startswith('tau'):
            return 0
        n, m, s = memory.get(key, (0, 0, 0))
        n, m, s = n + 1, 0.9*m + 0.1*gradient, 0.999*s + 0.001*gradient**2
        memory[key] = n, m, s
        return -rate*m/(1 - 0.9**n)/(np.sqrt(s/(1 - 0.999**n)) + 1e-8)

    return step


@pytest.mark.parametrize('protocol', SETTINGS)
def test_training_is_that_of_plain_numpy(tmp_path, few, protocol):
    """Two epochs of two batches, against the reference step by step."""
    settings = dict(batch=4, epochs=2, precision='double', rate=0.01, **SETTINGS[protocol])
    found = run(protocol, out=tmp_path/'r', quiet=True, device='numpy', seed=3, **settings).arrays
    made = training(protocol, 3, **settings)
    layers, order = made.layers, made.whole[0]
    x = few.train.inputs[order].reshape(4, 4, 6).swapaxes(1, 2).reshape(24, 4, 1)
    targets = np.repeat(np.eye(10)[few.train.classes[order]].reshape(4, 1, 4, 10), 6, axis=1)
    n = len(layers)
    taus = {tau: [np.broadcast_to(np.asarray(getattr(layer, tau) if getattr(layer, tau) is not None
                                             else layer.tau_m)*1e3, layer.n)
                  for layer in layers] for tau in ('tau_m', 'tau_r')}
    update = adam(0.01)
    expected = gle(made.weights | {('tau_m', k): tau for k, tau in enumerate(taus['tau_m'])},
                   taus['tau_r'], x, targets.reshape(24, 4, 10), dt=0.2, beta=1.0,
                   activations=[layer.activation or 'tanh' for layer in layers[:-1]] + ['linear'],
                   prospective=protocol == 'mnist1d', loss='cross_entropy', begin_at_rest=(
                       range(made.p.chain) if protocol == 'mnist1d-static' else (), 6),
                   step=lambda key, g: update(key, g) if made.learns[key[1]] else 0)
    for k in range(n):
        for kind in ('forward', 'bias'):
            np.testing.assert_allclose(found[f'W_{kind}_{k}'], expected[kind, k][-1], rtol=0,
                                       atol=1e-11)
    outputs = expected['r', n - 1].reshape(4, 6, 4, 10).mean(axis=1).reshape(16, 10)
    classes = few.train.classes[order]
    shares = np.exp(outputs)/np.exp(outputs).sum(axis=1, keepdims=True)
    loss = -np.log(shares[np.arange(16), classes])
    np.testing.assert_allclose(found['train_loss'], loss.reshape(2, 8).mean(axis=1), atol=1e-12)
    np.testing.assert_array_equal(found['train_accuracy'],
                                  (outputs.argmax(1) == classes).reshape(2, 8).mean(axis=1))


def test_losses_of_large_outputs():
    found = scores(np.array([[1000.0, 0, 0], [0.0, 0.0, 0.0]], 'float32'), [1, 2])
    np.testing.assert_allclose(found['loss'], [1000, np.log(3)])


def test_step_size_shrinks_when_the_loss_does_not_fall(few):
    made, rates = training('mnist1d', batch=4, patience=1, epochs=7), []
    state = {'rate': np.array(made.p.rate), 'best_loss': np.array(1e30), 'bad_epochs': np.array(0),
             'rates': np.zeros(7)}
    for epoch, loss in enumerate((3, 2, 2, 2.5, 1, 1, 0.5)):
        state = made._scheduled(state | {'epoch_loss': np.array(loss)}, epoch)
        rates.append(float(state['rate']))
    np.testing.assert_allclose(np.array(rates)/made.p.rate, [1, 1, 1, 0.5, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(state['rates']/made.p.rate, [1, 1, 1, 1, 0.5, 0.5, 0.5])


# ------------------------------------------------------------------------------------ checkpoints
class Killed(Exception):
    pass


@pytest.mark.parametrize('protocol', SETTINGS)
def test_a_killed_run_ends_with_the_same_numbers(tmp_path, few, monkeypatch, protocol):
    settings = dict(quiet=True, device='numpy', seed=3, batch=4, epochs=3, rate=0.01,
                    patience=0, **SETTINGS[protocol])
    whole = run(protocol, out=tmp_path/'whole', **settings)
    chunk, calls = SequenceClassification.chunk, []

    def killed(self, *args):
        if len(calls) == 2:
            raise Killed
        calls.append(1)
        return chunk(self, *args)

    monkeypatch.setattr(SequenceClassification, 'chunk', killed)
    with pytest.raises(Killed):
        run(protocol, out=tmp_path/'killed', **settings)
    assert (tmp_path/'killed.part'/'checkpoint.npz').exists()
    monkeypatch.setattr(SequenceClassification, 'chunk', chunk)
    continued = run(protocol, out=tmp_path/'killed', **settings)
    assert continued.arrays.keys() == whole.arrays.keys()
    for key, values in whole.arrays.items():
        np.testing.assert_array_equal(continued.arrays[key], values, err_msg=key)


def test_losses_do_not_depend_on_where_a_run_is_cut(few):
    made = training('mnist1d', batch=1, epochs=1, rate=0.01, **SETTINGS['mnist1d'])
    program = launches_of(made)
    whole, _ = made.chunk(program, made.begin(program), 0, 7)
    cut = made.begin(program)
    for first, n in ((0, 3), (3, 1), (4, 3)):
        cut, _ = made.chunk(program, cut, first, n)
    for key, values in whole.items():
        np.testing.assert_array_equal(cut[key], values, err_msg=key)


def test_an_unstable_run_names_the_variable_and_the_time(tmp_path, few):
    with pytest.raises(FloatingPointError, match=r"'mnist1d_.*' is no longer finite in batch \d+, "
                                                 r'between .* ms'):
        run('mnist1d', out=tmp_path/'r', quiet=True, device='numpy', batch=4, epochs=200,
            rate=1e30, **SETTINGS['mnist1d'])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('options, message', [
    (dict(batch=9), 'there are only 8 training sequences'), (dict(rate=-1), 'at least 0'),
    (dict(errors='late'), "Valid: instantaneous, prospective"), (dict(slwo=3), "mean 'slow'"),
    (dict(factor=2), 'at most 1')])
def test_bad_parameters(tmp_path, few, options, message):
    with pytest.raises(ValueError, match=message):
        run('mnist1d', out=tmp_path/'r', quiet=True, device='numpy', **options)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('protocol', SETTINGS)
def test_in_one_piece(tmp_path, few, protocol):
    """As in an exported project: one launch finds what a run finds in batches."""
    settings = dict(batch=4, epochs=2, precision='double', **SETTINGS[protocol])
    made = training(protocol, 3, **settings)
    program = build_program(made.compose_whole, 'numpy', precision=made.precision)
    end = program({}, made.total*made.n_steps) | made.kept()
    found = made.result(end, made.rows(end))
    expected = run(protocol, out=tmp_path/'r', quiet=True, device='numpy', seed=3,
                   **settings).arrays
    for key in ('train_loss', 'train_accuracy', 'W_bias_1'):
        np.testing.assert_allclose(found[key], expected[key], rtol=0, atol=1e-12)
    name = protocol.replace('-', '_')
    np.testing.assert_allclose(end[f'{name}_forward2.w'], expected['W_forward_2'].T.ravel(),
                               rtol=0, atol=1e-12)
    assert f'{name}_readout_monitor.total' in made.guide()


def test_what_is_said_and_drawn(tmp_path, few):
    from brian_le.protocols.plotting import plot

    found = run('mnist1d', out=tmp_path/'r', quiet=True, device='numpy', batch=4, epochs=2,
                **SETTINGS['mnist1d'])
    lines = list(get_protocol('mnist1d').summarize(found))
    assert f'{found.arrays["n_learned"]} weights and biases learn' in lines[0]
    assert {file.stem for file in plot(tmp_path/'r')} == {'error', 'rate'}


def test_progress_is_told(few):
    made = training('mnist1d', batch=4, epochs=2, **SETTINGS['mnist1d'])
    assert made.describe(3, {'loss': np.array([1.0, 0.25])}) == 'epoch 2, loss 0.25'
