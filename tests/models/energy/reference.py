"""Energies of chains in NumPy, from potentials, weights and targets alone; and their derivatives.

All are analytic functions, so that derivatives come from a step into the complex plane: exact to
rounding.
"""

import numpy as np

PHI = {'tanh': np.tanh, 'logistic': lambda u: 1/(1 + np.exp(-u)), 'linear': lambda u: u,
       'softplus': lambda u: np.log(1 + np.exp(u))}


def squares(u, predicted, phi):
    return ((u - predicted)**2).sum()/2


def area(u, predicted, phi):
    """The integral of phi(u) - phi(v) over v from the prediction to u, by a quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    way = predicted + (u - predicted)*(nodes[:, None] + 1)/2
    return ((u - predicted)*(weights[:, None]/2*(phi(u) - phi(way))).sum(axis=0)).sum()


COSTS = {
    'mse': lambda u, r, target: ((target - r)**2).sum()/2,
    'voltage': lambda u, r, target: ((target - u)**2).sum()/2,
    'cross_entropy': lambda u, r, target: (target*(np.log(np.exp(r).sum()) - r)).sum()}


def energy(potentials, weights, x, target, *, activations, gammas, beta, cost='mse',
           mismatch=squares):
    """That of a chain; weights as pairs (w, b)."""
    total, r = 0, x
    for u, (w, b), activation, gamma in zip(potentials, weights, activations, gammas):
        phi = PHI[activation]
        total = total + mismatch(u, w @ r + b, phi)/gamma
        r = phi(u)
    if cost == 'area':
        return total + beta*area(u, target, phi)
    return total + beta*COSTS[cost](u, r, target)


def derivative(function, arrays):
    """Of a function of arrays, which are put into it in place, with respect to each of them."""
    found = []
    for k, array in enumerate(arrays):
        found.append(np.zeros(array.shape))
        for index in np.ndindex(array.shape):
            shifted = [a.astype(complex) for a in arrays]
            shifted[k][index] += 1e-30j
            found[-1][index] = function(*shifted).imag/1e-30
    return found


def cosine(a, b):
    return (a*b).sum()/np.linalg.norm(a)/np.linalg.norm(b)
