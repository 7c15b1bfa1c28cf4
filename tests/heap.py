"""A small heap for Python to look through."""

import gc


def forget():
    """Collect garbage, and never look at what is left again, such as imports and Brian2's caches.

    Brian2 collects before each run of a network, which takes longer than a small network otherwise.
    """
    gc.collect()
    gc.freeze()
