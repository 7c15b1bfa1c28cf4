"""The 12 classes of Google Speech Commands, on a small folder of the same format."""

import os
import re
import shutil

import numpy as np
import pytest

from brian_le.protocols import run
from brian_le.protocols.data.speech_sounds import Sounds
from brian_le.protocols.tasks.sequences import benchmarks
from brian_le.protocols.tasks.sequences.benchmarks import SpeechCommands
from tests.protocols.data.speech_folder import write_speech, write_wav
from tests.protocols.tasks.sequences.test_task import Killed, adam
from tests.reference_gle import gle

SMALL = dict(neurons=2, hidden_layers=2, batch=8, dt=0.1, rate=0.01)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('made')/'speech'
    write_speech(folder, train=2, validation=1, test=1, length=4000)
    return folder


@pytest.fixture
def short(monkeypatch, folder):
    """The network hears the first two frames only."""
    shown = Sounds._shown
    monkeypatch.setattr(benchmarks, 'FRAMES', 2)
    monkeypatch.setattr(Sounds, '_shown',
                        lambda self, sounds: shown(self, sounds)[:, :2*self._steps])
    return str(folder)


def training(data, **options):
    return SpeechCommands(SpeechCommands.read(dict(data=data, **options)), 3)


def test_published_network(folder):
    made = training(str(folder), batch=8)
    made.compose()
    net = made.net
    assert sum(w.size for w in net.weights.values()) == 1_160_262
    assert made.data.shape == (820, 32) and made.n_steps == 820
    assert [len(group)//8 for group in net.neurons] == [750, 750, 750, 12]
    for group in net.hidden:
        for tau, expected in (('tau_m', [2.4, 0.6, 1.2, 1.8, 2.4]),
                              ('tau_r', [2.4, 0.1, 0.1, 0.1, 0.1])):
            np.testing.assert_allclose(np.asarray(group.by_replica(tau)[0])*1e3,
                                       np.repeat(expected, 150), rtol=1e-12)
    for tau in (net.output.tau_m, net.output.tau_r):
        np.testing.assert_allclose(np.asarray(tau)*1e3, 2.4, rtol=1e-12)
    assert [layer.activation for layer in made.layers[:-1]] == ['linear', 'tanh', 'tanh']
    p = SpeechCommands.read(dict(data='somewhere'))
    assert p.rate == pytest.approx(5e-4*0.05*625/800, rel=1e-12)
    assert (p.batch, p.epochs, p.factor, p.patience, p.beta) == (256, 420, 0.9, 3, 1)
    assert p.errors == 'prospective'


def test_draws_depend_on_seed_epoch_and_batch_alone(folder):
    made = training(str(folder), **SMALL)
    assert made.n_batches == 3  # of 20 words, 2 others and 2 silent ones
    indices, rates = made.learned(1, 0, 3)
    assert rates.shape == (24, 410, 32) and not np.array_equal(np.sort(indices), np.arange(24))
    for k in range(3):
        part, alone = made.learned(1, k, 1)
        np.testing.assert_array_equal(part, indices[8*k:8*k + 8])
        np.testing.assert_array_equal(alone, rates[8*k:8*k + 8])
    assert not np.array_equal(made.learned(2, 0, 3)[0], indices)
    same = np.random.default_rng([3, 1, 2])
    np.testing.assert_array_equal(made.data.train.varied(indices[16:], same), rates[16:])


def test_training_is_that_of_plain_numpy(tmp_path, short):
    """Two epochs of three batches, against the reference step by step."""
    options = dict(SMALL, data=short, epochs=2, precision='double')
    found = run('speech-commands', out=tmp_path/'r', quiet=True, device='numpy', seed=3,
                **options).arrays
    made = training(**options)
    shown, rates = made.whole
    classes = made.data.train.classes[shown]
    x = rates.reshape(6, 8, 20, 32).swapaxes(1, 2).reshape(120, 8, 32)
    targets = np.repeat(np.eye(12)[classes].reshape(6, 1, 8, 12), 20, axis=1)
    layers, update = made.layers, adam(0.01)
    expected = gle(
        made.weights | {('tau_m', k): np.broadcast_to(np.asarray(layer.tau_m)*1e3, layer.n)
                        for k, layer in enumerate(layers)},
        [np.broadcast_to(np.asarray(layer.tau_r)*1e3, layer.n) for layer in layers], x,
        targets.reshape(120, 8, 12), dt=0.1, beta=1.0, activations=['linear', 'tanh', 'linear'],
        prospective=True, loss='cross_entropy', step=update)
    for k in range(3):
        for kind in ('forward', 'bias'):
            np.testing.assert_allclose(found[f'W_{kind}_{k}'], expected[kind, k][-1], rtol=0,
                                       atol=1e-10)
    outputs = expected['r', 2].reshape(6, 20, 8, 12).mean(axis=1).reshape(48, 12)
    np.testing.assert_array_equal(found['train_accuracy'],
                                  (outputs.argmax(1) == classes).reshape(2, 24).mean(axis=1))


def test_step_size_follows_the_loss_of_the_validation_recordings(short):
    made = training(short, epochs=4, **dict(SMALL, rate=1.0))
    made.p.patience = 0
    state = {'rate': np.array(1.0), 'best_loss': np.array(1e30), 'bad_epochs': np.array(0),
             'rates': np.zeros(4), 'validation_loss': np.array([9, 3, 4, 2, 2.0]),
             'epoch_loss': np.array(7.0)}
    for epoch in range(4):
        state = made._scheduled(state, epoch)
    np.testing.assert_allclose(state['rates'], [1, 1, 0.9, 0.9])
    assert float(state['rate']) == pytest.approx(0.81)


def test_a_killed_run_ends_with_the_same_numbers(tmp_path, short, monkeypatch):
    settings = dict(SMALL, data=short, quiet=True, device='numpy', seed=3, epochs=3)
    whole = run('speech-commands', out=tmp_path/'whole', **settings)
    chunk, calls = SpeechCommands.chunk, []

    def killed(self, program, state, first, n):
        if len(calls) == 2:
            raise Killed
        calls.append(first)
        return chunk(self, program, state, first, n)

    monkeypatch.setattr(SpeechCommands, 'chunk', killed)
    with pytest.raises(Killed):
        run('speech-commands', out=tmp_path/'killed', **settings)
    monkeypatch.setattr(SpeechCommands, 'chunk', chunk)
    continued = run('speech-commands', out=tmp_path/'killed', **settings)
    assert continued.arrays.keys() == whole.arrays.keys()
    for key, values in whole.arrays.items():
        np.testing.assert_array_equal(continued.arrays[key], values, err_msg=key)
    assert whole.arrays['validation_accuracy'].shape == whole.arrays['test_accuracy'].shape == (4,)
    lines = list(SpeechCommands.summarize(whole))
    assert len(lines) == 3 and 'validation sequences are correct after 3 epochs' in lines[0]


@pytest.mark.parametrize('options, message', [
    (dict(), "'data' is missing; give --data FOLDER"),
    (dict(data='none'), "'none' cannot be read: there is no such folder"),
    (dict(dt=0.3), "'dt' is 0.3 ms; 1 ms, the time of a frame, has to be a whole number"),
    (dict(dt=2.0), "'dt' is 2 ms"), (dict(batch=25), 'there are only 24 training sequences'),
    (dict(neurons=0), 'at least 1'), (dict(neuron=3), "mean 'neurons'"),
    (dict(dt=0.2), 'tau_r of layer 0 of .* is 100')])
def test_bad_parameters(tmp_path, folder, options, message):
    given = {} if not options else dict(data=str(folder), batch=8) | options
    with pytest.raises(ValueError, match=message):
        run('speech-commands', out=tmp_path/'r', quiet=True, device='numpy', **given)
    assert os.listdir(tmp_path) == []


def test_a_damaged_file_ends_the_run_before_it_begins(tmp_path, folder):
    shutil.copytree(folder, tmp_path/'copy')
    path = tmp_path/'copy'/'go'/'00000001_nohash_0.wav'
    write_wav(path, np.zeros(4000), rate=22_050)
    with pytest.raises(ValueError, match=re.escape(f"'{path}' has 1 channels of 16 bits with "
                                                   '22050')):
        run('speech-commands', data=str(tmp_path/'copy'), out=tmp_path/'r', quiet=True,
            device='numpy', **SMALL)
    assert os.listdir(tmp_path) == ['copy']


def test_words_are_learned(tmp_path):
    """Chirps as words: chance is 1/12."""
    write_speech(tmp_path/'speech', train=12, validation=4, test=4)
    arrays = run('speech-commands', data=str(tmp_path/'speech'), out=tmp_path/'r', quiet=True,
                 neurons=6, hidden_layers=2, batch=12, dt=0.1, rate=5e-4, patience=0, factor=0.5,
                 epochs=20, seed=1).arrays
    assert arrays['test_accuracy'][0] < 0.3
    assert arrays['test_accuracy'][-1] > 0.8
    assert arrays['validation_accuracy'][-1] > 0.8
    assert arrays['validation_loss'][-1] < 0.5*arrays['validation_loss'][0]
