"""Figures of feedback weights that learn from noise."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, new_figure

__all__ = ['angles']

#: Label, colour and line of each hidden layer.
LAYERS = (('hidden layer 1', BLUE, '-'), ('hidden layer 2', ORANGE, '--'),
          ('hidden layer 3', GREEN, '-.'))


def by_epoch(arrays, name):
    """Angles before learning and after every epoch, of shape (1 + epochs, layers)."""
    return np.concatenate([arrays[f'initial_{name}'][None], arrays[name]])


def angles(result):
    """Angles of the weights from above, by epoch.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``angles``.
    """
    figure, (panels,) = new_figure(1, 2, 10, 4.2, sharex=True, sharey=True)
    for axes, name, title in zip(panels, ('mean_angle', 'angle'), (
            'to what the rule converges to', 'to the transposed W_up')):
        for (label, colour, line), found in zip(LAYERS, by_epoch(result.arrays, name).T):
            axes.plot(found, line, color=colour, label=label)
        axes.axhline(90, color=BLACK, linewidth=1, linestyle=':')
        axes.set(xlabel='epoch', title=title, ylim=(0, 100), yticks=range(0, 91, 15))
    panels[0].set_ylabel('angle of W_down (degrees)')
    panels[0].legend()
    return {'angles': figure}
