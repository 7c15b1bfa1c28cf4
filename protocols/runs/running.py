"""Running a protocol: from parameters to a result on disk."""

import sys
import time
from fnmatch import fnmatchcase

import numpy as np
from tqdm import tqdm

from brian_le.checks import choose
from brian_le.protocols.catalogue import DEVICES, get_protocol
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.runs.descriptions import plain
from brian_le.protocols.runs.results import MEASURE, Result, ResultFolder

__all__ = ['Run', 'check_finite', 'check_seed', 'run']

_REMEDY = 'use smaller learning rates or weaker feedback'
_CHUNK_SECONDS = 2.0  # of computing between two checkpoints
_BUILT, _KEPT = {}, 4  # what was built in this process, and how many of them are kept


def run(protocol, *, seed=12345, device='cpp_standalone', out=None, quiet=False, **parameters):
    """Run a protocol and keep its result.

    A run that was interrupted is continued by the same call, and ends with the same numbers.

    Parameters
    ----------
    protocol : str or type
        Name of the protocol, e.g. ``'bars'``; ``'path/my_study.py:Mine'``, or the class itself.
    seed : int
        Seed of all random draws.
    device : {'cpp_standalone', 'cython', 'numpy'}
        What simulates. cpp_standalone is the fastest; numpy needs no compiler.
    out : path-like, optional
        The folder of the result, by default ``results/PROTOCOL-SEED``.
    quiet : bool
        Whether to show no progress.
    **parameters
        Parameters of the protocol that differ from their defaults: numbers in the unit of the
        parameter, texts (``'1 ms'``) or Brian2 quantities.

    Returns
    -------
    Result
        See `brian_le.protocols.runs.results.Result`.

    Raises
    ------
    ValueError
        For an unknown protocol, device or parameter, an invalid value, or a folder that cannot
        take the result. Nothing has been written then.
    RuntimeError
        If there is no C++ compiler, or the simulation fails.
    FloatingPointError
        If a variable becomes infinite or NaN; the message names it and the time.

    Examples
    --------
    >>> from brian_le.protocols import run
    >>> result = run('bars', t_pattern='1 ms', epochs=2, device='numpy', quiet=True,
    ...              out='bars-example')
    >>> result.arrays['le.accuracy'].shape
    (2,)
    """
    protocol = get_protocol(protocol)
    p = protocol.read(parameters)
    choose('device', device, DEVICES)
    seed = check_seed(seed)
    folder = ResultFolder(out if out is not None else default_folder(protocol.name, seed))
    description = dict(protocol=protocol.name, parameters=vars(p), seed=seed, device=device)
    if protocol.source:
        description['source'] = protocol.source
    folder.check(description)
    try:
        arrays = Run(device, folder, description, quiet, protocol.unmeasured).conduct(
            protocol(p, seed))
        if protocol.source:  # who reads the result later does not run code of users
            measured = protocol.measures(Result(folder.directory, description, {
                name: np.asarray(array) for name, array in arrays.items()}))
            arrays |= {f'{MEASURE}{name}': value for name, value in measured.items()}
        check_finite(arrays, protocol.unmeasured)
        return folder.finish(arrays)
    except FloatingPointError:
        folder.discard()  # to continue would only lead there again
        raise
    finally:
        folder.release()  # whoever keeps the error keeps the folder


def default_folder(name, seed):
    """Where the result of a protocol is put unless another place is named."""
    return f"results/{name.replace('.py:', '-')}-{seed}"


def check_seed(seed):
    """The seed as an int; a ValueError unless it is one from 0 to 2**32 - 1."""
    try:
        if int(seed) == float(seed) and 0 <= int(seed) < 2**32:
            return int(seed)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"the seed is '{seed}'; give a whole number from 0 to {2**32 - 1}")


class Run:
    """What a protocol needs of a run under way: a program, chunks, checkpoints, progress.

    Parameters
    ----------
    device : str
        What simulates.
    folder : ResultFolder or None
        Where checkpoints go; None for a run that keeps none.
    description : dict
        Parameters, seed and versions of the run.
    quiet : bool
        Whether to show no progress.
    unmeasured : sequence of str
        Names (or patterns of them) of arrays in which NaN stands for what was not measured.
    """

    def __init__(self, device, folder=None, description=None, quiet=True, unmeasured=()):
        self.device = device
        self.folder = folder
        self.description = description
        self.quiet = quiet
        self.unmeasured = unmeasured

    def say(self, message):
        """Tell what takes time now."""
        if not self.quiet:
            print(message, '...', file=sys.stderr, flush=True)

    def conduct(self, protocol):
        """Run a protocol from its beginning to its end, or from its checkpoint on.

        Returns
        -------
        dict of str to numpy.ndarray
            The arrays of the result.
        """
        if hasattr(protocol, 'conduct'):
            return protocol.conduct(self)
        protocol.load()
        program = self._program(protocol)
        state, rows = self.in_chunks(
            lambda state, first, n: protocol.chunk(program, state, first, n),
            lambda: protocol.begin(program), protocol.total, protocol.unit, protocol.room,
            1e3*protocol.n_steps*(program.dt if program else 1e-3), protocol.describe)
        return protocol.result(state, rows)

    def _program(self, protocol):
        """The launches of a protocol, None if it has no network."""
        if type(protocol).compose is Protocol.compose:
            return None
        self.say('loading Brian2')
        from brian_le.protocols.runs.launches import Launches

        program = Launches(protocol.compose, self.device, self.say, protocol.precision,
                           protocol.seed)
        if program.random and protocol.total > 1:
            raise ValueError(
                f"the network of '{protocol.name}' draws random numbers while it runs, which would "
                'be the same in every launch; let the whole run be one unit (total = 1), or use '
                'brian_le.substrate.Noise, which is a function of seed and step')
        return program

    def build(self, compose, precision='double'):
        """Build the program of a network, see `brian_le.programs.program.build_program`."""
        self.say('loading Brian2')
        from brian_le.programs.program import build_program

        return build_program(compose, self.device, self.say, precision)

    def build_once(self, key, compose, precision='double'):
        """Build a network once in this process, for all runs of one key.

        What is not in the key has to be handed to the program at every launch: what the network
        was composed with may be that of another run.

        Parameters
        ----------
        key : hashable
            The name of the protocol, and everything that generated code or unlaunched values
            depend on.
        compose : callable
            Returns a namespace with a ``network``.
        precision : {'double', 'single'}
            As for `build`.

        Returns
        -------
        SimpleNamespace
            What `compose` returned for the key, with its ``program``.
        """
        key = key, self.device, precision
        if key not in _BUILT:
            while len(_BUILT) >= _KEPT:
                del _BUILT[next(iter(_BUILT))]
            task = None

            def compose_network():
                nonlocal task
                task = compose()
                return task.network

            program = self.build(compose_network, precision)
            task.program = program
            _BUILT[key] = task
        return _BUILT[key]

    def in_chunks(self, chunk, state, total, unit, room, duration, describe):
        """Run a long simulation in chunks of some seconds, each followed by a checkpoint.

        The numbers do not depend on where the chunks end.

        Parameters
        ----------
        chunk : callable
            ``chunk(state, first, n)`` runs `n` units from unit `first` on, and returns the
            state at the end and a dict of arrays with one row per unit.
        state : dict of str to array
            Where to start.
        total : int
            Number of units.
        unit : str
            What is counted, for the progress bar.
        room : int
            The largest number of units in one chunk.
        duration : float
            Simulated time of one unit, in ms.
        describe : callable
            ``describe(done, rows)`` gives a short text on the state of affairs after a chunk.

        Returns
        -------
        state : dict of str to array
            The state at the end.
        rows : dict of str to array
            All rows.

        Raises
        ------
        FloatingPointError
            If a value of the state or of the rows is not finite.
        """
        done, rows = 0, []
        saved = self.folder.begin(self.description) if self.folder is not None else None
        if saved is not None:
            done, state, rows = self._continued(saved, total)
        elif callable(state):
            state = state()
        n = 1
        with tqdm(total=total, initial=done, unit=unit, disable=self.quiet,
                  dynamic_ncols=True) as progress:
            while done < total:
                n = min(n, room, total - done)
                began = time.perf_counter()
                state, new = chunk(state, done, n)
                took = time.perf_counter() - began
                self._check_chunk(state, new, done, unit, duration)
                rows.append(new)
                done += n
                progress.update(n)
                progress.set_postfix_str(describe(done, new))
                rows = [_join(rows)]
                if self.folder is not None and done < total:
                    self.folder.checkpoint({
                        'done': done, **{f'state/{key}': value for key, value in state.items()},
                        **{f'rows/{key}': value for key, value in rows[0].items()}})
                # what a launch costs by itself makes the first ones seem slow
                n = max(1, min(16*n, int(n*_CHUNK_SECONDS/took)))
        return state, _join(rows)


    def _continued(self, saved, total):
        """How much is done, the state and the rows, from a checkpoint."""
        done = int(saved['done'])
        state = {key[6:]: saved[key] for key in saved if key.startswith('state/')}
        rows = {key[5:]: saved[key] for key in saved if key.startswith('rows/')}
        if not 0 < done < total or not rows or any(
                array.shape[:1] != (done,) for array in rows.values()):
            raise ValueError(f"the checkpoint in '{self.folder.part}' says that {done} of {total} "
                             f"are done, which does not fit what it holds; delete "
                             f"'{self.folder.part}' and run again")
        if self.folder.changes:  # however quiet: the numbers may be others
            print(plain(f"the run in '{self.folder.part}' is continued with "
                        f"{'; '.join(self.folder.changes)}"), file=sys.stderr, flush=True)
        return done, state, [rows]

    def _check_chunk(self, state, rows, first, unit, duration):
        """Raise a FloatingPointError that names a variable and a time, if anything is infinite."""
        n = len(next(iter(rows.values())))
        bad = {key: ~_finite(values).reshape(n, -1).all(axis=1) for key, values in rows.items()
               if not self._may_be_nan(key)}
        in_state = [key for key, values in state.items() if not _finite(values).all()]
        in_rows = [key for key, where in bad.items() if where.any()]
        if in_state or in_rows:
            number = first + min((int(np.flatnonzero(bad[key])[0]) for key in in_rows),
                                 default=n - 1)
            raise FloatingPointError(
                f"'{[*in_state, *in_rows][0]}' is no longer finite in {unit} {number + 1}, between "
                f'{number*duration:g} and {(number + 1)*duration:g} ms; {_REMEDY}')

    def _may_be_nan(self, name):
        return any(fnmatchcase(name, pattern) for pattern in self.unmeasured)


def check_finite(arrays, unmeasured=()):
    """Raise a FloatingPointError for an array of a result that has infinite or undefined numbers.

    Parameters
    ----------
    arrays : dict of str to array_like
        The arrays. Where there are times of the samples, as in ``'time'`` or ``'after.time'`` for
        ``'after.output'``, the message has that of the first such number.
    unmeasured : sequence of str
        Names (or patterns of them) of arrays in which NaN stands for what was not measured.

    Examples
    --------
    >>> from brian_le.protocols.runs.running import check_finite
    >>> check_finite({'time': [0.1, 0.2], 'rate': [1, float('inf')]})
    Traceback (most recent call last):
    ...
    FloatingPointError: 'rate' is inf at index 1, at 0.2 ms; use smaller learning rates or weaker \
feedback
    """
    for name, array in arrays.items():
        array = np.asarray(array)
        allowed = any(fnmatchcase(name, pattern) for pattern in unmeasured)
        bad = ~_finite(array) if not allowed else np.isinf(array)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            where = f" at index {', '.join(map(str, index))}" if index else ''
            raise FloatingPointError(f"'{name}' is {array[index]}{where}"
                                     f'{_time_of(arrays, name, array.shape, index)}; {_REMEDY}')


def _time_of(arrays, name, shape, index):
    """When a sample was, if a result says so."""
    for prefix in (name.rpartition('.')[0] + '.', name.partition('.')[0] + '.', ''):
        times = np.asarray(arrays.get(f'{prefix}time', ()))
        for axis, i in enumerate(index):
            if times.shape == shape[axis:axis + 1]:
                return f', at {times[i]:g} ms'
    return ''


def _finite(values):
    """Where an array is finite: everywhere, if it is not one of numbers."""
    values = np.asarray(values)
    return (np.isfinite(values) if values.dtype.kind in 'fc'
            else np.ones(values.shape, dtype=bool))


def _join(rows):
    return {key: np.concatenate([part[key] for part in rows]) for key in rows[0]}
