"""The benchmarks in classification: a table with a row for each."""

import inspect
from dataclasses import dataclass, field, replace

from brian_le.checks import whole_number
from brian_le.models import Conv, Dense, Flatten, MaxPool
from brian_le.protocols.data.datasets import digits, yin_yang
from brian_le.protocols.data.files import (PUBLISHED, find_cifar10, find_higgs, find_mnist,
                                           read_cifar10, read_higgs, read_mnist)
from brian_le.protocols.parameters import Folder, Parameter
from brian_le.protocols.tasks.classification.options import SAMPLES, parameters
from brian_le.protocols.tasks.classification.task import Classification

__all__ = ['BENCHMARKS', 'Benchmark', 'CIFAR10', 'Digits', 'HIGGS', 'MNIST', 'MNISTConv', 'YinYang',
           'first_samples']


@dataclass(frozen=True)
class Benchmark:
    """A data set and an architecture, which are a protocol."""

    name: str  # of the protocol
    about: str  # what it is, and what is known of it
    read: object  # read(p) gives the data set
    layers: object  # layers(p), as for a LayeredNetwork; the input has the shape of a sample
    factors: object  # factors(p): rates of the layers with weights, as multiples of the first one's
    parameters: tuple  # see options.parameters
    activation: str = 'hard_sigmoid'  # of the hidden neurons; outputs are linear
    figures: str = Classification.figures  # the module that draws results
    requires: dict = field(default_factory=dict)  # as of Protocol

    def protocol(self, name):
        """The protocol, a class of a name."""
        shared = inspect.getdoc(Classification).partition('\n\n')[2]
        return type(name, (Classification,), {
            '__doc__': f'{inspect.cleandoc(self.about)}\n\n{shared}', '__module__': __name__,
            'name': self.name, 'benchmark': self, 'parameters': self.parameters,
            'figures': self.figures, 'requires': self.requires})


def first_samples(data, n):
    """A data set with no more than the first `n` training samples (None for all)."""
    if n is None:
        return data
    n, train = whole_number('samples', n), data.train
    return replace(data, train=replace(train, inputs=train.inputs[:n], classes=train.classes[:n]))


def _dense(*sizes):
    """Layers in which all neurons are connected."""
    return [Dense(size) for size in sizes]


def _flat(*sizes):
    """As `_dense`, behind images."""
    return [Flatten(), *_dense(*sizes)]


def _pooled(*channels, kernel):
    """Convolutions, each with max pooling."""
    return [layer for n in channels for layer in (Conv(n, kernel=kernel), MaxPool(2))]


def _convolutional(p):
    """The convolutional architecture of the paper, for images of any size."""
    return [*_pooled(20, 50, kernel=5), *_flat(500, 10)]


_MNIST_FILES = Folder('data', f"the four files of MNIST, published at {PUBLISHED['MNIST']}",
                      find_mnist)

BENCHMARKS = {
    'Digits': Benchmark(
        'digits',
        """Handwritten digits of 8 x 8 pixels, which scikit-learn ships, learned by slow neurons.

        A layered network of Latent Equilibrium, 64-60-10, learns to classify digits in
        mini-batches that are shown for half a membrane time constant. Beside it learn the same
        network with fixed random feedback, with feedback weights that learn, and without
        look-ahead; and the same layers by backpropagation. With ``layers=conv`` the networks are
        convolutional: 8 kernels of 3 x 3 pixels, max pooling, and 60 hidden neurons.

        Needs scikit-learn.
        """,
        read=lambda p: digits(),
        layers=lambda p: [*(_pooled(8, kernel=3) if p.layers == 'conv' else []),
                          *_flat(p.hidden, 10)],
        factors=lambda p: (1, 0.5, 0.5) if p.layers == 'conv' else (1, 0.2),
        parameters=parameters(
            Parameter('layers', 'dense', 'the architecture', choices=('dense', 'conv')),
            Parameter('hidden', 60, 'hidden neurons', minimum=1, maximum=1e5),
            networks='all', t_pattern=10.0, dt=0.1, tau_m=20.0, epochs=10, batch=32, eta=16.0,
            sigma=0.05),
        requires={'sklearn': 'scikit-learn'}),
    'YinYang': Benchmark(
        'yin-yang',
        """Points in the yin-yang symbol, classified by slow neurons.

        Which part of the symbol is a point in: yin, yang, or one of the dots? A small task that a
        network without a hidden layer cannot solve, here with 4-120-3 neurons.
        """,
        read=lambda p: yin_yang(p.samples),
        layers=lambda p: _dense(p.hidden, 3),
        factors=lambda p: (1, 1),
        parameters=parameters(
            Parameter('hidden', 120, 'hidden neurons', minimum=1, maximum=1e5),
            Parameter('samples', 5000, 'training samples', minimum=1, maximum=1e6),
            t_pattern=5.0, dt=0.1, tau_m=20.0, epochs=50, batch=10, eta=2.5, decay=3e-5,
            sigma=None, backprop_rate=0.2),
        figures='brian_le.protocols.tasks.classification.yin_yang_figures'),
    'MNIST': Benchmark(
        'mnist',
        """Handwritten digits of 28 x 28 pixels (MNIST), learned by slow neurons.

        Fig. 2b of the Latent Equilibrium paper: 784-300-100-10 neurons with a membrane time
        constant of 20 ms see every batch for 1 ms. They learn beside fixed random feedback,
        feedback weights that learn and a network without look-ahead, if asked for
        (``networks=all``), and beside the same layers trained by backpropagation. The paper
        reports test errors of 1.98 +- 0.11 %, of 2.6 % with fixed random feedback, and of 1.93 +-
        0.14 % for backpropagation.
        """,
        read=lambda p: first_samples(read_mnist(p.data), p.samples),
        layers=lambda p: _flat(300, 100, 10),
        factors=lambda p: (1, 0.2, 0.1),
        parameters=parameters(
            _MNIST_FILES,
            SAMPLES,
            t_pattern=1.0, dt=0.01, tau_m=20.0, epochs=200, batch=512, eta=16.0, sigma=0.05)),
    'MNISTConv': Benchmark(
        'mnist-conv',
        """Handwritten digits of 28 x 28 pixels (MNIST), learned by a convolutional network.

        Fig. 2d of the Latent Equilibrium paper: two convolutions with 20 and 50 kernels of 5 x 5
        pixels, each with max pooling, and a hidden layer of 500 neurons. The paper reports a test
        error of 1.1 %, and of 1.08 % for backpropagation.
        """,
        read=lambda p: first_samples(read_mnist(p.data), p.samples),
        layers=_convolutional,
        factors=lambda p: (1, 0.1, 0.1, 0.1),
        parameters=parameters(
            _MNIST_FILES,
            SAMPLES,
            t_pattern=10.0, dt=0.1, tau_m=10.0, epochs=100, batch=512, eta=16.0, sigma=None)),
    'HIGGS': Benchmark(
        'higgs',
        """Collisions that produce Higgs bosons, told from background (HIGGS), by slow neurons.

        Fig. 2c of the Latent Equilibrium paper: 28-300-300-300-1 neurons; an output above 0.5
        stands for a signal. The first 400 000 rows are used. The paper reports a test error of
        27.6 %, and of 27.8 % for backpropagation.
        """,
        read=lambda p: first_samples(read_higgs(p.data, p.rows), p.samples),
        layers=lambda p: _dense(300, 300, 300, 1),
        factors=lambda p: (1, 0.2, 0.1, 0.1),
        parameters=parameters(
            Folder('data', 'the file HIGGS.csv or HIGGS.csv.gz, published at '
                   f"{PUBLISHED['HIGGS']}", find_higgs),
            Parameter('rows', 400_000, 'rows of the file to use, for training and testing',
                      minimum=100),
            SAMPLES,
            t_pattern=2.0, dt=0.1, tau_m=10.0, epochs=100, batch=128, eta=8.0, sigma=0.05)),
    'CIFAR10': Benchmark(
        'cifar10',
        """Photographs in ten classes (CIFAR-10), learned by a convolutional network.

        Fig. 2e of the Latent Equilibrium paper, with images of 32 x 32 pixels: two convolutions
        with 20 and 50 kernels of 5 x 5 pixels, each with max pooling, and a hidden layer of 500
        neurons. The paper reports a test error of 38.0 +- 1.3 %, and of 39.4 +- 5.6 % for
        backpropagation.
        """,
        read=lambda p: first_samples(read_cifar10(p.data), p.samples),
        layers=_convolutional,
        factors=lambda p: (1, 0.2, 0.2, 0.1),
        parameters=parameters(
            Folder('data', 'the python batches of CIFAR-10, published at '
                   f"{PUBLISHED['CIFAR-10']}", find_cifar10),
            SAMPLES,
            t_pattern=5.0, dt=0.1, tau_m=10.0, epochs=100, batch=128, eta=8.0, sigma=None)),
}

Digits, YinYang, MNIST, MNISTConv, HIGGS, CIFAR10 = (
    benchmark.protocol(name) for name, benchmark in BENCHMARKS.items())
