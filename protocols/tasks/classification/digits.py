"""Handwritten digits of 8 x 8 pixels, the ones that scikit-learn ships, learned by slow neurons.

A layered network of Latent Equilibrium, 64-60-10, learns to classify digits in mini-batches that
are shown for half a membrane time constant. Beside it learn the same network with fixed random
feedback, with feedback weights that learn, and without look-ahead; and the same layers by
backpropagation. With ``layers=conv`` the networks are convolutional: 8 kernels of 3 x 3 pixels,
max pooling, and 60 hidden neurons.

Needs scikit-learn.
"""

from brian_le.protocols.data.datasets import digits
from brian_le.protocols.parameters import Parameter
from brian_le.protocols.tasks.classification.task import Benchmark, parameters

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'simulate', 'prepare', 'read_variables',
           'check', 'structure', 'measures', 'summarize']

NAME = 'digits'
SUMMARY = '8 x 8 digits, learned by 64-60-10 slow neurons in mini-batches'
FIGURES = 'brian_le.protocols.tasks.classification.figures'
REQUIRES = {'sklearn': 'scikit-learn'}  # modules, and the packages that have them
PARAMETERS = parameters(
    Parameter('layers', 'dense', 'the architecture', choices=('dense', 'conv')),
    Parameter('hidden', 60, 'hidden neurons', minimum=1, maximum=1e5),
    networks='all', t_pattern=10.0, dt=0.1, tau_m=20.0, epochs=10, batch=32, eta=16.0, sigma=0.05)


def layers(p):
    """The layers, behind 8 x 8 x 1 pixels."""
    from brian_le.models import Conv, Dense, Flatten, MaxPool

    below = [Conv(8, kernel=3), MaxPool(2)] if p.layers == 'conv' else []
    return [*below, Flatten(), Dense(p.hidden), Dense(10)]


def factors(p):
    """Learning rates of the layers, as multiples of that of the first."""
    return (1, 0.5, 0.5) if p.layers == 'conv' else (1, 0.2)


_BENCHMARK = Benchmark(NAME, lambda p: digits(), layers, factors)
simulate, prepare = _BENCHMARK.simulate, _BENCHMARK.prepare
read_variables, summarize = _BENCHMARK.read_variables, _BENCHMARK.summarize
check, structure, measures = _BENCHMARK.check, _BENCHMARK.structure, _BENCHMARK.measures
