"""Figures of the yin-yang task."""

from types import SimpleNamespace

import numpy as np

from brian_le.protocols.baselines.backprop import BackpropNetwork
from brian_le.protocols.data.datasets import yin_yang
from brian_le.protocols.plotting import BLACK, new_figure
from brian_le.protocols.tasks.classification.benchmarks import YinYang
from brian_le.protocols.tasks.classification.figures import learning
from brian_le.protocols.tasks.classification.options import LABELS, names_in

__all__ = ['learning', 'answers']

_GREYS = ('#F0F0F0', '#8FB8DE', '#E69F00')  # told apart by their lightness, too
_PARTS = ('lower part', 'upper part', 'dots')


def answers(result):
    """What the trained networks answer to every point of the symbol, with the test samples.

    Answers and crosses are what the layers with these weights compute, to which slow neurons
    settle; the percentage is that of the networks themselves.
    """
    arrays = result.arrays
    shown = [name for name in names_in(arrays) if name != 'no_look_ahead']
    layers = YinYang(SimpleNamespace(**result.description['parameters']), 0).layers
    points = (np.arange(300) + 0.5)/300
    x, y = (each.ravel() for each in np.meshgrid(points, points))
    inside = np.hypot(x - 0.5, y - 0.5) < 0.5
    data = yin_yang(n_train=1).test
    tested = data.rates(np.arange(len(data)))
    figure, axes = new_figure(1, len(shown), 3.4*len(shown) + 0.6, 5.0, sharex=True, sharey=True)
    for axis, name in zip(axes[0], shown):
        weights = {(kind, k): arrays[f'{name}.W_{kind}_{k}'] for kind in ('forward', 'bias')
                   for k in range(2)}
        net = BackpropNetwork((4,), layers, weights, activation=YinYang.benchmark.activation)
        found = np.full(len(x), np.nan)
        found[inside] = net.outputs(np.stack([x, y, 1 - x, 1 - y], axis=1)[inside]).argmax(axis=1)
        axis.contourf(points, points, found.reshape(300, 300), levels=[-0.5, 0.5, 1.5, 2.5],
                      colors=_GREYS)
        wrong = net.outputs(tested).argmax(axis=1) != data.classes
        axis.plot(*tested[wrong, :2].T, 'x', color=BLACK, markersize=5)
        correct = 100*float(arrays[f'{name}.test_accuracy'])
        axis.set(title=f'{LABELS[name]}\n{correct:.1f} % of {len(data)} points',
                 xlabel='input x',
                 aspect='equal', xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.5, 1],
                 yticks=[0, 0.5, 1])
    axes[0, 0].set_ylabel('input y')
    handles = [axes[0, 0].fill_between([], [], color=colour, label=part)
               for colour, part in zip(_GREYS, _PARTS)]
    handles += axes[0, 0].plot([], [], 'x', color=BLACK, label='wrong answer')
    figure.legend(handles=handles, loc='outside lower center', ncols=4)
    return {'answers': figure}
