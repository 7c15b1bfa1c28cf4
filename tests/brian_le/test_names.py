"""Names of users beside those of generated code and of classes: as in Brian2, or an error."""

import builtins
from functools import partial

import numpy as np
import pytest
from brian2 import (Network, NeuronGroup, Synapses, check_units, implementation, ms,
                    prefs)
from brian2.utils.logger import catch_logs

from brian_le import ConvSynapses, DenseSynapses, PoolSynapses, ReplicatedGroup, SharedParameters
from brian_le.names import CPP_NAMES
from tests.brian_le.networks import assert_equal
from tests.running import CODE_TARGETS, run_cases

AWKWARD = '''update post pre n sum value source target result row k b lane x y acc grad mean weights
std main local Layout pending total term scale about populations inlined loops one_pass conv Pool
Patch patch winners average array vector function plus idx w_grad part_of_pair part_of_synapse size
data to_post to_pre NoUpdate by_post DENSE_VECTOR POOL_LANES kind winner channels q real P Q B nest
code block side line arrays constants cpp_run'''.split()
#: The same with names that are used in C++; not as variables, in what is compiled.
IN_NUMPY = [*AWKWARD, 'double', 'float', 'new', 'template', 'NULL', 'int32_t', 'this', 'numpy',
            'np', 'len', 'min', 'max', 'range', 'bool', 'list', 'object', 'width', 'namespace']


def sum_of(names, factor='{}'):
    return ' + '.join(f'{0.1*k + 1:.1f}*{factor.format(name)}' for k, name in enumerate(names))


def usable(names, role='constants'):
    """Without the names that Brian2 itself does not take."""
    if role in ('constants', 'shared'):  # it takes those of Python's functions for these functions
        names = [one for one in names if not hasattr(builtins, one)]
    if role != 'functions':
        names = [one for one in names if not one.endswith(('_pre', '_post'))
                 and one not in ('source', 'target', 'namespace', 'idx')]
    return names


def compose(name, kind, role, names, replicas=None):
    """All names at once, as constants, variables of synapses or of neurons, or functions."""
    names = usable(names, role)
    namespace, neurons, variables, term = {}, 'r : 1', ['w : 1'], 'w*r_pre'
    learning = 'dv/dt = (r_pre*I_post - v)/(9*ms) : 1 (clock-driven)'
    if role == 'constants':
        namespace = {one: 0.01*k + 0.5 for k, one in enumerate(names)}
        term = f'w*r_pre*({sum_of(names)})'
        learning = f'dv/dt = (r_pre*I_post - v*({sum_of(names)}))/(900*ms) : 1 (clock-driven)'
    elif role == 'synapses':
        variables += [f'd{one}/dt = (r_pre*I_post - {one})/(9*ms) : 1 (clock-driven)'
                      for one in names]
        term = f'r_pre*({sum_of(names)})'
    elif role == 'shared':
        variables += [f'{one} : 1 (shared)' for one in names]
        term = f'w*r_pre*({sum_of(names)})'
        learning = f'dv/dt = (r_pre*I_post - v*({sum_of(names)}))/(900*ms) : 1 (clock-driven)'
    elif role == 'neurons':
        neurons += ''.join(f'\n{one} : 1' for one in names)
        term = f"w*({sum_of(names, '{}_pre')})"
        learning = (f"dv/dt = (({sum_of(names, '{}_post')})*r_pre - v)/(900*ms) "
                    ': 1 (clock-driven)')
    elif role == 'functions':
        namespace = {one: FUNCTIONS[one] for one in names}
        term = f"w*({sum_of(names, '{}(r_pre)')})"
    a, b = (NeuronGroup(n*(replicas or 1), neurons + '\nI : 1\nback : 1', name=f'{name}_{end}',
                        namespace={}) for n, end in ((3, 'a'), (5, 'b')))
    S = kind(a, b, f'I_post = {term} : 1 (summed)\nback_pre = v*I_post : 1 (summed)\n{learning}\n'
             + '\n'.join(variables), name=f'{name}_S', method='euler', order=1, namespace=namespace,
             **({} if replicas is None else {'replicas': replicas}))
    S.connect()
    a.r, b.r, S.w = 'sin(1 + i)', 'cos(i)', np.sin(np.arange(15))
    for k, one in enumerate(names):
        if role in ('synapses', 'shared'):
            setattr(S, one, 0.01*k)
        elif role == 'neurons':
            setattr(a, one, 0.01*k + 0.3*np.arange(len(a)))
            setattr(b, one, 0.02*k)
    shown = names if role in ('synapses', 'shared') else ()
    return [a, b, S], 0.4*ms, lambda: {
        'I': b.I[:], 'back': a.back[:], 'v': S.v[:],
        **{one: np.array(getattr(S, one)[:]) for one in shown}}


def function(name):
    @implementation('cpp', f'double {name}(double x) {{ return 2*x; }}')
    @implementation('numpy', discard_units=True)
    @check_units(x=1, result=1)
    def double_it(x):
        return 2*x
    return double_it


FUNCTIONS = {name: function(name) for name in (
    'one_pass', 'conv_to_post', 'sum_to_post', 'NoUpdate', 'by_post', 'update', 'Pool',
    'total', 'local')}
ROLES = {role: AWKWARD for role in ('constants', 'synapses', 'shared', 'neurons')} | {
    'functions': list(FUNCTIONS)}
CASES = {role: partial(compose, role=role, names=names) for role, names in ROLES.items()}


@pytest.fixture(scope='module')
def stock():
    return run_cases('numpy', {role: partial(case, kind=Synapses)
                               for role, case in CASES.items()}, None)


def compose_planes(name, kind=None, names=AWKWARD):
    """A kernel, its pooling, and a bias, with all names as constants and variables."""
    a = NeuronGroup(2*16, 'r : 1\nback : 1', name=f'{name}_a', namespace={})
    b = NeuronGroup(2*18, 'r : 1\nI : 1\nback : 1\nc : 1', name=f'{name}_b', namespace={})
    p = NeuronGroup(2*8, 'I : 1\nr : 1', name=f'{name}_p', namespace={})
    names = usable(names)
    constants = {one: 0.01*k + 0.5 for k, one in enumerate(names)}
    conv = ConvSynapses(a, b, f"""I_post = w*r_pre*({sum_of(names)}) : 1 (summed)
                                  back_pre = w*r_post*({sum_of(names)}) : 1 (summed)
                                  dw/dt = ({sum_of(names)})*r_pre*r_post/(900*ms) : 1 (clock-driven)
                                  """, input_shape=(4, 4, 1), kernel=2, replicas=2,
                        name=f'{name}_S', method='euler', order=1, namespace=constants)
    pool = PoolSynapses(b, p, f'I_post = r_pre*({sum_of(names)}) : 1 (summed)\n'
                        f'back_pre = r_post*({sum_of(names)}) : 1 (summed)', replicas=2,
                        input_shape=(3, 3, 2), window=2, stride=1, name=f'{name}_P',
                        namespace=constants)
    bias = SharedParameters(b, f"""c_post = x : 1 (summed)
                                   dx/dt = ({sum_of(names[:8])})*r_post/(900*ms) : 1 (clock-driven)
                                   """, replicas=2, method='euler', order=1, name=f'{name}_B',
                            namespace=constants)
    for S in (conv, pool):
        S.connect()
    a.r, b.r, p.r, conv.w = 'sin(1 + i)', 'cos(i)', 'cos(2*i)', np.sin(np.arange(8))
    return [a, b, p, conv, pool, bias], 0.4*ms, lambda: {
        'I': b.I[:], 'back': a.back[:], 'w': conv.w[:], 'pooled': p.I[:], 'to': b.back[:],
        'c': b.c[:]}


SHARED = {'replicas': partial(compose, kind=DenseSynapses, role='constants', names=AWKWARD,
                              replicas=2), 'planes': compose_planes}


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory):
    cases = {role: partial(case, kind=DenseSynapses) for role, case in CASES.items()} | SHARED
    if request.param == 'cython':  # functions in C++ are not for Cython
        cases = {role: case for role, case in cases.items()
                 if role == 'constants'}
    return run_cases(request.param, cases, tmp_path_factory.mktemp('names'))


@pytest.mark.parametrize('role', CASES)
def test_names_are_those_of_the_user(found, stock, role):
    if role not in found:
        pytest.skip('Cython has the same C++ as the project')
    assert_equal(found[role], stock[role], 1e-11)


@pytest.mark.parametrize('case', SHARED)
def test_where_weights_are_shared(found, case):
    if case not in found:
        pytest.skip('Cython has the same C++ as the project')
    # under names that nothing else can have
    plain = [f'unlikely_{k}' for k in range(len(usable(AWKWARD)))]
    expected = run_cases('numpy', {case: partial(SHARED[case], names=plain)}, None)[case]
    assert_equal(found[case], expected, 1e-11)


@pytest.mark.parametrize('role', ['constants', 'synapses', 'neurons'])
def test_names_of_cpp_on_numpy(role):
    names = IN_NUMPY
    one, other = (run_cases('numpy', {'case': partial(compose, kind=kind, role=role, names=names)},
                            None)['case'] for kind in (Synapses, DenseSynapses))
    assert_equal(one, other)


@pytest.mark.parametrize('name', ['double', 'new', 'unix'])
def test_names_of_cpp_are_those_of_brian2_on_cython(name):
    assert name in CPP_NAMES
    case = partial(compose, role='constants', names=[name])
    with catch_logs(log_level=20) as logs:
        found = run_cases('cython', {'case': partial(case, kind=DenseSynapses)}, None)['case']
    assert any(f"'{name}' in the equations of 'case_S' means something else in C++" in log[2]
               for log in logs)
    assert_equal(found, run_cases('numpy', {'case': partial(case, kind=Synapses)}, None)['case'])


@pytest.mark.parametrize('name', ['double', 'new', 'size_t'])
@pytest.mark.parametrize('replicas, target', [(None, 'cpp_standalone'), (2, 'cython')])
def test_names_of_cpp_that_cannot_be_compiled(standalone, name, replicas, target):
    if target == 'cython':
        standalone.reinit()
        from brian2 import set_device
        set_device('runtime')
        prefs.codegen.target = 'cython'
    objects = compose('case', DenseSynapses, 'constants', [name], replicas)[0]
    try:
        with pytest.raises(Exception) as error:
            Network(objects).run(0.1*ms, namespace={})
    finally:
        prefs.codegen.target = 'numpy'
    assert f"'{name}' in the equations of 'case_S' means something else in C++; give it another " \
        'name' in str(error.value.__cause__ or error.value)


@pytest.mark.parametrize('name', ['replicas', 'layout', 'matrix'])
def test_variables_with_the_name_of_an_attribute(name):
    a = NeuronGroup(2, f'r : 1\nI : 1\n{name} : 1', name='a')
    b = NeuronGroup(2, 'r : 1', name='b')
    S = DenseSynapses(a, a, f'I_post = {name}_pre : 1 (summed)', name='S')  # neurons may have it
    S.connect()
    setattr(a, name, [1, 2])
    prefs.codegen.target = 'numpy'
    Network(a, S).run(0.1*ms)
    np.testing.assert_array_equal(a.I[:], [3, 3])
    with pytest.raises(ValueError, match=f"'T' has a variable '{name}', which is the name of an "
                       'attribute of DenseSynapses; give it another name'):
        DenseSynapses(b, b, f'{name} : 1', name='T')
    with pytest.raises(AttributeError):
        DenseSynapses(b, b, 'w : 1', name='U').replicas = 3


@pytest.mark.parametrize('name', ['idx', 'presynaptic_idx', 'vectorisation_idx'])
def test_steps_with_the_name_of_an_index(name):
    """Brian2's integrators call the next value of x _x; what only stands there may be so called."""
    a = NeuronGroup(2, 'r : 1\nI : 1', name='a', namespace={})
    learned = f'd{name}/dt = -{name}/second : 1 (clock-driven)'
    for make in (lambda: DenseSynapses(a, a, learned, method='euler', name='S'),
                 lambda: ConvSynapses(a, a, learned, method='euler', name='S', input_shape=(2, 1),
                                      kernel=1),
                 lambda: SharedParameters(a, f'I_post = {name} : 1 (summed)\n{learned}',
                                          method='euler', name='S')):
        with pytest.raises(ValueError, match=f"'S' has a differential equation for '{name}', .* "
                           'give it another name'):
            make()
    S = DenseSynapses(a, a, f'I_post = {name}*r_pre : 1 (summed)\n{name} : 1', name='T',
                      namespace={})
    S.connect()
    a.r, S.matrix(name)[:] = [1, 2], [[1, 2], [3, 4]]
    prefs.codegen.target = 'numpy'
    Network(a, S).run(0.1*ms)
    np.testing.assert_array_equal(a.I[:], [5, 11])


def test_attributes_of_other_groups():
    for name in ('replicas', 'by_replica'):
        with pytest.raises(ValueError, match=f"'G' has a variable '{name}', which is the name"):
            ReplicatedGroup(2, f'{name} : 1', replicas=2, name='G')
    a = NeuronGroup(4, 'r : 1', name='a')
    with pytest.raises(ValueError, match="'S' has a variable 'output_shape', which is the name"):
        ConvSynapses(a, a, 'output_shape : 1', input_shape=(2, 2, 1), kernel=1, name='S')


@pytest.mark.parametrize('name', ['update', 'main', 'double', 'S_w', 'std', 'post', 'pre',
                                  'layout'])
def test_names_of_groups(name):
    results = []
    for kind in (Synapses, DenseSynapses):
        a = NeuronGroup(3, 'r : 1\nI : 1', name=name, namespace={})
        S = kind(a, a, 'I_post = w*r_pre : 1 (summed)\nw : 1', name=f'{name}_S', namespace={})
        S.connect()
        a.r, S.w = 'i', 'i + j'
        Network(a, S).run(0.1*ms, namespace={})
        results.append(a.I[:])
    np.testing.assert_allclose(*results, rtol=1e-14)
