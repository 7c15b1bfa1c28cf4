"""Every rule with every optimiser, with and without decay, limits and a gate, against NumPy."""

import numpy as np
import pytest
from brian2 import NeuronGroup, linked_var, ms

from brian_le import (SGD, Adam, Compartment, SharedParameters, apical_silencing, bias_learning,
                      coupling_learning, dendritic_prediction, error_feedback, error_learning,
                      lookahead_learning, membrane_learning, phaseless_alignment, project,
                      time_constant_matching)
from tests.reference_optimisers import adam, sgd
from tests.running import WITH_SLOW_CYTHON, run_cases

STEPS, DT, ETA, DECAY = 30, 0.1, 0.8, 0.1
LARGEST, LEAST = 0.65, 0.4
I, J = np.arange(3), np.arange(2)
W0 = np.array([[0.5, -0.2, 0.1], [0.3, 0.6, -0.6]])  # [post, pre]
B0, TAU0 = np.array([0.4, -0.1]), np.array([0.6, 0.45])  # the second in ms
TREE = [Compartment('soma'), Compartment('twig', 'soma', coupling='')]

#: What neurons have: a wave of its own each, by (frequency, phase between neurons).
PRE = {'r': (0.4, 1), 'r_sent': (0.5, 1.5), 'r_high': (0.2, 0.7)}
POST = {'err': (0.3, 2), 'v_api_sum': (0.35, 1.2), 'v_api_noise': (0.45, 0.4),
        'err_in': (0.25, 1.1), 'u_dot': (0.15, 0.9), 'u_prosp': (0.55, 1.4), 'v_in': (0.1, 0.3),
        'b': (0.6, 0.2), 'r_sent_twig': (0.7, 0.8)}


def waves(known, t, index):
    return {name: np.cos(frequency*t/4 + phase*index)
            for name, (frequency, phase) in known.items()}


def outer(name, other):
    return lambda pre, post: np.outer(post[name], pre[other])


def times(name):
    return lambda pre, post: post[name]*post['u_dot']


#: The maker of each rule, where it begins, and what improves it.
RULES = {
    'prediction': (lambda **o: dendritic_prediction('v_up', **o), W0, outer('err', 'r_sent')),
    'silencing': (lambda **o: apical_silencing('v_up', **o), W0,
                  lambda pre, post: -outer('v_api_sum', 'r_sent')(pre, post)),
    'errors': (lambda **o: error_learning('v_up', **o), W0, outer('err', 'r_sent')),
    'feedback': (lambda **o: error_feedback(**o), W0, outer('err', 'r_sent')),
    'phaseless': (lambda **o: phaseless_alignment('v_up', **{'decay': None} | o), W0,
                  outer('v_api_noise', 'r_high')),
    'bias': (lambda **o: bias_learning('v_up', **o), B0, lambda pre, post: post['err']),
    'coupling': (lambda **o: coupling_learning(TREE, 'twig', **o), B0,
                 lambda pre, post: post['err']*post['r_sent_twig']),
    'membrane': (lambda **o: membrane_learning(**o), TAU0,
                 lambda pre, post: -times('err')(pre, post)),
    'lookahead': (lambda **o: lookahead_learning(**o), TAU0, times('err_in')),
    'matching': (lambda **o: time_constant_matching(**o), TAU0, lambda pre, post: (
        post['u_prosp'] - (post['v_in'] + post['b']))*post['u_dot']),
}
OPTIMISERS = {'sgd': (SGD(), sgd), 'momentum': (SGD(0.7), lambda rates: sgd(rates, 0.7)),
              'adam': (Adam(0.5, 0.8, 0.1), lambda rates: adam(rates, 0.5, 0.8, 0.1))}
CASES = [(rule, optimiser, full) for rule in RULES for optimiser in OPTIMISERS
         for full in (False, True)]


def equations(rule, optimiser, full):
    make, start, _ = RULES[rule]
    optimiser, _ = OPTIMISERS[optimiser]
    options = {'eta': ETA/ms, 'optimiser': optimiser}
    if start is TAU0:
        options['eta'] = ETA*ms if optimiser.scales_with_gradient else ETA
    if full:
        options |= {'decay': DECAY/ms, 'gate': 'learning'}
        if start is TAU0:
            options |= {'tau_min': LEAST*ms, 'tau_max': LARGEST*ms}
        else:
            options |= {'bias_max' if rule == 'bias' else 'w_max': LARGEST}
    return make(**options)


def compose(rule, optimiser, full, switch):
    """Two neurons, whose variables are waves, with one learned variable or three in each."""
    name = f'{rule}_{optimiser}_{int(full)}'
    model = equations(rule, optimiser, full)

    def group(known, n, role):
        lines = [f'{v} = cos({f}*t_in_timesteps/4 + {p}*i){"/ms" if v == "u_dot" else ""} : '
                 f'{"hertz" if v == "u_dot" else "1"}' for v, (f, p) in known.items()]
        lines += ['v_up : 1', 'v_err : 1', 'tau_m : second', 'tau_r : second', 'coupling_twig : 1']
        return NeuronGroup(n, '\n'.join(lines), name=f'{name}_{role}', namespace={})

    pre, post = group(PRE, 3, 'pre'), group(POST, 2, 'post')
    if RULES[rule][1] is W0:
        S = project(pre, post, model, name=name)
        S.matrix()[:] = W0
    else:
        S = SharedParameters(post, model, order=1, method='prospective_euler', name=name,
                             namespace={})
        learned = next(v for v in ('w', 'bias', 'tau') if v in model.diff_eq_names)
        S.matrix(learned)[:] = RULES[rule][1]*(ms if learned == 'tau' else 1)
    if full:
        S.learning = linked_var(switch, 'learning')
    if (optimiser, full) != ('adam', True):  # the others have half as much to compile without sums
        for runner in S.summed_updaters.values():
            runner.active = False
    return pre, post, S


def expected(rule, optimiser, full, limits=True):
    _, p, gradient = RULES[rule]
    least = LEAST if p is TAU0 else -LARGEST
    step = OPTIMISERS[optimiser][1]({'p': DT*ETA})
    is_time = p is TAU0
    for t in range(STEPS):
        if full and t % 3 == 1:
            continue
        change = step('p', -gradient(waves(PRE, t, I), waves(POST, t, J)))
        p = p + change - (DT*DECAY*p if full else 0)
        if full and limits:
            p = np.clip(p, least, LARGEST)
        elif is_time and limits:
            p = np.maximum(p, DT)
    return p


def compose_all(name):
    switch = NeuronGroup(1, 'learning = int(t_in_timesteps % 3 != 1) : 1 (shared)',
                         name=f'{name}_switch', namespace={})
    composed = {case: compose(*case, switch) for case in CASES}
    return [switch, *composed.values()], STEPS*DT*ms, lambda: {
        case: np.array(S.matrix(next(v for v in ('w', 'bias', 'tau') if v in S.variables)))
        for case, (_, _, S) in composed.items()}


@pytest.fixture(scope='module', params=WITH_SLOW_CYTHON)
def found(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp('learning')
    return run_cases(request.param, {'all': compose_all}, directory)['all']


@pytest.mark.parametrize('case', CASES, ids=lambda case: f'{case[0]}-{case[1]}-{case[2]}')
def test_against_numpy(found, case):
    values = found[case]*(1e3 if RULES[case[0]][1] is TAU0 else 1)
    np.testing.assert_allclose(values, expected(*case), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize('rule', RULES)
def test_limits_matter(rule):
    assert np.abs(expected(rule, 'adam', True) - expected(rule, 'adam', True, False)).max() > 0.01


@pytest.mark.parametrize('rule', RULES)
def test_nothing_stands_there_that_is_not_asked_for(rule):
    make, start, _ = RULES[rule]
    learned = {'bias': 'bias'}.get(rule, 'tau' if start is TAU0 else 'w')
    model = make(eta='shared, constant')
    assert model.diff_eq_names == {learned}
    bounds = {'tau_min'} if start is TAU0 else set()
    sums = {v for v in model if v.endswith(('_post', '_pre'))}
    assert set(model) - sums == {learned, 'eta'} | bounds


BAD = {
    'limit of a constant': (lambda: error_learning(eta=None, w_max=2.0),
                            "'w' is constant .* w_max=2.0; give an eta, or leave out w_max"),
    'limit of 0': (lambda: bias_learning(bias_max=0), 'bias_max is 0; .* positive'),
    'negative limit': (lambda: phaseless_alignment('v', w_max=-1.0), 'w_max is -1.0'),
    'negative decay': (lambda: apical_silencing('v', decay=-1/ms), 'decay is -1'),
    'limits that cross': (lambda: membrane_learning(tau_min=5*ms, tau_max=2*ms),
                          'tau_max is 2. ms, but tau_min is 5. ms; give a larger tau_max'),
    'no optimiser': (lambda: dendritic_prediction('v', optimiser='adam'),
                     "the optimiser is 'adam'"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        make()
