"""Photographs of 32 x 32 pixels in ten classes (CIFAR-10), learned by a convolutional network.

Fig. 2e of the Latent Equilibrium paper: two convolutions with 20 and 50 kernels of 5 x 5 pixels,
each with max pooling, and a hidden layer of 500 neurons. The paper reports a test error of
38.0 +- 1.3 %, and of 39.4 +- 5.6 % for backpropagation.
"""

from brian_le.protocols.data.files import PUBLISHED, find_cifar10, read_cifar10
from brian_le.protocols.parameters import Folder
from brian_le.protocols.tasks.classification.task import (SAMPLES, Benchmark, convolutional,
                                                          first_samples, parameters)

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'simulate', 'prepare', 'read_variables',
           'check', 'structure', 'measures', 'summarize']

NAME = 'cifar10'
SUMMARY = 'CIFAR-10, learned by a convolutional network of slow neurons (your files, --data DIR)'
FIGURES = 'brian_le.protocols.tasks.classification.figures'
PARAMETERS = parameters(
    Folder('data', "the python batches of CIFAR-10, published at "
                   f"{PUBLISHED['CIFAR-10']}", find_cifar10),
    SAMPLES,
    t_pattern=5.0, dt=0.1, tau_m=10.0, epochs=100, batch=128, eta=8.0, sigma=None)

_BENCHMARK = Benchmark(NAME, lambda p: first_samples(read_cifar10(p.data), p.samples),
                       convolutional, lambda p: (1, 0.2, 0.2, 0.1))
simulate, prepare = _BENCHMARK.simulate, _BENCHMARK.prepare
read_variables, summarize = _BENCHMARK.read_variables, _BENCHMARK.summarize
check, structure, measures = _BENCHMARK.check, _BENCHMARK.structure, _BENCHMARK.measures
