"""Shapes of populations with a plane, laid out channel-last."""

import numpy as np

__all__ = ['along_plane', 'check_input_shape', 'conv_shape', 'in_two_dimensions', 'pool_shape']


def conv_shape(input_shape, kernel, channels, stride=1, padding=0):
    """Shape of a population behind a convolution.

    Parameters
    ----------
    input_shape : tuple of int
        (rows, columns, channels), or (steps, channels) in one dimension.
    kernel, stride, padding : int or tuple of int
        As for `ConvSynapses`.
    channels : int
        Number of output channels.

    Returns
    -------
    tuple of int
        The shape; its product is the size of the population.

    Raises
    ------
    ValueError
        If the kernel is larger than the padded input.

    Examples
    --------
    >>> from brian_le import conv_shape
    >>> conv_shape((28, 28, 1), kernel=5, channels=20)
    (24, 24, 20)
    """
    *plane, _ = input_shape
    return *positions('kernel', plane, kernel, stride, padding), channels


def pool_shape(input_shape, window, stride=None):
    """Shape of a population behind pooling.

    Parameters
    ----------
    input_shape : tuple of int
        (rows, columns, channels), or (steps, channels) in one dimension.
    window, stride : int or tuple of int
        As for `PoolSynapses`.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If the window is larger than the input.

    Examples
    --------
    >>> from brian_le import pool_shape
    >>> pool_shape((24, 24, 20), window=2)
    (12, 12, 20)
    """
    *plane, channels = input_shape
    return *positions('window', plane, window, window if stride is None else stride), channels


def positions(what, plane, size, stride, padding=0):
    """How many places a kernel or a window has on each axis."""
    sizes = along_plane(what, size, len(plane), 1)
    steps = along_plane('stride', stride, len(plane), 1)
    pads = along_plane('padding', padding, len(plane), 0)
    for n, k, pad in zip(plane, sizes, pads):
        if k > n + 2*pad:
            with_padding = f' with padding {pads}' if what == 'kernel' else ''
            raise ValueError(f'a {what} of {sizes} is larger than an input of {tuple(plane)}'
                             f'{with_padding}')
    return tuple((n + 2*pad - k)//step + 1 for n, k, step, pad in zip(plane, sizes, steps, pads))


def along_plane(what, value, dimensions, least):
    """One number for each dimension of the plane."""
    values = tuple(value) if np.ndim(value) else (value,)*dimensions
    if len(values) != dimensions or any(v != int(v) or v < least for v in values):
        raise ValueError(f'{what}={value!r}; give a whole number of at least {least}, or '
                         f'{dimensions} of them')
    return tuple(int(v) for v in values)


def check_input_shape(shape):
    shape = tuple(shape)
    if len(shape) not in (2, 3) or any(n != int(n) or n < 1 for n in shape):
        raise ValueError(f'input_shape={shape!r}; give (rows, columns, channels), or (steps, '
                         'channels) in one dimension')
    return tuple(int(n) for n in shape)


def in_two_dimensions(values, fill):
    """Two numbers for the two dimensions of the loops."""
    return values if len(values) == 2 else (fill, *values)
