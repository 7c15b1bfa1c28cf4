import numpy as np
import pytest
from brian2 import (BrianObjectException, DimensionMismatchError, Network, NeuronGroup,
                    StateMonitor, defaultclock, linked_var, ms, mV, network_operation)

from brian_le import (fixed_weights, get_activation, high_passed_rate, phaseless_alignment,
                      pyramidal)
from brian_le.models import Microcircuit, Presentations, random_weights, self_predicting
from brian_le.substrate import Noise, Substrate, normal_number
from tests.running import run_cases

DT = 0.1  # ms
UP = np.array([[0.8, -0.5, 0.3], [-0.4, 0.9, 0.6]])  # [post, pre]
DOWN = np.array([[0.5, -0.2], [-0.3, 0.1], [0.7, 0.4]])
INPUT = np.array([0.5, -0.8, 0.2])
G_LOW = np.array([0.1, 0.06])/0.19  # basal and apical shares of a hidden neuron
G_HIGH = 0.1/0.13                   # basal share of an output neuron
SIGMA, TAU, TAU_HIGH, ETA, DECAY = 0.3, 1.0, 0.5, 2.0, 0.05


# ----------------------------------------------------------- two layers, and what they are in NumPy
def compose(steps, activation='tanh', gate=None, heard=True, decay=DECAY):
    """Three noisy neurons project to two, whose rates come back through weights that learn."""
    def composed(name):
        substrate = Substrate([Noise('v_api', SIGMA, tau=TAU*ms)], seed=3)
        # where feedback is not heard, it arrives in a variable that nobody reads
        low = substrate.neurons(
            3, pyramidal(activation, apical=('v_down',) if heard else ('v_other',))
            + ('' if heard else 'v_down : 1'), name=f'{name}_low', method='prospective_euler',
            namespace={})
        high = substrate.neurons(
            2, pyramidal(activation, apical=()) + high_passed_rate(TAU_HIGH*ms),
            name=f'{name}_high', method='prospective_euler', namespace={})
        up = substrate.project(low, high, fixed_weights('v_up'), name=f'{name}_up')
        down = substrate.project(high, low, phaseless_alignment('v_down', gate=gate),
                                 name=f'{name}_down')
        low.v_up = INPUT
        for S, w in ((up, UP), (down, DOWN)):
            S.matrix()[:] = w
        down.eta, down.decay = ETA/ms, decay/ms
        objects = [low, high, up, down]
        if gate:
            switch = NeuronGroup(1, 'learning : 1 (shared)', name=f'{name}_switch', namespace={})
            switch.run_regularly('learning = int(t_in_timesteps % 3 == 0)', when='before_start',
                                 name=f'{name}_toggle')
            down.learning = linked_var(switch, 'learning')
            objects.append(switch)
        substrate.settle()
        key = substrate.values()[f'{name}_low.v_api_noise_key']
        return objects, steps*DT*ms, lambda: dict(w=np.array(down.matrix()), r_low=high.r_low[:],
                                                  noise=low.v_api_noise[:], key=key)
    return composed


def reference(steps, key, activation='tanh', gate=None):
    """The same step by step."""
    phi = get_activation(activation).rates
    noise, r, r_above, r_low, w = np.zeros(3), np.zeros(3), np.zeros(2), np.zeros(2), DOWN.copy()
    memory = np.exp(-DT/TAU)
    for step in range(steps):
        noise = (memory*noise + SIGMA*np.sqrt(1 - memory**2)
                 * normal_number(key, step + 1, np.arange(3)))
        sent, sent_above = r, r_above
        r = phi(G_LOW[0]*INPUT + G_LOW[1]*(w @ sent_above + noise))
        r_above = phi(G_HIGH*(UP @ sent))
        r_low = r_low + DT/TAU_HIGH*(sent_above - r_low)
        if gate is None or step % 3 == 0:
            w = w + DT*(ETA*np.outer(noise, sent_above - r_low) - DECAY*w)
    return dict(w=w, r_low=r_low, noise=noise)


STEPS, LONG = 40, 400_000
CASES = {'plain': dict(), 'gated': dict(gate='learning', activation='logistic')}


@pytest.mark.parametrize('target', [
    'numpy', 'cpp_standalone', pytest.param('cython', marks=pytest.mark.slow)])
def test_rule_against_numpy(target, tmp_path):
    cases = {name: compose(STEPS, **options) for name, options in CASES.items()}
    if target == 'cpp_standalone':
        cases['long'] = compose(LONG, 'linear', heard=False, decay=0.0)
    found = run_cases(target, cases, tmp_path, not_on_cython=('gated',))
    for name, options in CASES.items():
        if name in found:
            results = found[name]
            expected = reference(STEPS, results['key'], **options)
            assert np.abs(expected['w'] - DOWN).max() > 0.01
            for key, value in expected.items():
                np.testing.assert_allclose(results[key], value, rtol=0, atol=1e-13, err_msg=key)
    if 'long' in found:
        check_expectation(found['long']['w'])


def check_expectation(w):
    """Linear neurons learn the transposed forward weights, at the speed of the closed form.

    The noise of two steps ago is in the rates that are there; of its correlation the high-pass
    keeps all but what is in the low-pass.
    """
    memory, share = np.exp(-DT/TAU), DT/TAU_HIGH
    correlation = SIGMA**2*memory**2*(1 - share/(1 - (1 - share)*memory))
    learned = (w - DOWN)/(ETA*LONG*DT)
    expected = correlation*G_LOW[1]*G_HIGH*UP.T
    # LONG/20 independent numbers, and the noise of three neurons in every rate from above
    np.testing.assert_allclose(learned, expected, rtol=0, atol=0.05*np.abs(expected).max())
    cosine = np.sum(learned*UP.T)/np.linalg.norm(learned)/np.linalg.norm(UP)
    assert cosine > np.cos(np.radians(3))


# ------------------------------------------------------------------------------ in a microcircuit
SIZES = (4, 5, 3, 2)
ETAS = dict(eta_up=(2/ms, 1/ms, 0.5/ms), eta_ip=0.4/ms)


def made_of(options):
    return {key: value() if callable(value) else value for key, value in options.items()}


def circuit(shown, name, **options):
    made = Microcircuit(SIZES, shown, name=name, **ETAS, **options)
    weights = random_weights(SIZES, np.random.default_rng(4))
    for k in (0, 1):
        weights['down', k] = weights['up', k + 1].T
    weights = self_predicting(weights)
    made.weights.update({key: weights[key] for key in made.weights})
    return made


def presentations():
    rng = np.random.default_rng(5)
    return Presentations(rng.random((3, 4)), rng.random((3, 2)), duration=1*ms)


NOISE = dict(substrate=lambda: Substrate([Noise('v_api', 0.2, tau=0.5*ms)], seed=2))
COPIED = {  # feedback and its options, and which kinds are copied from the circuit itself
    'transposed': (dict(feedback='transposed'), ('down', 'pi')),
    'transposed, pi learns': (dict(feedback='transposed', eta_pi=0.5/ms), ('down',)),
    'learned': (dict(feedback='learned', eta_down=(3/ms, 2/ms), decay_down=0.01/ms, **NOISE),
                ('down', 'pi')),
}


@pytest.mark.parametrize('case', COPIED)
def test_feedback_is_that_of_copied_weights(case):
    """The same as a circuit with weights of its own that are copied before every step."""
    options, kinds = COPIED[case]
    shown = presentations()
    mc = circuit(shown, 'circuit', **made_of(options))
    others = {key: value for key, value in options.items() if key in ('eta_pi', 'substrate')}
    copied = circuit(shown, 'copied', **made_of(others))

    @network_operation(when='before_start')
    def copy():
        for k in (0, 1):
            back = (copied.weights['up', k + 1].T if options['feedback'] == 'transposed'
                    else mc.weights['down', k])
            for kind, w in (('down', back), ('pi', -back)):
                if kind in kinds:
                    copied.weights[kind, k] = w

    before = dict(mc.weights)
    Network(shown, mc, copied, copy).run(shown.total_duration)
    assert {key[0] for key in copied.weights} - {key[0] for key in mc.weights} == (
        set(kinds) if options['feedback'] == 'transposed' else {'pi'})
    for key in mc.weights:
        assert np.abs(mc.weights[key] - before[key]).max() > 1e-3
        if key[0] != 'down':
            np.testing.assert_allclose(mc.weights[key], copied.weights[key], rtol=0, atol=1e-14)
    for k in (0, 1):
        for x in ('v_down', 'v_pi', 'u_prosp'):
            np.testing.assert_allclose(getattr(mc.hidden[k], x)[:],
                                       getattr(copied.hidden[k], x)[:], rtol=0, atol=1e-14)


def test_learned_feedback_of_a_microcircuit():
    """In every layer the weights change by the noise there and the fast part of the rates above."""
    shown = presentations()
    eta, decay, tau_high = (3.0, 2.0), 0.01, 0.4
    mc = circuit(shown, 'learned', feedback='learned', eta_down=[x/ms for x in eta],
                 decay_down=decay/ms, tau_high=tau_high*ms, eta_pi=0.1/ms,
                 **made_of(NOISE))
    expected = [mc.weights['down', k] for k in (0, 1)]
    before = [w.copy() for w in expected]
    noises = [StateMonitor(group, 'v_api_noise', record=True, when='end') for group in mc.hidden]
    rates = [StateMonitor(group, 'r_sent', record=True, when='end') for group in mc.pyramidal[1:]]
    Network(shown, mc, *noises, *rates).run(shown.total_duration)
    dt = float(defaultclock.dt/ms)
    for k in (0, 1):
        low = np.zeros(SIZES[k + 2])
        for noise, rate in zip(noises[k].v_api_noise.T, rates[k].r_sent.T):
            low = low + dt/tau_high*(rate - low)
            expected[k] = expected[k] + dt*(eta[k]*np.outer(noise, rate - low)
                                            - decay*expected[k])
        assert np.abs(expected[k] - before[k]).max() > 0.01
        np.testing.assert_allclose(mc.weights['down', k], expected[k], rtol=0, atol=1e-14)


# ---------------------------------------------------------------------------------- what is refused
BAD_CIRCUITS = {
    'unknown': (dict(feedback='transpose'), "unknown feedback of 'mc': 'transpose'; did you mean "
                                            "'transposed'"),
    'not learned': (dict(eta_down=1/ms), "'mc' has a learning rate eta_down, but feedback='fixed'"),
    'no noise': (dict(feedback='learned', eta_down=1/ms), "'mc_hidden0' does not have"),
    'too many': (dict(feedback='learned', eta_down=[1/ms, 1/ms]), 'eta_down of .* has 2 values'),
    'decay': (dict(feedback='learned', decay_down=-1/ms, **NOISE), 'decay_down'),
    'filter': (dict(feedback='learned', tau_high=0*ms, **NOISE), 'tau_high'),
}
BAD_UNITS = {'eta': dict(eta_down=1*mV), 'decay': dict(decay_down=1*ms, **NOISE),
             'filter': dict(tau_high=1/ms, **NOISE)}


def made(options):
    return Microcircuit((2, 3, 2), name='mc', **made_of(options))


@pytest.mark.parametrize('case', BAD_CIRCUITS)
def test_bad_feedback(case):
    options, message = BAD_CIRCUITS[case]
    with pytest.raises(ValueError, match=message):
        made(options)


@pytest.mark.parametrize('case', BAD_UNITS)
def test_bad_units_of_feedback(case):
    with pytest.raises(DimensionMismatchError):
        made({'feedback': 'learned', **BAD_UNITS[case]})


@pytest.mark.parametrize('make, error', [
    (lambda: phaseless_alignment('v', eta=-1/ms), ValueError),
    (lambda: phaseless_alignment('v', decay=-1/ms), ValueError),
    (lambda: phaseless_alignment('v', eta=1*ms), DimensionMismatchError),
    (lambda: high_passed_rate(0*ms), ValueError),
    (lambda: high_passed_rate(1/ms), DimensionMismatchError)])
def test_bad_parameters_of_the_equations(make, error):
    with pytest.raises(error):
        make()


def test_a_filter_faster_than_the_time_step():
    group = NeuronGroup(1, pyramidal(apical=()) + high_passed_rate(0.01*ms),
                        method='prospective_euler', namespace={})
    with pytest.raises(BrianObjectException) as caught:
        Network(group).run(1*ms)
    assert "'tau_r_low' of" in str(caught.value.__cause__)


def test_the_name_of_the_noise():
    assert 'xi_post*r_high_pre' in str(phaseless_alignment('v', noise='xi', eta=1/ms)['w'])
