"""A chain of two neurons learns the weights and the time constants of another one, online."""

import numpy as np
from brian2 import Network, NeuronGroup, TimedArray, defaultclock, ms

from brian_le.models import (Dense, GLENetwork, Recorder, StepClock, drive, follow,
                             recorded_values)
from brian_le.plasticity.optimisers import Adam
from brian_le.protocols.parameters import Parameter
from brian_le.protocols.protocol import Protocol
from brian_le.protocols.tasks import gle_imperfections
from brian_le.protocols.tasks.gle_imperfections import imperfections
from brian_le.protocols.tasks.lagline.bptt import Backpropagation
from brian_le.protocols.tasks.lagline.setting import (LABELS, LEARNED, NAME, PERIOD, SAMPLED,
                                                      SCALES, STUDENTS, TAU_R, TEACHER, VARIABLES,
                                                      chosen, draw, steps_per_period)
from brian_le.step import NEURONS, SUM
from brian_le.substrate import Substrate

__all__ = ['LagLine']

_SINCE_LEARNING = '(1.0*period*n_steps + step)'  # in steps, negative before

_SOURCE = '''
shift : integer (constant)  # by how many steps the wave comes later
r : 1
'''


class LagLine(Protocol):
    """A chain of two neurons learns the weights and the time constants of another one, online.

    Figure 5 of "Backpropagation through space, time and the brain" (arXiv 2403.16933): a teacher
    and students are chains input - neuron 0 - neuron 1, which see a smoothed square wave. A student
    learns its two weights and its two membrane time constants from the difference of the outputs.
    With the errors of Generalized Latent Equilibrium it finds the teacher's; with errors that only
    pass through space it does not. Students that learn by truncated backpropagation through time
    are beside them.

    Results have ``time`` (ms) of the samples, and sampled for the first replica: ``input``,
    ``teacher.r0``, ``teacher.r1``, and for a student such as ``gle``: ``gle.r0``, ``gle.r1``,
    ``gle.err0``, ``gle.err1``. ``gle.loss``: mean squared difference of the outputs in every period
    with learning; ``gle.forward0``, ``gle.forward1``, ``gle.tau_m0``, ``gle.tau_m1`` (ms): every
    2 ms and at the end of learning. ``bptt4.loss`` and so on: likewise, every 4 ms, of the students
    with backpropagation through time.
    """

    name = NAME
    figures = 'brian_le.protocols.tasks.lagline.figures'
    unit = 'period'
    room = 500  # periods in one launch of the simulation
    parameters = (
        Parameter('periods', 1000, 'periods of 4 ms of the input, for which students learn',
                  minimum=1, maximum=1e6),
        Parameter('bptt_periods', 250, 'how many of them, from the first on, have students with '
                  'backpropagation through time (0 for none)', minimum=0, maximum=1e6),
        Parameter('students', 'all', 'the students made of neurons',
                  choices=('all', 'gle', 'instantaneous')),
        Parameter('t_init', 50.0, 'time before learning; the first half of it with the time '
                  'constants of the teacher', 'ms', minimum=4, maximum=1e6),
        Parameter('batch', 100, 'samples: replicas of all chains, each with its own shift of the '
                  'input', minimum=1, maximum=1e5),
        Parameter('eta', 0.01, 'learning rate of Adam: change of a weight per ms, and of a time '
                  'constant in ms per ms', '1/ms', minimum=0),
        Parameter('beta', 0.01, 'strength of the target', minimum=0),
        Parameter('gamma', 1.0, 'how strongly errors act on the membranes'),
        Parameter('tau_min', 0.1, 'what the time constants stay above', 'ms', minimum=1e-3),
        Parameter('dt', 0.01, 'time step', 'ms', minimum=1e-4),
        Parameter('precision', 'double', 'floating point numbers of the neurons',
                  choices=('double', 'single')),
        *gle_imperfections.PARAMETERS,
    )

    def __init__(self, p, seed):
        super().__init__(p, seed)
        self.precision = p.precision
        self.total, self.n_steps = p.periods, steps_per_period(p)
        self.lead = round(p.t_init/p.dt)
        self.drawn = draw(p, seed)
        self.backprop = Backpropagation(p, self.drawn)

    @staticmethod
    def check(p):
        steps_per_period(p)

    def compose(self):
        p, drawn = self.p, self.drawn
        defaultclock.dt = p.dt*ms
        clock = StepClock(PERIOD*ms, before=p.t_init*ms, name=NAME)
        source = NeuronGroup(p.batch, _SOURCE, name=f'{NAME}_source', namespace={})
        source.shift = drawn.shift
        drive(source, 'r', 'wave(((period*n_steps + step + n_before - shift) % n_wave + 0.5)*ms)',
              clock, when='start', n_wave=len(drawn.wave),
              wave=TimedArray(drawn.wave, dt=1*ms, name=f'{NAME}_wave'))

        def chain(name, w, tau_m, **options):
            net = GLENetwork(1, [Dense(1, tau_m=tau*ms) for tau in tau_m], replicas=p.batch,
                             activation='softplus', output_activation='softplus', bias=False,
                             tau_r=TAU_R*ms, name=name, **options)
            net.weights.update({('forward', k): [[weight]] for k, weight in enumerate(w)})
            drive(net.inputs, 'r', 'wave_r', wave_r=(source, 'r'))
            return net

        nets = self.nets = {'teacher': chain('teacher', TEACHER['forward'], TEACHER['tau_m'],
                                             beta=0)}
        for name in chosen(p):
            net = nets[name] = chain(
                name, drawn.w, drawn.tau_m, beta=p.beta, gamma=p.gamma, errors=STUDENTS[name],
                eta=p.eta/ms, eta_tau_m=p.eta, optimiser=Adam(), tau_min=p.tau_min*ms,
                substrate=Substrate(imperfections(
                    p, STUDENTS[name] == 'prospective', mismatched=('tau_r',)), self.seed))
            follow(net.output, nets['teacher'].output)
            drive(net.schedule, 'learning', 'int(period >= 0)', clock, when='start')
            # for the first half of the time before learning, the time constants are the teacher's
            for group, tau in zip(net.neurons, TEACHER['tau_m']):
                drive(group, 'tau_m', f'int(2*{_SINCE_LEARNING} < -n_before)*tau_teacher'
                                      f' + int(2*{_SINCE_LEARNING} >= -n_before)*tau_m', clock,
                      tau_teacher=tau*ms, order=(SUM + NEURONS)/2)
        return Network(clock, source, *nets.values(), *recorders(p, clock, source, nets))

    def begin(self, program):
        before = program({}, self.lead)
        state = program.state(before)
        state |= {f'before.{key}': rows[0] for key, rows in self.rows(before).items()}
        return self.backprop.beginning(state)

    def chunk(self, program, state, first, n):
        end = program({}, n*self.n_steps, state)
        state = self.backprop.chunk({**state, **program.state(end)}, first, n)
        return state, recorded(self.p, end)

    def rows(self, end):
        return recorded(self.p, end, periods=1)

    def describe(self, done, rows):
        name = chosen(self.p)[0]
        return f"mean squared error {rows[f'{name}.loss'][-1, 0]:.2e} ({LABELS[name]})"

    def result(self, state, rows):
        arrays = {key: np.concatenate([state.get(f'before.{key}', values[:0].ravel()),
                                       values.ravel()]) for key, values in rows.items()}
        arrays['time'] = SAMPLED*np.arange(len(arrays['input']))
        for name in chosen(self.p):
            for kind, k in LEARNED:
                end = float(state[f'{name}_{kind}{k}.{VARIABLES[kind]}'][0])*SCALES[kind]
                arrays[f'{name}.{kind}{k}'] = np.append(arrays[f'{name}.{kind}{k}'], end)
        return arrays | self.backprop.arrays(state)

    def guide(self):
        guide = {f'{NAME}_losses_monitor.{name}': f'{LABELS[name]}: mean squared error of every '
                                                  'replica in every period'
                 for name in chosen(self.p)}
        return guide | {
            f'{NAME}_traces_monitor.{name}_{key}': f'{LABELS[name]}: {what} of neuron 0 every 2 ms'
            for name in chosen(self.p)
            for key, what in (('forward0', 'weight'), ('tau_m0', 'time constant'))}

    @staticmethod
    def measures(result):
        """Scalars of a run, means over the last tenth of its records.

        ``loss``, the weights and time constants, and ``parameter_error``, the largest relative
        difference of these four from the teacher's. With several students, their names and a dot
        come before.
        """
        names, found = names_in(result.arrays), {}
        for name in names:
            ends = {key: float(values[-max(1, len(values)//10):].mean())
                    for key, values in ((key, result.arrays[f'{name}.{key}']) for key in (
                        'loss', *(f'{kind}{k}' for kind, k in LEARNED)))}
            ends['parameter_error'] = max(abs(ends[f'{kind}{k}']/TEACHER[kind][k] - 1)
                                          for kind, k in LEARNED)
            found |= {f'{name}.{key}' if len(names) > 1 else key: value
                      for key, value in ends.items()}
        return found

    @staticmethod
    def summarize(result):
        p, arrays = result.description['parameters'], result.arrays
        for name in names_in(arrays):
            found = [float(arrays[f'{name}.{kind}{k}'][-1]) for kind, k in LEARNED]
            yield (f'{LABELS[name]:<20} after {PERIOD*len(arrays[f"{name}.loss"]):g} ms: '
                   'w {:.5f}, {:.5f}, tau_m {:.5f}, {:.5f} ms, '.format(*found)
                   + f'mean squared error {arrays[f"{name}.loss"][-1]:.1e}')
        for name in names_in(arrays):
            clamped = [k for k in (0, 1)
                       if arrays[f'{name}.tau_m{k}'][-1] <= p['tau_min']*(1 + 1e-6)]
            if clamped:
                yield (f"{LABELS[name]}: tau_m of neuron {' and '.join(map(str, clamped))} is at "
                       f"its lower bound, {p['tau_min']:g} ms")


def recorders(p, clock, source, nets):
    """What is recorded: samples of the first replica, losses of all, weights, time constants."""
    samples, losses = {'input': (source, 'r')}, {}
    for name, net in nets.items():
        samples |= {f'{name}_r{k}': (group, 'r') for k, group in enumerate(net.neurons)}
    for name in chosen(p):
        samples |= {f'{name}_err{k}': (group, 'err') for k, group in enumerate(nets[name].neurons)}
        losses[name] = f'(teacher_r - {name}_r)**2/{steps_per_period(p)}'
    yield Recorder(samples, clock, at=f'step % {round(SAMPLED/p.dt)} == 0', neurons=[0],
                   name=f'{NAME}_samples')
    yield Recorder({name: name for name in losses}, clock, sums=losses,
                   at='period >= 0 and step == n_steps - 1', name=f'{NAME}_losses',
                   **{f'{name}_r': (net.output, 'r') for name, net in nets.items()})
    # all that learns, every half period, before it changes
    yield Recorder({f'{name}_{kind}{k}': (nets[name].projections[kind, k], VARIABLES[kind])
                    for name in chosen(p) for kind, k in LEARNED},
                   every=PERIOD/2*ms, name=f'{NAME}_traces')


def recorded(p, variables, periods=None):
    """What was recorded, one row per period, or all in a given number of rows."""
    losses = {name: recorded_values(f'{NAME}_losses', name, variables, p.batch).mean(axis=1)
              for name in chosen(p)}
    n = periods or len(next(iter(losses.values())))
    found = {f'{name}.loss': values.reshape(n, -1) for name, values in losses.items()}
    keys = ['input', *(f'{name}.{what}{k}' for name in ('teacher', *chosen(p))
                       for what in ('r', 'err')[:1 + (name != 'teacher')] for k in (0, 1))]
    for key in keys:
        samples = recorded_values(f'{NAME}_samples', key.replace('.', '_'), variables)
        found[key] = np.reshape(samples, (n, -1))
    for name in chosen(p):
        for kind, k in LEARNED:
            trace = recorded_values(f'{NAME}_traces', f'{name}_{kind}{k}', variables)
            found[f'{name}.{kind}{k}'] = np.reshape(trace, (n, -1))*SCALES[kind]
    return {key: np.array(values, dtype=float) for key, values in found.items()}


def names_in(arrays):
    """The names of all students in a result."""
    return [name for name in LABELS if f'{name}.loss' in arrays]
