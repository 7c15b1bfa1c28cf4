import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from brian_le.models import Dense, Flatten, initial_weights
from brian_le.programs import start_values
from brian_le.protocols import check_protocol, load_result, run
from brian_le.protocols.baselines.backprop import BackpropNetwork
from brian_le.protocols.data.datasets import Dataset, Split, digits
from brian_le.protocols.runs import launches, running as runner
from brian_le.protocols.runs.results import ResultFolder
from brian_le.protocols.runs.running import Run
from brian_le.protocols.tasks.classification import task as classification
from brian_le.protocols.tasks.classification.benchmarks import (BENCHMARKS, Benchmark,
                                                                first_samples)
from brian_le.protocols.tasks.classification.options import (LABELS, NETWORKS, death, names_in,
                                                             parameters)
from brian_le.protocols.tasks.classification.task import Classification

DECLARED = parameters(t_pattern=0.5, dt=0.1, tau_m=2.0, epochs=2, batch=4, eta=2.0, sigma=0.5)
FACTORS = 1, 0.2
SEED = 3


def random_split(n, n_classes, seed):
    """Classes with a mean each, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, n_classes, size=n)
    return Split(rng.integers(0, 9, size=(n, 2, 2)) + 8*np.eye(4)[classes].reshape(n, 2, 2),
                 classes, 1/16)


def dataset(n_classes=3, validation=True, n_train=23):
    return Dataset('points', n_classes, (2, 2), random_split(n_train, n_classes, 0),
                   random_split(7, n_classes, 1) if validation else None,
                   random_split(13, n_classes, 2))


def points(data=None, outputs=3):
    """A protocol of a user, with small data."""
    data = dataset() if data is None else data
    return Benchmark('points', 'Points in a plane.', lambda p: data,
                     lambda p: [Flatten(), Dense(5), Dense(outputs)], lambda p: FACTORS,
                     DECLARED).protocol('Points')


def parameters_of(**given):
    return points().read({'precision': 'double', 'networks': 'all', **given})


def simulate(data=None, seed=SEED, outputs=3, run=None, **given):
    """The arrays of a run on small data; unless it is said otherwise, of all networks on numpy."""
    return (run or Run('numpy')).conduct(points(data, outputs)(parameters_of(**given), seed))


@pytest.fixture(scope='module')
def small():
    return simulate()


def assert_equal(found, expected):
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


def assert_close(found, expected, atol):
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=0, atol=atol, err_msg=key)


# ----------------------------------------------------------------------------- a loop of its own
class PlainNetwork:
    """Two layers of slow neurons, each step as it is published, for a batch of samples."""

    def __init__(self, p, weights, name):
        self.p, self.name = p, name
        self.tau_m = [np.full(len(weights['bias', k]), p.tau_m) for k in (0, 1)]
        self.tau_r = [0*tau if name == 'no_look_ahead' else tau for tau in self.tau_m]
        self.errors_from_tau_r = name == 'no_look_ahead' or p.errors_from == 'tau_r'
        self.alive = 1.0  # of hidden neurons
        self.delay, self.past = round(p.delay/p.dt), ()  # steps; what was sent so far
        self.W = [weights['forward', 0].copy(), weights['forward', 1].copy()]
        self.b = [weights['bias', 0].copy(), weights['bias', 1].copy()]
        self.B = weights['feedback', 1].copy() if name in ('random', 'mirror') else self.W[1]
        self.u, self.r, self.slope, self.err = (
            [np.zeros((p.batch, len(b))) for b in self.b] for _ in range(4))

    def show(self, x, target, learning):
        """Rates of the outputs after the time of one batch; without learning leave no trace."""
        before = {key: getattr(self, key) for key in ('u', 'r', 'slope', 'err')}
        for _ in range(round(self.p.t_pattern/self.p.dt)):
            self.step(x, target, learning)
        outputs = self.r[1]
        if not learning:
            vars(self).update(before)
        return outputs

    def late(self, k, value):
        """What arrives of a value: that of some steps before; of the input, the rate, the error."""
        self.past += ((k, value),)
        sent = [old for key, old in self.past if key == k]
        return sent[-1 - self.delay] if len(sent) > self.delay else 0*value

    def step(self, x, target, learning, eta_tau=0):
        p, seen, below = self.p, [self.late(0, x), self.late(1, self.r[0])], self.r[0]
        drive = [r @ W.T + b for r, W, b in zip(seen, self.W, self.b)]
        du = [(v + err - u)/tau for v, err, u, tau in zip(drive, self.err, self.u, self.tau_m)]
        prosp = [u + tau*d for u, d, tau in zip(self.u, du, self.tau_r)]
        # without the right look-ahead errors are what a membrane is away from its input
        sent = prosp[1] - drive[1] if self.errors_from_tau_r else self.err[1]
        sent = self.late(2, sent)
        if eta_tau:
            self.tau_m = [tau + p.dt*eta_tau*((ahead - v)*d).mean(axis=0)
                          for tau, ahead, v, d in zip(self.tau_m, prosp, drive, du)]
        self.err = [self.alive*self.slope[0]*(sent @ self.B),
                    p.beta*learning*self.slope[1]*(target - self.r[1])]
        for k, factor in enumerate(FACTORS if learning else ()):
            rate = p.dt*p.eta*factor/p.t_pattern
            change = rate*self.err[k].T @ seen[k]/p.batch
            decay = p.dt*p.decay/p.t_pattern if self.name == 'mirror' else 0
            if self.name == 'mirror' and k == 1:
                # feedback synapses know the error that has arrived, and the rate beside them
                arrived = self.late(3, self.err[k])
                self.B = self.B + rate*arrived.T @ below/p.batch - decay*self.B
            self.W[k] = self.W[k] + change - decay*self.W[k]
            self.b[k] = self.b[k] + rate*self.err[k].mean(axis=0)
        if self.name in ('le', 'no_look_ahead'):
            self.B = self.W[1]
        self.u = [u + p.dt*d for u, d in zip(self.u, du)]
        self.r = [self.alive*np.clip(prosp[0], 0, 1), prosp[1]]
        self.slope = [self.alive*((prosp[0] >= 0) & (prosp[0] <= 1)), np.ones_like(prosp[1])]


def count_correct(net, split, n_classes):
    """How many samples are classified correctly; the last batch is filled up with the first."""
    p, right, kept = net.p, 0, vars(net).copy()
    for begin in range(0, len(split), p.batch):
        chosen = [n if n < len(split) else 0 for n in range(begin, begin + p.batch)]
        # the state goes on from batch to batch
        for _ in range(round(p.t_pattern/p.dt)):
            net.step(split.rates(chosen), 0, False)
        for n, outputs in zip(chosen[:len(split) - begin], net.r[1]):
            answer = int(outputs[0] > 0.5) if len(outputs) == 1 else int(np.argmax(outputs))
            right += answer == split.classes[n]
    vars(net).update(kept)
    return right


def plain_training(data, p, name, seed=SEED, outputs=3, before=None, death=None, alive=1.0):
    """Weights, losses and accuracies of one network, all in plain loops.

    Before anything is learned comes `before`, and in the epoch `death` only some are `alive`.
    """
    weights = initial_weights((2, 2), [Flatten(), Dense(5), Dense(outputs)],
                              np.random.default_rng(seed), sigma=p.sigma, feedback=True)
    net, held_out = PlainNetwork(p, weights, name), data.validation or data.test
    more = before(net, data) if before else {}
    accuracy, losses = [count_correct(net, held_out, data.n_classes)/len(held_out)], []
    for epoch in range(p.epochs):
        if epoch and epoch == death:
            net.alive = alive
            more['accuracy_at_death'] = count_correct(net, held_out, data.n_classes)/len(held_out)
        order = np.random.default_rng([seed, epoch]).permutation(len(data.train))
        losses.append([])
        for n in range(len(order)//p.batch):
            batch = order[n*p.batch:(n + 1)*p.batch]
            target = np.eye(data.n_classes)[data.train.classes[batch]][:, -outputs:]
            found = net.show(data.train.rates(batch), target, True)
            losses[-1].append(0.5*((found - target)**2).sum()/p.batch)
        accuracy.append(count_correct(net, held_out, data.n_classes)/len(held_out))
    arrays = {'accuracy': accuracy, 'train_loss': np.mean(losses, axis=1),
              'test_accuracy': count_correct(net, data.test, data.n_classes)/len(data.test),
              'W_forward_0': net.W[0], 'W_forward_1': net.W[1], 'W_bias_0': net.b[0],
              'W_bias_1': net.b[1], **more}
    if name in ('random', 'mirror'):
        arrays['W_feedback_1'] = net.B
    return {f'{name}.{key}': value for key, value in arrays.items()}


def part_of(arrays, name):
    return {key: value for key, value in arrays.items() if key.startswith(f'{name}.')}


def of(arrays, name):
    """The arrays of a run of one network alone."""
    return {**part_of(arrays, name), **part_of(arrays, 'backprop')}


@pytest.mark.parametrize('name', NETWORKS)
def test_training_is_that_of_a_plain_loop(small, name):
    expected = plain_training(dataset(), parameters_of(), name)
    assert_close(part_of(small, name), expected, 1e-10)
    before = initial_weights(4, [Dense(5), Dense(3)], np.random.default_rng(SEED), sigma=0.5)
    assert np.abs(small[f'{name}.W_forward_1'] - before['forward', 1]).max() > 1e-3


@pytest.mark.parametrize('given', [dict(batch=23, epochs=3), dict(batch=1, t_pattern=0.1),
                                   dict(beta=0.3, eta=5, tau_m=1, dt=0.25, decay=0.5)])
def test_other_parameters(given):
    """A batch of all samples, online learning, other constants."""
    given = dict(networks='mirror', **given)
    assert_close(part_of(simulate(**given), 'mirror'),
                 plain_training(dataset(), parameters_of(**given), 'mirror'), 1e-10)


def test_filters_and_look_ahead_are_handed_on():
    plain = simulate(networks='le', epochs=1)
    for change in (dict(tau_s=0.5), dict(tau_target=0.5), dict(tau_r=1.0)):
        assert np.abs(simulate(networks='le', epochs=1, **change)['le.W_forward_1']
                      - plain['le.W_forward_1']).max() > 1e-4
    assert_equal(simulate(networks='le', epochs=1, tau_r=2.0), plain)  # that is tau_m


@pytest.mark.parametrize('batch', [1, 4, 13])
def test_accuracy_counts_the_last_batch(batch):
    """Without validation samples those of the test are counted, 13 in batches that do not fit."""
    data = dataset(validation=False)
    found = simulate(data, networks='le', batch=batch)
    expected = plain_training(data, parameters_of(batch=batch), 'le')
    np.testing.assert_allclose(found['le.accuracy'], expected['le.accuracy'], rtol=0, atol=1e-12)
    assert found['le.accuracy'][-1] == found['le.test_accuracy']


def test_accuracy_in_several_launches(monkeypatch):
    """The state goes on from one to the next; slow responses show it."""
    correct, found = Classification.correct, []

    def keep(training, split, indices, outputs):
        found.append(outputs)
        return correct(training, split, indices, outputs)
    monkeypatch.setattr(Classification, 'correct', keep)
    answers = []
    for room in (4096, 4):  # 4 is one batch
        monkeypatch.setattr(classification, '_ROOM', room)
        arrays = simulate(networks='no_look_ahead', epochs=1)
        answers.append([np.concatenate(found[n::2]) for n in (0, 1)] + list(arrays.values()))
        found.clear()
    for whole, parts in zip(*answers, strict=True):
        np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-13)


def test_validation_samples_are_the_held_out_ones(small):
    assert {round(7*accuracy, 9) % 1 for accuracy in small['le.accuracy']} == {0}
    assert round(13*small['le.test_accuracy'], 9) % 1 == 0


def test_one_output_is_above_one_half_for_the_second_class():
    data = dataset(n_classes=2)
    found = simulate(data, outputs=1, networks='le', eta=8, epochs=8)
    expected = plain_training(data, parameters_of(eta=8, epochs=8), 'le', outputs=1)
    assert_close(part_of(found, 'le'), expected, 1e-9)
    twin = BackpropNetwork(4, [Dense(5), Dense(1)], {
        (kind, k): found[f'backprop.W_{kind}_{k}'] for kind in ('forward', 'bias')
        for k in (0, 1)}, activation='hard_sigmoid')
    answers = twin.outputs(data.test.rates(np.arange(13)))[:, 0]
    assert found['backprop.test_accuracy'] == np.mean((answers > 0.5) == data.test.classes)
    # zero or another threshold would count others
    assert ((answers > 0) != (answers > 0.5)).any()


@pytest.mark.parametrize('rate', [None, 0.3])
def test_twin_is_backpropagation_by_hand(small, rate):
    arrays = small if rate is None else simulate(networks='le', backprop_rate=rate)
    p, data = parameters_of(), dataset()
    weights = initial_weights(4, [Dense(5), Dense(3)], np.random.default_rng(SEED),
                              sigma=p.sigma, feedback=True)
    twin = BackpropNetwork(4, [Dense(5), Dense(3)], weights, activation='hard_sigmoid')

    def accuracy(split):
        answers = twin.outputs(split.rates(np.arange(len(split)))).argmax(axis=1)
        return np.mean(answers == split.classes)
    accuracies, losses = [accuracy(data.validation)], []
    first = p.eta*p.beta if rate is None else rate
    for epoch in range(2):
        order = np.random.default_rng([SEED, epoch]).permutation(23)[:20]
        losses.append(np.mean([twin.learn(
            data.train.rates(batch), np.eye(3)[data.train.classes[batch]],
            [first*factor for factor in FACTORS]) for batch in order.reshape(5, 4)]))
        accuracies.append(accuracy(data.validation))
    expected = {'backprop.accuracy': accuracies, 'backprop.train_loss': losses,
                'backprop.test_accuracy': accuracy(data.test), **{
                    f'backprop.W_{kind}_{k}': w for (kind, k), w in twin.weights.items()}}
    assert_close(part_of(arrays, 'backprop'), expected, 1e-14)


# ------------------------------------------------------------------------------ imperfect networks
def drawn(p, name, seed=SEED):
    """What the substrate of a network has drawn: the values that a run starts with."""
    return {key.removeprefix(f'{name}_'): value
            for key, value in start_values(points()(p, seed).compose()).items()}


def with_mismatch(values, eta_tau=0):
    """Give a plain network time constants, and let them match if they have a rate."""
    def before(net, data):
        for tau in ('tau_m', 'tau_r'):
            setattr(net, tau, [1e3*values[f'layer{k}.{tau}'].reshape(net.p.batch, -1)[0]
                               for k in (0, 1)])
        if not net.p.matching:
            return {}
        kept = [np.concatenate(net.tau_m)]
        for number in range(net.p.matching):
            epoch, n = divmod(number, len(data.train)//net.p.batch)
            order = np.random.default_rng([SEED, epoch]).permutation(len(data.train))
            x = data.train.rates(order[n*net.p.batch:(n + 1)*net.p.batch])
            for _ in range(round(net.p.t_pattern/net.p.dt)):
                net.step(x, 0, False, eta_tau)
            kept.append(np.concatenate(net.tau_m))
        return {'tau_m': np.array(kept), 'tau_r': np.concatenate(net.tau_r)}
    return before


@pytest.mark.parametrize('name, given', [
    ('mirror', dict(mismatch=0.3)), ('no_look_ahead', dict(mismatch=0.3)),
    ('le', dict(mismatch=0.2, errors_from='tau_r', matching=7, eta_tau=0.3, epochs=1))])
def test_mismatch_is_that_of_a_plain_loop(name, given):
    given = dict(networks=name, twin='false', **given)
    p = parameters_of(**given)
    values = drawn(p, name)
    factors = 1e3*values['layer0.tau_m'][:5]/p.tau_m
    assert 0.3*p.mismatch < np.abs(factors - 1).mean() < 2*p.mismatch
    assert values['layer0.tau_r'].all() == (name != 'no_look_ahead')
    expected = plain_training(dataset(), p, name,
                              before=with_mismatch(values, p.eta_tau*p.tau_m**2/p.dt))
    found = simulate(**given)
    assert_close(found, expected, 1e-9)
    if p.matching:
        gap = np.abs(found['le.tau_m']/found['le.tau_r'] - 1).mean(axis=1)
        assert gap[-1] < 0.7*gap[0]


def test_neurons_that_die_are_those_of_a_plain_loop(monkeypatch):
    given, death = dict(networks='random', twin='false', dead=0.4, dead_from=0.5, epochs=3), 2
    p = parameters_of(**given)
    alive = drawn(p, 'random')['layer0.alive'].reshape(p.batch, -1)[0]
    assert alive.sum() == 3
    expected = plain_training(dataset(), p, 'random', death=death, alive=alive)
    assert_close(simulate(**given), expected, 1e-10)
    monkeypatch.setattr(runner, '_CHUNK_SECONDS', 0)  # a chunk for every batch
    assert_close(simulate(**given), expected, 1e-10)


@pytest.mark.parametrize('name', ['random', 'mirror', 'no_look_ahead'])
def test_delays_are_those_of_a_plain_loop(name):
    given = dict(networks=name, twin='false', delay=0.2, epochs=1)
    assert_close(simulate(**given), plain_training(dataset(), parameters_of(**given), name), 1e-10)


def test_death_leaves_an_epoch_to_learn_in():
    assert [death(parameters_of(dead=0.1, dead_from=when, epochs=4))
            for when in (0, 0.1, 0.5, 1)] == [0, 0, 2, 3]
    assert death(parameters_of(dead_from=0.5)) == 0  # none dies


def test_dead_from_the_beginning():
    arrays = simulate(networks='le', twin='false', dead=1.0, epochs=1)
    before = initial_weights(4, [Dense(5), Dense(3)], np.random.default_rng(SEED), sigma=0.5)
    assert 'le.accuracy_at_death' not in arrays
    np.testing.assert_array_equal(arrays['le.W_forward_1'], before['forward', 1])
    np.testing.assert_array_equal(arrays['le.W_forward_0'], before['forward', 0])
    assert (arrays['le.W_bias_1'] != before['bias', 1]).all()


def test_one_program_serves_all_strengths_and_seeds(monkeypatch):
    """Its runs are those of a program of their own, and each parameter is launched."""
    first = dict(networks='mirror', twin='false', epochs=1, mismatch=0.1, noise=0.1, delay=0.1,
                 bits=8, dead=0.2)
    second = dict(first, mismatch=0.4, noise=0.3, delay=0.4, bits=6, w_range=2, dead=0.4, eta=1.0,
                  beta=0.2, sigma=1, decay=0.1)
    built, build = [], launches.build_program
    monkeypatch.setattr(launches, 'build_program', lambda *given: built.append(0) or build(*given))
    monkeypatch.setattr(launches, '_BUILT', {})
    alone = simulate(seed=8, **second)
    launches._BUILT.clear()
    simulate(**first)
    launched = drawn(parameters_of(**first), 'mirror')
    assert_equal(simulate(seed=8, **second), alone)
    for key in second:
        if first.get(key) != second[key]:
            changed = drawn(parameters_of(**{**first, key: second[key]}), 'mirror')
            assert set(changed) == set(launched)
            assert any((changed[name] != launched[name]).any() for name in launched), key
    assert len(built) == 2


def test_steps_set_the_time_step():
    """With matched time constants only their number counts, neither dt nor the time constant."""
    p = dict(networks='le', twin='false', errors_from='tau_r')
    small = simulate(**p)
    assert_close(simulate(**p, steps=5, t_pattern=5, tau_m=7), small, 1e-10)


def test_twin_may_be_left_out(small):
    found = simulate(networks='le', twin='false')
    assert_equal(found, part_of(small, 'le'))
    assert names_in(found) == ['le']


def test_measures(small):
    def measures(arrays, **given):
        return Classification.measures(SimpleNamespace(
            arrays=arrays, description=dict(parameters=vars(parameters_of(**given)))))
    alone = {key: value for key, value in small.items() if key.startswith('le.')}
    assert measures(alone) == {'accuracy': small['le.test_accuracy'],
                               'train_loss': small['le.train_loss'][-1]}
    assert set(measures(small)) == {f'{name}.{key}' for name in (*NETWORKS, 'backprop')
                                    for key in ('accuracy', 'train_loss')}
    assert set(measures(of(small, 'le'))) == {'accuracy', 'train_loss', 'backprop.accuracy',
                                              'backprop.train_loss'}
    more = {**alone, 'le.tau_m': np.array([[1.0, 3], [2, 2]]), 'le.tau_r': np.array([2.0, 2]),
            'le.accuracy_at_death': np.array(0.25), 'le.accuracy': np.array([0.1, 0.5, 0.7])}
    found = measures(more, dead=0.5, dead_from=0.5)
    assert (found['mismatch_before'], found['mismatch_after']) == (0.5, 0)
    assert (found['accuracy_before_death'], found['accuracy_at_death']) == (0.5, 0.25)


def test_exported_projects_do_not_change_while_they_run():
    for given in (dict(matching=1), dict(dead=0.5, dead_from=0.5)):
        with pytest.raises(ValueError, match='give matching=0 and dead_from=0'):
            points()(parameters_of(**given), SEED).refuse_export()


# ---------------------------------------------------------------------------- what changes nothing
@pytest.mark.parametrize('name', ['random', 'no_look_ahead'])
def test_one_network_alone(small, name):
    alone = simulate(networks=name)
    assert names_in(alone) == [name, 'backprop']
    assert_equal(alone, of(small, name))


def test_evaluation_leaves_no_trace(monkeypatch, small):
    monkeypatch.setattr(Classification, 'accuracies',
                        lambda training, *rest: dict.fromkeys(training.names, 0.5))
    blind = simulate(networks='le')
    assert (blind['le.accuracy'] == 0.5).all()
    for key in blind:
        if 'accuracy' not in key:
            np.testing.assert_array_equal(blind[key], small[key], err_msg=key)


class InOneGo(Run):
    def in_chunks(self, protocol, program):
        return protocol.chunk(program, protocol.begin(program), 0, protocol.total)


def test_chunks_change_nothing(monkeypatch, small):
    alone = of(small, 'mirror')
    assert_equal(simulate(networks='mirror', run=InOneGo('numpy')), alone)
    monkeypatch.setattr(runner, '_CHUNK_SECONDS', 0)  # a chunk for every batch
    assert_equal(simulate(networks='mirror'), alone)


@pytest.mark.slow
def test_what_all_protocols_keep_to():
    check_protocol('yin-yang', networks='mirror', hidden=4, samples=21, batch=10, epochs=2,
                   t_pattern=0.2, mismatch=0.1)


def test_seed(small):
    assert_equal(simulate(networks='random'), of(small, 'random'))
    other = simulate(networks='random', seed=SEED + 1)
    for key in of(small, 'random'):
        if 'accuracy' not in key:
            assert (other[key] != small[key]).all(), key


# ------------------------------------------------------------- digits, on cpp_standalone as well
def few_digits(precision, run=None):
    """The protocol with its defaults, on few samples."""
    def read(p):
        data = first_samples(digits(), 70)
        return Dataset('few', 10, data.shape, data.train, None,
                       Split(data.test.inputs[:50], data.test.classes[:50], data.test.scale))
    few = replace(BENCHMARKS['Digits'], read=read).protocol('Few')
    p = few.read(dict(precision=precision, epochs=2))
    return (run or Run('cpp_standalone')).conduct(few(p, SEED))


@pytest.fixture(scope='module')
def on_standalone():
    return few_digits('double')


def test_numpy_and_standalone_find_the_same(on_standalone):
    assert_close(few_digits('double', Run('numpy')), on_standalone, 1e-9)


def test_single_precision_is_close(on_standalone):
    single = few_digits('single')
    assert single['le.W_forward_0'].dtype == single['backprop.W_forward_0'].dtype == np.float32
    assert on_standalone['le.W_forward_0'].dtype == np.float64
    for key, value in on_standalone.items():
        # an answer may be another one where two outputs are nearly the same
        atol = 0.021 if 'accuracy' in key else 2e-4
        np.testing.assert_allclose(single[key], value, rtol=0, atol=atol, err_msg=key)
    assert 0 < np.abs(single['le.W_forward_0'] - on_standalone['le.W_forward_0']).max() < 1e-5


def test_chunks_change_nothing_on_standalone(on_standalone):
    assert_equal(few_digits('double', InOneGo('cpp_standalone')), on_standalone)


class Interrupted(Exception):
    pass


def interrupt_after(monkeypatch, n):
    """Let a run end after its n-th checkpoint."""
    checkpoint, done = ResultFolder.checkpoint, []

    def interrupt(folder, arrays):
        checkpoint(folder, arrays)
        done.append(int(arrays['done']))
        if len(done) == n:
            raise Interrupted
    monkeypatch.setattr(ResultFolder, 'checkpoint', interrupt)
    monkeypatch.setattr(runner, '_CHUNK_SECONDS', 0)
    monkeypatch.setattr(runner, '_CHECKPOINT_SECONDS', 0)


def test_an_interrupted_run_on_standalone(tmp_path, monkeypatch, on_standalone):
    description = dict(protocol='digits', parameters={}, seed=SEED, device='cpp_standalone',
                       versions={})
    folder = ResultFolder(tmp_path/'r')
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)  # after the evaluation that follows the first epoch
        with pytest.raises(Interrupted):
            few_digits('double', Run('cpp_standalone', folder, description))
    folder._lock.release()  # as when the process has died
    again = Run('cpp_standalone', ResultFolder(tmp_path/'r'), description)
    assert_equal(few_digits('double', again), on_standalone)


YIN_YANG = dict(hidden=6, samples=61, batch=20, epochs=2, t_pattern='0.5 ms', precision='double',
                device='numpy', seed=4, quiet=True)


@pytest.fixture(scope='module')
def yin_yang(tmp_path_factory):
    return run('yin-yang', out=tmp_path_factory.mktemp('yin_yang')/'r', **YIN_YANG)


@pytest.mark.parametrize('checkpoints', [1, 3, 4])
def test_an_interrupted_run_ends_with_the_same_numbers(tmp_path, monkeypatch, yin_yang,
                                                       checkpoints):
    """Interrupted within the first epoch, between both, within the second one."""
    with monkeypatch.context() as patch:
        interrupt_after(patch, checkpoints)
        with pytest.raises(Interrupted):
            run('yin-yang', out=tmp_path/'r', **YIN_YANG)
    assert sorted(os.listdir(tmp_path)) == ['r.part']
    assert_equal(run('yin-yang', out=tmp_path/'r', **YIN_YANG).arrays, yin_yang.arrays)
    assert os.listdir(tmp_path) == ['r']


def test_a_killed_run_leaves_no_result_and_continues(tmp_path, yin_yang):
    settings = {key: value for key, value in YIN_YANG.items()
                if key not in ('device', 'seed', 'quiet')}
    settings['epochs'] = 6
    command = [sys.executable, '-m', 'brian_le.protocols', 'run', 'yin-yang', '--device', 'numpy',
               '--seed', '4', '--quiet', '--out', str(tmp_path/'r'),
               *(word for key, value in settings.items() for word in ('--set', f'{key}={value}'))]
    process = subprocess.Popen(command)
    while not (tmp_path/'r.part'/'checkpoint.npz').exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sorted(os.listdir(tmp_path)) == ['r.part']
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    continued = load_result(tmp_path/'r').arrays
    whole = run('yin-yang', out=tmp_path/'whole', **{**YIN_YANG, 'epochs': 6}).arrays
    assert_equal(continued, whole)
    # an epoch is the same, whatever follows
    np.testing.assert_array_equal(whole['le.accuracy'][:3], yin_yang.arrays['le.accuracy'])


# ---------------------------------------------------------------------------------- what goes wrong
@pytest.mark.parametrize('settings, message', [
    (dict(batch=24), "'batch' is 24, but there are only 23 training samples"),
    (dict(t_pattern=0.25), "'t_pattern' is 0.25 ms, which is not a whole number of time steps"),
    (dict(t_pattern=0.04), "'t_pattern' is 0.04 ms, which is not a whole number"),
    (dict(tau_m=0.05), 'tau_m of .* has to be at least the time step'),
    (dict(networks='mirror', decay=0), 'needs a decay'),
])
def test_bad_parameters(settings, message):
    with pytest.raises(ValueError, match=message):
        simulate(**settings)


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
@pytest.mark.parametrize('run', [Run('numpy'), InOneGo('numpy')])
@pytest.mark.parametrize('batch', [4, 23])
@pytest.mark.parametrize('rates', [dict(backprop_rate=1e160), dict(eta=1e160, backprop_rate=0.1)])
def test_what_diverges_is_named(run, batch, rates):
    """Also if it does in the last batch of an epoch, before the networks are evaluated."""
    if type(run) is InOneGo:
        state, rows = benchmark_chunk(batch, rates)
        assert not all(np.isfinite(value).all() for value in state.values())
        return
    with pytest.raises(FloatingPointError, match="is no longer finite in batch [1-6], between"):
        simulate(batch=batch, epochs=6, networks='le', run=run, **rates)


def benchmark_chunk(batch, rates):
    """All epochs in one chunk, of which what has diverged is handed on."""
    found = []

    class Keeping(Run):
        def in_chunks(self, protocol, program):
            found.extend(protocol.chunk(program, protocol.begin(program), 0, protocol.total))
            raise Interrupted
    with pytest.raises(Interrupted):
        simulate(batch=batch, epochs=6, networks='le', run=Keeping('numpy'), **rates)
    return found


def test_a_run_that_diverges_leaves_nothing(tmp_path):
    with np.errstate(all='ignore'), pytest.raises(FloatingPointError, match="'backprop"):
        run('yin-yang', out=tmp_path/'r', **{**YIN_YANG, 'backprop_rate': 1e200})
    assert os.listdir(tmp_path) == []


def test_first_samples():
    data = dataset()
    assert first_samples(data, None) is data
    few = first_samples(data, 5.0)
    np.testing.assert_array_equal(few.train.inputs, data.train.inputs[:5])
    np.testing.assert_array_equal(few.train.classes, data.train.classes[:5])
    assert few.train.scale == data.train.scale and few.test is data.test
    assert len(first_samples(data, 100).train) == 23
    with pytest.raises(ValueError, match='samples=1.5; give a whole number'):
        first_samples(data, 1.5)


def test_exports_that_are_too_large():
    """The error comes before the memory is needed."""
    p = parameters_of(epochs=10**6)
    with pytest.raises(ValueError, match="take 1e3 GB|take .* GB in an exported project"):
        points(dataset(n_train=400))(p, SEED).refuse_export()


def test_summary(small):
    lines = list(Classification.summarize(SimpleNamespace(arrays=small)))
    for line, (name, label) in zip(lines, LABELS.items(), strict=True):
        percent = f"{100*small[f'{name}.test_accuracy']:.2f} % of the test samples"
        assert line.startswith(label) and f' {percent} ' in line and 'after 2 epochs' in line
