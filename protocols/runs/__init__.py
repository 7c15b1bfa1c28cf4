"""Runs of protocols, results on disk, and exported projects."""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'exports': ['export', 'load_export'],
    'results': ['Result', 'load_result'],
    'running': ['run'],
})
