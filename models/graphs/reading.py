"""Nodes and edges as a user gives them: names, kinds, shapes, and where errors can go."""

import math

import numpy as np

from brian_le.checks import check_name, check_variable, choose, whole_number
from brian_le.models.graphs.description import Edge, Identity, Node
from brian_le.models.layers import AveragePool, Conv, MaxPool

__all__ = ['carries_errors', 'kind_of', 'read_array', 'read_edges', 'read_inputs', 'read_nodes',
           'shapes_of', 'taught', 'weight_shape', 'where_from']


def read_shape(what, shape):
    """A shape as a tuple; a ValueError if it is none."""
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if not 1 <= len(sizes) <= 3:
        raise ValueError(f'{what} has the shape {shape!r}; give a number of neurons, (rows, '
                         'columns, channels), or (steps, channels)')
    return tuple(whole_number(f'the shape of {what}', n) for n in sizes)


def read_inputs(name, inputs):
    """Shapes of the inputs by name."""
    _need_dict(f"inputs of '{name}'", inputs, "{'x': 784}")
    return {_checked_name(key): read_shape(f"the input '{key}' of '{name}'", shape)
            for key, shape in inputs.items()}


def read_nodes(name, nodes, inputs):
    """`Node` objects by name."""
    _need_dict(f"nodes of '{name}'", nodes, "{'h': 30, 'y': Node(10, target='rate')}")
    found = {}
    for key, node in nodes.items():
        if _checked_name(key) in inputs:
            raise ValueError(f"'{key}' of '{name}' is an input and a node; give one of them "
                             'another name')
        if isinstance(node, type):
            raise TypeError(f"the node '{key}' of '{name}' is {node!r}; give a shape or a Node")
        found[key] = node if isinstance(node, Node) else Node(node)
        read_shape(f"the node '{key}' of '{name}'", found[key].shape)
    return found


def _need_dict(what, value, example):
    if not isinstance(value, dict) or not value:
        raise TypeError(f'{what}: {value!r}; give a dictionary of names and shapes, such as '
                        f'{example}')


def _checked_name(name):
    check_name('a population', name)
    return check_variable('the name of a population', name)


def read_edges(name, edges, inputs, nodes):
    """`Edge` and `Identity` objects, between populations that there are."""
    if not isinstance(edges, (list, tuple)) or not edges:
        raise TypeError(f"edges of '{name}' are {edges!r}; give a list, such as [('x', 'h'), "
                        "('h', 'y')]")
    found = [_read_edge(name, edge) for edge in edges]
    pools = {}
    for edge in found:
        if kind_of(edge) == 'pool':
            if edge.target in inputs or edge.target in nodes:
                raise ValueError(f"{where_from(edge)} of '{name}' is a pool, which makes its "
                                 f"target; leave '{edge.target}' out of the "
                                 f"{'inputs' if edge.target in inputs else 'nodes'}")
            _checked_name(edge.target)
            pools.setdefault(edge.target, edge)
    known, seen = [*inputs, *nodes, *pools], set()
    for edge in found:
        for side in (edge.source, edge.target):
            choose(f"population in the edges of '{name}'", side, known)
        if edge.target in inputs:
            raise ValueError(f"{where_from(edge)} of '{name}' leads to an input, whose rates are "
                             f"set; make '{edge.target}' a node")
        if edge.target in pools and edge is not pools[edge.target]:
            raise ValueError(f"{where_from(edge)} of '{name}' leads to a pool, which has one "
                             f"source, '{pools[edge.target].source}'; lead it to a node")
        alike = edge.source, edge.target, isinstance(edge, Identity)
        if alike in seen:
            raise ValueError(f"'{name}' has two edges {where_from(edge)} alike; leave one of them "
                             "out")
        seen.add(alike)
    ends = {edge.target for edge in found}
    for node in nodes:
        if node not in ends:
            raise ValueError(f"no edge of '{name}' leads to '{node}'; give one, or leave '{node}' "
                             "out")
    starts = {edge.source for edge in found}
    for population in (*inputs, *pools):
        if population not in starts:
            raise ValueError(f"no edge of '{name}' begins at '{population}'; give one, or leave it "
                             "out")
    return found


def _read_edge(name, edge):
    if isinstance(edge, (tuple, list)):
        if len(edge) != 2:
            raise ValueError(f"an edge of '{name}' is {edge!r}; give (source, target), or an Edge "
                             'with all that it has')
        edge = Edge(*edge)
    if not isinstance(edge, (Edge, Identity)):
        raise TypeError(f"an edge of '{name}' is {edge!r}; give (source, target), an Edge or an "
                        'Identity')
    for side, end in (('source', edge.source), ('target', edge.target)):
        if not isinstance(end, str):
            raise TypeError(f"the {side} of an edge of '{name}' is {end!r}; give the name of a "
                            'population')
    through = getattr(edge, 'through', None)
    if through is not None and not isinstance(through, (Conv, MaxPool, AveragePool)):
        raise TypeError(f"through of {where_from(edge)} of '{name}' is {through!r}; give Conv, "
                        'MaxPool or AveragePool, or nothing for all to all')
    if isinstance(through, Conv) and any(
            getattr(through, what) is not None for what in ('activation', 'tau_m', 'tau_r')):
        raise ValueError(f"{where_from(edge)} of '{name}' has the activation or time constants of "
                         f"its target in its Conv; give them to the node '{edge.target}'")
    return edge


def where_from(edge):
    """An edge in messages, by its ends."""
    return f"'{edge.source}->{edge.target}'"


def kind_of(edge):
    """The kind of an edge: ``'forward'``, ``'identity'`` or ``'pool'``."""
    if isinstance(edge, Identity):
        return 'identity'
    return 'pool' if isinstance(edge.through, (MaxPool, AveragePool)) else 'forward'


# -------------------------------------------------------------------------------------- shapes
def shapes_of(name, inputs, nodes, edges):
    """Shapes of all populations; those of pools follow from what lies below them."""
    shapes = {**inputs, **{key: read_shape(key, node.shape) for key, node in nodes.items()}}
    waiting = [edge for edge in edges if kind_of(edge) == 'pool']
    while waiting:
        ready = [edge for edge in waiting if edge.source in shapes]
        if not ready:
            raise ValueError(f"pools of '{name}' lead to each other in a circle, without a "
                             f'population of neurons: {", ".join(map(where_from, waiting))}')
        for edge in ready:
            shapes[edge.target] = _fitting(name, edge, shapes[edge.source])
        waiting = [edge for edge in waiting if edge.target not in shapes]
    for edge in edges:
        _check_fit(name, edge, shapes[edge.source], shapes[edge.target])
    return shapes


def _fitting(name, edge, source):
    """The shape that follows a shape."""
    try:
        return edge.through.output_shape(source)
    except ValueError as error:
        raise ValueError(f"{where_from(edge)} of '{name}': {error}") from None


def _check_fit(name, edge, source, target):
    if kind_of(edge) == 'identity' and math.prod(source) != math.prod(target):
        raise ValueError(f"{where_from(edge)} of '{name}' is an identity, but '{edge.source}' has "
                         f"{math.prod(source)} neurons and '{edge.target}' {math.prod(target)}; "
                         'give populations of one size, or an Edge with weights')
    if kind_of(edge) == 'forward' and edge.through is not None:
        needed = _fitting(name, edge, source)
        if needed != target:
            raise ValueError(f"{where_from(edge)} of '{name}' is {edge.through}, whose target has "
                             f"the shape {needed}, but '{edge.target}' has {target}; give the node "
                             'this shape, or change the kernel')


def weight_shape(edge, source, target):
    """The shape of the weights of an edge, None without weights."""
    if kind_of(edge) != 'forward':
        return None
    if edge.through is None:
        return math.prod(target), math.prod(source)
    return edge.through.weight_shape(source)


# -------------------------------------------------------------------------------------- errors
def carries_errors(edge, feedback, inputs):
    """Whether errors would travel back along an edge, if there are any at its target."""
    return edge.source not in inputs and (kind_of(edge) == 'pool' or feedback != 'absent')


def taught(nodes, edges, feedbacks, inputs):
    """Names of populations that errors reach: those with a target, and all with a way to one."""
    found = {name for name, node in nodes.items() if node.target is not None}
    while True:
        more = {edge.source for edge, feedback in zip(edges, feedbacks)
                if edge.target in found and carries_errors(edge, feedback, inputs)} - found
        if not more:
            return found
        found |= more


def read_array(what, values, allowed, shape=None):
    """An array of which all values are allowed ones."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f'{what} is {values!r}; give an array of numbers') from None
    if shape is not None and array.shape != shape:
        raise ValueError(f'{what} has the shape {array.shape}, but the weights have {shape}; give '
                         'one value for each of them')
    strange = array[~np.isin(array, allowed)]
    if strange.size:
        shown = ', '.join(f'{value:g}' for value in allowed)
        raise ValueError(f'{what} contains {strange.flat[0]:g}; its values are {shown}')
    return array
