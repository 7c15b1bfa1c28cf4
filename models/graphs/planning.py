"""From nodes and edges to plans: what they leave open, what they learn, and how all is named."""

import math
from collections import Counter

import numpy as np
from brian2.units.allunits import hertz
from brian2.units.stdunits import ms

from brian_le.activations import get_activation
from brian_le.checks import check_flag, check_positive, choose
from brian_le.models.graphs.plans import NO_LIMIT, EdgePlan, GraphPlan, Limits, NodePlan
from brian_le.models.graphs.reading import (carries_errors, kind_of, read_array, read_edges,
                                            read_inputs, read_nodes, shapes_of, taught,
                                            weight_shape, where_from)
from brian_le.models.options import one_value, time_constants

__all__ = ['plan_graph']

_FEEDBACKS = ('transposed', 'random', 'mirror', 'absent')
#: What only edges with weights have.
_OF_WEIGHTS = ('eta', 'decay', 'w_max', 'mask', 'sign')


def plan_graph(name, inputs, nodes, edges, targets=('rate', 'voltage'), **common):
    """The plan of a graph, with everything checked.

    Parameters
    ----------
    name : str
        Name of the graph.
    inputs, nodes, edges
        As of `Graph`.
    targets : sequence of str
        What targets may be compared with.
    **common
        What nodes and edges leave open: ``activation``, ``output_activation``, ``tau_m``,
        ``tau_r``, ``bias``, ``gamma``, ``loss``, ``beta``, ``eta``, ``decay``, ``w_max``,
        ``feedback``.

    Returns
    -------
    GraphPlan
    """
    choose(f"feedback of '{name}'", common['feedback'], _FEEDBACKS)
    inputs = read_inputs(name, inputs)
    nodes = read_nodes(name, nodes, inputs)
    edges = read_edges(name, edges, inputs, nodes)
    shapes = shapes_of(name, inputs, nodes, edges)
    for key, node in nodes.items():
        if node.target is not None:
            choose(f"target of '{key}' of '{name}'", node.target, targets)
    feedbacks = [_feedback(name, edge, common['feedback']) for edge in edges]
    reached = taught(nodes, edges, feedbacks, inputs)
    backs = [_carried(name, edge, feedback, inputs, reached)
             for edge, feedback in zip(edges, feedbacks)]
    intos, backs = _variables(edges, backs)
    plans = [_plan_edge(name, edge, shapes, into, back, feedback, edge.target in reached, common)
             for edge, into, back, feedback in zip(edges, intos, backs, feedbacks)]
    _check_asked(name, plans, common)
    found = GraphPlan(
        inputs, {key: _plan_node(name, key, node, shapes[key], plans, key in reached, common)
                 for key, node in nodes.items()}, plans, _plan_pools(plans, shapes))
    _check_names(name, found)
    return found


# --------------------------------------------------------------------------------------- errors
def _feedback(name, edge, common):
    if edge.feedback is None:
        return common if kind_of(edge) == 'forward' or common == 'absent' else 'transposed'
    what = f"feedback of {where_from(edge)} of '{name}'"
    if kind_of(edge) == 'pool':
        raise ValueError(f"{what} is '{edge.feedback}', but a pool sends errors back to those that "
                         'it has read; leave feedback out')
    return choose(what, edge.feedback, _FEEDBACKS if kind_of(edge) == 'forward'
                  else ('transposed', 'absent'))


def _carried(name, edge, feedback, inputs, reached):
    """Whether errors travel back along an edge; a ValueError if feedback is asked for in vain."""
    source_has_neurons = edge.source not in inputs
    if edge.target in reached and carries_errors(edge, feedback, inputs):
        return True
    if edge.feedback not in (None, 'absent'):
        why = (f"'{edge.target}' has no errors that could travel" if source_has_neurons
               else f"'{edge.source}' is an input, which has no errors")
        raise ValueError(f"{where_from(edge)} of '{name}' has feedback='{edge.feedback}', but "
                         f'{why}; leave feedback out')
    return False


def _variables(edges, carried):
    """Names of what each edge adds to: an input of its target, an error input of its source.

    The only one has the name that it has in chains.
    """
    inputs = Counter(edge.target for edge in edges)
    errors = Counter(edge.source for edge, does in zip(edges, carried) if does)

    def named(stem, alone, other, edge):
        if alone:
            return stem
        return f'{stem}_{other}' + ('_identity' if kind_of(edge) == 'identity' else '')

    return ([None if kind_of(edge) == 'pool' else
             named('v_in', inputs[edge.target] == 1, edge.source, edge) for edge in edges],
            [named('v_err', errors[edge.source] == 1, edge.target, edge) if does else None
             for edge, does in zip(edges, carried)])


def _plan_pools(plans, shapes):
    edges = {edge.target: edge for edge in plans if edge.kind == 'pool'}

    def depth(pool):
        source = edges[pool].source
        return 1 + depth(source) if source in edges else 0

    return {pool: (shapes[pool], _errors_of(pool, plans), depth(pool)) for pool in edges}


def _errors_of(population, plans):
    return tuple(edge.back for edge in plans if edge.source == population and edge.back)


# ---------------------------------------------------------------------------------------- nodes
def _plan_node(name, key, node, shape, plans, is_taught, common):
    owner, n = f"'{key}' of '{name}'", math.prod(shape)
    has_target = node.target is not None
    for what in ('loss', 'beta'):
        if getattr(node, what) is not None and not has_target:
            raise ValueError(f"{owner} has {what}={getattr(node, what)!r}, but no target; give "
                             "target='rate', or leave it out")

    def given(what, default=None):
        value = getattr(node, what)
        return common[default or what] if value is None else value

    own = owner[1:-1]  # messages put it in quotes
    tau_m = given('tau_m')
    tau_r = tau_m if given('tau_r') is None else given('tau_r')
    bias = check_flag(f'bias of {owner}', given('bias'))
    if node.eta is not None and not bias:
        raise ValueError(f'{owner} has eta={node.eta}, the learning rate of its biases, but no '
                         'biases; give bias=True, or leave eta out')
    eta = one_value(own, 'eta', given('eta'), hertz)
    if bias and eta > 0/ms and not is_taught:
        raise ValueError(_cannot_learn(key, name, 'its biases') + '; or bias=False')
    loss = (choose(f'loss of {owner}', given('loss'), ('mse', 'cross_entropy')) if has_target
            else None)
    return NodePlan(
        key, shape, n,
        get_activation(given('activation', 'output_activation' if has_target else None)),
        time_constants(owner, 'tau_m', tau_m, shape), time_constants(owner, 'tau_r', tau_r, shape),
        bias, one_value(own, 'gamma', given('gamma'), signed=True), eta, node.target, loss,
        one_value(own, 'beta', given('beta')) if has_target else None,
        tuple(edge.into for edge in plans if edge.target == key) + (('b',) if bias else ()),
        _errors_of(key, plans), is_taught)


def _cannot_learn(node, name, what):
    return (f"'{node}' of '{name}' has no way to a target along which errors could come back, so "
            f'that {what} cannot learn; give it a target, an edge (with feedback) towards one, or '
            'eta=0/ms')


# ---------------------------------------------------------------------------------------- edges
def _plan_edge(name, edge, shapes, into, back, feedback, is_taught, common):
    kind, shape = kind_of(edge), shapes[edge.source]
    w_shape = weight_shape(edge, shape, shapes[edge.target])
    plan = dict(source=edge.source, target=edge.target, kind=kind, source_shape=shape, into=into,
                layer=getattr(edge, 'through', None), weight_shape=w_shape, back=back,
                feedback=feedback)
    if kind != 'forward':
        for what in _OF_WEIGHTS:
            if getattr(edge, what, None) is not None:
                raise ValueError(f"{where_from(edge)} of '{name}' is a pool, which has no weights; "
                                 f'leave {what} out')
        return EdgePlan(**plan)
    own = f"{edge.source}->{edge.target}' of '{name}"  # messages put it in quotes
    eta = one_value(own, 'eta', common['eta'] if edge.eta is None else edge.eta, hertz)
    if eta > 0/ms and not is_taught:
        raise ValueError(_cannot_learn(edge.target, name, f'{where_from(edge)}'))
    values = {}
    for what, unit in (('decay', hertz), ('w_max', None)):
        value = getattr(edge, what)
        if value is not None and not eta > 0/ms:
            raise ValueError(f"{where_from(edge)} of '{name}' has {what}={value}, but its weights "
                             f'do not learn (eta is 0); give it an eta, or leave {what} out')
        value = common[what] if value is None else value
        values[what] = (None if value is None or not eta > 0/ms
                        else one_value(own, what, value, unit))
    decay = 0/ms if values['decay'] is None else values['decay']
    if values['w_max'] is not None:
        check_positive(f"w_max of {where_from(edge)} of '{name}'", values['w_max'])
    if back and feedback == 'mirror' and not decay > 0/ms:
        raise ValueError(f"{where_from(edge)} of '{name}' has feedback='mirror', which needs an "
                         'eta and a decay of its weights, e.g. decay=0.001/ms')
    limits = _limits(name, edge, w_shape, values['w_max'])
    return EdgePlan(**plan, eta=eta, decay=decay, limits=limits,
                    w_max=values['w_max'] if limits is None else None)


def _limits(name, edge, shape, w_max):
    if edge.mask is None and edge.sign is None:
        return None
    what = f"{{}} of {where_from(edge)} of '{name}'".format
    mask = np.ones(shape)
    if edge.mask is not None:
        mask = read_array(what('mask'), edge.mask, (0, 1), shape)
        if not mask.any():
            raise ValueError(f"{what('mask')} leaves no weights; give some, or leave the edge out")
    sign = np.zeros(())
    if edge.sign is not None:
        sign = read_array(what('sign'), edge.sign, (-1, 0, 1))
        n_pre = shape[1]
        if sign.shape not in ((), (n_pre,)):
            those = 'presynaptic neurons' if edge.through is None else 'input channels'
            raise ValueError(f"{what('sign')} has the shape {sign.shape}; give one sign, or one "
                             f'for each of {n_pre} {those}')
        sign = sign.reshape(sign.shape + (1,)*(len(shape) - 2)) if sign.ndim else sign
    return Limits(mask, sign, NO_LIMIT if w_max is None else w_max)


def _check_asked(name, plans, common):
    """What is given to a graph has to have an effect."""
    learns = any(edge.kind == 'forward' and edge.eta > 0/ms for edge in plans)
    for what, nothing in (('decay', 0/ms), ('w_max', None)):
        value = common[what]
        if value is not None:
            value = one_value(name, what, value, None if what == 'w_max' else hertz)
        if not learns and value is not None and (nothing is None or value > nothing):
            raise ValueError(f"'{name}' has {what}={common[what]}, but no weights that learn (eta "
                             "is 0)")


def _check_names(name, plan):
    """Names of objects and variables are told apart."""
    populations = [*plan.shapes]
    objects = ['schedule', 'energy', *populations,
               *(f'{kind}_{edge.label}' for edge in plan.edges for kind in (edge.kind, 'feedback')
                 if kind != 'feedback' or edge.has_own_feedback),
               *(f'{kind}_{node}' for kind in ('bias', 'softmax', 'tau_m', 'tau_r', 'energy')
                 for node in plan.nodes)]
    for label, number in Counter(objects).items():
        if number > 1:
            raise ValueError(f"two objects of '{name}' would be called '{name}_{label}'; give "
                             'populations other names')
    for node in plan.nodes.values():
        for variable, number in Counter(node.inputs + node.errors).items():
            if number > 1:
                raise ValueError(f"'{node.name}' of '{name}' would have two inputs '{variable}'; "
                                 'give populations other names')
