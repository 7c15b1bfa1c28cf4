"""What runs of all benchmarks have to choose from: networks, and parameters."""

from types import SimpleNamespace

from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.tasks import imperfections

__all__ = ['LABELS', 'NETWORKS', 'SAMPLES', 'chosen', 'death', 'names_in', 'parameters',
           'resolved']

#: What the networks of slow neurons do differently, by the names that results have them by.
NETWORKS = {'le': {}, 'random': {'feedback': 'random'}, 'mirror': {'feedback': 'mirror'},
            'no_look_ahead': {'tau_r': 0, 'errors_from': 'tau_r'}}
LABELS = {'le': 'Latent Equilibrium', 'random': 'feedback alignment',
          'mirror': 'learned feedback', 'no_look_ahead': 'without look-ahead',
          'backprop': 'backpropagation'}

#: For data sets that come with more samples than one always wants to learn from.
SAMPLES = Parameter('samples', None, 'training samples to use; auto is all', minimum=1)


def chosen(p):
    """The names of the networks of slow neurons that a run has."""
    return list(NETWORKS) if p.networks == 'all' else [p.networks]


def names_in(arrays):
    """The names of all networks in a result, with the twin last."""
    return [name for name in LABELS if f'{name}.accuracy' in arrays]


def parameters(*more, networks='le', precision='single', decay=0.001, backprop_rate=None,
               **defaults):
    """The parameters that all benchmarks have, with the defaults of one, behind `more`.

    Among the `defaults` are ``t_pattern``, ``dt``, ``tau_m`` (ms), ``epochs``, ``batch``, ``eta``
    and ``sigma``.
    """
    d = SimpleNamespace(**defaults)
    return (
        *more,
        Parameter('networks', networks, 'which networks of slow neurons learn side by side',
                  choices=('all', *NETWORKS)),
        Parameter('t_pattern', d.t_pattern, 'time for which a batch is shown', 'ms',
                  minimum=0.001, maximum=1e5),
        Parameter('epochs', d.epochs, 'how often all training samples are shown', minimum=1,
                  maximum=1e6),
        Parameter('batch', d.batch, 'samples that are shown at once, to replicas that share '
                  'their weights; 1 is online learning', minimum=1, maximum=1e5),
        Parameter('eta', d.eta, 'learning rate of the first layer, times t_pattern', minimum=0),
        Parameter('beta', 0.1, 'strength of the nudging', minimum=0),
        Parameter('decay', decay, 'decay of the weights of learned feedback, times t_pattern',
                  minimum=0),
        Parameter('sigma', d.sigma, 'standard deviation of the initial weights'
                  + ('; auto is uniform up to 1/sqrt(inputs of a neuron)' if d.sigma is None
                     else ''), minimum=0),
        Parameter('tau_m', d.tau_m, 'membrane time constant', 'ms', minimum=1e-6),
        Parameter('tau_r', None, 'look-ahead time; auto is tau_m', 'ms', minimum=0),
        Parameter('tau_s', 0.0, 'low-pass filter of all rates; 0 is no filter', 'ms', minimum=0),
        Parameter('tau_target', 0.0, 'low-pass filter of the targets; 0 is no filter', 'ms',
                  minimum=0),
        Parameter('errors_from', 'tau_m', 'look-ahead that errors are computed from: one by the '
                  "membrane's time constant, or only the one that is sent out",
                  choices=('tau_m', 'tau_r')),
        Parameter('matching', 0, 'batches that are shown before learning, while membrane time '
                  'constants learn to match the look-ahead times', minimum=0, maximum=1e6),
        Parameter('eta_tau', 0.4, 'learning rate of the time constants, in units of tau_m**2/dt',
                  minimum=0),
        *imperfections.parameters(),
        Parameter('twin', 'true', 'whether the same layers learn by backpropagation as well',
                  choices=('true', 'false')),
        Parameter('backprop_rate', backprop_rate, 'learning rate of the first layer of the twin'
                  + ('; auto is eta*beta' if backprop_rate is None else ''), minimum=0),
        Parameter('precision', precision, 'floating point numbers', choices=('double', 'single')),
        Parameter('dt', d.dt, 'time step', 'ms', minimum=1e-6),
        Parameter('steps', 0, 'time steps for which a batch is shown, instead of dt; 0 leaves it '
                  'to dt', minimum=0, maximum=1e6, named=((0, 'from dt'),)),
    )


def resolved(p):
    """The parameters with the time step and the number of steps that they mean."""
    p = SimpleNamespace(**vars(p))
    if p.steps:
        p.dt = p.t_pattern/p.steps
    p.steps = steps_per_pattern(p)
    return p


def death(p):
    """The epoch before which some hidden neurons die; 0 is from the beginning, or never."""
    return min(round(p.dead_from*p.epochs), p.epochs - 1) if p.dead else 0
