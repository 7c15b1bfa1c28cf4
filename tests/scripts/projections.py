"""Synapses in drawn scripts, and how they are connected and set."""

from hypothesis import strategies as st

from tests.scripts.choices import Choices

__all__ = ['Projections']


class Projections(Choices):
    """The part of a draft that is about synapses."""

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
