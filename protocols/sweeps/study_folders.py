"""Studies on disk: a folder with one folder per run, and one table of them all.

::

    DIR/study.json        target, grid, seeds, and the names of all runs
    DIR/table.csv         one row per run that is finished or has failed: parameters, seed,
                          measures, or why it failed
    DIR/runs/KEY/         a finished run; KEY.part while it is under way
    DIR/running/KEY       locked by the process that is at the run
    DIR/failed/KEY.json   why a run failed; removed once it succeeds
    DIR/figures/          figures

Whatever has its name is complete: files and folders get theirs by renaming. A table can be
made again at any time.
"""

import contextlib
import csv
import io
import json
import os
from pathlib import Path

from brian_le.programs.temporary import is_locked, lock, try_lock
from brian_le.protocols.runs.descriptions import check_study, check_table, read_json
from brian_le.protocols.runs.provenance import continued, provenance
from brian_le.protocols.runs.results import (ResultFolder, damage, is_finished, load_description,
                                             load_result)
from brian_le.protocols.runs.writing import with_remedy, write_text
from brian_le.protocols.sweeps.study_results import StudyResult, StudyStatus
from brian_le.protocols.sweeps.targets import get_target, measures_of

__all__ = ['StudyFolder', 'describe', 'is_study', 'load_study', 'study_status']

_STUDY, _TABLE = 'study.json', 'table.csv'
_COMPARED = ('target', 'source', 'device')
_OWN = {'runs', 'running', 'failed', 'figures', 'lock', _TABLE}  # beside the file of the study


def is_study(directory):
    """Whether a folder is that of a study."""
    return (Path(directory)/_STUDY).is_file()


def load_study(directory):
    """Read what there is of a study.

    Parameters
    ----------
    directory : path-like
        Its folder.

    Returns
    -------
    StudyResult
        Of all runs that are finished or have failed.

    Raises
    ------
    ValueError
        If it is not the folder of a study.

    Examples
    --------
    >>> from brian_le.protocols import load_study
    >>> load_study('results/fig3-bars').rows[0]['accuracy']  # doctest: +SKIP
    1.0
    """
    return StudyFolder(directory).result()


def study_status(directory):
    """How far a study is.

    Parameters
    ----------
    directory : path-like
        Its folder.

    Returns
    -------
    StudyStatus

    Raises
    ------
    ValueError
        If it is not the folder of a study.

    Examples
    --------
    >>> from brian_le.protocols import study_status
    >>> print(study_status('results/fig3-bars'))  # doctest: +SKIP
    220 done, 0 running, 0 failed, 0 to do
    """
    folder = StudyFolder(directory)
    status = StudyStatus()
    for key in folder.keys():
        if damaged := damage(folder.run(key)):
            status.failed[key] = damaged
        elif is_finished(folder.run(key)):
            status.done.append(key)
        elif folder.is_running(key):
            status.running.append(key)
        elif folder.failure_file(key).is_file():
            status.failed[key] = folder.failure(key)['error']
        else:
            status.to_do.append(key)
    return status


class StudyFolder:
    """The folder of a study, which is there or is to be."""

    def __init__(self, directory):
        self.directory = Path(directory).absolute()
        if not self.directory.name or self.directory.name == '..' or not str(directory):
            raise ValueError(f"'{directory}' cannot be the folder of a study; name a new folder")
        self._measured = {}  # parameters, seed and measures of finished runs

    def run(self, key):
        """The folder of a run."""
        return self.directory/'runs'/key

    def failure_file(self, key):
        """The file that says why a run failed."""
        return self.directory/'failed'/f'{key}.json'

    def description(self):
        """What is in ``study.json``; a ValueError if this is not the folder of a study."""
        if not is_study(self.directory):
            raise ValueError(f"'{self.directory}' is not the folder of a study")
        return read_json(self.directory/_STUDY, check_study, 'delete it, and the same sweep makes '
                         'it again; finished runs stay')

    def keys(self):
        """The names of all runs."""
        return list(dict.fromkeys(key for _, key in self.description()['runs']))

    def check(self, description, plan):
        """Raise unless the runs of a study can be put, or continued, here."""
        if not is_study(self.directory) and not self._can_become_study():
            raise ValueError(f"'{self.directory}' exists and is not the folder of a study; choose "
                             'another folder')
        if is_study(self.directory):
            self._check_growth(description)
        writable = self.directory
        while not writable.exists():
            writable = writable.parent
        if not writable.is_dir() or not os.access(writable, os.W_OK):
            raise PermissionError(f"cannot write to '{writable}'; choose another folder")
        for run in {run.key: run for _, run in plan}.values():
            expected = dict(protocol=description['target'], parameters=run.parameters,
                            seed=run.seed, device=description['device'])
            if damaged := damage(self.run(run.key)):
                raise ValueError(damaged)
            if not is_finished(self.run(run.key)):
                ResultFolder(self.run(run.key)).check(expected)
                continue
            found = load_description(self.run(run.key))
            if description['source'] is not None:
                expected['source'] = description['source']
            different = [name for name in expected if found.get(name) != expected[name]]
            if different:
                raise ValueError(f"'{self.run(run.key)}' holds a run with other "
                                 f"{', '.join(different)}; choose another folder")

    def _can_become_study(self):
        """Whether there is nothing here, or what is left of a study without its file."""
        if not self.directory.exists():
            return True
        if not self.directory.is_dir():
            return False
        names = {name for name in os.listdir(self.directory) if not name.endswith('.draft')}
        return names <= {'lock'} or 'runs' in names <= _OWN

    def _check_growth(self, description):
        """Raise if a study is another one than that in the folder, or has not all of its runs."""
        before = self.description()
        for name in _COMPARED:
            if before[name] != description[name]:
                what = ('the file of the model, or one beside it that it imports, has changed since'
                        if name == 'source' else
                        f"its {name} is '{before[name]}', not '{description[name]}'")
                raise ValueError(f"'{self.directory}' holds another study: {what}; choose another "
                                 'folder')
        missing = {tuple(run) for run in before['runs']} - {tuple(run)
                                                            for run in description['runs']}
        if missing:
            before, now = _entries(before), _entries(description)
            changed = [f"'{name}' is {before.get(name, 'not set')}, not {now.get(name, 'set')}"
                       for name in {**before, **now} if before.get(name) != now.get(name)]
            raise ValueError(
                f"'{self.directory}' holds another study: there {', '.join(changed)}. A study can "
                'grow, by more values or seeds; otherwise choose another folder')

    def begin(self, description, plan):
        """Take the study in, new or grown, and clear away what killed processes have left."""
        self.check(description, plan)
        for name in ('runs', 'running', 'failed'):
            with with_remedy(self.directory/name):
                (self.directory/name).mkdir(parents=True, exist_ok=True)
        with lock(self.directory/'lock'):
            finished = [key for key in dict.fromkeys(run.key for _, run in plan)
                        if is_finished(self.run(key))]
            if is_study(self.directory):
                self._check_growth(description)
                before = self.description().get('stretches', [])
            else:
                before = self._stretches_of(finished)
            stretches, _ = continued(before, len(finished), provenance(description['device']))
            write_text(self.directory/_STUDY, json.dumps(
                {**description, 'stretches': stretches}, indent=1) + '\n')
        self.tidy()

    def _stretches_of(self, keys):
        """What has made runs, as they say themselves."""
        stretches = []
        for count, key in enumerate(keys):
            for made in load_description(self.run(key)).get('stretches', []):
                made = {name: value for name, value in made.items() if name != 'from'}
                stretches, _ = continued(stretches, count, made)
        return stretches

    def tidy(self):
        """Remove marks and locks of processes that have ended, and errors of what succeeded."""
        for mark in (self.directory/'running').glob('*'):
            with self.claim(mark.name):
                pass
        for key in self.keys():
            if is_finished(self.run(key)):
                (self.run(key)/'lock').unlink(missing_ok=True)
                self.failure_file(key).unlink(missing_ok=True)

    # ------------------------------------------------------------------------------ runs under way
    @contextlib.contextmanager
    def claim(self, key):
        """Be the only process at a run: yields whether this one is.

        The lock goes with the process that holds it, however that ends.
        """
        mark = self.directory/'running'/key
        held = try_lock(mark)
        try:
            yield held is not None
        finally:
            if held is not None:
                mark.unlink(missing_ok=True)
                held.release()

    def is_running(self, key):
        """Whether a process is at a run."""
        return is_locked(self.directory/'running'/key)

    def was_begun(self, key):
        """Whether a process was at a run and has ended without a word."""
        return (self.directory/'running'/key).exists() and not self.is_running(key)

    def failure(self, key):
        """Why a run failed: ``error``, and, unless that is damaged, ``parameters`` and ``seed``."""
        try:
            return read_json(self.failure_file(key), _check_failure, 'run again')
        except ValueError as error:
            return {'error': str(error)}

    def note_failure(self, run, error, traceback):
        """Keep why a run failed."""
        write_text(self.failure_file(run.key), json.dumps(
            dict(error=error, parameters=run.parameters, seed=run.seed,
                 traceback=traceback.splitlines()), indent=1) + '\n')

    # ------------------------------------------------------------------------------------- results
    def measure(self, key, result=None):
        """Parameters, seed and measures of a finished run."""
        if key not in self._measured:
            result = result or load_result(self.run(key))
            self._measured[key] = (result.description['parameters'], result.description['seed'],
                                   measures_of(result))
        return self._measured[key]

    def _fate(self, key):
        """What has become of a run: parameters, seed, and a dict of measures, or of its failure.

        None if it is still to be done.
        """
        if is_finished(self.run(key)):
            try:
                return self.measure(key)
            except ValueError as error:
                reason = str(error)
            try:
                found = load_description(self.run(key))
            except ValueError:
                found = {}
        elif self.failure_file(key).is_file() and not self.is_running(key):
            found = self.failure(key)
            reason = found['error']
        else:
            return None
        return found.get('parameters', {}), found.get('seed'), {'failed': reason}

    def remember(self, key, measured):
        """Spare `measure` the reading of a run that has been measured in another process."""
        self._measured[key] = measured

    def result(self):
        """What there is, as a `StudyResult`."""
        description = self.description()
        labels = len({label for label, _ in description['runs']}) > 1
        rows, failed = [], {}
        for label, key in description['runs']:
            fate = self._fate(key)
            if fate is None:
                continue
            parameters, seed, found = fate
            if 'failed' in found:
                failed[key] = dict(run=key, parameters=parameters, seed=seed,
                                   reason=found['failed'])
                if is_finished(self.run(key)):  # and damaged: what it was about may be so, too
                    continue
            rows.append({**({'part': label} if labels else {}),
                         **{name: parameters.get(name) for name in description['columns']},
                         'seed': seed, **found, 'run': key})
        return StudyResult(self.directory, description, rows, failed.values())

    def write_table(self):
        """Make the table of all runs that are finished or have failed anew, all at once."""
        with lock(self.directory/'lock'):
            table = self.result().table
            text = io.StringIO()
            writer = csv.writer(text, lineterminator='\n')
            writer.writerow(table)
            writer.writerows(zip(*table.values()))
            write_text(self.directory/_TABLE, text.getvalue())


def _check_failure(found):
    """Raise a ValueError unless this says why a run failed."""
    check_table(found, {'error': str})
    check_table(found.setdefault('parameters', {}), {})


def describe(study, plan, directory):
    """What ``study.json`` says of a study in a folder, wherever both may be moved together."""
    target = get_target(study.target)
    figures = study.figures
    if figures.endswith('.py'):
        figures = os.path.relpath(figures, directory)
    units = {parameter.name: parameter.unit for parameter in target.parameters}
    named = {parameter.name: parameter.named for parameter in target.parameters
             if getattr(parameter, 'named', ())}
    return json.loads(json.dumps(dict(
        name=study.name, summary=study.summary, target=target.name, source=target.source,
        device=study.device, figures=figures, seeds=study.seeds, parts=study.parts,
        columns={name: units.get(name, '') for name in study.columns()},
        named={name: named[name] for name in study.columns() if name in named},
        runs=[(label, run.key) for label, run in plan]), default=str))


def _entries(description):
    """The values of a study by the names of parameters, with the label of the part before them."""
    entries = {'seeds': description['seeds']}
    for part in description['parts']:
        for name, values in {**part['set'], **part['grid']}.items():
            entries[f"{part['label']} {name}".strip()] = values
    return entries
