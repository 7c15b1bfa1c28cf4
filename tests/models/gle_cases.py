"""Networks of Generalized Latent Equilibrium that are shown something new in every step."""

from dataclasses import asdict, replace

import numpy as np
from brian2 import StateMonitor, TimedArray, defaultclock, ms, second
from brian2.core.variables import ArrayVariable

from brian_le import SGD, Adam
from brian_le.models import CorticalChain, Dense, GLENetwork, initial_weights, layer_shapes
from tests.models.layered.cases import ACTIVATIONS, PLANES
from tests.reference_gle import gle
from tests.reference_layered import links_of
from tests.reference_optimisers import adam, sgd

UNITS = {**dict.fromkeys(('tau_m', 'tau_r', 'tau_min'), ms), 'eta': 1/ms}
STATES = ('u', 'u_prosp', 'r', 'slope', 'v', 'err', 'err_in', 'v_api')
#: What projections hold, by kind.
LEARNED = {'forward': 'w', 'feedback': 'w', 'bias': 'bias', 'tau_m': 'tau', 'tau_r': 'tau'}


class Shown:
    """A network, its weights, and what it is shown.

    `x` and `targets` are [step, replica, neuron], `nudged` and `learning` have one number per step;
    options are those of `GLENetwork` as plain numbers, with times in ms.
    """

    def __init__(self, input_shape, layers, weights, x, targets, *, nudged=None, learning=None,
                 dt=0.1, **options):
        ones = np.ones(len(x))
        self.input_shape, self.layers, self.weights, self.options = (
            input_shape, layers, weights, options)
        self.x, self.targets, self.dt = x, targets, dt
        self.nudged = ones if nudged is None else nudged
        self.learning = ones if learning is None else learning
        self.own = [layer for layer in layers if layer.has_weights]
        self.n_layers = len(self.own)
        links = self.links = links_of(input_shape, layers)
        tau_m, tau_r = options.get('tau_m', 10.0), options.get('tau_r')
        #: Time constants in ms, one for each neuron.
        self.tau_m, self.tau_r = [], []
        for layer, (_, link) in zip(self.own, links):
            n = int(np.prod(link.shape))
            membrane = tau_m if layer.tau_m is None else layer.tau_m/ms
            ahead = layer.tau_r/ms if layer.tau_r is not None else (
                membrane if tau_r is None else tau_r)
            self.tau_m.append(np.broadcast_to(np.ravel(membrane), n))
            self.tau_r.append(np.broadcast_to(np.ravel(ahead), n))

    def reference(self):
        """The same in NumPy, see `tests.reference_gle`."""
        o, n = self.options, self.n_layers
        rates = {}
        for kind, option in (('forward', 'eta'), ('bias', 'eta'), ('tau_m', 'eta_tau_m'),
                             ('tau_r', 'eta_tau_r')):
            rates |= {(kind, k): self.dt*rate
                      for k, rate in enumerate(np.broadcast_to(o.get(option) or 0, n))}
        optimiser = o.get('optimiser', SGD())
        step = {SGD: sgd, Adam: adam}[type(optimiser)](rates, **asdict(optimiser))
        hidden, output = o.get('activation', 'tanh'), o.get('output_activation', 'linear')
        weights = self.weights | {('tau_m', k): tau for k, tau in enumerate(self.tau_m)}
        return gle(
            weights, self.tau_r, self.x, self.targets, dt=self.dt, nudged=self.nudged,
            activations=[layer.activation or default for layer, default in
                         zip(self.own, [hidden]*(n - 1) + [output])],
            beta=o.get('beta', 0.1), gamma=o.get('gamma', 0.0), loss=o.get('loss', 'mse'),
            prospective=o.get('errors', 'prospective') == 'prospective', step=step,
            learning=self.learning, tau_min=o.get('tau_min', self.dt), links=self.links)

    def network(self, name, kind=GLENetwork, **options):
        """The network, which is shown everything."""
        dt = defaultclock.dt = self.dt*ms
        net = kind(self.input_shape, self.layers, replicas=self.x.shape[1], name=name,
                   **with_units(self.options | options))
        net.weights.update(self.weights)
        compares = net.output
        if kind is CorticalChain:
            net.mirror_weights()
            compares = net.errors[-1]
        for group, variable, values in ((net.inputs, 'r', self.x),
                                        (compares, 'target', self.targets),
                                        (net.schedule, 'nudged', self.nudged),
                                        (net.schedule, 'learning', self.learning)):
            group.namespace[f'{variable}_at'] = TimedArray(
                np.reshape(values, (len(values), -1)) if np.ndim(values) > 1 else values, dt=dt)
            index = ', i' if np.ndim(values) > 1 else ''
            group.run_regularly(f'{variable} = {variable}_at(t{index})', when='groups', order=-2,
                                name=f'{group.name}_{variable}_at')
        return net

    def compose(self, name, **options):
        """The network, recorded at every step; see `tests.running`."""
        net, monitors = self.network(name, **options), {}
        for k, group in enumerate(net.neurons):
            monitors['layer', k] = StateMonitor(group, states_of(group), record=True, when='end',
                                                name=f'{name}_m_layer{k}')
        for k, group in enumerate(getattr(net, 'errors', ())):
            monitors['layer', f'error{k}'] = StateMonitor(
                group, ['v', 'err'], record=True, when='end', name=f'{name}_m_error{k}')
        for kind, k in net.weights:
            n = int(np.prod(net.weights.shape(kind, k)))
            monitors[kind, k] = StateMonitor(net.projections[kind, k], LEARNED[kind], when='end',
                                             record=np.arange(n), name=f'{name}_m_{kind}{k}')
        return ([net, list(monitors.values())], len(self.x)*defaultclock.dt,
                lambda: self._read(net, monitors))

    def compose_to_the_end(self, name, **options):
        """The network, of which only the last state and the weights are read."""
        net = self.network(name, **options)
        return net, len(self.x)*defaultclock.dt, lambda: {
            **{(state, k): group.by_replica(state)[:]
               for k, group in enumerate(net.neurons) for state in states_of(group)
               if isinstance(group.variables[state], ArrayVariable)},
            **{(kind, k): w*(second/ms) if kind.startswith('tau') else w
               for (kind, k), w in net.weights.items()}}

    def _read(self, net, monitors):
        found = {}
        for (kind, k), monitor in monitors.items():
            for variable in monitor.record_variables:
                values = np.array(getattr(monitor, variable).T)
                if kind == 'layer':
                    values = values.reshape(len(values), net.replicas, -1)
                    k_of, name = (int(k[5:]) if isinstance(k, str) else k), variable
                else:
                    view = net.projections[kind, k].matrix(variable)
                    values = np.array([view.to_shape(row) for row in values])
                    values = values*(second/ms) if variable == 'tau' else values
                    k_of, name = k, kind
                found[name, k_of] = values
        return found


def with_units(options):
    """Options of `GLENetwork` out of plain numbers, in ms; with Adam some have no unit."""
    tau = 1 if isinstance(options.get('optimiser'), Adam) else ms
    units = UNITS | {'eta_tau_m': tau, 'eta_tau_r': tau}
    return {key: value if key not in units or value is None
            else [v*units[key] for v in value] if isinstance(value, (list, tuple))
            else value*units[key] for key, value in options.items()}


def states_of(group):
    """What can be compared after a step; ``err_in`` is of this step only if it is stored."""
    return [v for v in STATES if v in group.variables
            and (v != 'err_in' or isinstance(group.variables[v], ArrayVariable))]


def compare(found, expected, atol=1e-12):
    """All that a simulation shows, which is less than the reference has."""
    same = {'v_api': 'err', 'feedback': 'forward'}
    assert found.keys() >= {('u', 0), ('forward', 0)}
    for (name, k), values in found.items():
        other = expected[same.get(name, name), k]
        assert np.isfinite(values).all() and values.shape == other.shape, (name, k)
        np.testing.assert_allclose(values, other, rtol=0, atol=max(1, np.abs(other).max())*atol,
                                   err_msg=str((name, k)))


def compare_end(found, expected, atol=1e-12):
    """The same for the last step."""
    compare(found, {key: values[-1] for key, values in expected.items()}, atol)


OPTIMISERS = (SGD(), SGD(momentum=0.8), Adam(), Adam(beta_1=0.5, beta_2=0.9, epsilon=1e-3))


def draw(pick):
    """A case; ``pick(values)`` chooses one of several."""
    rng = np.random.default_rng(pick(range(1000)))
    replicas, steps = pick((1, 3)), 25
    if pick((False, False, True)):
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
            layers[j] = replace(layer, **{
                tau: rng.uniform(low, 4, shape)*ms for tau, low in (('tau_m', 1), ('tau_r', 2))
                for shape in [pick((None, (), int(np.prod(shapes[j + 1]))))] if shape is not None})
    loss, bias = pick(('mse', 'cross_entropy')), pick((True, False))
    # cross-entropy needs linear outputs
    if loss == 'cross_entropy' and layers[-1].activation is not None:
        layers[-1] = replace(layers[-1], activation=None)
    options = dict(
        activation=pick(ACTIVATIONS), loss=loss, bias=bias,
        output_activation='linear' if loss == 'cross_entropy' else pick(ACTIVATIONS[::-1]),
        beta=pick((0.1, 0.3)), gamma=[pick((1.0, 0.0, -0.7, 0.3)) for _ in range(n)],
        errors=pick(('prospective', 'instantaneous')), optimiser=pick(OPTIMISERS),
        eta=[pick((0.1, 0.05, 0.0)) for _ in range(n)], tau_m=pick((3.0, 2.0)),
        tau_r=pick((None, 2.0)), tau_min=pick((0.1, 0.9)))
    for tau in ('eta_tau_m', 'eta_tau_r'):
        options[tau] = pick((None, 0.5, [1.0*(k % 2) for k in range(n)]))
    weights = initial_weights(input_shape, layers, rng, bias=bias)
    return Shown(input_shape, layers, weights,
                 rng.uniform(-1, 1, (steps, replicas, int(np.prod(shapes[0])))),
                 rng.random((steps, replicas, int(np.prod(shapes[-1])))),
                 nudged=1.0*(rng.random(steps) < 0.8), learning=1.0*(rng.random(steps) < 0.7),
                 **options)


def plain(**options):
    """A small case with what most networks have, and weights and biases that learn."""
    rng = np.random.default_rng(4)
    layers = options.pop('layers', None) or [
        Dense(n, tau_m=rng.uniform(1, 4, n)*ms, tau_r=rng.uniform(1, 4, n)*ms) for n in (4, 5, 2)]
    steps, replicas = options.pop('steps', 30), options.pop('replicas', 3)
    shape = options.pop('input_shape', 3)
    shapes = layer_shapes(shape, layers)
    return Shown(shape, layers, initial_weights(shape, layers, rng),
                 rng.uniform(-1, 1, (steps, replicas, int(np.prod(shapes[0])))),
                 rng.random((steps, replicas, int(np.prod(shapes[-1])))),
                 **dict(eta=[0.5, 0.3, 0.4], beta=0.5, gamma=[1.0, -0.5, 0.3]) | options)
