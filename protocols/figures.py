"""Figures of results: one function per figure, from a result alone, in one style.

A protocol or a study names the module of its figures; every public function there takes a `Result`
or a `StudyResult` and returns a dict of matplotlib figures by name.
"""

import importlib
import os
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from brian_le.protocols.catalogue import get_protocol
from brian_le.protocols.results import load_result
from brian_le.protocols.study_folders import is_study, load_study

__all__ = ['plot', 'new_figure', 'STYLE', 'BLACK', 'BLUE', 'GREEN', 'ORANGE',
           'PURPLE', 'RED']

# Colours of Okabe and Ito: told apart with any colour vision, and, by lightness, in grey.
BLUE, ORANGE, BLACK = '#0072B2', '#E69F00', '#000000'
GREEN, PURPLE, RED = '#009E73', '#CC79A7', '#D55E00'

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
    """Draw all figures of a result or of a study, as PNG and PDF.

    Parameters
    ----------
    directory : path-like
        Folder of a complete result, or of a study: then of what is finished.
    out : path-like, optional
        Where to put the figures; by default in ``figures`` inside that folder.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        If the folder is not a complete result, or no run of the study is finished.

    Examples
    --------
    >>> from brian_le.protocols import plot
    >>> plot('results/bars-12345')  # doctest: +SKIP
    """
    if is_study(directory):
        result = load_study(directory)
        if not result.rows:
            raise ValueError(f"no run of the study in '{directory}' is finished")
        drawn = _module(result.description['figures'], directory)
    else:
        result = load_result(directory)
        drawn = _module(get_protocol(result.description['protocol']).FIGURES, directory)
    out = Path(out) if out is not None else Path(directory)/'figures'
    files = []
    with matplotlib.rc_context(STYLE):
        figures = [pair for name in drawn.__all__ for pair in getattr(drawn, name)(result).items()]
        out.mkdir(parents=True, exist_ok=True)
        for name, figure in figures:
            for ending in ('png', 'pdf'):
                files.append(out/f'{name}.{ending}')
                # without the time, the same result gives the same files
                figure.savefig(files[-1], metadata={'CreationDate': None} if ending == 'pdf'
                               else None)
    return files


def _module(name, directory):
    """A module of figures, by its name or by the path of its file from the folder of a study."""
    if not name.endswith('.py'):
        return importlib.import_module(name)
    from brian_le.protocols.targets import load_module

    file = Path(os.path.normpath(Path(directory).absolute()/name))
    if not file.is_file():
        raise ValueError(f"there is no file '{file}', which draws the study in '{directory}'; put "
                         'it there, or repeat the sweep, which notes where it is')
    return load_module(file)
