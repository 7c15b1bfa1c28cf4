import numpy as np
import pytest
from brian2 import NeuronGroup, StateMonitor, ms

from brian_le import pyramidal
from brian_le.models import Presentations, Readout, Traces
from tests.running import CODE_TARGETS, run_cases


def compose(lag, on):
    def composed(name):
        shown = Presentations(np.eye(3), duration=0.5*ms, name=f'{name}_shown')
        group = NeuronGroup(4, pyramidal() + 'drive_now = sin(t/ms + i) : 1\ndrive : 1',
                            method='prospective_euler', name=f'{name}_G')
        group.run_regularly('v_up = drive', when='before_groups', name=f'{name}_drive')
        readout = Readout(shown, group, 'u_prosp', name=f'{name}_readout')
        readout.group.lag = lag
        traces = Traces(group, ['u', 'v_bas'], [3, 1], name=f'{name}_traces')
        traces.group.on = on
        everything = StateMonitor(group, ['u', 'u_prosp', 'v_bas'], record=True, when='end',
                                  name=f'{name}_all')
        return ([shown, group, readout, traces, everything], shown.total_duration,
                lambda: dict(means=readout.means(), u=traces.array('u'),
                             v_bas=traces.array('v_bas'), every_u=np.array(everything.u.T),
                             every_u_prosp=np.array(everything.u_prosp.T),
                             every_v_bas=np.array(everything.v_bas.T)))
    return composed


@pytest.fixture(scope='module', params=CODE_TARGETS)
def recorded(request, tmp_path_factory):
    return run_cases(request.param, {'all': compose(0, 1), 'late': compose(2, 0)},
                     tmp_path_factory.mktemp('r'))


@pytest.mark.parametrize('case, lag', [('all', 0), ('late', 2)])
def test_means_over_presentations(recorded, case, lag):
    steps = recorded[case]['every_u_prosp'].reshape(3, 5, 4)
    np.testing.assert_allclose(recorded[case]['means'], steps[:, lag:].mean(axis=1), atol=1e-15)


def test_traces_of_chosen_neurons(recorded):
    for variable in ('u', 'v_bas'):
        np.testing.assert_array_equal(recorded['all'][variable],
                                      recorded['all'][f'every_{variable}'][:, [3, 1]])


def test_traces_that_are_off_record_nothing(recorded):
    assert recorded['late']['u'].shape == (0, 2)


@pytest.mark.parametrize('neurons', [[4], [-1], [], [[0]]])
def test_neurons_that_do_not_exist(neurons):
    group = NeuronGroup(4, 'u : 1', name='G')
    with pytest.raises(ValueError, match='traces'):
        Traces(group, ['u'], neurons, name='traces')
