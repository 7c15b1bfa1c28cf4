"""The series of Mackey and Glass, and the stretches of it that networks are shown."""

from types import SimpleNamespace

import numpy as np

from brian_le.protocols.tasks.steps import steps_of

__all__ = ['SAMPLED', 'mackey_glass', 'nrmse', 'samples', 'steps', 'stretches']

DELAY = 17.0  #: of the series, in ms
SAMPLED = 1.0  #: ms between two samples of the output; one step of the echo state network
_INTEGRATED = 0.1  # ms, the longest step in which the series is integrated
_TRANSIENT = 1000.0  # ms of the series that are not used


def mackey_glass(duration, dt, start=1.2):
    """The series of Mackey and Glass (1977, Science 197:287), with a delay of 17.

    ``dx/dt = 0.2*x(t - 17)/(1 + x(t - 17)**10) - 0.1*x``, by the Runge-Kutta method of fourth
    order, with cubic interpolation of what is delayed between two steps. The values at 0, dt, 2*dt,
    ... up to `duration`, in the time of the series, from a constant `start` up to time 0 on. A
    ValueError unless dt divides the delay.

    Examples
    --------
    >>> from brian_le.protocols.tasks.mackey_glass.series import mackey_glass
    >>> mackey_glass(200, 0.1)[::500].round(4)
    array([1.2   , 1.061 , 1.0137, 1.1265, 1.1867])
    """
    n_delay, n = round(DELAY/dt), round(duration/dt)
    if n_delay < 1 or abs(DELAY/dt - n_delay) > 1e-6:
        raise ValueError(f'the time step is {dt:g}, which does not divide the delay of {DELAY:g}; '
                         'give a value such as 0.1')
    # What is delayed is known for all of a block that is as long as the delay, and in x itself
    # the equation is linear: x_next = keep*x + added. So all steps of a block are made at once.
    keep = _step(1.0, 0.0, 0.0, 0.0, dt)
    powers = keep**np.arange(1, n_delay + 1)
    x, slope = np.full(n_delay + 1, float(start)), np.zeros(n_delay + 1)
    found = [x[-1:]]
    for _ in range(-(-n//n_delay)):
        between = (x[:-1] + x[1:])/2 + dt/8*(slope[:-1] - slope[1:])
        drive, drive_between = _production(x), _production(between)
        added = _step(0.0, drive[:-1], drive_between, drive[1:], dt)
        new = powers*(x[-1] + np.cumsum(added/powers))
        x = np.append(x[-1], new)
        slope = drive - 0.1*x
        found.append(new)
    return np.concatenate(found)[:n + 1]


def _production(delayed):
    return 0.2*delayed/(1 + delayed**10)


def _step(x, begin, middle, end, dt):
    """A step of ``dx/dt = drive - 0.1*x``, with the drive at its begin, middle and end."""
    k1 = begin - 0.1*x
    k2 = middle - 0.1*(x + dt/2*k1)
    k3 = middle - 0.1*(x + dt/2*k2)
    k4 = end - 0.1*(x + dt*k3)
    return x + dt/6*(k1 + 2*k2 + 2*k3 + k4)


def steps(p):
    """Numbers of time steps of what a run is made of; a ValueError for what is not a whole number.

    ``train``, ``test``, ``washout``, ``horizon``, ``window``, ``sampled``, and ``epoch``: all of an
    epoch.
    """
    def whole(name, time, unit, what):
        n = time/unit
        if abs(n - round(n)) > 1e-6:
            raise ValueError(f"'{name}' is {time:g} ms, which is not a multiple of {what}, "
                             f'{unit:g} ms')
        return round(n)

    sampled = steps_of(p, SAMPLED, such_as='0.5 or 0.2')
    for name in ('train', 'test', 'washout'):
        whole(name, getattr(p, name), SAMPLED, 'the time between samples')
    counts = {name: whole(name, getattr(p, name), p.dt, "the time step 'dt'")
              for name in ('train', 'test', 'washout', 'horizon', 'window')}
    whole('train', p.train, p.window, "'window'")
    return SimpleNamespace(**counts, sampled=sampled,
                           epoch=2*counts['washout'] + counts['train'] + counts['test'])


def stretches(p, seed):
    """What is shown, from one long series with mean 0 and variance 1, which begins by the seed.

    By ``train``, ``test`` and, for the choice of the echo state network, ``validation``: inputs and
    targets, [step, replica, 1], with the washout. None of the stretches overlap.
    """
    n = steps(p)
    fine = max(1, int(np.ceil(p.dt/_INTEGRATED - 1e-9)))
    lengths = {'train': n.washout + n.train, 'validation': n.washout + n.test,
               'test': n.washout + n.test}
    skipped = round(_TRANSIENT/p.dt)
    total = skipped + sum(p.batch*(length + n.horizon) for length in lengths.values())
    start = np.random.default_rng([seed, 1]).uniform(0.5, 1.5)
    series = mackey_glass(total*p.dt, p.dt/fine, start)[::fine][skipped:]
    parts, first = {}, 0
    for name, length in lengths.items():
        both = series[first:first + p.batch*(length + n.horizon)].reshape(p.batch, -1).T
        parts[name] = both[:length, :, None], both[n.horizon:, :, None]
        first += both.size
    mean, std = parts['train'][0].mean(), parts['train'][0].std()
    return {name: tuple((values - mean)/std for values in pair) for name, pair in parts.items()}


def nrmse(outputs, targets):
    """Root of the mean squared error, divided by the standard deviation of the targets."""
    return np.sqrt(np.mean((np.asarray(outputs) - targets)**2))/np.std(targets)


def samples(p, values):
    """What belongs to the samples of the test, [replica, sample], of [step, replica, 1]."""
    n = steps(p)
    return values[n.washout::n.sampled, :, 0].T.copy()
