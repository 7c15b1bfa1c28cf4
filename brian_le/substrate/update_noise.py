"""Updates of weights that are not exact."""

import numpy as np
from brian2.units.fundamentalunits import Quantity, fail_for_dimension_mismatch

from brian_le.checks import check_not_negative
from brian_le.rewriting import unit_of, with_expression
from brian_le.substrate.imperfection import one_value
from brian_le.substrate.of_weights import OfWeights, check_units
from brian_le.substrate.randomness import uniform_number  # noqa: F401, known to equations from here

__all__ = ['UpdateNoise']

_WIDTH = 12**0.5  # of a uniform distribution of variance 1


class UpdateNoise(OfWeights):
    """Updates of weights that are not exact.

    In vivo plasticity is a matter of few molecules, and spines fluctuate. On a chip a pulse writes
    more or less than it should.

    Weights that learn gain, in every step, a random walk and an error in proportion to their
    update: ``dw/dt = change*(1 + relative*z1) + strength*z2/sqrt(dt*ms)``, with new random
    numbers for each synapse, of mean 0 and variance 1. They are uniform, which is 30 times faster
    than normal: the walk of some steps is normal all the same. Where a projection has a variable
    ``learning``, both are 0 while it is.

    Parameters
    ----------
    strength : float or Quantity
        Standard deviation that a weight gathers in 1 ms.
    relative : float
        Standard deviation of an update, relative to its size.
    variable : str
        Name of the variable, ``'bias'`` for biases.
    on : str
        Pattern of the names of projections.

    Raises
    ------
    ValueError
        For negative strengths. In `Substrate.values`, for one of the two that was 0 when the
        circuit was composed.
    brian2.units.DimensionMismatchError
        In `settle`, for a `strength` in other units than weights.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import Network, NeuronGroup, ms
    >>> from brian_le import dendritic_prediction, pyramidal
    >>> from brian_le.substrate import Substrate, UpdateNoise
    >>> substrate = Substrate([UpdateNoise(0.1)], seed=1)
    >>> source = NeuronGroup(20, pyramidal(), method='prospective_euler', name='low')
    >>> target = NeuronGroup(20, pyramidal(), method='prospective_euler', name='high')
    >>> S = substrate.project(source, target, dendritic_prediction('v_up'), name='up')
    >>> substrate.settle()
    >>> Network(source, target, S).run(1*ms)
    >>> bool(0.08 < np.std(S.w) < 0.12)
    True
    """

    strengths = ('strength', 'relative')

    def __init__(self, strength=0.0, relative=0.0, *, variable='w', on='*'):
        super().__init__(variable, on)
        for what, value in (('strength', strength), ('relative strength', relative)):
            one_value(f"{what} of 'UpdateNoise'", value)
        check_not_negative("strength of 'UpdateNoise'", strength)
        check_not_negative("relative strength of 'UpdateNoise'", relative)
        fail_for_dimension_mismatch(Quantity(relative), 1, "relative strength of 'UpdateNoise' is "
                                    'not a number')
        self.strength, self.relative = strength, float(relative)

    def __repr__(self):
        return f'UpdateNoise({self.strength}, relative={self.relative:g})'

    @property
    def is_absent(self):
        return bool(self.strength == 0 and self.relative == 0)

    def changes(self, equations, is_projection):
        return is_projection and self.variable in equations and self._learns(equations)

    def _variables(self):
        """The variables of the strengths, and their values."""
        w = self.variable
        return {f'{w}_wander': self.strength, f'{w}_error': self.relative}

    def equations(self, equations, is_projection):
        w, unit = self.variable, unit_of(equations[self.variable])
        wander, error = self._variables()
        self._check_clock(equations)

        def number(what):
            return f'{_WIDTH!r}*(uniform_number({what}_key, {w}_update, {w}_unit) - 0.5)'

        if self.relative > 0:
            equations = with_expression(equations, w, f'{{}}*(1 + {error}*{number(error)})')
            equations += f'{error} : 1 (shared, constant)\n{error}_key : integer (shared, constant)'
        if self.strength > 0*self.strength:
            gate = 'learning*' if 'learning' in equations else ''
            equations = with_expression(equations, w, f'{{}} + {gate}{wander}*{number(wander)}'
                                        '/sqrt(dt*0.001*second)')
            equations += (f'{wander} : {unit} (shared, constant)\n'
                          f'{wander}_key : integer (shared, constant)')
        return equations + f'{w}_update : integer (shared)\n{w}_unit : integer (constant)'

    def attach(self, site):
        w = self.variable
        site.set({f'{w}_unit': np.arange(site.size)})
        site.object.run_regularly(f'{w}_update = {w}_update + 1', when='start',
                                  name=f'{site.name}_{w}_update')

    def values(self, site, rng):
        check_units(self.strength, site, self.variable)
        values = {}
        for name, strength in self._variables().items():
            key = int(rng.integers(2**31))
            if name in site.equations:
                values |= {name: float(strength), f'{name}_key': key}
            elif strength > 0*strength:
                raise ValueError(f"{self!r}: this part of the noise was 0 when '{site.name}' was "
                                 'composed; compose it with some')
        return values
