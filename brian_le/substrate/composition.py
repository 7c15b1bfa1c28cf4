"""Several imperfections, applied to the objects of a circuit."""

import operator
import re

import numpy as np
from brian2.core.base import BrianObject
from brian2.equations.equations import EquationError, Equations
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import NeuronGroup

from brian_le.rewriting import (read_in, shared_where_possible, variables_read_as, written_in,
                                written_out)
from brian_le.substrate.imperfection import checked, difference
from brian_le.substrate.sites import Site, whole_group
from brian_le.synapses.projections import project

__all__ = ['Substrate', 'drawn_variables']

_DRAWN = 'drawn_by_substrate'  # attribute of objects
_EVENT_CODE = ('threshold', 'reset', 'refractory', 'events', 'on_pre', 'on_post')


class Substrate:
    """What neurons and projections are made of: creates them with their imperfections.

    Models of `brian_le.models` take one as ``substrate=``. For a circuit of your own, let it create
    the groups (`neurons`) and projections (`project`), set their parameters as always, and call
    `settle` once, which draws the imperfections.

    Imperfections are applied in their order, so that noise before a `LowPass` is filtered. (What
    changes stored values, as weights that are rounded or clipped once they have learned, comes
    before what changes how they are read.) One without strength changes nothing: equations, code
    and numbers are those without it.

    Parameters
    ----------
    imperfections : iterable of Imperfection
        `Mismatch`, `ActivationMismatch`, `Noise`, `Drift`, `Dead`, `Stuck`, `LowPass`, `Delay`,
        `WeightResolution`, `WeightRange`, `UpdateNoise`.
    seed : int
        Seed of all draws, 0 or more: they differ from object to object, and do not depend on names.

    Attributes
    ----------
    sites : list of Site
        All objects that it has created.

    Raises
    ------
    TypeError
        If something is not an imperfection, a name not a text, or equations neither text nor
        `brian2.Equations`.
    ValueError
        For a seed that is not a whole number of at least 0. By `settle`: if an imperfection
        concerns no object at all, or if two change the values of the same variable. When an object
        is created: if two would change the same thing in the same way, or if the code of events
        reads what has imperfections in equations only.
    RuntimeError
        When a circuit runs before `settle`, or with another time step than that for which noise,
        drift and delays were drawn.

    Examples
    --------
    >>> from brian2 import Network, ms
    >>> from brian_le import point_neuron
    >>> from brian_le.substrate import Mismatch, Noise, Substrate
    >>> substrate = Substrate([Mismatch('tau_m', 0.2), Noise('r', 0.1)], seed=1)
    >>> G = substrate.neurons(3, point_neuron(tau_m='constant'), name='cells',
    ...                       method='prospective_euler')
    >>> G.tau_m, G.v_in = 10*ms, 1
    >>> substrate.settle()
    >>> bool(G.tau_m[:].std() > 0*ms)
    True
    >>> Network(G).run(1*ms)
    """

    def __init__(self, imperfections=(), seed=0):
        self.imperfections = checked(imperfections)
        self.seed = _checked_seed(seed)
        self.sites = []
        self._found = [set() for _ in self.imperfections]  # names of what each one changes
        self._checks = []
        self._concerned = []  # for each site the numbers of the imperfections that it has

    def __setattr__(self, name, value):
        if not name.startswith('_') and '_concerned' in vars(self):
            raise AttributeError(f"a Substrate does not take '{name}' once it is made: give "
                                 'imperfections and a seed to another one, or values(...) of a '
                                 'compiled run')
        super().__setattr__(name, value)

    def neurons(self, n, equations, *, name, group=NeuronGroup, **options):
        """Create a group of neurons.

        Parameters
        ----------
        n : int
            Number of neurons.
        equations : str or Equations
            Their equations without imperfections.
        name : str
            Name of the group.
        group : type
            Its class, `brian2.NeuronGroup` or `brian_le.ReplicatedGroup`.
        **options
            Further arguments of the class.

        Returns
        -------
        NeuronGroup
        """
        equations, concerned = self._changed(name, equations, False, options)
        return self._placed(group(n, equations, name=name, **options), concerned)

    def project(self, source, target, equations, *, name, orders=None, **options):
        """Connect two groups of neurons; the arguments are those of `brian_le.project`.

        Returns
        -------
        Synapses
        """
        equations, concerned = self._changed(name, equations, True, options)
        for number in concerned:
            equations = self.imperfections[number].between(source, target, name, equations,
                                                           orders or {})
        projection = project(source, target, equations, name=name, orders=orders, **options)
        return self._placed(projection, concerned, _number_of_connections(source, options))

    def shared_parameters(self, target, equations, *, name, shared, **options):
        """Create parameters of neurons, see `brian_le.SharedParameters`.

        Parameters
        ----------
        target : NeuronGroup
            The population.
        equations : str or Equations
            The parameters without imperfections.
        name : str
            Name of the object.
        shared : type
            `brian_le.SharedParameters`.
        **options
            Further arguments of the class.

        Returns
        -------
        SharedParameters
        """
        equations, concerned = self._changed(name, equations, True, options)
        return self._placed(shared(target, equations, name=name, **options), concerned)

    def settle(self):
        """Draw all imperfections, once the parameters without them are set.

        Raises
        ------
        ValueError
            If an imperfection concerns none of the objects that have been created.
        """
        for site in self.sites:
            site.forget_steps()
        found = {number for numbers in self._concerned for number in numbers}
        for number, imperfection in enumerate(self.imperfections):
            if not imperfection.is_absent and number not in found:
                names = ', '.join(site.name for site in self.sites) or 'none'
                raise ValueError(f'{imperfection!r} concerns none of the objects of this substrate '
                                 f'({names}); change its variable, or the pattern of names '
                                 f"'{imperfection.on}'")
            for name in imperfection.required:
                if not imperfection.is_absent and name not in self._found[number]:
                    raise ValueError(f"{imperfection!r}: no object of this substrate has a "
                                     f"'{name}' that can be changed")
        self._check_writers()
        for site, values in self._values(self.imperfections, self.seed):
            site.set(values)
            vars(site.object)[_DRAWN] = frozenset(values)
        for check, site, concerned in self._checks:
            check.steps = {clock: site.step(clock) for number in concerned
                           for clock in self.imperfections[number].clocks(site)}

    def values(self, imperfections=None, seed=None):
        """The values of all variables of imperfections, for a run of a compiled simulation.

        Parameters
        ----------
        imperfections : sequence of Imperfection, optional
            The same in the same order, with other strengths; by default those of the substrate.
            All but `Imperfection.strengths` is built into the code.
        seed : int, optional
            By default that of the substrate.

        Returns
        -------
        dict of str to numpy.ndarray
            Values by ``'object.variable'``.

        Raises
        ------
        ValueError
            If the imperfections differ in more than their strengths, or if one that was without
            strength when the circuit was composed has some now.
        """
        imperfections = (self.imperfections if imperfections is None else
                         checked(imperfections))
        seed = self.seed if seed is None else _checked_seed(seed)
        differs = difference(imperfections, self.imperfections)
        if differs:
            raise ValueError(f'the imperfections are {imperfections}, but the circuit was composed '
                             f'with {self.imperfections}; {differs}')
        for given, composed in zip(imperfections, self.imperfections):
            if composed.is_absent and not given.is_absent:
                raise ValueError(f'{given!r} was without strength when the circuit was composed; '
                                 'compose it with some')
        return {f'{site.name}.{variable}': value
                for site, values in self._values(imperfections, seed)
                for variable, value in values.items()}

    def _check_writers(self):
        """What synapses write in every step does not keep a mismatch or drift of its own.

        With others that do, it is what a learned parameter may be started from.
        """
        written = {(whole_group(updater.target).name, variable.removesuffix(side)): site.name
                   for site in self.sites if site.is_projection
                   for variable, updater in site.object.summed_updaters.items()
                   for side in ('_pre', '_post')}
        for site, concerned in zip(self.sites, self._concerned):
            for imperfection in (self.imperfections[number] for number in concerned):
                found = imperfection.found(site.object.equations, site.is_projection)
                writers = {variable: written[site.name, variable] for variable in
                           imperfection.rewritten(site.object.equations, site.is_projection)
                           if (site.name, variable) in written}
                if writers and len(writers) == len(found):
                    variable, writer = next(iter(writers.items()))
                    raise ValueError(
                        f"{imperfection!r} changes '{variable}' of '{site.name}', but '{writer}' "
                        "writes it in every step; change what that reads, with its name as "
                        f"on='{writer}'")

    def _changed(self, name, equations, is_projection, options):
        """The equations of an object with imperfections, and the numbers of these."""
        if not isinstance(name, str):
            raise TypeError(f"the name of an object is {name!r}; give a text such as 'cells'")
        if not isinstance(equations, (str, Equations)):
            raise TypeError(f"the equations of '{name}' are {equations!r}; give text, or Equations")
        equations = Equations(equations) if isinstance(equations, str) else equations
        concerned = []
        for variable in variables_read_as(equations):
            raise ValueError(f"'{name}' has a variable '{variable}_as_read', a name that is needed "
                             'here; rename it')
        for number, imperfection in enumerate(self.imperfections):
            if not imperfection.is_absent and imperfection.concerns(name, equations,
                                                                    is_projection):
                self._found[number] |= set(imperfection.found(equations, is_projection))
                try:
                    equations = imperfection.equations(equations, is_projection)
                except EquationError as error:
                    raise ValueError(f"{imperfection!r} does not fit '{name}': {error}. It may be "
                                     'there once for each variable; rename variables of your own '
                                     'that it needs the names of') from None
                concerned.append(number)
        _check_events(name, options, variables_read_as(equations))
        for number in concerned:
            self.imperfections[number].check_code(name, equations, _written_by_events(options))
        return shared_where_possible(written_out(equations)), concerned

    def _placed(self, obj, concerned, n_synapses=None):
        site = Site(obj, len(self.sites), n_synapses)
        self.sites.append(site)
        self._concerned.append(concerned)
        for number in concerned:
            self._take_turn(site, number).attach(site)
        if concerned:
            check = _Check(site, [self.imperfections[number] for number in concerned])
            self._checks.append((check, site, concerned))
            obj.contained_objects.append(check)
        return obj

    def _values(self, imperfections, seed):
        for site, concerned in zip(self.sites, self._concerned):
            values = {}
            for number in concerned:
                self._take_turn(site, number)
                rng = np.random.default_rng([seed, number, site.number])
                new = imperfections[number].values(site, rng)
                for variable in values.keys() & new.keys():
                    raise ValueError(f"two imperfections change '{variable}' of '{site.name}': "
                                     'leave one of them out')
                values |= new
            for number in concerned:
                values |= imperfections[number].fitted(site, values)
            yield site, values

    def _take_turn(self, site, number):
        """An imperfection; its object is told how many of the same kind come before it."""
        mine, *before = [self.imperfections[k] for k in reversed(self._concerned[site.number])
                         if k <= number]
        site.repeat = sum(type(x) is type(mine) and getattr(x, 'variable', None) == getattr(
            mine, 'variable', None) for x in before)
        return mine


class _Check(BrianObject):
    """Part of an object with imperfections: they have to be drawn, for the time steps it has."""

    def __init__(self, site, imperfections):
        obj = site.object
        super().__init__(clock=obj.clock, name=f'{obj.name}_substrate')
        self.steps = None  # those for which they were drawn, by clock
        self._site, self._imperfections = site, imperfections
        self._parts = obj.contained_objects  # of the object, with operations that it gets later
        self._own = set(map(id, self._parts))

    def before_run(self, run_namespace):
        name = self.name.removesuffix('_substrate')
        if self.steps is None:
            raise RuntimeError(f"the imperfections of '{name}' have not been drawn; call 'settle' "
                               'of its substrate before the run')
        for clock, dt in self.steps.items():
            if float(clock.dt) != dt:
                raise RuntimeError(
                    f"the time step of '{name}' was {dt*1e3:g} ms when its imperfections were "
                    f"drawn, and is {float(clock.dt)*1e3:g} ms now; set time steps (such as "
                    "'defaultclock.dt') before the circuit is composed")
        written = {variable: obj.abstract_code for obj in self._parts
                   if isinstance(obj, CodeRunner) and id(obj) not in self._own
                   for variable in written_in(obj.abstract_code)}
        for imperfection in self._imperfections:
            imperfection.check_code(name, self._site.equations, written)


def _number_of_connections(source, options):
    """How many connections a projection has, if it follows from how it is made."""
    if options.get('one_to_one'):
        return len(source)
    connect = options.get('connect') or {}
    if {'i', 'j'} == connect.keys() and not any(isinstance(x, str) for x in connect.values()):
        return np.broadcast(*connect.values()).size
    return None


def _checked_seed(seed):
    """A seed as a whole number; a ValueError for anything else."""
    try:
        if not isinstance(seed, (bool, np.bool_)) and operator.index(seed) >= 0:
            return operator.index(seed)
    except TypeError:
        pass
    raise ValueError(f"seed of 'Substrate' is {seed!r}; give a whole number of at least 0")


def _written_by_events(options):
    """The variables that the code of events assigns to, with the code."""
    return {variable: text for text in _texts_of_events(options)
            for variable in written_in(text)}


def _texts_of_events(options):
    for code in (options.get(key) for key in _EVENT_CODE):
        yield from (text for text in (code.values() if isinstance(code, dict) else [code])
                    if isinstance(text, str))


def _check_events(name, options, changed):
    """A ValueError if the code of events reads what only equations read with imperfections."""
    for text in _texts_of_events(options):
        for variable in {x for statement in re.split('[;\n]', text)
                         for x in read_in(statement)} & set(changed):
            raise ValueError(f"the code '{text}' of '{name}' reads '{variable}' without its "
                             'imperfections, which are in equations only; read a line of the '
                             f"equations there, such as '{variable}_real = {variable}'")


def drawn_variables(objects):
    """The names of all variables, ``'object.variable'``, that substrates have given values to."""
    return {f'{obj.name}.{variable}' for obj in objects
            for variable in vars(obj).get(_DRAWN, ())}
