"""Handwritten digits of 28 x 28 pixels (MNIST), learned by slow neurons.

Fig. 2b of the Latent Equilibrium paper: 784-300-100-10 neurons with a membrane time constant of
20 ms see every batch for 1 ms. They learn beside fixed random feedback, feedback weights that
learn and a network without look-ahead, if asked for (``networks=all``), and beside the same layers
trained by backpropagation. The paper reports test errors of 1.98 +- 0.11 %, of 2.6 % with fixed
random feedback, and of 1.93 +- 0.14 % for backpropagation.
"""

from brian_le.protocols.data.files import PUBLISHED, find_mnist, read_mnist
from brian_le.protocols.parameters import Folder
from brian_le.protocols.tasks.classification.task import (SAMPLES, Benchmark, first_samples,
                                                          parameters)

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'simulate', 'prepare', 'read_variables',
           'check', 'structure', 'measures', 'summarize']

NAME = 'mnist'
SUMMARY = 'MNIST, learned by 784-300-100-10 slow neurons (your files, --data DIR)'
FIGURES = 'brian_le.protocols.tasks.classification.figures'
PARAMETERS = parameters(
    Folder('data', f"the four files of MNIST, published at {PUBLISHED['MNIST']}", find_mnist),
    SAMPLES,
    t_pattern=1.0, dt=0.01, tau_m=20.0, epochs=200, batch=512, eta=16.0, sigma=0.05)


def layers(p):
    """The layers, behind 28 x 28 x 1 pixels."""
    from brian_le.models import Dense, Flatten

    return [Flatten(), Dense(300), Dense(100), Dense(10)]


_BENCHMARK = Benchmark(NAME, lambda p: first_samples(read_mnist(p.data), p.samples), layers,
                       lambda p: (1, 0.2, 0.1))
simulate, prepare = _BENCHMARK.simulate, _BENCHMARK.prepare
read_variables, summarize = _BENCHMARK.read_variables, _BENCHMARK.summarize
check, structure, measures = _BENCHMARK.check, _BENCHMARK.structure, _BENCHMARK.measures
