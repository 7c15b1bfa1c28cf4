"""Layered networks that are shown something new in every step, and recorded in every step."""

from dataclasses import replace

import numpy as np
from brian2 import StateMonitor, TimedArray, defaultclock, ms
from brian2.core.variables import ArrayVariable

from brian_le.models import (AveragePool, Conv, Dense, Flatten, LayeredNetwork, MaxPool,
                             initial_weights, layer_shapes)
from tests.reference_layered import layered

UNITS = {**dict.fromkeys(('tau_m', 'tau_r', 'tau_s', 'tau_err', 'tau_target'), ms),
         **dict.fromkeys(('eta', 'decay'), 1/ms)}
STATES = ('u', 'u_prosp', 'v_in', 'b', 'r', 'slope', 'r_sent', 'err', 'err_sent', 'mismatch')


def with_units(options):
    """Options of `LayeredNetwork` out of plain numbers, in ms."""
    return {key: [v*UNITS[key] for v in value] if isinstance(value, (list, tuple))
            else value*UNITS.get(key, 1) if not isinstance(value, str) else value
            for key, value in options.items()}


class Shown:
    """A network, its weights, and what it is shown.

    `x` and `targets` are [step, replica, neuron], `nudged` and `learning` have one number per step;
    options are those of `LayeredNetwork` as plain numbers.
    """

    def __init__(self, input_shape, layers, weights, x, targets, *, nudged=None, learning=None,
                 dt=0.1, **options):
        ones = np.ones(len(x))
        self.input_shape, self.layers, self.weights, self.options = (
            input_shape, layers, weights, options)
        self.x, self.targets, self.dt = x, targets, dt
        self.nudged = ones if nudged is None else nudged
        self.learning = ones if learning is None else learning

    def reference(self, **options):
        """The same in NumPy, see `tests.reference_layered`."""
        return layered(self.input_shape, self.layers, self.weights, self.x, self.targets,
                       self.nudged, self.learning, dt=self.dt, **self.options | options)

    def network(self, name):
        """The network, which is shown everything."""
        dt = defaultclock.dt = self.dt*ms
        net = LayeredNetwork(self.input_shape, self.layers, replicas=self.x.shape[1], name=name,
                             **with_units(self.options))
        net.weights.update(self.weights)
        for group, variable, values in ((net.inputs, 'r', self.x),
                                        (net.output, 'target', self.targets),
                                        (net.schedule, 'nudged', self.nudged),
                                        (net.schedule, 'learning', self.learning)):
            group.namespace[f'{variable}_at'] = TimedArray(
                np.reshape(values, (len(values), -1)) if np.ndim(values) > 1 else values, dt=dt)
            index = ', i' if np.ndim(values) > 1 else ''
            group.run_regularly(f'{variable} = {variable}_at(t{index})', when='groups', order=-2,
                                name=f'{group.name}_{variable}_at')
        return net

    def compose(self, name):
        """The network, recorded at every step; see `tests.running`."""
        net, monitors = self.network(name), {}
        used = 'target_filtered' if 'target_filtered' in net.output.variables else 'target'
        looks = {('inputs', 0): (net.inputs, ['r']), ('target', 0): (net.output, [used]),
                 **{('layer', k): (group, states_of(group)) for k, group in enumerate(net.neurons)}}
        for (kind, k), (group, variables) in looks.items():
            monitors[kind, k] = StateMonitor(group, variables, record=True, when='end',
                                             name=f'{name}_m_{kind}{k}')
        for kind, k in net.weights:
            variable = 'bias' if kind == 'bias' else 'w'
            n = int(np.prod(net.weights.shape(kind, k)))
            monitors[kind, k] = StateMonitor(net.projections[kind, k], variable, when='end',
                                             record=np.arange(n), name=f'{name}_m_{kind}{k}')
        return ([net, list(monitors.values())], len(self.x)*defaultclock.dt,
                lambda: self._read(net, monitors))

    def compose_to_the_end(self, name):
        """The network, of which only the last state and the weights are read."""
        net = self.network(name)
        return net, len(self.x)*defaultclock.dt, lambda: {
            **{('layer', k, state): group.by_replica(state)[:]
               for k, group in enumerate(net.neurons) for state in states_of(group)
               if isinstance(group.variables[state], ArrayVariable)},
            **{(kind, k, 'bias' if kind == 'bias' else 'w'): w
               for (kind, k), w in net.weights.items()}}

    def _read(self, net, monitors):
        found = {}
        for (kind, k), monitor in monitors.items():
            for variable in monitor.record_variables:
                values = np.array(getattr(monitor, variable).T)
                if kind in ('inputs', 'target', 'layer'):
                    values = values.reshape(len(values), net.replicas, -1)
                else:
                    view = net.projections[kind, k].matrix(variable)
                    values = np.array([view.to_shape(row) for row in values])
                found[kind, k, 'target' if kind == 'target' else variable] = values
        return found


def states_of(group):
    return [v for v in STATES if v in group.variables]


def compare(found, expected, atol=1e-12):
    """All that a simulation shows in every step, which is less if it has fewer options."""
    # errors of outputs that act at once are what the neurons show before the next step
    left_out = {key for key in found if key[2] == 'err'} - set(expected)
    assert len(left_out) <= 1 and found.keys() >= {('layer', 0, 'u'), ('forward', 0, 'w')}
    for key in found.keys() - left_out:
        scale = max(1, np.abs(expected[key]).max())
        np.testing.assert_allclose(found[key], expected[key], rtol=0, atol=scale*atol,
                                   err_msg=str(key))


def compare_end(found, expected, atol=1e-12):
    """The same for the last step."""
    compare(found, {key: values[-1] for key, values in expected.items()}, atol)


ACTIVATIONS = ('tanh', 'logistic', 'softplus', 'hard_sigmoid', 'relu', 'linear')


#: Shapes of the inputs, and layers behind them.
PLANES = (
    ((6, 5, 2), (Conv(3, 2), MaxPool(2), Flatten(), Dense(2))),
    ((5, 7, 1), (MaxPool((2, 3)), Conv(2, (1, 2), padding=(0, 1)), Flatten(), Dense(4), Dense(2))),
    ((7, 9, 2), (Conv(2, (2, 3), stride=(1, 2), padding=1), MaxPool(3, 1), AveragePool(2, 1),
                 MaxPool((1, 2), 1), Conv(3, 2, padding=1), Flatten(), Dense(3))),
    ((9, 2), (Conv(3, 3, stride=2, padding=2), AveragePool(3, 2), Conv(2, 2))),
    ((8, 1), (AveragePool(2), MaxPool(2, 1), Conv(2, 2), Flatten(), Dense(3))),
    ((2, 3, 2), (Flatten(), Dense(4), Dense(2))),
    ((4, 4, 3), (Conv(2, 3), Conv(2, 1, activation='softplus'), MaxPool(2), Flatten(), Dense(2))),
)


def draw_planes(pick):
    """A case with convolutions and pooling."""
    return draw(pick, planes=True)


def draw(pick, planes=False):
    """A case; ``pick(values)`` chooses one of several."""
    rng = np.random.default_rng(pick(range(1000)))
    replicas, steps = pick((1, 3)), 25
    loss, target = pick((('mse', 'rate'), ('mse', 'voltage'), ('cross_entropy', 'rate')))
    feedback, bias = pick(('transposed', 'random', 'mirror')), pick((True, False))
    decay = 0.3 if feedback == 'mirror' else pick((0.0, 0.2))
    if planes:
        input_shape, layers = pick(PLANES)
        layers = list(layers)
    else:
        input_shape = pick((3, 1, 4))
        layers = [Dense(pick((2, 5, 1, 9)), activation=pick((None, *ACTIVATIONS)))
                  for _ in range(pick((2, 1, 3)))]
        layers.append(Dense(pick((2, 1, 3))))
    shapes, n = layer_shapes(input_shape, layers), 0
    for j, layer in enumerate(layers):
        if layer.has_weights:
            n += 1
            times = {which: rng.uniform(low, 9, shape)*ms
                     for which, low in (('tau_m', 4), ('tau_r', 0.1))
                     for shape in [pick((None, (), int(np.prod(shapes[j + 1]))))]
                     if shape is not None}
            layers[j] = replace(layer, **times)
    options = dict(
        activation=pick(ACTIVATIONS), loss=loss, target=target, feedback=feedback, bias=bias,
        output_activation='linear' if loss == 'cross_entropy' else pick(ACTIVATIONS[::-1]),
        decay=decay, beta=pick((0.1, 0.3)), gamma=pick((1.0, 0.0, -0.7, 0.3)),
        eta=[pick((0.5, 0.1) if decay else (0.5, 0.0)) for _ in range(n)],
        tau_m=pick((10.0, 2.0)), tau_r=pick((None, 0.0, 2.0)),
        rate_at=pick(('output', 'input')), errors_from=pick(('tau_m', 'tau_r')),
        **{tau: pick((0.0, 0.4)) for tau in ('tau_s', 'tau_err', 'tau_target')})
    options = {key: value for key, value in options.items() if value is not None}
    weights = initial_weights(input_shape, layers, rng, feedback=feedback != 'transposed')
    if not bias:
        weights = {key: w for key, w in weights.items() if key[0] != 'bias'}
    return Shown(input_shape, layers, weights,
                 rng.uniform(-1, 1, (steps, replicas, int(np.prod(shapes[0])))),
                 rng.random((steps, replicas, int(np.prod(shapes[-1])))),
                 nudged=1.0*(rng.random(steps) < 0.7), learning=1.0*(rng.random(steps) < 0.7),
                 **options)
