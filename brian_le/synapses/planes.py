"""Synapses between populations with a plane: convolutions and pooling.

Populations are laid out channel-last: see `brian_le.neuron_index`.
"""

import math

import numpy as np

from brian_le.checks import choose
from brian_le.synapses.layouts import ConvLayout, PoolLayout
from brian_le.synapses.liberties import arrays_of_synapses
from brian_le.synapses.loops.engine import LoopSynapses
from brian_le.synapses.replicas import common_replicas, population_size
from brian_le.synapses.shapes import (along_plane, check_input_shape, conv_shape,
                                      in_two_dimensions, pool_shape)

__all__ = ['ConvSynapses', 'PoolSynapses']


class _PlaneSynapses(LoopSynapses):
    _shared_by = 'positions'
    _many_pairs = True
    _has_stock_equivalent = False

    @property
    def output_shape(self):
        return self._output_shape

    def _check_shape(self, side, group, replicas, shape):
        n = population_size(group, replicas)
        if n != math.prod(shape):
            per_replica = '' if replicas == 1 else f' in each of {replicas} replicas'
            raise ValueError(f"the {side} '{group.name}' has {n} neurons{per_replica}, not "
                             f'{"x".join(map(str, shape))} = {math.prod(shape)}')


class ConvSynapses(_PlaneSynapses):
    """A kernel that is moved over a plane, or along a line.

    The variables of the synapses, such as ``w``, exist once for every element of the kernel, which
    all positions share. A variable that is summed to the target is a convolution (without
    flipping, as in PyTorch), one that is summed to the source its transpose; ``dw/dt`` is the sum
    over the positions of what reads the neurons, and the mean over the replicas. What reads no
    neurons, such as a decay of the weights, counts once.

    A bias for each channel is `SharedParameters` of the target, with ``channels``.

    Parameters
    ----------
    source, target : NeuronGroup
        The populations, channel-last, with all their replicas.
    model : str or Equations
        As for `brian2.Synapses`.
    input_shape : tuple of int
        (rows, columns, channels) of one replica of the source; (steps, channels) for a
        convolution along a line.
    kernel : int or tuple of int
        Size of the kernel, for all dimensions or (rows, columns).
    stride, padding : int or tuple of int
        By how many neurons the kernel moves; how many rows and columns of silence are added on
        each side.
    replicas : int, optional
        Number of replicas, see `DenseSynapses`.
    **options
        As for `brian2.Synapses`.

    Attributes
    ----------
    output_shape : tuple of int
        Shape of one replica of the target.

    Raises
    ------
    ValueError
        If the kernel is larger than the padded input, or sizes of populations do not fit.

    Examples
    --------
    >>> from brian2 import NeuronGroup, ms, run
    >>> from brian_le import ConvSynapses
    >>> image = NeuronGroup(4*4, 'r : 1')
    >>> edges = NeuronGroup(3*3*2, 'I : 1')
    >>> S = ConvSynapses(image, edges, '''I_post = w*r_pre : 1 (summed)
    ...                                   w : 1''', input_shape=(4, 4, 1), kernel=2)
    >>> S.connect()
    >>> S.matrix('w')[0, 0] = [[-1, 1], [-1, 1]]  # output channel 0, input channel 0
    >>> image.r = 'i % 4'
    >>> run(0.1*ms)
    >>> edges.I[:].reshape(3, 3, 2)[0, :, 0]
    array([2., 2., 2.])
    """

    def __init__(self, source, target, model=None, *args, input_shape, kernel, stride=1, padding=0,
                 replicas=None, **options):
        replicas = common_replicas(replicas, source, target)
        input_shape = check_input_shape(input_shape)
        dimensions = len(input_shape) - 1
        self._check_shape('source', source, replicas, input_shape)
        plane = conv_shape(input_shape, kernel, 1, stride, padding)[:-1]
        n, positions = population_size(target, replicas), math.prod(plane)
        if n % positions:
            raise ValueError(f"the target '{target.name}' has {n} neurons per replica, which is "
                             f'not a multiple of {"x".join(map(str, plane))} positions')
        self._output_shape = (*plane, n//positions)
        in_y, in_x = in_two_dimensions(input_shape[:-1], 1)
        k_y, k_x = in_two_dimensions(along_plane('kernel', kernel, dimensions, 1), 1)
        stride_y, stride_x = in_two_dimensions(along_plane('stride', stride, dimensions, 1), 1)
        pad_y, pad_x = in_two_dimensions(along_plane('padding', padding, dimensions, 0), 0)
        self._planned = ConvLayout(in_y, in_x, input_shape[-1], n//positions, k_y, k_x, stride_y,
                                   stride_x, pad_y, pad_x, replicas, dimensions)
        super().__init__(source, target, model, *args, replicas=replicas, **options)

    def _make_layout(self):
        return self._planned


class PoolSynapses(_PlaneSynapses):
    """Windows on a plane: the target takes the largest or the mean of what it sees.

    Every channel is pooled by itself. A variable summed to the target is the largest value in its
    window, or the mean of all; a variable summed to the source comes from the targets whose window
    it has won (the first of equals), or ``1/(size of the window)`` of it from all that see it.
    The winner is that of the same step, if both are summed at the same place of the step.

    Parameters
    ----------
    source, target : NeuronGroup
        The populations, channel-last, with all their replicas.
    model : str or Equations
        Summed variables, subexpressions and shared parameters.
    input_shape : tuple of int
        (rows, columns, channels) of one replica of the source, or (steps, channels).
    window : int or tuple of int
        Size of the windows.
    stride : int or tuple of int, optional
        By how many neurons they move; their size, if not given.
    kind : {'max', 'average'}
        What the target takes.
    replicas : int, optional
        Number of replicas, see `DenseSynapses`.
    **options
        As for `brian2.Synapses`.

    Attributes
    ----------
    output_shape : tuple of int
        Shape of one replica of the target.

    Raises
    ------
    ValueError
        If a window is larger than the input, sizes do not fit, or the model has variables for
        each synapse.

    Examples
    --------
    >>> from brian2 import NeuronGroup, ms, run
    >>> from brian_le import PoolSynapses
    >>> fine, coarse = NeuronGroup(4*4, 'r : 1'), NeuronGroup(2*2, 'I : 1')
    >>> S = PoolSynapses(fine, coarse, 'I_post = r_pre : 1 (summed)', input_shape=(4, 4, 1),
    ...                  window=2)
    >>> S.connect()
    >>> fine.r = 'i'
    >>> run(0.1*ms)
    >>> coarse.I[:]
    array([ 5.,  7., 13., 15.])
    """

    def __init__(self, source, target, model=None, *args, input_shape, window, stride=None,
                 kind='max', replicas=None, **options):
        choose('kind', kind, ('max', 'average'))
        replicas = common_replicas(replicas, source, target)
        input_shape = check_input_shape(input_shape)
        dimensions = len(input_shape) - 1
        self._check_shape('source', source, replicas, input_shape)
        self._output_shape = pool_shape(input_shape, window, stride)
        self._check_shape('target', target, replicas, self._output_shape)
        w_y, w_x = in_two_dimensions(along_plane('window', window, dimensions, 1), 1)
        stride = window if stride is None else stride
        stride_y, stride_x = in_two_dimensions(along_plane('stride', stride, dimensions, 1), 1)
        in_y, in_x = in_two_dimensions(input_shape[:-1], 1)
        self._planned = PoolLayout(in_y, in_x, input_shape[-1], w_y, w_x, stride_y, stride_x,
                                   replicas)
        self._kind = kind
        super().__init__(source, target, model, *args, replicas=replicas, **options)
        own = [variable.name for variable in arrays_of_synapses(self)
               if not variable.name.startswith('_')]
        if own:
            raise ValueError(f"pooling has no weights, but '{self.name}' has a variable '{own[0]}' "
                             'for each synapse; make it (shared)')
        if kind == 'max':
            ahead = [name for name in self.summed_updaters if name.endswith('_post')]
            if len(ahead) != 1:
                raise ValueError(f"'{self.name}' sums {len(ahead)} variables to the target; one "
                                 'decides which neuron wins')
            self.variables.add_array('_winner', size=len(target), dtype=np.int32,
                                     index='_postsynaptic_idx')

    def _runner_name(self, name):
        # neurons win before anything is sent back to the winners
        return f'{self.name}_{"then_summed" if name.endswith("_pre") else "summed"}_{name}'

    @property
    def _winning(self):
        return self.variables['_winner'] if self._kind == 'max' else None

    @property
    def _scale(self):
        return 1/(self._planned.w_y*self._planned.w_x) if self._kind == 'average' else 1.0

    def _make_layout(self):
        return self._planned

    def matrix(self, name='w'):
        """There is none: windows have no weights.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(f"'{self.name}' has no weights")
