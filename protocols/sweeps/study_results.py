"""What is known of a study: how far it is, and what came of its runs."""

from dataclasses import dataclass, field
from pathlib import Path

from brian_le.protocols.runs.results import load_result

__all__ = ['StudyResult', 'StudyStatus']


@dataclass
class StudyStatus:
    """How far a study is.

    Attributes
    ----------
    done, running, to_do : list of str
        Names of runs.
    failed : dict of str to str
        Errors, by the names of runs.
    """

    done: list = field(default_factory=list)
    running: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)
    to_do: list = field(default_factory=list)

    def __str__(self):
        return (f'{len(self.done)} done, {len(self.running)} running, {len(self.failed)} failed, '
                f'{len(self.to_do)} to do')


class StudyResult:
    """The runs of a study that are finished or have failed.

    Attributes
    ----------
    directory : Path
        Its folder.
    description : dict
        ``target``, ``summary``, ``device``, ``seeds``, ``parts``, ``columns`` (names and units),
        ``named`` (of some of them, numbers that are no amounts, and what they mean),
        ``stretches`` (what made the runs, as of a `Result`; ``from`` counts finished runs).
    rows : list of dict
        One per run, in the order of the study: ``part`` (if there are several), the parameters
        that the study is about as plain numbers in their units, ``seed``, what was measured, and
        ``run``, the name of its folder. One that has failed has ``failed``, the reason, in place
        of measures.
    failed : list of dict
        Those that have failed, and those whose files are damaged, which are no rows: ``run``,
        ``parameters`` (all of them), ``seed`` and ``reason``.

    Examples
    --------
    >>> from brian_le.protocols import load_study
    >>> study = load_study('results/fig3-bars')  # doctest: +SKIP
    >>> [(run['seed'], run['reason']) for run in study.failed]  # doctest: +SKIP
    [(12347, "'le_up0.w' is no longer finite in pattern 12, between 120 and 130 ms; ...")]
    """

    def __init__(self, directory, description, rows, failed=()):
        self.directory = Path(directory)
        self.description = description
        self.rows = rows
        self.failed = list(failed)

    def __repr__(self):
        failed = f', {len(self.failed)} failed' if self.failed else ''
        return (f"<Study of '{self.description['target']}', {len(self.finished)} finished runs"
                f"{failed}, in '{self.directory}'>")

    @property
    def finished(self):
        """The rows of runs that have not failed."""
        return [row for row in self.rows if 'failed' not in row]

    @property
    def table(self):
        """The columns: lists of values by name, with None for what a run does not have."""
        last = [*(['failed'] if len(self.finished) < len(self.rows) else []), 'run']
        names = dict.fromkeys(name for row in self.rows for name in row if name not in last)
        return {name: [row.get(name) for row in self.rows] for name in (*names, *last)}

    def frame(self):
        """The table as a pandas frame.

        Raises
        ------
        RuntimeError
            Without pandas.
        """
        try:
            import pandas
        except ImportError:
            raise RuntimeError("frames need pandas; install it with pip install 'brian-le[table]',"
                               " or use 'rows' or 'table'") from None
        return pandas.DataFrame(self.table)

    def load(self, row):
        """The `Result` of a row, with the arrays of its run."""
        return load_result(self.directory/'runs'/row['run'])

    def runs(self):
        """Rows of finished runs with their results, one after the other."""
        for row in self.finished:
            yield row, self.load(row)
