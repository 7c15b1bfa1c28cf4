"""Neurons whose activation function is not quite the one that the model means."""

from brian2.equations.equations import SUBEXPRESSION
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch

from brian_le.checks import check_not_negative
from brian_le.rewriting import reading, source_of, unit_of, with_expression, with_words
from brian_le.substrate.imperfection import Imperfection, check_name, one_value

__all__ = ['ActivationMismatch']


class ActivationMismatch(Imperfection):
    """Activation functions of different slope and threshold: ``phi(gain*u + offset)``.

    In vivo cells differ in excitability: in their threshold, and in how steeply their rate grows
    with the current. On a chip the comparator or differential pair behind each activation has an
    offset and a gain of its own.

    Every neuron has a ``gain_r`` around 1 and an ``offset_r`` around 0, both normal. They change
    the potential where the rate is computed from it (``u_prosp``, without look-ahead ``u``), and
    nowhere else: what learning needs, the slope ``phi'(u)`` or a dendrite's prediction of the rate,
    is computed by other circuits, which do not know of them.

    Parameters
    ----------
    slope : float
        Standard deviation of the gain.
    offset : float or Quantity
        Standard deviation of the offset, in the units of the potential.
    known : bool
        Whether the published slope is that of the neuron's own activation,
        ``gain*phi'(gain*u + offset)``.
    variable, potential : str
        Names of the rate and of the potential: in a circuit with ``f = tanh(v) : 1``, ``'f'`` and
        ``'v'``. The rate has to be an expression of the potential.
    on : str
        Pattern of the names of groups.

    Raises
    ------
    ValueError
        For negative standard deviations, what is no name, a `known` that is neither true nor false.
    brian2.units.DimensionMismatchError
        For a slope with units; in `settle`, for an offset in other units than the potential.

    References
    ----------
    Max et al. (2025) vary slope and offset of error neurons and of the neurons that they serve
    with standard deviations of 0.1 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import Network, ms
    >>> from brian_le import point_neuron
    >>> from brian_le.substrate import ActivationMismatch, Substrate
    >>> substrate = Substrate([ActivationMismatch(slope=0.1, offset=0.2)], seed=1)
    >>> G = substrate.neurons(5, point_neuron('tanh'), name='cells', method='prospective_euler')
    >>> G.v_in = 1
    >>> substrate.settle()
    >>> Network(G).run(0.1*ms)
    >>> bool(np.allclose(G.r[:], np.tanh(G.gain_r[:] + G.offset_r[:])))
    True
    """

    strengths = ('slope', 'offset')

    def __init__(self, slope=0.0, offset=0.0, *, known=False, variable='r', potential='u', on='*'):
        super().__init__(on)
        for what, value in (('slope', slope), ('offset', offset)):
            one_value(f"{what} of 'ActivationMismatch'", value)
            check_not_negative(f"{what} of 'ActivationMismatch'", value)
        fail_for_dimension_mismatch(Quantity(slope), 1, "slope of 'ActivationMismatch' is not a "
                                    'number')
        self.slope, self.offset = slope, offset
        if not isinstance(known, bool):
            raise ValueError(f"known of 'ActivationMismatch' is {known!r}; give True or False")
        self.known = known
        self.variable = check_name("variable of 'ActivationMismatch'", variable)
        self.potential = check_name("potential of 'ActivationMismatch'", potential)

    def __repr__(self):
        return f'ActivationMismatch({self.slope}, {self.offset})'

    @property
    def is_absent(self):
        return bool(self.slope == 0 and self.offset == 0)

    def _line(self, equations):
        """The line that computes the rate from the potential, before any filter, and this one."""
        own = source_of(self.variable, equations)
        # with a filter of rates, it is an expression of what is filtered
        filtered = ['rate'] if 'rate' in equations[own].identifiers & equations.names else []
        for line in [*filtered, own]:
            if equations[line].type == SUBEXPRESSION:
                for potential in (f'{self.potential}_prosp', self.potential):
                    if reading(potential, equations) in equations[line].identifiers:
                        return line, potential
        return None, None

    def changes(self, equations, is_projection):
        return (not is_projection and self.variable in equations
                and self._line(equations)[0] is not None)

    def equations(self, equations, is_projection):
        line, u = self._line(equations)
        gain, offset = f'gain_{self.variable}', f'offset_{self.variable}'
        u_read = reading(u, equations)
        mismatched = {u_read: f'({gain}*{u_read} + {offset})'}
        equations = with_words(equations, line, mismatched)
        if self.known and 'slope' in equations:
            slope = source_of('slope', equations)
            equations = with_expression(with_words(equations, slope, mismatched), slope,
                                        f'{gain}*{{}}')
        return equations + (f'{gain} : 1 (constant)\n'
                            f'{offset} : {unit_of(equations[u])} (constant)')

    def attach(self, site):
        site.set({f'gain_{self.variable}': 1.0})  # none until it is drawn

    def values(self, site, rng):
        gain, offset = f'gain_{self.variable}', f'offset_{self.variable}'
        fail_for_dimension_mismatch(Quantity(self.offset), site.object.variables[offset],
                                    f"the offset of the activation of '{site.name}' has other "
                                    'units than its potential')
        return {gain: site.for_all(1 + float(self.slope)*rng.standard_normal(site.size)),
                offset: site.for_all(float(self.offset)*rng.standard_normal(site.size))}
