"""How templates learn with any optimiser, decay and limits: replayed from what synapses saw."""

import numpy as np
import pytest
from brian2 import StateMonitor, ms

from brian_le import SGD, Adam
from brian_le.models import CorticalChain, Dense, GLENetwork, LayeredNetwork, Microcircuit
from brian_le.substrate import Noise, Substrate
from tests.reference_optimisers import adam, sgd
from tests.running import run_cases

STEPS, ETA, DECAY, LIMIT = 20, 0.5, 0.3, 0.45
OPTIMISERS = {'momentum': (SGD(0.6), lambda: sgd({'w': 0.1*ETA}, 0.6)),
              'adam': (Adam(0.5, 0.8, 0.1), lambda: adam({'w': 0.1*ETA}, 0.5, 0.8, 0.1))}
#: What the weights of a kind of projection learn from, before and behind the synapse.
SEEN = {'forward': ('r_sent', 'err'), 'feedback': ('r_sent', 'err'), 'up': ('r_sent', 'err'),
        'ip': ('r_sent', 'err'), 'pi': ('r_sent', 'v_api_sum'), 'down': ('r_high', 'v_api_noise')}
MINUS = {'pi'}
LEARN = dict(eta=ETA/ms, decay=DECAY/ms, w_max=LIMIT)
RATES = {f'eta_{kind}': ETA/ms for kind in ('up', 'ip', 'pi')}


def layered(cls, **more):
    return lambda **options: cls(3, [Dense(4), Dense(2)], rng=1, **LEARN, **more, **options)


MODELS = {
    'microcircuit': lambda **o: Microcircuit(
        (3, 4, 2), decay=DECAY/ms, w_max=(LIMIT, LIMIT), rng=2, **RATES, **o),
    'learned feedback': lambda **o: Microcircuit(
        (3, 4, 2), feedback='learned', decay=DECAY/ms, w_max=(LIMIT, LIMIT), eta_down=ETA/ms,
        decay_down=DECAY/ms, rng=3, substrate=Substrate([Noise('v_api', 0.5, tau=0.2*ms)], seed=1),
        **RATES, **o),
    'layered': layered(LayeredNetwork, feedback='mirror'),
    'gle': layered(GLENetwork),
    'cortical': layered(CorticalChain),
}
CASES = [(model, optimiser) for model in MODELS for optimiser in OPTIMISERS]


def compose_all(name):
    objects, reads = [], {}
    for number, (model, optimiser) in enumerate(CASES):
        net = MODELS[model](optimiser=OPTIMISERS[optimiser][0], name=f'{name}_{number}')
        net.inputs.r = [0.9, -0.4, 0.7]
        if isinstance(net, Microcircuit):
            net.output.nudged, net.output.u_nudge = 1, [1, -1]
        else:
            targets = net.errors[-1] if isinstance(net, CorticalChain) else net.output
            targets.target, targets.beta = [6, -5], 1
        objects.append(net)
        for (kind, k), projection in net.projections.items():
            if 'w' not in projection.equations.diff_eq_names:
                continue
            before, behind = SEEN[kind]
            if model == 'cortical' and kind == 'forward':
                behind = 'v_api'
            monitors = [StateMonitor(group, variable, record=True, when='end', order=99,
                                     name=f'{projection.name}_{variable}_seen')
                        for group, variable in ((projection.source, before),
                                                (projection.target, behind))]
            objects.append(monitors)
            start = np.array(projection.matrix())
            reads[model, optimiser, kind, k] = (projection, start, monitors, before, behind)
    return objects, STEPS*0.1*ms, lambda: {
        key: (start, np.array(projection.matrix()), *(
            np.array(getattr(monitor, variable).T) for monitor, variable in zip(seen, variables)))
        for key, (projection, start, seen, *variables) in reads.items()}


@pytest.fixture(scope='module')
def found(tmp_path_factory):
    return run_cases('numpy', {'all': compose_all}, tmp_path_factory.mktemp('l'))['all']


def replayed(kind, optimiser, start, before, behind, limit):
    w, step = start, OPTIMISERS[optimiser][1]()
    for pre, post in zip(before, behind):
        gradient = np.outer(post, pre)
        w = w + step('w', gradient if kind in MINUS else -gradient) - 0.1*DECAY*w
        w = np.clip(w, -limit, limit)
    return w


@pytest.mark.parametrize('case', CASES, ids='-'.join)
def test_every_weight_that_learns(found, case):
    kinds = set()
    for (*what, kind, k), (start, end, before, behind) in found.items():
        if tuple(what) == case:
            kinds.add(kind)
            # a microcircuit has limits on its forward weights
            limit = LIMIT if kind in ('forward', 'feedback', 'up') else np.inf
            np.testing.assert_allclose(end, replayed(kind, case[1], start, before, behind, limit),
                                       rtol=1e-12, atol=1e-13, err_msg=f'{kind} {k}')
            assert np.abs(end - start).max() > 1e-3
    assert kinds == {'microcircuit': {'up', 'ip', 'pi'}, 'gle': {'forward'},
                     'learned feedback': {'up', 'ip', 'pi', 'down'}}.get(
                         case[0], {'forward', 'feedback'})


@pytest.mark.parametrize('model', MODELS)
def test_limits_are_reached(found, model):
    assert any(np.abs(end).max() == LIMIT for (name, *_), (_, end, *_) in found.items()
               if name == model)


@pytest.mark.parametrize('cls', [LayeredNetwork, GLENetwork, CorticalChain])
@pytest.mark.parametrize('options, message', [
    (dict(w_max=1.0), r'w_max=1.0, but layers that do not learn \(eta is 0\)'),
    (dict(eta=0.1/ms, w_max=0), 'w_max of .* is 0.0; .* positive'),
    (dict(eta=0.1/ms, w_max=[1, 2, 3]), 'w_max .* has 3 values; give one, or 2'),
    (dict(decay=0.1/ms), 'a decay of the weights, but layers that do not learn'),
    (dict(optimiser='adam'), "the optimiser is 'adam'")])
def test_bad_input(cls, options, message):
    with pytest.raises(ValueError, match=message):
        cls(3, [Dense(4), Dense(2)], **options)


@pytest.mark.parametrize('options, message', [
    (dict(decay=0.1/ms), 'a decay of the weights, but none that learn; give an eta_up'),
    (dict(decay=-0.1/ms, eta_up=0.1/ms), 'decay of .* is -100'),
    (dict(optimiser=Adam), 'the optimiser is <class')])
def test_bad_input_of_a_microcircuit(options, message):
    with pytest.raises(ValueError, match=message):
        Microcircuit((3, 4, 2), **options)
