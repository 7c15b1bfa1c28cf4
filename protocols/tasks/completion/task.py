"""One network with lateral weights completes digits, whichever pixels are hidden."""

from types import SimpleNamespace

import numpy as np

from brian_le.protocols.data.datasets import digits
from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.tasks.completion.alternatives import mean, nearest, ridge
from brian_le.protocols.tasks.epochs import InEpochs

__all__ = ['HIDDEN', 'LABELS', 'Completion', 'seen_pixels', 'squared_error']

HIDDEN = {'random': 'random half', 'lower': 'lower half'}
LABELS = {'mean': 'mean of the pixel', 'ridge': 'ridge regression', 'nearest': 'nearest neighbours',
          'le': 'Latent Equilibrium'}

_OTHERS = {'mean': mean, 'ridge': ridge, 'nearest': nearest}
_MASKS = 5  # random halves in the test, each for as many samples
_KEPT = 8   # test samples whose pictures are kept


def seen_pixels(n):
    """Which pixels of `n` test samples are seen [sample, pixel], by what is hidden.

    These are the same in all runs: of the lower half none, and of random halves five, in turn.
    """
    rng = np.random.default_rng(0)
    halves = rng.permuted(np.tile(np.arange(64) < 32, (_MASKS, 1)), axis=1)
    return {'random': halves[np.arange(n) % _MASKS], 'lower': np.tile(np.arange(64) < 32, (n, 1))}


def squared_error(found, pictures, seen):
    """The mean squared error on the pixels that are not seen."""
    return ((found - pictures)**2)[~seen].mean()


class Completion(InEpochs):
    """Slow neurons with lateral weights complete handwritten digits (8 x 8 pixels).

    There is a neuron for each pixel (ReLU). It hears all other pixels that are seen, and the
    neurons of those that are not, by weights from every neuron to every other one (edges of a
    `Graph`); where a pixel is seen, its neuron is inhibited, so that it neither answers nor
    learns. In a digit that is shown while learning every pixel is hidden with a probability of
    one half, and what it really is is the target; together all neurons relax to the rest of the
    digit. The spectral radius of the lateral weights is kept within ``limit``, by a look at it
    after every ``every`` batches. The same network then completes test samples under masks that
    it has not learned with.

    Results have ``le.error``, of shape (2, epochs + 1): the mean squared error on the hidden
    pixels of test samples, where a random half is hidden and where the lower half is;
    ``mean.error``, ``ridge.error`` and ``nearest.error``, of shape (2,), of the mean of the
    pixel, of ridge regression, which is fitted for each mask, and of the mean of the five
    nearest neighbours; ``le.loss``, half the squared error over an epoch, summed over hidden
    pixels; ``radius``, the spectral radius after every epoch; ``truth``, ``seen`` and
    ``mean.pictures``, ...: eight test samples, and what was made of them.

    Needs scikit-learn.
    """

    name = 'completion'
    figures = 'brian_le.protocols.tasks.completion.figures'
    requires = {'sklearn': 'scikit-learn'}
    benchmark = SimpleNamespace(read=lambda p: digits())
    parameters = (
        Parameter('epochs', 50, 'how often all training samples are shown', minimum=1, maximum=1e6),
        Parameter('batch', 32, 'samples that are shown at once', minimum=1, maximum=1e5),
        Parameter('rate', 0.1, 'learning rate of gradient descent; of a batch, all steps together',
                  minimum=0),
        Parameter('fall', 0.2, 'what is left of it in the end, to which it falls exponentially',
                  minimum=1e-6, maximum=1),
        Parameter('beta', 0.002, 'strength of the nudging', minimum=1e-9),
        Parameter('limit', 0.85, 'largest spectral radius of the lateral weights', minimum=0.01,
                  maximum=0.99),
        Parameter('every', 22, 'batches after which it is looked at', minimum=1, maximum=1e6),
        Parameter('inhibition', 10.0, 'of the neurons of pixels that are seen', minimum=0),
        Parameter('t_pattern', 2.5, 'time for which a batch is shown', 'ms', minimum=1e-3,
                  maximum=1e5),
        Parameter('late', 3, 'last steps of it in which learning is on', minimum=1, maximum=1e6),
        Parameter('tau_m', 10.0, 'membrane time constant', 'ms', minimum=1e-6),
        Parameter('precision', 'single', 'floating point numbers', choices=('double', 'single')),
        Parameter('dt', 0.1, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.precision, self.n_steps = p.precision, steps_per_pattern(p)
        self.room = max(1, 2048//p.batch)

    @staticmethod
    def check(p):
        if p.late > steps_per_pattern(p):
            raise ValueError(f"'late' is {p.late}, but a batch is shown for {steps_per_pattern(p)} "
                             'steps; give fewer')

    # ------------------------------------------------------------------------------ the network
    def compose(self):
        from brian2 import Network, defaultclock, ms

        from brian_le.models import (Batches, BatchReadout, Edge, Graph, Identity, Node, StepClock,
                                      drive)

        p = self.p
        defaultclock.dt = p.dt*ms
        self.shown = Batches(np.zeros((p.batch, 128)), np.zeros((p.batch, 64)),
                             duration=p.t_pattern*ms, replicas=p.batch, capacity=self.room,
                             name='batches')
        self.nudged = f'{self.shown.schedule.name}.nudged'
        others = 1 - np.eye(64)
        self.net = Graph(
            {'x': 64, 'inhibition': 64}, {'y': Node(64, activation='relu', target='rate')},
            [Edge('x', 'y', mask=others), Edge('y', 'y', mask=others), Identity('inhibition', 'y')],
            batches=self.shown, beta=p.beta, eta=p.rate/(p.beta*p.late*p.dt)/ms, tau_m=p.tau_m*ms,
            name='pixels')
        drawn = self.net.draw_weights(np.random.default_rng(self.seed), sigma=0.02)
        self.net.weights.update(drawn | {('bias', 'y'): self._all(self.data.train).mean(axis=0)})
        clock = StepClock(p.t_pattern*ms, name='completion_clock')
        drive(self.shown.schedule, 'learning', 'nudged*int(step >= first)', clock, when='start',
              first=self.n_steps - p.late)
        return Network(clock, self.shown, self.net,
                       BatchReadout(self.shown, self.net.outputs['y'], 'r', 'readout'))

    @staticmethod
    def _all(split):
        return split.rates(np.arange(len(split)))

    def refuse_export(self):
        raise ValueError("the spectral radius of 'completion' is limited between launches, "
                         'which an exported project cannot do')

    # ---------------------------------------------------------------------------------- the run
    def order(self, epoch):
        """The training samples of an epoch, in whole batches, and which pixels are seen."""
        rng, n = np.random.default_rng([self.seed, epoch]), self.n_batches*self.p.batch
        return rng.permutation(len(self.data.train))[:n], rng.random((n, 64)) < 0.5

    def begin(self, program):
        state = {'le.error': np.zeros((2, self.p.epochs + 1)),
                 'radius': np.zeros(self.p.epochs + 1),
                 'le.found': np.zeros((2, len(self.data.test), 64))}
        return self.evaluated(program, state, 0)

    def _rates(self, epoch):
        """Learning rates of an epoch (Hz), as variables."""
        p = self.p
        eta = 1e3*p.rate*p.fall**(epoch/p.epochs)/(p.beta*p.late*p.dt)
        return {f'{projection.name}.eta': eta for projection in self.net.projections.values()
                if 'eta' in projection.equations}

    def _show(self, program, state, pictures, seen, values):
        """What neurons answer, with the pixels that are seen [sample, pixel]; and all variables."""
        inputs = np.hstack([pictures*seen, -self.p.inhibition*seen])
        values = values | self.shown.tables(inputs, pictures)
        end = program(values, len(pictures)//self.p.batch*self.n_steps, state)
        last = end['pixels_y.r']
        # recorded before every batch; before the first one nothing was shown
        before = np.ravel(end['readout_monitor.value'])[len(last):]
        return np.where(seen, pictures, np.concatenate([before, last]).reshape(-1, 64)), end

    def learn(self, program, state, epoch, first, n):
        p, losses = self.p, []
        indices, seen = self.order(epoch)
        while n:
            count = min(n, p.every - first % p.every, self.n_batches - first)
            part = slice(first*p.batch, (first + count)*p.batch)
            pictures = self.data.train.rates(indices[part])
            found, end = self._show(program, state, pictures, seen[part],
                                    self._rates(epoch) | {self.nudged: 1.0})
            state = {**state, **program.state(end)}
            losses.append(0.5*((found - pictures)**2).sum(axis=1).reshape(count, -1).mean(axis=1))
            first, n = first + count, n - count
            if first % p.every == 0:
                state |= self._limited(state)
        return state, {'le.loss': np.concatenate(losses)}

    def _limited(self, state):
        """Lateral weights within the limit, as variables, if they exceed it."""
        found = self.net.limited_weights(self.p.limit, self.net.weights.matrices(state))
        return self.net.weights.variables(found)

    def evaluated(self, program, state, epoch):
        """The state with the errors on the test samples after an epoch, and the spectral radius."""
        test, state = self.data.test, {key: np.array(values) for key, values in state.items()}
        pictures = self._all(test)
        masks = np.array(list(seen_pixels(len(test)).values()))
        everything, seen = np.tile(pictures, (len(masks), 1)), np.concatenate(masks)
        end, found = state, []
        for indices, whole in self.in_launches(len(seen)):
            answers, end = self._show(program, end, everything[whole], seen[whole],
                                      {self.nudged: 0.0})
            found.append(answers[:len(indices)])
        state['le.found'] = np.concatenate(found).reshape(masks.shape)
        state['le.error'][:, epoch] = [squared_error(one, pictures, mask)
                                       for one, mask in zip(state['le.found'], masks)]
        state['radius'][epoch] = self.net.spectral_radius(self.net.weights.matrices(end))
        return state

    def describe(self, done, rows):
        return f"epoch {-(-done//self.n_batches)}, loss {rows['le.loss'][-1]:.3g}"

    def result(self, state, rows):
        train, test = self._all(self.data.train), self._all(self.data.test)
        masks = np.array(list(seen_pixels(len(test)).values()))
        found = {'le': state['le.found']} | {
            name: np.array([self._completed(complete, train, test, seen) for seen in masks])
            for name, complete in _OTHERS.items()}
        arrays = {f'{name}.error': np.array([squared_error(pictures, test, seen)
                                             for pictures, seen in zip(found[name], masks)])
                  for name in _OTHERS}
        arrays |= {f'{name}.pictures': pictures[:, :_KEPT] for name, pictures in found.items()}
        return arrays | {
            'truth': test[:_KEPT], 'seen': masks[:, :_KEPT],
            'le.error': state['le.error'], 'radius': state['radius'],
            'le.loss': rows['le.loss'].reshape(self.p.epochs, -1).mean(axis=1)}

    @staticmethod
    def _completed(complete, known, pictures, seen):
        """Pictures completed mask by mask."""
        found = np.empty_like(pictures)
        masks, which = np.unique(seen, axis=0, return_inverse=True)
        for k, mask in enumerate(masks):
            found[which.ravel() == k] = complete(known, pictures[which.ravel() == k], mask)
        return found

    # --------------------------------------------------------------------------------- a result
    @staticmethod
    def measures(result):
        """Errors after the last epoch, and those of the others, by what is hidden.

        Parameters
        ----------
        result : Result

        Returns
        -------
        dict of str to float
            ``random_le``, ``lower_ridge`` and so on; ``random_share`` and ``lower_share``, of the
            network as a share of those of the mean; ``radius``.
        """
        found = {}
        for row, hidden in enumerate(HIDDEN):
            found |= {f'{hidden}_{name}': float(np.ravel(result.arrays[f'{name}.error'][row])[-1])
                      for name in LABELS}
            found[f'{hidden}_share'] = found[f'{hidden}_le']/found[f'{hidden}_mean']
        return found | {'radius': float(result.arrays['radius'][-1])}

    @classmethod
    def summarize(cls, result):
        found = cls.measures(result)
        for hidden, words in HIDDEN.items():
            yield f'mean squared error where a {words} is hidden'
            for name, label in LABELS.items():
                error = found[f'{hidden}_{name}']
                share = error/found[f'{hidden}_mean']
                yield f'    {label:<20} {error:.4f}, {share:.2f} of the mean'
        yield f"spectral radius of the lateral weights: {found['radius']:.2f}"
