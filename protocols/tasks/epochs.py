"""What protocols have in common that learn from batches of samples, epoch after epoch."""

import math
from functools import cached_property

import numpy as np

from brian_le.protocols.protocol import Protocol

__all__ = ['InEpochs']


class InEpochs(Protocol):
    """Training samples of a data set are shown in whole batches, in every epoch anew.

    A subclass defines `learn`, for some batches of one epoch, and `evaluated`, for what is found
    out after an epoch. Its `benchmark` has a function ``read(p)``, which gives the data set, and
    its `room` is how many batches there are in one launch of the simulation.
    """

    unit = 'batch'
    benchmark = None
    noun = 'samples'  #: of what is shown, in messages
    fewer = "'epochs' or 'samples'"  #: what makes an exported project smaller

    @cached_property
    def data(self):
        """The data set, read when it is first needed; an exported project is read without it."""
        return self.benchmark.read(self.p)

    def load(self):
        self.n_batches  # are there enough samples?

    @cached_property
    def n_batches(self):
        """Batches in an epoch."""
        n, batch = len(self.data.train), self.p.batch
        if n < batch:
            raise ValueError(f"'batch' is {batch}, but there are only {n} training {self.noun}")
        return n//batch

    @cached_property
    def total(self):
        return self.p.epochs*self.n_batches

    def chunk(self, program, state, first, n):
        state, rows = dict(state), []
        while n:
            epoch, begin = divmod(first, self.n_batches)
            count = min(n, self.n_batches - begin)
            state, found = self.learn(program, state, epoch, begin, count)
            rows.append(found)
            first, n = first + count, n - count
            if not all(np.isfinite(value).all() for value in state.values()):
                break  # the run raises the error
            if first % self.n_batches == 0:
                state = self.evaluated(program, state, epoch + 1)
        return state, {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}

    def learn(self, program, state, epoch, first, n):
        """The state after `n` batches of an epoch, from batch `first` on, and their rows."""
        raise NotImplementedError

    def evaluated(self, program, state, epoch):
        """The state with what is found out after so many epochs."""
        raise NotImplementedError

    def in_launches(self, n):
        """Indices of `n` samples for each launch: those that count, and whole batches of them."""
        room = self.room*self.p.batch
        for begin in range(0, n, room):
            indices = np.arange(begin, min(begin + room, n))
            # the last batch is filled up with samples that do not count
            yield indices, np.append(indices, np.zeros(-len(indices) % self.p.batch, dtype=int))

    def refuse_export(self):
        size = 8*self.total*self.p.batch*math.prod(self.data.shape)
        if size > 2e9:
            raise ValueError(f'the {self.noun} of {self.p.epochs} epochs take {size/1e9:.0f} GB in '
                             f'an exported project; use fewer {self.fewer}')
