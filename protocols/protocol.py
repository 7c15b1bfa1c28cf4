"""What a protocol is: a network, what it is shown, and what is made of what it does."""

import importlib

from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.parameters import read_parameters

__all__ = ['Protocol', 'figures_by']


def figures_by(drawing, result):
    """The figures of all functions of a module that draws, by name."""
    return {name: figure for function in drawing.__all__
            for name, figure in getattr(drawing, function)(result).items()}


class Protocol:
    """One run of a study, from its parameters to the arrays of a result.

    A subclass says what its network is and what is kept of it. Running in chunks with checkpoints,
    programs that several runs share, exported projects, sweeps, progress and figures follow from
    that, for protocols of this package and in files of users alike::

        brian-le run my_study.py:Mine --set tau=5ms

    A run consists of `total` units of `n_steps` time steps each, such as presentations or epochs.
    Some of them at a time are launched with what they `show`; the state of the network goes on from
    launch to launch, while the time of the simulation starts at 0 in each. The numbers must not
    depend on how many units a launch has.

    Parameters
    ----------
    p : types.SimpleNamespace
        The values of the parameters, in their units; they have passed `check`.
    seed : int
        Seed of everything that is drawn.

    Attributes
    ----------
    name : str
        What commands and results call it, by default the name of the class; in a file of the user's
        that of the file comes before.
    summary : str
        One line about it; of those in the catalogue what stands there.
    parameters : sequence of Parameter
        See `brian_le.protocols.parameters.Parameter`.
    figures : str or None
        The module that draws results: every function in its ``__all__`` takes a result and returns
        figures by name.
    source : str or None
        Of one in a file of the user's, a hash of that.
    requires : dict of str to str
        Modules that have to be installed, and the packages that have them.
    unmeasured : sequence of str
        Names (or patterns of them) of arrays in which NaN stands for what was not measured.
    precision : {'double', 'single'}
        Floating point numbers of the network.
    unit : str
        What is counted by progress and errors.
    total : int
        Number of units.
    n_steps : int
        Time steps of one unit.
    lead : int
        Time steps before the first unit, in which nothing is kept.
    room : int
        The largest number of units in one launch.

    Examples
    --------
    >>> from brian2 import Network, NeuronGroup, StateMonitor, defaultclock, ms
    >>> from brian_le.protocols import Parameter, Protocol, run
    >>> class Decay(Protocol):
    ...     name, summary = 'decay', 'a potential decays'
    ...     parameters = (Parameter('tau', 10.0, 'membrane time constant', 'ms', minimum=0.1),)
    ...     n_steps, total = 1, 50
    ...     def compose(self):
    ...         defaultclock.dt = 0.1*ms
    ...         self.group = NeuronGroup(1, \'\'\'du/dt = -u/tau : 1
    ...                                         tau : second (constant)\'\'\', method='exact',
    ...                                  name='cells')
    ...         self.group.u, self.group.tau = 1, self.p.tau*ms
    ...         return Network(self.group, StateMonitor(self.group, 'u', record=0, name='trace'))
    ...     def rows(self, end):
    ...         return {'u': end['trace.u'][0]}
    ...     def result(self, state, rows):
    ...         return {'u': rows['u']}
    >>> result = run(Decay, tau='5 ms', device='numpy', quiet=True, out='decay-example')
    >>> result.arrays['u'].shape
    (50,)
    """

    name, summary = None, ''
    parameters = ()
    figures = None
    requires = {}
    unmeasured = ()
    precision = 'double'
    unit = 'unit'
    source = None
    total = n_steps = room = 1
    lead = 0

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if 'name' not in vars(cls):
            cls.name = cls.__name__
        if cls.name in PROTOCOLS and 'summary' not in vars(cls):
            cls.summary = PROTOCOLS[cls.name][1]

    def __init__(self, p, seed):
        self.p, self.seed = p, seed

    # ------------------------------------------------------------------------------- parameters
    @classmethod
    def read(cls, given):
        """All parameters, from those that differ from their defaults.

        Parameters
        ----------
        given : dict
            Numbers in the unit of a parameter, texts (``'1 ms'``) or Brian2 quantities, by name.

        Returns
        -------
        types.SimpleNamespace

        Raises
        ------
        ValueError
            For an unknown parameter, an invalid value, or values that do not fit each other.
        """
        p = read_parameters(cls.name, cls.parameters, given)
        cls.check(p)
        return p

    @staticmethod
    def check(p):
        """Raise a ValueError for parameters that do not fit each other."""

    def load(self):
        """Read what a run needs from files, and see whether that fits; called before it begins."""

    # ------------------------------------------------------------------------------ the network
    def compose(self):
        """The network, a `brian2.Network`, with everything that a run starts with.

        It sets ``defaultclock.dt``, and draws random numbers from generators made of ``self.seed``.
        It may be called several times. A protocol that does not define it needs no simulator: the
        ``program`` of the other methods is None.
        """

    def compose_whole(self):
        """As `compose`, with all that is shown in the whole run, for an exported project."""
        return self.compose()

    # ---------------------------------------------------------------------------------- the run
    def begin(self, program):
        """The state that learning starts with; what it lacks is as the network was composed.

        Parameters
        ----------
        program : brian_le.protocols.runs.launches.Launches
            ``program(values, n_steps, state)`` runs the network.

        Returns
        -------
        dict of str to array
            Variables by ``'object.variable'``, and whatever else is to be carried along.
        """
        return {}

    def shown(self, first, n):
        """Values of tables and variables for a launch of `n` units, from unit `first` on."""
        return {}

    def chunk(self, program, state, first, n):
        """Run `n` units from unit `first` on.

        Parameters
        ----------
        program, state
            As for `begin`, and what it or the chunk before returned.
        first, n : int
            Which units.

        Returns
        -------
        state : dict of str to array
            At the end.
        rows : dict of str to array
            One row for each unit.
        """
        end = program(self.shown(first, n), n*self.n_steps, state)
        return {**state, **program.state(end)}, self.rows(end)

    def rows(self, end):
        """What is kept of a launch: one row for each of its units.

        Parameters
        ----------
        end : dict of str to array
            All variables at the end, and what monitors have recorded; of an exported project those
            of the whole run, with what `kept` put beside it.
        """
        return {}

    def describe(self, done, rows):
        """A few words on the state of affairs after a chunk, for the progress line."""
        return ''

    def result(self, state, rows):
        """The arrays of the result.

        Parameters
        ----------
        state : dict of str to array
            The state at the end; of an exported project all variables.
        rows : dict of str to array
            The rows of all units.
        """
        return {**rows}

    # ----------------------------------------------------------------------- an exported project
    def refuse_export(self):
        """Raise a ValueError if one network cannot do the whole run."""
        if type(self).compose is Protocol.compose:
            raise ValueError(f"'{self.name}' has no network that could be exported")

    def exported_steps(self):
        """Time steps of the network of `compose_whole`, by default those of all units."""
        return self.lead + self.total*self.n_steps

    def kept(self):
        """Arrays to keep beside an exported project, for `rows` and `result` to find."""
        return {}

    def guide(self):
        """The most important variables of an exported project, and what they are."""
        return {}

    # --------------------------------------------------------------------------------- a result
    @staticmethod
    def measures(result):
        """Scalars of a result, the columns of tables.

        By default all arrays with one number, and the last ones of those with one dimension.
        """
        return {name: array.ravel()[-1] for name, array in result.arrays.items()
                if array.ndim < 2 and array.size}

    @classmethod
    def draw(cls, result):
        """The figures of a result, by name; without a module of figures, its arrays as curves."""
        return figures_by(importlib.import_module(
            cls.figures or 'brian_le.protocols.drawing.curves'), result)

    @classmethod
    def summarize(cls, result):
        """Lines of text about a result, by default its measures."""
        for name, value in cls.measures(result).items():
            yield f'{name:<24} {value:.6g}'
