"""Imperfections of neurons with two time constants, as parameters of protocols."""

from brian2 import ms

from brian_le.protocols.parameters import Parameter
from brian_le.protocols.tasks import imperfections as common
from brian_le.substrate import Mismatch

__all__ = ['PARAMETERS', 'imperfections']

PARAMETERS = (
    *common.parameters('mismatch', 'noise', 'delay'),
    Parameter('error_mismatch', 0.0, 'relative standard deviation of the two time constants of '
              'error neurons against those of their neurons', minimum=0, maximum=10),
)

_LONGEST = 1000.0  # ms, of time constants; at least they are a time step


def imperfections(p, prospective=True, mismatched=('tau_m', 'tau_r')):
    """The imperfections that have some strength, for a `brian_le.substrate.Substrate`.

    Without error neurons (`prospective`) there is nothing that ``error_mismatch`` could act on;
    `mismatched` are the time constants that differ, not those that are learned.
    """
    # the softmax is within its layer, and biases are within their neurons
    found = common.imperfections(p, between=('*_forward*',), mismatched=mismatched)
    if p.error_mismatch > 0 and prospective:
        found.append(Mismatch(('tau_v', 'tau_prosp_v'), p.error_mismatch,
                              clip=(p.dt*ms, _LONGEST*ms)))
    return found
