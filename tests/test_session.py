"""What all tests share."""

import os

import numpy as np
from brian2 import NeuronGroup, ms
from brian2.codegen.runtime.cython_rt.extension_manager import get_cython_cache_dir
from brian2.utils import caching


def test_modules_are_not_left_in_the_users_own_cache():
    folder = os.environ['CYTHON_CACHE_DIR']
    assert os.path.dirname(get_cython_cache_dir()) == folder == os.path.join(
        os.path.dirname(os.environ['BRIAN_LE_CACHE']), 'cython')


def test_keys_are_those_of_brian2(monkeypatch):
    group = NeuronGroup(3, '''dv/dt = (x - v)/(5*ms) : 1
                              x = sin(t/ms) : 1
                              n : integer (shared)''', namespace={})
    arguments = [group.equations, dict(group.variables), [3*ms, 2.5, True, None, 'x'],
                 {'a': {1, 2}, 'b': (np.float32, [4])}, np.float64(3)]
    quick = [caching._hashable(argument) for argument in arguments]
    original = caching._hashable.__wrapped__
    monkeypatch.setattr(caching, '_hashable', original)
    assert quick == [original(argument) for argument in arguments]
