"""What all tests share."""

import os

from brian2.codegen.runtime.cython_rt.extension_manager import get_cython_cache_dir


def test_modules_are_not_left_in_the_users_own_cache():
    folder = os.environ['CYTHON_CACHE_DIR']
    assert os.path.dirname(get_cython_cache_dir()) == folder == os.path.join(
        os.path.dirname(os.environ['BRIAN_LE_CACHE']), 'cython')
