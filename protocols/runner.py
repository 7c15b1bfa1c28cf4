"""Running a protocol: from parameters to a result on disk."""

import importlib.metadata
import platform
import sys
import time

import numpy as np
from tqdm import tqdm

from brian_le.checks import choose
from brian_le.protocols.catalogue import DEVICES, get_protocol
from brian_le.protocols.parameters import read_parameters
from brian_le.protocols.results import ResultFolder

__all__ = ['run', 'Run']

_CHUNK_SECONDS = 2.0  # of computing between two checkpoints
_BUILT, _KEPT = {}, 4  # what was built in this process, and how many of them are kept


def run(protocol, *, seed=12345, device='cpp_standalone', out=None, quiet=False, **parameters):
    """Run a protocol and keep its result.

    A run that was interrupted is continued by the same call, and ends with the same numbers.

    Parameters
    ----------
    protocol : str
        Name of the protocol, e.g. ``'bars'``.
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
        See `brian_le.protocols.results.Result`.

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
    module = get_protocol(protocol)
    p = read_parameters(protocol, module.PARAMETERS, parameters)
    choose('device', device, DEVICES)
    seed = check_seed(seed)
    folder = ResultFolder(out if out is not None else f'results/{protocol}-{seed}')
    description = dict(protocol=protocol, parameters=vars(p), seed=seed, device=device,
                       versions=versions())
    folder.check(description)
    try:
        arrays = module.simulate(p, seed, Run(device, folder, description, quiet))
    except FloatingPointError:
        folder.discard()  # to continue would only lead there again
        raise
    return folder.finish(arrays)


def check_seed(seed):
    """The seed as an int; a ValueError unless it is one from 0 to 2**32 - 1."""
    try:
        if int(seed) == float(seed) and 0 <= int(seed) < 2**32:
            return int(seed)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"the seed is '{seed}'; give a whole number from 0 to {2**32 - 1}")


def versions():
    """Versions of everything that numbers could depend on."""
    return {'python': platform.python_version(), 'platform': platform.platform(),
            **{name: importlib.metadata.version(name)
               for name in ('brian-le', 'brian2', 'numpy')}}


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
    """

    def __init__(self, device, folder=None, description=None, quiet=True):
        self.device = device
        self.folder = folder
        self.description = description
        self.quiet = quiet

    def say(self, message):
        """Tell what takes time now."""
        if not self.quiet:
            print(message, '...', file=sys.stderr, flush=True)

    def build(self, compose, precision='double'):
        """Build the program of a network, see `brian_le.protocols.program.build_program`."""
        self.say('loading Brian2')
        from brian_le.protocols.program import build_program

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
            done = int(saved.pop('done'))
            state = {key[6:]: saved[key] for key in saved if key.startswith('state/')}
            rows = [{key[5:]: saved[key] for key in saved if key.startswith('rows/')}]
        n = 1
        with tqdm(total=total, initial=done, unit=unit, disable=self.quiet,
                  dynamic_ncols=True) as progress:
            while done < total:
                n = min(n, room, total - done)
                began = time.perf_counter()
                state, new = chunk(state, done, n)
                took = time.perf_counter() - began
                _check_finite(state, new, done, unit, duration)
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


def _join(rows):
    return {key: np.concatenate([part[key] for part in rows]) for key in rows[0]}


def _check_finite(state, rows, first, unit, duration):
    """Raise a FloatingPointError that names a variable and a time, if anything is not finite."""
    n = len(next(iter(rows.values())))
    bad = [~np.isfinite(values.reshape(n, -1)).all(axis=1) for values in rows.values()]
    variables = [key for key, values in state.items()
                 if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all()]
    if variables or np.any(bad):
        when = np.any(bad, axis=0)
        number = first + (int(np.flatnonzero(when)[0]) if when.any() else n - 1)
        raise FloatingPointError(
            f"'{variables[0] if variables else next(iter(rows))}' is no longer finite in {unit} "
            f'{number + 1}, between {number*duration:g} and {(number + 1)*duration:g} ms; use '
            'smaller learning rates or weaker feedback')
