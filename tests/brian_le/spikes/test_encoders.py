"""Encoders against loops in plain Python, and against what theory says of random ones."""

import numpy as np
import pytest
from brian2 import (DimensionMismatchError, Equations, Hz, Network, NeuronGroup, SpikeMonitor,
                    StateMonitor, TimedArray, defaultclock, ms, prefs, second, seed)
from hypothesis import given, settings
from hypothesis import strategies as st

from brian_le import pyramidal
from brian_le.spikes import (adaptive_threshold, integrate_and_fire, leaky_integrate_and_fire,
                             poisson_spikes)
from tests.running import CODE_TARGETS, run_cases

DT, STEPS = 0.1e-3, 400
ENCODERS = {
    'integrate_and_fire': integrate_and_fire(tau_s=2*ms),
    'plain': integrate_and_fire(r_scale=2000*Hz, prospective=False),
    'short_traces': integrate_and_fire(r_scale=9000*Hz, tau_s=0.1*ms),
    'adaptive_threshold': adaptive_threshold(r_scale=3000*Hz, tau_s=1*ms),
    'leaky_integrate_and_fire': leaky_integrate_and_fire(tau_s=4*ms, t_ref=0.7*ms),
    'leaky_plain': leaky_integrate_and_fire(2000*Hz, tau_v=3*ms, t_ref=0.1*ms, prospective=False),
}


def rates():
    """Rates of four neurons by step: constant, a jump up, a jump down, a wave."""
    t = np.arange(STEPS + 1)
    return np.array([0.7 + 0*t, 0.1 + 0.8*(t > 150), 0.9 - 0.85*(t > 200),
                     0.5 + 0.4*np.sin(t/30)]).T


def reference(encoder, rates):
    """Which neurons spike in which step, and the traces, computed step by step."""
    name, r_scale, tau_s = encoder.name, float(encoder.r_scale), float(encoder.tau_s)
    left = np.exp(-DT/tau_s)
    quantum = (1 - left)/(r_scale*DT)
    plain = 'tau_lead = dt ' in str(encoder) or 'clip(r, 0' in str(encoder)
    spikes, traces = [], []
    charge, trace, v, last = (np.zeros(rates.shape[1]) for _ in range(4))
    last -= np.inf
    for step, (before, r) in enumerate(zip(rates, rates[1:])):
        trace = trace*left
        if name == 'integrate_and_fire':
            lead = r_scale*(DT if plain else DT/(1 - left))
            charge = charge + r_scale*DT*before + (1 - left)*np.maximum(-charge - lead*before, 0)
            spiking = charge + lead*r >= 1 - 1e-9
            charge = charge - spiking
        elif name == 'adaptive_threshold':
            spiking = r - trace >= quantum/2
        else:
            tau_v, t_ref = (float(encoder.equations[key].expr.code.split('*')[0])*1e-3
                            for key in ('tau_v', 't_ref'))
            # within a step the rate is that of the step before, as is the one sent before
            sent = r_before_last if step else 0*before
            wanted = np.maximum(before if plain else (before - left*sent)/(1 - left), 0)
            steps = np.maximum((1/(r_scale*(wanted + 1e-9)) - t_ref)/DT + 0.5, 1)
            free = step - last >= round(t_ref/DT)
            drive = (steps*DT < 15*tau_v)/(1 - np.exp(-steps*DT/tau_v))
            v = v + free*(drive - v)*(1 - np.exp(-DT/tau_v))
            spiking = free & (v >= 1 - 1e-9)
            v, last = np.where(spiking, 0, v), np.where(spiking, step, last)
        r_before_last = before
        trace = trace + spiking*quantum
        spikes.append(spiking)
        traces.append(trace)
    return np.array(spikes), np.array(traces)


def neurons(encoder, n, equations, name):
    """Neurons with rates that equations publish as those of this package do."""
    return NeuronGroup(n, Equations(f'''dnothing/dt = 0/second : 1
                                        r : 1
                                        r_now = {equations} : 1
                                        r_sent : 1
                                        r_sent_now = r : 1''') + encoder.equations,
                       method='prospective_euler', name=name, **encoder.events())


def case(encoder):
    def compose(name):
        G = neurons(encoder, 4, 'shown(t + dt, i)', name)
        G.namespace['shown'] = TimedArray(rates(), dt=0.1*ms, name=f'{name}_rates')
        G.r = rates()[0]
        spikes = SpikeMonitor(G, name=f'{name}_spikes')
        trace = StateMonitor(G, ['trace', 'r'], record=True, when='end', name=f'{name}_trace')

        def read():
            found = np.zeros((STEPS, 4), bool)
            found[np.round(spikes.t/second/DT).astype(int), spikes.i] = True
            return found, np.array(trace.trace).T, np.array(trace.r).T
        return [G, spikes, trace], STEPS*DT*second, read
    return compose


@pytest.fixture(scope='module', params=CODE_TARGETS)
def found(request, tmp_path_factory):
    return run_cases(request.param, {key: case(encoder) for key, encoder in ENCODERS.items()},
                     tmp_path_factory.mktemp('encoders'),
                     not_on_cython=set(ENCODERS) - {'integrate_and_fire', 'leaky_plain'})


def test_spikes_are_those_of_the_reference(found):
    """One for one, on every target, and the traces to rounding."""
    for key in found:
        spikes, traces = reference(ENCODERS[key], rates())
        np.testing.assert_allclose(found[key][2], rates()[1:], rtol=0, atol=1e-12)
        np.testing.assert_array_equal(found[key][0], spikes, err_msg=key)
        np.testing.assert_allclose(found[key][1], traces, rtol=0, atol=1e-12, err_msg=key)
        assert spikes.sum() > 50


# ----------------------------------------------------------------------- deterministic, statistics
def simulated(encoder, r, steps, n=1, begin=None):
    """Spikes and traces of neurons with a constant rate, from numpy."""
    defaultclock.dt = 0.1*ms
    prefs.codegen.target = 'numpy'
    seed(1)
    G = NeuronGroup(n, Equations('r : 1\nr_sent = r : 1') + encoder.equations, method='euler',
                    **encoder.events())
    G.r = r
    if begin is not None:
        G.charge = begin
    spikes = SpikeMonitor(G)
    trace = StateMonitor(G, 'trace', record=True, when='end')
    Network(G, spikes, trace).run(steps*DT*second, namespace={})
    return spikes, np.array(trace.trace)


@settings(deadline=None, max_examples=20)
@given(st.floats(0, 1), st.floats(50, 9000), st.floats(0.1, 20), st.floats(0, 1), st.booleans())
def test_counts_of_integrate_and_fire(r, r_scale, tau_s, begin, prospective):
    """r*r_scale*T spikes but for one, or two where the first look-ahead is a step from 0."""
    encoder = integrate_and_fire(r_scale*Hz, tau_s*ms, prospective=prospective)
    lead = DT/(1 - np.exp(-DT/(tau_s*1e-3))) if prospective else DT
    # a charge that has sent the look-ahead before
    spikes, _ = simulated(encoder, r, 500, begin=begin - r_scale*lead*r)
    assert abs(spikes.num_spikes - r*r_scale*500*DT) <= 1 + 1e-6


@pytest.mark.parametrize('r', [0.2, 0.3, 0.77, 1.0])
@pytest.mark.parametrize('encoder', [
    ENCODERS['integrate_and_fire'], ENCODERS['adaptive_threshold'],
    integrate_and_fire(200*Hz, 10*ms)], ids=['integrating', 'adaptive', 'slow'])
def test_traces_are_rates_within_a_quantum(r, encoder):
    _, trace = simulated(encoder, r, 5000)
    settled = trace[:, 1500:]
    assert abs(settled - r).max() <= encoder.quantum*1.05
    # the adaptive threshold is above the rate by half a quantum: slow rates are lower on average
    most = 0.25 if encoder.name == 'adaptive_threshold' else 0.12
    assert abs(settled.mean() - r) < most*encoder.quantum


@pytest.mark.parametrize('encoder', [integrate_and_fire(9000*Hz, 5*ms),
                                     adaptive_threshold(9000*Hz, 5*ms)], ids=['counts', 'tracks'])
def test_after_a_fall_the_trace_is_the_rate_as_soon_as_it_can(encoder):
    """However far a rate falls, below 0 as well, nothing of it is left to be made up for."""
    fall = np.repeat([0.9, 0.3, -2.0, 0.4], 600)
    G = NeuronGroup(1, Equations('r = shown(t) : 1') + encoder.equations, method='euler',
                    namespace={'shown': TimedArray(fall, dt=0.1*ms)}, **encoder.events())
    trace = StateMonitor(G, 'trace', record=0, when='end')
    defaultclock.dt = 0.1*ms
    prefs.codegen.target = 'numpy'
    Network(G, trace).run(240*ms, namespace={})
    seen, least = trace.trace[0], 0.0
    for step, r in enumerate(fall):
        least = max(r, least*np.exp(-0.02))
        if step > 400 and not 1800 <= step < 1950:  # at most one spike in a step, where it rises
            assert abs(seen[step] - least) < 1.1*encoder.quantum, step


@pytest.mark.parametrize('r, expected', [(0, 0), (-0.5, 0), (0.003, 0), (0.012, 9), (0.02, 16)])
def test_a_leaky_neuron_is_silent_or_slow(r, expected):
    spikes, _ = simulated(leaky_integrate_and_fire(), r, 8000)
    assert abs(spikes.num_spikes - expected) <= (expected > 0)


def test_a_rate_that_the_threshold_never_reaches():
    """What is less than half a quantum is not sent."""
    spikes, _ = simulated(ENCODERS['adaptive_threshold'], 0.05, 500)
    assert spikes.num_spikes == 0


def test_look_ahead_cancels_the_delay_of_the_trace(found):
    """A rate that moves slowly is what the trace says, if the encoder is prospective."""
    wave = rates()[101:, 3]
    for key, most in (('integrate_and_fire', 1.0), ('adaptive_threshold', 0.5)):
        if key not in found:
            continue
        off = abs(found[key][1][100:, 3] - wave)/ENCODERS[key].quantum
        assert off.max() <= 1.05*most, key
    if 'plain' in found:
        assert (abs(found['plain'][1][100:, 3] - wave)/ENCODERS['plain'].quantum).max() > 2


@pytest.mark.parametrize('several', [False, True])
def test_poisson_statistics(several):
    """Mean and variance of counts and traces over independent neurons."""
    encoder = poisson_spikes(1000*Hz, 5*ms, several=several)
    spikes, trace = simulated(encoder, 0.4, 600, n=4000)
    settled = trace[:, 399::100]
    left = np.exp(-DT/5e-3)
    quantum = (1 - left)/(1000*DT)
    mean = 0.4*1000*DT
    each = mean if several else mean*(1 - mean)  # variance of the number in a step
    np.testing.assert_allclose(settled.mean(), 0.4, rtol=0.02)
    np.testing.assert_allclose(settled.var(), quantum**2*each/(1 - left**2), rtol=0.06)
    if several:  # short time steps
        np.testing.assert_allclose(settled.var(), 0.4/(2*5e-3*1000), rtol=0.06)
    else:
        counts = np.bincount(spikes.i, minlength=4000)
        np.testing.assert_allclose(counts.mean(), 600*mean, rtol=0.01)
        np.testing.assert_allclose(counts.var(), 600*each, rtol=0.1)


@pytest.mark.parametrize('r', [0.03, 0.21, 0.5, 0.9])
def test_a_leaky_neuron_fires_at_the_rate_and_not_more_often_than_it_can(r):
    encoder = leaky_integrate_and_fire(1000*Hz, t_ref=1.5*ms)
    spikes, _ = simulated(encoder, r, 8000)
    intervals = np.diff(spikes.t/second)
    assert intervals.min() >= 1.5e-3 - 1e-9
    expected = max(1/(1000*r), 1.6e-3 - DT)
    assert abs(intervals.mean() - expected) <= DT/2 + 1e-9 or r == 0.9
    if r == 0.9:  # asked for more than the refractory time allows
        np.testing.assert_allclose(intervals, 1.5e-3, atol=1e-9)


# ---------------------------------------------------------------------------------------- the rest
def test_neurons_of_this_package_take_encoders():
    for encoder in [*ENCODERS.values(), poisson_spikes(), poisson_spikes(several=True)]:
        G = NeuronGroup(3, pyramidal() + encoder.equations, method='prospective_euler',
                        **encoder.events())
        assert {'trace', 'quantum', 'r', 'u_prosp'} <= set(G.variables)
        assert f'threshold: {encoder.threshold}' in str(encoder)
        assert 'trace += ' in str(encoder).rpartition('reset: ')[2]


@pytest.mark.parametrize('make, error, message', [
    (lambda: integrate_and_fire(0*Hz), ValueError, 'r_scale is 0. Hz; it has to be finite and pos'),
    (lambda: integrate_and_fire(1000), DimensionMismatchError, "'r_scale' has the wrong unit"),
    (lambda: adaptive_threshold(tau_s=-1*ms), ValueError, 'tau_s is -1. ms; it has to be finite'),
    (lambda: poisson_spikes(tau_s=1000*Hz), DimensionMismatchError, "'tau_s' has the wrong unit"),
    (lambda: poisson_spikes(tau_s=[1, 2]*ms), ValueError, 'tau_s is .* give one value'),
    (lambda: poisson_spikes(several='yes'), ValueError, "several is 'yes'; give True or False"),
    (lambda: integrate_and_fire(prospective=2), ValueError, 'prospective is 2; give True or False'),
    (lambda: leaky_integrate_and_fire(t_ref=0*ms), ValueError, 't_ref is 0. s; it has to be'),
    (lambda: leaky_integrate_and_fire(tau_v=3), DimensionMismatchError, "'tau_v' has the wrong"),
    (lambda: integrate_and_fire(20000*Hz).events(), ValueError,
     'at most one spike in a time step of 100. us, and a rate of 1 is 20. kHz, 2 spikes in each; '
     'give an r_scale of at most 10000 Hz'),
    (lambda: integrate_and_fire(1000*Hz).events(dt=2*ms), ValueError, 'r_scale of at most 500 Hz'),
    (lambda: adaptive_threshold(tau_s=0.05*ms).events(), ValueError,
     "tau_s of 'adaptive_threshold' is 50. us, less than the time step of 100. us"),
    (lambda: leaky_integrate_and_fire(t_ref=0.05*ms).events(), ValueError,
     "t_ref of 'leaky_integrate_and_fire' is 50. us, less than the time step")])
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_several_spikes_in_a_step_need_no_limit():
    assert poisson_spikes(5e5*Hz, several=True).events()['threshold'] == 'n_spikes > 0'
