"""What a layered network is made of: layers and their shapes."""

import math
import numbers
from dataclasses import dataclass

import numpy as np
from brian2.units.allunits import second

from brian_le import conv_shape, pool_shape
from brian_le.activations import Activation, get_activation
from brian_le.checks import check_not_negative, whole_number
from brian_le.parameters import quantity
from brian_le.synapses.shapes import along_plane

__all__ = ['Dense', 'Conv', 'MaxPool', 'AveragePool', 'Flatten', 'by_group', 'layer_shapes']


class Layer:
    """What all layers have in common; not to be used by itself."""

    has_weights = False

    def output_shape(self, input_shape):
        """Shape of what the layer sends on.

        Parameters
        ----------
        input_shape : tuple of int
            (neurons,), or a plane: (rows, columns, channels) or (steps, channels).

        Returns
        -------
        tuple of int

        Raises
        ------
        ValueError
            If the layer cannot follow this shape.
        """
        raise NotImplementedError

    def _need_plane(self, shape):
        if len(shape) == 1:
            raise ValueError(f'{self} needs a plane, but what comes before it are {shape[0]} '
                             'neurons without one')


class _Neurons(Layer):
    has_weights = True

    def __post_init__(self):
        if self.activation is not None:
            get_activation(self.activation)
        for what in ('tau_m', 'tau_r'):
            tau = getattr(self, what)
            if tau is not None:
                check_not_negative(f'{what} of {self}', quantity(what, tau, second, str(self)))

    def weight_shape(self, input_shape):
        """Shape of the weights: [post, pre], or [output channel, input channel, y, x]."""
        raise NotImplementedError

    def fan_in(self, input_shape):
        """How many inputs a neuron has."""
        return math.prod(self.weight_shape(input_shape)[1:])


@dataclass(frozen=True)
class Dense(_Neurons):
    """Neurons that read all neurons of the layer before.

    Parameters
    ----------
    n : int
        Number of neurons.
    activation : str or Activation, optional
        See `brian_le.activations`; by default that of the network.
    tau_m, tau_r : Quantity, optional
        Membrane time constant and look-ahead time, one value or one per neuron; by default those
        of the network.

    Raises
    ------
    ValueError
        For a number of neurons that is not whole and positive, or an unknown activation.

    Examples
    --------
    >>> from brian_le.models import Dense
    >>> Dense(10).output_shape((300,))
    (10,)
    """

    n: int
    activation: str | Activation | None = None
    tau_m: object = None
    tau_r: object = None

    def __post_init__(self):
        whole_number('n of Dense', self.n)
        super().__post_init__()

    def output_shape(self, input_shape):
        if len(input_shape) != 1:
            raise ValueError(f'{self} follows a plane of {_times(input_shape)}; put Flatten() '
                             'before it')
        return (int(self.n),)

    def weight_shape(self, input_shape):
        return (*self.output_shape(input_shape), *input_shape)

    def __str__(self):
        return f'Dense({self.n})'


@dataclass(frozen=True)
class Conv(_Neurons):
    """Neurons in a plane, each of which reads a part of the plane before through a kernel.

    Parameters
    ----------
    channels : int
        Number of output channels.
    kernel, stride, padding : int or tuple of int
        As for `brian_le.ConvSynapses`.
    activation, tau_m, tau_r
        As for `Dense`.

    Raises
    ------
    ValueError
        As for `Dense`.

    Examples
    --------
    >>> from brian_le.models import Conv
    >>> Conv(20, kernel=5).output_shape((28, 28, 1))
    (24, 24, 20)
    """

    channels: int
    kernel: int | tuple
    stride: int | tuple = 1
    padding: int | tuple = 0
    activation: str | Activation | None = None
    tau_m: object = None
    tau_r: object = None

    def __post_init__(self):
        whole_number('channels of Conv', self.channels)
        for what, value, least in (('kernel', self.kernel, 1), ('stride', self.stride, 1),
                                   ('padding', self.padding, 0)):
            _check_whole(f'{what} of Conv', value, least)
        super().__post_init__()

    def output_shape(self, input_shape):
        self._need_plane(input_shape)
        return conv_shape(input_shape, self.kernel, int(self.channels), self.stride, self.padding)

    def weight_shape(self, input_shape):
        self.output_shape(input_shape)
        kernel = along_plane('kernel', self.kernel, len(input_shape) - 1, 1)
        return (int(self.channels), input_shape[-1], *kernel)

    def __str__(self):
        return f'Conv({self.channels}, kernel={self.kernel})'


def _check_whole(what, value, least):
    """Refuse what is neither a whole number nor one or two of them."""
    values = value if isinstance(value, (tuple, list, np.ndarray)) else (value,)
    if not 1 <= len(values) <= 2 or any(
            isinstance(n, bool) or not isinstance(n, numbers.Real) or not n >= least or n % 1
            for n in values):
        raise ValueError(f'{what} is {value!r}; give a whole number of at least {least}, or one '
                         'for each dimension of the plane')


class _Pool(Layer):
    def __post_init__(self):
        _check_whole(f'window of {type(self).__name__}', self.window, 1)
        if self.stride is not None:
            _check_whole(f'stride of {type(self).__name__}', self.stride, 1)

    def output_shape(self, input_shape):
        self._need_plane(input_shape)
        return pool_shape(input_shape, self.window, self.stride)

    def __str__(self):
        return f'{type(self).__name__}({self.window})'


@dataclass(frozen=True)
class MaxPool(_Pool):
    """The largest rate in each window, for every channel; errors go back to the winner.

    Parameters
    ----------
    window : int or tuple of int
        Size of the windows.
    stride : int or tuple of int, optional
        By how many neurons they move; their size, if not given.

    Examples
    --------
    >>> from brian_le.models import MaxPool
    >>> MaxPool(2).output_shape((24, 24, 20))
    (12, 12, 20)
    """

    window: int | tuple
    stride: int | tuple | None = None
    kind = 'max'


@dataclass(frozen=True)
class AveragePool(_Pool):
    """The mean rate in each window, for every channel; errors go back to all in equal parts.

    Parameters
    ----------
    window, stride
        As for `MaxPool`.

    Examples
    --------
    >>> from brian_le.models import AveragePool
    >>> AveragePool((2, 4)).output_shape((4, 8, 3))
    (2, 2, 3)
    """

    window: int | tuple
    stride: int | tuple | None = None
    kind = 'average'


@dataclass(frozen=True)
class Flatten(Layer):
    """Take a plane as a row of neurons, so that a `Dense` layer can follow.

    Examples
    --------
    >>> from brian_le.models import Flatten
    >>> Flatten().output_shape((4, 4, 50))
    (800,)
    """

    def output_shape(self, input_shape):
        return (math.prod(input_shape),)

    def __str__(self):
        return 'Flatten()'


def by_group(*groups):
    """Time constants of a layer that is made of groups of neurons.

    Parameters
    ----------
    *groups : tuple of (int, Quantity)
        How many neurons have which time constant, one group after the other.

    Returns
    -------
    Quantity
        One time constant per neuron.

    Raises
    ------
    ValueError
        If there are no groups, or a number of neurons is not whole and positive.
    brian2.units.DimensionMismatchError
        If something is not a time.

    Examples
    --------
    >>> from brian2 import ms
    >>> from brian_le.models import Dense, by_group
    >>> by_group((2, 1*ms), (1, 20*ms))
    array([ 1.,  1., 20.]) * msecond
    >>> layer = Dense(3, tau_m=20*ms, tau_r=by_group((2, 1*ms), (1, 20*ms)))
    """
    if not groups:
        raise ValueError('by_group needs at least one group: (number of neurons, time constant)')
    for group in groups:
        if not isinstance(group, (tuple, list)) or len(group) != 2:
            raise ValueError(f'a group of neurons is {group!r}; give (number of neurons, time '
                             'constant)')
        tau = quantity('time constant', group[1], second, 'a group of neurons')
        check_not_negative('time constant of a group of neurons', tau)
    return np.concatenate([np.full(whole_number('number of neurons in a group', n), tau/second)
                           for n, tau in groups])*second


def layer_shapes(input_shape, layers):
    """Shapes between layers.

    Parameters
    ----------
    input_shape : int or tuple of int
        Number of inputs, or (rows, columns, channels), or (steps, channels).
    layers : sequence
        `Dense`, `Conv`, `MaxPool`, `AveragePool` and `Flatten` objects.

    Returns
    -------
    list of tuple of int
        The shape of the inputs and of what each layer sends on.

    Raises
    ------
    ValueError
        If there are no layers, one cannot follow another, or the last one has no neurons of its
        own.
    TypeError
        If something is not a layer.

    Examples
    --------
    >>> from brian_le.models import Conv, Dense, Flatten, MaxPool, layer_shapes
    >>> layer_shapes((8, 8, 1), [Conv(4, 3), MaxPool(2), Flatten(), Dense(10)])
    [(8, 8, 1), (6, 6, 4), (3, 3, 4), (36,), (10,)]
    """
    shape = tuple(input_shape) if np.ndim(input_shape) else (input_shape,)
    if len(shape) not in (1, 2, 3):
        raise ValueError(f'input_shape={input_shape!r}; give a number of inputs, (rows, columns, '
                         'channels), or (steps, channels)')
    shapes = [tuple(whole_number('input_shape', n) for n in shape)]
    for number, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f'layer {number} is {layer!r}; give Dense, Conv, MaxPool, AveragePool '
                            'or Flatten objects')
        try:
            shapes.append(layer.output_shape(shapes[-1]))
        except ValueError as error:
            raise ValueError(f'layer {number}: {error}') from None
    if len(shapes) == 1 or not layers[-1].has_weights:
        raise ValueError('the last layer has to be Dense or Conv, whose neurons are the outputs')
    return shapes


def _times(shape):
    return ' x '.join(map(str, shape))
