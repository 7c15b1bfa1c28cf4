"""Collisions that produce Higgs bosons, told from background (HIGGS), by slow neurons.

Fig. 2c of the Latent Equilibrium paper: 28-300-300-300-1 neurons; an output above 0.5 stands for a
signal. The first 400 000 rows are used. The paper reports a test error of 27.6 %, and of 27.8 % for
backpropagation.
"""

from brian_le.protocols.data.files import PUBLISHED, find_higgs, read_higgs
from brian_le.protocols.parameters import Folder, Parameter
from brian_le.protocols.tasks.classification.task import (SAMPLES, Benchmark, first_samples,
                                                          parameters)

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'simulate', 'prepare', 'read_variables',
           'check', 'structure', 'measures', 'summarize']

NAME = 'higgs'
SUMMARY = 'HIGGS, learned by 28-300-300-300-1 slow neurons (your file, --data DIR)'
FIGURES = 'brian_le.protocols.tasks.classification.figures'
PARAMETERS = parameters(
    Folder('data', f"the file HIGGS.csv or HIGGS.csv.gz, published at {PUBLISHED['HIGGS']}",
           find_higgs),
    Parameter('rows', 400_000, 'rows of the file to use, for training and testing', minimum=100),
    SAMPLES,
    t_pattern=2.0, dt=0.1, tau_m=10.0, epochs=100, batch=128, eta=8.0, sigma=0.05)


def layers(p):
    """The layers, behind 28 inputs."""
    from brian_le.models import Dense

    return [Dense(300), Dense(300), Dense(300), Dense(1)]


_BENCHMARK = Benchmark(NAME, lambda p: first_samples(read_higgs(p.data, p.rows), p.samples), layers,
                       lambda p: (1, 0.2, 0.1, 0.1))
simulate, prepare = _BENCHMARK.simulate, _BENCHMARK.prepare
read_variables, summarize = _BENCHMARK.read_variables, _BENCHMARK.summarize
check, structure, measures = _BENCHMARK.check, _BENCHMARK.structure, _BENCHMARK.measures
