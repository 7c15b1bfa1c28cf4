"""What a microcircuit is given, checked before anything is made of it, and names of its objects."""

import numbers

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.units.allunits import hertz, second
from brian2.units.stdunits import ms

from brian_le.checks import check_name, check_positive, choose
from brian_le.models.options import need, one_value

__all__ = ['Names', 'check_conductances', 'check_feedback', 'check_limits', 'check_sizes',
           'error_gains']


class Names(dict):
    """Names of all objects by role: ``name_role``, or what the user has chosen."""

    def __init__(self, name, chosen, n_hidden, bias, presentations):
        layers = range(n_hidden)
        # presentations bring their own inputs, with a name of their own
        roles = ['target' if presentations else 'inputs', 'output', *(['bias'] if bias else []),
                 *(f'up{k}' for k in range(n_hidden + 1)),
                 *(f'{kind}{k}' for k in layers
                   for kind in ('hidden', 'inter', 'ip', 'pi', 'down', 'nudge'))]
        if bias:
            roles += [f'up_bias{k}' for k in range(n_hidden + 1)]
            roles += [f'ip_bias{k}' for k in layers]
        need(f"names of '{name}'", chosen, dict, "a dictionary such as {'hidden0': 'layer23'}")
        for role in chosen:
            check_name(f"{role} of '{name}'", chosen[role])
            choose(f"population or projection of '{name}'", role, roles)
        super().__init__({role: chosen.get(role, f'{name}_{role}') for role in roles})
        seen = {}
        for role, given in self.items():
            if given in seen:
                raise ValueError(f"'{name}' uses the name '{given}' for both {seen[given]} and "
                                 f'{role}; names have to be unique')
            seen[given] = role


def check_sizes(name, sizes, presentations):
    sizes = tuple(sizes) if np.iterable(sizes) else (sizes,)
    if len(sizes) < 3 or any(isinstance(n, bool) or not isinstance(n, numbers.Real) or not n >= 1
                             or n != n//1 for n in sizes):
        raise ValueError(f"sizes of '{name}' are {sizes}; give whole positive numbers of inputs, "
                         'of neurons in at least one hidden layer, and of outputs')
    if presentations is not None:
        for what, n, width in (('inputs', sizes[0], presentations.n_inputs),
                               ('outputs', sizes[-1], presentations.n_outputs)):
            if width and n != width:
                raise ValueError(f"'{name}' has {n} {what}, but the patterns of "
                                 f"'{presentations.name}' are {width} wide")
    return tuple(int(n) for n in sizes)


def check_feedback(name, feedback, eta, decay_down, tau_high):
    """Check what belongs to feedback, and refuse to learn weights that this kind does not have."""
    decays = one_value(name, 'decay_down', decay_down, hertz) > 0/ms
    if tau_high is not None:
        check_positive(f"tau_high of '{name}'", one_value(name, 'tau_high', tau_high, second))
    for what, given in (('a decay_down', decays), ('a tau_high', tau_high is not None)):
        if given and feedback != 'learned':
            raise ValueError(f"'{name}' has {what}, but feedback='{feedback}'; give "
                             "feedback='learned', or leave it out")
    if decays and not any(rate > 0/ms for rate in eta['down']):
        raise ValueError(f"'{name}' has a decay_down, but weights ('down', k) that do not learn; "
                         'give an eta_down')
    if feedback != 'learned' and any(rate > 0/ms for rate in eta['down']):
        raise ValueError(f"'{name}' has a learning rate eta_down, but feedback='{feedback}'; give "
                         "feedback='learned'")


def check_conductances(name, conductances):
    for g, value in conductances.items():
        one_value(name, g, value, hertz)
    g_l, g_b, g_a, g_d, g_som = conductances.values()
    for role, total in (('pyramidal neurons', g_l + g_b + g_a),
                        ('interneurons', g_l + g_d + g_som),
                        ('outputs', g_l + g_b + g_som)):
        if not total > 0/ms or 1/total < defaultclock.dt*(1 - 1e-9):
            tau_m = 1/total if total > 0/ms else 'infinite'
            raise ValueError(f"the {role} of '{name}' have a membrane time constant of {tau_m}; "
                             f'it has to be finite and at least the time step '
                             f'{defaultclock.dt}. Change the conductances or defaultclock.dt')
    return conductances


def error_gains(name, n_hidden, *, g_l, g_b, g_a, g_d, g_som):
    """What becomes of errors on their way from the outputs down to each hidden layer.

    Of the mismatch above, the part that interneurons do not share reaches an apical dendrite, and
    the part that this has in the soma acts there. A basal dendrite would need, for the energy to be
    stationary, the part that it has itself above.
    """
    if not g_a*(g_l + g_d) > 0/ms**2 or not g_b > 0/ms:
        raise ValueError(f"'{name}' has no energy with g_a={g_a}, g_b={g_b} and g_l + g_d="
                         f'{g_l + g_d}, through which no errors reach hidden layers; give positive '
                         'ones')
    acts, shared = g_a/(g_l + g_b + g_a), g_som/(g_l + g_d + g_som)
    gains = [1.0]
    for k in reversed(range(n_hidden)):
        predicts = g_b/(g_l + g_b) if k == n_hidden - 1 else g_b/(g_l + g_b + g_a)
        gains.insert(0, float(gains[0]*acts*(1 - shared)/predicts))
    return gains[:-1]


def check_limits(name, w_max, n_hidden):
    """The limits of the weights into every layer."""
    if w_max is None:
        return [None]*(n_hidden + 1)
    limits = np.asarray(w_max)
    if limits.dtype.kind not in 'iuf' or limits.shape != (2,) or not (
            (limits > 0) & np.isfinite(limits)).all():
        raise ValueError(f"w_max of '{name}' is {w_max}; give two positive numbers, for hidden "
                         'layers and for the output layer, or None')
    return [limits[0]]*n_hidden + [limits[1]]
