"""The mimic task: a microcircuit of single neurons learns to do as a teacher does."""

from functools import cached_property
from types import SimpleNamespace

import numpy as np
from brian2 import Network, defaultclock, hertz, ms

from brian_le.models import (Microcircuit, Presentations, Readout, Recorder, random_weights,
                             self_predicting)
from brian_le.protocols.parameters import Parameter, steps_per_pattern
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.runs.launches import Launches
from brian_le.protocols.tasks.circuit_parameters import CONDUCTANCES, activation, conductances
from brian_le.protocols.tasks.weights import weights_in

__all__ = ['Mimic', 'WEIGHTS', 'draw']

N_PATTERNS = 6
#: The weights of the circuit by (kind, layer), and their names in results.
WEIGHTS = {('up', 0): 'up0', ('up', 1): 'up1', ('ip', 0): 'ip0', ('pi', 0): 'pi0',
           ('down', 0): 'down0'}

_SIZES = (1, 1, 1)
_ROOM = 16384  # presentations in one launch of the simulation
_RECORDED = ('apical', 'output', 'inter', *WEIGHTS.values())
_NOTHING = np.zeros(N_PATTERNS)  # targets that nobody is nudged to


class Mimic(Protocol):
    """A microcircuit of single neurons that learns to predict itself, then from a teacher.

    Figure 5 in the supplement of the Latent Equilibrium paper. Teacher and student are
    microcircuits of one input, one hidden neuron with its interneuron, and one output. At first the
    student's interneuron knows nothing of the output, whose feedback therefore excites the apical
    dendrite. In the first stage, self-prediction, inputs are shown without targets until the
    interneuron explains this feedback and the apical dendrite is silent. In the second stage the
    output is nudged towards the outputs of the teacher, and what then reaches the apical dendrite
    is an error, which the forward weights learn from. Potentials are 0 at the beginning of either
    stage. The same seed gives the paper's runs.

    Results have of the training ``error`` (epochs) and ``outputs`` (epochs, 6) of the validation,
    and at the end of every presentation (epochs*12) ``training.up0``, ``training.up1``,
    ``training.ip0``, ``training.pi0``, ``training.down0`` (weights), ``training.apical``,
    ``training.output`` and ``training.inter`` (potentials; those of output and interneuron with
    look-ahead). Of self-prediction the same in every step, as ``selfpred.up0`` and so on.
    Potentials of the output in every step of six presentations without nudging, ``before.output``
    and ``after.output`` the training, and their means ``before.outputs`` and ``after.outputs`` (6).
    In common: ``inputs``, ``targets`` (6), ``teacher`` (weights up0 and up1), and the orders
    ``selfpred_order``, ``evaluated`` and ``order``.
    """

    name = 'mimic'
    figures = 'brian_le.protocols.tasks.mimic.figures'
    unit = 'epoch'
    room = _ROOM//(2*N_PATTERNS)
    parameters = (
        Parameter('t_pattern', 1.0, 'time of one presentation', 'ms', minimum=1e-6, maximum=1e5),
        Parameter('selfpred_epochs', 3, 'epochs of six patterns in the stage of self-prediction',
                  minimum=1, maximum=1000),
        Parameter('epochs', 500, 'epochs of six training and six validation patterns in the stage '
                  'with a teacher', minimum=1, maximum=1e6),
        Parameter('teacher_seed', 42, "seed of the teacher's weights and of the inputs", minimum=0,
                  maximum=2**32 - 1),
        Parameter('selfpred_eta_ip', 40.0, 'learning rate of pyramidal to interneuron in '
                  'self-prediction, times t_pattern', minimum=0),
        Parameter('selfpred_eta_pi', 50.0, 'learning rate of interneuron to pyramidal in '
                  'self-prediction, times t_pattern', minimum=0),
        Parameter('eta_up', 50.0, 'learning rate of the hidden neuron, times t_pattern', minimum=0),
        Parameter('eta_out', 10.0, 'learning rate of the output, times t_pattern', minimum=0),
        Parameter('eta_ip', 20.0, 'learning rate of pyramidal to interneuron, times t_pattern',
                  minimum=0),
        Parameter('eta_pi', 0.0, 'learning rate of interneuron to pyramidal, times t_pattern',
                  minimum=0),
        activation('softplus'),
        *CONDUCTANCES,
        Parameter('dt', 0.01, 'time step', 'ms', minimum=1e-6),
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.draws = draw(p, seed)
        self.total, self.n_steps = p.epochs, 2*N_PATTERNS*steps_per_pattern(p)

    @staticmethod
    def check(p):
        steps_per_pattern(p)

    def compose(self):
        return self._compose(self.draws.weights, _NOTHING,
                             training_stage(self.p, self.draws.order[:1]))

    def _compose(self, weights, targets, stage):
        """The network of student or teacher.

        With weights by (kind, layer), targets of all patterns, and what `selfpred_stage` says.
        """
        p = self.p
        defaultclock.dt = p.dt*ms
        shown = Presentations(self.draws.inputs, np.reshape(targets, (-1, 1)),
                              duration=p.t_pattern*ms, order=stage.order, nudged=stage.nudged,
                              learning=stage.learning, capacity=max(_ROOM, len(stage.order)),
                              name=self.name)
        self.presentations = shown
        # everything may learn in some stage; the rates are set afterwards
        circuit = Microcircuit(_SIZES, shown, activation=p.activation, name='circuit',
                               eta_up=1/ms, eta_ip=1/ms, eta_pi=1/ms, **conductances(p))
        circuit.weights.update(weights)
        for key, eta in stage.eta.items():
            circuit.projections[key].eta = 1e3*eta/p.t_pattern*hertz
        readout = Readout(shown, circuit.output, circuit.visible, name='mimic_readout')
        # all weights and three potentials, every so many steps
        hidden, inter, output = circuit.hidden[0], circuit.inter[0], circuit.output
        recorder = Recorder(
            {'apical': 'v_down + v_pi', 'output': (output, 'u_prosp'), 'inter': (inter, 'u_prosp'),
             **{name: (circuit.projections[key], 'w') for key, name in WEIGHTS.items()}},
            shown.schedule, at='step % every == every - 1',
            equations='every : integer (shared, constant)', v_down=(hidden, 'v_down'),
            v_pi=(hidden, 'v_pi'), name='mimic_recorder')
        recorder.group.every = stage.every
        return Network(shown, circuit, readout, recorder)

    def _show(self, program, weights, targets, stage):
        """All variables after a stage that begins with some weights, and with silent potentials."""
        return program.of(lambda: self._compose(weights, targets, stage))(
            {}, len(stage.order)*steps_per_pattern(self.p))

    def _untaught(self, program):
        """The weights after self-prediction, what was recorded there, and the teacher's outputs.

        The teacher is the same circuit with other weights, which is shown every input once.
        """
        taught = self._show(program, self.draws.teacher, _NOTHING,
                            observation(np.arange(N_PATTERNS)))
        end = self._show(program, self.draws.weights, _NOTHING,
                         selfpred_stage(self.p, self.draws))
        return self._weights_in(end), {'targets': taught['mimic_readout_monitor.mean'], **{
            f'selfpred.{name}': end[f'mimic_recorder_monitor.{name}'] for name in _RECORDED}}

    def _weights_in(self, state):
        return weights_in(state, 'circuit', {key: self.draws.weights[key] for key in WEIGHTS})

    def _look(self, program, weights, targets, when):
        """The outputs of the student before or after the training."""
        end = self._show(program, weights, targets, observation(self.draws.evaluated))
        return {f'{when}.output': end['mimic_recorder_monitor.output'],
                f'{when}.outputs': end['mimic_readout_monitor.mean']}

    def begin(self, program):
        weights, known = self._untaught(program)
        return {**{f'circuit_{name}.w': weights[key].ravel() for key, name in WEIGHTS.items()},
                **known, **self._look(program, weights, known['targets'], 'before')}

    def chunk(self, program, state, first, n):
        stage = training_stage(self.p, self.draws.order[first:first + n])
        end = program({**self.presentations.tables(stage.order, stage.nudged, stage.learning),
                       'mimic.presentation': -1, 'mimic.n_presentations': len(stage.order),
                       'circuit_target_patterns.values': state['targets'][:, None]},
                      n*self.n_steps, state)
        state = {**state, **program.state(end)}
        if first + n == self.total:
            state |= self._look(program, self._weights_in(state), state['targets'], 'after')
        return state, self.rows(end)

    def rows(self, end):
        rows = {f'training.{name}': end[f'mimic_recorder_monitor.{name}'] for name in _RECORDED}
        rows['outputs'] = end['mimic_readout_monitor.mean']
        rows = {key: np.reshape(values, (-1, 2*N_PATTERNS)) for key, values in rows.items()}
        return rows | {'outputs': rows['outputs'][:, N_PATTERNS:]}

    def describe(self, done, rows):
        return f"up {rows['training.up0'][-1, -1]:.3f}, {rows['training.up1'][-1, -1]:.3f}"

    def result(self, state, rows):
        draws, targets = self.draws, state['targets']
        wanted = targets[draws.order[:, N_PATTERNS:]]
        return {**{f'selfpred.{name}': state[f'selfpred.{name}'] for name in _RECORDED},
                'inputs': draws.inputs.ravel(), 'targets': targets,
                'teacher': np.array([draws.teacher['up', k].item() for k in (0, 1)]),
                'selfpred_order': draws.selfpred, 'evaluated': draws.evaluated,
                'order': draws.order,
                **{key: values.ravel() for key, values in rows.items() if key != 'outputs'},
                'outputs': rows['outputs'],
                'error': np.mean((rows['outputs'] - wanted)**2, axis=1),
                **{key: values for key, values in state.items()
                   if key.startswith(('before.', 'after.'))}}

    @cached_property
    def _untaught_here(self):
        """As `_untaught`, computed at once."""
        return self._untaught(Launches(self.compose, 'numpy', lambda message: None))

    def compose_whole(self):
        """The training, from the weights after self-prediction on."""
        weights, known = self._untaught_here
        return self._compose(weights, known['targets'], training_stage(self.p, self.draws.order))

    def kept(self):
        return self._untaught_here[1]

    def guide(self):
        return {'mimic_readout_monitor.mean': 'mean output potential, one per presentation',
                'mimic_recorder_monitor.up0, ...': 'weights at the end of every presentation',
                'circuit_up0.w, circuit_up1.w': 'forward weights at the end'}

    @staticmethod
    def measures(result):
        """The numbers that tables are made of.

        ``w_up0``, ``w_up1``: forward weights at the end; ``distance``: the larger of their
        distances from the teacher's; ``error``: mean squared error in the last validation;
        ``apical``: mean absolute apical potential in the last presentation of self-prediction.
        """
        a = result.arrays
        ends = np.array([a['training.up0'][-1], a['training.up1'][-1]])
        steps = len(a['selfpred.apical'])//a['selfpred_order'].size
        return {'w_up0': float(ends[0]), 'w_up1': float(ends[1]),
                'distance': float(np.abs(ends - a['teacher']).max()),
                'error': float(a['error'][-1]),
                'apical': float(np.abs(a['selfpred.apical'][-steps:]).mean())}

    @classmethod
    def summarize(cls, result):
        found, teacher = cls.measures(result), result.arrays['teacher']
        yield f"apical potential after self-prediction  {found['apical']:.1e}"
        yield (f"forward weights {found['w_up0']:.4f}, {found['w_up1']:.4f}; of the teacher "
               f"{teacher[0]:.4f}, {teacher[1]:.4f}")
        yield f"error {found['error']:.1e}"
        if result.arrays['training.down0'][0]*teacher[1] < 0:
            yield ('feedback weight and forward weight of the teacher differ in sign: the hidden '
                   'neuron gets errors of the wrong sign, and cannot learn')


def draw(p, seed):
    """All random draws of a run; with the default teacher, those of the paper's code.

    These are ``weights`` and ``teacher``: matrices by (kind, layer); ``inputs`` (6, 1); the orders
    of patterns ``selfpred`` (epochs, 6), ``evaluated`` (6) and ``order`` (epochs, 12), training
    before validation.
    """
    rng = np.random.RandomState(p.teacher_seed)
    teacher = self_predicting(random_weights(_SIZES, rng),
                              **{g: getattr(p, g) for g in ('g_l', 'g_b', 'g_a', 'g_d')})
    inputs = rng.random((N_PATTERNS, 1))
    rng.permutation(N_PATTERNS)  # the paper's code draws twice, and shows the second order
    inputs = inputs[rng.permutation(N_PATTERNS)]

    rng = np.random.RandomState(seed)
    weights = random_weights(_SIZES, rng)
    selfpred = _permutations(rng, p.selfpred_epochs)
    evaluated, _ = _permutations(rng, 2)  # the paper's code evaluates twice
    order = _permutations(rng, 2*p.epochs).reshape(p.epochs, 2*N_PATTERNS)
    return SimpleNamespace(weights=weights, teacher=teacher, inputs=inputs, selfpred=selfpred,
                           evaluated=evaluated, order=order)


def _permutations(rng, n):
    return np.array([rng.permutation(N_PATTERNS) for _ in range(n)])


def selfpred_stage(p, draws):
    """What is shown in self-prediction, and which weights learn: no targets, every step recorded.

    ``order``, ``nudged`` and ``learning`` are as for `Presentations`, ``eta`` are learning rates by
    (kind, layer), times t_pattern, and ``every`` the steps from one record to the next.
    """
    return _stage(draws.selfpred.ravel(), False, True,
                  {('ip', 0): p.selfpred_eta_ip, ('pi', 0): p.selfpred_eta_pi}, 1)


def training_stage(p, order):
    """As `selfpred_stage`, for epochs with a teacher: one record at the end of a presentation."""
    training = np.tile(np.repeat([True, False], N_PATTERNS), len(order))
    return _stage(np.ravel(order), training, training,
                  {('up', 0): p.eta_up, ('up', 1): p.eta_out, ('ip', 0): p.eta_ip,
                   ('pi', 0): p.eta_pi}, steps_per_pattern(p))


def observation(order):
    """As `selfpred_stage`, to look at the outputs in every step without any change."""
    return _stage(order, False, False, {}, 1)


def _stage(order, nudged, learning, eta, every):
    return SimpleNamespace(order=order, nudged=nudged, learning=learning, every=every, eta={
        key: eta.get(key, 0.0) for key in WEIGHTS if key[0] != 'down'})
