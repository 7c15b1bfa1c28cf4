"""Figures of results: one function per figure, from a result alone, in one style.

A protocol or a study names the module of its figures; every public function there takes a `Result`
or a `StudyResult` and returns a dict of matplotlib figures by name.
"""

import functools
import hashlib
import importlib
import inspect
import os
import re
import warnings
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from brian_le.protocols.finding import get_protocol
from brian_le.protocols.protocol import figures_by
from brian_le.protocols.runs.results import load_result
from brian_le.protocols.runs.writing import check_place, replace_file, with_remedy
from brian_le.protocols.sweeps.study_folders import is_study, load_study
from brian_le.protocols.sweeps.targets import protocol_of
from brian_le.protocols.user_files import load_module, sensible

__all__ = ['plot', 'new_figure', 'STYLE', 'BLACK', 'BLUE', 'GREEN', 'ORANGE',
           'PURPLE', 'RED']

STANDARD = 'brian_le.protocols.sweeps.figures'  #: draws studies that name nothing else
_LONGEST = 80  # characters of the name of a file
_RESERVED = {'CON', 'PRN', 'AUX', 'NUL', *(f'{kind}{n}' for kind in ('COM', 'LPT')
                                           for n in range(10))}  # devices of Windows

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


def plot(directory, out=None, figures=None, protocol=None):
    """Draw all figures of a result or of a study, as PNG and PDF.

    Parameters
    ----------
    directory : path-like
        Folder of a complete result, or of a study: then of what is finished.
    out : path-like, optional
        Where to put the figures; by default in ``figures`` inside that folder.
    figures : str or path-like, optional
        The module that draws, or its Python file, in place of what the folder names. Code that is
        no part of this package runs only if it is named here.

    protocol : str or type, optional
        For a result of a protocol of your own, the class or where it is, ``'my_study.py:Mine'``.

    Returns
    -------
    list of Path
        The files. Characters of the names of figures that do not belong into those of files are
        replaced.

    Raises
    ------
    ValueError
        If the folder is not a complete result, or no run of the study is finished, or it names
        figures of its own.

    Examples
    --------
    >>> from brian_le.protocols import plot
    >>> plot('results/bars-12345')  # doctest: +SKIP
    """
    if is_study(directory):
        result = load_study(directory)
        if not result.rows:
            raise ValueError(f"no run of the study in '{directory}' is finished")
        drawn, target = _figures_of(result, figures), result.description['target']
        if not result.finished:  # the standard figures say so, and what has failed
            drawn = importlib.import_module(STANDARD)
    else:
        result = load_result(directory)
        target = result.description['protocol']
        drawn = _module(figures) if figures is not None else _protocol_of(result, protocol)
    out = _place(directory, out)
    with matplotlib.rc_context(STYLE):
        with sensible(f"what is in '{directory}'", target, Path(inspect.getfile(drawn)).parent):
            figures = drawn.draw(result) if inspect.isclass(drawn) else figures_by(drawn, result)
        with with_remedy(out):
            out.mkdir(parents=True, exist_ok=True)
        files = []
        for name, figure in zip(_file_names(figures), figures.values()):
            for ending in ('png', 'pdf'):
                files.append(out/f'{name}.{ending}')
                # without the time, the same result gives the same files
                metadata = {'CreationDate': None} if ending == 'pdf' else None
                write = functools.partial(figure.savefig, format=ending, metadata=metadata)
                with warnings.catch_warnings(), sensible(f"what is in '{directory}'", target):
                    warnings.filterwarnings('ignore', 'Glyph')  # a box stands for it
                    replace_file(files[-1], write)
    return files


def _protocol_of(result, given):
    """The protocol that a result is of: one of this package, or what the user has named."""
    name = result.description['protocol']
    if given is not None:
        protocol = get_protocol(given)
        if protocol.name != name:
            raise ValueError(f"'{result.directory}' is a result of '{name}', not of "
                             f"'{protocol.name}'")
        return protocol
    if '.py:' in name:
        raise ValueError(
            f"'{result.directory}' is of '{name}', code that is no part of this package and not "
            f"run unasked: name it, 'brian-le plot {name} {result.directory}', or what draws it "
            'with --figures FILE; if it is a run of a study, plot the folder of the study')
    return protocol_of(result)


def _figures_of(study, figures):
    """The module that draws a study: one of this package, or what the user has named."""
    if figures is not None:
        return _module(figures)
    own = study.description['figures']
    if own not in known_figures():
        file = os.path.normpath(study.directory.absolute()/own) if own.endswith('.py') else own
        raise ValueError(f"the study in '{study.directory}' is drawn by {file!r:.300}, which is "
                         'not part of this package and not run unasked; if you trust it, give '
                         f"--figures {file!r:.300}, for the standard figures --figures {STANDARD}")
    return importlib.import_module(own)


def known_figures():
    """The modules of this package that draw studies."""
    from brian_le.protocols.sweeps.study_files import get_study, named_studies

    return {STANDARD, *(get_study(name).figures for name in named_studies())}


def _module(name):
    """A module of figures, by its name or by the path of its file."""
    if str(name).endswith('.py'):
        module = load_module(name)
    else:
        try:
            module = importlib.import_module(str(name))
        except (ImportError, TypeError, ValueError) as error:
            raise ValueError(f"there is no module '{name}' to draw figures with: {error}; name "
                             'one, or a file that ends in .py') from None
    if '__all__' not in vars(module):
        raise ValueError(f"'{name}' has no '__all__'; list its functions that draw there")
    return module


def _place(directory, out):
    """The folder to put figures in."""
    if out is None:
        out = Path(directory)/'figures'
        if out.is_symlink():  # to whatever folder of the user's
            raise ValueError(f"'{out}' is a link; say where figures are to be put, with --out")
    elif not str(out):
        raise ValueError("'' is no folder for figures; name one with --out")
    check_place(out)
    return Path(out)


def _file_names(names):
    """Names of files for figures: readable, valid on any system, and all different.

    Examples
    --------
    >>> from brian_le.protocols.plotting import _file_names
    >>> _file_names(['loss', 'train/loss', '../x'])
    ['loss', 'train_loss-70c204dc', '___x-d6b96a97']
    """
    found = {}
    for name in names:
        file = plain = re.sub(r'[^\w.,=+-]', '_', name, flags=re.ASCII)[:_LONGEST]
        digest = hashlib.sha256(name.encode('utf-8', 'surrogatepass'))
        valid = (plain == name and re.match(r'\w', name) and not name.endswith('.')
                 and name.partition('.')[0].upper() not in _RESERVED)
        # some systems do not tell capitals from small letters
        while not valid or file.lower() in found:
            stem = plain.replace('.', '_').strip('-') or 'figure'
            file = f'{stem}-{digest.hexdigest()[:8]}'
            digest.update(b' ')
            valid = True
        found[file.lower()] = file
    return list(found.values())
