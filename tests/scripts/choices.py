"""What all parts of a script that is being drawn need."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

__all__ = ['Choices', 'Group']


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


class Choices:
    """Chooses; `Draft` has what it chooses for."""

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
