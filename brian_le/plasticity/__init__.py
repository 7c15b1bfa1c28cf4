"""Projections and their local plasticity as equations, and what optimisers make of gradients."""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'microcircuit': ['apical_silencing', 'dendritic_prediction', 'fixed_weights', 'one_to_one'],
    'errors': ['bias_learning', 'error_feedback', 'error_learning', 'lookahead_learning',
               'membrane_learning', 'time_constant_matching'],
    'dendrites': ['coupling_learning'],
    'phaseless': ['high_passed_rate', 'phaseless_alignment'],
    'optimisers': ['Adam', 'SGD'],
})
