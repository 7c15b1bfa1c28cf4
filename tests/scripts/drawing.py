"""Small scripts of Brian2, drawn by hypothesis.

``scripts()`` is a strategy for `tests.scripts.description.Script`: a few neurons and a dozen steps. What equations there are is drawn first, connections and values afterwards;
scripts of the same ``frames()`` share their generated code, as far as it is that of neurons.
"""

import copy
from dataclasses import dataclass, field

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.scripts.description import AWKWARD, AWKWARD_CONSTANTS, Script

__all__ = ['drawn', 'frames', 'scripts']


@dataclass
class Group:
    """A group of neurons, as far as it matters to what comes after it."""

    at: str  # the variable that holds it
    n: int
    event: str
    steps: bool  # whether v can be changed by synapses
    settable: tuple = ()  # beside what is in all groups
    taken: dict = field(default_factory=dict)  # of variables that are sums: the neurons

    def free(self, variable, start, stop):
        """Whether these neurons have no sum in this variable yet."""
        neurons = set(range(start, stop))
        return not neurons & self.taken.get(variable, set())

    def take(self, variable, start, stop):
        self.taken.setdefault(variable, set()).update(range(start, stop))


class Draft:
    """A script that is being drawn."""

    ROLES = ('v', 'r', 'I', 'J', 'a', 'c', 's', 'm', 'b', 'err', 'w', 'x', 'eta', 'q', 'K', 'C', 'T',
             'wr')

    def __init__(self, draw, random, compiled, explicit):
        self.draw = draw
        self.random = random  # whether random numbers are the same with both classes
        self.compiled = compiled  # whether C++ standalone has to take it
        self.explicit = explicit  # whether constants are in namespaces
        self.names = {role: role for role in self.ROLES}
        if self.often(2):
            for role in draw(st.sets(st.sampled_from(self.ROLES), min_size=1, max_size=4)):
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

    # ------------------------------------------------------------------------------------ choices
    def one_of(self, *options):
        return self.draw(st.sampled_from(options))

    def often(self, n=2):
        """True in one of n cases."""
        return self.draw(st.integers(0, n - 1)) == n - 1

    def number(self, low=-1.5, high=1.5):
        return self.draw(st.integers(round(100*low), round(100*high)))/100

    def numbers(self, n, **bounds):
        return [self.number(**bounds) for _ in range(n)]

    def text(self, code):
        """Code with the names of this script in place of roles, which are in braces."""
        return code.format(**self.names)

    def say(self, statement):
        self.statements.append(statement)

    def new(self, letter, call):
        """Create an object; the variable that holds it."""
        at = f'{letter}{sum(o.startswith(letter) for o in self.objects)}'
        own = f"name=name + '_{self.letters[len(self.objects)]}'"
        space = ', namespace=constants' if self.explicit and letter in 'GS' else ''
        self.say(f'{at} = {call}, {own}{space})')
        self.objects.append(at)
        return at

    def constants(self):
        """Names and values of constants that equations read."""
        found = [(self.names['K'], repr(self.number(0.2))), (self.names['C'], repr(0.37))]
        dt = self.one_of(0.1, 0.2, 0.3, 0.15)
        table = self.numbers(self.one_of(1, 2, 5))
        if self.two_dimensional:
            table = [[x, -x, 0.5*x, 0.1, 0.2, 0.3] for x in table]
        return [*found, (self.names['T'], f'TimedArray({table}, dt={dt}*ms)')]

    # --------------------------------------------------------------------------------- whole scripts
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

    # -------------------------------------------------------------------------------------- neurons
    def group(self):
        n = self.draw(st.integers(1, 6))
        v = self.one_of('d{v}/dt = (tanh({I}) + 0.3*{J} - {v})/(5*ms) : 1',
                        'd{v}/dt = (1.2*cos(2*t/ms + i) + {c}*{I} - {v})/(3*ms) : 1',
                        'd{v}/dt = ({K} - {v} - {q})/(2*ms) : 1\n'
                        'd{q}/dt = (0.5*{v} - {q})/(4*ms) : 1',
                        '{v} = cos(2*t/ms + 0.3*i)*{c} : 1', '{v} : 1')
        time_table = '{T}(t, i)' if self.two_dimensional else '{T}(t)'
        r = self.one_of('{r} = tanh({v}) : 1', '{r} = sin(3*t/ms + i) : 1', '{r} : 1',
                        'd{r}/dt = ({v} - {r})/(3*ms) : 1', '{r} = {v} : 1 (constant over dt)',
                        '{r} = ' + time_table + ' + 0.1*i + {a} : 1')
        lines = [v, r, '{I} : 1', '{J} : 1', '{a} : 1', '{c} : 1 (constant)', '{s} : 1 (shared)',
                 '{m} : integer', '{b} : boolean', '{err} = {v} - tanh({I}) : 1']
        if '{q}' not in v:
            lines.append('{q} : 1')
        model = self.text('\n'.join(lines))
        steps = 'd{v}/dt' in v or v == '{v} : 1'
        options = []
        event = None
        if self.often(2):
            event = 'spike'
            threshold = self.one_of('{v} > 0.3137', 'sin(3*t/ms + i) > 0.6131',
                                    '{r} > {K} + 0.0137', '{a} + sin(2*t/ms) > 0.2713')
            options.append(f'threshold={self.text(threshold)!r}')
            reset = self.one_of(*['{v} -= 0.4; {a} += 0.1']*steps, '{a} = 0.7*{a} - 0.1', '')
            if reset:
                options.append(f'reset={self.text(reset)!r}')
            if self.often(3):
                options.append(f"refractory={self.one_of('0.25*ms', '0.3*ms')}")
        elif self.often(3):
            event = 'tick'
            options.append(f"events={{'tick': {self.text('{r} + {a} > 0.1137')!r}}}")
        options.append(f"method={self.one_of('euler', 'euler', 'rk2', 'prospective_euler')!r}"
                       if 'd{' in v + r else "method='euler'")
        if self.often(4):
            options.append(f"dt={self.one_of('0.05*ms', '0.2*ms', '0.07*ms', '0.25*ms')}")
        if self.often(4):
            options.append(f'order={self.one_of(-1, 1, 2)}')
        at = self.new('G', f'NeuronGroup({n}, {model!r}, ' + ', '.join(options))
        if event == 'tick' and self.often(2):
            self.say(f"{at}.run_on_event('tick', {self.text('{a} -= 0.2')!r})")
        if self.often(3):
            self.regularly(at, self.one_of('{a} = 0.9*{a} + 0.1*{v}', '{c} = 0.5*{c} + 0.1',
                                           '{s} = {s} + 0.1', '{q} = {K}*i + {s}'))
        settable = ('v',)*steps + ('r',)*(r == '{r} : 1' or 'd{r}' in r) + ('q',)
        self.groups.append(Group(at, n, event, steps, settable))

    def regularly(self, at, code):
        options = [repr(self.text(code))]
        if self.often(2):
            options.append(f"dt={self.one_of('0.1*ms', '0.2*ms', '0.3*ms', '0.15*ms')}")
        if self.often(2):
            options.append(f"when={self.one_of('start', 'after_groups', 'synapses', 'end')!r}")
            options.append(f'order={self.one_of(-1, 0, 1)}')
        self.say(f"{at}.run_regularly({', '.join(options)})")

    def settings_of_group(self, group):
        return [self.setting_of_group(group) for _ in range(self.draw(st.integers(0, 5 - 3*self.compiled)))]

    def setting_of_group(self, group):
        at, n = group.at, group.n
        role = self.one_of('a', 'a', 'c', 'I', 'J', 's', 'm', 'b', 'a', 'c', *group.settable)
        target = f'{at}.{self.names[role]}'
        if role == 's':
            return f'{target} = {self.number()}'
        if role == 'm':
            return f'{target} = ' + self.one_of('2', "'i % 3'", str(list(range(n))))
        if role == 'b':
            return f'{target} = ' + self.one_of('True', "'i % 2 == 0'", str([True]*n))
        k, low = self.draw(st.integers(0, n - 1)), self.draw(st.integers(0, n - 1))
        high = self.draw(st.integers(low + 1, n))
        formula = self.text(self.one_of('0.3*i - 0.2', '{K}*i', '{C} + 0.1*{s}', '{I} + 0.1*i',
                                        *['rand() - 0.5']*self.random))
        forms = [f'{target} = {self.number()}', f'{target} = {self.numbers(n)}',
                 f'{target} = {formula!r}', f'{target}[{k}] = {self.number()}',
                 f'{target}[{low}:{high}] = {self.number()}',
                 f'{target}[{low}:] = {formula!r}', f"{target}['i > 1'] = {self.number()}",
                 f'{target}[{low}:{high}] = {self.numbers(high - low)}',
                 f"{at}[{low}:{high}].{self.names[role]} = {self.one_of(self.number(), formula)!r}",
                 f'{target}_ = {self.number()}', f'{target}[:] = {self.number()}']
        if not self.compiled:
            forms += [f'{target} += {self.number()}', f'{target} *= {self.number()}',
                      f'{target}[:{k + 1}] += {self.number()}',
                      f'{at}.set_states({{{self.names[role]!r}: {self.numbers(n)}}})']
        return self.one_of(*forms)

    # ------------------------------------------------------------------------------------- synapses
    def side(self):
        """A group, or a part of it: its code, and which neurons they are."""
        group = self.one_of(*self.groups)
        if group.n > 1 and self.often(5):
            start = self.draw(st.integers(0, group.n - 1))
            stop = self.draw(st.integers(start + 1, group.n))
            return group, f'{group.at}[{start}:{stop}]', start, stop
        return group, group.at, 0, group.n

    def projection(self):
        """Create synapses; the statements that connect and set them."""
        sides = {'pre': self.side(), 'post': self.side()}
        source, target = sides['pre'][0], sides['post'][0]
        lines, summed = [], []
        for _ in range(self.one_of(0, 1, 1, 1, 2, 2, 3)):
            where = self.one_of('post', 'post', 'pre')
            group, _, start, stop = sides[where]
            role = self.one_of('I', 'J', 'q')
            if role == 'q' and not self.plain_q(group) or not group.free(role, start, stop):
                continue
            if source is target and any(role == other[0] for other in summed):
                continue
            group.take(role, start, stop)
            summed.append((role, where))
            lines.append('{' + role + '}_' + where + ' = ' + self.summand(role, where, source,
                                                                         target) + ' : 1 (summed)')
        learning, method = self.learning()
        lines += learning
        lines += [f"{{eta}} : Hz{self.one_of('', ' (shared, constant)', ' (constant)')}"]
        lines += ['{x} : 1'] if not any('d{x}/dt' in line for line in learning) else []
        lines += ['{w} : 1'] if not any('d{w}/dt' in line for line in learning) else []
        lines += [f"{{wr}} = {self.one_of('1.5*{w}*{r}_pre', '{K}*{w}', '{w}*{x} + 0.1*i')} : 1"]
        options = [f'method={method!r}']
        pathway = self.pathway(lines, options, source, target)
        if self.often(5):
            options.append(f"dt={self.one_of('0.05*ms', '0.2*ms', '0.07*ms')}")
        if self.often(8):
            lines.append('whole : integer')
        if self.often(10):
            options.append("multisynaptic_index='number'")
        if method == 'prospective_euler' and learning:
            options.append('order=3')  # after all neurons
        elif self.often(5):
            options.append(f'order={self.one_of(-2, -1, 1)}')
        lines = self.draw(st.permutations(lines))
        call = (f"Synapses({sides['pre'][1]}, {sides['post'][1]}, "
                f'{self.text(chr(10).join(lines))!r}, ' + ', '.join(options))
        at = self.new('S', call)
        for role, where in summed:
            if self.often(4):
                updater = f"{at}.summed_updaters['{self.names[role]}_{where}']"
                self.say(self.one_of(f"{updater}.when = 'start'", f"{updater}.when = 'end'",
                                     f'{updater}.order = {self.one_of(-3, 0, 2)}'))
        if self.often(4):
            self.regularly(at, self.one_of('{x} = 0.9*{x} + 0.01*i', '{x} = tanh({r}_pre)*0.1*j',
                                           *['{w} = clip({w}, -0.2, 0.2)']))
        n_pre, n_post = (stop - start for _, _, start, stop in (sides['pre'], sides['post']))
        self.projections.append((at, n_pre, n_post, pathway, self.creation(at)))

    def plain_q(self, group):
        """Whether q of a group is a parameter."""
        return f"d{self.names['q']}/dt" not in self.creation(group.at)

    def creation(self, at):
        """The statement that creates an object."""
        return next(s for s in self.statements if s.startswith(f'{at} = '))

    def summand(self, role, where, source, target):
        table = '{T}(t, j)' if self.two_dimensional else '{T}(t)'
        to_post = ('{w}*{r}_pre', '{w}*{r}_pre + 0.1*{c}_post', '{w}*tanh({a}_pre)',
                   'int({w} > 0.0137)*{r}_pre', '{K}*{w}*{r}_pre', '{wr}', '{x}*{w}*{r}_pre',
                   '{w}*sin(0.3*i - 0.2*j)', '{w}*({r}_pre - {r}_post)', table + '*{w}*{r}_pre',
                   '{w}*{s}_pre*{r}_pre', '{w}*{r}_pre/N_pre', '{w}*{m}_pre', '{w}*int({b}_pre)',
                   '{w}*clip({v}_pre, -0.5, 0.5)', 'i + 10*j', '{w}*N_incoming',
                   '{w}*{r}_pre*cos(2*t/ms)', '({C} + {w})*{r}_pre')
        to_pre = ('{w}*{r}_post', '{w}*{a}_post*{r}_pre', 'exp(-{w}**2)*{r}_post', '{wr}*{c}_post',
                  '-{w}*{c}_post + 0.01*j', '{w}*({r}_post - {r}_pre)', '{w}/N_outgoing',
                  table + '*{w}')
        back = ('{w}*{err}_post', '{x}*{err}_post*{r}_pre')
        options = to_post if where == 'post' else to_pre
        if where == 'pre' and role != 'I' and source is not target:
            options += back
        return self.one_of(*options)

    def learning(self):
        """Lines for w and x, and a method for them."""
        method = self.one_of('euler', 'euler', 'euler', 'prospective_euler', 'rk2')
        first = self.one_of(
            '', '', 'd{w}/dt = {eta}*({err}_post*{r}_pre - 0.3*{w})',
            'd{w}/dt = (tanh({a}_post)*{r}_post - {w})/(8*ms)',
            'd{w}/dt = {eta}*{r}_pre*{r}_post',
            'd{w}/dt = {eta}*sin(0.3*i - 0.5*j)*{r}_pre', 'd{w}/dt = {eta}*({x} - {w})',
            'd{w}/dt = {K}*{eta}*cos(2*t/ms)*{s}_post',
            'd{w}/dt = {eta}*{x}\nd{x}/dt = ({r}_pre*{v}_post - {x})/(8*ms)',
            'd{w}/dt = {eta}*{wr}')
        if 'd{x}' not in first and self.often(6):
            first += '\nd{x}/dt = -{x}/(3*ms)'
            method = self.one_of(method, 'exact', 'exponential_euler') if first.startswith(
                '\n') else method
        return [line + ' : 1 (clock-driven)' for line in first.split('\n') if line], method

    def pathway(self, lines, options, source, target):
        """Add events; the names of pathways."""
        if source.event is None and target.event is None or not self.often(2):
            return ()
        on_pre = ['{x} = 0.5*{x} + 0.1', '{w} = clip({w} + 0.05*{r}_post, -1, 1)',
                  '{a}_post += 0.1*{w}', '{x} += {K}*{w}']
        on_post = ['{x} = 0.5*{x} - 0.1', '{w} = clip({w} - 0.02*{r}_pre, -1, 1)']
        if target.steps:
            on_pre += ['{v}_post += {w}', '{v}_post += 0.2*{w}; {x} += 0.1']
        taken = any('d{x}' in line for line in lines) or 'prospective' in str(options)
        if not taken and self.often(3):  # a trace that decays between events
            lines.append('d{x}/dt = -{x}/(2*ms) : 1 (event-driven)')
            lines[:] = [line for line in lines if line != '{x} : 1']
        event_driven = any('event-driven' in line for line in lines)
        if event_driven and any('{x}' in line or '{wr}' in line for line in lines
                                if 'event-driven' not in line and not line.startswith('{wr}')):
            lines[:] = [line for line in lines if 'event-driven' not in line] + ['{x} : 1']
        found, given = [], {}
        if source.event and (not target.event or self.often(2)):
            if self.often(4):
                given['pre'] = {'pre': self.one_of(*on_pre), 'late': self.one_of(*on_pre)}
                found += ['pre', 'late']
            else:
                given['pre'] = self.one_of(*on_pre)
                found.append('pre')
        if target.event and ('pre' not in given or self.often(2)):
            given['post'] = self.one_of(*on_post)
            found.append('post')
        for side, code in given.items():
            code = ({key: self.text(value) for key, value in code.items()}
                    if isinstance(code, dict) else self.text(code))
            options.append(f'on_{side}={code!r}')
        events = {key: (target if key == 'post' else source).event for key in found}
        if any(event != 'spike' for event in events.values()):
            options.append(f'on_event={events!r}')
        if self.often(3):
            options.append(self.one_of(*['delay=0.3*ms', 'delay=0.25*ms']*('pre' in found),
                                       f"delay={{{found[-1]!r}: 0.2*ms}}"))
        return tuple(found)

    def settings_of_synapses(self, at, n_pre, n_post, pathway, create):
        w, x, eta = (f'{at}.{self.names[role]}' for role in ('w', 'x', 'eta'))
        i = self.draw(st.lists(st.integers(0, n_pre - 1), min_size=1, max_size=4))
        j = self.draw(st.lists(st.integers(0, n_post - 1), min_size=len(i), max_size=len(i)))
        full = self.often(2)
        if full:
            connect = self.one_of('', '', '', '', 'True', 'p=1', 'n=1', "condition='True'")
        else:
            connect = self.one_of(
                "'i != j'", "'i == j'", self.text("'{a}_pre > 0.1137'"),
                self.text("'{c}_pre < {a}_post + 0.0137'"), f'i={i}, j={j}', f'i={i[0]}, j={j[0]}',
                'p=0', "j='k for k in range(2) if k < N_post'", 'n=2', "'i < j', n=2",
                "j='i + 1', skip_if_invalid=True", "j='k for k in range(i, i + 2)', "
                'skip_if_invalid=True', self.text("'i <= {K} + 1'"), f'i={i}, j={j}, n=2',
                *['p=0.5', "p='0.3 + 0.1*i'", "'i != j', p=0.6"]*self.random)
        found = [f'{at}.connect({connect})']
        if not full and self.often(4):
            found.append(f'{at}.connect(i={i[::-1]}, j={j})')
        found.append(f'{eta} = 20*Hz')
        k, l = self.draw(st.integers(0, n_pre - 1)), self.draw(st.integers(0, n_post - 1))
        formula = self.text(self.one_of('0.1*i - 0.2*j', '{K}*(0.3 + 0.1*i*j)', '0.3*cos(i + 2*j)',
                                        '0.1*{a}_pre - {c}_post', '0.2*{x} + 0.1',
                                        *['0.4*rand() - 0.2']*self.random))
        for _ in range(self.draw(st.integers(0, 5 - 3*self.compiled))):
            to = self.one_of(w, w, x)
            forms = [f'{to} = {self.number()}', f'{to} = {formula!r}',
                     f"{to}['i < j'] = {self.number()}",
                     self.text(f"{to}['{{a}}_pre > 0.1137'] = {formula!r}")]
            if not self.compiled:
                forms += [f'{to}[:, {l}] = {self.number()}', f'{to}[{k}, :] = {formula!r}',
                          f'{to}[{k}, {l}] = {self.number()}', f'{to}[:] = {self.number()}',
                          f'{to}[{k}:, ::2] = {self.number()}', f'{to} += 0.1', f'{to} *= 0.5',
                          f'{to}[{k}:] = {self.number()}', f'{to}[[{k}], [{l}]] = {formula!r}',
                          f'{to}[:, -1] = {self.number()}', f'{to}[-1, :] = {formula!r}',
                          f'{to}[{k}, 9] = {self.number()}', f'{to}[7:, :] = {self.number()}']
            if full:
                forms += [f'{to} = {self.numbers(n_pre*n_post)}']*2
                forms += [f'{to}[{k*n_post + l}] = {self.number()}']*(not self.compiled)
            found.append(self.one_of(*forms))
        for name in pathway:
            if self.often(3) and f"delay={{{name!r}" not in create and 'delay=0' not in create:
                to = f'{at}.{name}.delay' if name != 'pre' or self.often(2) else f'{at}.delay'
                found.append(self.one_of(f'{to} = 0.2*ms', f"{to} = '0.1*ms*(i + 1)'",
                                         f"{to} = '0.13*j*ms'", f'{to} = 0.25*ms'))
        return found

    # ------------------------------------------------------------------------------------- the rest
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

    @settings(max_examples=n, derandomize=True, database=None, phases=[Phase.generate])
    @given(st.tuples(st.just(key), strategy))
    def collect(value):
        found.append(value[1])
    collect()
    return found
