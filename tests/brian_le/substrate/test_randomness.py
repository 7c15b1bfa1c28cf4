import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brian_le.substrate import normal_number, uniform_number

M = 2**64 - 1


def mixed(x):
    """One output of SplitMix64 from a state, in Python's whole numbers."""
    x = (x + 0x9E3779B97F4A7C15) & M
    x = ((x ^ (x >> 30))*0xBF58476D1CE4E5B9) & M
    x = ((x ^ (x >> 27))*0x94D049BB133111EB) & M
    return x ^ (x >> 31)


def test_published_outputs_of_the_generator():
    """The first of the seed 1234567."""
    assert mixed(1234567) == 6457827717110365317


whole = st.integers(-2**31, 2**31 - 1)


@given(whole, whole, whole)
def test_numbers(key, step, number):
    bits = mixed((mixed((mixed(key & M) + step) & M) + number) & M)
    u, v = (((b >> 11) + 0.5)/2**53 for b in (bits, mixed(bits)))
    assert uniform_number(key, step, number) == u
    np.testing.assert_allclose(normal_number(key, step, number),
                               math.sqrt(-2*math.log(u))*math.cos(2*math.pi*v), rtol=1e-12)


@pytest.mark.parametrize('varied', [0, 1, 2])
def test_every_number_makes_a_stream(varied):
    n = 100_000
    arguments = [3, 5, 7]
    arguments[varied] = np.arange(n)
    u, z = uniform_number(*arguments), normal_number(*arguments)
    assert 0 < u.min() and u.max() < 1
    counts = np.bincount((u*100).astype(int), minlength=100)
    assert np.sum((counts - n/100)**2)/(n/100) < 99 + 5*np.sqrt(2*99)  # chi squared
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(z**power) - moment) < 4*np.sqrt(variance/n), power
    for lag in (1, 2, 7, 64):
        assert abs(np.mean(z[lag:]*z[:-lag])) < 4/np.sqrt(n - lag), lag


def test_streams_of_neighbours_are_independent():
    n = 100_000
    first = normal_number(1, 1, np.arange(n))
    for other in (normal_number(2, 1, np.arange(n)), normal_number(1, 2, np.arange(n)),
                  normal_number(np.arange(n), 1, 1), normal_number(1, np.arange(n), 1)):
        assert abs(np.mean(first*other)) < 4/np.sqrt(n)


@pytest.mark.parametrize('function', [normal_number, uniform_number])
def test_examples(function):
    """These are objects, in which doctest does not look."""
    example = doctest.DocTestParser().get_doctest(function.__doc__, {}, 'example', None, None)
    found = doctest.DocTestRunner().run(example)
    assert found.attempted >= 2 and not found.failed
