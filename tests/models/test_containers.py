"""What can be set of containers, how Brian2's run finds them, and what they say of themselves."""

import inspect

import numpy as np
import pytest
from brian2 import MagicNetwork, Network, NeuronGroup, collect, ms, prefs, run, start_scope
from brian2.core import magic
from brian2.utils.logger import catch_logs

from brian_le.models import (Batches, BatchReadout, CorticalChain, Dense, GLENetwork,
                             LayeredNetwork, Microcircuit, Presentations, Readout, SequenceReadout,
                             Sequences, Traces, initial_weights, random_weights,
                             self_predicting)
from brian_le.models.containers import Container

LAYERS = [Dense(3), Dense(2)]
EYE = np.eye(4)


@pytest.fixture(autouse=True)
def on_numpy():
    before = prefs.codegen.target
    prefs.codegen.target = 'numpy'
    yield
    prefs.codegen.target = before


def make():
    """One of each container, by its name in scripts."""
    shown = Presentations(EYE, EYE[:, :2], duration=1*ms)
    batches = Batches(EYE, EYE[:, :2], duration=1*ms, name='batches')
    sequences = Sequences(EYE[..., np.newaxis], duration=4*ms, name='sequences')
    mc = Microcircuit((4, 3, 2), shown, eta_up=0.1/ms, name='mc')
    net = LayeredNetwork(4, LAYERS, batches=batches, eta=0.1/ms, name='net')
    return dict(
        shown=shown, batches=batches, sequences=sequences, mc=mc, net=net,
        free=Microcircuit((4, 3, 2), eta_up=0.1/ms, name='free'),
        gle=GLENetwork(4, LAYERS, eta=0.1/ms, name='gle'),
        chain=CorticalChain(4, LAYERS, eta=0.1/ms, name='chain'),
        readout=Readout(shown, mc.output, 'u', name='readout'),
        batch_readout=BatchReadout(batches, net.output, 'r'),
        sequence_readout=SequenceReadout(batches, net.output, 'r', name='sequence_readout'),
        traces=Traces(mc.output, ['u'], [0], name='traces'))


@pytest.fixture(scope='module')
def made():
    return make()


REFUSED = [
    ('mc.learning = 0', 'give learning=... to Presentations'),
    ('free.learning = 0', r"set .projections\['up', 0\].eta = 0/ms"),
    ('free.nudged = 0', '.output.nudged = 0'),
    ('mc.eta_up = 0/ms', r"set .projections\['up', 0\].eta = ..."),
    ('mc.eta_up = 5', r"set .projections\['up', 0\].eta = ..."),
    ('mc.eta_pi = 0/ms', 'constant weights: give eta_pi=... when it is made'),
    ('mc.g_l = 3/ms', r'set .hidden\[0\].g_l = ... \(or of 2 others\)'),
    ('mc.r = 1', r'set .inputs.r'), ('mc.u_nudge = 1', r'set .inter\[0\].u_nudge'),
    ('mc.foo = 1', "does not take 'foo': nothing would read it"),
    ('mc.wieghts = {}', "did you mean 'weights'"),
    ('mc.weights = {}', 'make another one'), ('mc.sizes = (1, 2, 3)', 'make another one'),
    ('mc.name = "x"', 'make another one'), ('mc.substrate = None', 'make another one'),
    ('mc.bias = 3', 'give bias=... when it is made'), ('del mc.weights', 'cannot be deleted'),
    ('net.learning = 0', 'set .schedule.learning'), ('net.nudged = 0', 'set .schedule.nudged'),
    ('net.eta = 0/ms', r"set .projections\['forward', 0\].eta"),
    ('net.beta = 1', r'set .neurons\[1\].beta'), ('net.tau_m = 5*ms', r'set .neurons\[0\].tau_m'),
    ('net.gamma = 1', 'give gamma=... when it is made'), ('net.replicas = 4', 'give replicas=... '
                                                                              'when it is made'),
    ('gle.learning = 0', 'set .schedule.learning'), ('gle.eta = 0/ms', 'forward'),
    ('gle.tau_r = 5*ms', r'set .neurons\[0\].tau_r'), ('gle.target = 1', r'.neurons\[1\].target'),
    ('gle.errors = "prospective"', 'give errors=... when it is made'),
    ('chain.learning = 0', 'set .schedule.learning'), ('chain.beta = 1', r'set .errors\[1\].beta'),
    ('shown.learning = 0', 'give learning=... to Presentations'),
    ('shown.schedule.learning = 0', "'learning' of 'presentations' is taken from the tables"),
    ('shown.schedule.nudged_ = 0', 'taken from the tables'),
    ('shown.schedule.pattern = 1', 'give order='),
    ('shown.n_steps = 4', 'set .schedule.n_steps'), ('shown.duration = 4*ms', 'nothing would read'),
    ('shown.capacity = 4', 'make another one'), ('shown.order = [1, 2]', 'give order=...'),
    ('batches.learning = 0', 'set .schedule.learning'), ('batches.duration = 1*ms', 'another one'),
    ('batches.replicas = 2', 'make another one'), ('sequences.n_points = 3', 'make another one'),
    ('readout.lag = 3', 'set .group.lag'), ('traces.on = 1', 'set .group.on'),
    ('readout.name = "x"', "does not take 'name'"), ('traces.variables = ["r"]', 'another one'),
    ('batch_readout.variable = "u"', 'nothing would read it'),
    ('sequence_readout.total = 0', 'set .group.total')]


@pytest.mark.parametrize('statement, remedy', REFUSED)
def test_what_would_have_no_effect_is_refused(made, statement, remedy):
    with pytest.raises(AttributeError, match=remedy):
        exec(statement, {'ms': ms, **made})


@pytest.mark.parametrize('statement, remedy', [
    ("mc.parameters['eta_up'] = 3", 'tells what it was made of'),
    ("mc.parameters.update(bias=3)", 'tells what it was made of'),
    ("net.projections['forward', 0] = None", 'tells what it was made of'),
    ("del net.projections['forward', 0]", 'tells what it was made of'),
    ("net.pools[3] = None", 'tells what it was made of'),
    ('mc.hidden[0] = None', 'does not support item assignment'),
    ('net.neurons[0] = None', 'does not support item assignment')])
def test_what_they_hold_is_fixed(made, statement, remedy):
    with pytest.raises(TypeError, match=remedy):
        exec(statement, dict(made))


def test_where_the_remedies_point_to_has_the_effect(made):
    made['mc'].projections['up', 0].eta = 0/ms
    made['net'].schedule.learning = 0
    made['mc'].hidden[0].g_l = 0.05/ms
    made['readout'].group.lag = 3
    assert made['net'].projections['forward', 0].learning[:] == [0]
    made['net'].schedule.learning = 1


def test_classes_of_ones_own_have_attributes():
    class Mine(Microcircuit):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.extra = 1

        @property
        def rate(self):
            return self.projections['up', 0].eta

        @rate.setter
        def rate(self, value):
            for k in range(2):
                self.projections['up', k].eta = value

    mine = Mine((4, 3, 2), eta_up=0.1/ms, name='mine')
    mine.rate = 0.2/ms
    mine._own = 3
    assert (mine.projections['up', 1].eta == 0.2/ms).all() and mine.extra == 1
    with pytest.raises(AttributeError, match="does not take 'extra'"):
        mine.extra = 2


@pytest.mark.parametrize('kind', [LayeredNetwork, Microcircuit, Presentations, Readout])
def test_help_shows_the_options(kind):
    options = inspect.signature(kind).parameters
    assert list(options) == list(inspect.signature(kind.__init__).parameters)[1:]
    assert 'args' not in options and 'name' in options


def test_run_and_collect_look_into_containers():
    start_scope()
    shown = Presentations(EYE, EYE[:, :2], duration=1*ms, name='magic_shown')
    circuit = Microcircuit((4, 3, 2), shown, eta_up=0.1/ms, name='magic')
    readout = Readout(shown, circuit.output, 'u', name='magic_readout')
    circuit.weights['up', 0] = 0.5
    assert {*shown, *circuit, *readout} == collect()
    run(4*ms)
    assert readout.means().shape == (4, 2) and (circuit.hidden[0].u[:] != 0).all()
    run(1*ms)  # goes on
    assert magic.magic_network.t == 5*ms and isinstance(magic.magic_network, MagicNetwork)


def in_a_function():
    inner = LayeredNetwork(4, LAYERS, name='inner')
    return len(inner.populations), {obj.name for obj in collect()}


def test_they_are_looked_for_where_run_is_called():
    """What the search stands on: how deep Brian2's own search goes."""
    start_scope()
    plain = NeuronGroup(1, 'v : 1', name='plain')
    outer = LayeredNetwork(4, LAYERS, name='outer')

    def deeper():
        return collect(level=1)

    names = {obj.name for obj in deeper()}
    assert 'outer_layer0' in names and plain.name in names
    n, inner = in_a_function()
    assert n == len(outer.populations)
    assert 'inner_layer0' in inner and not inner & {'outer_layer0', 'plain'}


def test_what_is_in_no_network_is_said_once():
    made = make()
    mc, readout, traces = made['mc'], made['readout'], made['traces']
    batch_readout, free = made['batch_readout'], made['free']
    in_another = Network(free)
    network = Network(mc)
    with catch_logs() as logs:
        network.run(0.2*ms, namespace={})  # which may use no names
        assert not [text for _, _, text in logs if 'is in no network' in text]
        network.run(0.2*ms)
        network.run(0.2*ms)
    said = [text for _, _, text in logs if 'is in no network' in text]
    # all that stands in a variable here; the others are in a dictionary
    assert len(said) == 3 and len(in_another) > 0
    for container in (readout, traces, batch_readout):
        assert sum(repr(container) in text for text in said) == 1


def test_parts_that_are_left_out_are_said_once():
    whole = LayeredNetwork(4, LAYERS, eta=0.1/ms, rng=1, name='whole')
    part = LayeredNetwork(4, LAYERS, eta=0.1/ms, rng=1, name='part')
    network = Network(whole, part.schedule, part.populations)
    with catch_logs() as logs:
        network.run(0.2*ms, namespace={})
        network.run(0.2*ms, namespace={})
    said, = [text for _, _, text in logs if 'only a part of' in text]
    assert "LayeredNetwork 'part'" in said and "'part_forward0', 'part_bias0'" in said
    assert 'and 1 more do nothing' in said


def test_networks_that_could_do_nothing_ask():
    for n, kind in enumerate([LayeredNetwork, GLENetwork, CorticalChain]):
        net = kind(4, LAYERS, name=f'nothing{n}')
        with catch_logs() as logs:
            Network(net).run(0.1*ms, namespace={})
        assert sum('weights of 0 only' in text and 'give rng=1' in text for *_, text in logs) == 1
    mc = Microcircuit((4, 3, 2), name='nothing_mc')
    with catch_logs() as logs:
        Network(mc).run(0.1*ms, namespace={})
    assert sum('weights of 0 only' in text for *_, text in logs) == 1
    net = LayeredNetwork(4, LAYERS, eta=0.1/ms, name='from_nothing')
    learning = Network(net)
    with catch_logs() as logs:
        learning.run(0.2*ms, namespace={})
        learning.run(0.2*ms, namespace={})
    assert len([text for _, _, text in logs if 'are all 0' in text]) == 1


@pytest.mark.parametrize('kind', [LayeredNetwork, GLENetwork, CorticalChain])
def test_random_weights_that_do_not_learn_are_said_unless_meant(kind):
    def said(name, **options):
        net = kind(4, LAYERS, rng=1, name=name, **options)
        network = Network(net)
        with catch_logs() as logs:
            network.run(0.1*ms, namespace={})
        return [text for _, _, text in logs if 'no learning rate' in text]

    warning, = said('unsaid')
    assert 'give eta=0.1/ms' in warning
    assert said('meant', eta=0/ms) == said('learns', eta=0.1/ms) == []


@pytest.mark.parametrize('rng', [3, np.random.default_rng(3)], ids=['seed', 'generator'])
@pytest.mark.parametrize('kind, options', [
    (LayeredNetwork, {}), (LayeredNetwork, dict(feedback='random')), (GLENetwork, dict(bias=False)),
    (CorticalChain, dict(feedback='random'))])
def test_initial_weights_are_drawn(kind, options, rng):
    net = kind(4, LAYERS, name='drawn', rng=rng, **options)
    own = kind is CorticalChain or 'feedback' in options
    expected = initial_weights(4, LAYERS, np.random.default_rng(3), feedback=own,
                               bias=options.get('bias', True))
    if isinstance(rng, int):
        assert set(expected) == set(net.weights)
        for key, array in expected.items():
            np.testing.assert_array_equal(net.weights[key], array)
    else:
        assert all(np.any(array) for array in net.weights.values())


def test_initial_weights_of_circuits_are_self_predicting():
    mc = Microcircuit((4, 3, 2), name='drawn_mc', bias=0.5, rng=3, g_b=0.2/ms)
    expected = self_predicting(random_weights((4, 3, 2), np.random.default_rng(3), bias=True),
                               g_b=0.2/ms)
    for key in mc.weights:
        np.testing.assert_allclose(mc.weights[key], expected[key], rtol=1e-15)
    chain = CorticalChain(4, LAYERS, name='drawn_chain', rng=3)
    np.testing.assert_array_equal(chain.weights['feedback', 1], chain.weights['forward', 1])
    transposed = Microcircuit((4, 3, 2), name='transposed_mc', feedback='transposed', rng=3)
    assert all(np.any(array) for array in transposed.weights.values())
    with pytest.raises(TypeError, match='rng is 1.5; give a generator'):
        Microcircuit((4, 3, 2), rng=1.5)


def test_all_containers_have_names():
    for name, container in make().items():
        assert isinstance(container, Container)
        assert 'object at' not in repr(container), name


@pytest.mark.parametrize('what', ['mc', 'net', 'gle', 'chain'])
def test_names_of_scripts_are_their_own(what):
    made = make()
    network = Network(made[what], *([made['readout'], made['traces']] if what == 'mc' else []))
    names = dict.fromkeys(
        ['r', 'u', 'w', 'eta', 'err', 'v_up', 'v_in', 'tau_m', 'learning', 'step', 'value', 'N',
         'r_sent', 'slope', 'b', 'bias', 'target', 'beta', 'nudged', 'total', 'on', 'lag', 't_0',
         'pattern', 'n_steps', 'g_l', 'w_max', 'v_err', 'i', 'tau_0', 'u_nudge'], 3.0)
    with catch_logs() as logs:
        network.run(0.2*ms, namespace=names)
    assert [text for level, name, text in logs if 'resolution_conflict' in name] == []


def test_names_that_a_user_gives_are_looked_up():
    net = LayeredNetwork(4, LAYERS, name='looked_up', rng=1)
    net.neurons[0].run_regularly('v_err = mine', dt=0.1*ms, when='end')
    Network(net).run(0.1*ms, namespace={'mine': 3})
    assert (net.neurons[0].v_err[:] == 3).all()
    stock = NeuronGroup(1, 'du/dt = -u/(5*ms) : 1', name='stock_names', method='euler')
    with catch_logs() as logs:
        Network(stock).run(0.1*ms, namespace={'u': 3})
    assert len([text for *_, name, text in logs if 'resolution_conflict' in name]) == 1
