"""Points in the yin-yang symbol, classified by slow neurons.

Which part of the symbol is a point in: yin, yang, or one of the dots? A small task that a
network without a hidden layer cannot solve, here with 4-120-3 neurons.
"""

from brian_le.protocols.data.datasets import yin_yang
from brian_le.protocols.parameters import Parameter
from brian_le.protocols.tasks.classification.task import Benchmark, parameters

__all__ = ['NAME', 'SUMMARY', 'PARAMETERS', 'FIGURES', 'simulate', 'prepare', 'read_variables',
           'check', 'structure', 'measures', 'summarize']

NAME = 'yin-yang'
SUMMARY = 'points in the yin-yang symbol, classified by 4-120-3 slow neurons'
FIGURES = 'brian_le.protocols.tasks.classification.yin_yang_figures'
ACTIVATION = 'hard_sigmoid'
PARAMETERS = parameters(
    Parameter('hidden', 120, 'hidden neurons', minimum=1, maximum=1e5),
    Parameter('samples', 5000, 'training samples', minimum=1, maximum=1e6),
    t_pattern=5.0, dt=0.1, tau_m=20.0, epochs=50, batch=10, eta=2.5, decay=3e-5, sigma=None,
    backprop_rate=0.2)


def layers(p):
    """The layers, behind 4 inputs."""
    from brian_le.models import Dense

    return [Dense(p.hidden), Dense(3)]


_BENCHMARK = Benchmark(NAME, lambda p: yin_yang(p.samples), layers, lambda p: (1, 1), ACTIVATION)
simulate, prepare = _BENCHMARK.simulate, _BENCHMARK.prepare
read_variables, summarize = _BENCHMARK.read_variables, _BENCHMARK.summarize
check, structure, measures = _BENCHMARK.check, _BENCHMARK.structure, _BENCHMARK.measures
