"""The program of a protocol, built once for all runs that it serves."""

import numpy as np
from brian2.core.clocks import defaultclock
from brian2.devices.device import get_device

from brian_le.programs.program import build_program, composing
from brian_le.programs.signatures import (only_looked_at, signature, start_values,
                                          uses_random_numbers)

__all__ = ['Launches', 'built_once']

_BUILT, _KEPT = {}, 16  # programs of this process, and how many of them are kept


def built_once(key, build):
    """What `build` returns, in this process once for each key; the last ones are kept."""
    if key not in _BUILT:
        while len(_BUILT) >= _KEPT:
            del _BUILT[next(iter(_BUILT))]
        _BUILT[key] = build()
    return _BUILT[key]


class Launches:
    """The launches of one run, by a program that other runs may share.

    Whether a program serves a run is decided by the `brian_le.programs.signature` of its network,
    and what the run starts with is read off that network: every launch begins with it.

    Parameters
    ----------
    compose, device, say, precision
        As for `brian_le.programs.build_program`.
    seed : int
        Seed of random numbers that the network draws while it runs, if it does.

    Attributes
    ----------
    start : dict of str to array
        The values of all variables and tables as composed.
    dt : float
        The time step in s.
    state_names : list of str
        The variables that make up the state.
    random : bool
        Whether the network draws random numbers while it runs: the same ones in every launch.
    """

    def __init__(self, compose, device, say, precision='double', seed=0):
        self._options = device, say, precision, seed
        with composing(precision):
            np.random.seed(seed)
            network = compose()
            self.start, self.dt = start_values(network), float(defaultclock.dt)
            self.random = random = uses_random_numbers(network)
            key = (signature(network), device, precision, seed if random else None)
            only_looked_at(network)
        self._program = built_once(key, lambda: build_program(
            _seeded(compose, seed) if random else compose, device, say, precision))
        self.state_names = self._program.state_names

    def __call__(self, values, n_steps, state=None):
        """All variables at the end, and all recordings, of a launch from time 0 on.

        It goes on from `state`, in which what is no variable of the network is left alone; `values`
        are those of variables and tables that differ from the start.
        """
        known = {key: state[key] for key in self.state_names if key in state} if state else {}
        return self._program({**self.start, **known, **values}, n_steps)

    def state(self, end):
        """The variables at an end that another launch can go on from."""
        return {key: end[key] for key in self.state_names}

    def of(self, compose):
        """The launches of another network of the same run."""
        device, say, precision, seed = self._options
        return Launches(compose, device, say, precision, seed)


def _seeded(compose, seed):
    def seeded():
        get_device().seed(seed)
        return compose()
    return seeded
