import numpy as np
import pytest

from brian_le.protocols import check_protocol, run
from brian_le.protocols.tasks.stability.figures import onset
from brian_le.protocols.tasks.stability.task import Onset, _growth

SMALL = dict(hidden=1, width=4, inputs=3, outputs=2, trials=2, t_trial=20)


def test_it_keeps_the_contract():
    check_protocol('stability', **SMALL)


def test_onset_as_computed(tmp_path):
    result = run('stability', device='numpy', quiet=True, out=tmp_path/'r', seed=1, network='gle',
                 **SMALL | dict(trials=9, t_trial=60, gain=2.5))
    found = Onset.measures(result)
    assert abs(found['deviation']) < 0.05
    a = result.arrays
    assert (np.diff(a['curve_radius']) > 0).all()
    axes = onset(result)['onset'].axes[0]
    assert axes.get_xscale() == 'log' and len(axes.lines) == 5


@pytest.mark.parametrize('factor, settled', [(0.99, True), (1.0, False), (1.01, False)])
def test_growth_of_changes(factor, settled):
    steps = np.arange(1000)
    growth, found = _growth(np.array([np.cos(np.pi*steps), np.cos(0.5*np.pi*steps)])*factor**steps)
    assert found == settled and growth == pytest.approx(factor, rel=1e-9)


def test_what_settled_and_what_diverged():
    growth, settled = _growth(np.zeros((2, 100)))
    assert growth == 0 and settled
    growth, settled = _growth(np.full((2, 100), np.nan))
    assert growth == 0 and not settled


def test_a_look_ahead_below_the_time_step():
    with pytest.raises(ValueError, match='look-ahead 0.05 ms'):
        Onset.read(dict(ratio=0.005))
