"""Gain and phase of neurons of Generalized Latent Equilibrium, and of their errors."""

import numpy as np
from brian2 import Network, NeuronGroup, defaultclock, linked_var, ms

from brian_le import gle_neuron
from brian_le.protocols.parameters import Parameter
from brian_le.protocols.protocol import Protocol
from brian_le.step import READOUT, STIMULUS

__all__ = ['FILTERS', 'Filters', 'accuracy', 'adjoint', 'euler_derivative', 'expected', 'transfer']

#: What a filter sends out, by the names that results have them by.
FILTERS = {'forward': 'u_prosp', 'error': 'err'}

_SETTLING = 30  # time constants until the measurement begins
_LARGEST = 1e11  # updates of neurons, some ten minutes

_WAVES = '''
w : hertz (constant)     # angular frequency
cosine : 1
sine : 1
n_settling : integer (shared, constant)
measured = int(t_in_timesteps >= n_settling) : 1 (shared)
'''


class Filters(Protocol):
    """Gain and phase of slow neurons, and of their error neurons, at many frequencies.

    A neuron that integrates with tau_m and looks ahead by tau_r passes on a signal of the angular
    frequency w as ``forward = (1 + i*w*tau_r)/(1 + i*w*tau_m)`` times itself. Its error neuron has
    the two time constants swapped: ``error = (1 + i*w*tau_m)/(1 + i*w*tau_r)``. The adjoint method,
    which gives the exact gradient but has to know the future, asks for
    ``adjoint = (1 - i*w*tau_r)/(1 - i*w*tau_m)``: the phase of the error filter, and the reciprocal
    of its gain. So errors come as early as neurons are late, at every frequency.

    One neuron for every frequency and every ratio tau_r/tau_m answers to a cosine, and multiplies
    what it sends out with that cosine and its sine; the sums over whole periods are gain and phase.
    In steps of forward Euler a derivative is ``(exp(i*w*dt) - 1)/dt``, not ``i*w``: with it the
    formulae above are exact for any time step (`euler_derivative`). To first order, gain and phase
    thereby differ from those of continuous time by at most ``w*dt/2``, and at most
    ``dt/2*|1/tau_r - 1/tau_m|``. Nothing is random: the seed does not matter.

    Results have ``w``: angular frequencies (1/ms); ``ratio``: ratios tau_r/tau_m; ``forward`` and
    ``error``: complex, [frequency, ratio], see `transfer`.
    """

    name = 'filters'
    figures = 'brian_le.protocols.tasks.filters.figures'
    unit = 'run'
    parameters = (
        Parameter('tau_m', 10.0, 'membrane time constant', 'ms', minimum=1e-6),
        Parameter('ratios', 20, 'ratios tau_r/tau_m, in equal steps up to largest_ratio', minimum=1,
                  maximum=1000),
        Parameter('largest_ratio', 2.0, 'the largest ratio tau_r/tau_m', minimum=1e-6),
        Parameter('frequencies', 41, 'frequencies, evenly on a logarithmic scale and rounded to '
                  'multiples of the lowest; equal ones count once', minimum=1, maximum=1e5),
        Parameter('lowest', 0.01, 'the lowest frequency, as w*tau_m', minimum=1e-6),
        Parameter('highest', 100.0, 'the highest frequency, as w*tau_m', minimum=1e-6),
        Parameter('dt', 0.01, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.w, self.period = waves(p)
        self.n_steps = n_steps(p)

    @staticmethod
    def check(p):
        n_steps(p)

    def compose(self):
        """A cosine for every frequency, and a neuron for each of its time constants.

        Neuron n of the group ``filters`` has the frequency n // ratios and the ratio n % ratios.
        """
        p, w = self.p, self.w
        defaultclock.dt = p.dt*ms
        sources = NeuronGroup(len(w), _WAVES, name='filters_waves', namespace={})
        sources.w, sources.n_settling = w/ms, n_settling(p)
        sources.run_regularly('cosine = cos(w*t)\nsine = sin(w*t)', when='groups', order=STIMULUS,
                              name='filters_oscillate')

        sums = [f'{name}_{part}' for name in FILTERS for part in ('cosine', 'sine')]
        neurons = NeuronGroup(
            len(w)*p.ratios, gle_neuron('linear', tau_m=p.tau_m*ms, tau_r='constant',
                                        inputs=('v_in',))
            + '\n'.join([*(f'{name} : 1 (linked)' for name in ('cosine', 'sine', 'measured')),
                         *(f'{name} : 1' for name in sums)]),
            method='prospective_euler', name=self.name, namespace={})
        neurons.tau_r = np.tile(p.tau_m*ratios(p), len(w))*ms
        index = np.repeat(np.arange(len(w)), p.ratios)
        neurons.cosine = linked_var(sources, 'cosine', index=index)
        neurons.sine = linked_var(sources, 'sine', index=index)
        neurons.measured = linked_var(sources, 'measured')
        # after the waves, before anything reads
        neurons.run_regularly('v_in = cosine\nv_err = cosine', when='groups', order=STIMULUS + 0.5,
                              name='filters_receive')
        neurons.run_regularly('\n'.join(
            f'{name}_{part} += measured*{sent}*{part}' for name, sent in FILTERS.items()
            for part in ('cosine', 'sine')), when='groups', order=READOUT, name='filters_project')
        return Network(sources, neurons)

    def rows(self, end):
        """What the filters multiply their signals with, [1, frequency, ratio], from the sums."""
        return {name: np.reshape(end[f'filters.{name}_cosine'] - 1j*end[f'filters.{name}_sine'],
                                 (1, -1, self.p.ratios))/(self.period/2) for name in FILTERS}

    def result(self, state, rows):
        return {'w': self.w, 'ratio': ratios(self.p),
                **{name: values[0] for name, values in rows.items()}}

    def guide(self):
        return {f'filters.{name}_{part}': f'sum of the {part} times what the {name} filter sends '
                                          'out' for name in FILTERS
                for part in ('cosine', 'sine')}

    @staticmethod
    def summarize(result):
        found = accuracy(result)
        yield (f"{len(result.arrays['w'])} frequencies, {len(result.arrays['ratio'])} ratios; gain "
               '(relative) and phase (rad) differ from')
        yield f"the filters in steps of forward Euler by at most {found['steps'].max():.1e}"
        slow = found['w_dt'] <= 2e-3
        if slow.any():
            yield ('the filters in continuous time by at most '
                   f"{found['continuous'][slow].max():.1e} "
                   f'where w*dt is at most 0.002 ({slow.sum()} frequencies)')
        yield ('the filters in continuous time by at most '
               f"{(found['continuous']/found['w_dt']).max():.2f} times w*dt")


def euler_derivative(w, dt):
    """What a step of forward Euler takes for the derivative of ``exp(i*w*t)``, divided by it.

    That is ``(exp(i*w*dt) - 1)/dt``, which tends to ``i*w`` for short time steps.
    """
    return (np.exp(1j*np.asarray(w)*dt) - 1)/dt


def transfer(s, tau_prosp, tau):
    """What a low-pass filter (tau) and a look-ahead (tau_prosp) multiply a signal with.

    `s` is what a derivative multiplies it with: ``i*w`` in continuous time, `euler_derivative` in
    steps. The absolute value is the gain, the angle the phase, positive where the answer leads.
    """
    s = np.asarray(s)
    return (1 + s*tau_prosp)/(1 + s*tau)


def adjoint(w, tau_m, tau_r):
    """What the adjoint method multiplies errors of the angular frequency w with."""
    return transfer(-1j*np.asarray(w), tau_r, tau_m)


def waves(p):
    """Angular frequencies in 1/ms, whole multiples of the first; and the steps of its period."""
    if p.highest < p.lowest:
        raise ValueError(f"'highest' is {p.highest:g}, below 'lowest', {p.lowest:g}; exchange them")
    n_steps = round(2*np.pi*p.tau_m/(p.lowest*p.dt))
    multiples = np.unique(np.round(np.geomspace(1, p.highest/p.lowest, p.frequencies)))
    if 2*multiples[-1] >= n_steps:
        raise ValueError(f"'highest' is {p.highest:g}: a period has less than two time steps of "
                         f"{p.dt:g} ms; use a shorter 'dt' or lower frequencies")
    return 2*np.pi*multiples/(n_steps*p.dt), n_steps


def ratios(p):
    """The ratios tau_r/tau_m."""
    return p.largest_ratio*np.arange(1, p.ratios + 1)/p.ratios


def n_settling(p):
    """Time steps until all neurons have settled."""
    return int(np.ceil(_SETTLING*p.tau_m*max(1, p.largest_ratio)/p.dt))


def n_steps(p):
    """Time steps of a run; a ValueError for settings that cannot be simulated."""
    w, measured = waves(p)
    if min(p.tau_m, p.tau_m*ratios(p)[0]) < p.dt*(1 - 1e-9):
        raise ValueError(f"the shortest time constant is {p.tau_m*min(1, ratios(p)[0]):g} ms, "
                         f"below the time step 'dt' of {p.dt:g} ms; use a shorter 'dt', a longer "
                         "'tau_m', or fewer 'ratios'")
    total = n_settling(p) + measured
    if total*len(w)*p.ratios > _LARGEST or total > 2**31 - 1:
        raise ValueError(f'{len(w)*p.ratios} neurons for {total:.3g} steps take too long; use less '
                         "'ratios' or 'frequencies', a higher 'lowest', or a longer 'dt'")
    return total


def expected(arrays, tau_m, dt=None):
    """What theory says that a result with ``w`` and ``ratio`` holds: ``forward`` and ``error``.

    With a time step `dt` (ms) for steps of forward Euler, else for continuous time.
    """
    w, tau_r = arrays['w'][:, None], tau_m*arrays['ratio']
    s = 1j*w if dt is None else euler_derivative(w, dt)
    return {'forward': transfer(s, tau_r, tau_m), 'error': transfer(s, tau_m, tau_r)}


def accuracy(result):
    """How far gain and phase are from theory, at every frequency.

    ``continuous`` and ``steps``: for every frequency the largest deviation of both filters at all
    ratios, relative for the gain, in rad for the phase; ``w_dt``: w times the time step.
    """
    p = result.description['parameters']
    found = {'w_dt': result.arrays['w']*p['dt']}
    for name, dt in (('continuous', None), ('steps', p['dt'])):
        truth = expected(result.arrays, p['tau_m'], dt)
        quotients = np.array([result.arrays[key]/truth[key] for key in FILTERS])
        found[name] = np.maximum(abs(abs(quotients) - 1),
                                 abs(np.angle(quotients))).max(axis=(0, 2))
    return found
