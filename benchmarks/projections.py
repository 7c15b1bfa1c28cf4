"""The time, memory and builds of dense, replicated and convolutional synapses.

Every section holds brian_le against other programs that do the same arithmetic:

* stock: brian2.Synapses, in Brian2's cpp_standalone (where there is an equivalent),
* brian_le: its synapses, in cpp_standalone with fast_cpp(),
* C++: projections.cpp, plain loops written by hand, compiled with the flags that Brian2 uses,
* NumPy: matrix products of OpenBLAS, with one thread.

The sections are

networks    Learning networks of rate neurons. In every step each projection sums to the layer
            above (I_post = w*r_pre), sends errors to the layer below (back_pre = w*err_post) and
            learns (dw/dt = eta*err_post*r_pre). 784-300-100-10 does so in all three projections;
            single projections of 2000x2000 and 6000x6000 with and without the errors. The
            neurons are leaky integrators, which cost little. "stream" is a read-and-write pass
            over an array of the size of the weights: no learning can be faster, without a cache.
replicas    784x300 with all three operations, for a batch of 1 to 100 replicas that share weights.
convs       Single operations of two convolutions (1 to 20 channels on 28x28, 20 to 50 channels on
            12x12, kernels of 5x5), without neurons to step.
circuit     The 9-30-3 microcircuit of benchmarks/microcircuit.py.
memory      Peak memory of 4000x4000 synapses that only carry weights: what they take beyond a
            program with 1000x1000, per synapse.
builds      Building 784-300-100-10 from nothing, and unchanged a second time, in a fresh process
            after "import brian2, brian_le", by set_device, run and device.build.

Before anything is timed the programs of a section have to end with the same numbers; otherwise
the script stops with an error. Differences are relative to how much the numbers changed.

A time per step is the difference of the processor times of a long and a short run, divided by the
difference of their steps, so that starting, reading and writing do not count. The programs take
turns on one core. The table shows medians over the repetitions: first the ratios (taken within
each repetition) and other figures with an aim, and whether they reach it, then the microseconds.
"""

import os

os.environ['OPENBLAS_NUM_THREADS'] = '1'  # OpenBLAS reads it when NumPy is imported

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import brian2
import brian_le  # the rest of it is imported where it is used, since builds are timed from here
import numpy as np
from brian2 import Network, NeuronGroup, Synapses, defaultclock, prefs
from measuring import (compile_cpp, describe_machine, elapsed, one_core, processor_time,
                       time_per_step, user_time_of_children)

DT, TAU, LEARNING_RATE = 1e-4, 1e-3, 0.05  # as in projections.cpp
TOLERANCE = {'float64': 1e-9, 'float32': 1e-3}
SECONDS = 0.2  # about how long the steps of the longer run take, see `steps_of`
SPEED = {'stock': 0.4e9, 'brian_le': 12e9, 'C++': 4e9, 'NumPy': 2e9,
         'stream': 4e9}  # about how many multiply-adds a second each of them does
LARGE = 5e6  # multiply-adds per step of cases that are repeated at most 3 times
CLOCKS = {'NumPy': processor_time}  # the others are processes of their own
DTYPES = 'float64', 'float32'
MNIST = 784, 300, 100, 10


def say(message):
    """Progress, apart from the table."""
    print(f'{time.strftime("%X")} {message}', file=sys.stderr, flush=True)


@dataclass
class Case:
    """One network in all its programs.

    Attributes
    ----------
    label : str
        What it is.
    dtype : str
        Type of its numbers.
    runs : dict
        For each program a function of the number of steps, which returns arrays by name.
    start : dict
        The same arrays before the first step.
    work : float
        Multiply-adds per step.
    """

    label: str
    dtype: str
    runs: dict
    start: dict
    work: float


@dataclass
class Figure:
    """A row of the table: values of all repetitions, and what they should be at least or most."""

    label: str
    values: np.ndarray
    at_least: float = None
    at_most: float = None

    def __str__(self):
        median = np.median(self.values)
        spread = (f'{min(self.values):.3g} to {max(self.values):.3g}' if len(self.values) > 1
                  else '')
        return f'  {self.label:<66}{median:>7.3g}   {spread:<16}{self.aim(median)}'.rstrip()

    def aim(self, value):
        """What is aimed at, and whether a value misses it."""
        if self.at_least is not None:
            return f'aim: at least {self.at_least:g}' + ' MISSED'*(not value >= self.at_least)
        if self.at_most is not None:
            return f'aim: at most {self.at_most:g}' + ' MISSED'*(not value <= self.at_most)
        return ''


@dataclass
class Times:
    """A row of the second part of the table: arrays over repetitions for some programs."""

    section: str
    label: str
    values: dict

    def __str__(self):
        cells = [f'{np.median(self.values[name]):.4g}' if name in self.values else ''
                 for name in SPEED]
        return f'  {self.label:<43}{"".join(f"{cell:>10}" for cell in cells)}'.rstrip()


# -------------------------------------------------------------------------- networks of projections
NEURONS = '''dr/dt = (I - r)/tau : 1
             err = back + beta*(target - r) : 1 (constant over dt)
             I : 1
             back : 1
             target : 1
             beta : 1 (shared, constant)'''
FORWARD, BACKWARD = 'I_post = w*r_pre : 1 (summed)', 'back_pre = w*err_post : 1 (summed)'
LEARNING = '''dw/dt = eta*err_post*r_pre : 1 (clock-driven)
              eta : hertz (shared, constant)'''


def compose_chain(sizes, synapses, sends_errors=True, replicas=1):
    """A network of layers and learning projections between them.

    Sums read the rates and errors of the step before; weights follow after the neurons.
    """
    defaultclock.dt = DT*brian2.second
    namespace = {'tau': TAU*brian2.second}
    layers = [NeuronGroup(sizes[0]*replicas, 'r : 1\nback : 1', name='layer_0')]
    layers += [NeuronGroup(n*replicas, NEURONS, method='euler', name=f'layer_{k}',
                           namespace=namespace) for k, n in enumerate(sizes[1:], start=1)]
    layers[-1].beta = 1
    equations = '\n'.join([FORWARD, *[BACKWARD]*sends_errors, LEARNING])
    shared = {} if replicas == 1 else {'replicas': replicas}
    projections = []
    for k, (pre, post) in enumerate(zip(layers, layers[1:])):
        projection = synapses(pre, post, equations, method='euler', order=1, name=f'w{k}',
                              **shared)
        projection.connect()
        projection.eta = LEARNING_RATE/sizes[k]/DT*brian2.hertz
        projections.append(projection)
    return Network(layers, projections)


def start_of_chain(sizes, replicas, dtype):
    """Weights [pre, post], inputs and targets [replica, neuron] at the start of a run."""
    rng = np.random.default_rng(1)
    weights = {f'w{k}': rng.normal(size=shape)/np.sqrt(shape[0])
               for k, shape in enumerate(zip(sizes, sizes[1:]))}
    inputs, targets = (rng.uniform(size=(replicas, n)) for n in (sizes[0], sizes[-1]))
    return ({key: w.astype(dtype) for key, w in weights.items()}, inputs.astype(dtype),
            targets.astype(dtype))


def build_brian(compose, dtype):
    """A compiled program of a network with numbers of a type."""
    from brian_le.programs.program import build_program

    return build_program(compose, 'cpp_standalone',
                         precision={'float32': 'single', 'float64': 'double'}[dtype])


def brian_chain(sizes, synapses, sends_errors, replicas, dtype, start):
    """A function of the number of steps that runs Brian2's binary."""
    program = build_brian(lambda: compose_chain(sizes, synapses, sends_errors, replicas), dtype)
    weights, inputs, targets = start
    values = {'layer_0.r': inputs, f'layer_{len(sizes) - 1}.target': targets,
              **{f'{key}.w': w for key, w in weights.items()}}

    def run(n_steps):
        end = program(values, n_steps)
        return {key: end[f'{key}.w'] for key in weights}

    return run


def cpp_run(folder, dtype, command, options, sizes, given, shapes):
    """A function of the number of steps that runs the loops written by hand.

    It hands over the arrays `given`, and gets those whose shapes are in `shapes`, by name.
    """
    given_file, result_file = (Path(folder)/name for name in ('given', 'result'))

    def run(n_steps):
        with open(given_file, 'wb') as file:
            for array in given:
                array.tofile(file)
        arguments = [cpp_binary(folder, dtype), command, n_steps, *options, given_file,
                     result_file, *sizes]
        subprocess.run(list(map(str, arguments)), check=True)
        ends = np.cumsum([np.prod(shape) for shape in shapes.values()])
        return dict(zip(shapes, np.split(np.fromfile(result_file, dtype), ends[:-1])))

    return run


def cpp_binary(folder, dtype):
    """The program written by hand for numbers of a type, compiled at the first call."""
    binary = Path(folder)/f'projections_{dtype}'
    if not binary.exists():
        real = {'float64': 'double', 'float32': 'float'}[dtype]
        compile_cpp(Path(__file__).with_suffix('.cpp'), binary, f'-DREAL={real}')
    return binary


def numpy_chain(sizes, sends_errors, replicas, dtype, start, n_steps):
    """The same steps in NumPy, without new arrays of the size of the weights."""
    weights, inputs, targets = start
    weights = [w.copy() for w in weights.values()]
    changes = [np.empty_like(w) for w in weights]
    rates = [inputs, *(np.zeros((replicas, n), dtype) for n in sizes[1:])]
    sent = [np.zeros_like(r) for r in rates]
    for _ in range(n_steps):
        errors = [None, *sent[1:]]
        errors[-1] = errors[-1] + targets - rates[-1]
        sums = [r @ w for r, w in zip(rates, weights)]
        if sends_errors:
            sent[:-1] = [err @ w.T for err, w in zip(errors[1:], weights)]
        for k, I in enumerate(sums, start=1):
            rates[k] = rates[k] + dtype(DT/TAU)*(I - rates[k])
        for r, err, w, change in zip(rates, errors[1:], weights, changes):
            scaled = dtype(LEARNING_RATE/len(w)/replicas)*err
            if replicas == 1:
                np.outer(r, scaled, out=change)
            else:
                np.matmul(r.T, scaled, out=change)
            w += change
    return {f'w{k}': w.ravel() for k, w in enumerate(weights)}


def make_chain(label, sizes, dtype, folder, *, sends_errors=True, replicas=1, stock=True):
    """A case of layers and learning projections."""
    say(f'building {label}, {dtype}')
    start = start_of_chain(sizes, replicas, dtype)
    weights, *others = start
    runs = {}
    if stock:
        runs['stock'] = brian_chain(sizes, Synapses, sends_errors, replicas, dtype, start)
    runs['brian_le'] = brian_chain(sizes, brian_le.DenseSynapses, sends_errors, replicas, dtype,
                                   start)
    runs['C++'] = cpp_run(folder, dtype, 'network', [replicas, int(sends_errors)], sizes,
                          [*weights.values(), *others],
                          {key: w.shape for key, w in weights.items()})
    runs['NumPy'] = lambda n_steps: numpy_chain(sizes, sends_errors, replicas,
                                                getattr(np, dtype), start, n_steps)
    work = sum(w.size for w in weights.values())*(2 + sends_errors)*replicas
    return Case(f'{label}, {dtype}', dtype, runs, {key: w.ravel() for key, w in weights.items()},
                work)


def stream(folder, dtype, size):
    """A function of the number of passes over an array that reads and writes it."""
    def run(n_steps):
        subprocess.run([cpp_binary(folder, dtype), 'stream', str(n_steps), str(size)], check=True)
    return run


def measure_networks(options, folder):
    """Learning networks without replicas."""
    for dtype in DTYPES:
        least = {'float64': 5, 'float32': 10}[dtype]
        yield from measure_network('784-300-100-10', MNIST, dtype, True, options, folder,
                                   {'stock': {'at_least': least}, 'C++': {'at_most': 1}})
        for size, sends_errors in single_projections(options, dtype):
            label = f'{size}x{size} {"with" if sends_errors else "no"} errors'
            yield from measure_network(label, (size, size), dtype, sends_errors, options, folder,
                                       {'stream': {'at_most': 1.3} if size == 2000 else {}})


def single_projections(options, dtype):
    """Sizes of single projections, and whether they send errors to the source."""
    if not options.quick:
        return [(2000, False), (2000, True), (6000, False), (6000, True)]
    return [(2000, True)] if dtype == 'float32' else []


def measure_network(label, sizes, dtype, sends_errors, options, folder, aims):
    """One network; `aims` are those of its ratios, by the other program."""
    case = make_chain(label, sizes, dtype, folder, sends_errors=sends_errors)
    check(case)
    if 'stream' in aims:
        case.runs['stream'] = stream(folder, dtype, sizes[0]*sizes[1])
    us = measure(case, options.repeats)
    ours = us['brian_le']
    yield Figure(f'{case.label}: stock / brian_le', us['stock']/ours, **aims.get('stock', {}))
    yield Figure(f'{case.label}: brian_le / C++', ours/us['C++'], **aims.get('C++', {}))
    yield Figure(f'{case.label}: brian_le / NumPy', ours/us['NumPy'])
    if 'stream' in aims:
        yield Figure(f'{case.label}: brian_le / stream', ours/us['stream'], **aims['stream'])
    yield Times('networks: us per step', case.label, us)


def measure_replicas(options, folder):
    """A projection with replicas."""
    for dtype in ('float32',) if options.quick else DTYPES:
        for replicas in (32,) if options.quick else (1, 8, 32, 100):
            case = make_chain(f'784x300, B = {replicas}', (784, 300), dtype, folder,
                              replicas=replicas, stock=False)
            check(case)
            us = {name: each/replicas for name, each in measure(case, options.repeats).items()}
            if replicas == 32:
                aim = {'at_most': 25} if dtype == 'float32' else {}
                yield Figure(f'{case.label}: us per sample', us['brian_le'], **aim)
            yield Figure(f'{case.label}: brian_le / NumPy', us['brian_le']/us['NumPy'])
            yield Times('replicas: us per sample', case.label, us)


# ------------------------------------------------------------------------------------ convolutions
@dataclass(frozen=True)
class Convolution:
    """One operation of a convolution without padding: its sizes, as in projections.cpp."""

    operation: str
    replicas: int
    width: int
    in_channels: int
    kernel: int
    channels: int

    @property
    def out_width(self):
        return self.width - self.kernel + 1

    @property
    def work(self):
        """Multiply-adds per sample."""
        return (self.out_width*self.kernel)**2*self.in_channels*self.channels

    @property
    def result(self):
        """The variable that it computes."""
        return {'forward': 'post.I', 'backward': 'pre.back', 'learning': 'conv.w'}[self.operation]

    def start(self, dtype):
        """Kernel [y, x, in, out], inputs and errors [replica, y, x, channel]."""
        rng = np.random.default_rng(2)
        k, n, m = self.kernel, self.width, self.out_width
        shapes = ((k, k, self.in_channels, self.channels),
                  (self.replicas, n, n, self.in_channels), (self.replicas, m, m, self.channels))
        w, r, err = (rng.normal(size=shape).astype(dtype) for shape in shapes)
        return w/100, r, err  # a small kernel, for changes to be seen in single precision

    def compose(self):
        """A network of this operation alone; the neurons have nothing to step."""
        defaultclock.dt = DT*brian2.second
        pre = NeuronGroup(self.replicas*self.width**2*self.in_channels, 'r : 1\nback : 1',
                          name='pre')
        post = NeuronGroup(self.replicas*self.out_width**2*self.channels, 'I : 1\nerr : 1',
                           name='post')
        equations = {'forward': f'{FORWARD}\nw : 1', 'backward': f'{BACKWARD}\nw : 1',
                     'learning': LEARNING}[self.operation]
        conv = brian_le.ConvSynapses(
            pre, post, equations, method='euler', name='conv', kernel=self.kernel,
            input_shape=(self.width, self.width, self.in_channels), replicas=self.replicas)
        conv.connect()
        if self.operation == 'learning':
            conv.eta = LEARNING_RATE/self.out_width**2/DT*brian2.hertz
        return Network(pre, post, conv)

    def in_numpy(self, w, r, err, n_steps):
        """The same in NumPy: windows of the input as rows of a matrix."""
        k, n_out = self.kernel, self.out_width
        kernel = w.copy().reshape(-1, self.channels)
        errors = err.reshape(-1, self.channels)
        rate = w.dtype.type(LEARNING_RATE/n_out**2/self.replicas)
        for _ in range(n_steps):
            if self.operation == 'backward':
                parts = (errors @ kernel.T).reshape(self.replicas, n_out, n_out, k, k, -1)
                result = np.zeros_like(r)
                for y in range(k):
                    for x in range(k):
                        result[:, y:y + n_out, x:x + n_out] += parts[:, :, :, y, x]
                continue
            windows = np.lib.stride_tricks.sliding_window_view(r, (k, k), axis=(1, 2))
            windows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(len(errors), -1)
            if self.operation == 'forward':
                result = windows @ kernel
            else:
                kernel += windows.T @ (rate*errors)
                result = kernel
        return {self.result: result.ravel()}


def make_conv(label, conv, dtype, folder):
    """A case of one operation of a convolution."""
    say(f'building {label}, {dtype}')
    w, r, err = given = conv.start(dtype)
    values = dict(zip(('conv.w', 'pre.r', 'post.err'), given))
    program = build_brian(conv.compose, dtype)
    start = values.get(conv.result, np.zeros(1, dtype))
    sizes = {'post.I': err.shape, 'pre.back': r.shape, 'conv.w': w.shape}
    runs = {
        'brian_le': lambda n_steps: {conv.result: program(values, n_steps)[conv.result]},
        'C++': cpp_run(folder, dtype, conv.operation, [conv.replicas],
                       (conv.width, conv.in_channels, conv.kernel, conv.channels), given,
                       {conv.result: sizes[conv.result]}),
        'NumPy': lambda n_steps: conv.in_numpy(*given, n_steps)}
    return Case(f'{label}, {dtype}', dtype, runs, {conv.result: start.ravel()},
                conv.work*conv.replicas)


def measure_convs(options, folder):
    """Single operations of two convolutions."""
    small, large = (28, 1, 5, 20), (12, 20, 5, 50)
    for dtype in ('float32',) if options.quick else DTYPES:
        aim = {'at_least': 40} if dtype == 'float32' else {}
        for replicas in (32,) if options.quick else (1, 32):
            for sizes, operations in ((small, ('forward', 'learning')),
                                      (large, ('forward', 'backward', 'learning'))):
                for operation in operations:
                    conv = Convolution(operation, replicas, *sizes)
                    name = f'conv {sizes[1]}->{sizes[3]}, {operation}, B = {replicas}'
                    case = make_conv(name, conv, dtype, folder)
                    check(case)
                    us = {program: each/replicas
                          for program, each in measure(case, options.repeats).items()}
                    yield Figure(f'{case.label}: GFlop/s', 2e-3*conv.work/us['brian_le'], **aim)
                    yield Times('convs: us per sample', case.label, us)


# ------------------------------------------------------------------------------- measuring of cases
def steps_of(case, name):
    """Number of steps of the longer run of a program."""
    return max(5, int(SECONDS*SPEED[name]/case.work))


def check(case):
    """Exit with an error unless all programs of a case end with the same numbers."""
    n_steps = 100 if case.work < 1e6 else 20
    ends = {name: run(n_steps) for name, run in case.runs.items()}
    for key, start in case.start.items():
        expected = ends['NumPy'][key].astype(float)
        change = np.abs(expected - start).max()
        for name, end in ends.items():
            difference = np.abs(end[key] - expected).max()/change
            if not difference <= TOLERANCE[case.dtype]:
                sys.exit(f'{case.label}: {name} and NumPy differ in {key} by {difference:.1e} of '
                         f'its largest change; at most {TOLERANCE[case.dtype]:g} is allowed')


def measure(case, repeats):
    """Microseconds per step, arrays over the repetitions by program."""
    say(f'timing {case.label}')
    us = {name: [] for name in case.runs}
    with one_core():
        for _ in range(min(repeats, 3) if case.work > LARGE else repeats):
            for name, run in case.runs.items():
                us[name].append(time_per_step(run, steps_of(case, name),
                                              CLOCKS.get(name, user_time_of_children)))
    return {name: np.array(each) for name, each in us.items()}


def measure_circuit(options, folder):
    """The microcircuit of the other benchmark."""
    import microcircuit

    say('building the microcircuit')
    n_steps = 200_000
    task = microcircuit.make_task(n_steps)
    runs = {'brian_le': microcircuit.build_brian(task)[1],
            'C++': microcircuit.build_cpp(task, folder)}
    with one_core(), redirect_stdout(sys.stderr):
        microcircuit.check(task, runs)
        us = {name: [] for name in runs}
        for _ in range(options.repeats):
            for name, run in runs.items():
                us[name].append(time_per_step(run, n_steps))
    us = {name: np.array(each) for name, each in us.items()}
    yield Figure('9-30-3 microcircuit: brian_le / C++ (1.1 / 0.7)', us['brian_le']/us['C++'],
                 at_most=1.6)
    yield Times('circuit: us per step', '9-30-3 microcircuit, float64', us)


# -------------------------------------------------------------------------------- memory and builds
def in_new_process(function, *arguments):
    """The result of a function in a process that has only imported this script."""
    spawn = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as process:
        return process.submit(function, *arguments).result()


def synapses_called(name):
    """The class of the synapses; for ours, C++ projects become fast ones."""
    if name == 'stock':
        return Synapses
    brian_le.fast_cpp()
    return brian_le.DenseSynapses


def build_chain(name, folder):
    """Build 784-300-100-10 as a user does; seconds on the clock and of processor time."""
    used = processor_time()

    def build():
        brian2.set_device('cpp_standalone', build_on_run=False)
        compose_chain(MNIST, synapses_called(name)).run(100*DT*brian2.second)
        brian2.device.build(directory=folder, run=False)

    seconds = elapsed(build)[1]
    return seconds, processor_time() - used


def measure_builds(options, folder):
    """Builds from nothing and unchanged."""
    repeats = 1 if options.quick else min(options.repeats, 3)
    for name in ('brian_le', 'stock'):
        from_nothing, unchanged = [], []
        for k in range(repeats):
            say(f'building 784-300-100-10 from nothing, {name}')
            with cache(Path(folder)/f'cache_{name}_{k}'):
                from_nothing.append(in_new_process(build_chain, name,
                                                   str(Path(folder)/f'{name}_{k}')))
                # brian_le knows the binary in another folder, Brian2 in the same one
                other = f'{name}_{k}' + '_again'*(name == 'brian_le')
                unchanged.append(in_new_process(build_chain, name, str(Path(folder)/other)))
        ours = name == 'brian_le'
        label = f'build of 784-300-100-10, {name}'
        (clock, processor), (clock_again, processor_again) = zip(*from_nothing), zip(*unchanged)
        yield Figure(f'{label}: processor s from nothing', processor, at_most=12 if ours else None)
        yield Figure(f'{label}: s until it starts, unchanged', clock_again,
                     at_most=1 if ours else None)
        yield Figure(f'{label}: s from nothing, on the clock', clock)
        yield Figure(f'{label}: processor s, unchanged', processor_again)


@contextmanager
def cache(folder):
    """Keep binaries in a folder for a while."""
    before = os.environ['BRIAN_LE_CACHE']
    os.environ['BRIAN_LE_CACHE'] = str(folder)
    try:
        yield
    finally:
        os.environ['BRIAN_LE_CACHE'] = before


def compose_carrier(n, synapses):
    """A projection of n to n neurons that carries weights and nothing else."""
    pre, post = NeuronGroup(n, 'r : 1', name='pre'), NeuronGroup(n, 'v : 1', name='post')
    S = synapses(pre, post, 'v_post = w*r_pre : 1 (summed)\nw : 1', name='S')
    S.connect()
    S.w = 1
    return Network(pre, post, S)


# A process starts with the peak memory of the one that started it: a small one has to do that.
LAUNCHER = '''import os, resource, sys
os.spawnv(os.P_WAIT, sys.argv[1], sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)'''


def peak_of_binary(name, n, folder):
    """Peak memory of a compiled program with n times n synapses, in bytes."""
    brian2.set_device('cpp_standalone', build_on_run=False)
    compose_carrier(n, synapses_called(name)).run(1*brian2.ms)
    brian2.device.build(directory=folder, run=False)
    answer = subprocess.run([sys.executable, '-ISc', LAUNCHER, './main'], cwd=folder, check=True,
                            capture_output=True, text=True).stdout
    return int(answer.split()[-1])*(1 if sys.platform == 'darwin' else 1024)


def peak_of_runtime(name, n, folder):
    """Peak memory of a process that runs the same in NumPy, in bytes."""
    prefs.codegen.target = 'numpy'
    compose_carrier(n, synapses_called(name)).run(1*brian2.ms)
    status = Path('/proc/self/status').read_text()
    return int(status.split('VmHWM:')[1].split()[0])*1024


def measure_memory(options, folder):
    """Bytes per synapse at 16 million synapses."""
    small, large = 1000, 4000
    ways = {'cpp_standalone': peak_of_binary}
    if not options.quick and Path('/proc/self/status').exists():
        ways['NumPy runtime'] = peak_of_runtime
    for way, peak in ways.items():
        for name in ('brian_le',) if options.quick else ('brian_le', 'stock'):
            say(f'memory of {large}x{large}, {way}, {name}')
            peaks = [in_new_process(peak, name, n, str(Path(folder)/f'memory_{name}_{n}'))
                     for n in (small, large)]
            per_synapse = (peaks[1] - peaks[0])/(large**2 - small**2)
            aim = {'at_most': 9} if (way, name) == ('cpp_standalone', 'brian_le') else {}
            yield Figure(f'{large}x{large} weights, {way}, {name}: bytes per synapse',
                         [per_synapse], **aim)
    yield Figure(f'{large}x{large} weights, C++: bytes per synapse, by definition', [8.0])


# --------------------------------------------------------------------------------------- the table
SECTIONS = {'networks': measure_networks, 'replicas': measure_replicas, 'convs': measure_convs,
            'circuit': measure_circuit, 'memory': measure_memory, 'builds': measure_builds}


def print_figures(figures, repeats):
    """The first part of the table."""
    title = f'ratios and figures, up to {repeats} repetitions'
    print(f'\n{title:<68}{"median":>7}   range')
    for figure in figures:
        print(figure)


def print_times(rows):
    """The second part of the table."""
    section = None
    for row in rows:
        if row.section != section:
            section = row.section
            print(f'\n{section:<45}{"".join(f"{name:>10}" for name in SPEED)}')
        print(row)


def parse_arguments():
    """What the user asks for."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repeats', type=int, default=5, help='repetitions, of which medians are '
                        'shown (default %(default)s; the largest cases take at most 3)')
    parser.add_argument('--quick', action='store_true', help='about a minute: 2 repetitions, '
                        'and only some cases of each section')
    parser.add_argument('--only', nargs='+', choices=SECTIONS, default=list(SECTIONS),
                        metavar='SECTION', help=f'sections to run, of {", ".join(SECTIONS)}')
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error('give at least 1 repetition')
    if options.quick:
        options.repeats = min(options.repeats, 2)
    return options


def keep_files_in_memory():
    """Put temporary files where writing them does not wait for a disk, if there is such a place."""
    memory = Path('/dev/shm')
    if 'TMPDIR' not in os.environ and os.access(memory, os.W_OK):
        os.environ['TMPDIR'] = tempfile.tempdir = str(memory)


def main():
    options = parse_arguments()
    keep_files_in_memory()
    print('\n'.join(describe_machine()), flush=True)
    results = []
    with tempfile.TemporaryDirectory(prefix='brian_le_benchmark_') as folder:
        os.environ['BRIAN_LE_CACHE'] = str(Path(folder)/'cache')
        for name in options.only:
            for row in SECTIONS[name](options, folder):
                results.append(row)
                say(row)
    print_figures([row for row in results if isinstance(row, Figure)], options.repeats)
    print_times([row for row in results if isinstance(row, Times)])


if __name__ == '__main__':
    main()
