import re
import textwrap
from pathlib import Path

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Network, NeuronGroup, Quantity, Synapses, defaultclock,
                    get_device, mV, ms, prefs, second, seed)
from brian2.core.base import BrianObjectException
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import point_neuron
from brian_le.programs.contents import is_state
from brian_le.substrate import (ActivationMismatch, Dead, Delay, Drift, Imperfection, LowPass,
                                Mismatch, Noise, Stuck, Substrate, UpdateNoise, WeightRange,
                                WeightResolution, normal_number, uniform_number)
from brian_le.substrate.composition import drawn_variables
from tests.brian_le.substrate.circuits import (CIRCUITS, assert_same, compose, give,
                                               imperfections, states, stored)
from tests.running import CODE_TARGETS, run_cases

DURATION = 2*ms


def perfect(circuit):
    def case(name):
        substrate, objects = compose(circuit, name)
        return objects, DURATION, lambda: states(substrate)
    return case


def zeroed(circuit):
    """With all imperfections in the equations, and all their strengths set to zero."""
    def case(name):
        substrate, objects = compose(circuit, name, imperfections(circuit))
        give(substrate, substrate.values(imperfections(circuit, 0), seed=5))
        return objects, DURATION, lambda: states(substrate)
    return case


def strong(circuit, strength=1.0, seed=1):
    def case(name):
        substrate, objects = compose(circuit, name, imperfections(circuit, strength), seed)
        return objects, DURATION, lambda: states(substrate)
    return case


def in_single_precision(case):
    def single(name):
        prefs.core.default_float_dtype = np.float32
        return case(name)
    return single


def random_case(name):
    group = NeuronGroup(50, 'x : 1\ny : 1', name=name)
    group.run_regularly('x = normal_number(2**30 + 3, 7, i)\n'
                        'y = uniform_number(5, t/(0.1*ms), i)', when='start')
    return [group], 0.3*ms, lambda: (group.x[:], group.y[:])


def served(name):
    """Launched again with other strengths and another seed, where it has been compiled."""
    substrate, objects = compose('plain', name, imperfections('plain'))

    def read():
        first = states(substrate)
        if not isinstance(get_device(), CPPStandaloneDevice):
            return first, None
        values = substrate.values(imperfections('plain', 0.5), seed=9)
        objects = {site.name: site.object for site in substrate.sites}
        views = {}
        for key, value in values.items():
            name, variable = key.split('.')
            view = getattr(objects[name], variable)
            views[view] = Quantity(value, dim=view.dim)
        get_device().run(run_args=views, with_output=False)
        return first, states(substrate)
    return objects, DURATION, read


PLAIN = {
    'served': served,  # at the beginning, because the first run takes the arguments
    'perfect_plain': perfect('plain'), 'zeroed_plain': zeroed('plain'),
    'other': strong('plain', 0.5, 9),
    'random': random_case,
}
MODELS = {
    **{f'perfect_{circuit}': perfect(circuit) for circuit in CIRCUITS if circuit != 'plain'},
    **{f'zeroed_{circuit}': zeroed(circuit) for circuit in CIRCUITS if circuit != 'plain'},
    'perfect_single': in_single_precision(perfect('plain')),
    'zeroed_single': in_single_precision(zeroed('plain')),
    'strong_layered': strong('layered'),
}


@pytest.fixture(scope='module')
def exact_cpp():
    """C++ without -ffast-math, with which equal formulas may be rounded differently."""
    flags = prefs.codegen.cpp.extra_compile_args_gcc
    prefs.codegen.cpp.extra_compile_args_gcc = ['-w', '-O0', '-std=c++17']
    yield
    prefs.codegen.cpp.extra_compile_args_gcc = flags


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory, exact_cpp):
    return run_cases(request.param, PLAIN, tmp_path_factory.mktemp('s'),
                     not_on_cython={'perfect_plain', 'zeroed_plain', 'other'})


@pytest.fixture(scope='module', params=[
    'numpy', pytest.param('cpp_standalone', marks=pytest.mark.slow)])
def models(request, tmp_path_factory, exact_cpp):
    return run_cases(request.param, MODELS, tmp_path_factory.mktemp('m'))


@pytest.fixture(scope='module')
def on_numpy():
    return run_cases('numpy', {'served': served, 'strong_layered': strong('layered')}, None)


def skip_on_cython(found, case):
    if case not in found:
        pytest.skip('Cython compiles every case for a long time')


def test_strengths_of_zero_in_a_run_change_no_bit(found):
    skip_on_cython(found, 'zeroed_plain')
    assert_same(found['zeroed_plain'], found['perfect_plain'])


@pytest.mark.parametrize('circuit', ['microcircuit', 'layered', 'gle', 'cortical', 'single'])
def test_strengths_of_zero_in_a_run_of_a_model_change_no_bit(models, circuit):
    assert_same(models[f'zeroed_{circuit}'], models[f'perfect_{circuit}'])
    if circuit == 'single':
        assert models['zeroed_single'][0, 'v'].dtype == np.float32


def close(found, expected):
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-11, atol=1e-13, err_msg=str(key))


def test_all_targets_draw_the_same(found, on_numpy):
    close(found['served'][0], on_numpy['served'][0])


def test_all_targets_draw_the_same_for_models(models, on_numpy):
    close(models['strong_layered'], on_numpy['strong_layered'])


def test_random_numbers_of_every_target(found):
    x, y = found['random']
    np.testing.assert_allclose(x, normal_number(2**30 + 3, 7, np.arange(50)), rtol=1e-14)
    np.testing.assert_array_equal(y, uniform_number(5, 2, np.arange(50)))


def test_one_binary_serves_other_strengths_and_seeds(found):
    skip_on_cython(found, 'other')
    first, again = found['served']
    assert np.any(found['other'][0, 'v'] != first[0, 'v'])
    if again is not None:  # it was compiled
        assert_same(again, found['other'])


# ---------------------------------------------------------------------- without any simulation
def texts(substrate):
    return [str(site.object.equations) for site in substrate.sites]


@pytest.mark.parametrize('circuit', CIRCUITS)
def test_without_strength_nothing_changes_at_all(circuit):
    made = [compose(circuit, 'net', wrong) for wrong in ((), imperfections(circuit, 0))]
    assert texts(made[0][0]) == texts(made[1][0])
    operations = [[obj.name for obj in Network(objects).sorted_objects] for _, objects in made]
    assert operations[0] == operations[1]
    assert made[1][0].values() == {}


@pytest.mark.parametrize('circuit', CIRCUITS)
def test_values_are_those_of_a_circuit_composed_with_them(circuit):
    substrate, _ = compose(circuit, 'net', imperfections(circuit))
    before = states(substrate)
    values = substrate.values(imperfections(circuit, 0.5), seed=9)
    other, _ = compose(circuit, 'net', imperfections(circuit, 0.5), seed=9)
    assert_same(states(substrate), before)  # asking changes nothing
    give(substrate, values)
    assert_same(states(substrate), states(other))
    assert any(np.any(before[key] != value) for key, value in states(other).items())


@pytest.mark.parametrize('circuit', ['microcircuit', 'plain'])
def test_no_number_depends_on_names(circuit):
    found = []
    for name in ('net', 'zz'):
        substrate, objects = compose(circuit, name, imperfections(circuit))
        Network(objects).run(DURATION, namespace={})
        found.append(states(substrate))
    assert_same(found[1], found[0])


@pytest.mark.parametrize('circuit', ['layered', 'plain'])
def test_two_runs_are_one(circuit):
    """The second begins at time 0, with what the first has stored."""
    whole, objects = compose(circuit, 'net', imperfections(circuit))
    Network(objects).run(2*DURATION, namespace={})
    first, objects = compose(circuit, 'net', imperfections(circuit))
    Network(objects).run(DURATION, namespace={})
    second, objects = compose(circuit, 'net', imperfections(circuit))
    variables = stored(second)
    for key, value in states(first).items():
        if is_state(variables[key]):
            variables[key].set_value(value)
    Network(objects).run(DURATION, namespace={})
    assert_same(states(second), states(whole))


def test_every_object_has_draws_of_its_own():
    substrate = Substrate([Mismatch('tau_m', 0.1), Mismatch('tau_r', 0.1)], seed=1)
    groups = [substrate.neurons(4, point_neuron(tau_m='constant', tau_r='constant'), name=name,
                                method='prospective_euler') for name in ('a', 'b')]
    for group in groups:
        group.tau_m = group.tau_r = 10*ms
    substrate.settle()
    drawn = np.concatenate([[group.tau_m/ms, group.tau_r/ms] for group in groups])
    assert len(np.unique(drawn)) == drawn.size


def test_replicas_are_the_same_neurons_with_noise_of_their_own():
    substrate, net = compose('layered', 'net', imperfections('layered'))
    Network(net).run(0.5*ms)
    group = net.neurons[0]
    for name in ('alive', 'works_r', 'stuck_r', 'gain_r', 'offset_r', 'drift_tau_r_unit', 'tau_r'):
        one, other = group.by_replica(name)[:]
        np.testing.assert_array_equal(one, other, err_msg=name)
        assert len(np.unique(one)) > 1, name
    one, other = group.by_replica('r_noise')[:]
    assert (one != other).all()


def test_patterns_of_names():
    substrate = Substrate([Noise('r', 0.1, on='*hidden*'), Dead(0.5, variables='w', on='up*')])
    groups = {name: substrate.neurons(2, point_neuron(), name=name, method='prospective_euler')
              for name in ('hidden0', 'output')}
    for name in ('up0', 'down0'):
        groups[name] = substrate.project(groups['hidden0'], groups['output'], 'w : 1\n' + {
            'up0': 'v_in', 'down0': 'err'}[name] + '_post = w*r_pre : 1 (summed)', name=name)
    assert 'r_noise' in groups['hidden0'].equations and 'r_noise' not in groups['output'].equations
    assert 'conducts' in groups['up0'].equations and 'conducts' not in groups['down0'].equations


@settings(max_examples=4)
@given(st.data())
def test_any_imperfections_in_any_order(data):
    """Neither which of them there are, nor their order, changes a bit without strength."""
    circuit = data.draw(st.sampled_from(['plain', 'microcircuit']))
    n = len(imperfections(circuit))
    chosen = data.draw(st.lists(st.integers(0, n - 1), unique=True))
    results = []
    for wrong in ([], [imperfections(circuit)[k] for k in chosen]):
        substrate, objects = compose(circuit, 'net', wrong)
        if wrong:
            zero = imperfections(circuit, 0)
            give(substrate, substrate.values([zero[k] for k in chosen]))
        Network(objects).run(0.3*ms, namespace={})
        results.append(states(substrate))
    assert_same(results[1], results[0])


#: For each class what it is given, and others of which each changes one thing.
OPTIONS = {
    Mismatch: (dict(parameters='w', strength=0.2), [
        dict(parameters='tau'), dict(parameters=('w', 'tau')), dict(strength=0.3),
        dict(distribution='uniform'), dict(correlation=0.5), dict(clip=(-1, 1)), dict(shared=True),
        dict(on='*again')]),
    ActivationMismatch: (dict(slope=0.1, offset=1*mV, variable='f', potential='v'), [
        dict(slope=0.2), dict(offset=2*mV), dict(known=True), dict(on='*cells')]),
    Noise: (dict(variable='f', strength=0.1), [
        dict(variable='gain'), dict(strength=0.2), dict(tau=1*ms), dict(shared=True),
        dict(on='*s')]),
    Drift: (dict(parameter='tau', rate=3/second, wander=1), [
        dict(parameter='gain'), dict(rate=0/second), dict(wander=0), dict(every=0.1*ms),
        dict(every=0.2*ms), dict(shared=True), dict(on='*s')]),
    Dead: (dict(fraction=0.2, variables='f'), [
        dict(fraction=0.8), dict(variables=('f', 'gain')), dict(variables='w'), dict(on='*s')]),
    Stuck: (dict(fraction=0.4, at=-3*mV, variable='v'), [
        dict(fraction=0.2), dict(at=2*mV), dict(at=(1, 2)*mV), dict(at=None), dict(on='*s')]),
    LowPass: (dict(tau=0.5*ms), [dict(tau=0*ms), dict(tau=1*ms), dict(on='*n*')]),
    Delay: (dict(time=0.2*ms, longest=0.3*ms), [
        dict(time=0*ms), dict(time=0.3*ms), dict(longest=None), dict(per='connection'),
        dict(on='*n*')]),
    WeightResolution: (dict(bits=3, w_max=1), [
        dict(bits=0), dict(bits=8), dict(w_max=2), dict(w_min=0), dict(zero=True),
        dict(rounding='stochastic'), dict(rounding='accumulated'), dict(interval=0.1*ms),
        dict(interval=0.2*ms), dict(on='*n*')]),
    WeightRange: (dict(w_max=0.1), [
        dict(w_max=None), dict(w_max=0.2), dict(w_min=0), dict(soft=True), dict(on='*n*')]),
    UpdateNoise: (dict(strength=0.1, relative=0.2), [
        dict(strength=0), dict(relative=0.3), dict(relative=0), dict(on='*n*')]),
}
CHANGES = [(kind, n, back) for kind, (_, others) in OPTIONS.items() for n in range(len(others))
           for back in (False, True)]


def code_of(substrate):
    """All that is computed: equations, and operations with their code, place and clock."""
    operations = [obj for site in substrate.sites for obj in site.object.contained_objects]
    return [[str(site.object.equations) for site in substrate.sites],
            [(obj.name, getattr(obj, 'abstract_code', ''), obj.when, obj.order,
              float(obj.clock.dt)) for obj in operations]]


def given_or_refused(composed, given, run=False):
    """What holds for any two imperfections: the numbers of `given`, or an error that says why."""
    substrate, objects = compose('plain', 'net', [composed])
    fresh, others = compose('plain', 'net', [given], seed=5)
    same_code = code_of(substrate) == code_of(fresh)
    try:
        values = substrate.values([given], seed=5)
    except ValueError as error:
        assert re.search('composed with|compose it with|room for delays', str(error))
        assert not same_code or repr(composed.structure) != repr(given.structure), error
        return
    assert same_code or given.is_absent or isinstance(given, (UpdateNoise, Delay))
    give(substrate, values)
    if run:
        for each in (objects, others):
            Network(each).run(0.3*ms, namespace={})
    # what is 0, or has room for more, is in the code all the same
    found, expected = states(substrate), states(fresh)
    assert_same(found, {key: value for key, value in expected.items()
                        if not key[1].endswith(('_buffer', '_key', '_number', '_unit'))})


@pytest.mark.parametrize('kind, number, back', CHANGES)
def test_one_thing_that_differs_is_a_strength_or_refused(kind, number, back):
    given, others = OPTIONS[kind]
    one, other = kind(**given), kind(**{**given, **others[number]})
    given_or_refused(*((other, one) if back else (one, other)))


@settings(max_examples=8)
@given(st.data())
def test_whatever_differs_is_a_strength_or_refused(data):
    kind = data.draw(st.sampled_from(list(OPTIONS)))
    given, others = OPTIONS[kind]
    strengths = [change for change in others if set(change) <= set(kind.strengths)]
    made = [kind(**{**given, **{key: value for change in data.draw(st.lists(st.sampled_from(
        strengths or others), max_size=3)) for key, value in change.items()}}) for _ in range(2)]
    given_or_refused(*made, run=True)


@pytest.mark.parametrize('kind', OPTIONS)
def test_strengths_are_said_once(kind):
    """Every attribute is a strength or part of the structure, and strengths are attributes."""
    one = kind(**OPTIONS[kind][0])
    assert set(one.strengths) <= set(vars(one))
    assert set(vars(one)) - set(one.strengths) <= set(one.structure)


def test_what_differs_is_said():
    substrate = Substrate([Noise('f', 0.1), WeightRange(1)])
    CIRCUITS['plain']('net', substrate)
    with pytest.raises(ValueError, match=r"other strengths \(w_max, w_min\): 'soft' of WeightRange"
                                         r'\(2, -2, soft=True\) is True, but was False'):
        substrate.values([Noise('f', 0.2), WeightRange(2, soft=True)])


def test_an_imperfection_of_ones_own_says_what_its_strengths_are():
    class Leak(Imperfection):
        is_absent = False
        strengths = ('size',)

        def __init__(self, size, sign=1):
            super().__init__()
            self.size, self.sign = size, sign

        def changes(self, equations, is_projection):
            return not is_projection

        def equations(self, equations, is_projection):
            return equations + 'leak : 1 (constant)'

        def values(self, site, rng):
            return {'leak': site.for_all(self.sign*self.size*np.ones(site.size))}

    substrate = Substrate([Leak(1)])
    cells(substrate)
    np.testing.assert_array_equal(substrate.values([Leak(3)])['cells.leak'], [3]*3)
    with pytest.raises(ValueError, match="'sign' of .*Leak.* is -1, but was 1"):
        substrate.values([Leak(3, sign=-1)])


@pytest.mark.parametrize('strength', [0.0, 0.2])
def test_what_has_been_drawn_is_told_of_each_composition(strength):
    """Without strength a variable belongs to whoever sets it; with some it would lose it."""
    substrate = Substrate([Mismatch('tau', strength), Noise('I', 0.1)])
    group = cells(substrate)
    group.tau = 5*ms
    substrate.settle()
    found = drawn_variables([group])
    assert ('cells.tau' in found) == (strength > 0) == bool(group.tau[:].std() > 0*ms)
    assert found == set(substrate.values()) and 'cells.I_noise_strength' in found


def test_script_in_the_document(capsys):
    document = (Path(__file__).parents[3]/'docs'/'substrate.rst').read_text()
    script = re.search(r'\.\. code-block:: python\n\n((?:    .*\n|\n)+)', document)[1]
    exec(textwrap.dedent(script), {})
    shown = capsys.readouterr().out
    assert 'r_now = alive*((tanh(u_prosp)) + r_noise)' in shown and shown.endswith('27.0\n')


@pytest.mark.parametrize('connect', [{'p': 0.3}, {'condition': '(i + j) % 3 == 0'}])
def test_connections_of_ones_own(connect):
    """Every imperfection of a projection with few connections, beside a plain loop."""
    seed(3)
    wrong = [WeightResolution(3, 1), Mismatch('w', 0.2), Dead(0.3, variables='w'), Delay(0.2*ms)]
    substrate = Substrate(wrong, seed=1)
    source, target = NeuronGroup(9, 'r = sin(i + t/ms) : 1'), NeuronGroup(8, 'v : 1')
    few = substrate.project(source, target, 'v_post = w*r_pre : 1 (summed)\nw : 1', name='few',
                            connect=connect)
    assert 15 < len(few) < 35
    few.w = np.linspace(-1, 1, len(few))
    substrate.settle()
    Network(source, target, few).run(0.6*ms)
    levels = (np.floor(few.w[:]*3.5) + 0.5)/3.5
    levels[few.w[:] == 1] = 1
    expected = np.zeros(8)
    late = np.sin(few.i[:] + 0.5 - 0.2)
    np.add.at(expected, few.j[:], levels*few.mismatch_w[:]*few.conducts[:]*late)
    np.testing.assert_allclose(target.v[:], expected, rtol=0, atol=1e-13)
    assert few.conducts[:].sum() == len(few) - round(0.3*len(few))


def settled(*wrong):
    substrate = Substrate(wrong)
    substrate.neurons(3, point_neuron(), name='cells', method='prospective_euler')
    substrate.settle()
    return substrate


CELL = 'dv/dt = (I - v)/tau : 1\nI : 1\ntau : second (constant)'


def cells(substrate, **options):
    return substrate.neurons(3, CELL, name='cells', method='euler', namespace={}, **options)


def twice():
    substrate = Substrate([Mismatch('tau', 0.1), Mismatch('tau', 0.2)])
    cells(substrate)
    substrate.settle()


def unsettled():
    start(cells(Substrate([Noise('v', 0.1)])))


def other_time_step():
    substrate = Substrate([Noise('v', 0.1)])
    group = cells(substrate)
    substrate.settle()
    defaultclock.dt = 0.2*ms
    start(group)


def start(group):
    with pytest.raises(BrianObjectException) as found:
        Network(group).run(0*ms)
    raise found.value.__cause__


def threshold():
    cells(Substrate([Noise('I', 0.1)]), threshold='I > 0.5', reset='v = 0')


def on_pre():
    substrate = Substrate([Mismatch('w', 0.1)])
    group = cells(substrate, threshold='v > 1', reset='v = 0')
    substrate.project(group, group, 'w : 1', synapses=Synapses, on_pre='v_post += w',
                      name='synapses')


def test_events_may_change_what_is_stored():
    substrate = Substrate([Mismatch('w', 0.1), Noise('I', 0.1)])
    group = cells(substrate, threshold='v > 1', reset='v = 0\nI = 0')
    substrate.project(group, group, 'w : 1\nw_real = w : 1', synapses=Synapses, name='synapses',
                      on_pre='v_post += w_real; w = clip(w + 0.1, 0, 1)')


def test_a_mismatch_is_for_any_time_step():
    substrate = Substrate([Mismatch('tau', 0.1)])
    group = cells(substrate)
    group.tau = 5*ms
    substrate.settle()
    defaultclock.dt = 0.2*ms
    Network(group).run(0.2*ms)


def written(wrong, part=slice(None)):
    substrate = Substrate([wrong])
    group = cells(substrate)
    target = group if part == slice(None) else group[part]
    substrate.project(group, target, 'I_post = w*v_pre : 1 (summed)\nw : 1', name='sum')
    substrate.settle()


BAD = {
    'no imperfection': (lambda: Substrate(['noise']), TypeError, "'noise' is not an imperfection"),
    'a class': (lambda: Substrate([Dead]), TypeError, 'is not an imperfection'),
    'not a list': (lambda: Substrate(Dead(0.1)), TypeError, 'give a list of them'),
    'text': (lambda: Noise('r', '0.1'), ValueError, "strength of the noise on 'r' is '0.1'; give a "
                                                    "number"),
    'several': (lambda: Noise('r', [0.1, 0.2]), ValueError, 'give one for all neurons'),
    'units of a factor': (lambda: Mismatch('r', 3*mV), DimensionMismatchError, 'is not a number'),
    'units of an error': (lambda: UpdateNoise(0, 3*mV), DimensionMismatchError,
                          'is not a number'),
    'none': (lambda: Noise('r', None), ValueError, "strength of the noise on 'r' is None"),
    'pattern': (lambda: Noise('r', 0.1, on=''), ValueError, "give a pattern of names"),
    'pattern of another kind': (lambda: Noise('r', 0.1, on=3), ValueError, 'on is 3'),
    'nothing to change': (lambda: settled(Noise('q', 0.1)), ValueError,
                          r"Noise\('q', 0.1\) concerns none of the objects .* \(cells\)"),
    'no such object': (lambda: settled(Noise('r', 0.1, on='hidden*')), ValueError,
                       "the pattern of names 'hidden\\*'"),
    'twice': (lambda: settled(Dead(0.1), Dead(0.2)), ValueError,
              r"Dead\(0.2, .* does not fit 'cells': .*'alive'.* once for each variable"),
    'others': (lambda: settled(Noise('r', 0.1)).values([Dead(0.1)]), ValueError,
               r"are \[Dead\(.*, but the circuit was composed with \[Noise\("),
    'other names': (lambda: settled(Mismatch('tau_m', 0.1)).values([Mismatch('tau_r', 0.1)]),
                    ValueError, 'give the same with other strengths'),
    'other places': (lambda: settled(Noise('r', 0.1)).values([Noise('r', 0.1, on='c*')]),
                     ValueError, 'give the same with other strengths'),
    'one of several': (lambda: settled(Mismatch(('tau_m', 'tau_x'), 0.1)), ValueError,
                       "no object of this substrate has a 'tau_x' that can be changed"),
    'one of the variables': (lambda: settled(Dead(0.1, variables=('r', 'eror'))), ValueError,
                             "no object of this substrate has a 'eror' that can be changed"),
    'state': (lambda: settled(Mismatch('u', 0.1)), ValueError, 'concerns none of the objects'),
    'twice stored': (twice, ValueError,
                     "two imperfections change 'tau' of 'cells': leave one of them out"),
    'not settled': (unsettled, RuntimeError,
                    "imperfections of 'cells' have not been drawn; call 'settle'"),
    'time step': (other_time_step, RuntimeError,
                  "time step of 'cells' was 0.1 ms when its imperfections were drawn, and is 0.2"),
    'threshold': (threshold, ValueError,
                  "code 'I > 0.5' of 'cells' reads 'I' without its imperfections"),
    'on_pre': (on_pre, ValueError,
               r"code 'v_post \+= w' of 'synapses' reads 'w' without its imperfections"),
    'written': (lambda: written(Mismatch('I', 0.1)), ValueError,
                r"changes 'I' of 'cells', but 'sum' writes it in every step; .* on='sum'"),
    'written in part': (lambda: written(Mismatch('I', 0.1), slice(2)), ValueError,
                        "changes 'I' of 'cells', but 'sum' writes it in every step"),
    'name of what is read': (lambda: Substrate([]).neurons(1, 'x_as_read : 1', name='cells'),
                             ValueError, "'cells' has a variable 'x_as_read', a name that is"),
    'drift of what is written': (lambda: written(Drift('I', 1/second)), ValueError,
                                 "changes 'I' of 'cells', but 'sum' writes it in every step"),
    'new': (lambda: settled(Noise('r', 0)).values([Noise('r', 0.1)]), ValueError,
            'was without strength when the circuit was composed; compose it with some'),
    'base': (lambda: Imperfection().is_absent, NotImplementedError, None),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
