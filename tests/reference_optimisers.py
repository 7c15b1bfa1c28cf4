"""Optimisers in plain NumPy, as PyTorch has them: what is added to a parameter in one step."""

from collections import defaultdict

import numpy as np


def sgd(rates, momentum=0.0):
    """Gradient descent with ``buffer = momentum*buffer + gradient``; `rates` by parameter."""
    buffers = defaultdict(float)

    def step(key, gradient):
        buffers[key] = momentum*buffers[key] + gradient
        return -rates.get(key, 0)*buffers[key]
    return step


def adam(rates, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Adam, with corrections for the start that count the steps."""
    m, s, steps = defaultdict(float), defaultdict(float), defaultdict(int)

    def step(key, gradient):
        steps[key] += 1
        m[key] = beta_1*m[key] + (1 - beta_1)*gradient
        s[key] = beta_2*s[key] + (1 - beta_2)*gradient**2
        mean, square = m[key]/(1 - beta_1**steps[key]), s[key]/(1 - beta_2**steps[key])
        return -rates.get(key, 0)*mean/(np.sqrt(square) + epsilon)
    return step
