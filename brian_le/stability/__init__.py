"""Whether a network is stable: the derivative of one step of it, and what grows in its loops.

``duals`` differentiates expressions of equations, ``operations`` what neurons and projections do in
a step, ``one_step`` puts them together as Brian2 does, ``loops`` finds loops and their eigenvalues,
and ``report`` what is said of a network. Nothing of it knows which network it is.
"""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'report': ['Stability', 'settled_from_rest', 'stability_of'],
    'loops': ['Loop'],
})
