"""The places of one step of simulated time, as ``order`` in Brian2's slot ``'groups'``.

Sums read what was published in the step before; then all neurons step; then the weights follow.
A group that a circuit reads with a delay of one step (its targets, with look-ahead) comes after
the weights.
"""

__all__ = ['STIMULUS', 'SUM', 'ERRORS', 'APICAL', 'NEURONS', 'FEEDBACK', 'WEIGHTS', 'DELAYED',
           'READOUT']

STIMULUS = -2  #: inputs, and targets without delay
SUM = -1       #: weighted sums; Brian2's own place for a target group of order 0
ERRORS = -0.5  #: error neurons with a group of their own
APICAL = -0.25 #: what these send to the neurons beside them, which acts in the same step
NEURONS = 0    #: derivative, look-ahead, step and rate of all neurons
FEEDBACK = 0.5 #: sums of errors that depend on the look-ahead of this step
WEIGHTS = 1    #: plasticity
DELAYED = 2    #: what the circuit reads one step later
READOUT = 3    #: averages of the outputs
