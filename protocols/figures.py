"""Figures of results: one function per figure, from a result alone, in one style.

A protocol names the module of its figures; every public function there takes a `Result` and
returns a dict of matplotlib figures by name.
"""

import importlib
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from brian_le.protocols.catalogue import get_protocol
from brian_le.protocols.results import load_result

__all__ = ['plot', 'new_figure', 'STYLE', 'BLACK', 'BLUE', 'GREEN', 'ORANGE', 'PURPLE']

# Colours of Okabe and Ito: told apart with any colour vision, and, by lightness, in grey.
BLUE, ORANGE, BLACK = '#0072B2', '#E69F00', '#000000'
GREEN, PURPLE = '#009E73', '#CC79A7'

STYLE = {
    'font.size': 12, 'axes.titlesize': 12, 'axes.labelsize': 12, 'legend.fontsize': 11,
    'axes.spines.top': False, 'axes.spines.right': False, 'legend.frameon': False,
    'lines.linewidth': 1.8, 'savefig.dpi': 150, 'figure.constrained_layout.use': True,
    'pdf.fonttype': 42,
}


def new_figure(rows=1, columns=1, width=7.0, height=4.0, **options):
    """A figure and its axes, in the style of all figures.

    Parameters
    ----------
    rows, columns : int
        Numbers of axes.
    width, height : float
        Size in inches.
    **options
        Further options of `matplotlib.figure.Figure.subplots`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : numpy.ndarray of matplotlib.axes.Axes
        Of shape (rows, columns).
    """
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def plot(directory, out=None):
    """Draw all figures of a result, as PNG and PDF.

    Parameters
    ----------
    directory : path-like
        Folder of a complete result.
    out : path-like, optional
        Where to put the figures; by default in ``figures`` inside that folder.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        If the folder is not a complete result.

    Examples
    --------
    >>> from brian_le.protocols import plot
    >>> plot('results/bars-12345')  # doctest: +SKIP
    """
    result = load_result(directory)
    protocol = get_protocol(result.description['protocol'])
    drawn = importlib.import_module(protocol.FIGURES)
    out = Path(out) if out is not None else Path(directory)/'figures'
    files = []
    with matplotlib.rc_context(STYLE):
        figures = [pair for name in drawn.__all__ for pair in getattr(drawn, name)(result).items()]
        out.mkdir(parents=True, exist_ok=True)
        for name, figure in figures:
            for ending in ('png', 'pdf'):
                files.append(out/f'{name}.{ending}')
                figure.savefig(files[-1])
    return files
