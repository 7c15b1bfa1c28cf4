"""What is said of the stability of a network."""

from functools import cached_property

import numpy as np

from brian_le.stability.loops import loops_of
from brian_le.stability.loops import settled as settled_values
from brian_le.stability.one_step import OneStep
from brian_le.stability.values import Values, checked, key_of, strength_of

__all__ = ['Stability', 'settled_from_rest', 'stability_of']

_LEAST, _MOST = 1e-8, 1e4  # strengths of targets that are looked at
_EXACT = 1e-3  # relative, to which a critical strength is found
_MANY = 3000  # moving numbers, above which it takes too long beside a warning

_ABOUT = {'forward': 'rates through recurrent weights', 'error': 'errors through recurrent weights',
          'output': 'rates to the outputs, and errors back', 'neuron': 'membranes and filters'}


class Stability:
    """How changes of rates and errors grow from step to step, see `stability_of`; it prints itself.

    Parameters
    ----------
    name : str
        Name of the network.
    step : OneStep
        Its step.
    values : Values
        Its state.

    Attributes
    ----------
    loops : list of Loop
        All loops, the one that grows most first; see `brian_le.stability.Loop`.
    """

    def __init__(self, name, step, values):
        self.name = name
        self._step, self._values = step, values
        after = values.copy()
        self.loops = loops_of(step.tangent(after), after)

    @property
    def spectral_radius(self):
        """How much a small change of rates and errors grows in a step, in the long run.

        The largest absolute eigenvalue of the derivative of a step, of all loops through
        projections and errors of targets (0 if there are none). Below 1 the network settles.
        Membranes and filters of single neurons, which forget with ``1 - dt/tau``, count only where
        loops lead through them, or if they do not forget but grow.
        """
        return 0.0 if self.narrow is None else self.narrow.radius

    @property
    def stable(self):
        """Whether `spectral_radius` is below 1."""
        return self.spectral_radius < 1

    @property
    def narrow(self):
        """The `Loop` that grows most of those of `spectral_radius`; None if there are none."""
        return next((loop for loop in self.loops if loop.counts), None)

    def settled(self, changes=None):
        """The stability of the state that a step leaves as it is, stable or not.

        Found by Newton's method from the present state on, with weights and stimuli as they are.

        Parameters
        ----------
        changes : dict of str to array, optional
            Values that are to be others, by ``'object.variable'``, such as
            ``'network_layer2.beta'``.

        Returns
        -------
        Stability

        Raises
        ------
        ArithmeticError
            If there is no such state near.
        ValueError
            For names that no variable has, and other numbers of values.
        """
        changes = checked(changes or {}, self._step.variables)
        return Stability(self.name, self._step,
                         settled_values(self._step, self._values.changed(changes)))

    @cached_property
    def critical_beta(self):
        """The strength of targets (``beta``) from which on the network does not settle.

        For the present weights, inputs and targets, with nudging on: for a strength the state that
        a step leaves as it is (stable or not) is found by Newton's method, and the spectral radius
        there; strengths are varied until it is 1. It is 0 for a network that is unstable without
        targets, and infinite if targets close no loop.

        Raises
        ------
        ValueError
            If the network has no targets with a strength ``beta``.
        ArithmeticError
            If it has no state that a step leaves as it is.
        """
        return _critical(self)

    @property
    def strengths(self):
        """The strengths of targets, and the switches with which these are on, by their names."""
        groups = [group for group in self._step.objects if strength_of(group) is not None]
        strengths = [strength_of(group) for group in groups]
        return ({key_of(beta): float(self._values.of(beta)) for beta in strengths},
                {key_of(group.variables['nudged']): 1.0 for group in groups})

    def __repr__(self):
        return f"<Stability of '{self.name}': spectral radius {self.spectral_radius:.4g}>"

    def __str__(self):
        lines = [f"stability of '{self.name}': "
                 + ('it settles' if self.stable else 'it does not settle')
                 + f', spectral radius {self.spectral_radius:.4g}']
        lines.append(f'  {"loop":<9}{"growth in a step":>17}  through')
        for loop in self.loops:
            if loop.counts:
                lines.append(f'  {loop.kind:<9}{loop.radius:>17.4g}  {_rhythm(loop.eigenvalue)}; '
                             f'{_ABOUT[loop.kind]}: {_groups(loop)}')
        slowest = max((loop.radius for loop in self.loops if not loop.counts), default=None)
        if slowest is not None:
            lines.append(f'  {"neuron":<9}{slowest:>17.4g}  {_ABOUT["neuron"]}, which forget')
        if self.narrow is None:
            lines.append('  nothing that rates or errors do comes back to them')
        return '\n'.join(lines)


def _rhythm(eigenvalue):
    """What an eigenvalue means in time."""
    turn = abs(np.angle(eigenvalue))/(2*np.pi)
    if turn < 1e-6:
        return 'without change of sign'
    return f'with a period of {1/turn:.3g} steps'


def _groups(loop):
    names = loop.groups
    return ', '.join(names if len(names) < 5 else [*names[:2], '...', *names[-1:]])


def stability_of(objects, name='network', values=None):
    """How changes grow from step to step in a network as it is at the moment.

    The derivative of one step is read off the equations of neurons and the sums of projections, in
    the order in which Brian2 carries them out, with weights as they are. So it is that of whatever
    one has composed: filters, losses, delays, mismatch of time constants, several networks.

    Parameters
    ----------
    objects : iterable of BrianObject
        The objects of a network: a model, or ``network.objects``.
    name : str
        For what is printed.
    values : dict of str to array, optional
        Values by ``'object.variable'`` in place of those of the objects, such as the state that a
        program (`brian_le.programs`) has returned.

    Returns
    -------
    Stability

    Raises
    ------
    NotImplementedError
        For what has no derivative here: spikes, delays of every connection, other methods of
        integration than ``'prospective_euler'``, functions of one's own.
    ValueError
        For names that no variable has, and other numbers of values.

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> from brian_le import DenseSynapses, point_neuron
    >>> from brian_le.stability import stability_of
    >>> G = NeuronGroup(2, point_neuron('linear', inputs=('v_in',)), method='prospective_euler')
    >>> S = DenseSynapses(G, G, '''v_in_post = w*r_pre : 1 (summed)
    ...                            w : 1''')
    >>> S.connect()
    >>> S.matrix('w')[:] = [[0, 0.9], [-0.9, 0]]
    >>> found = stability_of([G, S])
    >>> round(found.spectral_radius, 6), found.narrow.kind
    (0.9, 'forward')
    """
    from brian_le.programs import EndState

    step = OneStep(objects)
    if isinstance(values, EndState):  # of a whole network, with monitors
        values = {key: value for key, value in values.items() if key in step.variables}
    return Stability(name, step, Values(checked(values or {}, step.variables)))


def settled_from_rest(objects, values):
    """The loop that grows most where a network would settle; None if nobody knows.

    Nobody does of a network of more than 3000 moving numbers, which would take too long.

    Parameters
    ----------
    objects, values
        As for `stability_of`; nothing is taken from the present state of neurons.

    Returns
    -------
    Loop or None
    """
    try:
        with np.errstate(all='ignore'):
            step = OneStep(objects)
            if sum(step.variables[key].size for key in step.moving & set(step.variables)) > _MANY:
                return None
            return Stability('', step, Values(values, at_rest=step.moving)).settled().narrow
    except Exception:  # whoever asks is about to warn, of numbers that may be anything
        return None


def _critical(found):
    """The strength of targets at which the spectral radius of settled states is 1."""
    from scipy.optimize import brentq

    strengths, switches = found.strengths
    if not strengths:
        raise ValueError(f"'{found.name}' has no targets with a strength 'beta'")
    start = max(strengths.values()) or 0.1
    near = Stability(found.name, found._step, found._values.changed(switches))

    def growth(log_beta):
        """The logarithm of the spectral radius, from the settled state before on."""
        nonlocal near
        scale = np.exp(log_beta)/start
        near = near.settled({key: (beta or start)*scale for key, beta in strengths.items()})
        radius = near.spectral_radius
        return np.log(radius) if radius > 0 else -np.inf

    here = np.log(start)
    value = growth(here)
    way = 1.0 if value < 0 else -1.0
    while True:
        if np.isneginf(value) or here > np.log(_MOST):
            return np.inf
        if here < np.log(_LEAST):
            return 0.0
        before, here = here, here + way*np.clip(2*abs(value), 0.3, 1.5)
        value = growth(here)
        if (value > 0) == (way > 0):
            return float(np.exp(brentq(growth, min(before, here), max(before, here), xtol=_EXACT)))
