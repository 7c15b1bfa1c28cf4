"""Synapses that are computed by nested loops: what their classes have in common."""

import weakref

import numpy as np
from brian2.codegen.runtime.cython_rt.cython_rt import CythonCodeObject
from brian2.codegen.runtime.numpy_rt.numpy_rt import NumpyCodeObject
from brian2.codegen.translation import get_identifiers_recursively
from brian2.core.functions import Function
from brian2.core.namespace import get_local_namespace
from brian2.core.variables import ArrayVariable, Subexpression
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import RuntimeDevice, get_device
from brian2.groups.subgroup import Subgroup
from brian2.synapses.synapses import Synapses
from brian2.utils.logger import get_logger

from brian_le.checks import choose
from brian_le.liberties import OwnNames, begin_each_run, pathways_of
from brian_le.names import CPP_NAMES, check_names, check_steps
from brian_le.rewriting import inline
from brian_le.synapses.liberties import (arrays_of_synapses, count_as_connected, index_by,
                                         is_connected, not_grow_with_synapses, stand_in_place_of)
from brian_le.synapses.loops.arrays import ArrayLoops
from brian_le.synapses.loops.cpp import CythonLoops, StandaloneLoops, has_cpp
from brian_le.synapses.loops.indices import provide_indices
from brian_le.synapses.loops.late import LateArrays
from brian_le.synapses.loops.nests import SIDES
from brian_le.synapses.loops.operations import LearningRunner, SumRunner
from brian_le.synapses.loops.plans import plan_run
from brian_le.synapses.pairs import PairIndexing, PairIndices
from brian_le.synapses.replicas import common_replicas, population_size
from brian_le.synapses.states import check_state, connections, number_of_synapses, without_indices
from brian_le.synapses.views import ArrayView, weight_matrix

__all__ = ['LoopSynapses', 'first_neurons']

logger = get_logger(f'brian2.{__name__}')  # goes where the messages of Brian2 go

_MOST = np.iinfo(np.int32).max
_LOOPS = {NumpyCodeObject: ArrayLoops, CythonCodeObject: CythonLoops,
          CPPStandaloneCodeObject: StandaloneLoops}


class LoopSynapses(OwnNames, Synapses):
    """What the classes of synapses with a layout have in common; not to be used by itself.

    Attributes
    ----------
    layout : DenseLayout, ConvLayout or PoolLayout
        Which synapse connects which neurons; None as long as there are no synapses, or if they
        are those of Brian2.
    replicas : int
        Number of replicas of the populations.
    """

    _layout = None
    _run_in = _plan = None  # the network that is about to run, and what this does there

    def __init__(self, source, target=None, model=None, *args, replicas=None, **options):
        target = source if target is None else target
        self._replicas = common_replicas(replicas, source, target)
        self._populations = source, target
        super().__init__(*self._first_replicas(), model, *args, **options)
        self._late = LateArrays(self)
        self._replace_runners()
        index_by(self, PairIndexing(self))
        self._pairs = [PairIndices.adopt(self.variables[name])
                       for name in ('_synaptic_pre', '_synaptic_post')]
        check_names(self, Synapses)
        check_steps(self.equations, self.name)
        if self.subexpression_updater is not None:
            self._check_shared(self.subexpression_updater.abstract_code)

    @property
    def layout(self):
        return self._layout

    @property
    def replicas(self):
        return self._replicas

    def _first_replicas(self):
        """The parts of the populations that Brian2 sees."""
        if self.replicas == 1:
            return self._populations
        source, target = self._populations
        first = _first_replica(source, self.replicas)
        return first, first if target is source else _first_replica(target, self.replicas)

    def _replace_runners(self):
        """Put those of `brian_le.synapses.loops.operations` in place of Brian2's operations."""
        ours = {}
        for name, stock in self.summed_updaters.items():
            side, population = (('pre', self._populations[0]) if name.endswith('_pre')
                                else ('post', self._populations[1]))
            runner = SumRunner(stock.expression, name, self, stock.target, f'N_{side}',
                               f'_synaptic_{side}')
            stand_in_place_of(runner, stock, self._runner_name(name))
            # the first replica is a part of a group, which has an order of its own
            runner.target, runner.order = population, population.order - 1
            ours[stock] = self.summed_updaters[name] = runner
        if self.state_updater is not None:
            stock = self.state_updater
            self.state_updater = ours[stock] = LearningRunner(
                self, stock.method_choice, stock.clock, stock.order, stock.method_options)
        self.contained_objects[:] = [ours.get(obj, obj) for obj in self.contained_objects]

    def _runner_name(self, name):
        return f'{self.name}_summed_variable_{name}'

    # ------------------------------------------------------------------------------- connections
    def connect(self, condition=None, i=None, j=None, p=1.0, n=1, skip_if_invalid=False,
                namespace=None, level=0):
        """Create the synapses; without arguments, those of the layout.

        Parameters
        ----------
        condition, i, j, p, n, skip_if_invalid, namespace, level
            As for `brian2.Synapses.connect`.

        Raises
        ------
        ValueError
            If anything but one call without arguments is asked for, and there is no equivalent in
            Brian2: with replicas, and with kernels.
        """
        obstacle = self._obstacle()
        if is_connected(self):
            obstacle = 'synapses are added to those that there are'
        elif not (condition in (None, True, 'True') and i is None and j is None
                  and np.ndim(p) == 0 and p == 1 and n == 1):
            obstacle = 'not all neurons are connected to all'
        if obstacle is None:
            self._connect_layout()
            return
        if not self._has_stock_equivalent:
            raise ValueError(f"'{self.name}' needs one connect() without arguments, because its "
                             f'{self._shared_by} share weights; here {obstacle}')
        self._say_stock(obstacle)
        if self.layout is not None:
            self._store_indices()
        namespace = get_local_namespace(level + 1) if namespace is None else namespace
        super().connect(condition, i, j, p, n, skip_if_invalid, namespace, level + 1)

    def _say_stock(self, reason):
        logger.info(f"'{self.name}' is computed as brian2.Synapses are, because {reason}",
                    f'stock_{self.name}', once=True)

    @property
    def _has_stock_equivalent(self):
        return self.replicas == 1

    _shared_by = 'replicas'
    _many_pairs = False  # whether a synapse connects more than one pair in every replica

    def _obstacle(self):
        """Why the loops of this package cannot serve; None if they can."""
        if pathways_of(self):
            return 'it has event pathways (on_pre or on_post)'
        for group in self._populations:
            if isinstance(group, Subgroup):
                return f"'{group.name}' is a part of a group"
            if isinstance(group, Synapses):
                return f"'{group.name}' are synapses"
        if self.multisynaptic_index is not None:
            return 'it has a multisynaptic_index'
        if self.codeobj_class is not None:
            return 'it has a codeobj_class of its own'
        if type(get_device()) not in (RuntimeDevice, CPPStandaloneDevice):
            return f'the device {type(get_device()).__name__} is not known'

    def _connect_layout(self):
        layout = self._make_layout()
        if layout.n_synapses > _MOST:
            raise ValueError(f"'{self.name}' would have {layout.n_synapses} synapses; Brian2 "
                             f'counts up to {_MOST}, divide the populations')
        count_as_connected(self)
        self._layout = layout
        device = get_device()
        not_grow_with_synapses(self, self._pairs)
        # in an order that is the same in every process, for generated code to be the same
        for variable in arrays_of_synapses(self):
            variable.resize(layout.n_synapses)
            if isinstance(device, CPPStandaloneDevice):
                device.array_cache[variable] = np.zeros(layout.n_synapses, variable.dtype)
        self.variables['N'].set_value(layout.n_synapses)
        self._compute_indices()

    def _compute_indices(self):
        """Tell which neurons a synapse connects, where it connects two."""
        for indices in self._pairs:
            indices.compute_by(self._refuse_indices)
        if isinstance(get_device(), CPPStandaloneDevice):
            provide_indices(self)

    def _check_pairs(self):
        """Raise a NotImplementedError if a synapse connects more than one pair of neurons."""
        if self._many_pairs:
            self._refuse_indices()

    def _refuse_indices(self):
        raise NotImplementedError(f"a synapse of '{self.name}' connects many pairs of neurons; "
                                  'it has no single source and target')

    # ------------------------------------------------------------------------------------- states
    def _full_state(self):
        self._late.catch_up()
        state = without_indices(self._pairs, super()._full_state)
        if self.layout is not None:
            state |= {indices.name: (values, len(values))
                      for indices, values in zip(self._pairs, self.layout.pairs())}
        return state

    def _restore_from_full_state(self, state):
        check_state(self, state)
        state = dict(state)
        self._late.forget()
        if self._is_layout(state):
            if self.layout is None:
                self._connect_layout()
            for indices in self._pairs:
                del state[indices.name]
        elif not self._has_stock_equivalent:
            raise ValueError(
                f"'{self.name}' cannot take the stored state of other synapses: it has "
                f'{number_of_synapses(state)} of them, not {self._make_layout().n_synapses}')
        elif self.layout is not None:
            self._say_stock('its stored state has other synapses')
            self._store_indices()
        super()._restore_from_full_state(state)
        if number_of_synapses(state):
            count_as_connected(self)

    def _is_layout(self, state):
        """Whether the synapses of a state are those that the loops compute, or would."""
        if self._obstacle() or self.layout is None and is_connected(self):
            return False
        layout = self.layout or self._make_layout()
        return (number_of_synapses(state) == layout.n_synapses
                and all(map(np.array_equal, connections(state), layout.pairs())))

    def run_regularly(self, code, *args, **options):
        """As of `brian2.Synapses`; with shared weights, only for variables of the synapses."""
        self._check_shared(code)
        return super().run_regularly(code, *args, **options)

    def _check_shared(self, code):
        """Refuse to read one neuron for a synapse that belongs to several."""
        if self._has_stock_equivalent:
            return
        for name in sorted(get_identifiers_recursively([self._inlined(code)], self.variables)):
            if self._side_of(name) in ('pre', 'post') or name in ('i', 'j') and self._many_pairs:
                raise ValueError(f"'{name}' belongs to many neurons for each synapse of "
                                 f"'{self.name}', because its {self._shared_by} share weights; use "
                                 "it in sums and differential equations only")

    # ----------------------------------------------------------------------------------- looking
    @property
    def _about(self):
        """Who is connected, in words."""
        source, target = self._populations
        return f"all synapses from '{source.name}' to '{target.name}' ('{self.name}')"

    def matrix(self, name='w'):
        """A synaptic variable in the shape of the projection, to get and to set.

        Parameters
        ----------
        name : str
            Name of the variable.

        Returns
        -------
        ArrayView
            A matrix [post, pre], or a kernel [output channel, input channel, y, x].

        Raises
        ------
        TypeError
            Before `connect` has been called.
        ValueError
            If there is no such variable, or it does not exist once for each synapse.
        """
        if not is_connected(self):
            raise TypeError(f"'{self.name}' has no synapses yet, call connect() first")
        choose(f"variable for each synapse of '{self.name}'", name,
               [key for key, variable in self.variables.items()
                if variable in arrays_of_synapses(self) and not key.startswith('_')
                and variable not in self._pairs])
        if self.layout is None:
            return weight_matrix(self, name)
        layout = self.layout
        return ArrayView(self, name, layout.matrix_shape, layout.matrix, layout.flat)

    # ------------------------------------------------------------------- what runners have to know
    def plan(self, run_namespace):
        """The `Plan` of the run that is being prepared, made when an operation asks for it."""
        if self._plan is None:
            self._plan = plan_run(self, self._run_in.sorted_objects, run_namespace)
        return self._plan

    def _loops(self, codes, run_namespace):
        """The class of code objects for expressions, None if Brian2 has to compute them."""
        if self.layout is None:
            return None
        loops = _LOOPS.get(get_device().code_object_class(self.codeobj_class))
        names = get_identifiers_recursively(codes, self.variables)
        if not names.isdisjoint(('i', 'j')):
            self._check_pairs()
        counts = names & {'N_incoming', 'N_outgoing'}
        if counts and not self._has_stock_equivalent:
            raise NotImplementedError(
                f"'{sorted(counts)[0]}' in the equations of '{self.name}' is the same for all "
                'neurons and not known for each; write the number, or N_pre or N_post')
        if self._has_stock_equivalent and names & self.equations.stochastic_variables:
            logger.info(f"'{self.name}' has noise (xi); it is computed as brian2.Synapses are",
                        f'stock_{self.name}', once=True)
            return None
        elsewhere = [name for name in sorted(names & set(self.variables))
                     if self._has_own_index(name)]
        if elsewhere:
            logger.info(f"'{self.name}' reads '{elsewhere[0]}' by an index of its own; it is "
                        'computed as brian2.Synapses are', f'stock_{self.name}', once=True)
            return None
        functions = {name: value for name, value in self.resolve_all(
            names, run_namespace, user_identifiers=set()).items() if isinstance(value, Function)}
        awkward = sorted(names & CPP_NAMES - set(functions)) if loops is not ArrayLoops else None
        if awkward:
            message = (f"'{awkward[0]}' in the equations of '{self.name}' means something else in "
                       'C++')
            if loops is StandaloneLoops or not self._has_stock_equivalent:
                raise ValueError(f'{message}; give it another name')
            self._say_stock(message)
            return None
        for name, function in functions.items():
            usable = function.stateless and (loops is ArrayLoops
                                             or has_cpp(function, self, loops is CythonLoops))
            if not usable:
                message = f"'{self.name}' calls {name}()"
                if not self._has_stock_equivalent:
                    raise NotImplementedError(
                        f'{message}, which is not possible where {self._shared_by} share weights; '
                        'let a variable of the neurons, or a shared one, take its value')
                logger.info(f'{message}; it is computed as brian2.Synapses are',
                            f'stock_{self.name}', once=True)
                return None
        return loops

    def _side_of(self, name):
        """Whether a variable is that of a ``'pre'`` or ``'post'`` neuron or the ``'synapse'``."""
        variable = self.variables.get(name)
        if variable is None or variable.scalar:
            return None
        return SIDES.get(self.variables.indices[name])

    def _has_own_index(self, name):
        """Whether a variable is neither one of the synapses nor one of their neurons."""
        variable = self.variables[name]
        return (isinstance(variable, ArrayVariable) and not variable.scalar
                and self.variables.indices[name] not in SIDES)

    def _inlined(self, code):
        """Code without the names of synaptic subexpressions."""
        return inline(code, {name: variable.expr for name, variable in self.variables.items()
                             if isinstance(variable, Subexpression)
                             and self.variables.indices[name] == '_idx'})


@begin_each_run
def _plan_anew(network):
    for obj in network.objects:
        if isinstance(obj, LoopSynapses):
            obj._run_in, obj._plan = weakref.proxy(network), None


def _first_replica(group, replicas):
    if isinstance(group, Subgroup):
        raise ValueError(f"'{group.name}' is a part of a group; replicas need whole groups")
    return first_neurons(group, population_size(group, replicas))


def first_neurons(group, n):
    """A part of a group, by a name that is the same whenever it is composed.

    The name is in generated code; Brian2 would number it by the parts that a process has made.
    """
    if isinstance(group, Subgroup):
        return group[:n]
    return Subgroup(group, 0, n, name=f'{group.name}_first_{n}')
