"""What imperfections have in common."""

from fnmatch import fnmatchcase

import numpy as np
from brian2.units.fundamentalunits import DimensionMismatchError

__all__ = ['Imperfection', 'check_name', 'check_names', 'checked', 'choose_shared', 'difference',
           'is_numeric', 'one_value']


class Imperfection:
    """One imperfection of a substrate; not to be used by itself.

    A kind of imperfection says which equations it changes and how, and what values its variables
    take. It is applied where its pattern `on` fits the name of a group or a projection and
    `concerns` is true.

    Parameters
    ----------
    on : str
        Pattern of names, with ``*`` for anything.

    Raises
    ------
    ValueError
        If `on` is no text.

    Examples
    --------
    >>> from brian_le.substrate import Imperfection, Substrate
    >>> from brian_le.rewriting import read_as
    >>> class Leak(Imperfection):
    ...     strengths = ('strength',)
    ...     def __init__(self, strength):
    ...         super().__init__()
    ...         self.strength = strength
    ...     @property
    ...     def is_absent(self):
    ...         return self.strength == 0
    ...     def changes(self, equations, is_projection):
    ...         return 'I' in equations and not is_projection
    ...     def equations(self, equations, is_projection):
    ...         return read_as(equations, 'I', '{} + leak') + 'leak : 1 (constant)'
    ...     def values(self, site, rng):
    ...         return {'leak': site.for_all(self.strength*rng.random(site.size))}
    >>> substrate = Substrate([Leak(0.1)])
    >>> G = substrate.neurons(2, '''dv/dt = (I - v)/(10*ms) : 1
    ...                             I : 1''', name='cells', method='euler')
    >>> substrate.settle()
    >>> print(G.equations['v'])
    dv/dt = ((I + leak) - v)/(10*ms) : 1
    """

    def __init__(self, on='*'):
        if not isinstance(on, str) or not on:
            raise ValueError(f"on is {on!r}; give a pattern of names such as '*hidden*'")
        self.on = on

    @property
    def is_absent(self):
        """Whether it is so weak that nothing has to change."""
        raise NotImplementedError

    def concerns(self, name, equations, is_projection):
        """Whether a group or projection of this name has what the imperfection changes."""
        return fnmatchcase(name, self.on) and self.changes(equations, is_projection)

    def changes(self, equations, is_projection):
        """Whether equations have what the imperfection changes."""
        raise NotImplementedError

    def equations(self, equations, is_projection):
        """The equations with the imperfection in them."""
        return equations

    #: Names of the attributes that change values only, and not the code of a circuit.
    strengths = ()

    @property
    def structure(self):
        """What the code of a circuit depends on, by name: all attributes that are no `strengths`.

        Another run of a compiled circuit cannot change it, see `Substrate.values`.
        """
        return {name: value for name, value in vars(self).items() if name not in self.strengths}

    def clocks(self, site):
        """The clocks whose time steps the values of an object are for."""
        return []

    def check_code(self, name, equations, written):
        """A ValueError if code beside the equations writes variables that it cannot follow.

        `written` are the variables of an object that its events or its other operations assign to.
        """

    #: Names of variables each of which some object has to have.
    required = ()

    def found(self, equations, is_projection):
        """Those of the `required` names that equations have."""
        return ()

    def rewritten(self, equations, is_projection):
        """Names of stored variables whose own values it changes."""
        return ()

    def between(self, source, target, name, equations, orders):
        """The equations of a projection, after changes of the groups that it connects.

        `orders` says where in the step the projection forms its sums, see `brian_le.project`.
        """
        return equations

    def attach(self, site):
        """Add operations to an object that was created with the changed equations."""

    def values(self, site, rng):
        """Values of the variables of the imperfection, without units, by their names."""
        return {}

    def fitted(self, site, values):
        """Those of the `values` of all imperfections of an object that it has to fit to others."""
        return {}


def choose_shared(shared, name):
    """Check the option ``shared`` of an imperfection: None, true or false."""
    if shared is not None and not isinstance(shared, (bool, np.bool_)):
        raise ValueError(f'shared of {name} is {shared!r}; give True, False, or None')
    return shared if shared is None else bool(shared)


def check_name(what, name):
    """A ValueError if something is not the name of a variable."""
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"{what} is {name!r}; give the name of a variable, such as 'tau_m'")
    return name


def check_names(what, names):
    """Names of variables, one or several, as a tuple; a ValueError if they are none."""
    if isinstance(names, str):
        return (check_name(what, names),)
    if not hasattr(names, '__iter__'):
        raise ValueError(f"{what} are {names!r}; give names of variables, such as 'tau_m'")
    names = tuple(check_name(what, name) for name in names)
    if not names:
        raise ValueError(f"{what} are none; give names such as 'tau_m'")
    if len(set(names)) < len(names):
        raise ValueError(f'{what} are {names}; give each of them once')
    return names


def one_value(what, value):
    """A ValueError unless a value is a single number or quantity."""
    if not is_numeric(value) or np.shape(value) != ():
        raise ValueError(f'{what} is {value!r}; give one value')
    return value


def is_numeric(value):
    """Whether a value is a number, a quantity or an array of them: what a Quantity is made of."""
    try:
        return np.asarray(value).dtype.kind in 'iuf'
    except (TypeError, ValueError):  # parts of different lengths or units
        return False


def checked(imperfections):
    """Imperfections as a list; a TypeError for anything else."""
    if isinstance(imperfections, Imperfection) or not hasattr(imperfections, '__iter__'):
        raise TypeError(f'imperfections are {imperfections!r}; give a list of them')
    imperfections = list(imperfections)
    for imperfection in imperfections:
        if not isinstance(imperfection, Imperfection):
            raise TypeError(f'{imperfection!r} is not an imperfection; give objects such as '
                            "Mismatch('tau_m', 0.2)")
    return imperfections


def difference(given, composed):
    """How imperfections differ in what the code of a circuit depends on; '' if they do not."""
    same = 'give the same with other strengths'
    if [type(x) for x in given] != [type(x) for x in composed]:
        return same
    for one, other in zip(given, composed):
        new, old = one.structure, other.structure
        for name in old | new:
            if not _same(new.get(name), old.get(name)):
                return (f"{same} ({', '.join(other.strengths) or 'it has none'}): '{name}' of "
                        f'{one!r} is {new.get(name)!r}, but was {old.get(name)!r}')
    return ''


def _same(one, other):
    try:
        return bool(np.all(one == other)) and np.shape(one) == np.shape(other)
    except DimensionMismatchError:
        return False
