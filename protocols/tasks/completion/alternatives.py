"""What else completes pictures, in plain NumPy: the mean, ridge regression, nearest neighbours.

All take pictures to learn from and pictures to complete [sample, pixel], and which pixels of the
latter are seen [pixel], and return the latter with the others filled in.
"""

import numpy as np

__all__ = ['mean', 'nearest', 'ridge']


def mean(known, pictures, seen):
    """Hidden pixels are the mean of the pixel."""
    return np.where(seen, pictures, known.mean(axis=0))


def ridge(known, pictures, seen, penalty=1.0):
    """Hidden pixels are linear functions of the seen ones, fitted for this mask alone.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.protocols.tasks.completion.alternatives import ridge
    >>> x = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]])
    >>> ridge(x, np.array([[4.0, 0.0]]), np.array([True, False]), penalty=1e-9).round(6)
    array([[4., 9.]])
    """
    seen = np.asarray(seen, dtype=bool)
    centre = known.mean(axis=0)
    x, y = (known - centre)[:, seen], (known - centre)[:, ~seen]
    weights = np.linalg.solve(x.T @ x + penalty*np.eye(x.shape[1]), x.T @ y)
    found = pictures.copy()
    found[:, ~seen] = (pictures - centre)[:, seen] @ weights + centre[~seen]
    return found


def nearest(known, pictures, seen, n=5):
    """Hidden pixels are the mean of the `n` pictures most similar where pixels are seen."""
    x, z = pictures*seen, known*seen
    distance = (z**2).sum(axis=1) - 2*x @ z.T  # and what is the same for all of them
    best = distance.argsort(axis=1)[:, :n]
    return np.where(seen, pictures, known[best].mean(axis=1))
