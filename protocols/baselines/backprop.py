"""Backpropagation in plain NumPy, which learning by Latent Equilibrium is compared with."""

import functools
import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from brian_le.activations import ACTIVATIONS, get_activation
from brian_le.checks import check_array, check_not_negative, choose
from brian_le.models.layers import AveragePool, Conv, Flatten, MaxPool, layer_shapes
from brian_le.synapses.shapes import along_plane

__all__ = ['BackpropNetwork']

_SAMPLES_AT_ONCE = 256  # the windows of a convolution take much more memory than the samples


class BackpropNetwork:
    """A network that learns by backpropagation of errors and gradient descent.

    It has the layers, weights and loss of a layered network of Latent Equilibrium, without its
    dynamics: a layer with weights sends on phi(W r + b), where r is what it reads. Everything is
    dimensionless. Planes are laid out channel-last; kernels are not flipped. Where several inputs
    of a max pooling window are equally large, the first one in the order of rows and columns gets
    the error. Numbers are computed in single precision if the inputs are, else in double
    precision.

    Parameters
    ----------
    input_shape : int or tuple of int
        Number of inputs, or (rows, columns, channels), or (steps, channels).
    layers : sequence
        As of `brian_le.models.LayeredNetwork`; time constants have no meaning here.
    weights : dict
        Arrays by (kind, k), as from `brian_le.models.initial_weights`, which are copied. A layer
        whose ``('bias', k)`` is not given has none; ``('feedback', k)`` is passed over, because
        errors go back through the forward weights. Learning changes the attribute `weights`.
    activation, output_activation : str or Activation
        Of the layers that do not have their own, and of the last one.
    loss : {'mse', 'cross_entropy'}
        Loss of a sample: ``0.5*sum((target - output)**2)``, or
        ``-sum(target*log(softmax(output)))``, which needs a linear output.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.models import Dense, initial_weights
    >>> from brian_le.protocols.baselines.backprop import BackpropNetwork
    >>> layers = [Dense(8), Dense(1)]
    >>> weights = initial_weights(2, layers, np.random.default_rng(1))
    >>> network = BackpropNetwork(2, layers, weights)
    >>> inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> targets = np.array([[0], [1], [1], [0]])
    >>> for _ in range(2000):
    ...     loss = network.learn(inputs, targets, 0.3)
    >>> network.outputs(inputs).round(1) + 0
    array([[0.],
           [1.],
           [1.],
           [0.]])
    """

    def __init__(self, input_shape, layers, weights, *, activation='tanh',
                 output_activation='linear', loss='mse'):
        self._loss = _LOSSES[choose('loss', loss, _LOSSES)]
        shapes = layer_shapes(input_shape, layers)
        self._input_shape = shapes[0]
        self._n_inputs, self._n_outputs = math.prod(shapes[0]), math.prod(shapes[-1])
        self._stages, weight_shapes = [], {}
        for number, layer in enumerate(layers):
            before, after = shapes[number:number + 2]
            if layer.has_weights:
                default = activation if number < len(layers) - 1 else output_activation
                phi = get_activation(default if layer.activation is None else layer.activation)
                k = len(weight_shapes)//2
                weight_shapes['forward', k] = layer.weight_shape(before)
                weight_shapes['bias', k] = layer.weight_shape(before)[:1]
                self._stages.append(_Neurons(k, layer, before, after, phi))
            else:
                self._stages.append(_WITHOUT_WEIGHTS[type(layer)](layer, before, after))
        if loss == 'cross_entropy' and phi != ACTIVATIONS['linear']:
            raise ValueError(f"the loss 'cross_entropy' needs a linear output, not '{phi.name}'")
        self._n_with_weights = len(weight_shapes)//2
        self.weights = _copied(weights, weight_shapes)

    def outputs(self, inputs):
        """What the last layer sends on, [sample, output], for inputs [sample, input]."""
        inputs = self._checked_inputs(inputs)
        return np.concatenate([self._forward(inputs[start:start + _SAMPLES_AT_ONCE])[0]
                               for start in range(0, len(inputs), _SAMPLES_AT_ONCE)])

    def gradients(self, inputs, targets):
        """The loss, a mean over the samples, and its gradient for each of `weights`.

        Inputs are [sample, input], planes flattened in C order; targets [sample, output].
        """
        inputs = self._checked_inputs(inputs)
        targets = check_array('targets', targets, (len(inputs), self._n_outputs), inputs.dtype)
        outputs, kept = self._forward(inputs)
        losses, errors = self._loss(outputs, targets)
        errors = errors/len(inputs)
        gradients = {}
        for stage, of_stage in zip(reversed(self._stages), reversed(kept)):
            if not isinstance(stage, _Neurons):
                errors = stage.backward(errors, of_stage)
                continue
            deltas = stage.deltas(errors, of_stage)
            gradients |= stage.gradients(deltas, of_stage)
            if stage.k == 0:
                break
            errors = stage.backward(deltas, self.weights)
        return float(losses.mean()), {key: gradients[key] for key in self.weights}

    def learn(self, inputs, targets, rates):
        """Make one step of gradient descent; the loss before it.

        `rates` is one number, or one per layer with weights.
        """
        n = self._n_with_weights
        rates = check_array('rates', rates, (n,) if np.ndim(rates) else ())
        check_not_negative('rates', rates)
        rates = np.broadcast_to(rates, n).tolist()
        loss, gradients = self.gradients(inputs, targets)
        for (kind, k), gradient in gradients.items():
            self.weights[kind, k] -= rates[k]*gradient
        return loss

    def _checked_inputs(self, inputs):
        inputs = check_array('inputs', inputs, (None, self._n_inputs), _precision(inputs))
        if not len(inputs):
            raise ValueError('inputs have no samples; give at least one')
        return inputs

    def _forward(self, inputs):
        """Outputs, and what each stage has to keep until errors come back."""
        rates, kept = inputs.reshape(-1, *self._input_shape), []
        for stage in self._stages:
            rates, of_stage = stage.forward(rates, self.weights)
            kept.append(of_stage)
        return rates.reshape(len(inputs), -1), kept


def _precision(values):
    return np.float32 if getattr(values, 'dtype', None) == np.float32 else np.float64


def _copied(weights, shapes):
    """Copies of all weights but those for feedback, in the order of the layers."""
    passed_over = {('feedback', k) for _, k in shapes}
    unknown = [key for key in weights if key not in shapes and key not in passed_over]
    if unknown:
        raise ValueError(f'there is no layer for weights[{unknown[0]!r}]; give '
                         f"{', '.join(map(repr, shapes))}")
    copies = {}
    for key, shape in shapes.items():
        if key in weights:
            values = weights[key]
            copies[key] = check_array(f'weights[{key!r}]', values, shape, _precision(values)).copy()
        elif key[0] == 'forward':
            raise ValueError(f'weights[{key!r}], of shape {shape}, are missing')
    return copies


def _half_square(outputs, targets):
    """Loss of each sample, and its derivatives by the outputs."""
    differences = outputs - targets
    return 0.5*(differences**2).sum(axis=1), differences


def _cross_entropy(outputs, targets):
    """Loss of each sample, and its derivatives by the outputs."""
    outputs = outputs - outputs.max(axis=1, keepdims=True)  # so that exp does not overflow
    exps = np.exp(outputs)
    sums = exps.sum(axis=1, keepdims=True)
    losses = (targets*(np.log(sums) - outputs)).sum(axis=1)
    return losses, exps/sums*targets.sum(axis=1, keepdims=True) - targets


_LOSSES = {'mse': _half_square, 'cross_entropy': _cross_entropy}


class _Neurons:
    """Layer number k of those with weights."""

    def __init__(self, k, layer, before, after, activation):
        self.k = k
        self._after = after
        self._activation = activation
        activation.slopes(activation.rates(np.array([0.25, 0.5])))  # NumPy can evaluate both
        self._windows = None
        if isinstance(layer, Conv):
            self._windows = _Windows(layer.kernel, layer.stride, layer.padding, before, after)

    def forward(self, rates, weights):
        # as matrices [sample and position, input] and [sample and position, channel]
        read = rates if self._windows is None else self._windows.cut(rates)
        potentials = read @ self._matrix(weights, read.dtype).T
        if ('bias', self.k) in weights:
            potentials += weights['bias', self.k].astype(read.dtype, copy=False)
        sent = self._activation.rates(potentials).reshape(len(rates), *self._after)
        return sent, (read, potentials)

    def deltas(self, errors, kept):
        """Derivatives of the loss by the potentials."""
        _, potentials = kept
        return errors.reshape(potentials.shape)*self._activation.slopes(potentials)

    def gradients(self, deltas, kept):
        read, _ = kept
        by_matrix = deltas.T @ read
        if self._windows is not None:
            by_matrix = by_matrix.reshape(len(by_matrix), *self._windows.size, -1)
        return {('forward', self.k): np.moveaxis(by_matrix, -1, 1),
                ('bias', self.k): deltas.sum(axis=0)}

    def backward(self, deltas, weights):
        errors = deltas @ self._matrix(weights, deltas.dtype)
        return errors if self._windows is None else self._windows.put_together(errors)

    def _matrix(self, weights, dtype):
        """Weights as [channel, input], with inputs in the order in which windows have them."""
        w = np.moveaxis(weights['forward', self.k], 1, -1)
        return w.reshape(len(w), -1).astype(dtype, copy=False)


class _Windows:
    """Windows on a plane [sample, row, column, channel] or [sample, step, channel]."""

    def __init__(self, size, stride, padding, before, after):
        *self._plane, self._channels = before
        *self._counts, _ = after
        self._axes = tuple(range(1, 1 + len(self._plane)))
        self.size = along_plane('size', size, len(self._plane), 1)
        self._stride = along_plane('stride', stride, len(self._plane), 1)
        self._padding = along_plane('padding', padding, len(self._plane), 0)

    def cut(self, plane):
        """All windows, [sample and position, row, column and channel within the window]."""
        if any(self._padding):
            plane = np.pad(plane, ((0, 0), *((p, p) for p in self._padding), (0, 0)))
        windows = sliding_window_view(plane, self.size, self._axes)
        windows = windows[:, *(slice(None, None, step) for step in self._stride)]
        # channels last within the window: rows of it are then contiguous, and copied faster
        windows = np.moveaxis(windows, 1 + len(self.size), -1)
        return windows.reshape(-1, math.prod(self.size)*self._channels)

    def put_together(self, windows):
        """The plane of the sums of all windows, which `cut` is the transpose of."""
        windows = windows.reshape(-1, *self._counts, math.prod(self.size), self._channels)
        padded = np.zeros((len(windows), *(n + 2*p for n, p in zip(self._plane, self._padding)),
                           self._channels), windows.dtype)
        for number, view in enumerate(self.views(padded)):
            view += windows[..., number, :]
        return padded[:, *(slice(p, p + n) for n, p in zip(self._plane, self._padding))]

    def views(self, plane):
        """For each place within the window, what all windows have there: views of the plane."""
        for start in np.ndindex(*self.size):
            yield plane[:, *(slice(first, first + step*(n - 1) + 1, step)
                             for first, step, n in zip(start, self._stride, self._counts))]


class _Pool:
    def __init__(self, layer, before, after):
        stride = layer.window if layer.stride is None else layer.stride
        self._windows = _Windows(layer.window, stride, 0, before, after)


class _Max(_Pool):
    def forward(self, plane, weights):
        largest = functools.reduce(np.maximum, self._windows.views(plane))
        return largest, (plane, largest)

    def backward(self, errors, kept):
        plane, largest = kept
        before = np.zeros_like(plane, errors.dtype)
        errors = errors.reshape(largest.shape)
        open_ = np.ones(largest.shape, bool)  # windows whose winner is still to come
        for view, to in zip(self._windows.views(plane), self._windows.views(before)):
            wins = open_ & (view == largest)
            to += wins*errors
            open_ &= ~wins
        return before


class _Average(_Pool):
    def forward(self, plane, weights):
        return sum(self._windows.views(plane))/math.prod(self._windows.size), plane.shape

    def backward(self, errors, shape):
        before = np.zeros(shape, errors.dtype)
        parts = errors/math.prod(self._windows.size)
        for to in self._windows.views(before):
            to += parts
        return before


class _Flat:
    def __init__(self, layer, before, after):
        self._before = before

    def forward(self, plane, weights):
        return plane.reshape(len(plane), -1), None

    def backward(self, errors, kept):
        return errors.reshape(-1, *self._before)


_WITHOUT_WEIGHTS = {MaxPool: _Max, AveragePool: _Average, Flatten: _Flat}
