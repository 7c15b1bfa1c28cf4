"""Where a random network begins to be unstable: computed beside measured."""

import numpy as np

from brian_le.protocols.parameters import Parameter
from brian_le.protocols.protocol import Protocol

__all__ = ['NETWORKS', 'Onset']

#: What is made of the parameters, by the name of a network: a function of them, layers and options.
NETWORKS = {'le': 'chain of Latent Equilibrium', 'gle': 'chain of Generalized Latent Equilibrium'}
LOWEST, HIGHEST = 1e-3, 1e3  # strengths of targets
NAME = 'net'
_CURVE = 15  # strengths for which the growth is computed
_SETTLED = 1e-9  # changes in a step that are none


class Onset(Protocol):
    """The strength of targets from which on a random network does not settle.

    A network with random weights is shown one input and one target. In each trial the strength
    ``beta`` of the target is another one, between the largest at which it has settled so far and
    the smallest at which it has not (bisection): it goes on from where it had settled, for
    `t_trial`, and has settled if outputs change less than half as much from step to step at the end
    as in the middle. Beside it stands what the network's `stability` computes from the weights: the
    critical strength, and how much changes grow in a step for strengths around it.

    Results have ``measured`` and ``computed``, the critical strengths; ``beta`` (trials), those of
    the trials, ``growth`` (trials), the factor by which changes grew in a step there (0 if there
    are none left, or numbers have become infinite), and ``settled``, 1 or 0; ``curve_beta`` and
    ``curve_radius``, the computed spectral radius by strength; ``period``, in steps, in which the
    network swings where it becomes unstable.
    """

    name = 'stability'
    figures = 'brian_le.protocols.tasks.stability.figures'
    unit = 'trial'
    room = 4
    parameters = (
        Parameter('network', 'le', 'what kind of network', choices=tuple(NETWORKS)),
        Parameter('hidden', 3, 'number of hidden layers', minimum=0, maximum=100),
        Parameter('width', 20, 'neurons in a hidden layer', minimum=1, maximum=10_000),
        Parameter('inputs', 20, 'number of inputs', minimum=1, maximum=10_000),
        Parameter('outputs', 5, 'number of outputs', minimum=1, maximum=10_000),
        Parameter('gain', 1.5, 'standard deviation of weights, by 1/sqrt(inputs of a neuron)',
                  minimum=0, maximum=100),
        Parameter('gamma', 1.0, 'how strongly errors act on membranes', minimum=0, maximum=100),
        Parameter('tau_m', 10.0, 'membrane time constant', 'ms', minimum=1e-6, maximum=1e5),
        Parameter('ratio', 1.0, 'look-ahead time, by tau_m', minimum=1e-6, maximum=1e5),
        Parameter('mismatch', 0.0, 'standard deviation of look-ahead times, by their mean',
                  minimum=0, maximum=0.5),
        Parameter('delay', 0.0, 'delay of rates and errors on their way', 'ms', minimum=0,
                  maximum=1e3),
        Parameter('trials', 14, 'strengths that are tried', minimum=1, maximum=100),
        Parameter('t_trial', 300.0, 'time of a trial', 'ms', minimum=1e-6, maximum=1e6),
        Parameter('dt', 0.1, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.total, self.n_steps = p.trials, max(8, round(p.t_trial/p.dt))

    @staticmethod
    def check(p):
        if min(p.tau_m, p.ratio*p.tau_m) < p.dt:
            raise ValueError(f"tau_m is {p.tau_m:g} ms and the look-ahead {p.ratio*p.tau_m:g} ms; "
                             f'both have to be at least the time step of {p.dt:g} ms')

    # ------------------------------------------------------------------------------ the network
    def compose(self):
        from brian2 import Network, StateMonitor, defaultclock, ms

        from brian_le.models import Dense, GLENetwork, LayeredNetwork
        from brian_le.substrate import Delay, Mismatch, Substrate

        p, rng = self.p, np.random.default_rng([self.seed, 0])
        defaultclock.dt = p.dt*ms
        imperfections = [*([Mismatch('tau_r', p.mismatch)] if p.mismatch else []),
                         *([Delay(p.delay*ms)] if p.delay else [])]
        layers = [Dense(n) for n in [p.width]*p.hidden + [p.outputs]]
        self.net = {'le': LayeredNetwork, 'gle': GLENetwork}[p.network](
            p.inputs, layers, eta=0/ms, beta=LOWEST, gamma=p.gamma, tau_m=p.tau_m*ms,
            tau_r=p.ratio*p.tau_m*ms, name=NAME, substrate=Substrate(imperfections, self.seed))
        for key, weights in self.net.weights.items():
            scale = p.gain/np.sqrt(weights.shape[-1]) if key[0] == 'forward' else 0.1
            self.net.weights[key] = scale*rng.standard_normal(weights.shape)
        self.net.inputs.r = rng.uniform(-1, 1, p.inputs)
        self.net.output.target = np.eye(p.outputs)[0]
        return Network(self.net, StateMonitor(self.net.output, 'r', record=True, name='outputs'))

    # ---------------------------------------------------------------------------------- the run
    def begin(self, program):
        from brian_le.programs.program import composing
        from brian_le.programs.signatures import only_looked_at

        with composing():  # numbers that can be read, whatever simulates
            network = self.compose()
            found = self._computed(self.net.stability())
            only_looked_at(network)
        return found

    def _computed(self, found):
        """What follows from weights, inputs and target, and the strengths to search between."""
        critical = found.critical_beta
        middle = np.clip(critical, 10*LOWEST, 0.1*HIGHEST)
        betas = middle*np.geomspace(0.25, 2, _CURVE)
        settled = [found.settled({f'{self._output}.beta': beta}) for beta in betas]
        there = found.settled({f'{self._output}.beta': middle}).narrow
        turn = 0.0 if there is None else abs(np.angle(there.eigenvalue))/(2*np.pi)
        return {'computed': np.array(min(critical, HIGHEST)),
                'curve_beta': betas, 'curve_radius': np.array([x.spectral_radius for x in settled]),
                'period': np.array(1/turn if turn > 1e-6 else 0.0),
                'low': np.array(LOWEST), 'high': np.array(HIGHEST)}

    @property
    def _output(self):
        return f'{NAME}_layer{self.p.hidden}'

    def chunk(self, program, state, first, n):
        rows = []
        for _ in range(n):
            beta = float(np.sqrt(state['low']*state['high']))
            end = program({f'{self._output}.beta': beta}, self.n_steps, state)
            growth, settled = _growth(end['outputs.r'].reshape(self.p.outputs, -1))
            if settled:
                state = {**state, **program.state(end), 'low': np.array(beta)}
            else:
                state = {**state, 'high': np.array(beta)}
            rows.append((beta, growth, settled))
        return state, dict(zip(('beta', 'growth', 'settled'), np.array(rows, dtype=float).T))

    def describe(self, done, rows):
        return f"beta {rows['beta'][-1]:.4g}"

    def result(self, state, rows):
        names = ('computed', 'curve_beta', 'curve_radius', 'period')
        return {**rows, **{name: state[name] for name in names},
                'measured': np.sqrt(state['low']*state['high'])}

    def refuse_export(self):
        raise ValueError("'stability' chooses each strength by what came out for the one before, "
                         'which an exported project cannot; run it here')

    # --------------------------------------------------------------------------------- a result
    @staticmethod
    def measures(result):
        """The numbers that tables are made of.

        Parameters
        ----------
        result : Result

        Returns
        -------
        dict of str to float
            ``computed`` and ``measured``, ``deviation``, the relative difference of the first
            from the second, and ``period``.
        """
        found = {name: float(result.arrays[name]) for name in ('computed', 'measured', 'period')}
        return found | {'deviation': found['computed']/found['measured'] - 1}

    @classmethod
    def summarize(cls, result):
        found = cls.measures(result)
        yield (f"does not settle from beta = {found['measured']:.4g} on, computed "
               f"{found['computed']:.4g} ({100*found['deviation']:+.2f} %)")


def _growth(outputs):
    """By which factor changes of outputs grow in a step, and whether they have settled.

    Parameters
    ----------
    outputs : numpy.ndarray
        Rates [neuron, step].
    """
    with np.errstate(invalid='ignore', over='ignore'):
        changes = np.abs(np.diff(outputs, axis=1)).max(axis=0)
    n, window = len(changes), max(2, len(changes)//20)
    ends = [changes[end - window:end].max() for end in (n//2, n)]
    if not np.isfinite(ends).all():
        return 0.0, False
    if ends[1] < _SETTLED:
        return 0.0, True
    return (ends[1]/ends[0])**(1/(n - n//2)), ends[1] < 0.5*ends[0]
