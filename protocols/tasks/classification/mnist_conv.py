"""Handwritten digits of 28 x 28 pixels (MNIST), learned by a convolutional network.

Fig. 2d of the Latent Equilibrium paper: two convolutions with 20 and 50 kernels of 5 x 5 pixels,
each with max pooling, and a hidden layer of 500 neurons. The paper reports a test error of 1.1 %,
and of 1.08 % for backpropagation.
"""

from brian_le.protocols.data.files import PUBLISHED, find_mnist, read_mnist
from brian_le.protocols.parameters import Folder
from brian_le.protocols.tasks.classification.task import (SAMPLES, Benchmark, convolutional,
                                                          first_samples, parameters)

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'simulate', 'prepare', 'read_variables',
           'check', 'structure', 'measures', 'summarize']

NAME = 'mnist-conv'
SUMMARY = 'MNIST, learned by a convolutional network of slow neurons (your files, --data DIR)'
FIGURES = 'brian_le.protocols.tasks.classification.figures'
PARAMETERS = parameters(
    Folder('data', f"the four files of MNIST, published at {PUBLISHED['MNIST']}", find_mnist),
    SAMPLES,
    t_pattern=10.0, dt=0.1, tau_m=10.0, epochs=100, batch=512, eta=16.0, sigma=None)

_BENCHMARK = Benchmark(NAME, lambda p: first_samples(read_mnist(p.data), p.samples), convolutional,
                       lambda p: (1, 0.1, 0.1, 0.1))
simulate, prepare = _BENCHMARK.simulate, _BENCHMARK.prepare
read_variables, summarize = _BENCHMARK.read_variables, _BENCHMARK.summarize
check, structure, measures = _BENCHMARK.check, _BENCHMARK.structure, _BENCHMARK.measures
