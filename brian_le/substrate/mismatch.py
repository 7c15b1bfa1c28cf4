"""Parameters that differ from neuron to neuron, or from synapse to synapse."""

import math

import numpy as np
from brian2.units.fundamentalunits import (DimensionMismatchError, Quantity,
                                           fail_for_dimension_mismatch)
from brian2.utils.stringtools import get_identifiers

from brian_le.checks import check_array, choose
from brian_le.rewriting import (kind_of, read_as, reworded, source_of, unit_of, with_expression,
                                without_flags)
from brian_le.substrate.imperfection import Imperfection, check_names, choose_shared, is_numeric

__all__ = ['Mismatch']

#: Factors of relative width 1 around 1, from normal numbers z of variance 1.
_DISTRIBUTIONS = ('normal', 'lognormal', 'uniform')


class Mismatch(Imperfection):
    """Parameters that are multiplied by a random factor, which differs from unit to unit.

    In vivo no two cells have the same membrane, dendrites or channels. On a chip transistors differ
    by fabrication: time constants by 10 to 30 % before calibration, and synaptic gains likewise.

    A parameter of neurons that is stored becomes one value per neuron; one that is an expression is
    multiplied by a new variable ``mismatch_NAME``. If it is an expression of another parameter of
    the same mismatch, as ``tau_r = tau_m``, it becomes one of that without mismatch, so that both
    factors are as told. (That other one alone takes it along.) The expression then keeps the value
    that the other one had at `Substrate.settle`.

    Of synapses, such a factor multiplies the parameter wherever it is read: learning does not know
    of it. (Limits of weights, ``w_max``, are no parameters of synapses in this sense; see
    `WeightRange`.)

    Parameters
    ----------
    parameters : str or sequence of str
        Name of the parameter, or several: those that an object does not have are left out there.
        What synapses write in every step, such as a time constant that learns, has its mismatch
        where it is kept: ``Mismatch('tau', 0.2, on='*tau_m*')``.
    strength : float
        Standard deviation s of the factor; for ``'lognormal'`` that of its logarithm.
    distribution : {'normal', 'lognormal', 'uniform'}
        Distribution of the factors. Normal and uniform ones have mean 1 and standard deviation s;
        uniform ones lie within ``1 - sqrt(3)*s`` and ``1 + sqrt(3)*s``. Lognormal ones are
        ``exp(s*z)`` with a normal z, as currents below the threshold are of transistors whose
        threshold voltages are normal: they have median 1, mean ``exp(s**2/2)`` and standard
        deviation ``exp(s**2/2)*sqrt(exp(s**2) - 1)``, for s = 0.4 1.08 and 0.45.
    correlation : float
        Correlation between the factors of several parameters of one unit, from 0 (independent) to
        1 (the same factor). It is that of normal numbers, of which the others are functions.
    clip : pair, optional
        What the parameters stay within: numbers, or quantities of the parameter's unit. Without it
        a normal factor may be close to zero or negative, one in a thousand at a strength of 0.3:
        time constants need a lower limit then, of at least the time step.
    shared : bool
        Whether all units of an object have the same factor (true: a bias that a whole core of a
        chip shares), or each its own (false, the default, also for parameters that are shared
        without mismatch).
    on : str
        Pattern of the names of groups or projections.

    Raises
    ------
    ValueError
        For no parameters or what is no name, a negative strength, an unknown distribution, a
        correlation beyond 0 to 1, or a range that is none. By `Substrate.settle`: for a parameter
        that no object has.
    brian2.units.DimensionMismatchError
        For a `clip` in other units than the parameter, once an object has it.

    References
    ----------
    Haider et al. (2021), Fig. 4a: 20 and 30 % normal mismatch of both time constants of every
    neuron (arXiv 2110.14549).

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le import point_neuron
    >>> from brian_le.substrate import Mismatch, Substrate
    >>> substrate = Substrate([Mismatch(('tau_m', 'tau_r'), 0.2, clip=(1*ms, 1000*ms))], seed=3)
    >>> G = substrate.neurons(4, point_neuron(tau_m='constant', tau_r='constant'), name='cells',
    ...                       method='prospective_euler')
    >>> G.tau_m = G.tau_r = 10*ms
    >>> substrate.settle()
    >>> len(set(G.tau_m/ms) | set(G.tau_r/ms))
    8
    """

    strengths = ('strength', 'distribution', 'correlation')

    def __init__(self, parameters, strength, *, distribution='normal', correlation=0.0, clip=None,
                 shared=False, on='*'):
        super().__init__(on)
        self.parameters = check_names("parameters of 'Mismatch'", parameters)
        if not is_numeric(strength):
            raise ValueError(f"strength of 'Mismatch' is {strength!r}; give a number, such as 0.2")
        fail_for_dimension_mismatch(Quantity(strength), 1, "strength of 'Mismatch' is not a number")
        self.strength = float(check_array("strength of 'Mismatch'", strength, ()))
        if self.strength < 0:
            raise ValueError(f"strength of 'Mismatch' is {self.strength:g}; it has to be 0 or more")
        self.distribution = choose('distribution', distribution, _DISTRIBUTIONS)
        self.correlation = float(check_array("correlation of 'Mismatch'", correlation, ()))
        if not 0 <= self.correlation <= 1:
            raise ValueError(f'correlation is {correlation}; give a number from 0 to 1')
        self.clip = None if clip is None else _range(clip)
        self.shared = bool(choose_shared(shared, f'the mismatch of {self.parameters}'))

    @property
    def structure(self):
        # where there are limits at all, they are variables
        return super().structure | {'clip': None if self.clip is None else '(lowest, highest)'}

    def __repr__(self):
        return f'Mismatch({self.parameters!r}, {self.strength:g})'

    @property
    def is_absent(self):
        return self.strength == 0

    @property
    def required(self):
        return self.parameters

    def found(self, equations, is_projection):
        return [name for name in self.parameters if name in equations
                and _is_parameter(name, equations, is_projection)]

    def rewritten(self, equations, is_projection):
        return [] if is_projection else [
            name for name in self.found(equations, is_projection)
            if kind_of(equations, source_of(name, equations)) == 'stored']

    def changes(self, equations, is_projection):
        return bool(self.found(equations, is_projection))

    def equations(self, equations, is_projection):
        found, rewritten = (of(equations, is_projection) for of in (self.found, self.rewritten))
        equations = _apart(equations, found, rewritten)
        for name in found:
            mismatch = f'mismatch_{name}'
            line = source_of(name, equations)
            if name in rewritten:
                if not self.shared:
                    equations = without_flags(equations, name, 'shared')
                continue
            if not self.shared:
                equations = without_flags(equations, line, 'shared')
            if is_projection:
                equations = read_as(equations, name, self._within(name, f'{{}}*{mismatch}'),
                                    but=found)
            else:
                equations = with_expression(equations, line,
                                            self._within(name, f'{{}}*{mismatch}'))
            flags = 'shared, constant' if self.shared else 'constant'
            equations += f'{mismatch} : 1 ({flags})' + self._bounds(name, equations)
        return equations

    def _within(self, name, expression):
        return expression if self.clip is None else f'clip({expression}, min_{name}, max_{name})'

    def _bounds(self, name, equations):
        if self.clip is None:
            return ''
        unit = unit_of(equations[name])
        return ''.join(f'\n{end}_{name} : {unit} (shared, constant)' for end in ('min', 'max'))

    def attach(self, site):
        # none until it is drawn
        for name in self.parameters:
            if f'mismatch_{name}' in site.equations:
                site.set({f'mismatch_{name}': 1.0, **self._range(name, site)})

    def _range(self, name, site):
        if self.clip is None:
            return {}
        fail_for_dimension_mismatch(Quantity(self.clip), site.object.variables[name],
                                    f"clip of the mismatch of '{name}' of '{site.name}' has other "
                                    'units')
        return {f'{end}_{name}': float(bound) for end, bound in zip(('min', 'max'), self.clip)}

    def values(self, site, rng):
        values, equations = {}, site.equations
        found = self.found(equations, site.is_projection)
        n = 1 if self.shared else site.size
        common = rng.standard_normal(n)
        for name in found:
            own = rng.standard_normal(n)
            z = np.sqrt(self.correlation)*common + np.sqrt(1 - self.correlation)*own
            factors = self._factors(z)
            factor = float(factors[0]) if self.shared else site.for_all(factors)
            if f'mismatch_{name}' in equations:
                values |= {f'mismatch_{name}': factor, **self._range(name, site)}
            else:
                value = site.nominal_value(name)*factor
                if self.clip is not None:
                    value = np.clip(value, *self._range(name, site).values())
                values[name] = value
            if f'nominal_{name}' in equations:
                values[f'nominal_{name}'] = site.nominal_value(name)
        return values

    def _factors(self, z):
        if self.distribution == 'normal':
            return 1 + self.strength*z
        if self.distribution == 'lognormal':
            return np.exp(self.strength*z)
        # the normal distribution function of z, which is uniform
        return 1 + self.strength*np.sqrt(3)*np.array([math.erf(x) for x in z/np.sqrt(2)])


def _range(clip):
    """The smallest and the largest value as a pair; a ValueError if they are none."""
    try:
        low, high = clip
        if low < high and all(np.shape(end) == () and is_numeric(end) for end in (low, high)):
            return low, high
    except (TypeError, ValueError, DimensionMismatchError):
        pass
    raise ValueError(f'clip is {clip!r}; give the smallest and the largest value')


def _is_parameter(name, equations, is_projection):
    """Whether a variable may have a mismatch: what is linked or integrated has it elsewhere."""
    if 'summed' in equations[name].flags:
        return False
    if is_projection:
        # the step of weights reads limits by their names
        return not any(name == f'{x}{end}' for x in equations.diff_eq_names
                       for end in ('_min', '_max'))
    return ('linked' not in equations[name].flags
            and kind_of(equations, source_of(name, equations)) != 'integrated')


def _apart(equations, names, rewritten):
    """The equations with no parameter depending on the mismatch of another one."""
    lines = {source_of(name, equations) for name in names}
    codes = {x: equations[x].expr.code for x in equations if kind_of(equations, x) == 'computed'}
    stored = {name: f'nominal_{name}' for name in rewritten}

    def nominal(code):
        words = dict(stored)
        for x in codes.keys() & get_identifiers(code):
            text = nominal(codes[x])
            if x in lines or text != codes[x]:  # it is one of them, or an expression of one
                words[x] = f'({text})'
        return reworded(code, words)

    needed = set()
    for line in lines & codes.keys():
        code = nominal(codes[line])
        needed |= set(stored.values()) & get_identifiers(code)
        if code != codes[line]:
            equations = with_expression(equations, line, code)
    for name, nominal_name in stored.items():
        if nominal_name in needed:
            if f'drift_{name}_step' in equations:
                raise ValueError(f"'{name}' drifts, and has a mismatch together with an expression "
                                 'of it; give that one a stored value of its own')
            equations += f'{nominal_name} : {unit_of(equations[name])} (constant)'
    return equations
