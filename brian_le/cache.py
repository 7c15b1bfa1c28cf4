"""Where compiled programs are kept.

In the folder that the variable BRIAN_LE_CACHE names, or else in ``brian_le`` of the user's folder for
caches: on Linux ``~/.cache``, or the folder that XDG_CACHE_HOME names.
"""

import os
from pathlib import Path

import platformdirs

__all__ = ['cache_folder']


def cache_folder():
    """The folder of the cache, which need not exist; None for a user who has no home."""
    named = os.environ.get('BRIAN_LE_CACHE')
    if named:
        return Path(named).absolute()
    try:
        folder = Path(platformdirs.user_cache_dir('brian_le', appauthor=False))
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None
