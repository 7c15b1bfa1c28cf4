"""Several imperfections, applied to the objects of a circuit."""

import re

import numpy as np
from brian2.core.base import BrianObject
from brian2.equations.equations import EquationError, Equations
from brian2.groups.neurongroup import NeuronGroup
from brian2.utils.stringtools import get_identifiers

from brian_le.projections import project
from brian_le.substrate.imperfection import (Imperfection, shared_where_possible,
                                             variables_read_as, written_out)
from brian_le.substrate.sites import Site, whole_group

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
        Seed of all draws: they differ from object to object, and do not depend on names.

    Attributes
    ----------
    sites : list of Site
        All objects that it has created.

    Raises
    ------
    TypeError
        If something is not an imperfection.
    ValueError
        By `settle`: if an imperfection concerns no object at all, or if two change the values of
        the same variable. When an object is created: if two would change the same thing in the same
        way, or if the code of events reads what has imperfections in equations only.
    RuntimeError
        When a circuit runs before `settle`.

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
        if isinstance(imperfections, Imperfection):
            raise TypeError(f'imperfections are {imperfections!r}; give a list of them')
        self.imperfections = list(imperfections)
        for imperfection in self.imperfections:
            if not isinstance(imperfection, Imperfection):
                raise TypeError(f'{imperfection!r} is not an imperfection; give objects such as '
                                "Mismatch('tau_m', 0.2)")
        self.seed = seed
        self.sites = []
        self._found = [set() for _ in self.imperfections]  # names of what each one changes
        self._checks = []
        self._concerned = []  # for each site the numbers of the imperfections that it has

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

    def parameters(self, target, equations, *, name, shared, **options):
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
        for check in self._checks:
            check.settle()

    def values(self, imperfections=None, seed=None):
        """The values of all variables of imperfections, for a run of a compiled simulation.

        Parameters
        ----------
        imperfections : sequence of Imperfection, optional
            Others of the same kinds in the same order, with other strengths; by default those of
            the substrate.
        seed : int, optional
            By default that of the substrate.

        Returns
        -------
        dict of str to numpy.ndarray
            Values by ``'object.variable'``.

        Raises
        ------
        ValueError
            If the imperfections are of other kinds, or if one that was without strength when the
            circuit was composed has some now.
        """
        imperfections = self.imperfections if imperfections is None else list(imperfections)
        if [x.kind for x in imperfections] != [x.kind for x in self.imperfections]:
            raise ValueError(f'the imperfections are {imperfections}, but the circuit was composed '
                             f'with {self.imperfections}; give the same with other strengths')
        for given, composed in zip(imperfections, self.imperfections):
            if composed.is_absent and not given.is_absent:
                raise ValueError(f'{given!r} was without strength when the circuit was composed; '
                                 'compose it with some')
        return {f'{site.name}.{variable}': value
                for site, values in self._values(imperfections, self.seed if seed is None else seed)
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
        equations = equations if isinstance(equations, Equations) else Equations(equations)
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
        return shared_where_possible(written_out(equations)), concerned

    def _placed(self, obj, concerned, n_synapses=None):
        if concerned:
            check = _Check(obj, any(self.imperfections[number].counts_steps
                                    for number in concerned))
            self._checks.append(check)
            obj.contained_objects.append(check)
        site = Site(obj, len(self.sites), n_synapses)
        self.sites.append(site)
        self._concerned.append(concerned)
        for number in concerned:
            self.imperfections[number].attach(site)
        return obj

    def _values(self, imperfections, seed):
        for site, concerned in zip(self.sites, self._concerned):
            values = {}
            for number in concerned:
                rng = np.random.default_rng([seed, number, site.number])
                new = imperfections[number].values(site, rng)
                for variable in values.keys() & new.keys():
                    raise ValueError(f"two imperfections change '{variable}' of '{site.name}': "
                                     'leave one of them out')
                values |= new
            yield site, values


class _Check(BrianObject):
    """Part of an object with imperfections: they have to be drawn, for the time step it has."""

    def __init__(self, obj, counts_steps):
        super().__init__(clock=obj.clock, name=f'{obj.name}_substrate')
        self.counts_steps = counts_steps
        self.dt = None  # that for which they were drawn

    def settle(self):
        self.dt = float(self.clock.dt)

    def before_run(self, run_namespace):
        name = self.name.removesuffix('_substrate')
        if self.dt is None:
            raise RuntimeError(f"the imperfections of '{name}' have not been drawn; call 'settle' "
                               'of its substrate before the run')
        if self.counts_steps and float(self.clock.dt) != self.dt:
            raise RuntimeError(f"the time step of '{name}' was {self.dt*1e3:g} ms when its "
                               f'imperfections were drawn, and is {float(self.clock.dt)*1e3:g} ms '
                               "now; set 'defaultclock.dt' first")


def _number_of_connections(source, options):
    """How many connections a projection has, if it follows from how it is made."""
    if options.get('one_to_one'):
        return len(source)
    connect = options.get('connect') or {}
    if {'i', 'j'} == connect.keys() and not any(isinstance(x, str) for x in connect.values()):
        return np.broadcast(*connect.values()).size
    return None


def _check_events(name, options, changed):
    """A ValueError if the code of events reads what only equations read with imperfections."""
    texts = []
    for code in (options.get(key) for key in _EVENT_CODE):
        texts += code.values() if isinstance(code, dict) else [code]
    for text in (text for text in texts if isinstance(text, str)):
        for variable in {x for statement in re.split('[;\n]', text)
                         for x in _read_by(statement)} & set(changed):
            raise ValueError(f"the code '{text}' of '{name}' reads '{variable}' without its "
                             'imperfections, which are in equations only; read a line of the '
                             f"equations there, such as '{variable}_real = {variable}'")


def _read_by(statement):
    """What a statement reads, without what it assigns to: that is about the stored value."""
    assignment = re.match(r'\s*(\w+)\s*[-+*/%]*=(?!=)(.*)', statement)
    if assignment:
        return get_identifiers(assignment[2]) - {assignment[1]}
    return get_identifiers(statement)


def drawn_variables(objects):
    """The names of all variables, ``'object.variable'``, that substrates have given values to."""
    return {f'{obj.name}.{variable}' for obj in objects
            for variable in vars(obj).get(_DRAWN, ())}
