"""Variables in the shape that they have: weights [post, pre], states [replica, neuron]."""

import numpy as np
from brian2.core.variables import Subexpression
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import get_device
from brian2.synapses.synapses import Synapses
from brian2.units.fundamentalunits import Quantity, get_dimensions

from brian_le.checks import check_array, choose

__all__ = ['ArrayView', 'choose_variable', 'weight_matrix']


class ArrayView:
    """The values of a variable in another shape, to get and to set.

    ``view[:]`` is a copy of all values, with units if the variable has some; ``view[k] = ...``
    sets a part, ``view[:] = ...`` all of them.
    Subexpressions are computed when they are read. It works like a variable of Brian2: values of a
    C++ project can be read once it has run, and before it as far as they have been set by such a
    view.

    Parameters
    ----------
    group : Group
        The owner of the variable.
    name : str
        Name of the variable.
    shape : tuple of int
        Shape of the view.
    to_shape, to_flat : callable
        From the values as Brian2 stores them to those of the view, and back.

    Raises
    ------
    ValueError
        If the group has no such variable, if values of another shape are set, or values that are
        not finite.
    TypeError
        If values of a subexpression are set.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import NeuronGroup
    >>> from brian_le import ArrayView
    >>> G = NeuronGroup(6, 'r : 1')
    >>> image = ArrayView(G, 'r', (2, 3), lambda flat: flat.reshape(2, 3), np.ravel)
    >>> image[1] = 5
    >>> image[:]
    array([[0., 0., 0.],
           [5., 5., 5.]])
    """

    def __init__(self, group, name, shape, to_shape, to_flat):
        self._group = group
        self.name = choose_variable(group, name)
        self.shape = tuple(shape)
        self.to_shape = to_shape
        self.to_flat = to_flat

    @property
    def key(self):
        """The name of the variable, ``'group.variable'``."""
        return f'{self._group.name}.{self.name}'

    @property
    def dim(self):
        """The dimensions of the variable, as `brian2.Quantity` takes them."""
        return self._variable.dim

    @property
    def _variable(self):
        return self._group.variables[self.name]

    def __array__(self, dtype=None, copy=None):
        values = np.array(self._read(), dtype=dtype)
        return np.array(self.to_shape(values))

    def _read(self):
        if isinstance(self._variable, Subexpression):  # whose names are looked up as in the script
            return self._group.state(self.name, use_units=False).get_item(slice(None), level=3)
        return self._variable.get_value()

    def __getitem__(self, item):
        values = np.asarray(self)[item]
        if not self.dim.is_dimensionless:
            values = Quantity(values, dim=self.dim)
        return values

    def __setitem__(self, item, values):
        everything = isinstance(item, slice) and item == slice(None)
        what = f"{self.name} of '{self._group.name}'"
        if isinstance(self._variable, Subexpression):
            raise TypeError(f"{what} is a subexpression, {self._variable.expr}; set what it reads")
        if everything and np.shape(values) == self.shape:
            new = values
        else:
            new = np.empty(self.shape) if everything else self[:]
            try:
                new[item] = values
            except ValueError:
                raise ValueError(f'{what} has the shape {self.shape}, not '
                                 f'{np.shape(values)}') from None
            if get_dimensions(values) != get_dimensions(new):
                new = Quantity(np.asarray(new), dim=get_dimensions(values))
        check_array(what, np.asarray(new), self.shape)
        flat = self.to_flat(np.asarray(new))
        getattr(self._group, self.name)[:] = Quantity(flat, dim=get_dimensions(new))
        device = get_device()
        if isinstance(device, CPPStandaloneDevice):  # it forgets arrays that can grow
            device.array_cache[self._variable] = flat.astype(self._variable.dtype)

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"<view of '{self._group.name}.{self.name}' with shape {self.shape}>"


def choose_variable(group, name):
    """The name of a variable of a group; a ValueError if it has no such variable."""
    return choose(f"variable of '{group.name}'", name,
                  [known for known in group.variables if not known.startswith('_')])


def weight_matrix(synapses, name='w'):
    """A synaptic variable of an all-to-all projection as a matrix [post, pre].

    Parameters
    ----------
    synapses : Synapses
        An all-to-all projection, with ``connect()`` called.
    name : str
        Name of the synaptic variable.

    Returns
    -------
    ArrayView
        Of shape (number of target neurons, number of source neurons).

    Raises
    ------
    ValueError
        If there is not one synapse for each pair of neurons, or no such variable.
    TypeError
        If they are no `brian2.Synapses`.

    Examples
    --------
    >>> from brian2 import NeuronGroup, Synapses
    >>> from brian_le import weight_matrix
    >>> a, b = NeuronGroup(3, 'r : 1'), NeuronGroup(2, 'v : 1')
    >>> S = Synapses(a, b, 'w : 1')
    >>> S.connect()
    >>> weight_matrix(S)[:] = [[1, 2, 3], [4, 5, 6]]
    >>> S.w[2, 0]
    array([3.])
    """
    if not isinstance(synapses, Synapses):
        raise TypeError(f'{synapses!r} is no projection; give Synapses')
    choose_variable(synapses, name)
    n_pre, n_post = len(synapses.source), len(synapses.target)
    try:
        n = len(synapses.variables[name].get_value())
    except NotImplementedError:  # only C++ knows it
        n = n_pre*n_post
    if n != n_pre*n_post:
        raise ValueError(f"'{synapses.name}' has {n} synapses, not one for each pair of {n_pre} "
                         f'and {n_post} neurons; it has no matrix')
    return ArrayView(synapses, name, (n_post, n_pre),
                     lambda flat: flat.reshape(n_pre, n_post).T, lambda matrix: matrix.T.ravel())
