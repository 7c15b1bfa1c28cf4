"""Light containers of Brian2 objects: what can be set of them, and how networks find them."""

import difflib
import inspect
import weakref

from brian2.core.base import BrianObject
from brian2.core.network import Network
from brian2.utils.logger import get_logger

from brian_le.liberties import (OwnNames, before_each_run, find_more_objects, is_linked,
                                run_somewhere)

__all__ = ['Container', 'Fixed']

logger = get_logger(f'brian2.{__name__}')  # goes where the messages of Brian2 go

#: Attributes whose dictionaries tell what a container was made of.
_DESCRIPTIONS = ('projections', 'parameters', 'pools', 'inputs', 'nodes', 'outputs', 'shapes')

_living = weakref.WeakSet()  # all containers


class _Sealed(type):
    """Containers are closed when they are made."""

    def __call__(cls, *args, **options):
        made = super().__call__(*args, **options)
        made._seal()
        return made

    def __init__(cls, *args):
        super().__init__(*args)
        # what `help` and editors show, which is not what stands in __call__
        signature = inspect.signature(cls.__init__)
        cls.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])


class Container(metaclass=_Sealed):
    """Something that holds Brian2 objects, and iterates over them; not to be used by itself.

    Its attributes are there to be read: what it does is in the objects that it holds, so setting an
    attribute is an `AttributeError` that says where to set what. (Classes of your own may set
    attributes in ``__init__``, and those that begin with an underscore at any time.) Brian2's
    ``run()`` finds the objects of a container that stands in a variable.
    """

    _is_sealed = False
    _is_known = False  # as a part of some run
    _is_missed = False  # has been warned about

    #: What is set in another way, by the names that one might try.
    _set_elsewhere = {}

    def _seal(self):
        for name, value in list(vars(self).items()):
            if name.startswith('_'):
                continue
            if isinstance(value, list) and value and all(
                    isinstance(item, BrianObject) for item in value):
                object.__setattr__(self, name, tuple(value))
            elif name in _DESCRIPTIONS and isinstance(value, dict):
                object.__setattr__(self, name, Fixed(
                    value, f"'{name}' of {self!r} tells what it was made of; to change it, set "
                    'variables of its objects, or make another one'))
        for obj in self:
            if isinstance(obj, OwnNames):
                obj._own_names = True
        object.__setattr__(self, '_is_sealed', True)
        _living.add(self)

    def __setattr__(self, name, value):
        settable = getattr(getattr(type(self), name, None), 'fset', None)
        if name.startswith('_') or settable or not self._is_sealed:
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(f"{self!r} does not take '{name}': {self._remedy(name)}")

    def __delattr__(self, name):
        raise AttributeError(f"'{name}' of {self!r} cannot be deleted")

    def _remedy(self, name):
        """Where something is set that a user has tried to set as an attribute."""
        if name in self._set_elsewhere:
            return self._set_elsewhere[name]
        where = [path for path, obj in self._paths() if _has_variable(obj, name)]
        if where:
            more = f' (or of {len(where) - 1} others)' if len(where) > 1 else ''
            return f'it is a variable of its objects, set .{where[0]}.{name} = ...{more}'
        if name in getattr(self, 'parameters', ()):
            return f'give {name}=... when it is made'
        if hasattr(self, name):
            return 'it is what it was made of; make another one'
        known = [key for key in (*vars(self), *getattr(self, 'parameters', ()))
                 if not key.startswith('_')]
        near = difflib.get_close_matches(name, known, n=1)
        return (f"did you mean '{near[0]}'? " if near else '') + (
            'nothing would read it')

    def _paths(self):
        """The objects that are held, with the attributes through which they are reached."""
        seen = set()
        for name, value in vars(self).items():
            items = {'': value}
            if isinstance(value, tuple):
                items = {f'[{k}]': item for k, item in enumerate(value)}
            elif isinstance(value, dict):
                items = {f'[{key!r}]'.replace('[(', '[').replace(')]', ']'): item
                         for key, item in value.items()}
            for index, item in items.items():
                if not name.startswith('_') and isinstance(item, BrianObject) and (
                        id(item) not in seen):
                    seen.add(id(item))
                    yield name + index, item

    def _ask(self):
        """Say, before the first run, if it can do nothing."""

    def __iter__(self):
        raise NotImplementedError

    def __repr__(self):
        names = ', '.join(f"'{obj.name}'" for obj in self)
        return f'<{type(self).__name__}: {names}>'


class Fixed(dict):
    """A dictionary that describes something, and whose items are therefore only read."""

    def __init__(self, items, why):
        super().__init__(items)
        self._why = why

    def _refuse(self, *args, **options):
        raise TypeError(self._why)

    __setitem__ = __delitem__ = update = pop = popitem = clear = setdefault = __ior__ = _refuse

    def __reduce__(self):
        return dict, (dict(self),)


def _has_variable(obj, name):
    """Whether a variable of an object can be set by its user."""
    variable = getattr(obj, 'variables', {}).get(name)
    return (variable is not None and not getattr(variable, 'read_only', True)
            and not is_linked(obj, name)
            and getattr(variable.owner, 'name', None) == obj.name)


def _objects_of_containers(values):
    return {weakref.ref(obj) for value in values if isinstance(value, Container) for obj in value}


find_more_objects(_objects_of_containers)


@before_each_run
def _look_at_containers(network, names):
    """Ask those that run for the first time; warn once of those that seem to be forgotten.

    That is a container among the names that the run may use, which are those of the script that
    calls it unless it says others, of which nothing is in this network or another one.
    """
    waiting = [container for container in _living if not container._is_known]
    if not waiting:
        return
    here = {id(obj) for obj in network.objects}
    others = (ref() for ref in Network.__instances__())
    # (instances of other classes are among them, too)
    used = {id(obj) for other in others if isinstance(other, Network) for obj in other.objects}
    seen = {id(value) for value in names.values()}
    for container in sorted(waiting, key=repr):
        objects = list(container)
        if any(id(obj) in here or run_somewhere(obj) for obj in objects):
            container._is_known = True
            missing = [obj.name for obj in objects
                       if id(obj) not in here and not run_somewhere(obj)]
            if not missing:
                container._ask()
            elif len(missing) < len(objects):
                names = ', '.join(f"'{name}'" for name in missing[:3])
                more = f' and {len(missing) - 3} more' if len(missing) > 3 else ''
                logger.warn(f'only a part of {type(container).__name__} '
                            f"'{getattr(container, 'name', objects[0].name)}' is in this network: "
                            f'{names}{more} do nothing. Add it as a whole, Network(..., this), or '
                            'leave the rest out knowingly.', 'part_of_a_container')
        elif not any(id(obj) in used for obj in objects):  # those may still run
            if id(container) in seen and not container._is_missed:
                container._is_missed = True
                logger.warn(f'{container!r} is in no network, and has no part in this run; if it '
                            'is to have one, add it: Network(..., this).', 'not_in_a_network')
