"""Groups of neurons in drawn scripts, and how their variables are set."""

from hypothesis import strategies as st

from tests.scripts.choices import Choices, Group

__all__ = ['Neurons']


class Neurons(Choices):
    """The part of a draft that is about neurons."""

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
        n = self.draw(st.integers(0, 5 - 3*self.compiled))
        return [self.setting_of_group(group) for _ in range(n)]

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
