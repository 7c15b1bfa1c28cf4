"""Small scripts of Brian2, drawn by hypothesis.

``scripts()`` is a strategy for `tests.scripts.description.Script`: a few neurons and a dozen
steps. What equations there are is drawn first, connections and values afterwards; scripts of the
same ``frames()`` share their generated code, as far as it is that of neurons.
"""

import copy

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.scripts.description import AWKWARD, AWKWARD_CONSTANTS, Script
from tests.scripts.neurons import Neurons
from tests.scripts.projections import Projections

__all__ = ['drawn', 'frames', 'scripts']


class Draft(Neurons, Projections):
    """A script that is being drawn."""

    ROLES = ('v', 'r', 'I', 'J', 'a', 'c', 's', 'm', 'b', 'err', 'w', 'x', 'eta', 'q', 'K', 'C',
             'T', 'wr')

    def __init__(self, draw, random, compiled, explicit):
        self.draw = draw
        self.random = random  # whether random numbers are the same with both classes
        self.compiled = compiled  # whether C++ standalone has to take it
        self.explicit = explicit  # whether constants are in namespaces
        self.names = {role: role for role in self.ROLES}
        if self.often(2):
            roles = draw(st.sets(st.sampled_from(self.ROLES), min_size=1, max_size=4))
            for role in sorted(roles):  # the order of a set is another one in each process
                name = self.one_of(*(AWKWARD_CONSTANTS if role in 'KCT' else AWKWARD))
                if name not in self.names.values():
                    self.names[role] = name
        self.letters = draw(st.permutations('abcdefghij'))
        self.statements = []
        self.objects = []
        self.groups = []
        self.projections = []
        self.two_dimensional = self.often(3)
        self.used_constants = self.constants()
        if self.explicit:
            self.say('constants = dict('
                     + ', '.join(f'{name}={value}' for name, value in self.used_constants) + ')')
        # of each code object of a C++ project a file is compiled
        for _ in range(self.one_of(*[1, 2, 2] if compiled else [1, 2, 2, 3])):
            self.group()
        for _ in range(1 if compiled else self.one_of(1, 1, 1, 2, 2, 3)):
            self.projection()
        self.monitors = [self.monitor() for _ in range(self.one_of(*[0, 1, 1, 2][:4 - compiled]))]

    def constants(self):
        """Names and values of constants that equations read."""
        found = [(self.names['K'], repr(self.number(0.2))), (self.names['C'], repr(0.37))]
        dt = self.one_of(0.1, 0.2, 0.3, 0.15)
        table = self.numbers(self.one_of(1, 2, 5))
        if self.two_dimensional:
            table = [[x, -x, 0.5*x, 0.1, 0.2, 0.3] for x in table]
        return [*found, (self.names['T'], f'TimedArray({table}, dt={dt}*ms)')]

    # -------------------------------------------------------------------------------- whole scripts
    def script(self, draw, durations):
        """A script with these objects."""
        draft = copy.copy(self)
        draft.draw, draft.statements = draw, list(self.statements)
        draft.objects = list(self.objects)
        return draft._script(durations)

    def _script(self, durations):
        if self.random:
            self.statements.insert(0, f'seed({self.draw(st.integers(0, 99))})')
        self.interleave([self.settings_of_group(group) for group in self.groups]
                        + [self.settings_of_synapses(*projection)
                           for projection in self.projections])
        for call in self.monitors:
            self.new('M', call)
        self.say(f"objects = [{', '.join(self.objects)}]")
        self.say('network = Network(objects)')
        make, self.statements = tuple(self.statements), []
        durations = durations or self.one_of(
            [0.6], [1.0], [1.2], [0.6, 0.6], *[[0.3], [0.6, 0.3], [1.0, 1.2]]*(not self.compiled))
        parts = [durations[0]]
        for duration in durations[1:]:
            if self.often(2):
                parts.append(self.between())
            parts.append(duration)
        return Script(() if self.explicit else tuple(self.used_constants), make, tuple(parts))

    def interleave(self, queues):
        """Statements of several queues, each in its order."""
        queues = [list(queue) for queue in queues]
        while queues := [queue for queue in queues if queue]:
            self.say(self.one_of(*queues).pop(0))

    # -------------------------------------------------------------------------------- the rest
    def monitor(self):
        group = self.one_of(*self.groups)
        names = [self.names[role] for role in ('v', 'r', 'I', 'err', 'a')]
        recorded = self.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        options = [f'{group.at}, {recorded}',
                   f'record={self.one_of(True, [0], list(range(0, group.n, 2)))}']
        options += self.one_of([], [], ["when='end'"], ["when='after_groups'"], ['dt=0.2*ms'],
                               ['dt=0.15*ms'])
        calls = ['StateMonitor(' + ', '.join(options)]
        if group.event == 'spike':
            calls += [f'SpikeMonitor({group.at}', f'SpikeMonitor({group.at}, {names[-1]!r}',
                      f'PopulationRateMonitor({group.at}']
        elif group.event:
            calls += [f"EventMonitor({group.at}, 'tick'"]*2
        if not self.compiled:
            synapses = [at for at in self.objects if at.startswith('S')]
            of = self.one_of(self.names['w'], self.names['wr'])
            calls.append(f'StateMonitor({self.one_of(*synapses)}, {of!r}, record=True')
        return self.one_of(*calls)

    def between(self):
        group = self.one_of(*self.groups)
        synapses = self.one_of(*[at for at in self.objects if at.startswith('S')])
        forms = [self.setting_of_group(group), f"{synapses}.{self.names['eta']} = 5*Hz",
                 f"{synapses}.{self.names['w']} = {self.text('0.5*{w} + 0.01*i - 0.02*j')!r}",
                 f"{synapses}.{self.names['x']} = {self.number()}", f'{group.at}.active = False']
        if not self.compiled:
            forms += [f'{synapses}.connect(i=0, j=0)',
                      f"{synapses}.{self.names['w']} *= 2"]
        return self.one_of(*forms)


@st.composite
def frames(draw, random=True, compiled=False, explicit=False):
    """Equations and objects that many scripts can share.

    Parameters
    ----------
    random : bool
        Whether there may be random numbers, which are the same only on one target.
    compiled : bool
        Whether a C++ project has to be able to do all of it.
    explicit : bool
        Whether constants are in the namespaces of objects, so that scripts can share a file.
    """
    return Draft(draw, random, compiled, explicit)


@st.composite
def scripts(draw, frame=None, durations=None, **options):
    """Scripts that Brian2 accepts, with few exceptions.

    Parameters
    ----------
    frame : strategy, optional
        Gives what has been drawn by `frames`.
    durations : list of float, optional
        The runs, in milliseconds; drawn by default.
    **options
        As for `frames`, otherwise.
    """
    return draw(frames(**options) if frame is None else frame).script(draw, durations)


def drawn(strategy, n, key=0):
    """The same n values each time."""
    found = []

    @settings(max_examples=n, derandomize=True, database=None, deadline=None,
              phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.tuples(st.just(key), strategy))
    def collect(value):
        found.append(value[1])
    collect()
    return found
