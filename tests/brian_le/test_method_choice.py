"""Equations of this package are integrated by their own method, or refused."""

import pytest
from brian2 import Equations, NeuronGroup, Synapses, euler, second
from brian2.equations.equations import EquationError

from brian_le import (Compartment, DenseSynapses, SharedParameters, dendritic_output,
                      dendritic_prediction, dendritic_tree, error_neuron, gle_neuron,
                      gle_output, hidden_neuron, interneuron, membrane_learning,
                      output_neuron, point_neuron, pyramidal, representation_neuron, stimulus)
from brian_le.method_choice import only_here

TREE = [Compartment('soma'), Compartment('branch', 'soma')]
NEURONS = {
    'point_neuron': point_neuron(), 'pyramidal': pyramidal(), 'interneuron': interneuron(),
    'original pyramidal': pyramidal(prospective=False), 'hidden_neuron': hidden_neuron(),
    'output_neuron': output_neuron(), 'gle_neuron': gle_neuron(), 'gle_output': gle_output(),
    'instantaneous': gle_neuron(errors='instantaneous'), 'error_neuron': error_neuron(),
    'representation_neuron': representation_neuron(), 'dendritic_tree': dendritic_tree(TREE),
    'dendritic_output': dendritic_output(TREE),
    'renamed': pyramidal().substitute(u='V', u_prosp='V_prosp', r='rate', r_now='rate_now'),
    'extended': pyramidal() + Equations('dx/dt = (u - x)/(5*ms) : 1'),
    'edited text': Equations(
        str(gle_neuron()).replace('tanh', 'exp').replace(': s', ': second')),
    'kept derivative': Equations('du/dt = -u/(5*ms) : 1\nu_dot : hertz')}


@pytest.mark.parametrize('equations', NEURONS.values(), ids=NEURONS)
def test_neurons_choose_their_method(equations):
    group = NeuronGroup(3, equations)
    assert group.state_updater.method_choice == 'prospective_euler'


@pytest.mark.parametrize('equations', NEURONS.values(), ids=NEURONS)
@pytest.mark.parametrize('method', ['euler', 'EXACT', euler, ('rk2', 'euler')], ids=str)
def test_neurons_refuse_another_method(equations, method):
    with pytest.raises(EquationError, match="'mine' is to .*Write method='prospective_euler'"):
        NeuronGroup(3, equations, method=method, name='mine')


def test_without_a_method_neurons_do_what_they_do_with_it():
    def code(**options):
        group = NeuronGroup(3, pyramidal(), namespace={}, **options)
        group.state_updater.update_abstract_code({})
        return group.state_updater.abstract_code
    assert code() == code(method='prospective_euler') != ''


def test_stimuli_copy_their_pattern():
    assert NeuronGroup(2, stimulus('0.5*i')).state_updater.method_choice == 'prospective_euler'
    # the filter itself can be integrated in other ways
    assert NeuronGroup(2, stimulus('0.5*i'), method='exact').state_updater.method_choice == 'exact'


@pytest.mark.parametrize('kind', [Synapses, DenseSynapses])
def test_synapses_clip_their_weights(kind):
    group = NeuronGroup(3, pyramidal())
    learning = kind(group, group, dendritic_prediction('v_up', w_max=1.0), order=1)
    assert learning.state_updater.method_choice == 'prospective_euler'
    with pytest.raises(EquationError, match="the bound 'w_max'"):
        kind(group, group, dendritic_prediction('v_up', w_max=1.0), method='euler')
    # without bounds nothing is lost
    assert kind(group, group, dendritic_prediction('v_up'), method='euler',
                order=1).state_updater.method_choice == 'euler'


def test_time_constants_stay_above_the_time_step():
    group = NeuronGroup(3, hidden_neuron(tau_m='') + Equations('u_dot : hertz'))
    with pytest.raises(EquationError, match="the bound 'tau_min'"):
        SharedParameters(group, membrane_learning(), method='euler')


STOCK = ['dv/dt = -v/(5*ms) : 1\nv_max : 1\nv_min = -1 : 1',
         'dv/dt = -v/(5*ms) : 1\nx_now = 2*v : 1', 'dv/dt = -v/(5*ms) : 1\nlast_dot : 1\nv_dot : 1',
         'dv/dt = -v/(5*ms) : 1\nr_sent : 1']


@pytest.mark.parametrize('equations', STOCK)
def test_equations_of_others_are_left_alone(equations):
    assert only_here(Equations(equations)) == []
    unasked = ('exact', 'euler', 'heun')
    assert NeuronGroup(2, equations).state_updater.method_choice == unasked
    assert NeuronGroup(2, equations, method='euler').state_updater.method_choice == 'euler'


def test_bounds_of_others_are_left_alone():
    group = NeuronGroup(2, 'r : 1')
    stock = Synapses(group, group, 'dw/dt = -w/(5*ms) : 1 (clock-driven)\nw_max : 1\nw_min : 1',
                     method='euler')
    assert stock.state_updater.method_choice == 'euler'


def test_a_function_is_the_users_own_method():
    def mine(equations, variables=None, method_options=None):
        return 'u = u + 0*dt/second'
    group = NeuronGroup(2, pyramidal(), method=mine, namespace={'second': second})
    assert group.state_updater.method_choice is mine


def test_what_is_published_needs_a_step():
    with pytest.raises(EquationError, match="'y', .*but no differential equation"):
        NeuronGroup(2, 'y : 1\ny_now = 1.0*i : 1')
