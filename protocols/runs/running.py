"""Running a protocol: from parameters to a result on disk."""

import math
import sys
import time

import numpy as np
from tqdm import tqdm

from brian_le.checks import choose
from brian_le.programs import DEVICES
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.runs.descriptions import plain
from brian_le.protocols.runs.finite import REMEDY, check_finite, finite, may_be_nan
from brian_le.protocols.runs.results import MEASURE, Result, ResultFolder

__all__ = ['Run', 'check_seed', 'default_folder', 'run']

_CHUNK_SECONDS = 2.0  # of computing in one chunk
_CHECKPOINT_SECONDS = 1.0  # between two checkpoints, at least


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
    """A run under way: program, chunks, checkpoints (if there is a folder for them), progress."""

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
        """The arrays of the result, from the beginning of a run or from its checkpoint on."""
        protocol.load()
        state, rows = self.in_chunks(protocol, self._program(protocol))
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

    def in_chunks(self, protocol, program):
        """The state at the end and all rows, from chunks of some seconds with checkpoints."""
        total, done, rows, n = protocol.total, 0, [], 1
        saved = self.folder.begin(self.description) if self.folder is not None else None
        if saved is not None:
            done, state, rows = self._continued(saved, total)
        else:
            state = protocol.begin(program)
        duration = 1e3*protocol.n_steps*(program.dt if program else 1e-3)
        kept = -math.inf  # the last checkpoint; the first one says early what cannot be written
        with tqdm(total=total, initial=done, unit=protocol.unit, disable=self.quiet,
                  dynamic_ncols=True) as progress:
            while done < total:
                n = min(n, protocol.room, total - done)
                began = time.perf_counter()
                state, new = protocol.chunk(program, state, done, n)
                ended = time.perf_counter()
                self._check_chunk(state, new, done, protocol.unit, duration)
                rows.append(new)
                done += n
                progress.update(n)
                progress.set_postfix_str(protocol.describe(done, new))
                rows = [_join(rows)]
                if self.folder and done < total and ended >= kept + _CHECKPOINT_SECONDS:
                    self.folder.checkpoint({
                        'done': done, **{f'state/{key}': value for key, value in state.items()},
                        **{f'rows/{key}': value for key, value in rows[0].items()}})
                    kept = ended
                # what a launch costs by itself makes the first ones seem slow
                n = max(1, min(16*n, int(n*_CHUNK_SECONDS/(ended - began))))
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
        n = len(next(iter(rows.values()))) if rows else 1  # a chunk that diverges may be shorter
        bad = {key: ~finite(values).reshape(n, -1).all(axis=1) for key, values in rows.items()
               if not may_be_nan(key, self.unmeasured)}
        in_state = [key for key, values in state.items() if not finite(values).all()]
        in_rows = [key for key, where in bad.items() if where.any()]
        if in_state or in_rows:
            number = first + min((int(np.flatnonzero(bad[key])[0]) for key in in_rows),
                                 default=n - 1)
            raise FloatingPointError(
                f"'{[*in_state, *in_rows][0]}' is no longer finite in {unit} {number + 1}, between "
                f'{number*duration:g} and {(number + 1)*duration:g} ms; {REMEDY}')


def _join(rows):
    return {key: np.concatenate([part[key] for part in rows]) for key in rows[0]}
