"""DenseSynapses equals brian2.Synapses, and with replicas the mean over separate networks."""

import logging
import re
from functools import partial

import numpy as np
import pytest
from brian2 import Hz, Network, NeuronGroup, Synapses, TimedArray, ms, seed
from brian2.codegen.runtime.numpy_rt.numpy_rt import NumpyCodeObject
from brian2.utils.logger import catch_logs
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import DenseSynapses, by_replica
from tests.brian_le.networks import (SIZES, assert_equal, check_counter, compose_counter, draw,
                                     in_single, run_one, with_stock)
from tests.running import CODE_TARGETS, run_cases, run_parts


# ----------------------------------------------------------------------- models with a known result
def compose_indices(name, kind=DenseSynapses):
    """Code of the project, not of the loops, reads the indices."""
    a = NeuronGroup(3, 'r : 1', name=f'{name}_a')
    b = NeuronGroup(4, 'I : 1', name=f'{name}_b')
    S = kind(a, b, """I_post = w*(1 + i)*table(t)*r_pre : 1 (summed)
                      w : 1
                      x : 1""", name=f'{name}_S',
             namespace={'table': TimedArray([1, 2, 4], dt=0.2*ms)})
    S.connect()
    a.r = [1, 10, 100]
    S.w = 'i*10 + j'
    S.w[1, 2] = 50
    S.w['i == 2 and j == 0'] = '-1 - j'
    S.run_regularly('x = 10*i + j + 0.1*r_pre', dt=0.1*ms)
    return [a, b, S], 0.6*ms, lambda: {
        'w': S.w[:], 'x': S.x[:], 'I': b.I[:], 'i': S.i[:], 'j': S.j[:], 'one': S.w[2, 1],
        'in': S.N_incoming[:], 'out': S.N_outgoing[:]}


def check_indices(found):
    i, j = np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3)
    w = 10*i + j
    w[6], w[8] = 50, -1
    r = np.array([1, 10, 100])
    expected = {'w': w, 'x': 10*i + j + 0.1*r[i], 'i': i, 'j': j, 'one': [21],
                'I': 4*(w*(1 + i)*r[i]).reshape(3, 4).sum(axis=0)}
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-13, atol=0, err_msg=name)
    np.testing.assert_array_equal(found['in'], 3)
    np.testing.assert_array_equal(found['out'], 4)


# ---------------------------------------------------------------------------------- what falls back
FALLBACKS = {
    'part_of_source': "'{}_a_subgroup' is a part of a group",
    'part_of_target': "'{}_b_subgroup' is a part of a group",
    'condition': 'not all neurons are connected to all', 'chance': 'not all neurons are connected',
    'pairs': 'not all neurons are connected to all',
    'twins': 'not all neurons are connected to all',
    'twice': 'synapses are added to those that there are', 'later': 'synapses are added to those',
    'spikes': 'it has event pathways', 'several': 'it has a multisynaptic_index',
    'synapses': "'{}_c' are synapses", 'class': 'it has a codeobj_class of its own',
    'rand_in_learning': 'calls rand()', 'rand_in_sum': 'calls rand()', 'noise': 'has noise (xi)',
}


def compose_fallback(name, which, kind=DenseSynapses):
    seed(3)
    np.random.seed(3)
    a = NeuronGroup(6, 'r = sin(t/ms + i) : 1', name=f'{name}_a', namespace={},
                    **({'threshold': 'sin(t/ms + i) > 0.8'} if which == 'spikes' else {}))
    b = NeuronGroup(6, """dv/dt = (I - v)/(3*ms) : 1
                          I : 1""", method='euler', name=f'{name}_b', namespace={})
    learning = {'rand_in_learning': 'dx/dt = (rand() - x)/ms : 1 (clock-driven)',
                'noise': 'dx/dt = -x/ms + xi/sqrt(ms) : 1 (clock-driven)'}.get(which, 'x : 1')
    chance = '*rand()' if which == 'rand_in_sum' else ''
    options = {'spikes': {'on_pre': 'w += 0.01'}, 'several': {'multisynaptic_index': 'k'},
               'class': {'codeobj_class': NumpyCodeObject}}.get(which, {})
    source, target = a, b
    objects = [a, b]
    if which == 'part_of_source':
        source = a[1:5]
    elif which == 'part_of_target':
        target = b[2:]
    elif which == 'synapses':
        source = Synapses(a, b, 'u : 1', name=f'{name}_c')
        source.connect()
        source.u = '0.1*i - 0.2*j'
        objects.append(source)
    r = 'u_pre' if which == 'synapses' else 'r_pre'
    S = kind(source, target, f"""I_post = w*{r}{chance} : 1 (summed)
                                 dw/dt = ({r}*v_post - w)/(4*ms) : 1 (clock-driven)
                                 {learning}""", method='euler', name=f'{name}_S', namespace={},
             **options)
    connect = {'condition': dict(condition='i != j'), 'chance': dict(p=0.5), 'twins': dict(n=2),
               'pairs': dict(i=[0, 2, 2, 5], j=[1, 0, 4, 4])}.get(which, {})
    S.connect(**connect)
    if which == 'twice':
        S.connect('i == j')
        S.connect(i=[0, 1], j=[5, 5])
    S.w = '0.1*i - 0.05*j + 0.2'
    objects.append(S)

    def between():
        if which == 'later':
            S.connect(i=3, j=4)
            S.w['i == 3'] = 0.5
    return objects, [1*ms, between, 1*ms] if which == 'later' else 1*ms, lambda: {
        'i': S.i[:], 'j': S.j[:], 'w': S.w[:], 'x': S.x[:], 'v': b.v[:], 'n': [len(S)],
        'incoming': S.N_incoming[:]}


# ----------------------------------------------------------------------------------------- replicas
RULES = {  # equations, method, and the same in NumPy: a step from the mean gradient
    'clipped': ("""dw/dt = eta*(err_post*r_pre - 0.2*w) : 1 (clock-driven)
                   w_max = 0.2 : 1""", 'prospective_euler',
                lambda w, m, q, g: (np.minimum(w + 2*(g - 0.2*w), 0.2), m, q)),
    'momentum': ("""dw/dt = eta*m : 1 (clock-driven)
                    dm/dt = (err_post*r_pre - m)/(3*ms) : 1 (clock-driven)""", 'euler',
                 lambda w, m, q, g: (w + 2*m, m + (g - m)/30, q)),
    'adam': ("""dm/dt = (w_grad - m)/(3*ms) : 1 (clock-driven)
                dq/dt = (w_grad**2 - q)/(5*ms) : 1 (clock-driven)
                dw/dt = eta*m/(sqrt(q) + 0.1) - 0.1*w/ms : 1 (clock-driven)
                w_grad = err_post*r_pre : 1""", 'euler',
             lambda w, m, q, g: (w + 2*m/(np.sqrt(q) + 0.1) - 0.01*w, m + (g - m)/30,
                                 q + (g**2 - q)/50)),
    'signed': ("""dw/dt = eta*grad*abs(grad)*x : 1 (clock-driven)
                  grad = outer - 0.1*w : 1
                  outer = tanh(err_post)*r_pre : 1""", 'euler', None),
}


def compose_replicas(name, rule='adam', replicas=3, n_pre=7, n_post=5):
    a = NeuronGroup(replicas*n_pre, """dr/dt = (c + sin(5*t/ms) + 0.1*D - r)/(5*ms) : 1
                                       c : 1 (constant)
                                       D : 1""", method='euler', name=f'{name}_a', namespace={})
    b = NeuronGroup(replicas*n_post, """dv/dt = (I - v)/(5*ms) : 1
                                        err = v - tanh(I) : 1
                                        I : 1""", method='euler', name=f'{name}_b', namespace={})
    equations, method, _ = RULES[rule]
    more = '\n'.join(f'{name} : 1' for name in 'mqx' if f'd{name}/dt' not in equations)
    S = DenseSynapses(a, b, f"""I_post = w*r_pre : 1 (summed)
                                D_pre = w*err_post : 1 (summed)
                                eta : Hz (shared, constant)
                                {more}
                                {equations}""", method=method, order=1, replicas=replicas,
                      name=f'{name}_S', namespace={})
    S.connect()
    start = replicas_at_start(replicas, n_pre, n_post)
    S.matrix('w')[:], S.matrix('x')[:], S.eta = start['w'], start['x'], 20000*Hz
    by_replica(a, 'c', replicas)[:] = start['c']
    return [a, b, S], 1.5*ms, lambda: {
        'w': S.matrix('w')[:], 'm': S.matrix('m')[:], 'r': by_replica(a, 'r', replicas)[:],
        'I': by_replica(b, 'I', replicas)[:], 'v': by_replica(b, 'v', replicas)[:],
        'D': by_replica(a, 'D', replicas)[:]}


def replicas_at_start(replicas, n_pre, n_post):
    rng = np.random.default_rng(n_pre*n_post)
    return {'w': rng.normal(size=(n_post, n_pre))/np.sqrt(n_pre), 'x': rng.normal(
        size=(n_post, n_pre)), 'c': rng.normal(size=(replicas, n_pre))}


def replicas_by_hand(rule, replicas, n_pre, n_post):
    """Separate networks; after each step, all get the mean of what each would add."""
    start = replicas_at_start(replicas, n_pre, n_post)
    w, x, c = start['w'], start['x'], start['c']
    m, q, r, D = np.zeros_like(w), np.zeros_like(w), np.zeros_like(c), np.zeros_like(c)
    v, I = np.zeros((2, replicas, n_post))
    for step in range(15):
        D = np.array([(v[b] - np.tanh(I[b])) @ w for b in range(replicas)])
        I = np.array([w @ r[b] for b in range(replicas)])
        r, v = r + 0.02*(c + np.sin(0.5*step) + 0.1*D - r), v + 0.02*(I - v)
        err = v - np.tanh(I)
        if rule == 'signed':
            g = np.mean([np.outer(np.tanh(err[b]), r[b]) for b in range(replicas)], axis=0) - 0.1*w
            w = w + 2*g*np.abs(g)*x
        else:
            g = np.mean([np.outer(err[b], r[b]) for b in range(replicas)], axis=0)
            w, m, q = RULES[rule][2](w, m, q, g)
    return {'w': w, 'm': m, 'r': r, 'I': I, 'v': v, 'D': D}


# ----------------------------------------------------------------------------------- on all targets
DRAWN = (35, 90, 96, 97, 122, 140, 143, 145, 168, 181, 217, 223, 230, 242, 311, 356, 360, 389, 485,
         508, 574, 594, 835)  # every option of `draw` is in one of them
STOCK_IN_CPP = (35, 90)
SINGLE = (145, 835)
REPLICAS = [('clipped', 1, 7, 9), ('momentum', 2, 1, 33), ('adam', 5, 17, 8), ('signed', 9, 3, 67)]
MANY = ('momentum', 18, 37, 23)
FALLBACKS_IN_CPP = ('twice', 'condition', 'part_of_target', 'rand_in_learning')

IN_CPP = {
    **{f'drawn_{n}': draw(n) for n in DRAWN},
    **{f'stock_{n}': partial(draw(n), kind=Synapses) for n in STOCK_IN_CPP},
    **{f'single_{n}': in_single(draw(n)) for n in SINGLE},
    **{f'fallback_{which}': partial(compose_fallback, which=which) for which in FALLBACKS_IN_CPP},
    **{f'replicas_{case[0]}': partial(compose_replicas, rule=case[0], replicas=case[1],
                                      n_pre=case[2], n_post=case[3]) for case in REPLICAS},
    'single_replicas': in_single(partial(compose_replicas, rule='adam')),
    'many_replicas': partial(compose_replicas, **dict(zip(
        ('rule', 'replicas', 'n_pre', 'n_post'), MANY))),
    'many_single': in_single(partial(compose_replicas, replicas=20, n_pre=33, n_post=10)),
    'counter': compose_counter, 'indices': compose_indices,
}


@pytest.fixture(scope='module')
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp('project')


@pytest.fixture(scope='module')
def in_cpp(directory):
    """The results of one C++ project."""
    return run_cases('cpp_standalone', IN_CPP, directory)


@given(st.integers(0, 2**32 - 1))
def test_drawn_models_on_numpy(number):
    compose = draw(number)
    assert_equal(run_one('numpy', compose), with_stock(compose), about=compose.about)


@pytest.mark.parametrize('number', [90, 574, 835])
def test_drawn_models_on_cython(number):
    compose = draw(number)
    assert_equal(run_one('cython', compose), with_stock(compose), about=compose.about)


@pytest.mark.parametrize('number', DRAWN)
def test_drawn_models_in_cpp(in_cpp, number):
    compose = draw(number)
    assert_equal(in_cpp[f'drawn_{number}'], with_stock(compose), about=compose.about)


def test_every_option_is_drawn_in_cpp():
    def options(numbers):
        found = set()
        for number in numbers:
            about = draw(number).about
            found |= {(key, str(about[key])) for key in (
                'recurrent', 'moves', 'learning', 'method', 'bounds', 'order', 'place', 'regularly',
                'monitor', 'dt', 'change')}
            found |= {line.split(' = ')[1] for line in about['sums']}
            found |= {(side, size) for side, size in zip(('pre', 'post'), about['sizes'])}
        return found
    assert len(DRAWN) >= 20
    assert options(DRAWN) >= options(range(200))


@pytest.mark.parametrize('number', STOCK_IN_CPP)
def test_stock_synapses_in_the_same_project(in_cpp, number):
    assert_equal(in_cpp[f'drawn_{number}'], in_cpp[f'stock_{number}'])


@pytest.mark.parametrize('number', SINGLE)
@pytest.mark.parametrize('target', CODE_TARGETS)
def test_single_precision(request, target, number):
    if target == 'cpp_standalone':
        found = request.getfixturevalue('in_cpp')[f'single_{number}']
    else:
        found = run_one(target, in_single(draw(number)))
    assert found['w'].dtype == np.float32
    assert_equal(found, with_stock(draw(number)), tolerance=3e-6, about=draw(number).about)


# ---------------------------------------------------------------------------------------- fallbacks
@pytest.mark.parametrize('which', FALLBACKS)
def test_fallback(which):
    """The numbers of stock synapses, and a word in the log."""
    with catch_logs(log_level=logging.INFO) as logs:
        objects, duration, read = compose_fallback(which, which)
        run_parts(objects, duration)
    assert_equal(read(), with_stock(partial(compose_fallback, which=which)), tolerance=1e-14)
    said = [message for _, _, message in logs if 'computed as brian2.Synapses are' in message]
    assert len(said) == 1 and f"'{which}_S'" in said[0]
    assert FALLBACKS[which].format(which) in said[0]


@pytest.mark.parametrize('which', FALLBACKS_IN_CPP)
def test_fallback_in_cpp(in_cpp, which):
    expected = with_stock(partial(compose_fallback, which=which))
    if which == 'rand_in_learning':  # of another random variable
        expected['x'] = in_cpp[f'fallback_{which}']['x']
        assert np.ptp(expected['x']) > 0.1
    assert_equal(in_cpp[f'fallback_{which}'], expected)


# ------------------------------------------------------------------------------------------ indices
@pytest.mark.parametrize('target', CODE_TARGETS)
def test_code_that_reads_indices(request, target):
    if target == 'cpp_standalone':
        check_indices(request.getfixturevalue('in_cpp')['indices'])
    else:
        check_indices(run_one(target, compose_indices))


def test_indices_in_cpp_are_stored_where_code_reads_them(in_cpp, directory):
    def numbers(case):
        files = [path for side in ('pre', 'post') for path in (directory/'results').glob(
            f'_dynamic_array_{case}_S__synaptic_{side}_*')]
        return [len(np.fromfile(path, np.int32)) for path in files]
    assert numbers('counter') == [0, 0]
    assert numbers('indices') == [12, 12]


@pytest.mark.parametrize('target', CODE_TARGETS)
def test_weights_after_a_run(request, target):
    """They are those of the last step, and Python may read and change them between runs."""
    if target == 'cpp_standalone':
        check_counter(request.getfixturevalue('in_cpp')['counter'])
    else:
        check_counter(run_one(target, compose_counter))


def test_generated_code_can_be_read(in_cpp, directory):
    """Comments and names tell which equation it is, and what is done when."""
    files = {path.stem: path.read_text() for path in (directory/'code_objects').glob('*.cpp')}
    sums = files['counter_S_summed_variable_I_post_codeobject']
    for text in ("    // all synapses from 'counter_a' to 'counter_b' ('counter_S')\n",
                 '    // I_post = w*r_pre (summed)\n    auto _le_sum_I_post = ',
                 '    auto _le_update = ', '        _le::one_pass<1, 0>(3, 4, ', '// the weights '
                                                                                 'follow the step '
                                                                                 'before'):
        assert text in sums
    assert '\n        return _le_value;\n    };\n' in sums
    after = files['after_run_counter_S_summed_variable_I_post_codeobject']
    assert '// the weights follow the last step' in after
    late = files['counter_S_stateupdater_codeobject']
    assert '// what the change of weights reads' in late and '[0] = 1;' in late
    averaged = files['replicas_adam_S_stateupdater_codeobject']
    assert 'mean_over_replicas<1, double>(17, 8, 5, ' in averaged
    assert '// _le_term_0 = err_post * r_pre' in averaged
    ours = [text for text in files.values() if 'auto _le_sum_' in text]
    assert len(ours) > 20
    for text in ours:
        assert max(map(len, text.splitlines())) <= 200


# ----------------------------------------------------------------------------------------- replicas
@given(st.sampled_from(sorted(RULES)), st.sampled_from([1, 2, 5, 9]), st.sampled_from(SIZES),
       st.sampled_from(SIZES))
@settings(max_examples=15)
def test_replicas_on_numpy(rule, replicas, n_pre, n_post):
    case = dict(rule=rule, replicas=replicas, n_pre=n_pre, n_post=n_post)
    assert_equal(run_one('numpy', partial(compose_replicas, **case)), replicas_by_hand(**case))


@pytest.mark.parametrize('case', [('clipped', 5, 8, 17), ('adam', 2, 33, 3)])
def test_replicas_on_cython(case):
    case = dict(zip(('rule', 'replicas', 'n_pre', 'n_post'), case))
    assert_equal(run_one('cython', partial(compose_replicas, **case)), replicas_by_hand(**case))


@pytest.mark.parametrize('case', REPLICAS)
def test_replicas_in_cpp(in_cpp, case):
    assert_equal(in_cpp[f'replicas_{case[0]}'], replicas_by_hand(*case))


@pytest.mark.parametrize('target', ['numpy', 'cpp_standalone'])
def test_replicas_in_single_precision(request, target):
    if target == 'cpp_standalone':
        found = request.getfixturevalue('in_cpp')['single_replicas']
    else:
        found = run_one(target, in_single(partial(compose_replicas, rule='adam')))
    assert found['w'].dtype == np.float32
    assert_equal(found, replicas_by_hand('adam', 3, 7, 5), tolerance=3e-6)


def test_many_replicas_in_cpp(in_cpp, directory):
    """Sums to the source read a copy of the weights in another order."""
    for name in ('many_replicas', 'many_single'):
        text = (directory/'code_objects'/f'{name}_S_summed_variable_D_pre_codeobject.cpp')
        assert 'by_post_0[_idx]' in text.read_text()
    assert_equal(in_cpp['many_replicas'], replicas_by_hand(*MANY))
    assert_equal(in_cpp['many_single'], replicas_by_hand('adam', 20, 33, 10), tolerance=3e-6)


# ----------------------------------------------------------------------------------------- refusals
def replicated(equations='w : 1', replicas=2, n_pre=4, n_post=6, **options):
    a = NeuronGroup(n_pre, 'r : 1', name='a', **options.pop('neurons', {}))
    b = NeuronGroup(n_post, 'v : 1\nI : 1', name='b')
    source = options.pop('part', lambda group: group)(a)
    S = DenseSynapses(source, b, equations, name='S', namespace={}, replicas=replicas, **options)
    return a, b, S


def connected(*args, **options):
    S = replicated(*args, **options)[2]
    S.connect()
    return S


def simulate(equations, **options):
    a, b, S = replicated(equations, **options)
    S.connect()
    Network(a, b, S).run(0.1*ms, namespace={})


REFUSED = {
    'source': (lambda: replicated(n_pre=5), ValueError,
               "'a' has 5 neurons, which is not a multiple of 2 replicas"),
    'target': (lambda: replicated(n_post=5), ValueError, "'b' has 5 neurons"),
    'more replicas than neurons': (lambda: replicated(replicas=12), ValueError,
                                   "'a' has 4 neurons"),
    'no replicas': (lambda: replicated(replicas=0), ValueError, 'replicas=0; give a whole number'),
    'half replicas': (lambda: replicated(replicas=1.5), ValueError, 'replicas=1.5; give a whole'),
    'negative': (lambda: replicated(replicas=-1), ValueError, 'replicas=-1; give a whole number'),
    'part of a group': (lambda: replicated(part=lambda group: group[:2]), ValueError,
                        'is a part of a group; replicas need whole groups'),
    'spikes': (lambda: connected(neurons={'threshold': 'r > 1'}, on_pre='w += 1'), ValueError,
               "'S' needs one connect.. without arguments.*it has event pathways"),
    'condition': (lambda: replicated()[2].connect('i != j'), ValueError,
                  'not all neurons are connected to all'),
    'second connect': (lambda: connected().connect(), ValueError, 'synapses are added'),
    'operation on neurons': (lambda: connected().run_regularly('w = r_pre'), ValueError,
                             "'r_pre' belongs to many neurons for each synapse of 'S'"),
    'operation on neurons, by another name': (
        lambda: connected('w : 1\nwr = w*r_pre : 1').run_regularly('w = wr'), ValueError,
        "'r_pre'"),
    'stored subexpression': (lambda: connected('w : 1\nwr = r_pre : 1 (constant over dt)'),
                             ValueError, "'r_pre' belongs to many neurons"),
    'random numbers in a sum': (lambda: simulate('I_post = w*rand() : 1 (summed)\nw : 1'),
                                NotImplementedError, "'S' calls rand"),
    'random numbers in learning': (
        lambda: simulate('dw/dt = r_pre*rand()*Hz : 1 (clock-driven)', method='euler'),
        NotImplementedError, "'S' calls rand"),
    'noise': (lambda: simulate('dw/dt = r_pre*Hz + xi*Hz**0.5 : 1 (clock-driven)', method='euler'),
              NotImplementedError, "'S' has noise"),
    'weights that move within the step': (
        lambda: simulate('dw/dt = tanh(w*r_pre)*Hz : 1 (clock-driven)', method='heun'),
        NotImplementedError, "of 'S' contains 'w', which changes during the step"),
    'matrix before connect': (lambda: replicated()[2].matrix(), TypeError,
                              "'S' has no synapses yet, call connect.. first"),
    'matrix of another shape': (lambda: connected().matrix().__setitem__(
        slice(None), np.ones((2, 3))), ValueError,
        r"w of 'S' has the shape \(3, 2\), not \(2, 3\)"),
}


@pytest.mark.parametrize('case', REFUSED)
def test_refused(case):
    act, error, message = REFUSED[case]
    with pytest.raises(Exception) as raised:
        act()
    chain = [raised.value, raised.value.__cause__]
    assert any(isinstance(each, error) and re.search(message, str(each)) for each in chain), chain


def test_weights_within_a_step_of_euler():
    """A term with w in it is no obstacle where w has its value from before the step."""
    simulate('dw/dt = tanh(w*r_pre)*Hz : 1 (clock-driven)', method='euler')


@pytest.mark.parametrize('model', ['x_post = w*r_pre/N_incoming : 1 (summed)\nw : 1',
                                   'dw/dt = r_pre*N_outgoing/ms : 1 (clock-driven)'])
def test_numbers_of_synapses_with_replicas(model):
    """Brian2 counts them for the neurons of one replica only."""
    G = NeuronGroup(6, 'r : 1\nx : 1', name='G')
    S = DenseSynapses(G, G, model, method='euler', replicas=2, name='S')
    S.connect()
    with pytest.raises(Exception) as raised:
        Network(G, S).run(0.1*ms)
    assert 'write the number, or N_pre or N_post' in str(raised.value.__cause__)
