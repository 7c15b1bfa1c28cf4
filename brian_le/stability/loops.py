"""Loops in one step, and how much changes grow in them: eigenvalues of its derivative.

Variables of populations depend on each other from step to step. Those that depend on themselves in
a circle are a loop (a strongly connected part); the eigenvalues of the derivative of a step are
those of its loops, one by one. What belongs to no loop is gone after some steps.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ['Loop', 'loops_of', 'settled']

_DENSE = 400  # up to this size all eigenvalues are computed
_FEW = 4000   # up to this size also where the largest ones are not found by themselves
_WANTED = 8   # largest ones of others
_MOST = 50    # steps of Newton's method
_EXACT = 1e-10  # relative, how far a settled state may move in a step, or a sum may grow


@dataclass(frozen=True)
class Loop:
    """A loop: variables of populations that depend on themselves from step to step.

    Parameters
    ----------
    variables : tuple of str
        Their names.
    radius : float
        How much a small change grows in a step, in the long run: the largest absolute eigenvalue.
    eigenvalue : complex
        Where that is: 1 grows, -1 alternates, 1j has a period of four steps.
    ways : frozenset of str
        What it leads through: the sides to which projections sum, ``'post'`` (rates) and ``'pre'``
        (errors), and ``'target'``, the error of a target; nothing where a neuron is by itself.
    """

    variables: tuple
    radius: float
    eigenvalue: complex
    ways: frozenset

    @property
    def groups(self):
        """The names of the populations in it."""
        return list(dict.fromkeys(name.partition('.')[0] for name in self.variables))

    @property
    def counts(self):
        """Whether a network may fail to settle by it: all but neurons by themselves that forget."""
        return bool(self.ways) or self.radius > 1 + _EXACT

    @property
    def kind(self):
        """``'forward'``, ``'error'``, ``'output'`` (rates, errors and back), or ``'neuron'``."""
        return {frozenset(): 'neuron', frozenset(['post']): 'forward',
                frozenset(['pre']): 'error'}.get(self.ways, 'output')


def loops_of(tangent, values):
    """All loops of a `Tangent` at some values, the one that grows most first."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    reach = tangent.reach()
    names = sorted({*reach, *(source for sources in reach.values() for source in sources)})
    at = {name: k for k, name in enumerate(names)}
    edges = [(at[source], at[target]) for target, sources in reach.items() for source in sources]
    if not edges:
        return []
    rows, columns = zip(*edges)
    _, part = connected_components(csr_matrix((np.ones(len(edges)), (rows, columns)),
                                              shape=(len(names),)*2), connection='strong')
    found = []
    inside = [row for row, column in edges if part[row] == part[column]]
    for number in np.unique(part[inside]):
        members = [names[k] for k in np.flatnonzero(part == number)]
        ways = frozenset().union(*(ways for target in members if target in reach
                                   for source, ways in reach[target].items() if source in members))
        largest = _largest(tangent, members, values,
                           not ways & {'post', 'pre'})
        found.append(Loop(tuple(members), float(abs(largest)), complex(largest), ways))
    return sorted(found, key=lambda loop: -loop.radius)


def _largest(tangent, members, values, local):
    """The eigenvalue of the largest size of a loop."""
    pack = _Pack(members, values)
    if local:  # neuron by neuron
        columns = [tangent.push({name: np.ones(pack.sizes[name])}) for name in members]
        zero = np.zeros(max(pack.sizes.values()))
        matrices = np.array([[np.broadcast_to(column.get(name, zero), zero.shape)
                              for column in columns] for name in members])
        eigenvalues = np.linalg.eigvals(matrices.transpose(2, 0, 1))
    elif pack.n <= _DENSE:
        eigenvalues = _all(lambda x: pack.apply(tangent, x), pack.n)
    else:
        eigenvalues = _iterated(lambda x: pack.apply(tangent, x), pack.n)
    eigenvalues = np.ravel(eigenvalues)
    return eigenvalues[np.argmax(np.abs(eigenvalues) + 1e-12*eigenvalues.imag)]


def _all(apply, n):
    """All eigenvalues."""
    return np.linalg.eigvals(np.stack([apply(unit) for unit in np.eye(n)], axis=1))


def _iterated(apply, n):
    """The largest eigenvalues, by the implicitly restarted Arnoldi method."""
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

    start = np.random.default_rng(0).standard_normal(n)
    try:
        return eigs(LinearOperator((n, n), matvec=apply, dtype=float), k=_WANTED,
                    ncv=min(n, 100), v0=start, tol=1e-5, maxiter=50, return_eigenvectors=False)
    except ArpackNoConvergence as error:  # delays: there are many of the same size
        if len(error.eigenvalues):
            return error.eigenvalues
        if n <= _FEW:
            return _all(apply, n)
        raise ArithmeticError(f'of {n} eigenvalues the largest were not found') from None


class _Pack:
    """Variables as one vector."""

    def __init__(self, members, values):
        self.sizes = {name: np.size(values[name]) for name in members}
        self.n = sum(self.sizes.values())
        self._ends = np.cumsum(list(self.sizes.values()))[:-1]

    def split(self, vector):
        return dict(zip(self.sizes, np.split(np.ravel(vector), self._ends)))

    def join(self, arrays):
        return np.concatenate([np.ravel(arrays[name]) if name in arrays else np.zeros(size)
                               for name, size in self.sizes.items()])

    def apply(self, tangent, vector):
        return self.join(tangent.push(self.split(vector)))


def settled(step, values):
    """The values that a step leaves as they are, stable or not, by Newton's method.

    Parameters
    ----------
    step : OneStep
        The step.
    values : Values
        Where to begin, and what stays as it is.

    Returns
    -------
    Values

    Raises
    ------
    ArithmeticError
        If there seem to be none near.
    """
    from scipy.sparse.linalg import LinearOperator, gmres

    before = step.advance(values)  # what is only found in a step exists now
    tangent = step.tangent(after := before.copy())
    for _ in range(_MOST):
        reach = tangent.reach()
        names = sorted({source for sources in reach.values() for source in sources})
        pack = _Pack(names, before)
        away = pack.join(after) - pack.join(before)
        size = np.abs(away).max(initial=0.0)
        if not np.isfinite(size):
            break
        if size <= _EXACT*max(1.0, np.abs(pack.join(before)).max(initial=0.0)):
            return after  # where also what is read only after it was set has its value
        if pack.n <= _DENSE:
            matrix = np.stack([pack.apply(tangent, unit) for unit in np.eye(pack.n)], axis=1)
            change = np.linalg.solve(np.eye(pack.n) - matrix, away)
        else:
            operator = LinearOperator((pack.n, pack.n), dtype=float,
                                      matvec=lambda x: x - pack.apply(tangent, x))
            change, _ = gmres(operator, away, rtol=1e-8, restart=80, maxiter=10)
        before = before.moved(pack.split(pack.join(before) + change))
        tangent = step.tangent(after := before.copy())
    raise ArithmeticError('no values were found that a step leaves as they are')
