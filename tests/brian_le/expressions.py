"""Random expressions, and what they come to."""

import numpy as np
from hypothesis import strategies as st

COPIES = 4
NEURONS = ('r_pre', 'v_post', 'err_post')
FUNCTIONS = {'tanh': np.tanh, 'exp': np.exp, 'clip': np.clip, 'abs': np.abs}


def expressions(*names):
    leaves = st.one_of(st.sampled_from(names), st.sampled_from(['2', '0.5', '3.0']))
    return st.recursive(leaves, lambda inner: st.one_of(
        st.builds('({} + {})'.format, inner, inner), st.builds('({} - {})'.format, inner, inner),
        st.builds('{}*{}'.format, inner, inner), st.builds('{}/(2 + {}**2)'.format, inner, inner),
        st.builds('(-{})'.format, inner), st.builds('tanh({})'.format, inner),
        st.builds('clip({}, -0.5, 1)'.format, inner), st.builds('1/(3 + abs({}))'.format, inner)),
        max_leaves=8)


def numbers(seed):
    """A value for each name, for neurons one for each copy."""
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=COPIES) for name in NEURONS}
    return values | {name: rng.normal() for name in ('w', 'x', 'eta', 'm')}


def evaluate(code, values):
    return eval(code, {**FUNCTIONS, **values})
