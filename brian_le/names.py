"""Whose a name is.

Names in equations belong to the user. What generated code names by itself begins with `PREFIX`,
in C++ as in NumPy, and what is in ``kernels/`` belongs to the namespace ``_le``. Public attributes
of groups are the only other names that are taken.
"""

__all__ = ['PREFIX', 'CPP_NAMES', 'check_names', 'check_steps', 'local']

PREFIX = '_le_'  #: of names in generated code

#: Names that no variable in C++ can have: keywords, macros of its standard headers, and types that
#: generated code uses.
CPP_NAMES = frozenset('''
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t
char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr
constinit continue decltype default delete do double dynamic_cast else enum explicit export extern
false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr
operator or or_eq private protected public register reinterpret_cast requires return short signed
sizeof static static_assert static_cast struct switch template this thread_local throw true try
typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while xor xor_eq
CHAR_BIT CHAR_MAX CHAR_MIN CLOCKS_PER_SEC EOF FP_NAN HUGE_VAL INFINITY INT_MAX INT_MIN LONG_MAX
LONG_MIN NAN NULL RAND_MAX UINT_MAX assert errno linux math_errhandling stderr stdin stdout unix
int32_t int64_t size_t uint64_t
'''.split())


#: Names of indices in code that Brian2 generates.
_INDICES = frozenset(['_idx', '_vectorisation_idx', '_presynaptic_idx', '_postsynaptic_idx'])


def local(name):
    """A name in generated code that no user's can be."""
    return f'{PREFIX}{name}'


def check_names(group, base):
    """Refuse variables of a group whose names are public attributes of its class.

    Parameters
    ----------
    group : Group
        With all its variables.
    base : type
        The class of Brian2 that its class is derived from; what that has is left to Brian2.

    Raises
    ------
    ValueError
        If there is such a variable.
    """
    taken = {name for cls in type(group).__mro__ if cls.__module__.startswith('brian_le.')
             for name in vars(cls) if not name.startswith('_')} - set(dir(base))
    own = {name for name, variable in group.variables.items()
           if getattr(variable.owner, 'name', None) == group.name}
    for name in sorted(taken & own):
        raise ValueError(f"'{group.name}' has a variable '{name}', which is the name of an "
                         f'attribute of {type(group).__name__}; give it another name')


def check_steps(equations, name):
    """Refuse variables whose steps would be called like an index of generated code.

    Methods of integration call the next value of ``x`` ``_x``.

    Parameters
    ----------
    equations : Equations
    name : str
        Of the group that they belong to.

    Raises
    ------
    ValueError
        If there is such a variable.
    """
    for variable in sorted(equations.diff_eq_names):
        if f'_{variable}' in _INDICES:
            raise ValueError(f"'{name}' has a differential equation for '{variable}', whose next "
                             f"value Brian2 calls '_{variable}', as an index of its generated "
                             'code; give it another name')
