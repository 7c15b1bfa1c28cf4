"""Figures of the study `pal-fig3`."""

import numpy as np

from brian_le.protocols.drawing.bands import spread, with_count
from brian_le.protocols.plotting import BLACK, new_figure
from brian_le.protocols.tasks.pal.figures import LAYERS, by_epoch

__all__ = ['angles']

#: Angles of the paper's stored results (degrees) to the transposed forward weights, by layer.
PUBLISHED = {'weak weights': (20.7, 10.3, 11.4), 'strong weights': (57.9, 58.2, 59.1)}


def angles(study):
    """The angle between the weights from above and the transposed forward ones, by epoch.

    Means over seeds in the range of all of them, and, at the end, what the paper has.
    """
    figure, (panels,) = new_figure(1, 2, 10, 4.4, sharey=True)
    for axes, (part, published) in zip(panels, PUBLISHED.items()):
        rows = [row for row in study.rows if row['part'] == part]
        found = [by_epoch(study.load(row).arrays, 'angle') for row in rows if 'failed' not in row]
        for (label, colour, line), curves, value in zip(
                LAYERS, np.moveaxis(found, 2, 0) if found else (), published):
            epochs = np.arange(curves.shape[1])
            spread(axes, epochs, curves.T, line, color=colour, label=label)
            axes.plot(epochs[-1]*1.04, value, 'D', color=colour, markersize=6, clip_on=False)
        axes.axhline(90, color=BLACK, linewidth=1, linestyle=':')
        axes.set(xlabel='epoch', title=with_count(part, rows), ylim=(0, 100),
                 yticks=range(0, 91, 15))
    panels[0].plot([], [], 'D', color=BLACK, markersize=6, label='published')
    panels[0].set_ylabel('angle between W_down and\nthe transposed W_up (degrees)')
    figure.legend(*panels[0].get_legend_handles_labels(), ncols=4, loc='outside upper left')
    return {'angles': figure}
