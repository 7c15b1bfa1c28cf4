"""Weights of limited resolution and range."""

from numbers import Real

import numpy as np
from brian2.units.allunits import second
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch

from brian_le.checks import check_positive, choose
from brian_le.clocks import own_clock
from brian_le.parameters import unit_text
from brian_le.rewriting import is_shared, kind_of, read_as, unit_of, with_expression
from brian_le.step import WEIGHTS
from brian_le.substrate.imperfection import one_value
from brian_le.substrate.of_weights import (UNLIMITED, OfWeights, averaged_change, check_limits,
                                           check_units, limit_of, limited, ways_of_learning)
from brian_le.substrate.randomness import uniform_number  # noqa: F401, known to equations from here

__all__ = ['WeightRange', 'WeightResolution']

#: Where weights are rounded: once they have learned, and once events have changed them.
_ROUNDED = {'clock': ('groups', WEIGHTS + 0.1), 'event': ('after_synapses', 0)}
_LEVEL = 1e-6  # how far, in steps, a limit may be from a level that it is


class WeightResolution(OfWeights):
    """Weights of `bits` bits.

    In vivo synapses have been found in some 26 sizes. On a chip weights are kept in 4 to 8 bits.

    The ``2**bits`` levels lie at equal distances ``w_step = (w_max - w_min)/(2**bits - 1)`` from
    ``w_min`` to ``w_max``. From ``-w_max`` to ``w_max``, the default, zero is not among them, and
    one bit is the sign; with ``zero=True`` there is one level less, and zero is. From 0 it is, too.
    What lies between two levels is rounded

    * ``'nearest'``: to the nearest one, after every update. Updates of less than half a step are
      lost.
    * ``'stochastic'``: up or down at random, so that it is right on average, after every update.
    * ``'accumulated'``: the weight learns in full resolution, as in a hidden accumulator, and the
      level nearest to it is what all sums read.

    Weights that do not learn are read as the level nearest to them. Weights that do are taken as
    they are in the first step. Where a projection limits its weights, by `WeightRange` or by a
    ``w_max`` of its own, only levels within the limits are used: of each synapse, if they differ.

    What learns is the variable of a differential equation. It is rounded at the end of the place in
    the step where weights learn, and if events change it (``(event-driven)``, ``on_pre``,
    ``on_post``), once all events of the step are through: all changes of a step count as one
    update. Code that changes a weight of no differential equation leaves nothing to round after, so
    that for ``'nearest'`` and ``'stochastic'`` it is refused: give the weight as
    ``dw/dt = 0/second : 1 (clock-driven)``, or accumulate.

    With an `interval` the device is written only then. Until the next time it holds what was
    written, which is what sums read, while updates gather in the variable of the weight. Writing
    rounds their sum once, and the variable becomes the level that was written, so that for
    ``'nearest'`` what is less than half a step is lost once per interval.

    Parameters
    ----------
    bits : int or None
        Resolution; 0 or None for full resolution.
    w_max : float or Quantity
        Largest weight.
    rounding : {'nearest', 'stochastic', 'accumulated'}
        How weights that learn are rounded.
    w_min : float or Quantity, optional
        Smallest weight, by default ``-w_max``.
    zero : bool
        Whether zero is a level, where `w_min` is ``-w_max``: of two bits or more.
    interval : Quantity, optional
        Time between two writings of the device, by default the time step. Cut a simulation into
        pieces at multiples of it.
    variable : str
        Name of the variable, ``'bias'`` for biases.
    on : str
        Pattern of the names of projections.

    Raises
    ------
    ValueError
        For a number of bits that is not whole or beyond 0 to 32, an unknown rounding, a `w_max` or
        an interval that is not finite and positive, a `w_min` that is not finite or not below
        `w_max`, an interval for what is not rounded after updates, `zero` for other limits than
        ``-w_max`` or for one bit. When an object is created: for code that changes weights which
        are to be rounded after updates but are no differential equation. By `Substrate.settle`, if
        no level is within the limits of a projection.
    brian2.units.DimensionMismatchError
        For an interval that is not a time, or, in `settle`, a `w_max` in other units than weights.

    References
    ----------
    Bartol et al. (2015), eLife 4:e10778 (sizes of synapses). Gupta et al. (2015), ICML 37
    (stochastic rounding).

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le import fixed_weights
    >>> from brian_le.substrate import Substrate, WeightResolution
    >>> substrate = Substrate([WeightResolution(2, w_max=1.5)])  # -1.5, -0.5, 0.5 and 1.5
    >>> source, target = NeuronGroup(1, 'r : 1'), NeuronGroup(3, 'v : 1')
    >>> S = substrate.project(source, target, fixed_weights('v'), name='S')
    >>> source.r, S.w = 1, [0.9, 0.1, -8]
    >>> substrate.settle()
    >>> Network(source, target, S).run(0.1*ms)
    >>> target.v[:]
    array([ 0.5,  0.5, -1.5])
    """

    strengths = ('bits', 'w_max', 'w_min', 'zero')

    def __init__(self, bits, w_max, rounding='nearest', *, w_min=None, zero=False, interval=None,
                 variable='w', on='*'):
        super().__init__(variable, on)
        bits = 0 if bits is None else bits
        if isinstance(bits, bool) or not isinstance(bits, Real) or bits not in range(33):
            raise ValueError(f"bits of 'WeightResolution' are {bits!r}; give a whole number from 0 "
                             'to 32')
        self.bits = int(bits)
        check_positive("w_max of 'WeightResolution'", one_value("w_max of 'WeightResolution'",
                                                                w_max))
        self.w_max, self.w_min = w_max, -w_max if w_min is None else w_min
        check_limits('WeightResolution', self.w_min, w_max)
        if not isinstance(zero, (bool, np.bool_)):
            raise ValueError(f"zero of 'WeightResolution' is {zero!r}; give True or False")
        self.zero = bool(zero)
        if zero and (self.bits == 1 or w_min is not None and self.w_min != -w_max):
            raise ValueError("'WeightResolution' can have a level of zero between -w_max and w_max "
                             f'with two bits or more; here there are w_min={self.w_min}, '
                             f'w_max={w_max} and {self.bits} bits. From w_min=0 zero is a level '
                             'anyway')
        self.rounding = choose('rounding', rounding, ('nearest', 'stochastic', 'accumulated'))
        if interval is not None:
            one_value("interval of 'WeightResolution'", interval)
            fail_for_dimension_mismatch(Quantity(interval), second,
                                        "interval of 'WeightResolution' is not a time")
            check_positive("interval of 'WeightResolution'", interval)
            if rounding == 'accumulated':
                raise ValueError("weights that are 'accumulated' are rounded where they are read; "
                                 'leave out the interval')
        self.interval = interval

    def __repr__(self):
        return f'WeightResolution({self.bits}, {self.w_max}, {self.rounding!r})'

    @property
    def is_absent(self):
        return self.bits == 0

    def changes(self, equations, is_projection):
        return (is_projection and self.variable in equations
                and kind_of(equations, self.variable) != 'computed')

    def _is_rounded_itself(self, equations):
        return self.rounding != 'accumulated' and self._learns(equations)

    def check_code(self, name, equations, written):
        w = self.variable
        if w in written and self.rounding != 'accumulated' and not self._learns(equations):
            raise ValueError(
                f"'{w}' of '{name}' is changed by '{written[w]}', after which {self!r} cannot "
                f"round it, as it is no differential equation; write 'd{w}/dt = 0*{w}/second : "
                f"{unit_of(equations[w])} (clock-driven)', or give rounding='accumulated'")

    def equations(self, equations, is_projection):
        w, unit = self.variable, unit_of(equations[self.variable])
        if not self._is_rounded_itself(equations):
            equations = read_as(equations, w, self._level('{}'))
        else:
            if self.interval is not None:
                held = f'{w}_is_held'
                equations = read_as(equations, w, f'{held}*{w}_written + (1 - {held})*{{}}')
                equations += (f'{w}_written : {unit}\n{w}_writings : integer (shared)\n'
                              f'{held} = int({w}_writings > 0)*(1 - {w}_full) : 1 (shared)')
            if self.rounding == 'stochastic':
                equations += (f'{w}_key : integer (shared, constant)\n'
                              f'{w}_rounding : integer (shared)\n'
                              f'{w}_number : integer (constant)')
        per_unit = unit_text(1/equations[w].unit)
        differ = any(end in equations and not is_shared(end, equations)
                     for end in (f'{w}_min', f'{w}_max'))
        flags = 'constant' if differ else 'shared, constant'
        return equations + (f'{w}_step : {unit} (shared, constant)\n'
                            f'{w}_end : {unit} (shared, constant)\n'
                            f'{w}_shift : 1 (shared, constant)\n'
                            f'{w}_offset : 1 (shared, constant)\n'
                            f'{w}_first : 1 ({flags})\n'
                            f'{w}_last : 1 ({flags})\n'
                            f'{w}_full = int({w}_step == 0*{w}_end) : 1 (shared)\n'
                            f'{w}_scale = 1/({w}_step + {w}_full*{w}_end) : {per_unit} (shared)')

    def _level(self, weight, shift=''):
        """The level of a weight; without steps the first part is 0, and the weight remains."""
        w = self.variable
        number = (f'floor(clip({weight}*{w}_scale + {w}_offset{shift}, {w}_first, '
                  f'{w}_last + 0.5))')
        return f'({number} + {w}_shift)*{w}_step + {w}_full*{weight}'

    def attach(self, site):
        w, equations = self.variable, site.equations
        if not self._is_rounded_itself(equations):
            return
        if self.rounding == 'stochastic':
            site.set({f'{w}_number': np.arange(site.size)})
            code = (f'{w}_rounding = {w}_rounding + 1\n{w} = ' + self._level(
                w, f' - 0.5 + uniform_number({w}_key, {w}_rounding, {w}_number)'))
        else:
            code = f'{w} = {self._level(w)}'
        if self.interval is not None:
            code = f'{w}_writings = {w}_writings + 1\n{code}\n{w}_written = {w}'
        for kind in ways_of_learning(site, w):
            when, order = _ROUNDED[kind]
            name = f'{site.name}_{w}_rounding' + ('' if kind == 'clock' else '_of_events')
            site.object.run_regularly(code, clock=own_clock(name, self.interval), when=when,
                                      order=order, name=name)

    def values(self, site, rng):
        w = self.variable
        for limit in (self.w_min, self.w_max):
            check_units(limit, site, w)
        step, shift, first, last = self._grid(np.dtype(site.object.variables[w].dtype).type)
        values = {f'{w}_step': step, f'{w}_end': float(self.w_max), f'{w}_shift': shift,
                  f'{w}_offset': 0.5 - shift, f'{w}_first': first, f'{w}_last': last}
        if f'{w}_key' in site.equations:
            values[f'{w}_key'] = int(rng.integers(2**31))
        return values

    def _grid(self, dtype):
        """Levels ``(number + shift)*step``: step, shift, first and last number.

        If the type of the weights would round one of them out of the range, all come closer by a
        few of its digits.
        """
        if self.bits == 0:
            return 0.0, 0.5, -0.5, -0.5
        low, high = float(self.w_min), float(self.w_max)
        for margin in (0, 4*np.finfo(dtype).eps*max(abs(low), abs(high))):
            found = self._levels(low + margin*(low != 0), high - margin*(high != 0))
            step, shift, first, last = map(dtype, found)
            if (first + shift)*step >= dtype(low) and (last + shift)*step <= dtype(high):
                break
        return tuple(map(float, (step, shift, first, last)))

    def _levels(self, low, high):
        n = 2**self.bits - self.zero
        step = (high - low)/(n - 1)
        if low == -high:  # on both sides of zero, the same
            return 2*high/(n - 1), *((0.0, -(n//2), n//2) if self.zero else (0.5, -n/2, n/2 - 1))
        if high == 0:
            return step, 0.0, 1 - n, 0
        return step, low/step, 0, n - 1

    def fitted(self, site, values):
        w = self.variable
        step = values[f'{w}_step']
        if step == 0:
            return {}
        low, high = (limit_of(site, w, end, values)/step - values[f'{w}_shift'] for end in
                     ('min', 'max'))
        first = np.maximum(values[f'{w}_first'], np.ceil(low - _LEVEL))
        last = np.minimum(values[f'{w}_last'], np.floor(high + _LEVEL))
        if np.any(first > last):
            raise ValueError(f"no level of {self!r} is within the limits of '{w}' of "
                             f"'{site.name}'; give more bits, or other limits (where they leave "
                             'only 0: zero=True)')
        return {f'{w}_first': first, f'{w}_last': last}


class WeightRange(OfWeights):
    """Weights between two limits, that stop there or become slower on the way.

    In vivo a synapse has neither unlimited nor negative transmitter. On a chip memories and
    currents have a range.

    Weights that learn are clipped after every update, by the variables ``w_min`` and ``w_max`` of
    their projection; where it has some already, the narrower ones count. Weights that do not learn
    are clipped where they are read.

    With ``soft=True`` updates shrink on the way to the limits: potentiation is multiplied by
    ``1 - w/w_max`` and depression by ``1 + w/w_max``, or, between other limits, by the distance
    from the limit in units of half the range.

    Parameters
    ----------
    w_max : float or Quantity or None
        Largest weight; None for no limits.
    w_min : float or Quantity, optional
        Smallest weight, by default ``-w_max``.
    soft : bool
        Whether updates shrink.
    variable : str
        Name of the variable, ``'bias'`` for biases.
    on : str
        Pattern of the names of projections.

    Raises
    ------
    ValueError
        For limits that are not finite, or in the wrong order. When an object is created, for
        weights that are event-driven. By `Substrate.settle`, for limits that lie beyond those that
        a projection has of its own.
    brian2.units.DimensionMismatchError
        In `settle`, for limits in other units than the weights.

    References
    ----------
    Gütig et al. (2003), J. Neurosci. 23 (soft limits).

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le import dendritic_prediction, pyramidal
    >>> from brian_le.substrate import Substrate, WeightRange
    >>> substrate = Substrate([WeightRange(0.5, w_min=0)])
    >>> source = NeuronGroup(1, pyramidal(), method='prospective_euler', name='low')
    >>> target = NeuronGroup(1, pyramidal(), method='prospective_euler', name='high')
    >>> S = substrate.project(source, target, dendritic_prediction('v_up'), name='up')
    >>> S.w = 0.7
    >>> substrate.settle()
    >>> Network(source, target, S).run(0.1*ms)
    >>> S.w[:]
    array([0.5])
    """

    strengths = ('w_max', 'w_min')

    def __init__(self, w_max, w_min=None, *, soft=False, variable='w', on='*'):
        super().__init__(variable, on)
        if not isinstance(soft, (bool, np.bool_)):
            raise ValueError(f"soft of 'WeightRange' is {soft!r}; give True or False")
        self.soft = bool(soft)
        self.w_max, self.w_min = w_max, w_min
        if w_max is None:
            if w_min is not None:
                raise ValueError("'WeightRange' has a w_min, but no w_max; give both")
            return
        if w_min is None:
            check_positive("w_max of 'WeightRange'", one_value("w_max of 'WeightRange'", w_max))
            self.w_min = -w_max
        check_limits('WeightRange', self.w_min, w_max)

    def __repr__(self):
        return f'WeightRange({self.w_max}, {self.w_min}, soft={self.soft})'

    @property
    def is_absent(self):
        return self.w_max is None

    def changes(self, equations, is_projection):
        return (is_projection and self.variable in equations
                and kind_of(equations, self.variable) != 'computed')

    def equations(self, equations, is_projection):
        w, unit = self.variable, unit_of(equations[self.variable])
        low, high = f'{w}_lowest', f'{w}_highest'
        if not self._learns(equations):
            equations = read_as(equations, w, f'clip({{}}, {low}, {high})')
        else:
            self._check_clock(equations)
            if self.soft:
                equations = averaged_change(equations, w)
                change = f'{w}_change_grad'
                equations = with_expression(
                    equations, w, f'{change} - abs({change})*(2*{w} - {high} - {low})'
                    f'/({high} - {low})')
            for end in ('min', 'max'):
                equations = limited(equations, f'{w}_{end}', low, high, unit)
        return equations + (f'{low} : {unit} (shared, constant)\n'
                            f'{high} : {unit} (shared, constant)')

    def values(self, site, rng):
        w, equations = self.variable, site.equations
        low, high = -UNLIMITED, UNLIMITED
        if not self.is_absent:
            for limit in (self.w_min, self.w_max):
                check_units(limit, site, w)
            low, high = float(self.w_min), float(self.w_max)
        values = {f'{w}_lowest': low, f'{w}_highest': high}
        if self._learns(equations):
            for end in ('min', 'max'):
                if kind_of(equations, f'{w}_{end}') == 'stored':  # set by whoever composes
                    own = site.nominal_value(f'{w}_{end}')
                    values[f'{w}_{end}'] = np.clip(own, low, high)
                    if np.any(own < low if end == 'max' else own > high):
                        raise ValueError(f"{self!r} leaves nothing of the limits that '{w}' of "
                                         f"'{site.name}' has of its own; give a range that "
                                         'overlaps with them')
        return values
